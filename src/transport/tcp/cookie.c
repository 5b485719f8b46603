/*
 * SYN cookies (RFC 4987 3.6); see cookie.h for what is where.
 */
#include "transport/tcp/cookie.h"
#include "transport/tcp/demux.h"

#define PERIOD_NS (64 * STRATA_SECOND)
/** Periods for which a cookie is good, the one in which it was sent included. */
#define PERIODS 2u
#define COUNT_SHIFT 24
#define VALUE_MASK 0xffffffu

/** What the low bits of a timestamp tell. */
enum { STAMP_SCALE = 0xf, STAMP_SACK = 0x10, STAMP_ECN = 0x20, STAMP_BITS = 0x3f, STAMP_NO_SCALE = 0xf };

void cookie_init(struct tcp *tcp)
{
    static const char label[] = "SYN cookie";
    // Derived, so that the host draws the same numbers with it and without.
    tcp->cookie_key.k0 = siphash(&tcp->isn_key, label, sizeof label);
    tcp->cookie_key.k1 = siphash(&tcp->timestamp_key, label, sizeof label);
}

/** What an MSS is rounded down to: none of these is more than the peer can take, and the common ones are exact. */
static const uint16_t mss_table[8] = {64, 536, 1220, 1360, 1420, 1440, 1460, 8940};

static unsigned mss_index(uint32_t mss)
{
    unsigned index = sizeof mss_table / sizeof *mss_table - 1;
    while (index > 0 && mss_table[index] > mss)
        index--;
    return index;
}

/** The peer's MSS, or the one that holds without the option (RFC 9293 MUST-15). */
static uint32_t mss_of(const struct tcp_half_open *syn)
{
    if (syn->peer_mss > 0)
        return syn->peer_mss;
    return strata_address_is_ipv4(&syn->record.remote) ? 536 : 1220;
}

/** A hash of the four-tuple and two numbers more. */
static uint32_t hash(const struct tcp_half_open *syn, uint32_t a, uint32_t b)
{
    return (uint32_t)demux_hash_with(&syn->listener->tcp->cookie_key, &syn->record, a, b);
}

/** What stands at the end of a cookie: from here on, one value for each MSS. The peer's ISN is hashed too, and the
 * values lie far apart, so that a segment with numbers a little off (a keep-alive probe, say) brings no other cookie.
 */
static uint32_t value_of(const struct tcp_half_open *syn, uint32_t count)
{
    return hash(syn, count, syn->irs);
}
#define VALUE_STEP 0x1f35d7u

/** Where a cookie begins: the same at all times, so that numbers rise as RFC 6528 wants. */
static uint32_t base_of(const struct tcp_half_open *syn)
{
    return hash(syn, UINT32_MAX, 0) + syn->irs;
}

static uint32_t count_now(const struct tcp *tcp)
{
    return (uint32_t)(tcp->core->now / PERIOD_NS);
}

bool cookie_is_wanted(const struct tcp_listener *listener, const struct tcp_half_open *syn)
{
    const struct settings *settings = &listener->tcp->core->settings;
    // A filter has yet to decide, the successor of a TIME-WAIT has its ISS chosen, and a tiny MSS fits no cookie.
    if (settings->tcp_syncookies == 0 || listener->options.filter || syn->previous || mss_of(syn) < mss_table[0])
        return false;
    return settings->tcp_syncookies == 2 || listener->half_open_count >= settings->tcp_syn_backlog;
}

void cookie_make(struct tcp_half_open *syn)
{
    struct tcp *tcp = syn->listener->tcp;
    uint32_t count = count_now(tcp);
    uint32_t value = value_of(syn, count) + mss_index(mss_of(syn)) * VALUE_STEP;
    syn->iss = base_of(syn) + (count << COUNT_SHIFT) + (value & VALUE_MASK);
    syn->stamped = syn->timestamps;
    if (!syn->timestamps)
        syn->scaling = syn->sack = syn->ecn = false;
    syn->listener->cookie_at = tcp->core->now;
    core_count(tcp->core, COUNTER_tcp_cookies_sent);
}

uint32_t cookie_timestamp(const struct tcp_half_open *syn)
{
    const struct tcp *tcp = syn->listener->tcp;
    uint32_t bits = (syn->scaling ? syn->scale & STAMP_SCALE : STAMP_NO_SCALE) | (syn->sack ? STAMP_SACK : 0u) |
                    (syn->ecn ? STAMP_ECN : 0u);
    uint32_t now = tcp_timestamp(tcp->core, 0), stamp = (now & ~(uint32_t)STAMP_BITS) | bits;
    if ((int32_t)(stamp - now) > 0)
        stamp -= STAMP_BITS + 1; // never ahead of the clock, which goes on from here
    return stamp + tcp_timestamp_offset(tcp, &syn->record);
}

/** What the echo of our timestamp says was agreed on. @return false: it cannot have been. */
static bool read_timestamp(struct tcp_half_open *syn, const struct tcp_options *options)
{
    const struct tcp *tcp = syn->listener->tcp;
    const struct settings *settings = &tcp->core->settings;
    if (!options->has_timestamps)
        return true;
    uint32_t bits = options->ts_echo - tcp_timestamp_offset(tcp, &syn->record);
    syn->timestamps = true;
    syn->ts_recent = options->ts_value;
    syn->scaling = (bits & STAMP_SCALE) != STAMP_NO_SCALE;
    syn->scale = bits & STAMP_SCALE;
    syn->sack = bits & STAMP_SACK;
    syn->ecn = bits & STAMP_ECN;
    return settings->tcp_timestamps && (!syn->scaling || settings->tcp_window_scaling) &&
           (!syn->sack || settings->tcp_sack);
}

bool cookie_read(struct tcp_half_open *syn, const struct segment *segment)
{
    struct tcp_listener *listener = syn->listener;
    const struct tcp *tcp = listener->tcp;
    if (listener->cookie_at == 0 || tcp->core->now - listener->cookie_at >= PERIODS * PERIOD_NS)
        return false;
    syn->irs = segment->seq - 1;
    syn->iss = segment->ack - 1;
    syn->window = segment->header.window;
    uint32_t cookie = syn->iss - base_of(syn), age = (count_now(tcp) - (cookie >> COUNT_SHIFT)) & 0xff;
    if (age >= PERIODS)
        return false;
    uint32_t value = cookie - value_of(syn, count_now(tcp) - age);
    for (uint32_t index = 0; index < sizeof mss_table / sizeof *mss_table; index++) {
        if (((value - index * VALUE_STEP) & VALUE_MASK) != 0)
            continue;
        syn->peer_mss = mss_table[index];
        return read_timestamp(syn, &segment->header.options);
    }
    return false;
}
