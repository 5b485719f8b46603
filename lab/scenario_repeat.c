/*
 * Many things in one entry: `for: {i: 1-20}`, its short form `count: 20`, and ranges in names such as h[1-20].
 *
 * A repetition is a list of rounds; a round is what the variables are in it. Several variables in one `for` make all
 * combinations, the first one slowest; a later one may be computed from those before it.
 */
#include "lab/scenario_layers.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS_MAX 1000000u

static void rounds_add(struct expander *expander, struct rounds *rounds, const struct variable *round)
{
    *(const struct variable **)LIST_APPEND(expander->scenario, *rounds) = round;
}

static const char *number_text(struct arena *arena, int64_t number, int width)
{
    char text[40];
    int length = snprintf(text, sizeof text, "%0*" PRId64, width, number);
    return arena_text(arena, text, (size_t)length);
}

/* ---- Ranges ---------------------------------------------------------------------------------------------- */

/** A number; where it is written with zeros before it, `width` is how many digits it has. */
static bool parse_number(const char **at, int64_t *number, int *width)
{
    const char *from = *at;
    char *end;
    if (*from < '0' || *from > '9')
        return false;
    errno = 0;
    long long value = strtoll(from, &end, 10);
    if (errno || value > 1000000000 || end - from > 18)
        return false;
    *number = value;
    if (width)
        *width = *from == '0' && end - from > 1 ? (int)(end - from) : 1;
    *at = end;
    return true;
}

/** "1-20", "0-100/10". @return whether it is one, from *at on. */
static bool parse_span(const char **at, struct range *range)
{
    range->step = 1;
    if (!parse_number(at, &range->first, &range->width) || **at != '-')
        return false;
    ++*at;
    if (!parse_number(at, &range->last, NULL))
        return false;
    if (**at != '/')
        return true;
    ++*at;
    return parse_number(at, &range->step, NULL) && range->step > 0;
}

bool range_parse(const char *name, struct range *range)
{
    const char *bracket = strchr(name, '['), *at = bracket ? bracket + 1 : NULL;
    *range = (struct range){.name = name};
    if (!at || !parse_span(&at, range) || *at != ']' || range->last < range->first)
        return false;
    range->before = (size_t)(bracket - name);
    range->after = (size_t)(at + 1 - name);
    return true;
}

int64_t range_count(const struct range *range)
{
    return range->last < range->first ? 0 : (range->last - range->first) / range->step + 1;
}

const char *range_name(struct arena *arena, const struct range *range, int64_t index)
{
    const char *number = number_text(arena, range->first + index * range->step, range->width);
    size_t length = strlen(number), rest = strlen(range->name + range->after);
    char *name = arena_take(arena, range->before + length + rest + 1);
    memcpy(name, range->name, range->before);
    memcpy(name + range->before, number, length);
    memcpy(name + range->before + length, range->name + range->after, rest);
    return name;
}

/* ---- Rounds ---------------------------------------------------------------------------------------------- */

static bool span_rounds(struct expander *expander, const struct range *range, const struct variable *inner,
                        const char *name, const char *hidden, struct rounds *rounds)
{
    if (rounds->count + range_count(range) > ROUNDS_MAX)
        return false;
    for (int64_t i = 0; i < range_count(range); i++) {
        const char *number =
            number_text(&expander->scenario->arena, range->first + i * range->step, range->width);
        const struct variable *round = variable_add(expander, inner, name, number);
        if (hidden)
            round = variable_add(expander, round, hidden, number_text(&expander->scenario->arena, i, 1));
        rounds_add(expander, rounds, round);
    }
    return true;
}

void rounds_range(struct expander *expander, const struct range *range, const struct variable *inner,
                  const char *hidden, struct rounds *rounds)
{
    if (!span_rounds(expander, range, inner, "i", hidden, rounds))
        expand_full(expander, expander->order.items[0]->root, "repetition");
}

static void list_rounds(struct expander *expander, const char *name, const yaml_node_t *values,
                        const struct variable *inner, struct rounds *rounds)
{
    for (yaml_node_item_t *item = values->data.sequence.items.start; item < values->data.sequence.items.top; item++) {
        const yaml_node_t *value = source_node(expander, values, *item);
        const char *text = value->type == YAML_SCALAR_NODE
                               ? formula_fill(expander, inner, value, (const char *)value->data.scalar.value)
                               : NULL;
        if (value->type != YAML_SCALAR_NODE)
            complain(expander->complaints, place_of(value), "%s takes single values, not lists or mappings", name);
        else if (text)
            rounds_add(expander, rounds, variable_add(expander, inner, name, text));
    }
}

/** "1-20", "0-100/10", or "7" alone. An empty range ends just before it begins. */
static bool parse_values(const char *text, struct range *range)
{
    const char *at = text;
    if (parse_span(&at, range))
        return !*at && range->last >= range->first - 1;
    at = text;
    if (!parse_number(&at, &range->first, &range->width) || *at)
        return false;
    range->last = range->first;
    return true;
}

