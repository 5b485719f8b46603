/**
 * UDP sockets: opening, names, options, multicast membership and closing (RFC 768, RFC 1122 4.1).
 *
 * A socket claims its name in the table of ports, so that two programs do not take the same one unawares, and
 * stands in the demultiplexer of udp_input.c where its name says. ICMP echo sockets are the same thing with
 * identifiers for port numbers and a table of ports of their own.
 */
#include "transport/udp_internal.h"

#include <errno.h>

int udp_new(struct udp **result, struct net *net, const struct udp_events *events)
{
    struct core *core = net_core(net);
    struct udp *udp = memory_allocate(&core->memory, sizeof *udp);
    if (!udp)
        return -ENOMEM;
    udp->core = core;
    udp->net = net;
    udp->events = *events;
    ports_init(&udp->ports, core);
    ports_init(&udp->echo_ports, core);
    random_key(&core->random, &udp->key);
    list_init(&udp->sockets);
    list_init(&udp->transparent);
    struct net_upper upper = {
        .context = udp, .input = udp_input, .error = udp_error, .wants = udp_wants, .owns = udp_owns,
        .guessable = true};
    net_set_upper(net, PROTOCOL_UDP, &upper);
    upper.wants = NULL;
    net_set_upper(net, PROTOCOL_ICMP, &upper);
    net_set_upper(net, PROTOCOL_ICMPV6, &upper);
    *result = udp;
    return 0;
}

/* ---- Who may hear that a path is too narrow --------------------------------------------------------------- */

/** How many marks there are. */
#define RECENT 1024u

static uint32_t *recent_of(const struct udp *udp, const struct strata_address *address, uint32_t *mark)
{
    uint64_t hash = siphash(&udp->key, address->bytes, sizeof address->bytes);
    *mark = (uint32_t)(hash >> 32) | 1;
    return &udp->recent[hash % RECENT];
}

void udp_remember(struct udp *udp, const struct strata_address *address)
{
    uint32_t mark, *recent;
    if (!udp->recent && !(udp->recent = memory_allocate(&udp->core->memory, RECENT * sizeof *udp->recent)))
        return;
    recent = recent_of(udp, address, &mark);
    *recent = mark;
}

bool udp_remembers(const struct udp *udp, const struct strata_address *address)
{
    uint32_t mark;
    return udp->recent && *recent_of(udp, address, &mark) == mark;
}

void udp_free(struct udp *udp)
{
    if (!udp)
        return;
    while (!list_is_empty(&udp->sockets)) {
        struct udp_socket *socket = CONTAINER_OF(list_first(&udp->sockets), struct udp_socket, node);
        if (socket->owner)
            udp->closing_bytes += socket->out_bytes;
        socket->owner = NULL;
        udp_output_clear(socket);
        udp_socket_free(socket);
    }
    table_free(&udp->table, &udp->core->memory);
    memory_release(&udp->core->memory, udp->recent, RECENT * sizeof *udp->recent);
    ports_free(&udp->ports);
    ports_free(&udp->echo_ports);
    memory_release(&udp->core->memory, udp, sizeof *udp);
}

void udp_raise(struct udp_socket *socket, uint32_t ready)
{
    if (socket->owner)
        socket->udp->events.socket(socket->udp->events.context, socket->owner, ready);
}

uint32_t udp_scope(const struct strata_address *address, int port)
{
    bool scoped = !strata_address_is_ipv4(address) && address_is_link_local(address);
    return scoped && port > 0 ? (uint32_t)port : 0;
}

void udp_default_options(const struct udp *udp, bool echo, struct udp_options *options)
{
    const struct settings *settings = &udp->core->settings;
    memset(options, 0, sizeof *options);
    options->send_bytes = (uint32_t)settings->udp_send_bytes;
    options->receive_bytes = (uint32_t)settings->udp_receive_bytes;
    options->ttl = (uint8_t)settings->ip_default_ttl;
    options->multicast_ttl = 1; // RFC 1112 6.1
    options->multicast_loop = true;
    options->receive_errors =
        echo; // an answer to an echo request may well be an error: that is how routes are traced
}

int udp_open(struct udp *udp, bool echo, void *owner, struct udp_socket **result)
{
    struct udp_socket *socket = memory_allocate(&udp->core->memory, sizeof *socket);
    if (!socket)
        return -ENOMEM;
    speaker_init(&socket->speaker, &udp_speaker_ops);
    list_push_back(&udp->sockets, &socket->node);
    list_init(&socket->transparent_node);
    list_init(&socket->out);
    list_init(&socket->waiting);
    list_init(&socket->in);
    list_init(&socket->errors);
    socket->udp = udp;
    socket->owner = owner;
    socket->echo = echo;
    socket->serial = ++udp->serial;
    socket->path.port = -1;
    udp_default_options(udp, echo, &socket->options);
    *result = socket;
    return 0;
}

/** Frees the records that wait to be received. */
static void drain(struct udp_socket *socket, struct list *queue)
{
    while (!list_is_empty(queue)) {
        struct udp_in *in = CONTAINER_OF(list_first(queue), struct udp_in, node);
        list_remove(&in->node);
        memory_release(&socket->udp->core->memory, in, sizeof *in + in->options_length + in->length);
    }
}

