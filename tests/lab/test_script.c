/*
 * Scripted faults: the n-th frame of a direction meets what was written for it, whatever the seed, and no other does.
 */
#include "tests/lab/station.h"

#include <errno.h>

#include "tests/test.h"

static struct strata_world *new_world(void)
{
    struct strata_world *world;
    REQUIRE(strata_world_new(&world, &(struct strata_world_config){.size = sizeof(struct strata_world_config)}) == 0);
    return world;
}

static const struct strata_fault script[] = {
    {.frame = 5, .kind = STRATA_FAULT_LATE, .late_ns = 25 * STRATA_MILLISECOND},
    {.frame = 2, .kind = STRATA_FAULT_LOSE},
    {.frame = 4, .kind = STRATA_FAULT_DOUBLE},
    {.frame = 4, .kind = STRATA_FAULT_LATE, .late_ns = STRATA_MILLISECOND},
};

/* Frames of 1 ms and 10 ms of delay: the second is lost, the fourth comes again, the fifth lets others pass. */
TEST(each_frame_meets_its_own_fault)
{
    struct strata_world *world = new_world();
    struct station *a = station_new(world, "a"), *b = station_new(world, "b");
    struct strata_impairment impairment = {.rate_bps = 1000000, .delay_ns = 10 * STRATA_MILLISECOND};
    struct strata_cable_config config = {.size = sizeof config, .forward = impairment, .backward = impairment};
    struct strata_cable *cable = strata_world_cable(world, a->node, b->node, &config);
    REQUIRE(cable != NULL);
    CHECK_EQ(strata_cable_script(cable, 0, script, sizeof script / sizeof *script), 0);
    for (uint32_t i = 1; i <= 7; i++) {
        station_say(a, 1, 125, i);
        station_say(b, 1, 125, i);
    }
    strata_world_run(world, STRATA_NEVER);
    static const struct {
        uint32_t number;
        strata_time ms;
    } expected[] = {{1, 11}, {3, 13}, {4, 14}, {4, 15}, {6, 16}, {7, 17}, {5, 40}};
    REQUIRE(b->heard_count == 7);
    for (unsigned i = 0; i < 7; i++) {
        CHECK_EQ(b->heard[i].number, expected[i].number);
        CHECK_EQ(b->heard[i].time, expected[i].ms * STRATA_MILLISECOND);
    }
    CHECK_EQ(a->heard_count, 7); // the other direction knows nothing of it
    struct strata_cable_counts counts = {.size = sizeof counts};
    strata_cable_counts(cable, 0, &counts);
    CHECK_EQ(counts.lost, 1);
    CHECK_EQ(counts.duplicated, 1);
    CHECK_EQ(counts.reordered, 2);
    strata_world_free(world);
}

struct watched {
    uint8_t sent, delivered;
    int faults;
};

static void watch(void *context, const struct strata_lab_event *event)
{
    struct watched *watched = context;
    if (event->kind == STRATA_LAB_SENT && event->frame_number == 2)
        watched->sent = event->frame[event->length - 1];
    if (event->kind == STRATA_LAB_DELIVERED && event->frame_number == 2)
        watched->delivered = event->frame[event->length - 1];
    watched->faults += event->kind == STRATA_LAB_FAULT && strcmp(event->text, "corrupt") == 0;
}

/* Damage is one flipped bit, the last; numbers count from when the script was given, and scripts add up. */
TEST(damage_is_the_last_bit)
{
    struct strata_world *world = new_world();
    struct station *a = station_new(world, "a"), *b = station_new(world, "b");
    struct strata_cable *cable = strata_world_cable(world, a->node, b->node, NULL);
    struct watched watched = {0};
    strata_world_listen(world, watch, &watched);
    station_say(a, 1, 60, 1);
    strata_world_run(world, STRATA_NEVER);
    CHECK_EQ(strata_cable_script(cable, 0, &(struct strata_fault){3, STRATA_FAULT_LOSE, 0}, 1), 0);
    CHECK_EQ(strata_cable_script(cable, 0, &(struct strata_fault){1, STRATA_FAULT_DAMAGE, 0}, 1), 0);
    station_say(a, 1, 60, 2);
    station_say(a, 1, 60, 3);
    station_say(a, 1, 60, 4);
    strata_world_run(world, STRATA_NEVER);
    CHECK_EQ(b->heard_count, 3);
    CHECK_EQ(watched.faults, 1);
    CHECK_EQ(watched.sent ^ watched.delivered, 1);
    strata_world_free(world);
}

TEST(a_script_that_makes_no_sense_is_refused)
{
    struct strata_world *world = new_world();
    struct station *a = station_new(world, "a"), *b = station_new(world, "b");
    struct strata_cable *cable = strata_world_cable(world, a->node, b->node, NULL);
    CHECK_EQ(strata_cable_script(cable, 0, &(struct strata_fault){.frame = 0}, 1), -EINVAL);
    CHECK_EQ(strata_cable_script(cable, 0, &(struct strata_fault){1, STRATA_FAULT_LATE, -1}, 1), -EINVAL);
    CHECK_EQ(strata_cable_script(cable, 2, NULL, 0), -EINVAL);
    CHECK_EQ(strata_cable_script(cable, 1, NULL, 0), 0);
    strata_world_free(world);
}

TEST_MAIN(TEST_ENTRY(each_frame_meets_its_own_fault), TEST_ENTRY(damage_is_the_last_bit),
          TEST_ENTRY(a_script_that_makes_no_sense_is_refused))
