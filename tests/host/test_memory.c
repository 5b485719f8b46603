/**
 * Memory: every allocation of a day may fail, the budget may be reached, and a host may be freed at any
 * moment.
 */
#include "base/memory.h"
#include "tests/host/solo.h"

#include <errno.h>

/** One step of the program below; which calls fail does not matter to it, only that nothing breaks. */
struct day {
    struct pair pair;
    strata_socket listener, client, server, datagram[2], echo;
    size_t received, datagrams;
};

static void carry(struct day *day, int host, strata_socket from, strata_socket to)
{
    static uint8_t data[30000];
    struct pair *pair = &day->pair;
    int64_t taken = strata_write(pair->host[host], from, data, sizeof data, pair->now);
    CHECK(taken > 0 || taken == -EAGAIN || taken == -ENOTCONN || taken == -EBADF || taken == -ECONNRESET ||
          taken == -EPIPE || taken == -ETIMEDOUT || taken == -ECONNREFUSED || taken == -ENOBUFS);
    pair_run(pair, 3 * STRATA_SECOND);
    int64_t got;
    while ((got = strata_read(pair->host[!host], to, data, sizeof data, pair->now)) > 0)
        day->received += (size_t)got;
}

static void live(struct day *day)
{
    struct pair *pair = &day->pair;
    struct strata_endpoint at = {.port = 80}, peer = pair_ipv4(0, 80);
    struct strata_event event;
    static uint8_t data[5000];
    day->listener = strata_open(pair->a, STRATA_STREAM);
    strata_bind(pair->a, day->listener, &at);
    strata_set_option(pair->a, day->listener, STRATA_OPTION_KEEP_IDLE_NS, STRATA_SECOND, pair->now);
    strata_listen(pair->a, day->listener, 0, pair->now);
    day->client = strata_open(pair->b, STRATA_STREAM);
    strata_connect(pair->b, day->client, &peer, pair->now);
    pair_run(pair, 4 * STRATA_SECOND);
    day->server = strata_accept(pair->a, day->listener, NULL, pair->now);
    strata_set_option(pair->a, day->server, STRATA_OPTION_KEEP_ALIVE, 1, pair->now);
    carry(day, 1, day->client, day->server);
    carry(day, 0, day->server, day->client);
    for (int i = 0; i < 2; i++) {
        at.port = 53;
        day->datagram[i] = strata_open(pair->host[i], STRATA_DATAGRAM);
        strata_bind(pair->host[i], day->datagram[i], &at);
    }
    struct strata_address group = strata_ipv4(239, 0, 0, 1);
    strata_join(pair->a, day->datagram[0], &group, pair->port, pair->now);
    for (int i = 0; i < 2; i++) {
        struct strata_envelope envelope = {.size = sizeof envelope, .peer = pair_ipv4(!i, 53)};
        int64_t sent = strata_send(pair->host[i], day->datagram[i], data, sizeof data, &envelope, pair->now);
        CHECK(sent == sizeof data || sent == -ENOBUFS || sent == -EBADF || sent == -ENOMEM ||
              sent == -EAGAIN || sent == -ENETUNREACH);
        pair_run(pair, 2 * STRATA_SECOND);
        if (strata_receive(pair->host[!i], day->datagram[!i], data, sizeof data, NULL, pair->now) ==
            sizeof data)
            day->datagrams++;
    }
    day->echo = strata_open(pair->a, STRATA_ECHO);
    struct strata_envelope ping = {.size = sizeof ping, .peer = pair_ipv4(1, 1)};
    strata_send(pair->a, day->echo, data, 100, &ping, pair->now);
    ping.peer.address = strata_ipv4(10, 0, 0, 99); // nobody
    strata_send(pair->a, day->echo, data, 100, &ping, pair->now);
    struct strata_route route = {.destination = strata_ipv4(192, 0, 2, 0),
                                 .prefix_length = 24,
                                 .gateway = pair_ipv4(1, 0).address,
                                 .port = -1};
    strata_route_add(pair->a, &route);
    pair_run(pair, 5 * STRATA_SECOND);
    while (strata_event_next(pair->a, &event))
        continue;
    strata_close(pair->a, day->server, pair->now);
    strata_close(pair->b, day->client, pair->now);
    strata_close(pair->a, day->listener, pair->now);
    strata_close(pair->a, day->datagram[0], pair->now);
    strata_close(pair->a, day->echo, pair->now);
    pair_run(pair, STRATA_SECOND);
}

