/**
 * ping: ICMP echo requests and what becomes of them (RFC 792, RFC 1122 3.2.2.6, RFC 4443 4).
 *
 * The echo socket's peer port is the sequence number, its data what the request carries. Replies are matched
 * by sequence number, and their data is compared.
 */
#include "app/dns/resolve.h"
#include "app/options.h"
#include "app/programs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PING_SIZE_MAX 65507
/** Requests that may be on their way at once; an older one counts as lost. */
#define PING_WINDOW 1024u

struct ping {
    struct strata_rt *rt;
    struct strata_conn *conn;
    struct strata_address target;
    char name[STRATA_ADDRESS_TEXT];
    int64_t count, size, interval_ns, timeout_ns, ttl;
    uint8_t *data, *reply;
    int64_t sent, received, errors, duplicates;
    struct {
        strata_time time;
        uint16_t sequence;
        bool waiting;
    } window[PING_WINDOW];
    strata_time least_ns, most_ns;
    uint64_t sum_us, squares_us; /**< Of round trip times. */
};

static void print_ms(strata_time ns, char *text, size_t size)
{
    // Three decimals, without floating point.
    int64_t us = ns / STRATA_MICROSECOND;
    size_t n = 0;
    char digits[24];
    int64_t whole = us / 1000;
    do
        digits[n++] = (char)('0' + whole % 10);
    while ((whole /= 10) > 0);
    size_t length = 0;
    while (n > 0 && length + 5 < size)
        text[length++] = digits[--n];
    text[length++] = '.';
    text[length++] = (char)('0' + us / 100 % 10);
    text[length++] = (char)('0' + us / 10 % 10);
    text[length++] = (char)('0' + us % 10);
    text[length] = 0;
}

static uint8_t pattern(size_t i, uint16_t sequence)
{
    return (uint8_t)(i + sequence);
}

static int send_request(struct ping *ping)
{
    uint16_t sequence = (uint16_t)(ping->sent % 65535 + 1);
    for (int64_t i = 0; i < ping->size; i++)
        ping->data[i] = pattern((size_t)i, sequence);
    struct strata_endpoint peer = {.address = ping->target, .port = sequence};
    int64_t result = strata_rt_send_to(ping->conn, ping->data, (size_t)ping->size, &peer,
                                       strata_rt_now(ping->rt) + ping->timeout_ns);
    unsigned slot = sequence % PING_WINDOW;
    ping->sent++;
    ping->window[slot].sequence = sequence;
    ping->window[slot].time = strata_rt_now(ping->rt);
    ping->window[slot].waiting = result >= 0;
    if (result < 0 && result != -ECANCELED) {
        strata_rt_print(ping->rt, "ping: seq=%u: %s\n", sequence, error_text((int)result));
        ping->errors++;
        return 0;
    }
    return (int)(result < 0 ? result : 0);
}

/** A reply has come. */
static void take_reply(struct ping *ping, const struct strata_envelope *envelope, int64_t length)
{
    uint16_t sequence = envelope->peer.port;
    unsigned slot = sequence % PING_WINDOW;
    if (ping->window[slot].sequence != sequence) // no sequence number is 0, as those of empty slots are
        return;
    bool equal = length == ping->size;
    for (int64_t i = 0; i < length && equal; i++)
        equal = ping->reply[i] == pattern((size_t)i, sequence);
    strata_time rtt = strata_rt_now(ping->rt) - ping->window[slot].time;
    char from[STRATA_ADDRESS_TEXT], time[32];
    strata_address_format(&envelope->peer.address, from, sizeof from);
    print_ms(rtt, time, sizeof time);
    bool duplicate = !ping->window[slot].waiting;
    strata_rt_print(ping->rt, "%lld bytes from %s: seq=%u ttl=%u time=%s ms%s%s\n", (long long)length + 8,
                    from, sequence, envelope->ttl, time, duplicate ? " (duplicate)" : "",
                    equal ? "" : " (data differs)");
    if (duplicate) {
        ping->duplicates++;
        return;
    }
    ping->window[slot].waiting = false;
    ping->received++;
    if (ping->received == 1 || rtt < ping->least_ns)
        ping->least_ns = rtt;
    if (rtt > ping->most_ns)
        ping->most_ns = rtt;
    uint64_t us = (uint64_t)(rtt / STRATA_MICROSECOND);
    ping->sum_us += us;
    ping->squares_us += us * us;
}

