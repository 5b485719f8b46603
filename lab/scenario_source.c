/*
 * The files of a scenario: the one on the command line and those it includes, each parsed once per inclusion. They lie
 * over each other: what includes lies over what is included.
 */
#include "lab/scenario_expand.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SOURCES_MAX 1000u
#define DEPTH_MAX 16u

const yaml_node_t *source_node(const struct expander *expander, const yaml_node_t *parent, int id)
{
    struct source *source = expander->sources.items[parent->start_mark.index];
    return yaml_document_get_node(&source->document, id);
}

const yaml_node_t *source_value(const struct expander *expander, const yaml_node_t *mapping, const char *key)
{
    if (mapping->type != YAML_MAPPING_NODE)
        return NULL;
    for (yaml_node_pair_t *pair = mapping->data.mapping.pairs.start; pair < mapping->data.mapping.pairs.top; pair++) {
        const yaml_node_t *name = source_node(expander, mapping, pair->key);
        if (name->type == YAML_SCALAR_NODE && strcmp((const char *)name->data.scalar.value, key) == 0)
            return source_node(expander, mapping, pair->value);
    }
    return NULL;
}

/* ---- Parsing --------------------------------------------------------------------------------------------- */

/** What may help with a line that is no YAML. */
static const char *hint_of(const char *text, size_t length, const yaml_mark_t *mark)
{
    const char *end = text + (mark->index < length ? mark->index : length), *line = end;
    while (line > text && line[-1] != '\n')
        line--;
    size_t before = (size_t)(end - line);
    if (end < text + length && *end == '\t')
        return "; indentation is made of spaces, not of tabs";
    if (memmem(line, before, "$", 1))
        return "; inside { } and [ ] a text with ${...} needs quotation marks";
    for (const char *c = line; c + 1 < text + length && *c != '\n'; c++)
        if (*c == '[' && c > line && c[-1] != ' ' && c[1] >= '0' && c[1] <= '9')
            return "; inside { } and [ ] a range such as h[1-20] needs quotation marks";
    return "";
}

static void parser_failed(struct expander *expander, const struct source *source, const yaml_parser_t *parser,
                          const char *text, size_t length)
{
    struct place place = {(unsigned)parser->problem_mark.line + 1, (unsigned)parser->problem_mark.column + 1,
                          source->number};
    const char *problem = parser->problem ? parser->problem : "cannot be read";
    const char *hint = hint_of(text, length, &parser->problem_mark);
    if (parser->error == YAML_READER_ERROR)
        place = (struct place){1, 1, source->number};
    if (parser->context)
        complain(expander->complaints, place, "this is no YAML: %s (%s)%s", problem, parser->context, hint);
    else
        complain(expander->complaints, place, "this is no YAML: %s%s", problem, hint);
}

/** Each node knows its file from now on. */
static void mark_nodes(struct source *source)
{
    for (yaml_node_t *node = source->document.nodes.start; node < source->document.nodes.top; node++)
        node->start_mark.index = source->number;
}

static void parse(struct expander *expander, struct source *source, const char *text, size_t length)
{
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser))
        return;
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
    if (!yaml_parser_load(&parser, &source->document)) {
        parser_failed(expander, source, &parser, text, length);
        yaml_parser_delete(&parser);
        return;
    }
    mark_nodes(source);
    source->root = yaml_document_get_root_node(&source->document);
    yaml_document_t second;
    if (!yaml_parser_load(&parser, &second)) {
        parser_failed(expander, source, &parser, text, length);
    } else {
        const yaml_node_t *more = yaml_document_get_root_node(&second);
        struct place place = more ? place_of(more) : (struct place){0};
        place.file = source->number;
        if (more)
            complain(expander->complaints, place, "a second document: a scenario is one");
        yaml_document_delete(&second);
    }
    yaml_parser_delete(&parser);
}

static struct source *source_new(struct expander *expander, const char *path, const struct source *includer)
{
    struct source *source = arena_take(&expander->scenario->arena, sizeof *source);
    source->number = expander->sources.count;
    source->path = path;
    source->includer = includer;
    source->depth = includer ? includer->depth + 1 : 0;
    complaints_name_file(expander->complaints, source->number, path);
    *(struct source **)LIST_APPEND(expander->scenario, expander->sources) = source;
    return source;
}

/* ---- Including ------------------------------------------------------------------------------------------- */

