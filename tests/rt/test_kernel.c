/*
 * The kernel's world over the loopback: streams, datagrams with envelopes, errors, waiting for many things,
 * cancelling. Ports are chosen by the kernel; deadlines are only there so that a broken test ends.
 *
 * ctest: label os
 */
#include "tests/test.h"

#include <strata/rt.h>

#include <errno.h>
#include <unistd.h>

/** Long enough for any machine. */
#define PATIENCE (60 * STRATA_SECOND)

static strata_time patience(struct strata_rt *rt)
{
    return strata_rt_now(rt) + PATIENCE;
}

static const struct strata_endpoint any_address;
static const struct strata_endpoint loopback4 = {
    .address = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1}}};
static const struct strata_endpoint loopback6 = {
    .address = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}}};

/** Whether the machine has ::1. */
static bool has_ipv6(struct strata_rt *rt)
{
    struct strata_conn *conn;
    int error = strata_rt_datagram(rt, &loopback6, &conn);
    if (error == 0)
        strata_rt_close(conn);
    return error == 0;
}

/** The loopback address of a family with the port that a conn is bound to. */
static struct strata_endpoint reach(const struct strata_endpoint *loopback, struct strata_conn *conn)
{
    struct strata_endpoint local, endpoint = *loopback;
    REQUIRE(strata_rt_local(conn, &local) == 0);
    CHECK(local.port != 0);
    endpoint.port = local.port;
    return endpoint;
}

/** Runs a program in the kernel's world; it says 7 when it came to its end. */
static void run(strata_program program)
{
    char name[] = "program";
    char *argv[] = {name, NULL};
    CHECK_EQ(strata_rt_main(program, 1, argv), 7);
}

/* ---- Streams ------------------------------------------------------------------------------------- */

/** An echo server and whom it serves. */
struct server {
    struct strata_rt *rt;
    struct strata_conn *listener;
    struct strata_fiber *fiber;
    int connections;
};

static void echo_one(void *argument)
{
    struct strata_conn *conn = argument;
    uint8_t buffer[4096];
    int64_t length;
    while ((length = strata_rt_read(conn, buffer, sizeof buffer, STRATA_NEVER)) > 0)
        if (strata_rt_write(conn, buffer, (size_t)length, STRATA_NEVER) < 0)
            break;
    strata_rt_close(conn);
}

static void echo_server(void *argument)
{
    struct server *server = argument;
    struct strata_conn *conn;
    while (strata_rt_accept(server->listener, STRATA_NEVER, &conn, NULL) == 0) {
        server->connections++;
        CHECK_EQ(strata_rt_spawn(server->rt, "echo", echo_one, conn, NULL), 0);
    }
    strata_rt_close(server->listener);
}

static void server_start(struct server *server, struct strata_rt *rt, const struct strata_endpoint *local)
{
    *server = (struct server){.rt = rt};
    REQUIRE(strata_rt_listen(rt, local, 0, &server->listener) == 0);
    REQUIRE(strata_rt_spawn(rt, "server", echo_server, server, &server->fiber) == 0);
}

static void server_stop(struct server *server)
{
    strata_rt_cancel(server->rt, server->fiber);
    CHECK_EQ(strata_rt_join(server->rt, patience(server->rt)), 0);
}

enum { BLOCKS = 100, BLOCK_BYTES = 10000 };

static void write_blocks(void *argument)
{
    struct strata_conn *conn = argument;
    uint64_t random = 1;
    uint8_t block[BLOCK_BYTES];
    for (int i = 0; i < BLOCKS; i++) {
        test_fill(&random, block, sizeof block);
        CHECK_EQ(strata_rt_write(conn, block, sizeof block, STRATA_NEVER), sizeof block);
    }
    CHECK_EQ(strata_rt_shutdown(conn, STRATA_SHUTDOWN_WRITE), 0);
}