/** Takes a socket out of everything that finds sockets. */
static void forget(struct udp_socket *socket)
{
    struct udp *udp = socket->udp;
    udp_unhash(socket);
    if (socket->binding.held)
        ports_release(socket->echo ? &udp->echo_ports : &udp->ports, &socket->binding);
    list_remove(&socket->transparent_node);
    for (unsigned i = 0; i < socket->membership_count; i++)
        (void)net_leave(udp->net, &socket->memberships[i].group, socket->memberships[i].port);
    memory_release(&udp->core->memory, socket->memberships,
                   socket->membership_room * sizeof *socket->memberships);
    socket->memberships = NULL;
    socket->membership_count = socket->membership_room = 0;
    drain(socket, &socket->in);
    drain(socket, &socket->errors);
    socket->in_bytes = 0;
    socket->error_count = 0;
}

void udp_socket_free(struct udp_socket *socket)
{
    forget(socket);
    speaker_silence(&socket->speaker);
    list_remove(&socket->node);
    memory_release(&socket->udp->core->memory, socket, sizeof *socket);
}

void udp_close(struct udp_socket *socket)
{
    struct udp *udp = socket->udp;
    socket->owner = NULL;
    forget(socket);
    // What was sent before it was closed goes out, but nobody may pile up memory by closing.
    udp->closing_bytes += socket->out_bytes;
    if (udp->closing_bytes > (size_t)udp->core->settings.udp_closing_bytes)
        udp_output_clear(socket);
    if (socket->out_bytes == 0)
        udp_socket_free(socket);
}

static uint32_t binding_flags(const struct udp_options *options)
{
    return (options->v6only ? BINDING_V6ONLY : 0u) | (options->reuse_address ? BINDING_REUSE_ADDRESS : 0u) |
           (options->reuse_port ? BINDING_REUSE_PORT : 0u);
}

/** Whether a program may call an address its own. */
static bool may_be_local(const struct udp_socket *socket, const struct strata_address *address)
{
    const struct net *net = socket->udp->net;
    return address_is_unspecified(address) || socket->options.transparent || net_is_own(net, address) ||
           address_is_multicast(address) || address_is_limited_broadcast(address) ||
           net_is_broadcast(net, address);
}

int udp_bind(struct udp_socket *socket, const struct strata_endpoint *local)
{
    struct udp *udp = socket->udp;
    if (socket->binding.held)
        return -EINVAL;
    if (!may_be_local(socket, &local->address))
        return -EADDRNOTAVAIL;
    socket->binding.local = *local;
    socket->binding.bound_port = socket->options.bind_port;
    socket->binding.flags = binding_flags(&socket->options);
    int error = ports_bind(socket->echo ? &udp->echo_ports : &udp->ports, &socket->binding);
    if (error)
        return error;
    socket->any_port = local->port == 0;
    error = udp_hash(socket);
    if (error)
        ports_release(socket->echo ? &udp->echo_ports : &udp->ports, &socket->binding);
    return error;
}

int udp_autobind(struct udp_socket *socket)
{
    struct strata_endpoint any = {.port = 0};
    return socket->binding.held ? 0 : udp_bind(socket, &any);
}

static int disconnect(struct udp_socket *socket)
{
    socket->connected = false;
    memset(&socket->peer, 0, sizeof socket->peer);
    memset(&socket->connected_local, 0, sizeof socket->connected_local);
    return socket->binding.held ? udp_hash(socket) : 0;
}

int udp_connect(struct udp_socket *socket, const struct strata_endpoint *peer)
{
    struct net *net = socket->udp->net;
    if (address_is_zero(&peer->address) && peer->port == 0)
        return disconnect(socket);
    if (address_is_unspecified(&peer->address) || (peer->port == 0 && !socket->echo))
        return -EINVAL;
    int error = udp_autobind(socket);
    if (error)
        return error;
    const struct strata_address *bound = &socket->binding.local.address;
    bool ipv4 = strata_address_is_ipv4(&peer->address);
    if ((ipv4 && socket->options.v6only) ||
        (!address_is_zero(bound) && ipv4 != strata_address_is_ipv4(bound)))
        return -EAFNOSUPPORT;
    struct net_path path;
    int leave = socket->options.bind_port;
    if (leave == 0 && address_is_multicast(&peer->address))
        leave = socket->options.multicast_port;
    error = net_path_find(net, &path, &peer->address, peer->scope, leave);
    if (error)
        return error;
    if (path.broadcast && !socket->options.broadcast)
        return -EACCES;
    struct strata_address local = *bound;
    if (address_is_unspecified(bound) || address_is_multicast(bound) || net_is_broadcast(net, bound)) {
        error = net_source(net, &path, &local);
        if (error)
            return error;
    }
    socket->peer = *peer;
    socket->peer.scope = udp_scope(&peer->address, path.port);
    socket->connected_local = local;
    socket->connected = true;
    socket->path = path;
    error = udp_hash(socket);
    if (error)
        (void)disconnect(socket);
    return error;
}

