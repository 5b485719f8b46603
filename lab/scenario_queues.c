/*
 * The word `queue`: what stands before a direction of a cable, in tc's words where tc has one. Queues nest: a class has
 * a queue, and so has a token bucket.
 */
#include "lab/scenario_yaml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lab/queues.h"
#include "wire/wire.h"

struct queue_reader {
    struct strata_queue queue;
    uint32_t limit;
    bool ecn_said;
    LIST_OF(struct strata_queue_class) classes;
};

#define QUEUE_FRAMES(word, field, from, to)                                                                  \
    static void queue_##word(struct reader_state *reader, const yaml_node_t *value, void *into)              \
    {                                                                                                        \
        ((struct queue_reader *)into)->field = (uint32_t)read_integer(reader, value, from, to);              \
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
#define QUEUE_SIZE(word, field)                                                                              \
    static void queue_##word(struct reader_state *reader, const yaml_node_t *value, void *into)              \
    {                                                                                                        \
        uint64_t bytes = read_bytes(reader, value);                                                          \
        if (bytes < 64 || bytes > 1000000000)                                                                \
            complain(reader->complaints, place_of(value), #word " is a size from 64 bytes to 1 GB");         \
        ((struct queue_reader *)into)->field = (uint32_t)bytes;                                              \
    }
QUEUE_FRAMES(limit, limit, 1, 1000000)
QUEUE_FRAMES(mark, queue.mark_frames, 1, 1000000)
QUEUE_FRAMES(min, queue.min_frames, 1, 1000000)
QUEUE_FRAMES(max, queue.max_frames, 1, 1000000)
QUEUE_FRAMES(flows, queue.flows, 1, 65536)
QUEUE_SHARE(probability, queue.probability_ppm)
QUEUE_SHARE(weight, queue.weight_ppm)
QUEUE_TIME(target, queue.target_ns)
QUEUE_TIME(interval, queue.interval_ns)
QUEUE_SIZE(limit_bytes, queue.limit_bytes)
QUEUE_SIZE(quantum, queue.quantum_bytes)
QUEUE_SIZE(burst, queue.burst_bytes)
QUEUE_SIZE(mtu, queue.peak_burst_bytes)

static const char *const queue_words[] = {"fifo", "red",      "codel", "prio", "rr", "drr",
                                          "wfq",  "fq_codel", "tbf",   NULL}; // as in enum strata_queue_kind
static const struct shape shape_queue_kind = {.kind = SHAPE_WORD, .words = queue_words};
static const char *const drop_words[] = {"tail", "head", "random", NULL}; // as in enum strata_drop
static const struct shape shape_drop = {.kind = SHAPE_WORD, .words = drop_words};

static void queue_kind(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    int word = read_word(reader, value, queue_words);
    if (word >= 0)
        ((struct queue_reader *)into)->queue.kind = (enum strata_queue_kind)word;
}

static void queue_drop(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    int word = read_word(reader, value, drop_words);
    if (word >= 0)
        ((struct queue_reader *)into)->queue.drop = (enum strata_drop)word;
}

static void queue_ecn(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    struct queue_reader *queue = into;
    queue->queue.ecn = read_bool(reader, value);
    queue->ecn_said = true;
}

static void queue_rate(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    ((struct queue_reader *)into)->queue.rate_bps = read_rate(reader, value);
}

static void queue_peakrate(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    ((struct queue_reader *)into)->queue.peak_bps = read_rate(reader, value);
}

static void queue_police(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    ((struct queue_reader *)into)->queue.police = read_bool(reader, value);
}

/* ---- Which datagrams -------------------------------------------------------------------------------------- */

/** A number, or one of some names. */
static uint8_t read_code(struct reader_state *reader, const yaml_node_t *value, const char *const *names,
                         const uint8_t *codes, int most, const char *expected)
{
    const char *text = read_text(reader, value);
    char *end;
    long number = strtol(text, &end, 0);
    if (*text >= '0' && *text <= '9' && !*end && number <= most)
        return (uint8_t)number;
    struct nearest nearest;
    nearest_begin(&nearest, text);
    for (int i = 0; names[i]; i++) {
        if (strcmp(names[i], text) == 0)
            return codes[i];
        nearest_try(&nearest, names[i]);
    }
    complain(reader->complaints, place_of(value), "%s is not %s%s", text, expected, nearest_text(&nearest));
    return 0;
}

static void match_dscp(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    static const char *const names[] = {"default", "le",   "cs1",  "cs2",  "cs3",  "cs4",  "cs5",  "cs6",
                                        "cs7",     "af11", "af12", "af13", "af21", "af22", "af23", "af31",
                                        "af32",    "af33", "af41", "af42", "af43", "va",   "ef",   NULL};
    static const uint8_t codes[] = {0,  1,  8,  16, 24, 32, 40, 48, 56, 10, 12, 14,
                                    18, 20, 22, 26, 28, 30, 34, 36, 38, 44, 46};
    struct strata_match *match = into;
    match->fields |= STRATA_MATCH_DSCP;
    match->dscp = read_code(reader, value, names, codes, 63, "a number from 0 to 63 or a name such as ef, af41 or cs1");
}

static void match_protocol(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    static const char *const names[] = {"icmp", "tcp", "udp", "icmpv6", NULL};
    static const uint8_t codes[] = {PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP, PROTOCOL_ICMPV6};
    struct strata_match *match = into;
    match->fields |= STRATA_MATCH_PROTOCOL;
    match->protocol = read_code(reader, value, names, codes, 255, "tcp, udp, icmp, icmpv6 or a number from 0 to 255");
}

static void match_port(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    struct strata_match *match = into;
    match->fields |= STRATA_MATCH_PORT;
    match->port = (uint16_t)read_integer(reader, value, 0, 65535);
}

static void read_prefix(struct reader_state *reader, const yaml_node_t *value, struct strata_address *address,
                        unsigned *bits)
{
    const char *text = read_text(reader, value);
    if (strata_address_parse(text, address) == 0) {
        *bits = 128;
        return;
    }
    if (strata_prefix_parse(text, address, bits) != 0) {
        complain(reader->complaints, place_of(value), "%s is not an address or prefix such as 10.0.0.0/8", text);
        *bits = 128;
    } else if (strata_address_is_ipv4(address) && *bits <= 32) {
        *bits += 96;
    }
}

static void match_source(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    struct strata_match *match = into;
    match->fields |= STRATA_MATCH_SOURCE;
    read_prefix(reader, value, &match->source, &match->source_prefix);
}

static void match_destination(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    struct strata_match *match = into;
    match->fields |= STRATA_MATCH_DESTINATION;
    read_prefix(reader, value, &match->destination, &match->destination_prefix);
}

static const struct shape shape_port = {.kind = SHAPE_INTEGER, .least = 0, .most = 65535};
static const struct key match_keys[] = {
    {"dscp", match_dscp, false, &shape_text, "a number from 0 to 63 or a name such as ef, af41 or cs1"},
    {"protocol", match_protocol, false, &shape_text, "tcp, udp, icmp, icmpv6 or a number"},
    {"port", match_port, false, &shape_port, "of UDP or TCP, source or destination"},
    {"source", match_source, false, &shape_text, "an address or prefix"},
    {"destination", match_destination, false, &shape_text, "an address or prefix"},
    KEYS_END,
};
static const struct shape shape_match = {.kind = SHAPE_MAPPING, .what = "a match", .keys = match_keys};
static const struct shape shape_matches = {.kind = SHAPE_LIST, .single = true, .item = &shape_match};

/* ---- Classes ------------------------------------------------------------------------------------------------ */

struct class_reader {
    struct strata_queue_class class;
    LIST_OF(struct strata_match) matches;
};

static void add_match(struct reader_state *reader, const yaml_node_t *item, void *into)
{
    struct class_reader *class = into;
    struct strata_match match = {0};
    read_mapping(reader, item, &shape_match, &match);
    if (item->type == YAML_MAPPING_NODE && match.fields == 0)
        complain(reader->complaints, place_of(item), "a match without anything matches all; leave it out");
    *(struct strata_match *)LIST_APPEND(reader->scenario, class->matches) = match;
}

static void class_match(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    if (value->type == YAML_SEQUENCE_NODE)
        read_items(reader, value, "match", false, add_match, into);
    else
        add_match(reader, value, into);
}

static void class_name(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    ((struct class_reader *)into)->class.name = read_text(reader, value);
}

static void class_weight(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    ((struct class_reader *)into)->class.weight = (uint32_t)read_integer(reader, value, 1, 10000);
}

/** Reads a queue in a queue. */
static struct strata_queue read_inner(struct reader_state *reader, const yaml_node_t *value);

static void class_queue(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    ((struct class_reader *)into)->class.queue = read_inner(reader, value);
}

static void class_limit(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    ((struct class_reader *)into)->class.queue.limit_frames = (uint32_t)read_integer(reader, value, 1, 1000000);
}

static const struct shape shape_frames = {.kind = SHAPE_INTEGER, .least = 1, .most = 1000000},
                          shape_flows = {.kind = SHAPE_INTEGER, .least = 1, .most = 65536},
                          shape_weight = {.kind = SHAPE_INTEGER, .least = 1, .most = 10000};
static const struct key class_keys[] = {
    {"name", class_name, false, &shape_text, "what checks call it; its number unless given"},
    {"match", class_match, false, &shape_matches, "which datagrams; everything unless given"},
    {"weight", class_weight, false, &shape_weight, "rr, drr, wfq: its share; 1 unless given"},
    {"limit", class_limit, false, &shape_frames, "so many frames wait in it at most; as around it unless given"},
    {"queue", class_queue, false, &shape_queue, "its own queue; a fifo unless given"},
    KEYS_END,
};
const struct shape shape_class = {.kind = SHAPE_MAPPING, .what = "a class", .keys = class_keys};
static const struct shape shape_classes = {.kind = SHAPE_LIST, .item = &shape_class};

static void add_class(struct reader_state *reader, const yaml_node_t *item, void *into)
{
    struct queue_reader *queue = into;
    struct class_reader class = {0};
    read_mapping(reader, item, &shape_class, &class);
    class.class.matches = class.matches.items;
    class.class.match_count = class.matches.count;
    if (value_of(reader, item, "limit") && value_of(reader, item, "queue")) {
        uint32_t limit = (uint32_t)read_integer(reader, value_of(reader, item, "limit"), 1, 1000000);
        class.class.queue.limit_frames = limit; // whichever was read last
    }
    if (class.class.name && (strchr(class.class.name, '/') || !*class.class.name))
        complain(reader->complaints, place_of(item), "the name of a class has no / and is not empty");
    for (unsigned i = 0; class.class.name && i < queue->classes.count; i++)
        if (queue->classes.items[i].name && strcmp(queue->classes.items[i].name, class.class.name) == 0)
            complain(reader->complaints, place_of(item), "there is another class %s", class.class.name);
    if (queue->classes.count == QUEUE_CLASSES_MAX)
        complain(reader->complaints, place_of(item), "a queue has at most %u classes", QUEUE_CLASSES_MAX);
    *(struct strata_queue_class *)LIST_APPEND(reader->scenario, queue->classes) = class.class;
}

static void queue_classes(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    read_items(reader, value, "classes", false, add_class, into);
}

static void queue_inner(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    struct strata_queue *inner = arena_take(&reader->scenario->arena, sizeof *inner);
    *inner = read_inner(reader, value);
    ((struct queue_reader *)into)->queue.inner = inner;
}

/* ---- The queue ------------------------------------------------------------------------------------------------ */

/** What each kind takes besides limit, limit_bytes and drop, in the order of enum strata_queue_kind. */
static const char *const taken[] = {
    "mark",
    "ecn min max probability weight",
    "ecn target interval",
    "classes",
    "classes flows",
    "classes flows quantum",
    "classes flows",
    "ecn target interval flows quantum",
    "rate burst peakrate mtu police queue",
};

static bool has_word(const char *words, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = words; (at = strstr(at, word)); at += length)
        if ((at == words || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0'))
            return true;
    return false;
}

/** "a, b and c" */
static void list_words(const char *words, char *text, size_t size)
{
    size_t length = (size_t)snprintf(text, size, "limit, limit_bytes, drop");
    for (const char *end; *words; words = *end ? end + 1 : end) {
        end = words + strcspn(words, " ");
        length += (size_t)snprintf(text + length, size - length, "%s%.*s", *end ? ", " : " and ", (int)(end - words),
                                   words);
    }
}

static const struct key queue_keys[];

static void check_queue(struct reader_state *reader, const yaml_node_t *value, const struct strata_queue *queue)
{
    const char *words = taken[queue->kind];
    char list[160];
    list_words(words, list, sizeof list);
    for (const struct key *key = key_first(queue_keys); key; key = key_next(key)) {
        const yaml_node_t *found = value_of(reader, value, key->name);
        if (found && !has_word("kind limit limit_bytes drop", key->name) && !has_word(words, key->name))
            complain(reader->complaints, place_of(found), "%s does not go with the kind %s; it takes %s", key->name,
                     queue_words[queue->kind], list);
    }
    struct strata_queue plain = {.min_frames = queue->min_frames, .max_frames = queue->max_frames};
    if (queue->kind == STRATA_QUEUE_RED && !red_is_possible(&plain))
        complain(reader->complaints, place_of(value),
                 "min is less than max; min is 5 and max three times min unless given");
    if (queue->kind == STRATA_QUEUE_TBF && (queue->rate_bps == 0 || queue->burst_bytes == 0))
        complain(reader->complaints, place_of(value),
                 "a tbf needs rate and burst, such as {kind: tbf, rate: 1mbit, burst: 10KB}");
    if (queue->kind == STRATA_QUEUE_TBF && queue->rate_bps > 0 && queue->rate_bps < 8)
        complain(reader->complaints, place_of(value), "the rate of a tbf is at least 8bit");
    if (queue->peak_bps > 0 && queue->peak_bps < queue->rate_bps)
        complain(reader->complaints, place_of(value), "peakrate is at least rate");
    if (queue->peak_burst_bytes > 0 && queue->peak_bps == 0)
        complain(reader->complaints, place_of(value), "mtu goes with peakrate");
}

static const struct key queue_keys[] = {
    {"kind", queue_kind, true, &shape_queue_kind, "its discipline"},
    {"limit", queue_limit, false, &shape_frames, "so many frames wait at most; 1000 unless given, 10240 of fq_codel"},
    {"limit_bytes", queue_limit_bytes, false, &shape_size, "so many bytes wait at most; any number unless given"},
    {"drop", queue_drop, false, &shape_drop, "who is lost when it is full: tail (who comes) unless given"},
    {"mark", queue_mark, false, &shape_frames, "fifo: a frame that finds at least so many waiting is marked"},
    {"ecn", queue_ecn, false, &shape_boolean,
     "red, codel, fq_codel: mark instead of dropping where the sender understands it; true of fq_codel unless given"},
    {"min", queue_min, false, &shape_frames, "red: nothing happens while the average is below; 5 unless given"},
    {"max", queue_max, false, &shape_frames, "red: from there on all are chosen; three times min unless given"},
    {"probability", queue_probability, false, &shape_share, "red: of a choice just below max; 10% unless given"},
    {"weight", queue_weight, false, &shape_share, "red: of the present length in the average; 0.2% unless given"},
    {"target", queue_target, false, &shape_time, "codel: waiting that is always acceptable; 5ms unless given"},
    {"interval", queue_interval, false, &shape_time, "codel: waiting may be longer for so long; 100ms unless given"},
    {"classes", queue_classes, false, &shape_classes, "prio, rr, drr, wfq: who is served, in the order of matching"},
    {"flows", queue_flows, false, &shape_flows, "without classes: flows are spread over so many; 1024 unless given"},
    {"quantum", queue_quantum, false, &shape_size, "drr, fq_codel: bytes per turn; a longest frame unless given"},
    {"rate", queue_rate, false, &shape_rate, "tbf: so fast in the long run"},
    {"burst", queue_burst, false, &shape_size, "tbf: bytes that may go at once"},
    {"peakrate", queue_peakrate, false, &shape_rate, "tbf: never faster than this; any rate unless given"},
    {"mtu", queue_mtu, false, &shape_size, "tbf: bytes that may go at once at the peak rate; a longest frame"},
    {"police", queue_police, false, &shape_boolean, "tbf: what finds no tokens is lost instead of waiting"},
    {"queue", queue_inner, false, &shape_queue, "tbf: where frames wait for tokens; a fifo unless given"},
    KEYS_END,
};
const struct shape shape_queue_mapping = {.kind = SHAPE_MAPPING, .what = "a queue", .keys = queue_keys};
static const struct shape *const queue_shapes[] = {&shape_queue_kind, &shape_queue_mapping, NULL};
const struct shape shape_queue = {.kind = SHAPE_EITHER, .either = queue_shapes};

static void read_any(struct reader_state *reader, const yaml_node_t *value, struct queue_reader *queue)
{
    if (reader->depth == QUEUE_DEPTH_MAX) {
        complain(reader->complaints, place_of(value), "queues nest at most %u deep", QUEUE_DEPTH_MAX);
        return;
    }
    reader->depth++;
    if (value->type == YAML_MAPPING_NODE) {
        read_mapping(reader, value, &shape_queue_mapping, queue);
        check_queue(reader, value, &queue->queue);
    } else {
        queue_kind(reader, value, queue);
        if (queue->queue.kind == STRATA_QUEUE_TBF)
            complain(reader->complaints, place_of(value),
                     "a tbf needs rate and burst, such as {kind: tbf, rate: 1mbit, burst: 10KB}");
    }
    reader->depth--;
    queue->queue.classes = queue->classes.items;
    queue->queue.class_count = queue->classes.count;
    if (queue->queue.kind == STRATA_QUEUE_FQ_CODEL && !queue->ecn_said)
        queue->queue.ecn = true; // as RFC 8290 and tc have it
}

static struct strata_queue read_inner(struct reader_state *reader, const yaml_node_t *value)
{
    struct queue_reader queue = {0};
    read_any(reader, value, &queue);
    queue.queue.limit_frames = queue.limit;
    return queue.queue;
}

uint32_t read_queue(struct reader_state *reader, const yaml_node_t *value, struct strata_impairment *impairment)
{
    struct queue_reader queue = {0};
    read_any(reader, value, &queue);
    impairment->queue = queue.queue;
    if (queue.limit == 0)
        return FIELD_QUEUE;
    impairment->queue_frames = queue.limit;
    return FIELD_QUEUE | FIELD_LIMIT;
}
