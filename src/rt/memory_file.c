/*
 * The content of files in memory, with a memory of what a crash would bring back.
 *
 * The bytes are the file as programs see it. What an unsynced write or truncation overwrote below the synced
 * length is kept in a list of undo records; a crash applies them, newest first, and cuts the file to its
 * synced length. Beyond that length nothing needs to be kept, so appending to a log costs what is appended. A
 * crash may then tear the last write: some beginning of it has reached the disk though nobody was told.
 */
#include "rt/memory_disk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/** Larger than any file of ours may grow. */
#define CONTENT_MAX_BYTES ((uint64_t)1 << (sizeof(size_t) > 4 ? 40 : 30))

struct content *content_new(int64_t modified_s)
{
    struct content *content = calloc(1, sizeof *content);
    if (content) {
        content->references = 1;
        content->modified_s = modified_s;
    }
    return content;
}

static void forget_undo(struct content *content)
{
    while (content->undo) {
        struct undo *undo = content->undo;
        content->undo = undo->older;
        free(undo);
    }
    content->last_length = 0;
}

void content_release(struct content *content)
{
    if (--content->references > 0)
        return;
    forget_undo(content);
    free(content->bytes);
    free(content);
}

static int content_reserve(struct content *content, uint64_t size)
{
    if (size > CONTENT_MAX_BYTES)
        return -EFBIG;
    if (size <= content->capacity)
        return 0;
    uint64_t capacity = content->capacity ? content->capacity : 256;
    while (capacity < size)
        capacity *= 2;
    uint8_t *grown = realloc(content->bytes, (size_t)capacity);
    if (!grown)
        return -ENOSPC;
    memset(grown + content->capacity, 0, (size_t)(capacity - content->capacity));
    content->bytes = grown;
    content->capacity = capacity;
    return 0;
}

/** Keeps what lies from `offset` on, as far as it may have to come back. */
static int keep(struct content *content, uint64_t offset, uint64_t size)
{
    if (offset >= content->synced_size)
        return 0;
    if (size > content->synced_size - offset)
        size = content->synced_size - offset;
    struct undo *undo = malloc(sizeof *undo + (size_t)size);
    if (!undo)
        return -ENOSPC;
    undo->older = content->undo;
    undo->offset = offset;
    undo->size = (size_t)size;
    memcpy(undo->bytes, content->bytes + offset, (size_t)size);
    content->undo = undo;
    return 0;
}

int64_t content_read(const struct content *content, void *data, size_t size, uint64_t offset)
{
    if (offset >= content->size)
        return 0;
    if (size > content->size - offset)
        size = (size_t)(content->size - offset);
    if (size > 0)
        memcpy(data, content->bytes + offset, size);
    return (int64_t)size;
}

int64_t content_write(struct content *content, const void *data, size_t size, uint64_t offset)
{
    if (size == 0)
        return 0;
    if (offset > CONTENT_MAX_BYTES)
        return -EFBIG;
    int error = content_reserve(content, offset + size);
    if (error >= 0)
        error = keep(content, offset, size);
    if (error < 0)
        return error;
    memcpy(content->bytes + offset, data, size);
    if (content->size < offset + size)
        content->size = offset + size;
    content->last_offset = offset;
    content->last_length = size;
    return (int64_t)size;
}

int content_truncate(struct content *content, uint64_t size)
{
    int error = content_reserve(content, size);
    if (error >= 0 && size < content->size)
        error = keep(content, size, content->size - size);
    if (error < 0)
        return error;
    /* Beyond the end all bytes are zero, so that growing again shows zeros. */
    if (size < content->size)
        memset(content->bytes + size, 0, (size_t)(content->size - size));
    content->size = size;
    if (content->last_offset + content->last_length > size)
        content->last_length = 0;
    return 0;
}

void content_sync(struct content *content)
{
    forget_undo(content);
    content->synced_size = content->size;
}

void content_crash(struct content *content, struct random *random)
{
    uint8_t *torn = NULL;
    uint64_t torn_length = 0;
    if (content->last_length > 0) {
        torn_length = random_below(random, content->last_length + 1);
        torn = torn_length > 0 ? malloc((size_t)torn_length) : NULL;
        if (torn)
            memcpy(torn, content->bytes + content->last_offset, (size_t)torn_length);
    }
    if (content->size > content->synced_size)
        memset(content->bytes + content->synced_size, 0, (size_t)(content->size - content->synced_size));
    for (struct undo *undo = content->undo; undo; undo = undo->older)
        memcpy(content->bytes + undo->offset, undo->bytes, undo->size);
    content->size = content->synced_size;
    uint64_t offset = content->last_offset;
    forget_undo(content);
    if (torn) {
        memcpy(content->bytes + offset, torn, (size_t)torn_length);
        if (content->size < offset + torn_length)
            content->size = offset + torn_length;
        content->synced_size = content->size;
        free(torn);
    }
}
