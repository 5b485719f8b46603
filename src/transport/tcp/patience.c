/*
 * How long a connection bears with its peer.
 *
 * The user timeout option (RFC 5482): both sides may tell how long data may stay unacknowledged, so that neither gives
 * up while the other waits. Off unless a program says what to tell; what the program itself has fixed is not changed.
 *
 * Slow peers: keep-alive and timeouts know only whether a peer is there. One that sends an octet a minute, or reads
 * one, is there and holds our memory for ever. A server may say how long nothing at all may happen, and how much must
 * happen in ten seconds; who falls short is reset and its program told ETIMEDOUT. What counts is progress: data that
 * came in order, or data of ours that was acknowledged, whatever the peer's window is. It is not the peer's fault when
 * our program does not read, or has nothing to send.
 *
 * All this is in the connection's extra and under a timer of its own, so that segments do not pay for it.
 */
#include "transport/tcp/patience.h"
#include "transport/tcp/output.h"

#include <errno.h>

#define MINUTE (60 * STRATA_SECOND)
#define OPTION_MOST 0x7fff
/** A stall is looked at so many times, so that it is noticed not much later than it is one. */
#define STALL_LOOKS 4
/** Over what rates are judged. */
#define RATE_NS (10 * STRATA_SECOND)

/* ---- The user timeout option --------------------------------------------------------------------------- */

uint16_t user_timeout_encode(strata_time time_ns)
{
    strata_time seconds = (time_ns + STRATA_SECOND - 1) / STRATA_SECOND, minutes = (time_ns + MINUTE - 1) / MINUTE;
    if (seconds <= OPTION_MOST)
        return (uint16_t)seconds;
    return (uint16_t)(TCP_USER_TIMEOUT_MINUTES | (minutes < OPTION_MOST ? (uint16_t)minutes : OPTION_MOST));
}

strata_time user_timeout_decode(uint16_t option)
{
    strata_time count = option & OPTION_MOST;
    return option & TCP_USER_TIMEOUT_MINUTES ? count * MINUTE : count * STRATA_SECOND;
}

strata_time user_timeout_agreed(const struct tcp *tcp, strata_time advertised_ns, strata_time told_ns)
{
    const struct settings *settings = &tcp->core->settings;
    strata_time least = settings->tcp_user_timeout_least_s * STRATA_SECOND;
    strata_time most = settings->tcp_user_timeout_most_s * STRATA_SECOND;
    strata_time wanted = advertised_ns > told_ns ? advertised_ns : told_ns;
    if (wanted < least)
        wanted = least;
    return wanted < most ? wanted : most;
}

void user_timeout_heard(struct tcp_connection *c, uint16_t option)
{
    strata_time told_ns = user_timeout_decode(option);
    if (c->tuning->advertised_timeout_ns == 0 || told_ns == 0)
        return;
    struct tcp_extra *extra = connection_want_extra(c);
    if (!extra)
        return;
    extra->told_timeout_ns = told_ns;
    if (!c->tuning->timeout_fixed)
        connection_set_user_timeout(c, user_timeout_agreed(c->tcp, c->tuning->advertised_timeout_ns, told_ns));
}

void user_timeout_fill(const struct tcp_connection *c, struct tcp_options *options, uint32_t length)
{
    size_t bytes = tcp_options_bytes(options);
    if (c->tuning->advertised_timeout_ns == 0 || bytes + 4 > TCP_OPTIONS_MAX || length + 4 > c->smss)
        return;
    options->has_user_timeout = true;
    options->user_timeout = user_timeout_encode(c->tuning->advertised_timeout_ns);
}

/* ---- Slow peers ---------------------------------------------------------------------------------------- */

static strata_time period_of(const struct tcp_connection *c, enum tcp_watched watched)
{
    const struct tcp_tuning *tuning = c->tuning;
    switch (watched) {
    case WATCHED_RECEIVE_STALL:
        return tuning->receive_stall_ns / STALL_LOOKS;
    case WATCHED_SEND_STALL:
        return tuning->send_stall_ns / STALL_LOOKS;
    case WATCHED_RECEIVE_RATE:
        return tuning->receive_rate ? RATE_NS : 0;
    default:
        return tuning->send_rate ? RATE_NS : 0;
    }
}

