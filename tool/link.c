/*
 * strata link: a cable in real time between two interfaces, sockets or machines. The emulator is the lab's,
 * with its words and its randomness; only its clock is the machine's: what is due by now happens, then the
 * loop sleeps until the next thing is due or a frame comes. Frames that come get the time at which they are
 * read.
 *
 * Sleeping is precise to the kernel's high-resolution timers, some ten microseconds; how late frames really
 * were handed over is measured and told at the end.
 */
#include "tool/link.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "lab/capture.h"
#include "tool/tool.h"

/** Frames of one end between two looks at the other. */
#define LINK_BATCH 64
/** Frames under way in one direction, at most: 0.6 s at 10 Gbit/s. Some 900 MB when each is as long as most.
 */
#define LINK_FLYING_MAX (1u << 19)

struct link {
    struct link_options options;
    struct link_end end[2];
    struct strata_world *world;
    struct strata_cable *cable;
    struct capture *capture;
    strata_time epoch;                    /**< The lab's zero by the machine's clock. */
    strata_time next_stats;               /**< By the lab's clock. */
    struct strata_cable_counts before[2]; /**< At the last line of --stats. */
    int signal_fd;
    bool stopped;
};

static strata_time lab_now(const struct link *link)
{
    return strata_clock_monotonic() - link->epoch;
}

static struct strata_cable_counts counts_of(const struct link *link, int direction)
{
    struct strata_cable_counts counts = {.size = sizeof counts};
    strata_cable_counts(link->cable, direction, &counts);
    return counts;
}

/* ---- What it says ---------------------------------------------------------------------------------------
 */

static void json_direction(const struct link *link, int direction)
{
    struct strata_cable_counts c = counts_of(link, direction);
    const struct link_end *to = &link->end[!direction];
    printf("{\"sent\": %" PRIu64 ", \"bytes_sent\": %" PRIu64 ", \"delivered\": %" PRIu64
           ", \"bytes_delivered\": %" PRIu64 ", \"lost\": %" PRIu64 ", \"lost_burst\": %" PRIu64
           ", \"lost_queue\": %" PRIu64 ", \"too_long\": %" PRIu64 ", \"duplicated\": %" PRIu64
           ", \"corrupted\": %" PRIu64 ", \"reordered\": %" PRIu64 ", \"queue_most\": %" PRIu64
           ", \"crowded\": %" PRIu64 ", \"unheard\": %" PRIu64 ", \"late_mean_us\": %" PRId64
           ", \"late_most_us\": %" PRId64 "}",
           c.sent, c.bytes_sent, c.delivered, c.bytes_delivered, c.lost, c.lost_burst, c.lost_queue,
           c.lost_down, c.duplicated, c.corrupted, c.reordered, c.queue_most, link->end[direction].crowded,
           to->unheard, to->late_count ? to->late_sum / (strata_time)to->late_count / 1000 : 0,
           to->late_most / 1000);
}

static void json_text(const char *text)
{
    putchar('"');
    for (const unsigned char *c = (const unsigned char *)text; *c; c++)
        if (*c == '"' || *c == '\\')
            printf("\\%c", *c);
        else if (*c < 0x20)
            printf("\\u%04x", *c);
        else
            putchar(*c);
    putchar('"');
}

static void print_json(const struct link *link, const char *kind)
{
    strata_time now = strata_world_now(link->world);
    printf("{\"kind\": \"%s\", \"seconds\": %" PRId64 ".%06" PRId64 ", \"seed\": %" PRIu64 ", \"a\": ", kind,
           now / STRATA_SECOND, now % STRATA_SECOND / 1000, strata_world_seed(link->world));
    json_text(link->end[0].text);
    fputs(", \"b\": ", stdout);
    json_text(link->end[1].text);
    fputs(", \"a_to_b\": ", stdout);
    json_direction(link, 0);
    fputs(", \"b_to_a\": ", stdout);
    json_direction(link, 1);
    puts("}");
    fflush(stdout);
}

