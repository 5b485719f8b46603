/**
 * Checks of one class of a queue.
 */
#ifndef LAB_SCENARIO_CLASSES_H
#define LAB_SCENARIO_CLASSES_H

#include "lab/scenario.h"

/** Complains about a class that is not there, and what is not counted of one. */
void classes_verify(const struct scenario_check *check, struct complaints *complaints);
/** What a class counted in one direction. @return false: it has none of that name there. */
bool class_counts(const struct scenario_check *check, int direction, struct strata_queue_counts *counts);
/** The number that a check asks for, of both directions. */
int64_t class_count(const struct scenario_check *check);

#endif
