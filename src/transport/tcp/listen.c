/*
 * Passive opens (RFC 9293 3.9.1.1, 3.10.7.2; RFC 4987).
 *
 * A SYN makes a small half-open record (half_open.c), not a connection; the ACK of our SYN-ACK turns it into one, which
 * then waits in its listener's queue. The queue is bounded by not taking the ACK, which then comes again.
 *
 * A listener may see the SYN before it is answered (a filter), and may take SYNs to any address
 * (transparent).
 */
#include "transport/tcp/listen.h"
#include "transport/tcp/autotune.h"
#include "transport/tcp/congestion.h"
#include "transport/tcp/cookie.h"
#include "transport/tcp/demux.h"
#include "transport/tcp/ecn.h"
#include "transport/tcp/fast_open.h"
#include "transport/tcp/half_open.h"
#include "transport/tcp/input.h"
#include "transport/tcp/receive.h"
#include "transport/tcp/reply.h"
#include "transport/tcp/state.h"
#include "transport/tcp/time_wait.h"
#include "transport/tcp/timers.h"

#include <errno.h>

/* ---- Which listener ------------------------------------------------------------------------------------ */

/** The best listener for a SYN. */
struct search {
    const struct tcp *tcp;
    const struct tcp_record *key;
    int port; /**< Where the SYN arrived. */
    struct tcp_listener *best;
    unsigned score;
    uint64_t weight;
};

/** How well a listener fits; 0: not at all. A named address is better than any, any of one family than any of
 * both. */
static unsigned fit(const struct tcp_listener *listener, const struct tcp_record *key, int port)
{
    const struct strata_endpoint *local = &listener->binding->local;
    int bound = listener->options.bind_port ? listener->options.bind_port : listener->binding->bound_port;
    if (local->port != key->local_port && !(local->port == 0 && listener->options.transparent))
        return 0;
    if (bound && bound != port)
        return 0;
    unsigned more = bound ? 8 : 0;
    bool ipv4 = strata_address_is_ipv4(&key->local);
    if (address_equal(&local->address, &key->local))
        return local->scope == 0 || (int)local->scope == port ? 4 + more : 0;
    if (address_is_zero(&local->address))
        return ipv4 ? (listener->options.v6only ? 0 : 1 + more) : 2 + more;
    return ipv4 && address_is_unspecified(&local->address) ? 2 + more : 0;
}

/** Takes a listener into account. Among equals (RFC 1122 knows none; REUSE_PORT) a keyed hash decides, such
 * that those who stay keep their share when one goes. */
static void consider(struct search *search, struct tcp_listener *listener)
{
    unsigned score = fit(listener, search->key, search->port);
    if (score == 0 || score < search->score)
        return;
    uint64_t weight = 0;
    if (listener->options.reuse_port)
        weight = demux_hash_with(&search->tcp->demux_key, search->key, (uint32_t)(listener->id >> 32),
                                 (uint32_t)listener->id);
    if (score == search->score && weight <= search->weight && search->best)
        return;
    search->best = listener;
    search->score = score;
    search->weight = weight;
}

static bool visit(const struct table_entry *entry, const void *key)
{
    struct search *search = (struct search *)(uintptr_t)key;
    consider(search, CONTAINER_OF(entry, struct tcp_listener, entry));
    return false;
}

static uint32_t hash_of_port(uint16_t port)
{
    return port * 2654435761u;
}

static struct tcp_listener *find(const struct tcp *tcp, const struct tcp_record *key, int port, bool foreign)
{
    struct search search = {.tcp = tcp, .key = key, .port = port};
    if (!foreign)
        table_find(&tcp->listeners, hash_of_port(key->local_port), visit, &search);
    if (!search.best)
        LIST_FOR_EACH(link, &tcp->transparent)
            consider(&search, CONTAINER_OF(link, struct tcp_listener, transparent));
    return search.best;
}

bool listen_wants(const struct tcp *tcp, const struct tcp_record *key, int port)
{
    return !list_is_empty(&tcp->transparent) && find(tcp, key, port, true);
}

/* ---- Connections --------------------------------------------------------------------------------------- */

void listen_enqueue(struct tcp_listener *listener, struct tcp_connection *c)
{
    struct tcp *tcp = listener->tcp;
    c->flags |= FLAG_QUEUED;
    if (listener->last)
        listener->last->owner = c;
    else
        listener->first = c;
    listener->last = c;
    listener->queued++;
    tcp->events.listener(tcp->events.context, listener->owner, STRATA_READABLE);
}

