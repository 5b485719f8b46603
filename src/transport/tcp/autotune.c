/*
 * How large the buffers are (dynamic right-sizing, as W. Feng and others describe it and as Linux does it).
 *
 * Receiving. A sender that the window does not hold back sends no more than cwnd in a round trip, and slow start
 * doubles that. So what the program reads within one round trip is measured, and the buffer is made twice that, more
 * while it still rises, and sixteen segments. A program that reads slowly measures little, and its buffer stays as it
 * is. The round trip is the handshake's at first, then that of timestamps which data echoes; without timestamps it is
 * the time that a whole window takes to come, of which the least counts.
 *
 *     copied in this round trip:   40 KB   80 KB   160 KB   300 KB   310 KB
 *     buffer                      131 KB  250 KB   600 KB   1.1 MB   1.1 MB
 *
 * Sending. What cwnd allows is in flight, and as much again waits for the ACKs that let it go, so the buffer is two
 * congestion windows.
 *
 * Sizes are promises, not memory: a ring holds pages only for octets that are there. The memory itself is the host's
 * budget, shared without a table of who has what: nobody may hold more than what is left for all others (a dynamic
 * threshold, A. Choudhury and E. Hahne, 1998). With one greedy connection half of the budget stays free, with ten an
 * eleventh, with a hundred a hundredth: whoever is above the share waits until it has fallen to it, whoever comes late
 * finds some. A connection that holds little is not touched, and what is given back is there for everybody at once. No
 * promise is taken back: what the peer was offered it may send, and what of it finds no memory comes again.
 *
 *     plenty    5/8 of the budget are used at most: a buffer that tunes itself is bound by nothing but its own bound
 *     pressure  what is left is divided, for new promises, by the number of those who hold something unread
 *     hard      the last eleven in 64: a page for each empty ring, nothing out of order, nobody new
 */
#include "transport/tcp/autotune.h"
#include "transport/tcp/congestion.h"
#include "transport/tcp/receive.h"

/** The most that a sequence number's comparison and the window field can do with. */
#define BUFFER_MOST (1u << 30)
/** Room to go faster, beside the double. */
#define ALLOWANCE_SEGMENTS 16u
/** Pressure begins where less than this part of the budget is left above what rings leave. */
#define PRESSURE 4u
/** What is left when it is not worth dividing any more. */
#define FEW_PAGES 4u
/** What a sender is expected to begin with (RFC 6928). */
#define INITIAL_SEGMENTS 10u

static uint32_t now_us(const struct tcp *tcp)
{
    return (uint32_t)(tcp->core->now / STRATA_MICROSECOND);
}

/** No buffer that tunes itself takes more than a quarter of the host's budget. */
static uint32_t most_of(const struct tcp *tcp, int64_t setting)
{
    uint64_t quarter = tcp->core->memory.budget_bytes / 4, most = (uint64_t)setting;
    if (most > quarter)
        most = quarter;
    return most < BUFFER_MOST ? (uint32_t)most : BUFFER_MOST;
}

uint32_t autotune_receive_most(const struct tcp *tcp, const struct tcp_socket_options *options)
{
    uint32_t most = most_of(tcp, tcp->core->settings.tcp_receive_most_bytes);
    bool fixed = options->receive_fixed || !tcp->core->settings.tcp_moderate_rcvbuf;
    return fixed || options->receive_bytes > most ? options->receive_bytes : most;
}

/** What a buffer begins with: no more than its share of a quarter of the budget, were all connections to fill theirs
 * at once. Those who use it find more within a round trip. */
static uint32_t initial(const struct tcp *tcp, uint32_t wanted, int64_t least)
{
    uint64_t share = tcp->core->memory.budget_bytes / 4 / (tcp->connection_count + tcp->half_open_count + 1u);
    if (share > tcp->core->memory.budget_bytes / 64)
        share = tcp->core->memory.budget_bytes / 64;
    if (share < (uint64_t)least)
        share = (uint64_t)least;
    return wanted < share ? wanted : (uint32_t)share;
}

uint32_t autotune_receive_initial(const struct tcp *tcp, const struct tcp_socket_options *options)
{
    if (options->receive_fixed)
        return options->receive_bytes;
    // The field counts in steps of the window scale: what is less than one step could not be told at all.
    uint32_t step = 1u << connection_scale_of(tcp, options);
    uint32_t bytes = initial(tcp, options->receive_bytes, tcp->core->settings.tcp_receive_least_bytes);
    return bytes > 2 * step ? bytes : 2 * step;
}

void autotune_apply(struct tcp_connection *c, const struct tcp_socket_options *options)
{
    const struct tcp *tcp = c->tcp;
    bool fresh = c->receive_bytes == 0;
    if (options->send_fixed) {
        c->modes |= MODE_SEND_FIXED;
        ring_set_capacity(&c->send, options->send_bytes);
    } else if (fresh) {
        ring_set_capacity(&c->send, initial(tcp, options->send_bytes, tcp->core->settings.tcp_send_least_bytes));
    }
    if (options->receive_fixed)
        c->modes |= MODE_RECEIVE_FIXED;
    if (options->receive_fixed || fresh)
        receive_set_buffer(c, autotune_receive_initial(tcp, options));
}

/* ---- Receiving ----------------------------------------------------------------------------------------- */

void autotune_begin(struct tcp_connection *c)
{
    c->tune_at_us = c->tune_mark_at_us = now_us(c->tcp);
    c->tune_seq = c->rcv_nxt;
    c->tune_mark = c->rcv_adv;
    c->tune_bytes = INITIAL_SEGMENTS * c->receive_mss;
    if (c->flags & FLAG_RTT_SAMPLED)
        c->tune_rtt_us = (uint32_t)(c->srtt_ns / STRATA_MICROSECOND) + 1;
    autotune_send(c);
}

