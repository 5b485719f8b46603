/**
 * Input: a segment arrives (RFC 9293 3.10.7).
 */
#ifndef TRANSPORT_TCP_INPUT_H
#define TRANSPORT_TCP_INPUT_H

#include "transport/tcp/connection.h"

/** What the network room calls; the context is struct tcp. */
void input_packet(void *context, const struct net_packet *packet);
void input_error(void *context, const struct net_error *error);
bool input_owns(void *context, const struct net_error *error);
bool input_wants(void *context, const struct net_packet *packet);

/** A segment for a connection, beginning at the first step. */
void input_segment(struct tcp_connection *c, struct segment *segment);
/** Counts and traces a segment that is dropped. */
void input_drop(struct tcp *tcp, const struct segment *segment, enum counter reason);
/** Takes over what a SYN's options say (RFC 9293 MUST-14, MUST-15; RFC 7323 2, 3). */
void input_take_options(struct tcp_connection *c, const struct tcp_options *options);
/** The handshake is done. */
void input_established(struct tcp_connection *c);

#endif
