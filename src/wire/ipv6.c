/*
 * IPv6 headers (RFC 8200 3), fragment headers (4.5) and the options of extension headers (4.2).
 *
 *     version 4 | traffic class 8 | flow label 20
 *     payload length 16 | next header 8 | hop limit 8
 *     source 128
 *     destination 128
 */
#include "wire/ipv6.h"

/** What both parsers have in common: all but the length. */
static int parse(struct ipv6_header *header, const uint8_t *bytes, size_t size)
{
    if (size < IPV6_HEADER_BYTES)
        return WIRE_BAD(ipv6_drop_short);
    uint32_t first = bytes_get32(bytes);
    if (first >> 28 != 6)
        return WIRE_BAD(ipv6_drop_version);
    header->traffic_class = (uint8_t)(first >> 20);
    header->flow_label = first & 0xfffff;
    header->payload_bytes = bytes_get16(bytes + 4);
    header->next_header = bytes[6];
    header->hop_limit = bytes[7];
    memcpy(header->source.bytes, bytes + 8, 16);
    memcpy(header->destination.bytes, bytes + 24, 16);
    // Behind this line such an address would be an IPv4 one, and nobody could tell the difference.
    if (strata_address_is_ipv4(&header->source))
        return WIRE_BAD(ipv6_drop_source);
    if (strata_address_is_ipv4(&header->destination))
        return WIRE_BAD(ipv6_drop_destination);
    return IPV6_HEADER_BYTES;
}

int ipv6_parse(struct ipv6_header *header, const uint8_t *bytes, size_t size)
{
    int length = parse(header, bytes, size);
    if (length > 0 && header->payload_bytes > size - IPV6_HEADER_BYTES)
        return WIRE_BAD(ipv6_drop_short);
    return length;
}

int ipv6_parse_quoted(struct ipv6_header *header, const uint8_t *bytes, size_t size)
{
    return parse(header, bytes, size);
}

size_t ipv6_emit(uint8_t *room, const struct ipv6_header *header)
{
    bytes_put32(room, 6u << 28 | (uint32_t)header->traffic_class << 20 | (header->flow_label & 0xfffff));
    bytes_put16(room + 4, header->payload_bytes);
    room[6] = header->next_header;
    room[7] = header->hop_limit;
    memcpy(room + 8, header->source.bytes, 16);
    memcpy(room + 24, header->destination.bytes, 16);
    return IPV6_HEADER_BYTES;
}

bool ipv6_mark_ce(uint8_t *bytes)
{
    // The two low bits of the traffic class lie in the middle of the second byte.
    if ((bytes[1] & 0x30) == 0)
        return false;
    bytes[1] |= 0x30;
    return true;
}

int ipv6_fragment_parse(struct ipv6_fragment *fragment, const uint8_t *bytes, size_t size)
{
    if (size < IPV6_FRAGMENT_BYTES)
        return WIRE_BAD(ipv6_drop_extension);
    uint16_t offset = bytes_get16(bytes + 2);
    fragment->next_header = bytes[0];
    fragment->offset_bytes = offset & 0xfff8;
    fragment->more_fragments = offset & 1;
    fragment->identification = bytes_get32(bytes + 4);
    return IPV6_FRAGMENT_BYTES;
}

size_t ipv6_fragment_emit(uint8_t *room, const struct ipv6_fragment *fragment)
{
    room[0] = fragment->next_header;
    room[1] = 0;
    bytes_put16(room + 2, (uint16_t)((fragment->offset_bytes & 0xfff8) | fragment->more_fragments));
    bytes_put32(room + 4, fragment->identification);
    return IPV6_FRAGMENT_BYTES;
}

int ipv6_option_next(const uint8_t *options, size_t size, size_t *position, struct ipv6_option *option)
{
    enum { PAD_1 = 0, PAD_N = 1 };
    while (*position < size) {
        size_t at = *position, left = size - at;
        if (options[at] == PAD_1) {
            ++*position;
            continue;
        }
        // The length byte counts the data only.
        if (left < 2 || options[at + 1] > left - 2)
            return WIRE_BAD(ipv6_drop_extension);
        *position = at + 2 + options[at + 1];
        if (options[at] == PAD_N)
            continue;
        *option = (struct ipv6_option){.type = options[at], .length = options[at + 1], .offset = at};
        return 1;
    }
    return 0;
}
