/*
 * The section `checks`: what must hold at the end. Each check is a mapping whose first word says what is
 * looked at.
 */
#include "lab/scenario_expand.h"
#include "lab/scenario_figures.h"
#include "lab/scenario_segments.h"
#include "lab/scenario_yaml.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/** So many ports of a range are looked at. */
#define PORTS_MAX 100000

struct check_reader {
    struct scenario_check check;
    int kinds;
};

static void begin_kind(struct reader_state *reader, const yaml_node_t *value, struct check_reader *check,
                       enum check_kind kind)
{
    if (check->kinds++ == 1)
        complain(reader->complaints, place_of(value), "one check looks at one thing; write a second check");
    check->check.kind = kind;
    check->check.target_place = place_of(value);
}

#define KIND_KEY(word, kind)                                                                                 \
    static void check_##word(struct reader_state *reader, const yaml_node_t *value, void *into)              \
    {                                                                                                        \
        begin_kind(reader, value, into, kind);                                                               \
        ((struct check_reader *)into)->check.target = read_text(reader, value);                              \
    }
KIND_KEY(program, CHECK_PROGRAM)
KIND_KEY(output, CHECK_OUTPUT)
KIND_KEY(counter, CHECK_COUNTER)
KIND_KEY(received, CHECK_RECEIVED)
KIND_KEY(cable, CHECK_CABLE)
KIND_KEY(segments, CHECK_SEGMENTS)
KIND_KEY(window, CHECK_WINDOW)
KIND_KEY(stations, CHECK_STATIONS)

static void add_port(struct reader_state *reader, const yaml_node_t *item, void *into)
{
    struct check_reader *check = into;
    struct scenario_port port = {.place = place_of(item), .text = read_text(reader, item)};
    struct range range;
    if (!range_parse(port.text, &range)) {
        *(struct scenario_port *)LIST_APPEND(reader->scenario, check->check.ports) = port;
        return;
    }
    for (int64_t i = 0; i < range_count(&range) && i < PORTS_MAX; i++) {
        port.text = range_name(&reader->scenario->arena, &range, i);
        *(struct scenario_port *)LIST_APPEND(reader->scenario, check->check.ports) = port;
    }
}

static void check_fairness(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    begin_kind(reader, value, into, CHECK_FAIRNESS);
    read_items(reader, value, "fairness", false, add_port, into);
}

static void read_of(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    read_items(reader, value, "of", true, add_port, into);
}

static void read_behind(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    ((struct check_reader *)into)->check.port = read_port_name(reader, place_of(value), read_text(reader, value));
}

static const struct shape shape_window = {.kind = SHAPE_WORD, .words = window_words};

static void read_figure(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    int word = read_word(reader, value, window_words);
    if (word >= 0)
        ((struct check_reader *)into)->check.window = (enum window_word)word;
}

/* What goes with `segments`; its keys may stand before it. */
static struct scenario_segments *segments_of(struct reader_state *reader, struct check_reader *check)
{
    if (!check->check.segments) {
        check->check.segments = arena_take(&reader->scenario->arena, sizeof *check->check.segments);
        check->check.segments->connection = 1;
    }
    return check->check.segments;
}

static void read_shows(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    read_segments_shows(reader, value, segments_of(reader, into));
}

static void read_numbers(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    read_segments_numbers(reader, value, segments_of(reader, into));
}

static void read_after(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    struct check_reader *check = into;
    check->check.after = segments_of(reader, check)->after = read_duration(reader, value);
}

static void read_from(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    struct scenario_segments *segments = segments_of(reader, into);
    segments->from = read_text(reader, value);
    segments->from_place = place_of(value);
}

static void read_connection(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    segments_of(reader, into)->connection = (unsigned)read_integer(reader, value, 1, 1000000);
}

