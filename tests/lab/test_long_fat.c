/*
 * Long fat networks: a path on which many megabytes are under way is filled by buffers that begin small and tune
 * themselves, on hosts with nothing set. Virtual time.
 *
 * ctest: label no_valgrind
 * ctest: timeout 600
 */
#include "tests/lab/flows.h"

#include "base/assert.h"
#include "tests/test.h"

#define MBIT UINT64_C(1000000)
#define MS STRATA_MILLISECOND

/** Fills a line of so many bits per second and a round trip for a while, with hosts of `memory_bytes`, and looks how
 * much of it is used. Where every segment has the invariants of a connection checked, which takes as long as much is
 * under way, the line carries a fiftieth. */
static void fill(uint64_t rate_bps, strata_time rtt_ns, size_t memory_bytes, strata_time measured_ns)
{
    struct flows flows;
    if (CHECKED)
        rate_bps /= 50;
    uint64_t product = rate_bps / 8 * (uint64_t)(rtt_ns / MS) / 1000; // octets under way
    flows_new(&flows, &(struct flows_config){.seed = 1,
                                             .count = 1,
                                             .memory_bytes = memory_bytes,
                                             .forward = {.rate_bps = rate_bps,
                                                         .delay_ns = rtt_ns / 2,
                                                         .queue_frames = (uint32_t)(product / 1500)},
                                             .backward = {.delay_ns = rtt_ns / 2}});
    strata_time begun = 64 * rtt_ns; // slow start, and the losses at its end
    flows_run(&flows, begun);
    flows_mark(&flows);
    flows_run(&flows, begun + measured_ns);
    uint64_t octets = flow_since_mark(&flows.flow[0]);
    uint64_t most = rate_bps / 8 * (uint64_t)(measured_ns / MS) / 1000 * 1448 / 1500;
    printf("    %u of 1000 of what the line carries\n", (unsigned)(octets * 1000 / most));
    CHECK(octets >= most / 100 * 95);
    CHECK(!flows.flow[0].wrong);
    flows_free(&flows);
}

TEST(a_gigabit_over_300_ms_is_filled)
{
    fill(1000 * MBIT, 300 * MS, 0, 10 * STRATA_SECOND);
}

/* As far as the budget allows: a buffer that tunes itself takes a quarter of it. */
TEST(ten_gigabits_over_100_ms_are_filled)
{
    fill(10000 * MBIT, 100 * MS, (size_t)2 << 30, 3 * STRATA_SECOND);
}

TEST_MAIN(TEST_ENTRY(a_gigabit_over_300_ms_is_filled), TEST_ENTRY(ten_gigabits_over_100_ms_are_filled))
