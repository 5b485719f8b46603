/**
 * TIME-WAIT (RFC 9293 3.6.1): small records that remember a connection for two segment lifetimes.
 */
#ifndef TRANSPORT_TCP_TIME_WAIT_H
#define TRANSPORT_TCP_TIME_WAIT_H

#include "transport/tcp/connection.h"

void time_wait_init(struct tcp *tcp);
/** The connection goes; a record takes its place and acknowledges the peer's FIN. */
void time_wait_enter(struct tcp_connection *c);
/** A segment for a record. A SYN may begin a new connection (RFC 6191, RFC 9293 MAY-2). */
void time_wait_input(struct tcp *tcp, struct tcp_time_wait *record, struct segment *segment);
/** Takes a record out of the demultiplexer, to come back with time_wait_return if its successor fails. */
void time_wait_shadow(struct tcp *tcp, struct tcp_time_wait *record);
void time_wait_return(struct tcp *tcp, struct tcp_time_wait *record);
/** Frees a record wherever it is. */
void time_wait_free(struct tcp *tcp, struct tcp_time_wait *record);

/** Whether an active open may take a four-tuple over from TIME-WAIT (net.ipv4.tcp_tw_reuse): timestamps tell what the
 * new incarnation sends from what the old one did (RFC 7323 5, RFC 6191). */
bool time_wait_may_follow(const struct tcp *tcp, const struct tcp_time_wait *record);

#endif
