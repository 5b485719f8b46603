/**
 * TCP Fast Open (RFC 7413): data in the SYN of a client that has proved its address before.
 *
 *     client                                            server
 *       SYN, asks for a cookie  ------------------------->  from a key and both addresses
 *       remembers it  <-------------------  SYN-ACK, cookie
 *     later:
 *       SYN, cookie, data  ------------------------------>  right: a connection at once, the data is readable
 *       <------------------------------  SYN-ACK of SYN and data; answers may follow before the handshake ends
 *
 * Used by those who ask for it only (RFC 7413-1): a client by tcp_socket_options.fast_open_connect, a listener by
 * .fast_open, and the host by net.ipv4.tcp_fastopen, whose bits are Linux's.
 */
#ifndef TRANSPORT_TCP_FAST_OPEN_H
#define TRANSPORT_TCP_FAST_OPEN_H

#include "transport/tcp/connection.h"

/** Octets of the cookies we give. */
#define FAST_OPEN_COOKIE_BYTES 8

/** Bits of net.ipv4.tcp_fastopen. */
enum {
    FAST_OPEN_CLIENT = 0x1,
    FAST_OPEN_SERVER = 0x2,
    FAST_OPEN_CLIENT_NO_COOKIE = 0x4,   /**< Clients send data without a cookie. */
    FAST_OPEN_SERVER_NO_COOKIE = 0x200, /**< Servers take data without a cookie. */
    FAST_OPEN_ALL_LISTENERS = 0x400,    /**< All listeners, with their backlog as limit. */
};

void fast_open_init(struct tcp *tcp);
void fast_open_free(struct tcp *tcp);

/* ---- Client -------------------------------------------------------------------------------------------- */

/** Whether data could go with its SYN: a cookie is known and nothing speaks against its use. */
bool fast_open_ready(const struct tcp_connection *c);
/** Octets of data that fit in the SYN. */
uint32_t fast_open_space(const struct tcp_connection *c);
/** Decides what the first SYN has beside itself: notes the option in c->modes. @return octets of data. */
uint32_t fast_open_plan(struct tcp_connection *c);
/** Puts it into a SYN's options, or a cookie into those of a SYN-ACK. */
void fast_open_fill(const struct tcp_connection *c, struct tcp_options *options);
/** The SYN-ACK has come: what it tells is remembered for the next time (RFC 7413-4). */
void fast_open_answered(struct tcp_connection *c, const struct segment *segment);
/** The path is narrower than thought: a SYN with data may not have got through, and goes again at once, alone. */
void fast_open_smaller_mtu(struct tcp_connection *c);
/** A timeout of a connection that began so: a path that swallows it must not swallow all (RFC 7413 7.1). */
void fast_open_timeout(struct tcp_connection *c);

/* ---- Server -------------------------------------------------------------------------------------------- */

enum fast_open_verdict {
    FAST_OPEN_NO,    /**< An ordinary handshake. */
    FAST_OPEN_OFFER, /**< An ordinary handshake, and a cookie with the SYN-ACK. */
    FAST_OPEN_RENEW, /**< A connection at once, and a new cookie with the SYN-ACK: this one was of the old key. */
    FAST_OPEN_TAKE,  /**< A connection at once. */
};
/** Judges a SYN for a listener (RFC 7413-3). */
enum fast_open_verdict fast_open_judge(struct tcp_listener *listener, const struct tcp_record *key,
                                       const struct segment *segment);
/** The cookie of a client (RFC 7413 4.1.2). */
void fast_open_cookie(const struct tcp_listener *listener, const struct tcp_record *key,
                      uint8_t cookie[FAST_OPEN_COOKIE_BYTES]);
/** A connection begins before its handshake is done: it counts against the listener's limit. @return false: no
 * memory. */
bool fast_open_begin(struct tcp_listener *listener, struct tcp_connection *c, enum fast_open_verdict verdict,
                     bool experimental);
/** It does not count any more: the handshake is done, or the connection gone. */
void fast_open_end(struct tcp_connection *c);
/** It was reset before the handshake was done: it goes on counting for a while (RFC 7413 5.1). */
void fast_open_reset(struct tcp_connection *c);
/** The listener goes. */
void fast_open_forget_listener(struct tcp_listener *listener);

#endif
