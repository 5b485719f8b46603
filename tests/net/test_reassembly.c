/*
 * Reassembly of both families: holes, overlaps, bounds, time.
 */
#include "tests/net/rig.h"

/* What the fragments are of: 3000 bytes that do not repeat. */
static uint8_t whole[66000];

static struct rig *host(void)
{
    struct rig *rig = rig_new();
    rig_tunnel(rig, "10.0.0.1/24");
    rig_add_address(rig, 1, "fd00::1/64");
    for (size_t i = 0; i < sizeof whole; i++)
        whole[i] = (uint8_t)(i ^ i >> 8);
    return rig;
}

static void piece4(struct rig *rig, unsigned id, unsigned offset, unsigned length, bool more)
{
    rig_ip(rig, 1, (struct ip){.from = "10.0.0.2", .to = "10.0.0.1", .id = id, .offset = offset, .mf = more},
           whole + offset, length);
}

static void piece6(struct rig *rig, unsigned id, unsigned offset, unsigned length, bool more)
{
    rig_ip(rig, 1,
           (struct ip){
               .from = "fd00::2", .to = "fd00::1", .id = id, .offset = offset, .mf = more, .fragment = true},
           whole + offset, length);
}

typedef void piece_of(struct rig *rig, unsigned id, unsigned offset, unsigned length, bool more);
static piece_of *const families[] = {piece4, piece6};

TEST(every_order_of_four_pieces)
{
    // RFC 815-1, RFC 815-2: wherever the holes are, and whether the end is known early or late.
    static const unsigned offsets[5] = {0, 800, 1600, 2400, 3001};
    for (size_t family = 0; family < 2; family++) {
        for (unsigned order = 0; order < 256; order++) {
            unsigned seen = 0;
            for (unsigned i = 0; i < 4; i++)
                seen |= 1u << (order >> 2 * i & 3);
            if (seen != 15)
                continue; // not a permutation
            struct rig *rig = host();
            for (unsigned i = 0; i < 4; i++) {
                unsigned k = order >> 2 * i & 3;
                CHECK_EQ(rig->delivered, 0);
                families[family](rig, 1, offsets[k], offsets[k + 1] - offsets[k], k < 3);
            }
            CHECK_EQ(rig->delivered, 1);
            CHECK_EQ(rig->packet.length, 3001);
            CHECK_MEM(rig->payload, whole, 3001);
            CHECK_EQ(rig->packet.flags, NET_PACKET_REASSEMBLED);
            CHECK_EQ(COUNT(rig, reassembly_completed), 1);
            CHECK_EQ(wheel_next(&rig->core.wheel), STRATA_NEVER);
            rig_free(rig);
        }
    }
}

TEST(the_whole_header_is_that_of_the_first_fragment)
{
    struct rig *rig = host();
    static const uint8_t options[4] = {IPV4_OPTION_NOP, 0x9e, 2, 0};
    rig_ip(rig, 1, (struct ip){.from = "10.0.0.2", .to = "10.0.0.1", .id = 5, .offset = 8, .ttl = 9},
           whole + 8, 8);
    rig_ip(rig, 1,
           (struct ip){.from = "10.0.0.2",
                       .to = "10.0.0.1",
                       .id = 5,
                       .mf = true,
                       .ttl = 60,
                       .tos = 4,
                       .options = options,
                       .option_bytes = 4},
           whole, 8);
    CHECK_EQ(rig->delivered, 1);
    CHECK_EQ(rig->packet.ttl, 60);
    CHECK_EQ(rig->packet.tos, 4);
    struct ipv4_header header;
    CHECK_EQ(ipv4_parse(&header, rig->datagram, rig->packet.datagram_length), 24);
    CHECK_EQ(header.total_bytes, 24 + 16);
    CHECK(!header.more_fragments);
    CHECK_MEM(header.options, options, 4);
    rig_free(rig);
}