static void print_table(const struct link *link)
{
    strata_time now = strata_world_now(link->world);
    printf("after %" PRId64 ".%03" PRId64 " s, seed %" PRIu64 "\n", now / STRATA_SECOND,
           now % STRATA_SECOND / STRATA_MILLISECOND, strata_world_seed(link->world));
    printf("  %-8s %10s %14s %10s %14s %8s %8s %8s\n", "", "sent", "bytes", "delivered", "bytes", "lost",
           "queue", "unheard");
    for (int i = 0; i < 2; i++) {
        struct strata_cable_counts c = counts_of(link, i);
        printf("  %-8s %10" PRIu64 " %14" PRIu64 " %10" PRIu64 " %14" PRIu64 " %8" PRIu64 " %8" PRIu64
               " %8" PRIu64 "\n",
               i ? "b to a" : "a to b", c.sent, c.bytes_sent, c.delivered, c.bytes_delivered,
               c.lost + c.lost_burst, c.lost_queue + link->end[i].crowded, link->end[!i].unheard);
    }
    printf("  %-8s %10s %14s %10s %14s %8s %8s\n", "", "doubled", "damaged", "reordered", "longest queue",
           "late us", "at most");
    for (int i = 0; i < 2; i++) {
        struct strata_cable_counts c = counts_of(link, i);
        const struct link_end *to = &link->end[!i];
        printf("  %-8s %10" PRIu64 " %14" PRIu64 " %10" PRIu64 " %14" PRIu64 " %8" PRId64 " %8" PRId64 "\n",
               i ? "b to a" : "a to b", c.duplicated, c.corrupted, c.reordered, c.queue_most,
               to->late_count ? to->late_sum / (strata_time)to->late_count / 1000 : 0, to->late_most / 1000);
    }
    fflush(stdout);
}

static void print_all(const struct link *link, const char *kind)
{
    if (link->options.json)
        print_json(link, kind);
    else
        print_table(link);
}

/** What went through since the last line, a line per direction. */
static void print_interval(struct link *link)
{
    strata_time now = strata_world_now(link->world), every = link->options.stats_every;
    for (int i = 0; i < 2; i++) {
        struct strata_cable_counts c = counts_of(link, i), *b = &link->before[i];
        uint64_t kbps = (c.bytes_delivered - b->bytes_delivered) * 8 * 1000000 / (uint64_t)every;
        printf("%6" PRId64 ".%01" PRId64 " s  %s  %8" PRIu64 ".%03" PRIu64 " Mbit/s  %8" PRIu64
               " frames, %" PRIu64 " lost, %" PRIu64 " found the queue full\n",
               now / STRATA_SECOND, now % STRATA_SECOND / (100 * STRATA_MILLISECOND), i ? "b to a" : "a to b",
               kbps / 1000, kbps % 1000, c.delivered - b->delivered,
               c.lost + c.lost_burst - b->lost - b->lost_burst, c.lost_queue - b->lost_queue);
        *b = c;
    }
    fflush(stdout);
}

/** Lines of --stats that are due. */
static void show_stats(struct link *link)
{
    if (!link->options.stats_every || lab_now(link) < link->next_stats)
        return;
    link->next_stats += link->options.stats_every;
    if (link->options.json)
        print_json(link, "interval");
    else
        print_interval(link);
}

/* ---- The loop -------------------------------------------------------------------------------------------
 */

static int keep_pace(struct link *link, strata_time until)
{
    int error = strata_world_run(link->world, until);
    return error ? tool_complain(TOOL_FAILED, "the cable cannot go on: %s", strerror(-error)) : 0;
}

/** A long delay must not take all memory. */
static bool is_crowded(const struct link *link, int direction)
{
    struct strata_cable_counts c = counts_of(link, direction);
    return c.sent + c.duplicated - c.delivered - c.lost - c.lost_burst - c.lost_queue - c.lost_down >=
           LINK_FLYING_MAX;
}

/** Puts what came at an end onto the cable, a batch at most. @return an exit status. */
static int take_in(struct link *link, int index)
{
    struct link_end *end = &link->end[index];
    strata_time now = lab_now(link);
    int frames = 0, status = keep_pace(link, now);
    while (!status && end->driver && frames < LINK_BATCH) {
        int got = link_end_receive(end);
        if (got < 0)
            return TOOL_FAILED;
        if (got == 0)
            break;
        frames++;
        if (is_crowded(link, index)) {
            end->held = 0;
            end->crowded++;
        } else {
            status = keep_pace(link, now);
        }
    }
    end->more = frames == LINK_BATCH;
    return status;
}

static void take_signals(struct link *link)
{
    struct signalfd_siginfo signal;
    while (read(link->signal_fd, &signal, sizeof signal) == sizeof signal) {
        if (signal.ssi_signo == SIGUSR1)
            print_all(link, "so far");
        else
            link->stopped = true;
    }
}

/** Sleeps until something is due or somebody speaks. `polls`: of the signals, then two per end. */
static int wait_for_work(struct link *link, struct pollfd polls[5])
{
    strata_time next = strata_world_deadline(link->world), now = lab_now(link);
    if (link->options.stats_every && link->next_stats < next)
        next = link->next_stats;
    if (link->options.duration && link->options.duration < next)
        next = link->options.duration;
    polls[0] = (struct pollfd){.fd = link->signal_fd, .events = POLLIN};
    for (int i = 0; i < 2; i++) {
        const struct link_end *end = &link->end[i];
        polls[1 + 2 * i] = (struct pollfd){.fd = end->driver ? strata_driver_fd(end->driver) : -1,
                                           .events = (short)(POLLIN | (end->waits ? POLLOUT : 0))};
        polls[2 + 2 * i] = (struct pollfd){.fd = end->listener, .events = POLLIN};
        if (end->more)
            next = now;
    }
    strata_time wait = next > now ? next - now : 0;
    struct timespec timeout = {.tv_sec = wait / STRATA_SECOND, .tv_nsec = wait % STRATA_SECOND};
    int ready = ppoll(polls, 5, next == STRATA_NEVER ? NULL : &timeout, NULL);
    if (ready < 0 && errno != EINTR)
        return tool_complain(TOOL_FAILED, "cannot wait: %s", strerror(errno));
    if (ready < 0)
        memset(polls, 0, 5 * sizeof *polls);
    return 0;
}

