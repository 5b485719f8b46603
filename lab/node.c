/*
 * Nodes: what all kinds have in common. A node is a device with ports; settling it means to let its programs
 * run and to carry away what it has to say until it is silent. A node that waits costs one event in the
 * queue, whatever it waits for; the queue may hold older events of the node, which are recognised by their
 * time and ignored.
 */
#include "lab/world.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SWITCH_PORTS_DEFAULT 32u

static struct strata_node *node_new(struct strata_world *world, const char *name, enum node_kind kind)
{
    if (!name || !*name ||
        array_grow(&world->nodes, sizeof(void *), world->node_count, &world->node_room) != 0)
        return NULL;
    struct strata_node *node = calloc(1, sizeof *node);
    if (!node)
        return NULL;
    node->world = world;
    node->kind = kind;
    node->index = world->node_count;
    node->scheduled = STRATA_NEVER;
    node->name = strdup(name);
    if (!node->name || names_add(&world->node_names, node->name, node) != 0) {
        free(node->name);
        free(node);
        return NULL;
    }
    world->nodes[world->node_count++] = node;
    return node;
}

void node_free(struct strata_node *node)
{
    if (node->kind == NODE_HOST)
        host_free(node);
    else if (node->device.ops && node->device.ops->free)
        node->device.ops->free(node->device.self);
    free(node->ports);
    free(node->name);
    free(node);
}

/** Takes a node back that could not be finished; it is the youngest. */
static struct strata_node *give_up(struct strata_node *node)
{
    // Its name stays taken: the world that could not make it has no memory left for another.
    node->kind = NODE_DEVICE;
    node->down = true;
    return NULL;
}

static int bridge_boot(struct strata_node *node)
{
    struct strata_bridge_config config = node->bridge_config;
    world_derive(node->world, "bridge", node->name, node->boots, config.seed);
    int error = strata_bridge_new(&node->bridge, &config);
    if (!error)
        node->device = strata_bridge_device(node->bridge);
    return error;
}

static struct strata_node *bridge_new(struct strata_world *world, const char *name, unsigned ports, bool hub)
{
    struct strata_node *node = node_new(world, name, NODE_BRIDGE);
    if (!node)
        return NULL;
    if (ports == 0)
        ports = SWITCH_PORTS_DEFAULT;
    node->bridge_config =
        (struct strata_bridge_config){.size = sizeof node->bridge_config,
                                      .ports = ports,
                                      .hub = hub,
                                      .allocator = &world->pool.allocator};
    return bridge_boot(node) == 0 ? node : give_up(node);
}

struct strata_node *strata_world_switch(struct strata_world *world, const char *name, unsigned ports)
{
    return bridge_new(world, name, ports, false);
}

struct strata_node *strata_world_hub(struct strata_world *world, const char *name, unsigned ports)
{
    return bridge_new(world, name, ports, true);
}

struct strata_node *strata_world_device(struct strata_world *world, const char *name,
                                        struct strata_device device)
{
    struct strata_node *node = node_new(world, name, NODE_DEVICE);
    if (node)
        node->device = device;
    return node;
}

static struct strata_node *host_new(struct strata_world *world, const char *name,
                                    const struct strata_config *config, bool forwards)
{
    if (config && config->size != sizeof *config)
        return NULL;
    struct strata_node *node = node_new(world, name, NODE_HOST);
    if (!node)
        return NULL;
    node->forwards = forwards;
    return host_create(node, config) == 0 ? node : give_up(node);
}

struct strata_node *strata_world_host(struct strata_world *world, const char *name,
                                      const struct strata_config *config)
{
    return host_new(world, name, config, false);
}

struct strata_node *strata_world_router(struct strata_world *world, const char *name,
                                        const struct strata_config *config)
{
    return host_new(world, name, config, true);
}

const char *strata_node_name(const struct strata_node *node)
{
    return node->name;
}

/* ---- Running ----------------------------------------------------------------------------------------- */

static void schedule(struct strata_node *node, strata_time time)
{
    if (time >= node->scheduled)
        return; // it will be called by then, and look again
    node->scheduled = time;
    int error = queue_push(&node->world->queue, time, EVENT_NODE, node);
    if (error)
        node->world->error = error;
}

void node_touch(struct strata_node *node)
{
    node->touched = true;
    schedule(node, node->world->now);
}

static strata_time node_deadline(struct strata_node *node)
{
    const struct strata_device *device = &node->device;
    strata_time deadline = device->ops->deadline ? device->ops->deadline(device->self) : STRATA_NEVER;
    if (node->rt) {
        strata_time programs = strata_rt_deadline(node->rt);
        if (programs < deadline)
            deadline = programs;
    }
    return deadline;
}

/** Carries one frame of up to `room` bytes away. @return whether there was one. */
static bool carry(struct strata_node *node, int number, uint32_t room)
{
    struct strata_world *world = node->world;
    struct flight *flight = flight_desk(world, room);
    if (!flight)
        return false;
    struct strata_meta meta = {0}; // no offloads: frames are complete, each fits its link
    size_t length = node->device.ops->output(node->device.self, number, flight->bytes,
                                             room > DESK_BYTES ? room : DESK_BYTES, &meta, world->now);
    flight = flight_said(world, flight, (uint32_t)length);
    if (!flight)
        return false;
    const struct node_port *port = number > 0 && number <= node->port_count ? &node->ports[number] : NULL;
    if (port && port->cable)
        cable_send(port->cable, port->end, flight);
    else
        flight_free(world, flight); // nothing is plugged in there
    return true;
}

