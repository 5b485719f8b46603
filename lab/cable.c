/*
 * A cable: two directions that know nothing of each other. What is done to a frame, in this order:
 *
 *   queue      where there is a rate, a frame waits until those before it have been sent; beyond the limit it
 *              is lost, and a discipline (discipline.h) may mark or drop it before
 *   rate       sending L bits takes L/R
 *   loss       by script, independent, then by the two-state model of Gilbert and Elliott (netem's gemodel)
 *   duplicate  a second copy travels by itself
 *   corrupt    one bit of a copy is flipped, anywhere in the frame (as netem does)
 *   delay      propagation, and jitter that keeps the order
 *   reorder    a copy is late by a while, so that later ones pass it; or it goes without the delay (as with
 *              netem), so that it passes earlier ones
 *
 * The fate of a frame is decided when it is sent; only a cut, or a crash of the node at the other end, can
 * still lose it. That needs no queue of frames, only a list of the times at which their turns come. CoDel alone
 * decides when a frame's turn has come: its frames are held in a queue of their own until then.
 *
 * Each direction draws from random streams of its own, and only for what it is configured to do. Loss has a
 * stream to itself, drawn once for each frame that is handed over, whatever becomes of it: the hundredth frame
 * is lost or not by the seed alone, and two transports over the same cable meet the same loss.
 */
#include "lab/world.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MILLION 1000000u

void cable_emit(const struct flight *flight, enum strata_lab_event_kind kind, const char *text)
{
    struct strata_cable *cable = flight->cable;
    if (!world_listens(cable->world))
        return;
    int end = kind == STRATA_LAB_DELIVERED ? !flight->direction : flight->direction;
    struct strata_lab_event event = {
        .kind = kind,
        .node = cable->node[end],
        .cable = cable,
        .direction = flight->direction,
        .end = (unsigned)end,
        .frame_number = flight->number,
        .frame = flight->bytes,
        .length = flight->length,
        .text = text,
    };
    world_emit(cable->world, &event);
}

void cable_lose(struct flight *flight, uint64_t *counter, const char *why)
{
    (*counter)++;
    cable_emit(flight, STRATA_LAB_LOST, why);
    flight_free(flight->cable->world, flight);
}

static uint32_t waiting(struct direction *direction, strata_time now)
{
    while (direction->start_count > 0 && direction->starts[direction->start_first] <= now) {
        direction->start_first = (direction->start_first + 1) % direction->start_room;
        direction->start_count--;
    }
    return direction->start_count;
}

static int wait_in_queue(struct direction *direction, strata_time start)
{
    if (direction->start_count == direction->start_room) {
        uint32_t room = direction->start_room ? direction->start_room * 2 : 16;
        strata_time *starts = malloc(room * sizeof *starts);
        if (!starts)
            return -ENOMEM;
        for (uint32_t i = 0; i < direction->start_count; i++)
            starts[i] = direction->starts[(direction->start_first + i) % direction->start_room];
        free(direction->starts);
        direction->starts = starts;
        direction->start_room = room;
        direction->start_first = 0;
    }
    direction->starts[(direction->start_first + direction->start_count++) % direction->start_room] = start;
    return 0;
}

void cable_count_waiting(struct direction *direction, uint32_t count)
{
    if (count > direction->counts.queue_most)
        direction->counts.queue_most = count;
}

static uint32_t limit_of(const struct strata_impairment *impairment)
{
    return impairment->queue_frames ? impairment->queue_frames : QUEUE_FRAMES_DEFAULT;
}

bool cable_mark_queued(struct direction *direction, struct flight *flight)
{
    fold_changing(flight->cable->world, flight);
    if (!frame_mark_ce(flight->cable->link, flight->bytes, flight->length))
        return false;
    direction->counts.marked++;
    cable_emit(flight, STRATA_LAB_FAULT, "mark");
    return true;
}

void cable_tell_queue(struct direction *direction)
{
    struct strata_cable *cable = direction->cable;
    if (!cable->world->trace_queues)
        return;
    int which = direction == &cable->direction[1];
    struct strata_lab_event event = {.kind = STRATA_LAB_QUEUE,
                                     .node = cable->node[which],
                                     .cable = cable,
                                     .direction = which,
                                     .end = (unsigned)which,
                                     .value = (int)strata_cable_waiting(cable, which)};
    world_emit(cable->world, &event);
}

