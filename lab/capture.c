/*
 * Captures of a world. A frame is recorded at the moment and in the form in which it was sent; what the cable
 * does to it is decided in that moment too, and follows as events of the same frame. So each frame is held
 * back until the next one comes, and carries what was said about it as its comment: "lost: loss", "corrupt",
 * "duplicate". On a bus a frame is held back until it gets through or is given up: "collided 3 times".
 *
 * A file holds every byte of a TCP stream once. A segment whose bytes are there already (sent again, or the
 * same one on its next cable) is recorded with its headers only: those who put streams together again, such
 * as Wireshark, take whole copies for malformed messages.
 */
#include "lab/capture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "drivers/pcapng.h"
#include "lab/seen.h"
#include "lab/world.h"

/** One file. */
struct recording {
    FILE *file;
    struct pcapng_writer writer;
    struct seen seen;
};

/** A cable in a file. */
struct track {
    const struct strata_cable *cable;
    struct recording *recording;
    uint32_t interface;
};

struct capture {
    struct strata_world *world;
    const char *path;
    bool folder;
    struct recording *whole; /**< Unless there is a file per cable. */
    struct track *tracks;
    unsigned track_count;
    int error;
    struct held_frame *first, **last, *spare; /**< Frames that are held back, in the order of their times. */
    unsigned held_count;
};

/** A frame about which something may still be said. */
struct held_frame {
    struct held_frame *next;
    uint64_t number;
    unsigned track;
    bool open; /**< On a bus: it is not settled what becomes of it. */
    struct pcapng_packet packet;
    uint8_t *bytes;
    size_t room;
    unsigned collisions;
    char comment[160];
};
/** More are not held back, even if the first one's fate is open. */
#define HELD_MOST 10000u

static struct recording *recording_open(struct capture *capture, const char *path)
{
    struct recording *recording = calloc(1, sizeof *recording);
    if (!recording) {
        capture->error = -ENOMEM;
        return NULL;
    }
    recording->file = fopen(path, "wb");
    if (!recording->file) {
        capture->error = -errno;
        free(recording);
        return NULL;
    }
    pcapng_begin(&recording->writer, pcapng_to_file(recording->file), "strata lab");
    return recording;
}

static void recording_close(struct capture *capture, struct recording *recording)
{
    if (!recording)
        return;
    int error = recording->writer.error;
    errno = 0;
    if (fclose(recording->file) != 0 && !error)
        error = errno ? -errno : -EIO;
    if (!capture->error)
        capture->error = error;
    seen_free(&recording->seen);
    free(recording);
}

static struct recording *recording_of(struct capture *capture, const struct strata_cable *cable)
{
    if (!capture->folder)
        return capture->whole;
    char path[4096];
    int length = snprintf(path, sizeof path, "%s/%s.pcapng", capture->path, cable->name);
    if (length >= (int)sizeof path) {
        capture->error = -ENAMETOOLONG;
        return NULL;
    }
    // A slash in a name would lead out of the folder.
    for (char *c = path + strlen(capture->path) + 1; *c; c++)
        if (*c == '/')
            *c = '_';
    return recording_open(capture, path);
}

static struct track *track_of(struct capture *capture, const struct strata_cable *cable)
{
    for (unsigned i = 0; i < capture->track_count; i++)
        if (capture->tracks[i].cable == cable)
            return &capture->tracks[i];
    struct track *tracks = realloc(capture->tracks, (capture->track_count + 1) * sizeof *tracks);
    if (!tracks) {
        capture->error = -ENOMEM;
        return NULL;
    }
    capture->tracks = tracks;
    struct track *track = &tracks[capture->track_count];
    *track = (struct track){.cable = cable, .recording = recording_of(capture, cable)};
    if (!track->recording)
        return NULL;
    char description[300];
    snprintf(description, sizeof description, "%s port %d - %s port %d", cable->node[0]->name, cable->port[0],
             cable->node[1]->name, cable->port[1]);
    if (cable->bus)
        snprintf(description, sizeof description, "a bus of %u stations", strata_cable_ends(cable));
    int interface =
        pcapng_interface(&track->recording->writer,
                         &(struct pcapng_interface){
                             .name = cable->name,
                             .description = description,
                             .link_type = cable->link == STRATA_LINK_IP ? PCAPNG_RAW : PCAPNG_ETHERNET,
                         });
    capture->track_count++;
    track->interface = interface < 0 ? 0 : (uint32_t)interface;
    return track;
}

static void say(struct held_frame *held, const char *before, const char *text)
{
    size_t length = strlen(held->comment);
    snprintf(held->comment + length, sizeof held->comment - length, "%s%s%s", length ? ", " : "", before, text);
}

static void write_first(struct capture *capture)
{
    struct held_frame *held = capture->first;
    capture->first = held->next;
    if (!capture->first)
        capture->last = &capture->first;
    capture->held_count--;
    if (held->collisions > 0) {
        char text[40];
        snprintf(text, sizeof text, "collided %u time%s", held->collisions, held->collisions > 1 ? "s" : "");
        say(held, "", text);
    }
    held->packet.comment = held->comment[0] ? held->comment : NULL;
    pcapng_packet(&capture->tracks[held->track].recording->writer, &held->packet);
    held->next = capture->spare;
    capture->spare = held;
}

