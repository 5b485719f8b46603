/*
 * Faults by chance: each happens as often as it was told, also where it is correlated, and the correlation of two
 * frames in a row is what was said; jitter has the mean and the deviation of its distribution; four states stay in
 * their stationary shares; lines follow their traces. Bounds are five standard deviations or more.
 */
#include "tests/lab/line.h"

#include "tests/test.h"

#define COUNT 40000u
#define MS STRATA_MILLISECOND
#define MBIT UINT64_C(1000000)

/** COUNT datagrams of 100 bytes, a millisecond apart. */
static struct line many(const struct strata_impairment *is)
{
    struct line line = line_new(is);
    for (uint32_t i = 0; i < COUNT; i++)
        line_send(&line, &(struct parcel){.at = i * MS, .length = 100, .port = 1, .number = i});
    strata_world_run(line.world, STRATA_NEVER);
    struct strata_cable_counts c = line_counts(&line);
    CHECK_EQ(c.sent, COUNT);
    CHECK_EQ(c.sent + c.duplicated, c.delivered + c.lost + c.lost_burst + c.lost_queue + c.lost_down);
    return line;
}

/** A share of COUNT, and the correlation of neighbours, in thousandths. */
struct found {
    int64_t share, correlation;
};
static struct found figures(const bool *happened)
{
    int64_t ones = 0, pairs = 0;
    for (unsigned i = 0; i < COUNT; i++) {
        ones += happened[i];
        pairs += i > 0 && happened[i] && happened[i - 1];
    }
    // (E xy - p p) / (p - p p)
    int64_t n = COUNT, mean = ones * ones / n;
    return (struct found){.share = ones * 1000 / n, .correlation = (pairs - mean) * 1000 / (ones - mean)};
}

static int64_t distance_of(int64_t a, int64_t b)
{
    return a > b ? a - b : b - a;
}

static bool marks[COUNT];

static const bool *lost_of(const struct line *line)
{
    for (unsigned i = 0; i < COUNT; i++)
        marks[i] = true;
    for (unsigned i = 0; i < line->b->heard_count; i++)
        marks[line_arrived(line, i).number] = false;
    return marks;
}

static const bool *doubled_of(const struct line *line)
{
    memset(marks, 0, sizeof marks);
    for (unsigned i = 1; i < line->b->heard_count; i++)
        if (line_arrived(line, i).number == line_arrived(line, i - 1).number)
            marks[line_arrived(line, i).number] = true;
    return marks;
}

/** Which arrived without the delay of 10 ms. */
static const bool *early_of(const struct line *line)
{
    memset(marks, 0, sizeof marks);
    for (unsigned i = 0; i < line->b->heard_count; i++) {
        struct arrived arrived = line_arrived(line, i);
        marks[arrived.number] = arrived.at - arrived.number * MS < MS;
    }
    return marks;
}

TEST(correlated_faults_keep_their_rates)
{
    static const uint32_t correlations[] = {0, 250000, 800000};
    for (int i = 0; i < 3; i++) {
        uint32_t ppm = correlations[i];
        struct line line = many(&(struct strata_impairment){.loss_ppm = 100000, .loss_correlation_ppm = ppm});
        struct found found = figures(lost_of(&line));
        CHECK(found.share >= 80 && found.share <= 120);
        CHECK(distance_of(found.correlation, ppm / 1000) <= 50);
        line_free(&line);
        line = many(&(struct strata_impairment){.duplicate_ppm = 200000, .duplicate_correlation_ppm = ppm});
        found = figures(doubled_of(&line));
        CHECK(found.share >= 170 && found.share <= 230);
        CHECK(distance_of(found.correlation, ppm / 1000) <= 50);
        line_free(&line);
        line = many(&(struct strata_impairment){.delay_ns = 10 * MS,
                                                .reorder_ppm = 300000,
                                                .reorder_early = true,
                                                .reorder_correlation_ppm = ppm});
        found = figures(early_of(&line));
        CHECK(found.share >= 270 && found.share <= 330);
        CHECK(distance_of(found.correlation, ppm / 1000) <= 50);
        line_free(&line);
        line = many(&(struct strata_impairment){.corrupt_ppm = 50000, .corrupt_correlation_ppm = ppm});
        uint64_t corrupted = line_counts(&line).corrupted;
        CHECK(corrupted > COUNT * 35 / 1000 && corrupted < COUNT * 65 / 1000);
        line_free(&line);
    }
}

