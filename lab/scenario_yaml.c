/*
 * Mappings and sequences: walking them by a table of keys, with a complaint for each key that is unknown,
 * doubled or missing, and for each value that is of another shape than expected.
 */
#include "lab/scenario_yaml.h"

#include <string.h>

/** A file with anchors can name a thing in many places; so many values are no scenario any more. */
#define VALUES_MAX 2000000u

struct place place_of(const yaml_node_t *node)
{
    return (struct place){(unsigned)node->start_mark.line + 1, (unsigned)node->start_mark.column + 1,
                          (unsigned)node->start_mark.index};
}

static const char *found(const yaml_node_t *node)
{
    switch (node->type) {
    case YAML_SCALAR_NODE:
        return node->data.scalar.length ? "a single value" : "nothing";
    case YAML_SEQUENCE_NODE:
        return "a list";
    case YAML_MAPPING_NODE:
        return "a mapping";
    default:
        return "nothing";
    }
}

/** Counts a value. @return whether reading may go on. */
static bool count_value(struct reader_state *reader, const yaml_node_t *node)
{
    if (reader->values > VALUES_MAX)
        return false;
    if (++reader->values > VALUES_MAX) {
        complain(reader->complaints, place_of(node), "more than %u values: too large for a scenario",
                 VALUES_MAX);
        return false;
    }
    return true;
}

static const char *key_text(const yaml_node_t *node)
{
    return node && node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : NULL;
}

/** Whether the key of a pair has come before in its mapping, after a complaint. */
static bool is_doubled(struct reader_state *reader, const yaml_node_t *mapping, const yaml_node_pair_t *pair)
{
    const yaml_node_t *key = yaml_document_get_node(reader->document, pair->key);
    for (const yaml_node_pair_t *other = mapping->data.mapping.pairs.start; other < pair; other++) {
        const yaml_node_t *first = yaml_document_get_node(reader->document, other->key);
        if (!key_text(first) || strcmp(key_text(first), key_text(key)) != 0)
            continue;
        struct place place = place_of(first);
        const char *file = place.file == place_of(key).file || place.file >= reader->complaints->file_count
                               ? NULL
                               : reader->complaints->files[place.file];
        complain(reader->complaints, place_of(key), "%s is there twice, first in %s%s%u", key_text(key),
                 file ? file : "line ", file ? ":" : "", place.line);
        return true;
    }
    return false;
}

/** The key and value of a pair; complains about keys that are no words or come twice. @return whether to go
 * on. */
static bool open_pair(struct reader_state *reader, const yaml_node_t *mapping, const yaml_node_pair_t *pair,
                      const yaml_node_t **key, const yaml_node_t **value)
{
    *key = yaml_document_get_node(reader->document, pair->key);
    *value = yaml_document_get_node(reader->document, pair->value);
    if (!*key || !*value || !count_value(reader, *key))
        return false;
    if (!key_text(*key)) {
        complain(reader->complaints, place_of(*key), "a key must be a word, not %s", found(*key));
        return false;
    }
    // Large mappings are not compared pair by pair: nodes have their own check for doubled names.
    return mapping->data.mapping.pairs.top - mapping->data.mapping.pairs.start > 1000 ||
           !is_doubled(reader, mapping, pair);
}

const struct shape shape_nothing = {.kind = SHAPE_NOTHING};
const struct shape shape_text = {.kind = SHAPE_TEXT};
const struct shape shape_integer = {.kind = SHAPE_INTEGER};
const struct shape shape_boolean = {.kind = SHAPE_BOOLEAN};
const struct shape shape_time = {.kind = SHAPE_TIME};
const struct shape shape_rate = {.kind = SHAPE_RATE};
const struct shape shape_share = {.kind = SHAPE_SHARE};
const struct shape shape_size = {.kind = SHAPE_SIZE};

const struct key *key_first(const struct key *keys)
{
    while (keys && !keys->name)
        keys = keys->shape ? keys->shape->keys : NULL;
    return keys;
}

const struct key *key_next(const struct key *key)
{
    return key_first(key + 1);
}

/** What others call it. */
static const char *const other_words[][2] = {
    {"bandwidth", "rate"},   {"speed", "rate"},       {"bitrate", "rate"},   {"latency", "delay"},
    {"drop", "loss"},        {"packet_loss", "loss"}, {"buffer", "limit"},   {"queue_size", "limit"},
    {"ip", "address"},       {"ipv4", "address"},     {"ipv6", "address"},   {"type", "kind"},
    {"nameserver", "resolver"}, {"dns", "resolver"},  {"sysctls", "settings"}, {"sysctl", "settings"},
    {"exec", "programs"},    {"commands", "programs"}, {"cmd", "run"},       {"command", "run"},
    {"up", "mend"},          {"reboot", "restart"},   {"kill", "crash"},     {"time", "at"},
    {"hosts", "nodes"},      {"topology", "nodes"},   {"cables", "links"},   {"assert", "checks"},
    {"vars", "parameters"},  {"variables", "parameters"}, {"includes", "include"}, {"timeout", "duration"},
};

