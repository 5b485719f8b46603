/**
 * Stations that do nothing but speak, to measure a medium by: the curves of the textbooks.
 */
#ifndef LAB_MEDIUM_LOAD_H
#define LAB_MEDIUM_LOAD_H

#include "base/random.h"
#include "lab/medium.h"

struct medium_load {
    struct medium_config medium;
    strata_time air_ns;   /**< Of each frame. */
    uint32_t offered_ppm; /**< G: frames that come up per frame time, at random (Poisson), each at a station that has
                             nothing else to say; 0: all stations always have a frame to send. */
    uint64_t frames;      /**< So many are offered and come to an end before it is over. */
};
struct medium_measured {
    struct strata_bus_counts counts;
    strata_time time_ns;
    uint64_t throughput_ppm; /**< S: share of the time in which frames got through. */
    uint64_t offered_ppm;    /**< G as it came out: frames that came up per frame time. */
};
/** @return 0; -EINVAL; -ENOMEM. */
int medium_measure(const struct medium_load *load, struct medium_measured *measured);

/** An exponential variate with mean 1, times 2^32: von Neumann's method of comparisons (1951), which needs no
 * logarithm and is exact in whole numbers. */
uint64_t random_exponential(struct random *random);

/* ---- What theory says, in parts per million; whole numbers only, right to a few millionths -------------------- */

/** e^-x for x in millionths, times 2^30. */
uint64_t exp_minus(uint64_t x_ppm);
/** ALOHA: G e^-2G (Abramson 1970). */
uint64_t formula_aloha(uint64_t g_ppm);
/** Slotted ALOHA: G e^-G (Roberts 1972). */
uint64_t formula_slotted(uint64_t g_ppm);
/** Non-persistent CSMA, `a` the propagation in frame times: G e^-aG / (G (1 + 2a) + e^-aG) (Kleinrock, Tobagi 1975). */
uint64_t formula_non_persistent(uint64_t g_ppm, uint64_t a_ppm);
/** 1-persistent CSMA: G (1 + G + aG (1 + G + aG/2)) e^-G(1+2a) / (G (1 + 2a) - (1 - e^-aG) + (1 + aG) e^-G(1+a))
 * (Kleinrock, Tobagi 1975). */
uint64_t formula_persistent(uint64_t g_ppm, uint64_t a_ppm);
/** CSMA/CD: 1 / (1 + 5a). */
uint64_t formula_csma_cd(uint64_t a_ppm);
/** Token passing with all stations busy: each sends a frame, then the token walks to the next.
 * T / (T + walk), `walk` in frame times and on average. */
uint64_t formula_token(uint64_t walk_ppm);

#endif
