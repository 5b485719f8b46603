/*
 * The result of one of many runs.
 */
#include "tool/outcome.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/json.h"
#include "lab/scenario_quantity.h"

/* ---- On the way ------------------------------------------------------------------------------------------ */

void outcome_put_value(struct bytes *answer, const struct scenario_value *value)
{
    bytes_put_number(answer, (uint64_t)value->there | (uint64_t)value->is_time << 1 |
                                 (uint64_t)value->in_billionths << 2 | (uint64_t)value->is_rate << 3);
    bytes_put_number(answer, (uint64_t)value->number);
}

struct scenario_value outcome_read_value(struct bytes_reader *reader)
{
    uint64_t flags = bytes_number(reader);
    return (struct scenario_value){
        .there = flags & 1,
        .is_time = flags >> 1 & 1,
        .in_billionths = flags >> 2 & 1,
        .is_rate = flags >> 3 & 1,
        .number = (int64_t)bytes_number(reader),
    };
}

static void put_run(const struct scenario_run *run, int error, struct bytes *answer)
{
    bytes_put_number(answer, (uint64_t)-error);
    bytes_put_number(answer, run->ok && !error);
    bytes_put_number(answer, run->world ? strata_world_frames(run->world) : 0);
    bytes_put_number(answer, run->world ? strata_world_hash(run->world) : 0);
    bytes_put_number(answer, (uint64_t)run->ended);
    bytes_put_number(answer, run->world ? (uint64_t)strata_world_now(run->world) : 0);
    bytes_put_number(answer, run->result_count);
    for (unsigned i = 0; i < run->result_count; i++) {
        bytes_put_text(answer, run->results[i].name);
        bytes_put_text(answer, run->results[i].detail);
        bytes_put_number(answer, run->results[i].ok);
        outcome_put_value(answer, &run->results[i].value);
    }
}

void outcome_run(struct scenario *scenario, const struct scenario_options *options, struct bytes *answer,
                 const struct outcome_hooks *hooks)
{
    struct scenario_run run;
    int error = scenario_build(&run, scenario, options);
    if (!error && hooks && hooks->before)
        error = hooks->before(hooks->context, &run);
    if (!error)
        error = scenario_go(&run, options);
    put_run(&run, error, answer);
    if (hooks && hooks->after)
        hooks->after(hooks->context, &run, answer);
    scenario_run_free(&run);
}

/** The line of what a process said before it ended that tells most: the first with a word in it that is no frame. */
static char *line_of(const char *said)
{
    const char *line = said;
    while (*line) {
        size_t length = strcspn(line, "\n");
        bool word = false;
        for (size_t i = 0; i < length && !word; i++)
            word = isalpha((unsigned char)line[i]);
        if (word) {
            const char *error = memmem(line, length, "ERROR: ", 7), *end = line + length;
            const char *address = memmem(line, length, " on address", 11);
            line = error ? error + 7 : line; // sanitizers: which process and where differs each time
            end = address && address > line ? address : end;
            return strndup(line, (size_t)(end - line));
        }
        line += length + (line[length] == '\n');
    }
    return strdup("");
}

void outcome_read(struct outcome *outcome, uint64_t seed, const struct worker_answer *answer,
                  struct bytes_reader *rest)
{
    static const enum outcome_kind kinds[] = {
        [WORKER_DONE] = OUTCOME_JUDGED,
        [WORKER_SIGNALLED] = OUTCOME_CRASHED,
        [WORKER_EXITED] = OUTCOME_EXITED,
        [WORKER_TIMED_OUT] = OUTCOME_TIMED_OUT,
    };
    *outcome = (struct outcome){.seed = seed, .kind = kinds[answer->end], .code = answer->code};
    outcome->said = line_of(answer->said);
    *rest = answer->data;
    if (answer->end != WORKER_DONE)
        return;
    outcome->code = (int)bytes_number(rest);
    if (outcome->code)
        outcome->kind = OUTCOME_ERROR;
    outcome->ok = bytes_number(rest);
    outcome->frames = bytes_number(rest);
    outcome->hash = bytes_number(rest);
    outcome->ended = (strata_time)bytes_number(rest);
    outcome->now = (strata_time)bytes_number(rest);
    unsigned count = (unsigned)bytes_number(rest);
    outcome->checks = calloc(count ? count : 1, sizeof *outcome->checks);
    for (unsigned i = 0; outcome->checks && i < count; i++) {
        struct outcome_check *check = &outcome->checks[outcome->check_count++];
        check->name = bytes_text(rest);
        check->detail = bytes_text(rest);
        check->ok = bytes_number(rest);
        check->value = outcome_read_value(rest);
    }
}

