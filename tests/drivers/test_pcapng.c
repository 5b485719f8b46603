/*
 * Captures: what is written is what the format prescribes, byte for byte; it comes back the same; the other
 * byte order, unknown blocks and old packet blocks are read; damage is named; a full disk is reported.
 */
#include "drivers/pcapng.h"

#include <errno.h>
#include "tests/test.h"

struct buffer {
    uint8_t bytes[8192];
    size_t length, position;
    size_t limit; /* The disk is full beyond this; 0: never. */
};

static int buffer_write(void *context, const void *data, size_t size)
{
    struct buffer *buffer = context;
    if (buffer->limit && buffer->length + size > buffer->limit)
        return -ENOSPC;
    REQUIRE(buffer->length + size <= sizeof buffer->bytes);
    memcpy(buffer->bytes + buffer->length, data, size);
    buffer->length += size;
    return 0;
}

/* Hands out at most seven bytes at a time: a source may give less than was asked for. */
static int64_t buffer_read(void *context, void *data, size_t size)
{
    struct buffer *buffer = context;
    size_t left = buffer->length - buffer->position;
    size = size > left ? left : size;
    size = size > 7 ? 7 : size;
    memcpy(data, buffer->bytes + buffer->position, size);
    buffer->position += size;
    return (int64_t)size;
}

static struct pcapng_sink to(struct buffer *buffer)
{
    return (struct pcapng_sink){buffer_write, buffer};
}

static struct pcapng_source from(struct buffer *buffer)
{
    buffer->position = 0;
    return (struct pcapng_source){buffer_read, buffer};
}

static const uint8_t frame[] = {1, 2, 3, 4, 5, 6, 7};

TEST(writes_the_format_byte_for_byte)
{
    static struct buffer buffer;
    struct pcapng_writer writer;
    CHECK_EQ(pcapng_begin(&writer, to(&buffer), "app"), 0);
    CHECK_EQ(pcapng_interface(&writer, &(struct pcapng_interface){.name = "e1", .link_type = PCAPNG_RAW}), 0);
    CHECK_EQ(pcapng_packet(&writer, &(struct pcapng_packet){.time_ns = INT64_C(0x0102030405060708),
                                                            .frame = frame,
                                                            .length = sizeof frame,
                                                            .direction = PCAPNG_OUTBOUND,
                                                            .comment = "lost"}),
             0);
    CHECK_EQ(pcapng_statistics(&writer, 0, 5, 3, 2), 0);
    static const uint8_t expected[] = {
        // section header: magic, version 1.0, unknown length, application "app"
        0x0a, 0x0d, 0x0d, 0x0a, 40, 0, 0, 0, 0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 4, 0, 3, 0, 'a', 'p', 'p', 0, 0, 0, 0, 0, 40, 0, 0, 0,
        // interface: raw IP, no limit, name "e1", nanoseconds
        1, 0, 0, 0, 40, 0, 0, 0, 101, 0, 0, 0, 0, 0, 0, 0, 2, 0, 2, 0, 'e', '1', 0, 0, 9, 0, 1, 0, 9, 0, 0, 0,
        0, 0, 0, 0, 40, 0, 0, 0,
        // packet: interface, high and low stamp, 7 bytes of 7, padding, flags, comment
        6, 0, 0, 0, 60, 0, 0, 0, 0, 0, 0, 0, 4, 3, 2, 1, 8, 7, 6, 5, 7, 0, 0, 0, 7, 0, 0, 0, 1, 2, 3, 4, 5, 6,
        7, 0, 2, 0, 4, 0, 2, 0, 0, 0, 1, 0, 4, 0, 'l', 'o', 's', 't', 0, 0, 0, 0, 60, 0, 0, 0,
        // statistics: received 3, dropped 2
        5, 0, 0, 0, 52, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 4, 0, 8, 0, 3, 0, 0, 0, 0, 0, 0, 0, 5, 0,
        8, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 52, 0, 0, 0};
    CHECK_EQ(buffer.length, sizeof expected);
    CHECK_MEM(buffer.bytes, expected, sizeof expected);
}

