/*
 * What disciplines share: how they nest, what they count, how a frame finds its class, and how one is lost when there
 * is no room.
 *
 * A class's own queue decides what it drops; only where flows share one limit it is the longest of them that gives a
 * frame up, so that whoever sends more than his share cannot take the place of others (McKenney 1990).
 */
#include "lab/queues.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/world.h"

#define FQ_CODEL_FRAMES_DEFAULT 10240u

/* ---- Lists ------------------------------------------------------------------------------------------------ */

void flights_append(struct flights *frames, struct flight *flight)
{
    flight->next = NULL;
    if (frames->first)
        frames->last->next = flight;
    else
        frames->first = flight;
    frames->last = flight;
}

struct flight *flights_take(struct flights *frames)
{
    struct flight *flight = frames->first;
    if (flight)
        frames->first = flight->next;
    return flight;
}

/** The n-th, counted from 0. */
static struct flight *flights_take_nth(struct flights *frames, uint32_t n)
{
    struct flight *before = NULL, *flight = frames->first;
    for (; n > 0; n--) {
        before = flight;
        flight = flight->next;
    }
    if (before)
        before->next = flight->next;
    else
        frames->first = flight->next;
    if (frames->last == flight)
        frames->last = before;
    return flight;
}

/* ---- What is around it ------------------------------------------------------------------------------------ */

strata_time discipline_now(const struct discipline *discipline)
{
    return discipline->direction->cable->world->now;
}

struct random *discipline_random(const struct discipline *discipline)
{
    return &discipline->direction->random;
}

uint32_t discipline_frame_bytes(const struct discipline *discipline)
{
    const struct strata_cable *cable = discipline->direction->cable;
    return cable->mtu_bytes + (cable->link == STRATA_LINK_ETHERNET ? 14 : 0);
}

uint64_t discipline_rate(const struct discipline *discipline)
{
    if (!discipline->parent)
        return discipline->direction->impairment.rate_bps;
    const struct discipline *parent = discipline->parent;
    if (parent->config->kind == STRATA_QUEUE_TBF)
        return parent->config->rate_bps;
    uint64_t rate_bps = discipline_rate(parent);
    if (parent->config->kind == STRATA_QUEUE_PRIO || !discipline->as)
        return rate_bps;
    return rate_bps / parent->weights * discipline->as->weight +
           rate_bps % parent->weights * discipline->as->weight / parent->weights;
}

uint32_t discipline_limit(const struct discipline *discipline)
{
    for (const struct discipline *d = discipline; d; d = d->parent)
        if (d->config->limit_frames)
            return d->config->limit_frames;
    uint32_t frames = discipline->direction->impairment.queue_frames;
    if (frames)
        return frames;
    return discipline->config->kind == STRATA_QUEUE_FQ_CODEL ? FQ_CODEL_FRAMES_DEFAULT : QUEUE_FRAMES_DEFAULT;
}

bool discipline_is_full(const struct discipline *discipline, uint32_t bytes)
{
    const struct strata_queue_counts *counts = &discipline->counts;
    uint32_t limit_bytes = discipline->config->limit_bytes;
    return counts->waiting + (bytes > 0) > discipline_limit(discipline) ||
           (limit_bytes > 0 && counts->waiting_bytes + bytes > limit_bytes);
}

/* ---- Counting --------------------------------------------------------------------------------------------- */

static void count_left(struct discipline *discipline, const struct flight *flight)
{
    discipline->counts.waiting--;
    discipline->counts.waiting_bytes -= flight->length;
    if (discipline->counts.waiting == 0)
        discipline->idle_since = discipline_now(discipline);
}

void discipline_lose(struct discipline *discipline, struct flight *flight, const char *why)
{
    for (struct discipline *d = discipline; d; d = d->parent) {
        count_left(d, flight);
        d->counts.lost++;
        d->counts.bytes_lost += flight->length;
    }
    cable_lose_queued(discipline->direction, flight, why);
}

bool discipline_mark(struct discipline *discipline, struct flight *flight)
{
    if (!cable_mark_queued(discipline->direction, flight))
        return false;
    for (struct discipline *d = discipline; d; d = d->parent)
        d->counts.marked++;
    return true;
}

void discipline_put(struct discipline *discipline, struct flight *flight)
{
    struct strata_queue_counts *counts = &discipline->counts;
    counts->frames++;
    counts->bytes += flight->length;
    counts->waiting++;
    counts->waiting_bytes += flight->length;
    discipline->direction->put_into = discipline;
    discipline->ops->put(discipline, flight);
}

struct flight *discipline_take(struct discipline *discipline, strata_time now, strata_time *when)
{
    if (discipline->counts.waiting == 0)
        return NULL;
    struct flight *flight = discipline->ops->take(discipline, now, when);
    if (!flight)
        return NULL;
    struct strata_queue_counts *counts = &discipline->counts;
    strata_time waited_ns = now - flight->queued_at;
    count_left(discipline, flight);
    counts->sent++;
    counts->bytes_sent += flight->length;
    counts->wait_sum_ns += waited_ns;
    if (waited_ns > counts->wait_most_ns)
        counts->wait_most_ns = waited_ns;
    return flight;
}

