/*
 * Cables: the arithmetic of rate and delay equals the formulas of the textbook to the nanosecond; each fault
 * happens as often as it should, exactly reproducibly; directions and cables do not influence each other.
 */
#include "tests/lab/station.h"

#include <errno.h>

#include "tests/test.h"

#define MBIT UINT64_C(1000000)

/* What seed 1 makes of 10,000 frames. */
#define LOST_FORWARD 983
#define LOST_BACKWARD 1009
#define BURST_LOST 440
#define BURSTS 94

static struct strata_world *world_with_seed(uint64_t seed)
{
    struct strata_world *world;
    REQUIRE(strata_world_new(&world, &(struct strata_world_config){.size = sizeof(struct strata_world_config),
                                                                   .seed = seed}) == 0);
    return world;
}

static struct strata_cable *tie(struct strata_world *world, struct station *a, struct station *b,
                                struct strata_impairment both)
{
    struct strata_cable_config config = {.size = sizeof config, .forward = both, .backward = both};
    struct strata_cable *cable = strata_world_cable(world, a->node, b->node, &config);
    REQUIRE(cable != NULL);
    return cable;
}

static struct strata_cable_counts counts_of(const struct strata_cable *cable, int direction)
{
    struct strata_cable_counts counts = {.size = sizeof counts};
    CHECK_EQ(strata_cable_counts(cable, direction, &counts), 0);
    return counts;
}

/** A chain of `links` cables of `rate`, with relays between; `packets` of L bits at once. */
static struct station *chain(struct strata_world *world, int links, uint64_t rate_bps, strata_time delay_ns,
                             int packets, size_t length)
{
    struct station *first = station_new(world, "first"), *left = first, *right = first;
    for (int i = 0; i < links; i++) {
        char name[16];
        snprintf(name, sizeof name, "n%d", i);
        right = i + 1 < links ? relay_new(world, name) : station_new(world, name);
        tie(world, left, right, (struct strata_impairment){.rate_bps = rate_bps, .delay_ns = delay_ns});
        left = right;
    }
    for (int i = 0; i < packets; i++)
        station_say(first, 1, length, (uint32_t)i);
    strata_world_run(world, STRATA_NEVER);
    return right;
}

/* One packet over N links: N L/R. P packets: (N+P-1) L/R. With propagation d per link: + N d. */
TEST(store_and_forward_takes_what_the_formula_says)
{
    static const struct {
        int links, packets;
        uint64_t rate_bps;
        strata_time delay_ns;
        size_t length;
    } rows[] = {{1, 1, MBIT, 0, 1000},       {3, 1, MBIT, 0, 1000},    {2, 3, MBIT, 0, 1000},
                {5, 7, 10 * MBIT, 0, 1250},  {4, 10, MBIT, 5000, 125}, {7, 1, 1000 * MBIT, 1000000, 1000},
                {3, 20, 8000, 240000000, 10}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct strata_world *world = world_with_seed(1);
        struct station *last =
            chain(world, rows[i].links, rows[i].rate_bps, rows[i].delay_ns, rows[i].packets, rows[i].length);
        strata_time transmission = (strata_time)(rows[i].length * UINT64_C(8000000000) / rows[i].rate_bps);
        REQUIRE(last->heard_count == (unsigned)rows[i].packets);
        for (int p = 0; p < rows[i].packets; p++) {
            CHECK_EQ(last->heard[p].number, p);
            CHECK_EQ(last->heard[p].time,
                     (rows[i].links + p) * transmission + rows[i].links * rows[i].delay_ns);
        }
        strata_world_free(world);
    }
}

/* A burst of N: the n-th waits (n-1) L/R, on average (N-1) L/2R. */
TEST(a_burst_waits_in_the_queue)
{
    struct strata_world *world = world_with_seed(1);
    struct station *last = chain(world, 1, 10 * MBIT, 0, 10, 1250); // L/R is 1 ms
    strata_time sum = 0;
    for (int n = 0; n < 10; n++)
        sum += last->heard[n].time - STRATA_MILLISECOND; // its own transmission
    CHECK_EQ(sum, 10 * 9 * STRATA_MILLISECOND / 2);
    strata_world_free(world);
}

/* Ten cars (12 s each at the booth) over 100 km at 100 km/h: the last is through after 62 min. A booth before
 * each of two stretches, the cars counted when they stand before the second: 10 x 12 s + 60 min. */