/** The rounds of one variable within a round of those before it. */
static void variable_rounds(struct expander *expander, const char *name, const yaml_node_t *values,
                            const struct variable *inner, struct rounds *rounds)
{
    struct range range = {.step = 1};
    if (values->type == YAML_SEQUENCE_NODE) {
        list_rounds(expander, name, values, inner, rounds);
        return;
    }
    const char *text = values->type == YAML_SCALAR_NODE
                           ? formula_fill(expander, inner, values, (const char *)values->data.scalar.value)
                           : "a mapping";
    if (!text)
        return;
    if (!parse_values(text, &range))
        complain(expander->complaints, place_of(values),
                 "%s takes a range such as 1-20 or 0-100/10, or a list, not %s", name, *text ? text : "nothing");
    else if (!span_rounds(expander, &range, inner, name, NULL, rounds))
        expand_full(expander, values, "repetition");
}

/** Each round so far once for each value of one more variable. */
static void multiply(struct expander *expander, const char *name, const yaml_node_t *values, struct rounds *rounds)
{
    struct rounds more = {0};
    for (unsigned i = 0; i < rounds->count && !expander->full; i++) {
        variable_rounds(expander, name, values, rounds->items[i], &more);
        if (more.count > ROUNDS_MAX)
            expand_full(expander, values, "repetition");
    }
    *rounds = more;
}

static void for_rounds(struct expander *expander, const yaml_node_t *value, struct rounds *rounds)
{
    if (value->type != YAML_MAPPING_NODE || value->data.mapping.pairs.start == value->data.mapping.pairs.top) {
        complain(expander->complaints, place_of(value), "for takes variables and their values, such as {i: 1-20}");
        rounds->count = 0;
        return;
    }
    for (yaml_node_pair_t *pair = value->data.mapping.pairs.start; pair < value->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = source_node(expander, value, pair->key);
        if (key->type != YAML_SCALAR_NODE || !is_variable_name((const char *)key->data.scalar.value))
            complain(expander->complaints, place_of(key),
                     "a variable has a name of letters, digits and _, beginning with a letter");
        else
            multiply(expander, (const char *)key->data.scalar.value, source_node(expander, value, pair->value), rounds);
    }
}

static void count_rounds(struct expander *expander, const yaml_node_t *value, struct rounds *rounds)
{
    const struct variable *inner = rounds->items[0];
    const char *text = value->type == YAML_SCALAR_NODE
                           ? formula_fill(expander, inner, value, (const char *)value->data.scalar.value)
                           : "a list or a mapping", *at = text;
    struct range range = {.first = 1, .step = 1, .width = 1};
    rounds->count = 0;
    if (!text)
        return;
    if (!parse_number(&at, &range.last, NULL) || *at)
        complain(expander->complaints, place_of(value), "%s is not a number of repetitions, such as 20",
                 *text ? text : "nothing");
    else if (!span_rounds(expander, &range, inner, "i", NULL, rounds))
        expand_full(expander, value, "repetition");
}

bool rounds_plan(struct expander *expander, const struct layers *layers, bool counts, struct rounds *rounds)
{
    const yaml_node_t *by_for, *by_count = NULL;
    const struct layer *layer = layer_with(expander, layers, "for", &by_for), *counting = NULL;
    if (counts)
        counting = layer_with(expander, layers, "count", &by_count);
    if (!layer)
        layer = counting ? counting : layer_top(layers);
    *rounds = (struct rounds){0};
    rounds_add(expander, rounds, layer->inner);
    if (by_for && by_count) {
        complain(expander->complaints, place_of(by_count), "count is short for a for: write one of them");
        rounds->count = 0;
    } else if (by_for) {
        for_rounds(expander, by_for, rounds);
    } else if (by_count) {
        count_rounds(expander, by_count, rounds);
    }
    return by_for || by_count;
}

static void read_nothing(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    (void)reader, (void)value, (void)into;
}

/* What every entry of a list or of names may have besides its own words. */
static const struct shape shape_number = {.kind = SHAPE_INTEGER, .least = 0, .most = ROUNDS_MAX};
static const struct shape shape_values = {.kind = SHAPE_LIST, .single = true, .item = &shape_text};
static const struct shape shape_for = {.kind = SHAPE_ENTRIES, .item = &shape_values};
static const struct shape shape_template = {.kind = SHAPE_LIST, .single = true, .item = &shape_text};
static const struct key repeat_keys[] = {
    {"template", read_nothing, false, &shape_template, "what a template says holds here, but for what is said here"},
    {"for", read_nothing, false, &shape_for, "once for each value of these variables: {i: 1-20} or {n: [a, b]}"},
    {"count", read_nothing, false, &shape_number, "so many of it: short for {for: {i: 1-N}}"},
    KEYS_END,
};
const struct shape shape_repeat = {.kind = SHAPE_MAPPING, .what = "a repetition", .keys = repeat_keys};
