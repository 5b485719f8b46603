/*
 * The core of a host: its beginning and end, and the one place through which the trace leaves.
 */
#include "base/core.h"

#include <errno.h>
#include <string.h>

#define DEFAULT_BUDGET_BYTES ((size_t)256 << 20)

#define TEXT_OF(x) #x
#define VERSION_TEXT(major, minor, patch) TEXT_OF(major) "." TEXT_OF(minor) "." TEXT_OF(patch)

const char *strata_version(void)
{
    return VERSION_TEXT(STRATA_VERSION_MAJOR, STRATA_VERSION_MINOR, STRATA_VERSION_PATCH);
}

int core_init(struct core *core, const struct strata_config *config, strata_time now)
{
    // A caller that was compiled with an older header has a shorter struct; what it lacks is zero.
    struct strata_config given = {0};
    if (!config || config->size < offsetof(struct strata_config, name))
        return -EINVAL;
    memcpy(&given, config, config->size < sizeof given ? config->size : sizeof given);
    const struct strata_allocator *allocator = given.allocator ? given.allocator : allocator_default();
    if (!allocator->allocate || !allocator->release)
        return -EINVAL;

    memset(core, 0, sizeof *core);
    core->now = now;
    core->now_ms = (uint32_t)(now / STRATA_MILLISECOND);
    core->trace = given.trace;
    core->trace_context = given.trace_context;
    if (given.name)
        for (size_t i = 0; i < sizeof core->name - 1 && given.name[i]; i++)
            core->name[i] = given.name[i];
    memory_init(&core->memory, allocator, given.memory_bytes ? given.memory_bytes : DEFAULT_BUDGET_BYTES);
    core->memory.keeps_reserve = true;
    if (given.shares_pages)
        core->memory.free_pages_most = 0;
    random_init(&core->random, given.seed);
    random_key(&core->random, &core->hash_key);
    settings_init(&core->settings);
    return wheel_init(&core->wheel, &core->memory, now);
}

void core_free(struct core *core)
{
    wheel_free(&core->wheel, &core->memory);
    memory_free_pool(&core->memory);
}

void core_trace(struct core *core, struct strata_trace_record *record)
{
    if (!core->trace)
        return;
    record->time = core->now;
    core->trace(core->trace_context, record);
}

void core_drop(struct core *core, enum counter reason, int port, const void *frame, size_t length)
{
    core_count(core, reason);
    if (!core_traces(core))
        return;
    struct strata_trace_record record = {
        .kind = STRATA_TRACE_DROP,
        .port = (int16_t)port,
        .frame = frame,
        .length = frame ? (uint32_t)length : 0,
        .value = {(int64_t)reason},
    };
    core_trace(core, &record);
}
