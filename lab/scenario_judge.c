/*
 * Judging the checks of a scenario. Each gives a verdict and a sentence that tells what was found.
 */
#include "lab/scenario.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lab/sha256.h"
#include "lab/world.h"

static bool verdict(bool ok, char **detail, const char *format, ...) __attribute__((format(printf, 3, 4)));
static bool verdict(bool ok, char **detail, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(detail, format, arguments) < 0)
        *detail = NULL;
    va_end(arguments);
    return ok;
}

/** A beginning of a text that fits into a sentence. */
static const char *excerpt(const char *text, char room[64])
{
    size_t length = 0;
    for (; text && text[length] && length < 60; length++)
        room[length] = (unsigned char)text[length] < 32 ? ' ' : text[length];
    room[length] = '\0';
    return room;
}

static bool judge_text(const struct scenario_check *check, const struct text_log *log, char **detail)
{
    const char *text = log->text ? log->text : "";
    char room[64];
    if (check->contains && !strstr(text, check->contains))
        return verdict(false, detail, "\"%s\" is not in the %zu bytes of output, which begin \"%s\"",
                       check->contains, log->length, excerpt(text, room));
    if (check->text && strcmp(text, check->text) != 0)
        return verdict(false, detail, "the output is another one: \"%s\"", excerpt(text, room));
    return verdict(true, detail, "%s", check->contains ? "found in the output" : "as expected");
}

static bool judge_program(const struct scenario_run *run, const struct scenario_check *check, char **detail)
{
    const struct scenario_program *program = check->program;
    if (!program->started)
        return verdict(false, detail, "%s was not started", program->name);
    if (check->has_exits && program->status == -1)
        return verdict(false, detail, "%s has not ended after %" PRId64 " ms", program->name,
                       run->ended / STRATA_MILLISECOND);
    if (check->has_exits && program->status != check->exits)
        return verdict(false, detail, "%s ended with status %d", program->name, program->status);
    if (check->contains)
        return judge_text(check, &program->output, detail);
    return verdict(true, detail, "ended with status %d", program->status);
}

static int64_t read_file(const struct scenario_path *path, const void **data)
{
    struct strata_memory_disk *disk = strata_node_disk(path->node->made);
    return disk ? strata_memory_disk_get(disk, path->path, data) : -ENOMEM;
}

static bool contains(const void *data, size_t size, const char *text)
{
    size_t length = strlen(text);
    return length == 0 || (size >= length && memmem(data, size, text, length));
}

static bool judge_file(struct scenario_run *run, const struct scenario_check *check, char **detail)
{
    const void *data, *other;
    int64_t size = read_file(&check->file, &data);
    if (size < 0)
        return verdict(false, detail, "%s: %s", check->target, strerror((int)-size));
    run->value = (struct scenario_value){.there = true, .number = size};
    if (check->has_size && (uint64_t)size != check->size_bytes)
        return verdict(false, detail, "it has %" PRId64 " bytes, expected %" PRIu64, size, check->size_bytes);
    if (check->contains && !contains(data, (size_t)size, check->contains))
        return verdict(false, detail, "\"%s\" is not in its %" PRId64 " bytes", check->contains, size);
    char sum[65];
    sha256_text(data, (size_t)size, sum);
    if (check->sha256 && strcmp(sum, check->sha256) != 0)
        return verdict(false, detail, "its SHA-256 is %s", sum);
    if (check->other.node) {
        int64_t other_size = read_file(&check->other, &other);
        if (other_size < 0)
            return verdict(false, detail, "%s:%s: %s", check->other.node_name, check->other.path,
                           strerror((int)-other_size));
        if (size != other_size || memcmp(data, other, (size_t)size) != 0)
            return verdict(false, detail, "they differ: %" PRId64 " and %" PRId64 " bytes", size, other_size);
    }
    return verdict(true, detail, "%" PRId64 " bytes, SHA-256 %.16s...", size, sum);
}

static bool judge_number(struct scenario_run *run, const struct scenario_check *check, int64_t value,
                         char **detail)
{
    run->value = (struct scenario_value){.there = true, .number = value};
    if (check->has_min && value < check->min)
        return verdict(false, detail, "%" PRId64 ", expected at least %" PRId64, value, check->min);
    if (check->has_max && value > check->max)
        return verdict(false, detail, "%" PRId64 ", expected at most %" PRId64, value, check->max);
    if (check->has_equals && value != check->equals)
        return verdict(false, detail, "%" PRId64 ", expected %" PRId64, value, check->equals);
    return verdict(true, detail, "%" PRId64, value);
}

