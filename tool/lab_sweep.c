/*
 * strata lab sweep: many runs of one scenario, with every combination of some of its parameters, and what was measured
 * as a table, CSV, JSON or a picture. A job is a point of the grid and a seed; workers read the scenario anew whenever
 * the point changes. As with many runs, the output does not depend on the number of workers.
 */
#include "tool/lab.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lab/json.h"
#include "tool/junit.h"
#include "tool/sweep_plot.h"

/** So many failures are shown with their reasons. */
#define FAILURES_SHOWN 10u
/** Mistakes in values are looked for at so many points before the first run. */
#define CHECKED_POINTS 500u
/** Panels of a picture. */
#define PLOTTED 8u

struct job {
    uint64_t point, seed;
};
struct sweep {
    const struct lab_options *options;
    uint64_t points;
    struct seeds seeds;
    struct job given, taken; /**< The next of each; seed 0: the first one. */
    struct seeds taken_seeds;
    struct tally *tallies; /**< Of each point. */
    struct tally all;
    uint64_t total;
    struct junit *junit;
    struct gnuplot gnuplot;
    FILE *csv;
    char *title;
    struct progress progress;
    /* In a worker */
    struct lab_options loaded_options;
    struct scenario *scenario;
    uint64_t loaded; /**< The point, counted from 1; 0: none. */
    struct figures figures;
};

static void *must(void *memory)
{
    if (!memory)
        exit(tool_complain(TOOL_FAILED, "out of memory"));
    return memory;
}

/* ---- Points ---------------------------------------------------------------------------------------------- */

/** The options with the parameters of a point, and the replay command too. */
static void options_of(const struct sweep *sweep, uint64_t point, struct lab_options *options)
{
    const struct grid *grid = &sweep->options->grid;
    char *again = NULL;
    size_t size = 0;
    *options = *sweep->options;
    options->sets = must(calloc(options->set_count + grid->count + 1, sizeof *options->sets));
    for (unsigned i = 0; i < options->set_count; i++)
        options->sets[i] = sweep->options->sets[i];
    FILE *to = must(open_memstream(&again, &size));
    fputs(options->again ? options->again : "", to);
    for (unsigned i = 0; i < grid->count; i++) {
        char *set = must(grid_set(grid, point, i));
        options->sets[options->set_count++] = set;
        fputs(" --set ", to);
        lab_print_word(to, set);
    }
    fclose(to);
    options->again = must(again);
}

static void options_free(const struct sweep *sweep, struct lab_options *options)
{
    for (unsigned i = sweep->options->set_count; options->sets && i < options->set_count; i++)
        free((char *)options->sets[i]);
    free(options->sets);
    free(options->again);
    *options = (struct lab_options){0};
}

/** "loss=1% rtt=10ms" */
static char *name_of(const struct sweep *sweep, uint64_t point)
{
    char *text = NULL;
    size_t size = 0;
    FILE *to = must(open_memstream(&text, &size));
    for (unsigned i = 0; i < sweep->options->grid.count; i++)
        fprintf(to, "%s%s=%s", i ? " " : "", sweep->options->grid.axes[i]->name,
                grid_value(&sweep->options->grid, point, i));
    fclose(to);
    return must(text);
}

/* ---- In the workers -------------------------------------------------------------------------------------- */

static int load_point(struct sweep *sweep, uint64_t point)
{
    if (sweep->loaded == point + 1)
        return 0;
    scenario_free(sweep->scenario);
    sweep->scenario = NULL;
    sweep->loaded = 0;
    options_free(sweep, &sweep->loaded_options);
    options_of(sweep, point, &sweep->loaded_options);
    int status = lab_load(&sweep->loaded_options, &sweep->scenario);
    if (status)
        return status;
    sweep->loaded = point + 1;
    const char *wrong = figures_find(&sweep->figures, sweep->scenario);
    return wrong ? lab_wrong("%s", wrong) : 0;
}

static void work(void *context, struct bytes_reader job, struct bytes *answer)
{
    struct sweep *sweep = context;
    struct outcome_hooks hooks = {
        .before = lab_figures_before, .after = lab_figures_after, .context = &sweep->figures};
    uint64_t point = bytes_number(&job);
    struct scenario_options options = sweep->options->scenario;
    options.seed = bytes_number(&job);
    int status = load_point(sweep, point);
    if (status)
        _exit(status); // what it said on standard error is its reason
    outcome_run(sweep->scenario, &options, answer, &hooks);
}

