/**
 * How long a connection bears with its peer: the user timeout option, and limits for peers that are slow on purpose.
 */
#ifndef TRANSPORT_TCP_PATIENCE_H
#define TRANSPORT_TCP_PATIENCE_H

#include "transport/tcp/connection.h"

/* ---- The user timeout option (RFC 5482) ---------------------------------------------------------------- */

/** A time as the option tells it: seconds, or minutes where those do not fit; rounded up. */
uint16_t user_timeout_encode(strata_time time_ns);
/** What the option tells; 0: nothing (RFC 5482-1). */
strata_time user_timeout_decode(uint16_t option);
/** What both sides want, within the host's limits (RFC 5482-2, RFC 5482-3); `told_ns` 0: the peer said nothing. */
strata_time user_timeout_agreed(const struct tcp *tcp, strata_time advertised_ns, strata_time told_ns);
/** The peer has told its own. */
void user_timeout_heard(struct tcp_connection *c, uint16_t option);
/** Puts ours into a segment of `length` octets where it is due and fits. */
void user_timeout_fill(const struct tcp_connection *c, struct tcp_options *options, uint32_t length);

/* ---- Slow peers ---------------------------------------------------------------------------------------- */

/** Begins to watch what the program wants watched (tcp_socket_options.receive_stall_ns and the like), anew. */
void patience_begin(struct tcp_connection *c);
void patience_end(struct tcp_connection *c);

#endif
