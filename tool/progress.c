/*
 * The progress line.
 */
#include "tool/progress.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SECOND_NS INT64_C(1000000000)
#define FIRST_NS (SECOND_NS / 2)
#define EACH_NS (SECOND_NS / 5)

int64_t progress_clock(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * SECOND_NS + time.tv_nsec;
}

void progress_begin(struct progress *progress, bool wanted)
{
    const char *terminal = getenv("TERM");
    wanted = wanted && isatty(STDERR_FILENO) && terminal && strcmp(terminal, "dumb") != 0;
    int64_t now = progress_clock();
    *progress = (struct progress){.wanted = wanted, .began_ns = now, .next_ns = now + FIRST_NS};
}

bool progress_due(struct progress *progress, int64_t now_ns)
{
    return progress->wanted && now_ns >= progress->next_ns;
}

void progress_show(struct progress *progress, const char *format, ...)
{
    char text[79]; // in the last column a terminal would begin another line
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    fprintf(stderr, "\r\033[K%s", text);
    fflush(stderr);
    progress->shown = true;
    progress->next_ns = progress_clock() + EACH_NS;
}

void progress_clear(struct progress *progress)
{
    if (!progress->shown)
        return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
    progress->shown = false;
}

const char *progress_left(const struct progress *progress, int64_t now_ns, uint64_t done, uint64_t all, char text[40])
{
    text[0] = '\0';
    if (done == 0 || done > all)
        return text;
    // In thousandths of what is done, so that nothing overflows.
    uint64_t parts = done / 1000 ? done / 1000 : 1;
    uint64_t spent_ms = (uint64_t)(now_ns - progress->began_ns) / 1000000;
    uint64_t left_s = spent_ms * ((all - done) / parts) / 1000 / (done / parts);
    if (left_s >= 3600)
        snprintf(text, 40, ", %" PRIu64 " h %" PRIu64 " min left", left_s / 3600, left_s % 3600 / 60);
    else if (left_s >= 60)
        snprintf(text, 40, ", %" PRIu64 " min %" PRIu64 " s left", left_s / 60, left_s % 60);
    else
        snprintf(text, 40, ", %" PRIu64 " s left", left_s);
    return text;
}
