/*
 * Many runs of one scenario: each seed is a job for a worker. Results are taken in the order of the seeds, whichever
 * run was done first, and nothing that is printed tells how long anything took on this machine: so the output depends
 * on the seeds alone and not on the number of workers.
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
#include "tool/tally.h"
#include "tool/workers.h"

/** So many failures are shown with their reasons; others are listed. */
#define FAILURES_SHOWN 20u
/** Of their list, at most. */
#define LISTED_BYTES 400u

struct many {
    const struct lab_options *options;
    struct scenario *scenario;
    struct scenario_options run; /**< Of every run, the seed aside. */
    struct seeds seeds;          /**< Where jobs come from. */
    struct seeds taken;          /**< The same, where answers are. */
    uint64_t last;               /**< The seed of the last answer. */
    struct figures figures;
    struct tally tally;
    struct junit *junit;
    json_t *failures;
    struct bytes failed; /**< Seeds that are not shown, as text. */
    uint64_t failed_first, failed_last;
    struct progress progress;
    bool stopped; /**< At a failure. */
    uint64_t first_failed; /**< A seed, or 0. */
    char first_why[300];
};

/* ---- In the workers -------------------------------------------------------------------------------------- */

int lab_figures_before(void *context, struct scenario_run *run)
{
    return figures_begin(context, run);
}

void lab_figures_after(void *context, struct scenario_run *run, struct bytes *answer)
{
    struct figures *figures = context;
    struct scenario_value values[FIGURES_MAX];
    figures_read(figures, run, values);
    for (unsigned i = 0; i < figures->count; i++)
        outcome_put_value(answer, &values[i]);
    figures_end(figures);
}

static void work(void *context, struct bytes_reader job, struct bytes *answer)
{
    struct many *many = context;
    struct scenario_options options = many->run;
    struct outcome_hooks hooks = {.before = lab_figures_before, .after = lab_figures_after, .context = &many->figures};
    options.seed = bytes_number(&job);
    outcome_run(many->scenario, &options, answer, &hooks);
}

/* ---- Failures -------------------------------------------------------------------------------------------- */

static char *replay_of(const struct many *many, uint64_t seed)
{
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    if (!to)
        return NULL;
    lab_print_again(to, many->options, seed);
    fclose(to);
    if (text)
        text[strcspn(text, "\n")] = '\0';
    return text;
}

static void flush_range(struct many *many)
{
    char text[64];
    if (many->failed_first == 0)
        return;
    int length = snprintf(text, sizeof text, "%s%" PRIu64, many->failed.size ? ", " : "", many->failed_first);
    if (many->failed_last > many->failed_first)
        length += snprintf(text + length, sizeof text - (size_t)length, "-%" PRIu64, many->failed_last);
    bytes_put(&many->failed, text, (size_t)length);
    many->failed_first = 0;
}

static void list_failure(struct many *many, uint64_t seed)
{
    if (many->failed_first && seed == many->failed_last + 1) {
        many->failed_last = seed;
        return;
    }
    flush_range(many);
    many->failed_first = many->failed_last = seed;
}

static void tell_failure(struct many *many, const struct outcome *outcome, const char *why, const char *replay)
{
    if (many->options->json) {
        json_t *object = outcome_json(outcome);
        json_object_set_new(object, "replay", json_text(replay));
        json_array_append_new(many->failures, object);
        return;
    }
    if (many->options->jsonl)
        return;
    if (many->tally.runs - many->tally.ok > FAILURES_SHOWN) {
        list_failure(many, outcome->seed);
        return;
    }
    bool colour = lab_wants_colour(stdout);
    progress_clear(&many->progress);
    printf("%sFAILED%s  seed %" PRIu64 ": %s\n        %s\n", colour ? "\033[31m" : "", colour ? "\033[0m" : "",
           outcome->seed, why, replay);
}

/* ---- In the parent --------------------------------------------------------------------------------------- */

static bool next(void *context, struct bytes *job)
{
    struct many *many = context;
    uint64_t seed;
    while (seeds_next(&many->seeds, &seed))
        if (seeds_is_ours(&many->seeds, 0, seed)) {
            bytes_put_number(job, seed);
            return true;
        }
    return false;
}

static void tell_line(const struct outcome *outcome, const char *replay)
{
    json_t *object = outcome_json(outcome);
    json_object_set_new(object, "event", json_string("run"));
    if (!outcome->ok)
        json_object_set_new(object, "replay", json_text(replay));
    json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(12));
    putchar('\n');
    json_decref(object);
}