static int link_go(struct link *link)
{
    struct pollfd polls[5];
    while (!link->stopped) {
        int status = wait_for_work(link, polls);
        if (!status)
            status = keep_pace(link, lab_now(link));
        // A peer that comes hears what is read from now on; one that leaves makes room below.
        for (int i = 0; i < 2 && !status; i++)
            if (!link->end[i].driver && polls[2 + 2 * i].revents)
                link_end_accept(&link->end[i]);
        for (int i = 0; i < 2 && !status; i++)
            if (link->end[i].driver && (link->end[i].more || polls[1 + 2 * i].revents))
                status = take_in(link, i);
        for (int i = 0; i < 2 && !status; i++) {
            link_end_flush(&link->end[i]);
            if (polls[2 + 2 * i].revents)
                link_end_accept(&link->end[i]);
        }
        if (status)
            return status;
        if (polls[0].revents)
            take_signals(link);
        show_stats(link);
        if (link->options.duration && lab_now(link) >= link->options.duration)
            break;
    }
    return 0;
}

/* ---- Beginning and end ----------------------------------------------------------------------------------
 */

static int open_cable(struct link *link)
{
    struct strata_world_config world = {.size = sizeof world, .seed = link->options.seed};
    int error = strata_world_new(&link->world, &world);
    if (error)
        return tool_complain(TOOL_FAILED, "cannot make a cable: %s", strerror(-error));
    struct strata_cable_config cable = {.size = sizeof cable,
                                        .name = "a-b",
                                        .forward = link->options.direction[0],
                                        .backward = link->options.direction[1],
                                        .mtu_bytes = 65535};
    for (int i = 0; i < 2; i++)
        link->end[i].node = strata_world_device(link->world, i ? "b" : "a", link_end_device(&link->end[i]));
    if (link->end[0].node && link->end[1].node)
        link->cable = strata_world_cable(link->world, link->end[0].node, link->end[1].node, &cable);
    if (!link->cable)
        return tool_complain(TOOL_FAILED, "cannot make a cable: out of memory");
    if (link->options.pcap && (error = capture_new(&link->capture, link->world, link->options.pcap, false)))
        return tool_complain(TOOL_FAILED, "%s: %s", link->options.pcap, strerror(-error));
    return 0;
}

static int open_link(struct link *link)
{
    link->signal_fd = tool_open_signals();
    if (link->signal_fd < 0)
        return tool_complain(TOOL_FAILED, "cannot wait for signals: %s", strerror(-link->signal_fd));
    // A cable takes little of the processor, but that at its time, not when others have had their turn. Where this is
    // not permitted, it is late more often.
    if (!link->options.no_realtime)
        (void)sched_setscheduler(0, SCHED_RR, &(struct sched_param){.sched_priority = 10});
    int status = 0;
    for (int i = 0; i < 2 && !status; i++)
        status = link_end_open(&link->end[i], link->options.between[i]);
    return status ? status : open_cable(link);
}

static void introduce(const struct link *link)
{
    char there[300], back[300];
    link_describe(&link->options.direction[0], there, sizeof there);
    link_describe(&link->options.direction[1], back, sizeof back);
    fprintf(stderr, "a = %s, b = %s\n  a to b: %s\n  b to a: %s\n", link->end[0].text, link->end[1].text,
            there, back);
}

int tool_link(int argc, char **argv)
{
    struct link link = {.signal_fd = -1, .end = {{.listener = -1}, {.listener = -1}}};
    int status = link_options_read(&link.options, argc, argv);
    if (status >= 0)
        return status;
    status = open_link(&link);
    if (!status) {
        introduce(&link);
        link.epoch = link.end[0].epoch = link.end[1].epoch = strata_clock_monotonic();
        link.next_stats = link.options.stats_every;
        status = link_go(&link);
        print_all(&link, "end");
    }
    int error = link.capture ? capture_close(link.capture) : 0;
    if (error)
        status = tool_complain(TOOL_FAILED, "%s: %s", link.options.pcap, strerror(-error));
    strata_world_free(link.world);
    for (int i = 0; i < 2; i++)
        link_end_close(&link.end[i]);
    if (link.signal_fd >= 0)
        close(link.signal_fd);
    return status;
}
