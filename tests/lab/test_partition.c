/*
 * What keeps machines apart, through lab.h: partitions over cables, switches, hubs, routers and a bus; cables that
 * flap; disks that are lost; worlds that are stopped by their limit.
 */
#include <strata/lab.h>

#include <errno.h>

#include "tests/test.h"

static struct strata_world *world_new(void)
{
    struct strata_world *world;
    REQUIRE(strata_world_new(&world, &(struct strata_world_config){.size = sizeof(struct strata_world_config)}) == 0);
    return world;
}

static struct strata_node *host(struct strata_world *world, const char *name)
{
    struct strata_node *node = strata_world_host(world, name, NULL);
    REQUIRE(node != NULL);
    return node;
}

/** Asks an address for an echo once a second. The status is how many answers came. */
static int ask(struct strata_rt *rt, int argc, char **argv)
{
    struct strata_endpoint to;
    struct strata_conn *conn;
    int answers = 0;
    char word[8];
    if (argc < 2 || strata_endpoint_parse(argv[1], &to) != 0 || strata_rt_datagram(rt, NULL, &conn) != 0)
        return -1;
    for (int i = 0; i < 10; i++) {
        strata_time next = strata_rt_now(rt) + STRATA_SECOND;
        strata_rt_send_to(conn, "hello", 5, &to, STRATA_NEVER);
        answers += strata_rt_receive_from(conn, word, sizeof word, NULL, next - STRATA_SECOND / 2) == 5;
        strata_rt_sleep(rt, next);
    }
    strata_rt_close(conn);
    return answers;
}

static int answer(struct strata_rt *rt, int argc, char **argv)
{
    struct strata_endpoint local = {.port = 7}, from;
    struct strata_conn *conn;
    char word[8];
    int64_t length;
    (void)argc, (void)argv;
    if (strata_rt_datagram(rt, &local, &conn) != 0)
        return -1;
    while ((length = strata_rt_receive_from(conn, word, sizeof word, &from, STRATA_NEVER)) >= 0)
        strata_rt_send_to(conn, word, (size_t)length, &from, STRATA_NEVER);
    strata_rt_close(conn);
    return 0;
}

static void start_answering(struct strata_node *node)
{
    struct strata_program_config config = {
        .size = sizeof config, .name = "answer", .program = answer, .service = true, .restart = true};
    CHECK_EQ(strata_node_run(node, &config), 0);
}

/** Sends from `a` to an address ten times, one second each. */
static void start_asking(struct strata_node *a, const char *address, int *answers)
{
    char *argv[] = {(char *)"ask", (char *)address, NULL};
    CHECK_EQ(strata_node_start(a, "ask", ask, 2, argv, answers), 0);
}

struct sides {
    struct strata_node *nodes[8];
    unsigned sides[8];
};

static void part(struct strata_world *world, void *context)
{
    const struct sides *sides = context;
    (void)world;
    for (int i = 0; i < 8 && sides->nodes[i]; i++)
        strata_node_set_side(sides->nodes[i], sides->sides[i]);
}

static void heal(struct strata_world *world, void *context)
{
    (void)context;
    strata_world_heal(world);
}

/** Parts from 2.5 s to 5.5 s: three of ten are lost where the partition matters. */
static void plan(struct strata_world *world, struct sides *sides)
{
    strata_world_at(world, 2500 * STRATA_MILLISECOND, part, sides);
    strata_world_at(world, 5500 * STRATA_MILLISECOND, heal, NULL);
}

static uint64_t lost_at(struct strata_cable *cable)
{
    struct strata_cable_counts counts = {.size = sizeof counts};
    strata_cable_counts(cable, 0, &counts);
    uint64_t lost = counts.lost_down;
    strata_cable_counts(cable, 1, &counts);
    return lost + counts.lost_down;
}

/* ---- Partitions ------------------------------------------------------------------------------------------ */

static void over_a_cable(enum strata_link link)
{
    struct strata_world *world = world_new();
    struct strata_node *a = host(world, "a"), *b = host(world, "b");
    struct strata_cable_config config = {.size = sizeof config, .link = link};
    struct strata_cable *cable = strata_world_cable(world, a, b, &config);
    strata_node_address(a, 1, "10.0.0.1/24");
    strata_node_address(b, 1, "10.0.0.2/24");
    start_answering(b);
    int answers;
    start_asking(a, "10.0.0.2:7", &answers);
    struct sides sides = {{a, b}, {1, 2}};
    plan(world, &sides);
    CHECK_EQ(strata_world_run(world, 12 * STRATA_SECOND), 0);
    CHECK_EQ(answers, 7);
    CHECK_EQ(lost_at(cable), 3);
    strata_world_free(world);
}

TEST(sides_at_the_ends_of_a_cable)
{
    over_a_cable(STRATA_LINK_ETHERNET);
    over_a_cable(STRATA_LINK_IP);
}

