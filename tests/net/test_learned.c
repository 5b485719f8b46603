/*
 * What routers teach about single destinations: the MTU of their path, and a better first hop.
 */
#include "tests/net/rig.h"

static struct rig *host(void)
{
    struct rig *rig = rig_new();
    rig_ethernet(rig, "10.0.0.1/24");
    rig_neighbour(rig, 1, "10.0.0.2", PEER);
    rig_neighbour(rig, 1, "10.0.0.254", 0x54);
    rig_add_route(rig, "0.0.0.0/0", "10.0.0.254", -1, 0);
    return rig;
}

static struct rig *host6(void)
{
    struct rig *rig = rig_new();
    rig_tunnel(rig, "fd00::1/64");
    rig_add_route(rig, "::/0", NULL, 1, 0);
    return rig;
}

/* ---- Path MTU --------------------------------------------------------------------------------------------
 */

static uint32_t path_mtu(struct rig *rig, const char *to)
{
    struct net_path path;
    struct strata_address destination = rig_address_of(to);
    REQUIRE(net_path_find(rig->net, &path, &destination, 0, 0) == 0);
    return path.mtu_bytes;
}

static void too_big(struct rig *rig, uint32_t mtu)
{
    rig_error_about(rig, (struct ip){.from = "10.0.0.254", .to = "10.0.0.1"},
                    &(struct ip){.from = "10.0.0.1", .to = "8.8.8.8"}, ICMP_UNREACHABLE,
                    ICMP_FRAGMENTATION_NEEDED, mtu);
}

static void too_big6(struct rig *rig, uint32_t mtu)
{
    rig_error_about(rig, (struct ip){.from = "fd00::2", .to = "fd00::1"},
                    &(struct ip){.from = "fd00::1", .to = "fd99::8"}, ICMPV6_PACKET_TOO_BIG, 0, mtu);
}

TEST(path_mtu_is_lowered_and_never_raised)
{
    struct rig *rig = host();
    struct net_path path;
    struct strata_address to = rig_address_of("8.8.8.8");
    CHECK_EQ(net_path_find(rig->net, &path, &to, 0, 0), 0);
    too_big(rig, 1400);
    CHECK_EQ(path_mtu(rig, "8.8.8.8"), 1400);
    CHECK(net_path_is_stale(rig->net, &path)); // RFC 8201-4: all who use the path hear of it
    CHECK_EQ(rig->error.error, EMSGSIZE);
    CHECK_EQ(rig->error.info, 1400);
    CHECK_EQ(path_mtu(rig, "8.8.4.4"), 1500);
    too_big(rig, 1450);
    CHECK_EQ(path_mtu(rig, "8.8.8.8"), 1400);
    too_big(rig, 67); // RFC 1191: no path is narrower than 68
    CHECK_EQ(path_mtu(rig, "8.8.8.8"), 1400);
    too_big(rig, 68);
    CHECK_EQ(path_mtu(rig, "8.8.8.8"), 68);
    // Ten minutes later it is tried again.
    rig_advance(rig, 600 * STRATA_SECOND);
    CHECK_EQ(path_mtu(rig, "8.8.8.8"), 1500);
    CHECK_EQ(rig->net->destinations.count, 0);
    rig_free(rig);

    rig = host6();
    too_big6(rig, 1400); // RFC 8201-1
    CHECK_EQ(path_mtu(rig, "fd99::8"), 1400);
    too_big6(rig, 1420); // RFC 8201-2
    CHECK_EQ(path_mtu(rig, "fd99::8"), 1400);
    too_big6(rig, 1279);
    CHECK_EQ(path_mtu(rig, "fd99::8"), 1400);
    rig_advance(rig, 599 * STRATA_SECOND);
    CHECK_EQ(path_mtu(rig, "fd99::8"), 1400); // RFC 8201-3
    rig_advance(rig, STRATA_SECOND);
    CHECK_EQ(path_mtu(rig, "fd99::8"), 1500);
    rig_free(rig);
}