/** What FIFO and RED do to a frame that arrives. @return why it is dropped, NULL: it is not. */
static const char *refusal(struct flight *flight, struct direction *direction)
{
    const struct strata_impairment *impairment = &direction->impairment;
    const struct strata_queue *queue = &impairment->queue;
    strata_time now = flight->cable->world->now;
    uint32_t before = waiting(direction, now);
    bool full = direction->free_at > now && before >= limit_of(impairment);
    if (queue->kind == STRATA_QUEUE_FIFO) {
        if (!full && queue->mark_frames > 0 && before >= queue->mark_frames)
            (void)cable_mark_queued(direction, flight);
        return full ? "queue full" : NULL;
    }
    if (impairment->rate_bps == 0)
        return NULL;
    bool chosen = red_chooses(&direction->red, queue, before, now - direction->free_at,
                              sending_time(flight->cable->mtu_bytes, impairment->rate_bps), &direction->random);
    if (full)
        return "queue full";
    return chosen && !(queue->ecn && cable_mark_queued(direction, flight)) ? "RED" : NULL;
}

/** When the last bit of a frame that is not refused leaves the sender; negative: no memory. */
static strata_time leave_time(struct strata_world *world, struct direction *direction, uint32_t bytes)
{
    const struct strata_impairment *impairment = &direction->impairment;
    strata_time start = direction->free_at > world->now ? direction->free_at : world->now;
    if (start > world->now) {
        if (wait_in_queue(direction, start) != 0)
            return world->error = -ENOMEM;
        cable_count_waiting(direction, direction->start_count);
        if (world->trace_queues && queue_push(&world->queue, start, EVENT_TOLD, direction) != 0)
            return world->error = -ENOMEM;
    }
    direction->free_at = start + (impairment->rate_bps ? sending_time(bytes, impairment->rate_bps) : 0);
    if (start > world->now)
        cable_tell_queue(direction);
    return direction->free_at;
}

/* ---- Sending and arriving ------------------------------------------------------------------------- */

void cable_send(struct strata_cable *cable, int which, struct flight *flight)
{
    if (cable->bus) {
        bus_send(cable->bus, (unsigned)which, flight);
        return;
    }
    struct strata_world *world = cable->world;
    struct direction *direction = &cable->direction[which];
    flight->cable = cable;
    flight->direction = which;
    flight->to = cable->node[!which];
    flight->self = cable->self[!which];
    flight->epoch = cable->epoch;
    flight->number = ++world->frames;
    flight->state = FLIGHT_NEW;
    direction->counts.sent++;
    direction->counts.bytes_sent += flight->length;
    fold_frame(flight, STRATA_LAB_SENT);
    cable_emit(flight, STRATA_LAB_SENT, NULL);

    uint32_t header_bytes = cable->link == STRATA_LINK_ETHERNET ? 18 : 0;
    if (!cable->up) {
        cable_lose(flight, &direction->counts.lost_down, "cable is cut");
        return;
    }
    if (flight->length > cable->mtu_bytes + header_bytes) {
        cable_lose(flight, &direction->counts.lost_down, "too long for the cable");
        return;
    }
    if (direction->follower)
        follower_apply(direction->follower, &direction->impairment, world->now);
    flight->lost = flight->lost_in_burst = false;
    if (!direction->quiet)
        cable_decide_loss(flight, direction);
    flight->scripted = script_fate(&direction->script, direction->counts.sent);
    if (direction->queue) {
        cable_hold(flight, direction);
        return;
    }
    const char *why = refusal(flight, direction);
    if (why) {
        cable_lose(flight, &direction->counts.lost_queue, why);
        return;
    }
    strata_time leaves = leave_time(world, direction, flight->length);
    if (leaves < 0)
        flight_free(world, flight); // world->error ends the run
    else
        cable_depart(flight, direction, leaves);
}

void cable_deliver(struct flight *flight)
{
    struct strata_cable *cable = flight->cable;
    struct direction *direction = &cable->direction[flight->direction];
    int end = !flight->direction;
    struct strata_node *node = cable->node[end];
    if (flight->epoch != cable->epoch) {
        cable_lose(flight, &direction->counts.lost_down, "cable was cut");
        return;
    }
    if (node->down) {
        cable_lose(flight, &direction->counts.lost_down, "node is down");
        return;
    }
    if (node->side &&
        partition_stops(cable->node[flight->direction], node, cable->link, flight->bytes, flight->length)) {
        cable_lose(flight, &direction->counts.lost_down, "partition");
        return;
    }
    direction->counts.delivered++;
    direction->counts.bytes_delivered += flight->length;
    fold_frame(flight, STRATA_LAB_DELIVERED);
    cable_emit(flight, STRATA_LAB_DELIVERED, NULL);
    node->device.ops->input(node->device.self, cable->port[end], flight->bytes, flight->length, NULL,
                            cable->world->now);
    flight_free(cable->world, flight);
    node_settle(node);
}

