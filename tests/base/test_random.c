/*
 * ChaCha20 and SipHash against their published vectors, and what is drawn from them.
 */
#include "base/random.h"
#include "tests/test.h"

TEST(chacha20_gives_the_block_of_rfc_8439)
{
    // RFC 8439 2.3.2: key 00 01 .. 1f, counter 1, nonce 000000090000004a00000000.
    static const uint32_t state[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574, 0x03020100, 0x07060504,
                                       0x0b0a0908, 0x0f0e0d0c, 0x13121110, 0x17161514, 0x1b1a1918, 0x1f1e1d1c,
                                       0x00000001, 0x09000000, 0x4a000000, 0x00000000};
    static const uint8_t expected[64] = {
        0x10, 0xf1, 0xe7, 0xe4, 0xd1, 0x3b, 0x59, 0x15, 0x50, 0x0f, 0xdd, 0x1f, 0xa3, 0x20, 0x71, 0xc4,
        0xc7, 0xd1, 0xf4, 0xc7, 0x33, 0xc0, 0x68, 0x03, 0x04, 0x22, 0xaa, 0x9a, 0xc3, 0xd4, 0x6c, 0x4e,
        0xd2, 0x82, 0x64, 0x46, 0x07, 0x9f, 0xaa, 0x09, 0x14, 0xc2, 0xd7, 0x05, 0xd9, 0x8b, 0x02, 0xa2,
        0xb5, 0x12, 0x9c, 0xd1, 0xde, 0x16, 0x4e, 0xb9, 0xcb, 0xd0, 0x83, 0xe8, 0xa2, 0x50, 0x3c, 0x4e};
    uint8_t block[64];
    chacha20_block(block, state);
    CHECK_MEM(block, expected, 64);
}

TEST(a_seed_of_zeros_gives_the_known_stream)
{
    // RFC 8439 A.1, test vectors 1 and 2: key and nonce of zeros, counters 0 and 1.
    static const uint8_t first[16] = {0x76, 0xb8, 0xe0, 0xad, 0xa0, 0xf1, 0x3d, 0x90,
                                      0x40, 0x5d, 0x6a, 0xe5, 0x53, 0x86, 0xbd, 0x28};
    static const uint8_t second[16] = {0x9f, 0x07, 0xe7, 0xbe, 0x55, 0x51, 0x38, 0x7a,
                                       0x98, 0xba, 0x97, 0x7c, 0x73, 0x2d, 0x08, 0x0d};
    static const uint8_t seed[32];
    struct random random;
    uint8_t stream[128];
    random_init(&random, seed);
    random_fill(&random, stream, 128);
    CHECK_MEM(stream, first, 16);
    CHECK_MEM(stream + 64, second, 16);
    // Cut into pieces it is the same stream, and numbers are little-endian on every machine.
    uint8_t pieces[128];
    random_init(&random, seed);
    CHECK_EQ(random_u32(&random), 0xade0b876u);
    CHECK_EQ(random_u64(&random), (int64_t)0xe56a5d40903df1a0u);
    random_fill(&random, pieces, 1);
    random_fill(&random, pieces + 1, 115);
    CHECK_MEM(pieces, stream + 12, 116);
}

TEST(other_seeds_give_other_streams)
{
    uint8_t seed[32] = {0}, a[32], b[32];
    struct random random;
    random_init(&random, seed);
    random_fill(&random, a, 32);
    seed[31] = 1;
    random_init(&random, seed);
    random_fill(&random, b, 32);
    CHECK(memcmp(a, b, 32) != 0);
}

TEST(siphash_gives_the_reference_vectors)
{
    // The first of vectors_sip64 of the reference implementation: key 00 .. 0f, input 00 .. of length 0, 1,
    // ...
    static const uint64_t expected[] = {0x726fdb47dd0e0e31, 0x74f839c593dc67fd, 0x0d6c8009d9a94f5a,
                                        0x85676696d7fb7e2d, 0xcf2794e0277187b7, 0x18765564cd99a68d,
                                        0xcbc9466e58fee3ce, 0xab0200f58b01d137, 0x93f5f5799a932462};
    const struct siphash_key key = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
    uint8_t input[16];
    for (int i = 0; i < 16; i++)
        input[i] = (uint8_t)i;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        CHECK_EQ(siphash(&key, input, i), expected[i]);
    // The example of the paper, appendix A.
    CHECK_EQ(siphash(&key, input, 15), (int64_t)0xa129ca6149be45e5);
}

TEST(numbers_below_a_bound_are_all_drawn_alike)
{
    static const uint8_t seed[32] = {7};
    struct random random;
    random_init(&random, seed);
    unsigned counts[10] = {0};
    for (int i = 0; i < 100000; i++) {
        uint64_t drawn = random_below(&random, 10);
        REQUIRE(drawn < 10);
        counts[drawn]++;
    }
    for (int i = 0; i < 10; i++)
        CHECK(counts[i] > 9600 && counts[i] < 10400);
    CHECK_EQ(random_below(&random, 1), 0);
    // Three quarters of 2^64: the remainder alone would make the lowest third half of all.
    uint64_t bound = (uint64_t)3 << 62;
    unsigned lowest = 0;
    for (int i = 0; i < 10000; i++) {
        uint64_t drawn = random_below(&random, bound);
        CHECK(drawn < bound);
        lowest += drawn < bound / 3;
    }
    CHECK(lowest > 3150 && lowest < 3520);
}

TEST(keys_differ)
{
    static const uint8_t seed[32];
    struct random random;
    struct siphash_key a, b;
    random_init(&random, seed);
    random_key(&random, &a);
    random_key(&random, &b);
    CHECK(a.k0 != b.k0 && a.k1 != b.k1 && a.k0 != a.k1);
}

TEST_MAIN(TEST_ENTRY(chacha20_gives_the_block_of_rfc_8439),
          TEST_ENTRY(a_seed_of_zeros_gives_the_known_stream), TEST_ENTRY(other_seeds_give_other_streams),
          TEST_ENTRY(siphash_gives_the_reference_vectors),
          TEST_ENTRY(numbers_below_a_bound_are_all_drawn_alike), TEST_ENTRY(keys_differ))
