/*
 * Mistakes of meaning: names of nothing, ports used twice, addresses outside the subnet of their link,
 * gateways that nobody is. Everything is looked at, so that one run tells all mistakes.
 */
#include "lab/scenario_verify.h"
#include "lab/scenario_classes.h"
#include "lab/scenario_segments.h"

#include <stdlib.h>
#include <string.h>

#include "base/settings.h"

const char *kind_name(const struct scenario_node *node)
{
    static const char *const names[] = {"host", "router", "switch", "hub", "machine outside"};
    return names[node->kind];
}

struct scenario_node *find_node(struct verifier *v, struct place place, const char *name)
{
    struct scenario_node *node = names_find(&v->nodes, name);
    if (node)
        return node;
    struct nearest nearest;
    nearest_begin(&nearest, name);
    for (unsigned i = 0; i < v->scenario->nodes.count && v->complaints->count < SUGGESTIONS_MAX; i++)
        nearest_try(&nearest, v->scenario->nodes.items[i].name);
    complain(v->complaints, place, "there is no node %s%s", name, nearest_text(&nearest));
    return NULL;
}

struct scenario_node *find_host(struct verifier *v, struct place place, const char *name)
{
    struct scenario_node *node = find_node(v, place, name);
    if (node && !is_host(node)) {
        complain(v->complaints, place, "%s is a %s: expected a host or a router", name, kind_name(node));
        return NULL;
    }
    return node;
}

struct scenario_link *find_link(struct verifier *v, struct place place, const char *name)
{
    struct scenario_link *link = names_find(&v->links, name);
    if (link)
        return link;
    struct nearest nearest;
    nearest_begin(&nearest, name);
    for (unsigned i = 0; i < v->scenario->links.count && v->complaints->count < SUGGESTIONS_MAX; i++)
        nearest_try(&nearest, v->scenario->links.items[i].name);
    complain(v->complaints, place, "there is no link %s%s", name, nearest_text(&nearest));
    return NULL;
}

static void verify_nodes(struct verifier *v)
{
    for (unsigned i = 0; i < v->scenario->nodes.count; i++) {
        struct scenario_node *node = &v->scenario->nodes.items[i];
        if (names_add(&v->nodes, node->name, node) != 0)
            complain(v->complaints, node->place, "there is another node %s", node->name);
    }
    if (v->scenario->nodes.count == 0 && v->complaints->count == 0)
        complain(v->complaints, (struct place){1, 1, 0}, "a scenario has at least one node");
}

/* ---- Links and ports ------------------------------------------------------------------------------------
 */

/** Remembers which link is at a port of a node; links is an array that grows with the port number. */
static void plug(struct verifier *v, struct scenario_node *node, struct scenario_end *end,
                 struct scenario_link *link)
{
    int port = end->port;
    if (port == 0) {
        port = 1;
        while (port <= node->port_count && node->links[port])
            port++;
    }
    if (port > 4096) {
        complain(v->complaints, end->place, "a node has at most 4096 ports");
        return;
    }
    if (port > node->port_count) {
        struct scenario_link **links =
            arena_take(&v->scenario->arena, ((size_t)port * 2 + 2) * sizeof *links);
        if (node->links)
            memcpy(links, node->links, ((size_t)node->port_count + 1) * sizeof *links);
        node->links = links;
        node->port_count = port;
    }
    if (node->links[port]) {
        complain(v->complaints, end->place, "eth%d of %s is taken by the link %s", port, node->name,
                 node->links[port]->name);
        return;
    }
    if (node->kind == SCENARIO_OUTSIDE && port > 1)
        complain(v->complaints, end->place, "%s is outside and has one port: eth1", node->name);
    end->port = port;
    node->links[port] = link;
}

static void verify_link(struct verifier *v, struct scenario_link *link)
{
    for (unsigned i = 0; i < link->ends; i++) {
        struct scenario_end *end = &link->end[i];
        end->node = find_node(v, end->place, end->node_name);
        if (end->node && link->config.link == STRATA_LINK_IP && !is_host(end->node))
            complain(v->complaints, end->place, "%s has no ports of link type ip: only hosts and routers do",
                     end->node_name);
    }
    if (!link->bus && link->end[0].node && link->end[0].node == link->end[1].node)
        complain(v->complaints, link->end[1].place, "a link ties two nodes, and both ends are %s",
                 link->end[0].node_name);
    if (names_add(&v->links, link->name, link) != 0)
        complain(v->complaints, link->place, "there is another link %s; give one of them a name", link->name);
}

