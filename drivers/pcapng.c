/*
 * Writing pcapng. Everything is written in little-endian order, so that the same capture has the same bytes
 * on every machine. A section is: a section header, a description per interface before its first packet,
 * packets with nanosecond stamps, and counts per interface at the end.
 */
#include "drivers/pcapng.h"

#include "drivers/pcapng_format.h"

#include <errno.h>
#include <string.h>

/** A block under construction: header and options; packet data is never copied. */
struct block {
    uint8_t bytes[2048];
    size_t length;
};

static void put16(struct block *block, uint16_t value)
{
    block->bytes[block->length++] = (uint8_t)value;
    block->bytes[block->length++] = (uint8_t)(value >> 8);
}

static void put32(struct block *block, uint32_t value)
{
    put16(block, (uint16_t)value);
    put16(block, (uint16_t)(value >> 16));
}

static void put64(struct block *block, uint64_t value)
{
    put32(block, (uint32_t)value);
    put32(block, (uint32_t)(value >> 32));
}

static void begin(struct block *block, uint32_t type)
{
    block->length = 0;
    put32(block, type);
    put32(block, 0); // its length, known at the end
}

static void option(struct block *block, uint16_t code, const void *value, size_t length)
{
    size_t room = sizeof block->bytes - block->length;
    if (room < 16)
        return;
    if (length > room - 16)
        length = room - 16; // a text so long is cut; nothing else comes near
    put16(block, code);
    put16(block, (uint16_t)length);
    memcpy(block->bytes + block->length, value, length);
    block->length += length;
    while (block->length % 4 != 0)
        block->bytes[block->length++] = 0;
}

static void text_option(struct block *block, uint16_t code, const char *text)
{
    if (text && *text)
        option(block, code, text, strlen(text));
}

static int put(struct pcapng_writer *writer, const void *data, size_t size)
{
    if (!writer->error && size > 0)
        writer->error = writer->sink.write(writer->sink.context, data, size);
    return writer->error;
}

static void set_length(struct block *block, uint32_t total)
{
    for (int i = 0; i < 4; i++)
        block->bytes[4 + i] = (uint8_t)(total >> (8 * i));
}

/** Ends a block that lies whole in memory and writes it. */
static int finish(struct pcapng_writer *writer, struct block *block)
{
    uint32_t total = (uint32_t)block->length + 4;
    set_length(block, total);
    put32(block, total);
    return put(writer, block->bytes, block->length);
}

int pcapng_begin(struct pcapng_writer *writer, struct pcapng_sink sink, const char *application)
{
    *writer = (struct pcapng_writer){.sink = sink};
    struct block block;
    begin(&block, BLOCK_SECTION);
    put32(&block, BYTE_ORDER_MAGIC);
    put16(&block, 1); // version 1.0
    put16(&block, 0);
    put64(&block, UINT64_MAX); // length of the section: not known
    text_option(&block, OPTION_USER_APPLICATION, application);
    put32(&block, OPTION_END);
    return finish(writer, &block);
}

int pcapng_interface(struct pcapng_writer *writer, const struct pcapng_interface *interface)
{
    struct block block;
    begin(&block, BLOCK_INTERFACE);
    put16(&block, interface->link_type);
    put16(&block, 0);
    put32(&block, interface->snap_bytes);
    text_option(&block, OPTION_INTERFACE_NAME, interface->name);
    text_option(&block, OPTION_INTERFACE_DESCRIPTION, interface->description);
    option(&block, OPTION_INTERFACE_RESOLUTION, &(uint8_t){9}, 1); // nanoseconds
    put32(&block, OPTION_END);
    int error = finish(writer, &block);
    return error ? error : (int)writer->interfaces++;
}

/** An option for each line. */
static void comment_options(struct block *block, const char *text)
{
    while (text && *text) {
        size_t length = strcspn(text, "\n");
        if (length > 0)
            option(block, OPTION_COMMENT, text, length);
        text += length + (text[length] == '\n');
    }
}

int pcapng_packet(struct pcapng_writer *writer, const struct pcapng_packet *packet)
{
    if (packet->interface >= writer->interfaces || packet->length > BLOCK_BYTES_MAX / 2)
        return -EINVAL;
    struct block head, tail = {.length = 0};
    begin(&head, BLOCK_ENHANCED_PACKET);
    put32(&head, packet->interface);
    put32(&head, (uint32_t)((uint64_t)packet->time_ns >> 32));
    put32(&head, (uint32_t)packet->time_ns);
    put32(&head, (uint32_t)packet->length);
    put32(&head, (uint32_t)(packet->original_length ? packet->original_length : packet->length));
    for (size_t i = packet->length; i % 4 != 0; i++)
        tail.bytes[tail.length++] = 0;
    size_t padding = tail.length;
    // Options are padded by themselves: build them on a boundary of four.
    struct block options = {.length = 0};
    if (packet->direction != PCAPNG_UNKNOWN) {
        uint8_t flags[4] = {(uint8_t)packet->direction, 0, 0, 0};
        option(&options, OPTION_PACKET_FLAGS, flags, sizeof flags);
    }
    comment_options(&options, packet->comment);
    if (options.length > 0)
        put32(&options, OPTION_END);
    uint32_t total = (uint32_t)(head.length + packet->length + padding + options.length + 4);
    set_length(&head, total);
    put32(&options, total);
    put(writer, head.bytes, head.length);
    put(writer, packet->frame, packet->length);
    put(writer, tail.bytes, padding);
    return put(writer, options.bytes, options.length);
}

int pcapng_statistics(struct pcapng_writer *writer, uint32_t interface, int64_t time_ns, uint64_t received,
                      uint64_t dropped)
{
    if (interface >= writer->interfaces)
        return -EINVAL;
    struct block block;
    begin(&block, BLOCK_STATISTICS);
    put32(&block, interface);
    put32(&block, (uint32_t)((uint64_t)time_ns >> 32));
    put32(&block, (uint32_t)time_ns);
    put16(&block, OPTION_STATISTICS_RECEIVED);
    put16(&block, 8);
    put64(&block, received);
    put16(&block, OPTION_STATISTICS_DROPPED);
    put16(&block, 8);
    put64(&block, dropped);
    put32(&block, OPTION_END);
    return finish(writer, &block);
}

static int file_write(void *context, const void *data, size_t size)
{
    errno = 0;
    if (fwrite(data, 1, size, context) == size)
        return 0;
    return errno ? -errno : -EIO;
}

struct pcapng_sink pcapng_to_file(FILE *file)
{
    return (struct pcapng_sink){.write = file_write, .context = file};
}
