/*
 * The result of a run as one JSON object.
 */
#include "lab/json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

json_t *json_text(const char *text)
{
    json_t *string = json_string(text ? text : "");
    char *copy = string ? NULL : strdup(text);
    if (!copy)
        return string;
    for (char *c = copy; *c; c++)
        if ((unsigned char)*c >= 128)
            *c = '?';
    string = json_string(copy);
    free(copy);
    return string;
}

json_t *json_value(const struct scenario_value *value)
{
    if (value->is_time || value->in_billionths)
        return json_real((double)value->number / 1e9);
    return json_integer(value->number);
}

json_t *scenario_json_object(const struct scenario_run *run)
{
    char hash[20];
    snprintf(hash, sizeof hash, "%016" PRIx64, strata_world_hash(run->world));
    json_t *checks = json_array();
    for (unsigned i = 0; i < run->result_count; i++) {
        const struct scenario_result *result = &run->results[i];
        json_t *one = json_pack("{s:o, s:b, s:o}", "name", json_text(result->name), "ok", (int)result->ok,
                                "detail", json_text(result->detail));
        if (result->value.there)
            json_object_set_new(one, "value", json_value(&result->value));
        json_array_append_new(checks, one);
    }
    json_t *object =
        json_pack("{s:b, s:o, s:I, s:f, s:I, s:s, s:o}", "ok", (int)run->ok, "scenario",
                  json_text(run->scenario->file), "seed", (json_int_t)strata_world_seed(run->world),
                  "virtual_seconds", (double)strata_world_now(run->world) / 1e9, "frames",
                  (json_int_t)strata_world_frames(run->world), "hash", hash, "checks", checks);
    if (object && run->scenario->parameters.count > 0)
        json_object_set_new(object, "parameters", scenario_parameters_json(run->scenario));
    if (object && run->stopped)
        json_object_set_new(object, "ok", json_null()); // nobody has judged
    return object;
}

char *scenario_json(const struct scenario_run *run)
{
    json_t *object = scenario_json_object(run);
    char *text = object ? json_dumps(object, JSON_INDENT(2)) : NULL;
    json_decref(object);
    return text;
}
