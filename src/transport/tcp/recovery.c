/*
 * The states of loss recovery (RFC 5681, RFC 6582, RFC 6675, RFC 8985, RFC 9937; RFC 3168 for CWR), as the field
 * draws them:
 *
 *     OPEN --something is out of order--> DISORDER --something is lost--> FAST --ACK beyond recover--> OPEN
 *     OPEN, DISORDER --ECN mark--> CWR --ACK beyond recover--> OPEN        any --timeout--> LOSS --the same--> OPEN
 *     FAST, LOSS --nothing was lost--> OPEN, DISORDER, with the window as it was
 *
 * With SACK, rack.c says what is lost, and prr.c brings the window down. Without, the third duplicate ACK says that
 * the first segment is lost and partial ACKs name the next, and the window is inflated by duplicates as RFC 6582 says,
 * so that octets in flight are counted whole; an algorithm may want less (enum tcp_repair_style).
 *
 * In LOSS what was out is marked as lost in the map of sent ranges and is sent again as slow start opens the window.
 */
#include "transport/tcp/recovery.h"
#include "transport/tcp/mtu.h"
#include "transport/tcp/timers.h"

/* ---- The record ---------------------------------------------------------------------------------------- */

struct tcp_repair *recovery_record(struct tcp_connection *c)
{
    if (c->repair)
        return c->repair;
    struct tcp_repair *repair = memory_allocate(connection_memory(c), sizeof *repair);
    if (!repair)
        return NULL;
    repair->frontier = repair->fack = repair->resent_until = c->snd_una;
    repair->reorder_at = STRATA_NEVER;
    c->repair = repair;
    return repair;
}

void recovery_forget(struct tcp_connection *c)
{
    struct tcp_repair *repair = c->repair;
    if (!repair)
        return;
    memory_release(connection_memory(c), repair->resent, repair->resent_room * sizeof *repair->resent);
    memory_release(connection_memory(c), repair, sizeof *repair);
    c->repair = NULL;
}

/** Forgets what nobody will ask for any more. The last duplicate may be told of when all is acknowledged. */
static void tidy(struct tcp_connection *c)
{
    const struct tcp_repair *repair = c->repair;
    if (c->recovery != RECOVERY_OPEN || c->sent.sacked_bytes > 0 || c->sent.lost_bytes > 0 || repair->probing ||
        (repair->undo && seq_le(c->snd_una, repair->undo_until)) || undo_resent_out(c))
        return;
    recovery_forget(c);
}

/* ---- The window ---------------------------------------------------------------------------------------- */

static uint32_t threshold(const struct tcp_connection *c)
{
    return (uint32_t)connection_core(c)->settings.tcp_reordering;
}

/** FlightSize without what limited transmit added (RFC 5681-10) and what is known to have arrived. */
static uint32_t flight_without_limited(const struct tcp_connection *c)
{
    uint32_t flight = connection_flight(c) - c->sent.sacked_bytes;
    if (c->recovery != RECOVERY_DISORDER || c->flags & FLAG_SACK)
        return flight;
    uint32_t limited = flight > c->cwnd ? flight - c->cwnd : 0, most = (threshold(c) - 1) * c->smss;
    return flight - (limited < most ? limited : most);
}

uint32_t recovery_limited_transmit(const struct tcp_connection *c)
{
    // With SACK what has arrived is no longer in flight, which makes room by itself (RFC 3042-3).
    if (c->recovery != RECOVERY_DISORDER || c->flags & FLAG_SACK)
        return 0;
    uint32_t most = threshold(c) > 2 ? 2 : threshold(c) - 1;
    return (c->dup_acks < most ? c->dup_acks : most) * c->smss;
}

static bool has_own_window(const struct tcp_connection *c)
{
    return congestion_of(c)->own_window;
}

/** cwnd and ssthresh come down: from now on, with PRR; octets out before count as `flight`. */
static void reduce(struct tcp_connection *c, uint32_t flight, uint32_t delivered)
{
    c->ssthresh = congestion_ssthresh(c, flight);
    c->cwnd_acked = 0;
    if (!has_own_window(c))
        prr_begin(c, delivered);
}

/** PRR is over (RFC 9937-8). */
static void end_reduction(struct tcp_connection *c)
{
    if (!has_own_window(c))
        c->cwnd = c->ssthresh;
    if (c->repair)
        c->repair->prr = false;
}

