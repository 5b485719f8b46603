/*
 * The timer wheel.
 *
 * A deadline is cut into groups of six bits. A timer lies at the level of the highest group in which its
 * deadline differs from `now`, in the slot that this group says. So it lies in a higher slot than the one
 * `now` is in, the earliest timers are in the first slot of the lowest level in use, and where a timer lies
 * can be computed from its deadline alone. When `now` enters a slot, its timers move to lower levels, in
 * order. Timers with equal deadlines are therefore always in one slot, in the order in which they were armed.
 *
 * An advance first collects all that is due, in order, and then fires it. Meanwhile the wheel is whole, so
 * that those that fire can arm and disarm what they like.
 */
#include "base/wheel.h"
#include "base/assert.h"
#include "base/memory.h"

#include <errno.h>

#define GROUP_BITS 6

/** Times as numbers that have the same order. */
static inline uint64_t ordered(strata_time time)
{
    return (uint64_t)time ^ (uint64_t)1 << 63;
}

int wheel_init(struct wheel *wheel, struct memory *memory, strata_time now)
{
    *wheel = (struct wheel){.now = now, .earliest = STRATA_NEVER, .earliest_known = true};
    list_init(&wheel->due);
    list_init(&wheel->late);
    wheel->slots = memory_allocate(memory, WHEEL_LEVELS * sizeof *wheel->slots);
    return wheel->slots ? 0 : -ENOMEM;
}

void wheel_free(struct wheel *wheel, struct memory *memory)
{
    memory_release(memory, wheel->slots, WHEEL_LEVELS * sizeof *wheel->slots);
    wheel->slots = NULL;
}

/** Where a deadline after `now` lies. */
static inline void locate(const struct wheel *wheel, strata_time deadline, unsigned *level, unsigned *slot)
{
    uint64_t difference = ordered(deadline) ^ ordered(wheel->now);
    *level = (63u - (unsigned)__builtin_clzll(difference)) / GROUP_BITS;
    *slot = ordered(deadline) >> *level * GROUP_BITS & (WHEEL_SLOTS - 1);
}

static void slot_add(struct wheel *wheel, struct timer *timer)
{
    unsigned level, slot;
    locate(wheel, timer->deadline, &level, &slot);
    struct list **first = &wheel->slots[level][slot];
    if (*first) {
        list_insert_before(*first, &timer->node);
        return;
    }
    *first = &timer->node;
    wheel->occupied[level] |= (uint64_t)1 << slot;
    wheel->levels_occupied |= (uint16_t)(1u << level);
}

/** Marks a slot as empty. */
static void slot_empty(struct wheel *wheel, unsigned level, unsigned slot)
{
    wheel->slots[level][slot] = NULL;
    wheel->occupied[level] &= ~((uint64_t)1 << slot);
    if (wheel->occupied[level] == 0)
        wheel->levels_occupied = (uint16_t)(wheel->levels_occupied & ~(1u << level));
}

static void slot_remove(struct wheel *wheel, struct timer *timer)
{
    unsigned level, slot;
    locate(wheel, timer->deadline, &level, &slot);
    struct list **first = &wheel->slots[level][slot];
    if (*first == &timer->node) {
        if (list_is_linked(&timer->node))
            *first = timer->node.next;
        else
            slot_empty(wheel, level, slot);
    }
    list_remove(&timer->node);
}

/** Puts a timer whose time has passed behind those that are no later. As a rule it is the last. */
static void late_add(struct wheel *wheel, struct timer *timer)
{
    struct list *position = &wheel->late;
    while (position->previous != &wheel->late &&
           CONTAINER_OF(position->previous, struct timer, node)->deadline > timer->deadline)
        position = position->previous;
    list_insert_before(position, &timer->node);
}

void wheel_disarm(struct wheel *wheel, struct timer *timer)
{
    if (timer->deadline == STRATA_NEVER)
        return;
    if (timer->deadline <= wheel->now) {
        list_remove(&timer->node);
    } else {
        slot_remove(wheel, timer);
        if (timer->deadline == wheel->earliest)
            wheel->earliest_known = false;
    }
    timer->deadline = STRATA_NEVER;
    wheel->armed--;
}

