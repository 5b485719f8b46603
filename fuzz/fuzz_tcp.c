/*
 * TCP headers and options: what is parsed, emitted and parsed again is the same, unless its options were
 * packed more tightly than we pack them and do not fit.
 */
#include "base/assert.h"
#include "tests/wire/same.h"
#include "wire/tcp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tcp_header header, again;
    int length = tcp_parse(&header, data, size);
    if (length < 0)
        return 0;
    ASSERT(length == header.header_bytes && (size_t)length <= size && length <= TCP_HEADER_MAX);
    ASSERT(header.options.sack_count <= 4);
    char text[64];
    ASSERT(tcp_flags_print(header.flags, text, sizeof text) < sizeof text - 1);
    size_t needed = TCP_HEADER_BYTES + tcp_options_bytes(&header.options);
    if (needed > TCP_HEADER_MAX)
        return 0;
    uint8_t room[TCP_HEADER_MAX];
    ASSERT(tcp_emit(room, &header) == needed);
    tcp_put_checksum(room, header.checksum);
    ASSERT(tcp_parse(&again, room, needed) == (int)needed);
    header.header_bytes = (uint8_t)needed;
    ASSERT(same_tcp(&again, &header));
    return 0;
}
