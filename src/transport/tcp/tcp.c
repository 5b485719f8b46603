/*
 * The user's calls (RFC 9293 3.9.1): OPEN, SEND, RECEIVE, CLOSE, ABORT, STATUS, and TCP's own birth and
 * death.
 *
 * They change rings and flags and mark the connection; segments are made when the port asks.
 */
#include "transport/tcp/ack_delay.h"
#include "transport/tcp/acknowledge.h"
#include "transport/tcp/autotune.h"
#include "transport/tcp/congestion.h"
#include "transport/tcp/cookie.h"
#include "transport/tcp/demux.h"
#include "transport/tcp/ecn.h"
#include "transport/tcp/fast_open.h"
#include "transport/tcp/half_open.h"
#include "transport/tcp/input.h"
#include "transport/tcp/listen.h"
#include "transport/tcp/output.h"
#include "transport/tcp/receive.h"
#include "transport/tcp/recovery.h"
#include "transport/tcp/state.h"
#include "transport/tcp/time_wait.h"
#include "transport/tcp/timers.h"
#include "transport/tcp/urgent.h"

#include <errno.h>

/** How often those who found no memory to write are told to try again. */
#define HUNGRY_NS (50 * STRATA_MILLISECOND)
/** How many ports are tried for one connection before all are said to be taken. */
#define EPHEMERAL_ATTEMPTS 65536u

/* ---- TCP ----------------------------------------------------------------------------------------------- */

static void default_tuning(struct tcp *tcp)
{
    const struct settings *settings = &tcp->core->settings;
    tcp->tuning = (struct tcp_tuning){
        .keep_idle_ns = settings->tcp_keepalive_time_s * STRATA_SECOND, // RFC 9293 MUST-28
        .keep_interval_ns = settings->tcp_keepalive_interval_s * STRATA_SECOND,
        .keep_count = (uint32_t)settings->tcp_keepalive_probes,
        .linger_ns = -1,
        .receive_low = 1,
    };
}

static bool feed(struct table_entry *entry, void *context)
{
    struct tcp_record *record = CONTAINER_OF(entry, struct tcp_record, entry);
    (void)context;
    if (record->kind != TCP_RECORD_CONNECTION)
        return true;
    struct tcp_connection *c = CONTAINER_OF(record, struct tcp_connection, record);
    if (c->flags & FLAG_HUNGRY) {
        c->flags &= ~(uint32_t)FLAG_HUNGRY;
        // Before it is open the event would say: connected; but for one whose first write opens it.
        if (connection_is_open(c) || c->syn_marks & SYN_DEFERRED)
            connection_event(c, STRATA_WRITABLE);
    }
    return true;
}

/** Nobody says when memory is free again, so those who wait for it are told to try. */
static void hungry_timeout(struct timer *timer, strata_time now)
{
    struct tcp *tcp = CONTAINER_OF(timer, struct tcp, hungry_timer);
    (void)now;
    table_each(&tcp->records, feed, tcp);
}

int tcp_new(struct tcp **result, struct net *net, const struct tcp_events *events)
{
    struct core *core = net_core(net);
    struct tcp *tcp = memory_allocate(&core->memory, sizeof *tcp);
    if (!tcp)
        return -ENOMEM;
    tcp->core = core;
    tcp->net = net;
    tcp->events = *events;
    list_init(&tcp->all_listeners);
    list_init(&tcp->transparent);
    list_init(&tcp->closed);
    list_init(&tcp->out_of_order);
    time_wait_init(tcp);
    timer_init(&tcp->hungry_timer, hungry_timeout);
    random_key(&core->random, &tcp->demux_key);
    random_key(&core->random, &tcp->isn_key);
    random_key(&core->random, &tcp->timestamp_key);
    cookie_init(tcp);
    ports_init(&tcp->ports, core);
    fast_open_init(tcp);
    default_tuning(tcp);
    struct net_upper upper = {.context = tcp, .input = input_packet, .error = input_error, .wants = input_wants,
                              .owns = input_owns};
    net_set_upper(net, PROTOCOL_TCP, &upper);
    *result = tcp;
    return 0;
}

