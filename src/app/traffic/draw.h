/**
 * Random numbers of the distributions that queueing theory speaks of, in integer arithmetic: the same from the same
 * seed on every machine.
 */
#ifndef APP_TRAFFIC_DRAW_H
#define APP_TRAFFIC_DRAW_H

#include <strata/rt.h>

/** Random bytes of a runtime, taken in larger pieces. */
struct draw {
    struct strata_rt *rt;
    size_t left;
    uint8_t bytes[1024];
};
void draw_begin(struct draw *draw, struct strata_rt *rt);
uint64_t draw_u64(struct draw *draw);
uint32_t draw_u32(struct draw *draw);
/** True in so many of a million cases. */
bool draw_chance(struct draw *draw, uint32_t ppm);
/** Exponentially distributed with this mean, below 2^57: the gaps of a Poisson process. */
uint64_t draw_exponential(struct draw *draw, uint64_t mean);
/** The same of a given 64-bit random number: mean * -ln((number + 1) / 2^64). */
uint64_t exponential_of(uint64_t mean, uint64_t number);

#endif
