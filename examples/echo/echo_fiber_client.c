/*
 * The echo client of the textbook: sends each word as a line, waits for it to come back, and checks it.
 */
#include <strata/rt.h>

#include <stdio.h>
#include <string.h>

static int echo_fiber_client(struct strata_rt *rt, int argc, char **argv)
{
    struct strata_endpoint server;
    struct strata_conn *conn;
    char line[256], answer[256];
    if (argc < 3 || strata_endpoint_parse(argv[1], &server) < 0) {
        strata_rt_print(rt, "usage: echo-fiber-client ADDRESS:PORT WORD...\n");
        return 2;
    }
    strata_time deadline = strata_rt_now(rt) + 30 * STRATA_SECOND;
    int error = strata_rt_dial(rt, &server, deadline, &conn);
    if (error < 0) {
        strata_rt_print(rt, "cannot connect to %s: error %d\n", argv[1], -error);
        return 1;
    }
    bool same = true;
    for (int i = 2; i < argc && same; i++) {
        size_t length = (size_t)snprintf(line, sizeof line, "%.250s\n", argv[i]);
        same = strata_rt_write(conn, line, length, deadline) == (int64_t)length &&
               strata_rt_read_full(conn, answer, length, deadline) == (int64_t)length &&
               memcmp(line, answer, length) == 0;
        strata_rt_print(rt, "%s: %s\n", argv[i], same ? "came back" : "is lost");
    }
    strata_rt_close(conn);
    return same ? 0 : 1;
}

STRATA_PROGRAM("echo-fiber-client", echo_fiber_client, "ADDRESS:PORT WORD...: sends, checks what comes back")
