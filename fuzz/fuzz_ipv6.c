/*
 * IPv6 headers, and what follows taken as a fragment header and as options.
 */
#include "base/assert.h"
#include "tests/wire/same.h"
#include "wire/ipv6.h"

static void walk_options(const uint8_t *options, size_t size)
{
    size_t position = 0, before = 0;
    struct ipv6_option option;
    int found;
    while ((found = ipv6_option_next(options, size, &position, &option)) > 0) {
        ASSERT(option.offset >= before && option.offset + 2 + option.length == position && position <= size);
        ASSERT(option.type > 1 && options[option.offset] == option.type);
        before = position;
    }
    ASSERT(found < 0 || position == size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ipv6_header header;
    uint8_t room[IPV6_HEADER_BYTES];
    int quoted = ipv6_parse_quoted(&header, data, size), length = ipv6_parse(&header, data, size);
    ASSERT(length < 0 || quoted == length);
    if (quoted < 0)
        return 0;
    ASSERT(ipv6_emit(room, &header) == IPV6_HEADER_BYTES);
    ASSERT(memcmp(room, data, IPV6_HEADER_BYTES) == 0);
    const uint8_t *payload = data + IPV6_HEADER_BYTES;
    size -= IPV6_HEADER_BYTES;
    ASSERT(length < 0 || header.payload_bytes <= size);
    walk_options(payload, size);
    struct ipv6_fragment fragment, again;
    if (ipv6_fragment_parse(&fragment, payload, size) < 0)
        return 0;
    ASSERT(fragment.offset_bytes % 8 == 0);
    ASSERT(ipv6_fragment_emit(room, &fragment) == IPV6_FRAGMENT_BYTES);
    ASSERT(ipv6_fragment_parse(&again, room, IPV6_FRAGMENT_BYTES) == IPV6_FRAGMENT_BYTES);
    ASSERT(same_fragment(&again, &fragment));
    return 0;
}
