/*
 * Tail loss probes (RFC 8985 7). When the last segments of a burst are lost, nothing arrives behind them and nobody
 * SACKs anything; only the retransmission timeout would notice, late and with a window of one segment. So two round
 * trips after the last transmission one segment more is sent: new data, or the last segment again. What its ACK
 * says is enough for RACK. The same helps in fast recovery when the last retransmissions are lost.
 *
 * The time is kept in retransmit_at, with the kind TIMER_KIND_PROBE. It runs from the last transmission; since that
 * moves with each segment, it is only looked at when the timer fires.
 */
#include "transport/tcp/recovery.h"
#include "transport/tcp/timers.h"

/** On shorter paths nobody waits for less, and a timer would be armed and fire for each segment. */
#define WAIT_LEAST (2 * STRATA_MILLISECOND)

/** RFC 8985-10. */
static strata_time probe_wait(const struct tcp_connection *c, bool more)
{
    const struct settings *settings = &connection_core(c)->settings;
    if (!(c->flags & FLAG_RTT_SAMPLED))
        return settings->tcp_rto_initial_ms * STRATA_MILLISECOND;
    strata_time wait = 2 * c->srtt_ns > WAIT_LEAST ? 2 * c->srtt_ns : WAIT_LEAST;
    // Alone, its ACK may be a delayed one; what fills a gap is acknowledged at once.
    if (!more && connection_flight(c) <= c->smss && c->recovery != RECOVERY_FAST)
        wait += settings->tcp_rto_min_ms * STRATA_MILLISECOND;
    return wait;
}

static bool is_eligible(const struct tcp_connection *c)
{
    const struct settings *settings = &connection_core(c)->settings;
    bool open = c->recovery == RECOVERY_OPEN || c->recovery == RECOVERY_CWR;
    // Beyond what RFC 8985 asks for: retransmissions are lost too, and where the window is small nothing follows them.
    bool fast = c->recovery == RECOVERY_FAST && settings->tcp_recovery & RECOVERY_BIT_PROBE;
    return c->flags & FLAG_SACK && (open || fast) && settings->tcp_early_retrans >= 3 &&
           connection_is_synchronized(c) && c->snd_wnd > 0;
}

bool probe_wanted(const struct tcp_connection *c, bool more, strata_time *wait)
{
    // RFC 8985-11: one at a time, and the next only after a round-trip time was measured.
    if (!is_eligible(c) || c->flags & (FLAG_PROBED | FLAG_PERSIST))
        return false;
    *wait = probe_wait(c, more);
    return true;
}

bool probe_timeout(struct tcp_connection *c)
{
    strata_time now = connection_now(c), wait;
    struct sent_cursor at;
    const struct sent_range *first = sent_find(&c->sent, c->snd_una, &at);
    strata_time rto_at = first->last_sent + timers_rto(c);
    if (probe_wanted(c, false, &wait)) {
        strata_time probe_at = c->last_sent + wait < rto_at ? c->last_sent + wait : rto_at;
        if (probe_at > now) {
            c->retransmit_at = probe_at;
            return true;
        }
        if (recovery_record(c)) {
            c->marks |= MARK_TAIL;
            // Should the segment not get out, the timeout comes all the same.
            c->timer_kind = TIMER_KIND_RTO;
            c->retransmit_at = now + timers_rto(c);
            return true;
        }
    }
    c->timer_kind = TIMER_KIND_RTO;
    if (rto_at <= now)
        return false;
    c->retransmit_at = rto_at;
    return true;
}

void probe_sent(struct tcp_connection *c, bool again)
{
    core_count(connection_core(c), COUNTER_tcp_tail_probes);
    c->flags |= FLAG_PROBED;
    if (!c->repair)
        return;
    c->repair->probing = c->recovery != RECOVERY_FAST; // there the window has come down already
    c->repair->probe_resent = again;
    c->repair->probe_end = c->snd_nxt;
    // RFC 8985-12: then the timeout, from now on.
    c->timer_kind = TIMER_KIND_RTO;
    c->retransmit_at = connection_now(c) + timers_rto(c);
}

void probe_acked(struct tcp_connection *c, const struct tcp_news *news)
{
    struct tcp_repair *repair = c->repair;
    if (!repair || !repair->probing || seq_lt(c->snd_una, repair->probe_end))
        return;
    // RFC 8985-13.
    bool twice = news->duplicated && news->duplicate_end == repair->probe_end;
    if (!repair->probe_resent || twice) {
        repair->probing = false;
    } else if (seq_gt(c->snd_una, repair->probe_end)) {
        // It was acknowledged with what came later, and nobody said that it came twice: it filled a hole.
        repair->probing = false;
        recovery_reduce(c);
    } else if (!news->advanced && !news->sacked && news->duplicate) {
        repair->probing = false; // the answer to the second copy
    }
}
