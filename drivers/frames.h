/**
 * Frames in a stream of bytes, each preceded by its length in four bytes, big endian: what QEMU's
 * `-netdev stream` speaks. This is the reading side; it does no I/O.
 *
 *     uint8_t *space = frames_space(&frames, &room);
 *     frames_commit(&frames, recv(fd, space, room, 0));
 *     while ((length = frames_take(&frames, &frame)) > 0)
 *         ...
 */
#ifndef DRIVERS_FRAMES_H
#define DRIVERS_FRAMES_H

#include <stddef.h>
#include <stdint.h>

/** Bytes of the length in front of a frame. */
#define FRAMES_PREFIX_BYTES 4u
/** No frame is longer; QEMU's own limit. A larger length means that the other end speaks something else. */
#define FRAMES_LONGEST_BYTES (65536u + 4096u)
/** The memory must hold so much at least: a longest frame always fits. */
#define FRAMES_ROOM_LEAST (FRAMES_LONGEST_BYTES + FRAMES_PREFIX_BYTES)

struct frames {
    uint8_t *bytes; /**< The caller's. */
    size_t room;
    size_t start, end; /**< What has come and was not taken. */
};

/** Begins with empty memory of `room` bytes, at least FRAMES_ROOM_LEAST. */
void frames_init(struct frames *frames, uint8_t *bytes, size_t room);
/** Where the next bytes of the stream go; never empty once frames_take has given all there is. What was taken
 * before may be overwritten. */
uint8_t *frames_space(struct frames *frames, size_t *size);
/** So many bytes were put there. */
void frames_commit(struct frames *frames, size_t size);
/** The next frame, which stays where it is until frames_space. Empty ones are passed over.
 * @return its length, 0: none is whole yet, -EPROTO: this is no such stream. */
long frames_take(struct frames *frames, const uint8_t **frame);
/** Writes the length in front of a frame. */
void frames_prefix(uint8_t prefix[FRAMES_PREFIX_BYTES], size_t length);

#endif
