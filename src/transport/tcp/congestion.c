/*
 * The table of congestion control algorithms, and what happens around them: the initial window (RFC 6928), what is
 * left of a window after an idle time (RFC 5681 4.1), and who hears of what.
 */
#include "transport/tcp/congestion.h"
#include "transport/tcp/model.h"
#include "transport/tcp/timers.h"

#define INDEX_NEWRENO 1u
/** So much at once does not need to know the path. */
#define LITTLE_SEGMENTS 2u

/** The first is the default; the order is public (STRATA_OPTION_CONGESTION, strata.tcp_congestion). */
static const struct tcp_congestion *const algorithms[] = {
    &congestion_cubic, &congestion_newreno, &congestion_reno, &congestion_tahoe, &congestion_vegas, &congestion_bbr,
};

const struct tcp_congestion *congestion_get(unsigned index)
{
    return index < sizeof algorithms / sizeof *algorithms ? algorithms[index] : NULL;
}

const struct tcp_congestion *congestion_of(const struct tcp_connection *c)
{
    const struct tcp_congestion *algorithm = algorithms[c->congestion];
    return c->model || algorithm->state_bytes == 0 ? algorithm : algorithms[INDEX_NEWRENO];
}

const char *tcp_congestion_name(unsigned index)
{
    const struct tcp_congestion *congestion = congestion_get(index);
    return congestion ? congestion->name : NULL;
}

unsigned tcp_congestion_info(const struct tcp_connection *c, uint32_t words[TCP_CC_WORDS])
{
    const struct tcp_congestion *algorithm = congestion_of(c);
    return algorithm->tell ? algorithm->tell(c, words) : 0;
}

void congestion_choose(struct tcp_connection *c, unsigned index)
{
    if (!congestion_get(index) || index == c->congestion)
        return;
    if (c->model)
        model_replace(c, index);
    else
        c->congestion = (uint8_t)index;
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
    if (c->model) {
        model_acked(c, ack);
        validation_acked(c, ack->acked);
    }
    congestion_of(c)->acked(c, ack);
    if (c->flags & FLAG_PACED)
        pacing_update(c);
    congestion_trace(c);
}

void congestion_lost(struct tcp_connection *c, uint32_t octets)
{
    if (c->model)
        c->model->lost_untold += octets;
}

uint32_t congestion_ssthresh(struct tcp_connection *c, uint32_t flight)
{
    // What SACK told of lets new data follow while a loss is not certain: what was out at one time is cwnd.
    if (c->recovery <= RECOVERY_DISORDER && flight > c->cwnd)
        flight = c->cwnd;
    if (congestion_get(c->congestion)->state_bytes > 0)
        model_begin(c); // however little goes, what a loss does is the algorithm's business
    uint32_t standard = congestion_of(c)->ssthresh(c, flight);
    if (!c->model)
        return standard;
    c->model->hystart.active = false; // RFC 9406-5, RFC 9406-7
    return validation_ssthresh(c, flight, standard);
}

void congestion_event(struct tcp_connection *c, enum tcp_congestion_event event)
{
    if (event <= CONGESTION_TIMEOUT && c->modes & MODE_ECN)
        c->modes |= MODE_ECN_REDUCED; // RFC 3168-5: whatever it was that brought cwnd down
    if (event == CONGESTION_TIMEOUT && c->model)
        c->model->lost += connection_flight(c);
    if (congestion_of(c)->event)
        congestion_of(c)->event(c, event);
    if (c->model) {
        if (event == CONGESTION_RECOVERED)
            validation_recovered(c);
        if (event == CONGESTION_UNDO) {
            c->model->validation.reduced = false;
            hystart_begin(c); // where it was the first slow start that ended for nothing
        }
    }
    if (c->flags & FLAG_PACED)
        pacing_update(c);
    congestion_trace(c);
}

void congestion_watch(struct tcp_connection *c, uint32_t unsent)
{
    // One that only ever says little, as most do, needs none: nothing of it would be used.
    bool much = connection_flight(c) + unsent > LITTLE_SEGMENTS * c->smss;
    if (much || congestion_get(c->congestion)->paced || pacing_is_wanted(c))
        model_begin(c);
}

void congestion_restart(struct tcp_connection *c)
{
    if (!c->model)
        congestion_watch(c, connection_unsent(c));
    if (!congestion_of(c)->own_window) {
        // RFC 5681-12: after an idle time longer than the RTO the old cwnd says nothing about the path any more.
        uint32_t window = congestion_initial_window(c), before = c->cwnd - c->cwnd / 4;
        if (c->cwnd > window && connection_core(c)->settings.tcp_slow_start_after_idle &&
            connection_now(c) - c->last_sent > timers_rto(c)) {
            if (c->ssthresh < before)
                c->ssthresh = before; // but how far it went is worth to be remembered (RFC 7661 4.4.3)
            c->cwnd = window;
        }
        if (c->model)
            validation_restart(c);
    }
    if (c->model)
        congestion_event(c, CONGESTION_IDLE);
}

void congestion_rest(struct tcp_connection *c)
{
    uint32_t pipe = connection_pipe(c);
    bool limited = pipe + c->smss > c->cwnd;
    if (c->model) {
        validation_rest(c, limited);
        if (pipe < c->cwnd && c->sent.lost_bytes == 0 && connection_unsent(c) < c->smss)
            model_app_limited(c);
        return;
    }
    // A cwnd that is not used is not tested, and must not grow; slow start may double it ahead of use.
    if (limited || (c->cwnd < c->ssthresh && pipe > c->cwnd / 2))
        c->flags |= FLAG_CWND_LIMITED;
    else
        c->flags &= ~(uint32_t)FLAG_CWND_LIMITED;
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
