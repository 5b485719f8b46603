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

/* ---- Text out --------------------------------------------------------------------------------------- */

struct out {
    record_sink sink;
    void *context;
    int error;
    size_t used;
    bool comma; /**< Something stands before what comes next, in the same object or array. */
    /* base64 */
    uint32_t group;
    int group_bytes;
    int64_t last;
    char room[16384];
};

static void flush(struct out *out)
{
    if (!out->error && out->used > 0)
        out->error = out->sink(out->context, out->room, out->used);
    out->used = 0;
}

static void put(struct out *out, char c)
{
    if (out->used == sizeof out->room)
        flush(out);
    out->room[out->used++] = c;
}

static void puts_plain(struct out *out, const char *text)
{
    for (; *text; text++)
        put(out, *text);
}

/** How many bytes of UTF-8 begin here; 0: none that is valid. */
static size_t utf8_length(const uint8_t *c)
{
    size_t length = c[0] < 0x80                   ? 1
                    : c[0] >= 0xc2 && c[0] < 0xe0 ? 2
                    : c[0] >= 0xe0 && c[0] < 0xf0 ? 3
                    : c[0] >= 0xf0 && c[0] < 0xf5 ? 4
                                                  : 0;
    for (size_t i = 1; i < length; i++)
        if ((c[i] & 0xc0) != 0x80)
            return 0;
    bool overlong = (c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xf0 && c[1] < 0x90);
    bool surrogate = c[0] == 0xed && c[1] >= 0xa0, beyond = c[0] == 0xf4 && c[1] >= 0x90;
    return overlong || surrogate || beyond ? 0 : length;
}

/** A text in quotation marks. What could end a script in HTML, or is no UTF-8, does not come out as it is. */
static void put_text(struct out *out, const char *text)
{
    put(out, '"');
    for (const uint8_t *c = (const uint8_t *)(text ? text : ""); *c;) {
        size_t length = utf8_length(c);
        char escape[8];
        if (length == 0) {
            puts_plain(out, "\\ufffd");
            c++;
        } else if (length == 1 && (*c < 32 || *c == 127 || strchr("\"\\<>&'", *c))) {
            snprintf(escape, sizeof escape, "\\u%04x", *c);
            puts_plain(out, escape);
            c++;
        } else if (length == 3 && c[0] == 0xe2 && c[1] == 0x80 && (c[2] & 0xfe) == 0xa8) {
            puts_plain(out, c[2] & 1 ? "\\u2029" : "\\u2028");
            c += 3;
        } else {
            while (length-- > 0)
                put(out, (char)*c++);
        }
    }
    put(out, '"');
}

/** What stands before a value: a comma, and its name in an object. */
static void next(struct out *out, const char *name)
{
    if (out->comma)
        put(out, ',');
    out->comma = true;
    if (name) {
        put_text(out, name);
        put(out, ':');
    }
}

static void open_with(struct out *out, const char *name, char bracket)
{
    next(out, name);
    put(out, bracket);
    out->comma = false;
}

static void close_with(struct out *out, char bracket)
{
    put(out, bracket);
    out->comma = true;
}

static void text_field(struct out *out, const char *name, const char *text)
{
    next(out, name);
    put_text(out, text);
}

static void number_field(struct out *out, const char *name, int64_t value)
{
    char text[24];
    next(out, name);
    snprintf(text, sizeof text, "%" PRId64, value);
    puts_plain(out, text);
}

static void bool_field(struct out *out, const char *name, bool value)
{
    next(out, name);
    puts_plain(out, value ? "true" : "false");
}

/* ---- Columns ---------------------------------------------------------------------------------------- */

static void put_group(struct out *out, int bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t group = out->group << (8 * (3 - bytes));
    for (int i = 0; i < 4; i++)
        put(out, i <= bytes ? digits[group >> (18 - 6 * i) & 63] : '=');
    out->group = 0;
    out->group_bytes = 0;
}

static void put_byte(struct out *out, uint8_t byte)
{
    out->group = out->group << 8 | byte;
    if (++out->group_bytes == 3)
        put_group(out, 3);
}

static void open_column(struct out *out, const char *name)
{
    next(out, name);
    put(out, '"');
    out->last = 0;
}

