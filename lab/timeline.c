/*
 * The timeline. A frame that crosses three cables is one thing said by one host to another, so the plain
 * timeline shows it once, where it begins; what goes wrong on the way is shown where it happens. Sequence
 * numbers are counted from the beginning of each conversation, as textbooks do.
 */
#include "lab/timeline.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "lab/describe.h"
#include "lab/world.h"

/** So many segments of a conversation in a row are shown before the rest is summed up, and after a
 * disturbance. */
#define SHOWN_AT_FIRST 8u
#define SHOWN_AFTER_TROUBLE 2u
/** So many losses, faults and repetitions of a conversation are shown one by one. */
#define TROUBLES_SHOWN 12u

/** One direction of a conversation. */
struct side {
    struct strata_endpoint endpoint;
    bool known;
    seq_t first, next; /**< The SYN's number, or the first that was seen; behind the last byte sent so far. */
};
struct conversation {
    struct conversation *next;
    struct side side[2];
    bool datagrams; /**< It is one of UDP. */
    unsigned shown; /**< In a row. */
    unsigned troubles;
    uint64_t held, held_bytes, held_losses, held_repeats;
    strata_time held_since;
};

struct timeline {
    struct strata_world *world;
    FILE *to;
    int level;
    bool colour;
    strata_time from;
    int who_columns;
    struct conversation *conversations;
    struct strata_node *last_owner;
    struct {
        char *text;
        size_t length;
    } * lines; /**< Per node: what it printed without a newline yet. */
    unsigned line_count;
};

enum tone {
    TONE_PLAIN,
    TONE_FAINT,
    TONE_TROUBLE,
    TONE_PROGRAM,
    TONE_NOTE,
    TONE_ARP,
    TONE_DHCP,
    TONE_DNS,
    TONE_ICMP,
    TONE_TCP
};

static const char *const tones[] = {
    [TONE_PLAIN] = "",          [TONE_FAINT] = "\033[2m",   [TONE_TROUBLE] = "\033[31m",
    [TONE_PROGRAM] = "\033[1m", [TONE_NOTE] = "\033[1;35m", [TONE_ARP] = "\033[33m",
    [TONE_DHCP] = "\033[32m",   [TONE_DNS] = "\033[36m",    [TONE_ICMP] = "\033[35m",
    [TONE_TCP] = "\033[34m",
};

static enum tone tone_of(enum subject subject)
{
    switch (subject) {
    case SUBJECT_ARP:
        return TONE_ARP;
    case SUBJECT_DHCP:
        return TONE_DHCP;
    case SUBJECT_DNS:
        return TONE_DNS;
    case SUBJECT_ICMP:
        return TONE_ICMP;
    case SUBJECT_TCP:
        return TONE_TCP;
    default:
        return TONE_PLAIN;
    }
}

static void line(struct timeline *t, strata_time time, enum tone tone, const char *who, const char *format,
                 ...) __attribute__((format(printf, 5, 6)));
static void line(struct timeline *t, strata_time time, enum tone tone, const char *who, const char *format,
                 ...)
{
    char text[600];
    if (time < t->from)
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    // Whatever a program or a peer said, a terminal gets printable characters only.
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < 32 || *c == 127)
            *c = '.';
    bool colour = t->colour && tone != TONE_PLAIN;
    fprintf(t->to, "%4" PRId64 ".%06" PRId64 "  %s%-*s  %s%s\n", time / STRATA_SECOND,
            time % STRATA_SECOND / STRATA_MICROSECOND, colour ? tones[tone] : "", t->who_columns, who, text,
            colour ? "\033[0m" : "");
}

/* ---- Who is who -------------------------------------------------------------------------------------------
 */

static bool owns(const struct strata_node *node, const struct strata_address *address)
{
    struct strata_address own;
    unsigned prefix_length;
    for (int port = 1; node->host && port <= node->port_count; port++)
        for (unsigned i = 0; strata_address_get(node->host, port, i, &own, &prefix_length) == 0; i++)
            if (address_equal(&own, address))
                return true;
    return false;
}

static struct strata_node *owner_of(struct timeline *t, const struct strata_address *address)
{
    if (t->last_owner && owns(t->last_owner, address))
        return t->last_owner;
    for (unsigned i = 0; i < t->world->node_count; i++)
        if (owns(t->world->nodes[i], address))
            return t->last_owner = t->world->nodes[i];
    return NULL;
}

