/*
 * A connection's birth and death, its place in tables and lists, its path, and the invariants that always
 * hold.
 */
#include "transport/tcp/acknowledge.h"
#include "transport/tcp/autotune.h"
#include "transport/tcp/congestion.h"
#include "transport/tcp/demux.h"
#include "transport/tcp/fast_open.h"
#include "transport/tcp/mtu.h"
#include "transport/tcp/model.h"
#include "transport/tcp/output.h"
#include "transport/tcp/patience.h"
#include "transport/tcp/receive.h"
#include "transport/tcp/recovery.h"
#include "transport/tcp/reply.h"
#include "transport/tcp/sack.h"
#include "transport/tcp/state.h"
#include "transport/tcp/timers.h"

#include <errno.h>

/** NOP, NOP and the timestamps option, as it is on every segment once agreed on. */
#define TIMESTAMP_BYTES 12u
/** The largest segment that IPv4 can carry with its smallest headers; also enough for IPv6 without
 * jumbograms. */
#define MSS_MOST (65535u - 40u)
/** What connection_bound measures with: 30 bits of milliseconds. */
#define BOUND_MOST 0x3fffffffu

/* ---- Numbers a peer may not guess ---------------------------------------------------------------------- */

seq_t tcp_initial_sequence(const struct tcp *tcp, const struct tcp_record *key)
{
    // RFC 6528-1: M + F(four-tuple, secret), M a clock of 4 microseconds (RFC 9293 MUST-8, MUST-9, SHLD-1).
    return (seq_t)(tcp->core->now / (4 * STRATA_MICROSECOND)) + (seq_t)demux_hash(&tcp->isn_key, key);
}

uint32_t tcp_timestamp_offset(const struct tcp *tcp, const struct tcp_record *key)
{
    return (uint32_t)demux_hash(&tcp->timestamp_key, key);
}

/* ---- Sizes --------------------------------------------------------------------------------------------- */

static uint16_t mss_of_mtu(uint32_t mtu, bool ipv4, uint16_t bound)
{
    // RFC 6691-1: the MTU less the fixed headers, whatever options there will be.
    uint32_t fixed = (ipv4 ? 20u : 40u) + TCP_HEADER_BYTES, mss = mtu > fixed ? mtu - fixed : 0, least = 28;
    if (mss > MSS_MOST)
        mss = MSS_MOST;
    if (bound > 0 && mss > bound)
        mss = bound;
    return (uint16_t)(mss > least ? mss : least);
}

uint16_t connection_mss_of_port(const struct tcp *tcp, int port, bool ipv4, uint16_t bound)
{
    const struct port *at = links_port(net_links(tcp->net), port);
    return mss_of_mtu(at ? at->mtu_bytes : 0, ipv4, bound);
}

uint16_t connection_mss_of_path(const struct tcp *tcp, const struct net_path *path, uint16_t bound)
{
    bool ipv4 = strata_address_is_ipv4(&path->destination);
    return tcp->core->settings.tcp_mss_of_path ? mss_of_mtu(path->mtu_bytes, ipv4, bound)
                                               : connection_mss_of_port(tcp, path->port, ipv4, bound);
}

void connection_choose_own_mss(struct tcp_connection *c)
{
    struct net_path path;
    connection_get_path(c, &path);
    c->own_mss = connection_mss_of_path(c->tcp, &path, c->max_segment);
}

uint8_t connection_scale_of(const struct tcp *tcp, const struct tcp_socket_options *options)
{
    uint32_t receive_bytes = autotune_receive_most(tcp, options);
    if (!tcp->core->settings.tcp_window_scaling || receive_bytes <= UINT16_MAX)
        return 0;
    uint8_t scale = (uint8_t)(16 - __builtin_clz(receive_bytes)); // bits beyond the field's sixteen
    return scale < 14 ? scale : 14;
}