TEST(a_router_that_does_not_say_how_much)
{
    struct rig *rig = host();
    uint8_t datagram[28];
    ip_build(datagram, &(struct ip){.from = "10.0.0.1", .to = "8.8.8.8"}, "12345678", 8);
    bytes_put16(datagram + 2, 1500); // it quotes only the beginning
    rig_icmp(rig, 1, (struct ip){.from = "10.0.0.254", .to = "10.0.0.1"}, ICMP_UNREACHABLE,
             ICMP_FRAGMENTATION_NEEDED, 0, datagram, sizeof datagram);
    CHECK_EQ(path_mtu(rig, "8.8.8.8"), 1492);
    bytes_put16(datagram + 2, 1492);
    rig_icmp(rig, 1, (struct ip){.from = "10.0.0.254", .to = "10.0.0.1"}, ICMP_UNREACHABLE,
             ICMP_FRAGMENTATION_NEEDED, 0, datagram, sizeof datagram);
    CHECK_EQ(path_mtu(rig, "8.8.8.8"), 1006);
    rig_free(rig);
}

TEST(a_transport_may_disown_what_is_quoted)
{
    struct rig *rig = host();
    rig->disowns = true;
    too_big(rig, 1400);
    CHECK_EQ(path_mtu(rig, "8.8.8.8"), 1500); // RFC 8201-4
    rig->disowns = false;
    too_big(rig, 1400);
    CHECK_EQ(path_mtu(rig, "8.8.8.8"), 1400);
    // Of a protocol that nobody here sends, it was not ours.
    rig_error_about(rig, (struct ip){.from = "10.0.0.254", .to = "10.0.0.1"},
                    &(struct ip){.from = "10.0.0.1", .to = "8.8.8.8", .protocol = 47}, ICMP_UNREACHABLE,
                    ICMP_FRAGMENTATION_NEEDED, 68);
    CHECK_EQ(path_mtu(rig, "8.8.8.8"), 1400);
    CHECK_EQ(COUNT(rig, icmp_drop_quote), 1);
    rig_free(rig);
}

TEST(what_is_learned_is_bounded)
{
    struct rig *rig = host();
    CHECK_EQ(settings_set(&rig->core.settings, "strata.destination_entries", 4), 0);
    for (unsigned i = 1; i <= 8; i++) {
        char to[32];
        snprintf(to, sizeof to, "8.8.8.%u", i);
        rig_error_about(rig, (struct ip){.from = "10.0.0.254", .to = "10.0.0.1"},
                        &(struct ip){.from = "10.0.0.1", .to = to}, ICMP_UNREACHABLE,
                        ICMP_FRAGMENTATION_NEEDED, 1000);
        CHECK_EQ(path_mtu(rig, "8.8.8.1"), 1000); // used, so it stays
    }
    CHECK_EQ(rig->net->destinations.count, 4);
    CHECK_EQ(path_mtu(rig, "8.8.8.2"), 1500);
    CHECK_EQ(path_mtu(rig, "8.8.8.8"), 1000);
    rig_free(rig);
}

/* ---- Redirects -------------------------------------------------------------------------------------------
 */

static const char *gateway_of(struct rig *rig, const char *to)
{
    static char text[STRATA_ADDRESS_TEXT];
    struct net_path path;
    struct strata_address destination = rig_address_of(to);
    REQUIRE(net_path_find(rig->net, &path, &destination, 0, 0) == 0);
    strata_address_format(&path.next_hop, text, sizeof text);
    return text;
}

static void redirect(struct rig *rig, const char *reporter, const char *to, unsigned code,
                     const char *gateway)
{
    struct strata_address better = rig_address_of(gateway);
    rig_error_about(rig, (struct ip){.from = reporter, .to = "10.0.0.1"},
                    &(struct ip){.from = "10.0.0.1", .to = to}, ICMP_REDIRECT, code, address_v4(&better));
}

