/**
 * Reading YAML with a vocabulary: tables of words, values with units, and a complaint with a place for every
 * mistake.
 *
 * A word of the language is a row of a table of struct key: its name, what reads it, what shape its value has, and
 * a line of help. Readers, complaints, the JSON schema for editors and its descriptions are made of these tables;
 * to add a word, add a row.
 */
#ifndef LAB_SCENARIO_YAML_H
#define LAB_SCENARIO_YAML_H

#include <yaml.h>

#include "lab/scenario.h"

struct reader_state {
    yaml_document_t *document;
    struct scenario *scenario;
    struct complaints *complaints;
    unsigned values; /**< Looked at so far: aliases must not multiply for ever. */
    const struct scenario_input *input; /**< Where other files come from, or NULL. */
    unsigned depth; /**< Of queues in queues. */
};

/** Marks of nodes have the number of their file as index: see scenario_expand.h. */
struct place place_of(const yaml_node_t *node);
/** What a value looks like: what the schema says of it. */
enum shape_kind {
    SHAPE_NOTHING,
    SHAPE_TEXT,
    SHAPE_INTEGER, /**< From least to most, where these differ. */
    SHAPE_BOOLEAN,
    SHAPE_TIME,
    SHAPE_RATE,
    SHAPE_SHARE,
    SHAPE_SIZE,
    SHAPE_WORD,    /**< One of `words`. */
    SHAPE_MAPPING, /**< By the table `keys`. */
    SHAPE_ENTRIES, /**< Names of the user's choice, each with an `item`. */
    SHAPE_LIST,    /**< Of `item`. */
    SHAPE_EITHER   /**< One of `either`, which ends with NULL. */
};
struct key;
struct shape {
    enum shape_kind kind;
    bool single; /**< SHAPE_LIST: one of them need not be in a list. SHAPE_TIME: a range such as 1s-5s is possible. */
    bool open;   /**< SHAPE_WORD: the user may have others. */
    bool part;   /**< SHAPE_ENTRIES: what an item needs may come from elsewhere. */
    const char *what; /**< SHAPE_MAPPING: what it describes: "a node". */
    const struct key *keys;
    const struct shape *item;
    const struct shape *const *either;
    /** SHAPE_ENTRIES, SHAPE_TEXT: the names there are, where these are not the user's choice. */
    const char *(*names)(unsigned index, const char **help);
    const char *const *words; /**< Ends with NULL. */
    int64_t least, most;
};
extern const struct shape shape_nothing, shape_text, shape_integer, shape_boolean, shape_time, shape_rate, shape_share,
    shape_size;

/** One word of the vocabulary. */
struct key {
    const char *name;
    void (*read)(struct reader_state *reader, const yaml_node_t *value, void *into);
    bool required;
    const struct shape *shape;
    const char *help; /**< One line: what an editor shows. */
};
/** The last row of a table, and one that goes on with all words of another. */
#define KEYS_END {NULL, NULL, false, NULL, NULL}
#define KEYS_OF(mapping) {NULL, NULL, false, &(mapping), NULL}
/** The first key of a table, and the one after another; NULL: none. */
const struct key *key_first(const struct key *keys);
const struct key *key_next(const struct key *key);

/** Reads a mapping by the table of a shape of kind SHAPE_MAPPING. */
void read_mapping(struct reader_state *reader, const yaml_node_t *node, const struct shape *shape, void *into);
/** Calls `read` for each entry of a mapping whose keys are names of the user's choice. */
void read_entries(struct reader_state *reader, const yaml_node_t *node, const char *what,
                  void (*read)(struct reader_state *reader, const yaml_node_t *key, const yaml_node_t *value,
                               void *into),
                  void *into);
/** Calls `read` for each item of a sequence; a single scalar counts as a sequence of one where `single` is
 * true. */
void read_items(struct reader_state *reader, const yaml_node_t *node, const char *what, bool single,
                void (*read)(struct reader_state *reader, const yaml_node_t *item, void *into), void *into);
/** The value of a key of a mapping, or NULL. */
const yaml_node_t *value_of(struct reader_state *reader, const yaml_node_t *node, const char *key);

