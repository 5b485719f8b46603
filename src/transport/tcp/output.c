/*
 * Output: decides what the next segment of a connection is, and writes it straight into the room a driver
 * lent (RFC 9293 3.7, 3.8; RFC 896; RFC 5681).
 *
 * A port asks its speakers in turn. Each call makes one segment: first a plan (which octets, which flags),
 * then the header and the octets, copied from the send ring and summed in the same pass. Nothing is noted as
 * sent before the room below has taken it. The order of what may be said:
 *
 *     SYN; ACKs owed one by one; a challenge ACK; what is lost; new data and FIN; a window probe; a
 * keep-alive
 *     probe; an ACK that data did not carry.
 */
#include "transport/tcp/output.h"
#include "transport/tcp/ack_delay.h"
#include "transport/tcp/acknowledge.h"
#include "transport/tcp/congestion.h"
#include "transport/tcp/ecn.h"
#include "transport/tcp/fast_open.h"
#include "transport/tcp/mtu.h"
#include "transport/tcp/model.h"
#include "transport/tcp/patience.h"
#include "transport/tcp/receive.h"
#include "transport/tcp/recovery.h"
#include "transport/tcp/reply.h"
#include "transport/tcp/sack.h"
#include "transport/tcp/timers.h"
#include "transport/tcp/validation.h"
#include "wire/checksum.h"

#include <errno.h>

/** ACKs owed beyond this many merge: a peer cannot make us remember more. */
#define ACKS_OWED_MAX 64u

/** A segment to be made. */
struct plan {
    seq_t seq;
    uint32_t length; /**< Octets of data. */
    uint32_t again;  /**< Octets of sequence space, from seq, that were sent before. */
    uint16_t flags;
    uint8_t mark;    /**< The mark it settles. */
    bool owed;       /**< It is one of acks_owed. */
    uint16_t ends;   /**< What ends with its last octet: SENT_PUSHED, SENT_BURST. */
};

void output_challenge(struct tcp_connection *c)
{
    struct core *core = connection_core(c);
    // RFC 5961-4. What is counted is this connection's alone: a count for all would tell of one what a stranger can
    // learn from another.
    uint32_t now_ms = core->now_ms, ago_ms = now_ms - c->challenge_ms;
    if (ago_ms >= 1000)
        c->challenges = 0;
    if (c->challenges >= core->settings.tcp_challenge_acks_per_second ||
        (c->challenges > 0 && ago_ms < core->settings.tcp_invalid_ratelimit_ms)) {
        core_count(core, COUNTER_tcp_challenge_acks_suppressed);
        return;
    }
    c->challenges++;
    c->challenge_ms = now_ms;
    core_count(core, COUNTER_tcp_challenge_acks);
    c->marks |= MARK_CHALLENGE;
    connection_mark(c);
}

void output_owe_ack(struct tcp_connection *c)
{
    if (c->acks_owed < ACKS_OWED_MAX)
        c->acks_owed++;
    connection_mark(c);
}

/* ---- Plans --------------------------------------------------------------------------------------------- */

/** Octets the peer's window leaves beyond `seq`; negative where it was taken back (RFC 9293 MUST-34). */
static int32_t window_beyond(const struct tcp_connection *c, seq_t seq)
{
    return seq_diff(c->snd_una + c->snd_wnd, seq);
}

/** Octets of data that a full segment carries now: SACK blocks take some of its room. */
static inline uint32_t full_segment(const struct tcp_connection *c)
{
    if (!c->out_of_order)
        return c->smss;
    uint32_t taken = sack_bytes(c);
    return c->smss > taken ? c->smss - taken : 1;
}

uint32_t output_sendable(const struct tcp_connection *c)
{
    int32_t window = window_beyond(c, seq_max(c->snd_nxt, connection_data_start(c)));
    uint32_t pipe = connection_pipe(c), room = c->cwnd > pipe ? c->cwnd - pipe : 0;
    if (window <= 0 || !connection_is_synchronized(c))
        return 0;
    return room < (uint32_t)window ? room : (uint32_t)window;
}

void output_ends_acknowledged(struct tcp_connection *c)
{
    struct tcp_extra *extra = c->extra;
    uint8_t gone = 0;
    while (gone < extra->end_count && seq_le(extra->ends[gone], c->snd_una))
        gone++;
    extra->end_count = (uint8_t)(extra->end_count - gone);
    memmove(extra->ends, extra->ends + gone, extra->end_count * sizeof *extra->ends);
    connection_drop_extra(c);
}

