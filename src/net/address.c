/*
 * Our addresses, their connected routes, and whom an address means: ours, a broadcast, a group of ours, or
 * others.
 *
 * Each address adds a local route for itself, the broadcast addresses of its subnet in both forms (RFC
 * 1122 3.3.6) and a connected route, so that one lookup says both whose a destination is and where it lies.
 */
#include <errno.h>

#include "net/internal.h"

static void trace_address(struct net *net, int port, const struct strata_address *address, unsigned bits,
                          bool added)
{
    if (!core_traces(net->core))
        return;
    struct strata_trace_record record = {.kind = STRATA_TRACE_ADDRESS, .port = (int16_t)port};
    record.local.address = *address;
    record.value[0] = added;
    record.value[1] = bits;
    core_trace(net->core, &record);
}

/* The broadcast addresses of a subnet: all ones and, from old days, all zeros. */
static bool has_broadcast(const struct strata_address *address, unsigned bits)
{
    return address_is_ipv4(address) && bits <= 126 && !address_is_loopback(address);
}

static int add_prefix_routes(struct net *net, int port, const struct strata_address *address, unsigned bits)
{
    struct route route = {.destination = *address,
                          .bits = (uint8_t)bits,
                          .port = (int16_t)port,
                          .connected = true,
                          .kind = address_is_loopback(address) ? ROUTE_LOCAL : ROUTE_UNICAST};
    int error = bits < 128 ? routes_add(&net->routes, &route) : 0;
    if (has_broadcast(address, bits) && (error == 0 || error == -EEXIST)) {
        struct route broadcast = {
            .bits = 128, .port = (int16_t)port, .connected = true, .kind = ROUTE_BROADCAST};
        broadcast.destination = address_broadcast(address, bits);
        error = routes_add(&net->routes, &broadcast);
        broadcast.destination = address_mask(address, bits);
        if (error == 0 || error == -EEXIST)
            error = routes_add(&net->routes, &broadcast);
    }
    return error == -EEXIST ? 0 : error;
}

static void remove_prefix_routes(struct net *net, int port, const struct strata_address *address,
                                 unsigned bits)
{
    struct route route = {.destination = *address,
                          .bits = (uint8_t)bits,
                          .port = (int16_t)port,
                          .kind = address_is_loopback(address) ? ROUTE_LOCAL : ROUTE_UNICAST};
    if (bits < 128)
        routes_remove(&net->routes, &route);
    if (has_broadcast(address, bits)) {
        struct route broadcast = {.bits = 128, .port = (int16_t)port, .kind = ROUTE_BROADCAST};
        broadcast.destination = address_broadcast(address, bits);
        routes_remove(&net->routes, &broadcast);
        broadcast.destination = address_mask(address, bits);
        routes_remove(&net->routes, &broadcast);
    }
}

/* Others of the same subnet need what one that went shared with them. */
static void restore_prefix_routes(struct net *net, const struct port *port)
{
    for (uint32_t i = 0; i < port->address_count; i++)
        add_prefix_routes(net, port->index, &port->addresses[i].address, port->addresses[i].prefix_bits);
}

static bool may_be_ours(int port, const struct strata_address *address)
{
    if (address_is_unspecified(address) || address_is_multicast(address) ||
        address_is_limited_broadcast(address) || address_is_reserved(address))
        return false;
    // RFC 1122-6, and 0/8 is nobody's.
    if (address_is_loopback(address) != (port == STRATA_PORT_LOOPBACK) && address_is_loopback(address))
        return false;
    return !address_is_ipv4(address) || address->bytes[12] != 0;
}

/** One of NET_MARKS bits, by what an address ends with. */
static uint32_t mark_of(const struct strata_address *address)
{
    return bytes_get32(address->bytes + 12) * 0x9e3779b1u >> (32 - NET_MARK_BITS);
}

/** Whether an address has the mark of one of ours: few others have. */
static bool is_marked(const struct net *net, const struct strata_address *address)
{
    uint32_t mark = mark_of(address);
    return net->own_marks[mark / 64] >> mark % 64 & 1;
}

