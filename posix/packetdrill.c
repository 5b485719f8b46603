/**
 * libstrata_packetdrill.so: one Strata host behind the interface that packetdrill has for stacks in user space, so that
 * its scripts run against Strata without root, without a network and in virtual time. See docs/packetdrill.md.
 *
 * The program loads this library, calls packetdrill_interface_init and from then on finds every call in the table it
 * got. Put into LD_PRELOAD too, the library answers getsockopt for its own descriptors (scripts look at TCP_INFO that
 * way) and makes mlockall do nothing.
 */
#include "posix/address.h"
#include "posix/drill.h"
#include "posix/packetdrill.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

EXPORT int getsockopt(int fd, int level, int name, void *value, socklen_t *length);
EXPORT int mlockall(int flags);

/** The C library's way of saying no. */
static ssize_t answer(int64_t result)
{
    if (result >= 0)
        return (ssize_t)result;
    errno = (int)-result;
    return -1;
}

/** Begins a call for a descriptor. @return its socket; NULL: none, and the call is over. */
static struct posix_socket *enter(struct drill *drill, int fd)
{
    if (!drill) { // the flags were wrong
        errno = ENODEV;
        return NULL;
    }
    drill_enter(drill);
    struct posix_socket *socket = drill_socket(drill, fd);
    if (!socket) {
        drill_leave(drill);
        errno = EBADF;
    }
    return socket;
}

static ssize_t leave(struct drill *drill, int64_t result)
{
    drill_leave(drill);
    return answer(result);
}

/** Until when a call waits: not at all, for a while, for ever. */
static strata_time deadline_of(const struct drill *drill, bool waits, strata_time timeout)
{
    return !waits ? drill->now : timeout ? drill->now + timeout : STRATA_NEVER;
}

/* ---- Opening ----------------------------------------------------------------------------------------------- */

static int call_socket(void *self, int domain, int type, int protocol)
{
    struct drill *drill = self;
    struct posix_socket socket;
    if (!drill)
        return (int)answer(-ENODEV);
    drill_enter(drill);
    int result = posix_open(&socket, drill->host, &drill->rules, domain, type, protocol);
    if (result == 0) {
        result = drill_add(drill, &socket);
        if (result < 0)
            (void)posix_close(&socket, drill->now);
    }
    return (int)leave(drill, result);
}

static int call_bind(void *self, int fd, const struct sockaddr *address, socklen_t length)
{
    struct drill *drill = self;
    struct posix_socket *socket = enter(drill, fd);
    struct strata_endpoint local;
    if (!socket)
        return -1;
    if (address_from_posix(address, length, socket->domain, &local) == 0)
        drill_learn(drill, &local.address);
    return (int)leave(drill, posix_bind(socket, address, length));
}

static int call_listen(void *self, int fd, int backlog)
{
    struct drill *drill = self;
    struct posix_socket *socket = enter(drill, fd);
    return socket ? (int)leave(drill, posix_listen(socket, backlog, drill->now)) : -1;
}

struct accept_call {
    struct drill_call call;
    struct sockaddr *address;
    socklen_t *length;
    struct posix_socket accepted;
};

static int64_t attempt_accept(struct drill_call *call)
{
    struct accept_call *accept = (struct accept_call *)call;
    return posix_accept(call->socket, &accept->accepted, accept->address, accept->length, call->drill->now);
}

static int call_accept(void *self, int fd, struct sockaddr *address, socklen_t *length)
{
    struct drill *drill = self;
    struct posix_socket *socket = enter(drill, fd);
    if (!socket)
        return -1;
    struct accept_call accept = {
        .call = {.attempt = attempt_accept, .drill = drill, .socket = socket, .expired = -EAGAIN,
                 .deadline = deadline_of(drill, !socket->nonblocking, socket->receive_timeout_ns)},
        .address = address,
        .length = length,
    };
    int64_t result = drill_wait(&accept.call);
    if (result == 0) {
        result = drill_add(drill, &accept.accepted);
        if (result < 0)
            (void)posix_close(&accept.accepted, drill->now);
    }
    return (int)leave(drill, result);
}

static int64_t attempt_connect(struct drill_call *call)
{
    return posix_connect_result(call->socket);
}