static uint64_t progress_of(const struct tcp_connection *c, enum tcp_watched watched)
{
    bool receive = watched == WATCHED_RECEIVE_STALL || watched == WATCHED_RECEIVE_RATE;
    return receive ? c->bytes_received : c->bytes_acked;
}

static void look_anew(const struct tcp_connection *c, struct tcp_watch *watch, enum tcp_watched watched)
{
    watch->since = connection_now(c);
    watch->count = progress_of(c, watched);
    watch->goal = c->bytes_acked + c->send.length;
}

/** Whether the peer can do nothing for it. */
static bool is_excused(const struct tcp_connection *c, const struct tcp_watch *watch, enum tcp_watched watched)
{
    if (watched == WATCHED_SEND_STALL || watched == WATCHED_SEND_RATE)
        return c->bytes_acked >= watch->goal; // it has taken all there was
    // RFC 9293 MUST-66: with the window closed it may not send.
    return !connection_may_receive(c) || c->rcv_adv - c->rcv_nxt < c->receive_mss;
}

/** Looks at what is due. @return whether the peer is too slow. */
static bool look(const struct tcp_connection *c, struct tcp_watch *watch, enum tcp_watched watched)
{
    strata_time period = period_of(c, watched);
    if (period == 0 || connection_now(c) < watch->since + period)
        return false;
    uint64_t progress = progress_of(c, watched) - watch->count;
    bool excused = is_excused(c, watch, watched), slow = false;
    if (watched == WATCHED_RECEIVE_RATE)
        slow = progress < c->tuning->receive_rate * (RATE_NS / STRATA_SECOND);
    else if (watched == WATCHED_SEND_RATE)
        slow = progress < c->tuning->send_rate * (RATE_NS / STRATA_SECOND);
    else if (progress > 0 || excused)
        watch->stalled = 0;
    else
        slow = ++watch->stalled >= STALL_LOOKS;
    look_anew(c, watch, watched);
    return slow && !excused;
}

static void arm(struct tcp_connection *c)
{
    strata_time next = STRATA_NEVER;
    for (int i = 0; i < WATCHED_COUNT; i++) {
        strata_time period = period_of(c, (enum tcp_watched)i), at = c->extra->watches[i].since + period;
        if (period > 0 && at < next)
            next = at;
    }
    if (next != STRATA_NEVER)
        wheel_arm(&connection_core(c)->wheel, &c->extra->timer, next);
}

static void fire(struct timer *timer, strata_time now)
{
    struct tcp_extra *extra = CONTAINER_OF(timer, struct tcp_extra, timer);
    struct tcp_connection *c = extra->connection;
    (void)now;
    for (int i = 0; i < WATCHED_COUNT; i++) {
        if (!look(c, &extra->watches[i], (enum tcp_watched)i))
            continue;
        bool receive = i == WATCHED_RECEIVE_STALL || i == WATCHED_RECEIVE_RATE;
        core_count(connection_core(c), receive ? COUNTER_tcp_slow_senders : COUNTER_tcp_slow_readers);
        connection_reset(c, ETIMEDOUT);
        return;
    }
    arm(c);
}

void patience_begin(struct tcp_connection *c)
{
    bool any = false;
    for (int i = 0; i < WATCHED_COUNT; i++)
        any |= period_of(c, (enum tcp_watched)i) > 0;
    if (!any)
        patience_end(c);
    else if (connection_is_synchronized(c) && c->state != STRATA_TCP_TIME_WAIT && connection_want_extra(c)) {
        wheel_disarm(&connection_core(c)->wheel, &c->extra->timer);
        timer_init(&c->extra->timer, fire);
        for (int i = 0; i < WATCHED_COUNT; i++) {
            look_anew(c, &c->extra->watches[i], (enum tcp_watched)i);
            c->extra->watches[i].stalled = 0;
        }
        arm(c);
    }
}

void patience_end(struct tcp_connection *c)
{
    if (c->extra)
        wheel_disarm(&connection_core(c)->wheel, &c->extra->timer);
    connection_drop_extra(c);
}
