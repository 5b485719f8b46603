/*
 * The world: events come in the order of time and of their making; devices are called when they want to be; a
 * world that stands still is noticed; the hash tells runs apart.
 */
#include "tests/lab/station.h"

#include <errno.h>

#include "tests/test.h"

static struct strata_world *world_with_seed(uint64_t seed)
{
    struct strata_world *world;
    REQUIRE(strata_world_new(&world, &(struct strata_world_config){.size = sizeof(struct strata_world_config),
                                                                   .seed = seed}) == 0);
    return world;
}

/* ---- Order ------------------------------------------------------------------------------------------------
 */

static struct {
    int value[600];
    strata_time time[600];
    int count;
} happened;

static int numbers[600];

static void happen(struct strata_world *world, void *context)
{
    happened.time[happened.count] = strata_world_now(world);
    happened.value[happened.count++] = *(int *)context;
}

TEST(events_come_in_total_order)
{
    struct strata_world *world = world_with_seed(1);
    uint64_t random = 7;
    happened.count = 0;
    strata_time times[600];
    for (int i = 0; i < 600; i++) {
        numbers[i] = i;
        times[i] = (strata_time)test_below(&random, 50); // many at the same time
        CHECK_EQ(strata_world_at(world, times[i], happen, &numbers[i]), 0);
    }
    CHECK_EQ(strata_world_run(world, STRATA_NEVER), 0);
    CHECK_EQ(happened.count, 600);
    for (int i = 0; i < 600; i++) {
        CHECK_EQ(happened.time[i], times[happened.value[i]]);
        if (i > 0)
            CHECK(happened.time[i - 1] < happened.time[i] ||
                  (happened.time[i - 1] == happened.time[i] && happened.value[i - 1] < happened.value[i]));
    }
    strata_world_free(world);
}

static void plan_more(struct strata_world *world, void *context)
{
    happen(world, context);
    if (happened.count < 3)
        strata_world_at(world, 0, plan_more, context); // long past: it happens next
}

TEST(what_is_late_happens_at_once)
{
    struct strata_world *world = world_with_seed(1);
    happened.count = 0;
    strata_world_at(world, STRATA_SECOND, plan_more, &numbers[0]);
    strata_world_run(world, STRATA_NEVER);
    CHECK_EQ(happened.count, 3);
    CHECK_EQ(happened.time[2], STRATA_SECOND);
    strata_world_free(world);
}

TEST(time_goes_to_where_it_was_told)
{
    struct strata_world *world = world_with_seed(1);
    happened.count = 0;
    strata_world_at(world, 5 * STRATA_SECOND, happen, &numbers[0]);
    CHECK_EQ(strata_world_run(world, 3 * STRATA_SECOND), 0);
    CHECK_EQ(strata_world_now(world), 3 * STRATA_SECOND);
    CHECK_EQ(happened.count, 0);
    CHECK_EQ(strata_world_run(world, 5 * STRATA_SECOND), 0);
    CHECK_EQ(happened.count, 1);
    CHECK_EQ(strata_world_run(world, STRATA_NEVER), 0);
    CHECK_EQ(strata_world_now(world), 5 * STRATA_SECOND);
    strata_world_free(world);
}

static bool two_happened(void *context)
{
    (void)context;
    return happened.count >= 2;
}

static bool never(void *context)
{
    (void)context;
    return false;
}

TEST(running_until_something_holds)
{
    struct strata_world *world = world_with_seed(1);
    happened.count = 0;
    for (int i = 0; i < 5; i++)
        strata_world_at(world, i * STRATA_SECOND, happen, &numbers[i]);
    CHECK_EQ(strata_world_run_until(world, two_happened, NULL, 100 * STRATA_SECOND), 1);
    CHECK_EQ(strata_world_now(world), STRATA_SECOND);
    CHECK_EQ(strata_world_run_until(world, never, NULL, 2 * STRATA_SECOND), 0);
    CHECK_EQ(happened.count, 3);
    strata_world_free(world); // two events are left
}

/* ---- Devices
 * ------------------------------------------------------------------------------------------------ */

TEST(a_device_is_called_at_its_deadline)
{
    struct strata_world *world = world_with_seed(1);
    struct station *a = station_new(world, "a");
    a->due = 3 * STRATA_MILLISECOND;
    a->wants_after = 10 * STRATA_MILLISECOND;
    strata_world_run(world, 44 * STRATA_MILLISECOND);
    CHECK_EQ(a->advanced, 5); // 3, 13, 23, 33, 43
    CHECK_EQ(a->due, 53 * STRATA_MILLISECOND);
    strata_world_free(world);
}

