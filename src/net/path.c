/*
 * The way to a destination: which port, which next hop, how large (RFC 1122 3.3.1, 3.3.3), and with which
 * source address (RFC 1122 3.3.4.3; RFC 6724 5 as far as we have what it asks for). Gateways that seem dead
 * are avoided for a while where there is another (RFC 1122 3.3.1.4); what makes us doubt is a transport whose
 * data does not arrive, or ARP that gets no answer, and never a ping of our own.
 */
#include <errno.h>

#include "net/internal.h"

struct wanted {
    const struct net *net;
    int port; /* 0: any */
};

/* RFC 1812-25: routes over a port that is down are as good as gone. */
static bool usable(const void *context, const struct route *route)
{
    const struct wanted *wanted = context;
    if (route->kind == ROUTE_LOCAL)
        return true;
    const struct port *port = links_port(&wanted->net->links, route->port);
    return port && port->up && (wanted->port == 0 || route->port == wanted->port);
}

static bool is_ipv6_link_local(const struct strata_address *address)
{
    return address_is_link_local(address) && !address_is_ipv4(address);
}

/* Multicast and limited broadcast: by the port asked for, a route for the group, the default route, the first
 * port. */
static int find_group_port(const struct net *net, const struct strata_address *destination, int bound_port)
{
    const struct port *port = links_port(&net->links, bound_port);
    if (bound_port != 0)
        return port && port->up ? bound_port : -1;
    struct wanted wanted = {net, 0};
    struct strata_address anywhere =
        address_is_ipv4(destination) ? strata_ipv4(0, 0, 0, 0) : (struct strata_address){{0}};
    struct route *route = routes_lookup(&net->routes, destination, usable, &wanted);
    if (!route)
        route = routes_lookup(&net->routes, &anywhere, usable, &wanted);
    if (route && route->kind == ROUTE_UNICAST && route->port != STRATA_PORT_LOOPBACK)
        return route->port;
    for (uint32_t i = 1; i < net->links.port_count; i++) {
        port = net->links.ports[i];
        if (port && port->up &&
            (port_first_address(port, destination) || address_is_limited_broadcast(destination)))
            return (int)i;
    }
    return -1;
}

static int find_unicast(struct net *net, struct net_path *path, int bound_port)
{
    struct wanted wanted = {net, bound_port};
    struct route *route = routes_lookup(&net->routes, &path->destination, usable, &wanted);
    const struct port *bound = links_port(&net->links, bound_port);
    if (!route) {
        // A tunnel takes whatever is bound to it.
        if (bound_port == 0 || !bound || !bound->up || bound->link != STRATA_LINK_IP)
            return -ENETUNREACH;
        path->port = (int16_t)bound_port;
        return 0;
    }
    path->port = route->kind == ROUTE_LOCAL ? STRATA_PORT_LOOPBACK : route->port;
    path->broadcast = route->kind == ROUTE_BROADCAST;
    if (route->kind != ROUTE_UNICAST)
        return 0;
    if (route->port == STRATA_PORT_LOOPBACK)
        return -ENETUNREACH; // RFC 4632-2: a route into nowhere, for the holes of an aggregate
    if (!address_is_zero(&route->gateway))
        path->next_hop = route->gateway;
    return 0;
}

/* What was learned about this very destination. */
static void apply_learned(struct net *net, struct net_path *path)
{
    struct destination *learned = destination_find(net, &path->destination, path->scope);
    if (!learned)
        return;
    const struct port *port = links_port(&net->links, learned->port);
    if (!address_is_zero(&learned->gateway) && port && port->up && learned->port == path->port)
        path->next_hop = learned->gateway;
    if (learned->mtu_bytes != 0 && learned->mtu_bytes < path->mtu_bytes)
        path->mtu_bytes = learned->mtu_bytes;
}

int net_path_find(struct net *net, struct net_path *path, const struct strata_address *destination,
                  uint32_t scope, int bound_port)
{
    struct strata_address copy = *destination; // may be the path's own
    *path = (struct net_path){.destination = copy,
                              .next_hop = copy,
                              .scope = scope,
                              .generation = net->generation,
                              .bound_port = (int16_t)bound_port};
    if (address_is_unspecified(&copy))
        return -ENETUNREACH;
    if (bound_port == 0 && scope != 0 && (is_ipv6_link_local(&copy) || address_is_multicast(&copy)))
        bound_port = scope <= INT16_MAX ? (int)scope : -1;
    if (address_is_limited_broadcast(&copy) || address_is_multicast(&copy)) {
        int port = find_group_port(net, &copy, bound_port);
        path->port = (int16_t)port;
        path->broadcast = address_is_limited_broadcast(&copy);
        if (port < 0)
            return -ENETUNREACH;
    } else {
        int error = find_unicast(net, path, bound_port);
        if (error < 0)
            return error;
    }
    path->mtu_bytes = links_port(&net->links, path->port)->mtu_bytes;
    apply_learned(net, path);
    return 0;
}

