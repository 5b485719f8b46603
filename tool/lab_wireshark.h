/**
 * A watcher that pipes the capture to a program.
 */
#ifndef TOOL_LAB_WIRESHARK_H
#define TOOL_LAB_WIRESHARK_H

#include "tool/lab.h"

/** What is started where no command is given. */
#define LAB_WIRESHARK "wireshark -k -i -"

bool lab_wireshark_wanted(const struct lab_options *options);
int lab_wireshark_open(void **state, const struct lab_job *job);
int lab_wireshark_close(void *state, const struct lab_job *job);

#endif
