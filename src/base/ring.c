/*
 * Rings of pages.
 *
 *      head             head + length         head + extent
 *        | in-order bytes ... | holes and stored bytes ... |
 *     [page][page][page][page][    ][page][    ][page]
 *
 * Pages are found by position, not by offset, so that consuming moves nothing. The table grows when the bytes
 * held span more pages than it has slots. While one page suffices there is no table, the ring points to the
 * page.
 */
#include "base/ring.h"
#include "base/assert.h"

#include <string.h>

void ring_init(struct ring *ring, uint32_t capacity)
{
    *ring = (struct ring){.capacity = capacity};
}

void ring_set_capacity(struct ring *ring, uint32_t capacity)
{
    ring->capacity = capacity;
}

/** memcpy as the C library does it. A compiler that sees that a piece is at most a page puts a string instruction in
 * its place, which takes its time to start. */
static inline void copy(void *to, const void *from, size_t size)
{
    __asm__("" : "+r"(size));
    memcpy(to, from, size);
}

/** Slots for pages; the page with number n (position / PAGE_BYTES) is in slot n & (slots - 1). */
struct ring_table {
    uint32_t slots; /**< A power of two. */
    struct page *pages[];
};

static inline size_t table_bytes(uint32_t slots)
{
    return sizeof(struct ring_table) + slots * sizeof(struct page *);
}

size_t ring_table_bytes(const struct ring *ring)
{
    return ring->has_table ? table_bytes(ring->table->slots) : 0;
}

static inline uint32_t slots_of(const struct ring *ring)
{
    return ring->has_table ? ring->table->slots : 1;
}

/** The position that lies `offset` behind the head. The head is kept modulo 2^32, of which the slots are a part. */
static inline uint64_t position_of(const struct ring *ring, uint32_t offset)
{
    return (uint64_t)ring->head + offset;
}

/** The slot of the page with this number. */
static inline struct page **slot_of(const struct ring *ring, uint64_t number)
{
    if (!ring->has_table)
        return (struct page **)&ring->only;
    return &ring->table->pages[number & (ring->table->slots - 1)];
}

/** Gives back the pages numbered first ... last - 1, as far as there are any. */
static void free_pages(struct ring *ring, struct memory *memory, uint64_t first, uint64_t last)
{
    for (uint64_t number = first; number < last; number++) {
        struct page **slot = slot_of(ring, number);
        if (*slot) {
            memory_page_give(memory, *slot);
            *slot = NULL;
        }
    }
}

/** As free_pages, for pages that are all there: they go back in one chain. */
static inline void give_pages(struct ring_table *table, struct memory *memory, uint64_t first, uint64_t last)
{
    uint32_t mask = table->slots - 1, count = (uint32_t)(last - first);
    if (count == 0)
        return;
    struct page *front = table->pages[first & mask], *back = front;
    table->pages[first & mask] = NULL;
    for (uint64_t number = first + 1; number < last; number++) {
        struct page *page = table->pages[number & mask];
        table->pages[number & mask] = NULL;
        back->next_free = page;
        back = page;
    }
    memory_pages_give(memory, front, back, count);
}

/** The number of the first page that holds nothing before `offset`. */
static uint64_t page_after(const struct ring *ring, uint32_t offset)
{
    return (position_of(ring, offset) + PAGE_BYTES - 1) / PAGE_BYTES;
}

void ring_clear(struct ring *ring, struct memory *memory)
{
    free_pages(ring, memory, ring->head / PAGE_BYTES, page_after(ring, ring->extent));
    if (ring->has_table)
        memory_release(memory, ring->table, table_bytes(ring->table->slots));
    *ring = (struct ring){.capacity = ring->capacity};
}

/** Moves the pages into a table of so many slots. */
static bool table_move(struct ring *ring, struct memory *memory, uint32_t slots)
{
    struct ring_table *table = memory_allocate_reserved(memory, table_bytes(slots));
    if (!table)
        return false;
    memset(table, 0, table_bytes(slots));
    table->slots = slots;
    for (uint64_t number = ring->head / PAGE_BYTES; number < page_after(ring, ring->extent); number++)
        table->pages[number & (slots - 1)] = *slot_of(ring, number);
    if (ring->has_table)
        memory_release(memory, ring->table, table_bytes(ring->table->slots));
    ring->table = table;
    ring->has_table = true;
    return true;
}

/** Makes the table large enough for bytes up to `end` from the head. */
static bool table_reach(struct ring *ring, struct memory *memory, uint32_t end)
{
    uint64_t first = ring->head / PAGE_BYTES, after = page_after(ring, end);
    uint32_t slots = slots_of(ring);
    if (after - first <= slots)
        return true;
    while (slots < after - first)
        slots *= slots == 1 ? 4 : 2;
    return table_move(ring, memory, slots);
}

