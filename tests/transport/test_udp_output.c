/**
 * UDP datagrams that go out: checksum, addresses, fragments, sleeping neighbours, bounds, errors that come
 * back.
 */
#include "tests/host/solo.h"

#include <errno.h>

static struct strata_endpoint remote(uint8_t last, uint16_t port)
{
    return (struct strata_endpoint){.address = strata_ipv4(10, 0, 0, last), .port = port};
}

static int64_t send_to(struct strata_host *host, strata_socket socket, struct strata_endpoint peer,
                       const void *data, size_t size, strata_time now)
{
    struct strata_envelope envelope = {.size = sizeof envelope, .peer = peer};
    return strata_send(host, socket, data, size, &envelope, now);
}

// RFC 768-1: the checksum is right in both families (solo_output_udp verifies it), and 0 is sent as 0xFFFF.
TEST(checksum_is_sent_and_never_zero)
{
    struct solo solo;
    struct solo_out out;
    solo_start(&solo);
    strata_socket socket = strata_open(solo.host, STRATA_DATAGRAM);
    struct strata_endpoint local = {.port = 777};
    REQUIRE(strata_bind(solo.host, socket, &local) == 0);
    uint8_t data[3] = {0x12, 0x34, 0x56};
    CHECK_EQ(send_to(solo.host, socket, remote(2, 53), data, 3, solo.now), 3);
    struct udp_header udp = solo_output_udp(&solo, &out);
    CHECK_EQ(udp.source_port, 777);
    CHECK_EQ(udp.destination_port, 53);
    CHECK_EQ(udp.length, 11);
    CHECK_MEM(out.payload + 8, data, 3);
    CHECK_EQ(send_to(solo.host, socket, pair_ipv6(1, 53), data, 3, solo.now), 3);
    udp = solo_output_udp(&solo, &out);
    CHECK(out.ipv6);

    // Data that makes the sum come out as 0: its complement is the checksum over data of zeros.
    uint8_t zero[2] = {0, 0};
    CHECK_EQ(send_to(solo.host, socket, remote(2, 53), zero, 2, solo.now), 2);
    udp = solo_output_udp(&solo, &out);
    bytes_put16(zero, udp.checksum);
    CHECK_EQ(send_to(solo.host, socket, remote(2, 53), zero, 2, solo.now), 2);
    udp = solo_output_udp(&solo, &out);
    CHECK_EQ(udp.checksum, 0xffff);
    solo_free(&solo);
}

/* A program that looks for damage itself does without, over IPv4: in one piece, in fragments, and whatever the driver
 * could do for us. */
TEST(a_datagram_may_go_without_a_checksum)
{
    struct solo solo;
    uint8_t frame[2048], data[3000] = {1, 2, 3};
    solo_start(&solo);
    strata_socket socket = strata_open(solo.host, STRATA_DATAGRAM);
    CHECK_EQ(strata_set_option(solo.host, socket, STRATA_OPTION_NO_CHECKSUM, 1, solo.now), 0);
    CHECK_EQ(send_to(solo.host, socket, remote(2, 53), data, 3, solo.now), 3);
    struct strata_meta meta = {.flags = STRATA_META_PARTIAL};
    CHECK_EQ(strata_host_output(solo.host, solo.port, frame, sizeof frame, &meta, solo.now), 31);
    CHECK_EQ(meta.flags, 0);
    CHECK_EQ(bytes_get16(frame + 20 + 6), 0);
    CHECK_MEM(frame + 28, data, 3);
    CHECK_EQ(send_to(solo.host, socket, remote(2, 53), data, sizeof data, solo.now), sizeof data);
    CHECK(strata_host_output(solo.host, solo.port, frame, sizeof frame, NULL, solo.now) > 1400);
    CHECK_EQ(bytes_get16(frame + 20 + 6), 0);
    while (strata_host_output(solo.host, solo.port, frame, sizeof frame, NULL, solo.now) > 0)
        ;
    struct solo_out out;
    CHECK_EQ(send_to(solo.host, socket, pair_ipv6(1, 53), data, 3, solo.now), 3);
    CHECK(solo_output_udp(&solo, &out).checksum != 0); // RFC 768-3: it would be discarded
    solo_free(&solo);
}

TEST(checksum_is_left_to_a_driver_that_can)
{
    struct solo solo;
    uint8_t frame[256];
    solo_start(&solo);
    strata_socket socket = strata_open(solo.host, STRATA_DATAGRAM);
    CHECK_EQ(send_to(solo.host, socket, remote(2, 53), "abc", 3, solo.now), 3);
    struct strata_meta meta = {.flags = STRATA_META_PARTIAL};
    size_t length = strata_host_output(solo.host, solo.port, frame, sizeof frame, &meta, solo.now);
    CHECK_EQ(length, 31);
    CHECK_EQ(meta.flags, STRATA_META_PARTIAL);
    CHECK_EQ(meta.checksum_start, 20);
    CHECK_EQ(meta.checksum_offset, 6);
    // What the driver does: sum from checksum_start on, with the pseudo-header's sum in the field.
    uint16_t sum =
        checksum_finish(checksum_add(0, frame + meta.checksum_start, length - meta.checksum_start));
    bytes_put16(frame + meta.checksum_start + meta.checksum_offset, sum);
    struct strata_address a = strata_ipv4(10, 0, 0, 1), b = strata_ipv4(10, 0, 0, 2);
    CHECK(checksum_valid(checksum_add(checksum_pseudo(&a, &b, PROTOCOL_UDP, 11), frame + 20, 11)));
    solo_free(&solo);
}