TEST(the_caravan_takes_62_minutes)
{
    struct strata_world *world = world_with_seed(1);
    struct station *last =
        chain(world, 1, 10 * 8, 3600 * STRATA_SECOND, 10, 120); // 120 bytes at 80 bit/s: 12 s
    CHECK_EQ(last->heard[9].time, 62 * 60 * STRATA_SECOND);
    strata_world_free(world);
}

/* Stop and wait: 1 Gbit/s, RTT 30 ms, 8000 bits: one cycle takes 30.008 ms. */
TEST(a_question_and_its_answer_take_a_round_trip)
{
    struct strata_world *world = world_with_seed(1);
    struct station *a = station_new(world, "a"), *b = station_new(world, "b");
    tie(world, a, b,
        (struct strata_impairment){.rate_bps = 1000 * MBIT, .delay_ns = 15 * STRATA_MILLISECOND});
    station_say(a, 1, 1000, 1);
    strata_world_run(world, STRATA_NEVER);
    CHECK_EQ(b->heard[0].time, 15008 * STRATA_MICROSECOND);
    station_say(b, 1, 0, 2); // an acknowledgement without length
    station_say(b, 1, 1, 2);
    strata_world_run(world, STRATA_NEVER);
    CHECK_EQ(a->heard[0].time, 30008 * STRATA_MICROSECOND + 8);
    strata_world_free(world);
}

/* 8 bits at 3 bit/s are 2.666... s, and never less. */
TEST(transmission_is_rounded_up)
{
    struct strata_world *world = world_with_seed(1);
    struct station *last = chain(world, 1, 3, 0, 2, 1);
    CHECK_EQ(last->heard[0].time, 2666666667);
    CHECK_EQ(last->heard[1].time, 5333333334);
    strata_world_free(world);
}

TEST(a_full_queue_loses_what_comes_then)
{
    struct strata_world *world = world_with_seed(1);
    struct station *a = station_new(world, "a"), *b = station_new(world, "b");
    struct strata_cable *cable =
        tie(world, a, b, (struct strata_impairment){.rate_bps = MBIT, .queue_frames = 5}); // 1 ms per frame
    for (uint32_t i = 0; i < 10; i++)
        station_say(a, 1, 125, i);
    // At 2.5 ms frames 0 and 1 are gone, 2 is being sent, 3 to 5 wait: there is room for two more.
    for (uint32_t i = 10; i < 13; i++)
        station_say_at(world, 2500 * STRATA_MICROSECOND, a, 1, 125, i);
    strata_world_run(world, STRATA_NEVER);
    static const uint32_t expected[] = {0, 1, 2, 3, 4, 5, 10, 11};
    REQUIRE(b->heard_count == 8);
    for (unsigned i = 0; i < 8; i++) {
        CHECK_EQ(b->heard[i].number, expected[i]);
        CHECK_EQ(b->heard[i].time, (i + 1) * STRATA_MILLISECOND);
    }
    CHECK_EQ(counts_of(cable, 0).lost_queue, 5);
    CHECK_EQ(counts_of(cable, 0).sent, 13);
    strata_world_free(world);
}

/* ---- Chance ---------------------------------------------------------------------------------------------
 */

/** Ten thousand frames each way over one cable, a millisecond apart. */
static struct strata_cable *many(struct strata_world *world, struct strata_impairment impairment,
                                 struct station **a, struct station **b)
{
    *a = station_new(world, "a");
    *b = station_new(world, "b");
    struct strata_cable *cable = tie(world, *a, *b, impairment);
    for (uint32_t i = 0; i < 10000; i++) {
        station_say_at(world, i * STRATA_MILLISECOND, *a, 1, 64, i);
        station_say_at(world, i * STRATA_MILLISECOND, *b, 1, 64, i);
    }
    strata_world_run(world, STRATA_NEVER);
    for (int direction = 0; direction < 2; direction++) {
        struct strata_cable_counts c = counts_of(cable, direction);
        CHECK_EQ(c.sent, 10000);
        CHECK_EQ(c.sent + c.duplicated, c.delivered + c.lost + c.lost_burst + c.lost_queue + c.lost_down);
    }
    return cable;
}