static bool free_record(struct table_entry *entry, void *context)
{
    struct tcp *tcp = context;
    struct tcp_record *record = CONTAINER_OF(entry, struct tcp_record, entry);
    if (record->kind == TCP_RECORD_CONNECTION)
        connection_free(CONTAINER_OF(record, struct tcp_connection, record));
    else if (record->kind == TCP_RECORD_HALF_OPEN)
        half_open_free(tcp, CONTAINER_OF(record, struct tcp_half_open, record));
    else
        time_wait_free(tcp, CONTAINER_OF(record, struct tcp_time_wait, record));
    return true;
}

void tcp_free(struct tcp *tcp)
{
    struct memory *memory = &tcp->core->memory;
    struct net_upper nobody = {0};
    net_set_upper(tcp->net, PROTOCOL_TCP, &nobody);
    tcp->events = (struct tcp_events){0};
    table_each(&tcp->records, free_record, tcp);
    while (!list_is_empty(&tcp->all_listeners)) {
        struct tcp_listener *listener = CONTAINER_OF(tcp->all_listeners.next, struct tcp_listener, node);
        listener->first = NULL; // freed with the records, or below
        tcp_listener_close(listener);
    }
    while (!list_is_empty(&tcp->closed))
        connection_free(CONTAINER_OF(tcp->closed.next, struct tcp_connection, speaker.node));
    // What came back from behind a half-open connection.
    table_each(&tcp->records, free_record, tcp);
    ASSERT(tcp->out_of_order_bytes == 0);
    wheel_disarm(&tcp->core->wheel, &tcp->time_wait_timer);
    wheel_disarm(&tcp->core->wheel, &tcp->hungry_timer);
    table_free(&tcp->records, memory);
    table_free(&tcp->listeners, memory);
    ports_free(&tcp->ports);
    fast_open_free(tcp);
    memory_release(memory, tcp, sizeof *tcp);
}

void tcp_default_options(const struct tcp *tcp, struct tcp_socket_options *options)
{
    const struct settings *settings = &tcp->core->settings;
    *options = (struct tcp_socket_options){
        .send_bytes = (uint32_t)settings->tcp_send_bytes,
        .receive_bytes = (uint32_t)settings->tcp_receive_bytes,
        .keep_idle_ns = settings->tcp_keepalive_time_s * STRATA_SECOND,
        .keep_interval_ns = settings->tcp_keepalive_interval_s * STRATA_SECOND,
        .keep_count = (uint32_t)settings->tcp_keepalive_probes,
        .linger_ns = -1,
        .ttl = (uint8_t)settings->ip_default_ttl,
        .congestion = (uint8_t)settings->tcp_congestion,
        .urgent_inline = true,
        .receive_low = 1,
        .quick_ack = true,
        .send_stall_ns = settings->tcp_send_stall_ms * STRATA_MILLISECOND,
        .receive_stall_ns = settings->tcp_receive_stall_ms * STRATA_MILLISECOND,
        .send_rate = (uint64_t)settings->tcp_send_rate,
        .receive_rate = (uint64_t)settings->tcp_receive_rate,
    };
}

struct ports *tcp_ports(struct tcp *tcp)
{
    return &tcp->ports;
}

void tcp_memory(const struct tcp *tcp, struct strata_memory *memory)
{
    memory->connections = tcp->connection_count;
    memory->half_open = tcp->half_open_count;
    memory->time_wait = tcp->time_wait_count;
}

bool tcp_tuple_in_use(struct tcp *tcp, const struct strata_endpoint *local, const struct strata_endpoint *peer)
{
    struct tcp_record key = demux_key_of(local, peer);
    return demux_find(tcp, &key) != NULL;
}

/* ---- OPEN ---------------------------------------------------------------------------------------------- */

/** Whether one can connect there at all (RFC 9293 MUST-46). */
static bool is_host(const struct tcp *tcp, const struct strata_endpoint *peer)
{
    const struct strata_address *address = &peer->address;
    return peer->port != 0 && !address_is_unspecified(address) && !address_is_multicast(address) &&
           !address_is_limited_broadcast(address) && !net_is_broadcast(tcp->net, address);
}

