/**
 * Streams as a program uses them: two hosts back to back, both families, and a host with itself.
 */
#include "tests/host/solo.h"

#include <errno.h>

/** Reads all that is there. */
static size_t drain(struct pair *pair, int host, strata_socket socket, uint8_t *to, size_t room)
{
    size_t total = 0;
    int64_t got;
    while (total < room &&
           (got = strata_read(pair->host[host], socket, to + total, room - total, pair->now)) > 0)
        total += (size_t)got;
    return total;
}

/** The state of a connection. */
static int state(struct strata_host *host, strata_socket socket)
{
    struct strata_tcp_info info = {.size = sizeof info};
    CHECK_EQ(strata_tcp_info(host, socket, &info), 0);
    return info.state;
}

TEST(bytes_cross_in_both_families_and_both_ways)
{
    enum { SIZE = 300000 };
    static uint8_t out[2][SIZE], in[2][SIZE];
    uint64_t seed = 1;
    test_fill(&seed, out, sizeof out);
    for (int run = 0; run < 3; run++) {
        struct pair pair;
        strata_socket listener, ends[2];
        pair_start(&pair, run < 2 ? STRATA_LINK_IP : STRATA_LINK_ETHERNET);
        pair.delay_ns = STRATA_MILLISECOND;
        pair_connect(&pair, run == 1, 80, &listener, &ends[0], &ends[1]);
        size_t sent[2] = {0}, got[2] = {0};
        for (int step = 0; step < 100000 && got[0] + got[1] < 2 * SIZE; step++) {
            for (int i = 0; i < 2; i++) {
                size_t left = SIZE - sent[i], piece = 1 + test_below(&seed, 20000);
                int64_t taken = strata_write(pair.host[i], ends[i], out[i] + sent[i],
                                             left < piece ? left : piece, pair.now);
                CHECK(taken >= 0 || taken == -EAGAIN);
                sent[i] += taken > 0 ? (size_t)taken : 0;
                got[i] += drain(&pair, i, ends[i], in[i] + got[i], SIZE - got[i]);
            }
            pair_run(&pair, STRATA_MILLISECOND);
        }
        CHECK_EQ(got[0], SIZE);
        CHECK_EQ(got[1], SIZE);
        CHECK_MEM(in[0], out[1], SIZE);
        CHECK_MEM(in[1], out[0], SIZE);
        pair_free(&pair);
    }
}

TEST(a_host_talks_to_itself)
{
    struct pair pair;
    static uint8_t out[100000], in[100000];
    uint64_t seed = 2;
    test_fill(&seed, out, sizeof out);
    pair_start(&pair, STRATA_LINK_IP);
    struct strata_endpoint ends[] = {{.address = strata_ipv4(127, 0, 0, 1), .port = 80},
                                     {.address = {{[15] = 1}}, .port = 80},
                                     pair_ipv4(0, 80),
                                     pair_ipv6(0, 80)};
    strata_socket listener = strata_open(pair.a, STRATA_STREAM);
    struct strata_endpoint any = {.port = 80}, peer;
    CHECK_EQ(strata_bind(pair.a, listener, &any), 0);
    CHECK_EQ(strata_listen(pair.a, listener, 0, pair.now), 0);
    for (int i = 0; i < 4; i++) {
        strata_socket client = strata_open(pair.a, STRATA_STREAM);
        CHECK_EQ(strata_connect(pair.a, client, &ends[i], pair.now), -EINPROGRESS);
        pair_run(&pair, STRATA_MILLISECOND);
        strata_socket server = strata_accept(pair.a, listener, &peer, pair.now);
        REQUIRE(server > 0);
        CHECK_EQ(strata_write(pair.a, client, out, sizeof out, pair.now), sizeof out);
        pair_run(&pair, STRATA_SECOND);
        CHECK_EQ(drain(&pair, 0, server, in, sizeof in), sizeof in);
        CHECK_MEM(in, out, sizeof in);
        CHECK_EQ(strata_close(pair.a, client, pair.now), 0);
        CHECK_EQ(strata_close(pair.a, server, pair.now), 0);
        pair_run(&pair, STRATA_SECOND);
    }
    CHECK_EQ(pair.frames[0], 0);
    pair_free(&pair);
}