/** Without a local address a host cannot speak: where any is ours, one is made up that is nobody else's. */
static void learn_to_speak(struct drill *drill, const struct strata_endpoint *peer)
{
    struct strata_address local = strata_ipv4(198, 51, 100, 1), known;
    bool ipv4 = strata_address_is_ipv4(&peer->address);
    unsigned prefix_length;
    for (unsigned i = 0; strata_address_get(drill->host, drill->port, i, &known, &prefix_length) == 0; i++)
        if (strata_address_is_ipv4(&known) == ipv4)
            return;
    if (!ipv4)
        (void)strata_address_parse("fd57:7261:7461::1", &local);
    drill_learn(drill, &local);
}

/** Waits for a connection that is being made. */
static int64_t wait_connected(struct drill *drill, struct posix_socket *socket)
{
    struct drill_call call = {.attempt = attempt_connect, .drill = drill, .socket = socket, .expired = -EINPROGRESS,
                              .deadline = deadline_of(drill, !socket->nonblocking, socket->send_timeout_ns)};
    return drill_wait(&call);
}

static int call_connect(void *self, int fd, const struct sockaddr *address, socklen_t length)
{
    struct drill *drill = self;
    struct posix_socket *socket = enter(drill, fd);
    struct strata_endpoint peer;
    if (!socket)
        return -1;
    if (address_from_posix(address, length, socket->domain, &peer) == 0)
        learn_to_speak(drill, &peer);
    int64_t result = posix_connect(socket, address, length, drill->now);
    if (result == -EINPROGRESS || (result == -EALREADY && !socket->nonblocking))
        result = wait_connected(drill, socket);
    return (int)leave(drill, result);
}

/* ---- Reading ----------------------------------------------------------------------------------------------- */

struct message_call {
    struct drill_call call;
    struct msghdr *message;
    int flags;
    size_t done, size;
    bool with_syn; /**< The data may have gone with the SYN. */
};

static int64_t attempt_receive(struct drill_call *call)
{
    struct message_call *receive = (struct message_call *)call;
    struct posix_socket *socket = call->socket;
    size_t least = receive->flags & MSG_WAITALL ? receive->size : socket->receive_low_water;
    bool may_wait = call->drill->now < call->deadline;
    if (may_wait && least > 1 && socket->type == SOCK_STREAM && !(receive->flags & MSG_PEEK)) {
        // Waiting for more than an octet: not before that much is there, or no more will come.
        int there = 0;
        (void)posix_ioctl(socket, FIONREAD, &there);
        bool more = !(posix_poll(socket, POLLRDHUP) & (POLLRDHUP | POLLHUP | POLLERR));
        if (more && (size_t)there < (least < receive->size ? least : receive->size))
            return -EAGAIN;
    }
    return posix_receive(socket, receive->message, receive->flags, call->drill->now);
}

static ssize_t receive_message(void *self, int fd, struct msghdr *message, int flags)
{
    struct drill *drill = self;
    struct posix_socket *socket = enter(drill, fd);
    if (!socket)
        return -1;
    int64_t size = posix_message_size(message);
    if (size < 0)
        return leave(drill, size);
    bool waits = !socket->nonblocking && !(flags & (MSG_DONTWAIT | MSG_ERRQUEUE | MSG_OOB));
    struct message_call receive = {
        .call = {.attempt = attempt_receive, .drill = drill, .socket = socket, .expired = -EAGAIN,
                 .deadline = deadline_of(drill, waits, socket->receive_timeout_ns)},
        .message = message,
        .flags = flags,
        .size = (size_t)size,
    };
    return leave(drill, drill_wait(&receive.call));
}

static ssize_t call_recvfrom(void *self, int fd, void *data, size_t size, int flags, struct sockaddr *address,
                             socklen_t *length)
{
    struct iovec piece = {data, size};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
    message.msg_name = length ? address : NULL;
    message.msg_namelen = length ? *length : 0;
    ssize_t result = receive_message(self, fd, &message, flags);
    if (result >= 0 && length)
        *length = message.msg_namelen;
    return result;
}

static ssize_t call_recv(void *self, int fd, void *data, size_t size, int flags)
{
    return call_recvfrom(self, fd, data, size, flags, NULL, NULL);
}

static ssize_t call_read(void *self, int fd, void *data, size_t size)
{
    return call_recv(self, fd, data, size, 0);
}

static ssize_t call_readv(void *self, int fd, const struct iovec *pieces, int count)
{
    struct msghdr message = {.msg_iov = (struct iovec *)pieces, .msg_iovlen = count > 0 ? (size_t)count : 0};
    return count < 0 || count > IOV_MAX ? answer(-EINVAL) : receive_message(self, fd, &message, 0);
}

/* ---- Writing ----------------------------------------------------------------------------------------------- */

