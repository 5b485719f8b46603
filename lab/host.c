/*
 * Hosts and routers of the lab: everything they are configured with is remembered, so that they can come up
 * again after a crash with the same addresses, routes, settings and disk, but with fresh randomness.
 */
#include "lab/world.h"

#include "rt/runtime.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- The tables of a host's runtime ----------------------------------------------------------------- */

static strata_time clock_now(void *self)
{
    return ((struct strata_world *)self)->now;
}

static int64_t clock_wall(void *self)
{
    return STRATA_LAB_EPOCH_NS + ((struct strata_world *)self)->now;
}

static void random_bytes(void *self, void *data, size_t size)
{
    random_fill(self, data, size);
}

static const struct strata_clock_ops world_clock = {.now = clock_now, .wall = clock_wall};
static const struct strata_random_ops node_random = {.fill = random_bytes};

static void host_traces(void *context, const struct strata_trace_record *record)
{
    struct strata_node *node = context;
    if (!node->cut_off && world_listens(node->world))
        world_emit(node->world,
                   &(struct strata_lab_event){.kind = STRATA_LAB_TRACE, .node = node, .trace = record});
}

/** The name of the program whose fiber runs, or one of whose children's fibers. */
static const char *running_program(const struct strata_node *node)
{
    struct strata_fiber *fiber = strata_rt_self(node->rt);
    while (fiber && fiber->parent && fiber->parent->parent)
        fiber = fiber->parent;
    const struct program *program = fiber ? node->programs : NULL;
    // The runtime keeps the beginning of a long name.
    while (program && !(program->running && strncmp(program->name, fiber->name, strlen(fiber->name)) == 0))
        program = program->next;
    return program ? program->name : NULL;
}

static void program_prints(void *context, const char *text, size_t length)
{
    struct strata_node *node = context;
    if (node->cut_off || !world_listens(node->world))
        return;
    char *copy = malloc(length + 1);
    if (!copy) {
        node->world->error = -ENOMEM;
        return;
    }
    memcpy(copy, text, length);
    copy[length] = '\0';
    struct strata_lab_event event = {.kind = STRATA_LAB_PRINT,
                                     .node = node,
                                     .text = copy,
                                     .length = length,
                                     .program = running_program(node)};
    world_emit(node->world, &event);
    free(copy);
}

/* ---- Up and down -------------------------------------------------------------------------------------- */

int host_create(struct strata_node *node, const struct strata_config *config)
{
    if (config)
        node->config = *config;
    node->config.size = sizeof node->config;
    node->config.name = node->name;
    if (!node->config.allocator) {
        node->config.allocator = &node->world->pool.allocator;
        node->config.shares_pages = true;
    }
    node->config.trace = node->world->trace_hosts ? host_traces : NULL;
    node->config.trace_context = node;
    return host_boot(node);
}

/** Tells the host of a port that the lab knows. */
static int make_port(struct strata_node *node, int number)
{
    struct node_port *port = &node->ports[number];
    char name[16];
    snprintf(name, sizeof name, "eth%d", number);
    // Addresses that people can read: 02:00:00, node, port.
    struct strata_port_config config = {
        .size = sizeof config,
        .name = name,
        .link = port->link,
        .mac = {2, 0, (uint8_t)(node->index >> 16), (uint8_t)(node->index >> 8), (uint8_t)node->index,
                (uint8_t)number},
        .mtu_bytes = port->mtu_bytes,
    };
    int made = strata_port_add(node->host, &config);
    if (made < 0)
        return made;
    if (made != number)
        return -EINVAL;
    port->made = true;
    return strata_port_set_up(node->host, number, port->cable && port->cable->up, node->world->now);
}

static int configure(struct strata_node *node)
{
    strata_time now = node->world->now;
    int error = 0;
    if (node->forwards) {
        error = strata_set(node->host, "net.ipv4.ip_forward", 1);
        if (!error)
            error = strata_set(node->host, "net.ipv6.conf.all.forwarding", 1);
    }
    for (unsigned i = 0; !error && i < node->setting_count; i++)
        error = strata_set(node->host, node->settings[i].name, node->settings[i].value);
    for (int port = 1; !error && port <= node->port_count; port++)
        error = make_port(node, port);
    for (unsigned i = 0; !error && i < node->address_count; i++)
        error = strata_address_add(node->host, node->addresses[i].port, &node->addresses[i].address,
                                   node->addresses[i].prefix_length, now);
    for (unsigned i = 0; !error && i < node->route_count; i++)
        error = strata_route_add(node->host, &node->routes[i]);
    return error;
}

int host_boot(struct strata_node *node)
{
    world_derive(node->world, "host", node->name, node->boots, node->config.seed);
    int error = strata_host_new(&node->host, &node->config);
    if (error)
        return error;
    node->device = strata_host_device(node->host);
    uint8_t seed[32];
    world_derive(node->world, "programs", node->name, node->boots, seed);
    random_init(&node->random, seed);
    error = configure(node);
    if (error)
        host_power_off(node);
    return error;
}

