/**
 * JSON of the lab, for those who print more than the result of one run.
 */
#ifndef LAB_JSON_H
#define LAB_JSON_H

#include <jansson.h>

#include "lab/scenario.h"

/** A text as JSON has it: bytes that are no UTF-8 (a sentence may quote any) become question marks. */
json_t *json_text(const char *text);
/** What scenario_json prints. NULL without memory. */
json_t *scenario_json_object(const struct scenario_run *run);

#endif
