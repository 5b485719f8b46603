/*
 * Any bytes as a stream of frames, in any pieces: what is taken must be what a plain reading of the whole
 * stream finds, and nothing may be read beyond what has come.
 */
#include "drivers/frames.h"

#include <stdlib.h>
#include <string.h>

/** The next frame by plain reading. @return whether there is one; *at moves behind it. */
static int plain_take(const uint8_t *data, size_t size, size_t *at, const uint8_t **frame, size_t *length)
{
    while (size - *at >= FRAMES_PREFIX_BYTES) {
        const uint8_t *prefix = data + *at;
        *length = (size_t)prefix[0] << 24 | (size_t)prefix[1] << 16 | (size_t)prefix[2] << 8 | prefix[3];
        if (*length > size - *at - FRAMES_PREFIX_BYTES)
            return 0;
        *at += FRAMES_PREFIX_BYTES + *length;
        *frame = prefix + FRAMES_PREFIX_BYTES;
        if (*length > FRAMES_LONGEST_BYTES)
            return 0;
        if (*length > 0)
            return 1;
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    // The first two bytes say how the rest is cut into pieces.
    if (size < 2)
        return 0;
    size_t step = 1 + data[0], growth = data[1];
    data += 2;
    size -= 2;
    uint8_t *memory = malloc(FRAMES_ROOM_LEAST);
    if (!memory)
        return 0;
    struct frames frames;
    frames_init(&frames, memory, FRAMES_ROOM_LEAST);
    size_t given = 0, plain = 0, length;
    const uint8_t *frame, *expected;
    long taken = 0;
    while (given < size && taken >= 0) {
        size_t room, piece = step < size - given ? step : size - given;
        uint8_t *space = frames_space(&frames, &room);
        if (room == 0)
            abort();
        piece = piece < room ? piece : room;
        memcpy(space, data + given, piece);
        frames_commit(&frames, piece);
        given += piece;
        step += growth;
        while ((taken = frames_take(&frames, &frame)) > 0)
            if (!plain_take(data, given, &plain, &expected, &length) || (size_t)taken != length ||
                memcmp(frame, expected, length) != 0)
                abort();
    }
    if (taken == 0 && plain_take(data, size, &plain, &expected, &length))
        abort();
    free(memory);
    return 0;
}