TEST(connecting_tells_how_it_went)
{
    struct pair pair;
    struct strata_event event;
    pair_start(&pair, STRATA_LINK_ETHERNET);
    strata_socket client = strata_open(pair.a, STRATA_STREAM);
    struct strata_endpoint peer = pair_ipv4(1, 80), local, none = {.port = 80};
    CHECK_EQ(strata_connect(pair.a, client, &none, pair.now), -EINVAL);
    none.address = strata_ipv4(224, 0, 0, 1);
    CHECK_EQ(strata_connect(pair.a, client, &none, pair.now), -EINVAL); // RFC 9293 MUST-46
    none.address = strata_ipv4(255, 255, 255, 255);
    CHECK_EQ(strata_connect(pair.a, client, &none, pair.now), -EINVAL);
    none.address = strata_ipv4(192, 0, 2, 1);
    CHECK_EQ(strata_connect(pair.a, client, &none, pair.now), -ENETUNREACH);
    CHECK_EQ(strata_connect(pair.a, client, &peer, pair.now), -EINPROGRESS);
    CHECK_EQ(strata_connect(pair.a, client, &peer, pair.now), -EALREADY);
    CHECK_EQ(strata_listen(pair.a, client, 0, pair.now), -EISCONN);
    CHECK_EQ(strata_bind(pair.a, client, &peer), -EINVAL);
    CHECK_EQ(strata_readiness(pair.a, client), 0);
    CHECK_EQ(state(pair.a, client), STRATA_TCP_SYN_SENT);
    // Nobody listens: RST.
    pair_settle(&pair);
    CHECK_EQ(strata_event_next(pair.a, &event), 1);
    CHECK_EQ(event.socket, client);
    CHECK(event.ready & STRATA_ERROR);
    CHECK_EQ(strata_take_error(pair.a, client), ECONNREFUSED);
    CHECK_EQ(strata_take_error(pair.a, client), 0);
    CHECK_EQ(strata_close(pair.a, client, pair.now), 0);

    strata_socket listener = strata_open(pair.b, STRATA_STREAM);
    struct strata_endpoint at = {.port = 80};
    CHECK_EQ(strata_bind(pair.b, listener, &at), 0);
    CHECK_EQ(strata_listen(pair.b, listener, 0, pair.now), 0);
    CHECK_EQ(strata_listen(pair.b, listener, 9, pair.now), 0); // the backlog may change
    CHECK_EQ(state(pair.b, listener), STRATA_TCP_LISTEN);
    CHECK_EQ(strata_connect(pair.b, listener, &peer, pair.now), -EINVAL);
    CHECK_EQ(strata_accept(pair.b, listener, NULL, pair.now), -EAGAIN);
    client = strata_open(pair.a, STRATA_STREAM);
    CHECK_EQ(strata_connect(pair.a, client, &peer, pair.now), -EINPROGRESS);
    pair_settle(&pair);
    CHECK_EQ(strata_event_next(pair.a, &event), 1);
    CHECK_EQ(event.ready, STRATA_WRITABLE);
    CHECK_EQ(strata_take_error(pair.a, client), 0);
    CHECK_EQ(strata_connect(pair.a, client, &peer, pair.now), -EISCONN);
    CHECK_EQ(strata_event_next(pair.b, &event), 1);
    CHECK_EQ(event.socket, listener);
    CHECK_EQ(event.ready, STRATA_READABLE);
    strata_socket server = strata_accept(pair.b, listener, &local, pair.now);
    CHECK(server > 0);
    CHECK_EQ(strata_local(pair.a, client, &at), 0);
    CHECK_EQ(at.port, local.port);
    CHECK_ADDRESS(at.address, local.address);
    CHECK_EQ(strata_peer(pair.a, client, &at), 0);
    CHECK_EQ(at.port, 80);
    CHECK_EQ(state(pair.b, server), STRATA_TCP_ESTABLISHED);
    pair_free(&pair);
}

// RFC 9293 MUST-12: the program learns whether the peer closed in order or aborted.
TEST(an_orderly_end_and_a_reset_are_told_apart)
{
    struct pair pair;
    strata_socket listener, client, server;
    struct strata_event event;
    char got[8];
    for (int abort = 0; abort < 2; abort++) {
        pair_start(&pair, STRATA_LINK_IP);
        pair_connect(&pair, false, 80, &listener, &client, &server);
        CHECK_EQ(strata_write(pair.a, client, "bye", 3, pair.now), 3);
        pair_settle(&pair);
        while (strata_event_next(pair.b, &event))
            continue;
        CHECK_EQ(abort ? strata_abort(pair.a, client, pair.now) : strata_close(pair.a, client, pair.now), 0);
        CHECK_EQ(strata_read(pair.a, client, got, sizeof got, pair.now), -EBADF);
        pair_settle(&pair);
        CHECK_EQ(strata_event_next(pair.b, &event), 1);
        CHECK_EQ(event.socket, server);
        // What came before the end is read in either case.
        CHECK_EQ(strata_read(pair.b, server, got, sizeof got, pair.now), 3);
        if (abort) {
            CHECK(event.ready & STRATA_ERROR && event.ready & STRATA_HANGUP);
            CHECK_EQ(strata_read(pair.b, server, got, sizeof got, pair.now), -ECONNRESET);
            CHECK_EQ(strata_take_error(pair.b, server), ECONNRESET);
            CHECK(strata_write(pair.b, server, "x", 1, pair.now) < 0);
        } else {
            CHECK(event.ready & STRATA_PEER_CLOSED && !(event.ready & STRATA_ERROR));
            CHECK_EQ(strata_read(pair.b, server, got, sizeof got, pair.now), 0);
            CHECK_EQ(strata_take_error(pair.b, server), 0);
            CHECK_EQ(strata_close(pair.b, server, pair.now), 0);
        }
        pair_free(&pair);
    }
}

