/* The echo server of the textbook, event driven: one loop takes what is ready next, no call in it waits. */
#include <strata/rt.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Gives back what it can now; the rest stays in the stream. Returns what to wait for next, 0 at the end. */
static uint32_t serve(struct strata_conn *conn)
{
    struct strata_iovec piece;
    char bytes[4096];
    int64_t length = strata_rt_data(conn, &piece, 1, 0);
    if (length <= 0)
        return length == -ETIMEDOUT ? STRATA_READABLE : 0;
    size_t size = piece.length < sizeof bytes ? piece.length : sizeof bytes;
    length = strata_rt_write_some(conn, memcpy(bytes, piece.base, size), size, 0);
    strata_rt_consume(conn, length > 0 ? (size_t)length : 0);
    return length > 0 ? STRATA_READABLE : length == -ETIMEDOUT ? STRATA_WRITABLE : 0;
}

static int echo_event_server(struct strata_rt *rt, int argc, char **argv)
{
    struct strata_endpoint local = {.port = (uint16_t)(argc > 1 ? atoi(argv[1]) : 7)};
    struct strata_conn *conns[64]; /* the first one listens */
    uint32_t wanted[64] = {STRATA_READABLE};
    int count = 1, i = strata_rt_listen(rt, &local, 0, &conns[0]);
    while (i >= 0 && (i = strata_rt_wait_any(rt, conns, wanted, count, STRATA_NEVER)) >= 0) {
        if (i == 0 && strata_rt_accept(conns[0], 0, &conns[count], NULL) == 0) {
            wanted[count++] = STRATA_READABLE;
        } else if (i > 0 && !(wanted[i] = serve(conns[i]))) {
            strata_rt_close(conns[i]);
            conns[i] = conns[--count], wanted[i] = wanted[count];
        }
        wanted[0] = count < 64 ? STRATA_READABLE : 0;
    }
    return i == -ECANCELED ? 0 : 1;
}
STRATA_PROGRAM("echo-event-server", echo_event_server, "[PORT]: gives back what comes, all in one loop")
