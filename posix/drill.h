/**
 * One Strata host in virtual time, driven by a program that plays the network, the clock and the applications: what
 * packetdrill.c shows to packetdrill.
 *
 * Time stands still except in drill_advance and in drill_clock, which moves it by a microsecond so that a program that
 * waits by looking at the clock gets ahead. A call that blocks sleeps on a condition; whoever moves the clock or hands
 * in a packet completes it on the sleeper's behalf, at that very instant of virtual time, so that what happens never
 * depends on how the machine schedules threads. The sleeper is handed the time of its completion when it first looks at
 * the clock, which may have gone on meanwhile. Should the thread that drives the clock wait itself, the clock jumps to
 * what happens next until the call is done; when nothing will happen any more it fails with EDEADLK.
 */
#ifndef POSIX_DRILL_H
#define POSIX_DRILL_H

#include "posix/epoll.h"
#include "posix/sysctl.h"
#include "posix/socket.h"

#include <pthread.h>

#define DRILL_DESCRIPTORS 1024
#define DRILL_PACKET_BYTES 65535

/** A packet on its way to the program. */
struct drill_packet {
    struct drill_packet *next;
    strata_time sent_at;
    size_t length;
    uint8_t bytes[];
};

/** A call under way. `attempt` does what it can and is asked again until it says something else than -EAGAIN. */
struct drill_call {
    int64_t (*attempt)(struct drill_call *call);
    struct drill *drill;
    struct posix_socket *socket;
    strata_time deadline; /**< When `expired` is the answer; STRATA_NEVER: it waits. */
    int64_t expired;
    bool eager;           /**< It has something to say together with what the host says next. */
    bool finished;
    pid_t thread;         /**< Who sleeps. */
    int64_t result;
    strata_time finished_at;
    pthread_cond_t wake;
    struct drill_call *next;
};

struct drill {
    pthread_mutex_t lock;
    struct strata_host *host;
    struct posix_rules rules;
    int port;
    uint32_t mtu_bytes;
    uint16_t merged_bytes; /**< Segments of what comes in one piece and is larger than that. */
    pthread_t driver;          /**< The thread that drives the clock: one that began. */
    strata_time now;
    bool learns;               /**< Any local address is ours: it becomes one when it is first named. */
    struct sysctl_file settings;
    struct posix_socket *sockets[DRILL_DESCRIPTORS]; /**< By descriptor. */
    struct posix_epoll *epolls[DRILL_DESCRIPTORS];   /**< Likewise. */
    struct drill_packet *first, **last; /**< Sent and not fetched. */
    struct drill_call *waiting; /**< Oldest first. */
    pid_t woken;               /**< A thread whose call has just been completed; 0: none. */
    uint8_t room[DRILL_PACKET_BYTES]; /**< Where the host writes the next packet. */
    struct drill *next;         /**< Of all there are: see drill_find. */
};

/** Makes a host from flags as docs/packetdrill.md describes them. @return NULL with a complaint on standard error. */
struct drill *drill_new(const char *flags);
void drill_free(struct drill *drill);
/** The one that a descriptor belongs to, or NULL. */
struct drill *drill_find(int fd);

/** Begins a call into the host: locks it and heeds settings that have come. */
void drill_enter(struct drill *drill);
/** Ends it: packets are fetched from the host, calls that wait are asked again. */
void drill_leave(struct drill *drill);
/** A call that may wait, between enter and leave. */
int64_t drill_wait(struct drill_call *call);

/** Puts a socket behind a new descriptor. @return it, or a negative errno. */
int drill_add(struct drill *drill, const struct posix_socket *socket);
struct posix_socket *drill_socket(struct drill *drill, int fd);
/** An empty epoll behind a new descriptor. @return it, or a negative errno. */
int drill_add_epoll(struct drill *drill);
struct posix_epoll *drill_epoll(struct drill *drill, int fd);
/** Forgets and closes a descriptor. */
void drill_remove(struct drill *drill, int fd);

/** An address was named as local: if any is ours, it is from now on. */
void drill_learn(struct drill *drill, const struct strata_address *address);
void drill_input(struct drill *drill, const void *packet, size_t length);
/** The next packet, after jumping from timer to timer until there is one. NULL: there will be none. */
struct drill_packet *drill_output(struct drill *drill);
void drill_advance(struct drill *drill, strata_time until);
/** Lets a thread that has been woken go on until it sleeps again, for a moment of real time. Without the lock, and
 * without locks of the program's own: it is called where the program waits for time to pass. */
void drill_yield(struct drill *drill);
/** Looks at the clock: a microsecond has passed, unless the thread has just been woken. */
strata_time drill_clock(struct drill *drill);

#endif
