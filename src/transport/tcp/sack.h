/**
 * Selective acknowledgement both ways (RFC 2018) and duplicates told of in it (RFC 2883): what we tell the peer of
 * data beyond RCV.NXT and of data that came twice, and what the peer tells us.
 */
#ifndef TRANSPORT_TCP_SACK_H
#define TRANSPORT_TCP_SACK_H

#include "transport/tcp/recovery.h"

/* What we tell. */

/** Data beyond RCV.NXT was kept, from `start` on; an ACK is owed for it. */
void sack_kept(struct tcp_connection *c, seq_t start);
/** [start, end) came though we had it: an ACK of its own says so, once. */
void sack_duplicate(struct tcp_connection *c, seq_t start, seq_t end);
/** Fills in the SACK option of a segment that is no SYN. `owed`: it is the ACK that one segment called for; `data`: it
 * carries some. */
void sack_fill(const struct tcp_connection *c, struct tcp_options *options, bool owed, bool data);
/** An ACK that was owed has gone, with what sack_fill put in. */
void sack_sent(struct tcp_connection *c);
/** Octets that SACK takes in a segment with data now. */
uint32_t sack_bytes(const struct tcp_connection *c);
/** Forgets duplicates that were not told of. */
void sack_forget(struct tcp_connection *c);

/* What we hear. */

/** The blocks of an ACK: marks what has arrived and adds it to the news. */
void sack_arrives(struct tcp_connection *c, const struct segment *segment, struct tcp_news *news);

#endif
