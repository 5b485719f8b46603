/**
 * Socket options: bounds, types, what they do on the wire, and who inherits them.
 */
#include "tests/host/solo.h"

#include <errno.h>

struct want {
    enum strata_option option;
    bool stream, datagram;
    int64_t minimum, maximum;
};

static const struct want wants[] = {
    {STRATA_OPTION_SEND_BUFFER, true, true, 2048, (int64_t)1 << 30},
    {STRATA_OPTION_RECEIVE_BUFFER, true, true, 2048, (int64_t)1 << 30},
    {STRATA_OPTION_REUSE_ADDRESS, true, true, 0, 1},
    {STRATA_OPTION_REUSE_PORT, true, true, 0, 1},
    {STRATA_OPTION_V6ONLY, true, true, 0, 1},
    {STRATA_OPTION_TTL, true, true, 1, 255},
    {STRATA_OPTION_TOS, true, true, 0, 255},
    {STRATA_OPTION_NO_DELAY, true, false, 0, 1},
    {STRATA_OPTION_KEEP_ALIVE, true, false, 0, 1},
    {STRATA_OPTION_KEEP_IDLE_NS, true, false, STRATA_MILLISECOND, STRATA_SECOND << 31},
    {STRATA_OPTION_KEEP_INTERVAL_NS, true, false, STRATA_MILLISECOND, STRATA_SECOND << 31},
    {STRATA_OPTION_KEEP_COUNT, true, false, 1, 127},
    {STRATA_OPTION_USER_TIMEOUT_NS, true, false, 0, STRATA_SECOND << 31},
    {STRATA_OPTION_LINGER_NS, true, false, -1, STRATA_SECOND << 31},
    {STRATA_OPTION_MAX_SEGMENT, true, false, 64, 65535},
    {STRATA_OPTION_URGENT_INLINE, true, false, 0, 1},
    {STRATA_OPTION_CONGESTION, true, false, 0, 5},
    {STRATA_OPTION_BROADCAST, false, true, 0, 1},
    {STRATA_OPTION_MULTICAST_TTL, false, true, 1, 255},
    {STRATA_OPTION_MULTICAST_LOOP, false, true, 0, 1},
    {STRATA_OPTION_MULTICAST_PORT, false, true, 0, 1},
    {STRATA_OPTION_DONT_FRAGMENT, false, true, 0, 1},
    {STRATA_OPTION_PATH_MTU_PROBE, false, true, 0, 1},
    {STRATA_OPTION_NO_CHECKSUM, false, true, 0, 1},
    {STRATA_OPTION_RECEIVE_ERRORS, true, true, 0, 1},
    {STRATA_OPTION_BIND_PORT, true, true, 0, 1},
    {STRATA_OPTION_FILTER, true, false, 0, 1},
    {STRATA_OPTION_TRANSPARENT, true, true, 0, 1},
    {STRATA_OPTION_FAST_OPEN, true, false, 0, 65535},
    {STRATA_OPTION_FAST_OPEN_CONNECT, true, false, 0, 1},
    {STRATA_OPTION_FAST_OPEN_NO_COOKIE, true, false, 0, 1},
    {STRATA_OPTION_DEFER_ACCEPT_NS, true, false, 0, STRATA_SECOND << 31},
    {STRATA_OPTION_SYN_RETRIES, true, false, 0, 127},
    {STRATA_OPTION_SEND_STALL_NS, true, false, 0, STRATA_SECOND << 31},
    {STRATA_OPTION_RECEIVE_STALL_NS, true, false, 0, STRATA_SECOND << 31},
    {STRATA_OPTION_SEND_RATE, true, false, 0, (int64_t)1 << 40},
    {STRATA_OPTION_RECEIVE_RATE, true, false, 0, (int64_t)1 << 40},
    {STRATA_OPTION_ADVERTISED_TIMEOUT_NS, true, false, 0, STRATA_SECOND << 31},
    {STRATA_OPTION_CORK, true, false, 0, 1},
    {STRATA_OPTION_QUICK_ACK, true, false, 0, 1},
    {STRATA_OPTION_UNSENT_LOW, true, false, 0, UINT32_MAX},
    {STRATA_OPTION_SEND_LOW, true, false, 0, (int64_t)1 << 30},
    {STRATA_OPTION_RECEIVE_LOW, true, false, 1, (int64_t)1 << 30},
    {STRATA_OPTION_WINDOW_CLAMP, true, false, 0, (int64_t)1 << 30},
    {STRATA_OPTION_PACING_RATE, true, false, 0, INT64_MAX - 1},
    {STRATA_OPTION_MIN_TTL, true, false, 0, 255},
};

