/*
 * The router: what it forwards, what it says, and what it keeps to itself (RFC 1812, RFC 6890; RFC 8200, RFC
 * 4443).
 */
#include "tests/net/rig.h"
#include "wire/checksum.h"
#include "wire/tcp.h"

/* A router between 10.0.0.0/24 (port 1) and 10.1.0.0/24 (port 2, narrow), with a default route beyond port 2.
 */
static struct rig *router(void)
{
    struct rig *rig = rig_new();
    CHECK_EQ(settings_set(&rig->core.settings, "net.ipv4.ip_forward", 1), 0);
    rig_ethernet(rig, "10.0.0.1/24");
    rig_add_port(rig, STRATA_LINK_ETHERNET, 1000, "10.1.0.1/24");
    rig_neighbour(rig, 1, "10.0.0.2", PEER);
    rig_neighbour(rig, 1, "10.0.0.3", 3);
    rig_neighbour(rig, 1, "10.0.0.253", 0x53);
    rig_neighbour(rig, 2, "10.1.0.2", 0x22);
    rig_neighbour(rig, 2, "10.1.0.254", 0x54);
    rig_add_route(rig, "0.0.0.0/0", "10.1.0.254", -1, 0);
    return rig;
}

/* The ICMP error that comes next at port 1, with the rest of its header. */
#define EXPECT_ERROR(rig, type, code, rest)                                                                  \
    do {                                                                                                     \
        rig_next(rig, 1);                                                                                    \
        REQUIRE((rig)->frame_length > 42);                                                                   \
        CHECK_EQ((rig)->frame[34], type);                                                                    \
        CHECK_EQ((rig)->frame[35], code);                                                                    \
        CHECK_EQ(bytes_get32((rig)->frame + 38), rest);                                                      \
    } while (0)

TEST(forwards_with_one_hop_less)
{
    struct rig *rig = router();
    static const uint8_t options[4] = {IPV4_OPTION_RECORD_ROUTE, 3, 4, 0};
    rig_ip(rig, 1,
           (struct ip){.from = "10.0.0.2",
                       .to = "10.1.0.2",
                       .ttl = 9,
                       .tos = 0x28,
                       .id = 77,
                       .df = true,
                       .options = options,
                       .option_bytes = 4},
           "12345678payload", 15);
    rig_next(rig, 2);
    struct ipv4_header header;
    CHECK_EQ(ipv4_parse(&header, rig->frame + 14, rig->frame_length - 14), 24);
    CHECK_EQ(header.ttl, 8); // RFC 1812-3
    CHECK_EQ(header.tos, 0x28);
    CHECK_EQ(header.identification, 77);
    CHECK(header.dont_fragment); // RFC 6864-4
    CHECK_MEM(header.options, options, 4);
    CHECK_MEM(rig->frame + 14 + 24, "12345678payload", 15);
    CHECK_MEM(rig->frame, "\x02\0\0\0\0\x22\x02\0\0\0\0\x02\x08\x00", 14);
    CHECK_EQ(COUNT(rig, ipv4_forwarded), 1);
    EXPECT_SILENCE(rig);
    rig_free(rig);
}

TEST(a_ttl_that_ends_here)
{
    struct rig *rig = router();
    rig_udp(rig, 1, (struct ip){.from = "10.0.0.2", .to = "8.8.8.8", .ttl = 2});
    CHECK(*rig_next(rig, 2)); // RFC 1812-5: what happens at the next hop is its business
    CHECK_EQ(rig->frame[14 + 8], 1);
    rig_udp(rig, 1, (struct ip){.from = "10.0.0.2", .to = "8.8.8.8", .ttl = 1});
    // RFC 1812-4, RFC 1812-12: from the port that it leaves by.
    EXPECT_ERROR(rig, ICMP_TIME_EXCEEDED, 0, 0);
    CHECK_MEM(rig->frame + 14 + 12, "\x0a\0\0\x01", 4);
    CHECK_MEM(rig->frame + 42 + 8, "\x01", 1); // as it came, with its TTL
    CHECK_EQ(COUNT(rig, ipv4_drop_ttl), 1);
    EXPECT_SILENCE(rig);
    // RFC 1812-6: to the router itself it has arrived.
    rig_udp(rig, 1, (struct ip){.from = "10.0.0.2", .to = "10.1.0.1", .ttl = 1});
    CHECK_EQ(rig->delivered, 1);
    rig_free(rig);
}

