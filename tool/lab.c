/*
 * strata lab: reads a scenario, lets its world run in virtual time, shows what happens and judges the checks.
 */
#include "tool/tool.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lab/capture.h"
#include "lab/curve.h"
#include "lab/scenario.h"
#include "lab/scenario_yaml.h"
#include "lab/timeline.h"
#include "tool/picture.h"

static const char help[] =
    "usage: strata lab FILE [OPTION ...]     run a scenario\n"
    "       strata lab check FILE            only look for mistakes in it\n"
    "\n"
    "  --seed N          other randomness; the same seed gives the same bytes\n"
    "  --timeline        show what happens, one line each (the default)\n"
    "  --verbose, -v     more of it; twice: every frame on every cable\n"
    "  --quiet, -q       only the checks\n"
    "  --json            one JSON object with the result\n"
    "  --pcap FILE       write every frame to a pcapng file, with a comment on each fault\n"
    "  --pcap-dir DIR    the same, a file per cable\n"
    "  --curve FILE      write cwnd, ssthresh, flight, round-trip time and queues over time as CSV;\n"
    "                    to a .svg or .png, draw windows and round-trip times (needs gnuplot); may be both\n"
    "  --stats           what each host and cable counted\n"
    "  --duration T      run at most that long, such as 90s\n"
    "\n"
    "exit status: 0 all checks hold, 1 some do not, 2 the scenario or the command is wrong\n"
    "\n"
    "examples:\n"
    "  strata lab examples/day-in-the-life/day.yaml\n"
    "  strata lab examples/lossy-link/transfer.yaml --seed 7 --quiet --pcap out.pcapng\n";

struct options {
    struct scenario_options scenario;
    const char *file, *pcap, *curve, *picture;
    const char *duration_text;
    bool pcap_folder, json, quiet, timeline, stats, only_check;
    int verbose;
};

static int wrong(const char *format, const char *value)
{
    char text[300];
    snprintf(text, sizeof text, format, value);
    return tool_complain(TOOL_USAGE, "%s; 'strata lab --help' explains", text);
}

static int set_seed(struct options *options, const char *text)
{
    char *end;
    errno = 0;
    options->scenario.seed = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno || options->scenario.seed == 0 ||
        options->scenario.seed > INT64_MAX)
        return wrong("--seed %s: expected a whole number from 1 on", text);
    return 0;
}

static int set_duration(struct options *options, const char *text)
{
    if (parse_duration(text, &options->scenario.duration) != 0 || options->scenario.duration == 0)
        return wrong("--duration %s: expected a time such as 90s", text);
    options->duration_text = text;
    return 0;
}

enum {
    LONG_SEED = 256,
    LONG_TIMELINE,
    LONG_JSON,
    LONG_PCAP,
    LONG_PCAP_DIR,
    LONG_CURVE,
    LONG_STATS,
    LONG_DURATION,
    LONG_HELP
};

