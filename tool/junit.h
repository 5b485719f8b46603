/**
 * Results as JUnit has them, which every continuous integration reads: a suite with a case for each check of one run,
 * or for each of many runs. Times are virtual, so that the same runs give the same file.
 */
#ifndef TOOL_JUNIT_H
#define TOOL_JUNIT_H

#include <stdbool.h>

#include <strata/strata.h>

struct junit;
/** Makes the file. @return 0, or an exit status after a complaint. */
int junit_open(struct junit **junit, const char *path, const char *suite);
enum junit_verdict {
    JUNIT_OK,
    JUNIT_FAILURE, /**< A check does not hold. */
    JUNIT_ERROR,   /**< It came to no verdict: a crash, a limit. */
};
/** @param message in one line; @param text more of it, or NULL. Both only where the verdict is not JUNIT_OK. */
void junit_case(struct junit *junit, const char *name, strata_time time, enum junit_verdict verdict,
                const char *message, const char *text);
/** Writes and frees it. @return 0, or an exit status after a complaint. */
int junit_close(struct junit *junit);

#endif
