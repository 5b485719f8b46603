/*
 * Scripted faults of a link: `lose: [2]`, `damage: [3]`, `double: 4`, `late: {5: 100ms}`. Frames are counted for each
 * direction from 1.
 */
#include "lab/scenario_yaml.h"

#include <string.h>

#define FRAME_MAX INT64_C(1000000000000)

struct faults_reader {
    struct scenario_faults *faults;
    enum strata_fault_kind kind;
};

static void add(struct reader_state *reader, struct scenario_faults *faults, struct strata_fault fault)
{
    *(struct strata_fault *)LIST_APPEND(reader->scenario, *faults) = fault;
}

static void read_frame(struct reader_state *reader, const yaml_node_t *item, void *into)
{
    const struct faults_reader *to = into;
    int64_t frame = read_integer(reader, item, 1, FRAME_MAX);
    add(reader, to->faults, (struct strata_fault){.frame = (uint64_t)frame, .kind = to->kind});
}

static void read_frames(struct reader_state *reader, const yaml_node_t *value, struct scenario_faults *faults,
                        const char *word, enum strata_fault_kind kind)
{
    struct faults_reader to = {faults, kind};
    read_items(reader, value, word, true, read_frame, &to);
}

void read_lose(struct reader_state *reader, const yaml_node_t *value, struct scenario_faults *faults)
{
    read_frames(reader, value, faults, "lose", STRATA_FAULT_LOSE);
}

void read_damage(struct reader_state *reader, const yaml_node_t *value, struct scenario_faults *faults)
{
    read_frames(reader, value, faults, "damage", STRATA_FAULT_DAMAGE);
}

void read_double(struct reader_state *reader, const yaml_node_t *value, struct scenario_faults *faults)
{
    read_frames(reader, value, faults, "double", STRATA_FAULT_DOUBLE);
}

/** One entry `frame: time`. */
static void read_late_frame(struct reader_state *reader, const yaml_node_t *key, const yaml_node_t *value, void *into)
{
    const struct faults_reader *to = into;
    struct strata_fault fault = {.kind = STRATA_FAULT_LATE};
    fault.frame = (uint64_t)read_integer(reader, key, 1, FRAME_MAX);
    fault.late_ns = read_duration(reader, value);
    add(reader, to->faults, fault);
}

void read_late(struct reader_state *reader, const yaml_node_t *value, struct scenario_faults *faults)
{
    struct faults_reader to = {faults, STRATA_FAULT_LATE};
    read_entries(reader, value, "late", read_late_frame, &to);
}

void faults_add(struct scenario *scenario, struct scenario_faults *to, const struct scenario_faults *from)
{
    for (unsigned i = 0; i < from->count; i++)
        *(struct strata_fault *)LIST_APPEND(scenario, *to) = from->items[i];
}
