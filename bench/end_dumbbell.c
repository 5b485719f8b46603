/*
 * The dumbbell in the lab: pairs of hosts on both sides of two routers, one transfer per pair as fast as TCP
 * allows. bench/lab_ns3.py runs it beside bench/ns3/dumbbell.cc, which is the same in ns-3.
 *
 *     end_dumbbell PAIRS BOTTLENECK_MBIT ACCESS_MBIT DELAY_US QUEUE_FRAMES SECONDS
 *
 * It is the whole stack at work: Ethernet with ARP, IPv4, TCP with CUBIC as it comes, checksums made and
 * verified, and every byte that arrives compared with what was sent. The hash over all frames is on, as
 * always; nobody listens. It prints one JSON object.
 */
#include "support.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <strata/lab.h>

#define START_EVERY_NS (500 * STRATA_MICROSECOND)

struct dumbbell {
    unsigned pairs, queue_frames;
    uint64_t bottleneck_bps, access_bps;
    strata_time delay_ns, until;
    struct strata_world *world;
    struct strata_cable *bottleneck;
};

/** Received by all; programs of one process, one at a time. */
static uint64_t received_bytes;
static unsigned received_flows;

static void check(int result, const char *what)
{
    if (result < 0)
        bench_fail("%s: %s", what, strerror(-result));
}

static int sink(struct strata_rt *rt, int argc, char **argv)
{
    static uint8_t data[BENCH_MESSAGE_BYTES];
    struct strata_conn *listener, *stream;
    struct strata_endpoint local = {.port = BENCH_PORT};
    (void)argc, (void)argv;
    check(strata_rt_listen(rt, &local, 1, &listener), "listen");
    if (strata_rt_accept(listener, STRATA_NEVER, &stream, NULL) != 0)
        return 1; // the end of the world came first
    size_t at = 0;
    int64_t size;
    for (bool first = true; (size = strata_rt_read(stream, data, sizeof data, STRATA_NEVER)) > 0; first = false) {
        bench_verify(data, (size_t)size, &at);
        received_bytes += (uint64_t)size;
        received_flows += first;
    }
    return 0;
}

static int source(struct strata_rt *rt, int argc, char **argv)
{
    struct strata_conn *stream;
    struct strata_endpoint peer = {.port = BENCH_PORT};
    if (argc != 3 || strata_address_parse(argv[1], &peer.address) != 0)
        return 2;
    // Not all at the same instant: a thousand windows would meet in one queue.
    strata_rt_sleep(rt, strtoll(argv[2], NULL, 10) * START_EVERY_NS);
    if (strata_rt_dial(rt, &peer, STRATA_NEVER, &stream) != 0)
        return 1;
    while (strata_rt_write(stream, bench_message(), BENCH_MESSAGE_BYTES, STRATA_NEVER) > 0)
        ;
    return 0;
}

/** A host behind a port of a router; its address ends with 1, the router's with 254. */
static struct strata_node *leaf(struct dumbbell *dumbbell, struct strata_node *router, const char *side, unsigned pair,
                                char *address)
{
    struct strata_cable_config access = {.size = sizeof access};
    access.forward = access.backward = (struct strata_impairment){.rate_bps = dumbbell->access_bps};
    unsigned net = (side[0] == 's' ? 1 : 101) + pair / 250, subnet = pair % 250;
    char name[32], prefix[40], gateway[32];
    snprintf(name, sizeof name, "%s%u", side, pair + 1);
    snprintf(gateway, sizeof gateway, "10.%u.%u.254", net, subnet);
    struct strata_node *node = strata_world_host(dumbbell->world, name, NULL);
    if (!node || !strata_world_cable(dumbbell->world, node, router, &access))
        bench_fail("the world does not take %s", name);
    snprintf(prefix, sizeof prefix, "%s/24", gateway);
    check(strata_node_address(router, (int)pair + 2, prefix), "address");
    snprintf(address, 32, "10.%u.%u.1", net, subnet);
    snprintf(prefix, sizeof prefix, "%s/24", address);
    check(strata_node_address(node, 1, prefix), "address");
    check(strata_node_route(node, "0.0.0.0/0", gateway), "route");
    return node;
}

