/*
 * Pacing in the timer wheel.
 *
 * A paced connection may send a quantum at once: what leaves in a millisecond at its rate, but one segment (below
 * 1.2 Mbit/s) or two at least and 64 KiB at most (draft-ietf-ccwg-bbr 4.6.3). Then it waits until that much would have
 * left at the rate: it does not speak when asked, and its timer, which has nanoseconds, wakes it. So no rate is too
 * high for the timer, and at low rates segments go out two by two. Where the timer comes late, up to a millisecond is
 * made good.
 *
 * The rate is the algorithm's (BBR), or twice what cwnd a round trip makes in slow start and 1.2 times that in
 * congestion avoidance, as in Linux, and never above what the program allows (STRATA_OPTION_PACING_RATE). It
 * counts octets of data, not of headers.
 *
 * Acknowledgements, probes and what a timer forces out wait for nothing.
 */
#include "transport/tcp/pacing.h"
#include "transport/tcp/congestion.h"
#include "transport/tcp/model.h"
#include "transport/tcp/timers.h"

#define QUANTUM_MOST 65536u
/** Below this rate a quantum is one segment. */
#define SLOW_RATE (1200000u / 8)
#define LATENESS_MOST STRATA_MILLISECOND
/** Nobody waits longer. A rate as low as that was measured where the peer's window or lost ACKs set the pace, and would
 * hold a connection for hours. */
#define HOLD_MOST STRATA_SECOND

uint64_t pacing_rate_of(uint64_t octets, strata_time interval_ns)
{
    uint64_t ns = (uint64_t)interval_ns;
    // Whole seconds first: octets * 10^9 fits for what arrives in one interval of a sane length.
    while (octets > UINT64_MAX / STRATA_SECOND) {
        octets /= 2;
        ns /= 2;
    }
    return octets * (uint64_t)STRATA_SECOND / (ns ? ns : 1);
}

static strata_time time_of(uint64_t octets, uint64_t rate)
{
    return (strata_time)(octets * (uint64_t)STRATA_SECOND / rate);
}

uint64_t pacing_rate(const struct tcp_connection *c)
{
    const struct settings *settings = &connection_core(c)->settings;
    const struct tcp_congestion *algorithm = congestion_of(c);
    uint64_t most = c->tuning->pacing_bytes ? c->tuning->pacing_bytes : UINT64_MAX, rate;
    if (algorithm->pacing_rate) {
        rate = algorithm->pacing_rate(c);
    } else if (!(c->flags & FLAG_RTT_SAMPLED)) {
        return most;
    } else {
        // Linux's rule: the higher ratio while cwnd is below half of ssthresh.
        uint64_t percent = (uint64_t)(c->cwnd < c->ssthresh / 2 ? settings->tcp_pacing_ss_ratio
                                                                : settings->tcp_pacing_ca_ratio);
        rate = pacing_rate_of(c->cwnd * percent / 100, c->srtt_ns);
    }
    return rate < most ? rate : most;
}

static void set_rate(struct tcp_connection *c)
{
    struct pacing *p = &c->model->pacing;
    uint64_t rate = pacing_rate(c);
    p->cwnd = c->cwnd;
    p->ssthresh = c->ssthresh;
    p->srtt_ns = c->srtt_ns;
    if (rate == UINT64_MAX) {
        p->rate = 0;
        return;
    }
    p->rate = rate ? rate : 1;
    uint64_t quantum = p->rate / 1000, least = p->rate < SLOW_RATE ? c->smss : 2u * c->smss;
    if (quantum > QUANTUM_MOST)
        quantum = QUANTUM_MOST;
    if (quantum < least)
        quantum = least;
    // Where it is only to bound bursts, what a new connection may send at once is no burst (RFC 7661-4, RFC 6928).
    if (c->model->validation.paced) {
        uint64_t initial = congestion_initial_window(c);
        quantum = initial > quantum ? initial : quantum;
    }
    // Each segment's time is rounded down.
    p->burst_ns = time_of(quantum, p->rate) - (strata_time)(quantum / c->smss);
    if (p->burst_ns > HOLD_MOST)
        p->burst_ns = HOLD_MOST; // the longest wait is as much as a quantum
    if (p->burst_ns < STRATA_MICROSECOND)
        p->rate = 0; // faster than anything that could be paced
}

void pacing_update(struct tcp_connection *c)
{
    const struct pacing *p = &c->model->pacing;
    // What has hardly changed is not worth the divisions; where pacing only bounds bursts, less precision will do.
    strata_time change = c->srtt_ns > p->srtt_ns ? c->srtt_ns - p->srtt_ns : p->srtt_ns - c->srtt_ns;
    strata_time little = p->srtt_ns / (c->model->validation.paced ? 4 : 32);
    if (c->cwnd == p->cwnd && c->ssthresh == p->ssthresh && change <= little && !congestion_of(c)->pacing_rate)
        return;
    set_rate(c);
}

bool pacing_is_wanted(const struct tcp_connection *c)
{
    return connection_core(c)->settings.tcp_pacing || c->tuning->pacing_bytes;
}

void pacing_decide(struct tcp_connection *c)
{
    struct tcp_model *m = c->model;
    if (!m)
        return;
    bool asked = congestion_of(c)->paced || pacing_is_wanted(c);
    m->validation.paced = !asked && validation_wants_pacing(c);
    if (!asked && !m->validation.paced) {
        c->flags &= ~(uint32_t)FLAG_PACED;
        if (m->pacing.waiting) {
            m->pacing.waiting = false;
            connection_mark(c);
        }
        return;
    }
    c->flags |= FLAG_PACED;
    set_rate(c);
}

void pacing_release(struct tcp_connection *c)
{
    struct pacing *p = &c->model->pacing;
    strata_time now = connection_now(c);
    p->waiting = false;
    p->released_at = now;
    if (p->next_at < now - LATENESS_MOST)
        p->next_at = now - LATENESS_MOST;
}

bool pacing_holds(struct tcp_connection *c)
{
    struct pacing *p = &c->model->pacing;
    strata_time now = connection_now(c);
    if (p->rate == 0) {
        p->waiting = false;
        return false;
    }
    if (p->waiting) {
        if (now < p->next_at)
            return true;
        pacing_release(c);
        return false;
    }
    if (p->next_at < now + p->burst_ns)
        return false;
    p->waiting = true;
    p->next_at -= p->credit_ns;
    p->credit_ns = 0;
    timers_update(c);
    return true;
}

void pacing_sent(struct tcp_connection *c, uint32_t octets)
{
    struct pacing *p = &c->model->pacing;
    strata_time now = connection_now(c);
    if (p->rate == 0 || c->data_segments_sent <= connection_core(c)->settings.tcp_pacing_free_segments)
        return;
    // Time in which nothing wanted to leave is not saved up, or at most as half of the first wait.
    if (p->next_at < now && p->released_at != now) {
        strata_time pause = now - p->next_at, half = p->burst_ns / 2;
        if (connection_core(c)->settings.tcp_pacing_credit)
            p->credit_ns = pause < half ? pause : half;
        p->next_at = now;
    }
    p->next_at += time_of(octets, p->rate);
    if (p->next_at > now + HOLD_MOST)
        p->next_at = now + HOLD_MOST;
}

strata_time pacing_deadline(const struct tcp_connection *c)
{
    return c->flags & FLAG_PACED && c->model->pacing.waiting ? c->model->pacing.next_at : STRATA_NEVER;
}
