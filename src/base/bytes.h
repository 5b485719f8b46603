/**
 * Readers and writers of network byte order. A reader never passes its end: what is missing reads as zero
 * and sets `failed`, so that a parser checks once. A writer likewise. Only wire/ and app/ engines use them.
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t bytes_get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}
static inline uint32_t bytes_get32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}
static inline uint64_t bytes_get64(const uint8_t *p)
{
    return (uint64_t)bytes_get32(p) << 32 | bytes_get32(p + 4);
}
static inline void bytes_put16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}
static inline void bytes_put32(uint8_t *p, uint32_t v)
{
    bytes_put16(p, (uint16_t)(v >> 16));
    bytes_put16(p + 2, (uint16_t)v);
}
static inline void bytes_put64(uint8_t *p, uint64_t v)
{
    bytes_put32(p, (uint32_t)(v >> 32));
    bytes_put32(p + 4, (uint32_t)v);
}

struct reader {
    const uint8_t *data;
    size_t position, limit; /**< position <= limit. */
    bool failed;
};

static inline struct reader reader_of(const void *data, size_t size)
{
    return (struct reader){.data = data, .position = 0, .limit = size, .failed = false};
}
static inline size_t reader_left(const struct reader *r)
{
    return r->limit - r->position;
}
/** The next `size` bytes, or NULL and failed. */
static inline const uint8_t *reader_take(struct reader *r, size_t size)
{
    if (size > r->limit - r->position) {
        r->failed = true;
        r->position = r->limit;
        return NULL;
    }
    const uint8_t *p = r->data + r->position;
    r->position += size;
    return p;
}
static inline uint8_t reader_u8(struct reader *r)
{
    const uint8_t *p = reader_take(r, 1);
    return p ? *p : 0;
}
static inline uint16_t reader_u16(struct reader *r)
{
    const uint8_t *p = reader_take(r, 2);
    return p ? bytes_get16(p) : 0;
}
static inline uint32_t reader_u32(struct reader *r)
{
    const uint8_t *p = reader_take(r, 4);
    return p ? bytes_get32(p) : 0;
}
static inline void reader_copy(struct reader *r, void *to, size_t size)
{
    const uint8_t *p = reader_take(r, size);
    if (p)
        memcpy(to, p, size);
    else
        memset(to, 0, size);
}

struct writer {
    uint8_t *data;
    size_t position, limit;
    bool failed;
};

static inline struct writer writer_of(void *data, size_t size)
{
    return (struct writer){.data = data, .position = 0, .limit = size, .failed = false};
}
/** Room for the next `size` bytes, or NULL and failed. */
static inline uint8_t *writer_take(struct writer *w, size_t size)
{
    if (size > w->limit - w->position) {
        w->failed = true;
        return NULL;
    }
    uint8_t *p = w->data + w->position;
    w->position += size;
    return p;
}
static inline void writer_u8(struct writer *w, uint8_t v)
{
    uint8_t *p = writer_take(w, 1);
    if (p)
        *p = v;
}
static inline void writer_u16(struct writer *w, uint16_t v)
{
    uint8_t *p = writer_take(w, 2);
    if (p)
        bytes_put16(p, v);
}
static inline void writer_u32(struct writer *w, uint32_t v)
{
    uint8_t *p = writer_take(w, 4);
    if (p)
        bytes_put32(p, v);
}
static inline void writer_bytes(struct writer *w, const void *from, size_t size)
{
    uint8_t *p = writer_take(w, size);
    if (p)
        memcpy(p, from, size);
}

#endif
