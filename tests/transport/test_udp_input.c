/**
 * UDP datagrams that come in: checksum, length, whose they are, and receiving them.
 */
#include "tests/host/solo.h"

#include <errno.h>

static const struct strata_endpoint any = {.port = 0};

static strata_socket bound(struct solo *solo, struct strata_endpoint local)
{
    strata_socket socket = strata_open(solo->host, STRATA_DATAGRAM);
    REQUIRE(socket > 0);
    REQUIRE(strata_bind(solo->host, socket, &local) == 0);
    return socket;
}

static struct strata_endpoint wildcard(uint16_t port)
{
    return (struct strata_endpoint){.port = port};
}

static struct strata_endpoint remote(uint8_t last, uint16_t port)
{
    return (struct strata_endpoint){.address = strata_ipv4(10, 0, 0, last), .port = port};
}

/** How many bytes wait first, or -EAGAIN. */
static int64_t received(struct solo *solo, strata_socket socket)
{
    char data[2048];
    return strata_receive(solo->host, socket, data, sizeof data, NULL, solo->now);
}

static uint64_t counted(struct solo *solo, const char *name)
{
    return pair_counter(solo->host, name);
}

// RFC 768-2: over IPv4 a checksum of 0 means none, any other is verified.
TEST(ipv4_checksum_may_be_absent_but_not_wrong)
{
    struct solo solo;
    uint8_t frame[256];
    solo_start(&solo);
    strata_socket socket = bound(&solo, wildcard(53));
    struct strata_endpoint from = remote(9, 4000), to = pair_ipv4(0, 53);

    solo_input(&solo, frame, solo_build_udp(frame, &from, &to, "abc", 3, 0, 0));
    CHECK_EQ(received(&solo, socket), 3);
    solo_input(&solo, frame, solo_build_udp(frame, &from, &to, "abcd", 4, 0, SOLO_NO_CHECKSUM));
    CHECK_EQ(received(&solo, socket), 4);
    CHECK_EQ(counted(&solo, "udp_drop_checksum"), 0);
    solo_input(&solo, frame, solo_build_udp(frame, &from, &to, "abc", 3, 0, SOLO_BAD_CHECKSUM));
    CHECK_EQ(received(&solo, socket), -EAGAIN);
    CHECK_EQ(counted(&solo, "udp_drop_checksum"), 1);
    solo_free(&solo);
}

// RFC 768-3: over IPv6 a datagram without a checksum is discarded.
TEST(ipv6_checksum_may_not_be_absent)
{
    struct solo solo;
    uint8_t frame[256];
    solo_start(&solo);
    strata_socket socket = bound(&solo, wildcard(53));
    struct strata_endpoint from = pair_ipv6(8, 4000), to = pair_ipv6(0, 53);

    solo_input(&solo, frame, solo_build_udp(frame, &from, &to, "abc", 3, 0, 0));
    CHECK_EQ(received(&solo, socket), 3);
    solo_input(&solo, frame, solo_build_udp(frame, &from, &to, "abc", 3, 0, SOLO_NO_CHECKSUM));
    solo_input(&solo, frame, solo_build_udp(frame, &from, &to, "abc", 3, 0, SOLO_BAD_CHECKSUM));
    CHECK_EQ(received(&solo, socket), -EAGAIN);
    CHECK_EQ(counted(&solo, "udp_drop_checksum"), 2);
    solo_free(&solo);
}