/** A megabyte there and back at the same time, through buffers that are smaller. */
static void echo_blocks(struct strata_rt *rt, const struct strata_endpoint *server)
{
    struct strata_conn *conn;
    struct strata_endpoint peer;
    REQUIRE(strata_rt_dial(rt, server, patience(rt), &conn) == 0);
    CHECK_EQ(strata_rt_peer(conn, &peer), 0);
    CHECK_EQ(peer.port, server->port);
    CHECK_MEM(&peer.address, &server->address, 16);
    strata_rt_spawn(rt, "writer", write_blocks, conn, NULL);
    uint64_t random = 1;
    uint8_t expected[BLOCK_BYTES], found[BLOCK_BYTES];
    for (int i = 0; i < BLOCKS; i++) {
        test_fill(&random, expected, sizeof expected);
        CHECK_EQ(strata_rt_read_full(conn, found, sizeof found, patience(rt)), sizeof found);
        if (!CHECK_MEM(found, expected, sizeof found))
            break;
    }
    CHECK_EQ(strata_rt_read(conn, found, sizeof found, patience(rt)), 0);
    strata_rt_close(conn);
}

static int streams(struct strata_rt *rt, int argc, char **argv)
{
    struct server server;
    CHECK_EQ(argc, 1);
    CHECK_STR(argv[0], "program");
    server_start(&server, rt, &any_address); /* of both families */
    struct strata_endpoint endpoint = reach(&loopback4, server.listener);
    echo_blocks(rt, &endpoint);
    endpoint = reach(&loopback6, server.listener);
    if (has_ipv6(rt))
        echo_blocks(rt, &endpoint);
    CHECK(server.connections >= 1);
    server_stop(&server);
    CHECK(strata_rt_host(rt, 0) == NULL);
    return 7;
}

TEST(a_megabyte_goes_both_ways_over_either_family)
{
    run(streams);
}

static int stream_errors(struct strata_rt *rt, int argc, char **argv)
{
    struct strata_conn *listener, *conn, *accepted;
    struct strata_endpoint peer;
    uint8_t byte = 0;
    (void)argc;
    (void)argv;
    REQUIRE(strata_rt_listen(rt, &loopback4, 5, &listener) == 0);
    struct strata_endpoint endpoint = reach(&loopback4, listener);
    /* A deadline that has passed does not wait; one that passes while waiting ends the wait. */
    CHECK_EQ(strata_rt_accept(listener, 0, &accepted, NULL), -ETIMEDOUT);
    CHECK_EQ(strata_rt_accept(listener, strata_rt_now(rt) + STRATA_MILLISECOND, &accepted, NULL), -ETIMEDOUT);
    CHECK_EQ(strata_rt_dial(rt, &endpoint, patience(rt), &conn), 0);
    CHECK_EQ(strata_rt_accept(listener, patience(rt), &accepted, &peer), 0);
    CHECK_EQ(peer.port, reach(&loopback4, conn).port);
    CHECK_MEM(&peer.address, &loopback4.address, 16);
    CHECK_EQ(strata_rt_read(conn, &byte, 1, strata_rt_now(rt) + STRATA_MILLISECOND), -ETIMEDOUT);
    CHECK_EQ(strata_rt_read_full(conn, &byte, 1, 0), -ETIMEDOUT);
    strata_rt_abort(accepted);
    CHECK_EQ(strata_rt_read(conn, &byte, 1, patience(rt)), -ECONNRESET);
    CHECK_EQ(strata_rt_write(conn, &byte, 1, patience(rt)), -EPIPE);
    strata_rt_close(conn);
    strata_rt_close(listener);
    CHECK_EQ(strata_rt_dial(rt, &endpoint, patience(rt), &conn), -ECONNREFUSED);
    CHECK_EQ(strata_rt_open(rt, 1, STRATA_STREAM, &conn), -ENODEV);
    CHECK_EQ(strata_rt_open(rt, 0, (enum strata_socket_type)99, &conn), -EINVAL);
    strata_rt_close(NULL);
    return 7;
}

TEST(what_goes_wrong_with_streams_has_an_errno)
{
    run(stream_errors);
}

