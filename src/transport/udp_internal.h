/**
 * What the files of udp share: the socket, its records, the demultiplexer.
 *
 *     udp.c         sockets: open, bind, connect, options, multicast membership, close
 *     udp_input.c   datagrams and ICMP errors that come in: whose are they; receive
 *     udp_output.c  send; frames and fragments made from the head of the queue
 */
#ifndef TRANSPORT_UDP_INTERNAL_H
#define TRANSPORT_UDP_INTERNAL_H

#include "transport/udp.h"

/** Where a socket stands in the demultiplexer: the most specific that matches a datagram wins. */
enum udp_class { UDP_NOWHERE, UDP_CONNECTED, UDP_BOUND, UDP_WILDCARD, UDP_CLASSES };

/** All of UDP and echo of one host. */
struct udp {
    struct core *core;
    struct net *net;
    struct udp_events events;
    struct ports ports, echo_ports;
    struct table table; /**< Sockets by class, hashed with what the class fixes. */
    struct siphash_key key;
    uint32_t class_count[UDP_CLASSES];
    struct list sockets;     /**< All, closing ones too. */
    struct list transparent; /**< Those that take foreign datagrams, newest first. */
    uint32_t *recent; /**< Marks of whom sockets without a peer sent something large; NULL: nobody, or no memory. */
    size_t closing_bytes;    /**< Held by sockets nobody owns any more. */
    uint32_t serial;
};

/** A datagram to be sent. It is in its socket's `out` queue, or in `waiting` and parked at a neighbour. */
struct udp_out {
    struct list node;
    struct speaker speaker; /**< While it waits at a neighbour. */
    struct udp_socket *socket;
    struct strata_endpoint peer;
    struct strata_address source;
    uint16_t source_port;
    int16_t leave_port; /**< The port it must leave by, 0: any. */
    uint8_t ttl, tos;
    bool dont_fragment, loop, no_checksum;
    uint32_t length; /**< Of bytes: the transport header and the data. */
    uint32_t offset; /**< Bytes sent so far as fragments. */
    uint32_t identification;
    uint8_t bytes[];
};

/** A datagram, or an error about one, to be received. */
struct udp_in {
    struct list node;
    struct strata_endpoint peer, local;
    struct strata_address reporter;
    uint32_t info, length;
    int error;
    int16_t port;
    uint8_t ttl, tos, icmp_type, icmp_code;
    uint8_t options_length; /**< IPv4 options, in front of the data. */
    uint8_t bytes[];        /**< options_length, then length of them. */
};

struct udp_membership {
    struct strata_address group;
    int port;
};

struct udp_socket {
    struct speaker speaker;
    struct table_entry entry; /**< In udp->table unless the class is NOWHERE. */
    struct binding binding;   /**< What bind claimed; its address may be unspecified. */
    struct list node;         /**< In udp->sockets. */
    struct list transparent_node;
    struct udp *udp;
    void *owner; /**< NULL: closed, sends what is left and goes. */
    struct strata_endpoint peer;
    struct strata_address connected_local; /**< The source chosen by connect. */
    struct net_path path;                  /**< To whom it sent last. */
    struct list out, waiting, in, errors;
    uint32_t out_bytes, in_bytes, error_count; /**< Bytes count records whole. */
    uint32_t serial;                           /**< Order of opening, which settles ties. */
    int error;                                 /**< Pending, positive. */
    struct udp_options options;
    struct udp_membership *memberships;
    uint16_t membership_count, membership_room;
    uint16_t sequence; /**< Of echo requests. */
    uint8_t class;
    bool echo, connected;
    bool any_port; /**< Its port was chosen by us: if it is transparent, it takes what is for any port. */
    bool blocked;  /**< A send was refused: say WRITABLE when there is room. */
};

/* udp.c */
void udp_raise(struct udp_socket *socket, uint32_t ready);
void udp_socket_free(struct udp_socket *socket);
/** The number of a port as the scope of an address: only IPv6 link-local addresses have one. */
uint32_t udp_scope(const struct strata_address *address, int port);
/** Binds to any address and a port of our choice if it is not bound. */
int udp_autobind(struct udp_socket *socket);
bool udp_is_member(const struct udp_socket *socket, const struct strata_address *group, int port);

/** Octets from which on a datagram is large: smaller ones meet no path that is too narrow. */
#define UDP_LARGE 500u
/** Remembers that something large went to an address; whether it did, or may have. Marks are few and wear off. */
void udp_remember(struct udp *udp, const struct strata_address *address);
bool udp_remembers(const struct udp *udp, const struct strata_address *address);

/* udp_input.c */
void udp_input(void *context, const struct net_packet *packet);
void udp_error(void *context, const struct net_error *error);
bool udp_wants(void *context, const struct net_packet *packet);
bool udp_owns(void *context, const struct net_error *error);
/** Puts a socket where its addresses say; takes it away first. */
int udp_hash(struct udp_socket *socket);
void udp_unhash(struct udp_socket *socket);
/** Keeps an error for udp_receive_error if the socket asked for it; `what` names the datagram. */
void udp_queue_error(struct udp_socket *socket, const struct udp_in *what, const void *data, size_t size);

/* udp_output.c */
extern const struct speaker_ops udp_speaker_ops;
/** Gives up everything that was not sent. */
void udp_output_clear(struct udp_socket *socket);

#endif
