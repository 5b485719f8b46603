/*
 * What is lost: RACK (RFC 8985 6), by time. A segment that was sent before another that has arrived, and has had a
 * round trip and some more to arrive itself, counts as lost; so do retransmissions. How much more is the reordering
 * window: none at first, a quarter of the round trip on a path that has been seen to reorder, and more with each round
 * in which the peer tells of duplicates.
 *
 *     sent once:        SND.UNA | judged ... | frontier -> the first that is in flight decides
 *     sent again:       a ring in the order of time, its head decides
 *
 * Segments that were sent once were sent in the order of their numbers, so nobody looks at them twice.
 *
 * Where RACK is turned off, or there is no memory for it, losses are found by counting (RFC 6675 4): never both
 * (RFC 8985-14).
 */
#include "transport/tcp/recovery.h"

/** Recoveries for which an enlarged window holds (RFC 8985-6). */
#define ROUNDS_KEPT 16u

/** What is told of, as Linux bounds it. */
#define OVERTAKEN_MOST 300u
/** The timer comes a little later than what is suspected is lost: ACKs come in bursts. */
#define SLACK_MOST (2 * STRATA_MILLISECOND)

static int64_t setting(const struct tcp_connection *c)
{
    return connection_core(c)->settings.tcp_recovery;
}

/** RFC 8985's RACK_sent_after, backwards. */
static bool sent_before(strata_time time, seq_t end, const struct tcp_repair *repair)
{
    return time < repair->rack_sent || (time == repair->rack_sent && seq_le(end, repair->rack_end));
}

static void take(const struct tcp_connection *c, struct tcp_repair *repair, strata_time sent, seq_t end)
{
    strata_time rtt = connection_now(c) - sent;
    if (repair->rack_valid && sent_before(sent, end, repair)) {
        // It was late: where that is not measured (be_patient), the others get as much time this once.
        if (!(setting(c) & RECOVERY_BIT_MEASURE))
            repair->rack_rtt_ns = rtt;
        return;
    }
    repair->rack_valid = true;
    repair->rack_sent = sent;
    repair->rack_end = end;
    repair->rack_rtt_ns = rtt;
}

/** RFC 8985-4, its growth: one round's duplicates are one reason for a quarter of the round trip more. */
static void note_duplicates(struct tcp_connection *c, const struct tcp_news *news)
{
    if (c->flags & FLAG_DSACK_ROUND && seq_ge(c->snd_una, c->dsack_round))
        c->flags &= ~(uint32_t)FLAG_DSACK_ROUND;
    if (!news->duplicated || c->flags & FLAG_DSACK_ROUND || setting(c) & RECOVERY_BIT_STATIC)
        return;
    c->flags |= FLAG_DSACK_ROUND;
    c->dsack_round = c->snd_nxt;
    if (c->reorder_steps < UINT8_MAX)
        c->reorder_steps++;
    c->reorder_rounds = ROUNDS_KEPT;
}

/**
 * The window grows at once to what would have been enough, beyond the quarter of a round trip for each round that
 * RFC 8985-4 asks for: what was late and no loss tells how late. On a path that lets some segments go by another, much
 * shorter way, quarters of the shortest round trip may never add up to the longer one. The bound is the same: one
 * round trip.
 */
static void be_patient(struct tcp_connection *c, strata_time late)
{
    if ((setting(c) & (RECOVERY_BIT_MEASURE | RECOVERY_BIT_STATIC)) != RECOVERY_BIT_MEASURE || late <= 0 ||
        c->srtt_ns == 0)
        return;
    late = late < c->srtt_ns ? late : c->srtt_ns;
    // Some more, so that the next one, a little later, is not lost either.
    uint32_t share = (uint32_t)(late * 1024 / c->srtt_ns) + 64;
    share = share < 1024 ? share : 1024;
    if (share > c->reorder_share)
        c->reorder_share = (uint16_t)share;
    c->reorder_rounds = ROUNDS_KEPT;
}