// RFC 1122-8: TOS is zero unless set. RFC 1122-10: TTL is configured per host, per socket and per datagram.
TEST(ttl_and_tos_are_the_programs_choice)
{
    struct solo solo;
    struct solo_out out;
    solo_start(&solo);
    CHECK_EQ(strata_set(solo.host, "net.ipv4.ip_default_ttl", 33), 0);
    strata_socket socket = strata_open(solo.host, STRATA_DATAGRAM);
    for (int family = 0; family < 2; family++) {
        struct strata_endpoint to = family ? pair_ipv6(1, 53) : remote(2, 53);
        CHECK_EQ(strata_set_option(solo.host, socket, STRATA_OPTION_TTL, 33, solo.now), 0);
        CHECK_EQ(strata_set_option(solo.host, socket, STRATA_OPTION_TOS, 0, solo.now), 0);
        send_to(solo.host, socket, to, "a", 1, solo.now);
        solo_output_udp(&solo, &out);
        CHECK_EQ(out.ttl, 33);
        CHECK_EQ(out.tos, 0);
        CHECK_EQ(strata_set_option(solo.host, socket, STRATA_OPTION_TTL, 5, solo.now), 0);
        CHECK_EQ(strata_set_option(solo.host, socket, STRATA_OPTION_TOS, 0xb8, solo.now), 0);
        send_to(solo.host, socket, to, "a", 1, solo.now);
        solo_output_udp(&solo, &out);
        CHECK_EQ(out.ttl, 5);
        CHECK_EQ(out.tos, 0xb8);
        struct strata_envelope envelope = {.size = sizeof envelope, .peer = to, .ttl = 1, .tos = 4};
        CHECK_EQ(strata_send(solo.host, socket, "a", 1, &envelope, solo.now), 1);
        solo_output_udp(&solo, &out);
        CHECK_EQ(out.ttl, 1);
        CHECK_EQ(out.tos, 4);
    }
    CHECK_EQ(strata_set_option(solo.host, socket, STRATA_OPTION_TTL, 0, solo.now), -EINVAL);
    CHECK_EQ(strata_set_option(solo.host, socket, STRATA_OPTION_TTL, 256, solo.now), -EINVAL);
    solo_free(&solo);
}

// RFC 1122-23: the program picks the source address if it cares, otherwise the stack does.
TEST(source_address_is_the_programs_or_the_stacks_choice)
{
    struct solo solo;
    struct solo_out out;
    solo_start(&solo);
    struct strata_address second = strata_ipv4(10, 0, 0, 200), foreign = strata_ipv4(10, 0, 0, 201);
    REQUIRE(strata_address_add(solo.host, solo.port, &second, 24, solo.now) == 0);
    strata_socket socket = strata_open(solo.host, STRATA_DATAGRAM);
    CHECK_EQ(send_to(solo.host, socket, remote(2, 53), "a", 1, solo.now), 1);
    solo_output_udp(&solo, &out);
    CHECK_ADDRESS(out.source, pair_ipv4(0, 0).address);
    struct strata_envelope envelope = {
        .size = sizeof envelope, .peer = remote(2, 53), .local = {.address = second}};
    CHECK_EQ(strata_send(solo.host, socket, "a", 1, &envelope, solo.now), 1);
    solo_output_udp(&solo, &out);
    CHECK_ADDRESS(out.source, second);
    envelope.local.address = foreign;
    CHECK_EQ(strata_send(solo.host, socket, "a", 1, &envelope, solo.now), -EADDRNOTAVAIL);
    envelope.local.address = pair_ipv6(0, 0).address;
    CHECK_EQ(strata_send(solo.host, socket, "a", 1, &envelope, solo.now), -EAFNOSUPPORT);
    envelope.local = (struct strata_endpoint){.port = 9};
    CHECK_EQ(strata_send(solo.host, socket, "a", 1, &envelope, solo.now), -EINVAL);

    strata_socket bound = strata_open(solo.host, STRATA_DATAGRAM);
    struct strata_endpoint local = {.address = second, .port = 53};
    CHECK_EQ(strata_bind(solo.host, bound, &local), 0);
    CHECK_EQ(send_to(solo.host, bound, remote(2, 53), "a", 1, solo.now), 1);
    solo_output_udp(&solo, &out);
    CHECK_ADDRESS(out.source, second);
    CHECK_EQ(send_to(solo.host, bound, pair_ipv6(1, 53), "a", 1, solo.now), -EAFNOSUPPORT);
    // RFC 1122-3: an address that went is not used any more, RFC 1122-6: one of the loopback not outside.
    CHECK_EQ(strata_address_remove(solo.host, solo.port, &second, solo.now), 0);
    CHECK_EQ(send_to(solo.host, bound, remote(2, 53), "a", 1, solo.now), -EADDRNOTAVAIL);
    CHECK_EQ(strata_address_add(solo.host, solo.port, &second, 24, solo.now), 0);
    CHECK_EQ(send_to(solo.host, bound, remote(2, 53), "a", 1, solo.now), 1);
    solo_output_udp(&solo, &out);
    CHECK_ADDRESS(out.source, second);
    strata_socket within = strata_open(solo.host, STRATA_DATAGRAM);
    local.address = strata_ipv4(127, 0, 0, 1);
    CHECK_EQ(strata_bind(solo.host, within, &local), 0);
    CHECK_EQ(send_to(solo.host, within, remote(2, 53), "a", 1, solo.now), -EADDRNOTAVAIL);
    solo_free(&solo);
}

