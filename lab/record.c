/*
 * Keeping a run. A datagram that crosses four cables is four frames here; they are tied together by what
 * routers do not change in it, so that a page can show both the whole way and each hop. Everything is kept in
 * the order in which it happened, in arrays with a bound: beyond it things are counted, not kept, and full
 * curves lose every other point. Nothing here touches the world.
 */
#include "lab/record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "lab/record_inside.h"

/* ---- Texts ------------------------------------------------------------------------------------------ */

/** The number of a text, which is kept once. Text 0 is empty; it stands for what found no room as well. */
uint32_t record_text(struct record *record, const char *text, size_t length)
{
    length = strnlen(text, length);
    while (length > 0 && text[length - 1] == '\n')
        length--;
    uint32_t *bucket = &record->text_buckets[hash_bytes(text, length) % RECORD_BUCKETS];
    for (uint32_t i = *bucket; i != RECORD_NONE; i = record->text_chains.items[i])
        if (strncmp(record->texts.items[i], text, length) == 0 && record->texts.items[i][length] == '\0')
            return i;
    if (record->text_bytes + length > record->limits.text_bytes) {
        record->events_left_out++;
        return 0;
    }
    char *copy = strndup(text, length);
    char **place = copy ? ROOM_ADD(record->texts) : NULL;
    uint32_t *chain = place ? ROOM_ADD(record->text_chains) : NULL;
    if (!chain) {
        free(copy);
        record->texts.count = record->text_chains.count;
        record->error = -ENOMEM;
        return 0;
    }
    *place = copy;
    *chain = *bucket;
    *bucket = record->texts.count - 1;
    record->text_bytes += (uint32_t)length + 1;
    return *bucket;
}

uint32_t record_string(struct record *record, const char *text)
{
    return text ? record_text(record, text, strlen(text)) : 0;
}

uint64_t record_endpoint_hash(const struct strata_endpoint *endpoint)
{
    return hash_mix(hash_bytes(endpoint->address.bytes, sizeof endpoint->address.bytes), endpoint->port);
}

/* ---- Curves ----------------------------------------------------------------------------------------- */

/** Of every four points, keeps the two with the least and the greatest first value. */
static void thin(struct record *record, struct record_curve *curve)
{
    unsigned kept = 0, count = curve->points.count;
    struct record_point *points = curve->points.items;
    for (unsigned i = 0; i + 4 <= count; i += 4) {
        unsigned low = i, high = i;
        for (unsigned j = i + 1; j < i + 4; j++) {
            if (points[j].value[0] < points[low].value[0])
                low = j;
            if (points[j].value[0] >= points[high].value[0])
                high = j;
        }
        struct record_point first = points[low < high ? low : high], second = points[low < high ? high : low];
        points[kept++] = first;
        if (low != high)
            points[kept++] = second;
    }
    for (unsigned i = count - count % 4; i < count; i++)
        points[kept++] = points[i];
    record->points -= count - kept;
    record->points_left_out += count - kept;
    curve->points.count = kept;
    curve->thinned = true;
}

static void add_point(struct record *record, struct record_curve *curve, const struct record_point *point)
{
    if (curve->points.count >= record->limits.points_each || record->points >= record->limits.points)
        thin(record, curve);
    if (record->points >= record->limits.points) {
        record->points_left_out++;
        return;
    }
    struct record_point *place = ROOM_ADD(curve->points);
    if (!place) {
        record->error = -ENOMEM;
        return;
    }
    *place = *point;
    record->points++;
}

static int compare_cables(const void *a, const void *b)
{
    uintptr_t one = (uintptr_t)((const struct record_cable *)a)->cable;
    uintptr_t other = (uintptr_t)((const struct record_cable *)b)->cable;
    return one < other ? -1 : one > other;
}

/** The index of a cable in its world. (Its place in memory is only what it is looked for by.) */
uint32_t record_cable_number(const struct record *record, const struct strata_cable *cable)
{
    struct record_cable wanted = {.cable = cable};
    const struct record_cable *found =
        bsearch(&wanted, record->cables, record->cable_count, sizeof wanted, compare_cables);
    return found ? found->index : RECORD_NONE;
}

