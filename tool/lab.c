/*
 * strata lab: reads a scenario, lets its world run in virtual time, shows what happens and judges the checks.
 */
#include "tool/lab.h"

#include <stdlib.h>

#include "tool/live.h"

/** Runs with its listeners; they end before the world does. */
static int run_watched(struct lab_job *job)
{
    struct lab_watch watch = {0};
    struct scenario_options run = job->options->scenario;
    lab_guard_begin(&job->guard, job->options, job->run->scenario, job->run->world, &run);
    struct live *live = NULL;
    int status = lab_watch_open(&watch, job);
    if (!status && job->options->live)
        status = live_begin(&live, job, &run);
    int error = status ? 0 : scenario_go(job->run, &run);
    lab_guard_end(&job->guard, job->run->stopped);
    live_linger(live);
    live_free(live);
    int written = lab_watch_close(&watch, job);
    if (status)
        return status;
    if (error)
        return lab_run_failed(error);
    status = lab_report(job, &watch);
    return written && status < TOOL_USAGE ? written : status;
}

static int run_once(struct lab_options *options, struct scenario *scenario)
{
    struct scenario_run run;
    struct real real;
    int status = lab_real_open(&real, options, scenario);
    if (status)
        return status;
    options->scenario.trace_hosts = lab_watch_traces(options);
    int error = scenario_build(&run, scenario, &options->scenario);
    struct lab_job job = {.options = options, .run = &run};
    if (!error)
        lab_real_begin(&real, options, &run);
    status = error ? lab_run_failed(error) : run_watched(&job);
    lab_real_tell(&real, options);
    scenario_run_free(&run);
    real_close(&real);
    return status;
}

static int do_it(struct lab_options *options, struct scenario *scenario)
{
    lab_guard_signals();
    if (options->verb == LAB_MANY && options->seeds.count == 0) {
        uint64_t seed = options->scenario.seed ? options->scenario.seed : scenario->seed;
        options->seeds.ranges[0].first = options->seeds.ranges[0].last = seed;
        options->seeds.count = 1;
        seeds_rewind(&options->seeds);
    }
    if (options->verb == LAB_MANY)
        return lab_many(options, scenario);
    return run_once(options, scenario);
}

int tool_lab(int argc, char **argv)
{
    struct lab_options options = {0};
    struct scenario *scenario = NULL;
    int status = lab_options_read(&options, argc, argv);
    if (status == 0 && options.help) {
        status = lab_explain(&options);
    } else if (status == 0 && options.verb == LAB_SCHEMA) {
        status = lab_schema();
    } else if (status == 0 && options.verb == LAB_CHECK) {
        status = lab_check(&options);
    } else if (status == 0 && options.verb == LAB_SWEEP) {
        lab_guard_signals();
        status = lab_sweep(&options);
    } else if (status == 0) {
        status = lab_load(&options, &scenario);
        if (status == 0)
            status = do_it(&options, scenario);
    }
    scenario_free(scenario);
    free(options.sets);
    grid_free(&options.grid);
    free(options.again);
    return status;
}
