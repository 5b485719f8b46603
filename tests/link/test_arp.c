/*
 * ARP: RFC 826's algorithm on reception, asking, waiting, ageing, and what RFC 5227 adds.
 */
#include "tests/net/rig.h"

#define ALL "02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff "
#define TO(station) "02:00:00:00:00:01 > 02:00:00:00:00:" station " "

static struct port *the_port(struct rig *rig)
{
    return rig_port(rig, 1);
}

static enum neighbour_result resolve(struct rig *rig, const char *address, uint8_t mac[6])
{
    struct strata_address hop = rig_address_of(address);
    memset(mac, 0, 6);
    return neighbour_resolve(the_port(rig), &hop, false, mac);
}

TEST(answers_who_asks_for_us_by_unicast)
{
    struct rig *rig = rig_new();
    rig_ethernet(rig, "10.0.0.1/24");
    // RFC 826-4: sender and target swapped, our station in it, to the station that asked.
    rig_arp(rig, 1, ARP_REQUEST, 2, "10.0.0.2", 0, "10.0.0.1");
    EXPECT(rig, 1, TO("02") "ARP 10.0.0.1 is at 02:00:00:00:00:01");
    struct arp_packet reply;
    CHECK_EQ(arp_parse(&reply, rig->frame + 14, rig->frame_length - 14), ARP_BYTES);
    struct strata_address asker = rig_address_of("10.0.0.2");
    CHECK(address_equal(&reply.target, &asker));
    CHECK_EQ(reply.target_mac[5], 2);
    rig_arp(rig, 1, ARP_REQUEST, 2, "10.0.0.2", 0, "10.0.0.77");
    EXPECT_SILENCE(rig);
    CHECK_EQ(COUNT(rig, arp_replies_sent), 1);
    rig_free(rig);
}

TEST(adds_only_who_speaks_to_us_but_updates_whom_it_knows)
{
    struct rig *rig = rig_new();
    uint8_t mac[6];
    rig_ethernet(rig, "10.0.0.1/24");
    // RFC 826-3: two others talk, nothing is learned.
    rig_arp(rig, 1, ARP_REQUEST, 2, "10.0.0.2", 0, "10.0.0.3");
    CHECK_EQ(neighbour_count(net_links(rig->net)), 0);
    // A question to us teaches where the asker is.
    rig_arp(rig, 1, ARP_REQUEST, 2, "10.0.0.2", 0, "10.0.0.1");
    CHECK_EQ(resolve(rig, "10.0.0.2", mac), NEIGHBOUR_RESOLVED);
    CHECK_EQ(mac[5], 2);
    // RFC 826-2: known, so updated, though the packet is for somebody else and a request.
    rig_arp(rig, 1, ARP_REQUEST, 0x22, "10.0.0.2", 0, "10.0.0.3");
    CHECK_EQ(resolve(rig, "10.0.0.2", mac), NEIGHBOUR_RESOLVED);
    CHECK_EQ(mac[5], 0x22);
    rig_arp(rig, 1, ARP_REQUEST, 0x23, "10.0.0.2", 0, "10.0.0.2"); // gratuitous
    CHECK_EQ(resolve(rig, "10.0.0.2", mac), NEIGHBOUR_RESOLVED);
    CHECK_EQ(mac[5], 0x23);
    CHECK_EQ(neighbour_count(net_links(rig->net)), 1);
    rig_free(rig);
}

struct bad_arp {
    const char *what;
    enum counter counter;
    size_t at;
    uint8_t value;
};

