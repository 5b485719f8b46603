/**
 * The cached way to a peer, in few bytes: a net_path without what the connection knows anyway.
 */
#ifndef TRANSPORT_TCP_WAY_H
#define TRANSPORT_TCP_WAY_H

#include "net/net.h"

struct tcp_connection;

/** What the next hop is. */
enum tcp_hop {
    HOP_PEER,       /**< The peer itself: it is on our link. */
    HOP_IPV4,       /**< A gateway; `hop` begins with its four bytes. */
    HOP_LINK_LOCAL, /**< A gateway fe80::/64; `hop` is its interface identifier. */
    HOP_OTHER,      /**< Anything else is looked up each time. */
};

struct tcp_way {
    uint8_t hop[8];
    uint32_t generation, mtu_bytes; /**< As in struct net_path. */
    int16_t port;                   /**< -1: none is known. */
    uint8_t kind;                   /**< enum tcp_hop */
    bool broadcast;
};

/** Looks it up, and takes over its MTU. @return 0, -ENETUNREACH. */
int connection_find_path(struct tcp_connection *c);
/** The way in full. */
void connection_get_path(const struct tcp_connection *c, struct net_path *path);
/** Keeps what the network room has found. */
void connection_keep_path(struct tcp_connection *c, const struct net_path *path);

#endif
