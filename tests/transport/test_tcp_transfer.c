/**
 * Two hosts, streams both ways at once, over cables that lose and delay: every byte arrives, in order, once.
 */
#include "tests/host/pair.h"

struct stream {
    struct strata_host *host;
    strata_socket socket;
    uint64_t sent, received, total;
    bool closed, ended;
};

static uint8_t byte_at(uint64_t position)
{
    return (uint8_t)(position * 2654435761u >> 13);
}

/** Writes and reads as much as goes. */
static void work(struct stream *stream, struct pair *pair)
{
    uint8_t buffer[5000];
    while (stream->sent < stream->total) {
        uint64_t left = stream->total - stream->sent;
        size_t size = left < sizeof buffer ? (size_t)left : sizeof buffer;
        for (size_t i = 0; i < size; i++)
            buffer[i] = byte_at(stream->sent + i);
        int64_t taken = strata_write(stream->host, stream->socket, buffer, size, pair->now);
        if (taken <= 0)
            break;
        stream->sent += (uint64_t)taken;
    }
    if (stream->sent == stream->total && !stream->closed) {
        CHECK_EQ(strata_shutdown(stream->host, stream->socket, STRATA_SHUTDOWN_WRITE, pair->now), 0);
        stream->closed = true;
    }
    for (;;) {
        int64_t taken = strata_read(stream->host, stream->socket, buffer, sizeof buffer, pair->now);
        if (taken == 0)
            stream->ended = true;
        if (taken <= 0)
            return;
        for (int64_t i = 0; i < taken; i++)
            REQUIRE(buffer[i] == byte_at(stream->received + (uint64_t)i));
        stream->received += (uint64_t)taken;
    }
}

struct loss {
    uint64_t seed;
    unsigned percent;
};

static bool lose(void *context, int from, const uint8_t *frame, size_t length)
{
    struct loss *loss = context;
    (void)from;
    (void)frame;
    (void)length;
    return test_below(&loss->seed, 100) < loss->percent;
}

static void transfer(bool ipv6, unsigned percent, uint64_t bytes, uint64_t seed)
{
    struct pair pair;
    struct pair_config config = {.link = STRATA_LINK_IP, .delay_ns = 5 * STRATA_MILLISECOND};
    struct loss loss = {seed, percent};
    REQUIRE(pair_make(&pair, &config) == 0);
    strata_socket listener, client, server;
    pair_connect(&pair, ipv6, 80, &listener, &client, &server);
    pair.filter = lose;
    pair.context = &loss;
    struct stream a = {.host = pair.a, .socket = client, .total = bytes};
    struct stream b = {.host = pair.b, .socket = server, .total = bytes};
    strata_time limit = pair.now + 3600 * STRATA_SECOND;
    while (!(a.ended && b.ended) && pair.now < limit) {
        pair_settle(&pair);
        work(&a, &pair);
        work(&b, &pair);
        pair_settle(&pair);
        strata_time next = pair_deadline(&pair);
        if (next > pair.now && next != STRATA_NEVER)
            pair.now = next;
    }
    CHECK_EQ(a.received, bytes);
    CHECK_EQ(b.received, bytes);
    CHECK(a.ended && b.ended);
    CHECK_EQ(strata_close(pair.a, client, pair.now), 0);
    CHECK_EQ(strata_close(pair.b, server, pair.now), 0);
    CHECK_EQ(strata_close(pair.b, listener, pair.now), 0);
    pair_run(&pair, 300 * STRATA_SECOND);
    struct strata_memory memory = {.size = sizeof memory};
    strata_memory(pair.a, &memory);
    CHECK_EQ(memory.connections + memory.half_open + memory.time_wait, 0);
    strata_memory(pair.b, &memory);
    CHECK_EQ(memory.connections + memory.half_open + memory.time_wait, 0);
    pair_free(&pair);
}

TEST(streams_both_ways_without_loss)
{
    for (int ipv6 = 0; ipv6 < 2; ipv6++)
        transfer(ipv6, 0, 1 << 20, 1);
}

TEST(streams_both_ways_with_little_loss)
{
    for (int ipv6 = 0; ipv6 < 2; ipv6++)
        transfer(ipv6, 1, 1 << 20, 2);
}

TEST(streams_both_ways_with_much_loss)
{
    for (uint64_t seed = 10; seed < 20; seed++)
        transfer(seed % 2, 20, 50000, seed);
}

TEST_MAIN(TEST_ENTRY(streams_both_ways_without_loss), TEST_ENTRY(streams_both_ways_with_little_loss),
          TEST_ENTRY(streams_both_ways_with_much_loss))
