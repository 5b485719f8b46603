/*
 * tap_in and tap_out: one TCP connection from and to the kernel over a TAP at MTU 1500, without offloads, in
 * a network namespace that this benchmark makes for itself. The kernel's end is a process that sends the
 * message without end or verifies it; ours does the same through the library's own TAP driver and loop, in
 * one thread.
 *
 * Buffers are 64 KiB beside lwIP, whose are fixed at that, and the defaults in the results named _default.
 */
#include "support_hosts.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <strata/driver.h>

#define BUFFER_BYTES 65535
#define REPEATS 3
#define SECONDS 1.0
#define WARM_NS 200000000

struct world {
    struct strata_host *host;
    struct strata_loop *loop;
    struct pollfd wait;
    strata_time deadline;
};

static struct world world_new(void)
{
    struct world world = {0};
    int port;
    struct strata_address address;
    must(strata_address_parse(BENCH_STACK_ADDRESS, &address), "address");
    world.host = hosts_make("bench", &address, 0, &port);
    struct strata_driver *driver;
    struct strata_tap_config config = {.size = sizeof config, .name = BENCH_TAP_NAME};
    int error = strata_tap_open(&driver, &config);
    if (error < 0)
        bench_skip("no TAP device (%s)", strerror(-error));
    bench_configure_tap();
    must(strata_loop_new(&world.loop), "strata_loop_new");
    must(strata_loop_add(world.loop, strata_host_device(world.host), port, driver), "strata_loop_add");
    world.wait = (struct pollfd){.fd = strata_loop_fd(world.loop), .events = POLLIN};
    return world;
}

static void world_free(struct world *world)
{
    strata_loop_free(world->loop);
    strata_host_free(world->host);
}

/** Waits for frames or a deadline unless there was progress, then moves frames. */
static strata_time world_turn(struct world *world, bool busy)
{
    strata_time now = strata_clock_monotonic();
    if (!busy && world->deadline > now) {
        int64_t left_ms = world->deadline == STRATA_NEVER ? 100 : (world->deadline - now) / 1000000 + 1;
        poll(&world->wait, 1, left_ms < 100 ? (int)left_ms : 100);
    }
    world->deadline = must(strata_loop_work(world->loop), "strata_loop_work");
    return strata_clock_monotonic();
}

static void set_buffers(struct world *world, strata_socket socket, int64_t bytes)
{
    if (bytes == 0)
        return;
    must(strata_set_option(world->host, socket, STRATA_OPTION_SEND_BUFFER, bytes, 0), "send buffer");
    must(strata_set_option(world->host, socket, STRATA_OPTION_RECEIVE_BUFFER, bytes, 0), "receive buffer");
}

/** Verifies in the receive ring what has come, as lwIP's side does. */
static size_t take(struct world *world, strata_socket socket, size_t *at)
{
    struct strata_iovec pieces[32];
    size_t total = 0;
    int count = strata_data(world->host, socket, pieces, 32);
    for (int i = 0; i < count; i++) {
        bench_verify(pieces[i].base, pieces[i].length, at);
        total += pieces[i].length;
    }
    if (total > 0)
        must(strata_consume(world->host, socket, total, strata_clock_monotonic()), "strata_consume");
    return total;
}

static size_t fill(struct world *world, strata_socket socket, size_t *at)
{
    size_t total = 0;
    int64_t sent;
    while ((sent = strata_write(world->host, socket, bench_message() + *at, BENCH_MESSAGE_BYTES - *at,
                                strata_clock_monotonic())) > 0) {
        total += (size_t)sent;
        *at = (*at + (size_t)sent) % BENCH_MESSAGE_BYTES;
    }
    return total;
}

