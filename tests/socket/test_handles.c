/**
 * Handles and events: a number names a socket as long as it lives and nobody afterwards; thousands of them.
 */
#include "tests/host/pair.h"

#include <errno.h>

static struct strata_host *host_of(struct pair_memory *memory)
{
    struct strata_host *host;
    pair_memory_init(memory);
    struct strata_config config = {.size = sizeof config, .allocator = &memory->allocator};
    REQUIRE(strata_host_new(&host, &config) == 0);
    return host;
}

TEST(a_closed_handle_is_bad_ever_after)
{
    struct pair_memory memory;
    struct strata_host *host = host_of(&memory);
    strata_socket seen[1000];
    for (int i = 0; i < 1000; i++) {
        seen[i] = strata_open(host, i % 3 ? STRATA_DATAGRAM : STRATA_STREAM);
        REQUIRE(seen[i] > 0);
        CHECK_EQ(strata_close(host, seen[i], 0), 0);
        for (int j = i; j >= 0 && j > i - 5; j--)
            CHECK_EQ(strata_close(host, seen[j], 0), -EBADF);
        for (int j = 0; j < i; j++)
            CHECK(seen[j] != seen[i]); // though all of them were at the same place
    }
    strata_host_free(host);
    CHECK_EQ(memory.bytes, 0);
}

TEST(every_call_knows_a_bad_handle)
{
    struct pair_memory memory;
    struct strata_host *host = host_of(&memory);
    strata_socket stale = strata_open(host, STRATA_STREAM);
    strata_close(host, stale, 0);
    strata_socket next = strata_open(host, STRATA_STREAM); // at the same place
    strata_socket bad[] = {0, -1, 1, INT64_MAX, INT64_MIN, stale, next + 1, next + ((int64_t)1 << 24)};
    struct strata_endpoint end = {.port = 9};
    struct strata_iovec piece;
    struct strata_syn syn = {.size = sizeof syn};
    struct strata_tcp_info info = {.size = sizeof info};
    struct strata_address group = strata_ipv4(239, 0, 0, 1);
    char data[4] = "abc";
    int64_t value;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        strata_socket s = bad[i];
        CHECK_EQ(strata_bind(host, s, &end), -EBADF);
        CHECK_EQ(strata_listen(host, s, 0, 0), -EBADF);
        CHECK_EQ(strata_accept(host, s, NULL, 0), -EBADF);
        CHECK_EQ(strata_connect(host, s, &end, 0), -EBADF);
        CHECK_EQ(strata_read(host, s, data, 3, 0), -EBADF);
        CHECK_EQ(strata_write(host, s, data, 3, 0), -EBADF);
        CHECK_EQ(strata_peek(host, s, data, 3), -EBADF);
        CHECK_EQ(strata_data(host, s, &piece, 1), -EBADF);
        CHECK_EQ(strata_consume(host, s, 1, 0), -EBADF);
        CHECK_EQ(strata_space(host, s, 1, &piece, 1), -EBADF);
        CHECK_EQ(strata_commit(host, s, 1, 0), -EBADF);
        CHECK_EQ(strata_shutdown(host, s, STRATA_SHUTDOWN_WRITE, 0), -EBADF);
        CHECK_EQ(strata_close(host, s, 0), -EBADF);
        CHECK_EQ(strata_abort(host, s, 0), -EBADF);
        CHECK_EQ(strata_send(host, s, data, 3, NULL, 0), -EBADF);
        CHECK_EQ(strata_receive(host, s, data, 3, NULL, 0), -EBADF);
        CHECK_EQ(strata_receive_error(host, s, data, 3, NULL), -EBADF);
        CHECK_EQ(strata_set_option(host, s, STRATA_OPTION_TTL, 9, 0), -EBADF);
        CHECK_EQ(strata_get_option(host, s, STRATA_OPTION_TTL, &value), -EBADF);
        CHECK_EQ(strata_join(host, s, &group, 0, 0), -EBADF);
        CHECK_EQ(strata_leave(host, s, &group, 0, 0), -EBADF);
        CHECK_EQ(strata_local(host, s, &end), -EBADF);
        CHECK_EQ(strata_peer(host, s, &end), -EBADF);
        CHECK_EQ(strata_take_error(host, s), -EBADF);
        CHECK_EQ(strata_readiness(host, s), -EBADF);
        CHECK_EQ(strata_set_user(host, s, NULL), -EBADF);
        CHECK_EQ(strata_pending(host, s, &syn), -EBADF);
        CHECK_EQ(strata_decide(host, s, 1, STRATA_ACCEPT, 0), -EBADF);
        CHECK_EQ(strata_write_urgent(host, s, data, 3, 0), -EBADF);
        CHECK_EQ(strata_urgent_mark(host, s), -EBADF);
        CHECK_EQ(strata_read_urgent(host, s, data, 0, 0), -EBADF);
        CHECK_EQ(strata_tcp_info(host, s, &info), -EBADF);
    }
    CHECK_EQ(strata_readiness(host, next), 0);
    strata_host_free(host);
    CHECK_EQ(memory.bytes, 0);
}

