/*
 * The receiving side (RFC 9293 3.8.6, 3.10.7.4 steps seven and eight; RFC 5681 4.2).
 *
 *        read by the program | in order | hole | out of order | room
 *                            ^ ring head  ^ RCV.NXT                 ^ rcv_adv
 *
 * Data beyond RCV.NXT is stored where it belongs in the receive ring, and a set of ranges says what of it is
 * there. The window is what the ring's capacity leaves; its right edge is kept in rcv_adv and never moves
 * left. It is not a reservation: data that finds no page is dropped and not acknowledged. What lies out of
 * order is held within bounds of its own, and new arrivals beyond them are dropped; it is given up, the
 * oldest first, only when data in order finds no page.
 */
#include "transport/tcp/receive.h"
#include "transport/tcp/ack_delay.h"
#include "transport/tcp/autotune.h"
#include "transport/tcp/output.h"
#include "transport/tcp/sack.h"
#include "transport/tcp/state.h"
#include "transport/tcp/time_wait.h"
#include "transport/tcp/timers.h"

static uint32_t at_most(uint32_t bytes, uint32_t most)
{
    return bytes < most ? bytes : most;
}

/** Bytes the peer may send from RCV.NXT on, the right edge moved where it is worth it. */
static uint32_t window(const struct tcp_connection *c)
{
    uint32_t offered = c->rcv_adv - c->rcv_nxt, length = c->receive.length;
    uint32_t allowed = autotune_receive_allowed(c), room = allowed > length ? allowed - length : 0;
    uint32_t most = (uint32_t)UINT16_MAX << c->receive_scale; // that the field can say
    if (room > most)
        room = most;
    if (c->tuning->window_most > 0) {
        allowed = at_most(allowed, c->tuning->window_most); // half of that is worth an ACK, too
        room = at_most(room, c->tuning->window_most);
    }
    if (connection_core(c)->settings.tcp_window_opens_slowly) {
        uint64_t earned = UINT16_MAX + (uint64_t)c->data_segments_received * 2 * c->own_mss;
        room = room < earned ? room : (uint32_t)earned;
    }
    if (room <= offered)
        return offered;
    // RFC 9293 MUST-39: the edge moves by a segment or half of the buffer, or not at all.
    uint32_t half = allowed / 2, least = half < c->own_mss ? half : c->own_mss;
    if (connection_core(c)->settings.tcp_window_small_steps && room >= least)
        return room;
    return room - offered >= least ? room : offered;
}

uint16_t receive_offer(struct tcp_connection *c, bool syn)
{
    uint32_t bytes = window(c), scale = syn ? 0 : c->receive_scale;
    uint32_t most = (uint32_t)UINT16_MAX << scale, field;
    if (bytes > most)
        bytes = most;
    // Rounded up where there is room, so that the edge does not seem to move left by the octets the scale
    // cannot say.
    field = bytes >> scale;
    if (field << scale < bytes && (field + 1) << scale <= ring_room(&c->receive) && field < UINT16_MAX)
        field++;
    c->rcv_adv = seq_max(c->rcv_adv, c->rcv_nxt + (field << scale));
    return (uint16_t)field;
}

void receive_set_buffer(struct tcp_connection *c, uint32_t bytes)
{
    uint32_t promised = c->receive.length + (c->rcv_adv - c->rcv_nxt), unit = 1u << c->receive_scale;
    c->receive_bytes = bytes;
    bytes = (bytes + unit - 1) & ~(unit - 1); // what a scaled window rounds up to
    ring_set_capacity(&c->receive, bytes > promised ? bytes : promised);
}