// RFC 768-1: the checksum covers pseudo-header, header and data: each of them changed is found out.
TEST(checksum_covers_addresses_ports_and_data)
{
    struct solo solo;
    uint8_t frame[256];
    solo_start(&solo);
    strata_socket socket = bound(&solo, pair_ipv4(0, 53));
    struct strata_endpoint from = remote(9, 4000), to = pair_ipv4(0, 53);
    size_t length = solo_build_udp(frame, &from, &to, "abcd", 4, 0, 0);

    frame[20 + 1] ^= 1; // source port
    solo_input(&solo, frame, length);
    frame[20 + 1] ^= 1;
    frame[20 + 8 + 3] ^= 1; // data
    solo_input(&solo, frame, length);
    frame[20 + 8 + 3] ^= 1;
    // Source address: swap two words, so that the header's own checksum stays right.
    struct ipv4_header ip;
    REQUIRE(ipv4_parse(&ip, frame, length) > 0);
    ip.source = strata_ipv4(10, 0, 0, 77);
    ipv4_emit(frame, &ip);
    solo_input(&solo, frame, length);
    CHECK_EQ(counted(&solo, "udp_drop_checksum"), 3);
    CHECK_EQ(received(&solo, socket), -EAGAIN);
    ip.source = from.address;
    ipv4_emit(frame, &ip);
    solo_input(&solo, frame, length);
    CHECK_EQ(received(&solo, socket), 4);
    solo_free(&solo);
}

TEST(verified_by_hardware_is_not_summed_again)
{
    struct solo solo;
    uint8_t frame[256];
    solo_start(&solo);
    strata_socket socket = bound(&solo, wildcard(53));
    struct strata_endpoint from = remote(9, 4000), to = pair_ipv4(0, 53);
    size_t length = solo_build_udp(frame, &from, &to, "abc", 3, 0, SOLO_BAD_CHECKSUM);
    struct strata_meta meta = {.flags = STRATA_META_VERIFIED};
    strata_host_input(solo.host, solo.port, frame, length, &meta, solo.now);
    CHECK_EQ(received(&solo, socket), 3);
    solo_free(&solo);
}

// RFC 768-4: a length below 8 or beyond the datagram is dropped; what lies behind the length is no data.
TEST(length_must_be_true)
{
    struct solo solo;
    uint8_t frame[256];
    solo_start(&solo);
    strata_socket socket = bound(&solo, wildcard(53));
    struct strata_endpoint from = remote(9, 4000), to = pair_ipv4(0, 53);

    solo_input(&solo, frame, solo_build_udp(frame, &from, &to, "abcd", 4, 7, SOLO_NO_CHECKSUM));
    solo_input(&solo, frame, solo_build_udp(frame, &from, &to, "abcd", 4, 13, SOLO_NO_CHECKSUM));
    solo_input(&solo, frame, solo_build_udp(frame, &from, &to, "abcd", 4, 0xffff, SOLO_NO_CHECKSUM));
    CHECK_EQ(received(&solo, socket), -EAGAIN);
    CHECK_EQ(counted(&solo, "udp_drop_length"), 3);
    solo_input(&solo, frame, solo_build_udp(frame, &from, &to, "abcd", 4, 10, 0));
    CHECK_EQ(received(&solo, socket), 2);
    solo_input(&solo, frame, solo_build_udp(frame, &from, &to, "", 0, 0, 0));
    CHECK_EQ(received(&solo, socket), 0);

    size_t header = solo_ip(frame, &from, &to, PROTOCOL_UDP, 64, 0, 7);
    memset(frame + header, 0, 7);
    solo_input(&solo, frame, header + 7);
    CHECK_EQ(counted(&solo, "udp_drop_short"), 1);
    solo_free(&solo);
}

// RFC 768-7: a source that is a broadcast or multicast address is discarded in silence.
TEST(source_must_be_one_host)
{
    struct solo solo;
    struct solo_out out;
    solo_start(&solo);
    strata_socket socket = bound(&solo, wildcard(53));
    static const uint8_t bad[][4] = {{224, 0, 0, 5}, {255, 255, 255, 255}, {10, 0, 0, 255}};
    for (int i = 0; i < 3; i++) {
        struct strata_endpoint from = {.address = strata_ipv4(bad[i][0], bad[i][1], bad[i][2], bad[i][3]),
                                       .port = 4000};
        solo_udp(&solo, from, pair_ipv4(0, 53), "x", 1);
        solo_udp(&solo, from, pair_ipv4(0, 54), "x", 1);
    }
    CHECK_EQ(received(&solo, socket), -EAGAIN);
    CHECK(!solo_output(&solo, &out));
    CHECK_EQ(counted(&solo, "udp_drop_source") + counted(&solo, "ipv4_drop_source"), 6);
    solo_free(&solo);
}

