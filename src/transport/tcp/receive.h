/**
 * Receiving: data in order and out of it, the window we offer, when to acknowledge.
 */
#ifndef TRANSPORT_TCP_RECEIVE_H
#define TRANSPORT_TCP_RECEIVE_H

#include "transport/tcp/connection.h"

/** When reading alone causes an ACK: strata.tcp_window_update. */
enum window_update {
    WINDOW_UPDATE_SEGMENTS, /**< The window opens by two segments, or by half of the buffer. */
    WINDOW_UPDATE_DOUBLE,   /**< No more than half was offered, and that doubles (Linux). */
    WINDOW_UPDATE_QUARTER,  /**< It opens by two segments that are a quarter of the buffer, or by half of it (BSD). */
};

/** The window field for the next segment; notes the edge it offers. `syn`: not scaled (RFC 7323-2). */
uint16_t receive_offer(struct tcp_connection *c, bool syn);
/** Takes the data of a segment that begins at or beyond RCV.NXT and lies within the window, and its FIN.
 * @return false: the connection is gone. */
bool receive_segment(struct tcp_connection *c, struct segment *segment);
/** The first `length` octets of a segment at RCV.NXT, nothing out of order being held: the common case. @return false:
 * no memory for all. */
bool receive_in_order(struct tcp_connection *c, const struct segment *segment, uint32_t length);
/** The program wants a buffer of this size. A window that was offered before is honoured. */
void receive_set_buffer(struct tcp_connection *c, uint32_t bytes);
/** Whether there is as much to read as the program wants, or all that can come for now. */
static inline bool receive_is_worth_reading(const struct tcp_connection *c)
{
    uint32_t least = c->tuning->receive_low, length = c->receive.length;
    uint32_t seen = (c->rcv_adv - c->rcv_nxt) >> c->receive_scale << c->receive_scale; // as the peer knows our window
    return length >= least || (length > 0 && seen <= c->receive_mss);
}
/** The program has taken bytes: says so to the peer when the window opens enough (RFC 9293 MUST-39). */
void receive_taken(struct tcp_connection *c);
/** Gives up what lies out of order. */
void receive_evict(struct tcp_connection *c);
/** Whether the account of what lies out of order is right. */
void receive_verify(const struct tcp_connection *c);
/** Bytes that lie out of order. */
uint32_t receive_out_of_order_bytes(const struct tcp_connection *c);

#endif