static void take_error(struct ping *ping, const struct strata_envelope *envelope)
{
    char from[STRATA_ADDRESS_TEXT];
    strata_address_format(&envelope->reporter, from, sizeof from);
    unsigned slot = envelope->peer.port % PING_WINDOW;
    ping->errors++;
    bool v4 = strata_address_is_ipv4(&ping->target);
    const char *what =
        envelope->icmp_type == (v4 ? 11 : 3) ? "time to live exceeded" : error_text(envelope->error);
    strata_rt_print(ping->rt, "from %s: seq=%u %s\n", from, envelope->peer.port, what);
    if (ping->window[slot].sequence == envelope->peer.port)
        ping->window[slot].waiting = false;
}

static bool all_answered(const struct ping *ping)
{
    for (unsigned i = 0; i < PING_WINDOW; i++)
        if (ping->window[i].waiting)
            return false;
    return true;
}

/** Takes what comes until `until`, or until nothing is awaited. */
static int listen_until(struct ping *ping, strata_time until, bool last)
{
    while (!(last && all_answered(ping))) {
        struct strata_conn *conns[1] = {ping->conn};
        const uint32_t ready[1] = {STRATA_READABLE | STRATA_ERROR};
        int result = strata_rt_wait_any(ping->rt, conns, ready, 1, until);
        if (result < 0)
            return result == -ETIMEDOUT ? 0 : result;
        strata_time now = strata_rt_now(ping->rt);
        struct strata_envelope envelope = {.size = sizeof envelope};
        int64_t got = strata_rt_receive_error(ping->conn, ping->reply, PING_SIZE_MAX, &envelope, now);
        if (got >= 0)
            take_error(ping, &envelope);
        envelope = (struct strata_envelope){.size = sizeof envelope};
        got = strata_rt_receive(ping->conn, ping->reply, PING_SIZE_MAX, &envelope, now);
        if (got >= 0)
            take_reply(ping, &envelope, got);
        else if (got == -ECANCELED)
            return -ECANCELED;
    }
    return 0;
}

static uint64_t square_root(uint64_t n)
{
    uint64_t root = 0;
    for (uint64_t bit = (uint64_t)1 << 31; bit > 0; bit >>= 1)
        if ((root + bit) * (root + bit) <= n)
            root += bit;
    return root;
}

static void print_summary(struct ping *ping)
{
    int64_t lost = ping->sent - ping->received;
    char more[64] = "";
    int length = 0;
    if (ping->duplicates)
        length = snprintf(more, sizeof more, ", %lld duplicates", (long long)ping->duplicates);
    if (ping->errors)
        snprintf(more + length, sizeof more - (size_t)length, ", %lld errors", (long long)ping->errors);
    strata_rt_print(ping->rt, "%lld packets transmitted, %lld received, %lld%% packet loss%s\n",
                    (long long)ping->sent, (long long)ping->received,
                    (long long)(ping->sent ? lost * 100 / ping->sent : 0), more);
    if (ping->received == 0)
        return;
    char least[32], mean[32], most[32], deviation[32];
    uint64_t n = (uint64_t)ping->received, mean_us = ping->sum_us / n;
    uint64_t square = ping->squares_us / n;
    uint64_t variance = square > mean_us * mean_us ? square - mean_us * mean_us : 0;
    print_ms(ping->least_ns, least, sizeof least);
    print_ms((strata_time)mean_us * STRATA_MICROSECOND, mean, sizeof mean);
    print_ms(ping->most_ns, most, sizeof most);
    print_ms((strata_time)square_root(variance) * STRATA_MICROSECOND, deviation, sizeof deviation);
    strata_rt_print(ping->rt, "rtt min/avg/max/mdev = %s/%s/%s/%s ms\n", least, mean, most, deviation);
}

