/**
 * A world for tests of the runtime: a clock that stands still until it is told to go on, and randomness that
 * counts.
 */
#ifndef TESTS_RT_WORLD_H
#define TESTS_RT_WORLD_H

#include <strata/rt.h>

/** The clock of a test. */
struct test_clock {
    strata_time now;
};

extern const struct strata_clock_ops test_clock_ops;
extern const struct strata_random_ops test_random_ops;

/** A runtime on that clock, without net and disk. */
struct strata_rt *test_rt_new(struct test_clock *clock);
/** Runs until all have ended, or nothing is left to wait for; the clock goes from deadline to deadline.
 * @return how many fibers still live. */
int test_rt_run(struct strata_rt *rt, struct test_clock *clock);

/** What happened, as text: tests compare it whole. */
struct test_log {
    char text[4096];
    size_t length;
};
void test_log(struct test_log *log, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
