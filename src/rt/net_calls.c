/*
 * The net calls of programs: each is one of the net's calls, repeated after a wait for as long as it says
 * -EAGAIN.
 */
#include "rt/runtime.h"

#include <errno.h>
#include <string.h>

static struct rt_net *net_at(struct strata_rt *rt, int index)
{
    return index >= 0 && index < rt->net_count ? &rt->nets[index] : NULL;
}

int strata_rt_open(struct strata_rt *rt, int net_index, enum strata_socket_type type,
                   struct strata_conn **conn)
{
    struct rt_net *net = net_at(rt, net_index);
    if (!net)
        return -ENODEV;
    void *self;
    int error = net->ops->open(net->self, type, &self);
    return error < 0 ? error : conn_new(rt, net, type, self, conn);
}

int strata_rt_bind(struct strata_conn *conn, const struct strata_endpoint *local)
{
    return conn->net->ops->bind(conn->net->self, conn->self, local);
}

/* ---- Streams ------------------------------------------------------------------------------------- */

int strata_rt_listen_on(struct strata_rt *rt, int net, const struct strata_endpoint *local, int backlog,
                        struct strata_conn **listener)
{
    struct strata_conn *conn;
    int error = strata_rt_open(rt, net, STRATA_STREAM, &conn);
    if (error < 0)
        return error;
    /* A server that is started again finds connections of its former life in TIME-WAIT. */
    error = strata_rt_set_option(conn, STRATA_OPTION_REUSE_ADDRESS, 1);
    if (error >= 0)
        error = strata_rt_bind(conn, local);
    if (error >= 0)
        error = conn->net->ops->listen(conn->net->self, conn->self, backlog);
    if (error < 0) {
        strata_rt_close(conn);
        return error;
    }
    *listener = conn;
    return 0;
}

int strata_rt_listen(struct strata_rt *rt, const struct strata_endpoint *local, int backlog,
                     struct strata_conn **listener)
{
    return strata_rt_listen_on(rt, 0, local, backlog, listener);
}

int strata_rt_accept(struct strata_conn *listener, strata_time deadline, struct strata_conn **stream,
                     struct strata_endpoint *peer)
{
    void *self;
    int error = fiber_turn(listener->rt);
    if (error >= 0)
        error = (int)CONN_TRY(listener, STRATA_READABLE, deadline, accept, &self, peer);
    return error < 0 ? error : conn_new(listener->rt, listener->net, STRATA_STREAM, self, stream);
}

int strata_rt_connect(struct strata_conn *conn, const struct strata_endpoint *peer, strata_time deadline)
{
    const struct strata_net_ops *ops = conn->net->ops;
    int error = fiber_turn(conn->rt);
    if (error >= 0)
        error = ops->connect(conn->net->self, conn->self, peer);
    if (error != -EINPROGRESS)
        return error;
    for (;;) {
        int ready = ops->readiness(conn->net->self, conn->self);
        if (ready < 0)
            return ready;
        if (ready & (STRATA_WRITABLE | STRATA_HANGUP | STRATA_ERROR))
            return ops->error(conn->net->self, conn->self);
        error = conn_wait(conn, STRATA_WRITABLE, deadline);
        if (error < 0)
            return error;
    }
}

int strata_rt_dial_on(struct strata_rt *rt, int net, const struct strata_endpoint *peer, strata_time deadline,
                      struct strata_conn **stream)
{
    struct strata_conn *conn;
    int error = strata_rt_open(rt, net, STRATA_STREAM, &conn);
    if (error < 0)
        return error;
    error = strata_rt_connect(conn, peer, deadline);
    if (error < 0) {
        strata_rt_abort(conn);
        return error;
    }
    *stream = conn;
    return 0;
}

int strata_rt_dial(struct strata_rt *rt, const struct strata_endpoint *peer, strata_time deadline,
                   struct strata_conn **stream)
{
    return strata_rt_dial_on(rt, 0, peer, deadline, stream);
}

int64_t strata_rt_read(struct strata_conn *conn, void *data, size_t size, strata_time deadline)
{
    int error = fiber_turn(conn->rt);
    if (error < 0)
        return error;
    if (view_unread(conn) > 0)
        return (int64_t)view_take(conn, data, size);
    return CONN_TRY(conn, STRATA_READABLE, deadline, read, data, size);
}

int64_t strata_rt_read_full(struct strata_conn *conn, void *data, size_t size, strata_time deadline)
{
    size_t done = 0;
    while (done < size) {
        int64_t length = strata_rt_read(conn, (uint8_t *)data + done, size - done, deadline);
        if (length < 0)
            return length;
        if (length == 0)
            break;
        done += (size_t)length;
    }
    return (int64_t)done;
}