static void verify_links(struct verifier *v)
{
    for (unsigned i = 0; i < v->scenario->links.count; i++)
        verify_link(v, &v->scenario->links.items[i]);
    // Ports that are named are taken before those that are not get the next free ones.
    for (int named = 1; named >= 0; named--)
        for (unsigned i = 0; i < v->scenario->links.count; i++)
            for (unsigned end = 0; end < v->scenario->links.items[i].ends; end++) {
                struct scenario_link *link = &v->scenario->links.items[i];
                if (link->end[end].node && (link->end[end].port != 0) == named &&
                    (named || link->end[end].port == 0))
                    plug(v, link->end[end].node, &link->end[end], link);
            }
}

/** Gives all cables that switches and hubs join the same segment number. */
static void join_segments(struct scenario *scenario)
{
    for (unsigned i = 0; i < scenario->links.count; i++)
        scenario->links.items[i].segment = i;
    for (bool changed = true; changed;) {
        changed = false;
        for (unsigned i = 0; i < scenario->nodes.count; i++) {
            struct scenario_node *node = &scenario->nodes.items[i];
            unsigned least = scenario->links.count;
            for (int port = 1; !is_host(node) && port <= node->port_count; port++)
                if (node->links[port] && node->links[port]->segment < least)
                    least = node->links[port]->segment;
            for (int port = 1; !is_host(node) && port <= node->port_count; port++)
                if (node->links[port] && node->links[port]->segment != least) {
                    node->links[port]->segment = least;
                    changed = true;
                }
        }
    }
}

/* ---- Addresses --------------------------------------------------------------------------------------------
 */

/** Whether two addresses agree in their first bits; IPv4 prefixes count from the v4-mapped part. */
static bool same_prefix(const struct strata_address *a, const struct strata_address *b,
                        unsigned prefix_length)
{
    unsigned bits = prefix_length + (strata_address_is_ipv4(a) ? 96 : 0);
    if (strata_address_is_ipv4(a) != strata_address_is_ipv4(b))
        return false;
    for (unsigned i = 0; i < bits; i += 8) {
        unsigned left = bits - i;
        uint8_t mask = left >= 8 ? 0xff : (uint8_t)(0xff00 >> left);
        if ((a->bytes[i / 8] ^ b->bytes[i / 8]) & mask)
            return false;
    }
    return true;
}

/** Whether all bits behind the prefix are `ones` (or all zeros). */
static bool host_bits_are(const struct scenario_address *address, bool ones)
{
    unsigned bits = address->prefix_length + 96;
    for (unsigned i = bits; i < 128; i++)
        if (((address->address.bytes[i / 8] >> (7 - i % 8)) & 1) != ones)
            return false;
    return true;
}

static void verify_address(struct verifier *v, struct scenario_node *node, struct scenario_address *address)
{
    if (address->port > node->port_count || !node->links || !node->links[address->port])
        complain(v->complaints, address->place, "there is no link at eth%d of %s", address->port, node->name);
    if (!strata_address_is_ipv4(&address->address))
        return;
    if (address->address.bytes[12] >= 224 || address->address.bytes[12] == 0 ||
        address->address.bytes[12] == 127)
        complain(v->complaints, address->place, "%s is no address that a port can have", address->text);
    else if (address->prefix_length < 31 && host_bits_are(address, false))
        complain(v->complaints, address->place, "%s is the subnet itself, not an address in it",
                 address->text);
    else if (address->prefix_length < 31 && host_bits_are(address, true))
        complain(v->complaints, address->place, "%s is the broadcast address of its subnet", address->text);
}

struct user {
    const struct scenario_node *node;
    const struct scenario_address *address;
    unsigned segment;
    unsigned order;
};

