/*
 * Counting over many runs. Everything is in whole numbers, so that the same runs give the same bytes on any machine.
 */
#include "tool/tally.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lab/json.h"
#include "lab/world.h"

/* ---- Spreads --------------------------------------------------------------------------------------------- */

static void *must(void *memory)
{
    if (!memory) {
        fputs("strata: out of memory\n", stderr);
        exit(1);
    }
    return memory;
}

void spread_add(struct spread *spread, const struct scenario_value *value)
{
    if (!value->there)
        return;
    if (spread->count == spread->room) {
        spread->room = spread->room ? spread->room * 2 : 64;
        spread->values = must(realloc(spread->values, spread->room * sizeof *spread->values));
    }
    spread->kind = *value;
    spread->values[spread->count++] = value->number;
    spread->sorted = false;
}

static int ascending(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

struct scenario_value spread_at(struct spread *spread, unsigned percent)
{
    struct scenario_value value = spread->kind;
    if (spread->count == 0)
        return value;
    if (!spread->sorted)
        qsort(spread->values, spread->count, sizeof *spread->values, ascending);
    spread->sorted = true;
    value.number = spread->values[(spread->count - 1) * (uint64_t)percent / 100];
    return value;
}

struct scenario_value spread_mean(const struct spread *spread)
{
    struct scenario_value value = spread->kind;
    int64_t count = (int64_t)spread->count, whole = 0, rest = 0;
    value.number = 0;
    if (count == 0)
        return value;
    for (size_t i = 0; i < spread->count; i++) { // no sum of all, which might not fit
        whole += spread->values[i] / count;
        rest += spread->values[i] % count;
    }
    // Counts have means with decimals.
    whole += rest / count;
    rest %= count;
    if (!value.is_time && !value.in_billionths && !value.is_rate && whole > -1000000000 && whole < 1000000000) {
        value.in_billionths = true;
        value.number = whole * 1000000000 + rest * (1000000000 / count) + rest * (1000000000 % count) / count;
    } else {
        value.number = whole + (2 * rest >= count);
    }
    return value;
}

void spread_free(struct spread *spread)
{
    free(spread->values);
    *spread = (struct spread){0};
}

/** A number of units with so many decimals, rounded; no zeros at the end. */
static const char *decimal(char room[48], uint64_t value, uint64_t unit, unsigned decimals, const char *name)
{
    uint64_t power = 1;
    for (unsigned i = 0; i < decimals; i++)
        power *= 10;
    uint64_t step = unit / power ? unit / power : 1;
    uint64_t rounded = (value + step / 2) / step, scale = unit / step;
    int length = snprintf(room, 48, "%" PRIu64 ".%0*" PRIu64, rounded / scale, (int)decimals, rounded % scale);
    if (scale == 1)
        length = snprintf(room, 48, "%" PRIu64, rounded);
    while (scale > 1 && (room[length - 1] == '0' || room[length - 1] == '.'))
        if (room[--length] == '.')
            break;
    snprintf(room + length, 48 - (size_t)length, "%s", name);
    return room;
}

const char *tally_value(const struct scenario_value *value, char room[48])
{
    uint64_t n = (uint64_t)value->number;
    if (value->number < 0 || !(value->is_time || value->is_rate || value->in_billionths)) {
        snprintf(room, 48, "%" PRId64, value->number);
        return room;
    }
    if (value->is_time)
        return n >= 1000000000 ? decimal(room, n, 1000000000, 3, " s")
               : n >= 1000000  ? decimal(room, n, 1000000, 3, " ms")
                               : decimal(room, n, 1000, 3, " us");
    if (value->is_rate)
        return n >= 1000000000 ? decimal(room, n, 1000000000, 3, " Gbit/s")
               : n >= 1000000  ? decimal(room, n, 1000000, 3, " Mbit/s")
               : n >= 1000     ? decimal(room, n, 1000, 1, " kbit/s")
                               : decimal(room, n, 1, 0, " bit/s");
    return n >= 1000 * UINT64_C(1000000000) ? decimal(room, n, 1000000000, 1, "")
                                            : decimal(room, n, 1000000000, 4, "");
}

/* ---- The tally ------------------------------------------------------------------------------------------- */

/** Runs of one scenario have the same checks in the same order, so the search ends where it begins. */
static struct tally_check *check_of(struct tally *tally, const char *name, unsigned index)
{
    if (index < tally->check_count && strcmp(tally->checks[index].name, name) == 0)
        return &tally->checks[index];
    for (unsigned i = 0; i < tally->check_count; i++)
        if (strcmp(tally->checks[i].name, name) == 0)
            return &tally->checks[i];
    tally->checks = must(realloc(tally->checks, (tally->check_count + 1) * sizeof *tally->checks));
    struct tally_check *check = &tally->checks[tally->check_count++];
    *check = (struct tally_check){.name = must(strdup(name))};
    return check;
}

void tally_add(struct tally *tally, const struct outcome *outcome)
{
    tally->runs++;
    tally->ok += outcome->ok;
    tally->hash = hash_mix(tally->hash, outcome->seed);
    tally->hash = hash_mix(tally->hash, outcome->hash);
    for (unsigned i = 0; i < outcome->check_count; i++) {
        struct tally_check *check = check_of(tally, outcome->checks[i].name, i);
        check->held += outcome->checks[i].ok;
        check->failed += !outcome->checks[i].ok;
        if (!outcome->checks[i].ok && check->first_failed == 0)
            check->first_failed = outcome->seed;
        spread_add(&check->spread, &outcome->checks[i].value);
    }
    if (outcome->kind != OUTCOME_JUDGED)
        return;
    spread_add(&tally->ended,
               &(struct scenario_value){.there = true, .is_time = true, .number = outcome->ended});
    spread_add(&tally->frames, &(struct scenario_value){.there = true, .number = (int64_t)outcome->frames});
}

void tally_ask(struct tally *tally, const struct figures *figures)
{
    tally->figures = must(calloc(figures->count + 1, sizeof *tally->figures));
    for (unsigned i = 0; i < figures->count; i++)
        tally->figures[tally->figure_count++].text = figures->items[i].text;
}

void tally_read(struct tally *tally, struct bytes_reader *rest)
{
    for (unsigned i = 0; i < tally->figure_count; i++) {
        struct scenario_value value = outcome_read_value(rest);
        spread_add(&tally->figures[i].spread, &value);
    }
}

static void print_spread(struct sheet *sheet, struct spread *spread)
{
    for (unsigned percent = 0; percent <= 100; percent += 50) {
        char room[48];
        struct scenario_value value = spread_at(spread, percent);
        sheet_cell(sheet, "%s", spread->count > 0 ? tally_value(&value, room) : "");
    }
}

/** A row of something that no check is about. */
static void print_more(struct sheet *sheet, const char *name, struct spread *spread)
{
    sheet_cell(sheet, "%s", name);
    for (int i = 0; i < 3; i++)
        sheet_cell(sheet, "%s", "");
    print_spread(sheet, spread);
}

void tally_print(struct tally *tally, FILE *to)
{
    struct sheet sheet = {0};
    sheet_column(&sheet, (struct sheet_column){.title = "", .left = true, .stretch = true, .key = true});
    sheet_column(&sheet, (struct sheet_column){.title = "held"});
    sheet_column(&sheet, (struct sheet_column){.title = "failed", .optional = true});
    sheet_column(&sheet, (struct sheet_column){.title = "at seed", .optional = true});
    for (unsigned i = 0; i < 3; i++)
        sheet_column(&sheet, (struct sheet_column){.title = i == 0 ? "least" : i == 1 ? "median" : "most",
                                                   .optional = true});
    for (unsigned i = 0; i < tally->check_count; i++) {
        struct tally_check *check = &tally->checks[i];
        sheet_cell(&sheet, "%s", check->name);
        sheet_cell(&sheet, "%" PRIu64, check->held);
        sheet_cell(&sheet, "%" PRIu64, check->failed);
        char first[24] = "";
        if (check->failed)
            snprintf(first, sizeof first, "%" PRIu64, check->first_failed);
        sheet_cell(&sheet, "%s", first);
        print_spread(&sheet, &check->spread);
    }
    print_more(&sheet, "done after", &tally->ended);
    print_more(&sheet, "frames", &tally->frames);
    for (unsigned i = 0; i < tally->figure_count; i++)
        print_more(&sheet, tally->figures[i].text, &tally->figures[i].spread);
    sheet_print(&sheet, to, SHEET_WIDTH);
    sheet_free(&sheet);
}

json_t *spread_json(struct spread *spread)
{
    struct scenario_value least = spread_at(spread, 0), median = spread_at(spread, 50),
                          most = spread_at(spread, 100), mean = spread_mean(spread);
    return json_pack("{s:o, s:o, s:o, s:o}", "min", json_value(&least), "median", json_value(&median), "max",
                     json_value(&most), "mean", json_value(&mean));
}

void tally_json(struct tally *tally, json_t *into)
{
    char hash[20];
    snprintf(hash, sizeof hash, "%016" PRIx64, tally->hash);
    json_t *checks = json_array();
    for (unsigned i = 0; i < tally->check_count; i++) {
        struct tally_check *check = &tally->checks[i];
        json_t *object = json_pack("{s:o, s:I, s:I}", "name", json_text(check->name), "held",
                                   (json_int_t)check->held, "failed", (json_int_t)check->failed);
        if (check->failed)
            json_object_set_new(object, "first_failed_seed", json_integer((json_int_t)check->first_failed));
        if (check->spread.count > 0)
            json_object_set_new(object, "value", spread_json(&check->spread));
        json_array_append_new(checks, object);
    }
    json_object_set_new(into, "runs", json_integer((json_int_t)tally->runs));
    json_object_set_new(into, "failed", json_integer((json_int_t)(tally->runs - tally->ok)));
    json_object_set_new(into, "hash", json_string(hash));
    json_object_set_new(into, "checks", checks);
    if (tally->ended.count > 0) {
        json_object_set_new(into, "done_after", spread_json(&tally->ended));
        json_object_set_new(into, "frames", spread_json(&tally->frames));
    }
    json_t *measured = json_object();
    for (unsigned i = 0; i < tally->figure_count; i++)
        if (tally->figures[i].spread.count > 0)
            json_object_set_new(measured, tally->figures[i].text, spread_json(&tally->figures[i].spread));
    if (tally->figure_count > 0)
        json_object_set(into, "measured", measured);
    json_decref(measured);
}

void tally_free(struct tally *tally)
{
    for (unsigned i = 0; i < tally->check_count; i++) {
        free(tally->checks[i].name);
        spread_free(&tally->checks[i].spread);
    }
    for (unsigned i = 0; i < tally->figure_count; i++)
        spread_free(&tally->figures[i].spread);
    free(tally->figures);
    free(tally->checks);
    spread_free(&tally->ended);
    spread_free(&tally->frames);
    *tally = (struct tally){0};
}
