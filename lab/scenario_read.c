/*
 * The top of a scenario: the file, its document, the sections. Sections may come in any order; names are tied
 * to things afterwards (scenario_verify.c), so nothing has to be declared before it is used.
 */
#include "lab/scenario_expand.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FILE_BYTES_MAX (16u << 20)
#define DURATION_DEFAULT (60 * STRATA_SECOND)
#define EVENTS_DEFAULT UINT64_C(1000000000)

static void read_title(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    ((struct scenario *)into)->title = read_text(reader, value);
}

static void read_description(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    ((struct scenario *)into)->description = read_text(reader, value);
}

static void read_seed(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    ((struct scenario *)into)->seed = (uint64_t)read_integer(reader, value, 1, INT64_MAX);
}

static void read_total(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    ((struct scenario *)into)->duration = read_duration(reader, value);
    ((struct scenario *)into)->duration_said = true;
}

static void read_limit_time(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    struct scenario *scenario = into;
    scenario->time_max = read_duration(reader, value);
    if (scenario->time_max == 0)
        complain(reader->complaints, place_of(value), "time is more than 0");
}

static void read_limit_events(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    ((struct scenario *)into)->events_max = (uint64_t)read_integer(reader, value, 1, INT64_MAX);
}

static const struct shape shape_events_max = {.kind = SHAPE_INTEGER, .least = 1, .most = INT64_MAX};
static const struct key limit_keys[] = {
    {"time", read_limit_time, false, &shape_time, "of virtual time; as long as the duration unless given"},
    {"events", read_limit_events, false, &shape_events_max, "frames that arrive, timers, ...; 1000000000 unless given"},
    KEYS_END,
};
static const struct shape shape_limits = {.kind = SHAPE_MAPPING, .what = "limits", .keys = limit_keys};

static void read_limits(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    read_mapping(reader, value, &shape_limits, into);
}

static void read_groups(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    read_entries(reader, value, "groups", read_group, into);
}

static void read_nodes(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    read_entries(reader, value, "nodes", read_node, into);
}

static void read_links(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    read_items(reader, value, "links", false, read_link, into);
}

static void read_events(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    read_items(reader, value, "events", false, read_event, into);
}

static void read_checks(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    read_items(reader, value, "checks", false, read_check, into);
}

/** Sections that are gone before the tables are looked at: see scenario_expand.h. */
static void read_elsewhere(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    (void)reader, (void)value, (void)into;
}

static const struct shape *const template_shapes[] = {&shape_node, &shape_link, &shape_program, &shape_event,
                                                      &shape_check, &shape_class, &shape_queue_mapping, NULL};
static const struct shape shape_template_entry = {.kind = SHAPE_EITHER, .either = template_shapes};
static const struct shape shape_seed = {.kind = SHAPE_INTEGER, .least = 1, .most = INT64_MAX},
                          shape_nodes = {.kind = SHAPE_ENTRIES, .item = &shape_node},
                          shape_links = {.kind = SHAPE_LIST, .item = &shape_link},
                          shape_events = {.kind = SHAPE_LIST, .item = &shape_event},
                          shape_checks = {.kind = SHAPE_LIST, .item = &shape_check};
static const struct shape shape_templates = {.kind = SHAPE_ENTRIES, .part = true, .item = &shape_template_entry},
                          shape_kinds = {.kind = SHAPE_ENTRIES, .part = true, .item = &shape_node};
static const struct key scenario_keys[] = {
    {"include", read_elsewhere, false, &shape_include, "other files, over which this one lies"},
    {"parameters", read_elsewhere, false, &shape_parameters, "what --set may choose, used as ${name}"},
    {"templates", read_elsewhere, false, &shape_templates, "parts of nodes, links, programs, events or checks by name"},
    {"kinds", read_elsewhere, false, &shape_kinds, "what holds for all nodes of a kind; also kinds of one's own"},
    {"title", read_title, false, &shape_text, "shown before the timeline"},
    {"description", read_description, false, &shape_text, "shown below the title"},
    {"seed", read_seed, false, &shape_seed, "decides all randomness; 1 unless given"},
    {"duration", read_total, false, &shape_time, "the world runs at most that long; 60s unless given"},
    {"limits", read_limits, false, &shape_limits, "where the world is stopped if it does not end by itself"},
    {"groups", read_groups, false, &shape_groups, "names for several nodes: for events and partitions"},
    {"nodes", read_nodes, true, &shape_nodes, "hosts, routers, switches, hubs and machines outside by name"},
    {"links", read_links, false, &shape_links, "cables between the nodes"},
    {"events", read_events, false, &shape_events, "what happens, and when"},
    {"checks", read_checks, false, &shape_checks, "what must hold at the end"},
    KEYS_END,
};
const struct shape shape_scenario = {.kind = SHAPE_MAPPING, .what = "a scenario", .keys = scenario_keys};

/** The reader's tables over one plain document. */
static void read_document(struct scenario *scenario, yaml_document_t *document, struct complaints *complaints,
                          const struct scenario_input *input)
{
    yaml_node_t *root = yaml_document_get_root_node(document);
    struct reader_state reader = {
        .document = document, .scenario = scenario, .complaints = complaints, .input = input};
    if (root)
        read_mapping(&reader, root, &shape_scenario, scenario);
}

static int write_chunk(void *to, unsigned char *bytes, size_t size)
{
    return fwrite(bytes, 1, size, to) == size;
}