// RFC 768-5: nobody listens: Port Unreachable, quoting the datagram. RFC 4443-9: in IPv6 too.
TEST(nobody_listening_is_told)
{
    struct solo solo;
    struct solo_out out;
    struct icmp_header icmp;
    solo_start(&solo);
    solo_udp(&solo, remote(9, 4000), pair_ipv4(0, 54), "hello", 5);
    REQUIRE(solo_output(&solo, &out));
    CHECK_EQ(out.protocol, PROTOCOL_ICMP);
    CHECK_ADDRESS(out.destination, remote(9, 0).address);
    REQUIRE(icmp_parse(&icmp, out.payload, out.length, 0) > 0);
    CHECK_EQ(icmp.type, ICMP_UNREACHABLE);
    CHECK_EQ(icmp.code, ICMP_PORT_UNREACHABLE);
    CHECK_EQ(out.length, 8 + 20 + 8 + 5);
    CHECK_EQ(bytes_get16(out.payload + 8 + 20 + 2), 54);

    solo_udp(&solo, pair_ipv6(8, 4000), pair_ipv6(0, 54), "hello", 5);
    REQUIRE(solo_output(&solo, &out));
    CHECK_EQ(out.protocol, PROTOCOL_ICMPV6);
    CHECK_EQ(out.payload[0], ICMPV6_UNREACHABLE);
    CHECK_EQ(out.payload[1], 4);
    CHECK_EQ(counted(&solo, "udp_drop_no_socket"), 2);

    struct strata_endpoint everybody = {.address = strata_ipv4(255, 255, 255, 255), .port = 54};
    solo_udp(&solo, remote(9, 4000), everybody, "hello", 5);
    CHECK(!solo_output(&solo, &out));
    CHECK_EQ(counted(&solo, "udp_drop_no_socket"), 3);
    solo_free(&solo);
}

// RFC 768-6: the program learns the specific destination address; RFC 1122-8: and the TOS that came.
TEST(envelope_tells_how_it_came)
{
    struct solo solo;
    char data[8];
    solo_start(&solo);
    struct strata_address second = strata_ipv4(10, 0, 0, 200);
    REQUIRE(strata_address_add(solo.host, solo.port, &second, 24, solo.now) == 0);
    strata_socket socket = bound(&solo, wildcard(53));
    struct strata_endpoint to = {.address = second, .port = 53};
    solo_udp(&solo, remote(9, 4000), to, "hello, world", 12);
    struct strata_envelope envelope = {.size = sizeof envelope};
    CHECK_EQ(strata_receive(solo.host, socket, data, sizeof data, &envelope, solo.now), 8);
    CHECK_MEM(data, "hello, w", 8);
    CHECK(envelope.truncated);
    CHECK_ADDRESS(envelope.peer.address, remote(9, 0).address);
    CHECK_EQ(envelope.peer.port, 4000);
    CHECK_ADDRESS(envelope.local.address, second);
    CHECK_EQ(envelope.local.port, 53);
    CHECK_EQ(envelope.port, solo.port);
    CHECK_EQ(envelope.ttl, 57);
    CHECK_EQ(envelope.tos, 0x28);
    CHECK_EQ(envelope.error, 0);
    CHECK_EQ(envelope.size, sizeof envelope);

    // A program compiled with an older header has a shorter envelope.
    struct strata_envelope old = {.size = offsetof(struct strata_envelope, ttl)};
    solo_udp(&solo, remote(9, 4001), to, "x", 1);
    CHECK_EQ(strata_receive(solo.host, socket, data, sizeof data, &old, solo.now), 1);
    CHECK_EQ(old.peer.port, 4001);
    CHECK_EQ(old.ttl, 0);
    solo_free(&solo);
}

