/**
 * epoll on sockets of a Strata host: level, edge and one-shot, without waiting.
 */
#ifndef POSIX_EPOLL_H
#define POSIX_EPOLL_H

#include "posix/socket.h"

#include <sys/epoll.h>

#define EPOLL_ENTRIES 64

struct epoll_entry {
    int fd;
    const struct posix_socket *socket;
    struct epoll_event event;
    uint32_t told;     /**< Edges: what was ready when it was last told, and has been ever since. */
    uint64_t received; /**< Octets that had come then: more of them are an edge, too. */
    bool spent;        /**< One-shot, and told. */
};

struct posix_epoll {
    struct epoll_entry entries[EPOLL_ENTRIES];
    unsigned count;
};

/** epoll_ctl(2). `socket` is what `fd` stands for. @return 0, -EEXIST, -ENOENT, -ENOSPC, -EINVAL, -EFAULT. */
int epoll_change(struct posix_epoll *epoll, int operation, int fd, const struct posix_socket *socket,
                 const struct epoll_event *event);
/** What is ready. @return how many events, 0: none now. */
int epoll_ready(struct posix_epoll *epoll, struct epoll_event *events, int room);
/** Something has happened to sockets: edges are noticed by comparing before and after. */
void epoll_look(struct posix_epoll *epoll);
/** A descriptor is closed. */
void epoll_forget(struct posix_epoll *epoll, int fd);

#endif
