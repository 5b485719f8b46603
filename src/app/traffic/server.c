/**
 * Who answers traffic: the server gives back as much as was asked for; the cache does so for a share of the questions
 * and asks the server for the others. Answers may be thousands of times as large as questions, and who asked is not
 * proven: that is for the lab and for networks of one's own, and the usage says so.
 */
#include "app/dns/resolve.h"
#include "app/options.h"
#include "app/programs.h"
#include "app/traffic/draw.h"
#include "app/traffic/packet.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

/** So many questions at most wait for the server. */
#define CACHE_WAITING_MAX 65536u

/** Answers a question that lies in `data`, which has room for any answer. */
static void answer(struct strata_conn *conn, uint8_t *data, const struct traffic_packet *packet,
                   const struct strata_endpoint *peer)
{
    size_t size = traffic_data_bytes(&peer->address, packet->wanted_bytes);
    traffic_emit(data, packet);
    strata_rt_send_to(conn, data, size, peer, STRATA_NEVER);
}

static int serve(struct strata_conn *conn)
{
    uint8_t *data = calloc(1, TRAFFIC_DATA_MAX);
    int64_t got = data ? 0 : -ENOMEM;
    struct traffic_packet packet;
    struct strata_endpoint peer;
    while (data && got != -ECANCELED) {
        got = strata_rt_receive_from(conn, data, TRAFFIC_DATA_MAX, &peer, STRATA_NEVER);
        // What wants no answer gets none; nor does a well-known port, where answers could go round for ever.
        if (got >= 0 && traffic_parse(&packet, data, (size_t)got) && packet.wanted_bytes > 0 && peer.port >= 1024)
            answer(conn, data, &packet, &peer);
    }
    free(data);
    return got == -ENOMEM ? -ENOMEM : 0;
}

int program_traffic_server(struct strata_rt *rt, int argc, char **argv)
{
    int64_t port = TRAFFIC_PORT;
    const struct option_entry entries[] = {{"--port", OPTION_NUMBER, &port, 1, 65535}};
    static const char usage[] = "traffic-server [--port N]\n"
                                "  Answers are larger than questions: not where strangers can send to it.";
    if (options_parse(rt, argc, argv, usage, entries, 1, NULL, 0) < 0)
        return 2;
    struct strata_endpoint local = {.port = (uint16_t)port};
    struct strata_conn *conn = NULL;
    int result = strata_rt_datagram(rt, &local, &conn);
    if (result == 0)
        result = serve(conn);
    strata_rt_close(conn);
    if (result < 0)
        strata_rt_complain(rt, "traffic-server: port %d: %s\n", (int)port, error_text(result));
    return result < 0;
}

/* ---- Cache --------------------------------------------------------------------------------------- */

struct waiting {
    struct strata_endpoint client;
    uint32_t number; /**< The client's. */
    bool used;
};
struct cache {
    struct strata_rt *rt;
    struct strata_conn *front, *back;
    struct strata_endpoint origin;
    struct draw draw;
    uint32_t hits_ppm, next;
    struct waiting *waiting; /**< A ring, by our number. */
    uint8_t *data;
};

/** A question: some are answered here, the others go on under a number of ours. */
static void question(struct cache *cache, struct traffic_packet *packet, const struct strata_endpoint *client)
{
    struct waiting *slot = &cache->waiting[cache->next % CACHE_WAITING_MAX];
    if (draw_chance(&cache->draw, cache->hits_ppm)) {
        answer(cache->front, cache->data, packet, client);
        return;
    }
    if (slot->used)
        return; // too many wait: it is lost, as a datagram may be
    *slot = (struct waiting){.client = *client, .number = packet->number, .used = true};
    packet->number = cache->next++;
    traffic_emit(cache->data, packet);
    strata_rt_send_to(cache->back, cache->data, TRAFFIC_PACKET_BYTES, &cache->origin, STRATA_NEVER);
}

/** An answer of the server goes to who asked. */
static void pass_on(struct cache *cache, struct traffic_packet *packet, size_t size)
{
    struct waiting *slot = &cache->waiting[packet->number % CACHE_WAITING_MAX];
    if (!slot->used)
        return;
    packet->number = slot->number;
    slot->used = false;
    traffic_emit(cache->data, packet);
    strata_rt_send_to(cache->front, cache->data, size, &slot->client, STRATA_NEVER);
}

static void run_cache(struct cache *cache)
{
    struct strata_conn *conns[] = {cache->front, cache->back};
    static const uint32_t readable[] = {STRATA_READABLE, STRATA_READABLE};
    for (;;) {
        int which = strata_rt_wait_any(cache->rt, conns, readable, 2, STRATA_NEVER);
        if (which < 0)
            return;
        struct traffic_packet packet;
        struct strata_endpoint peer;
        int64_t got = strata_rt_receive_from(conns[which], cache->data, TRAFFIC_DATA_MAX, &peer,
                                             strata_rt_now(cache->rt));
        if (got == -ECANCELED)
            return;
        if (got < 0 || !traffic_parse(&packet, cache->data, (size_t)got))
            continue;
        if (which == 0 && packet.wanted_bytes > 0)
            question(cache, &packet, &peer);
        else if (which == 1)
            pass_on(cache, &packet, (size_t)got);
    }
}

int program_traffic_cache(struct strata_rt *rt, int argc, char **argv)
{
    const char *name = NULL;
    int64_t port = TRAFFIC_PORT, hits = 50;
    const struct option_entry entries[] = {
        {"--port", OPTION_NUMBER, &port, 1, 65535},
        {"--hits", OPTION_NUMBER, &hits, 0, 100},
    };
    static const char usage[] = "traffic-cache SERVER [OPTION ...]\n"
                                "  --hits PERCENT  of the questions are answered here; 50 unless given\n"
                                "  --port N        of both sides; 5001 unless given\n"
                                "  Answers are larger than questions: not where strangers can send to it.";
    int words = options_parse(rt, argc, argv, usage, entries, 2, &name, 1);
    if (words < 1) {
        if (words == 0)
            strata_rt_complain(rt, "traffic-cache: of which server?\nusage: %s\n", usage);
        return 2;
    }
    struct cache *cache = calloc(1, sizeof *cache);
    int result = cache ? 0 : -ENOMEM;
    if (cache) {
        *cache = (struct cache){.rt = rt, .hits_ppm = (uint32_t)hits * 10000, .origin.port = (uint16_t)port,
                                .waiting = calloc(CACHE_WAITING_MAX, sizeof *cache->waiting),
                                .data = calloc(1, TRAFFIC_DATA_MAX)};
        draw_begin(&cache->draw, rt);
        struct strata_endpoint local = {.port = (uint16_t)port};
        result = cache->waiting && cache->data ? 0 : -ENOMEM;
        if (result == 0)
            result = dns_resolve(rt, name, DNS_FAMILY_IPV4 | DNS_FAMILY_IPV6, strata_rt_now(rt) + 10 * STRATA_SECOND,
                                 &cache->origin.address, 1);
        if (result > 0)
            result = strata_rt_datagram(rt, &local, &cache->front);
        if (result == 0)
            result = strata_rt_datagram(rt, NULL, &cache->back);
        if (result == 0)
            run_cache(cache);
        strata_rt_close(cache->front);
        strata_rt_close(cache->back);
        free(cache->waiting);
        free(cache->data);
        free(cache);
    }
    if (result < 0)
        strata_rt_complain(rt, "traffic-cache: %s: %s\n", name, error_text(result));
    return result < 0;
}