TEST(what_cannot_be_sent_is_refused)
{
    struct solo solo;
    struct solo_out out;
    static uint8_t data[65536];
    solo_start(&solo);
    strata_socket socket = strata_open(solo.host, STRATA_DATAGRAM);
    strata_time now = solo.now;
    CHECK_EQ(strata_send(solo.host, socket, "a", 1, NULL, now), -EDESTADDRREQ);
    CHECK_EQ(send_to(solo.host, socket, remote(2, 0), "a", 1, now), -EINVAL);
    CHECK_EQ(send_to(solo.host, socket, remote(2, 53), NULL, 1, now), -EINVAL);
    CHECK_EQ(send_to(solo.host, socket, remote(2, 53), data, 65508, now), -EMSGSIZE);
    CHECK_EQ(send_to(solo.host, socket, pair_ipv6(1, 53), data, 65528, now), -EMSGSIZE);
    struct strata_endpoint far = {.address = strata_ipv4(192, 0, 2, 1), .port = 53};
    CHECK_EQ(send_to(solo.host, socket, far, "a", 1, now), -ENETUNREACH);
    struct strata_envelope envelope = {.size = 3, .peer = remote(2, 53)};
    CHECK_EQ(strata_send(solo.host, socket, "a", 1, &envelope, now), -EINVAL);
    envelope.size = sizeof envelope;
    envelope.port = 9;
    CHECK_EQ(strata_send(solo.host, socket, "a", 1, &envelope, now), -ENODEV);
    envelope.port = -4;
    CHECK_EQ(strata_send(solo.host, socket, "a", 1, &envelope, now), -ENODEV);
    struct strata_endpoint everybody = {.address = strata_ipv4(10, 0, 0, 255), .port = 53};
    CHECK_EQ(send_to(solo.host, socket, everybody, "a", 1, now), -EACCES);
    CHECK_EQ(strata_set_option(solo.host, socket, STRATA_OPTION_DONT_FRAGMENT, 1, now), 0);
    CHECK_EQ(send_to(solo.host, socket, remote(2, 53), data, 1473, now), -EMSGSIZE);
    CHECK_EQ(send_to(solo.host, socket, pair_ipv6(1, 53), data, 1453, now), -EMSGSIZE);
    CHECK(!solo_output(&solo, &out));
    CHECK_EQ(send_to(solo.host, socket, remote(2, 53), data, 1472, now), 1472);
    solo_output_udp(&solo, &out);
    CHECK(out.dont_fragment);
    CHECK_EQ(strata_set_option(solo.host, socket, STRATA_OPTION_BROADCAST, 1, now), 0);
    CHECK_EQ(send_to(solo.host, socket, everybody, "a", 1, now), 1);
    solo_output_udp(&solo, &out);
    solo_free(&solo);
}

/** Checks that fragments follow each other without a gap and collects what they carry. */
static size_t collect(struct solo *solo, uint8_t *payload, size_t mtu, uint32_t *identification)
{
    static struct solo_out out;
    size_t total = 0;
    do {
        REQUIRE(solo_output(solo, &out));
        CHECK(out.frame_length <= mtu);
        CHECK_EQ(out.fragment_offset, total);
        if (total > 0)
            CHECK_EQ(out.identification, *identification);
        *identification = out.identification;
        memcpy(payload + total, out.payload, out.length);
        total += out.length;
    } while (out.more_fragments);
    uint64_t sum = checksum_pseudo(&out.source, &out.destination, PROTOCOL_UDP, (uint32_t)total);
    CHECK(checksum_valid(checksum_add(sum, payload, total)));
    return total;
}

TEST(large_datagrams_go_as_fragments_one_after_the_other)
{
    struct solo solo;
    static uint8_t data[65507], payload[65536];
    uint64_t seed = 3;
    uint32_t first = 0, second = 0;
    test_fill(&seed, data, sizeof data);
    solo_start(&solo);
    strata_socket socket = strata_open(solo.host, STRATA_DATAGRAM);
    CHECK_EQ(send_to(solo.host, socket, remote(2, 53), data, 65507, solo.now), 65507);
    CHECK_EQ(send_to(solo.host, socket, remote(3, 53), data, 1473, solo.now), 1473);
    CHECK_EQ(collect(&solo, payload, 1500, &first), 65515);
    CHECK_MEM(payload + 8, data, 65507);
    CHECK_EQ(collect(&solo, payload, 1500, &second), 1481);
    CHECK(first != second);
    CHECK_EQ(send_to(solo.host, socket, pair_ipv6(1, 53), data, 65000, solo.now), 65000);
    CHECK_EQ(collect(&solo, payload, 1500, &first), 65008);
    CHECK_MEM(payload + 8, data, 65000);
    CHECK_EQ(pair_counter(solo.host, "udp_sent"), 3);
    solo_free(&solo);
}

TEST(every_size_around_the_mtu_arrives)
{
    struct pair pair;
    static uint8_t data[3100], got[3200];
    uint64_t seed = 4;
    test_fill(&seed, data, sizeof data);
    pair_start(&pair, STRATA_LINK_IP);
    strata_socket from = strata_open(pair.a, STRATA_DATAGRAM), to = strata_open(pair.b, STRATA_DATAGRAM);
    struct strata_endpoint local = {.port = 53};
    REQUIRE(strata_bind(pair.b, to, &local) == 0);
    for (size_t size = 1440; size < 3100; size += size < 1490 || size > 2920 ? 1 : 7)
        for (int family = 0; family < 2; family++) {
            struct strata_endpoint peer = family ? pair_ipv6(1, 53) : pair_ipv4(1, 53);
            CHECK_EQ(send_to(pair.a, from, peer, data, size, pair.now), size);
            pair_settle(&pair);
            CHECK_EQ(strata_receive(pair.b, to, got, sizeof got, NULL, pair.now), size);
            CHECK_MEM(got, data, size);
        }
    pair_free(&pair);
}

