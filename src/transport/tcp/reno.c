/*
 * Reno (RFC 5681): slow start and congestion avoidance, half the window for a loss.
 *
 *     slow start            cwnd += min(N, SMSS)       for an ACK of N new octets, while cwnd < ssthresh
 *     congestion avoidance  cwnd += SMSS               for each cwnd of octets acknowledged
 *     loss                  ssthresh = max(FlightSize / 2, 2 * SMSS)
 *
 * Three duplicate ACKs begin fast recovery; without SACK the first ACK of new data ends it, so that several losses
 * in one window halve it several times or end in a timeout. That is what NewReno (newreno.c) mends.
 *
 * What is here serves Tahoe, NewReno and Vegas as well, and CUBIC's slow start.
 */
#include "transport/tcp/congestion.h"
#include "transport/tcp/model.h"

uint32_t congestion_growth(const struct tcp_connection *c, const struct tcp_ack *ack)
{
    // A cwnd that is not used is not tested (RFC 7661-2). In LOSS it is in full use by definition: what is lost waits
    // for it.
    bool used = c->flags & FLAG_CWND_LIMITED || c->recovery == RECOVERY_LOSS;
    const struct settings *settings = &connection_core(c)->settings;
    if (c->model && c->cwnd < c->ssthresh && !settings->tcp_window_validation && c->recovery != RECOVERY_LOSS &&
        c->cwnd / 2 >= c->model->validation.most_out)
        used = false; // slow start doubles what was in use, once
    if (settings->tcp_growth_delivered && c->recovery != RECOVERY_LOSS && !ack->in_recovery && used) {
        // Where the path is known to reorder, what SACK tells of is progress like any other.
        if ((ack->acked == 0 && c->overtaken <= settings->tcp_reordering) || c->cwnd >= CWND_MAX)
            return 0;
        // Without SACK each duplicate stood for a segment; only the one that filled the hole is news then.
        uint32_t known = c->flags & FLAG_SACK ? 0 : c->dup_acks * c->smss;
        uint32_t most = ack->delivered > c->smss ? ack->delivered - c->smss : 0;
        return ack->delivered - (known < most ? known : most);
    }
    if (ack->in_recovery || !used || c->cwnd >= CWND_MAX)
        return 0;
    // In and after a recovery an ACK jumps over what SACK told of before; each octet counts once, when it is told of.
    return c->recovery == RECOVERY_LOSS || ack->ends_recovery ? ack->delivered : ack->acked;
}

void congestion_slow_start(struct tcp_connection *c, uint32_t octets, uint32_t segments)
{
    uint32_t most = segments * c->smss;
    c->cwnd += octets < most ? octets : most;
}

void congestion_avoid(struct tcp_connection *c, uint32_t octets)
{
    // One SMSS per window of acknowledged octets, so never more per round trip (RFC 5681-5).
    c->cwnd_acked += octets;
    if (c->cwnd_acked >= c->cwnd) {
        c->cwnd_acked -= c->cwnd;
        c->cwnd += c->smss;
        if (c->cwnd_acked > c->cwnd)
            c->cwnd_acked = c->cwnd;
    }
}

void congestion_reno_acked(struct tcp_connection *c, const struct tcp_ack *ack)
{
    bool hystart = c->model && c->model->hystart.active;
    if (hystart)
        hystart_look(c, ack);
    uint32_t octets = congestion_growth(c, ack);
    if (c->cwnd >= c->ssthresh) {
        if (octets > 0)
            congestion_avoid(c, octets);
    } else if (hystart) {
        hystart_acked(c, ack, octets);
    } else {
        congestion_slow_start(c, octets, 1); // RFC 5681-4
    }
}

uint32_t congestion_half(struct tcp_connection *c, uint32_t flight)
{
    // RFC 5681-6, equation (4).
    uint32_t half = flight / 2, least = 2u * c->smss;
    return half > least ? half : least;
}

const struct tcp_congestion congestion_reno = {
    .name = "reno", .style = REPAIR_RENO, .acked = congestion_reno_acked, .ssthresh = congestion_half};
