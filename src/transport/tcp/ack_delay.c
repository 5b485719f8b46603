/*
 * Delayed acknowledgement (RFC 9293 3.8.6.3, RFC 5681 4.2).
 *
 * The first segments, and those after a pause or a hole, are acknowledged one by one, since the peer's window is small
 * then and each ACK opens it, and of an odd number of segments the last would wait for its time. Later an ACK waits for
 * a second segment, for data of ours that carries it, or for its time. Where data and answers alternate
 * (MODE_INTERACTIVE) it may always wait. How long it waits can adapt itself, within what the settings allow: twice as
 * long where the wait was in vain, about as long as segments are apart where it was not.
 */
#include "transport/tcp/ack_delay.h"
#include "transport/tcp/timers.h"

static uint32_t clock_ms(const struct tcp_connection *c)
{
    return connection_core(c)->now_ms;
}

void ack_begin(struct tcp_connection *c)
{
    c->data_received_ms = clock_ms(c);
    if (c->last_sent < connection_now(c) && connection_flight(c) == 0)
        c->last_sent = connection_now(c);
}

static uint8_t bounded(const struct tcp_connection *c, uint32_t ms)
{
    uint32_t most = (uint32_t)connection_core(c)->settings.tcp_delayed_ack_most_ms;
    return (uint8_t)(ms < most ? ms : most);
}

void ack_quickly(struct tcp_connection *c, uint32_t segments)
{
    c->modes &= (uint16_t)~MODE_INTERACTIVE;
    if (c->quick_acks < segments)
        c->quick_acks = segments & UINT8_MAX;
}

void ack_filled(struct tcp_connection *c)
{
    uint32_t segments = (uint32_t)connection_core(c)->settings.tcp_hole_acks;
    // Short of memory an ACK that waits until the program has read tells of more room.
    if (c->quick_acks < segments && !tcp_memory_is_short(connection_core(c)))
        c->quick_acks = segments & UINT8_MAX;
}

void ack_choose(struct tcp_connection *c, bool quickly)
{
    if (!quickly) {
        c->modes = (uint16_t)((c->modes | MODE_INTERACTIVE) & ~MODE_QUICK_ACK);
        return;
    }
    c->modes = (uint16_t)((c->modes | MODE_QUICK_ACK) & ~MODE_INTERACTIVE);
    if (c->ack_at != STRATA_NEVER)
        ack_now(c);
}

/** The peer begins, or begins anew: as many quick ACKs as it may send segments in half a window. */
static void begin_quickly(struct tcp_connection *c)
{
    uint32_t most = (uint32_t)connection_core(c)->settings.tcp_quick_acks;
    uint32_t fit = (c->rcv_adv - c->rcv_nxt) / (2u * c->receive_mss);
    // Short of memory there is nothing to hurry for: an ACK that waits until the program has read tells of more room.
    if (tcp_memory_is_short(connection_core(c)))
        return;
    if (fit < 2)
        fit = 2;
    if (fit > most)
        fit = most;
    if (c->quick_acks < fit)
        c->quick_acks = fit & UINT8_MAX;
}

void ack_opened(struct tcp_connection *c)
{
    c->modes |= MODE_INTERACTIVE;
}

void ack_heard(struct tcp_connection *c)
{
    uint32_t least = (uint32_t)connection_core(c)->settings.tcp_delayed_ack_ms, now_ms = clock_ms(c);
    uint32_t apart_ms = now_ms - c->data_received_ms, delay_ms = c->ack_delay_ms;
    bool first = c->data_segments_received <= 1;
    c->data_received_ms = now_ms;
    if (!first && apart_ms <= least / 2 && delay_ms <= least)
        return; // a flow of segments, nothing learned before
    if (first)
        delay_ms = least;
    else if (apart_ms <= least / 2)
        delay_ms = delay_ms / 2 + least / 2;
    else if (apart_ms < delay_ms)
        delay_ms = delay_ms / 2 + apart_ms;
    c->ack_delay_ms = bounded(c, delay_ms);
    if (first || apart_ms * STRATA_MILLISECOND > timers_rto(c))
        begin_quickly(c);
}

void ack_waited(struct tcp_connection *c)
{
    uint32_t least = (uint32_t)connection_core(c)->settings.tcp_delayed_ack_ms;
    c->ack_at = STRATA_NEVER;
    c->ack_delay_ms = bounded(c, c->modes & MODE_INTERACTIVE ? least : 2u * c->ack_delay_ms);
    c->modes &= (uint16_t)~MODE_INTERACTIVE;
}

void ack_answered(struct tcp_connection *c)
{
    if (c->data_segments_received > 0 && !(c->modes & (MODE_INTERACTIVE | MODE_QUICK_ACK)) &&
        clock_ms(c) - c->data_received_ms < (uint32_t)connection_core(c)->settings.tcp_delayed_ack_ms)
        c->modes |= MODE_INTERACTIVE;
}

bool ack_read(const struct tcp_connection *c)
{
    // The program has all there is, and the peer may wait for this ACK with the rest of what it writes.
    return c->ack_at != STRATA_NEVER && c->receive.length == 0 && c->modes & MODE_SMALL_HEARD &&
           !(c->modes & MODE_INTERACTIVE) && connection_core(c)->settings.tcp_quick_acks > 0;
}

/** How long an ACK waits. */
static strata_time delay(const struct tcp_connection *c)
{
    strata_time least = connection_core(c)->settings.tcp_delayed_ack_ms * STRATA_MILLISECOND;
    strata_time learned = c->ack_delay_ms * STRATA_MILLISECOND;
    if (learned <= least)
        return least;
    // Not longer than a round trip takes, where that is known.
    strata_time most = c->flags & FLAG_RTT_SAMPLED ? c->srtt_ns : learned;
    return learned < most ? learned : most > least ? most : least;
}

/** More than our MSS was put together on the way; a driver may know from segments of which size. */
static void learn_mss(struct tcp_connection *c, const struct segment *segment, uint32_t length)
{
    uint32_t merged = segment->packet->meta->segment_size_bytes;
    if (merged > 0 && merged < length)
        length = merged > c->receive_mss ? merged : c->receive_mss;
    c->receive_mss = length < c->own_mss ? (uint16_t)length : c->own_mss;
}

void ack_arrived(struct tcp_connection *c, const struct segment *segment, uint32_t length)
{
    ack_heard(c);
    if (length < c->receive_mss)
        c->modes |= MODE_SMALL_HEARD;
    else if (length > c->receive_mss)
        learn_mss(c, segment, length);
    bool quickly = c->modes & MODE_QUICK_ACK || (c->quick_acks > 0 && !(c->modes & MODE_INTERACTIVE));
    if (c->ack_at != STRATA_NEVER && connection_core(c)->settings.tcp_ack_second)
        quickly = true;
    if (quickly || c->rcv_nxt - c->last_ack_sent >= 2u * c->receive_mss ||
        connection_core(c)->settings.tcp_delayed_ack_ms == 0) {
        ack_now(c);
    } else if (c->ack_at == STRATA_NEVER) {
        c->ack_at = connection_now(c) + delay(c); // RFC 9293 SHLD-18, SHLD-19, MUST-40
        timers_update(c);
    }
}
