/*
 * Frames under way. What a device says is written into one of two desks, a small one and one for the largest
 * frame there is: how long it will be is known afterwards. A frame that fills the desk keeps it; a short one
 * moves to memory of its own size, so that a world full of acknowledgements is not a world full of empty room.
 */
#include "lab/world.h"

#include <errno.h>
#include <string.h>

struct flight *flight_new(struct strata_world *world, uint32_t room)
{
    struct flight *flight = pool_take(&world->pool, sizeof *flight + room);
    if (!flight) {
        world->error = -ENOMEM;
        return NULL;
    }
    flight->room = room;
    flight->state = FLIGHT_NEW;
    flight->to = NULL;
    return flight;
}

struct flight *flight_desk(struct strata_world *world, uint32_t room)
{
    bool large = room > DESK_BYTES;
    struct flight *flight = world->desk[large];
    world->desk[large] = NULL;
    return flight ? flight : flight_new(world, large ? FRAME_MAX_BYTES : DESK_BYTES);
}

/** Leaves a desk for the next frame. */
static void leave_desk(struct strata_world *world, struct flight *flight)
{
    struct flight **desk = &world->desk[flight->room == FRAME_MAX_BYTES];
    if (*desk)
        flight_free(world, flight);
    else
        *desk = flight;
}

struct flight *flight_said(struct strata_world *world, struct flight *flight, uint32_t length)
{
    flight->length = length;
    if (length > flight->room / 2)
        return flight;
    struct flight *copy = length > 0 ? flight_new(world, length) : NULL;
    if (copy) {
        copy->length = length;
        memcpy(copy->bytes, flight->bytes, length);
    }
    leave_desk(world, flight);
    return copy;
}

void flight_free(struct strata_world *world, struct flight *flight)
{
    if (flight->state == FLIGHT_WAITING)
        flight->left = true;
    else
        pool_give(&world->pool, flight, sizeof *flight + flight->room);
}