/* One frame at a time, so that the order is kept without pushing anybody: what jitter added, in microseconds. */
static void check_jitter(enum strata_distribution distribution, uint32_t correlation_ppm, int64_t mean_us,
                         int64_t deviation_us)
{
    enum { FRAMES = 20000 };
    struct line line = line_new(&(struct strata_impairment){.delay_ns = 100 * MS,
                                                            .jitter_ns = 10 * MS,
                                                            .distribution = distribution,
                                                            .jitter_correlation_ppm = correlation_ppm});
    for (uint32_t i = 0; i < FRAMES; i++)
        line_send(&line, &(struct parcel){.at = i * 1000 * MS, .length = 100, .port = 1, .number = i});
    strata_world_run(line.world, STRATA_NEVER);
    int64_t sum = 0, squares = 0, products = 0, before = 0;
    for (unsigned i = 0; i < FRAMES; i++) {
        int64_t added = (line_arrived(&line, i).at - i * 1000 * MS - 100 * MS) / 1000 - mean_us;
        sum += added;
        squares += added * added;
        products += i > 0 ? added * before : 0;
        before = added;
    }
    CHECK(distance_of(sum / FRAMES, 0) <= 600);
    int64_t expected = deviation_us * deviation_us, variance = squares / FRAMES;
    CHECK(variance > expected * 85 / 100 && variance < expected * 115 / 100);
    CHECK(distance_of(products * 1000 / squares, correlation_ppm / 1000) <= 60);
    line_free(&line);
}

TEST(jitter_is_distributed_as_asked_for)
{
    check_jitter(STRATA_JITTER_ABOVE, 0, 5000, 2887);         // 10 ms / sqrt(12)
    check_jitter(STRATA_JITTER_ABOVE, 500000, 5000, 2887);
    check_jitter(STRATA_JITTER_UNIFORM, 0, 0, 5774);          // 20 ms / sqrt(12)
    check_jitter(STRATA_JITTER_NORMAL, 0, 0, 10000);
    check_jitter(STRATA_JITTER_NORMAL, 700000, 0, 10000);
    check_jitter(STRATA_JITTER_PARETO, 0, -330, 8215);        // of the table, which ends at 4 times jitter
    check_jitter(STRATA_JITTER_PARETO_NORMAL, 0, -215, 8497);
}

TEST(a_delay_is_never_negative)
{
    struct line line = many(&(struct strata_impairment){
        .delay_ns = MS, .jitter_ns = 10 * MS, .distribution = STRATA_JITTER_NORMAL});
    REQUIRE(line.b->heard_count == COUNT);
    for (unsigned i = 0; i < COUNT; i++) {
        CHECK_EQ(line_arrived(&line, i).number, i); // the order is kept
        CHECK(line_arrived(&line, i).at >= i * MS);
    }
    line_free(&line);
}

/* Stationary shares of the states, from the balance of flows: with p13 = 2 %, p31 = 20 %, p32 = 30 %, p23 = 10 %,
 * p14 = 1 %: g = 1, b = g p13 / p31 = 0.1, r = b p32 / p23 = 0.3, alone = 0.01; lost are
 * (0.1 + 0.01) / 1.41 = 7.8 %. */
