/**
 * Faults that are not left to chance: the second frame is lost, the fifth is late. How a textbook's trace is made to
 * happen again.
 */
#ifndef LAB_SCRIPT_H
#define LAB_SCRIPT_H

#include <strata/lab.h>

/** What a script has in store for one frame. */
struct scripted {
    bool lose, damage, twice;
    strata_time late_ns;
};

/** The faults of a direction in the order of their frames; those before `next` have happened. */
struct script {
    struct strata_fault *faults;
    unsigned count, next;
};
/** Adds faults, in any order, whose frames are counted behind the first `gone`. @return 0, -EINVAL, -ENOMEM. */
int script_add(struct script *script, uint64_t gone, const struct strata_fault *faults, unsigned count);
/** The fate of a frame; ask for each frame in turn. */
struct scripted script_fate(struct script *script, uint64_t frame);
void script_free(struct script *script);

#endif
