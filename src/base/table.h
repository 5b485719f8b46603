/**
 * Hash tables whose entries hold their own links. The caller hashes (with a key that a peer cannot guess) and
 * compares. The table grows and shrinks by steps so that no single operation takes long.
 */
#ifndef BASE_TABLE_H
#define BASE_TABLE_H

#include "base/list.h"
#include "base/memory.h"

struct table_entry {
    struct table_entry *next;
    uint32_t hash;
};

/** All zero is an empty table. */
struct table {
    struct table_entry **buckets;     /**< NULL before the first use. */
    struct table_entry **old_buckets; /**< While it is being resized. */
    uint32_t mask, old_mask;
    uint32_t moved;   /**< While resizing: hashes whose lower bits are below this are in `buckets` already. */
    uint32_t count;
    uint32_t walking; /**< table_each is on its way: nothing moves. */
};

/** Adds an entry (never fails: where memory is short, chains get longer). First use may return -ENOMEM. */
int table_insert(struct table *table, struct memory *memory, struct table_entry *entry, uint32_t hash);
void table_remove(struct table *table, struct memory *memory, struct table_entry *entry);
/** The first entry with this hash for which `equal(entry, key)` holds, or NULL. */
struct table_entry *table_find(const struct table *table, uint32_t hash,
                               bool (*equal)(const struct table_entry *entry, const void *key), const void *key);
/** Walks all entries in a fixed order; `visit` may remove the entry it is given and may add others
 * (which it may meet or not). Stops when it returns false. */
void table_each(struct table *table, bool (*visit)(struct table_entry *entry, void *context), void *context);
/** Frees the buckets; must hold no entry. */
void table_free(struct table *table, struct memory *memory);

#endif