/** Whether a four-tuple is free, or `reuse` and its TIME-WAIT may be followed. */
static bool may_take(struct tcp *tcp, const struct strata_endpoint *local, const struct strata_endpoint *peer,
                     bool reuse)
{
    struct tcp_record key = demux_key_of(local, peer), *record = demux_find(tcp, &key);
    if (!record)
        return true;
    return reuse && record->kind == TCP_RECORD_TIME_WAIT &&
           time_wait_may_follow(tcp, CONTAINER_OF(record, struct tcp_time_wait, record));
}

/** Chooses the local address and port (RFC 9293 MUST-43, MUST-44; RFC 6056). */
static int choose_local(struct tcp *tcp, const struct binding *binding, const struct net_path *path,
                        const struct strata_endpoint *peer, struct strata_endpoint *local)
{
    *local = (struct strata_endpoint){.scope = peer->scope};
    if (binding)
        *local = binding->local;
    if (!binding || address_is_unspecified(&local->address)) {
        int error = net_source(tcp->net, path, &local->address);
        if (error)
            return error;
    } else if (strata_address_is_ipv4(&local->address) != strata_address_is_ipv4(&peer->address)) {
        return -EINVAL;
    }
    if (local->port)
        return may_take(tcp, local, peer, true) ? 0 : -EADDRINUSE;
    // Whoever waits in TIME-WAIT is disturbed only when nothing else is left.
    for (uint32_t attempt = 0; attempt < 2 * EPHEMERAL_ATTEMPTS; attempt++) {
        local->port = ports_ephemeral(&tcp->ports, &local->address, peer, attempt % EPHEMERAL_ATTEMPTS);
        if (may_take(tcp, local, peer, attempt >= EPHEMERAL_ATTEMPTS) && !ports_is_held(&tcp->ports, local->port))
            return 0;
        if (attempt == EPHEMERAL_ATTEMPTS && tcp->core->settings.tcp_tw_reuse == 0)
            break;
    }
    return -EADDRNOTAVAIL;
}

/** The SYN is due. The clock runs from now on, also while a neighbour is being asked. */
static void send_syn(struct tcp_connection *c)
{
    c->syn_marks &= (uint8_t)~SYN_DEFERRED;
    c->marks = MARK_SYN;
    timers_sent(c);
    connection_mark(c);
}

static int begin(struct tcp_connection *c)
{
    int error = connection_find_path(c);
    c->iss = tcp_initial_sequence(c->tcp, &c->record);
    struct tcp_record *old = demux_find(c->tcp, &c->record);
    if (error == 0 && old) {
        struct tcp_time_wait *previous = CONTAINER_OF(old, struct tcp_time_wait, record);
        // RFC 9293 3.6.1: beyond everything the old incarnation used.
        if (seq_le(c->iss, previous->snd_nxt + UINT16_MAX))
            c->iss = previous->snd_nxt + UINT16_MAX + 2;
        demux_replace(c->tcp, old, &c->record);
        time_wait_free(c->tcp, previous);
    } else if (error == 0) {
        error = demux_add(c->tcp, &c->record);
    }
    if (error)
        return error;
    c->recover = c->snd_una = c->snd_nxt = c->snd_up = c->snd_small = c->iss;
    connection_choose_own_mss(c);
    state_change(c, STRATA_TCP_SYN_SENT);
    if (!(c->modes & MODE_FAST_OPEN) || !fast_open_ready(c))
        send_syn(c);
    else
        c->syn_marks |= SYN_DEFERRED;
    return 0;
}

bool tcp_may_open_fast(const struct tcp *tcp)
{
    return tcp->core->settings.tcp_fastopen & FAST_OPEN_CLIENT;
}

bool tcp_is_opening(const struct tcp_connection *c)
{
    return (c->state == STRATA_TCP_SYN_SENT && !tcp_waits_for_data(c)) ||
           (c->state == STRATA_TCP_SYN_RECEIVED && !connection_is_fast(c));
}

bool tcp_waits_for_data(const struct tcp_connection *c)
{
    return c->syn_marks & SYN_DEFERRED;
}

