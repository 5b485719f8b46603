/*
 * The top of a scenario: the file, its document, the sections. Sections may come in any order; names are tied
 * to things afterwards (scenario_verify.c), so nothing has to be declared before it is used.
 */
#include "lab/scenario_yaml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FILE_BYTES_MAX (16u << 20)
#define DURATION_DEFAULT (60 * STRATA_SECOND)

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

static const struct shape shape_seed = {.kind = SHAPE_INTEGER, .least = 1, .most = INT64_MAX},
                          shape_nodes = {.kind = SHAPE_ENTRIES, .item = &shape_node},
                          shape_links = {.kind = SHAPE_LIST, .item = &shape_link},
                          shape_events = {.kind = SHAPE_LIST, .item = &shape_event},
                          shape_checks = {.kind = SHAPE_LIST, .item = &shape_check};
static const struct key scenario_keys[] = {
    {"title", read_title, false, &shape_text, "shown before the timeline"},
    {"description", read_description, false, &shape_text, "shown below the title"},
    {"seed", read_seed, false, &shape_seed, "decides all randomness; 1 unless given"},
    {"duration", read_total, false, &shape_time, "the world runs at most that long; 60s unless given"},
    {"nodes", read_nodes, true, &shape_nodes, "hosts, routers, switches and hubs by name"},
    {"links", read_links, false, &shape_links, "cables between the nodes"},
    {"events", read_events, false, &shape_events, "what happens, and when"},
    {"checks", read_checks, false, &shape_checks, "what must hold at the end"},
    KEYS_END,
};
const struct shape shape_scenario = {.kind = SHAPE_MAPPING, .what = "a scenario", .keys = scenario_keys};

static void parser_failed(const yaml_parser_t *parser, struct complaints *complaints)
{
    struct place place = {(unsigned)parser->problem_mark.line + 1, (unsigned)parser->problem_mark.column + 1};
    const char *problem = parser->problem ? parser->problem : "cannot be read";
    if (parser->error == YAML_READER_ERROR)
        place = (struct place){1, 1};
    if (parser->context)
        complain(complaints, place, "this is no YAML: %s (%s)", problem, parser->context);
    else
        complain(complaints, place, "this is no YAML: %s", problem);
}

static void read_document(struct scenario *scenario, yaml_document_t *document, struct complaints *complaints)
{
    yaml_node_t *root = yaml_document_get_root_node(document);
    if (!root) {
        complain(complaints, (struct place){1, 1}, "the file is empty; a scenario has at least nodes");
        return;
    }
    struct reader_state reader = {.document = document, .scenario = scenario, .complaints = complaints};
    read_mapping(&reader, root, &shape_scenario, scenario);
}

int scenario_parse(struct scenario **made, const char *file, const char *text, size_t length,
                   struct complaints *complaints)
{
    struct scenario *scenario = calloc(1, sizeof *scenario);
    yaml_parser_t parser;
    if (!scenario || !yaml_parser_initialize(&parser)) {
        free(scenario);
        return -ENOMEM;
    }
    scenario->file = arena_text(&scenario->arena, file, strlen(file));
    scenario->seed = 1;
    scenario->duration = DURATION_DEFAULT;
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
    yaml_document_t document;
    if (yaml_parser_load(&parser, &document)) {
        read_document(scenario, &document, complaints);
        yaml_document_delete(&document);
        if (yaml_parser_load(&parser, &document)) {
            yaml_node_t *more = yaml_document_get_root_node(&document);
            if (more)
                complain(complaints, place_of(more), "a second document: a scenario is one");
            yaml_document_delete(&document);
        } else {
            parser_failed(&parser, complaints);
        }
    } else {
        parser_failed(&parser, complaints);
    }
    yaml_parser_delete(&parser);
    if (complaints->count == 0 || scenario->nodes.count > 0)
        scenario_verify(scenario, complaints);
    if (complaints->count > 0) {
        scenario_free(scenario);
        return -EINVAL;
    }
    *made = scenario;
    return 0;
}

int scenario_load(struct scenario **made, const char *file, struct complaints *complaints)
{
    FILE *stream = fopen(file, "rb");
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
    if (!error)
        error = scenario_parse(made, file, text, length, complaints);
    free(text);
    return error;
}

void scenario_free(struct scenario *scenario)
{
    if (!scenario)
        return;
    arena_free(&scenario->arena);
    free(scenario);
}
