/**
 * Streams: the user interface of TCP (RFC 9293 3.9.1) in non-blocking calls.
 */
#include "socket/socket.h"

#include <errno.h>

/** The socket if it is a stream of that kind. */
static struct socket *find_stream(const struct sockets *sockets, strata_socket handle, enum socket_kind kind,
                                  int *error)
{
    struct socket *socket = socket_find(sockets, handle);
    if (!socket)
        *error = -EBADF;
    else if (socket->type != STRATA_STREAM)
        *error = -EOPNOTSUPP;
    else if (socket->kind != kind)
        *error = kind == SOCKET_CONNECTION ? -ENOTCONN : -EINVAL;
    else
        return socket;
    return NULL;
}

static struct tcp_connection *find_connection(const struct sockets *sockets, strata_socket handle, int *error)
{
    struct socket *socket = find_stream(sockets, handle, SOCKET_CONNECTION, error);
    return socket ? socket->connection : NULL;
}

int strata_listen(struct strata_host *host, strata_socket handle, int backlog, strata_time now)
{
    struct sockets *sockets = sockets_at(host, now);
    struct socket *socket = socket_find(sockets, handle);
    if (!socket)
        return -EBADF;
    if (socket->kind == SOCKET_LISTENER) {
        tcp_listener_set_backlog(socket->listener, backlog);
        return 0;
    }
    if (socket->kind != SOCKET_FRESH)
        return socket->kind == SOCKET_DATAGRAM ? -EOPNOTSUPP : -EISCONN;
    struct strata_endpoint any = {.port = 0};
    bool bound = socket->binding != NULL;
    int error = bound ? 0 : stream_bind(sockets, socket, &any);
    if (error)
        return error;
    struct tcp_socket_options options;
    stream_get_options(sockets, socket, &options);
    uint32_t flags = socket->binding->flags;
    error = ports_rebind(tcp_ports(sockets->tcp), socket->binding, flags | BINDING_LISTENING);
    if (error == 0) {
        struct tcp_listener *listener;
        error = tcp_listen(sockets->tcp, socket->binding, &options, backlog, socket, &listener);
        if (error == 0) {
            socket->listener = listener;
            socket->kind = SOCKET_LISTENER;
            return 0;
        }
        (void)ports_rebind(tcp_ports(sockets->tcp), socket->binding, flags);
    }
    if (!bound)
        stream_unbind(sockets, socket);
    return error;
}

strata_socket strata_accept(struct strata_host *host, strata_socket handle, struct strata_endpoint *peer,
                            strata_time now)
{
    struct sockets *sockets = sockets_at(host, now);
    int error;
    struct socket *listener = find_stream(sockets, handle, SOCKET_LISTENER, &error);
    if (!listener)
        return error;
    if (!tcp_listener_readable(listener->listener))
        return -EAGAIN;
    struct socket *socket = socket_new(sockets, STRATA_STREAM, &error);
    if (!socket)
        return error;
    struct tcp_connection *connection = tcp_accept(listener->listener, socket);
    if (!connection) { // readable for a SYN that waits to be decided
        socket_free(sockets, socket);
        return -EAGAIN;
    }
    socket->connection = connection;
    socket->kind = SOCKET_CONNECTION;
    stream_share_options(socket, listener);
    struct strata_endpoint local, remote;
    tcp_endpoints(connection, &local, &remote);
    if (peer)
        *peer = remote;
    // What came before it was accepted was never reported to anybody.
    uint32_t ready = tcp_readiness(connection);
    if (ready & ~(uint32_t)STRATA_WRITABLE)
        socket_note(sockets, socket, ready);
    if (core_traces(sockets->core)) {
        struct strata_trace_record record = {
            .kind = STRATA_TRACE_SOCKET,
            .port = -1,
            .local = local,
            .remote = remote,
            .socket = socket_handle(socket),
            .value = {1, STRATA_STREAM},
        };
        core_trace(sockets->core, &record);
    }
    return socket_handle(socket);
}

