/*
 * The codes themselves.
 */
#include "app/detect/detect.h"

#include "base/bytes.h"
#include "wire/checksum.h"

static bool odd(uint64_t word)
{
    return __builtin_parityll(word);
}

bool parity_bit(const uint8_t *data, size_t size)
{
    uint8_t all = 0;
    for (size_t i = 0; i < size; i++)
        all ^= data[i];
    return odd(all);
}

uint16_t internet_checksum(const uint8_t *data, size_t size)
{
    return checksum_finish(checksum_add(0, data, size));
}

uint16_t internet_add(uint16_t a, uint16_t b, bool *wrapped)
{
    uint32_t sum = (uint32_t)a + b;
    *wrapped = sum > UINT16_MAX;
    return (uint16_t)(sum + (sum >> 16));
}

uint32_t crc32_of(const uint8_t *data, size_t size)
{
    // The remainders of the sixteen half bytes.
    static const uint32_t table[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
        0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
    };
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < size; i++) {
        crc = table[(crc ^ data[i]) & 15] ^ crc >> 4;
        crc = table[(crc ^ data[i] >> 4) & 15] ^ crc >> 4;
    }
    return ~crc;
}

/* ---- Two dimensions -------------------------------------------------------------------------------------- */

static uint64_t bit_of_column(const struct grid *grid, unsigned column)
{
    return UINT64_C(1) << (grid->columns - 1 - column);
}

static void parities(const struct grid *grid, uint64_t *rows, uint64_t *columns)
{
    *rows = *columns = 0;
    for (unsigned r = 0; r < grid->rows; r++) {
        *rows |= (uint64_t)odd(grid->row[r]) << r;
        *columns ^= grid->row[r];
    }
}

void grid_protect(struct grid *grid)
{
    parities(grid, &grid->row_parity, &grid->column_parity);
    grid->corner = odd(grid->row_parity);
}

void grid_flip(struct grid *grid, unsigned row, unsigned column)
{
    if (row < grid->rows && column < grid->columns)
        grid->row[row] ^= bit_of_column(grid, column);
    else if (row < grid->rows)
        grid->row_parity ^= UINT64_C(1) << row;
    else if (column < grid->columns)
        grid->column_parity ^= bit_of_column(grid, column);
    else
        grid->corner = !grid->corner;
}

enum grid_verdict grid_check(struct grid *grid, unsigned *row, unsigned *column)
{
    uint64_t rows, columns;
    parities(grid, &rows, &columns);
    rows ^= grid->row_parity;
    columns ^= grid->column_parity;
    // The parities are a row and a column themselves, which the corner protects.
    bool last_row = odd(grid->column_parity) != grid->corner, last_column = odd(grid->row_parity) != grid->corner;
    int wrong_rows = __builtin_popcountll(rows) + last_row;
    int wrong_columns = __builtin_popcountll(columns) + last_column;
    if (wrong_rows == 0 && wrong_columns == 0)
        return GRID_INTACT;
    if (wrong_rows != 1 || wrong_columns != 1)
        return GRID_DAMAGED;
    unsigned r = rows ? (unsigned)__builtin_ctzll(rows) : grid->rows;
    unsigned c = columns ? grid->columns - 1 - (unsigned)__builtin_ctzll(columns) : grid->columns;
    grid_flip(grid, r, c);
    if (row)
        *row = r;
    if (column)
        *column = c;
    return GRID_CORRECTED;
}

/* ---- The four as blocks: data, then check bits ------------------------------------------------------------ */

static unsigned one_bit(size_t data_bytes)
{
    (void)data_bytes;
    return 1;
}

static void parity_protect(uint8_t *block, size_t size)
{
    block[size] = (uint8_t)(parity_bit(block, size) << 7);
}

static enum grid_verdict parity_check(uint8_t *block, size_t size)
{
    return parity_bit(block, size) == block[size] >> 7 ? GRID_INTACT : GRID_DAMAGED;
}

