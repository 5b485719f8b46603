/*
 * The section `parameters`: what of a scenario may be chosen on the command line or by whoever includes it.
 *
 *     parameters:
 *       loss: 3%                                   a default; its looks say that it is a share
 *       hosts: {default: 20, min: 1, max: 1000, description: "how many ask at once"}
 *       congestion: {default: reno, choices: [reno, cubic]}
 *       target: {type: time}                       no default: it must be given
 *
 * The value of a parameter comes from `set` of the inclusion, else from --set, else from a parameter of the same name
 * of the including file, else it is the default.
 */
#include "lab/scenario_expand.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const char *const type_words[] = {"text", "integer", "boolean", "time", "rate", "share", "size", NULL};
static const char *const type_examples[] = {
    "a text",
    "a whole number",
    "true or false",
    "a time with a unit such as 250us, 10ms, 1.5s or 2m",
    "a rate with a unit such as 64kbit, 10mbit or 2.5gbit",
    "a share such as 3% or 0.01%",
    "a size such as 1500, 64KiB or 1MiB",
};

/** What a text is as a value of a type: a number to compare. @return 0, -EINVAL, -ERANGE. */
static int parse_as(enum parameter_type type, const char *text, int64_t *number)
{
    uint64_t large = 0;
    uint32_t share = 0;
    strata_time time = 0;
    char *end;
    int error = 0;
    *number = 0;
    switch (type) {
    case PARAMETER_TEXT:
        return 0;
    case PARAMETER_INTEGER:
        errno = 0;
        *number = strtoll(text, &end, 10);
        return *end || end == text || *text == ' ' || *text == '+' ? -EINVAL : errno ? -ERANGE : 0;
    case PARAMETER_BOOLEAN:
        return strcmp(text, "true") == 0 || strcmp(text, "false") == 0 ? 0 : -EINVAL;
    case PARAMETER_TIME:
        error = parse_duration(text, &time);
        *number = time;
        return error;
    case PARAMETER_RATE:
        error = parse_rate(text, &large);
        break;
    case PARAMETER_SHARE:
        error = parse_share(text, &share);
        large = share;
        break;
    case PARAMETER_SIZE:
        error = parse_bytes(text, &large);
        break;
    }
    *number = (int64_t)large;
    return error ? error : large > INT64_MAX ? -ERANGE : 0;
}

/** What a default looks like. */
static enum parameter_type type_of(const char *text)
{
    static const enum parameter_type order[] = {PARAMETER_INTEGER, PARAMETER_BOOLEAN, PARAMETER_SHARE,
                                                PARAMETER_TIME,    PARAMETER_RATE,    PARAMETER_SIZE};
    int64_t number;
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        if (parse_as(order[i], text, &number) == 0)
            return order[i];
    return PARAMETER_TEXT;
}

/* ---- Declarations ---------------------------------------------------------------------------------------- */

struct declaration {
    struct expander *expander;
    struct source *source;
    struct scenario_parameter parameter;
    bool has_type;
    const char *min, *max;
    const yaml_node_t *default_node, *min_node, *max_node;
};

static const char *filled(struct reader_state *reader, const yaml_node_t *value, const struct declaration *of)
{
    bool nothing = value->type == YAML_SCALAR_NODE && value->data.scalar.length == 0;
    const char *text = nothing ? "" : read_text(reader, value);
    return formula_fill(of->expander, NULL, value, text);
}

static void read_type(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    struct declaration *declaration = into;
    int word = read_word(reader, value, type_words);
    declaration->has_type = true;
    declaration->parameter.type = word < 0 ? PARAMETER_TEXT : (enum parameter_type)word;
}

static void read_default(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    struct declaration *declaration = into;
    declaration->parameter.initial = filled(reader, value, declaration);
    declaration->default_node = value;
}

static void read_parameter_description(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    ((struct declaration *)into)->parameter.description = read_text(reader, value);
}

static void read_choice(struct reader_state *reader, const yaml_node_t *item, void *into)
{
    struct declaration *declaration = into;
    *(const char **)LIST_APPEND(reader->scenario, declaration->parameter.choices) = read_text(reader, item);
}

static void read_choices(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    read_items(reader, value, "choices", false, read_choice, into);
}

static void read_parameter_min(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    struct declaration *declaration = into;
    declaration->min = filled(reader, value, declaration);
    declaration->min_node = value;
}

static void read_parameter_max(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    struct declaration *declaration = into;
    declaration->max = filled(reader, value, declaration);
    declaration->max_node = value;
}

