/*
 * Half-open connections (RFC 9293 3.10.7.4 in SYN-RECEIVED of a passive open; RFC 4987 3.3).
 *
 *     SYN --> [ undecided ] --filter says yes--> SYN-ACK, again and again --> the third segment: a connection
 *                  |                                |
 *                  no, or too late                  RST, SYN, or nobody answers: LISTEN, or the TIME-WAIT of before
 *
 * A record holds what the SYN told and what was answered, and no more. Where there are too many for one listener the
 * oldest makes room: what is real answers within a round trip. A SYN cookie (cookie.h) is the same record, never
 * stored.
 */
#include "transport/tcp/half_open.h"
#include "transport/tcp/acknowledge.h"
#include "transport/tcp/demux.h"
#include "transport/tcp/input.h"
#include "transport/tcp/receive.h"
#include "transport/tcp/reply.h"
#include "transport/tcp/state.h"
#include "transport/tcp/time_wait.h"

#include <errno.h>

static void unlist_half_open(struct tcp *tcp, struct tcp_half_open *half_open)
{
    demux_remove(tcp, &half_open->record);
    wheel_disarm(&tcp->core->wheel, &half_open->timer);
    list_remove(&half_open->node);
    half_open->listener->half_open_count--;
    if (half_open->undecided && !half_open->shown)
        half_open->listener->unshown--;
    tcp->half_open_count--;
}

void half_open_free(struct tcp *tcp, struct tcp_half_open *half_open)
{
    unlist_half_open(tcp, half_open);
    if (half_open->previous)
        time_wait_return(tcp, half_open->previous); // RFC 9293 MAY-2: the SYN turned out to be old
    memory_release(&tcp->core->memory, half_open, sizeof *half_open);
}

static void arm(struct tcp *tcp, struct tcp_half_open *half_open)
{
    const struct settings *settings = &tcp->core->settings;
    strata_time wait = settings->tcp_rto_initial_ms * STRATA_MILLISECOND;
    strata_time most = settings->tcp_rto_max_ms * STRATA_MILLISECOND;
    for (unsigned i = 0; i < half_open->retransmits && wait < most; i++)
        wait *= 2;
    wheel_arm(&tcp->core->wheel, &half_open->timer, tcp->core->now + (wait < most ? wait : most));
}

static void fire(struct timer *timer, strata_time now)
{
    struct tcp_half_open *half_open = CONTAINER_OF(timer, struct tcp_half_open, timer);
    struct tcp *tcp = half_open->listener->tcp;
    (void)now;
    if (half_open->undecided) {
        core_count(tcp->core, COUNTER_socket_drop_filter);
        half_open_free(tcp, half_open);
    } else if (half_open->acknowledged) {
        half_open->acknowledged = false; // nothing was lost, so that it does not count as a retransmission
        arm(tcp, half_open);
        reply_syn_ack(half_open);
    } else if (half_open->retransmits >= tcp->core->settings.tcp_synack_retries) {
        state_trace(tcp, &half_open->record, STRATA_TCP_SYN_RECEIVED, STRATA_TCP_LISTEN);
        half_open_free(tcp, half_open); // R2 of the SYN-ACK (RFC 9293 MUST-22, MUST-23)
    } else {
        half_open->retransmits++;
        core_count(tcp->core, COUNTER_tcp_segments_retransmitted);
        arm(tcp, half_open);
        reply_syn_ack(half_open); // last: where the neighbour is known not to answer, that may be its end
    }
}

/** Answers a SYN. */
static void answer(struct tcp *tcp, struct tcp_half_open *half_open)
{
    if (half_open->undecided && !half_open->shown)
        half_open->listener->unshown--;
    half_open->undecided = false;
    half_open->sent_at = tcp->core->now;
    arm(tcp, half_open);
    reply_syn_ack(half_open); // last, see fire
}

/** Remembers a SYN in a record of its own. NULL: no memory. */
static struct tcp_half_open *remember(struct tcp *tcp, const struct tcp_half_open *syn)
{
    struct tcp_listener *listener = syn->listener;
    struct tcp_half_open *half_open = memory_allocate(&tcp->core->memory, sizeof *half_open);
    if (!half_open)
        return NULL;
    if (listener->half_open_count >= tcp->core->settings.tcp_syn_backlog) {
        // RFC 4987-2: the oldest makes room.
        core_count(tcp->core, COUNTER_tcp_drop_backlog);
        half_open_free(tcp, CONTAINER_OF(list_first(&listener->half_open), struct tcp_half_open, node));
    }
    *half_open = *syn;
    half_open->id = ++tcp->next_id;
    timer_init(&half_open->timer, fire);
    list_init(&half_open->node);
    if (syn->previous)
        time_wait_shadow(tcp, syn->previous);
    list_push_back(&listener->half_open, &half_open->node);
    listener->half_open_count++;
    tcp->half_open_count++;
    if (demux_add(tcp, &half_open->record) < 0) {
        half_open_free(tcp, half_open);
        return NULL;
    }
    return half_open;
}