static void put_value(struct out *out, int64_t value)
{
    int64_t change = (int64_t)((uint64_t)value - (uint64_t)out->last);
    uint64_t zigzag = (uint64_t)change << 1 ^ (uint64_t)(change < 0 ? -1 : 0);
    out->last = value;
    for (; zigzag >= 128; zigzag >>= 7)
        put_byte(out, (uint8_t)(zigzag | 128));
    put_byte(out, (uint8_t)zigzag);
}

static void close_column(struct out *out)
{
    if (out->group_bytes > 0)
        put_group(out, out->group_bytes);
    put(out, '"');
}

/** A column of one field of the elements from `from` on. `type` is what the field holds. */
#define COLUMN(out, name, array, from, expression)                                                           \
    do {                                                                                                     \
        open_column(out, name);                                                                              \
        for (unsigned i_ = (from); i_ < (array).count; i_++) {                                               \
            const __typeof__((array).items[0]) *it = &(array).items[i_];                                     \
            put_value(out, expression);                                                                      \
        }                                                                                                    \
        close_column(out);                                                                                   \
    } while (0)

static int64_t or_minus_one(uint32_t number)
{
    return number == RECORD_NONE ? -1 : (int64_t)number;
}

/* ---- Frames ----------------------------------------------------------------------------------------- */

static void write_frames(struct out *out, const struct record *record, unsigned from)
{
    open_with(out, "frames", '{');
    number_field(out, "count", record->frames.count - from);
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
    close_with(out, '}');
    open_with(out, "copies", '{');
    number_field(out, "count", record->copies.count - record->cursor.copies);
    COLUMN(out, "frame", record->copies, record->cursor.copies, it->frame);
    COLUMN(out, "to", record->copies, record->cursor.copies, it->to);
    COLUMN(out, "arrived", record->copies, record->cursor.copies, it->arrived);
    close_with(out, '}');
    open_with(out, "flips", '{');
    number_field(out, "count", record->flips.count - record->cursor.flips);
    COLUMN(out, "frame", record->flips, record->cursor.flips, it->frame);
    COLUMN(out, "offset", record->flips, record->cursor.flips, it->offset);
    COLUMN(out, "value", record->flips, record->cursor.flips, it->value);
    close_with(out, '}');
}

/** Frames whose fate became known after they were written. */
static void write_changes(struct out *out, const struct record *record)
{
    open_with(out, "changes", '{');
    number_field(out, "count", record->changed.count);
    COLUMN(out, "frame", record->changed, 0, *it);
    COLUMN(out, "took", record->changed, 0,
           record->frames.items[*it].arrived - record->frames.items[*it].sent);
    COLUMN(out, "to", record->changed, 0, record->frames.items[*it].to);
    COLUMN(out, "fate", record->changed, 0, record->frames.items[*it].fate);
    COLUMN(out, "flags", record->changed, 0, record->frames.items[*it].flags);
    COLUMN(out, "reason", record->changed, 0, record->frames.items[*it].reason);
    close_with(out, '}');
}

static void write_bytes(struct out *out, const struct record *record, uint32_t from)
{
    next(out, "bytes");
    put(out, '"');
    for (uint32_t i = from; i < record->byte_count; i++)
        put_byte(out, record->bytes[i]);
    close_column(out);
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
    open_with(out, NULL, '{');
    text_field(out, "address", text);
    number_field(out, "port", side->endpoint.port);
    number_field(out, "node", or_minus_one(side->node));
    if (side->known) {
        number_field(out, "first", side->first);
        number_field(out, "mss", side->mss);
        number_field(out, "scale", side->scale);
    }
    close_with(out, '}');
}

static void write_conversations(struct out *out, struct record *record)
{
    static const char *const kinds[] = {
        [SUBJECT_OTHER] = "frames", [SUBJECT_ARP] = "ARP", [SUBJECT_DHCP] = "DHCP", [SUBJECT_DNS] = "DNS",
        [SUBJECT_ICMP] = "ICMP",    [SUBJECT_UDP] = "UDP", [SUBJECT_TCP] = "TCP",
    };
    open_with(out, "conversations", '[');
    for (unsigned i = 0; i < record->conversations.count; i++) {
        struct record_conversation *c = &record->conversations.items[i];
        if (!c->changed)
            continue;
        c->changed = false;
        open_with(out, NULL, '{');
        number_field(out, "index", i);
        text_field(out, "kind", c->kind == SUBJECT_OTHER && !c->plain ? "IP" : kinds[c->kind]);
        open_with(out, "ends", '[');
        write_endpoint(out, c, &c->side[0]);
        write_endpoint(out, c, &c->side[1]);
        close_with(out, ']');
        close_with(out, '}');
    }
    close_with(out, ']');
}

