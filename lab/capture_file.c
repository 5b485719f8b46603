/*
 * Files of a capture.
 */
#include "lab/capture_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/** More are not held back, even if the first one's fate is open: a comment that comes later is lost. */
#define HELD_MOST 10000u

struct capture_file *capture_file_open(const char *path, FILE *stream, int *error)
{
    struct capture_file *file = calloc(1, sizeof *file);
    *error = -ENOMEM;
    if (!file || (path && !(file->path = strdup(path)))) {
        free(file);
        if (stream)
            fclose(stream);
        return NULL;
    }
    file->stream = stream ? stream : fopen(path, "wbe");
    if (!file->stream) {
        *error = -errno;
        free(file->path);
        free(file);
        return NULL;
    }
    file->last = &file->first;
    pcapng_begin(&file->writer, pcapng_to_file(file->stream), "strata lab");
    *error = 0;
    return file;
}

int capture_file_close(struct capture_file *file)
{
    int error = file->writer.error;
    errno = 0;
    if (fclose(file->stream) != 0 && !error)
        error = errno ? -errno : -EIO;
    seen_free(&file->seen);
    free(file->path);
    free(file);
    return error;
}

void capture_file_append(struct capture_file *file, struct held_frame *held)
{
    held->file = file;
    held->next = NULL;
    *file->last = held;
    file->last = &held->next;
    file->held++;
}

void held_say(struct held_frame *held, const char *before, const char *text)
{
    size_t length = strlen(held->comment);
    snprintf(held->comment + length, sizeof held->comment - length, "%s%s%s", length ? "\n" : "", before, text);
}

struct held_frame *capture_file_write(struct capture_file *file, bool all)
{
    struct held_frame *held = file->first;
    if (!held || (held->open > 0 && !all && file->held <= HELD_MOST))
        return NULL;
    file->first = held->next;
    if (!file->first)
        file->last = &file->first;
    file->held--;
    if (held->collisions > 0) {
        char text[40];
        snprintf(text, sizeof text, "collided %u time%s", held->collisions, held->collisions > 1 ? "s" : "");
        held_say(held, "", text);
    }
    held->packet.comment = held->comment[0] ? held->comment : NULL;
    pcapng_packet(&file->writer, &held->packet);
    held->written = true;
    held->next = NULL;
    return held;
}
