/*
 * Numbers that are wanted from runs. Most are found by judging a check that was made for the purpose: whatever checks
 * can look at can be asked for.
 */
#include "tool/figures.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lab/world.h"

bool figures_add(struct figures *figures, const char *text)
{
    if (figures->count == FIGURES_MAX)
        return false;
    figures->items[figures->count++] = (struct figure){.text = text};
    return true;
}

/* ---- What is meant --------------------------------------------------------------------------------------- */

static bool is_counter(const char *name, size_t length)
{
    for (unsigned i = 0; i < strata_counters(); i++)
        if (strlen(strata_counter_name(i)) == length && strncmp(strata_counter_name(i), name, length) == 0)
            return true;
    return false;
}

/** A check whose name it is, or the only one of whose name it is a part. */
static bool find_check(struct figure *figure, const struct scenario *scenario)
{
    unsigned parts = 0;
    for (unsigned i = 0; i < scenario->checks.count; i++)
        if (strcmp(scenario->checks.items[i].name, figure->text) == 0) {
            figure->index = i;
            return true;
        }
    for (unsigned i = 0; i < scenario->checks.count; i++)
        if (strstr(scenario->checks.items[i].name, figure->text)) {
            figure->index = i;
            parts++;
        }
    return parts == 1;
}

static bool find_of_node(struct figure *figure, const char *word)
{
    if (strcmp(word, "goodput") == 0) {
        figure->kind = FIGURE_GOODPUT;
        return true;
    }
    figure->kind = FIGURE_JUDGED;
    figure->check = (struct scenario_check){.kind = CHECK_COUNTER, .target = word};
    if (strcmp(word, "received") == 0)
        figure->check = (struct scenario_check){.kind = CHECK_RECEIVED, .target = word, .port = 1};
    figure->check.node = (struct scenario_node *)figure->node;
    return strcmp(word, "received") == 0 || is_counter(word, strlen(word));
}

static bool find_of_link(struct figure *figure, struct scenario_link *link, const char *word)
{
    static const char *const counted[] = {"sent",       "delivered", "lost",   "bytes_sent", "bytes_delivered",
                                          "duplicated", "reordered", "corrupted", "marked",  "queue"};
    const char *colon = strchr(word, ':');
    size_t length = colon ? (size_t)(colon - word) : strlen(word);
    bool backward = colon && strcmp(colon + 1, "backward") == 0;
    if (colon && !backward && strcmp(colon + 1, "forward") != 0)
        return false;
    figure->kind = FIGURE_JUDGED;
    figure->check = (struct scenario_check){.kind = CHECK_CABLE, .target = link->name, .link = link};
    for (size_t i = 0; i < sizeof counted / sizeof *counted && !colon; i++)
        if (strcmp(counted[i], word) == 0) {
            figure->check.counted = counted[i];
            return true;
        }
    figure->check.kind = CHECK_MEASURE;
    figure->check.direction = backward;
    for (unsigned i = 0; measure_words[i]; i++)
        if (strlen(measure_words[i]) == length && strncmp(measure_words[i], word, length) == 0) {
            figure->check.measure = (enum measure_word)i;
            return true;
        }
    return false;
}

/** "LINK:WORD" or "NODE:WORD"; names may have colons themselves. */
static bool find_of_thing(struct figure *figure, const struct scenario *scenario)
{
    for (unsigned i = 0; i < scenario->links.count; i++) {
        struct scenario_link *link = &scenario->links.items[i];
        size_t length = strlen(link->name);
        if (strncmp(link->name, figure->text, length) == 0 && figure->text[length] == ':' &&
            find_of_link(figure, link, figure->text + length + 1))
            return true;
    }
    for (unsigned i = 0; i < scenario->nodes.count; i++) {
        figure->node = &scenario->nodes.items[i];
        size_t length = strlen(figure->node->name);
        if (strncmp(figure->node->name, figure->text, length) == 0 && figure->text[length] == ':' &&
            find_of_node(figure, figure->text + length + 1))
            return true;
    }
    return false;
}

static bool find(struct figure *figure, const struct scenario *scenario)
{
    figure->check = (struct scenario_check){.kind = CHECK_COUNTER, .target = figure->text};
    figure->node = NULL;
    if (strcmp(figure->text, "done") == 0)
        figure->kind = FIGURE_DONE;
    else if (strcmp(figure->text, "frames") == 0)
        figure->kind = FIGURE_FRAMES;
    else if (is_counter(figure->text, strlen(figure->text)))
        figure->kind = FIGURE_JUDGED;
    else if (find_of_thing(figure, scenario))
        return true;
    else if (find_check(figure, scenario))
        figure->kind = FIGURE_CHECK;
    else
        return false;
    return true;
}