/** A connected stream; the kernel's process in `kernel`. */
static strata_socket open_stream(struct world *world, bool in, int64_t buffer_bytes, pid_t *kernel)
{
    strata_socket stream = must(strata_open(world->host, STRATA_STREAM), "strata_open");
    set_buffers(world, stream, buffer_bytes);
    strata_time end = strata_clock_monotonic() + 5 * STRATA_SECOND;
    if (in) {
        must(strata_bind(world->host, stream, &(struct strata_endpoint){.port = BENCH_PORT}), "strata_bind");
        must(strata_listen(world->host, stream, 1, strata_clock_monotonic()), "strata_listen");
        *kernel = bench_start_kernel(BENCH_KERNEL_SENDS, BENCH_PORT);
        strata_socket accepted;
        while ((accepted = strata_accept(world->host, stream, NULL, strata_clock_monotonic())) < 0)
            if (world_turn(world, false) > end)
                bench_fail("the kernel does not connect");
        return accepted;
    }
    *kernel = bench_start_kernel(BENCH_KERNEL_RECEIVES, BENCH_PORT);
    struct strata_endpoint peer = {.port = BENCH_PORT};
    must(strata_address_parse(BENCH_KERNEL_ADDRESS, &peer.address), "address");
    int error = strata_connect(world->host, stream, &peer, strata_clock_monotonic());
    if (error != -EINPROGRESS)
        must(error, "strata_connect");
    while ((strata_readiness(world->host, stream) & STRATA_WRITABLE) == 0)
        if (world_turn(world, false) > end)
            bench_fail("the kernel does not answer");
    return stream;
}

/** @return Gbit/s. */
static double run(bool in, int64_t buffer_bytes, struct strata_tcp_info *info)
{
    struct world world = world_new();
    pid_t kernel;
    strata_socket stream = open_stream(&world, in, buffer_bytes, &kernel);
    strata_time began = strata_clock_monotonic() + WARM_NS, now = 0;
    strata_time end = began + (strata_time)(SECONDS * 1e9);
    uint64_t bytes = 0;
    size_t at = 0;
    bool warm = true, busy = false;
    while (now < end) {
        now = world_turn(&world, busy);
        size_t moved = in ? take(&world, stream, &at) : fill(&world, stream, &at);
        busy = moved > 0;
        if (warm && now >= began) {
            warm = false;
            began = now;
            bytes = 0;
        }
        bytes += moved;
    }
    now = strata_clock_monotonic();
    must(strata_tcp_info(world.host, stream, info), "strata_tcp_info");
    bench_stop_kernel(kernel);
    world_free(&world);
    if (bytes == 0)
        bench_fail("nothing moved");
    return (double)bytes * 8 / (double)(now - began);
}

static void measure(bool in)
{
    const char *name = in ? "tap_in" : "tap_out";
    double ours[REPEATS], theirs[REPEATS], theirs_tapif[REPEATS], defaults[REPEATS];
    struct strata_tcp_info info = {.size = sizeof info}, default_info = {.size = sizeof default_info};
    struct bench_peer peer = {0}, tapif = {0};
    for (int i = 0; i < REPEATS; i++) {
        ours[i] = run(in, BUFFER_BYTES, &info);
        peer = bench_run_peer("peer_lwip", name, SECONDS);
        theirs[i] = peer.value;
        if (!in)
            tapif = bench_run_peer("peer_lwip", "tapif_out", SECONDS);
        theirs_tapif[i] = tapif.value;
        defaults[i] = run(in, 0, &default_info);
    }
    double best = bench_median(theirs, REPEATS), other = bench_median(theirs_tapif, REPEATS);
    if (other > best) {
        peer = tapif;
        best = other;
    }
    char more[1024];
    snprintf(more, sizeof more,
             "%s, \"options\": \"buffers %d, segments of %u bytes, congestion control %s (the sender's)\", "
             "\"retransmitted\": %llu",
             bench_peer_json(&peer, best), BUFFER_BYTES, info.mss_send,
             in ? bench_congestion() : info.congestion, (unsigned long long)info.segments_retransmitted);
    bench_result(name, bench_median(ours, REPEATS), "Gbit/s", true, more);
    char full[32];
    snprintf(full, sizeof full, "%s_default", name);
    snprintf(more, sizeof more,
             ", \"options\": \"default buffers, kernel's congestion control %s\", \"retransmitted\": %llu",
             bench_congestion(), (unsigned long long)default_info.segments_retransmitted);
    bench_result(full, bench_median(defaults, REPEATS), "Gbit/s", true, more);
}

int main(void)
{
    bench_enter_namespace();
    bench_message();
    measure(true);
    measure(false);
    return 0;
}
