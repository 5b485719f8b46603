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
    discipline_hold(discipline, flight);
}

const struct discipline_ops queue_fifo_ops = {.name = "queue full", .put = put, .take = discipline_take_first};
