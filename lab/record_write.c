/*
 * Telling a record as JSON. Numbers that come in long rows are columns: each a text in base64 of the
 * differences from one number to the next, zigzagged and written seven bits to a byte, the least first
 * (LEB128), so that a page of a hundred thousand frames has a few bytes for each number and reads them fast.
 * docs/trace.md is the format.
 *
 * Only what is new since the last time is written, so that a page that follows a run hears everything once.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "lab/record_inside.h"
#include "lab/record_out.h"

/** A column of an expression of `it`, which is one after the other of the elements from `from` on. */
#define COLUMN(out, name, array, from, expression)                                                           \
    do {                                                                                                     \
        out_column_begin(out, name);                                                                         \
        for (unsigned i_ = (from); i_ < (array).count; i_++) {                                               \
            const __typeof__((array).items[0]) *it = &(array).items[i_];                                     \
            out_value(out, expression);                                                                      \
        }                                                                                                    \
        out_column_end(out);                                                                                 \
    } while (0)

static int64_t or_minus_one(uint32_t number)
{
    return number == RECORD_NONE ? -1 : (int64_t)number;
}

/* ---- Frames ----------------------------------------------------------------------------------------- */

static void write_frames(struct out *out, const struct record *record, unsigned from)
{
    out_open(out, "frames", '{');
    out_number(out, "count", record->frames.count - from);
    COLUMN(out, "sent", record->frames, from, it->sent);
    COLUMN(out, "took", record->frames, from, it->arrived - it->sent);
    COLUMN(out, "cable", record->frames, from, it->cable);
    COLUMN(out, "direction", record->frames, from, it->direction);
    COLUMN(out, "from", record->frames, from, it->from);
    COLUMN(out, "to", record->frames, from, it->to);
    COLUMN(out, "length", record->frames, from, it->length);
    COLUMN(out, "fate", record->frames, from, it->fate);
    COLUMN(out, "flags", record->frames, from, it->flags);
    COLUMN(out, "conversation", record->frames, from, or_minus_one(it->conversation));
    COLUMN(out, "side", record->frames, from, it->side);
    COLUMN(out, "journey", record->frames, from, (int64_t)i_ - (int64_t)it->journey);
    COLUMN(out, "text", record->frames, from, it->text);
    COLUMN(out, "reason", record->frames, from, it->reason);
    COLUMN(out, "seq", record->frames, from, it->seq);
    COLUMN(out, "ack", record->frames, from, it->ack);
    COLUMN(out, "window", record->frames, from, it->window);
    COLUMN(out, "tcp", record->frames, from, it->tcp);
    COLUMN(out, "payload", record->frames, from, it->payload);
    COLUMN(out, "stored", record->frames, from, it->stored);
    out_close(out, '}');
    out_open(out, "copies", '{');
    out_number(out, "count", record->copies.count - record->cursor.copies);
    COLUMN(out, "frame", record->copies, record->cursor.copies, it->frame);
    COLUMN(out, "to", record->copies, record->cursor.copies, it->to);
    COLUMN(out, "arrived", record->copies, record->cursor.copies, it->arrived);
    out_close(out, '}');
    out_open(out, "flips", '{');
    out_number(out, "count", record->flips.count - record->cursor.flips);
    COLUMN(out, "frame", record->flips, record->cursor.flips, it->frame);
    COLUMN(out, "offset", record->flips, record->cursor.flips, it->offset);
    COLUMN(out, "value", record->flips, record->cursor.flips, it->value);
    out_close(out, '}');
}

/** Frames whose fate became known after they were written. */
static void write_changes(struct out *out, const struct record *record)
{
    out_open(out, "changes", '{');
    out_number(out, "count", record->changed.count);
    COLUMN(out, "frame", record->changed, 0, *it);
    COLUMN(out, "took", record->changed, 0,
           record->frames.items[*it].arrived - record->frames.items[*it].sent);
    COLUMN(out, "to", record->changed, 0, record->frames.items[*it].to);
    COLUMN(out, "fate", record->changed, 0, record->frames.items[*it].fate);
    COLUMN(out, "flags", record->changed, 0, record->frames.items[*it].flags);
    COLUMN(out, "reason", record->changed, 0, record->frames.items[*it].reason);
    out_close(out, '}');
}