TEST(each_direction_is_finished_by_itself)
{
    struct pair pair;
    strata_socket listener, client, server;
    char got[8];
    pair_start(&pair, STRATA_LINK_IP);
    pair_connect(&pair, true, 80, &listener, &client, &server);
    CHECK_EQ(strata_shutdown(pair.a, client, (enum strata_shutdown)0, pair.now), -EINVAL);
    CHECK_EQ(strata_shutdown(pair.a, client, (enum strata_shutdown)4, pair.now), -EINVAL);
    CHECK_EQ(strata_write(pair.a, client, "request", 7, pair.now), 7);
    CHECK_EQ(strata_shutdown(pair.a, client, STRATA_SHUTDOWN_WRITE, pair.now), 0);
    CHECK_EQ(strata_write(pair.a, client, "x", 1, pair.now), -EPIPE);
    pair_settle(&pair);
    CHECK_EQ(strata_read(pair.b, server, got, sizeof got, pair.now), 7);
    CHECK_EQ(strata_read(pair.b, server, got, sizeof got, pair.now), 0);
    CHECK(strata_readiness(pair.b, server) & STRATA_PEER_CLOSED);
    // The other way is still open.
    CHECK_EQ(strata_write(pair.b, server, "answer", 6, pair.now), 6);
    pair_settle(&pair);
    CHECK_EQ(strata_read(pair.a, client, got, sizeof got, pair.now), 6);
    CHECK_EQ(strata_read(pair.a, client, got, sizeof got, pair.now), -EAGAIN);
    CHECK_EQ(state(pair.a, client), STRATA_TCP_FIN_WAIT_2);
    CHECK_EQ(state(pair.b, server), STRATA_TCP_CLOSE_WAIT);
    CHECK_EQ(strata_shutdown(pair.b, server, STRATA_SHUTDOWN_WRITE, pair.now), 0);
    pair_settle(&pair);
    CHECK_EQ(strata_read(pair.a, client, got, sizeof got, pair.now), 0);
    CHECK(strata_readiness(pair.a, client) & STRATA_HANGUP);
    CHECK(strata_readiness(pair.b, server) & STRATA_HANGUP);
    CHECK_EQ(strata_close(pair.a, client, pair.now), 0);
    CHECK_EQ(strata_close(pair.b, server, pair.now), 0);
    pair_free(&pair);
}

// RFC 9293 MUST-13: the one that closes first stays in TIME-WAIT for two MSL, without a socket.
TEST(time_wait_lasts_two_msl_and_costs_little)
{
    struct pair pair;
    strata_socket listener, client, server;
    struct strata_memory memory = {.size = sizeof memory};
    pair_start(&pair, STRATA_LINK_IP);
    pair_connect(&pair, false, 80, &listener, &client, &server);
    CHECK_EQ(strata_close(pair.a, client, pair.now), 0);
    pair_settle(&pair);
    CHECK_EQ(strata_close(pair.b, server, pair.now), 0);
    pair_settle(&pair);
    strata_memory(pair.a, &memory);
    CHECK_EQ(memory.connections, 0);
    CHECK_EQ(memory.sockets, 0);
    CHECK_EQ(memory.time_wait, 1);
    pair_run(&pair, 59 * STRATA_SECOND);
    strata_memory(pair.a, &memory);
    CHECK_EQ(memory.time_wait, 1);
    pair_run(&pair, 2 * STRATA_SECOND);
    strata_memory(pair.a, &memory);
    CHECK_EQ(memory.time_wait, 0);
    strata_memory(pair.b, &memory);
    CHECK_EQ(memory.connections + memory.time_wait, 0);
    CHECK_EQ(memory.pages, 0);
    pair_free(&pair);
}

TEST(lingering_is_the_programs_choice)
{
    struct pair pair;
    strata_socket listener, client, server;
    struct strata_memory memory = {.size = sizeof memory};
    char got[8];
    // 0: close resets.
    pair_start(&pair, STRATA_LINK_IP);
    pair_connect(&pair, false, 80, &listener, &client, &server);
    CHECK_EQ(strata_set_option(pair.a, client, STRATA_OPTION_LINGER_NS, 0, pair.now), 0);
    CHECK_EQ(strata_close(pair.a, client, pair.now), 0);
    pair_settle(&pair);
    CHECK_EQ(strata_read(pair.b, server, got, sizeof got, pair.now), -ECONNRESET);
    // Otherwise what was written is sent first, but no longer than that.
    strata_socket second = strata_open(pair.a, STRATA_STREAM);
    struct strata_endpoint peer = pair_ipv4(1, 80);
    CHECK_EQ(strata_connect(pair.a, second, &peer, pair.now), -EINPROGRESS);
    pair_settle(&pair);
    server = strata_accept(pair.b, listener, NULL, pair.now);
    static uint8_t data[262144];
    CHECK(strata_write(pair.a, second, data, sizeof data, pair.now) > 0);
    CHECK_EQ(strata_set_option(pair.a, second, STRATA_OPTION_LINGER_NS, 3 * STRATA_SECOND, pair.now), 0);
    pair_run(&pair, STRATA_SECOND); // the reader does not read
    CHECK(strata_write(pair.a, second, data, sizeof data, pair.now) > 0);
    CHECK_EQ(strata_close(pair.a, second, pair.now), 0);
    pair_run(&pair, 2 * STRATA_SECOND);
    strata_memory(pair.a, &memory);
    CHECK_EQ(memory.connections, 1);
    pair_run(&pair, 2 * STRATA_SECOND);
    strata_memory(pair.a, &memory);
    CHECK_EQ(memory.connections, 0);
    CHECK_EQ(memory.pages, 0);
    pair_free(&pair);
}

TEST(closing_with_unread_data_resets)
{
    struct pair pair;
    strata_socket listener, client, server;
    char got[8];
    pair_start(&pair, STRATA_LINK_IP);
    pair_connect(&pair, false, 80, &listener, &client, &server);
    CHECK_EQ(strata_write(pair.a, client, "unread", 6, pair.now), 6);
    pair_settle(&pair);
    CHECK_EQ(strata_close(pair.b, server, pair.now), 0);
    pair_settle(&pair);
    CHECK_EQ(strata_read(pair.a, client, got, sizeof got, pair.now), -ECONNRESET);
    pair_free(&pair);
}

