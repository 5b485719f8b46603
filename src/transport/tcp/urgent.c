/*
 * Urgent data on its way to the program (RFC 9293 3.8.5, RFC 6093).
 *
 *     read by the program | in order, not read      | to come
 *                         ^ next      ^ mark        ^ RCV.NXT
 *                         a b c d e f g h i
 *                                     | rcv_up - 1: the last urgent octet
 *
 * It stays in the stream, and a program that asks learns how far it reaches (RFC 6093 3.1). Programs of old
 * expect it apart: the last octet, and only that, is taken out of the stream and read by a call of its own,
 * while a plain read ends before it and the next one goes on behind it. That is done where a program says so
 * (STRATA_OPTION_URGENT_INLINE 0), and the octet is not moved for it: it stays in the ring, and reading steps
 * over it. There is one mark, the latest; what was urgent before and was not read is data like any other.
 */
#include "transport/tcp/urgent.h"
#include "transport/tcp/autotune.h"

#include <errno.h>

/** How far the last urgent octet is from the next one to be read, with FLAG_URGENT_RECEIVED. */
static uint32_t mark_offset(const struct tcp_connection *c)
{
    return c->rcv_up - 1 - urgent_next(c);
}

/** Whether the last urgent octet has come: in order or ahead of its turn. */
static bool is_there(const struct tcp_connection *c)
{
    if (c->flags & FLAG_READ_SHUT)
        return false;
    return mark_offset(c) < c->receive.length ||
           (c->out_of_order && ranges_find(&c->out_of_order->ranges, c->rcv_up - 1));
}

/** Another mark takes the place of one that reading has stopped at: its octet was not part of the stream. */
static void step_over(struct tcp_connection *c)
{
    uint32_t before = c->receive.length;
    if (!(c->flags & FLAG_URGENT_RECEIVED) || !c->tuning->urgent_apart || mark_offset(c) != 0 || before == 0)
        return;
    ring_consume(&c->receive, connection_memory(c), 1);
    autotune_count_received(c, before);
}

void urgent_arrives(struct tcp_connection *c, const struct segment *segment)
{
    if (!(segment->header.flags & TCP_URG) || !connection_may_receive(c))
        return;
    // The pointer is the octet after urgent data (RFC 9293 MUST-62).
    seq_t up = segment->header.seq + segment->header.urgent;
    bool news = !seq_le(up, urgent_next(c)) && !(c->flags & FLAG_URGENT_RECEIVED && seq_le(up, c->rcv_up));
    if (news) {
        step_over(c);
        c->rcv_up = up;
        c->flags = (c->flags | FLAG_URGENT_RECEIVED) & ~(uint32_t)FLAG_URGENT_TAKEN;
    }
    // RFC 9293 MUST-32: told when it first pends and whenever it advances; and when what can be read apart
    // has come.
    bool brings = c->flags & FLAG_URGENT_RECEIVED && c->tuning->urgent_apart &&
                  seq_within(c->rcv_up - 1, segment->seq, segment->length);
    if (news || brings)
        connection_event(c, STRATA_URGENT);
}

bool urgent_pends(const struct tcp_connection *c)
{
    if (!(c->flags & FLAG_URGENT_RECEIVED))
        return false;
    return c->tuning->urgent_apart ? !(c->flags & FLAG_URGENT_TAKEN) && is_there(c) : true;
}

uint32_t urgent_stop(const struct tcp_connection *c, uint32_t *skip)
{
    uint32_t length = c->receive.length, mark = mark_offset(c);
    if (!c->tuning->urgent_apart || length == 0)
        return length;
    if (mark > 0)
        return mark < length ? mark : length;
    *skip = 1;
    return length - 1;
}

int64_t tcp_urgent_mark(const struct tcp_connection *c)
{
    return c->flags & FLAG_URGENT_RECEIVED ? (int64_t)mark_offset(c) + 1 : 0;
}

int64_t tcp_read_urgent(struct tcp_connection *c, uint8_t *octet, bool peek)
{
    if (!c->tuning->urgent_apart || !(c->flags & FLAG_URGENT_RECEIVED) || c->flags & FLAG_URGENT_TAKEN)
        return -EINVAL;
    if (is_there(c)) {
        ring_copy(&c->receive, mark_offset(c), octet, 1);
        if (!peek)
            c->flags |= FLAG_URGENT_TAKEN;
        return 1;
    }
    if (c->error)
        return -c->error;
    bool over = c->flags & (FLAG_FIN_RECEIVED | FLAG_READ_SHUT) || c->state == STRATA_TCP_CLOSED;
    return over ? 0 : -EAGAIN;
}
