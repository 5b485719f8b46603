/**
 * The timeline: what happens in a world, one line each, for people. Levels of detail:
 *
 *     0   what hosts say to each other, losses and faults, programs, notes; long transfers are summed up
 *     1   also every hop over a router, drops with their reasons, changes of state of TCP
 *     2   also every cable, switches included, with the whole line of the frame printer; nothing is summed up
 */
#ifndef LAB_TIMELINE_H
#define LAB_TIMELINE_H

#include <stdio.h>

#include <strata/lab.h>

struct timeline;
struct timeline_config {
    FILE *to;
    int level;
    bool colour;
    strata_time from; /**< Nothing is written before. */
};
/** Listens to the world from now on. @return 0, -ENOMEM. */
int timeline_new(struct timeline **timeline, struct strata_world *world,
                 const struct timeline_config *config);
/** Writes what was held back for a summary. */
void timeline_finish(struct timeline *timeline);
/** Only after the world was freed, or will not run any more. */
void timeline_free(struct timeline *timeline);

#endif
