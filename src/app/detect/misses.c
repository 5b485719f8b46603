/*
 * Counting what codes miss: every pattern of a kind is tried on a real block.
 */
#include "app/detect/detect.h"

#include <string.h>

/** A block as it was sent, and one as it arrives. */
struct trial {
    const struct code *code;
    size_t data_bytes;
    unsigned bits; /**< Data and check bits. */
    uint8_t sent[CODE_BLOCK_MOST];
    struct misses misses;
};

static struct trial begin(const struct code *code, const uint8_t *data, size_t size)
{
    struct trial trial = {.code = code, .data_bytes = size};
    memcpy(trial.sent, data, size);
    code->protect(trial.sent, size);
    trial.bits = (unsigned)size * 8 + code->check_bits(size);
    return trial;
}

static void judge(struct trial *trial, uint8_t arrived[CODE_BLOCK_MOST])
{
    struct misses *misses = &trial->misses;
    misses->patterns++;
    switch (trial->code->check(arrived, trial->data_bytes)) {
    case GRID_INTACT:
        misses->missed++;
        break;
    case GRID_DAMAGED:
        misses->detected++;
        break;
    case GRID_CORRECTED:
        if (memcmp(arrived, trial->sent, sizeof trial->sent) == 0)
            misses->corrected++;
        else
            misses->misled++;
        break;
    }
}

static void flip(uint8_t *block, unsigned bit)
{
    block[bit / 8] ^= (uint8_t)(0x80u >> bit % 8);
}

struct misses misses_of_flips(const struct code *code, const uint8_t *data, size_t size, unsigned flips)
{
    struct trial trial = begin(code, data, size);
    unsigned at[4];
    if (flips < 1 || flips > 4 || trial.bits < flips)
        return trial.misses;
    for (unsigned i = 0; i < flips; i++)
        at[i] = i;
    for (;;) {
        uint8_t arrived[CODE_BLOCK_MOST];
        memcpy(arrived, trial.sent, sizeof arrived);
        for (unsigned i = 0; i < flips; i++)
            flip(arrived, at[i]);
        judge(&trial, arrived);
        // The next set, in order: the last place that can move does, and those behind it follow.
        unsigned last = flips;
        while (last > 0 && at[last - 1] == trial.bits - flips + last - 1)
            last--;
        if (last == 0)
            return trial.misses;
        at[last - 1]++;
        for (unsigned i = last; i < flips; i++)
            at[i] = at[i - 1] + 1;
    }
}

/** Bit i of a pattern flips the bit at place + i. */
static void try_pattern(struct trial *trial, uint64_t pattern, unsigned place)
{
    uint8_t arrived[CODE_BLOCK_MOST];
    memcpy(arrived, trial->sent, sizeof arrived);
    for (; pattern; pattern &= pattern - 1)
        flip(arrived, place + (unsigned)__builtin_ctzll(pattern));
    judge(trial, arrived);
}

struct misses misses_of_bursts(const struct code *code, const uint8_t *data, size_t size, unsigned bits)
{
    struct trial trial = begin(code, data, size);
    if (bits < 1 || bits > 17)
        return trial.misses;
    uint64_t ends = UINT64_C(1) | UINT64_C(1) << (bits - 1), insides = bits > 2 ? UINT64_C(1) << (bits - 2) : 1;
    for (unsigned place = 0; place + bits <= trial.bits; place++)
        for (uint64_t inside = 0; inside < insides; inside++)
            try_pattern(&trial, ends | inside << 1, place);
    return trial.misses;
}

struct misses misses_of_swaps(const struct code *code, const uint8_t *data, size_t size)
{
    struct trial trial = begin(code, data, size);
    for (size_t i = 0; i + 2 <= size; i += 2)
        for (size_t j = i + 2; j + 2 <= size; j += 2) {
            uint8_t arrived[CODE_BLOCK_MOST];
            if (memcmp(data + i, data + j, 2) == 0)
                continue;
            memcpy(arrived, trial.sent, sizeof arrived);
            memcpy(arrived + i, data + j, 2);
            memcpy(arrived + j, data + i, 2);
            judge(&trial, arrived);
        }
    return trial.misses;
}

struct misses misses_of_polynomial(const struct code *code, const uint8_t *data, size_t size)
{
    // In the order of the wire: each byte of a frame goes least significant bit first.
    static const uint64_t polynomial = UINT64_C(0x1db710641);
    struct trial trial = begin(code, data, size);
    for (unsigned place = 0; place + 33 <= trial.bits / 8 * 8; place++) { // in whole bytes
        uint8_t arrived[CODE_BLOCK_MOST];
        memcpy(arrived, trial.sent, sizeof arrived);
        for (unsigned i = 0; i < 33; i++)
            if (polynomial >> i & 1)
                arrived[(place + i) / 8] ^= (uint8_t)(1u << (place + i) % 8);
        judge(&trial, arrived);
    }
    return trial.misses;
}
