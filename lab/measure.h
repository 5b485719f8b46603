/**
 * Measuring a cable: how long frames take, how many are inside, how busy it is. A listener like the timeline, so that
 * measuring changes nothing; it computes nothing that it did not see happen.
 */
#ifndef LAB_MEASURE_H
#define LAB_MEASURE_H

#include <strata/lab.h>

/** One direction of a cable. Times are in nanoseconds; sums, not means: whoever divides knows what he rounds. */
struct measured {
    uint64_t arrived, arrived_bytes;
    strata_time delay_sum, delay_min, delay_max; /**< From being handed over to arriving, of those that arrived. */
    strata_time transmission_sum;                /**< Of those that arrived: length over rate. */
    strata_time waiting_sum;                     /**< The rest of their delay without propagation. */
    uint64_t left;                               /**< Arrived or lost. */
    strata_time stay_sum;                        /**< Of those. */
    uint64_t area;                               /**< Frames inside times the time they were, summed up as they went. */
    unsigned inside;                             /**< Now. */
    strata_time changed_at;                      /**< When that changed. */
    struct passage *passages;                    /**< Ring of frames under way, numbers ascending. */
    unsigned room, first, count;
};
struct measured_cable {
    const struct strata_cable *cable;
    bool begun;
    strata_time begin, end; /**< From the first frame to the last arrival, of either direction. */
    struct measured direction[2];
};
struct measure {
    struct measured_cable *cables;
    unsigned count, room;
    bool failed; /**< No memory: the figures are not to be trusted. */
};
/** Begins to listen, for cables that are added. @return 0, -ENOMEM. */
int measure_begin(struct measure *measure, struct strata_world *world);
/** @return 0, -ENOMEM. */
int measure_add(struct measure *measure, const struct strata_cable *cable);
/** NULL: it was not added. */
const struct measured_cable *measure_of(const struct measure *measure, const struct strata_cable *cable);
void measure_free(struct measure *measure);

/** What can be asked. */
enum measure_word {
    MEASURE_DELAY,       /**< Time: mean, from being handed over to arriving. */
    MEASURE_DELAY_MIN,   /**< Time. */
    MEASURE_DELAY_MAX,   /**< Time. */
    MEASURE_WAITING,     /**< Time: mean, what of the delay is neither transmission nor propagation. */
    MEASURE_INSIDE,      /**< Number: mean over time, of frames in the queue or on the cable. */
    MEASURE_THROUGHPUT,  /**< Rate: what arrived over the time from the first frame to the last arrival. */
    MEASURE_UTILISATION, /**< Number: the share of that time in which the sender sent what arrived. */
    MEASURE_LITTLE,      /**< Number: arrival rate times mean stay over the mean number inside; 1 says Little. */
};
extern const char *const measure_words[]; /**< In that order, NULL at the end. */

#endif