/** Whether a window that has opened is worth an ACK of its own (RFC 5681 4.2, RFC 9293 3.8.6.2.2). */
static bool worth_telling(const struct tcp_connection *c)
{
    uint32_t offered = c->rcv_adv - c->rcv_nxt, now = window(c), opens = now - offered;
    uint32_t buffer = autotune_receive_allowed(c), two = 2u * c->own_mss;
    if ((int32_t)opens <= 0)
        return false;
    if (c->tuning->window_most > 0)
        buffer = at_most(buffer, c->tuning->window_most);
    switch (connection_core(c)->settings.tcp_window_update) {
    case WINDOW_UPDATE_DOUBLE:
        return offered <= buffer / 2 && now / 2 >= offered;
    case WINDOW_UPDATE_QUARTER:
        return opens >= buffer / 2 ||
               (opens >= two && (opens >= buffer / 4 || now <= buffer / 8 || buffer <= 4 * two));
    default:
        return opens >= at_most(buffer / 2, two);
    }
}

void receive_taken(struct tcp_connection *c)
{
    if (c->receive.capacity > c->receive_bytes)
        receive_set_buffer(c, c->receive_bytes); // a smaller buffer comes as far as promises allow
    if (!connection_may_receive(c))
        return;
    if (worth_telling(c) || ack_read(c))
        ack_now(c);
}

/* ---- Out of order -------------------------------------------------------------------------------------- */

/**
 * The page of the receive ring that x lies in begins here. In the ring RCV.NXT is at head + length; while
 * anything is out of order neither the ring nor this forgets where that was.
 */
static seq_t page_start(const struct tcp_connection *c, seq_t x)
{
    return x - (x - c->rcv_nxt + c->receive.head + c->receive.length) % PAGE_BYTES;
}

/** Of the pages that [start, end) lies in, how many hold anything out of order. */
static uint32_t pages_used(const struct tcp_connection *c, seq_t start, seq_t end)
{
    uint32_t pages = 0;
    for (seq_t page = page_start(c, start); seq_lt(page, end); page += PAGE_BYTES)
        pages += ranges_meet(&c->out_of_order->ranges, page, page + PAGE_BYTES, false);
    return pages;
}

/** Pages that [start, end) lies in. */
static uint32_t pages_spanned(const struct tcp_connection *c, seq_t start, seq_t end)
{
    return (end - page_start(c, start) + PAGE_BYTES - 1) / PAGE_BYTES;
}

/** Brings the account up to date: pages are charged whole, and what is needed to find them is, too. */
static void charge(struct tcp_connection *c)
{
    struct tcp_out_of_order *ahead = c->out_of_order;
    c->tcp->out_of_order_bytes -= ahead->charged;
    ahead->charged = sizeof *ahead + ahead->ranges.room * sizeof *ahead->ranges.list +
                     ring_table_bytes(&c->receive) + (size_t)ahead->pages * PAGE_BYTES;
    c->tcp->out_of_order_bytes += ahead->charged;
}

/**
 * Whether what lies out of order may take so many octets more: no more than the bound of a connection, nor
 * than the part of the budget that is for all of them, of which each leaves as much as it takes. So a
 * thousand that hold an octet each at the far ends of their windows leave some for whoever loses a segment in
 * earnest.
 */
static bool is_within_bounds(const struct tcp_connection *c, size_t bytes)
{
    const struct core *core = connection_core(c);
    uint64_t own = c->out_of_order->charged + bytes, all = c->tcp->out_of_order_bytes + bytes;
    uint64_t most = core->memory.budget_bytes / 100 * (uint64_t)core->settings.tcp_out_of_order_percent;
    return own <= (uint64_t)core->settings.tcp_out_of_order_bytes && all <= most && own <= most - all;
}

/** As above; what has waited for long without any progress is given up for it. */
static bool may_grow(struct tcp_connection *c, size_t bytes)
{
    strata_time patience = connection_core(c)->settings.tcp_out_of_order_stale_ms * STRATA_MILLISECOND;
    while (!is_within_bounds(c, bytes)) {
        struct tcp_out_of_order *oldest =
            CONTAINER_OF(list_first(&c->tcp->out_of_order), struct tcp_out_of_order, node);
        if (oldest->connection == c || connection_now(c) - oldest->since < patience)
            return false;
        receive_evict(oldest->connection);
    }
    return true;
}

