/*
 * BBR, version 3 (draft-ietf-ccwg-bbr): sends at the rate at which the bottleneck delivers, and keeps in flight what
 * the path holds at that rate, instead of filling its queue until something is lost.
 *
 *     max_bw    greatest delivery rate of the last two probing cycles     (congestion of others aside)
 *     min_rtt   least round-trip time of the last 10 s
 *     BDP       max_bw * min_rtt
 *
 *     STARTUP  2.77 * bw until the rate has not grown by a quarter for 3 rounds, or losses say that it is too much
 *     DRAIN    0.5 * bw until no more than a BDP is in flight
 *     PROBE_BW   DOWN    0.9 * bw   until there is room in the queue
 *                CRUISE  1.0 * bw   for 2 to 3 s, or as many rounds as Reno would need between two losses
 *                REFILL  1.0 * bw   for a round, without the short-term bounds
 *                UP      1.25 * bw  until the rate grows no more or losses exceed 2 %
 *     PROBE_RTT  half a BDP for 200 ms every 5 s, unless the queue was seen empty anyway
 *
 * Losses set bounds: inflight_hi, what probing found to be too much (more than 2 % of a flight lost), for long;
 * bw_lo and inflight_lo, 0.7 of what was, after each round with a loss, until the next REFILL. In the draft's newer
 * words those are inflight_longterm, bw_shortterm and inflight_shortterm.
 *
 * Where the draft looks at each lost segment, this looks at each ACK: what was lost since the newest segment that it
 * delivers had been sent, against what was in flight then. Segments are always paced. Rates are octets a second,
 * gains per cent.
 */
#include "transport/tcp/congestion.h"
#include "transport/tcp/model.h"

#define NONE32 UINT32_MAX
#define NONE64 UINT64_MAX

#define STARTUP_PACING_GAIN 277u
#define DRAIN_PACING_GAIN 50u
#define CWND_GAIN 200u
#define UP_CWND_GAIN 225u
#define PROBE_RTT_CWND_GAIN 50u
#define PACING_MARGIN 1u
#define LOSS_THRESHOLD 2u /**< Per cent of what was in flight. */
#define BETA 70u
#define HEADROOM 15u
#define STARTUP_LOSSES 6u
#define FULL_BW_ROUNDS 3u
#define LEAST_SEGMENTS 4u
#define EXTRA_ROUNDS 5u /**< Of each half of the filter for aggregated ACKs. */
#define RENO_ROUNDS_MOST 63u
#define MIN_RTT_PERIOD (10 * STRATA_SECOND)
#define PROBE_RTT_PERIOD (5 * STRATA_SECOND)
#define PROBE_RTT_TIME (200 * STRATA_MILLISECOND)
#define PROBE_WAIT (2 * STRATA_SECOND)

enum phase { STARTUP, DRAIN, DOWN, CRUISE, REFILL, UP, PROBE_RTT };
enum ack_phase { ACKS_INIT, ACKS_REFILLING, ACKS_STARTING, ACKS_FEEDBACK, ACKS_STOPPING };

struct bbr {
    /* The path. */
    uint64_t bw[2]; /**< Greatest rates of this probing cycle and the last. */
    uint64_t bw_lo, bw_latest, full_bw;
    uint64_t pacing_rate;
    strata_time min_rtt_ns, min_rtt_at; /**< STRATA_NEVER: not known. */
    uint32_t inflight_hi, inflight_lo, inflight_latest;
    /* Rounds. */
    uint64_t round_delivered, loss_round_delivered; /**< A round ends with what was sent when so much had arrived. */
    /* ACKs that come in bursts. */
    uint64_t extra_delivered;
    strata_time extra_since;
    uint32_t extra[2];
    uint8_t extra_rounds;
    /* Phases. */
    uint8_t phase, acks;
    uint8_t full_bw_count, loss_events, rounds_since_probe, up_rounds;
    strata_time cycle_at, probe_wait_ns;
    strata_time least_rtt_ns, least_rtt_at, probe_rtt_until; /**< For PROBE_RTT; 0: not yet. */
    uint64_t up_rest;
    uint32_t up_growth; /**< What inflight_hi gains in a round of UP. */
    uint32_t prior_cwnd;
    bool round_start, full_bw_now, full_bw_reached, loss_in_round, loss_round_start, idle_restart, probe_samples,
        rtt_expired, probe_rtt_round;
    /* What a loss that was none gives back. */
    uint64_t undo_bw_lo;
    uint32_t undo_inflight_lo, undo_inflight_hi;
};

