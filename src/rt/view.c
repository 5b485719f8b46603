/*
 * Views of a stream's bytes. A net that has rings lends pieces of them; for one that has none (the kernel)
 * the runtime keeps a copy each way: what was read and not consumed, what was committed and not written.
 */
#include "rt/runtime.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/** Bytes lent at once where a copy is needed. */
#define COPY_READ_BYTES ((size_t)32 * 1024)
#define COPY_WRITE_MAX_BYTES ((size_t)256 * 1024)

/** Bytes from `begin` to `end` are there. */
struct copy {
    size_t capacity, begin, end;
    strata_time deadline; /**< Of the last strata_rt_space: holds for the commit, too. */
    uint8_t bytes[];
};

static struct copy *copy_reserve(struct copy **copy, size_t capacity)
{
    if (*copy && (*copy)->capacity >= capacity)
        return *copy;
    struct copy *made = malloc(sizeof *made + capacity);
    if (!made)
        return NULL;
    *made = (struct copy){.capacity = capacity};
    free(*copy);
    *copy = made;
    return made;
}

size_t view_unread(const struct strata_conn *conn)
{
    return conn->in ? conn->in->end - conn->in->begin : 0;
}

size_t view_take(struct strata_conn *conn, void *data, size_t size)
{
    size_t length = view_unread(conn) < size ? view_unread(conn) : size;
    memcpy(data, conn->in->bytes + conn->in->begin, length);
    conn->in->begin += length;
    return length;
}

int view_flush(struct strata_conn *conn, strata_time deadline)
{
    while (conn->out && conn->out->begin < conn->out->end) {
        struct copy *out = conn->out;
        int64_t length =
            CONN_TRY(conn, STRATA_WRITABLE, deadline, write, out->bytes + out->begin, out->end - out->begin);
        if (length < 0)
            return (int)length;
        out->begin += (size_t)length;
    }
    return 0;
}

void view_free(struct strata_conn *conn)
{
    free(conn->in);
    free(conn->out);
}

int strata_rt_data(struct strata_conn *conn, struct strata_iovec *pieces, int count, strata_time deadline)
{
    int error = fiber_turn(conn->rt);
    if (error < 0)
        return error;
    if (count < 1)
        return -EINVAL;
    if (conn->net->ops->data)
        return (int)CONN_TRY(conn, STRATA_READABLE, deadline, data, pieces, count);
    if (view_unread(conn) == 0) {
        struct copy *in = copy_reserve(&conn->in, COPY_READ_BYTES);
        if (!in)
            return -ENOMEM;
        int64_t length = CONN_TRY(conn, STRATA_READABLE, deadline, read, in->bytes, in->capacity);
        if (length <= 0)
            return (int)length;
        in->begin = 0;
        in->end = (size_t)length;
    }
    pieces[0].base = conn->in->bytes + conn->in->begin;
    pieces[0].length = view_unread(conn);
    return 1;
}

int strata_rt_consume(struct strata_conn *conn, size_t bytes)
{
    if (conn->net->ops->consume)
        return conn->net->ops->consume(conn->net->self, conn->self, bytes);
    if (bytes > view_unread(conn))
        return -EINVAL;
    if (bytes > 0)
        conn->in->begin += bytes;
    return 0;
}

int strata_rt_space(struct strata_conn *conn, size_t size, struct strata_iovec *pieces, int count,
                    strata_time deadline)
{
    int error = fiber_turn(conn->rt);
    if (error < 0)
        return error;
    if (count < 1 || size == 0)
        return -EINVAL;
    if (conn->net->ops->space)
        return (int)CONN_TRY(conn, STRATA_WRITABLE, deadline, space, size, pieces, count);
    error = view_flush(conn, deadline);
    if (error < 0)
        return error;
    if (size > COPY_WRITE_MAX_BYTES)
        size = COPY_WRITE_MAX_BYTES;
    struct copy *out = copy_reserve(&conn->out, size);
    if (!out)
        return -ENOMEM;
    out->begin = out->end = 0;
    out->deadline = deadline;
    pieces[0].base = out->bytes;
    pieces[0].length = size;
    return 1;
}

int strata_rt_commit(struct strata_conn *conn, size_t bytes)
{
    if (conn->net->ops->commit)
        return conn->net->ops->commit(conn->net->self, conn->self, bytes);
    struct copy *out = conn->out;
    if (!out || out->begin < out->end || bytes > out->capacity)
        return -EINVAL;
    out->begin = 0;
    out->end = bytes;
    return view_flush(conn, out->deadline);
}