TEST(reads_what_it_wrote)
{
    static struct buffer buffer;
    struct pcapng_writer writer;
    pcapng_begin(&writer, to(&buffer), NULL);
    pcapng_interface(&writer, &(struct pcapng_interface){.name = "a", .link_type = PCAPNG_ETHERNET});
    pcapng_interface(&writer,
                     &(struct pcapng_interface){.name = "b", .link_type = PCAPNG_RAW, .description = "tun"});
    for (uint32_t i = 0; i < 8; i++) {
        struct pcapng_packet packet = {.interface = i & 1,
                                       .time_ns = INT64_C(1767225600000000000) + i,
                                       .frame = frame,
                                       .length = i % 8,
                                       .original_length = 100 + i,
                                       .comment = i == 6  ? "corrupt\nlost: loss\nx"
                                                  : i & 2 ? "corrupt"
                                                          : NULL};
        CHECK_EQ(pcapng_packet(&writer, &packet), 0);
    }
    struct pcapng_reader reader;
    struct pcapng_packet packet;
    pcapng_read_begin(&reader, from(&buffer));
    for (uint32_t i = 0; i < 8; i++) {
        REQUIRE(pcapng_read(&reader, &packet) == 1);
        CHECK_EQ(packet.interface, i & 1);
        CHECK_EQ(packet.link_type, i & 1 ? PCAPNG_RAW : PCAPNG_ETHERNET);
        CHECK_EQ(packet.time_ns, INT64_C(1767225600000000000) + i);
        CHECK_EQ(packet.length, i % 8);
        CHECK_EQ(packet.original_length, 100 + i);
        CHECK_MEM(packet.frame, frame, packet.length);
        CHECK_STR(packet.comment, i == 6 ? "corrupt\nlost: loss\nx" : i & 2 ? "corrupt" : NULL);
    }
    CHECK_EQ(pcapng_read(&reader, &packet), 0);
    CHECK_STR(reader.interfaces[1].name, "b");
    pcapng_read_end(&reader);
}

TEST(reads_big_endian_old_simple_and_unknown_blocks)
{
    static struct buffer buffer = {
        .bytes = {0x0a, 0x0d, 0x0d, 0x0a, 0, 0, 0, 28, 0x1a, 0x2b, 0x3c, 0x4d, 0, 1, 0, 0, 0xff, 0xff, 0xff,
                  0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 28,
                  // interface: Ethernet, 4 bytes at most, milliseconds, 100 s later
                  0, 0, 0, 1, 0, 0, 0, 40, 0, 1, 0, 0, 0, 0, 0, 4, 0, 9, 0, 1, 3, 0, 0, 0, 0, 14, 0, 8, 0, 0,
                  0, 0, 0, 0, 0, 100, 0, 0, 0, 40,
                  // a block nobody knows
                  0x40, 0, 0, 1, 0, 0, 0, 16, 9, 9, 9, 9, 0, 0, 0, 16,
                  // old packet: interface 0, 2 drops, stamp 5, 3 bytes of 9
                  0, 0, 0, 2, 0, 0, 0, 36, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 3, 0, 0, 0, 9, 0xa,
                  0xb, 0xc, 0, 0, 0, 0, 36,
                  // simple packet: 6 bytes long, cut to 4 by the interface
                  0, 0, 0, 3, 0, 0, 0, 20, 0, 0, 0, 6, 1, 2, 3, 4, 0, 0, 0, 20},
        .length = 28 + 40 + 16 + 36 + 20};
    struct pcapng_reader reader;
    struct pcapng_packet packet;
    pcapng_read_begin(&reader, from(&buffer));
    REQUIRE(pcapng_read(&reader, &packet) == 1);
    CHECK_EQ(packet.time_ns, INT64_C(100005000000));
    CHECK_EQ(packet.length, 3);
    CHECK_EQ(packet.original_length, 9);
    CHECK_EQ(packet.frame[2], 0xc);
    REQUIRE(pcapng_read(&reader, &packet) == 1);
    CHECK_EQ(packet.length, 4);
    CHECK_EQ(packet.original_length, 6);
    CHECK_EQ(pcapng_read(&reader, &packet), 0);
    pcapng_read_end(&reader);
}

TEST(stamps_of_every_resolution_become_nanoseconds)
{
    static const struct {
        uint8_t resolution;
        uint64_t stamp;
        int64_t ns;
    } rows[] = {{0, 7, INT64_C(7000000000)},
                {6, 7, 7000},
                {9, 7, 7},
                {12, 7999, 7},
                {0x80 | 1, 3, 1500000000},
                {0x80 | 10, 1024 + 512, 1500000000},
                {0x80 | 63, UINT64_C(1) << 62, 500000000}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        static struct buffer buffer;
        buffer.length = 0;
        struct pcapng_writer writer;
        pcapng_begin(&writer, to(&buffer), NULL);
        pcapng_interface(&writer, &(struct pcapng_interface){.link_type = PCAPNG_RAW});
        buffer.bytes[buffer.length - 12] = rows[i].resolution;
        pcapng_packet(
            &writer, &(struct pcapng_packet){.time_ns = (int64_t)rows[i].stamp, .frame = frame, .length = 1});
        struct pcapng_reader reader;
        struct pcapng_packet packet;
        pcapng_read_begin(&reader, from(&buffer));
        REQUIRE(pcapng_read(&reader, &packet) == 1);
        CHECK_EQ(packet.time_ns, rows[i].ns);
        pcapng_read_end(&reader);
    }
}