TEST(every_allocation_of_a_day_may_fail)
{
    uint64_t total = 0;
    for (int after = 0; after < 2; after++) { // only that one, or all from then on
        for (uint64_t n = 0; n == 0 || n <= total; n += n < 120 ? 1 : 7) {
            struct day day = {0};
            struct pair_config config = {.link = STRATA_LINK_ETHERNET};
            REQUIRE(pair_make(&day.pair, &config) == 0);
            struct pair_memory *memory = &day.pair.memory[0];
            uint64_t born = memory->allocations;
            memory->fail_at = n ? born + n : 0;
            memory->fail_after = after;
            live(&day);
            if (n == 0) { // nothing fails: everything arrives
                total = memory->allocations - born;
                CHECK_EQ(day.received, 60000);
                CHECK_EQ(day.datagrams, 2);
            }
            pair_free(&day.pair);
        }
    }
    printf("    %u allocations failed in turn, twice\n", (unsigned)total);
    CHECK(total > 40);
}

TEST(one_failed_allocation_does_not_break_what_is_connected)
{
    // Bytes that are lost for want of memory were not acknowledged: they come again.
    for (uint64_t n = 1; n < 60; n++) {
        struct pair pair;
        strata_socket listener, client, server;
        static uint8_t out[40000], in[40000];
        uint64_t seed = n;
        test_fill(&seed, out, sizeof out);
        pair_start(&pair, STRATA_LINK_IP);
        pair_connect(&pair, false, 80, &listener, &client, &server);
        for (int i = 0; i < 2; i++)
            pair.memory[i].fail_at = pair.memory[i].allocations + n;
        size_t sent = 0, got = 0;
        for (int i = 0; i < 200 && got < sizeof in; i++) {
            int64_t some = strata_write(pair.a, client, out + sent, sizeof out - sent, pair.now);
            CHECK(some >= 0 || some == -EAGAIN);
            sent += some > 0 ? (size_t)some : 0;
            pair_run(&pair, STRATA_SECOND / 4);
            while ((some = strata_read(pair.b, server, in + got, sizeof in - got, pair.now)) > 0)
                got += (size_t)some;
        }
        CHECK_EQ(got, sizeof in);
        CHECK_MEM(in, out, sizeof in);
        pair_free(&pair);
    }
}

TEST(a_host_may_be_freed_at_any_moment)
{
    for (int frames = 0; frames < 60; frames++) {
        struct pair pair;
        uint8_t room[2048], data[3000] = {0};
        pair_start(&pair, STRATA_LINK_ETHERNET);
        strata_socket listener = strata_open(pair.b, STRATA_STREAM);
        struct strata_endpoint at = {.port = 80}, peer = pair_ipv4(1, 80);
        strata_bind(pair.b, listener, &at);
        strata_listen(pair.b, listener, 0, pair.now);
        for (int i = 0; i < 3; i++) {
            strata_socket client = strata_open(pair.a, STRATA_STREAM),
                          datagram = strata_open(pair.a, STRATA_DATAGRAM);
            strata_connect(pair.a, client, &peer, pair.now);
            strata_write(pair.a, client, data, sizeof data, pair.now);
            struct strata_envelope envelope = {.size = sizeof envelope, .peer = peer};
            strata_send(pair.a, datagram, data, sizeof data, &envelope, pair.now);
            if (i == 1) {
                strata_close(pair.a, client, pair.now);
                strata_close(pair.a, datagram, pair.now);
            }
        }
        for (int i = 0; i < frames; i++) {
            int from = i & 1;
            size_t length = strata_host_output(pair.host[from], pair.port, room, sizeof room, NULL, pair.now);
            if (length)
                strata_host_input(pair.host[!from], pair.port, room, length, NULL, pair.now);
            pair.now += STRATA_MILLISECOND;
            strata_host_advance(pair.host[from], pair.now);
            if (i == 30)
                (void)strata_accept(pair.b, listener, NULL, pair.now);
        }
        pair_free(&pair);
    }
}