TEST(largest_datagram_crosses_an_ethernet_to_a_stranger)
{
    struct pair pair;
    static uint8_t data[65507], got[65507];
    uint64_t seed = 5;
    test_fill(&seed, data, sizeof data);
    pair_start(&pair, STRATA_LINK_ETHERNET);
    strata_socket from = strata_open(pair.a, STRATA_DATAGRAM), to = strata_open(pair.b, STRATA_DATAGRAM);
    struct strata_endpoint local = {.port = 53};
    REQUIRE(strata_bind(pair.b, to, &local) == 0);
    for (int i = 0; i < 3; i++) // the buffer takes three of them while the neighbour is asked
        CHECK_EQ(send_to(pair.a, from, pair_ipv4(1, 53), data, 65507, pair.now), 65507);
    pair_run(&pair, STRATA_SECOND);
    for (int i = 0; i < 3; i++) {
        memset(got, 0, sizeof got);
        CHECK_EQ(strata_receive(pair.b, to, got, sizeof got, NULL, pair.now), 65507);
        CHECK_MEM(got, data, sizeof got);
    }
    CHECK_EQ(strata_receive(pair.b, to, got, sizeof got, NULL, pair.now), -EAGAIN);
    pair_free(&pair);
}

TEST(a_sleeping_neighbour_holds_up_nobody_else_and_order_is_kept)
{
    struct pair pair;
    char got[8];
    pair_start(&pair, STRATA_LINK_ETHERNET);
    strata_socket from = strata_open(pair.a, STRATA_DATAGRAM), to = strata_open(pair.b, STRATA_DATAGRAM);
    struct strata_endpoint local = {.port = 53};
    REQUIRE(strata_bind(pair.b, to, &local) == 0);
    CHECK_EQ(strata_set_option(pair.a, from, STRATA_OPTION_RECEIVE_ERRORS, 1, pair.now), 0);
    // 10.0.0.99 does not exist; datagrams to 10.0.0.2 go on behind it.
    for (int i = 0; i < 6; i++) {
        char digit = (char)('0' + i);
        CHECK_EQ(send_to(pair.a, from, remote(99, 53), &digit, 1, pair.now), 1);
        CHECK_EQ(send_to(pair.a, from, pair_ipv4(1, 53), &digit, 1, pair.now), 1);
    }
    pair_settle(&pair);
    for (int i = 0; i < 6; i++) {
        CHECK_EQ(strata_receive(pair.b, to, got, sizeof got, NULL, pair.now), 1);
        CHECK_EQ(got[0], '0' + i);
    }
    CHECK_EQ(strata_readiness(pair.a, from), STRATA_WRITABLE);
    pair_run(&pair, 5 * STRATA_SECOND);
    CHECK_EQ(strata_readiness(pair.a, from), STRATA_WRITABLE | STRATA_ERROR);
    CHECK_EQ(strata_take_error(pair.a, from), EHOSTUNREACH);
    for (int i = 0; i < 6; i++) {
        struct strata_envelope envelope = {.size = sizeof envelope};
        CHECK_EQ(strata_receive_error(pair.a, from, got, sizeof got, &envelope), 1);
        CHECK_EQ(got[0], '0' + i);
        CHECK_EQ(envelope.error, EHOSTUNREACH);
        CHECK_ADDRESS(envelope.peer.address, remote(99, 0).address);
    }
    CHECK_EQ(strata_receive_error(pair.a, from, got, sizeof got, NULL), -EAGAIN);
    CHECK_EQ(pair_counter(pair.a, "udp_drop_unsent"), 6);
    pair_free(&pair);
}

TEST(send_buffer_is_bounded_and_says_when_there_is_room)
{
    struct solo solo;
    struct solo_out out;
    struct strata_event event;
    uint8_t data[1000] = {0};
    solo_start(&solo);
    strata_socket socket = strata_open(solo.host, STRATA_DATAGRAM);
    CHECK_EQ(strata_set_option(solo.host, socket, STRATA_OPTION_SEND_BUFFER, 10000, solo.now), 0);
    int sent = 0;
    while (send_to(solo.host, socket, remote(2, 53), data, sizeof data, solo.now) == sizeof data)
        REQUIRE(++sent < 20);
    CHECK(sent == 8 || sent == 9);
    CHECK_EQ(send_to(solo.host, socket, remote(2, 53), data, sizeof data, solo.now), -EAGAIN);
    CHECK_EQ(strata_readiness(solo.host, socket), 0);
    CHECK_EQ(strata_event_next(solo.host, &event), 0);
    for (int i = 0; i < sent; i++)
        CHECK(solo_output(&solo, &out));
    CHECK(!solo_output(&solo, &out));
    CHECK_EQ(strata_event_next(solo.host, &event), 1);
    CHECK_EQ(event.ready, STRATA_WRITABLE);
    CHECK_EQ(strata_event_next(solo.host, &event), 0);
    CHECK_EQ(strata_readiness(solo.host, socket), STRATA_WRITABLE);
    // However small the buffer, one datagram of any size fits.
    static uint8_t big[60000];
    CHECK_EQ(send_to(solo.host, socket, remote(2, 53), big, sizeof big, solo.now), sizeof big);
    CHECK_EQ(send_to(solo.host, socket, remote(2, 53), big, 1, solo.now), -EAGAIN);
    solo_free(&solo);
}