/* RFC 3168 5.3: no mark is lost, and none is given to whom nobody asked. */
TEST(marks_on_fragments_are_marks_on_the_whole)
{
    static const struct {
        uint8_t first, second;
        int whole; /* -1: dropped */
    } cases[] = {{0, 0, 0}, {2, 2, 2}, {1, 1, 1}, {3, 3, 3}, {2, 3, 3}, {3, 2, 3}, {1, 3, 3}, {0, 3, -1}, {3, 0, -1}};
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int ipv6 = 0; ipv6 < 2; ipv6++) {
            struct rig *rig = host();
            struct ip ip = {.from = ipv6 ? "fd00::2" : "10.0.0.2", .to = ipv6 ? "fd00::1" : "10.0.0.1", .id = 7,
                            .fragment = ipv6, .mf = true, .tos = (uint8_t)(0xb8 | cases[i].first)};
            rig_ip(rig, 1, ip, whole, 80);
            ip.mf = false;
            ip.offset = 80;
            ip.tos = (uint8_t)(0xb8 | cases[i].second);
            rig_ip(rig, 1, ip, whole + 80, 80);
            CHECK_EQ(rig->delivered, cases[i].whole < 0 ? 0 : 1);
            CHECK_EQ(COUNT(rig, reassembly_drop_ecn), cases[i].whole < 0 ? 1 : 0);
            if (cases[i].whole >= 0)
                CHECK_EQ(rig->packet.tos, 0xb8 | cases[i].whole);
            rig_free(rig);
        }
}

TEST(datagrams_are_told_apart)
{
    struct rig *rig = host();
    // RFC 791-6: by source, destination, protocol and identification.
    rig_add_address(rig, 1, "10.0.0.9/24");
    struct ip first = {.from = "10.0.0.2", .to = "10.0.0.1", .id = 5, .mf = true};
    struct ip others[] = {
        {.from = "10.0.0.3", .to = "10.0.0.1", .id = 5, .offset = 16},
        {.from = "10.0.0.2", .to = "10.0.0.9", .id = 5, .offset = 16},
        {.from = "10.0.0.2", .to = "10.0.0.1", .id = 5, .offset = 16, .protocol = PROTOCOL_TCP},
        {.from = "10.0.0.2", .to = "10.0.0.1", .id = 6, .offset = 16}};
    rig_ip(rig, 1, first, whole, 16);
    for (size_t i = 0; i < 4; i++)
        rig_ip(rig, 1, others[i], whole + 16, 8);
    CHECK_EQ(rig->delivered, 0);
    piece4(rig, 5, 16, 8, false);
    CHECK_EQ(rig->delivered, 1);
    struct strata_memory memory = {0};
    net_memory(rig->net, &memory);
    CHECK_EQ(memory.reassemblies, 4);
    rig_free(rig);
}

TEST(an_exact_copy_is_dropped_alone)
{
    // RFC 8200-12
    for (size_t family = 0; family < 2; family++) {
        struct rig *rig = host();
        families[family](rig, 1, 0, 800, true);
        families[family](rig, 1, 0, 800, true);
        families[family](rig, 1, 800, 100, false);
        CHECK_EQ(rig->delivered, 1);
        CHECK_EQ(COUNT(rig, reassembly_drop_duplicate), 1);
        rig_free(rig);
    }
}

struct overlap {
    unsigned offset, length;
    bool more, other_bytes;
};

