/*
 * Whom a name means: a node or link, a range of them such as h[1-20], a group and all that is in it. And whether the
 * sides of a partition are apart.
 */
#include "lab/scenario_verify.h"

#include <string.h>

#include "lab/scenario_expand.h"

/* ---- Ranges and groups ----------------------------------------------------------------------------------- */

static void nodes_of(struct verifier *v, const scenario_names *names, scenario_node_list *nodes);

static void add_group(struct verifier *v, const struct scenario_name *name, struct scenario_group *group,
                      scenario_node_list *nodes)
{
    if (group->looking) {
        complain(v->complaints, name->place, "the group %s is in itself", group->name);
        return;
    }
    if (group->nodes.count == 0) {
        group->looking = true;
        nodes_of(v, &group->members, &group->nodes);
        group->looking = false;
    }
    for (unsigned i = 0; i < group->nodes.count; i++)
        *(struct scenario_node **)LIST_APPEND(v->scenario, *nodes) = group->nodes.items[i];
}

static void no_such(struct verifier *v, const struct scenario_name *name)
{
    struct nearest nearest;
    nearest_begin(&nearest, name->text);
    for (unsigned i = 0; i < v->scenario->nodes.count && v->complaints->count < SUGGESTIONS_MAX; i++)
        nearest_try(&nearest, v->scenario->nodes.items[i].name);
    for (unsigned i = 0; i < v->scenario->groups.count; i++)
        nearest_try(&nearest, v->scenario->groups.items[i]->name);
    complain(v->complaints, name->place, "there is no node %s%s%s", v->scenario->groups.count > 0 ? "or group " : "",
             name->text, nearest_text(&nearest));
}

static void add_named(struct verifier *v, const struct scenario_name *name, scenario_node_list *nodes)
{
    struct scenario_node *node = names_find(&v->nodes, name->text);
    struct scenario_group *group = node ? NULL : names_find(&v->groups, name->text);
    struct range range;
    if (node) {
        *(struct scenario_node **)LIST_APPEND(v->scenario, *nodes) = node;
    } else if (group) {
        add_group(v, name, group, nodes);
    } else if (range_parse(name->text, &range) && range_count(&range) <= 100000) {
        for (int64_t i = 0; i < range_count(&range); i++) {
            struct scenario_name one = {name->place, range_name(&v->scenario->arena, &range, i)};
            node = names_find(&v->nodes, one.text);
            if (node)
                *(struct scenario_node **)LIST_APPEND(v->scenario, *nodes) = node;
            else
                no_such(v, &one);
        }
    } else {
        no_such(v, name);
    }
}

static void nodes_of(struct verifier *v, const scenario_names *names, scenario_node_list *nodes)
{
    for (unsigned i = 0; i < names->count; i++)
        add_named(v, &names->items[i], nodes);
}

static void links_of(struct verifier *v, struct scenario_event *event)
{
    for (unsigned i = 0; i < event->targets.count; i++) {
        const struct scenario_name *name = &event->targets.items[i];
        struct range range;
        bool ranges = !names_find(&v->links, name->text) && range_parse(name->text, &range) &&
                      range_count(&range) <= 100000;
        for (int64_t j = 0; j < (ranges ? range_count(&range) : 1); j++) {
            struct scenario_link *link =
                find_link(v, name->place, ranges ? range_name(&v->scenario->arena, &range, j) : name->text);
            if (link && link->bus && event->action == EVENT_SET)
                complain(v->complaints, name->place, "%s is a bus, which stays as it is", link->name);
            else if (link)
                *(struct scenario_link **)LIST_APPEND(v->scenario, event->links) = link;
        }
    }
}

/** The group that a node says to be in. One that no section declares comes to be with the first who is in it. */
static struct scenario_group *group_of(struct verifier *v, const struct scenario_name *name)
{
    struct scenario_group *group = names_find(&v->groups, name->text);
    if (group)
        return group;
    if (names_find(&v->nodes, name->text))
        complain(v->complaints, name->place, "%s is a node: a group has a name of its own", name->text);
    group = arena_take(&v->scenario->arena, sizeof *group);
    *group = (struct scenario_group){.place = name->place, .name = name->text};
    *(struct scenario_group **)LIST_APPEND(v->scenario, v->scenario->groups) = group;
    names_add(&v->groups, group->name, group);
    return group;
}

void verify_groups(struct verifier *v)
{
    struct scenario *scenario = v->scenario;
    for (unsigned i = 0; i < scenario->groups.count; i++) {
        struct scenario_group *group = scenario->groups.items[i];
        if (names_find(&v->nodes, group->name))
            complain(v->complaints, group->place, "%s is a node: a group has a name of its own", group->name);
        names_add(&v->groups, group->name, group);
    }
    for (unsigned i = 0; i < scenario->nodes.count; i++) {
        struct scenario_node *node = &scenario->nodes.items[i];
        for (unsigned j = 0; j < node->groups.count; j++) {
            struct scenario_group *group = group_of(v, &node->groups.items[j]);
            *(struct scenario_name *)LIST_APPEND(scenario, group->members) =
                (struct scenario_name){node->groups.items[j].place, node->name};
        }
    }
    for (unsigned i = 0; i < scenario->groups.count; i++) {
        struct scenario_name name = {scenario->groups.items[i]->place, scenario->groups.items[i]->name};
        scenario_node_list nodes = {0};
        add_group(v, &name, scenario->groups.items[i], &nodes);
    }
}

/* ---- Partitions ------------------------------------------------------------------------------------------ */

static bool forwards(const struct scenario_node *node)
{
    return is_host(node) && (node->has_forwarding ? node->forwarding : node->kind == SCENARIO_ROUTER);
}