/* ---- In the parent --------------------------------------------------------------------------------------- */

/** The job after this one, of this shard. @return false: there is none. */
static bool step(const struct sweep *sweep, struct seeds *seeds, struct job *job)
{
    for (;;) {
        if (!seeds_next(seeds, &job->seed)) {
            if (++job->point >= sweep->points)
                return false;
            seeds_rewind(seeds);
            continue;
        }
        if (seeds_is_ours(seeds, job->point, job->seed))
            return true;
    }
}

static bool next(void *context, struct bytes *bytes)
{
    struct sweep *sweep = context;
    if (!step(sweep, &sweep->seeds, &sweep->given))
        return false;
    bytes_put_number(bytes, sweep->given.point);
    bytes_put_number(bytes, sweep->given.seed);
    return true;
}

static void tell_failure(struct sweep *sweep, const struct outcome *outcome, const char *name, const char *why)
{
    uint64_t failed = sweep->all.runs - sweep->all.ok;
    if (sweep->options->json || sweep->options->jsonl || sweep->csv == stdout || failed > FAILURES_SHOWN)
        return;
    struct lab_options options;
    bool colour = lab_wants_colour(stdout);
    progress_clear(&sweep->progress);
    printf("%sFAILED%s  %s, seed %" PRIu64 ": %s\n        ", colour ? "\033[31m" : "", colour ? "\033[0m" : "", name,
           outcome->seed, why);
    options_of(sweep, sweep->taken.point, &options);
    lab_print_again(stdout, &options, outcome->seed);
    options_free(sweep, &options);
}

static void tell_point(struct sweep *sweep, uint64_t point);

static bool take(void *context, const struct worker_answer *answer)
{
    struct sweep *sweep = context;
    struct outcome outcome;
    struct bytes_reader rest;
    uint64_t before = sweep->taken.point;
    step(sweep, &sweep->taken_seeds, &sweep->taken);
    if (before != sweep->taken.point && sweep->options->jsonl)
        tell_point(sweep, before);
    outcome_read(&outcome, sweep->taken.seed, answer, &rest);
    struct tally *tally = &sweep->tallies[sweep->taken.point];
    if (!tally->figures)
        tally_ask(tally, &sweep->options->figures);
    tally_add(tally, &outcome);
    tally_read(tally, &rest);
    tally_add(&sweep->all, &outcome);
    char why[1000] = "", label[400];
    char *name = name_of(sweep, sweep->taken.point);
    if (!outcome.ok)
        tell_failure(sweep, &outcome, name, outcome_why(&outcome, why, sizeof why));
    snprintf(label, sizeof label, "%s, seed %" PRIu64, name, outcome.seed);
    if (sweep->junit)
        junit_case(sweep->junit, label, outcome.now,
                   outcome.ok                       ? JUNIT_OK
                   : outcome.kind == OUTCOME_JUDGED ? JUNIT_FAILURE
                                                    : JUNIT_ERROR,
                   why, NULL);
    free(name);
    outcome_free(&outcome);
    return true;
}

static void look(void *context)
{
    struct sweep *sweep = context;
    int64_t now = progress_clock();
    if (!progress_due(&sweep->progress, now))
        return;
    char left[40];
    progress_show(&sweep->progress, "%" PRIu64 " of %" PRIu64 " runs at %" PRIu64 " points, %" PRIu64 " failed%s",
                  sweep->all.runs, sweep->total, sweep->points, sweep->all.runs - sweep->all.ok,
                  progress_left(&sweep->progress, now, sweep->all.runs, sweep->total, left));
}

static bool told_to_stop(void *context)
{
    (void)context;
    return lab_guard_signal() != 0 || ferror(stdout);
}

/* ---- What was measured ----------------------------------------------------------------------------------- */

/** The numbers that are shown: those asked for, or those that checks looked at and when all was done. */
static unsigned choose_names(struct sweep *sweep, const char **names, unsigned room)
{
    unsigned count = 0;
    for (unsigned i = 0; i < sweep->options->figures.count && count < room; i++)
        names[count++] = sweep->options->figures.items[i].text;
    if (count > 0)
        return count;
    for (unsigned i = 0; i < sweep->all.check_count && count + 1 < room; i++)
        if (sweep->all.checks[i].spread.count > 0)
            names[count++] = sweep->all.checks[i].name;
    names[count++] = "done after";
    return count;
}

