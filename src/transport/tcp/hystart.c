/*
 * HyStart++ (RFC 9406).
 *
 *     slow start --the round's least RTT exceeds the last round's by clamp(last / 8, 4 ms, 16 ms)--> conservative
 *     conservative --least RTT below the baseline--> slow start        the rise was jitter
 *     conservative --5 rounds--> congestion avoidance with ssthresh = cwnd
 *
 * A round ends when what was SND.NXT at its beginning is acknowledged. An ACK of N octets adds min(N, L * SMSS) in
 * slow start, a quarter of that in conservative slow start; L is 8, or without bound where segments are paced.
 *
 * Or HyStart without the pluses, as Linux has it (S. Ha, I. Rhee, 2011): L is without bound, and from 16 segments on
 * slow start ends at once, before the window grows, when a train of ACKs is half as long as the least round-trip time
 * (as long, where segments are paced), or when nine samples of a round all exceed that by clamp(least / 8, 4 ms,
 * 16 ms).
 */
#include "transport/tcp/hystart.h"
#include "transport/tcp/congestion.h"
#include "transport/tcp/model.h"

#define SAMPLES_LEAST 8u
#define RISE_LEAST (4 * STRATA_MILLISECOND)
#define RISE_MOST (16 * STRATA_MILLISECOND)
#define CONSERVATIVE_DIVISOR 4u
#define CONSERVATIVE_ROUNDS 5u
#define GROWTH_SEGMENTS 8u
#define CLASSIC_SEGMENTS 16u
/** ACKs of one train are no further apart. */
#define CLASSIC_TRAIN (2 * STRATA_MILLISECOND)

void hystart_begin(struct tcp_connection *c)
{
    struct hystart *h = &c->model->hystart;
    // RFC 9406-7: the first slow start only, of which an infinite ssthresh tells.
    *h = (struct hystart){.active = congestion_of(c)->hystart && connection_core(c)->settings.tcp_hystart &&
                                    c->ssthresh == UINT32_MAX,
                          .fresh = true,
                          .last_ns = STRATA_NEVER,
                          .current_ns = STRATA_NEVER,
                          .baseline_ns = STRATA_NEVER};
}

/** Slow start is over: congestion avoidance begins where we are (RFC 9406-5). */
static void finish(struct tcp_connection *c, struct hystart *h)
{
    h->active = false;
    c->ssthresh = c->cwnd;
}

/** The window of the round is acknowledged: another begins (RFC 9406-1). */
static void next_round(struct tcp_connection *c, struct hystart *h)
{
    h->fresh = true;
    h->last_ns = h->current_ns;
    h->current_ns = STRATA_NEVER;
    h->samples = 0;
    if (h->slow && ++h->rounds >= CONSERVATIVE_ROUNDS)
        finish(c, h);
}

static void judge(struct hystart *h)
{
    if (h->samples < SAMPLES_LEAST)
        return;
    if (h->slow) {
        if (h->current_ns < h->baseline_ns) { // RFC 9406-4
            h->slow = false;
            h->baseline_ns = STRATA_NEVER;
        }
        return;
    }
    if (h->last_ns == STRATA_NEVER)
        return;
    // RFC 9406-2
    strata_time rise = h->last_ns / 8;
    if (rise < RISE_LEAST)
        rise = RISE_LEAST;
    if (rise > RISE_MOST)
        rise = RISE_MOST;
    if (h->current_ns >= h->last_ns + rise) {
        h->baseline_ns = h->current_ns;
        h->slow = true;
        h->rounds = 0;
    }
}

/** A round of the classic form begins. */
static void classic_round(struct tcp_connection *c, struct hystart *h)
{
    h->round_end = c->snd_nxt;
    h->round_at = h->train_at = connection_now(c);
    h->current_ns = STRATA_NEVER;
    h->samples = 0;
}

void hystart_look(struct tcp_connection *c, const struct tcp_ack *ack)
{
    struct hystart *h = &c->model->hystart;
    strata_time now = connection_now(c);
    if (connection_core(c)->settings.tcp_hystart != HYSTART_CLASSIC || ack->rtt_ns <= 0)
        return;
    if (ack->rtt_ns < h->baseline_ns)
        h->baseline_ns = ack->rtt_ns;
    if (c->cwnd < CLASSIC_SEGMENTS * c->smss)
        return;
    if (h->round_at == 0 || seq_gt(c->snd_una, h->round_end))
        classic_round(c, h);
    bool found = false;
    if (now - h->train_at <= CLASSIC_TRAIN) {
        h->train_at = now;
        found = now - h->round_at > (c->flags & FLAG_PACED ? h->baseline_ns : h->baseline_ns / 2);
    }
    if (ack->rtt_ns < h->current_ns)
        h->current_ns = ack->rtt_ns;
    strata_time rise = h->baseline_ns / 8;
    rise = rise < RISE_LEAST ? RISE_LEAST : rise > RISE_MOST ? RISE_MOST : rise;
    if (h->samples < SAMPLES_LEAST)
        h->samples++;
    else
        found |= h->current_ns > h->baseline_ns + rise;
    if (found)
        finish(c, h);
}

void hystart_acked(struct tcp_connection *c, const struct tcp_ack *ack, uint32_t octets)
{
    struct hystart *h = &c->model->hystart;
    if (connection_core(c)->settings.tcp_hystart == HYSTART_CLASSIC) {
        c->cwnd = octets < CWND_MAX - c->cwnd ? c->cwnd + octets : CWND_MAX;
        return;
    }
    if (h->fresh) {
        // What the ACK before let go belongs to the round, even where all that was out had been acknowledged.
        h->round_end = c->snd_nxt;
        h->fresh = false;
    }
    // RFC 9406-6: pacing spreads what a stretched ACK releases. Where the path reorders, an ACK jumps over what SACK
    // told of before, for which others have left already.
    uint32_t most = c->flags & (FLAG_PACED | FLAG_REORDERED) ? CWND_MAX : GROWTH_SEGMENTS * c->smss;
    uint32_t growth = octets < most ? octets : most;
    c->cwnd += h->slow ? growth / CONSERVATIVE_DIVISOR : growth; // RFC 9406-3
    if (c->cwnd > CWND_MAX)
        c->cwnd = CWND_MAX;
    if (ack->rtt_ns > 0) {
        if (ack->rtt_ns < h->current_ns)
            h->current_ns = ack->rtt_ns;
        if (h->samples < UINT8_MAX)
            h->samples++;
        judge(h);
    }
    if (seq_ge(c->snd_una, h->round_end))
        next_round(c, h);
}