static int views(struct strata_rt *rt, int argc, char **argv)
{
    struct server server;
    struct strata_conn *conn;
    struct strata_iovec piece;
    char rest[8];
    (void)argc;
    (void)argv;
    server_start(&server, rt, &loopback4);
    struct strata_endpoint endpoint = reach(&loopback4, server.listener);
    REQUIRE(strata_rt_dial(rt, &endpoint, patience(rt), &conn) == 0);
    CHECK_EQ(strata_rt_space(conn, 10, &piece, 1, patience(rt)), 1);
    CHECK_EQ(piece.length, 10);
    memcpy(piece.base, "0123456789", 10);
    CHECK_EQ(strata_rt_commit(conn, 11), -EINVAL);
    CHECK_EQ(strata_rt_commit(conn, 6), 0);
    CHECK_EQ(strata_rt_write(conn, "abc", 3, patience(rt)), 3);
    CHECK_EQ(strata_rt_data(conn, &piece, 1, patience(rt)), 1);
    CHECK_MEM(piece.base, "0123", 4);
    CHECK_EQ(strata_rt_consume(conn, 4), 0);
    CHECK_EQ(strata_rt_data(conn, &piece, 1, patience(rt)), 1);
    CHECK_MEM(piece.base, "45", 2);
    CHECK_EQ(strata_rt_consume(conn, piece.length + 1), -EINVAL);
    /* Bytes that were lent and not consumed are readable, by any call. */
    struct strata_conn *const conns[] = {conn};
    const uint32_t ready[] = {STRATA_READABLE};
    CHECK_EQ(strata_rt_wait_any(rt, conns, ready, 1, 0), 0);
    CHECK_EQ(strata_rt_read_full(conn, rest, 5, patience(rt)), 5);
    CHECK_MEM(rest, "45abc", 5);
    strata_rt_shutdown(conn, STRATA_SHUTDOWN_WRITE);
    CHECK_EQ(strata_rt_data(conn, &piece, 1, patience(rt)), 0);
    strata_rt_close(conn);
    server_stop(&server);
    return 7;
}

TEST(views_are_copies_where_the_net_has_no_rings)
{
    run(views);
}

/* ---- Waiting ------------------------------------------------------------------------------------- */

/** A fiber that makes one call and keeps its result. */
struct waiter {
    struct strata_rt *rt;
    struct strata_conn *conn;
    int (*call)(struct waiter *waiter);
    int result;
};

static void waiter_run(void *argument)
{
    struct waiter *waiter = argument;
    waiter->result = waiter->call(waiter);
}

static int wait_accept(struct waiter *waiter)
{
    struct strata_conn *conn;
    return strata_rt_accept(waiter->conn, STRATA_NEVER, &conn, NULL);
}

static int wait_receive(struct waiter *waiter)
{
    char byte;
    return (int)strata_rt_receive_from(waiter->conn, &byte, 1, NULL, STRATA_NEVER);
}

static int wait_error(struct waiter *waiter)
{
    char byte;
    return (int)strata_rt_receive_error(waiter->conn, &byte, 1, NULL, STRATA_NEVER);
}

static int wait_any_of_it(struct waiter *waiter)
{
    uint32_t ready = STRATA_READABLE;
    return strata_rt_wait_any(waiter->rt, &waiter->conn, &ready, 1, STRATA_NEVER);
}

static int wait_sleep(struct waiter *waiter)
{
    return strata_rt_sleep(waiter->rt, STRATA_NEVER);
}

/** Starts one fiber for each kind of wait and lets them begin. */
static void start_waiters(struct strata_rt *rt, struct waiter waiters[5], struct strata_fiber *fibers[5])
{
    static int (*const calls[])(struct waiter *) = {wait_accept, wait_receive, wait_error, wait_any_of_it,
                                                    wait_sleep};
    for (int i = 0; i < 5; i++) {
        waiters[i] = (struct waiter){.rt = rt, .call = calls[i], .result = 1};
        if (i == 0)
            REQUIRE(strata_rt_listen(rt, &loopback4, 0, &waiters[i].conn) == 0);
        else if (i < 4)
            REQUIRE(strata_rt_datagram(rt, &loopback4, &waiters[i].conn) == 0);
        REQUIRE(strata_rt_spawn(rt, "waiter", waiter_run, &waiters[i], &fibers[i]) == 0);
    }
    strata_rt_yield(rt);
}

static int cancels(struct strata_rt *rt, int argc, char **argv)
{
    struct waiter waiters[5];
    struct strata_fiber *fibers[5];
    (void)argc;
    (void)argv;
    start_waiters(rt, waiters, fibers);
    for (int i = 0; i < 5; i++)
        strata_rt_cancel(rt, fibers[i]);
    CHECK_EQ(strata_rt_join(rt, patience(rt)), 0);
    for (int i = 0; i < 5; i++)
        CHECK_EQ(waiters[i].result, -ECANCELED);
    return 7; /* the conns stay open: the runtime closes them */
}

TEST(cancelling_ends_every_wait)
{
    run(cancels);
}

