/**
 * The event queue: what happens next, in a total order. Events come out ordered by time and, within one instant, in the
 * order in which they were put in; nothing else decides, so the order is the same on every machine.
 *
 * It costs a few steps per event, whatever the number of events is and however far ahead they lie.
 */
#ifndef LAB_QUEUE_H
#define LAB_QUEUE_H

#include <strata/lab.h>

enum event_kind { EVENT_FRAME, EVENT_NODE, EVENT_ACTION, EVENT_QUEUE, EVENT_TOLD, EVENT_BUS };

struct event {
    strata_time time;
    void *object; /**< struct flight, strata_node, action, direction or bus. */
    enum event_kind kind;
};

#define QUEUE_LEVEL_BITS 6
#define QUEUE_SLOTS (1 << QUEUE_LEVEL_BITS)
/** So many times six bits are all of a time. */
#define QUEUE_LEVELS 11

struct queue_chunk;
/** Events in the order in which they came. */
struct queue_slot {
    struct queue_chunk *first, *last;
};
struct queue {
    size_t count;
    strata_time base; /**< Of the event that was taken last: nothing is earlier. */
    strata_time next; /**< Of the first event; negative: has to be found out. */
    uint32_t levels;  /**< A bit for each level that holds events. */
    uint64_t slots[QUEUE_LEVELS]; /**< A bit for each slot that does. */
    struct queue_slot slot[QUEUE_LEVELS][QUEUE_SLOTS];
    struct queue_chunk *free_chunks;
};

/** Puts an event in, not earlier than the last one taken. @return 0, -ENOMEM. */
int queue_push(struct queue *queue, strata_time time, enum event_kind kind, void *object);
/** Finds out what queue_next says. */
strata_time queue_find_next(struct queue *queue);
/** When the first event is due; STRATA_NEVER: there is none. */
static inline strata_time queue_next(struct queue *queue)
{
    return queue->count > 0 && queue->next >= 0 ? queue->next : queue_find_next(queue);
}
/** Takes the first event; there must be one. @return 0; -ENOMEM, after which events can only be discarded. */
int queue_pop(struct queue *queue, struct event *event);
/** What is likely to be taken next, NULL: nothing. For those who look after its memory ahead of time. */
const struct event *queue_peek(const struct queue *queue);
/** Takes any event. @return whether there was one. */
bool queue_discard(struct queue *queue, struct event *event);
/** Frees what an empty queue holds. */
void queue_free(struct queue *queue);

#endif
