/*
 * What strata lab says at the end: checks, counts, and how to see it again.
 */
#include "tool/lab.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tool/sheet.h"

int lab_run_failed(int error)
{
    if (error == -ELOOP)
        return tool_complain(TOOL_FAILED, "the world stands still: a million things happened at one moment");
    if (error == -EOPNOTSUPP)
        return tool_complain(TOOL_USAGE, "a node is outside: one run with --real meets it, many runs do not");
    return tool_complain(TOOL_FAILED, "the world cannot go on: %s", strerror(-error));
}

bool lab_wants_colour(FILE *to)
{
    const char *no_colour = getenv("NO_COLOR"), *terminal = getenv("TERM");
    return isatty(fileno(to)) && !(no_colour && *no_colour) && terminal && strcmp(terminal, "dumb") != 0;
}

/* ---- What was counted ------------------------------------------------------------------------------------ */

static bool is_bus(const struct strata_cable *cable)
{
    struct strata_bus_counts counts = {.size = sizeof counts};
    return strata_bus_counts(cable, &counts) == 0;
}

/** Classes of a queue that are looked at: more than that nobody reads. */
#define QUEUES_SHOWN_MAX 64u

static void print_cables(struct strata_world *world, FILE *to)
{
    struct sheet sheet = {0};
    sheet_column(&sheet, (struct sheet_column){.title = "cable", .left = true, .stretch = true, .key = true});
    sheet_column(&sheet, (struct sheet_column){.title = "", .left = true, .key = true});
    static const char *const titles[] = {"sent",   "delivered", "lost",    "dropped", "cut",
                                         "marked", "doubled",   "delayed", "damaged", "queue"};
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
        sheet_column(&sheet, (struct sheet_column){.title = titles[i], .optional = i > 1});
    struct strata_cable *cable;
    for (unsigned i = 0; (cable = strata_world_cable_at(world, i)); i++)
        for (int direction = 0; direction < (is_bus(cable) ? 1 : 2); direction++) {
            struct strata_cable_counts c = {.size = sizeof c};
            strata_cable_counts(cable, direction, &c);
            sheet_cell(&sheet, "%s", strata_cable_name(cable));
            sheet_cell(&sheet, "%s", is_bus(cable) ? "to all" : direction ? "backward" : "forward");
            const uint64_t values[] = {c.sent,   c.delivered,  c.lost + c.lost_burst, c.lost_queue, c.lost_down,
                                       c.marked, c.duplicated, c.reordered,           c.corrupted,  c.queue_most};
            for (size_t j = 0; j < sizeof values / sizeof *values; j++)
                sheet_cell(&sheet, "%" PRIu64, values[j]);
        }
    if (sheet.count > 0)
        sheet_print(&sheet, to, SHEET_WIDTH);
    sheet_free(&sheet);
}

/** What stations on buses made of their attempts to speak. */
static void print_buses(struct strata_world *world, FILE *to)
{
    struct sheet sheet = {0};
    sheet_column(&sheet, (struct sheet_column){.title = "bus", .left = true, .stretch = true, .key = true});
    static const char *const titles[] = {"attempts",  "collided", "collisions", "excessive", "late",
                                         "unnoticed", "deferred", "tokens",     "efficiency"};
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
        sheet_column(&sheet, (struct sheet_column){.title = titles[i], .optional = true});
    struct strata_cable *cable;
    for (unsigned i = 0; (cable = strata_world_cable_at(world, i)); i++) {
        struct strata_bus_counts c = {.size = sizeof c};
        if (strata_bus_counts(cable, &c) != 0)
            continue;
        sheet_cell(&sheet, "%s", strata_cable_name(cable));
        const uint64_t values[] = {c.attempts, c.collided,  c.collisions, c.excessive,
                                   c.late,     c.unnoticed, c.deferred,   c.tokens};
        for (size_t j = 0; j < sizeof values / sizeof *values; j++)
            sheet_cell(&sheet, "%" PRIu64, values[j]);
        uint32_t efficiency_ppm = strata_bus_efficiency_ppm(&c);
        sheet_cell(&sheet, "%" PRIu32 ".%02" PRIu32 " %%", efficiency_ppm / 10000, efficiency_ppm % 10000 / 100);
    }
    if (sheet.count > 0) {
        fputc('\n', to);
        sheet_print(&sheet, to, SHEET_WIDTH);
    }
    sheet_free(&sheet);
}

