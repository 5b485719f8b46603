/*
 * Fibers: their life, their groups, and the one place where they wait.
 *
 * All fibers switch to and from the context that runs strata_rt_run. A fiber whose entry has returned gives
 * its stack back at once and lingers until its children have ended, so a group is a tree and ends from its
 * leaves.
 */
#include "rt/runtime.h"

#include "base/assert.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/** How many calls a fiber may make without waiting until others get a turn. */
#define FIBER_TURNS_MAX 64

/** A program to start, with the copy of its arguments behind it. */
struct program_start {
    strata_program program;
    int argc;
    int status;
    void (*done)(void *context, int status);
    void *context;
    char *argv[];
};

void fiber_init_root(struct strata_rt *rt)
{
    list_init(&rt->root.children);
    list_init(&rt->root.link);
    list_init(&rt->root.run_link);
    rt->root.rt = rt;
    rt->root.state = FIBER_WAITING;
}

/* ---- The end ------------------------------------------------------------------------------------- */

static void fiber_release(struct strata_fiber *fiber)
{
    list_remove(&fiber->link);
    fiber->rt->fiber_count--;
    free(fiber->start);
    free(fiber);
}

/** Frees the children that ended and were kept because somebody had their handles. */
static void release_ended(struct strata_fiber *parent)
{
    LIST_FOR_EACH_SAFE (link, &parent->children) {
        struct strata_fiber *child = CONTAINER_OF(link, struct strata_fiber, link);
        if (child->state == FIBER_ENDED)
            fiber_release(child);
    }
}

/** All is over for this fiber, and for its parents as far as they only waited for it. */
static void fiber_end(struct strata_fiber *fiber)
{
    struct strata_rt *rt = fiber->rt;
    while (fiber) {
        struct strata_fiber *parent = fiber->parent;
        release_ended(fiber);
        fiber->state = FIBER_ENDED;
        rt->live--;
        if (fiber->start && fiber->start->done)
            fiber->start->done(fiber->start->context, fiber->start->status);
        if (!fiber->held)
            fiber_release(fiber);
        fiber = NULL;
        if (--parent->live_children == 0) {
            if (parent->state == FIBER_LINGERING)
                fiber = parent;
            else if (parent->joining)
                fiber_wake(parent, 0);
        }
    }
}

/** The entry has returned; on the stack of the one who runs fibers. */
static void fiber_returned(struct strata_fiber *fiber)
{
    stack_give(&fiber->rt->stacks, &fiber->stack);
    context_free(&fiber->context);
    fiber->state = FIBER_LINGERING;
    if (fiber->live_children == 0)
        fiber_end(fiber);
}

void fiber_drop_all(struct strata_rt *rt)
{
    /* Leaves first: walk down to one, end it as if it had returned, begin again. */
    while (rt->root.live_children > 0) {
        struct strata_fiber *fiber = &rt->root;
        while (fiber->live_children > 0) {
            struct list *link = fiber->children.next;
            while (CONTAINER_OF(link, struct strata_fiber, link)->state == FIBER_ENDED)
                link = link->next;
            fiber = CONTAINER_OF(link, struct strata_fiber, link);
        }
        list_remove(&fiber->run_link);
        deadlines_remove(&rt->deadlines, fiber);
        fiber_returned(fiber);
    }
    /* What they waited with lay on their stacks. */
    LIST_FOR_EACH (link, &rt->conns)
        list_init(&CONTAINER_OF(link, struct strata_conn, link)->waitable.waits);
}

void fiber_free_root(struct strata_rt *rt)
{
    release_ended(&rt->root);
    ASSERT(rt->fiber_count == 0);
    free(rt->deadlines.fibers);
}

/* ---- The beginning ------------------------------------------------------------------------------- */

static void fiber_enter(void *argument)
{
    struct strata_fiber *fiber = argument;
    if (fiber->start)
        fiber->start->status = fiber->start->program(fiber->rt, fiber->start->argc, fiber->start->argv);
    else
        fiber->entry(fiber->argument);
    fiber->state = FIBER_LINGERING;
    context_switch(&fiber->context, &fiber->rt->main, true);
}

