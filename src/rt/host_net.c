/*
 * A net on the sockets of a Strata host.
 *
 * Each of its sockets has a slot; the slot's number is the socket's user pointer, so that events find their
 * way back without trusting a pointer that somebody else may have set. Events say what became ready since
 * they were last asked for, which suffices because every call is tried before it is waited for.
 */
#include <strata/rt.h>

#include <errno.h>
#include <stdlib.h>

/** One socket of the net. */
struct host_conn {
    struct strata_host_net *net;
    strata_socket socket;
    size_t slot;
    uint32_t armed;
    void *token;
};

struct strata_host_net {
    struct strata_host *host;
    const struct strata_clock_ops *clock;
    void *clock_self;
    struct host_conn **slots; /**< NULL where free. */
    size_t slot_count;
    size_t *free_slots; /**< A stack of their numbers. */
    size_t free_count;
};

int strata_host_net_new(struct strata_host_net **net, struct strata_host *host,
                        const struct strata_clock_ops *clock, void *clock_self)
{
    struct strata_host_net *made = calloc(1, sizeof *made);
    if (!made)
        return -ENOMEM;
    made->host = host;
    made->clock = clock;
    made->clock_self = clock_self;
    *net = made;
    return 0;
}

void strata_host_net_free(struct strata_host_net *net)
{
    if (!net)
        return;
    free(net->slots);
    free(net->free_slots);
    free(net);
}

struct strata_host *strata_host_net_host(struct strata_host_net *net)
{
    return net->host;
}

int strata_host_net_events(struct strata_host_net *net, struct strata_rt *rt)
{
    struct strata_event event;
    int count = 0;
    for (; strata_event_next(net->host, &event) > 0; count++) {
        uintptr_t slot = (uintptr_t)event.user - 1;
        struct host_conn *conn = slot < net->slot_count ? net->slots[slot] : NULL;
        if (!conn || conn->socket != event.socket || !conn->token)
            continue;
        if (!(event.ready & (conn->armed | STRATA_HANGUP | STRATA_ERROR)))
            continue;
        void *token = conn->token;
        conn->token = NULL;
        strata_rt_wake(rt, token);
    }
    return count;
}

/* ---- Slots --------------------------------------------------------------------------------------- */

static int slots_grow(struct strata_host_net *net)
{
    size_t count = net->slot_count ? net->slot_count * 2 : 16;
    struct host_conn **slots = realloc(net->slots, count * sizeof(struct host_conn *));
    if (!slots)
        return -ENOMEM;
    net->slots = slots;
    size_t *free_slots = realloc(net->free_slots, count * sizeof *free_slots);
    if (!free_slots)
        return -ENOMEM;
    net->free_slots = free_slots;
    for (size_t slot = count; slot-- > net->slot_count;) {
        slots[slot] = NULL;
        free_slots[net->free_count++] = slot;
    }
    net->slot_count = count;
    return 0;
}

/** Makes the conn of a socket, or closes the socket. */
static int conn_of(struct strata_host_net *net, strata_socket socket, void **made)
{
    struct host_conn *conn = malloc(sizeof *conn);
    if (!conn || (net->free_count == 0 && slots_grow(net) < 0)) {
        free(conn);
        strata_abort(net->host, socket, net->clock->now(net->clock_self));
        return -ENOMEM;
    }
    size_t slot = net->free_slots[--net->free_count];
    *conn = (struct host_conn){.net = net, .socket = socket, .slot = slot};
    net->slots[slot] = conn;
    strata_set_user(net->host, socket, (void *)(uintptr_t)(slot + 1));
    *made = conn;
    return 0;
}

/* ---- The table ----------------------------------------------------------------------------------- */

static struct strata_host *host_of(void *net)
{
    return ((struct strata_host_net *)net)->host;
}

static strata_socket socket_of(void *conn)
{
    return ((struct host_conn *)conn)->socket;
}

static strata_time now_of(void *net)
{
    struct strata_host_net *self = net;
    return self->clock->now(self->clock_self);
}

static int net_open(void *net, enum strata_socket_type type, void **conn)
{
    strata_socket socket = strata_open(host_of(net), type);
    return socket < 0 ? (int)socket : conn_of(net, socket, conn);
}

static int net_bind(void *net, void *conn, const struct strata_endpoint *local)
{
    return strata_bind(host_of(net), socket_of(conn), local);
}

static int net_listen(void *net, void *conn, int backlog)
{
    return strata_listen(host_of(net), socket_of(conn), backlog, now_of(net));
}

static int net_accept(void *net, void *conn, void **accepted, struct strata_endpoint *peer)
{
    strata_socket socket = strata_accept(host_of(net), socket_of(conn), peer, now_of(net));
    return socket < 0 ? (int)socket : conn_of(net, socket, accepted);
}

static int net_connect(void *net, void *conn, const struct strata_endpoint *peer)
{
    return strata_connect(host_of(net), socket_of(conn), peer, now_of(net));
}

