/*
 * What happens to a frame on its way, in this order: loss was decided when it was sent, by its number; it may
 * be doubled; bits of each copy may flip; each arrives when it does.
 *
 * Correlation is netem's word. Where netem mixes each random number with the one before, which bends the rates that it
 * was told, a draw here repeats the one before with that probability: rates stay what they are, and the correlation of
 * two frames in a row is what was said.
 */
#include "lab/world.h"

#include <string.h>

#include "lab/jitter.h"

#define MILLION 1000000u

static bool chance(struct random *random, uint32_t ppm)
{
    return ppm > 0 && random_below(random, MILLION) < ppm;
}

/** A random number of 32 bits that repeats the one before with a probability. */
static uint32_t repeated_u32(struct random *random, struct repeated *last, uint32_t correlation_ppm)
{
    if (!last->any || !chance(random, correlation_ppm))
        last->value = random_u32(random);
    last->any = true;
    return last->value;
}

static bool repeated_chance(struct random *random, struct repeated *last, uint32_t ppm, uint32_t correlation_ppm)
{
    if (correlation_ppm == 0 || ppm == 0)
        return chance(random, ppm);
    return ((uint64_t)repeated_u32(random, last, correlation_ppm) * MILLION >> 32) < ppm;
}

/* ---- Loss ------------------------------------------------------------------------------------------------- */

/** Loss in the present state of the two-state model, which then may change. */
static bool lost_in_burst(struct direction *direction)
{
    const struct strata_impairment *impairment = &direction->impairment;
    if (impairment->burst_enter_ppm == 0) {
        direction->bad = false;
        return false;
    }
    uint32_t loss_ppm = impairment->burst_loss_ppm ? impairment->burst_loss_ppm : MILLION;
    bool lost = direction->bad && chance(&direction->loss, loss_ppm);
    uint32_t change_ppm = direction->bad ? impairment->burst_leave_ppm : impairment->burst_enter_ppm;
    if (chance(&direction->loss, change_ppm))
        direction->bad = !direction->bad;
    return lost;
}

/** netem's four states: S. Salsano, F. Ludovici, A. Ordine, D. Giannuzzi, Definition of a general and intuitive loss
 * model for packet networks and its implementation in the Netem module in the Linux kernel, 2012. */
static bool lost_by_states(struct direction *direction)
{
    const struct strata_loss_states *p = &direction->impairment.states;
    if (p->p13 == 0 && p->p14 == 0) {
        direction->loss_state = LOSS_GAP;
        return false;
    }
    uint64_t drawn = random_below(&direction->loss, MILLION);
    switch (direction->loss_state) {
    case LOSS_GAP:
        if (drawn < p->p14)
            direction->loss_state = LOSS_ALONE;
        else if (drawn < p->p14 + p->p13)
            direction->loss_state = LOSS_BURST;
        break;
    case LOSS_BURST_RECEIVED:
        if (drawn < p->p23)
            direction->loss_state = LOSS_BURST;
        break;
    case LOSS_BURST:
        if (drawn < p->p32)
            direction->loss_state = LOSS_BURST_RECEIVED;
        else if (drawn < p->p32 + p->p31)
            direction->loss_state = LOSS_GAP;
        break;
    case LOSS_ALONE:
        direction->loss_state = LOSS_GAP;
        break;
    }
    return direction->loss_state == LOSS_BURST || direction->loss_state == LOSS_ALONE;
}

void cable_decide_loss(struct flight *flight, struct direction *direction)
{
    const struct strata_impairment *impairment = &direction->impairment;
    flight->lost = repeated_chance(&direction->loss, &direction->last_loss, impairment->loss_ppm,
                                   impairment->loss_correlation_ppm);
    flight->lost_in_burst = lost_in_burst(direction);
    if (lost_by_states(direction))
        flight->lost_in_burst = true;
}

/* ---- On the way ------------------------------------------------------------------------------------------- */

/** Flips a bit, and says so with the bytes as they were: that is what was said. */
static void damage(struct flight *flight, struct direction *direction, uint64_t bit)
{
    direction->counts.corrupted++;
    cable_emit(flight, STRATA_LAB_FAULT, "corrupt");
    fold_changing(flight->cable->world, flight);
    flight->bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
}

/** Propagation and jitter. */
static strata_time delay_of(struct direction *direction)
{
    const struct strata_impairment *impairment = &direction->impairment;
    strata_time jitter_ns = impairment->jitter_ns;
    if (jitter_ns == 0)
        return impairment->delay_ns;
    if (impairment->distribution == STRATA_JITTER_ABOVE && impairment->jitter_correlation_ppm == 0)
        return impairment->delay_ns + (strata_time)random_below(&direction->random, (uint64_t)jitter_ns + 1);
    uint32_t drawn =
        repeated_u32(&direction->random, &direction->last_jitter, impairment->jitter_correlation_ppm);
    strata_time delay_ns = impairment->delay_ns + jitter_offset(impairment->distribution, jitter_ns, drawn);
    return delay_ns > 0 ? delay_ns : 0;
}

/** Of each so many frames that do not, the next may be: netem's gap. */
static bool is_reordered(struct direction *direction)
{
    const struct strata_impairment *impairment = &direction->impairment;
    bool reordered = (impairment->reorder_gap == 0 || direction->since_reordered + 1 >= impairment->reorder_gap) &&
                     repeated_chance(&direction->random, &direction->last_reorder, impairment->reorder_ppm,
                                     impairment->reorder_correlation_ppm);
    direction->since_reordered = reordered ? 0 : direction->since_reordered + 1;
    return reordered;
}