void host_power_off(struct strata_node *node)
{
    node->cut_off = true; // from here on nobody sees what programs do while they unwind
    if (node->rt) {
        strata_rt_cancel_all(node->rt);
        strata_rt_free(node->rt);
    }
    strata_host_net_free(node->net);
    strata_host_free(node->host);
    node->rt = NULL;
    node->net = NULL;
    node->host = NULL;
    node->device = (struct strata_device){0};
    for (int port = 1; port <= node->port_count; port++)
        node->ports[port].made = false;
    node->cut_off = false;
}

static void program_free(struct program *program)
{
    for (int i = 0; program->argv && i < program->argc; i++)
        free(program->argv[i]);
    free(program->argv);
    free(program->name);
    free(program);
}

void host_free(struct strata_node *node)
{
    if (node->host)
        host_power_off(node);
    while (node->programs) {
        struct program *program = node->programs;
        node->programs = program->next;
        program_free(program);
    }
    for (unsigned i = 0; i < node->setting_count; i++)
        free(node->settings[i].name);
    free(node->settings);
    free(node->addresses);
    free(node->routes);
    strata_memory_disk_free(node->disk);
}

/* ---- Ports, addresses, routes, settings ---------------------------------------------------------------- */

int node_make_port(struct strata_node *node, int number, enum strata_link link, uint32_t mtu_bytes)
{
    int most = node->kind == NODE_BRIDGE ? (int)node->bridge_config.ports : 65535;
    int first_free = 1;
    while (first_free <= node->port_count && node->ports[first_free].cable)
        first_free++;
    if (number == 0)
        number = first_free;
    if (number < 1 || number > most || (node->kind == NODE_BRIDGE && link != STRATA_LINK_ETHERNET))
        return -EINVAL;
    if (number <= node->port_count && node->ports[number].cable)
        return -EBUSY;
    if (number > node->port_count) {
        struct node_port *ports = realloc(node->ports, (size_t)(number + 1) * sizeof *ports);
        if (!ports)
            return -ENOMEM;
        node->ports = ports;
        for (int i = node->port_count + 1; i <= number; i++)
            ports[i] = (struct node_port){.link = link, .mtu_bytes = mtu_bytes};
        node->port_count = number;
    }
    struct node_port *port = &node->ports[number];
    bool differs = port->link != link || port->mtu_bytes != mtu_bytes;
    if (node->kind == NODE_HOST && port->made && differs)
        return -EINVAL; // it was made with other properties when a later one was asked for
    port->link = link;
    port->mtu_bytes = mtu_bytes;
    for (int i = 1; node->kind == NODE_HOST && node->host && i <= node->port_count; i++) {
        int error = node->ports[i].made ? 0 : make_port(node, i);
        if (error)
            return error;
    }
    return number;
}

void node_carrier(struct strata_node *node, int port, bool up)
{
    if (!node->host)
        return;
    strata_port_set_up(node->host, port, up, node->world->now);
    node_touch(node);
}

int strata_node_address(struct strata_node *node, int port, const char *prefix)
{
    struct node_address entry = {.port = port};
    if (node->kind != NODE_HOST || strata_prefix_parse(prefix, &entry.address, &entry.prefix_length) != 0)
        return -EINVAL;
    struct node_address *addresses = realloc(node->addresses, (node->address_count + 1) * sizeof *addresses);
    if (!addresses)
        return -ENOMEM;
    node->addresses = addresses;
    if (node->host) {
        int error =
            strata_address_add(node->host, port, &entry.address, entry.prefix_length, node->world->now);
        if (error)
            return error;
        node_touch(node);
    }
    addresses[node->address_count++] = entry;
    return 0;
}

int strata_node_route(struct strata_node *node, const char *prefix, const char *gateway)
{
    struct strata_route route = {.port = -1};
    if (node->kind != NODE_HOST ||
        strata_prefix_parse(prefix, &route.destination, &route.prefix_length) != 0 ||
        strata_address_parse(gateway, &route.gateway) != 0)
        return -EINVAL;
    struct strata_route *routes = realloc(node->routes, (node->route_count + 1) * sizeof *routes);
    if (!routes)
        return -ENOMEM;
    node->routes = routes;
    if (node->host) {
        int error = strata_route_add(node->host, &route);
        if (error)
            return error;
        node_touch(node);
    }
    routes[node->route_count++] = route;
    return 0;
}

int strata_node_set(struct strata_node *node, const char *name, int64_t value)
{
    if (node->kind != NODE_HOST)
        return -EINVAL;
    struct node_setting *settings = realloc(node->settings, (node->setting_count + 1) * sizeof *settings);
    if (!settings)
        return -ENOMEM;
    node->settings = settings;
    int error = node->host ? strata_set(node->host, name, value) : 0;
    char *copy = error ? NULL : strdup(name);
    if (!copy)
        return error ? error : -ENOMEM;
    settings[node->setting_count++] = (struct node_setting){.name = copy, .value = value};
    return 0;
}

