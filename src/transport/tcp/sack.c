/*
 * SACK blocks, out and in (RFC 2018, RFC 2883).
 *
 * Out: the first block holds what called for the ACK, the others what came before, latest first, as many as fit;
 * a duplicate stands before them all, in one ACK only.
 *
 * In: blocks are a peer's word. Those that lie outside what is under way count for nothing; those that lie
 * inside are marked in the map of sent ranges and free nothing: the octets stay in the ring until they are
 * acknowledged cumulatively (RFC 2018-7), for the peer may throw them away.
 */
#include "transport/tcp/sack.h"
#include "transport/tcp/output.h"

#define BLOCK_BYTES 8u
#define OPTION_BYTES 4u /**< NOP, NOP, kind, length. */
#define OPTIONS_MOST 40u

/* ---- Out ----------------------------------------------------------------------------------------------- */

void sack_kept(struct tcp_connection *c, seq_t start)
{
    struct tcp_out_of_order *ahead = c->out_of_order;
    if (!(c->flags & FLAG_SACK))
        return;
    if (c->acks_owed > 0 && c->acks_owed <= OUT_OF_ORDER_RECENT)
        ahead->called[c->acks_owed - 1] = start;
    // The latest comes first, and of what lies in the same range nothing else is remembered.
    const struct range *range = ranges_find(&ahead->ranges, start);
    uint32_t kept = 0;
    seq_t recent[OUT_OF_ORDER_RECENT + 1] = {start};
    for (uint32_t i = 0; i < ahead->recent_count; i++)
        if (!range || !seq_within(ahead->recent[i], range->start, range->end - range->start))
            recent[++kept] = ahead->recent[i];
    ahead->recent_count = (uint8_t)(kept + 1 < OUT_OF_ORDER_RECENT ? kept + 1 : OUT_OF_ORDER_RECENT);
    for (uint32_t i = 0; i < ahead->recent_count; i++)
        ahead->recent[i] = recent[i];
}

void sack_duplicate(struct tcp_connection *c, seq_t start, seq_t end)
{
    if (!(c->flags & FLAG_SACK) || !connection_core(c)->settings.tcp_dsack || start == end)
        return;
    if (!c->duplicates)
        c->duplicates = memory_allocate(connection_memory(c), sizeof *c->duplicates);
    struct tcp_duplicates *duplicates = c->duplicates;
    if (!duplicates || duplicates->count == DUPLICATES_MOST)
        return; // the ACK goes without
    duplicates->block[duplicates->count++] = (struct tcp_sack_block){start, end};
    connection_mark(c);
}

void sack_forget(struct tcp_connection *c)
{
    if (c->duplicates)
        memory_release(connection_memory(c), c->duplicates, sizeof *c->duplicates);
    c->duplicates = NULL;
}

/** Adds the range that holds x, unless there is none or it is there already. */
static void add_block(const struct tcp_connection *c, struct tcp_options *options, uint32_t first, uint32_t most,
                      seq_t x)
{
    const struct range *range = ranges_find(&c->out_of_order->ranges, x);
    if (!range || options->sack_count >= most)
        return;
    for (uint32_t i = first; i < options->sack_count; i++)
        if (options->sack[i].start == range->start)
            return;
    options->sack[options->sack_count++] = (struct tcp_sack_block){range->start, range->end};
}

/** Blocks that fit beside the other options, and into a segment; into one with data only where that is no dwarf. */
static uint32_t blocks_that_fit(const struct tcp_connection *c, bool data)
{
    uint32_t most = c->flags & FLAG_TIMESTAMPS ? 3 : 4; // RFC 2018-4
    if (c->smss >= 4 * (OPTION_BYTES + BLOCK_BYTES * most))
        return most;
    uint32_t fit = c->smss > OPTION_BYTES && !data ? (c->smss - OPTION_BYTES) / BLOCK_BYTES : 0;
    return fit < most ? fit : most;
}

void sack_fill(const struct tcp_connection *c, struct tcp_options *options, bool owed, bool data)
{
    uint32_t most = blocks_that_fit(c, data), first = 0;
    const struct tcp_out_of_order *ahead = c->out_of_order;
    if (most == 0)
        return;
    if (owed && c->duplicates) {
        options->sack[0] = c->duplicates->block[0]; // RFC 2883-1
        options->sack_count = 1;
        first = 1;
    }
    if (!ahead || !(c->flags & FLAG_SACK))
        return;
    if (first > 0)
        add_block(c, options, first, most, options->sack[0].start); // RFC 2883-2
    if (owed && c->acks_owed > 0)
        add_block(c, options, first, most, ahead->called[0]); // RFC 2018-3
    for (uint32_t i = 0; i < ahead->recent_count; i++)
        add_block(c, options, first, most, ahead->recent[i]);
    for (uint32_t i = 0; i < ahead->ranges.count && options->sack_count < most; i++)
        add_block(c, options, first, most, ahead->ranges.list[i].start);
}

