/**
 * Options of streams that say when a program is woken, how much is offered and taken, and from whom: as a program sees
 * them, between two hosts.
 */
#include "tests/host/pair.h"
#include "wire/ipv4.h"
#include "wire/tcp.h"

#include <errno.h>

/** Looks at the TCP segments that a host sends on an IPv4 link of type IP. */
struct watch {
    int from;
    uint16_t widest; /**< Window of anything but SYNs. */
    size_t bytes;
    unsigned segments;
};

static bool look(void *context, int from, const uint8_t *frame, size_t length)
{
    struct watch *watch = context;
    struct ipv4_header ip;
    struct tcp_header tcp;
    if (from != watch->from || ipv4_parse(&ip, frame, length) < 0)
        return false;
    int size = tcp_parse(&tcp, frame + ip.header_bytes, (size_t)ip.total_bytes - ip.header_bytes);
    REQUIRE(size > 0);
    size_t payload = (size_t)ip.total_bytes - ip.header_bytes - (size_t)size;
    watch->segments += payload > 0;
    watch->bytes += payload;
    if (!(tcp.flags & TCP_SYN) && tcp.window > watch->widest)
        watch->widest = tcp.window;
    return false;
}

struct streams {
    struct pair pair;
    strata_socket listener, client, server;
    struct watch watch;
};

static void start(struct streams *s)
{
    *s = (struct streams){0};
    pair_start(&s->pair, STRATA_LINK_IP);
    s->pair.filter = look;
    s->pair.context = &s->watch;
    pair_connect(&s->pair, false, 80, &s->listener, &s->client, &s->server);
    pair_settle(&s->pair);
}

static void set(struct streams *s, enum strata_option option, int64_t value)
{
    CHECK_EQ(strata_set_option(s->pair.a, s->client, option, value, s->pair.now), 0);
}
static void set_server(struct streams *s, enum strata_option option, int64_t value)
{
    CHECK_EQ(strata_set_option(s->pair.b, s->server, option, value, s->pair.now), 0);
}

static uint8_t data[100000];

static int64_t put(struct streams *s, size_t size)
{
    int64_t taken = strata_write(s->pair.a, s->client, data, size, s->pair.now);
    pair_settle(&s->pair);
    return taken;
}

/** What was reported of a socket since last asked. */
static uint32_t events(struct strata_host *host, strata_socket socket)
{
    struct strata_event event;
    uint32_t ready = 0;
    while (strata_event_next(host, &event))
        ready |= event.socket == socket ? event.ready : 0;
    return ready;
}

TEST(readable_from_so_many_bytes_on)
{
    struct streams s;
    start(&s);
    set_server(&s, STRATA_OPTION_RECEIVE_LOW, 1000);
    events(s.pair.b, s.server);
    CHECK_EQ(put(&s, 999), 999);
    CHECK_EQ(strata_readiness(s.pair.b, s.server) & STRATA_READABLE, 0);
    CHECK_EQ(events(s.pair.b, s.server) & STRATA_READABLE, 0);
    CHECK_EQ(put(&s, 1), 1);
    pair_run(&s.pair, STRATA_SECOND);
    CHECK(strata_readiness(s.pair.b, s.server) & STRATA_READABLE);
    CHECK(events(s.pair.b, s.server) & STRATA_READABLE);
    CHECK_EQ(strata_read(s.pair.b, s.server, data, 1, s.pair.now), 1); // who asks gets what there is
    CHECK_EQ(strata_readiness(s.pair.b, s.server) & STRATA_READABLE, 0);
    // The end of the stream is worth knowing however little there is.
    CHECK_EQ(strata_shutdown(s.pair.a, s.client, STRATA_SHUTDOWN_WRITE, s.pair.now), 0);
    pair_settle(&s.pair);
    CHECK(strata_readiness(s.pair.b, s.server) & STRATA_READABLE);
    pair_free(&s.pair);
}

