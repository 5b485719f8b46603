/*
 * Making the world that a scenario describes, and letting it run until nobody is waited for any more.
 */
#include "lab/scenario_run.h"
#include "lab/scenario_figures.h"
#include "lab/scenario_segments.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "lab/world.h"

/** How long a world goes on after the last program ended, so that connections close and the trace is whole.
 */
#define GOODBYE_NS STRATA_SECOND

uint8_t *scenario_file_bytes(const struct scenario_file *file)
{
    uint8_t *bytes = malloc(file->bytes ? file->bytes : 1);
    if (!bytes)
        return NULL;
    size_t size = (size_t)file->bytes;
    if (file->pattern == FILE_RANDOM) {
        // From the path alone: the same file in every run, whatever the seed.
        uint8_t seed[32] = {0};
        for (size_t i = 0; file->path[i]; i++)
            seed[i % 32] = (uint8_t)(seed[i % 32] * 31 + (uint8_t)file->path[i]);
        struct random random;
        random_init(&random, seed);
        random_fill(&random, bytes, size);
        return bytes;
    }
    size_t length = file->pattern == FILE_TEXT || file->pattern == FILE_CONTENT ? strlen(file->content) : 1;
    for (size_t i = 0; i < size; i++)
        bytes[i] = file->pattern == FILE_ZERO    ? 0
                   : file->pattern == FILE_COUNT ? (uint8_t)i
                                                 : (uint8_t)file->content[i % length];
    return bytes;
}

/* ---- Building
 * ----------------------------------------------------------------------------------------------- */

static int put_files(struct scenario_node *node)
{
    for (unsigned i = 0; i < node->files.count; i++) {
        const struct scenario_file *file = &node->files.items[i];
        struct strata_memory_disk *disk = strata_node_disk(node->made);
        uint8_t *bytes = disk ? scenario_file_bytes(file) : NULL;
        if (!bytes)
            return -ENOMEM;
        int error = strata_memory_disk_put(disk, file->path, bytes, (size_t)file->bytes,
                                           STRATA_LAB_EPOCH_NS / STRATA_SECOND);
        free(bytes);
        if (error)
            return error;
    }
    return 0;
}

static int make_node(struct scenario_run *run, struct scenario_node *node, const struct scenario_options *options)
{
    struct strata_world *world = run->world;
    switch (node->kind) {
    case SCENARIO_HOST:
        node->made = strata_world_host(world, node->name, NULL);
        break;
    case SCENARIO_ROUTER:
        node->made = strata_world_router(world, node->name, NULL);
        break;
    case SCENARIO_SWITCH:
        node->made =
            strata_world_switch(world, node->name, (unsigned)(node->port_count ? node->port_count : 1));
        break;
    case SCENARIO_HUB:
        node->made = strata_world_hub(world, node->name, (unsigned)(node->port_count ? node->port_count : 1));
        break;
    case SCENARIO_OUTSIDE:
        if (!options->outside)
            return -EOPNOTSUPP;
        node->made = strata_world_device(world, node->name, options->outside(options->outside_context, node));
        break;
    }
    if (!node->made)
        return -ENOMEM;
    // In the order of their numbers, whatever the order of the links.
    for (int port = 1; port <= node->port_count; port++) {
        const struct scenario_link *link = node->links[port];
        uint32_t mtu_bytes = link && link->config.mtu_bytes ? link->config.mtu_bytes : 1500;
        int made =
            node_make_port(node->made, port, link ? link->config.link : STRATA_LINK_ETHERNET, mtu_bytes);
        if (made < 0)
            return made;
    }
    return 0;
}

static int make_bus(struct scenario_run *run, struct scenario_link *link)
{
    struct strata_bus_end *ends = arena_take(&run->scenario->arena, link->ends * sizeof *ends);
    for (unsigned i = 0; i < link->ends; i++)
        ends[i] = (struct strata_bus_end){.node = link->end[i].node->made, .port = link->end[i].port};
    link->bus->config.name = link->name;
    link->made = strata_world_bus(run->world, ends, link->ends, &link->bus->config);
    return link->made ? 0 : -ENOMEM;
}

static int make_link(struct scenario_run *run, struct scenario_link *link)
{
    if (link->bus)
        return make_bus(run, link);
    link->config.name = link->name;
    link->config.port_a = link->end[0].port;
    link->config.port_b = link->end[1].port;
    link->made =
        strata_world_cable(run->world, link->end[0].node->made, link->end[1].node->made, &link->config);
    int error = link->made ? 0 : -ENOMEM;
    for (int i = 0; !error && i < 2; i++)
        error = strata_cable_script(link->made, i, link->faults[i].items, link->faults[i].count);
    return error;
}