/** Who said it: the node at the end at which it was sent. */
static struct strata_node *speaker_of(const struct strata_lab_event *event)
{
    return event->cable->bus ? event->node : event->cable->node[event->direction];
}

/** Who hears it: the node at the other end; of a bus, which has many, the one that it is for, or NULL: all. */
static struct strata_node *listener_of(struct timeline *t, const struct strata_lab_event *event,
                                       const struct description *what)
{
    if (!event->cable->bus)
        return event->cable->node[!event->direction];
    return what->to_everyone || !what->has_addresses ? NULL : owner_of(t, &what->destination.address);
}

/** "laptop > web" */
static void who(struct timeline *t, const struct strata_lab_event *event, const struct description *what,
                char text[160])
{
    char address[STRATA_ADDRESS_TEXT];
    const char *to = address;
    struct strata_node *owner = NULL;
    if (t->level >= 1 && !event->cable->bus) {
        to = event->cable->node[!event->direction]->name;
    } else if (what->to_everyone || !what->has_addresses) {
        to = "everyone";
    } else if ((owner = owner_of(t, &what->destination.address))) {
        to = owner->name;
    } else if (what->subject == SUBJECT_DHCP) {
        to = event->cable->node[!event->direction]->name;
        if (event->cable->bus || event->cable->node[!event->direction]->kind != NODE_HOST)
            to = "the client";
    } else {
        strata_address_format(&what->destination.address, address, sizeof address);
    }
    snprintf(text, 160, "%s > %s", speaker_of(event)->name, to);
}

/** Whether the sender passes on what another one said. */
static bool is_passed_on(const struct strata_lab_event *event, const struct description *what)
{
    const struct strata_node *node = speaker_of(event);
    if (node->kind != NODE_HOST)
        return node->kind == NODE_BRIDGE;
    if (!what->has_addresses || what->subject == SUBJECT_ARP || address_is_unspecified(&what->source.address))
        return false;
    return !owns(node, &what->source.address);
}

/* ---- TCP
 * ---------------------------------------------------------------------------------------------------- */

static struct conversation *conversation_of(struct timeline *t, const struct description *what, int *side)
{
    bool datagrams = what->subject != SUBJECT_TCP;
    for (struct conversation *c = t->conversations; c; c = c->next)
        for (*side = 0; *side < 2; ++*side)
            if (c->datagrams == datagrams && endpoint_equal(&c->side[*side].endpoint, &what->source) &&
                endpoint_equal(&c->side[!*side].endpoint, &what->destination))
                return c;
    struct conversation *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    *side = 0;
    c->datagrams = datagrams;
    c->side[0].endpoint = what->source;
    c->side[1].endpoint = what->destination;
    c->next = t->conversations;
    t->conversations = c;
    return c;
}

static uint32_t relative(const struct side *side, seq_t seq)
{
    return side->known ? seq - side->first : seq;
}

