/**
 * The strata command: one file per verb, and what the verbs share.
 *
 * Exit status: 0 it worked, 1 it did not, 2 it was called wrongly.
 */
#ifndef TOOL_TOOL_H
#define TOOL_TOOL_H

#include <stdbool.h>
#include <stddef.h>

enum { TOOL_OK = 0, TOOL_FAILED = 1, TOOL_USAGE = 2 };

/* Each verb gets its own words: argv[0] is the verb. */
int tool_lab(int argc, char **argv);
int tool_serve(int argc, char **argv);
int tool_fetch(int argc, char **argv);
int tool_ping(int argc, char **argv);
int tool_traceroute(int argc, char **argv);
int tool_dig(int argc, char **argv);
int tool_run(int argc, char **argv);
int tool_link(int argc, char **argv);
int tool_capture(int argc, char **argv);
int tool_medium(int argc, char **argv);
int tool_settings(int argc, char **argv);
int tool_counters(int argc, char **argv);

/** "strata: ..." on standard error. @return status, so that a verb can end with it. */
int tool_complain(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** The end of a verb that prints: what was printed may have found a disk full, and then this says so once.
 * @return status, or TOOL_FAILED where it was TOOL_OK. */
int tool_flush(int status);
/** For verbs that run until they are told to end: SIGINT, SIGTERM and SIGUSR1 come through a descriptor that does not
 * block, SIGPIPE not at all, and short sleeps end when they should, not up to 50 us later. @return it, or -errno. */
int tool_open_signals(void);

#endif
