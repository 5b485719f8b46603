/*
 * TCP Fast Open (RFC 7413): the client's memory of cookies, the server's cookies and its limit.
 *
 * A client remembers for each server, by address, the cookie, the MSS its SYN-ACKs tell, and how often a SYN with
 * data got lost; the memory is bounded, and who was not used longest goes first. Some servers know only the form of
 * the option from before the RFC (kind 254, 0xf989): when a request in the RFC's form gets no answer, the next one
 * is in the old form, once.
 *
 * A server's cookie is a keyed hash (SipHash-2-4) of both addresses, so that it needs no memory. A listener bounds
 * how many connections it has whose handshake is not done; beyond that SYNs get the ordinary handshake.
 */
#include "transport/tcp/fast_open.h"
#include "transport/tcp/demux.h"
#include "transport/tcp/listen.h"
#include "transport/tcp/timers.h"

#include <errno.h>

/** What is known of a server. */
struct fast_open_peer {
    struct table_entry entry;
    struct list node; /**< In tcp->fast_open.used, the one used last in front. */
    struct strata_address address;
    strata_time lost_at; /**< The last of `losses`. */
    int64_t epoch;       /**< strata.tcp_fast_open_epoch when it was learned. */
    strata_time refused_until; /**< It does not do Fast Open: strata.tcp_fastopen_refused_s. */
    int16_t scope;
    uint16_t mss;        /**< Of its last SYN-ACK; 0: not told. */
    uint8_t losses;      /**< SYNs with data in a row that did not arrive, or whose SYN-ACK did not. */
    uint8_t form;        /**< enum form */
    bool experimental;   /**< The cookie came in the old form. */
    uint8_t cookie_bytes;
    uint8_t cookie[TCP_COOKIE_MAX];
};

/** Which form a request for a cookie has. */
enum form { FORM_UNTRIED, FORM_TRY_EXPERIMENT, FORM_NEITHER };

/** So many SYNs with data are lost before a server is spared for a while (RFC 7413-4: negative responses). */
#define LOSSES_MOST 2u
#define SPARE_NS (60 * STRATA_SECOND)
/** How long a connection that was reset before its handshake was done counts (RFC 7413 5.1). */
#define RESET_NS (60 * STRATA_SECOND)

/** Keys and cookies are little endian, as Linux has them: machines behind one address may share a key. */
static void put64le(uint8_t *bytes, uint64_t value)
{
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(value >> 8 * i);
}

static uint64_t get64le(const uint8_t *bytes)
{
    uint64_t value = 0;
    for (int i = 7; i >= 0; i--)
        value = value << 8 | bytes[i];
    return value;
}

/* ---- The client's memory ------------------------------------------------------------------------------- */

static uint32_t hash_of(const struct tcp *tcp, const struct strata_address *address, int16_t scope)
{
    uint8_t bytes[18];
    memcpy(bytes, address->bytes, 16);
    bytes_put16(bytes + 16, (uint16_t)scope);
    return (uint32_t)siphash(&tcp->demux_key, bytes, sizeof bytes);
}

static bool equal(const struct table_entry *entry, const void *key)
{
    const struct fast_open_peer *peer = CONTAINER_OF(entry, const struct fast_open_peer, entry);
    const struct tcp_record *record = key;
    return peer->scope == record->scope && address_equal(&peer->address, &record->remote);
}

static void forget(struct tcp *tcp, struct fast_open_peer *peer)
{
    table_remove(&tcp->fast_open.table, &tcp->core->memory, &peer->entry);
    list_remove(&peer->node);
    tcp->fast_open.count--;
    memory_release(&tcp->core->memory, peer, sizeof *peer);
}

/** NULL: nothing is known. */
static struct fast_open_peer *find(struct tcp *tcp, const struct tcp_record *key)
{
    struct table_entry *entry =
        table_find(&tcp->fast_open.table, hash_of(tcp, &key->remote, key->scope), equal, key);
    if (!entry)
        return NULL;
    struct fast_open_peer *peer = CONTAINER_OF(entry, struct fast_open_peer, entry);
    if (peer->epoch != tcp->core->settings.tcp_fast_open_epoch) {
        forget(tcp, peer);
        return NULL;
    }
    list_remove(&peer->node);
    list_push_front(&tcp->fast_open.used, &peer->node);
    return peer;
}

