/*
 * Captures of a world. A frame is recorded at the moment and in the form in which it was sent. What becomes of it is
 * said later, when it arrives or is lost, so it is held back until then and carries what was said about it as its
 * comments, one for each fault: "lost: loss", "corrupt", "duplicate", "collided 3 times".
 *
 * The file of a host holds what the host sent and what came to it, at the time at which it came. A fault stands with
 * the host that sent the frame, or, where that was a switch, with the one to which it came.
 *
 * A file holds every byte of a TCP stream once. A segment whose bytes are there already (sent again, or the
 * same one on its next cable) is recorded with its headers only: those who put streams together again, such
 * as Wireshark, take whole copies for malformed messages.
 */
#include "lab/capture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lab/capture_file.h"
#include "lab/world.h"

/** An interface of a file: a cable, or a port of a host. */
struct track {
    const struct strata_cable *cable;
    const struct strata_node *node; /**< CAPTURE_HOSTS */
    int port;
    struct capture_file *file;
    uint32_t interface;
    uint64_t packets;
};

struct capture {
    struct strata_world *world;
    const char *path;
    enum capture_kind kind;
    struct capture_file **files;
    unsigned file_count, file_room;
    struct track *tracks;
    unsigned track_count, track_room;
    int error;
    struct held_frame **under_way; /**< By number, modulo the room; NULL: none. */
    size_t room;
    struct held_frame *spare;
};

/* ---- Files and their interfaces -------------------------------------------------------------------------- */

static struct capture_file *add_file(struct capture *capture, const char *path, FILE *stream)
{
    int error = array_grow(&capture->files, sizeof(struct capture_file *), capture->file_count, &capture->file_room);
    struct capture_file *file = error ? NULL : capture_file_open(path, stream, &error);
    if (error)
        capture->error = error;
    else
        capture->files[capture->file_count++] = file;
    return file;
}

static bool is_taken(const struct capture *capture, const char *path)
{
    for (unsigned i = 0; i < capture->file_count; i++)
        if (strcmp(capture->files[i]->path, path) == 0)
            return true;
    return false;
}

/** A file of the folder. A slash in a name would lead out of it. */
static struct capture_file *add_named(struct capture *capture, const char *name)
{
    char path[4096], plain[300];
    snprintf(plain, sizeof plain, "%.250s", name);
    for (char *c = plain; *c; c++)
        if (*c == '/')
            *c = '_';
    int length = snprintf(path, sizeof path, "%s/%s.pcapng", capture->path, plain);
    for (unsigned i = 2; length < (int)sizeof path && is_taken(capture, path); i++)
        length = snprintf(path, sizeof path, "%s/%s-%u.pcapng", capture->path, plain, i);
    if (length >= (int)sizeof path) {
        capture->error = -ENAMETOOLONG;
        return NULL;
    }
    return add_file(capture, path, NULL);
}

static void describe_cable(const struct strata_cable *cable, char text[300])
{
    if (cable->bus)
        snprintf(text, 300, "a bus of %u stations", strata_cable_ends(cable));
    else
        snprintf(text, 300, "%s port %d - %s port %d", cable->node[0]->name, cable->port[0], cable->node[1]->name,
                 cable->port[1]);
}

static struct track *add_track(struct capture *capture, const struct track *like, const char *name,
                               const char *description)
{
    if (!like->file || capture->error)
        return NULL;
    int error = array_grow(&capture->tracks, sizeof *capture->tracks, capture->track_count, &capture->track_room);
    if (error) {
        capture->error = error;
        return NULL;
    }
    struct track *track = &capture->tracks[capture->track_count++];
    *track = *like;
    int interface = pcapng_interface(
        &track->file->writer, &(struct pcapng_interface){
                                  .name = name,
                                  .description = description,
                                  .link_type = like->cable->link == STRATA_LINK_IP ? PCAPNG_RAW : PCAPNG_ETHERNET,
                              });
    track->interface = interface < 0 ? 0 : (uint32_t)interface;
    return track;
}

static struct track *track_of_cable(struct capture *capture, const struct strata_cable *cable)
{
    for (unsigned i = 0; i < capture->track_count; i++)
        if (capture->tracks[i].cable == cable)
            return &capture->tracks[i];
    char description[300];
    describe_cable(cable, description);
    struct track track = {.cable = cable};
    track.file = capture->kind == CAPTURE_WHOLE ? capture->files[0] : add_named(capture, cable->name);
    return add_track(capture, &track, cable->name, description);
}

