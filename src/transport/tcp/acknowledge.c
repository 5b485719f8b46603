/*
 * ACK processing (RFC 9293 3.10.7.4 fifth step, RFC 5961 5), the send window, and round-trip times (RFC
 * 6298).
 */
#include "transport/tcp/acknowledge.h"
#include "transport/tcp/autotune.h"
#include "transport/tcp/ecn.h"
#include "transport/tcp/mtu.h"
#include "transport/tcp/output.h"
#include "transport/tcp/recovery.h"
#include "transport/tcp/sack.h"
#include "transport/tcp/state.h"
#include "transport/tcp/time_wait.h"
#include "transport/tcp/timers.h"

static void trace_sample(const struct tcp_connection *c, strata_time rtt_ns)
{
    struct strata_trace_record trace = {.kind = STRATA_TRACE_TCP_RTT,
                                        .port = -1,
                                        .value = {rtt_ns, c->srtt_ns, c->rttvar_ns, timers_rto(c)}};
    tcp_endpoints(c, &trace.local, &trace.remote);
    core_trace(connection_core(c), &trace);
}

void acknowledge_sample(struct tcp_connection *c, strata_time rtt_ns)
{
    if (rtt_ns < 1)
        rtt_ns = 1;
    c->flags &= ~(uint32_t)FLAG_PROBED; // RFC 8985-11
    if (!(c->flags & FLAG_RTT_SAMPLED)) {
        c->srtt_ns = rtt_ns; // RFC 6298-2
        c->rttvar_ns = rtt_ns / 2;
        c->min_rtt_ns = rtt_ns;
        c->flags |= FLAG_RTT_SAMPLED;
    } else {
        // RFC 6298-3: the deviation first, from the old average.
        strata_time deviation = c->srtt_ns > rtt_ns ? c->srtt_ns - rtt_ns : rtt_ns - c->srtt_ns;
        c->rttvar_ns += (deviation - c->rttvar_ns) / 4;
        c->srtt_ns += (rtt_ns - c->srtt_ns) / 8;
        if (rtt_ns < c->min_rtt_ns)
            c->min_rtt_ns = rtt_ns;
    }
    if (core_traces(connection_core(c)))
        trace_sample(c, rtt_ns);
}

/**
 * The round-trip time an ACK tells of: from what was sent once only (Karn, RFC 6298-6), else from the
 * timestamp that was echoed (RFC 7323-9), which only counts when SND.UNA advances. An echo of what was sent before the
 * retransmission tells nothing: the first ACK may have been lost, and this one answers the second copy with the first
 * one's timestamp. @return the time; 0: it told nothing.
 */
static strata_time measure(struct tcp_connection *c, const struct segment *segment, const struct sent_acked *acked,
                           bool advanced)
{
    strata_time now = connection_now(c), rtt_ns;
    if (acked->resent_at == STRATA_NEVER && acked->first_sent != STRATA_NEVER) {
        rtt_ns = now - acked->first_sent;
    } else {
        if (!advanced || !(c->flags & FLAG_TIMESTAMPS) || !segment->header.options.has_timestamps)
            return 0;
        uint32_t echo = segment->header.options.ts_echo;
        int32_t ms = (int32_t)(tcp_timestamp(connection_core(c), c->ts_offset) - echo);
        // An echo from the future, or from before the connection can have sent it, is none of ours.
        if (ms < 0 || ms > connection_core(c)->settings.tcp_rto_max_ms)
            return 0;
        if (acked->resent_at != STRATA_NEVER &&
            (int32_t)(echo - tcp_timestamp_at(acked->resent_at, c->ts_offset)) < 0)
            return 0;
        rtt_ns = ms * STRATA_MILLISECOND;
    }
    acknowledge_sample(c, rtt_ns);
    return rtt_ns > 0 ? rtt_ns : 1;
}

void acknowledge_syn(struct tcp_connection *c, const struct segment *segment)
{
    struct sent_acked acked = SENT_ACKED_NOTHING;
    sent_acknowledge(&c->sent, connection_memory(c), segment->ack, &acked);
    // Data too that went with the SYN or right behind our SYN-ACK (RFC 7413 4.2).
    uint32_t bytes = segment->ack - (c->iss + 1);
    c->snd_una = segment->ack;
    c->delivered++;
    if (!(c->flags & FLAG_ACTIVE) && c->cwnd > c->smss)
        c->cwnd--; // see listen.c
    if (bytes > 0) {
        uint32_t before = c->send.length;
        ring_consume(&c->send, connection_memory(c), bytes);
        autotune_count_sent(c, before);
        c->bytes_acked += bytes;
        if (!(c->flags & FLAG_ACTIVE))
            c->delivered += (bytes + c->smss - 1) / c->smss; // in segments of their own
    }
    if (c->syn_marks & SYN_DATA && c->snd_una != c->snd_nxt) {
        // The peer did not want it, or not all of it: again, at once. Should that be lost, it is known to have been
        // sent again.
        if (c->flags & FLAG_SACK)
            recovery_record(c);
        sent_lose(&c->sent, connection_memory(c), c->snd_una, c->snd_nxt);
        c->marks |= MARK_RETRANSMIT;
    }
    if (!(c->flags & FLAG_SYN_RESENT))
        measure(c, segment, &acked, true);
    timers_acked(c, true, true);
    c->marks &= (uint8_t)~MARK_SYN;
}

