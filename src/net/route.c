/*
 * Routes in a path-compressed binary trie over 128 bits: a node for each prefix that has routes and for each
 * place where two prefixes part, so that a lookup takes at most as many steps as the longest match has bits,
 * and mostly a handful. IPv4 prefixes lie below ::ffff:0:0/96; a lookup of an IPv4 destination never takes a
 * shorter one.
 *
 * RFC 1812 5.2.4.3 (longest match first, then metric), RFC 4632 3.1 and 5.1 (any prefix length), RFC
 * 1122 3.3.1 (several gateways, doubted ones avoided).
 */
#include <errno.h>

#include "base/address.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "net/route.h"

struct route_node {
    struct route_node *child[2];
    struct route *routes; /* NULL: only a place where prefixes part */
    struct strata_address key;
    uint8_t bits;
};

void routes_init(struct routes *routes, struct core *core)
{
    *routes = (struct routes){.core = core};
    list_init(&routes->all);
}

/* An address in two words, and whether it begins as a node's does: the lookup's two questions, asked of each node. */
struct words {
    uint64_t high, low;
};

static struct words words_of(const struct strata_address *address)
{
    return (struct words){bytes_get64(address->bytes), bytes_get64(address->bytes + 8)};
}

static bool begins_as(const struct words *address, const struct route_node *node)
{
    struct words key = words_of(&node->key);
    if (node->bits > 64)
        return key.high == address->high && (key.low ^ address->low) >> (128 - node->bits) == 0;
    return node->bits == 0 || (key.high ^ address->high) >> (64 - node->bits) == 0;
}

static const struct route_node *child_of(const struct words *address, const struct route_node *node)
{
    uint64_t word = node->bits < 64 ? address->high : address->low;
    return node->child[word >> (63 - node->bits % 64) & 1];
}

static unsigned bit_of(const struct strata_address *address, unsigned index)
{
    return address->bytes[index / 8] >> (7 - index % 8) & 1;
}

/* How many leading bits are equal, at most `limit`. */
static unsigned common_bits(const struct strata_address *a, const struct strata_address *b, unsigned limit)
{
    unsigned bits = 0;
    while (bits < limit && a->bytes[bits / 8] == b->bytes[bits / 8])
        bits += 8;
    if (bits >= limit)
        return limit;
    unsigned difference = a->bytes[bits / 8] ^ b->bytes[bits / 8];
    while (!(difference & 0x80)) {
        difference <<= 1;
        bits++;
    }
    return bits < limit ? bits : limit;
}

static struct route_node *new_node(struct routes *routes, const struct strata_address *key, unsigned bits)
{
    struct route_node *node = memory_allocate(&routes->core->memory, sizeof *node);
    if (node) {
        node->key = address_mask(key, bits);
        node->bits = (uint8_t)bits;
    }
    return node;
}

static void free_node(struct routes *routes, struct route_node *node)
{
    memory_release(&routes->core->memory, node, sizeof *node);
}

/* The node of a prefix, made where there is none. */
static struct route_node *obtain_node(struct routes *routes, const struct strata_address *key, unsigned bits)
{
    struct route_node **link = &routes->root, *node;
    unsigned common = 0;
    while ((node = *link)) {
        common = common_bits(key, &node->key, bits < node->bits ? bits : node->bits);
        if (common < node->bits)
            break;
        if (node->bits == bits)
            return node;
        link = &node->child[bit_of(key, node->bits)];
    }
    struct route_node *leaf = new_node(routes, key, bits);
    if (!leaf)
        return NULL;
    if (!node) {
        *link = leaf;
    } else if (common == bits) {
        leaf->child[bit_of(&node->key, bits)] = node;
        *link = leaf;
    } else {
        struct route_node *fork = new_node(routes, key, common);
        if (!fork) {
            free_node(routes, leaf);
            return NULL;
        }
        fork->child[bit_of(key, common)] = leaf;
        fork->child[bit_of(&node->key, common)] = node;
        *link = fork;
    }
    return leaf;
}

/* Takes away a node that holds nothing, and its parent if that was only there to part it from another. */
static void prune(struct routes *routes, const struct strata_address *key, unsigned bits)
{
    struct route_node **link = &routes->root, **above = NULL;
    while (*link && (*link)->bits < bits) {
        above = link;
        link = &(*link)->child[bit_of(key, (*link)->bits)];
    }
    struct route_node *node = *link;
    if (!node || node->routes || (node->child[0] && node->child[1]))
        return;
    *link = node->child[0] ? node->child[0] : node->child[1];
    free_node(routes, node);
    if (!above || (*above)->routes || ((*above)->child[0] && (*above)->child[1]))
        return;
    node = *above;
    *above = node->child[0] ? node->child[0] : node->child[1];
    free_node(routes, node);
}

