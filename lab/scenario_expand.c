/*
 * One plain document out of the files of a scenario: what includes lies over what is included, templates and kinds lie
 * beneath what uses them, repetitions are written out, formulas are replaced by their values.
 */
#include "lab/scenario_expand.h"

#include <stdlib.h>
#include <string.h>

#include "lab/names.h"

#define VALUES_MAX 2000000u
#define DEPTH_MAX 64u
#define LAYERS_MAX 64u
#define HIDDEN "[" /**< The variable that counts the numbers of a range: nobody can write it. */

/** Where in the language a value stands, as far as it matters here. */
enum context {
    CONTEXT_NODES,    /**< The section: entries are nodes. */
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
    const struct variable *inner;
    enum context context;
    unsigned depth;
};

static int expand(struct expander *expander, const struct job *job);

bool expand_full(struct expander *expander, const yaml_node_t *where, const char *what)
{
    if (!expander->full)
        complain(expander->complaints, place_of(where), "too much %s for a scenario", what);
    expander->full = true;
    return false;
}

static void add_layer(struct expander *expander, struct layers *layers, const yaml_node_t *node)
{
    if (layers->count % 8 == 0) {
        const yaml_node_t **items = arena_take(&expander->scenario->arena, (layers->count + 8) * sizeof *items);
        if (layers->count > 0)
            memcpy(items, layers->items, layers->count * sizeof *items);
        layers->items = items;
    }
    layers->items[layers->count++] = node;
}

static const yaml_node_t *top_of(const struct layers *layers)
{
    return layers->items[layers->count - 1];
}

/** The topmost value of a key, or NULL. */
static const yaml_node_t *find(const struct expander *expander, const struct layers *layers, const char *key)
{
    for (unsigned i = layers->count; i-- > 0;) {
        const yaml_node_t *found = source_value(expander, layers->items[i], key);
        if (found)
            return found;
    }
    return NULL;
}

static const char *text_of(const yaml_node_t *node)
{
    return node && node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : NULL;
}

