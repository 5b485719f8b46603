/**
 * Error detection: known values of each code, and what each misses, over all patterns of small blocks.
 */
#include "app/detect/detect.h"
#include "tests/test.h"

#include <string.h>

static const uint8_t block[8] = {'I', 'n', 't', 'e', 'r', 'n', 'e', 't'};

static const struct code *code_named(const char *name)
{
    for (unsigned i = 0; code_get(i); i++)
        if (strcmp(code_get(i)->name, name) == 0)
            return code_get(i);
    REQUIRE(!"there is such a code");
    return NULL;
}

TEST(sums_of_known_texts)
{
    CHECK_EQ(crc32_of((const uint8_t *)"123456789", 9), 0xcbf43926);
    CHECK_EQ(crc32_of((const uint8_t *)"", 0), 0);
    CHECK_EQ(crc32_of((const uint8_t *)"a", 1), 0xe8b7be43);
    CHECK(parity_bit((const uint8_t *)"\x01", 1));
    CHECK(!parity_bit((const uint8_t *)"\x81", 1));
    CHECK(parity_bit((const uint8_t *)"\x80\xff\x0f", 3));
    CHECK_EQ(internet_checksum((const uint8_t *)"\x66\x60\x55\x55\x8f\x0c", 6), 0xb53d);
}

/* The textbook's three words: the second addition carries, and the receiver sees all ones. */
TEST(one_complement_step_by_step)
{
    bool wrapped;
    CHECK_EQ(internet_add(0x6660, 0x5555, &wrapped), 0xbbb5);
    CHECK(!wrapped);
    CHECK_EQ(internet_add(0xbbb5, 0x8f0c, &wrapped), 0x4ac2);
    CHECK(wrapped);
    CHECK_EQ(internet_add(0x4ac2, 0xb53d, &wrapped), 0xffff);
    CHECK(!wrapped);
    CHECK_EQ(internet_add(0xffff, 0x0001, &wrapped), 0x0001);
    CHECK(wrapped);
}

static struct grid textbook(void)
{
    struct grid grid = {.rows = 3, .columns = 5, .row = {21, 30, 14}}; // 10101 11110 01110
    grid_protect(&grid);
    return grid;
}

TEST(two_dimensions_correct_every_single_error)
{
    struct grid grid = textbook(), sent = grid;
    CHECK_EQ(grid.row_parity, 5); // rows 0 and 2 are odd
    CHECK_EQ(grid.column_parity, 5); // 00101
    CHECK_EQ(grid.corner, 0);
    CHECK_EQ(grid_check(&grid, NULL, NULL), GRID_INTACT);
    for (unsigned row = 0; row <= 3; row++)
        for (unsigned column = 0; column <= 5; column++) {
            unsigned r = 99, c = 99;
            grid_flip(&grid, row, column);
            CHECK_EQ(grid_check(&grid, &r, &c), GRID_CORRECTED);
            CHECK_EQ(r, row);
            CHECK_EQ(c, column);
            CHECK(memcmp(&grid, &sent, sizeof grid) == 0);
        }
}

TEST(two_errors_are_seen_three_may_mislead_four_in_a_rectangle_are_missed)
{
    for (unsigned a = 0; a < 24; a++)
        for (unsigned b = a + 1; b < 24; b++) {
            struct grid grid = textbook();
            grid_flip(&grid, a / 6, a % 6);
            grid_flip(&grid, b / 6, b % 6);
            CHECK_EQ(grid_check(&grid, NULL, NULL), GRID_DAMAGED);
        }
    struct grid grid = textbook();
    unsigned row, column;
    grid_flip(&grid, 0, 1), grid_flip(&grid, 0, 3), grid_flip(&grid, 2, 1);
    CHECK_EQ(grid_check(&grid, &row, &column), GRID_CORRECTED); // into the rectangle's fourth corner
    CHECK_EQ(row, 2);
    CHECK_EQ(column, 3);
    CHECK_EQ(grid_check(&grid, NULL, NULL), GRID_INTACT); // where nobody sees anything
}