/** How many of `length` octets from `seq` on are before the next end of a record. */
static uint32_t before_end(const struct tcp_connection *c, seq_t seq, uint32_t length)
{
    const struct tcp_extra *extra = c->extra;
    for (uint8_t i = 0; extra && i < extra->end_count; i++)
        if (seq_gt(extra->ends[i], seq))
            return extra->ends[i] - seq < length ? extra->ends[i] - seq : length;
    return length;
}

/** Sets PSH where the segment ends with the last octet written (RFC 9293 MUST-61), FIN where that follows. */
static void plan_end(const struct tcp_connection *c, struct plan *plan, bool fin)
{
    bool last = plan->seq + plan->length == connection_fin_seq(c);
    if (last && plan->length > 0 && !(c->modes & MODE_NO_PUSH)) {
        plan->flags |= TCP_PSH;
        plan->ends |= SENT_PUSHED;
    }
    if (last && fin)
        plan->flags |= TCP_FIN;
}

static bool plan_syn(struct tcp_connection *c, struct plan *plan)
{
    if (!(c->marks & MARK_SYN))
        return false;
    *plan = (struct plan){.seq = c->iss, .flags = TCP_SYN, .mark = MARK_SYN, .again = c->snd_nxt != c->iss};
    if (c->state == STRATA_TCP_SYN_RECEIVED)
        plan->flags |= TCP_ACK;
    else if (!plan->again)
        plan->length = fast_open_plan(c); // RFC 7413-5: what is sent again is the SYN alone
    plan->ends = plan->length > 0 ? SENT_PUSHED : 0;
    return true;
}

/** Whether a retransmission is the last of several segments that go in a row, and were one burst before: the receiver
 * shall not wait for more, as with any burst. */
static bool ends_burst_again(const struct tcp_connection *c, const struct sent_lost *lost)
{
    if (lost->follows != connection_now(c))
        return false;
    // Or the next one has to wait for cwnd.
    return lost->last || connection_pipe(c) + (lost->end - lost->start) + c->smss > c->cwnd;
}

/** What was sent before, again: at most a segment of `full` octets. @return false: the peer's window is in the way. */
static bool plan_again(struct tcp_connection *c, struct plan *plan, const struct sent_lost *lost, uint32_t full)
{
    // RFC 9293 SHLD-16: within the window only; what the peer took back waits for it.
    int32_t window = window_beyond(c, lost->start);
    uint32_t again = lost->end - lost->start;
    if (window <= 0)
        return false;
    bool fin = c->flags & FLAG_FIN_SENT && lost->end == c->snd_nxt;
    *plan = (struct plan){.seq = lost->start, .length = again - (fin ? 1 : 0), .again = again,
                          .flags = TCP_ACK, .mark = MARK_RETRANSMIT};
    if (lost->pushed || ends_burst_again(c, lost))
        plan->flags |= TCP_PSH;
    // Room is left in the segment: new data fills it (RFC 9293 SHLD-28). What was pushed stays as it was while new data
    // may go beside it.
    if (lost->end == c->snd_nxt && !(c->flags & FLAG_FIN_SENT) && (!lost->pushed || c->recovery == RECOVERY_LOSS)) {
        uint32_t room = full - plan->length, unsent = connection_unsent(c);
        plan->length += unsent < room ? unsent : room;
        fin = c->flags & FLAG_FIN_QUEUED;
    }
    if (plan->length + (fin ? 1u : 0u) > (uint32_t)window) {
        plan->length = plan->length < (uint32_t)window ? plan->length : (uint32_t)window;
        plan->flags = TCP_ACK;
        fin = false;
    }
    uint32_t record = c->extra ? before_end(c, lost->start, plan->length) : plan->length;
    if (record < plan->length) {
        plan->length = record;
        plan->flags |= TCP_PSH;
        fin = false;
    }
    if (plan->again > plan->length + (fin ? 1u : 0u))
        plan->again = plan->length;
    plan_end(c, plan, fin);
    return true;
}