/* ---- Making and changing cables ------------------------------------------------------------------ */

static char *name_cable(struct strata_world *world, const struct strata_node *a, const struct strata_node *b,
                        const char *given)
{
    if (given)
        return names_find(&world->cable_names, given) ? NULL : strdup(given);
    size_t size = strlen(a->name) + strlen(b->name) + 16;
    char *name = malloc(size);
    if (!name)
        return NULL;
    snprintf(name, size, "%s-%s", a->name, b->name);
    for (unsigned i = 2; names_find(&world->cable_names, name); i++)
        snprintf(name, size, "%s-%s-%u", a->name, b->name, i);
    return name;
}

static bool impairment_is_possible(const struct strata_impairment *impairment)
{
    const struct strata_loss_states *states = &impairment->states;
    const uint32_t shares[] = {impairment->loss_ppm,
                               impairment->burst_enter_ppm,
                               impairment->burst_leave_ppm,
                               impairment->burst_loss_ppm,
                               impairment->duplicate_ppm,
                               impairment->reorder_ppm,
                               impairment->corrupt_ppm,
                               impairment->loss_correlation_ppm,
                               impairment->duplicate_correlation_ppm,
                               impairment->reorder_correlation_ppm,
                               impairment->corrupt_correlation_ppm,
                               impairment->jitter_correlation_ppm,
                               states->p23};
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++)
        if (shares[i] > MILLION)
            return false;
    if (states->p13 > MILLION || states->p14 > MILLION - states->p13 || states->p31 > MILLION ||
        states->p32 > MILLION - states->p31 || (unsigned)impairment->distribution > STRATA_JITTER_PARETO_NORMAL)
        return false;
    // Times beyond a year are mistakes, and would overflow in the end.
    const strata_time longest = 366 * 86400 * STRATA_SECOND;
    const strata_time times[] = {impairment->delay_ns, impairment->jitter_ns, impairment->reorder_ns,
                                 impairment->slot_min_ns, impairment->slot_max_ns};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        if (times[i] < 0 || times[i] > longest)
            return false;
    return impairment->slot_min_ns <= impairment->slot_max_ns && queue_is_possible(&impairment->queue) &&
           (!impairment->trace || trace_is_possible(impairment->trace));
}

static int start_direction(struct strata_cable *cable, int which, const struct strata_impairment *impairment)
{
    struct direction *direction = &cable->direction[which];
    uint8_t seed[32];
    world_derive(cable->world, "cable", cable->name, (uint32_t)which, seed);
    random_init(&direction->random, seed);
    world_derive(cable->world, "loss", cable->name, (uint32_t)which, seed);
    random_init(&direction->loss, seed);
    direction->cable = cable;
    direction->queue_due = STRATA_NEVER;
    direction->slot_end = -1;
    direction->counts.size = sizeof direction->counts;
    return direction_change(direction, impairment);
}

struct strata_cable *strata_world_cable(struct strata_world *world, struct strata_node *a,
                                        struct strata_node *b, const struct strata_cable_config *config)
{
    static const struct strata_cable_config plain = {.size = sizeof plain};
    if (!config)
        config = &plain;
    if (config->size != sizeof *config || !impairment_is_possible(&config->forward) ||
        !impairment_is_possible(&config->backward) ||
        array_grow(&world->cables, sizeof *world->cables, world->cable_count, &world->cable_room) != 0)
        return NULL;
    struct strata_cable *cable = calloc(1, sizeof *cable);
    if (!cable)
        return NULL;
    cable->world = world;
    cable->link = config->link;
    cable->mtu_bytes = config->mtu_bytes ? config->mtu_bytes : 1500;
    cable->up = true;
    cable->flap_due = STRATA_NEVER;
    cable->name = name_cable(world, a, b, config->name);
    if (!cable->name)
        goto failed;
    struct strata_node *nodes[2] = {a, b};
    int ports[2] = {config->port_a, config->port_b};
    for (int end = 0; end < 2; end++) {
        int port = node_make_port(nodes[end], ports[end], cable->link, cable->mtu_bytes);
        if (port < 0) {
            if (end == 1)
                a->ports[cable->port[0]].cable = NULL;
            goto failed;
        }
        cable->node[end] = nodes[end];
        cable->self[end] = nodes[end]->device.self;
        cable->port[end] = port;
        nodes[end]->ports[port].cable = cable;
        nodes[end]->ports[port].end = end;
    }
    if (start_direction(cable, 0, &config->forward) != 0 || start_direction(cable, 1, &config->backward) != 0 ||
        names_add(&world->cable_names, cable->name, cable) != 0) {
        a->ports[cable->port[0]].cable = b->ports[cable->port[1]].cable = NULL;
        direction_end(&cable->direction[0]);
        direction_end(&cable->direction[1]);
        goto failed;
    }
    cable->id = hash_bytes(cable->name, strlen(cable->name));
    world->cables[world->cable_count++] = cable;
    for (int end = 0; end < 2; end++)
        node_carrier(nodes[end], cable->port[end], true);
    return cable;
failed:
    free(cable->name);
    free(cable);
    return NULL;
}

