/*
 * The allocator of those who bring none: malloc and free. The only file of the core that knows them, see
 * assert.c.
 */
#include "base/memory.h"

#include <stdlib.h>

static void *allocate(void *context, size_t bytes)
{
    (void)context;
    return malloc(bytes);
}

static void release(void *context, void *block, size_t bytes)
{
    (void)context;
    (void)bytes;
    free(block);
}

const struct strata_allocator *allocator_default(void)
{
    static const struct strata_allocator allocator = {.allocate = allocate, .release = release};
    return &allocator;
}
