/*
 * Congestion window validation (RFC 7661).
 *
 * pipeACK is the most that was acknowledged within one round trip, of late: within max(3 * RTT, 1 s). While it is less
 * than half of cwnd, the window is not validated:
 *
 *     - it grows only where it limits what is sent, as always;
 *     - bursts are bounded: beyond an initial window, segments are paced;
 *     - a loss sets it to max(pipeACK, FlightSize) / 2, and the end of recovery to half of that less what had to be
 *       sent again;
 *     - after five minutes it is halved, down to the initial window, with ssthresh at 3/4 of what it was.
 *
 * An algorithm that keeps its own window (BBR) has a model of the path instead.
 */
#include "transport/tcp/validation.h"
#include "transport/tcp/congestion.h"
#include "transport/tcp/model.h"

#define PERIOD_LEAST STRATA_SECOND
#define NON_VALIDATED_MOST (300 * STRATA_SECOND)

static bool applies(const struct tcp_connection *c)
{
    return connection_core(c)->settings.tcp_window_validation && !congestion_of(c)->own_window;
}

void validation_begin(struct tcp_connection *c)
{
    struct validation *v = &c->model->validation;
    v->usage_end = c->snd_nxt;
    v->fresh = true;
    v->valid_at = connection_now(c);
}

uint32_t validation_pipe(const struct tcp_connection *c)
{
    const struct validation *v = &c->model->validation;
    if (!v->measured)
        return UINT32_MAX;
    return v->pipe_now > v->pipe_before ? v->pipe_now : v->pipe_before;
}

/* ---- Whether cwnd limits ------------------------------------------------------------------------------- */

void validation_rest(struct tcp_connection *c, bool limited)
{
    struct validation *v = &c->model->validation;
    uint32_t out = connection_pipe(c);
    // Without RFC 7661, what was known when something was sent last stays true.
    if (!limited && c->last_sent != connection_now(c) && !connection_core(c)->settings.tcp_window_validation)
        return;
    bool over = seq_ge(c->snd_una, v->usage_end);
    // One moment at the limit counts for the round trip that follows: pacing and the program's gulps leave the window
    // open for a while though it is in use.
    if (over || limited || (!(c->flags & FLAG_CWND_LIMITED) && out > v->most_out)) {
        v->most_out = out;
        v->usage_end = c->snd_nxt;
        c->flags = limited ? c->flags | FLAG_CWND_LIMITED : c->flags & ~(uint32_t)FLAG_CWND_LIMITED;
    }
    // Slow start may double a window ahead of its use.
    if (c->cwnd < c->ssthresh && v->most_out > c->cwnd / 2)
        c->flags |= FLAG_CWND_LIMITED;
}

/* ---- pipeACK ------------------------------------------------------------------------------------------- */

/** A round is over: it is a sample. The next one begins with the next ACK. */
static void sample(const struct tcp_connection *c, struct validation *v)
{
    strata_time now = connection_now(c), period = 3 * c->srtt_ns;
    uint64_t acked = c->bytes_acked - v->round_acked;
    uint32_t pipe = acked < CWND_MAX ? (uint32_t)acked : CWND_MAX;
    if (period < PERIOD_LEAST)
        period = PERIOD_LEAST;
    if (now >= v->half_ends) {
        // Two halves of the period; older ones are forgotten.
        v->pipe_before = now < v->half_ends + period / 2 ? v->pipe_now : 0;
        v->pipe_now = 0;
        v->half_ends = now + period / 2;
    }
    if (pipe > v->pipe_now)
        v->pipe_now = pipe;
    v->measured = v->fresh = true;
}

/** RFC 7661-5: not validated for five minutes. */
static void adjust(struct tcp_connection *c, struct validation *v)
{
    if (connection_now(c) - v->valid_at < NON_VALIDATED_MOST)
        return;
    uint32_t initial = congestion_initial_window(c);
    while (connection_now(c) - v->valid_at >= NON_VALIDATED_MOST) {
        v->valid_at += NON_VALIDATED_MOST;
        if (c->cwnd <= initial) {
            v->valid_at = connection_now(c);
            return;
        }
        uint32_t old = c->cwnd - c->cwnd / 4;
        if (c->ssthresh < old)
            c->ssthresh = old;
        c->cwnd = c->cwnd / 2 > initial ? c->cwnd / 2 : initial;
        congestion_trace(c);
    }
}

static void set_stale(struct tcp_connection *c, struct validation *v, bool stale)
{
    if (v->stale == stale)
        return;
    v->stale = stale;
    pacing_decide(c);
}

void validation_acked(struct tcp_connection *c, uint32_t acked)
{
    struct validation *v = &c->model->validation;
    if (c->recovery > RECOVERY_DISORDER || !applies(c))
        return; // pipeACK is not updated during recovery
    if (v->fresh) {
        // What is out before this ACK is what will be acknowledged within the round trip.
        v->round_end = c->snd_nxt;
        v->round_acked = c->bytes_acked - acked;
        v->fresh = false;
    }
    if (seq_lt(c->snd_una, v->round_end))
        return;
    sample(c, v);
    // RFC 7661-1. What was out just now is in use too: slow start is ahead of its last round.
    bool stale = v->measured && validation_pipe(c) < c->cwnd / 2 && connection_flight(c) + acked < c->cwnd / 2;
    set_stale(c, v, stale);
    if (stale) {
        // A driver that takes little at a time never lets output come to rest, where this is noticed otherwise.
        c->flags &= ~(uint32_t)FLAG_CWND_LIMITED;
        adjust(c, v);
    } else {
        v->valid_at = connection_now(c);
    }
}

void validation_restart(struct tcp_connection *c)
{
    if (applies(c))
        adjust(c, &c->model->validation);
}

bool validation_wants_pacing(const struct tcp_connection *c)
{
    return c->model->validation.stale && applies(c);
}

/* ---- Losses -------------------------------------------------------------------------------------------- */

uint32_t validation_ssthresh(struct tcp_connection *c, uint32_t flight, uint32_t standard)
{
    struct validation *v = &c->model->validation;
    if (!v->stale || !applies(c) || c->recovery > RECOVERY_DISORDER)
        return standard;
    uint32_t pipe = validation_pipe(c), used = (pipe > flight ? pipe : flight) / 2, least = 2u * c->smss;
    v->reduced = true;
    v->loss_flight = flight;
    v->loss_resent = c->bytes_retransmitted;
    if (used < least)
        used = least;
    return used < standard ? used : standard;
}

void validation_recovered(struct tcp_connection *c)
{
    struct validation *v = &c->model->validation;
    if (v->reduced) {
        // RFC 7661-3: (max(pipeACK, LossFlightSize) - R) / 2, one segment at least.
        uint64_t resent = c->bytes_retransmitted - v->loss_resent;
        uint32_t pipe = validation_pipe(c), used = pipe > v->loss_flight ? pipe : v->loss_flight;
        uint32_t window = used > resent ? (uint32_t)(used - resent) / 2 : 0;
        if (window < c->smss)
            window = c->smss;
        if (window < c->cwnd) {
            c->cwnd = window;
            c->ssthresh = window > 2u * c->smss ? window : 2u * c->smss;
        }
    }
    // "Undefined" again, until there are samples.
    v->reduced = v->measured = false;
    v->pipe_now = v->pipe_before = 0;
    v->fresh = true;
    v->valid_at = connection_now(c);
    set_stale(c, v, false);
}
