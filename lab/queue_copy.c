/*
 * Queues as users describe them: copies of their own, and whether a description makes sense.
 */
#include "lab/queues.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int copy_class(struct strata_queue_class *to, const struct strata_queue_class *from, unsigned number)
{
    char text[16];
    snprintf(text, sizeof text, "%u", number);
    *to = (struct strata_queue_class){.weight = from->weight ? from->weight : 1, .match_count = from->match_count};
    to->name = strdup(from->name ? from->name : text);
    struct strata_match *matches = calloc(from->match_count ? from->match_count : 1, sizeof *matches);
    to->matches = matches;
    if (!to->name || !matches)
        return -ENOMEM;
    for (unsigned i = 0; i < from->match_count; i++)
        matches[i] = from->matches[i];
    return queue_copy(&to->queue, &from->queue);
}

int queue_copy(struct strata_queue *to, const struct strata_queue *from)
{
    struct strata_queue copy = *from;
    copy.classes = NULL;
    copy.class_count = 0;
    copy.inner = NULL;
    if (copy.flows == 0)
        copy.flows = QUEUE_FLOWS_DEFAULT;
    int error = 0;
    if (from->class_count > 0) {
        struct strata_queue_class *classes = calloc(from->class_count, sizeof *classes);
        error = classes ? 0 : -ENOMEM;
        copy.classes = classes;
        for (unsigned i = 0; !error && i < from->class_count; i++) {
            copy.class_count++;
            error = copy_class(&classes[i], &from->classes[i], i + 1);
        }
    }
    if (!error && from->inner) {
        struct strata_queue *inner = calloc(1, sizeof *inner);
        error = inner ? queue_copy(inner, from->inner) : -ENOMEM;
        copy.inner = inner;
    }
    if (error)
        queue_release(&copy);
    else
        *to = copy;
    return error;
}

void queue_release(struct strata_queue *queue)
{
    struct strata_queue_class *classes = (struct strata_queue_class *)queue->classes;
    struct strata_queue *inner = (struct strata_queue *)queue->inner;
    for (unsigned i = 0; i < queue->class_count; i++) {
        free((char *)classes[i].name);
        free((struct strata_match *)classes[i].matches);
        queue_release(&classes[i].queue);
    }
    free(classes);
    if (inner)
        queue_release(inner);
    free(inner);
    *queue = (struct strata_queue){0};
}

static bool match_equal(const struct strata_match *a, const struct strata_match *b)
{
    return a->fields == b->fields && a->dscp == b->dscp && a->protocol == b->protocol && a->port == b->port &&
           a->source_prefix == b->source_prefix && a->destination_prefix == b->destination_prefix &&
           memcmp(&a->source, &b->source, sizeof a->source) == 0 &&
           memcmp(&a->destination, &b->destination, sizeof a->destination) == 0;
}

static bool class_equal(const struct strata_queue_class *a, const struct strata_queue_class *b)
{
    if ((a->name == NULL) != (b->name == NULL) || (a->name && strcmp(a->name, b->name) != 0) ||
        a->weight != b->weight || a->match_count != b->match_count)
        return false;
    for (unsigned i = 0; i < a->match_count; i++)
        if (!match_equal(&a->matches[i], &b->matches[i]))
            return false;
    return queue_equal(&a->queue, &b->queue);
}

/** What they hold apart from what pointers point to. */
static bool values_equal(const struct strata_queue *a, const struct strata_queue *b)
{
    return a->kind == b->kind && a->ecn == b->ecn && a->drop == b->drop && a->limit_frames == b->limit_frames &&
           a->limit_bytes == b->limit_bytes && a->mark_frames == b->mark_frames && a->min_frames == b->min_frames &&
           a->max_frames == b->max_frames && a->probability_ppm == b->probability_ppm &&
           a->weight_ppm == b->weight_ppm && a->target_ns == b->target_ns && a->interval_ns == b->interval_ns &&
           a->flows == b->flows && a->quantum_bytes == b->quantum_bytes && a->rate_bps == b->rate_bps &&
           a->burst_bytes == b->burst_bytes && a->peak_bps == b->peak_bps &&
           a->peak_burst_bytes == b->peak_burst_bytes && a->police == b->police;
}

bool queue_equal(const struct strata_queue *a, const struct strata_queue *b)
{
    if (!values_equal(a, b) || a->class_count != b->class_count || (a->inner == NULL) != (b->inner == NULL))
        return false;
    for (unsigned i = 0; i < a->class_count; i++)
        if (!class_equal(&a->classes[i], &b->classes[i]))
            return false;
    return !a->inner || queue_equal(a->inner, b->inner);
}

bool queue_is_plain(const struct strata_queue *queue)
{
    return (queue->kind == STRATA_QUEUE_FIFO || queue->kind == STRATA_QUEUE_RED) && queue->limit_bytes == 0 &&
           queue->limit_frames == 0 && queue->drop == STRATA_DROP_TAIL;
}

/* ---- Whether it makes sense -------------------------------------------------------------------------------- */

static bool takes_classes(enum strata_queue_kind kind)
{
    return kind == STRATA_QUEUE_PRIO || kind == STRATA_QUEUE_RR || kind == STRATA_QUEUE_DRR || kind == STRATA_QUEUE_WFQ;
}

static bool is_possible(const struct strata_queue *queue, unsigned depth);

static bool class_is_possible(const struct strata_queue_class *class, unsigned depth)
{
    for (unsigned i = 0; i < class->match_count; i++)
        if (class->matches[i].fields >= 32 || class->matches[i].source_prefix > 128 ||
            class->matches[i].destination_prefix > 128)
            return false;
    return class->weight <= 10000 && class->match_count <= 1000 && is_possible(&class->queue, depth + 1);
}

static bool is_possible(const struct strata_queue *queue, unsigned depth)
{
    const strata_time longest = 3600 * STRATA_SECOND;
    if ((unsigned)queue->kind > STRATA_QUEUE_TBF || (unsigned)queue->drop > STRATA_DROP_RANDOM ||
        depth > QUEUE_DEPTH_MAX || !red_is_possible(queue) || queue->target_ns < 0 || queue->target_ns > longest ||
        queue->interval_ns < 0 || queue->interval_ns > longest || queue->flows > 65536 ||
        queue->class_count > QUEUE_CLASSES_MAX || (queue->class_count > 0 && !takes_classes(queue->kind)) ||
        (queue->inner && queue->kind != STRATA_QUEUE_TBF))
        return false;
    // A bucket that takes longer than a year to fill is a mistake, and would overflow in the end.
    if (queue->kind == STRATA_QUEUE_TBF &&
        (queue->rate_bps < 8 || queue->burst_bytes < 64 || queue->burst_bytes > 1000000000 ||
         queue->peak_burst_bytes > 1000000000 || (queue->peak_bps && queue->peak_bps < queue->rate_bps)))
        return false;
    for (unsigned i = 0; i < queue->class_count; i++)
        if (!class_is_possible(&queue->classes[i], depth))
            return false;
    return !queue->inner || is_possible(queue->inner, depth + 1);
}

bool queue_is_possible(const struct strata_queue *queue)
{
    return is_possible(queue, 1);
}
