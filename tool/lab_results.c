/*
 * What strata lab says at the end: checks, counts, and how to see it again.
 */
#include "tool/lab.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int lab_run_failed(int error)
{
    if (error == -ELOOP)
        return tool_complain(TOOL_FAILED, "the world stands still: a million things happened at one moment");
    return tool_complain(TOOL_FAILED, "the world cannot go on: %s", strerror(-error));
}

bool lab_wants_colour(FILE *to)
{
    const char *no_colour = getenv("NO_COLOR"), *terminal = getenv("TERM");
    return isatty(fileno(to)) && !(no_colour && *no_colour) && terminal && strcmp(terminal, "dumb") != 0;
}

static void print_counters(struct strata_world *world)
{
    struct strata_node *node;
    for (unsigned i = 0; (node = strata_world_node(world, i)); i++)
        for (unsigned j = 0; j < strata_counters(); j++) {
            int64_t value = strata_node_counter(node, strata_counter_name(j));
            if (value > 0)
                printf("  %-14s %-30s %10" PRId64 "  %s\n", strata_node_name(node), strata_counter_name(j),
                       value, strata_counter_help(j));
        }
}

static void print_stats(struct strata_world *world)
{
    printf("\n  %-24s %10s %10s %8s %8s %8s %8s %8s %8s\n", "cable", "sent", "delivered", "lost", "queue",
           "marked", "doubled", "late", "damaged");
    struct strata_cable *cable;
    for (unsigned i = 0; (cable = strata_world_cable_at(world, i)); i++)
        for (int direction = 0; direction < 2; direction++) {
            struct strata_cable_counts c = {.size = sizeof c};
            strata_cable_counts(cable, direction, &c);
            char name[80];
            snprintf(name, sizeof name, "%s %s", strata_cable_name(cable),
                     direction ? "backward" : "forward");
            printf("  %-24s %10" PRIu64 " %10" PRIu64 " %8" PRIu64 " %8" PRIu64 " %8" PRIu64 " %8" PRIu64
                   " %8" PRIu64 " %8" PRIu64 "\n",
                   name, c.sent, c.delivered, c.lost + c.lost_burst + c.lost_down, c.lost_queue, c.marked,
                   c.duplicated, c.reordered, c.corrupted);
        }
    printf("\n");
    print_counters(world);
}

static void print_results(const struct scenario_run *run, const struct lab_options *options)
{
    bool colour = lab_wants_colour(stdout);
    if (!options->quiet)
        printf("\n");
    for (unsigned i = 0; i < run->result_count; i++) {
        const struct scenario_result *result = &run->results[i];
        const char *mark = !colour      ? (result->ok ? "ok    " : "FAILED")
                           : result->ok ? "\033[32mok    \033[0m"
                                        : "\033[31mFAILED\033[0m";
        printf("%s  %s: %s\n", mark, result->name, result->detail ? result->detail : "");
    }
    strata_time now = strata_world_now(run->world);
    printf("%s  %" PRIu64 " frames in %" PRId64 ".%03" PRId64 " s of virtual time, seed %" PRIu64
           ", hash %016" PRIx64 "\n",
           run->ok ? "ok    " : "FAILED", strata_world_frames(run->world), now / STRATA_SECOND,
           now % STRATA_SECOND / STRATA_MILLISECOND, strata_world_seed(run->world),
           strata_world_hash(run->world));
}

static void print_replay(const struct scenario_run *run, const struct lab_options *options, FILE *to)
{
    fprintf(to, "to see it again: strata lab %s --seed %" PRIu64, options->file,
            strata_world_seed(run->world));
    if (options->duration_text)
        fprintf(to, " --duration %s", options->duration_text);
    fprintf(to, "\n");
}

int lab_report(const struct lab_job *job, const struct lab_watch *watch)
{
    const struct scenario_run *run = job->run;
    const struct lab_options *options = job->options;
    if (options->json) {
        char *text = scenario_json(run);
        if (!text)
            return tool_complain(TOOL_FAILED, "out of memory");
        puts(text);
        free(text);
    } else {
        print_results(run, options);
        lab_watch_tell(watch, job, stdout);
    }
    if (options->stats && !options->json)
        print_stats(run->world);
    if (!run->ok)
        print_replay(run, options, options->json ? stderr : stdout);
    if (fflush(stdout) != 0)
        return tool_complain(TOOL_FAILED, "standard output: %s", strerror(errno));
    return run->ok ? TOOL_OK : TOOL_FAILED;
}