TEST(four_states_lose_what_their_balance_says)
{
    struct strata_impairment is = {
        .states = {.p13 = 20000, .p31 = 200000, .p32 = 300000, .p23 = 100000, .p14 = 10000}};
    struct line line = many(&is);
    struct found found = figures(lost_of(&line));
    CHECK(found.share >= 68 && found.share <= 88);
    CHECK_EQ(line_counts(&line).lost_burst, COUNT - line.b->heard_count);
    line_free(&line);
    // One probability alone is independent loss: whoever is lost comes back with what p13 leaves.
    is = (struct strata_impairment){.states = {.p13 = 100000, .p31 = 900000}};
    line = many(&is);
    found = figures(lost_of(&line));
    CHECK(found.share >= 92 && found.share <= 108);
    CHECK(distance_of(found.correlation, 0) <= 30);
    line_free(&line);
}

TEST(a_gap_lies_between_reordered_frames)
{
    struct line line = many(&(struct strata_impairment){
        .delay_ns = 10 * MS, .reorder_ppm = 1000000, .reorder_early = true, .reorder_gap = 5});
    const bool *early = early_of(&line);
    for (unsigned i = 0; i < COUNT; i++)
        CHECK_EQ(early[i], i % 5 == 4);
    line_free(&line);
}

TEST(slots_let_frames_arrive_together)
{
    struct line line = many(&(struct strata_impairment){.slot_min_ns = 4 * MS, .slot_max_ns = 4 * MS});
    for (unsigned i = 0; i < COUNT; i++)
        CHECK_EQ(line_arrived(&line, i).at, (i / 5 * 5 + 4) * MS); // 0 to 4 ms, and again from 5 ms on
    line_free(&line);
    line = many(&(struct strata_impairment){.slot_min_ns = 4 * MS, .slot_max_ns = 6 * MS, .slot_frames = 8});
    unsigned most = 0, together = 0;
    for (unsigned i = 1; i < COUNT; i++) {
        together = line_arrived(&line, i).at == line_arrived(&line, i - 1).at ? together + 1 : 1;
        most = together > most ? together : most;
    }
    CHECK(most >= 6 && most <= 8);
    line_free(&line);
}

/* ---- Traces ------------------------------------------------------------------------------------------------- */

TEST(a_line_follows_its_trace)
{
    static const struct strata_trace_point points[] = {
        {.at = 0, .has_rate = true, .rate_bps = MBIT, .has_delay = true, .delay_ns = 5 * MS},
        {.at = 10 * MS, .has_rate = true, .rate_bps = 2 * MBIT},
        {.at = 20 * MS, .has_rate = true},
        {.at = 50 * MS, .has_rate = true, .rate_bps = MBIT, .has_delay = true, .delay_ns = 0}};
    struct strata_link_trace trace = {.points = points, .point_count = 4};
    struct line line = line_new(&(struct strata_impairment){.rate_bps = 1, .trace = &trace});
    line_burst(&line, &(struct parcel){.length = 125, .port = 1}, 40); // a millisecond each at 1 Mbit/s
    strata_world_run(line.world, STRATA_NEVER);
    REQUIRE(line.b->heard_count == 40);
    for (int i = 0; i < 40; i++) {
        // Ten at 1 Mbit/s, twenty at 2 Mbit/s, none for 30 ms, and the rest at 1 Mbit/s again.
        strata_time half = MS / 2,
                    sent = i < 10 ? (i + 1) * MS : i < 30 ? 10 * MS + (i - 9) * half : (i - 30 + 51) * MS;
        CHECK_EQ(line_arrived(&line, (unsigned)i).at, sent + (i < 30 ? 5 * MS : 0));
    }
    struct strata_impairment now;
    strata_cable_impairment(line.cable, 0, &now);
    CHECK_EQ(now.rate_bps, MBIT);
    // Given back as it is, it goes on; without the trace it stays as it was last.
    CHECK_EQ(strata_cable_impair(line.cable, 0, &now), 0);
    now.trace = NULL;
    CHECK_EQ(strata_cable_impair(line.cable, 0, &now), 0);
    line_free(&line);
}

