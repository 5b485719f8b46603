/**
 * CUBIC in whole segments (strata.tcp_cubic_segments). What it remembers is part of CUBIC's state.
 */
#ifndef TRANSPORT_TCP_CUBIC_SEGMENTS_H
#define TRANSPORT_TCP_CUBIC_SEGMENTS_H

#include "transport/tcp/congestion.h"

/** Windows are segments, times milliseconds of the host's, modulo 2^32. */
struct cubic_segments {
    bool running; /**< There is a curve, which began at: */
    uint32_t began_ms;
    uint32_t k; /**< 1024ths of a second from there to its middle, at: */
    uint32_t origin;
    uint32_t w_max;          /**< The window at the last loss; 0: none since the last timeout. */
    uint32_t seen, seen_ms;  /**< The window for which the curve was looked at last, and when. */
    uint32_t per_growth;     /**< So many segments acknowledged make the window one larger. */
    uint32_t estimate;       /**< What a Reno would have, */
    uint32_t estimate_acked; /**< and the segments acknowledged since that last grew. */
    strata_time least_ns;    /**< The least round-trip time; 0: unknown. */
};

/** The greatest whole number whose cube is not above x (cubic.c). */
uint32_t cubic_root(uint64_t x);

void cubic_segments_acked(struct tcp_connection *c, struct cubic_segments *cubic, const struct tcp_ack *ack);
uint32_t cubic_segments_ssthresh(const struct tcp_connection *c, struct cubic_segments *cubic);
void cubic_segments_event(const struct tcp_connection *c, struct cubic_segments *cubic,
                          enum tcp_congestion_event event);

#endif