TEST(independent_loss_is_exact_under_a_seed)
{
    struct station *a, *b;
    struct strata_world *world = world_with_seed(1);
    struct strata_cable *cable = many(world, (struct strata_impairment){.loss_ppm = 100000}, &a, &b);
    // 1000 expected, standard deviation 30; the very numbers belong to seed 1 and the name "a-b".
    CHECK_EQ(counts_of(cable, 0).lost, LOST_FORWARD);
    CHECK_EQ(counts_of(cable, 1).lost, LOST_BACKWARD);
    CHECK_EQ(b->heard_count, 10000 - LOST_FORWARD);
    strata_world_free(world);
    world = world_with_seed(2);
    cable = many(world, (struct strata_impairment){.loss_ppm = 100000}, &a, &b);
    CHECK(counts_of(cable, 0).lost != LOST_FORWARD);
    strata_world_free(world);
}

/* Mean loss p/(p+r) = 1 %/(1 % + 20 %) = 4.76 %; mean length of a burst 1/r = 5. */
TEST(bursts_are_as_long_and_as_frequent_as_the_model_says)
{
    struct station *a, *b;
    struct strata_world *world = world_with_seed(1);
    struct strata_cable *cable =
        many(world, (struct strata_impairment){.burst_enter_ppm = 10000, .burst_leave_ppm = 200000}, &a, &b);
    uint64_t lost = counts_of(cable, 0).lost_burst;
    unsigned bursts = 0;
    for (unsigned i = 1; i < b->heard_count; i++)
        bursts += b->heard[i].number != b->heard[i - 1].number + 1;
    CHECK_EQ(lost, BURST_LOST);
    CHECK_EQ(bursts, BURSTS);
    CHECK(lost > 380 && lost < 580);
    CHECK(lost * 10 / bursts > 40 && lost * 10 / bursts < 60);
    strata_world_free(world);
    // In the bad state only so many are lost when it says so.
    world = world_with_seed(1);
    cable =
        many(world, (struct strata_impairment){.burst_enter_ppm = 1000000, .burst_loss_ppm = 250000}, &a, &b);
    CHECK(counts_of(cable, 0).lost_burst > 2370 && counts_of(cable, 0).lost_burst < 2630);
    strata_world_free(world);
}

TEST(duplicates_arrive_twice)
{
    struct station *a, *b;
    struct strata_world *world = world_with_seed(1);
    struct strata_cable *cable = many(world, (struct strata_impairment){.duplicate_ppm = 50000}, &a, &b);
    uint64_t duplicated = counts_of(cable, 0).duplicated;
    CHECK(duplicated > 430 && duplicated < 570);
    CHECK_EQ(b->heard_count, 10000 + duplicated);
    unsigned twice = 0;
    for (unsigned i = 1; i < b->heard_count; i++)
        twice += b->heard[i].number == b->heard[i - 1].number;
    CHECK_EQ(twice, duplicated);
    strata_world_free(world);
}

TEST(corruption_flips_one_bit)
{
    struct station *a, *b;
    struct strata_world *world = world_with_seed(1);
    struct strata_cable *cable = many(world, (struct strata_impairment){.corrupt_ppm = 30000}, &a, &b);
    REQUIRE(b->heard_count == 10000);
    unsigned damaged = 0;
    for (uint32_t i = 0; i < 10000; i++) {
        uint64_t sum = 0; // of the bits that were sent
        for (unsigned j = 0; j < 64; j++)
            sum += (uint64_t)__builtin_popcount(j < 4 ? (i >> (8 * (3 - j))) & 0xff : (uint8_t)(i + j * 7));
        int64_t difference = (int64_t)(b->heard[i].sum - sum);
        CHECK(difference >= -1 && difference <= 1);
        damaged += difference != 0;
    }
    CHECK_EQ(damaged, counts_of(cable, 0).corrupted);
    CHECK(damaged > 240 && damaged < 360);
    strata_world_free(world);
}

TEST(jitter_keeps_the_order)
{
    struct station *a, *b;
    struct strata_world *world = world_with_seed(1);
    many(
        world,
        (struct strata_impairment){.delay_ns = 10 * STRATA_MILLISECOND, .jitter_ns = 20 * STRATA_MILLISECOND},
        &a, &b);
    REQUIRE(b->heard_count == 10000);
    strata_time least = STRATA_NEVER, most = 0;
    for (uint32_t i = 0; i < 10000; i++) {
        strata_time delay = b->heard[i].time - i * STRATA_MILLISECOND;
        CHECK_EQ(b->heard[i].number, i);
        least = delay < least ? delay : least;
        most = delay > most ? delay : most;
    }
    CHECK(least >= 10 * STRATA_MILLISECOND && most <= 30 * STRATA_MILLISECOND);
    CHECK(most - least > 15 * STRATA_MILLISECOND);
    strata_world_free(world);
}

