/**
 * Inside the disk in memory: the tree of names (memory_tree.c), the content of files and what a crash leaves
 * of it (memory_file.c), and the table of calls (memory_disk.c).
 */
#ifndef RT_MEMORY_DISK_H
#define RT_MEMORY_DISK_H

#include "base/random.h"

#include <strata/rt.h>

/** What was in a file before an unsynced write or truncation, to be put back by a crash. */
struct undo {
    struct undo *older;
    uint64_t offset;
    size_t size;
    uint8_t bytes[];
};

/** The content of a file; lives as long as it has a name or is open. */
struct content {
    unsigned references;
    uint8_t *bytes;
    uint64_t size, capacity;
    uint64_t synced_size;
    struct undo *undo;                 /**< Newest first; only what lies below synced_size. */
    uint64_t last_offset, last_length; /**< The last write since the last sync; length 0: none. */
    int64_t modified_s;
};

/** A name in the tree: a file or a folder. */
struct node {
    char *name;
    struct node *parent;      /**< NULL: the root. */
    struct content *content;  /**< NULL: a folder. */
    struct node **children;   /**< Sorted by name. */
    unsigned count, capacity; /**< Of children. */
    int64_t modified_s;
};

/** An open file. */
struct memory_file {
    struct content *content;
    uint64_t crashes; /**< Of the disk, when it was opened. */
    int flags;
};

struct strata_memory_disk {
    struct node root;
    struct random random;
    uint64_t crashes;
    const struct strata_clock_ops *clock;
    void *clock_self;
};

/* memory_file.c */

struct content *content_new(int64_t modified_s);
/** Gives one reference up. */
void content_release(struct content *content);
int64_t content_read(const struct content *content, void *data, size_t size, uint64_t offset);
int64_t content_write(struct content *content, const void *data, size_t size, uint64_t offset);
int content_truncate(struct content *content, uint64_t size);
void content_sync(struct content *content);
void content_crash(struct content *content, struct random *random);

/* memory_tree.c */

/** Finds what a path names. @return 0, -ENOENT, -ENOTDIR, -ENAMETOOLONG. */
int tree_find(struct node *root, const char *path, struct node **node);
/** Finds the folder that a path's last name is or would be in, and that name (copied, at most 255 bytes). */
int tree_find_parent(struct node *root, const char *path, struct node **parent, char name[256]);
struct node *node_child(const struct node *folder, const char *name);
/** Makes an empty folder, or a file with `content` (whose reference it takes when it succeeds). */
int node_add(struct node *folder, const char *name, struct content *content, struct node **made);
/** Takes it out of its folder and frees it with all below. */
void node_remove(struct node *node);
/** Gives it another place and name. */
int node_move(struct node *node, struct node *folder, const char *name);
/** Calls for every file, in order of paths. */
void tree_each(struct node *root, void (*visit)(struct content *content, void *context), void *context);

#endif
