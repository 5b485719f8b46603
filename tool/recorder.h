/**
 * The recorder: writes the frames a host sends and receives to a pcapng file, from the host's trace.
 */
#ifndef TOOL_RECORDER_H
#define TOOL_RECORDER_H

#include <strata/strata.h>

struct recorder;
/** @return 0 or a negative errno. */
int recorder_open(struct recorder **recorder, const char *path, const char *interface, enum strata_link link);
/** A trace listener; `context` is the recorder. */
void recorder_trace(void *context, const struct strata_trace_record *record);
/** @return the first error that writing met, negative errno, or 0. */
int recorder_close(struct recorder *recorder);

#endif
