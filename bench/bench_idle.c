/*
 * idle_connection_bytes: what an idle connection costs in memory, by opening 200,000 of them between two
 * hosts in one process and dividing the growth of resident memory by the number of endpoints, 400,000.
 * Handles, timers, hash tables and the allocator's own overhead are in it.
 *
 * Two figures: connections that have never carried a byte, and connections each of which has carried 64 bytes
 * both ways, read by the program, before they fell idle.
 */
#include "support_hosts.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CONNECTIONS 200000
#define LISTENERS 10
#define FIRST_PORT 1000
#define AT_ONCE 16
#define BYTES 64

static size_t resident_bytes(void)
{
    unsigned long total, resident;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%lu %lu", &total, &resident) != 2)
        bench_skip("no /proc/self/statm");
    fclose(file);
    return resident * (size_t)sysconf(_SC_PAGESIZE);
}

/** Opens AT_ONCE connections. */
static void open_some(struct hosts *hosts, const strata_socket *listeners, unsigned number,
                      strata_socket *clients, strata_socket *servers)
{
    unsigned which = number / AT_ONCE % LISTENERS;
    for (unsigned i = 0; i < AT_ONCE; i++)
        clients[i] = hosts_dial(hosts, (uint16_t)(FIRST_PORT + which));
    hosts_settle(hosts);
    for (unsigned i = 0; i < AT_ONCE; i++)
        servers[i] = must(strata_accept(hosts->server, listeners[which], NULL, hosts->now), "strata_accept");
}

static void send_and_read(struct hosts *hosts, struct strata_host *from, strata_socket writer,
                          struct strata_host *to, strata_socket reader)
{
    uint8_t bytes[BYTES];
    if (strata_write(from, writer, bench_message(), BYTES, hosts->now) != BYTES)
        bench_fail("bytes were not taken");
    while (hosts_turn(hosts))
        ;
    if (strata_read(to, reader, bytes, BYTES, hosts->now) != BYTES)
        bench_fail("bytes did not arrive");
}

int main(void)
{
    strata_socket *clients = calloc(CONNECTIONS, sizeof *clients),
                  *servers = calloc(CONNECTIONS, sizeof *servers);
    if (!clients || !servers)
        bench_fail("out of memory");
    /* Touched now, so that the benchmark's own table is not counted. */
    for (unsigned i = 0; i < CONNECTIONS; i++)
        clients[i] = servers[i] = -1;
    struct hosts *hosts = hosts_new((size_t)4 << 30);
    strata_socket listeners[LISTENERS];
    for (int i = 0; i < LISTENERS; i++)
        listeners[i] = hosts_listen(hosts, (uint16_t)(FIRST_PORT + i), 2 * AT_ONCE);
    size_t before = resident_bytes();
    for (unsigned i = 0; i < CONNECTIONS; i += AT_ONCE)
        open_some(hosts, listeners, i, clients + i, servers + i);
    hosts_settle(hosts);
    double idle = (double)(resident_bytes() - before) / (2.0 * CONNECTIONS);
    struct strata_memory memory = {.size = sizeof memory};
    must(strata_memory(hosts->server, &memory), "strata_memory");
    if (memory.connections < CONNECTIONS)
        bench_fail("only %u connections are open", memory.connections);
    char more[128];
    snprintf(more, sizeof more, ", \"note\": \"%u connections; the server's own account: %.0f bytes each\"",
             memory.connections, (double)memory.used_bytes / CONNECTIONS);
    bench_result("idle_connection_bytes", idle, "bytes", false, more);

    for (unsigned i = 0; i < CONNECTIONS; i++) {
        send_and_read(hosts, hosts->client, clients[i], hosts->server, servers[i]);
        send_and_read(hosts, hosts->server, servers[i], hosts->client, clients[i]);
    }
    hosts_settle(hosts);
    bench_result("idle_connection_bytes_used", (double)(resident_bytes() - before) / (2.0 * CONNECTIONS),
                 "bytes", false, ", \"note\": \"after 64 bytes each way on each\"");
    return 0;
}