static int fiber_new(struct strata_rt *rt, const char *name, size_t stack_bytes, struct strata_fiber **made)
{
    struct strata_fiber *parent = rt->current ? rt->current : &rt->root;
    if (parent->cancelled)
        return -ECANCELED;
    if (deadlines_reserve(&rt->deadlines, rt->fiber_count + 1) < 0)
        return -ENOMEM;
    struct strata_fiber *fiber = calloc(1, sizeof *fiber);
    if (!fiber)
        return -ENOMEM;
    size_t bytes = stack_bytes ? stack_round(stack_bytes) : rt->stacks.bytes;
    if (stack_take(&rt->stacks, bytes, &fiber->stack) < 0) {
        free(fiber);
        return -ENOMEM;
    }
    fiber->rt = rt;
    fiber->parent = parent;
    fiber->last_index = -1;
    list_init(&fiber->children);
    list_init(&fiber->run_link);
    list_push_back(&parent->children, &fiber->link);
    parent->live_children++;
    strncpy(fiber->name, name ? name : "", sizeof fiber->name - 1);
    context_make(&fiber->context, &fiber->stack, fiber_enter, fiber);
    fiber->state = FIBER_RUNNABLE;
    list_push_back(&rt->run_queue, &fiber->run_link);
    rt->fiber_count++;
    rt->live++;
    *made = fiber;
    return 0;
}

int strata_rt_spawn_sized(struct strata_rt *rt, const char *name, size_t stack_bytes, void (*entry)(void *),
                          void *argument, struct strata_fiber **handle)
{
    struct strata_fiber *fiber;
    int error = fiber_new(rt, name, stack_bytes, &fiber);
    if (error < 0)
        return error;
    fiber->entry = entry;
    fiber->argument = argument;
    fiber->held = handle != NULL;
    if (handle)
        *handle = fiber;
    return 0;
}

int strata_rt_spawn(struct strata_rt *rt, const char *name, void (*entry)(void *), void *argument,
                    struct strata_fiber **handle)
{
    return strata_rt_spawn_sized(rt, name, 0, entry, argument, handle);
}

/** Copies a program's arguments into one block. */
static struct program_start *start_new(strata_program program, int argc, char *const *argv)
{
    size_t pointers = ((size_t)argc + 1) * sizeof(char *), bytes = 0;
    for (int i = 0; i < argc; i++)
        bytes += strlen(argv[i]) + 1;
    struct program_start *start = malloc(sizeof *start + pointers + bytes);
    if (!start)
        return NULL;
    *start = (struct program_start){.program = program, .argc = argc};
    char *text = (char *)start + sizeof *start + pointers;
    for (int i = 0; i < argc; i++) {
        size_t length = strlen(argv[i]) + 1;
        start->argv[i] = memcpy(text, argv[i], length);
        text += length;
    }
    start->argv[argc] = NULL;
    return start;
}

int strata_rt_start(struct strata_rt *rt, const char *name, strata_program program, int argc,
                    char *const *argv, void (*done)(void *context, int status), void *context,
                    struct strata_fiber **handle)
{
    if (argc < 0)
        return -EINVAL;
    struct program_start *start = start_new(program, argc, argv);
    if (!start)
        return -ENOMEM;
    start->done = done;
    start->context = context;
    struct strata_fiber *fiber;
    int error = fiber_new(rt, name, 0, &fiber);
    if (error < 0) {
        free(start);
        return error;
    }
    fiber->start = start;
    fiber->held = handle != NULL;
    if (handle)
        *handle = fiber;
    return 0;
}

/* ---- Waiting and waking -------------------------------------------------------------------------- */

void fiber_wake(struct strata_fiber *fiber, int result)
{
    if (fiber->state != FIBER_WAITING)
        return;
    deadlines_remove(&fiber->rt->deadlines, fiber);
    fiber->state = FIBER_RUNNABLE;
    fiber->wake_result = result;
    list_push_back(&fiber->rt->run_queue, &fiber->run_link);
}

static void fiber_leave(struct strata_fiber *fiber)
{
    context_switch(&fiber->context, &fiber->rt->main, false);
}

int fiber_wait(struct strata_rt *rt, strata_time deadline)
{
    struct strata_fiber *fiber = rt->current;
    if (!fiber)
        return -EDEADLK;
    if (fiber->cancelled)
        return fiber_turn(rt);
    if (deadline != STRATA_NEVER && deadline <= strata_rt_now(rt))
        return -ETIMEDOUT;
    fiber->turns = 0;
    fiber->state = FIBER_WAITING;
    fiber->deadline = deadline;
    if (deadline != STRATA_NEVER)
        deadlines_add(&rt->deadlines, fiber);
    fiber_leave(fiber);
    return fiber->wake_result;
}

