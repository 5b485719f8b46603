/*
 * The shared medium: what happens when, to the nanosecond, and that measured efficiencies lie on the formulas.
 */
#include "lab/medium_load.h"

#include <errno.h>

#include "tests/test.h"

#define US STRATA_MICROSECOND
#define FRAME (1000 * US)

/* ---- What happens, told as lines of a small script --------------------------------------------------------- */

struct story {
    struct medium *medium;
    char text[2000];
    unsigned down; /**< Bits of stations that are. */
};

static void tell(struct story *story, const char *format, strata_time now, unsigned station, const char *frame)
{
    size_t length = strlen(story->text);
    snprintf(story->text + length, sizeof story->text - length, format, now / US, 'a' + station, frame);
}

static strata_time clock_of(struct story *story);

static void heard(void *self, unsigned station, const struct medium_frame *frame)
{
    tell(self, "%" PRId64 " %c hears %s\n", clock_of(self), station, frame->what);
}

static void collided(void *self, unsigned station, const struct medium_frame *frame, unsigned attempt)
{
    (void)attempt;
    tell(self, "%" PRId64 " %c collided with %s\n", clock_of(self), station, frame->what);
}

static void released(void *self, const struct medium_frame *frame, enum medium_end end, bool arrived)
{
    static const char *const ends[] = {"sent", "excessive", "late", "down"};
    struct story *story = self;
    size_t length = strlen(story->text);
    snprintf(story->text + length, sizeof story->text - length, "%s %s%s\n", (const char *)frame->what, ends[end],
             end == MEDIUM_SENT && !arrived ? ", unnoticed" : "");
}

static bool is_up(void *self, unsigned station)
{
    return !(((struct story *)self)->down >> station & 1);
}

static strata_time story_now;

static strata_time clock_of(struct story *story)
{
    (void)story;
    return story_now;
}

static struct medium_config plain(enum strata_access access, unsigned stations, strata_time span_ns)
{
    return (struct medium_config){.access = access,
                                  .stations = stations,
                                  .span_ns = span_ns,
                                  .slot_ns = access == STRATA_ACCESS_CSMA_CD ? 2 * span_ns : FRAME,
                                  .unit_ns = FRAME,
                                  .attempts = 16,
                                  .queue_frames = 10,
                                  .persistence_ppm = 100000};
}

static void begin(struct story *story, const struct medium_config *config)
{
    static const struct medium_calls calls = {
        .is_up = is_up, .arrived = heard, .collided = collided, .release = released};
    *story = (struct story){0};
    story_now = 0;
    REQUIRE(medium_new(&story->medium, config, &calls, story) == 0);
}

static void go_until(struct story *story, strata_time until)
{
    strata_time next;
    while ((next = medium_deadline(story->medium)) <= until) {
        story_now = next;
        REQUIRE(medium_advance(story->medium, next) == 0);
    }
    story_now = until;
    REQUIRE(medium_advance(story->medium, until) == 0);
}

static void says(struct story *story, strata_time time, unsigned station, strata_time air_ns, int to, const char *frame)
{
    go_until(story, time);
    struct medium_frame what = {.what = (void *)(uintptr_t)frame, .air_ns = air_ns, .to = to};
    REQUIRE(medium_offer(story->medium, station, &what, time) == 0);
}

static bool ends_as(struct story *story, strata_time until, const char *expected)
{
    go_until(story, until);
    bool same = strcmp(story->text, expected) == 0;
    if (!same)
        printf("    it went:\n%s", story->text);
    medium_free(story->medium);
    return same;
}

TEST(aloha_speaks_at_once_and_overlaps_are_ruined)
{
    struct story story;
    struct medium_config config = plain(STRATA_ACCESS_ALOHA, 3, 20 * US);
    config.attempts = 1;
    begin(&story, &config);
    says(&story, 0, 0, 100 * US, MEDIUM_ALL, "x");
    says(&story, 300 * US, 0, 100 * US, MEDIUM_ALL, "y");
    says(&story, 390 * US, 2, 100 * US, MEDIUM_ALL, "z"); // before the end of y has come to it
    CHECK(ends_as(&story, 10 * STRATA_SECOND,
                  "110 b hears x\n120 c hears x\nx sent\n440 a collided with y\ny excessive\n"
                  "510 a hears z\n530 c collided with z\nz excessive\n"));
}