static struct bbr *bbr_of(const struct tcp_connection *c)
{
    return model_state(c);
}

static uint32_t least32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}
static uint32_t most32(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}
static uint64_t most64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* ---- What follows from the model ----------------------------------------------------------------------- */

static uint64_t max_bw(const struct bbr *b)
{
    return most64(b->bw[0], b->bw[1]);
}

static uint64_t bw(const struct bbr *b)
{
    return max_bw(b) < b->bw_lo ? max_bw(b) : b->bw_lo;
}

static uint32_t least_window(const struct tcp_connection *c)
{
    return LEAST_SEGMENTS * c->smss;
}

/** The path's capacity at a rate, times a gain. */
static uint32_t bdp(const struct tcp_connection *c, const struct bbr *b, uint64_t rate, unsigned gain)
{
    if (b->min_rtt_ns == STRATA_NEVER || rate == 0)
        return congestion_initial_window(c);
    uint64_t us = (uint64_t)b->min_rtt_ns / STRATA_MICROSECOND + 1;
    if (rate > UINT64_MAX / 1000 / us)
        return CWND_MAX;
    uint64_t octets = rate * us / 1000000 * gain / 100;
    return octets < CWND_MAX ? (uint32_t)octets : CWND_MAX;
}

/** Enough for what is sent at once, and for ACKs that come for two segments. */
static uint32_t quantized(const struct tcp_connection *c, const struct bbr *b, uint32_t window)
{
    uint64_t quantum = (uint64_t)c->model->pacing.burst_ns * b->pacing_rate / STRATA_SECOND;
    window = most32(window, quantum < CWND_MAX / 3 ? 3 * (uint32_t)quantum : CWND_MAX);
    window = most32(window, least_window(c));
    return b->phase == UP ? window + 2u * c->smss : window;
}

static uint32_t inflight(const struct tcp_connection *c, const struct bbr *b, unsigned gain)
{
    return quantized(c, b, bdp(c, b, bw(b), gain));
}

static uint32_t target_inflight(const struct tcp_connection *c, const struct bbr *b)
{
    return least32(bdp(c, b, bw(b), 100), c->cwnd);
}

/** inflight_hi, with room for others to grow. */
static uint32_t with_headroom(const struct tcp_connection *c, const struct bbr *b)
{
    if (b->inflight_hi == NONE32)
        return NONE32;
    uint32_t room = most32(c->smss, (uint32_t)((uint64_t)b->inflight_hi * HEADROOM / 100));
    return most32(b->inflight_hi > room ? b->inflight_hi - room : 0, least_window(c));
}

static bool probes_bw(const struct bbr *b)
{
    return b->phase >= DOWN && b->phase <= UP;
}

static unsigned pacing_gain(const struct bbr *b)
{
    switch ((enum phase)b->phase) {
    case STARTUP:
        return STARTUP_PACING_GAIN;
    case DRAIN:
        return DRAIN_PACING_GAIN;
    case DOWN:
        return 90;
    case UP:
        return 125;
    default:
        return 100;
    }
}

static void set_pacing_rate(struct bbr *b, unsigned gain)
{
    uint64_t rate = bw(b) / 10000 * gain * (100 - PACING_MARGIN);
    if (b->full_bw_reached || rate > b->pacing_rate)
        b->pacing_rate = most64(rate, 1);
}

/* ---- Phases -------------------------------------------------------------------------------------------- */

static void start_round(const struct tcp_connection *c, struct bbr *b)
{
    b->round_delivered = c->model->delivered;
}

