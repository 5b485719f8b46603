/**
 * Drawing from distributions. The logarithm is found bit by bit: squaring a number between 1 and 2 doubles its
 * logarithm, and whether the square is 2 or more is its next bit.
 */
#include "app/traffic/draw.h"

#include <string.h>

#define LN2_Q32 UINT64_C(2977044472) /* ln 2 in 2^-32 */

void draw_begin(struct draw *draw, struct strata_rt *rt)
{
    draw->rt = rt;
    draw->left = 0;
}

static const uint8_t *take(struct draw *draw, size_t size)
{
    if (draw->left < size) {
        strata_rt_random(draw->rt, draw->bytes, sizeof draw->bytes);
        draw->left = sizeof draw->bytes;
    }
    draw->left -= size;
    return draw->bytes + draw->left;
}

uint32_t draw_u32(struct draw *draw)
{
    const uint8_t *p = take(draw, 4);
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

uint64_t draw_u64(struct draw *draw)
{
    uint64_t high = draw_u32(draw);
    return high << 32 | draw_u32(draw);
}

bool draw_chance(struct draw *draw, uint32_t ppm)
{
    return (uint64_t)draw_u32(draw) * 1000000 >> 32 < ppm;
}

/** log2 of a number > 0 in 2^-32. */
static uint64_t log2_q32(uint64_t number)
{
    unsigned lead = (unsigned)__builtin_clzll(number);
    uint64_t x = number << lead >> 32; // in [2^31, 2^32): 1 to 2
    uint64_t result = 63 - lead;
    for (int i = 0; i < 32; i++) {
        uint64_t square = x * x;
        bool bit = square >> 63;
        result = result << 1 | bit;
        x = bit ? square >> 32 : square >> 31;
    }
    return result;
}

uint64_t exponential_of(uint64_t mean, uint64_t number)
{
    uint64_t log2 = number == UINT64_MAX ? UINT64_C(64) << 32 : log2_q32(number + 1);
    uint64_t negative = (UINT64_C(64) << 32) - log2; // -log2 of a number in (0, 1]
    uint64_t natural = (negative >> 32) * LN2_Q32 + ((negative & UINT32_MAX) * LN2_Q32 >> 32);
    uint64_t part = natural & UINT32_MAX;
    return mean * (natural >> 32) + (mean >> 32) * part + ((mean & UINT32_MAX) * part >> 32);
}

uint64_t draw_exponential(struct draw *draw, uint64_t mean)
{
    return exponential_of(mean, draw_u64(draw));
}