static struct spread *spread_of(const struct sweep *sweep, uint64_t point, const char *name)
{
    struct tally *tally = &sweep->tallies[point];
    for (unsigned i = 0; i < tally->figure_count; i++)
        if (strcmp(tally->figures[i].text, name) == 0)
            return &tally->figures[i].spread;
    for (unsigned i = 0; i < tally->check_count; i++)
        if (strcmp(tally->checks[i].name, name) == 0)
            return &tally->checks[i].spread;
    return &tally->ended;
}

static void print_table(struct sweep *sweep)
{
    const struct grid *grid = &sweep->options->grid;
    const char *names[SHEET_COLUMNS_MAX - GRID_AXES_MAX - 2];
    unsigned count = choose_names(sweep, names, sizeof names / sizeof *names);
    struct sheet sheet = {0};
    for (unsigned i = 0; i < grid->count; i++)
        sheet_column(&sheet, (struct sheet_column){.title = grid->axes[i]->name, .key = true});
    sheet_column(&sheet, (struct sheet_column){.title = "runs"});
    sheet_column(&sheet, (struct sheet_column){.title = "failed", .optional = true});
    for (unsigned i = 0; i < count; i++)
        sheet_column(&sheet, (struct sheet_column){.title = names[i]});
    bool several = false;
    for (uint64_t point = 0; point < sweep->points; point++) {
        const struct tally *tally = &sweep->tallies[point];
        if (tally->runs == 0)
            continue;
        several = several || tally->runs > 1;
        for (unsigned i = 0; i < grid->count; i++)
            sheet_cell(&sheet, "%s", grid_value(grid, point, i));
        sheet_cell(&sheet, "%" PRIu64, tally->runs);
        sheet_cell(&sheet, "%" PRIu64, tally->runs - tally->ok);
        for (unsigned i = 0; i < count; i++) {
            char room[48];
            struct spread *spread = spread_of(sweep, point, names[i]);
            struct scenario_value median = spread_at(spread, 50);
            sheet_cell(&sheet, "%s", spread->count > 0 ? tally_value(&median, room) : "-");
        }
    }
    if (sheet.count > 0) {
        sheet_print(&sheet, stdout, SHEET_WIDTH);
        puts(several ? "\n  (medians; --csv and --json have the least, the most and the mean, too)\n" : "");
    }
    sheet_free(&sheet);
}

/** A word as CSV has it (RFC 4180). */
static void csv_word(FILE *to, const char *word, const char *more)
{
    bool quoted = strpbrk(word, ",\"\r\n") != NULL;
    fputs(quoted ? "\"" : "", to);
    for (; *word; word++) {
        if (*word == '"')
            fputc('"', to);
        fputc(*word, to);
    }
    fprintf(to, "%s%s", more, quoted ? "\"" : "");
}

/** In seconds, bits per second, or as it is; nine digits behind the point where it has any. */
static void csv_value(FILE *to, const struct scenario_value *value)
{
    if (value->is_time || value->in_billionths)
        fprintf(to, ",%" PRId64 ".%09" PRId64, value->number / 1000000000, value->number % 1000000000);
    else
        fprintf(to, ",%" PRId64, value->number);
}

static void print_csv(struct sweep *sweep, FILE *to)
{
    const struct grid *grid = &sweep->options->grid;
    const char *names[64];
    static const char *const parts[] = {" min", " median", " max", " mean"};
    unsigned count = choose_names(sweep, names, 64);
    for (unsigned i = 0; i < grid->count; i++) {
        csv_word(to, grid->axes[i]->name, "");
        fputc(',', to);
    }
    fputs("runs,failed", to);
    for (unsigned i = 0; i < count; i++)
        for (int j = 0; j < 4; j++) {
            fputc(',', to);
            csv_word(to, names[i], parts[j]);
        }
    fputs("\r\n", to);
    for (uint64_t point = 0; point < sweep->points; point++) {
        const struct tally *tally = &sweep->tallies[point];
        if (tally->runs == 0)
            continue;
        for (unsigned i = 0; i < grid->count; i++) {
            csv_word(to, grid_value(grid, point, i), "");
            fputc(',', to);
        }
        fprintf(to, "%" PRIu64 ",%" PRIu64, tally->runs, tally->runs - tally->ok);
        for (unsigned i = 0; i < count; i++) {
            struct spread *spread = spread_of(sweep, point, names[i]);
            struct scenario_value values[] = {spread_at(spread, 0), spread_at(spread, 50), spread_at(spread, 100),
                                              spread_mean(spread)};
            for (int j = 0; j < 4; j++)
                if (spread->count > 0)
                    csv_value(to, &values[j]);
                else
                    fputc(',', to);
        }
        fputs("\r\n", to);
    }
}

