/**
 * The clocks of a connection: retransmission, persist, delayed ACK, keep-alive, user timeout, and the ends of
 * FIN-WAIT-2 and linger without a program.
 */
#ifndef TRANSPORT_TCP_TIMERS_H
#define TRANSPORT_TCP_TIMERS_H

#include "transport/tcp/connection.h"

/** What STRATA_TRACE_TCP_TIMER calls them. */
enum tcp_timer_kind {
    TIMER_RETRANSMISSION = 1,
    TIMER_PERSIST,
    TIMER_DELAYED_ACK,
    TIMER_KEEP_ALIVE,
    TIMER_TIME_WAIT,
    TIMER_USER_TIMEOUT,
    TIMER_TAIL_PROBE,
    TIMER_REORDER,
};

/** The wheel's call. */
void timers_fire(struct timer *timer, strata_time now);
/** Sees to it that the wheel fires no later than the earliest deadline. Deadlines that moved away are found
 * out when the wheel fires: so acknowledgements do not touch it. */
void timers_update(struct tcp_connection *c);
/** The retransmission timeout, backed off (RFC 6298 2, 5.5). */
strata_time timers_rto(const struct tcp_connection *c);
/** Something was sent that must be acknowledged (RFC 6298 5.1). */
void timers_sent(struct tcp_connection *c);
/** The peer acknowledged something new (RFC 6298 5.2, 5.3); `measured`: it gave an RTT sample; `restart`:
 * whether the timer begins anew. */
void timers_acked(struct tcp_connection *c, bool measured, bool restart);
/** An ACK told something and did not advance: what is suspected to be lost has its time. */
void timers_sacked(struct tcp_connection *c);
/** The retransmission timer begins anew, or that of a tail loss probe before it. */
void timers_restart(struct tcp_connection *c);
/** Data waits, nothing is in flight and the window does not let it go: probe it (RFC 9293 3.8.6.1). */
void timers_persist(struct tcp_connection *c);
/** Our own queue has refused what was to be sent: a probe that waits for it comes at a steady pace. */
void timers_refused(struct tcp_connection *c);
/** The window lets data go again: what a probe had out goes with it. */
void timers_stop_persist(struct tcp_connection *c);
/** No more probes. */
void timers_end_persist(struct tcp_connection *c);
/** Our SYN goes out once more, with what has changed. */
void timers_ask_again(struct tcp_connection *c);
/** Sets the keep-alive deadline from options and state. */
void timers_keep_alive(struct tcp_connection *c);

#endif
