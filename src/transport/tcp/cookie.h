/**
 * SYN cookies (RFC 4987 3.6): when half-open connections are too many to remember, the SYN-ACK's sequence number
 * remembers for us, and its timestamp the options.
 *
 *     sequence number = hash(four-tuple) + peer's ISN + [ count : 8 | hash(four-tuple, count, ISN) and MSS : 24 ]
 *     timestamp       = clock, its last six bits [ ECN : 1 | SACK : 1 | window scale : 4 ]
 *
 * The count goes up every 64 s, so that the number still rises with time as RFC 6528 wants, and a cookie is good for
 * one to two of these periods (RFC 4987-3). The hash is keyed: nobody outside makes an ACK that opens a connection,
 * beyond guessing (16 in 2^32), and a listener that has sent no cookie lately takes none.
 *
 * Where the peer has no timestamps its window scale, SACK and ECN are not agreed on. A cookie is sent once: if it
 * gets lost the peer's SYN comes again. A listener with a filter has to remember, so it goes on as without cookies:
 * the oldest half-open connection makes room.
 */
#ifndef TRANSPORT_TCP_COOKIE_H
#define TRANSPORT_TCP_COOKIE_H

#include "transport/tcp/half_open.h"

/** Makes the key. */
void cookie_init(struct tcp *tcp);
/** Whether a SYN is to be answered by a cookie (net.ipv4.tcp_syncookies). */
bool cookie_is_wanted(const struct tcp_listener *listener, const struct tcp_half_open *syn);
/** Takes from `syn` what a cookie cannot remember, and makes the rest its ISS and timestamp. */
void cookie_make(struct tcp_half_open *syn);
/** Whether an ACK for a listener brings a cookie of ours; if so fills in of `syn` what it remembers. The key, the
 * listener and the port are there already. */
bool cookie_read(struct tcp_half_open *syn, const struct segment *segment);
/** The timestamp of a SYN-ACK with a cookie. */
uint32_t cookie_timestamp(const struct tcp_half_open *syn);

#endif
