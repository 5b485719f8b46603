/*
 * strata lab --real: the world keeps pace with the machine's clock (real.c), and nodes of kind outside are
 * interfaces and sockets of this machine. Time is not virtual then, and no two runs are alike.
 */
#include "tool/lab.h"

#include <string.h>

/** The n-th node that is outside, or NULL. */
static const struct scenario_node *outside(const struct scenario *scenario, unsigned n)
{
    for (unsigned i = 0; i < scenario->nodes.count; i++)
        if (scenario->nodes.items[i].kind == SCENARIO_OUTSIDE && n-- == 0)
            return &scenario->nodes.items[i];
    return NULL;
}

static struct strata_device device_of(void *context, const struct scenario_node *node)
{
    struct real *real = context;
    unsigned i = 0;
    while (real->ends[i].text != node->device)
        i++;
    return real_end_device(&real->ends[i]);
}

/** Opens the devices of all that is outside. */
static int open_ends(struct real *real, const struct scenario *scenario)
{
    const struct scenario_node *node, *other;
    int status = 0;
    for (unsigned i = 0; !status && (node = outside(scenario, i)); i++) {
        for (unsigned j = 0; !status && j < i && (other = outside(scenario, j)); j++)
            if (strcmp(node->device, other->device) == 0)
                status = tool_complain(TOOL_USAGE, "%s and %s are both %s", other->name, node->name, node->device);
        if (!status)
            status = real_end_open(&real->ends[i], node->device);
    }
    return status;
}

int lab_real_open(struct real *real, struct lab_options *options, const struct scenario *scenario)
{
    unsigned count = 0;
    while (outside(scenario, count))
        count++;
    *real = (struct real){.extra_fd = -1};
    if (count > 0 && !options->real)
        return tool_complain(TOOL_USAGE, "%s is outside, at %s: with --real the world meets it",
                             outside(scenario, 0)->name, outside(scenario, 0)->device);
    if (!options->real)
        return 0;
    if (options->live)
        return tool_complain(TOOL_USAGE, "--real and --live do not go together: only one of them has the clock");
    int status = real_open(real, count);
    if (!status)
        status = open_ends(real, scenario);
    if (status)
        real_close(real);
    options->scenario.outside = device_of;
    options->scenario.outside_context = real;
    // Whoever serves real machines does so until it is told to stop.
    if (count > 0 && !scenario->duration_said && !options->scenario.duration) {
        options->scenario.duration = STRATA_NEVER;
        options->scenario.open_end = true;
    }
    return status;
}

void lab_real_begin(struct real *real, const struct lab_options *options, struct scenario_run *run)
{
    if (!options->real)
        return;
    const struct scenario_node *node;
    for (unsigned i = 0; (node = outside(run->scenario, i)); i++) {
        real->ends[i].node = node->made;
        fprintf(stderr, "%s is %s\n", node->name, node->device);
    }
    if (real->count > 0)
        strata_world_set_limit(run->world, 0);
    fprintf(stderr, "in real time; Ctrl-C ends it\n");
    real_begin(real, run->world);
}

void lab_real_tell(const struct real *real, const struct lab_options *options)
{
    if (options->real)
        real_tell(real, options->json || options->jsonl ? stderr : stdout);
}
