/*
 * The section `links`, the vocabulary of impairments (netem's words), and the section `events`.
 */
#include "lab/scenario_yaml.h"

#include <string.h>

#include "lab/discipline.h"

/* ---- Impairments
 * ------------------------------------------------------------------------------------------- */

static void read_enter(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    ((struct strata_impairment *)into)->burst_enter_ppm = read_share(reader, value);
}

static void read_leave(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    ((struct strata_impairment *)into)->burst_leave_ppm = read_share(reader, value);
}

static void read_burst_loss(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    ((struct strata_impairment *)into)->burst_loss_ppm = read_share(reader, value);
}

static void read_gemodel(struct reader_state *reader, const yaml_node_t *value,
                         struct strata_impairment *impairment)
{
    static const struct key keys[] = {{"p", read_enter, true},
                                      {"r", read_leave, true},
                                      {"1-h", read_burst_loss, false},
                                      {NULL, NULL, false}};
    read_mapping(reader, value, keys, "gemodel", impairment);
}

/* What a queue may be told. */
struct queue_reader {
    struct strata_queue queue;
    uint32_t limit;
};
#define QUEUE_FRAMES(word, field)                                                                            \
    static void queue_##word(struct reader_state *reader, const yaml_node_t *value, void *into)              \
    {                                                                                                        \
        ((struct queue_reader *)into)->field = (uint32_t)read_integer(reader, value, 1, 1000000);            \
    }
