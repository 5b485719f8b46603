/*
 * What happens when we were wrong: one line on standard error, and the end of the program.
 *
 * This file and allocator.c are all that the core asks of a platform. A build without an operating system
 * puts its own assert_failed and allocator_default in their place.
 */
#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void assert_failed(const char *expression, const char *file, int line)
{
    fprintf(stderr, "strata: %s:%d: this must hold and does not: %s\n", file, line, expression);
    abort();
}