/** By segment, so that neighbours lie together. */
static int by_segment(const void *a, const void *b)
{
    const struct user *x = a, *y = b;
    if (x->segment != y->segment)
        return x->segment < y->segment ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

static int by_address(const void *a, const void *b)
{
    const struct user *x = a, *y = b;
    int order = memcmp(x->address->address.bytes, y->address->address.bytes, 16);
    return order ? order : x->order < y->order ? -1 : x->order > y->order;
}

/** Whether some other node of the segment users[first..last) shares the subnet of a user. `other` gets the
 * first one there that has an address of the same family and does not. */
static bool is_at_home(const struct user *users, unsigned first, unsigned last, const struct user *user,
                       const struct user **other)
{
    *other = NULL;
    for (unsigned i = first; i < last; i++) {
        if (users[i].node == user->node || strata_address_is_ipv4(&users[i].address->address) !=
                                               strata_address_is_ipv4(&user->address->address))
            continue;
        if (same_prefix(&users[i].address->address, &user->address->address, user->address->prefix_length))
            return true;
        if (!*other)
            *other = &users[i];
    }
    return false;
}

/** Complains about an address that shares a subnet with nobody on its link though others there have
 * addresses. */
static void verify_user(struct verifier *v, const struct user *users, unsigned first, unsigned last,
                        unsigned which)
{
    const struct user *user = &users[which], *other, *ignored;
    if (is_at_home(users, first, last, user, &other) || !other)
        return;
    // Of two strangers, the one that stands later in the file is told.
    if (user->order > other->order || is_at_home(users, first, last, other, &ignored))
        complain(v->complaints, user->address->place,
                 "%s of %s is outside the subnet of its link, where %s has %s", user->address->text,
                 user->node->name, other->node->name, other->address->text);
}

static void verify_users(struct verifier *v, struct user *users, unsigned count)
{
    qsort(users, count, sizeof *users, by_address);
    for (unsigned i = 1; i < count; i++)
        if (memcmp(&users[i].address->address, &users[i - 1].address->address,
                   sizeof users[i].address->address) == 0)
            complain(v->complaints, users[i].address->place, "%s is already the address of %s",
                     users[i].address->text, users[i - 1].node->name);
    qsort(users, count, sizeof *users, by_segment);
    for (unsigned first = 0, last; first < count; first = last) {
        for (last = first; last < count && users[last].segment == users[first].segment; last++)
            ;
        for (unsigned i = first; i < last; i++)
            verify_user(v, users, first, last, i);
    }
}

static const struct scenario_node *owner_of(const struct user *users, unsigned count,
                                            const struct strata_address *address)
{
    for (unsigned i = 0; i < count; i++)
        if (memcmp(&users[i].address->address, address, sizeof *address) == 0)
            return users[i].node;
    return NULL;
}

static void verify_route(struct verifier *v, const struct scenario_node *node,
                         const struct scenario_route *route, const struct user *users, unsigned count)
{
    const struct scenario_address *near = NULL;
    for (unsigned i = 0; i < node->addresses.count; i++) {
        const struct scenario_address *own = &node->addresses.items[i];
        if (memcmp(&own->address, &route->via, sizeof route->via) == 0) {
            complain(v->complaints, route->place, "the gateway %s is %s itself", route->gateway, node->name);
            return;
        }
        if (same_prefix(&own->address, &route->via, own->prefix_length))
            near = own;
    }
    if (!near) {
        if (!node->dhcp)
            complain(v->complaints, route->place, "the gateway %s is on no link of %s", route->gateway,
                     node->name);
        return;
    }
    if (!owner_of(users, count, &route->via))
        complain(v->complaints, route->place, "nobody has the address %s, which is to be the gateway of %s",
                 route->gateway, node->name);
}

static void verify_addresses(struct verifier *v)
{
    struct scenario *scenario = v->scenario;
    unsigned count = 0, total = 0;
    for (unsigned i = 0; i < scenario->nodes.count; i++)
        total += scenario->nodes.items[i].addresses.count;
    struct user *users = arena_take(&scenario->arena, (total + 1) * sizeof *users);
    for (unsigned i = 0; i < scenario->nodes.count; i++) {
        struct scenario_node *node = &scenario->nodes.items[i];
        for (unsigned j = 0; j < node->addresses.count; j++) {
            struct scenario_address *address = &node->addresses.items[j];
            verify_address(v, node, address);
            if (address->port <= node->port_count && node->links && node->links[address->port]) {
                users[count] = (struct user){node, address, node->links[address->port]->segment, count};
                count++;
            }
        }
    }
    verify_users(v, users, count);
    for (unsigned i = 0; i < scenario->nodes.count; i++) {
        struct scenario_node *node = &scenario->nodes.items[i];
        for (unsigned j = 0; j < node->routes.count; j++)
            verify_route(v, node, &node->routes.items[j], users, count);
        if (node->dhcp && node->port_count == 0)
            complain(v->complaints, node->dhcp_place,
                     "%s has no link over which DHCP could give it an address", node->name);
    }
}

/* ---- Settings, files, programs ---------------------------------------------------------------------------
 */

static void verify_setting(struct verifier *v, const struct scenario_setting *setting)
{
    const char *name, *meaning;
    int64_t minimum, maximum, initial;
    for (unsigned i = 0; (name = settings_name(i, &minimum, &maximum, &initial, &meaning)); i++) {
        if (strcmp(name, setting->name) != 0)
            continue;
        if (setting->value < minimum || setting->value > maximum)
            complain(v->complaints, setting->place, "%s is from %lld to %lld (%s)", name, (long long)minimum,
                     (long long)maximum, meaning);
        return;
    }
    struct nearest nearest;
    nearest_begin(&nearest, setting->name);
    for (unsigned i = 0; (name = settings_name(i, &minimum, &maximum, &initial, &meaning)); i++)
        nearest_try(&nearest, name);
    complain(v->complaints, setting->place, "there is no setting %s%s", setting->name,
             nearest_text(&nearest));
}

static void verify_programs(struct verifier *v, struct scenario_node *node)
{
    for (unsigned i = 0; i < node->programs.count; i++) {
        struct scenario_program *program = &node->programs.items[i];
        program->node = node;
        for (unsigned j = 0; j < i; j++)
            if (strcmp(node->programs.items[j].name, program->name) == 0) {
                complain(v->complaints, program->place,
                         "%s already runs a program called %s; give one of them a name", node->name,
                         program->name);
                break;
            }
    }
}

/* ---- Events and checks ------------------------------------------------------------------------------------
 */

/** Programs of one name. */
struct called {
    struct scenario_program *one;
    unsigned count;
};

static void count_program(struct verifier *v, struct scenario_program *program)
{
    struct called *called = names_find(&v->programs, program->name);
    if (!called) {
        called = arena_take(&v->scenario->arena, sizeof *called);
        names_add(&v->programs, program->name, called);
    }
    called->one = program;
    called->count++;
}

/** Counts the programs of each name, those that events start as well: ten thousand checks look there. */
static void count_programs(struct verifier *v)
{
    for (unsigned i = 0; i < v->scenario->nodes.count; i++)
        for (unsigned j = 0; j < v->scenario->nodes.items[i].programs.count; j++)
            count_program(v, &v->scenario->nodes.items[i].programs.items[j]);
    for (unsigned i = 0; i < v->scenario->events.count; i++)
        for (unsigned j = 0; j < v->scenario->events.items[i].programs.count; j++)
            count_program(v, v->scenario->events.items[i].programs.items[j]);
}

/** The programs of a name on a node. */
static struct called programs_on(const struct verifier *v, const struct scenario_node *node, const char *name)
{
    struct called called = {0};
    for (unsigned i = 0; i < node->programs.count; i++)
        if (strcmp(node->programs.items[i].name, name) == 0)
            called = (struct called){&node->programs.items[i], called.count + 1};
    for (unsigned i = 0; i < v->scenario->events.count; i++) {
        const struct scenario_event *event = &v->scenario->events.items[i];
        for (unsigned j = 0; j < event->programs.count; j++)
            if (event->programs.items[j]->node == node && strcmp(event->programs.items[j]->name, name) == 0)
                called = (struct called){event->programs.items[j], called.count + 1};
    }
    return called;
}

/** A program by its name, on a given node or wherever there is exactly one. */
static void find_checked_program(struct verifier *v, struct scenario_check *check)
{
    const struct called *everywhere = names_find(&v->programs, check->target);
    struct called found = {0};
    if (check->node)
        found = programs_on(v, check->node, check->target);
    else if (everywhere)
        found = *everywhere;
    check->program = found.one;
    if (found.count > 1)
        complain(v->complaints, check->target_place,
                 "%u programs are called %s; say which node, or name them", found.count, check->target);
    if (found.count > 0)
        return;
    struct nearest nearest;
    nearest_begin(&nearest, check->target);
    for (unsigned i = 0; v->programs.slots && i <= v->programs.mask && v->complaints->count < SUGGESTIONS_MAX; i++)
        if (v->programs.slots[i].name)
            nearest_try(&nearest, v->programs.slots[i].name);
    complain(v->complaints, check->target_place, "no program is called %s%s", check->target, nearest_text(&nearest));
}

static void find_counter(struct verifier *v, const struct scenario_check *check)
{
    for (unsigned i = 0; i < strata_counters(); i++)
        if (strcmp(strata_counter_name(i), check->target) == 0)
            return;
    struct nearest nearest;
    nearest_begin(&nearest, check->target);
    for (unsigned i = 0; i < strata_counters(); i++)
        nearest_try(&nearest, strata_counter_name(i));
    complain(v->complaints, check->target_place, "there is no counter %s%s", check->target,
             nearest_text(&nearest));
}

/** "NODE:eth1", or a node alone. */
static void find_port(struct verifier *v, struct scenario_port *port)
{
    const char *colon = strchr(port->text, ':');
    size_t length = colon ? (size_t)(colon - port->text) : strlen(port->text);
    port->node = find_host(v, port->place, arena_text(&v->scenario->arena, port->text, length));
    port->port = !colon ? 1 : strncmp(colon, ":eth", 4) == 0 ? atoi(colon + 4) : 0;
    if (port->node && (port->port < 1 || port->port > port->node->port_count))
        complain(v->complaints, port->place, "there is no link at %s of %s", colon ? colon + 1 : "eth1",
                 port->node->name);
}

static void find_ports(struct verifier *v, struct scenario_check *check)
{
    for (unsigned i = 0; i < check->ports.count; i++)
        find_port(v, &check->ports.items[i]);
    if (check->kind != CHECK_RECEIVED)
        return;
    struct scenario_port port = {.place = check->target_place, .text = check->target};
    find_port(v, &port);
    check->node = port.node;
    check->port = port.port;
}

static void find_switch(struct verifier *v, struct scenario_check *check)
{
    check->other.node = find_node(v, check->target_place, check->target);
    if (check->other.node && check->other.node->kind != SCENARIO_SWITCH)
        complain(v->complaints, check->target_place, "%s is no switch: only a switch knows stations", check->target);
}

/** Buses and cables count different things. */
static void verify_counted(struct verifier *v, const struct scenario_check *check)
{
    if (!check->link)
        return;
    if (check->kind == CHECK_MEASURE && check->link->bus)
        complain(v->complaints, check->target_place, "%s is a bus: measures are of cables, a bus has counts",
                 check->target);
    else if (check->kind == CHECK_CABLE && !check->link->bus && check->counted && is_bus_count(check->counted))
        complain(v->complaints, check->target_place, "%s has no %s: it is no bus", check->target, check->counted);
}

static void verify_check(struct verifier *v, struct scenario_check *check)
{
    if (check->node_name)
        check->node = find_node(v, check->node_place, check->node_name);
    switch (check->kind) {
    case CHECK_PROGRAM:
        find_checked_program(v, check);
        break;
    case CHECK_OUTPUT:
        check->node = find_host(v, check->target_place, check->target);
        break;
    case CHECK_FILE:
        if (*check->file.path)
            check->file.node = find_host(v, check->file.place, check->file.node_name);
        if (check->other.path && *check->other.path)
            check->other.node = find_host(v, check->other.place, check->other.node_name);
        break;
    case CHECK_COUNTER:
        find_counter(v, check);
        break;
    case CHECK_RECEIVED:
    case CHECK_FAIRNESS:
        find_ports(v, check);
        break;
    case CHECK_WINDOW:
        check->node = find_host(v, check->target_place, check->target);
        break;
    case CHECK_STATIONS:
        find_switch(v, check);
        break;
    case CHECK_CABLE:
    case CHECK_MEASURE:
        check->link = find_link(v, check->target_place, check->target);
        verify_counted(v, check);
        classes_verify(check, v->complaints);
        break;
    case CHECK_DROPS:
        for (unsigned i = 0; i < check->nodes.count; i++)
            check->nodes.items[i].node =
                find_node(v, check->nodes.items[i].place, check->nodes.items[i].node_name);
        break;
    case CHECK_SEGMENTS:
        check->link = find_link(v, check->target_place, check->target);
        segments_verify(check, v->complaints);
        break;
    case CHECK_TIME:
    case CHECK_PROGRAMS:
        break;
    }
}

void scenario_verify(struct scenario *scenario, struct complaints *complaints)
{
    struct verifier v = {.scenario = scenario, .complaints = complaints};
    verify_nodes(&v);
    verify_groups(&v);
    verify_links(&v);
    join_segments(scenario);
    verify_addresses(&v);
    for (unsigned i = 0; i < scenario->nodes.count; i++) {
        struct scenario_node *node = &scenario->nodes.items[i];
        for (unsigned j = 0; j < node->settings.count; j++)
            verify_setting(&v, &node->settings.items[j]);
        verify_programs(&v, node);
    }
    for (unsigned i = 0; i < scenario->events.count; i++)
        verify_event(&v, &scenario->events.items[i]);
    count_programs(&v);
    for (unsigned i = 0; i < scenario->checks.count; i++)
        verify_check(&v, &scenario->checks.items[i]);
    names_free(&v.nodes);
    names_free(&v.links);
    names_free(&v.groups);
    names_free(&v.programs);
}