/** What is lost goes again, as far as cwnd lets it, or at once where it was marked. */
static bool plan_retransmission(struct tcp_connection *c, struct plan *plan)
{
    struct sent_lost lost;
    if (recovery_waits(c))
        return false; // RFC 5682-2
    bool forced = c->marks & MARK_RETRANSMIT;
    uint32_t full = full_segment(c);
    if (!sent_first_lost(&c->sent, full, &lost)) {
        c->marks &= (uint8_t)~MARK_RETRANSMIT;
        return false;
    }
    if (!forced && (c->flags & FLAG_ONE_UNTIL_ACK || connection_pipe(c) + (lost.end - lost.start) > c->cwnd))
        return false;
    return plan_again(c, plan, &lost, full);
}

/** Where losses are counted: what is only suspected to be lost, when nothing else can go (RFC 6675-4). */
static bool plan_suspect(struct tcp_connection *c, struct plan *plan)
{
    if (c->recovery != RECOVERY_FAST || c->flags & FLAG_ONE_UNTIL_ACK)
        return false;
    struct sent_lost lost = {.follows = STRATA_NEVER};
    uint32_t full = full_segment(c);
    return rack_suspect(c, full, &lost.start, &lost.end) && plan_again(c, plan, &lost, full);
}

/** Whether `length` of `unsent` octets may go now: silly window avoidance and Nagle's algorithm
 * (RFC 9293 3.8.6.2.1 and 3.7.4; RFC 9293 MUST-38, RFC 9293 SHLD-7). */
static bool worth_sending(const struct tcp_connection *c, uint32_t length, uint32_t full, uint32_t unsent)
{
    if (length >= full)
        return true;
    bool alone = c->snd_nxt == connection_data_start(c); // a SYN-ACK of ours that is out does not count
    if (length < unsent)
        return (alone || c->flags & FLAG_NO_DELAY) && length >= c->snd_wnd_max / 2;
    // The last octets before a FIN, and urgent ones, wait for nothing.
    if (c->flags & (FLAG_FIN_QUEUED | FLAG_URGENT_SENT) || c->modes & MODE_PUSH_ALL)
        return true;
    if (c->modes & (MODE_CORK | MODE_MORE))
        return false; // or until the persist timer says that it has been long enough
    if (alone || c->flags & FLAG_NO_DELAY)
        return true;
    // Minshall's variant: what Nagle wanted to prevent is a second small segment, not one behind full ones.
    return connection_core(c)->settings.tcp_minshall &&
           !(seq_gt(c->snd_small, c->snd_una) && seq_le(c->snd_small, c->snd_nxt));
}

/**
 * How many segments in a row are one burst: what network interfaces with segmentation offload are handed at once, about
 * a millisecond's worth at twice the rate of the window (a fifth more in congestion avoidance), more where the path is
 * short, never more than half of cwnd or 64 KB. Receivers that gather segments give them up at the PSH behind each.
 */
static uint32_t burst_segments(const struct tcp_connection *c)
{
    const struct settings *settings = &connection_core(c)->settings;
    uint32_t most = 65536u / c->smss, half = c->cwnd / 2 / c->smss, segments = most;
    if (c->flags & FLAG_RTT_SAMPLED && c->srtt_ns > 0) {
        uint64_t percent = (uint64_t)(c->cwnd < c->ssthresh / 2 ? 200 : 120);
        uint64_t octets = c->cwnd * percent / 100 * (STRATA_SECOND / 1024) / (uint64_t)c->srtt_ns;
        uint64_t shift = ((uint64_t)c->min_rtt_ns / STRATA_MICROSECOND) >> settings->tcp_tso_rtt_log;
        octets += shift < 32 ? 65536u >> shift : 0;
        segments = octets / c->smss < most ? (uint32_t)(octets / c->smss) : most;
        if (segments < settings->tcp_min_tso_segs)
            segments = (uint32_t)settings->tcp_min_tso_segs;
    }
    if (segments > half)
        segments = half;
    return segments > 1 ? segments < UINT8_MAX ? segments : UINT8_MAX : 1;
}

/** The last of several segments tells the receiver that no more will follow for now. */
static void plan_burst_end(const struct tcp_connection *c, struct plan *plan, uint32_t unsent, uint32_t room)
{
    uint32_t full = full_segment(c), rest = unsent - plan->length, next = rest < full ? rest : full;
    bool ends = plan->length + next > room || c->burst == 1;
    if (!ends)
        return;
    plan->ends |= SENT_BURST;
    if (c->burst > 0)
        plan->flags |= TCP_PSH;
}