int tcp_connect(struct tcp *tcp, const struct binding *binding, const struct strata_endpoint *peer,
                const struct tcp_socket_options *options, void *owner, struct tcp_connection **connection)
{
    struct strata_endpoint local, to = *peer;
    struct net_path path;
    if (!is_host(tcp, peer))
        return -EINVAL;
    int error = net_path_find(tcp->net, &path, &peer->address, peer->scope, options->bind_port);
    if (error == 0 && path.broadcast)
        error = -EINVAL;
    if (error)
        return error;
    // A link-local peer is known by the port where its segments arrive.
    to.scope = address_is_link_local(&to.address) && !strata_address_is_ipv4(&to.address) ? (uint32_t)path.port : 0;
    error = choose_local(tcp, binding, &path, &to, &local);
    if (error)
        return error;
    struct tcp_record key = demux_key_of(&local, &to);
    struct tcp_connection *c = connection_new(tcp, &key, options);
    if (!c)
        return -ENOMEM;
    c->owner = owner;
    c->flags |= FLAG_ACTIVE;
    c->peer_mss = UINT16_MAX;
    c->receive_scale = connection_scale_of(tcp, options);
    c->flags |= (tcp->core->settings.tcp_window_scaling ? FLAG_SCALING : 0u) |
                (tcp->core->settings.tcp_timestamps ? FLAG_TIMESTAMPS : 0u) |
                (tcp->core->settings.tcp_sack ? FLAG_SACK : 0u);
    ecn_offer(c);
    // RFC 7413-1: where program and host ask for it.
    if (options->fast_open_connect && tcp_may_open_fast(tcp))
        c->modes |= MODE_FAST_OPEN;
    error = begin(c);
    if (error) {
        connection_free(c);
        return error;
    }
    *connection = c;
    return 0;
}

/* ---- SEND ---------------------------------------------------------------------------------------------- */

/** Whether data may be written. @return 0, -EPIPE, or why it ended. */
static int may_write(const struct tcp_connection *c)
{
    if (c->error)
        return -c->error;
    if (c->state == STRATA_TCP_CLOSED || c->flags & FLAG_FIN_QUEUED)
        return -EPIPE;
    return 0;
}

/** Octets were put into the send ring. */
static void written(struct tcp_connection *c, unsigned flags)
{
    const uint16_t held = MODE_MORE | MODE_NO_PUSH;
    c->modes &= (uint16_t)~MODE_PUSH_ALL;
    c->modes = (uint16_t)(flags & TCP_WRITE_MORE ? c->modes | held : c->modes & ~held);
    if (flags & TCP_WRITE_END) {
        struct tcp_extra *extra = connection_want_extra(c);
        if (extra && extra->end_count < TCP_ENDS_MOST)
            extra->ends[extra->end_count++] = connection_fin_seq(c);
    }
    if (flags & TCP_WRITE_URGENT) {
        // RFC 9293 MUST-62: the pointer is the octet after urgent data; it goes out at once, data or no data.
        c->snd_up = connection_fin_seq(c);
        c->flags |= FLAG_URGENT_SENT;
        if (connection_is_open(c))
            c->marks |= MARK_ACK;
    }
    if (!acknowledge_offers_room(c))
        c->flags |= FLAG_WANT_WRITE; // who asks for readiness and hears no waits for an event, refused or not
    if (c->syn_marks & SYN_DEFERRED)
        send_syn(c);
    else if (connection_is_open(c))
        connection_mark(c);
}

/** How much of a write goes with the SYN that waits for it. Nothing is written: then the SYN goes alone. */
static int write_with_syn(struct tcp_connection *c, size_t *size)
{
    uint32_t space = fast_open_space(c);
    if (*size > 0 && space > 0) {
        *size = *size < space ? *size : space;
        return 0;
    }
    send_syn(c);
    return *size > 0 ? -EAGAIN : -EINPROGRESS;
}

/** How much more may be taken without too much being not sent: what goes at once does not count, and a piece that was
 * begun is made full. */
