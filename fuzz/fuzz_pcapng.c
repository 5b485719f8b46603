/*
 * Any bytes as a capture: the reader must say what is wrong or give packets that lie inside the file, and
 * never read beyond a block. What it gives is written again and must come back the same.
 */
#include "drivers/pcapng.h"

#include <stdlib.h>
#include <string.h>

struct memory_file {
    const uint8_t *data;
    size_t size, position;
};

static int64_t memory_read(void *context, void *data, size_t size)
{
    struct memory_file *file = context;
    size_t left = file->size - file->position;
    if (size > left)
        size = left;
    memcpy(data, file->data + file->position, size);
    file->position += size;
    return (int64_t)size;
}

struct written {
    uint8_t bytes[1 << 16];
    size_t length;
};

static int memory_write(void *context, const void *data, size_t size)
{
    struct written *written = context;
    if (size > sizeof written->bytes - written->length)
        return -1;
    memcpy(written->bytes + written->length, data, size);
    written->length += size;
    return 0;
}

static void write_and_read_back(const struct pcapng_packet *packet)
{
    static struct written written;
    written.length = 0;
    struct pcapng_writer writer;
    pcapng_begin(&writer, (struct pcapng_sink){memory_write, &written}, "fuzz");
    pcapng_interface(&writer, &(struct pcapng_interface){.name = "eth1", .link_type = packet->link_type});
    struct pcapng_packet copy = *packet;
    copy.interface = 0;
    if (packet->length > 32768 || pcapng_packet(&writer, &copy) != 0)
        return;
    struct memory_file file = {.data = written.bytes, .size = written.length};
    struct pcapng_reader reader;
    struct pcapng_packet again;
    pcapng_read_begin(&reader, (struct pcapng_source){memory_read, &file});
    if (pcapng_read(&reader, &again) != 1 || again.length != packet->length ||
        again.time_ns != packet->time_ns || memcmp(again.frame, packet->frame, packet->length) != 0)
        abort();
    pcapng_read_end(&reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct memory_file file = {.data = data, .size = size};
    struct pcapng_reader reader;
    struct pcapng_packet packet;
    uint64_t sum = 0;
    pcapng_read_begin(&reader, (struct pcapng_source){memory_read, &file});
    int result;
    while ((result = pcapng_read(&reader, &packet)) == 1) {
        for (size_t i = 0; i < packet.length; i++)
            sum += packet.frame[i];
        if (packet.comment)
            sum += strlen(packet.comment);
        write_and_read_back(&packet);
    }
    // Every byte was looked at; the sum is used so that no compiler leaves that out.
    if ((result < 0 && !reader.problem) || sum == UINT64_MAX)
        abort();
    pcapng_read_end(&reader);
    return 0;
}
