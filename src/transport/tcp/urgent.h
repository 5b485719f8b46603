/**
 * The urgent mechanism, as the receiver sees it (RFC 9293 3.8.5, RFC 6093).
 */
#ifndef TRANSPORT_TCP_URGENT_H
#define TRANSPORT_TCP_URGENT_H

#include "transport/tcp/connection.h"

/** The number of the octet that is read next; the peer's FIN is none. */
static inline seq_t urgent_next(const struct tcp_connection *c)
{
    return c->rcv_nxt - c->receive.length - (c->flags & FLAG_FIN_RECEIVED ? 1 : 0);
}
/** Sixth step of a segment's arrival: takes note of its urgent pointer. */
void urgent_arrives(struct tcp_connection *c, const struct segment *segment);
/** Whether urgent data is there that the program has not taken. */
bool urgent_pends(const struct tcp_connection *c);
/** See urgent_readable. */
uint32_t urgent_stop(const struct tcp_connection *c, uint32_t *skip);
/** Octets that a plain read may give, those behind an octet that it must leave out (`skip` is 1 then, else
 * 0). */
static inline uint32_t urgent_readable(const struct tcp_connection *c, uint32_t *skip)
{
    *skip = 0;
    return c->flags & FLAG_URGENT_RECEIVED ? urgent_stop(c, skip) : c->receive.length;
}

#endif