// RFC 768-6: IPv4 options that came are passed up, those the program gives are sent.
TEST(ip_options_pass_both_ways)
{
    struct solo solo;
    struct solo_out out;
    uint8_t frame[128], plain[128];
    char data[8];
    solo_start(&solo);
    strata_socket socket = bound(&solo, wildcard(53));
    struct strata_endpoint from = remote(9, 4000), to = pair_ipv4(0, 53);
    size_t length = solo_build_udp(plain, &from, &to, "abc", 3, 0, 0) - 20;
    static const uint8_t alert[4] = {148, 4, 0, 0};
    struct ipv4_header ip = {.header_bytes = 24,
                             .total_bytes = (uint16_t)(24 + length),
                             .ttl = 9,
                             .protocol = PROTOCOL_UDP,
                             .source = from.address,
                             .destination = to.address};
    memcpy(ip.options, alert, 4);
    ipv4_emit(frame, &ip);
    memcpy(frame + 24, plain + 20, length);
    solo_input(&solo, frame, 24 + length);
    struct strata_envelope envelope = {.size = sizeof envelope};
    CHECK_EQ(strata_receive(solo.host, socket, data, sizeof data, &envelope, solo.now), 3);
    CHECK_MEM(data, "abc", 3);
    CHECK_EQ(envelope.options_length, 4);
    CHECK_MEM(envelope.options, alert, 4);
    CHECK_EQ(strata_send(solo.host, socket, "answer", 6, &envelope, solo.now), 6);
    REQUIRE(solo_output(&solo, &out));
    CHECK_EQ(out.frame[0], 0x46);
    CHECK_MEM(out.frame + 20, alert, 4);
    CHECK_EQ(out.length, 14);
    uint64_t sum = checksum_pseudo(&out.source, &out.destination, PROTOCOL_UDP, 14);
    CHECK(checksum_valid(checksum_add(sum, out.payload, 14)));
    envelope.options_length = 3;
    CHECK_EQ(strata_send(solo.host, socket, "answer", 6, &envelope, solo.now), -EINVAL);
    envelope.options_length = 44;
    CHECK_EQ(strata_send(solo.host, socket, "answer", 6, &envelope, solo.now), -EINVAL);
    solo_free(&solo);
}

TEST(most_specific_socket_wins)
{
    struct solo solo;
    solo_start(&solo);
    strata_socket all = strata_open(solo.host, STRATA_DATAGRAM);
    strata_socket one = strata_open(solo.host, STRATA_DATAGRAM);
    strata_socket flow = strata_open(solo.host, STRATA_DATAGRAM);
    strata_socket sockets[] = {all, one, flow};
    for (int i = 0; i < 3; i++)
        CHECK_EQ(strata_set_option(solo.host, sockets[i], STRATA_OPTION_REUSE_ADDRESS, 1, solo.now), 0);
    struct strata_endpoint local = wildcard(53), peer = remote(9, 4000);
    CHECK_EQ(strata_bind(solo.host, all, &local), 0);
    local = pair_ipv4(0, 53);
    CHECK_EQ(strata_bind(solo.host, one, &local), 0);
    CHECK_EQ(strata_bind(solo.host, flow, &local), 0);
    CHECK_EQ(strata_connect(solo.host, flow, &peer, solo.now), 0);

    solo_udp(&solo, peer, pair_ipv4(0, 53), "1", 1);
    CHECK_EQ(received(&solo, flow), 1);
    solo_udp(&solo, remote(9, 4001), pair_ipv4(0, 53), "12", 2);
    CHECK_EQ(received(&solo, one), 2);
    solo_udp(&solo, pair_ipv6(5, 4001), pair_ipv6(0, 53), "123", 3);
    CHECK_EQ(received(&solo, all), 3);
    CHECK_EQ(strata_close(solo.host, flow, solo.now), 0);
    solo_udp(&solo, peer, pair_ipv4(0, 53), "1", 1);
    CHECK_EQ(received(&solo, one), 1);
    CHECK_EQ(strata_close(solo.host, one, solo.now), 0);
    solo_udp(&solo, peer, pair_ipv4(0, 53), "1", 1);
    CHECK_EQ(received(&solo, all), 1);
    solo_free(&solo);
}

