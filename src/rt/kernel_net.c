/*
 * The kernel's sockets as a net: what all types have in common, and streams.
 *
 * A socket is AF_INET6 with IPV6_V6ONLY off, since then the kernel speaks of IPv4 as we do, by v4-mapped
 * addresses. Only where the kernel has no IPv6 is it AF_INET. ICMP echo sockets are of one family each.
 */
#include "rt/kernel.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

uint32_t kernel_ready(uint32_t events)
{
    uint32_t ready = 0;
    if (events & EPOLLIN)
        ready |= STRATA_READABLE;
    if (events & EPOLLOUT)
        ready |= STRATA_WRITABLE;
    if (events & EPOLLRDHUP)
        ready |= STRATA_READABLE | STRATA_PEER_CLOSED;
    if (events & EPOLLPRI)
        ready |= STRATA_URGENT;
    if (events & EPOLLHUP)
        ready |= STRATA_HANGUP;
    if (events & EPOLLERR)
        ready |= STRATA_ERROR;
    return ready;
}

/* ---- Addresses ----------------------------------------------------------------------------------- */

int kernel_address_from(const struct kernel_conn *conn, const struct strata_endpoint *endpoint,
                        union kernel_address *address)
{
    static const struct strata_address none;
    memset(address, 0, sizeof *address);
    if (conn->family == AF_INET6) {
        address->in6.sin6_family = AF_INET6;
        address->in6.sin6_port = htons(endpoint->port);
        address->in6.sin6_scope_id = endpoint->scope;
        memcpy(&address->in6.sin6_addr, endpoint->address.bytes, 16);
        return sizeof address->in6;
    }
    if (!strata_address_is_ipv4(&endpoint->address) && memcmp(&endpoint->address, &none, sizeof none) != 0)
        return -EAFNOSUPPORT;
    address->in.sin_family = AF_INET;
    address->in.sin_port = htons(endpoint->port);
    memcpy(&address->in.sin_addr, endpoint->address.bytes + 12, 4);
    return sizeof address->in;
}

void kernel_address_to(const union kernel_address *address, struct strata_endpoint *endpoint)
{
    memset(endpoint, 0, sizeof *endpoint);
    if (address->any.sa_family == AF_INET) {
        const uint8_t *bytes = (const uint8_t *)&address->in.sin_addr;
        endpoint->address = strata_ipv4(bytes[0], bytes[1], bytes[2], bytes[3]);
        endpoint->port = ntohs(address->in.sin_port);
    } else if (address->any.sa_family == AF_INET6) {
        memcpy(endpoint->address.bytes, &address->in6.sin6_addr, 16);
        endpoint->port = ntohs(address->in6.sin6_port);
        endpoint->scope = address->in6.sin6_scope_id;
    }
}

/* ---- Opening and closing ------------------------------------------------------------------------- */

/** A descriptor of the family that is wanted, or of the other one where the kernel lacks it. */
static int open_descriptor(struct kernel_conn *conn, int type, int protocol)
{
    int off = 0;
    conn->family = AF_INET6;
    int fd = socket(AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
    if (fd >= 0) {
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
        return fd;
    }
    if (errno != EAFNOSUPPORT)
        return -errno;
    conn->family = AF_INET;
    fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
    return fd < 0 ? -errno : fd;
}

static int open_echo(int family)
{
    int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
                    family == AF_INET ? (int)IPPROTO_ICMP : (int)IPPROTO_ICMPV6);
    return fd < 0 ? -errno : fd;
}

static void unregister(struct kernel_conn *conn)
{
    if (conn->registered)
        epoll_ctl(conn->kernel->epoll_fd, EPOLL_CTL_DEL, conn->fd, NULL);
    conn->registered = false;
}

int kernel_echo_family(struct kernel_conn *conn, const struct strata_address *address)
{
    static const struct strata_address none;
    int family =
        strata_address_is_ipv4(address) || memcmp(address, &none, sizeof none) == 0 ? AF_INET : AF_INET6;
    if (conn->type != STRATA_ECHO || family == conn->family)
        return 0;
    int fd = open_echo(family);
    if (fd < 0)
        return fd;
    unregister(conn);
    close(conn->fd);
    conn->fd = fd;
    conn->family = family;
    conn->local_port = 0;
    int error = kernel_datagram_prepare(conn);
    for (unsigned i = 0; i < conn->echo_option_count && error >= 0; i++)
        error =
            kernel_set_option(conn->kernel, conn, conn->echo_options[i].option, conn->echo_options[i].value);
    return error;
}

