/*
 * Programs on the sockets of a host: streams and their views, datagrams, errors, deadlines in virtual time,
 * cancelling, on two hosts back to back.
 */
#include "tests/rt/hosts.h"
#include "tests/test.h"

#include <errno.h>

/** What a fiber of these tests gets. */
struct part {
    struct hosts *hosts;
    struct strata_rt *rt;
    int result;
};

static void start(struct hosts *hosts, int host, void (*entry)(void *), struct part *part)
{
    *part = (struct part){.hosts = hosts, .rt = hosts->rt[host], .result = 1};
    REQUIRE(strata_rt_spawn(part->rt, "part", entry, part, NULL) == 0);
}

/** Runs one fiber on each host. */
static void run_both(void (*entry_a)(void *), void (*entry_b)(void *))
{
    struct hosts hosts;
    struct part a, b;
    hosts_start(&hosts);
    start(&hosts, 1, entry_b, &b);
    start(&hosts, 0, entry_a, &a);
    hosts_run(&hosts, 600 * STRATA_SECOND);
    CHECK_EQ(a.result, 0);
    CHECK_EQ(b.result, 0);
    CHECK_EQ(strata_rt_run(hosts.rt[0]), 0);
    CHECK_EQ(strata_rt_run(hosts.rt[1]), 0);
    hosts_free(&hosts);
}

/* ---- Streams ------------------------------------------------------------------------------------- */

enum { TOTAL = 300000, PORT = 7000 };

static uint8_t pattern(size_t at)
{
    return (uint8_t)(at * 7 + at / 251);
}

static void writes_by_views(void *argument)
{
    struct part *part = argument;
    struct strata_endpoint peer = pair_ipv6(1, PORT);
    struct strata_conn *conn;
    REQUIRE(strata_rt_dial(part->rt, &peer, STRATA_NEVER, &conn) == 0);
    for (size_t sent = 0; sent < TOTAL;) {
        struct strata_iovec pieces[4];
        size_t filled = 0;
        int count = strata_rt_space(conn, 10000, pieces, 4, STRATA_NEVER);
        REQUIRE(count > 0);
        for (int i = 0; i < count; i++)
            for (size_t j = 0; j < pieces[i].length && sent + filled < TOTAL; j++)
                ((uint8_t *)pieces[i].base)[j] = pattern(sent + filled++);
        CHECK_EQ(strata_rt_commit(conn, filled), 0);
        sent += filled;
    }
    CHECK_EQ(strata_rt_shutdown(conn, STRATA_SHUTDOWN_WRITE), 0);
    uint8_t byte;
    CHECK_EQ(strata_rt_read(conn, &byte, 1, STRATA_NEVER), 0);
    strata_rt_close(conn);
    part->result = 0;
}

static void reads_by_views(void *argument)
{
    struct part *part = argument;
    struct strata_endpoint any = {.port = PORT}, peer, local;
    struct strata_conn *listener, *conn;
    struct strata_iovec pieces[4];
    size_t received = 0;
    int count;
    REQUIRE(strata_rt_listen(part->rt, &any, 0, &listener) == 0);
    REQUIRE(strata_rt_accept(listener, STRATA_NEVER, &conn, &peer) == 0);
    CHECK_MEM(&peer.address, pair_ipv6(0, 0).address.bytes, 16);
    CHECK_EQ(strata_rt_local(conn, &local), 0);
    CHECK_EQ(local.port, PORT);
    CHECK(strata_rt_host(part->rt, 0) == part->hosts->pair.b);
    CHECK(strata_rt_host(part->rt, 1) == NULL);
    while ((count = strata_rt_data(conn, pieces, 4, STRATA_NEVER)) > 0) {
        size_t length = 0;
        for (int i = 0; i < count; i++)
            for (size_t j = 0; j < pieces[i].length; j++)
                if (!CHECK_EQ(((uint8_t *)pieces[i].base)[j], pattern(received + length++)))
                    return;
        CHECK_EQ(strata_rt_consume(conn, length), 0);
        received += length;
    }
    CHECK_EQ(count, 0);
    CHECK_EQ(received, TOTAL);
    strata_rt_close(conn);
    strata_rt_close(listener);
    part->result = 0;
}

