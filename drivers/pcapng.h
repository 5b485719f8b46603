/**
 * Captures in the pcapng format (draft-ietf-opsawg-pcapng): writing, with every interface described,
 * nanosecond stamps and a comment on whatever deserves one; and reading, in both byte orders, whatever blocks
 * there are.
 *
 *     struct pcapng_writer writer;
 *     pcapng_begin(&writer, pcapng_to_file(file), "strata");
 *     int eth = pcapng_interface(&writer, &(struct pcapng_interface){.name = "eth1", .link_type = 1});
 *     pcapng_packet(&writer, &(struct pcapng_packet){.interface = (uint32_t)eth, .frame = frame, ...});
 *
 * Errors are negative errno values; -ENOSPC is a full disk. After the first error a writer writes nothing
 * more and returns that error for ever, so that a caller may look once, at the end.
 */
#ifndef DRIVERS_PCAPNG_H
#define DRIVERS_PCAPNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <strata/strata.h>

/* Link types (draft-ietf-opsawg-pcaplinktype). */
#define PCAPNG_ETHERNET 1u
#define PCAPNG_RAW 101u

/** Where bytes go. */
struct pcapng_sink {
    /** Writes all of it. @return 0, or a negative errno. */
    int (*write)(void *context, const void *data, size_t size);
    void *context;
};
/** A sink that is a stdio stream. */
struct pcapng_sink pcapng_to_file(FILE *file);

struct pcapng_interface {
    const char *name, *description; /**< NULL: none. */
    uint16_t link_type;
    uint32_t snap_bytes; /**< 0: no limit. */
};

enum pcapng_direction { PCAPNG_UNKNOWN = 0, PCAPNG_INBOUND = 1, PCAPNG_OUTBOUND = 2 };

struct pcapng_packet {
    uint32_t interface;
    int64_t time_ns; /**< Since 1970. */
    const uint8_t *frame;
    size_t length;          /**< Bytes captured. */
    size_t original_length; /**< 0 when writing: as captured. */
    enum pcapng_direction direction;
    const char *comment; /**< NULL: none. A line feed parts one from the next. */
    uint16_t link_type;  /**< Set when reading: of the interface. */
};

struct pcapng_writer {
    struct pcapng_sink sink;
    uint32_t interfaces;
    int error; /**< The first that happened. */
};
/** Writes the section header. */
int pcapng_begin(struct pcapng_writer *writer, struct pcapng_sink sink, const char *application);
/** Describes an interface. @return its index, or a negative errno. */
int pcapng_interface(struct pcapng_writer *writer, const struct pcapng_interface *interface);
int pcapng_packet(struct pcapng_writer *writer, const struct pcapng_packet *packet);
/** Says how many packets an interface received and dropped. */
int pcapng_statistics(struct pcapng_writer *writer, uint32_t interface, int64_t time_ns, uint64_t received,
                      uint64_t dropped);

/** Where bytes come from. */
struct pcapng_source {
    /** Reads up to `size` bytes. @return how many, 0 at the end, a negative errno. */
    int64_t (*read)(void *context, void *data, size_t size);
    void *context;
};
struct pcapng_source pcapng_from_file(FILE *file);

/** An interface as a capture describes it. */
struct pcapng_seen {
    uint16_t link_type;
    uint32_t snap_bytes;
    uint8_t resolution; /**< if_tsresol */
    int64_t offset_s;   /**< if_tsoffset */
    char name[32];      /**< Cut where it is longer; "" if it has none. */
};
struct pcapng_reader {
    struct pcapng_source source;
    bool swapped, begun;
    uint8_t *block; /**< The present block. */
    size_t room;
    struct pcapng_seen *interfaces; /**< Of the present section. */
    uint32_t interface_count, interface_room;
    const char *problem; /**< After an error: what is wrong, in words. */
    uint64_t offset;     /**< Of the next block in the file. */
};
void pcapng_read_begin(struct pcapng_reader *reader, struct pcapng_source source);
/** The next packet, valid until the next call. @return 1, 0 at the end, -EINVAL when it is no pcapng (see
 * problem), -ENOMEM, or what the source said. */
int pcapng_read(struct pcapng_reader *reader, struct pcapng_packet *packet);
void pcapng_read_end(struct pcapng_reader *reader);

#endif
