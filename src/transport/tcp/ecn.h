/**
 * Explicit congestion notification (RFC 3168): a router that begins to be congested marks a segment instead of dropping
 * it, the receiver echoes the mark, the sender answers as it would answer a loss.
 */
#ifndef TRANSPORT_TCP_ECN_H
#define TRANSPORT_TCP_ECN_H

#include "transport/tcp/connection.h"

/** Our SYN will ask for it, if the host wants it. */
void ecn_offer(struct tcp_connection *c);
/** Whether a SYN asks for it and the host's setting says yes. */
bool ecn_accepts(const struct settings *settings, const struct segment *segment);
/** The peer's SYN or SYN-ACK has come: it is agreed on, or not. */
void ecn_answered(struct tcp_connection *c, const struct segment *segment);
/** The SYN got no answer, or an RST: the next one does not ask (RFC 3168 6.1.1.1). @return whether this one had. */
bool ecn_fall_back(struct tcp_connection *c);
/** A segment that MODE_ECN is about is being sent: adds the flags. `fresh`: it carries new data and nothing else.
 * @return what belongs into the ECN field of the IP header. */
uint8_t ecn_mark(struct tcp_connection *c, struct tcp_header *header, bool fresh);
/** Whether a segment with data says anything about ECN that was not known. */
static inline bool ecn_is_news(const struct tcp_connection *c, const struct segment *segment)
{
    uint8_t field = segment->packet->tos & ECN_CE;
    return field == ECN_CE || (field != 0 && !(c->modes & MODE_ECN_SEEN));
}
/** Data within the window has come over a connection with MODE_ECN. */
void ecn_received(struct tcp_connection *c, const struct segment *segment);
/** Of a connection with MODE_ECN an acceptable ACK carries ECE; it is processed afterwards. */
void ecn_echoed(struct tcp_connection *c);

#endif
