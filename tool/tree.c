/*
 * YAML as a tree. Reading is libyaml's; so is writing, with short lists and mappings in one line each, as people write
 * scenarios.
 */
#include "tool/tree.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#define WIDTH 100
/** Anchors may name a thing in many places, and in itself; expanded scenarios have none. */
#define NODES_MAX 1000000u
#define DEPTH_MAX 100u

/* ---- Reading --------------------------------------------------------------------------------------------- */

struct maker {
    yaml_document_t *document;
    unsigned made, depth;
};

static void node_free(struct tree_node *node)
{
    if (!node)
        return;
    for (unsigned i = 0; i < node->count; i++)
        node_free(node->children[i]);
    free(node->children);
    free(node->key);
    free(node->text);
    free(node->instead);
    free(node);
}

static struct tree_node *node_make(struct maker *maker, int index, struct tree_node *parent);

static bool add_child(struct maker *maker, struct tree_node *node, int index, const yaml_node_t *key)
{
    struct tree_node *child = node_make(maker, index, node);
    if (!child)
        return false;
    node->children[node->count++] = child;
    if (!key)
        return true;
    child->key = strdup(key->type == YAML_SCALAR_NODE ? (const char *)key->data.scalar.value : "");
    child->key_quoted = key->type == YAML_SCALAR_NODE && key->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    return child->key != NULL;
}

static bool fill(struct maker *maker, struct tree_node *node, const yaml_node_t *from)
{
    size_t count = from->type == YAML_SEQUENCE_NODE
                       ? (size_t)(from->data.sequence.items.top - from->data.sequence.items.start)
                       : (size_t)(from->data.mapping.pairs.top - from->data.mapping.pairs.start);
    node->children = calloc(count ? count : 1, sizeof(struct tree_node *));
    if (!node->children)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (from->type == YAML_SEQUENCE_NODE) {
            if (!add_child(maker, node, from->data.sequence.items.start[i], NULL))
                return false;
        } else {
            const yaml_node_pair_t *pair = &from->data.mapping.pairs.start[i];
            if (!add_child(maker, node, pair->value, yaml_document_get_node(maker->document, pair->key)))
                return false;
        }
    }
    return true;
}

static struct tree_node *node_make(struct maker *maker, int index, struct tree_node *parent)
{
    const yaml_node_t *from = yaml_document_get_node(maker->document, index);
    bool too_many = maker->made >= NODES_MAX || maker->depth >= DEPTH_MAX;
    struct tree_node *node = from && !too_many ? calloc(1, sizeof *node) : NULL;
    if (!node)
        return NULL;
    maker->made++;
    maker->depth++;
    node->parent = parent;
    bool made;
    if (from->type == YAML_SEQUENCE_NODE || from->type == YAML_MAPPING_NODE) {
        node->kind = from->type == YAML_SEQUENCE_NODE ? TREE_LIST : TREE_MAPPING;
        made = fill(maker, node, from);
    } else {
        yaml_scalar_style_t style = from->data.scalar.style;
        node->kind = TREE_SCALAR;
        node->quoted = style == YAML_SINGLE_QUOTED_SCALAR_STYLE || style == YAML_DOUBLE_QUOTED_SCALAR_STYLE;
        node->block = style == YAML_LITERAL_SCALAR_STYLE || style == YAML_FOLDED_SCALAR_STYLE;
        node->text = strdup((const char *)from->data.scalar.value);
        made = node->text != NULL;
    }
    maker->depth--;
    if (made)
        return node;
    node_free(node);
    return NULL;
}

static bool list_all(struct tree *tree, unsigned count)
{
    tree->all = malloc(count * sizeof(struct tree_node *));
    if (!tree->all)
        return false;
    tree->all[0] = tree->root;
    tree->count = 1;
    for (unsigned i = 0; i < tree->count; i++)
        for (unsigned j = 0; j < tree->all[i]->count; j++)
            tree->all[tree->count++] = tree->all[i]->children[j];
    return true;
}

int tree_parse(struct tree *tree, const char *text, size_t length)
{
    yaml_parser_t parser;
    yaml_document_t document;
    *tree = (struct tree){0};
    if (!yaml_parser_initialize(&parser))
        return -ENOMEM;
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
    int error = yaml_parser_load(&parser, &document) ? 0 : -EINVAL;
    if (!error) {
        struct maker maker = {.document = &document};
        const yaml_node_t *root = yaml_document_get_root_node(&document);
        if (root && root->type == YAML_MAPPING_NODE)
            tree->root = node_make(&maker, 1, NULL);
        error = !tree->root ? -EINVAL : list_all(tree, maker.made) ? 0 : -ENOMEM;
        yaml_document_delete(&document);
    }
    yaml_parser_delete(&parser);
    if (error)
        tree_free(tree);
    return error;
}