static bool take(void *context, const struct worker_answer *answer)
{
    struct many *many = context;
    struct outcome outcome;
    struct bytes_reader rest;
    char why[1000] = "", name[40];
    do
        seeds_next(&many->taken, &many->last);
    while (!seeds_is_ours(&many->taken, 0, many->last));
    outcome_read(&outcome, many->last, answer, &rest);
    tally_add(&many->tally, &outcome);
    tally_read(&many->tally, &rest);
    char *replay = outcome.ok ? NULL : replay_of(many, outcome.seed);
    if (!outcome.ok)
        tell_failure(many, &outcome, outcome_why(&outcome, why, sizeof why), replay ? replay : "");
    if (!outcome.ok && !many->first_failed) {
        many->first_failed = outcome.seed;
        snprintf(many->first_why, sizeof many->first_why, "%.290s", why);
    }
    if (many->options->jsonl)
        tell_line(&outcome, replay);
    snprintf(name, sizeof name, "seed %" PRIu64, outcome.seed);
    if (many->junit)
        junit_case(many->junit, name, outcome.now,
                   outcome.ok                       ? JUNIT_OK
                   : outcome.kind == OUTCOME_JUDGED ? JUNIT_FAILURE
                                                    : JUNIT_ERROR,
                   why, replay);
    many->stopped = !outcome.ok && !many->options->keep_going;
    free(replay);
    outcome_free(&outcome);
    return !many->stopped;
}

static void look(void *context)
{
    struct many *many = context;
    int64_t now = progress_clock();
    if (!progress_due(&many->progress, now))
        return;
    uint64_t total = seeds_total(&many->seeds) / (many->seeds.shards ? many->seeds.shards : 1);
    uint64_t failed = many->tally.runs - many->tally.ok, ms = (uint64_t)(now - many->progress.began_ns) / 1000000;
    char left[40];
    progress_show(&many->progress, "%" PRIu64 " of %" PRIu64 " runs, %" PRIu64 " failed, %" PRIu64 " a second%s",
                  many->tally.runs, total, failed, many->tally.runs * 1000 / (ms ? ms : 1),
                  progress_left(&many->progress, now, many->tally.runs, total, left));
}

static bool told_to_stop(void *context)
{
    (void)context;
    return lab_guard_signal() != 0 || ferror(stdout);
}

/* ---- The end --------------------------------------------------------------------------------------------- */

static void print_summary(struct many *many)
{
    uint64_t failed = many->tally.runs - many->tally.ok;
    bool colour = lab_wants_colour(stdout);
    flush_range(many);
    if (many->failed.size > 0) {
        bytes_put(&many->failed, "", 1);
        char *list = (char *)many->failed.data;
        if (many->failed.size > LISTED_BYTES)
            strcpy(strchr(list + LISTED_BYTES - 40, ' '), " and others, which --json lists");
        printf("        and seeds ");
        sheet_fold(stdout, list, 18, 8, SHEET_WIDTH);
    }
    if (!many->options->quiet && many->tally.runs > 1) {
        if (failed)
            putchar('\n');
        tally_print(&many->tally, stdout);
        putchar('\n');
    }
    bool cut_short = lab_guard_signal() != 0 && !failed;
    const char *tone = !colour || cut_short ? "" : failed ? "\033[31m" : "\033[32m";
    printf("%s%s%s  ", tone, failed ? "FAILED" : cut_short ? "so far" : "ok    ", *tone ? "\033[0m" : "");
    if (failed)
        printf("%" PRIu64 " of %" PRIu64 " runs", failed, many->tally.runs);
    else
        printf("%" PRIu64 " run%s", many->tally.runs, many->tally.runs == 1 ? "" : "s");
    printf(", seed%s ", seeds_total(&many->seeds) > 1 ? "s" : "");
    seeds_print(&many->seeds, stdout);
    printf(", hash %016" PRIx64 "\n", many->tally.hash);
}