void cable_free(struct strata_cable *cable)
{
    for (int i = 0; i < 2; i++) {
        struct direction *direction = &cable->direction[i];
        direction_end(direction);
        free(direction->starts);
        script_free(&direction->script);
    }
    if (cable->bus)
        bus_free(cable->bus);
    free(cable->name);
    free(cable);
}

int strata_cable_set_up(struct strata_cable *cable, bool up)
{
    if (cable->up == up)
        return 0;
    cable->up = up;
    if (!up) {
        cable->epoch++; // whatever is under way has another one
        for (int i = 0; i < 2; i++) {
            cable->direction[i].free_at = cable->world->now;
            cable->direction[i].last_arrival = cable->world->now;
            cable->direction[i].start_count = 0;
            cable_lose_held(&cable->direction[i]);
        }
    }
    world_emit(cable->world, &(struct strata_lab_event){
                                 .kind = STRATA_LAB_NOTE, .cable = cable, .text = up ? "mended" : "cut"});
    if (cable->bus) {
        bus_set_up(cable->bus, up);
        return 0;
    }
    for (int end = 0; end < 2; end++)
        node_carrier(cable->node[end], cable->port[end], up);
    return 0;
}

int strata_cable_impair(struct strata_cable *cable, int direction, const struct strata_impairment *impairment)
{
    if (direction < 0 || direction > 1 || !impairment_is_possible(impairment) || cable->bus)
        return -EINVAL;
    return direction_change(&cable->direction[direction], impairment);
}

void strata_cable_impairment(const struct strata_cable *cable, int direction,
                             struct strata_impairment *impairment)
{
    *impairment = cable->direction[direction & 1].impairment;
}

int strata_cable_script(struct strata_cable *cable, int direction, const struct strata_fault *faults, unsigned count)
{
    if (direction < 0 || direction > 1 || (cable->bus && count > 0))
        return -EINVAL;
    return script_add(&cable->direction[direction].script, cable->direction[direction].counts.sent, faults, count);
}

int strata_cable_lose(struct strata_cable *cable, int direction, const uint32_t *numbers, unsigned count)
{
    int error = 0;
    for (unsigned i = 0; !error && i < count; i++)
        error = strata_cable_script(cable, direction,
                                    &(struct strata_fault){.frame = numbers[i], .kind = STRATA_FAULT_LOSE}, 1);
    return error;
}

int strata_cable_counts(const struct strata_cable *cable, int direction, struct strata_cable_counts *counts)
{
    if (direction < 0 || direction > 1 || counts->size != sizeof *counts)
        return -EINVAL;
    *counts = cable->direction[direction].counts;
    return 0;
}

uint32_t strata_cable_waiting(const struct strata_cable *cable, int direction)
{
    if (cable->bus)
        return direction == 0 ? bus_waiting(cable->bus) : 0;
    const struct direction *d = &cable->direction[direction & 1];
    uint32_t count = d->queue ? d->queue->counts.waiting : 0;
    for (uint32_t i = d->start_count; i > 0; i--) // times ascend
        if (d->starts[(d->start_first + i - 1) % d->start_room] <= cable->world->now)
            return count;
        else
            count++;
    return count;
}

const char *strata_cable_name(const struct strata_cable *cable)
{
    return cable->name;
}

enum strata_link strata_cable_link(const struct strata_cable *cable)
{
    return cable->link;
}

struct strata_node *strata_cable_end(const struct strata_cable *cable, int end, int *port)
{
    if (cable->bus) {
        const struct cable_end *at = end < 0 ? NULL : bus_end(cable->bus, (unsigned)end);
        if (at && port)
            *port = at->port;
        return at ? at->node : NULL;
    }
    if (end < 0 || end > 1)
        return NULL;
    if (port)
        *port = cable->port[end];
    return cable->node[end];
}