TEST(nowhere_to_go)
{
    struct rig *rig = router();
    struct strata_route route = {
        .destination = rig_address_of("0.0.0.0"), .gateway = rig_address_of("10.1.0.254"), .port = -1};
    CHECK_EQ(net_route_remove(rig->net, &route), 0);
    rig_udp(rig, 1, (struct ip){.from = "10.0.0.2", .to = "8.8.8.8"});
    EXPECT_ERROR(rig, ICMP_UNREACHABLE, ICMP_NET_UNREACHABLE, 0); // RFC 1812-7
    CHECK_EQ(COUNT(rig, ipv4_drop_no_route), 1);
    // On a connected network, but nobody answers: the packet waits for ARP first.
    rig_udp(rig, 1, (struct ip){.from = "10.0.0.2", .to = "10.1.0.99"});
    EXPECT(rig, 2, "02:00:00:00:00:02 > ff:ff:ff:ff:ff:ff ARP who has 10.1.0.99? tell 10.1.0.1");
    CHECK_EQ(links_ready(net_links(rig->net)), -1);
    rig_advance(rig, 3 * STRATA_SECOND);
    EXPECT_ERROR(rig, ICMP_UNREACHABLE, ICMP_HOST_UNREACHABLE, 0);
    rig_free(rig);
}

TEST(too_big_for_the_next_link)
{
    struct rig *rig = router();
    static uint8_t payload[1400];
    for (size_t i = 0; i < sizeof payload; i++)
        payload[i] = (uint8_t)(i * 5 + i / 256);
    rig_ip(rig, 1, (struct ip){.from = "10.0.0.2", .to = "10.1.0.2", .df = true}, payload, 981);
    EXPECT_ERROR(rig, ICMP_UNREACHABLE, ICMP_FRAGMENTATION_NEEDED, 1000); // RFC 1812-8, RFC 791-7
    CHECK_EQ(COUNT(rig, ipv4_drop_too_big), 1);
    EXPECT_SILENCE(rig);
    rig_ip(rig, 1, (struct ip){.from = "10.0.0.2", .to = "10.1.0.2", .df = true}, payload, 980);
    CHECK(*rig_next(rig, 2));
    // RFC 1812-10: it may be cut, and is not put together here.
    rig_ip(rig, 1, (struct ip){.from = "10.0.0.2", .to = "10.1.0.2", .id = 5, .mf = true, .offset = 800},
           payload, 1400);
    unsigned offset = 800;
    for (int i = 0; i < 2; i++) {
        struct ipv4_header header;
        rig_next(rig, 2);
        REQUIRE(ipv4_parse(&header, rig->frame + 14, rig->frame_length - 14) == 20);
        CHECK_EQ(header.fragment_offset_bytes, offset); // RFC 791-4: relative to the original
        CHECK(header.more_fragments);                   // both, as more follows them
        CHECK_EQ(header.identification, 5);
        CHECK_EQ(header.ttl, 63);
        CHECK_MEM(rig->frame + 34, payload + offset - 800, header.total_bytes - 20);
        offset += header.total_bytes - 20u;
    }
    CHECK_EQ(offset, 800 + 1400);
    CHECK_EQ(COUNT(rig, ipv4_fragments_sent), 2);
    EXPECT_SILENCE(rig);
    // A fragment that ends beyond any datagram: its second half would be numbered from 0 again.
    rig_ip(rig, 1, (struct ip){.from = "10.0.0.2", .to = "10.1.0.2", .id = 6, .mf = true, .offset = 65000},
           payload, 1400);
    CHECK_EQ(COUNT(rig, reassembly_drop_too_long), 1);
    EXPECT_SILENCE(rig);
    rig_free(rig);
}

