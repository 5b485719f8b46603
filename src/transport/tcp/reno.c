/*
 * Reno's growth and halving (RFC 5681 3.1); with recovery.c's partial ACKs it is NewReno (RFC 6582).
 */
#include "transport/tcp/congestion.h"

static void acked(struct tcp_connection *c, const struct tcp_ack *ack)
{
    // A cwnd that is not used is not tested. In LOSS it is in full use by definition: what is lost waits for it.
    bool used = c->flags & FLAG_CWND_LIMITED || c->recovery == RECOVERY_LOSS;
    if (ack->in_recovery || !used || c->cwnd >= CWND_MAX)
        return;
    uint32_t bytes = ack->acked;
    if (c->cwnd < c->ssthresh) {
        // Slow start: min(N, SMSS) per ACK (RFC 5681-4).
        c->cwnd += bytes < c->smss ? bytes : c->smss;
        return;
    }
    // Congestion avoidance: one SMSS per window of acknowledged bytes, so never more per round trip (RFC
    // 5681-5).
    c->cwnd_acked += bytes;
    if (c->cwnd_acked >= c->cwnd) {
        c->cwnd_acked -= c->cwnd;
        c->cwnd += c->smss;
    }
}

static uint32_t ssthresh(const struct tcp_connection *c, uint32_t flight)
{
    // RFC 5681-6, equation (4).
    uint32_t half = flight / 2, least = 2u * c->smss;
    return half > least ? half : least;
}

const struct tcp_congestion congestion_reno = {.name = "reno", .acked = acked, .ssthresh = ssthresh};
