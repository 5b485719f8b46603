/*
 * The scenario language as a JSON schema (draft 7), for editors: made of the tables by which scenarios are read, so
 * that there is no word in one that is not in the other.
 */
#include "lab/json.h"

#include <stdlib.h>
#include <string.h>

#include "lab/scenario_expand.h"

/** What a formula in a text looks like: wherever a value is, ${...} may be. */
#define FORMULA "\\$\\{"
#define NUMBER "[0-9]+([.][0-9]+)? *"

struct writer {
    json_t *definitions;
};

static json_t *value_schema(struct writer *writer, const struct shape *shape, bool part);

static json_t *either(json_t *a, json_t *b)
{
    return json_pack("{s:[o, o]}", "anyOf", a, b);
}

static json_t *pattern(const char *text)
{
    return json_pack("{s:s, s:s}", "type", "string", "pattern", text);
}

static json_t *integer_schema(const struct shape *shape)
{
    json_t *number = json_pack("{s:s}", "type", "integer");
    if (shape->least != shape->most) {
        json_object_set_new(number, "minimum", json_integer(shape->least));
        if (shape->most > shape->least)
            json_object_set_new(number, "maximum", json_integer(shape->most));
    }
    return either(number, pattern("^-?[0-9]+$|" FORMULA));
}

static json_t *words_schema(const struct shape *shape)
{
    json_t *words = json_array();
    for (int i = 0; shape->words[i]; i++)
        json_array_append_new(words, json_string(shape->words[i]));
    json_t *known = json_pack("{s:o}", "enum", words);
    return either(known, shape->open ? json_pack("{s:s}", "type", "string") : pattern(FORMULA));
}

static json_t *names_schema(const struct shape *shape)
{
    json_t *names = json_array();
    const char *help, *name;
    for (unsigned i = 0; (name = shape->names(i, &help)); i++)
        json_array_append_new(names, json_string(name));
    return either(json_pack("{s:o}", "enum", names), pattern(FORMULA));
}

static json_t *scalar_schema(const struct shape *shape)
{
    switch (shape->kind) {
    case SHAPE_NOTHING:
        return json_pack("{s:s}", "type", "null");
    case SHAPE_INTEGER:
        return integer_schema(shape);
    case SHAPE_BOOLEAN:
        return either(json_pack("{s:s}", "type", "boolean"), pattern("^(true|false|yes|no|on|off)$|" FORMULA));
    case SHAPE_TIME:
        return either(json_pack("{s:i}", "const", 0),
                      pattern(shape->single ? "^" NUMBER "(ns|us|ms|s|m|min|h|d)( *- *" NUMBER
                                              "(ns|us|ms|s|m|min|h|d))?$|" FORMULA
                                            : "^0$|^" NUMBER "(ns|us|ms|s|m|min|h|d)$|" FORMULA));
    case SHAPE_RATE:
        return pattern("^" NUMBER "[kKmMgGtT]?([bB][iI][tT](/s)?|[bB][pP][sS])$|" FORMULA);
    case SHAPE_SHARE:
        return either(json_pack("{s:i}", "const", 0), pattern("^0$|^" NUMBER "(%|ppm)$|" FORMULA));
    case SHAPE_SIZE:
        return either(json_pack("{s:s, s:i}", "type", "integer", "minimum", 0),
                      pattern("^" NUMBER "([kKmMgG]?[iI]?[bB])?$|" FORMULA));
    case SHAPE_WORD:
        return words_schema(shape);
    default:
        return shape->names ? names_schema(shape)
                            : json_pack("{s:[s, s, s, s]}", "type", "string", "number", "boolean", "null");
    }
}

static bool is_one_of(const char *word, const char *const *words)
{
    while (*words && strcmp(*words, word) != 0)
        words++;
    return *words;
}

/** Which words repeat what is read by a table. */
static bool may_repeat(const struct shape *shape, const char *word)
{
    static const char *const counted[] = {"a node", "a link", "a program", "an event", NULL};
    static const char *const listed[] = {"a check", "a route", "a file", NULL};
    static const char *const plain[] = {"an include", "a parameter", NULL};
    if (strcmp(word, "template") == 0)
        return !is_one_of(shape->what, plain);
    return is_one_of(shape->what, counted) || (strcmp(word, "for") == 0 && is_one_of(shape->what, listed));
}

static json_t *described(json_t *value, const char *help)
{
    if (help && json_object_get(value, "$ref")) // beside a reference nothing else counts
        return json_pack("{s:s, s:[o]}", "description", help, "allOf", value);
    if (help)
        json_object_set_new(value, "description", json_string(help));
    return value;
}

static void add_keys(struct writer *writer, json_t *properties, const struct key *keys)
{
    for (const struct key *key = key_first(keys); key; key = key_next(key)) {
        json_t *value = value_schema(writer, key->shape ? key->shape : &shape_text, false);
        json_object_set_new(properties, key->name, described(value, key->help));
    }
}

