/**
 * ICMP echo sockets: requests, replies and the errors that come instead, in both families.
 */
#include "tests/host/solo.h"

#include <errno.h>

static int64_t ping(struct strata_host *host, strata_socket socket, struct strata_endpoint to,
                    const void *data, size_t size, strata_time now)
{
    struct strata_envelope envelope = {.size = sizeof envelope, .peer = to};
    return strata_send(host, socket, data, size, &envelope, now);
}

TEST(requests_are_answered_with_the_same_data)
{
    static const size_t sizes[] = {0, 1, 56, 1472, 1473, 8000, 60000, 65507};
    static uint8_t data[65507], got[65507];
    uint64_t seed = 9;
    test_fill(&seed, data, sizeof data);
    for (int link = STRATA_LINK_ETHERNET; link <= STRATA_LINK_IP; link++) {
        struct pair pair;
        pair_start(&pair, (enum strata_link)link);
        strata_socket socket = strata_open(pair.a, STRATA_ECHO);
        for (int family = 0; family <= (link == STRATA_LINK_IP); family++)
            for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
                struct strata_endpoint to =
                    family ? pair_ipv6(1, (uint16_t)(100 + i)) : pair_ipv4(1, (uint16_t)(100 + i));
                CHECK_EQ(ping(pair.a, socket, to, data, sizes[i], pair.now), sizes[i]);
                pair_settle(&pair);
                struct strata_envelope envelope = {.size = sizeof envelope};
                CHECK_EQ(strata_receive(pair.a, socket, got, sizeof got, &envelope, pair.now), sizes[i]);
                CHECK_MEM(got, data, sizes[i]);
                CHECK_EQ(envelope.peer.port, 100 + i); // the sequence number
                CHECK_ADDRESS(envelope.peer.address, to.address);
                CHECK_EQ(envelope.ttl, 64);
            }
        pair_free(&pair);
    }
}

TEST(identifier_and_sequence_are_the_port_numbers)
{
    struct solo solo;
    struct solo_out out;
    struct icmp_header icmp;
    solo_start(&solo);
    strata_socket socket = strata_open(solo.host, STRATA_ECHO);
    struct strata_endpoint local = {.port = 0x1234}, to = {.address = strata_ipv4(10, 0, 0, 2)};
    CHECK_EQ(strata_bind(solo.host, socket, &local), 0);
    for (uint32_t i = 1; i < 4; i++) { // counted when none is given
        CHECK_EQ(ping(solo.host, socket, to, "abc", 3, solo.now), 3);
        REQUIRE(solo_output(&solo, &out));
        CHECK_EQ(out.protocol, PROTOCOL_ICMP);
        REQUIRE(icmp_parse(&icmp, out.payload, out.length, 0) > 0);
        CHECK_EQ(icmp.type, ICMP_ECHO);
        CHECK_EQ(icmp.rest, 0x12340000 + i);
    }
    CHECK_EQ(pair_counter(solo.host, "echo_requests_sent"), 3);
    struct strata_endpoint to6 = pair_ipv6(1, 77);
    CHECK_EQ(strata_connect(solo.host, socket, &to6, solo.now), 0);
    CHECK_EQ(strata_send(solo.host, socket, "abc", 3, NULL, solo.now), 3);
    REQUIRE(solo_output(&solo, &out));
    CHECK_EQ(out.protocol, PROTOCOL_ICMPV6);
    uint64_t pseudo = checksum_pseudo(&out.source, &out.destination, PROTOCOL_ICMPV6, (uint32_t)out.length);
    REQUIRE(icmp_parse(&icmp, out.payload, out.length, pseudo) > 0);
    CHECK_EQ(icmp.type, ICMPV6_ECHO);
    // Two sockets do not have one identifier, but a UDP port of that number is something else.
    strata_socket other = strata_open(solo.host, STRATA_ECHO), udp = strata_open(solo.host, STRATA_DATAGRAM);
    CHECK_EQ(strata_bind(solo.host, other, &local), -EADDRINUSE);
    CHECK_EQ(strata_bind(solo.host, udp, &local), 0);
    solo_free(&solo);
}

