/*
 * Traces of lines: a table of comma-separated values whose first line names its columns, among them `time`, or the
 * times of deliveries that Mahimahi records. A mistake is told with the file, its line, and what was expected.
 *
 *     time_s, rate_mbit, delay_ms, loss_percent
 *     0,      12,        30,       0
 *     0.5,    3.25,      80,
 */
#include "lab/scenario_yaml.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX 4u
#define POINTS_MAX 10000000u

struct column {
    const char *name;
    enum { COLUMN_TIME, COLUMN_RATE, COLUMN_DELAY, COLUMN_LOSS } what;
    const char *unit; /**< Put behind a number; "": values bring theirs. */
};
static const struct column columns[] = {
    {"time", COLUMN_TIME, ""},           {"time_s", COLUMN_TIME, "s"},         {"time_ms", COLUMN_TIME, "ms"},
    {"rate", COLUMN_RATE, ""},           {"rate_bit", COLUMN_RATE, "bit"},     {"rate_kbit", COLUMN_RATE, "kbit"},
    {"rate_mbit", COLUMN_RATE, "mbit"},  {"delay", COLUMN_DELAY, ""},          {"delay_ms", COLUMN_DELAY, "ms"},
    {"delay_us", COLUMN_DELAY, "us"},    {"loss", COLUMN_LOSS, ""},            {"loss_percent", COLUMN_LOSS, "%"},
};

struct table {
    const struct column *column[COLUMNS_MAX];
    unsigned columns;
    LIST_OF(struct strata_trace_point) points;
    LIST_OF(uint32_t) deliveries;
    char *wrong;
};