/** @return whether it had anything to say. */
static bool drain(struct strata_node *node)
{
    const struct strata_device *device = &node->device;
    bool spoke = false;
    int silent = 0, number;
    while (!node->world->error && (number = device->ops->ready(device->self)) >= 0) {
        uint32_t mtu_bytes = number > 0 && number <= node->port_count ? node->ports[number].mtu_bytes : 1500;
        if (carry(node, number, mtu_bytes + 18) || carry(node, number, FRAME_MAX_BYTES)) {
            spoke = true;
            silent = 0;
        } else if (++silent > node->port_count + 1) {
            break; // it claims to be ready and says nothing
        }
    }
    return spoke;
}

void node_settle(struct strata_node *node)
{
    struct strata_world *world = node->world;
    const struct strata_device *device = &node->device;
    node->touched = false;
    if (node->down)
        return;
    world->settling = node;
    if (device->ops->advance && device->ops->deadline && device->ops->deadline(device->self) <= world->now)
        device->ops->advance(device->self, world->now);
    do {
        if (node->rt) {
            strata_host_net_events(node->net, node->rt);
            strata_rt_run(node->rt);
        }
    } while (drain(node));
    world->settling = NULL;
    if (node->crash_wanted) {
        node->crash_wanted = false;
        strata_node_crash(node);
        return;
    }
    strata_time deadline = node_deadline(node);
    if (deadline != STRATA_NEVER)
        schedule(node, deadline > world->now ? deadline : world->now);
}

void node_fire(struct strata_node *node)
{
    if (node->scheduled != node->world->now)
        return; // an earlier or later event has taken its place
    node->scheduled = STRATA_NEVER;
    if (node->down)
        return;
    strata_time deadline = node->touched ? node->world->now : node_deadline(node);
    if (deadline <= node->world->now)
        node_settle(node);
    else if (deadline != STRATA_NEVER)
        schedule(node, deadline);
}

/* ---- Power ------------------------------------------------------------------------------------------- */

static void note(struct strata_node *node, const char *text)
{
    world_emit(node->world, &(struct strata_lab_event){.kind = STRATA_LAB_NOTE, .node = node, .text = text});
}

int strata_node_crash(struct strata_node *node)
{
    if (node->down)
        return -EALREADY;
    if (node->world->settling == node) {
        node->crash_wanted = true; // its own programs are on the stack below us
        return 0;
    }
    bool lose_disk = node->lose_disk_wanted;
    node->lose_disk_wanted = false;
    node->down = true;
    note(node, "crashed");
    if (node->kind == NODE_HOST) {
        host_power_off(node);
        if (node->disk)
            strata_memory_disk_crash(node->disk);
    } else if (node->kind == NODE_BRIDGE) {
        node->device.ops->free(node->device.self);
        node->device = (struct strata_device){0};
        node->bridge = NULL;
    }
    return lose_disk ? strata_node_lose_disk(node) : 0;
}

int strata_node_lose_disk(struct strata_node *node)
{
    if (node->kind != NODE_HOST)
        return -EINVAL;
    if (!node->down && node->crash_wanted) {
        node->lose_disk_wanted = true; // once it is down
        return 0;
    }
    if (!node->down)
        return -EBUSY;
    strata_memory_disk_free(node->disk);
    node->disk = NULL;
    node->disks++;
    note(node, "lost its disk");
    return 0;
}

int strata_node_restart(struct strata_node *node)
{
    if (!node->down)
        return -EALREADY;
    node->boots++;
    node->down = false;
    int error = 0;
    if (node->kind == NODE_BRIDGE)
        error = bridge_boot(node);
    else if (node->kind == NODE_HOST)
        error = host_boot(node);
    if (error) {
        node->down = true;
        return error;
    }
    note(node, "up again");
    if (node->kind == NODE_HOST)
        error = host_start_programs(node);
    node_touch(node);
    return error;
}

/* ---- Asking and telling -------------------------------------------------------------------------------- */

struct strata_host *strata_node_host(struct strata_node *node)
{
    if (node->host && !node->down && node->world->settling != node)
        node_touch(node);
    return node->host;
}

void strata_node_touch(struct strata_node *node)
{
    if (!node->down && node->world->settling != node)
        node_touch(node);
}

static unsigned counter_of(const char *name)
{
    unsigned count = strata_counters(), i = 0;
    while (i < count && strcmp(strata_counter_name(i), name) != 0)
        i++;
    return i;
}

int64_t strata_node_counter(struct strata_node *node, const char *name)
{
    unsigned counter = counter_of(name);
    return counter == strata_counters() ? -ENOENT : node_counter(node, counter);
}

int64_t node_counter(const struct strata_node *node, unsigned counter)
{
    if (node->host)
        return (int64_t)strata_counter(node->host, counter);
    return node->bridge ? (int64_t)strata_bridge_counter(node->bridge, counter) : 0;
}

int strata_node_station(struct strata_node *node, unsigned index, struct strata_bridge_station *station)
{
    if (!node->bridge)
        return -ENOENT;
    return strata_bridge_station(node->bridge, index, node->world->now, station);
}