static const char *complain_of(const struct figure *figure, const struct scenario *scenario)
{
    static char text[400];
    struct nearest nearest;
    const char *colon = strrchr(figure->text, ':');
    nearest_begin(&nearest, colon ? colon + 1 : figure->text);
    for (unsigned i = 0; i < strata_counters(); i++)
        nearest_try(&nearest, strata_counter_name(i));
    for (unsigned i = 0; measure_words[i]; i++)
        nearest_try(&nearest, measure_words[i]);
    for (unsigned i = 0; !colon && i < scenario->checks.count; i++)
        nearest_try(&nearest, scenario->checks.items[i].name);
    snprintf(text, sizeof text,
             "--measure %s: neither one check's name, nor a counter, nor NODE:COUNTER or LINK:WORD%s", figure->text,
             nearest_text(&nearest));
    return text;
}

const char *figures_find(struct figures *figures, const struct scenario *scenario)
{
    for (unsigned i = 0; i < figures->count; i++)
        if (!find(&figures->items[i], scenario))
            return complain_of(&figures->items[i], scenario);
    return NULL;
}

/* ---- The run --------------------------------------------------------------------------------------------- */

/** Whether a frame is for the node that heard it. On a bus everybody hears everything. */
static bool is_for(const struct strata_lab_event *event)
{
    struct strata_port_info info = {.size = sizeof info};
    int port = 0;
    if (strata_cable_ends(event->cable) == 2)
        return true; // nobody else hears what is sent
    struct strata_host *host = strata_node_host(event->node);
    (void)strata_cable_end(event->cable, (int)event->end, &port);
    return host && strata_port_info(host, port, &info) == 0 && event->length >= 6 &&
           memcmp(event->frame, info.mac, 6) == 0;
}

static void listen(void *context, const struct strata_lab_event *event)
{
    struct figure *figure = context;
    struct description what;
    if (event->kind != STRATA_LAB_DELIVERED || event->node != figure->node->made || !is_for(event))
        return;
    describe(event->cable->link, event->frame, event->length, &what);
    if (what.subject != SUBJECT_TCP || what.payload_bytes == 0)
        return;
    if (!figure->any)
        figure->first = event->time;
    figure->any = true;
    figure->last = event->time;
    figure->bytes += seen_new_bytes(&figure->seen, &what);
}

int figures_begin(struct figures *figures, struct scenario_run *run)
{
    int error = 0;
    bool measuring = run->measure.count > 0, more = false;
    for (unsigned i = 0; !error && i < figures->count; i++) {
        struct figure *figure = &figures->items[i];
        figure->bytes = 0;
        figure->any = false;
        if (figure->kind == FIGURE_GOODPUT)
            error = strata_world_listen(run->world, listen, figure);
        if (figure->kind == FIGURE_JUDGED && figure->check.kind == CHECK_MEASURE) {
            error = measure_add(&run->measure, figure->check.link->made);
            more = true;
        }
    }
    return !error && more && !measuring ? measure_begin(&run->measure, run->world) : error;
}

static struct scenario_value read_one(const struct figure *figure, struct scenario_run *run)
{
    struct scenario_value value = {.there = true};
    char *detail = NULL;
    switch (figure->kind) {
    case FIGURE_DONE:
        value.is_time = true;
        value.number = run->ended;
        break;
    case FIGURE_FRAMES:
        value.number = (int64_t)strata_world_frames(run->world);
        break;
    case FIGURE_CHECK:
        value.there = false;
        if (figure->index < run->result_count)
            value = run->results[figure->index].value;
        break;
    case FIGURE_JUDGED:
        run->value = (struct scenario_value){0};
        scenario_judge(run, &figure->check, &detail);
        free(detail);
        value = run->value;
        break;
    case FIGURE_GOODPUT:
        value.there = figure->last > figure->first;
        value.is_rate = true;
        if (value.there) // in bits and microseconds, so that two million million bytes fit
            value.number = (int64_t)(figure->bytes * 8000000 / (uint64_t)((figure->last - figure->first) / 1000 + 1));
        break;
    }
    return value;
}

void figures_read(struct figures *figures, struct scenario_run *run, struct scenario_value *values)
{
    for (unsigned i = 0; i < figures->count; i++)
        values[i] = read_one(&figures->items[i], run);
}

void figures_end(struct figures *figures)
{
    for (unsigned i = 0; i < figures->count; i++)
        seen_free(&figures->items[i].seen);
}
