/*
 * Algorithms that know the path fill a bottleneck without filling its queue: BBR by rate, Vegas by delay.
 *
 * ctest: timeout 300
 */
#include "tests/lab/flows.h"

#include "tests/test.h"

#define MBIT UINT64_C(1000000)
#define MS STRATA_MILLISECOND
#define RATE (20 * MBIT)
#define RTT (40 * MS)

/** One flow for 20 s over 20 Mbit/s and 40 ms. @return per cent of the rate that arrived from 5 s on; `srtt_ns`: the
 * longest smoothed round-trip time in that time. */
static unsigned share(const char *algorithm, uint32_t loss_ppm, strata_time *srtt_ns)
{
    struct flows flows;
    struct flows_config config = {
        .seed = 1,
        .count = 1,
        .forward = {.rate_bps = RATE, .delay_ns = RTT / 2, .queue_frames = 400, .loss_ppm = loss_ppm},
        .backward = {.delay_ns = RTT / 2},
        .samples = true};
    flows_new(&flows, &config);
    flows.flow[0].algorithm = algorithm;
    flows_run(&flows, 5 * STRATA_SECOND);
    flows_mark(&flows);
    flows_run(&flows, 20 * STRATA_SECOND);
    *srtt_ns = 0;
    for (unsigned i = 0; i < flows.flow[0].sample_count; i++) {
        const struct flow_sample *sample = &flows.flow[0].samples[i];
        if (sample->time >= 5 * STRATA_SECOND && sample->srtt_ns > *srtt_ns)
            *srtt_ns = sample->srtt_ns;
    }
    CHECK(!flows.flow[0].wrong);
    unsigned percent = (unsigned)(flow_since_mark(&flows.flow[0]) * 8 * 100 / 15 / RATE);
    flows_free(&flows);
    return percent;
}

TEST(bbr_fills_the_path_and_not_the_queue)
{
    strata_time srtt_ns;
    CHECK(share("bbr", 0, &srtt_ns) >= 90);
    CHECK(srtt_ns > RTT && srtt_ns <= 2 * RTT); // no more than the path holds waits in the queue
}

TEST(bbr_is_not_stopped_by_a_loss_now_and_then)
{
    strata_time bbr_ns, reno_ns;
    unsigned bbr = share("bbr", 10000, &bbr_ns), reno = share("newreno", 10000, &reno_ns);
    CHECK(bbr >= 70);
    CHECK(bbr > reno + 20);
}

TEST(vegas_keeps_a_few_segments_in_the_queue)
{
    strata_time srtt_ns;
    CHECK(share("vegas", 0, &srtt_ns) >= 90);
    CHECK(srtt_ns > RTT && srtt_ns < RTT + 10 * MS);
}

struct pair {
    unsigned percent[2]; /**< Of the line, from 15 to 40 s. */
    unsigned fairness;
    unsigned again; /**< Segments sent again, in ten-thousandths. */
    strata_time srtt_ns; /**< Of the first, on average. */
};

