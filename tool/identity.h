/**
 * What makes two failures of a scenario the same, numbers aside: see lab_shrink.c.
 */
#ifndef TOOL_IDENTITY_H
#define TOOL_IDENTITY_H

#include "tool/outcome.h"

/** What makes two failures the same. */
struct identity {
    enum outcome_kind kind;
    int code;
    char *said;
    char *check; /**< OUTCOME_JUDGED: the first check that failed. */
    char **failed; /**< All that failed, each with its words. */
    unsigned failed_count;
    bool unfinished; /**< Something did not end: time is what it is about. */
    bool limited;    /**< The world reached a limit. */
    char **last; /**< What programs that ended badly printed last. */
    unsigned last_count;
};

/** In the worker, the `after` of an outcome's hooks: puts what programs that ended badly said last. */
void identity_put(void *context, struct scenario_run *run, struct bytes *answer);
/** @param rest what identity_put has put; it is read. */
void identity_of(struct identity *identity, const struct outcome *outcome, struct bytes_reader *rest);
bool identity_is_same(const struct identity *original, const struct identity *other);
void identity_free(struct identity *identity);

#endif
