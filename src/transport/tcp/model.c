/*
 * The delivery rate (draft-ietf-ccwg-bbr 4.1), and the life of the model.
 *
 *     rate = (delivered now - delivered when it was sent) / max(time it took to send, time it took to arrive)
 *
 * The interval is the longer of the two because ACKs may come compressed. One shorter than the least round-trip time
 * tells nothing. A sample is marked where the program, not the path, limited it.
 */
#include "transport/tcp/model.h"
#include "transport/tcp/congestion.h"

#include <string.h>

#define LOG_LEAST 8u
#define LOG_MOST 64u
/** Entries of a longer log are at least this part of a round trip apart. */
#define LOG_PER_ROUND 32

/* ---- Life ---------------------------------------------------------------------------------------------- */

static size_t model_bytes(uint32_t state_bytes)
{
    return sizeof(struct tcp_model) + state_bytes;
}

static uint32_t state_bytes_of(unsigned congestion)
{
    return (congestion_get(congestion)->state_bytes + 7u) & ~7u;
}

static void begin(struct tcp_connection *c)
{
    hystart_begin(c);
    if (congestion_of(c)->begin)
        congestion_of(c)->begin(c);
    pacing_decide(c);
}

void model_begin(struct tcp_connection *c)
{
    if (c->model)
        return;
    uint32_t bytes = state_bytes_of(c->congestion);
    struct tcp_model *model = memory_allocate(connection_memory(c), model_bytes(bytes));
    if (!model)
        return; // NewReno, until there is
    model->state_bytes = bytes;
    model->delivered = c->bytes_acked;
    model->delivered_at = model->first_sent_at = connection_now(c);
    c->model = model;
    validation_begin(c);
    begin(c);
}

void model_free(struct tcp_connection *c)
{
    struct memory *memory = connection_memory(c);
    if (!c->model)
        return;
    memory_release(memory, c->model->log, c->model->room * sizeof *c->model->log);
    memory_release(memory, c->model, model_bytes(c->model->state_bytes));
    c->model = NULL;
    c->flags &= ~(uint32_t)FLAG_PACED;
}

bool model_replace(struct tcp_connection *c, unsigned congestion)
{
    struct tcp_model *old = c->model;
    uint32_t bytes = state_bytes_of(congestion);
    struct tcp_model *model = memory_allocate(connection_memory(c), model_bytes(bytes));
    if (!model)
        return false;
    *model = *old;
    model->state_bytes = bytes;
    memory_release(connection_memory(c), old, model_bytes(old->state_bytes));
    c->model = model;
    c->congestion = (uint8_t)congestion;
    c->cwnd_acked = 0;
    begin(c);
    return true;
}

/* ---- The log ------------------------------------------------------------------------------------------- */

static struct model_entry *at(struct tcp_model *m, unsigned index)
{
    return m->log ? &m->log[m->head + index] : &m->single;
}

/** Makes room for one more entry. */
static bool reserve(struct tcp_connection *c, struct tcp_model *m)
{
    if (m->head + m->count < m->room || m->count == 0)
        return true;
    if (m->head > 0) {
        memmove(m->log, m->log + m->head, m->count * sizeof *m->log);
        m->head = 0;
        return true;
    }
    uint16_t room = m->room ? (uint16_t)(2 * m->room) : LOG_LEAST;
    if (room > LOG_MOST)
        return false;
    struct model_entry *log =
        memory_resize(connection_memory(c), m->log, m->room * sizeof *log, room * sizeof *log);
    if (!log)
        return false;
    if (!m->log)
        log[0] = m->single;
    m->log = log;
    m->room = room;
    return true;
}

/** Nothing is in flight: the log is empty. */
static void drain(struct tcp_connection *c, struct tcp_model *m)
{
    m->head = m->count = 0;
    if (!m->log)
        return;
    memory_release(connection_memory(c), m->log, m->room * sizeof *m->log);
    m->log = NULL;
    m->room = 0;
}