void connection_update_mss(struct tcp_connection *c)
{
    struct net_path path;
    connection_get_path(c, &path);
    if (path.mtu_bytes == 0 && c->smss > 0)
        return; // no way there at present: what was known holds until there is one
    if (c->mtu)
        path.mtu_bytes = mtu_bound(c, path.mtu_bytes);
    size_t payload = net_path_payload(&path);
    uint32_t mss = payload > TCP_HEADER_BYTES ? (uint32_t)payload - TCP_HEADER_BYTES : 1;
    if (mss > c->peer_mss)
        mss = c->peer_mss;
    if (c->max_segment > 0 && mss > c->max_segment)
        mss = c->max_segment;
    uint32_t options = c->flags & FLAG_TIMESTAMPS ? TIMESTAMP_BYTES : 0;
    c->smss = (uint16_t)(mss > options ? mss - options : 1);
}

/* ---- Options ------------------------------------------------------------------------------------------- */

static bool same_tuning(const struct tcp_tuning *a, const struct tcp_tuning *b)
{
    return a->keep_idle_ns == b->keep_idle_ns && a->keep_interval_ns == b->keep_interval_ns &&
           a->user_timeout_ns == b->user_timeout_ns && a->linger_ns == b->linger_ns &&
           a->keep_count == b->keep_count && a->bind_port == b->bind_port &&
           a->pacing_bytes == b->pacing_bytes && a->unsent_low == b->unsent_low && a->send_low == b->send_low &&
           a->receive_low == b->receive_low && a->window_most == b->window_most && a->ttl_least == b->ttl_least &&
           a->syn_retries == b->syn_retries && a->no_cookie == b->no_cookie &&
           a->timeout_fixed == b->timeout_fixed && a->urgent_apart == b->urgent_apart &&
           a->advertised_timeout_ns == b->advertised_timeout_ns &&
           a->receive_stall_ns == b->receive_stall_ns && a->send_stall_ns == b->send_stall_ns &&
           a->receive_rate == b->receive_rate && a->send_rate == b->send_rate;
}

static void release_tuning(struct tcp_connection *c)
{
    if (c->tuning != &c->tcp->tuning)
        memory_release(connection_memory(c), (void *)(uintptr_t)c->tuning, sizeof *c->tuning);
    c->tuning = &c->tcp->tuning;
}

/** Its own record, to be written to. NULL: no memory for one. */
static struct tcp_tuning *own_tuning(struct tcp_connection *c)
{
    if (c->tuning != &c->tcp->tuning)
        return (struct tcp_tuning *)(uintptr_t)c->tuning;
    struct tcp_tuning *own = memory_allocate(connection_memory(c), sizeof *own);
    if (own) {
        *own = *c->tuning;
        c->tuning = own;
    }
    return own;
}

void connection_set_user_timeout(struct tcp_connection *c, strata_time timeout_ns)
{
    struct tcp_tuning *own = c->tuning->user_timeout_ns == timeout_ns ? NULL : own_tuning(c);
    if (!own)
        return;
    own->user_timeout_ns = timeout_ns;
    timers_update(c);
}

