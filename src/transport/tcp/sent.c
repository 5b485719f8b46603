/*
 * The map of sent ranges.
 *
 * A plain array whose front moves: acknowledgements take from the front, new data is added at the back, both
 * without moving anything. Splits in the middle are rare (losses) and move what lies behind. Memory that is
 * not there is never a reason to fail: two ranges are then told of as one, with the later time and the flags
 * of both, which errs to the side of caution: no round-trip sample, and what was lost may be found out by a
 * later timeout only.
 */
#include "transport/tcp/sent.h"
#include "base/assert.h"

#include <string.h>

#define LEAST_ROOM 8u

/** An array whose first `head` elements are gone. */
struct sent_list {
    uint32_t head, room;
    struct sent_range ranges[];
};

static inline size_t list_bytes(uint32_t room)
{
    return sizeof(struct sent_list) + room * sizeof(struct sent_range);
}

static inline struct sent_range *at(struct sent *sent, uint32_t index)
{
    return sent->listed ? &sent->list->ranges[sent->list->head + index] : &sent->single;
}

struct sent_range *sent_at(struct sent *sent, uint32_t index)
{
    return at(sent, index);
}

void sent_init(struct sent *sent)
{
    *sent = (struct sent){0};
}

void sent_clear(struct sent *sent, struct memory *memory)
{
    if (sent->listed)
        memory_release(memory, sent->list, list_bytes(sent->list->room));
    sent_init(sent);
}

static uint32_t lost_of(const struct sent_range *range)
{
    return range->flags & SENT_LOST ? range->end - range->start : 0;
}

/** Makes room for one more range behind the last. */
static bool reserve(struct sent *sent, struct memory *memory)
{
    struct sent_list *list = sent->listed ? sent->list : NULL;
    if (list && list->head + sent->count < list->room)
        return true;
    if (list && list->head > list->room / 2) {
        memmove(list->ranges, list->ranges + list->head, sent->count * sizeof *list->ranges);
        list->head = 0;
        return true;
    }
    uint32_t room = list ? 2 * list->room : LEAST_ROOM;
    struct sent_list *longer = memory_allocate_raw(memory, list_bytes(room));
    if (!longer)
        return false;
    longer->head = 0;
    longer->room = room;
    memcpy(longer->ranges, at(sent, 0), sent->count * sizeof *longer->ranges);
    if (list)
        memory_release(memory, list, list_bytes(list->room));
    sent->list = longer;
    sent->listed = true;
    return true;
}

static bool same_story(const struct sent_range *a, const struct sent_range *b)
{
    return a->end == b->start && a->last_sent == b->last_sent && a->times == b->times && a->flags == b->flags &&
           a->delivered == b->delivered;
}

void sent_push(struct sent *sent, struct memory *memory, seq_t start, seq_t end, strata_time now, uint32_t delivered)
{
    struct sent_range range = {start, end, now, delivered, 1, 0};
    if (sent->count == 0) {
        sent->lost_from = start;
        sent->count = 1;
        *at(sent, 0) = range;
        return;
    }
    struct sent_range *last = at(sent, sent->count - 1);
    ASSERT(last->end == start);
    if (same_story(last, &range)) {
        last->end = end;
        return;
    }
    if (!reserve(sent, memory)) {
        sent->lost_bytes -= lost_of(last);
        last->end = end;
        last->last_sent = now;
        last->flags |= SENT_RESENT;
        sent->lost_bytes += lost_of(last);
        return;
    }
    sent->count++;
    *at(sent, sent->count - 1) = range;
}

struct sent_acked sent_acknowledge(struct sent *sent, struct memory *memory, seq_t ack)
{
    struct sent_acked acked = {.first_sent = STRATA_NEVER, .resent_at = STRATA_NEVER};
    while (sent->count > 0) {
        struct sent_range *first = at(sent, 0);
        if (seq_le(ack, first->start))
            break;
        strata_time *noted = first->flags & SENT_RESENT ? &acked.resent_at : &acked.first_sent;
        if (first->last_sent < *noted)
            *noted = first->last_sent;
        sent->lost_bytes -= lost_of(first);
        if (seq_lt(ack, first->end)) {
            first->start = ack;
            sent->lost_bytes += lost_of(first);
            break;
        }
        if (sent->listed)
            sent->list->head++;
        sent->count--;
    }
    if (sent->count == 0)
        sent_clear(sent, memory);
    else if (seq_lt(sent->lost_from, ack))
        sent->lost_from = ack;
    return acked;
}

