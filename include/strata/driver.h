/**
 * Drivers: what ties a port of a host, or of any device, to the world outside.
 *
 * A driver moves frames between a port and a kernel interface. A loop holds drivers and pumps them; it has
 * one descriptor to wait for, so that it fits into any event loop:
 *
 *     strata_tap_open(&driver, &config);
 *     strata_loop_new(&loop);
 *     strata_loop_add(loop, strata_host_device(host), port, driver);
 *     for (;;)
 *         wait_readable(strata_loop_fd(loop), strata_loop_work(loop) - strata_clock_monotonic());
 *
 * Drivers are the only part of the library, beside the kernel's world of the runtime, that talk to the
 * operating system. Errors are negative errno values.
 */
#ifndef STRATA_DRIVER_H
#define STRATA_DRIVER_H

#include <strata/strata.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Moves frames of one kernel interface. */
struct strata_driver;

/** How an interface is opened. */
struct strata_tap_config {
    size_t size;
    const char *name;      /**< "tap0": made when it does not exist, which needs CAP_NET_ADMIN. */
    enum strata_link link; /**< Ethernet: TAP. IP: TUN. */
};
/** Opens a TAP or TUN interface. The kernel's end keeps its own address and must be set up by its owner.
 * @return 0, -EPERM, -EBUSY (another program holds it), -EINVAL (name), -ENOENT (no /dev/net/tun), -ENODEV.
 */
STRATA_API int strata_tap_open(struct strata_driver **driver, const struct strata_tap_config *config);
/** Opens a packet socket on an existing interface, which sees all frames of it. @return 0, -EPERM, -ENODEV.
 */
STRATA_API int strata_packet_open(struct strata_driver **driver, const char *interface);
/** Connects to the Unix stream socket at `path` and speaks QEMU's `-netdev stream` there: Ethernet frames, each
 * preceded by its length in four bytes, big endian. @return 0, -ENOENT (no such path), -ECONNREFUSED (nobody
 * listens), -ENAMETOOLONG (107 characters at most), -EACCES, -ETIMEDOUT (nobody accepts). */
STRATA_API int strata_unix_open(struct strata_driver **driver, const char *path);
/** The same over a connected stream socket, which the driver owns from now on, and closes when it cannot be made;
 * `buffer_bytes` may wait for the other end to read, 0: 128 KiB. @return 0, -ENOMEM. */
STRATA_API int strata_unix_attach(struct strata_driver **driver, int fd, size_t buffer_bytes);
/** Listens at `path`, where a socket that nobody listens at any more is replaced. Each connection that is accepted
 * is one for strata_unix_attach. @return a descriptor that does not block, -EADDRINUSE (somebody listens),
 * -EEXIST (a file that is no socket), -ENAMETOOLONG, -ENOENT, -EACCES. */
STRATA_API int strata_unix_listen(const char *path);
/** Closes it; what was not sent is dropped. NULL is allowed. A loop closes its own. */
STRATA_API void strata_driver_close(struct strata_driver *driver);
/** The MTU of the kernel's interface in bytes, or a negative errno: -EOPNOTSUPP where there is none behind it. */
STRATA_API int strata_driver_mtu(struct strata_driver *driver);
/** Its link type. */
STRATA_API enum strata_link strata_driver_link(const struct strata_driver *driver);
/** The descriptor that becomes readable when a frame is there. */
STRATA_API int strata_driver_fd(const struct strata_driver *driver);
/** The next frame, without waiting. @return its length, 0: none, -EIO ... when the interface is gone; on a Unix
 * socket -EPIPE: the other end is gone, -EPROTO: it speaks something else. */
STRATA_API long strata_driver_receive(struct strata_driver *driver, void *frame, size_t size);
/** Hands a frame over; drivers of streams gather frames until strata_driver_flush. @return 0, -EAGAIN: try again
 * later, or what is wrong: -EMSGSIZE, -EPIPE when the other end is gone. */
STRATA_API int strata_driver_send(struct strata_driver *driver, const void *frame, size_t length);
/** Hands over what was gathered. @return 0: nothing is left, -EAGAIN: again when the descriptor is writable, or
 * what is wrong. */
STRATA_API int strata_driver_flush(struct strata_driver *driver);

/** Drivers and the devices whose ports they serve. */
struct strata_loop;
STRATA_API int strata_loop_new(struct strata_loop **loop);
/** Closes its drivers; devices stay their owner's. */
STRATA_API void strata_loop_free(struct strata_loop *loop);
/** Gives a driver to the loop to serve `port` of `device`. @return 0, -ENOMEM, -EMFILE. */
STRATA_API int strata_loop_add(struct strata_loop *loop, struct strata_device device, int port,
                               struct strata_driver *driver);
/** Readable when strata_loop_work has something to do. */
STRATA_API int strata_loop_fd(const struct strata_loop *loop);
/**
 * Moves all frames that can be moved now, many per wake-up, and fires what is due. Does not wait.
 * @return when to call again though nothing became readable (by strata_clock_monotonic), or a negative errno
 * when an interface is gone.
 */
STRATA_API strata_time strata_loop_work(struct strata_loop *loop);
/** Whether a driver holds up what a device has to say: then there is no use in calling again before the loop's
 * descriptor becomes readable or something is due. */
STRATA_API bool strata_loop_blocked(const struct strata_loop *loop);
/** CLOCK_MONOTONIC in nanoseconds: the time a loop hands to its devices. */
STRATA_API strata_time strata_clock_monotonic(void);

#ifdef __cplusplus
}
#endif
#endif