/** Where data went with the SYN, one who waits also waits for what becomes of it. */
static int64_t attempt_finish(struct message_call *send)
{
    struct posix_socket *socket = send->call.socket;
    bool waits = send->call.drill->now < send->call.deadline;
    int error = waits && send->with_syn && socket->connecting ? posix_connect_result(socket) : 0;
    send->call.expired = (int64_t)send->done;
    return error ? error : (int64_t)send->done;
}

static int64_t attempt_send(struct drill_call *call)
{
    struct message_call *send = (struct message_call *)call;
    bool connecting = call->socket->connecting; // an error is about that, not about what was taken
    if (send->size > 0 && send->done == send->size)
        return attempt_finish(send);
    send->with_syn |= send->flags & MSG_FASTOPEN || call->socket->deferred;
    int64_t taken = posix_send(call->socket, send->message, send->done, send->flags, call->drill->now);
    if (taken > 0)
        send->done += (size_t)taken;
    call->eager = call->socket->connecting;
    if (taken == -EINPROGRESS && call->drill->now < call->deadline) {
        send->flags &= ~MSG_FASTOPEN; // without data in the SYN it is as an ordinary connect and write
        call->expired = -EINPROGRESS;
        return -EAGAIN;
    }
    if (taken > 0)
        send->flags &= ~MSG_FASTOPEN;
    if (taken < 0 && taken != -EAGAIN)
        return send->done > 0 && !connecting ? (int64_t)send->done : taken;
    if (send->done < send->size) {
        if (send->done > 0)
            call->expired = (int64_t)send->done;
        return -EAGAIN;
    }
    return attempt_finish(send);
}

static ssize_t send_message(void *self, int fd, const struct msghdr *message, int flags)
{
    struct drill *drill = self;
    struct posix_socket *socket = enter(drill, fd);
    if (!socket)
        return -1;
    int64_t size = posix_message_size(message);
    if (size < 0)
        return leave(drill, size);
    struct strata_endpoint peer;
    if (message->msg_name && address_from_posix(message->msg_name, message->msg_namelen, socket->domain, &peer) == 0)
        learn_to_speak(drill, &peer);
    bool waits = !socket->nonblocking && !(flags & MSG_DONTWAIT);
    struct message_call send = {
        .call = {.attempt = attempt_send, .drill = drill, .socket = socket, .expired = -EAGAIN,
                 .deadline = deadline_of(drill, waits, socket->send_timeout_ns)},
        .message = (struct msghdr *)message,
        .flags = flags,
        .size = (size_t)size,
    };
    return leave(drill, drill_wait(&send.call));
}

static ssize_t call_sendto(void *self, int fd, const void *data, size_t size, int flags, const struct sockaddr *address,
                           socklen_t length)
{
    struct iovec piece = {(void *)data, size};
    struct msghdr message = {
        .msg_name = (void *)address, .msg_namelen = length, .msg_iov = &piece, .msg_iovlen = 1};
    return send_message(self, fd, &message, flags);
}

static ssize_t call_send(void *self, int fd, const void *data, size_t size, int flags)
{
    return call_sendto(self, fd, data, size, flags, NULL, 0);
}

static ssize_t call_write(void *self, int fd, const void *data, size_t size)
{
    return call_send(self, fd, data, size, 0);
}

static ssize_t call_writev(void *self, int fd, const struct iovec *pieces, int count)
{
    struct msghdr message = {.msg_iov = (struct iovec *)pieces, .msg_iovlen = count > 0 ? (size_t)count : 0};
    return count < 0 || count > IOV_MAX ? answer(-EINVAL) : send_message(self, fd, &message, 0);
}

/* ---- Descriptors and options --------------------------------------------------------------------------------- */

static int call_fcntl(void *self, int fd, int command, ...)
{
    struct drill *drill = self;
    va_list arguments;
    va_start(arguments, command);
    long value = command == F_GETFL || command == F_GETFD ? 0 : va_arg(arguments, long);
    va_end(arguments);
    struct posix_socket *socket = enter(drill, fd);
    if (!socket)
        return -1;
    int result = -EINVAL;
    if (command == F_GETFL)
        result = O_RDWR | (socket->nonblocking ? O_NONBLOCK : 0);
    if (command == F_SETFL) {
        socket->nonblocking = (value & O_NONBLOCK) != 0;
        result = 0;
    }
    if (command == F_GETFD || command == F_SETFD)
        result = 0;
    return (int)leave(drill, result);
}