TEST(what_is_wrong_in_an_arp_packet)
{
    // RFC 826-1, RFC 826-8
    static const struct bad_arp cases[] = {
        {"hardware type", COUNTER_arp_drop_malformed, 14 + 1, 6},
        {"protocol type", COUNTER_arp_drop_malformed, 14 + 2, 0x86},
        {"hardware length", COUNTER_arp_drop_malformed, 14 + 4, 8},
        {"protocol length", COUNTER_arp_drop_malformed, 14 + 5, 16},
        {"operation", COUNTER_arp_drop_malformed, 14 + 7, 3},
        {"group station", COUNTER_arp_drop_address, 14 + 8, 3},
        {"multicast sender", COUNTER_arp_drop_address, 14 + 14, 224},
        {"loopback sender", COUNTER_arp_drop_address, 14 + 14, 127},
        {"reserved sender", COUNTER_arp_drop_address, 14 + 14, 250},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig *rig = rig_new();
        rig_ethernet(rig, "10.0.0.1/24");
        uint8_t frame[14 + ARP_BYTES];
        struct ethernet_header header = {
            .ethertype = ETHERTYPE_ARP, .destination = {2, 0, 0, 0, 0, 1}, .source = {2}};
        struct arp_packet arp = {.operation = ARP_REPLY,
                                 .sender_mac = {2, 0, 0, 0, 0, 2},
                                 .target_mac = {2},
                                 .sender = rig_address_of("10.0.0.2"),
                                 .target = rig_address_of("10.0.0.1")};
        ethernet_emit(frame, &header);
        arp_emit(frame + 14, &arp);
        frame[cases[i].at] = cases[i].value;
        rig_input(rig, 1, frame, sizeof frame);
        if (!CHECK_EQ(rig->core.counters.value[cases[i].counter], 1))
            printf("    bad %s\n", cases[i].what);
        CHECK_EQ(neighbour_count(net_links(rig->net)), 0);
        rig_input(rig, 1, frame, sizeof frame - 1);
        CHECK(COUNT(rig, arp_drop_malformed) >= 1);
        EXPECT_SILENCE(rig);
        rig_free(rig);
    }
}

TEST(asks_once_a_second_and_gives_up)
{
    struct rig *rig = rig_new();
    uint8_t mac[6];
    rig_ethernet(rig, "10.0.0.1/24");
    // RFC 826-6: however often it is wanted, one request per second.
    for (int i = 0; i < 10; i++)
        CHECK_EQ(resolve(rig, "10.0.0.2", mac), NEIGHBOUR_PENDING);
    EXPECT(rig, 1, ALL "ARP who has 10.0.0.2? tell 10.0.0.1");
    EXPECT_SILENCE(rig);
    rig_advance(rig, STRATA_SECOND - 1);
    EXPECT_SILENCE(rig);
    rig_advance(rig, 1);
    EXPECT(rig, 1, ALL "ARP who has 10.0.0.2? tell 10.0.0.1");
    rig_advance(rig, STRATA_SECOND);
    EXPECT(rig, 1, ALL "ARP who has 10.0.0.2? tell 10.0.0.1");
    rig_advance(rig, STRATA_SECOND);
    EXPECT_SILENCE(rig);
    CHECK_EQ(COUNT(rig, arp_requests_sent), 3 + 1); // and the announcement
    CHECK_EQ(resolve(rig, "10.0.0.2", mac), NEIGHBOUR_UNREACHABLE);
    // Held down for three seconds, then asked again.
    rig_advance(rig, 3 * STRATA_SECOND);
    CHECK_EQ(resolve(rig, "10.0.0.2", mac), NEIGHBOUR_PENDING);
    rig_free(rig);
}