static void forget_out_of_order(struct tcp_connection *c)
{
    struct tcp_out_of_order *ahead = c->out_of_order;
    if (!ahead)
        return;
    c->tcp->out_of_order_bytes -= ahead->charged;
    ranges_clear(&ahead->ranges, connection_memory(c));
    list_remove(&ahead->node);
    memory_release(connection_memory(c), ahead, sizeof *ahead);
    c->out_of_order = NULL;
    c->flags &= ~(uint32_t)FLAG_FIN_AHEAD;
}

void receive_evict(struct tcp_connection *c)
{
    if (!c->out_of_order)
        return;
    connection_core(c)->counters.value[COUNTER_tcp_evicted] += receive_out_of_order_bytes(c);
    forget_out_of_order(c);
    ring_cut(&c->receive, connection_memory(c), c->receive.length);
    ring_trim(&c->receive, connection_memory(c));
}

uint32_t receive_out_of_order_bytes(const struct tcp_connection *c)
{
    uint32_t bytes = 0;
    if (c->out_of_order)
        for (uint32_t i = 0; i < c->out_of_order->ranges.count; i++)
            bytes += c->out_of_order->ranges.list[i].end - c->out_of_order->ranges.list[i].start;
    return bytes;
}

/** Its wait begins now. */
static void wait_anew(struct tcp_out_of_order *ahead)
{
    ahead->since = connection_now(ahead->connection);
    list_remove(&ahead->node);
    list_push_back(&ahead->connection->tcp->out_of_order, &ahead->node);
}

static struct tcp_out_of_order *want_out_of_order(struct tcp_connection *c)
{
    if (c->out_of_order)
        return c->out_of_order;
    struct tcp_out_of_order *ahead = memory_allocate(connection_memory(c), sizeof *ahead);
    if (!ahead)
        return NULL;
    ahead->connection = c;
    list_init(&ahead->node);
    wait_anew(ahead);
    c->out_of_order = ahead;
    charge(c);
    return ahead;
}

/** Tells of what of [start, end) is there already: the first part of it, as a segment rarely covers two. */
static void tell_duplicate(struct tcp_connection *c, seq_t start, seq_t end)
{
    const struct range *range = ranges_from(&c->out_of_order->ranges, start);
    if (range && seq_lt(range->start, end))
        sack_duplicate(c, seq_max(start, range->start), seq_min(end, range->end));
}

/** Puts [seq, seq + length) where it belongs, all of it or nothing. @return false: it finds no place. */
static bool keep(struct tcp_connection *c, const struct segment *segment)
{
    struct core *core = connection_core(c);
    struct tcp_out_of_order *ahead = c->out_of_order;
    struct ranges *ranges = &ahead->ranges;
    seq_t start = segment->seq, end = start + segment->length;
    if (segment->length == 0)
        return true;
    bool apart = !ranges_meet(ranges, start, end, true), thrown = c->flags & FLAG_READ_SHUT;
    uint32_t fresh = thrown ? 0 : pages_spanned(c, start, end) - pages_used(c, start, end);
    size_t more = (size_t)fresh * PAGE_BYTES;
    if (apart && ranges->head + ranges->count == ranges->room)
        more += (ranges->room ? ranges->room : 4) * sizeof *ranges->list;
    if (more > 0 && !may_grow(c, more)) {
        core_count(core, COUNTER_tcp_drop_out_of_order);
        return false;
    }
    // What joins others takes no room in the set; what stands alone can be taken back out of it.
    uint32_t limit = (uint32_t)core->settings.tcp_out_of_order_ranges,
             offset = c->receive.length + (start - c->rcv_nxt);
    bool kept = (!apart || ranges_add(ranges, &core->memory, start, end, limit) == 0);
    if (kept && !thrown && !ring_store(&c->receive, &core->memory, offset, segment->data, segment->length)) {
        if (apart)
            ranges_remove(ranges, &core->memory, start, end);
        kept = false;
    }
    if (kept) {
        if (!apart)
            ranges_add(ranges, &core->memory, start, end, limit);
        ahead->pages += fresh;
    } else {
        core_count(core, COUNTER_tcp_drop_memory);
    }
    charge(c);
    return kept;
}

