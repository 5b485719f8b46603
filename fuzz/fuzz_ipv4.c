/*
 * IPv4 headers and options. The fuzzer cannot guess checksums, so that they are mended first. What is parsed
 * is emitted as the same bytes, but for the reserved flag; a TTL lowered in place leaves a header that is
 * valid.
 */
#include "base/assert.h"
#include "wire/checksum.h"
#include "wire/ipv4.h"

#include <stdlib.h>

static void walk_options(const struct ipv4_header *header)
{
    struct ipv4_header copy = *header;
    size_t size = header->header_bytes - (size_t)IPV4_HEADER_BYTES, position = 0;
    struct ipv4_option option;
    int found;
    unsigned count = 0;
    while ((found = ipv4_option_next(copy.options, size, &position, &option)) > 0) {
        ASSERT(option.bytes >= copy.options && option.length >= 2);
        ASSERT((size_t)(option.bytes - copy.options) + option.length == position && position <= size);
        ASSERT(++count <= size / 2);
    }
    ASSERT(found == 0 || found == WIRE_BAD(ipv4_drop_options));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ipv4_header header;
    ipv4_parse_quoted(&header, data, size);
    ipv4_parse(&header, data, size);
    size_t header_bytes = size > 0 ? (data[0] & 15u) * 4 : 0;
    if (header_bytes < IPV4_HEADER_BYTES || header_bytes > size)
        return 0;
    uint8_t *bytes = malloc(size), room[IPV4_HEADER_MAX];
    if (!bytes)
        return 0;
    memcpy(bytes, data, size);
    bytes[6] &= 0x7f; // The reserved flag is not kept.
    bytes_put16(bytes + 10, 0);
    bytes_put16(bytes + 10, checksum_finish(checksum_add(0, bytes, header_bytes)));
    int length = ipv4_parse(&header, bytes, size);
    if (length > 0) {
        ASSERT((size_t)length == header_bytes && header.total_bytes >= length && header.total_bytes <= size);
        ASSERT(ipv4_emit(room, &header) == header_bytes);
        ASSERT(memcmp(room, bytes, header_bytes) == 0);
        walk_options(&header);
        ipv4_decrement_ttl(bytes);
        struct ipv4_header lowered;
        ASSERT(ipv4_parse(&lowered, bytes, size) == length);
        ASSERT(lowered.ttl == (uint8_t)(header.ttl - 1));
    } else {
        ASSERT(length != WIRE_BAD(ipv4_drop_checksum));
    }
    free(bytes);
    return 0;
}
