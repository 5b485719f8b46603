/*
 * Timers of a connection (RFC 6298; RFC 9293 3.8.1, 3.8.3, 3.8.4, 3.8.6.1).
 *
 * A connection has one timer in the host's wheel. It stands at the earliest deadline or before it: a deadline
 * that moves to a later time is left where it is, and when the wheel fires for nothing the timer is armed for
 * what is due next. Nothing is sent from here: the timers mark, output speaks.
 */
#include "transport/tcp/timers.h"
#include "transport/tcp/ack_delay.h"
#include "transport/tcp/ecn.h"
#include "transport/tcp/fast_open.h"
#include "transport/tcp/mtu.h"
#include "transport/tcp/model.h"
#include "transport/tcp/output.h"
#include "transport/tcp/recovery.h"

#include <errno.h>

/** What 0 of net.ipv4.tcp_orphan_retries stands for, as in Linux: more than 100 s. */
#define ORPHAN_RETRIES 8

/** What our own queue refused goes again after so long, as in Linux. */
#define REFUSED_AGAIN (500 * STRATA_MILLISECOND)

static strata_time earlier(strata_time a, strata_time b)
{
    return a < b ? a : b;
}

/** When the program's patience ends (RFC 9293 3.9.1.1 timeout, RFC 9293 MUST-21). */
static strata_time user_timeout_at(const struct tcp_connection *c)
{
    if (c->tuning->user_timeout_ns == 0 || c->retransmit_at == STRATA_NEVER)
        return STRATA_NEVER;
    // A closed window whose probes are answered is no failure (RFC 9293 MUST-37).
    if (c->flags & FLAG_PERSIST && c->probes == 0)
        return STRATA_NEVER;
    return c->unacked_since + c->tuning->user_timeout_ns;
}

static strata_time earliest(const struct tcp_connection *c)
{
    strata_time at = earlier(c->retransmit_at, earlier(c->ack_at, c->other_at));
    if (c->flags & FLAG_PACED)
        at = earlier(at, pacing_deadline(c));
    return c->tuning->user_timeout_ns ? earlier(at, user_timeout_at(c)) : at;
}

void timers_update(struct tcp_connection *c)
{
    strata_time at = earliest(c);
    if (at < c->timer.deadline)
        wheel_arm(&connection_core(c)->wheel, &c->timer, at);
}

static void trace(const struct tcp_connection *c, enum tcp_timer_kind kind, unsigned count)
{
    if (!core_traces(connection_core(c)))
        return;
    struct strata_trace_record record = {.kind = STRATA_TRACE_TCP_TIMER, .port = -1, .value = {kind, count}};
    tcp_endpoints(c, &record.local, &record.remote);
    core_trace(connection_core(c), &record);
}

strata_time timers_rto(const struct tcp_connection *c)
{
    const struct settings *settings = &connection_core(c)->settings;
    strata_time rto, most = settings->tcp_rto_max_ms * STRATA_MILLISECOND;
    if (c->flags & FLAG_RTT_SAMPLED) {
        // RFC 6298-2: SRTT + max(G, 4 * RTTVAR). The setting stands in G's place: so the result is never
        // below it (RFC 6298-4), and a steady path with a delayed ACK at its end does not time out.
        strata_time deviation = 4 * c->rttvar_ns, least = settings->tcp_rto_min_ms * STRATA_MILLISECOND;
        rto = c->srtt_ns + (deviation > least ? deviation : least);
    } else {
        rto = settings->tcp_rto_initial_ms * STRATA_MILLISECOND; // RFC 6298-1
        // RFC 6298-11: after a SYN that timed out, data begins with 3 s.
        if (c->flags & FLAG_SYN_RESENT && connection_is_synchronized(c) && rto < 3 * STRATA_SECOND)
            rto = 3 * STRATA_SECOND;
    }
    // RFC 6298-10: doubled for each timeout.
    for (unsigned i = 0; i < c->backoff && rto < most; i++)
        rto *= 2;
    if (c->backoff > 0 || c->flags & FLAG_RTT_SAMPLED)
        rto += settings->tcp_rto_slop_ms * STRATA_MILLISECOND;
    return earlier(rto, most);
}

/** The retransmission timer, or that of a tail loss probe before it; `more` may follow. */
static void start(struct tcp_connection *c, bool more)
{
    strata_time now = connection_now(c), rto = timers_rto(c), wait;
    c->timer_kind = TIMER_KIND_RTO;
    c->marks &= (uint8_t)~MARK_TAIL;
    if (probe_wanted(c, more, &wait)) {
        c->timer_kind = TIMER_KIND_PROBE; // RFC 8985-10: at the RTO's time at the latest
        rto = earlier(rto, wait);
    }
    c->retransmit_at = now + rto;
    timers_update(c);
}

