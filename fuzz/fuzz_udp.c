/*
 * UDP headers: whatever is parsed is emitted as the same bytes, and its length is inside.
 */
#include "base/assert.h"
#include "wire/udp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct udp_header header;
    if (udp_parse(&header, data, size) < 0)
        return 0;
    ASSERT(header.length >= UDP_HEADER_BYTES && header.length <= size);
    uint8_t room[UDP_HEADER_BYTES];
    ASSERT(udp_emit(room, &header) == UDP_HEADER_BYTES);
    ASSERT(memcmp(room, data, UDP_HEADER_BYTES) == 0);
    return 0;
}