TEST(what_was_sent_before_close_still_goes)
{
    struct solo solo;
    static struct solo_out out;
    static uint8_t big[60000];
    solo_start(&solo);
    strata_socket socket = strata_open(solo.host, STRATA_DATAGRAM);
    CHECK_EQ(send_to(solo.host, socket, remote(2, 53), "abc", 3, solo.now), 3);
    CHECK_EQ(send_to(solo.host, socket, remote(2, 53), "abcd", 4, solo.now), 4);
    CHECK_EQ(strata_close(solo.host, socket, solo.now), 0);
    CHECK_EQ(strata_close(solo.host, socket, solo.now), -EBADF);
    CHECK_EQ(solo_output_udp(&solo, &out).length, 11);
    CHECK_EQ(solo_output_udp(&solo, &out).length, 12);
    CHECK(!solo_output(&solo, &out));
    struct strata_memory memory = {.size = sizeof memory};
    strata_memory(solo.host, &memory);
    CHECK_EQ(memory.sockets, 0);

    // But closing is no way to pile up memory.
    int64_t limit;
    CHECK_EQ(strata_get(solo.host, "strata.udp_closing_bytes", &limit), 0);
    size_t before = memory.used_bytes;
    for (int i = 0; i < 100; i++) {
        socket = strata_open(solo.host, STRATA_DATAGRAM);
        CHECK_EQ(send_to(solo.host, socket, remote(2, 53), big, sizeof big, solo.now), sizeof big);
        strata_close(solo.host, socket, solo.now);
    }
    strata_memory(solo.host, &memory);
    CHECK(memory.used_bytes - before < (size_t)limit + 65536);
    while (solo_output(&solo, &out))
        continue;
    strata_memory(solo.host, &memory);
    CHECK(memory.used_bytes <= before + 8192); // tables may have grown
    solo_free(&solo);
}

// RFC 768-6: ICMP errors reach the program: the connected one by the next call, any that asks by the error
// queue.
TEST(icmp_errors_reach_the_program)
{
    struct solo solo;
    struct solo_out out;
    struct strata_event event;
    char got[64];
    solo_start(&solo);
    strata_socket connected = strata_open(solo.host, STRATA_DATAGRAM);
    struct strata_endpoint peer = remote(2, 53);
    CHECK_EQ(strata_connect(solo.host, connected, &peer, solo.now), 0);
    CHECK_EQ(strata_send(solo.host, connected, "hello", 5, NULL, solo.now), 5);
    REQUIRE(solo_output(&solo, &out));
    // Soft ones do not stop it.
    solo_icmp_error(&solo, strata_ipv4(10, 0, 0, 254), ICMP_UNREACHABLE, ICMP_NET_UNREACHABLE, 0, out.frame,
                    28);
    CHECK_EQ(strata_receive(solo.host, connected, got, sizeof got, NULL, solo.now), -EAGAIN);
    solo_icmp_error(&solo, peer.address, ICMP_UNREACHABLE, ICMP_PORT_UNREACHABLE, 0, out.frame, 28);
    CHECK_EQ(strata_event_next(solo.host, &event), 1);
    CHECK_EQ(event.ready, STRATA_ERROR);
    CHECK_EQ(strata_receive(solo.host, connected, got, sizeof got, NULL, solo.now), -ECONNREFUSED);
    CHECK_EQ(strata_receive(solo.host, connected, got, sizeof got, NULL, solo.now), -EAGAIN);
    solo_icmp_error(&solo, peer.address, ICMP_UNREACHABLE, ICMP_PORT_UNREACHABLE, 0, out.frame, 28);
    CHECK_EQ(strata_send(solo.host, connected, "hello", 5, NULL, solo.now), -ECONNREFUSED);
    CHECK_EQ(strata_send(solo.host, connected, "hello", 5, NULL, solo.now), 5);
    REQUIRE(solo_output(&solo, &out));
    solo_icmp_error(&solo, peer.address, ICMP_UNREACHABLE, ICMP_PORT_UNREACHABLE, 0, out.frame, 28);
    CHECK_EQ(strata_take_error(solo.host, connected), ECONNREFUSED);
    CHECK_EQ(strata_take_error(solo.host, connected), 0);

    strata_socket server = strata_open(solo.host, STRATA_DATAGRAM);
    CHECK_EQ(strata_set_option(solo.host, server, STRATA_OPTION_RECEIVE_ERRORS, 1, solo.now), 0);
    CHECK_EQ(send_to(solo.host, server, remote(7, 99), "hello", 5, solo.now), 5);
    REQUIRE(solo_output(&solo, &out));
    solo_icmp_error(&solo, strata_ipv4(10, 0, 0, 254), ICMP_TIME_EXCEEDED, 0, 0, out.frame, out.frame_length);
    // An unconnected socket's traffic with others goes on.
    CHECK_EQ(strata_receive(solo.host, server, got, sizeof got, NULL, solo.now), -EAGAIN);
    CHECK_EQ(strata_readiness(solo.host, server), STRATA_ERROR | STRATA_WRITABLE);
    struct strata_envelope envelope = {.size = sizeof envelope};
    CHECK_EQ(strata_receive_error(solo.host, server, got, sizeof got, &envelope), 5);
    CHECK_MEM(got, "hello", 5);
    CHECK_EQ(envelope.icmp_type, ICMP_TIME_EXCEEDED);
    CHECK_EQ(envelope.error, EHOSTUNREACH);
    CHECK_EQ(envelope.peer.port, 99);
    CHECK_ADDRESS(envelope.peer.address, remote(7, 0).address);
    struct strata_address router = strata_ipv4(10, 0, 0, 254);
    CHECK_ADDRESS(envelope.reporter, router);
    CHECK_EQ(strata_readiness(solo.host, server), STRATA_WRITABLE);
    // Nobody can make it keep more than its share.
    for (int i = 0; i < 100; i++)
        solo_icmp_error(&solo, router, ICMP_TIME_EXCEEDED, 0, 0, out.frame, out.frame_length);
    int kept = 0;
    while (strata_receive_error(solo.host, server, got, sizeof got, NULL) >= 0)
        kept++;
    CHECK_EQ(kept, 16);
    solo_free(&solo);
}

