/*
 * Loss detection and repair: fast retransmit and fast recovery (RFC 5681 3.2, RFC 6582), limited transmit
 * (RFC 3042), and what follows a retransmission timeout (RFC 5681 3.1, RFC 6298 5.4).
 *
 *     OPEN --first duplicate ACK--> DISORDER --third--> FAST --ACK beyond recover--> OPEN
 *       any --timeout--> LOSS --ACK beyond recover--> OPEN
 *
 * In FAST the window is inflated as RFC 6582 says, so that octets in flight are counted whole. In LOSS
 * everything that was out is marked as lost in the map of sent ranges and is sent again as slow start opens
 * the window.
 */
#include "transport/tcp/recovery.h"
#include "transport/tcp/congestion.h"
#include "transport/tcp/timers.h"

#define DUP_THRESHOLD 3u

/** Marks the first segment that is not acknowledged as lost, to go out whatever cwnd says. */
static void retransmit_first(struct tcp_connection *c)
{
    sent_lose(&c->sent, connection_memory(c), c->snd_una, seq_min(c->snd_una + c->smss, c->snd_nxt));
    c->marks |= MARK_RETRANSMIT;
}

/** FlightSize without what limited transmit added (RFC 5681-10). */
static uint32_t flight_without_limited(const struct tcp_connection *c)
{
    uint32_t flight = connection_flight(c);
    if (c->recovery != RECOVERY_DISORDER)
        return flight;
    uint32_t limited = flight > c->cwnd ? flight - c->cwnd : 0, most = (DUP_THRESHOLD - 1) * c->smss;
    return flight - (limited < most ? limited : most);
}

uint32_t recovery_limited_transmit(const struct tcp_connection *c)
{
    if (c->recovery != RECOVERY_DISORDER)
        return 0;
    return (c->dup_acks < DUP_THRESHOLD ? c->dup_acks : DUP_THRESHOLD - 1) * c->smss;
}

static void enter_fast(struct tcp_connection *c)
{
    core_count(connection_core(c), COUNTER_tcp_fast_retransmits);
    c->fast_retransmits++;
    // RFC 6582 3.2 step 2, RFC 5681-8.
    c->ssthresh = congestion_of(c)->ssthresh(c, flight_without_limited(c));
    c->recover = c->snd_nxt;
    c->recovery = RECOVERY_FAST;
    c->flags |= FLAG_FIRST_PARTIAL;
    c->cwnd = c->ssthresh + DUP_THRESHOLD * c->smss;
    c->cwnd_acked = 0;
    retransmit_first(c);
    congestion_event(c, CONGESTION_LOSS);
}

void recovery_duplicate(struct tcp_connection *c)
{
    if (c->recovery == RECOVERY_LOSS)
        return;
    if (c->recovery == RECOVERY_FAST) {
        if (c->cwnd < CWND_MAX)
            c->cwnd += c->smss; // RFC 5681-9
        congestion_trace(c);
        return;
    }
    if (c->dup_acks < UINT8_MAX)
        c->dup_acks++;
    if (c->recovery == RECOVERY_OPEN)
        c->recovery = RECOVERY_DISORDER;
    if (c->dup_acks < DUP_THRESHOLD)
        return;
    // RFC 6582-2: only when the ACK covers more than `recover`; duplicates of what a repair sent twice do not
    // count.
    if (c->dup_acks == DUP_THRESHOLD && seq_gt(c->snd_una, c->recover))
        enter_fast(c);
}

/** RFC 6582 3.2 step 3, full acknowledgement: recovery is over. */
static void leave_fast(struct tcp_connection *c)
{
    uint32_t flight = connection_flight(c), least = flight > c->smss ? flight : c->smss;
    uint32_t window = least + c->smss;
    c->cwnd = c->ssthresh < window ? c->ssthresh : window;
    c->recovery = RECOVERY_OPEN;
    congestion_event(c, CONGESTION_RECOVERED);
}

/** RFC 6582 3.2 step 3, partial acknowledgement: the next hole. */
static bool partial_ack(struct tcp_connection *c, uint32_t bytes)
{
    retransmit_first(c);
    c->cwnd = c->cwnd > bytes + c->smss ? c->cwnd - bytes : c->smss;
    if (bytes >= c->smss)
        c->cwnd += c->smss;
    bool first = c->flags & FLAG_FIRST_PARTIAL;
    c->flags &= ~(uint32_t)FLAG_FIRST_PARTIAL;
    congestion_trace(c);
    return first; // RFC 6582-5
}

bool recovery_acked(struct tcp_connection *c, uint32_t bytes)
{
    c->dup_acks = 0;
    // `recover` is what SND.NXT was: such an ACK covers all of the window in which something was lost.
    bool full = seq_ge(c->snd_una, c->recover);
    if (c->recovery == RECOVERY_FAST) {
        if (!full)
            return partial_ack(c, bytes);
        leave_fast(c);
        return true;
    }
    if (c->recovery == RECOVERY_DISORDER || (full && (c->recovery == RECOVERY_LOSS || c->recovery == RECOVERY_CWR)))
        c->recovery = RECOVERY_OPEN;
    struct tcp_ack ack = {.acked = bytes, .delivered = bytes, .newest = STRATA_NEVER};
    congestion_acked(c, &ack);
    return true;
}

void recovery_timeout(struct tcp_connection *c)
{
    // RFC 5681-6: a segment that timed out before does not lower ssthresh again. A new one, or one that fast
    // retransmit had sent again, does (RFC 5681-15).
    if (c->retries <= 1)
        c->ssthresh = congestion_of(c)->ssthresh(c, flight_without_limited(c));
    c->cwnd = c->smss; // RFC 5681-7
    c->cwnd_acked = 0;
    c->recover = c->snd_nxt; // RFC 6582-6
    c->recovery = RECOVERY_LOSS;
    c->dup_acks = 0;
    sent_lose_all(&c->sent);
    c->marks |= MARK_RETRANSMIT;
    congestion_event(c, CONGESTION_TIMEOUT);
}

bool recovery_ecn(struct tcp_connection *c)
{
    // RFC 3168 6.1.2: not more than once for what was out when it was noticed, and not on top of a loss.
    if (c->recovery > RECOVERY_DISORDER)
        return false;
    c->ssthresh = congestion_of(c)->ssthresh(c, flight_without_limited(c));
    c->recover = c->snd_nxt;
    c->recovery = RECOVERY_CWR;
    c->cwnd = c->ssthresh;
    c->cwnd_acked = 0;
    congestion_event(c, CONGESTION_ECN);
    return true;
}

void recovery_smaller_mtu(struct tcp_connection *c)
{
    // RFC 1191 6.4: no sign of congestion, cwnd stays; but one segment only until acknowledgements come.
    if (connection_flight(c) == 0 || !connection_is_synchronized(c))
        return; // a SYN is small enough for every path
    sent_lose_all(&c->sent);
    c->marks |= MARK_RETRANSMIT;
    c->flags |= FLAG_ONE_UNTIL_ACK;
    connection_mark(c);
}
