/**
 * Multicast and broadcast: who hears what, and what a program must say before it may send.
 */
#include "tests/host/solo.h"

#include <errno.h>

static const struct strata_endpoint group = {.address = {{[10] = 0xff, 0xff, 239, 1, 2, 3}}, .port = 5000};
static const struct strata_endpoint group6 = {.address = {{0xff, 0x12, [15] = 9}}, .port = 5000};

static strata_socket member(struct strata_host *host, const struct strata_address *address, int port,
                            strata_time now)
{
    strata_socket socket = strata_open(host, STRATA_DATAGRAM);
    struct strata_endpoint local = {.port = 5000};
    REQUIRE(strata_set_option(host, socket, STRATA_OPTION_REUSE_ADDRESS, 1, now) == 0);
    REQUIRE(strata_bind(host, socket, &local) == 0);
    if (address)
        REQUIRE(strata_join(host, socket, address, port, now) == 0);
    return socket;
}

/** Takes everything that waits. @return how many datagrams. */
static int heard(struct strata_host *host, strata_socket socket)
{
    char data[64];
    int count = 0;
    while (strata_receive(host, socket, data, sizeof data, NULL, 0) >= 0)
        count++;
    return count;
}

static int64_t send_to(struct strata_host *host, strata_socket socket, struct strata_endpoint peer,
                       strata_time now)
{
    struct strata_envelope envelope = {.size = sizeof envelope, .peer = peer};
    return strata_send(host, socket, "hello", 5, &envelope, now);
}

TEST(every_member_hears_and_nobody_else)
{
    struct solo solo;
    solo_start(&solo);
    struct strata_endpoint from = {.address = strata_ipv4(10, 0, 0, 9), .port = 4000};
    strata_socket first = member(solo.host, &group.address, solo.port, solo.now);
    strata_socket second = member(solo.host, &group.address, 0, solo.now);
    strata_socket neither = member(solo.host, NULL, 0, solo.now);
    solo_udp(&solo, from, group, "x", 1);
    CHECK_EQ(heard(solo.host, first), 1);
    CHECK_EQ(heard(solo.host, second), 1);
    CHECK_EQ(heard(solo.host, neither), 0);

    CHECK_EQ(strata_join(solo.host, first, &group.address, solo.port, solo.now), -EADDRINUSE);
    CHECK_EQ(strata_leave(solo.host, first, &group.address, solo.port, solo.now), 0);
    CHECK_EQ(strata_leave(solo.host, first, &group.address, solo.port, solo.now), -EADDRNOTAVAIL);
    solo_udp(&solo, from, group, "x", 1);
    CHECK_EQ(heard(solo.host, first), 0);
    CHECK_EQ(heard(solo.host, second), 1);
    // Membership ends with the socket.
    CHECK_EQ(strata_close(solo.host, second, solo.now), 0);
    uint64_t delivered = pair_counter(solo.host, "ipv4_delivered");
    solo_udp(&solo, from, group, "x", 1);
    CHECK_EQ(pair_counter(solo.host, "ipv4_delivered"), delivered);

    struct strata_endpoint from6 = pair_ipv6(8, 4000);
    CHECK_EQ(strata_join(solo.host, first, &group6.address, solo.port, solo.now), 0);
    solo_udp(&solo, from6, group6, "x", 1);
    CHECK_EQ(heard(solo.host, first), 1);
    CHECK_EQ(heard(solo.host, neither), 0);
    solo_free(&solo);
}

