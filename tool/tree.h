/**
 * A scenario's text as a tree from which parts can be taken away, to see whether it still fails. The tree knows YAML
 * and nothing of scenarios: whatever the language learns can be taken away as well.
 */
#ifndef TOOL_TREE_H
#define TOOL_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "lab/scenario.h"

enum tree_kind { TREE_SCALAR, TREE_LIST, TREE_MAPPING };
struct tree_node {
    enum tree_kind kind;
    struct tree_node *parent;
    char *key;          /**< In a mapping: what it is the value of. */
    bool key_quoted;
    char *text;         /**< TREE_SCALAR */
    bool quoted, block; /**< TREE_SCALAR: how it is written. */
    struct tree_node **children;
    unsigned count;
    /* Taken away for the moment; see tree_restore. */
    bool gone;
    char *instead; /**< TREE_SCALAR: the text for the moment; or NULL. */
    /* Where it is in the text that was written last. */
    struct place place, key_place;
};
struct tree {
    struct tree_node *root;
    struct tree_node **all; /**< From the top down, one level after the other. */
    unsigned count;
};

/** @return 0; -EINVAL: it is no YAML of one document whose top is a mapping. */
int tree_parse(struct tree *tree, const char *text, size_t length);
void tree_free(struct tree *tree);
/** Writes what is not gone; malloc'ed, NULL without memory. */
char *tree_write(struct tree *tree);
/** Undoes all `gone` and `instead`. */
void tree_restore(struct tree *tree);
/** Takes away what a complaint about the text that was written last is about: the nearest item or pair around it.
 * @return false: there is no such thing, or it is the whole. */
bool tree_remove_at(struct tree *tree, struct place place);
/** The value of a key of the top, or NULL. */
struct tree_node *tree_section(const struct tree *tree, const char *key);
/** The section something is in, or NULL for the top itself. */
const struct tree_node *tree_section_of(const struct tree_node *node);
/** Sets a scalar of the top for good, and makes it where it is not there. @return false: no memory. */
bool tree_set(struct tree *tree, const char *key, const char *value);

#endif