static void write_bytes(struct out *out, const struct record *record, uint32_t from)
{
    out_next(out, "bytes");
    out_char(out, '"');
    for (uint32_t i = from; i < record->byte_count; i++)
        out_byte(out, record->bytes[i]);
    out_column_end(out);
}

/* ---- Who, what, when -------------------------------------------------------------------------------- */

static void write_endpoint(struct out *out, const struct record_conversation *c,
                           const struct record_side *side)
{
    char text[STRATA_ADDRESS_TEXT];
    const uint8_t *mac = side->endpoint.address.bytes;
    if (c->plain)
        snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
                 mac[5]);
    else
        strata_address_format(&side->endpoint.address, text, sizeof text);
    out_open(out, NULL, '{');
    out_text(out, "address", text);
    out_number(out, "port", side->endpoint.port);
    out_number(out, "node", or_minus_one(side->node));
    if (side->known) {
        out_number(out, "first", side->first);
        out_number(out, "mss", side->mss);
        out_number(out, "scale", side->scale);
    }
    out_close(out, '}');
}

static void write_conversations(struct out *out, struct record *record)
{
    static const char *const kinds[] = {
        [SUBJECT_OTHER] = "frames", [SUBJECT_ARP] = "ARP", [SUBJECT_DHCP] = "DHCP", [SUBJECT_DNS] = "DNS",
        [SUBJECT_ICMP] = "ICMP",    [SUBJECT_UDP] = "UDP", [SUBJECT_TCP] = "TCP",
    };
    out_open(out, "conversations", '[');
    for (unsigned i = 0; i < record->conversations.count; i++) {
        struct record_conversation *c = &record->conversations.items[i];
        if (!c->changed)
            continue;
        c->changed = false;
        out_open(out, NULL, '{');
        out_number(out, "index", i);
        out_text(out, "kind", c->kind == SUBJECT_OTHER && !c->plain ? "IP" : kinds[c->kind]);
        out_open(out, "ends", '[');
        write_endpoint(out, c, &c->side[0]);
        write_endpoint(out, c, &c->side[1]);
        out_close(out, ']');
        out_close(out, '}');
    }
    out_close(out, ']');
}

static void write_texts(struct out *out, const struct record *record, unsigned from)
{
    out_open(out, "texts", '[');
    for (unsigned i = from; i < record->texts.count; i++) {
        out_next(out, NULL);
        out_quoted(out, record->texts.items[i]);
    }
    out_close(out, ']');
}

static void write_events(struct out *out, const struct record *record, unsigned from)
{
    out_open(out, "events", '{');
    out_number(out, "count", record->events.count - from);
    COLUMN(out, "time", record->events, from, it->time);
    COLUMN(out, "kind", record->events, from, it->kind);
    COLUMN(out, "node", record->events, from, or_minus_one(it->node));
    COLUMN(out, "cable", record->events, from, or_minus_one(it->cable));
    COLUMN(out, "text", record->events, from, it->text);
    COLUMN(out, "program", record->events, from, it->program);
    COLUMN(out, "value", record->events, from, it->value);
    out_close(out, '}');
}

/** A curve under its names; nothing when it has no news. */
static void write_curve(struct out *out, struct record_curve *curve, const char *name,
                        const char *const *names)
{
    unsigned from = curve->thinned ? 0 : curve->written;
    if (from == curve->points.count && !curve->thinned)
        return;
    out_open(out, name, '{');
    out_number(out, "count", curve->points.count - from);
    out_bool(out, "anew", curve->thinned);
    COLUMN(out, "time", curve->points, from, it->time);
    for (int i = 0; names[i]; i++)
        COLUMN(out, names[i], curve->points, from, it->value[i]);
    out_close(out, '}');
    curve->written = curve->points.count;
    curve->thinned = false;
}