/** What begins at `start` and was sent at `sent`, only once, has been overtaken, and arrives now (RFC 8985-3). */
static void note_reordering(struct tcp_connection *c, const struct tcp_repair *repair, seq_t start, strata_time sent)
{
    struct tcp_oddities *odd = connection_odd(c);
    if (odd)
        odd->reorderings++;
    c->flags |= FLAG_REORDERED;
    uint32_t distance = (repair->fack - start + c->smss - 1) / c->smss;
    if (distance > c->overtaken)
        c->overtaken = distance < OVERTAKEN_MOST ? (uint16_t)distance : OVERTAKEN_MOST;
    if (repair->rack_valid)
        be_patient(c, connection_now(c) - sent - repair->rack_rtt_ns);
}

/** An ACK that echoes the timestamp of a first copy tells how long that was under way. What was taken for lost with it
 * is judged again, and would be lost again. */
void rack_late(struct tcp_connection *c, const struct tcp_news *news)
{
    const struct tcp_repair *repair = c->repair;
    if (!news->advanced || !repair->rack_valid || !(c->flags & FLAG_TIMESTAMPS) || !news->options->has_timestamps)
        return;
    int32_t ms = (int32_t)(tcp_timestamp(connection_core(c), c->ts_offset) - news->options->ts_echo);
    if (ms < 0)
        return;
    c->flags |= FLAG_REORDERED;
    // Timestamps count whole milliseconds.
    be_patient(c, (strata_time)(ms + 1) * STRATA_MILLISECOND - repair->rack_rtt_ns);
}

void rack_recovered(struct tcp_connection *c)
{
    if (c->reorder_rounds > 0 && --c->reorder_rounds == 0)
        c->reorder_steps = c->reorder_share = 0; // RFC 8985-6
}

void rack_update(struct tcp_connection *c, const struct tcp_news *news)
{
    note_duplicates(c, news);
    struct tcp_repair *repair = c->repair;
    if (!repair)
        return;
    const struct sent_acked *arrived = &news->arrived;
    // RFC 8985-3: what was sent once and arrives behind what was sent later was overtaken.
    if (arrived->first_sent != STRATA_NEVER && seq_lt(arrived->original, repair->fack))
        note_reordering(c, repair, arrived->original, arrived->first_sent);
    if (arrived->resent_at != STRATA_NEVER) {
        // RFC 8985-2: this may have been the first copy.
        strata_time sent = arrived->resent_last;
        const struct tcp_options *options = news->options;
        bool earlier = c->flags & FLAG_TIMESTAMPS && options->has_timestamps &&
                       (int32_t)(options->ts_echo - tcp_timestamp_at(sent, c->ts_offset)) < 0;
        if (!earlier && connection_now(c) - sent >= c->min_rtt_ns)
            take(c, repair, sent, arrived->resent_end);
    }
    if (arrived->first_sent != STRATA_NEVER)
        take(c, repair, arrived->last_sent, arrived->last_end);
    if (arrived->first_sent != STRATA_NEVER)
        repair->fack = seq_max(repair->fack, arrived->last_end);
    if (arrived->resent_at != STRATA_NEVER)
        repair->fack = seq_max(repair->fack, arrived->resent_end);
    repair->fack = seq_max(repair->fack, c->snd_una);
    repair->resent_until = seq_max(repair->resent_until, c->snd_una); // nor does this ever seem to lie ahead
}

/** The reordering window (RFC 8985-4, RFC 8985-5). */
static strata_time reorder_window(const struct tcp_connection *c)
{
    uint32_t count = (uint32_t)connection_core(c)->settings.tcp_reordering;
    if (!(c->flags & FLAG_REORDERED)) {
        if (c->recovery == RECOVERY_FAST || c->recovery == RECOVERY_LOSS)
            return 0;
        if (!(setting(c) & RECOVERY_BIT_NO_COUNT) &&
            (c->sent.sacked_bytes >= count * c->smss || c->dup_acks >= count))
            return 0;
    }
    strata_time window = c->min_rtt_ns / 4 * (1 + c->reorder_steps);
    if (c->reorder_share > 0 && c->srtt_ns / 1024 * c->reorder_share > window)
        window = c->srtt_ns / 1024 * c->reorder_share;
    return window < c->srtt_ns ? window : c->srtt_ns;
}

