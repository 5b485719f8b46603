/*
 * The section `events`: what happens to the world while it runs, and when.
 */
#include "lab/scenario_yaml.h"

struct event_reader {
    struct said said; /**< First. */
    struct scenario_event event;
    int actions;
    bool has_at;
};

static void begin_action(struct reader_state *reader, const yaml_node_t *value, struct event_reader *event,
                         enum scenario_action action)
{
    if (event->actions++ == 1)
        complain(reader->complaints, place_of(value), "one event does one thing; write a second event");
    event->event.action = action;
    event->event.target_place = place_of(value);
}

static void read_at(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    struct event_reader *event = into;
    event->event.at = read_duration(reader, value);
    event->has_at = true;
}

#define ACTION_KEY(word, action)                                                                             \
    static void event_##word(struct reader_state *reader, const yaml_node_t *value, void *into)              \
    {                                                                                                        \
        begin_action(reader, value, into, action);                                                           \
        ((struct event_reader *)into)->event.target = read_text(reader, value);                              \
    }
ACTION_KEY(cut, EVENT_CUT)
ACTION_KEY(mend, EVENT_MEND)
ACTION_KEY(crash, EVENT_CRASH)
ACTION_KEY(restart, EVENT_RESTART)
ACTION_KEY(set, EVENT_SET)
ACTION_KEY(start, EVENT_START)

static void event_note(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    begin_action(reader, value, into, EVENT_NOTE);
    ((struct event_reader *)into)->event.text = read_text(reader, value);
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

static const struct key event_keys[] = {
    {"at", read_at, true, &shape_time, "when"},
    {"cut", event_cut, false, &shape_text, "a link loses its carrier; what is under way is lost"},
    {"mend", event_mend, false, &shape_text, "a link that was cut works again"},
    {"crash", event_crash, false, &shape_text, "power is gone at a node; what was not synced to disk is lost"},
    {"restart", event_restart, false, &shape_text, "a node that crashed comes up again"},
    {"set", event_set, false, &shape_text, "a link behaves differently from now on; with loss, delay and the like"},
    {"note", event_note, false, &shape_text, "a line in the timeline"},
    {"start", event_start, false, &shape_text, "a program begins on this node; with run"},
    {"run", read_event_run, false, &shape_program, "of start: the program"},
    {"direction", read_direction, false, &shape_direction, "of set: both unless given"},
    KEYS_OF(shape_impairment),
};
const struct shape shape_event = {.kind = SHAPE_MAPPING, .what = "an event", .keys = event_keys};

void read_event(struct reader_state *reader, const yaml_node_t *item, void *into)
{
    struct scenario *scenario = into;
    struct event_reader event = {.event = {.place = place_of(item), .direction = {true, true}}};
    read_mapping(reader, item, &shape_event, &event);
    if (item->type != YAML_MAPPING_NODE)
        return;
    if (event.actions == 0) {
        complain(reader->complaints, place_of(item),
                 "an event says what happens: cut, mend, crash, restart, set, start or note");
        return;
    }
    event.event.changed = event.said.fields;
    event.event.impairment = event.said.impairment;
    event.event.faults = event.said.faults;
    if (event.event.action == EVENT_SET && event.said.fields == 0 && event.said.faults.count == 0)
        complain(reader->complaints, place_of(item), "set needs something to set, such as loss: 5%%");
    if (event.event.action != EVENT_SET && (event.said.fields != 0 || event.said.faults.count > 0))
        complain(reader->complaints, place_of(item),
                 "loss, delay and the like belong to an event with set: CABLE");
    if (event.event.action == EVENT_START && !value_of(reader, item, "run"))
        complain(reader->complaints, place_of(item), "start needs the key run");
    if (event.event.action != EVENT_START && event.event.program)
        complain(reader->complaints, place_of(item), "run belongs to an event with start: NODE");
    *(struct scenario_event *)LIST_APPEND(scenario, scenario->events) = event.event;
}
