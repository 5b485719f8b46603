/*
 * The result of a run as JSON.
 */
#include "tool/lab.h"

#include <jansson.h>

#include "lab/json.h"

static json_t *cables_of(struct strata_world *world)
{
    json_t *list = json_array();
    struct strata_cable *cable;
    for (unsigned i = 0; (cable = strata_world_cable_at(world, i)); i++)
        for (int direction = 0; direction < 2; direction++) {
            struct strata_cable_counts c = {.size = sizeof c};
            strata_cable_counts(cable, direction, &c);
            json_t *object = json_pack("{s:o, s:s}", "name", json_text(strata_cable_name(cable)), "direction",
                                       direction ? "backward" : "forward");
            const struct {
                const char *name;
                uint64_t value;
            } rows[] = {
                {"sent", c.sent},
                {"delivered", c.delivered},
                {"bytes_sent", c.bytes_sent},
                {"bytes_delivered", c.bytes_delivered},
                {"lost", c.lost},
                {"lost_burst", c.lost_burst},
                {"lost_queue", c.lost_queue},
                {"lost_down", c.lost_down},
                {"duplicated", c.duplicated},
                {"reordered", c.reordered},
                {"corrupted", c.corrupted},
                {"marked", c.marked},
                {"queue_most", c.queue_most},
            };
            for (size_t j = 0; j < sizeof rows / sizeof *rows; j++)
                json_object_set_new(object, rows[j].name, json_integer((json_int_t)rows[j].value));
            json_array_append_new(list, object);
        }
    return list;
}

static json_t *nodes_of(struct strata_world *world)
{
    json_t *nodes = json_object();
    struct strata_node *node;
    for (unsigned i = 0; (node = strata_world_node(world, i)); i++) {
        json_t *counters = json_object();
        for (unsigned j = 0; j < strata_counters(); j++) {
            int64_t value = strata_node_counter(node, strata_counter_name(j));
            if (value > 0)
                json_object_set_new(counters, strata_counter_name(j), json_integer(value));
        }
        json_object_set_new(nodes, strata_node_name(node), counters);
    }
    return nodes;
}

bool lab_print_json(const struct lab_job *job, bool indent, FILE *to)
{
    static const char *const why[] = {
        [LAB_STOPPED_UNTIL] = "until",     [LAB_STOPPED_SIGNAL] = "signal",
        [LAB_STOPPED_TIMEOUT] = "timeout", [LAB_STOPPED_OUTPUT] = "output",
    };
    json_t *object = scenario_json_object(job->run);
    if (object && job->run->stopped)
        json_object_set_new(object, "stopped", json_string(why[job->guard.why]));
    if (object && job->options->jsonl)
        json_object_set_new(object, "event", json_string("result"));
    if (object && job->options->stats) {
        json_object_set_new(object, "cables", cables_of(job->run->world));
        json_object_set_new(object, "nodes", nodes_of(job->run->world));
    }
    char *text = object ? json_dumps(object, indent ? JSON_INDENT(2) : JSON_COMPACT) : NULL;
    json_decref(object);
    if (text) {
        fputs(text, to);
        fputc('\n', to);
    }
    free(text);
    return text != NULL;
}
