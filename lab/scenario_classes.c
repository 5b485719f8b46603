/*
 * Checks of one class of a queue: whether there is such a class, and what it counted.
 */
#include "lab/scenario_classes.h"

#include <string.h>

#include "lab/scenario_yaml.h"

static const char *const words[] = {"sent", "bytes_sent", "lost", "marked", "queue", NULL};

/** The name of the index-th class, which may be a number. */
static const char *name_of(const struct strata_queue_class *class, unsigned index, char number[16])
{
    snprintf(number, 16, "%u", index + 1);
    return class->name ? class->name : number;
}

/** Whether a queue has a class of that name; otherwise tries its names. */
static bool has_class(const struct strata_queue *queue, const char *name, struct nearest *nearest)
{
    static const char *const bands[] = {"band 1", "band 2", "band 3"};
    if (queue->inner)
        return has_class(queue->inner, name, nearest);
    bool plain = queue->kind == STRATA_QUEUE_PRIO && queue->class_count == 0;
    for (unsigned i = 0; i < (plain ? 3 : queue->class_count); i++) {
        char number[16];
        const char *known = plain ? bands[i] : name_of(&queue->classes[i], i, number);
        size_t length = strlen(known);
        if (strcmp(known, name) == 0)
            return true;
        if (!plain && strncmp(known, name, length) == 0 && name[length] == '/' &&
            has_class(&queue->classes[i].queue, name + length + 1, nearest))
            return true;
        if (known != number)
            nearest_try(nearest, known);
    }
    return false;
}

void classes_verify(const struct scenario_check *check, struct complaints *complaints)
{
    struct nearest nearest;
    if (!check->class_name || !check->link)
        return;
    nearest_begin(&nearest, check->class_name);
    const struct strata_cable_config *config = &check->link->config;
    if (check->link->bus || (!has_class(&config->forward.queue, check->class_name, &nearest) &&
                             !has_class(&config->backward.queue, check->class_name, &nearest)))
        complain(complaints, check->class_place, "the queues of %s have no class %s%s", check->target,
                 check->class_name, nearest_text(&nearest));
    bool known = !check->counted;
    for (int i = 0; words[i] && !known; i++)
        known = strcmp(words[i], check->counted) == 0;
    if (!known)
        complain(complaints, check->class_place, "of a class are counted sent, bytes_sent, lost, marked and queue");
    if (check->kind == CHECK_MEASURE && check->measure != MEASURE_WAITING)
        complain(complaints, check->class_place, "of a class waiting is measured, and nothing else");
}

bool class_counts(const struct scenario_check *check, int direction, struct strata_queue_counts *counts)
{
    *counts = (struct strata_queue_counts){.size = sizeof *counts};
    if (strata_cable_queue(check->link->made, direction, check->class_name, counts) == 0)
        return true;
    char inside[200]; // a bucket's own queue has a name as well
    snprintf(inside, sizeof inside, "inside/%s", check->class_name);
    return strata_cable_queue(check->link->made, direction, inside, counts) == 0;
}

int64_t class_count(const struct scenario_check *check)
{
    const char *what = check->counted ? check->counted : "sent";
    uint64_t sum = 0;
    for (int direction = 0; direction < 2; direction++) {
        struct strata_queue_counts counts;
        if (!class_counts(check, direction, &counts))
            continue;
        const uint64_t values[] = {counts.sent, counts.bytes_sent, counts.lost, counts.marked, counts.waiting_most};
        for (int i = 0; words[i]; i++)
            if (strcmp(words[i], what) == 0)
                sum = i < 4 ? sum + values[i] : values[i] > sum ? values[i] : sum;
    }
    return (int64_t)sum;
}