static void apply_tuning(struct tcp_connection *c, const struct tcp_socket_options *options)
{
    struct tcp_tuning wanted = {
        .keep_idle_ns = options->keep_idle_ns,
        .keep_interval_ns = options->keep_interval_ns,
        .user_timeout_ns = options->user_timeout_ns,
        .linger_ns = options->linger_ns,
        .keep_count = options->keep_count,
        .bind_port = options->bind_port,
        .pacing_bytes = options->pacing_bytes,
        .unsent_low = options->unsent_low,
        .send_low = options->send_low,
        .receive_low = options->receive_low,
        .window_most = options->window_most,
        .ttl_least = options->ttl_least,
        .syn_retries = options->syn_retries,
        .no_cookie = options->fast_open_no_cookie,
        .urgent_apart = !options->urgent_inline,
        .timeout_fixed = options->user_timeout_ns > 0,
        .advertised_timeout_ns = options->advertised_timeout_ns,
        .receive_stall_ns = options->receive_stall_ns,
        .send_stall_ns = options->send_stall_ns,
        .receive_rate = options->receive_rate,
        .send_rate = options->send_rate,
        .odd = c->tuning->odd,
    };
    if (wanted.advertised_timeout_ns > 0 && !wanted.timeout_fixed)
        wanted.user_timeout_ns =
            user_timeout_agreed(c->tcp, wanted.advertised_timeout_ns, c->extra ? c->extra->told_timeout_ns : 0);
    bool told = wanted.advertised_timeout_ns == c->tuning->advertised_timeout_ns;
    if (same_tuning(&wanted, c->tuning))
        return;
    struct tcp_tuning *own = own_tuning(c);
    if (own)
        *own = wanted; // otherwise what it has goes on to hold
    if (!told && connection_is_synchronized(c)) {
        c->syn_marks |= SYN_TELL_TIMEOUT; // RFC 5482 3.1: a change is told
        c->marks |= MARK_ACK;
    }
    patience_begin(c);
}

struct tcp_oddities *connection_odd(struct tcp_connection *c)
{
    struct tcp_tuning *own = own_tuning(c);
    return own ? &own->odd : NULL;
}

void connection_bound(struct tcp_connection *c, enum tcp_bound bound)
{
    uint32_t now_ms = connection_core(c)->now_ms;
    uint32_t passed = (now_ms - c->bound_since_ms) & BOUND_MOST;
    if (passed == 0) {
        c->bound = bound;
        return;
    }
    struct tcp_oddities *odd = c->bound >= BOUND_WINDOW ? connection_odd(c) : NULL;
    if (c->bound != BOUND_IDLE)
        c->busy_ms += passed;
    if (odd && c->bound == BOUND_WINDOW)
        odd->window_limited_ms += passed;
    else if (odd)
        odd->buffer_limited_ms += passed;
    c->bound = bound;
    c->bound_since_ms = now_ms & BOUND_MOST;
}

static void set_flag(struct tcp_connection *c, uint32_t flag, bool on)
{
    c->flags = on ? c->flags | flag : c->flags & ~flag;
}

void connection_apply(struct tcp_connection *c, const struct tcp_socket_options *options)
{
    bool was_alive = c->flags & FLAG_KEEP_ALIVE;
    const struct tcp_tuning *tuning = c->tuning;
    autotune_apply(c, options);
    set_flag(c, FLAG_NO_DELAY, options->no_delay);
    set_flag(c, FLAG_KEEP_ALIVE, options->keep_alive);
    set_flag(c, FLAG_RECEIVE_ERRORS, options->receive_errors);
    set_flag(c, FLAG_TRANSPARENT, options->transparent);
    c->modes = (uint16_t)(options->cork ? c->modes | MODE_CORK : c->modes & ~MODE_CORK);
    apply_tuning(c, options);
    congestion_choose(c, options->congestion);
    pacing_decide(c);
    c->ttl = options->ttl ? options->ttl : (uint8_t)connection_core(c)->settings.ip_default_ttl;
    c->tos = options->tos & (uint8_t)~ECN_FIELD; // the field is TCP's own (RFC 3168 6.1)
    c->max_segment = options->max_segment;
    if (was_alive != options->keep_alive || tuning != c->tuning)
        timers_keep_alive(c);
    if (c->send.length > 0 && !acknowledge_offers_room(c))
        c->flags |= FLAG_WANT_WRITE; // a smaller buffer: nobody was refused, but room will be news
}

/* ---- Extra --------------------------------------------------------------------------------------------- */

struct tcp_extra *connection_want_extra(struct tcp_connection *c)
{
    if (c->extra)
        return c->extra;
    c->extra = memory_allocate(connection_memory(c), sizeof *c->extra);
    if (!c->extra)
        return NULL;
    c->extra->connection = c;
    timer_init(&c->extra->timer, NULL);
    list_init(&c->extra->node);
    return c->extra;
}

