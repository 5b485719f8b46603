/*
 * Routes: longest prefix match against a plain list, connected routes, several gateways, ports up and down.
 */
#include "tests/net/rig.h"

static const char *next_hop(struct rig *rig, const char *to)
{
    static char text[STRATA_ADDRESS_TEXT + 16];
    struct net_path path;
    struct strata_address destination = rig_address_of(to);
    int error = net_path_find(rig->net, &path, &destination, 0, 0);
    if (error < 0)
        return error == -ENETUNREACH ? "unreachable" : "?";
    size_t length = strata_address_format(&path.next_hop, text, sizeof text);
    snprintf(text + length, sizeof text - length, " port %d", path.port);
    return text;
}

TEST(the_longest_prefix_wins)
{
    struct rig *rig = rig_new();
    for (int i = 0; i < 4; i++) {
        char prefix[32];
        snprintf(prefix, sizeof prefix, "10.0.%d.1/24", i);
        rig_ethernet(rig, prefix);
    }
    // The table of the vectors: 11001000 00010111 00010/21 and so on; "interface" k is port k + 1.
    rig_add_route(rig, "200.23.16.0/21", "10.0.0.254", -1, 0);
    rig_add_route(rig, "200.23.24.0/24", "10.0.1.254", -1, 0);
    rig_add_route(rig, "200.23.24.0/21", "10.0.2.254", -1, 0);
    rig_add_route(rig, "0.0.0.0/0", "10.0.3.254", -1, 0);
    // RFC 4632-1, RFC 1812-9
    CHECK_STR(next_hop(rig, "200.23.22.161"), "10.0.0.254 port 1"); // ...00010110 10100001
    CHECK_STR(next_hop(rig, "200.23.24.170"), "10.0.1.254 port 2"); // ...00011000 10101010
    CHECK_STR(next_hop(rig, "200.23.25.1"), "10.0.2.254 port 3");
    CHECK_STR(next_hop(rig, "200.23.32.1"), "10.0.3.254 port 4");
    rig_add_route(rig, "200.23.24.170/32", "10.0.3.253", -1, 0); // a host route
    CHECK_STR(next_hop(rig, "200.23.24.170"), "10.0.3.253 port 4");
    // RFC 1122-14: the mask decides what is on the link.
    CHECK_STR(next_hop(rig, "10.0.1.77"), "10.0.1.77 port 2");
    rig_free(rig);
}

TEST(lookup_agrees_with_a_plain_list)
{
    // RFC 4632-3: any prefix length, nested and neighbouring; added and removed in any order.
    struct core core;
    struct strata_config config = {.size = sizeof config, .seed = {9}};
    REQUIRE(core_init(&core, &config, STRATA_SECOND) == 0);
    struct routes routes;
    routes_init(&routes, &core);
    static struct route list[400];
    size_t count = 0;
    uint64_t random = 42;
    for (int step = 0; step < 6000; step++) {
        uint32_t ipv4 = (uint32_t)test_random(&random) & 0x0f0f00ff;
        struct route route = {.destination = address_from_v4(ipv4),
                              .kind = ROUTE_UNICAST,
                              .bits = (uint8_t)(96 + test_below(&random, 33)),
                              .port = 1};
        route.destination = address_mask(&route.destination, route.bits);
        size_t found = 0;
        while (found < count && !(list[found].bits == route.bits &&
                                  address_equal(&list[found].destination, &route.destination)))
            found++;
        if (test_below(&random, 2) && count < 400) {
            CHECK_EQ(routes_add(&routes, &route), found < count ? -EEXIST : 0);
            if (found == count)
                list[count++] = route;
        } else {
            CHECK_EQ(routes_remove(&routes, &route), found < count ? 0 : -ENOENT);
            if (found < count)
                list[found] = list[--count];
        }
        struct strata_address wanted = address_from_v4((uint32_t)test_random(&random) & 0x0f0f00ff);
        int best = -1;
        for (size_t i = 0; i < count; i++)
            if (address_matches(&list[i].destination, &wanted, list[i].bits) && list[i].bits > best)
                best = list[i].bits;
        const struct route *match = routes_lookup(&routes, &wanted, NULL, NULL);
        if ((match ? match->bits : -1) != best)
            CHECK_EQ(match ? match->bits : -1, best);
    }
    CHECK_EQ(routes.count, count);
    routes_free(&routes);
    CHECK_EQ(core.memory.used_bytes < 16384, true);
    core_free(&core);
}

