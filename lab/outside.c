/*
 * A world that is tied to something outside: another clock that it keeps pace with, and frames that others
 * bring. The world's time then goes on when that clock does; what is due happens when it is due, and what comes
 * from outside happens when it comes.
 */
#include "lab/world.h"

#include <errno.h>
#include <string.h>

/** So many frames of others may be under way in one direction of a cable: what comes faster than a long cable
 * lets it leave must not take all memory. 0.6 s at 10 Gbit/s. */
#define FLYING_MAX (UINT64_C(1) << 19)

void strata_world_pace(struct strata_world *world, const struct strata_pace *pace)
{
    world->pace = pace ? *pace : (struct strata_pace){0};
}

int world_keep_pace(struct strata_world *world, strata_time until)
{
    strata_time next = queue_next(&world->queue);
    strata_time now = world->pace.wait(world->pace.context, next < until ? next : until);
    if (now < 0)
        return (int)now;
    if (now > world->now) {
        world->now = now;
        world->events_this_instant = 0;
    }
    return world->pace.take ? world->pace.take(world->pace.context) : 0;
}

static bool is_crowded(const struct strata_cable *cable, int direction)
{
    const struct strata_cable_counts *c = &cable->direction[direction].counts;
    return c->sent + c->duplicated - c->delivered - c->lost - c->lost_burst - c->lost_queue - c->lost_down >=
           FLYING_MAX;
}

int strata_node_say(struct strata_node *node, int number, const void *frame, size_t length)
{
    struct strata_world *world = node->world;
    const struct node_port *port = number > 0 && number <= node->port_count ? &node->ports[number] : NULL;
    if (!port || !port->cable || node->down)
        return -ENOTCONN;
    if (length == 0 || length > FRAME_MAX_BYTES)
        return -EMSGSIZE;
    if (!port->cable->bus && is_crowded(port->cable, port->end))
        return -ENOBUFS;
    struct flight *flight = flight_new(world, (uint32_t)length);
    if (!flight)
        return -ENOMEM;
    flight->length = (uint32_t)length;
    memcpy(flight->bytes, frame, length);
    cable_send(port->cable, port->end, flight);
    return world->error;
}
