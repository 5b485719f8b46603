/**
 * Curves of congestion control: a table of numbers (CSV) that any plotting program reads. One line for each
 * change of a connection's congestion window, threshold or flight, with the smoothed round-trip time and the
 * lengths of all queues at that moment. docs/trace.md explains the columns.
 */
#ifndef LAB_CURVE_H
#define LAB_CURVE_H

#include <strata/lab.h>

struct curve;
/** What a connection's congestion control says from a moment on. */
struct curve_point {
    const char *host;
    const struct strata_endpoint *local, *remote;
    unsigned connection; /**< Numbered from 0 on, in the order of their first sign. */
    strata_time time;
    int64_t cwnd, flight;
    int64_t ssthresh;    /**< -1 while there is none. */
    strata_time srtt_ns; /**< 0 while none was measured. */
};
/** Where points go, besides the table. */
struct curve_taker {
    void (*take)(void *context, const struct curve_point *point);
    void *context;
};
/** Listens to the world, which must trace its hosts, from now on. Call it when all cables are there.
 * @param path of the table; NULL for none.
 * @param taker NULL for none.
 * @return 0, or a negative errno. */
int curve_new(struct curve **curve, struct strata_world *world, const char *path,
              const struct curve_taker *taker);
/** Writes what is left and frees it. @return 0, or the negative errno of the first failure. */
int curve_close(struct curve *curve);

#endif