static int64_t net_read(void *net, void *conn, void *data, size_t size)
{
    return strata_read(host_of(net), socket_of(conn), data, size, now_of(net));
}

static int64_t net_write(void *net, void *conn, const void *data, size_t size)
{
    int64_t taken = strata_write(host_of(net), socket_of(conn), data, size, now_of(net));
    return taken == 0 && size > 0 ? -EAGAIN : taken;
}

static int64_t net_write_record(void *net, void *conn, const void *data, size_t size)
{
    int64_t taken = strata_write_record(host_of(net), socket_of(conn), data, size, now_of(net));
    return taken == 0 && size > 0 ? -EAGAIN : taken;
}

static int64_t net_send(void *net, void *conn, const void *data, size_t size,
                        const struct strata_envelope *envelope)
{
    return strata_send(host_of(net), socket_of(conn), data, size, envelope, now_of(net));
}

static int64_t net_receive(void *net, void *conn, void *data, size_t size, struct strata_envelope *envelope)
{
    return strata_receive(host_of(net), socket_of(conn), data, size, envelope, now_of(net));
}

static int64_t net_receive_error(void *net, void *conn, void *data, size_t size,
                                 struct strata_envelope *envelope)
{
    return strata_receive_error(host_of(net), socket_of(conn), data, size, envelope);
}

static int net_shutdown(void *net, void *conn, enum strata_shutdown how)
{
    return strata_shutdown(host_of(net), socket_of(conn), how, now_of(net));
}

static int net_set_option(void *net, void *conn, enum strata_option option, int64_t value)
{
    return strata_set_option(host_of(net), socket_of(conn), option, value, now_of(net));
}

static int net_get_option(void *net, void *conn, enum strata_option option, int64_t *value)
{
    return strata_get_option(host_of(net), socket_of(conn), option, value);
}

static int net_local(void *net, void *conn, struct strata_endpoint *local)
{
    return strata_local(host_of(net), socket_of(conn), local);
}

static int net_peer(void *net, void *conn, struct strata_endpoint *peer)
{
    return strata_peer(host_of(net), socket_of(conn), peer);
}

static int net_readiness(void *net, void *conn)
{
    return strata_readiness(host_of(net), socket_of(conn));
}

static int net_arm(void *net, void *self, uint32_t ready, void *token)
{
    struct host_conn *conn = self;
    (void)net;
    conn->armed = ready;
    conn->token = token;
    return 0;
}

static int net_error(void *net, void *conn)
{
    int error = strata_take_error(host_of(net), socket_of(conn));
    return error > 0 ? -error : error;
}

static int net_member(void *net, void *conn, const struct strata_address *group, int port, bool join)
{
    return join ? strata_join(host_of(net), socket_of(conn), group, port, now_of(net))
                : strata_leave(host_of(net), socket_of(conn), group, port, now_of(net));
}

static void net_close(void *net, void *self, bool abort)
{
    struct host_conn *conn = self;
    if (abort)
        strata_abort(host_of(net), conn->socket, now_of(net));
    else
        strata_close(host_of(net), conn->socket, now_of(net));
    conn->net->slots[conn->slot] = NULL;
    conn->net->free_slots[conn->net->free_count++] = conn->slot;
    free(conn);
}

static int net_data(void *net, void *conn, struct strata_iovec *pieces, int count)
{
    int filled = strata_data(host_of(net), socket_of(conn), pieces, count);
    if (filled != 0)
        return filled;
    int ready = strata_readiness(host_of(net), socket_of(conn));
    return ready < 0 ? ready : ready & (STRATA_READABLE | STRATA_PEER_CLOSED | STRATA_HANGUP) ? 0 : -EAGAIN;
}

static int net_consume(void *net, void *conn, size_t bytes)
{
    return strata_consume(host_of(net), socket_of(conn), bytes, now_of(net));
}

static int net_space(void *net, void *conn, size_t size, struct strata_iovec *pieces, int count)
{
    int filled = strata_space(host_of(net), socket_of(conn), size, pieces, count);
    return filled == 0 ? -EAGAIN : filled;
}

static int net_commit(void *net, void *conn, size_t bytes)
{
    return strata_commit(host_of(net), socket_of(conn), bytes, now_of(net));
}

const struct strata_net_ops *strata_host_net_ops(void)
{
    static const struct strata_net_ops ops = {
        .name = "host",
        .open = net_open,
        .bind = net_bind,
        .listen = net_listen,
        .accept = net_accept,
        .connect = net_connect,
        .read = net_read,
        .write = net_write,
        .write_record = net_write_record,
        .send = net_send,
        .receive = net_receive,
        .receive_error = net_receive_error,
        .shutdown = net_shutdown,
        .set_option = net_set_option,
        .get_option = net_get_option,
        .local = net_local,
        .peer = net_peer,
        .readiness = net_readiness,
        .arm = net_arm,
        .error = net_error,
        .member = net_member,
        .host = host_of,
        .close = net_close,
        .data = net_data,
        .consume = net_consume,
        .space = net_space,
        .commit = net_commit,
    };
    return &ops;
}
