/*
 * Two hosts back to back; see the header.
 */
#include "support_hosts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int64_t must(int64_t result, const char *what)
{
    if (result < 0)
        bench_fail("%s: %s", what, strerror((int)-result));
    return result;
}

struct strata_host *hosts_make(const char *name, const struct strata_address *address, size_t memory_bytes,
                               int *port)
{
    struct strata_host *host;
    struct strata_config config = {.size = sizeof config, .name = name, .memory_bytes = memory_bytes};
    memset(config.seed, name[0], sizeof config.seed);
    must(strata_host_new(&host, &config), "strata_host_new");
    struct strata_port_config port_config = {.size = sizeof port_config, .name = "eth0", .mtu_bytes = 1500};
    *port = (int)must(strata_port_add(host, &port_config), "strata_port_add");
    must(strata_address_add(host, *port, address, 24, bench_now_ns()), "strata_address_add");
    return host;
}

struct hosts *hosts_new(size_t memory_bytes)
{
    struct hosts *hosts = aligned_alloc(64, (sizeof *hosts + 63) / 64 * 64);
    if (!hosts)
        bench_fail("out of memory");
    memset(hosts, 0, sizeof *hosts);
    hosts->now = bench_now_ns();
    struct strata_address client = strata_ipv4(10, 0, 0, 1), server = strata_ipv4(10, 0, 0, 2);
    hosts->client = hosts_make("client", &client, memory_bytes, &hosts->client_port);
    hosts->server = hosts_make("server", &server, memory_bytes, &hosts->server_port);
    hosts_settle(hosts);
    return hosts;
}

void hosts_free(struct hosts *hosts)
{
    strata_host_free(hosts->client);
    strata_host_free(hosts->server);
    free(hosts);
}

unsigned hosts_take(struct hosts *hosts, struct strata_host *from)
{
    unsigned count = 0;
    int port;
    while (count < HOSTS_BATCH && (port = strata_host_ready(from)) >= 0) {
        size_t length =
            strata_host_output(from, port, hosts->room[count], HOSTS_FRAME_BYTES, NULL, hosts->now);
        if (length == 0)
            break;
        hosts->lengths[count++] = (uint16_t)length;
    }
    return count;
}

void hosts_give(struct hosts *hosts, struct strata_host *to, int port, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        strata_host_input(to, port, hosts->room[i], hosts->lengths[i], NULL, hosts->now);
    hosts->frames += count;
}

static void advance_if_due(struct hosts *hosts, struct strata_host *host)
{
    if (strata_host_deadline(host) <= hosts->now)
        strata_host_advance(host, hosts->now);
}

bool hosts_turn(struct hosts *hosts)
{
    hosts->now = bench_now_ns();
    advance_if_due(hosts, hosts->client);
    advance_if_due(hosts, hosts->server);
    unsigned there = hosts_take(hosts, hosts->client);
    hosts_give(hosts, hosts->server, hosts->server_port, there);
    unsigned back = hosts_take(hosts, hosts->server);
    hosts_give(hosts, hosts->client, hosts->client_port, back);
    return there + back > 0;
}

void hosts_settle(struct hosts *hosts)
{
    while (hosts_turn(hosts))
        ;
}

strata_socket hosts_listen(struct hosts *hosts, uint16_t port, int backlog)
{
    strata_socket listener = must(strata_open(hosts->server, STRATA_STREAM), "strata_open");
    struct strata_endpoint local = {.port = port};
    must(strata_bind(hosts->server, listener, &local), "strata_bind");
    must(strata_listen(hosts->server, listener, backlog, hosts->now), "strata_listen");
    return listener;
}

strata_socket hosts_dial(struct hosts *hosts, uint16_t port)
{
    strata_socket client = must(strata_open(hosts->client, STRATA_STREAM), "strata_open");
    struct strata_endpoint peer = {.address = strata_ipv4(10, 0, 0, 2), .port = port};
    int error = strata_connect(hosts->client, client, &peer, hosts->now);
    if (error != -EINPROGRESS)
        must(error, "strata_connect");
    return client;
}

static void set_buffers(struct strata_host *host, strata_socket socket, int64_t bytes, strata_time now)
{
    if (bytes == 0)
        return;
    must(strata_set_option(host, socket, STRATA_OPTION_SEND_BUFFER, bytes, now), "send buffer");
    must(strata_set_option(host, socket, STRATA_OPTION_RECEIVE_BUFFER, bytes, now), "receive buffer");
}

void hosts_connect(struct hosts *hosts, uint16_t port, int64_t buffer_bytes, strata_socket *client,
                   strata_socket *server)
{
    strata_socket listener = hosts_listen(hosts, port, 1);
    set_buffers(hosts->server, listener, buffer_bytes, hosts->now);
    *client = hosts_dial(hosts, port);
    set_buffers(hosts->client, *client, buffer_bytes, hosts->now);
    hosts_settle(hosts);
    *server = must(strata_accept(hosts->server, listener, NULL, hosts->now), "strata_accept");
    must(strata_close(hosts->server, listener, hosts->now), "strata_close");
}
