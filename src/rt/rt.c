/*
 * A runtime: made from tables, driven from outside, freed with all that programs left behind.
 */
#include "rt/runtime.h"

#include "rt/watch.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Rounds of the run queue in one strata_rt_run: enough for all that wake each other, an end for those that
 * spin. */
#define RT_ROUNDS 64
/** Rounds that cancelled fibers get to unwind before they are dropped. */
#define RT_UNWIND_ROUNDS 10000
/** A frame is several times larger with the address sanitizer's red zones. */
#define RT_STACK_BYTES ((size_t)(WATCHED_BY_ASAN || WATCHED_BY_TSAN ? 256 : 64) * 1024)

int strata_rt_new(struct strata_rt **rt, const struct strata_rt_config *config)
{
    if (config->size < offsetof(struct strata_rt_config, print) || config->size > sizeof *config ||
        !config->clock || !config->random)
        return -EINVAL;
    struct strata_rt *made = calloc(1, sizeof *made);
    if (!made)
        return -ENOMEM;
    memcpy(&made->config, config, config->size);
    list_init(&made->run_queue);
    list_init(&made->conns);
    list_init(&made->files);
    fiber_init_root(made);
    context_init(&made->main);
    made->stacks.bytes = stack_round(config->stack_bytes ? config->stack_bytes : RT_STACK_BYTES);
    if (config->net)
        strata_rt_add_net(made, config->net, config->net_self);
    *rt = made;
    return 0;
}

int strata_rt_add_net(struct strata_rt *rt, const struct strata_net_ops *net, void *self)
{
    if (rt->net_count == RT_NETS_MAX)
        return -ENOSPC;
    rt->nets[rt->net_count] = (struct rt_net){.ops = net, .self = self};
    return rt->net_count++;
}

/** Cancels and runs until nothing lives. */
static void unwind(struct strata_rt *rt)
{
    bool was_cancelled = rt->root.cancelled;
    rt->root.cancelled = true; /* nothing new begins */
    for (int round = 0; rt->live > 0 && round < RT_UNWIND_ROUNDS; round++) {
        strata_rt_cancel(rt, &rt->root);
        if (list_is_empty(&rt->run_queue) && rt->config.pool)
            rt->config.pool->drain(rt->config.pool_self);
        fiber_run_round(rt);
    }
    if (rt->live > 0)
        fiber_drop_all(rt);
    rt->root.cancelled = was_cancelled;
}

void strata_rt_cancel_all(struct strata_rt *rt)
{
    if (rt->running)
        return strata_rt_cancel(rt, &rt->root); /* from inside: they unwind when their turn comes */
    rt->running = true;
    unwind(rt);
    rt->running = false;
}

void strata_rt_free(struct strata_rt *rt)
{
    if (!rt)
        return;
    rt->root.cancelled = true;
    strata_rt_cancel_all(rt);
    while (!list_is_empty(&rt->conns))
        conn_end(CONTAINER_OF(rt->conns.next, struct strata_conn, link), true);
    while (!list_is_empty(&rt->files))
        strata_rt_file_close(CONTAINER_OF(rt->files.next, struct strata_file, link));
    fiber_free_root(rt);
    stack_pool_free(&rt->stacks);
    free(rt);
}

/* ---- Driving ------------------------------------------------------------------------------------- */

int strata_rt_run(struct strata_rt *rt)
{
    if (rt->running)
        return rt->live;
    rt->running = true;
    for (int round = 0; round < RT_ROUNDS; round++) {
        if (deadlines_first(&rt->deadlines))
            fiber_expire(rt, strata_rt_now(rt));
        if (list_is_empty(&rt->run_queue))
            break;
        fiber_run_round(rt);
    }
    rt->running = false;
    return rt->live;
}

strata_time strata_rt_deadline(struct strata_rt *rt)
{
    if (!list_is_empty(&rt->run_queue))
        return strata_rt_now(rt);
    struct strata_fiber *first = deadlines_first(&rt->deadlines);
    return first ? first->deadline : STRATA_NEVER;
}

void strata_rt_wake(struct strata_rt *rt, void *token)
{
    (void)rt;
    struct waitable *waitable = token;
    LIST_FOR_EACH (link, &waitable->waits)
        fiber_wake(CONTAINER_OF(link, struct wait, link)->fiber, 0);
}

/* ---- Clock, random, output, and calls that block ---------------------------------------------------- */

strata_time strata_rt_now(struct strata_rt *rt)
{
    return rt->config.clock->now(rt->config.clock_self);
}

int64_t strata_rt_wall(struct strata_rt *rt)
{
    return rt->config.clock->wall(rt->config.clock_self);
}

int strata_rt_sleep(struct strata_rt *rt, strata_time until)
{
    int result = fiber_turn(rt);
    if (result == 0)
        result = fiber_wait(rt, until);
    return result == -ETIMEDOUT ? 0 : result;
}

void strata_rt_random(struct strata_rt *rt, void *data, size_t size)
{
    rt->config.random->fill(rt->config.random_self, data, size);
}

int strata_rt_blocking(struct strata_rt *rt, void (*work)(void *argument), void *argument)
{
    int error = fiber_turn(rt);
    if (error < 0)
        return error;
    if (!rt->config.pool || !rt->current) {
        work(argument);
        return 0;
    }
    struct waitable done;
    struct wait wait = {.fiber = rt->current};
    list_init(&done.waits);
    list_push_back(&done.waits, &wait.link);
    error = rt->config.pool->submit(rt->config.pool_self, rt, work, argument, &done);
    if (error < 0)
        return error;
    fiber_wait_firmly(rt);
    return 0;
}

/** To the world's own printer, or to a stream of the process. */
static int put(struct strata_rt *rt, FILE *stream, const char *text, size_t length)
{
    if (rt->config.print) {
        rt->config.print(rt->config.print_context, text, length);
        return 0;
    }
    errno = 0;
    if (fwrite(text, 1, length, stream) == length && fflush(stream) == 0)
        return 0;
    return errno ? -errno : -EIO;
}

static void put_formatted(struct strata_rt *rt, FILE *stream, const char *format, va_list arguments)
{
    char line[512], *text = line;
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(line, sizeof line, format, arguments);
    if (length >= 0 && (size_t)length >= sizeof line && (text = malloc((size_t)length + 1)))
        vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    if (length < 0)
        return;
    if (!text) { /* no memory: the beginning of it */
        text = line;
        length = sizeof line - 1;
    }
    put(rt, stream, text, (size_t)length);
    if (text != line)
        free(text);
}

void strata_rt_print(struct strata_rt *rt, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    put_formatted(rt, stdout, format, arguments);
    va_end(arguments);
}

void strata_rt_complain(struct strata_rt *rt, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    put_formatted(rt, stderr, format, arguments);
    va_end(arguments);
}

int strata_rt_output(struct strata_rt *rt, const void *data, size_t size)
{
    return put(rt, stdout, data, size);
}

/* ---- The machine --------------------------------------------------------------------------------- */

struct strata_host *strata_rt_host(struct strata_rt *rt, int net)
{
    if (net < 0 || net >= rt->net_count || !rt->nets[net].ops->host)
        return NULL;
    return rt->nets[net].ops->host(rt->nets[net].self);
}

void strata_rt_set_resolver(struct strata_rt *rt, const struct strata_endpoint *server)
{
    rt->resolver = *server;
}

int strata_rt_resolver(struct strata_rt *rt, struct strata_endpoint *server)
{
    static const struct strata_address none;
    *server = rt->resolver;
    return memcmp(&rt->resolver.address, &none, sizeof none) == 0 ? -ENOENT : 0;
}