TEST(reordered_frames_are_passed_by_others)
{
    struct station *a, *b;
    struct strata_world *world = world_with_seed(1);
    struct strata_cable *cable = many(world,
                                      (struct strata_impairment){.delay_ns = 10 * STRATA_MILLISECOND,
                                                                 .reorder_ppm = 20000,
                                                                 .reorder_ns = 3500 * STRATA_MICROSECOND},
                                      &a, &b);
    REQUIRE(b->heard_count == 10000);
    unsigned late = 0;
    for (unsigned i = 0; i < 10000; i++) {
        strata_time delay = b->heard[i].time - b->heard[i].number * STRATA_MILLISECOND;
        CHECK(delay == 10 * STRATA_MILLISECOND || delay == 13500 * STRATA_MICROSECOND);
        late += delay != 10 * STRATA_MILLISECOND;
    }
    CHECK_EQ(late, counts_of(cable, 0).reordered);
    CHECK(late > 150 && late < 250);
    unsigned inversions = 0;
    for (unsigned i = 1; i < 10000; i++)
        inversions += b->heard[i].number < b->heard[i - 1].number;
    CHECK(inversions > late / 2);
    strata_world_free(world);
}

/* As with netem: those that are picked go without the delay, and so pass what was sent before. */
TEST(early_frames_pass_others)
{
    struct station *a, *b;
    struct strata_world *world = world_with_seed(1);
    struct strata_cable *cable =
        many(world,
             (struct strata_impairment){
                 .delay_ns = 10 * STRATA_MILLISECOND, .reorder_ppm = 50000, .reorder_early = true},
             &a, &b);
    REQUIRE(b->heard_count == 10000);
    unsigned early = 0, passed = 0;
    for (unsigned i = 0; i < 10000; i++) {
        strata_time delay = b->heard[i].time - b->heard[i].number * STRATA_MILLISECOND;
        CHECK(delay == 10 * STRATA_MILLISECOND || delay == 0);
        early += delay == 0;
        passed += i > 0 && b->heard[i].number < b->heard[i - 1].number;
    }
    CHECK_EQ(early, counts_of(cable, 0).reordered);
    CHECK(early > 430 && early < 570);
    CHECK(passed > early / 2);
    strata_world_free(world);
}

/* Which of 2000 frames are lost, as one bit each: one frame per millisecond, of `bytes`. */
static void fates(struct strata_impairment impairment, uint32_t bytes, bool gone[2000])
{
    struct strata_world *world = world_with_seed(5);
    struct station *a = station_new(world, "a"), *b = station_new(world, "b");
    tie(world, a, b, impairment);
    for (uint32_t i = 0; i < 2000; i++)
        station_say_at(world, i * STRATA_MILLISECOND, a, 1, bytes, i);
    strata_world_run(world, STRATA_NEVER);
    for (unsigned i = 0; i < 2000; i++)
        gone[i] = true;
    for (unsigned i = 0; i < b->heard_count; i++)
        gone[b->heard[i].number] = false;
    strata_world_free(world);
}

/* Two senders of different habits meet the same loss: by the number of the frame, not by what else happens.
 */
TEST(loss_depends_on_the_number_of_the_frame_alone)
{
    static bool plain[2000], busy[2000], full[2000];
    struct strata_impairment impairment = {
        .loss_ppm = 20000, .burst_enter_ppm = 5000, .burst_leave_ppm = 300000};
    fates(impairment, 100, plain);
    impairment.duplicate_ppm = impairment.corrupt_ppm = impairment.reorder_ppm = 100000;
    impairment.jitter_ns = STRATA_MILLISECOND;
    fates(impairment, 1400, busy);
    CHECK_MEM(busy, plain, sizeof plain);
    // 1400 bytes take 1.4 ms here, so that the queue of ten is nearly always full.
    impairment.rate_bps = 8000000;
    impairment.queue_frames = 10;
    fates(impairment, 1400, full);
    unsigned lost = 0, more = 0;
    for (unsigned i = 0; i < 2000; i++) {
        CHECK(full[i] || !plain[i]);
        lost += plain[i];
        more += full[i];
    }
    CHECK(lost > 40 && lost < 200);
    CHECK(more > lost + 400);
}