void connection_drop_extra(struct tcp_connection *c)
{
    struct tcp_extra *extra = c->extra;
    if (!extra || extra->listener || timer_is_armed(&extra->timer))
        return;
    if (c->record.listed && (extra->told_timeout_ns > 0 || extra->end_count > 0))
        return;
    memory_release(connection_memory(c), c->extra, sizeof *c->extra);
    c->extra = NULL;
}

/* ---- Birth and death ----------------------------------------------------------------------------------- */

struct tcp_connection *connection_new(struct tcp *tcp, const struct tcp_record *key,
                                      const struct tcp_socket_options *options)
{
    struct tcp_connection *c = memory_allocate(&tcp->core->memory, sizeof *c);
    if (!c)
        return NULL;
    c->record = *key;
    c->record.kind = TCP_RECORD_CONNECTION;
    c->record.listed = false;
    c->tcp = tcp;
    c->tuning = &tcp->tuning;
    c->retransmit_at = c->ack_at = c->other_at = STRATA_NEVER;
    c->last_received = tcp->core->now;
    c->ts_offset = tcp_timestamp_offset(tcp, key);
    c->ssthresh = UINT32_MAX;
    c->receive_mss = 536;
    ring_init(&c->send, 0);
    ring_init(&c->receive, 0);
    sent_init(&c->sent);
    timer_init(&c->timer, timers_fire);
    speaker_init(&c->speaker, &tcp_speaker_ops);
    connection_apply(c, options);
    if (!options->quick_ack)
        c->modes |= MODE_INTERACTIVE;
    c->way.port = -1;
    tcp->connection_count++;
    return c;
}

void connection_orphan(struct tcp_connection *c)
{
    ASSERT(!(c->flags & FLAG_ORPHAN));
    c->flags |= FLAG_ORPHAN;
    c->tcp->orphan_count++;
}

void connection_unlist(struct tcp_connection *c)
{
    demux_remove(c->tcp, &c->record);
    speaker_silence(&c->speaker);
    wheel_disarm(&connection_core(c)->wheel, &c->timer);
    c->retransmit_at = c->ack_at = c->other_at = STRATA_NEVER;
    c->marks = 0;
    c->acks_owed = 0;
    sack_forget(c);
    receive_evict(c);
    fast_open_end(c);
    patience_end(c);
}

void connection_free(struct tcp_connection *c)
{
    struct memory *memory = connection_memory(c);
    list_remove(&c->speaker.node);
    if (c->record.listed || timer_is_armed(&c->timer))
        connection_unlist(c);
    receive_evict(c);
    uint32_t unsent = c->send.length;
    ring_clear(&c->send, memory);
    autotune_count_sent(c, unsent);
    uint32_t unread = c->receive.length;
    ring_clear(&c->receive, memory);
    autotune_count_received(c, unread);
    sent_clear(&c->sent, memory);
    recovery_forget(c);
    mtu_free(c);
    model_free(c);
    release_tuning(c);
    fast_open_end(c);
    patience_end(c);
    connection_drop_extra(c);
    c->tcp->connection_count--;
    if (c->flags & FLAG_ORPHAN)
        c->tcp->orphan_count--;
    memory_release(memory, c, sizeof *c);
}

void connection_end(struct tcp_connection *c, int error)
{
    state_change(c, STRATA_TCP_CLOSED);
    connection_unlist(c);
    uint32_t unsent = c->send.length;
    ring_clear(&c->send, connection_memory(c));
    autotune_count_sent(c, unsent);
    sent_clear(&c->sent, connection_memory(c));
    recovery_forget(c);
    model_free(c);
    c->snd_nxt = c->snd_una;
    if (c->flags & FLAG_ORPHAN) {
        connection_free(c);
        return;
    }
    // What was received in order and acknowledged stays readable; then comes the error (RFC 9293 MUST-12).
    c->error = (uint8_t)error;
    if (error)
        c->flags |= FLAG_ERROR_PENDING;
    list_push_back(&c->tcp->closed, &c->speaker.node);
    connection_event(c, STRATA_READABLE | STRATA_WRITABLE | STRATA_HANGUP | (error ? STRATA_ERROR : 0u));
}

