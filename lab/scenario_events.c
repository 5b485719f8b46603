/*
 * The sections `events` and `groups`: what happens to the world while it runs, when, and to whom.
 */
#include "lab/scenario_yaml.h"

#include <string.h>

struct event_reader {
    struct said said; /**< First. */
    struct scenario_event event;
    int actions;
};

/** @return whether it is the first thing that the event does. */
static bool begin_action(struct reader_state *reader, const yaml_node_t *value, struct event_reader *event,
                         enum scenario_action action)
{
    if (event->actions++ > 0) {
        complain(reader->complaints, place_of(value), "one event does one thing; write a second event");
        return false;
    }
    event->event.action = action;
    event->event.target_place = place_of(value);
    return true;
}

/* ---- Names ----------------------------------------------------------------------------------------------- */

static void add_name(struct reader_state *reader, const yaml_node_t *item, void *into)
{
    scenario_names *names = into;
    const char *text = read_text(reader, item);
    if (*text)
        *(struct scenario_name *)LIST_APPEND(reader->scenario, *names) =
            (struct scenario_name){.place = place_of(item), .text = text};
}

static const struct shape shape_names = {.kind = SHAPE_LIST, .single = true, .item = &shape_text};
const struct shape shape_groups = {.kind = SHAPE_ENTRIES, .item = &shape_names};

void read_names(struct reader_state *reader, const yaml_node_t *value, const char *what, scenario_names *names)
{
    read_items(reader, value, what, true, add_name, names);
}

void read_group(struct reader_state *reader, const yaml_node_t *key, const yaml_node_t *value, void *into)
{
    struct scenario *scenario = into;
    struct scenario_group *group = arena_take(&scenario->arena, sizeof *group);
    const char *name = (const char *)key->data.scalar.value;
    group->place = place_of(key);
    group->name = arena_text(&scenario->arena, name, strlen(name));
    read_names(reader, value, "a group", &group->members);
    *(struct scenario_group **)LIST_APPEND(scenario, scenario->groups) = group;
}

/* ---- Times ----------------------------------------------------------------------------------------------- */

/** A time, or two with a hyphen between them. */
static struct scenario_span read_span(struct reader_state *reader, const yaml_node_t *value)
{
    const char *text = value->type == YAML_SCALAR_NODE ? (const char *)value->data.scalar.value : "";
    const char *hyphen = strchr(text, '-');
    struct scenario_span span = {0};
    if (!hyphen || hyphen == text) {
        span.least = span.most = read_duration(reader, value);
        return span;
    }
    char *least = arena_text(&reader->scenario->arena, text, (size_t)(hyphen - text));
    for (char *end = least + strlen(least); end > least && end[-1] == ' ';)
        *--end = '\0';
    const char *most = hyphen + 1 + strspn(hyphen + 1, " ");
    if (parse_duration(least, &span.least) != 0 || parse_duration(most, &span.most) != 0)
        complain(reader->complaints, place_of(value), "%s is not a range of times such as 1s-5s", text);
    else if (span.most < span.least)
        complain(reader->complaints, place_of(value), "%s ends before it begins", text);
    else
        return span;
    return (struct scenario_span){0};
}

static const struct shape shape_span = {.kind = SHAPE_TIME, .single = true};

static void read_at(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    ((struct event_reader *)into)->event.at = read_span(reader, value);
}

static void read_every(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    struct event_reader *event = into;
    event->event.every = read_span(reader, value);
    strata_time time = 1;
    const char *text = value->type == YAML_SCALAR_NODE ? (const char *)value->data.scalar.value : "";
    if (parse_duration(text, &time) == 0 && time == 0)
        complain(reader->complaints, place_of(value), "every is more than 0");
}

static void read_times(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    ((struct event_reader *)into)->event.times = (uint32_t)read_integer(reader, value, 1, 1000000000);
}

static void read_down(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    struct event_reader *event = into;
    event->event.down = read_duration(reader, value);
    if (event->event.down == 0)
        complain(reader->complaints, place_of(value), "down is more than 0");
}

/* ---- What happens ---------------------------------------------------------------------------------------- */