strata_time rack_sent_before(const struct tcp_connection *c)
{
    const struct tcp_repair *repair = c->repair;
    if (!repair || !repair->rack_valid || !(setting(c) & RECOVERY_BIT_RACK))
        return STRATA_NEVER;
    return connection_now(c) - repair->rack_rtt_ns - reorder_window(c) + 1;
}

static strata_time slack(const struct tcp_connection *c)
{
    return c->srtt_ns / 8 < SLACK_MOST ? c->srtt_ns / 8 : SLACK_MOST;
}

/** What of that which was sent once is lost. */
static uint32_t judge_originals(struct tcp_connection *c, struct tcp_repair *repair, strata_time patience)
{
    struct sent_cursor at;
    uint32_t lost = c->sent.lost_bytes;
    seq_t from = seq_max(repair->frontier, c->snd_una), to = from;
    struct sent_range *range = sent_find(&c->sent, from, &at);
    for (; range; range = sent_next(&c->sent, &at)) {
        if (!(range->flags & (SENT_LOST | SENT_RESENT | SENT_SACKED))) {
            if (range->last_sent > repair->rack_sent ||
                (range->last_sent == repair->rack_sent && seq_ge(range->start, repair->rack_end)))
                break;
            if (range->last_sent + patience > connection_now(c)) {
                repair->reorder_at = range->last_sent + patience + slack(c);
                break;
            }
            // Of what left at one time, what lies beyond the latest that arrived is not overtaken.
            bool last = range->last_sent == repair->rack_sent && seq_gt(range->end, repair->rack_end);
            to = last ? repair->rack_end : range->end;
            sent_lose(&c->sent, connection_memory(c), range->start, to);
            range = sent_find(&c->sent, to - 1, &at);
            if (last || !range)
                break;
            continue;
        }
        to = range->end;
    }
    repair->frontier = to;
    return c->sent.lost_bytes - lost;
}

/** Whether any of a retransmission is still in flight as it was. */
static bool still_out(struct tcp_connection *c, const struct tcp_resent *resent)
{
    struct sent_cursor at;
    struct sent_range *range = sent_find(&c->sent, resent->start, &at);
    for (; range && seq_lt(range->start, resent->end); range = sent_next(&c->sent, &at))
        if (range->last_sent == resent->when && !(range->flags & (SENT_LOST | SENT_SACKED)))
            return true;
    return false;
}

/** What of that which was sent again is lost. */
static uint32_t judge_resent(struct tcp_connection *c, struct tcp_repair *repair, strata_time patience)
{
    uint32_t lost = c->sent.lost_bytes;
    for (; repair->resent_count > 0; repair->resent_count--) {
        const struct tcp_resent *first = &repair->resent[repair->resent_head];
        if (seq_gt(first->end, c->snd_una) && still_out(c, first)) {
            // Where time stands still nothing is ever late.
            if (!sent_before(first->when, first->end, repair) || first->when == connection_now(c))
                break;
            if (first->when + patience > connection_now(c)) {
                if (first->when + patience + slack(c) < repair->reorder_at)
                    repair->reorder_at = first->when + patience + slack(c);
                break;
            }
            seq_t start = first->start;
            struct sent_cursor at;
            const struct sent_range *range;
            while (seq_lt(start, first->end) && (range = sent_find(&c->sent, start, &at)) != NULL) {
                seq_t end = seq_min(range->end, first->end);
                if (range->last_sent == first->when && !(range->flags & (SENT_LOST | SENT_SACKED)))
                    sent_lose(&c->sent, connection_memory(c), seq_max(start, range->start), end);
                start = end;
            }
        }
        repair->resent_head = (repair->resent_head + 1) & (repair->resent_room - 1);
    }
    return c->sent.lost_bytes - lost;
}

/** RFC 6675-1: lost is what has so many ranges, or more than so many segments' octets, SACKed above it. What was
 * sent again is left to the timeout. */