#define QUEUE_SHARE(word, field)                                                                             \
    static void queue_##word(struct reader_state *reader, const yaml_node_t *value, void *into)              \
    {                                                                                                        \
        ((struct queue_reader *)into)->field = read_share(reader, value);                                    \
        if (((struct queue_reader *)into)->field == 0)                                                       \
            complain(reader->complaints, place_of(value), #word " is more than 0");                          \
    }
#define QUEUE_TIME(word, field)                                                                              \
    static void queue_##word(struct reader_state *reader, const yaml_node_t *value, void *into)              \
    {                                                                                                        \
        ((struct queue_reader *)into)->field = read_duration(reader, value);                                 \
        if (((struct queue_reader *)into)->field == 0)                                                       \
            complain(reader->complaints, place_of(value), #word " is more than 0");                          \
    }
QUEUE_FRAMES(limit, limit)
QUEUE_FRAMES(mark, queue.mark_frames)
QUEUE_FRAMES(min, queue.min_frames)
QUEUE_FRAMES(max, queue.max_frames)
QUEUE_SHARE(probability, queue.probability_ppm)
QUEUE_SHARE(weight, queue.weight_ppm)
QUEUE_TIME(target, queue.target_ns)
QUEUE_TIME(interval, queue.interval_ns)

static void queue_kind(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    static const char *const words[] = {"fifo", "red", "codel", NULL}; // as in enum strata_queue_kind
    int word = read_word(reader, value, words);
    if (word >= 0)
        ((struct queue_reader *)into)->queue.kind = (enum strata_queue_kind)word;
}

static void queue_ecn(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    ((struct queue_reader *)into)->queue.ecn = read_bool(reader, value);
}

static bool is_one_of(const char *word, const char *const *words)
{
    for (int i = 0; words[i]; i++)
        if (strcmp(words[i], word) == 0)
            return true;
    return false;
}

/** Complains about keys that belong to another discipline. */
static void check_queue(struct reader_state *reader, const yaml_node_t *value,
                        const struct strata_queue *queue)
{
    static const char *const all[] = {"mark",        "ecn",    "min",    "max",
                                      "probability", "weight", "target", "interval"};
    static const struct {
        const char *name, *list;
        const char *const words[6];
    } kinds[] = {
        {"fifo", "limit and mark", {"mark", NULL}},
        {"red", "limit, ecn, min, max, probability and weight", {"ecn", "min", "max", "probability", "weight", NULL}},
        {"codel", "limit, ecn, target and interval", {"ecn", "target", "interval", NULL}},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        const yaml_node_t *found = value_of(reader, value, all[i]);
        if (found && !is_one_of(all[i], kinds[queue->kind].words))
            complain(reader->complaints, place_of(found), "%s does not go with the kind %s; it takes %s", all[i],
                     kinds[queue->kind].name, kinds[queue->kind].list);
    }
    struct strata_queue plain = {.kind = queue->kind, .min_frames = queue->min_frames, .max_frames = queue->max_frames};
    if (queue->kind == STRATA_QUEUE_RED && !queue_is_possible(&plain))
        complain(reader->complaints, place_of(value),
                 "min is less than max; min is 5 and max three times min unless given");
}

/** A kind alone, or a mapping. @return the fields that were set. */
static uint32_t read_queue(struct reader_state *reader, const yaml_node_t *value,
                           struct strata_impairment *impairment)
{
    static const struct key keys[] = {{"kind", queue_kind, true},
                                      {"limit", queue_limit, false},
                                      {"mark", queue_mark, false},
                                      {"ecn", queue_ecn, false},
                                      {"min", queue_min, false},
                                      {"max", queue_max, false},
                                      {"probability", queue_probability, false},
                                      {"weight", queue_weight, false},
                                      {"target", queue_target, false},
                                      {"interval", queue_interval, false},
                                      {NULL, NULL, false}};
    struct queue_reader queue = {0};
    if (value->type == YAML_MAPPING_NODE) {
        read_mapping(reader, value, keys, "a queue", &queue);
        check_queue(reader, value, &queue.queue);
    } else {
        queue_kind(reader, value, &queue);
    }
    impairment->queue = queue.queue;
    if (queue.limit == 0)
        return FIELD_QUEUE;
    impairment->queue_frames = queue.limit;
    return FIELD_QUEUE | FIELD_LIMIT;
}

bool read_impairment_key(struct reader_state *reader, const char *name, const yaml_node_t *value,
                         struct strata_impairment *impairment, uint32_t *fields)
{
    static const char *const words[] = {"rate",    "delay",     "jitter",        "loss",
                                        "gemodel", "duplicate", "reorder",       "reorder_delay",
                                        "corrupt", "limit",     "reorder_early", "queue"};
    unsigned word = 0;
    while (word < sizeof words / sizeof *words && strcmp(words[word], name) != 0)
        word++;
    if (word == sizeof words / sizeof *words)
        return false;
    uint32_t field = 1u << word;
    *fields |= field;
    switch ((enum impairment_field)field) {
    case FIELD_RATE:
        impairment->rate_bps = read_rate(reader, value);
        break;
    case FIELD_DELAY:
        impairment->delay_ns = read_duration(reader, value);
        break;
    case FIELD_JITTER:
        impairment->jitter_ns = read_duration(reader, value);
        break;
    case FIELD_LOSS:
        impairment->loss_ppm = read_share(reader, value);
        break;
    case FIELD_BURST:
        read_gemodel(reader, value, impairment);
        break;
    case FIELD_DUPLICATE:
        impairment->duplicate_ppm = read_share(reader, value);
        break;
    case FIELD_REORDER:
        impairment->reorder_ppm = read_share(reader, value);
        break;
    case FIELD_REORDER_DELAY:
        impairment->reorder_ns = read_duration(reader, value);
        break;
    case FIELD_CORRUPT:
        impairment->corrupt_ppm = read_share(reader, value);
        break;
    case FIELD_LIMIT:
        impairment->queue_frames = (uint32_t)read_integer(reader, value, 1, 100000000);
        break;
    case FIELD_REORDER_EARLY:
        impairment->reorder_early = read_bool(reader, value);
        break;
    case FIELD_QUEUE:
        *fields |= read_queue(reader, value, impairment);
        break;
    }
    return true;
}

void impairment_apply(struct strata_impairment *to, const struct strata_impairment *from, uint32_t fields)
{
    if (fields & FIELD_RATE)
        to->rate_bps = from->rate_bps;
    if (fields & FIELD_DELAY)
        to->delay_ns = from->delay_ns;
    if (fields & FIELD_JITTER)
        to->jitter_ns = from->jitter_ns;
    if (fields & FIELD_LOSS)
        to->loss_ppm = from->loss_ppm;
    if (fields & FIELD_BURST) {
        to->burst_enter_ppm = from->burst_enter_ppm;
        to->burst_leave_ppm = from->burst_leave_ppm;
        to->burst_loss_ppm = from->burst_loss_ppm;
    }
    if (fields & FIELD_DUPLICATE)
        to->duplicate_ppm = from->duplicate_ppm;
    if (fields & FIELD_REORDER)
        to->reorder_ppm = from->reorder_ppm;
    if (fields & FIELD_REORDER_DELAY)
        to->reorder_ns = from->reorder_ns;
    if (fields & FIELD_CORRUPT)
        to->corrupt_ppm = from->corrupt_ppm;
    if (fields & FIELD_REORDER_EARLY)
        to->reorder_early = from->reorder_early;
    if (fields & FIELD_LIMIT)
        to->queue_frames = from->queue_frames;
    if (fields & FIELD_QUEUE)
        to->queue = from->queue;
}

/** An impairment with a note of what was said about it. */
struct said {
    struct strata_impairment impairment;
    uint32_t fields;
    struct scenario_faults faults; /**< Scripted ones. */
};

/* Each word of the vocabulary as a key of a table, for links, directions and events alike. The struct read
 * into begins with a struct said. */
#define IMPAIRMENT_KEY(word)                                                                                 \
    static void said_##word(struct reader_state *reader, const yaml_node_t *value, void *into)               \
    {                                                                                                        \
        struct said *said = into;                                                                            \
        read_impairment_key(reader, #word, value, &said->impairment, &said->fields);                         \
    }
IMPAIRMENT_KEY(rate)
IMPAIRMENT_KEY(delay)
IMPAIRMENT_KEY(jitter)
IMPAIRMENT_KEY(loss)
IMPAIRMENT_KEY(gemodel)
IMPAIRMENT_KEY(duplicate)
IMPAIRMENT_KEY(reorder)
IMPAIRMENT_KEY(reorder_delay)
IMPAIRMENT_KEY(reorder_early)
IMPAIRMENT_KEY(corrupt)
IMPAIRMENT_KEY(limit)
IMPAIRMENT_KEY(queue)

#define FAULT_KEY(word)                                                                                      \
    static void said_##word(struct reader_state *reader, const yaml_node_t *value, void *into)               \
    {                                                                                                        \
        read_##word(reader, value, &((struct said *)into)->faults);                                          \
    }
FAULT_KEY(lose)
FAULT_KEY(damage)
FAULT_KEY(double)
FAULT_KEY(late)

#define IMPAIRMENT_KEYS                                                                                      \
    {"rate", said_rate, false}, {"delay", said_delay, false}, {"jitter", said_jitter, false},                \
        {"loss", said_loss, false}, {"gemodel", said_gemodel, false}, {"duplicate", said_duplicate, false},  \
        {"reorder", said_reorder, false}, {"reorder_delay", said_reorder_delay, false},                      \
        {"reorder_early", said_reorder_early, false}, {"corrupt", said_corrupt, false},                      \
        {"limit", said_limit, false},                                                                        \
        {"queue", said_queue, false}, {"lose", said_lose, false}, {"damage", said_damage, false},            \
        {"double", said_double, false},                                                                      \
    {                                                                                                        \
        "late", said_late, false                                                                             \
    }

static void read_said(struct reader_state *reader, const yaml_node_t *value, struct said *said)
{
    static const struct key keys[] = {IMPAIRMENT_KEYS, {NULL, NULL, false}};
    read_mapping(reader, value, keys, "a direction of a link", said);
}

/* ---- Links
 * -------------------------------------------------------------------------------------------------- */

struct link_reader {
    struct said both; /**< First: see IMPAIRMENT_KEY. */
    struct said forward, backward;
    struct scenario_link link;
    int ends;
};

static void read_endpoint(struct reader_state *reader, const yaml_node_t *item, void *into)
{
    struct link_reader *link = into;
    const char *text = read_text(reader, item);
    if (link->ends++ >= 2)
        return;
    struct scenario_end *end = &link->link.end[link->ends - 1];
    const char *colon = strchr(text, ':');
    end->place = place_of(item);
    end->node_name = colon ? arena_text(&reader->scenario->arena, text, (size_t)(colon - text)) : text;
    if (colon)
        end->port = read_port_name(reader, end->place, colon + 1);
}

static void read_endpoints(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    struct link_reader *link = into;
    read_items(reader, value, "endpoints", false, read_endpoint, link);
    if (value->type == YAML_SEQUENCE_NODE && link->ends != 2)
        complain(reader->complaints, place_of(value), "a link has two endpoints, not %d", link->ends);
}

static void read_link_name(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    ((struct link_reader *)into)->link.name = read_text(reader, value);
}

static void read_link_kind(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    static const char *const words[] = {"ethernet", "ip", NULL};
    int word = read_word(reader, value, words);
    if (word >= 0)
        ((struct link_reader *)into)->link.config.link = word == 0 ? STRATA_LINK_ETHERNET : STRATA_LINK_IP;
}

static void read_mtu(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    ((struct link_reader *)into)->link.config.mtu_bytes = (uint32_t)read_integer(reader, value, 68, 65535);
}

static void read_forward(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    read_said(reader, value, &((struct link_reader *)into)->forward);
}

static void read_backward(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    read_said(reader, value, &((struct link_reader *)into)->backward);
}

static void read_both(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    read_said(reader, value, &((struct link_reader *)into)->both);
}

void read_link(struct reader_state *reader, const yaml_node_t *item, void *into)
{
    static const struct key keys[] = {IMPAIRMENT_KEYS,
                                      {"endpoints", read_endpoints, true},
                                      {"name", read_link_name, false},
                                      {"link", read_link_kind, false},
                                      {"mtu", read_mtu, false},
                                      {"forward", read_forward, false},
                                      {"backward", read_backward, false},
                                      {"both", read_both, false},
                                      {NULL, NULL, false}};
    struct scenario *scenario = into;
    struct link_reader link = {
        .link = {.place = place_of(item), .config = {.size = sizeof link.link.config}}};
    read_mapping(reader, item, keys, "a link", &link);
    if (link.ends != 2)
        return;
    struct strata_cable_config *config = &link.link.config;
    config->forward = config->backward = link.both.impairment;
    impairment_apply(&config->forward, &link.forward.impairment, link.forward.fields);
    impairment_apply(&config->backward, &link.backward.impairment, link.backward.fields);
    for (int i = 0; i < 2; i++) {
        faults_add(scenario, &link.link.faults[i], &link.both.faults);
        faults_add(scenario, &link.link.faults[i], i == 0 ? &link.forward.faults : &link.backward.faults);
    }
    if (!link.link.name) {
        size_t length = strlen(link.link.end[0].node_name) + strlen(link.link.end[1].node_name) + 2;
        char *name = arena_take(&scenario->arena, length);
        snprintf(name, length, "%s-%s", link.link.end[0].node_name, link.link.end[1].node_name);
        link.link.name = name;
    }
    *(struct scenario_link *)LIST_APPEND(scenario, scenario->links) = link.link;
}

/* ---- Events
 * -------------------------------------------------------------------------------------------------- */

struct event_reader {
    struct said said; /**< First: see IMPAIRMENT_KEY. */
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

static void read_direction(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    static const char *const words[] = {"both", "forward", "backward", NULL};
    struct event_reader *event = into;
    int word = read_word(reader, value, words);
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

void read_event(struct reader_state *reader, const yaml_node_t *item, void *into)
{
    static const struct key keys[] = {{"at", read_at, true},
                                      {"cut", event_cut, false},
                                      {"mend", event_mend, false},
                                      {"crash", event_crash, false},
                                      {"restart", event_restart, false},
                                      {"set", event_set, false},
                                      {"note", event_note, false},
                                      {"start", event_start, false},
                                      {"run", read_event_run, false},
                                      {"direction", read_direction, false},
                                      IMPAIRMENT_KEYS,
                                      {NULL, NULL, false}};
    struct scenario *scenario = into;
    struct event_reader event = {.event = {.place = place_of(item), .direction = {true, true}}};
    read_mapping(reader, item, keys, "an event", &event);
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
