/**
 * A source of traffic: constant, Poisson, in bursts, on and off; packets of one size or of exponential sizes. It only
 * sends, or asks for answers and tells how long they took.
 *
 * Packets go at times that are fixed in advance, one gap after the other: what happens to a packet does not move the
 * next one. That makes an open system, as queueing theory has it.
 */
#include "app/dns/resolve.h"
#include "app/figures.h"
#include "app/options.h"
#include "app/programs.h"
#include "app/traffic/draw.h"
#include "app/traffic/packet.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

struct source {
    struct strata_rt *rt;
    struct strata_conn *conn;
    struct strata_endpoint peer;
    struct draw draw;
    uint8_t *data;
    /* What was asked for. */
    int64_t packets, size, burst, ask;
    strata_time every, on, off, timeout, lasting;
    bool poisson, exponential_sizes;
    /* The periods of a source that is on and off: the present one ends then. */
    strata_time on_until;
    /* Answers */
    int64_t sent, answers;
    strata_time sum, least, most;
    struct strata_fiber *sender;
    bool done;
};

static strata_time gap(struct source *source, strata_time mean)
{
    return source->poisson ? (strata_time)draw_exponential(&source->draw, (uint64_t)mean) : mean;
}

/** When a packet that was due at `due` goes: in a period of silence the source's clock stands still. */
static strata_time when_on(struct source *source, strata_time due)
{
    while (source->on > 0 && due >= source->on_until) {
        strata_time silence = gap(source, source->off);
        due += silence;
        source->on_until += silence + gap(source, source->on);
    }
    return due;
}

static uint64_t size_of(struct source *source, int64_t mean)
{
    return source->exponential_sizes ? draw_exponential(&source->draw, (uint64_t)mean) : (uint64_t)mean;
}

static int send_packet(struct source *source)
{
    struct traffic_packet packet = {.number = (uint32_t)source->sent, .sent_at = strata_rt_wall(source->rt)};
    size_t size = traffic_data_bytes(&source->peer.address, source->ask ? 0 : size_of(source, source->size));
    if (source->ask) {
        uint64_t wanted = size_of(source, source->ask);
        packet.wanted_bytes = wanted < 65535 ? (uint32_t)wanted : 65535;
    }
    traffic_emit(source->data, &packet);
    int64_t result = strata_rt_send_to(source->conn, source->data, size, &source->peer, STRATA_NEVER);
    source->sent++;
    return result < 0 ? (int)result : 0;
}

/** Answers tell the number of the question and when it was asked. */
static void hear_answers(void *argument)
{
    struct source *source = argument;
    uint8_t *data = malloc(TRAFFIC_DATA_MAX);
    struct traffic_packet packet;
    while (data && source->answers < source->packets) {
        int64_t got = strata_rt_receive_from(source->conn, data, TRAFFIC_DATA_MAX, NULL, STRATA_NEVER);
        if (got == -ECANCELED || got == -EBADF)
            break;
        if (got < 0 || !traffic_parse(&packet, data, (size_t)got))
            continue;
        strata_time took = strata_rt_wall(source->rt) - packet.sent_at;
        if (source->answers++ == 0 || took < source->least)
            source->least = took;
        if (took > source->most)
            source->most = took;
        source->sum += took;
    }
    free(data);
    source->done = true;
    if (source->sender)
        strata_rt_wake_fiber(source->rt, source->sender);
}

static int send_all(struct source *source)
{
    strata_time begin = strata_rt_now(source->rt), due = begin;
    source->on_until = begin + (source->on > 0 ? gap(source, source->on) : 0);
    if (source->poisson)
        due += gap(source, source->every);
    while (source->sent < source->packets) {
        due = when_on(source, due);
        if (source->lasting > 0 && due >= begin + source->lasting)
            return 0;
        int error = strata_rt_sleep(source->rt, due);
        for (int64_t i = 0; i < source->burst && source->sent < source->packets && !error; i++)
            error = send_packet(source);
        if (error)
            return error;
        due += gap(source, source->every);
    }
    return 0;
}

static int report_answers(struct source *source)
{
    char text[FIGURE_TEXT];
    strata_time deadline = strata_rt_now(source->rt) + source->timeout;
    source->packets = source->sent;
    source->sender = strata_rt_self(source->rt);
    while (!source->done && source->answers < source->sent)
        if (strata_rt_park(source->rt, deadline) < 0)
            break;
    strata_rt_print(source->rt, "answers: %" PRId64 " of %" PRId64 "\n", source->answers, source->sent);
    if (source->answers == 0)
        return 1;
    strata_rt_print(source->rt, "mean response time: %s\n", figure_time(source->sum / source->answers, text));
    strata_rt_print(source->rt, "least response time: %s\n", figure_time(source->least, text));
    strata_rt_print(source->rt, "most response time: %s\n", figure_time(source->most, text));
    return source->answers < source->sent;
}

