/*
 * The hash that proves that two runs were the same. Frames are digested eight bytes at a time, read as little
 * endian on every machine, with the multiply-and-rotate rounds of MurmurHash3 (Appleby); a running hash takes
 * the digests in the order of events. It is no cryptography: it finds differences, not forgers.
 */
#include "lab/world.h"

#include <string.h>

#define MULTIPLIER_1 UINT64_C(0x87c37b91114253d5)
#define MULTIPLIER_2 UINT64_C(0x4cf5ad432745937f)

static uint64_t rotate(uint64_t value, int bits)
{
    return value << bits | value >> (64 - bits);
}

static uint64_t finish(uint64_t h)
{
    h = (h ^ h >> 33) * UINT64_C(0xff51afd7ed558ccd);
    h = (h ^ h >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return h ^ h >> 33;
}

static uint64_t word(const uint8_t *bytes)
{
    uint64_t value;
    memcpy(&value, bytes, sizeof value);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    value = __builtin_bswap64(value);
#endif
    return value;
}

static uint64_t round_of(uint64_t h, uint64_t value)
{
    h ^= rotate(value * MULTIPLIER_1, 31) * MULTIPLIER_2;
    return rotate(h, 27) * 5 + 0x52dce729;
}

uint64_t hash_bytes(const void *data, size_t size)
{
    const uint8_t *bytes = data;
    uint64_t h = size;
    for (; size >= 8; bytes += 8, size -= 8)
        h = round_of(h, word(bytes));
    uint64_t rest = 0;
    for (size_t i = 0; i < size; i++)
        rest |= (uint64_t)bytes[i] << (8 * i);
    return finish(round_of(h, rest));
}

uint64_t hash_mix(uint64_t hash, uint64_t value)
{
    return finish(round_of(hash, value));
}
