/*
 * One end of a goodput measurement (scripts/goodput): sends without end, or takes for some seconds and tells
 * how much came; on the kernel's sockets, or on a Strata host behind a Unix socket of `strata link`.
 *
 *     end_goodput sink|send kernel|PATH SECONDS CONGESTION [SETTING=VALUE ...]
 *
 * The sink says "ready" when it listens. The clock runs at the sink alone, from the moment at which the
 * connection is accepted: slow start counts. What comes is compared with what was sent, byte by byte. After
 * its seconds the sink, and after as many the sender, prints one JSON object; the sender goes on until it is
 * ended.
 */
#include "support_hosts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strata/driver.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define SENDER_ADDRESS "10.8.0.1"
#define SINK_ADDRESS "10.8.0.2"
#define SINK_PORT 5001
/** The first connection attempts may be lost. */
#define CONNECT_NS (INT64_C(60) * 1000000000)
/** A host's budget, beside a kernel that has gigabytes. */
#define MEMORY_BYTES (256u << 20)

static bool sends;
static int64_t run_ns;
static const char *congestion;

static _Noreturn void print_sink(uint64_t bytes, int64_t ns, const int64_t *quarters)
{
    printf("{\"bytes\": %llu, \"seconds\": %.6f, \"mbit_s\": %.4f, \"cpu_seconds\": %.3f, \"quarters\": "
           "[%lld, %lld, "
           "%lld, %lld]}\n",
           (unsigned long long)bytes, (double)ns / 1e9, (double)bytes * 8e3 / (double)ns,
           (double)bench_cpu_ns() / 1e9, (long long)quarters[0], (long long)quarters[1],
           (long long)quarters[2], (long long)quarters[3]);
    exit(0);
}

/** Counts what came by quarters of the time. */
struct count {
    int64_t began;
    uint64_t bytes;
    int64_t quarters[4];
    size_t at;
};

static void count_add(struct count *count, size_t bytes)
{
    int64_t quarter = (bench_now_ns() - count->began) * 4 / run_ns;
    count->bytes += bytes;
    count->quarters[quarter < 3 ? quarter : 3] += (int64_t)bytes;
}

/* ---- On the kernel's sockets ----------------------------------------------------------------------------
 */

static int kernel_socket(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, congestion, (socklen_t)strlen(congestion)) != 0)
        bench_fail("this kernel has no congestion control %s: %s", congestion, strerror(errno));
    return fd;
}

static struct sockaddr_in sink_address(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(SINK_PORT)};
    inet_pton(AF_INET, SINK_ADDRESS, &address.sin_addr);
    return address;
}

/** Waits for `events`, until `end` at most. */
static void kernel_wait(int fd, short events, int64_t end)
{
    struct pollfd wait = {.fd = fd, .events = events};
    int64_t left = end - bench_now_ns();
    struct timespec timeout = {.tv_sec = left / 1000000000, .tv_nsec = left % 1000000000};
    if (left > 0 && ppoll(&wait, 1, &timeout, NULL) < 0 && errno != EINTR)
        bench_fail("poll: %s", strerror(errno));
}

static _Noreturn void kernel_sink(void)
{
    static uint8_t data[256 << 10];
    struct sockaddr_in address = sink_address();
    int listener = kernel_socket();
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 1) != 0)
        bench_fail("the kernel listens: %s", strerror(errno));
    puts("ready");
    fflush(stdout);
    int fd = accept(listener, NULL, NULL);
    if (fd < 0)
        bench_fail("the kernel accepts: %s", strerror(errno));
    struct count count = {.began = bench_now_ns()};
    int64_t end = count.began + run_ns;
    while (bench_now_ns() < end) {
        kernel_wait(fd, POLLIN, end);
        ssize_t got = recv(fd, data, sizeof data, MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN))
            bench_fail("the sender went away: %s", got ? strerror(errno) : "end of stream");
        if (got > 0) {
            bench_verify(data, (size_t)got, &count.at);
            count_add(&count, (size_t)got);
        }
    }
    print_sink(count.bytes, bench_now_ns() - count.began, count.quarters);
}