TEST(a_full_window_is_readable_though_less_than_wanted)
{
    struct streams s;
    start(&s);
    set_server(&s, STRATA_OPTION_RECEIVE_BUFFER, 4096);
    set_server(&s, STRATA_OPTION_RECEIVE_LOW, 1 << 20);
    for (int i = 0; i < 100 && !(strata_readiness(s.pair.b, s.server) & STRATA_READABLE); i++) {
        strata_write(s.pair.a, s.client, data, sizeof data, s.pair.now);
        pair_run(&s.pair, STRATA_SECOND / 10);
    }
    CHECK(strata_readiness(s.pair.b, s.server) & STRATA_READABLE);
    pair_free(&s.pair);
}

TEST(writable_with_so_much_room)
{
    struct streams s;
    start(&s);
    set(&s, STRATA_OPTION_SEND_BUFFER, 16384);
    s.pair.delay_ns = STRATA_SECOND; // so that nothing is acknowledged for now
    CHECK_EQ(put(&s, 12000), 12000);
    CHECK_EQ(strata_readiness(s.pair.a, s.client) & STRATA_WRITABLE, 0); // less than a third is left
    set(&s, STRATA_OPTION_SEND_LOW, 4000);
    CHECK(strata_readiness(s.pair.a, s.client) & STRATA_WRITABLE);
    set(&s, STRATA_OPTION_SEND_LOW, 5000);
    CHECK_EQ(strata_readiness(s.pair.a, s.client) & STRATA_WRITABLE, 0);
    set(&s, STRATA_OPTION_SEND_LOW, 1 << 20); // more than there ever is: all of it
    CHECK_EQ(strata_readiness(s.pair.a, s.client) & STRATA_WRITABLE, 0);
    events(s.pair.a, s.client);
    pair_run(&s.pair, 10 * STRATA_SECOND);
    CHECK(strata_readiness(s.pair.a, s.client) & STRATA_WRITABLE);
    CHECK(events(s.pair.a, s.client) & STRATA_WRITABLE);
    pair_free(&s.pair);
}

/** The octets that a host has taken from its program and not sent. */
static uint32_t unsent(const struct streams *s)
{
    struct strata_tcp_info info = {.size = sizeof info};
    CHECK_EQ(strata_tcp_info(s->pair.a, s->client, &info), 0);
    return info.send_queue - info.flight;
}

static void check_unsent_low(struct streams *s, uint32_t low)
{
    s->pair.delay_ns = STRATA_SECOND / 10;
    int64_t taken = put(s, sizeof data);
    CHECK(taken > 0 && taken < (int64_t)sizeof data);
    // A piece that was begun is made full: that is at most one more of 64 KiB, or half of the peer's window.
    CHECK(unsent(s) >= low && unsent(s) < low + 65536);
    CHECK_EQ(strata_write(s->pair.a, s->client, data, 1, s->pair.now), -EAGAIN);
    CHECK_EQ(strata_readiness(s->pair.a, s->client) & STRATA_WRITABLE, 0);
    events(s->pair.a, s->client);
    bool told = false;
    for (int i = 0; i < 1000 && !told; i++) {
        pair_run(&s->pair, STRATA_SECOND / 100);
        told = events(s->pair.a, s->client) & STRATA_WRITABLE;
        CHECK(told == (unsent(s) < low / 2));
    }
    CHECK(told && strata_readiness(s->pair.a, s->client) & STRATA_WRITABLE);
    CHECK(strata_write(s->pair.a, s->client, data, sizeof data, s->pair.now) > 0);
}

TEST(not_more_than_so_many_bytes_wait_to_be_sent)
{
    struct streams s;
    start(&s);
    set(&s, STRATA_OPTION_UNSENT_LOW, 8000);
    check_unsent_low(&s, 8000);
    pair_free(&s.pair);
    start(&s);
    CHECK_EQ(strata_set(s.pair.a, "net.ipv4.tcp_notsent_lowat", 8000), 0);
    int64_t value;
    CHECK_EQ(strata_get_option(s.pair.a, s.client, STRATA_OPTION_UNSENT_LOW, &value), 0);
    CHECK_EQ(value, 0); // the socket does not say
    check_unsent_low(&s, 8000);
    pair_free(&s.pair);
}