/** New data, and the FIN behind the last of it. */
static bool plan_data(struct tcp_connection *c, struct plan *plan)
{
    uint32_t unsent = connection_unsent(c);
    // A FIN waits until the handshake is done; data of a fast open connection does not.
    bool fin = c->flags & FLAG_FIN_QUEUED && !(c->flags & FLAG_FIN_SENT) && connection_is_synchronized(c);
    if ((unsent == 0 && !fin) || c->flags & FLAG_ONE_UNTIL_ACK || c->modes & MODE_ECN_WAIT)
        return false;
    if (connection_flight(c) == 0 && unsent > 0)
        congestion_restart(c);
    else if (!c->model && unsent > 0)
        congestion_watch(c, unsent);
    // RFC 5681-1: never beyond the window, and not beyond cwnd.
    int32_t window = window_beyond(c, c->snd_nxt);
    if (window <= 0)
        return false;
    uint32_t full = full_segment(c), length = unsent < full ? unsent : full;
    if (c->mtu && full == c->smss && mtu_plan(c, unsent, (uint32_t)window, &length) == MTU_WAIT)
        return false;
    if (length > (uint32_t)window)
        length = (uint32_t)window;
    uint32_t cwnd = (c->cwnd > c->smss ? c->cwnd : c->smss) + recovery_limited_transmit(c);
    uint32_t record = c->extra ? before_end(c, c->snd_nxt, length) : length;
    bool cut = record < length; // and more of what was written waits behind
    length = record;
    if (length > 0 && connection_pipe(c) + length > cwnd)
        return false;
    if (length > 0 && !cut && !worth_sending(c, length, full, unsent))
        return false;
    *plan = (struct plan){.seq = c->snd_nxt, .length = length, .flags = cut ? TCP_ACK | TCP_PSH : TCP_ACK,
                          .ends = cut ? SENT_PUSHED : 0};
    plan_end(c, plan, fin && (uint32_t)window > length);
    if (length < unsent) {
        uint32_t room = cwnd - connection_pipe(c);
        plan_burst_end(c, plan, unsent, room < (uint32_t)window ? room : (uint32_t)window);
    }
    return true;
}

/** A tail loss probe: new data, as far as the peer's window lets it go, or the last segment again (RFC 8985-12). */
static bool plan_tail(struct tcp_connection *c, struct plan *plan)
{
    if (!(c->marks & MARK_TAIL))
        return false;
    int32_t window = window_beyond(c, c->snd_nxt);
    uint32_t unsent = connection_unsent(c), full = full_segment(c), flight = connection_flight(c);
    bool fin = c->flags & FLAG_FIN_QUEUED;
    if (flight == 0 || c->recovery == RECOVERY_LOSS) {
        c->marks &= (uint8_t)~MARK_TAIL;
        return false;
    }
    *plan = (struct plan){.seq = c->snd_nxt, .flags = TCP_ACK, .mark = MARK_TAIL};
    if (unsent > 0 && window > 0) {
        plan->length = unsent < full ? unsent : full;
        if (plan->length > (uint32_t)window)
            plan->length = (uint32_t)window;
        plan_end(c, plan, fin && (uint32_t)window > plan->length);
        return true;
    }
    // The last segment that has not arrived, as it was: what was sent at one time was cut into full segments.
    struct sent_cursor at;
    const struct sent_range *last = sent_find(&c->sent, c->snd_nxt - 1, &at);
    if (last->flags & SENT_SACKED)
        last = sent_find(&c->sent, last->start - 1, &at);
    seq_t end = last->end;
    if (last->flags & (SENT_LOST | SENT_SACKED) || seq_gt(end, c->snd_una + c->snd_wnd)) {
        c->marks &= (uint8_t)~MARK_TAIL; // it waits for cwnd, or for the peer's window (RFC 9293 SHLD-16)
        return false;
    }
    uint32_t length = end - last->start, fin_sent = c->flags & FLAG_FIN_SENT && end == c->snd_nxt ? 1 : 0;
    if (length > fin_sent)
        length = (length - fin_sent - 1) % full + 1 + fin_sent;
    plan->seq = end - length;
    plan->again = length;
    plan->length = length - fin_sent;
    plan->flags |= last->flags & SENT_PUSHED ? TCP_PSH : 0;
    plan_end(c, plan, fin_sent);
    return true;
}

