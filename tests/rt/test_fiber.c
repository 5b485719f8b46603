/*
 * Fibers by themselves: their order, groups, deadlines on a clock of our own, parking, cancelling, ten
 * thousand of them.
 */
#include "tests/rt/world.h"
#include "tests/test.h"

#include <errno.h>

/** What the fibers of one test share. */
struct scene {
    struct strata_rt *rt;
    struct test_clock clock;
    struct test_log log;
    struct strata_fiber *fiber;
    int count;
};

static struct scene scene_new(void)
{
    struct scene scene = {.clock.now = 0};
    return scene;
}

/** A fiber's argument: which one it is. */
struct part {
    struct scene *scene;
    const char *name;
    strata_time until;
};

static void say_twice(void *argument)
{
    struct part *part = argument;
    test_log(&part->scene->log, "%s1 ", part->name);
    strata_rt_yield(part->scene->rt);
    test_log(&part->scene->log, "%s2 ", part->name);
}

TEST(fibers_run_in_the_order_in_which_they_became_runnable)
{
    struct scene scene = scene_new();
    scene.rt = test_rt_new(&scene.clock);
    struct part parts[] = {{&scene, "a", 0}, {&scene, "b", 0}, {&scene, "c", 0}};
    for (int i = 0; i < 3; i++)
        CHECK_EQ(strata_rt_spawn(scene.rt, parts[i].name, say_twice, &parts[i], NULL), 0);
    CHECK_EQ(strata_rt_run(scene.rt), 0);
    CHECK_STR(scene.log.text, "a1 b1 c1 a2 b2 c2 ");
    strata_rt_free(scene.rt);
}

static void sleep_and_say(void *argument)
{
    struct part *part = argument;
    CHECK_EQ(strata_rt_sleep(part->scene->rt, part->until), 0);
    test_log(&part->scene->log, "%s@%d ", part->name, (int)strata_rt_now(part->scene->rt));
}

TEST(deadlines_expire_in_order_of_time_and_equal_ones_in_order_of_setting)
{
    struct scene scene = scene_new();
    scene.rt = test_rt_new(&scene.clock);
    struct part parts[] = {{&scene, "a", 30}, {&scene, "b", 10}, {&scene, "c", 20}, {&scene, "d", 10},
                           {&scene, "e", 30}, {&scene, "f", 10}, {&scene, "g", 5}};
    for (int i = 0; i < 7; i++)
        strata_rt_spawn(scene.rt, "", sleep_and_say, &parts[i], NULL);
    CHECK_EQ(strata_rt_run(scene.rt), 7);
    CHECK_EQ(strata_rt_deadline(scene.rt), 5);
    CHECK_EQ(test_rt_run(scene.rt, &scene.clock), 0);
    CHECK_STR(scene.log.text, "g@5 b@10 d@10 f@10 c@20 a@30 e@30 ");
    CHECK_EQ(strata_rt_deadline(scene.rt), STRATA_NEVER);
    strata_rt_free(scene.rt);
}

TEST(a_thousand_deadlines_expire_sorted)
{
    struct scene scene = scene_new();
    scene.rt = test_rt_new(&scene.clock);
    struct part *parts = calloc(1000, sizeof *parts);
    uint64_t random = 7;
    for (int i = 0; i < 1000; i++) {
        parts[i] = (struct part){&scene, "", (strata_time)test_below(&random, 500)};
        strata_rt_spawn(scene.rt, "", sleep_and_say, &parts[i], NULL);
    }
    strata_time last = 0;
    while (strata_rt_run(scene.rt) > 0) {
        CHECK(strata_rt_deadline(scene.rt) > last);
        scene.clock.now = last = strata_rt_deadline(scene.rt);
    }
    strata_rt_free(scene.rt);
    free(parts);
}

static void grandchild(void *argument)
{
    struct part *part = argument;
    strata_rt_sleep(part->scene->rt, 20);
    test_log(&part->scene->log, "grandchild@%d ", (int)strata_rt_now(part->scene->rt));
}