static void write_tcps(struct out *out, struct record *record)
{
    static const char *const names[TCP_CURVES] = {"cwnd", "rtt", "states", "timers"};
    static const char *const fields[TCP_CURVES][POINT_VALUES + 1] = {
        {"cwnd", "ssthresh", "flight", "recovery", NULL},
        {"sample", "srtt", "rttvar", "rto", NULL},
        {"from", "to", NULL},
        {"which", "times", NULL},
    };
    out_open(out, "tcp", '[');
    for (unsigned i = 0; i < record->tcps.count; i++) {
        struct record_tcp *tcp = &record->tcps.items[i];
        bool news = i >= record->cursor.tcps;
        for (int j = 0; j < TCP_CURVES; j++)
            news = news || tcp->curve[j].thinned || tcp->curve[j].points.count > tcp->curve[j].written;
        if (!news)
            continue;
        char local[STRATA_ADDRESS_TEXT], remote[STRATA_ADDRESS_TEXT];
        strata_address_format(&tcp->local.address, local, sizeof local);
        strata_address_format(&tcp->remote.address, remote, sizeof remote);
        out_open(out, NULL, '{');
        out_number(out, "index", i);
        out_number(out, "node", tcp->node);
        out_text(out, "local", local);
        out_number(out, "local_port", tcp->local.port);
        out_text(out, "remote", remote);
        out_number(out, "remote_port", tcp->remote.port);
        for (int j = 0; j < TCP_CURVES; j++)
            write_curve(out, &tcp->curve[j], names[j], fields[j]);
        out_close(out, '}');
    }
    out_close(out, ']');
}

static void write_queues(struct out *out, struct record *record)
{
    static const char *const fields[] = {"frames", NULL};
    out_open(out, "queues", '[');
    for (unsigned i = 0; i < record->cable_count * 2; i++) {
        struct record_curve *curve = &record->queues[i];
        if (curve->points.count == curve->written && !curve->thinned)
            continue;
        out_open(out, NULL, '{');
        out_number(out, "cable", i / 2);
        out_number(out, "direction", i % 2);
        write_curve(out, curve, "length", fields);
        out_close(out, '}');
    }
    out_close(out, ']');
}

/* ---- The world as it is ----------------------------------------------------------------------------- */

static void write_addresses(struct out *out, const struct strata_node *node)
{
    out_open(out, "addresses", '[');
    struct strata_address address;
    unsigned prefix_length;
    for (int port = 1; node->host && port <= node->port_count; port++)
        for (unsigned i = 0; strata_address_get(node->host, port, i, &address, &prefix_length) == 0; i++) {
            char text[STRATA_ADDRESS_TEXT], whole[STRATA_ADDRESS_TEXT + 8];
            strata_address_format(&address, text, sizeof text);
            snprintf(whole, sizeof whole, "%s/%u", text, prefix_length);
            out_open(out, NULL, '[');
            out_number(out, NULL, port);
            out_text(out, NULL, whole);
            out_close(out, ']');
        }
    out_close(out, ']');
}

static const char *kind_of(const struct strata_node *node)
{
    switch (node->kind) {
    case NODE_HOST:
        return node->forwards ? "router" : "host";
    case NODE_BRIDGE:
        return node->bridge_config.hub ? "hub" : "switch";
    default:
        return "device";
    }
}

static void write_nodes(struct out *out, const struct record *record)
{
    out_open(out, "nodes", '[');
    for (unsigned i = 0; i < record->world->node_count; i++) {
        const struct strata_node *node = record->world->nodes[i];
        out_open(out, NULL, '{');
        out_text(out, "name", node->name);
        out_text(out, "kind", kind_of(node));
        out_bool(out, "down", node->down);
        write_addresses(out, node);
        out_open(out, "counters", '[');
        for (unsigned j = 0; j < strata_counters(); j++) {
            uint64_t value = node->host     ? strata_counter(node->host, j)
                             : node->bridge ? strata_bridge_counter(node->bridge, j)
                                            : 0;
            if (value == 0)
                continue;
            out_open(out, NULL, '[');
            out_number(out, NULL, j);
            out_number(out, NULL, (int64_t)value);
            out_close(out, ']');
        }
        out_close(out, ']');
        out_close(out, '}');
    }
    out_close(out, ']');
}