static json_t *point_json(struct sweep *sweep, uint64_t point)
{
    const struct grid *grid = &sweep->options->grid;
    json_t *set = json_object(), *object = json_object();
    for (unsigned i = 0; i < grid->count; i++)
        json_object_set_new(set, grid->axes[i]->name, json_text(grid_value(grid, point, i)));
    json_object_set_new(object, "set", set);
    tally_json(&sweep->tallies[point], object);
    return object;
}

static void tell_point(struct sweep *sweep, uint64_t point)
{
    if (sweep->tallies[point].runs == 0)
        return;
    json_t *object = point_json(sweep, point);
    json_object_set_new(object, "event", json_string("point"));
    json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(12));
    putchar('\n');
    json_decref(object);
}

static void print_json(struct sweep *sweep)
{
    char hash[20];
    snprintf(hash, sizeof hash, "%016" PRIx64, sweep->all.hash);
    json_t *object = json_pack("{s:b, s:o, s:I, s:I, s:s}", "ok", sweep->all.runs == sweep->all.ok, "scenario",
                               json_text(sweep->options->file), "runs", (json_int_t)sweep->all.runs, "failed",
                               (json_int_t)(sweep->all.runs - sweep->all.ok), "hash", hash);
    json_t *points = json_array();
    for (uint64_t i = 0; i < sweep->points && !sweep->options->jsonl; i++)
        if (sweep->tallies[i].runs > 0)
            json_array_append_new(points, point_json(sweep, i));
    if (sweep->options->jsonl)
        json_object_set_new(object, "event", json_string("result"));
    else
        json_object_set(object, "points", points);
    json_decref(points);
    if (lab_guard_signal() && sweep->all.runs == sweep->all.ok)
        json_object_set_new(object, "ok", json_null());
    if (lab_guard_signal())
        json_object_set_new(object, "stopped", json_string("signal"));
    json_dumpf(object, stdout, (sweep->options->jsonl ? JSON_COMPACT : JSON_INDENT(2)) | JSON_REAL_PRECISION(12));
    putchar('\n');
    json_decref(object);
}

static int draw(struct sweep *sweep)
{
    const char *names[PLOTTED];
    struct sweep_series series[PLOTTED];
    unsigned count = choose_names(sweep, names, PLOTTED);
    for (unsigned i = 0; i < count; i++) {
        series[i].name = names[i];
        series[i].points = must(calloc((size_t)sweep->points, sizeof *series[i].points));
        for (uint64_t point = 0; point < sweep->points; point++)
            series[i].points[point] = spread_of(sweep, point, names[i]);
    }
    sweep_plot(&sweep->gnuplot, sweep->title, &sweep->options->grid, series, count);
    for (unsigned i = 0; i < count; i++)
        free(series[i].points);
    return gnuplot_close(&sweep->gnuplot);
}

static int write_csv(struct sweep *sweep)
{
    print_csv(sweep, sweep->csv);
    errno = 0;
    bool failed = ferror(sweep->csv);
    failed |= (sweep->csv == stdout ? fflush(stdout) : fclose(sweep->csv)) != 0;
    sweep->csv = NULL;
    return failed ? tool_complain(TOOL_FAILED, "%s: %s", sweep->options->csv, strerror(errno ? errno : EIO)) : 0;
}

