/**
 * The runtime: programs as plain straight-line code in fibers.
 *
 * A program is a function that listens, dials, reads, writes and sleeps as if it had a thread of its own.
 * It runs unchanged, as the same object code, in three worlds: on the kernel's sockets, on a Strata host
 * with a driver, and in the lab's virtual time. What differs are the tables of calls the runtime was
 * made with: net, disk, clock and random. A runtime may hold several nets (a gateway has two).
 *
 * Conventions: every call that may wait takes a deadline in the runtime's own time (strata_rt_now),
 * STRATA_NEVER to wait for ever; it returns -ETIMEDOUT when that passes and -ECANCELED when the fiber
 * was cancelled. A deadline that has passed already makes a call one that does not wait. Errors are negative
 * errno values. A runtime belongs to one thread. What waits is called by its fibers only (-EDEADLK from
 * outside); everything else may also be called between two runs, by whoever drives the runtime.
 */
#ifndef STRATA_RT_H
#define STRATA_RT_H

#include <strata/strata.h>

#ifdef __cplusplus
extern "C" {
#endif

struct strata_rt;    /**< A runtime: its fibers and its tables. */
struct strata_fiber; /**< One fiber; valid until it was joined or its group ended. */
struct strata_conn;  /**< A listener, a stream or a datagram socket of some net. */
struct strata_file;  /**< An open file of the disk table. */

/** A program. The result is its exit status, 0 for success. */
typedef int (*strata_program)(struct strata_rt *rt, int argc, char **argv);

/** A program under its name. */
struct strata_program_entry {
    const char *name; /**< "echo-server" */
    strata_program main;
    const char *help; /**< One line. */
};

/**
 * Ends a C file that holds a program: STRATA_PROGRAM("echo-server", echo_server, "gives back what it gets").
 * By itself the file is then an executable that runs on the kernel. Linked into something that has a `main`
 * of its own (as those under examples/ are into `strata`), the same object code is found by its name and runs
 * in the lab.
 */
#define STRATA_PROGRAM(name_, function, help_)                                                               \
    static const struct strata_program_entry function##_entry = {name_, function, help_};                    \
    static const struct strata_program_entry *const function##_linked                                        \
        __attribute__((used, section("strata_programs"))) = &function##_entry;                               \
    __attribute__((weak)) int main(int argc, char **argv)                                                    \
    {                                                                                                        \
        int status = strata_rt_main(function, argc, argv);                                                   \
        return status < 0 ? 1 : status;                                                                      \
    }

/* ---- Tables: what a world provides ------------------------------------------------------------- */

/**
 * A net: non-blocking calls, and a readiness that wakes. `conn` is the net's own socket object. Calls
 * return -EAGAIN where they would wait; the runtime then parks the fiber until `wake` was called for it.
 */
struct strata_net_ops {
    const char *name; /**< "kernel", "host". */
    int (*open)(void *net, enum strata_socket_type type, void **conn);
    int (*bind)(void *net, void *conn, const struct strata_endpoint *local);
    int (*listen)(void *net, void *conn, int backlog);
    int (*accept)(void *net, void *conn, void **accepted, struct strata_endpoint *peer);
    int (*connect)(void *net, void *conn, const struct strata_endpoint *peer);
    int64_t (*read)(void *net, void *conn, void *data, size_t size);
    int64_t (*write)(void *net, void *conn, const void *data, size_t size);
    int64_t (*send)(void *net, void *conn, const void *data, size_t size,
                    const struct strata_envelope *envelope);
    int64_t (*receive)(void *net, void *conn, void *data, size_t size, struct strata_envelope *envelope);
    int64_t (*receive_error)(void *net, void *conn, void *data, size_t size,
                             struct strata_envelope *envelope);
    int (*shutdown)(void *net, void *conn, enum strata_shutdown how);
    int (*set_option)(void *net, void *conn, enum strata_option option, int64_t value);
    int (*get_option)(void *net, void *conn, enum strata_option option, int64_t *value);
    int (*local)(void *net, void *conn, struct strata_endpoint *local);
    int (*peer)(void *net, void *conn, struct strata_endpoint *peer);
    /** Which of STRATA_READABLE ... hold now, or a negative errno. */
    int (*readiness)(void *net, void *conn);
    /** Asks that strata_rt_wake(rt, token) be called once when one of `ready`, or a hangup or an error, comes
     * to hold. Called only after one of the calls above has said -EAGAIN, or readiness has shown that it does
     * not hold yet. A later call replaces the earlier one, closing forgets it. */
    int (*arm)(void *net, void *conn, uint32_t ready, void *token);
    /** The pending error, negative errno or 0, after a connect. */
    int (*error)(void *net, void *conn);
    void (*close)(void *net, void *conn, bool abort);
    /** Joins (or leaves) a multicast group at a port, 0: by route. */
    int (*member)(void *net, void *conn, const struct strata_address *group, int port, bool join);
    /** The host whose sockets these are; NULL where a net has none. */
    struct strata_host *(*host)(void *net);
    /** A conn to wait for a foreign descriptor, which closing leaves open; NULL where a net cannot. */
    int (*adopt)(void *net, int fd, void **conn);
    /** Views of a stream's ring (see strata_data); NULL where a net has none: the runtime then copies.
     * Nothing to read yet, or no room yet, is -EAGAIN; 0 is the end of the stream. */
    int (*data)(void *net, void *conn, struct strata_iovec *pieces, int count);
    int (*consume)(void *net, void *conn, size_t bytes);
    int (*space)(void *net, void *conn, size_t size, struct strata_iovec *pieces, int count);
    int (*commit)(void *net, void *conn, size_t bytes);
    /** As write, and what is written later goes in segments of its own (see strata_write_record); NULL where a net
     * knows no records. */
    int64_t (*write_record)(void *net, void *conn, const void *data, size_t size);
};

/** What is known of a file. */
struct strata_stat {
    uint64_t size_bytes;
    int64_t modified_s; /**< Seconds since 1970. */
    bool folder;
};

/** A disk: files by path, relative to a root of the world's choice. Calls complete before they return
 * (the runtime moves those of the kernel to a pool of threads and parks the fiber). */
struct strata_disk_ops {
    const char *name; /**< "kernel", "memory". */
    /** `flags`: O_RDONLY, O_CREAT ... of fcntl.h. */
    int (*open)(void *disk, const char *path, int flags, void **file);
    int64_t (*read)(void *disk, void *file, void *data, size_t size, uint64_t offset);
    int64_t (*write)(void *disk, void *file, const void *data, size_t size, uint64_t offset);
    int (*sync)(void *disk, void *file);
    int (*truncate)(void *disk, void *file, uint64_t size);
    int (*stat)(void *disk, const char *path, struct strata_stat *stat);
    int (*rename)(void *disk, const char *from, const char *to);
    int (*unlink)(void *disk, const char *path);
    int (*mkdir)(void *disk, const char *path);
    /** The index-th name in a folder, in a fixed order; -ENOENT after the last. */
    int (*list)(void *disk, const char *path, unsigned index, char *name, size_t size);
    void (*close)(void *disk, void *file);
    /** As read where it need not wait (the page cache has it), otherwise -EAGAIN. NULL: always ask `read`. */
    int64_t (*read_now)(void *disk, void *file, void *data, size_t size, uint64_t offset);
};
/** A pool of threads for calls that block. Without one they are made in place, as the lab wants it. */
struct strata_pool_ops {
    /** Has `work(argument)` done by another thread, and then strata_rt_wake(rt, token) called in the
     * runtime's. */
    int (*submit)(void *pool, struct strata_rt *rt, void (*work)(void *argument), void *argument,
                  void *token);
    /** Waits until all that was submitted is done and its fibers were woken. */
    void (*drain)(void *pool);
};
/** A clock. `now` is monotonic; `wall` is nanoseconds since 1970 (for dates only). */
struct strata_clock_ops {
    strata_time (*now)(void *clock);
    int64_t (*wall)(void *clock);
};
/** Random bytes. */
struct strata_random_ops {
    void (*fill)(void *random, void *data, size_t size);
};

/** What a runtime is made of. */
struct strata_rt_config {
    size_t size;
    const struct strata_net_ops *net; /**< The default net, index 0. */
    void *net_self;
    const struct strata_disk_ops *disk; /**< NULL: no files. */
    void *disk_self;
    const struct strata_pool_ops *pool; /**< NULL: disk and blocking calls are made in place. */
    void *pool_self;
    const struct strata_clock_ops *clock;
    void *clock_self;
    const struct strata_random_ops *random;
    void *random_self;
    size_t stack_bytes; /**< Default stack of a fiber; 0: 64 KiB (more where a sanitizer watches). */
    /** Where strata_rt_print, strata_rt_output and strata_rt_complain go; NULL: standard output, complaints to
     * standard error. */
    void (*print)(void *context, const char *text, size_t length);
    void *print_context;
};

/** Makes a runtime. @return 0, -EINVAL, -ENOMEM. */
STRATA_API int strata_rt_new(struct strata_rt **rt, const struct strata_rt_config *config);
/** Cancels all fibers, lets them unwind, closes what they left open (streams with RST), frees everything. */
STRATA_API void strata_rt_free(struct strata_rt *rt);
/** A further net. @return its index. */
STRATA_API int strata_rt_add_net(struct strata_rt *rt, const struct strata_net_ops *net, void *self);

/* ---- Driving a runtime (the lab, or a loop; not from fibers) ------------------------------------ */

/** Runs those fibers whose deadlines have passed or that were woken, until all of them wait. (One that only
 * yields is stopped after a while; strata_rt_deadline is then now.) @return how many fibers live. */
STRATA_API int strata_rt_run(struct strata_rt *rt);
/** The nearest deadline any fiber waits for; STRATA_NEVER: none. */
STRATA_API strata_time strata_rt_deadline(struct strata_rt *rt);
/** What was armed may be ready (called by nets; safe from the thread of the runtime only). */
STRATA_API void strata_rt_wake(struct strata_rt *rt, void *token);

/**
 * A complete world of the kernel: its sockets (epoll), files, clock and randomness. Runs `program` in a
 * fiber until it and all fibers it started have ended. @return its exit status, or a negative errno.
 */
STRATA_API int strata_rt_main(strata_program program, int argc, char **argv);
/** The parts of that world, to mix: a kernel net and its poll loop. */
struct strata_kernel;
STRATA_API int strata_kernel_new(struct strata_kernel **kernel);
STRATA_API void strata_kernel_free(struct strata_kernel *kernel);
/** Fills in the tables of the kernel's world; other fields of the config stay. */
STRATA_API void strata_kernel_config(struct strata_kernel *kernel, struct strata_rt_config *config);
/** Polls until something is ready or `timeout_ns` passes (STRATA_NEVER: no limit), and wakes those who wait
 * for it. `extra_fd` may be -1. @return 1: extra_fd is readable, 0, or a negative errno. */
STRATA_API int strata_kernel_poll(struct strata_kernel *kernel, struct strata_rt *rt, strata_time timeout_ns,
                                  int extra_fd);

/** A net on the sockets of a Strata host, for the lab and for drivers. Call strata_host_net_events after
 * input, output or advance of the host and after strata_rt_run: it hands the host's events to the runtime.
 * Repeat both until strata_host_net_events returns 0. Events of sockets that it did not open are lost to
 * others: such sockets are asked with strata_readiness. @return of events: how many there were. */
struct strata_host_net;
STRATA_API int strata_host_net_new(struct strata_host_net **net, struct strata_host *host,
                                   const struct strata_clock_ops *clock, void *clock_self);
STRATA_API void strata_host_net_free(struct strata_host_net *net);
STRATA_API const struct strata_net_ops *strata_host_net_ops(void);
STRATA_API int strata_host_net_events(struct strata_host_net *net, struct strata_rt *rt);

/**
 * A disk in memory whose files survive a crash as far as they were synced. What is in a file (content and
 * length) is safe once strata_rt_file_sync has returned; names (creation, rename, removal, folders) are safe
 * at once and in order, as on a journalling file system. Folders list their names sorted by bytes.
 */
struct strata_memory_disk;
STRATA_API int strata_memory_disk_new(struct strata_memory_disk **disk, const uint8_t seed[32]);
STRATA_API void strata_memory_disk_free(struct strata_memory_disk *disk);
STRATA_API const struct strata_disk_ops *strata_memory_disk_ops(void);
/** Dates of files come from here; without a clock they are those that put gave, or 0. */
STRATA_API void strata_memory_disk_set_clock(struct strata_memory_disk *disk,
                                             const struct strata_clock_ops *clock, void *clock_self);
/** Forgets what was not synced, and may tear the last write of each file: a beginning of it, of a length
 * drawn from the seed, is there. Files open at that time answer -EIO ever after; they are still to be
 * closed. */
STRATA_API void strata_memory_disk_crash(struct strata_memory_disk *disk);
/** Puts a file there, synced, making its folders. */
STRATA_API int strata_memory_disk_put(struct strata_memory_disk *disk, const char *path, const void *data,
                                      size_t size, int64_t modified_s);
/** Lends a file's content, valid until the disk is used again. @return its size, or -ENOENT, -EISDIR. */
STRATA_API int64_t strata_memory_disk_get(struct strata_memory_disk *disk, const char *path,
                                          const void **data);

/* ---- Fibers -------------------------------------------------------------------------------------- */

/**
 * Starts a fiber. It belongs to the group of the fiber that starts it; called from outside fibers, to the
 * root group. A fiber whose entry has returned ends when all fibers that it started have ended. Who wants to
 * cancel it asks for the handle, which is valid until strata_rt_join or the end of the one who started it;
 * `fiber` may be NULL. It runs first when its starter waits. @return 0, -ENOMEM, -ECANCELED (the starter was
 * cancelled: nothing started).
 */
STRATA_API int strata_rt_spawn(struct strata_rt *rt, const char *name, void (*entry)(void *argument),
                               void *argument, struct strata_fiber **fiber);
/** As above with a stack of its own size; 0: the default. */
STRATA_API int strata_rt_spawn_sized(struct strata_rt *rt, const char *name, size_t stack_bytes,
                                     void (*entry)(void *argument), void *argument,
                                     struct strata_fiber **fiber);
/** Starts a program with a copy of its arguments. When it and all it started have ended, `done` (may be NULL)
 * gets its status, outside of all fibers. */
STRATA_API int strata_rt_start(struct strata_rt *rt, const char *name, strata_program program, int argc,
                               char *const *argv, void (*done)(void *context, int status), void *context,
                               struct strata_fiber **fiber);
/** Waits until all fibers that this fiber started have ended. Their handles are then invalid. @return 0,
 * -ETIMEDOUT, -ECANCELED. */
STRATA_API int strata_rt_join(struct strata_rt *rt, strata_time deadline);
/** Makes the fiber's present and every later wait return -ECANCELED, and that of its children. */
STRATA_API void strata_rt_cancel(struct strata_rt *rt, struct strata_fiber *fiber);
/** Cancels all fibers and runs until they have ended (the lab's crash). A fiber that goes on in spite of it
 * is dropped after some thousand turns. */
STRATA_API void strata_rt_cancel_all(struct strata_rt *rt);
/** The fiber that runs, or NULL outside. */
STRATA_API struct strata_fiber *strata_rt_self(struct strata_rt *rt);
/** Lets others run. */
STRATA_API int strata_rt_yield(struct strata_rt *rt);
/** What a fiber was named. */
STRATA_API const char *strata_fiber_name(const struct strata_fiber *fiber);
/** Parks the fiber until strata_rt_wake_fiber; one that came earlier, while it did not park, counts.
 * @return 0, -ETIMEDOUT, -ECANCELED. */
STRATA_API int strata_rt_park(struct strata_rt *rt, strata_time deadline);
STRATA_API void strata_rt_wake_fiber(struct strata_rt *rt, struct strata_fiber *fiber);

/* ---- Clock, random, output ------------------------------------------------------------------------ */

STRATA_API strata_time strata_rt_now(struct strata_rt *rt);
/** Nanoseconds since 1970. */
STRATA_API int64_t strata_rt_wall(struct strata_rt *rt);
/** Sleeps until `until`. @return 0, -ECANCELED. */
STRATA_API int strata_rt_sleep(struct strata_rt *rt, strata_time until);
STRATA_API void strata_rt_random(struct strata_rt *rt, void *data, size_t size);
/** Does `work(argument)` on the pool of threads, for foreign calls that block; in place where there is no
 * pool. Not undone by cancelling, which is noticed by the next wait. @return 0, -ECANCELED (not begun),
 * -ENOMEM. */
STRATA_API int strata_rt_blocking(struct strata_rt *rt, void (*work)(void *argument), void *argument);
/** Prints for the user of the program: to its terminal, or into the lab's timeline. */
STRATA_API void strata_rt_print(struct strata_rt *rt, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/** The same for what went wrong. */
STRATA_API void strata_rt_complain(struct strata_rt *rt, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/** Prints bytes as they are. @return 0, or why standard output did not take them. */
STRATA_API int strata_rt_output(struct strata_rt *rt, const void *data, size_t size);

/* ---- Net ------------------------------------------------------------------------------------------- */

/** Listens on `local` (address all zero: any). Uses net 0; the _on variants name a net. Conns belong to the
 * runtime, not to a fiber: the program closes them. */
STRATA_API int strata_rt_listen(struct strata_rt *rt, const struct strata_endpoint *local, int backlog,
                                struct strata_conn **listener);
STRATA_API int strata_rt_listen_on(struct strata_rt *rt, int net, const struct strata_endpoint *local,
                                   int backlog, struct strata_conn **listener);
/** The next connection; `peer` may be NULL. */
STRATA_API int strata_rt_accept(struct strata_conn *listener, strata_time deadline,
                                struct strata_conn **stream, struct strata_endpoint *peer);
/** Connects a stream. */
STRATA_API int strata_rt_dial(struct strata_rt *rt, const struct strata_endpoint *peer, strata_time deadline,
                              struct strata_conn **stream);
STRATA_API int strata_rt_dial_on(struct strata_rt *rt, int net, const struct strata_endpoint *peer,
                                 strata_time deadline, struct strata_conn **stream);
/** A socket of any type on net `net`, not bound nor connected: for everything the short forms do not do. */
STRATA_API int strata_rt_open(struct strata_rt *rt, int net, enum strata_socket_type type,
                              struct strata_conn **conn);
STRATA_API int strata_rt_bind(struct strata_conn *conn, const struct strata_endpoint *local);
STRATA_API int strata_rt_connect(struct strata_conn *conn, const struct strata_endpoint *peer,
                                 strata_time deadline);
/** A datagram socket bound to `local` (NULL: any address, a port of the net's choice). */
STRATA_API int strata_rt_datagram(struct strata_rt *rt, const struct strata_endpoint *local,
                                  struct strata_conn **conn);

STRATA_API int strata_rt_datagram_on(struct strata_rt *rt, int net, const struct strata_endpoint *local,
                                     struct strata_conn **conn);

/** Reads what is there, waiting for the first byte. @return bytes, 0 at the end. */
STRATA_API int64_t strata_rt_read(struct strata_conn *conn, void *data, size_t size, strata_time deadline);
/** Reads exactly `size` bytes. @return size; less at the end of the stream; a negative errno. */
STRATA_API int64_t strata_rt_read_full(struct strata_conn *conn, void *data, size_t size,
                                       strata_time deadline);
/** Writes all of it, waiting for room. @return size, or a negative errno. */
STRATA_API int64_t strata_rt_write(struct strata_conn *conn, const void *data, size_t size,
                                   strata_time deadline);
/** As strata_rt_write, and what is written later goes in segments of its own, also when they are sent again (see
 * strata_write_record). Where a net knows no records it is strata_rt_write. */
STRATA_API int64_t strata_rt_write_record(struct strata_conn *conn, const void *data, size_t size,
                                          strata_time deadline);
/** Writes as much as there is room for, waiting for the first byte. @return bytes, or a negative errno. */
STRATA_API int64_t strata_rt_write_some(struct strata_conn *conn, const void *data, size_t size,
                                        strata_time deadline);
/** Waits for readable bytes and lends them; take them with strata_rt_consume. @return pieces, 0 at the
 * end. */
STRATA_API int strata_rt_data(struct strata_conn *conn, struct strata_iovec *pieces, int count,
                              strata_time deadline);
STRATA_API int strata_rt_consume(struct strata_conn *conn, size_t bytes);
/** Waits for room to write and lends it; send with strata_rt_commit. */
STRATA_API int strata_rt_space(struct strata_conn *conn, size_t size, struct strata_iovec *pieces, int count,
                               strata_time deadline);
STRATA_API int strata_rt_commit(struct strata_conn *conn, size_t bytes);
STRATA_API int64_t strata_rt_send_to(struct strata_conn *conn, const void *data, size_t size,
                                     const struct strata_endpoint *peer, strata_time deadline);
STRATA_API int64_t strata_rt_receive_from(struct strata_conn *conn, void *data, size_t size,
                                          struct strata_endpoint *peer, strata_time deadline);
/** With full envelopes: source address, ttl, arrival port. */
STRATA_API int64_t strata_rt_send(struct strata_conn *conn, const void *data, size_t size,
                                  const struct strata_envelope *envelope, strata_time deadline);
STRATA_API int64_t strata_rt_receive(struct strata_conn *conn, void *data, size_t size,
                                     struct strata_envelope *envelope, strata_time deadline);
/** Waits for an ICMP error about what was sent (needs STRATA_OPTION_RECEIVE_ERRORS). */
STRATA_API int64_t strata_rt_receive_error(struct strata_conn *conn, void *data, size_t size,
                                           struct strata_envelope *envelope, strata_time deadline);
/** Waits until one of several conns has one of its `ready`, or a hangup or an error; a negative errno of one
 * counts too, its calls tell. Of several it takes the next one after the one it returned last to this fiber,
 * in turns.
 * @return the index, -ETIMEDOUT, -ECANCELED, -ENOMEM. */
STRATA_API int strata_rt_wait_any(struct strata_rt *rt, struct strata_conn *const *conns,
                                  const uint32_t *ready, int count, strata_time deadline);
/** Waits until a foreign descriptor (of another library) has one of `ready`, or a hangup or an error. On the
 * kernel only, and one fiber at a time for each descriptor. @return what it has; -ENOTSUP: not on the kernel,
 * -EPERM: it never makes anyone wait (a file), -EEXIST: another fiber waits for it. */
STRATA_API int strata_rt_wait_fd(struct strata_rt *rt, int fd, uint32_t ready, strata_time deadline);
STRATA_API int strata_rt_shutdown(struct strata_conn *conn, enum strata_shutdown how);
STRATA_API int strata_rt_set_option(struct strata_conn *conn, enum strata_option option, int64_t value);
STRATA_API int strata_rt_get_option(struct strata_conn *conn, enum strata_option option, int64_t *value);
STRATA_API int strata_rt_local(struct strata_conn *conn, struct strata_endpoint *local);
STRATA_API int strata_rt_peer(struct strata_conn *conn, struct strata_endpoint *peer);
/** Joins (or leaves) a multicast group at a port of the net (0: by route). */
STRATA_API int strata_rt_member(struct strata_conn *conn, const struct strata_address *group, int port,
                                bool join);
/** Closes in order; strata_rt_abort with RST. Other fibers that wait for it get -EBADF. NULL is allowed. */
STRATA_API void strata_rt_close(struct strata_conn *conn);
STRATA_API void strata_rt_abort(struct strata_conn *conn);

/* ---- Disk ------------------------------------------------------------------------------------------ */

/* All of these may wait for the pool of threads, and are refused to a cancelled fiber, but for close. Without
 * a disk they return -ENOSYS. Reading at or beyond the end gives 0; a write is whole or a negative errno. */

STRATA_API int strata_rt_file_open(struct strata_rt *rt, const char *path, int flags,
                                   struct strata_file **file);
STRATA_API int64_t strata_rt_file_read(struct strata_file *file, void *data, size_t size, uint64_t offset);
STRATA_API int64_t strata_rt_file_write(struct strata_file *file, const void *data, size_t size,
                                        uint64_t offset);
STRATA_API int strata_rt_file_sync(struct strata_file *file);
STRATA_API int strata_rt_file_truncate(struct strata_file *file, uint64_t size);
STRATA_API void strata_rt_file_close(struct strata_file *file);
STRATA_API int strata_rt_stat(struct strata_rt *rt, const char *path, struct strata_stat *stat);
STRATA_API int strata_rt_rename(struct strata_rt *rt, const char *from, const char *to);
STRATA_API int strata_rt_unlink(struct strata_rt *rt, const char *path);
STRATA_API int strata_rt_mkdir(struct strata_rt *rt, const char *path);
STRATA_API int strata_rt_list(struct strata_rt *rt, const char *path, unsigned index, char *name,
                              size_t size);

/* ---- The machine a program runs on ------------------------------------------------------------------ */

/** The Strata host whose sockets net `net` stands on; NULL on the kernel. A DHCP client needs it: it gives
 * addresses and routes to the host it runs on. */
STRATA_API struct strata_host *strata_rt_host(struct strata_rt *rt, int net);
STRATA_API struct strata_host *strata_host_net_host(struct strata_host_net *net);

/** The name server that programs ask when no other is named; DHCP sets it. All zero: none. */
STRATA_API void strata_rt_set_resolver(struct strata_rt *rt, const struct strata_endpoint *server);
STRATA_API int strata_rt_resolver(struct strata_rt *rt, struct strata_endpoint *server);

#ifdef __cplusplus
}
#endif
#endif
