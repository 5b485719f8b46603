/*
 * UDP headers (RFC 768): source port | destination port | length | checksum, 16 bits each.
 */
#include "wire/udp.h"

int udp_parse(struct udp_header *header, const uint8_t *bytes, size_t size)
{
    if (size < UDP_HEADER_BYTES)
        return WIRE_BAD(udp_drop_short);
    header->source_port = bytes_get16(bytes);
    header->destination_port = bytes_get16(bytes + 2);
    header->length = bytes_get16(bytes + 4);
    header->checksum = bytes_get16(bytes + 6);
    // RFC 768-4. What stands behind the length is not the datagram's.
    if (header->length < UDP_HEADER_BYTES || header->length > size)
        return WIRE_BAD(udp_drop_length);
    return UDP_HEADER_BYTES;
}

size_t udp_emit(uint8_t *room, const struct udp_header *header)
{
    bytes_put16(room, header->source_port);
    bytes_put16(room + 2, header->destination_port);
    bytes_put16(room + 4, header->length);
    bytes_put16(room + 6, header->checksum);
    return UDP_HEADER_BYTES;
}