void timers_sent(struct tcp_connection *c)
{
    if (c->retransmit_at != STRATA_NEVER)
        return;
    c->unacked_since = connection_now(c);
    start(c, true);
}

void timers_restart(struct tcp_connection *c)
{
    start(c, false);
}

/** What is suspected to be lost is looked at again in time (RFC 8985-8). */
static void reorder_timer(struct tcp_connection *c)
{
    strata_time at = c->repair ? c->repair->reorder_at : STRATA_NEVER;
    if (c->flags & FLAG_PERSIST || at >= c->retransmit_at)
        return;
    c->timer_kind = TIMER_KIND_REORDER;
    c->retransmit_at = at;
    timers_update(c);
}

/** The peer took back what it had SACKed (RFC 2018 8), or will acknowledge it in a moment. */
static void renege_timer(struct tcp_connection *c)
{
    struct sent_cursor at;
    if (c->sent.sacked_bytes == 0 || !(sent_find(&c->sent, c->snd_una, &at)->flags & SENT_SACKED))
        return;
    strata_time wait = c->srtt_ns / 2, least = 10 * STRATA_MILLISECOND;
    c->timer_kind = TIMER_KIND_RTO;
    c->retransmit_at = earlier(c->retransmit_at, connection_now(c) + (wait > least ? wait : least));
    timers_update(c);
}

void timers_sacked(struct tcp_connection *c)
{
    if (c->timer_kind == TIMER_KIND_REORDER && c->retransmit_at != STRATA_NEVER)
        timers_restart(c);
    if (c->repair && c->retransmit_at != STRATA_NEVER)
        reorder_timer(c);
}

/** Notes the beginning and the end of a time in which nothing came but timeouts. */
static void run_of_timeouts(struct tcp_connection *c, bool begins)
{
    struct tcp_oddities *odd = connection_odd(c);
    uint32_t now_ms = connection_core(c)->now_ms;
    if (odd && begins) {
        odd->timeout_runs++;
        odd->timeout_since_ms = now_ms;
    } else if (odd) {
        odd->timeout_ms += now_ms - odd->timeout_since_ms;
    }
}

void timers_acked(struct tcp_connection *c, bool measured, bool restart)
{
    strata_time now = connection_now(c);
    if (c->retries > 0)
        run_of_timeouts(c, false);
    c->retries = 0;
    // Karn: the doubled RTO stays until there is a sample, or a path that has become slow would never be
    // learned.
    if (measured)
        c->backoff = 0;
    c->unacked_since = now;
    if (c->snd_una == c->snd_nxt) {
        c->flags &= ~(uint32_t)FLAG_PERSIST;
        c->retransmit_at = STRATA_NEVER;
        return;
    }
    if (restart)
        timers_restart(c);
    if (c->repair) {
        reorder_timer(c);
        renege_timer(c);
    }
}

/** How often what nobody acknowledges is sent again, until the end. A program's own timeout goes before it (RFC 9293
 * MUST-21); without a program there is less patience. */
static int64_t retries_most(const struct tcp_connection *c)
{
    const struct settings *settings = &connection_core(c)->settings;
    int64_t orphan = settings->tcp_orphan_retries ? settings->tcp_orphan_retries : ORPHAN_RETRIES;
    return c->flags & FLAG_ORPHAN && orphan < settings->tcp_retries2 ? orphan : settings->tcp_retries2;
}

void timers_persist(struct tcp_connection *c)
{
    if (c->retransmit_at != STRATA_NEVER)
        return;
    // RFC 9293 SHLD-29: the first probe after one RTO.
    strata_time now = connection_now(c);
    c->flags |= FLAG_PERSIST;
    c->timer_kind = TIMER_KIND_RTO;
    c->backoff = 0;
    c->probes = 0;
    c->retransmit_at = now + timers_rto(c);
    timers_update(c);
}

void timers_refused(struct tcp_connection *c)
{
    if (!(c->flags & FLAG_PERSIST) || c->probes == 0)
        return;
    // That says nothing of the path or the peer: no back-off, and no end but the one the program has set.
    if (c->probes >= retries_most(c))
        c->probes--;
    c->backoff = 0;
    c->retransmit_at = connection_now(c) + REFUSED_AGAIN;
    timers_update(c);
}

void timers_end_persist(struct tcp_connection *c)
{
    c->flags &= ~(uint32_t)FLAG_PERSIST;
    c->marks &= (uint8_t)~MARK_PROBE;
    c->backoff = 0;
    c->probes = 0;
    c->retransmit_at = STRATA_NEVER;
}