static int configure_node(struct scenario_node *node)
{
    int error = 0;
    if (node->has_forwarding) {
        error = strata_node_set(node->made, "net.ipv4.ip_forward", node->forwarding);
        if (!error)
            error = strata_node_set(node->made, "net.ipv6.conf.all.forwarding", node->forwarding);
    }
    for (unsigned i = 0; !error && i < node->settings.count; i++)
        error = strata_node_set(node->made, node->settings.items[i].name, node->settings.items[i].value);
    // Those of a machine outside are its own business.
    for (unsigned i = 0; !error && node->kind != SCENARIO_OUTSIDE && i < node->addresses.count; i++)
        error = strata_node_address(node->made, node->addresses.items[i].port, node->addresses.items[i].text);
    for (unsigned i = 0; !error && i < node->routes.count; i++)
        error = strata_node_route(node->made, node->routes.items[i].prefix, node->routes.items[i].gateway);
    if (node->has_resolver)
        node_set_resolver(node->made, &node->resolver);
    return error ? error : put_files(node);
}

/* ---- What happens ---------------------------------------------------------------------------------------- */

/** `dhcp: true` is a DHCP client that runs as long as its host does. */
static int plan_dhcp(struct scenario_run *run, struct scenario_node *node)
{
    static char *const argv[] = {(char *)"dhcp-client", NULL};
    struct scenario_program *program = arena_take(&run->arena, sizeof *program);
    *program = (struct scenario_program){
        .name = "dhcp-client",
        .entry = program_find("dhcp-client"),
        .argc = 1,
        .argv = (char **)argv,
        .restart = true,
        .background = true,
        .node = node,
    };
    return program->entry ? scenario_plan_program(run, program) : -ENOENT;
}

static int plan(struct scenario_run *run)
{
    struct scenario *scenario = run->scenario;
    int error = 0;
    for (unsigned i = 0; !error && i < scenario->nodes.count; i++) {
        struct scenario_node *node = &scenario->nodes.items[i];
        node->run = run;
        if (node->dhcp)
            error = plan_dhcp(run, node);
        for (unsigned j = 0; !error && j < node->programs.count; j++) {
            node->programs.items[j].node = node;
            error = scenario_plan_program(run, &node->programs.items[j]);
        }
    }
    return error ? error : scenario_plan_events(run);
}

static void log_text(struct text_log *log, const char *text, size_t length)
{
    if (log->length + length + 1 > log->room) {
        size_t room = (log->length + length + 1) * 2;
        char *larger = realloc(log->text, room);
        if (!larger)
            return;
        log->text = larger;
        log->room = room;
    }
    memcpy(log->text + log->length, text, length);
    log->length += length;
    log->text[log->length] = '\0';
}

static void remember_output(void *context, const struct strata_lab_event *event)
{
    struct scenario_run *run = context;
    if (event->kind != STRATA_LAB_PRINT)
        return;
    struct scenario_node *node = &run->scenario->nodes.items[event->node->index];
    log_text(&node->output, event->text, event->length);
    for (unsigned i = 0; event->program && i < node->programs.count; i++)
        if (strcmp(node->programs.items[i].name, event->program) == 0)
            log_text(&node->programs.items[i].output, event->text, event->length);
    for (unsigned i = 0; event->program && i < run->scenario->events.count; i++) {
        const struct scenario_event *start = &run->scenario->events.items[i];
        for (unsigned j = 0; j < start->programs.count; j++) {
            struct scenario_program *program = start->programs.items[j];
            if (program->node == node && strcmp(program->name, event->program) == 0)
                log_text(&program->output, event->text, event->length);
        }
    }
}

/** Listens to the cables that a check measures. */
static int measure_cables(struct scenario_run *run)
{
    int error = 0;
    for (unsigned i = 0; !error && i < run->scenario->checks.count; i++)
        if (run->scenario->checks.items[i].kind == CHECK_MEASURE)
            error = measure_add(&run->measure, run->scenario->checks.items[i].link->made);
    return error || run->measure.count == 0 ? error : measure_begin(&run->measure, run->world);
}

