/**
 * A sender that insists: it sends at a fixed rate, and whenever its turn comes, what has not been acknowledged within
 * the timeout goes again before anything new. What congestion does to those who answer loss with more of the same.
 *
 * The peer is a traffic-server, whose answers are the acknowledgements.
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
#include <string.h>

#define PACKETS_MAX 1000000u

/** A transmission, in the order of time. */
struct transmission {
    uint32_t number;
    strata_time at;
};
struct insist {
    struct strata_rt *rt;
    struct strata_conn *conn;
    struct strata_endpoint peer;
    struct draw draw;
    int64_t size;
    strata_time every, timeout, lasting;
    bool poisson;
    uint8_t *data;
    uint8_t *arrived;              /**< Per packet: whether it was acknowledged. */
    struct transmission *sent;     /**< A ring of PACKETS_MAX: those whose packets may still be missing. */
    uint32_t first, count;
    uint32_t packets, distinct;    /**< New ones sent; of these, acknowledged. */
    uint64_t transmissions, again;
};

/** The packet whose turn it is. */
static uint32_t choose(struct insist *insist, strata_time now)
{
    while (insist->count > 0) {
        const struct transmission *oldest = &insist->sent[insist->first];
        if (!insist->arrived[oldest->number] && oldest->at + insist->timeout > now)
            break;
        uint32_t number = oldest->number;
        insist->first = (insist->first + 1) % PACKETS_MAX;
        insist->count--;
        if (!insist->arrived[number]) {
            insist->again++;
            return number;
        }
    }
    return insist->packets++;
}

static int send_one(struct insist *insist)
{
    strata_time now = strata_rt_now(insist->rt);
    uint32_t number = choose(insist, now);
    if (number >= PACKETS_MAX || insist->count == PACKETS_MAX)
        return -ENOBUFS;
    insist->sent[(insist->first + insist->count++) % PACKETS_MAX] = (struct transmission){number, now};
    insist->transmissions++;
    struct traffic_packet packet = {.number = number, .wanted_bytes = 1, .sent_at = strata_rt_wall(insist->rt)};
    traffic_emit(insist->data, &packet);
    size_t size = traffic_data_bytes(&insist->peer.address, (uint64_t)insist->size);
    int64_t result = strata_rt_send_to(insist->conn, insist->data, size, &insist->peer, STRATA_NEVER);
    return result < 0 ? (int)result : 0;
}

static void hear(void *argument)
{
    struct insist *insist = argument;
    uint8_t data[2048];
    struct traffic_packet packet;
    for (;;) {
        int64_t got = strata_rt_receive_from(insist->conn, data, sizeof data, NULL, STRATA_NEVER);
        if (got == -ECANCELED || got == -EBADF)
            return;
        if (got < 0 || !traffic_parse(&packet, data, (size_t)got) || packet.number >= insist->packets ||
            insist->arrived[packet.number])
            continue;
        insist->arrived[packet.number] = 1;
        insist->distinct++;
    }
}

static int run(struct insist *insist)
{
    struct strata_rt *rt = insist->rt;
    struct strata_fiber *listener = NULL;
    strata_time begin = strata_rt_now(rt), due = begin;
    int error = strata_rt_spawn(rt, "insist-answers", hear, insist, &listener);
    while (!error && due < begin + insist->lasting) {
        error = strata_rt_sleep(rt, due);
        if (!error)
            error = send_one(insist);
        uint64_t gap = (uint64_t)insist->every;
        due += insist->poisson ? (strata_time)draw_exponential(&insist->draw, gap) : insist->every;
    }
    char text[FIGURE_TEXT];
    uint64_t bits = (uint64_t)insist->size * 8;
    strata_rt_print(rt, "offered: %s\n", figure_rate(insist->transmissions * bits, insist->lasting, text));
    strata_rt_print(rt, "goodput: %s\n", figure_rate(insist->distinct * bits, insist->lasting, text));
    strata_rt_print(rt, "sent again: %" PRIu64 " of %" PRIu64 "\n", insist->again, insist->transmissions);
    strata_rt_print(rt, "copies of each: %s\n", figure_ratio(insist->transmissions, insist->distinct, text));
    if (listener) {
        strata_rt_cancel(rt, listener);
        strata_rt_join(rt, STRATA_NEVER);
    }
    if (error)
        strata_rt_complain(rt, "insist: %s\n", error_text(error));
    return error != 0;
}

int program_insist(struct strata_rt *rt, int argc, char **argv)
{
    struct insist insist = {.rt = rt, .size = 1000, .every = 10 * STRATA_MILLISECOND, .timeout = STRATA_SECOND,
                            .lasting = 10 * STRATA_SECOND};
    const char *name = NULL;
    int64_t port = TRAFFIC_PORT;
    const struct option_entry entries[] = {
        {"--port", OPTION_NUMBER, &port, 1, 65535},
        {"--size", OPTION_NUMBER, &insist.size, 1, 65535},
        {"--every", OPTION_SECONDS, &insist.every, 1, INT64_MAX},
        {"--timeout", OPTION_SECONDS, &insist.timeout, 1, INT64_MAX},
        {"--for", OPTION_SECONDS, &insist.lasting, 1, INT64_MAX},
        {"--poisson", OPTION_FLAG, &insist.poisson, 0, 0},
    };
    const char *usage =
        "insist HOST [--port N] [--size BYTES] [--every TIME] [--timeout TIME] [--for TIME] [--poisson]";
    int words = options_parse(rt, argc, argv, usage, entries, sizeof entries / sizeof *entries, &name, 1);
    if (words < 1) {
        if (words == 0)
            strata_rt_complain(rt, "insist: which host?\nusage: %s\n", usage);
        return 2;
    }
    draw_begin(&insist.draw, rt);
    insist.peer.port = (uint16_t)port;
    insist.data = calloc(1, TRAFFIC_DATA_MAX);
    insist.arrived = calloc(1, PACKETS_MAX);
    insist.sent = malloc(PACKETS_MAX * sizeof *insist.sent);
    int status = 1;
    int result = insist.data && insist.arrived && insist.sent
                     ? dns_resolve(rt, name, DNS_FAMILY_IPV4 | DNS_FAMILY_IPV6,
                                   strata_rt_now(rt) + 10 * STRATA_SECOND, &insist.peer.address, 1)
                     : -ENOMEM;
    if (result > 0)
        result = strata_rt_datagram(rt, NULL, &insist.conn);
    if (result < 0)
        strata_rt_complain(rt, "insist: %s: %s\n", name, error_text(result));
    else
        status = run(&insist);
    strata_rt_close(insist.conn);
    free(insist.data);
    free(insist.arrived);
    free(insist.sent);
    return status;
}