static int read_options(struct options *options, int argc, char **argv)
{
    static const struct option longs[] = {
        {"seed", required_argument, NULL, LONG_SEED},
        {"timeline", no_argument, NULL, LONG_TIMELINE},
        {"verbose", no_argument, NULL, 'v'},
        {"quiet", no_argument, NULL, 'q'},
        {"json", no_argument, NULL, LONG_JSON},
        {"pcap", required_argument, NULL, LONG_PCAP},
        {"pcap-dir", required_argument, NULL, LONG_PCAP_DIR},
        {"curve", required_argument, NULL, LONG_CURVE},
        {"stats", no_argument, NULL, LONG_STATS},
        {"duration", required_argument, NULL, LONG_DURATION},
        {"help", no_argument, NULL, LONG_HELP},
        {NULL, 0, NULL, 0},
    };
    int choice, status = 0;
    optind = 1;
    opterr = 0;
    while (status == 0 && (choice = getopt_long(argc, argv, ":vqh", longs, NULL)) != -1) {
        switch (choice) {
        case LONG_SEED:
            status = set_seed(options, optarg);
            break;
        case LONG_DURATION:
            status = set_duration(options, optarg);
            break;
        case LONG_TIMELINE:
            options->timeline = true;
            break;
        case 'v':
            options->verbose++;
            break;
        case 'q':
            options->quiet = true;
            break;
        case LONG_JSON:
            options->json = true;
            break;
        case LONG_PCAP:
        case LONG_PCAP_DIR:
            options->pcap = optarg;
            options->pcap_folder = choice == LONG_PCAP_DIR;
            break;
        case LONG_CURVE:
            *(picture_wanted(optarg) ? &options->picture : &options->curve) = optarg;
            break;
        case LONG_STATS:
            options->stats = true;
            break;
        case LONG_HELP:
        case 'h':
            fputs(help, stdout);
            exit(TOOL_OK);
        case ':':
            status = wrong("%s needs a value", argv[optind - 1]);
            break;
        default:
            status = wrong("there is no option %s", argv[optind - 1]);
        }
    }
    if (status == 0 && optind < argc && strcmp(argv[optind], "check") == 0) {
        options->only_check = true;
        optind++;
    }
    if (status == 0 && optind == argc)
        status = wrong("%s", "which scenario?");
    else if (status == 0 && optind + 1 < argc)
        status = wrong("%s: one scenario at a time", argv[optind + 1]);
    if (status == 0)
        options->file = argv[optind];
    return status;
}

/** @return 0 and the scenario, or the exit status. */
static int load(const struct options *options, struct scenario **scenario)
{
    struct complaints complaints = {0};
    int error = scenario_load(scenario, options->file, &complaints);
    int status = 0;
    if (error == -EINVAL) {
        complaints_print(&complaints, options->file, stderr);
        status = TOOL_USAGE;
    } else if (error) {
        status = tool_complain(TOOL_FAILED, "%s: %s", options->file, strerror(-error));
    }
    complaints_free(&complaints);
    return status;
}

static bool wants_colour(FILE *to)
{
    const char *no_colour = getenv("NO_COLOR"), *terminal = getenv("TERM");
    return isatty(fileno(to)) && !(no_colour && *no_colour) && terminal && strcmp(terminal, "dumb") != 0;
}

/* ---- Results ----------------------------------------------------------------------------------------------
 */

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