void recovery_reduce(struct tcp_connection *c)
{
    reduce(c, flight_without_limited(c), 0);
    congestion_event(c, CONGESTION_LOSS);
    end_reduction(c);
    congestion_event(c, CONGESTION_RECOVERED);
}

bool recovery_ecn(struct tcp_connection *c)
{
    // RFC 3168 6.1.2: not more than once for what was out when it was noticed, and not on top of a loss.
    if (c->recovery > RECOVERY_DISORDER)
        return false;
    if (c->repair)
        c->repair->undo = false; // a mark is no mistake
    reduce(c, flight_without_limited(c), 0);
    c->recover = c->snd_nxt;
    c->recovery = RECOVERY_CWR;
    congestion_event(c, CONGESTION_ECN);
    return true;
}

/* ---- Fast recovery ------------------------------------------------------------------------------------- */

static void count_fast(struct tcp_connection *c)
{
    core_count(connection_core(c), COUNTER_tcp_fast_retransmits);
    c->fast_retransmits++;
}

/** Whether only a probe for the path MTU was lost, which says nothing of congestion (RFC 4821-1): it goes again in
 * smaller pieces, and cwnd stays. */
static bool probe_lost(struct tcp_connection *c)
{
    seq_t start, end;
    if (c->recovery > RECOVERY_DISORDER || !mtu_lost(c, &start, &end))
        return false;
    sent_lose(&c->sent, connection_memory(c), start, end);
    c->marks |= MARK_RETRANSMIT;
    c->dup_acks = 0;
    if (c->flags & FLAG_SACK) {
        c->recovery = RECOVERY_DISORDER;
    } else {
        // Duplicates of what was out mean nothing until then.
        c->recover = c->snd_nxt - 1; // so that the next loss may be noticed right behind
        c->recovery = RECOVERY_LOSS;
    }
    return true;
}

/** Something is lost (RFC 6675-3). */
static void enter_fast(struct tcp_connection *c, uint32_t delivered)
{
    // What arrived out of order let more go (RFC 5681-10); after a timeout cwnd tells what was really out.
    uint32_t flight = connection_flight(c) < c->cwnd ? connection_flight(c) : c->cwnd;
    if (c->mtu && probe_lost(c))
        return;
    count_fast(c);
    undo_begin(c);
    if (c->repair) {
        c->repair->frto = FRTO_OFF;
        c->repair->rescued = false;
    } else {
        c->marks |= MARK_RETRANSMIT; // PRR would have let one go
    }
    if (c->recovery != RECOVERY_CWR)
        reduce(c, flight, delivered);
    c->recover = c->snd_nxt;
    c->recovery = RECOVERY_FAST;
    congestion_event(c, CONGESTION_LOSS);
}

/** What was out at the loss has been acknowledged. */
static void leave(struct tcp_connection *c)
{
    if (c->recovery == RECOVERY_FAST)
        rack_recovered(c);
    c->recovery = RECOVERY_OPEN;
    if (c->repair) {
        c->repair->prr = false;
        c->repair->frto = FRTO_OFF;
        c->repair->undo_until = c->snd_nxt; // so long may a duplicate be told of
    }
    congestion_event(c, CONGESTION_RECOVERED);
}

/* ---- Without SACK -------------------------------------------------------------------------------------- */

/** Marks the first segment that is not acknowledged as lost, to go out whatever cwnd says. */
static void retransmit_first(struct tcp_connection *c)
{
    sent_lose(&c->sent, connection_memory(c), c->snd_una, seq_min(c->snd_una + c->smss, c->snd_nxt));
    c->marks |= MARK_RETRANSMIT;
}

/** All of what is out goes again as slow start opens the window. */
static void begin_again(struct tcp_connection *c, strata_time before)
{
    if (!has_own_window(c))
        c->cwnd = c->smss; // RFC 5681-7
    c->cwnd_acked = 0;
    c->recover = c->snd_nxt; // RFC 6582-6
    c->recovery = RECOVERY_LOSS;
    c->dup_acks = 0;
    if (c->repair)
        c->repair->prr = c->repair->probing = false;
    sent_lose_all(&c->sent, before);
    c->marks |= MARK_RETRANSMIT;
}

