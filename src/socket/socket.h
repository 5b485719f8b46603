/**
 * The socket room: streams and datagrams as a program sees them. What the files of this room share.
 *
 *     handles.c   handles to sockets and back
 *     events.c    the queue of those that became ready
 *     options.c   options of all types, by table
 *     socket.c    what all sockets have: open, bind, close, names, readiness
 *     stream.c    streams: connect, listen, accept, read, write, views, what TCP knows
 *     datagram.c  datagrams: send, receive, errors, multicast
 *
 * A socket is a small record that points to the engine which does its work: a TCP connection, a TCP listener,
 * a datagram socket, or nothing yet. What few sockets need lies outside: the claim on a port number of those
 * that were bound, and options that differ from the defaults, which an accepted socket shares with its
 * listener.
 */
#ifndef SOCKET_SOCKET_H
#define SOCKET_SOCKET_H

#include "transport/tcp/tcp.h"
#include "transport/udp.h"

enum socket_kind {
    SOCKET_FRESH, /**< A stream that is neither connected nor listening. */
    SOCKET_LISTENER,
    SOCKET_CONNECTION,
    SOCKET_DATAGRAM, /**< Echo sockets too. */
};

/** Options of streams, shared until one of those who share them changes something. */
struct stream_options {
    uint32_t references;
    struct tcp_socket_options options;
};

struct socket {
    void *user;
    union {
        struct tcp_connection *connection;
        struct tcp_listener *listener;
        struct udp_socket *datagram;
    };
    struct binding *binding;        /**< A stream's claim on its local port, NULL: none. */
    struct stream_options *options; /**< NULL: the defaults. */
    uint32_t generation;            /**< 0: free. */
    uint32_t index;
    uint32_t event_next, event_previous; /**< In the queue of events, by index. */
    uint8_t type;                        /**< enum strata_socket_type */
    uint8_t kind;                        /**< enum socket_kind */
    uint8_t events; /**< What became ready and was not reported yet; not 0: in the queue. */
};
_Static_assert(sizeof(struct socket) <= 64, "a million idle sockets should not hurt");

/** Sockets stand in chunks, so that their addresses stay and memory comes and goes in small steps. */
#define CHUNK_SOCKETS 64u
struct socket_chunk {
    uint64_t used;       /**< A bit per socket. */
    struct list partial; /**< In sockets->partial while there is a free one. */
    uint32_t number;
    struct socket sockets[CHUNK_SOCKETS];
};

#define NO_SOCKET UINT32_MAX

/** All sockets of one host. A host begins with this struct: see sockets_of. */
struct sockets {
    struct core *core;
    struct net *net;
    struct tcp *tcp;
    struct udp *udp;
    struct socket_chunk **chunks; /**< NULL where one went. */
    uint32_t chunk_room, first_hole;
    struct list partial;
    uint32_t count, generation;
    uint32_t event_first, event_last;
};

void sockets_init(struct sockets *sockets, struct core *core);
/** Frees the records; the engines go after this. */
void sockets_free(struct sockets *sockets);
/** The tables of events that TCP and UDP get. */
void sockets_tcp_events(struct sockets *sockets, struct tcp_events *events);
void sockets_udp_events(struct sockets *sockets, struct udp_events *events);

/** This room knows a host only by its first member. */
static inline struct sockets *sockets_of(struct strata_host *host)
{
    return (struct sockets *)(void *)host;
}
/** Begins a call that brings the time. */
static inline struct sockets *sockets_at(struct strata_host *host, strata_time now)
{
    struct sockets *sockets = sockets_of(host);
    core_at(sockets->core, now);
    return sockets;
}

/* handles.c */
/** A new record, or NULL and the reason. */
struct socket *socket_new(struct sockets *sockets, enum strata_socket_type type, int *error);
void socket_free(struct sockets *sockets, struct socket *socket);
strata_socket socket_handle(const struct socket *socket);
/** NULL: -EBADF. */
struct socket *socket_find(const struct sockets *sockets, strata_socket handle);

/* events.c */
void socket_note(struct sockets *sockets, struct socket *socket, uint32_t ready);
/** Takes it out of the queue. */
void socket_forget_events(struct sockets *sockets, struct socket *socket);

/* options.c */
void stream_get_options(const struct sockets *sockets, const struct socket *socket,
                        struct tcp_socket_options *options);
void stream_share_options(struct socket *socket, const struct socket *with);
void stream_drop_options(struct sockets *sockets, struct socket *socket);

/* socket.c */
/** Claims a local address and port for a stream. */
int stream_bind(struct sockets *sockets, struct socket *socket, const struct strata_endpoint *local);
void stream_unbind(struct sockets *sockets, struct socket *socket);
uint32_t stream_binding_flags(const struct tcp_socket_options *options);
/** Copies what the caller's struct has room for; both begin with their size. @return 0, -EINVAL. */
int sized_copy(void *to, const void *from, size_t size);

#endif
