/**
 * The built-in programs by name: what scenarios of the lab and the verbs of the tool can run.
 */
#ifndef APP_PROGRAMS_H
#define APP_PROGRAMS_H

#include <strata/rt.h>

struct strata_program_entry {
    const char *name; /**< "http-server" */
    strata_program main;
    const char *help; /**< One line. */
};

/** The program of that name, or NULL. */
const struct strata_program_entry *program_find(const char *name);
/** The index-th program, or NULL after the last. */
const struct strata_program_entry *program_get(unsigned index);

#endif