TEST(the_window_is_clamped)
{
    struct streams s;
    start(&s);
    s.watch.from = 1;
    strata_socket another = strata_open(s.pair.a, STRATA_STREAM);
    CHECK_EQ(strata_set_option(s.pair.b, s.listener, STRATA_OPTION_WINDOW_CLAMP, 5000, s.pair.now), 0);
    struct strata_endpoint peer = pair_ipv4(1, 80);
    CHECK_EQ(strata_connect(s.pair.a, another, &peer, s.pair.now), -EINPROGRESS);
    pair_settle(&s.pair);
    strata_socket child = strata_accept(s.pair.b, s.listener, NULL, s.pair.now);
    REQUIRE(child > 0);
    struct strata_tcp_info info = {.size = sizeof info};
    CHECK_EQ(strata_tcp_info(s.pair.a, another, &info), 0);
    CHECK_EQ(info.send_window, 5000);
    for (int i = 0; i < 20; i++) {
        strata_write(s.pair.a, another, data, 5000, s.pair.now);
        pair_run(&s.pair, STRATA_SECOND / 10);
        while (strata_read(s.pair.b, child, data, sizeof data, s.pair.now) > 0)
            ;
        pair_settle(&s.pair);
        CHECK_EQ(strata_tcp_info(s.pair.a, another, &info), 0);
        CHECK(info.send_window <= 5000u + (1u << info.send_scale)); // what the scale cannot say is rounded
    }
    CHECK(info.bytes_acked > 50000);
    pair_free(&s.pair);
}

/* RFC 5082: who is a neighbour has not been forwarded, and nobody can pretend that. */
TEST(only_who_is_near)
{
    struct streams s;
    start(&s);
    set_server(&s, STRATA_OPTION_MIN_TTL, 255);
    CHECK_EQ(put(&s, 10), 10); // with a TTL of 64
    pair_run(&s.pair, STRATA_SECOND / 10);
    CHECK_EQ(strata_readiness(s.pair.b, s.server) & STRATA_READABLE, 0);
    CHECK(pair_counter(s.pair.b, "tcp_drop_ttl") > 0);
    set(&s, STRATA_OPTION_TTL, 255);
    pair_run(&s.pair, 5 * STRATA_SECOND);
    CHECK(strata_readiness(s.pair.b, s.server) & STRATA_READABLE);
    pair_free(&s.pair);
}

/* RFC 9293 MAY-9: the program can learn the traffic class of what it receives. */
TEST(the_received_traffic_class)
{
    struct streams s;
    int64_t value = 1;
    start(&s);
    CHECK_EQ(strata_get_option(s.pair.b, s.server, STRATA_OPTION_RECEIVED_TOS, &value), 0);
    CHECK_EQ(value, 0);
    set(&s, STRATA_OPTION_TOS, 0x88);
    put(&s, 10);
    CHECK_EQ(strata_get_option(s.pair.b, s.server, STRATA_OPTION_RECEIVED_TOS, &value), 0);
    CHECK_EQ(value, 0x88);
    CHECK_EQ(strata_set_option(s.pair.b, s.server, STRATA_OPTION_RECEIVED_TOS, 1, s.pair.now), -ENOPROTOOPT);
    CHECK_EQ(strata_get_option(s.pair.b, s.listener, STRATA_OPTION_RECEIVED_TOS, &value), -ENOPROTOOPT);
    pair_free(&s.pair);
}