static void mark_own(struct net *net, const struct strata_address *address)
{
    uint32_t mark = mark_of(address);
    net->own_marks[mark / 64] |= UINT64_C(1) << mark % 64;
}

/* What net_claims and net_classify look at first. */
static void update_claims(struct net *net)
{
    memset(net->own_marks, 0, sizeof net->own_marks);
    net->broadcast_bits = UINT32_MAX;
    for (uint32_t i = 0; i < net->links.port_count; i++) {
        const struct port *port = net->links.ports[i];
        if (!port)
            continue;
        net->broadcast_bits &= port->broadcast_bits;
        for (uint32_t j = 0; j < port->address_count; j++)
            mark_own(net, &port->addresses[j].address);
    }
}

int net_address_add(struct net *net, int index, const struct strata_address *address, unsigned prefix_length)
{
    struct port *port = links_port(&net->links, index);
    bool ipv4 = address_is_ipv4(address);
    if (!port)
        return -ENODEV;
    if (prefix_length > (ipv4 ? 32u : 128u) || !may_be_ours(index, address))
        return -EINVAL;
    if (!ipv4 && port->mtu_bytes < 1280)
        return -EINVAL; // RFC 8200-14
    if (!address_is_link_local(address) && net_is_own(net, address) && !address_is_loopback(address))
        return -EEXIST;
    unsigned bits = prefix_length + (ipv4 ? ADDRESS_V4_BITS : 0);
    struct route local = {
        .destination = *address, .bits = 128, .port = (int16_t)index, .connected = true, .kind = ROUTE_LOCAL};
    int error = port_find_address(port, address) ? -EEXIST : routes_add(&net->routes, &local);
    if (error < 0)
        return error;
    error = add_prefix_routes(net, index, address, bits);
    if (error == 0)
        error = port_add_address(port, address, bits);
    net->generation++;
    update_claims(net);
    if (error < 0) {
        routes_remove(&net->routes, &local);
        remove_prefix_routes(net, index, address, bits);
        restore_prefix_routes(net, port);
        return error;
    }
    trace_address(net, index, address, prefix_length, true);
    return 0;
}

int net_address_remove(struct net *net, int index, const struct strata_address *address)
{
    struct port *port = links_port(&net->links, index);
    const struct port_address *own = port ? port_find_address(port, address) : NULL;
    if (!own)
        return port ? -EADDRNOTAVAIL : -ENODEV;
    unsigned bits = own->prefix_bits;
    struct strata_address removed = *address; // the caller's may be the one in the list
    struct route local = {.destination = removed, .bits = 128, .port = (int16_t)index, .kind = ROUTE_LOCAL};
    routes_remove(&net->routes, &local);
    remove_prefix_routes(net, index, &removed, bits);
    port_remove_address(port, &removed);
    restore_prefix_routes(net, port);
    net->generation++;
    update_claims(net);
    trace_address(net, index, &removed, bits - (address_is_ipv4(&removed) ? ADDRESS_V4_BITS : 0), false);
    return 0;
}

void net_port_changed(void *context, int index)
{
    struct net *net = context;
    net->generation++;
    update_claims(net);
    destinations_forget_gateway(net, NULL, index);
    if (!links_port(&net->links, index)) {
        routes_remove_port(&net->routes, index);
        reassembly_forget_port(net, index);
    }
}

static bool is_local(const void *context, const struct route *route)
{
    (void)context;
    return route->kind == ROUTE_LOCAL;
}

bool net_is_own(const struct net *net, const struct strata_address *address)
{
    return routes_lookup(&net->routes, address, is_local, NULL) != NULL;
}

static bool is_broadcast(const void *context, const struct route *route)
{
    (void)context;
    return route->kind == ROUTE_BROADCAST;
}

bool net_is_broadcast(const struct net *net, const struct strata_address *address)
{
    return address_is_limited_broadcast(address) ||
           routes_lookup(&net->routes, address, is_broadcast, NULL) != NULL;
}