const char *path_beside(struct arena *arena, const char *includer, const char *path)
{
    const char *slash = *path == '/' ? NULL : strrchr(includer, '/');
    size_t folder = slash ? (size_t)(slash + 1 - includer) : 0;
    char *joined = arena_take(arena, folder + strlen(path) + 1);
    memcpy(joined, includer, folder);
    strcpy(joined + folder, path);
    char *to = joined;
    for (const char *from = joined; *from;) {
        size_t length = strcspn(from, "/");
        bool last = !from[length];
        char *parent = to > joined ? to - 1 : NULL;
        while (parent && parent > joined && parent[-1] != '/')
            parent--;
        if (length == 1 && *from == '.' && !last) {
            from += 2;
        } else if (length == 2 && strncmp(from, "..", 2) == 0 && !last && parent && to - parent > 1 &&
                   strncmp(parent, "../", 3) != 0) {
            to = parent;
            from += 3;
        } else {
            memmove(to, from, length + !last);
            to += length + !last;
            from += length + !last;
        }
    }
    *to = '\0';
    return joined;
}

struct include {
    struct expander *expander;
    struct source *includer;
    const char *path;
    const yaml_node_t *where;
    const struct variable *given;
    const yaml_node_t *sets;
};

/** @return whether the file is already being included, after a complaint. */
static bool goes_round(const struct include *include)
{
    const struct source *above = include->includer;
    while (above && strcmp(above->path, include->path) != 0)
        above = above->includer;
    if (!above)
        return false;
    if (above == include->includer)
        complain(include->expander->complaints, place_of(include->where), "%s includes itself", include->path);
    else
        complain(include->expander->complaints, place_of(include->where), "%s includes %s, which includes it again",
                 above->path, include->includer->path);
    return true;
}

static void source_read(struct expander *expander, struct source *source, const char *text, size_t length);

/** Complains about values for parameters that the included file does not declare. */
static void check_given(const struct include *include, const struct source *source)
{
    const yaml_node_t *declared =
        source->root ? source_value(include->expander, source->root, "parameters") : NULL;
    for (yaml_node_pair_t *pair = include->sets ? include->sets->data.mapping.pairs.start : NULL;
         pair && pair < include->sets->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = source_node(include->expander, include->sets, pair->key);
        const char *name = (const char *)key->data.scalar.value;
        if (key->type != YAML_SCALAR_NODE || (declared && source_value(include->expander, declared, name)))
            continue;
        struct nearest nearest;
        nearest_begin(&nearest, name);
        for (yaml_node_pair_t *other = declared ? declared->data.mapping.pairs.start : NULL;
             other && other < declared->data.mapping.pairs.top; other++) {
            const yaml_node_t *known = source_node(include->expander, declared, other->key);
            if (known->type == YAML_SCALAR_NODE)
                nearest_try(&nearest, (const char *)known->data.scalar.value);
        }
        complain(include->expander->complaints, place_of(key), "%s has no parameter %s%s", include->path, name,
                 nearest_text(&nearest));
    }
}

/** The file beside one that is not there whose name is the nearest. */
static const char *name_near(const struct expander *expander, const char *path, char *room, size_t size)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    struct dirent **entries;
    struct nearest nearest;
    snprintf(room, size, "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
    int count = expander->input->load == scenario_load_file ? scandir(room, &entries, NULL, alphasort) : -1;
    if (count < 0)
        return "";
    nearest_begin(&nearest, name);
    for (int i = 0; i < count; i++)
        nearest_try(&nearest, entries[i]->d_name);
    snprintf(room, size, "%s", nearest_text(&nearest));
    for (int i = 0; i < count; i++)
        free(entries[i]);
    free(entries);
    return room;
}

static void include_file(const struct include *include)
{
    struct expander *expander = include->expander;
    if (goes_round(include))
        return;
    if (include->includer->depth + 1 > DEPTH_MAX) {
        complain(expander->complaints, place_of(include->where), "files include each other more than %u deep",
                 DEPTH_MAX);
        return;
    }
    if (expander->sources.count >= SOURCES_MAX) {
        expand_full(expander, include->where, "including");
        return;
    }
    char *text = NULL;
    size_t length = 0;
    int error = expander->input->load ? expander->input->load(expander->input->context, include->path, &text, &length)
                                      : -EACCES;
    if (error) {
        char near[300];
        complain(expander->complaints, place_of(include->where), "%s cannot be included: %s%s", include->path,
                 error == -EFBIG ? "larger than a scenario may be" : strerror(-error),
                 error == -ENOENT ? name_near(expander, include->path, near, sizeof near) : "");
        return;
    }
    struct source *source = source_new(expander, include->path, include->includer);
    source->given = include->given;
    source->where = include->sets ? include->sets : include->where;
    source_read(expander, source, text, length);
    free(text);
    if (source->root && source->root->type == YAML_MAPPING_NODE)
        check_given(include, source);
}

