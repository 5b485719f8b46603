/**
 * Buffers that size themselves to the path, and share one budget per host.
 */
#ifndef TRANSPORT_TCP_AUTOTUNE_H
#define TRANSPORT_TCP_AUTOTUNE_H

#include "transport/tcp/connection.h"

/** The largest receive buffer a connection with these options can come to: what the window scale is for. */
uint32_t autotune_receive_most(const struct tcp *tcp, const struct tcp_socket_options *options);
/** The receive buffer it begins with. */
uint32_t autotune_receive_initial(const struct tcp *tcp, const struct tcp_socket_options *options);
/** Takes over what a program said about its buffers; a size it chose switches tuning off. */
void autotune_apply(struct tcp_connection *c, const struct tcp_socket_options *options);
/** Data transfer begins: cwnd is known, and perhaps a round-trip time. */
void autotune_begin(struct tcp_connection *c);
/** Data came that echoes a timestamp not seen before. */
void autotune_echo(struct tcp_connection *c, uint32_t echo);
/** The program has read: its buffer grows to what it reads in two round trips, and room to go faster. */
void autotune_read(struct tcp_connection *c);
/** The send buffer is full or empty: it grows to two congestion windows, and falls back to that when all is sent. */
void autotune_send(struct tcp_connection *c);
/** What memory leaves of the receive buffer. */
uint32_t autotune_receive_share(const struct tcp_connection *c);
/** Octets of unread data that the window may lead to: the buffer, or less where memory is short. */
static inline uint32_t autotune_receive_allowed(const struct tcp_connection *c)
{
    const struct memory *memory = connection_memory(c);
    bool plenty = memory_available(memory) >= memory->budget_bytes / 2;
    return plenty && c->receive_bytes <= memory->budget_bytes / 8 ? c->receive_bytes : autotune_receive_share(c);
}

/** Octets that may be written now, as far as memory goes. */
size_t autotune_send_allowed(const struct tcp_connection *c);

/** Keeps count of who holds data: a ring had `before` octets. */
static inline void autotune_count(uint32_t *count, const struct ring *ring, uint32_t before)
{
    if ((before > 0) != (ring->length > 0))
        *count += before > 0 ? UINT32_MAX : 1;
}
static inline void autotune_count_received(struct tcp_connection *c, uint32_t before)
{
    autotune_count(&c->tcp->holders, &c->receive, before);
}
static inline void autotune_count_sent(struct tcp_connection *c, uint32_t before)
{
    autotune_count(&c->tcp->writers, &c->send, before);
}

#endif
