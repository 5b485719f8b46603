/**
 * Pacing: segments leave at a rate, not in bursts of a window.
 */
#ifndef TRANSPORT_TCP_PACING_H
#define TRANSPORT_TCP_PACING_H

#include <stdbool.h>
#include <stdint.h>
#include <strata/strata.h>

struct tcp_connection;

struct pacing {
    uint64_t rate;           /**< Octets a second; 0: as fast as one likes. */
    strata_time next_at;     /**< When all that has been sent would have left at that rate. */
    strata_time burst_ns;    /**< What may leave at once, as the time it takes. */
    strata_time released_at; /**< When a wait ended last: lateness up to then is made good. */
    strata_time srtt_ns;     /**< The round-trip time and the window from which the rate follows. */
    uint32_t cwnd, ssthresh;
    strata_time credit_ns;   /**< Less of the next wait (strata.tcp_pacing_credit). */
    bool waiting;            /**< Nothing leaves before next_at, at which the connection's timer stands. */
};

/** Whether host or program want it. */
bool pacing_is_wanted(const struct tcp_connection *c);
/** Decides anew whether the connection is paced, and how fast. After a change of algorithm, option or phase. */
void pacing_decide(struct tcp_connection *c);
/** How fast, after cwnd or the round-trip time changed. With FLAG_PACED only. */
void pacing_update(struct tcp_connection *c);
/** Whether nothing may leave now; then the timer stands at the time when it may. With FLAG_PACED only. */
bool pacing_holds(struct tcp_connection *c);
/** The wait is over. */
void pacing_release(struct tcp_connection *c);
/** So many octets have left. With FLAG_PACED only. */
void pacing_sent(struct tcp_connection *c, uint32_t octets);
/** When the connection wants to be woken; STRATA_NEVER: it does not wait. */
strata_time pacing_deadline(const struct tcp_connection *c);
/** The rate in use, or the one that would be; UINT64_MAX: no bound is known. */
uint64_t pacing_rate(const struct tcp_connection *c);
/** Octets in a time as octets a second. */
uint64_t pacing_rate_of(uint64_t octets, strata_time interval_ns);

#endif
