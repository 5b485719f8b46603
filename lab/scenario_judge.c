/*
 * Judging the checks of a scenario. Each gives a verdict and a sentence that tells what was found.
 */
#include "lab/scenario.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lab/scenario_classes.h"
#include "lab/scenario_figures.h"
#include "lab/scenario_segments.h"
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

static bool judge_value(struct scenario_run *run, const struct scenario_check *check, struct quantity found,
                        char **detail)
{
    run->value = (struct scenario_value){
        .there = true,
        .is_time = found.dimension == DIMENSION_TIME,
        .in_billionths = found.dimension == DIMENSION_NUMBER,
        .is_rate = found.dimension == DIMENSION_RATE,
        .number = (int64_t)found.value,
    };
    char value[64], expected[64], within[32] = "";
    quantity_format(found, value, sizeof value);
    quantity_format(check->value, expected, sizeof expected);
    if (check->within_ppm > 0) {
        struct quantity percent = {DIMENSION_NUMBER, (uint64_t)check->within_ppm * 100000};
        snprintf(within, sizeof within, " within ");
        quantity_format(percent, within + 8, sizeof within - 9);
        strcat(within, "%");
    }
    return verdict(quantity_is_near(found, check->value, check->within_ppm), detail, "%s, expected %s%s", value,
                   expected, within);
}

/** The number behind a text that was printed, the first time it was. */
static bool judge_printed(struct scenario_run *run, const struct scenario_check *check, const char *text,
                          char **detail)
{
    const char *behind = strstr(text, check->contains) + strlen(check->contains);
    struct quantity found;
    char room[64];
    behind += strspn(behind, " \t:=");
    if (quantity_scan(behind, &found) < 0)
        return verdict(false, detail, "behind \"%s\" stands no number but \"%s\"", check->contains,
                       excerpt(behind, room));
    return judge_value(run, check, found, detail);
}

static bool judge_text(struct scenario_run *run, const struct scenario_check *check, const struct text_log *log,
                       char **detail)
{
    const char *text = log->text ? log->text : "";
    char room[64];
    if (check->contains && !strstr(text, check->contains))
        return verdict(false, detail, "\"%s\" is not in the %zu bytes of output, which begin \"%s\"",
                       check->contains, log->length, excerpt(text, room));
    if (check->lacks && strstr(text, check->lacks))
        return verdict(false, detail, "\"%s\" is in the output", check->lacks);
    if (check->has_value)
        return judge_printed(run, check, text, detail);
    if (check->text && strcmp(text, check->text) != 0)
        return verdict(false, detail, "the output is another one: \"%s\"", excerpt(text, room));
    return verdict(true, detail, "%s", check->contains ? "found in the output" : "as expected");
}

static bool judge_program(struct scenario_run *run, const struct scenario_check *check, char **detail)
{
    const struct scenario_program *program = check->program;
    if (!program->started)
        return verdict(false, detail, "%s was not started", program->name);
    if (check->has_exits && program->status == -1)
        return verdict(false, detail, "%s has not ended after %" PRId64 " ms", program->name,
                       run->ended / STRATA_MILLISECOND);
    if (check->has_exits && program->status != check->exits)
        return verdict(false, detail, "%s ended with status %d", program->name, program->status);
    if (check->contains || check->lacks)
        return judge_text(run, check, &program->output, detail);
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
            int64_t value = node_counter(node->made, j);
            if (value == 0)
                continue;
            const char *name = strata_counter_name(j);
            // Frames to other stations reach everybody where a hub or a learning switch floods.
            if (!strstr(name, "_drop_") || strcmp(name, "ethernet_drop_destination") == 0)
                continue;
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
    uint64_t of;
    if (!host || strata_port_info(host, check->port, &info) != 0 || !figure_received(check, &of))
        return verdict(false, detail, "%s is down", check->node->name);
    if (check->has_value && check->ports.count > 0)
        return judge_value(run, check, quantity_ratio(info.bytes_in, of), detail);
    struct quantity bytes = {DIMENSION_NUMBER, info.bytes_in * UINT64_C(1000000000)};
    if (check->has_value)
        return judge_value(run, check, bytes, detail);
    return judge_number(run, check, (int64_t)info.bytes_in, detail);
}

static bool judge_fairness(struct scenario_run *run, const struct scenario_check *check, char **detail)
{
    struct quantity index = {DIMENSION_NUMBER, 0};
    if (!figure_fairness(check, &index.value))
        return verdict(false, detail, "a host is down");
    return judge_value(run, check, index, detail);
}