TEST(joining_wants_a_group_a_port_and_has_a_bound)
{
    struct solo solo;
    solo_start(&solo);
    strata_socket socket = member(solo.host, NULL, 0, solo.now);
    struct strata_address single = strata_ipv4(10, 0, 0, 7), address = group.address;
    CHECK_EQ(strata_join(solo.host, socket, &single, solo.port, solo.now), -EINVAL);
    CHECK_EQ(strata_join(solo.host, socket, NULL, solo.port, solo.now), -EINVAL);
    CHECK_EQ(strata_join(solo.host, socket, &address, 9, solo.now), -ENODEV);
    CHECK_EQ(strata_join(solo.host, socket, &address, -1, solo.now), -EINVAL);
    CHECK_EQ(strata_leave(solo.host, socket, &address, 9, solo.now), -EADDRNOTAVAIL);
    CHECK_EQ(strata_join(solo.host, strata_open(solo.host, STRATA_STREAM), &address, 0, solo.now),
             -EOPNOTSUPP);
    CHECK_EQ(strata_join(solo.host, 12345, &address, 0, solo.now), -EBADF);
    for (int i = 0; i < 64; i++) {
        address.bytes[15] = (uint8_t)i;
        CHECK_EQ(strata_join(solo.host, socket, &address, solo.port, solo.now), 0);
    }
    address.bytes[15] = 64;
    CHECK_EQ(strata_join(solo.host, socket, &address, solo.port, solo.now), -ENOBUFS);
    solo_free(&solo);
}

TEST(what_we_send_to_a_group_reaches_our_own_members_too)
{
    struct pair pair;
    pair_start(&pair, STRATA_LINK_ETHERNET);
    strata_socket here = member(pair.a, &group.address, pair.port, pair.now);
    strata_socket there = member(pair.b, &group.address, pair.port, pair.now);
    strata_socket sender = strata_open(pair.a, STRATA_DATAGRAM);
    CHECK_EQ(strata_set_option(pair.a, sender, STRATA_OPTION_MULTICAST_PORT, pair.port, pair.now), 0);
    CHECK_EQ(send_to(pair.a, sender, group, pair.now), 5);
    pair_settle(&pair);
    CHECK_EQ(heard(pair.a, here), 1);
    CHECK_EQ(heard(pair.b, there), 1);
    CHECK_EQ(strata_set_option(pair.a, sender, STRATA_OPTION_MULTICAST_LOOP, 0, pair.now), 0);
    CHECK_EQ(send_to(pair.a, sender, group, pair.now), 5);
    pair_settle(&pair);
    CHECK_EQ(heard(pair.a, here), 0);
    CHECK_EQ(heard(pair.b, there), 1);
    pair_free(&pair);
}

TEST(multicast_has_a_ttl_of_its_own)
{
    struct solo solo;
    struct solo_out out;
    solo_start(&solo);
    strata_socket socket = strata_open(solo.host, STRATA_DATAGRAM);
    CHECK_EQ(strata_set_option(solo.host, socket, STRATA_OPTION_MULTICAST_PORT, solo.port, solo.now), 0);
    CHECK_EQ(send_to(solo.host, socket, group, solo.now), 5);
    solo_output_udp(&solo, &out);
    CHECK_EQ(out.ttl, 1);
    CHECK_EQ(strata_set_option(solo.host, socket, STRATA_OPTION_MULTICAST_TTL, 9, solo.now), 0);
    CHECK_EQ(send_to(solo.host, socket, group6, solo.now), 5);
    solo_output_udp(&solo, &out);
    CHECK_EQ(out.ttl, 9);
    CHECK_ADDRESS(out.source, pair_ipv6(0, 0).address);
    solo_free(&solo);
}

