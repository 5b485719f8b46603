/*
 * The section `links` and the vocabulary of impairments (netem's words).
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

static const struct key gemodel_keys[] = {
    {"p", read_enter, true, &shape_share, "from the good state to the bad one, per frame"},
    {"r", read_leave, true, &shape_share, "from the bad state to the good one, per frame"},
    {"1-h", read_burst_loss, false, &shape_share, "loss in the bad state; all unless given"},
    KEYS_END,
};
static const struct shape shape_gemodel = {.kind = SHAPE_MAPPING, .what = "gemodel", .keys = gemodel_keys};

static void read_gemodel(struct reader_state *reader, const yaml_node_t *value,
                         struct strata_impairment *impairment)
{
    read_mapping(reader, value, &shape_gemodel, impairment);
}

static void read_state_share(struct reader_state *reader, const yaml_node_t *value, uint32_t *into)
{
    *into = read_share(reader, value);
}
#define STATE_KEY(word)                                                                                      \
    static void state_##word(struct reader_state *reader, const yaml_node_t *value, void *into)              \
    {                                                                                                        \
        read_state_share(reader, value, &((struct strata_loss_states *)into)->word);                         \
    }
STATE_KEY(p13)
STATE_KEY(p31)
STATE_KEY(p32)
STATE_KEY(p23)
STATE_KEY(p14)

static const struct key state_keys[] = {
    {"p13", state_p13, true, &shape_share, "from receiving to losing in a burst, per frame"},
    {"p31", state_p31, false, &shape_share, "from losing in a burst to receiving; what p13 leaves unless given"},
    {"p32", state_p32, false, &shape_share, "from losing to receiving within a burst; 0 unless given"},
    {"p23", state_p23, false, &shape_share, "from receiving to losing within a burst; 100% unless given"},
    {"p14", state_p14, false, &shape_share, "from receiving to losing one alone; 0 unless given"},
    KEYS_END,
};
static const struct shape shape_state = {.kind = SHAPE_MAPPING, .what = "state", .keys = state_keys};

/** netem's loss state: what is not said is as there. */
static void read_state(struct reader_state *reader, const yaml_node_t *value, struct strata_impairment *impairment)
{
    struct strata_loss_states *states = &impairment->states;
    *states = (struct strata_loss_states){.p23 = 1000000};
    read_mapping(reader, value, &shape_state, states);
    if (value->type != YAML_MAPPING_NODE)
        return;
    if (!value_of(reader, value, "p31"))
        states->p31 = 1000000 - states->p13;
    if (states->p13 + states->p14 > 1000000)
        complain(reader->complaints, place_of(value), "p13 and p14 together are more than 100%%");
    if (states->p31 + states->p32 > 1000000)
        complain(reader->complaints, place_of(value), "p31 and p32 together are more than 100%%");
}

#define CORRELATION_KEY(word)                                                                                \
    static void correlation_##word(struct reader_state *reader, const yaml_node_t *value, void *into)        \
    {                                                                                                        \
        ((struct strata_impairment *)into)->word##_correlation_ppm = read_share(reader, value);              \
    }
CORRELATION_KEY(loss)
CORRELATION_KEY(duplicate)
CORRELATION_KEY(corrupt)
CORRELATION_KEY(reorder)
CORRELATION_KEY(jitter)

static const struct key correlation_keys[] = {
    {"loss", correlation_loss, false, &shape_share, "of loss"},
    {"duplicate", correlation_duplicate, false, &shape_share, "of duplicates"},
    {"corrupt", correlation_corrupt, false, &shape_share, "of damage"},
    {"reorder", correlation_reorder, false, &shape_share, "of reordering"},
    {"jitter", correlation_jitter, false, &shape_share, "of how much later frames are"},
    KEYS_END,
};
static const struct shape shape_correlation = {.kind = SHAPE_MAPPING, .what = "correlation", .keys = correlation_keys};

static void slot_min(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    ((struct strata_impairment *)into)->slot_min_ns = read_duration(reader, value);
}

static void slot_max(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    ((struct strata_impairment *)into)->slot_max_ns = read_duration(reader, value);
}

static void slot_packets(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    ((struct strata_impairment *)into)->slot_frames = (uint32_t)read_integer(reader, value, 1, 1000000);
}