/** `fast`: as with STRATA_OPTION_FAST_OPEN_CONNECT. @return 0: its SYN waits for data; -EINPROGRESS; or why not. */
static int connect_stream(struct sockets *sockets, struct socket *socket, const struct strata_endpoint *peer, bool fast)
{
    if (socket->kind == SOCKET_LISTENER)
        return -EINVAL;
    if (socket->kind == SOCKET_CONNECTION)
        return tcp_is_opening(socket->connection) ? -EALREADY : -EISCONN;
    if (peer->port == 0 || address_is_unspecified(&peer->address))
        return -EINVAL;
    struct tcp_socket_options options;
    stream_get_options(sockets, socket, &options);
    options.fast_open_connect |= fast;
    struct tcp_connection *connection;
    int error = tcp_connect(sockets->tcp, socket->binding, peer, &options, socket, &connection);
    if (error)
        return error;
    socket->connection = connection;
    socket->kind = SOCKET_CONNECTION;
    return tcp_waits_for_data(connection) ? 0 : -EINPROGRESS;
}

int strata_connect(struct strata_host *host, strata_socket handle, const struct strata_endpoint *peer,
                   strata_time now)
{
    struct sockets *sockets = sockets_at(host, now);
    struct socket *socket = socket_find(sockets, handle);
    if (!socket)
        return -EBADF;
    if (!peer)
        return -EINVAL;
    return socket->kind == SOCKET_DATAGRAM ? udp_connect(socket->datagram, peer)
                                           : connect_stream(sockets, socket, peer, false);
}

int64_t strata_connect_write(struct strata_host *host, strata_socket handle, const struct strata_endpoint *peer,
                             const void *data, size_t size, strata_time now)
{
    struct sockets *sockets = sockets_at(host, now);
    struct socket *socket = socket_find(sockets, handle);
    if (!socket)
        return -EBADF;
    if (!peer || (!data && size > 0))
        return -EINVAL;
    if (socket->kind == SOCKET_DATAGRAM || !tcp_may_open_fast(sockets->tcp))
        return -EOPNOTSUPP;
    if (socket->kind != SOCKET_CONNECTION) {
        int error = connect_stream(sockets, socket, peer, true);
        if (error)
            return error;
    } else if (tcp_is_opening(socket->connection)) {
        return -EALREADY;
    }
    return tcp_write(socket->connection, data, size, 0);
}

int64_t strata_read(struct strata_host *host, strata_socket handle, void *data, size_t size, strata_time now)
{
    int error;
    struct tcp_connection *connection = find_connection(sockets_at(host, now), handle, &error);
    if (!connection)
        return error;
    return data || size == 0 ? tcp_read(connection, data, size) : -EINVAL;
}

int64_t strata_peek(struct strata_host *host, strata_socket handle, void *data, size_t size)
{
    int error;
    struct tcp_connection *connection = find_connection(sockets_of(host), handle, &error);
    if (!connection)
        return error;
    return data || size == 0 ? tcp_peek(connection, data, size) : -EINVAL;
}

int64_t strata_write(struct strata_host *host, strata_socket handle, const void *data, size_t size,
                     strata_time now)
{
    int error;
    struct tcp_connection *connection = find_connection(sockets_at(host, now), handle, &error);
    if (!connection)
        return error;
    return data || size == 0 ? tcp_write(connection, data, size, 0) : -EINVAL;
}

int64_t strata_write_more(struct strata_host *host, strata_socket handle, const void *data, size_t size,
                          strata_time now)
{
    int error;
    struct tcp_connection *connection = find_connection(sockets_at(host, now), handle, &error);
    if (!connection)
        return error;
    return data || size == 0 ? tcp_write(connection, data, size, TCP_WRITE_MORE) : -EINVAL;
}

int64_t strata_write_record(struct strata_host *host, strata_socket handle, const void *data, size_t size,
                            strata_time now)
{
    int error;
    struct tcp_connection *connection = find_connection(sockets_at(host, now), handle, &error);
    if (!connection)
        return error;
    return data || size == 0 ? tcp_write(connection, data, size, TCP_WRITE_END) : -EINVAL;
}

int64_t strata_write_urgent(struct strata_host *host, strata_socket handle, const void *data, size_t size,
                            strata_time now)
{
    int error;
    struct tcp_connection *connection = find_connection(sockets_at(host, now), handle, &error);
    if (!connection)
        return error;
    return data || size == 0 ? tcp_write(connection, data, size, TCP_WRITE_URGENT) : -EINVAL;
}

