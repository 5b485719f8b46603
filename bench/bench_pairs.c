/*
 * pairs: request-response pairs of 64 bytes per second on one connection, and connections: opened and closed
 * per second, one after the other, by two hosts in one process on one core.
 */
#include "support_hosts.h"

#include <stdio.h>
#include <string.h>

#define PAIR_BYTES 64
#define REPEATS 3
#define SECONDS 1.0
/** Each closed connection holds its four-tuple for the time of TIME-WAIT, so connections go to many ports in
 * turn. */
#define LISTENERS 64
#define FIRST_PORT 1000

/** One message of 64 bytes from one host to the other. */
static void pass(struct hosts *hosts, struct strata_host *from, strata_socket writer, struct strata_host *to,
                 int to_port, strata_socket reader)
{
    uint8_t bytes[PAIR_BYTES];
    if (strata_write(from, writer, bench_message(), PAIR_BYTES, hosts->now) != PAIR_BYTES)
        bench_fail("a message was not taken");
    int64_t got;
    do {
        unsigned count = hosts_take(hosts, from);
        if (count == 0)
            bench_fail("a message does not leave");
        hosts_give(hosts, to, to_port, count);
        got = strata_read(to, reader, bytes, PAIR_BYTES, hosts->now);
    } while (got < 0);
    if (got != PAIR_BYTES || memcmp(bytes, bench_message(), PAIR_BYTES) != 0)
        bench_fail("what arrived is not what was sent");
}

static void measure_pairs(void)
{
    struct hosts *hosts = hosts_new(0);
    strata_socket client, server;
    hosts_connect(hosts, 80, 0, &client, &server);
    must(strata_set_option(hosts->client, client, STRATA_OPTION_NO_DELAY, 1, hosts->now), "no delay");
    must(strata_set_option(hosts->server, server, STRATA_OPTION_NO_DELAY, 1, hosts->now), "no delay");
    double ours[REPEATS], theirs[REPEATS];
    struct bench_peer peer = {0};
    for (int i = 0; i < REPEATS; i++) {
        int64_t began = bench_cpu_ns(), end = bench_now_ns() + (int64_t)(SECONDS * 1e9);
        uint64_t pairs = 0;
        while (hosts->now < end) {
            hosts->now = bench_now_ns();
            if (strata_host_deadline(hosts->client) <= hosts->now)
                strata_host_advance(hosts->client, hosts->now);
            if (strata_host_deadline(hosts->server) <= hosts->now)
                strata_host_advance(hosts->server, hosts->now);
            pass(hosts, hosts->client, client, hosts->server, hosts->server_port, server);
            pass(hosts, hosts->server, server, hosts->client, hosts->client_port, client);
            pairs++;
        }
        ours[i] = (double)pairs * 1e9 / (double)(bench_cpu_ns() - began);
        peer = bench_run_peer("peer_lwip", "pairs", SECONDS);
        theirs[i] = peer.value;
    }
    bench_result("pairs", bench_median(ours, REPEATS), "1/s", true,
                 bench_peer_json(&peer, bench_median(theirs, REPEATS)));
    hosts_free(hosts);
}

/** Three-way handshake, close at both ends, FINs and their ACKs. */
static void open_and_close(struct hosts *hosts, strata_socket listener, uint16_t port)
{
    strata_socket client = hosts_dial(hosts, port);
    strata_socket server;
    while ((server = strata_accept(hosts->server, listener, NULL, hosts->now)) < 0)
        if (!hosts_turn(hosts))
            bench_fail("a connection is not opened");
    uint8_t byte;
    must(strata_close(hosts->client, client, hosts->now), "strata_close");
    while (strata_read(hosts->server, server, &byte, 1, hosts->now) != 0)
        if (!hosts_turn(hosts))
            bench_fail("a connection is not closed");
    must(strata_close(hosts->server, server, hosts->now), "strata_close");
    hosts_settle(hosts);
}

static void measure_connections(void)
{
    struct hosts *hosts = hosts_new((size_t)4 << 30);
    strata_socket listeners[LISTENERS];
    for (int i = 0; i < LISTENERS; i++)
        listeners[i] = hosts_listen(hosts, (uint16_t)(FIRST_PORT + i), 16);
    double ours[REPEATS];
    unsigned next = 0;
    for (int i = 0; i < REPEATS; i++) {
        int64_t began = bench_cpu_ns(), end = bench_now_ns() + (int64_t)(SECONDS * 1e9);
        uint64_t count = 0;
        for (; hosts->now < end; count++, next = (next + 1) % LISTENERS)
            open_and_close(hosts, listeners[next], (uint16_t)(FIRST_PORT + next));
        ours[i] = (double)count * 1e9 / (double)(bench_cpu_ns() - began);
    }
    struct strata_memory memory = {.size = sizeof memory};
    must(strata_memory(hosts->client, &memory), "strata_memory");
    char more[128];
    snprintf(more, sizeof more, ", \"note\": \"%u in TIME-WAIT at the end, %u connections\"",
             memory.time_wait, memory.connections);
    bench_result("connections", bench_median(ours, REPEATS), "1/s", true, more);
    hosts_free(hosts);
}

int main(void)
{
    measure_pairs();
    measure_connections();
    return 0;
}