TEST(streams_lend_views_of_their_rings)
{
    run_both(writes_by_views, reads_by_views);
}

static void is_refused(void *argument)
{
    struct part *part = argument;
    struct strata_endpoint peer = pair_ipv4(1, PORT);
    struct strata_conn *conn;
    CHECK_EQ(strata_rt_dial(part->rt, &peer, STRATA_NEVER, &conn), -ECONNREFUSED);
    /* Nobody has that address: the deadline decides, in virtual time. */
    peer = pair_ipv4(9, PORT);
    strata_time begin = strata_rt_now(part->rt);
    CHECK_EQ(strata_rt_dial(part->rt, &peer, begin + 2 * STRATA_SECOND, &conn), -ETIMEDOUT);
    CHECK_EQ(strata_rt_now(part->rt), begin + 2 * STRATA_SECOND);
    part->result = 0;
}

static void has_nothing_to_do(void *argument)
{
    ((struct part *)argument)->result = 0;
}

TEST(dialling_fails_by_reset_and_by_deadline)
{
    run_both(is_refused, has_nothing_to_do);
}

static void waits_in_vain(void *argument)
{
    struct part *part = argument;
    struct strata_endpoint peer = pair_ipv4(1, PORT);
    struct strata_conn *conn;
    uint8_t byte;
    REQUIRE(strata_rt_dial(part->rt, &peer, STRATA_NEVER, &conn) == 0);
    strata_time begin = strata_rt_now(part->rt);
    CHECK_EQ(strata_rt_read(conn, &byte, 1, begin + 5 * STRATA_SECOND), -ETIMEDOUT);
    CHECK_EQ(strata_rt_now(part->rt), begin + 5 * STRATA_SECOND);
    CHECK_EQ(strata_rt_write(conn, "x", 1, STRATA_NEVER), 1);
    CHECK_EQ(strata_rt_read(conn, &byte, 1, STRATA_NEVER), -ECONNRESET);
    strata_rt_close(conn);
    part->result = 0;
}

static void resets(void *argument)
{
    struct part *part = argument;
    struct strata_endpoint any = {.port = PORT};
    struct strata_conn *conns[2];
    uint32_t ready[2] = {STRATA_READABLE, STRATA_READABLE};
    uint8_t byte;
    REQUIRE(strata_rt_listen(part->rt, &any, 0, &conns[0]) == 0);
    CHECK_EQ(strata_rt_wait_any(part->rt, conns, ready, 1, STRATA_NEVER), 0);
    REQUIRE(strata_rt_accept(conns[0], 0, &conns[1], NULL) == 0);
    CHECK_EQ(strata_rt_wait_any(part->rt, conns, ready, 2, STRATA_NEVER), 1);
    CHECK_EQ(strata_rt_read(conns[1], &byte, 1, 0), 1);
    strata_rt_abort(conns[1]);
    strata_rt_close(conns[0]);
    part->result = 0;
}

TEST(deadlines_are_virtual_and_resets_come_through)
{
    run_both(waits_in_vain, resets);
}

/* ---- Datagrams ----------------------------------------------------------------------------------- */