void timers_stop_persist(struct tcp_connection *c)
{
    timers_end_persist(c);
    if (connection_flight(c) > 0) {
        // The probe's octet is still out: what follows it makes a full segment with it.
        sent_lose_all(&c->sent, STRATA_NEVER);
        c->marks |= MARK_RETRANSMIT;
        timers_sent(c);
    }
}

void timers_keep_alive(struct tcp_connection *c)
{
    if (c->flags & FLAG_ORPHAN)
        return;
    bool on = c->flags & FLAG_KEEP_ALIVE && connection_is_synchronized(c) && c->state != STRATA_TCP_TIME_WAIT;
    c->other_at = on ? c->last_received + c->tuning->keep_idle_ns : STRATA_NEVER;
    c->keep_probes = 0;
    if (on)
        timers_update(c);
}

/** Tells the network room that the first hop may be dead. */
static void doubt_path(const struct tcp_connection *c)
{
    struct net_path path;
    connection_get_path(c, &path);
    net_doubt(c->tcp->net, &path);
}

void timers_ask_again(struct tcp_connection *c)
{
    c->flags |= FLAG_SYN_RESENT;
    c->marks |= MARK_SYN;
    c->retransmit_at = connection_now(c) + timers_rto(c);
    timers_update(c);
    connection_mark(c);
}

/** SYN or SYN-ACK of a simultaneous open again (RFC 9293 MUST-22). @return false: the connection is gone. */
static bool syn_timeout(struct tcp_connection *c)
{
    const struct settings *settings = &connection_core(c)->settings;
    int64_t most = c->tuning->syn_retries ? c->tuning->syn_retries : settings->tcp_syn_retries;
    if (c->retries >= (connection_is_fast(c) ? settings->tcp_synack_retries : most)) {
        connection_end(c, c->soft_error ? c->soft_error : ETIMEDOUT);
        return false;
    }
    c->backoff++;
    if (++c->retries == settings->tcp_retries1)
        doubt_path(c);
    if (c->state == STRATA_TCP_SYN_SENT)
        ecn_fall_back(c); // RFC 3168-8
    fast_open_timeout(c);
    c->flags |= FLAG_SYN_RESENT;
    c->marks |= MARK_SYN;
    c->retransmit_at = connection_now(c) + timers_rto(c);
    return true;
}

static bool gives_up(const struct tcp_connection *c)
{
    return c->retries == UINT8_MAX || (c->tuning->user_timeout_ns == 0 && c->retries >= retries_most(c));
}

/** The window is still closed: probe it (RFC 9293 MUST-36). @return false: the connection is gone. */
static bool persist_timeout(struct tcp_connection *c)
{
    // RFC 9293 MUST-37: as long as probes are answered there is no end; unanswered ones are counted like
    // timeouts.
    int64_t most = retries_most(c);
    if (c->probes >= most) {
        connection_end(c, c->soft_error ? c->soft_error : ETIMEDOUT);
        return false;
    }
    // Not so where no program holds the connection any more: a peer could fill our memory by never reading
    // (RFC 6429).
    if (c->flags & FLAG_ORPHAN && c->backoff >= most) {
        connection_reset(c, ETIMEDOUT);
        return false;
    }
    if (c->probes++ == 0)
        c->unacked_since = connection_now(c);
    trace(c, TIMER_PERSIST, c->probes);
    c->marks |= MARK_PROBE;
    if (c->backoff < UINT8_MAX)
        c->backoff++; // RFC 9293 SHLD-30
    c->retransmit_at = connection_now(c) + timers_rto(c);
    return true;
}

/** Not the retransmission timer's turn yet (enum tcp_repair_timer). @return whether it was another's. */
static bool repair_timeout(struct tcp_connection *c)
{
    if (c->timer_kind == TIMER_KIND_PROBE) {
        if (!probe_timeout(c))
            return false;
        if (c->marks & MARK_TAIL)
            trace(c, TIMER_TAIL_PROBE, 1);
        return true;
    }
    if (c->timer_kind != TIMER_KIND_REORDER)
        return false;
    trace(c, TIMER_REORDER, 1);
    recovery_reorder_timeout(c);
    timers_restart(c);
    reorder_timer(c);
    return true;
}