/** The octet that probes a closed window (RFC 9293 3.8.6.1): the next new one, or the one before it again. */
static bool plan_probe(struct tcp_connection *c, struct plan *plan)
{
    if (!(c->marks & MARK_PROBE))
        return false;
    uint32_t flight = connection_flight(c), unsent = connection_unsent(c);
    int32_t window = window_beyond(c, c->snd_nxt);
    bool fin = c->flags & FLAG_FIN_QUEUED;
    if (flight == 0 && unsent == 0 && (!fin || c->flags & FLAG_FIN_SENT)) {
        c->marks &= (uint8_t)~MARK_PROBE;
        return false;
    }
    *plan = (struct plan){.seq = c->snd_una, .flags = TCP_ACK, .mark = MARK_PROBE};
    if (flight > 0) {
        plan->length = c->send.length > 0 ? 1 : 0;
        plan->again = 1;
    } else if (window > 0) {
        // Not closed, but too small for a full segment: the time to wait for more is over, once this has left. Until
        // then, should nobody be there to take it, probes are counted.
        c->modes &= (uint16_t)~MODE_ECN_WAIT;
        uint32_t full = full_segment(c), most = full < (uint32_t)window ? full : (uint32_t)window;
        plan->length = unsent < most ? unsent : most;
        plan->flags |= plan->length == unsent ? TCP_PSH : 0;
        plan->mark = 0;
    } else {
        plan->length = unsent > 0 ? 1 : 0;
        if (connection_core(c)->settings.tcp_probe_old) {
            plan->length = 0;
            plan->seq--;
            return true;
        }
    }
    plan_end(c, plan, fin && (plan->length == 0 || (uint32_t)(window > 0 ? window : 0) > plan->length));
    return true;
}

/** Nothing but an ACK. */
static void plan_ack(const struct tcp_connection *c, struct plan *plan, uint8_t mark)
{
    *plan = (struct plan){.seq = c->snd_nxt, .flags = TCP_ACK, .mark = mark};
    // Not with an answer to what is ahead of its turn: where both miss something, FINs would answer each other.
    if (mark == 0 && c->flags & FLAG_FIN_SENT && c->snd_una != c->snd_nxt && !(c->modes & MODE_REFUSED) &&
        c->acks_owed == 0 && connection_core(c)->settings.tcp_fin_with_acks) {
        plan->seq--; // our FIN, until it is acknowledged
        plan->flags |= TCP_FIN;
        plan->again = 1;
    }
}

static bool plan_next(struct tcp_connection *c, struct plan *plan)
{
    if (!connection_is_synchronized(c)) {
        if (plan_syn(c, plan))
            return true;
        if (c->state == STRATA_TCP_SYN_SENT)
            return false;
    }
    if (c->acks_owed > 0 || c->duplicates) {
        plan_ack(c, plan, 0);
        plan->owed = true;
        return true;
    }
    if (c->marks & MARK_CHALLENGE) {
        plan_ack(c, plan, MARK_CHALLENGE);
        return true;
    }
    if (connection_may_send(c)) {
        // A paced connection waits for its time, but not with what a timer forces out.
        bool held = c->flags & FLAG_PACED && pacing_holds(c);
        if ((!held || c->marks & MARK_RETRANSMIT) && plan_retransmission(c, plan))
            return true;
        if (plan_tail(c, plan))
            return true;
        if ((!held && (plan_data(c, plan) || plan_suspect(c, plan))) || plan_probe(c, plan))
            return true;
    }
    if (c->marks & MARK_KEEP_ALIVE) {
        plan_ack(c, plan, MARK_KEEP_ALIVE);
        plan->seq = c->snd_nxt - 1; // an octet the peer has: it must answer. No data (RFC 9293 SHLD-12).
        return true;
    }
    if (c->marks & MARK_ACK) {
        plan_ack(c, plan, 0);
        return true;
    }
    return false;
}

/* ---- Segments ------------------------------------------------------------------------------------------ */

