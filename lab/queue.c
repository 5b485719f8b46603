/*
 * The event queue: wheels within wheels. A time is a number of eleven digits of six bits. An event lies at
 * the level of the highest digit in which its time differs from that of the event taken last, in the slot of
 * that digit's value. So everything at a lower level comes before everything at a higher one, and within a
 * level slots come in order. When the lower levels are empty, the first slot of the next one is dealt out to
 * them; what is earliest in it lands in a slot of the lowest level, where all times are equal. An event moves
 * down at most eleven times, mostly once or twice.
 *
 * Slots are lists and keep the order in which events came. Events of equal time always lie in the same slot,
 * whatever level that is, because the slot follows from the time alone; so they come out in the order in
 * which they were put in.
 *
 * Lists are made of chunks: an event that moves is copied, and a thousand of them are read in a row from
 * memory.
 */
#include "lab/queue.h"

#include "base/assert.h"

#include <errno.h>
#include <stdlib.h>

/** A chunk has 256 bytes. */
#define CHUNK_EVENTS 10u

struct queue_chunk {
    struct queue_chunk *next;
    uint32_t first, end; /**< Events first to end - 1 are there. */
    struct event events[CHUNK_EVENTS];
};

static struct queue_chunk *chunk_new(struct queue *queue)
{
    struct queue_chunk *chunk = queue->free_chunks;
    if (chunk)
        queue->free_chunks = chunk->next;
    else
        chunk = malloc(sizeof *chunk);
    if (chunk) {
        chunk->next = NULL;
        chunk->first = chunk->end = 0;
    }
    return chunk;
}

static void chunk_free(struct queue *queue, struct queue_chunk *chunk)
{
    chunk->next = queue->free_chunks;
    queue->free_chunks = chunk;
}

static void mark(struct queue *queue, unsigned level, unsigned at)
{
    queue->slots[level] |= UINT64_C(1) << at;
    queue->levels |= 1u << level;
}

static void unmark(struct queue *queue, unsigned level, unsigned at)
{
    queue->slots[level] &= ~(UINT64_C(1) << at);
    if (queue->slots[level] == 0)
        queue->levels &= ~(1u << level);
}

/** Where a time belongs. */
static unsigned level_of(const struct queue *queue, strata_time time)
{
    uint64_t differs = (uint64_t)(time ^ queue->base);
    return differs < QUEUE_SLOTS ? 0 : (63 - (unsigned)__builtin_clzll(differs)) / QUEUE_LEVEL_BITS;
}

static unsigned slot_of(strata_time time, unsigned level)
{
    return (unsigned)(time >> (level * QUEUE_LEVEL_BITS)) & (QUEUE_SLOTS - 1);
}

static int append(struct queue *queue, const struct event *event)
{
    unsigned level = level_of(queue, event->time), at = slot_of(event->time, level);
    struct queue_slot *slot = &queue->slot[level][at];
    struct queue_chunk *last = slot->last;
    if (!last || last->end == CHUNK_EVENTS) {
        struct queue_chunk *chunk = chunk_new(queue);
        if (!chunk)
            return -ENOMEM;
        if (last)
            last->next = chunk;
        else
            slot->first = chunk;
        slot->last = last = chunk;
        mark(queue, level, at);
    }
    last->events[last->end++] = *event;
    return 0;
}

int queue_push(struct queue *queue, strata_time time, enum event_kind kind, void *object)
{
    ASSERT(time >= queue->base);
    int error = append(queue, &(struct event){.time = time, .kind = kind, .object = object});
    if (error)
        return error;
    if (queue->count++ == 0 || time < queue->next)
        queue->next = time;
    return 0;
}

/** The earliest time in a slot that is not empty. */
static strata_time earliest(const struct queue_slot *slot)
{
    strata_time time = STRATA_NEVER;
    for (const struct queue_chunk *chunk = slot->first; chunk; chunk = chunk->next)
        for (uint32_t i = chunk->first; i < chunk->end; i++)
            if (chunk->events[i].time < time)
                time = chunk->events[i].time;
    return time;
}

strata_time queue_find_next(struct queue *queue)
{
    if (queue->count == 0)
        return STRATA_NEVER;
    unsigned level = (unsigned)__builtin_ctz(queue->levels);
    unsigned at = (unsigned)__builtin_ctzll(queue->slots[level]);
    queue->next = level == 0 ? (queue->base & ~(strata_time)(QUEUE_SLOTS - 1)) + at
                             : earliest(&queue->slot[level][at]);
    return queue->next;
}

/** Whether a slot holds one event: it need not move down to be taken. */
static bool is_alone(const struct queue_slot *slot)
{
    return slot->first == slot->last && slot->first->end - slot->first->first == 1;
}

/** Deals a slot out to the levels below; base is the earliest time in it. */
static int deal_out(struct queue *queue, unsigned level, unsigned at)
{
    struct queue_slot *slot = &queue->slot[level][at];
    for (struct queue_chunk *chunk; (chunk = slot->first);) {
        for (; chunk->first < chunk->end; chunk->first++) {
            if (append(queue, &chunk->events[chunk->first]) != 0)
                return -ENOMEM;
            __builtin_prefetch(chunk->events[chunk->first].object); // it comes soon
        }
        slot->first = chunk->next;
        chunk_free(queue, chunk);
    }
    slot->last = NULL;
    unmark(queue, level, at);
    return 0;
}

/** Takes the first event of a slot. */
static struct event take(struct queue *queue, unsigned level, unsigned at)
{
    struct queue_slot *slot = &queue->slot[level][at];
    struct queue_chunk *chunk = slot->first;
    struct event event = chunk->events[chunk->first++];
    if (chunk->first == chunk->end) {
        slot->first = chunk->next;
        if (!slot->first) {
            slot->last = NULL;
            unmark(queue, level, at);
        }
        chunk_free(queue, chunk);
    }
    queue->count--;
    return event;
}

int queue_pop(struct queue *queue, struct event *event)
{
    ASSERT(queue->count > 0);
    strata_time time = queue_next(queue);
    unsigned level = level_of(queue, time), at = slot_of(time, level);
    queue->base = time;
    if (level > 0 && !is_alone(&queue->slot[level][at])) {
        if (deal_out(queue, level, at) != 0)
            return -ENOMEM;
        level = 0;
        at = slot_of(time, 0);
    }
    *event = take(queue, level, at);
    if (level > 0 || !queue->slot[0][at].first)
        queue->next = -1;
    return 0;
}

const struct event *queue_peek(const struct queue *queue)
{
    if (queue->count == 0)
        return NULL;
    unsigned level = (unsigned)__builtin_ctz(queue->levels);
    const struct queue_chunk *chunk = queue->slot[level][__builtin_ctzll(queue->slots[level])].first;
    return &chunk->events[chunk->first];
}

bool queue_discard(struct queue *queue, struct event *event)
{
    if (queue->count == 0)
        return false;
    unsigned level = (unsigned)__builtin_ctz(queue->levels);
    *event = take(queue, level, (unsigned)__builtin_ctzll(queue->slots[level]));
    return true;
}

void queue_free(struct queue *queue)
{
    while (queue->free_chunks) {
        struct queue_chunk *chunk = queue->free_chunks;
        queue->free_chunks = chunk->next;
        free(chunk);
    }
}
