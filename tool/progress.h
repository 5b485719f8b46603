/**
 * A line on the terminal that tells how far a long run is. It is on standard error, only where that is a terminal,
 * appears after half a second and is gone in the end.
 */
#ifndef TOOL_PROGRESS_H
#define TOOL_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    bool wanted, shown;
    int64_t began_ns, next_ns;
};

/** Nanoseconds of the machine's clock. */
int64_t progress_clock(void);
/** @param wanted whether the line would be in nobody's way. */
void progress_begin(struct progress *progress, bool wanted);
/** Whether it is time for another line. */
bool progress_due(struct progress *progress, int64_t now_ns);
void progress_show(struct progress *progress, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** Clears the line, before something else is printed or at the end. */
void progress_clear(struct progress *progress);
/** " 3 min 20 s left", from how much is done of how much; "" while that is not known. */
const char *progress_left(const struct progress *progress, int64_t now_ns, uint64_t done, uint64_t all, char text[40]);

#endif