void receive_verify(const struct tcp_connection *c)
{
    const struct tcp_out_of_order *ahead = c->out_of_order;
    const struct ranges *ranges = &ahead->ranges;
    uint32_t pages = 0;
    for (uint32_t i = 0; i < ranges->count && !(c->flags & FLAG_READ_SHUT); i++) {
        seq_t first = page_start(c, ranges->list[i].start);
        bool shared = i > 0 && seq_lt(first, ranges->list[i - 1].end);
        pages += pages_spanned(c, ranges->list[i].start, ranges->list[i].end) - (shared ? 1 : 0);
    }
    ASSERT(ahead->pages == pages);
    ASSERT(ahead->charged >= (size_t)pages * PAGE_BYTES && ahead->charged <= c->tcp->out_of_order_bytes);
}

/** Keeps a segment that came ahead of its turn (RFC 9293 SHLD-31). What is known to be here already, and was
 * told of in SACK, does not make room for it: it would have to come again, and the peer may count on it. */
static void store_ahead(struct tcp_connection *c, const struct segment *segment)
{
    struct core *core = connection_core(c);
    core_count(core, COUNTER_tcp_out_of_order);
    struct tcp_oddities *odd = connection_odd(c);
    if (odd)
        odd->out_of_order++;
    ack_heard(c);
    output_owe_ack(c); // RFC 5681-13, RFC 9293 MAY-13
    // Short of memory, what is out of order is not worth a page: the peer sends it again.
    struct tcp_out_of_order *ahead = tcp_memory_is_short(core) ? NULL : want_out_of_order(c);
    if (!ahead) {
        core_count(core, COUNTER_tcp_drop_memory);
        return;
    }
    tell_duplicate(c, segment->seq, segment->seq + segment->length);
    if (!keep(c, segment)) {
        if (ahead->ranges.count == 0 && !(c->flags & FLAG_FIN_AHEAD))
            receive_evict(c);
        return;
    }
    if (segment->length > 0)
        sack_kept(c, segment->seq);
    if (segment->flags & TCP_FIN) {
        c->flags |= FLAG_FIN_AHEAD;
        ahead->fin = segment->seq + segment->length;
    }
}

/** RCV.NXT has reached data that came before: takes it over. */
static void join_ahead(struct tcp_connection *c)
{
    struct tcp_out_of_order *ahead = c->out_of_order;
    struct memory *memory = connection_memory(c);
    const struct range *range = ranges_find(&ahead->ranges, c->rcv_nxt);
    if (range) {
        uint32_t bytes = range->end - c->rcv_nxt;
        if (!(c->flags & FLAG_READ_SHUT))
            ring_extend(&c->receive, bytes); // behind what has just come, so that this connection is counted
        c->rcv_nxt += bytes;
        c->bytes_received += bytes;
    }
    // Whatever lies before RCV.NXT now is at the beginning of the set, so that nothing is split and this
    // cannot fail. Pages of it alone are not out of order any more.
    bool passed = ahead->ranges.count > 0 && seq_lt(ahead->ranges.list[0].start, c->rcv_nxt) &&
                  !(c->flags & FLAG_READ_SHUT);
    seq_t first = passed ? ahead->ranges.list[0].start : c->rcv_nxt;
    uint32_t before = passed ? pages_used(c, first, c->rcv_nxt) : 0;
    while (ahead->ranges.count > 0 && seq_lt(ahead->ranges.list[0].start, c->rcv_nxt))
        ranges_remove(&ahead->ranges, memory, ahead->ranges.list[0].start,
                      seq_min(ahead->ranges.list[0].end, c->rcv_nxt));
    if (passed) {
        wait_anew(ahead);
        ahead->pages -= before - pages_used(c, first, c->rcv_nxt);
        charge(c);
    }
    bool fin = c->flags & FLAG_FIN_AHEAD, fin_next = fin && ahead->fin == c->rcv_nxt;
    if (fin_next || (ahead->ranges.count == 0 && !(fin && seq_gt(ahead->fin, c->rcv_nxt)))) {
        forget_out_of_order(c);
        ring_cut(&c->receive, memory, c->receive.length);
    }
    if (fin_next)
        c->flags |= FLAG_FIN_AHEAD; // for receive_segment, which acts on it
}