/** RFC 6298 5.4 to 5.6, and R1 and R2 of RFC 9293 3.8.3. @return false: the connection is gone. */
static bool retransmission_timeout(struct tcp_connection *c)
{
    const struct settings *settings = &connection_core(c)->settings;
    core_count(connection_core(c), COUNTER_tcp_timeouts);
    c->timeouts++;
    trace(c, TIMER_RETRANSMISSION, c->retries + 1u);
    if (c->retries == 0)
        run_of_timeouts(c, true);
    if (!connection_is_synchronized(c))
        return syn_timeout(c);
    if (c->snd_wnd == 0) {
        // The peer took its window back over data that is out: RFC 9293 SHLD-17, not a failure but a window
        // to probe. How often it was not probed but timed out before says nothing of the window.
        c->flags |= FLAG_PERSIST;
        c->backoff = 0;
        c->probes = 0;
        return persist_timeout(c);
    }
    if (gives_up(c)) {
        // R2 (RFC 9293 MUST-20): close. Whatever ICMP said meanwhile is the better reason.
        connection_end(c, c->soft_error ? c->soft_error : ETIMEDOUT);
        return false;
    }
    if (c->backoff < UINT8_MAX)
        c->backoff++;
    if (++c->retries == settings->tcp_retries1) {
        // R1: the network room is told that the first hop may be dead, the program that there is trouble
        // (RFC 9293 MUST-20, SHLD-9).
        doubt_path(c);
        if (!c->soft_error)
            c->soft_error = ETIMEDOUT;
        if (c->flags & FLAG_RECEIVE_ERRORS)
            connection_event(c, STRATA_ERROR);
    }
    fast_open_timeout(c);
    mtu_timeout(c);
    recovery_timeout(c);
    c->retransmit_at = connection_now(c) + timers_rto(c);
    return true;
}

/** @return false: the connection is gone. */
static bool keep_alive_timeout(struct tcp_connection *c, strata_time now)
{
    const struct tcp_tuning *tuning = c->tuning;
    // RFC 9293 MUST-26: only when nothing is outstanding and nothing was received for the interval.
    if (connection_flight(c) > 0 || connection_unsent(c) > 0) {
        c->other_at = now + tuning->keep_idle_ns;
        return true;
    }
    if (c->keep_probes == 0 && now - c->last_received < tuning->keep_idle_ns) {
        c->other_at = c->last_received + tuning->keep_idle_ns;
        return true;
    }
    // RFC 9293 MUST-29: one probe without an answer means nothing. The program's patience counts instead, if it has
    // said how long that is.
    strata_time patience = tuning->user_timeout_ns;
    bool enough = patience ? now - c->last_received >= patience : c->keep_probes >= tuning->keep_count;
    if (c->keep_probes > 0 && enough) {
        connection_reset(c, c->soft_error ? c->soft_error : ETIMEDOUT);
        return false;
    }
    c->keep_probes++;
    trace(c, TIMER_KEEP_ALIVE, c->keep_probes);
    c->marks |= MARK_KEEP_ALIVE;
    c->other_at = now + tuning->keep_interval_ns;
    return true;
}

/** Keep-alive, or the patience with a peer of a connection that no program holds. @return false: it is gone.
 * */
static bool other_timeout(struct tcp_connection *c, strata_time now)
{
    c->other_at = STRATA_NEVER;
    if (!(c->flags & FLAG_ORPHAN))
        return keep_alive_timeout(c, now);
    if (c->state == STRATA_TCP_FIN_WAIT_2)
        connection_end(c, 0);
    else
        connection_reset(c, ETIMEDOUT); // linger is over
    return false;
}

void timers_fire(struct timer *timer, strata_time now)
{
    struct tcp_connection *c = CONTAINER_OF(timer, struct tcp_connection, timer);
    if (user_timeout_at(c) <= now) {
        trace(c, TIMER_USER_TIMEOUT, 0);
        connection_end(c, c->soft_error ? c->soft_error : ETIMEDOUT);
        return;
    }
    bool speaks = false;
    if (c->retransmit_at <= now) {
        bool alive = true;
        if (c->flags & FLAG_PERSIST)
            alive = persist_timeout(c);
        else if (c->timer_kind == TIMER_KIND_RTO || !repair_timeout(c))
            alive = retransmission_timeout(c);
        if (!alive)
            return;
        speaks = true;
    }
    if (c->ack_at <= now) {
        trace(c, TIMER_DELAYED_ACK, 1);
        ack_waited(c);
        c->marks |= MARK_ACK;
        speaks = true;
    }
    if (c->other_at <= now) {
        if (!other_timeout(c, now))
            return;
        speaks = true;
    }
    if (pacing_deadline(c) <= now) {
        pacing_release(c);
        speaks = true;
    }
    timers_update(c);
    if (speaks)
        connection_mark(c);
    connection_check(c);
}