/** "NODE:/PATH" */
static struct scenario_path read_path(struct reader_state *reader, const yaml_node_t *value)
{
    struct scenario_path path = {.place = place_of(value), .node_name = "", .path = ""};
    const char *text = read_text(reader, value), *colon = strchr(text, ':');
    if (!*text)
        return path;
    if (!colon || colon[1] != '/') {
        complain(reader->complaints, place_of(value), "%s is not a file on a node, such as laptop:/page.html",
                 text);
        return path;
    }
    path.node_name = arena_text(&reader->scenario->arena, text, (size_t)(colon - text));
    path.path = colon + 1;
    return path;
}

static void check_file(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    struct check_reader *check = into;
    begin_kind(reader, value, check, CHECK_FILE);
    check->check.file = read_path(reader, value);
    check->check.target = read_text(reader, value);
}

static void check_before(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    struct check_reader *check = into;
    begin_kind(reader, value, check, CHECK_TIME);
    check->check.before = read_duration(reader, value);
}

static const char *const done_words[] = {"done", NULL};
static const struct shape shape_done = {.kind = SHAPE_WORD, .words = done_words};

static void check_programs(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    begin_kind(reader, value, into, CHECK_PROGRAMS);
    read_word(reader, value, done_words);
}

static void add_drops_node(struct reader_state *reader, const yaml_node_t *item, void *into)
{
    struct check_reader *check = into;
    struct scenario_path path = {.place = place_of(item), .node_name = read_text(reader, item), .path = ""};
    *(struct scenario_path *)LIST_APPEND(reader->scenario, check->check.nodes) = path;
}

/** `no_drops: true` looks at all hosts, a list at some. */
static void check_drops(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    begin_kind(reader, value, into, CHECK_DROPS);
    if (value->type == YAML_SEQUENCE_NODE)
        read_items(reader, value, "no_drops", false, add_drops_node, into);
    else if (!read_bool(reader, value))
        complain(reader->complaints, place_of(value), "no_drops is true, or a list of nodes");
}

static void read_check_name(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    ((struct check_reader *)into)->check.name = read_text(reader, value);
}

static void read_check_node(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    struct check_reader *check = into;
    check->check.node_name = read_text(reader, value);
    check->check.node_place = place_of(value);
}

static void read_exits(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    struct check_reader *check = into;
    check->check.exits = read_integer(reader, value, -4096, 4096);
    check->check.has_exits = true;
}

static void read_contains(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    ((struct check_reader *)into)->check.contains = read_text(reader, value);
}

static void read_sha256(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    const char *text = read_text(reader, value);
    if (*text && (strlen(text) != 64 || strspn(text, "0123456789abcdef") != 64))
        complain(reader->complaints, place_of(value), "%s is not a SHA-256: 64 digits from 0 to 9 and a to f",
                 text);
    ((struct check_reader *)into)->check.sha256 = text;
}

static void read_check_size(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    struct check_reader *check = into;
    check->check.size_bytes = read_bytes(reader, value);
    check->check.has_size = true;
}

/** A number, where counts may be written as sizes, and shares (of the efficiency of a bus) in per cent. */
static int64_t read_count(struct reader_state *reader, const yaml_node_t *value)
{
    const char *text = value->type == YAML_SCALAR_NODE ? (const char *)value->data.scalar.value : "";
    if (*text && text[strlen(text) - 1] == '%')
        return read_share(reader, value);
    uint64_t bytes = read_bytes(reader, value);
    return bytes > INT64_MAX ? INT64_MAX : (int64_t)bytes;
}

static void read_min(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    struct check_reader *check = into;
    check->check.min = read_count(reader, value);
    check->check.has_min = true;
}

static void read_max(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    struct check_reader *check = into;
    check->check.max = read_count(reader, value);
    check->check.has_max = true;
}

/** A number, or another file, depending on what is looked at: read when the kind is known. */
static void read_equals(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    (void)reader;
    (void)value;
    (void)into;
}

static const char *const counted_words[] = {"sent",       "delivered",       "lost",
                                            "bytes_sent", "bytes_delivered", "duplicated",
                                            "reordered",  "corrupted",       "marked",     "queue",
                                            BUS_COUNTS,   NULL};