static void reset_full_bw(struct bbr *b)
{
    b->full_bw = 0;
    b->full_bw_count = 0;
    b->full_bw_now = false;
}

static void reset_lower_bounds(struct bbr *b)
{
    b->bw_lo = NONE64;
    b->inflight_lo = NONE32;
}

static void reset_congestion_signals(struct bbr *b)
{
    b->loss_in_round = false;
    b->bw_latest = 0;
    b->inflight_latest = 0;
}

static void start_down(struct tcp_connection *c, struct bbr *b)
{
    struct random *random = &connection_core(c)->random;
    reset_congestion_signals(b);
    // Not all at the same time: 2 to 3 s, and a round more or less.
    b->rounds_since_probe = (uint8_t)random_below(random, 2);
    b->probe_wait_ns = PROBE_WAIT + (strata_time)random_below(random, STRATA_SECOND);
    b->cycle_at = connection_now(c);
    b->acks = ACKS_STOPPING;
    start_round(c, b);
    b->phase = DOWN;
}

static void start_refill(struct tcp_connection *c, struct bbr *b)
{
    reset_lower_bounds(b);
    b->up_rounds = 0;
    b->up_rest = 0;
    b->acks = ACKS_REFILLING;
    start_round(c, b);
    b->phase = REFILL;
}

/** Each round of UP may add twice what the last one did. */
static void raise_slope(const struct tcp_connection *c, struct bbr *b)
{
    uint64_t growth = (uint64_t)c->smss << b->up_rounds;
    b->up_growth = growth < c->cwnd ? (uint32_t)growth : c->cwnd;
    if (b->up_rounds < 30)
        b->up_rounds++;
}

static void start_up(struct tcp_connection *c, struct bbr *b, uint64_t rate)
{
    b->acks = ACKS_STARTING;
    start_round(c, b);
    reset_full_bw(b);
    b->full_bw = rate;
    b->cycle_at = connection_now(c);
    b->phase = UP;
    raise_slope(c, b);
}

/** Whether it is time to look for more bandwidth: a wait is over, or a Reno would have had its loss by now. */
static bool time_to_probe(struct tcp_connection *c, struct bbr *b)
{
    uint32_t rounds = least32(target_inflight(c, b) / c->smss, RENO_ROUNDS_MOST);
    if (connection_now(c) <= b->cycle_at + b->probe_wait_ns && b->rounds_since_probe < rounds)
        return false;
    start_refill(c, b);
    return true;
}

/** UP is over when the rate grows no more; not while only inflight_hi holds it down. */
static bool time_to_go_down(const struct tcp_connection *c, struct bbr *b, uint64_t rate)
{
    if (c->flags & FLAG_CWND_LIMITED && c->cwnd >= b->inflight_hi) {
        reset_full_bw(b);
        b->full_bw = rate;
        return false;
    }
    return b->full_bw_now;
}

static void update_cycle(struct tcp_connection *c, struct bbr *b, uint64_t rate)
{
    uint32_t pipe = connection_pipe(c);
    switch ((enum phase)b->phase) {
    case DOWN:
        if (!time_to_probe(c, b) && pipe <= with_headroom(c, b) &&
            pipe <= quantized(c, b, bdp(c, b, max_bw(b), 100)))
            b->phase = CRUISE;
        break;
    case CRUISE:
        time_to_probe(c, b);
        break;
    case REFILL:
        if (b->round_start) {
            b->probe_samples = true;
            start_up(c, b, rate);
        }
        break;
    case UP:
        if (time_to_go_down(c, b, rate))
            start_down(c, b);
        break;
    default:
        break;
    }
}

/* ---- Signals of an ACK --------------------------------------------------------------------------------- */

static void update_round(const struct tcp_connection *c, struct bbr *b, const struct tcp_ack *ack)
{
    b->round_start = ack->prior_delivered >= b->round_delivered;
    if (!b->round_start)
        return;
    start_round(c, b);
    if (b->rounds_since_probe < UINT8_MAX)
        b->rounds_since_probe++;
}