/** Writes the frames about which nothing more will be said; `all`: all of them. */
static void write_held(struct capture *capture, bool all)
{
    while (capture->first && (all || !capture->first->open || capture->held_count > HELD_MOST))
        write_first(capture);
}

/** How much of a frame goes into the file. */
static size_t recorded_bytes(struct track *track, const struct strata_lab_event *event)
{
    struct description what;
    describe(event->cable->link, event->frame, event->length, &what);
    if (what.subject != SUBJECT_TCP || seen_is_new(&track->recording->seen, &what))
        return event->length;
    return (size_t)(what.payload - event->frame);
}

/** A held frame with room for so many bytes. */
static struct held_frame *held_new(struct capture *capture, size_t length)
{
    struct held_frame *held = capture->spare;
    if (held)
        capture->spare = held->next;
    else
        held = calloc(1, sizeof *held);
    uint8_t *bytes = held && length > held->room ? realloc(held->bytes, length) : NULL;
    if (!held || (length > held->room && !bytes)) {
        capture->error = -ENOMEM;
        if (held)
            free(held->bytes);
        free(held);
        return NULL;
    }
    if (bytes) {
        held->bytes = bytes;
        held->room = length;
    }
    held->next = NULL;
    held->collisions = 0;
    held->comment[0] = '\0';
    return held;
}

static void hold(struct capture *capture, const struct strata_lab_event *event)
{
    write_held(capture, false);
    struct track *track = track_of(capture, event->cable);
    struct held_frame *held = track ? held_new(capture, event->length) : NULL;
    if (!held)
        return;
    memcpy(held->bytes, event->frame, event->length);
    held->packet = (struct pcapng_packet){
        .interface = track->interface,
        .time_ns = STRATA_LAB_EPOCH_NS + event->time,
        .frame = held->bytes,
        .length = recorded_bytes(track, event),
        .original_length = event->length,
        .direction = event->direction == 0 ? PCAPNG_OUTBOUND : PCAPNG_INBOUND,
    };
    held->track = (unsigned)(track - capture->tracks);
    held->number = event->frame_number;
    held->open = event->cable->bus != NULL;
    *capture->last = held;
    capture->last = &held->next;
    capture->held_count++;
}

static void remark(struct capture *capture, const struct strata_lab_event *event)
{
    struct held_frame *held = capture->first;
    while (held && held->number != event->frame_number)
        held = held->next;
    if (!held)
        return;
    bool lost = event->kind == STRATA_LAB_LOST;
    if (event->kind == STRATA_LAB_DELIVERED)
        held->open = false;
    else if (!lost && held->open)
        held->collisions++;
    else
        say(held, lost ? "lost: " : "", event->text);
    if (lost)
        held->open = false;
}

static void listen(void *context, const struct strata_lab_event *event)
{
    struct capture *capture = context;
    if (capture->error)
        return;
    if (event->kind == STRATA_LAB_SENT)
        hold(capture, event);
    else if (event->kind == STRATA_LAB_LOST || event->kind == STRATA_LAB_FAULT ||
             (event->kind == STRATA_LAB_DELIVERED && event->cable->bus))
        remark(capture, event);
}

int capture_new(struct capture **made, struct strata_world *world, const char *path, bool folder)
{
    struct capture *capture = calloc(1, sizeof *capture);
    if (!capture)
        return -ENOMEM;
    *capture = (struct capture){.world = world, .path = path, .folder = folder};
    capture->last = &capture->first;
    if (folder && mkdir(path, 0777) != 0 && errno != EEXIST)
        capture->error = -errno;
    if (!folder)
        capture->whole = recording_open(capture, path);
    // Every cable is there from the beginning, so that one over which nothing goes is seen to be silent.
    for (unsigned i = 0; !capture->error && i < world->cable_count; i++)
        track_of(capture, world->cables[i]);
    if (!capture->error)
        capture->error = strata_world_listen(world, listen, capture);
    if (capture->error)
        return capture_close(capture);
    *made = capture;
    return 0;
}

static void write_counts(struct capture *capture, const struct track *track)
{
    uint64_t sent = 0, lost = 0;
    for (int direction = 0; direction < 2; direction++) {
        const struct strata_cable_counts *counts = &track->cable->direction[direction].counts;
        sent += counts->sent;
        lost += counts->lost + counts->lost_burst + counts->lost_queue + counts->lost_down;
    }
    pcapng_statistics(&track->recording->writer, track->interface, STRATA_LAB_EPOCH_NS + capture->world->now,
                      sent, lost);
}

int capture_close(struct capture *capture)
{
    write_held(capture, true);
    while (capture->spare) {
        struct held_frame *held = capture->spare;
        capture->spare = held->next;
        free(held->bytes);
        free(held);
    }
    for (unsigned i = 0; i < capture->track_count; i++) {
        write_counts(capture, &capture->tracks[i]);
        if (capture->folder)
            recording_close(capture, capture->tracks[i].recording);
    }
    recording_close(capture, capture->whole);
    int error = capture->error;
    free(capture->tracks);
    free(capture);
    return error;
}
