/*
 * Shrinking: a scenario that fails is made smaller as long as it fails in the same way. That is delta debugging
 * (Zeller, Hildebrandt 2002) on the tree of its text: of every list and mapping halves are taken away, then quarters,
 * down to single items; then numbers are made smaller. Where taking a thing away makes others wrong (a link loses its
 * node), what the reader complains of is taken away too.
 *
 * Failing in the same way means: the same check fails with the same words, numbers aside, no other check fails that
 * held before, and programs that end badly say last what they said before; or the same crash. Candidates are tried in
 * the order in which they are made and the first that fails is taken, so the result does not depend on how many workers
 * try them.
 */
#include "tool/lab.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tool/identity.h"
#include "tool/outcome.h"
#include "tool/tree.h"
#include "tool/workers.h"

/** Rounds of taking away what the reader complains of, for one candidate. */
#define REPAIRS 12
/** Times over the whole tree, unless one changes nothing. */
#define ROUNDS 4
#define SHRINK_RUNS 2000u

/** Something to try: a part of the tree is taken away, or a scalar is made smaller. */
struct candidate {
    struct tree_node *parent; /**< Of whose children some are taken away; or NULL. */
    unsigned first, count;
    struct tree_node *scalar;
    const char *instead;
};

struct shrink {
    const struct lab_options *options;
    uint64_t seed;
    struct tree tree;
    struct identity identity;
    bool known;         /**< The identity: the first run has told it. */
    struct candidate *candidates;
    unsigned count, room, next;
    unsigned runs;      /**< So far, as if one were tried after the other. */
    bool over;          /**< No more runs. */
    bool found;         /**< A candidate of this batch fails; `text` is it. */
    unsigned which;
    char *text;
    strata_time ran_until, duration;
    struct progress progress;
};

/* ---- In the workers -------------------------------------------------------------------------------------- */

/** Applies a candidate. @return false: it changes nothing. */
static bool apply(const struct candidate *candidate)
{
    bool any = candidate->scalar != NULL;
    if (candidate->scalar)
        candidate->scalar->instead = strdup(candidate->instead);
    for (unsigned i = 0; candidate->parent && i < candidate->count; i++)
        any = candidate->parent->children[candidate->first + i]->gone = true;
    return any;
}

/** Reads a text. @return the scenario; NULL: it is none, and complaints say why. */
static struct scenario *read_text(const struct shrink *shrink, const char *text, struct complaints *complaints)
{
    struct scenario *scenario = NULL;
    struct scenario_input input = {.file = shrink->options->file, .text = text, .length = strlen(text),
                                   .load = scenario_load_file};
    return scenario_read(&scenario, &input, complaints) == 0 ? scenario : NULL;
}

/** Takes away what is complained of until nothing is. @return the text, which is a scenario; NULL: there is no way. */
static char *repair(struct shrink *shrink, struct scenario **scenario)
{
    for (int i = 0; i < REPAIRS; i++) {
        struct complaints complaints = {0};
        char *text = tree_write(&shrink->tree);
        if (!text)
            return NULL;
        *scenario = read_text(shrink, text, &complaints);
        bool any = false;
        for (unsigned j = 0; !*scenario && j < complaints.count; j++)
            any |= tree_remove_at(&shrink->tree, complaints.items[j].place);
        complaints_free(&complaints);
        if (*scenario)
            return text;
        free(text);
        if (!any)
            return NULL;
    }
    return NULL;
}

/** An answer ends with the text; there is nothing else where the candidate was no scenario. */
static void work(void *context, struct bytes_reader job, struct bytes *answer)
{
    struct shrink *shrink = context;
    struct scenario *scenario = NULL;
    const struct candidate *candidate = &shrink->candidates[bytes_number(&job)];
    tree_restore(&shrink->tree);
    apply(candidate);
    char *text = repair(shrink, &scenario);
    if (text) {
        struct scenario_options options = {.seed = shrink->seed};
        outcome_run(scenario, &options, answer, &(struct outcome_hooks){.after = identity_put});
        scenario_free(scenario);
    }
    bytes_put_text(answer, text);
    free(text);
}

/* ---- In the parent --------------------------------------------------------------------------------------- */

static bool next(void *context, struct bytes *job)
{
    struct shrink *shrink = context;
    if (shrink->next == shrink->count)
        return false;
    bytes_put_number(job, shrink->next++);
    return true;
}

/** The text of a candidate whose process is gone is made again. */
static char *text_again(struct shrink *shrink, unsigned which)
{
    struct scenario *scenario = NULL;
    tree_restore(&shrink->tree);
    apply(&shrink->candidates[which]);
    char *text = repair(shrink, &scenario);
    scenario_free(scenario);
    tree_restore(&shrink->tree);
    return text;
}