TEST(an_overlap_gives_up_the_whole_datagram_and_what_comes_later)
{
    static const struct overlap cases[] = {
        {400, 800, true, false}, // across the end of the first
        {0, 808, true, false},   // the first and more
        {8, 16, true, false},    // within the first
        {0, 800, true, true},    // the same place, another content
        {792, 400, true, false}, // by one block
    };
    for (size_t family = 0; family < 2; family++) {
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            struct rig *rig = host();
            families[family](rig, 1, 0, 800, true);
            if (cases[i].other_bytes)
                whole[7] ^= 1;
            // RFC 5722-2, RFC 8200-12
            families[family](rig, 1, cases[i].offset, cases[i].length, cases[i].more);
            if (cases[i].other_bytes)
                whole[7] ^= 1;
            CHECK_EQ(COUNT(rig, reassembly_drop_overlap), 1);
            families[family](rig, 1, 800, 100, false);
            families[family](rig, 1, 0, 800, true);
            CHECK_EQ(rig->delivered, 0);
            CHECK_EQ(COUNT(rig, reassembly_drop_overlap), 3);
            rig_advance(rig, 61 * STRATA_SECOND);
            EXPECT_SILENCE(rig); // not a word about it
            CHECK_EQ(COUNT(rig, reassembly_timeouts), 0);
            // The identification is free again.
            families[family](rig, 1, 0, 800, true);
            families[family](rig, 1, 800, 100, false);
            CHECK_EQ(rig->delivered, 1);
            rig_free(rig);
        }
    }
}

TEST(fragments_that_disagree_about_the_end)
{
    struct contradiction {
        unsigned first, first_length, second, second_length;
        bool first_more, second_more;
    };
    static const struct contradiction cases[] = {
        {800, 100, 1600, 100, false, false}, // two ends
        {800, 100, 904, 8, false, true},     // beyond the end
        {1600, 800, 800, 100, true, false},  // an end before what is held
        {800, 104, 896, 8, false, true},     // at the end, but more is to come
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig *rig = host();
        piece4(rig, 1, cases[i].first, cases[i].first_length, cases[i].first_more);
        piece4(rig, 1, cases[i].second, cases[i].second_length, cases[i].second_more);
        CHECK_EQ(COUNT(rig, reassembly_drop_inconsistent), 1);
        piece4(rig, 1, 0, 800, true);
        CHECK_EQ(rig->delivered, 0);
        rig_free(rig);
    }
}

TEST(pieces_that_cannot_be_over_ipv4)
{
    struct rig *rig = host();
    piece4(rig, 1, 0, 801, true);
    piece4(rig, 1, 0, 0, true);
    CHECK_EQ(COUNT(rig, reassembly_drop_alignment), 2);
    piece4(rig, 2, 65528, 8, false); // RFC 815-3: ends beyond 65535
    piece4(rig, 2, 65512, 8, true);
    CHECK_EQ(COUNT(rig, reassembly_drop_too_long), 2);
    // RFC 815-4: no TCP header in the first fragment, or its flags in the second.
    rig_ip(rig, 1, (struct ip){.from = "10.0.0.2", .to = "10.0.0.1", .protocol = PROTOCOL_TCP, .mf = true},
           whole, 8);
    rig_ip(rig, 1, (struct ip){.from = "10.0.0.2", .to = "10.0.0.1", .protocol = PROTOCOL_TCP, .offset = 8},
           whole, 20);
    CHECK_EQ(COUNT(rig, reassembly_drop_tiny), 2);
    EXPECT_SILENCE(rig);
    struct strata_memory memory = {0};
    net_memory(rig->net, &memory);
    CHECK_EQ(memory.reassemblies, 0);
    rig_free(rig);
}

/* The Parameter Problem that comes next, code in the upper half, pointer below. */
static int64_t parameter_problem(struct rig *rig)
{
    rig_next(rig, 1);
    if (rig->frame_length < 48 || rig->frame[40] != ICMPV6_PARAMETER_PROBLEM)
        return -1;
    return (int64_t)rig->frame[41] << 32 | bytes_get32(rig->frame + 44);
}

