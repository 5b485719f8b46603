/**
 * A stage for programs: hosts around one switch in a lab, and what the programs on them say.
 */
#ifndef TESTS_APP_STAGE_H
#define TESTS_APP_STAGE_H

#include "app/programs.h"
#include "tests/test.h"

#include <strata/lab.h>

#define STAGE_HOSTS_MAX 8

struct stage {
    struct strata_world *world;
    struct strata_node *bridge;
    int hosts;
    size_t length;
    char said[65536]; /**< "host: line" for every print. */
};

static inline void stage_listen(void *context, const struct strata_lab_event *event)
{
    struct stage *stage = context;
    if (event->kind != STRATA_LAB_PRINT || stage->length + event->length + 64 > sizeof stage->said)
        return;
    int text = (int)strcspn(event->text, "\n");
    stage->length += (size_t)snprintf(stage->said + stage->length, sizeof stage->said - stage->length,
                                      "%s: %.*s\n", strata_node_name(event->node), text, event->text);
}

static inline struct stage *stage_new(uint64_t seed)
{
    struct stage *stage = calloc(1, sizeof *stage);
    struct strata_world_config config = {.size = sizeof config, .seed = seed};
    REQUIRE(stage && strata_world_new(&stage->world, &config) == 0);
    REQUIRE(strata_world_listen(stage->world, stage_listen, stage) == 0);
    stage->bridge = strata_world_switch(stage->world, "switch", STAGE_HOSTS_MAX);
    REQUIRE(stage->bridge);
    return stage;
}

static inline void stage_free(struct stage *stage)
{
    strata_world_free(stage->world);
    free(stage);
}

/** A host with a cable of one millisecond to the switch, and an address ("10.0.0.1/24") if one is given. */
static inline struct strata_node *stage_host(struct stage *stage, const char *name, const char *address)
{
    struct strata_node *node = strata_world_host(stage->world, name, NULL);
    struct strata_cable_config config = {.size = sizeof config};
    config.forward.delay_ns = config.backward.delay_ns = STRATA_MILLISECOND;
    REQUIRE(node && strata_world_cable(stage->world, node, stage->bridge, &config));
    if (address)
        REQUIRE(strata_node_address(node, 1, address) == 0);
    stage->hosts++;
    return node;
}

/** Starts a function as a program with the words of a line as its arguments. */
static inline void stage_call(struct strata_node *node, strata_program program, const char *line,
                              bool service, int *status)
{
    char words[1024];
    char *argv[32];
    int argc = 0;
    snprintf(words, sizeof words, "%s", line);
    char *rest = NULL;
    for (char *word = strtok_r(words, " ", &rest); word && argc < 31; word = strtok_r(NULL, " ", &rest))
        argv[argc++] = word;
    struct strata_program_config config = {.size = sizeof config,
                                           .name = argv[0],
                                           .program = program,
                                           .argc = argc,
                                           .argv = argv,
                                           .service = service,
                                           .status = status};
    REQUIRE(strata_node_run(node, &config) == 0);
}

/** Starts a built-in program: "ping 10.0.0.2 -c 1". */
static inline void stage_start(struct strata_node *node, const char *line, bool service, int *status)
{
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(line, " "), line);
    const struct strata_program_entry *entry = program_find(name);
    REQUIRE(entry);
    stage_call(node, entry->main, line, service, status);
}

static inline void stage_put(struct strata_node *node, const char *path, const void *data, size_t size)
{
    REQUIRE(strata_memory_disk_put(strata_node_disk(node), path, data, size, 1767225600 - 1000) == 0);
}

/** Runs until all programs but services have ended, or for `seconds` more. @return whether they have. */
static inline bool stage_finish(struct stage *stage, int64_t seconds)
{
    strata_time end = strata_world_now(stage->world) + seconds * STRATA_SECOND;
    while (!strata_world_programs_done(stage->world) && strata_world_now(stage->world) < end) {
        strata_time next = strata_world_now(stage->world) + 50 * STRATA_MILLISECOND;
        strata_world_run(stage->world, next < end ? next : end);
    }
    return strata_world_programs_done(stage->world);
}

static inline void stage_run(struct stage *stage, int64_t seconds)
{
    strata_world_run(stage->world, strata_world_now(stage->world) + seconds * STRATA_SECOND);
}

/** Whether a program has said this; else shows what was said. */
static inline bool stage_said(const struct stage *stage, const char *text)
{
    if (strstr(stage->said, text))
        return true;
    printf("    \"%s\" was not said:\n%s", text, stage->said);
    return false;
}

#endif
