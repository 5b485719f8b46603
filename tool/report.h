/**
 * The watcher of --report, and what --live shares with it.
 */
#ifndef TOOL_REPORT_H
#define TOOL_REPORT_H

#include "lab/record.h"
#include "tool/lab.h"

bool report_wanted(const struct lab_options *options);
int report_open(void **state, const struct lab_job *job);
int report_close(void *state, const struct lab_job *job);

/** What is known of the run; `checks` is to be freed. @return 0, -ENOMEM. */
int report_story(const struct lab_job *job, struct record_story *story);
/** The command that shows the same again, to be freed; NULL: no memory. */
char *report_command(const struct lab_job *job);
/** Whether a file of that name gets only the data. */
bool report_is_data(const char *path);

#endif