static uint32_t count_losses(struct tcp_connection *c)
{
    uint32_t count = (uint32_t)connection_core(c)->settings.tcp_reordering, ranges = 0;
    uint32_t above = c->sent.sacked_bytes, most = (count - 1) * c->smss, lost = c->sent.lost_bytes;
    struct sent_cursor at;
    struct sent_range *range;
    for (range = sent_find(&c->sent, c->snd_una, &at); range; range = sent_next(&c->sent, &at))
        ranges += range->flags & SENT_SACKED ? 1 : 0;
    seq_t start = c->snd_una, end = c->snd_una;
    for (range = sent_find(&c->sent, start, &at); range; range = sent_find(&c->sent, end, &at)) {
        end = range->end;
        if (range->flags & SENT_SACKED) {
            above -= range->end - range->start;
            ranges--;
        }
        if (above <= most && ranges < count)
            break;
        if (!(range->flags & (SENT_SACKED | SENT_LOST | SENT_RESENT)))
            sent_lose(&c->sent, connection_memory(c), range->start, range->end);
    }
    // The third duplicate is enough for the first segment (RFC 6675-2).
    if (c->dup_acks >= count && c->sent.lost_bytes == 0 && c->recovery < RECOVERY_FAST)
        sent_lose(&c->sent, connection_memory(c), c->snd_una, seq_min(c->snd_una + c->smss, c->snd_nxt));
    return c->sent.lost_bytes - lost;
}

/** RFC 6675-4's last two rules: what lies below something SACKed, but not far enough to be lost; then the last of what
 * is out, once in each recovery, in case the tail is lost. */
bool rack_suspect(struct tcp_connection *c, uint32_t most, seq_t *start, seq_t *end)
{
    struct tcp_repair *repair = c->repair;
    struct sent_cursor at;
    if (!repair || setting(c) & RECOVERY_BIT_RACK || !(c->flags & FLAG_SACK) || c->sent.lost_bytes > 0 ||
        connection_pipe(c) + repair->twice + c->smss > c->cwnd) // RFC 6675-5
        return false;
    seq_t from = seq_max(repair->frontier, c->snd_una);
    struct sent_range *range = sent_find(&c->sent, from, &at);
    while (range && range->flags & (SENT_SACKED | SENT_RESENT) && seq_lt(range->end, repair->fack))
        range = sent_next(&c->sent, &at);
    if (range && seq_lt(range->start, repair->fack) && !(range->flags & (SENT_SACKED | SENT_RESENT))) {
        repair->frontier = *start = seq_max(from, range->start);
        *end = seq_min(range->end, *start + most);
        return true;
    }
    repair->frontier = seq_max(from, repair->fack);
    range = sent_find(&c->sent, c->snd_nxt - 1, &at);
    if (repair->rescued || !range || range->flags & (SENT_SACKED | SENT_RESENT))
        return false;
    *end = range->end;
    *start = range->end - range->start > most ? range->end - most : range->start;
    return true;
}

uint32_t rack_detect(struct tcp_connection *c, bool *again)
{
    struct tcp_repair *repair = c->repair;
    *again = false;
    if (!repair || !(setting(c) & RECOVERY_BIT_RACK))
        return count_losses(c);
    repair->reorder_at = STRATA_NEVER;
    if (!repair->rack_valid)
        return 0;
    strata_time patience = repair->rack_rtt_ns + reorder_window(c);
    uint32_t lost = judge_originals(c, repair, patience), lost_again = judge_resent(c, repair, patience);
    *again = lost_again > 0;
    return lost + lost_again;
}

void rack_resent(struct tcp_connection *c, seq_t start, seq_t end)
{
    struct tcp_repair *repair = c->repair;
    if (!(c->flags & FLAG_SACK))
        return;
    if (repair->resent_count == repair->resent_room) {
        uint32_t room = repair->resent_room ? 2 * repair->resent_room : 8;
        struct tcp_resent *more = memory_allocate_raw(connection_memory(c), room * sizeof *more);
        if (!more)
            return; // should it be lost, a timeout finds it
        for (uint32_t i = 0; i < repair->resent_count; i++)
            more[i] = repair->resent[(repair->resent_head + i) & (repair->resent_room - 1)];
        memory_release(connection_memory(c), repair->resent, repair->resent_room * sizeof *more);
        repair->resent = more;
        repair->resent_room = room;
        repair->resent_head = 0;
    }
    uint32_t last = (repair->resent_head + repair->resent_count++) & (repair->resent_room - 1);
    repair->resent[last] = (struct tcp_resent){connection_now(c), start, end};
}