/** Losses outside of probing: what is possible just now is less than the path can do. */
static void lower_bounds(const struct tcp_connection *c, struct bbr *b)
{
    if (!b->loss_in_round || b->phase == STARTUP || b->phase == REFILL || b->phase == UP)
        return;
    if (b->bw_lo == NONE64)
        b->bw_lo = max_bw(b);
    if (b->inflight_lo == NONE32)
        b->inflight_lo = c->cwnd;
    b->bw_lo = most64(b->bw_latest, b->bw_lo / 100 * BETA);
    b->inflight_lo = most32(b->inflight_latest, (uint32_t)((uint64_t)b->inflight_lo * BETA / 100));
}

static void update_signals(const struct tcp_connection *c, struct bbr *b, const struct tcp_ack *ack, uint64_t rate)
{
    b->bw_latest = most64(b->bw_latest, rate);
    b->inflight_latest = most32(b->inflight_latest, (uint32_t)ack->rate_delivered);
    b->loss_round_start = ack->prior_delivered >= b->loss_round_delivered;
    if (b->loss_round_start)
        b->loss_round_delivered = c->model->delivered;
    update_round(c, b, ack);
    if (rate >= max_bw(b) || !ack->app_limited)
        b->bw[0] = most64(b->bw[0], rate);
    if (b->loss_round_start) {
        lower_bounds(c, b);
        b->loss_in_round = false;
    }
}

/** What came beyond the expected: some paths hold ACKs back and deliver them in bursts. */
static void update_aggregation(const struct tcp_connection *c, struct bbr *b, const struct tcp_ack *ack)
{
    strata_time now = connection_now(c), interval = now - b->extra_since;
    uint64_t rate = bw(b), us = (uint64_t)interval / STRATA_MICROSECOND;
    uint64_t expected = us > 0 && rate > UINT64_MAX / us ? UINT64_MAX : rate * us / 1000000;
    if (b->round_start && ++b->extra_rounds >= (b->full_bw_reached ? EXTRA_ROUNDS : 1)) {
        b->extra_rounds = 0;
        b->extra[1] = b->extra[0];
        b->extra[0] = 0;
    }
    if (b->extra_delivered <= expected) {
        b->extra_delivered = 0;
        b->extra_since = now;
        expected = 0;
    }
    b->extra_delivered += ack->delivered;
    uint64_t extra = b->extra_delivered - expected;
    b->extra[0] = most32(b->extra[0], extra < c->cwnd ? (uint32_t)extra : c->cwnd);
}

static void check_full_bw(struct bbr *b, const struct tcp_ack *ack, uint64_t rate)
{
    if (b->full_bw_now || !b->round_start || ack->app_limited)
        return;
    if (rate >= b->full_bw + b->full_bw / 4) {
        reset_full_bw(b);
        b->full_bw = rate;
        return;
    }
    b->full_bw_count++;
    b->full_bw_now = b->full_bw_count >= FULL_BW_ROUNDS;
    b->full_bw_reached |= b->full_bw_now;
}

/** More than 2 % of what was in flight with the newest segment delivered was lost since. */
static bool too_much_lost(const struct tcp_ack *ack)
{
    return ack->rate_lost * 100 > (uint64_t)ack->flight_when_sent * LOSS_THRESHOLD;
}

static void check_startup(struct tcp_connection *c, struct bbr *b, const struct tcp_ack *ack)
{
    if (!b->full_bw_reached) {
        if (ack->lost > 0 && b->loss_events < UINT8_MAX)
            b->loss_events++;
        if (b->loss_round_start && b->loss_events >= STARTUP_LOSSES && too_much_lost(ack)) {
            b->full_bw_reached = true;
            b->inflight_hi = most32(bdp(c, b, max_bw(b), 100), b->inflight_latest);
        }
        if (b->loss_round_start)
            b->loss_events = 0;
    }
    if (b->phase == STARTUP && b->full_bw_reached)
        b->phase = DRAIN;
    if (b->phase == DRAIN && connection_pipe(c) <= inflight(c, b, 100))
        start_down(c, b);
}

/* ---- The long-term bound ------------------------------------------------------------------------------- */

