/**
 * JSON of the lab, for those who print more than the result of one run.
 */
#ifndef LAB_JSON_H
#define LAB_JSON_H

#include <jansson.h>

#include "lab/scenario.h"

/** A text as JSON has it: bytes that are no UTF-8 (a sentence may quote any) become question marks. */
json_t *json_text(const char *text);
/** Times are in seconds, rates in bits per second. */
json_t *json_value(const struct scenario_value *value);
/** What scenario_json prints. NULL without memory. */
json_t *scenario_json_object(const struct scenario_run *run);
/** From the names of its parameters to their values. */
json_t *scenario_parameters_json(const struct scenario *scenario);
/** The scenario language as a JSON schema, malloc'ed. */
char *scenario_schema(void);
/** What a check of a scenario says: its mistakes, or, with a scenario, how large it is and what may be chosen. */
json_t *scenario_check_json(const char *file, const struct scenario *scenario, struct complaints *complaints);

#endif
