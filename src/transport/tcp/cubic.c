/*
 * CUBIC (RFC 9438): the window is a cubic function of the time since the last loss, not of round trips, so that a long
 * path is filled as fast as a short one.
 *
 *     W_cubic(t) = C * (t - K)^3 + W_max         in segments and seconds, C = 0.4
 *     K          = cbrt((W_max - cwnd_epoch) / C)
 *
 *     cwnd                         convex
 *      |                         .
 *      | W_max  . . . . . . . .'. . .      concave up to where the loss was, flat around it, then convex
 *      |          .-------
 *      |      .'
 *      |    /  0.7 * flight = cwnd_epoch
 *      +----+------+------------------ t
 *           0      K
 *
 * Per ACK cwnd goes the part acked / cwnd of the way to target = W_cubic(t + SRTT), which is kept within cwnd and
 * 1.5 * cwnd. Where that is slower than a Reno with the same loss would be, cwnd follows W_est, which grows by
 * alpha = 9/17 of a segment per round trip, and by a whole one from the old cwnd on (4.3). A loss sets ssthresh to 0.7
 * of what was in flight; where the window was smaller than at the loss before, W_max is lowered further so that
 * others find room (fast convergence, 4.7).
 *
 * Times are microseconds, windows octets, all whole numbers. t stands still while the program does not use the window
 * (4.2). A loss that was none gives all of this back (4.9). Slow start is HyStart++'s at first (hystart.c).
 */
#include "transport/tcp/congestion.h"
#include "transport/tcp/cubic_segments.h"
#include "transport/tcp/model.h"

/** beta = 0.7; alpha = 3 * (1 - beta) / (1 + beta) = 9/17 (RFC 9438-1, RFC 9438-5). */
#define BETA_NUMERATOR 7u
#define BETA_DENOMINATOR 10u
#define ALPHA_NUMERATOR 9u
#define ALPHA_DENOMINATOR 17u
/** What one ACK may add in slow start, in segments: as HyStart++ does. */
#define SLOW_START_SEGMENTS 8u

/** One stage of congestion avoidance, and what it began with. */
struct curve {
    strata_time began_at;   /**< The t = 0 of W_cubic; STRATA_NEVER: it begins with the next ACK. */
    strata_time updated_at; /**< The last ACK that let the window grow. */
    uint32_t k_ms;
    uint32_t w_max, cwnd_prior; /**< In octets; 0: no loss yet. */
    uint32_t w_est;
    uint64_t w_est_rest; /**< What W_est has gained beyond whole octets. */
    bool paused;         /**< The program did not use the window since. */
    bool flat;           /**< After a timeout, or without a loss: the curve begins at its middle (RFC 9438-11). */
};

struct cubic {
    union {
        struct {
            struct curve now, before; /**< `before`: as it was when a loss seemed to be one. */
        };
        struct cubic_segments segments;
    };
    bool whole; /**< `segments` holds. */
    uint32_t target;          /**< 0.7 of the flight at the last reduction, without a lower bound. */
    bool marked;              /**< That was for a mark, not for a loss. */
};

static struct cubic *cubic_of(const struct tcp_connection *c)
{
    return model_state(c);
}

static void begin(struct tcp_connection *c)
{
    struct cubic *cubic = cubic_of(c);
    bool whole = connection_core(c)->settings.tcp_cubic_segments;
    *cubic = (struct cubic){.whole = whole};
    if (!whole)
        cubic->now = (struct curve){.began_at = STRATA_NEVER, .flat = true};
}

/* ---- The curve ----------------------------------------------------------------------------------------- */

uint32_t cubic_root(uint64_t x)
{
    uint64_t root = 0;
    for (int shift = 63; shift >= 0; shift -= 3) {
        root *= 2;
        uint64_t step = 3 * root * (root + 1) + 1; // (root + 1)^3 - root^3
        if (x >> shift >= step) {
            x -= step << shift;
            root++;
        }
    }
    return (uint32_t)root;
}

/** C * time^3 in octets, for segments of `smss`. */
static uint64_t cubed(uint64_t us, uint32_t smss)
{
    uint64_t millionths; // of a cubic second
    if (us < UINT64_C(1) << 26) {
        millionths = us * us / 1000000 * us / 1000000;
    } else {
        uint64_t ms = us / 1000, most = 1 << 20;
        ms = ms < most ? ms : most;
        millionths = ms * ms / 1000 * ms;
    }
    uint64_t enough = (uint64_t)(CWND_MAX / smss + 1) * 2500000;
    if (millionths > enough)
        millionths = enough;
    return millionths * 4 / 10 * smss / 1000000;
}

/** W_cubic at a time (RFC 9438-2). */
static uint32_t window_at(const struct curve *curve, strata_time at, uint32_t smss)
{
    int64_t us = (at - curve->began_at) / STRATA_MICROSECOND - (int64_t)curve->k_ms * 1000;
    uint64_t way = cubed((uint64_t)(us < 0 ? -us : us), smss);
    if (us < 0)
        return way < curve->w_max ? curve->w_max - (uint32_t)way : 0;
    return curve->w_max + way < CWND_MAX ? curve->w_max + (uint32_t)way : CWND_MAX;
}

/** Congestion avoidance begins. */
static void begin_curve(const struct tcp_connection *c, struct curve *curve)
{
    curve->began_at = curve->updated_at = connection_now(c);
    curve->w_est = c->cwnd;
    curve->w_est_rest = 0;
    curve->paused = false;
    if (curve->flat || curve->w_max <= c->cwnd) {
        curve->w_max = c->cwnd; // RFC 9438-11, and where the window is beyond W_max already
        curve->k_ms = 0;
    } else {
        // K in milliseconds: its cube is (W_max - cwnd) / C * 10^9.
        curve->k_ms = cubic_root((uint64_t)(curve->w_max - c->cwnd) * UINT64_C(2500000000) / c->smss);
    }
    curve->flat = false;
}

