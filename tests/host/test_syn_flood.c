/**
 * A flood of 1,000,000 SYNs a second from forged addresses, in virtual time: an honest client connects and fetches as
 * it would without, and the server's memory stays bounded (RFC 4987).
 */
#include "tests/host/flood.h"
#include "tests/host/solo.h"

#include <errno.h>

#define SYN_NS STRATA_MICROSECOND /**< Between two of them. */
#define FLOOD_NS (120 * STRATA_MILLISECOND)
#define SIZE 20000u

struct fetch {
    strata_socket listener, client, server;
    strata_time began, done; /**< `done` 0: not yet. */
    size_t got;
};

/** What goes to addresses that were forged gets lost. */
static bool is_for_nobody(void *context, int from, const uint8_t *frame, size_t length)
{
    (void)context;
    return from == 1 && length > 20 && frame[16] == 198;
}

/** What client and server do when it is their turn. */
static void go_on(struct pair *pair, struct fetch *fetch)
{
    static uint8_t bytes[SIZE];
    if (fetch->client == 0 || fetch->done)
        return;
    if (fetch->server <= 0) {
        fetch->server = strata_accept(pair->b, fetch->listener, NULL, pair->now);
        if (fetch->server > 0)
            CHECK_EQ(strata_write(pair->b, fetch->server, bytes, SIZE, pair->now), SIZE);
    }
    int64_t got = strata_read(pair->a, fetch->client, bytes, sizeof bytes, pair->now);
    fetch->got += got > 0 ? (size_t)got : 0;
    if (fetch->got == SIZE)
        fetch->done = pair->now;
}

/** Fetches while SYNs come at their rate, or (`flood` false) without them. @return how long it took. */
static strata_time fetch_during(bool flood, int64_t cookies, uint64_t *memory_bytes)
{
    struct pair pair;
    struct fetch fetch = {0};
    uint8_t syn[FLOOD_BYTES];
    uint32_t number = 0;
    pair_start(&pair, STRATA_LINK_IP);
    pair.delay_ns = 5 * STRATA_MILLISECOND;
    pair.filter = is_for_nobody;
    struct strata_route route = {.destination = strata_ipv4(0, 0, 0, 0),
                                 .gateway = strata_ipv4(10, 0, 0, 1), .port = pair.port};
    CHECK_EQ(strata_route_add(pair.b, &route), 0);
    CHECK_EQ(strata_set(pair.b, "net.ipv4.tcp_syncookies", cookies), 0);
    struct strata_endpoint local = {.port = 80}, peer = pair_ipv4(1, 80);
    fetch.listener = strata_open(pair.b, STRATA_STREAM);
    CHECK_EQ(strata_bind(pair.b, fetch.listener, &local), 0);
    CHECK_EQ(strata_listen(pair.b, fetch.listener, 64, pair.now), 0);
    strata_time start = pair.now;
    while (pair.now - start < FLOOD_NS && !fetch.done) {
        if (flood) {
            flood_syn(syn, number++, 80);
            strata_host_input(pair.b, pair.port, syn, sizeof syn, NULL, pair.now);
        }
        if (fetch.client == 0 && pair.now - start >= 5 * STRATA_MILLISECOND) {
            fetch.client = strata_open(pair.a, STRATA_STREAM);
            CHECK_EQ(strata_connect(pair.a, fetch.client, &peer, pair.now), -EINPROGRESS);
            fetch.began = pair.now;
        }
        pair.now += SYN_NS;
        pair_step(&pair);
        go_on(&pair, &fetch);
    }
    struct strata_memory memory = {.size = sizeof memory};
    CHECK_EQ(strata_memory(pair.b, &memory), 0);
    *memory_bytes = memory.peak_bytes;
    CHECK_EQ(fetch.got, SIZE);
    if (flood && cookies)
        CHECK(pair_counter(pair.b, "tcp_cookies_sent") + 2000 >= number);
    CHECK_EQ(pair_counter(pair.b, "port_drop_queue_full"), 0);
    pair_free(&pair);
    return fetch.done - fetch.began;
}

/* RFC 4987-1, RFC 4987-3: cookies begin when there are 1,024 half-open connections, after a millisecond. */
TEST(a_flood_does_not_stop_an_honest_client)
{
    uint64_t calm_bytes, flood_bytes;
    strata_time calm = fetch_during(false, 1, &calm_bytes), flooded = fetch_during(true, 1, &flood_bytes);
    CHECK(calm >= 30 * STRATA_MILLISECOND && flooded <= calm + 10 * STRATA_MILLISECOND);
    CHECK(flood_bytes <= calm_bytes + 600000); // half-open records, their table, and what waits to be sent
}

TEST_MAIN(TEST_ENTRY(a_flood_does_not_stop_an_honest_client))