/** A word of the table that means what another one does elsewhere, or NULL. */
static const char *word_meant(const char *name, const struct key *keys)
{
    for (size_t i = 0; i < sizeof other_words / sizeof *other_words; i++)
        for (const struct key *k = strcmp(other_words[i][0], name) == 0 ? key_first(keys) : NULL; k; k = key_next(k))
            if (strcmp(k->name, other_words[i][1]) == 0)
                return k->name;
    return NULL;
}

static void unknown_key(struct reader_state *reader, const yaml_node_t *key, const struct shape *shape)
{
    struct nearest nearest;
    nearest_begin(&nearest, key_text(key));
    char known[800] = "";
    size_t length = 0;
    for (const struct key *k = key_first(shape->keys); k; k = key_next(k)) {
        nearest_try(&nearest, k->name);
        length += (size_t)snprintf(known + length, sizeof known - length, "%s%s", length ? ", " : "", k->name);
        if (length >= sizeof known)
            length = sizeof known - 1;
    }
    const char *meant = word_meant(key_text(key), shape->keys);
    if (meant)
        nearest = (struct nearest){.wrong = key_text(key), .best = meant};
    complain(reader->complaints, place_of(key), "%s has no key %s%s; it may have %s", shape->what, key_text(key),
             nearest_text(&nearest), known);
}

void read_mapping(struct reader_state *reader, const yaml_node_t *node, const struct shape *shape, void *into)
{
    if (!count_value(reader, node))
        return;
    if (node->type != YAML_MAPPING_NODE) {
        complain(reader->complaints, place_of(node), "%s is %s, expected a mapping of keys and values",
                 shape->what, found(node));
        return;
    }
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top;
         pair++) {
        const yaml_node_t *key, *value;
        if (!open_pair(reader, node, pair, &key, &value))
            continue;
        const struct key *k = key_first(shape->keys);
        while (k && strcmp(k->name, key_text(key)) != 0)
            k = key_next(k);
        if (k)
            k->read(reader, value, into);
        else
            unknown_key(reader, key, shape);
    }
    for (const struct key *k = key_first(shape->keys); k; k = key_next(k))
        if (k->required && !value_of(reader, node, k->name))
            complain(reader->complaints, place_of(node), "%s needs the key %s", shape->what, k->name);
}

void read_entries(struct reader_state *reader, const yaml_node_t *node, const char *what,
                  void (*read)(struct reader_state *reader, const yaml_node_t *key, const yaml_node_t *value,
                               void *into),
                  void *into)
{
    if (!count_value(reader, node))
        return;
    if (node->type != YAML_MAPPING_NODE) {
        complain(reader->complaints, place_of(node), "%s: expected a mapping of names, found %s", what,
                 found(node));
        return;
    }
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top;
         pair++) {
        const yaml_node_t *key, *value;
        if (open_pair(reader, node, pair, &key, &value))
            read(reader, key, value, into);
    }
}

void read_items(struct reader_state *reader, const yaml_node_t *node, const char *what, bool single,
                void (*read)(struct reader_state *reader, const yaml_node_t *item, void *into), void *into)
{
    if (!count_value(reader, node))
        return;
    if (node->type == YAML_SCALAR_NODE && single && node->data.scalar.length > 0) {
        read(reader, node, into);
        return;
    }
    if (node->type != YAML_SEQUENCE_NODE) {
        complain(reader->complaints, place_of(node), "%s: expected a list, found %s", what, found(node));
        return;
    }
    for (yaml_node_item_t *item = node->data.sequence.items.start; item < node->data.sequence.items.top;
         item++) {
        const yaml_node_t *value = yaml_document_get_node(reader->document, *item);
        if (value && count_value(reader, value))
            read(reader, value, into);
    }
}

const yaml_node_t *value_of(struct reader_state *reader, const yaml_node_t *node, const char *key)
{
    if (node->type != YAML_MAPPING_NODE)
        return NULL;
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top;
         pair++) {
        const char *name = key_text(yaml_document_get_node(reader->document, pair->key));
        if (name && strcmp(name, key) == 0)
            return yaml_document_get_node(reader->document, pair->value);
    }
    return NULL;
}
