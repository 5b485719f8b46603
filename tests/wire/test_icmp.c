/*
 * ICMP and ICMPv6 messages, UDP headers.
 */
#include "wire/checksum.h"
#include "wire/icmp.h"
#include "wire/udp.h"
#include "tests/test.h"

TEST(an_echo_request)
{
    // ping -p 00 -s 8, id 1, sequence 2: 0800 + 0001 + 0002 = 0803, checksum f7fc.
    static const uint8_t known[16] = {8, 0, 0xf7, 0xfc, 0, 1, 0, 2};
    struct icmp_header header;
    CHECK_EQ(icmp_parse(&header, known, sizeof known, 0), 8);
    CHECK_EQ(header.type, ICMP_ECHO);
    CHECK_EQ(header.code, 0);
    CHECK_EQ(header.checksum, 0xf7fc);
    CHECK_EQ(header.rest, 0x00010002);
    uint8_t room[16];
    memset(room, 0xee, sizeof room);
    memset(room + 8, 0, 8);
    CHECK_EQ(icmp_emit(room, &header, 8, 0), 8);
    CHECK_MEM(room, known, 16);
}

TEST(the_checksum_covers_the_whole_message)
{
    uint8_t message[40];
    uint64_t seed = 1;
    test_fill(&seed, message, sizeof message);
    struct icmp_header header = {.type = ICMP_ECHO_REPLY, .rest = 77};
    icmp_emit(message, &header, 32, 0);
    CHECK_EQ(icmp_parse(&header, message, 40, 0), 8);
    // RFC 792-1: any bit of header or data breaks it.
    for (int bit = 0; bit < 320; bit++) {
        message[bit / 8] ^= (uint8_t)(1 << bit % 8);
        CHECK_EQ(icmp_parse(&header, message, 40, 0), WIRE_BAD(icmp_drop_checksum));
        message[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t size = 0; size < 8; size++)
        CHECK_EQ(icmp_parse(&header, message, size, 0), WIRE_BAD(icmp_drop_short));
}

TEST(icmpv6_counts_the_pseudo_header)
{
    // RFC 4443-1: next header 58. Echo request ::1 to ::1, id and sequence 1, no data:
    // 0001 + 0001 + 0008 + 003a + 8000 + 0001 + 0001 = 8046, checksum 7fb9.
    struct strata_address loopback = {{[15] = 1}}, other = {{[15] = 2}};
    uint64_t pseudo = checksum_pseudo(&loopback, &loopback, PROTOCOL_ICMPV6, 8);
    struct icmp_header header = {.type = ICMPV6_ECHO, .rest = 0x00010001};
    uint8_t message[8];
    icmp_emit(message, &header, 0, pseudo);
    CHECK_MEM(message, "\x80\x00\x7f\xb9\x00\x01\x00\x01", 8);
    CHECK_EQ(icmp_parse(&header, message, 8, pseudo), 8);
    CHECK_EQ(icmp_parse(&header, message, 8, 0), WIRE_BAD(icmp_drop_checksum));
    CHECK_EQ(icmp_parse(&header, message, 8, checksum_pseudo(&loopback, &other, PROTOCOL_ICMPV6, 8)),
             WIRE_BAD(icmp_drop_checksum));
    CHECK_EQ(icmp_parse(&header, message, 8, checksum_pseudo(&loopback, &loopback, PROTOCOL_UDP, 8)),
             WIRE_BAD(icmp_drop_checksum));
}

TEST(what_icmp_emits_it_parses)
{
    uint64_t seed = 2;
    for (int i = 0; i < 5000; i++) {
        uint8_t room[200];
        size_t body = test_below(&seed, 190);
        uint64_t pseudo = i % 2 ? test_random(&seed) : 0;
        struct icmp_header header = {.type = (uint8_t)test_random(&seed),
                                     .code = (uint8_t)test_random(&seed),
                                     .rest = (uint32_t)test_random(&seed)};
        struct icmp_header parsed;
        test_fill(&seed, room, sizeof room);
        CHECK_EQ(icmp_emit(room, &header, body, pseudo), 8);
        CHECK_EQ(icmp_parse(&parsed, room, 8 + body, pseudo), 8);
        CHECK(parsed.type == header.type && parsed.code == header.code && parsed.rest == header.rest);
    }
}

TEST(a_udp_header)
{
    static const uint8_t known[12] = {0x30, 0x39, 0x00, 0x35, 0x00, 0x0c, 0xbe, 0xef, 'd', 'a', 't', 'a'};
    struct udp_header header;
    CHECK_EQ(udp_parse(&header, known, sizeof known), 8);
    CHECK_EQ(header.source_port, 12345);
    CHECK_EQ(header.destination_port, 53);
    CHECK_EQ(header.length, 12);
    CHECK_EQ(header.checksum, 0xbeef);
    uint8_t room[8];
    CHECK_EQ(udp_emit(room, &header), 8);
    CHECK_MEM(room, known, 8);
}

TEST(udp_lengths_that_lie_are_refused)
{
    uint8_t bytes[12] = {0x30, 0x39, 0x00, 0x35, 0x00, 0x0c};
    struct udp_header header;
    for (size_t size = 0; size < 8; size++)
        CHECK_EQ(udp_parse(&header, bytes, size), WIRE_BAD(udp_drop_short));
    // RFC 768-4: more than there is, or less than a header.
    for (size_t size = 8; size < 12; size++)
        CHECK_EQ(udp_parse(&header, bytes, size), WIRE_BAD(udp_drop_length));
    for (uint8_t length = 0; length < 8; length++) {
        bytes[5] = length;
        CHECK_EQ(udp_parse(&header, bytes, 12), WIRE_BAD(udp_drop_length));
    }
    bytes[5] = 8;
    CHECK_EQ(udp_parse(&header, bytes, 12), 8);
}

TEST(what_udp_emits_it_parses)
{
    static uint8_t room[65535];
    uint64_t seed = 3;
    for (int i = 0; i < 2000; i++) {
        struct udp_header header = {.source_port = (uint16_t)test_random(&seed),
                                    .destination_port = (uint16_t)test_random(&seed),
                                    .length = (uint16_t)(8 + test_below(&seed, 65528)),
                                    .checksum = (uint16_t)test_random(&seed)};
        struct udp_header parsed;
        CHECK_EQ(udp_emit(room, &header), 8);
        CHECK_EQ(udp_parse(&parsed, room, header.length), 8);
        CHECK_MEM(&parsed, &header, sizeof header);
    }
}

TEST_MAIN(TEST_ENTRY(an_echo_request), TEST_ENTRY(the_checksum_covers_the_whole_message),
          TEST_ENTRY(icmpv6_counts_the_pseudo_header), TEST_ENTRY(what_icmp_emits_it_parses),
          TEST_ENTRY(a_udp_header), TEST_ENTRY(udp_lengths_that_lie_are_refused),
          TEST_ENTRY(what_udp_emits_it_parses))
