/*
 * Who looks after a run while it runs: SIGINT and SIGTERM, the limit of real time, the progress line, and a
 * standard output that takes nothing more. The world asks after every moment; most of the time the answer costs a
 * comparison.
 */
#include "tool/lab.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

/** The machine's clock is read once in so many moments; in real time, which waits for most of them, in each. */
#define MOMENTS_PER_LOOK 32u

/** So long after its real time a run may take to notice. */
#define STUCK_NS INT64_C(1000000000)

static volatile sig_atomic_t came;

static void on_signal(int number)
{
    came = number;
}

/** A moment that does not end, such as a program that computes for ever, never asks. */
static void on_alarm(int number)
{
    static const char text[] = "strata: not done after its real time (--timeout), and stuck in one moment\n";
    (void)number;
    ssize_t written = write(STDERR_FILENO, text, sizeof text - 1);
    (void)written; // there is nobody else to tell
    _exit(TOOL_FAILED);
}

static void set_alarm(int64_t after_ns)
{
    struct itimerval timer = {.it_value = {.tv_sec = (time_t)(after_ns / 1000000000),
                                           .tv_usec = (suseconds_t)(after_ns % 1000000000 / 1000)}};
    struct sigaction action = {.sa_handler = on_alarm};
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &timer, NULL);
}

void lab_guard_signals(void)
{
    // The second one is not caught: whoever is in a hurry presses twice. What is being written is written to its end.
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)(SA_RESETHAND | SA_RESTART)};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

int lab_guard_signal(void)
{
    return came;
}

static void show(struct lab_guard *guard, int64_t now_ns)
{
    strata_time now = strata_world_now(guard->world);
    if (guard->end == STRATA_NEVER) {
        progress_show(&guard->progress, "%" PRId64 ".%" PRId64 " s, %" PRIu64 " frames", now / STRATA_SECOND,
                      now % STRATA_SECOND / (STRATA_SECOND / 10), strata_world_frames(guard->world));
        return;
    }
    uint64_t real_ms = (uint64_t)(now_ns - guard->progress.began_ns) / 1000000;
    uint64_t tenths = real_ms ? (uint64_t)now / 100000 / real_ms : 0;
    char left[40];
    progress_left(&guard->progress, now_ns, (uint64_t)now, (uint64_t)guard->end, left);
    progress_show(&guard->progress, "%" PRId64 ".%" PRId64 " of at most %" PRId64 " s, %" PRIu64 " frames, %" PRIu64
                                    ".%" PRIu64 " x real time%s",
                  now / STRATA_SECOND, now % STRATA_SECOND / (STRATA_SECOND / 10), guard->end / STRATA_SECOND,
                  strata_world_frames(guard->world), tenths / 10, tenths % 10, left);
}

static bool look(struct lab_guard *guard)
{
    int64_t now_ns = progress_clock();
    if (guard->timeout_ns && now_ns - guard->progress.began_ns >= guard->timeout_ns)
        guard->why = LAB_STOPPED_TIMEOUT;
    else if (ferror(stdout))
        guard->why = LAB_STOPPED_OUTPUT;
    else if (progress_due(&guard->progress, now_ns))
        show(guard, now_ns);
    return guard->why != LAB_STOPPED_NOT;
}

static bool guard_stop(void *context)
{
    struct lab_guard *guard = context;
    if (came) {
        guard->why = LAB_STOPPED_SIGNAL;
        return true;
    }
    return ++guard->moments % guard->every == 0 && look(guard);
}

/** Whether lines of the run itself go to the same terminal. */
static bool lines_go_to_terminal(const struct lab_options *options)
{
    bool lines = options->timeline || options->jsonl || (!options->quiet && !options->json);
    return lines && isatty(options->json ? STDERR_FILENO : STDOUT_FILENO);
}

void lab_guard_begin(struct lab_guard *guard, const struct lab_options *options, const struct scenario *scenario,
                     struct strata_world *world, struct scenario_options *run)
{
    *guard = (struct lab_guard){.world = world, .timeout_ns = options->timeout_ns};
    guard->every = options->real ? 1 : MOMENTS_PER_LOOK;
    guard->end = run->duration ? run->duration : scenario->duration;
    if (run->until && run->until < guard->end)
        guard->end = run->until;
    if (guard->timeout_ns)
        set_alarm(guard->timeout_ns + STUCK_NS);
    progress_begin(&guard->progress, !lines_go_to_terminal(options));
    run->stop = guard_stop;
    run->stop_context = guard;
}

void lab_guard_end(struct lab_guard *guard, bool stopped)
{
    progress_clear(&guard->progress);
    if (guard->timeout_ns)
        set_alarm(0);
    if (!stopped)
        guard->why = LAB_STOPPED_NOT;
    else if (guard->why == LAB_STOPPED_NOT)
        guard->why = LAB_STOPPED_UNTIL;
}

int lab_guard_status(const struct lab_guard *guard)
{
    switch (guard->why) {
    case LAB_STOPPED_SIGNAL:
        return 128 + lab_guard_signal();
    case LAB_STOPPED_UNTIL:
    case LAB_STOPPED_NOT:
        return TOOL_OK;
    case LAB_STOPPED_TIMEOUT:
    case LAB_STOPPED_OUTPUT:
        break;
    }
    return TOOL_FAILED;
}