TEST(congestion_control_by_name)
{
    struct streams s;
    start(&s);
    const char *name;
    for (unsigned i = 0; (name = strata_congestion_name(i)); i++) {
        CHECK_EQ(strata_set_congestion(s.pair.a, s.client, name, s.pair.now), 0);
        CHECK_STR(strata_get_congestion(s.pair.a, s.client), name);
        struct strata_tcp_info info = {.size = sizeof info};
        CHECK_EQ(strata_tcp_info(s.pair.a, s.client, &info), 0);
        CHECK_STR(info.congestion, name);
    }
    CHECK_EQ(strata_set_congestion(s.pair.a, s.client, "carrier pigeons", s.pair.now), -ENOENT);
    CHECK_EQ(strata_set_congestion(s.pair.a, s.client, NULL, s.pair.now), -ENOENT);
    CHECK_EQ(strata_set_congestion(s.pair.a, 4711, "reno", s.pair.now), -EBADF);
    CHECK(!strata_get_congestion(s.pair.a, 4711));
    pair_free(&s.pair);
}

TEST(corks_and_pushes)
{
    struct streams s;
    start(&s);
    s.watch.segments = 0;
    set(&s, STRATA_OPTION_CORK, 1);
    put(&s, 40);
    put(&s, 40);
    CHECK_EQ(s.watch.segments, 0);
    set(&s, STRATA_OPTION_CORK, 0);
    pair_settle(&s.pair);
    CHECK_EQ(s.watch.segments, 1);
    set(&s, STRATA_OPTION_CORK, 1);
    put(&s, 40);
    CHECK_EQ(s.watch.segments, 1);
    set(&s, STRATA_OPTION_NO_DELAY, 1);
    pair_settle(&s.pair);
    CHECK_EQ(s.watch.segments, 2);
    set(&s, STRATA_OPTION_CORK, 0);
    CHECK_EQ(strata_write_more(s.pair.a, s.client, data, 10, s.pair.now), 10);
    pair_settle(&s.pair);
    CHECK_EQ(s.watch.segments, 2);
    set(&s, STRATA_OPTION_NO_DELAY, 1); // it was set before; what waits goes all the same
    pair_settle(&s.pair);
    CHECK_EQ(s.watch.segments, 3);
    CHECK_EQ(strata_write_more(s.pair.a, 4711, data, 10, s.pair.now), -EBADF);
    CHECK_EQ(strata_write_more(s.pair.a, s.client, NULL, 10, s.pair.now), -EINVAL);
    pair_free(&s.pair);
}

TEST(quick_acks_on_demand)
{
    struct streams s;
    int64_t value;
    start(&s);
    s.watch.from = 1;
    set_server(&s, STRATA_OPTION_QUICK_ACK, 0);
    CHECK_EQ(strata_get_option(s.pair.b, s.server, STRATA_OPTION_QUICK_ACK, &value), 0);
    CHECK_EQ(value, 0);
    pair_settle(&s.pair);
    struct strata_tcp_info info = {.size = sizeof info};
    put(&s, 10);
    strata_tcp_info(s.pair.a, s.client, &info);
    CHECK_EQ(info.bytes_acked, 0);
    set_server(&s, STRATA_OPTION_QUICK_ACK, 1);
    pair_settle(&s.pair);
    strata_tcp_info(s.pair.a, s.client, &info);
    CHECK_EQ(info.bytes_acked, 10);
    for (int i = 0; i < 30; i++) {
        put(&s, 10);
        strata_tcp_info(s.pair.a, s.client, &info);
        CHECK_EQ(info.bytes_acked, 20 + 10u * (unsigned)i);
    }
    pair_free(&s.pair);
}

TEST_MAIN(TEST_ENTRY(readable_from_so_many_bytes_on), TEST_ENTRY(a_full_window_is_readable_though_less_than_wanted),
          TEST_ENTRY(writable_with_so_much_room), TEST_ENTRY(not_more_than_so_many_bytes_wait_to_be_sent),
          TEST_ENTRY(the_window_is_clamped), TEST_ENTRY(only_who_is_near), TEST_ENTRY(the_received_traffic_class),
          TEST_ENTRY(congestion_control_by_name), TEST_ENTRY(corks_and_pushes), TEST_ENTRY(quick_acks_on_demand))
