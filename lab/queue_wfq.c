/*
 * Weighted fair queueing: frames go in the order in which they would end if the line served all classes at once, bit by
 * bit, each by its weight (A. Demers, S. Keshav, S. Shenker, Analysis and Simulation of a Fair Queueing
 * Algorithm, 1989; A. Parekh, R. Gallager, A Generalized Processor Sharing Approach to Flow Control, 1993).
 *
 * That fluid system is computed along. Its virtual time goes on by 1/W per nanosecond, W being the weights of
 * those that have something in it; a frame that the line sends in t gets the tag max(now, tag of the frame
 * before it) + t/weight, and its class has something until virtual time reaches its last tag. No frame ends
 * later than in the fluid system by more than the time of one longest frame. Virtual time counts 1/1024 ns and
 * begins anew when nothing waits.
 */
#include "lab/world.h"

#include <errno.h>
#include <stdlib.h>

#define FRACTION 1024u

/* ---- Tags, one for each frame of a class ------------------------------------------------------------------ */

static int push_tag(struct queue_class *class, uint64_t tag)
{
    if (class->tag_count == class->tag_room) {
        uint32_t room = class->tag_room ? class->tag_room * 2 : 16;
        uint64_t *tags = malloc(room * sizeof *tags);
        if (!tags)
            return -ENOMEM;
        for (uint32_t i = 0; i < class->tag_count; i++)
            tags[i] = class->tags[(class->tag_first + i) % class->tag_room];
        free(class->tags);
        class->tags = tags;
        class->tag_room = room;
        class->tag_first = 0;
    }
    class->tags[(class->tag_first + class->tag_count++) % class->tag_room] = tag;
    return 0;
}

/** A class's queue may have lost frames: so much less is to be served, and the last tags go. */
static void match_tags(struct queue_class *class)
{
    uint32_t frames = class_frames(class);
    if (class->tag_count <= frames)
        return;
    class->tag_count = frames;
    if (frames > 0)
        class->last_tag = class->tags[(class->tag_first + frames - 1) % class->tag_room];
}

static uint64_t first_tag(const struct queue_class *class)
{
    return class->tags[class->tag_first];
}

/* ---- The fluid system -------------------------------------------------------------------------------------- */

/** The class that ends first in the fluid system. */
static struct queue_class *first_to_end(struct discipline *discipline)
{
    struct queue_class *first = NULL;
    for (unsigned i = 0; i < discipline->used_count; i++) {
        struct queue_class *class = discipline->used[i];
        if (class->fluid && (!first || class->last_tag < first->last_tag))
            first = class;
    }
    return first;
}

/** Brings virtual time to now: it goes faster whenever a class ends. */
static void advance(struct discipline *discipline, strata_time now)
{
    struct fluid *fluid = &discipline->fluid;
    uint64_t left = (uint64_t)(now - fluid->at) * FRACTION;
    fluid->at = now;
    while (fluid->weights > 0 && left > 0) {
        struct queue_class *first = first_to_end(discipline);
        uint64_t span = first->last_tag > fluid->time ? first->last_tag - fluid->time : 0;
        if (span > left / fluid->weights) {
            fluid->time += left / fluid->weights;
            return;
        }
        left -= span * fluid->weights;
        fluid->time += span;
        first->fluid = false;
        fluid->weights -= first->weight;
    }
}

static void put(struct discipline *discipline, struct flight *flight)
{
    struct fluid *fluid = &discipline->fluid;
    struct queue_class *class = classes_of(discipline, flight);
    if (!class) {
        discipline_lose(discipline, flight, "queue full"); // world->error ends the run
        return;
    }
    advance(discipline, discipline_now(discipline));
    uint64_t rate_bps = discipline_rate(discipline);
    uint64_t span =
        rate_bps ? (uint64_t)sending_time(flight->length, rate_bps) * FRACTION / class->weight : 0;
    if (!classes_put(discipline, class, flight))
        return;
    uint64_t begin = class->last_tag > fluid->time ? class->last_tag : fluid->time;
    class->last_tag = begin + span;
    if (push_tag(class, class->last_tag) != 0)
        discipline->direction->cable->world->error = -ENOMEM;
    if (!class->fluid) {
        class->fluid = true;
        fluid->weights += class->weight;
    }
}

static void rest(struct discipline *discipline)
{
    discipline->fluid = (struct fluid){.at = discipline_now(discipline)};
    for (unsigned i = 0; i < discipline->used_count; i++) {
        discipline->used[i]->last_tag = 0;
        discipline->used[i]->tag_count = 0;
        discipline->used[i]->fluid = false;
    }
}

static struct flight *take(struct discipline *discipline, strata_time now, strata_time *when)
{
    struct queue_class *best = NULL;
    for (unsigned i = 0; i < discipline->used_count; i++) {
        struct queue_class *class = discipline->used[i];
        if (class_frames(class) == 0 || !class_ahead(class, now, when))
            continue;
        match_tags(class);
        if (class->tag_count > 0 && (!best || first_tag(class) < first_tag(best)))
            best = class;
    }
    if (!best)
        return NULL;
    struct flight *flight = best->ahead;
    best->ahead = NULL;
    best->tag_first = (best->tag_first + 1) % best->tag_room;
    best->tag_count--;
    return flight;
}

/** The line is idle before a frame that comes to an empty queue is tagged: nothing is left of the past. */
static void put_first(struct discipline *discipline, struct flight *flight)
{
    if (discipline->counts.waiting == 1 && discipline->direction->free_at <= discipline_now(discipline))
        rest(discipline);
    put(discipline, flight);
}

const struct discipline_ops queue_wfq_ops = {
    .name = "wfq", .begin = classes_begin, .put = put_first, .take = take, .reset = rest};
