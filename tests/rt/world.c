/*
 * A world for tests of the runtime; see world.h.
 */
#include "tests/rt/world.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static strata_time clock_now(void *self)
{
    return ((struct test_clock *)self)->now;
}

static int64_t clock_wall(void *self)
{
    return ((struct test_clock *)self)->now + 1700000000 * STRATA_SECOND;
}

const struct strata_clock_ops test_clock_ops = {.now = clock_now, .wall = clock_wall};

static void random_count(void *self, void *data, size_t size)
{
    (void)self;
    for (size_t i = 0; i < size; i++)
        ((uint8_t *)data)[i] = (uint8_t)i;
}

const struct strata_random_ops test_random_ops = {.fill = random_count};

struct strata_rt *test_rt_new(struct test_clock *clock)
{
    struct strata_rt *rt = NULL;
    struct strata_rt_config config = {
        .size = sizeof config, .clock = &test_clock_ops, .clock_self = clock, .random = &test_random_ops};
    strata_rt_new(&rt, &config);
    return rt;
}

int test_rt_run(struct strata_rt *rt, struct test_clock *clock)
{
    int live;
    while ((live = strata_rt_run(rt)) > 0 && strata_rt_deadline(rt) != STRATA_NEVER)
        clock->now = strata_rt_deadline(rt);
    return live;
}

void test_log(struct test_log *log, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(log->text + log->length, sizeof log->text - log->length, format, arguments);
    va_end(arguments);
    if (length > 0)
        log->length += (size_t)length;
    if (log->length >= sizeof log->text)
        log->length = sizeof log->text - 1;
}
