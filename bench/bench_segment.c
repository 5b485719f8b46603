/*
 * segment_ns: what one full segment costs to send and to receive, at MTU 1500, in time, in time-stamp-counter
 * cycles and in instructions under callgrind.
 *
 * Sent is strata_host_ready and strata_host_output: choose, header, copy from the ring, checksum. Received is
 * strata_host_input: parse, checksum, demultiplex, state machine, copy into the ring, event. ACKs are the
 * same two for a segment without data, one for every batch, and are measured apart, as are the program's
 * calls, which copy into and out of the rings. The instructions are counted by running this program again
 * under callgrind, which counts only inside the function named.
 */
#include "support_hosts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define BUFFER_BYTES 65535
#define CALLGRIND_TURNS 1500

enum step { STEP_WRITE, STEP_SENT, STEP_RECEIVED, STEP_READ, STEP_ACK_SENT, STEP_ACK_RECEIVED, STEPS };

/** Turns of one measurement. The median turn counts, so that those during which others ran do not. */
#define TURNS 20000

struct account {
    double cycles[STEPS][TURNS]; /**< Per segment, or per byte. */
    uint64_t count[STEPS];
    unsigned turns;
};

/* The four that callgrind knows by name. */
__attribute__((noinline)) static unsigned segment_sent(struct hosts *hosts)
{
    return hosts_take(hosts, hosts->client);
}

__attribute__((noinline)) static void segment_received(struct hosts *hosts, unsigned count)
{
    hosts_give(hosts, hosts->server, hosts->server_port, count);
}

__attribute__((noinline)) static unsigned ack_sent(struct hosts *hosts)
{
    return hosts_take(hosts, hosts->server);
}

__attribute__((noinline)) static void ack_received(struct hosts *hosts, unsigned count)
{
    hosts_give(hosts, hosts->client, hosts->client_port, count);
}

static void book(struct account *account, enum step step, uint64_t *clock, uint64_t count)
{
    uint64_t now = bench_cycles();
    if (account->turns < TURNS)
        account->cycles[step][account->turns] = count ? (double)(now - *clock) / (double)count : 0;
    account->count[step] += count;
    *clock = bench_cycles();
}

/** Fills the send buffer, moves one batch of segments and the ACKs for it. */
static void turn(struct hosts *hosts, strata_socket client, strata_socket server, struct account *account)
{
    static uint8_t data[BENCH_MESSAGE_BYTES];
    hosts->now = bench_now_ns();
    if (strata_host_deadline(hosts->client) <= hosts->now)
        strata_host_advance(hosts->client, hosts->now);
    if (strata_host_deadline(hosts->server) <= hosts->now)
        strata_host_advance(hosts->server, hosts->now);
    uint64_t clock = bench_cycles();
    int64_t sent = strata_write(hosts->client, client, bench_message(), BENCH_MESSAGE_BYTES, hosts->now);
    book(account, STEP_WRITE, &clock, sent > 0 ? (uint64_t)sent : 0);
    unsigned count = segment_sent(hosts);
    book(account, STEP_SENT, &clock, count);
    segment_received(hosts, count);
    book(account, STEP_RECEIVED, &clock, count);
    int64_t got = strata_read(hosts->server, server, data, sizeof data, hosts->now);
    book(account, STEP_READ, &clock, got > 0 ? (uint64_t)got : 0);
    unsigned acks = ack_sent(hosts);
    book(account, STEP_ACK_SENT, &clock, acks);
    ack_received(hosts, acks);
    book(account, STEP_ACK_RECEIVED, &clock, acks);
    account->turns++;
}

/** Under callgrind: a fixed number of turns, then how many of each. */
static int count_turns(void)
{
    struct hosts *hosts = hosts_new(0);
    strata_socket client, server;
    hosts_connect(hosts, 80, BUFFER_BYTES, &client, &server);
    static struct account account;
    for (int i = 0; i < CALLGRIND_TURNS; i++)
        turn(hosts, client, server, &account);
    printf("%llu %llu %llu %llu\n", (unsigned long long)account.count[STEP_SENT],
           (unsigned long long)account.count[STEP_RECEIVED], (unsigned long long)account.count[STEP_ACK_SENT],
           (unsigned long long)account.count[STEP_ACK_RECEIVED]);
    hosts_free(hosts);
    return 0;
}