static const struct shape shape_packets = {.kind = SHAPE_INTEGER, .least = 1, .most = 1000000};
static const struct key slot_keys[] = {
    {"min", slot_min, true, &shape_time, "a slot lasts at least that long"},
    {"max", slot_max, false, &shape_time, "and at most that long; as min unless given"},
    {"packets", slot_packets, false, &shape_packets, "so many frames in a slot; any number unless given"},
    KEYS_END,
};
static const struct shape shape_slots = {.kind = SHAPE_MAPPING, .what = "slots", .keys = slot_keys};

static void read_slot(struct reader_state *reader, const yaml_node_t *value, struct strata_impairment *impairment)
{
    impairment->slot_min_ns = impairment->slot_max_ns = 0;
    impairment->slot_frames = 0;
    read_mapping(reader, value, &shape_slots, impairment);
    if (impairment->slot_max_ns == 0)
        impairment->slot_max_ns = impairment->slot_min_ns;
    if (value->type == YAML_MAPPING_NODE && impairment->slot_max_ns < impairment->slot_min_ns)
        complain(reader->complaints, place_of(value), "min is at most max");
}

static const char *const distribution_words[] = {"above",  "uniform",      "normal",
                                                 "pareto", "paretonormal", NULL}; // as in enum strata_distribution
static const struct shape shape_distribution = {.kind = SHAPE_WORD, .words = distribution_words};

/** Reads one key of an impairment, if it is one. */
static bool read_impairment_key(struct reader_state *reader, const char *name, const yaml_node_t *value,
                                struct strata_impairment *impairment, uint32_t *fields)
{
    static const char *const words[] = {"rate",    "delay",     "jitter",        "loss",
                                        "gemodel", "duplicate", "reorder",       "reorder_delay",
                                        "corrupt", "limit",     "reorder_early", "queue",
                                        "distribution", "correlation", "state", "reorder_gap",
                                        "slots",   "trace"};
    int choice;
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
    case FIELD_DISTRIBUTION:
        choice = read_word(reader, value, distribution_words);
        impairment->distribution = (enum strata_distribution)(choice > 0 ? choice : 0);
        break;
    case FIELD_CORRELATION:
        read_mapping(reader, value, &shape_correlation, impairment);
        break;
    case FIELD_STATE:
        read_state(reader, value, impairment);
        break;
    case FIELD_GAP:
        impairment->reorder_gap = (uint32_t)read_integer(reader, value, 1, 1000000);
        break;
    case FIELD_SLOT:
        read_slot(reader, value, impairment);
        break;
    case FIELD_TRACE:
        impairment->trace = read_trace(reader, value);
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
    if (fields & FIELD_DISTRIBUTION)
        to->distribution = from->distribution;
    if (fields & FIELD_CORRELATION) {
        to->loss_correlation_ppm = from->loss_correlation_ppm;
        to->duplicate_correlation_ppm = from->duplicate_correlation_ppm;
        to->corrupt_correlation_ppm = from->corrupt_correlation_ppm;
        to->reorder_correlation_ppm = from->reorder_correlation_ppm;
        to->jitter_correlation_ppm = from->jitter_correlation_ppm;
    }
    if (fields & FIELD_STATE)
        to->states = from->states;
    if (fields & FIELD_GAP)
        to->reorder_gap = from->reorder_gap;
    if (fields & FIELD_SLOT) {
        to->slot_min_ns = from->slot_min_ns;
        to->slot_max_ns = from->slot_max_ns;
        to->slot_frames = from->slot_frames;
    }
    if (fields & FIELD_TRACE)
        to->trace = from->trace;
}

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
IMPAIRMENT_KEY(distribution)
IMPAIRMENT_KEY(correlation)
IMPAIRMENT_KEY(state)
IMPAIRMENT_KEY(reorder_gap)
IMPAIRMENT_KEY(slots)
IMPAIRMENT_KEY(trace)

#define FAULT_KEY(word)                                                                                      \
    static void said_##word(struct reader_state *reader, const yaml_node_t *value, void *into)               \
    {                                                                                                        \
        read_##word(reader, value, &((struct said *)into)->faults);                                          \
    }
FAULT_KEY(lose)
FAULT_KEY(damage)
FAULT_KEY(double)
FAULT_KEY(late)

static const struct shape shape_limit = {.kind = SHAPE_INTEGER, .least = 1, .most = 100000000},
                          shape_frame = {.kind = SHAPE_INTEGER, .least = 1},
                          shape_frame_list = {.kind = SHAPE_LIST, .single = true, .item = &shape_frame},
                          shape_late = {.kind = SHAPE_ENTRIES, .item = &shape_time};