static int run(struct ping *ping)
{
    strata_rt_print(ping->rt, "PING %s: %lld data bytes\n", ping->name, (long long)ping->size);
    int result = 0;
    strata_time next = strata_rt_now(ping->rt);
    while (result == 0 && (ping->count == 0 || ping->sent < ping->count)) {
        result = send_request(ping);
        bool last = ping->count > 0 && ping->sent == ping->count;
        next += ping->interval_ns;
        if (result == 0)
            result = listen_until(ping, last ? strata_rt_now(ping->rt) + ping->timeout_ns : next, last);
    }
    print_summary(ping);
    return result == 0 && ping->received > 0 ? 0 : 1;
}

static int open_socket(struct ping *ping)
{
    int result = strata_rt_open(ping->rt, 0, STRATA_ECHO, &ping->conn);
    if (result < 0)
        return result;
    // Without a binding some kernels refuse to be read from before the first request was sent.
    struct strata_endpoint any = {.address = strata_address_is_ipv4(&ping->target)
                                                 ? strata_ipv4(0, 0, 0, 0)
                                                 : (struct strata_address){{0}}};
    result = strata_rt_bind(ping->conn, &any);
    strata_rt_set_option(ping->conn, STRATA_OPTION_RECEIVE_ERRORS, 1);
    if (ping->ttl > 0)
        strata_rt_set_option(ping->conn, STRATA_OPTION_TTL, ping->ttl);
    return result;
}

int program_ping(struct strata_rt *rt, int argc, char **argv)
{
    int64_t count = 4, size = 56, ttl = 0;
    strata_time interval_ns = STRATA_SECOND, timeout_ns = 2 * STRATA_SECOND;
    const char *host = NULL;
    const struct option_entry entries[] = {
        {"--count", OPTION_NUMBER, &count, 0, 1000000000},
        {"-c", OPTION_NUMBER, &count, 0, 1000000000},
        {"--size", OPTION_NUMBER, &size, 0, PING_SIZE_MAX},
        {"-s", OPTION_NUMBER, &size, 0, PING_SIZE_MAX},
        {"--interval", OPTION_SECONDS, &interval_ns, 0, 86400 * STRATA_SECOND},
        {"-i", OPTION_SECONDS, &interval_ns, 0, 86400 * STRATA_SECOND},
        {"--timeout", OPTION_SECONDS, &timeout_ns, 1, 86400 * STRATA_SECOND},
        {"-W", OPTION_SECONDS, &timeout_ns, 1, 86400 * STRATA_SECOND},
        {"--ttl", OPTION_NUMBER, &ttl, 1, 255},
        {"-t", OPTION_NUMBER, &ttl, 1, 255},
    };
    const char *usage = "ping HOST [-c COUNT] [-s BYTES] [-i SECONDS] [-W SECONDS] [-t TTL]";
    int words = options_parse(rt, argc, argv, usage, entries, sizeof entries / sizeof *entries, &host, 1);
    if (words < 1) {
        if (words == 0)
            strata_rt_complain(rt, "ping: which host?\nusage: %s\n", usage);
        return 2;
    }
    struct ping *ping = calloc(1, sizeof *ping);
    if (!ping)
        return 1;
    ping->rt = rt;
    ping->count = count;
    ping->size = size;
    ping->interval_ns = interval_ns;
    ping->timeout_ns = timeout_ns;
    ping->ttl = ttl;
    ping->data = malloc(PING_SIZE_MAX);
    ping->reply = malloc(PING_SIZE_MAX);
    int status = 1, result = -ENOMEM;
    if (ping->data && ping->reply)
        result = dns_resolve(rt, host, DNS_FAMILY_IPV4 | DNS_FAMILY_IPV6,
                             strata_rt_now(rt) + 10 * STRATA_SECOND, &ping->target, 1);
    if (result > 0)
        result = open_socket(ping);
    if (result < 0) {
        strata_rt_complain(rt, "ping: %s: %s%s\n", host, error_text(result),
                           result == -EACCES ? " (see the sysctl net.ipv4.ping_group_range)" : "");
    } else {
        strata_address_format(&ping->target, ping->name, sizeof ping->name);
        status = run(ping);
    }
    strata_rt_close(ping->conn);
    free(ping->data);
    free(ping->reply);
    free(ping);
    return status;
}
