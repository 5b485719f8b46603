/**
 * Counters and drop reasons: one enumeration, one name and one sentence each (counters.def).
 */
#ifndef BASE_COUNTERS_H
#define BASE_COUNTERS_H

#include <stdint.h>

enum counter {
    COUNTER_NONE = 0,
#define COUNTER(name, help) COUNTER_##name,
#include "base/counters.def"
#undef COUNTER
    COUNTER_COUNT
};

struct counters {
    uint64_t value[COUNTER_COUNT];
};

const char *counter_name(enum counter counter);
const char *counter_help(enum counter counter);

#endif
