/**
 * An allocator for tests: counts what is out, and can fail on request. It fills what it gives with a pattern,
 * so that nobody gets away with memory that happens to be zero.
 */
#ifndef TESTS_ALLOCATOR_H
#define TESTS_ALLOCATOR_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strata/strata.h>

struct test_allocator {
    struct strata_allocator allocator; /**< Hand out a pointer to this. */
    size_t blocks, bytes;              /**< Not yet released. */
    uint64_t allowed;                  /**< Allocations until failure. */
};

static inline void *test_allocate(void *context, size_t bytes)
{
    struct test_allocator *test = (struct test_allocator *)context;
    if (test->allowed == 0)
        return NULL;
    test->allowed--;
    void *block = malloc(bytes);
    if (!block)
        return NULL;
    memset(block, 0xa5, bytes);
    test->blocks++;
    test->bytes += bytes;
    return block;
}

static inline void test_release(void *context, void *block, size_t bytes)
{
    struct test_allocator *test = (struct test_allocator *)context;
    test->blocks--;
    test->bytes -= bytes;
    free(block);
}

/** The struct must not move afterwards. */
static inline void test_allocator_init(struct test_allocator *test)
{
    *test = (struct test_allocator){.allowed = UINT64_MAX};
    test->allocator =
        (struct strata_allocator){.context = test, .allocate = test_allocate, .release = test_release};
}

#endif