void sack_sent(struct tcp_connection *c)
{
    if (c->out_of_order)
        for (uint32_t i = 0; i + 1 < OUT_OF_ORDER_RECENT; i++)
            c->out_of_order->called[i] = c->out_of_order->called[i + 1];
    struct tcp_duplicates *duplicates = c->duplicates;
    if (!duplicates)
        return;
    core_count(connection_core(c), COUNTER_tcp_dsacks_sent);
    duplicates->count--;
    for (uint32_t i = 0; i < duplicates->count; i++)
        duplicates->block[i] = duplicates->block[i + 1];
    if (duplicates->count == 0)
        sack_forget(c);
}

uint32_t sack_bytes(const struct tcp_connection *c)
{
    if (!c->out_of_order || !(c->flags & FLAG_SACK) || c->out_of_order->ranges.count == 0)
        return 0;
    uint32_t count = c->out_of_order->ranges.count, most = blocks_that_fit(c, true);
    if (count > most)
        count = most;
    return count > 0 ? OPTION_BYTES + BLOCK_BYTES * count : 0;
}

/* ---- In ------------------------------------------------------------------------------------------------ */

/** RFC 2883-3: the first block tells of a duplicate where it lies below the ACK, or in the second block. Compared with
 * the ACK it came with: SND.UNA may be beyond that (RFC 2883-4). */
static bool tells_duplicate(const struct tcp_options *options, seq_t ack)
{
    const struct tcp_sack_block *first = &options->sack[0], *second = &options->sack[1];
    if (seq_lt(first->start, ack))
        return true;
    return options->sack_count > 1 && seq_ge(first->start, second->start) && seq_le(first->end, second->end);
}

/** Whether a block can tell of a duplicate: of what was sent, and not long ago. */
static bool is_plausible(const struct tcp_connection *c, const struct tcp_sack_block *block)
{
    return seq_lt(block->start, block->end) && seq_le(block->end, c->snd_nxt) && seq_gt(block->end, c->iss) &&
           block->end - block->start <= c->snd_wnd_max &&
           seq_diff(c->snd_una, block->start) <= (int64_t)c->snd_wnd_max;
}

static void take_duplicate(struct tcp_connection *c, const struct tcp_sack_block *block, struct tcp_news *news)
{
    core_count(connection_core(c), COUNTER_tcp_dsacks_received);
    struct tcp_oddities *odd = connection_odd(c);
    if (odd)
        odd->duplicates++;
    news->duplicated = true;
    news->duplicate_end = block->end;
    struct tcp_repair *repair = c->repair;
    if (!repair || !repair->undo || seq_le(block->end, repair->undo_from))
        return;
    uint32_t bytes = block->end - seq_max(block->start, repair->undo_from);
    repair->undo_bytes -= bytes < repair->undo_bytes ? bytes : repair->undo_bytes;
}

/** Where the peer may cut ranges into pieces (sent_sack): not for ever, each of them takes memory. */
static uint32_t unit_of(const struct tcp_connection *c)
{
    if (c->sent.count >= 4u * (connection_flight(c) / c->smss) + 64)
        return 0;
    return connection_core(c)->settings.tcp_sack_segments ? c->smss : 1;
}

void sack_arrives(struct tcp_connection *c, const struct segment *segment, struct tcp_news *news)
{
    const struct tcp_options *options = &segment->header.options;
    struct core *core = connection_core(c);
    bool duplicate = tells_duplicate(options, segment->ack);
    uint32_t before = news->arrived.bytes;
    for (uint32_t i = 0; i < options->sack_count; i++) {
        struct tcp_sack_block block = options->sack[i];
        if (i == 0 && duplicate && is_plausible(c, &block)) {
            take_duplicate(c, &block, news);
            continue;
        }
        if (!seq_lt(block.start, block.end) || seq_gt(block.end, c->snd_nxt) ||
            seq_diff(c->snd_una, block.end) > (int64_t)c->snd_wnd_max) {
            core_count(core, COUNTER_tcp_sacks_discarded); // never sent: a lie, or garbage
            continue;
        }
        if (seq_le(block.end, c->snd_una) || (i == 0 && duplicate))
            continue;
        sent_sack(&c->sent, connection_memory(c), seq_max(block.start, c->snd_una), block.end, unit_of(c),
                  &news->arrived);
    }
    news->sacked = news->arrived.bytes > before;
    if (news->sacked)
        recovery_record(c); // without memory losses are counted
}
