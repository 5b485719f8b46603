/*
 * The world: its virtual clock and the loop that takes one event after the other.
 *
 * Time stands still while an event is dealt with and then jumps to the next one. Randomness is drawn from
 * streams that are derived from the world's seed and a name ("cable" and "a-b", "host" and "r1"), so that
 * what one cable or host draws does not depend on what else is in the world.
 */
#include "lab/world.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/** So many nodes do not fit into a processor's caches. */
#define CROWD_NODES 64u
/** Of a processor's cache; and so many at the beginning of a host are looked at whenever it is called. */
#define LINE_BYTES 64
#define HOST_LINES 4

int strata_world_new(struct strata_world **made, const struct strata_world_config *config)
{
    if (config && config->size != sizeof *config)
        return -EINVAL;
    struct strata_world *world = calloc(1, sizeof *world);
    if (!world)
        return -ENOMEM;
    world->seed = config && config->seed ? config->seed : 1;
    world->trace_hosts = config && config->trace_hosts;
    world->folds.hash = hash_mix(0, world->seed);;
    pool_init(&world->pool);
    *made = world;
    return 0;
}

void strata_world_free(struct strata_world *world)
{
    if (!world)
        return;
    world->listener_count = 0;
    fold_all(world);
    for (unsigned i = 0; i < world->node_count; i++)
        node_free(world->nodes[i]);
    for (struct event event; queue_discard(&world->queue, &event);) {
        if (event.kind == EVENT_FRAME)
            flight_free(world, event.object);
        else if (event.kind == EVENT_ACTION)
            free(event.object);
    }
    for (unsigned i = 0; i < world->cable_count; i++)
        cable_free(world->cables[i]);
    for (int i = 0; i < 2; i++)
        if (world->desk[i])
            flight_free(world, world->desk[i]);
    names_free(&world->node_names);
    names_free(&world->cable_names);
    free(world->nodes);
    free(world->cables);
    free(world->listeners);
    queue_free(&world->queue);
    pool_free(&world->pool);
    free(world);
}

int array_grow(void *array, size_t element_bytes, unsigned count, unsigned *room)
{
    if (count < *room)
        return 0;
    unsigned larger = *room ? *room * 2 : 8;
    void *old;
    memcpy(&old, array, sizeof old);
    void *moved = realloc(old, larger * element_bytes);
    if (!moved)
        return -ENOMEM;
    memcpy(array, &moved, sizeof moved);
    *room = larger;
    return 0;
}

int strata_world_listen(struct strata_world *world,
                        void (*listener)(void *context, const struct strata_lab_event *event), void *context)
{
    struct listener *listeners = realloc(world->listeners, (world->listener_count + 1) * sizeof *listeners);
    if (!listeners)
        return -ENOMEM;
    world->listeners = listeners;
    listeners[world->listener_count++] = (struct listener){.call = listener, .context = context};
    return 0;
}

void strata_world_trace_queues(struct strata_world *world)
{
    world->trace_queues = true;
}

void world_emit(struct strata_world *world, const struct strata_lab_event *event)
{
    struct strata_lab_event timed = *event;
    timed.time = world->now;
    for (unsigned i = 0; i < world->listener_count; i++)
        world->listeners[i].call(world->listeners[i].context, &timed);
}

void world_derive(const struct strata_world *world, const char *purpose, const char *name, uint32_t number,
                  uint8_t seed[32])
{
    uint8_t label[300];
    size_t length = 0;
    for (const char *part = purpose; *part && length < 40; part++)
        label[length++] = (uint8_t)*part;
    label[length++] = 0;
    for (const char *part = name; *part && length < sizeof label - 8; part++)
        label[length++] = (uint8_t)*part;
    label[length++] = 0;
    for (int i = 0; i < 4; i++)
        label[length++] = (uint8_t)(number >> (8 * i));
    for (unsigned i = 0; i < 4; i++) {
        struct siphash_key key = {.k0 = world->seed, .k1 = i};
        uint64_t word = siphash(&key, label, length);
        for (unsigned j = 0; j < 8; j++)
            seed[8 * i + j] = (uint8_t)(word >> (8 * j));
    }
}

int strata_world_at(struct strata_world *world, strata_time time,
                    void (*run)(struct strata_world *world, void *context), void *context)
{
    struct action *action = malloc(sizeof *action);
    if (!action)
        return -ENOMEM;
    *action = (struct action){.run = run, .context = context};
    // What should have happened already happens next.
    int error = queue_push(&world->queue, time > world->now ? time : world->now, EVENT_ACTION, action);
    if (error)
        free(action);
    return error;
}