static const struct shape shape_counted = {.kind = SHAPE_WORD, .words = counted_words};

static void read_class(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    struct check_reader *check = into;
    check->check.class_name = read_text(reader, value);
    check->check.class_place = place_of(value);
}

static void read_counted(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    int word = read_word(reader, value, counted_words);
    if (word >= 0)
        ((struct check_reader *)into)->check.counted = counted_words[word];
}

static const struct shape shape_measure = {.kind = SHAPE_WORD, .words = measure_words};

/** What is measured of a cable. */
static void read_measure(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    struct check_reader *check = into;
    int word = read_word(reader, value, measure_words);
    check->check.has_measure = true;
    if (word >= 0)
        check->check.measure = (enum measure_word)word;
}

static const char *const direction_words[] = {"forward", "backward", NULL};
static const struct shape shape_one_direction = {.kind = SHAPE_WORD, .words = direction_words};

static void read_check_direction(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    ((struct check_reader *)into)->check.direction = read_word(reader, value, direction_words) == 1;
}

static void read_value(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    struct check_reader *check = into;
    const char *text = read_text(reader, value);
    check->check.has_value = true;
    check->check.value_place = place_of(value);
    if (*text && quantity_parse(text, &check->check.value) != 0)
        complain(reader->complaints, place_of(value),
                 "%s is not a number, a time such as 12.5ms or a rate such as 64kbit/s", text);
}

static void read_within(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    ((struct check_reader *)into)->check.within_ppm = read_share(reader, value);
}

static void read_lacks(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    ((struct check_reader *)into)->check.lacks = read_text(reader, value);
}

/** Which further keys each kind takes, in the order of enum check_kind. */
static const char *const companions[] = {
    [CHECK_PROGRAM] = "node exits prints lacks value within",
    [CHECK_OUTPUT] = "contains equals lacks value within",
    [CHECK_FILE] = "equals contains sha256 size",
    [CHECK_COUNTER] = "node min max equals",
    [CHECK_DROPS] = "",
    [CHECK_RECEIVED] = "min max equals of value within",
    [CHECK_CABLE] = "count class min max equals",
    [CHECK_MEASURE] = "measure class direction value within",
    [CHECK_TIME] = "",
    [CHECK_PROGRAMS] = "",
    [CHECK_SEGMENTS] = "shows after from numbers connection",
    [CHECK_FAIRNESS] = "value within",
    [CHECK_WINDOW] = "figure after min max equals value within",
    [CHECK_STATIONS] = "node behind min max equals",
};
static const char *const kind_words[] = {
    [CHECK_PROGRAM] = "program", [CHECK_OUTPUT] = "output",    [CHECK_FILE] = "file",
    [CHECK_COUNTER] = "counter", [CHECK_DROPS] = "no_drops",   [CHECK_RECEIVED] = "received",
    [CHECK_CABLE] = "cable",     [CHECK_MEASURE] = "measure",  [CHECK_TIME] = "done_before",
    [CHECK_PROGRAMS] = "programs", [CHECK_SEGMENTS] = "segments",
    [CHECK_FAIRNESS] = "fairness", [CHECK_WINDOW] = "window", [CHECK_STATIONS] = "stations",
};