TEST(the_place_decides_who_understands)
{
    // z begins at c when y's end is still on its way to it: it is ruined at c, whole at a and at b.
    struct story story;
    struct medium_config config = plain(STRATA_ACCESS_ALOHA, 3, 20 * US);
    config.attempts = 1;
    begin(&story, &config);
    says(&story, 0, 0, 100 * US, 1, "y");
    says(&story, 105 * US, 2, 100 * US, 1, "z");
    CHECK(ends_as(&story, STRATA_SECOND,
                  "110 b hears y\ny sent\n215 b hears z\n225 a hears z\nz sent\n"));
}

TEST(slotted_aloha_waits_for_the_beat)
{
    struct story story;
    struct medium_config config = plain(STRATA_ACCESS_SLOTTED_ALOHA, 2, 0);
    begin(&story, &config);
    says(&story, 1, 0, FRAME, MEDIUM_ALL, "x");
    says(&story, FRAME, 1, FRAME, MEDIUM_ALL, "y"); // on the beat: goes at once, and both are ruined
    struct strata_bus_counts counts;
    go_until(&story, 2 * FRAME - 1);
    medium_counts(story.medium, &counts);
    CHECK_EQ(counts.attempts, 2);
    CHECK_EQ(counts.collisions, 1);
    go_until(&story, 2 * FRAME);
    CHECK(strcmp(story.text, "2000 a collided with x\n2000 b collided with y\n") == 0);
    medium_free(story.medium);
}

TEST(carrier_sense_hears_what_has_come)
{
    struct story story;
    struct medium_config config = plain(STRATA_ACCESS_CSMA, 2, 10 * US);
    config.attempts = 1;
    begin(&story, &config);
    says(&story, 0, 0, 100 * US, MEDIUM_ALL, "x");
    says(&story, 11 * US, 1, 100 * US, MEDIUM_ALL, "y"); // hears x, waits for its end at 110
    CHECK(ends_as(&story, STRATA_SECOND, "110 b hears x\nx sent\n220 a hears y\ny sent\n"));
    begin(&story, &config);
    says(&story, 0, 0, 100 * US, MEDIUM_ALL, "x");
    says(&story, 10 * US, 1, 100 * US, MEDIUM_ALL, "y"); // x arrives in this very moment: too late to hear
    CHECK(ends_as(&story, STRATA_SECOND, "120 a collided with x\nx excessive\n130 b collided with y\ny excessive\n"));
}

TEST(collision_detection_ends_both_early)
{
    // As on the blackboard: t_prop = 10, both learn at t + t_prop of the other, jam 3.2, then a slot or none.
    struct story story;
    struct medium_config config = plain(STRATA_ACCESS_CSMA_CD, 2, 10 * US);
    config.jam_ns = 3200;
    config.attempts = 1;
    begin(&story, &config);
    says(&story, 0, 0, 1000 * US, MEDIUM_ALL, "x");
    says(&story, 9 * US, 1, 1000 * US, MEDIUM_ALL, "y");
    CHECK(ends_as(&story, STRATA_SECOND, "13 b collided with y\ny excessive\n22 a collided with x\nx excessive\n"));
}

TEST(short_frames_on_a_long_bus_are_lost_unnoticed)
{
    struct story story;
    struct medium_config config = plain(STRATA_ACCESS_CSMA_CD, 3, 20 * US);
    begin(&story, &config);
    says(&story, 0, 0, 5 * US, 1, "x");
    says(&story, 1 * US, 2, 5 * US, 1, "y"); // they meet at b, when both senders have long ended
    CHECK(ends_as(&story, STRATA_SECOND,
                  "25 c hears x\nx sent, unnoticed\n26 a hears y\ny sent, unnoticed\n"));
}