/** Says a segment in the words of its conversation. @return whether its bytes were sent before. */
static bool say_segment(struct conversation *c, int which, const struct description *what, bool moves,
                        char *text, size_t size)
{
    struct side *side = &c->side[which], *other = &c->side[!which];
    const struct tcp_header *tcp = &what->tcp;
    char flags[40], rest[120] = "";
    uint32_t length = (uint32_t)what->payload_bytes + !!(tcp->flags & TCP_SYN) + !!(tcp->flags & TCP_FIN);
    if (moves && (tcp->flags & TCP_SYN) && !(side->known && tcp->seq == side->first))
        *side = (struct side){.endpoint = side->endpoint, .known = true, .first = tcp->seq, .next = tcp->seq};
    bool repeated =
        side->known && length > 0 && seq_le(tcp->seq + length, side->next) && tcp->seq != side->next;
    if (!side->known)
        *side = (struct side){.endpoint = side->endpoint, .known = true, .first = tcp->seq, .next = tcp->seq};
    if (moves && seq_lt(side->next, tcp->seq + length))
        side->next = tcp->seq + length;
    tcp_flags_print(tcp->flags, flags, sizeof flags);
    size_t used = 0;
    if (what->payload_bytes > 0)
        used += (size_t)snprintf(rest, sizeof rest, " bytes %" PRIu32 "-%" PRIu32, relative(side, tcp->seq),
                                 relative(side, tcp->seq) + (uint32_t)what->payload_bytes - 1);
    if ((tcp->flags & TCP_ACK) && !(tcp->flags & TCP_SYN))
        used += (size_t)snprintf(rest + used, sizeof rest - used, " ack %" PRIu32, relative(other, tcp->ack));
    if (tcp->flags & TCP_SYN)
        snprintf(rest + used, sizeof rest - used, " port %u > %u, window %u", tcp->source_port,
                 tcp->destination_port, tcp->window);
    char begin[64] = "";
    if (what->payload_bytes > 4 &&
        (memcmp(what->payload, "HTTP", 4) == 0 || memcmp(what->payload, "GET ", 4) == 0 ||
         memcmp(what->payload, "HEAD", 4) == 0 || memcmp(what->payload, "PUT ", 4) == 0)) {
        size_t n = 0;
        for (; n < what->payload_bytes && n < 48 && what->payload[n] >= 32 && what->payload[n] < 127; n++)
            begin[n + 2] = (char)what->payload[n];
        begin[0] = ' ';
        begin[1] = '"';
        begin[n + 2] = '"';
    }
    snprintf(text, size, "TCP %s%s%s%s", flags, rest, begin, repeated && moves ? " (again)" : "");
    return repeated;
}

static void release(struct timeline *t, struct conversation *c, strata_time now)
{
    if (c->held == 0)
        return;
    char a[STRATA_ENDPOINT_TEXT], b[STRATA_ENDPOINT_TEXT], trouble[80] = "";
    strata_endpoint_format(&c->side[0].endpoint, a, sizeof a);
    strata_endpoint_format(&c->side[1].endpoint, b, sizeof b);
    if (c->held_losses && c->datagrams)
        snprintf(trouble, sizeof trouble, ", %" PRIu64 " lost or damaged", c->held_losses);
    else if (c->held_losses || c->held_repeats)
        snprintf(trouble, sizeof trouble, ", %" PRIu64 " lost or damaged, %" PRIu64 " sent again",
                 c->held_losses, c->held_repeats);
    line(t, now, TONE_FAINT, "...", "%" PRIu64 " more %s with %" PRIu64 " bytes%s, %s - %s", c->held,
         c->datagrams ? "datagrams" : "segments", c->held_bytes, trouble, a, b);
    c->held = c->held_bytes = c->held_losses = c->held_repeats = 0;
}

/** Something worth a line comes: what was held back goes before it, and a little of what follows is shown
 * again. */
static void interrupt(struct timeline *t, struct conversation *c, strata_time now)
{
    release(t, c, now);
    if (c->shown > SHOWN_AT_FIRST - SHOWN_AFTER_TROUBLE)
        c->shown = SHOWN_AT_FIRST - SHOWN_AFTER_TROUBLE;
}

static void release_all(struct timeline *t, strata_time now)
{
    for (struct conversation *c = t->conversations; c; c = c->next) {
        interrupt(t, c, now);
        if (c->datagrams && c->troubles < TROUBLES_SHOWN)
            c->shown = 0; // a program that tells of its datagrams is followed by those it tells of
    }
}

static void show_segment(struct timeline *t, const struct strata_lab_event *event,
                         const struct description *what)
{
    char text[200], names[160];
    int side;
    struct conversation *c = conversation_of(t, what, &side);
    if (!c)
        return;
    bool first_hop = !is_passed_on(event, what);
    bool repeated = say_segment(c, side, what, first_hop, text, sizeof text);
    bool special = (what->tcp.flags & (TCP_SYN | TCP_FIN | TCP_RST | TCP_URG)) || strchr(text, '"');
    if (special) {
        release(t, c, event->time);
        c->shown = 0;
    } else if (repeated && first_hop && c->shown > SHOWN_AT_FIRST && ++c->troubles <= TROUBLES_SHOWN) {
        interrupt(t, c, event->time);
    } else if (++c->shown > SHOWN_AT_FIRST && t->level < 2) {
        if (first_hop) {
            c->held++;
            c->held_bytes += what->payload_bytes;
            c->held_repeats += repeated;
        }
        return;
    }
    who(t, event, what, names);
    line(t, event->time, TONE_TCP, names, "%s", text);
}

