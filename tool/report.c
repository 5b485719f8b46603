/*
 * strata lab --report FILE: the page of a run, or, where the name ends with .json, only its data.
 */
#include "tool/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lab/page.h"

struct report {
    struct record *record;
    FILE *file;
};

bool report_wanted(const struct lab_options *options)
{
    return options->report;
}

static int trouble(const struct lab_job *job, int error)
{
    return tool_complain(TOOL_FAILED, "%s: %s", job->options->report, strerror(-error));
}

int report_open(void **state, const struct lab_job *job)
{
    struct report *report = calloc(1, sizeof *report);
    int error = report ? record_new(&report->record, job->run->world, NULL) : -ENOMEM;
    // Opened before the run: who waited for a long run shall not hear then that there is no such folder.
    if (!error && !(report->file = fopen(job->options->report, "wb")))
        error = -errno;
    if (error) {
        if (report)
            record_free(report->record);
        free(report);
        return trouble(job, error);
    }
    *state = report;
    return 0;
}

static int to_file(void *context, const char *text, size_t length)
{
    errno = 0;
    if (fwrite(text, 1, length, context) == length)
        return 0;
    return errno ? -errno : -EIO;
}

bool report_is_data(const char *path)
{
    size_t length = strlen(path);
    return length > 5 && strcmp(path + length - 5, ".json") == 0;
}

char *report_command(const struct lab_job *job)
{
    char *text = NULL;
    size_t size;
    FILE *to = open_memstream(&text, &size);
    if (!to)
        return NULL;
    lab_print_again(to, job->options, strata_world_seed(job->run->world));
    return fclose(to) == 0 ? text : NULL;
}

int report_story(const struct lab_job *job, struct record_story *story)
{
    const struct scenario_run *run = job->run;
    struct record_check *checks = calloc(run->result_count + 1, sizeof *checks);
    if (!checks)
        return -ENOMEM;
    for (unsigned i = 0; i < run->result_count; i++)
        checks[i] = (struct record_check){run->results[i].name, run->results[i].detail, run->results[i].ok};
    *story = (struct record_story){
        .file = job->options->file,
        .title = run->scenario->title,
        .description = run->scenario->description,
        .checks = checks,
        .check_count = run->result_count,
        .judged = !run->stopped && (run->ok || run->result_count > 0),
        .ok = run->ok,
    };
    return 0;
}

int report_close(void *state, const struct lab_job *job)
{
    struct report *report = state;
    struct record_story story = {0};
    int error = report_story(job, &story);
    char *command = report_command(job);
    story.command = command;
    if (!error)
        error = report_is_data(job->options->report)
                    ? record_write(report->record, &story, true, to_file, report->file)
                    : page_write(report->record, &story, to_file, report->file);
    free((void *)story.checks);
    free(command);
    errno = 0;
    if (fclose(report->file) != 0 && !error)
        error = errno ? -errno : -EIO;
    record_free(report->record);
    free(report);
    return error ? trouble(job, error) : 0;
}