void wheel_arm(struct wheel *wheel, struct timer *timer, strata_time deadline)
{
    wheel_disarm(wheel, timer);
    if (deadline == STRATA_NEVER)
        return;
    timer->deadline = deadline;
    wheel->armed++;
    if (deadline <= wheel->now) {
        late_add(wheel, timer);
        return;
    }
    slot_add(wheel, timer);
    if (deadline < wheel->earliest)
        wheel->earliest = deadline;
}

/** The first slot in use and when it begins; false: none. */
static bool first_slot(const struct wheel *wheel, unsigned *level, unsigned *slot, strata_time *begin)
{
    if (wheel->levels_occupied == 0)
        return false;
    *level = (unsigned)__builtin_ctz(wheel->levels_occupied);
    *slot = (unsigned)__builtin_ctzll(wheel->occupied[*level]);
    unsigned shift = *level * GROUP_BITS;
    // Groups above this level are those of now, those below are zero. The top level has only four bits.
    uint64_t above =
        shift + GROUP_BITS >= 64 ? 0 : ordered(wheel->now) >> (shift + GROUP_BITS) << (shift + GROUP_BITS);
    *begin = (strata_time)((above | (uint64_t)*slot << shift) ^ (uint64_t)1 << 63);
    return true;
}

/** Moves everything due at `now` to the list `due`, in order, and brings the wheel to `now`. */
static void collect(struct wheel *wheel, strata_time now)
{
    unsigned level, slot;
    strata_time begin;
    while (first_slot(wheel, &level, &slot, &begin) && begin <= now) {
        struct list head, *first = wheel->slots[level][slot];
        slot_empty(wheel, level, slot);
        list_insert_before(first, &head);
        wheel->now = begin;
        LIST_FOR_EACH_SAFE(link, &head) {
            struct timer *timer = CONTAINER_OF(link, struct timer, node);
            list_remove(link);
            if (timer->deadline == begin)
                list_push_back(&wheel->due, link);
            else
                slot_add(wheel, timer);
        }
    }
    wheel->now = now;
}

void wheel_advance(struct wheel *wheel, strata_time now)
{
    ASSERT(list_is_empty(&wheel->due));
    if (now < wheel->now)
        now = wheel->now;
    if (list_is_empty(&wheel->late) && wheel->earliest > now) {
        // Nothing can be due. Where the earliest is not known, `earliest` is a lower bound of it.
        if (wheel->levels_occupied == 0)
            wheel->now = now;
        else
            collect(wheel, now);
        return;
    }
    while (!list_is_empty(&wheel->late)) {
        struct list *link = list_first(&wheel->late);
        list_remove(link);
        list_push_back(&wheel->due, link);
    }
    collect(wheel, now);
    wheel->earliest_known = false;
    struct list *link;
    while ((link = list_first(&wheel->due))) {
        struct timer *timer = CONTAINER_OF(link, struct timer, node);
        list_remove(link);
        timer->deadline = STRATA_NEVER;
        wheel->armed--;
        timer->fire(timer, now);
    }
}

/** The earliest deadline in the slots. */
static strata_time find_earliest(const struct wheel *wheel)
{
    unsigned level, slot;
    strata_time begin, earliest = STRATA_NEVER;
    if (!first_slot(wheel, &level, &slot, &begin))
        return STRATA_NEVER;
    struct list *first = wheel->slots[level][slot], *link = first;
    do {
        strata_time deadline = CONTAINER_OF(link, struct timer, node)->deadline;
        if (deadline < earliest)
            earliest = deadline;
        link = link->next;
    } while (level > 0 && link != first);
    return earliest;
}

strata_time wheel_next(struct wheel *wheel)
{
    struct list *link = list_first(&wheel->due);
    if (!link)
        link = list_first(&wheel->late);
    if (link)
        return CONTAINER_OF(link, struct timer, node)->deadline;
    if (!wheel->earliest_known) {
        wheel->earliest = find_earliest(wheel);
        wheel->earliest_known = true;
    }
    return wheel->earliest;
}
