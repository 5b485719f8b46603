/**
 * IPv6 headers and the extension headers we take part in (RFC 8200).
 */
#ifndef WIRE_IPV6_H
#define WIRE_IPV6_H

#include "wire/wire.h"

#define IPV6_HEADER_BYTES 40
#define IPV6_FRAGMENT_BYTES 8

struct ipv6_header {
    uint8_t traffic_class;
    uint32_t flow_label;
    uint16_t payload_bytes;
    uint8_t next_header, hop_limit;
    struct strata_address source, destination;
};
/** Checks version and length; `size` may exceed what the header says. A v4-mapped address is refused here, because
 * behind the parser nobody could tell it from IPv4. */
int ipv6_parse(struct ipv6_header *header, const uint8_t *bytes, size_t size);
/** As above for what an ICMPv6 error quotes: the payload may be cut. */
int ipv6_parse_quoted(struct ipv6_header *header, const uint8_t *bytes, size_t size);
size_t ipv6_emit(uint8_t *room, const struct ipv6_header *header);
/** Sets Congestion Experienced in place, where the sender said that it understands (RFC 3168 5). @return whether the
 * datagram says CE now; false: its transport is not capable, nothing was changed. */
bool ipv6_mark_ce(uint8_t *bytes);

struct ipv6_fragment {
    uint8_t next_header;
    uint16_t offset_bytes;
    bool more_fragments;
    uint32_t identification;
};
int ipv6_fragment_parse(struct ipv6_fragment *fragment, const uint8_t *bytes, size_t size);
size_t ipv6_fragment_emit(uint8_t *room, const struct ipv6_fragment *fragment);

/** One option of a Hop-by-Hop or Destination Options header, like ipv4_option_next; Pad1 and PadN are skipped. */
struct ipv6_option {
    uint8_t type, length;
    size_t offset; /**< Of the type byte, from the start of `options`. */
};
int ipv6_option_next(const uint8_t *options, size_t size, size_t *position, struct ipv6_option *option);

#endif
