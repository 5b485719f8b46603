/*
 * FIFO: first come, first served, with a limit in frames or bytes. When there is no room, who comes is lost (tail), who
 * has waited longest (head), or any (random).
 */
#include "lab/world.h"

static void put(struct discipline *discipline, struct flight *flight)
{
    const struct strata_queue *config = discipline->config;
    if (config->mark_frames > 0 && discipline->counts.waiting > config->mark_frames)
        (void)discipline_mark(discipline, flight);
    flights_append(&discipline->list, flight);
    while (discipline_is_full(discipline, 0))
        discipline_lose(discipline, discipline_victim(discipline, config->drop), "queue full");
}

static struct flight *take(struct discipline *discipline, strata_time now, strata_time *when)
{
    (void)now;
    (void)when;
    return flights_take(&discipline->list);
}

const struct discipline_ops queue_fifo_ops = {.name = "queue full", .put = put, .take = take};