TEST(views_show_the_rings_themselves)
{
    struct pair pair;
    strata_socket listener, client, server;
    struct strata_iovec pieces[8];
    uint8_t got[20000], sent[20000];
    uint64_t seed = 5;
    test_fill(&seed, sent, sizeof sent);
    pair_start(&pair, STRATA_LINK_IP);
    pair_connect(&pair, false, 80, &listener, &client, &server);
    CHECK_EQ(strata_space(pair.a, client, 10, NULL, 1), -EINVAL);
    CHECK_EQ(strata_space(pair.a, client, 10, pieces, -1), -EINVAL);
    CHECK_EQ(strata_data(pair.b, server, pieces, 8), -EAGAIN);
    CHECK_EQ(strata_commit(pair.a, client, 1, pair.now), -EINVAL); // no space was asked for
    size_t offset = 0;
    while (offset < sizeof sent) {
        int count = strata_space(pair.a, client, sizeof sent - offset, pieces, 8);
        REQUIRE(count > 0);
        size_t filled = 0;
        for (int i = 0; i < count; i++) {
            memcpy(pieces[i].base, sent + offset + filled, pieces[i].length);
            filled += pieces[i].length;
        }
        CHECK(filled <= sizeof sent - offset);
        size_t part = filled > 5000 ? filled / 2 : filled; // not all that was lent need be sent
        CHECK_EQ(strata_commit(pair.a, client, part, pair.now), 0);
        offset += part;
    }
    pair_run(&pair, STRATA_SECOND);
    offset = 0;
    while (offset < sizeof got) {
        int count = strata_data(pair.b, server, pieces, 3);
        REQUIRE(count > 0);
        size_t seen = 0;
        for (int i = 0; i < count; i++) {
            REQUIRE(offset + seen + pieces[i].length <= sizeof got);
            memcpy(got + offset + seen, pieces[i].base, pieces[i].length);
            seen += pieces[i].length;
        }
        size_t part = seen > 3000 ? seen - 1000 : seen;
        CHECK_EQ(strata_consume(pair.b, server, part, pair.now), 0);
        offset += part;
    }
    CHECK_MEM(got, sent, sizeof got);
    CHECK_EQ(strata_consume(pair.b, server, 1, pair.now), -EINVAL);
    CHECK_EQ(strata_data(pair.b, server, pieces, 8), -EAGAIN);
    pair_free(&pair);
}

TEST(reading_and_writing_have_edges)
{
    struct pair pair;
    strata_socket listener, client, server;
    struct strata_event event;
    static uint8_t data[600000];
    char got[4];
    pair_start(&pair, STRATA_LINK_IP);
    pair_connect(&pair, false, 80, &listener, &client, &server);
    while (strata_event_next(pair.a, &event) || strata_event_next(pair.b, &event))
        continue;
    CHECK_EQ(strata_read(pair.a, client, NULL, 4, pair.now), -EINVAL);
    CHECK_EQ(strata_write(pair.a, client, NULL, 4, pair.now), -EINVAL);
    CHECK_EQ(strata_write(pair.a, client, NULL, 0, pair.now), 0);
    CHECK_EQ(strata_peek(pair.b, server, got, 4), -EAGAIN);
    int64_t taken = strata_write(pair.a, client, data, sizeof data, pair.now);
    CHECK_EQ(taken, 65536);
    CHECK_EQ(strata_write(pair.a, client, data, 1, pair.now), -EAGAIN);
    CHECK_EQ(strata_readiness(pair.a, client) & STRATA_WRITABLE, 0);
    pair_run(&pair, STRATA_SECOND);
    CHECK_EQ(strata_event_next(pair.a, &event), 1); // room again
    CHECK_EQ(event.ready, STRATA_WRITABLE);
    CHECK_EQ(strata_event_next(pair.a, &event), 0);
    CHECK_EQ(strata_event_next(pair.b, &event), 1);
    CHECK_EQ(event.ready, STRATA_READABLE);
    CHECK_EQ(strata_event_next(pair.b, &event), 0);
    CHECK_EQ(strata_peek(pair.b, server, got, 4), 4);
    CHECK_EQ(strata_peek(pair.b, server, got, 4), 4);
    CHECK_EQ(strata_read(pair.b, server, got, 4, pair.now), 4);
    pair_free(&pair);
}

TEST(what_came_before_accept_is_announced)
{
    struct pair pair;
    struct strata_event event;
    pair_start(&pair, STRATA_LINK_IP);
    strata_socket listener = strata_open(pair.b, STRATA_STREAM), client = strata_open(pair.a, STRATA_STREAM);
    struct strata_endpoint at = {.port = 80}, peer = pair_ipv4(1, 80);
    CHECK_EQ(strata_bind(pair.b, listener, &at), 0);
    CHECK_EQ(strata_listen(pair.b, listener, 0, pair.now), 0);
    CHECK_EQ(strata_connect(pair.a, client, &peer, pair.now), -EINPROGRESS);
    CHECK_EQ(strata_write(pair.a, client, "early", 5, pair.now), 5); // sent when connected
    pair_settle(&pair);
    CHECK_EQ(strata_event_next(pair.b, &event), 1);
    CHECK_EQ(event.socket, listener);
    strata_socket server = strata_accept(pair.b, listener, NULL, pair.now);
    CHECK_EQ(strata_event_next(pair.b, &event), 1);
    CHECK_EQ(event.socket, server);
    CHECK(event.ready & STRATA_READABLE);
    pair_free(&pair);
}

