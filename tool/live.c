/*
 * A run that somebody watches. Virtual time follows the machine's clock at a speed that the page chooses;
 * what is done by hand happens at the virtual time at which the button was pressed, as an event of a scenario
 * would, and is kept as such an event, so that a run can be had again without hands.
 */
#include "tool/live.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "lab/record_inside.h"
#include "tool/report.h"

/** News are told this often, while there are any; less often when they are long. */
#define NEWS_NS (100 * STRATA_MILLISECOND)
#define NEWS_BYTES_PER_SECOND 4000000
/** At most so long between two looks at signals. */
#define WAIT_NS (100 * STRATA_MILLISECOND)
/** Without a limit of speed the server is looked after this often. */
#define TURN_NS (20 * STRATA_MILLISECOND)
/** A clock that is so far ahead of a world that cannot keep up is set back, in real time. */
#define BEHIND_NS (250 * STRATA_MILLISECOND)
#define SPEED_MOST_MILLI 1000000

enum live_verb { LIVE_CUT, LIVE_MEND, LIVE_CRASH, LIVE_RESTART };
static const char *const verbs[] = {"cut", "mend", "crash", "restart"};

/** Something that was done by hand. */
struct live_action {
    struct live_action *next;
    struct live *live;
    enum live_verb verb;
    bool done;
    strata_time at;
    struct strata_cable *cable;
    struct strata_node *node;
};

struct live {
    struct lab_job *job;
    struct record *record;
    struct live_server *server;
    struct strata_world *world;
    bool (*inner_stop)(void *context); /**< What looks after the run besides. */
    void *inner_context;
    strata_time end; /**< Of the run, at the latest. */
    /* The clock: virtual time `from` was at real time `since`. */
    bool running, over;
    int64_t speed_milli; /**< Virtual time per real time, in thousandths; 0: as fast as can be. */
    strata_time from;
    int64_t since;
    bool stepping;
    uint64_t step_from; /**< What had been recorded when the step began. */
    unsigned pending;   /**< Actions that are in the world's queue: let them happen, also while it pauses. */
    int64_t news_due, turn_due;
    uint64_t told; /**< What had been recorded when news were told last. */
    struct live_action *actions, **last;
    char *state;
    char problem[300];
};

/* ---- The clock -------------------------------------------------------------------------------------- */

static strata_time clock_of(const struct live *live)
{
    if (!live->running || live->speed_milli == 0)
        return live->from;
    int64_t passed_us = (progress_clock() - live->since) / 1000;
    return live->from + passed_us * live->speed_milli;
}

/** From now on the clock goes on from there. */
static void set_clock(struct live *live, strata_time time)
{
    live->from = time;
    live->since = progress_clock();
}

/** How much happened so far that can be seen. */
static uint64_t activity(const struct live *live)
{
    return live->record->activity;
}

static void set_running(struct live *live, bool running)
{
    strata_time now = clock_of(live);
    live->running = running;
    set_clock(live, now);
    live_server_changed(live->server);
}

/* ---- News ------------------------------------------------------------------------------------------- */

struct growing {
    char *text;
    size_t length, room;
};

static int grow(void *context, const char *text, size_t length)
{
    struct growing *to = context;
    if (to->length + length > to->room) {
        size_t room = (to->length + length) * 2;
        char *larger = realloc(to->text, room);
        if (!larger)
            return -ENOMEM;
        to->text = larger;
        to->room = room;
    }
    memcpy(to->text + to->length, text, length);
    to->length += length;
    return 0;
}

static void tell(struct live *live)
{
    struct record_story story;
    struct growing news = {0};
    if (report_story(live->job, &story) != 0)
        return;
    char *command = report_command(live->job);
    story.command = command;
    story.live = !live->over;
    story.judged = live->over && story.judged;
    if (record_write(live->record, &story, false, grow, &news) == 0)
        live_server_news(live->server, news.text, news.length);
    else
        free(news.text);
    free(command);
    free((void *)story.checks);
    live->told = activity(live);
    live->news_due =
        progress_clock() + NEWS_NS + (int64_t)news.length * STRATA_SECOND / NEWS_BYTES_PER_SECOND;
}

static void tell_when_due(struct live *live)
{
    if (activity(live) != live->told && progress_clock() >= live->news_due)
        tell(live);
}

/* ---- What is done by hand --------------------------------------------------------------------------- */

static void act(struct strata_world *world, void *context)
{
    (void)world;
    struct live_action *action = context;
    action->done = true;
    action->live->pending--;
    live_server_changed(action->live->server);
    switch (action->verb) {
    case LIVE_CUT:
    case LIVE_MEND:
        strata_cable_set_up(action->cable, action->verb == LIVE_MEND);
        break;
    case LIVE_CRASH:
        strata_node_crash(action->node);
        break;
    case LIVE_RESTART:
        strata_node_restart(action->node);
        break;
    }
}

