/**
 * Timers: a hierarchical wheel with a bitmap per level. Arming, disarming and finding the next deadline take
 * constant time (the last on average: what was found is remembered). A timer never fires early; those due at
 * one advance fire in the order of their deadlines, and in the order of arming where those are equal, so that
 * a run is the same on every machine.
 */
#ifndef BASE_WHEEL_H
#define BASE_WHEEL_H

#include "base/list.h"
#include <strata/strata.h>

struct timer {
    struct list node;
    strata_time deadline; /**< STRATA_NEVER: not armed. */
    /** Called with the timer disarmed; may arm it again, and may free whatever holds it. */
    void (*fire)(struct timer *timer, strata_time now);
};

#define WHEEL_LEVELS 11
#define WHEEL_SLOTS 64

struct wheel {
    strata_time now;      /**< All deadlines before or at this have fired, or are in `due` or `late`. */
    uint64_t armed;       /**< How many timers. */
    strata_time earliest; /**< The earliest deadline in the slots, while `earliest_known`. */
    bool earliest_known;
    uint16_t levels_occupied;        /**< A bit per level. */
    uint64_t occupied[WHEEL_LEVELS]; /**< A bit per slot. */
    struct list due;                 /**< Being fired by the advance in progress. */
    struct list late;                /**< Armed for a time that has passed: for the next advance. In order. */
    /** The first timer of each slot, or NULL; allocated with the host. */
    struct list *(*slots)[WHEEL_SLOTS];
};

struct memory;
int wheel_init(struct wheel *wheel, struct memory *memory, strata_time now);
void wheel_free(struct wheel *wheel, struct memory *memory);
static inline void timer_init(struct timer *timer, void (*fire)(struct timer *, strata_time))
{
    list_init(&timer->node);
    timer->deadline = STRATA_NEVER;
    timer->fire = fire;
}
static inline bool timer_is_armed(const struct timer *timer)
{
    return timer->deadline != STRATA_NEVER;
}
/** (Re-)arms; a deadline in the past fires at the next advance. STRATA_NEVER disarms. */
void wheel_arm(struct wheel *wheel, struct timer *timer, strata_time deadline);
void wheel_disarm(struct wheel *wheel, struct timer *timer);
/** Fires everything due at `now`, which never runs backwards. Timers armed by those that fire, for now or
 * before, fire at the next call. */
void wheel_advance(struct wheel *wheel, strata_time now);
/** The earliest deadline, exactly; STRATA_NEVER: none. */
strata_time wheel_next(struct wheel *wheel);

#endif
