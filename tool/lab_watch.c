/*
 * Who listens while a world runs: the timeline, captures, curves. One table; a row asks for nothing more than a
 * function that opens and one that closes.
 */
#include "tool/lab.h"

#include <string.h>

#include "lab/capture.h"
#include "lab/curve.h"
#include "lab/json_lines.h"
#include "lab/timeline.h"
#include "tool/junit.h"
#include "tool/lab_wireshark.h"
#include "tool/picture.h"
#include "tool/report.h"

static int file_trouble(const char *path, int error)
{
    return tool_complain(TOOL_FAILED, "%s: %s", path, strerror(-error));
}

/* ---- Captures -------------------------------------------------------------------------------------------- */

static bool wants_capture(const struct lab_options *options)
{
    return options->pcap;
}

static int begin_capture(void **state, const struct lab_job *job, const char *path, enum capture_kind kind)
{
    struct capture *capture;
    int error = capture_new(&capture, job->run->world, path, kind);
    *state = capture;
    return error ? file_trouble(path, error) : 0;
}

static int end_capture(void *state, const char *path)
{
    int error = capture_close(state);
    return error ? file_trouble(path, error) : 0;
}

static int open_capture(void **state, const struct lab_job *job)
{
    return begin_capture(state, job, job->options->pcap, CAPTURE_WHOLE);
}

static int close_capture(void *state, const struct lab_job *job)
{
    return end_capture(state, job->options->pcap);
}

static bool wants_folder(const struct lab_options *options)
{
    return options->pcap_folder;
}

static int open_folder(void **state, const struct lab_job *job)
{
    return begin_capture(state, job, job->options->pcap_folder, CAPTURE_CABLES);
}

static int close_folder(void *state, const struct lab_job *job)
{
    return end_capture(state, job->options->pcap_folder);
}

static bool wants_hosts(const struct lab_options *options)
{
    return options->pcap_hosts;
}

static int open_hosts(void **state, const struct lab_job *job)
{
    return begin_capture(state, job, job->options->pcap_hosts, CAPTURE_HOSTS);
}

static int close_hosts(void *state, const struct lab_job *job)
{
    return end_capture(state, job->options->pcap_hosts);
}

/* ---- Curves, as a table and as a picture ----------------------------------------------------------------- */

static bool wants_curve(const struct lab_options *options)
{
    return options->curve;
}

static int open_curve(void **state, const struct lab_job *job)
{
    struct curve *curve;
    int error = curve_new(&curve, job->run->world, job->options->curve, NULL);
    *state = curve;
    return error ? file_trouble(job->options->curve, error) : 0;
}

static int close_curve(void *state, const struct lab_job *job)
{
    int error = curve_close(state);
    return error ? file_trouble(job->options->curve, error) : 0;
}

struct drawing {
    struct picture *picture;
    struct curve *curve;
};

static bool wants_picture(const struct lab_options *options)
{
    return options->picture;
}

static int open_picture(void **state, const struct lab_job *job)
{
    const char *path = job->options->picture;
    struct drawing *drawing = arena_take(&job->run->scenario->arena, sizeof *drawing);
    int status = picture_new(&drawing->picture, path, job->run->scenario->title);
    if (status)
        return status;
    struct curve_taker taker = {.take = picture_take, .context = drawing->picture};
    int error = curve_new(&drawing->curve, job->run->world, NULL, &taker);
    *state = drawing;
    if (error) {
        picture_close(drawing->picture);
        return file_trouble(path, error);
    }
    return 0;
}

static int close_picture(void *state, const struct lab_job *job)
{
    struct drawing *drawing = state;
    int error = curve_close(drawing->curve);
    int status = picture_close(drawing->picture);
    return error ? file_trouble(job->options->picture, error) : status;
}

/* ---- The timeline ---------------------------------------------------------------------------------------- */

