/*
 * lab_rate: how fast the lab runs, in simulated seconds per second and in frames per second.
 *
 * Eight clients on a switch send to one server behind a router, each as fast as TCP allows: the router's
 * cable carries 100 Mbit/s with 5 ms of delay and loses one frame in a thousand. A frame is counted once for
 * each cable it passes. Traces of the hosts are off; the hash over all frames is on, as always.
 */
#include "support.h"

#include <stdio.h>
#include <string.h>

#include <strata/lab.h>

#define CLIENTS 8
#define VIRTUAL_SECONDS 20
#define REPEATS 3

static void sink_stream(void *argument)
{
    struct strata_conn *stream = argument;
    static uint8_t data[BENCH_MESSAGE_BYTES];
    while (strata_rt_read(stream, data, sizeof data, STRATA_NEVER) > 0)
        ;
    strata_rt_close(stream);
}

/** Takes what comes, from everybody. */
static int sink(struct strata_rt *rt, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    struct strata_conn *listener, *stream;
    struct strata_endpoint local = {.port = BENCH_PORT};
    if (strata_rt_listen(rt, &local, CLIENTS, &listener) < 0)
        return 1;
    while (strata_rt_accept(listener, STRATA_NEVER, &stream, NULL) == 0)
        strata_rt_spawn(rt, "stream", sink_stream, stream, NULL);
    strata_rt_close(listener);
    return 0;
}

static int source(struct strata_rt *rt, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    struct strata_conn *stream;
    struct strata_endpoint peer = {.address = strata_ipv4(10, 2, 0, 1), .port = BENCH_PORT};
    if (strata_rt_dial(rt, &peer, STRATA_NEVER, &stream) < 0)
        return 1;
    while (strata_rt_write(stream, bench_message(), BENCH_MESSAGE_BYTES, STRATA_NEVER) > 0)
        ;
    strata_rt_close(stream);
    return 0;
}

static void check(int result, const char *what)
{
    if (result < 0)
        bench_fail("%s: %s", what, strerror(-result));
}

static struct strata_world *build(void)
{
    struct strata_world *world;
    struct strata_world_config config = {.size = sizeof config, .seed = 7};
    check(strata_world_new(&world, &config), "strata_world_new");
    struct strata_cable_config fast = {.size = sizeof fast};
    fast.forward = fast.backward = (struct strata_impairment){.rate_bps = 1000000000, .delay_ns = 50000};
    struct strata_cable_config slow = {.size = sizeof slow};
    slow.forward = slow.backward = (struct strata_impairment){
        .rate_bps = 100000000, .delay_ns = 5 * STRATA_MILLISECOND, .loss_ppm = 1000};
    struct strata_node *hub = strata_world_switch(world, "switch", CLIENTS + 1);
    struct strata_node *router = strata_world_router(world, "router", NULL);
    struct strata_node *server = strata_world_host(world, "server", NULL);
    struct strata_node *clients[CLIENTS];
    if (!hub || !router || !server)
        bench_fail("the world does not take a node");
    strata_world_cable(world, router, hub, &fast);
    strata_world_cable(world, router, server, &slow);
    check(strata_node_address(router, 1, "10.1.0.254/24"), "address");
    check(strata_node_address(router, 2, "10.2.0.254/24"), "address");
    check(strata_node_address(server, 1, "10.2.0.1/24"), "address");
    check(strata_node_route(server, "0.0.0.0/0", "10.2.0.254"), "route");
    check(strata_node_start(server, "sink", sink, 0, NULL, NULL), "start");
    for (int i = 0; i < CLIENTS; i++) {
        char text[32];
        snprintf(text, sizeof text, "client%d", i);
        clients[i] = strata_world_host(world, text, NULL);
        if (!clients[i] || !strata_world_cable(world, clients[i], hub, &fast))
            bench_fail("the world does not take a client");
        snprintf(text, sizeof text, "10.1.0.%d/24", i + 1);
        check(strata_node_address(clients[i], 1, text), "address");
        check(strata_node_route(clients[i], "0.0.0.0/0", "10.1.0.254"), "route");
        check(strata_node_start(clients[i], "source", source, 0, NULL, NULL), "start");
    }
    return world;
}

int main(void)
{
    double seconds[REPEATS], frames[REPEATS];
    uint64_t hash = 0;
    for (int i = 0; i < REPEATS; i++) {
        struct strata_world *world = build();
        int64_t began = bench_cpu_ns();
        strata_world_run(world, VIRTUAL_SECONDS * STRATA_SECOND);
        double took = (double)(bench_cpu_ns() - began) / 1e9;
        seconds[i] = VIRTUAL_SECONDS / took;
        frames[i] = (double)strata_world_frames(world) / took;
        if (i > 0 && strata_world_hash(world) != hash)
            bench_fail("the same seed gave another hash");
        hash = strata_world_hash(world);
        strata_world_free(world);
    }
    char more[256];
    snprintf(more, sizeof more,
             ", \"note\": \"%d senders over a switch and a router of 100 Mbit/s, 5 ms, 0.1 %% loss; hash "
             "%016llx\"",
             CLIENTS, (unsigned long long)hash);
    bench_result("lab_rate", bench_median(seconds, REPEATS), "simulated s/s", true, more);
    bench_result("lab_rate_frames", bench_median(frames, REPEATS), "frames/s", true, more);
    return 0;
}