TEST(redirects_of_the_first_hop_are_believed)
{
    struct rig *rig = host();
    redirect(rig, "10.0.0.254", "8.8.8.8", 1, "10.0.0.253");
    CHECK_STR(gateway_of(rig, "8.8.8.8"), "10.0.0.253");
    CHECK_STR(gateway_of(rig, "8.8.8.9"), "10.0.0.254");
    redirect(rig, "10.0.0.254", "8.8.4.4", 0, "10.0.0.253"); // RFC 792-9: a network's is for this host only
    CHECK_STR(gateway_of(rig, "8.8.4.4"), "10.0.0.253");
    CHECK_STR(gateway_of(rig, "8.8.4.5"), "10.0.0.254");
    CHECK_EQ(COUNT(rig, icmp_redirects_applied), 2);
    // It is not for ever: not when the new gateway seems dead, not when the port goes down.
    struct net_path path;
    struct strata_address to = rig_address_of("8.8.8.8");
    CHECK_EQ(net_path_find(rig->net, &path, &to, 0, 0), 0);
    net_doubt(rig->net, &path);
    CHECK_STR(gateway_of(rig, "8.8.8.8"), "10.0.0.254");
    redirect(rig, "10.0.0.254", "8.8.8.8", 1, "10.0.0.253");
    port_set_up(rig_port(rig, 1), false);
    port_set_up(rig_port(rig, 1), true);
    CHECK_STR(gateway_of(rig, "8.8.8.8"), "10.0.0.254");
    rig_free(rig);
}

TEST(redirects_that_are_not_believed)
{
    // RFC 792-10
    static const struct lie {
        const char *reporter, *to, *gateway;
    } lies[] = {
        {"10.0.0.253", "8.8.8.8", "10.0.0.252"}, // not from the first hop
        {"10.0.0.254", "8.8.8.8", "172.16.0.1"}, // a gateway off the link
        {"10.0.0.254", "8.8.8.8", "10.0.0.1"},   // ourselves
        {"10.0.0.254", "8.8.8.8", "10.0.0.254"}, // itself
        {"10.0.0.254", "8.8.8.8", "10.0.0.255"}, // everybody
        {"10.0.0.2", "10.0.0.2", "10.0.0.253"},  // a destination on the link
    };
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        struct rig *rig = host();
        redirect(rig, lies[i].reporter, lies[i].to, 1, lies[i].gateway);
        CHECK_EQ(COUNT(rig, icmp_drop_redirect), 1);
        CHECK_STR(gateway_of(rig, lies[i].to),
                  strcmp(lies[i].to, "8.8.8.8") == 0 ? "10.0.0.254" : lies[i].to);
        rig_free(rig);
    }
    struct rig *rig = host();
    // A datagram that we did not send; a host told not to believe; a router (RFC 1812-16).
    rig_error_about(rig, (struct ip){.from = "10.0.0.254", .to = "10.0.0.1"},
                    &(struct ip){.from = "10.0.0.2", .to = "8.8.8.8"}, ICMP_REDIRECT, 1, 0x0a0000fd);
    CHECK_EQ(settings_set(&rig->core.settings, "net.ipv4.conf.all.accept_redirects", 0), 0);
    redirect(rig, "10.0.0.254", "8.8.8.8", 1, "10.0.0.253");
    CHECK_EQ(settings_set(&rig->core.settings, "net.ipv4.conf.all.accept_redirects", 1), 0);
    CHECK_EQ(settings_set(&rig->core.settings, "net.ipv4.ip_forward", 1), 0);
    redirect(rig, "10.0.0.254", "8.8.8.8", 1, "10.0.0.253");
    CHECK_EQ(COUNT(rig, icmp_drop_redirect), 3);
    CHECK_STR(gateway_of(rig, "8.8.8.8"), "10.0.0.254");
    rig_free(rig);
}

TEST_MAIN(TEST_ENTRY(path_mtu_is_lowered_and_never_raised), TEST_ENTRY(a_router_that_does_not_say_how_much),
          TEST_ENTRY(a_transport_may_disown_what_is_quoted), TEST_ENTRY(what_is_learned_is_bounded),
          TEST_ENTRY(redirects_of_the_first_hop_are_believed), TEST_ENTRY(redirects_that_are_not_believed))