TEST(a_filter_sees_a_connection_before_it_is_answered)
{
    struct pair pair;
    struct strata_syn syn = {.size = sizeof syn};
    pair_start(&pair, STRATA_LINK_IP);
    strata_socket listener = strata_open(pair.b, STRATA_STREAM), clients[3];
    struct strata_endpoint at = {.port = 80}, peer = pair_ipv4(1, 80);
    CHECK_EQ(strata_bind(pair.b, listener, &at), 0);
    CHECK_EQ(strata_set_option(pair.b, listener, STRATA_OPTION_FILTER, 1, pair.now), 0);
    CHECK_EQ(strata_listen(pair.b, listener, 0, pair.now), 0);
    CHECK_EQ(strata_pending(pair.b, listener, &syn), -EAGAIN);
    for (int i = 0; i < 3; i++) {
        clients[i] = strata_open(pair.a, STRATA_STREAM);
        CHECK_EQ(strata_connect(pair.a, clients[i], &peer, pair.now), -EINPROGRESS);
        pair_settle(&pair);
        CHECK_EQ(pair.frames[1], 0); // not a word yet
    }
    CHECK_EQ(strata_readiness(pair.b, listener), STRATA_READABLE);
    CHECK_EQ(strata_accept(pair.b, listener, NULL, pair.now), -EAGAIN);
    static const enum strata_decision decisions[] = {STRATA_ACCEPT, STRATA_REFUSE, STRATA_IGNORE};
    for (int i = 0; i < 3; i++) {
        struct strata_endpoint local;
        CHECK_EQ(strata_pending(pair.b, listener, &syn), 0);
        CHECK_EQ(strata_local(pair.a, clients[i], &local), 0);
        CHECK_EQ(syn.peer.port, local.port); // oldest first
        CHECK_EQ(syn.local.port, 80);
        CHECK_ADDRESS(syn.local.address, peer.address);
        CHECK_EQ(syn.port, pair.port);
        CHECK_EQ(strata_decide(pair.b, listener, syn.id, (enum strata_decision)9, pair.now), -EINVAL);
        CHECK_EQ(strata_decide(pair.b, listener, syn.id, decisions[i], pair.now), 0);
        CHECK(strata_decide(pair.b, listener, syn.id, decisions[i], pair.now) < 0);
    }
    CHECK_EQ(strata_pending(pair.b, listener, &syn), -EAGAIN);
    pair_settle(&pair);
    CHECK(strata_accept(pair.b, listener, NULL, pair.now) > 0);
    CHECK_EQ(strata_accept(pair.b, listener, NULL, pair.now), -EAGAIN);
    CHECK_EQ(state(pair.a, clients[0]), STRATA_TCP_ESTABLISHED);
    CHECK_EQ(strata_take_error(pair.a, clients[1]), ECONNREFUSED);
    CHECK_EQ(state(pair.a, clients[2]), STRATA_TCP_SYN_SENT);
    pair_free(&pair);
}

TEST(a_transparent_listener_answers_for_others)
{
    struct pair pair;
    struct strata_endpoint local, peer = {.address = strata_ipv4(203, 0, 113, 5), .port = 8443};
    char got[8];
    pair_start(&pair, STRATA_LINK_IP);
    struct strata_route wide = {
        .destination = strata_ipv4(0, 0, 0, 0), .gateway = pair_ipv4(1, 0).address, .port = -1};
    CHECK_EQ(strata_route_add(pair.a, &wide), 0);
    strata_socket listener = strata_open(pair.b, STRATA_STREAM), client = strata_open(pair.a, STRATA_STREAM);
    CHECK_EQ(strata_set_option(pair.b, listener, STRATA_OPTION_TRANSPARENT, 1, pair.now), 0);
    CHECK_EQ(strata_listen(pair.b, listener, 0, pair.now), 0);
    CHECK_EQ(strata_connect(pair.a, client, &peer, pair.now), -EINPROGRESS);
    pair_settle(&pair);
    strata_socket server = strata_accept(pair.b, listener, NULL, pair.now);
    REQUIRE(server > 0);
    CHECK_EQ(strata_local(pair.b, server, &local), 0);
    CHECK_ADDRESS(local.address, peer.address);
    CHECK_EQ(local.port, 8443);
    CHECK_EQ(strata_write(pair.a, client, "hello", 5, pair.now), 5);
    pair_settle(&pair);
    CHECK_EQ(strata_read(pair.b, server, got, sizeof got, pair.now), 5);
    CHECK_EQ(strata_write(pair.b, server, "hi", 2, pair.now), 2);
    pair_settle(&pair);
    CHECK_EQ(strata_read(pair.a, client, got, sizeof got, pair.now), 2);
    pair_free(&pair);
}

