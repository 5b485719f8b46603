/*
 * Strict priority: a class is served when those before it have nothing. Whoever is first can starve the others; a token
 * bucket as its queue keeps it from that.
 */
#include "lab/world.h"

static void put(struct discipline *discipline, struct flight *flight)
{
    classes_put(discipline, classes_of(discipline, flight), flight);
}

static struct flight *take(struct discipline *discipline, strata_time now, strata_time *when)
{
    for (unsigned i = 0; i < discipline->class_count; i++) {
        struct flight *flight = discipline_take(discipline->classes[i].queue, now, when);
        if (flight)
            return flight;
    }
    return NULL;
}

const struct discipline_ops queue_prio_ops = {.name = "prio", .begin = classes_begin, .put = put, .take = take};