/** NULL: no memory. */
static struct fast_open_peer *want(struct tcp *tcp, const struct tcp_record *key)
{
    struct fast_open_peer *peer = find(tcp, key);
    if (peer)
        return peer;
    while (tcp->fast_open.count >= tcp->core->settings.tcp_fast_open_destinations)
        forget(tcp, CONTAINER_OF(tcp->fast_open.used.previous, struct fast_open_peer, node));
    peer = memory_allocate(&tcp->core->memory, sizeof *peer);
    if (!peer)
        return NULL;
    peer->address = key->remote;
    peer->scope = key->scope;
    peer->epoch = tcp->core->settings.tcp_fast_open_epoch;
    uint32_t hash = hash_of(tcp, &key->remote, key->scope);
    if (table_insert(&tcp->fast_open.table, &tcp->core->memory, &peer->entry, hash) < 0) {
        memory_release(&tcp->core->memory, peer, sizeof *peer);
        return NULL;
    }
    list_push_front(&tcp->fast_open.used, &peer->node);
    tcp->fast_open.count++;
    return peer;
}

void fast_open_init(struct tcp *tcp)
{
    static const char label[] = "fast open";
    list_init(&tcp->fast_open.used);
    // Derived, so that the host draws the same numbers with it and without.
    put64le(tcp->fast_open.key, siphash(&tcp->isn_key, label, sizeof label));
    put64le(tcp->fast_open.key + 8, siphash(&tcp->timestamp_key, label, sizeof label));
}

void fast_open_free(struct tcp *tcp)
{
    while (!list_is_empty(&tcp->fast_open.used))
        forget(tcp, CONTAINER_OF(list_first(&tcp->fast_open.used), struct fast_open_peer, node));
    table_free(&tcp->fast_open.table, &tcp->core->memory);
}

/* ---- The client ---------------------------------------------------------------------------------------- */

/** Fast Open goes on costing connections: it is off for everybody, or for this server, for some time. */
static bool is_off(const struct tcp *tcp, const struct fast_open_peer *peer)
{
    strata_time now = tcp->core->now;
    if (now < tcp->fast_open.off_until)
        return true;
    if (peer && now < peer->refused_until)
        return true;
    if (!peer || peer->losses < LOSSES_MOST)
        return false;
    return now - peer->lost_at < SPARE_NS << (peer->losses < 8 ? peer->losses : 8);
}

static bool needs_cookie(const struct tcp_connection *c)
{
    return !c->tuning->no_cookie && !(connection_core(c)->settings.tcp_fastopen & FAST_OPEN_CLIENT_NO_COOKIE);
}

bool fast_open_ready(const struct tcp_connection *c)
{
    const struct fast_open_peer *peer = find(c->tcp, &c->record);
    return !is_off(c->tcp, peer) && (!needs_cookie(c) || (peer && peer->cookie_bytes > 0));
}

uint32_t fast_open_space(const struct tcp_connection *c)
{
    struct net_path path;
    connection_get_path(c, &path);
    const struct fast_open_peer *peer = find(c->tcp, &c->record);
    size_t payload = net_path_payload(&path), mss = payload > TCP_HEADER_BYTES ? payload - TCP_HEADER_BYTES : 0;
    if (peer && peer->mss > 0 && mss > peer->mss)
        mss = peer->mss;
    if (c->max_segment > 0 && mss > c->max_segment)
        mss = c->max_segment;
    return mss > TCP_OPTIONS_MAX ? (uint32_t)mss - TCP_OPTIONS_MAX : 0; // room for any options
}

uint32_t fast_open_plan(struct tcp_connection *c)
{
    c->syn_marks &= (uint8_t) ~(SYN_COOKIE | SYN_COOKIE_EXPERIMENT);
    if (!(c->modes & MODE_FAST_OPEN))
        return 0;
    const struct fast_open_peer *peer = find(c->tcp, &c->record);
    if (is_off(c->tcp, peer))
        return 0;
    bool known = peer && peer->cookie_bytes > 0;
    if (needs_cookie(c)) {
        c->syn_marks |= SYN_COOKIE;
        if (peer && (known ? peer->experimental : peer->form == FORM_TRY_EXPERIMENT))
            c->syn_marks |= SYN_COOKIE_EXPERIMENT;
        if (!known)
            return 0;
    }
    uint32_t space = fast_open_space(c);
    return c->send.length < space ? c->send.length : space;
}

void fast_open_fill(const struct tcp_connection *c, struct tcp_options *options)
{
    bool active = c->flags & FLAG_ACTIVE;
    // RFC 7413-5: only the first SYN or SYN-ACK has it. What drops such segments lets a plain one through.
    if (!(c->syn_marks & SYN_COOKIE) || c->snd_nxt != c->iss || (active && c->state != STRATA_TCP_SYN_SENT))
        return;
    options->has_fast_open = true;
    options->fast_open_experimental = c->syn_marks & SYN_COOKIE_EXPERIMENT;
    if (active) {
        const struct fast_open_peer *peer = find(c->tcp, &c->record);
        options->fast_open_bytes = peer ? peer->cookie_bytes : 0;
        options->fast_open = peer ? peer->cookie : NULL;
    } else if (c->extra) {
        options->fast_open_bytes = FAST_OPEN_COOKIE_BYTES;
        options->fast_open = c->extra->cookie;
    }
}

