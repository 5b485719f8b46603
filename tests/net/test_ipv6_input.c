/*
 * IPv6 in: addresses, extension headers in their order, options by their action bits (RFC 8200).
 */
#include "tests/net/rig.h"

static struct rig *host(void)
{
    struct rig *rig = rig_new();
    rig_tunnel(rig, "fd00::1/64");
    return rig;
}

/* The ICMPv6 error that comes next: type, code and the four bytes behind the checksum. */
#define EXPECT_ERROR(rig, type, code, rest)                                                                  \
    do {                                                                                                     \
        rig_next(rig, 1);                                                                                    \
        REQUIRE((rig)->frame_length > 48);                                                                   \
        CHECK_EQ((rig)->frame[40], type);                                                                    \
        CHECK_EQ((rig)->frame[41], code);                                                                    \
        CHECK_EQ(bytes_get32((rig)->frame + 44), rest);                                                      \
    } while (0)

TEST(headers_that_cannot_be)
{
    struct rig *rig = host();
    uint8_t frame[100];
    size_t length = rig_frame(rig, 1, frame, &(struct ip){.from = "fd00::2", .to = "fd00::1"}, "12345678", 8);
    rig_input(rig, 1, frame, 39);
    rig_input(rig, 1, frame, length - 1); // shorter than its length says
    CHECK_EQ(COUNT(rig, ipv6_drop_short), 2);
    int ethernet = rig_ethernet(rig, NULL);
    length = rig_frame(rig, ethernet, frame, &(struct ip){.from = "fd00::2", .to = "fd00::1"}, "12345678", 8);
    frame[14] = 0x45;
    rig_input(rig, ethernet, frame, length);
    CHECK_EQ(COUNT(rig, ipv6_drop_version), 1);
    CHECK_EQ(rig->delivered, 0);
    EXPECT_SILENCE(rig);
    rig_free(rig);
}

TEST(what_goes_up)
{
    struct rig *rig = host();
    uint8_t frame[100];
    size_t length = rig_frame(
        rig, 1, frame, &(struct ip){.from = "fd00::2", .to = "fd00::1", .tos = 0xb9, .ttl = 1}, "payload", 7);
    frame[length] = 0xee; // padding
    rig_input(rig, 1, frame, length + 1);
    CHECK_EQ(rig->delivered, 1);
    CHECK_EQ(rig->packet.length, 7);
    CHECK_EQ(rig->packet.tos, 0xb9);
    CHECK_EQ(rig->packet.protocol, PROTOCOL_UDP);
    frame[7] = 0; // RFC 8200-18: any hop limit will do at the destination
    rig_input(rig, 1, frame, length);
    CHECK_EQ(rig->delivered, 2);
    CHECK_EQ(rig->packet.ttl, 0);
    rig_free(rig);
}

TEST(sources_and_destinations)
{
    static const struct address_case {
        const char *from, *to;
        enum counter counter;
    } cases[] = {
        {"fd00::2", "fd00::1", COUNTER_NONE},
        {"fd00::2", "ff02::1", COUNTER_NONE},
        {"::", "ff02::1", COUNTER_NONE},
        {"ff02::1", "fd00::1", COUNTER_ipv6_drop_source},
        {"::1", "fd00::1", COUNTER_ipv6_drop_source},
        {"fd00::1", "fd00::1", COUNTER_ipv6_drop_source},
        {"fd07::1", "fd00::1", COUNTER_ipv6_drop_source}, // that of our other port
        {"fe80::7", "fd00::1", COUNTER_NONE}, // so is this one, but on this link it is somebody else's
        {"fd00::2", "::1", COUNTER_ipv6_drop_destination},
        {"fd00::2", "::", COUNTER_ipv6_drop_destination},
        {"fd00::2", "fd00::3", COUNTER_ipv6_drop_destination},
        {"fd00::2", "ff02::99", COUNTER_ipv6_drop_destination},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig *rig = host();
        rig_tunnel(rig, "fd07::1/64");
        rig_add_address(rig, 2, "fe80::7/64");
        rig_udp(rig, 1, (struct ip){.from = cases[i].from, .to = cases[i].to});
        if (!CHECK_EQ(rig->delivered, cases[i].counter == COUNTER_NONE) ||
            (cases[i].counter && !CHECK_EQ(rig->core.counters.value[cases[i].counter], 1)))
            printf("    %s > %s\n", cases[i].from, cases[i].to);
        EXPECT_SILENCE(rig);
        rig_free(rig);
    }
    // A v4-mapped address inside an IPv6 header would be an IPv4 one within.
    struct rig *rig = host();
    uint8_t frame[100];
    size_t length = rig_frame(rig, 1, frame, &(struct ip){.from = "fd00::2", .to = "fd00::1"}, "12345678", 8);
    struct strata_address mapped = rig_address_of("10.0.0.1"), saved;
    memcpy(&saved, frame + 8, 16);
    memcpy(frame + 8, &mapped, 16);
    rig_input(rig, 1, frame, length);
    CHECK_EQ(COUNT(rig, ipv6_drop_source), 1);
    memcpy(frame + 8, &saved, 16);
    memcpy(frame + 24, &mapped, 16);
    rig_input(rig, 1, frame, length);
    CHECK_EQ(COUNT(rig, ipv6_drop_destination), 1);
    rig_free(rig);
}

