/*
 * Algorithms that know the path fill a bottleneck without filling its queue: BBR by rate, Vegas by delay.
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

TEST_MAIN(TEST_ENTRY(bbr_fills_the_path_and_not_the_queue), TEST_ENTRY(bbr_is_not_stopped_by_a_loss_now_and_then),
          TEST_ENTRY(vegas_keeps_a_few_segments_in_the_queue))
