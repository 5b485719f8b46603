/*
 * Vegas (Brakmo, O'Malley, Peterson 1994): keeps a few segments in the queue of the bottleneck, and learns how many
 * there are from the round-trip time, so that it need not lose any.
 *
 *     queued = cwnd * (RTT - BaseRTT) / RTT      once a round trip; RTT is the round's least, BaseRTT the least of all
 *
 *     queued < 2 segments    cwnd += SMSS
 *     queued > 4 segments    cwnd -= SMSS
 *     slow start ends        when queued > 1, with cwnd = what the path holds without a queue, and one segment
 *
 * Slow start doubles every other round trip, since the rounds in between are for measuring. With less than three
 * samples in a round, and for losses, it is Reno. Beside algorithms that fill queues it gets little: use it where all
 * are of its kind.
 */
#include "transport/tcp/congestion.h"
#include "transport/tcp/model.h"

#define ALPHA 2u
#define BETA 4u
#define GAMMA 1u
#define SAMPLES_LEAST 3u

struct vegas {
    seq_t round_end;
    uint8_t samples;
    bool odd; /**< This round of slow start is for measuring. */
    strata_time base_ns, least_ns;
};

static struct vegas *vegas_of(const struct tcp_connection *c)
{
    return model_state(c);
}

static void next_round(const struct tcp_connection *c, struct vegas *vegas)
{
    vegas->round_end = c->snd_nxt;
    vegas->samples = 0;
    vegas->least_ns = STRATA_NEVER;
    vegas->odd = !vegas->odd;
}

static void begin(struct tcp_connection *c)
{
    struct vegas *vegas = vegas_of(c);
    *vegas = (struct vegas){.base_ns = STRATA_NEVER};
    next_round(c, vegas);
}

/** A round is over in which the window was used: compares what came with what would come without a queue. */
static void compare(struct tcp_connection *c, const struct vegas *vegas)
{
    uint64_t above = (uint64_t)(vegas->least_ns - vegas->base_ns) / STRATA_MICROSECOND;
    uint64_t rtt = (uint64_t)vegas->least_ns / STRATA_MICROSECOND + 1;
    uint32_t queued = (uint32_t)(c->cwnd * above / rtt), smss = c->smss;
    if (c->cwnd < c->ssthresh) {
        if (queued <= GAMMA * smss)
            return;
        // What the path holds, and a segment: the queue drains, congestion avoidance goes on from there.
        uint32_t holds = c->cwnd - queued + smss;
        c->cwnd = holds < c->cwnd ? holds : c->cwnd;
        c->ssthresh = c->cwnd;
    } else if (queued > BETA * smss) {
        c->cwnd -= smss;
        if (c->ssthresh > c->cwnd)
            c->ssthresh = c->cwnd;
    } else if (queued < ALPHA * smss && c->cwnd < CWND_MAX) {
        c->cwnd += smss;
    }
    if (c->cwnd < 2 * smss)
        c->cwnd = 2 * smss;
    if (c->ssthresh < 2 * smss)
        c->ssthresh = 2 * smss;
}

static void acked(struct tcp_connection *c, const struct tcp_ack *ack)
{
    struct vegas *vegas = vegas_of(c);
    if (ack->rtt_ns > 0) {
        if (ack->rtt_ns < vegas->base_ns)
            vegas->base_ns = ack->rtt_ns;
        if (ack->rtt_ns < vegas->least_ns)
            vegas->least_ns = ack->rtt_ns;
        if (vegas->samples < UINT8_MAX)
            vegas->samples++;
    }
    uint32_t octets = congestion_growth(c, ack);
    bool measured = vegas->samples >= SAMPLES_LEAST && c->recovery == RECOVERY_OPEN && !ack->in_recovery;
    if (seq_ge(c->snd_una, vegas->round_end)) {
        if (measured && octets > 0)
            compare(c, vegas);
        else if (octets > 0 && c->cwnd >= c->ssthresh)
            c->cwnd += c->smss; // too few to compare: a segment a round, as Reno
        next_round(c, vegas);
    } else if (c->cwnd < c->ssthresh && (!vegas->odd || c->recovery == RECOVERY_LOSS)) {
        congestion_slow_start(c, octets, 1);
    }
}

static void event(struct tcp_connection *c, enum tcp_congestion_event event)
{
    // What was measured around a loss or before a pause says nothing.
    if (event != CONGESTION_LOSS)
        next_round(c, vegas_of(c));
}

/** enabled, samples of the round, least round-trip times of all and of the round in microseconds. */
static unsigned tell(const struct tcp_connection *c, uint32_t words[TCP_CC_WORDS])
{
    const struct vegas *vegas = vegas_of(c);
    strata_time times[] = {vegas->base_ns, vegas->least_ns};
    words[0] = c->recovery == RECOVERY_OPEN;
    words[1] = vegas->samples;
    for (int i = 0; i < 2; i++)
        words[2 + i] = times[i] == STRATA_NEVER ? INT32_MAX : (uint32_t)(times[i] / STRATA_MICROSECOND);
    return 4;
}

const struct tcp_congestion congestion_vegas = {.name = "vegas",
                                                .style = REPAIR_NEWRENO,
                                                .state_bytes = sizeof(struct vegas),
                                                .begin = begin,
                                                .acked = acked,
                                                .ssthresh = congestion_half,
                                                .event = event,
                                                .tell = tell};