static size_t unsent_room(const struct tcp_connection *c)
{
    uint32_t low = output_unsent_low(c), unsent = connection_unsent(c), sendable = output_sendable(c);
    if (low == UINT32_MAX)
        return SIZE_MAX;
    uint32_t behind = unsent > sendable ? unsent - sendable : 0, ahead = sendable > unsent ? sendable - unsent : 0;
    uint32_t half = c->snd_wnd_max / 2 < UINT16_MAX ? c->snd_wnd_max / 2 : UINT16_MAX;
    uint32_t piece = c->smss > 0 ? half - half % c->smss : 0;
    if (behind >= low)
        return 0;
    return (size_t)ahead + (piece > 0 ? ((size_t)low - behind + piece - 1) / piece * piece : low - behind);
}

/** A write was cut short: for want of room, which ACKs make, or of memory, which nobody announces. */
static void want_write(struct tcp_connection *c)
{
    c->flags |= FLAG_WANT_WRITE;
    if (ring_room(&c->send) == 0 || unsent_room(c) == 0)
        return;
    c->flags |= FLAG_HUNGRY;
    if (!timer_is_armed(&c->tcp->hungry_timer))
        wheel_arm(&connection_core(c)->wheel, &c->tcp->hungry_timer, connection_now(c) + HUNGRY_NS);
}

/** Octets that may be written now, but for the capacity of the ring. */
static size_t room_for(struct tcp_connection *c)
{
    if (c->send.length == 0)
        autotune_send(c);
    size_t memory = autotune_send_allowed(c), room = unsent_room(c);
    return memory < room ? memory : room;
}

int64_t tcp_write(struct tcp_connection *c, const void *data, size_t size, unsigned flags)
{
    int error = may_write(c);
    if (error)
        return error;
    connection_check(c);
    if (c->syn_marks & SYN_DEFERRED && (error = write_with_syn(c, &size)) != 0)
        return error;
    size_t most = room_for(c);
    uint32_t before = c->send.length;
    size_t taken = ring_append(&c->send, connection_memory(c), data, size < most ? size : most);
    autotune_count_sent(c, before);
    if (taken < size)
        want_write(c);
    if (taken == 0)
        return size == 0 ? 0 : -EAGAIN;
    written(c, taken < size ? flags & ~(unsigned)TCP_WRITE_END : flags);
    connection_check(c);
    return (int64_t)taken;
}

void tcp_push(struct tcp_connection *c)
{
    c->modes = (uint16_t)((c->modes | MODE_PUSH_ALL) & ~MODE_MORE);
    if (connection_is_synchronized(c))
        connection_mark(c);
}

void tcp_quick_ack(struct tcp_connection *c, bool on)
{
    ack_choose(c, on);
}

bool tcp_is_quick_ack(const struct tcp_connection *c)
{
    return c->modes & MODE_QUICK_ACK || !(c->modes & MODE_INTERACTIVE);
}

uint8_t tcp_received_tos(const struct tcp_connection *c)
{
    return (uint8_t)c->received_tos;
}

int tcp_space(struct tcp_connection *c, size_t size, struct strata_iovec *pieces, int count)
{
    int error = may_write(c);
    if (error)
        return error;
    size_t most = room_for(c), room = ring_room(&c->send);
    if (most > room)
        most = room;
    int used = ring_space(&c->send, connection_memory(c), (uint32_t)(size < most ? size : most), pieces, count);
    if (used == 0) {
        want_write(c);
        return -EAGAIN;
    }
    return used;
}

int tcp_commit(struct tcp_connection *c, size_t bytes)
{
    int error = may_write(c);
    if (error)
        return error;
    if (bytes > c->send.extent - c->send.length)
        return -EINVAL;
    uint32_t before = c->send.length;
    ring_extend(&c->send, (uint32_t)bytes);
    autotune_count_sent(c, before);
    ring_cut(&c->send, connection_memory(c), c->send.length);
    if (bytes > 0)
        written(c, 0);
    return 0;
}

/* ---- RECEIVE ------------------------------------------------------------------------------------------- */

/** What a read says when no data is there: 0 is the end of the stream. */
static int nothing_to_read(const struct tcp_connection *c)
{
    if (c->error)
        return -c->error;
    if (c->flags & (FLAG_FIN_RECEIVED | FLAG_READ_SHUT) || c->state == STRATA_TCP_CLOSED)
        return 0;
    return -EAGAIN;
}