TEST(a_unicast_datagram_in_a_broadcast_frame)
{
    struct rig *rig = rig_new();
    rig_ethernet(rig, "fd00::1/64");
    rig_udp(rig, 1, (struct ip){.from = "fd00::2", .to = "fd00::1", .destination_station = 0xff});
    rig_udp(rig, 1, (struct ip){.from = "fd00::2", .to = "fd00::9", .destination_station = 0xff});
    CHECK_EQ(COUNT(rig, ipv6_drop_link_broadcast), 2);
    rig_udp(rig, 1, (struct ip){.from = "fd00::2", .to = "fd00::1"});
    CHECK_EQ(rig->delivered, 1);
    rig_free(rig);
}

TEST(extension_headers_in_any_order_are_processed_as_they_stand)
{
    struct rig *rig = host();
    // RFC 8200-1: hop-by-hop, destination options, routing with no segments left, destination options again.
    static const uint8_t chain[] = {
        PROTOCOL_DESTINATION_OPTIONS,
        0,
        1,
        4,
        0,
        0,
        0,
        0, // RFC 8200-5: PadN
        PROTOCOL_ROUTING,
        0,
        0,
        0,
        0,
        0,
        0,
        0, // six times Pad1
        PROTOCOL_DESTINATION_OPTIONS,
        0,
        99,
        0,
        0,
        0,
        0,
        0, // RFC 8200-6: unknown type, nothing left
        PROTOCOL_UDP,
        0,
        1,
        4,
        0,
        0,
        0,
        0,
    };
    rig_ip(rig, 1,
           (struct ip){.from = "fd00::2",
                       .to = "fd00::1",
                       .next = PROTOCOL_HOP_BY_HOP,
                       .extension = chain,
                       .extension_bytes = sizeof chain},
           "payload", 7);
    CHECK_EQ(rig->delivered, 1);
    CHECK_EQ(rig->packet.length, 7);
    CHECK_MEM(rig->payload, "payload", 7);
    // The first that is wrong decides, though one behind it is wrong, too.
    static const uint8_t wrong[] = {
        PROTOCOL_ROUTING, 0, 0x81, 4, 0, 0, 0, 0, // option 0x81: drop and say
        PROTOCOL_UDP,     0, 99,   1, 0, 0, 0, 0, // a segment left
    };
    rig_ip(rig, 1,
           (struct ip){.from = "fd00::2",
                       .to = "fd00::1",
                       .next = PROTOCOL_DESTINATION_OPTIONS,
                       .extension = wrong,
                       .extension_bytes = sizeof wrong},
           "payload", 7);
    EXPECT_ERROR(rig, ICMPV6_PARAMETER_PROBLEM, 2, 42);
    EXPECT_SILENCE(rig);
    rig_free(rig);
}

