/*
 * TCP behaves as the literature says, seen in the trace of windows: slow start doubles, AIMD draws a saw-tooth,
 * CUBIC a plateau; marks slow a sender down without a loss. Virtual time, one seed each; test_fairness.c looks
 * at many.
 * ctest: timeout 600
 */
#include "tests/lab/flows.h"

#include "tests/test.h"

#define MBIT UINT64_C(1000000)
#define MS STRATA_MILLISECOND
#define SEGMENT 1448u // of 1500 bytes, without headers and timestamps

enum { OPEN, DISORDER, FAST, LOSS };

static struct flows_config one_flow(uint64_t rate_bps, strata_time rtt_ns, uint32_t queue_frames)
{
    return (struct flows_config){
        .seed = 1,
        .count = 1,
        .forward = {.rate_bps = rate_bps, .delay_ns = rtt_ns / 2, .queue_frames = queue_frames},
        .backward = {.delay_ns = rtt_ns / 2},
        .samples = true};
}

/** The last sample at or before `time`. */
static const struct flow_sample *sample_at(const struct flow *flow, strata_time time)
{
    const struct flow_sample *found = NULL;
    for (unsigned i = 0; i < flow->sample_count && flow->samples[i].time <= time; i++)
        found = &flow->samples[i];
    REQUIRE(found);
    return found;
}

/** How many percent of `whole` a part is. */
static unsigned percent(uint64_t part, uint64_t whole)
{
    return (unsigned)(part * 100 / whole);
}

/** Times at which the window came down; `cwnd` before, and what ssthresh became. */
struct descent {
    strata_time time, until; /**< Until the sender has recovered. */
    uint32_t before, ssthresh;
};
static unsigned descents_of(const struct flow *flow, strata_time from, struct descent *descents, unsigned room)
{
    unsigned count = 0;
    for (unsigned i = 1; i < flow->sample_count && count < room; i++) {
        const struct flow_sample *before = &flow->samples[i - 1], *now = &flow->samples[i];
        bool begins = now->recovery >= FAST && before->recovery < FAST;
        if (now->time < from || !begins)
            continue;
        unsigned end = i;
        while (end < flow->sample_count && flow->samples[end].recovery >= FAST)
            end++;
        if (end == flow->sample_count)
            break;
        descents[count++] = (struct descent){now->time, flow->samples[end].time, before->cwnd, now->ssthresh};
    }
    return count;
}

TEST(slow_start_doubles_each_round_trip)
{
    struct flows flows;
    struct flows_config config = one_flow(1000 * MBIT, 100 * MS, 100000);
    flows_new(&flows, &config);
    flows.flow[0].algorithm = "reno";
    flows_set(&flows, "strata.tcp_delayed_ack_ms", 0);
    flows_run(&flows, STRATA_SECOND);
    // The handshake takes a round trip; then 10 segments are out for one, 20 for the next, and so on.
    for (unsigned round = 1; round <= 5; round++) {
        uint32_t cwnd = sample_at(&flows.flow[0], (round + 1) * 100 * MS + 50 * MS)->cwnd;
        CHECK_EQ(cwnd, (10u << round) * SEGMENT);
    }
    CHECK_EQ(flows_counter(&flows, "tcp_segments_retransmitted"), 0);
    flows_free(&flows);
}

/* 10 Mbit/s and 40 ms hold 34 segments, the queue 40 more: the window swings between 37 and 74. */
TEST(aimd_draws_a_saw_tooth)
{
    struct flows flows;
    struct flows_config config = one_flow(10 * MBIT, 40 * MS, 40);
    flows_new(&flows, &config);
    flows.flow[0].algorithm = "reno";
    flows_set(&flows, "strata.tcp_delayed_ack_ms", 0);
    flows_run(&flows, 120 * STRATA_SECOND);
    static struct descent descents[200];
    unsigned count = descents_of(&flows.flow[0], 20 * STRATA_SECOND, descents, 200);
    CHECK(count >= 8);
    for (unsigned i = 0; i < count; i++) {
        CHECK(descents[i].before >= 70 * SEGMENT && descents[i].before <= 80 * SEGMENT);
        unsigned half = percent(descents[i].ssthresh, descents[i].before);
        CHECK(half >= 47 && half <= 51);
    }
    for (unsigned i = 0; i + 1 < count; i++) {
        // Between two losses it grows by a segment per round trip, of which each takes as long as the queue says.
        uint32_t from = sample_at(&flows.flow[0], descents[i].until)->cwnd, to = descents[i + 1].before;
        CHECK(from >= descents[i].ssthresh - SEGMENT && from <= descents[i].ssthresh + SEGMENT);
        uint64_t octets = (uint64_t)(descents[i + 1].time - descents[i].until) * 10 * MBIT / 8 / STRATA_SECOND;
        uint64_t expected = (uint64_t)(to - from) / SEGMENT * ((uint64_t)from + to) / 2;
        CHECK(percent(octets, expected) >= 90 && percent(octets, expected) <= 115);
    }
    // On average it is three quarters of the peak.
    uint64_t area = 0;
    strata_time first = descents[0].until, last = descents[count - 1].time;
    const struct flow *flow = &flows.flow[0];
    for (unsigned i = 0; i + 1 < flow->sample_count; i++)
        if (flow->samples[i].time >= first && flow->samples[i].time < last)
            area += (uint64_t)flow->samples[i].cwnd *
                    (uint64_t)((flow->samples[i + 1].time - flow->samples[i].time) / STRATA_MICROSECOND);
    uint64_t average = area / (uint64_t)((last - first) / STRATA_MICROSECOND);
    CHECK(percent(average, descents[0].before) >= 72 && percent(average, descents[0].before) <= 79);
    // The queue never runs dry for long: the line is full.
    CHECK(flow->received * 8 / 120 > 9 * MBIT);
    CHECK_EQ(flows_counter(&flows, "tcp_timeouts"), 0);
    flows_free(&flows);
}