/** Fills the budget of host b with data that nobody reads, over as many connections as it takes. */
TEST(at_the_budget_windows_close_and_nobody_loses_anything)
{
    enum { MOST = 64, BUDGET = 2 << 20 };
    struct pair pair;
    static uint8_t data[65536], got[65536];
    strata_socket clients[MOST], servers[MOST];
    uint64_t sent[MOST] = {0}, received[MOST] = {0}, total = 0;
    struct pair_config config = {.link = STRATA_LINK_IP, .memory_bytes = BUDGET};
    REQUIRE(pair_make(&pair, &config) == 0);
    struct strata_endpoint at = {.port = 80}, peer = pair_ipv4(1, 80);
    strata_socket listener = strata_open(pair.b, STRATA_STREAM);
    CHECK_EQ(strata_bind(pair.b, listener, &at), 0);
    // What is promised is more than there is: 64 times 64 KiB.
    CHECK_EQ(strata_set_option(pair.b, listener, STRATA_OPTION_RECEIVE_BUFFER, 262144, pair.now), 0);
    CHECK_EQ(strata_listen(pair.b, listener, 0, pair.now), 0);
    for (int i = 0; i < MOST; i++) {
        clients[i] = strata_open(pair.a, STRATA_STREAM);
        CHECK_EQ(strata_connect(pair.a, clients[i], &peer, pair.now), -EINPROGRESS);
        pair_settle(&pair);
        servers[i] = strata_accept(pair.b, listener, NULL, pair.now);
        REQUIRE(servers[i] > 0);
    }
    // Every byte says which one it is, so that a loss is seen.
    for (int round = 0; round < 200; round++) {
        for (int i = 0; i < MOST; i++) {
            for (size_t j = 0; j < sizeof data; j++)
                data[j] = (uint8_t)((sent[i] + j) * 31 + (unsigned)i);
            int64_t taken = strata_write(pair.a, clients[i], data, 8192, pair.now);
            CHECK(taken > 0 || taken == -EAGAIN);
            sent[i] += taken > 0 ? (uint64_t)taken : 0;
        }
        pair_run(&pair, STRATA_SECOND / 10);
    }
    struct strata_memory memory = {.size = sizeof memory};
    for (int i = 0; i < 2; i++) {
        strata_memory(pair.host[i], &memory);
        CHECK(memory.used_bytes <= BUDGET);
        CHECK(pair.memory[i].peak_bytes <= BUDGET);
    }
    CHECK(memory.used_bytes > BUDGET / 64 * 53 - 8192); // the rest is for empty rings and small records
    // A program that wants more is refused, and told so.
    strata_socket datagram;
    int refused = 0;
    for (int i = 0; i < 10000 && !refused; i++) {
        datagram = strata_open(pair.b, STRATA_DATAGRAM);
        refused = datagram == -ENOMEM;
    }
    CHECK(refused);
    // Now somebody reads: everything written arrives, in order, everywhere.
    for (int round = 0; round < 3000; round++) {
        uint64_t left = 0;
        for (int i = 0; i < MOST; i++) {
            int64_t some;
            while ((some = strata_read(pair.b, servers[i], got, sizeof got, pair.now)) > 0)
                for (int64_t j = 0; j < some; j++, received[i]++)
                    if (got[j] != (uint8_t)(received[i] * 31 + (unsigned)i)) {
                        CHECK_EQ(got[j], (uint8_t)(received[i] * 31 + (unsigned)i));
                        some = 0;
                    }
            left += sent[i] - received[i];
        }
        if (left == 0)
            break;
        pair_run(&pair, STRATA_SECOND / 10);
    }
    for (int i = 0; i < MOST; i++) {
        CHECK_EQ(received[i], sent[i]);
        total += received[i];
    }
    CHECK(total > BUDGET);
    pair_free(&pair);
}