static bool wants_timeline(const struct lab_options *options)
{
    return options->timeline || (!options->quiet && !options->json && !options->jsonl);
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

static int open_timeline(void **state, const struct lab_job *job)
{
    FILE *to = job->options->json || job->options->jsonl ? stderr : stdout;
    introduce(job->run->scenario, to);
    struct timeline_config config = {
        .to = to,
        .level = job->options->verbose,
        .colour = lab_wants_colour(to),
        .from = job->options->from,
    };
    struct timeline *timeline;
    int error = timeline_new(&timeline, job->run->world, &config);
    *state = timeline;
    return error ? lab_run_failed(error) : 0;
}

static int close_timeline(void *state, const struct lab_job *job)
{
    (void)job;
    timeline_finish(state);
    timeline_free(state);
    return 0;
}

/* ---- What happens, as JSON lines ------------------------------------------------------------------------- */

static bool wants_lines(const struct lab_options *options)
{
    return options->jsonl;
}

static int open_lines(void **state, const struct lab_job *job)
{
    struct json_lines_config config = {
        .to = stdout,
        .level = job->options->verbose,
        .from = job->options->from,
    };
    struct json_lines *lines;
    int error = json_lines_new(&lines, job->run->world, &config);
    *state = lines;
    return error ? lab_run_failed(error) : 0;
}

static int close_lines(void *state, const struct lab_job *job)
{
    (void)job;
    json_lines_free(state);
    return 0;
}

/* ---- Checks as test cases -------------------------------------------------------------------------------- */

static bool wants_junit(const struct lab_options *options)
{
    return options->junit;
}

static int open_junit(void **state, const struct lab_job *job)
{
    struct junit *junit = NULL;
    int status = junit_open(&junit, job->options->junit, job->options->file);
    *state = junit;
    return status;
}

static int close_junit(void *state, const struct lab_job *job)
{
    const struct scenario_run *run = job->run;
    for (unsigned i = 0; i < run->result_count; i++)
        junit_case(state, run->results[i].name, run->ended, run->results[i].ok ? JUNIT_OK : JUNIT_FAILURE,
                   run->results[i].detail ? run->results[i].detail : "", NULL);
    if (run->result_count == 0)
        junit_case(state, "the run", strata_world_now(run->world), JUNIT_ERROR, "it came to no end", NULL);
    return junit_close(state);
}

/* ---- The table ------------------------------------------------------------------------------------------- */

#define AT(field) offsetof(struct lab_options, field)
static const struct lab_watcher watchers[] = {
    {wants_timeline, open_timeline, close_timeline, false, NULL, 0},
    {wants_junit, open_junit, close_junit, false, NULL, 0},
    {wants_lines, open_lines, close_lines, false, NULL, 0},
    {wants_capture, open_capture, close_capture, false, "frames are in %s\n", AT(pcap)},
    {wants_folder, open_folder, close_folder, false, "frames of each cable are in %s\n", AT(pcap_folder)},
    {wants_hosts, open_hosts, close_hosts, false, "frames of each host are in %s\n", AT(pcap_hosts)},
    {lab_wireshark_wanted, lab_wireshark_open, lab_wireshark_close, false, NULL, 0},
    {wants_curve, open_curve, close_curve, true, "curves are in %s\n", AT(curve)},
    {wants_picture, open_picture, close_picture, true, "the picture is in %s\n", AT(picture)},
    {report_wanted, report_open, report_close, true, "the page is in %s\n", AT(report)},
};
#define WATCHER_COUNT (sizeof watchers / sizeof watchers[0])
_Static_assert(WATCHER_COUNT <= LAB_WATCHERS_MAX, "room for all of them");

bool lab_watch_traces(const struct lab_options *options)
{
    for (size_t i = 0; i < WATCHER_COUNT; i++)
        if (watchers[i].trace && watchers[i].wanted(options))
            return true;
    return options->verbose > 0 || options->live;
}

int lab_watch_open(struct lab_watch *watch, const struct lab_job *job)
{
    int status = 0;
    for (size_t i = 0; !status && i < WATCHER_COUNT; i++) {
        if (!watchers[i].wanted(job->options))
            continue;
        status = watchers[i].open(&watch->states[i], job);
        watch->open[i] = status == 0;
    }
    return status;
}

int lab_watch_close(struct lab_watch *watch, const struct lab_job *job)
{
    int status = 0;
    for (size_t i = 0; i < WATCHER_COUNT; i++) {
        if (!watch->open[i])
            continue;
        int closed = watchers[i].close(watch->states[i], job);
        watch->open[i] = false;
        watch->well[i] = closed == 0;
        status = status ? status : closed;
    }
    return status;
}

void lab_watch_tell(const struct lab_watch *watch, const struct lab_job *job, FILE *to)
{
    for (size_t i = 0; i < WATCHER_COUNT; i++) {
        if (!watch->well[i] || !watchers[i].told)
            continue;
        const char *path;
        memcpy(&path, (const char *)job->options + watchers[i].path, sizeof path);
        char line[500];
        snprintf(line, sizeof line, watchers[i].told, path);
        fputs(line, to);
    }
}