void autotune_echo(struct tcp_connection *c, uint32_t echo)
{
    c->tune_mark = echo;
    int32_t ms = (int32_t)(tcp_timestamp(connection_core(c), c->ts_offset) - echo);
    if (ms < 0 || ms > connection_core(c)->settings.tcp_rto_max_ms)
        return;
    // A clock of milliseconds cannot tell what is less, but that it is less.
    if (ms == 0) {
        if (c->tune_rtt_us == 0 || c->tune_rtt_us > 1000)
            c->tune_rtt_us = 1000;
        return;
    }
    // A sender that pauses makes it seem long: little by little. What is shorter comes nearer the truth.
    uint32_t sample = (uint32_t)ms * 1000, old = c->tune_rtt_us;
    if (old == 0 || sample < old)
        c->tune_rtt_us = sample;
    else
        c->tune_rtt_us = old + (sample - old < old ? sample - old : old) / 8;
}

/** Without timestamps: a whole window has come since the mark was set, so at least a round trip has passed. */
static void measure_window(struct tcp_connection *c, uint32_t now)
{
    if (seq_lt(c->rcv_nxt, c->tune_mark))
        return;
    uint32_t sample = now - c->tune_mark_at_us;
    if (sample > 0 && (c->tune_rtt_us == 0 || sample < c->tune_rtt_us))
        c->tune_rtt_us = sample;
    c->tune_mark = c->rcv_adv;
    c->tune_mark_at_us = now;
}

void autotune_read(struct tcp_connection *c)
{
    const struct settings *settings = &connection_core(c)->settings;
    if (c->modes & MODE_RECEIVE_FIXED || !settings->tcp_moderate_rcvbuf)
        return;
    uint32_t now = now_us(c->tcp);
    if (!(c->flags & FLAG_TIMESTAMPS))
        measure_window(c, now);
    if (c->tune_rtt_us == 0 || now - c->tune_at_us < c->tune_rtt_us)
        return;
    seq_t read = c->rcv_nxt - c->receive.length;
    uint64_t copied = read - c->tune_seq, before = c->tune_bytes;
    if (now - c->tune_at_us > 2 * c->tune_rtt_us)
        copied = copied * c->tune_rtt_us / (now - c->tune_at_us); // it reads more rarely than that
    c->tune_seq = read;
    c->tune_at_us = now;
    if (copied <= before || before == 0)
        return;
    c->tune_bytes = (uint32_t)copied;
    uint64_t wanted = 2 * copied + ALLOWANCE_SEGMENTS * c->own_mss;
    wanted += 2 * (wanted * (copied - before) / before); // still rising: so it will be in the next round trip
    uint32_t most = most_of(c->tcp, settings->tcp_receive_most_bytes);
    if (wanted > most)
        wanted = most;
    if (wanted > c->receive_bytes)
        receive_set_buffer(c, (uint32_t)wanted);
}

uint32_t autotune_receive_share(const struct tcp_connection *c)
{
    const struct core *core = connection_core(c);
    // What lies out of order goes when data in order wants its pages (receive.c): it makes nobody's window smaller.
    size_t left = tcp_memory_left(core) + c->tcp->out_of_order_bytes, held = c->receive.length;
    // Half of what is more than it holds: when that has come it holds as much as is left.
    size_t more = left > held ? (left - held) / 2 : 0;
    if (c->receive_bytes <= held + more && left >= core->memory.budget_bytes / PRESSURE)
        return c->receive_bytes;
    // Under pressure what is left is divided among those who hold something and the one who asks, so that all of
    // them together are not promised more.
    if (left < core->memory.budget_bytes / PRESSURE && more > left / (c->tcp->holders + 1u))
        more = left / (c->tcp->holders + 1u);
    // Less than two segments would make them small or let the sender wait. An empty ring invites so much in any case:
    // every connection makes progress.
    uint32_t little = 2u * c->own_mss;
    if (left < FEW_PAGES * PAGE_BYTES || more < little)
        more = held == 0 ? little : 0;
    return held + more < c->receive_bytes ? (uint32_t)(held + more) : c->receive_bytes;
}

/* ---- Sending ------------------------------------------------------------------------------------------- */

void autotune_send(struct tcp_connection *c)
{
    if (c->modes & MODE_SEND_FIXED)
        return;
    const struct settings *settings = &connection_core(c)->settings;
    // An algorithm that probes for bandwidth keeps more than one window in flight at times.
    uint64_t wanted = (uint64_t)c->cwnd * (congestion_of(c)->own_window ? 3 : 2);
    uint32_t most = most_of(c->tcp, settings->tcp_send_most_bytes);
    if (wanted > most)
        wanted = most;
    if (wanted > c->send.capacity) {
        ring_set_capacity(&c->send, (uint32_t)wanted);
    } else if (c->send.length == 0 && c->send.capacity > settings->tcp_send_bytes) {
        uint32_t least = initial(c->tcp, (uint32_t)settings->tcp_send_bytes, settings->tcp_send_least_bytes);
        ring_set_capacity(&c->send, wanted > least ? (uint32_t)wanted : least);
    }
}

size_t autotune_send_allowed(const struct tcp_connection *c)
{
    const struct core *core = connection_core(c);
    size_t most = tcp_memory_for(core, &c->send, false), left = tcp_memory_left(core);
    if (left >= core->memory.budget_bytes / PRESSURE || c->send.length == 0)
        return most;
    // Under pressure whoever holds something takes a page more where all others could, too.
    size_t share = ring_spare(&c->send) + left / (c->tcp->writers + 1u) / PAGE_BYTES * PAGE_BYTES;
    return most < share ? most : share;
}
