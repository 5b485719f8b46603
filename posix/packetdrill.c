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
#include "posix/visit.h"

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

/* ---- Opening ----------------------------------------------------------------------------------------------- */

static int call_socket(void *self, int domain, int type, int protocol)
{
    struct visit visit = visit_begin(self);
    struct posix_socket socket;
    if (visit.drill) {
        visit.result = posix_open(&socket, visit.drill->host, &visit.drill->rules, domain, type, protocol);
        if (visit.result == 0)
            visit.result = visit_add(&visit, &socket);
    }
    return (int)visit_end(&visit);
}

static int call_bind(void *self, int fd, const struct sockaddr *address, socklen_t length)
{
    struct visit visit = visit_socket(self, fd);
    struct strata_endpoint local;
    if (visit.socket) {
        if (address_from_posix(address, length, visit.socket->domain, &local) == 0)
            drill_learn(visit.drill, &local.address);
        visit.result = posix_bind(visit.socket, address, length);
    }
    return (int)visit_end(&visit);
}

static int call_listen(void *self, int fd, int backlog)
{
    struct visit visit = visit_socket(self, fd);
    if (visit.socket)
        visit.result = posix_listen(visit.socket, backlog, visit.drill->now);
    return (int)visit_end(&visit);
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
    struct visit visit = visit_socket(self, fd);
    const struct posix_socket *socket = visit.socket;
    if (socket) {
        struct accept_call accept = {
            .call = visit_call(&visit, attempt_accept, -EAGAIN, !socket->nonblocking, socket->receive_timeout_ns),
            .address = address,
            .length = length,
        };
        visit.result = drill_wait(&accept.call);
        if (visit.result == 0)
            visit.result = visit_add(&visit, &accept.accepted);
    }
    return (int)visit_end(&visit);
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

static int call_connect(void *self, int fd, const struct sockaddr *address, socklen_t length)
{
    struct visit visit = visit_socket(self, fd);
    struct posix_socket *socket = visit.socket;
    struct strata_endpoint peer;
    if (!socket)
        return (int)visit_end(&visit);
    if (address_from_posix(address, length, socket->domain, &peer) == 0)
        learn_to_speak(visit.drill, &peer);
    visit.result = posix_connect(socket, address, length, visit.drill->now);
    if (visit.result == -EINPROGRESS || (visit.result == -EALREADY && !socket->nonblocking)) {
        struct drill_call call =
            visit_call(&visit, attempt_connect, -EINPROGRESS, !socket->nonblocking, socket->send_timeout_ns);
        visit.result = drill_wait(&call);
    }
    return (int)visit_end(&visit);
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
    struct visit visit = visit_socket(self, fd);
    const struct posix_socket *socket = visit.socket;
    if (socket)
        visit.result = posix_message_size(message);
    if (visit.result < 0)
        return visit_end(&visit);
    bool waits = !socket->nonblocking && !(flags & (MSG_DONTWAIT | MSG_ERRQUEUE | MSG_OOB));
    struct message_call receive = {
        .call = visit_call(&visit, attempt_receive, -EAGAIN, waits, socket->receive_timeout_ns),
        .message = message,
        .flags = flags,
        .size = (size_t)visit.result,
    };
    visit.result = drill_wait(&receive.call);
    return visit_end(&visit);
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
    return count < 0 || count > IOV_MAX ? visit_answer(-EINVAL) : receive_message(self, fd, &message, 0);
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
    struct visit visit = visit_socket(self, fd);
    const struct posix_socket *socket = visit.socket;
    struct strata_endpoint peer;
    if (socket)
        visit.result = posix_message_size(message);
    if (visit.result < 0)
        return visit_end(&visit);
    if (message->msg_name && address_from_posix(message->msg_name, message->msg_namelen, socket->domain, &peer) == 0)
        learn_to_speak(visit.drill, &peer);
    bool waits = !socket->nonblocking && !(flags & MSG_DONTWAIT);
    struct message_call send = {
        .call = visit_call(&visit, attempt_send, -EAGAIN, waits, socket->send_timeout_ns),
        .message = (struct msghdr *)message,
        .flags = flags,
        .size = (size_t)visit.result,
    };
    visit.result = drill_wait(&send.call);
    return visit_end(&visit);
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
    return count < 0 || count > IOV_MAX ? visit_answer(-EINVAL) : send_message(self, fd, &message, 0);
}

/* ---- Descriptors and options --------------------------------------------------------------------------------- */

static int call_fcntl(void *self, int fd, int command, ...)
{
    va_list arguments;
    va_start(arguments, command);
    long value = command == F_GETFL || command == F_GETFD ? 0 : va_arg(arguments, long);
    va_end(arguments);
    struct visit visit = visit_socket(self, fd);
    if (visit.socket && command == F_GETFL)
        visit.result = O_RDWR | (visit.socket->nonblocking ? O_NONBLOCK : 0);
    else if (visit.socket && command == F_SETFL)
        visit.socket->nonblocking = (value & O_NONBLOCK) != 0;
    else if (visit.socket && command != F_GETFD && command != F_SETFD)
        visit.result = -EINVAL;
    return (int)visit_end(&visit);
}

static int call_ioctl(void *self, int fd, unsigned long request, ...)
{
    va_list arguments;
    va_start(arguments, request);
    int *value = va_arg(arguments, int *);
    va_end(arguments);
    struct visit visit = visit_socket(self, fd);
    if (visit.socket)
        visit.result = posix_ioctl(visit.socket, request, value);
    return (int)visit_end(&visit);
}

static int call_close(void *self, int fd)
{
    struct visit visit = visit_socket(self, fd);
    if (visit.socket)
        visit.result = posix_close(visit.socket, visit.drill->now);
    else if (visit.drill && drill_epoll(visit.drill, fd))
        visit.result = 0;
    if (visit.result == 0)
        drill_remove(visit.drill, fd);
    return (int)visit_end(&visit);
}

static int call_shutdown(void *self, int fd, int how)
{
    struct visit visit = visit_socket(self, fd);
    if (visit.socket)
        visit.result = posix_shutdown(visit.socket, how, visit.drill->now);
    return (int)visit_end(&visit);
}

static int call_getsockopt(void *self, int fd, int level, int name, void *value, socklen_t *length)
{
    struct visit visit = visit_socket(self, fd);
    if (visit.socket) {
        strata_host_advance(visit.socket->host, visit.drill->now); // TCP_INFO tells how long ago things were
        visit.result = posix_get_option(visit.socket, level, name, value, length);
    }
    return (int)visit_end(&visit);
}

static int call_setsockopt(void *self, int fd, int level, int name, const void *value, socklen_t length)
{
    struct visit visit = visit_socket(self, fd);
    if (visit.socket)
        visit.result = posix_set_option(visit.socket, level, name, value, length, visit.drill->now);
    return (int)visit_end(&visit);
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

/** Until when poll and epoll_wait wait; their timeouts are milliseconds, or less than 0 for ever. */
static strata_time poll_deadline(const struct drill *drill, int timeout)
{
    return timeout < 0 ? STRATA_NEVER : drill->now + timeout * STRATA_MILLISECOND;
}

static int call_poll(void *self, struct pollfd *entries, nfds_t count, int timeout)
{
    struct visit visit = visit_begin(self);
    if (visit.drill) {
        struct poll_call poll = {
            .call = {.attempt = attempt_poll, .drill = visit.drill, .deadline = poll_deadline(visit.drill, timeout)},
            .entries = entries,
            .count = count,
        };
        visit.result = drill_wait(&poll.call);
    }
    return (int)visit_end(&visit);
}

/* ---- The wire and the clock ------------------------------------------------------------------------------------ */

static int call_netdev_send(void *self, const void *packet, size_t length)
{
    struct visit visit = visit_begin(self);
    if (visit.drill)
        drill_input(visit.drill, packet, length);
    return (int)visit_end(&visit);
}

static int call_netdev_receive(void *self, void *packet, size_t *length, long long *time_us)
{
    struct visit visit = visit_begin(self);
    struct drill_packet *next = visit.drill ? drill_output(visit.drill) : NULL;
    size_t room = *length;
    *length = 0;
    if (visit.drill)
        *time_us = (next ? next->sent_at : visit.drill->now) / STRATA_MICROSECOND;
    if (next && next->length <= room) {
        *length = next->length;
        memcpy(packet, next->bytes, next->length);
    }
    free(next);
    visit.result = 0; // anything else, and the program would try for ever
    return (int)visit_end(&visit);
}

static int call_usleep(void *self, useconds_t microseconds)
{
    if (self)
        drill_yield(self);
    struct visit visit = visit_begin(self);
    if (visit.drill)
        drill_advance(visit.drill, visit.drill->now + microseconds * STRATA_MICROSECOND);
    return (int)visit_end(&visit);
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
    struct visit visit = visit_begin(self);
    if (visit.drill)
        visit.result = size > 0 ? drill_add_epoll(visit.drill) : -EINVAL;
    return (int)visit_end(&visit);
}

static int call_epoll_ctl(void *self, int fd, int operation, int of, struct epoll_event *event)
{
    struct visit visit = visit_socket(self, of);
    struct posix_epoll *epoll = visit.socket ? drill_epoll(visit.drill, fd) : NULL;
    if (visit.socket)
        visit.result = epoll ? epoll_change(epoll, operation, of, visit.socket, event) : -EBADF;
    return (int)visit_end(&visit);
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
    struct visit visit = visit_begin(self);
    if (visit.drill && room <= 0)
        visit.result = -EINVAL;
    if (visit.result == 0) {
        struct epoll_call wait = {
            .call = {.attempt = attempt_epoll, .drill = visit.drill, .deadline = poll_deadline(visit.drill, timeout)},
            .fd = fd,
            .room = room,
            .events = events,
        };
        visit.result = drill_wait(&wait.call);
    }
    return (int)visit_end(&visit);
}

/* ---- Of Linux only: not here ------------------------------------------------------------------------------------ */

static int call_pipe(void *self, int fds[2])
{
    (void)self, (void)fds;
    return (int)visit_answer(-ENOSYS);
}

static int call_splice(void *self, int from, loff_t *from_offset, int to, loff_t *to_offset, size_t size,
                       unsigned flags)
{
    (void)self, (void)from, (void)from_offset, (void)to, (void)to_offset, (void)size, (void)flags;
    return (int)visit_answer(-ENOSYS);
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
    return next ? next(fd, level, name, value, length) : (int)visit_answer(-ENOSYS);
}

int mlockall(int flags)
{
    (void)flags;
    return 0;
}