TEST(an_ipv4_destination_never_takes_an_ipv6_default)
{
    struct rig *rig = rig_new();
    rig_tunnel(rig, "fd00::1/64");
    rig_add_route(rig, "::/0", NULL, 1, 0);
    CHECK_STR(next_hop(rig, "2001::1"), "2001::1 port 1");
    CHECK_STR(next_hop(rig, "8.8.8.8"), "unreachable");
    rig_free(rig);
}

TEST(metrics_and_ports_that_are_down)
{
    struct rig *rig = rig_new();
    rig_ethernet(rig, "10.0.0.1/24");
    rig_ethernet(rig, "10.1.0.1/24");
    rig_add_route(rig, "0.0.0.0/0", "10.1.0.254", -1, 20);
    rig_add_route(rig, "0.0.0.0/0", "10.0.0.254", -1, 10);
    CHECK_STR(next_hop(rig, "8.8.8.8"), "10.0.0.254 port 1");
    // RFC 1812-25: the alternate takes over while the port is down.
    CHECK_EQ(port_set_up(rig_port(rig, 1), false), 0);
    CHECK_STR(next_hop(rig, "8.8.8.8"), "10.1.0.254 port 2");
    CHECK_STR(next_hop(rig, "10.0.0.9"), "10.1.0.254 port 2");
    CHECK_EQ(port_set_up(rig_port(rig, 1), true), 0);
    CHECK_STR(next_hop(rig, "8.8.8.8"), "10.0.0.254 port 1");
    // Bound to a port, only its routes count.
    struct net_path path;
    struct strata_address to = rig_address_of("8.8.8.8");
    CHECK_EQ(net_path_find(rig->net, &path, &to, 0, 2), 0);
    CHECK_EQ(path.port, 2);
    rig_free(rig);
}

TEST(a_gateway_in_doubt_is_avoided_for_a_while)
{
    struct rig *rig = rig_new();
    rig_ethernet(rig, "10.0.0.1/24");
    rig_add_route(rig, "0.0.0.0/0", "10.0.0.254", -1, 1);
    rig_add_route(rig, "0.0.0.0/0", "10.0.0.253", -1, 2);
    struct net_path path;
    struct strata_address to = rig_address_of("8.8.8.8");
    // RFC 1122-15, RFC 1122-16
    CHECK_EQ(net_path_find(rig->net, &path, &to, 0, 0), 0);
    net_doubt(rig->net, &path);
    CHECK(net_path_is_stale(rig->net, &path));
    CHECK_STR(next_hop(rig, "8.8.8.8"), "10.0.0.253 port 1");
    EXPECT_SILENCE(rig); // and nobody was pinged
    CHECK_EQ(net_path_find(rig->net, &path, &to, 0, 0), 0);
    rig_advance(rig, STRATA_SECOND);
    net_doubt(rig->net, &path); // that one, too: the older doubt counts less
    CHECK_STR(next_hop(rig, "8.8.8.8"), "10.0.0.254 port 1");
    rig_advance(rig, 120 * STRATA_SECOND);
    CHECK_STR(next_hop(rig, "8.8.8.8"), "10.0.0.254 port 1");
    rig_free(rig);
}

TEST(a_dead_gateway_is_doubted_once_a_second_and_not_per_packet)
{
    struct rig *rig = rig_new();
    rig_ethernet(rig, "10.0.0.1/24");
    rig_add_route(rig, "0.0.0.0/0", "10.0.0.254", -1, 1);
    struct net_path path;
    struct strata_address to = rig_address_of("8.8.8.8");
    CHECK_EQ(net_path_find(rig->net, &path, &to, 0, 0), 0);
    net_doubt(rig->net, &path);
    uint32_t generation = rig->net->generation;
    for (int i = 0; i < 100; i++)
        net_doubt(rig->net, &path);
    CHECK_EQ(rig->net->generation, generation); // no route was walked, no path is stale
    rig_advance(rig, STRATA_SECOND);
    net_doubt(rig->net, &path);
    CHECK(rig->net->generation != generation);
    rig_free(rig);
}