TEST(latest_packets_wait_for_the_answer)
{
    struct rig *rig = rig_new();
    CHECK_EQ(settings_set(&rig->core.settings, "net.ipv4.neigh.default.unres_qlen", 2), 0);
    rig_ethernet(rig, "10.0.0.1/24");
    CHECK_EQ(rig_send(rig, (struct net_out){.tos = 0}, NULL, "10.0.0.2", 100), 0);
    CHECK_EQ(rig_send(rig, (struct net_out){.tos = 0}, NULL, "10.0.0.2", 200), 0);
    CHECK_EQ(rig_send(rig, (struct net_out){.tos = 0}, NULL, "10.0.0.2", 300), 0);
    EXPECT(rig, 1, ALL "ARP who has 10.0.0.2? tell 10.0.0.1");
    CHECK_EQ(COUNT(rig, arp_drop_queue_full), 1);
    rig_arp(rig, 1, ARP_REPLY, 2, "10.0.0.2", 1, "10.0.0.1");
    // RFC 826-7: the oldest has made room for the latest.
    EXPECT(rig, 1, "10.0.0.1:1234 > 10.0.0.2:5678 UDP length=192");
    CHECK_MEM(rig->frame, "\x02\0\0\0\0\x02\x02\0\0\0\0\x01\x08\x00", 14);
    EXPECT(rig, 1, "10.0.0.1:1234 > 10.0.0.2:5678 UDP length=292");
    EXPECT_SILENCE(rig);
    rig_free(rig);
}

TEST(no_error_merely_because_the_answer_is_not_there_yet)
{
    struct rig *rig = rig_new();
    rig_ethernet(rig, "10.0.0.1/24");
    CHECK_EQ(rig_send(rig, (struct net_out){.tos = 0}, NULL, "10.0.0.2", 100), 0);
    rig_advance(rig, 2 * STRATA_SECOND);
    CHECK_EQ(rig->errors, 0); // RFC 826-9: still asking
    rig_advance(rig, STRATA_SECOND);
    CHECK_EQ(rig->errors, 1);
    CHECK_EQ(rig->error.error, EHOSTUNREACH);
    CHECK(!rig->error.hard);
    CHECK_EQ(COUNT(rig, arp_drop_unresolved), 1);
    rig_free(rig);
}

TEST(entries_age_are_asked_by_unicast_and_forgotten)
{
    struct rig *rig = rig_new();
    uint8_t mac[6];
    rig_ethernet(rig, "10.0.0.1/24");
    rig_arp(rig, 1, ARP_REPLY, 2, "10.0.0.2", 1, "10.0.0.1");
    CHECK_EQ(resolve(rig, "10.0.0.2", mac), NEIGHBOUR_RESOLVED);
    EXPECT_SILENCE(rig);
    rig_advance(rig, 60 * STRATA_SECOND); // net: strata.neighbour_stale_ms
    // Still used, but asked whether it is there.
    CHECK_EQ(resolve(rig, "10.0.0.2", mac), NEIGHBOUR_RESOLVED);
    EXPECT(rig, 1, TO("02") "ARP who has 10.0.0.2? tell 10.0.0.1");
    CHECK_EQ(resolve(rig, "10.0.0.2", mac), NEIGHBOUR_RESOLVED);
    EXPECT_SILENCE(rig);
    rig_arp(rig, 1, ARP_REPLY, 2, "10.0.0.2", 1, "10.0.0.1");
    rig_advance(rig, 59 * STRATA_SECOND);
    CHECK_EQ(resolve(rig, "10.0.0.2", mac), NEIGHBOUR_RESOLVED);
    EXPECT_SILENCE(rig);
    // RFC 826-5: stale and not used, it is flushed, and then no timer is left.
    rig_advance(rig, 120 * STRATA_SECOND);
    CHECK_EQ(neighbour_count(net_links(rig->net)), 0);
    CHECK_EQ(wheel_next(&rig->core.wheel), STRATA_NEVER);
    rig_free(rig);
}