TEST(calls_know_what_a_socket_is_not)
{
    struct pair_memory memory;
    struct strata_host *host = host_of(&memory);
    strata_socket stream = strata_open(host, STRATA_STREAM), datagram = strata_open(host, STRATA_DATAGRAM);
    struct strata_iovec piece;
    struct strata_syn syn = {.size = sizeof syn};
    struct strata_tcp_info info = {.size = sizeof info};
    char data[4] = "abc";
    CHECK_EQ(strata_open(host, (enum strata_socket_type)0), -EINVAL);
    CHECK_EQ(strata_open(host, (enum strata_socket_type)4), -EINVAL);
    CHECK_EQ(strata_bind(host, stream, NULL), -EINVAL);
    CHECK_EQ(strata_connect(host, stream, NULL, 0), -EINVAL);
    CHECK_EQ(strata_read(host, stream, data, 3, 0), -ENOTCONN);
    CHECK_EQ(strata_write(host, stream, data, 3, 0), -ENOTCONN);
    CHECK_EQ(strata_peek(host, stream, data, 3), -ENOTCONN);
    CHECK_EQ(strata_data(host, stream, &piece, 1), -ENOTCONN);
    CHECK_EQ(strata_shutdown(host, stream, STRATA_SHUTDOWN_WRITE, 0), -ENOTCONN);
    CHECK_EQ(strata_accept(host, stream, NULL, 0), -EINVAL);
    CHECK_EQ(strata_pending(host, stream, &syn), -EINVAL);
    CHECK_EQ(strata_send(host, stream, data, 3, NULL, 0), -EOPNOTSUPP);
    CHECK_EQ(strata_receive(host, stream, data, 3, NULL, 0), -EOPNOTSUPP);
    CHECK_EQ(strata_receive_error(host, stream, data, 3, NULL), -EOPNOTSUPP);
    CHECK_EQ(strata_take_error(host, stream), 0);
    CHECK_EQ(strata_tcp_info(host, stream, &info), 0);
    CHECK_EQ(info.state, STRATA_TCP_CLOSED);
    CHECK_EQ(strata_read(host, datagram, data, 3, 0), -EOPNOTSUPP);
    CHECK_EQ(strata_write(host, datagram, data, 3, 0), -EOPNOTSUPP);
    CHECK_EQ(strata_listen(host, datagram, 0, 0), -EOPNOTSUPP);
    CHECK_EQ(strata_accept(host, datagram, NULL, 0), -EOPNOTSUPP);
    CHECK_EQ(strata_tcp_info(host, datagram, &info), -EOPNOTSUPP);
    CHECK_EQ(strata_receive(host, datagram, NULL, 3, NULL, 0), -EINVAL);
    struct strata_endpoint end;
    CHECK_EQ(strata_peer(host, stream, &end), -ENOTCONN);
    CHECK_EQ(strata_local(host, stream, &end), 0);
    CHECK_EQ(end.port, 0);
    strata_host_free(host);
    CHECK_EQ(memory.bytes, 0);
}

TEST(thousands_of_sockets_come_and_go)
{
    enum { COUNT = 20000 };
    static strata_socket sockets[COUNT];
    struct pair_memory memory;
    struct strata_host *host = host_of(&memory);
    size_t before = memory.bytes;
    for (int i = 0; i < COUNT; i++) {
        sockets[i] = strata_open(host, STRATA_STREAM);
        REQUIRE(sockets[i] > 0);
        strata_set_user(host, sockets[i], &sockets[i]);
    }
    printf("    an idle socket takes %zu bytes\n", (memory.bytes - before) / COUNT);
    CHECK((memory.bytes - before) / COUNT <= 96);
    // Every other one goes, others come; nobody is mistaken for another.
    for (int i = 0; i < COUNT; i += 2)
        CHECK_EQ(strata_close(host, sockets[i], 0), 0);
    for (int i = 0; i < COUNT; i++)
        CHECK_EQ(strata_readiness(host, sockets[i]), i % 2 ? 0 : -EBADF);
    for (int i = 0; i < COUNT; i += 2)
        sockets[i] = strata_open(host, STRATA_STREAM);
    for (int i = 0; i < COUNT; i++)
        CHECK_EQ(strata_readiness(host, sockets[i]), 0);
    for (int i = 0; i < COUNT; i++)
        CHECK_EQ(strata_close(host, sockets[i], 0), 0);
    CHECK(memory.bytes - before < 16384); // what remains is the directory
    strata_host_free(host);
    CHECK_EQ(memory.bytes, 0);
}

