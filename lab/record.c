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
#include "wire/ethernet.h"

/** So many frames that may go on to another cable are looked at before the oldest is forgotten. */
enum { WAITING_LOOKED_AT = 32 };

/* ---- Texts ------------------------------------------------------------------------------------------ */

/** The number of a text, which is kept once. Text 0 is empty; it stands for what found no room as well. */
static uint32_t text_number(struct record *record, const char *text, size_t length)
{
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

static uint32_t text_of_string(struct record *record, const char *text)
{
    return text ? text_number(record, text, strlen(text)) : 0;
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
static uint32_t cable_number(const struct record *record, const struct strata_cable *cable)
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
    uint32_t number = cable_number(record, cable);
    if (number == RECORD_NONE || cable->direction[event->direction].impairment.rate_bps == 0)
        return;
    struct record_curve *curve = &record->queues[number * 2 + (unsigned)event->direction];
    int64_t waiting = strata_cable_waiting(cable, event->direction);
    unsigned count = curve->points.count;
    if (count > 0 && curve->points.items[count - 1].value[0] == waiting)
        return;
    add_point(record, curve, &(struct record_point){.time = event->time, .value = {waiting}});
}

/* ---- Who talks with whom ---------------------------------------------------------------------------- */

static uint64_t endpoint_hash(const struct strata_endpoint *endpoint)
{
    return hash_mix(hash_bytes(endpoint->address.bytes, sizeof endpoint->address.bytes), endpoint->port);
}

static uint32_t conversation_new(struct record *record, const struct description *what, uint8_t kind,
                                 uint32_t *bucket)
{
    if (record->conversations.count >= record->limits.conversations) {
        record->conversations_left_out++;
        return RECORD_NONE;
    }
    struct record_conversation *made = ROOM_ADD(record->conversations);
    if (!made) {
        record->error = -ENOMEM;
        return RECORD_NONE;
    }
    *made = (struct record_conversation){
        .kind = kind, .chain = *bucket, .changed = true, .plain = !what->has_addresses};
    made->side[0] = (struct record_side){.endpoint = what->source, .node = RECORD_NONE, .scale = -1};
    made->side[1] = (struct record_side){.endpoint = what->destination, .node = RECORD_NONE, .scale = -1};
    return *bucket = record->conversations.count - 1;
}

/** A SYN with another first number than the last one begins a conversation of its own. */
static bool begins_anew(const struct record_conversation *c, uint8_t side, const struct description *what)
{
    return c->kind == SUBJECT_TCP && (what->tcp.flags & (TCP_SYN | TCP_ACK)) == TCP_SYN && c->ended &&
           c->side[side].known && c->side[side].first != what->tcp.seq;
}

static uint32_t conversation_of(struct record *record, const struct description *what, uint8_t *side)
{
    uint8_t kind = (uint8_t)what->subject;
    uint64_t hash = hash_mix(endpoint_hash(&what->source) + endpoint_hash(&what->destination), kind);
    uint32_t *bucket = &record->conversation_buckets[hash % RECORD_BUCKETS];
    *side = 0;
    for (uint32_t i = *bucket; i != RECORD_NONE; i = record->conversations.items[i].chain) {
        const struct record_conversation *c = &record->conversations.items[i];
        for (uint8_t s = 0; s < 2 && c->kind == kind; s++)
            if (endpoint_equal(&c->side[s].endpoint, &what->source) &&
                endpoint_equal(&c->side[!s].endpoint, &what->destination)) {
                *side = s;
                if (!begins_anew(c, s, what))
                    return i;
                *side = 0;
                return conversation_new(record, what, kind, bucket);
            }
    }
    return conversation_new(record, what, kind, bucket);
}

/** Frames without addresses of IP talk between the stations of Ethernet; DHCP has one conversation for all.
 */
static void settle_ends(const struct strata_lab_event *event, struct description *what)
{
    struct ethernet_header header;
    if (what->subject == SUBJECT_DHCP) {
        bool to_server = what->destination.port == 67;
        what->source = (struct strata_endpoint){.port = to_server ? 68 : 67};
        what->destination = (struct strata_endpoint){.port = to_server ? 67 : 68};
    } else if (!what->has_addresses && event->cable->link == STRATA_LINK_ETHERNET &&
               ethernet_parse(&header, event->frame, event->length) > 0) {
        memcpy(what->source.address.bytes, header.source, 6);
        memcpy(what->destination.address.bytes, header.destination, 6);
    }
}

/** Notes what a segment says about its conversation. Only where it begins its way. */
static void note_segment(struct record_conversation *c, struct record_frame *frame,
                         const struct description *what)
{
    struct record_side *side = &c->side[frame->side];
    const struct tcp_header *tcp = &what->tcp;
    uint32_t length = (uint32_t)what->payload_bytes + !!(tcp->flags & TCP_SYN) + !!(tcp->flags & TCP_FIN);
    if (!side->known || ((tcp->flags & TCP_SYN) && side->first != tcp->seq)) {
        side->known = true;
        side->first = side->next = tcp->seq;
        side->scale = -1;
        c->changed = true;
    }
    if (tcp->flags & TCP_SYN) {
        side->mss = tcp->options.has_mss ? tcp->options.mss : 0;
        side->scale = tcp->options.has_scale ? (int8_t)tcp->options.scale : -1;
        c->changed = true;
    }
    if (length > 0 && seq_le(tcp->seq + length, side->next) && tcp->seq != side->next)
        frame->flags |= FRAME_AGAIN;
    if (seq_lt(side->next, tcp->seq + length))
        side->next = tcp->seq + length;
    if (tcp->flags & (TCP_FIN | TCP_RST))
        c->ended = true;
}

/* ---- Frames ----------------------------------------------------------------------------------------- */

/** A number for what routers and switches do not change in a frame: all but lifetime, marks and header
 * checksum. */
static uint64_t key_of(enum strata_link link, const uint8_t *frame, size_t length)
{
    uint8_t head[40];
    size_t start = link == STRATA_LINK_ETHERNET ? 14 : 0;
    if (link == STRATA_LINK_ETHERNET && length > 18 && frame[12] == 0x81 && frame[13] == 0)
        start = 18;
    if (length >= start + 20 && frame[start] >> 4 == 4) {
        memcpy(head, frame + start, 20);
        head[1] = head[8] = head[10] = head[11] = 0;
        return hash_mix(hash_bytes(head, 20), hash_bytes(frame + start + 20, length - start - 20));
    }
    if (length >= start + 40 && frame[start] >> 4 == 6) {
        memcpy(head, frame + start, 40);
        head[0] = head[1] = head[7] = 0;
        return hash_mix(hash_bytes(head, 40), hash_bytes(frame + start + 40, length - start - 40));
    }
    return hash_bytes(frame, length);
}

static uint32_t node_number(const struct strata_node *node)
{
    return node ? node->index : RECORD_NONE;
}

/** A frame has come to a node that may send it on. */
static void wait_to_go_on(struct record *record, uint32_t index)
{
    struct record_frame *frame = &record->frames.items[index];
    const struct strata_node *node = record->world->nodes[frame->to];
    if (node->kind == NODE_HOST && !node->forwards)
        return;
    frame->went_on = false; // a second copy may go on too
    if (frame->waits)
        return;
    frame->waits = true;
    uint32_t *bucket = &record->waiting_buckets[frame->key % RECORD_BUCKETS], looked = 0;
    frame->next_waiting = *bucket;
    *bucket = index;
    for (uint32_t i = index; i != RECORD_NONE; i = record->frames.items[i].next_waiting)
        if (++looked == WAITING_LOOKED_AT)
            record->frames.items[i].next_waiting = RECORD_NONE;
}

/** The frame that goes on as this one: the oldest of the same content at the same node. A router sends it on
 * once, a switch to several cables. @return RECORD_NONE: it begins here. */
static uint32_t journey_of(struct record *record, const struct record_frame *frame,
                           const struct strata_node *sender)
{
    if (sender->kind == NODE_HOST && !sender->forwards)
        return RECORD_NONE;
    uint32_t found = RECORD_NONE;
    for (uint32_t i = record->waiting_buckets[frame->key % RECORD_BUCKETS]; i != RECORD_NONE;
         i = record->frames.items[i].next_waiting) {
        const struct record_frame *other = &record->frames.items[i];
        bool may =
            other->key == frame->key && other->to == sender->index &&
            (sender->kind != NODE_HOST ? other->arrived == frame->sent || !other->went_on : !other->went_on);
        if (may)
            found = i;
    }
    if (found == RECORD_NONE)
        return RECORD_NONE;
    record->frames.items[found].went_on = true;
    return record->frames.items[found].journey;
}

/** Keeps the bytes of a frame: of one that was sent on only what changed, as long as that is its beginning.
 */
static void keep_bytes(struct record *record, struct record_frame *frame, const uint8_t *bytes)
{
    uint32_t wanted = frame->length, beginning = frame->payload ? frame->length - frame->payload + 16 : 96;
    bool cut = record->byte_count + wanted > record->limits.whole_bytes && wanted > beginning;
    if (cut)
        wanted = beginning;
    const struct record_frame *first = &record->frames.items[frame->journey];
    if (first != frame && first->length == frame->length) {
        uint32_t same = first->stored;
        while (same > 0 && record->bytes[first->at + same - 1] == bytes[same - 1])
            same--;
        if (same + 8 < first->stored) {
            wanted = same;
            cut = first->flags & FRAME_CUT;
        }
    }
    if (record->byte_count + wanted > record->limits.bytes) {
        wanted = 0;
        cut = true;
    }
    if (cut)
        frame->flags |= FRAME_CUT;
    record->frames_cut += cut;
    if (record->byte_count + wanted > record->byte_room) {
        uint32_t room = (record->byte_count + wanted) * 2;
        uint8_t *larger = realloc(record->bytes, room);
        if (!larger) {
            record->error = -ENOMEM;
            return;
        }
        record->bytes = larger;
        record->byte_room = room;
    }
    if (wanted > 0)
        memcpy(record->bytes + record->byte_count, bytes, wanted);
    frame->at = record->byte_count;
    frame->stored = wanted;
    record->byte_count += wanted;
}

/** What the frame is about: its conversation, what its TCP header says or what it says in words. */
static void understand(struct record *record, uint32_t index, const struct strata_lab_event *event)
{
    struct record_frame *frame = &record->frames.items[index];
    const struct strata_node *sender = event->node;
    struct description what;
    describe(event->cable->link, event->frame, event->length, &what);
    settle_ends(event, &what);
    frame->conversation = conversation_of(record, &what, &frame->side);
    frame->key = key_of(event->cable->link, event->frame, event->length);
    uint32_t journey = journey_of(record, frame, sender);
    frame->journey = journey == RECORD_NONE ? index : journey;
    if (what.subject != SUBJECT_TCP) {
        frame->text = text_of_string(record, what.text);
    } else {
        frame->seq = what.tcp.seq;
        frame->ack = what.tcp.ack;
        frame->window = what.tcp.window;
        frame->tcp = what.tcp.flags;
        frame->payload = (uint32_t)what.payload_bytes;
    }
    if (frame->conversation == RECORD_NONE)
        return;
    struct record_conversation *c = &record->conversations.items[frame->conversation];
    if (frame->journey != index) {
        frame->flags |= record->frames.items[frame->journey].flags & FRAME_AGAIN;
        return;
    }
    if (what.subject == SUBJECT_TCP)
        note_segment(c, frame, &what);
    if (c->side[frame->side].node == RECORD_NONE && sender->kind == NODE_HOST) {
        c->side[frame->side].node = sender->index;
        c->changed = true;
    }
}

static void note_sent(struct record *record, const struct strata_lab_event *event)
{
    if (record->frames.count == 0)
        record->first_number = event->frame_number;
    if (record->frames.count >= record->limits.frames) {
        record->frames_left_out++;
        return;
    }
    uint32_t cable = cable_number(record, event->cable);
    struct record_frame *frame = cable == RECORD_NONE ? NULL : ROOM_ADD(record->frames);
    if (!frame) {
        record->error = -ENOMEM;
        return;
    }
    *frame = (struct record_frame){
        .sent = event->time,
        .arrived = event->time,
        .number = event->frame_number,
        .cable = cable,
        .length = (uint32_t)event->length,
        .direction = (uint8_t)event->direction,
        .from = event->node->index,
        .to = event->cable->node[event->cable->node[0] == event->node]->index,
        .next_waiting = RECORD_NONE,
    };
    understand(record, record->frames.count - 1, event);
    keep_bytes(record, &record->frames.items[record->frames.count - 1], event->frame);
}

/** The index of a frame that was sent, or RECORD_NONE: it was not kept. */
static uint32_t frame_of(const struct record *record, uint64_t number)
{
    uint64_t index = number - record->first_number;
    if (index >= record->frames.count || record->frames.items[index].number != number)
        return RECORD_NONE;
    return (uint32_t)index;
}

static void note_change(struct record *record, uint32_t index)
{
    if (index >= record->cursor.frames)
        return;
    uint32_t *changed = ROOM_ADD(record->changed);
    if (!changed)
        record->error = -ENOMEM;
    else
        *changed = index;
}

/** One bit of a damaged frame is another: which, if that part of it was kept. */
static void note_damage(struct record *record, uint32_t index, const struct strata_lab_event *event)
{
    const struct record_frame *frame = &record->frames.items[index];
    for (uint32_t i = 0; i < frame->stored && i < event->length; i++)
        if (record->bytes[frame->at + i] != event->frame[i]) {
            struct record_flip *flip = ROOM_ADD(record->flips);
            if (flip)
                *flip = (struct record_flip){.frame = index, .offset = i, .value = event->frame[i]};
            return;
        }
}

/** Whether a frame is for a node that hears it: on a cable of two ends always, on a bus by its address. Hosts
 * of the lab have the addresses of host.c; what is no host takes all. */
static bool is_for(const struct strata_lab_event *event)
{
    const uint8_t *to = event->frame;
    uint32_t index = event->node->index;
    if (!event->cable->bus || event->cable->link != STRATA_LINK_ETHERNET || event->node->kind != NODE_HOST ||
        event->length < 6)
        return true;
    return ethernet_is_group(to) ||
           (to[2] == (uint8_t)(index >> 16) && to[3] == (uint8_t)(index >> 8) && to[4] == (uint8_t)index);
}

/** Notes who has a frame now. @return whether it is news: on a bus most only overhear it. */
static bool note_arrival(struct record *record, uint32_t index, const struct strata_lab_event *event)
{
    struct record_frame *frame = &record->frames.items[index];
    bool meant = is_for(event);
    if (frame->fate != FATE_DELIVERED || (frame->overheard && meant)) {
        frame->fate = FATE_DELIVERED;
        frame->arrived = event->time;
        frame->to = event->node->index;
        frame->overheard = !meant;
        note_change(record, index);
        return meant;
    }
    struct record_copy *copy = meant ? ROOM_ADD(record->copies) : NULL;
    if (copy)
        *copy = (struct record_copy){.frame = index, .to = event->node->index, .arrived = event->time};
    return meant && !event->cable->bus;
}

static void note_delivered(struct record *record, const struct strata_lab_event *event)
{
    uint32_t index = frame_of(record, event->frame_number);
    if (index == RECORD_NONE || !note_arrival(record, index, event))
        return;
    const struct record_frame *frame = &record->frames.items[index];
    const struct strata_node *receiver = event->node;
    if (frame->flags & FRAME_CORRUPT)
        note_damage(record, index, event);
    if (frame->conversation != RECORD_NONE && receiver->kind == NODE_HOST && !receiver->forwards) {
        struct record_conversation *c = &record->conversations.items[frame->conversation];
        if (c->side[!frame->side].node == RECORD_NONE && c->kind != SUBJECT_DHCP && c->kind != SUBJECT_ARP) {
            c->side[!frame->side].node = receiver->index;
            c->changed = true;
        }
    }
    wait_to_go_on(record, index);
}

static void note_lost(struct record *record, const struct strata_lab_event *event)
{
    uint32_t index = frame_of(record, event->frame_number);
    if (index == RECORD_NONE)
        return;
    struct record_frame *frame = &record->frames.items[index];
    if (frame->fate == FATE_DELIVERED)
        return; // a copy was: the other has arrived
    frame->fate = FATE_LOST;
    frame->arrived = event->time;
    frame->reason = text_of_string(record, event->text);
    note_change(record, index);
}

static void note_fault(struct record *record, const struct strata_lab_event *event)
{
    uint32_t index = frame_of(record, event->frame_number);
    if (index == RECORD_NONE || !event->text)
        return;
    record->frames.items[index].flags |= !strcmp(event->text, "corrupt")     ? FRAME_CORRUPT
                                         : !strcmp(event->text, "duplicate") ? FRAME_DUPLICATE
                                         : !strcmp(event->text, "reorder")   ? FRAME_REORDER
                                         : !strcmp(event->text, "mark")      ? FRAME_MARK
                                                                             : 0;
    note_change(record, index);
}

/* ---- Events and traces ------------------------------------------------------------------------------ */

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
        .cable = event->cable ? cable_number(record, event->cable) : RECORD_NONE,
        .text = text,
        .program = text_of_string(record, event->program),
        .value = event->value,
    };
}

