/*
 * IPv4 headers (RFC 791 3.1).
 *
 *     version 4, header words 4 | TOS 8 | total length 16
 *     identification 16 | 0, DF, MF, offset in 8 bytes 13
 *     TTL 8 | protocol 8 | header checksum 16
 *     source 32
 *     destination 32
 *     options ...
 */
#include "wire/ipv4.h"
#include "wire/checksum.h"

#define DONT_FRAGMENT 0x4000
#define MORE_FRAGMENTS 0x2000

/** The sum of a header, which is mostly five words long. */
static inline uint64_t header_sum(const uint8_t *bytes, size_t length)
{
    uint32_t words[5];
    if (length != IPV4_HEADER_BYTES)
        return checksum_add(0, bytes, length);
    memcpy(words, bytes, sizeof words);
    return (uint64_t)words[0] + words[1] + words[2] + words[3] + words[4];
}

/** What both parsers have in common: all but checksum and total length. */
static int parse(struct ipv4_header *header, const uint8_t *bytes, size_t size)
{
    if (size < IPV4_HEADER_BYTES)
        return WIRE_BAD(ipv4_drop_short);
    if (bytes[0] >> 4 != 4)
        return WIRE_BAD(ipv4_drop_version);
    size_t header_bytes = (bytes[0] & 15u) * 4;
    if (header_bytes < IPV4_HEADER_BYTES || header_bytes > size)
        return WIRE_BAD(ipv4_drop_header_length);
    uint16_t fragment = bytes_get16(bytes + 6);
    header->header_bytes = (uint8_t)header_bytes;
    header->tos = bytes[1];
    header->total_bytes = bytes_get16(bytes + 2);
    header->identification = bytes_get16(bytes + 4);
    // The third flag is reserved, and no reason to drop (RFC 1812 5.2.5).
    header->dont_fragment = fragment & DONT_FRAGMENT;
    header->more_fragments = fragment & MORE_FRAGMENTS;
    header->fragment_offset_bytes = (uint16_t)((fragment & 0x1fff) * 8u);
    header->ttl = bytes[8];
    header->protocol = bytes[9];
    header->source = strata_ipv4(bytes[12], bytes[13], bytes[14], bytes[15]);
    header->destination = strata_ipv4(bytes[16], bytes[17], bytes[18], bytes[19]);
    if (header_bytes > IPV4_HEADER_BYTES)
        memcpy(header->options, bytes + IPV4_HEADER_BYTES, header_bytes - IPV4_HEADER_BYTES);
    return (int)header_bytes;
}

int ipv4_parse(struct ipv4_header *header, const uint8_t *bytes, size_t size)
{
    // RFC 1812-1 and 791-1: link length, version, header length, total length, checksum. None can be
    // turned off.
    int length = parse(header, bytes, size);
    if (length < 0)
        return length;
    if (!checksum_valid(header_sum(bytes, (size_t)length)))
        return WIRE_BAD(ipv4_drop_checksum);
    if (header->total_bytes < length || header->total_bytes > size)
        return WIRE_BAD(ipv4_drop_total_length);
    return length;
}

int ipv4_parse_quoted(struct ipv4_header *header, const uint8_t *bytes, size_t size)
{
    int length = parse(header, bytes, size);
    if (length > 0 && header->total_bytes < length)
        return WIRE_BAD(ipv4_drop_total_length);
    return length;
}

size_t ipv4_emit(uint8_t *room, const struct ipv4_header *header)
{
    room[0] = (uint8_t)(0x40 | header->header_bytes / 4);
    room[1] = header->tos;
    bytes_put16(room + 2, header->total_bytes);
    bytes_put16(room + 4, header->identification);
    bytes_put16(room + 6, (uint16_t)((header->dont_fragment ? DONT_FRAGMENT : 0) |
                                     (header->more_fragments ? MORE_FRAGMENTS : 0) |
                                     header->fragment_offset_bytes / 8));
    room[8] = header->ttl;
    room[9] = header->protocol;
    bytes_put16(room + 10, 0);
    memcpy(room + 12, header->source.bytes + 12, 4);
    memcpy(room + 16, header->destination.bytes + 12, 4);
    if (header->header_bytes > IPV4_HEADER_BYTES)
        memcpy(room + IPV4_HEADER_BYTES, header->options, header->header_bytes - (size_t)IPV4_HEADER_BYTES);
    bytes_put16(room + 10, checksum_finish(header_sum(room, header->header_bytes)));
    return header->header_bytes;
}

void ipv4_decrement_ttl(uint8_t *bytes)
{
    uint16_t old_word = bytes_get16(bytes + 8);
    bytes[8]--;
    bytes_put16(bytes + 10, checksum_adjust(bytes_get16(bytes + 10), old_word, bytes_get16(bytes + 8)));
}

bool ipv4_mark_ce(uint8_t *bytes)
{
    if ((bytes[1] & 3) == 0)
        return false;
    uint16_t old_word = bytes_get16(bytes);
    bytes[1] |= 3;
    bytes_put16(bytes + 10, checksum_adjust(bytes_get16(bytes + 10), old_word, bytes_get16(bytes)));
    return true;
}

int ipv4_option_next(uint8_t *options, size_t size, size_t *position, struct ipv4_option *option)
{
    while (*position < size && options[*position] == IPV4_OPTION_NOP)
        ++*position;
    if (*position >= size || options[*position] == IPV4_OPTION_END)
        return 0;
    // RFC 791-8: all others have a length byte, which counts the two bytes before the data.
    uint8_t *bytes = options + *position;
    size_t left = size - *position;
    if (left < 2 || bytes[1] < 2 || bytes[1] > left)
        return WIRE_BAD(ipv4_drop_options);
    *option = (struct ipv4_option){.type = bytes[0], .length = bytes[1], .bytes = bytes};
    *position += bytes[1];
    return 1;
}
