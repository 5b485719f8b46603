/**
 * Datagram sockets: UDP and ICMP echo as a program sees them.
 */
#include "socket/socket.h"

#include <errno.h>

static struct udp_socket *find_datagram(const struct sockets *sockets, strata_socket handle, int *error)
{
    struct socket *socket = socket_find(sockets, handle);
    *error = socket ? -EOPNOTSUPP : -EBADF;
    return socket && socket->kind == SOCKET_DATAGRAM ? socket->datagram : NULL;
}

int64_t strata_send(struct strata_host *host, strata_socket handle, const void *data, size_t size,
                    const struct strata_envelope *envelope, strata_time now)
{
    int error;
    struct udp_socket *socket = find_datagram(sockets_at(host, now), handle, &error);
    if (!socket)
        return error;
    if (!data && size > 0)
        return -EINVAL;
    if (!envelope)
        return udp_send(socket, data, size, NULL);
    // A program compiled with another version of the header has a shorter or longer struct.
    if (envelope->size < offsetof(struct strata_envelope, error))
        return -EINVAL;
    struct strata_envelope whole = {.size = sizeof whole};
    memcpy(&whole, envelope, envelope->size < sizeof whole ? envelope->size : sizeof whole);
    return udp_send(socket, data, size, &whole);
}

typedef int64_t receive_call(struct udp_socket *socket, void *data, size_t size,
                             struct strata_envelope *envelope);

/** Receives with an envelope of whatever size the program has. */
static int64_t receive(const struct sockets *sockets, strata_socket handle, receive_call *call, void *data,
                       size_t size, struct strata_envelope *envelope)
{
    int error;
    struct udp_socket *socket = find_datagram(sockets, handle, &error);
    if (!socket)
        return error;
    if ((!data && size > 0) || (envelope && envelope->size < sizeof envelope->size))
        return -EINVAL;
    struct strata_envelope whole;
    int64_t received = call(socket, data, size, &whole);
    if (received >= 0 && envelope)
        (void)sized_copy(envelope, &whole, sizeof whole);
    return received;
}

int64_t strata_receive(struct strata_host *host, strata_socket handle, void *data, size_t size,
                       struct strata_envelope *envelope, strata_time now)
{
    return receive(sockets_at(host, now), handle, udp_receive, data, size, envelope);
}

int64_t strata_receive_error(struct strata_host *host, strata_socket handle, void *data, size_t size,
                             struct strata_envelope *envelope)
{
    return receive(sockets_of(host), handle, udp_receive_error, data, size, envelope);
}

int strata_join(struct strata_host *host, strata_socket handle, const struct strata_address *group, int port,
                strata_time now)
{
    int error;
    struct udp_socket *socket = find_datagram(sockets_at(host, now), handle, &error);
    if (!socket)
        return error;
    return group && port >= 0 ? udp_join(socket, group, port) : -EINVAL;
}

int strata_leave(struct strata_host *host, strata_socket handle, const struct strata_address *group, int port,
                 strata_time now)
{
    int error;
    struct udp_socket *socket = find_datagram(sockets_at(host, now), handle, &error);
    if (!socket)
        return error;
    return group && port >= 0 ? udp_leave(socket, group, port) : -EINVAL;
}