TEST(options_have_bounds_and_types)
{
    struct solo solo;
    solo_start(&solo);
    for (int type = STRATA_STREAM; type <= STRATA_ECHO; type++)
        for (size_t i = 0; i < sizeof wants / sizeof *wants; i++) {
            const struct want *want = &wants[i];
            strata_socket s = strata_open(solo.host, (enum strata_socket_type)type);
            int64_t value = 77, before;
            if (!(type == STRATA_STREAM ? want->stream : want->datagram)) {
                CHECK_EQ(strata_set_option(solo.host, s, want->option, want->minimum, solo.now),
                         -ENOPROTOOPT);
                CHECK_EQ(strata_get_option(solo.host, s, want->option, &value), -ENOPROTOOPT);
                CHECK_EQ(value, 77);
                continue;
            }
            CHECK_EQ(strata_get_option(solo.host, s, want->option, &before), 0);
            CHECK(before >= want->minimum || want->option == STRATA_OPTION_MAX_SEGMENT);
            CHECK_EQ(strata_set_option(solo.host, s, want->option, want->minimum - 1, solo.now), -EINVAL);
            CHECK(strata_set_option(solo.host, s, want->option, want->maximum + 1, solo.now) < 0);
            CHECK_EQ(strata_set_option(solo.host, s, want->option, INT64_MIN, solo.now), -EINVAL);
            CHECK_EQ(strata_set_option(solo.host, s, want->option, INT64_MAX, solo.now), -EINVAL);
            CHECK_EQ(strata_get_option(solo.host, s, want->option, &value), 0);
            CHECK_EQ(value, before);
            CHECK_EQ(strata_set_option(solo.host, s, want->option, want->minimum, solo.now), 0);
            CHECK_EQ(strata_get_option(solo.host, s, want->option, &value), 0);
            CHECK_EQ(value, want->minimum);
            CHECK_EQ(strata_set_option(solo.host, s, want->option, want->maximum, solo.now), 0);
            CHECK_EQ(strata_get_option(solo.host, s, want->option, &value), 0);
            CHECK_EQ(value, want->maximum);
            strata_close(solo.host, s, solo.now);
        }
    strata_socket s = strata_open(solo.host, STRATA_STREAM);
    CHECK_EQ(strata_set_option(solo.host, s, (enum strata_option)0, 0, solo.now), -ENOPROTOOPT);
    CHECK_EQ(strata_set_option(solo.host, s, (enum strata_option)4711, 0, solo.now), -ENOPROTOOPT);
    CHECK_EQ(strata_set_option(solo.host, s, STRATA_OPTION_RECEIVED_TOS, 0, solo.now), -ENOPROTOOPT);
    CHECK_EQ(strata_set_option(solo.host, s, STRATA_OPTION_BIND_PORT, 9, solo.now), -ENODEV);
    CHECK_EQ(strata_set_option(solo.host, s, STRATA_OPTION_CONGESTION, 200, solo.now), -ENOENT);
    solo_free(&solo);
}

TEST(defaults_are_those_of_the_settings)
{
    struct solo solo;
    int64_t value;
    solo_start(&solo);
    static const struct {
        enum strata_option option;
        int64_t stream;
    } expected[] = {
        {STRATA_OPTION_NO_DELAY, 0},
        {STRATA_OPTION_KEEP_ALIVE, 0},                      // RFC 9293 MUST-25: off by default
        {STRATA_OPTION_KEEP_IDLE_NS, 7200 * STRATA_SECOND}, // RFC 9293 MUST-28: two hours
        {STRATA_OPTION_KEEP_INTERVAL_NS, 75 * STRATA_SECOND},
        {STRATA_OPTION_KEEP_COUNT, 9},
        {STRATA_OPTION_USER_TIMEOUT_NS, 0},
        {STRATA_OPTION_LINGER_NS, -1},
        {STRATA_OPTION_TTL, 64},
        {STRATA_OPTION_TOS, 0},
        {STRATA_OPTION_SEND_BUFFER, 65536},
        {STRATA_OPTION_RECEIVE_BUFFER, 131072},
    };
    strata_socket s = strata_open(solo.host, STRATA_STREAM);
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        CHECK_EQ(strata_get_option(solo.host, s, expected[i].option, &value), 0);
        CHECK_EQ(value, expected[i].stream);
    }
    CHECK_EQ(strata_set(solo.host, "net.ipv4.ip_default_ttl", 99), 0);
    CHECK_EQ(strata_set(solo.host, "net.core.rmem_default", 4000), 0);
    strata_socket d = strata_open(solo.host, STRATA_DATAGRAM);
    CHECK_EQ(strata_get_option(solo.host, d, STRATA_OPTION_TTL, &value), 0);
    CHECK_EQ(value, 99);
    CHECK_EQ(strata_get_option(solo.host, d, STRATA_OPTION_RECEIVE_BUFFER, &value), 0);
    CHECK_EQ(value, 4000);
    CHECK_EQ(strata_get_option(solo.host, d, STRATA_OPTION_MULTICAST_TTL, &value), 0);
    CHECK_EQ(value, 1);
    CHECK_EQ(strata_get_option(solo.host, d, STRATA_OPTION_MULTICAST_LOOP, &value), 0);
    CHECK_EQ(value, 1);
    CHECK_EQ(strata_get_option(solo.host, d, STRATA_OPTION_RECEIVE_ERRORS, &value), 0);
    CHECK_EQ(value, 0);
    solo_free(&solo);
}