/** @return NULL: the node is no host. */
static struct track *track_of_port(struct capture *capture, const struct strata_cable *cable,
                                   const struct strata_node *node, int port)
{
    struct track track = {.cable = cable, .node = node, .port = port};
    if (node->kind != NODE_HOST)
        return NULL;
    for (unsigned i = 0; i < capture->track_count; i++) {
        if (capture->tracks[i].node != node)
            continue;
        if (capture->tracks[i].port == port)
            return &capture->tracks[i];
        track.file = capture->tracks[i].file;
    }
    char name[24], description[300];
    snprintf(name, sizeof name, "eth%d", port);
    snprintf(description, sizeof description, "%s port %d, on %s", node->name, port, cable->name);
    if (!track.file)
        track.file = add_named(capture, node->name);
    return add_track(capture, &track, name, description);
}

/** The track of the end at which something happens, or of the cable. */
static struct track *track_of(struct capture *capture, const struct strata_lab_event *event)
{
    if (capture->kind != CAPTURE_HOSTS)
        return track_of_cable(capture, event->cable);
    int port = 0;
    const struct strata_node *node = strata_cable_end(event->cable, (int)event->end, &port);
    return node ? track_of_port(capture, event->cable, node, port) : NULL;
}

/* ---- Frames ---------------------------------------------------------------------------------------------- */

static void give_back(struct capture *capture, struct held_frame *held)
{
    held->next = capture->spare;
    capture->spare = held;
}

static void write_held(struct capture *capture, struct capture_file *file, bool all)
{
    struct held_frame *held;
    while ((held = capture_file_write(file, all)))
        if (held->open == 0)
            give_back(capture, held); // otherwise it is still under way
    if (file->writer.error && !capture->error)
        capture->error = file->writer.error;
}

/** How much of a frame goes into the file. */
static size_t recorded_bytes(struct track *track, const struct strata_lab_event *event)
{
    struct description what;
    describe(event->cable->link, event->frame, event->length, &what);
    if (what.subject != SUBJECT_TCP || seen_is_new(&track->file->seen, &what))
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
    held->file = NULL;
    held->written = false;
    held->open = held->collisions = 0;
    held->comment[0] = '\0';
    return held;
}

static struct held_frame *find(const struct capture *capture, uint64_t number)
{
    struct held_frame *held = capture->room ? capture->under_way[number % capture->room] : NULL;
    return held && held->number == number ? held : NULL;
}

/** Numbers follow each other, so two that are under way meet in one place only when there are many between them. */
static bool remember(struct capture *capture, struct held_frame *held)
{
    while (!capture->room || capture->under_way[held->number % capture->room]) {
        size_t room = capture->room ? 2 * capture->room : 256;
        struct held_frame **larger = calloc(room, sizeof(struct held_frame *));
        if (!larger)
            return false;
        for (size_t i = 0; i < capture->room; i++)
            if (capture->under_way[i])
                larger[capture->under_way[i]->number % room] = capture->under_way[i];
        free(capture->under_way);
        capture->under_way = larger;
        capture->room = room;
    }
    capture->under_way[held->number % capture->room] = held;
    return true;
}

/** Puts a frame into the file of a track. */
static struct held_frame *record(struct capture *capture, struct track *track, const struct strata_lab_event *event,
                                 enum pcapng_direction direction)
{
    struct held_frame *held = held_new(capture, event->length);
    if (!held)
        return NULL;
    memcpy(held->bytes, event->frame, event->length);
    held->number = event->frame_number;
    held->packet = (struct pcapng_packet){
        .interface = track->interface,
        .time_ns = STRATA_LAB_EPOCH_NS + event->time,
        .frame = held->bytes,
        .length = recorded_bytes(track, event),
        .original_length = event->length,
        .direction = direction,
    };
    track->packets++;
    capture_file_append(track->file, held);
    return held;
}

static void sent(struct capture *capture, const struct strata_lab_event *event)
{
    struct track *track = track_of(capture, event);
    bool outbound = capture->kind == CAPTURE_HOSTS || event->direction == 0;
    struct held_frame *held = NULL;
    if (track)
        held = record(capture, track, event, outbound ? PCAPNG_OUTBOUND : PCAPNG_INBOUND);
    else if (!capture->error && (held = held_new(capture, 0)))
        held->number = event->frame_number;
    if (!held)
        return;
    held->open = 1;
    if (!remember(capture, held)) {
        held->open = 0;
        capture->error = -ENOMEM;
    }
}

/** One copy's fate is known. */
static void settle(struct capture *capture, struct held_frame *held)
{
    if (--held->open > 0)
        return;
    capture->under_way[held->number % capture->room] = NULL;
    if (!held->file || held->written)
        give_back(capture, held);
    else if (held == held->file->first)
        write_held(capture, held->file, false);
}

static void received(struct capture *capture, const struct strata_lab_event *event, const struct held_frame *held)
{
    struct track *track = track_of(capture, event);
    struct held_frame *copy = track ? record(capture, track, event, PCAPNG_INBOUND) : NULL;
    if (copy && held && !held->file)
        memcpy(copy->comment, held->comment, sizeof copy->comment);
    if (copy)
        write_held(capture, track->file, false);
}

