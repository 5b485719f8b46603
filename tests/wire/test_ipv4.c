/*
 * IPv4 headers and options.
 */
#include "wire/checksum.h"
#include "wire/ipv4.h"
#include "tests/test.h"

/** A UDP datagram's header as it is found in many a textbook, checksum b861. */
static const uint8_t known[20] = {0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11,
                                  0xb8, 0x61, 0xc0, 0xa8, 0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7};

/** The known header, changed and with a checksum that fits again, at the front of a frame of 0x73 bytes. */
struct frame {
    uint8_t bytes[0x73];
};
static struct frame frame_with(size_t at, uint8_t value)
{
    struct frame frame = {{0}};
    memcpy(frame.bytes, known, 20);
    frame.bytes[at] = value;
    bytes_put16(frame.bytes + 10, 0);
    size_t header = (frame.bytes[0] & 15u) * 4;
    bytes_put16(frame.bytes + 10, checksum_finish(checksum_add(0, frame.bytes, header)));
    return frame;
}

TEST(a_header_is_parsed_and_emitted)
{
    struct frame frame = frame_with(0, 0x45);
    CHECK_MEM(frame.bytes, known, 20);
    struct ipv4_header header;
    CHECK_EQ(ipv4_parse(&header, frame.bytes, 0x73), 20);
    CHECK_EQ(header.header_bytes, 20);
    CHECK_EQ(header.total_bytes, 0x73);
    CHECK(header.dont_fragment && !header.more_fragments);
    CHECK_EQ(header.fragment_offset_bytes, 0);
    CHECK_EQ(header.ttl, 64);
    CHECK_EQ(header.protocol, PROTOCOL_UDP);
    CHECK_EQ(address_v4(&header.source), 0xc0a80001u);
    CHECK_EQ(address_v4(&header.destination), 0xc0a800c7u);
    uint8_t room[20];
    CHECK_EQ(ipv4_emit(room, &header), 20);
    CHECK_MEM(room, known, 20);
}

TEST(congestion_experienced_is_marked_in_place)
{
    // RFC 3168 5: ECT(0) and ECT(1) become CE, CE stays, Not-ECT is left alone; the DSCP stays, the checksum fits.
    static const uint8_t before[] = {0xb8, 0xb9, 0xba, 0xbb}, after[] = {0xb8, 0xbb, 0xbb, 0xbb};
    for (size_t i = 0; i < 4; i++) {
        struct frame frame = frame_with(1, before[i]), expected = frame_with(1, after[i]);
        CHECK_EQ(ipv4_mark_ce(frame.bytes), i > 0);
        CHECK_MEM(frame.bytes, expected.bytes, sizeof frame.bytes);
    }
}

TEST(link_padding_is_no_part_of_the_datagram)
{
    struct frame frame = frame_with(3, 40);
    struct ipv4_header header;
    CHECK_EQ(ipv4_parse(&header, frame.bytes, 0x73), 20);
    CHECK_EQ(header.total_bytes, 40);
    CHECK_EQ(ipv4_parse(&header, frame.bytes, 40), 20);
}

TEST(the_five_checks)
{
    struct ipv4_header header;
    struct frame frame;
    // RFC 1812-1: the link's length holds a header.
    for (size_t size = 0; size < 20; size++)
        CHECK_EQ(ipv4_parse(&header, known, size), WIRE_BAD(ipv4_drop_short));
    // The checksum fits; any bit can break it.
    for (int bit = 0; bit < 160; bit++) {
        frame = frame_with(0, 0x45);
        frame.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        CHECK(ipv4_parse(&header, frame.bytes, 0x73) < 0);
    }
    frame = frame_with(0, 0x45);
    frame.bytes[11]++;
    CHECK_EQ(ipv4_parse(&header, frame.bytes, 0x73), WIRE_BAD(ipv4_drop_checksum));
    // The version is 4.
    frame = frame_with(0, 0x55);
    CHECK_EQ(ipv4_parse(&header, frame.bytes, 0x73), WIRE_BAD(ipv4_drop_version));
    // RFC 791-1: five words at least, and no more than there are.
    for (uint8_t words = 0; words < 5; words++) {
        frame = frame_with(0, 0x40 | words);
        CHECK_EQ(ipv4_parse(&header, frame.bytes, 0x73), WIRE_BAD(ipv4_drop_header_length));
    }
    frame = frame_with(0, 0x4f);
    CHECK_EQ(ipv4_parse(&header, frame.bytes, 59), WIRE_BAD(ipv4_drop_header_length));
    // The total length holds the header, and the frame holds the total length.
    frame = frame_with(3, 19);
    CHECK_EQ(ipv4_parse(&header, frame.bytes, 0x73), WIRE_BAD(ipv4_drop_total_length));
    frame = frame_with(3, 20);
    CHECK_EQ(ipv4_parse(&header, frame.bytes, 0x73), 20);
    frame = frame_with(3, 0x73);
    CHECK_EQ(ipv4_parse(&header, frame.bytes, 0x72), WIRE_BAD(ipv4_drop_total_length));
}

TEST(a_reserved_bit_is_no_reason_to_drop)
{
    // RFC 1812-23
    struct frame frame = frame_with(6, 0xc0);
    struct ipv4_header header;
    CHECK_EQ(ipv4_parse(&header, frame.bytes, 0x73), 20);
    CHECK(header.dont_fragment && !header.more_fragments);
}