TEST(a_station_that_is_gone_is_asked_for_anew)
{
    struct rig *rig = rig_new();
    uint8_t mac[6];
    CHECK_EQ(settings_set(&rig->core.settings, "strata.neighbour_stale_ms", 5000), 0);
    rig_ethernet(rig, "10.0.0.1/24");
    rig_arp(rig, 1, ARP_REPLY, 2, "10.0.0.2", 1, "10.0.0.1");
    rig_advance(rig, 5 * STRATA_SECOND);
    CHECK_EQ(resolve(rig, "10.0.0.2", mac), NEIGHBOUR_RESOLVED);
    for (int i = 0; i < 3; i++) {
        EXPECT(rig, 1, TO("02") "ARP who has 10.0.0.2? tell 10.0.0.1");
        rig_advance(rig, STRATA_SECOND);
    }
    EXPECT(rig, 1, ALL "ARP who has 10.0.0.2? tell 10.0.0.1");
    CHECK_EQ(resolve(rig, "10.0.0.2", mac), NEIGHBOUR_PENDING);
    rig_arp(rig, 1, ARP_REPLY, 0x42, "10.0.0.2", 1, "10.0.0.1");
    CHECK_EQ(resolve(rig, "10.0.0.2", mac), NEIGHBOUR_RESOLVED);
    CHECK_EQ(mac[5], 0x42);
    rig_free(rig);
}

TEST(progress_above_keeps_an_entry_fresh)
{
    struct rig *rig = rig_new();
    uint8_t mac[6];
    rig_ethernet(rig, "10.0.0.1/24");
    rig_arp(rig, 1, ARP_REPLY, 2, "10.0.0.2", 1, "10.0.0.1");
    struct net_path path;
    struct strata_address peer = rig_address_of("10.0.0.2");
    CHECK_EQ(net_path_find(rig->net, &path, &peer, 0, 0), 0);
    for (int i = 0; i < 10; i++) {
        rig_advance(rig, 30 * STRATA_SECOND);
        net_confirm(rig->net, &path);
        CHECK_EQ(resolve(rig, "10.0.0.2", mac), NEIGHBOUR_RESOLVED);
        EXPECT_SILENCE(rig);
    }
    rig_free(rig);
}

TEST(table_is_bounded_and_what_is_used_stays)
{
    struct rig *rig = rig_new();
    uint8_t mac[6];
    CHECK_EQ(settings_set(&rig->core.settings, "net.ipv4.neigh.default.gc_thresh3", 8), 0);
    rig_ethernet(rig, "10.0.0.1/16");
    rig_arp(rig, 1, ARP_REPLY, 2, "10.0.0.2", 1, "10.0.0.1");
    rig_neighbour(rig, 1, "10.0.0.3", 3);
    for (int i = 0; i < 100; i++) {
        char address[32];
        snprintf(address, sizeof address, "10.0.1.%d", i);
        CHECK_EQ(rig_send(rig, (struct net_out){.tos = 0}, NULL, address, 20), 0);
        CHECK_EQ(resolve(rig, "10.0.0.2", mac), NEIGHBOUR_RESOLVED);
        CHECK(neighbour_count(net_links(rig->net)) <= 8);
    }
    CHECK_EQ(COUNT(rig, arp_drop_table_full), 94); // six of the hundred wait still
    CHECK_EQ(rig->errors, 0);
    CHECK_EQ(resolve(rig, "10.0.0.3", mac), NEIGHBOUR_RESOLVED);
    CHECK_EQ(mac[5], 3);
    rig_free(rig);
}

TEST(entries_by_hand_do_not_age_and_are_not_overwritten)
{
    struct rig *rig = rig_new();
    uint8_t mac[6];
    rig_ethernet(rig, "10.0.0.1/24");
    rig_neighbour(rig, 1, "10.0.0.2", 0x55);
    rig_arp(rig, 1, ARP_REPLY, 2, "10.0.0.2", 1, "10.0.0.1");
    rig_advance(rig, 3600 * STRATA_SECOND);
    CHECK_EQ(resolve(rig, "10.0.0.2", mac), NEIGHBOUR_RESOLVED);
    CHECK_EQ(mac[5], 0x55);
    EXPECT_SILENCE(rig);
    struct strata_address hop = rig_address_of("10.0.0.2");
    static const uint8_t group[6] = {1};
    CHECK_EQ(neighbour_set(the_port(rig), &hop, group), -EINVAL);
    CHECK_EQ(neighbour_set(the_port(rig), &hop, NULL), 0);
    CHECK_EQ(neighbour_set(the_port(rig), &hop, NULL), -ENOENT);
    rig_free(rig);
}