/** Instructions per call of `function`, whose calls are the `which`-th number that count_turns prints; 0: no
 * valgrind. */
static double instructions(const char *function, int which)
{
    char self[4096], folder[] = "/tmp/strata-callgrind-XXXXXX", command[8192], line[256];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length <= 0 || system("command -v valgrind >/dev/null 2>&1") != 0 || !mkdtemp(folder))
        return 0;
    self[length] = 0;
    snprintf(
        command, sizeof command,
        "valgrind --tool=callgrind --callgrind-out-file=%s/out --toggle-collect=%s '%s' count 2>/dev/null",
        folder, function, self);
    FILE *pipe = popen(command, "r");
    unsigned long long calls[4] = {0}, total = 0;
    bool ok = pipe && fscanf(pipe, "%llu %llu %llu %llu", &calls[0], &calls[1], &calls[2], &calls[3]) == 4;
    if (pipe && pclose(pipe) != 0)
        ok = false;
    char path[64];
    snprintf(path, sizeof path, "%s/out", folder);
    FILE *out = fopen(path, "r");
    while (out && fgets(line, sizeof line, out))
        if (sscanf(line, "totals: %llu", &total) == 1 || sscanf(line, "summary: %llu", &total) == 1)
            break;
    if (out)
        fclose(out);
    unlink(path);
    rmdir(folder);
    return ok && calls[which] > 0 ? (double)total / (double)calls[which] : 0;
}

static void report(const char *name, double cycles, double cycles_per_ns, const char *function, int which)
{
    char full[64];
    snprintf(full, sizeof full, "%s_ns", name);
    bench_result(full, cycles / cycles_per_ns, "ns", false, "");
    snprintf(full, sizeof full, "%s_cycles", name);
    bench_result(full, cycles, "TSC cycles", false, "");
    double count = instructions(function, which);
    snprintf(full, sizeof full, "%s_instructions", name);
    if (count > 0)
        bench_result(full, count, "instructions", false, "");
    else
        printf("SKIPPED: %s: valgrind is not installed\n", full);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "count") == 0)
        return count_turns();
    struct hosts *hosts = hosts_new(0);
    strata_socket client, server;
    hosts_connect(hosts, 80, BUFFER_BYTES, &client, &server);
    static struct account account;
    int64_t began = 0;
    uint64_t clock = 0;
    for (int warm = 1; warm >= 0; warm--) {
        account.turns = 0;
        began = bench_now_ns();
        clock = bench_cycles();
        while (account.turns < TURNS)
            turn(hosts, client, server, &account);
    }
    double cycles_per_ns = (double)(bench_cycles() - clock) / (double)(bench_now_ns() - began);
    struct strata_tcp_info info = {.size = sizeof info};
    must(strata_tcp_info(hosts->client, client, &info), "strata_tcp_info");
    double median[STEPS];
    for (int step = 0; step < STEPS; step++)
        median[step] = bench_median(account.cycles[step], TURNS);
    printf("segments of %u bytes, %.2f TSC cycles per ns; write %.3f and read %.3f cycles per byte\n",
           info.mss_send, cycles_per_ns, median[STEP_WRITE], median[STEP_READ]);
    report("segment_sent", median[STEP_SENT], cycles_per_ns, "segment_sent", 0);
    report("segment_received", median[STEP_RECEIVED], cycles_per_ns, "segment_received", 1);
    report("ack_sent", median[STEP_ACK_SENT], cycles_per_ns, "ack_sent", 2);
    report("ack_received", median[STEP_ACK_RECEIVED], cycles_per_ns, "ack_received", 3);
    hosts_free(hosts);
    return 0;
}
