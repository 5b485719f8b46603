/**
 * Error detection, from a single bit to CRC-32: what is sent along with data so that the receiver sees that bits
 * flipped on the way.
 *
 *     parity       one bit: the number of ones is even
 *     grid         two-dimensional parity: one bit per row, one per column; a single error is at their crossing
 *     checksum     the Internet checksum: 16-bit words summed up in one's complement (RFC 1071)
 *     crc32        the remainder of a division by a polynomial: the frame check sequence of Ethernet (IEEE 802.3 3.2.9)
 */
#ifndef APP_DETECT_DETECT_H
#define APP_DETECT_DETECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GRID_MOST 64u

/** Whether the number of ones is odd: the bit that makes it even. */
bool parity_bit(const uint8_t *data, size_t size);
/** The checksum that goes along with data; an odd last byte is filled up with zero. */
uint16_t internet_checksum(const uint8_t *data, size_t size);
/** One's complement addition, for those who watch. @return the sum; `wrapped`: a carry went round. */
uint16_t internet_add(uint16_t a, uint16_t b, bool *wrapped);
/** The polynomial 0x04c11db7, least significant bit first, as zlib has it; goes over the wire low byte first. */
uint32_t crc32_of(const uint8_t *data, size_t size);

/** Rows of bits, column 0 the highest of `columns` bits of a row. */
struct grid {
    unsigned rows, columns;
    uint64_t row[GRID_MOST];
    uint64_t row_parity; /**< Bit r: of row r. */
    uint64_t column_parity;
    bool corner; /**< Of the row parities, and so of the column parities. */
};
enum grid_verdict {
    GRID_INTACT,
    GRID_CORRECTED, /**< As if one bit had flipped: it was flipped back. */
    GRID_DAMAGED,   /**< More than one. */
};
void grid_protect(struct grid *grid);
/** @param row,column where one bit was flipped back; `rows` and `columns` stand for the parities. May be NULL. */
enum grid_verdict grid_check(struct grid *grid, unsigned *row, unsigned *column);
/** Flips a bit; row `rows` is the parities of the columns, column `columns` those of the rows. */
void grid_flip(struct grid *grid, unsigned row, unsigned column);

/** A way to protect a block, for counting what each misses. */
struct code {
    const char *name;
    unsigned (*check_bits)(size_t data_bytes);
    /** Fills in the check bits behind the data. */
    void (*protect)(uint8_t *block, size_t data_bytes);
    /** What a receiver finds out; it may mend the block. */
    enum grid_verdict (*check)(uint8_t *block, size_t data_bytes);
};
/** Data of a block is at most so long, check bits at most so many. */
#define CODE_DATA_MOST 16u
#define CODE_BLOCK_MOST (CODE_DATA_MOST + 8)
/** parity, two-dimensional parity (a row for each byte), checksum, CRC-32; NULL after the last. */
const struct code *code_get(unsigned index);

/** What became of all patterns of some kind. */
struct misses {
    uint64_t patterns, corrected, detected;
    uint64_t missed;  /**< Taken for intact. */
    uint64_t misled;  /**< Corrected into something else. */
};
/** Every set of `flips` bits, from 1 to 4, of data and check bits. */
struct misses misses_of_flips(const struct code *code, const uint8_t *data, size_t size, unsigned flips);
/** Every burst: its first and last bit flip, of those in between any; 1 to 17 bits. */
struct misses misses_of_bursts(const struct code *code, const uint8_t *data, size_t size, unsigned bits);
/** Every pair of different 16-bit words of the data changes places. */
struct misses misses_of_swaps(const struct code *code, const uint8_t *data, size_t size);
/** The pattern of the polynomial itself, at every place. */
struct misses misses_of_polynomial(const struct code *code, const uint8_t *data, size_t size);

#endif