TEST(a_gateway_that_does_not_answer_arp_is_left)
{
    struct rig *rig = rig_new();
    rig_ethernet(rig, "10.0.0.1/24");
    rig_neighbour(rig, 1, "10.0.0.253", PEER);
    rig_add_route(rig, "0.0.0.0/0", "10.0.0.254", -1, 1);
    rig_add_route(rig, "0.0.0.0/0", "10.0.0.253", -1, 2);
    CHECK_EQ(rig_send(rig, (struct net_out){.tos = 0}, NULL, "8.8.8.8", 20), 0);
    rig_advance(rig, 3 * STRATA_SECOND);
    rig_drain(rig, 1);
    CHECK_EQ(rig->errors, 1);
    CHECK_EQ(rig_send(rig, (struct net_out){.tos = 0}, NULL, "8.8.8.8", 20), 0); // RFC 1122-16
    EXPECT(rig, 1, "10.0.0.1:1234 > 8.8.8.8:5678 UDP length=12");
    CHECK_MEM(rig->frame, "\x02\0\0\0\0\x99", 6);
    rig_free(rig);
}

TEST(a_route_into_nowhere_for_the_holes_of_an_aggregate)
{
    struct rig *rig = rig_new();
    rig_ethernet(rig, "10.0.0.1/24");
    rig_add_route(rig, "0.0.0.0/0", "10.0.0.254", -1, 0);
    rig_add_route(rig, "172.16.0.0/12", NULL, STRATA_PORT_LOOPBACK, 0); // RFC 4632-2
    rig_add_route(rig, "172.16.5.0/24", "10.0.0.253", -1, 0);
    CHECK_STR(next_hop(rig, "172.16.5.9"), "10.0.0.253 port 1");
    CHECK_STR(next_hop(rig, "172.16.6.9"), "unreachable");
    CHECK_STR(next_hop(rig, "172.32.6.9"), "10.0.0.254 port 1");
    CHECK_EQ(settings_set(&rig->core.settings, "net.ipv4.ip_forward", 1), 0);
    rig_neighbour(rig, 1, "10.0.0.2", PEER);
    rig_udp(rig, 1, (struct ip){.from = "10.0.0.2", .to = "172.16.6.9"});
    CHECK_EQ(COUNT(rig, ipv4_drop_no_route), 1);
    rig_free(rig);
}

TEST(addresses_bring_their_routes_and_take_them_along)
{
    struct rig *rig = rig_new();
    rig_ethernet(rig, "10.0.0.1/24");
    rig_add_address(rig, 1, "10.0.0.9/24");
    struct strata_address first = rig_address_of("10.0.0.1"), second = rig_address_of("10.0.0.9"),
                          all = rig_address_of("10.0.0.255"), none = rig_address_of("10.0.0.0");
    CHECK_STR(next_hop(rig, "10.0.0.2"), "10.0.0.2 port 1");
    CHECK_STR(next_hop(rig, "10.0.0.9"), "10.0.0.9 port 0");
    CHECK(net_is_broadcast(rig->net, &all));
    CHECK(net_is_broadcast(rig->net, &none));
    CHECK_EQ(net_address_add(rig->net, 1, &first, 24), -EEXIST);
    // The other address of the subnet keeps what they shared.
    CHECK_EQ(net_address_remove(rig->net, 1, &first), 0);
    CHECK_EQ(net_address_remove(rig->net, 1, &first), -EADDRNOTAVAIL);
    CHECK_STR(next_hop(rig, "10.0.0.2"), "10.0.0.2 port 1");
    CHECK_STR(next_hop(rig, "10.0.0.1"), "10.0.0.1 port 1");
    CHECK(net_is_broadcast(rig->net, &all));
    CHECK_EQ(net_address_remove(rig->net, 1, &second), 0);
    CHECK_STR(next_hop(rig, "10.0.0.2"), "unreachable");
    CHECK(!net_is_broadcast(rig->net, &all));
    // /31 and /32 have no broadcast (RFC 3021).
    rig_add_address(rig, 1, "10.0.0.1/31");
    CHECK_STR(next_hop(rig, "10.0.0.0"), "10.0.0.0 port 1");
    CHECK(!net_is_broadcast(rig->net, &none));
    CHECK_EQ(net_address_add(rig->net, 9, &second, 24), -ENODEV);
    CHECK_EQ(net_address_add(rig->net, 1, &second, 33), -EINVAL);
    struct strata_address group = rig_address_of("224.0.0.9");
    CHECK_EQ(net_address_add(rig->net, 1, &group, 24), -EINVAL);
    rig_free(rig);
}