/** What is expected of a measurement has its dimension; what a program prints has the one it is printed with. */
static void check_value(struct reader_state *reader, const struct scenario_check *check)
{
    static const enum dimension dimensions[] = {
        [MEASURE_DELAY] = DIMENSION_TIME,   [MEASURE_DELAY_MIN] = DIMENSION_TIME,
        [MEASURE_DELAY_MAX] = DIMENSION_TIME, [MEASURE_WAITING] = DIMENSION_TIME,
        [MEASURE_INSIDE] = DIMENSION_NUMBER, [MEASURE_THROUGHPUT] = DIMENSION_RATE,
        [MEASURE_UTILISATION] = DIMENSION_NUMBER, [MEASURE_LITTLE] = DIMENSION_NUMBER,
    };
    static const char *const names[] = {"a number such as 0.5", "a time such as 12.5ms", "a rate such as 64kbit/s"};
    if (check->kind == CHECK_MEASURE && check->has_value && check->value.dimension != dimensions[check->measure])
        complain(reader->complaints, check->value_place, "%s is %s", measure_words[check->measure],
                 names[dimensions[check->measure]]);
    bool plain = check->kind == CHECK_RECEIVED || check->kind == CHECK_FAIRNESS || check->kind == CHECK_WINDOW;
    if (plain && check->has_value && check->value.dimension != DIMENSION_NUMBER)
        complain(reader->complaints, check->value_place, "%s is %s", kind_words[check->kind], names[DIMENSION_NUMBER]);
    if (check->kind == CHECK_PROGRAM || check->kind == CHECK_OUTPUT) {
        if (check->has_value && !check->contains)
            complain(reader->complaints, check->value_place,
                     "value is the number behind a text: say which, with %s",
                     check->kind == CHECK_PROGRAM ? "prints" : "contains");
    }
    if (check->within_ppm > 0 && !check->has_value)
        complain(reader->complaints, check->place, "within needs a value to be near to");
}