TEST(groups_and_broadcasts_need_no_question)
{
    struct rig *rig = rig_new();
    uint8_t mac[6];
    rig_ethernet(rig, "10.0.0.1/24");
    CHECK_EQ(resolve(rig, "224.1.2.3", mac), NEIGHBOUR_RESOLVED);
    CHECK_MEM(mac, "\x01\x00\x5e\x01\x02\x03", 6);
    CHECK_EQ(resolve(rig, "ff02::1:2", mac), NEIGHBOUR_RESOLVED);
    CHECK_MEM(mac, "\x33\x33\x00\x01\x00\x02", 6);
    struct strata_address all = rig_address_of("10.0.0.255");
    CHECK_EQ(neighbour_resolve(the_port(rig), &all, true, mac), NEIGHBOUR_RESOLVED);
    CHECK_MEM(mac, "\xff\xff\xff\xff\xff\xff", 6);
    // There is no neighbour discovery: IPv6 is known by hand or not at all.
    CHECK_EQ(resolve(rig, "fd00::2", mac), NEIGHBOUR_UNREACHABLE);
    rig_neighbour(rig, 1, "fd00::2", 9);
    CHECK_EQ(resolve(rig, "fd00::2", mac), NEIGHBOUR_RESOLVED);
    EXPECT_SILENCE(rig);
    rig_free(rig);
}

TEST(announces_a_new_address)
{
    struct rig *rig = rig_new();
    int port = rig_add_port(rig, STRATA_LINK_ETHERNET, 1500, NULL);
    rig_add_address(rig, port, "10.0.0.1/24");
    EXPECT(rig, port, ALL "ARP 10.0.0.1 announced at 02:00:00:00:00:01");
    rig_add_address(rig, port, "fd00::1/64");
    EXPECT_SILENCE(rig);
    rig_free(rig);
}

TEST(asks_with_the_address_of_the_same_subnet)
{
    struct rig *rig = rig_new();
    uint8_t mac[6];
    rig_ethernet(rig, "10.0.0.1/24");
    rig_add_address(rig, 1, "10.5.0.1/24");
    rig_drain(rig, 1);
    resolve(rig, "10.5.0.9", mac);
    EXPECT(rig, 1, ALL "ARP who has 10.5.0.9? tell 10.5.0.1");
    resolve(rig, "10.77.0.9", mac);
    EXPECT(rig, 1, ALL "ARP who has 10.77.0.9? tell 10.0.0.1");
    rig_free(rig);
}

TEST(a_claim_to_our_address_is_counted_and_answered_rarely)
{
    struct rig *rig = rig_new();
    rig_ethernet(rig, "10.0.0.1/24");
    rig_arp(rig, 1, ARP_REPLY, 7, "10.0.0.1", 1, "10.0.0.1");
    EXPECT(rig, 1, ALL "ARP 10.0.0.1 announced at 02:00:00:00:00:01");
    rig_advance(rig, 9 * STRATA_SECOND);
    rig_arp(rig, 1, ARP_REQUEST, 7, "10.0.0.1", 0, "10.0.0.1");
    EXPECT_SILENCE(rig); // at most once in ten seconds
    rig_advance(rig, STRATA_SECOND);
    rig_arp(rig, 1, ARP_REQUEST, 7, "10.0.0.1", 0, "10.0.0.1");
    EXPECT(rig, 1, ALL "ARP 10.0.0.1 announced at 02:00:00:00:00:01");
    CHECK_EQ(COUNT(rig, arp_conflicts), 3);
    CHECK_EQ(neighbour_count(net_links(rig->net)), 0);
    // Our own voice, brought back by a hub, is no conflict.
    rig_arp(rig, 1, ARP_REQUEST, 1, "10.0.0.1", 0, "10.0.0.1");
    CHECK_EQ(COUNT(rig, arp_conflicts), 3);
    rig_free(rig);
}

