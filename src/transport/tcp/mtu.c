/*
 * Path MTU found by probing (RFC 4821). Messages of routers (RFC 1191, RFC 8201) are believed where they come, but
 * many networks drop them; then what is too large vanishes without a word, a black hole.
 *
 *      what has arrived                                          what the port can carry, or the peer takes
 *          low ------------------------ probe ------------------------ high
 *                    arrives: low = probe   |   is lost alone: high = probe - 1
 *
 * A probe is new data in one segment that is larger than the others, with enough behind it that its loss shows by
 * duplicate ACKs. If it alone is lost, that is no sign of congestion: it is sent again in pieces, and cwnd stays. What
 * counts in octets is not touched by a larger MTU either (RFC 4821-2: cwnd is in octets). When low and high have met,
 * the search rests.
 *
 * With the setting 1, which is the default, nothing is searched for until a black hole is suspected: the same full
 * segments timed out again and again. Then segments become as small as must fit, by half at each further timeout, and
 * once data flows again the search goes up from there. With 2 every connection begins so; with 0 none does.
 */
#include "transport/tcp/mtu.h"
#include "transport/tcp/recovery.h"

/** Full segments behind a probe, so that duplicate ACKs tell of its loss. */
#define SEGMENTS_BEHIND 4u
/** Of every link that IPv6 uses. */
#define IPV6_LEAST_MTU 1280u
/** RFC 4821-3: never probes sooner than after five minutes when it knew the MTU. */
#define REST_LEAST (300 * STRATA_SECOND)

/** Octets of a full segment that are no data. */
static uint32_t headers_of(const struct tcp_connection *c)
{
    uint32_t ip = strata_address_is_ipv4(&c->record.remote) ? 20 : 40;
    return ip + TCP_HEADER_BYTES + (c->flags & FLAG_TIMESTAMPS ? 12 : 0);
}

/** The size of a datagram that fills an MSS, which does not count options (RFC 6691-1). */
static uint32_t size_of_mss(const struct tcp_connection *c, uint32_t mss)
{
    return mss + TCP_HEADER_BYTES + (strata_address_is_ipv4(&c->record.remote) ? 20 : 40);
}

/** A size that some setting has as an MSS. No link of IPv6 carries less than 1280 octets (RFC 8200 5). */
static uint32_t size_set(const struct tcp_connection *c, int64_t mss)
{
    uint32_t size = size_of_mss(c, (uint32_t)mss);
    return !strata_address_is_ipv4(&c->record.remote) && size < IPV6_LEAST_MTU ? IPV6_LEAST_MTU : size;
}

/** Where a search begins. */
static uint32_t base_of(const struct tcp_connection *c)
{
    return size_set(c, connection_core(c)->settings.tcp_base_mss);
}

/** The largest that may ever be tried: the network room's bound, the peer's, and the program's. */
static uint32_t most_of(const struct tcp_connection *c, uint32_t path_bytes)
{
    uint32_t most = size_of_mss(c, c->peer_mss);
    if (c->max_segment > 0 && size_of_mss(c, c->max_segment) < most)
        most = size_of_mss(c, c->max_segment);
    return path_bytes < most ? path_bytes : most;
}

static uint32_t path_bytes(const struct tcp_connection *c)
{
    struct net_path path;
    connection_get_path(c, &path);
    return path.mtu_bytes;
}

/** With `needed`, nothing goes on without it: it may come from what is kept for octets on their way. */
static bool begin(struct tcp_connection *c, bool needed)
{
    uint32_t path = path_bytes(c);
    struct memory *memory = connection_memory(c);
    if (path == 0)
        return false;
    struct tcp_mtu *mtu =
        needed ? memory_allocate_reserved(memory, sizeof *mtu) : memory_allocate_raw(memory, sizeof *mtu);
    if (!mtu)
        return false; // then what the network room says has to do
    *mtu = (struct tcp_mtu){0};
    mtu->high = most_of(c, path);
    mtu->low = base_of(c);
    if (mtu->low > mtu->high)
        mtu->low = mtu->high;
    c->mtu = mtu;
    return true;
}

void mtu_begin(struct tcp_connection *c)
{
    if (connection_core(c)->settings.tcp_mtu_probing == 2 && !c->mtu && begin(c, false))
        connection_update_mss(c);
}

void mtu_free(struct tcp_connection *c)
{
    if (c->mtu)
        memory_release(connection_memory(c), c->mtu, sizeof *c->mtu);
    c->mtu = NULL;
}

uint32_t mtu_bound(struct tcp_connection *c, uint32_t path_bytes)
{
    struct tcp_mtu *mtu = c->mtu;
    uint32_t most = most_of(c, path_bytes);
    if (mtu->high > most)
        mtu->high = most; // a router has told
    if (mtu->low > mtu->high)
        mtu->low = mtu->high;
    return mtu->low < path_bytes ? mtu->low : path_bytes;
}

/* ---- Probes -------------------------------------------------------------------------------------------- */