/** A queue is looked at whenever something goes into or comes out of its cable. */
static void note_queue(struct record *record, const struct strata_lab_event *event)
{
    const struct strata_cable *cable = event->cable;
    uint32_t number = record_cable_number(record, cable);
    if (number == RECORD_NONE || cable->direction[event->direction].impairment.rate_bps == 0)
        return;
    struct record_curve *curve = &record->queues[number * 2 + (unsigned)event->direction];
    int64_t waiting = strata_cable_waiting(cable, event->direction);
    unsigned count = curve->points.count;
    if (count > 0 && curve->points.items[count - 1].value[0] == waiting)
        return;
    add_point(record, curve, &(struct record_point){.time = event->time, .value = {waiting}});
}

/* ---- Events and traces ------------------------------------------------------------------------------ */

static uint32_t node_number(const struct strata_node *node)
{
    return node ? node->index : RECORD_NONE;
}

static void note_event(struct record *record, uint8_t kind, const struct strata_lab_event *event,
                       uint32_t text)
{
    struct record_event *noted =
        record->events.count < record->limits.events ? ROOM_ADD(record->events) : NULL;
    if (!noted) {
        record->events_left_out++;
        return;
    }
    *noted = (struct record_event){
        .time = event->time,
        .kind = kind,
        .node = node_number(event->node),
        .cable = event->cable ? record_cable_number(record, event->cable) : RECORD_NONE,
        .text = text,
        .program = record_string(record, event->program),
        .value = event->value,
    };
}

static struct record_tcp *tcp_of(struct record *record, const struct strata_lab_event *event)
{
    const struct strata_trace_record *trace = event->trace;
    uint64_t hash =
        hash_mix(record_endpoint_hash(&trace->local) * 3 + record_endpoint_hash(&trace->remote), event->node->index);
    uint32_t *bucket = &record->tcp_buckets[hash % RECORD_BUCKETS];
    for (uint32_t i = *bucket; i != RECORD_NONE; i = record->tcps.items[i].chain) {
        struct record_tcp *tcp = &record->tcps.items[i];
        if (tcp->node == event->node->index && endpoint_equal(&tcp->local, &trace->local) &&
            endpoint_equal(&tcp->remote, &trace->remote))
            return tcp;
    }
    if (record->tcps.count >= record->limits.conversations * 2) {
        record->conversations_left_out++;
        return NULL;
    }
    struct record_tcp *made = ROOM_ADD(record->tcps);
    if (!made) {
        record->error = -ENOMEM;
        return NULL;
    }
    *made = (struct record_tcp){
        .node = event->node->index, .chain = *bucket, .local = trace->local, .remote = trace->remote};
    *bucket = record->tcps.count - 1;
    return made;
}

/** Adds what a host says of a connection, unless that is what it said before. */
static void note_tcp(struct record *record, const struct strata_lab_event *event, enum tcp_curve which,
                     int values)
{
    struct record_tcp *tcp = tcp_of(record, event);
    if (!tcp)
        return;
    struct record_curve *curve = &tcp->curve[which];
    struct record_point point = {.time = event->time};
    memcpy(point.value, event->trace->value, (size_t)values * sizeof point.value[0]);
    if (which == CURVE_CWND && point.value[1] >= UINT32_MAX)
        point.value[1] = -1; // as high as can be: there is none yet
    const struct record_point *last =
        curve->points.count ? &curve->points.items[curve->points.count - 1] : NULL;
    if (which == CURVE_CWND && last && memcmp(last->value, point.value, sizeof point.value) == 0)
        return;
    add_point(record, curve, &point);
}

static void note_trace(struct record *record, const struct strata_lab_event *event)
{
    const struct strata_trace_record *trace = event->trace;
    switch (trace->kind) {
    case STRATA_TRACE_TCP_CWND:
        note_tcp(record, event, CURVE_CWND, 4);
        break;
    case STRATA_TRACE_TCP_RTT:
        note_tcp(record, event, CURVE_RTT, 4);
        break;
    case STRATA_TRACE_TCP_STATE:
        note_tcp(record, event, CURVE_STATE, 2);
        break;
    case STRATA_TRACE_TCP_TIMER:
        note_tcp(record, event, CURVE_TIMER, 2);
        break;
    case STRATA_TRACE_DROP:
        note_event(record, RECORD_DROP, event,
                   record_string(record, strata_counter_name((unsigned)trace->value[0])));
        break;
    case STRATA_TRACE_NOTE:
        note_event(record, RECORD_NOTE, event, record_string(record, trace->text));
        break;
    default:
        break;
    }
}

