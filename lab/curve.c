/*
 * Writes the table. Connections are remembered by host and endpoints, in the order of their first sign.
 */
#include "lab/curve.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "lab/world.h"

struct curve_line {
    struct curve_line *next;
    const struct strata_node *node;
    struct strata_endpoint local, remote;
    int64_t cwnd, ssthresh, flight, recovery;
    strata_time srtt_ns;
    unsigned number;
    bool begun;
};
struct curve {
    struct strata_world *world;
    FILE *file; /**< NULL: no table. */
    struct curve_taker taker;
    struct curve_line *lines; /**< The one heard last is the first. */
    unsigned line_count;
    int error;
};

static struct curve_line *line_of(struct curve *curve, const struct strata_lab_event *event)
{
    const struct strata_trace_record *record = event->trace;
    struct curve_line **link = &curve->lines;
    while (*link && !((*link)->node == event->node && endpoint_equal(&(*link)->local, &record->local) &&
                      endpoint_equal(&(*link)->remote, &record->remote)))
        link = &(*link)->next;
    struct curve_line *line = *link;
    if (line) {
        *link = line->next;
    } else {
        line = calloc(1, sizeof *line);
        if (!line) {
            curve->error = -ENOMEM;
            return NULL;
        }
        line->node = event->node;
        line->local = record->local;
        line->remote = record->remote;
        line->number = curve->line_count++;
    }
    line->next = curve->lines;
    curve->lines = line;
    return line;
}

/** A field of up to three parts, in quotation marks where it needs them: a name may hold anything. */
static void write_field(FILE *to, const char *before, const char *name, const char *after)
{
    if (!strpbrk(name, ",\"\r\n")) {
        fprintf(to, "%s%s%s", before, name, after);
        return;
    }
    fprintf(to, "\"%s", before);
    for (; *name; name++)
        fprintf(to, *name == '"' ? "\"\"" : "%c", *name);
    fprintf(to, "%s\"", after);
}

static void write_head(struct curve *curve)
{
    fprintf(curve->file, "time_s,host,connection,cwnd_bytes,ssthresh_bytes,flight_bytes,srtt_ms,recovery");
    for (unsigned i = 0; i < curve->world->cable_count; i++)
        for (int direction = 0; direction < 2; direction++) {
            putc(',', curve->file);
            write_field(curve->file, "queue ", curve->world->cables[i]->name,
                        direction ? " backward" : " forward");
        }
    putc('\n', curve->file);
}

/** As high as can be: there is none yet. */
static bool has_threshold(const struct curve_line *line)
{
    return line->ssthresh < UINT32_MAX;
}

static void write_line(struct curve *curve, const struct curve_line *line)
{
    static const char *const recovery[] = {"open", "disorder", "recovery", "loss"};
    char local[STRATA_ENDPOINT_TEXT], remote[STRATA_ENDPOINT_TEXT];
    strata_time now = curve->world->now;
    FILE *to = curve->file;
    strata_endpoint_format(&line->local, local, sizeof local);
    strata_endpoint_format(&line->remote, remote, sizeof remote);
    fprintf(to, "%" PRId64 ".%09" PRId64 ",", now / STRATA_SECOND, now % STRATA_SECOND);
    write_field(to, "", line->node->name, "");
    fprintf(to, ",%s-%s,%" PRId64 ",", local, remote, line->cwnd);
    if (has_threshold(line))
        fprintf(to, "%" PRId64, line->ssthresh);
    fprintf(to, ",%" PRId64 ",", line->flight);
    if (line->srtt_ns > 0)
        fprintf(to, "%" PRId64 ".%03" PRId64, line->srtt_ns / STRATA_MILLISECOND,
                line->srtt_ns % STRATA_MILLISECOND / STRATA_MICROSECOND);
    fprintf(to, ",%s", recovery[line->recovery & 3]);
    for (unsigned i = 0; i < curve->world->cable_count; i++)
        fprintf(to, ",%" PRIu32 ",%" PRIu32, strata_cable_waiting(curve->world->cables[i], 0),
                strata_cable_waiting(curve->world->cables[i], 1));
    putc('\n', to);
}

static void give_point(const struct curve *curve, const struct curve_line *line)
{
    struct curve_point point = {.host = line->node->name,
                                .local = &line->local,
                                .remote = &line->remote,
                                .connection = line->number,
                                .time = curve->world->now,
                                .cwnd = line->cwnd,
                                .flight = line->flight,
                                .ssthresh = has_threshold(line) ? line->ssthresh : -1,
                                .srtt_ns = line->srtt_ns};
    curve->taker.take(curve->taker.context, &point);
}

static void listen(void *context, const struct strata_lab_event *event)
{
    struct curve *curve = context;
    const struct strata_trace_record *record = event->trace;
    if (curve->error || event->kind != STRATA_LAB_TRACE ||
        (record->kind != STRATA_TRACE_TCP_CWND && record->kind != STRATA_TRACE_TCP_RTT))
        return;
    struct curve_line *line = line_of(curve, event);
    if (!line)
        return;
    if (record->kind == STRATA_TRACE_TCP_RTT) {
        line->srtt_ns = record->value[1];
        return;
    }
    const int64_t *value = record->value;
    if (line->begun && line->cwnd == value[0] && line->ssthresh == value[1] && line->flight == value[2] &&
        line->recovery == value[3])
        return;
    line->begun = true;
    line->cwnd = value[0];
    line->ssthresh = value[1];
    line->flight = value[2];
    line->recovery = value[3];
    if (curve->file)
        write_line(curve, line);
    if (curve->taker.take)
        give_point(curve, line);
}

int curve_new(struct curve **made, struct strata_world *world, const char *path,
              const struct curve_taker *taker)
{
    struct curve *curve = calloc(1, sizeof *curve);
    if (!curve)
        return -ENOMEM;
    curve->world = world;
    if (taker)
        curve->taker = *taker;
    if (path && !(curve->file = fopen(path, "w")))
        curve->error = -errno;
    else
        curve->error = strata_world_listen(world, listen, curve);
    if (curve->error)
        return curve_close(curve);
    if (curve->file)
        write_head(curve);
    *made = curve;
    return 0;
}

int curve_close(struct curve *curve)
{
    int error = curve->error;
    if (curve->file) {
        bool failed = ferror(curve->file);
        errno = 0;
        if (fclose(curve->file) != 0 || failed)
            error = error ? error : errno ? -errno : -EIO;
    }
    while (curve->lines) {
        struct curve_line *line = curve->lines;
        curve->lines = line->next;
        free(line);
    }
    free(curve);
    return error;
}