static void third_duplicate(struct tcp_connection *c)
{
    uint32_t flight = flight_without_limited(c);
    if (congestion_of(c)->style == REPAIR_TAHOE) {
        count_fast(c);
        undo_begin(c);
        c->ssthresh = congestion_ssthresh(c, flight);
        begin_again(c, STRATA_NEVER);
        congestion_event(c, CONGESTION_TIMEOUT);
        return;
    }
    // RFC 6582 3.2 step 2, RFC 5681-8.
    count_fast(c);
    undo_begin(c);
    if (c->repair)
        c->repair->prr = false; // of CWR
    if (c->recovery != RECOVERY_CWR)
        c->ssthresh = congestion_ssthresh(c, flight);
    c->cwnd_acked = 0;
    c->recover = c->snd_nxt;
    c->recovery = RECOVERY_FAST;
    c->flags |= FLAG_FIRST_PARTIAL;
    if (!has_own_window(c))
        c->cwnd = c->ssthresh + threshold(c) * c->smss;
    retransmit_first(c);
    congestion_event(c, CONGESTION_LOSS);
}

/** A duplicate ACK has come (RFC 5681-11). */
static void duplicate(struct tcp_connection *c)
{
    if (c->recovery == RECOVERY_LOSS)
        return;
    if (c->recovery == RECOVERY_FAST) {
        if (c->cwnd < CWND_MAX && !has_own_window(c))
            c->cwnd += c->smss; // RFC 5681-9
        congestion_trace(c);
        return;
    }
    if (c->dup_acks < UINT8_MAX)
        c->dup_acks++;
    if (c->recovery == RECOVERY_OPEN)
        c->recovery = RECOVERY_DISORDER;
    // RFC 6582-2: only when the ACK covers more than `recover`; duplicates of what a repair sent twice do not
    // count.
    bool third = c->dup_acks == threshold(c) && (seq_gt(c->snd_una, c->recover) || c->recovery == RECOVERY_CWR);
    if (third && !(c->mtu && probe_lost(c)))
        third_duplicate(c);
}

/** RFC 6582 3.2 step 3, full acknowledgement: recovery is over. */
static void full_ack(struct tcp_connection *c)
{
    uint32_t flight = connection_flight(c), least = flight > c->smss ? flight : c->smss;
    uint32_t window = least + c->smss;
    if (!has_own_window(c))
        c->cwnd = c->ssthresh < window ? c->ssthresh : window;
    leave(c);
}

/** RFC 6582 3.2 step 3, partial acknowledgement: the next hole. */
static bool partial_ack(struct tcp_connection *c, uint32_t bytes)
{
    if (congestion_of(c)->style == REPAIR_RENO) {
        end_reduction(c); // RFC 5681-9: any ACK of new data ends it
        leave(c);
        return true;
    }
    retransmit_first(c);
    if (!has_own_window(c)) {
        c->cwnd = c->cwnd > bytes + c->smss ? c->cwnd - bytes : c->smss;
        if (bytes >= c->smss)
            c->cwnd += c->smss;
    }
    bool first = c->flags & FLAG_FIRST_PARTIAL;
    c->flags &= ~(uint32_t)FLAG_FIRST_PARTIAL;
    congestion_trace(c);
    return first; // RFC 6582-5
}

/** Fast recovery without SACK goes on or ends. @return whether the timer begins anew. */
static bool fast_without_sack(struct tcp_connection *c, struct tcp_news *news)
{
    if (!news->advanced) {
        if (news->duplicate)
            duplicate(c);
        return false;
    }
    if (undo_proved(c, news)) {
        undo_reduction(c);
        return true;
    }
    if (!seq_ge(c->snd_una, c->recover))
        return partial_ack(c, news->ack.acked);
    full_ack(c);
    return true;
}

/* ---- An ACK -------------------------------------------------------------------------------------------- */

/** What is over when all that was out is acknowledged, and what was no loss. */
static void progress(struct tcp_connection *c, const struct tcp_news *news)
{
    bool full = seq_ge(c->snd_una, c->recover);
    if (c->recovery == RECOVERY_LOSS) {
        if (news->advanced && undo_proved(c, news))
            undo_reduction(c);
        else if (!(c->repair && undo_frto(c, news)) && full)
            leave(c);
    } else if (c->recovery == RECOVERY_FAST) {
        if (undo_proved(c, news)) {
            rack_late(c, news);
            undo_reduction(c);
        } else if (full) {
            end_reduction(c);
            leave(c);
        }
    } else if (c->recovery == RECOVERY_CWR) {
        if (full) {
            end_reduction(c);
            leave(c);
        }
    } else if (news->duplicated && undo_proved(c, news)) {
        undo_reduction(c); // the last of the duplicates is told of after the end
    }
}