TEST(too_big_is_told_with_the_size_that_fits)
{
    struct solo solo;
    struct solo_out out;
    char got[64];
    uint8_t data[1472] = {0};
    solo_start(&solo);
    strata_socket socket = strata_open(solo.host, STRATA_DATAGRAM);
    CHECK_EQ(strata_set_option(solo.host, socket, STRATA_OPTION_RECEIVE_ERRORS, 1, solo.now), 0);
    CHECK_EQ(strata_set_option(solo.host, socket, STRATA_OPTION_DONT_FRAGMENT, 1, solo.now), 0);
    CHECK_EQ(send_to(solo.host, socket, remote(7, 99), data, sizeof data, solo.now), sizeof data);
    REQUIRE(solo_output(&solo, &out));
    solo_icmp_error(&solo, strata_ipv4(10, 0, 0, 254), ICMP_UNREACHABLE, ICMP_FRAGMENTATION_NEEDED, 1400,
                    out.frame, 28);
    struct strata_envelope envelope = {.size = sizeof envelope};
    CHECK_EQ(strata_receive_error(solo.host, socket, got, sizeof got, &envelope), 0);
    CHECK_EQ(envelope.error, EMSGSIZE);
    CHECK_EQ(envelope.icmp_info, 1400);
    CHECK_EQ(send_to(solo.host, socket, remote(7, 99), data, 1373, solo.now), -EMSGSIZE);
    CHECK_EQ(send_to(solo.host, socket, remote(7, 99), data, 1372, solo.now), 1372);
    // Without the option the rest of the way is travelled in fragments.
    CHECK_EQ(strata_set_option(solo.host, socket, STRATA_OPTION_DONT_FRAGMENT, 0, solo.now), 0);
    CHECK_EQ(send_to(solo.host, socket, remote(7, 99), data, 1472, solo.now), 1472);
    REQUIRE(solo_output(&solo, &out));
    CHECK_EQ(out.frame_length, 1400);
    REQUIRE(solo_output(&solo, &out));
    CHECK(out.more_fragments && out.frame_length <= 1400);
    solo_free(&solo);
}

/** Host and router disagree about how large a datagram to `peer` may be: @return what it may be afterwards. */
static unsigned largest_after(struct solo *solo, strata_socket socket, struct strata_endpoint peer, uint16_t mtu,
                              const uint8_t *quoted)
{
    static uint8_t data[1472];
    struct solo_out out;
    solo_icmp_error(solo, strata_ipv4(10, 0, 0, 254), ICMP_UNREACHABLE, ICMP_FRAGMENTATION_NEEDED, mtu, quoted, 28);
    unsigned size = sizeof data;
    while (size > 0 && send_to(solo->host, socket, peer, data, size, solo->now) == -EMSGSIZE)
        size--;
    while (solo_output(solo, &out))
        CHECK(out.frame_length <= 1500);
    return size + 28;
}

/* RFC 8899-1, RFC 8201-4: a message counts where the datagram it quotes may have been sent: from a port of ours, to
 * somebody to whom something large was sent. */
TEST(too_big_is_not_believed_of_whom_nobody_sent_to)
{
    struct solo solo;
    struct solo_out out;
    static uint8_t data[1472];
    uint8_t quoted[28];
    solo_start(&solo);
    strata_socket socket = strata_open(solo.host, STRATA_DATAGRAM);
    CHECK_EQ(strata_set_option(solo.host, socket, STRATA_OPTION_DONT_FRAGMENT, 1, solo.now), 0);
    CHECK_EQ(send_to(solo.host, socket, remote(7, 99), data, sizeof data, solo.now), sizeof data);
    REQUIRE(solo_output(&solo, &out));
    memcpy(quoted, out.frame, sizeof quoted);
    CHECK_EQ(send_to(solo.host, socket, remote(8, 99), data, 100, solo.now), 100);
    REQUIRE(solo_output(&solo, &out));
    quoted[19] = 9; // to somebody else
    CHECK_EQ(largest_after(&solo, socket, remote(9, 99), 1400, quoted), 1500);
    quoted[19] = 7;
    CHECK_EQ(largest_after(&solo, socket, remote(7, 99), 1400, quoted), 1400);
    quoted[20] ^= 1; // from a port where nobody is
    CHECK_EQ(largest_after(&solo, socket, remote(7, 99), 1300, quoted), 1400);
    // A socket with a peer hears only of that.
    strata_socket connected = strata_open(solo.host, STRATA_DATAGRAM);
    struct strata_endpoint peer = remote(10, 99);
    CHECK_EQ(strata_set_option(solo.host, connected, STRATA_OPTION_DONT_FRAGMENT, 1, solo.now), 0);
    CHECK_EQ(strata_connect(solo.host, connected, &peer, solo.now), 0);
    CHECK_EQ(strata_send(solo.host, connected, data, sizeof data, NULL, solo.now), sizeof data);
    REQUIRE(solo_output(&solo, &out));
    memcpy(quoted, out.frame, sizeof quoted);
    quoted[23] ^= 1; // another port of the peer
    CHECK_EQ(largest_after(&solo, socket, peer, 1400, quoted), 1500);
    quoted[23] ^= 1;
    CHECK_EQ(largest_after(&solo, socket, peer, 1400, quoted), 1400);
    solo_free(&solo);
}