static void kernel_print(int fd)
{
    struct tcp_info info = {0};
    socklen_t size = sizeof info;
    char name[32] = "";
    socklen_t name_size = sizeof name - 1;
    getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size);
    getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &name_size);
    printf("{\"stack\": \"kernel\", \"congestion\": \"%s\", \"retransmitted\": %u, \"cwnd\": %u, "
           "\"srtt_us\": %u, "
           "\"segments_sent\": %u, \"cpu_seconds\": %.3f}\n",
           name, info.tcpi_total_retrans, info.tcpi_snd_cwnd, info.tcpi_rtt, info.tcpi_segs_out,
           (double)bench_cpu_ns() / 1e9);
    fflush(stdout);
}

static _Noreturn void kernel_sender(void)
{
    struct sockaddr_in address = sink_address();
    int64_t end = bench_now_ns() + CONNECT_NS;
    int fd = kernel_socket();
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        bench_fail("the kernel connects: %s", strerror(errno));
    bool told = false;
    size_t at = 0;
    end = bench_now_ns() + run_ns;
    for (;;) {
        kernel_wait(fd, POLLOUT, told ? bench_now_ns() + run_ns : end);
        ssize_t sent = send(fd, bench_message() + at, BENCH_MESSAGE_BYTES - at, MSG_DONTWAIT);
        if (sent < 0 && errno != EAGAIN && told)
            exit(0);
        if (sent < 0 && errno != EAGAIN)
            bench_fail("the sink went away: %s", strerror(errno));
        if (sent > 0)
            at = (at + (size_t)sent) % BENCH_MESSAGE_BYTES;
        if (!told && bench_now_ns() >= end) {
            kernel_print(fd);
            told = true;
        }
    }
}

/* ---- On a Strata host -----------------------------------------------------------------------------------
 */

struct end {
    struct strata_host *host;
    struct strata_loop *loop;
    strata_socket socket;
    strata_time deadline;
};

/** Waits for frames, a timer or `until` unless there was progress, then moves frames. */
static void end_turn(struct end *end, bool busy, int64_t until)
{
    int64_t next = end->deadline < until ? end->deadline : until;
    if (strata_host_ready(end->host) >= 0 && !strata_loop_blocked(end->loop))
        busy = true; // what the program did made something to say
    int64_t left = next - bench_now_ns();
    if (!busy && left > 0) {
        struct pollfd wait = {.fd = strata_loop_fd(end->loop), .events = POLLIN};
        struct timespec timeout = {.tv_sec = left / 1000000000, .tv_nsec = left % 1000000000};
        if (ppoll(&wait, 1, &timeout, NULL) < 0 && errno != EINTR)
            bench_fail("poll: %s", strerror(errno));
    }
    end->deadline = must(strata_loop_work(end->loop), "the link");
}

static void apply_setting(struct end *end, char *text)
{
    char *equals = strchr(text, '=');
    if (!equals)
        bench_fail("a setting is NAME=VALUE, not %s", text);
    *equals = 0;
    must(strata_set(end->host, text, strtoll(equals + 1, NULL, 0)), text);
}

static void choose_congestion(struct end *end)
{
    const char *name;
    unsigned index = 0;
    while ((name = strata_congestion_name(index)) && strcmp(name, congestion) != 0)
        index++;
    if (!name)
        bench_fail("Strata has no congestion control %s", congestion);
    must(strata_set_option(end->host, end->socket, STRATA_OPTION_CONGESTION, index, bench_now_ns()),
         "congestion");
}

static struct end end_open(const char *path, char **settings)
{
    struct end end = {0};
    int port;
    struct strata_address address;
    must(strata_address_parse(sends ? SENDER_ADDRESS : SINK_ADDRESS, &address), "address");
    end.host = hosts_make(sends ? "sender" : "sink", &address, MEMORY_BYTES, &port);
    for (; *settings; settings++)
        apply_setting(&end, *settings);
    struct strata_driver *driver;
    must(strata_unix_open(&driver, path), path);
    must(strata_loop_new(&end.loop), "strata_loop_new");
    must(strata_loop_add(end.loop, strata_host_device(end.host), port, driver), "strata_loop_add");
    end.socket = (strata_socket)must(strata_open(end.host, STRATA_STREAM), "strata_open");
    choose_congestion(&end);
    return end;
}

static size_t end_take(struct end *end, struct count *count)
{
    struct strata_iovec pieces[32];
    size_t total = 0;
    int pieces_count;
    while ((pieces_count = strata_data(end->host, end->socket, pieces, 32)) > 0) {
        size_t taken = 0;
        for (int i = 0; i < pieces_count; i++) {
            bench_verify(pieces[i].base, pieces[i].length, &count->at);
            taken += pieces[i].length;
        }
        must(strata_consume(end->host, end->socket, taken, bench_now_ns()), "strata_consume");
        total += taken;
    }
    return total;
}

