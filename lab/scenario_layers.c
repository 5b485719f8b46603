/*
 * Mappings that lie over each other: what a mapping says lies over what its templates say, and for a node over what its
 * kind says. Each layer has its own variables, since a node may be made of an entry for many and one for itself.
 */
#include "lab/scenario_layers.h"

#include <string.h>

#define LAYERS_MAX 64u
#define TEMPLATES_MAX 16u /**< That use each other. */

bool expand_full(struct expander *expander, const yaml_node_t *where, const char *what)
{
    if (!expander->full)
        complain(expander->complaints, place_of(where), "too much %s for a scenario", what);
    expander->full = true;
    return false;
}

const char *scalar_text(const yaml_node_t *node)
{
    return node && node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : NULL;
}

bool is_nothing(const yaml_node_t *node)
{
    return node->type == YAML_SCALAR_NODE && node->data.scalar.length == 0 &&
           node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

void layer_add(struct expander *expander, struct layers *layers, const yaml_node_t *node, const struct variable *inner)
{
    if (layers->count % 8 == 0) {
        struct layer *items = arena_take(&expander->scenario->arena, (layers->count + 8) * sizeof *items);
        if (layers->count > 0)
            memcpy(items, layers->items, layers->count * sizeof *items);
        layers->items = items;
    }
    layers->items[layers->count++] = (struct layer){node, inner};
}

const struct layer *layer_with(const struct expander *expander, const struct layers *layers, const char *key,
                               const yaml_node_t **value)
{
    for (unsigned i = layers->count; i-- > 0;) {
        *value = source_value(expander, layers->items[i].node, key);
        if (*value)
            return &layers->items[i];
    }
    *value = NULL;
    return NULL;
}

/** The names in a key that takes one or a list: template. Calls `use` for each. */
static void each_name(struct expander *expander, const yaml_node_t *value, const struct variable *inner,
                      void (*use)(struct expander *expander, const yaml_node_t *where, const char *name, void *into),
                      void *into)
{
    if (value->type == YAML_SEQUENCE_NODE) {
        for (yaml_node_item_t *item = value->data.sequence.items.start; item < value->data.sequence.items.top;
             item++) {
            const yaml_node_t *one = source_node(expander, value, *item);
            if (one->type == YAML_SEQUENCE_NODE)
                complain(expander->complaints, place_of(one), "a template has a name, not a list");
            else
                each_name(expander, one, inner, use, into);
        }
        return;
    }
    const char *written = scalar_text(value), *name = written ? formula_fill(expander, inner, value, written) : NULL;
    if (name)
        use(expander, value, name, into);
    else if (value->type != YAML_SCALAR_NODE)
        complain(expander->complaints, place_of(value), "a template has a name, not a mapping");
}

/** The topmost entry of that name of a section, or NULL with the nearest name. */
static const yaml_node_t *find_entry(struct expander *expander, const struct layers *section, const char *name,
                                     struct nearest *nearest)
{
    nearest_begin(nearest, name);
    for (unsigned i = section->count; i-- > 0;) {
        const yaml_node_t *mapping = section->items[i].node;
        for (yaml_node_pair_t *pair = mapping->data.mapping.pairs.start; pair < mapping->data.mapping.pairs.top;
             pair++) {
            const char *known = scalar_text(source_node(expander, mapping, pair->key));
            if (known && strcmp(known, name) == 0)
                return source_node(expander, mapping, pair->value);
            if (known)
                nearest_try(nearest, known);
        }
    }
    return NULL;
}

struct under {
    struct layers *layers;
    const struct variable *inner;
    unsigned depth;
};

static void add_with_templates(struct expander *expander, struct layers *layers, const yaml_node_t *mapping,
                               const struct variable *inner, unsigned depth);

static void add_template(struct expander *expander, const yaml_node_t *where, const char *name, void *into)
{
    struct under *under = into;
    struct nearest nearest;
    const yaml_node_t *template = find_entry(expander, &expander->templates, name, &nearest);
    if (!template)
        complain(expander->complaints, place_of(where), "there is no template %s%s", name, nearest_text(&nearest));
    else if (template->type != YAML_MAPPING_NODE)
        complain(expander->complaints, place_of(template),
                 "the template %s is %s, expected a mapping of keys and values", name,
                 template->type == YAML_SEQUENCE_NODE ? "a list" : "a single value");
    else if (under->depth > TEMPLATES_MAX || under->layers->count > LAYERS_MAX)
        complain(expander->complaints, place_of(where), "the template %s uses itself", name);
    else
        add_with_templates(expander, under->layers, template, under->inner, under->depth + 1);
}

/** A mapping with the templates and merged mappings (YAML's <<) that it names, these beneath it. */
static void add_with_templates(struct expander *expander, struct layers *layers, const yaml_node_t *mapping,
                               const struct variable *inner, unsigned depth)
{
    struct under under = {layers, inner, depth};
    const yaml_node_t *template = source_value(expander, mapping, "template");
    if (template)
        each_name(expander, template, inner, add_template, &under);
    const yaml_node_t *merged = source_value(expander, mapping, "<<");
    if (merged && merged->type == YAML_MAPPING_NODE && depth < TEMPLATES_MAX)
        add_with_templates(expander, layers, merged, inner, depth + 1);
    else if (merged)
        complain(expander->complaints, place_of(merged), "<< takes a mapping, as in <<: *other");
    layer_add(expander, layers, mapping, inner);
}

static bool is_known_kind(const char *kind)
{
    for (int i = 0; node_kind_words[i]; i++)
        if (strcmp(node_kind_words[i], kind) == 0)
            return true;
    return false;
}

/** Where a scenario has kinds of its own, a kind that is none of them is told with these. */
static void unknown_kind(struct expander *expander, const yaml_node_t *where, struct nearest *nearest)
{
    for (int i = 0; node_kind_words[i]; i++)
        nearest_try(nearest, node_kind_words[i]);
    complain(expander->complaints, place_of(where), "there is no kind %s%s", nearest->wrong, nearest_text(nearest));
    expander->complaints->items[expander->complaints->count - 1].alone = true;
}

/** What a kind says of all its nodes, and beneath that what the kind says that it is of: at most so many. A kind of
 * the scenario's own is one of those the reader knows in the end, and that is `*known`. */
static void find_kinds(struct expander *expander, const struct layers *own, const struct variable *inner,
                       struct layers *found, struct layer *known)
{
    const yaml_node_t *kind;
    const struct layer *from = layer_with(expander, own, "kind", &kind);
    const char *written = kind ? scalar_text(kind) : "host";
    const char *name = kind && written ? formula_fill(expander, from->inner, kind, written) : written;
    *known = (struct layer){kind, from ? from->inner : inner};
    while (name && *name) {
        struct nearest nearest;
        const yaml_node_t *entry = find_entry(expander, &expander->kinds, name, &nearest);
        if (!entry && kind && !is_known_kind(name) && expander->kinds.count > 0)
            unknown_kind(expander, kind, &nearest);
        if (!entry || is_nothing(entry))
            return;
        if (entry->type != YAML_MAPPING_NODE || found->count == TEMPLATES_MAX) {
            complain(expander->complaints, place_of(entry),
                     found->count == TEMPLATES_MAX ? "the kind %s is a kind of itself"
                                        : "the kind %s: expected a mapping of keys and values", name);
            found->count = 0;
            return;
        }
        layer_add(expander, found, entry, inner);
        kind = source_value(expander, entry, "kind");
        const char *base = kind ? scalar_text(kind) : NULL;
        known->node = kind ? kind : known->node;
        name = base && strcmp(base, name) != 0 ? base : NULL;
    }
}

void layers_complete(struct expander *expander, const struct layers *given, bool is_node, struct layers *all,
                     struct layer *kind)
{
    struct layers own = {0}, kinds = {0};
    for (unsigned i = 0; i < given->count; i++)
        add_with_templates(expander, &own, given->items[i].node, given->items[i].inner, 0);
    if (is_node)
        find_kinds(expander, &own, given->items[given->count - 1].inner, &kinds, kind);
    for (unsigned i = kinds.count; i-- > 0;)
        add_with_templates(expander, all, kinds.items[i].node, kinds.items[i].inner, 0);
    for (unsigned i = 0; i < own.count; i++)
        layer_add(expander, all, own.items[i].node, own.items[i].inner);
}