TEST(a_link_local_address_is_one_per_port)
{
    struct solo solo;
    solo_start(&solo);
    struct strata_port_config config = {.size = sizeof config, .link = STRATA_LINK_IP};
    int ports[2] = {solo.port, strata_port_add(solo.host, &config)};
    struct strata_endpoint local = {.port = 53}, peer = {.port = 4000};
    REQUIRE(strata_address_parse("fe80::1", &local.address) == 0);
    REQUIRE(strata_address_parse("fe80::9", &peer.address) == 0);
    strata_socket sockets[2];
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(strata_address_add(solo.host, ports[i], &local.address, 64, solo.now), 0);
        sockets[i] = strata_open(solo.host, STRATA_DATAGRAM);
        local.scope = (uint32_t)ports[i];
        CHECK_EQ(strata_bind(solo.host, sockets[i], &local), 0);
    }
    for (int i = 0; i < 2; i++) {
        solo.port = ports[i];
        solo_udp(&solo, peer, local, "12", 2);
        CHECK_EQ(received(&solo, sockets[i]), 2);
        CHECK_EQ(received(&solo, sockets[!i]), -EAGAIN);
    }
    solo_free(&solo);
}

TEST(families_share_a_port_as_asked)
{
    struct solo solo;
    solo_start(&solo);
    strata_socket six = strata_open(solo.host, STRATA_DATAGRAM);
    CHECK_EQ(strata_set_option(solo.host, six, STRATA_OPTION_V6ONLY, 1, solo.now), 0);
    struct strata_endpoint local = wildcard(53);
    CHECK_EQ(strata_bind(solo.host, six, &local), 0);
    CHECK_EQ(strata_set_option(solo.host, six, STRATA_OPTION_V6ONLY, 0, solo.now), -EINVAL);
    strata_socket other = strata_open(solo.host, STRATA_DATAGRAM);
    CHECK_EQ(strata_bind(solo.host, other, &local), -EADDRINUSE);
    local.address = strata_ipv4(0, 0, 0, 0);
    CHECK_EQ(strata_bind(solo.host, other, &local), 0);
    solo_udp(&solo, remote(9, 4000), pair_ipv4(0, 53), "1", 1);
    solo_udp(&solo, pair_ipv6(9, 4000), pair_ipv6(0, 53), "12", 2);
    CHECK_EQ(received(&solo, six), 2);
    CHECK_EQ(received(&solo, six), -EAGAIN);
    CHECK_EQ(received(&solo, other), 1);
    CHECK_EQ(received(&solo, other), -EAGAIN);
    solo_free(&solo);
}

TEST(a_socket_tied_to_a_port_hears_only_that)
{
    struct solo solo;
    solo_start(&solo);
    struct strata_port_config config = {.size = sizeof config, .link = STRATA_LINK_IP};
    int second = strata_port_add(solo.host, &config);
    struct strata_address address = strata_ipv4(10, 9, 0, 1);
    REQUIRE(strata_address_add(solo.host, second, &address, 24, solo.now) == 0);
    strata_socket tied = strata_open(solo.host, STRATA_DATAGRAM), free_one = bound(&solo, wildcard(53));
    CHECK_EQ(strata_set_option(solo.host, tied, STRATA_OPTION_BIND_PORT, 77, solo.now), -ENODEV);
    CHECK_EQ(strata_set_option(solo.host, tied, STRATA_OPTION_BIND_PORT, second, solo.now), 0);
    CHECK_EQ(strata_set_option(solo.host, tied, STRATA_OPTION_REUSE_ADDRESS, 1, solo.now), 0);
    CHECK_EQ(strata_set_option(solo.host, free_one, STRATA_OPTION_REUSE_ADDRESS, 1, solo.now), 0);
    struct strata_endpoint local = wildcard(53);
    CHECK_EQ(strata_bind(solo.host, tied, &local), 0);
    uint8_t frame[128];
    struct strata_endpoint from = {.address = strata_ipv4(10, 9, 0, 2), .port = 4000};
    struct strata_endpoint to = {.address = address, .port = 53};
    size_t length = solo_build_udp(frame, &from, &to, "ab", 2, 0, 0);
    strata_host_input(solo.host, second, frame, length, NULL, solo.now);
    CHECK_EQ(received(&solo, tied), 2);
    solo_udp(&solo, remote(9, 4000), pair_ipv4(0, 53), "abc", 3);
    CHECK_EQ(received(&solo, tied), -EAGAIN);
    CHECK_EQ(received(&solo, free_one), 3);
    solo_free(&solo);
}

