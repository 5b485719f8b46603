/**
 * Congestion control as a table of functions, one table per algorithm, in integer arithmetic.
 *
 * An algorithm says how cwnd grows and what a loss does to ssthresh. When something was lost, and what is
 * sent again, is the business of recovery.c, the same for all of them. Windows are in bytes.
 */
#ifndef TRANSPORT_TCP_CONGESTION_H
#define TRANSPORT_TCP_CONGESTION_H

#include "transport/tcp/connection.h"

/** Windows beyond this make no difference and must not overflow. */
#define CWND_MAX (1u << 30)

struct tcp_congestion {
    const char *name;
    /** `bytes` were acknowledged, outside of fast recovery, while cwnd was in full use. */
    void (*acked)(struct tcp_connection *c, uint32_t bytes);
    /** The new ssthresh after a loss with `flight` bytes outstanding. */
    uint32_t (*ssthresh)(const struct tcp_connection *c, uint32_t flight);
};

/** By index (STRATA_OPTION_CONGESTION); NULL after the last. */
const struct tcp_congestion *congestion_get(unsigned index);
/** RFC 6928's initial window, or one segment after a lost SYN. */
uint32_t congestion_initial_window(const struct tcp_connection *c);
/** cwnd and ssthresh as they are when data transfer begins. */
void congestion_begin(struct tcp_connection *c);
/** Traces cwnd. */
void congestion_trace(const struct tcp_connection *c);

extern const struct tcp_congestion congestion_reno;

#endif
