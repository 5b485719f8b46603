/*
 * The states of a connection and the legal steps between them (RFC 9293 3.3.2, figure 5).
 */
#include "transport/tcp/state.h"

#define TO(state) (1u << STRATA_TCP_##state)

/** From each state, where one may go. CLOSED can be reached from everywhere: RST, timeout, ABORT. */
static const uint16_t steps[] = {
    [STRATA_TCP_CLOSED] = TO(SYN_SENT) | TO(LISTEN),
    [STRATA_TCP_LISTEN] = TO(SYN_RECEIVED) | TO(CLOSED),
    [STRATA_TCP_SYN_SENT] = TO(SYN_RECEIVED) | TO(ESTABLISHED) | TO(CLOSED),
    [STRATA_TCP_SYN_RECEIVED] = TO(ESTABLISHED) | TO(FIN_WAIT_1) | TO(CLOSE_WAIT) | TO(LISTEN) | TO(CLOSED),
    [STRATA_TCP_ESTABLISHED] = TO(FIN_WAIT_1) | TO(CLOSE_WAIT) | TO(CLOSED),
    [STRATA_TCP_FIN_WAIT_1] = TO(FIN_WAIT_2) | TO(CLOSING) | TO(TIME_WAIT) | TO(CLOSED),
    [STRATA_TCP_FIN_WAIT_2] = TO(TIME_WAIT) | TO(CLOSED),
    [STRATA_TCP_CLOSE_WAIT] = TO(LAST_ACK) | TO(CLOSED),
    [STRATA_TCP_CLOSING] = TO(TIME_WAIT) | TO(CLOSED),
    [STRATA_TCP_LAST_ACK] = TO(CLOSED),
    [STRATA_TCP_TIME_WAIT] = TO(CLOSED) | TO(SYN_RECEIVED),
};

const char *strata_tcp_state_name(enum strata_tcp_state state)
{
    static const char *const names[] = {
        "CLOSED",     "LISTEN",     "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1",
        "FIN-WAIT-2", "CLOSE-WAIT", "CLOSING",  "LAST-ACK",     "TIME-WAIT",
    };
    return (unsigned)state < sizeof names / sizeof *names ? names[state] : "?";
}

bool state_may_change(enum strata_tcp_state from, enum strata_tcp_state to)
{
    return steps[from] >> to & 1;
}

void state_trace(struct tcp *tcp, const struct tcp_record *record, enum strata_tcp_state from,
                 enum strata_tcp_state to)
{
    if (!core_traces(tcp->core))
        return;
    struct strata_trace_record trace = {
        .kind = STRATA_TRACE_TCP_STATE,
        .port = -1,
        .local = {.address = record->local, .scope = (uint32_t)record->scope, .port = record->local_port},
        .remote = {.address = record->remote, .scope = (uint32_t)record->scope, .port = record->remote_port},
        .value = {from, to},
    };
    core_trace(tcp->core, &trace);
}

void state_change(struct tcp_connection *c, enum strata_tcp_state to)
{
    ASSERT(state_may_change(c->state, to));
    state_trace(c->tcp, &c->record, c->state, to);
    c->state = (uint8_t)to;
}