bool half_open_begin(struct tcp *tcp, const struct tcp_half_open *syn)
{
    struct tcp_listener *listener = syn->listener;
    struct tcp_half_open *half_open = remember(tcp, syn);
    if (!half_open)
        return false;
    state_trace(tcp, &syn->record, syn->previous ? STRATA_TCP_TIME_WAIT : STRATA_TCP_LISTEN, STRATA_TCP_SYN_RECEIVED);
    if (!listener->options.filter) {
        answer(tcp, half_open);
        return true;
    }
    half_open->undecided = true;
    listener->unshown++;
    wheel_arm(&tcp->core->wheel, &half_open->timer,
              tcp->core->now + tcp->core->settings.filter_timeout_ms * STRATA_MILLISECOND);
    tcp->events.listener(tcp->events.context, listener->owner, STRATA_READABLE);
    return true;
}

/* ---- The third segment --------------------------------------------------------------------------------- */

struct tcp_connection *half_open_connection(struct tcp *tcp, const struct tcp_half_open *half_open)
{
    struct tcp_listener *listener = half_open->listener;
    struct tcp_connection *c = connection_new(tcp, &half_open->record, &listener->options);
    if (!c)
        return NULL;
    c->peer_mss = UINT16_MAX;
    if (connection_find_path(c) < 0) {
        connection_free(c);
        return NULL;
    }
    c->iss = half_open->iss;
    c->recover = c->iss;
    c->snd_una = c->snd_nxt = c->snd_up = c->snd_small = c->iss + 1;
    c->irs = half_open->irs;
    c->rcv_nxt = c->rcv_up = c->last_ack_sent = c->irs + 1;
    c->rcv_adv = c->rcv_nxt + half_open->offered;
    receive_set_buffer(c, c->receive_bytes > half_open->offered ? c->receive_bytes : half_open->offered);
    c->receive_scale = half_open->own_scale;
    c->flags |= (half_open->scaling ? FLAG_SCALING : 0u) | (half_open->timestamps ? FLAG_TIMESTAMPS : 0u) |
                (half_open->sack ? FLAG_SACK : 0u);
    c->modes |= half_open->ecn ? MODE_ECN : 0;
    c->own_mss = half_open->own_mss;
    c->snd_wnd = c->snd_wnd_max = half_open->window;
    c->snd_wl1 = c->irs;
    c->snd_wl2 = c->snd_una;
    struct tcp_options options = {
        .has_mss = half_open->peer_mss > 0,
        .mss = half_open->peer_mss,
        .has_scale = half_open->scaling,
        .scale = half_open->scale,
        .has_timestamps = half_open->timestamps,
        .ts_value = half_open->ts_recent,
        .sack_permitted = half_open->sack,
    };
    input_take_options(c, &options);
    return c;
}

/** The ACK of our SYN-ACK has come: a connection, at the end of its listener's queue. NULL: not now. */
static struct tcp_connection *promote(struct tcp *tcp, struct tcp_half_open *half_open)
{
    struct tcp_listener *listener = half_open->listener;
    struct tcp_connection *c = half_open_connection(tcp, half_open);
    if (!c)
        return NULL;
    if (half_open->retransmits > 0)
        c->flags |= FLAG_SYN_RESENT;
    else
        acknowledge_sample(c, tcp->core->now - half_open->sent_at);
    demux_replace(tcp, &half_open->record, &c->record);
    if (half_open->previous)
        time_wait_free(tcp, half_open->previous);
    half_open->previous = NULL;
    half_open_free(tcp, half_open);
    c->delivered = 1; // our SYN-ACK
    c->state = STRATA_TCP_SYN_RECEIVED;
    listen_enqueue(listener, c);
    input_established(c);
    return c;
}

/** RFC 7323 5.3 and the first, second and fourth step of RFC 9293 3.10.7.4. @return whether the ACK is next.
 * */