/* Scalars: each complains and returns a harmless value when it is not what was expected. */
const char *read_text(struct reader_state *reader, const yaml_node_t *node);
bool read_bool(struct reader_state *reader, const yaml_node_t *node);
int64_t read_integer(struct reader_state *reader, const yaml_node_t *node, int64_t least, int64_t most);
strata_time read_duration(struct reader_state *reader, const yaml_node_t *node);
uint64_t read_rate(struct reader_state *reader, const yaml_node_t *node);
uint32_t read_share(struct reader_state *reader, const yaml_node_t *node);
uint64_t read_bytes(struct reader_state *reader, const yaml_node_t *node);
/** The index of the word in a list that ends with NULL, or -1 with a complaint. */
int read_word(struct reader_state *reader, const yaml_node_t *node, const char *const *words);

/** Parses "10ms". @return 0, -EINVAL (no number or unit), -ERANGE. Used by the command line too. */
int parse_duration(const char *text, strata_time *value);
int parse_rate(const char *text, uint64_t *value);
int parse_share(const char *text, uint32_t *value);
int parse_bytes(const char *text, uint64_t *value);

/** Appends a zeroed element to a LIST_OF in the scenario's arena; earlier elements may move. */
void *list_append(struct scenario *scenario, void *list, size_t element_bytes);
#define LIST_APPEND(scenario, list) list_append(scenario, &(list), sizeof *(list).items)

/* The parts of the vocabulary, each in a file of its own. */
extern const struct shape shape_groups, shape_scenario, shape_node, shape_program, shape_link, shape_event, shape_check;
extern const struct shape shape_impairment; /**< What links, their directions and events say of cables. */
/** The kinds of nodes there are, as in enum scenario_kind; ends with NULL. */
extern const char *const node_kind_words[];
void read_node(struct reader_state *reader, const yaml_node_t *key, const yaml_node_t *value, void *into);
void read_program(struct reader_state *reader, const yaml_node_t *item, void *into);
void read_link(struct reader_state *reader, const yaml_node_t *item, void *into);
/** What is said of a cable's direction, with a note of which words were. A struct that is read by the table of
 * shape_impairment, or by one that goes on with it, begins with this. */
struct said {
    struct strata_impairment impairment;
    uint32_t fields;               /**< enum impairment_field. */
    struct scenario_faults faults; /**< Scripted ones. */
};
/** scenario_queues.c: a kind alone, or a mapping. @return the fields that were set. */
extern const struct shape shape_queue, shape_queue_mapping, shape_class;
uint32_t read_queue(struct reader_state *reader, const yaml_node_t *value, struct strata_impairment *impairment);
/** scenario_trace.c: a line that follows a file; NULL after a complaint. */
extern const struct shape shape_trace;
const struct strata_link_trace *read_trace(struct reader_state *reader, const yaml_node_t *value);
/** A table of times, rates, delays and losses, or times of deliveries as Mahimahi records them, from a text that ends
 * with 0. @return 0 and the trace, in the arena; or the line of a mistake, counted from 1, that `wrong` tells. */
unsigned trace_parse(struct strata_link_trace *trace, struct scenario *scenario, char *text, bool deliveries,
                     char wrong[200]);
/** A path beside a file, without ./ and x/.. so that the same file has one name. */
const char *path_beside(struct arena *arena, const char *file, const char *path);
/** scenario_bus.c: the words of a link that is a bus, and what is left to do when all are read. */
extern const struct shape shape_bus;
struct scenario_bus *bus_being_read(void *into);
void bus_finish(struct reader_state *reader, struct scenario_link *link);
/** What is counted on a bus only. */
#define BUS_COUNTS                                                                                           \
    "collisions", "collided", "attempts", "excessive", "late", "unnoticed", "deferred", "tokens", "efficiency"
/** The words of scripted faults, each of which adds to a list. */
void read_lose(struct reader_state *reader, const yaml_node_t *value, struct scenario_faults *faults);
void read_damage(struct reader_state *reader, const yaml_node_t *value, struct scenario_faults *faults);
void read_double(struct reader_state *reader, const yaml_node_t *value, struct scenario_faults *faults);
void read_late(struct reader_state *reader, const yaml_node_t *value, struct scenario_faults *faults);
/** Adds one list to another. */
void faults_add(struct scenario *scenario, struct scenario_faults *to, const struct scenario_faults *from);
void read_event(struct reader_state *reader, const yaml_node_t *item, void *into);
void read_group(struct reader_state *reader, const yaml_node_t *key, const yaml_node_t *value, void *into);
/** Names of things, or of ranges and groups of them. */
void read_names(struct reader_state *reader, const yaml_node_t *value, const char *what, scenario_names *names);
void read_check(struct reader_state *reader, const yaml_node_t *item, void *into);
/** "eth2" or "2" -> 2; 0 with a complaint. */
int read_port_name(struct reader_state *reader, struct place place, const char *text);

#endif
