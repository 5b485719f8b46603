/*
 * Ranges of sequence numbers in a sorted array: few as a rule, so that a binary search and a move of what
 * lies behind are faster than any tree. They mostly come at the end and go at the front, for which nothing moves.
 */
#include "base/ranges.h"
#include "base/assert.h"

#include <errno.h>
#include <string.h>

/** The index of the first range that ends behind x (or at x, if `touching`). */
static uint32_t first_behind(const struct ranges *ranges, seq_t x, bool touching)
{
    uint32_t low = 0, high = ranges->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        seq_t end = ranges->list[middle].end;
        if (seq_gt(end, x) || (touching && end == x))
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

void ranges_clear(struct ranges *ranges, struct memory *memory)
{
    if (ranges->list)
        memory_release(memory, ranges->list - ranges->head, ranges->room * sizeof *ranges->list);
    *ranges = (struct ranges){0};
}

/** Makes room behind the last one: half of the memory is free in front, or there is twice as much. */
static int make_room(struct ranges *ranges, struct memory *memory)
{
    struct range *list = ranges->list ? ranges->list - ranges->head : NULL;
    if (ranges->head > ranges->room / 2) {
        memmove(list, ranges->list, ranges->count * sizeof *list);
        ranges->list = list;
        ranges->head = 0;
        return 0;
    }
    uint32_t room = ranges->room ? 2 * ranges->room : 4;
    list = memory_resize(memory, list, ranges->room * sizeof *list, room * sizeof *list);
    if (!list)
        return -ENOMEM;
    ranges->list = list + ranges->head;
    ranges->room = room;
    return 0;
}

/** Puts a range at `index`. */
static int insert_at(struct ranges *ranges, struct memory *memory, uint32_t index, struct range range)
{
    if (ranges->head > 0 && index < ranges->count / 2) {
        memmove(ranges->list - 1, ranges->list, index * sizeof *ranges->list);
        ranges->list--;
        ranges->head--;
    } else {
        if (ranges->head + ranges->count == ranges->room && make_room(ranges, memory) != 0)
            return -ENOMEM;
        memmove(ranges->list + index + 1, ranges->list + index, (ranges->count - index) * sizeof *ranges->list);
    }
    ranges->list[index] = range;
    ranges->count++;
    return 0;
}

/** Takes the ranges first ... last - 1 out of the list. */
static void erase(struct ranges *ranges, struct memory *memory, uint32_t first, uint32_t last)
{
    if (first == last)
        return;
    if (first == 0) {
        ranges->head += last;
        ranges->list += last;
    } else {
        memmove(ranges->list + first, ranges->list + last, (ranges->count - last) * sizeof *ranges->list);
    }
    ranges->count -= last - first;
    if (ranges->count == 0)
        ranges_clear(ranges, memory);
}

int ranges_add(struct ranges *ranges, struct memory *memory, seq_t start, seq_t end, uint32_t limit)
{
    if (start == end)
        return 0;
    ASSERT(seq_lt(start, end));
    uint32_t first = first_behind(ranges, start, true), last = first;
    while (last < ranges->count && seq_le(ranges->list[last].start, end))
        last++;
    if (first == last) {
        if (ranges->count >= limit)
            return -ENOSPC;
        return insert_at(ranges, memory, first, (struct range){start, end});
    }
    struct range *merged = &ranges->list[first];
    merged->start = seq_min(merged->start, start);
    merged->end = seq_max(ranges->list[last - 1].end, end);
    erase(ranges, memory, first + 1, last);
    return 0;
}

int ranges_remove(struct ranges *ranges, struct memory *memory, seq_t start, seq_t end)
{
    if (start == end)
        return 0;
    ASSERT(seq_lt(start, end));
    uint32_t first = first_behind(ranges, start, false);
    if (first == ranges->count || seq_ge(ranges->list[first].start, end))
        return 0;
    struct range *range = &ranges->list[first];
    if (seq_lt(range->start, start)) {
        if (seq_gt(range->end, end)) {
            int error = insert_at(ranges, memory, first + 1, (struct range){end, range->end});
            if (error == 0)
                ranges->list[first].end = start;
            return error;
        }
        range->end = start;
        first++;
    }
    uint32_t last = first;
    while (last < ranges->count && seq_le(ranges->list[last].end, end))
        last++;
    if (last < ranges->count && seq_lt(ranges->list[last].start, end))
        ranges->list[last].start = end;
    erase(ranges, memory, first, last);
    return 0;
}

const struct range *ranges_from(const struct ranges *ranges, seq_t x)
{
    uint32_t index = first_behind(ranges, x, false);
    return index < ranges->count ? &ranges->list[index] : NULL;
}

const struct range *ranges_find(const struct ranges *ranges, seq_t x)
{
    uint32_t index = first_behind(ranges, x, false);
    if (index == ranges->count || seq_gt(ranges->list[index].start, x))
        return NULL;
    return &ranges->list[index];
}

bool ranges_meet(const struct ranges *ranges, seq_t start, seq_t end, bool touching)
{
    uint32_t index = first_behind(ranges, start, touching);
    if (index == ranges->count)
        return false;
    return touching ? seq_le(ranges->list[index].start, end) : seq_lt(ranges->list[index].start, end);
}

bool ranges_cover(const struct ranges *ranges, seq_t start, seq_t end)
{
    if (start == end)
        return true;
    const struct range *range = ranges_find(ranges, start);
    return range && seq_ge(range->end, end);
}
