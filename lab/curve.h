/**
 * Curves of congestion control: a table of numbers (CSV) that any plotting program reads. One line for each
 * change of a connection's congestion window, threshold or flight, with the smoothed round-trip time and the
 * lengths of all queues at that moment. docs/trace.md explains the columns.
 */
#ifndef LAB_CURVE_H
#define LAB_CURVE_H

#include <strata/lab.h>

struct curve;
/** Listens to the world, which must trace its hosts, from now on. Call it when all cables are there.
 * @return 0, or a negative errno. */
int curve_new(struct curve **curve, struct strata_world *world, const char *path);
/** Writes what is left and frees it. @return 0, or the negative errno of the first failure. */
int curve_close(struct curve *curve);

#endif