static void print_results(const struct scenario_run *run, const struct options *options)
{
    bool colour = wants_colour(stdout);
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

static void print_replay(const struct scenario_run *run, const struct options *options, FILE *to)
{
    fprintf(to, "to see it again: strata lab %s --seed %" PRIu64, options->file,
            strata_world_seed(run->world));
    if (options->duration_text)
        fprintf(to, " --duration %s", options->duration_text);
    fprintf(to, "\n");
}

static int report(const struct scenario_run *run, const struct options *options)
{
    if (options->json) {
        char *text = scenario_json(run);
        if (!text)
            return tool_complain(TOOL_FAILED, "out of memory");
        puts(text);
        free(text);
    } else {
        print_results(run, options);
        if (options->pcap)
            printf("frames are in %s\n", options->pcap);
        if (options->curve)
            printf("curves are in %s\n", options->curve);
        if (options->picture)
            printf("the picture is in %s\n", options->picture);
    }
    if (options->stats && !options->json)
        print_stats(run->world);
    if (!run->ok)
        print_replay(run, options, options->json ? stderr : stdout);
    if (fflush(stdout) != 0)
        return tool_complain(TOOL_FAILED, "standard output: %s", strerror(errno));
    return run->ok ? TOOL_OK : TOOL_FAILED;
}

/* ---- The run
 * ------------------------------------------------------------------------------------------------ */

static int run_failed(int error)
{
    if (error == -ELOOP)
        return tool_complain(TOOL_FAILED, "the world stands still: a million things happened at one moment");
    return tool_complain(TOOL_FAILED, "the world cannot go on: %s", strerror(-error));
}

static void introduce(const struct scenario *scenario, FILE *to)
{
    if (scenario->title)
        fprintf(to, "%s\n", scenario->title);
    if (scenario->description && *scenario->description)
        fprintf(to, "%s%s", scenario->description,
                scenario->description[strlen(scenario->description) - 1] == '\n' ? "" : "\n");
    if (scenario->title || scenario->description)
        fprintf(to, "\n");
}

/** Who listens while it runs. */
struct watchers {
    struct timeline *timeline;
    struct capture *capture;
    struct curve *curve;
    struct picture *picture;
};

static int watch_curves(struct watchers *watchers, const struct scenario_run *run,
                        const struct options *options)
{
    int status =
        options->picture ? picture_new(&watchers->picture, options->picture, run->scenario->title) : 0;
    if (status || (!options->picture && !options->curve))
        return status;
    struct curve_taker taker = {.take = picture_take, .context = watchers->picture};
    int error = curve_new(&watchers->curve, run->world, options->curve, options->picture ? &taker : NULL);
    if (error)
        return tool_complain(TOOL_FAILED, "%s: %s", options->curve ? options->curve : options->picture,
                             strerror(-error));
    return 0;
}

/** @return 0 or the exit status, after a complaint. */
static int watch(struct watchers *watchers, const struct scenario_run *run, const struct options *options)
{
    FILE *to = options->json ? stderr : stdout;
    int error = 0;
    if (options->pcap)
        error = capture_new(&watchers->capture, run->world, options->pcap, options->pcap_folder);
    if (error)
        return tool_complain(TOOL_FAILED, "%s: %s", options->pcap, strerror(-error));
    int status = watch_curves(watchers, run, options);
    if (status)
        return status;
    if (options->timeline || (!options->quiet && !options->json)) {
        introduce(run->scenario, to);
        struct timeline_config config = {.to = to, .level = options->verbose, .colour = wants_colour(to)};
        error = timeline_new(&watchers->timeline, run->world, &config);
    }
    return error ? run_failed(error) : 0;
}

/** Writes what is held back. @return 0 or the exit status, after a complaint about a file. */
static int unwatch(struct watchers *watchers, struct options *options)
{
    int status = 0, error;
    if (watchers->timeline)
        timeline_finish(watchers->timeline);
    timeline_free(watchers->timeline);
    if (watchers->capture && (error = capture_close(watchers->capture)) != 0) {
        status = tool_complain(TOOL_FAILED, "%s: %s", options->pcap, strerror(-error));
        options->pcap = NULL; // no word of where the frames are
    }
    if (watchers->curve && (error = curve_close(watchers->curve)) != 0) {
        status = tool_complain(TOOL_FAILED, "%s: %s", options->curve, strerror(-error));
        options->curve = NULL;
    }
    if (watchers->picture && (error = picture_close(watchers->picture)) != 0) {
        status = error;
        options->picture = NULL;
    }
    return status;
}

/** Runs with its listeners; they end before the world does. */
static int run_watched(struct scenario_run *run, const struct options *options)
{
    struct watchers watchers = {0};
    struct options told = *options;
    int status = watch(&watchers, run, options);
    int error = status ? 0 : scenario_go(run, &options->scenario);
    int written = unwatch(&watchers, &told);
    if (status)
        return status;
    if (error)
        return run_failed(error);
    status = report(run, &told);
    return written ? written : status;
}

int tool_lab(int argc, char **argv)
{
    struct options options = {0};
    struct scenario *scenario = NULL;
    int status = read_options(&options, argc, argv);
    if (status == 0)
        status = load(&options, &scenario);
    if (status != 0)
        return status;
    if (options.only_check) {
        printf("%s: %u nodes, %u links, %u events, %u checks: nothing wrong\n", options.file,
               scenario->nodes.count, scenario->links.count, scenario->events.count, scenario->checks.count);
    } else {
        options.scenario.trace_hosts = options.verbose > 0 || options.curve || options.picture;
        struct scenario_run run;
        int error = scenario_build(&run, scenario, &options.scenario);
        status = error ? run_failed(error) : run_watched(&run, &options);
        scenario_run_free(&run);
    }
    scenario_free(scenario);
    return status;
}
