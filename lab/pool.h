/**
 * The memory of a world's hosts and switches: see pool.c.
 */
#ifndef LAB_POOL_H
#define LAB_POOL_H

#include <strata/strata.h>

/** Larger blocks are malloc's. */
#define POOL_BYTES_MAX 8192u
#define POOL_CLASSES 93

struct pool_block;
struct pool {
    struct strata_allocator allocator;
    struct pool_block *free[POOL_CLASSES];
    struct pool_block *slabs;
    size_t slab_bytes; /**< Of the newest. */
    uint8_t *at;       /**< What was not given out yet. */
    size_t left_bytes;
};

/** Begins with zeroed memory. @return what hosts are to allocate with; NULL: malloc and free. */
const struct strata_allocator *pool_init(struct pool *pool);
/** Frees all; nothing that it gave out is used any more. */
void pool_free(struct pool *pool);

#endif
