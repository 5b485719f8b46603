/**
 * ICMP (RFC 792) and ICMPv6 (RFC 4443) messages.
 */
#ifndef WIRE_ICMP_H
#define WIRE_ICMP_H

#include "wire/wire.h"

#define ICMP_HEADER_BYTES 8

enum { ICMP_ECHO_REPLY = 0, ICMP_UNREACHABLE = 3, ICMP_SOURCE_QUENCH = 4, ICMP_REDIRECT = 5, ICMP_ECHO = 8,
       ICMP_TIME_EXCEEDED = 11, ICMP_PARAMETER_PROBLEM = 12 };
enum { ICMP_NET_UNREACHABLE = 0, ICMP_HOST_UNREACHABLE = 1, ICMP_PROTOCOL_UNREACHABLE = 2,
       ICMP_PORT_UNREACHABLE = 3, ICMP_FRAGMENTATION_NEEDED = 4, ICMP_SOURCE_ROUTE_FAILED = 5,
       ICMP_ADMINISTRATIVELY_PROHIBITED = 13 };
enum { ICMPV6_UNREACHABLE = 1, ICMPV6_PACKET_TOO_BIG = 2, ICMPV6_TIME_EXCEEDED = 3, ICMPV6_PARAMETER_PROBLEM = 4,
       ICMPV6_ECHO = 128, ICMPV6_ECHO_REPLY = 129 };

struct icmp_header {
    uint8_t type, code;
    uint16_t checksum; /**< As received; emit ignores it. */
    uint32_t rest;     /**< Bytes 4 to 7: echo id and sequence, gateway, next-hop MTU, pointer. */
};
/** Parses and verifies the checksum over all `size` bytes; for ICMPv6 `pseudo` is the pseudo-header's sum, else 0. */
int icmp_parse(struct icmp_header *header, const uint8_t *bytes, size_t size, uint64_t pseudo);
/** Parses what an ICMP error quotes: at least the 8 bytes of the header, the checksum is not verified. */
static inline int icmp_parse_quoted(struct icmp_header *header, const uint8_t *bytes, size_t size)
{
    if (size < ICMP_HEADER_BYTES)
        return WIRE_BAD(icmp_drop_short);
    header->type = bytes[0];
    header->code = bytes[1];
    header->checksum = bytes_get16(bytes + 2);
    header->rest = bytes_get32(bytes + 4);
    return ICMP_HEADER_BYTES;
}
/** Writes the 8 bytes with a checksum over them and the `body_size` bytes that stand behind them already. */
size_t icmp_emit(uint8_t *room, const struct icmp_header *header, size_t body_size, uint64_t pseudo);

#endif
