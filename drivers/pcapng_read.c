/*
 * Reading pcapng: one block at a time into a buffer, every length checked against the block, unknown blocks
 * and options skipped by their length. A file may hold several sections, each in its own byte order with its
 * own interfaces.
 */
#include "drivers/pcapng.h"

#include "drivers/pcapng_format.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define INTERFACES_MAX 65536u
#define BILLION UINT64_C(1000000000)

static uint16_t get16(const struct pcapng_reader *reader, const uint8_t *p)
{
    return reader->swapped ? (uint16_t)(p[0] << 8 | p[1]) : (uint16_t)(p[1] << 8 | p[0]);
}

static uint32_t get32(const struct pcapng_reader *reader, const uint8_t *p)
{
    uint32_t first = get16(reader, p), second = get16(reader, p + 2);
    return reader->swapped ? first << 16 | second : second << 16 | first;
}

static uint64_t get64(const struct pcapng_reader *reader, const uint8_t *p)
{
    uint64_t first = get32(reader, p), second = get32(reader, p + 4);
    return reader->swapped ? first << 32 | second : second << 32 | first;
}

void pcapng_read_begin(struct pcapng_reader *reader, struct pcapng_source source)
{
    *reader = (struct pcapng_reader){.source = source};
}

void pcapng_read_end(struct pcapng_reader *reader)
{
    free(reader->block);
    free(reader->interfaces);
    *reader = (struct pcapng_reader){0};
}

static int malformed(struct pcapng_reader *reader, const char *problem)
{
    reader->problem = problem;
    return -EINVAL;
}

/** Reads all of `size` bytes. @return size, fewer at the end of the file, a negative errno. */
static int64_t fill(struct pcapng_reader *reader, uint8_t *data, size_t size)
{
    size_t have = 0;
    while (have < size) {
        int64_t got = reader->source.read(reader->source.context, data + have, size - have);
        if (got < 0)
            return got;
        if (got == 0)
            break;
        have += (size_t)got;
    }
    return (int64_t)have;
}

static int reserve(struct pcapng_reader *reader, size_t size)
{
    if (size <= reader->room)
        return 0;
    uint8_t *block = realloc(reader->block, size);
    if (!block)
        return -ENOMEM;
    reader->block = block;
    reader->room = size;
    return 0;
}

/** Reads the next block whole. @return its length, 0 at the end, negative. */
static int64_t next_block(struct pcapng_reader *reader)
{
    int error = reserve(reader, 4096);
    if (error)
        return error;
    int64_t got = fill(reader, reader->block, 12);
    if (got <= 0)
        return got;
    if (got < 12)
        return malformed(reader, "the file ends in the middle of a block");
    // The type of a section header reads the same in both orders; its magic tells which one follows.
    if (get32(reader, reader->block) == BLOCK_SECTION) {
        reader->swapped = false;
        uint32_t magic = get32(reader, reader->block + 8);
        if (magic != BYTE_ORDER_MAGIC && magic != BYTE_ORDER_SWAPPED)
            return malformed(reader, "a section header without the byte-order magic");
        reader->swapped = magic == BYTE_ORDER_SWAPPED;
        reader->begun = true;
    } else if (!reader->begun) {
        return malformed(reader, "it does not begin with a section header: no pcapng file");
    }
    uint32_t length = get32(reader, reader->block + 4);
    if (length < 12 || length % 4 != 0 || length > BLOCK_BYTES_MAX)
        return malformed(reader, "a block with an impossible length");
    error = reserve(reader, length);
    if (error)
        return error;
    got = fill(reader, reader->block + 12, length - 12);
    if (got < 0)
        return got;
    if ((uint32_t)got != length - 12)
        return malformed(reader, "the file ends in the middle of a block");
    if (get32(reader, reader->block + length - 4) != length)
        return malformed(reader, "a block whose two lengths differ");
    reader->offset += length;
    return length;
}

struct option {
    uint16_t code, length;
    const uint8_t *value;
};

/** Walks options from `*position` to `end`. @return whether there was another one. */
static bool next_option(const struct pcapng_reader *reader, size_t *position, size_t end,
                        struct option *option)
{
    if (end - *position < 4)
        return false;
    const uint8_t *p = reader->block + *position;
    option->code = get16(reader, p);
    option->length = get16(reader, p + 2);
    size_t padded = ((size_t)option->length + 3) & ~(size_t)3;
    if (option->code == OPTION_END || padded > end - *position - 4)
        return false;
    option->value = p + 4;
    *position += 4 + padded;
    return true;
}

static int read_interface(struct pcapng_reader *reader, size_t length)
{
    if (length < 20)
        return malformed(reader, "an interface description that is too short");
    if (reader->interface_count == INTERFACES_MAX)
        return malformed(reader, "more than 65536 interfaces");
    if (reader->interface_count == reader->interface_room) {
        uint32_t room = reader->interface_room ? reader->interface_room * 2 : 8;
        struct pcapng_seen *interfaces = realloc(reader->interfaces, room * sizeof *interfaces);
        if (!interfaces)
            return -ENOMEM;
        reader->interfaces = interfaces;
        reader->interface_room = room;
    }
    struct pcapng_seen seen = {.link_type = get16(reader, reader->block + 8),
                               .snap_bytes = get32(reader, reader->block + 12),
                               .resolution = 6};
    struct option option;
    for (size_t position = 16; next_option(reader, &position, length - 4, &option);) {
        if (option.code == OPTION_INTERFACE_NAME) {
            size_t size = option.length < sizeof seen.name - 1 ? option.length : sizeof seen.name - 1;
            memcpy(seen.name, option.value, size);
            seen.name[size] = '\0';
        } else if (option.code == OPTION_INTERFACE_RESOLUTION && option.length >= 1) {
            seen.resolution = option.value[0];
        } else if (option.code == OPTION_INTERFACE_OFFSET && option.length >= 8) {
            seen.offset_s = (int64_t)get64(reader, option.value);
        }
    }
    reader->interfaces[reader->interface_count++] = seen;
    return 0;
}