/** Probing has found out that so much is too much. */
static void handle_too_high(struct tcp_connection *c, struct bbr *b, const struct tcp_ack *ack)
{
    b->probe_samples = false;
    if (!ack->app_limited)
        b->inflight_hi = most32(ack->flight_when_sent, (uint32_t)((uint64_t)target_inflight(c, b) * BETA / 100));
    if (b->phase == UP)
        start_down(c, b);
}

static void note_losses(struct tcp_connection *c, struct bbr *b, const struct tcp_ack *ack)
{
    if (ack->lost == 0)
        return;
    if (!b->loss_in_round)
        b->loss_round_delivered = c->model->delivered;
    b->loss_in_round = true;
    if (b->probe_samples && ack->flight_when_sent > 0 && too_much_lost(ack))
        handle_too_high(c, b, ack);
}

static void probe_upward(const struct tcp_connection *c, struct bbr *b, const struct tcp_ack *ack)
{
    if (!(c->flags & FLAG_CWND_LIMITED) || c->cwnd < b->inflight_hi)
        return;
    b->up_rest += (uint64_t)ack->delivered * b->up_growth;
    uint64_t gain = b->up_rest / c->cwnd + b->inflight_hi;
    b->up_rest %= c->cwnd;
    b->inflight_hi = gain < CWND_MAX ? (uint32_t)gain : CWND_MAX;
    if (b->round_start)
        raise_slope(c, b);
}

/** What the cycle before last has seen is forgotten. */
static void next_cycle(struct bbr *b)
{
    b->bw[1] = b->bw[0];
    b->bw[0] = 0;
}

static void adapt_upper_bound(const struct tcp_connection *c, struct bbr *b, const struct tcp_ack *ack)
{
    if (b->acks == ACKS_STARTING && b->round_start)
        b->acks = ACKS_FEEDBACK;
    if (b->acks == ACKS_STOPPING && b->round_start) {
        // The last samples of a probe have come: the next cycle begins.
        b->acks = ACKS_INIT;
        b->probe_samples = false;
        if (probes_bw(b) && !ack->app_limited)
            next_cycle(b);
    }
    if (b->inflight_hi == NONE32 || too_much_lost(ack))
        return;
    b->inflight_hi = most32(b->inflight_hi, ack->flight_when_sent);
    if (b->phase == UP)
        probe_upward(c, b, ack);
}

/* ---- Round-trip time ----------------------------------------------------------------------------------- */

static void update_min_rtt(const struct tcp_connection *c, struct bbr *b, const struct tcp_ack *ack)
{
    strata_time now = connection_now(c);
    b->rtt_expired = now > b->least_rtt_at + PROBE_RTT_PERIOD;
    if (ack->rtt_ns > 0 && (ack->rtt_ns < b->least_rtt_ns || b->rtt_expired)) {
        b->least_rtt_ns = ack->rtt_ns;
        b->least_rtt_at = now;
    }
    if (b->least_rtt_ns < b->min_rtt_ns || now > b->min_rtt_at + MIN_RTT_PERIOD) {
        b->min_rtt_ns = b->least_rtt_ns;
        b->min_rtt_at = b->least_rtt_at;
    }
}

static void save_cwnd(const struct tcp_connection *c, struct bbr *b)
{
    bool settled = c->recovery <= RECOVERY_DISORDER && b->phase != PROBE_RTT;
    b->prior_cwnd = settled ? c->cwnd : most32(b->prior_cwnd, c->cwnd);
}

static void restore_cwnd(struct tcp_connection *c, const struct bbr *b)
{
    c->cwnd = most32(c->cwnd, b->prior_cwnd);
}

static uint32_t probe_rtt_window(const struct tcp_connection *c, const struct bbr *b)
{
    return most32(bdp(c, b, bw(b), PROBE_RTT_CWND_GAIN), least_window(c));
}