static bool judge_window(struct scenario_run *run, const struct scenario_check *check, char **detail)
{
    struct quantity found = {DIMENSION_NUMBER, 0};
    if (!figure_window(run, check, &found.value))
        return verdict(false, detail, "no window fell");
    if (check->has_value)
        return judge_value(run, check, found, detail);
    return judge_number(run, check, (int64_t)(found.value / UINT64_C(1000000000)), detail);
}

/** How long the frames of one class of a queue waited on average. */
static bool judge_class_waiting(struct scenario_run *run, const struct scenario_check *check, char **detail)
{
    struct strata_queue_counts counts;
    if (!class_counts(check, check->direction, &counts) || counts.sent == 0)
        return verdict(false, detail, "nothing went through that class");
    struct quantity found = {DIMENSION_TIME, (uint64_t)counts.wait_sum_ns / counts.sent};
    return judge_value(run, check, found, detail);
}

static bool judge_measure(struct scenario_run *run, const struct scenario_check *check, char **detail)
{
    if (check->class_name)
        return judge_class_waiting(run, check, detail);
    const struct measured_cable *cable = measure_of(&run->measure, check->link->made);
    const struct measured *measured = cable ? &cable->direction[check->direction] : NULL;
    if (!measured || run->measure.failed)
        return verdict(false, detail, "no memory for measuring");
    if (measured->arrived == 0)
        return verdict(false, detail, "nothing arrived");
    struct quantity found = {.dimension = DIMENSION_TIME};
    uint64_t took = (uint64_t)(cable->end - cable->begin), arrived = measured->arrived;
    switch (check->measure) {
    case MEASURE_DELAY:
        found.value = (uint64_t)measured->delay_sum / arrived;
        break;
    case MEASURE_DELAY_MIN:
        found.value = (uint64_t)measured->delay_min;
        break;
    case MEASURE_DELAY_MAX:
        found.value = (uint64_t)measured->delay_max;
        break;
    case MEASURE_WAITING:
        found.value = (uint64_t)measured->waiting_sum / arrived;
        break;
    case MEASURE_INSIDE:
        found = quantity_ratio(measured->area, took);
        break;
    case MEASURE_THROUGHPUT: // bits in thousand-millionths per nanosecond
        found = quantity_ratio(measured->arrived_bytes * 8, took);
        found.dimension = DIMENSION_RATE;
        break;
    case MEASURE_UTILISATION:
        found = quantity_ratio((uint64_t)measured->transmission_sum, took);
        break;
    case MEASURE_LITTLE: // (left / took) (stay / left) over area / took: what is on both sides goes
        found = quantity_ratio((uint64_t)measured->stay_sum, measured->area);
        break;
    }
    return judge_value(run, check, found, detail);
}

static bool judge_bus(struct scenario_run *run, const struct scenario_check *check, int64_t value, char **detail)
{
    bool ok = judge_number(run, check, value, detail);
    if (strcmp(check->counted, "efficiency") != 0)
        return ok;
    free(*detail); // in per cent, as a share is written
    return verdict(ok, detail, "%" PRId64 ".%02" PRId64 " %%", value / 10000, value % 10000 / 100);
}

static bool judge_cable(struct scenario_run *run, const struct scenario_check *check, char **detail)
{
    uint64_t sum = 0;
    const char *what = check->counted ? check->counted : "sent";
    if (check->class_name)
        return judge_number(run, check, class_count(check), detail);
    if (is_bus_count(what))
        return judge_bus(run, check, bus_count(check->link->made, what), detail);
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
        return judge_text(run, check, &check->node->output, detail);
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
    case CHECK_MEASURE:
        return judge_measure(run, check, detail);
    case CHECK_TIME:
        run->value = (struct scenario_value){.there = done, .is_time = true, .number = run->ended};
        return verdict(done && run->ended < check->before, detail, "%s after %" PRId64 " ms",
                       done ? "done" : "not done", run->ended / STRATA_MILLISECOND);
    case CHECK_FAIRNESS:
        return judge_fairness(run, check, detail);
    case CHECK_WINDOW:
        return judge_window(run, check, detail);
    case CHECK_STATIONS:
        return judge_number(run, check, figure_stations(check), detail);
    case CHECK_SEGMENTS:
        return segments_judge(run, check, detail);
    case CHECK_PROGRAMS:
        break;
    }
    return verdict(done, detail, "%u programs have not ended", run->world->programs);
}
