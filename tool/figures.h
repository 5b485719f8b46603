/**
 * Numbers that are wanted from runs, besides whether checks hold. How they are written:
 *
 *     done                       when the last program that is waited for had ended
 *     frames                     sent in the whole world
 *     NAME                       what a check of that name looked at, or of which it is a part
 *     COUNTER, NODE:COUNTER      a counter, of all nodes or of one; and NODE:goodput, NODE:received
 *     LINK:WORD, LINK:WORD:backward    what is counted or measured on a link, such as lost, queue, throughput, delay
 */
#ifndef TOOL_FIGURES_H
#define TOOL_FIGURES_H

#include "lab/scenario.h"
#include "lab/seen.h"

enum { FIGURES_MAX = 24 };
enum figure_kind {
    FIGURE_DONE,
    FIGURE_FRAMES,
    FIGURE_CHECK,   /**< One of the scenario's checks, by its index. */
    FIGURE_JUDGED,  /**< A check made for the purpose. */
    FIGURE_GOODPUT, /**< Bytes of TCP streams that came to a node for the first time, over the time that took. */
};
struct figure {
    const char *text;
    enum figure_kind kind;
    unsigned index;
    struct scenario_check check;
    const struct scenario_node *node;
    /* While it runs */
    struct seen seen;
    uint64_t bytes;
    strata_time first, last;
    bool any;
};
struct figures {
    struct figure items[FIGURES_MAX];
    unsigned count;
};
/** @return false: there are too many. */
bool figures_add(struct figures *figures, const char *text);
/** Finds what is meant in a scenario. @return NULL, or what is wrong in a sentence, valid until the next call. */
const char *figures_find(struct figures *figures, const struct scenario *scenario);
/** Begins to listen, before the world runs. @return 0 or a negative errno. */
int figures_begin(struct figures *figures, struct scenario_run *run);
/** After the run was judged: their values. */
void figures_read(struct figures *figures, struct scenario_run *run, struct scenario_value *values);
/** After each run. */
void figures_end(struct figures *figures);

#endif