/* No cable could be cut that parts them and leaves each side whole. */
static void over_a_switch(bool hub)
{
    struct strata_world *world = world_new();
    struct strata_node *lan = hub ? strata_world_hub(world, "s", 4) : strata_world_switch(world, "s", 4);
    struct strata_node *a = host(world, "a"), *b = host(world, "b"), *c = host(world, "c"), *d = host(world, "d");
    struct strata_node *all[] = {a, b, c, d};
    static const char *const addresses[] = {"10.0.0.1/24", "10.0.0.2/24", "10.0.0.3/24", "10.0.0.4/24"};
    for (int i = 0; i < 4; i++) {
        REQUIRE(strata_world_cable(world, all[i], lan, NULL) != NULL);
        strata_node_address(all[i], 1, addresses[i]);
    }
    start_answering(b);
    start_answering(c);
    start_answering(d);
    int near, far, neutral;
    start_asking(a, "10.0.0.2:7", &near);
    start_asking(a, "10.0.0.3:7", &far);
    start_asking(a, "10.0.0.4:7", &neutral);
    struct sides sides = {{a, b, c}, {1, 1, 2}}; // d hears everybody
    plan(world, &sides);
    CHECK_EQ(strata_node_set_side(lan, 1), -EINVAL);
    CHECK_EQ(strata_world_run(world, 12 * STRATA_SECOND), 0);
    CHECK_EQ(near, 10);
    CHECK_EQ(far, 7);
    CHECK_EQ(neutral, 10);
    strata_world_free(world);
}

TEST(sides_that_share_a_switch_or_a_hub)
{
    over_a_switch(false);
    over_a_switch(true);
}

static void over_a_router(unsigned side_of_router, int expected)
{
    struct strata_world *world = world_new();
    struct strata_node *a = host(world, "a"), *b = host(world, "b"), *r = strata_world_router(world, "r", NULL);
    strata_world_cable(world, a, r, NULL);
    strata_world_cable(world, r, b, NULL);
    strata_node_address(a, 1, "10.0.0.1/24");
    strata_node_address(r, 1, "10.0.0.2/24");
    strata_node_address(r, 2, "10.0.1.2/24");
    strata_node_address(b, 1, "10.0.1.1/24");
    strata_node_route(a, "0.0.0.0/0", "10.0.0.2");
    strata_node_route(b, "0.0.0.0/0", "10.0.1.2");
    start_answering(b);
    int answers;
    start_asking(a, "10.0.1.1:7", &answers);
    struct sides sides = {{a, b, r}, {1, 2, side_of_router}};
    plan(world, &sides);
    CHECK_EQ(strata_world_run(world, 12 * STRATA_SECOND), 0);
    CHECK_EQ(answers, expected);
    strata_world_free(world);
}

TEST(a_router_is_on_a_side_or_carries_from_one_to_the_other)
{
    over_a_router(1, 7);
    over_a_router(2, 7);
    over_a_router(0, 10);
}

/* ---- Flapping -------------------------------------------------------------------------------------------- */

struct notes {
    unsigned cuts, mends;
    strata_time first, last;
};

static void count_notes(void *context, const struct strata_lab_event *event)
{
    struct notes *notes = context;
    if (event->kind != STRATA_LAB_NOTE || !event->cable)
        return;
    bool cut = strcmp(event->text, "cut") == 0;
    notes->cuts += cut;
    notes->mends += !cut;
    if (cut && notes->cuts == 1)
        notes->first = event->time;
    notes->last = event->time;
}

static void begin_to_flap(struct strata_world *world, void *context)
{
    struct strata_flap flap = {.size = sizeof flap, .down_ns = 100, .every_ns = 1000, .times = 3};
    (void)world;
    CHECK_EQ(strata_cable_flap(context, &flap), 0);
}

static void end_flap(struct strata_world *world, void *context)
{
    (void)world;
    CHECK_EQ(strata_cable_flap(context, NULL), 0);
}

TEST(a_cable_flaps)
{
    struct strata_world *world = world_new();
    struct strata_node *a = host(world, "a"), *b = host(world, "b");
    struct strata_cable *cable = strata_world_cable(world, a, b, NULL);
    struct notes notes = {0};
    strata_world_listen(world, count_notes, &notes);
    strata_world_at(world, 5000, begin_to_flap, cable);
    strata_world_run(world, STRATA_SECOND);
    CHECK_EQ(notes.cuts, 3);
    CHECK_EQ(notes.mends, 3);
    CHECK_EQ(notes.first, 5000);
    CHECK_EQ(notes.last, 7100);
    // Without an end it goes on until it is told; what is down then is mended.
    struct strata_flap flap = {.size = sizeof flap, .down_ns = STRATA_SECOND, .every_ns = 2 * STRATA_SECOND};
    notes = (struct notes){0};
    CHECK_EQ(strata_cable_flap(cable, &flap), 0);
    strata_world_at(world, 10 * STRATA_SECOND, end_flap, cable);
    strata_world_run(world, 100 * STRATA_SECOND);
    CHECK_EQ(notes.cuts, 5);
    CHECK_EQ(notes.mends, 5);
    // Once.
    notes = (struct notes){0};
    CHECK_EQ(strata_cable_flap(cable, &(struct strata_flap){.size = sizeof flap, .down_ns = 1}), 0);
    strata_world_run(world, 200 * STRATA_SECOND);
    CHECK_EQ(notes.cuts, 1);
    CHECK_EQ(notes.mends, 1);
    CHECK_EQ(strata_cable_flap(cable, &(struct strata_flap){.size = sizeof flap}), -EINVAL);
    flap = (struct strata_flap){.size = sizeof flap, .down_ns = 5, .every_ns = 5};
    CHECK_EQ(strata_cable_flap(cable, &flap), -EINVAL);
    CHECK_EQ(strata_cable_flap(cable, &(struct strata_flap){.size = 1, .down_ns = 5}), -EINVAL);
    strata_world_free(world);
}

