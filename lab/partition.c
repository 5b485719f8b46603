/*
 * What keeps machines apart: partitions, and cables that flap.
 *
 * A partition is a property of machines, not of cables: where two groups share a switch, no cable could be cut that
 * parts them and keeps each whole. So frames arrive wherever they arrive, and a host or router takes none that another
 * side has sent. Who has sent a frame is the machine at the other end of the cable, or, where that is a switch or a
 * hub, the one whose station address the frame carries as its source (host.c gives them out).
 */
#include "lab/world.h"

#include <errno.h>

static unsigned side_of_sender(const struct strata_node *from, enum strata_link link, const uint8_t *frame,
                               size_t length)
{
    if (from->kind == NODE_HOST || from->side || link != STRATA_LINK_ETHERNET || length < 12)
        return from->side;
    const uint8_t *mac = frame + 6;
    unsigned index = (unsigned)mac[2] << 16 | (unsigned)mac[3] << 8 | mac[4];
    if (mac[0] != 2 || mac[1] != 0 || index >= from->world->node_count)
        return from->side;
    return from->world->nodes[index]->side;
}

bool partition_stops(const struct strata_node *from, const struct strata_node *to, enum strata_link link,
                     const uint8_t *frame, size_t length)
{
    if (to->side == 0)
        return false;
    unsigned side = side_of_sender(from, link, frame, length);
    return side != 0 && side != to->side;
}

int strata_node_set_side(struct strata_node *node, unsigned side)
{
    if (node->kind == NODE_BRIDGE)
        return -EINVAL; // it belongs to all that it connects
    node->world->sided += (side != 0) - (node->side != 0);
    node->side = side;
    return 0;
}

void strata_world_heal(struct strata_world *world)
{
    if (world->sided > 0)
        world_emit(world, &(struct strata_lab_event){.kind = STRATA_LAB_NOTE, .text = "the partition is healed"});
    for (unsigned i = 0; i < world->node_count && world->sided > 0; i++)
        strata_node_set_side(world->nodes[i], 0);
}

/* ---- Flapping -------------------------------------------------------------------------------------------- */

static void flap(struct strata_world *world, void *context);

static void plan_flap(struct strata_cable *cable, strata_time time)
{
    cable->flap_due = time;
    int error = time == STRATA_NEVER ? 0 : strata_world_at(cable->world, time, flap, cable);
    if (error)
        cable->world->error = error;
}

/** Something that was planned is due, unless another flap has taken its place. */
static void flap(struct strata_world *world, void *context)
{
    struct strata_cable *cable = context;
    if (cable->flap_due != world->now)
        return;
    const struct strata_flap *plan = &cable->flap;
    cable->flap_down = !cable->flap_down;
    strata_cable_set_up(cable, !cable->flap_down);
    if (cable->flap_down) {
        plan_flap(cable, world->now + plan->down_ns);
        return;
    }
    if (cable->flap.times > 0 && --cable->flap.times == 0)
        plan_flap(cable, STRATA_NEVER);
    else
        plan_flap(cable, world->now + plan->every_ns - plan->down_ns);
}

int strata_cable_flap(struct strata_cable *cable, const struct strata_flap *plan)
{
    if (!plan) {
        if (cable->flap_due != STRATA_NEVER && cable->flap_down)
            strata_cable_set_up(cable, true);
        cable->flap_due = STRATA_NEVER;
        return 0;
    }
    if (plan->size != sizeof *plan || plan->down_ns <= 0 || plan->every_ns < 0 ||
        (plan->every_ns == 0 ? plan->times > 1 : plan->every_ns <= plan->down_ns))
        return -EINVAL;
    cable->flap = *plan;
    if (plan->every_ns == 0)
        cable->flap.times = 1;
    cable->flap_down = true;
    strata_cable_set_up(cable, false);
    plan_flap(cable, cable->world->now + plan->down_ns);
    return 0;
}
