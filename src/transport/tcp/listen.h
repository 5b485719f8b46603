/**
 * Listeners: passive opens, and connections that wait to be accepted.
 */
#ifndef TRANSPORT_TCP_LISTEN_H
#define TRANSPORT_TCP_LISTEN_H

#include "transport/tcp/connection.h"

struct tcp_listener {
    struct tcp *tcp;
    void *owner;
    const struct binding *binding;
    struct table_entry entry; /**< In tcp->listeners, by port number; or, if transparent: */
    struct list transparent;  /**< in tcp->transparent. */
    struct list node;         /**< In tcp->all_listeners. */
    struct tcp_socket_options options;
    uint64_t id;
    uint32_t backlog;
    uint32_t queued, half_open_count;
    uint32_t unshown; /**< Half-open ones that wait for a filter which has not been told of them. */
    struct list half_open;                      /**< Oldest first. */
    struct list fast_open;    /**< struct tcp_extra of connections without a handshake (RFC 7413). */
    uint32_t fast_open_count;
    strata_time cookie_at;    /**< When the last SYN cookie was sent; 0: never. */
    uint32_t resets;          /**< Such connections that were reset, counted until: */
    strata_time resets_until;
    struct tcp_connection *first, *last; /**< Established, not accepted yet; linked by owner. */
};

/** A segment that belongs to no record, or a SYN that is to follow a TIME-WAIT record (else NULL). */
void listen_input(struct tcp *tcp, struct segment *segment, struct tcp_time_wait *previous);
/** Puts a connection at the end of its listener's queue. */
void listen_enqueue(struct tcp_listener *listener, struct tcp_connection *c);
/** The third segment has come, and the queue is full. */
void listen_overflow(struct tcp *tcp, const struct segment *segment);
/** Whether a transparent listener takes datagrams to this foreign address and port. */
bool listen_wants(const struct tcp *tcp, const struct tcp_record *key, int port);

#endif