TEST(the_longest_queue_is_remembered)
{
    struct strata_world *world = world_with_seed(1);
    struct station *a = station_new(world, "a"), *b = station_new(world, "b");
    struct strata_cable *cable = tie(world, a, b, (struct strata_impairment){.rate_bps = 8000000});
    for (uint32_t i = 0; i < 7; i++) // one is sent at once, six wait
        station_say(a, 1, 1000, i);
    strata_world_run(world, STRATA_NEVER);
    station_say(a, 1, 1000, 8);
    strata_world_run(world, STRATA_NEVER);
    CHECK_EQ(counts_of(cable, 0).queue_most, 6);
    CHECK_EQ(counts_of(cable, 1).queue_most, 0);
    strata_world_free(world);
}

TEST(directions_are_independent)
{
    struct strata_world *world = world_with_seed(1);
    struct station *a = station_new(world, "a"), *b = station_new(world, "b");
    struct strata_cable_config config = {.size = sizeof config,
                                         .forward = {.delay_ns = STRATA_MILLISECOND},
                                         .backward = {.loss_ppm = 1000000}};
    REQUIRE(strata_world_cable(world, a->node, b->node, &config) != NULL);
    station_say(a, 1, 60, 1);
    station_say(b, 1, 60, 2);
    strata_world_run(world, STRATA_NEVER);
    CHECK_EQ(b->heard_count, 1);
    CHECK_EQ(b->heard[0].time, STRATA_MILLISECOND);
    CHECK_EQ(a->heard_count, 0);
    strata_world_free(world);
}

/* What a cable draws depends on the seed and its name, not on what else is in the world. */
TEST(another_cable_changes_nothing)
{
    struct strata_world *world = world_with_seed(1);
    struct station *c = station_new(world, "c"), *d = station_new(world, "d");
    tie(world, c, d, (struct strata_impairment){.loss_ppm = 500000});
    for (uint32_t i = 0; i < 1000; i++)
        station_say_at(world, i * STRATA_MILLISECOND, c, 1, 64, i);
    struct station *a, *b;
    struct strata_cable *cable = many(world, (struct strata_impairment){.loss_ppm = 100000}, &a, &b);
    CHECK_EQ(counts_of(cable, 0).lost, LOST_FORWARD);
    CHECK_EQ(counts_of(cable, 1).lost, LOST_BACKWARD);
    strata_world_free(world);
}

/* ---- Cutting and changing ---------------------------------------------------------------------------------
 */

struct cutter {
    struct strata_cable *cable;
    bool up;
};

static void cut(struct strata_world *world, void *context)
{
    struct cutter *cutter = context;
    (void)world;
    CHECK_EQ(strata_cable_set_up(cutter->cable, cutter->up), 0);
}

TEST(a_cut_loses_what_is_under_way)
{
    struct strata_world *world = world_with_seed(1);
    struct station *a = station_new(world, "a"), *b = station_new(world, "b");
    struct strata_cable *cable =
        tie(world, a, b, (struct strata_impairment){.delay_ns = 10 * STRATA_MILLISECOND});
    for (uint32_t i = 0; i < 40; i++)
        station_say_at(world, i * STRATA_MILLISECOND, a, 1, 60, i);
    struct cutter down = {cable, false}, up = {cable, true};
    strata_world_at(world, 20500 * STRATA_MICROSECOND, cut, &down);
    strata_world_at(world, 30500 * STRATA_MICROSECOND, cut, &up);
    strata_world_run(world, STRATA_NEVER);
    // 0 to 10 had arrived by then; 11 to 20 were under way; 21 to 30 met the cut.
    REQUIRE(b->heard_count == 11 + 9);
    CHECK_EQ(b->heard[10].number, 10);
    CHECK_EQ(b->heard[11].number, 31);
    CHECK_EQ(counts_of(cable, 0).lost_down, 20);
    strata_world_free(world);
}

TEST(a_frame_longer_than_the_cable_takes_is_lost)
{
    struct strata_world *world = world_with_seed(1);
    struct station *a = station_new(world, "a"), *b = station_new(world, "b");
    struct strata_cable *cable = tie(world, a, b, (struct strata_impairment){0});
    station_say(a, 1, 1518, 1); // 1500 and a header with a tag
    station_say(a, 1, 1519, 2);
    station_say(a, 1, 65000, 3);
    strata_world_run(world, STRATA_NEVER);
    CHECK_EQ(b->heard_count, 1);
    CHECK_EQ(counts_of(cable, 0).lost_down, 2);
    strata_world_free(world);
}

