/**
 * Settings of a host by the names of other systems' sysctls, one by one, from a table or from a file.
 */
#ifndef POSIX_SYSCTL_H
#define POSIX_SYSCTL_H

#include "posix/socket.h"

/** What is set. */
struct sysctl_target {
    struct strata_host *host;
    struct posix_rules *rules;
};

/**
 * Sets what "net.ipv4.tcp_rmem" and the like name, whatever form its value has there: a number in any base, several
 * numbers, a name. Linux's and FreeBSD's names, Strata's own, and "posix." with a rule of struct posix_rules.
 * @return 0, -ENOENT (no such name), -EINVAL (not such a value), -ERANGE.
 */
int sysctl_set(const struct sysctl_target *target, const char *name, const char *value);

/** One line "name=value", blanks around both allowed. @return as sysctl_set; 0 for an empty line or a # comment. */
int sysctl_line(const struct sysctl_target *target, const char *line);

/** A file of such lines, of which what was appended since the last time is read. */
struct sysctl_file {
    const char *path; /**< NULL: none. */
    long offset;      /**< Where to go on reading. */
    char unknown[16][64]; /**< Names that were complained about on standard error, once each. */
    unsigned unknown_count;
};
void sysctl_follow(struct sysctl_file *file, const struct sysctl_target *target);

/** A profile is a table of such settings. @return NULL after the last one, or for a profile of another name. */
struct sysctl_row {
    const char *name, *value;
};
const struct sysctl_row *sysctl_profile(const char *name);

#endif
