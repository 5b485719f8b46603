/*
 * ICMP messages, first as they are, then with a checksum that fits, then over a pseudo-header.
 */
#include "base/assert.h"
#include "wire/checksum.h"
#include "wire/icmp.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct icmp_header header, again;
    icmp_parse(&header, data, size, 0);
    if (size < ICMP_HEADER_BYTES) {
        ASSERT(icmp_parse(&header, data, size, 0) == WIRE_BAD(icmp_drop_short));
        return 0;
    }
    uint8_t *bytes = malloc(size);
    if (!bytes)
        return 0;
    memcpy(bytes, data, size);
    uint64_t pseudo = bytes_get32(data + 4) * UINT64_C(0x100000001);
    for (int i = 0; i < 2; i++, pseudo = 0) {
        bytes_put16(bytes + 2, 0);
        bytes_put16(bytes + 2, checksum_finish(checksum_add(pseudo, bytes, size)));
        ASSERT(icmp_parse(&header, bytes, size, pseudo) == ICMP_HEADER_BYTES);
        ASSERT(icmp_emit(bytes, &header, size - ICMP_HEADER_BYTES, pseudo) == ICMP_HEADER_BYTES);
        ASSERT(icmp_parse(&again, bytes, size, pseudo) == ICMP_HEADER_BYTES);
        ASSERT(again.type == header.type && again.code == header.code && again.rest == header.rest &&
               again.checksum == header.checksum);
    }
    free(bytes);
    return 0;
}