void acknowledge_window(struct tcp_connection *c, const struct segment *segment)
{
    uint32_t before = c->snd_wnd;
    c->snd_wnd = segment->window;
    c->snd_wl1 = segment->seq;
    c->snd_wl2 = segment->ack;
    if (c->snd_wnd > c->snd_wnd_max)
        c->snd_wnd_max = c->snd_wnd;
    if (c->snd_wnd <= before)
        return;
    c->burst = 0;
    if (c->flags & FLAG_PERSIST)
        timers_stop_persist(c);
    connection_mark(c);
}

/** Our FIN was acknowledged. @return false: the connection is gone. */
static bool fin_acknowledged(struct tcp_connection *c)
{
    switch (c->state) {
    case STRATA_TCP_FIN_WAIT_1:
        state_change(c, STRATA_TCP_FIN_WAIT_2);
        if (c->flags & FLAG_ORPHAN) {
            c->other_at = connection_now(c) + connection_core(c)->settings.tcp_fin_timeout_ms * STRATA_MILLISECOND;
            timers_update(c);
        }
        return true;
    case STRATA_TCP_CLOSING:
        time_wait_enter(c);
        return false;
    case STRATA_TCP_LAST_ACK:
        connection_end(c, 0);
        return false;
    default:
        return true;
    }
}

bool acknowledge_offers_room(const struct tcp_connection *c)
{
    // Usually a third of the buffer, so that the program comes in gulps.
    uint32_t room = ring_room(&c->send), least = c->send.capacity / 3, low = output_unsent_low(c);
    if (c->tuning->send_low > 0)
        least = c->tuning->send_low < c->send.capacity ? c->tuning->send_low : c->send.capacity;
    return room > 0 && room >= least && (low == UINT32_MAX || connection_unsent(c) < (low + 1) / 2);
}

void acknowledge_offer_room(struct tcp_connection *c)
{
    if (!(c->flags & FLAG_WANT_WRITE))
        return;
    autotune_send(c);
    if (!acknowledge_offers_room(c))
        return;
    c->flags &= ~(uint32_t)(FLAG_WANT_WRITE | FLAG_HUNGRY);
    connection_event(c, STRATA_WRITABLE);
}

/** What congestion control hears of an ACK. */
static void fill_news(struct tcp_connection *c, struct tcp_news *news, uint32_t acked, strata_time rtt_ns)
{
    const struct sent_acked *arrived = &news->arrived;
    news->ack.acked = acked;
    news->ack.delivered = arrived->bytes;
    c->delivered += (arrived->bytes + c->smss - 1) / c->smss;
    news->ack.rtt_ns = rtt_ns;
    news->ack.newest = STRATA_NEVER;
    if (arrived->first_sent != STRATA_NEVER)
        news->ack.newest = arrived->last_sent;
    if (arrived->resent_at != STRATA_NEVER &&
        (arrived->first_sent == STRATA_NEVER || arrived->resent_last > arrived->last_sent)) {
        news->ack.newest = arrived->resent_last;
        news->ack.newest_resent = true;
    }
}

/** SND.UNA moves up to `ack` <= SND.NXT. @return false: the connection is gone. */
static bool advance(struct tcp_connection *c, const struct segment *segment, struct tcp_news *news)
{
    uint32_t bytes = segment->ack - c->snd_una;
    sent_acknowledge(&c->sent, connection_memory(c), segment->ack, &news->arrived);
    strata_time rtt_ns = measure(c, segment, &news->arrived, true);
    c->snd_una = segment->ack;
    if (c->extra && c->extra->end_count > 0)
        output_ends_acknowledged(c);
    bool fin = c->flags & FLAG_FIN_SENT && segment->ack == c->snd_nxt;
    if (fin)
        bytes--;
    uint32_t before = c->send.length;
    ring_consume(&c->send, connection_memory(c), bytes);
    autotune_count_sent(c, before);
    c->bytes_acked += bytes;
    c->flags &= ~(uint32_t)FLAG_ONE_UNTIL_ACK;
    c->modes &= (uint16_t)~MODE_MORE;
    c->burst = 0;
    if (c->send.length == 0 && c->bound != BOUND_IDLE)
        connection_bound(c, BOUND_IDLE);
    if (!(c->flags & FLAG_RECEIVE_ERRORS))
        c->soft_error = 0;
    if (c->flags & FLAG_URGENT_SENT && seq_ge(c->snd_una, c->snd_up))
        c->flags &= ~(uint32_t)FLAG_URGENT_SENT;
    news->advanced = true;
    fill_news(c, news, bytes, rtt_ns);
    bool restart = recovery_acked(c, news);
    if (c->mtu)
        mtu_acked(c);
    if (c->recovery == RECOVERY_OPEN && seq_gt(c->snd_una - 1, c->recover))
        c->recover = c->snd_una - 1; // follows, so that it never seems to lie ahead after 2^31 octets
    timers_acked(c, rtt_ns > 0, restart);
    if (connection_flight(c) > 0 || connection_unsent(c) > 0 || c->flags & FLAG_FIN_QUEUED)
        connection_mark(c);
    acknowledge_offer_room(c);
    return !fin || fin_acknowledged(c);
}

