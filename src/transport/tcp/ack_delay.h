/**
 * How soon data is acknowledged (RFC 9293 3.8.6.3).
 */
#ifndef TRANSPORT_TCP_ACK_DELAY_H
#define TRANSPORT_TCP_ACK_DELAY_H

#include "transport/tcp/connection.h"

/** Acknowledges at once. */
static inline void ack_now(struct tcp_connection *c)
{
    c->marks |= MARK_ACK;
    connection_mark(c);
}
/** The connection is established: the clocks of data begin. */
void ack_begin(struct tcp_connection *c);
/** `length` octets of a segment came in order: now or later? */
void ack_arrived(struct tcp_connection *c, const struct segment *segment, uint32_t length);
/** Data of ours, which waited for the SYN-ACK, carries its ACK: a conversation has begun. */
void ack_opened(struct tcp_connection *c);
/** Data came that is acknowledged at once in any case. */
void ack_heard(struct tcp_connection *c);
/** The next segments are to be acknowledged one by one. */
void ack_quickly(struct tcp_connection *c, uint32_t segments);
/** All that was missing has come. */
void ack_filled(struct tcp_connection *c);
/** The program wishes so for now, or that ACKs wait for its data (STRATA_OPTION_QUICK_ACK). */
void ack_choose(struct tcp_connection *c, bool quickly);
/** The time of an ACK that waited is over. */
void ack_waited(struct tcp_connection *c);
/** Data of ours goes out. */
void ack_answered(struct tcp_connection *c);
/** The program has read. @return whether an ACK that waits should go now. */
bool ack_read(const struct tcp_connection *c);

#endif
