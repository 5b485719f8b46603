/**
 * POSIX's socket calls on a Strata host, without waiting: what a call would block for is -EAGAIN, and whoever has
 * threads, fibers or a loop waits in its own way and asks again. Meanings of errors, flags and options are Linux's,
 * which is what programs are written for.
 *
 * A translation of names and numbers only: addresses in address.c, options in option.c, what TCP tells in info.c.
 */
#ifndef POSIX_SOCKET_H
#define POSIX_SOCKET_H

#include <strata/strata.h>
#include <sys/socket.h>
#include <sys/uio.h>

/** Where systems differ. */
struct posix_rules {
    bool double_buffers;  /**< SO_SNDBUF and SO_RCVBUF are for data, as much again is for bookkeeping (Linux). */
    bool implied_connect; /**< Writing to an address connects a stream first (BSD). */
    bool link_full;       /**< The link's queue takes nothing (tc qdisc ... pfifo limit 0). */
};

/** A socket as a program has it. */
struct posix_socket {
    struct strata_host *host;
    strata_socket handle;
    const struct posix_rules *rules;
    int domain;             /**< AF_INET, AF_INET6. */
    int type;               /**< SOCK_STREAM, SOCK_DGRAM. */
    strata_time receive_timeout_ns, send_timeout_ns; /**< SO_RCVTIMEO, SO_SNDTIMEO; 0: none. */
    uint32_t receive_low_water; /**< SO_RCVLOWAT. */
    bool nonblocking;       /**< O_NONBLOCK. */
    bool listening;
    bool connecting;        /**< connect was called; what came of it has not been told yet. */
    bool deferred;          /**< connect was called; the SYN waits for data to carry (TCP_FASTOPEN_CONNECT). */
    bool connected;         /**< It was told that the connection stands. */
    bool reset_told;        /**< An error has been told: from now on the stream is at its end. */
    bool read_shut;         /**< shutdown(SHUT_RD): what is there may still be read, after that it is the end. */
    bool write_shut;        /**< shutdown(SHUT_WR). */
    bool inquire;           /**< TCP_INQ: recvmsg tells what is left. */
    uint32_t priority, mark; /**< SO_PRIORITY, SO_MARK: kept and told again, without effect. */
};

/** socket(2): fills in the record. @return 0 or a negative errno. */
int posix_open(struct posix_socket *socket, struct strata_host *host, const struct posix_rules *rules, int domain,
               int type, int protocol);
int posix_bind(struct posix_socket *socket, const struct sockaddr *address, socklen_t length);
int posix_listen(struct posix_socket *socket, int backlog, strata_time now);
/** Fills in the record of the accepted one. @return 0, -EAGAIN, ... */
int posix_accept(struct posix_socket *listener, struct posix_socket *accepted, struct sockaddr *address,
                 socklen_t *length, strata_time now);
/** Begins to connect, and then says how far it is: -EINPROGRESS the first time, -EALREADY, 0 or an error once. */
int posix_connect(struct posix_socket *socket, const struct sockaddr *address, socklen_t length, strata_time now);
/** For who waits for connect: 0, -EAGAIN, or why it failed. */
int posix_connect_result(struct posix_socket *socket);

/** recvmsg(2) with MSG_PEEK, MSG_TRUNC, MSG_OOB; flags that say how to wait are the caller's business. */
int64_t posix_receive(struct posix_socket *socket, struct msghdr *message, int flags, strata_time now);
/** sendmsg(2), from octet `skip` of the message on, as much as there is room for. With MSG_FASTOPEN it begins to
 * connect first; -EINPROGRESS: nothing could go with the SYN, and one who waits goes on without the flag. */
int64_t posix_send(struct posix_socket *socket, const struct msghdr *message, size_t skip, int flags, strata_time now);
/** Octets in a message. @return -EINVAL, -EMSGSIZE: too many; -EFAULT: a piece that is nowhere. */
int64_t posix_message_size(const struct msghdr *message);

int posix_shutdown(struct posix_socket *socket, int how, strata_time now);
int posix_close(struct posix_socket *socket, strata_time now);
/** FIONREAD, SIOCINQ, SIOCOUTQ, SIOCOUTQNSD, SIOCATMARK, FIONBIO. */
int posix_ioctl(struct posix_socket *socket, unsigned long request, int *value);
/** POLLIN ... of those in `events` and those that are always told. */
short posix_poll(const struct posix_socket *socket, short events);

int posix_set_option(struct posix_socket *socket, int level, int name, const void *value, socklen_t length,
                     strata_time now);
int posix_get_option(struct posix_socket *socket, int level, int name, void *value, socklen_t *length);

#endif