TEST(a_collision_after_the_slot_is_late)
{
    struct story story;
    struct medium_config config = plain(STRATA_ACCESS_CSMA_CD, 2, 100 * US);
    config.slot_ns = 50 * US;
    begin(&story, &config);
    says(&story, 0, 0, 1000 * US, MEDIUM_ALL, "x");
    says(&story, 99 * US, 1, 1000 * US, MEDIUM_ALL, "y");
    go_until(&story, STRATA_SECOND);
    CHECK(strstr(story.text, "x late\n"));
    struct strata_bus_counts counts;
    medium_counts(story.medium, &counts);
    CHECK_EQ(counts.late, 1); // y learned of it within a microsecond, backed off and got through
    CHECK_EQ(counts.sent, 1);
    medium_free(story.medium);
}

TEST(back_off_doubles_and_gives_up)
{
    // Both begin, collide and draw: in the end both get through, or are given up after the last attempt.
    struct story story;
    struct medium_config config = plain(STRATA_ACCESS_CSMA_CD, 2, 10 * US);
    begin(&story, &config);
    for (int i = 0; i < 5; i++) {
        says(&story, 0, 0, FRAME, MEDIUM_ALL, "x");
        says(&story, 0, 1, FRAME, MEDIUM_ALL, "y");
    }
    go_until(&story, STRATA_SECOND);
    struct strata_bus_counts counts;
    medium_counts(story.medium, &counts);
    CHECK_EQ(counts.sent, 10);
    CHECK(counts.collisions >= 1);
    CHECK_EQ(counts.attempts, counts.sent + counts.collided);
    medium_free(story.medium);
    config.attempts = 1;
    begin(&story, &config);
    says(&story, 0, 0, FRAME, MEDIUM_ALL, "x");
    says(&story, 0, 1, FRAME, MEDIUM_ALL, "y");
    CHECK(ends_as(&story, STRATA_SECOND, "10 b collided with y\ny excessive\n10 a collided with x\nx excessive\n"));
}

TEST(the_token_goes_round)
{
    // Four stations 10 apart on a wire of 30; the token takes 2. It starts at a.
    struct story story;
    struct medium_config config = plain(STRATA_ACCESS_TOKEN, 4, 30 * US);
    config.token_ns = 2 * US;
    begin(&story, &config);
    says(&story, 0, 0, 100 * US, 2, "x");
    says(&story, 50 * US, 2, 100 * US, 0, "z");
    says(&story, 50 * US, 0, 100 * US, 2, "y");
    // a: 0-100. To b 112, to c 124: z until 224, heard by all at 244. To d 236, to a 268: y until 368.
    CHECK(ends_as(&story, 500 * US,
                  "110 b hears x\n120 c hears x\n130 d hears x\nx sent\n"
                  "234 b hears z\n234 d hears z\n244 a hears z\nz sent\n"
                  "378 b hears y\n388 c hears y\n398 d hears y\ny sent\n"));
}

TEST(an_idle_token_costs_no_events_and_is_where_it_should_be)
{
    struct story story;
    struct medium_config config = plain(STRATA_ACCESS_TOKEN, 4, 30 * US);
    config.token_ns = 2 * US;
    begin(&story, &config);
    CHECK(medium_deadline(story.medium) == STRATA_NEVER);
    // A round takes 12 + 12 + 12 + 32 = 68. After 1000 rounds and 12 it is at b; c gets it 12 later.
    says(&story, 68012 * US, 2, 100 * US, 0, "z");
    CHECK(medium_deadline(story.medium) == 68024 * US);
    struct strata_bus_counts counts;
    go_until(&story, STRATA_SECOND);
    medium_counts(story.medium, &counts);
    CHECK_EQ(counts.sent, 1);
    CHECK(medium_deadline(story.medium) == STRATA_NEVER);
    medium_free(story.medium);
    // Who is down is passed over.
    begin(&story, &config);
    story.down = 1u << 1;
    says(&story, 0, 1, 100 * US, 0, "lost");
    says(&story, 1, 2, 100 * US, 0, "z");
    CHECK(medium_deadline(story.medium) == 22 * US);
    medium_free(story.medium);
}

