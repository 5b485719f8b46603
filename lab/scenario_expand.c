/*
 * One plain document out of the files of a scenario: what includes lies over what is included, templates and kinds lie
 * beneath what uses them, repetitions are written out, formulas are replaced by their values.
 */
#include "lab/scenario_layers.h"

#include <stdlib.h>
#include <string.h>

#include "lab/names.h"

#define VALUES_MAX 2000000u
#define DEPTH_MAX 64u
#define HIDDEN "[" /**< The variable that counts the numbers of a range: nobody can write it. */

/** Where in the language a value stands, as far as it matters here. */
enum context {
    CONTEXT_NODE,
    CONTEXT_LINKS,
    CONTEXT_LIST,     /**< Of things that `count` repeats: events, programs. */
    CONTEXT_ENDPOINTS,
    CONTEXT_STATIONS, /**< The endpoints of a bus: a range is so many of them. */
    CONTEXT_PLAIN
};

/** One value on its way into the result. */
struct job {
    struct layers layers; /**< A scalar or list has one. */
    enum context context;
    unsigned depth;
};

static int expand(struct expander *expander, const struct job *job);

/* ---- The result ------------------------------------------------------------------------------------------ */

/** Gives a new node of the result the place where it came from. @return its number; 0: no memory or no room. */
static int place_result(struct expander *expander, int id, const yaml_node_t *from)
{
    if (id == 0 || ++expander->values > VALUES_MAX) {
        expand_full(expander, from, "text");
        return 0;
    }
    expander->result.nodes.start[id - 1].start_mark = from->start_mark;
    return id;
}

static int add_text(struct expander *expander, const yaml_node_t *from, const char *text, size_t length)
{
    return place_result(expander,
                        yaml_document_add_scalar(&expander->result, NULL, (const yaml_char_t *)text, (int)length,
                                                 from->data.scalar.style),
                        from);
}

static int add_scalar(struct expander *expander, const struct job *job, const struct layer *layer)
{
    const yaml_node_t *node = layer->node;
    const char *text = (const char *)node->data.scalar.value;
    if (strlen(text) != node->data.scalar.length)
        return add_text(expander, node, text, node->data.scalar.length); // a zero byte: for the reader to tell
    const char *filled = formula_fill(expander, layer->inner, node, text);
    text = filled ? filled : "";
    const struct variable *index = job->context == CONTEXT_ENDPOINTS ? variable_find(layer->inner, HIDDEN, 1) : NULL;
    struct range range;
    if (index && range_parse(text, &range))
        text = range_name(&expander->scenario->arena, &range, atoll(index->value));
    return add_text(expander, node, text, strlen(text));
}

/* ---- Mappings -------------------------------------------------------------------------------------------- */

/** What a key means to a repetition or a template, and not to the reader. */
static bool is_structure(const char *key, enum context context)
{
    bool counts = context == CONTEXT_NODE || context == CONTEXT_LINKS || context == CONTEXT_LIST;
    return strcmp(key, "for") == 0 || strcmp(key, "template") == 0 || strcmp(key, "<<") == 0 ||
           (counts && strcmp(key, "count") == 0);
}

/** Whether a link ties many stations, so that a range in its endpoints is many of these and not many links. */
static bool is_bus(const struct expander *expander, const struct layers *link)
{
    const yaml_node_t *kind;
    layer_with(expander, link, "kind", &kind);
    return scalar_text(kind) && strcmp(scalar_text(kind), "bus") == 0;
}

static enum context context_of_key(const struct expander *expander, const struct job *job, const char *key)
{
    if (job->context == CONTEXT_NODE && strcmp(key, "programs") == 0)
        return CONTEXT_LIST;
    if (job->context == CONTEXT_LINKS && strcmp(key, "endpoints") == 0)
        return is_bus(expander, &job->layers) ? CONTEXT_STATIONS : CONTEXT_ENDPOINTS;
    return CONTEXT_PLAIN;
}

