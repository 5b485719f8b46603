/**
 * The verb `strata lab` in its parts.
 *
 *     lab.c          what is asked for, and one run
 *     lab_options.c  the table of options; the help is made of it
 *     lab_check.c    reading scenarios: their mistakes, and what may be chosen of them
 *     lab_watch.c    the table of watchers: who listens while a world runs, and writes files
 *     lab_guard.c    what ends a run early: signals, limits; and the progress line
 *     lab_many.c     many runs: seeds over processes
 *     lab_sweep.c    many runs over a grid of parameters
 *     lab_shrink.c   makes a scenario that fails smaller
 *     lab_real.c     in real time, with nodes that are machines outside
 *     lab_results.c  what is said at the end
 *
 * An option is a field of struct lab_options and a row of the table in lab_options.c. A watcher is a row of the
 * table in lab_watch.c and two functions, open and close, in a file of its own.
 */
#ifndef TOOL_LAB_H
#define TOOL_LAB_H

#include <stdio.h>

#include "lab/scenario.h"
#include "tool/figures.h"
#include "tool/grid.h"
#include "tool/progress.h"
#include "tool/real.h"
#include "tool/seeds.h"
#include "tool/tool.h"
#include "tool/workers.h"

/** What is to be done; a bit each, since an option may go with several. */
enum lab_verb { LAB_RUN = 1, LAB_CHECK = 2, LAB_MANY = 4, LAB_SWEEP = 8, LAB_SCHEMA = 16 };

struct lab_options {
    enum lab_verb verb;
    struct scenario_options scenario;
    const char *file;
    char **files; /**< Of check: all of them. */
    int file_count;
    const char **sets; /**< NAME=VALUE, as --set has them. */
    unsigned set_count;
    bool help, expanded;
    const char *pcap, *pcap_folder, *pcap_hosts, *wireshark;
    const char *curve, *picture;
    const char *report;
    bool real;
    bool live;
    uint16_t port;
    strata_time from; /**< The timeline begins there. */
    int64_t timeout_ns;
    const char *timeout_text;
    bool json, jsonl, quiet, timeline, stats;
    int verbose;
    struct seeds seeds; /**< Many runs, where there are any. */
    unsigned jobs;      /**< Processes; 0: as many as there are processors. */
    bool keep_going;
    const char *junit, *shrink;
    struct figures figures; /**< --measure */
    struct grid grid;       /**< Of sweep. */
    const char *csv, *plot;
    char *again; /**< The options that belong to the command which replays a run, for a shell; the seed aside. */
};

/* ---- lab_options.c -------------------------------------------------------------------------------------- */

/** @return 0, or the exit status after a complaint; --help prints and ends the process. */
int lab_options_read(struct lab_options *options, int argc, char **argv);
/** A complaint about how the command was written, with one value in it. @return TOOL_USAGE. */
int lab_wrong(const char *format, const char *value) __attribute__((format(printf, 1, 0)));
/** Prints a word as a shell reads it. */
void lab_print_word(FILE *to, const char *word);
/** Prints the command that runs the scenario with a seed. */
void lab_print_again(FILE *to, const struct lab_options *options, uint64_t seed);

/* ---- lab_check.c ---------------------------------------------------------------------------------------- */

/** Reads the scenario of the options. @return 0, or the exit status after telling its mistakes. */
int lab_load(const struct lab_options *options, struct scenario **scenario);
/** The same, and writes it as YAML without includes, templates and parameters. */
int lab_expand(const struct lab_options *options, struct scenario **scenario, FILE *to);
/** Looks for mistakes in all files of the options. @return the exit status. */
int lab_check(const struct lab_options *options);
/** Prints the scenario language as a JSON schema. @return the exit status. */
int lab_schema(void);
/** What the scenario is about and what may be chosen of it. @return the exit status. */
int lab_explain(const struct lab_options *options);

/* ---- lab_guard.c ---------------------------------------------------------------------------------------- */

enum lab_stopped {
    LAB_STOPPED_NOT,
    LAB_STOPPED_UNTIL,   /**< --until: as it was told. */
    LAB_STOPPED_SIGNAL,  /**< SIGINT or SIGTERM. */
    LAB_STOPPED_TIMEOUT, /**< --timeout */
    LAB_STOPPED_OUTPUT,  /**< Standard output takes nothing more. */
};
struct lab_guard {
    struct strata_world *world;
    strata_time end; /**< When it is over at the latest. */
    int64_t timeout_ns;
    unsigned moments, every; /**< The machine's clock is read once in so many moments. */
    enum lab_stopped why;
    struct progress progress;
};
/** From now on SIGINT and SIGTERM end runs and not the process; the second one does. */
void lab_guard_signals(void);
/** The signal that came, or 0. */
int lab_guard_signal(void);
/** Looks after a run with these options. */
void lab_guard_begin(struct lab_guard *guard, const struct lab_options *options, const struct scenario *scenario,
                     struct strata_world *world, struct scenario_options *run);
void lab_guard_end(struct lab_guard *guard, bool stopped);
/** The exit status of a run that ended so: 128 and the number of the signal, as shells have it. */
int lab_guard_status(const struct lab_guard *guard);

/* ---- lab_watch.c ---------------------------------------------------------------------------------------- */

/** One run of a scenario as its watchers see it. */
struct lab_job {
    const struct lab_options *options;
    struct scenario_run *run;
    struct lab_guard guard;
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
/** What every host and cable counted, as tables of 80 columns. */
void lab_print_stats(struct strata_world *world, FILE *to);

/* ---- lab_real.c ----------------------------------------------------------------------------------------- */

/** Opens what is outside; a scenario that has such nodes runs in real time alone. @return 0, or the exit status after a
 * complaint. It is to be closed (real_close) in any case. */
int lab_real_open(struct real *real, struct lab_options *options, const struct scenario *scenario);
/** The world is made: from now on it keeps pace, if that is asked for. */
void lab_real_begin(struct real *real, const struct lab_options *options, struct scenario_run *run);
/** The run is over: says how well it kept pace. */
void lab_real_tell(const struct real *real, const struct lab_options *options);

/* ---- lab_many.c ----------------------------------------------------------------------------------------- */

/** Runs a scenario with many seeds. @return the exit status. */
int lab_many(const struct lab_options *options, struct scenario *scenario);
/** Hooks of an outcome that read figures; the context is a struct figures. */
int lab_figures_before(void *context, struct scenario_run *run);
void lab_figures_after(void *context, struct scenario_run *run, struct bytes *answer);

/* ---- lab_sweep.c ---------------------------------------------------------------------------------------- */

/** Runs a scenario for every point of a grid of its parameters. @return the exit status. */
int lab_sweep(const struct lab_options *options);

/* ---- lab_shrink.c --------------------------------------------------------------------------------------- */

/** Makes the scenario small while it fails with a seed, and writes it. @param why it fails, in a line. @return the exit
 * status, TOOL_FAILED where all went well. */
int lab_shrink(const struct lab_options *options, uint64_t seed, const char *why);

/* ---- lab_json.c ----------------------------------------------------------------------------------------- */

/** The result of a run in one line or, where `indent` says so, in several. @return false: no memory. */
bool lab_print_json(const struct lab_job *job, bool indent, FILE *to);

#endif