TEST(impairments_may_change)
{
    struct strata_world *world = world_with_seed(1);
    struct station *a = station_new(world, "a"), *b = station_new(world, "b");
    struct strata_cable *cable = tie(world, a, b, (struct strata_impairment){.loss_ppm = 1000000});
    station_say(a, 1, 60, 1);
    strata_world_run(world, STRATA_SECOND);
    CHECK_EQ(strata_cable_impair(cable, 0, &(struct strata_impairment){.delay_ns = 7}), 0);
    station_say(a, 1, 60, 2);
    strata_world_run(world, 2 * STRATA_SECOND);
    REQUIRE(b->heard_count == 1);
    CHECK_EQ(b->heard[0].time, STRATA_SECOND + 7);
    CHECK_EQ(strata_cable_impair(cable, 2, &(struct strata_impairment){0}), -22);
    CHECK_EQ(strata_cable_impair(cable, 0, &(struct strata_impairment){.loss_ppm = 1000001}), -22);
    CHECK_EQ(strata_cable_impair(cable, 0, &(struct strata_impairment){.delay_ns = -1}), -22);
    strata_world_free(world);
}

/* Named frames are lost and no others, counted per direction, from where it was said. */
TEST(certain_frames_are_lost)
{
    struct strata_world *world = world_with_seed(1);
    struct station *a = station_new(world, "a"), *b = station_new(world, "b");
    struct strata_cable *cable = tie(world, a, b, (struct strata_impairment){.rate_bps = MBIT});
    CHECK_EQ(strata_cable_lose(cable, 0, (uint32_t[]){2, 4, 2}, 3), 0);
    CHECK_EQ(strata_cable_lose(cable, 0, (uint32_t[]){0}, 1), -EINVAL);
    CHECK_EQ(strata_cable_lose(cable, 2, (uint32_t[]){1}, 1), -EINVAL);
    for (uint32_t i = 1; i <= 5; i++)
        station_say(a, 1, 100, i), station_say(b, 1, 100, i);
    strata_world_run(world, STRATA_NEVER);
    REQUIRE(b->heard_count == 3);
    CHECK_EQ(b->heard[0].number, 1);
    CHECK_EQ(b->heard[1].number, 3);
    CHECK_EQ(b->heard[2].number, 5);
    CHECK_EQ(a->heard_count, 5);
    CHECK_EQ(counts_of(cable, 0).lost, 2);
    CHECK_EQ(strata_cable_lose(cable, 0, (uint32_t[]){1}, 1), 0); // the next one
    station_say(a, 1, 100, 6), station_say(a, 1, 100, 7);
    strata_world_run(world, STRATA_NEVER);
    REQUIRE(b->heard_count == 4);
    CHECK_EQ(b->heard[3].number, 7);
    strata_world_free(world);
}

TEST_MAIN(TEST_ENTRY(certain_frames_are_lost),
          TEST_ENTRY(store_and_forward_takes_what_the_formula_says), TEST_ENTRY(a_burst_waits_in_the_queue),
          TEST_ENTRY(the_caravan_takes_62_minutes), TEST_ENTRY(a_question_and_its_answer_take_a_round_trip),
          TEST_ENTRY(transmission_is_rounded_up), TEST_ENTRY(a_full_queue_loses_what_comes_then),
          TEST_ENTRY(independent_loss_is_exact_under_a_seed),
          TEST_ENTRY(bursts_are_as_long_and_as_frequent_as_the_model_says),
          TEST_ENTRY(duplicates_arrive_twice), TEST_ENTRY(corruption_flips_one_bit),
          TEST_ENTRY(jitter_keeps_the_order), TEST_ENTRY(reordered_frames_are_passed_by_others),
          TEST_ENTRY(early_frames_pass_others), TEST_ENTRY(loss_depends_on_the_number_of_the_frame_alone),
          TEST_ENTRY(the_longest_queue_is_remembered), TEST_ENTRY(directions_are_independent),
          TEST_ENTRY(another_cable_changes_nothing), TEST_ENTRY(a_cut_loses_what_is_under_way),
          TEST_ENTRY(a_frame_longer_than_the_cable_takes_is_lost), TEST_ENTRY(impairments_may_change))