TEST(accepted_sockets_inherit_and_then_go_their_own_way)
{
    struct pair pair;
    strata_socket listener, client, server;
    int64_t value;
    pair_start(&pair, STRATA_LINK_IP);
    pair_connect(&pair, false, 80, &listener, &client, &server);
    CHECK_EQ(strata_get_option(pair.b, server, STRATA_OPTION_TTL, &value), 0);
    CHECK_EQ(value, 64);
    CHECK_EQ(strata_set_option(pair.b, listener, STRATA_OPTION_TTL, 7, pair.now), 0);
    CHECK_EQ(strata_set_option(pair.b, listener, STRATA_OPTION_NO_DELAY, 1, pair.now), 0);
    strata_socket children[3];
    for (int i = 0; i < 3; i++) {
        strata_socket another = strata_open(pair.a, STRATA_STREAM);
        struct strata_endpoint peer = pair_ipv6(1, 80);
        CHECK_EQ(strata_connect(pair.a, another, &peer, pair.now), -EINPROGRESS);
        pair_settle(&pair);
        children[i] = strata_accept(pair.b, listener, NULL, pair.now);
        REQUIRE(children[i] > 0);
        CHECK_EQ(strata_get_option(pair.b, children[i], STRATA_OPTION_TTL, &value), 0);
        CHECK_EQ(value, 7);
        CHECK_EQ(strata_get_option(pair.b, children[i], STRATA_OPTION_NO_DELAY, &value), 0);
        CHECK_EQ(value, 1);
    }
    CHECK_EQ(strata_set_option(pair.b, children[1], STRATA_OPTION_TTL, 9, pair.now), 0);
    CHECK_EQ(strata_get_option(pair.b, children[0], STRATA_OPTION_TTL, &value), 0);
    CHECK_EQ(value, 7);
    CHECK_EQ(strata_get_option(pair.b, listener, STRATA_OPTION_TTL, &value), 0);
    CHECK_EQ(value, 7);
    CHECK_EQ(strata_close(pair.b, listener, pair.now), 0);
    CHECK_EQ(strata_get_option(pair.b, children[2], STRATA_OPTION_TTL, &value), 0);
    CHECK_EQ(value, 7);
    pair_free(&pair);
}

/** Looks at TCP segments on an IPv4 link of type IP. */
struct watch {
    int from;       /**< Whose segments. */
    int segments;   /**< With data. */
    int bare;       /**< Without. */
    size_t longest; /**< Payload. */
    uint8_t ttl, tos;
    struct strata_address source;
};

static bool watch_segments(void *context, int from, const uint8_t *frame, size_t length)
{
    struct watch *watch = context;
    struct ipv4_header ip;
    struct tcp_header tcp;
    if (from != watch->from || ipv4_parse(&ip, frame, length) < 0 || ip.protocol != PROTOCOL_TCP)
        return false;
    int size = tcp_parse(&tcp, frame + ip.header_bytes, (size_t)ip.total_bytes - ip.header_bytes);
    REQUIRE(size > 0);
    size_t payload = (size_t)ip.total_bytes - ip.header_bytes - (size_t)size;
    watch->segments += payload > 0;
    watch->bare += payload == 0;
    if (payload > watch->longest)
        watch->longest = payload;
    watch->ttl = ip.ttl;
    watch->tos = ip.tos;
    watch->source = ip.source;
    return false;
}

