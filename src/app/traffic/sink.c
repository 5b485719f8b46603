/**
 * A sink for traffic: counts what arrives and measures how long it took, by the clock of the sender. In the lab all
 * hosts have one clock; elsewhere the figures are as good as the clocks agree.
 */
#include "app/figures.h"
#include "app/options.h"
#include "app/programs.h"
#include "app/traffic/packet.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

struct sink {
    struct strata_rt *rt;
    struct strata_conn *conn;
    bool verbose;
    int64_t expected;
    uint64_t packets, bytes, first_bytes, highest;
    strata_time sum, least, most, first_at, last_at;
};

static void count(struct sink *sink, const struct traffic_packet *packet, size_t bytes)
{
    strata_time delay = strata_rt_wall(sink->rt) - packet->sent_at;
    char text[FIGURE_TEXT];
    if (sink->packets++ == 0) {
        sink->least = delay;
        sink->first_at = strata_rt_now(sink->rt);
        sink->first_bytes = bytes;
    }
    sink->last_at = strata_rt_now(sink->rt);
    sink->bytes += bytes;
    sink->sum += delay;
    if (delay < sink->least)
        sink->least = delay;
    if (delay > sink->most)
        sink->most = delay;
    if (packet->number >= sink->highest)
        sink->highest = packet->number + UINT64_C(1);
    if (sink->verbose)
        strata_rt_print(sink->rt, "packet %" PRIu32 " of %zu bytes after %s\n", packet->number + 1, bytes,
                        figure_time(delay, text));
}

static void report(struct sink *sink)
{
    char text[FIGURE_TEXT];
    strata_rt_print(sink->rt, "packets: %" PRIu64 ", bytes: %" PRIu64 "\n", sink->packets, sink->bytes);
    if (sink->packets == 0)
        return;
    strata_rt_print(sink->rt, "mean delay: %s\n", figure_time(sink->sum / (strata_time)sink->packets, text));
    strata_rt_print(sink->rt, "least delay: %s\n", figure_time(sink->least, text));
    strata_rt_print(sink->rt, "most delay: %s\n", figure_time(sink->most, text));
    if (sink->last_at > sink->first_at)
        strata_rt_print(sink->rt, "throughput: %s\n",
                        figure_rate((sink->bytes - sink->first_bytes) * 8, sink->last_at - sink->first_at, text));
}

/** Hears until there were as many as expected, or the time is over. @return 0, or a negative errno. */
static int hear(struct sink *sink, strata_time deadline)
{
    uint8_t *data = malloc(TRAFFIC_DATA_MAX);
    int64_t result = data ? 0 : -ENOMEM;
    struct traffic_packet packet;
    struct strata_endpoint peer;
    while (result >= 0 && sink->packets < (uint64_t)sink->expected) {
        result = strata_rt_receive_from(sink->conn, data, TRAFFIC_DATA_MAX, &peer, deadline);
        if (result >= 0 && traffic_parse(&packet, data, (size_t)result))
            count(sink, &packet, (size_t)result + traffic_headers(&peer.address));
    }
    free(data);
    return result == -ETIMEDOUT ? 0 : result < 0 ? (int)result : 0;
}

int program_traffic_sink(struct strata_rt *rt, int argc, char **argv)
{
    struct sink sink = {.rt = rt, .expected = INT64_MAX};
    int64_t port = TRAFFIC_PORT;
    strata_time lasting = 0;
    const struct option_entry entries[] = {
        {"--port", OPTION_NUMBER, &port, 1, 65535},
        {"--packets", OPTION_NUMBER, &sink.expected, 1, INT64_MAX},
        {"--for", OPTION_SECONDS, &lasting, 1, INT64_MAX},
        {"--verbose", OPTION_FLAG, &sink.verbose, 0, 0},
    };
    static const char usage[] = "traffic-sink [OPTION ...]\n"
                                "  --packets N   ends after so many, or\n"
                                "  --for TIME    after so long, such as 10s\n"
                                "  --verbose     a line for each packet\n"
                                "  --port N      5001 unless given";
    if (options_parse(rt, argc, argv, usage, entries, sizeof entries / sizeof *entries, NULL, 0) < 0)
        return 2;
    struct strata_endpoint local = {.port = (uint16_t)port};
    int result = strata_rt_datagram(rt, &local, &sink.conn);
    if (result == 0)
        result = hear(&sink, lasting > 0 ? strata_rt_now(rt) + lasting : STRATA_NEVER);
    strata_rt_close(sink.conn);
    if (result < 0) {
        strata_rt_complain(rt, "traffic-sink: port %d: %s\n", (int)port, error_text(result));
        return 1;
    }
    report(&sink);
    return 0;
}
