/*
 * Ethernet headers: whatever is parsed is emitted as the same bytes.
 */
#include "base/assert.h"
#include "wire/ethernet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ethernet_header header;
    int length = ethernet_parse(&header, data, size);
    if (length < 0)
        return 0;
    ASSERT((size_t)length <= size);
    uint8_t room[ETHERNET_HEADER_BYTES + ETHERNET_TAG_BYTES];
    ASSERT(ethernet_emit(room, &header) == (size_t)length);
    ASSERT(memcmp(room, data, (size_t)length) == 0);
    return 0;
}