TEST(hop_by_hop_options_stand_first_or_not_at_all)
{
    struct rig *rig = host();
    static const uint8_t chain[] = {
        PROTOCOL_HOP_BY_HOP, 0, 1, 4, 0, 0, 0, 0, PROTOCOL_UDP, 0, 1, 4, 0, 0, 0, 0,
    };
    // RFC 8200-2
    rig_ip(rig, 1,
           (struct ip){.from = "fd00::2",
                       .to = "fd00::1",
                       .next = PROTOCOL_DESTINATION_OPTIONS,
                       .extension = chain,
                       .extension_bytes = sizeof chain},
           "x", 1);
    CHECK_EQ(COUNT(rig, ipv6_drop_extension), 1);
    EXPECT_ERROR(rig, ICMPV6_PARAMETER_PROBLEM, 1, 40);
    rig_ip(rig, 1,
           (struct ip){.from = "fd00::2",
                       .to = "fd00::1",
                       .next = PROTOCOL_HOP_BY_HOP,
                       .extension = chain,
                       .extension_bytes = sizeof chain},
           "x", 1);
    EXPECT_ERROR(rig, ICMPV6_PARAMETER_PROBLEM, 1, 40);
    CHECK_EQ(rig->delivered, 0);
    rig_free(rig);
}

TEST(unknown_options_by_their_action_bits)
{
    static const struct option_case {
        uint8_t type;
        const char *to;
        bool delivered, said;
    } cases[] = {
        // RFC 8200-4
        {0x1e, "fd00::1", true, false}, {0x5e, "fd00::1", false, false}, {0x9e, "fd00::1", false, true},
        {0xde, "fd00::1", false, true}, {0x9e, "ff02::1", false, true},  {0xde, "ff02::1", false, false},
    };
    for (unsigned header = 0; header < 2; header++) {
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            struct rig *rig = host();
            uint8_t options[8] = {PROTOCOL_UDP, 0, 0, cases[i].type, 2, 0xaa, 0xbb, 0};
            rig_ip(rig, 1,
                   (struct ip){.from = "fd00::2",
                               .to = cases[i].to,
                               .extension = options,
                               .extension_bytes = sizeof options,
                               .next = header ? PROTOCOL_HOP_BY_HOP : PROTOCOL_DESTINATION_OPTIONS},
                   "x", 1);
            CHECK_EQ(rig->delivered, cases[i].delivered);
            CHECK_EQ(COUNT(rig, ipv6_drop_extension), !cases[i].delivered);
            if (cases[i].said)
                EXPECT_ERROR(rig, ICMPV6_PARAMETER_PROBLEM, 2, 43); // RFC 4443-5: to a group, too
            EXPECT_SILENCE(rig);
            rig_free(rig);
        }
    }
}

TEST(a_host_says_nothing_about_options_of_what_is_not_for_it)
{
    struct rig *rig = host();
    static const uint8_t options[8] = {PROTOCOL_UDP, 0, 0x9e, 4, 0, 0, 0, 0};
    struct ip ip = {.from = "fd00::2",
                    .to = "fd00::3",
                    .extension = options,
                    .extension_bytes = sizeof options,
                    .next = PROTOCOL_HOP_BY_HOP};
    rig_ip(rig, 1, ip, "x", 1);
    CHECK_EQ(COUNT(rig, ipv6_drop_destination), 1);
    EXPECT_SILENCE(rig);
    CHECK_EQ(settings_set(&rig->core.settings, "net.ipv6.conf.all.forwarding", 1), 0);
    rig_ip(rig, 1, ip, "x", 1);
    EXPECT_ERROR(rig, ICMPV6_PARAMETER_PROBLEM, 2, 42); // a router reads them
    rig_free(rig);
}

TEST(routing_headers_are_not_followed)
{
    for (unsigned type = 0; type < 5; type++) { // RFC 8200-6; RFC 8200-7: type 0 is as unknown as any
        struct rig *rig = host();
        uint8_t routing[24] = {PROTOCOL_UDP, 2, (uint8_t)type, 1};
        memset(routing + 8, 0xfd, 16);
        struct ip ip = {.from = "fd00::2",
                        .to = "fd00::1",
                        .next = PROTOCOL_ROUTING,
                        .extension = routing,
                        .extension_bytes = sizeof routing};
        rig_ip(rig, 1, ip, "x", 1);
        CHECK_EQ(rig->delivered, 0);
        CHECK_EQ(COUNT(rig, ipv6_drop_extension), 1);
        EXPECT_ERROR(rig, ICMPV6_PARAMETER_PROBLEM, 0, 42);
        routing[3] = 0;
        rig_ip(rig, 1, ip, "x", 1);
        CHECK_EQ(rig->delivered, 1);
        EXPECT_SILENCE(rig);
        rig_free(rig);
    }
}