void fast_open_answered(struct tcp_connection *c, const struct segment *segment)
{
    const struct tcp_options *options = &segment->header.options;
    bool asked = c->syn_marks & SYN_COOKIE, with_data = c->syn_marks & SYN_DATA;
    if (!asked && !with_data)
        return; // a cookie that was not asked for is nothing
    bool cookie = asked && options->has_fast_open && options->fast_open_bytes > 0;
    bool refused = with_data && seq_lt(segment->ack, c->snd_nxt), resent = c->flags & FLAG_SYN_RESENT;
    struct fast_open_peer *peer = want(c->tcp, &c->record);
    if (peer) {
        if (options->has_mss)
            peer->mss = options->mss;
        if (cookie) {
            peer->cookie_bytes = options->fast_open_bytes;
            peer->experimental = options->fast_open_experimental;
            memcpy(peer->cookie, options->fast_open, options->fast_open_bytes);
        } else if (asked && !with_data && !resent && peer->cookie_bytes == 0) {
            uint8_t form = c->syn_marks & SYN_COOKIE_EXPERIMENT ? FORM_NEITHER : FORM_TRY_EXPERIMENT;
            if (form > peer->form)
                peer->form = form;
        }
        if (asked && !cookie && (!with_data || refused))
            peer->refused_until = connection_now(c) +
                                  connection_core(c)->settings.tcp_fastopen_refused_s * STRATA_SECOND;
        // Only the SYN without data has arrived, or only its answer.
        bool lost = asked && resent && refused && !cookie;
        peer->losses = lost ? (uint8_t)(peer->losses < UINT8_MAX ? peer->losses + 1 : UINT8_MAX) : 0;
        if (lost)
            peer->lost_at = connection_now(c);
    }
    if (with_data && !refused) {
        c->syn_marks |= SYN_DATA_TAKEN;
        c->tcp->fast_open.times_off = 0;
    }
    if (with_data)
        core_count(connection_core(c), refused ? COUNTER_tcp_fast_open_refused : COUNTER_tcp_fast_open_active);
}

void fast_open_smaller_mtu(struct tcp_connection *c)
{
    if (c->state != STRATA_TCP_SYN_SENT || !(c->syn_marks & SYN_DATA) || c->marks & MARK_SYN)
        return;
    connection_choose_own_mss(c);
    c->marks |= MARK_SYN; // no sign of congestion, so that it does not count as lost
    timers_restart(c);
    connection_mark(c);
}

void fast_open_timeout(struct tcp_connection *c)
{
    struct tcp *tcp = c->tcp;
    bool ours = c->flags & FLAG_ACTIVE && c->syn_marks & (SYN_COOKIE | SYN_DATA);
    if (!ours || c->retries != 2 || c->bytes_received > 0)
        return;
    unsigned doubled = tcp->fast_open.times_off < 6 ? tcp->fast_open.times_off : 6;
    tcp->fast_open.off_until =
        tcp->core->now + ((tcp->core->settings.tcp_fastopen_blackhole_timeout_s * STRATA_SECOND) << doubled);
    if (tcp->fast_open.times_off < UINT8_MAX)
        tcp->fast_open.times_off++;
    core_count(tcp->core, COUNTER_tcp_fast_open_black_holes);
}

/* ---- The server ---------------------------------------------------------------------------------------- */

/** The index-th key of a listener: its own, the host's setting, or what was drawn at birth. @return false: none. */
static bool key_of(const struct tcp_listener *listener, unsigned index, struct siphash_key *key)
{
    const struct tcp *tcp = listener->tcp;
    const struct settings *settings = &tcp->core->settings;
    const uint8_t *bytes = tcp->fast_open.key;
    uint8_t words[16];
    if (listener->options.fast_open_keys > 0) {
        if (index >= listener->options.fast_open_keys)
            return false;
        bytes = listener->options.fast_open_key + (size_t)index * 16;
    } else if (index > 0) {
        return false;
    } else if (settings->tcp_fastopen_key_0 >= 0) {
        put64le(words, (uint64_t)settings->tcp_fastopen_key_1 << 32 | (uint32_t)settings->tcp_fastopen_key_0);
        put64le(words + 8, (uint64_t)settings->tcp_fastopen_key_3 << 32 | (uint32_t)settings->tcp_fastopen_key_2);
        bytes = words;
    }
    key->k0 = get64le(bytes);
    key->k1 = get64le(bytes + 8);
    return true;
}

