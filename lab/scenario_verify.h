/**
 * What the files that look for mistakes of meaning share.
 */
#ifndef LAB_SCENARIO_VERIFY_H
#define LAB_SCENARIO_VERIFY_H

#include "lab/names.h"
#include "lab/scenario.h"

/** After so many mistakes nobody looks for the nearest words any more. */
#define SUGGESTIONS_MAX 200u

struct verifier {
    struct scenario *scenario;
    struct complaints *complaints;
    struct names nodes, links, groups, programs;
};

static inline bool is_host(const struct scenario_node *node)
{
    return node->kind == SCENARIO_HOST || node->kind == SCENARIO_ROUTER;
}
/** "switch" or "hub". */
const char *kind_name(const struct scenario_node *node);
/** The node of that name, or NULL with a complaint. */
struct scenario_node *find_node(struct verifier *v, struct place place, const char *name);
struct scenario_node *find_host(struct verifier *v, struct place place, const char *name);
struct scenario_link *find_link(struct verifier *v, struct place place, const char *name);

/* scenario_targets.c */
/** Whom groups and events mean. */
void verify_groups(struct verifier *v);
void verify_event(struct verifier *v, struct scenario_event *event);

#endif