void ring_trim(struct ring *ring, struct memory *memory)
{
    uint64_t pages = page_after(ring, ring->extent) - ring->head / PAGE_BYTES;
    uint32_t slots = slots_of(ring), enough = 4;
    while (enough < pages)
        enough *= 2;
    if (pages > 1 && enough < slots) {
        (void)table_move(ring, memory, enough); // without memory for it the old one serves
    } else if (pages == 1 && ring->has_table) {
        struct page *only = *slot_of(ring, ring->head / PAGE_BYTES);
        memory_release(memory, ring->table, table_bytes(slots));
        ring->only = only;
        ring->has_table = false;
    }
}

/** A ring that was given a slot but got no page, or holds nothing any more, is idle again. */
static void settle(struct ring *ring, struct memory *memory)
{
    if (ring->extent == 0)
        ring_clear(ring, memory);
}

/** Appends what takes several pages, or lies behind what does. */
static __attribute__((noinline)) size_t append_pages(struct ring *ring, struct memory *memory, const void *data,
                                                     size_t size)
{
    uint32_t room = ring_room(ring);
    size_t wanted = size < room ? size : room, taken = 0;
    while (taken < wanted) {
        uint64_t position = position_of(ring, ring->length);
        size_t at = position % PAGE_BYTES, run = PAGE_BYTES - at;
        if (run > wanted - taken)
            run = wanted - taken;
        if (!table_reach(ring, memory, ring->length + (uint32_t)run))
            break;
        struct page **slot = slot_of(ring, position / PAGE_BYTES);
        if (!*slot && !(*slot = memory_page_take(memory)))
            break;
        copy((*slot)->bytes + at, (const uint8_t *)data + taken, run);
        taken += run;
        ring->length += (uint32_t)run;
        if (ring->extent < ring->length)
            ring->extent = ring->length;
    }
    settle(ring, memory);
    return taken;
}

/** Whether `size` octets more fit behind the end and into the only page, which is there or is to be taken. */
static inline bool fits_one_page(const struct ring *ring, size_t size)
{
    return !ring->has_table && ring->head % PAGE_BYTES + ring->length + size <= PAGE_BYTES &&
           ring->length + size <= ring->capacity && size > 0;
}

size_t ring_append(struct ring *ring, struct memory *memory, const void *data, size_t size)
{
    if (fits_one_page(ring, size) && (ring->only || (ring->only = memory_page_take(memory)))) {
        copy(ring->only->bytes + ring->head % PAGE_BYTES + ring->length, data, size); // as most messages do
        ring->length += (uint32_t)size;
        if (ring->extent < ring->length)
            ring->extent = ring->length;
        return size;
    }
    return append_pages(ring, memory, data, size);
}

/** Provides all pages for [offset, offset + size), size > 0, or none. */
static bool reserve(struct ring *ring, struct memory *memory, uint32_t offset, uint32_t size)
{
    if (!table_reach(ring, memory, offset + size))
        return false;
    uint64_t first = position_of(ring, offset) / PAGE_BYTES, after = page_after(ring, offset + size);
    // Those that are new are collected first: should one be missing, the others go back as if never taken.
    struct page *fresh = NULL;
    for (uint64_t number = first; number < after; number++) {
        if (*slot_of(ring, number))
            continue;
        struct page *page = memory_page_take(memory);
        if (!page) {
            while (fresh) {
                page = fresh;
                fresh = page->next_free;
                memory_page_give(memory, page);
            }
            return false;
        }
        page->next_free = fresh;
        fresh = page;
    }
    for (uint64_t number = first; number < after; number++) {
        struct page **slot = slot_of(ring, number);
        if (!*slot) {
            *slot = fresh;
            fresh = fresh->next_free;
        }
    }
    if (ring->extent < offset + size)
        ring->extent = offset + size;
    return true;
}

bool ring_store(struct ring *ring, struct memory *memory, uint32_t offset, const void *data, size_t size)
{
    if (offset > ring->capacity || size > ring->capacity - offset)
        return false;
    if (size == 0)
        return true;
    if (!reserve(ring, memory, offset, (uint32_t)size)) {
        settle(ring, memory);
        return false;
    }
    for (size_t done = 0; done < size;) {
        uint64_t position = position_of(ring, offset) + done;
        size_t at = position % PAGE_BYTES, run = PAGE_BYTES - at;
        if (run > size - done)
            run = size - done;
        copy((*slot_of(ring, position / PAGE_BYTES))->bytes + at, (const uint8_t *)data + done, run);
        done += run;
    }
    return true;
}