/** The side of each node, by its index: 0 none. */
static unsigned *sides_of(struct verifier *v, struct scenario_event *event)
{
    struct scenario *scenario = v->scenario;
    unsigned *sides = arena_take(&scenario->arena, (scenario->nodes.count + 1) * sizeof *sides);
    for (unsigned i = 0; i < event->sides.count; i++) {
        scenario_node_list *nodes = LIST_APPEND(scenario, event->side_nodes);
        scenario_node_list named = {0};
        nodes_of(v, &event->sides.items[i], &named);
        for (unsigned j = 0; j < named.count; j++) {
            struct scenario_node *node = named.items[j];
            unsigned *side = &sides[node - scenario->nodes.items];
            if (!is_host(node))
                complain(v->complaints, event->target_place,
                         "%s is a %s: sides are made of hosts and routers, whatever is between them", node->name,
                         kind_name(node));
            else if (*side != 0 && *side != i + 1)
                complain(v->complaints, event->target_place, "%s is on two sides", node->name);
            else if (*side == 0)
                *(struct scenario_node **)LIST_APPEND(scenario, *nodes) = node;
            *side = i + 1;
        }
    }
    return sides;
}

/** One side alone: all other hosts and routers are the other one. */
static void add_rest(struct verifier *v, struct scenario_event *event, unsigned *sides)
{
    struct scenario *scenario = v->scenario;
    scenario_node_list *rest = LIST_APPEND(scenario, event->side_nodes);
    for (unsigned i = 0; i < scenario->nodes.count; i++)
        if (sides[i] == 0 && is_host(&scenario->nodes.items[i])) {
            sides[i] = 2;
            *(struct scenario_node **)LIST_APPEND(scenario, *rest) = &scenario->nodes.items[i];
        }
}

/** Gives segments between which a router on no side carries one number. @return whether something has changed. */
static bool join_by_router(const struct scenario_node *node, unsigned *joined, unsigned most)
{
    unsigned least = most;
    bool changed = false;
    for (int port = 1; port <= node->port_count; port++)
        if (node->links[port] && joined[node->links[port]->segment] < least)
            least = joined[node->links[port]->segment];
    for (int port = 1; port <= node->port_count; port++) {
        unsigned *at = node->links[port] ? &joined[node->links[port]->segment] : &least;
        changed = changed || *at != least;
        *at = least;
    }
    return changed;
}

#define SIDES_MANY UINT32_MAX

/** Complains about routers on no side over which two sides still reach each other. */
static void verify_apart(struct verifier *v, const struct scenario_event *event, const unsigned *sides)
{
    struct scenario *scenario = v->scenario;
    unsigned count = scenario->links.count;
    unsigned *joined = arena_take(&scenario->arena, (count + 1) * sizeof *joined);
    unsigned *side = arena_take(&scenario->arena, (count + 1) * sizeof *side);
    for (unsigned i = 0; i < count; i++)
        joined[i] = scenario->links.items[i].segment;
    for (bool changed = true; changed;) {
        changed = false;
        for (unsigned i = 0; i < scenario->nodes.count; i++)
            if (sides[i] == 0 && forwards(&scenario->nodes.items[i]))
                changed = join_by_router(&scenario->nodes.items[i], joined, count) || changed;
    }
    for (unsigned i = 0; i < scenario->nodes.count; i++)
        for (int port = 1; sides[i] != 0 && port <= scenario->nodes.items[i].port_count; port++) {
            const struct scenario_link *link = scenario->nodes.items[i].links[port];
            unsigned *at = link ? &side[joined[link->segment]] : NULL;
            if (at)
                *at = *at == 0 || *at == sides[i] ? sides[i] : SIDES_MANY;
        }
    for (unsigned i = 0; i < scenario->nodes.count; i++) {
        const struct scenario_node *node = &scenario->nodes.items[i];
        for (int port = 1; sides[i] == 0 && forwards(node) && port <= node->port_count; port++)
            if (node->links[port] && side[joined[node->links[port]->segment]] == SIDES_MANY) {
                complain(v->complaints, event->target_place,
                         "%s would carry from one side to the other: say on which side it is", node->name);
                break;
            }
    }
}

static void verify_partition(struct verifier *v, struct scenario_event *event)
{
    unsigned before = v->complaints->count;
    unsigned *sides = sides_of(v, event);
    if (event->sides.count == 1)
        add_rest(v, event, sides);
    if (v->complaints->count == before)
        verify_apart(v, event, sides);
}

/* ---- Events ---------------------------------------------------------------------------------------------- */

static void verify_start(struct verifier *v, struct scenario_event *event)
{
    for (unsigned i = 0; i < event->nodes.count; i++) {
        struct scenario_node *node = event->nodes.items[i];
        if (!is_host(node)) {
            complain(v->complaints, event->target_place, "%s is a %s: expected a host or a router", node->name,
                     kind_name(node));
            continue;
        }
        if (!event->program)
            continue;
        struct scenario_program *program = arena_take(&v->scenario->arena, sizeof *program);
        *program = *event->program;
        program->node = node;
        *(struct scenario_program **)LIST_APPEND(v->scenario, event->programs) = program;
    }
}

void verify_event(struct verifier *v, struct scenario_event *event)
{
    switch (event->action) {
    case EVENT_CUT:
    case EVENT_MEND:
    case EVENT_FLAP:
    case EVENT_SET:
        links_of(v, event);
        break;
    case EVENT_CRASH:
    case EVENT_RESTART:
        nodes_of(v, &event->targets, &event->nodes);
        break;
    case EVENT_START:
        nodes_of(v, &event->targets, &event->nodes);
        verify_start(v, event);
        break;
    case EVENT_PARTITION:
        verify_partition(v, event);
        break;
    case EVENT_HEAL:
    case EVENT_NOTE:
        break;
    }
}