TEST(pieces_that_cannot_be_over_ipv6)
{
    struct rig *rig = host();
    piece6(rig, 1, 0, 801, true); // RFC 8200-9
    CHECK_EQ(COUNT(rig, reassembly_drop_alignment), 1);
    CHECK_EQ(parameter_problem(rig), 4);
    piece6(rig, 2, 65528, 8, false); // RFC 8200-10
    CHECK_EQ(COUNT(rig, reassembly_drop_too_long), 1);
    CHECK_EQ(parameter_problem(rig), 42);
    // RFC 8200-8: the first fragment ends before the TCP header does.
    rig_ip(rig, 1,
           (struct ip){
               .from = "fd00::2", .to = "fd00::1", .protocol = PROTOCOL_TCP, .mf = true, .fragment = true},
           whole, 16);
    CHECK_EQ(COUNT(rig, reassembly_drop_tiny), 1);
    CHECK_EQ(parameter_problem(rig), (int64_t)3 << 32);
    // ... or within a header before it.
    static const uint8_t cut[8] = {PROTOCOL_TCP, 1};
    rig_ip(rig, 1,
           (struct ip){.from = "fd00::2",
                       .to = "fd00::1",
                       .protocol = PROTOCOL_DESTINATION_OPTIONS,
                       .mf = true,
                       .fragment = true},
           cut, 8);
    CHECK_EQ(COUNT(rig, reassembly_drop_tiny), 2);
    CHECK_EQ(parameter_problem(rig), (int64_t)3 << 32);
    EXPECT_SILENCE(rig);
    rig_free(rig);
}

TEST(an_atomic_fragment_goes_alone)
{
    struct rig *rig = host();
    // RFC 8200-13: with the same identification as one in progress, and it disturbs nobody.
    piece6(rig, 7, 0, 800, true);
    piece6(rig, 7, 0, 100, false);
    CHECK_EQ(rig->delivered, 1);
    CHECK_EQ(rig->packet.length, 100);
    CHECK_EQ(rig->packet.flags, 0);
    piece6(rig, 7, 800, 8, false);
    CHECK_EQ(rig->delivered, 2);
    CHECK_EQ(rig->packet.length, 808);
    rig_free(rig);
}

TEST(headers_before_and_after_the_fragment_header)
{
    struct rig *rig = host();
    static const uint8_t before[8] = {PROTOCOL_FRAGMENT, 0, 1, 4}; // PadN
    uint8_t content[24] = {PROTOCOL_UDP, 0, 1, 4};
    memcpy(content + 8, whole, 16);
    struct ip ip = {.from = "fd00::2",
                    .to = "fd00::1",
                    .protocol = PROTOCOL_DESTINATION_OPTIONS,
                    .fragment = true,
                    .next = PROTOCOL_DESTINATION_OPTIONS,
                    .extension = before,
                    .extension_bytes = 8,
                    .mf = true};
    rig_ip(rig, 1, ip, content, 16);
    ip.mf = false;
    ip.offset = 16;
    ip.protocol = PROTOCOL_TCP; // a later fragment's next header means nothing
    rig_ip(rig, 1, ip, content + 16, 8);
    CHECK_EQ(rig->delivered, 1);
    CHECK_EQ(rig->packet.protocol, PROTOCOL_UDP);
    CHECK_EQ(rig->packet.length, 16);
    CHECK_MEM(rig->payload, whole, 16);
    CHECK_EQ(rig->packet.datagram_length, 40 + 8 + 24);
    CHECK_EQ(rig->datagram[40], PROTOCOL_DESTINATION_OPTIONS); // the fragment header is gone
    rig_free(rig);
}

TEST(the_time_is_up)
{
    struct rig *rig = host();
    // RFC 1122-18: counted from the first that came, whatever comes later.
    piece4(rig, 1, 0, 800, true);
    rig_advance(rig, 30 * STRATA_SECOND);
    piece4(rig, 1, 1600, 800, true);
    rig_advance(rig, 30 * STRATA_SECOND - 1);
    EXPECT_SILENCE(rig);
    rig_advance(rig, 1);
    // RFC 1122-19: fragment zero came, so its source is told,
    rig_next(rig, 1);
    CHECK_EQ(rig->frame[20], ICMP_TIME_EXCEEDED);
    CHECK_EQ(rig->frame[21], 1);
    CHECK_MEM(rig->frame + 28 + 20, whole, 500);
    CHECK_EQ(COUNT(rig, reassembly_timeouts), 1);
    // otherwise not.
    piece4(rig, 2, 800, 800, true);
    rig_advance(rig, 60 * STRATA_SECOND);
    EXPECT_SILENCE(rig);
    CHECK_EQ(COUNT(rig, reassembly_timeouts), 2);
    // RFC 8200-11
    piece6(rig, 3, 0, 800, true);
    rig_advance(rig, 60 * STRATA_SECOND);
    rig_next(rig, 1);
    CHECK_EQ(rig->frame[40], ICMPV6_TIME_EXCEEDED);
    CHECK_EQ(rig->frame[41], 1);
    piece6(rig, 4, 800, 800, true);
    rig_advance(rig, 60 * STRATA_SECOND);
    EXPECT_SILENCE(rig);
    CHECK_EQ(rig->net->reassembly.bytes, 0);
    rig_free(rig);
}

