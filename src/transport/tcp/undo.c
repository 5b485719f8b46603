/*
 * What was no loss. A window that came down for nothing goes up again (Eifel response, RFC 4015's idea) when it is
 * proved that all that was sent again had arrived in the first place:
 *
 *   - the peer told of each of these octets as a duplicate (RFC 2883, RFC 3708);
 *   - the ACK echoes a timestamp from before the retransmission (RFC 3522);
 *   - after a timeout, what was not sent again arrives too (F-RTO, RFC 5682).
 */
#include "transport/tcp/recovery.h"

bool undo_resent_out(const struct tcp_connection *c)
{
    return seq_gt(c->repair->resent_until, c->snd_una);
}

void undo_begin(struct tcp_connection *c)
{
    struct tcp_repair *repair = recovery_record(c);
    if (!repair || (repair->undo && c->recovery == RECOVERY_FAST))
        return; // a timeout in a recovery: what there was before that is what may come back
    repair->undo = true;
    repair->undo_resent = undo_resent_out(c);
    if (!repair->undo_resent)
        repair->undo_bytes = 0;
    repair->undo_cwnd = c->cwnd;
    repair->undo_ssthresh = c->ssthresh;
    repair->undo_from = repair->undo_until = c->snd_una;
}

bool undo_proved(const struct tcp_connection *c, const struct tcp_news *news)
{
    const struct tcp_repair *repair = c->repair;
    if (!repair || !repair->undo || !repair->undo_resent)
        return false;
    if (repair->undo_bytes == 0)
        return true;
    return news->advanced && c->flags & FLAG_TIMESTAMPS && news->options->has_timestamps &&
           (int32_t)(news->options->ts_echo - repair->resent_stamp) < 0;
}

void undo_reduction(struct tcp_connection *c)
{
    struct tcp_repair *repair = c->repair;
    core_count(connection_core(c), c->recovery == RECOVERY_LOSS ? COUNTER_tcp_spurious_timeouts
                                                                : COUNTER_tcp_spurious_recoveries);
    if (!congestion_of(c)->own_window && c->cwnd < repair->undo_cwnd)
        c->cwnd = repair->undo_cwnd;
    if (c->ssthresh < repair->undo_ssthresh)
        c->ssthresh = repair->undo_ssthresh;
    repair->undo = repair->prr = false;
    repair->frto = FRTO_OFF;
    repair->frontier = c->snd_una; // what counted as lost is judged again
    sent_lose_nothing(&c->sent);
    c->marks &= (uint8_t)~MARK_RETRANSMIT;
    c->dup_acks = 0;
    c->recover = c->snd_una;
    c->recovery = c->sent.sacked_bytes > 0 ? RECOVERY_DISORDER : RECOVERY_OPEN;
    congestion_event(c, CONGESTION_UNDO);
}

bool undo_frto(struct tcp_connection *c, const struct tcp_news *news)
{
    struct tcp_repair *repair = c->repair;
    if (repair->frto == FRTO_OFF)
        return false;
    // RFC 5682-3: octets arrive that were out before the timeout and were not sent again: they cannot have been lost,
    // nor what was sent before them.
    // Without SACK they may have been there and waited for what was sent again.
    bool original = news->arrived.first_sent != STRATA_NEVER && seq_lt(news->arrived.original, c->recover) &&
                    (c->flags & FLAG_SACK || news->arrived.resent_at == STRATA_NEVER);
    if (original && repair->undo) {
        undo_reduction(c);
        return true;
    }
    if (!news->advanced && !news->duplicate && !news->sacked)
        return false; // no news of what was sent
    if (repair->frto == FRTO_NEW) {
        // RFC 5682-3: a duplicate, or a selective one for the new data: the loss was real. Three segments may be in
        // flight, so that the lost one does not wait for the new ones: without SACK nobody tells of these.
        repair->frto = FRTO_OFF;
        if (!news->advanced)
            c->marks |= MARK_RETRANSMIT;
        uint32_t window = connection_pipe(c) + c->smss, most = 3u * c->smss;
        if (!news->advanced && !congestion_of(c)->own_window && c->cwnd < window)
            c->cwnd = window < most ? window : most;
    } else if (news->advanced && seq_lt(c->snd_una, c->recover)) {
        // RFC 5682-2: new data, if there is any that the peer's window lets go.
        bool window = seq_gt(c->snd_una + c->snd_wnd, c->snd_nxt);
        repair->frto = connection_unsent(c) > 0 && window ? FRTO_NEW : FRTO_OFF;
        c->recover = c->snd_nxt;
    } else {
        repair->frto = FRTO_OFF; // RFC 5682-1
    }
    return false;
}
