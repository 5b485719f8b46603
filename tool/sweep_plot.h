/**
 * What a sweep measured, drawn by gnuplot: a panel per number, the first parameter along, a line for each combination
 * of the others.
 */
#ifndef TOOL_SWEEP_PLOT_H
#define TOOL_SWEEP_PLOT_H

#include "tool/gnuplot.h"
#include "tool/grid.h"
#include "tool/tally.h"

/** A number at every point of the grid. */
struct sweep_series {
    const char *name;
    struct spread **points; /**< NULL, or without values: there is none at that point. */
};
void sweep_plot(const struct gnuplot *gnuplot, const char *title, const struct grid *grid,
                const struct sweep_series *series, unsigned count);

#endif