/* W(t) = C (t - K)^3 + W_max with K = cbrt((W_max - cwnd_epoch) / C), C = 0.4 (RFC 9438 4.2). */
static strata_time cubic_k(uint32_t w_max, uint32_t epoch)
{
    if (w_max <= epoch)
        return 0;
    uint64_t cube = (uint64_t)(w_max - epoch) * 5 * UINT64_C(1000000000) / 2 / SEGMENT, k_ms = 0; // in ms^3
    while ((k_ms + 1) * (k_ms + 1) * (k_ms + 1) <= cube)
        k_ms++;
    return (strata_time)k_ms * MS;
}

TEST(cubic_has_a_plateau)
{
    if (!flows_knows("cubic"))
        return;
    struct flows flows;
    struct flows_config config = one_flow(100 * MBIT, 100 * MS, 400);
    flows_new(&flows, &config);
    flows.flow[0].algorithm = "cubic";
    flows_run(&flows, 90 * STRATA_SECOND);
    static struct descent descents[50];
    unsigned count = descents_of(&flows.flow[0], 0, descents, 50), looked_at = 0;
    uint32_t w_max = 0;
    CHECK(count >= 3);
    for (unsigned i = 0; i + 1 < count; i++) {
        const struct descent *d = &descents[i];
        // Lower than last time: it makes room for others and aims lower still (RFC 9438 4.7).
        w_max = d->before < w_max ? d->before / 20 * 17 : d->before;
        uint32_t epoch = sample_at(&flows.flow[0], d->until)->cwnd;
        strata_time k = cubic_k(w_max, epoch);
        unsigned beta = percent(d->ssthresh, d->before);
        CHECK(beta >= 67 && beta <= 72);
        if (k == 0 || descents[i + 1].time < d->until + k)
            continue; // the peak was not reached again
        // Half of the time brings 7/8 of the way.
        unsigned half = percent(sample_at(&flows.flow[0], d->until + k / 2)->cwnd, w_max - (w_max - epoch) / 8);
        unsigned full = percent(sample_at(&flows.flow[0], d->until + k)->cwnd, w_max);
        CHECK(half >= 98 && half <= 101);
        CHECK(full >= 98 && full <= 101);
        looked_at++;
    }
    CHECK(looked_at > 0);
    flows_free(&flows);
}

/** How often the window fell by more than an eighth of what it had grown to. */
static unsigned reductions_of(const struct flow *flow)
{
    uint32_t peak = 0;
    unsigned count = 0;
    for (unsigned i = 0; i < flow->sample_count; i++) {
        uint32_t cwnd = flow->samples[i].cwnd;
        if (cwnd < peak - peak / 8) {
            count++;
            peak = cwnd;
        } else if (cwnd > peak) {
            peak = cwnd;
        }
    }
    return count;
}

/** A flow that understands marks over a queue that gives them. */
static void respond_to_marks(const char *algorithm, struct strata_queue queue)
{
    struct flows flows;
    struct flows_config config = one_flow(20 * MBIT, 40 * MS, 1000);
    config.forward.queue = queue;
    flows_new(&flows, &config);
    flows.flow[0].algorithm = algorithm;
    flows_set(&flows, "net.ipv4.tcp_ecn", 1);
    flows_run(&flows, 5 * STRATA_SECOND);
    flows_mark(&flows);
    flows_run(&flows, 35 * STRATA_SECOND);
    struct strata_cable_counts counts = {.size = sizeof counts};
    CHECK_EQ(strata_cable_counts(flows.bottleneck, 0, &counts), 0);
    CHECK(reductions_of(&flows.flow[0]) >= 5);
    CHECK(counts.marked >= 5);
    CHECK_EQ(counts.lost + counts.lost_queue + counts.lost_down, 0);
    CHECK_EQ(flows_counter(&flows, "tcp_segments_retransmitted"), 0);
    CHECK_EQ(flows_counter(&flows, "tcp_timeouts"), 0);
    CHECK(flows_counter(&flows, "tcp_ecn_echoes") >= 5);
    CHECK(counts.queue_most < 300);
    CHECK(flow_since_mark(&flows.flow[0]) * 8 / 30 > 20 * MBIT * 75 / 100);
    flows_free(&flows);
}

TEST(marks_slow_down_without_loss)
{
    static const struct strata_queue queues[] = {
        {.kind = STRATA_QUEUE_FIFO, .mark_frames = 50},
        {.kind = STRATA_QUEUE_RED, .ecn = true, .min_frames = 20, .max_frames = 60},
        {.kind = STRATA_QUEUE_CODEL, .ecn = true},
    };
    static const char *const algorithms[] = {"reno", "newreno", "cubic"};
    for (size_t a = 0; a < sizeof algorithms / sizeof *algorithms; a++)
        for (size_t i = 0; i < sizeof queues / sizeof *queues; i++)
            if (flows_knows(algorithms[a]))
                respond_to_marks(algorithms[a], queues[i]);
}

TEST_MAIN(TEST_ENTRY(slow_start_doubles_each_round_trip), TEST_ENTRY(aimd_draws_a_saw_tooth),
          TEST_ENTRY(cubic_has_a_plateau), TEST_ENTRY(marks_slow_down_without_loss))