TEST(count_and_memory_are_bounded)
{
    struct rig *rig = host();
    struct strata_memory memory = {0};
    // RFC 815-3: the oldest makes room for the newest.
    CHECK_EQ(settings_set(&rig->core.settings, "strata.reassembly_datagrams", 10), 0);
    for (unsigned id = 1; id <= 15; id++)
        piece4(rig, id, 0, 800, true);
    net_memory(rig->net, &memory);
    CHECK_EQ(memory.reassemblies, 10);
    CHECK_EQ(COUNT(rig, reassembly_drop_memory), 5);
    piece4(rig, 15, 800, 8, false);
    CHECK_EQ(rig->delivered, 1);
    piece4(rig, 1, 800, 8, false);
    CHECK_EQ(rig->delivered, 1);

    CHECK_EQ(settings_set(&rig->core.settings, "strata.reassembly_datagrams", 1000), 0);
    CHECK_EQ(settings_set(&rig->core.settings, "net.ipv4.ipfrag_high_thresh", 100000), 0);
    for (unsigned id = 100; id < 300; id++)
        piece4(rig, id, 0, 1400, true);
    CHECK(rig->net->reassembly.bytes <= 100000);
    CHECK(COUNT(rig, reassembly_drop_memory) > 100);
    piece4(rig, 299, 1400, 8, false);
    CHECK_EQ(rig->delivered, 2);
    // One datagram alone may not exceed the bound either.
    CHECK_EQ(settings_set(&rig->core.settings, "net.ipv4.ipfrag_high_thresh", 5000), 0);
    for (unsigned offset = 0; offset < 60000; offset += 1400)
        piece4(rig, 400, offset, 1400, true);
    CHECK(rig->net->reassembly.bytes <= 5000);
    rig_free(rig);
}

TEST(as_large_as_can_be)
{
    // RFC 1122-17, RFC 8200-14
    for (size_t family = 0; family < 2; family++) {
        struct rig *rig = host();
        unsigned most = family == 0 ? 65535 - 20 : 65535;
        for (unsigned offset = 0; offset < most; offset += 1448) {
            bool last = most - offset <= 1448;
            families[family](rig, 1, offset, last ? most - offset : 1448, !last);
        }
        CHECK_EQ(rig->delivered, 1);
        CHECK_EQ(rig->packet.length, most);
        CHECK_MEM(rig->payload, whole, most);
        rig_free(rig);
    }
}