static int run(struct source *source)
{
    struct strata_fiber *listener = NULL;
    int error = source->ask ? strata_rt_spawn(source->rt, "traffic-answers", hear_answers, source, &listener) : 0;
    if (!error)
        error = send_all(source);
    int status = error != 0;
    if (error)
        strata_rt_complain(source->rt, "traffic: %s\n", error_text(error));
    else if (source->ask)
        status = report_answers(source);
    else
        strata_rt_print(source->rt, "sent: %" PRId64 " packets\n", source->sent);
    if (listener) {
        strata_rt_cancel(source->rt, listener);
        strata_rt_join(source->rt, STRATA_NEVER);
    }
    return status;
}

int program_traffic(struct strata_rt *rt, int argc, char **argv)
{
    struct source *source = calloc(1, sizeof *source);
    const char *name = NULL;
    int64_t port = TRAFFIC_PORT;
    if (!source)
        return 1;
    *source = (struct source){.rt = rt, .packets = -1, .size = 1000, .burst = 1, .every = STRATA_SECOND,
                              .timeout = 10 * STRATA_SECOND};
    const struct option_entry entries[] = {
        {"--port", OPTION_NUMBER, &port, 1, 65535},
        {"--packets", OPTION_NUMBER, &source->packets, 1, INT32_MAX},
        {"--for", OPTION_SECONDS, &source->lasting, 1, INT64_MAX},
        {"--size", OPTION_NUMBER, &source->size, 1, 65535},
        {"--every", OPTION_SECONDS, &source->every, 0, INT64_MAX},
        {"--burst", OPTION_NUMBER, &source->burst, 1, 1000000},
        {"--on", OPTION_SECONDS, &source->on, 1, INT64_MAX},
        {"--off", OPTION_SECONDS, &source->off, 1, INT64_MAX},
        {"--poisson", OPTION_FLAG, &source->poisson, 0, 0},
        {"--exponential-sizes", OPTION_FLAG, &source->exponential_sizes, 0, 0},
        {"--ask", OPTION_NUMBER, &source->ask, 1, 65535},
        {"--timeout", OPTION_SECONDS, &source->timeout, 0, INT64_MAX},
    };
    static const char usage[] =
        "traffic HOST [OPTION ...]\n"
        "  --packets N          so many, or\n"
        "  --for TIME           for so long, such as 10s\n"
        "  --every TIME         one each; 1s unless given\n"
        "  --poisson            at random times, with that gap in the mean\n"
        "  --burst N            N at a time\n"
        "  --on TIME --off TIME in periods with silence between them; of random length with --poisson\n"
        "  --size BYTES         of the whole IP datagram; 1000 unless given\n"
        "  --exponential-sizes  random sizes, with that mean\n"
        "  --ask BYTES          small packets that ask for answers of this size; tells how long they took\n"
        "  --timeout TIME       how long answers are waited for in the end; 10s unless given\n"
        "  --port N             5001 unless given";
    int words = options_parse(rt, argc, argv, usage, entries, sizeof entries / sizeof *entries, &name, 1);
    int status = 2, result;
    if (words == 0)
        strata_rt_complain(rt, "traffic: which host?\nusage: %s\n", usage);
    else if (words == 1 && (source->on > 0) != (source->off > 0))
        strata_rt_complain(rt, "traffic: --on and --off go together\n");
    else if (words == 1 && source->packets < 0 && source->lasting == 0)
        strata_rt_complain(rt, "traffic: how much? --packets N or --for TIME\n");
    else if (words == 1 && source->every == 0 && source->packets < 0)
        strata_rt_complain(rt, "traffic: --every 0 needs --packets N\n");
    else if (words == 1) {
        if (source->packets < 0)
            source->packets = INT32_MAX;
        draw_begin(&source->draw, rt);
        source->data = calloc(1, TRAFFIC_DATA_MAX);
        source->peer.port = (uint16_t)port;
        result = source->data ? dns_resolve(rt, name, DNS_FAMILY_IPV4 | DNS_FAMILY_IPV6,
                                            strata_rt_now(rt) + source->timeout, &source->peer.address, 1)
                              : -ENOMEM;
        if (result > 0)
            result = strata_rt_datagram(rt, NULL, &source->conn);
        status = 1;
        if (result < 0)
            strata_rt_complain(rt, "traffic: %s: %s\n", name, error_text(result));
        else
            status = run(source);
        strata_rt_close(source->conn);
    }
    free(source->data);
    free(source);
    return status;
}