/** Lets something happen at the time of the clock: after what has happened, before what comes next. */
static int plan(struct live *live, enum live_verb verb, struct strata_cable *cable, struct strata_node *node)
{
    struct live_action *action = malloc(sizeof *action);
    if (!action)
        return -ENOMEM;
    strata_time now = strata_world_now(live->world), at = clock_of(live);
    *action = (struct live_action){
        .live = live, .verb = verb, .cable = cable, .node = node, .at = at > now ? at : now + 1};
    int error = strata_world_at(live->world, action->at, act, action);
    if (error) {
        free(action);
        return error;
    }
    *live->last = action;
    live->last = &action->next;
    live->pending++;
    return 0;
}

static const char *wrong(struct live *live, const char *format, const char *value)
    __attribute__((format(printf, 2, 0)));
static const char *wrong(struct live *live, const char *format, const char *value)
{
    snprintf(live->problem, sizeof live->problem, format, value);
    return live->problem;
}

static const char *do_to(struct live *live, enum live_verb verb, const char *name)
{
    struct strata_cable *cable = NULL;
    struct strata_node *node = NULL;
    if (live->over)
        return wrong(live, "%s", "the run is over");
    if (!name)
        return wrong(live, "%s what? 'name' is missing", verbs[verb]);
    if (verb == LIVE_CUT || verb == LIVE_MEND) {
        if (!(cable = strata_world_find_cable(live->world, name)))
            return wrong(live, "there is no cable '%s'", name);
    } else {
        if (!(node = strata_world_find(live->world, name)))
            return wrong(live, "there is no node '%s'", name);
        if (node->kind != NODE_HOST)
            return wrong(live, "'%s' is no host or router: it cannot crash", name);
    }
    int error = plan(live, verb, cable, node);
    return error ? wrong(live, "it could not be done: %s", strerror(-error)) : NULL;
}

static const char *set_speed(struct live *live, const json_t *object)
{
    double speed = json_number_value(json_object_get(object, "value"));
    if (!(speed >= 0 && speed <= SPEED_MOST_MILLI / 1000))
        return wrong(live, "%s", "a speed is a number from 0.001 to 1000, or 0 for as fast as can be");
    set_clock(live, live->speed_milli == 0 ? strata_world_now(live->world) : clock_of(live));
    live->speed_milli = speed > 0 && speed < 0.001 ? 1 : (int64_t)(speed * 1000 + 0.5);
    live_server_changed(live->server);
    return NULL;
}

static const char *obey(struct live *live, const json_t *object)
{
    const char *what = json_string_value(json_object_get(object, "do"));
    const char *name = json_string_value(json_object_get(object, "name"));
    if (!what)
        return wrong(live, "%s", "expected an object such as {\"do\": \"play\"}");
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (strcmp(what, verbs[i]) == 0)
            return do_to(live, (enum live_verb)i, name);
    if (strcmp(what, "play") == 0) {
        set_running(live, true);
    } else if (strcmp(what, "pause") == 0) {
        set_running(live, false);
    } else if (strcmp(what, "step") == 0) {
        set_running(live, false);
        live->stepping = true;
        live->step_from = activity(live);
    } else if (strcmp(what, "speed") == 0) {
        return set_speed(live, object);
    } else {
        return wrong(live, "nobody knows how to do '%s'", what);
    }
    return NULL;
}

const char *live_command(struct live *live, const char *text, size_t length)
{
    json_error_t error;
    json_t *object = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    const char *problem =
        json_is_object(object) ? obey(live, object) : wrong(live, "%s", "expected an object of JSON");
    json_decref(object);
    return problem;
}

/** What was done by hand as events of a scenario. */
static void add_actions(const struct live *live, json_t *list)
{
    for (const struct live_action *action = live->actions; action; action = action->next) {
        if (!action->done)
            continue; // the run was over before
        const char *name = action->cable ? action->cable->name : action->node->name;
        json_t *quoted = json_string(name);
        char *text = quoted ? json_dumps(quoted, JSON_ENCODE_ANY) : NULL, *line;
        if (text && asprintf(&line, "- {at: %" PRId64 ".%09" PRId64 "s, %s: %s}", action->at / STRATA_SECOND,
                             action->at % STRATA_SECOND, verbs[action->verb], text) >= 0) {
            json_array_append_new(list, json_string(line));
            free(line);
        }
        free(text);
        json_decref(quoted);
    }
}

