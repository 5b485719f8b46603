/**
 * DHCP messages as bytes.
 */
#include "wire/dhcp.h"
#include "tests/test.h"

#include <errno.h>

static const struct dhcp_message offer = {
    .op = DHCP_BOOTREPLY,
    .hardware_type = 1,
    .hardware_length = 6,
    .xid = 0x3903f326,
    .seconds = 4,
    .broadcast = true,
    .yiaddr = 0x0a000064,
    .chaddr = {2, 0, 0, 0, 0, 1},
    .present = 1ull << DHCP_OPTION_TYPE | 1ull << DHCP_OPTION_SERVER_ID | 1ull << DHCP_OPTION_LEASE_TIME |
               1ull << DHCP_OPTION_SUBNET_MASK | 1ull << DHCP_OPTION_ROUTER | 1ull << DHCP_OPTION_DNS |
               1ull << DHCP_OPTION_CLIENT_ID | 1ull << DHCP_OPTION_DOMAIN | 1ull << DHCP_OPTION_MTU,
    .type = DHCP_OFFER,
    .subnet_mask = 0xffffff00,
    .server_id = 0x0a000001,
    .lease_s = 3600,
    .mtu = 1400,
    .routers = {{0x0a000001, 0x0a000002}, 2},
    .dns = {{0x0a000035}, 1},
    .client_id = {7, {1, 2, 0, 0, 0, 0, 1}},
    .domain = {8, "test.lab"},
};

/** A message with these bytes of options. */
static size_t with_options(uint8_t *room, const char *options, size_t size)
{
    struct dhcp_message plain = {
        .op = DHCP_BOOTREPLY, .hardware_type = 1, .hardware_length = 6, .type = DHCP_OFFER};
    dhcp_emit(room, 600, &plain);
    memcpy(room + DHCP_FIXED_BYTES, options, size);
    return DHCP_FIXED_BYTES + size;
}

TEST(a_message_survives_the_wire)
{
    uint8_t room[DHCP_MESSAGE_BYTES];
    struct dhcp_message back;
    size_t size = dhcp_emit(room, sizeof room, &offer);
    CHECK(size >= DHCP_MESSAGE_LEAST_BYTES);
    REQUIRE(dhcp_parse(&back, room, size) == 0);
    CHECK_MEM(&back, &offer, sizeof offer);
    for (size_t i = 0; i < DHCP_FIXED_BYTES; i++)
        CHECK_EQ(dhcp_emit(room, i, &offer), 0);
}

TEST(every_option_survives_the_wire)
{
    uint64_t random = 11;
    for (int i = 0; i < 300; i++) {
        struct dhcp_message message = offer, back;
        message.type = (enum dhcp_type)(1 + test_below(&random, 8));
        message.present = 1ull << DHCP_OPTION_TYPE;
        static const uint8_t numbers[] = {1, 28, 50, 51, 54, 58, 59};
        uint32_t *const fields[] = {&message.subnet_mask, &message.broadcast_address, &message.requested,
                                    &message.lease_s,     &message.server_id,         &message.renewal_s,
                                    &message.rebinding_s};
        memset(&message.routers, 0, sizeof message.routers);
        memset(&message.dns, 0, sizeof message.dns);
        memset(&message.client_id, 0, sizeof message.client_id);
        memset(&message.domain, 0, sizeof message.domain);
        message.mtu = 0;
        for (size_t n = 0; n < 7; n++) {
            *fields[n] = 0;
            if (test_below(&random, 2)) {
                *fields[n] = (uint32_t)test_random(&random);
                dhcp_set(&message, numbers[n]);
            }
        }
        if (test_below(&random, 2)) {
            message.parameters.length = (uint8_t)(1 + test_below(&random, DHCP_PARAMETERS_MAX));
            test_fill(&random, message.parameters.bytes, message.parameters.length);
            dhcp_set(&message, DHCP_OPTION_PARAMETERS);
        }
        uint8_t room[DHCP_MESSAGE_BYTES];
        size_t size = dhcp_emit(room, sizeof room, &message);
        REQUIRE(dhcp_parse(&back, room, size) == 0);
        CHECK_MEM(&back, &message, sizeof message);
    }
}

TEST(overloaded_fields_are_read_in_order)
{
    // RFC 2131-13: the options field first, then file, then sname. The three parts of one name come in that
    // order.
    uint8_t room[600];
    size_t size = with_options(room, "\x35\1\2\x34\1\3\x0f\3one\xff", 12);
    memcpy(room + 108, "\x0f\3two\x03\4\x0a\0\0\1\xff", 12);
    memcpy(room + 44, "\x0f\5three\xff", 8);
    struct dhcp_message message;
    REQUIRE(dhcp_parse(&message, room, size) == 0);
    CHECK_STR(message.domain.text, "onetwothree");
    CHECK_EQ(message.routers.address[0], 0x0a000001);
    room[DHCP_FIXED_BYTES + 5] = 1; // Only file is overloaded.
    REQUIRE(dhcp_parse(&message, room, size) == 0);
    CHECK_STR(message.domain.text, "onetwo");
    room[DHCP_FIXED_BYTES + 5] = 2; // Only sname.
    REQUIRE(dhcp_parse(&message, room, size) == 0);
    CHECK_STR(message.domain.text, "onethree");
    CHECK(!dhcp_has(&message, DHCP_OPTION_ROUTER));
    room[DHCP_FIXED_BYTES + 5] = 0;
    REQUIRE(dhcp_parse(&message, room, size) == 0);
    CHECK_STR(message.domain.text, "one");
}