/** The classes of queues. */
static void print_classes(struct strata_world *world, FILE *to)
{
    struct sheet sheet = {0};
    sheet_column(&sheet, (struct sheet_column){.title = "queue", .left = true, .stretch = true, .key = true});
    sheet_column(&sheet, (struct sheet_column){.title = "", .left = true, .key = true});
    static const char *const titles[] = {"came", "sent", "lost", "marked", "most", "wait ms", "longest"};
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
        sheet_column(&sheet, (struct sheet_column){.title = titles[i], .optional = i == 3});
    struct strata_cable *cable;
    const char *name;
    for (unsigned i = 0; (cable = strata_world_cable_at(world, i)); i++)
        for (unsigned j = 0; j < 2 * QUEUES_SHOWN_MAX; j++) {
            int direction = j >= QUEUES_SHOWN_MAX;
            struct strata_queue_counts c = {.size = sizeof c};
            if (!(name = strata_cable_class(cable, direction, j % QUEUES_SHOWN_MAX)) ||
                strata_cable_queue(cable, direction, name, &c) != 0 || c.frames == 0)
                continue;
            sheet_cell(&sheet, "%s: %s", strata_cable_name(cable), name);
            sheet_cell(&sheet, "%s", direction ? "backward" : "forward");
            const uint64_t values[] = {c.frames, c.sent, c.lost, c.marked, c.waiting_most};
            for (size_t k = 0; k < sizeof values / sizeof *values; k++)
                sheet_cell(&sheet, "%" PRIu64, values[k]);
            const strata_time waits[] = {c.sent ? c.wait_sum_ns / (strata_time)c.sent : 0, c.wait_most_ns};
            for (int k = 0; k < 2; k++)
                sheet_cell(&sheet, "%" PRId64 ".%03" PRId64, waits[k] / STRATA_MILLISECOND,
                           waits[k] % STRATA_MILLISECOND / STRATA_MICROSECOND);
        }
    if (sheet.count > 0)
        fputc('\n', to);
    if (sheet.count > 0)
        sheet_print(&sheet, to, SHEET_WIDTH);
    sheet_free(&sheet);
}

/** The node whose station address that is, or NULL. */
static const char *station_name(struct strata_world *world, const uint8_t mac[6])
{
    struct strata_node *node;
    struct strata_port_info info = {.size = sizeof info};
    for (unsigned i = 0; (node = strata_world_node(world, i)); i++) {
        struct strata_host *host = strata_node_host(node);
        for (int port = 1; host && strata_port_info(host, port, &info) == 0; port++)
            if (memcmp(info.mac, mac, sizeof info.mac) == 0)
                return strata_node_name(node);
    }
    return NULL;
}

/** What a switch has learned and not forgotten. */
static void print_stations(struct strata_world *world, struct strata_node *node, FILE *to)
{
    struct strata_bridge_station station = {.size = sizeof station};
    for (unsigned i = 0; strata_node_station(node, i, &station) == 0; i++) {
        const uint8_t *mac = station.mac;
        const char *name = station_name(world, mac);
        if (i == 0)
            fprintf(to, "\n  %s knows\n", strata_node_name(node));
        fprintf(to, "  %02x:%02x:%02x:%02x:%02x:%02x  at eth%d, heard at %" PRId64 ".%03" PRId64 " s%s%s\n", mac[0],
                mac[1], mac[2], mac[3], mac[4], mac[5], station.port, station.heard / STRATA_SECOND,
                station.heard % STRATA_SECOND / STRATA_MILLISECOND, name ? ": " : "", name ? name : "");
    }
}

static void print_counters(struct strata_node *node, FILE *to)
{
    bool any = false;
    for (unsigned i = 0; i < strata_counters(); i++) {
        int64_t value = strata_node_counter(node, strata_counter_name(i));
        if (value <= 0)
            continue;
        if (!any)
            fprintf(to, "\n  %s\n", strata_node_name(node));
        any = true;
        int length = fprintf(to, "  %10" PRId64 "  %s: ", value, strata_counter_name(i));
        sheet_fold(to, strata_counter_help(i), length > 0 ? (unsigned)length : 0, 14, SHEET_WIDTH);
    }
}

void lab_print_stats(struct strata_world *world, FILE *to)
{
    fputc('\n', to);
    print_cables(world, to);
    print_buses(world, to);
    print_classes(world, to);
    struct strata_node *node;
    for (unsigned i = 0; (node = strata_world_node(world, i)); i++)
        print_counters(node, to);
    for (unsigned i = 0; (node = strata_world_node(world, i)); i++)
        print_stations(world, node, to);
}