static void listen(void *context, const struct strata_lab_event *event)
{
    struct record *record = context;
    if (record->error)
        return;
    bool cable = event->cable != NULL;
    record->activity += event->kind != STRATA_LAB_TRACE && event->kind != STRATA_LAB_QUEUE;
    switch (event->kind) {
    case STRATA_LAB_SENT:
        if (cable) {
            record_sent(record, event);
            note_queue(record, event);
        }
        break;
    case STRATA_LAB_DELIVERED:
        if (cable) {
            record_delivered(record, event);
            note_queue(record, event);
        }
        break;
    case STRATA_LAB_QUEUE:
        note_queue(record, event);
        break;
    case STRATA_LAB_LOST:
        record_lost(record, event);
        break;
    case STRATA_LAB_FAULT:
        record_fault(record, event);
        break;
    case STRATA_LAB_PRINT:
        note_event(record, RECORD_PRINT, event, record_text(record, event->text, event->length));
        break;
    case STRATA_LAB_PROGRAM:
        note_event(record, event->value == -1 ? RECORD_START : RECORD_END, event,
                   record_string(record, event->text));
        break;
    case STRATA_LAB_NOTE:
        note_event(record, RECORD_NOTE, event, record_string(record, event->text));
        break;
    case STRATA_LAB_TRACE:
        note_trace(record, event);
        break;
    }
}

/* ---- Beginning and end ------------------------------------------------------------------------------ */

static uint32_t or_else(uint32_t value, uint32_t otherwise)
{
    return value ? value : otherwise;
}

int record_new(struct record **made, struct strata_world *world, const struct record_limits *limits)
{
    struct record_limits none = {0};
    const struct record_limits *l = limits ? limits : &none;
    struct record *record = calloc(1, sizeof *record);
    if (!record)
        return -ENOMEM;
    record->world = world;
    record->limits = (struct record_limits){
        .frames = or_else(l->frames, 200000),
        .bytes = or_else(l->bytes, 24u << 20),
        .whole_bytes = or_else(l->whole_bytes, 4u << 20),
        .points = or_else(l->points, 1000000),
        .points_each = or_else(l->points_each, 32768),
        .events = or_else(l->events, 100000),
        .text_bytes = or_else(l->text_bytes, 8u << 20),
        .conversations = or_else(l->conversations, 10000),
    };
    memset(record->text_buckets, 0xff, sizeof record->text_buckets);
    memset(record->conversation_buckets, 0xff, sizeof record->conversation_buckets);
    memset(record->tcp_buckets, 0xff, sizeof record->tcp_buckets);
    memset(record->waiting_buckets, 0xff, sizeof record->waiting_buckets);
    record->cable_count = world->cable_count;
    record->queues = calloc(record->cable_count * 2 + 1, sizeof *record->queues);
    record->cables = calloc(record->cable_count + 1, sizeof *record->cables);
    int error = record->queues && record->cables ? 0 : -ENOMEM;
    for (unsigned i = 0; !error && i < world->cable_count; i++)
        record->cables[i] = (struct record_cable){world->cables[i], i};
    if (!error) {
        qsort(record->cables, record->cable_count, sizeof *record->cables, compare_cables);
        record_text(record, "", 0);
        error = record->error;
    }
    if (!error)
        error = strata_world_listen(world, listen, record);
    if (!error)
        strata_world_trace_queues(world);
    if (error) {
        record_free(record);
        return error;
    }
    *made = record;
    return 0;
}

void record_free(struct record *record)
{
    if (!record)
        return;
    for (unsigned i = 0; i < record->texts.count; i++)
        free(record->texts.items[i]);
    for (unsigned i = 0; i < record->tcps.count; i++)
        for (int j = 0; j < TCP_CURVES; j++)
            free(record->tcps.items[i].curve[j].points.items);
    for (unsigned i = 0; record->queues && i < record->cable_count * 2; i++)
        free(record->queues[i].points.items);
    free(record->queues);
    free(record->cables);
    free(record->texts.items);
    free(record->text_chains.items);
    free(record->tcps.items);
    free(record->frames.items);
    free(record->changed.items);
    free(record->copies.items);
    free(record->flips.items);
    free(record->conversations.items);
    free(record->events.items);
    free(record->bytes);
    free(record);
}

bool record_is_thinned(const struct record *record)
{
    return record->frames_left_out || record->frames_cut || record->events_left_out ||
           record->points_left_out || record->conversations_left_out;
}