static void write_texts(struct out *out, const struct record *record, unsigned from)
{
    open_with(out, "texts", '[');
    for (unsigned i = from; i < record->texts.count; i++) {
        next(out, NULL);
        put_text(out, record->texts.items[i]);
    }
    close_with(out, ']');
}

static void write_events(struct out *out, const struct record *record, unsigned from)
{
    open_with(out, "events", '{');
    number_field(out, "count", record->events.count - from);
    COLUMN(out, "time", record->events, from, it->time);
    COLUMN(out, "kind", record->events, from, it->kind);
    COLUMN(out, "node", record->events, from, or_minus_one(it->node));
    COLUMN(out, "cable", record->events, from, or_minus_one(it->cable));
    COLUMN(out, "text", record->events, from, it->text);
    COLUMN(out, "program", record->events, from, it->program);
    COLUMN(out, "value", record->events, from, it->value);
    close_with(out, '}');
}

/** A curve under its names; nothing when it has no news. */
static void write_curve(struct out *out, struct record_curve *curve, const char *name,
                        const char *const *names)
{
    unsigned from = curve->thinned ? 0 : curve->written;
    if (from == curve->points.count && !curve->thinned)
        return;
    open_with(out, name, '{');
    number_field(out, "count", curve->points.count - from);
    bool_field(out, "anew", curve->thinned);
    COLUMN(out, "time", curve->points, from, it->time);
    for (int i = 0; names[i]; i++)
        COLUMN(out, names[i], curve->points, from, it->value[i]);
    close_with(out, '}');
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
    open_with(out, "tcp", '[');
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
        open_with(out, NULL, '{');
        number_field(out, "index", i);
        number_field(out, "node", tcp->node);
        text_field(out, "local", local);
        number_field(out, "local_port", tcp->local.port);
        text_field(out, "remote", remote);
        number_field(out, "remote_port", tcp->remote.port);
        for (int j = 0; j < TCP_CURVES; j++)
            write_curve(out, &tcp->curve[j], names[j], fields[j]);
        close_with(out, '}');
    }
    close_with(out, ']');
}

static void write_queues(struct out *out, struct record *record)
{
    static const char *const fields[] = {"frames", NULL};
    open_with(out, "queues", '[');
    for (unsigned i = 0; i < record->cable_count * 2; i++) {
        struct record_curve *curve = &record->queues[i];
        if (curve->points.count == curve->written && !curve->thinned)
            continue;
        open_with(out, NULL, '{');
        number_field(out, "cable", i / 2);
        number_field(out, "direction", i % 2);
        write_curve(out, curve, "length", fields);
        close_with(out, '}');
    }
    close_with(out, ']');
}

/* ---- The world as it is ----------------------------------------------------------------------------- */

static void write_addresses(struct out *out, const struct strata_node *node)
{
    open_with(out, "addresses", '[');
    struct strata_address address;
    unsigned prefix_length;
    for (int port = 1; node->host && port <= node->port_count; port++)
        for (unsigned i = 0; strata_address_get(node->host, port, i, &address, &prefix_length) == 0; i++) {
            char text[STRATA_ADDRESS_TEXT], whole[STRATA_ADDRESS_TEXT + 8];
            strata_address_format(&address, text, sizeof text);
            snprintf(whole, sizeof whole, "%s/%u", text, prefix_length);
            open_with(out, NULL, '[');
            number_field(out, NULL, port);
            text_field(out, NULL, whole);
            close_with(out, ']');
        }
    close_with(out, ']');
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
    open_with(out, "nodes", '[');
    for (unsigned i = 0; i < record->world->node_count; i++) {
        const struct strata_node *node = record->world->nodes[i];
        open_with(out, NULL, '{');
        text_field(out, "name", node->name);
        text_field(out, "kind", kind_of(node));
        bool_field(out, "down", node->down);
        write_addresses(out, node);
        open_with(out, "counters", '[');
        for (unsigned j = 0; j < strata_counters(); j++) {
            uint64_t value = node->host     ? strata_counter(node->host, j)
                             : node->bridge ? strata_bridge_counter(node->bridge, j)
                                            : 0;
            if (value == 0)
                continue;
            open_with(out, NULL, '[');
            number_field(out, NULL, j);
            number_field(out, NULL, (int64_t)value);
            close_with(out, ']');
        }
        close_with(out, ']');
        close_with(out, '}');
    }
    close_with(out, ']');
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
    open_with(out, NULL, '{');
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (fields[i].value != 0)
            number_field(out, fields[i].name, fields[i].value);
    close_with(out, '}');
}

