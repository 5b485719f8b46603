/*
 * lab_hosts: a lab of 10,000 hosts with one connection each, beside one of 10: memory, and the cost of a frame.
 *
 * Hosts sit on switches, at most 100 on each, and the switches on one router; every connection goes from a
 * host on one switch to a host on another, so that a frame crosses the same four cables in the small world and
 * in the large one. All that arrives is compared with what was sent. There are two loads:
 *
 *   turns    64 KiB are sent and answered five times a second, over cables with 5 ms of delay
 *   steady   every connection sends as much as its cable carries, 2 Mbit/s; so each frame finds another host
 *            than the one before, whose memory has long left the processor's caches: the worst that can be
 *
 * And a world of 10,000 hosts of which 10 take turns: what is idle must cost nothing.
 */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <strata/lab.h>

#define HOSTS_PER_SWITCH 100u
#define WARM_UP (1 * STRATA_SECOND)
#define FRAMES 3000000u
#define TURN_EVERY (200 * STRATA_MILLISECOND)

enum load { TURNS, STEADY };

/** What one world costs. */
struct cost {
    double build_s, frame_ns;
    long peak_kib;
    unsigned flows;
};

static unsigned flows_heard;

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
    (void)argv;
    if (strata_rt_listen(rt, &local, 1, &listener) < 0 ||
        strata_rt_accept(listener, STRATA_NEVER, &stream, NULL) != 0)
        return 1;
    size_t at = 0;
    int64_t size;
    for (bool first = true; (size = strata_rt_read(stream, data, sizeof data, STRATA_NEVER)) > 0; first = false) {
        bench_verify(data, (size_t)size, &at);
        flows_heard += first;
        if (argc > 1 && at == 0 && strata_rt_write(stream, "", 1, STRATA_NEVER) != 1)
            break;
    }
    return 0;
}

static int source(struct strata_rt *rt, int argc, char **argv)
{
    struct strata_conn *stream;
    struct strata_endpoint peer = {.port = BENCH_PORT};
    if (argc < 3 || strata_address_parse(argv[1], &peer.address) != 0)
        return 2;
    strata_time next = strtoll(argv[2], NULL, 10) * STRATA_MICROSECOND;
    strata_rt_sleep(rt, next);
    if (strata_rt_dial(rt, &peer, STRATA_NEVER, &stream) != 0)
        return 1;
    char answer;
    while (strata_rt_write(stream, bench_message(), BENCH_MESSAGE_BYTES, STRATA_NEVER) > 0)
        if (argc > 3) {
            if (strata_rt_read(stream, &answer, 1, STRATA_NEVER) != 1)
                return 1;
            next += TURN_EVERY;
            strata_rt_sleep(rt, next);
        }
    return 0;
}

static struct strata_node *host_on(struct strata_world *world, struct strata_node *bridge, unsigned number,
                                   unsigned net, unsigned last, enum load load)
{
    struct strata_cable_config slow = {.size = sizeof slow};
    slow.forward = slow.backward = (struct strata_impairment){.delay_ns = 5 * STRATA_MILLISECOND};
    if (load == STEADY) {
        slow.forward.rate_bps = slow.backward.rate_bps = 2000000;
        slow.forward.queue_frames = slow.backward.queue_frames = 20;
    }
    char text[32], gateway[32];
    snprintf(text, sizeof text, "host%u", number + 1);
    struct strata_node *host = strata_world_host(world, text, NULL);
    if (!host || !strata_world_cable(world, host, bridge, &slow))
        bench_fail("the world does not take %s", text);
    snprintf(text, sizeof text, "10.1.%u.%u/24", net, last);
    snprintf(gateway, sizeof gateway, "10.1.%u.254", net);
    check(strata_node_address(host, 1, text), "address");
    check(strata_node_route(host, "0.0.0.0/0", gateway), "route");
    return host;
}

/** A world of `count` hosts; of each `every` pairs one speaks. */
static struct strata_world *build(unsigned count, unsigned every, enum load load)
{
    struct strata_world *world;
    struct strata_world_config config = {.size = sizeof config, .seed = 3};
    check(strata_world_new(&world, &config), "strata_world_new");
    struct strata_cable_config fast = {.size = sizeof fast};
    fast.forward = fast.backward =
        (struct strata_impairment){.rate_bps = 1000000000, .delay_ns = 50 * STRATA_MICROSECOND};
    struct strata_node *router = strata_world_router(world, "router", NULL);
    struct strata_node **hosts = calloc(count, sizeof *hosts);
    unsigned switches = count / HOSTS_PER_SWITCH < 2 ? 2 : count / HOSTS_PER_SWITCH, each = count / switches;
    if (!router || !hosts)
        bench_fail("out of memory");
    check(strata_node_set(router, "net.ipv4.neigh.default.gc_thresh3", 20000), "setting"); // it knows them all
    for (unsigned net = 0; net < switches; net++) {
        char text[32];
        snprintf(text, sizeof text, "switch%u", net + 1);
        struct strata_node *bridge = strata_world_switch(world, text, HOSTS_PER_SWITCH + 1);
        if (!bridge || !strata_world_cable(world, router, bridge, &fast))
            bench_fail("the world does not take %s", text);
        snprintf(text, sizeof text, "10.1.%u.254/24", net);
        check(strata_node_address(router, (int)net + 1, text), "address");
        for (unsigned i = 0; i < each; i++)
            hosts[net * each + i] = host_on(world, bridge, net * each + i, net, i + 1, load);
    }
    for (unsigned pair = 0; pair < count / 2; pair += every) {
        unsigned peer = pair + count / 2;
        char address[32], number[16];
        char *argv[] = {(char *)"program", address, number, (char *)"turns"};
        snprintf(address, sizeof address, "10.1.%u.%u", peer / each, peer % each + 1);
        // Neighbours not at once, because who begins asks the whole switch for the router; and all at other times.
        snprintf(number, sizeof number, "%u", pair % each * 5000 + pair / each * 97);
        bool turns = load == TURNS;
        check(strata_node_start(hosts[peer], "sink", sink, turns ? 2 : 1, argv, NULL), "start");
        check(strata_node_start(hosts[pair], "source", source, turns ? 4 : 3, argv, NULL), "start");
    }
    free(hosts);
    return world;
}