/** Copies `length` octets from the send ring and adds them to a sum, in one pass. */
static uint64_t copy_data(const struct ring *ring, uint32_t offset, uint8_t *to, uint32_t length, uint64_t sum)
{
    while (length > 0) {
        uint32_t run;
        const uint8_t *from = ring_at(ring, offset, &run);
        ASSERT(run > 0);
        if (run > length)
            run = length;
        // A sum goes on at even offsets only: an octet alone at the end of a page is summed with the next
        // page's first.
        if (run % 2 == 1 && run < length) {
            uint32_t next;
            sum = checksum_copy(sum, to, from, run - 1);
            to[run - 1] = from[run - 1];
            to[run] = *ring_at(ring, offset + run, &next);
            sum = checksum_add(sum, to + run - 1, 2);
            run++;
        } else {
            sum = checksum_copy(sum, to, from, run);
        }
        to += run;
        offset += run;
        length -= run;
    }
    return sum;
}

static void fill_options(const struct tcp_connection *c, const struct plan *plan, struct tcp_header *header)
{
    struct tcp_options *options = &header->options;
    // On a SYN we offer; on a SYN-ACK and later the flags say what was agreed on (RFC 7323-1, RFC 7323-5).
    if (header->flags & TCP_SYN) {
        options->has_mss = true; // RFC 9293 MUST-14, MAY-3; never on others (RFC 9293 MUST-65)
        options->mss = c->own_mss;
        options->has_scale = c->flags & FLAG_SCALING;
        options->scale = c->receive_scale;
        options->scale_first = connection_core(c)->settings.tcp_syn_options;
        options->sack_permitted = c->flags & FLAG_SACK; // RFC 2018-1
        fast_open_fill(c, options);
    }
    if (c->flags & FLAG_TIMESTAMPS) {
        options->has_timestamps = true;
        options->ts_value = tcp_timestamp(connection_core(c), c->ts_offset);
        options->ts_echo = header->flags & TCP_ACK ? c->ts_recent : 0;
    }
    if ((c->out_of_order || c->duplicates) && !(header->flags & TCP_SYN))
        sack_fill(c, options, plan->owed, plan->length > 0); // RFC 2018-5
    if (header->flags & TCP_SYN || c->syn_marks & SYN_TELL_TIMEOUT)
        user_timeout_fill(c, options, header->flags & TCP_SYN ? 0 : plan->length);
}

static void fill_header(const struct tcp_connection *c, const struct plan *plan, struct tcp_header *header)
{
    *header = (struct tcp_header){
        .source_port = c->record.local_port,
        .destination_port = c->record.remote_port,
        .seq = plan->seq,
        .flags = plan->flags,
        .ack = plan->flags & TCP_ACK ? c->rcv_nxt : 0,
    };
    if (c->flags & FLAG_URGENT_SENT && seq_gt(c->snd_up, plan->seq) && !(plan->flags & TCP_SYN)) {
        uint32_t ahead = c->snd_up - plan->seq;
        header->flags |= TCP_URG;
        header->urgent = ahead < UINT16_MAX ? (uint16_t)ahead : UINT16_MAX;
    }
    fill_options(c, plan, header);
}

static void trace_sent(const struct tcp_connection *c, const struct plan *plan, const struct tcp_header *header)
{
    struct strata_trace_record trace = {
        .kind = STRATA_TRACE_TCP_SEND,
        .port = c->way.port,
        .value = {header->seq, header->ack, header->flags, header->window, plan->length, plan->again > 0,
                  (int64_t)(uint32_t)(header->seq - c->iss)},
    };
    tcp_endpoints(c, &trace.local, &trace.remote);
    core_trace(connection_core(c), &trace);
}

