/**
 * Sorted sets of half-open ranges of 32-bit sequence numbers, all within 2^31 of each other; what lies out
 * of order in a receiver, or what was acknowledged selectively.
 */
#ifndef BASE_RANGES_H
#define BASE_RANGES_H

#include "base/memory.h"
#include "base/seq.h"

struct range {
    seq_t start, end; /**< start <= x < end. */
};

struct ranges {
    struct range *list; /**< Ascending, disjoint, not touching; NULL when empty. */
    uint32_t count, room;
    uint32_t head; /**< Where in its memory the list begins. */
};

void ranges_clear(struct ranges *ranges, struct memory *memory);
/** Adds [start, end), merging what it touches. @return 0, -ENOMEM (nothing changed), -ENOSPC (over `limit` ranges). */
int ranges_add(struct ranges *ranges, struct memory *memory, seq_t start, seq_t end, uint32_t limit);
/** Takes [start, end) away; may split one range. @return 0, -ENOMEM. */
int ranges_remove(struct ranges *ranges, struct memory *memory, seq_t start, seq_t end);
/** The range that holds x, or NULL. O(log n). */
const struct range *ranges_find(const struct ranges *ranges, seq_t x);
/** The range that holds x, or the first one behind it, or NULL. O(log n). */
const struct range *ranges_from(const struct ranges *ranges, seq_t x);
/** Whether anything of [start, end) is in the set; `touching`: or ends or begins where it does. O(log n). */
bool ranges_meet(const struct ranges *ranges, seq_t start, seq_t end, bool touching);
/** Whether all of [start, end) is in the set. */
bool ranges_cover(const struct ranges *ranges, seq_t start, seq_t end);

#endif