/** The size to be tried next; 0: none for now. */
static uint32_t next_size(struct tcp_connection *c)
{
    struct tcp_mtu *mtu = c->mtu;
    const struct settings *settings = &connection_core(c)->settings;
    strata_time now = connection_now(c);
    if (mtu->low >= mtu->high) {
        strata_time rest = settings->tcp_probe_interval_s * STRATA_SECOND;
        if (!mtu->met)
            mtu->again_at = now + (rest > REST_LEAST ? rest : REST_LEAST);
        mtu->met = true;
        if (now < mtu->again_at)
            return 0;
        mtu->high = most_of(c, path_bytes(c)); // the path may have become another
        mtu->met = false;
        if (mtu->low >= mtu->high)
            return 0;
    }
    // The last step goes to the end: mostly it is what the port can carry.
    bool last = mtu->high - mtu->low < settings->tcp_probe_threshold;
    return last ? mtu->high : (mtu->low + mtu->high) / 2;
}

enum mtu_plan mtu_plan(struct tcp_connection *c, uint32_t unsent, uint32_t window, uint32_t *length)
{
    struct tcp_mtu *mtu = c->mtu;
    if (mtu->probe != 0 || c->recovery != RECOVERY_OPEN || c->sent.lost_bytes > 0 || c->modes & MODE_CORK)
        return MTU_NONE;
    uint32_t size = next_size(c), headers = headers_of(c);
    if (size <= headers + c->smss)
        return MTU_NONE;
    uint32_t octets = size - headers, needed = octets + SEGMENTS_BEHIND * c->smss;
    if (unsent < needed || window < needed || c->cwnd < needed)
        return MTU_NONE;
    if (connection_pipe(c) + needed > c->cwnd) // there is something out, whose ACK lets us go on
        return MTU_WAIT;
    *length = octets;
    return MTU_PROBE;
}

void mtu_sent(struct tcp_connection *c, seq_t seq, uint32_t length, bool again)
{
    struct tcp_mtu *mtu = c->mtu;
    if (again) {
        // A timeout has sent it again: nobody will know which of them arrived.
        if (mtu->probe != 0 && seq_lt(seq, mtu->probe_end) && seq_gt(seq + length, mtu->probe_start))
            mtu->probe = 0;
        return;
    }
    if (length <= c->smss)
        return;
    mtu->probe = headers_of(c) + length;
    mtu->probe_start = seq;
    mtu->probe_end = seq + length;
    core_count(connection_core(c), COUNTER_tcp_mtu_probes);
}

void mtu_acked(struct tcp_connection *c)
{
    struct tcp_mtu *mtu = c->mtu;
    if (mtu->probe == 0 || seq_lt(c->snd_una, mtu->probe_end))
        return;
    if (mtu->probe > mtu->low)
        mtu->low = mtu->probe;
    mtu->probe = 0;
    core_count(connection_core(c), COUNTER_tcp_mtu_raised);
    // A black hole that was none, or is gone: all is as it was.
    if (connection_core(c)->settings.tcp_mtu_probing != 2 && mtu->low >= most_of(c, path_bytes(c)))
        mtu_free(c);
    connection_update_mss(c);
}

bool mtu_lost(struct tcp_connection *c, seq_t *start, seq_t *end)
{
    struct tcp_mtu *mtu = c->mtu;
    // RFC 4821 7.6.2: alone, that is, with all before it acknowledged and nothing else lost.
    if (mtu->probe == 0 || c->snd_una != mtu->probe_start ||
        c->sent.lost_bytes > mtu->probe_end - mtu->probe_start)
        return false;
    if (mtu->high - mtu->low < connection_core(c)->settings.tcp_probe_threshold)
        mtu->high = mtu->low; // that was the last step
    else if (mtu->high >= mtu->probe)
        mtu->high = mtu->probe - 1;
    *start = mtu->probe_start;
    *end = mtu->probe_end;
    mtu->probe = 0;
    core_count(connection_core(c), COUNTER_tcp_mtu_probes_lost);
    return true;
}

/* ---- Black holes --------------------------------------------------------------------------------------- */

void mtu_timeout(struct tcp_connection *c)
{
    const struct settings *settings = &connection_core(c)->settings;
    if (settings->tcp_mtu_probing == 0 || c->retries < settings->tcp_retries1)
        return;
    uint32_t least = size_set(c, settings->tcp_mtu_probe_floor);
    // Segments that are small already are not lost for their size.
    if (connection_flight(c) + headers_of(c) <= least)
        return;
    if (!c->mtu) {
        if (begin(c, true)) {
            core_count(connection_core(c), COUNTER_tcp_mtu_black_holes);
            connection_update_mss(c);
        }
        return;
    }
    // RFC 4821-4: by half on repeats, down to what every path carries.
    struct tcp_mtu *mtu = c->mtu;
    uint32_t base = base_of(c), half = mtu->low / 2;
    if (half < least)
        half = least;
    if (half < mtu->low)
        mtu->low = half < base ? half : base;
    mtu->probe = 0;
    mtu->met = false;
    connection_update_mss(c);
}
