/* The echo client of the textbook, event driven: sends bytes and takes them back at the same time. */
#include <strata/rt.h>

#include <errno.h>
#include <stdlib.h>

static int echo_event_client(struct strata_rt *rt, int argc, char **argv)
{
    struct strata_endpoint server;
    struct strata_conn *conn = NULL;
    unsigned char bytes[4096];
    if (argc < 2 || strata_endpoint_parse(argv[1], &server) < 0) {
        strata_rt_print(rt, "usage: echo-event-client ADDRESS:PORT [BYTES]\n");
        return 2;
    }
    int64_t total = argc > 2 ? atoll(argv[2]) : 100000, sent = 0, received = 0, wrong = 0, length = 0;
    strata_time deadline = strata_rt_now(rt) + 60 * STRATA_SECOND;
    int event = strata_rt_dial(rt, &server, deadline, &conn);
    while (event >= 0 && received < total) {
        uint32_t wanted = STRATA_READABLE | (sent < total ? STRATA_WRITABLE : 0u);
        event = strata_rt_wait_any(rt, &conn, &wanted, 1, deadline);
        for (int i = 0; i < (int)sizeof bytes; i++)
            bytes[i] = (unsigned char)((sent + i) % 251);
        size_t rest = total - sent < (int64_t)sizeof bytes ? (size_t)(total - sent) : sizeof bytes;
        if (event >= 0 && rest > 0 && (length = strata_rt_write_some(conn, bytes, rest, 0)) > 0)
            sent += length;
        if (event >= 0 && (length = strata_rt_read(conn, bytes, sizeof bytes, 0)) <= 0)
            event = length == -ETIMEDOUT ? 0 : length == 0 ? -EPIPE : (int)length;
        for (int i = 0; event >= 0 && i < length; i++)
            wrong += bytes[i] != received++ % 251;
    }
    strata_rt_close(conn);
    strata_rt_print(rt, "%lld of %lld bytes came back, %lld of them wrong\n", (long long)received,
                    (long long)total, (long long)wrong);
    return received == total && wrong == 0 ? 0 : 1;
}
STRATA_PROGRAM("echo-event-client", echo_event_client, "ADDRESS:PORT [BYTES]: sends, checks what comes back")
