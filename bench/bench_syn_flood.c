/*
 * syn_flood: how many SYNs from forged addresses a host answers in a second of processor time, once it has more
 * half-open connections than it remembers and answers by cookies, and what it costs where it remembers them by
 * forgetting others. Parse, checksum, listener, cookie, SYN-ACK with checksum into a driver's buffer: all of it.
 */
#include "support_hosts.h"

#include "tests/host/flood.h"

#include <stdlib.h>

#define SYNS 400000u
#define BATCH 64u
#define RUNS 5

/** SYNs in a second of processor time. */
static double flood(int64_t cookies)
{
    static uint8_t syns[BATCH][FLOOD_BYTES], room[2048];
    struct strata_host *host;
    struct strata_config config = {.size = sizeof config, .name = "server"};
    struct strata_port_config port_config = {.size = sizeof port_config, .link = STRATA_LINK_IP, .mtu_bytes = 1500};
    strata_time now = STRATA_SECOND;
    must(strata_host_new(&host, &config), "strata_host_new");
    int port = (int)must(strata_port_add(host, &port_config), "strata_port_add");
    struct strata_address address = strata_ipv4(10, 0, 0, 2);
    must(strata_address_add(host, port, &address, 24, now), "strata_address_add");
    struct strata_route route = {.destination = strata_ipv4(0, 0, 0, 0),
                                 .gateway = strata_ipv4(10, 0, 0, 1), .port = port};
    must(strata_route_add(host, &route), "strata_route_add");
    must(strata_set(host, "net.ipv4.tcp_syncookies", cookies), "strata_set");
    strata_socket listener = must(strata_open(host, STRATA_STREAM), "strata_open");
    struct strata_endpoint local = {.port = 80};
    must(strata_bind(host, listener, &local), "strata_bind");
    must(strata_listen(host, listener, 0, now), "strata_listen");
    int64_t spent = 0;
    uint32_t answers = 0;
    for (uint32_t number = 0; number < SYNS; number += BATCH) {
        for (uint32_t i = 0; i < BATCH; i++)
            flood_syn(syns[i], number + i, 80);
        int64_t before = bench_cpu_ns();
        for (uint32_t i = 0; i < BATCH; i++) {
            now += STRATA_MICROSECOND;
            strata_host_input(host, port, syns[i], FLOOD_BYTES, NULL, now);
        }
        while (strata_host_ready(host) >= 0 && strata_host_output(host, port, room, sizeof room, NULL, now) > 0)
            answers++;
        if (strata_host_deadline(host) <= now)
            strata_host_advance(host, now);
        spent += bench_cpu_ns() - before;
    }
    if (answers < SYNS)
        bench_fail("%u SYNs and %u answers", SYNS, answers);
    strata_host_free(host);
    return SYNS * 1e9 / (double)spent;
}

int main(void)
{
    double rates[RUNS], remembered[RUNS];
    for (int i = 0; i < RUNS; i++) {
        rates[i] = flood(1);
        remembered[i] = flood(0);
    }
    bench_result("syn_flood", bench_median(rates, RUNS), "SYNs/s", true,
                 ", \"note\": \"answered by cookies, one core\"");
    bench_result("syn_flood_without_cookies", bench_median(remembered, RUNS), "SYNs/s", true,
                 ", \"note\": \"the oldest half-open connection makes room\"");
    return 0;
}
