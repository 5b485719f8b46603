/*
 * Frames in: whose they are, tags, lengths; and each counter that says no.
 */
#include "tests/net/rig.h"

struct frame_case {
    const char *what;
    enum counter counter; /* COUNTER_NONE: it is delivered */
    uint8_t destination[6], source[6];
    uint16_t ethertype;
    int vlan;   /* -1: no tag */
    size_t cut; /* 0: as long as it is */
};

#define US                                                                                                   \
    {                                                                                                        \
        2, 0, 0, 0, 0, 1                                                                                     \
    }
#define THEM                                                                                                 \
    {                                                                                                        \
        2, 0, 0, 0, 0, PEER                                                                                  \
    }

TEST(takes_what_is_for_us_and_counts_the_rest)
{
    static const struct frame_case cases[] = {
        {"to our station", COUNTER_NONE, US, THEM, ETHERTYPE_IPV4, -1, 0},
        {"to another station",
         COUNTER_ethernet_drop_destination,
         {2, 0, 0, 0, 0, 7},
         THEM,
         ETHERTYPE_IPV4,
         -1,
         0},
        {"to a group nobody joined",
         COUNTER_ethernet_drop_destination,
         {1, 0, 0x5e, 1, 2, 3},
         THEM,
         ETHERTYPE_IPV4,
         -1,
         0},
        {"from a group", COUNTER_ethernet_drop_source, US, {3, 0, 0, 0, 0, 1}, ETHERTYPE_IPV4, -1, 0},
        {"of an unknown type", COUNTER_ethernet_drop_type, US, THEM, 0x88cc, -1, 0},
        {"of a length for a type (802.3)", COUNTER_ethernet_drop_type, US, THEM, 46, -1, 0},
        {"with a priority tag", COUNTER_NONE, US, THEM, ETHERTYPE_IPV4, 0, 0},
        {"of VLAN 5", COUNTER_ethernet_drop_vlan, US, THEM, ETHERTYPE_IPV4, 5, 0},
        {"of 13 bytes", COUNTER_ethernet_drop_short, US, THEM, ETHERTYPE_IPV4, -1, 13},
        {"of a tag cut short", COUNTER_ethernet_drop_short, US, THEM, ETHERTYPE_IPV4, 0, 17},
        {"empty", COUNTER_ethernet_drop_short, US, THEM, ETHERTYPE_IPV4, -1, SIZE_MAX},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct frame_case *c = &cases[i];
        struct rig *rig = rig_new();
        int port = rig_ethernet(rig, "10.0.0.1/24");
        uint8_t frame[200];
        struct ethernet_header header = {.ethertype = c->ethertype,
                                         .tagged = c->vlan >= 0,
                                         .vlan = (uint16_t)(c->vlan < 0 ? 0 : c->vlan),
                                         .priority = 3};
        memcpy(header.destination, c->destination, 6);
        memcpy(header.source, c->source, 6);
        size_t at = ethernet_emit(frame, &header);
        size_t length =
            at + ip_build(frame + at, &(struct ip){.from = "10.0.0.2", .to = "10.0.0.1"}, "12345678", 8);
        rig_input(rig, port, frame, c->cut == SIZE_MAX ? 0 : c->cut ? c->cut : length);
        if (c->counter == COUNTER_NONE ? !CHECK_EQ(rig->delivered, 1)
                                       : !CHECK_EQ(rig->core.counters.value[c->counter], 1))
            printf("    a frame %s\n", c->what);
        CHECK_EQ(rig->delivered, c->counter == COUNTER_NONE);
        rig_free(rig);
    }
}