/* ---- In order ------------------------------------------------------------------------------------------ */

/** As far as memory is there for it. */
static uint32_t append_some(struct tcp_connection *c, const uint8_t *data, uint32_t length)
{
    struct core *core = connection_core(c);
    size_t most = tcp_memory_for(core, &c->receive, true);
    uint32_t before = c->receive.length;
    size_t taken = ring_append(&c->receive, &core->memory, data, length < most ? length : most);
    autotune_count_received(c, before);
    return (uint32_t)taken;
}

/** Appends to the ring; makes room by giving up what is out of order, of whoever has waited longest for what
 * is missing. @return octets taken. */
static uint32_t append(struct tcp_connection *c, const uint8_t *data, uint32_t length)
{
    struct core *core = connection_core(c);
    uint32_t taken = append_some(c, data, length);
    while (taken < length && ring_room(&c->receive) > 0) {
        struct list *oldest = list_first(&c->tcp->out_of_order);
        if (!oldest)
            break;
        receive_evict(CONTAINER_OF(oldest, struct tcp_out_of_order, node)->connection);
        taken += append_some(c, data + taken, length - taken);
    }
    if (taken < length)
        core_count(core, COUNTER_tcp_drop_memory);
    return taken;
}

bool receive_in_order(struct tcp_connection *c, const struct segment *segment, uint32_t length)
{
    uint32_t taken = c->flags & FLAG_READ_SHUT ? length : append(c, segment->data, length);
    c->rcv_nxt += taken;
    c->bytes_received += taken;
    c->acks_owed = 0; // they would tell of an RCV.NXT that is gone; one ACK of the new one tells it all
    if (taken < length)
        ack_now(c);
    else
        ack_arrived(c, segment, length);
    if (taken > 0 && !(c->flags & FLAG_READ_SHUT) && receive_is_worth_reading(c))
        connection_event(c, STRATA_READABLE);
    return taken == length;
}

/** The peer's FIN is next (RFC 9293 3.10.7.4, eighth step). @return false: the connection is gone. */
static bool receive_fin(struct tcp_connection *c)
{
    receive_evict(c); // nothing comes after a FIN
    c->rcv_nxt++;
    c->flags = (c->flags | FLAG_FIN_RECEIVED) & ~(uint32_t)FLAG_FIN_AHEAD;
    c->acks_owed = 0;
    ack_now(c);
    uint32_t ready = STRATA_READABLE | STRATA_PEER_CLOSED;
    switch (c->state) {
    case STRATA_TCP_ESTABLISHED:
        state_change(c, STRATA_TCP_CLOSE_WAIT);
        break;
    case STRATA_TCP_FIN_WAIT_1:
        state_change(c, STRATA_TCP_CLOSING); // RFC 9293-9: our FIN is not acknowledged yet
        ready |= STRATA_HANGUP;
        break;
    default:
        connection_event(c, ready | STRATA_HANGUP);
        time_wait_enter(c);
        return false;
    }
    connection_event(c, ready);
    return true;
}

bool receive_segment(struct tcp_connection *c, struct segment *segment)
{
    bool fin = segment->flags & TCP_FIN;
    if (segment->length == 0 && !fin)
        return true;
    if (segment->seq != c->rcv_nxt) {
        store_ahead(c, segment);
        return true;
    }
    bool whole = segment->length == 0 || receive_in_order(c, segment, segment->length);
    if (c->out_of_order) {
        ack_now(c); // RFC 5681-13: a gap was filled, wholly or in part
        join_ahead(c);
        if (!c->out_of_order)
            ack_filled(c);
        if (c->tuning->receive_low > 1 && !(c->flags & FLAG_READ_SHUT) && receive_is_worth_reading(c))
            connection_event(c, STRATA_READABLE);
    }
    if (!whole)
        return true; // the rest, and the FIN behind it, come again
    if (fin || (c->flags & FLAG_FIN_AHEAD && !c->out_of_order))
        return receive_fin(c);
    return true;
}
