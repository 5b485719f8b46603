/*
 * Scripted faults. A direction asks for each of its frames in turn, so a sorted list and a place in it will do.
 */
#include "lab/script.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FRAME_MAX   UINT64_C(1000000000000)
#define LATE_MAX_NS (366 * 86400 * STRATA_SECOND)

static int by_frame(const void *a, const void *b)
{
    const struct strata_fault *x = a, *y = b;
    if (x->frame != y->frame)
        return x->frame < y->frame ? -1 : 1;
    return (int)x->kind - (int)y->kind;
}

int script_add(struct script *script, uint64_t gone, const struct strata_fault *faults, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (faults[i].frame == 0 || faults[i].frame > FRAME_MAX || faults[i].kind > STRATA_FAULT_LATE ||
            faults[i].late_ns < 0 || faults[i].late_ns > LATE_MAX_NS)
            return -EINVAL;
    if (count == 0)
        return 0;
    unsigned left = script->count - script->next;
    struct strata_fault *all = malloc((left + count) * sizeof *all);
    if (!all)
        return -ENOMEM;
    if (left > 0)
        memcpy(all, script->faults + script->next, left * sizeof *all);
    memcpy(all + left, faults, count * sizeof *all);
    for (unsigned i = left; i < left + count; i++)
        all[i].frame += gone;
    qsort(all, left + count, sizeof *all, by_frame);
    free(script->faults);
    *script = (struct script){.faults = all, .count = left + count};
    return 0;
}

struct scripted script_fate(struct script *script, uint64_t frame)
{
    struct scripted fate = {0};
    for (; script->next < script->count && script->faults[script->next].frame == frame; script->next++) {
        const struct strata_fault *fault = &script->faults[script->next];
        fate.lose |= fault->kind == STRATA_FAULT_LOSE;
        fate.damage |= fault->kind == STRATA_FAULT_DAMAGE;
        fate.twice |= fault->kind == STRATA_FAULT_DOUBLE;
        if (fault->kind == STRATA_FAULT_LATE)
            fate.late_ns += fault->late_ns;
    }
    return fate;
}

void script_free(struct script *script)
{
    free(script->faults);
    *script = (struct script){0};
}