/** A connection whose bytes say which one they are of. */
struct stream {
    strata_socket client, server;
    uint64_t sent, received;
};

static uint8_t byte_of(unsigned which, uint64_t position)
{
    return (uint8_t)(position * 31 + position / 251 + which);
}

static void stream_write(struct pair *pair, struct stream *stream, unsigned which, size_t size)
{
    static uint8_t data[8192];
    for (size_t i = 0; i < size; i++)
        data[i] = byte_of(which, stream->sent + i);
    int64_t taken = strata_write(pair->a, stream->client, data, size, pair->now);
    CHECK(taken > 0 || taken == -EAGAIN);
    stream->sent += taken > 0 ? (uint64_t)taken : 0;
}

/** Reads all that is there; @return whether it is what was sent. */
static bool stream_read(struct pair *pair, struct stream *stream, unsigned which)
{
    static uint8_t data[65536];
    int64_t got;
    while ((got = strata_read(pair->b, stream->server, data, sizeof data, pair->now)) > 0)
        for (int64_t i = 0; i < got; i++)
            if (data[i] != byte_of(which, stream->received++))
                return CHECK(data[i] == byte_of(which, stream->received - 1));
    return true;
}

static struct strata_tcp_info stream_info(struct pair *pair, const struct stream *stream)
{
    struct strata_tcp_info info = {.size = sizeof info};
    CHECK_EQ(strata_tcp_info(pair->a, stream->client, &info), 0);
    return info;
}