/** The values of a key from layer `from` on, whose own is given: the topmost, and the mappings beneath it if it is
 * one. */
static struct layers values_of(struct expander *expander, const struct layers *layers, unsigned from, const char *key,
                               const yaml_node_t *own)
{
    struct layers values = {0};
    layer_add(expander, &values, own, layers->items[from].inner);
    for (unsigned i = from + 1; i < layers->count; i++) {
        const yaml_node_t *value = source_value(expander, layers->items[i].node, key);
        if (!value || is_nothing(value))
            continue;
        if (value->type != YAML_MAPPING_NODE || layer_top(&values)->node->type != YAML_MAPPING_NODE)
            values.count = 0;
        layer_add(expander, &values, value, layers->items[i].inner);
    }
    return values;
}

static void append_pair(struct expander *expander, int mapping, int key, int value)
{
    if (mapping && key && value && !yaml_document_append_mapping_pair(&expander->result, mapping, key, value))
        expand_full(expander, expander->order.items[0]->root, "text");
}

/** Complains about many things that would all have the same name. @return whether they would. */
static bool have_one_name(struct expander *expander, const yaml_node_t *key, const struct rounds *rounds)
{
    const char *name = scalar_text(key);
    if (rounds->count < 2 || strstr(name, "${"))
        return false;
    complain(expander->complaints, place_of(key),
             "all %u of them would be called %s: put a variable into the name, such as %s${i}", rounds->count, name,
             name);
    return true;
}

/** The values with the variables of a round. */
static struct layers in_round(struct expander *expander, const struct layers *values, const struct variable *round)
{
    struct layers copy = {0};
    for (unsigned i = 0; i < values->count; i++)
        layer_add(expander, &copy, values->items[i].node, round);
    return copy;
}

/** An entry of a mapping: once, or in rounds where its value asks for them. */
static void expand_pair(struct expander *expander, const struct job *job, int mapping, const struct layer *key,
                        const struct layers *values)
{
    struct job value = {.layers = *values, .depth = job->depth + 1};
    struct rounds rounds;
    bool repeats = rounds_plan(expander, values, false, &rounds);
    value.context = context_of_key(expander, job, scalar_text(key->node));
    if (repeats && have_one_name(expander, key->node, &rounds))
        rounds.count = 1;
    for (unsigned i = 0; i < rounds.count && !expander->full; i++) {
        const struct variable *inner = repeats ? rounds.items[i] : key->inner;
        const char *filled = formula_fill(expander, inner, key->node, scalar_text(key->node));
        if (!filled)
            break;
        if (repeats)
            value.layers = in_round(expander, values, inner);
        int key_id = add_text(expander, key->node, filled, strlen(filled));
        append_pair(expander, mapping, key_id, expand(expander, &value));
    }
}

/** A mapping on its way into the result. */
struct writing {
    const struct job *job;
    struct layers layers;
    struct layer kind; /**< Of a node: the one that the reader knows. */
    struct names seen; /**< From keys to the layer in which each was first. */
    int id;
};

/** Something that is no mapping where a name or a mapping should be: for the reader to tell. */
static void write_strange(struct expander *expander, int mapping, const yaml_node_t *key, const yaml_node_t *at,
                          unsigned depth)
{
    struct layer layer = {key, NULL};
    struct job strange = {{&layer, 1}, CONTEXT_PLAIN, depth + 1};
    append_pair(expander, mapping, expand(expander, &strange), add_text(expander, at, "", 0));
}