int64_t strata_rt_write(struct strata_conn *conn, const void *data, size_t size, strata_time deadline)
{
    int error = fiber_turn(conn->rt);
    if (error >= 0)
        error = view_flush(conn, deadline);
    if (error < 0)
        return error;
    size_t done = 0;
    while (done < size) {
        int64_t length =
            CONN_TRY(conn, STRATA_WRITABLE, deadline, write, (const uint8_t *)data + done, size - done);
        if (length < 0)
            return length;
        done += (size_t)length;
    }
    return (int64_t)done;
}

int64_t strata_rt_write_record(struct strata_conn *conn, const void *data, size_t size, strata_time deadline)
{
    if (!conn->net->ops->write_record)
        return strata_rt_write(conn, data, size, deadline);
    int error = fiber_turn(conn->rt);
    if (error >= 0)
        error = view_flush(conn, deadline);
    if (error < 0)
        return error;
    size_t done = 0;
    while (done < size) { // where it does not fit at once, its pieces are records
        int64_t length = CONN_TRY(conn, STRATA_WRITABLE, deadline, write_record, (const uint8_t *)data + done,
                                  size - done);
        if (length < 0)
            return length;
        done += (size_t)length;
    }
    return (int64_t)done;
}

int64_t strata_rt_write_some(struct strata_conn *conn, const void *data, size_t size, strata_time deadline)
{
    int error = fiber_turn(conn->rt);
    if (error >= 0)
        error = view_flush(conn, deadline);
    return error < 0 ? error : CONN_TRY(conn, STRATA_WRITABLE, deadline, write, data, size);
}

int strata_rt_shutdown(struct strata_conn *conn, enum strata_shutdown how)
{
    return conn->net->ops->shutdown(conn->net->self, conn->self, how);
}

/* ---- Datagrams ----------------------------------------------------------------------------------- */

int strata_rt_datagram_on(struct strata_rt *rt, int net, const struct strata_endpoint *local,
                          struct strata_conn **conn)
{
    static const struct strata_endpoint any;
    struct strata_conn *made;
    int error = strata_rt_open(rt, net, STRATA_DATAGRAM, &made);
    if (error < 0)
        return error;
    error = strata_rt_bind(made, local ? local : &any);
    if (error < 0) {
        strata_rt_close(made);
        return error;
    }
    *conn = made;
    return 0;
}

int strata_rt_datagram(struct strata_rt *rt, const struct strata_endpoint *local, struct strata_conn **conn)
{
    return strata_rt_datagram_on(rt, 0, local, conn);
}

int64_t strata_rt_send(struct strata_conn *conn, const void *data, size_t size,
                       const struct strata_envelope *envelope, strata_time deadline)
{
    int error = fiber_turn(conn->rt);
    return error < 0 ? error : CONN_TRY(conn, STRATA_WRITABLE, deadline, send, data, size, envelope);
}

int64_t strata_rt_receive(struct strata_conn *conn, void *data, size_t size, struct strata_envelope *envelope,
                          strata_time deadline)
{
    int error = fiber_turn(conn->rt);
    return error < 0 ? error : CONN_TRY(conn, STRATA_READABLE, deadline, receive, data, size, envelope);
}

int64_t strata_rt_receive_error(struct strata_conn *conn, void *data, size_t size,
                                struct strata_envelope *envelope, strata_time deadline)
{
    int error = fiber_turn(conn->rt);
    return error < 0 ? error : CONN_TRY(conn, STRATA_ERROR, deadline, receive_error, data, size, envelope);
}

int64_t strata_rt_send_to(struct strata_conn *conn, const void *data, size_t size,
                          const struct strata_endpoint *peer, strata_time deadline)
{
    struct strata_envelope envelope = {.size = sizeof envelope};
    if (peer)
        envelope.peer = *peer;
    return strata_rt_send(conn, data, size, &envelope, deadline);
}

int64_t strata_rt_receive_from(struct strata_conn *conn, void *data, size_t size,
                               struct strata_endpoint *peer, strata_time deadline)
{
    struct strata_envelope envelope = {.size = sizeof envelope};
    int64_t length = strata_rt_receive(conn, data, size, &envelope, deadline);
    if (length >= 0 && peer)
        *peer = envelope.peer;
    return length;
}

/* ---- What does not wait -------------------------------------------------------------------------- */

int strata_rt_set_option(struct strata_conn *conn, enum strata_option option, int64_t value)
{
    return conn->net->ops->set_option(conn->net->self, conn->self, option, value);
}

int strata_rt_get_option(struct strata_conn *conn, enum strata_option option, int64_t *value)
{
    return conn->net->ops->get_option(conn->net->self, conn->self, option, value);
}

int strata_rt_local(struct strata_conn *conn, struct strata_endpoint *local)
{
    return conn->net->ops->local(conn->net->self, conn->self, local);
}

int strata_rt_peer(struct strata_conn *conn, struct strata_endpoint *peer)
{
    return conn->net->ops->peer(conn->net->self, conn->self, peer);
}

int strata_rt_member(struct strata_conn *conn, const struct strata_address *group, int port, bool join)
{
    return conn->net->ops->member(conn->net->self, conn->self, group, port, join);
}