void sent_lose_all(struct sent *sent)
{
    if (sent->count == 0)
        return;
    sent->lost_bytes = 0;
    for (uint32_t i = 0; i < sent->count; i++) {
        struct sent_range *range = at(sent, i);
        range->flags |= SENT_LOST;
        sent->lost_bytes += range->end - range->start;
    }
    sent->lost_from = at(sent, 0)->start;
}

/** The index of the first range that ends behind x. */
static uint32_t find(struct sent *sent, seq_t x)
{
    uint32_t low = 0, high = sent->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (seq_gt(at(sent, middle)->end, x))
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/** Makes x the border of two ranges, where memory allows. @return the index of the range that begins at x, or
 * of the one that holds x. */
static uint32_t split(struct sent *sent, struct memory *memory, seq_t x)
{
    uint32_t index = find(sent, x);
    if (index == sent->count || seq_le(x, at(sent, index)->start) || !reserve(sent, memory))
        return index;
    struct sent_range *range = at(sent, index);
    memmove(range + 1, range, (sent->count - index) * sizeof *range);
    sent->count++;
    range[0].end = x;
    range[1].start = x;
    return index + 1;
}

/** Merges the ranges from first - 1 to last where they tell the same. */
static void merge(struct sent *sent, uint32_t first, uint32_t last)
{
    uint32_t index = first > 0 ? first : 1;
    while (index <= last && index < sent->count) {
        struct sent_range *range = at(sent, index);
        if (!same_story(range - 1, range)) {
            index++;
            continue;
        }
        range[-1].end = range->end;
        sent->count--;
        memmove(range, range + 1, (sent->count - index) * sizeof *range);
        last--;
    }
}

void sent_lose(struct sent *sent, struct memory *memory, seq_t start, seq_t end)
{
    uint32_t first = split(sent, memory, start);
    split(sent, memory, end);
    uint32_t index = first;
    for (; index < sent->count && seq_lt(at(sent, index)->start, end); index++) {
        struct sent_range *range = at(sent, index);
        sent->lost_bytes -= lost_of(range);
        range->flags |= SENT_LOST;
        sent->lost_bytes += lost_of(range);
    }
    if (index > first && seq_lt(at(sent, first)->start, sent->lost_from))
        sent->lost_from = at(sent, first)->start;
    merge(sent, first, index);
}

void sent_resend(struct sent *sent, struct memory *memory, seq_t start, seq_t end, strata_time now, uint32_t delivered)
{
    uint32_t first = split(sent, memory, start);
    split(sent, memory, end);
    uint32_t index = first;
    for (; index < sent->count && seq_lt(at(sent, index)->start, end); index++) {
        struct sent_range *range = at(sent, index);
        sent->lost_bytes -= lost_of(range);
        range->flags = (range->flags & ~SENT_LOST) | SENT_RESENT;
        range->last_sent = now;
        range->delivered = delivered;
        if (range->times < UINT16_MAX)
            range->times++;
    }
    if (sent->lost_from == start)
        sent->lost_from = end;
    merge(sent, first, index);
}

bool sent_first_lost(struct sent *sent, uint32_t most, seq_t *start, seq_t *end)
{
    if (sent->lost_bytes == 0)
        return false;
    uint32_t index = find(sent, sent->lost_from);
    while (!(at(sent, index)->flags & SENT_LOST))
        index++;
    sent->lost_from = *start = at(sent, index)->start;
    do {
        *end = at(sent, index++)->end;
    } while (*end - *start < most && index < sent->count && at(sent, index)->flags & SENT_LOST);
    if (*end - *start > most)
        *end = *start + most;
    return true;
}