static int call_ioctl(void *self, int fd, unsigned long request, ...)
{
    struct drill *drill = self;
    va_list arguments;
    va_start(arguments, request);
    int *value = va_arg(arguments, int *);
    va_end(arguments);
    struct posix_socket *socket = enter(drill, fd);
    return socket ? (int)leave(drill, posix_ioctl(socket, request, value)) : -1;
}

static int call_close(void *self, int fd)
{
    struct drill *drill = self;
    if (!drill)
        return (int)answer(-ENODEV);
    drill_enter(drill);
    struct posix_socket *socket = drill_socket(drill, fd);
    int result = socket ? posix_close(socket, drill->now) : drill_epoll(drill, fd) ? 0 : -EBADF;
    if (result == 0)
        drill_remove(drill, fd);
    return (int)leave(drill, result);
}

static int call_shutdown(void *self, int fd, int how)
{
    struct drill *drill = self;
    struct posix_socket *socket = enter(drill, fd);
    return socket ? (int)leave(drill, posix_shutdown(socket, how, drill->now)) : -1;
}

static int call_getsockopt(void *self, int fd, int level, int name, void *value, socklen_t *length)
{
    struct drill *drill = self;
    struct posix_socket *socket = enter(drill, fd);
    if (socket)
        strata_host_advance(socket->host, drill->now); // TCP_INFO tells how long ago things were
    return socket ? (int)leave(drill, posix_get_option(socket, level, name, value, length)) : -1;
}

static int call_setsockopt(void *self, int fd, int level, int name, const void *value, socklen_t length)
{
    struct drill *drill = self;
    struct posix_socket *socket = enter(drill, fd);
    return socket ? (int)leave(drill, posix_set_option(socket, level, name, value, length, drill->now)) : -1;
}

struct poll_call {
    struct drill_call call;
    struct pollfd *entries;
    nfds_t count;
};

static int64_t attempt_poll(struct drill_call *call)
{
    struct poll_call *poll = (struct poll_call *)call;
    int64_t ready = 0;
    for (nfds_t i = 0; i < poll->count; i++) {
        struct pollfd *entry = &poll->entries[i];
        const struct posix_socket *socket = drill_socket(call->drill, entry->fd);
        entry->revents = entry->fd < 0 ? 0 : socket ? posix_poll(socket, entry->events) : POLLNVAL;
        ready += entry->revents != 0;
    }
    return ready > 0 ? ready : -EAGAIN;
}

static int call_poll(void *self, struct pollfd *entries, nfds_t count, int timeout)
{
    struct drill *drill = self;
    if (!drill)
        return (int)answer(-ENODEV);
    drill_enter(drill);
    struct poll_call poll = {
        .call = {.attempt = attempt_poll, .drill = drill,
                 .deadline = timeout < 0 ? STRATA_NEVER : drill->now + timeout * STRATA_MILLISECOND},
        .entries = entries,
        .count = count,
    };
    return (int)leave(drill, drill_wait(&poll.call));
}

/* ---- The wire and the clock ------------------------------------------------------------------------------------ */

static int call_netdev_send(void *self, const void *packet, size_t length)
{
    struct drill *drill = self;
    if (!drill)
        return (int)answer(-ENODEV);
    drill_enter(drill);
    drill_input(drill, packet, length);
    return (int)leave(drill, 0);
}

static int call_netdev_receive(void *self, void *packet, size_t *length, long long *time_us)
{
    struct drill *drill = self;
    if (!drill) {
        *length = 0;
        return 0;
    }
    drill_enter(drill);
    struct drill_packet *next = drill_output(drill);
    *time_us = (next ? next->sent_at : drill->now) / STRATA_MICROSECOND;
    size_t room = *length;
    *length = next ? next->length : 0;
    if (next && next->length <= room)
        memcpy(packet, next->bytes, next->length);
    else
        *length = 0;
    free(next);
    return (int)leave(drill, 0);
}

static int call_usleep(void *self, useconds_t microseconds)
{
    struct drill *drill = self;
    if (!drill)
        return (int)answer(-ENODEV);
    drill_yield(drill);
    drill_enter(drill);
    drill_advance(drill, drill->now + microseconds * STRATA_MICROSECOND);
    return (int)leave(drill, 0);
}

static int call_gettimeofday(void *self, struct timeval *time, struct timezone *zone)
{
    struct drill *drill = self;
    (void)zone;
    if (!drill)
        return gettimeofday(time, NULL);
    pthread_mutex_lock(&drill->lock);
    strata_time now = drill_clock(drill);
    pthread_mutex_unlock(&drill->lock);
    time->tv_sec = now / STRATA_SECOND;
    time->tv_usec = now % STRATA_SECOND / STRATA_MICROSECOND;
    return 0;
}