static void build(struct dumbbell *dumbbell)
{
    struct strata_world_config config = {.size = sizeof config, .seed = 1};
    check(strata_world_new(&dumbbell->world, &config), "strata_world_new");
    struct strata_node *left = strata_world_router(dumbbell->world, "left", NULL);
    struct strata_node *right = strata_world_router(dumbbell->world, "right", NULL);
    struct strata_cable_config middle = {.size = sizeof middle};
    middle.forward = middle.backward = (struct strata_impairment){.rate_bps = dumbbell->bottleneck_bps,
                                                                  .delay_ns = dumbbell->delay_ns,
                                                                  .queue_frames = dumbbell->queue_frames};
    if (left && right)
        dumbbell->bottleneck = strata_world_cable(dumbbell->world, left, right, &middle);
    if (!dumbbell->bottleneck)
        bench_fail("the world does not take the bottleneck");
    check(strata_node_address(left, 1, "10.255.0.1/24"), "address");
    check(strata_node_address(right, 1, "10.255.0.2/24"), "address");
    check(strata_node_route(left, "0.0.0.0/0", "10.255.0.2"), "route");
    check(strata_node_route(right, "0.0.0.0/0", "10.255.0.1"), "route");
    for (unsigned pair = 0; pair < dumbbell->pairs; pair++) {
        char address[32], sender[32], number[16];
        snprintf(number, sizeof number, "%u", pair);
        char *argv[] = {(char *)"source", address, number};
        struct strata_node *to = leaf(dumbbell, right, "receiver", pair, address);
        struct strata_node *from = leaf(dumbbell, left, "sender", pair, sender);
        check(strata_node_start(to, "sink", sink, 0, NULL, NULL), "start");
        check(strata_node_start(from, "source", source, 3, argv, NULL), "start");
    }
}

int main(int argc, char **argv)
{
    if (argc != 7) {
        fprintf(stderr, "usage: end_dumbbell PAIRS BOTTLENECK_MBIT ACCESS_MBIT DELAY_US QUEUE_FRAMES SECONDS\n");
        return 2;
    }
    struct dumbbell dumbbell = {.pairs = (unsigned)atoi(argv[1]),
                                .bottleneck_bps = strtoull(argv[2], NULL, 10) * 1000000,
                                .access_bps = strtoull(argv[3], NULL, 10) * 1000000,
                                .delay_ns = strtoll(argv[4], NULL, 10) * STRATA_MICROSECOND,
                                .queue_frames = (unsigned)atoi(argv[5]),
                                .until = (strata_time)(strtod(argv[6], NULL) * 1e9)};
    build(&dumbbell);
    int64_t began = bench_cpu_ns();
    check(strata_world_run(dumbbell.world, dumbbell.until), "strata_world_run");
    double took = (double)(bench_cpu_ns() - began) / 1e9;
    struct strata_cable_counts counts = {.size = sizeof counts};
    check(strata_cable_counts(dumbbell.bottleneck, 0, &counts), "counts");
    printf("{\"cpu_seconds\": %.3f, \"packets\": %" PRIu64 ", \"bytes\": %" PRIu64 ", \"received_bytes\": %" PRIu64
           ", \"received_flows\": %u, \"rss_kib\": %ld, \"frames\": %" PRIu64 ", \"hash\": \"%016" PRIx64 "\"}\n",
           took, counts.delivered, counts.bytes_delivered, received_bytes, received_flows, bench_peak_kib(),
           strata_world_frames(dumbbell.world), strata_world_hash(dumbbell.world));
    strata_world_free(dumbbell.world);
    return 0;
}