const char *live_state(struct live *live)
{
    json_t *actions = json_array();
    add_actions(live, actions);
    strata_time now = strata_world_now(live->world), clock = clock_of(live);
    json_t *object =
        json_pack("{s:I, s:b, s:b, s:f, s:o}", "now", (json_int_t)(clock > now && !live->over ? clock : now),
                  "running", live->running && !live->over, "over", live->over, "speed",
                  (double)live->speed_milli / 1000, "actions", actions);
    free(live->state);
    live->state = object ? json_dumps(object, JSON_COMPACT) : NULL;
    json_decref(object);
    return live->state;
}

char *live_packets(struct live *live, size_t *length)
{
    char *text = NULL;
    FILE *file = open_memstream(&text, length);
    int error = file ? record_capture(live->record, file) : -ENOMEM;
    if (file && fclose(file) != 0)
        error = -ENOMEM;
    if (error) {
        free(text);
        return NULL;
    }
    return text;
}

/* ---- The run ---------------------------------------------------------------------------------------- */

/** Whether the next moment may come. When not, `wait_ns` is how long at least it may not. */
static bool may_go_on(struct live *live, int64_t *wait_ns)
{
    *wait_ns = WAIT_NS;
    if (live->pending > 0)
        return true;
    if (live->stepping) {
        if (activity(live) == live->step_from)
            return true;
        live->stepping = false;
        set_clock(live, strata_world_now(live->world));
        live_server_changed(live->server);
        tell(live);
    }
    if (!live->running)
        return false;
    if (live->speed_milli == 0)
        return true;
    strata_time next = strata_world_deadline(live->world), clock = clock_of(live);
    if (next > live->end)
        next = live->end;
    if (clock >= next) {
        if (clock - next > BEHIND_NS * live->speed_milli / 1000)
            set_clock(live, next);
        return true;
    }
    int64_t wait = (next - clock) / live->speed_milli * 1000 + 1000;
    *wait_ns = wait < WAIT_NS ? wait : WAIT_NS;
    return false;
}

/** Asked after every moment: here the run waits. @return whether it is to stop. */
static bool wait_for_next(void *context)
{
    struct live *live = context;
    int64_t wait_ns;
    if (live->running && live->speed_milli == 0)
        live->from = strata_world_now(live->world);
    if (live->inner_stop(live->inner_context))
        return true;
    while (!may_go_on(live, &wait_ns)) {
        int64_t now = progress_clock();
        tell_when_due(live);
        if (activity(live) != live->told && live->news_due - now < wait_ns)
            wait_ns = live->news_due > now ? live->news_due - now : 0;
        live_server_poll(live->server, wait_ns);
        if (lab_guard_signal() && live->inner_stop(live->inner_context))
            return true;
    }
    // A world that has much to do must not leave its visitors waiting.
    if (progress_clock() >= live->turn_due) {
        tell_when_due(live);
        live_server_poll(live->server, 0);
        live->turn_due = progress_clock() + TURN_NS;
    }
    return false;
}

void live_linger(struct live *live)
{
    if (!live)
        return;
    live->over = true;
    live->running = false;
    live->from = strata_world_now(live->world);
    tell(live);
    live_server_changed(live->server);
    if (lab_guard_signal())
        return;
    fprintf(stderr, "the run is over; its page stays until Ctrl-C\n");
    while (!lab_guard_signal())
        live_server_poll(live->server, WAIT_NS);
}

int live_begin(struct live **made, struct lab_job *job, struct scenario_options *run)
{
    struct live *live = calloc(1, sizeof *live);
    if (!live)
        return tool_complain(TOOL_FAILED, "out of memory");
    live->job = job;
    live->world = job->run->world;
    live->speed_milli = 1000;
    live->last = &live->actions;
    live->end = job->guard.end;
    int error = record_new(&live->record, live->world, NULL);
    if (!error)
        error = live_server_new(&live->server, live, job->options->port);
    if (error) {
        live_free(live);
        if (error == -EADDRINUSE)
            return tool_complain(TOOL_FAILED, "port %u is in use; --port 0 takes one that is free",
                                 (unsigned)job->options->port);
        return tool_complain(TOOL_FAILED, "cannot serve on the loopback: %s", strerror(-error));
    }
    live->inner_stop = run->stop;
    live->inner_context = run->stop_context;
    run->stop = wait_for_next;
    run->stop_context = live;
    set_clock(live, 0);
    tell(live);
    fprintf(stderr, "open %s in a browser and press play; Ctrl-C ends\n", live_server_address(live->server));
    *made = live;
    return 0;
}

void live_free(struct live *live)
{
    if (!live)
        return;
    live_server_free(live->server);
    record_free(live->record);
    while (live->actions) {
        struct live_action *action = live->actions;
        live->actions = action->next;
        free(action);
    }
    free(live->state);
    free(live);
}