static void child(void *argument)
{
    struct part *part = argument;
    strata_rt_spawn(part->scene->rt, "grandchild", grandchild, part, NULL);
    test_log(&part->scene->log, "child@%d ", (int)strata_rt_now(part->scene->rt));
}

static int parent(struct strata_rt *rt, int argc, char **argv)
{
    CHECK_EQ(argc, 2);
    struct scene *scene = (struct scene *)(uintptr_t)strtoull(argv[1], NULL, 16);
    struct part part = {scene, argv[0], 0};
    CHECK_STR(strata_fiber_name(strata_rt_self(rt)), "parent");
    strata_rt_spawn(rt, "child", child, &part, NULL);
    CHECK_EQ(strata_rt_join(rt, 10), -ETIMEDOUT);
    test_log(&scene->log, "%s@%d ", argv[0], (int)strata_rt_now(rt));
    CHECK_EQ(strata_rt_join(rt, STRATA_NEVER), 0);
    test_log(&scene->log, "joined@%d ", (int)strata_rt_now(rt));
    return 42;
}

static void note_status(void *context, int status)
{
    struct scene *scene = context;
    CHECK(strata_rt_self(scene->rt) == NULL);
    test_log(&scene->log, "status %d ", status);
}

TEST(a_group_waits_for_children_and_grandchildren)
{
    struct scene scene = scene_new();
    scene.rt = test_rt_new(&scene.clock);
    char name[] = "program", pointer[20];
    char *argv[] = {name, pointer};
    snprintf(pointer, sizeof pointer, "%llx", (unsigned long long)(uintptr_t)&scene);
    CHECK_EQ(strata_rt_start(scene.rt, "parent", parent, 2, argv, note_status, &scene, NULL), 0);
    name[0] = 'P'; /* it has a copy */
    CHECK_EQ(test_rt_run(scene.rt, &scene.clock), 0);
    CHECK_STR(scene.log.text, "child@0 program@10 grandchild@20 joined@20 status 42 ");
    strata_rt_free(scene.rt);
}

static int returns_before_its_children(struct strata_rt *rt, int argc, char **argv)
{
    (void)argc;
    struct scene *scene = (struct scene *)(uintptr_t)strtoull(argv[0], NULL, 16);
    static struct part part;
    part = (struct part){scene, "", 0};
    strata_rt_spawn(rt, "grandchild", grandchild, &part, NULL);
    test_log(&scene->log, "returns ");
    return 1;
}

TEST(a_program_has_ended_when_all_it_started_has)
{
    struct scene scene = scene_new();
    scene.rt = test_rt_new(&scene.clock);
    char pointer[20];
    char *argv[] = {pointer};
    snprintf(pointer, sizeof pointer, "%llx", (unsigned long long)(uintptr_t)&scene);
    strata_rt_start(scene.rt, "", returns_before_its_children, 1, argv, note_status, &scene, NULL);
    CHECK_EQ(strata_rt_run(scene.rt), 2);
    CHECK_EQ(test_rt_run(scene.rt, &scene.clock), 0);
    CHECK_STR(scene.log.text, "returns grandchild@20 status 1 ");
    strata_rt_free(scene.rt);
}

static void parks(void *argument)
{
    struct scene *scene = argument;
    test_log(&scene->log, "%d ", strata_rt_park(scene->rt, STRATA_NEVER));
    test_log(&scene->log, "%d ", strata_rt_park(scene->rt, STRATA_NEVER));
    int timed_out = strata_rt_park(scene->rt, 9) == -ETIMEDOUT;
    test_log(&scene->log, "%d@%d ", timed_out, (int)strata_rt_now(scene->rt));
    test_log(&scene->log, "%d ", strata_rt_park(scene->rt, 3) == -ETIMEDOUT);
    strata_rt_sleep(scene->rt, 20);
    test_log(&scene->log, "slept@%d %d ", (int)strata_rt_now(scene->rt), strata_rt_park(scene->rt, 0));
}

