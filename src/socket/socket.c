/**
 * What sockets of all types have: opening, a name, readiness, an end.
 */
#include "socket/socket.h"

#include <errno.h>

/** Tells the trace that a socket came or went. */
static void trace_socket(struct sockets *sockets, const struct socket *socket, bool opened)
{
    if (!core_traces(sockets->core))
        return;
    struct strata_trace_record record = {
        .kind = STRATA_TRACE_SOCKET,
        .port = -1,
        .socket = socket_handle(socket),
        .value = {opened, socket->type},
    };
    core_trace(sockets->core, &record);
}

int sized_copy(void *to, const void *from, size_t size)
{
    size_t room;
    memcpy(&room, to, sizeof room);
    if (room < sizeof room)
        return -EINVAL;
    memcpy((uint8_t *)to + sizeof room, (const uint8_t *)from + sizeof room,
           (room < size ? room : size) - sizeof room);
    return 0;
}

strata_socket strata_open(struct strata_host *host, enum strata_socket_type type)
{
    struct sockets *sockets = sockets_of(host);
    if (type != STRATA_STREAM && type != STRATA_DATAGRAM && type != STRATA_ECHO)
        return -EINVAL;
    int error;
    struct socket *socket = socket_new(sockets, type, &error);
    if (!socket)
        return error;
    if (type != STRATA_STREAM) {
        error = udp_open(sockets->udp, type == STRATA_ECHO, socket, &socket->datagram);
        if (error) {
            socket_free(sockets, socket);
            return error;
        }
        socket->kind = SOCKET_DATAGRAM;
    }
    trace_socket(sockets, socket, true);
    return socket_handle(socket);
}

uint32_t stream_binding_flags(const struct tcp_socket_options *options)
{
    return (options->v6only ? BINDING_V6ONLY : 0u) | (options->reuse_address ? BINDING_REUSE_ADDRESS : 0u) |
           (options->reuse_port ? BINDING_REUSE_PORT : 0u);
}

int stream_bind(struct sockets *sockets, struct socket *socket, const struct strata_endpoint *local)
{
    struct tcp_socket_options options;
    if (socket->kind != SOCKET_FRESH || socket->binding)
        return -EINVAL;
    stream_get_options(sockets, socket, &options);
    if (!address_is_unspecified(&local->address) && !options.transparent &&
        !net_is_own(sockets->net, &local->address))
        return -EADDRNOTAVAIL;
    struct binding *binding = memory_allocate(&sockets->core->memory, sizeof *binding);
    if (!binding)
        return -ENOMEM;
    binding->local = *local;
    binding->bound_port = options.bind_port;
    binding->flags = stream_binding_flags(&options);
    // Who does not share a name does not take one either that old connections still have.
    bool shares = binding->flags & (BINDING_REUSE_ADDRESS | BINDING_REUSE_PORT);
    int error = local->port && !shares && tcp_name_in_use(sockets->tcp, binding) ? -EADDRINUSE : 0;
    // Transparent and without a port: any port of any host, so there is none to claim.
    if (!error && !(options.transparent && local->port == 0))
        error = ports_bind(tcp_ports(sockets->tcp), binding);
    if (error) {
        memory_release(&sockets->core->memory, binding, sizeof *binding);
        return error;
    }
    socket->binding = binding;
    return 0;
}

void stream_unbind(struct sockets *sockets, struct socket *socket)
{
    if (!socket->binding)
        return;
    ports_release(tcp_ports(sockets->tcp), socket->binding);
    memory_release(&sockets->core->memory, socket->binding, sizeof *socket->binding);
    socket->binding = NULL;
}

int strata_bind(struct strata_host *host, strata_socket handle, const struct strata_endpoint *local)
{
    struct sockets *sockets = sockets_of(host);
    struct socket *socket = socket_find(sockets, handle);
    if (!socket)
        return -EBADF;
    if (!local)
        return -EINVAL;
    return socket->kind == SOCKET_DATAGRAM ? udp_bind(socket->datagram, local)
                                           : stream_bind(sockets, socket, local);
}

/** Lets go of the engine and of the record. */
static int finish(struct strata_host *host, strata_socket handle, bool abort, strata_time now)
{
    struct sockets *sockets = sockets_at(host, now);
    struct socket *socket = socket_find(sockets, handle);
    if (!socket)
        return -EBADF;
    trace_socket(sockets, socket, false);
    struct tcp_socket_options options;
    switch (socket->kind) {
    case SOCKET_LISTENER:
        tcp_listener_close(socket->listener);
        break;
    case SOCKET_CONNECTION:
        stream_get_options(sockets, socket, &options);
        if (abort || options.linger_ns == 0) // "close resets"
            tcp_abort(socket->connection);
        else
            tcp_close(socket->connection);
        break;
    case SOCKET_DATAGRAM:
        udp_close(socket->datagram);
        break;
    default:
        break;
    }
    socket_free(sockets, socket);
    return 0;
}

int strata_close(struct strata_host *host, strata_socket handle, strata_time now)
{
    return finish(host, handle, false, now);
}

int strata_abort(struct strata_host *host, strata_socket handle, strata_time now)
{
    return finish(host, handle, true, now);
}

static int endpoints(struct strata_host *host, strata_socket handle, struct strata_endpoint *local,
                     struct strata_endpoint *peer)
{
    struct socket *socket = socket_find(sockets_of(host), handle);
    if (!socket)
        return -EBADF;
    memset(local, 0, sizeof *local);
    memset(peer, 0, sizeof *peer);
    if (socket->kind == SOCKET_DATAGRAM)
        udp_endpoints(socket->datagram, local, peer);
    else if (socket->kind == SOCKET_CONNECTION)
        tcp_endpoints(socket->connection, local, peer);
    else if (socket->binding)
        *local = socket->binding->local;
    return 0;
}

int strata_local(struct strata_host *host, strata_socket handle, struct strata_endpoint *local)
{
    struct strata_endpoint peer;
    return endpoints(host, handle, local, &peer);
}

int strata_peer(struct strata_host *host, strata_socket handle, struct strata_endpoint *peer)
{
    struct strata_endpoint local;
    int error = endpoints(host, handle, &local, peer);
    return error == 0 && address_is_zero(&peer->address) ? -ENOTCONN : error;
}

int strata_take_error(struct strata_host *host, strata_socket handle)
{
    struct socket *socket = socket_find(sockets_of(host), handle);
    if (!socket)
        return -EBADF;
    switch (socket->kind) {
    case SOCKET_DATAGRAM:
        return udp_take_error(socket->datagram);
    case SOCKET_CONNECTION:
        return tcp_take_error(socket->connection);
    default:
        return 0;
    }
}

int strata_readiness(struct strata_host *host, strata_socket handle)
{
    struct socket *socket = socket_find(sockets_of(host), handle);
    if (!socket)
        return -EBADF;
    switch (socket->kind) {
    case SOCKET_DATAGRAM:
        return (int)udp_readiness(socket->datagram);
    case SOCKET_CONNECTION:
        return (int)tcp_readiness(socket->connection);
    case SOCKET_LISTENER:
        return tcp_listener_readable(socket->listener) ? STRATA_READABLE : 0;
    default:
        return 0;
    }
}

int strata_set_user(struct strata_host *host, strata_socket handle, void *user)
{
    struct socket *socket = socket_find(sockets_of(host), handle);
    if (!socket)
        return -EBADF;
    socket->user = user;
    return 0;
}
