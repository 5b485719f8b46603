/**
 * The files of a capture: frames wait in them, in the order of their times, until all is known that can be said about
 * the first.
 */
#ifndef LAB_CAPTURE_FILE_H
#define LAB_CAPTURE_FILE_H

#include <stdio.h>

#include "drivers/pcapng.h"
#include "lab/seen.h"

/** A frame about which something may still be said. */
struct held_frame {
    struct held_frame *next;
    uint64_t number;
    struct capture_file *file; /**< NULL: it is only remembered for what is said about it. */
    unsigned open;             /**< Copies of it whose fate is not known. */
    bool written;
    struct pcapng_packet packet;
    uint8_t *bytes;
    size_t room;
    unsigned collisions;
    char comment[200]; /**< A line for each fault. */
};
struct capture_file {
    char *path; /**< NULL: a stream that was open. */
    FILE *stream;
    struct pcapng_writer writer;
    struct seen seen;
    struct held_frame *first, **last;
    unsigned held;
};
/** @param stream NULL: `path` is opened. @return NULL with `error`. */
struct capture_file *capture_file_open(const char *path, FILE *stream, int *error);
/** @return 0, or the first thing that went wrong. */
int capture_file_close(struct capture_file *file);
void capture_file_append(struct capture_file *file, struct held_frame *held);
/** Takes off the next frame that is ready, after writing it; NULL: there is none. `all`: ready or not. */
struct held_frame *capture_file_write(struct capture_file *file, bool all);
/** Says something about a frame. */
void held_say(struct held_frame *held, const char *before, const char *text);

#endif