void model_sent(struct tcp_connection *c, bool first)
{
    struct tcp_model *m = c->model;
    strata_time now = connection_now(c);
    if (first) {
        drain(c, m);
        m->delivered_at = m->first_sent_at = now;
    } else if (m->count > 0) {
        struct model_entry *last = at(m, m->count - 1u);
        if (last->sent_at == now || (m->count >= LOG_LEAST && now - last->sent_at < c->srtt_ns / LOG_PER_ROUND)) {
            last->flight = connection_pipe(c);
            return;
        }
    }
    if (!reserve(c, m))
        return; // the last entry stands for this one too
    m->count++;
    *at(m, m->count - 1u) = (struct model_entry){.sent_at = now,
                                                 .first_sent_at = m->first_sent_at,
                                                 .delivered_at = m->delivered_at,
                                                 .delivered = (uint32_t)m->delivered,
                                                 .lost = (uint32_t)m->lost,
                                                 .flight = connection_pipe(c),
                                                 .app_limited = m->app_limited_until != 0};
}

/** The entry that stands for what was sent at a time; those before it are forgotten. NULL: none. */
static const struct model_entry *find(struct tcp_model *m, strata_time sent_at)
{
    while (m->count > 1 && at(m, 1)->sent_at <= sent_at) {
        m->head++;
        m->count--;
    }
    return m->count > 0 && at(m, 0)->sent_at <= sent_at ? at(m, 0) : NULL;
}

/* ---- Samples ------------------------------------------------------------------------------------------- */

/** Keeps a sample to be told of: the program's pauses do not make the path look slower than it is. */
static void keep(struct tcp_model *m, const struct tcp_ack *ack)
{
    bool faster = ack->rate_delivered * (uint64_t)(m->rate_interval_ns / STRATA_MICROSECOND) >=
                  m->rate_delivered * (uint64_t)(ack->interval_ns / STRATA_MICROSECOND);
    if (ack->app_limited && !faster)
        return;
    m->rate_delivered = ack->rate_delivered;
    m->rate_interval_ns = ack->interval_ns;
    m->rate_app_limited = ack->app_limited;
}

void model_acked(struct tcp_connection *c, struct tcp_ack *ack)
{
    struct tcp_model *m = c->model;
    strata_time now = connection_now(c);
    ack->lost += m->lost_untold;
    m->lost_untold = 0;
    m->lost += ack->lost;
    ack->interval_ns = 0;
    if (ack->delivered == 0)
        return;
    m->delivered += ack->delivered;
    if (m->app_limited_until && m->delivered > m->app_limited_until)
        m->app_limited_until = 0;
    const struct model_entry *entry = ack->newest == STRATA_NEVER ? NULL : find(m, ack->newest);
    if (entry) {
        strata_time sending = ack->newest - entry->first_sent_at, arriving = now - entry->delivered_at;
        ack->rate_delivered = (uint32_t)((uint32_t)m->delivered - entry->delivered);
        ack->prior_delivered = m->delivered - ack->rate_delivered;
        ack->rate_lost = (uint32_t)((uint32_t)m->lost - entry->lost);
        ack->flight_when_sent = entry->flight;
        ack->app_limited = entry->app_limited;
        m->first_sent_at = ack->newest;
        ack->interval_ns = sending > arriving ? sending : arriving;
        if (ack->interval_ns < c->min_rtt_ns)
            ack->interval_ns = 0;
        else
            keep(m, ack);
    }
    m->delivered_at = now;
    if (connection_flight(c) == 0)
        drain(c, m);
}

void model_app_limited(struct tcp_connection *c)
{
    uint64_t until = c->model->delivered + connection_pipe(c);
    c->model->app_limited_until = until ? until : 1;
}

/* ---- What is told -------------------------------------------------------------------------------------- */

uint64_t model_delivery_rate(const struct tcp_connection *c)
{
    const struct tcp_model *m = c->model;
    return m && m->rate_interval_ns ? pacing_rate_of(m->rate_delivered, m->rate_interval_ns) : 0;
}

bool model_rate_is_app_limited(const struct tcp_connection *c)
{
    return c->model && c->model->rate_app_limited;
}

uint64_t model_pacing_rate(const struct tcp_connection *c)
{
    return pacing_rate(c);
}

uint64_t model_delivered(const struct tcp_connection *c)
{
    return c->model ? c->model->delivered : c->bytes_acked;
}