#define ACTION_KEY(word, action)                                                                             \
    static void event_##word(struct reader_state *reader, const yaml_node_t *value, void *into)              \
    {                                                                                                        \
        if (begin_action(reader, value, into, action))                                                       \
            read_names(reader, value, #word, &((struct event_reader *)into)->event.targets);                 \
    }
ACTION_KEY(cut, EVENT_CUT)
ACTION_KEY(mend, EVENT_MEND)
ACTION_KEY(flap, EVENT_FLAP)
ACTION_KEY(crash, EVENT_CRASH)
ACTION_KEY(restart, EVENT_RESTART)
ACTION_KEY(set, EVENT_SET)
ACTION_KEY(start, EVENT_START)

static void event_note(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    if (begin_action(reader, value, into, EVENT_NOTE))
        ((struct event_reader *)into)->event.text = read_text(reader, value);
}

/** A side of a partition: one name, or a list. */
static void add_side(struct reader_state *reader, const yaml_node_t *item, void *into)
{
    struct event_reader *event = into;
    scenario_names side = {0};
    read_names(reader, item, "a side", &side);
    *(scenario_names *)LIST_APPEND(reader->scenario, event->event.sides) = side;
}

static void event_partition(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    if (!begin_action(reader, value, into, EVENT_PARTITION))
        return;
    if (value->type == YAML_MAPPING_NODE ||
        (value->type == YAML_SEQUENCE_NODE && value->data.sequence.items.start == value->data.sequence.items.top))
        complain(reader->complaints, place_of(value), "a partition has sides, such as [[a, b], [c]]");
    else
        read_items(reader, value, "partition", true, add_side, into);
}

static void event_heal(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    if (begin_action(reader, value, into, EVENT_HEAL) && !read_bool(reader, value))
        complain(reader->complaints, place_of(value), "heal is true: it ends the partition there is");
}

static const char *const disk_words[] = {"kept", "lost", NULL};
static const struct shape shape_disk = {.kind = SHAPE_WORD, .words = disk_words};

static void read_disk(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    ((struct event_reader *)into)->event.lose_disk = read_word(reader, value, disk_words) == 1;
}

static const char *const direction_words[] = {"both", "forward", "backward", NULL};
static const struct shape shape_direction = {.kind = SHAPE_WORD, .words = direction_words};

static void read_direction(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    struct event_reader *event = into;
    int word = read_word(reader, value, direction_words);
    event->event.direction[0] = word != 2;
    event->event.direction[1] = word != 1;
}

static void read_event_run(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    struct event_reader *event = into;
    struct scenario_program *program = arena_take(&reader->scenario->arena, sizeof *program);
    program->status = -1;
    read_program(reader, value, program);
    if (program->entry)
        event->event.program = program;
}

static const struct shape shape_times = {.kind = SHAPE_INTEGER, .least = 1, .most = 1000000000};
static const struct shape shape_sides = {.kind = SHAPE_LIST, .single = true, .item = &shape_names};
static const struct key event_keys[] = {
    {"at", read_at, true, &shape_span, "when; 1s-5s is a time that the seed decides"},
    {"every", read_every, false, &shape_span, "and again each time so much later; 1s-5s: drawn anew each time"},
    {"times", read_times, false, &shape_times, "of every: so often; as long as the world runs unless given"},
    {"cut", event_cut, false, &shape_names, "links lose their carrier; what is under way is lost"},
    {"mend", event_mend, false, &shape_names, "links that were cut work again"},
    {"flap", event_flap, false, &shape_names, "links are cut, and mended after the time that down says"},
    {"down", read_down, false, &shape_time, "of flap: for how long; 1s unless given"},
    {"partition", event_partition, false, &shape_sides,
     "hosts on different sides hear nothing of each other: [[a, b], [c]]"},
    {"heal", event_heal, false, &shape_boolean, "ends the partition"},
    {"crash", event_crash, false, &shape_names, "power is gone at nodes; what was not synced to disk is lost"},
    {"disk", read_disk, false, &shape_disk, "of crash: kept unless given; lost: all that was on it is gone, too"},
    {"restart", event_restart, false, &shape_names, "nodes that crashed come up again"},
    {"set", event_set, false, &shape_names, "links behave differently from now on; with loss, delay and the like"},
    {"note", event_note, false, &shape_text, "a line in the timeline"},
    {"start", event_start, false, &shape_names, "a program begins on these nodes; with run"},
    {"run", read_event_run, false, &shape_program, "of start: the program"},
    {"direction", read_direction, false, &shape_direction, "of set: both unless given"},
    KEYS_OF(shape_impairment),
};
const struct shape shape_event = {.kind = SHAPE_MAPPING, .what = "an event", .keys = event_keys};

/** A key that goes with some actions only. */
static void belongs(struct reader_state *reader, const yaml_node_t *item, const char *key, bool fits, const char *to)
{
    const yaml_node_t *value = fits ? NULL : value_of(reader, item, key);
    if (value)
        complain(reader->complaints, place_of(value), "%s belongs to an event with %s", key, to);
}

static void check_event(struct reader_state *reader, const yaml_node_t *item, const struct event_reader *read)
{
    const struct scenario_event *event = &read->event;
    bool set = event->action == EVENT_SET, says = read->said.fields != 0 || read->said.faults.count > 0;
    if (set && !says)
        complain(reader->complaints, place_of(item), "set needs something to set, such as loss: 5%%");
    if (!set && says)
        complain(reader->complaints, place_of(item), "loss, delay and the like belong to an event with set: CABLE");
    if (event->action == EVENT_START && !value_of(reader, item, "run"))
        complain(reader->complaints, place_of(item), "start needs the key run");
    if (event->action != EVENT_START && event->program)
        complain(reader->complaints, place_of(item), "run belongs to an event with start: NODE");
    belongs(reader, item, "direction", set, "set: CABLE");
    belongs(reader, item, "down", event->action == EVENT_FLAP, "flap: CABLE");
    belongs(reader, item, "disk", event->action == EVENT_CRASH, "crash: NODE");
    belongs(reader, item, "times", event->every.most > 0 || !value_of(reader, item, "at"), "every: TIME");
    if (event->action == EVENT_FLAP && event->every.most > 0 && event->every.least <= event->down)
        complain(reader->complaints, place_of(value_of(reader, item, "every")),
                 "a flap is over before the next one begins: every is more than down, which is 1s unless given");
}

void read_event(struct reader_state *reader, const yaml_node_t *item, void *into)
{
    struct scenario *scenario = into;
    struct event_reader event = {.event = {.place = place_of(item), .direction = {true, true}, .down = STRATA_SECOND}};
    unsigned before = reader->complaints->count;
    read_mapping(reader, item, &shape_event, &event);
    if (item->type != YAML_MAPPING_NODE)
        return;
    if (event.actions == 0) {
        if (reader->complaints->count == before)
            complain(reader->complaints, place_of(item),
                     "an event says what happens: cut, mend, flap, partition, heal, crash, restart, set, start or "
                     "note");
        return;
    }
    event.event.changed = event.said.fields;
    event.event.impairment = event.said.impairment;
    event.event.faults = event.said.faults;
    check_event(reader, item, &event);
    *(struct scenario_event *)LIST_APPEND(scenario, scenario->events) = event.event;
}