void listen_overflow(struct tcp *tcp, const struct segment *segment)
{
    input_drop(tcp, segment, COUNTER_tcp_drop_backlog); // what we said last asks again, or its data does
    if (tcp->core->settings.tcp_abort_on_overflow)
        reply_reset(tcp, segment);
}

/** A SYN that a Fast Open cookie vouches for: a connection at once, with the data that came (RFC 7413 4.2.2).
 * @return false: no memory, the ordinary handshake. */
static bool open_fast(struct tcp *tcp, const struct tcp_half_open *syn, struct segment *segment,
                      enum fast_open_verdict verdict)
{
    struct tcp_connection *c = half_open_connection(tcp, syn);
    if (!c)
        return false;
    if (!fast_open_begin(syn->listener, c, verdict, segment->header.options.fast_open_experimental) ||
        (!syn->previous && demux_add(tcp, &c->record) < 0)) {
        connection_free(c);
        return false;
    }
    if (syn->previous) {
        demux_replace(tcp, &syn->previous->record, &c->record);
        time_wait_free(tcp, syn->previous);
    }
    state_trace(tcp, &syn->record, syn->previous ? STRATA_TCP_TIME_WAIT : STRATA_TCP_LISTEN, STRATA_TCP_SYN_RECEIVED);
    c->state = STRATA_TCP_SYN_RECEIVED;
    c->snd_una = c->snd_nxt = c->snd_small = c->iss;
    // The window that the SYN told, and cwnd, are for data; they count from SND.UNA, where our SYN is now.
    c->snd_wnd++;
    congestion_begin(c);
    c->cwnd++;
    listen_enqueue(syn->listener, c);
    c->segments_received++;
    if (segment->length > 0) {
        uint32_t room = c->rcv_adv - c->rcv_nxt;
        receive_in_order(c, segment, segment->length < room ? segment->length : room);
        if (seq_gt(c->rcv_nxt, c->irs + 1))
            c->syn_marks |= SYN_DATA_TAKEN;
    }
    c->marks = MARK_SYN;
    timers_sent(c);
    connection_mark(c);
    connection_check(c);
    return true;
}

/* ---- A SYN arrives ------------------------------------------------------------------------------------- */

/** What we tell the peer as our MSS: from the MTU of the port where its SYN came in or of that by which our
 * answer leaves, whichever is smaller (RFC 9293 SHLD-6). */
static uint16_t own_mss(const struct tcp_listener *listener, const struct tcp_half_open *half_open)
{
    struct tcp *tcp = listener->tcp;
    const struct tcp_socket_options *options = &listener->options;
    bool ipv4 = strata_address_is_ipv4(&half_open->record.local);
    uint16_t in = connection_mss_of_port(tcp, half_open->port, ipv4, options->max_segment), out = in;
    struct net_path path;
    if (net_path_find(tcp->net, &path, &half_open->record.remote, (uint32_t)half_open->record.scope,
                      options->bind_port) == 0)
        out = connection_mss_of_path(tcp, &path, options->max_segment);
    return in < out ? in : out;
}

/** What we tell of ourselves in a SYN-ACK. */
static void fill_own(struct tcp *tcp, struct tcp_half_open *syn)
{
    uint32_t bytes = autotune_receive_initial(tcp, &syn->listener->options);
    if (syn->listener->options.window_most > 0 && bytes > syn->listener->options.window_most)
        bytes = syn->listener->options.window_most;
    syn->offered = bytes < UINT16_MAX ? (uint16_t)bytes : UINT16_MAX; // RFC 7323-2: never scaled in a SYN
    syn->own_scale = connection_scale_of(tcp, &syn->listener->options);
    syn->own_mss = own_mss(syn->listener, syn);
}

/** What a SYN says, and what we answer. */
static void fill(struct tcp *tcp, struct tcp_half_open *syn, const struct segment *segment)
{
    const struct tcp_options *options = &segment->header.options;
    const struct settings *settings = &tcp->core->settings;
    syn->irs = segment->seq;
    syn->iss = tcp_initial_sequence(tcp, &syn->record);
    // RFC 9293 3.6.1: beyond everything the old incarnation used.
    if (syn->previous && seq_le(syn->iss, syn->previous->snd_nxt))
        syn->iss = syn->previous->snd_nxt + (1u << 17);
    syn->window = segment->header.window;
    syn->peer_mss = options->has_mss ? options->mss : 0;
    syn->scaling = options->has_scale && settings->tcp_window_scaling;
    syn->scale = options->scale;
    syn->timestamps = options->has_timestamps && settings->tcp_timestamps;
    syn->sack = options->sack_permitted && settings->tcp_sack;
    syn->ecn = ecn_accepts(settings, segment);
    syn->ts_recent = options->ts_value;
    fill_own(tcp, syn);
}