static void earlier(struct strata_world *world, void *context)
{
    struct station *a = context;
    (void)world;
    a->due = 7 * STRATA_MILLISECOND;
    strata_node_touch(a->node);
}

TEST(a_deadline_may_move)
{
    struct strata_world *world = world_with_seed(1);
    struct station *a = station_new(world, "a");
    a->due = 20 * STRATA_MILLISECOND;
    strata_world_at(world, 5 * STRATA_MILLISECOND, earlier, a);
    strata_world_run(world, 6 * STRATA_MILLISECOND);
    a->wants_after = 30 * STRATA_MILLISECOND;
    strata_world_run(world, 30 * STRATA_MILLISECOND);
    CHECK_EQ(a->advanced, 1); // at 7; what was planned for 20 is forgotten
    CHECK_EQ(a->due, 37 * STRATA_MILLISECOND);
    strata_world_free(world);
}

TEST(a_world_that_stands_still_is_noticed)
{
    struct strata_world *world = world_with_seed(1);
    struct station *a = station_new(world, "a");
    a->due = STRATA_SECOND;
    a->wants_after = 0; // at once, for ever
    CHECK_EQ(strata_world_run(world, 10 * STRATA_SECOND), -ELOOP);
    CHECK_EQ(strata_world_now(world), STRATA_SECOND);
    strata_world_free(world);
}

/* ---- Building
 * ------------------------------------------------------------------------------------------------ */

TEST(names_are_unique_and_found)
{
    struct strata_world *world = world_with_seed(1);
    struct station *a = station_new(world, "a"), *b = station_new(world, "b");
    CHECK(strata_world_find(world, "a") == a->node);
    CHECK(strata_world_find(world, "c") == NULL);
    CHECK(strata_world_switch(world, "a", 4) == NULL);
    CHECK(strata_world_node(world, 1) == b->node);
    CHECK(strata_world_node(world, 2) == NULL);
    CHECK_STR(strata_node_name(b->node), "b");
    struct strata_cable *first = strata_world_cable(world, a->node, b->node, NULL);
    struct strata_cable *second = strata_world_cable(world, a->node, b->node, NULL);
    REQUIRE(first && second);
    CHECK_STR(strata_cable_name(first), "a-b");
    CHECK_STR(strata_cable_name(second), "a-b-2");
    int port = 0;
    CHECK(strata_cable_end(second, 1, &port) == b->node);
    CHECK_EQ(port, 2);
    CHECK(strata_world_find_cable(world, "a-b-2") == second);
    struct strata_cable_config config = {.size = sizeof config, .name = "a-b"};
    CHECK(strata_world_cable(world, a->node, b->node, &config) == NULL);
    config = (struct strata_cable_config){.size = sizeof config, .port_a = 2};
    CHECK(strata_world_cable(world, a->node, b->node, &config) == NULL); // taken
    config.port_a = 9;
    CHECK(strata_world_cable(world, a->node, b->node, &config) != NULL);
    strata_world_free(world);
}

TEST(a_crashed_device_neither_hears_nor_speaks)
{
    struct strata_world *world = world_with_seed(1);
    struct station *a = station_new(world, "a"), *b = station_new(world, "b");
    REQUIRE(strata_world_cable(world, a->node, b->node, NULL) != NULL);
    CHECK_EQ(strata_node_crash(b->node), 0);
    CHECK_EQ(strata_node_crash(b->node), -EALREADY);
    station_say(a, 1, 60, 1);
    station_say(b, 1, 60, 2);
    strata_world_run(world, STRATA_SECOND);
    CHECK_EQ(a->heard_count + b->heard_count, 0);
    CHECK_EQ(strata_node_restart(b->node), 0);
    strata_world_run(world, 2 * STRATA_SECOND);
    CHECK_EQ(a->heard_count, 1); // it still wanted to say that
    CHECK_EQ(b->heard_count, 0); // what came meanwhile is gone
    strata_world_free(world);
}

/* ---- The hash
 * ------------------------------------------------------------------------------------------------ */