/* ---- Checks ---------------------------------------------------------------------------------------------- */

static void print_checks(const struct scenario_run *run)
{
    bool colour = lab_wants_colour(stdout);
    for (unsigned i = 0; i < run->result_count; i++) {
        const struct scenario_result *result = &run->results[i];
        const char *mark = !colour      ? (result->ok ? "ok    " : "FAILED")
                           : result->ok ? "\033[32mok    \033[0m"
                                        : "\033[31mFAILED\033[0m";
        printf("%s  ", mark);
        char text[1000];
        snprintf(text, sizeof text, "%s: %s", result->name, result->detail ? result->detail : "");
        for (char *c = text; *c; c++)
            if ((unsigned char)*c < 32 || *c == 127)
                *c = '.';
        puts(text);
    }
}

static void print_sum(const struct scenario_run *run)
{
    strata_time now = strata_world_now(run->world);
    printf("%s  %" PRIu64 " frames in %" PRId64 ".%03" PRId64 " s of virtual time, seed %" PRIu64
           ", hash %016" PRIx64 "\n",
           run->stopped ? "so far"
           : run->ok    ? "ok    "
                        : "FAILED",
           strata_world_frames(run->world), now / STRATA_SECOND, now % STRATA_SECOND / STRATA_MILLISECOND,
           strata_world_seed(run->world), strata_world_hash(run->world));
}

/** What goes on where a run was stopped: programs, and frames that wait. */
static void print_state(const struct scenario_run *run)
{
    for (unsigned i = 0; i < run->scenario->nodes.count; i++) {
        const struct scenario_node *node = &run->scenario->nodes.items[i];
        for (unsigned j = 0; j < node->programs.count; j++)
            if (node->programs.items[j].started && node->programs.items[j].status == -1)
                printf("        %s runs %s\n", node->name, node->programs.items[j].name);
    }
    struct strata_cable *cable;
    for (unsigned i = 0; (cable = strata_world_cable_at(run->world, i)); i++)
        for (int direction = 0; direction < 2; direction++) {
            uint32_t waiting = strata_cable_waiting(cable, direction);
            if (waiting > 0)
                printf("        %s %s: %" PRIu32 " frames wait\n", strata_cable_name(cable),
                       direction ? "backward" : "forward", waiting);
        }
}

static void print_results(const struct lab_job *job)
{
    if (!job->options->quiet)
        printf("\n");
    print_checks(job->run);
    print_sum(job->run);
    if (job->run->stopped)
        print_state(job->run);
}

/** Why a run was stopped, in a sentence. @return the exit status. */
static int say_stopped(const struct lab_job *job)
{
    int status = lab_guard_status(&job->guard);
    switch (job->guard.why) {
    case LAB_STOPPED_SIGNAL:
        return tool_complain(status, "ended by %s; the checks were not judged",
                             lab_guard_signal() == 2 ? "Ctrl-C" : strsignal(lab_guard_signal()));
    case LAB_STOPPED_TIMEOUT:
        return tool_complain(status, "not done after %s of real time (--timeout); the checks were not judged",
                             job->options->timeout_text);
    case LAB_STOPPED_NOT:
    case LAB_STOPPED_UNTIL:
    case LAB_STOPPED_OUTPUT: // what was wrong with it is said when it is flushed
        break;
    }
    return status;
}

int lab_report(const struct lab_job *job, const struct lab_watch *watch)
{
    const struct scenario_run *run = job->run;
    const struct lab_options *options = job->options;
    bool json = options->json || options->jsonl;
    if (json && !lab_print_json(job, !options->jsonl, stdout))
        return tool_complain(TOOL_FAILED, "out of memory");
    if (!json) {
        print_results(job);
        lab_watch_tell(watch, job, stdout);
    }
    if (options->stats && !json)
        lab_print_stats(run->world, stdout);
    if (!run->ok && !run->stopped) {
        FILE *to = json ? stderr : stdout;
        fputs("to see it again: ", to);
        lab_print_again(to, options, strata_world_seed(run->world));
    }
    errno = 0;
    if (fflush(stdout) != 0 || ferror(stdout))
        return tool_complain(TOOL_FAILED, "standard output: %s", strerror(errno ? errno : EIO));
    if (run->stopped)
        return say_stopped(job);
    return run->ok ? TOOL_OK : TOOL_FAILED;
}