TEST(at_the_budget_windows_close_established_ones_go_on_and_afterwards_all_is_as_before)
{
    enum { COUNT = 40, BUDGET = 2 << 20 };
    struct pair pair;
    struct stream streams[COUNT] = {{0}}, fresh = {0};
    struct pair_config config = {.link = STRATA_LINK_IP, .memory_bytes = BUDGET};
    REQUIRE(pair_make(&pair, &config) == 0);
    struct strata_endpoint at = {.port = 80}, peer = pair_ipv4(1, 80);
    struct strata_memory memory = {.size = sizeof memory};
    strata_socket listener = strata_open(pair.b, STRATA_STREAM);
    CHECK_EQ(strata_bind(pair.b, listener, &at), 0);
    // What is promised is more than there is: 40 times 64 KiB.
    CHECK_EQ(strata_set_option(pair.b, listener, STRATA_OPTION_RECEIVE_BUFFER, 262144, pair.now), 0);
    CHECK_EQ(strata_listen(pair.b, listener, 0, pair.now), 0);
    for (unsigned i = 0; i < COUNT; i++) {
        streams[i].client = strata_open(pair.a, STRATA_STREAM);
        CHECK_EQ(strata_connect(pair.a, streams[i].client, &peer, pair.now), -EINPROGRESS);
        pair_settle(&pair);
        streams[i].server = strata_accept(pair.b, listener, NULL, pair.now);
        REQUIRE(streams[i].server > 0);
        // The sender keeps little, so that it is the receiver whose memory ends.
        CHECK_EQ(strata_set_option(pair.a, streams[i].client, STRATA_OPTION_SEND_BUFFER, 8192, pair.now), 0);
    }
    uint32_t open_window = stream_info(&pair, &streams[0]).send_window;
    CHECK(open_window > 32768);
    for (int round = 0; round < 300; round++) {
        for (unsigned i = 0; i < COUNT; i++)
            stream_write(&pair, &streams[i], i, 4096);
        pair_run(&pair, STRATA_SECOND / 10);
    }
    strata_memory(pair.b, &memory);
    CHECK(memory.used_bytes > BUDGET / 64 * 53 - 8192 && memory.used_bytes <= BUDGET);
    for (unsigned i = 0; i < COUNT; i++)
        CHECK_EQ(stream_info(&pair, &streams[i]).state, STRATA_TCP_ESTABLISHED);
    // Whoever wants to connect waits.
    uint64_t refused = pair_counter(pair.b, "tcp_drop_memory");
    fresh.client = strata_open(pair.a, STRATA_STREAM);
    CHECK_EQ(strata_connect(pair.a, fresh.client, &peer, pair.now), -EINPROGRESS);
    pair_run(&pair, STRATA_SECOND / 2);
    CHECK_EQ(stream_info(&pair, &fresh).state, STRATA_TCP_SYN_SENT);
    CHECK(pair_counter(pair.b, "tcp_drop_memory") > refused);
    // One whose program reads goes on, though all others hold what they have. Its window, once what was
    // promised is used up, is closed but for the segment or two that there is always room for.
    for (int round = 0; round < 3000 && stream_info(&pair, &streams[0]).send_window > 2 * 1460; round++) {
        stream_write(&pair, &streams[0], 0, 4096);
        pair_run(&pair, STRATA_SECOND / 20);
        REQUIRE(stream_read(&pair, &streams[0], 0));
    }
    CHECK(stream_info(&pair, &streams[0]).send_window <= 2 * 1460);
    pair_run(&pair, 60 * STRATA_SECOND); // what was dropped on the way there comes again
    uint64_t before = streams[0].received, timeouts = stream_info(&pair, &streams[0]).timeouts;
    for (int round = 0; round < 200; round++) {
        stream_write(&pair, &streams[0], 0, 4096);
        pair_run(&pair, STRATA_SECOND / 20);
        REQUIRE(stream_read(&pair, &streams[0], 0));
    }
    CHECK(streams[0].received - before > 200 * 1460);
    CHECK_EQ(stream_info(&pair, &streams[0]).timeouts, timeouts); // nothing of it found no memory
    strata_memory(pair.b, &memory);
    CHECK(memory.used_bytes > BUDGET / 8 * 7 - 400000 && memory.used_bytes <= BUDGET);
    // Somebody reads the rest: all of it is there.
    for (int round = 0; round < 2000; round++) {
        uint64_t left = 0;
        for (unsigned i = 0; i < COUNT; i++) {
            REQUIRE(stream_read(&pair, &streams[i], i));
            left += streams[i].sent - streams[i].received;
        }
        if (left == 0)
            break;
        pair_run(&pair, STRATA_SECOND / 10);
    }
    for (unsigned i = 0; i < COUNT; i++)
        CHECK_EQ(streams[i].received, streams[i].sent);
    // Windows are open again, and who waited is let in.
    pair_run(&pair, 130 * STRATA_SECOND);
    for (unsigned i = 0; i < COUNT; i++)
        CHECK(stream_info(&pair, &streams[i]).send_window > open_window / 2);
    fresh.server = strata_accept(pair.b, listener, NULL, pair.now);
    REQUIRE(fresh.server > 0);
    stream_write(&pair, &fresh, COUNT, 4096);
    pair_run(&pair, STRATA_SECOND);
    CHECK(stream_read(&pair, &fresh, COUNT));
    CHECK_EQ(fresh.received, 4096);
    pair_free(&pair);
}

/** A host with little memory, fragments, datagrams and packets for others: whatever comes, an eighth stays
 * free. */
