/**
 * One budget among many connections: under pressure nobody takes more than a share and nobody starves, nothing that
 * was acknowledged is lost, and what was taken is given back.
 */
#include "base/memory.h"
#include "tests/host/pair.h"

#include <errno.h>

enum { MOST = 100, PIECE = 16384 };

/** A stream from host a to host b whose octets say which one they are of. */
struct stream {
    strata_socket client, server;
    uint64_t sent, received;
    bool wrong;
};
struct crowd {
    struct pair pair;
    unsigned count;
    strata_socket listener;
    struct stream streams[MOST];
};

static uint8_t octet_of(unsigned which, uint64_t position)
{
    return (uint8_t)(position * 31 + position / 251 + which);
}

static void crowd_start(struct crowd *crowd, unsigned count, size_t budget)
{
    struct pair *pair = &crowd->pair;
    struct pair_config config = {.link = STRATA_LINK_IP, .memory_bytes = budget};
    struct strata_endpoint at = {.port = 80}, peer = pair_ipv4(1, 80);
    memset(crowd, 0, sizeof *crowd);
    crowd->count = count;
    REQUIRE(pair_make(pair, &config) == 0);
    crowd->listener = strata_open(pair->b, STRATA_STREAM);
    CHECK_EQ(strata_bind(pair->b, crowd->listener, &at), 0);
    CHECK_EQ(strata_listen(pair->b, crowd->listener, 0, pair->now), 0);
    for (unsigned i = 0; i < count; i++) {
        struct stream *stream = &crowd->streams[i];
        stream->client = strata_open(pair->a, STRATA_STREAM);
        CHECK_EQ(strata_connect(pair->a, stream->client, &peer, pair->now), -EINPROGRESS);
        pair_run(pair, 20 * STRATA_MILLISECOND);
        stream->server = strata_accept(pair->b, crowd->listener, NULL, pair->now);
        REQUIRE(stream->server > 0);
    }
}

/** Writes as much as is taken, `most` at most. */
static void stream_write(struct crowd *crowd, unsigned which, size_t most)
{
    static uint8_t data[PIECE];
    struct stream *stream = &crowd->streams[which];
    while (most > 0) {
        size_t size = most < sizeof data ? most : sizeof data;
        for (size_t i = 0; i < size; i++)
            data[i] = octet_of(which, stream->sent + i);
        int64_t taken = strata_write(crowd->pair.a, stream->client, data, size, crowd->pair.now);
        CHECK(taken > 0 || taken == -EAGAIN);
        if (taken <= 0)
            return;
        stream->sent += (uint64_t)taken;
        most -= (size_t)taken;
    }
}

static void stream_read(struct crowd *crowd, unsigned which, size_t most)
{
    static uint8_t data[PIECE];
    struct stream *stream = &crowd->streams[which];
    while (most > 0) {
        size_t size = most < sizeof data ? most : sizeof data;
        int64_t got = strata_read(crowd->pair.b, stream->server, data, size, crowd->pair.now);
        if (got <= 0)
            return;
        for (int64_t i = 0; i < got; i++)
            if (data[i] != octet_of(which, stream->received++))
                stream->wrong = true;
        most -= (size_t)got;
    }
}

static size_t used(const struct strata_host *host)
{
    struct strata_memory memory = {.size = sizeof memory};
    CHECK_EQ(strata_memory(host, &memory), 0);
    CHECK(memory.used_bytes <= memory.budget_bytes);
    return memory.used_bytes;
}

/** What a stream's receiver holds unread. */
static uint32_t held(struct crowd *crowd, unsigned which)
{
    struct strata_tcp_info info = {.size = sizeof info};
    CHECK_EQ(strata_tcp_info(crowd->pair.b, crowd->streams[which].server, &info), 0);
    CHECK_EQ(info.state, STRATA_TCP_ESTABLISHED);
    return info.receive_queue;
}

