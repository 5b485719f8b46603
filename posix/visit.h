/**
 * A call into a drill, from beginning to end: locked, about a socket, with a result as the C library wants it.
 *
 *     struct visit visit = visit_socket(self, fd);
 *     if (visit.socket)
 *         visit.result = ...;
 *     return (int)visit_end(&visit);
 */
#ifndef POSIX_VISIT_H
#define POSIX_VISIT_H

#include "posix/drill.h"

struct visit {
    struct drill *drill;         /**< Locked; NULL: there is none, the flags were wrong. */
    struct posix_socket *socket; /**< That the call is about; NULL: none, and that is the result. */
    int64_t result;              /**< What the call says, or a negative errno. */
};

/** @param self a drill or NULL. */
struct visit visit_begin(void *self);
/** One about the socket of a descriptor. */
struct visit visit_socket(void *self, int fd);
/** @return the result; below 0: -1 and errno. */
ssize_t visit_end(const struct visit *visit);
/** The C library's way of saying no. */
ssize_t visit_answer(int64_t result);

/** Gives a socket that has been made a descriptor. @return it, or a negative errno. */
int64_t visit_add(const struct visit *visit, struct posix_socket *socket);
/** A call of the visit's socket that may wait, for drill_wait: not at all, for a while, or for ever (timeout 0). */
struct drill_call visit_call(const struct visit *visit, int64_t (*attempt)(struct drill_call *), int64_t expired,
                             bool waits, strata_time timeout);

#endif
