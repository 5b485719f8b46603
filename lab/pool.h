/**
 * The memory of a world's frames, hosts and switches: see pool.c.
 */
#ifndef LAB_POOL_H
#define LAB_POOL_H

#include <stdbool.h>

#include <strata/strata.h>

/** Larger blocks are malloc's. */
#define POOL_BYTES_MAX 8192u
#define POOL_CLASSES 93

struct pool_block;
struct pool {
    struct strata_allocator allocator;
    bool watched; /**< Somebody looks for mistakes: every block is malloc's. */
    struct pool_block *free[POOL_CLASSES];
    struct pool_block *slabs;
    size_t slab_bytes; /**< Of the newest. */
    uint8_t *at;       /**< What was not given out yet. */
    size_t left_bytes;
};

/** Begins with zeroed memory. Hosts take pool->allocator. */
void pool_init(struct pool *pool);
/** Memory for any type, or NULL. */
void *pool_take(struct pool *pool, size_t bytes);
/** Takes back what pool_take gave; `bytes` is what was asked for then. */
void pool_give(struct pool *pool, void *block, size_t bytes);
/** Frees all; nothing that it gave out is used any more. */
void pool_free(struct pool *pool);

#endif