static _Noreturn void strata_sink(struct end *end)
{
    must(strata_bind(end->host, end->socket, &(struct strata_endpoint){.port = SINK_PORT}), "strata_bind");
    must(strata_listen(end->host, end->socket, 1, bench_now_ns()), "strata_listen");
    puts("ready");
    fflush(stdout);
    int64_t accepted, until = bench_now_ns() + CONNECT_NS;
    while ((accepted = strata_accept(end->host, end->socket, NULL, bench_now_ns())) < 0) {
        if (bench_now_ns() > until)
            bench_fail("nobody connects");
        end_turn(end, false, until);
    }
    end->socket = (strata_socket)accepted;
    struct count count = {.began = bench_now_ns()};
    until = count.began + run_ns;
    while (bench_now_ns() < until) {
        size_t taken = end_take(end, &count);
        if (taken > 0)
            count_add(&count, taken);
        else if (strata_readiness(end->host, end->socket) & (STRATA_ERROR | STRATA_HANGUP))
            bench_fail("the sender went away");
        end_turn(end, taken > 0, until);
    }
    print_sink(count.bytes, bench_now_ns() - count.began, count.quarters);
}

static void strata_print(struct end *end)
{
    struct strata_tcp_info info = {.size = sizeof info};
    must(strata_tcp_info(end->host, end->socket, &info), "strata_tcp_info");
    printf("{\"stack\": \"strata\", \"congestion\": \"%s\", \"retransmitted\": %llu, \"cwnd\": %u, "
           "\"srtt_us\": %lld, "
           "\"segments_sent\": %llu, \"timeouts\": %llu, \"fast_retransmits\": %llu, "
           "\"cpu_seconds\": %.3f}\n",
           info.congestion, (unsigned long long)info.segments_retransmitted,
           info.mss_send ? info.cwnd / info.mss_send : 0, (long long)info.srtt_ns / 1000,
           (unsigned long long)info.segments_sent, (unsigned long long)info.timeouts,
           (unsigned long long)info.fast_retransmits, (double)bench_cpu_ns() / 1e9);
    fflush(stdout);
}

static _Noreturn void strata_sender(struct end *end)
{
    struct strata_endpoint peer = {.port = SINK_PORT};
    must(strata_address_parse(SINK_ADDRESS, &peer.address), "address");
    int64_t until = bench_now_ns() + CONNECT_NS;
    int error = strata_connect(end->host, end->socket, &peer, bench_now_ns());
    if (error != -EINPROGRESS)
        must(error, "strata_connect");
    while (!(strata_readiness(end->host, end->socket) & STRATA_WRITABLE)) {
        if (bench_now_ns() > until || strata_readiness(end->host, end->socket) & STRATA_ERROR)
            bench_fail("nobody answers");
        end_turn(end, false, until);
    }
    bool told = false;
    size_t at = 0;
    until = bench_now_ns() + run_ns;
    for (;;) {
        int64_t sent;
        while ((sent = strata_write(end->host, end->socket, bench_message() + at, BENCH_MESSAGE_BYTES - at,
                                    bench_now_ns())) > 0)
            at = (at + (size_t)sent) % BENCH_MESSAGE_BYTES;
        if (sent < 0 && sent != -EAGAIN && told)
            exit(0);
        if (sent < 0 && sent != -EAGAIN)
            must(sent, "the sink went away");
        end_turn(end, false, told ? bench_now_ns() + run_ns : until);
        if (!told && bench_now_ns() >= until) {
            strata_print(end);
            told = true;
        }
    }
}

int main(int argc, char **argv)
{
    if (argc < 5 || (strcmp(argv[1], "send") && strcmp(argv[1], "sink")) || atof(argv[3]) <= 0)
        bench_fail("usage: end_goodput sink|send kernel|PATH SECONDS CONGESTION [SETTING=VALUE ...]");
    sends = !strcmp(argv[1], "send");
    run_ns = (int64_t)(atof(argv[3]) * 1e9);
    congestion = argv[4];
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_TIMERSLACK, 1UL);
    if (!strcmp(argv[2], "kernel"))
        sends ? kernel_sender() : kernel_sink();
    struct end end = end_open(argv[2], argv + 5);
    sends ? strata_sender(&end) : strata_sink(&end);
}