int scenario_build(struct scenario_run *run, struct scenario *scenario,
                   const struct scenario_options *options)
{
    *run = (struct scenario_run){.scenario = scenario};
    struct strata_world_config config = {
        .size = sizeof config,
        .seed = options->seed ? options->seed : scenario->seed,
        .trace_hosts = options->trace_hosts || figures_need_trace(scenario),
    };
    int error = strata_world_new(&run->world, &config);
    if (!error)
        strata_world_set_limit(run->world, scenario->events_max);
    for (unsigned i = 0; !error && i < scenario->nodes.count; i++)
        error = make_node(run, &scenario->nodes.items[i], options);
    for (unsigned i = 0; !error && i < scenario->links.count; i++)
        error = make_link(run, &scenario->links.items[i]);
    for (unsigned i = 0; !error && i < scenario->nodes.count; i++)
        error = configure_node(&scenario->nodes.items[i]);
    if (!error)
        error = plan(run);
    if (!error)
        error = strata_world_listen(run->world, remember_output, run);
    if (!error)
        error = segments_listen(run);
    if (!error)
        error = figures_listen(run);
    return error ? error : measure_cables(run);
}

/* ---- Running
 * -------------------------------------------------------------------------------------------------- */

static bool nobody_is_waited_for(void *context)
{
    struct scenario_run *run = context;
    return run->awaited > 0 && run->events_left == 0 && strata_world_programs_done(run->world);
}

static bool is_checked(const struct scenario *scenario, const struct scenario_program *program)
{
    for (unsigned i = 0; i < scenario->checks.count; i++)
        if (scenario->checks.items[i].kind == CHECK_PROGRAM && scenario->checks.items[i].program == program)
            return true;
    // Whoever lets a host crash does not expect its programs to end well.
    for (unsigned i = 0; i < scenario->events.count; i++) {
        const struct scenario_event *event = &scenario->events.items[i];
        for (unsigned j = 0; event->action == EVENT_CRASH && j < event->nodes.count; j++)
            if (event->nodes.items[j] == program->node)
                return true;
    }
    return false;
}

static int judge(struct scenario_run *run, const struct scenario_check *check)
{
    struct scenario_result *results = realloc(run->results, (run->result_count + 1) * sizeof *results);
    if (!results)
        return -ENOMEM;
    run->results = results;
    struct scenario_result *result = &results[run->result_count++];
    *result = (struct scenario_result){.name = check->name};
    run->value = (struct scenario_value){0};
    result->ok = scenario_judge(run, check, &result->detail);
    result->value = run->value;
    run->ok = run->ok && result->ok;
    return 0;
}

/** A program that is waited for must end well, whether or not the scenario says so. */
static int judge_program(struct scenario_run *run, struct scenario_program *program)
{
    if (program->background || is_checked(run->scenario, program))
        return 0;
    size_t length = strlen(program->name) + strlen(program->node->name) + 40;
    char *name = arena_take(&run->arena, length);
    snprintf(name, length, "program %s on %s ends with status 0", program->name, program->node->name);
    struct scenario_check check = {
        .kind = CHECK_PROGRAM, .name = name, .target = program->name, .program = program, .has_exits = true};
    return judge(run, &check);
}

static int judge_all(struct scenario_run *run)
{
    struct scenario *scenario = run->scenario;
    int error = 0;
    run->ok = true;
    for (unsigned i = 0; !error && i < scenario->checks.count; i++)
        error = judge(run, &scenario->checks.items[i]);
    for (unsigned i = 0; !error && i < scenario->nodes.count; i++)
        for (unsigned j = 0; !error && j < scenario->nodes.items[i].programs.count; j++)
            error = judge_program(run, &scenario->nodes.items[i].programs.items[j]);
    for (unsigned i = 0; !error && i < scenario->events.count; i++)
        for (unsigned j = 0; !error && j < scenario->events.items[i].programs.count; j++)
            error = judge_program(run, scenario->events.items[i].programs.items[j]);
    return error;
}

/** One who looks after a run, between its moments. */
struct running {
    struct scenario_run *run;
    const struct scenario_options *options;
    bool farewell; /**< Nobody is waited for any more. */
};

static bool moment_is_last(void *context)
{
    struct running *running = context;
    if (running->options->stop && running->options->stop(running->options->stop_context))
        running->run->stopped = true;
    return running->run->stopped || (!running->farewell && nobody_is_waited_for(running->run));
}

/** Programs that are still waited for, as far as there is room for them. */
struct waited {
    char text[300];
    size_t length;
    unsigned left_out;
};

static void add_waited(struct waited *waited, const struct scenario_program *program)
{
    if (program->background || !program->started || program->status != -1)
        return;
    if (waited->length + strlen(program->name) + strlen(program->node->name) + 60 > sizeof waited->text)
        waited->left_out++;
    else
        waited->length +=
            (size_t)snprintf(waited->text + waited->length, sizeof waited->text - waited->length, "%s%s on %s",
                             waited->length ? ", " : "", program->name, program->node->name);
}