TEST(octets_68_pass_whole)
{
    struct rig *rig = router();
    int port = rig_add_port(rig, STRATA_LINK_IP, 68, "10.2.0.1/24");
    static uint8_t payload[48];
    // RFC 791-3: every link carries 68 octets.
    rig_ip(rig, 1, (struct ip){.from = "10.0.0.2", .to = "10.2.0.2"}, payload, sizeof payload);
    CHECK(*rig_next(rig, port));
    CHECK_EQ(rig->frame_length, 68);
    CHECK_EQ(COUNT(rig, ipv4_fragments_sent), 0);
    rig_free(rig);
}

struct passage {
    const char *from, *to;
    enum counter counter; /* COUNTER_NONE: forwarded */
    bool link_broadcast;
};

TEST(who_may_not_pass)
{
    static const struct passage cases[] = {
        {"10.0.0.2", "8.8.8.8", COUNTER_NONE, false},
        // RFC 6890-2: forwardable, though not global
        {"172.16.0.9", "192.168.9.9", COUNTER_NONE, false},
        {"100.64.0.9", "198.18.0.9", COUNTER_NONE, false},
        // RFC 1122-5: nobody else has our addresses, and what is answered to a broadcast goes to all
        {"10.0.0.1", "8.8.8.8", COUNTER_ipv4_drop_source, false},
        {"10.1.0.1", "8.8.8.8", COUNTER_ipv4_drop_source, false},
        {"10.1.0.255", "8.8.8.8", COUNTER_ipv4_drop_source, false},
        // RFC 1812-17
        {"10.0.0.2", "8.8.8.8", COUNTER_ipv4_drop_link_broadcast, true},
        // RFC 1812-20, RFC 6890-1
        {"10.0.0.2", "0.1.2.3", COUNTER_ipv4_drop_not_forwardable, false},
        {"0.1.2.3", "8.8.8.8", COUNTER_ipv4_drop_source, false},
        {"10.0.0.2", "127.0.0.9", COUNTER_ipv4_drop_destination, false},
        {"127.0.0.9", "8.8.8.8", COUNTER_ipv4_drop_source, false},
        {"169.254.1.1", "8.8.8.8", COUNTER_ipv4_drop_not_forwardable, false},
        {"10.0.0.2", "169.254.1.1", COUNTER_ipv4_drop_not_forwardable, false},
        {"192.0.2.9", "8.8.8.8", COUNTER_ipv4_drop_not_forwardable, false},
        {"10.0.0.2", "192.0.2.9", COUNTER_ipv4_drop_not_forwardable, false},
        {"10.0.0.2", "198.51.100.9", COUNTER_ipv4_drop_not_forwardable, false},
        {"10.0.0.2", "203.0.113.9", COUNTER_ipv4_drop_not_forwardable, false},
        {"10.0.0.2", "240.0.0.9", COUNTER_ipv4_drop_not_forwardable, false},
        {"240.0.0.9", "8.8.8.8", COUNTER_ipv4_drop_source, false},
        {"10.0.0.2", "224.5.5.5", COUNTER_ipv4_drop_not_forwardable, false},
        // RFC 1812-19: directed broadcasts, off by default
        {"10.0.0.2", "10.1.0.255", COUNTER_ipv4_drop_not_forwardable, false},
        {"10.0.0.2", "10.1.0.0", COUNTER_ipv4_drop_not_forwardable, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct passage *c = &cases[i];
        struct rig *rig = router();
        rig_udp(
            rig, 1,
            (struct ip){.from = c->from, .to = c->to, .destination_station = c->link_broadcast ? 0xff : 0});
        if (!CHECK_EQ(COUNT(rig, ipv4_forwarded), c->counter == COUNTER_NONE) ||
            (c->counter && !CHECK_EQ(rig->core.counters.value[c->counter], 1)))
            printf("    %s > %s\n", c->from, c->to);
        CHECK_EQ(rig_drain(rig, 1), 0); // all in silence
        CHECK_EQ(rig_drain(rig, 2), c->counter == COUNTER_NONE);
        rig_free(rig);
    }
}

TEST(limited_broadcast_stays_where_it_is)
{
    struct rig *rig = router();
    rig_udp(rig, 1, (struct ip){.from = "10.0.0.2", .to = "255.255.255.255", .destination_station = 0xff});
    CHECK_EQ(rig->delivered, 1);
    CHECK_EQ(COUNT(rig, ipv4_forwarded), 0); // RFC 1812-18
    EXPECT_SILENCE(rig);
    rig_free(rig);
}

TEST(directed_broadcasts_when_told_to)
{
    struct rig *rig = router();
    CHECK_EQ(settings_set(&rig->core.settings, "net.ipv4.conf.all.bc_forwarding", 1), 0);
    rig_udp(rig, 1, (struct ip){.from = "10.0.0.2", .to = "10.1.0.255"}); // RFC 1812-19
    CHECK(*rig_next(rig, 2));
    CHECK_MEM(rig->frame, "\xff\xff\xff\xff\xff\xff", 6);
    rig_free(rig);
}

TEST(reverse_path_filter_when_told_to)
{
    struct rig *rig = router();
    rig_udp(rig, 1, (struct ip){.from = "9.9.9.9", .to = "10.1.0.2"});
    CHECK_EQ(rig_drain(rig, 2), 1); // RFC 1812-21: off by default
    CHECK_EQ(settings_set(&rig->core.settings, "net.ipv4.conf.all.rp_filter", 1), 0);
    rig_udp(rig, 1, (struct ip){.from = "9.9.9.9", .to = "10.1.0.2"});
    rig_udp(rig, 1, (struct ip){.from = "9.9.9.9", .to = "10.0.0.1"});
    CHECK_EQ(COUNT(rig, ipv4_drop_source), 2);
    rig_udp(rig, 1, (struct ip){.from = "10.0.0.2", .to = "10.1.0.2"});
    CHECK_EQ(rig_drain(rig, 2), 1);
    CHECK_EQ(rig->delivered, 0);
    rig_free(rig);
}

TEST(tells_of_a_better_first_hop)
{
    struct rig *rig = router();
    rig_add_route(rig, "9.0.0.0/8", "10.0.0.253", -1, 0);
    // RFC 1812-15: in and out by one port, and the source could reach the next hop itself.
    rig_port(rig, 1)->turn = 0; // control first
    rig_udp(rig, 1, (struct ip){.from = "10.0.0.2", .to = "9.1.1.1"});
    EXPECT_ERROR(rig, ICMP_REDIRECT, 1, 0x0a0000fd); // RFC 1812-16: for a host, never for a network
    EXPECT(rig, 1, "10.0.0.2:1234 > 9.1.1.1:5678 UDP length=4"); // and it is forwarded
    CHECK_MEM(rig->frame, "\x02\0\0\0\0\x53", 6);
    CHECK_EQ(COUNT(rig, icmp_redirects_sent), 1);
    // To a neighbour of its own.
    rig_port(rig, 1)->turn = 0;
    rig_udp(rig, 1, (struct ip){.from = "10.0.0.2", .to = "10.0.0.3"});
    EXPECT_ERROR(rig, ICMP_REDIRECT, 1, 0x0a000003);
    rig_drain(rig, 1);
    // Not to who is not on the link, not by another port, not when told not to.
    rig_udp(rig, 1, (struct ip){.from = "7.7.7.7", .to = "9.1.1.1"});
    rig_udp(rig, 1, (struct ip){.from = "10.0.0.2", .to = "8.8.8.8"});
    CHECK_EQ(settings_set(&rig->core.settings, "net.ipv4.conf.all.send_redirects", 0), 0);
    rig_udp(rig, 1, (struct ip){.from = "10.0.0.2", .to = "9.1.1.1"});
    CHECK_EQ(COUNT(rig, icmp_redirects_sent), 2);
    CHECK_EQ(rig_drain(rig, 1), 2);
    rig_free(rig);
}

TEST(a_host_sends_no_redirects)
{
    struct rig *rig = router();
    CHECK_EQ(settings_set(&rig->core.settings, "net.ipv4.ip_forward", 0), 0);
    rig_add_route(rig, "9.0.0.0/8", "10.0.0.253", -1, 0);
    rig_udp(rig, 1, (struct ip){.from = "10.0.0.2", .to = "9.1.1.1"});
    EXPECT_SILENCE(rig); // RFC 792-8
    // RFC 1812-26: off means local delivery only.
    CHECK_EQ(COUNT(rig, ipv4_drop_destination), 1);
    rig_udp(rig, 1, (struct ip){.from = "10.0.0.2", .to = "10.1.0.1"});
    CHECK_EQ(rig->delivered, 1);
    rig_free(rig);
}

TEST(the_output_queue_is_bounded)
{
    struct rig *rig = router();
    struct strata_port_config config = {.size = sizeof config, .queue_packets = 4, .mac = {2, 0, 0, 0, 0, 3}};
    int port = links_add_port(net_links(rig->net), &config);
    rig_add_address(rig, port, "10.2.0.1/24");
    rig_drain(rig, port);
    rig_neighbour(rig, port, "10.2.0.2", 9);
    for (int i = 0; i < 6; i++)
        rig_udp(rig, 1, (struct ip){.from = "10.0.0.2", .to = "10.2.0.2"});
    CHECK_EQ(rig_drain(rig, port), 4);
    CHECK_EQ(COUNT(rig, port_drop_queue_full), 2);
    CHECK_EQ(rig_drain(rig, 1), 0); // RFC 4443-10, RFC 792-11: congestion is no reason for ICMP
    rig_free(rig);
}

TEST(unfinished_checksums_are_finished)
{
    struct rig *rig = router();
    uint8_t frame[100], udp[12] = {0x04, 0xd2, 0x16, 0x2e, 0x00, 0x0c, 0x00, 0x00, 'd', 'a', 't', 'a'};
    struct strata_address from = rig_address_of("10.0.0.2"), to = rig_address_of("10.1.0.2");
    uint64_t pseudo = checksum_pseudo(&from, &to, PROTOCOL_UDP, sizeof udp);
    bytes_put16(udp + 6, checksum_fold(pseudo));
    size_t length =
        rig_frame(rig, 1, frame, &(struct ip){.from = "10.0.0.2", .to = "10.1.0.2"}, udp, sizeof udp);
    struct strata_meta meta = {.flags = STRATA_META_PARTIAL, .checksum_start = 34, .checksum_offset = 6};
    port_input(rig_port(rig, 1), frame, length, &meta);
    rig_next(rig, 2);
    CHECK_EQ(rig->meta.flags, 0);
    CHECK(checksum_valid(checksum_add(pseudo, rig->frame + 34, sizeof udp)));
    rig_free(rig);
}

/* ---- IPv6 ------------------------------------------------------------------------------------------------ */

static struct rig *router6(void)
{
    struct rig *rig = rig_new();
    CHECK_EQ(settings_set(&rig->core.settings, "net.ipv6.conf.all.forwarding", 1), 0);
    rig_tunnel(rig, "fd00::1/64");
    rig_add_port(rig, STRATA_LINK_IP, 1280, "fd01::1/64");
    rig_add_route(rig, "2000::/3", NULL, 2, 0);
    return rig;
}

TEST(forwards_ipv6)
{
    struct rig *rig = router6();
    rig_udp(rig, 1, (struct ip){.from = "fd00::2", .to = "2600::9", .ttl = 2, .tos = 0x28});
    EXPECT(rig, 2, "[fd00::2]:1234 > [2600::9]:5678 UDP length=4");
    CHECK_EQ(rig->frame[7], 1); // RFC 8200-18
    CHECK_EQ(COUNT(rig, ipv6_forwarded), 1);
    rig_udp(rig, 1, (struct ip){.from = "fd00::2", .to = "2600::9", .ttl = 1});
    rig_next(rig, 1); // RFC 4443-8
    CHECK_EQ(rig->frame[40], ICMPV6_TIME_EXCEEDED);
    CHECK_EQ(rig->frame[41], 0);
    CHECK_EQ(COUNT(rig, ipv6_drop_hop_limit), 1);
    rig_udp(rig, 1, (struct ip){.from = "fd00::2", .to = "fd77::9"});
    rig_next(rig, 1);
    CHECK_EQ(rig->frame[40], ICMPV6_UNREACHABLE);
    CHECK_EQ(rig->frame[41], 0);
    CHECK_EQ(COUNT(rig, ipv6_drop_no_route), 1);
    EXPECT_SILENCE(rig);
    rig_free(rig);
}

TEST(too_big_for_the_next_link_over_ipv6)
{
    struct rig *rig = router6();
    static uint8_t payload[1400];
    rig_ip(rig, 1, (struct ip){.from = "fd00::2", .to = "2600::9"}, payload, 1241);
    rig_next(rig, 1); // RFC 8200-15: never fragmented here; RFC 4443-7: the MTU of the link
    CHECK_EQ(rig->frame[40], ICMPV6_PACKET_TOO_BIG);
    CHECK_EQ(bytes_get32(rig->frame + 44), 1280);
    CHECK_EQ(COUNT(rig, ipv6_drop_too_big), 1);
    CHECK_EQ(rig_drain(rig, 2), 0);
    rig_ip(rig, 1, (struct ip){.from = "fd00::2", .to = "2600::9"}, payload, 1240);
    CHECK_EQ(rig_drain(rig, 2), 1);
    rig_free(rig);
}

TEST(who_may_not_pass_over_ipv6)
{
    static const struct passage cases[] = {
        {"fd00::2", "2600::9", COUNTER_NONE, false}, // RFC 6890-4
        {"100::2", "2600::9", COUNTER_NONE, false},
        // RFC 6890-3
        {"fe80::2", "2600::9", COUNTER_ipv6_drop_not_forwardable, false},
        {"fd00::2", "fe80::9", COUNTER_ipv6_drop_not_forwardable, false},
        {"2001:db8::2", "2600::9", COUNTER_ipv6_drop_not_forwardable, false},
        {"fd00::2", "2001:db8::9", COUNTER_ipv6_drop_not_forwardable, false},
        {"fd00::2", "ff0e::9", COUNTER_ipv6_drop_not_forwardable, false},
        {"::", "2600::9", COUNTER_ipv6_drop_not_forwardable, false},
        {"::1", "2600::9", COUNTER_ipv6_drop_source, false},
        {"fd00::2", "::1", COUNTER_ipv6_drop_destination, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig *rig = router6();
        rig_udp(rig, 1, (struct ip){.from = cases[i].from, .to = cases[i].to});
        if (!CHECK_EQ(COUNT(rig, ipv6_forwarded), cases[i].counter == COUNTER_NONE) ||
            (cases[i].counter && !CHECK_EQ(rig->core.counters.value[cases[i].counter], 1)))
            printf("    %s > %s\n", cases[i].from, cases[i].to);
        CHECK_EQ(rig_drain(rig, 1), 0);
        rig_free(rig);
    }
}

TEST(only_hop_by_hop_options_are_read_on_the_way)
{
    struct rig *rig = router6();
    static const uint8_t unknown[8] = {PROTOCOL_UDP, 0, 0x9e, 4};
    struct ip ip = {.from = "fd00::2",
                    .to = "2600::9",
                    .extension = unknown,
                    .extension_bytes = 8,
                    .next = PROTOCOL_DESTINATION_OPTIONS};
    rig_udp(rig, 1, ip);
    CHECK_EQ(rig_drain(rig, 2), 1);
    ip.next = PROTOCOL_HOP_BY_HOP;
    rig_udp(rig, 1, ip);
    CHECK_EQ(rig_drain(rig, 2), 0);
    CHECK_EQ(rig_drain(rig, 1), 1);
    rig_free(rig);
}

/** A SYN with MSS 1460 through the router; @return the MSS that comes out. */
static unsigned mss_behind(struct rig *rig, bool ipv6)
{
    uint8_t syn[24];
    struct tcp_header header = {.source_port = 1000, .destination_port = 80, .flags = TCP_SYN,
                                .options = {.has_mss = true, .mss = 1460}};
    struct strata_address from = rig_address_of(ipv6 ? "fd00::2" : "10.0.0.2"),
                          to = rig_address_of(ipv6 ? "fd01::2" : "10.1.0.2");
    CHECK_EQ(tcp_emit(syn, &header), 24);
    tcp_put_checksum(syn, checksum_finish(checksum_add(checksum_pseudo(&from, &to, PROTOCOL_TCP, 24), syn, 24)));
    rig_ip(rig, 1, (struct ip){.from = ipv6 ? "fd00::2" : "10.0.0.2", .to = ipv6 ? "fd01::2" : "10.1.0.2",
                               .ttl = 9, .protocol = PROTOCOL_TCP, .df = true}, syn, 24);
    rig_next(rig, 2);
    size_t at = ipv6 ? 40 : 14 + 20; // the IPv6 ports are tunnels
    REQUIRE(rig->frame_length >= at + 24);
    CHECK(checksum_valid(checksum_add(checksum_pseudo(&from, &to, PROTOCOL_TCP, 24), rig->frame + at, 24)));
    CHECK(tcp_parse(&header, rig->frame + at, 24) > 0);
    return header.options.mss;
}

TEST(the_mss_of_those_who_pass_is_clamped_where_a_setting_says_so)
{
    struct rig *rig = router();
    CHECK_EQ(mss_behind(rig, false), 1460); // what others say is their business, mostly
    CHECK_EQ(settings_set(&rig->core.settings, "strata.tcp_mss_clamp", 1), 0);
    CHECK_EQ(mss_behind(rig, false), 960);
    CHECK_EQ(COUNT(rig, tcp_mss_clamped), 1);
    // What is no SYN goes as it is.
    rig_ip(rig, 1, (struct ip){.from = "10.0.0.2", .to = "10.1.0.2", .ttl = 9}, "12345678payload", 15);
    rig_next(rig, 2);
    CHECK_MEM(rig->frame + 14 + 20, "12345678payload", 15);
    CHECK_EQ(COUNT(rig, tcp_mss_clamped), 1);
    rig_free(rig);
    rig = router6();
    CHECK_EQ(mss_behind(rig, true), 1460);
    CHECK_EQ(settings_set(&rig->core.settings, "strata.tcp_mss_clamp", 1), 0);
    CHECK_EQ(mss_behind(rig, true), 1220);
    rig_free(rig);
}

TEST_MAIN(TEST_ENTRY(forwards_with_one_hop_less), TEST_ENTRY(a_ttl_that_ends_here), TEST_ENTRY(nowhere_to_go),
          TEST_ENTRY(too_big_for_the_next_link), TEST_ENTRY(octets_68_pass_whole),
          TEST_ENTRY(who_may_not_pass), TEST_ENTRY(limited_broadcast_stays_where_it_is),
          TEST_ENTRY(directed_broadcasts_when_told_to), TEST_ENTRY(reverse_path_filter_when_told_to),
          TEST_ENTRY(tells_of_a_better_first_hop), TEST_ENTRY(a_host_sends_no_redirects),
          TEST_ENTRY(the_output_queue_is_bounded), TEST_ENTRY(unfinished_checksums_are_finished),
          TEST_ENTRY(forwards_ipv6), TEST_ENTRY(too_big_for_the_next_link_over_ipv6),
          TEST_ENTRY(who_may_not_pass_over_ipv6), TEST_ENTRY(only_hop_by_hop_options_are_read_on_the_way),
          TEST_ENTRY(the_mss_of_those_who_pass_is_clamped_where_a_setting_says_so))
