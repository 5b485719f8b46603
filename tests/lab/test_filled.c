/*
 * A long fat line is filled: 1 Gbit/s over 300 ms, of which 37 MB are under way at a time and as many may wait,
 * with buffers that size themselves and every setting as it comes; over 50 seeds, which draw a jitter.
 *
 * ctest: label long
 * ctest: timeout 1200
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

/** @return how much of the line is used between 15 and 30 s, in percent. */
static unsigned used_percent(uint64_t seed)
{
    struct strata_impairment line = {
        .rate_bps = 1000 * MBIT, .delay_ns = 150 * MS, .queue_frames = 25000, .jitter_ns = MS / 10};
    struct flows flows;
    flows_new(&flows, &(struct flows_config){.seed = seed, .count = 1, .forward = line, .backward = line});
    flows_run(&flows, 15 * STRATA_SECOND);
    flows_mark(&flows);
    flows_run(&flows, 30 * STRATA_SECOND);
    // Of 1500 octets on the line 1448 are data.
    uint64_t possible = 15 * 1000 * MBIT / 8 / 1500 * 1448;
    unsigned percent = (unsigned)(flow_since_mark(&flows.flow[0]) * 100 / possible);
    flows_free(&flows);
    return percent;
}

TEST(a_long_fat_line_is_filled)
{
    unsigned worst = 100;
    for (uint64_t seed = 1; seed <= seeds(); seed++) {
        unsigned percent = used_percent(seed);
        worst = percent < worst ? percent : worst;
    }
    printf("     1 Gbit/s over 300 ms is filled to %u %% at worst\n", worst);
    CHECK(worst >= 95);
}

TEST_MAIN(TEST_ENTRY(a_long_fat_line_is_filled))