void ring_extend(struct ring *ring, uint32_t bytes)
{
    ASSERT(bytes <= ring->extent - ring->length);
    ring->length += bytes;
}

void ring_cut(struct ring *ring, struct memory *memory, uint32_t offset)
{
    ASSERT(offset >= ring->length);
    if (offset >= ring->extent)
        return;
    free_pages(ring, memory, page_after(ring, offset), page_after(ring, ring->extent));
    ring->extent = offset;
    settle(ring, memory);
}

void ring_copy(const struct ring *ring, uint32_t offset, void *data, size_t size)
{
    ASSERT(offset <= ring->extent && size <= ring->extent - offset);
    for (size_t done = 0; done < size;) {
        uint64_t position = position_of(ring, offset) + done;
        size_t at = position % PAGE_BYTES, run = PAGE_BYTES - at;
        if (run > size - done)
            run = size - done;
        const struct page *page = *slot_of(ring, position / PAGE_BYTES);
        ASSERT(page);
        copy((uint8_t *)data + done, page->bytes + at, run);
        done += run;
    }
}

static __attribute__((noinline)) void consume_pages(struct ring *ring, struct memory *memory, uint32_t bytes)
{
    uint64_t first = ring->head / PAGE_BYTES, last = position_of(ring, bytes) / PAGE_BYTES;
    if (ring->has_table)
        give_pages(ring->table, memory, first, last);
    else
        free_pages(ring, memory, first, last);
    ring->head += bytes;
    ring->length -= bytes;
    ring->extent -= bytes;
    settle(ring, memory);
}

void ring_consume(struct ring *ring, struct memory *memory, uint32_t bytes)
{
    ASSERT(bytes <= ring->length);
    if (bytes == 0)
        return;
    if (bytes == ring->extent && !ring->has_table) { // all there was, in one page
        memory_page_give(memory, ring->only);
        *ring = (struct ring){.capacity = ring->capacity};
        return;
    }
    consume_pages(ring, memory, bytes);
}

/** Pieces for [offset, offset + size), whose pages are there. */
static int pieces_of(const struct ring *ring, uint32_t offset, uint32_t size, struct strata_iovec *pieces,
                     int count)
{
    int used = 0;
    while (size > 0 && used < count) {
        uint64_t position = position_of(ring, offset);
        uint32_t at = (uint32_t)(position % PAGE_BYTES), run = PAGE_BYTES - at;
        if (run > size)
            run = size;
        struct page *page = *slot_of(ring, position / PAGE_BYTES);
        ASSERT(page);
        pieces[used++] = (struct strata_iovec){.base = page->bytes + at, .length = run};
        offset += run;
        size -= run;
    }
    return used;
}

int ring_view(const struct ring *ring, uint32_t offset, uint32_t size, struct strata_iovec *pieces, int count)
{
    ASSERT(offset <= ring->extent && size <= ring->extent - offset);
    return pieces_of(ring, offset, size, pieces, count);
}

int ring_space(struct ring *ring, struct memory *memory, uint32_t size, struct strata_iovec *pieces,
               int count)
{
    uint32_t room = ring_room(ring);
    if (size > room)
        size = room;
    if (count <= 0)
        return 0;
    // No page is allocated that no piece would show.
    uint64_t most = (uint64_t)count * PAGE_BYTES - (ring->head + ring->length) % PAGE_BYTES;
    if (size > most)
        size = (uint32_t)most;
    uint32_t reserved = 0;
    while (reserved < size) {
        uint32_t run = PAGE_BYTES - (uint32_t)((position_of(ring, ring->length) + reserved) % PAGE_BYTES);
        if (run > size - reserved)
            run = size - reserved;
        if (!reserve(ring, memory, ring->length + reserved, run))
            break;
        reserved += run;
    }
    settle(ring, memory);
    return pieces_of(ring, ring->length, reserved, pieces, count);
}

const uint8_t *ring_at(const struct ring *ring, uint32_t offset, uint32_t *run)
{
    *run = 0;
    if (offset >= ring->extent)
        return NULL;
    uint64_t position = position_of(ring, offset);
    const struct page *page = *slot_of(ring, position / PAGE_BYTES);
    if (!page)
        return NULL;
    uint32_t at = (uint32_t)(position % PAGE_BYTES);
    uint32_t end = offset < ring->length ? ring->length : ring->extent;
    *run = PAGE_BYTES - at;
    if (*run > end - offset)
        *run = end - offset;
    return page->bytes + at;
}
