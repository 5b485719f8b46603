/**
 * Curves of congestion control as a picture: gnuplot draws window, threshold and flight of the busiest
 * connections, and below each its round-trip time.
 */
#ifndef TOOL_PICTURE_H
#define TOOL_PICTURE_H

#include <stdbool.h>

#include "lab/curve.h"
#include "tool/gnuplot.h"

struct picture;
/** Makes the file and starts gnuplot. @return 0, or an exit status after a complaint. */
int picture_new(struct picture **picture, const char *path, const char *title);
/** A curve_taker's function; the context is the picture. */
void picture_take(void *context, const struct curve_point *point);
/** Draws and frees it. @return 0, or an exit status after a complaint. */
int picture_close(struct picture *picture);

#endif
