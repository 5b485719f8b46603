/*
 * Explicit congestion notification (RFC 3168 6.1).
 *
 *     SYN  ECE+CWR -->                 "I can", and only with the host's consent (net.ipv4.tcp_ecn)
 *             <-- ECE  SYN-ACK         "so can I"; both have MODE_ECN now
 *     data, IP header: ECT(0) -->      what a router may mark: CE
 *             <-- ACK with ECE         on every ACK from a CE on (MODE_ECN_ECHO) ...
 *     data with CWR -->                ... until the sender says that it has slowed down (MODE_ECN_REDUCED)
 *
 * ECT stands on new data only: not on SYNs, ACKs, retransmissions and window probes, whose loss nobody would notice, or
 * which a forger may have called forth (RFC 3168-2).
 */
#include "transport/tcp/ecn.h"
#include "transport/tcp/ack_delay.h"
#include "transport/tcp/recovery.h"
#include "transport/tcp/timers.h"

#define ECN_SETUP (TCP_ECE | TCP_CWR)

void ecn_offer(struct tcp_connection *c)
{
    if (connection_core(c)->settings.tcp_ecn == 1)
        c->modes |= MODE_ECN;
}

bool ecn_accepts(const struct settings *settings, const struct segment *segment)
{
    // RFC 3168-1, RFC 3168-2: both flags, in a datagram that is not itself ECN-capable.
    return settings->tcp_ecn != 0 && (segment->header.flags & ECN_SETUP) == ECN_SETUP &&
           (segment->packet->tos & ECN_CE) == 0;
}

void ecn_answered(struct tcp_connection *c, const struct segment *segment)
{
    // RFC 3168-1: a SYN-ACK says ECE alone, since hosts are known that send back whatever flags they get. SYNs that
    // cross each other both ask.
    uint16_t wanted = segment->header.flags & TCP_ACK ? TCP_ECE : ECN_SETUP;
    if ((segment->header.flags & ECN_SETUP) != wanted)
        c->modes &= (uint16_t)~MODE_ECN;
}

bool ecn_fall_back(struct tcp_connection *c)
{
    if (!(c->modes & MODE_ECN) || !connection_core(c)->settings.tcp_ecn_fallback)
        return false;
    core_count(connection_core(c), COUNTER_tcp_ecn_fallbacks);
    c->modes &= (uint16_t)~MODE_ECN; // RFC 3168-8
    return true;
}

uint8_t ecn_mark(struct tcp_connection *c, struct tcp_header *header, bool fresh)
{
    if (header->flags & TCP_SYN) {
        header->flags |= header->flags & TCP_ACK ? TCP_ECE : ECN_SETUP; // RFC 3168-1
        return 0;
    }
    if (c->modes & MODE_ECN_ECHO)
        header->flags |= TCP_ECE; // RFC 3168-3
    if (!fresh)
        return 0; // RFC 3168-2
    if (c->modes & MODE_ECN_REDUCED) {
        header->flags |= TCP_CWR; // RFC 3168-5
        c->modes &= (uint16_t)~MODE_ECN_REDUCED;
    }
    return ECN_ECT_0;
}

void ecn_received(struct tcp_connection *c, const struct segment *segment)
{
    uint8_t field = segment->packet->tos & ECN_CE;
    if (field != 0)
        c->modes |= MODE_ECN_SEEN;
    // RFC 3168-3: CWR ends the echo of what was marked before it; a mark on this very segment begins the next.
    if (segment->header.flags & TCP_CWR && c->modes & MODE_ECN_ECHO) {
        c->modes &= (uint16_t)~MODE_ECN_ECHO;
        ack_quickly(c, 1); // its window may be a single segment now
    }
    if (field == ECN_CE) {
        if (!(c->modes & MODE_ECN_ECHO))
            ack_quickly(c, 2);
        c->modes |= MODE_ECN_ECHO;
        core_count(connection_core(c), COUNTER_tcp_ecn_marks);
    }
}

void ecn_echoed(struct tcp_connection *c)
{
    core_count(connection_core(c), COUNTER_tcp_ecn_echoes);
    // RFC 3168-6: less than one segment cannot be in flight, so that the next one waits for the retransmission timer.
    if (c->cwnd <= c->smss)
        c->modes |= MODE_ECN_WAIT;
    recovery_ecn(c); // RFC 3168-4; congestion_event asks for CWR
}