TEST(sockets_that_share_a_port_share_the_flows)
{
    struct solo solo;
    solo_start(&solo);
    strata_socket sockets[4];
    for (int i = 0; i < 4; i++) {
        struct strata_endpoint local = wildcard(53);
        sockets[i] = strata_open(solo.host, STRATA_DATAGRAM);
        if (i > 0) // one that does not share keeps others out
            CHECK_EQ(strata_bind(solo.host, sockets[i], &local), -EADDRINUSE);
        CHECK_EQ(strata_set_option(solo.host, sockets[i], STRATA_OPTION_REUSE_PORT, 1, solo.now), 0);
        CHECK_EQ(strata_bind(solo.host, sockets[i], &local), 0);
    }
    int took[4] = {0};
    for (uint16_t port = 1000; port < 1400; port++) {
        int first = -1;
        for (int again = 0; again < 3; again++) {
            solo_udp(&solo, remote(9, port), pair_ipv4(0, 53), "x", 1);
            for (int i = 0; i < 4; i++)
                if (received(&solo, sockets[i]) == 1) {
                    took[i]++;
                    if (first < 0)
                        first = i;
                    CHECK_EQ(i, first); // a flow stays where it is
                }
        }
    }
    for (int i = 0; i < 4; i++)
        CHECK(took[i] > 150 && took[i] < 450);
    CHECK_EQ(took[0] + took[1] + took[2] + took[3], 1200);

    // One leaves: only its flows move.
    int moved = 0;
    strata_close(solo.host, sockets[3], solo.now);
    for (uint16_t port = 1000; port < 1400; port++)
        solo_udp(&solo, remote(9, port), pair_ipv4(0, 53), "x", 1);
    for (int i = 0; i < 3; i++)
        while (received(&solo, sockets[i]) == 1)
            moved++;
    CHECK_EQ(moved, 400);
    solo_free(&solo);
}

TEST(receive_buffer_is_bounded)
{
    struct solo solo;
    static uint8_t big[60000];
    solo_start_with(&solo, NULL, 65535);
    strata_socket socket = bound(&solo, wildcard(53));
    CHECK_EQ(strata_set_option(solo.host, socket, STRATA_OPTION_RECEIVE_BUFFER, 2048, solo.now), 0);
    struct strata_memory before = {.size = sizeof before}, after = {.size = sizeof after};
    strata_memory(solo.host, &before);
    for (int i = 0; i < 1000; i++)
        solo_udp(&solo, remote(9, 4000), pair_ipv4(0, 53), "", 0); // empty ones are charged too
    strata_memory(solo.host, &after);
    CHECK(after.used_bytes - before.used_bytes <= 2048);
    CHECK(counted(&solo, "udp_drop_buffer_full") > 900);
    while (received(&solo, socket) == 0)
        continue;
    // However small the buffer, one datagram of any size fits.
    solo_udp(&solo, remote(9, 4000), pair_ipv4(0, 53), big, sizeof big);
    CHECK_EQ(received(&solo, socket), 2048);
    CHECK_EQ(received(&solo, socket), -EAGAIN);
    solo_free(&solo);
}

TEST(events_come_once_until_they_are_taken)
{
    struct solo solo;
    struct strata_event event;
    int mine;
    solo_start(&solo);
    strata_socket socket = bound(&solo, wildcard(53));
    strata_set_user(solo.host, socket, &mine);
    CHECK_EQ(strata_event_next(solo.host, &event), 0);
    CHECK_EQ(strata_readiness(solo.host, socket), STRATA_WRITABLE);
    for (int i = 0; i < 3; i++)
        solo_udp(&solo, remote(9, 4000), pair_ipv4(0, 53), "x", 1);
    CHECK_EQ(strata_readiness(solo.host, socket), STRATA_READABLE | STRATA_WRITABLE);
    CHECK_EQ(strata_event_next(solo.host, &event), 1);
    CHECK_EQ(event.socket, socket);
    CHECK(event.user == &mine);
    CHECK_EQ(event.ready, STRATA_READABLE);
    CHECK_EQ(strata_event_next(solo.host, &event), 0);
    solo_udp(&solo, remote(9, 4000), pair_ipv4(0, 53), "x", 1);
    strata_close(solo.host, socket, solo.now);
    CHECK_EQ(strata_event_next(solo.host, &event), 0);
    solo_free(&solo);
}