static struct kernel_conn *conn_of(struct strata_kernel *kernel, enum strata_socket_type type, int family,
                                   int fd)
{
    struct kernel_conn *conn = calloc(1, sizeof *conn);
    if (conn) {
        conn->kernel = kernel;
        conn->type = type;
        conn->family = family;
        conn->fd = fd;
    }
    return conn;
}

static int net_open(void *net, enum strata_socket_type type, void **made)
{
    struct kernel_conn *conn = conn_of(net, type, AF_INET, -1);
    if (!conn)
        return -ENOMEM;
    switch (type) {
    case STRATA_STREAM:
        conn->fd = open_descriptor(conn, SOCK_STREAM, IPPROTO_TCP);
        break;
    case STRATA_DATAGRAM:
        conn->fd = open_descriptor(conn, SOCK_DGRAM, IPPROTO_UDP);
        break;
    case STRATA_ECHO:
        conn->fd = open_echo(AF_INET);
        break;
    default:
        conn->fd = -EINVAL;
    }
    int error = conn->fd;
    if (error >= 0 && type != STRATA_STREAM)
        error = kernel_datagram_prepare(conn);
    if (error < 0) {
        if (conn->fd >= 0)
            close(conn->fd);
        free(conn);
        return error;
    }
    *made = conn;
    return 0;
}

static int net_adopt(void *net, int fd, void **made)
{
    struct kernel_conn *conn = conn_of(net, STRATA_STREAM, AF_INET, fd);
    if (!conn)
        return -ENOMEM;
    conn->foreign = true;
    *made = conn;
    return 0;
}