// RFC 9293 MUST-17: the program can turn Nagle's algorithm off, and on again.
TEST(no_delay_turns_nagle_off)
{
    struct pair pair;
    strata_socket listener, client, server;
    struct watch watch = {.from = 0};
    pair_start(&pair, STRATA_LINK_IP);
    pair.delay_ns = 50 * STRATA_MILLISECOND;
    pair_connect(&pair, false, 80, &listener, &client, &server);
    pair.filter = watch_segments;
    pair.context = &watch;
    CHECK_EQ(strata_write(pair.a, client, "a", 1, pair.now), 1);
    pair_settle(&pair);
    CHECK_EQ(watch.segments, 1);
    CHECK_EQ(strata_write(pair.a, client, "b", 1, pair.now), 1);
    pair_settle(&pair);
    CHECK_EQ(watch.segments, 1); // waits for the acknowledgement
    CHECK_EQ(strata_set_option(pair.a, client, STRATA_OPTION_NO_DELAY, 1, pair.now), 0);
    pair_settle(&pair);
    CHECK_EQ(watch.segments, 2);
    CHECK_EQ(strata_write(pair.a, client, "c", 1, pair.now), 1);
    pair_settle(&pair);
    CHECK_EQ(watch.segments, 3);
    CHECK_EQ(strata_set_option(pair.a, client, STRATA_OPTION_NO_DELAY, 0, pair.now), 0);
    CHECK_EQ(strata_write(pair.a, client, "d", 1, pair.now), 1);
    pair_settle(&pair);
    CHECK_EQ(watch.segments, 3);
    pair_run(&pair, STRATA_SECOND);
    CHECK_EQ(watch.segments, 4);
    char got[8];
    CHECK_EQ(strata_read(pair.b, server, got, sizeof got, pair.now), 4);
    pair_free(&pair);
}

// RFC 9293 MUST-24: keep-alives can be switched per connection; RFC 9293 MUST-27: their interval is
// configurable.
TEST(keep_alive_is_switched_per_connection)
{
    struct pair pair;
    strata_socket listener, client, server;
    struct watch watch = {.from = 0};
    pair_start(&pair, STRATA_LINK_IP);
    pair_connect(&pair, false, 80, &listener, &client, &server);
    pair_run(&pair, STRATA_SECOND);
    pair.filter = watch_segments;
    pair.context = &watch;
    CHECK_EQ(strata_set_option(pair.a, client, STRATA_OPTION_KEEP_IDLE_NS, 10 * STRATA_SECOND, pair.now), 0);
    CHECK_EQ(strata_set_option(pair.a, client, STRATA_OPTION_KEEP_INTERVAL_NS, 5 * STRATA_SECOND, pair.now),
             0);
    pair_run(&pair, 100 * STRATA_SECOND);
    CHECK_EQ(watch.segments + watch.bare, 0);
    CHECK_EQ(strata_set_option(pair.a, client, STRATA_OPTION_KEEP_ALIVE, 1, pair.now), 0);
    pair_run(&pair, 105 * STRATA_SECOND);
    int probes = watch.segments + watch.bare;
    CHECK(probes >= 8 && probes <= 11);
    CHECK_EQ(strata_set_option(pair.a, client, STRATA_OPTION_KEEP_ALIVE, 0, pair.now), 0);
    pair_run(&pair, 100 * STRATA_SECOND);
    CHECK_EQ(watch.segments + watch.bare, probes);
    pair_free(&pair);
}

// RFC 9293 MUST-48: the Diffserv field may change while connected; RFC 9293 MUST-49: TTL is configurable.
TEST(ttl_and_tos_of_segments_are_the_programs_choice)
{
    struct pair pair;
    strata_socket listener, client, server;
    struct watch watch = {.from = 0};
    pair_start(&pair, STRATA_LINK_IP);
    pair.filter = watch_segments;
    pair.context = &watch;
    pair_connect(&pair, false, 80, &listener, &client, &server);
    CHECK_EQ(watch.ttl, 64);
    CHECK_EQ(watch.tos, 0);
    CHECK_EQ(strata_set_option(pair.a, client, STRATA_OPTION_TOS, 0xb8, pair.now), 0);
    CHECK_EQ(strata_set_option(pair.a, client, STRATA_OPTION_TTL, 3, pair.now), 0);
    CHECK_EQ(strata_write(pair.a, client, "a", 1, pair.now), 1);
    pair_settle(&pair);
    CHECK_EQ(watch.ttl, 3);
    CHECK_EQ(watch.tos & 0xfc, 0xb8);
    pair_free(&pair);
}

