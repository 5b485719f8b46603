/**
 * TCP_INFO and its relatives, field by field in the order of Linux's tcp_info, which only ever grew at its end: whoever
 * asks with an older, shorter struct gets its beginning. Counts are in segments where Linux's are.
 */
#include "posix/info.h"

/** Linux's struct tcp_info of version 6.18; units in the names where they are not octets or segments. */
struct linux_tcp_info {
    uint8_t state, ca_state, retransmits, probes, backoff, options;
    uint8_t scales;    /**< Send in the lower half, receive in the upper. */
    uint8_t app_limited;
    uint32_t rto_us, ato_us, snd_mss, rcv_mss;
    uint32_t unacked, sacked, lost, retrans, fackets;
    uint32_t last_data_sent_ms, last_ack_sent_ms, last_data_recv_ms, last_ack_recv_ms;
    uint32_t pmtu, rcv_ssthresh, rtt_us, rttvar_us, snd_ssthresh, snd_cwnd, advmss, reordering;
    uint32_t rcv_rtt_us, rcv_space, total_retrans;
    uint64_t pacing_rate, max_pacing_rate, bytes_acked, bytes_received;
    uint32_t segs_out, segs_in, notsent_bytes, min_rtt_us, data_segs_in, data_segs_out;
    uint64_t delivery_rate, busy_time_us, rwnd_limited_us, sndbuf_limited_us;
    uint32_t delivered, delivered_ce;
    uint64_t bytes_sent, bytes_retrans;
    uint32_t dsack_dups, reord_seen, rcv_ooopack, snd_wnd, rcv_wnd, rehash;
    uint16_t total_rto, total_rto_recoveries;
    uint32_t total_rto_time_ms, received_ce;
    uint32_t delivered_e1_bytes, delivered_e0_bytes, delivered_ce_bytes;
    uint32_t received_e1_bytes, received_e0_bytes, received_ce_bytes;
    uint32_t accecn; /**< Mode, option seen, fail mode, further options. */
};
_Static_assert(offsetof(struct linux_tcp_info, pacing_rate) == 104, "the layout is Linux's");
_Static_assert(offsetof(struct linux_tcp_info, total_rto) == 240, "the layout is Linux's");

enum { OPTION_TIMESTAMPS = 1, OPTION_SACK = 2, OPTION_SCALE = 4, OPTION_ECN = 8, OPTION_SYN_DATA = 32 };

/** RFC 9293's states by Linux's numbers. */
static uint8_t linux_state(enum strata_tcp_state state)
{
    static const uint8_t numbers[] = {
        [STRATA_TCP_CLOSED] = 7,      [STRATA_TCP_LISTEN] = 10,     [STRATA_TCP_SYN_SENT] = 2,
        [STRATA_TCP_SYN_RECEIVED] = 3, [STRATA_TCP_ESTABLISHED] = 1, [STRATA_TCP_FIN_WAIT_1] = 4,
        [STRATA_TCP_FIN_WAIT_2] = 5,  [STRATA_TCP_CLOSE_WAIT] = 8,  [STRATA_TCP_CLOSING] = 11,
        [STRATA_TCP_LAST_ACK] = 9,    [STRATA_TCP_TIME_WAIT] = 6,
    };
    return numbers[state];
}

/** 0 open, 1 disorder, 3 recovery, 4 loss; 2 is an answer to ECN. */
static uint8_t linux_recovery(uint8_t recovery)
{
    return recovery < 2 ? recovery : (uint8_t)(recovery + 1);
}

static uint32_t microseconds(strata_time time)
{
    return time >= STRATA_NEVER ? 0 : (uint32_t)(time / STRATA_MICROSECOND);
}

static uint32_t segments(uint32_t bytes, uint32_t mss)
{
    return mss ? (bytes + mss - 1) / mss : 0;
}

static void give(const void *whole, size_t size, void *value, socklen_t *length)
{
    if (*length > size)
        *length = (socklen_t)size;
    memcpy(value, whole, *length);
}

void info_tcp(const struct strata_tcp_info *info, void *value, socklen_t *length)
{
    uint32_t mss = info->mss_send;
    struct linux_tcp_info told = {
        .state = linux_state(info->state),
        .ca_state = linux_recovery(info->recovery),
        .backoff = (uint8_t)info->backoff,
        .retransmits = (uint8_t)info->backoff,
        .options = (uint8_t)((info->timestamps ? OPTION_TIMESTAMPS : 0) | (info->sack ? OPTION_SACK : 0) |
                             (info->send_scale || info->receive_scale ? OPTION_SCALE : 0) |
                             (info->ecn ? OPTION_ECN : 0) | (info->syn_data ? OPTION_SYN_DATA : 0)),
        .scales = (uint8_t)(info->send_scale | info->receive_scale << 4),
        .rto_us = microseconds(info->rto_ns),
        .snd_mss = mss,
        .rcv_mss = info->mss_receive,
        .unacked = segments(info->flight, mss),
        .rtt_us = microseconds(info->srtt_ns),
        .rttvar_us = microseconds(info->rttvar_ns),
        .snd_ssthresh = info->ssthresh >= UINT32_MAX / 2 ? INT32_MAX : segments(info->ssthresh, mss),
        .snd_cwnd = mss ? info->cwnd / mss : 0,
        .reordering = info->reordering,
        .sacked = segments(info->sacked_bytes, mss),
        .lost = segments(info->lost_bytes, mss),
        .retrans = segments(info->resent_bytes, mss),
        .total_retrans = (uint32_t)info->segments_retransmitted,
        .bytes_acked = info->bytes_acked,
        .bytes_received = info->bytes_received,
        .segs_out = (uint32_t)info->segments_sent,
        .segs_in = (uint32_t)info->segments_received,
        .notsent_bytes = info->send_queue > info->flight ? info->send_queue - info->flight : 0,
        .min_rtt_us = microseconds(info->min_rtt_ns),
        .delivered = (uint32_t)info->delivered,
        .bytes_sent = info->bytes_sent,
        .bytes_retrans = info->bytes_retransmitted,
        .snd_wnd = info->send_window,
        .rcv_wnd = info->receive_window,
        .total_rto = (uint16_t)info->timeouts,
    };
    give(&told, sizeof told, value, length);
}

void info_congestion(const struct strata_tcp_info *info, void *value, socklen_t *length)
{
    (void)info;
    give("", 0, value, length);
}

void info_memory(const struct strata_tcp_info *info, uint32_t receive_buffer, uint32_t send_buffer, void *value,
                 socklen_t *length)
{
    uint32_t told[9] = {info->receive_queue + info->out_of_order_bytes, receive_buffer, info->flight, send_buffer, 0,
                        info->send_queue};
    give(told, sizeof told, value, length);
}
