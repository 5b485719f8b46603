/*
 * The queue before a direction, where frames are held: because its discipline decides when a frame goes what becomes of
 * it, or because the line follows a trace and nobody knows yet how fast it will be.
 *
 * One event is under way per direction that holds something: the time at which the line is free, or a token comes, or
 * the trace goes on.
 */
#include "lab/world.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void cable_lose_queued(struct direction *direction, struct flight *flight, const char *why)
{
    cable_lose(flight, &direction->counts.lost_queue, why);
}

/** When a frame that begins to be sent now has been sent. */
static strata_time sent_at(struct direction *direction, uint32_t bytes)
{
    struct follower *follower = direction->follower;
    strata_time now = direction->cable->world->now;
    if (follower && follower->trace.delivery_count > 0)
        return follower_send(follower, bytes, discipline_frame_bytes(direction->queue), now);
    uint64_t rate_bps = direction->impairment.rate_bps;
    return now + (rate_bps ? sending_time(bytes, rate_bps) : 0);
}

static bool is_stopped(const struct direction *direction)
{
    return direction->follower && direction->follower->stopped && direction->follower->trace.delivery_count == 0;
}

static void transmit(struct direction *direction)
{
    struct strata_world *world = direction->cable->world;
    struct discipline *queue = direction->queue;
    strata_time when = STRATA_NEVER;
    while (queue->counts.waiting > 0 && direction->free_at <= world->now && !is_stopped(direction)) {
        struct flight *flight = discipline_take(queue, world->now, &when);
        if (!flight)
            break;
        direction->free_at = sent_at(direction, flight->length);
        cable_depart(flight, direction, direction->free_at);
    }
    direction->queue_due = STRATA_NEVER;
    if (queue->counts.waiting == 0)
        return;
    if (direction->free_at > world->now)
        when = direction->free_at;
    else if (is_stopped(direction))
        when = follower_next(direction->follower);
    direction->queue_due = when;
    if (when != STRATA_NEVER && queue_push(&world->queue, when, EVENT_QUEUE, direction) != 0)
        world->error = -ENOMEM;
}

/** A plain queue that was needed for what another discipline had left is needed no more. */
static void leave_when_plain(struct direction *direction)
{
    if (direction->queue->counts.waiting > 0 || direction->follower || !queue_is_plain(&direction->impairment.queue))
        return;
    discipline_free(direction->queue);
    direction->queue = NULL;
}

void cable_transmit(struct direction *direction)
{
    if (!direction->queue || direction->queue_due != direction->cable->world->now)
        return; // the cable was cut meanwhile, or it went on earlier
    if (direction->follower)
        follower_apply(direction->follower, &direction->impairment, direction->cable->world->now);
    transmit(direction);
    cable_tell_queue(direction);
    leave_when_plain(direction);
}

/** The most that waited, where something was put just now. */
static void count_most(struct direction *direction)
{
    for (struct discipline *d = direction->put_into; d; d = d->parent)
        if (d->counts.waiting > d->counts.waiting_most)
            d->counts.waiting_most = d->counts.waiting;
    cable_count_waiting(direction, direction->queue->counts.waiting);
}

void cable_hold(struct flight *flight, struct direction *direction)
{
    strata_time now = direction->cable->world->now;
    flight->queued_at = now;
    discipline_put(direction->queue, flight);
    if (direction->queue_due == STRATA_NEVER || direction->free_at <= now)
        transmit(direction);
    count_most(direction);
    cable_tell_queue(direction);
    leave_when_plain(direction);
}

static void lose_cut(struct flight *flight, void *context)
{
    struct direction *direction = context;
    cable_lose(flight, &direction->counts.lost_down, "cable was cut");
}

void cable_lose_held(struct direction *direction)
{
    direction->queue_due = STRATA_NEVER;
    if (direction->queue)
        discipline_empty(direction->queue, lose_cut, direction);
    cable_tell_queue(direction);
}

/* ---- Changing --------------------------------------------------------------------------------------------- */

static void discard(struct flight *flight, void *world)
{
    flight_free(world, flight);
}

/** Frames that move from one queue to another. */
struct removal {
    struct flight **flights;
    uint32_t count;
};

static void remove_one(struct flight *flight, void *context)
{
    struct removal *removal = context;
    removal->flights[removal->count++] = flight;
}

static int by_number(const void *a, const void *b)
{
    const struct flight *x = *(struct flight *const *)a, *y = *(struct flight *const *)b;
    return x->number < y->number ? -1 : x->number > y->number;
}

