/**
 * What we learned about single destinations: the MTU of their path (RFC 1191, RFC 8201) and a better first
 * hop (Redirect, RFC 792). Bounded; what was not used longest goes first.
 */
#ifndef NET_DESTINATION_H
#define NET_DESTINATION_H

#include "base/core.h"
#include "base/table.h"

/** No path of IPv4 is narrower (RFC 791 3.1). */
#define IPV4_LEAST_MTU 68u

struct destination {
    struct table_entry entry;
    struct list node;   /**< In destinations->used, the one used last in front. */
    struct timer timer; /**< Ends mtu_bytes. */
    struct net *net;
    struct strata_address address;
    uint32_t scope;
    uint32_t mtu_bytes;            /**< 0: not learned. */
    struct strata_address gateway; /**< All zero: not redirected. */
    int16_t port;                  /**< Of the gateway. */
};

struct destinations {
    struct table table;
    struct list used;
    uint32_t count;
};

struct net;
void destinations_init(struct net *net);
void destinations_free(struct net *net);
/** NULL: nothing is known. */
struct destination *destination_find(struct net *net, const struct strata_address *address, uint32_t scope);
/** Lowers the path MTU; never raises it, never below the family's least (RFC 8201-1, -2). @return whether it
 * did. */
bool destination_lower_mtu(struct net *net, const struct strata_address *address, uint32_t scope,
                           uint32_t mtu_bytes);
/** A better first hop. */
void destination_redirect(struct net *net, const struct strata_address *address,
                          const struct strata_address *gateway, int port);
/** Forgets redirects to a gateway, or (NULL) all over a port. */
void destinations_forget_gateway(struct net *net, const struct strata_address *gateway, int port);

#endif
