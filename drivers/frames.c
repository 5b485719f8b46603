/*
 * Frames in a stream of bytes: see frames.h.
 */
#include "drivers/frames.h"

#include <errno.h>
#include <string.h>

#include "base/assert.h"

void frames_init(struct frames *frames, uint8_t *bytes, size_t room)
{
    ASSERT(room >= FRAMES_ROOM_LEAST);
    *frames = (struct frames){.bytes = bytes, .room = room};
}

uint8_t *frames_space(struct frames *frames, size_t *size)
{
    // What is left is the beginning of one frame: to the front with it, so that all of it has room.
    memmove(frames->bytes, frames->bytes + frames->start, frames->end - frames->start);
    frames->end -= frames->start;
    frames->start = 0;
    *size = frames->room - frames->end;
    return frames->bytes + frames->end;
}

void frames_commit(struct frames *frames, size_t size)
{
    ASSERT(size <= frames->room - frames->end);
    frames->end += size;
}

static size_t prefix_length(const uint8_t *prefix)
{
    return (size_t)prefix[0] << 24 | (size_t)prefix[1] << 16 | (size_t)prefix[2] << 8 | prefix[3];
}

long frames_take(struct frames *frames, const uint8_t **frame)
{
    while (frames->end - frames->start >= FRAMES_PREFIX_BYTES) {
        const uint8_t *prefix = frames->bytes + frames->start;
        size_t length = prefix_length(prefix);
        if (length > FRAMES_LONGEST_BYTES)
            return -EPROTO;
        if (frames->end - frames->start - FRAMES_PREFIX_BYTES < length)
            return 0;
        frames->start += FRAMES_PREFIX_BYTES + length;
        *frame = prefix + FRAMES_PREFIX_BYTES;
        if (length > 0)
            return (long)length;
    }
    return 0;
}

void frames_prefix(uint8_t prefix[FRAMES_PREFIX_BYTES], size_t length)
{
    for (unsigned i = 0; i < FRAMES_PREFIX_BYTES; i++)
        prefix[i] = (uint8_t)(length >> (24 - 8 * i));
}
