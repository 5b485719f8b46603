/*
 * A port over a Unix stream socket: frames in both directions, each preceded by its length in four bytes, big
 * endian, as QEMU's `-netdev stream` has it. So the other end is a virtual machine, `strata link`, or another
 * Strata host.
 *
 * Both directions work in large strokes: one system call reads as many frames as have come, and frames to be
 * sent are gathered until the loop asks for them to be handed over (flush). When the other end does not read,
 * what was gathered waits, and a frame that finds no room is refused with -EAGAIN before any byte of it is
 * taken: the stream never holds half a frame without the rest to follow.
 */
#include "drivers/driver.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "drivers/frames.h"

/** Read at once, at most. */
#define UNIX_IN_BYTES (256u << 10)
/** Gathered before the other end takes some, unless the caller says how much. It is memory that is touched
 * only as far as it is used. */
#define UNIX_OUT_BYTES (128u << 10)
/** Asked of the kernel for what is on its way; it may grant less. */
#define UNIX_SOCKET_BYTES (1 << 20)
/** A listener that does not accept for so long will not. */
#define UNIX_CONNECT_SECONDS 5

struct unix_state {
    struct frames in;
    bool drained; /**< The last read emptied the socket: the next would find nothing. */
    uint8_t *out;
    size_t out_room, out_start, out_end;
    uint8_t in_bytes[UNIX_IN_BYTES];
};

/** One name for what a socket says in several ways. */
static int gone(int error)
{
    return error == ECONNRESET || error == EPIPE || error == ENOTCONN ? -EPIPE : -error;
}

static long unix_receive(struct strata_driver *driver, void *frame, size_t size)
{
    struct unix_state *state = driver->state;
    for (;;) {
        const uint8_t *bytes;
        long length = frames_take(&state->in, &bytes);
        if (length < 0)
            return length;
        if (length > 0 && (size_t)length > size)
            continue; // as a kernel interface drops what is above its MTU
        if (length > 0) {
            memcpy(frame, bytes, (size_t)length);
            return length;
        }
        if (state->drained) {
            state->drained = false;
            return 0;
        }
        size_t room;
        uint8_t *space = frames_space(&state->in, &room);
        ssize_t got = recv(driver->fd, space, room, MSG_DONTWAIT);
        if (got < 0)
            return errno == EAGAIN || errno == EINTR ? 0 : gone(errno);
        if (got == 0)
            return -EPIPE;
        frames_commit(&state->in, (size_t)got);
        state->drained = (size_t)got < room;
    }
}

static int unix_flush(struct strata_driver *driver)
{
    struct unix_state *state = driver->state;
    while (state->out_start < state->out_end) {
        ssize_t sent = send(driver->fd, state->out + state->out_start, state->out_end - state->out_start,
                            MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0)
            return errno == EAGAIN || errno == EINTR || errno == ENOBUFS ? -EAGAIN : gone(errno);
        state->out_start += (size_t)sent;
    }
    state->out_start = state->out_end = 0;
    return 0;
}

static int unix_send(struct strata_driver *driver, const void *frame, size_t length)
{
    struct unix_state *state = driver->state;
    size_t whole = FRAMES_PREFIX_BYTES + length;
    if (length == 0 || length > FRAMES_LONGEST_BYTES)
        return -EMSGSIZE;
    if (state->out_room - state->out_end < whole) {
        int error = unix_flush(driver);
        if (error < 0 && error != -EAGAIN)
            return error;
        if (state->out_room - (state->out_end - state->out_start) < whole)
            return -EAGAIN;
        memmove(state->out, state->out + state->out_start, state->out_end - state->out_start);
        state->out_end -= state->out_start;
        state->out_start = 0;
    }
    frames_prefix(state->out + state->out_end, length);
    memcpy(state->out + state->out_end + FRAMES_PREFIX_BYTES, frame, length);
    state->out_end += whole;
    return 0;
}

static void unix_close(struct strata_driver *driver)
{
    struct unix_state *state = driver->state;
    free(state->out);
    free(state);
}

static const struct driver_ops unix_ops = {
    .receive = unix_receive, .send = unix_send, .flush = unix_flush, .close = unix_close};

int strata_unix_attach(struct strata_driver **driver, int fd, size_t buffer_bytes)
{
    size_t out_room = buffer_bytes ? buffer_bytes : UNIX_OUT_BYTES;
    if (out_room < FRAMES_ROOM_LEAST)
        out_room = FRAMES_ROOM_LEAST;
    struct unix_state *state = malloc(sizeof *state);
    uint8_t *out = malloc(out_room);
    int error = state && out ? 0 : -ENOMEM;
    if (!error && fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
        error = -errno;
    if (error) {
        free(state);
        free(out);
        close(fd);
        return error;
    }
    // More on its way means fewer wake-ups; less than asked for does no harm.
    const int bytes = UNIX_SOCKET_BYTES;
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    frames_init(&state->in, state->in_bytes, sizeof state->in_bytes);
    state->drained = false;
    state->out = out;
    state->out_room = out_room;
    state->out_start = state->out_end = 0;
    error = driver_new(driver, &unix_ops, fd, STRATA_LINK_ETHERNET, "");
    if (error) {
        free(state->out);
        free(state);
        return error;
    }
    (*driver)->state = state;
    return 0;
}

static int unix_address(struct sockaddr_un *address, const char *path)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (!path || !path[0])
        return -EINVAL;
    if (strlen(path) >= sizeof address->sun_path)
        return -ENAMETOOLONG;
    strcpy(address->sun_path, path);
    return 0;
}

/** Connects to whoever listens at `path`. @return a descriptor, or a negative errno. */
static int unix_connect(const char *path)
{
    struct sockaddr_un address;
    int error = unix_address(&address, path);
    if (error)
        return error;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    // Where the backlog is full, connecting waits: not for ever.
    const struct timeval patience = {.tv_sec = UNIX_CONNECT_SECONDS};
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        error = errno == EAGAIN ? -ETIMEDOUT : -errno;
        close(fd);
        return error;
    }
    return fd;
}

int strata_unix_open(struct strata_driver **driver, const char *path)
{
    int fd = unix_connect(path);
    return fd < 0 ? fd : strata_unix_attach(driver, fd, 0);
}

/** Removes a socket that nobody listens at any more. @return 0: the path is free; -EADDRINUSE ... */
static int unix_clear(const char *path)
{
    struct stat status;
    if (lstat(path, &status) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISSOCK(status.st_mode))
        return -EEXIST;
    int fd = unix_connect(path);
    if (fd >= 0)
        close(fd);
    if (fd != -ECONNREFUSED)
        return -EADDRINUSE;
    return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

int strata_unix_listen(const char *path)
{
    struct sockaddr_un address;
    int error = unix_address(&address, path);
    if (!error)
        error = unix_clear(path);
    if (error)
        return error;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 8) < 0) {
        error = -errno;
        close(fd);
        return error;
    }
    return fd;
}