TEST(a_full_queue_refuses)
{
    struct story story;
    struct medium_config config = plain(STRATA_ACCESS_CSMA_CD, 2, 10 * US);
    begin(&story, &config);
    struct medium_frame frame = {.what = (void *)"x", .air_ns = FRAME, .to = MEDIUM_ALL};
    for (int i = 0; i < 11; i++) // one is being sent, ten wait
        CHECK(medium_offer(story.medium, 0, &frame, 0) == 0);
    CHECK(medium_offer(story.medium, 0, &frame, 0) == -ENOBUFS);
    CHECK_EQ(medium_waiting(story.medium), 11);
    medium_silence(story.medium, US);
    struct strata_bus_counts counts;
    medium_counts(story.medium, &counts);
    CHECK_EQ(counts.lost_down, 11);
    CHECK_EQ(medium_waiting(story.medium), 0);
    medium_free(story.medium);
}

TEST(what_cannot_be_is_refused)
{
    struct medium *medium;
    static const struct medium_calls calls;
    struct medium_config config = plain(STRATA_ACCESS_CSMA_CD, 1, 10 * US);
    CHECK(medium_new(&medium, &config, &calls, NULL) == -EINVAL);
    config = plain(STRATA_ACCESS_CSMA_CD, 2, 10 * US);
    const strata_time beyond[] = {0, 11 * US};
    config.positions = beyond;
    CHECK(medium_new(&medium, &config, &calls, NULL) == -EINVAL);
    config.positions = NULL;
    config.slot_ns = 0;
    CHECK(medium_new(&medium, &config, &calls, NULL) == -EINVAL);
}

/* ---- Curves --------------------------------------------------------------------------------------------------- */

/** Whether a measured value lies within so many per mille of a formula's. */
static bool lies_on(uint64_t measured_ppm, uint64_t formula_ppm, unsigned per_mille)
{
    uint64_t off = measured_ppm > formula_ppm ? measured_ppm - formula_ppm : formula_ppm - measured_ppm;
    bool near = off * 1000 <= formula_ppm * per_mille;
    if (!near)
        printf("    measured %" PRIu64 ", formula %" PRIu64 "\n", measured_ppm, formula_ppm);
    return near;
}

static uint64_t measure(enum strata_access access, uint64_t g_ppm, strata_time span_ns, uint64_t frames)
{
    struct medium_load load = {.medium = plain(access, 500, span_ns),
                               .air_ns = FRAME,
                               .offered_ppm = (uint32_t)g_ppm,
                               .frames = frames};
    load.medium.attempts = 1;
    load.medium.star = true;
    struct medium_measured measured;
    REQUIRE(medium_measure(&load, &measured) == 0);
    CHECK(lies_on(measured.offered_ppm, g_ppm, 15));
    return measured.throughput_ppm;
}

TEST(aloha_lies_on_its_formula)
{
    static const uint32_t g_ppm[] = {100000, 300000, 500000, 700000, 1000000, 1500000};
    for (size_t i = 0; i < sizeof g_ppm / sizeof *g_ppm; i++)
        CHECK(lies_on(measure(STRATA_ACCESS_ALOHA, g_ppm[i], 0, 60000), formula_aloha(g_ppm[i]), 30));
    // The peak, 1/2e.
    CHECK(lies_on(measure(STRATA_ACCESS_ALOHA, 500000, 0, 60000), 183940, 30));
}

TEST(slotted_aloha_lies_on_its_formula)
{
    static const uint32_t g_ppm[] = {100000, 500000, 1000000, 1500000, 2000000};
    for (size_t i = 0; i < sizeof g_ppm / sizeof *g_ppm; i++)
        CHECK(lies_on(measure(STRATA_ACCESS_SLOTTED_ALOHA, g_ppm[i], 0, 60000), formula_slotted(g_ppm[i]), 30));
    CHECK(lies_on(measure(STRATA_ACCESS_SLOTTED_ALOHA, 1000000, 0, 60000), 367879, 30)); // 1/e
}

TEST(carrier_sense_lies_on_its_formulas)
{
    static const uint32_t g_ppm[] = {300000, 1000000, 2000000, 5000000};
    for (size_t i = 0; i < sizeof g_ppm / sizeof *g_ppm; i++) {
        CHECK(lies_on(measure(STRATA_ACCESS_CSMA_NON_PERSISTENT, g_ppm[i], FRAME / 10, 40000),
                      formula_non_persistent(g_ppm[i], 100000), 30));
        if (g_ppm[i] <= 2000000)
            CHECK(lies_on(measure(STRATA_ACCESS_CSMA, g_ppm[i], FRAME / 10, 40000),
                          formula_persistent(g_ppm[i], 100000), 30));
    }
}