/* RFC 1122-24: the subnets of a port, all ones and all zeros. */
static bool port_broadcast(const struct port *port, uint32_t address)
{
    uint32_t bits = address & port->broadcast_bits;
    if (__builtin_expect(bits != 0 && bits != port->broadcast_bits, 1))
        return false;
    for (uint32_t i = 0; i < port->address_count; i++) {
        const struct port_address *own = &port->addresses[i];
        if (own->prefix_bits < ADDRESS_V4_BITS || own->prefix_bits > 126 || !address_is_ipv4(&own->address))
            continue;
        uint32_t hosts = (uint32_t)((UINT64_C(1) << (128 - own->prefix_bits)) - 1);
        uint32_t host = address & hosts;
        if ((address & ~hosts) == (bytes_get32(own->address.bytes + 12) & ~hosts) &&
            (host == 0 || host == hosts))
            return true;
    }
    return false;
}

struct claim_wanted {
    int port;
    bool local; /* to its link: others may have the same on theirs */
};

static bool is_claim(const void *context, const struct route *route)
{
    const struct claim_wanted *wanted = context;
    return route->kind == ROUTE_BROADCAST ||
           (route->kind == ROUTE_LOCAL && (!wanted->local || route->port == wanted->port));
}

bool net_claims(const struct net *net, const struct port *port, const struct strata_address *address)
{
    // Few strangers share the mark of an address of ours, or look like a broadcast address: the others need not be
    // looked up.
    bool suspect = is_marked(net, address);
    if (address_is_ipv4(address)) {
        uint32_t bits = bytes_get32(address->bytes + 12) & net->broadcast_bits;
        suspect |= bits == 0 || bits == net->broadcast_bits;
    }
    if (__builtin_expect(!suspect, 1))
        return false;
    struct claim_wanted wanted = {port->index, address_is_link_local(address)};
    return routes_lookup(&net->routes, address, is_claim, &wanted) != NULL;
}

static bool any_member(const struct net *net, const struct strata_address *group)
{
    for (uint32_t i = 0; i < net->links.port_count; i++)
        if (net->links.ports[i] && port_is_member(net->links.ports[i], group))
            return true;
    return false;
}

enum net_kind net_classify(const struct net *net, const struct port *port,
                           const struct strata_address *address)
{
    if (port->address_count <= 8 && port_find_address(port, address))
        return NET_OWN;
    if (address_is_multicast(address)) {
        bool loopback = port->index == STRATA_PORT_LOOPBACK;
        return port_is_member(port, address) || (loopback && any_member(net, address)) ? NET_MULTICAST
                                                                                       : NET_OTHER;
    }
    if (address_is_ipv4(address)) {
        uint32_t ipv4 = bytes_get32(address->bytes + 12);
        if (ipv4 == UINT32_MAX || ipv4 == 0 || port_broadcast(port, ipv4))
            return NET_BROADCAST;
    }
    bool perhaps = is_marked(net, address) || address_is_loopback(address);
    const struct route *route = perhaps ? routes_lookup(&net->routes, address, is_local, NULL) : NULL;
    if (!route || (address_is_link_local(address) && !address_is_ipv4(address) &&
                   port->index != STRATA_PORT_LOOPBACK && !port_find_address(port, address)))
        return NET_OTHER;
    return NET_OWN;
}

/* ---- Multicast ------------------------------------------------------------------------------------------- */

static struct port *group_port(struct net *net, const struct strata_address *group, int index)
{
    struct net_path path;
    if (index == 0 && net_path_find(net, &path, group, 0, 0) == 0)
        index = path.port;
    return links_port(&net->links, index);
}

int net_join(struct net *net, const struct strata_address *group, int index)
{
    struct port *port = group_port(net, group, index);
    if (!address_is_multicast(group))
        return -EINVAL;
    return port ? port_join(port, group) : index == 0 ? -EADDRNOTAVAIL : -ENODEV;
}

int net_leave(struct net *net, const struct strata_address *group, int index)
{
    struct port *port = group_port(net, group, index);
    return port ? port_leave(port, group) : -EADDRNOTAVAIL;
}