int64_t strata_urgent_mark(struct strata_host *host, strata_socket handle)
{
    int error;
    struct tcp_connection *connection = find_connection(sockets_of(host), handle, &error);
    return connection ? tcp_urgent_mark(connection) : error;
}

int strata_read_urgent(struct strata_host *host, strata_socket handle, void *octet, int peek, strata_time now)
{
    int error;
    struct tcp_connection *connection = find_connection(sockets_at(host, now), handle, &error);
    if (!connection)
        return error;
    return octet ? (int)tcp_read_urgent(connection, octet, peek) : -EINVAL;
}

int strata_data(struct strata_host *host, strata_socket handle, struct strata_iovec *pieces, int count)
{
    int error;
    struct tcp_connection *connection = find_connection(sockets_of(host), handle, &error);
    if (!connection)
        return error;
    return count < 0 || (count > 0 && !pieces) ? -EINVAL : tcp_data(connection, pieces, count);
}

int strata_consume(struct strata_host *host, strata_socket handle, size_t bytes, strata_time now)
{
    int error;
    struct tcp_connection *connection = find_connection(sockets_at(host, now), handle, &error);
    return connection ? tcp_consume(connection, bytes) : error;
}

int strata_space(struct strata_host *host, strata_socket handle, size_t size, struct strata_iovec *pieces,
                 int count)
{
    int error;
    struct tcp_connection *connection = find_connection(sockets_of(host), handle, &error);
    if (!connection)
        return error;
    return count < 0 || (count > 0 && !pieces) ? -EINVAL : tcp_space(connection, size, pieces, count);
}

int strata_commit(struct strata_host *host, strata_socket handle, size_t bytes, strata_time now)
{
    int error;
    struct tcp_connection *connection = find_connection(sockets_at(host, now), handle, &error);
    return connection ? tcp_commit(connection, bytes) : error;
}

int strata_shutdown(struct strata_host *host, strata_socket handle, enum strata_shutdown how, strata_time now)
{
    int error;
    struct tcp_connection *connection = find_connection(sockets_at(host, now), handle, &error);
    if (!connection)
        return error;
    bool known = how == STRATA_SHUTDOWN_READ || how == STRATA_SHUTDOWN_WRITE || how == STRATA_SHUTDOWN_BOTH;
    return known ? tcp_shutdown(connection, how) : -EINVAL;
}

int strata_pending(struct strata_host *host, strata_socket handle, struct strata_syn *syn)
{
    int error;
    struct socket *socket = find_stream(sockets_of(host), handle, SOCKET_LISTENER, &error);
    if (!socket)
        return error;
    struct strata_syn whole = {.size = sizeof whole};
    error = tcp_pending(socket->listener, &whole);
    return error < 0 ? error : sized_copy(syn, &whole, sizeof whole);
}

int strata_decide(struct strata_host *host, strata_socket handle, uint64_t id, enum strata_decision decision,
                  strata_time now)
{
    int error;
    struct socket *socket = find_stream(sockets_at(host, now), handle, SOCKET_LISTENER, &error);
    if (!socket)
        return error;
    if (decision != STRATA_ACCEPT && decision != STRATA_REFUSE && decision != STRATA_IGNORE)
        return -EINVAL;
    return tcp_decide(socket->listener, id, decision);
}

int strata_tcp_info(struct strata_host *host, strata_socket handle, struct strata_tcp_info *info)
{
    struct socket *socket = socket_find(sockets_of(host), handle);
    if (!socket)
        return -EBADF;
    struct strata_tcp_info whole = {.size = sizeof whole};
    if (socket->kind == SOCKET_CONNECTION)
        tcp_info(socket->connection, &whole);
    else if (socket->kind == SOCKET_LISTENER)
        whole.state = STRATA_TCP_LISTEN;
    else if (socket->kind == SOCKET_DATAGRAM)
        return -EOPNOTSUPP;
    return sized_copy(info, &whole, sizeof whole);
}

const char *strata_congestion_name(unsigned index)
{
    return tcp_congestion_name(index);
}