void outcome_free(struct outcome *outcome)
{
    for (unsigned i = 0; i < outcome->check_count; i++) {
        free(outcome->checks[i].name);
        free(outcome->checks[i].detail);
    }
    free(outcome->checks);
    free(outcome->said);
    *outcome = (struct outcome){0};
}

/* ---- In words -------------------------------------------------------------------------------------------- */

const char *outcome_signal(int number, char room[24])
{
    static const struct {
        int number;
        const char *name;
    } names[] = {{SIGSEGV, "SIGSEGV"}, {SIGABRT, "SIGABRT"}, {SIGBUS, "SIGBUS"},   {SIGFPE, "SIGFPE"},
                 {SIGILL, "SIGILL"},   {SIGTRAP, "SIGTRAP"}, {SIGKILL, "SIGKILL"}, {SIGTERM, "SIGTERM"},
                 {SIGHUP, "SIGHUP"},   {SIGXCPU, "SIGXCPU"}, {SIGSYS, "SIGSYS"},   {SIGALRM, "SIGALRM"}};
    snprintf(room, 24, "signal %d", number);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].number == number)
            snprintf(room, 24, "%s", names[i].name);
    return room;
}

const char *outcome_why(const struct outcome *outcome, char *text, size_t size)
{
    char room[24];
    const char *between = outcome->said && *outcome->said ? ": " : "";
    const char *said = outcome->said ? outcome->said : "";
    switch (outcome->kind) {
    case OUTCOME_CRASHED:
        snprintf(text, size, "crashed with %s%s%s", outcome_signal(outcome->code, room), between, said);
        return text;
    case OUTCOME_EXITED:
        snprintf(text, size, "its process ended with status %d%s%s", outcome->code, between, said);
        return text;
    case OUTCOME_TIMED_OUT:
        snprintf(text, size, "not done in the real time it was given");
        return text;
    case OUTCOME_ERROR:
        snprintf(text, size, "%s",
                 outcome->code == ELOOP ? "the world stands still: a million things happened at one moment"
                                        : strerror(outcome->code));
        return text;
    case OUTCOME_JUDGED:
        break;
    }
    snprintf(text, size, "no check holds");
    for (unsigned i = 0; i < outcome->check_count; i++)
        if (!outcome->checks[i].ok) {
            snprintf(text, size, "%s: %s", outcome->checks[i].name, outcome->checks[i].detail);
            break;
        }
    for (char *c = text; *c; c++) // it may quote what a program printed
        if ((unsigned char)*c < 32 || *c == 127)
            *c = '.';
    return text;
}

const char *outcome_value(const struct scenario_value *value, char room[48])
{
    snprintf(room, 48, "%" PRId64, value->number);
    if (value->number < 0 || !(value->is_time || value->in_billionths || value->is_rate))
        return room;
    struct quantity quantity = {
        .dimension = value->is_time ? DIMENSION_TIME : value->is_rate ? DIMENSION_RATE : DIMENSION_NUMBER,
        .value = (uint64_t)value->number,
    };
    return quantity_format(quantity, room, 48);
}

json_t *outcome_json(const struct outcome *outcome)
{
    char hash[20], room[24];
    json_t *object = json_pack("{s:b, s:I}", "ok", (int)outcome->ok, "seed", (json_int_t)outcome->seed);
    if (outcome->kind == OUTCOME_CRASHED)
        json_object_set_new(object, "crash", json_string(outcome_signal(outcome->code, room)));
    else if (outcome->kind == OUTCOME_EXITED)
        json_object_set_new(object, "exit_status", json_integer(outcome->code));
    else if (outcome->kind == OUTCOME_TIMED_OUT)
        json_object_set_new(object, "timeout", json_true());
    else if (outcome->kind == OUTCOME_ERROR)
        json_object_set_new(object, "error", json_text(strerror(outcome->code)));
    if (outcome->said && *outcome->said)
        json_object_set_new(object, "said", json_text(outcome->said));
    if (outcome->kind != OUTCOME_JUDGED)
        return object;
    snprintf(hash, sizeof hash, "%016" PRIx64, outcome->hash);
    json_object_set_new(object, "virtual_seconds", json_real((double)outcome->now / 1e9));
    json_object_set_new(object, "frames", json_integer((json_int_t)outcome->frames));
    json_object_set_new(object, "hash", json_string(hash));
    json_t *checks = json_array();
    for (unsigned i = 0; i < outcome->check_count; i++) {
        const struct outcome_check *check = &outcome->checks[i];
        json_t *one = json_pack("{s:o, s:b, s:o}", "name", json_text(check->name), "ok", (int)check->ok, "detail",
                                json_text(check->detail));
        if (check->value.there)
            json_object_set_new(one, "value", json_value(&check->value));
        json_array_append_new(checks, one);
    }
    json_object_set_new(object, "checks", checks);
    return object;
}
