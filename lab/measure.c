/*
 * Measuring cables. Each frame is noted when it is handed over and found again by its number when it arrives or is
 * lost. The number inside is integrated over time as it changes, on its own: it does not come from the delays, so that
 * Little's law compares two things that were both measured.
 */
#include "lab/measure.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *const measure_words[] = {"delay",  "delay_min",  "delay_max",   "waiting",
                                     "inside", "throughput", "utilisation", "little", NULL};

struct passage {
    uint64_t number;
    strata_time at;
    unsigned copies; /**< That have not left yet; 0: all have. */
};

static struct passage *passage_at(const struct measured *measured, unsigned index)
{
    return &measured->passages[(measured->first + index) % measured->room];
}

static int widen(struct measured *measured)
{
    unsigned room = measured->room ? measured->room * 2 : 64;
    struct passage *passages = malloc(room * sizeof *passages);
    if (!passages)
        return -ENOMEM;
    for (unsigned i = 0; i < measured->count; i++)
        passages[i] = *passage_at(measured, i);
    free(measured->passages);
    measured->passages = passages;
    measured->room = room;
    measured->first = 0;
    return 0;
}

/** The frame with that number, or NULL. */
static struct passage *find(const struct measured *measured, uint64_t number)
{
    unsigned low = 0, high = measured->count;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (passage_at(measured, middle)->number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low < measured->count && passage_at(measured, low)->number == number ? passage_at(measured, low) : NULL;
}

static void count_inside(struct measured *measured, strata_time now, int change)
{
    measured->area += measured->inside * (uint64_t)(now - measured->changed_at);
    measured->changed_at = now;
    measured->inside += (unsigned)change;
}

static void hand_over(struct measure *measure, struct measured *measured, const struct strata_lab_event *event)
{
    if (measured->count == measured->room && widen(measured) != 0) {
        measure->failed = true;
        return;
    }
    measured->count++;
    *passage_at(measured, measured->count - 1) = (struct passage){event->frame_number, event->time, 1};
    count_inside(measured, event->time, 1);
}

/** Time that so many bytes take at the rate the cable has now. */
static strata_time transmission(const struct strata_impairment *impairment, size_t bytes)
{
    if (impairment->rate_bps == 0)
        return 0;
    uint64_t bits_ns = (uint64_t)bytes * 8 * UINT64_C(1000000000);
    return (strata_time)(bits_ns / impairment->rate_bps + (bits_ns % impairment->rate_bps != 0));
}

static void arrive(struct measured *measured, const struct strata_lab_event *event, strata_time stay)
{
    struct strata_impairment impairment;
    strata_cable_impairment(event->cable, event->direction, &impairment);
    strata_time sending = transmission(&impairment, event->length);
    strata_time waiting = stay - sending - impairment.delay_ns;
    if (measured->arrived == 0 || stay < measured->delay_min)
        measured->delay_min = stay;
    if (stay > measured->delay_max)
        measured->delay_max = stay;
    measured->arrived++;
    measured->arrived_bytes += event->length;
    measured->delay_sum += stay;
    measured->transmission_sum += sending;
    measured->waiting_sum += waiting > 0 ? waiting : 0;
}

static void leave(struct measured *measured, const struct strata_lab_event *event)
{
    struct passage *passage = find(measured, event->frame_number);
    if (!passage || passage->copies == 0)
        return; // handed over before anybody measured
    strata_time stay = event->time - passage->at;
    passage->copies--;
    count_inside(measured, event->time, -1);
    measured->left++;
    measured->stay_sum += stay;
    if (event->kind == STRATA_LAB_DELIVERED)
        arrive(measured, event, stay);
    while (measured->count > 0 && passage_at(measured, 0)->copies == 0) {
        measured->first = (measured->first + 1) % measured->room;
        measured->count--;
    }
}

static void listen(void *context, const struct strata_lab_event *event)
{
    struct measure *measure = context;
    struct measured_cable *cable = event->cable ? (void *)measure_of(measure, event->cable) : NULL;
    if (!cable)
        return;
    struct measured *measured = &cable->direction[event->direction];
    switch (event->kind) {
    case STRATA_LAB_SENT:
        if (!cable->begun)
            cable->begin = cable->end = event->time;
        cable->begun = true;
        hand_over(measure, measured, event);
        break;
    case STRATA_LAB_DELIVERED:
        cable->end = event->time;
        leave(measured, event);
        break;
    case STRATA_LAB_LOST:
        leave(measured, event);
        break;
    case STRATA_LAB_FAULT:
        if (strcmp(event->text, "duplicate") == 0 && find(measured, event->frame_number)) {
            find(measured, event->frame_number)->copies++;
            count_inside(measured, event->time, 1);
        }
        break;
    default:
        break;
    }
}

int measure_begin(struct measure *measure, struct strata_world *world)
{
    return strata_world_listen(world, listen, measure);
}

int measure_add(struct measure *measure, const struct strata_cable *cable)
{
    if (measure_of(measure, cable))
        return 0;
    if (measure->count == measure->room) {
        unsigned room = measure->room ? measure->room * 2 : 8;
        struct measured_cable *cables = realloc(measure->cables, room * sizeof *cables);
        if (!cables)
            return -ENOMEM;
        measure->cables = cables;
        measure->room = room;
    }
    measure->cables[measure->count++] = (struct measured_cable){.cable = cable};
    return 0;
}

const struct measured_cable *measure_of(const struct measure *measure, const struct strata_cable *cable)
{
    for (unsigned i = 0; i < measure->count; i++)
        if (measure->cables[i].cable == cable)
            return &measure->cables[i];
    return NULL;
}

void measure_free(struct measure *measure)
{
    for (unsigned i = 0; i < measure->count; i++)
        for (int direction = 0; direction < 2; direction++)
            free(measure->cables[i].direction[direction].passages);
    free(measure->cables);
    *measure = (struct measure){0};
}