/** A key of one layer, with what the layers above say of it; none where a layer beneath has written it. */
static void write_key(struct expander *expander, struct writing *writing, unsigned number, const yaml_node_pair_t *pair)
{
    const struct job *job = writing->job;
    const struct layer *layer = &writing->layers.items[number];
    const struct layer key = {source_node(expander, layer->node, pair->key), layer->inner};
    struct layer own = {source_node(expander, layer->node, pair->value), layer->inner};
    const char *name = scalar_text(key.node);
    if (!name) {
        write_strange(expander, writing->id, key.node, layer->node, job->depth);
        return;
    }
    if (is_structure(name, job->context))
        return;
    struct layers values = {&own, 1};
    bool computed = strstr(name, "${") != NULL; // what it will be called depends on the file that it is in
    bool known = !computed && names_add(&writing->seen, name, (void *)layer->node) != 0;
    if (known && names_find(&writing->seen, name) != layer->node)
        return;
    if (!computed && !known) // else it is twice in one mapping: for the reader to tell
        values = values_of(expander, &writing->layers, number, name, own.node);
    if (job->context == CONTEXT_NODE && strcmp(name, "kind") == 0 && writing->kind.node)
        values = (struct layers){&writing->kind, 1};
    expand_pair(expander, job, writing->id, &key, &values);
}

static int expand_mapping(struct expander *expander, const struct job *job)
{
    struct writing writing = {.job = job};
    layers_complete(expander, &job->layers, job->context == CONTEXT_NODE, &writing.layers, &writing.kind);
    writing.id = place_result(expander, yaml_document_add_mapping(&expander->result, NULL, YAML_ANY_MAPPING_STYLE),
                              layer_top(&job->layers)->node);
    for (unsigned i = 0; i < writing.layers.count && writing.id; i++) {
        const yaml_node_t *mapping = writing.layers.items[i].node;
        for (yaml_node_pair_t *pair = mapping->data.mapping.pairs.start;
             pair < mapping->data.mapping.pairs.top && !expander->full; pair++)
            write_key(expander, &writing, i, pair);
    }
    names_free(&writing.seen);
    return writing.id;
}

/* ---- Nodes ----------------------------------------------------------------------------------------------- */

/** A node, of all entries that are called like it. */
struct node_entry {
    const char *name;
    const yaml_node_t *key;
    struct layers layers;
    bool computed; /**< One of many: another entry may say more of it. */
};
struct node_entries {
    struct expander *expander;
    LIST_OF(struct node_entry *) list;
    struct names names;
};

/** Whether an entry may say more of a node that another one has made: in a file that includes the other's, or where
 * one of the two is for many. */
static bool may_add(const struct expander *expander, const struct node_entry *entry, const yaml_node_t *key,
                    bool computed)
{
    const struct source *above = source_of(expander, key), *below = source_of(expander, entry->key);
    if (above == below)
        return entry->computed != computed;
    while (below && below != above)
        below = below->includer;
    return below != NULL;
}

static void add_node(struct node_entries *entries, const yaml_node_t *key, const yaml_node_t *value, const char *name,
                     const struct variable *inner, bool computed)
{
    struct expander *expander = entries->expander;
    struct node_entry *entry = names_find(&entries->names, name);
    if (entry && !may_add(expander, entry, key, computed)) {
        struct place first = place_of(entry->key);
        const char *file = first.file == place_of(key).file ? NULL : source_of(expander, entry->key)->path;
        complain(expander->complaints, place_of(key), "%s is there twice, first in %s%s%u", name, file ? file : "line ",
                 file ? ":" : "", first.line);
        return;
    }
    if (!entry) {
        entry = arena_take(&expander->scenario->arena, sizeof *entry);
        *entry = (struct node_entry){.name = name, .key = key, .computed = computed};
        *(struct node_entry **)LIST_APPEND(expander->scenario, entries->list) = entry;
        names_add(&entries->names, name, entry);
    }
    bool is_mapping = value->type == YAML_MAPPING_NODE;
    if (is_nothing(value) && entry->layers.count > 0)
        return;
    if (entry->layers.count > 0 && (!is_mapping || layer_top(&entry->layers)->node->type != YAML_MAPPING_NODE))
        entry->layers.count = 0;
    layer_add(expander, &entry->layers, value, variable_add(expander, inner, "name", name));
}

