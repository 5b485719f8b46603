/*
 * The loop: pumps frames between devices and drivers.
 *
 * Frames come in by batches: each driver is read until it is empty or a batch is full, so that one wake-up
 * carries many frames and acknowledgements merge before anything is sent. A frame that the kernel does not
 * take now is kept in the attachment's own buffer and goes first next time; until then the port is not asked
 * again.
 */
#include "drivers/driver.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

/** Frames of one driver between two looks at the others. */
#define LOOP_BATCH 64
/** Larger than any frame: 64 KiB of datagram and its link header. */
#define LOOP_FRAME_BYTES (65536 + 64)

/** A driver and the port it serves. */
struct attachment {
    struct strata_driver *driver;
    struct strata_device device;
    int port;
    bool watched;   /**< For room too: something could not be handed over. */
    size_t waiting; /**< Length of the frame in `frame` that the kernel did not take yet. */
    uint8_t *frame;
};

struct strata_loop {
    int epoll_fd;
    struct attachment *attachments;
    unsigned count;
    uint8_t *frame;
};

int strata_loop_new(struct strata_loop **loop)
{
    struct strata_loop *made = calloc(1, sizeof *made);
    if (!made)
        return -ENOMEM;
    made->frame = malloc(LOOP_FRAME_BYTES);
    made->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (!made->frame || made->epoll_fd < 0) {
        int error = made->frame ? errno : ENOMEM;
        if (made->epoll_fd >= 0)
            close(made->epoll_fd);
        free(made->frame);
        free(made);
        return -error;
    }
    *loop = made;
    return 0;
}

void strata_loop_free(struct strata_loop *loop)
{
    if (!loop)
        return;
    for (unsigned i = 0; i < loop->count; i++) {
        strata_driver_close(loop->attachments[i].driver);
        free(loop->attachments[i].frame);
    }
    close(loop->epoll_fd);
    free(loop->attachments);
    free(loop->frame);
    free(loop);
}

int strata_loop_fd(const struct strata_loop *loop)
{
    return loop->epoll_fd;
}

int strata_loop_add(struct strata_loop *loop, struct strata_device device, int port,
                    struct strata_driver *driver)
{
    struct attachment *grown = realloc(loop->attachments, (loop->count + 1) * sizeof *grown);
    if (!grown)
        return -ENOMEM;
    loop->attachments = grown;
    struct attachment *added = &grown[loop->count];
    *added = (struct attachment){
        .driver = driver, .device = device, .port = port, .frame = malloc(LOOP_FRAME_BYTES)};
    if (!added->frame)
        return -ENOMEM;
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = loop->count};
    if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, driver->fd, &event) < 0) {
        free(added->frame);
        return -errno;
    }
    loop->count++;
    return 0;
}

/** Reads a batch. @return frames read, or a negative errno. */
static long attachment_receive(struct strata_loop *loop, struct attachment *attachment)
{
    int frames = 0;
    while (frames < LOOP_BATCH) {
        long length = strata_driver_receive(attachment->driver, loop->frame, LOOP_FRAME_BYTES);
        if (length < 0)
            return length;
        if (length == 0)
            break;
        attachment->device.ops->input(attachment->device.self, attachment->port, loop->frame, (size_t)length,
                                      NULL, strata_clock_monotonic());
        frames++;
    }
    return frames;
}

/** While something waits for the kernel, its descriptor is watched for room too. */
static void attachment_watch(struct strata_loop *loop, unsigned index, bool watched)
{
    struct attachment *attachment = &loop->attachments[index];
    if (attachment->watched == watched)
        return;
    attachment->watched = watched;
    struct epoll_event event = {.events = EPOLLIN | (watched ? (uint32_t)EPOLLOUT : 0u), .data.u32 = index};
    epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, attachment->driver->fd, &event);
}

/** Sends what a port has to say, a batch at most. @return frames sent, or a negative errno. */
static long attachment_transmit(struct strata_loop *loop, unsigned index)
{
    struct attachment *attachment = &loop->attachments[index];
    long frames = 0;
    long failure = 0;
    while (frames < LOOP_BATCH) {
        if (attachment->waiting == 0)
            attachment->waiting =
                attachment->device.ops->output(attachment->device.self, attachment->port, attachment->frame,
                                               LOOP_FRAME_BYTES, NULL, strata_clock_monotonic());
        if (attachment->waiting == 0)
            break;
        int error = strata_driver_send(attachment->driver, attachment->frame, attachment->waiting);
        if (error == -EAGAIN)
            break;
        attachment->waiting = 0;
        if (error < 0 && error != -EMSGSIZE && error != -EINVAL) {
            failure = error;
            break;
        }
        frames++;
    }
    int flushed = failure < 0 ? 0 : strata_driver_flush(attachment->driver);
    attachment_watch(loop, index, attachment->waiting > 0 || flushed == -EAGAIN);
    if (flushed < 0 && flushed != -EAGAIN)
        failure = flushed;
    return failure < 0 ? failure : frames;
}

bool strata_loop_blocked(const struct strata_loop *loop)
{
    for (unsigned i = 0; i < loop->count; i++)
        if (loop->attachments[i].watched)
            return true;
    return false;
}

strata_time strata_loop_work(struct strata_loop *loop)
{
    bool busy = false;
    strata_time next = STRATA_NEVER;
    for (unsigned i = 0; i < loop->count; i++) {
        long frames = attachment_receive(loop, &loop->attachments[i]);
        if (frames < 0)
            return frames;
        busy |= frames == LOOP_BATCH;
    }
    for (unsigned i = 0; i < loop->count; i++) {
        struct strata_device device = loop->attachments[i].device;
        device.ops->advance(device.self, strata_clock_monotonic());
    }
    for (unsigned i = 0; i < loop->count; i++) {
        long frames = attachment_transmit(loop, i);
        if (frames < 0)
            return frames;
        busy |= frames == LOOP_BATCH;
    }
    for (unsigned i = 0; i < loop->count; i++) {
        strata_time deadline = loop->attachments[i].device.ops->deadline(loop->attachments[i].device.self);
        next = deadline < next ? deadline : next;
    }
    return busy ? strata_clock_monotonic() : next;
}