TEST(longer_than_a_length_can_say)
{
    // Every piece passes alone, but the first one has a longer header than the others.
    static const uint8_t options[8] = {PROTOCOL_FRAGMENT, 0, 1, 4, 0, 0, 0, 0}, nops[4] = {1, 1, 1, 1};
    for (size_t family = 0; family < 2; family++) {
        struct rig *rig = host();
        unsigned most = family == 0 ? 65535 - 20 : 65535;
        struct ip first = {.from = "10.0.0.2", .to = "10.0.0.1", .id = 1, .mf = true, .option_bytes = 4};
        first.options = nops;
        if (family == 1)
            first = (struct ip){.from = "fd00::2",
                                .to = "fd00::1",
                                .id = 1,
                                .mf = true,
                                .fragment = true,
                                .extension = options,
                                .extension_bytes = 8,
                                .next = PROTOCOL_DESTINATION_OPTIONS};
        rig_ip(rig, 1, first, whole, 1400);
        for (unsigned offset = 1400; offset < most; offset += 1400) {
            bool last = most - offset <= 1400;
            families[family](rig, 1, offset, last ? most - offset : 1400, !last);
        }
        CHECK_EQ(rig->delivered, 0);
        CHECK_EQ(COUNT(rig, reassembly_drop_too_long), 1); // RFC 815-3
        if (family == 1)
            CHECK_EQ(parameter_problem(rig), 42); // RFC 8200-10
        struct strata_memory memory = {0};
        net_memory(rig->net, &memory);
        CHECK_EQ(memory.reassemblies, 0);
        EXPECT_SILENCE(rig);
        rig_free(rig);
    }
}

TEST(fragments_of_fragments_are_not_put_together)
{
    struct rig *rig = host();
    uint8_t inner[816] = {PROTOCOL_UDP, 0, 0, 1, 0, 0, 0, 9};
    struct ip ip = {
        .from = "fd00::2", .to = "fd00::1", .id = 1, .fragment = true, .protocol = PROTOCOL_FRAGMENT};
    ip.mf = true;
    rig_ip(rig, 1, ip, inner, 800);
    ip.mf = false;
    ip.offset = 800;
    rig_ip(rig, 1, ip, inner + 800, 16);
    CHECK_EQ(COUNT(rig, reassembly_completed), 1);
    CHECK_EQ(COUNT(rig, ipv6_drop_extension), 1);
    struct strata_memory memory = {0};
    net_memory(rig->net, &memory);
    CHECK_EQ(memory.reassemblies, 0);
    rig_free(rig);
}

TEST(copies_without_end_are_an_attack)
{
    struct rig *rig = host();
    piece4(rig, 1, 0, 800, true);
    for (int i = 0; i < 100; i++)
        piece4(rig, 1, 0, 800, true);
    CHECK_EQ(COUNT(rig, reassembly_drop_duplicate), 64);
    piece4(rig, 1, 800, 8, false);
    CHECK_EQ(rig->delivered, 0);
    rig_free(rig);
}

TEST(a_port_that_goes_takes_its_fragments_with_it)
{
    struct rig *rig = host();
    piece4(rig, 1, 0, 800, true);
    CHECK_EQ(links_remove_port(net_links(rig->net), 1), 0);
    struct strata_memory memory = {0};
    net_memory(rig->net, &memory);
    CHECK_EQ(memory.reassemblies, 0);
    rig_free(rig);
}

TEST_MAIN(TEST_ENTRY(every_order_of_four_pieces), TEST_ENTRY(the_whole_header_is_that_of_the_first_fragment),
          TEST_ENTRY(marks_on_fragments_are_marks_on_the_whole), TEST_ENTRY(datagrams_are_told_apart),
          TEST_ENTRY(an_exact_copy_is_dropped_alone),
          TEST_ENTRY(an_overlap_gives_up_the_whole_datagram_and_what_comes_later),
          TEST_ENTRY(fragments_that_disagree_about_the_end), TEST_ENTRY(pieces_that_cannot_be_over_ipv4),
          TEST_ENTRY(pieces_that_cannot_be_over_ipv6), TEST_ENTRY(an_atomic_fragment_goes_alone),
          TEST_ENTRY(headers_before_and_after_the_fragment_header), TEST_ENTRY(the_time_is_up),
          TEST_ENTRY(count_and_memory_are_bounded), TEST_ENTRY(as_large_as_can_be),
          TEST_ENTRY(longer_than_a_length_can_say), TEST_ENTRY(fragments_of_fragments_are_not_put_together),
          TEST_ENTRY(copies_without_end_are_an_attack),
          TEST_ENTRY(a_port_that_goes_takes_its_fragments_with_it))