/** One per row, eight for the columns, and the corner. */
static unsigned grid_bits(size_t data_bytes)
{
    return (unsigned)data_bytes + 8 + 1;
}

static unsigned get_bit(const uint8_t *block, unsigned bit)
{
    return block[bit / 8] >> (7 - bit % 8) & 1u;
}

static void put_bit(uint8_t *block, unsigned bit, unsigned value)
{
    block[bit / 8] = (uint8_t)((block[bit / 8] & ~(0x80u >> bit % 8)) | (value << (7 - bit % 8)));
}

static void grid_store(const struct grid *grid, uint8_t *block)
{
    unsigned bit = grid->rows * 8;
    for (unsigned r = 0; r < grid->rows; r++)
        block[r] = (uint8_t)grid->row[r];
    for (unsigned r = 0; r < grid->rows; r++)
        put_bit(block, bit++, grid->row_parity >> r & 1);
    for (unsigned c = 0; c < 8; c++)
        put_bit(block, bit++, grid->column_parity >> (7 - c) & 1);
    put_bit(block, bit, grid->corner);
}

static void grid_load(struct grid *grid, const uint8_t *block, size_t size)
{
    *grid = (struct grid){.rows = (unsigned)size, .columns = 8};
    unsigned bit = grid->rows * 8;
    for (unsigned r = 0; r < grid->rows; r++)
        grid->row[r] = block[r];
    for (unsigned r = 0; r < grid->rows; r++)
        grid->row_parity |= (uint64_t)get_bit(block, bit++) << r;
    for (unsigned c = 0; c < 8; c++)
        grid->column_parity |= (uint64_t)get_bit(block, bit++) << (7 - c);
    grid->corner = get_bit(block, bit);
}

static void grid_code_protect(uint8_t *block, size_t size)
{
    struct grid grid;
    grid_load(&grid, block, size);
    grid_protect(&grid);
    grid_store(&grid, block);
}

static enum grid_verdict grid_code_check(uint8_t *block, size_t size)
{
    struct grid grid;
    grid_load(&grid, block, size);
    enum grid_verdict verdict = grid_check(&grid, NULL, NULL);
    if (verdict == GRID_CORRECTED)
        grid_store(&grid, block);
    return verdict;
}

static unsigned sixteen_bits(size_t data_bytes)
{
    (void)data_bytes;
    return 16;
}

static void checksum_protect(uint8_t *block, size_t size)
{
    bytes_put16(block + size, internet_checksum(block, size));
}

/** As receivers do it: everything is summed up, and must be all ones. */
static enum grid_verdict checksum_check(uint8_t *block, size_t size)
{
    return checksum_valid(checksum_add(0, block, size + 2)) ? GRID_INTACT : GRID_DAMAGED;
}

static unsigned thirty_two_bits(size_t data_bytes)
{
    (void)data_bytes;
    return 32;
}

static void crc_protect(uint8_t *block, size_t size)
{
    uint32_t crc = crc32_of(block, size);
    for (int i = 0; i < 4; i++)
        block[size + (size_t)i] = (uint8_t)(crc >> 8 * i);
}

static enum grid_verdict crc_check(uint8_t *block, size_t size)
{
    uint8_t expected[CODE_BLOCK_MOST];
    memcpy(expected, block, size);
    crc_protect(expected, size);
    return memcmp(expected + size, block + size, 4) == 0 ? GRID_INTACT : GRID_DAMAGED;
}

const struct code *code_get(unsigned index)
{
    static const struct code codes[] = {
        {"parity", one_bit, parity_protect, parity_check},
        {"two-dimensional parity", grid_bits, grid_code_protect, grid_code_check},
        {"checksum", sixteen_bits, checksum_protect, checksum_check},
        {"CRC-32", thirty_two_bits, crc_protect, crc_check},
    };
    return index < sizeof codes / sizeof *codes ? &codes[index] : NULL;
}
