/*
 * The kernel's world: its clock and randomness, one epoll descriptor for everything that becomes ready, and
 * strata_rt_main, which runs a program in it.
 *
 * Sockets are registered once, edge-triggered, when somebody first waits for them. That is enough because
 * every call is tried before it is waited for; only strata_rt_wait_any asks for levels, with poll.
 */
#include "rt/kernel.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

/** Events taken from the kernel at once. */
#define KERNEL_EVENTS 128

static strata_time clock_read(clockid_t id)
{
    struct timespec time;
    clock_gettime(id, &time);
    return (strata_time)time.tv_sec * STRATA_SECOND + time.tv_nsec;
}

static strata_time clock_now(void *self)
{
    (void)self;
    return clock_read(CLOCK_MONOTONIC);
}

static int64_t clock_wall(void *self)
{
    (void)self;
    return clock_read(CLOCK_REALTIME);
}

static void random_fill_kernel(void *self, void *data, size_t size)
{
    (void)self;
    for (size_t done = 0; done < size;) {
        ssize_t length = getrandom((uint8_t *)data + done, size - done, 0);
        if (length > 0)
            done += (size_t)length;
        else if (errno != EINTR)
            abort(); /* a kernel without randomness: no program of ours may go on with guessable bytes */
    }
}

void strata_kernel_config(struct strata_kernel *kernel, struct strata_rt_config *config)
{
    static const struct strata_clock_ops clock = {.now = clock_now, .wall = clock_wall};
    static const struct strata_random_ops random = {.fill = random_fill_kernel};
    config->net = &kernel_net_ops;
    config->net_self = kernel;
    config->disk = &kernel_disk_ops;
    config->disk_self = kernel;
    config->pool = &kernel_pool_ops;
    config->pool_self = &kernel->pool;
    config->clock = &clock;
    config->clock_self = kernel;
    config->random = &random;
    config->random_self = kernel;
}

int strata_kernel_new(struct strata_kernel **kernel)
{
    struct strata_kernel *made = calloc(1, sizeof *made);
    if (!made)
        return -ENOMEM;
    made->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    int error = made->epoll_fd < 0 ? -errno : kernel_pool_init(&made->pool);
    if (error < 0) {
        if (made->epoll_fd >= 0)
            close(made->epoll_fd);
        free(made);
        return error;
    }
    kernel_listing_init(&made->listing);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL}; /* NULL: the pool */
    if (epoll_ctl(made->epoll_fd, EPOLL_CTL_ADD, made->pool.event_fd, &event) < 0) {
        error = -errno;
        strata_kernel_free(made);
        return error;
    }
    *kernel = made;
    return 0;
}

void strata_kernel_free(struct strata_kernel *kernel)
{
    if (!kernel)
        return;
    kernel_pool_end(&kernel->pool);
    kernel_listing_free(&kernel->listing);
    close(kernel->epoll_fd);
    free(kernel);
}

/** Waits until epoll or the extra descriptor has something. @return the events of the extra one, or a
 * negative errno. */
static int wait_for_both(const struct strata_kernel *kernel, strata_time timeout_ns, int extra_fd)
{
    struct pollfd fds[2] = {{.fd = kernel->epoll_fd, .events = POLLIN}, {.fd = extra_fd, .events = POLLIN}};
    struct timespec timeout, *limit = NULL;
    if (timeout_ns != STRATA_NEVER) {
        if (timeout_ns < 0)
            timeout_ns = 0;
        timeout.tv_sec = (time_t)(timeout_ns / STRATA_SECOND);
        timeout.tv_nsec = (long)(timeout_ns % STRATA_SECOND);
        limit = &timeout;
    }
    if (ppoll(fds, extra_fd >= 0 ? 2 : 1, limit, NULL) < 0)
        return errno == EINTR ? 0 : -errno;
    return extra_fd >= 0 && fds[1].revents ? 1 : 0;
}

static void handle(struct strata_kernel *kernel, struct strata_rt *rt, const struct epoll_event *event)
{
    struct kernel_conn *conn = event->data.ptr;
    if (!conn) {
        kernel_pool_collect(&kernel->pool);
        return;
    }
    uint32_t ready = kernel_ready(event->events);
    void *token = conn->token;
    if (token && (ready & (conn->armed | STRATA_HANGUP | STRATA_ERROR))) {
        conn->token = NULL;
        strata_rt_wake(rt, token);
    }
}

int strata_kernel_poll(struct strata_kernel *kernel, struct strata_rt *rt, strata_time timeout_ns,
                       int extra_fd)
{
    struct epoll_event events[KERNEL_EVENTS];
    int extra = wait_for_both(kernel, timeout_ns, extra_fd);
    if (extra < 0)
        return extra;
    int count;
    do {
        count = epoll_wait(kernel->epoll_fd, events, KERNEL_EVENTS, 0);
        if (count < 0)
            return errno == EINTR ? extra : -errno;
        for (int i = 0; i < count; i++)
            handle(kernel, rt, &events[i]);
    } while (count == KERNEL_EVENTS);
    return extra;
}

static void keep_status(void *context, int status)
{
    *(int *)context = status;
}

int strata_rt_main(strata_program program, int argc, char **argv)
{
    struct strata_kernel *kernel;
    struct strata_rt_config config = {.size = sizeof config};
    struct strata_rt *rt = NULL;
    int status = -ECANCELED;
    int error = strata_kernel_new(&kernel);
    if (error < 0)
        return error;
    strata_kernel_config(kernel, &config);
    error = strata_rt_new(&rt, &config);
    if (error >= 0)
        error =
            strata_rt_start(rt, argc > 0 ? argv[0] : "main", program, argc, argv, keep_status, &status, NULL);
    while (error >= 0 && strata_rt_run(rt) > 0) {
        strata_time deadline = strata_rt_deadline(rt);
        error = strata_kernel_poll(kernel, rt,
                                   deadline == STRATA_NEVER ? deadline : deadline - clock_now(NULL), -1);
    }
    strata_rt_free(rt);
    strata_kernel_free(kernel);
    return error < 0 ? error : status;
}