TEST(parking_ends_by_a_wake_and_one_that_came_early_counts)
{
    struct scene scene = scene_new();
    scene.rt = test_rt_new(&scene.clock);
    struct strata_fiber *fiber;
    strata_rt_spawn(scene.rt, "", parks, &scene, &fiber);
    strata_rt_wake_fiber(scene.rt, fiber); /* before it began */
    CHECK_EQ(strata_rt_run(scene.rt), 1);
    CHECK_STR(scene.log.text, "0 ");
    strata_rt_wake_fiber(scene.rt, fiber);
    strata_rt_run(scene.rt);
    CHECK_STR(scene.log.text, "0 0 ");
    scene.clock.now = 9;
    strata_rt_run(scene.rt);
    CHECK_STR(scene.log.text, "0 0 1@9 1 ");
    strata_rt_wake_fiber(scene.rt, fiber); /* does not shorten a sleep */
    CHECK_EQ(test_rt_run(scene.rt, &scene.clock), 0);
    CHECK_STR(scene.log.text, "0 0 1@9 1 slept@20 0 ");
    strata_rt_free(scene.rt);
}

static void sleeps_for_ever(void *argument)
{
    struct scene *scene = argument;
    CHECK_EQ(strata_rt_sleep(scene->rt, STRATA_NEVER), -ECANCELED);
    CHECK_EQ(strata_rt_sleep(scene->rt, 5), -ECANCELED);
    CHECK_EQ(strata_rt_park(scene->rt, STRATA_NEVER), -ECANCELED);
    CHECK_EQ(strata_rt_yield(scene->rt), -ECANCELED);
    CHECK_EQ(strata_rt_join(scene->rt, STRATA_NEVER), -ECANCELED);
    CHECK_EQ(strata_rt_spawn(scene->rt, "", sleeps_for_ever, scene, NULL), -ECANCELED);
    scene->count++;
}

static void starts_two(void *argument)
{
    struct scene *scene = argument;
    strata_rt_spawn(scene->rt, "", sleeps_for_ever, scene, NULL);
    strata_rt_spawn(scene->rt, "", sleeps_for_ever, scene, NULL);
    CHECK_EQ(strata_rt_join(scene->rt, STRATA_NEVER), -ECANCELED);
    scene->count++;
}

static void starts_a_tree(void *argument)
{
    struct scene *scene = argument;
    strata_rt_spawn(scene->rt, "", sleeps_for_ever, scene, NULL); /* not cancelled with the tree */
    strata_rt_spawn(scene->rt, "tree", starts_two, scene, &scene->fiber);
    CHECK_EQ(strata_rt_join(scene->rt, STRATA_NEVER), -ECANCELED);
    scene->count++;
}

TEST(cancelling_reaches_all_below_and_nobody_else)
{
    struct scene scene = scene_new();
    scene.rt = test_rt_new(&scene.clock);
    strata_rt_spawn(scene.rt, "", starts_a_tree, &scene, NULL);
    CHECK_EQ(strata_rt_run(scene.rt), 5);
    strata_rt_cancel(scene.rt, scene.fiber);
    CHECK_EQ(strata_rt_run(scene.rt), 2);
    CHECK_EQ(scene.count, 3);
    strata_rt_cancel(scene.rt, scene.fiber); /* its handle is valid until its parent ends */
    strata_rt_cancel_all(scene.rt);
    CHECK_EQ(scene.count, 5);
    /* A runtime whose fibers were cancelled can be used again. */
    CHECK_EQ(strata_rt_spawn(scene.rt, "", sleeps_for_ever, &scene, NULL), 0);
    CHECK_EQ(strata_rt_run(scene.rt), 1);
    strata_rt_free(scene.rt);
    CHECK_EQ(scene.count, 6);
}

struct shared {
    struct scene *scene;
    int living;
};

static void uses_its_parent(void *argument)
{
    struct shared *shared = argument;
    shared->living++;
    strata_rt_sleep(shared->scene->rt, STRATA_NEVER);
    strata_rt_yield(shared->scene->rt);
    strata_rt_yield(shared->scene->rt);
    shared->living--;
}