TEST(parity_misses_every_even_number_of_errors)
{
    const struct code *parity = code_named("parity");
    for (unsigned n = 1; n <= 4; n++) {
        struct misses m = misses_of_flips(parity, block, 8, n);
        CHECK_EQ(m.missed, n % 2 ? 0 : m.patterns);
        CHECK_EQ(m.missed + m.detected, m.patterns);
    }
    CHECK_EQ(misses_of_flips(parity, block, 8, 3).patterns, 65 * 64 * 63 / 6);
}

TEST(two_dimensional_parity_corrects_one_and_sees_up_to_three)
{
    const struct code *grid = code_named("two-dimensional parity");
    struct misses m = misses_of_flips(grid, block, 8, 1);
    CHECK_EQ(m.corrected, 81);
    CHECK_EQ(m.patterns, 81);
    m = misses_of_flips(grid, block, 8, 2);
    CHECK_EQ(m.detected, m.patterns);
    m = misses_of_flips(grid, block, 8, 3);
    CHECK_EQ(m.missed, 0);
    CHECK_EQ(m.misled, 4 * 36 * 36); // three corners of each rectangle in nine rows and columns
    m = misses_of_flips(grid, block, 4, 4);
    CHECK_EQ(m.missed, 10 * 36); // rectangles in five rows and nine columns
}

TEST(the_checksum_misses_pairs_that_cancel)
{
    const struct code *checksum = code_named("checksum");
    CHECK_EQ(misses_of_flips(checksum, block, 8, 1).missed, 0);
    // A one becomes a zero in one word, and the zero of the same place in another one a one. Counted otherwise:
    unsigned pairs = 0;
    uint8_t whole[10];
    memcpy(whole, block, 8);
    checksum->protect(whole, 8);
    for (unsigned bit = 0; bit < 16; bit++) {
        unsigned ones = 0;
        for (unsigned word = 0; word < 5; word++)
            ones += whole[word * 2 + bit / 8] >> (7 - bit % 8) & 1;
        pairs += ones * (5 - ones);
    }
    CHECK_EQ(misses_of_flips(checksum, block, 8, 2).missed, pairs);
    for (unsigned bits = 1; bits <= 15; bits++)
        CHECK_EQ(misses_of_bursts(checksum, block, 8, bits).missed, 0);
    struct misses m = misses_of_swaps(checksum, block, 8);
    CHECK_EQ(m.patterns, 6);
    CHECK_EQ(m.missed, 6);
    // Sixteen zeros that become ones add nothing in one's complement: a burst of 16 bits may be missed.
    static const uint8_t zeros[4] = {0, 0, 1, 2};
    CHECK(misses_of_bursts(checksum, zeros, 4, 16).missed > 0);
    CHECK_EQ(misses_of_bursts(checksum, zeros, 4, 15).missed, 0);
}

TEST(crc_sees_up_to_three_errors_every_burst_and_swap_but_not_its_own_polynomial)
{
    const struct code *crc = code_named("CRC-32");
    for (unsigned n = 1; n <= 3; n++)
        CHECK_EQ(misses_of_flips(crc, block, 8, n).missed, 0);
    CHECK_EQ(misses_of_flips(crc, block, 8, 3).patterns, 96 * 95 * 94 / 6);
    for (unsigned bits = 1; bits <= 16; bits++)
        CHECK_EQ(misses_of_bursts(crc, block, 8, bits).missed, 0);
    CHECK_EQ(misses_of_swaps(crc, block, 8).missed, 0);
    struct misses m = misses_of_polynomial(crc, block, 8);
    CHECK_EQ(m.patterns, 64);
    CHECK_EQ(m.missed, 64);
    CHECK_EQ(misses_of_polynomial(code_named("parity"), block, 8).missed, 0); // fifteen bits
}

TEST_MAIN(TEST_ENTRY(sums_of_known_texts), TEST_ENTRY(one_complement_step_by_step),
          TEST_ENTRY(two_dimensions_correct_every_single_error),
          TEST_ENTRY(two_errors_are_seen_three_may_mislead_four_in_a_rectangle_are_missed),
          TEST_ENTRY(parity_misses_every_even_number_of_errors),
          TEST_ENTRY(two_dimensional_parity_corrects_one_and_sees_up_to_three),
          TEST_ENTRY(the_checksum_misses_pairs_that_cancel),
          TEST_ENTRY(crc_sees_up_to_three_errors_every_burst_and_swap_but_not_its_own_polynomial))