TEST(too_big_has_a_floor)
{
    struct solo solo;
    struct solo_out out;
    static uint8_t data[1472];
    solo_start(&solo);
    strata_socket socket = strata_open(solo.host, STRATA_DATAGRAM);
    CHECK_EQ(strata_set_option(solo.host, socket, STRATA_OPTION_DONT_FRAGMENT, 1, solo.now), 0);
    CHECK_EQ(send_to(solo.host, socket, remote(7, 99), data, sizeof data, solo.now), sizeof data);
    REQUIRE(solo_output(&solo, &out));
    uint8_t quoted[28];
    memcpy(quoted, out.frame, sizeof quoted);
    CHECK_EQ(largest_after(&solo, socket, remote(7, 99), 67, quoted), 1500); // no path is so narrow
    CHECK_EQ(largest_after(&solo, socket, remote(7, 99), 68, quoted), 552);
    CHECK_EQ(strata_set(solo.host, "net.ipv4.route.min_pmtu", 300), 0);
    CHECK_EQ(largest_after(&solo, socket, remote(7, 99), 68, quoted), 300);
    solo_free(&solo);
}

/* RFC 8899-1: who probes by itself is told of messages, and decides: they never set its size. */
TEST(a_program_that_probes_the_path)
{
    struct solo solo;
    struct solo_out out;
    struct strata_envelope envelope = {.size = sizeof envelope};
    static uint8_t data[1473];
    char got[64];
    solo_start(&solo);
    strata_socket socket = strata_open(solo.host, STRATA_DATAGRAM), other = strata_open(solo.host, STRATA_DATAGRAM);
    CHECK_EQ(strata_set_option(solo.host, socket, STRATA_OPTION_PATH_MTU_PROBE, 1, solo.now), 0);
    CHECK_EQ(strata_set_option(solo.host, socket, STRATA_OPTION_RECEIVE_ERRORS, 1, solo.now), 0);
    CHECK_EQ(strata_set_option(solo.host, other, STRATA_OPTION_DONT_FRAGMENT, 1, solo.now), 0);
    CHECK_EQ(send_to(solo.host, socket, remote(7, 99), data, 1472, solo.now), 1472);
    REQUIRE(solo_output(&solo, &out));
    uint8_t quoted[28];
    memcpy(quoted, out.frame, sizeof quoted);
    CHECK_EQ(largest_after(&solo, other, remote(7, 99), 1400, quoted), 1400);
    CHECK_EQ(strata_receive_error(solo.host, socket, got, sizeof got, &envelope), 0);
    CHECK_EQ(envelope.error, EMSGSIZE);
    CHECK_EQ(envelope.icmp_info, 1400);
    // It may go on as it likes, whole and with DF, up to what the port carries.
    CHECK_EQ(send_to(solo.host, socket, remote(7, 99), data, 1472, solo.now), 1472);
    REQUIRE(solo_output(&solo, &out));
    CHECK_EQ(out.frame_length, 1500);
    CHECK(out.frame[6] & 0x40);
    CHECK_EQ(send_to(solo.host, socket, remote(7, 99), data, 1473, solo.now), -EMSGSIZE);
    // Until it does not want to any more.
    CHECK_EQ(strata_set_option(solo.host, socket, STRATA_OPTION_PATH_MTU_PROBE, 0, solo.now), 0);
    CHECK_EQ(send_to(solo.host, socket, remote(7, 99), data, 1472, solo.now), 1472);
    REQUIRE(solo_output(&solo, &out));
    CHECK(out.more_fragments && out.frame_length <= 1400);
    solo_free(&solo);
}

TEST(connect_gives_a_peer_and_takes_it_away)
{
    struct solo solo;
    struct solo_out out;
    struct strata_endpoint local, peer = remote(2, 53), none = {.port = 0};
    char got[8];
    solo_start(&solo);
    strata_socket socket = strata_open(solo.host, STRATA_DATAGRAM);
    CHECK_EQ(strata_peer(solo.host, socket, &local), -ENOTCONN);
    CHECK_EQ(strata_connect(solo.host, socket, &peer, solo.now), 0);
    CHECK_EQ(strata_local(solo.host, socket, &local), 0);
    CHECK_ADDRESS(local.address, pair_ipv4(0, 0).address);
    CHECK(local.port >= 32768 && local.port <= 60999);
    CHECK_EQ(strata_peer(solo.host, socket, &peer), 0);
    CHECK_EQ(peer.port, 53);
    CHECK_EQ(strata_send(solo.host, socket, "x", 1, NULL, solo.now), 1);
    CHECK_EQ(solo_output_udp(&solo, &out).destination_port, 53);
    // Only the peer is heard; others are told that nobody listens.
    solo_udp(&solo, remote(2, 54), local, "x", 1);
    CHECK_EQ(strata_receive(solo.host, socket, got, sizeof got, NULL, solo.now), -EAGAIN);
    REQUIRE(solo_output(&solo, &out));
    CHECK_EQ(out.protocol, PROTOCOL_ICMP);
    solo_udp(&solo, peer, local, "x", 1);
    CHECK_EQ(strata_receive(solo.host, socket, got, sizeof got, NULL, solo.now), 1);
    CHECK_EQ(strata_connect(solo.host, socket, &none, solo.now), 0);
    CHECK_EQ(strata_peer(solo.host, socket, &peer), -ENOTCONN);
    CHECK_EQ(strata_send(solo.host, socket, "x", 1, NULL, solo.now), -EDESTADDRREQ);
    solo_udp(&solo, remote(2, 54), local, "x", 1);
    CHECK_EQ(strata_receive(solo.host, socket, got, sizeof got, NULL, solo.now), 1);
    struct strata_endpoint everybody = {.address = strata_ipv4(255, 255, 255, 255), .port = 53};
    CHECK_EQ(strata_connect(solo.host, socket, &everybody, solo.now), -EACCES);
    struct strata_endpoint far = {.address = strata_ipv4(192, 0, 2, 1), .port = 53};
    CHECK_EQ(strata_connect(solo.host, socket, &far, solo.now), -ENETUNREACH);
    solo_free(&solo);
}