/** A SYN for a listener (RFC 9293 3.10.7.2). */
static void syn_arrives(struct tcp_listener *listener, struct segment *segment, const struct tcp_record *key,
                        struct tcp_time_wait *previous)
{
    struct tcp *tcp = listener->tcp;
    if (listener->queued >= listener->backlog) {
        input_drop(tcp, segment, COUNTER_tcp_drop_backlog);
        return;
    }
    if (tcp_memory_is_short(tcp->core)) {
        input_drop(tcp, segment, COUNTER_tcp_drop_memory);
        return;
    }
    struct tcp_half_open syn = {.record = *key, .listener = listener, .previous = previous,
                                .port = (int16_t)segment->packet->port};
    syn.record.kind = TCP_RECORD_HALF_OPEN;
    fill(tcp, &syn, segment);
    enum fast_open_verdict verdict = fast_open_judge(listener, key, segment);
    if (verdict >= FAST_OPEN_RENEW && open_fast(tcp, &syn, segment, verdict))
        return;
    if (cookie_is_wanted(listener, &syn)) {
        cookie_make(&syn);
        reply_syn_ack(&syn);
        return;
    }
    syn.cookie_owed = verdict != FAST_OPEN_NO;
    syn.cookie_experiment = segment->header.options.fast_open_experimental;
    if (!half_open_begin(tcp, &syn))
        input_drop(tcp, segment, COUNTER_tcp_drop_memory);
}

/** An ACK for a listener: it may bring a SYN cookie back. @return whether it did. */
static bool cookie_arrives(struct tcp_listener *listener, struct segment *segment, const struct tcp_record *key)
{
    struct tcp *tcp = listener->tcp;
    struct tcp_half_open syn = {.record = *key, .listener = listener, .port = (int16_t)segment->packet->port};
    if (listener->cookie_at == 0)
        return false;
    if (!cookie_read(&syn, segment)) {
        core_count(tcp->core, COUNTER_tcp_cookies_refused);
        return false;
    }
    if (listener->queued >= listener->backlog) {
        listen_overflow(tcp, segment);
        return true;
    }
    fill_own(tcp, &syn);
    struct tcp_connection *c = tcp_memory_is_short(tcp->core) ? NULL : half_open_connection(tcp, &syn);
    if (c && demux_add(tcp, &c->record) < 0) {
        connection_free(c);
        c = NULL;
    }
    if (!c) {
        input_drop(tcp, segment, COUNTER_tcp_drop_memory);
        return true;
    }
    core_count(tcp->core, COUNTER_tcp_cookies_accepted);
    state_trace(tcp, key, STRATA_TCP_LISTEN, STRATA_TCP_SYN_RECEIVED);
    c->state = STRATA_TCP_SYN_RECEIVED;
    listen_enqueue(listener, c);
    input_established(c);
    input_segment(c, segment);
    return true;
}

void listen_input(struct tcp *tcp, struct segment *segment, struct tcp_time_wait *previous)
{
    const struct net_packet *packet = segment->packet;
    struct tcp_record key = demux_key(packet, &segment->header);
    // RFC 9293 MUST-63: a source that is no host cannot open anything, and is not answered.
    if (address_is_multicast(&packet->source) || address_is_unspecified(&packet->source) ||
        address_is_limited_broadcast(&packet->source) || net_is_broadcast(tcp->net, &packet->source)) {
        input_drop(tcp, segment, COUNTER_tcp_drop_address);
        return;
    }
    struct tcp_listener *listener = find(tcp, &key, packet->port, packet->flags & NET_PACKET_FOREIGN);
    if (!listener) {
        input_drop(tcp, segment, COUNTER_tcp_drop_no_socket);
        if (!previous)
            reply_reset(tcp, segment); // RFC 9293-1
        return;
    }
    // RFC 9293-2: RST is ignored, ACK answered with RST, SYN opens; anything else is nothing.
    if ((segment->flags & (TCP_RST | TCP_ACK)) == TCP_ACK) {
        if (!(segment->flags & TCP_SYN) && cookie_arrives(listener, segment, &key))
            return;
        input_drop(tcp, segment, COUNTER_tcp_drop_no_socket);
        reply_reset(tcp, segment);
    } else if ((segment->flags & (TCP_RST | TCP_SYN)) == TCP_SYN) {
        syn_arrives(listener, segment, &key, previous);
    } else {
        input_drop(tcp, segment, COUNTER_tcp_drop_listen);
    }
}