/* ---- Disks ----------------------------------------------------------------------------------------------- */

static int64_t page(struct strata_node *node)
{
    const void *data;
    return strata_memory_disk_get(strata_node_disk(node), "/page", &data);
}

TEST(a_disk_is_lost_only_by_one_that_is_down)
{
    struct strata_world *world = world_new();
    struct strata_node *a = host(world, "a"), *s = strata_world_switch(world, "s", 2);
    strata_memory_disk_put(strata_node_disk(a), "/page", "hello", 5, 0);
    CHECK_EQ(strata_node_lose_disk(a), -EBUSY);
    CHECK_EQ(strata_node_lose_disk(s), -EINVAL);
    CHECK_EQ(strata_node_crash(a), 0);
    CHECK_EQ(strata_node_restart(a), 0);
    CHECK_EQ(page(a), 5); // a crash alone leaves what was there
    CHECK_EQ(strata_node_crash(a), 0);
    CHECK_EQ(strata_node_lose_disk(a), 0);
    CHECK_EQ(strata_node_restart(a), 0);
    CHECK_EQ(page(a), -ENOENT);
    strata_memory_disk_put(strata_node_disk(a), "/page", "again", 5, 0);
    CHECK_EQ(page(a), 5);
    strata_world_free(world);
}

static struct strata_node *victim;

/** A program that pulls its own host's plug: that happens once it waits, and the disk goes then. */
static int suicide(struct strata_rt *rt, int argc, char **argv)
{
    (void)argc, (void)argv;
    CHECK_EQ(strata_node_crash(victim), 0);
    CHECK_EQ(strata_node_lose_disk(victim), 0);
    strata_rt_sleep(rt, STRATA_NEVER);
    return 0;
}

TEST(a_program_may_crash_its_own_host_with_its_disk)
{
    struct strata_world *world = world_new();
    victim = host(world, "a");
    strata_memory_disk_put(strata_node_disk(victim), "/page", "hello", 5, 0);
    strata_node_start(victim, "suicide", suicide, 0, NULL, NULL);
    strata_world_run(world, STRATA_SECOND);
    CHECK(strata_node_host(victim) == NULL);
    CHECK_EQ(strata_node_restart(victim), 0);
    CHECK_EQ(page(victim), -ENOENT);
    strata_world_free(world);
}

/* ---- Limits ---------------------------------------------------------------------------------------------- */

static unsigned ticks;

static void tick(struct strata_world *world, void *context)
{
    ticks++;
    strata_world_at(world, strata_world_now(world) + 1, tick, context);
}

TEST(a_world_without_end_is_stopped_by_its_limit)
{
    struct strata_world *world = world_new();
    ticks = 0;
    strata_world_set_limit(world, 1000);
    strata_world_at(world, 0, tick, NULL);
    CHECK_EQ(strata_world_run(world, STRATA_NEVER), -EDQUOT);
    CHECK_EQ(ticks, 1000);
    CHECK_EQ(strata_world_events(world), 1000);
    CHECK_EQ(strata_world_run(world, STRATA_NEVER), -EDQUOT); // and remains so
    CHECK_EQ(ticks, 1000);
    strata_world_set_limit(world, 1500);
    CHECK_EQ(strata_world_run(world, STRATA_NEVER), -EDQUOT);
    CHECK_EQ(ticks, 1500);
    strata_world_set_limit(world, 0);
    CHECK_EQ(strata_world_run(world, strata_world_now(world) + 5000), 0);
    CHECK_EQ(ticks, 6500);
    strata_world_free(world);
}

TEST_MAIN(TEST_ENTRY(sides_at_the_ends_of_a_cable), TEST_ENTRY(sides_that_share_a_switch_or_a_hub),
          TEST_ENTRY(a_router_is_on_a_side_or_carries_from_one_to_the_other), TEST_ENTRY(a_cable_flaps),
          TEST_ENTRY(a_disk_is_lost_only_by_one_that_is_down),
          TEST_ENTRY(a_program_may_crash_its_own_host_with_its_disk),
          TEST_ENTRY(a_world_without_end_is_stopped_by_its_limit))