/** Sixty stations with always something to say, any two t_prop apart. */
static uint64_t crowd(uint64_t a_ppm, uint64_t frames)
{
    struct medium_load load = {.medium = plain(STRATA_ACCESS_CSMA_CD, 60, (strata_time)(a_ppm * FRAME / 1000000)),
                               .air_ns = FRAME,
                               .frames = frames};
    load.medium.star = true;
    struct medium_measured measured;
    REQUIRE(medium_measure(&load, &measured) == 0);
    return measured.throughput_ppm;
}

TEST(csma_cd_lies_on_its_formula_where_it_holds)
{
    static const uint32_t a_ppm[] = {1000, 5000, 10000, 20000, 30000, 40000, 50000, 60000};
    for (size_t i = 0; i < sizeof a_ppm / sizeof *a_ppm; i++)
        CHECK(lies_on(crowd(a_ppm[i], 20000), formula_csma_cd(a_ppm[i]), 30));
    // Beyond, who has just succeeded wins again before the others have waited their doubled times.
    CHECK(crowd(200000, 5000) > formula_csma_cd(200000) * 11 / 10);
}

TEST(token_passing_is_its_formula)
{
    // 20 stations, evenly on a wire of 100, a token of 5: 20 steps are 20 * 5 + 2 * 100 of walking.
    struct medium_load load = {
        .medium = plain(STRATA_ACCESS_TOKEN, 20, 95 * US), .air_ns = FRAME, .frames = 4000};
    load.medium.token_ns = 5 * US;
    struct medium_measured measured;
    REQUIRE(medium_measure(&load, &measured) == 0);
    CHECK(lies_on(measured.throughput_ppm, formula_token((20 * 5 + 2 * 95) * 1000 / 20), 1));
    CHECK_EQ(measured.counts.collided, 0);
}

TEST(formulas_are_right)
{
    CHECK(lies_on(exp_minus(1000000) * 1000000 >> 30, 367879, 1));
    CHECK(lies_on(exp_minus(10000000) * 1000000000 >> 30, 45400, 1));
    CHECK_EQ(exp_minus(0), UINT64_C(1) << 30);
    CHECK(lies_on(formula_aloha(500000), 183940, 1));
    CHECK(lies_on(formula_slotted(1000000), 367879, 1));
    // Kleinrock and Tobagi, figure 5, a = 0.01: non-persistent reaches 0.815, 1-persistent 0.529.
    CHECK(lies_on(formula_non_persistent(9000000, 10000), 815000, 20));
    CHECK(lies_on(formula_persistent(1000000, 10000), 529000, 10));
    CHECK_EQ(formula_csma_cd(200000), 500000);
}

TEST(the_same_seed_gives_the_same_run)
{
    CHECK_EQ(crowd(50000, 2000), crowd(50000, 2000));
}

TEST_MAIN(TEST_ENTRY(aloha_speaks_at_once_and_overlaps_are_ruined), TEST_ENTRY(the_place_decides_who_understands),
          TEST_ENTRY(slotted_aloha_waits_for_the_beat), TEST_ENTRY(carrier_sense_hears_what_has_come),
          TEST_ENTRY(collision_detection_ends_both_early), TEST_ENTRY(short_frames_on_a_long_bus_are_lost_unnoticed),
          TEST_ENTRY(a_collision_after_the_slot_is_late), TEST_ENTRY(back_off_doubles_and_gives_up),
          TEST_ENTRY(the_token_goes_round), TEST_ENTRY(an_idle_token_costs_no_events_and_is_where_it_should_be),
          TEST_ENTRY(a_full_queue_refuses), TEST_ENTRY(what_cannot_be_is_refused),
          TEST_ENTRY(aloha_lies_on_its_formula), TEST_ENTRY(slotted_aloha_lies_on_its_formula),
          TEST_ENTRY(carrier_sense_lies_on_its_formulas), TEST_ENTRY(csma_cd_lies_on_its_formula_where_it_holds),
          TEST_ENTRY(token_passing_is_its_formula), TEST_ENTRY(formulas_are_right),
          TEST_ENTRY(the_same_seed_gives_the_same_run))
