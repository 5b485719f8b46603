/**
 * The interface that packetdrill has for stacks in user space: a table of calls, which a library fills in.
 */
#ifndef POSIX_PACKETDRILL_H
#define POSIX_PACKETDRILL_H

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>

/** packetdrill's table of calls: `self` is `userdata`, the rest is as in the C library. */
struct packetdrill_table {
    void *userdata;
    void (*free)(void *self);
    int (*socket)(void *self, int domain, int type, int protocol);
    int (*bind)(void *self, int fd, const struct sockaddr *address, socklen_t length);
    int (*listen)(void *self, int fd, int backlog);
    int (*accept)(void *self, int fd, struct sockaddr *address, socklen_t *length);
    int (*connect)(void *self, int fd, const struct sockaddr *address, socklen_t length);
    ssize_t (*read)(void *self, int fd, void *data, size_t size);
    ssize_t (*readv)(void *self, int fd, const struct iovec *pieces, int count);
    ssize_t (*recv)(void *self, int fd, void *data, size_t size, int flags);
    ssize_t (*recvfrom)(void *self, int fd, void *data, size_t size, int flags, struct sockaddr *address,
                        socklen_t *length);
    ssize_t (*recvmsg)(void *self, int fd, struct msghdr *message, int flags);
    ssize_t (*write)(void *self, int fd, const void *data, size_t size);
    ssize_t (*writev)(void *self, int fd, const struct iovec *pieces, int count);
    ssize_t (*send)(void *self, int fd, const void *data, size_t size, int flags);
    ssize_t (*sendto)(void *self, int fd, const void *data, size_t size, int flags, const struct sockaddr *address,
                      socklen_t length);
    ssize_t (*sendmsg)(void *self, int fd, const struct msghdr *message, int flags);
    int (*fcntl)(void *self, int fd, int command, ...);
    int (*ioctl)(void *self, int fd, unsigned long request, ...);
    int (*close)(void *self, int fd);
    int (*shutdown)(void *self, int fd, int how);
    int (*getsockopt)(void *self, int fd, int level, int name, void *value, socklen_t *length);
    int (*setsockopt)(void *self, int fd, int level, int name, const void *value, socklen_t length);
    int (*poll)(void *self, struct pollfd *entries, nfds_t count, int timeout);
    int (*netdev_send)(void *self, const void *packet, size_t length);
    int (*netdev_receive)(void *self, void *packet, size_t *length, long long *time_us);
    int (*usleep)(void *self, useconds_t microseconds);
    int (*gettimeofday)(void *self, struct timeval *time, struct timezone *zone);
    int (*epoll_create)(void *self, int size);
    int (*epoll_ctl)(void *self, int epoll, int operation, int fd, struct epoll_event *event);
    int (*epoll_wait)(void *self, int epoll, struct epoll_event *events, int room, int timeout);
    int (*pipe)(void *self, int fds[2]);
    int (*splice)(void *self, int from, loff_t *from_offset, int to, loff_t *to_offset, size_t size, unsigned flags);
};

/** The one function that packetdrill looks for, with the text of --so_flags or NULL. */
void packetdrill_interface_init(const char *flags, struct packetdrill_table *table);

#endif