TEST(replies_go_to_who_asked)
{
    struct solo solo;
    struct solo_out out;
    char got[16];
    solo_start(&solo);
    strata_socket socket = strata_open(solo.host, STRATA_ECHO), other = strata_open(solo.host, STRATA_ECHO);
    struct strata_endpoint to = {.address = strata_ipv4(10, 0, 0, 2), .port = 5}, any = {.port = 0};
    CHECK_EQ(strata_bind(solo.host, other, &any), 0);
    CHECK_EQ(strata_connect(solo.host, socket, &to, solo.now), 0);
    CHECK_EQ(ping(solo.host, socket, to, "abc", 3, solo.now), 3);
    REQUIRE(solo_output(&solo, &out));
    // Turn the request round, as the peer would, with another sequence number.
    struct icmp_header icmp;
    uint8_t frame[64];
    REQUIRE(icmp_parse(&icmp, out.payload, out.length, 0) > 0);
    struct strata_endpoint local = {.address = out.source}, from = {.address = out.destination};
    size_t header = solo_ip(frame, &from, &local, PROTOCOL_ICMP, 12, 0, out.length);
    memcpy(frame + header + 8, "abc", 3);
    icmp.type = ICMP_ECHO_REPLY;
    icmp.rest = (icmp.rest & 0xffff0000) | 6;
    icmp_emit(frame + header, &icmp, 3, 0);
    solo_input(&solo, frame, header + out.length);
    struct strata_envelope envelope = {.size = sizeof envelope};
    CHECK_EQ(strata_receive(solo.host, socket, got, sizeof got, &envelope, solo.now), 3);
    CHECK_EQ(envelope.ttl, 12);
    CHECK_EQ(envelope.peer.port, 6);
    CHECK_EQ(strata_receive(solo.host, other, got, sizeof got, NULL, solo.now), -EAGAIN);
    // A wrong checksum, or nobody's identifier, comes to nobody.
    frame[header + 2] ^= 1;
    solo_input(&solo, frame, header + out.length);
    icmp.rest ^= 0x00550000;
    icmp_emit(frame + header, &icmp, 3, 0);
    solo_input(&solo, frame, header + out.length);
    CHECK_EQ(strata_receive(solo.host, socket, got, sizeof got, NULL, solo.now), -EAGAIN);
    CHECK_EQ(strata_receive(solo.host, other, got, sizeof got, NULL, solo.now), -EAGAIN);
    CHECK(!solo_output(&solo, &out)); // and nobody answers an answer
    solo_free(&solo);
}

TEST(errors_on_the_way_tell_who_reported_them)
{
    struct solo solo;
    struct solo_out out;
    char got[64];
    solo_start(&solo);
    struct strata_route wide = {
        .destination = strata_ipv4(0, 0, 0, 0), .gateway = strata_ipv4(10, 0, 0, 9), .port = -1};
    REQUIRE(strata_route_add(solo.host, &wide) == 0);
    strata_socket socket = strata_open(solo.host, STRATA_ECHO);
    // Traceroute: each hop's router says that the time is over.
    for (uint8_t ttl = 1; ttl < 4; ttl++) {
        struct strata_envelope request = {
            .size = sizeof request, .ttl = ttl, .peer = {.address = strata_ipv4(192, 0, 2, 1), .port = ttl}};
        CHECK_EQ(strata_send(solo.host, socket, "trace", 5, &request, solo.now), 5);
        REQUIRE(solo_output(&solo, &out));
        CHECK_EQ(out.ttl, ttl);
        struct strata_address router = strata_ipv4(10, 7, 0, ttl);
        solo_icmp_error(&solo, router, ICMP_TIME_EXCEEDED, 0, 0, out.frame, out.frame_length);
        CHECK_EQ(strata_readiness(solo.host, socket), STRATA_WRITABLE | STRATA_ERROR);
        struct strata_envelope envelope = {.size = sizeof envelope};
        CHECK_EQ(strata_receive_error(solo.host, socket, got, sizeof got, &envelope), 5);
        CHECK_MEM(got, "trace", 5);
        CHECK_ADDRESS(envelope.reporter, router);
        CHECK_ADDRESS(envelope.peer.address, request.peer.address);
        CHECK_EQ(envelope.peer.port, ttl);
        CHECK_EQ(envelope.icmp_type, ICMP_TIME_EXCEEDED);
    }
    struct strata_endpoint to6 = pair_ipv6(8, 3);
    CHECK_EQ(ping(solo.host, socket, to6, "six", 3, solo.now), 3);
    REQUIRE(solo_output(&solo, &out));
    struct strata_address router = pair_ipv6(9, 0).address;
    solo_icmp_error(&solo, router, ICMPV6_TIME_EXCEEDED, 0, 0, out.frame, out.frame_length);
    struct strata_envelope envelope = {.size = sizeof envelope};
    CHECK_EQ(strata_receive_error(solo.host, socket, got, sizeof got, &envelope), 3);
    CHECK_ADDRESS(envelope.reporter, router);
    CHECK_EQ(envelope.icmp_type, ICMPV6_TIME_EXCEEDED);
    CHECK_EQ(envelope.peer.port, 3);
    solo_free(&solo);
}

TEST(a_host_pings_itself)
{
    struct solo solo;
    char got[16];
    solo_start(&solo);
    strata_socket socket = strata_open(solo.host, STRATA_ECHO);
    struct strata_endpoint ends[] = {pair_ipv4(0, 1),
                                     pair_ipv6(0, 2),
                                     {.address = strata_ipv4(127, 0, 0, 1), .port = 3},
                                     {.address = {{[15] = 1}}, .port = 4}};
    for (int i = 0; i < 4; i++) {
        CHECK_EQ(ping(solo.host, socket, ends[i], "me", 2, solo.now), 2);
        CHECK_EQ(strata_host_ready(solo.host), -1); // the loopback is not the driver's business
        CHECK_EQ(strata_host_deadline(solo.host), solo.now);
        for (int turn = 0; turn < 4; turn++)
            strata_host_advance(solo.host, solo.now);
        CHECK_EQ(strata_receive(solo.host, socket, got, sizeof got, NULL, solo.now), 2);
    }
    solo_free(&solo);
}

TEST_MAIN(TEST_ENTRY(requests_are_answered_with_the_same_data),
          TEST_ENTRY(identifier_and_sequence_are_the_port_numbers), TEST_ENTRY(replies_go_to_who_asked),
          TEST_ENTRY(errors_on_the_way_tell_who_reported_them), TEST_ENTRY(a_host_pings_itself))
