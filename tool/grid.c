/*
 * A grid of parameters.
 */
#include "tool/grid.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *grid_add(struct grid *grid, const char *text)
{
    const char *equals = strchr(text, '=');
    if (!equals || equals == text)
        return "expected a parameter and its values, such as loss=0%,1%,3%";
    if (grid->count == GRID_AXES_MAX)
        return "that are more than 8 parameters";
    for (unsigned i = 0; i < grid->count; i++)
        if (strlen(grid->axes[i]->name) == (size_t)(equals - text) &&
            strncmp(grid->axes[i]->name, text, (size_t)(equals - text)) == 0)
            return "this parameter has its values already";
    struct grid_axis *axis = calloc(1, sizeof *axis);
    if (!axis || !(axis->name = strndup(text, (size_t)(equals - text)))) {
        free(axis);
        return "out of memory";
    }
    grid->axes[grid->count++] = axis;
    for (const char *value = equals + 1;;) {
        size_t length = strcspn(value, ",");
        if (length == 0)
            return "there is an empty value";
        if (axis->count == GRID_VALUES_MAX)
            return "that are more than 1000 values";
        axis->values[axis->count] = strndup(value, length);
        if (!axis->values[axis->count])
            return "out of memory";
        axis->count++;
        if (value[length] == '\0')
            return NULL;
        value += length + 1;
    }
}

uint64_t grid_points(const struct grid *grid)
{
    uint64_t points = 1;
    for (unsigned i = 0; i < grid->count && points <= GRID_POINTS_MAX; i++)
        points *= grid->axes[i]->count;
    return points > GRID_POINTS_MAX ? 0 : points;
}

const char *grid_value(const struct grid *grid, uint64_t point, unsigned axis)
{
    for (unsigned i = grid->count; i-- > axis + 1;)
        point /= grid->axes[i]->count;
    return grid->axes[axis]->values[point % grid->axes[axis]->count];
}

char *grid_set(const struct grid *grid, uint64_t point, unsigned axis)
{
    char *text = NULL;
    if (asprintf(&text, "%s=%s", grid->axes[axis]->name, grid_value(grid, point, axis)) < 0)
        return NULL;
    return text;
}

void grid_free(struct grid *grid)
{
    for (unsigned i = 0; i < grid->count; i++) {
        for (unsigned j = 0; j < grid->axes[i]->count; j++)
            free(grid->axes[i]->values[j]);
        free(grid->axes[i]->name);
        free(grid->axes[i]);
    }
    *grid = (struct grid){0};
}