static void sends_datagrams(void *argument)
{
    struct part *part = argument;
    struct strata_endpoint peer = pair_ipv4(1, PORT);
    struct strata_conn *conn;
    char text[16];
    REQUIRE(strata_rt_datagram(part->rt, NULL, &conn) == 0);
    CHECK_EQ(strata_rt_set_option(conn, STRATA_OPTION_RECEIVE_ERRORS, 1), 0);
    struct strata_envelope out = {.size = sizeof out, .peer = peer, .ttl = 9, .tos = 0x28};
    CHECK_EQ(strata_rt_send(conn, "ping", 4, &out, STRATA_NEVER), 4);
    CHECK_EQ(strata_rt_receive_from(conn, text, sizeof text, &peer, STRATA_NEVER), 4);
    CHECK_MEM(text, "pong", 4);
    CHECK_EQ(peer.port, PORT);
    peer.port = PORT + 1; /* nobody is there */
    struct strata_envelope error = {.size = sizeof error};
    CHECK_EQ(strata_rt_send_to(conn, "who?", 4, &peer, STRATA_NEVER), 4);
    CHECK_EQ(strata_rt_receive_error(conn, text, sizeof text, &error, STRATA_NEVER), 4);
    CHECK_EQ(error.error, ECONNREFUSED);
    strata_rt_close(conn);
    part->result = 0;
}

static void answers_datagrams(void *argument)
{
    struct part *part = argument;
    struct strata_endpoint any = {.port = PORT};
    struct strata_envelope in = {.size = sizeof in};
    struct strata_conn *conn;
    char text[16];
    REQUIRE(strata_rt_datagram(part->rt, &any, &conn) == 0);
    CHECK_EQ(strata_rt_receive(conn, text, sizeof text, &in, STRATA_NEVER), 4);
    CHECK_EQ(in.ttl, 9);
    CHECK_EQ(in.tos, 0x28);
    CHECK_EQ(in.port, part->hosts->pair.port);
    CHECK_MEM(&in.local.address, pair_ipv4(1, 0).address.bytes, 16);
    CHECK_EQ(strata_rt_send_to(conn, "pong", 4, &in.peer, STRATA_NEVER), 4);
    strata_rt_close(conn);
    part->result = 0;
}

TEST(datagrams_and_their_errors)
{
    run_both(sends_datagrams, answers_datagrams);
}

/* ---- The end ------------------------------------------------------------------------------------- */

static void opens_many_and_waits(void *argument)
{
    struct part *part = argument;
    struct strata_conn *conn, *listener;
    struct strata_endpoint any = {.port = PORT};
    for (int i = 0; i < 100; i++)
        CHECK_EQ(strata_rt_datagram(part->rt, NULL, &conn), 0);
    REQUIRE(strata_rt_listen(part->rt, &any, 0, &listener) == 0);
    part->result = strata_rt_accept(listener, STRATA_NEVER, &conn, NULL);
}

TEST(cancelled_programs_unwind_and_leave_nothing)
{
    struct hosts hosts;
    struct part a;
    hosts_start(&hosts);
    start(&hosts, 0, opens_many_and_waits, &a);
    hosts_run(&hosts, STRATA_SECOND);
    CHECK_EQ(a.result, 1);
    strata_rt_cancel_all(hosts.rt[0]);
    CHECK_EQ(a.result, -ECANCELED);
    /* Sockets that the net did not open keep their events to themselves. */
    strata_socket foreign = strata_open(hosts.pair.a, STRATA_DATAGRAM);
    struct strata_endpoint self = pair_ipv4(0, PORT);
    CHECK_EQ(strata_set_user(hosts.pair.a, foreign, (void *)(uintptr_t)1), 0);
    CHECK_EQ(strata_bind(hosts.pair.a, foreign, &self), 0);
    struct strata_envelope out = {.size = sizeof out, .peer = self};
    CHECK_EQ(strata_send(hosts.pair.a, foreign, "x", 1, &out, hosts.pair.now), 1);
    hosts_run(&hosts, STRATA_SECOND);
    CHECK(strata_readiness(hosts.pair.a, foreign) & STRATA_READABLE);
    hosts_free(&hosts); /* says when memory of the host is left */
}

TEST_MAIN(TEST_ENTRY(streams_lend_views_of_their_rings), TEST_ENTRY(dialling_fails_by_reset_and_by_deadline),
          TEST_ENTRY(deadlines_are_virtual_and_resets_come_through), TEST_ENTRY(datagrams_and_their_errors),
          TEST_ENTRY(cancelled_programs_unwind_and_leave_nothing))
