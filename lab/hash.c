/*
 * The hash that proves that two runs were the same. Frames are digested eight bytes at a time, read as little
 * endian on every machine, with the multiply-and-rotate rounds of MurmurHash3 (Appleby); a running hash takes
 * the digests in the order of events. It is no cryptography: it finds differences, not forgers.
 *
 * Each round needs the one before, so a digest takes the time that results need to arrive, while most of the
 * processor rests. Several frames at once fill it: that is what hash_many is for.
 */
#include "lab/world.h"

#include <string.h>

#define MULTIPLIER_1 UINT64_C(0x87c37b91114253d5)
#define MULTIPLIER_2 UINT64_C(0x4cf5ad432745937f)
#define ADDEND UINT64_C(0x52dce729)

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
    return rotate(h, 27) * 5 + ADDEND;
}

/** What is left of a frame, and the end. */
static uint64_t digest_rest(uint64_t h, const uint8_t *bytes, size_t size)
{
    for (; size >= 8; bytes += 8, size -= 8)
        h = round_of(h, word(bytes));
    uint64_t rest = 0;
    for (size_t i = 0; i < size; i++)
        rest |= (uint64_t)bytes[i] << (8 * i);
    return finish(round_of(h, rest));
}

uint64_t hash_bytes(const void *data, size_t size)
{
    return digest_rest(size, data, size);
}

uint64_t hash_mix(uint64_t hash, uint64_t value)
{
    return finish(round_of(hash, value));
}

/* ---- Several at once ------------------------------------------------------------------------------------- */

/** Rounds in turn over what all four have. */
static void digest_four(const uint8_t *const frame[4], const size_t size[4], uint64_t digest[4])
{
    size_t least = size[0];
    for (int i = 1; i < 4; i++)
        least = size[i] < least ? size[i] : least;
    least -= least % 8;
    uint64_t h0 = size[0], h1 = size[1], h2 = size[2], h3 = size[3];
    for (size_t at = 0; at < least; at += 8) {
        h0 = round_of(h0, word(frame[0] + at));
        h1 = round_of(h1, word(frame[1] + at));
        h2 = round_of(h2, word(frame[2] + at));
        h3 = round_of(h3, word(frame[3] + at));
    }
    const uint64_t h[4] = {h0, h1, h2, h3};
    for (int i = 0; i < 4; i++)
        digest[i] = digest_rest(h[i], frame[i] + least, size[i] - least);
}

static void hash_each(const uint8_t *const frame[], const size_t size[], unsigned count, uint64_t digest[])
{
    unsigned i = 0;
    for (; i + 4 <= count; i += 4)
        digest_four(frame + i, size + i, digest + i);
    for (; i < count; i++)
        digest[i] = hash_bytes(frame[i], size[i]);
}

#if defined(__x86_64__)

/* With registers of 512 bits there is a frame in each eighth of two of them. Blocks of eight words are read
 * from each of eight frames and turned round, so that a register holds the same word of all of them. */

#define BLOCK_BYTES 64u
typedef uint64_t lanes __attribute__((vector_size(BLOCK_BYTES)));
#define WIDE __attribute__((target("avx512f,avx512dq")))
#define WIDE_STEP WIDE __attribute__((always_inline)) static inline
#define EACH_OF_8 _Pragma("GCC unroll 8") for (int i = 0; i < 8; i++)
#define SHUFFLE __builtin_shufflevector

WIDE_STEP lanes round_wide(lanes h, lanes value)
{
    value *= MULTIPLIER_1;
    h ^= (value << 31 | value >> 33) * MULTIPLIER_2;
    h = h << 27 | h >> 37;
    return (h + ADDEND) + (h << 2);
}

/** Eight words from each of eight frames, in `row[i]` the i-th of all. */
WIDE_STEP void read_block(lanes row[8], const uint8_t *const frame[8])
{
    lanes pair[8], four[8];
    EACH_OF_8 memcpy(&row[i], frame[i], BLOCK_BYTES);
    EACH_OF_8 pair[i] = i % 2 ? SHUFFLE(row[i - 1], row[i], 1, 9, 3, 11, 5, 13, 7, 15)
                              : SHUFFLE(row[i], row[i + 1], 0, 8, 2, 10, 4, 12, 6, 14);
    EACH_OF_8 four[i] = i & 2 ? SHUFFLE(pair[i - 2], pair[i], 2, 3, 10, 11, 6, 7, 14, 15)
                              : SHUFFLE(pair[i], pair[i + 2], 0, 1, 8, 9, 4, 5, 12, 13);
    EACH_OF_8 row[i] = i & 4 ? SHUFFLE(four[i - 4], four[i], 4, 5, 6, 7, 12, 13, 14, 15)
                             : SHUFFLE(four[i], four[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
}

/** As hash_each, of HASH_MANY frames. */
WIDE static void hash_wide(const uint8_t *const frame[], const size_t size[], uint64_t digest[])
{
    lanes h[2], blocks[2];
    size_t most = 0;
    memcpy(h, size, sizeof h);
    for (unsigned i = 0; i < 2; i++)
        blocks[i] = h[i] / BLOCK_BYTES;
    for (unsigned i = 0; i < HASH_MANY; i++)
        most = size[i] / BLOCK_BYTES > most ? size[i] / BLOCK_BYTES : most;
    for (size_t block = 0; block < most; block++) {
        const uint8_t *from[HASH_MANY];
        for (unsigned i = 0; i < HASH_MANY; i++) // those that have ended read something, which is not used
            from[i] = frame[i] + (block < size[i] / BLOCK_BYTES ? block * BLOCK_BYTES : 0);
        lanes first[8], second[8], a = h[0], b = h[1];
        read_block(first, from);
        read_block(second, from + 8);
        EACH_OF_8
        {
            a = round_wide(a, first[i]);
            b = round_wide(b, second[i]);
        }
        h[0] ^= (h[0] ^ a) & (lanes)(blocks[0] > block);
        h[1] ^= (h[1] ^ b) & (lanes)(blocks[1] > block);
    }
    for (unsigned i = 0; i < HASH_MANY; i++) {
        size_t read = size[i] / BLOCK_BYTES * BLOCK_BYTES;
        digest[i] = digest_rest(h[i / 8][i % 8], frame[i] + read, size[i] - read);
    }
}

void hash_many(const uint8_t *const frame[], const size_t size[], unsigned count, uint64_t digest[])
{
    if (count == HASH_MANY && __builtin_cpu_supports("avx512dq"))
        hash_wide(frame, size, digest);
    else
        hash_each(frame, size, count, digest);
}

#else

void hash_many(const uint8_t *const frame[], const size_t size[], unsigned count, uint64_t digest[])
{
    hash_each(frame, size, count, digest);
}

#endif
