/**
 * Losses: how they are noticed by duplicate ACKs and timeouts, and what is sent again.
 */
#ifndef TRANSPORT_TCP_RECOVERY_H
#define TRANSPORT_TCP_RECOVERY_H

#include "transport/tcp/connection.h"

/** A duplicate ACK has come (RFC 5681-11). */
void recovery_duplicate(struct tcp_connection *c);
/** SND.UNA advanced by `bytes`. @return whether the retransmission timer begins anew. */
bool recovery_acked(struct tcp_connection *c, uint32_t bytes);
/** The retransmission timer expired. */
void recovery_timeout(struct tcp_connection *c);
/** The path MTU became smaller than what is out: send that again in smaller pieces (RFC 1191-5). */
void recovery_smaller_mtu(struct tcp_connection *c);
/**
 * The path has marked a segment of ours instead of dropping it (RFC 3168-4): the window comes down as after a loss,
 * once for each window of data (RFC 3168-6), and nothing is sent again. @return whether it did now.
 */
bool recovery_ecn(struct tcp_connection *c);
/** What may be sent beyond cwnd because of the first two duplicate ACKs (RFC 3042). */
uint32_t recovery_limited_transmit(const struct tcp_connection *c);

#endif
