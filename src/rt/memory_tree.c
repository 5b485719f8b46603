/*
 * The tree of names of the disk in memory. Children are sorted by the bytes of their names, so that listing a
 * folder is the same everywhere.
 */
#include "rt/memory_disk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/** Where a name is among the children, or where it would be. */
static unsigned child_index(const struct node *folder, const char *name, bool *found)
{
    unsigned low = 0, high = folder->count;
    *found = false;
    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        int order = strcmp(folder->children[middle]->name, name);
        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct node *node_child(const struct node *folder, const char *name)
{
    bool found;
    unsigned index = child_index(folder, name, &found);
    return found ? folder->children[index] : NULL;
}

/** Cuts the next name off a path. @return 1, 0: no more, -ENAMETOOLONG. */
static int next_name(const char **path, char name[256])
{
    *path += strspn(*path, "/");
    size_t length = strcspn(*path, "/");
    if (length == 0)
        return 0;
    if (length > 255)
        return -ENAMETOOLONG;
    memcpy(name, *path, length);
    name[length] = '\0';
    *path += length;
    return 1;
}

/** One step down, or up, from a folder. */
static int step(struct node **node, const char *name)
{
    if ((*node)->content)
        return -ENOTDIR;
    if (strcmp(name, ".") == 0)
        return 0;
    if (strcmp(name, "..") == 0) {
        *node = (*node)->parent ? (*node)->parent : *node; /* above the root is the root */
        return 0;
    }
    struct node *child = node_child(*node, name);
    if (!child)
        return -ENOENT;
    *node = child;
    return 0;
}

int tree_find(struct node *root, const char *path, struct node **node)
{
    char name[256];
    int more;
    *node = root;
    while ((more = next_name(&path, name)) > 0) {
        int error = step(node, name);
        if (error < 0)
            return error;
    }
    return more;
}

int tree_find_parent(struct node *root, const char *path, struct node **parent, char name[256])
{
    *parent = root;
    int more = next_name(&path, name);
    if (more <= 0)
        return more < 0 ? more : -EISDIR; /* the root itself */
    char next[256];
    while ((more = next_name(&path, next)) > 0) {
        int error = step(parent, name);
        if (error < 0)
            return error;
        memcpy(name, next, sizeof next);
    }
    if (more < 0)
        return more;
    if ((*parent)->content)
        return -ENOTDIR;
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ? -EISDIR : 0;
}

/** Puts a node among the children of a folder. */
static int insert(struct node *folder, struct node *node)
{
    if (folder->count == folder->capacity) {
        unsigned capacity = folder->capacity ? folder->capacity * 2 : 8;
        struct node **grown = realloc(folder->children, capacity * sizeof(struct node *));
        if (!grown)
            return -ENOSPC;
        folder->children = grown;
        folder->capacity = capacity;
    }
    bool found;
    unsigned index = child_index(folder, node->name, &found);
    memmove(folder->children + index + 1, folder->children + index,
            (folder->count - index) * sizeof(struct node *));
    folder->children[index] = node;
    folder->count++;
    node->parent = folder;
    return 0;
}

/** Takes a node from among the children of its folder. */
static void extract(struct node *node)
{
    struct node *folder = node->parent;
    bool found;
    unsigned index = child_index(folder, node->name, &found);
    folder->count--;
    memmove(folder->children + index, folder->children + index + 1,
            (folder->count - index) * sizeof(struct node *));
}

int node_add(struct node *folder, const char *name, struct content *content, struct node **made)
{
    struct node *node = calloc(1, sizeof *node);
    if (node)
        node->name = strdup(name);
    if (!node || !node->name || insert(folder, node) < 0) {
        if (node)
            free(node->name);
        free(node);
        return -ENOSPC;
    }
    node->content = content;
    *made = node;
    return 0;
}

void node_remove(struct node *node)
{
    while (node->count > 0)
        node_remove(node->children[node->count - 1]);
    if (node->content)
        content_release(node->content);
    free(node->children);
    node->children = NULL;
    node->capacity = 0;
    if (!node->parent)
        return; /* the root lies in the disk */
    extract(node);
    free(node->name);
    free(node);
}

int node_move(struct node *node, struct node *folder, const char *name)
{
    char *copy = strdup(name);
    if (!copy)
        return -ENOSPC;
    extract(node);
    char *former_name = node->name;
    struct node *former_folder = node->parent;
    node->name = copy;
    if (insert(folder, node) < 0) {
        node->name = former_name;
        insert(former_folder, node); /* there is room: it was there */
        free(copy);
        return -ENOSPC;
    }
    free(former_name);
    return 0;
}

void tree_each(struct node *root, void (*visit)(struct content *content, void *context), void *context)
{
    for (unsigned i = 0; i < root->count; i++)
        tree_each(root->children[i], visit, context);
    if (root->content)
        visit(root->content, context);
}