static const struct shape shape_type = {.kind = SHAPE_WORD, .words = type_words},
                          shape_choices = {.kind = SHAPE_LIST, .item = &shape_text};
static const struct key parameter_keys[] = {
    {"default", read_default, false, &shape_text, "its value unless it is given; without it, it must be given"},
    {"type", read_type, false, &shape_type, "what the default looks like, unless given"},
    {"description", read_parameter_description, false, &shape_text, "one line for --help"},
    {"choices", read_choices, false, &shape_choices, "the values there are"},
    {"min", read_parameter_min, false, &shape_text, "at least so much"},
    {"max", read_parameter_max, false, &shape_text, "at most so much"},
    KEYS_END,
};
static const struct shape shape_parameter_mapping = {
    .kind = SHAPE_MAPPING, .what = "a parameter", .keys = parameter_keys};
static const struct shape *const parameter_shapes[] = {&shape_text, &shape_parameter_mapping, NULL};
static const struct shape shape_parameter = {.kind = SHAPE_EITHER, .either = parameter_shapes};
const struct shape shape_parameters = {.kind = SHAPE_ENTRIES, .item = &shape_parameter};

/* ---- Values ---------------------------------------------------------------------------------------------- */

/** Says about a value: "--set loss=3: ", or nothing where it stands in a file. */
static void refuse(const struct declaration *of, const yaml_node_t *where, const char *value, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static void refuse(const struct declaration *of, const yaml_node_t *where, const char *value, const char *format, ...)
{
    char text[500];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    struct complaints *complaints = of->expander->complaints;
    const char *told = *value ? value : "nothing";
    if (where)
        complain(complaints, place_of(where), "the parameter %s: %s %s", of->parameter.name, told, text);
    else
        complain(complaints, PLACE_COMMAND, "--set %s=%s: %s %s", of->parameter.name, value, told, text);
}

static bool is_choice(const struct declaration *of, const yaml_node_t *where, const char *value)
{
    const struct scenario_parameter *parameter = &of->parameter;
    struct nearest nearest;
    nearest_begin(&nearest, value);
    char known[300] = "";
    size_t length = 0;
    for (unsigned i = 0; i < parameter->choices.count; i++) {
        const char *choice = parameter->choices.items[i];
        if (strcmp(choice, value) == 0)
            return true;
        nearest_try(&nearest, choice);
        if (length < sizeof known)
            length += (size_t)snprintf(known + length, sizeof known - length, "%s%s",
                                       i == 0                                ? ""
                                       : i + 1 == parameter->choices.count ? " or "
                                                                             : ", ",
                                       choice);
    }
    if (parameter->choices.count > 0)
        refuse(of, where, value, "is not %s%s", known, nearest_text(&nearest));
    return parameter->choices.count == 0;
}

static bool within_bound(const struct declaration *of, const yaml_node_t *where, const char *value, int64_t number,
                         const char *bound, const yaml_node_t *bound_node, bool is_most)
{
    int64_t limit;
    if (!bound)
        return true;
    if (of->parameter.type == PARAMETER_TEXT || of->parameter.type == PARAMETER_BOOLEAN) {
        complain(of->expander->complaints, place_of(bound_node), "%s has no %s", type_examples[of->parameter.type],
                 is_most ? "max" : "min");
        return false;
    }
    if (parse_as(of->parameter.type, bound, &limit) != 0) {
        complain(of->expander->complaints, place_of(bound_node), "%s is not %s", bound,
                 type_examples[of->parameter.type]);
        return false;
    }
    if (is_most ? number <= limit : number >= limit)
        return true;
    refuse(of, where, value, "is %s than %s", is_most ? "more" : "less", bound);
    return false;
}

/** @return whether it is a value that the parameter can have, after a complaint; `where` is NULL for the command line.
 */
static bool check_value(const struct declaration *of, const yaml_node_t *where, const char *value)
{
    int64_t number;
    int error = parse_as(of->parameter.type, value, &number);
    if (error)
        refuse(of, where, value, "%s %s",
               error == -ERANGE ? "is too large, too small or too fine: expected" : "is not",
               type_examples[of->parameter.type]);
    return !error && is_choice(of, where, value) &&
           within_bound(of, where, value, number, of->min, of->min_node, false) &&
           within_bound(of, where, value, number, of->max, of->max_node, true);
}

/** What the command line says of a parameter, or NULL; the last one goes. */
static const char *set_value(const struct scenario_input *input, const char *name)
{
    size_t length = strlen(name);
    for (unsigned i = input->set_count; i-- > 0;)
        if (strncmp(input->sets[i], name, length) == 0 && input->sets[i][length] == '=')
            return input->sets[i] + length + 1;
    return NULL;
}

static const char *choose(struct declaration *of)
{
    struct scenario_parameter *parameter = &of->parameter;
    const struct source *source = of->source;
    size_t length = strlen(parameter->name);
    const struct variable *given = variable_find(source->given, parameter->name, length);
    const char *set = set_value(of->expander->input, parameter->name);
    const struct variable *outer =
        source->includer ? variable_find(source->includer->parameters, parameter->name, length) : NULL;
    parameter->fixed = given != NULL;
    if (parameter->initial)
        check_value(of, of->default_node, parameter->initial);
    const char *value = given ? given->value : set ? set : outer ? outer->value : parameter->initial;
    bool good = !(given || set) || check_value(of, given ? of->source->where : NULL, value);
    return good ? value : parameter->initial; // so that one wrong value is one mistake
}

static bool is_listed(const struct scenario *scenario, const char *name)
{
    for (unsigned i = 0; i < scenario->parameters.count; i++)
        if (strcmp(scenario->parameters.items[i].name, name) == 0)
            return true;
    return false;
}

static void declare(struct reader_state *reader, const yaml_node_t *key, const yaml_node_t *value, void *into)
{
    struct declaration declaration = *(const struct declaration *)into;
    struct scenario_parameter *parameter = &declaration.parameter;
    parameter->name = (const char *)key->data.scalar.value;
    parameter->name = arena_text(&reader->scenario->arena, parameter->name, strlen(parameter->name));
    if (!is_variable_name(parameter->name)) {
        complain(reader->complaints, place_of(key),
                 "\"%s\" is no name for a parameter: letters, digits, _ and -, beginning with a letter",
                 parameter->name);
        return;
    }
    unsigned before = reader->complaints->count;
    if (value->type == YAML_SCALAR_NODE)
        read_default(reader, value, &declaration);
    else
        read_mapping(reader, value, &shape_parameter_mapping, &declaration);
    if (!declaration.has_type)
        parameter->type = parameter->initial && parameter->choices.count == 0 ? type_of(parameter->initial)
                                                                              : PARAMETER_TEXT;
    parameter->value = choose(&declaration);
    if (!parameter->value && !declaration.default_node && reader->complaints->count == before &&
        !declaration.expander->input->only_parameters)
        complain(reader->complaints, place_of(key), "the parameter %s has no default: give it with --set %s=...",
                 parameter->name, parameter->name);
    declaration.source->parameters = variable_add(declaration.expander, declaration.source->parameters,
                                                  parameter->name, parameter->value ? parameter->value : "");
    if (!parameter->fixed && !is_listed(reader->scenario, parameter->name))
        *(struct scenario_parameter *)LIST_APPEND(reader->scenario, reader->scenario->parameters) = *parameter;
}

const char *parameter_type_name(enum parameter_type type)
{
    return type_words[type];
}

void parameters_declare(struct expander *expander, struct source *source)
{
    source->parameters = source->includer ? source->includer->parameters : NULL;
    const yaml_node_t *section = source_value(expander, source->root, "parameters");
    if (!section)
        return;
    struct reader_state reader = {
        .document = &source->document, .scenario = expander->scenario, .complaints = expander->complaints};
    struct declaration declaration = {.expander = expander, .source = source};
    read_entries(&reader, section, "parameters", declare, &declaration);
}

void parameters_finish(struct expander *expander)
{
    const struct scenario *scenario = expander->scenario;
    for (unsigned i = 0; i < expander->input->set_count; i++) {
        const char *set = expander->input->sets[i];
        const char *equals = strchr(set, '=');
        if (!equals || equals == set) {
            complain(expander->complaints, PLACE_COMMAND, "--set %s: expected NAME=VALUE", set);
            continue;
        }
        const char *name = arena_text(&expander->scenario->arena, set, (size_t)(equals - set));
        if (is_listed(scenario, name))
            continue;
        struct nearest nearest;
        nearest_begin(&nearest, name);
        char known[400] = "";
        size_t length = 0;
        for (unsigned j = 0; j < scenario->parameters.count; j++) {
            nearest_try(&nearest, scenario->parameters.items[j].name);
            if (length < sizeof known)
                length += (size_t)snprintf(known + length, sizeof known - length, "%s%s", j ? ", " : "; it has ",
                                           scenario->parameters.items[j].name);
        }
        complain(expander->complaints, PLACE_COMMAND, "--set %s: the scenario has no parameter %s%s%s", set, name,
                 nearest_text(&nearest), length ? known : "; it has none");
    }
}
