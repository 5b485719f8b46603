/*
 * A record as a pcapng file, for who pulls the packets of a run that goes on. As in other captures, each byte
 * of a TCP stream is there once (see capture.c); bytes that the record did not keep are missing at the end of
 * their frames.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/pcapng.h"
#include "lab/record_inside.h"
#include "lab/seen.h"

/** The bytes of a frame: its own, then those of the first frame of its journey. @return how many. */
static uint32_t bytes_of(const struct record *record, const struct record_frame *frame, uint8_t *bytes)
{
    const struct record_frame *first = &record->frames.items[frame->journey];
    uint32_t count = frame->stored;
    if (count > 0)
        memcpy(bytes, record->bytes + frame->at, count);
    if (first != frame && first->stored > count && (count > 0 || !(frame->flags & FRAME_CUT))) {
        memcpy(bytes + count, record->bytes + first->at + count, first->stored - count);
        count = first->stored;
    }
    return count < frame->length ? count : frame->length;
}

static void comment_of(const struct record *record, const struct record_frame *frame, char *text, size_t size)
{
    static const struct {
        uint8_t flag;
        const char *word;
    } words[] = {{FRAME_CORRUPT, "corrupt"},
                 {FRAME_DUPLICATE, "duplicate"},
                 {FRAME_REORDER, "reorder"},
                 {FRAME_MARK, "mark"}};
    size_t length = 0;
    text[0] = '\0';
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (frame->flags & words[i].flag)
            length +=
                (size_t)snprintf(text + length, size - length, "%s%s", length ? ", " : "", words[i].word);
    if (frame->fate == FATE_LOST)
        snprintf(text + length, size - length, "%slost: %.80s", length ? ", " : "",
                 record->texts.items[frame->reason]);
}

static void write_frame(struct record *record, struct pcapng_writer *writer, struct seen *seen,
                        uint32_t index, uint8_t *bytes)
{
    const struct record_frame *frame = &record->frames.items[index];
    const struct strata_cable *cable = record->world->cables[frame->cable];
    struct description what;
    char comment[160];
    size_t length = bytes_of(record, frame, bytes);
    describe(cable->link, bytes, length, &what);
    if (what.subject == SUBJECT_TCP && !seen_is_new(seen, &what))
        length = (size_t)(what.payload - bytes);
    comment_of(record, frame, comment, sizeof comment);
    pcapng_packet(writer, &(struct pcapng_packet){
                              .interface = frame->cable,
                              .time_ns = STRATA_LAB_EPOCH_NS + frame->sent,
                              .frame = bytes,
                              .length = length,
                              .original_length = frame->length,
                              .direction = frame->direction ? PCAPNG_INBOUND : PCAPNG_OUTBOUND,
                              .comment = comment[0] ? comment : NULL,
                          });
}

int record_capture(struct record *record, FILE *file)
{
    struct pcapng_writer writer;
    struct seen seen = {0};
    uint8_t *bytes = malloc(FRAME_MAX_BYTES);
    int error = bytes ? pcapng_begin(&writer, pcapng_to_file(file), "strata lab") : -ENOMEM;
    for (unsigned i = 0; !error && i < record->cable_count; i++) {
        const struct strata_cable *cable = record->world->cables[i];
        struct pcapng_interface interface = {
            .name = cable->name, .link_type = cable->link == STRATA_LINK_IP ? PCAPNG_RAW : PCAPNG_ETHERNET};
        int made = pcapng_interface(&writer, &interface);
        error = made < 0 ? made : 0;
    }
    // In one file a stream is one, over whichever cable it goes.
    for (unsigned i = 0; !error && i < record->frames.count; i++) {
        write_frame(record, &writer, &seen, i, bytes);
        error = writer.error;
    }
    seen_free(&seen);
    free(bytes);
    return error;
}