static void end_probe_rtt(struct tcp_connection *c, struct bbr *b)
{
    if (b->probe_rtt_until == 0 || connection_now(c) <= b->probe_rtt_until)
        return;
    b->least_rtt_at = connection_now(c);
    if (c->recovery <= RECOVERY_DISORDER)
        restore_cwnd(c, b); // otherwise when that is over: what was out before a timeout may all be lost
    reset_lower_bounds(b);
    if (b->full_bw_reached) {
        start_down(c, b);
        b->phase = CRUISE;
    } else {
        b->phase = STARTUP;
    }
}

static void check_probe_rtt(struct tcp_connection *c, struct bbr *b, const struct tcp_ack *ack)
{
    if (b->phase != PROBE_RTT && b->rtt_expired && !b->idle_restart) {
        save_cwnd(c, b);
        // A probe that has had a round counts, though its last samples will not: behind a long queue no cycle might
        // ever end by itself, and what the path can do no more would never be forgotten.
        if (probes_bw(b) && !ack->app_limited && (b->acks == ACKS_FEEDBACK || b->acks == ACKS_STOPPING))
            next_cycle(b);
        b->phase = PROBE_RTT;
        b->probe_rtt_until = 0;
        b->acks = ACKS_STOPPING;
        start_round(c, b);
    }
    if (b->phase == PROBE_RTT) {
        model_app_limited(c); // slow on purpose
        if (b->probe_rtt_until == 0 && connection_pipe(c) <= probe_rtt_window(c, b)) {
            b->probe_rtt_until = connection_now(c) + PROBE_RTT_TIME;
            b->probe_rtt_round = false;
            start_round(c, b);
        } else if (b->probe_rtt_until != 0) {
            b->probe_rtt_round |= b->round_start;
            if (b->probe_rtt_round)
                end_probe_rtt(c, b);
        }
    }
    if (ack->rate_delivered > 0)
        b->idle_restart = false;
}

/* ---- The window ---------------------------------------------------------------------------------------- */

static void set_cwnd(struct tcp_connection *c, const struct bbr *b, const struct tcp_ack *ack)
{
    unsigned gain = b->phase == UP ? UP_CWND_GAIN : CWND_GAIN;
    uint32_t room = bdp(c, b, bw(b), gain) + most32(b->extra[0], b->extra[1]);
    uint32_t most = quantized(c, b, least32(room, CWND_MAX)), cap = NONE32;
    uint32_t grown = least32(c->cwnd + ack->delivered, CWND_MAX);
    if (b->full_bw_reached)
        c->cwnd = least32(grown, most);
    else if (c->cwnd < most || c->model->delivered < congestion_initial_window(c))
        c->cwnd = grown;
    c->cwnd = most32(c->cwnd, least_window(c));
    if (b->phase == PROBE_RTT)
        c->cwnd = least32(c->cwnd, probe_rtt_window(c, b));
    if (b->phase == PROBE_RTT || b->phase == CRUISE)
        cap = with_headroom(c, b);
    else if (probes_bw(b))
        cap = b->inflight_hi;
    cap = most32(least32(cap, b->inflight_lo), least_window(c));
    c->cwnd = least32(c->cwnd, cap);
}

static void acked(struct tcp_connection *c, const struct tcp_ack *ack)
{
    struct bbr *b = bbr_of(c);
    note_losses(c, b, ack);
    if (ack->delivered == 0)
        return;
    b->round_start = b->loss_round_start = false;
    if (ack->interval_ns > 0) {
        uint64_t rate = pacing_rate_of(ack->rate_delivered, ack->interval_ns);
        update_signals(c, b, ack, rate);
        update_aggregation(c, b, ack);
        check_full_bw(b, ack, rate);
        check_startup(c, b, ack);
        if (b->full_bw_reached) {
            adapt_upper_bound(c, b, ack);
            update_cycle(c, b, rate);
        }
    }
    update_min_rtt(c, b, ack);
    check_probe_rtt(c, b, ack);
    if (b->loss_round_start) {
        b->bw_latest = pacing_rate_of(ack->rate_delivered, ack->interval_ns);
        b->inflight_latest = (uint32_t)ack->rate_delivered;
    }
    if (max_bw(b) > 0)
        set_pacing_rate(b, pacing_gain(b));
    set_cwnd(c, b, ack);
}