int64_t tcp_peek(struct tcp_connection *c, void *data, size_t size)
{
    uint32_t skip, there = urgent_readable(c, &skip), bytes = there < size ? there : (uint32_t)size;
    if (there == 0)
        return nothing_to_read(c);
    ring_copy(&c->receive, skip, data, bytes);
    return bytes;
}

static void taken(struct tcp_connection *c, uint32_t bytes)
{
    uint32_t before = c->receive.length;
    ring_consume(&c->receive, connection_memory(c), bytes);
    autotune_count_received(c, before);
    if (c->flags & FLAG_URGENT_RECEIVED && seq_ge(urgent_next(c), c->rcv_up))
        c->flags &= ~(uint32_t)(FLAG_URGENT_RECEIVED | FLAG_URGENT_TAKEN);
    autotune_read(c);
    receive_taken(c);
}

int64_t tcp_read(struct tcp_connection *c, void *data, size_t size)
{
    int64_t bytes = tcp_peek(c, data, size);
    uint32_t skip, there = urgent_readable(c, &skip);
    // What is read apart is passed with what follows; where nothing does, once it was taken or at the stream's end.
    if (bytes > 0 || (skip > 0 && there == 0 && c->flags & (FLAG_URGENT_TAKEN | FLAG_FIN_RECEIVED)))
        taken(c, skip + (bytes > 0 ? (uint32_t)bytes : 0));
    return bytes;
}

int tcp_data(struct tcp_connection *c, struct strata_iovec *pieces, int count)
{
    uint32_t skip, there = urgent_readable(c, &skip);
    if (there == 0)
        return nothing_to_read(c);
    return ring_view(&c->receive, skip, there, pieces, count);
}

int tcp_consume(struct tcp_connection *c, size_t bytes)
{
    uint32_t skip;
    (void)urgent_readable(c, &skip); // a mark that came after tcp_data was called ends nothing
    if (bytes > c->receive.length - skip)
        return -EINVAL;
    if (bytes > 0)
        taken(c, skip + (uint32_t)bytes);
    return 0;
}

/* ---- CLOSE and ABORT ----------------------------------------------------------------------------------- */

/** No more data will be written: a FIN follows what was (RFC 9293 3.10.4). */
static void finish(struct tcp_connection *c)
{
    if (c->flags & FLAG_FIN_QUEUED)
        return;
    c->flags |= FLAG_FIN_QUEUED;
    if (c->state == STRATA_TCP_ESTABLISHED)
        state_change(c, STRATA_TCP_FIN_WAIT_1);
    else if (c->state == STRATA_TCP_CLOSE_WAIT)
        state_change(c, STRATA_TCP_LAST_ACK);
    if (connection_is_synchronized(c))
        connection_mark(c);
}

static void stop_reading(struct tcp_connection *c)
{
    uint32_t unread = c->receive.length;
    c->flags = (c->flags | FLAG_READ_SHUT) & ~(uint32_t)(FLAG_URGENT_RECEIVED | FLAG_URGENT_TAKEN);
    receive_evict(c);
    if (unread > 0) {
        ring_consume(&c->receive, connection_memory(c), unread);
        autotune_count_received(c, unread);
        receive_taken(c);
    }
}

int tcp_shutdown(struct tcp_connection *c, enum strata_shutdown how)
{
    if (c->state == STRATA_TCP_CLOSED || c->state == STRATA_TCP_SYN_SENT)
        return -ENOTCONN;
    if (how & STRATA_SHUTDOWN_READ)
        stop_reading(c);
    if (how & STRATA_SHUTDOWN_WRITE)
        finish(c);
    connection_check(c);
    return 0;
}