static void write_direction(struct out *out, const struct strata_cable *cable, int direction)
{
    const struct strata_impairment *is = &cable->direction[direction].impairment;
    const struct strata_cable_counts *c = &cable->direction[direction].counts;
    const struct {
        const char *name;
        int64_t value;
    } fields[] = {
        {"rate", (int64_t)is->rate_bps},
        {"delay", is->delay_ns},
        {"jitter", is->jitter_ns},
        {"loss_ppm", is->loss_ppm},
        {"burst_ppm", is->burst_enter_ppm},
        {"duplicate_ppm", is->duplicate_ppm},
        {"reorder_ppm", is->reorder_ppm},
        {"corrupt_ppm", is->corrupt_ppm},
        {"limit", is->queue_frames},
        {"sent", (int64_t)c->sent},
        {"delivered", (int64_t)c->delivered},
        {"bytes_sent", (int64_t)c->bytes_sent},
        {"bytes_delivered", (int64_t)c->bytes_delivered},
        {"lost", (int64_t)(c->lost + c->lost_burst)},
        {"lost_queue", (int64_t)c->lost_queue},
        {"lost_down", (int64_t)c->lost_down},
        {"duplicated", (int64_t)c->duplicated},
        {"reordered", (int64_t)c->reordered},
        {"corrupted", (int64_t)c->corrupted},
        {"marked", (int64_t)c->marked},
        {"queue_most", (int64_t)c->queue_most},
    };
    out_open(out, NULL, '{');
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (fields[i].value != 0)
            out_number(out, fields[i].name, fields[i].value);
    out_close(out, '}');
}

/** The stations of a bus, and what it counted. */
static void write_bus(struct out *out, const struct strata_cable *cable)
{
    struct strata_bus_counts c = {.size = sizeof c};
    if (strata_bus_counts(cable, &c) != 0)
        return;
    out_open(out, "stations", '[');
    for (unsigned end = 0; end < strata_cable_ends(cable); end++) {
        int port;
        const struct strata_node *node = strata_cable_end(cable, (int)end, &port);
        out_open(out, NULL, '[');
        out_number(out, NULL, node ? (int64_t)node->index : -1);
        out_number(out, NULL, port);
        out_close(out, ']');
    }
    out_close(out, ']');
    const struct {
        const char *name;
        uint64_t value;
    } fields[] = {
        {"frames", c.frames},
        {"sent", c.sent},
        {"attempts", c.attempts},
        {"collided", c.collided},
        {"collisions", c.collisions},
        {"excessive", c.excessive},
        {"late", c.late},
        {"unnoticed", c.unnoticed},
        {"lost_queue", c.lost_queue},
        {"lost_down", c.lost_down},
        {"deferred", c.deferred},
        {"tokens", c.tokens},
        {"efficiency_ppm", strata_bus_efficiency_ppm(&c)},
    };
    out_open(out, "bus", '{');
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        out_number(out, fields[i].name, (int64_t)fields[i].value);
    out_close(out, '}');
}

static void write_cables(struct out *out, const struct record *record)
{
    out_open(out, "cables", '[');
    for (unsigned i = 0; i < record->world->cable_count; i++) {
        const struct strata_cable *cable = record->world->cables[i];
        out_open(out, NULL, '{');
        out_text(out, "name", cable->name);
        for (int end = 0; end < 2; end++) {
            out_number(out, end ? "b" : "a", cable->node[end]->index);
            out_number(out, end ? "port_b" : "port_a", cable->port[end]);
        }
        out_text(out, "link", cable->link == STRATA_LINK_IP ? "ip" : "ethernet");
        out_number(out, "mtu", cable->mtu_bytes);
        out_bool(out, "up", cable->up);
        write_bus(out, cable);
        out_open(out, "directions", '[');
        write_direction(out, cable, 0);
        write_direction(out, cable, 1);
        out_close(out, ']');
        out_close(out, '}');
    }
    out_close(out, ']');
}