static bool take(void *context, const struct worker_answer *answer)
{
    struct shrink *shrink = context;
    struct bytes_reader rest = answer->data;
    struct outcome outcome;
    struct identity identity;
    char *text = NULL;
    shrink->runs++;
    // Without a run there is nothing before the text's length, which is 0.
    if (answer->end == WORKER_DONE && rest.size <= sizeof(uint64_t))
        return shrink->runs < SHRINK_RUNS;
    outcome_read(&outcome, shrink->seed, answer, &rest);
    identity_of(&identity, &outcome, &rest);
    if (answer->end == WORKER_DONE)
        text = bytes_text(&rest);
    if (!shrink->known) {
        shrink->identity = identity;
        shrink->known = true;
        shrink->ran_until = outcome.now;
        shrink->found = !outcome.ok;
        identity = (struct identity){0};
    } else {
        shrink->found = !outcome.ok && identity_is_same(&shrink->identity, &identity);
    }
    if (shrink->found) {
        shrink->which = (unsigned)answer->job;
        shrink->text = text ? text : text_again(shrink, shrink->which);
        shrink->found = shrink->text != NULL;
    } else {
        free(text);
    }
    identity_free(&identity);
    outcome_free(&outcome);
    return !shrink->found && shrink->runs < SHRINK_RUNS;
}

static void look(void *context)
{
    struct shrink *shrink = context;
    if (progress_due(&shrink->progress, progress_clock()))
        progress_show(&shrink->progress, "shrinking: %u runs, %u parts are left", shrink->runs, shrink->tree.count);
}

static bool told_to_stop(void *context)
{
    (void)context;
    return lab_guard_signal() != 0;
}

/** Tries the candidates; the first that fails in the same way becomes the tree. @return whether one did. */
static bool try_all(struct shrink *shrink)
{
    struct workers_config config = {
        .count = shrink->options->jobs ? shrink->options->jobs : workers_processors(),
        .timeout_ns = shrink->options->timeout_ns,
        .context = shrink,
        .next = next,
        .work = work,
        .take = take,
        .look = look,
        .stop = told_to_stop,
    };
    shrink->next = 0;
    shrink->found = false;
    if (config.count > shrink->count)
        config.count = shrink->count;
    if (shrink->count > 0 && workers_run(&config) < 0)
        shrink->over = true;
    shrink->count = 0;
    shrink->over = shrink->over || shrink->runs >= SHRINK_RUNS || lab_guard_signal() != 0;
    if (!shrink->found)
        return false;
    struct tree smaller;
    bool read = tree_parse(&smaller, shrink->text, strlen(shrink->text)) == 0;
    free(shrink->text);
    shrink->text = NULL;
    if (read) {
        tree_free(&shrink->tree);
        shrink->tree = smaller;
    }
    return read;
}

static void propose(struct shrink *shrink, struct candidate candidate)
{
    if (shrink->count == shrink->room) {
        unsigned room = shrink->room ? shrink->room * 2 : 64;
        struct candidate *candidates = realloc(shrink->candidates, room * sizeof *candidates);
        if (!candidates)
            return; // one less is tried
        shrink->candidates = candidates;
        shrink->room = room;
    }
    shrink->candidates[shrink->count++] = candidate;
}

/* ---- Taking away ----------------------------------------------------------------------------------------- */

static bool is_key(const struct tree_node *node, const char *key)
{
    return node && node->key && strcmp(node->key, key) == 0;
}

/** Whether children of a node may be taken away: not of the whole, and checks only at the end. */
static bool is_reducible(const struct tree_node *node, bool checks)
{
    const struct tree_node *section = tree_section_of(node);
    if (!section || node->kind == TREE_SCALAR || node->count == 0)
        return false;
    if (is_key(section, "checks"))
        return checks && node == section;
    if (is_key(section, "limits"))
        return false;
    return !checks && !is_key(node, "endpoints");
}

/** One list or mapping: halves, quarters ... down to single children. @return whether anything went. Where it stands in
 * the tree tells which one it is, since the tree is made anew whenever something goes. */