static bool judge_counter(struct scenario_run *run, const struct scenario_check *check, char **detail)
{
    int64_t sum = 0;
    for (unsigned i = 0; i < run->scenario->nodes.count; i++) {
        struct scenario_node *node = &run->scenario->nodes.items[i];
        if (!check->node || check->node == node)
            sum += strata_node_counter(node->made, check->target);
    }
    return judge_number(run, check, sum, detail);
}

static bool is_chosen(const struct scenario_check *check, const struct scenario_node *node)
{
    for (unsigned i = 0; i < check->nodes.count; i++)
        if (check->nodes.items[i].node == node)
            return true;
    return check->nodes.count == 0;
}

static bool judge_drops(const struct scenario_run *run, const struct scenario_check *check, char **detail)
{
    for (unsigned i = 0; i < run->scenario->nodes.count; i++) {
        struct scenario_node *node = &run->scenario->nodes.items[i];
        for (unsigned j = 0; is_chosen(check, node) && j < strata_counters(); j++) {
            const char *name = strata_counter_name(j);
            // Frames to other stations reach everybody where a hub or a learning switch floods.
            if (!strstr(name, "_drop_") || strcmp(name, "ethernet_drop_destination") == 0)
                continue;
            int64_t value = strata_node_counter(node->made, name);
            if (value > 0)
                return verdict(false, detail, "%s dropped %" PRId64 ": %s", node->name, value,
                               strata_counter_help(j));
        }
    }
    return verdict(true, detail, "no host dropped anything");
}

static bool judge_received(struct scenario_run *run, const struct scenario_check *check, char **detail)
{
    struct strata_host *host = strata_node_host(check->node->made);
    struct strata_port_info info = {.size = sizeof info};
    if (!host || strata_port_info(host, check->port, &info) != 0)
        return verdict(false, detail, "%s is down", check->node->name);
    return judge_number(run, check, (int64_t)info.bytes_in, detail);
}

static bool judge_cable(struct scenario_run *run, const struct scenario_check *check, char **detail)
{
    uint64_t sum = 0;
    const char *what = check->counted ? check->counted : "sent";
    for (int direction = 0; direction < 2; direction++) {
        struct strata_cable_counts counts = {.size = sizeof counts};
        strata_cable_counts(check->link->made, direction, &counts);
        const struct {
            const char *name;
            uint64_t value;
        } rows[] = {
            {"sent", counts.sent},
            {"delivered", counts.delivered},
            {"lost", counts.lost + counts.lost_burst + counts.lost_queue + counts.lost_down},
            {"bytes_sent", counts.bytes_sent},
            {"bytes_delivered", counts.bytes_delivered},
            {"duplicated", counts.duplicated},
            {"reordered", counts.reordered},
            {"corrupted", counts.corrupted},
            {"marked", counts.marked},
            {"queue", counts.queue_most > sum ? counts.queue_most - sum : 0}, // the longer of both
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
            if (strcmp(rows[i].name, what) == 0)
                sum += rows[i].value;
    }
    return judge_number(run, check, (int64_t)sum, detail);
}

bool scenario_judge(struct scenario_run *run, const struct scenario_check *check, char **detail)
{
    bool done = run->events_left == 0 && strata_world_programs_done(run->world);
    switch (check->kind) {
    case CHECK_PROGRAM:
        return judge_program(run, check, detail);
    case CHECK_OUTPUT:
        return judge_text(check, &check->node->output, detail);
    case CHECK_FILE:
        return judge_file(run, check, detail);
    case CHECK_COUNTER:
        return judge_counter(run, check, detail);
    case CHECK_DROPS:
        return judge_drops(run, check, detail);
    case CHECK_RECEIVED:
        return judge_received(run, check, detail);
    case CHECK_CABLE:
        return judge_cable(run, check, detail);
    case CHECK_TIME:
        run->value = (struct scenario_value){.there = done, .is_time = true, .number = run->ended};
        return verdict(done && run->ended < check->before, detail, "%s after %" PRId64 " ms",
                       done ? "done" : "not done", run->ended / STRATA_MILLISECOND);
    case CHECK_PROGRAMS:
        break;
    }
    return verdict(done, detail, "%u programs have not ended", run->world->programs);
}
