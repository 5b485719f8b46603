/*
 * Calls into a drill. Those without one, since its flags were wrong, all say ENODEV; those for a descriptor that is no
 * socket EBADF.
 */
#include "posix/visit.h"

#include <errno.h>

struct visit visit_begin(void *self)
{
    if (!self)
        return (struct visit){.result = -ENODEV};
    drill_enter(self);
    return (struct visit){.drill = self};
}

struct visit visit_socket(void *self, int fd)
{
    struct visit visit = visit_begin(self);
    visit.socket = visit.drill ? drill_socket(visit.drill, fd) : NULL;
    if (visit.drill && !visit.socket)
        visit.result = -EBADF;
    return visit;
}

ssize_t visit_answer(int64_t result)
{
    if (result >= 0)
        return (ssize_t)result;
    errno = (int)-result;
    return -1;
}

ssize_t visit_end(const struct visit *visit)
{
    if (visit->drill)
        drill_leave(visit->drill);
    return visit_answer(visit->result);
}

int64_t visit_add(const struct visit *visit, struct posix_socket *socket)
{
    int fd = drill_add(visit->drill, socket);
    if (fd < 0)
        (void)posix_close(socket, visit->drill->now);
    return fd;
}

struct drill_call visit_call(const struct visit *visit, int64_t (*attempt)(struct drill_call *), int64_t expired,
                             bool waits, strata_time timeout)
{
    strata_time now = visit->drill->now;
    return (struct drill_call){.attempt = attempt, .drill = visit->drill, .socket = visit->socket, .expired = expired,
                               .deadline = !waits ? now : timeout ? now + timeout : STRATA_NEVER};
}