TEST(next_headers_nobody_knows)
{
    struct rig *rig = host();
    // RFC 8200-3
    rig_ip(rig, 1, (struct ip){.from = "fd00::2", .to = "fd00::1", .protocol = 99}, "x", 1);
    CHECK_EQ(COUNT(rig, ipv6_drop_protocol), 1);
    EXPECT_ERROR(rig, ICMPV6_PARAMETER_PROBLEM, 1, 6);
    static const uint8_t options[8] = {99, 0, 1, 4};
    rig_ip(rig, 1,
           (struct ip){.from = "fd00::2",
                       .to = "fd00::1",
                       .next = PROTOCOL_DESTINATION_OPTIONS,
                       .extension = options,
                       .extension_bytes = 8},
           "x", 1);
    EXPECT_ERROR(rig, ICMPV6_PARAMETER_PROBLEM, 1, 40);
    // ICMP of the other family is as unknown; "no next header" is not.
    rig_ip(rig, 1, (struct ip){.from = "fd00::2", .to = "fd00::1", .protocol = PROTOCOL_ICMP}, "x", 1);
    EXPECT_ERROR(rig, ICMPV6_PARAMETER_PROBLEM, 1, 6);
    rig_ip(rig, 1, (struct ip){.from = "fd00::2", .to = "fd00::1", .protocol = PROTOCOL_NONE}, "x", 1);
    EXPECT_SILENCE(rig);
    rig_free(rig);
}

TEST(extension_headers_that_lie)
{
    static const struct lie {
        unsigned next;
        uint8_t bytes[8];
        size_t size;
    } lies[] = {
        {PROTOCOL_HOP_BY_HOP, {PROTOCOL_UDP, 5, 1, 4}, 8}, // longer than the datagram
        {PROTOCOL_DESTINATION_OPTIONS, {PROTOCOL_UDP, 255}, 8},
        {PROTOCOL_ROUTING, {PROTOCOL_UDP, 1}, 8},
        {PROTOCOL_DESTINATION_OPTIONS, {PROTOCOL_UDP, 0, 1, 4}, 7}, // cut short
        {PROTOCOL_FRAGMENT, {PROTOCOL_UDP}, 7},
        {PROTOCOL_DESTINATION_OPTIONS, {PROTOCOL_UDP, 0, 1, 5}, 8},     // an option beyond its header
        {PROTOCOL_HOP_BY_HOP, {PROTOCOL_UDP, 0, 1, 3, 0, 0, 0, 30}, 8}, // an option without a length
    };
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        struct rig *rig = host();
        rig_ip(rig, 1,
               (struct ip){.from = "fd00::2",
                           .to = "fd00::1",
                           .next = lies[i].next,
                           .extension = lies[i].bytes,
                           .extension_bytes = lies[i].size},
               "", 0);
        if (!CHECK_EQ(COUNT(rig, ipv6_drop_extension), 1))
            printf("    lie %zu\n", i);
        CHECK_EQ(rig->delivered, 0);
        EXPECT_SILENCE(rig);
        rig_free(rig);
    }
}

TEST(a_transparent_listener_takes_what_is_for_others)
{
    struct rig *rig = host();
    rig->wants = true;
    rig_udp(rig, 1, (struct ip){.from = "fd00::2", .to = "fd99::9"});
    CHECK_EQ(rig->delivered, 1);
    CHECK_EQ(rig->packet.flags, NET_PACKET_FOREIGN);
    rig->wants = false;
    rig_udp(rig, 1, (struct ip){.from = "fd00::2", .to = "fd99::9"});
    CHECK_EQ(rig->delivered, 1);
    rig_free(rig);
}

TEST_MAIN(TEST_ENTRY(headers_that_cannot_be), TEST_ENTRY(what_goes_up), TEST_ENTRY(sources_and_destinations),
          TEST_ENTRY(a_unicast_datagram_in_a_broadcast_frame),
          TEST_ENTRY(extension_headers_in_any_order_are_processed_as_they_stand),
          TEST_ENTRY(hop_by_hop_options_stand_first_or_not_at_all),
          TEST_ENTRY(unknown_options_by_their_action_bits),
          TEST_ENTRY(a_host_says_nothing_about_options_of_what_is_not_for_it),
          TEST_ENTRY(routing_headers_are_not_followed), TEST_ENTRY(next_headers_nobody_knows),
          TEST_ENTRY(extension_headers_that_lie), TEST_ENTRY(a_transparent_listener_takes_what_is_for_others))
