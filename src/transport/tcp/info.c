/*
 * What a connection tells of itself (RFC 9293 3.9.1.6 STATUS, and all that has been asked for since).
 */
#include "transport/tcp/congestion.h"
#include "transport/tcp/model.h"
#include "transport/tcp/receive.h"
#include "transport/tcp/recovery.h"
#include "transport/tcp/timers.h"

/** Octets of data sent and not acknowledged: FlightSize without SYN and FIN. */
static uint32_t octets_out(const struct tcp_connection *c)
{
    uint32_t flight = connection_is_synchronized(c) ? connection_flight(c) : 0;
    return flight < c->send.length ? flight : c->send.length;
}

/** Counts what is in the map of sent ranges in segments, as many as each range must have been. What was lost and sent
 * again still counts as lost, until it is acknowledged: so that what is left to repair can be told. A tail loss probe
 * was not lost. */
static void count_segments(const struct tcp_connection *c, struct strata_tcp_info *info)
{
    struct sent sent = c->sent;
    struct sent_cursor cursor;
    uint32_t mss = c->smss > 0 ? c->smss : 1;
    bool repairing = c->recovery == RECOVERY_FAST || c->recovery == RECOVERY_LOSS;
    for (struct sent_range *range = sent_find(&sent, c->snd_una, &cursor); range; range = sent_next(&sent, &cursor)) {
        uint32_t octets = range->end - range->start;
        if (c->flags & FLAG_FIN_SENT && range->end == c->snd_nxt && octets > 1)
            octets--; // the FIN goes with the data before it
        uint32_t segments = (octets + mss - 1) / mss;
        bool again = range->flags & SENT_RESENT && !(range->flags & (SENT_SACKED | SENT_LOST));
        info->unacked += segments;
        info->sacked += range->flags & SENT_SACKED ? segments : 0;
        info->lost += range->flags & SENT_LOST || (again && repairing) ? segments : 0;
        info->retransmitted += again ? segments : 0;
    }
    // Without SACK each duplicate ACK stands for a segment that has arrived.
    if (!(c->flags & FLAG_SACK) && info->unacked > 0)
        info->sacked = c->dup_acks < info->unacked ? c->dup_acks : info->unacked - 1;
}

static void tell_times(const struct tcp_connection *c, struct strata_tcp_info *info)
{
    strata_time now = connection_now(c);
    const struct tcp_oddities *odd = &c->tuning->odd;
    uint32_t now_ms = (uint32_t)(now / STRATA_MILLISECOND);
    uint32_t least = (uint32_t)connection_core(c)->settings.tcp_delayed_ack_ms;
    if (c->data_segments_received > 0)
        info->ack_delay_ns = (c->ack_delay_ms > least ? c->ack_delay_ms : least) * STRATA_MILLISECOND;
    if (connection_is_synchronized(c)) {
        info->data_sent_ago_ns = now - c->last_sent;
        info->data_received_ago_ns = (now_ms - c->data_received_ms) * STRATA_MILLISECOND;
        info->received_ago_ns = now - c->last_received;
    }
    strata_time passed = c->bound == BOUND_IDLE ? 0 : ((now_ms - c->bound_since_ms) & 0x3fffffffu) * STRATA_MILLISECOND;
    info->busy_ns = c->busy_ms * STRATA_MILLISECOND + passed;
    info->window_limited_ns = odd->window_limited_ms * STRATA_MILLISECOND + (c->bound == BOUND_WINDOW ? passed : 0);
    info->buffer_limited_ns = odd->buffer_limited_ms * STRATA_MILLISECOND + (c->bound == BOUND_BUFFER ? passed : 0);
    info->timeout_ns = odd->timeout_ms * STRATA_MILLISECOND;
    if (c->retries > 0)
        info->timeout_ns += (now_ms - odd->timeout_since_ms) * STRATA_MILLISECOND;
}

