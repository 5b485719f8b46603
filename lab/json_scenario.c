/*
 * What there is to say about a scenario that was read, as JSON: its mistakes, or how large it is and what may be
 * chosen.
 */
#include "lab/json.h"

#include <stdlib.h>
#include <string.h>

/** The word that a complaint suggests, or NULL. */
static json_t *suggestion_of(const char *text)
{
    static const char before[] = "(did you mean ";
    const char *at = strstr(text, before), *end = at ? strstr(at, "?)") : NULL;
    if (!end)
        return json_null();
    char *word = strndup(at + strlen(before), (size_t)(end - at) - strlen(before));
    json_t *string = word ? json_text(word) : json_null();
    free(word);
    return string;
}

static json_t *complaint_json(const struct complaints *complaints, const struct complaint *complaint, const char *file)
{
    unsigned number = complaint->place.file;
    const char *name = number > 0 && number < complaints->file_count ? complaints->files[number] : file;
    if (complaint->place.line == 0)
        return json_pack("{s:n, s:o, s:o}", "file", "message", json_text(complaint->text), "suggestion",
                         suggestion_of(complaint->text));
    return json_pack("{s:o, s:i, s:i, s:o, s:o}", "file", json_text(name), "line", (int)complaint->place.line, "column",
                     (int)complaint->place.column, "message", json_text(complaint->text), "suggestion",
                     suggestion_of(complaint->text));
}

json_t *scenario_parameters_json(const struct scenario *scenario)
{
    json_t *object = json_object();
    for (unsigned i = 0; i < scenario->parameters.count; i++)
        json_object_set_new(object, scenario->parameters.items[i].name, json_text(scenario->parameters.items[i].value));
    return object;
}

static json_t *parameters_json(const struct scenario *scenario)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < scenario->parameters.count; i++) {
        const struct scenario_parameter *parameter = &scenario->parameters.items[i];
        json_t *one = json_pack("{s:o, s:s, s:o, s:o, s:o}", "name", json_text(parameter->name), "type",
                                parameter_type_name(parameter->type), "default",
                                parameter->initial ? json_text(parameter->initial) : json_null(), "value",
                                parameter->value ? json_text(parameter->value) : json_null(), "description",
                                parameter->description ? json_text(parameter->description) : json_null());
        json_t *choices = parameter->choices.count > 0 ? json_array() : NULL;
        for (unsigned j = 0; j < parameter->choices.count; j++)
            json_array_append_new(choices, json_text(parameter->choices.items[j]));
        if (choices)
            json_object_set_new(one, "choices", choices);
        json_array_append_new(list, one);
    }
    return list;
}

json_t *scenario_check_json(const char *file, const struct scenario *scenario, struct complaints *complaints)
{
    complaints_sort(complaints);
    json_t *mistakes = json_array();
    for (unsigned i = 0; i < complaints->count; i++)
        json_array_append_new(mistakes, complaint_json(complaints, &complaints->items[i], file));
    json_t *object =
        json_pack("{s:o, s:b, s:o}", "file", json_text(file), "ok", complaints->count == 0, "mistakes", mistakes);
    if (object && scenario) {
        json_object_set_new(object, "nodes", json_integer(scenario->nodes.count));
        json_object_set_new(object, "links", json_integer(scenario->links.count));
        json_object_set_new(object, "events", json_integer(scenario->events.count));
        json_object_set_new(object, "checks", json_integer(scenario->checks.count));
        json_object_set_new(object, "parameters", parameters_json(scenario));
    }
    return object;
}
