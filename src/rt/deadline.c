/*
 * Deadlines of waiting fibers: a binary heap ordered by time and then by a sequence number, so that the order
 * in which they expire is total and the same on every machine.
 */
#include "rt/runtime.h"

#include <errno.h>
#include <stdlib.h>

static bool earlier(const struct strata_fiber *a, const struct strata_fiber *b)
{
    return a->deadline != b->deadline ? a->deadline < b->deadline : a->sequence < b->sequence;
}

static void place(struct deadlines *deadlines, size_t index, struct strata_fiber *fiber)
{
    deadlines->fibers[index] = fiber;
    fiber->heap_index = index;
}

int deadlines_reserve(struct deadlines *deadlines, size_t fibers)
{
    if (fibers <= deadlines->capacity)
        return 0;
    size_t capacity = deadlines->capacity ? deadlines->capacity : 16;
    while (capacity < fibers)
        capacity *= 2;
    struct strata_fiber **grown = realloc(deadlines->fibers, (capacity + 1) * sizeof(struct strata_fiber *));
    if (!grown)
        return -ENOMEM;
    deadlines->fibers = grown;
    deadlines->capacity = capacity;
    return 0;
}

static void sift_up(struct deadlines *deadlines, size_t index, struct strata_fiber *fiber)
{
    for (; index > 1 && earlier(fiber, deadlines->fibers[index / 2]); index /= 2)
        place(deadlines, index, deadlines->fibers[index / 2]);
    place(deadlines, index, fiber);
}

static void sift_down(struct deadlines *deadlines, size_t index, struct strata_fiber *fiber)
{
    for (;;) {
        size_t child = index * 2;
        if (child > deadlines->count)
            break;
        if (child < deadlines->count && earlier(deadlines->fibers[child + 1], deadlines->fibers[child]))
            child++;
        if (!earlier(deadlines->fibers[child], fiber))
            break;
        place(deadlines, index, deadlines->fibers[child]);
        index = child;
    }
    place(deadlines, index, fiber);
}

void deadlines_add(struct deadlines *deadlines, struct strata_fiber *fiber)
{
    fiber->sequence = ++deadlines->sequence;
    sift_up(deadlines, ++deadlines->count, fiber);
}

void deadlines_remove(struct deadlines *deadlines, struct strata_fiber *fiber)
{
    size_t index = fiber->heap_index;
    if (index == 0)
        return;
    fiber->heap_index = 0;
    struct strata_fiber *last = deadlines->fibers[deadlines->count--];
    if (last == fiber)
        return;
    if (index > 1 && earlier(last, deadlines->fibers[index / 2]))
        sift_up(deadlines, index, last);
    else
        sift_down(deadlines, index, last);
}

struct strata_fiber *deadlines_first(const struct deadlines *deadlines)
{
    return deadlines->count ? deadlines->fibers[1] : NULL;
}