TEST(probes_before_use)
{
    struct rig *rig = rig_new();
    int port = rig_add_port(rig, STRATA_LINK_ETHERNET, 1500, NULL);
    struct strata_address candidate = rig_address_of("10.0.0.50");
    // RFC 5227-2: from nobody, so that no table learns it.
    arp_probe(rig_port(rig, port), &candidate);
    EXPECT(rig, port, ALL "ARP who has 10.0.0.50? tell 0.0.0.0");
    struct arp_packet probe;
    CHECK_EQ(arp_parse(&probe, rig->frame + 14, ARP_BYTES), ARP_BYTES);
    CHECK(address_is_unspecified(&probe.sender));
    CHECK(!arp_probe_answered(rig_port(rig, port), &candidate));
    rig_arp(rig, port, ARP_REPLY, 8, "10.0.0.51", 1, "0.0.0.0");
    CHECK(!arp_probe_answered(rig_port(rig, port), &candidate));
    // RFC 5227-3: somebody answers from it, ...
    rig_arp(rig, port, ARP_REPLY, 8, "10.0.0.50", 1, "0.0.0.0");
    CHECK(arp_probe_answered(rig_port(rig, port), &candidate));
    // ... or somebody else asks whether it is free. Our own question does not count.
    struct strata_address another = rig_address_of("10.0.0.60");
    arp_probe(rig_port(rig, port), &another);
    CHECK(!arp_probe_answered(rig_port(rig, port), &another));
    rig_arp(rig, port, ARP_REQUEST, 1, "0.0.0.0", 0, "10.0.0.60");
    CHECK(!arp_probe_answered(rig_port(rig, port), &another));
    rig_arp(rig, port, ARP_REQUEST, 9, "0.0.0.0", 0, "10.0.0.60");
    CHECK(arp_probe_answered(rig_port(rig, port), &another));
    rig_free(rig);
}

TEST(a_probe_for_our_address_is_answered_and_teaches_nothing)
{
    struct rig *rig = rig_new();
    rig_ethernet(rig, "10.0.0.1/24");
    rig_arp(rig, 1, ARP_REQUEST, 8, "0.0.0.0", 0, "10.0.0.1");
    EXPECT(rig, 1, TO("08") "ARP 10.0.0.1 is at 02:00:00:00:00:01");
    CHECK_EQ(neighbour_count(net_links(rig->net)), 0);
    rig_free(rig);
}

TEST_MAIN(TEST_ENTRY(answers_who_asks_for_us_by_unicast),
          TEST_ENTRY(adds_only_who_speaks_to_us_but_updates_whom_it_knows),
          TEST_ENTRY(what_is_wrong_in_an_arp_packet), TEST_ENTRY(asks_once_a_second_and_gives_up),
          TEST_ENTRY(latest_packets_wait_for_the_answer),
          TEST_ENTRY(no_error_merely_because_the_answer_is_not_there_yet),
          TEST_ENTRY(entries_age_are_asked_by_unicast_and_forgotten),
          TEST_ENTRY(a_station_that_is_gone_is_asked_for_anew),
          TEST_ENTRY(progress_above_keeps_an_entry_fresh),
          TEST_ENTRY(table_is_bounded_and_what_is_used_stays),
          TEST_ENTRY(entries_by_hand_do_not_age_and_are_not_overwritten),
          TEST_ENTRY(groups_and_broadcasts_need_no_question), TEST_ENTRY(announces_a_new_address),
          TEST_ENTRY(asks_with_the_address_of_the_same_subnet),
          TEST_ENTRY(a_claim_to_our_address_is_counted_and_answered_rarely), TEST_ENTRY(probes_before_use),
          TEST_ENTRY(a_probe_for_our_address_is_answered_and_teaches_nothing))