void tree_free(struct tree *tree)
{
    node_free(tree->root);
    free(tree->all);
    *tree = (struct tree){0};
}

/* ---- Writing --------------------------------------------------------------------------------------------- */

struct writer {
    yaml_emitter_t emitter;
    bool failed;
};

static void emit(struct writer *writer, yaml_event_t *event, int made)
{
    if (!made || writer->failed || !yaml_emitter_emit(&writer->emitter, event))
        writer->failed = true;
}

static void emit_scalar(struct writer *writer, const char *text, bool quoted, bool block)
{
    yaml_event_t event;
    yaml_scalar_style_t style = quoted  ? YAML_DOUBLE_QUOTED_SCALAR_STYLE
                                : block ? YAML_LITERAL_SCALAR_STYLE
                                        : YAML_PLAIN_SCALAR_STYLE;
    emit(writer, &event,
         yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)text, (int)strlen(text), 1, 1, style));
}

/** Whether a text can do without quotation marks: expanding leaves them where parameters stood. */
static bool is_plain(const char *text)
{
    static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789%./-_";
    return *text && *text != '-' && strspn(text, safe) == strlen(text);
}

static size_t length_of(const struct tree_node *node)
{
    size_t length = node->key ? strlen(node->key) + 2 : 0;
    if (node->kind == TREE_SCALAR)
        return length + (node->block ? WIDTH : strlen(node->instead ? node->instead : node->text) + 2);
    for (unsigned i = 0; i < node->count; i++)
        length += node->children[i]->gone ? 0 : length_of(node->children[i]) + 2;
    return length;
}

/** Whether it is written in one line: what is short, and neither the whole nor one of its sections. */
static bool is_flow(const struct tree_node *node)
{
    bool section = node->parent && !node->parent->parent;
    return node->parent && !(section && node->count > 0) && length_of(node) < WIDTH - 20;
}

static void emit_node(struct writer *writer, const struct tree_node *node)
{
    yaml_event_t event;
    if (node->kind == TREE_SCALAR) {
        const char *text = node->instead ? node->instead : node->text;
        emit_scalar(writer, text, node->quoted && !is_plain(text), node->block);
        return;
    }
    bool list = node->kind == TREE_LIST, flow = is_flow(node);
    if (list)
        emit(writer, &event,
             yaml_sequence_start_event_initialize(&event, NULL, NULL, 1,
                                                  flow ? YAML_FLOW_SEQUENCE_STYLE : YAML_BLOCK_SEQUENCE_STYLE));
    else
        emit(writer, &event,
             yaml_mapping_start_event_initialize(&event, NULL, NULL, 1,
                                                 flow ? YAML_FLOW_MAPPING_STYLE : YAML_BLOCK_MAPPING_STYLE));
    for (unsigned i = 0; i < node->count; i++) {
        const struct tree_node *child = node->children[i];
        if (child->gone)
            continue;
        if (!list)
            emit_scalar(writer, child->key, child->key_quoted, false);
        emit_node(writer, child);
    }
    emit(writer, &event, list ? yaml_sequence_end_event_initialize(&event) : yaml_mapping_end_event_initialize(&event));
}

static struct place place_of_mark(const yaml_node_t *node)
{
    return (struct place){(unsigned)node->start_mark.line + 1, (unsigned)node->start_mark.column + 1, 0};
}

/** Walks the text that was written beside the tree it was written from. */
static void note_places(struct tree_node *node, yaml_document_t *document, int index)
{
    const yaml_node_t *from = yaml_document_get_node(document, index);
    if (!from)
        return;
    node->place = place_of_mark(from);
    size_t at = 0;
    for (unsigned i = 0; i < node->count; i++) {
        struct tree_node *child = node->children[i];
        if (child->gone)
            continue;
        if (from->type == YAML_SEQUENCE_NODE) {
            note_places(child, document, from->data.sequence.items.start[at++]);
        } else if (from->type == YAML_MAPPING_NODE) {
            const yaml_node_pair_t *pair = &from->data.mapping.pairs.start[at++];
            child->key_place = place_of_mark(yaml_document_get_node(document, pair->key));
            note_places(child, document, pair->value);
        }
    }
}

