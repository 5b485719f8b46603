/*
 * The echo server of the textbook: blocking calls, a fiber for each connection.
 */
#include <strata/rt.h>

#include <stdlib.h>

static void serve(void *argument)
{
    struct strata_conn *conn = argument;
    char bytes[4096];
    int64_t length;
    while ((length = strata_rt_read(conn, bytes, sizeof bytes, STRATA_NEVER)) > 0)
        if (strata_rt_write(conn, bytes, (size_t)length, STRATA_NEVER) < 0)
            break;
    strata_rt_close(conn);
}

static int echo_fiber_server(struct strata_rt *rt, int argc, char **argv)
{
    struct strata_endpoint local = {.port = (uint16_t)(argc > 1 ? atoi(argv[1]) : 7)};
    struct strata_conn *listener, *conn;
    int error = strata_rt_listen(rt, &local, 0, &listener);
    if (error < 0) {
        strata_rt_print(rt, "cannot listen on port %d: error %d\n", local.port, -error);
        return 1;
    }
    while (strata_rt_accept(listener, STRATA_NEVER, &conn, NULL) == 0)
        if (strata_rt_spawn(rt, "serve", serve, conn, NULL) < 0)
            strata_rt_close(conn);
    strata_rt_close(listener);
    return 0;
}

STRATA_PROGRAM("echo-fiber-server", echo_fiber_server, "[PORT]: gives back what comes, a fiber each")