/** Adds the definition of a mapping. A part lacks nothing, whatever is not in it: that of a template. */
static void define(struct writer *writer, const struct shape *shape, const char *name, bool part)
{
    json_t *properties = json_object(), *required = json_array();
    json_t *schema =
        json_pack("{s:s, s:O, s:b}", "type", "object", "properties", properties, "additionalProperties", 0);
    json_object_set_new(writer->definitions, name, schema);
    add_keys(writer, properties, shape->keys);
    for (const struct key *key = key_first(shape->keys); key; key = key_next(key))
        if (key->required)
            json_array_append_new(required, json_string(key->name));
    bool whole = shape == &shape_scenario; // may be a file that others include
    json_t *repeat = json_object();
    add_keys(writer, repeat, shape_repeat.keys);
    const char *word;
    json_t *value;
    json_object_foreach(repeat, word, value) {
        if (!whole && !json_object_get(properties, word) && may_repeat(shape, word))
            json_object_set(properties, word, value);
    }
    if (json_array_size(required) > 0 && !part && !whole)
        json_object_set_new(schema, "anyOf",
                            json_pack("[{s:O}, {s:[s]}]", "required", required, "required", "template"));
    json_decref(repeat);
    json_decref(required);
    json_decref(properties);
}

/** The name of a definition: "a node" is node. */
static void name_of(const struct shape *shape, bool part, char *name, size_t size)
{
    const char *what = shape->what;
    what += strncmp(what, "a ", 2) == 0 ? 2 : strncmp(what, "an ", 3) == 0 ? 3 : 0;
    snprintf(name, size, "%s%s", part ? "part-of-" : "", what);
    for (char *c = name; *c; c++)
        *c = *c == ' ' ? '-' : *c;
}

static json_t *entries_schema(struct writer *writer, const struct shape *shape)
{
    json_t *entries = json_pack("{s:[s, s]}", "type", "object", "null"), *names = json_object();
    bool parts = shape->part;
    const char *help = NULL, *name;
    for (unsigned i = 0; shape->names && (name = shape->names(i, &help)); i++) {
        json_object_set_new(names, name, described(value_schema(writer, shape->item, parts), help));
    }
    json_object_set_new(entries, "additionalProperties",
                        shape->names ? json_false() : value_schema(writer, shape->item, parts));
    if (shape->names)
        json_object_set(entries, "properties", names);
    json_decref(names);
    return entries;
}

/** What many keys have in common has a definition of its own; NULL: this has none. */
static const char *common_name(const struct shape *shape)
{
    static const char *const names[] = {
        [SHAPE_NOTHING] = "nothing", [SHAPE_TEXT] = "text", [SHAPE_INTEGER] = "integer", [SHAPE_BOOLEAN] = "boolean",
        [SHAPE_TIME] = "time",       [SHAPE_RATE] = "rate", [SHAPE_SHARE] = "share",     [SHAPE_SIZE] = "size"};
    if (shape->kind == SHAPE_ENTRIES && shape->names)
        return shape->what;
    if (shape->kind > SHAPE_SIZE || shape->names || shape->least != shape->most)
        return NULL;
    return shape->kind == SHAPE_TIME && shape->single ? "time-or-range" : names[shape->kind];
}

static json_t *reference(const char *name)
{
    return json_pack("{s:s+}", "$ref", "#/definitions/", name);
}

static json_t *value_schema(struct writer *writer, const struct shape *shape, bool part)
{
    char name[80];
    json_t *list;
    const char *common = common_name(shape);
    if (common) {
        if (!json_object_get(writer->definitions, common))
            json_object_set_new(writer->definitions, common,
                                shape->kind == SHAPE_ENTRIES ? entries_schema(writer, shape) : scalar_schema(shape));
        return reference(common);
    }
    switch (shape->kind) {
    case SHAPE_MAPPING:
        name_of(shape, part, name, sizeof name);
        if (!json_object_get(writer->definitions, name))
            define(writer, shape, name, part);
        return reference(name);
    case SHAPE_ENTRIES:
        return entries_schema(writer, shape);
    case SHAPE_LIST:
        list = json_pack("{s:s, s:o}", "type", "array", "items", value_schema(writer, shape->item, part));
        return shape->single ? either(value_schema(writer, shape->item, part), list) : list;
    case SHAPE_EITHER:
        list = json_array();
        for (int i = 0; shape->either[i]; i++)
            json_array_append_new(list, value_schema(writer, shape->either[i], part));
        return json_pack("{s:o}", "anyOf", list);
    default:
        return scalar_schema(shape);
    }
}

char *scenario_schema(void)
{
    struct writer writer = {.definitions = json_object()};
    json_t *root = value_schema(&writer, &shape_scenario, false);
    json_t *schema = json_pack("{s:s, s:s, s:s, s:o, s:o}", "$schema", "http://json-schema.org/draft-07/schema#",
                               "title", "A scenario of the lab", "description",
                               "A network in virtual time: nodes, links, programs, events and checks", "allOf",
                               json_pack("[o]", root), "definitions", writer.definitions);
    char *text = schema ? json_dumps(schema, JSON_INDENT(1)) : NULL;
    json_decref(schema);
    return text;
}
