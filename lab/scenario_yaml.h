/**
 * Reading YAML with a vocabulary: tables of keys, values with units, and a complaint with a place for every
 * mistake.
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
};

struct place place_of(const yaml_node_t *node);
/** One word of the vocabulary. */
struct key {
    const char *name;
    void (*read)(struct reader_state *reader, const yaml_node_t *value, void *into);
    bool required;
};
/** Reads a mapping by a table that ends with a key without name. `what` is what it describes: "a node". */
void read_mapping(struct reader_state *reader, const yaml_node_t *node, const struct key *keys,
                  const char *what, void *into);
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
void read_node(struct reader_state *reader, const yaml_node_t *key, const yaml_node_t *value, void *into);
void read_program(struct reader_state *reader, const yaml_node_t *item, void *into);
void read_link(struct reader_state *reader, const yaml_node_t *item, void *into);
/** Reads one key of an impairment, if it is one. */
bool read_impairment_key(struct reader_state *reader, const char *name, const yaml_node_t *value,
                         struct strata_impairment *impairment, uint32_t *fields);
/** The words of scripted faults, each of which adds to a list. */
void read_lose(struct reader_state *reader, const yaml_node_t *value, struct scenario_faults *faults);
void read_damage(struct reader_state *reader, const yaml_node_t *value, struct scenario_faults *faults);
void read_double(struct reader_state *reader, const yaml_node_t *value, struct scenario_faults *faults);
void read_late(struct reader_state *reader, const yaml_node_t *value, struct scenario_faults *faults);
/** Adds one list to another. */
void faults_add(struct scenario *scenario, struct scenario_faults *to, const struct scenario_faults *from);
void read_event(struct reader_state *reader, const yaml_node_t *item, void *into);
void read_check(struct reader_state *reader, const yaml_node_t *item, void *into);
/** "eth2" or "2" -> 2; 0 with a complaint. */
int read_port_name(struct reader_state *reader, struct place place, const char *text);

#endif