// RFC 9293 MUST-30, RFC 9293 MUST-32, RFC 9293 MUST-33: urgent data is announced, and how much remains can be
// asked.
TEST(urgent_data_is_announced_and_stays_in_the_stream)
{
    struct pair pair;
    strata_socket listener, client, server;
    struct strata_event event;
    char got[32];
    pair_start(&pair, STRATA_LINK_IP);
    pair_connect(&pair, false, 80, &listener, &client, &server);
    CHECK_EQ(strata_urgent_mark(pair.b, server), 0);
    while (strata_event_next(pair.b, &event))
        continue;
    CHECK_EQ(strata_write(pair.a, client, "normal", 6, pair.now), 6);
    CHECK_EQ(strata_write_urgent(pair.a, client, "urgent", 6, pair.now), 6);
    CHECK_EQ(strata_write(pair.a, client, "after", 5, pair.now), 5);
    pair_settle(&pair);
    CHECK_EQ(strata_event_next(pair.b, &event), 1);
    CHECK(event.ready & STRATA_URGENT);
    CHECK(strata_readiness(pair.b, server) & STRATA_URGENT);
    CHECK_EQ(strata_urgent_mark(pair.b, server), 12);
    CHECK_EQ(strata_read(pair.b, server, got, 8, pair.now), 8);
    CHECK_EQ(strata_urgent_mark(pair.b, server), 4);
    CHECK_EQ(strata_read(pair.b, server, got + 8, 4, pair.now), 4);
    CHECK_EQ(strata_urgent_mark(pair.b, server), 0);
    pair_run(&pair, STRATA_SECOND);
    CHECK_EQ(strata_read(pair.b, server, got + 12, 20, pair.now), 5);
    CHECK_MEM(got, "normalurgentafter", 17);
    CHECK(!(strata_readiness(pair.b, server) & STRATA_URGENT));
    pair_free(&pair);
}

/** Opens a connection from host 0 to host 1 with data; what strata_connect_write says. */
static int64_t open_with(struct pair *pair, bool ipv6, strata_socket *socket, const char *data)
{
    struct strata_endpoint peer = ipv6 ? pair_ipv6(1, 80) : pair_ipv4(1, 80);
    *socket = strata_open(pair->host[0], STRATA_STREAM);
    return strata_connect_write(pair->host[0], *socket, &peer, data, strlen(data), pair->now);
}

TEST(data_goes_with_the_syn)
{
    for (int ipv6 = 0; ipv6 < 2; ipv6++) {
        struct pair pair;
        strata_socket s;
        char text[100] = "";
        pair_start(&pair, STRATA_LINK_IP);
        pair.delay_ns = 10 * STRATA_MILLISECOND;
        struct strata_host *a = pair.host[0], *b = pair.host[1];
        struct strata_endpoint local = {.port = 80};
        strata_socket listener = strata_open(b, STRATA_STREAM);
        CHECK_EQ(strata_bind(b, listener, &local), 0);
        CHECK_EQ(strata_set_option(b, listener, STRATA_OPTION_FAST_OPEN, 16, pair.now), 0);
        CHECK_EQ(strata_set_fast_open_keys(b, listener, (const uint8_t *)"0123456789abcdef", 3), -EINVAL);
        CHECK_EQ(strata_set_fast_open_keys(b, listener, (const uint8_t *)"0123456789abcdef", 1), 0);
        CHECK_EQ(strata_listen(b, listener, 10, pair.now), 0);
        CHECK_EQ(strata_set(a, "net.ipv4.tcp_fastopen", 0), 0);
        CHECK_EQ(open_with(&pair, ipv6, &s, "no"), -EOPNOTSUPP);
        CHECK_EQ(strata_set_option(a, s, STRATA_OPTION_FAST_OPEN_CONNECT, 1, pair.now), -EOPNOTSUPP);
        CHECK_EQ(strata_set(a, "net.ipv4.tcp_fastopen", 1), 0);
        CHECK_EQ(strata_set(b, "net.ipv4.tcp_fastopen", 2), 0);
        // The first time: no cookie yet.
        CHECK_EQ(open_with(&pair, ipv6, &s, "first"), -EINPROGRESS);
        CHECK_EQ(open_with(&pair, ipv6, &s, "first"), -EINPROGRESS);
        pair_run(&pair, 35 * STRATA_MILLISECOND);
        strata_socket accepted = strata_accept(b, listener, NULL, pair.now);
        CHECK(accepted > 0 && strata_accept(b, listener, NULL, pair.now) > 0);
        // The second: the data is there after half a round trip, the answer after a whole one.
        CHECK_EQ(open_with(&pair, ipv6, &s, "second"), 6);
        struct strata_endpoint peer = ipv6 ? pair_ipv6(1, 80) : pair_ipv4(1, 80);
        CHECK_EQ(strata_connect_write(a, s, &peer, "more", 4, pair.now), -EALREADY);
        CHECK_EQ(strata_connect(a, s, &peer, pair.now), -EALREADY);
        pair_run(&pair, 11 * STRATA_MILLISECOND);
        CHECK((accepted = strata_accept(b, listener, NULL, pair.now)) > 0);
        CHECK_EQ(strata_read(b, accepted, text, sizeof text, pair.now), 6);
        CHECK_STR(text, "second");
        CHECK_EQ(state(b, accepted), STRATA_TCP_SYN_RECEIVED);
        CHECK_EQ(strata_write(b, accepted, "answer", 6, pair.now), 6);
        pair_run(&pair, 11 * STRATA_MILLISECOND);
        CHECK_EQ(strata_read(a, s, text, sizeof text, pair.now), 6);
        CHECK_STR(text, "answer");
        CHECK_EQ(strata_connect_write(a, s, &peer, "more", 4, pair.now), 4); // by now an ordinary write
        // A socket that connects when it writes.
        s = strata_open(a, STRATA_STREAM);
        CHECK_EQ(strata_set_option(a, s, STRATA_OPTION_FAST_OPEN_CONNECT, 1, pair.now), 0);
        CHECK_EQ(strata_connect(a, s, &peer, pair.now), 0);
        CHECK_EQ(strata_connect(a, s, &peer, pair.now), -EISCONN);
        CHECK_EQ(strata_readiness(a, s), STRATA_WRITABLE);
        CHECK_EQ(strata_write(a, s, "third", 5, pair.now), 5);
        CHECK_EQ(strata_readiness(a, s), 0);
        pair_run(&pair, 11 * STRATA_MILLISECOND);
        CHECK((accepted = strata_accept(b, listener, NULL, pair.now)) > 0);
        CHECK_EQ(strata_read(b, accepted, text, sizeof text, pair.now), 5);
        CHECK_EQ(strata_connect_write(a, s, NULL, "x", 1, pair.now), -EINVAL);
        CHECK_EQ(strata_connect_write(a, 0, &peer, "x", 1, pair.now), -EBADF);
        pair_free(&pair);
    }
}

