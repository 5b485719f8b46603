/*
 * The Internet checksum: published examples, and the wide loop against the definition.
 */
#include "wire/checksum.h"
#include "base/address.h"
#include "base/bytes.h"
#include "tests/test.h"

/** RFC 1071-1 as it is written: 16-bit words in network order, an odd byte padded with zero. */
static uint16_t plain_sum(const uint8_t *bytes, size_t size)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < size; i++) {
        sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (uint16_t)sum;
}

TEST(published_examples)
{
    // RFC 1071 3: 0001 f203 f4f5 f6f7 sum to ddf2. RFC 1071-1.
    static const uint8_t example[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
    CHECK_EQ(checksum_fold(checksum_add(0, example, sizeof example)), 0xddf2);
    CHECK_EQ(checksum_finish(checksum_add(0, example, sizeof example)), 0x220d);
    // 6660 + 5555 = bbb5, + 8f0c wraps to 4ac2, checksum b53d.
    static const uint8_t words[] = {0x66, 0x60, 0x55, 0x55, 0x8f, 0x0c};
    CHECK_EQ(checksum_fold(checksum_add(0, words, 4)), 0xbbb5);
    CHECK_EQ(checksum_fold(checksum_add(0, words, 6)), 0x4ac2);
    CHECK_EQ(checksum_finish(checksum_add(0, words, 6)), 0xb53d);
    // An odd byte is the upper half of a word.
    CHECK_EQ(checksum_fold(checksum_add(0, "\x12", 1)), 0x1200);
    CHECK_EQ(checksum_fold(checksum_add(0, "\x12\x34\x56", 3)), 0x6834);
    CHECK_EQ(checksum_finish(0), 0xffff);
}

TEST(the_receivers_sum_is_all_ones)
{
    // RFC 1071-2, with the same words.
    uint8_t words[] = {0x66, 0x60, 0x55, 0x55, 0x8f, 0x0c, 0xb5, 0x3d};
    CHECK_EQ(checksum_fold(checksum_add(0, words, 8)), 0xffff);
    CHECK(checksum_valid(checksum_add(0, words, 8)));
    for (int bit = 0; bit < 64; bit++) {
        words[bit / 8] ^= (uint8_t)(1 << bit % 8);
        CHECK(!checksum_valid(checksum_add(0, words, 8)));
        words[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    // What it misses: words that change places.
    static const uint8_t swapped[] = {0x55, 0x55, 0x66, 0x60, 0x8f, 0x0c, 0xb5, 0x3d};
    CHECK(checksum_valid(checksum_add(0, swapped, 8)));
}

TEST(the_wide_loop_is_the_definition)
{
    // RFC 1071-3: whatever the width and the byte order in which it is summed, the result is the same.
    static uint8_t bytes[5000], copy[5000];
    uint64_t seed = 1;
    for (int i = 0; i < 20000; i++) {
        size_t offset = test_below(&seed, 64), size = test_below(&seed, i % 10 ? 300 : 4900);
        if (i % 100 == 0)
            test_fill(&seed, bytes, sizeof bytes);
        if (i % 100 == 50)
            memset(bytes, 0xff, sizeof bytes); // Carries everywhere.
        uint16_t expected = plain_sum(bytes + offset, size);
        CHECK_EQ(checksum_fold(checksum_add(0, bytes + offset, size)), expected);
        size_t to = test_below(&seed, 64);
        memset(copy, 0x5a, sizeof copy);
        CHECK_EQ(checksum_fold(checksum_copy(0, copy + to, bytes + offset, size)), expected);
        CHECK_MEM(copy + to, bytes + offset, size);
        CHECK(copy[to + size] == 0x5a && (to == 0 || copy[to - 1] == 0x5a));
    }
}

TEST(every_short_length_and_alignment)
{
    uint8_t bytes[600], copy[600];
    uint64_t seed = 2;
    test_fill(&seed, bytes, sizeof bytes);
    for (size_t size = 0; size <= 520; size++)
        for (size_t offset = 0; offset < 17; offset++) {
            uint16_t expected = plain_sum(bytes + offset, size);
            CHECK_EQ(checksum_fold(checksum_add(0, bytes + offset, size)), expected);
            CHECK_EQ(checksum_fold(checksum_copy(0, copy, bytes + offset, size)), expected);
            CHECK_MEM(copy, bytes + offset, size);
        }
}

TEST(sums_chain_at_even_offsets)
{
    uint8_t bytes[4000];
    uint64_t seed = 3;
    test_fill(&seed, bytes, sizeof bytes);
    for (int i = 0; i < 2000; i++) {
        size_t size = test_below(&seed, sizeof bytes + 1), first = test_below(&seed, size + 1) & ~(size_t)1;
        uint64_t sum = checksum_add(checksum_add(0, bytes, first), bytes + first, size - first);
        CHECK_EQ(checksum_fold(sum), plain_sum(bytes, size));
    }
    // Carries come round also where the running sum is as large as it can be.
    CHECK_EQ(checksum_fold(checksum_add(UINT64_MAX, "\x00\x01\x00\x00\x00\x00\x00\x00", 8)), 1);
    CHECK_EQ(checksum_fold(UINT64_MAX), 0xffff);
    // 2^64 - 1 is a zero: adding to it, and adding to nothing, give the same.
    CHECK_EQ(checksum_fold(checksum_add(UINT64_MAX, bytes, 4000)),
             checksum_fold(checksum_add(0, bytes, 4000)));
}

TEST(a_large_block)
{
    size_t size = (1 << 20) + 7;
    uint8_t *bytes = malloc(size);
    REQUIRE(bytes);
    memset(bytes, 0xff, size);
    bytes[1000] = 0x12;
    CHECK_EQ(checksum_fold(checksum_add(0, bytes, size)), plain_sum(bytes, size));
    free(bytes);
}

TEST(the_pseudo_header)
{
    // RFC 9293 3.1, RFC 768: source, destination, zero and protocol, length.
    struct strata_address a = strata_ipv4(192, 168, 0, 1), b = strata_ipv4(10, 20, 30, 40);
    static const uint8_t v4[] = {192, 168, 0, 1, 10, 20, 30, 40, 0, 6, 0x12, 0x34};
    CHECK_EQ(checksum_fold(checksum_pseudo(&a, &b, 6, 0x1234)), plain_sum(v4, sizeof v4));
    // RFC 8200 8.1: addresses, a length of 32 bits, three zeros and next header.
    uint8_t v6[40] = {0};
    uint64_t seed = 4;
    test_fill(&seed, v6, 32);
    bytes_put32(v6 + 32, 0x00012345);
    v6[39] = 17;
    memcpy(&a, v6, 16);
    memcpy(&b, v6 + 16, 16);
    CHECK_EQ(checksum_fold(checksum_pseudo(&a, &b, 17, 0x12345)), plain_sum(v6, sizeof v6));
}

TEST(changing_a_word_changes_the_checksum_alike)
{
    // RFC 1071-4, by the example of 1624 4: 5555 becomes 3285 under dd2f, the checksum 0000, not ffff.
    CHECK_EQ(checksum_adjust(0xdd2f, 0x5555, 0x3285), 0x0000);
    uint8_t bytes[40];
    uint64_t seed = 5;
    for (int i = 0; i < 20000; i++) {
        test_fill(&seed, bytes, sizeof bytes);
        if (i % 3 == 0) // Where sums come near zero.
            for (size_t j = 0; j < sizeof bytes; j++)
                bytes[j] = bytes[j] & 1 ? 0xff : 0;
        size_t at = test_below(&seed, sizeof bytes / 2) * 2;
        uint16_t before = checksum_finish(checksum_add(0, bytes, sizeof bytes)),
                 old_word = bytes_get16(bytes + at);
        uint16_t new_word = i % 4 ? (uint16_t)test_random(&seed) : (uint16_t)(i % 8 ? 0xffff : 0);
        bytes_put16(bytes + at, new_word);
        // All other words zero is a packet that nobody sends: the sum there has two names for zero.
        if (checksum_add(0, bytes, sizeof bytes) == 0)
            continue;
        CHECK_EQ(checksum_adjust(before, old_word, new_word),
                 checksum_finish(checksum_add(0, bytes, sizeof bytes)));
    }
}

TEST_MAIN(TEST_ENTRY(published_examples), TEST_ENTRY(the_receivers_sum_is_all_ones),
          TEST_ENTRY(the_wide_loop_is_the_definition), TEST_ENTRY(every_short_length_and_alignment),
          TEST_ENTRY(sums_chain_at_even_offsets), TEST_ENTRY(a_large_block), TEST_ENTRY(the_pseudo_header),
          TEST_ENTRY(changing_a_word_changes_the_checksum_alike))