/** Notes the octets of a segment in the map of sent ranges. */
static void note_octets(struct tcp_connection *c, const struct plan *plan)
{
    struct memory *memory = connection_memory(c);
    strata_time now = connection_now(c);
    seq_t end = plan->seq + plan->length + (plan->flags & (TCP_SYN | TCP_FIN) ? 1 : 0);
    if (c->repair) {
        if (plan->again > 0)
            recovery_sent(c, plan->seq, plan->seq + plan->again, true);
        if (seq_gt(end, c->snd_nxt))
            recovery_sent(c, c->snd_nxt, end, false);
    }
    bool first = connection_flight(c) == 0;
    if (plan->again > 0) {
        sent_resend(&c->sent, memory, plan->seq, plan->seq + plan->again, now, (uint32_t)c->bytes_acked);
        c->segments_retransmitted++;
        c->bytes_retransmitted += plan->again < plan->length ? plan->again : plan->length;
        core_count(connection_core(c), COUNTER_tcp_segments_retransmitted);
    }
    if (plan->length > 0) {
        c->data_segments_sent++;
        ack_answered(c);
    }
    if (seq_gt(end, c->snd_nxt)) {
        if (plan->length < c->smss && !(plan->flags & TCP_SYN))
            c->snd_small = end;
        if (c->burst > 0)
            c->burst--;
        else if (end != connection_fin_seq(c)) // more follows, perhaps in one burst
            c->burst = burst_segments(c) - 1;
        sent_push(&c->sent, memory, c->snd_nxt, end, now, (uint32_t)c->bytes_acked, plan->ends);
        c->snd_nxt = end;
        if (plan->flags & TCP_FIN)
            c->flags |= FLAG_FIN_SENT;
        if (plan->flags & TCP_SYN && plan->length > 0)
            c->syn_marks |= SYN_DATA;
    }
    if (c->mtu)
        mtu_sent(c, plan->seq, plan->length, plan->again > 0);
    c->last_sent = now;
    if (c->model) {
        model_sent(c, first);
        if (c->flags & FLAG_PACED)
            pacing_sent(c, plan->length);
    }
    // What goes though a window was being probed is ordinary data, under the ordinary timer.
    if (c->flags & FLAG_PERSIST && plan->mark != MARK_PROBE)
        timers_end_persist(c);
    timers_sent(c);
    if (plan->mark == MARK_TAIL)
        probe_sent(c, plan->again > 0);
}

static void note_sent(struct tcp_connection *c, const struct plan *plan)
{
    c->marks &= (uint8_t)~plan->mark;
    if (plan->flags & TCP_ACK) {
        if (c->marks & MARK_ACK && c->data_segments_received == 0 && plan->length > 0 && plan->again == 0)
            ack_opened(c);
        c->marks &= (uint8_t)~MARK_ACK;
        c->modes &= (uint16_t)~(MODE_SMALL_HEARD | MODE_REFUSED);
        c->ack_at = STRATA_NEVER;
        c->last_ack_sent = c->rcv_nxt;
        if (c->quick_acks > 0)
            c->quick_acks--;
        if (plan->owed) {
            sack_sent(c);
            if (c->acks_owed > 0)
                c->acks_owed--;
        }
    }
    if (plan->length > 0 || plan->flags & (TCP_SYN | TCP_FIN))
        note_octets(c, plan);
    c->segments_sent++;
    core_count(connection_core(c), COUNTER_tcp_segments_sent);
}

/** Whether octets or a FIN wait to be sent for the first time. */
static bool has_unsent(const struct tcp_connection *c)
{
    return connection_unsent(c) > 0 || (c->flags & (FLAG_FIN_QUEUED | FLAG_FIN_SENT)) == FLAG_FIN_QUEUED;
}

/** The room below cannot take it: the timers see to it that we try again. */
static long try_later(struct tcp_connection *c, int error)
{
    if (error == -EINPROGRESS)
        return 0;
    if (error != -ENOBUFS)
        c->soft_error = (uint8_t)-error;
    if (has_unsent(c))
        timers_persist(c);
    if (error == -ENOBUFS)
        timers_refused(c);
    return 0;
}

static long make_segment(struct tcp_connection *c, struct net_path *path, struct room *room, const struct plan *plan)
{
    struct tcp_header header;
    fill_header(c, plan, &header);
    size_t header_bytes = TCP_HEADER_BYTES + tcp_options_bytes(&header.options), capacity;
    uint8_t *bytes;
    int error = net_begin(c->tcp->net, path, room, &c->speaker, header_bytes + plan->length, &bytes, &capacity);
    if (path->generation != c->way.generation)
        connection_keep_path(c, path); // another gateway was found
    if (error == -EMSGSIZE)
        return -EMSGSIZE;
    if (error)
        return try_later(c, error);
    header.window = receive_offer(c, plan->flags & TCP_SYN);
    uint8_t tos = c->tos;
    if (c->modes & MODE_ECN)
        tos |= ecn_mark(c, &header, plan->length > 0 && plan->again == 0 && plan->mark == 0);
    size_t length = tcp_emit(bytes, &header);
    uint64_t sum = checksum_pseudo(&c->record.local, &c->record.remote, PROTOCOL_TCP,
                                   (uint32_t)length + plan->length); // RFC 9293 MUST-2
    sum = checksum_add(sum, bytes, length);
    if (plan->length > 0)
        sum = copy_data(&c->send, plan->seq + (plan->flags & TCP_SYN ? 1 : 0) - connection_data_start(c),
                        bytes + length, plan->length, sum);
    tcp_put_checksum(bytes, checksum_finish(sum));
    struct net_out out = {.source = c->record.local,
                          .destination = c->record.remote,
                          .protocol = PROTOCOL_TCP,
                          .ttl = c->ttl,
                          .tos = tos,
                          .dont_fragment = true};
    if (core_traces(connection_core(c)))
        trace_sent(c, plan, &header);
    if (header.options.has_user_timeout)
        c->syn_marks &= (uint8_t)~SYN_TELL_TIMEOUT;
    note_sent(c, plan);
    return (long)net_finish(c->tcp->net, path, room, &out, length + plan->length);
}