TEST(no_flood_takes_the_last_of_the_memory)
{
    enum { BUDGET = 1 << 20, SOCKETS = 64 };
    struct solo solo;
    struct strata_config config = {.memory_bytes = BUDGET};
    struct strata_memory memory = {.size = sizeof memory};
    static uint8_t frame[1500], data[1400];
    solo_start_with(&solo, &config, 0);
    struct strata_port_config ethernet = {.size = sizeof ethernet};
    int port = strata_port_add(solo.host, &ethernet);
    struct strata_address there = strata_ipv4(10, 1, 0, 1);
    CHECK_EQ(strata_address_add(solo.host, port, &there, 16, solo.now), 0);
    CHECK_EQ(strata_set(solo.host, "net.ipv4.ip_forward", 1), 0);
    for (unsigned i = 0; i < SOCKETS; i++) {
        struct strata_endpoint local = {.port = (uint16_t)(1000 + i)};
        strata_socket socket = strata_open(solo.host, STRATA_DATAGRAM);
        CHECK_EQ(strata_bind(solo.host, socket, &local), 0);
    }
    CHECK_EQ(strata_memory(solo.host, &memory), 0);
    size_t before = memory.used_bytes;
    struct ipv4_header ip = {.header_bytes = 20,
                             .total_bytes = 20 + 1392,
                             .ttl = 64,
                             .protocol = PROTOCOL_UDP,
                             .more_fragments = true,
                             .source = strata_ipv4(10, 0, 0, 9),
                             .destination = pair_ipv4(0, 0).address};
    for (unsigned i = 0; i < 2000; i++) {
        ip.identification = (uint16_t)i;
        ipv4_emit(frame, &ip);
        memcpy(frame + 20, data, 1392);
        solo_input(&solo, frame, 20 + 1392);
    }
    CHECK_EQ(strata_memory(solo.host, &memory), 0);
    CHECK(memory.reassemblies > 10);
    CHECK(memory.used_bytes < before + BUDGET / 8 + 8192); // and the table
    struct strata_endpoint from = {.address = strata_ipv4(10, 0, 0, 9), .port = 5};
    for (unsigned i = 0; i < 4000; i++) {
        struct strata_endpoint to = pair_ipv4(0, (uint16_t)(1000 + i % SOCKETS));
        solo_udp(&solo, from, to, data, sizeof data);
        to.address =
            strata_ipv4(10, 1, (uint8_t)(i >> 4), (uint8_t)(i + 2)); // a neighbour that never answers
        solo_udp(&solo, from, to, data, sizeof data);
    }
    CHECK_EQ(strata_memory(solo.host, &memory), 0);
    CHECK(memory.used_bytes > BUDGET / 8 * 6); // it was a flood
    CHECK(memory.used_bytes < BUDGET / 8 * 7 + 8192);
    CHECK(pair_counter(solo.host, "udp_drop_buffer_full") > 0);
    CHECK(pair_counter(solo.host, "net_drop_memory") > 0);
    solo_free(&solo);
}

TEST(at_the_budget_new_connections_are_refused)
{
    struct pair pair;
    struct pair_config config = {.link = STRATA_LINK_IP, .memory_bytes = 200000};
    REQUIRE(pair_make(&pair, &config) == 0);
    struct strata_endpoint at = {.port = 80}, peer = pair_ipv4(1, 80);
    strata_socket listener = strata_open(pair.b, STRATA_STREAM), client;
    CHECK_EQ(strata_bind(pair.b, listener, &at), 0);
    CHECK_EQ(strata_listen(pair.b, listener, 0, pair.now), 0);
    // Host b fills itself up.
    while (strata_open(pair.b, STRATA_DATAGRAM) > 0)
        continue;
    client = strata_open(pair.a, STRATA_STREAM);
    CHECK_EQ(strata_connect(pair.a, client, &peer, pair.now), -EINPROGRESS);
    pair_run(&pair, 2 * STRATA_SECOND);
    struct strata_tcp_info info = {.size = sizeof info};
    CHECK_EQ(strata_tcp_info(pair.a, client, &info), 0);
    CHECK(info.state != STRATA_TCP_ESTABLISHED);
    CHECK_EQ(strata_accept(pair.b, listener, NULL, pair.now), -EAGAIN);
    pair_free(&pair);
}

/** Fast Open: the connection waits for its first write, and the write for memory. Somebody has to say when. */
TEST(a_write_that_opens_is_told_when_there_is_memory_again)
{
    struct pair pair;
    pair_start(&pair, STRATA_LINK_IP);
    struct strata_endpoint peer = pair_ipv4(1, 80);
    strata_socket client = strata_open(pair.a, STRATA_STREAM);
    CHECK_EQ(strata_set_option(pair.a, client, STRATA_OPTION_FAST_OPEN_CONNECT, 1, pair.now), 0);
    CHECK_EQ(strata_set(pair.a, "net.ipv4.tcp_fastopen", 1 | 4), 0); // without a cookie
    CHECK_EQ(strata_connect(pair.a, client, &peer, pair.now), 0);
    pair.memory[0].fail_at = pair.memory[0].allocations + 1;
    pair.memory[0].fail_after = true;
    CHECK_EQ(strata_write(pair.a, client, "hello", 5, pair.now), -EAGAIN);
    struct strata_event event;
    while (strata_event_next(pair.a, &event))
        continue;
    pair_run(&pair, STRATA_SECOND);
    CHECK_EQ(pair.frames[0], 0);
    pair.memory[0].fail_after = false;
    pair.memory[0].fail_at = 0;
    CHECK_EQ(strata_event_next(pair.a, &event), 1);
    CHECK(event.socket == client && event.ready & STRATA_WRITABLE);
    CHECK_EQ(strata_write(pair.a, client, "hello", 5, pair.now), 5);
    pair_settle(&pair);
    CHECK(pair.frames[0] > 0);
    pair_free(&pair);
}

