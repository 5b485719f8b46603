/*
 * CUBIC in whole segments, as Linux has computed it since 2.6.19 (S. Ha, I. Rhee, L. Xu, 2008; RFC 8312): for
 * those who want to see the same windows on both systems, segment by segment. Beside cubic.c:
 *
 *     - The window is a number of segments. What the curve and the time say is how many must be acknowledged
 *       for one more, two at least, and the curve is looked at every 32 ms, or when the window has changed.
 *     - The curve is ahead by the least round-trip time, not by the smoothed one.
 *     - As long as there was no loss, or none since the last timeout, twenty will do.
 *     - beta is 717/1024 and what it is applied to is cwnd, whatever is in flight. A Reno's window grows by
 *       one for every 15/8 of it that are acknowledged.
 *     - A timeout forgets the curve altogether.
 *     - While nothing is in flight the curve stands still.
 */
#include "transport/tcp/cubic_segments.h"
#include "transport/tcp/model.h"

#define BETA 717u
#define BETA_SCALE 1024u
/** C = 410 / 1024, with time in 1024ths of a second: C * t^3 = CURVE * t^3 / 2^40. */
#define CURVE 410u
#define CURVE_SHIFT 40
/** Later than that the curve is beyond all windows, and its cube beyond 64 bits. */
#define TIME_MOST (1u << 18)
#define LOOK_MS (1000u / 32)
#define LEAST_PER_GROWTH 2u
#define UNKNOWN_PER_GROWTH 20u
#define FLAT_PER_GROWTH 100u
/** Eighths of the window for which a Reno with this beta grows by one: 8 (1 + beta) / 3 (1 - beta). */
#define RENO_EIGHTHS 15u
/** After a loss the queue is still draining: so long round-trip times tell nothing. */
#define SETTLING_MS 1000u

static uint32_t window(const struct tcp_connection *c)
{
    uint32_t segments = c->cwnd / c->smss;
    return segments > 0 ? segments : 1;
}

static void grow(struct tcp_connection *c, uint32_t segments)
{
    uint64_t wanted = c->cwnd + (uint64_t)segments * c->smss;
    c->cwnd = wanted < CWND_MAX ? (uint32_t)wanted : CWND_MAX;
}

static void begin_curve(struct cubic_segments *cubic, uint32_t cwnd, uint32_t acked, uint32_t now)
{
    cubic->running = true;
    cubic->began_ms = now;
    cubic->estimate = cwnd;
    cubic->estimate_acked = acked;
    cubic->k = 0;
    cubic->origin = cwnd;
    if (cubic->w_max > cwnd) {
        cubic->k = cubic_root((uint64_t)(cubic->w_max - cwnd) * ((UINT64_C(1) << CURVE_SHIFT) / CURVE));
        cubic->origin = cubic->w_max;
    }
}

/** Where the curve will be a round trip from now. */
static uint64_t target(const struct cubic_segments *cubic, uint32_t now)
{
    uint64_t ahead = (uint64_t)((cubic->least_ns + STRATA_MILLISECOND - 1) / STRATA_MILLISECOND);
    uint64_t time = ((now - cubic->began_ms + ahead) << 10) / 1000;
    bool below = time < cubic->k;
    uint64_t away = below ? cubic->k - time : time - cubic->k;
    away = away < TIME_MOST ? away : TIME_MOST;
    uint64_t way = CURVE * away * away * away >> CURVE_SHIFT;
    if (below)
        return way < cubic->origin ? cubic->origin - way : 0;
    return cubic->origin + way;
}

/** Looks at the curve. */
static void look(struct cubic_segments *cubic, uint32_t cwnd, uint32_t acked, uint32_t now)
{
    cubic->seen = cwnd;
    cubic->seen_ms = now;
    if (!cubic->running)
        begin_curve(cubic, cwnd, acked, now);
    uint64_t to = target(cubic, now);
    cubic->per_growth = to > cwnd ? (uint32_t)(cwnd / (to - cwnd)) : FLAT_PER_GROWTH * cwnd;
    if (cubic->w_max == 0 && cubic->per_growth > UNKNOWN_PER_GROWTH)
        cubic->per_growth = UNKNOWN_PER_GROWTH;
}

