/**
 * Routes: which way a destination lies, by longest prefix match in a path-compressed binary trie.
 */
#ifndef NET_ROUTE_H
#define NET_ROUTE_H

#include "base/core.h"
#include "base/list.h"

/** In order of precedence where prefixes are equal. */
enum route_kind {
    ROUTE_LOCAL,     /**< An address of ours. */
    ROUTE_BROADCAST, /**< A broadcast address of a subnet of ours. */
    ROUTE_UNICAST,
};

struct route {
    struct list node;                  /**< In routes->all, as added. */
    struct route *next;                /**< Of the same prefix. */
    struct strata_address destination; /**< Bits beyond the prefix are zero. */
    struct strata_address gateway;     /**< All zero: on the link. */
    uint8_t bits;                      /**< Of 128. */
    uint8_t kind;                      /**< enum route_kind */
    bool connected;                    /**< Came with an address. */
    int16_t port;
    uint32_t metric;
    strata_time doubted_until; /**< Avoided until then where there is another. */
};

struct route_node;
struct routes {
    struct core *core;
    struct route_node *root;
    struct list all;
    uint32_t count;
};

/** Which routes a lookup may take; NULL takes all. */
typedef bool route_filter(const void *context, const struct route *route);

void routes_init(struct routes *routes, struct core *core);
void routes_free(struct routes *routes);
/** Adds a copy. @return 0, -EEXIST (same prefix, kind, gateway and port), -ENOMEM. */
int routes_add(struct routes *routes, const struct route *route);
/** Removes the one with the same prefix, kind, gateway and port. @return 0, -ENOENT. */
int routes_remove(struct routes *routes, const struct route *route);
/** Removes all routes over a port. */
void routes_remove_port(struct routes *routes, int port);
/** The best route that `filter` lets pass: longest prefix, then kind, doubt, metric, age. */
struct route *routes_lookup(const struct routes *routes, const struct strata_address *destination,
                            route_filter *filter, const void *context);
/** Avoids a gateway until a time wherever there is another way. @return whether a route changed. */
bool routes_doubt(struct routes *routes, const struct strata_address *gateway, int port, strata_time until);

#endif