/* A capture of one packet, in which one byte is changed or behind which the rest is cut off. */
TEST(damage_is_named)
{
    static const struct {
        int at, value; /* value -1: the file ends here */
        const char *problem;
    } rows[] = {
        {0, 1, "it does not begin with a section header: no pcapng file"},
        {8, 1, "a section header without the byte-order magic"},
        {12, 2, "a section of another version of the format"},
        {4, 30, "a block with an impossible length"},
        {7, 1, "a block with an impossible length"},
        {28, 33, "a block whose two lengths differ"},
        {40, -1, "the file ends in the middle of a block"},
        {30, -1, "the file ends in the middle of a block"},
        {64 + 8, 1, "a packet of an interface that was not described"},
        {64 + 20, 9, "a packet longer than its block"},
        {32, 9, "a packet of an interface that was not described"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        static struct buffer buffer;
        buffer.length = 0;
        struct pcapng_writer writer;
        pcapng_begin(&writer, to(&buffer), NULL);
        // section and interface take 32 bytes each, so the packet begins at 64
        pcapng_interface(&writer, &(struct pcapng_interface){.link_type = PCAPNG_RAW});
        pcapng_packet(&writer, &(struct pcapng_packet){.frame = frame, .length = 7});
        REQUIRE(buffer.bytes[4] == 32 && buffer.bytes[36] == 32);
        if (rows[i].value < 0)
            buffer.length = (size_t)rows[i].at;
        else
            buffer.bytes[rows[i].at] = (uint8_t)rows[i].value;
        struct pcapng_reader reader;
        struct pcapng_packet packet;
        pcapng_read_begin(&reader, from(&buffer));
        int result;
        while ((result = pcapng_read(&reader, &packet)) == 1)
            ;
        CHECK_EQ(result, -EINVAL);
        CHECK_STR(reader.problem, rows[i].problem);
        pcapng_read_end(&reader);
    }
}

TEST(a_full_disk_is_reported_once_and_for_ever)
{
    static struct buffer buffer = {.limit = 100};
    struct pcapng_writer writer;
    CHECK_EQ(pcapng_begin(&writer, to(&buffer), NULL), 0);
    CHECK_EQ(pcapng_interface(&writer, &(struct pcapng_interface){.link_type = PCAPNG_RAW}), 0);
    CHECK_EQ(pcapng_packet(&writer, &(struct pcapng_packet){.frame = frame, .length = 7}), -ENOSPC);
    buffer.limit = 0;
    CHECK_EQ(pcapng_packet(&writer, &(struct pcapng_packet){.frame = frame, .length = 7}), -ENOSPC);
    CHECK_EQ(writer.error, -ENOSPC);
    FILE *full = fopen("/dev/full", "wb");
    REQUIRE(full != NULL);
    setvbuf(full, NULL, _IONBF, 0);
    CHECK_EQ(pcapng_begin(&writer, pcapng_to_file(full), NULL), -ENOSPC);
    fclose(full);
}

TEST(callers_mistakes_are_refused)
{
    static struct buffer buffer;
    struct pcapng_writer writer;
    pcapng_begin(&writer, to(&buffer), NULL);
    CHECK_EQ(pcapng_packet(&writer, &(struct pcapng_packet){.frame = frame, .length = 7}), -EINVAL);
    CHECK_EQ(pcapng_statistics(&writer, 0, 0, 0, 0), -EINVAL);
    CHECK_EQ(writer.error, 0);
}

TEST_MAIN(TEST_ENTRY(writes_the_format_byte_for_byte), TEST_ENTRY(reads_what_it_wrote),
          TEST_ENTRY(reads_big_endian_old_simple_and_unknown_blocks),
          TEST_ENTRY(stamps_of_every_resolution_become_nanoseconds), TEST_ENTRY(damage_is_named),
          TEST_ENTRY(a_full_disk_is_reported_once_and_for_ever), TEST_ENTRY(callers_mistakes_are_refused))