/** Writes $${ for ${ again, so that what is written reads as it was meant. */
static void escape_formulas(yaml_node_t *node)
{
    char *from = (char *)node->data.scalar.value, *escaped = strstr(from, "${") ? malloc(2 * strlen(from) + 1) : NULL;
    if (!escaped)
        return;
    char *to = escaped;
    for (const char *c = from; *c; c++) {
        if (c[0] == '$' && c[1] == '{')
            *to++ = '$';
        *to++ = *c;
    }
    *to = '\0';
    node->data.scalar.value = (yaml_char_t *)escaped;
    node->data.scalar.length = (size_t)(to - escaped);
    free(from);
}

/** Writes a document as YAML; it is gone afterwards. */
static void write_document(yaml_document_t *document, FILE *to)
{
    yaml_emitter_t emitter;
    if (!yaml_emitter_initialize(&emitter))
        return;
    for (yaml_node_t *node = document->nodes.start; node < document->nodes.top; node++)
        if (node->type == YAML_SCALAR_NODE)
            escape_formulas(node);
    yaml_emitter_set_output(&emitter, write_chunk, to);
    yaml_emitter_set_unicode(&emitter, 1);
    yaml_emitter_set_width(&emitter, 110);
    if (yaml_emitter_open(&emitter))
        yaml_emitter_dump(&emitter, document);
    yaml_emitter_close(&emitter);
    yaml_emitter_delete(&emitter);
}

static const char *introduction(const struct expander *expander, const char *key)
{
    const yaml_node_t *root = expander->sources.items[0]->root;
    const yaml_node_t *value = root ? source_value(expander, root, key) : NULL;
    if (!value || value->type != YAML_SCALAR_NODE)
        return NULL;
    return arena_text(&expander->scenario->arena, (const char *)value->data.scalar.value, value->data.scalar.length);
}

static void read_introduction(struct expander *expander)
{
    expander->scenario->title = introduction(expander, "title");
    expander->scenario->description = introduction(expander, "description");
}

/** Everything behind the loading of the first file. */
static void read_expanded(struct expander *expander)
{
    struct complaints *complaints = expander->complaints;
    struct scenario *scenario = expander->scenario;
    parameters_finish(expander);
    if (expander->input->only_parameters)
        read_introduction(expander);
    if (expander->input->only_parameters || expander->order.count == 0)
        return;
    expand_all(expander);
    // What a formula did not give is missed everywhere: mistakes of meaning would only follow from that.
    bool whole = complaints->count == 0;
    if (!expander->full)
        read_document(scenario, &expander->result, complaints, expander->input);
    if (whole && (complaints->count == 0 || scenario->nodes.count > 0))
        scenario_verify(scenario, complaints);
    if (complaints->count == 0 && expander->input->expanded)
        write_document(&expander->result, expander->input->expanded);
}

int scenario_read(struct scenario **made, const struct scenario_input *input, struct complaints *complaints)
{
    struct scenario *scenario = calloc(1, sizeof *scenario);
    struct expander expander = {.scenario = scenario, .complaints = complaints, .input = input};
    if (!scenario || !yaml_document_initialize(&expander.result, NULL, NULL, NULL, 1, 1)) {
        free(scenario);
        return -ENOMEM;
    }
    scenario->file = arena_text(&scenario->arena, input->file, strlen(input->file));
    scenario->seed = 1;
    scenario->duration = DURATION_DEFAULT;
    scenario->events_max = EVENTS_DEFAULT;
    int error = sources_load(&expander);
    if (!error)
        read_expanded(&expander);
    sources_free(&expander);
    yaml_document_delete(&expander.result);
    complaints_sort(complaints);
    if (complaints->count == 0)
        complaints_free(complaints); // only names of files, of which nothing is said
    if (!error && complaints->count > 0)
        error = -EINVAL;
    if (error)
        scenario_free(scenario);
    else
        *made = scenario;
    return error;
}

int scenario_parse(struct scenario **made, const char *file, const char *text, size_t length,
                   struct complaints *complaints)
{
    struct scenario_input input = {.file = file, .text = text ? text : "", .length = length};
    return scenario_read(made, &input, complaints);
}

int scenario_load(struct scenario **made, const char *file, struct complaints *complaints)
{
    struct scenario_input input = {.file = file, .load = scenario_load_file};
    return scenario_read(made, &input, complaints);
}

int scenario_load_file(void *context, const char *path, char **made, size_t *made_length)
{
    (void)context;
    FILE *stream = fopen(path, "rb");
    if (!stream)
        return -errno;
    char *text = NULL;
    size_t length = 0, room = 0;
    int error = 0;
    for (;;) {
        if (length == room) {
            room = room ? room * 2 : 16384;
            char *larger = room <= FILE_BYTES_MAX ? realloc(text, room) : NULL;
            if (!larger) {
                error = room <= FILE_BYTES_MAX ? -ENOMEM : -EFBIG;
                break;
            }
            text = larger;
        }
        errno = 0;
        size_t got = fread(text + length, 1, room - length, stream);
        length += got;
        if (got == 0) {
            error = ferror(stream) ? (errno ? -errno : -EIO) : 0;
            break;
        }
    }
    fclose(stream);
    if (error) {
        free(text);
        return error;
    }
    *made = text;
    *made_length = length;
    return 0;
}

void scenario_free(struct scenario *scenario)
{
    if (!scenario)
        return;
    arena_free(&scenario->arena);
    free(scenario);
}
