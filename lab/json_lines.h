/**
 * What happens in a world as JSON, one object a line, for programs: the timeline's events with nothing summed up.
 * docs/trace.md lists the keys. Levels of detail:
 *
 *     0   frames sent, lost and faulty, what programs print, their starts and ends, notes
 *     1   also frames delivered, drops with their reasons, changes of state of TCP
 *     2   also every other trace record of every host
 */
#ifndef LAB_JSON_LINES_H
#define LAB_JSON_LINES_H

#include <stdio.h>

#include <strata/lab.h>

struct json_lines;
struct json_lines_config {
    FILE *to;
    int level;
    strata_time from; /**< Nothing is written before. */
};
/** Listens to the world from now on. @return 0, -ENOMEM. */
int json_lines_new(struct json_lines **lines, struct strata_world *world, const struct json_lines_config *config);
/** Only after the world was freed, or will not run any more. */
void json_lines_free(struct json_lines *lines);

#endif