static bool same(const struct route *a, const struct route *b)
{
    return a->kind == b->kind && a->port == b->port && address_equal(&a->gateway, &b->gateway);
}

int routes_add(struct routes *routes, const struct route *route)
{
    struct strata_address key = address_mask(&route->destination, route->bits);
    struct route_node *node = obtain_node(routes, &key, route->bits);
    if (!node)
        return -ENOMEM;
    struct route **link = &node->routes;
    for (; *link; link = &(*link)->next)
        if (same(*link, route))
            return -EEXIST;
    struct route *added = memory_allocate(&routes->core->memory, sizeof *added);
    if (!added) {
        prune(routes, &key, route->bits);
        return -ENOMEM;
    }
    *added = *route;
    added->destination = key;
    added->next = NULL;
    *link = added;
    list_push_back(&routes->all, &added->node);
    routes->count++;
    return 0;
}

static void remove_at(struct routes *routes, struct route **link)
{
    struct route *route = *link;
    struct strata_address key = route->destination;
    unsigned bits = route->bits;
    *link = route->next;
    list_remove(&route->node);
    memory_release(&routes->core->memory, route, sizeof *route);
    routes->count--;
    prune(routes, &key, bits);
}

static struct route_node *find_node(const struct routes *routes, const struct strata_address *key,
                                    unsigned bits)
{
    struct route_node *node = routes->root;
    while (node && node->bits < bits)
        node = node->child[bit_of(key, node->bits)];
    return node && node->bits == bits && address_equal(&node->key, key) ? node : NULL;
}

int routes_remove(struct routes *routes, const struct route *route)
{
    struct strata_address key = address_mask(&route->destination, route->bits);
    struct route_node *node = find_node(routes, &key, route->bits);
    for (struct route **link = node ? &node->routes : NULL; link && *link; link = &(*link)->next) {
        if (same(*link, route)) {
            remove_at(routes, link);
            return 0;
        }
    }
    return -ENOENT;
}

void routes_remove_port(struct routes *routes, int port)
{
    LIST_FOR_EACH_SAFE (node, &routes->all) {
        struct route *route = CONTAINER_OF(node, struct route, node);
        if (route->port == port)
            routes_remove(routes, route);
    }
}

void routes_free(struct routes *routes)
{
    struct list *node;
    while ((node = list_first(&routes->all)))
        routes_remove(routes, CONTAINER_OF(node, struct route, node));
    ASSERT(routes->root == NULL);
}

/* Whether `a` is to be taken rather than `b`, of one prefix. */
static bool better(const struct route *a, const struct route *b, strata_time now)
{
    if (a->kind != b->kind)
        return a->kind < b->kind;
    strata_time doubt_a = a->doubted_until > now ? a->doubted_until : 0;
    strata_time doubt_b = b->doubted_until > now ? b->doubted_until : 0;
    if (doubt_a != doubt_b)
        return doubt_a < doubt_b; // where all are doubted, the one whose doubt is oldest
    return a->metric < b->metric;
}

struct route *routes_lookup(const struct routes *routes, const struct strata_address *destination,
                            route_filter *filter, const void *context)
{
    unsigned least = address_is_ipv4(destination) ? ADDRESS_V4_BITS : 0;
    struct words words = words_of(destination);
    struct route *best = NULL;
    for (const struct route_node *node = routes->root; node; node = child_of(&words, node)) {
        if (!begins_as(&words, node))
            break;
        struct route *here = NULL;
        if (node->bits >= least)
            for (struct route *route = node->routes; route; route = route->next)
                if ((!filter || filter(context, route)) && (!here || better(route, here, routes->core->now)))
                    here = route;
        if (here)
            best = here; // RFC 4632-1, RFC 1812-9: the longest match wins
        if (node->bits == 128)
            break;
    }
    return best;
}

bool routes_doubt(struct routes *routes, const struct strata_address *gateway, int port, strata_time until)
{
    bool changed = false;
    LIST_FOR_EACH (node, &routes->all) {
        struct route *route = CONTAINER_OF(node, struct route, node);
        if (route->kind == ROUTE_UNICAST && route->port == port && address_equal(&route->gateway, gateway)) {
            route->doubted_until = until;
            changed = true;
        }
    }
    return changed;
}
