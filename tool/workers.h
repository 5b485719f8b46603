/**
 * Worker processes: jobs are spread over them, answers come back in the order of the jobs, whoever was faster. What a
 * job does to its process (a signal, an exit, no end) is its answer; the others go on, and another process takes the
 * place of the one that is gone.
 *
 * Workers are forked once and asked again and again, so they begin with all that their parent had made.
 */
#ifndef TOOL_WORKERS_H
#define TOOL_WORKERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Bytes that grow. Without memory the process ends with a sentence. */
struct bytes {
    uint8_t *data;
    size_t size, room;
};
void bytes_put(struct bytes *bytes, const void *data, size_t size);
void bytes_put_number(struct bytes *bytes, uint64_t number);
/** A text with its length; NULL is the empty one. */
void bytes_put_text(struct bytes *bytes, const char *text);
void bytes_free(struct bytes *bytes);
/** Reads what was put, in the same order. What is not there reads as 0 or "". */
struct bytes_reader {
    const uint8_t *data;
    size_t size;
};
uint64_t bytes_number(struct bytes_reader *reader);
/** malloc'ed. */
char *bytes_text(struct bytes_reader *reader);

enum worker_end {
    WORKER_DONE,
    WORKER_SIGNALLED, /**< code: the signal. */
    WORKER_EXITED,    /**< code: the exit status. */
    WORKER_TIMED_OUT,
};
struct worker_answer {
    uint64_t job; /**< Counted from 0. */
    enum worker_end end;
    int code;
    struct bytes_reader data; /**< WORKER_DONE: what `work` put. */
    const char *said;         /**< Otherwise: what it wrote to standard error, the end of it; never NULL. */
};
struct workers_config {
    unsigned count;
    bool large;         /**< Jobs may be longer than a few hundred bytes. */
    int64_t timeout_ns; /**< Of the machine's clock, for one job; 0: no limit. */
    void *context;
    /** Parent: the next job. @return false: there are no more. */
    bool (*next)(void *context, struct bytes *job);
    /** Worker: does it. */
    void (*work)(void *context, struct bytes_reader job, struct bytes *answer);
    /** Parent: an answer. @return whether to go on. */
    bool (*take)(void *context, const struct worker_answer *answer);
    /** Parent: several times a second, for a progress line. NULL: nobody looks. */
    void (*look)(void *context);
    /** Parent: whether to end now, asked when a signal came. */
    bool (*stop)(void *context);
};
/** @return 0; 1 when `take` or `stop` ended it; or a negative errno. No worker is left. */
int workers_run(const struct workers_config *config);
/** The processors that this process may use. */
unsigned workers_processors(void);

#endif