static bool half_open_acceptable(struct tcp *tcp, struct tcp_half_open *half_open, struct segment *segment)
{
    const struct tcp_options *options = &segment->header.options;
    seq_t next = half_open->irs + 1;
    bool inside = seq_within(segment->seq, next, half_open->offered);
    bool reset = segment->flags & TCP_RST;
    if (segment->flags & TCP_SYN && segment->seq == half_open->irs && !reset) {
        // The same SYN again: our answer was lost. One with an ACK answers something we did not say.
        if (!half_open->undecided && !(segment->flags & TCP_ACK))
            reply_syn_ack(half_open);
        return false;
    }
    bool missing = !options->has_timestamps && !tcp->core->settings.tcp_missing_timestamps;
    if (half_open->timestamps && !reset && (options->has_timestamps || missing) &&
        (!options->has_timestamps || (int32_t)(options->ts_value - half_open->ts_recent) < 0)) {
        input_drop(tcp, segment, options->has_timestamps ? COUNTER_tcp_drop_paws : COUNTER_tcp_drop_no_timestamp);
        return false;
    }
    if (!inside || half_open->undecided) {
        if (reset && inside)
            half_open_free(tcp, half_open);
        else if (reset || half_open->undecided)
            input_drop(tcp, segment, reset ? COUNTER_tcp_drop_reset : COUNTER_tcp_drop_listen);
        else {
            input_drop(tcp, segment, COUNTER_tcp_drop_unacceptable);
            reply_challenge(half_open);
        }
        return false;
    }
    if (reset && segment->seq != next) {
        input_drop(tcp, segment, COUNTER_tcp_drop_reset);
        reply_challenge(half_open); // RFC 5961-1
        return false;
    }
    if (reset || segment->flags & TCP_SYN) {
        // RFC 9293-5: back to LISTEN, and nobody is told.
        state_trace(tcp, &half_open->record, STRATA_TCP_SYN_RECEIVED, STRATA_TCP_LISTEN);
        half_open_free(tcp, half_open);
        return false;
    }
    return segment->flags & TCP_ACK;
}

/** Whether the program does not want to hear of it yet: data will follow soon, or nothing ever. */
static bool is_deferred(const struct tcp_half_open *half_open, const struct segment *segment)
{
    const struct tcp_listener *listener = half_open->listener;
    return segment_space(segment) == 0 && listener->options.defer_accept_ns > 0 &&
           listener->tcp->core->now - half_open->sent_at < listener->options.defer_accept_ns;
}

/** It is known that the peer is there: our SYN-ACK comes again when the time for data is over, to hear of it. */
static void defer(struct tcp_half_open *half_open)
{
    struct tcp_listener *listener = half_open->listener;
    core_count(listener->tcp->core, COUNTER_tcp_drop_deferred);
    half_open->acknowledged = true;
    wheel_disarm(&listener->tcp->core->wheel, &half_open->timer);
    wheel_arm(&listener->tcp->core->wheel, &half_open->timer,
              half_open->sent_at + listener->options.defer_accept_ns);
}

void half_open_input(struct tcp *tcp, struct tcp_half_open *half_open, struct segment *segment)
{
    if (!half_open_acceptable(tcp, half_open, segment))
        return;
    if (segment->ack != half_open->iss + 1) {
        input_drop(tcp, segment, COUNTER_tcp_drop_ack);
        reply_reset(tcp, segment);
        return;
    }
    if (is_deferred(half_open, segment)) {
        defer(half_open);
        return;
    }
    if (half_open->listener->queued >= half_open->listener->backlog) {
        listen_overflow(tcp, segment);
        if (tcp->core->settings.tcp_abort_on_overflow)
            half_open_free(tcp, half_open);
        return;
    }
    struct tcp_connection *c = promote(tcp, half_open);
    if (!c) {
        input_drop(tcp, segment, COUNTER_tcp_drop_memory);
        return;
    }
    input_segment(c, segment);
}

/* ---- Filters ------------------------------------------------------------------------------------------- */

static struct tcp_half_open *next_pending(struct tcp_listener *listener)
{
    if (listener->unshown == 0)
        return NULL;
    LIST_FOR_EACH(link, &listener->half_open)
    {
        struct tcp_half_open *half_open = CONTAINER_OF(link, struct tcp_half_open, node);
        if (half_open->undecided && !half_open->shown)
            return half_open;
    }
    return NULL;
}

int tcp_pending(struct tcp_listener *listener, struct strata_syn *syn)
{
    struct tcp_half_open *half_open = next_pending(listener);
    if (!half_open)
        return -EAGAIN;
    half_open->shown = true;
    listener->unshown--;
    size_t size = syn->size;
    struct strata_syn told = {
        .size = size,
        .id = half_open->id,
        .local = {.address = half_open->record.local, .scope = (uint32_t)half_open->record.scope,
                  .port = half_open->record.local_port},
        .peer = {.address = half_open->record.remote, .scope = (uint32_t)half_open->record.scope,
                 .port = half_open->record.remote_port},
        .port = half_open->port,
    };
    memcpy(syn, &told, size < sizeof told ? size : sizeof told);
    return 0;
}

int tcp_decide(struct tcp_listener *listener, uint64_t id, enum strata_decision decision)
{
    struct tcp *tcp = listener->tcp;
    LIST_FOR_EACH(link, &listener->half_open)
    {
        struct tcp_half_open *half_open = CONTAINER_OF(link, struct tcp_half_open, node);
        if (half_open->id != id || !half_open->undecided)
            continue;
        if (decision == STRATA_ACCEPT) {
            answer(tcp, half_open);
            return 0;
        }
        if (decision == STRATA_REFUSE) {
            struct tcp_header header = {.ack = half_open->irs + 1, .flags = TCP_RST | TCP_ACK};
            reply_send(tcp, &half_open->record, &header, 0, listener->options.ttl, 0);
        }
        half_open_free(tcp, half_open);
        return 0;
    }
    return -ENOENT;
}