static void shares_its_stack(void *argument)
{
    struct scene *scene = argument;
    struct shared shared = {.scene = scene};
    strata_rt_spawn(scene->rt, "", uses_its_parent, &shared, NULL);
    strata_rt_spawn(scene->rt, "", uses_its_parent, &shared, NULL);
    CHECK_EQ(strata_rt_sleep(scene->rt, STRATA_NEVER), -ECANCELED);
    CHECK_EQ(shared.living, 2);
    CHECK_EQ(strata_rt_join(scene->rt, STRATA_NEVER), -ECANCELED);
    CHECK_EQ(shared.living, 0);
    scene->count++;
}

TEST(a_cancelled_fiber_can_wait_for_its_children)
{
    struct scene scene = scene_new();
    scene.rt = test_rt_new(&scene.clock);
    strata_rt_spawn(scene.rt, "", shares_its_stack, &scene, NULL);
    CHECK_EQ(strata_rt_run(scene.rt), 3);
    strata_rt_cancel_all(scene.rt);
    CHECK_EQ(scene.count, 1);
    strata_rt_free(scene.rt);
}

static void never_unwinds(void *argument)
{
    struct scene *scene = argument;
    strata_rt_spawn(scene->rt, "", sleeps_for_ever, scene, NULL);
    for (;;)
        strata_rt_sleep(scene->rt, STRATA_NEVER);
}

TEST(a_fiber_that_does_not_unwind_is_dropped)
{
    struct scene scene = scene_new();
    scene.rt = test_rt_new(&scene.clock);
    strata_rt_spawn(scene.rt, "", never_unwinds, &scene, NULL);
    CHECK_EQ(strata_rt_run(scene.rt), 2);
    strata_rt_free(scene.rt);
    CHECK_EQ(scene.count, 1);
}

static void spins(void *argument)
{
    struct scene *scene = argument;
    while (scene->count == 0)
        strata_rt_yield(scene->rt);
}

TEST(a_fiber_that_only_yields_lets_the_world_go_on)
{
    struct scene scene = scene_new();
    scene.rt = test_rt_new(&scene.clock);
    scene.clock.now = 17;
    strata_rt_spawn(scene.rt, "", spins, &scene, NULL);
    CHECK_EQ(strata_rt_run(scene.rt), 1);
    CHECK_EQ(strata_rt_deadline(scene.rt), 17);
    scene.count = 1;
    CHECK_EQ(strata_rt_run(scene.rt), 0);
    strata_rt_free(scene.rt);
}

static void deep(void *argument)
{
    struct scene *scene = argument;
    if (++scene->count < 200)
        strata_rt_spawn(scene->rt, "deep", deep, scene, NULL);
    double x = scene->count; /* floating point lives in registers that a switch must keep, too */
    uint8_t block[4096];
    memset(block, scene->count & 0xff, sizeof block);
    strata_rt_sleep(scene->rt, 1000 - scene->count);
    CHECK_EQ(block[77], (int)x & 0xff);
}

TEST(fibers_keep_their_registers_and_stacks)
{
    struct scene scene = scene_new();
    scene.rt = test_rt_new(&scene.clock);
    strata_rt_spawn(scene.rt, "deep", deep, &scene, NULL);
    CHECK_EQ(test_rt_run(scene.rt, &scene.clock), 0);
    CHECK_EQ(scene.count, 200);
    strata_rt_free(scene.rt);
}

static void counts(void *argument)
{
    struct scene *scene = argument;
    strata_rt_sleep(scene->rt, 1 + scene->count++ % 10);
    strata_rt_yield(scene->rt);
    scene->count--;
}

static void starts_ten_thousand(void *argument)
{
    struct scene *scene = argument;
    for (int i = 0; i < 10000; i++)
        CHECK_EQ(strata_rt_spawn_sized(scene->rt, "", 16384, counts, scene, NULL), 0);
    CHECK_EQ(strata_rt_join(scene->rt, STRATA_NEVER), 0);
    CHECK_EQ(scene->count, 0);
    scene->count = -1;
}