static void write_counters(struct out *out)
{
    out_open(out, "counters", '[');
    for (unsigned i = 0; i < strata_counters(); i++) {
        out_open(out, NULL, '[');
        out_text(out, NULL, strata_counter_name(i));
        out_text(out, NULL, strata_counter_help(i));
        out_close(out, ']');
    }
    out_close(out, ']');
}

static void write_story(struct out *out, const struct record *record, const struct record_story *story)
{
    char hash[20];
    snprintf(hash, sizeof hash, "%016" PRIx64, strata_world_hash(record->world));
    out_text(out, "file", story->file);
    out_text(out, "title", story->title);
    out_text(out, "description", story->description);
    out_text(out, "command", story->command);
    out_number(out, "epoch_ns", STRATA_LAB_EPOCH_NS);
    // As text: a seed may be larger than a number of JavaScript can be.
    char seed[24];
    snprintf(seed, sizeof seed, "%" PRIu64, strata_world_seed(record->world));
    out_text(out, "seed", seed);
    out_number(out, "now", strata_world_now(record->world));
    out_number(out, "frames_sent", (int64_t)strata_world_frames(record->world));
    out_text(out, "hash", hash);
    out_bool(out, "live", story->live);
    out_bool(out, "judged", story->judged);
    out_bool(out, "ok", story->ok);
    out_open(out, "checks", '[');
    for (unsigned i = 0; i < story->check_count; i++) {
        out_open(out, NULL, '{');
        out_text(out, "name", story->checks[i].name);
        out_bool(out, "ok", story->checks[i].ok);
        out_text(out, "detail", story->checks[i].detail);
        out_close(out, '}');
    }
    out_close(out, ']');
    out_open(out, "left_out", '{');
    out_number(out, "frames", (int64_t)record->frames_left_out);
    out_number(out, "frames_cut", (int64_t)record->frames_cut);
    out_number(out, "events", (int64_t)record->events_left_out);
    out_number(out, "points", (int64_t)record->points_left_out);
    out_number(out, "conversations", (int64_t)record->conversations_left_out);
    out_close(out, '}');
}

static void write_everything(struct out *out, struct record *record, const struct record_story *story,
                             bool whole)
{
    out_open(out, NULL, '{');
    out_text(out, "format", "strata-record");
    out_number(out, "version", 1);
    out_bool(out, "whole", whole);
    write_story(out, record, story);
    if (whole)
        write_counters(out);
    write_nodes(out, record);
    write_cables(out, record);
    write_texts(out, record, record->cursor.texts);
    write_conversations(out, record);
    write_frames(out, record, record->cursor.frames);
    write_changes(out, record);
    write_bytes(out, record, record->cursor.bytes);
    write_events(out, record, record->cursor.events);
    write_tcps(out, record);
    write_queues(out, record);
    out_close(out, '}');
}

/** From the beginning: nothing was written yet. */
static void rewind_all(struct record *record)
{
    record->cursor = (struct record_cursor){0};
    for (unsigned i = 0; i < record->conversations.count; i++)
        record->conversations.items[i].changed = true;
    for (unsigned i = 0; i < record->tcps.count; i++)
        for (int j = 0; j < TCP_CURVES; j++)
            record->tcps.items[i].curve[j].written = 0;
    for (unsigned i = 0; i < record->cable_count * 2; i++)
        record->queues[i].written = 0;
    record->changed.count = 0;
    record->written = false;
}

int record_write(struct record *record, const struct record_story *story, bool again, record_sink sink,
                 void *context)
{
    struct out *out = calloc(1, sizeof *out);
    if (!out || record->error) {
        free(out);
        return record->error ? record->error : -ENOMEM;
    }
    out->sink = sink;
    out->context = context;
    if (again)
        rewind_all(record);
    write_everything(out, record, story, !record->written);
    out_flush(out);
    record->cursor = (struct record_cursor){
        .frames = record->frames.count,
        .copies = record->copies.count,
        .flips = record->flips.count,
        .events = record->events.count,
        .texts = record->texts.count,
        .conversations = record->conversations.count,
        .tcps = record->tcps.count,
        .bytes = record->byte_count,
    };
    record->changed.count = 0;
    record->written = true;
    int error = out->error;
    free(out);
    return error;
}
