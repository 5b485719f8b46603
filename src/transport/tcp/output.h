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
/** Writable with less than this not sent (STRATA_OPTION_UNSENT_LOW); UINT32_MAX: whatever there is. */
static inline uint32_t output_unsent_low(const struct tcp_connection *c)
{
    return c->tuning->unsent_low ? c->tuning->unsent_low : (uint32_t)connection_core(c)->settings.tcp_unsent_low;
}
/** Octets that the peer's window and cwnd let go now. */
uint32_t output_sendable(const struct tcp_connection *c);
/** Owes an ACK that does not merge with others: for a segment out of order (RFC 5681-13). */
void output_owe_ack(struct tcp_connection *c);

/** Forgets ends of records that were acknowledged. */
void output_ends_acknowledged(struct tcp_connection *c);

#endif