/* ---- Programs
 * ---------------------------------------------------------------------------------------------- */

struct strata_memory_disk *strata_node_disk(struct strata_node *node)
{
    if (node->kind == NODE_HOST && !node->disk) {
        uint8_t seed[32];
        world_derive(node->world, "disk", node->name, node->disks, seed);
        if (strata_memory_disk_new(&node->disk, seed) != 0)
            node->disk = NULL;
    }
    return node->disk;
}

int host_runtime(struct strata_node *node)
{
    if (node->rt)
        return 0;
    if (!strata_node_disk(node))
        return -ENOMEM;
    int error = node->net ? 0 : strata_host_net_new(&node->net, node->host, &world_clock, node->world);
    if (error)
        return error;
    struct strata_rt_config config = {
        .size = sizeof config,
        .net = strata_host_net_ops(),
        .net_self = node->net,
        .disk = node_disk_ops(),
        .disk_self = node,
        .clock = &world_clock,
        .clock_self = node->world,
        .random = &node_random,
        .random_self = &node->random,
        .print = program_prints,
        .print_context = node,
    };
    error = strata_rt_new(&node->rt, &config);
    if (!error && node->has_resolver)
        strata_rt_set_resolver(node->rt, &node->resolver);
    return error;
}

void node_set_resolver(struct strata_node *node, const struct strata_endpoint *server)
{
    node->has_resolver = true;
    node->resolver = *server;
    if (node->rt)
        strata_rt_set_resolver(node->rt, server);
}

struct strata_rt *strata_node_rt(struct strata_node *node)
{
    if (!node->host || host_runtime(node) != 0)
        return NULL;
    if (node->world->settling != node)
        node_touch(node);
    return node->rt;
}

static void program_ended(void *context, int status)
{
    struct program *program = context;
    struct strata_node *node = program->node;
    program->running = false;
    // One that will run again once its host is up is still waited for.
    if (!program->service && !(node->cut_off && program->restart))
        node->world->programs--;
    if (node->cut_off)
        return;
    if (program->status)
        *program->status = status;
    world_emit(node->world,
               &(struct strata_lab_event){
                   .kind = STRATA_LAB_PROGRAM, .node = node, .text = program->name, .value = status});
}

static int program_start(struct program *program)
{
    struct strata_node *node = program->node;
    int error = host_runtime(node);
    if (error)
        return error;
    program->running = true;
    world_emit(node->world,
               &(struct strata_lab_event){
                   .kind = STRATA_LAB_PROGRAM, .node = node, .text = program->name, .value = -1});
    error = strata_rt_start(node->rt, program->name, program->main, program->argc, program->argv,
                            program_ended, program, NULL);
    if (error)
        program->running = false;
    else
        node_touch(node);
    return error;
}

int host_start_programs(struct strata_node *node)
{
    int error = 0;
    for (struct program *program = node->programs; !error && program; program = program->next)
        if (program->restart && !program->running)
            error = program_start(program);
    return error;
}

static struct program *program_new(struct strata_node *node, const struct strata_program_config *config)
{
    struct program *program = calloc(1, sizeof *program);
    if (!program)
        return NULL;
    program->node = node;
    program->main = config->program;
    program->status = config->status;
    program->service = config->service;
    program->restart = config->restart;
    program->name = strdup(config->name ? config->name : "program");
    program->argv = calloc((size_t)config->argc + 1, sizeof *program->argv);
    bool complete = program->name && program->argv;
    for (int i = 0; complete && i < config->argc; i++) {
        program->argv[i] = strdup(config->argv[i]);
        complete = program->argv[i] != NULL;
        program->argc = i + 1;
    }
    if (complete)
        return program;
    program_free(program);
    return NULL;
}

int strata_node_run(struct strata_node *node, const struct strata_program_config *config)
{
    if (node->kind != NODE_HOST || config->size != sizeof *config || !config->program || config->argc < 0)
        return -EINVAL;
    if (node->down)
        return -EHOSTDOWN;
    struct program *program = program_new(node, config);
    if (!program)
        return -ENOMEM;
    if (config->status)
        *config->status = -1;
    struct program **last = &node->programs;
    while (*last)
        last = &(*last)->next;
    *last = program;
    if (!program->service)
        node->world->programs++;
    int error = program_start(program);
    if (error) {
        *last = NULL;
        if (!program->service)
            node->world->programs--;
        program_free(program);
    }
    return error;
}

int strata_node_start(struct strata_node *node, const char *name, strata_program program, int argc,
                      char *const *argv, int *status)
{
    struct strata_program_config config = {.size = sizeof config,
                                           .name = name,
                                           .program = program,
                                           .argc = argc,
                                           .argv = argv,
                                           .status = status};
    return strata_node_run(node, &config);
}