TEST(max_segment_bounds_what_is_sent)
{
    struct pair pair;
    struct watch watch = {.from = 0};
    int64_t value;
    static uint8_t data[5000], got[5000];
    pair_start(&pair, STRATA_LINK_IP);
    pair.filter = watch_segments;
    pair.context = &watch;
    strata_socket listener = strata_open(pair.b, STRATA_STREAM), client = strata_open(pair.a, STRATA_STREAM);
    struct strata_endpoint at = {.port = 80}, peer = pair_ipv4(1, 80);
    CHECK_EQ(strata_bind(pair.b, listener, &at), 0);
    CHECK_EQ(strata_listen(pair.b, listener, 0, pair.now), 0);
    CHECK_EQ(strata_set_option(pair.a, client, STRATA_OPTION_MAX_SEGMENT, 700, pair.now), 0);
    CHECK_EQ(strata_connect(pair.a, client, &peer, pair.now), -EINPROGRESS);
    pair_settle(&pair);
    strata_socket server = strata_accept(pair.b, listener, NULL, pair.now);
    CHECK_EQ(strata_set_option(pair.a, client, STRATA_OPTION_MAX_SEGMENT, 900, pair.now), -EISCONN);
    CHECK_EQ(strata_get_option(pair.a, client, STRATA_OPTION_MAX_SEGMENT, &value), 0);
    CHECK(value > 600 && value <= 700);
    CHECK_EQ(strata_write(pair.a, client, data, sizeof data, pair.now), sizeof data);
    pair_run(&pair, STRATA_SECOND);
    CHECK(watch.longest > 600 && watch.longest <= 700);
    CHECK_EQ(strata_read(pair.b, server, got, sizeof got, pair.now), sizeof got);
    // The bound is told to the peer: it keeps to it as well.
    watch = (struct watch){.from = 1};
    CHECK_EQ(strata_write(pair.b, server, data, sizeof data, pair.now), sizeof data);
    pair_run(&pair, STRATA_SECOND);
    CHECK(watch.longest > 600 && watch.longest <= 700);
    pair_free(&pair);
}

// RFC 9293 MUST-43: OPEN takes a local address; RFC 9293 MUST-45: all segments of the connection have it.
TEST(a_connection_keeps_the_address_it_was_bound_to)
{
    struct pair pair;
    struct watch watch = {.from = 0};
    pair_start(&pair, STRATA_LINK_IP);
    struct strata_endpoint second = {.address = strata_ipv4(10, 0, 0, 77)}, local;
    CHECK_EQ(strata_address_add(pair.a, pair.port, &second.address, 24, pair.now), 0);
    pair.filter = watch_segments;
    pair.context = &watch;
    strata_socket listener = strata_open(pair.b, STRATA_STREAM), client = strata_open(pair.a, STRATA_STREAM);
    struct strata_endpoint at = {.port = 80}, peer = pair_ipv4(1, 80);
    CHECK_EQ(strata_bind(pair.b, listener, &at), 0);
    CHECK_EQ(strata_listen(pair.b, listener, 0, pair.now), 0);
    CHECK_EQ(strata_bind(pair.a, client, &second), 0);
    CHECK_EQ(strata_connect(pair.a, client, &peer, pair.now), -EINPROGRESS);
    pair_settle(&pair);
    CHECK_ADDRESS(watch.source, second.address);
    strata_socket server = strata_accept(pair.b, listener, &peer, pair.now);
    CHECK_ADDRESS(peer.address, second.address);
    CHECK_EQ(strata_local(pair.a, client, &local), 0);
    CHECK_EQ(local.port, peer.port);
    CHECK_EQ(strata_write(pair.a, client, "a", 1, pair.now), 1);
    pair_settle(&pair);
    CHECK_ADDRESS(watch.source, second.address);
    CHECK_EQ(strata_close(pair.a, client, pair.now), 0);
    pair_settle(&pair);
    CHECK_ADDRESS(watch.source, second.address);
    CHECK(server > 0);
    struct strata_endpoint foreign = {.address = strata_ipv4(10, 0, 0, 78)};
    CHECK_EQ(strata_bind(pair.a, strata_open(pair.a, STRATA_STREAM), &foreign), -EADDRNOTAVAIL);
    pair_free(&pair);
}

TEST_MAIN(TEST_ENTRY(options_have_bounds_and_types), TEST_ENTRY(defaults_are_those_of_the_settings),
          TEST_ENTRY(accepted_sockets_inherit_and_then_go_their_own_way),
          TEST_ENTRY(no_delay_turns_nagle_off), TEST_ENTRY(keep_alive_is_switched_per_connection),
          TEST_ENTRY(ttl_and_tos_of_segments_are_the_programs_choice),
          TEST_ENTRY(max_segment_bounds_what_is_sent),
          TEST_ENTRY(a_connection_keeps_the_address_it_was_bound_to))