TEST(a_port_that_goes_takes_nothing_with_it_that_has_another_way)
{
    struct solo solo;
    struct solo_out out;
    solo_start(&solo);
    struct strata_port_config config = {.size = sizeof config, .link = STRATA_LINK_IP};
    int second = strata_port_add(solo.host, &config);
    struct strata_address address = strata_ipv4(10, 9, 0, 1);
    REQUIRE(strata_address_add(solo.host, second, &address, 24, solo.now) == 0);
    struct strata_route narrow = {.destination = strata_ipv4(192, 0, 2, 0),
                                  .prefix_length = 24,
                                  .gateway = strata_ipv4(10, 9, 0, 9),
                                  .port = -1};
    struct strata_route wide = {.destination = strata_ipv4(0, 0, 0, 0),
                                .prefix_length = 0,
                                .gateway = strata_ipv4(10, 0, 0, 9),
                                .port = -1};
    REQUIRE(strata_route_add(solo.host, &narrow) == 0);
    REQUIRE(strata_route_add(solo.host, &wide) == 0);
    strata_socket socket = strata_open(solo.host, STRATA_DATAGRAM);
    struct strata_endpoint far = {.address = strata_ipv4(192, 0, 2, 1), .port = 53};
    struct strata_endpoint near = {.address = strata_ipv4(10, 9, 0, 5), .port = 53};
    CHECK_EQ(strata_set_option(solo.host, socket, STRATA_OPTION_RECEIVE_ERRORS, 1, solo.now), 0);
    CHECK_EQ(send_to(solo.host, socket, far, "x", 1, solo.now), 1);
    CHECK_EQ(send_to(solo.host, socket, near, "x", 1, solo.now), 1);
    CHECK_EQ(strata_host_ready(solo.host), second);
    CHECK_EQ(strata_port_set_up(solo.host, second, false, solo.now), 0);
    struct udp_header udp = solo_output_udp(&solo, &out);
    CHECK_EQ(udp.destination_port, 53);
    CHECK_ADDRESS(out.destination, far.address);
    // 10.9.0.5 goes by the default route as well, now that its own link is down.
    udp = solo_output_udp(&solo, &out);
    CHECK_ADDRESS(out.destination, near.address);
    CHECK(!solo_output(&solo, &out));
    CHECK_EQ(strata_route_remove(solo.host, &wide), 0);
    CHECK_EQ(strata_port_set_up(solo.host, second, true, solo.now), 0);
    CHECK_EQ(send_to(solo.host, socket, near, "x", 1, solo.now), 1);
    CHECK_EQ(strata_port_remove(solo.host, second), 0);
    CHECK(!solo_output(&solo, &out));
    CHECK_EQ(strata_take_error(solo.host, socket) != 0, 1);
    solo_free(&solo);
}

TEST_MAIN(TEST_ENTRY(checksum_is_sent_and_never_zero), TEST_ENTRY(checksum_is_left_to_a_driver_that_can),
          TEST_ENTRY(a_datagram_may_go_without_a_checksum),
          TEST_ENTRY(ttl_and_tos_are_the_programs_choice),
          TEST_ENTRY(source_address_is_the_programs_or_the_stacks_choice),
          TEST_ENTRY(what_cannot_be_sent_is_refused),
          TEST_ENTRY(large_datagrams_go_as_fragments_one_after_the_other),
          TEST_ENTRY(every_size_around_the_mtu_arrives),
          TEST_ENTRY(largest_datagram_crosses_an_ethernet_to_a_stranger),
          TEST_ENTRY(a_sleeping_neighbour_holds_up_nobody_else_and_order_is_kept),
          TEST_ENTRY(send_buffer_is_bounded_and_says_when_there_is_room),
          TEST_ENTRY(what_was_sent_before_close_still_goes), TEST_ENTRY(icmp_errors_reach_the_program),
          TEST_ENTRY(too_big_is_told_with_the_size_that_fits),
          TEST_ENTRY(too_big_is_not_believed_of_whom_nobody_sent_to), TEST_ENTRY(too_big_has_a_floor),
          TEST_ENTRY(a_program_that_probes_the_path),
          TEST_ENTRY(connect_gives_a_peer_and_takes_it_away),
          TEST_ENTRY(a_port_that_goes_takes_nothing_with_it_that_has_another_way))