/** A Reno would be faster, perhaps. */
static void follow_reno(struct cubic_segments *cubic, uint32_t cwnd)
{
    uint32_t round = cwnd * RENO_EIGHTHS / 8;
    while (cubic->estimate_acked > round) {
        cubic->estimate_acked -= round;
        cubic->estimate++;
    }
    if (cubic->estimate > cwnd && cubic->per_growth > cwnd / (cubic->estimate - cwnd))
        cubic->per_growth = cwnd / (cubic->estimate - cwnd);
}

static void avoid(struct tcp_connection *c, struct cubic_segments *cubic, uint32_t acked)
{
    uint32_t cwnd = window(c), now = connection_core(c)->now_ms;
    cubic->estimate_acked += acked;
    if (cubic->seen != cwnd || now - cubic->seen_ms > LOOK_MS) {
        if (!cubic->running || now != cubic->seen_ms)
            look(cubic, cwnd, acked, now);
        follow_reno(cubic, cwnd);
        if (cubic->per_growth < LEAST_PER_GROWTH)
            cubic->per_growth = LEAST_PER_GROWTH;
    }
    // What was acknowledged while more was asked for makes one segment, not several.
    if (c->cwnd_acked >= cubic->per_growth) {
        c->cwnd_acked = 0;
        grow(c, 1);
    }
    c->cwnd_acked += acked;
    grow(c, c->cwnd_acked / cubic->per_growth);
    c->cwnd_acked %= cubic->per_growth;
}

static void measure(struct cubic_segments *cubic, strata_time rtt_ns, uint32_t now)
{
    if (rtt_ns <= 0 || (cubic->running && now - cubic->began_ms < SETTLING_MS))
        return;
    if (cubic->least_ns == 0 || rtt_ns < cubic->least_ns)
        cubic->least_ns = rtt_ns;
}

void cubic_segments_acked(struct tcp_connection *c, struct cubic_segments *cubic, const struct tcp_ack *ack)
{
    bool hystart = c->model->hystart.active;
    if (hystart)
        hystart_look(c, ack);
    uint32_t octets = congestion_growth(c, ack), acked = (octets + c->smss - 1) / c->smss;
    measure(cubic, ack->rtt_ns, connection_core(c)->now_ms);
    if (c->cwnd < c->ssthresh && hystart) {
        hystart_acked(c, ack, acked * c->smss);
        return;
    }
    if (c->cwnd < c->ssthresh) {
        uint32_t room = (c->ssthresh - c->cwnd + c->smss - 1) / c->smss, part = acked < room ? acked : room;
        grow(c, part);
        acked -= part;
    }
    if (acked > 0)
        avoid(c, cubic, acked);
}

uint32_t cubic_segments_ssthresh(const struct tcp_connection *c, struct cubic_segments *cubic)
{
    uint32_t cwnd = window(c), lower = (uint32_t)((uint64_t)cwnd * BETA / BETA_SCALE);
    cubic->running = false;
    // Lower than last time means that somebody else needs room.
    if (cwnd < cubic->w_max)
        cubic->w_max = (uint32_t)((uint64_t)cwnd * (BETA_SCALE + BETA) / (2 * BETA_SCALE));
    else
        cubic->w_max = cwnd;
    return (lower > 2 ? lower : 2) * c->smss;
}

void cubic_segments_event(const struct tcp_connection *c, struct cubic_segments *cubic,
                          enum tcp_congestion_event event)
{
    if (event == CONGESTION_TIMEOUT)
        *cubic = (struct cubic_segments){.running = false};
    if (event == CONGESTION_IDLE && cubic->running) {
        uint32_t now = connection_core(c)->now_ms, age = now - cubic->began_ms;
        uint32_t idle = (uint32_t)((connection_now(c) - c->last_sent) / STRATA_MILLISECOND);
        cubic->began_ms += idle < age ? idle : age;
    }
}