/** The stations of a bus, and what it counted. */
static void write_bus(struct out *out, const struct strata_cable *cable)
{
    struct strata_bus_counts c = {.size = sizeof c};
    if (strata_bus_counts(cable, &c) != 0)
        return;
    open_with(out, "stations", '[');
    for (unsigned end = 0; end < strata_cable_ends(cable); end++) {
        int port;
        const struct strata_node *node = strata_cable_end(cable, (int)end, &port);
        open_with(out, NULL, '[');
        number_field(out, NULL, node ? (int64_t)node->index : -1);
        number_field(out, NULL, port);
        close_with(out, ']');
    }
    close_with(out, ']');
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
    open_with(out, "bus", '{');
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        number_field(out, fields[i].name, (int64_t)fields[i].value);
    close_with(out, '}');
}

static void write_cables(struct out *out, const struct record *record)
{
    open_with(out, "cables", '[');
    for (unsigned i = 0; i < record->world->cable_count; i++) {
        const struct strata_cable *cable = record->world->cables[i];
        open_with(out, NULL, '{');
        text_field(out, "name", cable->name);
        for (int end = 0; end < 2; end++) {
            number_field(out, end ? "b" : "a", cable->node[end]->index);
            number_field(out, end ? "port_b" : "port_a", cable->port[end]);
        }
        text_field(out, "link", cable->link == STRATA_LINK_IP ? "ip" : "ethernet");
        number_field(out, "mtu", cable->mtu_bytes);
        bool_field(out, "up", cable->up);
        write_bus(out, cable);
        open_with(out, "directions", '[');
        write_direction(out, cable, 0);
        write_direction(out, cable, 1);
        close_with(out, ']');
        close_with(out, '}');
    }
    close_with(out, ']');
}

static void write_counters(struct out *out)
{
    open_with(out, "counters", '[');
    for (unsigned i = 0; i < strata_counters(); i++) {
        open_with(out, NULL, '[');
        text_field(out, NULL, strata_counter_name(i));
        text_field(out, NULL, strata_counter_help(i));
        close_with(out, ']');
    }
    close_with(out, ']');
}

static void write_story(struct out *out, const struct record *record, const struct record_story *story)
{
    char hash[20];
    snprintf(hash, sizeof hash, "%016" PRIx64, strata_world_hash(record->world));
    text_field(out, "file", story->file);
    text_field(out, "title", story->title);
    text_field(out, "description", story->description);
    text_field(out, "command", story->command);
    number_field(out, "epoch_ns", STRATA_LAB_EPOCH_NS);
    // As text: a seed may be larger than a number of JavaScript can be.
    char seed[24];
    snprintf(seed, sizeof seed, "%" PRIu64, strata_world_seed(record->world));
    text_field(out, "seed", seed);
    number_field(out, "now", strata_world_now(record->world));
    number_field(out, "frames_sent", (int64_t)strata_world_frames(record->world));
    text_field(out, "hash", hash);
    bool_field(out, "live", story->live);
    bool_field(out, "judged", story->judged);
    bool_field(out, "ok", story->ok);
    open_with(out, "checks", '[');
    for (unsigned i = 0; i < story->check_count; i++) {
        open_with(out, NULL, '{');
        text_field(out, "name", story->checks[i].name);
        bool_field(out, "ok", story->checks[i].ok);
        text_field(out, "detail", story->checks[i].detail);
        close_with(out, '}');
    }
    close_with(out, ']');
    open_with(out, "left_out", '{');
    number_field(out, "frames", (int64_t)record->frames_left_out);
    number_field(out, "frames_cut", (int64_t)record->frames_cut);
    number_field(out, "events", (int64_t)record->events_left_out);
    number_field(out, "points", (int64_t)record->points_left_out);
    number_field(out, "conversations", (int64_t)record->conversations_left_out);
    close_with(out, '}');
}

static void write_everything(struct out *out, struct record *record, const struct record_story *story,
                             bool whole)
{
    open_with(out, NULL, '{');
    text_field(out, "format", "strata-record");
    number_field(out, "version", 1);
    bool_field(out, "whole", whole);
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
    close_with(out, '}');
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
    flush(out);
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