struct goal {
    struct strata_world *world;
    uint64_t frames;
};

static bool reached(void *context)
{
    const struct goal *goal = context;
    return strata_world_frames(goal->world) >= goal->frames;
}

static struct cost measure(unsigned count, unsigned every, enum load load)
{
    struct cost cost = {0};
    int64_t began = bench_cpu_ns();
    struct strata_world *world = build(count, every, load);
    cost.build_s = (double)(bench_cpu_ns() - began) / 1e9;
    check(strata_world_run(world, WARM_UP), "strata_world_run");
    uint64_t before = strata_world_frames(world);
    struct goal goal = {world, before + FRAMES};
    began = bench_cpu_ns();
    if (strata_world_run_until(world, reached, &goal, STRATA_NEVER) != 1)
        bench_fail("the world has come to rest");
    cost.frame_ns = (double)(bench_cpu_ns() - began) / (double)(strata_world_frames(world) - before);
    cost.peak_kib = bench_peak_kib();
    cost.flows = flows_heard;
    strata_world_free(world);
    return cost;
}

/** In a process of its own, so that memory is that of this world alone. */
static struct cost measure_apart(unsigned count, unsigned every, enum load load)
{
    struct cost cost;
    int ends[2];
    if (pipe(ends) < 0)
        bench_fail("pipe");
    pid_t pid = fork();
    if (pid == 0) {
        cost = measure(count, every, load);
        _exit(write(ends[1], &cost, sizeof cost) == sizeof cost ? 0 : 1);
    }
    close(ends[1]);
    int status;
    if (pid < 0 || read(ends[0], &cost, sizeof cost) != sizeof cost || waitpid(pid, &status, 0) != pid || status != 0)
        bench_fail("the world of %u hosts did not end well", count);
    close(ends[0]);
    return cost;
}

static void report(const char *name, struct cost small, struct cost large)
{
    char more[256], full[64];
    if (large.flows != 5000)
        bench_fail("of 5000 connections %u carried data", large.flows);
    snprintf(more, sizeof more,
             ", \"note\": \"a connection each, verified; of 10 hosts %.0f ns a frame, of 10,000 %.0f ns, built "
             "in %.2f s\"",
             small.frame_ns, large.frame_ns, large.build_s);
    snprintf(full, sizeof full, "lab_hosts_%s", name);
    bench_result(full, 1e9 / large.frame_ns, "frames/s", true, more);
    snprintf(full, sizeof full, "lab_hosts_%s_ratio", name);
    bench_result(full, large.frame_ns / small.frame_ns, "times 10 hosts", false, more);
    snprintf(full, sizeof full, "lab_hosts_%s_memory", name);
    bench_result(full, (double)large.peak_kib / 1024, "MiB", false, more);
}

int main(int argc, char **argv)
{
    if (argc == 4) { // one world alone, for a profiler: HOSTS EVERY turns|steady
        enum load load = strcmp(argv[3], "steady") == 0 ? STEADY : TURNS;
        struct cost cost = measure((unsigned)atoi(argv[1]), (unsigned)atoi(argv[2]), load);
        printf("%.0f ns a frame, %ld KiB, %u connections, built in %.2f s\n", cost.frame_ns, cost.peak_kib, cost.flows,
               cost.build_s);
        return 0;
    }
    struct cost small = measure_apart(10, 1, TURNS), idle = measure_apart(10000, 1000, TURNS);
    report("turns", small, measure_apart(10000, 1, TURNS));
    report("steady", measure_apart(10, 1, STEADY), measure_apart(10000, 1, STEADY));
    char more[256];
    snprintf(more, sizeof more, ", \"note\": \"10 of 10,000 hosts speak: %.0f ns a frame\"", idle.frame_ns);
    bench_result("lab_hosts_idle_ratio", idle.frame_ns / small.frame_ns, "times 10 hosts", false, more);
    return 0;
}
