/**
 * How jitter is distributed: integer tables of the inverse distribution functions.
 */
#ifndef LAB_JITTER_H
#define LAB_JITTER_H

#include <strata/lab.h>

/** So many mean 1 in a table, as with netem. */
#define JITTER_SCALE 8192
#define JITTER_POINTS 1024

extern const int16_t jitter_normal[JITTER_POINTS], jitter_pareto[JITTER_POINTS], jitter_pareto_normal[JITTER_POINTS];

/** How much is added to the delay, for an even random number of 32 bits. */
strata_time jitter_offset(enum strata_distribution distribution, strata_time jitter_ns, uint32_t random);

#endif
