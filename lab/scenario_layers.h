/**
 * Mappings that lie over each other, for the files that write a scenario out: see scenario_expand.h.
 */
#ifndef LAB_SCENARIO_LAYERS_H
#define LAB_SCENARIO_LAYERS_H

#include "lab/scenario_expand.h"

/** The text of a scalar, or NULL. */
const char *scalar_text(const yaml_node_t *node);
/** Whether nothing stands behind a key. */
bool is_nothing(const yaml_node_t *node);

void layer_add(struct expander *expander, struct layers *layers, const yaml_node_t *node, const struct variable *inner);
static inline const struct layer *layer_top(const struct layers *layers)
{
    return &layers->items[layers->count - 1];
}
/** The topmost layer that has a key, and what is there; NULL: none. */
const struct layer *layer_with(const struct expander *expander, const struct layers *layers, const char *key,
                               const yaml_node_t **value);
/** Adds to `all` the layers of a mapping, each with its templates beneath it, and for a node what its kind says beneath
 * all of them. `kind` gets the kind that the reader knows, or NULL. */
void layers_complete(struct expander *expander, const struct layers *given, bool is_node, struct layers *all,
                     struct layer *kind);

#endif
