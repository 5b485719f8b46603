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
/** Writes the header; the checksum is taken from the struct (0: none). */
size_t udp_emit(uint8_t *room, const struct udp_header *header);

#endif
