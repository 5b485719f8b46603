/**
 * The eleven states (RFC 9293 3.3.2) and the ways between them.
 */
#ifndef TRANSPORT_TCP_STATE_H
#define TRANSPORT_TCP_STATE_H

#include "transport/tcp/connection.h"

/** Whether RFC 9293's figure 5 and its text allow the step. */
bool state_may_change(enum strata_tcp_state from, enum strata_tcp_state to);
/** Changes the state and traces it. */
void state_change(struct tcp_connection *c, enum strata_tcp_state to);
/** Traces a step of a record that is no connection. */
void state_trace(struct tcp *tcp, const struct tcp_record *record, enum strata_tcp_state from,
                 enum strata_tcp_state to);

#endif