/** Datagrams are summed up like segments, from some more of them on. */
static void show_datagram(struct timeline *t, const struct strata_lab_event *event, const struct description *what)
{
    char names[160];
    int side;
    struct conversation *c = conversation_of(t, what, &side);
    if (!c)
        return;
    if (++c->shown > SHOWN_AT_FIRST && t->level < 2) {
        if (!is_passed_on(event, what)) {
            c->held++;
            c->held_bytes += what->payload_bytes;
        }
        return;
    }
    who(t, event, what, names);
    line(t, event->time, TONE_PLAIN, names, "%s", what->text);
}

/* ---- Events
 * --------------------------------------------------------------------------------------------------- */

static void show_sent(struct timeline *t, const struct strata_lab_event *event)
{
    struct description what;
    char names[160];
    describe(event->cable->link, event->frame, event->length, &what);
    if (t->level < 2 && is_passed_on(event, &what) &&
        (t->level == 0 || speaker_of(event)->kind != NODE_HOST))
        return;
    if (what.subject == SUBJECT_TCP) {
        show_segment(t, event, &what);
        return;
    }
    if (what.subject == SUBJECT_UDP && !what.to_everyone) {
        show_datagram(t, event, &what);
        return;
    }
    who(t, event, &what, names);
    line(t, event->time, tone_of(what.subject), names, "%s", what.text);
}

/** Losses and faults. Inside a transfer that is being summed up they are counted; any other is shown. */
static void show_trouble(struct timeline *t, const struct strata_lab_event *event)
{
    struct description what;
    char names[160], text[240];
    describe(event->cable->link, event->frame, event->length, &what);
    bool lost = event->kind == STRATA_LAB_LOST;
    if (what.subject == SUBJECT_TCP || (what.subject == SUBJECT_UDP && !what.to_everyone)) {
        int side;
        struct conversation *c = conversation_of(t, &what, &side);
        if (!c)
            return;
        bool serious = lost || strcmp(event->text, "corrupt") == 0;
        bool summing = t->level < 2 && (c->datagrams || c->shown > SHOWN_AT_FIRST);
        if (summing && (!serious || ++c->troubles > TROUBLES_SHOWN)) {
            c->held_losses += serious;
            return;
        }
        interrupt(t, c, event->time);
        if (c->datagrams)
            snprintf(text, sizeof text, "%s", what.text);
        else
            say_segment(c, side, &what, false, text, sizeof text);
    } else {
        snprintf(text, sizeof text, "%s", what.text);
    }
    const struct strata_node *to = listener_of(t, event, &what);
    snprintf(names, sizeof names, "%s > %s", speaker_of(event)->name, to ? to->name : "everyone");
    const char *word = lost                                    ? "LOST"
                       : strcmp(event->text, "collision") == 0 ? "COLLISION"
                       : strcmp(event->text, "corrupt") == 0   ? "DAMAGED"
                       : strcmp(event->text, "duplicate") == 0 ? "DOUBLED"
                       : strcmp(event->text, "mark") == 0      ? "MARKED"
                                                               : "DELAYED";
    if (lost)
        line(t, event->time, TONE_TROUBLE, names, "%s (%s): %s", word, event->text, text);
    else
        line(t, event->time, TONE_TROUBLE, names, "%s: %s", word, text);
}

/** What a program prints is shown line by line. */
static void show_print(struct timeline *t, const struct strata_lab_event *event)
{
    unsigned index = event->node->index;
    if (index >= t->line_count) {
        unsigned count = t->world->node_count;
        void *lines = realloc(t->lines, count * sizeof *t->lines);
        if (!lines)
            return;
        t->lines = lines;
        memset(t->lines + t->line_count, 0, (count - t->line_count) * sizeof *t->lines);
        t->line_count = count;
    }
    size_t held = t->lines[index].length;
    char *all = realloc(t->lines[index].text, held + event->length + 1);
    if (!all)
        return;
    memcpy(all + held, event->text, event->length + 1);
    t->lines[index].text = all;
    char names[160], *start = all, *end;
    snprintf(names, sizeof names, "%s", event->node->name);
    release_all(t, event->time);
    while ((end = strchr(start, '\n'))) {
        *end = '\0';
        line(t, event->time, TONE_PROGRAM, names, "| %s", start);
        start = end + 1;
    }
    size_t left = strlen(start);
    memmove(all, start, left + 1);
    t->lines[index].length = left;
}

