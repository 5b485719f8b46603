/**
 * Disciplines of a cable's queue: what they decide, apart from what is then done. Everything is integers and
 * depends on the arguments alone, so that a test can compute by hand what must come out.
 *
 *     FIFO     marks what finds a certain length (what DCTCP's switches do)
 *     RED      drops or marks at random, the more the longer the queue is on average (Floyd, Jacobson 1993)
 *     CoDel    drops or marks, ever more often, while waiting has been too long for too long (RFC 8289)
 *
 * FIFO and RED decide when a frame arrives, CoDel when it leaves.
 */
#ifndef LAB_DISCIPLINE_H
#define LAB_DISCIPLINE_H

#include <strata/lab.h>

#include "base/random.h"

/** What becomes of a frame. MARK is for frames whose sender understands it, DROP for the others. */
enum fate { FATE_PASS, FATE_MARK, FATE_DROP };

struct red {
    uint64_t average; /**< Frames, times 2^24. */
    uint32_t since;   /**< Frames since the last that was dropped or marked, while the average is between. */
};
/** A frame arrives where `waiting` others wait; the queue has been empty, with nothing to send, for `idle_ns`, in
 * which a frame of usual size takes `frame_ns`. @return whether it is chosen. */
bool red_chooses(struct red *red, const struct strata_queue *queue, uint32_t waiting, strata_time idle_ns,
                 strata_time frame_ns, struct random *random);

struct codel {
    strata_time above_since; /**< Waiting has been too long since this time minus interval; 0: it is not. */
    strata_time next;        /**< When the next one is chosen, while `choosing`. */
    uint32_t count, last_count;
    bool choosing;
};
/** A frame leaves the queue in which it waited for `waited_ns`; `bytes_left` wait behind it.
 * @return whether it is chosen. */
bool codel_chooses(struct codel *codel, const struct strata_queue *queue, strata_time waited_ns,
                   uint64_t bytes_left, uint32_t mtu_bytes, strata_time now);
/** The queue has run empty. */
void codel_rest(struct codel *codel);

/** Marks a frame with Congestion Experienced. @return false: it is no IP, or its sender is not capable of ECN. */
bool frame_mark_ce(enum strata_link link, uint8_t *frame, size_t length);

/** Whether the thresholds and shares of RED make sense. */
bool red_is_possible(const struct strata_queue *queue);
/** Whether a queue makes sense, with all that is inside (queue_copy.c). */
bool queue_is_possible(const struct strata_queue *queue);

#endif