static int closes(struct strata_rt *rt, int argc, char **argv)
{
    struct waiter waiters[5];
    struct strata_fiber *fibers[5];
    (void)argc;
    (void)argv;
    start_waiters(rt, waiters, fibers);
    for (int i = 0; i < 4; i++)
        strata_rt_close(waiters[i].conn);
    strata_rt_cancel(rt, fibers[4]);
    CHECK_EQ(strata_rt_join(rt, patience(rt)), 0);
    for (int i = 0; i < 4; i++)
        CHECK_EQ(waiters[i].result, -EBADF);
    return 7;
}

TEST(closing_ends_the_waits_of_others)
{
    run(closes);
}

enum { MANY = 20 };

static int waits_for_any(struct strata_rt *rt, int argc, char **argv)
{
    struct strata_conn *conns[MANY], *sender;
    struct strata_endpoint endpoints[MANY];
    uint32_t ready[MANY];
    char byte;
    (void)argc;
    (void)argv;
    REQUIRE(strata_rt_datagram(rt, NULL, &sender) == 0);
    for (int i = 0; i < MANY; i++) {
        REQUIRE(strata_rt_datagram(rt, &loopback4, &conns[i]) == 0);
        endpoints[i] = reach(&loopback4, conns[i]);
        ready[i] = STRATA_READABLE;
    }
    CHECK_EQ(strata_rt_wait_any(rt, conns, ready, MANY, 0), -ETIMEDOUT);
    CHECK_EQ(strata_rt_wait_any(rt, conns, ready, 3, strata_rt_now(rt) + STRATA_MILLISECOND), -ETIMEDOUT);
    CHECK_EQ(strata_rt_send_to(sender, "x", 1, &endpoints[17], patience(rt)), 1);
    CHECK_EQ(strata_rt_wait_any(rt, conns, ready, MANY, patience(rt)), 17);
    CHECK_EQ(strata_rt_send_to(sender, "y", 1, &endpoints[4], patience(rt)), 1);
    CHECK_EQ(strata_rt_wait_any(rt, conns + 4, ready, 1, patience(rt)), 0);
    CHECK_EQ(strata_rt_wait_any(rt, conns, ready, MANY, patience(rt)), 4); /* of two in turns, after 0 */
    CHECK_EQ(strata_rt_wait_any(rt, conns, ready, MANY, patience(rt)), 17);
    CHECK_EQ(strata_rt_wait_any(rt, conns, ready, MANY, patience(rt)), 4);
    CHECK_EQ(strata_rt_receive_from(conns[4], &byte, 1, NULL, 0), 1);
    CHECK_EQ(byte, 'y');
    CHECK_EQ(strata_rt_wait_any(rt, conns, ready, MANY, patience(rt)), 17);
    ready[0] = STRATA_WRITABLE;
    CHECK_EQ(strata_rt_wait_any(rt, conns, ready, MANY, patience(rt)), 0);
    /* What was written in part says how much. */
    CHECK_EQ(strata_rt_write_some(sender, "z", 1, 0), -EDESTADDRREQ);
    return 7;
}

TEST(waiting_for_any_of_many)
{
    run(waits_for_any);
}

static int foreign(struct strata_rt *rt, int argc, char **argv)
{
    int ends[2];
    char byte;
    (void)argc;
    (void)argv;
    REQUIRE(pipe(ends) == 0);
    CHECK_EQ(strata_rt_wait_fd(rt, ends[0], STRATA_READABLE, 0), -ETIMEDOUT);
    CHECK_EQ(strata_rt_wait_fd(rt, ends[1], STRATA_WRITABLE, patience(rt)), STRATA_WRITABLE);
    CHECK_EQ(write(ends[1], "x", 1), 1);
    CHECK_EQ(strata_rt_wait_fd(rt, ends[0], STRATA_READABLE, patience(rt)), STRATA_READABLE);
    CHECK_EQ(read(ends[0], &byte, 1), 1); /* it was left open */
    close(ends[1]);
    CHECK_EQ(strata_rt_wait_fd(rt, ends[0], STRATA_READABLE, patience(rt)), STRATA_HANGUP);
    close(ends[0]);
    return 7;
}

TEST(foreign_descriptors_can_be_waited_for)
{
    run(foreign);
}

/* ---- Datagrams ----------------------------------------------------------------------------------- */