/** A stamp in nanoseconds. What does not fit in 64 bits wraps: it is no time that ever was. */
static int64_t stamp_ns(const struct pcapng_seen *interface, uint64_t stamp)
{
    unsigned digits = interface->resolution & 0x7f;
    uint64_t ns;
    if (interface->resolution & 0x80) { // units of 2^-digits
        uint64_t whole = digits < 64 ? stamp >> digits : 0;
        uint64_t part = digits == 0 ? 0 : digits < 64 ? stamp & ((UINT64_C(1) << digits) - 1) : stamp;
        for (; digits > 32; digits--) // keep the product below in 64 bits
            part >>= 1;
        ns = whole * BILLION + (part * BILLION >> digits);
    } else {
        ns = stamp;
        for (unsigned i = digits; i < 9; i++)
            ns *= 10;
        for (unsigned i = 9; i < digits && ns > 0; i++)
            ns /= 10;
    }
    return (int64_t)(ns + (uint64_t)interface->offset_s * BILLION);
}

static void packet_options(struct pcapng_reader *reader, size_t position, size_t length,
                           struct pcapng_packet *packet)
{
    struct option option;
    char *end = NULL;
    while (next_option(reader, &position, length - 4, &option)) {
        if (option.code == OPTION_PACKET_FLAGS && option.length == 4) {
            packet->direction = (enum pcapng_direction)(get32(reader, option.value) & 3);
        } else if (option.code == OPTION_COMMENT) {
            // Texts are not terminated. Options are walked forward only, so the bytes of this one's own code and
            // length may give way: the text moves there, or behind the comment before it, and its end is set.
            char *text = (char *)reader->block + (option.value - reader->block) - 4;
            if (packet->comment) {
                end[0] = '\n';
                text = end + 1;
            } else {
                packet->comment = text;
            }
            memmove(text, option.value, option.length);
            end = text + option.length;
            *end = '\0';
        }
    }
}

/** Enhanced packets, and the obsolete ones that differ in the first word only. */
static int read_packet(struct pcapng_reader *reader, size_t length, struct pcapng_packet *packet)
{
    const uint8_t *p = reader->block;
    if (length < 32)
        return malformed(reader, "a packet block that is too short");
    packet->interface = get32(reader, p) == BLOCK_OLD_PACKET ? get16(reader, p + 8) : get32(reader, p + 8);
    uint64_t stamp = (uint64_t)get32(reader, p + 12) << 32 | get32(reader, p + 16);
    packet->length = get32(reader, p + 20);
    packet->original_length = get32(reader, p + 24);
    if (packet->interface >= reader->interface_count)
        return malformed(reader, "a packet of an interface that was not described");
    if (packet->length > length - 32)
        return malformed(reader, "a packet longer than its block");
    const struct pcapng_seen *interface = &reader->interfaces[packet->interface];
    packet->link_type = interface->link_type;
    packet->time_ns = stamp_ns(interface, stamp);
    packet->frame = p + 28;
    packet_options(reader, 28 + ((packet->length + 3) & ~(size_t)3), length, packet);
    return 1;
}

static int read_simple(struct pcapng_reader *reader, size_t length, struct pcapng_packet *packet)
{
    if (length < 16)
        return malformed(reader, "a packet block that is too short");
    if (reader->interface_count == 0)
        return malformed(reader, "a packet of an interface that was not described");
    packet->original_length = get32(reader, reader->block + 8);
    packet->length = packet->original_length < length - 16 ? packet->original_length : length - 16;
    uint32_t snap = reader->interfaces[0].snap_bytes;
    if (snap > 0 && packet->length > snap)
        packet->length = snap;
    packet->link_type = reader->interfaces[0].link_type;
    packet->frame = reader->block + 12;
    return 1;
}

int pcapng_read(struct pcapng_reader *reader, struct pcapng_packet *packet)
{
    for (;;) {
        int64_t length = next_block(reader);
        if (length <= 0)
            return (int)length;
        *packet = (struct pcapng_packet){0};
        int result = 0;
        switch (get32(reader, reader->block)) {
        case BLOCK_SECTION:
            if (length < 28 || get16(reader, reader->block + 12) != 1)
                return malformed(reader, "a section of another version of the format");
            reader->interface_count = 0;
            break;
        case BLOCK_INTERFACE:
            result = read_interface(reader, (size_t)length);
            break;
        case BLOCK_ENHANCED_PACKET:
        case BLOCK_OLD_PACKET:
            result = read_packet(reader, (size_t)length, packet);
            break;
        case BLOCK_SIMPLE_PACKET:
            result = read_simple(reader, (size_t)length, packet);
            break;
        default:
            break; // statistics, names, secrets ...: nothing we need
        }
        if (result != 0)
            return result;
    }
}

static int64_t file_read(void *context, void *data, size_t size)
{
    errno = 0;
    size_t got = fread(data, 1, size, context);
    if (got == 0 && ferror((FILE *)context))
        return errno ? -errno : -EIO;
    return (int64_t)got;
}

struct pcapng_source pcapng_from_file(FILE *file)
{
    return (struct pcapng_source){.read = file_read, .context = file};
}