/** Nothing is known yet. What was sent and has arrived says by its times whether the rest of it means anything. */
static inline void begin_news(struct tcp_news *news, const struct tcp_connection *c, const struct segment *segment)
{
    news->ack = (struct tcp_ack){.flight = connection_pipe(c), .newest = STRATA_NEVER};
    news->arrived.first_sent = news->arrived.resent_at = STRATA_NEVER;
    news->arrived.bytes = 0;
    news->options = &segment->header.options;
    news->advanced = news->duplicate = news->sacked = news->duplicated = false;
}

void acknowledge_predicted(struct tcp_connection *c, const struct segment *segment)
{
    struct tcp_news news;
    begin_news(&news, c, segment);
    advance(c, segment, &news);
}

/** Whether an ACK that does not advance says that a segment arrived out of order (RFC 5681-11). */
static bool is_duplicate(const struct tcp_connection *c, const struct segment *segment)
{
    return segment->ack == c->snd_una && connection_flight(c) > 0 && segment_carried(segment) == 0 &&
           !(segment->header.flags & (TCP_SYN | TCP_FIN)) && segment->window == c->snd_wnd && c->snd_wnd > 0;
}

/** What an ACK that does not advance tells of what was sent. */
static void take_sacks(struct tcp_connection *c, const struct segment *segment, struct tcp_news *news)
{
    if (!news->duplicate && !news->sacked && !news->duplicated)
        return;
    strata_time rtt_ns = news->sacked ? measure(c, segment, &news->arrived, false) : 0;
    fill_news(c, news, 0, rtt_ns);
    recovery_acked(c, news);
    timers_sacked(c);
    connection_mark(c);
}

bool acknowledge_segment(struct tcp_connection *c, const struct segment *segment)
{
    struct core *core = connection_core(c);
    // RFC 5961-3, RFC 9293-6: only what was sent, and not long ago.
    if (seq_gt(segment->ack, c->snd_nxt) || seq_diff(c->snd_una, segment->ack) > (int64_t)c->snd_wnd_max) {
        core_drop(core, COUNTER_tcp_drop_ack, segment->packet->port, segment->packet->datagram,
                  segment->packet->datagram_length);
        if (!(seq_gt(segment->ack, c->snd_nxt) && core->settings.tcp_ignore_unsent_acks))
            output_challenge(c);
        return false;
    }
    struct tcp_news news;
    begin_news(&news, c, segment);
    if (segment->header.options.sack_count > 0 && c->flags & FLAG_SACK)
        sack_arrives(c, segment, &news);
    if (seq_lt(segment->ack, c->snd_una)) {
        take_sacks(c, segment, &news); // an old duplicate tells nothing else
        return true;
    }
    c->probes = 0; // whoever acknowledges is there (RFC 9293 MUST-37)
    bool duplicate = is_duplicate(c, segment), advances = segment->ack != c->snd_una;
    // RFC 9293-7. What acknowledges something new brings its window along, though its number may be an old one: the old
    // window, counted from the new SND.UNA, would reach beyond what was offered.
    if (advances || seq_lt(c->snd_wl1, segment->seq) ||
        (c->snd_wl1 == segment->seq && seq_le(c->snd_wl2, segment->ack)))
        acknowledge_window(c, segment);
    uint32_t delivered = c->delivered;
    bool echo = c->modes & MODE_ECN && segment->header.flags & TCP_ECE;
    if (echo)
        ecn_echoed(c);
    else if (advances)
        c->modes &= (uint16_t)~MODE_ECN_WAIT;
    news.ack.echo = echo;
    news.duplicate = duplicate;
    bool alive = true;
    if (advances)
        alive = advance(c, segment, &news);
    else
        take_sacks(c, segment, &news);
    if (alive && echo && c->delivered != delivered) {
        struct tcp_oddities *odd = connection_odd(c);
        if (odd)
            odd->delivered_ce += c->delivered - delivered;
    }
    return alive;
}
