/*
 * ICMP and ICMPv6 messages (RFC 792, RFC 4443): type 8 | code 8 | checksum 16 | rest 32 | body.
 */
#include "wire/icmp.h"
#include "wire/checksum.h"

int icmp_parse(struct icmp_header *header, const uint8_t *bytes, size_t size, uint64_t pseudo)
{
    if (size < ICMP_HEADER_BYTES)
        return WIRE_BAD(icmp_drop_short);
    if (!checksum_valid(checksum_add(pseudo, bytes, size)))
        return WIRE_BAD(icmp_drop_checksum);
    header->type = bytes[0];
    header->code = bytes[1];
    header->checksum = bytes_get16(bytes + 2);
    header->rest = bytes_get32(bytes + 4);
    return ICMP_HEADER_BYTES;
}

size_t icmp_emit(uint8_t *room, const struct icmp_header *header, size_t body_size, uint64_t pseudo)
{
    room[0] = header->type;
    room[1] = header->code;
    bytes_put16(room + 2, 0);
    bytes_put32(room + 4, header->rest);
    bytes_put16(room + 2, checksum_finish(checksum_add(pseudo, room, ICMP_HEADER_BYTES + body_size)));
    return ICMP_HEADER_BYTES;
}
