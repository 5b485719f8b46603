/*
 * The timer wheel against a plain list of timers.
 */
#include "base/wheel.h"
#include "base/memory.h"
#include "tests/allocator.h"
#include "tests/test.h"

#define TIMERS 60

static struct test_allocator test;
static struct memory memory;
static struct wheel wheel;

static struct one {
    struct timer timer;
    strata_time deadline; /**< The model. */
    uint64_t order;       /**< Of arming. */
    bool due;             /**< To be fired by the advance in progress. */
} timers[TIMERS];
static uint64_t armings, fired, seed;
static bool playful; /**< Timers that fire arm and disarm others. */

static void begin(strata_time now)
{
    test_allocator_init(&test);
    memory_init(&memory, &test.allocator, 1 << 20);
    REQUIRE(wheel_init(&wheel, &memory, now) == 0);
    armings = fired = 0;
    playful = false;
}

static void end(void)
{
    for (int i = 0; i < TIMERS; i++)
        wheel_disarm(&wheel, &timers[i].timer);
    CHECK_EQ(wheel.armed, 0);
    CHECK_EQ(wheel_next(&wheel), STRATA_NEVER);
    wheel_free(&wheel, &memory);
    CHECK_EQ(memory.used_bytes, 0);
    CHECK_EQ(test.blocks, 0);
}

static void arm(struct one *one, strata_time deadline)
{
    one->deadline = deadline;
    one->order = armings++;
    one->due = false;
    wheel_arm(&wheel, &one->timer, deadline);
    CHECK_EQ(timer_is_armed(&one->timer), deadline != STRATA_NEVER);
}

static void disarm(struct one *one)
{
    one->deadline = STRATA_NEVER;
    one->due = false;
    wheel_disarm(&wheel, &one->timer);
    CHECK(!timer_is_armed(&one->timer));
}

/** A time from now on, near or far; sometimes in the past. */
static strata_time some_time(strata_time now)
{
    strata_time distance = (strata_time)test_below(&seed, (uint64_t)1 << test_below(&seed, 50));
    return test_below(&seed, 8) == 0 ? now - distance % 1000 : now + distance;
}

static void play(strata_time now)
{
    struct one *one = &timers[test_below(&seed, TIMERS)];
    if (test_below(&seed, 3) == 0)
        disarm(one);
    else
        arm(one, some_time(now));
}

static struct one *first_due(void)
{
    struct one *first = NULL;
    for (int i = 0; i < TIMERS; i++)
        if (timers[i].due && (!first || timers[i].deadline < first->deadline ||
                              (timers[i].deadline == first->deadline && timers[i].order < first->order)))
            first = &timers[i];
    return first;
}

static void fire(struct timer *timer, strata_time now)
{
    struct one *one = (struct one *)(void *)timer;
    CHECK(one == first_due());
    CHECK(one->deadline <= now);
    CHECK(!timer_is_armed(timer));
    one->deadline = STRATA_NEVER;
    one->due = false;
    fired++;
    for (uint64_t i = playful ? test_below(&seed, 3) : 0; i > 0; i--)
        play(now);
}

static void init_timers(void)
{
    for (int i = 0; i < TIMERS; i++) {
        timer_init(&timers[i].timer, fire);
        timers[i].deadline = STRATA_NEVER;
        timers[i].due = false;
    }
}

static void advance(strata_time now)
{
    for (int i = 0; i < TIMERS; i++)
        timers[i].due = timers[i].deadline != STRATA_NEVER && timers[i].deadline <= now;
    wheel_advance(&wheel, now);
    CHECK(first_due() == NULL); // All of them fired.
}

static strata_time earliest(void)
{
    strata_time time = STRATA_NEVER;
    for (int i = 0; i < TIMERS; i++)
        if (timers[i].deadline < time)
            time = timers[i].deadline;
    return time;
}

TEST(timers_fire_in_order_and_never_early)
{
    begin(1000);
    init_timers();
    arm(&timers[0], 5000);
    arm(&timers[1], 3000);
    arm(&timers[2], 5000);
    arm(&timers[3], 3001);
    CHECK_EQ(wheel_next(&wheel), 3000);
    advance(2999);
    CHECK_EQ(fired, 0);
    advance(3000);
    CHECK_EQ(fired, 1);
    CHECK_EQ(wheel_next(&wheel), 3001);
    advance(10000);
    CHECK_EQ(fired, 4);
    CHECK_EQ(wheel_next(&wheel), STRATA_NEVER);
    end();
}

TEST(a_time_that_has_passed_waits_for_the_next_advance)
{
    begin(1000);
    init_timers();
    arm(&timers[0], 1000);
    arm(&timers[1], 10);
    arm(&timers[2], 500);
    CHECK_EQ(wheel_next(&wheel), 10);
    advance(1000);
    CHECK_EQ(fired, 3);
    end();
}

static struct timer again;
static int again_count;
static void fire_again(struct timer *timer, strata_time now)
{
    again_count++;
    wheel_arm(&wheel, timer, now);
}

TEST(a_timer_that_arms_itself_for_now_does_not_hold_the_wheel)
{
    begin(0);
    timer_init(&again, fire_again);
    wheel_arm(&wheel, &again, 10);
    wheel_advance(&wheel, 20);
    CHECK_EQ(again_count, 1);
    CHECK_EQ(wheel_next(&wheel), 20);
    wheel_advance(&wheel, 20);
    CHECK_EQ(again_count, 2);
    wheel_disarm(&wheel, &again);
    init_timers();
    end();
}

TEST(a_wheel_is_what_a_list_of_timers_is)
{
    static const strata_time origins[] = {0, -5000000, INT64_C(1) << 62, 1700000000000000000};
    for (int run = 0; run < 40; run++) {
        strata_time now = origins[run % 4];
        seed = (uint64_t)run + 1;
        begin(now);
        init_timers();
        playful = run % 3 != 0;
        for (int i = 0; i < 800; i++) {
            uint64_t what = test_below(&seed, 10);
            if (what < 6)
                play(now);
            else if (what < 8)
                CHECK_EQ(wheel_next(&wheel), earliest());
            else {
                strata_time next = earliest(), then = some_time(now);
                // Often exactly what the wheel asks for, as a polling loop does.
                if (test_below(&seed, 2) && next != STRATA_NEVER)
                    then = next;
                if (then > now)
                    now = then;
                advance(now);
            }
        }
        CHECK(fired > 100);
        end();
    }
}

TEST(no_memory_no_wheel)
{
    test_allocator_init(&test);
    memory_init(&memory, &test.allocator, 100);
    CHECK(wheel_init(&wheel, &memory, 0) < 0);
    CHECK_EQ(memory.used_bytes, 0);
}

TEST_MAIN(TEST_ENTRY(timers_fire_in_order_and_never_early),
          TEST_ENTRY(a_time_that_has_passed_waits_for_the_next_advance),
          TEST_ENTRY(a_timer_that_arms_itself_for_now_does_not_hold_the_wheel),
          TEST_ENTRY(a_wheel_is_what_a_list_of_timers_is), TEST_ENTRY(no_memory_no_wheel))
