/**
 * UDP headers (RFC 768).
 */
#ifndef WIRE_UDP_H
#define WIRE_UDP_H

#include "wire/wire.h"

#define UDP_HEADER_BYTES 8

struct udp_header {
    uint16_t source_port, destination_port;
    uint16_t length; /**< Header and data. */
    uint16_t checksum;
};
int udp_parse(struct udp_header *header, const uint8_t *bytes, size_t size);
/** Parses what an ICMP error quotes: at least the 8 bytes of the header, the rest may be cut. */
static inline int udp_parse_quoted(struct udp_header *header, const uint8_t *bytes, size_t size)
{
    if (size < UDP_HEADER_BYTES)
        return WIRE_BAD(udp_drop_short);
    header->source_port = bytes_get16(bytes);
    header->destination_port = bytes_get16(bytes + 2);
    header->length = bytes_get16(bytes + 4);
    header->checksum = bytes_get16(bytes + 6);
    return UDP_HEADER_BYTES;
}
/** Writes the header; the checksum is taken from the struct (0: none). */
size_t udp_emit(uint8_t *room, const struct udp_header *header);

#endif