static bool reduce(struct shrink *shrink, unsigned index, bool checks)
{
    bool any = false;
    unsigned pieces = 1;
    while (!shrink->over && index < shrink->tree.count) {
        struct tree_node *node = shrink->tree.all[index];
        if (!is_reducible(node, checks) || pieces > node->count)
            break;
        unsigned size = (node->count + pieces - 1) / pieces;
        for (unsigned first = 0; first < node->count; first += size)
            propose(shrink, (struct candidate){.parent = node,
                                               .first = first,
                                               .count = first + size > node->count ? node->count - first : size});
        if (try_all(shrink))
            any = true; // and again with pieces of that size
        else if (size == 1)
            break;
        else
            pieces *= 2;
    }
    return any;
}

/** Sections first, then what is in them: what is large goes first. */
static bool reduce_all(struct shrink *shrink, bool checks)
{
    bool any = false;
    for (unsigned i = 1; !shrink->over && i < shrink->tree.count; i++)
        any |= reduce(shrink, i, checks);
    return any;
}

static bool drop_section(struct shrink *shrink, const char *key)
{
    for (unsigned i = 0; i < shrink->tree.root->count && !shrink->over; i++)
        if (is_key(shrink->tree.root->children[i], key)) {
            propose(shrink, (struct candidate){.parent = shrink->tree.root, .first = i, .count = 1});
            return try_all(shrink);
        }
    return false;
}

/* ---- Smaller numbers ------------------------------------------------------------------------------------- */

/** Whether a scalar is a number with or without a unit that may be made smaller. */
static bool is_number(const struct shrink *shrink, const struct tree_node *node)
{
    static const char *const keys[] = {"at", "size", "delay", "jitter", "duration"};
    const struct tree_node *section = tree_section_of(node);
    if (node->kind != TREE_SCALAR || !isdigit((unsigned char)node->text[0]) || !section ||
        is_key(section, "checks"))
        return false;
    // A run that did not end by itself has no end to be shortened to.
    if (node == section)
        return is_key(node, "duration") && shrink->ran_until < shrink->duration && !shrink->identity.unfinished;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (is_key(node, keys[i]))
            return true;
    return false;
}

/** "300ms" is "150ms", "5s" is "2500ms", "1500" is "750". @return false: it cannot be halved. */
static bool halve(const char *text, char half[64])
{
    static const struct {
        const char *unit, *below;
    } units[] = {{"h", "s"}, {"m", "s"}, {"s", "ms"}, {"ms", "us"}, {"us", "ns"}};
    static const uint64_t factors[] = {3600, 60, 1000, 1000, 1000};
    char *unit;
    errno = 0;
    uint64_t number = strtoull(text, &unit, 10);
    if (errno || number == 0 || *unit == '.' || strlen(unit) > 8)
        return false;
    for (size_t i = 0; number < 16 && i < sizeof units / sizeof *units; i++)
        if (strcmp(unit, units[i].unit) == 0 && number * factors[i] >= 2) {
            snprintf(half, 64, "%" PRIu64 "%s", number * factors[i] / 2, units[i].below);
            return strcmp(half, text) != 0;
        }
    snprintf(half, 64, "%" PRIu64 "%s", number / 2, unit);
    return number / 2 > 0;
}

/** Scalars in the order of the tree, each to nothing at once, or by halves as long as that goes. */
static bool lessen(struct shrink *shrink)
{
    bool any = false;
    for (unsigned i = 1; !shrink->over && i < shrink->tree.count; i++)
        for (int steps = 0; steps < 40 && !shrink->over; steps++) {
            struct tree_node *node = shrink->tree.all[i];
            char half[64];
            if (!is_number(shrink, node))
                break;
            bool size = is_key(node, "size");
            if (steps == 0 && !is_key(node, "duration") && strcmp(node->text, size ? "1" : "0s") != 0)
                propose(shrink, (struct candidate){.scalar = node, .instead = size ? "1" : "0s"});
            if (halve(node->text, half))
                propose(shrink, (struct candidate){.scalar = node, .instead = half});
            if (!try_all(shrink))
                break;
            any = true;
        }
    return any;
}

/* ---- The whole ------------------------------------------------------------------------------------------- */

/** The scenario without includes and parameters, and with what the command line says, as a tree. */
static int open_tree(struct shrink *shrink)
{
    char *text = NULL, number[32];
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    struct scenario *scenario = NULL;
    int status = to ? lab_expand(shrink->options, &scenario, to)
                    : tool_complain(TOOL_FAILED, "out of memory");
    if (to)
        fclose(to);
    if (!status) {
        strata_time duration = shrink->options->scenario.duration;
        shrink->duration = duration ? duration : scenario->duration;
        snprintf(number, sizeof number, "%" PRIu64, shrink->seed);
        bool made = tree_parse(&shrink->tree, text, size) == 0;
        char limit[32];
        snprintf(limit, sizeof limit, "%" PRId64 "ns", duration);
        made = made && (!duration || tree_set(&shrink->tree, "duration", limit)) &&
               tree_set(&shrink->tree, "seed", number);
        if (!made)
            status = tool_complain(TOOL_FAILED, "%s: cannot be taken apart", shrink->options->file);
    }
    scenario_free(scenario);
    free(text);
    return status;
}