static void handle(struct strata_world *world, const struct event *event)
{
    if (event->kind == EVENT_FRAME) {
        cable_deliver(event->object);
    } else if (event->kind == EVENT_NODE) {
        node_fire(event->object);
    } else if (event->kind == EVENT_QUEUE) {
        cable_transmit(event->object);
    } else if (event->kind == EVENT_BUS) {
        bus_fire(event->object);
    } else {
        struct action action = *(struct action *)event->object;
        free(event->object);
        action.run(world, action.context);
    }
}

/** Asks for the memory of what comes next, while something else is dealt with: in a large world it has long left the
 * processor's caches. */
static void look_ahead(const struct strata_world *world)
{
    const struct event *next = queue_peek(&world->queue);
    const struct flight *flight = next && next->kind == EVENT_FRAME ? next->object : NULL;
    if (!flight || !flight->to)
        return;
    for (uint32_t at = 0; at < flight->length; at += LINE_BYTES)
        __builtin_prefetch(flight->bytes + at);
    __builtin_prefetch(&flight->to->device);
    __builtin_prefetch(&flight->to->rt);
    __builtin_prefetch(&flight->cable->epoch);
    __builtin_prefetch(&flight->cable->self);
    __builtin_prefetch(&flight->cable->direction[flight->direction].counts, 1);
    for (int i = 0; i < HOST_LINES && flight->self; i++)
        __builtin_prefetch(flight->self + i * LINE_BYTES);
}

/** Deals with all that happens at the time of the first event. */
static void run_instant(struct strata_world *world)
{
    strata_time time = queue_next(&world->queue);
    if (time > world->now)
        world->events_this_instant = 0;
    world->now = time;
    while (!world->error && queue_next(&world->queue) == time) {
        struct event event;
        if ((world->error = queue_pop(&world->queue, &event)) != 0)
            break;
        if (event.kind == EVENT_TOLD) { // somebody listens, which must not count
            cable_tell_queue(event.object);
            continue;
        }
        if (world->node_count > CROWD_NODES)
            look_ahead(world);
        handle(world, &event);
        if (++world->events == world->events_max && !world->error)
            world->error = -EDQUOT;
        if (++world->events_this_instant > EVENTS_PER_INSTANT_MAX)
            world->error = -ELOOP;
    }
}

int strata_world_run_until(struct strata_world *world, bool (*done)(void *context), void *context,
                           strata_time until)
{
    // Between two runs anything may have been done to any host, by pointers that were kept.
    for (unsigned i = 0; i < world->node_count; i++)
        node_settle(world->nodes[i]);
    for (;;) {
        if (world->error)
            return world->error;
        if (done && done(context))
            return 1;
        if (world->pace.wait) {
            int error = world_keep_pace(world, until);
            if (error)
                return error;
            if (world->now < until && world->now < queue_next(&world->queue))
                continue; // something came before what was next
        }
        if (world->queue.count == 0 || queue_next(&world->queue) > until)
            break;
        run_instant(world);
    }
    if (until != STRATA_NEVER && until > world->now) {
        world->now = until;
        world->events_this_instant = 0;
    }
    return 0;
}

int strata_world_run(struct strata_world *world, strata_time until)
{
    return strata_world_run_until(world, NULL, NULL, until);
}

void strata_world_set_limit(struct strata_world *world, uint64_t events)
{
    world->events_max = events;
    if (world->error == -EDQUOT)
        world->error = 0;
    if (events && world->events >= events && !world->error)
        world->error = -EDQUOT;
}

uint64_t strata_world_events(const struct strata_world *world)
{
    return world->events;
}

void strata_world_note(struct strata_world *world, const char *text)
{
    world_emit(world, &(struct strata_lab_event){.kind = STRATA_LAB_NOTE, .text = text});
}

bool strata_world_programs_done(struct strata_world *world)
{
    return world->programs == 0;
}

strata_time strata_world_deadline(const struct strata_world *world)
{
    return queue_next((struct queue *)&world->queue); // it remembers what it finds
}

strata_time strata_world_now(const struct strata_world *world)
{
    return world->now;
}

uint64_t strata_world_frames(const struct strata_world *world)
{
    return world->frames;
}

uint64_t strata_world_hash(const struct strata_world *world)
{
    fold_all((struct strata_world *)world); // not what it is, only what was computed of it
    return world->folds.hash;
}

uint64_t strata_world_seed(const struct strata_world *world)
{
    return world->seed;
}

struct strata_node *strata_world_find(struct strata_world *world, const char *name)
{
    return names_find(&world->node_names, name);
}

struct strata_cable *strata_world_find_cable(struct strata_world *world, const char *name)
{
    return names_find(&world->cable_names, name);
}

struct strata_node *strata_world_node(struct strata_world *world, unsigned index)
{
    return index < world->node_count ? world->nodes[index] : NULL;
}

struct strata_cable *strata_world_cable_at(struct strata_world *world, unsigned index)
{
    return index < world->cable_count ? world->cables[index] : NULL;
}
