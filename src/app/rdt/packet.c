/**
 * Packets of reliable data transfer, written and read.
 */
#include "app/rdt/packet.h"

#include "base/bytes.h"
#include "wire/checksum.h"

size_t rdt_emit(uint8_t bytes[RDT_PACKET_MAX], const struct rdt_packet *packet)
{
    size_t size = RDT_HEADER_BYTES + packet->size;
    bytes_put16(bytes, (uint16_t)packet->kind);
    bytes_put16(bytes + 2, 0);
    bytes_put32(bytes + 4, packet->number);
    if (packet->size > 0)
        memcpy(bytes + RDT_HEADER_BYTES, packet->data, packet->size);
    bytes_put16(bytes + 2, checksum_finish(checksum_add(0, bytes, size)));
    return size;
}

void rdt_parse(struct rdt_packet *packet, const uint8_t *bytes, size_t size)
{
    *packet = (struct rdt_packet){.corrupt = true};
    if (size < RDT_HEADER_BYTES || size > RDT_PACKET_MAX)
        return;
    uint16_t kind = bytes_get16(bytes);
    packet->corrupt = !checksum_valid(checksum_add(0, bytes, size)) || kind > RDT_NAK;
    packet->kind = kind <= RDT_NAK ? (enum rdt_kind)kind : RDT_DATA;
    packet->number = bytes_get32(bytes + 4);
    packet->data = bytes + RDT_HEADER_BYTES;
    packet->size = size - RDT_HEADER_BYTES;
}
