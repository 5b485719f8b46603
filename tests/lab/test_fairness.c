/*
 * How flows share a bottleneck, over 50 seeds that draw when each of them begins: equal ones equally, CUBIC and
 * Reno as the literature says. Margins are wide enough for every seed, and narrow enough to notice a change.
 *
 * ctest: label long
 * ctest: timeout 600
 */
#include "tests/lab/flows.h"

#include "tests/test.h"

#define MBIT UINT64_C(1000000)
#define MS STRATA_MILLISECOND

static unsigned seeds(void)
{
    const char *text = getenv("SEEDS");
    return text ? (unsigned)atoi(text) : 50;
}

static void draw_starts(struct flows *flows, uint64_t seed)
{
    uint64_t random = seed * 977 + 5;
    for (unsigned i = 0; i < flows->config.count; i++)
        flows->flow[i].start = (strata_time)test_below(&random, 2000) * MS;
}

/** Ten equal flows; @return Jain's index, in ten-thousandths. */
static unsigned ten_flows(const char *algorithm, uint64_t seed)
{
    struct flows flows;
    flows_new(&flows, &(struct flows_config){
                          .seed = seed,
                          .count = 10,
                          .jitter_ns = MS,
                          .forward = {.rate_bps = 20 * MBIT, .delay_ns = 20 * MS, .queue_frames = 70},
                          .backward = {.delay_ns = 20 * MS}});
    draw_starts(&flows, seed);
    for (unsigned i = 0; i < 10; i++)
        flows.flow[i].algorithm = algorithm;
    flows_run(&flows, 10 * STRATA_SECOND);
    flows_mark(&flows);
    flows_run(&flows, 70 * STRATA_SECOND);
    unsigned fairness = flows_fairness(&flows);
    flows_free(&flows);
    return fairness;
}

static void share_equally(const char *algorithm)
{
    if (!flows_knows(algorithm))
        return;
    unsigned worst = 10000;
    uint64_t sum = 0;
    for (uint64_t seed = 1; seed <= seeds(); seed++) {
        unsigned fairness = ten_flows(algorithm, seed);
        sum += fairness;
        worst = fairness < worst ? fairness : worst;
    }
    printf("     %s: Jain's index of 10 flows is %.4f on average, %.4f at worst\n", algorithm,
           (double)sum / seeds() / 10000, worst / 10000.0);
    CHECK(worst >= 9500);
}

TEST(ten_equal_flows_share_equally)
{
    share_equally("reno");
    share_equally("newreno");
    share_equally("cubic");
}

struct share {
    uint64_t cubic, reno;
};

/** Two flows of each over the same line. */
static struct share beside_each_other(uint64_t seed, uint64_t rate_bps, strata_time rtt_ns, uint32_t queue_frames,
                                      int duration_s)
{
    struct flows flows;
    flows_new(&flows, &(struct flows_config){
                          .seed = seed,
                          .count = 4,
                          .jitter_ns = MS,
                          .forward = {.rate_bps = rate_bps, .delay_ns = rtt_ns / 2, .queue_frames = queue_frames},
                          .backward = {.delay_ns = rtt_ns / 2}});
    draw_starts(&flows, seed);
    for (unsigned i = 0; i < 4; i++)
        flows.flow[i].algorithm = i % 2 ? "cubic" : "reno";
    flows_run(&flows, 10 * STRATA_SECOND);
    flows_mark(&flows);
    flows_run(&flows, (10 + duration_s) * STRATA_SECOND);
    struct share share = {flow_since_mark(&flows.flow[1]) + flow_since_mark(&flows.flow[3]),
                          flow_since_mark(&flows.flow[0]) + flow_since_mark(&flows.flow[2])};
    flows_free(&flows);
    return share;
}

/** The share of CUBIC in percent over all seeds. */
static unsigned cubic_percent(const char *where, uint64_t rate_bps, strata_time rtt_ns, uint32_t queue_frames,
                              int duration_s)
{
    struct share all = {0, 0};
    unsigned least = 100, most = 0;
    for (uint64_t seed = 1; seed <= seeds(); seed++) {
        struct share share = beside_each_other(seed, rate_bps, rtt_ns, queue_frames, duration_s);
        unsigned percent = (unsigned)(share.cubic * 100 / (share.cubic + share.reno));
        least = percent < least ? percent : least;
        most = percent > most ? percent : most;
        all.cubic += share.cubic;
        all.reno += share.reno;
    }
    unsigned percent = (unsigned)(all.cubic * 100 / (all.cubic + all.reno));
    printf("     %s: CUBIC has %u %% beside Reno, %u to %u %%\n", where, percent, least, most);
    return percent;
}

TEST(cubic_beside_reno)
{
    if (!flows_knows("cubic"))
        return;
    // Where windows are small CUBIC is as fast as Reno (RFC 9438 4.3); where they are large it takes what Reno
    // is too slow to take (RFC 9438 5.1).
    unsigned small = cubic_percent("10 Mbit/s, 20 ms", 10 * MBIT, 20 * MS, 25, 60);
    unsigned large = cubic_percent("100 Mbit/s, 100 ms", 100 * MBIT, 100 * MS, 800, 60);
    CHECK(small >= 45 && small <= 65);
    CHECK(large >= 60 && large <= 95);
}

TEST_MAIN(TEST_ENTRY(ten_equal_flows_share_equally), TEST_ENTRY(cubic_beside_reno))