/** W_est += alpha * acked / cwnd (RFC 9438-5). */
static void grow_estimate(const struct tcp_connection *c, struct curve *curve, uint32_t octets)
{
    bool whole = curve->w_est >= curve->cwnd_prior;
    uint64_t cwnd = (uint64_t)ALPHA_DENOMINATOR * c->cwnd;
    uint64_t gain = (uint64_t)octets * c->smss * (whole ? ALPHA_DENOMINATOR : ALPHA_NUMERATOR) + curve->w_est_rest;
    curve->w_est_rest = gain % cwnd;
    gain = gain / cwnd + curve->w_est;
    curve->w_est = gain < CWND_MAX ? (uint32_t)gain : CWND_MAX;
}

static void avoid(struct tcp_connection *c, struct curve *curve, uint32_t octets)
{
    strata_time now = connection_now(c);
    if (curve->began_at == STRATA_NEVER)
        begin_curve(c, curve);
    if (curve->paused) {
        curve->began_at += now - curve->updated_at; // RFC 9438-4
        curve->paused = false;
    }
    curve->updated_at = now;
    grow_estimate(c, curve, octets);
    if (window_at(curve, now, c->smss) < curve->w_est) {
        // RFC 9438-6: a Reno would be faster.
        if (curve->w_est > c->cwnd)
            c->cwnd = curve->w_est;
        return;
    }
    uint32_t target = window_at(curve, now + c->srtt_ns, c->smss), most = c->cwnd + c->cwnd / 2; // RFC 9438-3
    if (target > most)
        target = most;
    if (target <= c->cwnd)
        return;
    // RFC 9438-7: (target - cwnd) / cwnd for each segment; the rest waits in cwnd_acked.
    uint64_t gain = (uint64_t)octets * (target - c->cwnd) + c->cwnd_acked;
    c->cwnd_acked = (uint32_t)(gain % c->cwnd);
    c->cwnd += (uint32_t)(gain / c->cwnd);
    if (c->cwnd > CWND_MAX)
        c->cwnd = CWND_MAX;
}

static void acked(struct tcp_connection *c, const struct tcp_ack *ack)
{
    struct cubic *cubic = cubic_of(c);
    struct curve *curve = &cubic->now;
    if (cubic->whole) {
        cubic_segments_acked(c, &cubic->segments, ack);
        return;
    }
    bool hystart = c->model->hystart.active;
    if (hystart)
        hystart_look(c, ack);
    uint32_t octets = congestion_growth(c, ack);
    if (c->cwnd < c->ssthresh) {
        curve->began_at = STRATA_NEVER;
        if (hystart) {
            hystart_acked(c, ack, octets);
        } else {
            bool bounded = connection_core(c)->settings.tcp_hystart != HYSTART_CLASSIC;
            congestion_slow_start(c, octets, bounded ? SLOW_START_SEGMENTS : UINT16_MAX);
            if (c->cwnd > c->ssthresh)
                c->cwnd = c->ssthresh;
        }
    } else if (octets > 0) {
        avoid(c, curve, octets);
    }
    // What is not used does not age; nor does a window of which nothing is out.
    if ((octets == 0 && !ack->in_recovery && ack->acked > 0) || connection_flight(c) == 0)
        curve->paused = true;
}

/* ---- Losses -------------------------------------------------------------------------------------------- */

static uint32_t ssthresh(struct tcp_connection *c, uint32_t flight)
{
    struct cubic *cubic = cubic_of(c);
    struct curve *curve = &cubic->now;
    if (cubic->whole)
        return cubic_segments_ssthresh(c, &cubic->segments);
    cubic->before = *curve;
    curve->cwnd_prior = c->cwnd;
    // RFC 9438-10: lower than last time means that somebody else needs room.
    if (c->cwnd < curve->w_max)
        curve->w_max = (uint32_t)((uint64_t)c->cwnd * (BETA_DENOMINATOR + BETA_NUMERATOR) / (2 * BETA_DENOMINATOR));
    else
        curve->w_max = c->cwnd;
    curve->began_at = STRATA_NEVER;
    curve->flat = false;
    c->cwnd_acked = 0;
    // RFC 9438-8
    uint32_t target = (uint32_t)((uint64_t)flight * BETA_NUMERATOR / BETA_DENOMINATOR), least = 2u * c->smss;
    cubic->target = target;
    cubic->marked = false;
    return target > least ? target : least;
}

static void event(struct tcp_connection *c, enum tcp_congestion_event event)
{
    struct cubic *cubic = cubic_of(c);
    if (cubic->whole) {
        cubic_segments_event(c, &cubic->segments, event);
        return;
    }
    switch (event) {
    case CONGESTION_TIMEOUT:
        cubic->now.began_at = STRATA_NEVER;
        cubic->now.flat = true; // RFC 9438-11
        break;
    case CONGESTION_ECN:
        cubic->marked = true;
        break;
    case CONGESTION_RECOVERED:
        // RFC 9438-8: nothing was lost, so one segment will do.
        if (cubic->marked && cubic->target < 2u * c->smss && c->cwnd > cubic->target)
            c->cwnd = cubic->target > c->smss ? cubic->target : c->smss;
        break;
    case CONGESTION_UNDO:
        cubic->now = cubic->before;
        break;
    default:
        break;
    }
}

const struct tcp_congestion congestion_cubic = {.name = "cubic",
                                                .style = REPAIR_NEWRENO,
                                                .hystart = true,
                                                .state_bytes = sizeof(struct cubic),
                                                .begin = begin,
                                                .acked = acked,
                                                .ssthresh = ssthresh,
                                                .event = event};
