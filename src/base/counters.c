/*
 * The names of the counters, and what they count.
 */
#include "base/counters.h"

#include <stddef.h>

const char *counter_name(enum counter counter)
{
    static const char *const names[COUNTER_COUNT] = {
        "none",
#define COUNTER(name, help) #name,
#include "base/counters.def"
#undef COUNTER
    };
    return (unsigned)counter < COUNTER_COUNT ? names[counter] : NULL;
}

const char *counter_help(enum counter counter)
{
    static const char *const helps[COUNTER_COUNT] = {
        "not a counter",
#define COUNTER(name, help) help,
#include "base/counters.def"
#undef COUNTER
    };
    return (unsigned)counter < COUNTER_COUNT ? helps[counter] : NULL;
}