struct flight *discipline_victim(struct discipline *discipline, enum strata_drop drop)
{
    uint32_t count = 0, chosen = 0;
    for (const struct flight *flight = discipline->list.first; flight; flight = flight->next)
        count++;
    if (count == 0)
        return NULL;
    if (drop == STRATA_DROP_TAIL)
        chosen = count - 1;
    else if (drop == STRATA_DROP_RANDOM)
        chosen = (uint32_t)random_below(discipline_random(discipline), count);
    return flights_take_nth(&discipline->list, chosen);
}

void discipline_hold(struct discipline *discipline, struct flight *flight)
{
    flights_append(&discipline->list, flight);
    while (discipline_is_full(discipline, 0))
        discipline_lose(discipline, discipline_victim(discipline, discipline->config->drop), "queue full");
}

struct flight *discipline_take_first(struct discipline *discipline, strata_time now, strata_time *when)
{
    (void)now;
    (void)when;
    return flights_take(&discipline->list);
}

/* ---- Trees ------------------------------------------------------------------------------------------------ */

static const struct discipline_ops *const all_ops[] = {
    [STRATA_QUEUE_FIFO] = &queue_fifo_ops,         [STRATA_QUEUE_RED] = &queue_red_ops,
    [STRATA_QUEUE_CODEL] = &queue_codel_ops,       [STRATA_QUEUE_PRIO] = &queue_prio_ops,
    [STRATA_QUEUE_RR] = &queue_rr_ops,             [STRATA_QUEUE_DRR] = &queue_drr_ops,
    [STRATA_QUEUE_WFQ] = &queue_wfq_ops,           [STRATA_QUEUE_FQ_CODEL] = &queue_fq_codel_ops,
    [STRATA_QUEUE_TBF] = &queue_tbf_ops,
};

static char *name_under(const struct discipline *parent, const char *name)
{
    size_t size = (parent ? strlen(parent->name) + 1 : 0) + strlen(name) + 1;
    char *text = malloc(size);
    if (text)
        snprintf(text, size, "%s%s%s", parent ? parent->name : "", parent && *parent->name ? "/" : "", name);
    return text;
}

int discipline_new(struct discipline **made, struct direction *direction, const struct strata_queue *config,
                   struct discipline *parent, const char *name)
{
    struct discipline *discipline = calloc(1, sizeof *discipline);
    if (!discipline)
        return -ENOMEM;
    discipline->ops = all_ops[config->kind];
    discipline->config = config;
    discipline->direction = direction;
    discipline->parent = parent;
    discipline->idle_since = direction->cable->world->now;
    discipline->counts.size = sizeof discipline->counts;
    discipline->name = name_under(parent, name);
    if (!discipline->name || (discipline->ops->begin && discipline->ops->begin(discipline) != 0)) {
        discipline_free(discipline);
        return -ENOMEM;
    }
    *made = discipline;
    return 0;
}

void discipline_free(struct discipline *discipline)
{
    if (!discipline)
        return;
    if (discipline->ops->end)
        discipline->ops->end(discipline);
    classes_end(discipline);
    free(discipline->name);
    free(discipline);
}

void discipline_empty(struct discipline *discipline, void (*each)(struct flight *flight, void *context), void *context)
{
    struct flight *flight;
    while ((flight = flights_take(&discipline->list)) != NULL)
        each(flight, context);
    for (unsigned i = 0; discipline->flows && i < discipline->config->flows; i++)
        while ((flight = flights_take(&discipline->flows[i].list)) != NULL)
            each(flight, context);
    for (unsigned i = 0; i < discipline->class_count; i++) {
        struct queue_class *class = &discipline->classes[i];
        if (class->ahead)
            each(class->ahead, context);
        class->ahead = NULL;
        if (class->queue)
            discipline_empty(class->queue, each, context);
        class->active = class->fluid = false;
        class->deficit = 0;
        class->tag_count = 0;
        class->last_tag = 0;
    }
    discipline->counts.lost += discipline->counts.waiting;
    discipline->counts.bytes_lost += discipline->counts.waiting_bytes;
    discipline->counts.waiting = discipline->counts.waiting_bytes = 0;
    discipline->idle_since = discipline_now(discipline);
    if (discipline->ops->reset)
        discipline->ops->reset(discipline);
}

/* ---- Classes ---------------------------------------------------------------------------------------------- */

static int class_begin(struct discipline *discipline, struct queue_class *class, const struct strata_queue *queue,
                       const char *name, uint32_t weight)
{
    class->weight = weight ? weight : 1;
    discipline->weights += class->weight;
    int error = discipline_new(&class->queue, discipline->direction, queue, discipline, name);
    if (error)
        return error;
    class->queue->as = class;
    discipline->used[discipline->used_count++] = class;
    return 0;
}

