/*
 * IPv6 headers, fragment headers and options of extension headers.
 */
#include "wire/ipv6.h"
#include "tests/test.h"
#include "tests/wire/same.h"

/** A TCP segment's header from 2001:db8::1 to 2001:db8::2, traffic class 2e, flow label 12345. */
static const uint8_t known[40] = {
    0x62, 0xe1, 0x23, 0x45, 0x00, 0x14, 0x06, 0x40, 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0,
    0,    0,    0,    1,    0x20, 0x01, 0x0d, 0xb8, 0,    0,    0,    0,    0, 0, 0, 0, 0, 0, 0, 2};

TEST(a_header_is_parsed_and_emitted)
{
    uint8_t frame[61] = {0}, room[40];
    memcpy(frame, known, 40);
    struct ipv6_header header;
    CHECK_EQ(ipv6_parse(&header, frame, 60), 40);
    CHECK_EQ(header.traffic_class, 0x2e);
    CHECK_EQ(header.flow_label, 0x12345);
    CHECK_EQ(header.payload_bytes, 20);
    CHECK_EQ(header.next_header, PROTOCOL_TCP);
    CHECK_EQ(header.hop_limit, 64);
    char text[STRATA_ADDRESS_TEXT];
    strata_address_format(&header.destination, text, sizeof text);
    CHECK_STR(text, "2001:db8::2");
    CHECK_EQ(ipv6_emit(room, &header), 40);
    CHECK_MEM(room, known, 40);
    CHECK_EQ(ipv6_parse(&header, frame, 61), 40); // Link padding.
}

TEST(headers_that_lie_are_refused)
{
    uint8_t frame[60] = {0};
    memcpy(frame, known, 40);
    struct ipv6_header header;
    for (size_t size = 0; size < 60; size++)
        CHECK_EQ(ipv6_parse(&header, frame, size), WIRE_BAD(ipv6_drop_short));
    CHECK_EQ(ipv6_parse_quoted(&header, frame, 40), 40);
    CHECK_EQ(ipv6_parse_quoted(&header, frame, 39), WIRE_BAD(ipv6_drop_short));
    frame[0] = 0x42;
    CHECK_EQ(ipv6_parse(&header, frame, 60), WIRE_BAD(ipv6_drop_version));
    CHECK_EQ(ipv6_parse_quoted(&header, frame, 60), WIRE_BAD(ipv6_drop_version));
}

TEST(a_mapped_address_has_no_place_in_ipv6)
{
    uint8_t frame[60] = {0};
    struct strata_address mapped = strata_ipv4(10, 0, 0, 1);
    struct ipv6_header header;
    memcpy(frame, known, 40);
    memcpy(frame + 8, &mapped, 16);
    CHECK_EQ(ipv6_parse(&header, frame, 60), WIRE_BAD(ipv6_drop_source));
    memcpy(frame, known, 40);
    memcpy(frame + 24, &mapped, 16);
    CHECK_EQ(ipv6_parse(&header, frame, 60), WIRE_BAD(ipv6_drop_destination));
}

TEST(what_is_emitted_is_parsed)
{
    static uint8_t room[40 + 65535];
    uint64_t seed = 1;
    for (int i = 0; i < 5000; i++) {
        struct ipv6_header header = {0}, parsed = {0};
        header.traffic_class = (uint8_t)test_random(&seed);
        header.flow_label = (uint32_t)test_below(&seed, 1 << 20);
        header.payload_bytes = (uint16_t)test_random(&seed);
        header.next_header = (uint8_t)test_random(&seed);
        header.hop_limit = (uint8_t)test_random(&seed);
        test_fill(&seed, &header.source, 16);
        test_fill(&seed, &header.destination, 16);
        CHECK_EQ(ipv6_emit(room, &header), 40);
        CHECK_EQ(ipv6_parse(&parsed, room, sizeof room), 40);
        CHECK(same_ipv6(&parsed, &header));
        struct ipv6_fragment fragment = {0}, again = {0};
        fragment.next_header = (uint8_t)test_random(&seed);
        fragment.offset_bytes = (uint16_t)(test_random(&seed) & 0xfff8);
        fragment.more_fragments = test_below(&seed, 2);
        fragment.identification = (uint32_t)test_random(&seed);
        CHECK_EQ(ipv6_fragment_emit(room, &fragment), 8);
        CHECK_EQ(ipv6_fragment_parse(&again, room, 8), 8);
        CHECK(same_fragment(&again, &fragment));
    }
}