static bool fail(struct table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool fail(struct table *table, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(table->wrong, 200, format, arguments);
    va_end(arguments);
    return false;
}

/** Without blanks at its ends. */
static char *trim(char *text)
{
    text += strspn(text, " \t");
    for (char *end = text + strlen(text); end > text && strchr(" \t\r", end[-1]);)
        *--end = '\0';
    return text;
}

static bool read_head(struct table *table, char *line)
{
    for (char *name; (name = strsep(&line, ",")) != NULL;) {
        name = trim(name);
        size_t i = 0, count = sizeof columns / sizeof *columns;
        struct nearest nearest;
        nearest_begin(&nearest, name);
        for (; i < count && strcmp(columns[i].name, name) != 0; i++)
            nearest_try(&nearest, columns[i].name);
        if (i == count)
            return fail(table, "no column is called %.40s%s: expected time, rate, delay and loss, or such as time_s, "
                               "rate_mbit, delay_ms, loss_percent", name, nearest_text(&nearest));
        for (unsigned j = 0; j < table->columns; j++)
            if (table->column[j]->what == columns[i].what)
                return fail(table, "%s and %s say the same", table->column[j]->name, name);
        table->column[table->columns++] = &columns[i];
    }
    for (unsigned j = 0; j < table->columns; j++)
        if (table->column[j]->what == COLUMN_TIME)
            return true;
    return fail(table, "no column is called time or time_s");
}

static bool read_field(struct table *table, const struct column *column, const char *field,
                       struct strata_trace_point *point)
{
    static const char *const expected[] = {"a time such as 1.5s", "a rate such as 10mbit, or 0", "a time such as 20ms",
                                           "a share such as 1%"};
    char text[64];
    int error = -1;
    if (strlen(field) < 40) {
        bool zero = strspn(field, "0.") == strlen(field);
        snprintf(text, sizeof text, "%s%s", zero ? "0" : field, zero ? "" : column->unit);
        switch (column->what) {
        case COLUMN_TIME:
            error = parse_duration(text, &point->at);
            break;
        case COLUMN_RATE:
            error = strcmp(text, "0") == 0 ? 0 : parse_rate(text, &point->rate_bps);
            point->has_rate = true;
            break;
        case COLUMN_DELAY:
            error = parse_duration(text, &point->delay_ns);
            point->has_delay = true;
            break;
        case COLUMN_LOSS:
            error = parse_share(text, &point->loss_ppm);
            point->has_loss = true;
            break;
        }
    }
    if (!error)
        return true;
    return fail(table, "%.40s under %s is not %s", field, column->name,
                *column->unit ? "a number that can be told" : expected[column->what]);
}

static bool read_row(struct table *table, struct scenario *scenario, char *line)
{
    struct strata_trace_point point = {.at = -1};
    unsigned count = 0;
    for (char *field; (field = strsep(&line, ",")) != NULL; count++) {
        if (count == table->columns)
            return fail(table, "more than %u values", table->columns);
        field = trim(field);
        if (*field && !read_field(table, table->column[count], field, &point))
            return false;
    }
    if (point.at < 0)
        return fail(table, "there is no time");
    if (table->points.count > 0 && point.at <= table->points.items[table->points.count - 1].at)
        return fail(table, "a time is later than the one before");
    if (table->points.count == POINTS_MAX)
        return fail(table, "more than %u lines", POINTS_MAX);
    *(struct strata_trace_point *)LIST_APPEND(scenario, table->points) = point;
    return true;
}

static bool read_delivery(struct table *table, struct scenario *scenario, const char *line)
{
    size_t digits = strspn(line, "0123456789");
    uint64_t ms = digits > 0 && digits < 11 && !line[digits] ? strtoull(line, NULL, 10) : UINT64_MAX;
    if (ms > 86400000)
        return fail(table, "%.40s is not a time in whole milliseconds, of a day at most", line);
    if (table->deliveries.count > 0 && ms < table->deliveries.items[table->deliveries.count - 1])
        return fail(table, "a time is not earlier than the one before");
    if (table->deliveries.count == POINTS_MAX)
        return fail(table, "more than %u lines", POINTS_MAX);
    *(uint32_t *)LIST_APPEND(scenario, table->deliveries) = (uint32_t)ms;
    return true;
}

unsigned trace_parse(struct strata_link_trace *trace, struct scenario *scenario, char *text, bool deliveries,
                     char wrong[200])
{
    struct table table = {.wrong = wrong};
    unsigned number = 0;
    for (char *line; (line = strsep(&text, "\n")) != NULL;) {
        number++;
        line = trim(line);
        if (!*line || *line == '#')
            continue;
        if (!(deliveries          ? read_delivery(&table, scenario, line)
              : table.columns == 0 ? read_head(&table, line)
                                  : read_row(&table, scenario, line)))
            return number;
    }
    *trace = (struct strata_link_trace){.points = table.points.items,
                                        .point_count = table.points.count,
                                        .deliveries_ms = table.deliveries.items,
                                        .delivery_count = table.deliveries.count};
    if (trace->point_count == 0 && trace->delivery_count == 0) {
        fail(&table, "there are no times in it");
        return number;
    }
    if (trace->delivery_count > 0 && trace->deliveries_ms[trace->delivery_count - 1] == 0) {
        fail(&table, "the last time is more than 0");
        return number;
    }
    return 0;
}

/* ---- The word ---------------------------------------------------------------------------------------------- */

struct trace_reader {
    const char *file;
    struct place place;
    bool loop, deliveries;
};

static void trace_file(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    struct trace_reader *trace = into;
    trace->file = read_text(reader, value);
    trace->place = place_of(value);
}

static void trace_loop(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    ((struct trace_reader *)into)->loop = read_bool(reader, value);
}

static const char *const format_words[] = {"table", "mahimahi", NULL};
static const struct shape shape_format = {.kind = SHAPE_WORD, .words = format_words};

static void trace_format(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    ((struct trace_reader *)into)->deliveries = read_word(reader, value, format_words) == 1;
}

static const struct key trace_keys[] = {
    {"file", trace_file, true, &shape_text, "beside this file, unless its path begins with /"},
    {"loop", trace_loop, false, &shape_boolean, "true: begin again at the end; otherwise the last line holds"},
    {"format", trace_format, false, &shape_format, "table unless given; mahimahi: a time in ms for each delivery"},
    KEYS_END,
};
static const struct shape shape_trace_mapping = {.kind = SHAPE_MAPPING, .what = "a trace", .keys = trace_keys};
static const struct shape *const trace_shapes[] = {&shape_text, &shape_trace_mapping, NULL};
const struct shape shape_trace = {.kind = SHAPE_EITHER, .either = trace_shapes};

/** A table begins again one step after its last line; the step is that between the last two. */
static bool make_loop(struct reader_state *reader, struct strata_link_trace *trace, const struct trace_reader *said)
{
    unsigned count = trace->point_count;
    if (count < 2) {
        complain(reader->complaints, said->place, "%s has one line only, and nothing to loop", said->file);
        return false;
    }
    trace->period_ns = 2 * trace->points[count - 1].at - trace->points[count - 2].at;
    if (trace->period_ns <= 366 * 86400 * STRATA_SECOND)
        return true;
    complain(reader->complaints, said->place, "%s takes more than a year to begin again", said->file);
    return false;
}

const struct strata_link_trace *read_trace(struct reader_state *reader, const yaml_node_t *value)
{
    struct trace_reader said = {.place = place_of(value)};
    if (value->type == YAML_SCALAR_NODE)
        trace_file(reader, value, &said);
    else
        read_mapping(reader, value, &shape_trace_mapping, &said);
    if (!said.file || !*said.file)
        return NULL;
    const struct scenario_input *input = reader->input;
    const char *includer = said.place.file < reader->complaints->file_count && reader->complaints->files
                               ? reader->complaints->files[said.place.file]
                               : reader->scenario->file;
    const char *path = path_beside(&reader->scenario->arena, includer, said.file);
    char *text = NULL, *ended, wrong[200];
    size_t length = 0;
    int error = input && input->load ? input->load(input->context, path, &text, &length) : -EACCES;
    if (error) {
        complain(reader->complaints, said.place, "%s cannot be read: %s", path, strerror(-error));
        return NULL;
    }
    struct strata_link_trace *trace = arena_take(&reader->scenario->arena, sizeof *trace);
    ended = realloc(text, length + 1);
    if (!ended) {
        free(text);
        complain(reader->complaints, said.place, "%s cannot be read: %s", path, strerror(ENOMEM));
        return NULL;
    }
    ended[length] = '\0';
    unsigned line = trace_parse(trace, reader->scenario, ended, said.deliveries, wrong);
    free(ended);
    if (line > 0) {
        complain(reader->complaints, said.place, "%s:%u: %s", path, line, wrong);
        return NULL;
    }
    return said.loop && !said.deliveries && !make_loop(reader, trace, &said) ? NULL : trace;
}
