/*
 * Long fat networks: a path on which many megabytes are under way is filled by buffers that begin small and tune
 * themselves, on hosts with nothing set. Virtual time.
 */
#include "tests/lab/flows.h"

#include "base/assert.h"
#include "tests/test.h"

#define MBIT UINT64_C(1000000)
#define MS STRATA_MILLISECOND

/** A gigabit per second, 300 ms: 37.5 megabytes under way. Where every segment has the invariants of a connection
 * checked, which takes as long as much is under way, a fiftieth of that. */
#define RATE_BPS (CHECKED ? 20 * MBIT : 1000 * MBIT)

TEST(a_gigabit_over_300_ms_is_filled)
{
    struct flows flows;
    uint64_t product = RATE_BPS / 8 * 300 / 1000; // octets under way
    flows_new(&flows, &(struct flows_config){.seed = 1,
                                             .count = 1,
                                             .forward = {.rate_bps = RATE_BPS,
                                                         .delay_ns = 150 * MS,
                                                         .queue_frames = (uint32_t)(product / 1500)},
                                             .backward = {.delay_ns = 150 * MS}});
    flows_run(&flows, 20 * STRATA_SECOND); // slow start, and the losses at its end
    flows_mark(&flows);
    flows_run(&flows, 30 * STRATA_SECOND);
    uint64_t octets = flow_since_mark(&flows.flow[0]), most = RATE_BPS / 8 * 10 * 1448 / 1500;
    printf("    %u of 1000 of what the line carries\n", (unsigned)(octets * 1000 / most));
    CHECK(octets >= most / 100 * 95);
    CHECK(!flows.flow[0].wrong);
    flows_free(&flows);
}

TEST_MAIN(TEST_ENTRY(a_gigabit_over_300_ms_is_filled))