/** An entry of the section: one node, or many where it says so or its name has a range. */
static void add_nodes(struct node_entries *entries, const yaml_node_t *key, const yaml_node_t *value)
{
    struct expander *expander = entries->expander;
    struct layer layer = {value, NULL};
    struct layers layers = {&layer, 1};
    struct rounds rounds;
    struct range range;
    bool repeats = rounds_plan(expander, &layers, true, &rounds);
    const char *written = scalar_text(key);
    const char *name = !repeats && strchr(written, '[') ? formula_fill(expander, NULL, key, written) : NULL;
    bool has_range = name && range_parse(name, &range);
    if (has_range) {
        rounds.count = 0;
        rounds_range(expander, &range, NULL, HIDDEN, &rounds);
    } else if (repeats && have_one_name(expander, key, &rounds)) {
        rounds.count = 1;
    }
    for (unsigned i = 0; i < rounds.count && !expander->full; i++) {
        const char *filled = has_range ? range_name(&expander->scenario->arena, &range, i)
                                       : formula_fill(expander, rounds.items[i], key, written);
        if (!filled)
            break;
        add_node(entries, key, value, filled, rounds.items[i], repeats || has_range || strstr(written, "${"));
    }
}

static int expand_nodes(struct expander *expander, const struct layers *sections)
{
    struct node_entries entries = {.expander = expander};
    int id = place_result(expander, yaml_document_add_mapping(&expander->result, NULL, YAML_ANY_MAPPING_STYLE),
                          layer_top(sections)->node);
    for (unsigned i = 0; i < sections->count; i++) {
        const yaml_node_t *section = sections->items[i].node;
        for (yaml_node_pair_t *pair = section->data.mapping.pairs.start;
             pair < section->data.mapping.pairs.top && !expander->full; pair++) {
            const yaml_node_t *key = source_node(expander, section, pair->key);
            if (scalar_text(key))
                add_nodes(&entries, key, source_node(expander, section, pair->value));
            else
                write_strange(expander, id, key, section, 1);
        }
    }
    for (unsigned i = 0; i < entries.list.count && !expander->full; i++) {
        const struct node_entry *entry = entries.list.items[i];
        struct job job = {entry->layers, CONTEXT_NODE, 2};
        int key_id = add_text(expander, entry->key, entry->name, strlen(entry->name));
        append_pair(expander, id, key_id, expand(expander, &job));
    }
    names_free(&entries.names);
    return id;
}

/* ---- Lists ----------------------------------------------------------------------------------------------- */

/** The rounds of ranges in the endpoints of a link, within one of its rounds: [h[1-20], s] are 20 links. */
static void endpoint_rounds(struct expander *expander, const yaml_node_t *link, const struct variable *inner,
                            struct rounds *rounds)
{
    const yaml_node_t *ends = source_value(expander, link, "endpoints");
    struct range first = {0};
    bool any = false;
    for (yaml_node_item_t *item = ends && ends->type == YAML_SEQUENCE_NODE ? ends->data.sequence.items.start : NULL;
         item && item < ends->data.sequence.items.top; item++) {
        const yaml_node_t *end = source_node(expander, ends, *item);
        const char *text = scalar_text(end) ? scalar_text(end) : "";
        struct range range;
        if (!strchr(text, '[') || !(text = formula_fill(expander, inner, end, text)) || !range_parse(text, &range))
            continue;
        if (any && range_count(&range) != range_count(&first))
            complain(expander->complaints, place_of(end), "%s and %s are not equally many", first.name, text);
        first = any ? first : range;
        any = true;
    }
    if (any)
        rounds_range(expander, &first, inner, HIDDEN, rounds);
    else
        *(const struct variable **)LIST_APPEND(expander->scenario, *rounds) = inner;
}

