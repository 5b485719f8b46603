/*
 * Conns: what waits for them, and how they end.
 *
 * A call first tries; where its net says -EAGAIN the fiber arms the conn, waits and tries again. So a wake
 * may come for nothing and does no harm. All who wait for one conn are woken together and find out themselves
 * whom it concerned.
 */
#include "rt/runtime.h"

#include <errno.h>
#include <stdlib.h>

int conn_new(struct strata_rt *rt, struct rt_net *net, enum strata_socket_type type, void *self,
             struct strata_conn **conn)
{
    struct strata_conn *made = calloc(1, sizeof *made);
    if (!made) {
        net->ops->close(net->self, self, true);
        return -ENOMEM;
    }
    made->rt = rt;
    made->net = net;
    made->type = type;
    made->self = self;
    list_init(&made->waitable.waits);
    list_push_back(&rt->conns, &made->link);
    *conn = made;
    return 0;
}

/** Asks the net to wake us for everything that anybody waits for here. */
static int conn_arm(struct strata_conn *conn)
{
    uint32_t ready = 0;
    LIST_FOR_EACH (link, &conn->waitable.waits)
        ready |= CONTAINER_OF(link, struct wait, link)->ready;
    return conn->net->ops->arm(conn->net->self, conn->self, ready, &conn->waitable);
}

int conn_wait(struct strata_conn *conn, uint32_t ready, strata_time deadline)
{
    struct strata_rt *rt = conn->rt;
    struct wait wait = {.fiber = rt->current, .ready = ready};
    if (!wait.fiber)
        return -EDEADLK;
    list_push_back(&conn->waitable.waits, &wait.link);
    int result = conn_arm(conn);
    if (result >= 0)
        result = fiber_wait(rt, deadline);
    list_remove(&wait.link);
    return wait.result < 0 ? wait.result : result;
}

int conn_readiness(struct strata_conn *conn)
{
    int ready = conn->net->ops->readiness(conn->net->self, conn->self);
    return ready >= 0 && view_unread(conn) > 0 ? ready | STRATA_READABLE : ready;
}

/** The next conn after `last` that is ready, or -1. */
static int find_ready(struct strata_conn *const *conns, const uint32_t *ready, int count, int last)
{
    for (int i = 1; i <= count; i++) {
        int index = (last + i) % count;
        int now = conn_readiness(conns[index]);
        if (now < 0 || ((uint32_t)now & (ready[index] | STRATA_HANGUP | STRATA_ERROR)))
            return index;
    }
    return -1;
}

/** Waits once for all of them. @return 0, or why not. */
static int wait_for_all(struct strata_rt *rt, struct strata_conn *const *conns, const uint32_t *ready,
                        int count, struct wait *waits, strata_time deadline)
{
    int result = 0;
    for (int i = 0; i < count; i++) {
        waits[i] = (struct wait){.fiber = rt->current, .ready = ready[i]};
        list_push_back(&conns[i]->waitable.waits, &waits[i].link);
    }
    for (int i = 0; i < count && result >= 0; i++)
        result = conn_arm(conns[i]);
    if (result >= 0)
        result = fiber_wait(rt, deadline);
    for (int i = 0; i < count; i++) {
        list_remove(&waits[i].link);
        if (waits[i].result < 0)
            result = waits[i].result;
    }
    return result;
}

int strata_rt_wait_any(struct strata_rt *rt, struct strata_conn *const *conns, const uint32_t *ready,
                       int count, strata_time deadline)
{
    int result = fiber_turn(rt);
    if (result < 0)
        return result;
    struct wait few[8], *waits = few;
    if (count > (int)(sizeof few / sizeof *few)) {
        waits = malloc((size_t)count * sizeof *waits);
        if (!waits)
            return -ENOMEM;
    }
    int index = -1, last = rt->current ? rt->current->last_index : -1;
    while (result >= 0 && (index = find_ready(conns, ready, count, last)) < 0)
        result = rt->current ? wait_for_all(rt, conns, ready, count, waits, deadline) : -EDEADLK;
    if (index >= 0 && rt->current)
        rt->current->last_index = index;
    if (waits != few)
        free(waits);
    return index >= 0 ? index : result;
}

int strata_rt_wait_fd(struct strata_rt *rt, int fd, uint32_t ready, strata_time deadline)
{
    int index = 0;
    while (index < rt->net_count && !rt->nets[index].ops->adopt)
        index++;
    if (index == rt->net_count)
        return -ENOTSUP;
    struct rt_net *net = &rt->nets[index];
    struct strata_conn *conn;
    void *self;
    int result = net->ops->adopt(net->self, fd, &self);
    if (result >= 0)
        result = conn_new(rt, net, STRATA_STREAM, self, &conn);
    if (result < 0)
        return result;
    result = strata_rt_wait_any(rt, &conn, &ready, 1, deadline);
    if (result >= 0)
        result = conn_readiness(conn);
    conn_end(conn, false);
    return result;
}

void conn_end(struct strata_conn *conn, bool abort)
{
    LIST_FOR_EACH_SAFE (link, &conn->waitable.waits) {
        struct wait *wait = CONTAINER_OF(link, struct wait, link);
        list_remove(link);
        wait->result = -EBADF;
        fiber_wake(wait->fiber, -EBADF);
    }
    conn->net->ops->close(conn->net->self, conn->self, abort);
    list_remove(&conn->link);
    view_free(conn);
    free(conn);
}

void strata_rt_close(struct strata_conn *conn)
{
    if (conn)
        conn_end(conn, false);
}

void strata_rt_abort(struct strata_conn *conn)
{
    if (conn)
        conn_end(conn, true);
}
