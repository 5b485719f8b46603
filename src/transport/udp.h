/**
 * UDP (RFC 768, RFC 1122 4.1) and ICMP echo as a datagram service: sockets with a bounded buffer each way, an
 * error queue, multicast membership.
 *
 * What a program sends lies in a queue of records; frames, and fragments of one datagram after the other, are
 * made from its head when the port asks. On an unresolved neighbour the record waits at that neighbour, so
 * that other destinations go on.
 */
#ifndef TRANSPORT_UDP_H
#define TRANSPORT_UDP_H

#include "net/net.h"
#include "transport/ports.h"

struct udp; /**< UDP and echo of one host. */
struct udp_socket;

/** Events, filled in by the socket room, which only notes them. `ready` is a set of STRATA_READABLE ... */
struct udp_events {
    void *context;
    void (*socket)(void *context, void *owner, uint32_t ready);
};

int udp_new(struct udp **udp, struct net *net, const struct udp_events *events);
/** Frees all sockets in silence. NULL is allowed. */
void udp_free(struct udp *udp);

struct udp_options {
    uint32_t send_bytes, receive_bytes;
    uint8_t ttl, tos, multicast_ttl;
    bool v6only, reuse_address, reuse_port, broadcast, multicast_loop, dont_fragment, path_mtu_probe,
        no_checksum, receive_errors, transparent;
    int bind_port, multicast_port;
};
void udp_default_options(const struct udp *udp, bool echo, struct udp_options *options);

/** `echo`: an ICMP echo socket, whose port number is the echo identifier and whose data is an echo request's
 * body. */
int udp_open(struct udp *udp, bool echo, void *owner, struct udp_socket **socket);
/** The owner lets go: no event comes after this. What was sent still goes out, within a bound. */
void udp_close(struct udp_socket *socket);
int udp_bind(struct udp_socket *socket, const struct strata_endpoint *local);
/** Sets the peer; one that is all zero takes it away again. */
int udp_connect(struct udp_socket *socket, const struct strata_endpoint *peer);
int64_t udp_send(struct udp_socket *socket, const void *data, size_t size,
                 const struct strata_envelope *envelope);
int64_t udp_receive(struct udp_socket *socket, void *data, size_t size, struct strata_envelope *envelope);
int64_t udp_receive_error(struct udp_socket *socket, void *data, size_t size,
                          struct strata_envelope *envelope);
int udp_join(struct udp_socket *socket, const struct strata_address *group, int port);
int udp_leave(struct udp_socket *socket, const struct strata_address *group, int port);
uint32_t udp_readiness(const struct udp_socket *socket);
int udp_take_error(struct udp_socket *socket);
void udp_endpoints(const struct udp_socket *socket, struct strata_endpoint *local,
                   struct strata_endpoint *peer);
/** @return 0; -EINVAL: this may not change once bound; -EADDRINUSE: others do not share. */
int udp_set_options(struct udp_socket *socket, const struct udp_options *options);
void udp_get_options(const struct udp_socket *socket, struct udp_options *options);

#endif
