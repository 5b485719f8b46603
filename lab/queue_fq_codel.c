/*
 * FQ-CoDel: T. Hoeiland-Joergensen and others, The Flow Queue CoDel Packet Scheduler and Active Queue Management
 * Algorithm, RFC 8290. Flows are spread over queues by a hash (4.1); each has CoDel; they are served by deficit round
 * robin, those that have just begun before the others (4.2), so that a flow that sends little waits for next
 * to nothing. When there is no room, the flow with most bytes loses its first frame (4.1).
 */
#include "lab/world.h"

#include <errno.h>
#include <stdlib.h>

static int begin(struct discipline *discipline)
{
    discipline->key = discipline_key(discipline);
    discipline->flows = calloc(discipline->config->flows, sizeof *discipline->flows);
    return discipline->flows ? 0 : -ENOMEM;
}

static void end(struct discipline *discipline)
{
    free(discipline->flows);
}

static void append(struct fq_list *list, struct fq_flow *flow)
{
    flow->next = NULL;
    if (list->first)
        list->last->next = flow;
    else
        list->first = flow;
    list->last = flow;
}

static int64_t quantum_of(const struct discipline *discipline)
{
    return discipline->config->quantum_bytes ? discipline->config->quantum_bytes : discipline_frame_bytes(discipline);
}

static struct flight *flow_take(struct fq_flow *flow)
{
    struct flight *flight = flights_take(&flow->list);
    if (flight) {
        flow->frames--;
        flow->bytes -= flight->length;
    }
    return flight;
}

/** The flow with most bytes; those without any are in no list, or just leaving. */
static struct fq_flow *fattest(struct discipline *discipline)
{
    struct fq_flow *most = NULL;
    const struct fq_list *const lists[] = {&discipline->new_flows, &discipline->old_flows};
    for (int i = 0; i < 2; i++)
        for (struct fq_flow *flow = lists[i]->first; flow; flow = flow->next)
            if (!most || flow->bytes > most->bytes)
                most = flow;
    return most;
}

static void put(struct discipline *discipline, struct flight *flight)
{
    struct flow told;
    flow_parse(&told, discipline->direction->cable->link, flight->bytes, flight->length);
    struct fq_flow *flow =
        &discipline->flows[flow_number(&told, &discipline->key, discipline->config->flows)];
    flights_append(&flow->list, flight);
    flow->frames++;
    flow->bytes += flight->length;
    if (flow->where == FQ_IDLE) {
        flow->where = FQ_NEW;
        flow->deficit = quantum_of(discipline);
        append(&discipline->new_flows, flow);
    }
    while (discipline_is_full(discipline, 0))
        discipline_lose(discipline, flow_take(fattest(discipline)), "queue full");
}

/** CoDel's part: the first frame of a flow that may go, or NULL. */
static struct flight *dismiss(struct discipline *discipline, struct fq_flow *flow, strata_time now)
{
    const struct strata_queue *config = discipline->config;
    struct flight *flight;
    while ((flight = flow_take(flow)) != NULL) {
        bool chosen = codel_chooses(&flow->codel, config, now - flight->queued_at, flow->bytes,
                                    discipline->direction->cable->mtu_bytes, now);
        if (!chosen || (config->ecn && discipline_mark(discipline, flight)))
            break;
        discipline_lose(discipline, flight, "CoDel");
    }
    if (flow->frames == 0)
        codel_rest(&flow->codel);
    return flight;
}

static struct flight *take(struct discipline *discipline, strata_time now, strata_time *when)
{
    (void)when;
    struct fq_list *fresh = &discipline->new_flows, *old = &discipline->old_flows;
    while (fresh->first || old->first) {
        struct fq_list *list = fresh->first ? fresh : old;
        struct fq_flow *flow = list->first;
        if (flow->deficit <= 0) {
            flow->deficit += quantum_of(discipline);
            list->first = flow->next;
            flow->where = FQ_OLD;
            append(old, flow);
            continue;
        }
        struct flight *flight = dismiss(discipline, flow, now);
        if (flight) {
            flow->deficit -= flight->length;
            return flight;
        }
        // Empty: a new one waits its turn among the old, or else two frames in a row would make it new again.
        list->first = flow->next;
        if (list == fresh && old->first) {
            flow->where = FQ_OLD;
            append(old, flow);
        } else {
            flow->where = FQ_IDLE;
        }
    }
    return NULL;
}

static void reset(struct discipline *discipline)
{
    for (unsigned i = 0; i < discipline->config->flows; i++)
        discipline->flows[i] = (struct fq_flow){0};
    discipline->new_flows = discipline->old_flows = (struct fq_list){0};
}

const struct discipline_ops queue_fq_codel_ops = {
    .name = "CoDel", .begin = begin, .put = put, .take = take, .reset = reset, .end = end};