TEST(a_trace_begins_again)
{
    static const struct strata_trace_point points[] = {{.at = 0, .has_loss = true},
                                                       {.at = 100 * MS, .has_loss = true, .loss_ppm = 1000000}};
    struct strata_link_trace trace = {.points = points, .point_count = 2, .period_ns = 150 * MS};
    struct line line = line_new(&(struct strata_impairment){.trace = &trace});
    // Densely, and then after a long silence.
    for (uint32_t i = 0; i < 2000; i++)
        line_send(&line, &(struct parcel){.at = i * MS, .length = 100, .port = 1, .number = i});
    for (uint32_t i = 1000000; i < 1000300; i++)
        line_send(&line, &(struct parcel){.at = i * MS, .length = 100, .port = 1, .number = i});
    strata_world_run(line.world, STRATA_NEVER);
    unsigned heard = 0;
    for (uint32_t i = 0; i < 1000300; i++)
        if ((i < 2000 || i >= 1000000) && i % 150 < 100 && heard < line.b->heard_count)
            CHECK_EQ(line_arrived(&line, heard++).number, i);
    CHECK_EQ(heard, line.b->heard_count);
    line_free(&line);
}

TEST(deliveries_carry_a_frame_each)
{
    static const uint32_t times[] = {2, 2, 7, 10}; // again each 10 ms
    struct strata_link_trace trace = {.deliveries_ms = times, .delivery_count = 4};
    struct line line = line_new(&(struct strata_impairment){.trace = &trace, .delay_ns = MS});
    line_burst(&line, &(struct parcel){.length = 1500, .port = 1}, 6);
    line_burst(&line, &(struct parcel){.at = 995 * MS, .length = 500, .port = 2}, 4); // three share one
    strata_world_run(line.world, STRATA_NEVER);
    static const int64_t expected[] = {2, 2, 7, 10, 12, 12, 997, 997, 997, 1000};
    REQUIRE(line.b->heard_count == 10);
    for (unsigned i = 0; i < 10; i++)
        CHECK_EQ(line_arrived(&line, i).at, (expected[i] + 1) * MS);
    line_free(&line);
}

TEST(impossible_impairments_are_refused)
{
    static const struct strata_trace_point back[] = {{.at = 5}, {.at = 4}};
    static const uint32_t zero[] = {0, 0};
    const struct strata_link_trace empty = {0}, backward = {.points = back, .point_count = 2},
                                   never = {.deliveries_ms = zero, .delivery_count = 2},
                                   brief = {.points = back, .point_count = 1, .period_ns = 5};
    const struct strata_impairment wrong[] = {
        {.loss_correlation_ppm = 1000001},
        {.states = {.p13 = 600000, .p14 = 500000}},
        {.states = {.p31 = 600000, .p32 = 500000}},
        {.slot_min_ns = 2, .slot_max_ns = 1},
        {.distribution = (enum strata_distribution)5},
        {.trace = &empty},
        {.trace = &backward},
        {.trace = &never},
        {.trace = &brief},
    };
    struct line line = line_new(&(struct strata_impairment){0});
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHECK_EQ(strata_cable_impair(line.cable, 0, &wrong[i]), -22);
    line_free(&line);
}

TEST_MAIN(TEST_ENTRY(correlated_faults_keep_their_rates), TEST_ENTRY(jitter_is_distributed_as_asked_for),
          TEST_ENTRY(a_delay_is_never_negative), TEST_ENTRY(four_states_lose_what_their_balance_says),
          TEST_ENTRY(a_gap_lies_between_reordered_frames), TEST_ENTRY(slots_let_frames_arrive_together),
          TEST_ENTRY(a_line_follows_its_trace), TEST_ENTRY(a_trace_begins_again),
          TEST_ENTRY(deliveries_carry_a_frame_each), TEST_ENTRY(impossible_impairments_are_refused))
