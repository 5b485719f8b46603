/*
 * Frames of a record: what each is about, with whom it belongs, and what became of it. A router or switch
 * sends on what it got; the frames of such a journey are tied together by what is not changed on the way.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "lab/record_inside.h"
#include "wire/ethernet.h"

/** So many frames that may go on to another cable are looked at before the oldest is forgotten. */
enum { WAITING_LOOKED_AT = 32 };

/* ---- Who talks with whom ---------------------------------------------------------------------------- */

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
    uint64_t hash =
        hash_mix(record_endpoint_hash(&what->source) + record_endpoint_hash(&what->destination), kind);
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
        frame->text = record_string(record, what.text);
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

void record_sent(struct record *record, const struct strata_lab_event *event)
{
    if (record->frames.count == 0)
        record->first_number = event->frame_number;
    if (record->frames.count >= record->limits.frames) {
        record->frames_left_out++;
        return;
    }
    uint32_t cable = record_cable_number(record, event->cable);
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

void record_delivered(struct record *record, const struct strata_lab_event *event)
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

void record_lost(struct record *record, const struct strata_lab_event *event)
{
    uint32_t index = frame_of(record, event->frame_number);
    if (index == RECORD_NONE)
        return;
    struct record_frame *frame = &record->frames.items[index];
    if (frame->fate == FATE_DELIVERED)
        return; // a copy was: the other has arrived
    frame->fate = FATE_LOST;
    frame->arrived = event->time;
    frame->reason = record_string(record, event->text);
    note_change(record, index);
}

void record_fault(struct record *record, const struct strata_lab_event *event)
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