TEST(tcp_info_tells_the_truth)
{
    struct pair pair;
    strata_socket listener, client, server;
    static uint8_t data[50000], got[50000];
    pair_start(&pair, STRATA_LINK_IP);
    pair.delay_ns = 10 * STRATA_MILLISECOND;
    pair_connect(&pair, false, 80, &listener, &client, &server);
    CHECK_EQ(strata_write(pair.a, client, data, sizeof data, pair.now), sizeof data);
    pair_run(&pair, 2 * STRATA_SECOND);
    struct strata_tcp_info a = {.size = sizeof a}, b = {.size = sizeof b};
    CHECK_EQ(strata_tcp_info(pair.a, client, &a), 0);
    CHECK_EQ(strata_tcp_info(pair.b, server, &b), 0);
    CHECK_EQ(a.size, sizeof a);
    CHECK_EQ(a.bytes_sent, sizeof data);
    CHECK_EQ(a.bytes_acked, sizeof data);
    CHECK_EQ(b.bytes_received, sizeof data);
    CHECK_EQ(b.receive_queue, sizeof data);
    CHECK_EQ(a.send_queue, 0);
    CHECK_EQ(a.bytes_retransmitted, 0);
    CHECK(a.srtt_ns >= 20 * STRATA_MILLISECOND && a.srtt_ns < 70 * STRATA_MILLISECOND);
    CHECK_EQ(a.mss_send, 1448);
    CHECK(a.timestamps && b.timestamps);
    CHECK_STR(a.congestion, strata_congestion_name(0));
    CHECK_EQ(strata_read(pair.b, server, got, sizeof got, pair.now), sizeof got);
    struct strata_tcp_info old = {.size = offsetof(struct strata_tcp_info, cwnd)};
    CHECK_EQ(strata_tcp_info(pair.a, client, &old), 0);
    CHECK_EQ(old.mss_send, 1448);
    CHECK_EQ(old.cwnd, 0);
    old.size = 1;
    CHECK_EQ(strata_tcp_info(pair.a, client, &old), -EINVAL);
    CHECK(strata_congestion_name(0) != NULL && strata_congestion_name(1000) == NULL);
    CHECK_STR(strata_tcp_state_name(STRATA_TCP_TIME_WAIT), "TIME-WAIT");
    pair_free(&pair);
}

// RFC 9293 MUST-47: soft errors are reported to the program that asks; RFC 9293 SHLD-20: and to no other.
TEST(soft_errors_are_reported_to_who_asks)
{
    for (int asks = 0; asks < 2; asks++) {
        struct solo solo;
        struct solo_out out;
        solo_start(&solo);
        strata_socket client = strata_open(solo.host, STRATA_STREAM);
        struct strata_endpoint peer = pair_ipv4(1, 80);
        CHECK_EQ(strata_set_option(solo.host, client, STRATA_OPTION_RECEIVE_ERRORS, asks, solo.now), 0);
        CHECK_EQ(strata_connect(solo.host, client, &peer, solo.now), -EINPROGRESS);
        REQUIRE(solo_output(&solo, &out));
        CHECK_EQ(out.protocol, PROTOCOL_TCP);
        solo_icmp_error(&solo, strata_ipv4(10, 0, 0, 254), ICMP_UNREACHABLE, ICMP_HOST_UNREACHABLE, 0,
                        out.frame, out.frame_length);
        CHECK_EQ(!!(strata_readiness(solo.host, client) & STRATA_ERROR), asks);
        CHECK_EQ(strata_take_error(solo.host, client), asks ? EHOSTUNREACH : 0);
        CHECK_EQ(state(solo.host, client), STRATA_TCP_SYN_SENT); // it goes on trying
        CHECK_EQ(strata_take_error(solo.host, client), 0);
        solo_free(&solo);
    }
}