TEST(what_an_error_quotes_may_be_cut)
{
    struct ipv4_header header;
    CHECK_EQ(ipv4_parse_quoted(&header, known, 20), 20);
    CHECK_EQ(header.total_bytes, 0x73);
    uint8_t changed[20];
    memcpy(changed, known, 20);
    changed[8] = 0; // A router on the way changes the TTL.
    CHECK_EQ(ipv4_parse_quoted(&header, changed, 20), 20);
    CHECK_EQ(ipv4_parse_quoted(&header, changed, 19), WIRE_BAD(ipv4_drop_short));
    changed[0] = 0x46;
    CHECK_EQ(ipv4_parse_quoted(&header, changed, 20), WIRE_BAD(ipv4_drop_header_length));
    changed[0] = 0x65;
    CHECK_EQ(ipv4_parse_quoted(&header, changed, 20), WIRE_BAD(ipv4_drop_version));
    changed[0] = 0x45;
    changed[3] = 19;
    CHECK_EQ(ipv4_parse_quoted(&header, changed, 20), WIRE_BAD(ipv4_drop_total_length));
}

TEST(what_is_emitted_is_parsed)
{
    uint64_t seed = 1;
    static uint8_t room[65535];
    for (int i = 0; i < 5000; i++) {
        struct ipv4_header header = {0}, parsed = {0};
        header.header_bytes = (uint8_t)(20 + 4 * test_below(&seed, 11));
        header.tos = (uint8_t)test_random(&seed);
        header.total_bytes = (uint16_t)(header.header_bytes + test_below(&seed, 65536 - header.header_bytes));
        header.identification = (uint16_t)test_random(&seed);
        header.dont_fragment = test_below(&seed, 2);
        header.more_fragments = test_below(&seed, 2);
        header.fragment_offset_bytes = (uint16_t)(8 * test_below(&seed, 8192));
        header.ttl = (uint8_t)test_random(&seed);
        header.protocol = (uint8_t)test_random(&seed);
        header.source = address_from_v4((uint32_t)test_random(&seed));
        header.destination = address_from_v4((uint32_t)test_random(&seed));
        test_fill(&seed, header.options, header.header_bytes - 20u);
        CHECK_EQ(ipv4_emit(room, &header), header.header_bytes);
        CHECK_EQ(ipv4_parse(&parsed, room, sizeof room), header.header_bytes);
        CHECK_MEM(&parsed, &header, sizeof header);
        if (header.ttl == 0)
            continue;
        // RFC 1071-4: a header whose TTL was lowered in place is as valid as one made afresh.
        ipv4_decrement_ttl(room);
        header.ttl--;
        CHECK_EQ(ipv4_parse(&parsed, room, sizeof room), header.header_bytes);
        CHECK_MEM(&parsed, &header, sizeof header);
    }
}

TEST(options_are_walked)
{
    // RFC 791-8: NOP and end are one byte, all others have a length.
    uint8_t options[] = {1, 7, 7, 4, 0, 0, 0, 0, 1, 1, 148, 4, 0, 0, 1, 0, 99, 99};
    struct ipv4_option option;
    size_t position = 0;
    CHECK_EQ(ipv4_option_next(options, sizeof options, &position, &option), 1);
    CHECK_EQ(option.type, IPV4_OPTION_RECORD_ROUTE);
    CHECK_EQ(option.length, 7);
    CHECK(option.bytes == options + 1);
    CHECK_EQ(position, 8);
    CHECK_EQ(ipv4_option_next(options, sizeof options, &position, &option), 1);
    CHECK_EQ(option.type, IPV4_OPTION_ROUTER_ALERT);
    CHECK_EQ(ipv4_option_next(options, sizeof options, &position, &option), 0); // The end, a zero.
    CHECK_EQ(ipv4_option_next(options, sizeof options, &position, &option), 0);
    position = 0;
    CHECK_EQ(ipv4_option_next(options, 1, &position, &option), 0); // Nothing but a NOP.
    position = 0;
    CHECK_EQ(ipv4_option_next(options, 0, &position, &option), 0);
}

TEST(options_that_lie_are_refused)
{
    // RFC 791-8: a length of at least two, and inside the header.
    static const uint8_t lies[][4] = {
        {7, 0, 4, 0}, {7, 1, 4, 0}, {7, 5, 4, 0}, {1, 1, 1, 7}, {131, 255, 4, 0}};
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        uint8_t options[4];
        struct ipv4_option option;
        size_t position = 0;
        memcpy(options, lies[i], 4);
        CHECK_EQ(ipv4_option_next(options, 4, &position, &option), WIRE_BAD(ipv4_drop_options));
    }
}

TEST_MAIN(TEST_ENTRY(a_header_is_parsed_and_emitted), TEST_ENTRY(congestion_experienced_is_marked_in_place),
          TEST_ENTRY(link_padding_is_no_part_of_the_datagram),
          TEST_ENTRY(the_five_checks), TEST_ENTRY(a_reserved_bit_is_no_reason_to_drop),
          TEST_ENTRY(what_an_error_quotes_may_be_cut), TEST_ENTRY(what_is_emitted_is_parsed),
          TEST_ENTRY(options_are_walked), TEST_ENTRY(options_that_lie_are_refused))