TEST(thousands_of_connections_cost_little_each)
{
    enum { COUNT = 4000 };
    struct pair pair;
    static strata_socket clients[COUNT], servers[COUNT];
    pair_start(&pair, STRATA_LINK_IP);
    struct strata_endpoint at = {.port = 80}, peer = pair_ipv4(1, 80);
    strata_socket listener = strata_open(pair.b, STRATA_STREAM);
    CHECK_EQ(strata_bind(pair.b, listener, &at), 0);
    CHECK_EQ(strata_listen(pair.b, listener, 0, pair.now), 0);
    size_t before = pair.memory[0].bytes + pair.memory[1].bytes;
    char byte;
    for (int i = 0; i < COUNT; i++) {
        clients[i] = strata_open(pair.a, STRATA_STREAM);
        REQUIRE(strata_connect(pair.a, clients[i], &peer, pair.now) == -EINPROGRESS);
        pair_settle(&pair);
        servers[i] = strata_accept(pair.b, listener, NULL, pair.now);
        REQUIRE(servers[i] > 0);
        CHECK_EQ(strata_write(pair.a, clients[i], "x", 1, pair.now), 1);
        pair_settle(&pair);
        CHECK_EQ(strata_read(pair.b, servers[i], &byte, 1, pair.now), 1);
    }
    pair_run(&pair, STRATA_SECOND);
    size_t each = (pair.memory[0].bytes + pair.memory[1].bytes - before) / (2 * COUNT);
    printf("    an idle connected endpoint takes %zu bytes\n", each);
    CHECK(each < 1024);
    struct strata_memory memory = {.size = sizeof memory};
    strata_memory(pair.b, &memory);
    CHECK_EQ(memory.connections, COUNT);
    CHECK_EQ(memory.sockets, COUNT + 1);
    CHECK_EQ(memory.pages, 0);
    for (int i = 0; i < COUNT; i++) {
        CHECK_EQ(strata_close(pair.a, clients[i], pair.now), 0);
        CHECK_EQ(strata_close(pair.b, servers[i], pair.now), 0);
    }
    pair_run(&pair, 100 * STRATA_SECOND);
    strata_memory(pair.a, &memory);
    CHECK_EQ(memory.connections + memory.time_wait + memory.sockets, 0);
    // Tables, and pages kept for reuse.
    CHECK(pair.memory[0].bytes + pair.memory[1].bytes < before + 100000 + MEMORY_POOL_PAGES * PAGE_BYTES);
    pair_free(&pair);
}

TEST_MAIN(TEST_ENTRY(every_allocation_of_a_day_may_fail),
          TEST_ENTRY(one_failed_allocation_does_not_break_what_is_connected),
          TEST_ENTRY(a_host_may_be_freed_at_any_moment),
          TEST_ENTRY(at_the_budget_windows_close_and_nobody_loses_anything),
          TEST_ENTRY(at_the_budget_windows_close_established_ones_go_on_and_afterwards_all_is_as_before),
          TEST_ENTRY(no_flood_takes_the_last_of_the_memory),
          TEST_ENTRY(at_the_budget_new_connections_are_refused),
          TEST_ENTRY(a_write_that_opens_is_told_when_there_is_memory_again),
          TEST_ENTRY(thousands_of_connections_cost_little_each))