/** That of a flow: what it may hold, the discipline around it says. */
static const struct strata_queue plain_queue, flow_queue = {.limit_frames = UINT32_MAX};

struct siphash_key discipline_key(const struct discipline *discipline)
{
    const struct strata_cable *cable = discipline->direction->cable;
    uint8_t seed[32];
    struct random random;
    struct siphash_key key;
    world_derive(cable->world, "flows", cable->name, discipline->direction == &cable->direction[1], seed);
    random_init(&random, seed);
    random_key(&random, &key);
    return key;
}

int classes_begin(struct discipline *discipline)
{
    const struct strata_queue *config = discipline->config;
    unsigned count = config->class_count;
    if (count == 0)
        count = config->kind == STRATA_QUEUE_PRIO   ? 3
                : config->kind == STRATA_QUEUE_TBF  ? 1
                                                    : config->flows;
    discipline->classes = calloc(count, sizeof *discipline->classes);
    discipline->used = calloc(count, sizeof(struct queue_class *));
    if (!discipline->classes || !discipline->used)
        return -ENOMEM;
    discipline->class_count = count;
    discipline->by_flow =
        config->class_count == 0 && config->kind != STRATA_QUEUE_PRIO && config->kind != STRATA_QUEUE_TBF;
    if (discipline->by_flow) {
        discipline->key = discipline_key(discipline);
        return 0; // each is made when a flow needs it
    }
    static const char *const bands[] = {"band 1", "band 2", "band 3"};
    for (unsigned i = 0; i < count; i++) {
        const struct strata_queue *queue = config->classes ? &config->classes[i].queue
                                           : config->inner ? config->inner
                                                           : &plain_queue;
        const char *name = config->classes                        ? config->classes[i].name
                           : config->kind == STRATA_QUEUE_PRIO ? bands[i]
                                                               : "inside";
        int error = class_begin(discipline, &discipline->classes[i], queue, name,
                                config->classes ? config->classes[i].weight : 1);
        if (error)
            return error;
    }
    return 0;
}

void classes_end(struct discipline *discipline)
{
    for (unsigned i = 0; i < discipline->class_count; i++) {
        discipline_free(discipline->classes[i].queue);
        free(discipline->classes[i].tags);
    }
    free(discipline->classes);
    free(discipline->used);
}

static bool takes(const struct strata_queue_class *class, const struct flow *flow)
{
    for (unsigned i = 0; i < class->match_count; i++)
        if (flow_matches(flow, &class->matches[i]))
            return true;
    return class->match_count == 0;
}

static struct queue_class *class_of_flow(struct discipline *discipline, const struct flow *flow)
{
    struct queue_class *class =
        &discipline->classes[flow_number(flow, &discipline->key, discipline->class_count)];
    if (!class->queue && class_begin(discipline, class, &flow_queue, "flow", 1) != 0) {
        discipline->direction->cable->world->error = -ENOMEM;
        return NULL;
    }
    return class;
}

struct queue_class *classes_of(struct discipline *discipline, struct flight *flight)
{
    struct flow flow;
    flow_parse(&flow, discipline->direction->cable->link, flight->bytes, flight->length);
    if (discipline->by_flow)
        return class_of_flow(discipline, &flow);
    const struct strata_queue *config = discipline->config;
    if (!config->classes)
        return &discipline->classes[flow_band(&flow)];
    if (!flow.is_ip)
        return &discipline->classes[0];
    for (unsigned i = 0; i < discipline->class_count; i++)
        if (takes(&config->classes[i], &flow))
            return &discipline->classes[i];
    return &discipline->classes[discipline->class_count - 1];
}

uint32_t class_frames(const struct queue_class *class)
{
    return (class->queue ? class->queue->counts.waiting : 0) + (class->ahead != NULL);
}

/** Of the flows, the one with most bytes that still can lose some; the first of equals. */
static struct discipline *longest_flow(struct discipline *discipline)
{
    struct discipline *longest = NULL;
    for (unsigned i = 0; i < discipline->used_count; i++) {
        struct discipline *queue = discipline->used[i]->queue;
        if (queue->counts.waiting > 0 &&
            (!longest || queue->counts.waiting_bytes > longest->counts.waiting_bytes))
            longest = queue;
    }
    return longest;
}

bool classes_put(struct discipline *discipline, struct queue_class *class, struct flight *flight)
{
    uint32_t before = class_frames(class);
    discipline_put(class->queue, flight);
    while (discipline->by_flow && discipline_is_full(discipline, 0)) {
        struct discipline *longest = longest_flow(discipline);
        if (!longest)
            break; // what waits has been looked at already, and goes next
        discipline_lose(longest, discipline_victim(longest, discipline->config->drop), "queue full");
    }
    return class_frames(class) > before;
}

struct flight *class_ahead(struct queue_class *class, strata_time now, strata_time *when)
{
    if (!class->ahead && class->queue)
        class->ahead = discipline_take(class->queue, now, when);
    return class->ahead;
}