/** With SACK: finds losses and lets the window follow. `left`: a recovery has just ended. */
static void detect(struct tcp_connection *c, struct tcp_news *news, bool left)
{
    bool again;
    if (news->advanced)
        c->dup_acks = 0;
    else if (news->sacked && c->dup_acks < UINT8_MAX)
        c->dup_acks++;
    news->ack.lost = rack_detect(c, &again);
    // What was lost beyond `recover` meanwhile, and what was lost again after a timeout, is a new loss (RFC 5681-15).
    bool lost = news->ack.lost > 0 || (left && c->sent.lost_bytes > 0);
    if (lost && (c->recovery == RECOVERY_LOSS ? again : c->recovery != RECOVERY_FAST))
        enter_fast(c, news->ack.delivered);
    else if (c->recovery <= RECOVERY_DISORDER)
        c->recovery = c->sent.sacked_bytes > 0 ? RECOVERY_DISORDER : RECOVERY_OPEN;
}

static bool is_reduction(uint8_t recovery)
{
    return recovery == RECOVERY_FAST || recovery == RECOVERY_CWR;
}

/** `was`: the state before the ACK. */
static void tell_congestion(struct tcp_connection *c, struct tcp_news *news, uint8_t was)
{
    if (c->repair)
        c->repair->twice = 0;
    // The ACK that ends a recovery leaves cwnd where that has brought it (RFC 9937-8), or lets it grow from there where
    // SACK tells how much of it is new: in small windows it is often the only one before the next loss.
    news->ack.ends_recovery = was == RECOVERY_FAST && c->recovery <= RECOVERY_DISORDER && c->flags & FLAG_SACK;
    news->ack.in_recovery = is_reduction(c->recovery) || (is_reduction(was) && !news->ack.ends_recovery);
    if (c->repair && c->repair->prr)
        prr_acked(c, prr_estimate(c, news), news->ack.lost, news->advanced);
    if (news->ack.delivered > 0)
        congestion_acked(c, &news->ack);
    else if (news->ack.in_recovery)
        congestion_trace(c);
    uint32_t two = connection_pipe(c) + 2u * c->smss;
    if (recovery_waits(c) && !has_own_window(c) && c->cwnd > two)
        c->cwnd = two; // RFC 5682-2: two new segments, whatever the ACK brought
}

bool recovery_acked(struct tcp_connection *c, struct tcp_news *news)
{
    if (c->recovery == RECOVERY_OPEN && !c->repair && news->advanced && !news->sacked && !news->duplicated) {
        // The common case: all is well.
        c->dup_acks = 0;
        congestion_acked(c, &news->ack);
        return true;
    }
    uint8_t was = c->recovery;
    if (c->flags & FLAG_SACK) {
        rack_update(c, news);
        if (c->repair)
            probe_acked(c, news);
        progress(c, news);
        detect(c, news, was > RECOVERY_DISORDER && c->recovery <= RECOVERY_DISORDER);
        tell_congestion(c, news, was);
    } else {
        if (c->recovery == RECOVERY_FAST) {
            bool restart = fast_without_sack(c, news);
            if (c->recovery == RECOVERY_OPEN && c->repair)
                tidy(c);
            return restart;
        }
        progress(c, news);
        if (news->advanced && c->recovery == RECOVERY_DISORDER)
            c->recovery = RECOVERY_OPEN;
        else if (!news->advanced && news->duplicate)
            duplicate(c);
        tell_congestion(c, news, was);
        if (news->advanced)
            c->dup_acks = 0;
    }
    if (c->repair)
        tidy(c);
    return news->advanced;
}

/* ---- Timers -------------------------------------------------------------------------------------------- */

/** Whether F-RTO may follow a timeout (RFC 5682-1, RFC 5682-4): not where fast recovery was at work already. */
static bool wants_frto(const struct tcp_connection *c)
{
    return connection_core(c)->settings.tcp_frto > 0 && (c->recovery != RECOVERY_FAST || c->retries > 1);
}

void recovery_timeout(struct tcp_connection *c)
{
    struct sent_cursor at;
    if (sent_find(&c->sent, c->snd_una, &at)->flags & SENT_SACKED) {
        // RFC 2018 8: what it SACKed at SND.UNA it would have acknowledged, had it kept it (RFC 2018-6).
        core_count(connection_core(c), COUNTER_tcp_sacks_reneged);
        sent_forget_sacked(&c->sent);
    }
    // RFC 5681-6: a segment that timed out before does not lower ssthresh again. A new one, or one that fast
    // retransmit had sent again, does (RFC 5681-15).
    bool frto = wants_frto(c);
    if (c->retries <= 1) {
        undo_begin(c);
        c->ssthresh = congestion_ssthresh(c, flight_without_limited(c));
    }
    begin_again(c, c->flags & FLAG_SACK ? rack_sent_before(c) : STRATA_NEVER); // RFC 8985-9
    if (c->repair)
        c->repair->frto = frto ? FRTO_FIRST : FRTO_OFF;
    congestion_event(c, CONGESTION_TIMEOUT);
}