/** One flow for itself, and from 5 s on another beside it. */
static struct pair beside_each_other(const char *first, const char *second, uint32_t queue_frames, uint64_t seed)
{
    struct flows flows;
    struct flows_config config = {
        .seed = seed,
        .count = 2,
        .jitter_ns = MS,
        .forward = {.rate_bps = RATE, .delay_ns = RTT / 2, .queue_frames = queue_frames},
        .backward = {.delay_ns = RTT / 2},
        .samples = true};
    flows_new(&flows, &config);
    flows.flow[0].algorithm = first;
    flows.flow[1].algorithm = second;
    flows.flow[1].start = 5 * STRATA_SECOND + (strata_time)seed * 137 * MS;
    flows_run(&flows, 15 * STRATA_SECOND);
    flows_mark(&flows);
    int64_t again = flows_counter(&flows, "tcp_segments_retransmitted");
    int64_t sent = flows_counter(&flows, "tcp_segments_sent");
    unsigned from = flows.flow[0].sample_count;
    flows_run(&flows, 40 * STRATA_SECOND);
    struct pair pair = {.fairness = flows_fairness(&flows)};
    again = flows_counter(&flows, "tcp_segments_retransmitted") - again;
    pair.again = (unsigned)(again * 10000 / (flows_counter(&flows, "tcp_segments_sent") - sent));
    for (unsigned i = from; i < flows.flow[0].sample_count; i++)
        pair.srtt_ns += flows.flow[0].samples[i].srtt_ns;
    REQUIRE(flows.flow[0].sample_count > from);
    pair.srtt_ns /= flows.flow[0].sample_count - from;
    for (int i = 0; i < 2; i++) {
        CHECK(!flows.flow[i].wrong);
        pair.percent[i] = (unsigned)(flow_since_mark(&flows.flow[i]) * 8 * 100 / 25 / RATE);
    }
    flows_free(&flows);
    printf("     %s and %s, a queue of %u, seed %u: %u %% and %u %%, %u of 10000 again, %u ms\n", first, second,
           queue_frames, (unsigned)seed, pair.percent[0], pair.percent[1], pair.again, (unsigned)(pair.srtt_ns / MS));
    return pair;
}

TEST(two_bbr_flows_share_a_line)
{
    // Six times and a third of what the path holds: of a long queue a round trip and a half is used at most, and in a
    // short one little is lost.
    static const uint32_t queues[] = {400, 25};
    for (unsigned i = 0; i < 2; i++)
        for (uint64_t seed = 1; seed <= 2; seed++) {
            struct pair pair = beside_each_other("bbr", "bbr", queues[i], seed);
            CHECK(pair.percent[0] >= 28 && pair.percent[1] >= 28);
            CHECK(pair.percent[0] + pair.percent[1] >= 90);
            CHECK(pair.fairness >= 8800);
            CHECK(pair.srtt_ns <= RTT * 5 / 2);
            CHECK(pair.again <= 150);
        }
}

/* A queue of a seventh of what the path holds: STARTUP ends when it has lost too much, and nothing later asks for more
 * than the path carries. */
TEST(bbr_loses_little_in_a_short_queue)
{
    struct flows flows;
    flows_new(&flows, &(struct flows_config){
                          .seed = 1,
                          .count = 1,
                          .forward = {.rate_bps = RATE, .delay_ns = RTT / 2, .queue_frames = 10},
                          .backward = {.delay_ns = RTT / 2}});
    flows.flow[0].algorithm = "bbr";
    flows_run(&flows, 2 * STRATA_SECOND);
    int64_t startup = flows_counter(&flows, "tcp_segments_retransmitted");
    flows_mark(&flows);
    flows_run(&flows, 12 * STRATA_SECOND);
    CHECK(startup <= 160); // of three thousand
    CHECK(flows_counter(&flows, "tcp_segments_retransmitted") - startup <= 60);
    CHECK(flow_since_mark(&flows.flow[0]) * 8 / 10 >= RATE * 88 / 100);
    flows_free(&flows);
}

TEST(bbr_and_cubic_leave_each_other_something)
{
    static const uint32_t queues[] = {400, 25};
    for (unsigned i = 0; i < 2; i++) {
        struct pair pair = beside_each_other("bbr", "cubic", queues[i], 1);
        CHECK(pair.percent[0] >= 20 && pair.percent[1] >= 20);
        CHECK(pair.percent[0] + pair.percent[1] >= 90);
    }
}

TEST_MAIN(TEST_ENTRY(bbr_fills_the_path_and_not_the_queue), TEST_ENTRY(bbr_is_not_stopped_by_a_loss_now_and_then),
          TEST_ENTRY(vegas_keeps_a_few_segments_in_the_queue), TEST_ENTRY(two_bbr_flows_share_a_line),
          TEST_ENTRY(bbr_loses_little_in_a_short_queue),
          TEST_ENTRY(bbr_and_cubic_leave_each_other_something))