static const char *who_runs(const struct scenario *scenario, struct waited *waited)
{
    *waited = (struct waited){0};
    for (unsigned i = 0; i < scenario->nodes.count; i++)
        for (unsigned j = 0; j < scenario->nodes.items[i].programs.count; j++)
            add_waited(waited, &scenario->nodes.items[i].programs.items[j]);
    for (unsigned i = 0; i < scenario->events.count; i++)
        for (unsigned j = 0; j < scenario->events.items[i].programs.count; j++)
            add_waited(waited, scenario->events.items[i].programs.items[j]);
    if (waited->length == 0)
        return "no program was waited for";
    size_t room = sizeof waited->text - waited->length;
    if (waited->left_out > 0)
        snprintf(waited->text + waited->length, room, " and %u more still ran", waited->left_out);
    else
        snprintf(waited->text + waited->length, room, " still ran");
    return waited->text;
}

const char scenario_limit_check[] = "the world ends within its limits";

/** A world that had to be stopped has failed, whatever its checks say. */
static int judge_limit(struct scenario_run *run, bool by_events)
{
    struct waited waited;
    struct scenario_result *results = realloc(run->results, (run->result_count + 1) * sizeof *results);
    if (!results)
        return -ENOMEM;
    run->results = results;
    struct scenario_result *result = &results[run->result_count++];
    *result = (struct scenario_result){.name = scenario_limit_check};
    run->ok = false;
    strata_time now = strata_world_now(run->world);
    if (asprintf(&result->detail,
                 "stopped after %" PRIu64 " events, at %" PRId64 ".%03" PRId64 " s of virtual time, while %s; "
                 "limits: {%s: ...} raises the limit",
                 strata_world_events(run->world), now / STRATA_SECOND, now % STRATA_SECOND / STRATA_MILLISECOND,
                 who_runs(run->scenario, &waited), by_events ? "events" : "time") < 0)
        result->detail = NULL;
    return result->detail ? 0 : -ENOMEM;
}

/** When the run is over at the latest. */
static strata_time end_of(const struct scenario *scenario, const struct scenario_options *options)
{
    strata_time end = options->duration ? options->duration : scenario->duration;
    return scenario->time_max && scenario->time_max < end ? scenario->time_max : end;
}

int scenario_go(struct scenario_run *run, const struct scenario_options *options)
{
    strata_time end = end_of(run->scenario, options);
    strata_time until = options->until && options->until < end ? options->until : end;
    struct running running = {.run = run, .options = options};
    int result = strata_world_run_until(run->world, moment_is_last, &running, until);
    run->ended = strata_world_now(run->world);
    bool over = result == 1 && !run->stopped;
    strata_time goodbye = run->ended + GOODBYE_NS < end ? run->ended + GOODBYE_NS : end;
    if (over) {
        running.farewell = true;
        result = strata_world_run_until(run->world, moment_is_last, &running, goodbye < until ? goodbye : until);
    }
    if (until < (over ? goodbye : end))
        run->stopped = true;
    if (options->open_end)
        run->stopped = false;
    bool by_events = result == -EDQUOT, by_time = !over && end == run->scenario->time_max;
    if ((result < 0 && !by_events) || run->stopped)
        return result < 0 ? result : 0;
    int error = judge_all(run);
    return error || !(by_events || by_time) ? error : judge_limit(run, by_events);
}

static void forget_program(struct scenario_program *program)
{
    free(program->output.text);
    program->output = (struct text_log){0};
    program->started = false;
    program->status = 0;
}

void scenario_run_free(struct scenario_run *run)
{
    strata_world_free(run->world);
    measure_free(&run->measure);
    segments_free(run);
    figures_free(run);
    for (unsigned i = 0; i < run->result_count; i++)
        free(run->results[i].detail);
    free(run->results);
    arena_free(&run->arena);
    for (unsigned i = 0; i < run->scenario->nodes.count; i++) {
        struct scenario_node *node = &run->scenario->nodes.items[i];
        free(node->output.text);
        node->output = (struct text_log){0};
        for (unsigned j = 0; j < node->programs.count; j++)
            forget_program(&node->programs.items[j]);
    }
    for (unsigned i = 0; i < run->scenario->events.count; i++)
        for (unsigned j = 0; j < run->scenario->events.items[i].programs.count; j++)
            forget_program(run->scenario->events.items[i].programs.items[j]);
}