static const struct key impairment_keys[] = {
    {"rate", said_rate, false, &shape_rate, "sending L bits takes L/rate; frames wait for their turn"},
    {"delay", said_delay, false, &shape_time, "propagation"},
    {"jitter", said_jitter, false, &shape_time, "each frame takes up to so much longer; the order is kept"},
    {"loss", said_loss, false, &shape_share, "each frame is lost with this probability, independently"},
    {"distribution", said_distribution, false, &shape_distribution,
     "of jitter: above (even, never below the delay) unless given; with the others it is delay +- jitter"},
    {"gemodel", said_gemodel, false, &shape_gemodel, "bursts of loss after Gilbert and Elliott: {p: 1%, r: 20%}"},
    {"state", said_state, false, &shape_state, "loss by netem's four states: {p13: 1%, p31: 20%, p32: 5%, p23: 50%}"},
    {"duplicate", said_duplicate, false, &shape_share, "a second copy travels by itself"},
    {"reorder", said_reorder, false, &shape_share, "this share is late by reorder_delay, so that others pass"},
    {"reorder_delay", said_reorder_delay, false, &shape_time, "half the delay and 1 ms unless given"},
    {"reorder_early", said_reorder_early, false, &shape_boolean,
     "that share arrives without delay instead and passes others, as with netem"},
    {"reorder_gap", said_reorder_gap, false, &shape_packets, "only after so many frames that are not, as netem's gap"},
    {"corrupt", said_corrupt, false, &shape_share, "one bit, anywhere in the frame, is flipped"},
    {"correlation", said_correlation, false, &shape_correlation,
     "how likely a fault does to a frame as to the one before: {loss: 25%}"},
    {"slots", said_slots, false, &shape_slots, "frames arrive together at the end of slots: {min: 1ms, max: 2ms}"},
    {"trace", said_trace, false, &shape_trace, "a file of times, rates, delays and losses that the line follows"},
    {"limit", said_limit, false, &shape_limit, "so many frames wait for the rate at most; 1000 unless given"},
    {"queue", said_queue, false, &shape_queue, "what keeps the queue before the rate short"},
    {"lose", said_lose, false, &shape_frame_list, "the frames of these numbers are lost"},
    {"damage", said_damage, false, &shape_frame_list, "the frames of these numbers have a bit flipped"},
    {"double", said_double, false, &shape_frame_list, "the frames of these numbers arrive twice"},
    {"late", said_late, false, &shape_late, "from numbers of frames to how late each is"},
    KEYS_END,
};
const struct shape shape_impairment = {
    .kind = SHAPE_MAPPING, .what = "a direction of a link", .keys = impairment_keys};

