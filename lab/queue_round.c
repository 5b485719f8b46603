/*
 * Round robin: classes, or flows, that have something are served in turn.
 *
 * rr gives each as many frames per turn as its weight says, so that whoever sends long frames gets more of the
 * line. drr gives each bytes: every turn adds a quantum times its weight to what it may send, and what it
 * could not use, because its next frame is longer, it keeps for the next turn, as long as it has something (M.
 * Shreedhar, G. Varghese, Efficient Fair Queuing Using Deficit Round Robin, 1995).
 */
#include "lab/world.h"

static void append(struct round *round, struct queue_class *class)
{
    class->next = NULL;
    if (round->first)
        round->last->next = class;
    else
        round->first = class;
    round->last = class;
}

static void leave_first(struct round *round)
{
    round->first = round->first->next;
}

static void put(struct discipline *discipline, struct flight *flight)
{
    struct queue_class *class = classes_of(discipline, flight);
    if (!class) {
        discipline_lose(discipline, flight, "queue full"); // world->error ends the run
        return;
    }
    classes_put(discipline, class, flight);
    if (class->active || class_frames(class) == 0)
        return;
    class->active = class->fresh = true;
    class->deficit = 0;
    append(&discipline->round, class);
}

static int64_t quantum_of(const struct discipline *discipline)
{
    if (discipline->config->kind == STRATA_QUEUE_RR)
        return 1;
    return discipline->config->quantum_bytes ? discipline->config->quantum_bytes : discipline_frame_bytes(discipline);
}

static struct flight *take(struct discipline *discipline, strata_time now, strata_time *when)
{
    struct round *round = &discipline->round;
    bool frames = discipline->config->kind == STRATA_QUEUE_RR;
    // Those whose own queues hold back what they have are passed over; after so many in a row nobody is left.
    for (unsigned idle = 0; round->first && idle < discipline->class_count;) {
        struct queue_class *class = round->first;
        struct flight *flight = class_ahead(class, now, when);
        if (!flight) {
            leave_first(round);
            class->fresh = true;
            class->active = class_frames(class) > 0;
            if (class->active) {
                append(round, class);
                idle++;
            }
            continue;
        }
        if (class->fresh)
            class->deficit += quantum_of(discipline) * class->weight;
        class->fresh = false;
        int64_t cost = frames ? 1 : flight->length;
        if (cost <= class->deficit) {
            class->deficit -= cost;
            class->ahead = NULL;
            if (class_frames(class) == 0) {
                leave_first(round);
                class->active = false;
            }
            return flight;
        }
        leave_first(round);
        class->fresh = true;
        append(round, class);
        idle = 0;
    }
    return NULL;
}

static void reset(struct discipline *discipline)
{
    discipline->round = (struct round){0};
}

const struct discipline_ops queue_rr_ops = {
    .name = "rr", .begin = classes_begin, .put = put, .take = take, .reset = reset};
const struct discipline_ops queue_drr_ops = {
    .name = "drr", .begin = classes_begin, .put = put, .take = take, .reset = reset};
