/**
 * epoll: a list of sockets and of what a program wants to hear of them. An edge is a condition that did not hold when
 * it was last told or looked at, or data that has come since.
 */
#include "posix/epoll.h"

#include <errno.h>

/** The bits of poll and of epoll are the same. */
static uint32_t ready_of(const struct epoll_entry *entry)
{
    return (uint16_t)posix_poll(entry->socket, (short)(entry->event.events & 0x7fff));
}

static uint64_t received_of(const struct epoll_entry *entry)
{
    struct strata_tcp_info info = {.size = sizeof info};
    return strata_tcp_info(entry->socket->host, entry->socket->handle, &info) == 0 ? info.bytes_received : 0;
}

static struct epoll_entry *find(struct posix_epoll *epoll, int fd)
{
    for (unsigned i = 0; i < epoll->count; i++)
        if (epoll->entries[i].fd == fd)
            return &epoll->entries[i];
    return NULL;
}

int epoll_change(struct posix_epoll *epoll, int operation, int fd, const struct posix_socket *socket,
                 const struct epoll_event *event)
{
    struct epoll_entry *entry = find(epoll, fd);
    if (operation == EPOLL_CTL_DEL) {
        epoll_forget(epoll, fd);
        return entry ? 0 : -ENOENT;
    }
    if (operation != EPOLL_CTL_ADD && operation != EPOLL_CTL_MOD)
        return -EINVAL;
    if (!event)
        return -EFAULT;
    if (operation == EPOLL_CTL_ADD && entry)
        return -EEXIST;
    if (operation == EPOLL_CTL_MOD && !entry)
        return -ENOENT;
    if (!entry) {
        if (epoll->count == EPOLL_ENTRIES)
            return -ENOSPC;
        entry = &epoll->entries[epoll->count++];
    }
    *entry = (struct epoll_entry){.fd = fd, .socket = socket, .event = *event};
    return 0;
}

void epoll_forget(struct posix_epoll *epoll, int fd)
{
    struct epoll_entry *entry = find(epoll, fd);
    if (entry)
        *entry = epoll->entries[--epoll->count];
}

void epoll_look(struct posix_epoll *epoll)
{
    for (unsigned i = 0; i < epoll->count; i++) {
        struct epoll_entry *entry = &epoll->entries[i];
        if (!(entry->event.events & EPOLLET) || entry->told == 0)
            continue;
        entry->told &= ready_of(entry);
        if (entry->told & EPOLLIN && received_of(entry) != entry->received)
            entry->told &= ~(uint32_t)(EPOLLIN | EPOLLRDNORM);
    }
}

int epoll_ready(struct posix_epoll *epoll, struct epoll_event *events, int room)
{
    int count = 0;
    epoll_look(epoll);
    for (unsigned i = 0; i < epoll->count && count < room; i++) {
        struct epoll_entry *entry = &epoll->entries[i];
        uint32_t ready = entry->spent ? 0 : ready_of(entry);
        bool edges = entry->event.events & EPOLLET;
        if (ready == 0 || (edges && (ready & ~entry->told) == 0))
            continue;
        entry->told = ready;
        entry->received = received_of(entry);
        entry->spent = entry->event.events & EPOLLONESHOT;
        events[count] = entry->event;
        events[count++].events = ready;
    }
    return count;
}
