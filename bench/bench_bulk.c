/*
 * bulk_mtu1500: one connection between two hosts in one process on one core, at MTU 1500 with checksums on.
 *
 * The client writes the message of 64 KiB again and again, the server compares every byte. Buffers are 64 KiB
 * at both ends, as lwIP's are in Debian's build. Twice: once verified in the receive ring itself, beside
 * lwIP's raw API, which also verifies in place (bytes are copied into the send queue, onto the wire and, by
 * us only, off the wire); and once through read, beside lwIP's socket API, which has a copy more.
 */
#include "support_hosts.h"

#include <errno.h>
#include <stdio.h>

#define BUFFER_BYTES 65535
#define REPEATS 5
#define SECONDS 0.8
#define WARM_SECONDS 0.2

/** Verifies what has arrived. @return bytes. */
typedef size_t take_fn(struct hosts *hosts, strata_socket server, size_t *at);

static size_t take_in_place(struct hosts *hosts, strata_socket server, size_t *at)
{
    struct strata_iovec pieces[32];
    size_t total = 0;
    int count = strata_data(hosts->server, server, pieces, 32);
    if (count != -EAGAIN)
        must(count, "strata_data");
    for (int i = 0; i < count; i++) {
        bench_verify(pieces[i].base, pieces[i].length, at);
        total += pieces[i].length;
    }
    if (total > 0)
        must(strata_consume(hosts->server, server, total, hosts->now), "strata_consume");
    return total;
}

static size_t take_by_read(struct hosts *hosts, strata_socket server, size_t *at)
{
    static uint8_t data[BENCH_MESSAGE_BYTES];
    int64_t got = strata_read(hosts->server, server, data, sizeof data, hosts->now);
    if (got <= 0)
        return 0;
    bench_verify(data, (size_t)got, at);
    return (size_t)got;
}

/** Moves bytes for a while. @return Gbit/s. */
static double run(struct hosts *hosts, strata_socket client, strata_socket server, take_fn *take,
                  size_t *sent_at, size_t *received_at, double seconds)
{
    uint64_t bytes = 0;
    int64_t began = bench_cpu_ns();
    int64_t end = bench_now_ns() + (int64_t)(seconds * 1e9);
    do {
        int64_t sent;
        while ((sent = strata_write(hosts->client, client, bench_message() + *sent_at,
                                    BENCH_MESSAGE_BYTES - *sent_at, hosts->now)) > 0)
            *sent_at = (*sent_at + (size_t)sent) % BENCH_MESSAGE_BYTES;
        hosts_turn(hosts);
        size_t got;
        while ((got = take(hosts, server, received_at)) > 0)
            bytes += got;
    } while (hosts->now < end);
    if (bytes == 0)
        bench_fail("nothing moved");
    return (double)bytes * 8 / (double)(bench_cpu_ns() - began);
}

static void measure(const char *name, take_fn *take, const char *peer_mode)
{
    double ours[REPEATS], theirs[REPEATS];
    struct bench_peer peer = {0};
    struct hosts *hosts = hosts_new(0);
    strata_socket client, server;
    hosts_connect(hosts, 80, BUFFER_BYTES, &client, &server);
    size_t sent_at = 0, received_at = 0;
    for (int i = 0; i < REPEATS; i++) {
        run(hosts, client, server, take, &sent_at, &received_at, WARM_SECONDS);
        ours[i] = run(hosts, client, server, take, &sent_at, &received_at, SECONDS);
        peer = bench_run_peer("peer_lwip", peer_mode, SECONDS);
        theirs[i] = peer.value;
    }
    struct strata_tcp_info info = {.size = sizeof info};
    must(strata_tcp_info(hosts->client, client, &info), "strata_tcp_info");
    char more[1024];
    snprintf(more, sizeof more,
             "%s, \"options\": \"buffers %d, segments of %u bytes, timestamps %d, congestion control %s, one "
             "core\", "
             "\"retransmitted\": %llu",
             bench_peer_json(&peer, bench_median(theirs, REPEATS)), BUFFER_BYTES, info.mss_send,
             info.timestamps, info.congestion, (unsigned long long)info.segments_retransmitted);
    bench_result(name, bench_median(ours, REPEATS), "Gbit/s", true, more);
    hosts_free(hosts);
}

int main(void)
{
    measure("bulk_mtu1500", take_in_place, "bulk");
    measure("bulk_mtu1500_read", take_by_read, "sockets");
    return 0;
}