TEST(mistakes_of_callers)
{
    struct rig *rig = rig_new();
    rig_ethernet(rig, "10.0.0.1/24");
    struct strata_route route = {
        .destination = rig_address_of("192.168.0.0"), .prefix_length = 33, .port = 1};
    CHECK_EQ(net_route_add(rig->net, &route), -EINVAL);
    route.prefix_length = 16;
    route.gateway = rig_address_of("172.16.0.1");
    CHECK_EQ(net_route_add(rig->net, &route), -ENETUNREACH);
    route.gateway = rig_address_of("fd00::1");
    CHECK_EQ(net_route_add(rig->net, &route), -EINVAL);
    route.gateway = rig_address_of("10.0.0.1"); // ourselves
    CHECK_EQ(net_route_add(rig->net, &route), -EINVAL);
    route.gateway = rig_address_of("10.0.0.255");
    CHECK_EQ(net_route_add(rig->net, &route), -EINVAL);
    route.gateway = rig_address_of("10.0.0.254");
    route.port = 9;
    CHECK_EQ(net_route_add(rig->net, &route), -ENODEV);
    route.port = -1;
    CHECK_EQ(net_route_add(rig->net, &route), 0);
    CHECK_EQ(net_route_add(rig->net, &route), -EEXIST);
    struct strata_route got;
    CHECK_EQ(net_route_get(rig->net, 0, &got), 0); // the connected one
    CHECK_EQ(got.prefix_length, 24);
    CHECK_EQ(net_route_get(rig->net, 1, &got), 0);
    CHECK_EQ(got.prefix_length, 16);
    CHECK_EQ(got.port, 1);
    CHECK(address_equal(&got.gateway, &route.gateway));
    CHECK_EQ(net_route_get(rig->net, 2, &got), -ENOENT);
    CHECK_EQ(net_route_remove(rig->net, &route), 0);
    CHECK_EQ(net_route_remove(rig->net, &route), -ENOENT);
    route.gateway = (struct strata_address){{0}};
    CHECK_EQ(net_route_add(rig->net, &route), -EINVAL); // neither gateway nor port
    CHECK_EQ(settings_set(&rig->core.settings, "strata.route_entries", 1), 0);
    route.port = 1;
    CHECK_EQ(net_route_add(rig->net, &route), -ENOMEM);
    rig_free(rig);
}

TEST(a_new_host_is_small)
{
    struct rig *rig = rig_new();
    CHECK(rig->core.memory.used_bytes + sizeof rig->core <= 16384);
    rig_free(rig);
}

TEST_MAIN(TEST_ENTRY(the_longest_prefix_wins), TEST_ENTRY(lookup_agrees_with_a_plain_list),
          TEST_ENTRY(an_ipv4_destination_never_takes_an_ipv6_default),
          TEST_ENTRY(metrics_and_ports_that_are_down), TEST_ENTRY(a_gateway_in_doubt_is_avoided_for_a_while),
          TEST_ENTRY(a_dead_gateway_is_doubted_once_a_second_and_not_per_packet),
          TEST_ENTRY(a_gateway_that_does_not_answer_arp_is_left),
          TEST_ENTRY(a_route_into_nowhere_for_the_holes_of_an_aggregate),
          TEST_ENTRY(addresses_bring_their_routes_and_take_them_along), TEST_ENTRY(mistakes_of_callers),
          TEST_ENTRY(a_new_host_is_small))