static void print_json(struct many *many)
{
    char *seeds = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&seeds, &size);
    if (to) {
        seeds_print(&many->seeds, to);
        fclose(to);
    }
    json_t *object = json_pack("{s:b, s:o, s:o}", "ok", many->tally.runs == many->tally.ok, "scenario",
                               json_text(many->options->file), "seeds", json_text(seeds ? seeds : ""));
    tally_json(&many->tally, object);
    if (lab_guard_signal() && many->tally.runs == many->tally.ok)
        json_object_set_new(object, "ok", json_null());
    if (lab_guard_signal())
        json_object_set_new(object, "stopped", json_string("signal"));
    else if (many->stopped)
        json_object_set_new(object, "stopped", json_string("failure"));
    if (many->options->jsonl)
        json_object_set_new(object, "event", json_string("result"));
    else
        json_object_set(object, "failures", many->failures);
    json_dumpf(object, stdout, (many->options->jsonl ? JSON_COMPACT : JSON_INDENT(2)) | JSON_REAL_PRECISION(12));
    putchar('\n');
    json_decref(object);
    free(seeds);
}

/** Which seeds are left, where it was ended early. */
static void print_rest(const struct many *many, FILE *to)
{
    char *rest = NULL;
    size_t size = 0;
    FILE *text = open_memstream(&rest, &size);
    if (!text)
        return;
    if (many->tally.runs == 0)
        seeds_print_behind(&many->seeds, many->seeds.ranges[0].first, true, text);
    else
        seeds_print_behind(&many->seeds, many->last, false, text);
    fclose(text);
    if (rest && *rest)
        fprintf(to, lab_guard_signal() ? "to go on: --seeds %s\n"
                                       : "stopped at the first failure; --keep-going does not, --seeds %s goes on\n",
                rest);
    free(rest);
}

/** How fast it was: for people only, since it is never the same. */
static void tell_speed(const struct many *many)
{
    uint64_t ms = (uint64_t)(progress_clock() - many->progress.began_ns) / 1000000;
    if (many->progress.wanted && ms >= 500)
        fprintf(stderr, "%" PRIu64 " runs in %" PRIu64 ".%" PRIu64 " s, %" PRIu64 " a second\n", many->tally.runs,
                ms / 1000, ms % 1000 / 100, many->tally.runs * 1000 / ms);
}

static int finish(struct many *many, int result)
{
    bool json = many->options->json || many->options->jsonl, signalled = lab_guard_signal() != 0;
    progress_clear(&many->progress);
    if (json)
        print_json(many);
    else
        print_summary(many);
    if ((many->stopped && !many->options->quiet) || signalled)
        print_rest(many, json ? stderr : stdout);
    int written = many->junit ? junit_close(many->junit) : 0;
    tell_speed(many);
    errno = 0;
    if (fflush(stdout) != 0 || ferror(stdout))
        return tool_complain(TOOL_FAILED, "standard output: %s", strerror(errno ? errno : ENOSPC));
    if (result < 0)
        return tool_complain(TOOL_FAILED, "workers: %s", strerror(-result));
    if (signalled)
        return tool_complain(128 + lab_guard_signal(), "ended by %s; these are the runs so far",
                             lab_guard_signal() == SIGINT ? "Ctrl-C" : strsignal(lab_guard_signal()));
    return written ? written : many->tally.runs == many->tally.ok ? TOOL_OK : TOOL_FAILED;
}

int lab_many(const struct lab_options *options, struct scenario *scenario)
{
    struct many many = {
        .options = options,
        .scenario = scenario,
        .run = options->scenario,
        .seeds = options->seeds,
        .taken = options->seeds,
        .failures = json_array(),
        .figures = options->figures,
    };
    struct workers_config config = {
        .count = options->jobs ? options->jobs : workers_processors(),
        .timeout_ns = options->timeout_ns,
        .context = &many,
        .next = next,
        .work = work,
        .take = take,
        .look = look,
        .stop = told_to_stop,
    };
    const char *wrong = figures_find(&many.figures, scenario);
    int status = wrong ? lab_wrong("%s", wrong) : 0;
    tally_ask(&many.tally, &many.figures);
    if (!status && options->junit)
        status = junit_open(&many.junit, options->junit, options->file);
    if (!status) {
        progress_begin(&many.progress, !(options->jsonl && isatty(STDOUT_FILENO)));
        int result = workers_run(&config);
        status = finish(&many, result);
        if (status == TOOL_FAILED && options->shrink && many.first_failed)
            status = lab_shrink(options, many.first_failed, many.first_why);
    }
    json_decref(many.failures);
    bytes_free(&many.failed);
    tally_free(&many.tally);
    return status;
}
