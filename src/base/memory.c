/*
 * Memory: the budget, and the pool of pages.
 *
 * What is in use and what lies in the pool together never exceed the budget: an allocation that would not fit
 * gives the pool back first. So a host that has grown quiet can use all of its budget for something else.
 *
 * A reserve is kept for octets on their way, in pages and packets: records are many and live long, and if they could
 * take the last of the budget, the octets that would let go of them could not come in any more.
 */
#include "base/memory.h"
#include "base/assert.h"

#include <string.h>

void memory_init(struct memory *memory, const struct strata_allocator *allocator, size_t budget_bytes)
{
    *memory = (struct memory){
        .allocator = *allocator, .budget_bytes = budget_bytes, .free_pages_most = MEMORY_POOL_PAGES};
}

/** Returns one page of the pool to the allocator. */
static void pool_shrink(struct memory *memory)
{
    struct page *page = memory->free_pages;
    memory->free_pages = page->next_free;
    memory->free_page_count--;
    memory->allocator.release(memory->allocator.context, page, sizeof *page);
}

void memory_free_pool(struct memory *memory)
{
    ASSERT(memory->used_bytes == 0 && memory->pages == 0);
    while (memory->free_pages)
        pool_shrink(memory);
}

static void charge(struct memory *memory, size_t bytes)
{
    memory->used_bytes += bytes;
    if (memory->used_bytes > memory->peak_bytes)
        memory->peak_bytes = memory->used_bytes;
}

/** Takes no more than is left of the budget above `reserve` octets. */
static void *allocate_above(struct memory *memory, size_t bytes, size_t reserve)
{
    size_t available = memory_available(memory);
    if (available < reserve || bytes > available - reserve)
        return NULL;
    while (memory->free_pages &&
           bytes > memory_available(memory) - memory->free_page_count * sizeof(struct page))
        pool_shrink(memory);
    void *block = memory->allocator.allocate(memory->allocator.context, bytes);
    if (block)
        charge(memory, bytes);
    return block;
}

void *memory_allocate_raw(struct memory *memory, size_t bytes)
{
    ASSERT(bytes > 0);
    return allocate_above(memory, bytes, memory_reserve(memory));
}

void *memory_allocate_reserved(struct memory *memory, size_t bytes)
{
    ASSERT(bytes > 0);
    return allocate_above(memory, bytes, 0);
}

void *memory_allocate(struct memory *memory, size_t bytes)
{
    void *block = memory_allocate_raw(memory, bytes);
    if (block)
        memset(block, 0, bytes);
    return block;
}

void memory_release(struct memory *memory, void *block, size_t bytes)
{
    if (!block)
        return;
    ASSERT(memory->used_bytes >= bytes);
    memory->used_bytes -= bytes;
    memory->allocator.release(memory->allocator.context, block, bytes);
}

void *memory_resize(struct memory *memory, void *block, size_t old_bytes, size_t bytes)
{
    void *moved = memory_allocate_raw(memory, bytes);
    if (!moved)
        return NULL;
    size_t kept = old_bytes < bytes ? old_bytes : bytes;
    if (block)
        memcpy(moved, block, kept);
    memset((uint8_t *)moved + kept, 0, bytes - kept);
    memory_release(memory, block, old_bytes);
    return moved;
}

struct page *memory_page_take(struct memory *memory)
{
    struct page *page = memory->free_pages;
    if (page) {
        memory->free_pages = page->next_free;
        memory->free_page_count--;
        charge(memory, sizeof *page);
    } else {
        page = allocate_above(memory, sizeof *page, 0);
        if (!page)
            return NULL;
    }
    memory->pages++;
    return page;
}

void memory_page_give(struct memory *memory, struct page *page)
{
    ASSERT(memory->pages > 0 && memory->used_bytes >= sizeof *page);
    memory->pages--;
    if (memory->free_page_count >= memory->free_pages_most) {
        memory_release(memory, page, sizeof *page);
        return;
    }
    memory->used_bytes -= sizeof *page;
    page->next_free = memory->free_pages;
    memory->free_pages = page;
    memory->free_page_count++;
}

void memory_pages_give(struct memory *memory, struct page *front, struct page *back, uint32_t count)
{
    ASSERT(memory->pages >= count && memory->used_bytes >= count * sizeof *front);
    if (memory->free_page_count + count <= memory->free_pages_most) {
        memory->pages -= count;
        memory->used_bytes -= count * sizeof *front;
        back->next_free = memory->free_pages;
        memory->free_pages = front;
        memory->free_page_count += count;
        return;
    }
    while (count-- > 0) {
        struct page *next = front->next_free;
        memory_page_give(memory, front);
        front = next;
    }
}