static void find_places(struct tree *tree, const char *text, size_t size)
{
    yaml_parser_t parser;
    yaml_document_t document;
    for (unsigned i = 0; i < tree->count; i++)
        tree->all[i]->place = tree->all[i]->key_place = (struct place){0, 0, 0};
    if (!yaml_parser_initialize(&parser))
        return;
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
    if (yaml_parser_load(&parser, &document)) {
        note_places(tree->root, &document, 1);
        yaml_document_delete(&document);
    }
    yaml_parser_delete(&parser);
}

char *tree_write(struct tree *tree)
{
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    struct writer writer = {.failed = !to};
    yaml_event_t event;
    if (!to || !yaml_emitter_initialize(&writer.emitter)) {
        if (to)
            fclose(to);
        free(text);
        return NULL;
    }
    yaml_emitter_set_output_file(&writer.emitter, to);
    yaml_emitter_set_width(&writer.emitter, WIDTH);
    yaml_emitter_set_unicode(&writer.emitter, 1);
    emit(&writer, &event, yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING));
    emit(&writer, &event, yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1));
    emit_node(&writer, tree->root);
    emit(&writer, &event, yaml_document_end_event_initialize(&event, 1));
    emit(&writer, &event, yaml_stream_end_event_initialize(&event));
    yaml_emitter_delete(&writer.emitter);
    if (fclose(to) != 0 || writer.failed) {
        free(text);
        return NULL;
    }
    find_places(tree, text, size);
    return text;
}

/* ---- Taking away ----------------------------------------------------------------------------------------- */

void tree_restore(struct tree *tree)
{
    for (unsigned i = 0; i < tree->count; i++) {
        tree->all[i]->gone = false;
        free(tree->all[i]->instead);
        tree->all[i]->instead = NULL;
    }
}

static bool is_gone(const struct tree_node *node)
{
    for (; node; node = node->parent)
        if (node->gone)
            return true;
    return false;
}

static bool is_at(struct place a, struct place b)
{
    return a.line == b.line && a.column == b.column && a.line > 0;
}

bool tree_remove_at(struct tree *tree, struct place place)
{
    struct tree_node *found = NULL;
    // The deepest one: a list and its first item may begin at the same place.
    for (unsigned i = 1; i < tree->count; i++) {
        struct tree_node *node = tree->all[i];
        if (!is_gone(node) && (is_at(node->key_place, place) || is_at(node->place, place)))
            found = node;
    }
    // What is said of a mapping stands where its first key does.
    if (found && is_at(found->key_place, place) && found->parent->parent && is_at(found->parent->place, place) &&
        found->parent->parent->parent)
        found = found->parent;
    if (!found || (found->kind == TREE_SCALAR && !found->parent->parent))
        return false; // or the whole, of which some text stands first
    found->gone = true;
    return true;
}

struct tree_node *tree_section(const struct tree *tree, const char *key)
{
    for (unsigned i = 0; i < tree->root->count; i++)
        if (strcmp(tree->root->children[i]->key, key) == 0)
            return tree->root->children[i];
    return NULL;
}

const struct tree_node *tree_section_of(const struct tree_node *node)
{
    if (!node->parent)
        return NULL;
    while (node->parent->parent)
        node = node->parent;
    return node;
}

static bool set_scalar(struct tree_node *node, const char *value)
{
    char *text = strdup(value);
    if (!text)
        return false;
    for (unsigned i = 0; i < node->count; i++)
        node_free(node->children[i]);
    free(node->children);
    free(node->text);
    node->children = NULL;
    node->count = 0;
    node->kind = TREE_SCALAR;
    node->quoted = node->block = false;
    node->text = text;
    return true;
}

bool tree_set(struct tree *tree, const char *key, const char *value)
{
    struct tree_node *node = tree_section(tree, key);
    if (node && node->kind == TREE_SCALAR)
        return set_scalar(node, value);
    struct tree_node *root = tree->root;
    struct tree_node **children = realloc(root->children, (root->count + 1) * sizeof(struct tree_node *));
    if (children)
        root->children = children;
    struct tree_node **all = realloc(tree->all, (tree->count + 1) * sizeof(struct tree_node *));
    if (all)
        tree->all = all;
    node = children && all ? calloc(1, sizeof *node) : NULL;
    if (!node || !(node->key = strdup(key)) || !set_scalar(node, value)) {
        node_free(node);
        return false;
    }
    node->parent = root;
    // Before the sections, where people look for it.
    memmove(root->children + 1, root->children, root->count * sizeof(struct tree_node *));
    root->children[0] = node;
    root->count++;
    tree->all[tree->count++] = node;
    return true;
}