TEST(ten_thousand_fibers)
{
    struct scene scene = scene_new();
    scene.rt = test_rt_new(&scene.clock);
    strata_rt_spawn(scene.rt, "", starts_ten_thousand, &scene, NULL);
    CHECK_EQ(strata_rt_run(scene.rt), 10001);
    CHECK_EQ(test_rt_run(scene.rt, &scene.clock), 0);
    CHECK_EQ(scene.count, -1);
    strata_rt_free(scene.rt);
}

static void cannot_wait_here(void *argument)
{
    (void)argument;
}

static void keep_print(void *context, const char *text, size_t length)
{
    test_log(context, "%.*s", (int)length, text);
}

TEST(outside_of_fibers_nothing_waits_and_the_rest_works)
{
    struct scene scene = scene_new();
    struct strata_rt_config config = {.size = sizeof config,
                                      .clock = &test_clock_ops,
                                      .clock_self = &scene.clock,
                                      .random = &test_random_ops,
                                      .print = keep_print,
                                      .print_context = &scene.log};
    CHECK_EQ(strata_rt_new(&scene.rt, &config), 0);
    CHECK_EQ(strata_rt_park(scene.rt, 5), -EDEADLK);
    CHECK_EQ(strata_rt_join(scene.rt, 5), -EDEADLK);
    CHECK_EQ(strata_rt_sleep(scene.rt, 5), -EDEADLK);
    CHECK_EQ(strata_rt_yield(scene.rt), -EDEADLK);
    CHECK_EQ(strata_rt_blocking(scene.rt, cannot_wait_here, NULL), 0);
    uint8_t bytes[3];
    strata_rt_random(scene.rt, bytes, sizeof bytes);
    CHECK_MEM(bytes, "\0\1\2", 3);
    CHECK_EQ(strata_rt_wall(scene.rt), 1700000000 * STRATA_SECOND);
    strata_rt_print(scene.rt, "%d lines, %s\n", 2, "short");
    strata_rt_print(scene.rt, "%1000d", 1);
    CHECK_EQ(scene.log.length, 15 + 1000);
    struct strata_endpoint server;
    CHECK_EQ(strata_rt_resolver(scene.rt, &server), -ENOENT);
    server = (struct strata_endpoint){.address = strata_ipv4(10, 0, 0, 1), .port = 53};
    strata_rt_set_resolver(scene.rt, &server);
    CHECK_EQ(strata_rt_resolver(scene.rt, &server), 0);
    CHECK_EQ(server.port, 53);
    CHECK(strata_rt_host(scene.rt, 0) == NULL);
    struct strata_file *file;
    CHECK_EQ(strata_rt_file_open(scene.rt, "x", 0, &file), -ENOSYS);
    struct strata_conn *conn;
    CHECK_EQ(strata_rt_open(scene.rt, 0, STRATA_STREAM, &conn), -ENODEV);
    strata_rt_free(scene.rt);
    config.clock = NULL;
    CHECK_EQ(strata_rt_new(&scene.rt, &config), -EINVAL);
}

TEST_MAIN(TEST_ENTRY(fibers_run_in_the_order_in_which_they_became_runnable),
          TEST_ENTRY(deadlines_expire_in_order_of_time_and_equal_ones_in_order_of_setting),
          TEST_ENTRY(a_thousand_deadlines_expire_sorted),
          TEST_ENTRY(a_group_waits_for_children_and_grandchildren),
          TEST_ENTRY(a_program_has_ended_when_all_it_started_has),
          TEST_ENTRY(parking_ends_by_a_wake_and_one_that_came_early_counts),
          TEST_ENTRY(cancelling_reaches_all_below_and_nobody_else),
          TEST_ENTRY(a_cancelled_fiber_can_wait_for_its_children),
          TEST_ENTRY(a_fiber_that_does_not_unwind_is_dropped),
          TEST_ENTRY(a_fiber_that_only_yields_lets_the_world_go_on),
          TEST_ENTRY(fibers_keep_their_registers_and_stacks), TEST_ENTRY(ten_thousand_fibers),
          TEST_ENTRY(outside_of_fibers_nothing_waits_and_the_rest_works))
