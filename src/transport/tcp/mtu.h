/**
 * Packetization layer path MTU discovery: what fits the path is found by sending it (RFC 4821).
 */
#ifndef TRANSPORT_TCP_MTU_H
#define TRANSPORT_TCP_MTU_H

#include "transport/tcp/connection.h"

/** What a search knows; exists only while there is one. Sizes are those of IP datagrams. */
struct tcp_mtu {
    uint32_t low;         /**< The largest known to fit, or what must be believed to. */
    uint32_t high;        /**< The largest not known not to fit. */
    uint32_t probe;       /**< The size being tried; 0: none. */
    seq_t probe_start, probe_end;
    strata_time again_at; /**< low and high have met: not before then is more tried. */
    bool met;
};

/** Data transfer begins: where a setting says so, the search does, too. */
void mtu_begin(struct tcp_connection *c);
void mtu_free(struct tcp_connection *c);
/** What may be sent on a path of which the network room says `path_bytes`: with a search no more than has arrived. */
uint32_t mtu_bound(struct tcp_connection *c, uint32_t path_bytes);

enum mtu_plan { MTU_NONE, MTU_PROBE, MTU_WAIT };
/** Whether the next new data is to be a probe, of *length octets, or must wait so that there is room for one. */
enum mtu_plan mtu_plan(struct tcp_connection *c, uint32_t unsent, uint32_t window, uint32_t *length);
/** Octets were sent, for the first time or again. */
void mtu_sent(struct tcp_connection *c, seq_t seq, uint32_t length, bool again);
/** SND.UNA has advanced. */
void mtu_acked(struct tcp_connection *c);
/**
 * Loss detection has found the first octet that is not acknowledged to be lost, and before congestion control hears of
 * it asks whether that is the probe's. @return true: it is, [*start, *end) is to be sent again in smaller pieces and
 * nothing else follows from it.
 */
bool mtu_lost(struct tcp_connection *c, seq_t *start, seq_t *end);
/** The retransmission timer fired, c->retries times in a row by now. */
void mtu_timeout(struct tcp_connection *c);

#endif
