/*
 * Figures for checks. Windows are heard of through the trace of hosts: a fall is what lies between the last window
 * before a recovery and the first one after it, so that what a window does while a loss is repaired does not count.
 */
#include "lab/scenario_figures.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "lab/scenario_quantity.h"
#include "lab/world.h"

#define BILLION UINT64_C(1000000000)

const char *const window_words[] = {"falls", "kept", "peak", "mean", NULL};

/* ---- Ports ----------------------------------------------------------------------------------------------- */

static bool received(const struct scenario_port *port, uint64_t *bytes)
{
    struct strata_host *host = strata_node_host(port->node->made);
    struct strata_port_info info = {.size = sizeof info};
    if (!host || strata_port_info(host, port->port, &info) != 0)
        return false;
    *bytes = info.bytes_in;
    return true;
}

bool figure_received(const struct scenario_check *check, uint64_t *bytes)
{
    *bytes = 0;
    for (unsigned i = 0; i < check->ports.count; i++) {
        uint64_t one;
        if (!received(&check->ports.items[i], &one))
            return false;
        *bytes += one;
    }
    return true;
}

bool figure_fairness(const struct scenario_check *check, uint64_t *index)
{
    // (sum x)^2 / (n sum x^2), of x in thousandths of the largest: enough digits, and no overflow.
    uint64_t most = 1, sum = 0, squares = 0, one;
    for (unsigned i = 0; i < check->ports.count; i++) {
        if (!received(&check->ports.items[i], &one))
            return false;
        most = one > most ? one : most;
    }
    for (unsigned i = 0; i < check->ports.count; i++) {
        received(&check->ports.items[i], &one);
        uint64_t x = quantity_ratio(one, most).value / 100000; // 0 to 10,000
        sum += x;
        squares += x * x;
    }
    *index = squares ? quantity_ratio(sum * sum, squares * check->ports.count).value : 0;
    return true;
}

/* ---- Windows --------------------------------------------------------------------------------------------- */

/** The window of one connection. */
struct window {
    struct strata_endpoint local, remote;
    bool repairing;      /**< It is in recovery: what the window is now does not count. */
    int64_t cwnd, before; /**< The last that counts; the one before this recovery. */
    strata_time since;   /**< It has had that value since then. */
    bool fallen;
    uint64_t area, area_then; /**< Bytes times microseconds since the first fall, and up to the last one. */
    strata_time first_fall, last_fall;
};
/** What is known of the windows of a node. */
struct window_log {
    struct window_log *next;
    const struct strata_node *node;
    strata_time after;
    struct window *windows;
    unsigned count, room;
    uint64_t falls, kept_sum, peak_sum; /**< The share that was kept, in millionths. */
    bool failed;
};

static struct window *window_of(struct window_log *log, const struct strata_trace_record *record)
{
    for (unsigned i = log->count; i-- > 0;)
        if (endpoint_equal(&log->windows[i].local, &record->local) &&
            endpoint_equal(&log->windows[i].remote, &record->remote))
            return &log->windows[i];
    if (array_grow(&log->windows, sizeof *log->windows, log->count, &log->room) != 0)
        return NULL;
    struct window *window = &log->windows[log->count++];
    *window = (struct window){.local = record->local, .remote = record->remote};
    return window;
}

static void add_area(struct window *window, strata_time now)
{
    if (window->fallen)
        window->area += (uint64_t)window->cwnd * (uint64_t)((now - window->since) / STRATA_MICROSECOND);
    window->since = now;
}

static void fall(struct window_log *log, struct window *window, int64_t cwnd, strata_time now)
{
    log->falls++;
    log->peak_sum += (uint64_t)window->before;
    log->kept_sum += (uint64_t)cwnd * 1000000 / (uint64_t)window->before;
    if (!window->fallen)
        window->first_fall = now;
    window->fallen = true;
    window->last_fall = now;
    window->area_then = window->area;
}

