/*
 * strata link: a cable in real time between two interfaces, sockets or machines. It is a lab of one cable that
 * keeps pace with the machine's clock (real.c), with the lab's words and its randomness; how late frames really
 * were handed over is measured and told at the end.
 */
#include "tool/link.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "lab/capture.h"
#include "tool/real.h"
#include "tool/tool.h"

struct link {
    struct link_options options;
    struct real real; /**< Its ends are those of the cable. */
    struct strata_world *world;
    struct strata_cable *cable;
    struct capture *capture;
    strata_time next_stats;               /**< By the lab's clock. */
    struct strata_cable_counts before[2]; /**< At the last line of --stats. */
    bool stopped;
};

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
    const struct real_end *to = &link->real.ends[!direction];
    printf("{\"sent\": %" PRIu64 ", \"bytes_sent\": %" PRIu64 ", \"delivered\": %" PRIu64
           ", \"bytes_delivered\": %" PRIu64 ", \"lost\": %" PRIu64 ", \"lost_burst\": %" PRIu64
           ", \"lost_queue\": %" PRIu64 ", \"too_long\": %" PRIu64 ", \"duplicated\": %" PRIu64
           ", \"corrupted\": %" PRIu64 ", \"reordered\": %" PRIu64 ", \"queue_most\": %" PRIu64
           ", \"crowded\": %" PRIu64 ", \"unheard\": %" PRIu64 ", \"late_mean_us\": %" PRId64
           ", \"late_most_us\": %" PRId64 "}",
           c.sent, c.bytes_sent, c.delivered, c.bytes_delivered, c.lost, c.lost_burst, c.lost_queue,
           c.lost_down, c.duplicated, c.corrupted, c.reordered, c.queue_most, link->real.ends[direction].crowded,
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
    json_text(link->real.ends[0].text);
    fputs(", \"b\": ", stdout);
    json_text(link->real.ends[1].text);
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
               c.lost + c.lost_burst, c.lost_queue + link->real.ends[i].crowded, link->real.ends[!i].unheard);
    }
    printf("  %-8s %10s %14s %10s %14s %8s %8s\n", "", "doubled", "damaged", "reordered", "longest queue",
           "late us", "at most");
    for (int i = 0; i < 2; i++) {
        struct strata_cable_counts c = counts_of(link, i);
        const struct real_end *to = &link->real.ends[!i];
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
    if (!link->options.stats_every || real_now(&link->real) < link->next_stats)
        return;
    link->next_stats += link->options.stats_every;
    if (link->options.json)
        print_json(link, "interval");
    else
        print_interval(link);
}

/* ---- The loop -------------------------------------------------------------------------------------------
 */

static void take_signals(struct link *link)
{
    struct signalfd_siginfo signal;
    while (read(link->real.extra_fd, &signal, sizeof signal) == sizeof signal) {
        if (signal.ssi_signo == SIGUSR1)
            print_all(link, "so far");
        else
            link->stopped = true;
    }
}

/** Asked after every moment: whether it is over. Lines of --stats come when they are due. */
static bool is_over(void *context)
{
    struct link *link = context;
    show_stats(link);
    return link->stopped;
}

static void look(void *context)
{
    take_signals(context);
}

static int link_go(struct link *link)
{
    strata_time until = link->options.duration ? link->options.duration : STRATA_NEVER;
    int result = strata_world_run_until(link->world, is_over, link, until);
    if (result == -ENODEV)
        return TOOL_FAILED; // an interface is gone, which was told
    return result < 0 ? tool_complain(TOOL_FAILED, "the cable cannot go on: %s", strerror(-result)) : 0;
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
        link->real.ends[i].node = strata_world_device(link->world, i ? "b" : "a", real_end_device(&link->real.ends[i]));
    if (link->real.ends[0].node && link->real.ends[1].node)
        link->cable = strata_world_cable(link->world, link->real.ends[0].node, link->real.ends[1].node, &cable);
    if (!link->cable)
        return tool_complain(TOOL_FAILED, "cannot make a cable: out of memory");
    if (link->options.pcap && (error = capture_new(&link->capture, link->world, link->options.pcap, CAPTURE_WHOLE)))
        return tool_complain(TOOL_FAILED, "%s: %s", link->options.pcap, strerror(-error));
    return 0;
}

static int open_link(struct link *link)
{
    int status = real_open(&link->real, 2);
    if (status)
        return status;
    link->real.look = look;
    link->real.look_context = link;
    link->real.extra_fd = tool_open_signals();
    if (link->real.extra_fd < 0)
        return tool_complain(TOOL_FAILED, "cannot wait for signals: %s", strerror(-link->real.extra_fd));
    // A cable takes little of the processor, but that at its time, not when others have had their turn. Where this is
    // not permitted, it is late more often.
    if (!link->options.no_realtime)
        (void)sched_setscheduler(0, SCHED_RR, &(struct sched_param){.sched_priority = 10});
    for (int i = 0; i < 2 && !status; i++)
        status = real_end_open(&link->real.ends[i], link->options.between[i]);
    return status ? status : open_cable(link);
}

static void introduce(const struct link *link)
{
    char there[300], back[300];
    link_describe(&link->options.direction[0], there, sizeof there);
    link_describe(&link->options.direction[1], back, sizeof back);
    fprintf(stderr, "a = %s, b = %s\n  a to b: %s\n  b to a: %s\n", link->real.ends[0].text, link->real.ends[1].text,
            there, back);
}

int tool_link(int argc, char **argv)
{
    struct link link = {.real.extra_fd = -1};
    int status = link_options_read(&link.options, argc, argv);
    if (status >= 0)
        return status;
    status = open_link(&link);
    if (!status) {
        introduce(&link);
        real_begin(&link.real, link.world);
        link.next_stats = link.options.stats_every;
        status = link_go(&link);
        print_all(&link, "end");
    }
    int error = link.capture ? capture_close(link.capture) : 0;
    if (error)
        status = tool_complain(TOOL_FAILED, "%s: %s", link.options.pcap, strerror(-error));
    strata_world_free(link.world);
    int signals = link.real.extra_fd;
    real_close(&link.real);
    if (signals >= 0)
        close(signals);
    return status;
}
