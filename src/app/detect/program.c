/**
 * detect: error detection to try out. Sums of a text, the textbook's addition step by step, two-dimensional parity with
 * errors and their correction, and what each code misses, counted over all patterns.
 */
#include "app/detect/detect.h"
#include "app/options.h"
#include "app/programs.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 80

static const char usage[] =
    "detect sums TEXT              parity, checksum and CRC-32 of a text\n"
    "       detect add HEX HEX ...        16-bit words as the Internet checksum adds them\n"
    "       detect grid BITS BITS ... [flip ROW,COLUMN ...]   two-dimensional parity, rows and columns from 1\n"
    "       detect misses TEXT [--flips N] [--bursts N]       what each code misses of all patterns";

static int wrong(struct strata_rt *rt, const char *what, const char *word)
{
    strata_rt_complain(rt, "detect: %s %s\nusage: %s\n", word, what, usage);
    return 2;
}

static int show_sums(struct strata_rt *rt, const char *text)
{
    const uint8_t *data = (const uint8_t *)text;
    size_t size = strlen(text);
    strata_rt_print(rt, "parity bit: %d\nchecksum: %04x\nCRC-32: %08" PRIx32 "\n", parity_bit(data, size),
                    internet_checksum(data, size), crc32_of(data, size));
    return 0;
}

static int show_addition(struct strata_rt *rt, const char *const *words, int count)
{
    uint16_t sum = 0;
    for (int i = 0; i < count; i++) {
        char *end;
        unsigned long word = strtoul(words[i], &end, 16);
        if (*end || end == words[i] || word > UINT16_MAX || words[i][0] == '-')
            return wrong(rt, "is no word of 16 bits, such as 6660", words[i]);
        bool wrapped;
        uint16_t before = sum;
        sum = internet_add(sum, (uint16_t)word, &wrapped);
        if (i > 0)
            strata_rt_print(rt, "%04x + %04lx = %04x%s\n", before, word, sum, wrapped ? " (the carry goes round)" : "");
    }
    bool wrapped;
    uint16_t checksum = (uint16_t)~sum, whole = internet_add(sum, checksum, &wrapped);
    strata_rt_print(rt, "checksum: %04x\nsum at the receiver: %04x, %s\n", checksum, whole,
                    whole == UINT16_MAX ? "intact" : "damaged");
    return 0;
}

/* ---- Two dimensions -------------------------------------------------------------------------------------- */

static void show_grid(struct strata_rt *rt, const struct grid *grid)
{
    for (unsigned r = 0; r <= grid->rows; r++) {
        char line[GRID_MOST + 8];
        uint64_t bits = r < grid->rows ? grid->row[r] : grid->column_parity;
        unsigned c = 0;
        for (; c < grid->columns; c++)
            line[c] = '0' + (char)(bits >> (grid->columns - 1 - c) & 1);
        snprintf(line + c, sizeof line - c, " %d", r < grid->rows ? (int)(grid->row_parity >> r & 1) : grid->corner);
        strata_rt_print(rt, "%s\n", line);
    }
}

static bool read_row(struct grid *grid, const char *word)
{
    size_t length = strlen(word);
    if (length < 1 || length > GRID_MOST || strspn(word, "01") != length || grid->rows == GRID_MOST ||
        (grid->rows > 0 && grid->columns != length))
        return false;
    grid->columns = (unsigned)length;
    for (const char *bit = word; *bit; bit++)
        grid->row[grid->rows] = grid->row[grid->rows] << 1 | (*bit == '1');
    grid->rows++;
    return true;
}

static bool read_flip(struct grid *grid, const char *word)
{
    unsigned row, column;
    char behind;
    if (sscanf(word, "%2u,%2u%c", &row, &column, &behind) != 2 || row < 1 || column < 1 || row > grid->rows + 1 ||
        column > grid->columns + 1)
        return false;
    grid_flip(grid, row - 1, column - 1);
    return true;
}