/* ---- The user's calls (RFC 9293 3.9.1.1) --------------------------------------------------------------- */

int tcp_listen(struct tcp *tcp, const struct binding *binding, const struct tcp_socket_options *options, int backlog,
               void *owner, struct tcp_listener **listener)
{
    struct memory *memory = &tcp->core->memory;
    struct tcp_listener *fresh = memory_allocate(memory, sizeof *fresh);
    if (!fresh)
        return -ENOMEM;
    fresh->tcp = tcp;
    fresh->owner = owner;
    fresh->binding = binding;
    fresh->options = *options;
    fresh->id = ++tcp->next_id;
    list_init(&fresh->half_open);
    list_init(&fresh->fast_open);
    list_init(&fresh->transparent);
    list_init(&fresh->node);
    tcp_listener_set_backlog(fresh, backlog);
    if (options->transparent) {
        list_push_back(&tcp->transparent, &fresh->transparent);
    } else if (table_insert(&tcp->listeners, memory, &fresh->entry, hash_of_port(binding->local.port)) < 0) {
        memory_release(memory, fresh, sizeof *fresh);
        return -ENOMEM;
    }
    list_push_back(&tcp->all_listeners, &fresh->node);
    *listener = fresh;
    return 0;
}

void tcp_listener_set_backlog(struct tcp_listener *listener, int backlog)
{
    uint32_t most = (uint32_t)listener->tcp->core->settings.tcp_backlog;
    listener->backlog = backlog > 0 && (uint32_t)backlog < most ? (uint32_t)backlog : most;
}

void tcp_listener_set_options(struct tcp_listener *listener, const struct tcp_socket_options *options)
{
    struct tcp *tcp = listener->tcp;
    bool transparent = listener->options.transparent;
    if (transparent != options->transparent) {
        // It changes its table; where memory is short it stays what it was.
        struct tcp_socket_options kept = *options;
        if (transparent) {
            kept.transparent =
                table_insert(&tcp->listeners, &tcp->core->memory, &listener->entry,
                             hash_of_port(listener->binding->local.port)) < 0;
            if (!kept.transparent)
                list_remove(&listener->transparent);
        } else {
            table_remove(&tcp->listeners, &tcp->core->memory, &listener->entry);
            list_push_back(&tcp->transparent, &listener->transparent);
        }
        listener->options = kept;
        return;
    }
    listener->options = *options;
}

void tcp_listener_close(struct tcp_listener *listener)
{
    struct tcp *tcp = listener->tcp;
    LIST_FOR_EACH_SAFE(link, &listener->half_open)
        half_open_free(tcp, CONTAINER_OF(link, struct tcp_half_open, node));
    while (listener->first) {
        struct tcp_connection *c = listener->first;
        listener->first = c->owner;
        c->flags &= ~(uint32_t)FLAG_QUEUED;
        connection_orphan(c);
        if (c->state == STRATA_TCP_CLOSED)
            connection_free(c);
        else
            connection_reset(c, 0);
    }
    fast_open_forget_listener(listener);
    if (listener->options.transparent)
        list_remove(&listener->transparent);
    else
        table_remove(&tcp->listeners, &tcp->core->memory, &listener->entry);
    list_remove(&listener->node);
    memory_release(&tcp->core->memory, listener, sizeof *listener);
}

struct tcp_connection *tcp_accept(struct tcp_listener *listener, void *owner)
{
    struct tcp_connection *c = listener->first;
    if (!c)
        return NULL;
    listener->first = c->owner;
    if (!listener->first)
        listener->last = NULL;
    listener->queued--;
    c->flags &= ~(uint32_t)FLAG_QUEUED;
    c->owner = owner;
    return c;
}

bool tcp_listener_readable(const struct tcp_listener *listener)
{
    return listener->first || listener->unshown > 0;
}