TEST(what_is_no_message)
{
    static const struct {
        const char *options;
        size_t size;
        int result;
    } cases[] = {
        {"\x35\1\2\xff", 4, 0},
        {"\x35\1\2", 3, 0},                              // without an end
        {"\0\0\x35\1\2\0", 6, 0},                        // padding
        {"\xff\x35\1\2", 4, -EBADMSG},                   // nothing before the end
        {"\x35\1\0\xff", 4, -EBADMSG},                   // no such type
        {"\x35\1\x09\xff", 4, -EBADMSG},                 //
        {"\x35\2\2\2\xff", 5, -EBADMSG},                 // a type of two bytes
        {"\x35\1\2\x33\3\0\0\1\xff", 9, -EBADMSG},       // a lease time of three bytes
        {"\x35\1\2\x03\5\0\0\0\1\2\xff", 11, -EBADMSG},  // routers of five bytes
        {"\x35\1\2\x03\0\xff", 6, -EBADMSG},             // of none
        {"\x35\1\2\x33\4\0\0", 7, -EBADMSG},             // an option that is cut off
        {"\x35\1\2\x33", 4, -EBADMSG},                   // without its length
        {"\x35\1\2\xfa\xff", 5, -EBADMSG},               // an unknown option that is cut off
        {"\x35\1\2\xfa\1x\xff", 7, 0},                   // an unknown option
        {"\x35\1\2\x33\2\0\0\x33\2\x0e\x10\xff", 12, 0}, // RFC 3396: in two parts
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t room[600];
        size_t size = with_options(room, cases[i].options, cases[i].size);
        struct dhcp_message message;
        if (!CHECK_EQ(dhcp_parse(&message, room, size), cases[i].result))
            printf("        case %zu\n", i);
        if (i == 14)
            CHECK_EQ(message.lease_s, 3600);
        for (size_t cut = 0; cut < DHCP_FIXED_BYTES; cut++)
            CHECK_EQ(dhcp_parse(&message, room, cut), -EBADMSG);
        room[0] = 3; // neither request nor reply
        CHECK_EQ(dhcp_parse(&message, room, size), -EBADMSG);
        room[0] = 2;
        room[2] = 17; // a hardware address longer than its field
        CHECK_EQ(dhcp_parse(&message, room, size), -EBADMSG);
        room[2] = 6;
        room[236] ^= 1; // another cookie
        CHECK_EQ(dhcp_parse(&message, room, size), -EBADMSG);
    }
}

TEST(long_options_are_cut)
{
    uint8_t room[600];
    char options[300] = "\x35\1\2\x3d\xff";
    memset(options + 5, 'c', 255);
    struct dhcp_message message;
    REQUIRE(dhcp_parse(&message, room, with_options(room, options, 260)) == 0);
    CHECK_EQ(message.client_id.length, DHCP_CLIENT_ID_MAX);
    options[3] = DHCP_OPTION_HOST_NAME;
    REQUIRE(dhcp_parse(&message, room, with_options(room, options, 260)) == 0);
    CHECK_EQ(message.host_name.length, DHCP_TEXT_MAX);
    options[3] = DHCP_OPTION_DNS;
    options[4] = (char)252;
    REQUIRE(dhcp_parse(&message, room, with_options(room, options, 257)) == 0);
    CHECK_EQ(message.dns.count, DHCP_ADDRESSES_MAX);
}

TEST(messages_in_one_line)
{
    uint8_t room[DHCP_MESSAGE_BYTES];
    char line[200];
    size_t size = dhcp_emit(room, sizeof room, &offer);
    struct text text = text_of(line, sizeof line);
    dhcp_print(&text, room, size);
    CHECK_STR(line, "DHCP OFFER xid=3903f326 yours=10.0.0.100 server=10.0.0.1 lease=3600");
    text = text_of(line, sizeof line);
    dhcp_print(&text, room, 200);
    CHECK_STR(line, "DHCP malformed");
}

TEST_MAIN(TEST_ENTRY(a_message_survives_the_wire), TEST_ENTRY(every_option_survives_the_wire),
          TEST_ENTRY(overloaded_fields_are_read_in_order), TEST_ENTRY(what_is_no_message),
          TEST_ENTRY(long_options_are_cut), TEST_ENTRY(messages_in_one_line))