static struct record_tcp *tcp_of(struct record *record, const struct strata_lab_event *event)
{
    const struct strata_trace_record *trace = event->trace;
    uint64_t hash =
        hash_mix(endpoint_hash(&trace->local) * 3 + endpoint_hash(&trace->remote), event->node->index);
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
                   text_of_string(record, strata_counter_name((unsigned)trace->value[0])));
        break;
    case STRATA_TRACE_NOTE:
        note_event(record, RECORD_NOTE, event, text_of_string(record, trace->text));
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
            note_sent(record, event);
            note_queue(record, event);
        }
        break;
    case STRATA_LAB_DELIVERED:
        if (cable) {
            note_delivered(record, event);
            note_queue(record, event);
        }
        break;
    case STRATA_LAB_QUEUE:
        note_queue(record, event);
        break;
    case STRATA_LAB_LOST:
        note_lost(record, event);
        break;
    case STRATA_LAB_FAULT:
        note_fault(record, event);
        break;
    case STRATA_LAB_PRINT:
        note_event(record, RECORD_PRINT, event, text_number(record, event->text, event->length));
        break;
    case STRATA_LAB_PROGRAM:
        note_event(record, event->value == -1 ? RECORD_START : RECORD_END, event,
                   text_of_string(record, event->text));
        break;
    case STRATA_LAB_NOTE:
        note_event(record, RECORD_NOTE, event, text_of_string(record, event->text));
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
        text_number(record, "", 0);
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