TEST(transparent_socket_takes_what_is_for_others)
{
    struct solo solo;
    struct solo_out out;
    char data[64];
    solo_start(&solo);
    struct strata_endpoint client = remote(9, 4000),
                           server = {.address = strata_ipv4(192, 0, 2, 7), .port = 53};
    strata_socket socket = strata_open(solo.host, STRATA_DATAGRAM);
    CHECK_EQ(strata_bind(solo.host, socket, &server), -EADDRNOTAVAIL);
    CHECK_EQ(strata_bind(solo.host, socket, &any), 0);
    solo_udp(&solo, client, server, "x", 1);
    CHECK_EQ(received(&solo, socket), -EAGAIN);
    CHECK_EQ(strata_set_option(solo.host, socket, STRATA_OPTION_TRANSPARENT, 1, solo.now), 0);
    solo_udp(&solo, client, server, "query", 5);
    struct strata_envelope envelope = {.size = sizeof envelope};
    CHECK_EQ(strata_receive(solo.host, socket, data, sizeof data, &envelope, solo.now), 5);
    CHECK_EQ(envelope.local.port, 53);
    CHECK_ADDRESS(envelope.local.address, server.address);
    // One that has a port takes only that.
    strata_socket narrow = bound(&solo, wildcard(54));
    CHECK_EQ(strata_set_option(solo.host, narrow, STRATA_OPTION_TRANSPARENT, 1, solo.now), 0);
    solo_udp(&solo, client, server, "x", 1);
    CHECK_EQ(received(&solo, narrow), -EAGAIN);
    CHECK_EQ(received(&solo, socket), 1);
    server.port = 54;
    solo_udp(&solo, client, server, "x", 1);
    CHECK_EQ(received(&solo, narrow), 1);
    CHECK_EQ(received(&solo, socket), -EAGAIN);
    // The answer comes from whom the question was for.
    struct strata_envelope answer = {.size = sizeof answer, .peer = envelope.peer, .local = envelope.local};
    CHECK_EQ(strata_send(solo.host, socket, "answer", 6, &answer, solo.now), 6);
    struct udp_header udp = solo_output_udp(&solo, &out);
    CHECK_EQ(udp.source_port, 53);
    CHECK_EQ(udp.destination_port, 4000);
    CHECK_ADDRESS(out.source, server.address);
    solo_free(&solo);
}

TEST_MAIN(TEST_ENTRY(ipv4_checksum_may_be_absent_but_not_wrong), TEST_ENTRY(ipv6_checksum_may_not_be_absent),
          TEST_ENTRY(checksum_covers_addresses_ports_and_data),
          TEST_ENTRY(verified_by_hardware_is_not_summed_again), TEST_ENTRY(length_must_be_true),
          TEST_ENTRY(source_must_be_one_host), TEST_ENTRY(nobody_listening_is_told),
          TEST_ENTRY(envelope_tells_how_it_came), TEST_ENTRY(ip_options_pass_both_ways),
          TEST_ENTRY(most_specific_socket_wins), TEST_ENTRY(a_link_local_address_is_one_per_port),
          TEST_ENTRY(families_share_a_port_as_asked), TEST_ENTRY(a_socket_tied_to_a_port_hears_only_that),
          TEST_ENTRY(sockets_that_share_a_port_share_the_flows), TEST_ENTRY(receive_buffer_is_bounded),
          TEST_ENTRY(events_come_once_until_they_are_taken),
          TEST_ENTRY(transparent_socket_takes_what_is_for_others))
