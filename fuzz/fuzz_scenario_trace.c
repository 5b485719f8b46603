/*
 * Traces of lines: whatever the file holds, it is a trace that makes sense, or the line of a mistake.
 */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "lab/follow.h"
#include "lab/scenario_yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    char *text = malloc(size), wrong[200] = "";
    if (!text)
        return 0;
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    struct scenario scenario = {0};
    struct strata_link_trace trace;
    unsigned line = trace_parse(&trace, &scenario, text, data[0] & 1, wrong);
    ASSERT((line == 0) == (wrong[0] == '\0'));
    ASSERT(line > 0 || trace_is_possible(&trace));
    arena_free(&scenario.arena);
    free(text);
    return 0;
}