TEST(the_number_of_sockets_is_bounded)
{
    struct pair_memory memory;
    struct strata_host *host = host_of(&memory);
    CHECK_EQ(strata_set(host, "strata.sockets", 100), 0);
    strata_socket last = 0;
    for (int i = 0; i < 100; i++)
        CHECK((last = strata_open(host, i % 2 ? STRATA_STREAM : STRATA_ECHO)) > 0);
    CHECK_EQ(strata_open(host, STRATA_STREAM), -EMFILE);
    CHECK_EQ(strata_open(host, STRATA_DATAGRAM), -EMFILE);
    strata_close(host, last, 0);
    CHECK(strata_open(host, STRATA_DATAGRAM) > 0);
    CHECK_EQ(strata_open(host, STRATA_STREAM), -EMFILE);
    strata_host_free(host);
    CHECK_EQ(memory.bytes, 0);
}

TEST(events_come_in_order_and_those_of_the_closed_never)
{
    struct pair pair;
    struct strata_event event;
    enum { COUNT = 200 };
    strata_socket sockets[COUNT];
    int users[COUNT];
    pair_start(&pair, STRATA_LINK_IP);
    strata_socket sender = strata_open(pair.b, STRATA_DATAGRAM);
    for (int i = 0; i < COUNT; i++) {
        struct strata_endpoint local = {.port = (uint16_t)(1000 + i)};
        sockets[i] = strata_open(pair.a, STRATA_DATAGRAM);
        CHECK_EQ(strata_bind(pair.a, sockets[i], &local), 0);
        CHECK_EQ(strata_set_user(pair.a, sockets[i], &users[i]), 0);
    }
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < COUNT; i++) {
            struct strata_envelope envelope = {.size = sizeof envelope,
                                               .peer = pair_ipv4(0, (uint16_t)(1000 + (i * 7) % COUNT))};
            CHECK_EQ(strata_send(pair.b, sender, "x", 1, &envelope, pair.now), 1);
            pair_settle(&pair);
        }
    // First, middle and last of the queue go, and others with them.
    for (int i = 0; i < COUNT; i++)
        if (i % 3 == 0 || i == COUNT - 7)
            CHECK_EQ(strata_close(pair.a, sockets[i], pair.now), 0);
    int events = 0;
    for (int i = 0; i < COUNT; i++) {
        int which = (i * 7) % COUNT;
        if (which % 3 == 0 || which == COUNT - 7)
            continue;
        REQUIRE(strata_event_next(pair.a, &event) == 1);
        CHECK_EQ(event.socket, sockets[which]);
        CHECK(event.user == &users[which]);
        CHECK_EQ(event.ready, STRATA_READABLE);
        events++;
    }
    CHECK_EQ(strata_event_next(pair.a, &event), 0);
    CHECK_EQ(events, 132);
    pair_free(&pair);
}

TEST(ports_that_are_chosen_cannot_be_guessed)
{
    struct pair_memory memory[2];
    uint16_t chosen[2][64];
    for (int i = 0; i < 2; i++) {
        struct strata_host *host;
        pair_memory_init(&memory[i]);
        struct strata_config config = {
            .size = sizeof config, .allocator = &memory[i].allocator, .seed = {(uint8_t)i}};
        REQUIRE(strata_host_new(&host, &config) == 0);
        int rising = 0;
        for (int j = 0; j < 64; j++) {
            struct strata_endpoint any = {.port = 0}, local;
            strata_socket socket = strata_open(host, j % 2 ? STRATA_DATAGRAM : STRATA_STREAM);
            CHECK_EQ(strata_bind(host, socket, &any), 0);
            CHECK_EQ(strata_bind(host, socket, &any), -EINVAL);
            CHECK_EQ(strata_local(host, socket, &local), 0);
            chosen[i][j] = local.port;
            CHECK(local.port >= 32768 && local.port <= 60999);
            rising += j > 0 && chosen[i][j] > chosen[i][j - 1];
        }
        CHECK(rising > 10 && rising < 54);
        strata_host_free(host);
    }
    int same = 0;
    for (int j = 0; j < 64; j++)
        same += chosen[0][j] == chosen[1][j];
    CHECK(same < 4);
}

TEST_MAIN(TEST_ENTRY(a_closed_handle_is_bad_ever_after), TEST_ENTRY(every_call_knows_a_bad_handle),
          TEST_ENTRY(calls_know_what_a_socket_is_not), TEST_ENTRY(thousands_of_sockets_come_and_go),
          TEST_ENTRY(the_number_of_sockets_is_bounded),
          TEST_ENTRY(events_come_in_order_and_those_of_the_closed_never),
          TEST_ENTRY(ports_that_are_chosen_cannot_be_guessed))
