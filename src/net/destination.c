/*
 * The cache of destinations. An entry exists only where a router told us something: that packets are too big
 * for the path (RFC 1191 3, RFC 8201 4), or that another gateway is nearer (RFC 1122 3.3.1.2). A lowered MTU
 * is forgotten after ten minutes, so that a better path is found again; nothing that a router says ever
 * raises it.
 */
#include "net/internal.h"

#define IPV6_LEAST_MTU 1280u

void destinations_init(struct net *net)
{
    list_init(&net->destinations.used);
}

struct key {
    const struct strata_address *address;
    uint32_t scope;
};

static bool equal(const struct table_entry *entry, const void *wanted)
{
    const struct destination *destination = CONTAINER_OF(entry, const struct destination, entry);
    const struct key *key = wanted;
    return destination->scope == key->scope && address_equal(&destination->address, key->address);
}

static uint32_t hash_of(const struct net *net, const struct strata_address *address, uint32_t scope)
{
    uint8_t key[20];
    memcpy(key, address, 16);
    bytes_put32(key + 16, scope);
    return (uint32_t)siphash(&net->core->hash_key, key, sizeof key);
}

struct destination *destination_find(struct net *net, const struct strata_address *address, uint32_t scope)
{
    if (net->destinations.count == 0)
        return NULL;
    struct key key = {address, scope};
    struct table_entry *entry =
        table_find(&net->destinations.table, hash_of(net, address, scope), equal, &key);
    if (!entry)
        return NULL;
    struct destination *destination = CONTAINER_OF(entry, struct destination, entry);
    list_remove(&destination->node);
    list_push_front(&net->destinations.used, &destination->node);
    return destination;
}

static void forget(struct net *net, struct destination *destination)
{
    wheel_disarm(&net->core->wheel, &destination->timer);
    table_remove(&net->destinations.table, &net->core->memory, &destination->entry);
    list_remove(&destination->node);
    net->destinations.count--;
    net->generation++;
    memory_release(&net->core->memory, destination, sizeof *destination);
}

void destinations_free(struct net *net)
{
    struct list *node;
    while ((node = list_first(&net->destinations.used)))
        forget(net, CONTAINER_OF(node, struct destination, node));
    table_free(&net->destinations.table, &net->core->memory);
}

/* RFC 8201-3: after a while the path may be tried with larger packets again. */
static void expire(struct timer *timer, strata_time now)
{
    (void)now;
    struct destination *destination = CONTAINER_OF(timer, struct destination, timer);
    destination->mtu_bytes = 0;
    destination->net->generation++;
    if (address_is_zero(&destination->gateway))
        forget(destination->net, destination);
}

static struct destination *obtain(struct net *net, const struct strata_address *address, uint32_t scope)
{
    struct destination *destination = destination_find(net, address, scope);
    if (destination)
        return destination;
    if (net->destinations.count >= net->core->settings.destination_entries)
        forget(net, CONTAINER_OF(net->destinations.used.previous, struct destination, node));
    destination = memory_allocate(&net->core->memory, sizeof *destination);
    if (!destination)
        return NULL;
    destination->net = net;
    destination->address = *address;
    destination->scope = scope;
    timer_init(&destination->timer, expire);
    if (table_insert(&net->destinations.table, &net->core->memory, &destination->entry,
                     hash_of(net, address, scope)) < 0) {
        memory_release(&net->core->memory, destination, sizeof *destination);
        return NULL;
    }
    list_push_front(&net->destinations.used, &destination->node);
    net->destinations.count++;
    return destination;
}

bool destination_lower_mtu(struct net *net, const struct strata_address *address, uint32_t scope,
                           uint32_t mtu_bytes)
{
    if (mtu_bytes < (address_is_ipv4(address) ? IPV4_LEAST_MTU : IPV6_LEAST_MTU))
        return false;
    struct net_path path;
    if (net_path_find(net, &path, address, scope, 0) < 0 || mtu_bytes >= path.mtu_bytes)
        return false; // RFC 8201-2: never raised
    struct destination *destination = obtain(net, address, scope);
    if (!destination)
        return false;
    destination->mtu_bytes = mtu_bytes;
    wheel_arm(&net->core->wheel, &destination->timer,
              net->core->now + net->core->settings.path_mtu_expires_s * STRATA_SECOND);
    net->generation++;
    return true;
}

void destination_redirect(struct net *net, const struct strata_address *address,
                          const struct strata_address *gateway, int port)
{
    struct destination *destination = obtain(net, address, 0);
    if (!destination)
        return;
    destination->gateway = *gateway;
    destination->port = (int16_t)port;
    net->generation++;
}

void destinations_forget_gateway(struct net *net, const struct strata_address *gateway, int port)
{
    LIST_FOR_EACH_SAFE (node, &net->destinations.used) {
        struct destination *destination = CONTAINER_OF(node, struct destination, node);
        if (address_is_zero(&destination->gateway) || destination->port != port ||
            (gateway && !address_equal(&destination->gateway, gateway)))
            continue;
        destination->gateway = (struct strata_address){{0}};
        net->generation++;
        if (destination->mtu_bytes == 0)
            forget(net, destination);
    }
}
