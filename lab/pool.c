/*
 * The memory of a world's frames and hosts. One host after the other takes a packet, a page, a record, and
 * gives it back a moment later: lists of free blocks by size serve that faster than an allocator for
 * everybody, and blocks carry no header. Blocks come out of slabs, which grow with the world and go with it.
 *
 * Under valgrind and in builds that check, malloc serves instead: it knows how to find a block that is used after
 * it was given back.
 */
#include "lab/pool.h"

#include "rt/watch.h"

#include <stdlib.h>
#include <sys/mman.h>

#define GRAIN_BYTES 16u
#define FINE_BYTES_MAX 1024u
#define COARSE_GRAIN_BYTES 256u
#define FINE_CLASSES (FINE_BYTES_MAX / GRAIN_BYTES)
#define SLAB_BYTES_LEAST ((size_t)64 << 10)
#define SLAB_BYTES_MOST ((size_t)2 << 20)

struct pool_block {
    struct pool_block *next;
};

/** The class of a size, at most POOL_BYTES_MAX. Classes are multiples of 16 bytes, and of 256 from 1024 on. */
static unsigned class_of(size_t bytes)
{
    if (bytes <= FINE_BYTES_MAX)
        return (unsigned)((bytes + GRAIN_BYTES - 1) / GRAIN_BYTES);
    return FINE_CLASSES + (unsigned)((bytes - FINE_BYTES_MAX + COARSE_GRAIN_BYTES - 1) / COARSE_GRAIN_BYTES);
}

static size_t class_bytes(unsigned class)
{
    return class <= FINE_CLASSES ? class * GRAIN_BYTES
                                 : FINE_BYTES_MAX + (class - FINE_CLASSES) * COARSE_GRAIN_BYTES;
}

/** A slab, on pages as large as there are: who jumps from host to host waits less for where they lie. */
static struct pool_block *slab_new(size_t size)
{
    struct pool_block *slab = aligned_alloc(size < SLAB_BYTES_MOST ? GRAIN_BYTES : SLAB_BYTES_MOST, size);
    if (slab && size == SLAB_BYTES_MOST)
        (void)madvise(slab, size, MADV_HUGEPAGE); // only a wish
    return slab;
}

static void *carve(struct pool *pool, size_t bytes)
{
    if (pool->left_bytes < bytes) {
        // What is left of the old slab is less than a block.
        size_t size = pool->slab_bytes ? pool->slab_bytes * 2 : SLAB_BYTES_LEAST;
        if (size > SLAB_BYTES_MOST)
            size = SLAB_BYTES_MOST;
        struct pool_block *slab = slab_new(size);
        if (!slab)
            return NULL;
        slab->next = pool->slabs;
        pool->slabs = slab;
        pool->slab_bytes = size;
        pool->at = (uint8_t *)slab + GRAIN_BYTES;
        pool->left_bytes = size - GRAIN_BYTES;
    }
    uint8_t *block = pool->at;
    pool->at += bytes;
    pool->left_bytes -= bytes;
    return block;
}

void *pool_take(struct pool *pool, size_t bytes)
{
    if (bytes > POOL_BYTES_MAX || pool->watched)
        return malloc(bytes);
    unsigned class = class_of(bytes);
    struct pool_block *block = pool->free[class];
    if (!block)
        return carve(pool, class_bytes(class));
    pool->free[class] = block->next;
    return block;
}

void pool_give(struct pool *pool, void *data, size_t bytes)
{
    if (bytes > POOL_BYTES_MAX || pool->watched) {
        free(data);
        return;
    }
    struct pool_block *block = data;
    unsigned class = class_of(bytes);
    block->next = pool->free[class];
    pool->free[class] = block;
}

static void *allocate(void *context, size_t bytes)
{
    return pool_take(context, bytes);
}

static void release(void *context, void *block, size_t bytes)
{
    pool_give(context, block, bytes);
}

void pool_init(struct pool *pool)
{
    pool->watched = STRATA_CHECK || RUNNING_ON_VALGRIND;
    pool->allocator = (struct strata_allocator){pool, allocate, release};
}

void pool_free(struct pool *pool)
{
    while (pool->slabs) {
        struct pool_block *slab = pool->slabs;
        pool->slabs = slab->next;
        free(slab);
    }
}
