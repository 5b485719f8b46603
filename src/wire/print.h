/**
 * One line per frame for people: from the link header to the application's first words.
 */
#ifndef WIRE_PRINT_H
#define WIRE_PRINT_H

#include "wire/wire.h"

/** Prints a frame of a link type in one line without newline. @return the length, cut to size - 1. */
size_t print_frame(enum strata_link link, const uint8_t *frame, size_t length, char *text, size_t size);

#endif