void tcp_close(struct tcp_connection *c)
{
    connection_orphan(c);
    if (c->state == STRATA_TCP_CLOSED || c->state == STRATA_TCP_TIME_WAIT) {
        connection_free(c);
        return;
    }
    if (c->state == STRATA_TCP_SYN_SENT) {
        connection_end(c, 0);
        return;
    }
    // RFC 9293 SHLD-3: data nobody will read now. Linger zero asks for the same.
    if (c->tuning->linger_ns == 0 || c->receive.length > 0 || c->out_of_order) {
        connection_reset(c, 0);
        return;
    }
    struct core *core = connection_core(c);
    if (c->tcp->orphan_count > core->settings.tcp_max_orphans) {
        core_count(core, COUNTER_tcp_orphans_reset);
        connection_reset(c, 0);
        return;
    }
    finish(c);
    strata_time wait = STRATA_NEVER, now = connection_now(c);
    if (c->state == STRATA_TCP_FIN_WAIT_2)
        wait = connection_core(c)->settings.tcp_fin_timeout_ms * STRATA_MILLISECOND;
    else if (c->tuning->linger_ns > 0)
        wait = c->tuning->linger_ns;
    c->other_at = wait < STRATA_NEVER - now ? now + wait : STRATA_NEVER;
    timers_update(c);
    connection_check(c);
}

void tcp_abort(struct tcp_connection *c)
{
    connection_orphan(c);
    if (c->state == STRATA_TCP_CLOSED || c->state == STRATA_TCP_TIME_WAIT)
        connection_free(c);
    else
        connection_reset(c, 0);
}

/* ---- STATUS -------------------------------------------------------------------------------------------- */

uint32_t tcp_readiness(const struct tcp_connection *c)
{
    uint32_t ready = 0, skip;
    bool over = c->state == STRATA_TCP_CLOSED || c->state == STRATA_TCP_TIME_WAIT;
    bool both = c->flags & FLAG_FIN_RECEIVED && c->flags & FLAG_FIN_QUEUED;
    if ((receive_is_worth_reading(c) && urgent_readable(c, &skip) > 0) || over ||
        c->flags & (FLAG_FIN_RECEIVED | FLAG_READ_SHUT))
        ready |= STRATA_READABLE;
    if (over || c->flags & FLAG_FIN_QUEUED ||
        ((connection_is_open(c) || c->syn_marks & SYN_DEFERRED) && !(c->flags & FLAG_HUNGRY) &&
         acknowledge_offers_room(c)))
        ready |= STRATA_WRITABLE;
    if (over || both)
        ready |= STRATA_HANGUP;
    if (c->flags & FLAG_FIN_RECEIVED)
        ready |= STRATA_PEER_CLOSED;
    if (c->flags & FLAG_ERROR_PENDING || (c->soft_error && c->flags & FLAG_RECEIVE_ERRORS))
        ready |= STRATA_ERROR;
    if (urgent_pends(c))
        ready |= STRATA_URGENT;
    return ready;
}

int tcp_take_error(struct tcp_connection *c)
{
    int error = 0;
    if (c->flags & FLAG_ERROR_PENDING) {
        error = c->error;
        c->flags &= ~(uint32_t)FLAG_ERROR_PENDING;
    } else if (c->flags & FLAG_RECEIVE_ERRORS) {
        error = c->soft_error;
        c->soft_error = 0;
    }
    return error;
}

void tcp_endpoints(const struct tcp_connection *c, struct strata_endpoint *local, struct strata_endpoint *peer)
{
    const struct tcp_record *record = &c->record;
    *local = (struct strata_endpoint){record->local, (uint32_t)record->scope, record->local_port};
    *peer = (struct strata_endpoint){record->remote, (uint32_t)record->scope, record->remote_port};
}

uint32_t tcp_buffer_bytes(const struct tcp_connection *c, bool sending)
{
    return sending ? c->send.capacity : c->receive_bytes;
}

void tcp_set_options(struct tcp_connection *c, const struct tcp_socket_options *options)
{
    uint32_t receive_bytes = c->receive_bytes;
    connection_apply(c, options);
    if (c->state == STRATA_TCP_CLOSED || c->state == STRATA_TCP_TIME_WAIT)
        return;
    connection_update_mss(c);
    timers_update(c);
    if (c->receive_bytes != receive_bytes) // nothing else is news of the window
        receive_taken(c);
    if (connection_is_synchronized(c))
        connection_mark(c);
}
