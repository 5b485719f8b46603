/**
 * Memory: one budget per host for all that it allocates, and pages and packets from pools beneath it.
 *
 * Everything that the stack holds is charged to the budget at its full size. Pages (4096 bytes) hold the bytes
 * of rings; packets hold whole frames that must wait (a fragment, a forwarded frame, a datagram for a sleeping
 * address). Freed pages are kept in a small pool for reuse and returned to the allocator beyond that.
 */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <strata/strata.h>

#define PAGE_BYTES 4096u

/** Free pages kept for reuse: enough for what one stream's rings take and give in turn. */
#define MEMORY_POOL_PAGES 256u

/** One page of ring bytes. */
struct page {
    union {
        uint8_t bytes[PAGE_BYTES];
        struct page *next_free;
    };
};

struct memory {
    struct strata_allocator allocator;
    size_t budget_bytes;
    bool keeps_reserve; /**< The last of the budget is for octets on their way alone. */
    size_t used_bytes; /**< Of the budget, free pages in the pool not counted. */
    size_t peak_bytes;
    struct page *free_pages; /**< The pool; goes back when the budget needs it. */
    uint32_t free_page_count, free_pages_most;
    uint32_t pages; /**< In use. */
};

/** malloc and free of the C library (allocator.c). */
const struct strata_allocator *allocator_default(void);

void memory_init(struct memory *memory, const struct strata_allocator *allocator, size_t budget_bytes);
/** Returns the pool to the allocator. Asserts that all else was released. */
void memory_free_pool(struct memory *memory);

/** @return `bytes` (at least 1) of zeroed memory, or NULL when the budget, but for its reserve, or the allocator is
 * exhausted. */
void *memory_allocate(struct memory *memory, size_t bytes);
/** As above, but with undefined content. */
void *memory_allocate_raw(struct memory *memory, size_t bytes);
/** As above, from the reserve when nothing else is left: for what carries octets, and is soon given back. */
void *memory_allocate_reserved(struct memory *memory, size_t bytes);
/** `bytes` is what was asked for; block may be NULL. */
void memory_release(struct memory *memory, void *block, size_t bytes);
/** Moves a block (which may be NULL, of 0 bytes) to another size above 0, keeping its beginning; zeroes what is new.
 * NULL: unchanged, no memory. Both sizes are charged for a moment. */
void *memory_resize(struct memory *memory, void *block, size_t old_bytes, size_t bytes);

/** @return a page with undefined content, from the reserve when nothing else is left, or NULL. */
struct page *memory_page_take(struct memory *memory);
void memory_page_give(struct memory *memory, struct page *page);
/** Gives `count` pages that hang together by next_free, from `front` to `back`. */
void memory_pages_give(struct memory *memory, struct page *front, struct page *back, uint32_t count);
/** Bytes of the budget that are free. */
static inline size_t memory_available(const struct memory *memory)
{
    return memory->budget_bytes - memory->used_bytes;
}
/** The part of the budget that only pages and packets may take: an eighth, and a little for what says where pages are.
 */
static inline size_t memory_reserve(const struct memory *memory)
{
    return memory->keeps_reserve ? memory->budget_bytes / 8 + memory->budget_bytes / 64 : 0;
}
/** Whether no more than the last eighth of the budget is left. What strangers can make us keep does not touch
 * that: it is for what goes on. */
static inline bool memory_is_short(const struct memory *memory)
{
    return memory_available(memory) < memory->budget_bytes / 8;
}

#endif
