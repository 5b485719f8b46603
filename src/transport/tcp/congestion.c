/*
 * The table of congestion control algorithms, and what all of them begin with.
 */
#include "transport/tcp/congestion.h"

static const struct tcp_congestion *const algorithms[] = {&congestion_reno};

const struct tcp_congestion *congestion_get(unsigned index)
{
    return index < sizeof algorithms / sizeof *algorithms ? algorithms[index] : NULL;
}

const char *tcp_congestion_name(unsigned index)
{
    const struct tcp_congestion *congestion = congestion_get(index);
    return congestion ? congestion->name : NULL;
}

uint32_t congestion_initial_window(const struct tcp_connection *c)
{
    // RFC 5681-3 asks for one segment after a lost SYN; RFC 6928 would allow one loss more.
    if (c->flags & FLAG_SYN_RESENT)
        return c->smss;
    // RFC 6928-1: min(10 * MSS, max(2 * MSS, 14600)), with the setting in the place of 10.
    uint32_t segments = (uint32_t)connection_core(c)->settings.tcp_initial_window;
    uint32_t full = segments * c->smss, bound = segments * 1460u;
    if (bound < 2u * c->smss)
        bound = 2u * c->smss;
    return full < bound ? full : bound;
}

void congestion_begin(struct tcp_connection *c)
{
    c->cwnd = congestion_initial_window(c);
    c->ssthresh = UINT32_MAX; // RFC 5681 3.1: arbitrarily high at first.
    c->cwnd_acked = 0;
    congestion_trace(c);
}

void congestion_acked(struct tcp_connection *c, struct tcp_ack *ack)
{
    congestion_of(c)->acked(c, ack);
    congestion_trace(c);
}

void congestion_event(struct tcp_connection *c, enum tcp_congestion_event event)
{
    if (event <= CONGESTION_TIMEOUT && c->modes & MODE_ECN)
        c->modes |= MODE_ECN_REDUCED; // RFC 3168-5: whatever it was that brought cwnd down
    if (congestion_of(c)->event)
        congestion_of(c)->event(c, event);
    congestion_trace(c);
}

void congestion_trace(const struct tcp_connection *c)
{
    if (!core_traces(connection_core(c)))
        return;
    struct strata_trace_record trace = {.kind = STRATA_TRACE_TCP_CWND,
                                        .port = -1,
                                        .value = {c->cwnd, c->ssthresh, connection_flight(c), c->recovery}};
    tcp_endpoints(c, &trace.local, &trace.remote);
    core_trace(connection_core(c), &trace);
}
