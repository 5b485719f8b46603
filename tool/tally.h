/**
 * Counting over many runs: how often each check held, and how what was measured is spread.
 */
#ifndef TOOL_TALLY_H
#define TOOL_TALLY_H

#include "tool/figures.h"
#include "tool/outcome.h"
#include "tool/sheet.h"

/** Values of one kind, one from each run that had it. */
struct spread {
    int64_t *values;
    size_t count, room;
    bool sorted;
    struct scenario_value kind; /**< What kind of numbers they are. */
};
void spread_add(struct spread *spread, const struct scenario_value *value);
/** The value below which `percent` of all are: 0 is the least, 50 the median, 100 the most. */
struct scenario_value spread_at(struct spread *spread, unsigned percent);
/** Their mean, rounded. */
struct scenario_value spread_mean(const struct spread *spread);
void spread_free(struct spread *spread);

struct tally_check {
    char *name;
    uint64_t held, failed, first_failed; /**< The last one is a seed. */
    struct spread spread;
};
/** A number that was asked for, see figures.h. */
struct tally_figure {
    const char *text;
    struct spread spread;
};
struct tally {
    uint64_t runs, ok;
    uint64_t hash; /**< Of all hashes, in their order. */
    struct tally_check *checks;
    unsigned check_count;
    struct spread ended, frames;
    struct tally_figure *figures;
    unsigned figure_count;
};
/** Adds what was asked for, before anything is counted. */
void tally_ask(struct tally *tally, const struct figures *figures);
/** Their values of a run, as an answer has them. */
void tally_read(struct tally *tally, struct bytes_reader *rest);
void tally_add(struct tally *tally, const struct outcome *outcome);
void tally_print(struct tally *tally, FILE *to);
/** The same as JSON: "runs", "failed", "hash", "checks". */
void tally_json(struct tally *tally, json_t *into);
void tally_free(struct tally *tally);

/** A spread as JSON: min, median, max, mean. */
json_t *spread_json(struct spread *spread);
/** A value rounded for a table: "1.504 s", "266.6 kbit/s", "0.2531", "12". */
const char *tally_value(const struct scenario_value *value, char room[48]);

#endif