void recovery_reorder_timeout(struct tcp_connection *c)
{
    bool again;
    uint32_t lost = rack_detect(c, &again);
    if (lost == 0)
        return;
    congestion_lost(c, lost);
    if (c->recovery == RECOVERY_LOSS ? again : c->recovery != RECOVERY_FAST)
        enter_fast(c, 0);
    // Nothing arrived, but what is lost makes room.
    if (c->recovery == RECOVERY_FAST && c->repair && c->repair->prr)
        prr_acked(c, c->smss, lost, false);
    congestion_trace(c);
}

void recovery_smaller_mtu(struct tcp_connection *c)
{
    // RFC 1191 6.4: no sign of congestion, cwnd stays; but one segment only until acknowledgements come.
    if (connection_flight(c) == 0 || !connection_is_synchronized(c))
        return; // a SYN is small enough for every path
    sent_lose_all(&c->sent, STRATA_NEVER);
    c->marks |= MARK_RETRANSMIT;
    c->flags |= FLAG_ONE_UNTIL_ACK;
    connection_mark(c);
}

/* ---- Output -------------------------------------------------------------------------------------------- */

void recovery_sent(struct tcp_connection *c, seq_t start, seq_t end, bool again)
{
    struct tcp_repair *repair = c->repair;
    if (repair->prr)
        repair->prr_out += end - start; // RFC 9937-7
    if (!again)
        return;
    if (c->sent.lost_bytes == 0) {
        repair->twice += end - start;
        repair->rescued |= seq_ge(start, repair->fack);
    }
    rack_resent(c, start, end);
    // What was sent again in an earlier recovery and is still under way proves nothing of this one.
    bool out = undo_resent_out(c);
    if (!out && !(repair->undo && repair->undo_resent)) {
        repair->resent_stamp = tcp_timestamp(connection_core(c), c->ts_offset);
        repair->undo_bytes = 0;
    }
    repair->resent_until = out ? seq_max(repair->resent_until, end) : end;
    repair->undo_resent = true;
    repair->undo_bytes += end - start;
}

void recovery_info(struct tcp_connection *c, struct strata_tcp_info *info)
{
    struct sent_cursor at;
    uint32_t least = threshold(c);
    bool repairing = c->recovery == RECOVERY_FAST || c->recovery == RECOVERY_LOSS;
    info->sacked_bytes = c->sent.sacked_bytes;
    info->lost_bytes = c->sent.lost_bytes;
    info->reordering = c->overtaken > least ? c->overtaken : least;
    const struct sent_range *range = sent_find(&c->sent, c->snd_una, &at);
    for (; range; range = sent_next(&c->sent, &at)) {
        if ((range->flags & (SENT_RESENT | SENT_LOST | SENT_SACKED)) != SENT_RESENT)
            continue;
        info->resent_bytes += range->end - range->start;
        info->lost_bytes += repairing ? range->end - range->start : 0;
    }
}

bool recovery_waits(const struct tcp_connection *c)
{
    return c->repair && c->repair->frto == FRTO_NEW && c->recovery == RECOVERY_LOSS;
}

void recovery_verify(const struct tcp_connection *c)
{
    ASSERT(c->sent.lost_bytes + c->sent.sacked_bytes <= connection_flight(c));
    ASSERT(c->recovery <= RECOVERY_CWR);
    const struct tcp_repair *repair = c->repair;
    if (!repair)
        return;
    ASSERT(repair->resent_count <= repair->resent_room);
    ASSERT((repair->resent_room & (repair->resent_room - 1)) == 0);
    ASSERT(!repair->prr || c->recovery == RECOVERY_FAST || c->recovery == RECOVERY_CWR);
    ASSERT(!repair->prr || repair->recover_flight > 0);
    ASSERT(c->flags & FLAG_SACK || !repair->prr || repair->prr_delivered <= repair->recover_flight);
    ASSERT(repair->frto == FRTO_OFF || c->recovery == RECOVERY_LOSS);
    ASSERT(seq_le(repair->fack, c->snd_nxt));
}
