/**
 * From what a scenario's author wrote to what the reader's tables read: includes, parameters, templates, kinds and
 * repetition, all of it before the vocabulary is looked at.
 *
 *     scenario_source.c      files: loading, including, and the order in which they lie over each other
 *     scenario_parameters.c  what is declared, and what the command line says of it
 *     scenario_formula.c     ${...} in texts
 *     scenario_repeat.c      for, count, and ranges such as h[1-20]
 *     scenario_layers.c      templates and kinds: what lies beneath a mapping
 *     scenario_expand.c      one plain document out of all that
 *
 * The result is a YAML document again, without any of these words; each of its nodes knows the file, line and column
 * that it came from (the mark's index is the number of the file).
 */
#ifndef LAB_SCENARIO_EXPAND_H
#define LAB_SCENARIO_EXPAND_H

#include "lab/scenario_yaml.h"

/** A name and its text; the list goes on outwards. */
struct variable {
    const struct variable *outer;
    const char *name, *value;
};

/** A file, or one inclusion of it: with other parameters it is another one. */
struct source {
    unsigned number;
    const char *path;
    yaml_document_t document;
    const yaml_node_t *root;
    const struct source *includer;         /**< NULL: the file on the command line. */
    const struct variable *given;          /**< What the includer sets ... */
    const yaml_node_t *where;              /**< ... and where. */
    const struct variable *parameters;     /**< Those of the includer behind its own. */
    unsigned depth;
};

/** A value with the variables that hold in it. */
struct layer {
    const yaml_node_t *node;
    const struct variable *inner;
};
/** A value, or several that lie over each other, the lowest first. */
struct layers {
    struct layer *items;
    unsigned count;
};

struct expander {
    struct scenario *scenario;
    struct complaints *complaints;
    const struct scenario_input *input;
    LIST_OF(struct source *) sources;
    LIST_OF(const struct source *) order; /**< Roots, the lowest first. */
    struct layers templates, kinds;       /**< The sections of all files. */
    yaml_document_t result;
    unsigned values;  /**< In the result. */
    size_t text_bytes;
    bool full;        /**< Too much of something: told once. */
};

/* scenario_source.c */
extern const struct shape shape_include;
/** Loads the file of the input and all that it includes. @return 0, or why the first one cannot be read. */
int sources_load(struct expander *expander);
void sources_free(struct expander *expander);
static inline const struct source *source_of(const struct expander *expander, const yaml_node_t *node)
{
    return expander->sources.items[node->start_mark.index];
}
/** The node of a document of the sources. */
const yaml_node_t *source_node(const struct expander *expander, const yaml_node_t *parent, int id);
/** The value of a key of a mapping of the sources, or NULL. */
const yaml_node_t *source_value(const struct expander *expander, const yaml_node_t *mapping, const char *key);

/* scenario_parameters.c */
extern const struct shape shape_parameters;
/** Reads the declarations of a file and gives each its value. */
void parameters_declare(struct expander *expander, struct source *source);
/** Complains about what the command line sets and nobody declares. */
void parameters_finish(struct expander *expander);

/* scenario_formula.c */
/** A text with every ${...} replaced by its value. `inner` are the variables before the parameters of the file in
 * which the text stands. @return NULL after a complaint. */
const char *formula_fill(struct expander *expander, const struct variable *inner, const yaml_node_t *node,
                         const char *text);
/** The variable of that name, or NULL. */
const struct variable *variable_find(const struct variable *variables, const char *name, size_t length);
/** Letters, digits, _ and - within, beginning with a letter. */
bool is_variable_name(const char *name);
const struct variable *variable_add(struct expander *expander, const struct variable *outer, const char *name,
                                    const char *value);

/* scenario_repeat.c */
extern const struct shape shape_repeat;
/** What the variables are in each repetition. */
struct rounds {
    const struct variable **items;
    unsigned count, room;
};
/** A name with a range: "h[1-20]-s". */
struct range {
    const char *name;
    size_t before, after; /**< Of the name: the bracket, and what is behind it. */
    int64_t first, last, step;
    int width; /**< Of numbers written with zeros before them. */
};
/** @return whether there is a range in it. */
bool range_parse(const char *name, struct range *range);
int64_t range_count(const struct range *range);
/** The name with the number in place of the range. */
const char *range_name(struct arena *arena, const struct range *range, int64_t index);
/** One round, or those that `for` and `count` (where `counts`) of a mapping ask for. @return whether it repeats. */
bool rounds_plan(struct expander *expander, const struct layers *layers, bool counts, struct rounds *rounds);
/** The rounds of a range in a name. Each sets `i`, and `hidden` where that is a name. */
void rounds_range(struct expander *expander, const struct range *range, const struct variable *inner,
                  const char *hidden, struct rounds *rounds);

/* scenario_expand.c */
/** Makes the result of the sources. */
void expand_all(struct expander *expander);
/** Complains once that there is too much of something. @return false. */
bool expand_full(struct expander *expander, const yaml_node_t *where, const char *what);

#endif