static uint64_t hash_of(uint64_t seed, unsigned steps, uint32_t change)
{
    struct strata_world *world = world_with_seed(seed);
    struct station *a = station_new(world, "a"), *b = station_new(world, "b");
    struct strata_cable_config config = {
        .size = sizeof config,
        .forward = {.delay_ns = 3 * STRATA_MILLISECOND, .jitter_ns = STRATA_MILLISECOND, .loss_ppm = 10000}};
    REQUIRE(strata_world_cable(world, a->node, b->node, &config) != NULL);
    for (uint32_t i = 0; i < 200; i++)
        station_say_at(world, i * STRATA_MILLISECOND, a, 1, 60 + i, i == 150 ? change : i);
    for (unsigned i = 1; i <= steps; i++)
        strata_world_run(world, (strata_time)i * STRATA_SECOND / steps);
    CHECK_EQ(strata_world_frames(world), 200);
    uint64_t hash = strata_world_hash(world);
    strata_world_free(world);
    return hash;
}

TEST(the_hash_tells_runs_apart)
{
    uint64_t hash = hash_of(1, 1, 150);
    CHECK(hash == hash_of(1, 1, 150));
    CHECK(hash == hash_of(1, 1000, 150)); // however it is run
    CHECK(hash != hash_of(2, 1, 150));    // other delays
    CHECK(hash != hash_of(1, 1, 151));    // another byte
}

/* What was sent is told first, then what became of it. */
static struct {
    enum strata_lab_event_kind kind[100];
    const char *text[100];
    uint64_t number[100];
    int count;
} told;

static void listen(void *context, const struct strata_lab_event *event)
{
    (void)context;
    told.kind[told.count] = event->kind;
    told.text[told.count] = event->text;
    told.number[told.count++] = event->frame_number;
}

TEST(listeners_are_told_everything)
{
    struct strata_world *world = world_with_seed(1);
    struct station *a = station_new(world, "a"), *b = station_new(world, "b");
    struct strata_cable_config config = {.size = sizeof config,
                                         .forward = {.duplicate_ppm = 1000000, .corrupt_ppm = 1000000},
                                         .backward = {.loss_ppm = 1000000}};
    struct strata_cable *cable = strata_world_cable(world, a->node, b->node, &config);
    REQUIRE(cable && strata_world_listen(world, listen, NULL) == 0);
    told.count = 0;
    station_say(a, 1, 60, 1);
    strata_world_run(world, STRATA_SECOND);
    station_say(b, 1, 60, 2);
    strata_world_run(world, 2 * STRATA_SECOND);
    strata_world_note(world, "and now");
    strata_cable_set_up(cable, false);
    static const struct {
        enum strata_lab_event_kind kind;
        const char *text;
        uint64_t number;
    } expected[] = {{STRATA_LAB_SENT, NULL, 1},       {STRATA_LAB_FAULT, "duplicate", 1},
                    {STRATA_LAB_FAULT, "corrupt", 1}, {STRATA_LAB_FAULT, "corrupt", 1},
                    {STRATA_LAB_DELIVERED, NULL, 1},  {STRATA_LAB_DELIVERED, NULL, 1},
                    {STRATA_LAB_SENT, NULL, 2},       {STRATA_LAB_LOST, "loss", 2},
                    {STRATA_LAB_NOTE, "and now", 0},  {STRATA_LAB_NOTE, "cut", 0}};
    REQUIRE(told.count == (int)(sizeof expected / sizeof *expected));
    for (int i = 0; i < told.count; i++) {
        CHECK_EQ(told.kind[i], expected[i].kind);
        CHECK_STR(told.text[i], expected[i].text);
        CHECK_EQ(told.number[i], expected[i].number);
    }
    strata_world_free(world);
}

TEST_MAIN(TEST_ENTRY(events_come_in_total_order), TEST_ENTRY(what_is_late_happens_at_once),
          TEST_ENTRY(time_goes_to_where_it_was_told), TEST_ENTRY(running_until_something_holds),
          TEST_ENTRY(a_device_is_called_at_its_deadline), TEST_ENTRY(a_deadline_may_move),
          TEST_ENTRY(a_world_that_stands_still_is_noticed), TEST_ENTRY(names_are_unique_and_found),
          TEST_ENTRY(a_crashed_device_neither_hears_nor_speaks), TEST_ENTRY(the_hash_tells_runs_apart),
          TEST_ENTRY(listeners_are_told_everything))