static void make_cookie(const struct siphash_key *key, const struct tcp_record *record,
                        uint8_t cookie[FAST_OPEN_COOKIE_BYTES])
{
    uint8_t bytes[32];
    size_t skip = strata_address_is_ipv4(&record->remote) ? 12 : 0, size = 16 - skip;
    memcpy(bytes, record->remote.bytes + skip, size);
    memcpy(bytes + size, record->local.bytes + skip, size);
    put64le(cookie, siphash(key, bytes, 2 * size));
}

void fast_open_cookie(const struct tcp_listener *listener, const struct tcp_record *key,
                      uint8_t cookie[FAST_OPEN_COOKIE_BYTES])
{
    struct siphash_key first;
    key_of(listener, 0, &first);
    make_cookie(&first, key, cookie);
}

/** Which key a cookie is of; -1: of none. */
static int check_cookie(const struct tcp_listener *listener, const struct tcp_record *record,
                        const struct tcp_options *options)
{
    struct siphash_key key;
    for (unsigned i = 0; key_of(listener, i, &key); i++) {
        uint8_t cookie[FAST_OPEN_COOKIE_BYTES], differs = 0;
        make_cookie(&key, record, cookie);
        if (options->fast_open_bytes != sizeof cookie)
            break;
        for (unsigned j = 0; j < sizeof cookie; j++) // in the same time, whatever is wrong with it
            differs |= cookie[j] ^ options->fast_open[j];
        if (differs == 0)
            return (int)i;
    }
    return -1;
}

/** How many connections of a listener may be without a handshake. */
static uint32_t limit_of(const struct tcp_listener *listener)
{
    int64_t bits = listener->tcp->core->settings.tcp_fastopen;
    if (!(bits & FAST_OPEN_SERVER) || listener->options.filter)
        return 0;
    if (listener->options.fast_open == 0 && bits & FAST_OPEN_ALL_LISTENERS)
        return listener->backlog;
    return listener->options.fast_open;
}

enum fast_open_verdict fast_open_judge(struct tcp_listener *listener, const struct tcp_record *key,
                                       const struct segment *segment)
{
    struct core *core = listener->tcp->core;
    const struct tcp_options *options = &segment->header.options;
    if (!options->has_fast_open && segment->length == 0)
        return FAST_OPEN_NO;
    uint32_t limit = limit_of(listener);
    if (limit == 0)
        return FAST_OPEN_NO;
    if (core->now >= listener->resets_until)
        listener->resets = 0;
    if (listener->fast_open_count + listener->resets >= limit) {
        core_count(core, COUNTER_tcp_fast_open_overflows);
        return FAST_OPEN_NO;
    }
    if (listener->options.fast_open_no_cookie || core->settings.tcp_fastopen & FAST_OPEN_SERVER_NO_COOKIE)
        return FAST_OPEN_TAKE;
    if (!options->has_fast_open)
        return FAST_OPEN_NO;
    if (options->fast_open_bytes == 0) {
        core_count(core, COUNTER_tcp_fast_open_requests);
        return FAST_OPEN_OFFER;
    }
    int which = check_cookie(listener, key, options);
    if (which < 0) {
        core_count(core, COUNTER_tcp_fast_open_bad_cookies);
        return FAST_OPEN_OFFER;
    }
    return which == 0 ? FAST_OPEN_TAKE : FAST_OPEN_RENEW;
}

bool fast_open_begin(struct tcp_listener *listener, struct tcp_connection *c, enum fast_open_verdict verdict,
                     bool experimental)
{
    struct tcp_extra *extra = connection_want_extra(c);
    if (!extra)
        return false;
    extra->listener = listener;
    list_push_back(&listener->fast_open, &extra->node);
    listener->fast_open_count++;
    c->modes |= MODE_FAST_OPEN;
    if (verdict == FAST_OPEN_RENEW) {
        c->syn_marks |= (uint8_t)(SYN_COOKIE | (experimental ? SYN_COOKIE_EXPERIMENT : 0));
        fast_open_cookie(listener, &c->record, extra->cookie);
    }
    core_count(connection_core(c), COUNTER_tcp_fast_open_passive);
    return true;
}

void fast_open_end(struct tcp_connection *c)
{
    struct tcp_extra *extra = c->extra;
    if (!extra || !extra->listener)
        return;
    list_remove(&extra->node);
    extra->listener->fast_open_count--;
    extra->listener = NULL;
    connection_drop_extra(c);
}

void fast_open_reset(struct tcp_connection *c)
{
    struct tcp_extra *extra = c->extra;
    if (!extra || !extra->listener)
        return;
    extra->listener->resets++;
    extra->listener->resets_until = connection_now(c) + RESET_NS;
}

void fast_open_forget_listener(struct tcp_listener *listener)
{
    while (!list_is_empty(&listener->fast_open)) {
        struct tcp_extra *extra = CONTAINER_OF(list_first(&listener->fast_open), struct tcp_extra, node);
        fast_open_end(extra->connection);
    }
}
