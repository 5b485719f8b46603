/**
 * IPv4 headers (RFC 791) and their options.
 */
#ifndef WIRE_IPV4_H
#define WIRE_IPV4_H

#include "wire/wire.h"

#define IPV4_HEADER_BYTES 20
#define IPV4_HEADER_MAX 60

struct ipv4_header {
    uint8_t header_bytes; /**< With options, 20 to 60, a multiple of 4. */
    uint8_t tos;
    uint16_t total_bytes;
    uint16_t identification;
    bool dont_fragment, more_fragments;
    uint16_t fragment_offset_bytes; /**< A multiple of 8. */
    uint8_t ttl, protocol;
    struct strata_address source, destination;
    uint8_t options[40]; /**< header_bytes - 20 of them. */
};

/** Checks version, lengths and header checksum (RFC 1812-1). `size` may exceed total_bytes: link padding. */
int ipv4_parse(struct ipv4_header *header, const uint8_t *bytes, size_t size);
/** Parses what an ICMP error quotes: total_bytes may exceed `size`, the checksum is not verified. */
int ipv4_parse_quoted(struct ipv4_header *header, const uint8_t *bytes, size_t size);
/** Writes the header with its checksum. */
size_t ipv4_emit(uint8_t *room, const struct ipv4_header *header);
/** Lowers the TTL in place and mends the checksum (RFC 1624). */
void ipv4_decrement_ttl(uint8_t *bytes);
/** Sets Congestion Experienced in place and mends the checksum, where the sender said that it understands (RFC 3168
 * 5). @return whether the datagram says CE now; false: its transport is not capable, nothing was changed. */
bool ipv4_mark_ce(uint8_t *bytes);

enum { IPV4_OPTION_END = 0, IPV4_OPTION_NOP = 1, IPV4_OPTION_RECORD_ROUTE = 7, IPV4_OPTION_TIMESTAMP = 68,
       IPV4_OPTION_LOOSE_ROUTE = 131, IPV4_OPTION_STRICT_ROUTE = 137, IPV4_OPTION_ROUTER_ALERT = 148 };
/** One option of a header: walks `position` from 0, over NOPs. @return 1 and the option, 0 at the end, negative:
 * malformed. */
struct ipv4_option {
    uint8_t type, length;
    uint8_t *bytes; /**< From the type byte on. */
};
int ipv4_option_next(uint8_t *options, size_t size, size_t *position, struct ipv4_option *option);

#endif
