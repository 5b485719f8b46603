/**
 * What one of many runs gave, as it travels from the worker that ran it to those who count, and prints.
 */
#ifndef TOOL_OUTCOME_H
#define TOOL_OUTCOME_H

#include <jansson.h>

#include "lab/scenario.h"
#include "tool/workers.h"

enum outcome_kind {
    OUTCOME_JUDGED,
    OUTCOME_ERROR,     /**< The world could not go on; code: a positive errno. */
    OUTCOME_CRASHED,   /**< code: the signal. */
    OUTCOME_EXITED,    /**< The process ended; code: its exit status. */
    OUTCOME_TIMED_OUT, /**< In real time. */
};
struct outcome_check {
    char *name, *detail;
    bool ok;
    struct scenario_value value;
};
struct outcome {
    uint64_t seed;
    enum outcome_kind kind;
    int code;
    bool ok;
    uint64_t frames, hash;
    strata_time ended; /**< When the last program that was waited for ended. */
    strata_time now;   /**< When the run was over. */
    struct outcome_check *checks;
    unsigned check_count;
    char *said; /**< Where it is not OUTCOME_JUDGED: what the process said last, in one line; or "". */
};

/** Who wants more of a run. Either may be NULL. */
struct outcome_hooks {
    int (*before)(void *context, struct scenario_run *run); /**< Made, not run. @return 0 or a negative errno. */
    void (*after)(void *context, struct scenario_run *run, struct bytes *answer); /**< Puts more. */
    void *context;
};
/** In the worker: runs a scenario with a seed and puts what came of it. `hooks` may be NULL. */
void outcome_run(struct scenario *scenario, const struct scenario_options *options, struct bytes *answer,
                 const struct outcome_hooks *hooks);
/** In the parent: reads an answer, whatever it is; what `after` put is left in the reader. */
void outcome_read(struct outcome *outcome, uint64_t seed, const struct worker_answer *answer,
                  struct bytes_reader *rest);
void outcome_free(struct outcome *outcome);
/** What went wrong, in one line: "crashed: SIGSEGV", "CHECK: DETAIL". Only where it is not ok. */
const char *outcome_why(const struct outcome *outcome, char *text, size_t size);
/** As scenario_json, with "crash", "error" or "timeout" where it was no run with a result. */
json_t *outcome_json(const struct outcome *outcome);
void outcome_put_value(struct bytes *answer, const struct scenario_value *value);
struct scenario_value outcome_read_value(struct bytes_reader *reader);
/** "SIGSEGV", or "signal 99". */
const char *outcome_signal(int number, char room[24]);
/** A value as the tables have it: "12", "1.5 ms", "0.25". */
const char *outcome_value(const struct scenario_value *value, char room[48]);

#endif
