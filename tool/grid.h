/**
 * A grid of parameters: each has a list of values, and every combination is a point. The last parameter changes first.
 */
#ifndef TOOL_GRID_H
#define TOOL_GRID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { GRID_AXES_MAX = 8, GRID_VALUES_MAX = 1000, GRID_POINTS_MAX = 100000 };
struct grid_axis {
    char *name;
    char *values[GRID_VALUES_MAX];
    unsigned count;
};
struct grid {
    struct grid_axis *axes[GRID_AXES_MAX];
    unsigned count;
};
/** "loss=0%,1%,3%". @return NULL, or what is wrong with it. */
const char *grid_add(struct grid *grid, const char *text);
/** How many points there are; 0 when there are too many. */
uint64_t grid_points(const struct grid *grid);
/** The value of an axis at a point. */
const char *grid_value(const struct grid *grid, uint64_t point, unsigned axis);
/** "NAME=VALUE", malloc'ed. */
char *grid_set(const struct grid *grid, uint64_t point, unsigned axis);
void grid_free(struct grid *grid);

#endif