static unsigned parts(const struct shrink *shrink, const char *section)
{
    const struct tree_node *node = tree_section(&shrink->tree, section);
    return node ? node->count : 0;
}

static int write_result(struct shrink *shrink, const char *why)
{
    const char *path = shrink->options->shrink;
    FILE *to = fopen(path, "we");
    char *text = tree_write(&shrink->tree);
    errno = to ? 0 : errno;
    if (!to || !text) {
        int status = tool_complain(TOOL_FAILED, "%s: %s", path, strerror(errno ? errno : ENOMEM));
        if (to)
            fclose(to);
        free(text);
        return status;
    }
    fprintf(to, "# What is left of %s with seed %" PRIu64 " when all that does not matter is taken away:\n# ",
            shrink->options->file, shrink->seed);
    for (; *why; why++)
        fputc((unsigned char)*why < 32 ? ' ' : *why, to);
    fprintf(to, "\n%s", text);
    free(text);
    errno = 0;
    bool failed = ferror(to);
    failed |= fclose(to) != 0;
    return failed ? tool_complain(TOOL_FAILED, "%s: %s", path, strerror(errno ? errno : EIO)) : TOOL_OK;
}

static void tell(const struct shrink *shrink, const unsigned before[4])
{
    static const char *const sections[] = {"nodes", "links", "events", "checks"};
    FILE *to = shrink->options->json || shrink->options->jsonl ? stderr : stdout;
    fprintf(to, "shrunk in %u runs to %s:", shrink->runs, shrink->options->shrink);
    for (int i = 0; i < 4; i++)
        fprintf(to, "%s %u of %u %s", i ? "," : "", parts(shrink, sections[i]), before[i], sections[i]);
    fputs("\nto see it: strata lab ", to);
    lab_print_word(to, shrink->options->shrink);
    fputc('\n', to);
}

/** Whether the result would be written over the scenario. */
static bool is_same_file(const char *a, const char *b)
{
    struct stat one, other;
    return stat(a, &one) == 0 && stat(b, &other) == 0 && one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

/** The first run tells how it fails; what follows is to fail in the same way. @return 0; -1: it does not fail. */
static int first_run(struct shrink *shrink)
{
    propose(shrink, (struct candidate){.parent = NULL});
    return try_all(shrink) ? 0 : -1;
}

static void run_all(struct shrink *shrink)
{
    drop_section(shrink, "description");
    drop_section(shrink, "title");
    drop_section(shrink, "events");
    for (int round = 0; round < ROUNDS && !shrink->over; round++) {
        bool any = reduce_all(shrink, false);
        any |= lessen(shrink);
        if (!any)
            break;
    }
    reduce_all(shrink, true);
    static const char *const sections[] = {"links", "events", "checks"};
    for (int i = 0; i < 3; i++)
        if (tree_section(&shrink->tree, sections[i]) && tree_section(&shrink->tree, sections[i])->count == 0)
            drop_section(shrink, sections[i]);
}

int lab_shrink(const struct lab_options *options, uint64_t seed, const char *why)
{
    struct shrink shrink = {.options = options, .seed = seed};
    static const char *const sections[] = {"nodes", "links", "events", "checks"};
    unsigned before[4];
    if (is_same_file(options->file, options->shrink))
        return tool_complain(TOOL_USAGE, "%s: that is the scenario itself", options->shrink);
    progress_begin(&shrink.progress, true);
    int status = open_tree(&shrink);
    for (int i = 0; !status && i < 4; i++)
        before[i] = parts(&shrink, sections[i]);
    if (!status && first_run(&shrink) != 0) {
        status = lab_guard_signal() ? 128 + lab_guard_signal()
                                    : tool_complain(TOOL_FAILED, "seed %" PRIu64 " does not fail: nothing to shrink",
                                                    seed);
    } else if (!status) {
        run_all(&shrink);
        progress_clear(&shrink.progress);
        status = write_result(&shrink, why);
        if (!status)
            tell(&shrink, before);
        if (!status)
            status = lab_guard_signal() ? 128 + lab_guard_signal() : TOOL_FAILED;
    }
    progress_clear(&shrink.progress);
    identity_free(&shrink.identity);
    tree_free(&shrink.tree);
    free(shrink.candidates);
    return status;
}
