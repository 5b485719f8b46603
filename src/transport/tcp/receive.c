/*
 * The receiving side (RFC 9293 3.8.6, 3.10.7.4 steps seven and eight; RFC 5681 4.2).
 *
 *        read by the program | in order | hole | out of order | room
 *                            ^ ring head  ^ RCV.NXT                 ^ rcv_adv
 *
 * Data beyond RCV.NXT is stored where it belongs in the receive ring, and a set of ranges says what of it is
 * there. The window is what the ring's capacity leaves; its right edge is kept in rcv_adv and never moves
 * left. It is not a reservation: data that finds no page is dropped and not acknowledged, data out of order
 * being given up first, our own and then that of others.
 */
#include "transport/tcp/receive.h"
#include "transport/tcp/ack_delay.h"
#include "transport/tcp/autotune.h"
#include "transport/tcp/output.h"
#include "transport/tcp/sack.h"
#include "transport/tcp/state.h"
#include "transport/tcp/time_wait.h"
#include "transport/tcp/timers.h"

/** Bytes the peer may send from RCV.NXT on, the right edge moved where it is worth it. */
static uint32_t window(const struct tcp_connection *c)
{
    uint32_t offered = c->rcv_adv - c->rcv_nxt, length = c->receive.length;
    uint32_t allowed = autotune_receive_allowed(c), room = allowed > length ? allowed - length : 0;
    uint32_t most = (uint32_t)UINT16_MAX << c->receive_scale; // that the field can say
    if (room > most)
        room = most;
    if (c->tuning->window_most > 0 && room > c->tuning->window_most)
        room = c->tuning->window_most;
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
    uint32_t buffer = autotune_receive_allowed(c), two = 2u * c->own_mss, least = buffer / 2 < two ? buffer / 2 : two;
    if ((int32_t)opens <= 0)
        return false;
    switch (connection_core(c)->settings.tcp_window_update) {
    case WINDOW_UPDATE_DOUBLE:
        return offered <= buffer / 2 && now / 2 >= offered;
    case WINDOW_UPDATE_QUARTER:
        return opens >= buffer / 2 ||
               (opens >= two && (opens >= buffer / 4 || now <= buffer / 8 || buffer <= 4 * two));
    default:
        return opens >= least;
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

static void forget_out_of_order(struct tcp_connection *c)
{
    struct tcp_out_of_order *ahead = c->out_of_order;
    if (!ahead)
        return;
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
}

uint32_t receive_out_of_order_bytes(const struct tcp_connection *c)
{
    uint32_t bytes = 0;
    if (c->out_of_order)
        for (uint32_t i = 0; i < c->out_of_order->ranges.count; i++)
            bytes += c->out_of_order->ranges.list[i].end - c->out_of_order->ranges.list[i].start;
    return bytes;
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
    list_push_back(&c->tcp->out_of_order, &ahead->node);
    c->out_of_order = ahead;
    return ahead;
}

/** Tells of what of [start, end) is there already: the first part of it, as a segment rarely covers two. */
static void tell_duplicate(struct tcp_connection *c, seq_t start, seq_t end)
{
    const struct ranges *ranges = &c->out_of_order->ranges;
    for (uint32_t i = 0; i < ranges->count && seq_lt(ranges->list[i].start, end); i++) {
        if (seq_le(ranges->list[i].end, start))
            continue;
        sack_duplicate(c, seq_max(start, ranges->list[i].start), seq_min(end, ranges->list[i].end));
        return;
    }
}

/** Keeps a segment that came ahead of its turn (RFC 9293 SHLD-31). */
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
    struct tcp_out_of_order *ahead = tcp_memory_is_short(connection_core(c)) ? NULL : want_out_of_order(c);
    uint32_t offset = c->receive.length + (segment->seq - c->rcv_nxt);
    seq_t end = segment->seq + segment->length;
    if (ahead)
        tell_duplicate(c, segment->seq, end);
    bool kept = ahead && (segment->length == 0 || c->flags & FLAG_READ_SHUT ||
                          ring_store(&c->receive, &core->memory, offset, segment->data, segment->length));
    if (!kept || ranges_add(&ahead->ranges, &core->memory, segment->seq, end,
                            (uint32_t)core->settings.tcp_out_of_order_ranges) < 0) {
        core_count(core, COUNTER_tcp_drop_memory);
        if (ahead && ahead->ranges.count == 0 && !(c->flags & FLAG_FIN_AHEAD))
            receive_evict(c);
        return;
    }
    if (segment->length > 0)
        sack_kept(c, segment->seq);
    if (segment->flags & TCP_FIN) {
        c->flags |= FLAG_FIN_AHEAD;
        ahead->fin = end;
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
    // cannot fail.
    while (ahead->ranges.count > 0 && seq_lt(ahead->ranges.list[0].start, c->rcv_nxt))
        ranges_remove(&ahead->ranges, memory, ahead->ranges.list[0].start,
                      seq_min(ahead->ranges.list[0].end, c->rcv_nxt));
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

/** Appends to the ring; makes room by giving up what others, or we, hold out of order. @return octets taken.
 * */
static uint32_t append(struct tcp_connection *c, const uint8_t *data, uint32_t length)
{
    struct core *core = connection_core(c);
    uint32_t taken = append_some(c, data, length);
    while (taken < length && ring_room(&c->receive) > 0) {
        struct tcp_out_of_order *victim = c->out_of_order;
        if (!victim) {
            struct list *oldest = list_first(&c->tcp->out_of_order);
            if (!oldest)
                break;
            victim = CONTAINER_OF(oldest, struct tcp_out_of_order, node);
        }
        receive_evict(victim->connection);
        taken += append_some(c, data + taken, length - taken);
    }
    if (taken < length)
        core_count(core, COUNTER_tcp_drop_memory);
    return taken;
}

bool receive_in_order(struct tcp_connection *c, const uint8_t *data, uint32_t length)
{
    uint32_t taken = c->flags & FLAG_READ_SHUT ? length : append(c, data, length);
    c->rcv_nxt += taken;
    c->bytes_received += taken;
    c->acks_owed = 0; // they would tell of an RCV.NXT that is gone; one ACK of the new one tells it all
    if (taken < length)
        ack_now(c);
    else
        ack_arrived(c, length);
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
    bool whole = segment->length == 0 || receive_in_order(c, segment->data, segment->length);
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
