/*
 * Events of a world as JSON lines. Written by hand and not through a tree of values: a busy world says a hundred
 * thousand of them a second.
 */
#include "lab/json_lines.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lab/world.h"
#include "wire/print.h"

struct json_lines {
    struct json_lines_config config;
};

/** Bytes beyond ASCII may be anything a program printed: they are told as the characters of their numbers, so that no
 * line is ever broken UTF-8. */
static void text_of(FILE *to, const char *key, const char *text, size_t length)
{
    fprintf(to, ",\"%s\":\"", key);
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '"' || c == '\\')
            fprintf(to, "\\%c", c);
        else if (c == '\n')
            fputs("\\n", to);
        else if (c < 32 || c >= 127)
            fprintf(to, "\\u%04x", c);
        else
            fputc(c, to);
    }
    fputc('"', to);
}

static void word_of(FILE *to, const char *key, const char *text)
{
    text_of(to, key, text, strlen(text));
}

static void begin(FILE *to, const struct strata_lab_event *event, const char *what)
{
    fprintf(to, "{\"time_ns\":%" PRId64 ",\"event\":\"%s\"", event->time, what);
}

static void endpoint_of(FILE *to, const char *key, const struct strata_endpoint *endpoint)
{
    char text[STRATA_ENDPOINT_TEXT];
    strata_endpoint_format(endpoint, text, sizeof text);
    word_of(to, key, text);
}

static void write_frame(FILE *to, const struct strata_lab_event *event, const char *what)
{
    char text[400];
    const struct strata_cable *cable = event->cable;
    begin(to, event, what);
    word_of(to, "cable", cable->name);
    if (cable->bus) { // the node at which it happened: who sent it, or one of those who heard it
        word_of(to, event->kind == STRATA_LAB_DELIVERED ? "to" : "from", event->node->name);
    } else {
        word_of(to, "from", cable->node[event->direction]->name);
        word_of(to, "to", cable->node[!event->direction]->name);
    }
    fprintf(to, ",\"frame\":%" PRIu64 ",\"length\":%zu", event->frame_number, event->length);
    if (event->kind == STRATA_LAB_LOST || event->kind == STRATA_LAB_FAULT)
        word_of(to, "why", event->text);
    size_t length = print_frame(cable->link, event->frame, event->length, text, sizeof text);
    text_of(to, "text", text, length);
}

static const char *const traces[] = {
    [STRATA_TRACE_DROP] = "drop",           [STRATA_TRACE_TCP_STATE] = "tcp_state",
    [STRATA_TRACE_TCP_SEND] = "tcp_send",   [STRATA_TRACE_TCP_RECEIVE] = "tcp_receive",
    [STRATA_TRACE_TCP_CWND] = "tcp_cwnd",   [STRATA_TRACE_TCP_RTT] = "tcp_rtt",
    [STRATA_TRACE_TCP_TIMER] = "tcp_timer", [STRATA_TRACE_NEIGHBOUR] = "neighbour",
    [STRATA_TRACE_ADDRESS] = "address",     [STRATA_TRACE_ROUTE] = "route",
    [STRATA_TRACE_PORT] = "port",           [STRATA_TRACE_SOCKET] = "socket",
    [STRATA_TRACE_NOTE] = "note",
};

/** @return whether something was begun that is to be ended. */
static bool write_trace(FILE *to, const struct strata_lab_event *event, int level)
{
    const struct strata_trace_record *record = event->trace;
    if (record->kind >= sizeof traces / sizeof *traces || !traces[record->kind])
        return false;
    bool plain = record->kind == STRATA_TRACE_DROP || record->kind == STRATA_TRACE_TCP_STATE ||
                 record->kind == STRATA_TRACE_NOTE;
    if (level < (plain ? 1 : 2))
        return false;
    begin(to, event, traces[record->kind]);
    word_of(to, "node", event->node->name);
    if (record->kind == STRATA_TRACE_NOTE) {
        word_of(to, "text", record->text);
        return true;
    }
    if (record->kind == STRATA_TRACE_DROP) {
        word_of(to, "why", strata_counter_name((unsigned)record->value[0]));
        return true;
    }
    endpoint_of(to, "local", &record->local);
    endpoint_of(to, "remote", &record->remote);
    if (record->kind == STRATA_TRACE_TCP_STATE) {
        word_of(to, "was", strata_tcp_state_name((enum strata_tcp_state)record->value[0]));
        word_of(to, "is", strata_tcp_state_name((enum strata_tcp_state)record->value[1]));
        return true;
    }
    fputs(",\"value\":[", to);
    for (int i = 0; i < 8; i++)
        fprintf(to, "%s%" PRId64, i ? "," : "", record->value[i]);
    fputc(']', to);
    return true;
}

static void listen(void *context, const struct strata_lab_event *event)
{
    struct json_lines *lines = context;
    FILE *to = lines->config.to;
    if (event->time < lines->config.from)
        return;
    switch (event->kind) {
    case STRATA_LAB_SENT:
        write_frame(to, event, "sent");
        break;
    case STRATA_LAB_DELIVERED:
        if (lines->config.level < 1)
            return;
        write_frame(to, event, "delivered");
        break;
    case STRATA_LAB_LOST:
        write_frame(to, event, "lost");
        break;
    case STRATA_LAB_FAULT:
        write_frame(to, event, "fault");
        break;
    case STRATA_LAB_QUEUE:
        if (lines->config.level < 1)
            return;
        begin(to, event, "queue");
        word_of(to, "cable", event->cable->name);
        word_of(to, "direction", event->direction ? "backward" : "forward");
        fprintf(to, ",\"waiting\":%d", event->value);
        break;
    case STRATA_LAB_PRINT:
        begin(to, event, "print");
        word_of(to, "node", event->node->name);
        if (event->program)
            word_of(to, "program", event->program);
        text_of(to, "text", event->text, event->length);
        break;
    case STRATA_LAB_PROGRAM:
        begin(to, event, event->value == -1 ? "starts" : "ends");
        word_of(to, "node", event->node->name);
        word_of(to, "program", event->text);
        if (event->value != -1)
            fprintf(to, ",\"status\":%d", event->value);
        break;
    case STRATA_LAB_NOTE:
        begin(to, event, "note");
        if (event->node)
            word_of(to, "node", event->node->name);
        if (event->cable)
            word_of(to, "cable", event->cable->name);
        word_of(to, "text", event->text);
        break;
    case STRATA_LAB_TRACE:
        if (!write_trace(to, event, lines->config.level))
            return;
        break;
    }
    fputs("}\n", to);
}

int json_lines_new(struct json_lines **made, struct strata_world *world, const struct json_lines_config *config)
{
    struct json_lines *lines = calloc(1, sizeof *lines);
    if (!lines)
        return -ENOMEM;
    lines->config = *config;
    int error = strata_world_listen(world, listen, lines);
    if (!error && config->level >= 1)
        strata_world_trace_queues(world);
    if (error)
        free(lines);
    else
        *made = lines;
    return error;
}

void json_lines_free(struct json_lines *lines)
{
    free(lines);
}