static void hear(void *context, const struct strata_lab_event *event)
{
    struct window_log *log = context;
    const struct strata_trace_record *record = event->trace;
    if (event->kind != STRATA_LAB_TRACE || event->node != log->node || record->kind != STRATA_TRACE_TCP_CWND)
        return;
    struct window *window = window_of(log, record);
    if (!window) {
        log->failed = true;
        return;
    }
    int64_t cwnd = record->value[0];
    bool repairing = record->value[3] >= 2;
    if (repairing && !window->repairing)
        window->before = window->cwnd;
    if (repairing != window->repairing || !repairing)
        add_area(window, event->time);
    // A mark (ECN) brings the window down without a recovery.
    bool falls = window->repairing ? !repairing : !repairing && cwnd < window->cwnd * 9 / 10;
    if (falls && !window->repairing)
        window->before = window->cwnd;
    if (falls && window->before > cwnd && event->time >= log->after)
        fall(log, window, cwnd, event->time);
    window->repairing = repairing;
    if (!repairing)
        window->cwnd = cwnd;
}

bool figures_need_trace(const struct scenario *scenario)
{
    for (unsigned i = 0; i < scenario->checks.count; i++)
        if (scenario->checks.items[i].kind == CHECK_WINDOW)
            return true;
    return false;
}

int figures_listen(struct scenario_run *run)
{
    for (unsigned i = 0; i < run->scenario->checks.count; i++) {
        const struct scenario_check *check = &run->scenario->checks.items[i];
        const struct window_log *log = run->window_logs;
        while (log && (check->kind != CHECK_WINDOW || log->node != check->node->made || log->after != check->after))
            log = log->next;
        if (check->kind != CHECK_WINDOW || log)
            continue;
        struct window_log *made = calloc(1, sizeof *made);
        if (!made)
            return -ENOMEM;
        made->node = check->node->made;
        made->after = check->after;
        made->next = run->window_logs;
        run->window_logs = made;
        int error = strata_world_listen(run->world, hear, made);
        if (error)
            return error;
    }
    return 0;
}

void figures_free(struct scenario_run *run)
{
    while (run->window_logs) {
        struct window_log *log = run->window_logs;
        run->window_logs = log->next;
        free(log->windows);
        free(log);
    }
}

/** Time's mean of the windows between their first fall and their last. */
static uint64_t mean_window(const struct window_log *log)
{
    uint64_t sum = 0, count = 0;
    for (unsigned i = 0; i < log->count; i++) {
        const struct window *window = &log->windows[i];
        uint64_t took = (uint64_t)((window->last_fall - window->first_fall) / STRATA_MICROSECOND);
        if (took > 0) {
            sum += window->area_then / took;
            count++;
        }
    }
    return count ? sum / count : 0;
}

bool figure_window(const struct scenario_run *run, const struct scenario_check *check, uint64_t *value)
{
    const struct window_log *log = run->window_logs;
    while (log && (log->node != check->node->made || log->after != check->after))
        log = log->next;
    if (!log || log->failed || (log->falls == 0 && check->window != WINDOW_FALLS))
        return false;
    switch (check->window) {
    case WINDOW_FALLS:
        *value = log->falls * BILLION;
        break;
    case WINDOW_KEPT:
        *value = log->kept_sum / log->falls * 1000;
        break;
    case WINDOW_PEAK:
        *value = log->peak_sum / log->falls * BILLION;
        break;
    case WINDOW_MEAN:
        *value = quantity_ratio(mean_window(log) * log->falls, log->peak_sum).value;
        break;
    }
    return true;
}

/* ---- Switches -------------------------------------------------------------------------------------------- */

static bool is_of(const struct scenario_node *node, const uint8_t mac[6])
{
    struct strata_host *host = strata_node_host(node->made);
    for (int port = 1; host && port <= node->port_count; port++) {
        struct strata_port_info info = {.size = sizeof info};
        if (strata_port_info(host, port, &info) == 0 && memcmp(info.mac, mac, 6) == 0)
            return true;
    }
    return false;
}

int64_t figure_stations(const struct scenario_check *check)
{
    struct strata_bridge_station station = {.size = sizeof station};
    int64_t count = 0;
    for (unsigned i = 0; strata_node_station(check->other.node->made, i, &station) == 0; i++)
        count += (!check->node || is_of(check->node, station.mac)) && (!check->port || check->port == station.port);
    return count;
}
