/*
 * ChaCha20 (RFC 8439 2.3) as a generator, and SipHash-2-4.
 *
 * The seed is the key; the block counter has 64 bits and the nonce is zero, so that the stream never repeats.
 */
#include "base/random.h"
#include "base/assert.h"

#include <string.h>

static inline uint32_t rotate32(uint32_t x, unsigned bits)
{
    return x << bits | x >> (32 - bits);
}

static inline uint64_t rotate64(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

static inline uint32_t load32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t load64(const uint8_t *p)
{
    return load32(p) | (uint64_t)load32(p + 4) << 32;
}

static inline void quarter_round(uint32_t x[16], int a, int b, int c, int d)
{
    x[a] += x[b];
    x[d] = rotate32(x[d] ^ x[a], 16);
    x[c] += x[d];
    x[b] = rotate32(x[b] ^ x[c], 12);
    x[a] += x[b];
    x[d] = rotate32(x[d] ^ x[a], 8);
    x[c] += x[d];
    x[b] = rotate32(x[b] ^ x[c], 7);
}

void chacha20_block(uint8_t block[64], const uint32_t state[16])
{
    uint32_t x[16];
    memcpy(x, state, sizeof x);
    for (int round = 0; round < 10; round++) {
        quarter_round(x, 0, 4, 8, 12);
        quarter_round(x, 1, 5, 9, 13);
        quarter_round(x, 2, 6, 10, 14);
        quarter_round(x, 3, 7, 11, 15);
        quarter_round(x, 0, 5, 10, 15);
        quarter_round(x, 1, 6, 11, 12);
        quarter_round(x, 2, 7, 8, 13);
        quarter_round(x, 3, 4, 9, 14);
    }
    for (int i = 0; i < 16; i++) {
        uint32_t word = x[i] + state[i];
        block[4 * i] = (uint8_t)word;
        block[4 * i + 1] = (uint8_t)(word >> 8);
        block[4 * i + 2] = (uint8_t)(word >> 16);
        block[4 * i + 3] = (uint8_t)(word >> 24);
    }
}

void random_init(struct random *random, const uint8_t seed[32])
{
    // "expand 32-byte k"
    static const uint32_t constants[4] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
    memset(random, 0, sizeof *random);
    memcpy(random->state, constants, sizeof constants);
    for (int i = 0; i < 8; i++)
        random->state[4 + i] = load32(seed + 4 * i);
    random->used = sizeof random->block;
}

void random_fill(struct random *random, void *data, size_t size)
{
    uint8_t *to = data;
    while (size > 0) {
        if (random->used == sizeof random->block) {
            chacha20_block(random->block, random->state);
            if (++random->state[12] == 0)
                random->state[13]++;
            random->used = 0;
        }
        size_t run = sizeof random->block - random->used;
        if (run > size)
            run = size;
        memcpy(to, random->block + random->used, run);
        random->used += (uint32_t)run;
        to += run;
        size -= run;
    }
}

uint32_t random_u32(struct random *random)
{
    uint8_t bytes[4];
    random_fill(random, bytes, sizeof bytes);
    return load32(bytes);
}

uint64_t random_u64(struct random *random)
{
    uint8_t bytes[8];
    random_fill(random, bytes, sizeof bytes);
    return load64(bytes);
}

uint64_t random_below(struct random *random, uint64_t bound)
{
    ASSERT(bound > 0);
    // The numbers below 2^64 mod bound would be a little likelier than the others.
    uint64_t least = (0 - bound) % bound, drawn;
    do
        drawn = random_u64(random);
    while (drawn < least);
    return drawn % bound;
}

void random_key(struct random *random, struct siphash_key *key)
{
    key->k0 = random_u64(random);
    key->k1 = random_u64(random);
}

struct sip {
    uint64_t v0, v1, v2, v3;
};

static inline void sip_round(struct sip *s)
{
    s->v0 += s->v1;
    s->v1 = rotate64(s->v1, 13) ^ s->v0;
    s->v0 = rotate64(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = rotate64(s->v3, 16) ^ s->v2;
    s->v0 += s->v3;
    s->v3 = rotate64(s->v3, 21) ^ s->v0;
    s->v2 += s->v1;
    s->v1 = rotate64(s->v1, 17) ^ s->v2;
    s->v2 = rotate64(s->v2, 32);
}

static inline void sip_word(struct sip *s, uint64_t word)
{
    s->v3 ^= word;
    sip_round(s);
    sip_round(s);
    s->v0 ^= word;
}

uint64_t siphash(const struct siphash_key *key, const void *data, size_t size)
{
    // "somepseudorandomlygeneratedbytes"
    struct sip s = {key->k0 ^ 0x736f6d6570736575, key->k1 ^ 0x646f72616e646f6d, key->k0 ^ 0x6c7967656e657261,
                    key->k1 ^ 0x7465646279746573};
    const uint8_t *p = data;
    size_t left = size;
    for (; left >= 8; left -= 8, p += 8)
        sip_word(&s, load64(p));
    uint64_t last = (uint64_t)(size & 0xff) << 56;
    for (size_t i = 0; i < left; i++)
        last |= (uint64_t)p[i] << 8 * i;
    sip_word(&s, last);
    s.v2 ^= 0xff;
    for (int i = 0; i < 4; i++)
        sip_round(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