static void append_item(struct expander *expander, int list, int item)
{
    if (list && item && !yaml_document_append_sequence_item(&expander->result, list, item))
        expand_full(expander, expander->order.items[0]->root, "text");
}

/** Each name of a range. @return whether the item is one. */
static bool add_stations(struct expander *expander, const struct variable *inner, int list, const yaml_node_t *item)
{
    const char *text = scalar_text(item) && strchr(scalar_text(item), '[') ? scalar_text(item) : NULL;
    struct range range;
    text = text ? formula_fill(expander, inner, item, text) : NULL;
    if (!text || !range_parse(text, &range))
        return false;
    for (int64_t i = 0; i < range_count(&range) && !expander->full; i++) {
        const char *name = range_name(&expander->scenario->arena, &range, i);
        append_item(expander, list, add_text(expander, item, name, strlen(name)));
    }
    return true;
}

static void expand_item(struct expander *expander, const struct job *job, int list, const struct layer *item)
{
    struct layer layer = *item;
    struct job entry = {{&layer, 1}, job->context, job->depth + 1};
    struct rounds rounds = {0};
    if (job->context == CONTEXT_STATIONS && add_stations(expander, item->inner, list, item->node))
        return;
    if (item->node->type != YAML_MAPPING_NODE) {
        append_item(expander, list, expand(expander, &entry));
        return;
    }
    rounds_plan(expander, &entry.layers, job->context == CONTEXT_LINKS || job->context == CONTEXT_LIST, &rounds);
    for (unsigned i = 0; i < rounds.count && !expander->full; i++) {
        struct rounds ends = {&rounds.items[i], 1, 1};
        if (job->context == CONTEXT_LINKS && !is_bus(expander, &entry.layers)) {
            ends = (struct rounds){0};
            endpoint_rounds(expander, item->node, rounds.items[i], &ends);
        }
        for (unsigned j = 0; j < ends.count && !expander->full; j++) {
            layer.inner = ends.items[j];
            append_item(expander, list, expand(expander, &entry));
        }
        layer.inner = item->inner;
    }
}

static void expand_items(struct expander *expander, const struct job *job, int list, const struct layer *values)
{
    for (yaml_node_item_t *item = values->node->data.sequence.items.start;
         item < values->node->data.sequence.items.top && !expander->full; item++) {
        struct layer layer = {source_node(expander, values->node, *item), values->inner};
        expand_item(expander, job, list, &layer);
    }
}

static int add_list(struct expander *expander, const yaml_node_t *from)
{
    return place_result(expander, yaml_document_add_sequence(&expander->result, NULL, YAML_ANY_SEQUENCE_STYLE), from);
}

static int expand(struct expander *expander, const struct job *job)
{
    const struct layer *top = layer_top(&job->layers);
    if (expander->full)
        return 0;
    if (job->depth > DEPTH_MAX) {
        expand_full(expander, top->node, "depth");
        return 0;
    }
    if (top->node->type == YAML_SCALAR_NODE)
        return add_scalar(expander, job, top);
    if (top->node->type == YAML_MAPPING_NODE)
        return expand_mapping(expander, job);
    int list = add_list(expander, top->node);
    expand_items(expander, job, list, top);
    return list;
}

/* ---- The sections ---------------------------------------------------------------------------------------- */

enum merge {
    MERGE_GONE, /**< Used here; the reader does not see it. */
    MERGE_TOP,  /**< The topmost goes; mappings are merged. */
    MERGE_NODES,
    MERGE_LIST  /**< One list behind the other. */
};
static const struct section {
    const char *name;
    enum merge merge;
    enum context context;
} sections[] = {
    {"parameters", MERGE_GONE, CONTEXT_PLAIN}, {"include", MERGE_GONE, CONTEXT_PLAIN},
    {"templates", MERGE_GONE, CONTEXT_PLAIN},  {"kinds", MERGE_GONE, CONTEXT_PLAIN},
    {"nodes", MERGE_NODES, CONTEXT_PLAIN},     {"links", MERGE_LIST, CONTEXT_LINKS},
    {"events", MERGE_LIST, CONTEXT_LIST},      {"checks", MERGE_LIST, CONTEXT_PLAIN},
    {NULL, MERGE_TOP, CONTEXT_PLAIN},
};

