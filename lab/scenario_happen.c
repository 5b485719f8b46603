/*
 * What happens in a scenario while it runs: programs start, and events do what they say, once or again and again.
 *
 * The seed decides times that are ranges. Each event has a random stream of its own, made from its number: what one
 * draws does not depend on what else is in the scenario.
 */
#include "lab/scenario_run.h"

#include <stdlib.h>
#include <string.h>

#include "lab/world.h"

/* ---- Programs -------------------------------------------------------------------------------------------- */

static void start(struct scenario_program *program)
{
    struct strata_program_config config = {
        .size = sizeof config,
        .name = program->name,
        .program = program->entry->main,
        .argc = program->argc,
        .argv = program->argv,
        .service = program->background,
        .restart = program->restart,
        .status = &program->status,
    };
    int error = strata_node_run(program->node->made, &config);
    program->started = error == 0;
    if (error) {
        char text[200];
        snprintf(text, sizeof text, "%s cannot start on %s: %s", program->name, program->node->name,
                 strerror(-error));
        strata_world_note(program->node->run->world, text);
    }
}

static void start_program(struct strata_world *world, void *context)
{
    (void)world;
    struct scenario_program *program = context;
    program->node->run->events_left--;
    start(program);
}

int scenario_plan_program(struct scenario_run *run, struct scenario_program *program)
{
    run->events_left++;
    if (!program->background)
        run->awaited++;
    return strata_world_at(run->world, program->at, start_program, program);
}

/* ---- Events ---------------------------------------------------------------------------------------------- */

static void change_link(const struct scenario_event *event, const struct scenario_link *link)
{
    for (int direction = 0; direction < 2; direction++) {
        if (!event->direction[direction])
            continue;
        struct strata_impairment impairment;
        strata_cable_impairment(link->made, direction, &impairment);
        impairment_apply(&impairment, &event->impairment, event->changed);
        strata_cable_impair(link->made, direction, &impairment);
        int error = strata_cable_script(link->made, direction, event->faults.items, event->faults.count);
        if (error)
            event->run->world->error = error;
    }
    char text[200];
    snprintf(text, sizeof text, "%s behaves differently from now on", link->name);
    strata_world_note(event->run->world, text);
}

static void happen_to_link(const struct scenario_event *event, struct scenario_link *link)
{
    struct strata_flap flap = {.size = sizeof flap, .down_ns = event->down};
    if (event->action == EVENT_SET)
        change_link(event, link);
    else if (event->action == EVENT_FLAP)
        strata_cable_flap(link->made, &flap);
    else
        strata_cable_set_up(link->made, event->action == EVENT_MEND);
}

static void happen_to_node(const struct scenario_event *event, struct scenario_node *node)
{
    if (event->action == EVENT_RESTART) {
        strata_node_restart(node->made);
        return;
    }
    strata_node_crash(node->made);
    if (event->lose_disk)
        strata_node_lose_disk(node->made);
}

/** Tells who is on which side: at most so many names. */
static void note_sides(const struct scenario_event *event)
{
    char text[160] = "partition:";
    size_t length = strlen(text);
    for (unsigned i = 0; i < event->side_nodes.count; i++)
        for (unsigned j = 0; j < event->side_nodes.items[i].count && length < sizeof text - 8; j++) {
            const char *before = i > 0 && j == 0 ? " |" : j ? "," : "";
            length += (size_t)snprintf(text + length, sizeof text - length, "%s %s", before,
                                       event->side_nodes.items[i].items[j]->name);
            if (length >= sizeof text - 8)
                strcpy(text + sizeof text - 8, " ...");
        }
    strata_world_note(event->run->world, text);
}

static void partition(const struct scenario_event *event)
{
    struct scenario *scenario = event->run->scenario;
    for (unsigned i = 0; i < scenario->nodes.count; i++)
        strata_node_set_side(scenario->nodes.items[i].made, 0);
    for (unsigned i = 0; i < event->side_nodes.count; i++)
        for (unsigned j = 0; j < event->side_nodes.items[i].count; j++)
            strata_node_set_side(event->side_nodes.items[i].items[j]->made, i + 1);
    note_sides(event);
}

static void happen_once(struct strata_world *world, struct scenario_event *event)
{
    for (unsigned i = 0; i < event->links.count; i++)
        happen_to_link(event, event->links.items[i]);
    for (unsigned i = 0; i < event->nodes.count && event->action != EVENT_START; i++)
        happen_to_node(event, event->nodes.items[i]);
    for (unsigned i = 0; i < event->programs.count; i++)
        start(event->programs.items[i]);
    if (event->action == EVENT_PARTITION)
        partition(event);
    else if (event->action == EVENT_HEAL)
        strata_world_heal(world);
    else if (event->action == EVENT_NOTE)
        strata_world_note(world, event->text);
}

/** Of a range the time that the seed decides. */
static strata_time draw(struct scenario_event *event, const struct scenario_span *span)
{
    if (span->most == span->least)
        return span->least;
    return span->least + (strata_time)random_below(event->random, (uint64_t)(span->most - span->least) + 1);
}

static void happen(struct strata_world *world, void *context)
{
    struct scenario_event *event = context;
    bool endless = event->every.most > 0 && event->times == 0;
    bool again = endless || event->times_left > 1;
    event->times_left -= event->times_left > 0;
    // One that comes again for ever is waited for the first time only.
    if (endless ? !event->happened : !again)
        event->run->events_left--;
    event->happened = true;
    happen_once(world, event);
    if (again) {
        int error = strata_world_at(world, strata_world_now(world) + draw(event, &event->every), happen, event);
        if (error)
            world->error = error;
    }
}

/** A random stream for an event that needs one. */
static int make_random(struct scenario_run *run, struct scenario_event *event, unsigned number)
{
    if (event->at.least == event->at.most && event->every.least == event->every.most)
        return 0;
    uint8_t seed[32];
    world_derive(run->world, "event", "", number, seed);
    if (!event->random) // a scenario may run many times
        event->random = arena_take(&run->scenario->arena, sizeof *event->random);
    random_init(event->random, seed);
    return 0;
}

int scenario_plan_events(struct scenario_run *run)
{
    struct scenario *scenario = run->scenario;
    int error = 0;
    for (unsigned i = 0; !error && i < scenario->events.count; i++) {
        struct scenario_event *event = &scenario->events.items[i];
        event->run = run;
        event->times_left = event->times;
        event->happened = false;
        run->events_left++;
        for (unsigned j = 0; j < event->programs.count; j++)
            run->awaited += !event->programs.items[j]->background;
        error = make_random(run, event, i);
        if (!error)
            error = strata_world_at(run->world, draw(event, &event->at), happen, event);
    }
    return error;
}
