/**
 * What the files that run a scenario share.
 */
#ifndef LAB_SCENARIO_RUN_H
#define LAB_SCENARIO_RUN_H

#include "lab/scenario.h"

/* scenario_happen.c */
/** A program starts when it is to. @return 0, -ENOMEM. */
int scenario_plan_program(struct scenario_run *run, struct scenario_program *program);
/** Events happen when they are to. @return 0, -ENOMEM. */
int scenario_plan_events(struct scenario_run *run);

#endif