void fiber_wait_firmly(struct strata_rt *rt)
{
    struct strata_fiber *fiber = rt->current;
    fiber->firm = true;
    fiber->turns = 0;
    fiber->state = FIBER_WAITING;
    fiber_leave(fiber);
    fiber->firm = false;
}

void fiber_yield(struct strata_rt *rt)
{
    struct strata_fiber *fiber = rt->current;
    fiber->turns = 0;
    fiber->state = FIBER_RUNNABLE;
    list_push_back(&rt->run_queue, &fiber->run_link);
    fiber_leave(fiber);
}

int fiber_turn(struct strata_rt *rt)
{
    struct strata_fiber *fiber = rt->current;
    if (!fiber)
        return 0;
    if (++fiber->turns > FIBER_TURNS_MAX)
        fiber_yield(rt);
    return fiber->cancelled ? -ECANCELED : 0;
}

void fiber_expire(struct strata_rt *rt, strata_time now)
{
    struct strata_fiber *first;
    while ((first = deadlines_first(&rt->deadlines)) && first->deadline <= now)
        fiber_wake(first, -ETIMEDOUT);
}

void fiber_run_round(struct strata_rt *rt)
{
    /* Those who become runnable meanwhile queue up behind the mark. */
    list_push_back(&rt->run_queue, &rt->mark);
    while (rt->run_queue.next != &rt->mark) {
        struct strata_fiber *fiber = CONTAINER_OF(rt->run_queue.next, struct strata_fiber, run_link);
        list_remove(&fiber->run_link);
        fiber->state = FIBER_RUNNING;
        rt->current = fiber;
        context_switch(&rt->main, &fiber->context, false);
        rt->current = NULL;
        if (fiber->state == FIBER_LINGERING)
            fiber_returned(fiber);
    }
    list_remove(&rt->mark);
}

/* ---- Groups and cancelling ----------------------------------------------------------------------- */

int strata_rt_join(struct strata_rt *rt, strata_time deadline)
{
    struct strata_fiber *fiber = rt->current;
    if (!fiber)
        return -EDEADLK;
    int result = fiber_turn(rt);
    while (fiber->live_children > 0 && result != -ETIMEDOUT) {
        fiber->joining = true;
        if (result == 0)
            result = fiber_wait(rt, deadline);
        else /* Cancelled, and so are they: what they share with us must stay until they have unwound. */
            fiber_wait_firmly(rt);
        fiber->joining = false;
    }
    if (fiber->live_children == 0)
        release_ended(fiber);
    return result;
}

/** The next fiber of a tree after `fiber` in depth-first order, or NULL after the last below `top`. */
static struct strata_fiber *tree_next(struct strata_fiber *top, struct strata_fiber *fiber)
{
    if (!list_is_empty(&fiber->children))
        return CONTAINER_OF(fiber->children.next, struct strata_fiber, link);
    while (fiber != top) {
        if (fiber->link.next != &fiber->parent->children)
            return CONTAINER_OF(fiber->link.next, struct strata_fiber, link);
        fiber = fiber->parent;
    }
    return NULL;
}

void strata_rt_cancel(struct strata_rt *rt, struct strata_fiber *fiber)
{
    (void)rt;
    for (struct strata_fiber *next = fiber; next; next = tree_next(fiber, next)) {
        if (next == &next->rt->root)
            continue;
        next->cancelled = true;
        if (!next->firm)
            fiber_wake(next, -ECANCELED);
    }
}

struct strata_fiber *strata_rt_self(struct strata_rt *rt)
{
    return rt->current;
}

const char *strata_fiber_name(const struct strata_fiber *fiber)
{
    return fiber->name;
}

int strata_rt_yield(struct strata_rt *rt)
{
    if (!rt->current)
        return -EDEADLK;
    fiber_yield(rt);
    return rt->current->cancelled ? -ECANCELED : 0;
}

int strata_rt_park(struct strata_rt *rt, strata_time deadline)
{
    struct strata_fiber *fiber = rt->current;
    if (!fiber)
        return -EDEADLK;
    int result = fiber_turn(rt);
    if (result == 0 && !fiber->permit) {
        fiber->parked = true;
        result = fiber_wait(rt, deadline);
        fiber->parked = false;
    }
    if (result == 0)
        fiber->permit = false;
    return result;
}

void strata_rt_wake_fiber(struct strata_rt *rt, struct strata_fiber *fiber)
{
    (void)rt;
    if (fiber->state == FIBER_ENDED || fiber->state == FIBER_LINGERING)
        return;
    fiber->permit = true;
    if (fiber->parked)
        fiber_wake(fiber, 0);
}