bool net_path_is_stale(const struct net *net, const struct net_path *path)
{
    return path->generation != net->generation;
}

size_t net_path_payload(const struct net_path *path)
{
    return path->mtu_bytes - (address_is_ipv4(&path->destination) ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES);
}

static unsigned common_prefix(const struct strata_address *a, const struct strata_address *b)
{
    unsigned bits = 0;
    while (bits < 128 && address_matches(a, b, bits + 1))
        bits++;
    return bits;
}

/* Whether candidate `a` is a better source than `b` (RFC 6724 5: rules 1, 2 and 8; IPv4: the next hop's
 * subnet). */
static bool better_source(const struct port_address *a, const struct port_address *b,
                          const struct net_path *path)
{
    if (address_is_ipv4(&path->destination)) {
        bool a_near = address_matches(&a->address, &path->next_hop, a->prefix_bits);
        bool b_near = address_matches(&b->address, &path->next_hop, b->prefix_bits);
        return a_near && !b_near;
    }
    bool a_local = address_is_link_local(&a->address), b_local = address_is_link_local(&b->address);
    bool wants_local = address_is_link_local(&path->destination) ||
                       (address_is_multicast(&path->destination) && (path->destination.bytes[1] & 15) <= 2);
    if (a_local != b_local)
        return a_local == wants_local;
    return common_prefix(&a->address, &path->destination) > common_prefix(&b->address, &path->destination);
}

static const struct port_address *best_source(const struct port *port, const struct net_path *path)
{
    const struct port_address *best = NULL;
    bool ipv4 = address_is_ipv4(&path->destination);
    for (uint32_t i = 0; i < port->address_count; i++) {
        const struct port_address *own = &port->addresses[i];
        if (address_is_ipv4(&own->address) == ipv4 && (!best || better_source(own, best, path)))
            best = own;
    }
    return best;
}

int net_source(struct net *net, const struct net_path *path, struct strata_address *source)
{
    const struct port *port = links_port(&net->links, path->port);
    if (!port)
        return -EADDRNOTAVAIL;
    if (port->index == STRATA_PORT_LOOPBACK && !address_is_multicast(&path->destination)) {
        *source = path->destination; // one of ours, talking to itself
        return 0;
    }
    // RFC 1122-3: an address of our own, of the port it leaves by where that has one.
    const struct port_address *own = best_source(port, path);
    for (uint32_t i = 1; !own && i < net->links.port_count; i++) {
        if (net->links.ports[i] && !is_ipv6_link_local(&path->destination))
            own = best_source(net->links.ports[i], path);
        if (own && is_ipv6_link_local(&own->address))
            own = NULL; // it means nothing beyond its own link
    }
    if (!own)
        return -EADDRNOTAVAIL;
    *source = own->address;
    return 0;
}

struct link_wanted {
    int port;
};

static bool is_on_link(const void *context, const struct route *route)
{
    const struct link_wanted *wanted = context;
    return route->kind == ROUTE_UNICAST && route->port == wanted->port && address_is_zero(&route->gateway);
}

bool net_on_link(const struct net *net, const struct port *port, const struct strata_address *address)
{
    struct link_wanted wanted = {port->index};
    return routes_lookup(&net->routes, address, is_on_link, &wanted) != NULL;
}

bool net_reverse_path(const struct net *net, const struct net_packet *packet)
{
    struct wanted wanted = {net, 0};
    struct route *route = routes_lookup(&net->routes, &packet->source, usable, &wanted);
    return route && route->kind == ROUTE_UNICAST && route->port == packet->port;
}

void net_doubt(struct net *net, const struct net_path *path)
{
    if (path->port == STRATA_PORT_LOOPBACK || address_equal(&path->next_hop, &path->destination))
        return; // no gateway to blame
    strata_time until = net->core->now + net->core->settings.gateway_doubt_s * STRATA_SECOND;
    // Every packet to a dead gateway says so. Once a second is enough: all routes are walked, all paths found
    // again.
    struct wanted wanted = {net, path->bound_port};
    const struct route *route = routes_lookup(&net->routes, &path->destination, usable, &wanted);
    if (route && route->port == path->port && address_equal(&route->gateway, &path->next_hop) &&
        route->doubted_until > until - STRATA_SECOND)
        return;
    destinations_forget_gateway(net, &path->next_hop, path->port);
    routes_doubt(&net->routes, &path->next_hop, path->port, until);
    net->generation++;
}

