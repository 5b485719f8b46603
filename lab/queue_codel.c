/*
 * CoDel: K. Nichols, V. Jacobson, A. McGregor, J. Iyengar, Controlled Delay Active Queue Management, RFC 8289. When a
 * frame's turn comes it is told by how long it has waited; the arithmetic is in discipline.c.
 */
#include "lab/world.h"

static struct flight *take(struct discipline *discipline, strata_time now, strata_time *when)
{
    (void)when;
    const struct strata_queue *config = discipline->config;
    uint32_t mtu_bytes = discipline->direction->cable->mtu_bytes;
    struct flight *flight;
    while ((flight = flights_take(&discipline->list)) != NULL) {
        uint32_t left_bytes = discipline->counts.waiting_bytes - flight->length;
        bool chosen = codel_chooses(&discipline->codel, config, now - flight->queued_at, left_bytes, mtu_bytes, now);
        if (!chosen || (config->ecn && discipline_mark(discipline, flight)))
            break;
        discipline_lose(discipline, flight, "CoDel");
    }
    if (!discipline->list.first)
        codel_rest(&discipline->codel);
    return flight;
}

static void reset(struct discipline *discipline)
{
    codel_rest(&discipline->codel);
}

const struct discipline_ops queue_codel_ops = {.name = "CoDel", .put = discipline_hold, .take = take, .reset = reset};
