/*
 * The one-line printer. The first byte is the link type, and how large the buffer is. A line is one line of
 * printable text, however the frame looks, and a cut line is the beginning of the whole one.
 */
#include "base/assert.h"
#include "wire/print.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    enum strata_link link = data[0] & 1 ? STRATA_LINK_IP : STRATA_LINK_ETHERNET;
    size_t cut = data[0] >> 1;
    static char whole[4096], part[128];
    size_t length = print_frame(link, data + 1, size - 1, whole, sizeof whole);
    ASSERT(length > 0 && length < sizeof whole - 1 && strlen(whole) == length);
    for (size_t i = 0; i < length; i++)
        ASSERT(whole[i] >= 0x20 && whole[i] < 0x7f);
    memset(part, '?', sizeof part);
    size_t shorter = print_frame(link, data + 1, size - 1, part, cut);
    ASSERT(shorter == (cut == 0 ? 0 : length < cut - 1 ? length : cut - 1));
    ASSERT(memcmp(part, whole, shorter) == 0 && part[cut] == '?');
    return 0;
}
