/**
 * strata_tcp_info in the layout of Linux's struct tcp_info, which only ever grew at its end: whoever asks with room for
 * an older, shorter one gets its beginning.
 */
#include "socket/socket.h"

#include <errno.h>

_Static_assert(offsetof(struct strata_linux_tcp_info, pacing_rate) == 104, "the layout is Linux's");
_Static_assert(offsetof(struct strata_linux_tcp_info, delivery_rate) == 160, "the layout is Linux's");
_Static_assert(offsetof(struct strata_linux_tcp_info, total_rto) == 240, "the layout is Linux's");

enum { OPTION_TIMESTAMPS = 1, OPTION_SACK = 2, OPTION_SCALE = 4, OPTION_ECN = 8, OPTION_ECN_SEEN = 16,
       OPTION_SYN_DATA = 32 };

/** RFC 9293's states by Linux's numbers. */
static const uint8_t states[] = {
    [STRATA_TCP_CLOSED] = 7,       [STRATA_TCP_LISTEN] = 10,     [STRATA_TCP_SYN_SENT] = 2,
    [STRATA_TCP_SYN_RECEIVED] = 3, [STRATA_TCP_ESTABLISHED] = 1, [STRATA_TCP_FIN_WAIT_1] = 4,
    [STRATA_TCP_FIN_WAIT_2] = 5,   [STRATA_TCP_CLOSE_WAIT] = 8,  [STRATA_TCP_CLOSING] = 11,
    [STRATA_TCP_LAST_ACK] = 9,     [STRATA_TCP_TIME_WAIT] = 6,
};
/** Open, disorder, recovery, loss, window reduced for ECN. */
static const uint8_t recoveries[] = {0, 1, 3, 4, 2};

static uint32_t us(strata_time time)
{
    return (uint32_t)(time / STRATA_MICROSECOND);
}
static uint32_t ms(strata_time time)
{
    return (uint32_t)(time / STRATA_MILLISECOND);
}

static uint8_t options(const struct strata_tcp_info *info)
{
    return (uint8_t)((info->timestamps ? OPTION_TIMESTAMPS : 0) | (info->sack ? OPTION_SACK : 0) |
                     (info->scaling ? OPTION_SCALE : 0) | (info->ecn ? OPTION_ECN : 0) |
                     (info->ecn_seen ? OPTION_ECN_SEEN : 0) | (info->syn_data ? OPTION_SYN_DATA : 0));
}

/** What a connection knows beside counts. */
static struct strata_linux_tcp_info translate(const struct strata_tcp_info *info)
{
    bool established = info->state >= STRATA_TCP_ESTABLISHED;
    uint32_t mss = info->mss_send > 0 ? info->mss_send : 1, stamps = info->timestamps && established ? 12 : 0;
    return (struct strata_linux_tcp_info){
        .state = states[info->state],
        .ca_state = info->recovery < sizeof recoveries ? recoveries[info->recovery] : 0,
        .retransmits = (uint8_t)info->timeouts_in_row,
        .probes = (uint8_t)info->probes,
        .backoff = (uint8_t)info->backoff,
        .options = options(info),
        .scales = (uint8_t)(info->send_scale | info->receive_scale << 4),
        .limits = info->app_limited,
        .rto = us(info->rto_ns),
        .ato = us(info->ack_delay_ns),
        .snd_mss = info->mss_send,
        .rcv_mss = info->mss_receive,
        .unacked = info->unacked,
        .sacked = info->sacked,
        .lost = info->lost,
        .retrans = info->retransmitted,
        .last_data_sent_ms = ms(info->data_sent_ago_ns),
        .last_data_recv_ms = ms(info->data_received_ago_ns),
        .last_ack_recv_ms = ms(info->received_ago_ns),
        .pmtu = info->path_mtu,
        .rcv_ssthresh = info->receive_buffer,
        .rtt = us(info->srtt_ns),
        .rttvar = us(info->rttvar_ns),
        .snd_ssthresh = info->ssthresh >= INT32_MAX ? INT32_MAX : info->ssthresh / mss,
        .snd_cwnd = info->cwnd / mss,
        .advmss = info->mss_advertised - stamps,
        .reordering = info->reordering,
        .rcv_rtt = us(info->receive_rtt_ns),
        .rcv_space = info->receive_space,
        .pacing_rate = info->pacing_rate,
        .max_pacing_rate = info->pacing_rate_most,
        .min_rtt = info->min_rtt_ns > 0 ? us(info->min_rtt_ns) : UINT32_MAX,
        .delivery_rate = info->delivery_rate,
        .busy_time = (uint64_t)(info->busy_ns / STRATA_MICROSECOND),
        .rwnd_limited = (uint64_t)(info->window_limited_ns / STRATA_MICROSECOND),
        .sndbuf_limited = (uint64_t)(info->buffer_limited_ns / STRATA_MICROSECOND),
        .delivered = (uint32_t)info->delivered,
        .total_rto_time_ms = ms(info->timeout_ns),
    };
}

static void count(const struct strata_tcp_info *info, struct strata_linux_tcp_info *told)
{
    told->total_retrans = (uint32_t)info->segments_retransmitted;
    told->bytes_acked = info->bytes_acked;
    told->bytes_received = info->bytes_received;
    told->segs_out = (uint32_t)info->segments_sent;
    told->segs_in = (uint32_t)info->segments_received;
    told->notsent_bytes = info->unsent;
    told->data_segs_in = (uint32_t)info->data_segments_received;
    told->data_segs_out = (uint32_t)info->data_segments_sent;
    told->delivered_ce = (uint32_t)info->delivered_ce;
    told->bytes_sent = info->bytes_sent;
    told->bytes_retrans = info->bytes_retransmitted;
    told->dsack_dups = (uint32_t)info->duplicates;
    told->reord_seen = (uint32_t)info->reorderings;
    told->rcv_ooopack = (uint32_t)info->out_of_order_segments;
    told->snd_wnd = info->send_window;
    told->rcv_wnd = info->receive_window;
    told->total_rto = (uint16_t)info->timeouts;
    told->total_rto_recoveries = (uint16_t)info->timeout_runs;
}

int strata_linux_tcp_info(struct strata_host *host, strata_socket handle, void *info, size_t size)
{
    struct strata_tcp_info known = {.size = sizeof known};
    int error = strata_tcp_info(host, handle, &known);
    if (error < 0)
        return error;
    if (!info && size > 0)
        return -EINVAL;
    struct strata_linux_tcp_info told = translate(&known);
    count(&known, &told);
    size_t bytes = size < sizeof told ? size : sizeof told;
    if (bytes > 0)
        memcpy(info, &told, bytes);
    return (int)bytes;
}

int strata_linux_tcp_cc_info(struct strata_host *host, strata_socket handle, void *info, size_t size)
{
    const struct socket *socket = socket_find(sockets_of(host), handle);
    uint32_t words[TCP_CC_WORDS] = {0};
    if (!socket)
        return -EBADF;
    if (socket->kind == SOCKET_DATAGRAM)
        return -EOPNOTSUPP;
    if (!info && size > 0)
        return -EINVAL;
    size_t bytes = 0;
    if (socket->kind == SOCKET_CONNECTION)
        bytes = tcp_congestion_info(socket->connection, words) * sizeof *words;
    if (bytes > size)
        bytes = size;
    if (bytes > 0)
        memcpy(info, words, bytes);
    return (int)bytes;
}