static int finish(struct sweep *sweep, int result)
{
    uint64_t failed = sweep->all.runs - sweep->all.ok;
    bool json = sweep->options->json || sweep->options->jsonl, csv = sweep->csv == stdout;
    progress_clear(&sweep->progress);
    if (sweep->options->jsonl && sweep->taken.point < sweep->points)
        tell_point(sweep, sweep->taken.point);
    if (json)
        print_json(sweep);
    if (!json && !csv && failed > FAILURES_SHOWN)
        printf("        and %" PRIu64 " more\n", failed - FAILURES_SHOWN);
    if (!json && !csv && failed)
        putchar('\n');
    if (!json && !csv) {
        print_table(sweep);
        printf("%s  %" PRIu64 " runs at %" PRIu64 " points, %" PRIu64 " failed, hash %016" PRIx64 "\n",
               failed               ? "FAILED"
               : lab_guard_signal() ? "so far"
                                    : "ok    ",
               sweep->all.runs, sweep->points, failed, sweep->all.hash);
    }
    int status = sweep->junit ? junit_close(sweep->junit) : 0, written = sweep->csv ? write_csv(sweep) : 0;
    status = status ? status : written;
    written = sweep->options->plot ? draw(sweep) : 0;
    status = status ? status : written;
    errno = 0;
    if (fflush(stdout) != 0 || ferror(stdout))
        return tool_complain(TOOL_FAILED, "standard output: %s", strerror(errno ? errno : ENOSPC));
    if (result < 0)
        return tool_complain(TOOL_FAILED, "workers: %s", strerror(-result));
    if (lab_guard_signal())
        return tool_complain(128 + lab_guard_signal(), "ended by %s; these are the runs so far",
                             lab_guard_signal() == SIGINT ? "Ctrl-C" : strsignal(lab_guard_signal()));
    return status ? status : failed ? TOOL_FAILED : TOOL_OK;
}

/* ---- The beginning --------------------------------------------------------------------------------------- */

/** Reads the scenario at points of the grid, so that mistakes are told once and before the first run. */
static int check_points(struct sweep *sweep)
{
    int status = 0;
    uint64_t count = sweep->points < CHECKED_POINTS ? sweep->points : CHECKED_POINTS;
    for (uint64_t i = 0; !status && i < count; i++) {
        status = load_point(sweep, i);
        if (!status && i == 0) {
            sweep->title = strdup(sweep->scenario->title ? sweep->scenario->title : sweep->options->file);
            if (sweep->seeds.count == 0) {
                uint64_t seed = sweep->options->scenario.seed;
                sweep->seeds.ranges[0].first = sweep->seeds.ranges[0].last = seed ? seed : sweep->scenario->seed;
                sweep->seeds.count = 1;
            }
        }
    }
    return status;
}

static int open_files(struct sweep *sweep)
{
    const struct lab_options *options = sweep->options;
    int status = options->junit ? junit_open(&sweep->junit, options->junit, options->file) : 0;
    if (!status && options->csv) {
        sweep->csv = strcmp(options->csv, "-") == 0 ? stdout : fopen(options->csv, "we");
        if (!sweep->csv)
            status = tool_complain(TOOL_FAILED, "%s: %s", options->csv, strerror(errno));
    }
    return !status && options->plot ? gnuplot_open(&sweep->gnuplot, options->plot) : status;
}

static int run_all(struct sweep *sweep)
{
    struct workers_config config = {
        .count = sweep->options->jobs ? sweep->options->jobs : workers_processors(),
        .timeout_ns = sweep->options->timeout_ns,
        .context = sweep,
        .next = next,
        .work = work,
        .take = take,
        .look = look,
        .stop = told_to_stop,
    };
    seeds_rewind(&sweep->seeds);
    sweep->taken_seeds = sweep->seeds;
    sweep->total = seeds_total(&sweep->seeds) * sweep->points / (sweep->seeds.shards ? sweep->seeds.shards : 1);
    progress_begin(&sweep->progress, !(sweep->options->jsonl && isatty(STDOUT_FILENO)));
    return finish(sweep, workers_run(&config));
}

int lab_sweep(const struct lab_options *options)
{
    struct sweep sweep = {
        .options = options,
        .points = grid_points(&options->grid),
        .seeds = options->seeds,
        .figures = options->figures,
    };
    if (options->grid.count == 0)
        return lab_wrong("%s", "sweep over what? --grid NAME=VALUE,VALUE says it");
    if (sweep.points == 0)
        return lab_wrong("%s", "these are more than 100000 points");
    sweep.tallies = must(calloc((size_t)sweep.points, sizeof *sweep.tallies));
    int status = check_points(&sweep);
    if (!status)
        status = open_files(&sweep);
    if (!status)
        status = run_all(&sweep);
    for (uint64_t i = 0; i < sweep.points; i++)
        tally_free(&sweep.tallies[i]);
    free(sweep.tallies);
    tally_free(&sweep.all);
    scenario_free(sweep.scenario);
    options_free(&sweep, &sweep.loaded_options);
    free(sweep.title);
    return status;
}