static void net_close(void *net, void *self, bool abort)
{
    struct kernel_conn *conn = self;
    (void)net;
    if (conn->foreign) {
        unregister(conn);
    } else {
        /* Lingering for no time at all makes the kernel send an RST. */
        struct linger linger = {.l_onoff = 1, .l_linger = 0};
        if (abort && conn->type == STRATA_STREAM)
            setsockopt(conn->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
        close(conn->fd);
    }
    free(conn);
}

/* ---- Calls --------------------------------------------------------------------------------------- */

static int net_bind(void *net, void *self, const struct strata_endpoint *local)
{
    struct kernel_conn *conn = self;
    union kernel_address address;
    (void)net;
    int error = kernel_echo_family(conn, &local->address);
    int length = error < 0 ? error : kernel_address_from(conn, local, &address);
    if (length < 0)
        return length;
    return bind(conn->fd, &address.any, (socklen_t)length) < 0 ? -errno : 0;
}

static int net_listen(void *net, void *self, int backlog)
{
    (void)net;
    return listen(((struct kernel_conn *)self)->fd, backlog > 0 ? backlog : SOMAXCONN) < 0 ? -errno : 0;
}

static int net_accept(void *net, void *self, void **accepted, struct strata_endpoint *peer)
{
    struct kernel_conn *listener = self;
    union kernel_address address;
    int fd;
    do {
        socklen_t length = sizeof address;
        fd = accept4(listener->fd, &address.any, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    } while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
    if (fd < 0)
        return -errno;
    struct kernel_conn *conn = conn_of(net, STRATA_STREAM, listener->family, fd);
    if (!conn) {
        close(fd);
        return -ENOMEM;
    }
    if (peer)
        kernel_address_to(&address, peer);
    *accepted = conn;
    return 0;
}

static int net_connect(void *net, void *self, const struct strata_endpoint *peer)
{
    struct kernel_conn *conn = self;
    union kernel_address address;
    (void)net;
    int error = kernel_echo_family(conn, &peer->address);
    int length = error < 0 ? error : kernel_address_from(conn, peer, &address);
    if (length < 0)
        return length;
    if (conn->type == STRATA_ECHO) /* for the kernel the port of a peer means nothing here */
        conn->echo_sequence = (uint16_t)(peer->port - 1);
    conn->peer_is_ipv4 = conn->family == AF_INET || strata_address_is_ipv4(&peer->address);
    return connect(conn->fd, &address.any, (socklen_t)length) < 0 ? -errno : 0;
}

static int64_t net_read(void *net, void *self, void *data, size_t size)
{
    ssize_t length;
    (void)net;
    do
        length = recv(((struct kernel_conn *)self)->fd, data, size, 0);
    while (length < 0 && errno == EINTR);
    return length < 0 ? -errno : length;
}

static int64_t net_write(void *net, void *self, const void *data, size_t size)
{
    ssize_t length;
    (void)net;
    do
        length = send(((struct kernel_conn *)self)->fd, data, size, MSG_NOSIGNAL);
    while (length < 0 && errno == EINTR);
    return length < 0 ? -errno : length;
}

static int net_shutdown(void *net, void *self, enum strata_shutdown how)
{
    static const int ways[] = {[STRATA_SHUTDOWN_READ] = SHUT_RD,
                               [STRATA_SHUTDOWN_WRITE] = SHUT_WR,
                               [STRATA_SHUTDOWN_BOTH] = SHUT_RDWR};
    (void)net;
    if (how < STRATA_SHUTDOWN_READ || how > STRATA_SHUTDOWN_BOTH)
        return -EINVAL;
    return shutdown(((struct kernel_conn *)self)->fd, ways[how]) < 0 ? -errno : 0;
}

static int net_local(void *net, void *self, struct strata_endpoint *local)
{
    union kernel_address address = {.any.sa_family = AF_UNSPEC};
    socklen_t length = sizeof address;
    (void)net;
    if (getsockname(((struct kernel_conn *)self)->fd, &address.any, &length) < 0)
        return -errno;
    kernel_address_to(&address, local);
    return 0;
}

static int net_peer(void *net, void *self, struct strata_endpoint *peer)
{
    union kernel_address address = {.any.sa_family = AF_UNSPEC};
    socklen_t length = sizeof address;
    (void)net;
    if (getpeername(((struct kernel_conn *)self)->fd, &address.any, &length) < 0)
        return -errno;
    kernel_address_to(&address, peer);
    return 0;
}

static int net_error(void *net, void *self)
{
    int error = 0;
    socklen_t length = sizeof error;
    (void)net;
    if (getsockopt(((struct kernel_conn *)self)->fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0)
        return -errno;
    return -error;
}

static int net_readiness(void *net, void *self)
{
    struct pollfd fd = {.fd = ((struct kernel_conn *)self)->fd,
                        .events = POLLIN | POLLOUT | POLLRDHUP | POLLPRI};
    (void)net;
    if (poll(&fd, 1, 0) < 0 && errno != EINTR)
        return -errno;
    if (fd.revents & POLLNVAL)
        return -EBADF;
    return (int)kernel_ready((uint32_t)fd.revents);
}

static int net_arm(void *net, void *self, uint32_t ready, void *token)
{
    struct strata_kernel *kernel = net;
    struct kernel_conn *conn = self;
    conn->armed = ready;
    conn->token = token;
    if (conn->registered)
        return 0;
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET,
                                .data.ptr = conn};
    if (epoll_ctl(kernel->epoll_fd, EPOLL_CTL_ADD, conn->fd, &event) < 0)
        return -errno;
    conn->registered = true;
    return 0;
}

const struct strata_net_ops kernel_net_ops = {
    .name = "kernel",
    .open = net_open,
    .adopt = net_adopt,
    .bind = net_bind,
    .listen = net_listen,
    .accept = net_accept,
    .connect = net_connect,
    .read = net_read,
    .write = net_write,
    .send = kernel_send,
    .receive = kernel_receive,
    .receive_error = kernel_receive_error,
    .shutdown = net_shutdown,
    .set_option = kernel_set_option,
    .get_option = kernel_get_option,
    .local = net_local,
    .peer = net_peer,
    .readiness = net_readiness,
    .arm = net_arm,
    .error = net_error,
    .member = kernel_member,
    .close = net_close,
};