TEST(hears_groups_only_while_it_is_a_member)
{
    struct rig *rig = rig_new();
    int port = rig_ethernet(rig, "10.0.0.1/24");
    struct ip to_group = {.from = "10.0.0.2", .to = "224.5.6.7"};
    uint8_t frame[100];
    struct strata_address group = rig_address_of("224.5.6.7"), twin = rig_address_of("225.5.6.7");
    size_t length = rig_frame(rig, port, frame, &to_group, "x", 1);
    ethernet_multicast(frame, &group);

    rig_input(rig, port, frame, length);
    CHECK_EQ(COUNT(rig, ethernet_drop_destination), 1);
    CHECK_EQ(net_join(rig->net, &group, port), 0);
    CHECK_EQ(net_join(rig->net, &group, port), 0); // two programs
    rig_input(rig, port, frame, length);
    CHECK_EQ(rig->delivered, 1);
    CHECK(rig->packet.flags & NET_PACKET_MULTICAST);
    CHECK(rig->packet.flags & NET_PACKET_LINK_BROADCAST);
    CHECK_EQ(net_leave(rig->net, &group, port), 0);
    rig_input(rig, port, frame, length);
    CHECK_EQ(rig->delivered, 2);
    CHECK_EQ(net_leave(rig->net, &group, port), 0);
    CHECK_EQ(net_leave(rig->net, &group, port), -EADDRNOTAVAIL);
    rig_input(rig, port, frame, length);
    CHECK_EQ(rig->delivered, 2);
    // Another group shares the station address: the frame passes, the datagram does not.
    CHECK_EQ(net_join(rig->net, &twin, port), 0);
    rig_input(rig, port, frame, length);
    CHECK_EQ(rig->delivered, 2);
    CHECK_EQ(COUNT(rig, ipv4_drop_destination), 1);
    rig_free(rig);
}

TEST(all_hosts_group_is_joined_at_birth)
{
    // RFC 1122-28
    struct rig *rig = rig_new();
    int port = rig_ethernet(rig, "10.0.0.1/24");
    struct ip to_all = {.from = "10.0.0.2", .to = "224.0.0.1"};
    uint8_t frame[100];
    struct strata_address all = rig_address_of("224.0.0.1");
    size_t length = rig_frame(rig, port, frame, &to_all, "x", 1);
    ethernet_multicast(frame, &all);
    rig_input(rig, port, frame, length);
    CHECK_EQ(rig->delivered, 1);
    rig_free(rig);
}

TEST(tunnel_tells_families_apart_by_version)
{
    struct rig *rig = rig_new();
    int port = rig_tunnel(rig, "10.9.0.1/24");
    rig_add_address(rig, port, "fd00::1/64");
    rig_udp(rig, port, (struct ip){.from = "10.9.0.2", .to = "10.9.0.1"});
    CHECK_EQ(rig->delivered, 1);
    rig_udp(rig, port, (struct ip){.from = "fd00::2", .to = "fd00::1"});
    CHECK_EQ(rig->delivered, 2);
    rig_input(rig, port, "\x55garbage", 8);
    rig_input(rig, port, "", 0);
    CHECK_EQ(COUNT(rig, ipv4_drop_version), 2);
    rig_free(rig);
}

TEST(longer_than_the_port_or_at_one_that_is_down)
{
    struct rig *rig = rig_new();
    int port = rig_ethernet(rig, "10.0.0.1/24");
    static uint8_t payload[1501];
    rig_ip(rig, port, (struct ip){.from = "10.0.0.2", .to = "10.0.0.1"}, payload, 1480);
    CHECK_EQ(rig->delivered, 1);
    rig_ip(rig, port, (struct ip){.from = "10.0.0.2", .to = "10.0.0.1"}, payload, 1481);
    CHECK_EQ(COUNT(rig, port_drop_length), 1);
    int tunnel = rig_tunnel(rig, "10.9.0.1/24");
    rig_ip(rig, tunnel, (struct ip){.from = "10.9.0.2", .to = "10.9.0.1"}, payload, 1481);
    CHECK_EQ(COUNT(rig, port_drop_length), 2);
    CHECK_EQ(port_set_up(rig_port(rig, port), false), 0);
    rig_udp(rig, port, (struct ip){.from = "10.0.0.2", .to = "10.0.0.1"});
    CHECK_EQ(COUNT(rig, port_drop_down), 1);
    CHECK_EQ(rig->delivered, 1);
    rig_free(rig);
}

TEST_MAIN(TEST_ENTRY(takes_what_is_for_us_and_counts_the_rest),
          TEST_ENTRY(hears_groups_only_while_it_is_a_member), TEST_ENTRY(all_hosts_group_is_joined_at_birth),
          TEST_ENTRY(tunnel_tells_families_apart_by_version),
          TEST_ENTRY(longer_than_the_port_or_at_one_that_is_down))
