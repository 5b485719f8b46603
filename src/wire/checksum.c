/*
 * The Internet checksum (RFC 1071): one's complement sum of 16-bit words.
 *
 * One's complement addition does not care about byte order (RFC 1071 2(B)), nor about the width of the words
 * as long as carries come round again: 2^16, 2^32 and 2^64 are all 1 modulo 2^16 - 1. So the bytes are summed
 * in the machine's own order as 32-bit words into 64-bit lanes, a block at a time and without looking at
 * carries, and are folded and brought to host order at the end.
 */
#include "wire/checksum.h"
#include "base/bytes.h"

#include <string.h>

/** One's complement addition of 64-bit words. */
static inline uint64_t add(uint64_t a, uint64_t b)
{
    uint64_t sum = a + b;
    return sum + (sum < b);
}

/**
 * Defines a function that sums `blocks` blocks of four vectors of `bytes` bytes each, and copies them on the
 * way if there is a `to`. Vectors are what every compiler turns into SIMD where there is some, and into plain
 * words elsewhere. A lane of 64 bits would take 64 GiB without overflow.
 */
#define DEFINE_ADD_BLOCKS(name, bytes)                                                                       \
    static inline __attribute__((always_inline)) uint64_t name(uint8_t *to, const uint8_t *from,             \
                                                               size_t blocks)                                \
    {                                                                                                        \
        typedef uint64_t lanes __attribute__((vector_size(bytes)));                                          \
        const lanes low = (lanes){0} + 0xffffffff;                                                           \
        lanes even0 = {0}, even1 = {0}, odd0 = {0}, odd1 = {0};                                              \
        for (; blocks > 0; blocks--, from += 4 * (bytes)) {                                                  \
            lanes a, b, c, d;                                                                                \
            memcpy(&a, from, bytes);                                                                         \
            memcpy(&b, from + (bytes), bytes);                                                               \
            memcpy(&c, from + 2 * (bytes), bytes);                                                           \
            memcpy(&d, from + 3 * (bytes), bytes);                                                           \
            if (to) {                                                                                        \
                memcpy(to, &a, bytes);                                                                       \
                memcpy(to + (bytes), &b, bytes);                                                             \
                memcpy(to + 2 * (bytes), &c, bytes);                                                         \
                memcpy(to + 3 * (bytes), &d, bytes);                                                         \
                to += 4 * (bytes);                                                                           \
            }                                                                                                \
            even0 += a & low;                                                                                \
            odd0 += a >> 32;                                                                                 \
            even1 += b & low;                                                                                \
            odd1 += b >> 32;                                                                                 \
            even0 += c & low;                                                                                \
            odd0 += c >> 32;                                                                                 \
            even1 += d & low;                                                                                \
            odd1 += d >> 32;                                                                                 \
        }                                                                                                    \
        even0 += even1;                                                                                      \
        odd0 += odd1;                                                                                        \
        uint64_t sum = 0;                                                                                    \
        for (unsigned i = 0; i < (bytes) / 8; i++)                                                           \
            sum = add(sum, add(even0[i], odd0[i]));                                                          \
        return sum;                                                                                          \
    }

DEFINE_ADD_BLOCKS(add_blocks, 16)
#define BLOCK_BYTES 64u

#if defined(__x86_64__)
DEFINE_ADD_BLOCKS(add_blocks_wide, 32)
#define WIDE_BLOCK_BYTES 128u

/* Where the processor has wider registers than every x86-64 has, the same loop is nearly twice as fast with
 * them. */
__attribute__((target("avx2"))) static uint64_t sum_wide(uint8_t *to, const uint8_t *from, size_t blocks)
{
    return to ? add_blocks_wide(to, from, blocks) : add_blocks_wide(NULL, from, blocks);
}
#endif