/** One datagram with all that an envelope can say, over one family. */
static void envelope_over(struct strata_rt *rt, const struct strata_endpoint *loopback,
                          const struct strata_endpoint *source)
{
    struct strata_conn *sender, *receiver;
    char text[16];
    REQUIRE(strata_rt_datagram(rt, NULL, &sender) == 0);
    REQUIRE(strata_rt_datagram(rt, NULL, &receiver) == 0);
    struct strata_envelope out = {
        .size = sizeof out, .peer = reach(loopback, receiver), .local = *source, .ttl = 7, .tos = 0x28};
    CHECK_EQ(strata_rt_send(sender, "hello", 5, &out, patience(rt)), 5);
    struct strata_envelope in = {.size = sizeof in};
    CHECK_EQ(strata_rt_receive(receiver, text, sizeof text, &in, patience(rt)), 5);
    CHECK_MEM(text, "hello", 5);
    CHECK_MEM(&in.peer.address, &source->address, 16);
    CHECK_EQ(in.peer.port, reach(loopback, sender).port);
    CHECK_MEM(&in.local.address, &loopback->address, 16);
    CHECK_EQ(in.local.port, out.peer.port);
    CHECK(in.port > 0);
    CHECK_EQ(in.ttl, 7);
    CHECK_EQ(in.tos, 0x28);
    CHECK(!in.truncated);
    /* Back by the port and address it came to and by, shortened at the other end. */
    struct strata_envelope back = {.size = sizeof back, .peer = in.peer, .local = in.local, .port = in.port};
    CHECK_EQ(strata_rt_send(receiver, "a longer answer", 15, &back, patience(rt)), 15);
    CHECK_EQ(strata_rt_receive(sender, text, 3, &in, patience(rt)), 3);
    CHECK_MEM(text, "a l", 3);
    CHECK(in.truncated);
    CHECK_MEM(&in.peer.address, &loopback->address, 16);
    /* Only a port and no address to leave by; and an empty datagram. */
    struct strata_envelope leave = {.size = sizeof leave, .peer = in.peer, .port = in.port};
    CHECK_EQ(strata_rt_send(sender, NULL, 0, &leave, patience(rt)), 0);
    CHECK_EQ(strata_rt_receive(receiver, text, 3, &in, patience(rt)), 0);
    strata_rt_close(sender);
    strata_rt_close(receiver);
}

static int envelopes(struct strata_rt *rt, int argc, char **argv)
{
    struct strata_endpoint source = {.address = strata_ipv4(127, 0, 0, 9)};
    (void)argc;
    (void)argv;
    envelope_over(rt, &loopback4, &source);
    if (has_ipv6(rt))
        envelope_over(rt, &loopback6, &loopback6);
    return 7;
}

TEST(envelopes_carry_addresses_port_ttl_and_class)
{
    run(envelopes);
}

/** A datagram to a port where nobody is: the ICMP error comes back with what was sent. */
static void refused_over(struct strata_rt *rt, const struct strata_endpoint *loopback, uint8_t type,
                         uint8_t code)
{
    struct strata_conn *sender, *gone;
    char text[16];
    REQUIRE(strata_rt_datagram(rt, loopback, &gone) == 0);
    struct strata_endpoint peer = reach(loopback, gone);
    strata_rt_close(gone);
    REQUIRE(strata_rt_datagram(rt, NULL, &sender) == 0);
    CHECK_EQ(strata_rt_set_option(sender, STRATA_OPTION_RECEIVE_ERRORS, 1), 0);
    CHECK_EQ(strata_rt_send_to(sender, "anybody?", 8, &peer, patience(rt)), 8);
    struct strata_envelope error = {.size = sizeof error};
    CHECK_EQ(strata_rt_receive_error(sender, text, sizeof text, &error, patience(rt)), 8);
    CHECK_MEM(text, "anybody?", 8);
    CHECK_EQ(error.error, ECONNREFUSED);
    CHECK_EQ(error.icmp_type, type);
    CHECK_EQ(error.icmp_code, code);
    CHECK_MEM(&error.reporter, &loopback->address, 16);
    CHECK_MEM(&error.peer.address, &peer.address, 16);
    CHECK_EQ(error.peer.port, peer.port);
    CHECK_EQ(strata_rt_receive_error(sender, text, sizeof text, &error, 0), -ETIMEDOUT);
    strata_rt_close(sender);
}

