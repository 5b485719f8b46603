/**
 * Users who share a link: each is active in a slot of time with a certain probability, independently. How often are
 * more of them active at once than the link has circuits for? With a host to send to, each active user sends a packet
 * in each slot.
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

struct users {
    struct strata_rt *rt;
    struct strata_conn *conn; /**< NULL: nothing is sent. */
    struct strata_endpoint peer;
    struct draw draw;
    int64_t users, active_percent, slots, at_least, size;
    strata_time slot;
    uint8_t *data;
    uint64_t busy, active_sum, sent;
};

static int send_packets(struct users *users, int64_t count)
{
    size_t size = traffic_data_bytes(&users->peer.address, (uint64_t)users->size);
    int64_t result = 0;
    for (int64_t i = 0; i < count && result >= 0; i++) {
        struct traffic_packet packet = {.number = (uint32_t)users->sent++, .sent_at = strata_rt_wall(users->rt)};
        traffic_emit(users->data, &packet);
        result = strata_rt_send_to(users->conn, users->data, size, &users->peer, STRATA_NEVER);
    }
    return result < 0 ? (int)result : 0;
}

static int run(struct users *users)
{
    uint32_t ppm = (uint32_t)users->active_percent * 10000;
    strata_time begin = strata_rt_now(users->rt);
    int error = 0;
    for (int64_t slot = 0; slot < users->slots && !error; slot++) {
        int64_t active = 0;
        for (int64_t user = 0; user < users->users; user++)
            active += draw_chance(&users->draw, ppm);
        users->busy += active >= users->at_least;
        users->active_sum += (uint64_t)active;
        if (users->conn)
            error = send_packets(users, active);
        if (users->conn && !error)
            error = strata_rt_sleep(users->rt, begin + (slot + 1) * users->slot);
        else if (slot % 65536 == 65535 && !error)
            error = strata_rt_yield(users->rt);
    }
    if (error) {
        strata_rt_complain(users->rt, "users: %s\n", error_text(error));
        return 1;
    }
    char text[FIGURE_TEXT];
    strata_rt_print(users->rt, "mean active: %s\n",
                    figure_ratio(users->active_sum, (uint64_t)users->slots, text));
    strata_rt_print(users->rt, "%" PRId64 " or more active: %s of the time\n", users->at_least,
                    figure_ratio(users->busy, (uint64_t)users->slots, text));
    return 0;
}

/** @return 0 with a socket, or a negative errno. */
static int find_host(struct users *users, const char *name)
{
    users->data = calloc(1, TRAFFIC_DATA_MAX);
    if (!users->data)
        return -ENOMEM;
    int result = dns_resolve(users->rt, name, DNS_FAMILY_IPV4 | DNS_FAMILY_IPV6,
                             strata_rt_now(users->rt) + 10 * STRATA_SECOND, &users->peer.address, 1);
    return result > 0 ? strata_rt_datagram(users->rt, NULL, &users->conn) : result;
}

int program_users(struct strata_rt *rt, int argc, char **argv)
{
    struct users *users = calloc(1, sizeof *users);
    const char *name = NULL;
    int64_t port = TRAFFIC_PORT;
    if (!users)
        return 1;
    *users = (struct users){.rt = rt, .users = 35, .active_percent = 10, .slots = 100000, .at_least = 11,
                            .size = 1250, .slot = 100 * STRATA_MILLISECOND};
    const struct option_entry entries[] = {
        {"--users", OPTION_NUMBER, &users->users, 1, 1000000},
        {"--active", OPTION_NUMBER, &users->active_percent, 0, 100},
        {"--slots", OPTION_NUMBER, &users->slots, 1, INT32_MAX},
        {"--at-least", OPTION_NUMBER, &users->at_least, 0, 1000000},
        {"--slot", OPTION_SECONDS, &users->slot, 1, 3600 * STRATA_SECOND},
        {"--size", OPTION_NUMBER, &users->size, 1, 65535},
        {"--port", OPTION_NUMBER, &port, 1, 65535},
    };
    static const char usage[] = "users [HOST] [OPTION ...]\n"
                                "  --users N         35 unless given\n"
                                "  --active PERCENT  of the time each of them is; 10 unless given\n"
                                "  --at-least N      counts the slots with so many active; 11 unless given\n"
                                "  --slots N         100000 unless given\n"
                                "with a host, each active user sends it a packet in each slot:\n"
                                "  --slot TIME       100ms unless given\n"
                                "  --size BYTES      of the whole IP datagram; 1250 unless given\n"
                                "  --port N          5001 unless given";
    int words = options_parse(rt, argc, argv, usage, entries, sizeof entries / sizeof *entries, &name, 1);
    int status = words < 0 ? 2 : 0, result = 0;
    if (words == 1) {
        users->peer.port = (uint16_t)port;
        result = find_host(users, name);
        if (result < 0) {
            strata_rt_complain(rt, "users: %s: %s\n", name, error_text(result));
            status = 1;
        }
    }
    draw_begin(&users->draw, rt);
    if (status == 0)
        status = run(users);
    strata_rt_close(users->conn);
    free(users->data);
    free(users);
    return status;
}
