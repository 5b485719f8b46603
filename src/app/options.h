/**
 * Options of the built-in programs: "--name value", "--name=value" and flags from a table, in any order,
 * without globals.
 *
 * A program gets its name as argv[0]; with argc 0 it was started without name and arguments.
 */
#ifndef APP_OPTIONS_H
#define APP_OPTIONS_H

#include <strata/rt.h>

enum option_kind {
    OPTION_FLAG,    /**< value is a bool. */
    OPTION_NUMBER,  /**< value is an int64_t, within least and most. */
    OPTION_TEXT,    /**< value is a const char *. */
    OPTION_SECONDS, /**< "0.25" or "250ms": value is a strata_time, within least and most. */
};
struct option_entry {
    const char *name; /**< "--port" or "-o". */
    enum option_kind kind;
    void *value;
    int64_t least, most;
};

/**
 * Reads options and the words that are none. "--" ends the options. What is wrong is said to the user with
 * `usage` after it; "--help" asks for that alone. @return the number of words, or -EINVAL.
 */
int options_parse(struct strata_rt *rt, int argc, char **argv, const char *usage,
                  const struct option_entry *entries, int count, const char **words, int words_max);

/** The text of an errno, for users: "connection refused". */
const char *error_text(int error);

#endif
