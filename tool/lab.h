/**
 * The verb `strata lab` in its parts.
 *
 *     lab.c          what is asked for, and one run
 *     lab_options.c  the table of options; the help is made of it
 *     lab_watch.c    the table of watchers: who listens while a world runs, and writes files
 *     lab_results.c  what is said at the end
 *
 * An option is a field of struct lab_options and a row of the table in lab_options.c. A watcher is a row of the
 * table in lab_watch.c and two functions, open and close, in a file of its own.
 */
#ifndef TOOL_LAB_H
#define TOOL_LAB_H

#include <stdio.h>

#include "lab/scenario.h"
#include "tool/tool.h"

struct lab_options {
    struct scenario_options scenario;
    const char *file;
    const char *pcap, *pcap_folder;
    const char *curve, *picture;
    const char *duration_text;
    bool json, quiet, timeline, stats, only_check;
    int verbose;
};

/* ---- lab_options.c -------------------------------------------------------------------------------------- */

/** @return 0, or the exit status after a complaint; --help prints and ends the process. */
int lab_options_read(struct lab_options *options, int argc, char **argv);
/** A complaint about how the command was written, with one value in it. @return TOOL_USAGE. */
int lab_wrong(const char *format, const char *value) __attribute__((format(printf, 1, 0)));

/* ---- lab_watch.c ---------------------------------------------------------------------------------------- */

/** One run of a scenario as its watchers see it. */
struct lab_job {
    const struct lab_options *options;
    struct scenario_run *run;
};

struct lab_watcher {
    /** Whether the options ask for it. */
    bool (*wanted)(const struct lab_options *options);
    /** Begins to listen to job->run->world, which is made and has not run. @return 0, or the exit status after a
     * complaint; it is not closed then. */
    int (*open)(void **state, const struct lab_job *job);
    /** The run is over, for whatever reason; its checks are judged unless it failed (job->run->result_count).
     * Writes what is held back and frees the state. @return 0, or the exit status after a complaint. */
    int (*close)(void *state, const struct lab_job *job);
    bool trace;       /**< It needs what hosts trace: scenario_options.trace_hosts. */
    const char *told; /**< Said at the end when it was closed well, such as "frames are in %s"; or NULL. */
    size_t path;      /**< The option whose text stands in `told`: its offset in struct lab_options. */
};

enum { LAB_WATCHERS_MAX = 16 };
/** The watchers of one run. */
struct lab_watch {
    void *states[LAB_WATCHERS_MAX];
    bool open[LAB_WATCHERS_MAX], well[LAB_WATCHERS_MAX];
};
/** @return 0 or the exit status. What was opened is to be closed in any case. */
int lab_watch_open(struct lab_watch *watch, const struct lab_job *job);
int lab_watch_close(struct lab_watch *watch, const struct lab_job *job);
/** Whether one of them needs what hosts trace. */
bool lab_watch_traces(const struct lab_options *options);
/** Says where the files are. */
void lab_watch_tell(const struct lab_watch *watch, const struct lab_job *job, FILE *to);

/* ---- lab_results.c -------------------------------------------------------------------------------------- */

/** Says how the run ended. @return the exit status. */
int lab_report(const struct lab_job *job, const struct lab_watch *watch);
/** The run could not go on. @return the exit status. */
int lab_run_failed(int error);
bool lab_wants_colour(FILE *to);

#endif