static void listen(void *context, const struct strata_lab_event *event)
{
    struct capture *capture = context;
    if (capture->error)
        return;
    struct held_frame *held = NULL;
    if (event->kind >= STRATA_LAB_SENT && event->kind <= STRATA_LAB_FAULT)
        held = find(capture, event->frame_number);
    switch (event->kind) {
    case STRATA_LAB_SENT:
        sent(capture, event);
        break;
    case STRATA_LAB_DELIVERED:
        if (capture->kind == CAPTURE_HOSTS)
            received(capture, event, held);
        if (held)
            settle(capture, held);
        break;
    case STRATA_LAB_LOST:
        if (held) {
            held_say(held, "lost: ", event->text);
            settle(capture, held);
        }
        break;
    case STRATA_LAB_FAULT:
        if (held && event->cable->bus) {
            held->collisions++;
        } else if (held) {
            held_say(held, "", event->text);
            held->open += strcmp(event->text, "duplicate") == 0;
        }
        break;
    default:
        break;
    }
}

/* ---- The whole ------------------------------------------------------------------------------------------- */

/** Every interface is there from the beginning, so that one over which nothing goes is seen to be silent. */
static void add_tracks(struct capture *capture)
{
    const struct strata_world *world = capture->world;
    if (capture->kind != CAPTURE_HOSTS) {
        for (unsigned i = 0; !capture->error && i < world->cable_count; i++)
            track_of_cable(capture, world->cables[i]);
        return;
    }
    for (unsigned i = 0; !capture->error && i < world->node_count; i++)
        for (int port = 1; !capture->error && port <= world->nodes[i]->port_count; port++)
            if (world->nodes[i]->ports[port].cable)
                track_of_port(capture, world->nodes[i]->ports[port].cable, world->nodes[i], port);
}

static int begin(struct capture **made, struct strata_world *world, const char *path, enum capture_kind kind,
                 FILE *stream)
{
    struct capture *capture = calloc(1, sizeof *capture);
    if (!capture) {
        if (stream)
            fclose(stream);
        return -ENOMEM;
    }
    *capture = (struct capture){.world = world, .path = path, .kind = kind};
    if (kind == CAPTURE_WHOLE)
        add_file(capture, path, stream);
    else if (mkdir(path, 0777) != 0 && errno != EEXIST)
        capture->error = -errno;
    if (!capture->error)
        add_tracks(capture);
    if (!capture->error)
        capture->error = strata_world_listen(world, listen, capture);
    if (capture->error)
        return capture_close(capture);
    *made = capture;
    return 0;
}

int capture_new(struct capture **made, struct strata_world *world, const char *path, enum capture_kind kind)
{
    return begin(made, world, path, kind, NULL);
}

int capture_new_to(struct capture **made, struct strata_world *world, FILE *to)
{
    return begin(made, world, NULL, CAPTURE_WHOLE, to);
}

int capture_error(const struct capture *capture)
{
    return capture->error;
}

static void write_counts(struct capture *capture, const struct track *track)
{
    uint64_t frames = track->packets, lost = 0;
    for (int direction = 0; direction < 2 && !track->node; direction++) {
        const struct strata_cable_counts *counts = &track->cable->direction[direction].counts;
        frames = direction == 0 ? counts->sent : frames + counts->sent;
        lost += counts->lost + counts->lost_burst + counts->lost_queue + counts->lost_down;
    }
    pcapng_statistics(&track->file->writer, track->interface, STRATA_LAB_EPOCH_NS + capture->world->now, frames, lost);
}

static void free_frames(struct capture *capture)
{
    // Those that were written while they were under way, or never belonged to a file.
    for (size_t i = 0; i < capture->room; i++) {
        struct held_frame *held = capture->under_way[i];
        if (held)
            give_back(capture, held);
    }
    while (capture->spare) {
        struct held_frame *held = capture->spare;
        capture->spare = held->next;
        free(held->bytes);
        free(held);
    }
    free(capture->under_way);
}

int capture_close(struct capture *capture)
{
    for (unsigned i = 0; i < capture->file_count; i++)
        write_held(capture, capture->files[i], true);
    for (unsigned i = 0; i < capture->track_count; i++)
        write_counts(capture, &capture->tracks[i]);
    for (unsigned i = 0; i < capture->file_count; i++) {
        int error = capture_file_close(capture->files[i]);
        capture->error = capture->error ? capture->error : error;
    }
    free_frames(capture);
    int error = capture->error;
    free(capture->files);
    free(capture->tracks);
    free(capture);
    return error;
}