void net_confirm(struct net *net, const struct net_path *path)
{
    struct port *port = links_port(&net->links, path->port);
    if (port && port->link == STRATA_LINK_ETHERNET)
        neighbour_confirm(port, &path->next_hop);
}

/* ---- Routes by hand -------------------------------------------------------------------------------------- */

static void trace_route(struct net *net, const struct strata_route *route, int port, bool added)
{
    if (!core_traces(net->core))
        return;
    struct strata_trace_record record = {.kind = STRATA_TRACE_ROUTE, .port = (int16_t)port};
    record.remote.address = route->destination;
    record.value[0] = added;
    record.value[1] = route->prefix_length;
    core_trace(net->core, &record);
}

static int to_route(const struct strata_route *from, struct route *to)
{
    bool ipv4 = address_is_ipv4(&from->destination);
    bool gateway = !address_is_unspecified(&from->gateway);
    if (from->prefix_length > (ipv4 ? 32u : 128u) || (gateway && address_is_ipv4(&from->gateway) != ipv4))
        return -EINVAL;
    *to = (struct route){.destination = from->destination,
                         .gateway = from->gateway,
                         .port = (int16_t)from->port,
                         .bits = (uint8_t)(from->prefix_length + (ipv4 ? ADDRESS_V4_BITS : 0)),
                         .kind = ROUTE_UNICAST,
                         .metric = from->metric};
    if (!gateway)
        to->gateway = (struct strata_address){{0}};
    return 0;
}

/* The port over which a gateway is reached, or where there is none -1. */
static int gateway_port(const struct net *net, const struct strata_address *gateway, int port)
{
    for (uint32_t i = 1; i < net->links.port_count; i++) {
        const struct port *candidate = net->links.ports[i];
        if (!candidate || (port >= 0 && port != (int)i))
            continue;
        bool tunnel = port >= 0 && candidate->link == STRATA_LINK_IP;
        bool scoped = port >= 0 && is_ipv6_link_local(gateway);
        if (tunnel || scoped || net_on_link(net, candidate, gateway))
            return (int)i;
    }
    return -1;
}

int net_route_add(struct net *net, const struct strata_route *from)
{
    struct route route;
    int error = to_route(from, &route);
    if (error < 0)
        return error;
    if (!address_is_zero(&route.gateway)) {
        if (address_is_multicast(&route.gateway) || net_is_own(net, &route.gateway) ||
            net_is_broadcast(net, &route.gateway))
            return -EINVAL;
        if (from->port >= 0 && !links_port(&net->links, from->port))
            return -ENODEV;
        route.port = (int16_t)gateway_port(net, &route.gateway, from->port);
        if (route.port < 0)
            return -ENETUNREACH;
    } else if (from->port < 0) {
        return -EINVAL;
    } else if (!links_port(&net->links, from->port)) {
        return -ENODEV;
    }
    if (net->routes.count >= (uint64_t)net->core->settings.route_entries)
        return -ENOMEM;
    error = routes_add(&net->routes, &route);
    if (error == 0) {
        net->generation++;
        trace_route(net, from, route.port, true);
    }
    return error;
}

int net_route_remove(struct net *net, const struct strata_route *from)
{
    struct route route;
    int error = to_route(from, &route);
    if (error < 0)
        return error;
    if (from->port < 0)
        route.port = (int16_t)gateway_port(net, &route.gateway, -1);
    error = routes_remove(&net->routes, &route);
    if (error == 0) {
        net->generation++;
        trace_route(net, from, route.port, false);
    }
    return error;
}

int net_route_get(const struct net *net, unsigned index, struct strata_route *to)
{
    LIST_FOR_EACH (node, &net->routes.all) {
        const struct route *route = CONTAINER_OF(node, const struct route, node);
        if (route->kind != ROUTE_UNICAST || index-- > 0)
            continue;
        bool ipv4 = address_is_ipv4(&route->destination) && route->bits >= ADDRESS_V4_BITS;
        *to = (struct strata_route){.destination = route->destination,
                                    .gateway = route->gateway,
                                    .port = route->port,
                                    .prefix_length = route->bits - (ipv4 ? ADDRESS_V4_BITS : 0),
                                    .metric = route->metric};
        return 0;
    }
    return -ENOENT;
}