TEST(names_are_claimed_and_shared)
{
    struct pair pair;
    pair_start(&pair, STRATA_LINK_IP);
    struct strata_endpoint at = {.port = 80}, four = {.address = strata_ipv4(0, 0, 0, 0), .port = 80}, got;
    strata_socket first = strata_open(pair.a, STRATA_STREAM), second = strata_open(pair.a, STRATA_STREAM);
    CHECK_EQ(strata_bind(pair.a, first, &at), 0);
    CHECK_EQ(strata_bind(pair.a, first, &at), -EINVAL);
    CHECK_EQ(strata_bind(pair.a, second, &four), -EADDRINUSE);
    CHECK_EQ(strata_close(pair.a, first, pair.now), 0);
    CHECK_EQ(strata_bind(pair.a, second, &four), 0);
    CHECK_EQ(strata_listen(pair.a, second, 0, pair.now), 0);
    strata_socket six = strata_open(pair.a, STRATA_STREAM);
    CHECK_EQ(strata_set_option(pair.a, six, STRATA_OPTION_V6ONLY, 1, pair.now), 0);
    CHECK_EQ(strata_bind(pair.a, six, &at), 0);
    CHECK_EQ(strata_listen(pair.a, six, 0, pair.now), 0);
    strata_socket unnamed = strata_open(pair.a, STRATA_STREAM);
    CHECK_EQ(strata_listen(pair.a, unnamed, 0, pair.now), 0);
    CHECK_EQ(strata_local(pair.a, unnamed, &got), 0);
    CHECK(got.port >= 32768 && got.port <= 60999);
    // Several listeners may share a port if all of them say so.
    strata_socket shared[2];
    at.port = 81;
    for (int i = 0; i < 2; i++) {
        shared[i] = strata_open(pair.b, STRATA_STREAM);
        CHECK_EQ(strata_set_option(pair.b, shared[i], STRATA_OPTION_REUSE_PORT, 1, pair.now), 0);
        CHECK_EQ(strata_bind(pair.b, shared[i], &at), 0);
        CHECK_EQ(strata_listen(pair.b, shared[i], 0, pair.now), 0);
    }
    struct strata_endpoint peer = pair_ipv4(1, 81);
    for (int i = 0; i < 100; i++) {
        CHECK_EQ(strata_connect(pair.a, strata_open(pair.a, STRATA_STREAM), &peer, pair.now), -EINPROGRESS);
        pair_settle(&pair);
    }
    int accepted[2] = {0};
    for (int i = 0; i < 2; i++)
        while (strata_accept(pair.b, shared[i], NULL, pair.now) > 0)
            accepted[i]++;
    CHECK_EQ(accepted[0] + accepted[1], 100);
    CHECK(accepted[0] > 20 && accepted[1] > 20);
    pair_free(&pair);
}

/** Binds a fresh stream on host b, with STRATA_OPTION_REUSE_ADDRESS or without, and gives it up again. */
static int try_bind(struct pair *pair, bool reuse, struct strata_endpoint local)
{
    strata_socket socket = strata_open(pair->b, STRATA_STREAM);
    CHECK_EQ(strata_set_option(pair->b, socket, STRATA_OPTION_REUSE_ADDRESS, reuse, pair->now), 0);
    int error = strata_bind(pair->b, socket, &local);
    CHECK_EQ(strata_close(pair->b, socket, pair->now), 0);
    return error;
}

TEST(a_name_is_taken_while_connections_have_it)
{
    struct pair pair;
    strata_socket listener, client, server;
    struct strata_endpoint any = {.port = 80}, other = {.address = strata_ipv4(10, 0, 0, 77), .port = 80};
    pair_start(&pair, STRATA_LINK_IP);
    CHECK_EQ(strata_address_add(pair.b, pair.port, &other.address, 24, pair.now), 0);
    CHECK_EQ(try_bind(&pair, false, any), 0);
    pair_connect(&pair, false, 80, &listener, &client, &server);
    CHECK_EQ(strata_close(pair.b, listener, pair.now), 0);
    for (int i = 0; i < 2; i++) { // while it is open, and in TIME-WAIT
        CHECK_EQ(try_bind(&pair, false, any), -EADDRINUSE);
        CHECK_EQ(try_bind(&pair, false, pair_ipv4(1, 80)), -EADDRINUSE);
        CHECK_EQ(try_bind(&pair, true, any), 0);
        // Others are not concerned.
        CHECK_EQ(try_bind(&pair, false, pair_ipv4(1, 81)), 0);
        CHECK_EQ(try_bind(&pair, false, other), 0);
        CHECK_EQ(try_bind(&pair, false, pair_ipv6(1, 80)), 0);
        if (i > 0)
            break;
        CHECK_EQ(strata_close(pair.b, server, pair.now), 0);
        pair_settle(&pair);
        CHECK_EQ(strata_close(pair.a, client, pair.now), 0);
        pair_settle(&pair);
        struct strata_memory memory = {.size = sizeof memory};
        CHECK_EQ(strata_memory(pair.b, &memory), 0);
        CHECK_EQ(memory.time_wait, 1);
    }
    pair_run(&pair, 61 * STRATA_SECOND);
    CHECK_EQ(try_bind(&pair, false, any), 0);
    pair_free(&pair);
}

TEST_MAIN(TEST_ENTRY(bytes_cross_in_both_families_and_both_ways), TEST_ENTRY(a_host_talks_to_itself),
          TEST_ENTRY(connecting_tells_how_it_went), TEST_ENTRY(an_orderly_end_and_a_reset_are_told_apart),
          TEST_ENTRY(each_direction_is_finished_by_itself),
          TEST_ENTRY(time_wait_lasts_two_msl_and_costs_little), TEST_ENTRY(lingering_is_the_programs_choice),
          TEST_ENTRY(closing_with_unread_data_resets), TEST_ENTRY(views_show_the_rings_themselves),
          TEST_ENTRY(reading_and_writing_have_edges), TEST_ENTRY(what_came_before_accept_is_announced),
          TEST_ENTRY(a_filter_sees_a_connection_before_it_is_answered),
          TEST_ENTRY(a_transparent_listener_answers_for_others),
          TEST_ENTRY(urgent_data_is_announced_and_stays_in_the_stream), TEST_ENTRY(data_goes_with_the_syn),
          TEST_ENTRY(tcp_info_tells_the_truth),
          TEST_ENTRY(soft_errors_are_reported_to_who_asks), TEST_ENTRY(names_are_claimed_and_shared),
          TEST_ENTRY(a_name_is_taken_while_connections_have_it))