static bool is_nothing(const yaml_node_t *node)
{
    return node->type == YAML_SCALAR_NODE && node->data.scalar.length == 0 &&
           node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

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

static int add_scalar(struct expander *expander, const struct job *job, const yaml_node_t *node)
{
    const char *text = (const char *)node->data.scalar.value;
    if (strlen(text) != node->data.scalar.length)
        return add_text(expander, node, text, node->data.scalar.length); // a zero byte: for the reader to tell
    const char *filled = formula_fill(expander, job->inner, node, text);
    text = filled ? filled : "";
    const struct variable *index = job->context == CONTEXT_ENDPOINTS ? variable_find(job->inner, HIDDEN, 1) : NULL;
    struct range range;
    if (index && range_parse(text, &range))
        text = range_name(&expander->scenario->arena, &range, atoll(index->value));
    return add_text(expander, node, text, strlen(text));
}

/* ---- Layers ---------------------------------------------------------------------------------------------- */

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
    const char *name = value->type == YAML_SCALAR_NODE ? formula_fill(expander, inner, value, text_of(value)) : NULL;
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
        const yaml_node_t *mapping = section->items[i];
        for (yaml_node_pair_t *pair = mapping->data.mapping.pairs.start; pair < mapping->data.mapping.pairs.top;
             pair++) {
            const char *known = text_of(source_node(expander, mapping, pair->key));
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
    else if (under->depth > 16 || under->layers->count > LAYERS_MAX)
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
    if (merged && merged->type == YAML_MAPPING_NODE && depth < 16)
        add_with_templates(expander, layers, merged, inner, depth + 1);
    else if (merged)
        complain(expander->complaints, place_of(merged), "<< takes a mapping, as in <<: *other");
    add_layer(expander, layers, mapping);
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
static void find_kinds(struct expander *expander, const struct job *job, const yaml_node_t *kind, struct layers *found,
                       const yaml_node_t **known)
{
    const char *name = kind ? formula_fill(expander, job->inner, kind, text_of(kind) ? text_of(kind) : "") : "host";
    for (*known = kind; name && *name;) {
        struct nearest nearest;
        const yaml_node_t *entry = find_entry(expander, &expander->kinds, name, &nearest);
        if (!entry && kind && !is_known_kind(name) && expander->kinds.count > 0)
            unknown_kind(expander, kind, &nearest);
        if (!entry || is_nothing(entry))
            return;
        if (entry->type != YAML_MAPPING_NODE || found->count == 16) {
            complain(expander->complaints, place_of(entry),
                     found->count == 16 ? "the kind %s is a kind of itself"
                                        : "the kind %s: expected a mapping of keys and values", name);
            found->count = 0;
            return;
        }
        add_layer(expander, found, entry);
        kind = source_value(expander, entry, "kind");
        const char *base = kind ? text_of(kind) : NULL;
        *known = kind ? kind : *known;
        name = base && strcmp(base, name) != 0 ? base : NULL;
    }
}

/** What a key means to a repetition or a template, and not to the reader. */
static bool is_structure(const char *key, enum context context)
{
    bool counts = context == CONTEXT_NODE || context == CONTEXT_LINKS || context == CONTEXT_LIST;
    return strcmp(key, "for") == 0 || strcmp(key, "template") == 0 || strcmp(key, "<<") == 0 ||
           (counts && strcmp(key, "count") == 0);
}

/* ---- Mappings -------------------------------------------------------------------------------------------- */

/** Whether a link ties many stations, so that a range in its endpoints is many of these and not many links. */
static bool is_bus(const struct expander *expander, const struct layers *link)
{
    const char *kind = text_of(find(expander, link, "kind"));
    return kind && strcmp(kind, "bus") == 0;
}

static enum context context_of_key(const struct expander *expander, const struct job *job, const char *key)
{
    if (job->context == CONTEXT_NODES)
        return CONTEXT_NODE;
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
    add_layer(expander, &values, own);
    for (unsigned i = from + 1; i < layers->count; i++) {
        const yaml_node_t *value = source_value(expander, layers->items[i], key);
        if (!value || is_nothing(value))
            continue;
        if (value->type != YAML_MAPPING_NODE || top_of(&values)->type != YAML_MAPPING_NODE)
            values.count = 0;
        add_layer(expander, &values, value);
    }
    return values;
}

static void append_pair(struct expander *expander, int mapping, int key, int value)
{
    if (mapping && key && value && !yaml_document_append_mapping_pair(&expander->result, mapping, key, value))
        expand_full(expander, expander->order.items[0]->root, "text");
}

/** Complains about many things that would all have the same name. */
static void check_names(struct expander *expander, const yaml_node_t *key, const struct rounds *rounds, bool has_range)
{
    const char *name = text_of(key);
    if (rounds->count > 1 && !has_range && name && !strstr(name, "${"))
        complain(expander->complaints, place_of(key),
                 "all %u of them would be called %s: put a variable into the name, such as %s${i}", rounds->count, name,
                 name);
}

/** An entry of a mapping: once, or in rounds where its value asks for them or its name has a range. */
static void expand_pair(struct expander *expander, const struct job *job, int mapping, const yaml_node_t *key,
                        const struct layers *values)
{
    struct job value = {.inner = job->inner, .depth = job->depth + 1, .context = context_of_key(expander, job, text_of(key))};
    struct rounds rounds;
    struct range range;
    const char *name = job->context == CONTEXT_NODES && strchr(text_of(key), '[')
                           ? formula_fill(expander, job->inner, key, text_of(key))
                           : NULL;
    bool has_range = name && range_parse(name, &range);
    value.layers = *values;
    rounds_plan(expander, values, job->inner, job->context == CONTEXT_NODES, &rounds);
    if (has_range && rounds.count == 1 && rounds.items[0] == job->inner) {
        rounds.count = 0;
        rounds_range(expander, &range, job->inner, HIDDEN, &rounds);
    }
    check_names(expander, key, &rounds, has_range);
    if (rounds.count > 1 && !has_range && text_of(key) && !strstr(text_of(key), "${"))
        rounds.count = 1;
    for (unsigned i = 0; i < rounds.count && !expander->full; i++) {
        const struct variable *index = has_range ? variable_find(rounds.items[i], HIDDEN, 1) : NULL;
        const char *filled = index ? range_name(&expander->scenario->arena, &range, atoll(index->value))
                                   : formula_fill(expander, rounds.items[i], key, text_of(key));
        if (!filled)
            break;
        int key_id = add_text(expander, key, filled, strlen(filled));
        value.inner = rounds.items[i];
        if (job->context == CONTEXT_NODES)
            value.inner = variable_add(expander, value.inner, "name", filled);
        append_pair(expander, mapping, key_id, expand(expander, &value));
    }
}

/** Nodes of files that know nothing of each other may not have the same name by chance. */
static void check_strangers(struct expander *expander, const struct layers *values, const char *name)
{
    for (unsigned i = 1; i < values->count; i++) {
        const struct source *above = source_of(expander, values->items[i]);
        const struct source *below = source_of(expander, values->items[i - 1]), *up = below;
        while (up && up != above)
            up = up->includer;
        if (!up)
            complain(expander->complaints, place_of(values->items[i]), "there is another node %s in %s", name,
                     below->path);
    }
}

/** A mapping on its way into the result. */
struct writing {
    const struct job *job;
    struct layers layers;
    const yaml_node_t *kind; /**< Of a node: the one that the reader knows. */
    struct names seen;       /**< From keys to the layer in which each was first. */
    int id;
};

/** The layers of a mapping, each with its templates, and for a node with what its kind says beneath them. */
static void find_layers(struct expander *expander, struct writing *writing)
{
    const struct job *job = writing->job;
    struct layers own = {0}, kinds = {0};
    for (unsigned i = 0; i < job->layers.count; i++)
        add_with_templates(expander, &own, job->layers.items[i], job->inner, 0);
    if (job->context == CONTEXT_NODE)
        find_kinds(expander, job, find(expander, &own, "kind"), &kinds, &writing->kind);
    for (unsigned i = kinds.count; i-- > 0;)
        add_with_templates(expander, &writing->layers, kinds.items[i], job->inner, 0);
    for (unsigned i = 0; i < own.count; i++)
        add_layer(expander, &writing->layers, own.items[i]);
}

/** A key of one layer, with what the layers above say of it; none where a layer beneath has written it. */
static void write_key(struct expander *expander, struct writing *writing, unsigned layer, const yaml_node_pair_t *pair)
{
    const struct job *job = writing->job;
    const yaml_node_t *mapping = writing->layers.items[layer], *key = source_node(expander, mapping, pair->key);
    const yaml_node_t *own = source_node(expander, mapping, pair->value);
    const char *name = text_of(key);
    if (!name) { // for the reader to tell
        struct job strange = {{&key, 1}, job->inner, CONTEXT_PLAIN, job->depth + 1};
        append_pair(expander, writing->id, expand(expander, &strange), add_text(expander, mapping, "", 0));
        return;
    }
    if (job->context != CONTEXT_NODES && is_structure(name, job->context))
        return;
    struct layers values = values_of(expander, &writing->layers, layer, name, own);
    if (strstr(name, "${")) { // what it will be called depends on the file that it is in
        values = (struct layers){&own, 1};
        expand_pair(expander, job, writing->id, key, &values);
        return;
    }
    if (names_add(&writing->seen, name, (void *)mapping) != 0) {
        if (names_find(&writing->seen, name) != mapping)
            return;
        values = (struct layers){&own, 1}; // twice in one mapping: for the reader to tell
    }
    if (job->context == CONTEXT_NODES)
        check_strangers(expander, &values, name);
    if (job->context == CONTEXT_NODE && strcmp(name, "kind") == 0 && writing->kind)
        values = (struct layers){&writing->kind, 1};
    expand_pair(expander, job, writing->id, key, &values);
}

static int expand_mapping(struct expander *expander, const struct job *job)
{
    struct writing writing = {.job = job};
    if (job->context == CONTEXT_NODES)
        writing.layers = job->layers;
    else
        find_layers(expander, &writing);
    writing.id = place_result(expander, yaml_document_add_mapping(&expander->result, NULL, YAML_ANY_MAPPING_STYLE),
                              top_of(&job->layers));
    for (unsigned i = 0; i < writing.layers.count && writing.id; i++) {
        const yaml_node_t *mapping = writing.layers.items[i];
        for (yaml_node_pair_t *pair = mapping->data.mapping.pairs.start;
             pair < mapping->data.mapping.pairs.top && !expander->full; pair++)
            write_key(expander, &writing, i, pair);
    }
    names_free(&writing.seen);
    return writing.id;
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
        const char *text = text_of(end) ? text_of(end) : "";
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
static bool add_stations(struct expander *expander, const struct job *job, int list, const yaml_node_t *item)
{
    const char *text = text_of(item) && strchr(text_of(item), '[') ? text_of(item) : NULL;
    struct range range;
    text = text ? formula_fill(expander, job->inner, item, text) : NULL;
    if (!text || !range_parse(text, &range))
        return false;
    for (int64_t i = 0; i < range_count(&range) && !expander->full; i++) {
        const char *name = range_name(&expander->scenario->arena, &range, i);
        append_item(expander, list, add_text(expander, item, name, strlen(name)));
    }
    return true;
}

static void expand_item(struct expander *expander, const struct job *job, int list, const yaml_node_t *item)
{
    struct job entry = {{&item, 1}, job->inner, job->context, job->depth + 1};
    struct rounds rounds = {0};
    if (job->context == CONTEXT_STATIONS && add_stations(expander, job, list, item))
        return;
    if (item->type != YAML_MAPPING_NODE) {
        append_item(expander, list, expand(expander, &entry));
        return;
    }
    rounds_plan(expander, &entry.layers, job->inner, job->context == CONTEXT_LINKS || job->context == CONTEXT_LIST,
                &rounds);
    for (unsigned i = 0; i < rounds.count && !expander->full; i++) {
        struct rounds ends = {&rounds.items[i], 1, 1};
        if (job->context == CONTEXT_LINKS && !is_bus(expander, &entry.layers)) {
            ends = (struct rounds){0};
            endpoint_rounds(expander, item, rounds.items[i], &ends);
        }
        for (unsigned j = 0; j < ends.count && !expander->full; j++) {
            entry.inner = ends.items[j];
            append_item(expander, list, expand(expander, &entry));
        }
    }
}

static void expand_items(struct expander *expander, const struct job *job, int list, const yaml_node_t *values)
{
    for (yaml_node_item_t *item = values->data.sequence.items.start;
         item < values->data.sequence.items.top && !expander->full; item++)
        expand_item(expander, job, list, source_node(expander, values, *item));
}

static int add_list(struct expander *expander, const yaml_node_t *from)
{
    return place_result(expander, yaml_document_add_sequence(&expander->result, NULL, YAML_ANY_SEQUENCE_STYLE), from);
}

static int expand(struct expander *expander, const struct job *job)
{
    const yaml_node_t *top = top_of(&job->layers);
    if (expander->full)
        return 0;
    if (job->depth > DEPTH_MAX) {
        expand_full(expander, top, "depth");
        return 0;
    }
    if (top->type == YAML_SCALAR_NODE)
        return add_scalar(expander, job, top);
    if (top->type == YAML_MAPPING_NODE)
        return expand_mapping(expander, job);
    int list = add_list(expander, top);
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
    {"nodes", MERGE_NODES, CONTEXT_NODES},     {"links", MERGE_LIST, CONTEXT_LINKS},
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
        if (value->type != merged || (values.count > 0 && top_of(&values)->type != merged))
            values.count = 0;
        add_layer(expander, &values, value);
    }
    return values;
}

static int expand_section(struct expander *expander, const char *name)
{
    const struct section *section = section_of(name);
    struct job job = {section_values(expander, name, section), NULL, section->context, 1};
    const yaml_node_t *top = top_of(&job.layers);
    if (section->merge != MERGE_LIST || top->type != YAML_SEQUENCE_NODE)
        return expand(expander, &job);
    int list = add_list(expander, top);
    for (unsigned i = 0; i < job.layers.count; i++)
        expand_items(expander, &job, list, job.layers.items[i]);
    return list;
}

static struct layers collect(struct expander *expander, const char *name)
{
    struct layers found = {0};
    for (unsigned i = 0; i < expander->order.count; i++) {
        const yaml_node_t *value = source_value(expander, expander->order.items[i]->root, name);
        if (value && value->type == YAML_MAPPING_NODE)
            add_layer(expander, &found, value);
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
        const char *name = text_of(key);
        bool twice = name && names_add(&here, name, (void *)key) != 0;
        if (name && !twice && (section_of(name)->merge == MERGE_GONE || names_add(seen, name, (void *)key) != 0))
            continue;
        struct job job = {{&key, 1}, NULL, CONTEXT_PLAIN, 1};
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
