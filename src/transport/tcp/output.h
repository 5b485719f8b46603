/**
 * Output: what a connection says next, one segment per call.
 */
#ifndef TRANSPORT_TCP_OUTPUT_H
#define TRANSPORT_TCP_OUTPUT_H

#include "transport/tcp/connection.h"

/** How connections speak at ports. */
extern const struct speaker_ops tcp_speaker_ops;
/** Queues a challenge ACK, unless this connection has sent too many of late (RFC 5961-4). */
void output_challenge(struct tcp_connection *c);
/** Owes an ACK that does not merge with others: for a segment out of order (RFC 5681-13). */
void output_owe_ack(struct tcp_connection *c);

#endif
