/*
 * The recorder: a trace listener that writes every frame of a host to a pcapng file. A frame that the host
 * dropped carries a comment that says why; so a frame that came in is held back until the next thing happens.
 */
#include "tool/recorder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "drivers/pcapng.h"

struct recorder {
    FILE *file;
    struct pcapng_writer writer;
    enum strata_link link;
    int64_t wall_offset_ns; /**< From the host's clock to the time of day. */
    struct pcapng_packet held;
    uint8_t *held_bytes;
    size_t held_room;
    bool holds;
    char comment[96];
};

static int64_t wall_offset(void)
{
    struct timespec wall, monotonic;
    clock_gettime(CLOCK_REALTIME, &wall);
    clock_gettime(CLOCK_MONOTONIC, &monotonic);
    return (wall.tv_sec - monotonic.tv_sec) * STRATA_SECOND + wall.tv_nsec - monotonic.tv_nsec;
}

int recorder_open(struct recorder **made, const char *path, const char *interface, enum strata_link link)
{
    struct recorder *recorder = calloc(1, sizeof *recorder);
    if (!recorder)
        return -ENOMEM;
    recorder->file = fopen(path, "wb");
    if (!recorder->file) {
        int error = errno;
        free(recorder);
        return -error;
    }
    recorder->link = link;
    recorder->wall_offset_ns = wall_offset();
    pcapng_begin(&recorder->writer, pcapng_to_file(recorder->file), "strata");
    pcapng_interface(&recorder->writer,
                     &(struct pcapng_interface){
                         .name = interface,
                         .link_type = link == STRATA_LINK_ETHERNET ? PCAPNG_ETHERNET : PCAPNG_RAW,
                     });
    *made = recorder;
    return 0;
}

static void write_held(struct recorder *recorder)
{
    if (!recorder->holds)
        return;
    recorder->held.comment = recorder->comment[0] ? recorder->comment : NULL;
    pcapng_packet(&recorder->writer, &recorder->held);
    recorder->holds = false;
    recorder->comment[0] = 0;
}

static void hold(struct recorder *recorder, const struct strata_trace_record *record)
{
    if (record->length > recorder->held_room) {
        uint8_t *grown = realloc(recorder->held_bytes, record->length);
        if (!grown) {
            recorder->writer.error = -ENOMEM;
            return;
        }
        recorder->held_bytes = grown;
        recorder->held_room = record->length;
    }
    memcpy(recorder->held_bytes, record->frame, record->length);
    recorder->held = (struct pcapng_packet){
        .time_ns = record->time + recorder->wall_offset_ns,
        .frame = recorder->held_bytes,
        .length = record->length,
        .direction = record->kind == STRATA_TRACE_FRAME_IN ? PCAPNG_INBOUND : PCAPNG_OUTBOUND,
    };
    recorder->holds = true;
}

void recorder_trace(void *context, const struct strata_trace_record *record)
{
    struct recorder *recorder = context;
    if (record->kind == STRATA_TRACE_DROP && recorder->holds)
        snprintf(recorder->comment, sizeof recorder->comment, "dropped: %s",
                 strata_counter_name((unsigned)record->value[0]));
    if (record->kind != STRATA_TRACE_FRAME_IN && record->kind != STRATA_TRACE_FRAME_OUT)
        return;
    if (record->port == STRATA_PORT_LOOPBACK)
        return;
    write_held(recorder);
    hold(recorder, record);
}

int recorder_close(struct recorder *recorder)
{
    write_held(recorder);
    int error = recorder->writer.error;
    if (fclose(recorder->file) != 0 && !error)
        error = -errno;
    free(recorder->held_bytes);
    free(recorder);
    return error;
}