/** What goes with nothing that was said. */
static void check_alone(struct reader_state *reader, struct place place, const struct strata_impairment *is)
{
    const struct {
        const char *word, *needs;
        bool wrong;
    } rules[] = {
        {"distribution", "jitter", is->distribution != 0 && is->jitter_ns == 0},
        {"the correlation of jitter", "jitter", is->jitter_correlation_ppm > 0 && is->jitter_ns == 0},
        {"the correlation of duplicate", "duplicate", is->duplicate_correlation_ppm > 0 && is->duplicate_ppm == 0},
        {"the correlation of corrupt", "corrupt", is->corrupt_correlation_ppm > 0 && is->corrupt_ppm == 0},
        {"the correlation of reorder", "reorder", is->reorder_correlation_ppm > 0 && is->reorder_ppm == 0},
        {"reorder_gap", "reorder", is->reorder_gap > 0 && is->reorder_ppm == 0},
        {"the correlation of loss", "loss", is->loss_correlation_ppm > 0 && is->loss_ppm == 0 && !is->trace},
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (rules[i].wrong)
            complain(reader->complaints, place, "%s goes with %s", rules[i].word, rules[i].needs);
}

static void read_said(struct reader_state *reader, const yaml_node_t *value, struct said *said)
{
    read_mapping(reader, value, &shape_impairment, said);
}

/* ---- Links
 * -------------------------------------------------------------------------------------------------- */

struct link_reader {
    struct said both; /**< First: see struct said. */
    struct said forward, backward;
    struct scenario_link link;
    struct scenario_bus bus;
    LIST_OF(struct scenario_end) ends;
    struct place endpoints_place;
};

struct scenario_bus *bus_being_read(void *into)
{
    return &((struct link_reader *)into)->bus;
}

static void read_endpoint(struct reader_state *reader, const yaml_node_t *item, void *into)
{
    struct link_reader *link = into;
    const char *text = read_text(reader, item);
    struct scenario_end *end = LIST_APPEND(reader->scenario, link->ends);
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
    link->endpoints_place = place_of(value);
}

static void read_link_name(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    ((struct link_reader *)into)->link.name = read_text(reader, value);
}

static const char *const link_words[] = {"ethernet", "ip", NULL};
static const struct shape shape_link_kind = {.kind = SHAPE_WORD, .words = link_words};

static void read_link_kind(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    int word = read_word(reader, value, link_words);
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

static const struct shape shape_endpoints = {.kind = SHAPE_LIST, .item = &shape_text},
                          shape_mtu = {.kind = SHAPE_INTEGER, .least = 68, .most = 65535};
static const struct key link_keys[] = {
    {"endpoints", read_endpoints, true, &shape_endpoints, "two nodes, as [a, b] or with ports as [\"a:eth2\", b]"},
    {"name", read_link_name, false, &shape_text, "a-b unless given"},
    {"link", read_link_kind, false, &shape_link_kind, "ip: datagrams without a link header, between hosts and routers"},
    {"mtu", read_mtu, false, &shape_mtu, "bytes per datagram; 1500 unless given"},
    {"forward", read_forward, false, &shape_impairment, "from the first endpoint to the second only"},
    {"backward", read_backward, false, &shape_impairment, "from the second endpoint to the first only"},
    {"both", read_both, false, &shape_impairment, "both directions; like writing it in the link itself"},
    KEYS_OF(shape_bus), // which goes on with those of an impairment
};
const struct shape shape_link = {.kind = SHAPE_MAPPING, .what = "a link", .keys = link_keys};

/** A link that is a bus: what a cable takes and a bus does not is a mistake. */
static void read_bus(struct reader_state *reader, const yaml_node_t *item, struct link_reader *link)
{
    static const char *const cables[] = {"forward", "backward", "both", "link"};
    for (size_t i = 0; i < sizeof cables / sizeof *cables; i++) {
        const yaml_node_t *found = value_of(reader, item, cables[i]);
        if (found)
            complain(reader->complaints, place_of(found), "%s does not go with kind: bus", cables[i]);
    }
    if ((link->both.fields & ~(uint32_t)(FIELD_RATE | FIELD_DELAY | FIELD_LIMIT)) || link->both.faults.count > 0)
        complain(reader->complaints, place_of(item),
                 "of what can be done to a cable, a bus takes rate, delay and limit");
    if (link->ends.count < 2) {
        complain(reader->complaints, link->endpoints_place.line ? link->endpoints_place : place_of(item),
                 "a bus has at least two endpoints");
        return;
    }
    struct scenario_bus *bus = arena_take(&reader->scenario->arena, sizeof *bus);
    *bus = link->bus;
    bus->config.rate_bps = link->both.impairment.rate_bps;
    bus->config.delay_ns = link->both.impairment.delay_ns;
    bus->config.queue_frames = link->both.impairment.queue_frames;
    bus->config.mtu_bytes = link->link.config.mtu_bytes;
    link->link.bus = bus;
    if (!link->link.name)
        link->link.name = "bus";
    bus_finish(reader, &link->link);
    *(struct scenario_link *)LIST_APPEND(reader->scenario, reader->scenario->links) = link->link;
}

void read_link(struct reader_state *reader, const yaml_node_t *item, void *into)
{
    struct scenario *scenario = into;
    struct link_reader link = {
        .link = {.place = place_of(item), .config = {.size = sizeof link.link.config}}};
    read_mapping(reader, item, &shape_link, &link);
    link.link.end = link.ends.items;
    link.link.ends = link.ends.count;
    if (link.bus.is_bus) {
        read_bus(reader, item, &link);
        return;
    }
    if (link.bus.word)
        complain(reader->complaints, link.bus.place, "%s belongs to a link with kind: bus", link.bus.word);
    if (link.ends.count != 2) {
        if (link.endpoints_place.line && item->type == YAML_MAPPING_NODE)
            complain(reader->complaints, link.endpoints_place,
                     "a link has two endpoints, not %u; one with kind: bus has more", link.ends.count);
        return;
    }
    struct strata_cable_config *config = &link.link.config;
    config->forward = config->backward = link.both.impairment;
    impairment_apply(&config->forward, &link.forward.impairment, link.forward.fields);
    impairment_apply(&config->backward, &link.backward.impairment, link.backward.fields);
    check_alone(reader, link.link.place, &config->forward);
    check_alone(reader, link.link.place, &config->backward);
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
