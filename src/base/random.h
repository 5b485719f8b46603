/**
 * Randomness from a seed: ChaCha20 as a stream (RFC 8439 block function) for what a peer may not guess, and
 * SipHash-2-4 (Aumasson, Bernstein 2012) as the keyed hash for tables, initial sequence numbers and ports.
 */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct random {
    uint32_t state[16];
    uint8_t block[64];
    uint32_t used; /**< Of block. */
};

/** The ChaCha20 block function (RFC 8439 2.3). */
void chacha20_block(uint8_t block[64], const uint32_t state[16]);

void random_init(struct random *random, const uint8_t seed[32]);
void random_fill(struct random *random, void *data, size_t size);
uint32_t random_u32(struct random *random);
uint64_t random_u64(struct random *random);
/** Uniform in [0, bound), without bias; bound > 0. */
uint64_t random_below(struct random *random, uint64_t bound);

/** A key for siphash. */
struct siphash_key {
    uint64_t k0, k1;
};
void random_key(struct random *random, struct siphash_key *key);
/** SipHash-2-4 with 64 bits of output. */
uint64_t siphash(const struct siphash_key *key, const void *data, size_t size);

#endif