/** Another queue takes the place of the present one, and what waits, in the order in which it came. */
static int change_queue(struct direction *direction, const struct strata_queue *wanted, bool holds)
{
    struct discipline *before = direction->queue;
    uint32_t count = before ? before->counts.waiting : 0;
    struct removal removal = {.flights = malloc((count ? count : 1) * sizeof(struct flight *))};
    struct strata_queue copy;
    if (!removal.flights || queue_copy(&copy, wanted) != 0) {
        free(removal.flights);
        return -ENOMEM;
    }
    if (count > 0)
        discipline_empty(before, remove_one, &removal);
    if (count > 1)
        qsort(removal.flights, removal.count, sizeof *removal.flights, by_number);
    discipline_free(before);
    queue_release(&direction->impairment.queue);
    direction->impairment.queue = copy; // what disciplines are made for stays where it is
    direction->queue = NULL;
    int error = holds || count > 0
                    ? discipline_new(&direction->queue, direction, &direction->impairment.queue, NULL, "")
                    : 0;
    for (uint32_t i = 0; i < removal.count; i++)
        if (direction->queue)
            discipline_put(direction->queue, removal.flights[i]);
        else
            cable_lose_queued(direction, removal.flights[i], "no memory");
    free(removal.flights);
    return error;
}

int direction_change(struct direction *direction, const struct strata_impairment *wanted)
{
    struct strata_impairment *impairment = &direction->impairment;
    struct follower *follower = direction->follower;
    bool same_trace = follower && wanted->trace == &follower->trace;
    if (wanted->trace && !same_trace) {
        int error = follower_new(&follower, wanted->trace, direction->cable->world->now);
        if (error)
            return error;
    }
    bool holds = wanted->trace || !queue_is_plain(&wanted->queue);
    struct strata_queue present = impairment->queue, queue = wanted->queue;
    struct follower *old = direction->follower;
    if (queue.flows == 0)
        queue.flows = QUEUE_FLOWS_DEFAULT; // as in a copy
    *impairment = *wanted;
    impairment->queue = present;
    direction->follower = wanted->trace ? follower : NULL;
    impairment->trace = direction->follower ? &direction->follower->trace : NULL;
    if (old != direction->follower)
        follower_free(old);
    if (!queue_equal(&queue, &present) || (holds && !direction->queue)) {
        int error = change_queue(direction, &queue, holds);
        if (error)
            return error;
    }
    cable_note_chances(direction);
    if (direction->follower)
        follower_apply(direction->follower, impairment, direction->cable->world->now);
    if (direction->queue && direction->queue->counts.waiting > 0 && direction->queue_due == STRATA_NEVER)
        transmit(direction);
    return 0;
}

void direction_end(struct direction *direction)
{
    if (direction->queue)
        discipline_empty(direction->queue, discard, direction->cable->world);
    discipline_free(direction->queue);
    queue_release(&direction->impairment.queue);
    follower_free(direction->follower);
    direction->queue = NULL;
    direction->follower = NULL;
}

/* ---- Asking ----------------------------------------------------------------------------------------------- */

/** The index-th class below a queue, those inside others right behind them. */
static struct discipline *class_at(struct discipline *queue, unsigned *index)
{
    for (unsigned i = 0; queue && !queue->by_flow && i < queue->class_count; i++) {
        struct discipline *found = queue->classes[i].queue;
        if ((*index)-- == 0)
            return found;
        found = class_at(found, index);
        if (found)
            return found;
    }
    return NULL;
}

const char *strata_cable_class(const struct strata_cable *cable, int direction, unsigned index)
{
    if (direction < 0 || direction > 1)
        return NULL;
    struct discipline *found = class_at(cable->direction[direction].queue, &index);
    return found ? found->name : NULL;
}

int strata_cable_queue(const struct strata_cable *cable, int direction, const char *name,
                       struct strata_queue_counts *counts)
{
    if (direction < 0 || direction > 1 || counts->size != sizeof *counts)
        return -EINVAL;
    struct discipline *root = cable->direction[direction].queue, *found = root;
    unsigned index = 0;
    for (unsigned i = 0; name && *name && found; index = ++i) {
        found = class_at(root, &index);
        if (found && strcmp(found->name, name) == 0)
            break;
    }
    if (!found)
        return -ENOENT;
    *counts = found->counts;
    return 0;
}
