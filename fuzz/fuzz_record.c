/*
 * Any events of a world to its record, with any frames and any words: bounds hold, what is told is JSON that
 * cannot end a script, and a capture of it can be read. An event is a byte that says what, one that says
 * where, two for the length, and so many bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "drivers/pcapng.h"
#include "lab/record_inside.h"

static struct strata_world *make_world(void)
{
    struct strata_world *world;
    if (strata_world_new(&world, &(struct strata_world_config){.size = sizeof(struct strata_world_config)}) !=
        0)
        abort();
    struct strata_node *a = strata_world_host(world, "a", NULL), *b = strata_world_host(world, "b", NULL);
    struct strata_node *r = strata_world_router(world, "r", NULL), *s = strata_world_switch(world, "s", 3);
    struct strata_cable_config ip = {
        .size = sizeof ip, .link = STRATA_LINK_IP, .forward = {.rate_bps = 1000000}};
    struct strata_bus_config bus = {.size = sizeof bus};
    struct strata_bus_end ends[] = {{a, 0}, {b, 0}, {r, 0}};
    if (!strata_world_cable(world, a, s, NULL) || !strata_world_cable(world, s, r, NULL) ||
        !strata_world_cable(world, r, b, &ip) || !strata_world_bus(world, ends, 3, &bus))
        abort();
    return world;
}

static void happen(struct strata_world *world, uint8_t what, uint8_t where, const uint8_t *bytes,
                   size_t length)
{
    static const char *const faults[] = {"corrupt", "duplicate", "reorder", "mark", "loss"};
    static const enum strata_lab_event_kind kinds[] = {
        STRATA_LAB_SENT,  STRATA_LAB_DELIVERED, STRATA_LAB_LOST, STRATA_LAB_FAULT,
        STRATA_LAB_PRINT, STRATA_LAB_PROGRAM,   STRATA_LAB_NOTE};
    struct strata_cable *cable = world->cables[where & 3];
    unsigned end = where >> 2 & 1;
    int port;
    char *text = malloc(length + 1);
    if (!text)
        return;
    memcpy(text, bytes, length);
    text[length] = '\0';
    world->now += where;
    struct strata_lab_event event = {
        .kind = kinds[what % 7],
        .node = strata_cable_end(cable, (int)end, &port),
        .cable = cable,
        .direction = cable->bus ? 0 : (int)(kinds[what % 7] == STRATA_LAB_DELIVERED ? !end : end),
        .end = end,
        .frame = bytes,
        .length = length,
        .text = kinds[what % 7] == STRATA_LAB_FAULT ? faults[(what >> 3) % 5] : text,
        .value = (int)what - 1,
    };
    if (event.kind == STRATA_LAB_SENT)
        world->frames++;
    event.frame_number = world->frames - (event.kind == STRATA_LAB_SENT ? 0 : what >> 5);
    world_emit(world, &event);
    free(text);
}

struct told {
    int depth;
    bool quoted; /**< A quotation mark inside a text is always escaped. */
};

static int check_text(void *context, const char *text, size_t length)
{
    struct told *told = context;
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '<' || text[i] == '>' || text[i] == '&' || ((unsigned char)text[i] < 32))
            abort();
        told->quoted ^= text[i] == '"';
        if (!told->quoted)
            told->depth += (text[i] == '{' || text[i] == '[') - (text[i] == '}' || text[i] == ']');
    }
    return 0;
}

static void check(const struct record *record)
{
    for (unsigned i = 0; i < record->frames.count; i++) {
        const struct record_frame *frame = &record->frames.items[i];
        if (frame->journey > i || frame->at + frame->stored > record->byte_count ||
            frame->stored > frame->length || frame->text >= record->texts.count ||
            frame->reason >= record->texts.count || frame->from >= record->world->node_count ||
            frame->to >= record->world->node_count)
            abort();
    }
    if (record->byte_count > record->limits.bytes || record->frames.count > record->limits.frames)
        abort();
}

static void check_capture(struct record *record)
{
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    if (!file)
        return;
    if (record_capture(record, file) != 0)
        abort();
    fclose(file);
    if ((file = fmemopen(text, size, "rb"))) {
        struct pcapng_reader reader;
        struct pcapng_packet packet;
        unsigned count = 0;
        pcapng_read_begin(&reader, pcapng_from_file(file));
        while (pcapng_read(&reader, &packet) == 1)
            count++;
        if (count != record->frames.count)
            abort();
        pcapng_read_end(&reader);
        fclose(file);
    }
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct strata_world *world = make_world();
    struct record *record;
    struct record_limits limits = {.frames = 100,
                                   .bytes = 20000,
                                   .whole_bytes = 8000,
                                   .events = 50,
                                   .text_bytes = 2000,
                                   .conversations = 20};
    if (record_new(&record, world, &limits) != 0)
        abort();
    while (size >= 4) {
        size_t length = (size_t)(data[2] | data[3] << 8) % 1600;
        length = length < size - 4 ? length : size - 4;
        happen(world, data[0], data[1], data + 4, length);
        data += 4 + length;
        size -= 4 + length;
    }
    check(record);
    struct told told = {0};
    struct record_story story = {.title = "</script>"};
    if (record_write(record, &story, false, check_text, &told) != 0 || told.depth != 0)
        abort();
    check_capture(record);
    record_free(record);
    strata_world_free(world);
    return 0;
}
