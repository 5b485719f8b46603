/**
 * A line that changes as a trace says: see struct strata_link_trace. Nothing happens when a point is due and nobody
 * sends; whoever sends asks first.
 */
#ifndef LAB_FOLLOW_H
#define LAB_FOLLOW_H

#include <strata/lab.h>

struct follower {
    struct strata_link_trace trace; /**< Its own copy. */
    strata_time began;              /**< The round that is under way. */
    unsigned next;                  /**< Point; point_count: none is left. */
    bool stopped;                   /**< The rate is 0. */
    strata_time deliveries_began;
    unsigned next_delivery;
    strata_time opportunity; /**< The last that was used, ... */
    uint32_t left_bytes;     /**< ... with so much room left. */
};
/** Whether a trace makes sense. */
bool trace_is_possible(const struct strata_link_trace *trace);
/** @return 0; -ENOMEM. */
int follower_new(struct follower **made, const struct strata_link_trace *trace, strata_time now);
void follower_free(struct follower *follower);
/** Brings what a cable does up to now. */
void follower_apply(struct follower *follower, struct strata_impairment *impairment, strata_time now);
/** When the next point is due; STRATA_NEVER: there is none. */
strata_time follower_next(const struct follower *follower);
/** When the last byte of a frame leaves that is sent now, by opportunities of so many bytes. */
strata_time follower_send(struct follower *follower, uint32_t bytes, uint32_t opportunity_bytes, strata_time now);

#endif
