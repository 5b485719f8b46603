/**
 * traceroute: the routers on the way, which say that the time to live of a probe ended with them (RFC 792;
 * the method is V. Jacobson's). Probes are UDP datagrams to ports nobody listens at; the destination answers
 * with port unreachable.
 */
#include "app/dns/resolve.h"
#include "app/options.h"
#include "app/programs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define TRACEROUTE_PORT 33434
#define TRACEROUTE_PROBES 3

struct trace {
    struct strata_rt *rt;
    struct strata_conn *conn;
    struct strata_address target;
    strata_time wait_ns;
    uint16_t port;
    /* The line of this hop. */
    char line[256];
    size_t length;
    struct strata_address last; /**< Who answered last; zero: nobody. */
    bool reached;
};

static void append(struct trace *trace, const char *text)
{
    size_t length = strlen(text);
    if (trace->length + length < sizeof trace->line) {
        memcpy(trace->line + trace->length, text, length + 1);
        trace->length += length;
    }
}

static void append_answer(struct trace *trace, const struct strata_address *from, strata_time took,
                          const char *mark)
{
    char text[STRATA_ADDRESS_TEXT + 32], address[STRATA_ADDRESS_TEXT];
    if (memcmp(from, &trace->last, sizeof *from) != 0) {
        strata_address_format(from, address, sizeof address);
        snprintf(text, sizeof text, "  %s", address);
        append(trace, text);
        trace->last = *from;
    }
    int64_t us = took / STRATA_MICROSECOND;
    snprintf(text, sizeof text, "  %lld.%03d ms%s", (long long)(us / 1000), (int)(us % 1000), mark);
    append(trace, text);
}

/** What an ICMP error about a probe means: a mark behind the time. Sets reached when the way ends there. */
static const char *judge(struct trace *trace, const struct strata_envelope *envelope)
{
    bool v4 = strata_address_is_ipv4(&trace->target);
    if (envelope->icmp_type == (v4 ? 11 : 3))
        return "";
    trace->reached = true;
    if (envelope->icmp_type != (v4 ? 3 : 1))
        return " !";
    if (envelope->icmp_code == (v4 ? 3 : 4))
        return "";
    if (envelope->icmp_code == 0)
        return " !N";
    return envelope->icmp_code == (v4 ? 1 : 3) ? " !H" : " !X";
}

/** Waits for what becomes of the probe to `port`. @return 1: something, 0: nothing in time, -ECANCELED. */
static int await(struct trace *trace, uint16_t port, strata_time sent)
{
    for (;;) {
        struct strata_conn *conns[1] = {trace->conn};
        const uint32_t ready[1] = {STRATA_READABLE | STRATA_ERROR};
        int result = strata_rt_wait_any(trace->rt, conns, ready, 1, sent + trace->wait_ns);
        if (result < 0)
            return result == -ETIMEDOUT ? 0 : result;
        uint8_t data[64];
        strata_time now = strata_rt_now(trace->rt);
        struct strata_envelope envelope = {.size = sizeof envelope};
        int64_t got = strata_rt_receive_error(trace->conn, data, sizeof data, &envelope, now);
        if (got >= 0 && envelope.peer.port == port) {
            const char *mark = judge(trace, &envelope);
            append_answer(trace, &envelope.reporter, now - sent, mark);
            return 1;
        }
        envelope = (struct strata_envelope){.size = sizeof envelope};
        got = strata_rt_receive(trace->conn, data, sizeof data, &envelope, now);
        if (got == -ECANCELED)
            return -ECANCELED;
        if (got >= 0 && envelope.peer.port == port) { // Somebody does listen there.
            trace->reached = true;
            append_answer(trace, &envelope.peer.address, now - sent, "");
            return 1;
        }
    }
}

/** Three probes of one time to live, and their line. */
static int probe_hop(struct trace *trace, uint8_t ttl)
{
    static const uint8_t data[32] = "strata traceroute probe";
    trace->length = 0;
    trace->last = (struct strata_address){{0}};
    for (int i = 0; i < TRACEROUTE_PROBES; i++) {
        struct strata_envelope envelope = {.size = sizeof envelope, .ttl = ttl};
        envelope.peer.address = trace->target;
        envelope.peer.port = trace->port++;
        strata_time sent = strata_rt_now(trace->rt);
        int64_t result = strata_rt_send(trace->conn, data, sizeof data, &envelope, sent + trace->wait_ns);
        if (result == -ECANCELED)
            return -ECANCELED;
        if (result < 0) {
            append(trace, "  ");
            append(trace, error_text((int)result));
            continue;
        }
        int answered = await(trace, envelope.peer.port, sent);
        if (answered < 0)
            return answered;
        if (answered == 0)
            append(trace, "  *");
    }
    strata_rt_print(trace->rt, "%2u%s\n", ttl, trace->line);
    return 0;
}

int program_traceroute(struct strata_rt *rt, int argc, char **argv)
{
    struct trace trace = {.rt = rt, .port = TRACEROUTE_PORT};
    int64_t hops = 30;
    trace.wait_ns = 2 * STRATA_SECOND;
    const char *host = NULL;
    const struct option_entry entries[] = {
        {"--hops", OPTION_NUMBER, &hops, 1, 255},
        {"-m", OPTION_NUMBER, &hops, 1, 255},
        {"--wait", OPTION_SECONDS, &trace.wait_ns, 1, 86400 * STRATA_SECOND},
        {"-w", OPTION_SECONDS, &trace.wait_ns, 1, 86400 * STRATA_SECOND},
    };
    const char *usage = "traceroute HOST [-m HOPS] [-w SECONDS]";
    int words = options_parse(rt, argc, argv, usage, entries, sizeof entries / sizeof *entries, &host, 1);
    if (words < 1) {
        if (words == 0)
            strata_rt_complain(rt, "traceroute: which host?\nusage: %s\n", usage);
        return 2;
    }
    int result = dns_resolve(rt, host, DNS_FAMILY_IPV4 | DNS_FAMILY_IPV6,
                             strata_rt_now(rt) + 10 * STRATA_SECOND, &trace.target, 1);
    if (result > 0)
        result = strata_rt_datagram(rt, NULL, &trace.conn);
    if (result >= 0)
        result = strata_rt_set_option(trace.conn, STRATA_OPTION_RECEIVE_ERRORS, 1);
    if (result < 0) {
        strata_rt_complain(rt, "traceroute: %s: %s\n", host, error_text(result));
        strata_rt_close(trace.conn);
        return 1;
    }
    char text[STRATA_ADDRESS_TEXT];
    strata_address_format(&trace.target, text, sizeof text);
    strata_rt_print(rt, "traceroute to %s (%s), %lld hops at most\n", host, text, (long long)hops);
    for (int64_t ttl = 1; ttl <= hops && !trace.reached && result >= 0; ttl++)
        result = probe_hop(&trace, (uint8_t)ttl);
    strata_rt_close(trace.conn);
    return result >= 0 && trace.reached ? 0 : 1;
}
