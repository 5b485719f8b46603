/**
 * A scenario of a few lines, run, and what its first check says.
 */
#ifndef TESTS_LAB_VERDICT_H
#define TESTS_LAB_VERDICT_H

#include <stdio.h>
#include <string.h>

#include "lab/scenario.h"
#include "tests/test.h"

/** The detail of the first check, or the complaints. */
static char said[4000];

/** @return whether the first check holds. `checks` follows `world` in the file. */
static bool verdict(const char *world, const char *checks)
{
    char text[4000];
    struct complaints complaints = {0};
    struct scenario *scenario = NULL;
    struct scenario_options options = {0};
    struct scenario_run run;
    snprintf(text, sizeof text, "%s%s", world, checks);
    said[0] = '\0';
    if (scenario_parse(&scenario, "t", text, strlen(text), &complaints) != 0) {
        FILE *to = fmemopen(said, sizeof said, "w");
        complaints_print(&complaints, "t", to);
        fclose(to);
        complaints_free(&complaints);
        return false;
    }
    REQUIRE(scenario_build(&run, scenario, &options) == 0 && scenario_go(&run, &options) == 0);
    bool ok = run.ok;
    snprintf(said, sizeof said, "%s", run.results[0].detail);
    scenario_run_free(&run);
    scenario_free(scenario);
    complaints_free(&complaints);
    return ok;
}

#endif