/** What keeps a connection from sending more than it does, for strata_tcp_info. */
static enum tcp_bound bound_now(const struct tcp_connection *c)
{
    uint32_t unsent = connection_unsent(c), next = unsent < c->smss ? unsent : c->smss;
    if (c->send.length == 0 || !connection_is_synchronized(c))
        return BOUND_IDLE;
    if (unsent > 0)
        return window_beyond(c, c->snd_nxt) < (int32_t)next ? BOUND_WINDOW : BOUND_BUSY;
    return (c->flags & (FLAG_WANT_WRITE | FLAG_CWND_LIMITED)) == FLAG_WANT_WRITE ? BOUND_BUFFER : BOUND_BUSY;
}

/** Nothing can be said now: what must happen so that something will be. */
static void rest(struct tcp_connection *c)
{
    c->burst = 0;
    if (connection_unsent(c) == 0)
        c->modes &= (uint16_t)~MODE_PUSH_ALL;
    if (pacing_deadline(c) == STRATA_NEVER) { // otherwise it only waits for its time
        if (has_unsent(c) && connection_flight(c) == 0 && connection_may_send(c))
            timers_persist(c);
        if (connection_is_synchronized(c))
            congestion_rest(c);
    } else if (!connection_core(c)->settings.tcp_window_validation) {
        validation_rest(c, false); // what has left so far is what is used
    }
    enum tcp_bound bound = bound_now(c);
    if (c->bound != bound)
        connection_bound(c, bound);
    if (c->flags & FLAG_WANT_WRITE)
        acknowledge_offer_room(c); // less waits to be sent than did
}

/** Whether it is plain that nothing more is to be said now. */
static bool has_said_all(const struct tcp_connection *c)
{
    return c->state == STRATA_TCP_ESTABLISHED && c->recovery == RECOVERY_OPEN && !has_unsent(c) &&
           !(c->marks | c->acks_owed | c->sent.lost_bytes) && !c->duplicates;
}

static long speak(struct speaker *speaker, struct room *room)
{
    struct tcp_connection *c = CONTAINER_OF(speaker, struct tcp_connection, speaker);
    struct plan plan;
    struct net_path path;
    connection_check(c);
    connection_get_path(c, &path);
    if (c->way.port < 0 || net_path_is_stale(c->tcp->net, &path)) {
        int port = c->way.port, error = connection_find_path(c);
        if (error)
            return try_later(c, error);
        if (c->way.port != port) {
            connection_mark(c);
            return 0;
        }
        connection_get_path(c, &path);
    }
    if (!plan_next(c, &plan)) {
        rest(c);
        return 0;
    }
    long length = make_segment(c, &path, room, &plan);
    if (length > 0 && has_said_all(c)) {
        // As being asked again would find out.
        speaker_silence(speaker);
        rest(c);
    }
    connection_check(c);
    return length;
}

/** The neighbour did not answer, or the port went down. */
static void unreachable(struct speaker *speaker, int error)
{
    struct tcp_connection *c = CONTAINER_OF(speaker, struct tcp_connection, speaker);
    if (c->state == STRATA_TCP_SYN_SENT && error == -EHOSTUNREACH) {
        // Nobody is there: no need to keep the program waiting for minutes.
        connection_end(c, EHOSTUNREACH);
        return;
    }
    // Another port may lead there.
    if (connection_find_path(c) == 0 && error == -ENETDOWN)
        connection_mark(c);
    else
        try_later(c, error);
}

const struct speaker_ops tcp_speaker_ops = {.speak = speak, .unreachable = unreachable};