static void call_free(void *self)
{
    if (self)
        drill_free(self);
}

/* ---- epoll ------------------------------------------------------------------------------------------------------ */

static int call_epoll_create(void *self, int size)
{
    struct drill *drill = self;
    if (!drill || size <= 0)
        return (int)answer(drill ? -EINVAL : -ENODEV);
    drill_enter(drill);
    return (int)leave(drill, drill_add_epoll(drill));
}

static int call_epoll_ctl(void *self, int fd, int operation, int of, struct epoll_event *event)
{
    struct drill *drill = self;
    if (!drill)
        return (int)answer(-ENODEV);
    drill_enter(drill);
    struct posix_epoll *epoll = drill_epoll(drill, fd);
    const struct posix_socket *socket = drill_socket(drill, of);
    return (int)leave(drill, epoll && socket ? epoll_change(epoll, operation, of, socket, event) : -EBADF);
}

struct epoll_call {
    struct drill_call call;
    int fd, room;
    struct epoll_event *events;
};

static int64_t attempt_epoll(struct drill_call *call)
{
    struct epoll_call *wait = (struct epoll_call *)call;
    struct posix_epoll *epoll = drill_epoll(call->drill, wait->fd);
    int ready = epoll ? epoll_ready(epoll, wait->events, wait->room) : -EBADF;
    return ready != 0 ? ready : -EAGAIN;
}

static int call_epoll_wait(void *self, int fd, struct epoll_event *events, int room, int timeout)
{
    struct drill *drill = self;
    if (!drill || room <= 0)
        return (int)answer(drill ? -EINVAL : -ENODEV);
    drill_enter(drill);
    struct epoll_call wait = {
        .call = {.attempt = attempt_epoll, .drill = drill,
                 .deadline = timeout < 0 ? STRATA_NEVER : drill->now + timeout * STRATA_MILLISECOND},
        .fd = fd,
        .room = room,
        .events = events,
    };
    return (int)leave(drill, drill_wait(&wait.call));
}

/* ---- Of Linux only: not here ------------------------------------------------------------------------------------ */

static int call_pipe(void *self, int fds[2])
{
    (void)self, (void)fds;
    return (int)answer(-ENOSYS);
}

static int call_splice(void *self, int from, loff_t *from_offset, int to, loff_t *to_offset, size_t size,
                       unsigned flags)
{
    (void)self, (void)from, (void)from_offset, (void)to, (void)to_offset, (void)size, (void)flags;
    return (int)answer(-ENOSYS);
}

/* ---- What others see -------------------------------------------------------------------------------------------- */

EXPORT void packetdrill_interface_init(const char *flags, struct packetdrill_table *table)
{
    *table = (struct packetdrill_table){
        .userdata = drill_new(flags),
        .free = call_free,
        .socket = call_socket,
        .bind = call_bind,
        .listen = call_listen,
        .accept = call_accept,
        .connect = call_connect,
        .read = call_read,
        .readv = call_readv,
        .recv = call_recv,
        .recvfrom = call_recvfrom,
        .recvmsg = receive_message,
        .write = call_write,
        .writev = call_writev,
        .send = call_send,
        .sendto = call_sendto,
        .sendmsg = send_message,
        .fcntl = call_fcntl,
        .ioctl = call_ioctl,
        .close = call_close,
        .shutdown = call_shutdown,
        .getsockopt = call_getsockopt,
        .setsockopt = call_setsockopt,
        .poll = call_poll,
        .netdev_send = call_netdev_send,
        .netdev_receive = call_netdev_receive,
        .usleep = call_usleep,
        .gettimeofday = call_gettimeofday,
        .epoll_create = call_epoll_create,
        .epoll_ctl = call_epoll_ctl,
        .epoll_wait = call_epoll_wait,
        .pipe = call_pipe,
        .splice = call_splice,
    };
}

int getsockopt(int fd, int level, int name, void *value, socklen_t *length)
{
    struct drill *drill = drill_find(fd);
    if (drill)
        return call_getsockopt(drill, fd, level, name, value, length);
    int (*next)(int, int, int, void *, socklen_t *) =
        (int (*)(int, int, int, void *, socklen_t *))dlsym(RTLD_NEXT, "getsockopt");
    return next ? next(fd, level, name, value, length) : (int)answer(-ENOSYS);
}

int mlockall(int flags)
{
    (void)flags;
    return 0;
}