static void read_include_file(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    struct include *include = into;
    const char *text = formula_fill(include->expander, NULL, value, read_text(reader, value));
    include->where = value;
    include->path = text && *text ? path_beside(&reader->scenario->arena, include->includer->path, text) : NULL;
}

static void read_include_given(struct reader_state *reader, const yaml_node_t *key, const yaml_node_t *value,
                               void *into)
{
    struct include *include = into;
    const char *text = formula_fill(include->expander, NULL, value, read_text(reader, value));
    if (text)
        include->given = variable_add(include->expander, include->given, (const char *)key->data.scalar.value, text);
}

static void read_include_set(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    struct include *include = into;
    read_entries(reader, value, "set", read_include_given, include);
    include->sets = value->type == YAML_MAPPING_NODE ? value : NULL;
}

static const struct shape shape_given = {.kind = SHAPE_ENTRIES, .item = &shape_text};
static const struct key include_keys[] = {
    {"file", read_include_file, true, &shape_text, "beside this file, unless its path begins with /"},
    {"set", read_include_set, false, &shape_given, "what its parameters are: from names to values"},
    KEYS_END,
};
static const struct shape shape_include_mapping = {
    .kind = SHAPE_MAPPING, .what = "an include", .keys = include_keys};
static const struct shape *const include_shapes[] = {&shape_text, &shape_include_mapping, NULL};
static const struct shape shape_include_item = {.kind = SHAPE_EITHER, .either = include_shapes};
static const struct shape shape_include_list = {.kind = SHAPE_LIST, .item = &shape_include_item};
static const struct shape *const include_list_shapes[] = {&shape_include_item, &shape_include_list, NULL};
const struct shape shape_include = {.kind = SHAPE_EITHER, .either = include_list_shapes};

static void read_include(struct reader_state *reader, const yaml_node_t *item, void *into)
{
    const struct include *list = into;
    struct include include = *list;
    if (item->type == YAML_SCALAR_NODE)
        read_include_file(reader, item, &include);
    else
        read_mapping(reader, item, &shape_include_mapping, &include);
    if (include.path)
        include_file(&include);
}

/** Parses a file, gives its parameters their values, and then what it includes; that lies beneath it. */
static void source_read(struct expander *expander, struct source *source, const char *text, size_t length)
{
    parse(expander, source, text, length);
    if (!source->root) {
        if (source->includer && source->document.nodes.start)
            complain(expander->complaints, (struct place){1, 1, source->number}, "the file is empty");
        return;
    }
    if (source->root->type != YAML_MAPPING_NODE) {
        complain(expander->complaints, place_of(source->root),
                 "a scenario is a %s, expected a mapping of keys and values",
                 source->root->type == YAML_SEQUENCE_NODE ? "list" : "single value");
        return;
    }
    parameters_declare(expander, source);
    struct reader_state reader = {
        .document = &source->document, .scenario = expander->scenario, .complaints = expander->complaints};
    const yaml_node_t *includes = source_value(expander, source->root, "include");
    struct include include = {.expander = expander, .includer = source};
    if (includes && includes->type == YAML_MAPPING_NODE)
        read_include(&reader, includes, &include);
    else if (includes)
        read_items(&reader, includes, "include", true, read_include, &include);
    *(const struct source **)LIST_APPEND(expander->scenario, expander->order) = source;
}

int sources_load(struct expander *expander)
{
    const struct scenario_input *input = expander->input;
    char *text = NULL;
    size_t length = input->length;
    if (!input->text) {
        int error = input->load(input->context, input->file, &text, &length);
        if (error)
            return error;
    }
    struct source *source = source_new(expander, expander->scenario->file, NULL);
    source_read(expander, source, text ? text : input->text, length);
    free(text);
    if (!source->root && expander->complaints->count == 0)
        complain(expander->complaints, (struct place){1, 1, 0}, "the file is empty; a scenario has at least nodes");
    return 0;
}

void sources_free(struct expander *expander)
{
    for (unsigned i = 0; i < expander->sources.count; i++)
        yaml_document_delete(&expander->sources.items[i]->document);
}
