/*
 * From an even random number to one that is distributed as asked for: the ten high bits choose a point of a table, the
 * others a place between it and the next.
 */
#include "lab/jitter.h"

static int32_t look_up(const int16_t *table, uint32_t random)
{
    uint32_t index = random >> 22, between = random >> 6 & 0xffff;
    int32_t here = table[index], next = table[index + 1 < JITTER_POINTS ? index + 1 : index];
    return here + (int32_t)((int64_t)(next - here) * between / 65536);
}

strata_time jitter_offset(enum strata_distribution distribution, strata_time jitter_ns, uint32_t random)
{
    int64_t share = (int64_t)(random >> 12), whole = INT64_C(1) << 20; // even, of 2^20
    int64_t part, of = JITTER_SCALE;
    switch (distribution) {
    case STRATA_JITTER_NORMAL:
        part = look_up(jitter_normal, random);
        break;
    case STRATA_JITTER_PARETO:
        part = look_up(jitter_pareto, random);
        break;
    case STRATA_JITTER_PARETO_NORMAL:
        part = look_up(jitter_pareto_normal, random);
        break;
    case STRATA_JITTER_UNIFORM:
        part = 2 * share - whole;
        of = whole;
        break;
    default:
        part = share;
        of = whole;
    }
    return jitter_ns / of * part + jitter_ns % of * part / of;
}