static int refused(struct strata_rt *rt, int argc, char **argv)
{
    struct strata_conn *conn;
    static uint8_t big[70000];
    (void)argc;
    (void)argv;
    refused_over(rt, &loopback4, 3, 3);
    if (has_ipv6(rt))
        refused_over(rt, &loopback6, 1, 4);
    REQUIRE(strata_rt_datagram(rt, NULL, &conn) == 0);
    struct strata_endpoint peer = reach(&loopback4, conn);
    CHECK_EQ(strata_rt_send_to(conn, big, sizeof big, &peer, patience(rt)), -EMSGSIZE);
    CHECK_EQ(strata_rt_send_to(conn, big, 1, NULL, patience(rt)), -EDESTADDRREQ);
    CHECK_EQ(strata_rt_connect(conn, &peer, patience(rt)), 0);
    CHECK_EQ(strata_rt_send_to(conn, "me", 2, NULL, patience(rt)), 2);
    CHECK_EQ(strata_rt_receive_from(conn, big, 2, NULL, patience(rt)), 2);
    return 7;
}

TEST(icmp_errors_come_back_with_the_datagram)
{
    run(refused);
}

static void ping_over(struct strata_rt *rt, struct strata_conn *conn, const struct strata_endpoint *loopback)
{
    char text[32];
    struct strata_envelope out = {.size = sizeof out, .peer = *loopback}, in = {.size = sizeof in};
    out.peer.port = 4711; /* the sequence number */
    CHECK_EQ(strata_rt_send(conn, "are you there?", 14, &out, patience(rt)), 14);
    CHECK_EQ(strata_rt_receive(conn, text, sizeof text, &in, patience(rt)), 14);
    CHECK_MEM(text, "are you there?", 14);
    CHECK_EQ(in.peer.port, 4711);
    CHECK_MEM(&in.peer.address, &loopback->address, 16);
    CHECK(in.ttl > 0);
    CHECK_EQ(strata_rt_send_to(conn, "x", 1, loopback, patience(rt)), 1); /* counted */
    CHECK_EQ(strata_rt_receive(conn, text, sizeof text, &in, patience(rt)), 1);
    CHECK_EQ(in.peer.port, 4712);
}

static int pings(struct strata_rt *rt, int argc, char **argv)
{
    struct strata_conn *conn;
    (void)argc;
    (void)argv;
    int error = strata_rt_open(rt, 0, STRATA_ECHO, &conn);
    if (error < 0) { /* net.ipv4.ping_group_range does not include us */
        CHECK(error == -EACCES || error == -EPERM);
        return 7;
    }
    CHECK_EQ(strata_rt_set_option(conn, STRATA_OPTION_TTL, 9), 0);
    ping_over(rt, conn, &loopback4);
    if (has_ipv6(rt))
        ping_over(rt, conn, &loopback6);
    return 7;
}

TEST(echo_sockets_ping_or_say_that_they_may_not)
{
    run(pings);
}

/* ---- Options ------------------------------------------------------------------------------------- */