static const struct section *section_of(const char *name)
{
    const struct section *section = sections;
    while (section->name && strcmp(section->name, name) != 0)
        section++;
    return section;
}

/** The values of all files for a section: the topmost, and what it is merged with. */
static struct layers section_values(struct expander *expander, const char *name, const struct section *section)
{
    struct layers values = {0};
    for (unsigned i = 0; i < expander->order.count; i++) {
        const yaml_node_t *value = source_value(expander, expander->order.items[i]->root, name);
        if (!value || (values.count > 0 && is_nothing(value)))
            continue;
        yaml_node_type_t merged = section->merge == MERGE_LIST ? YAML_SEQUENCE_NODE : YAML_MAPPING_NODE;
        if (value->type != merged || (values.count > 0 && layer_top(&values)->node->type != merged))
            values.count = 0;
        layer_add(expander, &values, value, NULL);
    }
    return values;
}

static int expand_section(struct expander *expander, const char *name)
{
    const struct section *section = section_of(name);
    struct job job = {section_values(expander, name, section), section->context, 1};
    const yaml_node_t *top = layer_top(&job.layers)->node;
    if (section->merge == MERGE_NODES && top->type == YAML_MAPPING_NODE)
        return expand_nodes(expander, &job.layers);
    if (section->merge != MERGE_LIST || top->type != YAML_SEQUENCE_NODE)
        return expand(expander, &job);
    int list = add_list(expander, top);
    for (unsigned i = 0; i < job.layers.count; i++)
        expand_items(expander, &job, list, &job.layers.items[i]);
    return list;
}

static struct layers collect(struct expander *expander, const char *name)
{
    struct layers found = {0};
    for (unsigned i = 0; i < expander->order.count; i++) {
        const yaml_node_t *value = source_value(expander, expander->order.items[i]->root, name);
        if (value && value->type == YAML_MAPPING_NODE)
            layer_add(expander, &found, value, NULL);
        else if (value && !is_nothing(value))
            complain(expander->complaints, place_of(value), "%s: expected a mapping of names", name);
    }
    return found;
}

static void write_sections(struct expander *expander, int root, const yaml_node_t *mapping, struct names *seen)
{
    struct names here = {0};
    for (yaml_node_pair_t *pair = mapping->data.mapping.pairs.start;
         pair < mapping->data.mapping.pairs.top && !expander->full; pair++) {
        const yaml_node_t *key = source_node(expander, mapping, pair->key);
        const char *name = scalar_text(key);
        bool twice = name && names_add(&here, name, (void *)key) != 0;
        if (name && !twice && (section_of(name)->merge == MERGE_GONE || names_add(seen, name, (void *)key) != 0))
            continue;
        struct layer layer = {key, NULL};
        struct job job = {{&layer, 1}, CONTEXT_PLAIN, 1};
        int key_id = expand(expander, &job);
        append_pair(expander, root, key_id, name ? expand_section(expander, name) : key_id);
    }
    names_free(&here);
}

void expand_all(struct expander *expander)
{
    if (expander->order.count == 0)
        return;
    expander->templates = collect(expander, "templates");
    expander->kinds = collect(expander, "kinds");
    const yaml_node_t *top = expander->sources.items[0]->root;
    int root =
        place_result(expander, yaml_document_add_mapping(&expander->result, NULL, YAML_BLOCK_MAPPING_STYLE), top);
    struct names seen = {0};
    for (unsigned i = 0; i < expander->order.count; i++)
        write_sections(expander, root, expander->order.items[i]->root, &seen);
    names_free(&seen);
}