/* ---- Everything else ----------------------------------------------------------------------------------- */

static void begin(struct tcp_connection *c)
{
    struct bbr *b = bbr_of(c);
    strata_time now = connection_now(c), rtt = c->flags & FLAG_RTT_SAMPLED ? c->srtt_ns : STRATA_NEVER;
    *b = (struct bbr){.bw_lo = NONE64,
                      .inflight_lo = NONE32,
                      .inflight_hi = NONE32,
                      .min_rtt_ns = rtt,
                      .least_rtt_ns = rtt,
                      .min_rtt_at = now,
                      .least_rtt_at = now,
                      .extra_since = now,
                      .round_delivered = c->model->delivered,
                      .phase = STARTUP};
    // What the initial window makes in a round trip, or in a millisecond where that is not known.
    uint64_t nominal = pacing_rate_of(c->cwnd, rtt == STRATA_NEVER ? STRATA_MILLISECOND : rtt);
    b->pacing_rate = most64(nominal / 100 * STARTUP_PACING_GAIN, 1);
}

static uint32_t ssthresh(struct tcp_connection *c, uint32_t flight)
{
    struct bbr *b = bbr_of(c);
    (void)flight;
    save_cwnd(c, b);
    b->undo_bw_lo = b->bw_lo;
    b->undo_inflight_lo = b->inflight_lo;
    b->undo_inflight_hi = b->inflight_hi;
    return c->ssthresh; // there is none
}

static void event(struct tcp_connection *c, enum tcp_congestion_event event)
{
    struct bbr *b = bbr_of(c);
    switch (event) {
    case CONGESTION_TIMEOUT:
        c->cwnd = connection_pipe(c) + c->smss;
        break;
    case CONGESTION_RECOVERED:
        restore_cwnd(c, b);
        break;
    case CONGESTION_UNDO:
        restore_cwnd(c, b);
        b->loss_in_round = false;
        reset_full_bw(b);
        b->bw_lo = most64(b->bw_lo, b->undo_bw_lo);
        b->inflight_lo = most32(b->inflight_lo, b->undo_inflight_lo);
        b->inflight_hi = most32(b->inflight_hi, b->undo_inflight_hi);
        break;
    case CONGESTION_IDLE:
        if (c->model->app_limited_until == 0)
            break;
        b->idle_restart = true;
        b->extra_since = connection_now(c);
        b->extra_delivered = 0;
        if (probes_bw(b))
            set_pacing_rate(b, 100);
        else if (b->phase == PROBE_RTT)
            end_probe_rtt(c, b);
        break;
    default:
        break;
    }
}

static uint64_t pacing_rate_now(const struct tcp_connection *c)
{
    return bbr_of(c)->pacing_rate;
}

/** Bandwidth in octets a second, low and high word; the least round-trip time in microseconds; the gains of pacing and
 * window in 256ths. */
static unsigned tell(const struct tcp_connection *c, uint32_t words[TCP_CC_WORDS])
{
    const struct bbr *b = bbr_of(c);
    uint64_t rate = bw(b);
    words[0] = (uint32_t)rate;
    words[1] = (uint32_t)(rate >> 32);
    words[2] = b->min_rtt_ns == STRATA_NEVER ? UINT32_MAX : (uint32_t)(b->min_rtt_ns / STRATA_MICROSECOND);
    words[3] = pacing_gain(b) * 256 / 100;
    words[4] = (b->phase == UP ? UP_CWND_GAIN : CWND_GAIN) * 256 / 100;
    return 5;
}

const struct tcp_congestion congestion_bbr = {.name = "bbr",
                                              .style = REPAIR_NEWRENO,
                                              .own_window = true,
                                              .paced = true,
                                              .state_bytes = sizeof(struct bbr),
                                              .begin = begin,
                                              .acked = acked,
                                              .ssthresh = ssthresh,
                                              .event = event,
                                              .pacing_rate = pacing_rate_now,
                                              .tell = tell};
