/**
 * Rings: the byte queue of one direction of a stream, made of pages.
 *
 * A ring holds bytes at positions `head` (the oldest) to `head + length`. Pages exist only where bytes are,
 * an idle ring holds none, not even its page table. Reading and writing by offset from the head lets TCP make
 * a segment from any place (retransmission) and put out-of-order bytes where they belong.
 */
#ifndef BASE_RING_H
#define BASE_RING_H

#include "base/memory.h"

struct ring_table; /**< Slots for pages. */

struct ring {
    union {
        struct ring_table *table;
        struct page *only; /**< Without a table: the page itself or NULL; short messages need no more. */
    };
    uint32_t head;   /**< Position of the first byte, modulo 2^32; idle rings begin again at 0. */
    uint32_t length; /**< In-order bytes from the head. */
    uint32_t extent; /**< End of the farthest byte held or lent by ring_space, from the head; >= length. */
    uint32_t capacity : 31; /**< Most bytes that may lie between head and the end of any byte held. */
    uint32_t has_table : 1;
};

void ring_init(struct ring *ring, uint32_t capacity);
/** Frees pages and table; the ring is empty and may be used again. */
void ring_clear(struct ring *ring, struct memory *memory);
/** Room for bytes behind the end, capacity only. */
static inline uint32_t ring_room(const struct ring *ring)
{
    return ring->length < ring->capacity ? ring->capacity - ring->length : 0;
}
/** Bytes that fit behind the end without another page. */
static inline uint32_t ring_spare(const struct ring *ring)
{
    return ring->length > 0 ? -(ring->head + ring->length) % PAGE_BYTES : 0;
}
/** What the table of pages takes. */
size_t ring_table_bytes(const struct ring *ring);
/** May grow at any time; shrinking affects only what comes later. */
void ring_set_capacity(struct ring *ring, uint32_t capacity);

/** Appends; @return bytes taken: less than `size` when capacity or memory ends. */
size_t ring_append(struct ring *ring, struct memory *memory, const void *data, size_t size);
/** Stores bytes at `offset` from the head, beyond the end too; all of them or none. @return false: no memory,
 * or beyond capacity. Does not move the end: see ring_extend. */
bool ring_store(struct ring *ring, struct memory *memory, uint32_t offset, const void *data, size_t size);
/** Moves the end over `bytes` that were stored before, or that ring_space lent. */
void ring_extend(struct ring *ring, uint32_t bytes);
/** Frees the pages that hold only bytes at or beyond `offset` >= length (out-of-order data given up, or room
 * that ring_space lent and nobody used). */
void ring_cut(struct ring *ring, struct memory *memory, uint32_t offset);
/** Gives back what the table of pages has too many slots. */
void ring_trim(struct ring *ring, struct memory *memory);
/** Copies `size` bytes from `offset`; they must be there. */
void ring_copy(const struct ring *ring, uint32_t offset, void *data, size_t size);
/** Takes `bytes` away at the head and frees the pages passed; a ring that holds nothing beyond frees its
 * table. */
void ring_consume(struct ring *ring, struct memory *memory, uint32_t bytes);
/** Views of the bytes from `offset`, `size` of them. @return pieces filled in, at most `count`. */
int ring_view(const struct ring *ring, uint32_t offset, uint32_t size, struct strata_iovec *pieces,
              int count);
/** Views of room behind the end, pages allocated; @return pieces. Sum may be less than asked for. After
 * writing: ring_extend, and ring_cut at the new end to give back what was not used. */
int ring_space(struct ring *ring, struct memory *memory, uint32_t size, struct strata_iovec *pieces,
               int count);
/** The contiguous bytes at `offset`: pointer, and how many in `run` (at least 1 where bytes are); NULL, 0
 * elsewhere. */
const uint8_t *ring_at(const struct ring *ring, uint32_t offset, uint32_t *run);

#endif