void connection_reset(struct tcp_connection *c, int error)
{
    if (c->state >= STRATA_TCP_SYN_RECEIVED && c->state != STRATA_TCP_TIME_WAIT)
        reply_abort(c);
    connection_end(c, error);
}

/* ---- In between ---------------------------------------------------------------------------------------- */

void connection_mark(struct tcp_connection *c)
{
    if (!c->record.listed)
        return;
    struct port *port = links_port(net_links(c->tcp->net), c->way.port);
    if (!port && connection_find_path(c) == 0)
        port = links_port(net_links(c->tcp->net), c->way.port);
    if (port)
        port_mark(port, &c->speaker);
}

void connection_event(struct tcp_connection *c, uint32_t ready)
{
    if (c->flags & (FLAG_ORPHAN | FLAG_QUEUED) || !c->tcp->events.connection)
        return;
    c->tcp->events.connection(c->tcp->events.context, c->owner, ready);
}

/* ---- Invariants ---------------------------------------------------------------------------------------- */

static void verify_sent(const struct tcp_connection *c)
{
    sent_verify(&c->sent, c->snd_una, c->snd_nxt);
}

static void verify_receive(const struct tcp_connection *c)
{
    ASSERT(seq_le(c->rcv_nxt, c->rcv_adv));
    ASSERT(seq_le(c->last_ack_sent, c->rcv_nxt));
    if (!c->out_of_order) {
        ASSERT(c->receive.extent == c->receive.length);
        return;
    }
    const struct ranges *ranges = &c->out_of_order->ranges;
    receive_verify(c);
    ASSERT(ranges->count > 0 || c->flags & FLAG_FIN_AHEAD);
    if (ranges->count > 0) {
        ASSERT(seq_gt(ranges->list[0].start, c->rcv_nxt));
        ASSERT(seq_le(ranges->list[ranges->count - 1].end, c->rcv_adv));
    }
}

void connection_verify(const struct tcp_connection *c)
{
    ASSERT(c->state != STRATA_TCP_LISTEN);
    if (c->state == STRATA_TCP_CLOSED || c->state == STRATA_TCP_TIME_WAIT) {
        ASSERT(!c->record.listed && !timer_is_armed(&c->timer));
        return;
    }
    ASSERT(c->record.listed);
    // Every octet between SND.UNA and SND.NXT is in the map, and what is data is in the ring.
    verify_sent(c);
    recovery_verify(c);
    uint32_t flight = connection_flight(c), fin = c->flags & FLAG_FIN_SENT ? 1 : 0;
    if (connection_is_synchronized(c)) {
        ASSERT(flight <= c->send.length + fin);
        ASSERT(!fin || c->snd_nxt == connection_fin_seq(c) + 1 || c->state == STRATA_TCP_FIN_WAIT_2);
        ASSERT(c->smss > 0);
        // Whatever is in flight is under a timer, and the wheel knows the earliest.
        ASSERT(flight == 0 || c->retransmit_at != STRATA_NEVER);
        verify_receive(c);
    }
    ASSERT(!(c->flags & FLAG_PERSIST) || c->retransmit_at != STRATA_NEVER);
    ASSERT(c->timer.deadline <= c->retransmit_at && c->timer.deadline <= c->ack_at &&
           c->timer.deadline <= c->other_at);
    ASSERT(!(c->flags & FLAG_FIN_SENT) || c->flags & FLAG_FIN_QUEUED);
}