TEST(congestion_experienced_is_marked_in_place)
{
    // RFC 3168 5: ECT(0) and ECT(1) become CE, CE stays, Not-ECT is left alone, and so is all that surrounds it.
    static const uint8_t before[] = {0xb8, 0xb9, 0xba, 0xbb}, after[] = {0xb8, 0xbb, 0xbb, 0xbb};
    for (size_t i = 0; i < 4; i++) {
        struct ipv6_header header = {.traffic_class = before[i], .flow_label = 0xfffff, .hop_limit = 1};
        uint8_t marked[40], expected[40];
        ipv6_emit(marked, &header);
        header.traffic_class = after[i];
        ipv6_emit(expected, &header);
        CHECK_EQ(ipv6_mark_ce(marked), i > 0);
        CHECK_MEM(marked, expected, 40);
    }
}

TEST(a_fragment_header)
{
    static const uint8_t bytes[8] = {17, 0xaa, 0x05, 0xaf, 0x12, 0x34, 0x56, 0x78}; // Reserved bits are set.
    struct ipv6_fragment fragment;
    CHECK_EQ(ipv6_fragment_parse(&fragment, bytes, 8), 8);
    CHECK_EQ(fragment.next_header, PROTOCOL_UDP);
    CHECK_EQ(fragment.offset_bytes, 0x5a8);
    CHECK(fragment.more_fragments);
    CHECK_EQ(fragment.identification, 0x12345678);
    CHECK_EQ(ipv6_fragment_parse(&fragment, bytes, 7), WIRE_BAD(ipv6_drop_extension));
}

TEST(padding_is_skipped_and_options_are_found)
{
    // RFC 8200-5: Pad1, PadN of several lengths, then a router alert, PadN, an unknown option, Pad1.
    static const uint8_t options[] = {0, 1, 0, 1, 2, 0, 0, 5, 2, 0, 1, 1, 1, 9, 0xc2, 0, 0};
    struct ipv6_option option;
    size_t position = 0;
    CHECK_EQ(ipv6_option_next(options, sizeof options, &position, &option), 1);
    CHECK_EQ(option.type, 5);
    CHECK_EQ(option.length, 2);
    CHECK_EQ(option.offset, 7);
    CHECK_EQ(ipv6_option_next(options, sizeof options, &position, &option), 1);
    CHECK_EQ(option.type, 0xc2);
    CHECK_EQ(option.length, 0);
    CHECK_EQ(option.offset, 14);
    CHECK_EQ(ipv6_option_next(options, sizeof options, &position, &option), 0);
    CHECK_EQ(position, sizeof options);
}

TEST(options_that_lie_are_refused)
{
    static const uint8_t lies[][3] = {{5, 2, 0}, {1, 2, 0}, {0, 0, 5}, {0, 1, 1}, {0xc2, 255, 0}};
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        struct ipv6_option option;
        size_t position = 0;
        CHECK_EQ(ipv6_option_next(lies[i], 3, &position, &option), WIRE_BAD(ipv6_drop_extension));
    }
}

TEST_MAIN(TEST_ENTRY(a_header_is_parsed_and_emitted), TEST_ENTRY(headers_that_lie_are_refused),
          TEST_ENTRY(a_mapped_address_has_no_place_in_ipv6), TEST_ENTRY(what_is_emitted_is_parsed),
          TEST_ENTRY(congestion_experienced_is_marked_in_place), TEST_ENTRY(a_fragment_header),
          TEST_ENTRY(padding_is_skipped_and_options_are_found),
          TEST_ENTRY(options_that_lie_are_refused))