/** Jain's index, in ten-thousandths. */
static unsigned fairness(const uint64_t *values, unsigned count)
{
    uint64_t sum = 0, squares = 0;
    for (unsigned i = 0; i < count; i++) {
        uint64_t value = values[i] / 16 + 1;
        sum += value;
        squares += value * value;
    }
    return (unsigned)(sum * sum / squares * 10000 / count);
}

static bool read_to_the_end(struct crowd *crowd)
{
    for (int round = 0; round < 3000; round++) {
        uint64_t left = 0;
        for (unsigned i = 0; i < crowd->count; i++) {
            stream_read(crowd, i, SIZE_MAX);
            left += crowd->streams[i].sent - crowd->streams[i].received;
            if (crowd->streams[i].wrong)
                return CHECK(!crowd->streams[i].wrong);
        }
        if (left == 0)
            return true;
        pair_run(&crowd->pair, 100 * STRATA_MILLISECOND);
    }
    return CHECK(!"all arrives");
}

/** A hundred write all they can to programs that do not read. What each is promised at first is a share of what there
 * is for as many as there are by then: no more is promised than can be kept, the last one finds some, and all that was
 * taken arrives and is given back. */
TEST(a_hundred_share_the_memory_of_those_who_do_not_read)
{
    static struct crowd crowd;
    enum { BUDGET = 8 << 20 };
    crowd_start(&crowd, MOST, BUDGET);
    size_t before[2] = {used(crowd.pair.a), used(crowd.pair.b)};
    for (int round = 0; round < 100; round++) {
        for (unsigned i = 0; i < MOST; i++)
            stream_write(&crowd, i, PIECE);
        pair_run(&crowd.pair, 100 * STRATA_MILLISECOND);
    }
    uint64_t shares[MOST], least = UINT64_MAX, most = 0;
    for (unsigned i = 0; i < MOST; i++) {
        shares[i] = held(&crowd, i);
        least = shares[i] < least ? shares[i] : least;
        most = shares[i] > most ? shares[i] : most;
    }
    printf("    %u to %u octets each, fairness %u\n", (unsigned)least, (unsigned)most, fairness(shares, MOST));
    CHECK(fairness(shares, MOST) >= 6500);
    CHECK(least >= 16384);
    CHECK(used(crowd.pair.b) > BUDGET / 4); // and not because nobody got anything
    CHECK_EQ(pair_counter(crowd.pair.b, "tcp_drop_memory"), 0); // what was promised was there
    if (!read_to_the_end(&crowd))
        return;
    // Memory is given back, all but the records of connections.
    pair_run(&crowd.pair, STRATA_SECOND);
    CHECK(used(crowd.pair.a) < before[0] + MOST * 1024);
    CHECK(used(crowd.pair.b) < before[1] + MOST * 1024);
    struct strata_memory memory = {.size = sizeof memory};
    CHECK_EQ(strata_memory(crowd.pair.b, &memory), 0);
    CHECK_EQ(memory.pages, 0);
    pair_free(&crowd.pair);
}

/** Programs that all read at the same pace, which is less than what comes: nobody gets less than others. */
TEST(a_hundred_progress_alike_under_pressure)
{
    static struct crowd crowd;
    enum { BUDGET = 2 << 20 };
    crowd_start(&crowd, MOST, BUDGET);
    uint64_t marked[MOST], progress[MOST];
    for (int round = 0; round < 300; round++) {
        for (unsigned i = 0; i < MOST; i++) {
            stream_write(&crowd, i, PIECE);
            stream_read(&crowd, i, 2000);
        }
        pair_run(&crowd.pair, 50 * STRATA_MILLISECOND);
        for (unsigned i = 0; round == 99 && i < MOST; i++)
            marked[i] = crowd.streams[i].received;
    }
    uint64_t least = UINT64_MAX;
    for (unsigned i = 0; i < MOST; i++) {
        CHECK(!crowd.streams[i].wrong);
        progress[i] = crowd.streams[i].received - marked[i];
        least = progress[i] < least ? progress[i] : least;
    }
    printf("    fairness %u, the least has read %u of 400000\n", fairness(progress, MOST), (unsigned)least);
    CHECK(fairness(progress, MOST) >= 9500);
    CHECK(least > 200000);
    CHECK(read_to_the_end(&crowd));
    pair_free(&crowd.pair);
}