static int show_correction(struct strata_rt *rt, const char *const *words, int count)
{
    struct grid grid = {0};
    int i = 0;
    for (; i < count && strcmp(words[i], "flip") != 0; i++)
        if (!read_row(&grid, words[i]))
            return wrong(rt, "is no row of zeros and ones, as long as the others", words[i]);
    if (grid.rows == 0)
        return wrong(rt, "needs rows", "grid");
    grid_protect(&grid);
    strata_rt_print(rt, "with parities:\n");
    show_grid(rt, &grid);
    struct grid sent = grid;
    for (i++; i < count; i++)
        if (!read_flip(&grid, words[i]))
            return wrong(rt, "is no place in the grid, such as 2,3", words[i]);
    bool changed = memcmp(&sent, &grid, sizeof sent) != 0;
    if (changed) {
        strata_rt_print(rt, "as it arrives:\n");
        show_grid(rt, &grid);
    }
    unsigned row, column;
    enum grid_verdict verdict = grid_check(&grid, &row, &column);
    bool same = memcmp(&sent, &grid, sizeof sent) == 0;
    if (verdict == GRID_CORRECTED)
        strata_rt_print(rt, "corrected: row %u, column %u; that is %s\n", row + 1, column + 1,
                        same ? "what was sent" : "not what was sent");
    else
        strata_rt_print(rt, "%s\n", verdict == GRID_DAMAGED ? "damaged: more than one error"
                                    : same                  ? "intact"
                                                            : "taken for intact, though bits flipped");
    return 0;
}

/* ---- What is missed -------------------------------------------------------------------------------------- */

static void tell(struct strata_rt *rt, const char *kind, const struct code *code, const struct misses *m)
{
    char more[100] = "";
    if (m->corrected || m->misled)
        snprintf(more, sizeof more, ", %" PRIu64 " corrected, %" PRIu64 " corrected wrongly", m->corrected, m->misled);
    strata_rt_print(rt, "%s, %s: missed %" PRIu64 " of %" PRIu64 "%s\n", kind, code->name, m->missed, m->patterns,
                    more);
}

static int show_misses(struct strata_rt *rt, const char *text, int64_t flips, int64_t bursts)
{
    const uint8_t *data = (const uint8_t *)text;
    size_t size = strlen(text);
    const struct code *code;
    struct misses m;
    char kind[40];
    if (size < 2 || size > CODE_DATA_MOST || size % 2)
        return wrong(rt, "is not 2 to 16 characters, an even number of them", text);
    strata_rt_print(rt, "%zu bytes and their check bits; every pattern of so many flipped bits\n", size);
    for (unsigned n = 1; n <= flips; n++)
        for (unsigned i = 0; (code = code_get(i)); i++) {
            m = misses_of_flips(code, data, size, n);
            snprintf(kind, sizeof kind, "%u flipped", n);
            tell(rt, kind, code, &m);
        }
    for (unsigned n = bursts > 0 ? 2 : 1; n <= bursts; n++)
        for (unsigned i = 0; (code = code_get(i)); i++) {
            m = misses_of_bursts(code, data, size, n);
            snprintf(kind, sizeof kind, "burst of %u", n);
            tell(rt, kind, code, &m);
        }
    for (unsigned i = 0; (code = code_get(i)); i++) {
        m = misses_of_swaps(code, data, size);
        tell(rt, "two words swapped", code, &m);
    }
    for (unsigned i = 0; (code = code_get(i)); i++) {
        m = misses_of_polynomial(code, data, size);
        tell(rt, "CRC-32's polynomial", code, &m);
    }
    return 0;
}

int program_detect(struct strata_rt *rt, int argc, char **argv)
{
    const char *words[WORDS_MAX];
    int64_t flips = 3, bursts = 0;
    const struct option_entry entries[] = {{"--flips", OPTION_NUMBER, &flips, 1, 4},
                                           {"--bursts", OPTION_NUMBER, &bursts, 2, 17}};
    int count = options_parse(rt, argc, argv, usage, entries, 2, words, WORDS_MAX);
    if (count < 0)
        return 2;
    const char *verb = count > 0 ? words[0] : "";
    if (strcmp(verb, "sums") == 0 && count == 2)
        return show_sums(rt, words[1]);
    if (strcmp(verb, "add") == 0 && count > 2)
        return show_addition(rt, words + 1, count - 1);
    if (strcmp(verb, "grid") == 0)
        return show_correction(rt, words + 1, count - 1);
    if (strcmp(verb, "misses") == 0 && count == 2)
        return show_misses(rt, words[1], flips, bursts);
    strata_rt_complain(rt, "detect: what?\nusage: %s\n", usage);
    return 2;
}
