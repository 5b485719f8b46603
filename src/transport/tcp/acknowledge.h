/**
 * The fifth step of RFC 9293 3.10.7.4: the ACK field, the send window, round-trip time.
 */
#ifndef TRANSPORT_TCP_ACKNOWLEDGE_H
#define TRANSPORT_TCP_ACKNOWLEDGE_H

#include "transport/tcp/connection.h"

/** Processes the ACK field in a synchronized state. @return false: the segment is done with, or the
 * connection gone. */
bool acknowledge_segment(struct tcp_connection *c, const struct segment *segment);
/** The same for an ACK that does nothing but acknowledge something new, in ESTABLISHED. */
void acknowledge_predicted(struct tcp_connection *c, const struct segment *segment);
/** Our SYN was acknowledged: SND.UNA steps behind it, without growth of cwnd (RFC 5681-3). */
void acknowledge_syn(struct tcp_connection *c, const struct segment *segment);
/** Whether a program should write now. */
bool acknowledge_offers_room(const struct tcp_connection *c);
/** Tells a program that found no room that there is room now, if there is. */
void acknowledge_offer_room(struct tcp_connection *c);
/** The window of a segment, whether it is news or not. */
void acknowledge_window(struct tcp_connection *c, const struct segment *segment);
/** A round-trip time was measured (RFC 6298 2.2, 2.3). */
void acknowledge_sample(struct tcp_connection *c, strata_time rtt_ns);

#endif
