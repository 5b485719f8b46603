/**
 * Checks that compute a figure from what hosts, ports and switches did: how fairly a link was shared, what became of
 * congestion windows, which stations a switch knows.
 */
#ifndef LAB_SCENARIO_FIGURES_H
#define LAB_SCENARIO_FIGURES_H

#include "lab/scenario.h"

/** In the order of enum window_word, NULL at the end. */
extern const char *const window_words[];

/** Listens to windows where a check asks for them. @return 0, -ENOMEM. */
int figures_listen(struct scenario_run *run);
/** Whether some check needs the hosts' trace records. */
bool figures_need_trace(const struct scenario *scenario);
void figures_free(struct scenario_run *run);

/** Jain's index of the bytes received at the ports of a check, in thousand-millionths. @return false: one is down. */
bool figure_fairness(const struct scenario_check *check, uint64_t *index);
/** The bytes received at the ports that `of` names. @return false: one is down. */
bool figure_received(const struct scenario_check *check, uint64_t *bytes);
/** A figure of the windows of a node, in thousand-millionths. @return false: there is none yet. */
bool figure_window(const struct scenario_run *run, const struct scenario_check *check, uint64_t *value);
/** How many stations a switch knows: all, those of a node, those behind a port. */
int64_t figure_stations(const struct scenario_check *check);

#endif