TEST(broadcast_is_heard_by_all_and_sent_by_permission)
{
    struct pair pair;
    pair_start(&pair, STRATA_LINK_ETHERNET);
    strata_socket first = member(pair.b, NULL, 0, pair.now), second = member(pair.b, NULL, 0, pair.now);
    strata_socket sender = strata_open(pair.a, STRATA_DATAGRAM);
    struct strata_endpoint subnet = {.address = strata_ipv4(10, 0, 0, 255), .port = 5000};
    struct strata_endpoint everybody = {.address = strata_ipv4(255, 255, 255, 255), .port = 5000};
    CHECK_EQ(send_to(pair.a, sender, subnet, pair.now), -EACCES);
    CHECK_EQ(strata_set_option(pair.a, sender, STRATA_OPTION_BROADCAST, 1, pair.now), 0);
    CHECK_EQ(send_to(pair.a, sender, subnet, pair.now), 5);
    CHECK_EQ(strata_set_option(pair.a, sender, STRATA_OPTION_BIND_PORT, pair.port, pair.now), -EINVAL);
    struct strata_envelope envelope = {.size = sizeof envelope, .peer = everybody, .port = pair.port};
    CHECK_EQ(strata_send(pair.a, sender, "hello", 5, &envelope, pair.now), 5);
    pair_settle(&pair);
    CHECK_EQ(heard(pair.b, first), 2);
    CHECK_EQ(heard(pair.b, second), 2);
    pair_free(&pair);
}

TEST(a_host_without_an_address_can_ask_for_one)
{
    struct solo solo;
    struct solo_out out;
    solo_start(&solo);
    struct strata_port_config config = {.size = sizeof config, .link = STRATA_LINK_ETHERNET};
    int bare = strata_port_add(solo.host, &config);
    strata_socket client = strata_open(solo.host, STRATA_DATAGRAM);
    CHECK_EQ(strata_set_option(solo.host, client, STRATA_OPTION_BIND_PORT, bare, solo.now), 0);
    CHECK_EQ(strata_set_option(solo.host, client, STRATA_OPTION_BROADCAST, 1, solo.now), 0);
    struct strata_endpoint local = {.address = strata_ipv4(0, 0, 0, 0), .port = 68};
    struct strata_endpoint server = {.address = strata_ipv4(255, 255, 255, 255), .port = 67};
    CHECK_EQ(strata_bind(solo.host, client, &local), 0);
    CHECK_EQ(send_to(solo.host, client, server, solo.now), 5);
    CHECK_EQ(strata_host_ready(solo.host), bare);
    out.frame_length = strata_host_output(solo.host, bare, out.frame, sizeof out.frame, NULL, solo.now);
    REQUIRE(out.frame_length == 14 + 20 + 8 + 5);
    static const uint8_t all_stations[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    CHECK_MEM(out.frame, all_stations, 6);
    struct ipv4_header ip;
    REQUIRE(ipv4_parse(&ip, out.frame + 14, out.frame_length - 14) > 0);
    CHECK_ADDRESS(ip.source, local.address);
    CHECK_ADDRESS(ip.destination, server.address);

    // The answer is broadcast, and only this port's client hears it.
    uint8_t frame[256];
    struct strata_endpoint from = {.address = strata_ipv4(192, 0, 2, 1), .port = 67};
    struct strata_endpoint to = {.address = server.address, .port = 68};
    memcpy(frame, all_stations, 6);
    memcpy(frame + 6, "\2\0\0\0\0\7\x08\0", 8);
    size_t length = solo_build_udp(frame + 14, &from, &to, "offer", 5, 0, 0);
    strata_host_input(solo.host, bare, frame, 14 + length, NULL, solo.now);
    CHECK_EQ(heard(solo.host, client), 1);
    strata_host_input(solo.host, solo.port, frame + 14, length, NULL, solo.now);
    CHECK_EQ(heard(solo.host, client), 0);
    solo_free(&solo);
}

TEST_MAIN(TEST_ENTRY(every_member_hears_and_nobody_else),
          TEST_ENTRY(joining_wants_a_group_a_port_and_has_a_bound),
          TEST_ENTRY(what_we_send_to_a_group_reaches_our_own_members_too),
          TEST_ENTRY(multicast_has_a_ttl_of_its_own),
          TEST_ENTRY(broadcast_is_heard_by_all_and_sent_by_permission),
          TEST_ENTRY(a_host_without_an_address_can_ask_for_one))
