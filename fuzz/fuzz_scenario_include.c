/*
 * Any bytes as a scenario with what it includes and what the command line says. Lines that begin with "--set " come
 * first; a line "%% NAME" begins the file of that name, and what is before the first of them is the scenario itself.
 * The reader either complains, with a place for each complaint that is about a file, or gives a scenario from which a
 * world can be built; what it prints as the expanded scenario reads the same again. Nothing is run.
 */
#include "lab/scenario.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SETS_MAX 8

struct files {
    const char *text;
    size_t length;
};

/** The next line that begins with a prefix, from `at` on, or NULL. */
static const char *find_line(const char *at, const char *end, const char *prefix)
{
    size_t length = strlen(prefix);
    while (at && at < end) {
        if ((size_t)(end - at) >= length && memcmp(at, prefix, length) == 0)
            return at;
        at = memchr(at, '\n', (size_t)(end - at));
        at = at ? at + 1 : NULL;
    }
    return NULL;
}

static int load(void *context, const char *path, char **text, size_t *length)
{
    const struct files *files = context;
    const char *end = files->text + files->length, *at = files->text;
    size_t name_length = strlen(path);
    while ((at = find_line(at, end, "%% "))) {
        const char *name = at + 3, *line_end = memchr(name, '\n', (size_t)(end - name));
        if (!line_end)
            break;
        at = line_end + 1;
        if ((size_t)(line_end - name) != name_length || memcmp(name, path, name_length) != 0)
            continue;
        const char *next = find_line(at, end, "%% ");
        *length = (size_t)((next ? next : end) - at);
        *text = malloc(*length + 1);
        if (!*text)
            return -ENOMEM;
        memcpy(*text, at, *length);
        return 0;
    }
    return -ENOENT;
}

static void build(struct scenario *scenario)
{
    uint64_t bytes = 0;
    if (scenario->nodes.count >= 20 || scenario->links.count >= 40)
        return; // building a large world finds nothing that a small one does not
    for (unsigned i = 0; i < scenario->nodes.count; i++)
        for (unsigned j = 0; j < scenario->nodes.items[i].files.count; j++)
            bytes += scenario->nodes.items[i].files.items[j].bytes;
    if (bytes >= (1u << 20))
        return;
    struct scenario_run run;
    struct scenario_options options = {0};
    scenario_build(&run, scenario, &options);
    scenario_run_free(&run);
}

/** What was expanded is a scenario of as many nodes, links and events. */
static void read_again(const struct scenario *scenario, const char *text, size_t length)
{
    struct complaints complaints = {0};
    struct scenario *again = NULL;
    if (scenario_parse(&again, "again", text, length, &complaints) != 0 ||
        again->nodes.count != scenario->nodes.count || again->links.count != scenario->links.count ||
        again->events.count != scenario->events.count)
        abort();
    scenario_free(again);
    complaints_free(&complaints);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data, *end = text + size;
    char *sets[SETS_MAX];
    struct scenario_input input = {.file = "fuzz.yaml", .load = load};
    while ((size_t)(end - text) > 6 && memcmp(text, "--set ", 6) == 0 && input.set_count < SETS_MAX) {
        const char *line_end = memchr(text, '\n', (size_t)(end - text));
        if (!line_end)
            break;
        sets[input.set_count++] = strndup(text + 6, (size_t)(line_end - text) - 6);
        text = line_end + 1;
    }
    const char *first = find_line(text, end, "%% ");
    struct files files = {text, (size_t)(end - text)};
    char *expanded = NULL;
    size_t expanded_length = 0;
    input.text = text;
    input.length = (size_t)((first ? first : end) - text);
    input.sets = (const char *const *)sets;
    input.context = &files;
    input.expanded = open_memstream(&expanded, &expanded_length);
    struct complaints complaints = {0};
    struct scenario *scenario = NULL;
    int error = scenario_read(&scenario, &input, &complaints);
    fclose(input.expanded);
    if ((error != 0) != (complaints.count > 0))
        abort();
    for (unsigned i = 0; i < complaints.count; i++)
        if (complaints.items[i].place.file >= complaints.file_count)
            abort();
    if (scenario) {
        read_again(scenario, expanded, expanded_length);
        build(scenario);
    }
    scenario_free(scenario);
    complaints_free(&complaints);
    free(expanded);
    for (unsigned i = 0; i < input.set_count; i++)
        free(sets[i]);
    return 0;
}