/** One that came first and took much makes room for those who come later, and nobody shuts it out. */
TEST(who_comes_late_finds_a_share)
{
    static struct crowd crowd;
    enum { BUDGET = 4 << 20, LATE = 20 };
    crowd_start(&crowd, LATE + 1, BUDGET);
    CHECK_EQ(strata_set_option(crowd.pair.b, crowd.streams[0].server, STRATA_OPTION_RECEIVE_BUFFER, BUDGET,
                               crowd.pair.now),
             0);
    // The first one wants all there is and its program reads nothing: it gets about half.
    for (int round = 0; round < 200; round++) {
        stream_write(&crowd, 0, 8 * PIECE);
        pair_run(&crowd.pair, 20 * STRATA_MILLISECOND);
    }
    size_t left = BUDGET / 8 * 7 - used(crowd.pair.b);
    CHECK(held(&crowd, 0) > BUDGET / 4);
    CHECK(left > held(&crowd, 0) / 4 * 3);
    // Then come others.
    for (int round = 0; round < 50; round++) {
        for (unsigned i = 1; i <= LATE; i++)
            stream_write(&crowd, i, PIECE);
        pair_run(&crowd.pair, 20 * STRATA_MILLISECOND);
    }
    for (unsigned i = 1; i <= LATE; i++)
        CHECK(held(&crowd, i) >= 16384);
    // The first one's program reads again: it goes on, within what is left now.
    uint64_t before = crowd.streams[0].received;
    for (int round = 0; round < 100; round++) {
        stream_write(&crowd, 0, PIECE);
        stream_read(&crowd, 0, 65536);
        pair_run(&crowd.pair, 20 * STRATA_MILLISECOND);
    }
    CHECK(crowd.streams[0].received - before > BUDGET / 4);
    CHECK(read_to_the_end(&crowd));
    pair_free(&crowd.pair);
}

/** The doubt of a host with little memory: a program that does not read for long must not wait for its peer's
 * timer afterwards, as it would had the peer been promised more than could be kept. */
TEST(what_is_promised_at_first_can_be_kept)
{
    static struct crowd crowd;
    enum { BUDGET = 1 << 20, COUNT = 30 };
    crowd_start(&crowd, COUNT, BUDGET);
    for (int round = 0; round < 600; round++) { // a minute
        for (unsigned i = 0; i < COUNT; i++)
            stream_write(&crowd, i, PIECE);
        pair_run(&crowd.pair, 100 * STRATA_MILLISECOND);
    }
    CHECK_EQ(pair_counter(crowd.pair.b, "tcp_drop_memory"), 0);
    for (unsigned i = 0; i < COUNT; i++)
        stream_read(&crowd, i, SIZE_MAX);
    uint64_t marked[COUNT];
    for (unsigned i = 0; i < COUNT; i++)
        marked[i] = crowd.streams[i].received;
    pair_run(&crowd.pair, 500 * STRATA_MILLISECOND);
    for (unsigned i = 0; i < COUNT; i++) {
        stream_read(&crowd, i, SIZE_MAX);
        CHECK(crowd.streams[i].received > marked[i]); // no half a minute later
    }
    CHECK(read_to_the_end(&crowd));
    pair_free(&crowd.pair);
}

TEST_MAIN(TEST_ENTRY(a_hundred_share_the_memory_of_those_who_do_not_read),
          TEST_ENTRY(a_hundred_progress_alike_under_pressure), TEST_ENTRY(who_comes_late_finds_a_share),
          TEST_ENTRY(what_is_promised_at_first_can_be_kept))