/** A frame that finds no slot open begins one; at its end all that came meanwhile arrive. */
static strata_time end_of_slot(struct direction *direction, strata_time arrival)
{
    const struct strata_impairment *impairment = &direction->impairment;
    bool full = impairment->slot_frames > 0 && direction->slot_used >= impairment->slot_frames;
    if (arrival > direction->slot_end || full) {
        strata_time begin = arrival > direction->slot_end ? arrival : direction->slot_end;
        uint64_t spread = (uint64_t)(impairment->slot_max_ns - impairment->slot_min_ns) + 1;
        direction->slot_end =
            begin + impairment->slot_min_ns + (strata_time)random_below(&direction->random, spread);
        direction->slot_used = 0;
    }
    direction->slot_used++;
    return direction->slot_end;
}

void cable_note_chances(struct direction *direction)
{
    const struct strata_impairment *is = &direction->impairment;
    direction->quiet = is->loss_ppm == 0 && is->burst_enter_ppm == 0 && is->states.p13 == 0 && is->states.p14 == 0 &&
                       !direction->follower;
    direction->straight = is->duplicate_ppm == 0 && is->corrupt_ppm == 0 && is->jitter_ns == 0 &&
                          is->reorder_ppm == 0 && is->slot_max_ns == 0;
    if (direction->quiet) {
        direction->bad = false;
        direction->loss_state = LOSS_GAP;
    }
}

/** Nothing happens to it by chance. */
static void go_straight(struct flight *flight, struct direction *direction, strata_time leaves)
{
    struct strata_world *world = flight->cable->world;
    strata_time arrival = leaves + direction->impairment.delay_ns;
    if (arrival < direction->last_arrival)
        arrival = direction->last_arrival;
    direction->last_arrival = arrival;
    int error = queue_push(&world->queue, arrival, EVENT_FRAME, flight);
    if (error) {
        world->error = error;
        flight_free(world, flight);
    }
}

/** One copy travels: bits may flip, and it arrives when it does. */
static void travel(struct flight *flight, struct direction *direction, strata_time leaves)
{
    struct strata_world *world = flight->cable->world;
    const struct strata_impairment *impairment = &direction->impairment;
    if (repeated_chance(&direction->random, &direction->last_corrupt, impairment->corrupt_ppm,
                        impairment->corrupt_correlation_ppm) &&
        flight->length > 0)
        damage(flight, direction, random_below(&direction->random, (uint64_t)flight->length * 8));
    if (flight->scripted.damage && flight->length > 0)
        damage(flight, direction, (uint64_t)flight->length * 8 - 8); // bit 0 of the last byte
    strata_time arrival = leaves + delay_of(direction);
    bool reordered = is_reordered(direction);
    if (reordered || flight->scripted.late_ns > 0) {
        if (reordered && impairment->reorder_early)
            arrival = leaves;
        else if (reordered)
            arrival += impairment->reorder_ns ? impairment->reorder_ns
                                              : impairment->delay_ns / 2 + STRATA_MILLISECOND;
        arrival += flight->scripted.late_ns;
        direction->counts.reordered++;
        cable_emit(flight, STRATA_LAB_FAULT, "reorder");
    } else {
        if (arrival < direction->last_arrival)
            arrival = direction->last_arrival;
        direction->last_arrival = arrival;
    }
    if (impairment->slot_max_ns > 0)
        arrival = end_of_slot(direction, arrival);
    int error = queue_push(&world->queue, arrival, EVENT_FRAME, flight);
    if (error) {
        world->error = error;
        flight_free(world, flight);
    }
}

static struct flight *copy_of(struct strata_world *world, const struct flight *flight)
{
    struct flight *copy = flight_new(world, flight->length);
    if (!copy)
        return NULL;
    uint32_t room = copy->room;
    memcpy(copy, flight, sizeof *flight + flight->length);
    copy->room = room;
    copy->state = FLIGHT_NEW;
    return copy;
}

void cable_depart(struct flight *flight, struct direction *direction, strata_time leaves)
{
    struct strata_world *world = flight->cable->world;
    if (flight->scripted.lose) {
        cable_lose(flight, &direction->counts.lost, "script");
        return;
    }
    if (flight->lost) {
        cable_lose(flight, &direction->counts.lost, "loss");
        return;
    }
    if (flight->lost_in_burst) {
        cable_lose(flight, &direction->counts.lost_burst, "loss in a burst");
        return;
    }
    bool scripted = flight->scripted.twice || flight->scripted.damage || flight->scripted.late_ns > 0;
    if (direction->straight && !scripted) {
        go_straight(flight, direction, leaves);
        return;
    }
    struct flight *copy = NULL;
    if (repeated_chance(&direction->random, &direction->last_duplicate, direction->impairment.duplicate_ppm,
                        direction->impairment.duplicate_correlation_ppm) ||
        flight->scripted.twice)
        copy = copy_of(world, flight);
    if (copy) {
        copy->scripted = (struct scripted){0};
        direction->counts.duplicated++;
        cable_emit(flight, STRATA_LAB_FAULT, "duplicate");
    }
    travel(flight, direction, leaves);
    if (copy)
        travel(copy, direction, leaves);
}
