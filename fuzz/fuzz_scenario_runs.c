/*
 * What many runs read: lists of seeds, grids, answers of workers; and the tree from which shrinking takes parts away.
 * A scenario stays one when it goes through the tree, and whatever is taken away, what is left is YAML that reads as
 * the same tree.
 */
#include "lab/scenario.h"

#include <stdlib.h>
#include <string.h>

#include "tool/grid.c"
#include "tool/seeds.c"
#include "tool/tree.c"

static void check_seeds(const char *text)
{
    struct seeds seeds = {0}, again = {0};
    if (!seeds_parse(&seeds, text))
        return;
    char *printed = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&printed, &size);
    if (!to)
        abort();
    seeds_print(&seeds, to);
    fclose(to);
    if (!seeds_parse(&again, printed) || seeds_total(&seeds) != seeds_total(&again))
        abort();
    free(printed);
    uint64_t seed, count = 0;
    while (count < 1000 && seeds_next(&seeds, &seed))
        if (seed == 0 || ++count > seeds_total(&seeds))
            abort();
}

static void check_grid(const char *text)
{
    struct grid grid = {0};
    if (!grid_add(&grid, text))
        for (uint64_t point = 0; point < grid_points(&grid); point++) {
            char *set = grid_set(&grid, point, 0);
            if (!set || !strchr(set, '='))
                abort();
            free(set);
        }
    grid_free(&grid);
}

static unsigned left(const struct tree_node *node)
{
    unsigned count = 1;
    for (unsigned i = 0; i < node->count; i++)
        count += node->children[i]->gone ? 0 : left(node->children[i]);
    return count;
}

static struct scenario *read_scenario(const char *text, size_t length)
{
    struct complaints complaints = {0};
    struct scenario *scenario = NULL;
    scenario_parse(&scenario, "fuzz", text, length, &complaints);
    complaints_free(&complaints);
    return scenario;
}

/** A scenario that was written from its tree has as much of everything as before. */
static void check_scenario(const char *text, size_t length, const char *written)
{
    struct scenario *before = read_scenario(text, length), *after = NULL;
    // Parameters, templates and repetition are gone before anything is shrunk; other values than they have may stand.
    if (before && before->parameters.count == 0) {
        after = read_scenario(written, strlen(written));
        if (!after || after->nodes.count != before->nodes.count || after->links.count != before->links.count ||
            after->events.count != before->events.count || after->checks.count != before->checks.count)
            abort();
    }
    scenario_free(before);
    scenario_free(after);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    char *text = strndup((const char *)data + 1, size - 1);
    struct tree tree;
    if (!text)
        return 0;
    check_seeds(text);
    check_grid(text);
    if (tree_parse(&tree, text, strlen(text)) == 0) {
        char *whole = tree_write(&tree);
        if (whole)
            check_scenario(text, strlen(text), whole);
        for (unsigned i = 1; i < tree.count; i++)
            tree.all[i]->gone = (i * 7u + data[0]) % 5 == 0;
        char *part = whole ? tree_write(&tree) : NULL;
        struct tree again;
        if (part && (tree_parse(&again, part, strlen(part)) != 0 || again.count != left(tree.root)))
            abort();
        if (part)
            tree_free(&again);
        tree_remove_at(&tree, (struct place){1 + data[0] % 16, 1 + data[0] / 16, 0});
        free(part);
        free(whole);
        tree_free(&tree);
    }
    free(text);
    return 0;
}