static void show_program(struct timeline *t, const struct strata_lab_event *event)
{
    char names[160];
    snprintf(names, sizeof names, "%s", event->node->name);
    release_all(t, event->time);
    if (event->value == -1)
        line(t, event->time, TONE_PROGRAM, names, "starts %s", event->text);
    else if (event->value == 0)
        line(t, event->time, TONE_PROGRAM, names, "%s is done", event->text);
    else
        line(t, event->time, TONE_TROUBLE, names, "%s ends with status %d", event->text, event->value);
}

static void show_note(struct timeline *t, const struct strata_lab_event *event)
{
    release_all(t, event->time);
    const char *subject = event->node ? event->node->name : event->cable ? event->cable->name : "*";
    line(t, event->time, TONE_NOTE, subject, "%s", event->text);
}

static void show_trace(struct timeline *t, const struct strata_lab_event *event)
{
    const struct strata_trace_record *record = event->trace;
    char local[STRATA_ENDPOINT_TEXT], remote[STRATA_ENDPOINT_TEXT];
    if (record->kind == STRATA_TRACE_NOTE) {
        line(t, event->time, TONE_NOTE, event->node->name, "%s", record->text);
    } else if (record->kind == STRATA_TRACE_DROP) {
        line(t, event->time, TONE_TROUBLE, event->node->name, "drops: %s",
             strata_counter_help((unsigned)record->value[0]));
    } else if (record->kind == STRATA_TRACE_TCP_STATE) {
        strata_endpoint_format(&record->local, local, sizeof local);
        strata_endpoint_format(&record->remote, remote, sizeof remote);
        line(t, event->time, TONE_FAINT, event->node->name, "%s - %s is %s, was %s", local, remote,
             strata_tcp_state_name((enum strata_tcp_state)record->value[1]),
             strata_tcp_state_name((enum strata_tcp_state)record->value[0]));
    }
}

static void listen(void *context, const struct strata_lab_event *event)
{
    struct timeline *t = context;
    switch (event->kind) {
    case STRATA_LAB_SENT:
        show_sent(t, event);
        break;
    case STRATA_LAB_LOST:
    case STRATA_LAB_FAULT:
        show_trouble(t, event);
        break;
    case STRATA_LAB_PRINT:
        show_print(t, event);
        break;
    case STRATA_LAB_PROGRAM:
        show_program(t, event);
        break;
    case STRATA_LAB_NOTE:
        show_note(t, event);
        break;
    case STRATA_LAB_TRACE:
        if (t->level >= 1)
            show_trace(t, event);
        break;
    case STRATA_LAB_DELIVERED:
    case STRATA_LAB_QUEUE:
        break;
    }
}

int timeline_new(struct timeline **made, struct strata_world *world, const struct timeline_config *config)
{
    struct timeline *t = calloc(1, sizeof *t);
    if (!t)
        return -ENOMEM;
    *t =
        (struct timeline){.world = world, .to = config->to, .level = config->level, .colour = config->colour,
                           .from = config->from};
    // Wide enough for any two names, within reason.
    size_t longest = strlen("everyone");
    for (unsigned i = 0; i < world->node_count; i++)
        if (strlen(world->nodes[i]->name) > longest)
            longest = strlen(world->nodes[i]->name);
    t->who_columns = (int)(longest > 14 ? 14 : longest) * 2 + 3;
    int error = strata_world_listen(world, listen, t);
    if (error)
        free(t);
    else
        *made = t;
    return error;
}

void timeline_finish(struct timeline *t)
{
    release_all(t, t->world->now);
    for (unsigned i = 0; i < t->line_count; i++)
        if (t->lines[i].length > 0) {
            line(t, t->world->now, TONE_PROGRAM, t->world->nodes[i]->name, "| %s", t->lines[i].text);
            t->lines[i].length = 0;
        }
}

void timeline_free(struct timeline *t)
{
    if (!t)
        return;
    while (t->conversations) {
        struct conversation *c = t->conversations;
        t->conversations = c->next;
        free(c);
    }
    for (unsigned i = 0; i < t->line_count; i++)
        free(t->lines[i].text);
    free(t->lines);
    free(t);
}