void udp_endpoints(const struct udp_socket *socket, struct strata_endpoint *local,
                   struct strata_endpoint *peer)
{
    if (local) {
        *local = socket->binding.local;
        if (socket->connected)
            local->address = socket->connected_local;
    }
    if (peer)
        *peer = socket->peer;
}

static bool writable(const struct udp_socket *socket)
{
    return socket->out_bytes <= socket->options.send_bytes / 2;
}

uint32_t udp_readiness(const struct udp_socket *socket)
{
    uint32_t ready = 0;
    if (!list_is_empty(&socket->in))
        ready |= STRATA_READABLE;
    if (writable(socket))
        ready |= STRATA_WRITABLE;
    if (socket->error || !list_is_empty(&socket->errors))
        ready |= STRATA_ERROR;
    return ready;
}

int udp_take_error(struct udp_socket *socket)
{
    int error = socket->error;
    socket->error = 0;
    // An error that waits to be received is named, but stays until udp_receive_error takes it.
    if (error == 0 && !list_is_empty(&socket->errors))
        error = CONTAINER_OF(list_first(&socket->errors), struct udp_in, node)->error;
    return error;
}

void udp_get_options(const struct udp_socket *socket, struct udp_options *options)
{
    *options = socket->options;
}

int udp_set_options(struct udp_socket *socket, const struct udp_options *options)
{
    struct udp *udp = socket->udp;
    if (socket->binding.held) {
        if (options->v6only != socket->options.v6only || options->bind_port != socket->options.bind_port)
            return -EINVAL;
        uint32_t flags = binding_flags(options);
        if (flags != socket->binding.flags) {
            int error = ports_rebind(socket->echo ? &udp->echo_ports : &udp->ports, &socket->binding, flags);
            if (error)
                return error;
        }
    }
    if (options->transparent && !socket->options.transparent)
        list_push_front(&udp->transparent, &socket->transparent_node);
    if (!options->transparent)
        list_remove(&socket->transparent_node);
    if (!options->receive_errors) {
        drain(socket, &socket->errors);
        socket->error_count = 0;
    }
    if (options->path_mtu_probe != socket->options.path_mtu_probe)
        socket->path.generation--; // it is to be found anew
    socket->options = *options;
    if (socket->blocked && writable(socket)) {
        socket->blocked = false;
        udp_raise(socket, STRATA_WRITABLE);
    }
    return 0;
}

/** The port where a group is joined: as told, or the one its route leaves by. */
static int membership_port(struct udp_socket *socket, const struct strata_address *group, int port)
{
    if (port == 0)
        port = socket->options.multicast_port ? socket->options.multicast_port : socket->options.bind_port;
    if (port != 0)
        return links_port(net_links(socket->udp->net), port) ? port : -ENODEV;
    struct net_path path;
    return net_path_find(socket->udp->net, &path, group, 0, 0) == 0 ? path.port : -EADDRNOTAVAIL;
}

static int membership_find(const struct udp_socket *socket, const struct strata_address *group, int port)
{
    for (int i = 0; i < socket->membership_count; i++)
        if (socket->memberships[i].port == port && address_equal(&socket->memberships[i].group, group))
            return i;
    return -1;
}

bool udp_is_member(const struct udp_socket *socket, const struct strata_address *group, int port)
{
    return membership_find(socket, group, port) >= 0;
}

int udp_join(struct udp_socket *socket, const struct strata_address *group, int port)
{
    struct udp *udp = socket->udp;
    if (!address_is_multicast(group))
        return -EINVAL;
    port = membership_port(socket, group, port);
    if (port < 0)
        return port;
    if (membership_find(socket, group, port) >= 0)
        return -EADDRINUSE;
    if (socket->membership_count >= udp->core->settings.udp_memberships)
        return -ENOBUFS;
    if (socket->membership_count == socket->membership_room) {
        size_t size = sizeof *socket->memberships;
        size_t room = socket->membership_room ? socket->membership_room * 2u : 2u;
        void *moved = memory_resize(&udp->core->memory, socket->memberships, socket->membership_room * size,
                                    room * size);
        if (!moved)
            return -ENOMEM;
        socket->memberships = moved;
        socket->membership_room = (uint16_t)room;
    }
    int error = net_join(udp->net, group, port);
    if (error)
        return error;
    socket->memberships[socket->membership_count++] = (struct udp_membership){*group, port};
    return 0;
}

int udp_leave(struct udp_socket *socket, const struct strata_address *group, int port)
{
    int found = -1;
    int resolved = membership_port(socket, group, port);
    if (resolved >= 0)
        found = membership_find(socket, group, resolved);
    // Routes may have changed since a group was joined by route: then any membership of it is meant.
    for (int i = 0; found < 0 && port == 0 && i < socket->membership_count; i++)
        if (address_equal(&socket->memberships[i].group, group))
            found = i;
    if (found < 0)
        return -EADDRNOTAVAIL;
    (void)net_leave(socket->udp->net, group, socket->memberships[found].port);
    socket->memberships[found] = socket->memberships[--socket->membership_count];
    return 0;
}
