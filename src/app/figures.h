/**
 * Figures for people, and for the checks of scenarios that read them again: no more digits than there are, whole
 * numbers inside.
 */
#ifndef APP_FIGURES_H
#define APP_FIGURES_H

#include <stddef.h>
#include <stdint.h>

#include <strata/strata.h>

#define FIGURE_TEXT 40
/** "30.008 ms" */
const char *figure_time(strata_time time, char room[FIGURE_TEXT]);
/** So many bits in a time: "266.595 kbit/s", three digits behind the point at most. */
const char *figure_rate(uint64_t bits, strata_time time, char room[FIGURE_TEXT]);
/** part/whole with nine digits behind the point at most: "0.000424"; "0" when there is no whole. */
const char *figure_ratio(uint64_t part, uint64_t whole, char room[FIGURE_TEXT]);

#endif
