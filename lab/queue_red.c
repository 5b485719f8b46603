/*
 * RED as a class of another queue, or with a limit in bytes: S. Floyd, V. Jacobson, Random Early Detection Gateways for
 * Congestion Avoidance, 1993. The arithmetic is in discipline.c.
 */
#include "lab/world.h"

static strata_time usual_frame_ns(const struct discipline *discipline)
{
    uint64_t rate_bps = discipline_rate(discipline);
    return rate_bps ? sending_time(discipline->direction->cable->mtu_bytes, rate_bps) : 1;
}

static void put(struct discipline *discipline, struct flight *flight)
{
    const struct strata_queue *config = discipline->config;
    uint32_t before = discipline->counts.waiting - 1;
    strata_time idle_ns = before == 0 ? discipline_now(discipline) - discipline->idle_since : 0;
    bool chosen = red_chooses(&discipline->red, config, before, idle_ns, usual_frame_ns(discipline),
                              discipline_random(discipline));
    if (chosen && !(config->ecn && discipline_mark(discipline, flight))) {
        discipline_lose(discipline, flight, "RED");
        return;
    }
    discipline_hold(discipline, flight);
}

const struct discipline_ops queue_red_ops = {.name = "RED", .put = put, .take = discipline_take_first};