/** Sums, and perhaps copies, the whole blocks of `size` bytes. @return how many bytes those are. */
static inline size_t sum_blocks(uint64_t *sum, uint8_t *to, const uint8_t *from, size_t size)
{
    size_t done = 0;
#if defined(__x86_64__)
    if (size >= WIDE_BLOCK_BYTES && __builtin_cpu_supports("avx2")) {
        *sum = add(*sum, sum_wide(to, from, size / WIDE_BLOCK_BYTES));
        done = size / WIDE_BLOCK_BYTES * WIDE_BLOCK_BYTES;
    }
#endif
    size_t blocks = (size - done) / BLOCK_BYTES;
    if (blocks > 0)
        *sum = add(*sum,
                   to ? add_blocks(to + done, from + done, blocks) : add_blocks(NULL, from + done, blocks));
    return done + blocks * BLOCK_BYTES;
}

static inline uint64_t load64(const uint8_t *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

/** What is not summed in blocks: the last bytes, or few. */
static inline uint64_t add_rest(uint64_t sum, const uint8_t *p, size_t size)
{
    for (; size >= 32; size -= 32, p += 32) {
        sum = add(sum, load64(p));
        sum = add(sum, load64(p + 8));
        sum = add(sum, load64(p + 16));
        sum = add(sum, load64(p + 24));
    }
    for (; size >= 8; size -= 8, p += 8)
        sum = add(sum, load64(p));
    if (size >= 4) {
        uint32_t word;
        memcpy(&word, p, 4);
        sum = add(sum, word);
        size -= 4;
        p += 4;
    }
    if (size >= 2) {
        uint16_t word;
        memcpy(&word, p, 2);
        sum = add(sum, word);
        size -= 2;
        p += 2;
    }
    if (size > 0) {
        // An odd byte is the first of a word whose second is zero (RFC 1071-1).
        uint8_t pair[2] = {*p, 0};
        uint16_t word;
        memcpy(&word, pair, 2);
        sum = add(sum, word);
    }
    return sum;
}

/** Less than this is summed word by word: lanes would have to be added up again. */
#define BLOCKS_LEAST_BYTES 128u

uint64_t checksum_add(uint64_t sum, const void *data, size_t size)
{
    const uint8_t *from = data;
    size_t done = size < BLOCKS_LEAST_BYTES ? 0 : sum_blocks(&sum, NULL, from, size);
    return add_rest(sum, from + done, size - done);
}

uint64_t checksum_copy(uint64_t sum, void *to, const void *from, size_t size)
{
    size_t done = size < BLOCKS_LEAST_BYTES ? 0 : sum_blocks(&sum, to, from, size);
    if (size > done)
        memcpy((uint8_t *)to + done, (const uint8_t *)from + done, size - done);
    return add_rest(sum, (const uint8_t *)from + done, size - done);
}

uint64_t checksum_pseudo(const struct strata_address *source, const struct strata_address *destination,
                         uint8_t protocol, uint32_t length)
{
    // An IPv4 address in its mapped form sums to the same as its four bytes: ffff is another zero. That the
    // length of IPv6 has 32 bits and that of IPv4 has 16 makes no difference either.
    uint8_t rest[8] = {[7] = protocol};
    bytes_put32(rest, length);
    uint64_t sum = add_rest(0, source->bytes, sizeof source->bytes);
    sum = add_rest(sum, destination->bytes, sizeof destination->bytes);
    return add_rest(sum, rest, sizeof rest);
}

uint16_t checksum_fold(uint64_t sum)
{
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    uint16_t word = (uint16_t)sum;
    uint8_t bytes[2];
    memcpy(bytes, &word, 2);
    return bytes_get16(bytes);
}

uint16_t checksum_finish(uint64_t sum)
{
    return (uint16_t)~checksum_fold(sum);
}

uint16_t checksum_adjust(uint16_t checksum, uint16_t old_word, uint16_t new_word)
{
    // RFC 1624 equation 3, RFC 1071-4: this order of complements yields no second zero.
    uint32_t sum = (uint16_t)~checksum + (uint32_t)(uint16_t)~old_word + new_word;
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}
