/*
 * The event queue: a binary heap ordered by time, then by the order of insertion, so that no two events are
 * equal and the order in which they come out is the same on every machine.
 */
#include "lab/world.h"

#include "base/assert.h"

#include <errno.h>
#include <stdlib.h>

static bool earlier(const struct event *a, const struct event *b)
{
    return a->time != b->time ? a->time < b->time : a->sequence < b->sequence;
}

int queue_push(struct queue *queue, strata_time time, enum event_kind kind, void *object)
{
    if (queue->count == queue->room) {
        size_t room = queue->room ? queue->room * 2 : 64;
        struct event *events = realloc(queue->events, room * sizeof *events);
        if (!events)
            return -ENOMEM;
        queue->events = events;
        queue->room = room;
    }
    struct event event = {.time = time, .sequence = queue->sequence++, .kind = kind, .object = object};
    size_t i = queue->count++;
    while (i > 0) {
        size_t parent = (i - 1) / 2;
        if (!earlier(&event, &queue->events[parent]))
            break;
        queue->events[i] = queue->events[parent];
        i = parent;
    }
    queue->events[i] = event;
    return 0;
}

struct event queue_pop(struct queue *queue)
{
    ASSERT(queue->count > 0);
    struct event first = queue->events[0];
    struct event last = queue->events[--queue->count];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= queue->count)
            break;
        if (child + 1 < queue->count && earlier(&queue->events[child + 1], &queue->events[child]))
            child++;
        if (!earlier(&queue->events[child], &last))
            break;
        queue->events[i] = queue->events[child];
        i = child;
    }
    if (queue->count > 0)
        queue->events[i] = last;
    return first;
}
