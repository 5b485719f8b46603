/*
 * strata lab check: reads scenarios and tells every mistake in them. And strata lab FILE --help: what a scenario is
 * about, and what may be chosen of it.
 */
#include "tool/lab.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lab/json.h"

static struct scenario_input input_of(const struct lab_options *options, const char *file)
{
    return (struct scenario_input){.file = file,
                                   .sets = options->sets,
                                   .set_count = options->set_count,
                                   .load = scenario_load_file,
                                   .expanded = options->expanded ? stdout : NULL};
}

int lab_expand(const struct lab_options *options, struct scenario **scenario, FILE *to)
{
    struct complaints complaints = {0};
    struct scenario_input input = input_of(options, options->file);
    input.expanded = to;
    int error = scenario_read(scenario, &input, &complaints);
    int status = 0;
    if (error == -EINVAL) {
        complaints_print(&complaints, options->file, stderr);
        status = TOOL_USAGE;
    } else if (error) {
        status = tool_complain(TOOL_FAILED, "%s: %s", options->file, strerror(-error));
    }
    complaints_free(&complaints);
    return status;
}

int lab_load(const struct lab_options *options, struct scenario **scenario)
{
    return lab_expand(options, scenario, NULL);
}

static void print_right(const char *file, const struct scenario *scenario)
{
    printf("%s: %u nodes, %u links, %u events, %u checks: nothing wrong\n", file, scenario->nodes.count,
           scenario->links.count, scenario->events.count, scenario->checks.count);
    for (unsigned i = 0; i < scenario->parameters.count; i++)
        printf("%s%s=%s%s", i ? ", " : "  with ", scenario->parameters.items[i].name,
               scenario->parameters.items[i].value, i + 1 == scenario->parameters.count ? "\n" : "");
}

static void print_result(const struct lab_options *options, const char *file, const struct scenario *scenario,
                         struct complaints *complaints, json_t *list)
{
    if (options->json)
        json_array_append_new(list, scenario_check_json(file, scenario, complaints));
    else if (!scenario)
        complaints_print(complaints, file, stderr);
    else if (!options->expanded)
        print_right(file, scenario);
}

/** @return the exit status. */
static int check_file(const struct lab_options *options, const char *file, json_t *list)
{
    struct complaints complaints = {0};
    struct scenario *scenario = NULL;
    struct scenario_input input = input_of(options, file);
    int error = scenario_read(&scenario, &input, &complaints), status = error ? TOOL_USAGE : TOOL_OK;
    if (error && error != -EINVAL)
        status = tool_complain(TOOL_FAILED, "%s: %s", file, strerror(-error));
    else
        print_result(options, file, scenario, &complaints, list);
    scenario_free(scenario);
    complaints_free(&complaints);
    return status;
}

int lab_check(const struct lab_options *options)
{
    int status = TOOL_OK;
    json_t *list = json_array();
    for (int i = 0; i < options->file_count; i++) {
        int one = check_file(options, options->files[i], list);
        status = one > status ? one : status;
    }
    json_t *object = json_pack("{s:b, s:o}", "ok", status == TOOL_OK, "scenarios", list);
    if (options->json)
        json_dumpf(object, stdout, JSON_INDENT(2));
    if (options->json)
        putchar('\n');
    json_decref(object);
    return tool_flush(status);
}

static void explain_parameter(const struct scenario_parameter *parameter)
{
    char left[200];
    int length = snprintf(left, sizeof left, "  --set %s=%s", parameter->name,
                          parameter->initial ? parameter->initial : parameter_type_name(parameter->type));
    printf("%-28s", left);
    if (length >= 28)
        printf("\n%28s", "");
    printf("%s", parameter->description ? parameter->description : parameter_type_name(parameter->type));
    for (unsigned i = 0; i < parameter->choices.count; i++)
        printf("%s%s", i ? ", " : parameter->description ? ": " : " of ", parameter->choices.items[i]);
    printf("%s\n", parameter->initial ? "" : " (must be given)");
}

int lab_explain(const struct lab_options *options)
{
    struct complaints complaints = {0};
    struct scenario *scenario = NULL;
    struct scenario_input input = input_of(options, options->file ? options->file : options->files[0]);
    input.only_parameters = true;
    int error = scenario_read(&scenario, &input, &complaints);
    if (error && error != -EINVAL)
        return tool_complain(TOOL_FAILED, "%s: %s", input.file, strerror(-error));
    complaints_print(&complaints, input.file, stderr);
    complaints_free(&complaints);
    if (error)
        return TOOL_USAGE;
    printf("%s\n", scenario->title ? scenario->title : input.file);
    size_t length = scenario->description ? strlen(scenario->description) : 0;
    if (length > 0)
        printf("%s%s", scenario->description, scenario->description[length - 1] == '\n' ? "" : "\n");
    printf(scenario->parameters.count > 0 ? "\nparameters and their defaults:\n" : "\nIt has no parameters.\n");
    for (unsigned i = 0; i < scenario->parameters.count; i++)
        explain_parameter(&scenario->parameters.items[i]);
    printf("\n'strata lab --help' explains everything else.\n");
    scenario_free(scenario);
    return tool_flush(TOOL_OK);
}

int lab_schema(void)
{
    char *text = scenario_schema();
    if (!text)
        return tool_complain(TOOL_FAILED, "out of memory");
    puts(text);
    free(text);
    return tool_flush(TOOL_OK);
}