static void tell_rates(const struct tcp_connection *c, struct strata_tcp_info *info)
{
    info->pacing_rate = model_pacing_rate(c);
    info->delivery_rate = model_delivery_rate(c);
    info->app_limited = model_rate_is_app_limited(c);
    info->pacing_rate_most = c->tuning->pacing_bytes ? c->tuning->pacing_bytes : UINT64_MAX;
}

static void tell_oddities(const struct tcp_connection *c, struct strata_tcp_info *info)
{
    const struct tcp_oddities *odd = &c->tuning->odd;
    info->delivered_ce = odd->delivered_ce;
    info->duplicates = odd->duplicates;
    info->reorderings = odd->reorderings;
    info->out_of_order_segments = odd->out_of_order;
    info->timeout_runs = odd->timeout_runs;
}

static void tell_counts(const struct tcp_connection *c, struct strata_tcp_info *info)
{
    info->bytes_sent = c->bytes_acked + octets_out(c) + c->bytes_retransmitted;
    info->bytes_acked = c->bytes_acked;
    info->bytes_received = c->bytes_received;
    info->bytes_retransmitted = c->bytes_retransmitted;
    info->segments_sent = c->segments_sent;
    info->segments_received = c->segments_received;
    info->data_segments_sent = c->data_segments_sent;
    info->data_segments_received = c->data_segments_received;
    info->segments_retransmitted = c->segments_retransmitted;
    info->timeouts = c->timeouts;
    info->fast_retransmits = c->fast_retransmits;
    info->delivered = c->delivered;
    info->send_queue = c->send.length;
    info->receive_queue = c->receive.length;
    info->unsent = connection_is_synchronized(c) ? connection_unsent(c) : c->send.length;
    info->out_of_order_bytes = receive_out_of_order_bytes(c);
    info->timeouts_in_row = c->retries;
    info->probes = c->keep_probes > 0 ? c->keep_probes : c->probes;
}

void tcp_info(const struct tcp_connection *c, struct strata_tcp_info *info)
{
    struct strata_tcp_info told = {
        .size = info->size,
        .state = (enum strata_tcp_state)c->state,
        .mss_send = c->smss,
        .mss_receive = c->receive_mss,
        .mss_advertised = c->own_mss,
        .cwnd = c->cwnd,
        .ssthresh = c->ssthresh,
        .flight = connection_flight(c),
        .send_window = c->snd_wnd,
        .receive_window = c->rcv_adv - c->rcv_nxt,
        .send_scale = c->send_scale,
        .receive_scale = c->receive_scale,
        .scaling = (c->flags & FLAG_SCALING) != 0,
        .timestamps = (c->flags & FLAG_TIMESTAMPS) != 0,
        .sack = (c->flags & FLAG_SACK) != 0,
        .ecn = (c->modes & MODE_ECN) != 0,
        .ecn_seen = (c->modes & MODE_ECN_SEEN) != 0,
        .syn_data = (c->syn_marks & SYN_DATA_TAKEN) != 0,
        .recovery = c->recovery,
        .srtt_ns = c->srtt_ns,
        .rttvar_ns = c->rttvar_ns,
        .min_rtt_ns = c->min_rtt_ns,
        .rto_ns = timers_rto(c),
        .backoff = c->backoff,
        .path_mtu = c->way.mtu_bytes,
        .receive_buffer = c->receive_bytes,
        .receive_space = c->tune_bytes,
        .receive_rtt_ns = c->tune_rtt_us * STRATA_MICROSECOND,
        .congestion = congestion_get(c->congestion)->name,
    };
    count_segments(c, &told);
    tell_counts(c, &told);
    tell_times(c, &told);
    tell_rates(c, &told);
    tell_oddities(c, &told);
    if (connection_is_synchronized(c))
        recovery_info((struct tcp_connection *)(uintptr_t)c, &told);
    memcpy(info, &told, info->size < sizeof told ? info->size : sizeof told);
}