static bool has_word(const char *words, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = words; (at = strstr(at, word)); at += length)
        if ((at == words || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0'))
            return true;
    return false;
}

/** Keys that say of what, not what is expected. */
static bool is_condition(const char *key)
{
    return has_word("node count measure direction within after from numbers connection of figure behind class", key);
}

/** Complains about keys that belong to another kind of check, and reads `equals`, which means different
 * things. */
static void check_companions(struct reader_state *reader, const yaml_node_t *item,
                             struct scenario_check *check, unsigned before)
{
    static const char *const all[] = {"node", "exits", "prints", "contains", "equals", "sha256",
                                      "size", "min",   "max",    "count",    "lacks",  "value",
                                      "within", "measure", "direction", "shows", "after", "from",
                                      "numbers", "connection", "of", "figure", "behind", "class", NULL};
    const char *allowed = companions[check->kind];
    bool any = false;
    for (int i = 0; all[i]; i++) {
        const yaml_node_t *value = value_of(reader, item, all[i]);
        if (!value)
            continue;
        any = any || !is_condition(all[i]);
        if (!has_word(allowed, all[i]))
            complain(reader->complaints, place_of(value), "%s does not go with %s; it takes %s", all[i],
                     kind_words[check->kind], *allowed ? allowed : "nothing else");
    }
    if (*allowed && !any && reader->complaints->count == before)
        complain(reader->complaints, place_of(item),
                 "the check of %s says nothing that could fail; it takes %s", kind_words[check->kind],
                 allowed);
    const yaml_node_t *equals = value_of(reader, item, "equals");
    if (!equals)
        return;
    if (check->kind == CHECK_FILE) {
        check->other = read_path(reader, equals);
    } else if (check->kind == CHECK_OUTPUT) {
        check->text = read_text(reader, equals);
    } else if (has_word(allowed, "equals")) {
        check->equals = read_count(reader, equals);
        check->has_equals = true;
    }
}

static const char *format(struct scenario *scenario, const char *pattern, ...)
    __attribute__((format(printf, 2, 3)));
static const char *format(struct scenario *scenario, const char *pattern, ...)
{
    char text[300];
    va_list arguments;
    va_start(arguments, pattern);
    vsnprintf(text, sizeof text, pattern, arguments);
    va_end(arguments);
    return arena_text(&scenario->arena, text, strlen(text));
}

/** A sentence for a check without a name. */
static const char *name_check(struct scenario *scenario, const struct scenario_check *check)
{
    const char *target = check->target ? check->target : "";
    switch (check->kind) {
    case CHECK_PROGRAM:
        if (check->has_exits)
            return format(scenario, "program %s ends with status %lld", target, (long long)check->exits);
        return format(scenario, "program %s prints what it should", target);
    case CHECK_OUTPUT:
        return format(scenario, "output of %s", target);
    case CHECK_FILE:
        return check->other.path && *check->other.path ? format(scenario, "file %s equals %s:%s", target,
                                                                check->other.node_name, check->other.path)
                                                       : format(scenario, "file %s", target);
    case CHECK_COUNTER:
        return format(scenario, "counter %s of %s", target,
                      check->node_name ? check->node_name : "all nodes");
    case CHECK_DROPS:
        return "nothing is dropped";
    case CHECK_RECEIVED:
        return format(scenario, "bytes received by %s", target);
    case CHECK_CABLE:
        if (check->class_name)
            return format(scenario, "%s of class %s on %s", check->counted ? check->counted : "sent", check->class_name,
                          target);
        if (check->counted && strcmp(check->counted, "queue") == 0)
            return format(scenario, "longest queue on %s", target);
        if (check->counted && is_bus_count(check->counted))
            return format(scenario, "%s on %s", check->counted, target);
        return format(scenario, "frames %s on %s", check->counted ? check->counted : "sent", target);
    case CHECK_MEASURE:
        return format(scenario, "%s of %s %s", measure_words[check->measure], target,
                      check->direction ? "backward" : "forward");
    case CHECK_TIME:
        return format(scenario, "done before %lld.%03lld s", (long long)(check->before / STRATA_SECOND),
                      (long long)(check->before % STRATA_SECOND / STRATA_MILLISECOND));
    case CHECK_SEGMENTS:
        return format(scenario, "segments on %s", target);
    case CHECK_FAIRNESS:
        return format(scenario, "Jain's index of %u shares", check->ports.count);
    case CHECK_WINDOW:
        return format(scenario, "windows of %s: %s", target, window_words[check->window]);
    case CHECK_STATIONS:
        return format(scenario, "stations that %s knows", target);
    case CHECK_PROGRAMS:
        break;
    }
    return "all programs are done";
}

static const struct shape shape_status = {.kind = SHAPE_INTEGER, .least = -4096, .most = 4096},
                          shape_names = {.kind = SHAPE_LIST, .item = &shape_text};
static const struct shape *const amount_shapes[] = {&shape_size, &shape_share, NULL};
static const struct shape shape_amount = {.kind = SHAPE_EITHER, .either = amount_shapes};

static const char *name_counter(unsigned index, const char **help)
{
    *help = index < strata_counters() ? strata_counter_help(index) : NULL;
    return index < strata_counters() ? strata_counter_name(index) : NULL;
}

static const struct shape shape_counter = {.kind = SHAPE_TEXT, .names = name_counter};
static const struct shape *const drops_shapes[] = {&shape_boolean, &shape_names, NULL};
static const struct shape shape_drops = {.kind = SHAPE_EITHER, .either = drops_shapes};
static const struct shape shape_ports = {.kind = SHAPE_LIST, .single = true, .item = &shape_text};
static const struct shape shape_shows = {.kind = SHAPE_LIST, .single = true, .item = &shape_text};
static const struct shape shape_numbers = {.kind = SHAPE_ENTRIES, .item = &shape_integer};

static const struct key check_keys[] = {
    {"program", check_program, false, &shape_text, "a program, by its name; with exits, prints or lacks"},
    {"output", check_output, false, &shape_text, "all that programs on a node printed; with contains, equals or lacks"},
    {"file", check_file, false, &shape_text, "NODE:/PATH; with equals, contains, sha256 or size"},
    {"counter", check_counter, false, &shape_counter, "strata counters lists them; with min, max or equals"},
    {"received", check_received, false, &shape_text, "bytes that came in at NODE:eth1; with min, max or equals"},
    {"cable", check_cable, false, &shape_text, "a link; with count, and min, max or equals; or with measure"},
    {"segments", check_segments, false, &shape_text, "the TCP segments on a link; with shows"},
    {"done_before", check_before, false, &shape_time, "all programs that are waited for have ended by then"},
    {"programs", check_programs, false, &shape_done, "all programs that are waited for have ended"},
    {"no_drops", check_drops, false, &shape_drops, "no node dropped anything, or none of these"},
    {"name", read_check_name, false, &shape_text, "what it is called in the result"},
    {"node", read_check_node, false, &shape_text, "of a program or counter: where"},
    {"exits", read_exits, false, &shape_status, "the status a program ended with"},
    {"prints", read_contains, false, &shape_text, "a text that the program printed"},
    {"contains", read_contains, false, &shape_text, "a text that is in it"},
    {"equals", read_equals, false, &shape_text, "a number, a text or another file NODE:/PATH"},
    {"sha256", read_sha256, false, &shape_text, "of the file, as 64 digits"},
    {"size", read_check_size, false, &shape_size, "of the file"},
    {"min", read_min, false, &shape_amount, "at least so much"},
    {"max", read_max, false, &shape_amount, "at most so much"},
    {"count", read_counted, false, &shape_counted, "what is counted on a cable; sent unless given"},
    {"class", read_class, false, &shape_text, "only this class of the cable's queue, such as voice or office/voice"},
    {"measure", read_measure, false, &shape_measure, "what is measured on a cable; with value"},
    {"direction", read_check_direction, false, &shape_one_direction, "of what is measured; forward unless given"},
    {"value", read_value, false, &shape_text, "a number, time or rate: what is measured, or stands behind the text"},
    {"within", read_within, false, &shape_share, "the value may be missed by this share of it"},
    {"fairness", check_fairness, false, &shape_ports, "Jain's index of the bytes received at these ports; with value"},
    {"window", check_window, false, &shape_text, "congestion windows of a node; with figure, and value or min, max"},
    {"stations", check_stations, false, &shape_text, "how many stations a switch knows; with min, max or equals"},
    {"of", read_of, false, &shape_ports, "of received: its share of the bytes of these ports; with value"},
    {"figure", read_figure, false, &shape_window, "falls, the share kept, the peak, or the mean over the peak"},
    {"behind", read_behind, false, &shape_text, "of stations: only those behind this port"},
    {"shows", read_shows, false, &shape_shows, "a line for each segment, such as a 92/8 ack 79; ... stands for any"},
    {"after", read_after, false, &shape_time, "of segments: only those from then on"},
    {"from", read_from, false, &shape_text, "of segments: only those that this node sent"},
    {"numbers", read_numbers, false, &shape_numbers, "of segments: what the first byte of a node is called"},
    {"connection", read_connection, false, &shape_integer, "of segments: which connection, in order; 1 unless given"},
    {"lacks", read_lacks, false, &shape_text, "a text that was not printed"},
    KEYS_END,
};
const struct shape shape_check = {.kind = SHAPE_MAPPING, .what = "a check", .keys = check_keys};

void read_check(struct reader_state *reader, const yaml_node_t *item, void *into)
{
    struct scenario *scenario = into;
    struct check_reader check = {.check = {.place = place_of(item)}};
    unsigned before = reader->complaints->count; // what is wrong already may be what is missed
    read_mapping(reader, item, &shape_check, &check);
    if (item->type != YAML_MAPPING_NODE)
        return;
    if (check.kinds == 0) {
        if (reader->complaints->count == before)
            complain(reader->complaints, place_of(item),
                 "a check says what is looked at: program, output, file, counter, received, cable, "
                 "segments, window, fairness, stations, no_drops, programs or done_before");
        return;
    }
    if (check.check.kind == CHECK_CABLE && check.check.has_measure)
        check.check.kind = CHECK_MEASURE;
    check_companions(reader, item, &check.check, before);
    check_value(reader, &check.check);
    if (!check.check.name)
        check.check.name = name_check(scenario, &check.check);
    *(struct scenario_check *)LIST_APPEND(scenario, scenario->checks) = check.check;
}