static int options(struct strata_rt *rt, int argc, char **argv)
{
    static const struct {
        enum strata_option option;
        int64_t value, expected;
    } cases[] = {
        {STRATA_OPTION_TTL, 12, 12},
        {STRATA_OPTION_TOS, 0x28, 0x28},
        {STRATA_OPTION_NO_DELAY, 5, 1},
        {STRATA_OPTION_KEEP_ALIVE, 1, 1},
        {STRATA_OPTION_KEEP_IDLE_NS, 1500 * STRATA_MILLISECOND, 2 * STRATA_SECOND},
        {STRATA_OPTION_KEEP_INTERVAL_NS, 3 * STRATA_SECOND, 3 * STRATA_SECOND},
        {STRATA_OPTION_KEEP_COUNT, 4, 4},
        {STRATA_OPTION_USER_TIMEOUT_NS, 1, STRATA_MILLISECOND},
        {STRATA_OPTION_LINGER_NS, 0, 0},
        {STRATA_OPTION_LINGER_NS, -1, -1},
        {STRATA_OPTION_REUSE_ADDRESS, 1, 1},
        {STRATA_OPTION_V6ONLY, 0, 0},
        {STRATA_OPTION_BIND_PORT, 0, 0},
        {STRATA_OPTION_FILTER, 0, 0},
        {STRATA_OPTION_URGENT_INLINE, 1, 1},
        {STRATA_OPTION_FAST_OPEN_NO_COOKIE, 1, 1},
        {STRATA_OPTION_DEFER_ACCEPT_NS, STRATA_SECOND, STRATA_SECOND},
        {STRATA_OPTION_SYN_RETRIES, 3, 3},
        {STRATA_OPTION_CORK, 1, 1},
        {STRATA_OPTION_CORK, 0, 0},
        {STRATA_OPTION_QUICK_ACK, 0, 0},
        {STRATA_OPTION_QUICK_ACK, 1, 1},
        {STRATA_OPTION_UNSENT_LOW, 16384, 16384},
        {STRATA_OPTION_RECEIVE_LOW, 100, 100},
        {STRATA_OPTION_PACING_RATE, 125000, 125000},
        {STRATA_OPTION_PACING_RATE, 0, 0},
        {STRATA_OPTION_MIN_TTL, 254, 254},
    };
    struct strata_conn *conn;
    int64_t value;
    (void)argc;
    (void)argv;
    REQUIRE(strata_rt_open(rt, 0, STRATA_STREAM, &conn) == 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CHECK_EQ(strata_rt_set_option(conn, cases[i].option, cases[i].value), 0);
        CHECK_EQ(strata_rt_get_option(conn, cases[i].option, &value), 0);
        CHECK_EQ(value, cases[i].expected);
    }
    CHECK_EQ(strata_rt_set_option(conn, STRATA_OPTION_TTL, -7), -EINVAL);
    CHECK_EQ(strata_rt_set_option(conn, STRATA_OPTION_TTL, (int64_t)1 << 40), -EINVAL);
    CHECK_EQ(strata_rt_set_option(conn, STRATA_OPTION_BIND_PORT, 1 << 30), -ENODEV);
    CHECK_EQ(strata_rt_set_option(conn, STRATA_OPTION_FILTER, 1), -ENOTSUP);
    CHECK_EQ(strata_rt_set_option(conn, (enum strata_option)999, 1), -EINVAL);
    CHECK_EQ(strata_rt_set_option(conn, STRATA_OPTION_CONGESTION, 999), -EINVAL);
    return 7;
}

TEST(options_of_the_kernel_go_by_our_names)
{
    run(options);
}

/* ---- The loop ------------------------------------------------------------------------------------ */

TEST(a_loop_of_ones_own_polls_the_kernel_and_a_descriptor)
{
    struct strata_kernel *kernel;
    struct strata_rt *rt;
    struct strata_rt_config config = {.size = sizeof config};
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    REQUIRE(strata_kernel_new(&kernel) == 0);
    strata_kernel_config(kernel, &config);
    REQUIRE(strata_rt_new(&rt, &config) == 0);
    CHECK_EQ(strata_kernel_poll(kernel, rt, 0, -1), 0);
    CHECK_EQ(strata_kernel_poll(kernel, rt, 0, ends[0]), 0);
    CHECK_EQ(write(ends[1], "x", 1), 1);
    CHECK_EQ(strata_kernel_poll(kernel, rt, STRATA_NEVER, ends[0]), 1);
    CHECK_EQ(strata_kernel_poll(kernel, rt, -5, -1), 0);
    uint8_t a[16] = {0}, b[16] = {0};
    strata_rt_random(rt, a, sizeof a);
    strata_rt_random(rt, b, sizeof b);
    CHECK(memcmp(a, b, sizeof a) != 0);
    CHECK(strata_rt_wall(rt) > 1700000000 * STRATA_SECOND);
    strata_rt_free(rt);
    strata_kernel_free(kernel);
    close(ends[0]);
    close(ends[1]);
}

TEST_MAIN(TEST_ENTRY(a_megabyte_goes_both_ways_over_either_family),
          TEST_ENTRY(what_goes_wrong_with_streams_has_an_errno),
          TEST_ENTRY(views_are_copies_where_the_net_has_no_rings), TEST_ENTRY(cancelling_ends_every_wait),
          TEST_ENTRY(closing_ends_the_waits_of_others), TEST_ENTRY(waiting_for_any_of_many),
          TEST_ENTRY(foreign_descriptors_can_be_waited_for),
          TEST_ENTRY(envelopes_carry_addresses_port_ttl_and_class),
          TEST_ENTRY(icmp_errors_come_back_with_the_datagram),
          TEST_ENTRY(echo_sockets_ping_or_say_that_they_may_not),
          TEST_ENTRY(options_of_the_kernel_go_by_our_names),
          TEST_ENTRY(a_loop_of_ones_own_polls_the_kernel_and_a_descriptor))
