/**
 * The core: what every room of one host shares. There is one per host and no other shared state.
 */
#ifndef BASE_CORE_H
#define BASE_CORE_H

#include "base/counters.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/settings.h"
#include "base/wheel.h"

struct core {
    struct memory memory;
    struct random random;
    struct siphash_key hash_key; /**< For tables; others draw keys of their own. */
    struct wheel wheel;
    struct settings settings;
    struct counters counters;
    void (*trace)(void *context, const struct strata_trace_record *record);
    void *trace_context;
    strata_time now; /**< The time of the call being served, and */
    uint32_t now_ms; /**< in milliseconds, modulo 2^32. */
    char name[32];
};

/** The latest time there is, 146 years from its origin: whatever waits can be added to it. */
#define CORE_TIME_MOST (STRATA_NEVER / 2)
/** Begins a call that brings the time, which never runs backwards. */
static inline void core_at(struct core *core, strata_time now)
{
    if (now <= core->now)
        return;
    core->now = now < CORE_TIME_MOST ? now : CORE_TIME_MOST;
    core->now_ms = (uint32_t)(core->now / STRATA_MILLISECOND);
}

int core_init(struct core *core, const struct strata_config *config, strata_time now);
void core_free(struct core *core);

static inline void core_count(struct core *core, enum counter counter)
{
    core->counters.value[counter]++;
}
/** Counts a drop and traces it with the frame (which may be NULL). */
void core_drop(struct core *core, enum counter reason, int port, const void *frame, size_t length);
/** Hands a record to the listener, time filled in. Ask core_traces first: nothing is computed for nobody. */
void core_trace(struct core *core, struct strata_trace_record *record);
static inline bool core_traces(const struct core *core)
{
    return __builtin_expect(core->trace != NULL, 0);
}

#endif
