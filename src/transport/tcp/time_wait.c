/*
 * TIME-WAIT as a small record (RFC 9293 3.6.1 and 3.10.7.4, RFC 1337, RFC 6191).
 *
 * All records wait equally long, so that a list in order of expiry and one timer suffice. When there are too
 * many, the oldest goes: it has protected the longest.
 */
#include "transport/tcp/time_wait.h"
#include "transport/tcp/demux.h"
#include "transport/tcp/listen.h"
#include "transport/tcp/receive.h"
#include "transport/tcp/reply.h"
#include "transport/tcp/state.h"
#include "transport/tcp/timers.h"

static uint32_t now_ms(const struct tcp *tcp)
{
    return tcp->core->now_ms;
}

void time_wait_free(struct tcp *tcp, struct tcp_time_wait *record)
{
    demux_remove(tcp, &record->record);
    list_remove(&record->node);
    tcp->time_wait_count--;
    memory_release(&tcp->core->memory, record, sizeof *record);
}

static void arm(struct tcp *tcp)
{
    struct list *first = list_first(&tcp->time_wait);
    if (!first || timer_is_armed(&tcp->time_wait_timer))
        return;
    const struct tcp_time_wait *record = CONTAINER_OF(first, struct tcp_time_wait, node);
    int32_t left = (int32_t)(record->expiry_ms - now_ms(tcp));
    wheel_arm(&tcp->core->wheel, &tcp->time_wait_timer,
              (tcp->core->now / STRATA_MILLISECOND + (left > 0 ? left : 0)) * STRATA_MILLISECOND);
}

static void fire(struct timer *timer, strata_time now)
{
    struct tcp *tcp = CONTAINER_OF(timer, struct tcp, time_wait_timer);
    (void)now;
    for (struct list *first; (first = list_first(&tcp->time_wait));) {
        struct tcp_time_wait *record = CONTAINER_OF(first, struct tcp_time_wait, node);
        if ((int32_t)(record->expiry_ms - now_ms(tcp)) > 0)
            break;
        if (core_traces(tcp->core)) {
            struct strata_trace_record trace = {.kind = STRATA_TRACE_TCP_TIMER, .port = -1, .value = {TIMER_TIME_WAIT}};
            core_trace(tcp->core, &trace);
        }
        state_trace(tcp, &record->record, STRATA_TCP_TIME_WAIT, STRATA_TCP_CLOSED);
        time_wait_free(tcp, record);
    }
    arm(tcp);
}

void time_wait_init(struct tcp *tcp)
{
    list_init(&tcp->time_wait);
    timer_init(&tcp->time_wait_timer, fire);
}

/** (Re-)starts the 2 MSL (RFC 9293 MUST-13). */
static void start(struct tcp *tcp, struct tcp_time_wait *record)
{
    // One more millisecond: the count of whole ones may have been about to change.
    record->expiry_ms = now_ms(tcp) + 2 * (uint32_t)tcp->core->settings.tcp_msl_ms + 1;
    list_remove(&record->node);
    list_push_back(&tcp->time_wait, &record->node);
    arm(tcp);
}

void time_wait_enter(struct tcp_connection *c)
{
    struct tcp *tcp = c->tcp;
    int64_t most = tcp->core->settings.tcp_time_wait;
    state_change(c, STRATA_TCP_TIME_WAIT);
    while (tcp->time_wait_count > 0 && tcp->time_wait_count >= most && list_first(&tcp->time_wait))
        time_wait_free(tcp, CONTAINER_OF(list_first(&tcp->time_wait), struct tcp_time_wait, node));
    struct tcp_time_wait *record = NULL;
    if (tcp->time_wait_count < most)
        record = memory_allocate(&tcp->core->memory, sizeof *record);
    struct tcp_time_wait told = {
        .record = c->record,
        .snd_nxt = c->snd_nxt,
        .rcv_nxt = c->rcv_nxt,
        .ts_recent = c->ts_recent,
        .ts_offset = c->ts_offset,
        .ttl = c->ttl,
        .timestamps = (c->flags & FLAG_TIMESTAMPS) != 0,
        .transparent = (c->flags & FLAG_TRANSPARENT) != 0,
    };
    told.window = receive_offer(c, false);
    if (record) {
        *record = told;
        record->record.kind = TCP_RECORD_TIME_WAIT;
        record->record.listed = false;
        list_init(&record->node);
        demux_replace(tcp, &c->record, &record->record);
        tcp->time_wait_count++;
        start(tcp, record);
    }
    // Where the peer's FIN brought us here it wants its ACK, and no connection will speak any more.
    if (c->marks & MARK_ACK || c->acks_owed > 0)
        reply_time_wait(tcp, &told);
    connection_unlist(c);
    connection_event(c, STRATA_HANGUP);
    if (c->flags & FLAG_ORPHAN)
        connection_free(c);
    else
        list_push_back(&tcp->closed, &c->speaker.node); // its program may still have something to read
}

void time_wait_shadow(struct tcp *tcp, struct tcp_time_wait *record)
{
    demux_remove(tcp, &record->record);
    list_remove(&record->node);
}

void time_wait_return(struct tcp *tcp, struct tcp_time_wait *record)
{
    if ((int32_t)(record->expiry_ms - now_ms(tcp)) <= 0 || demux_find(tcp, &record->record) ||
        demux_add(tcp, &record->record) < 0) {
        time_wait_free(tcp, record);
        return;
    }
    struct list *position = tcp->time_wait.next;
    while (position != &tcp->time_wait &&
           (int32_t)(CONTAINER_OF(position, struct tcp_time_wait, node)->expiry_ms - record->expiry_ms) <= 0)
        position = position->next;
    list_insert_before(position, &record->node);
    wheel_disarm(&tcp->core->wheel, &tcp->time_wait_timer);
    arm(tcp);
}

/** Whether a SYN is of a new incarnation (RFC 6191 2). */
static bool is_new(const struct tcp_time_wait *record, const struct segment *segment)
{
    const struct tcp_options *options = &segment->header.options;
    bool greater = seq_gt(segment->seq, record->rcv_nxt - 1);
    if (record->timestamps && options->has_timestamps) {
        // RFC 6191-1: a greater timestamp, or the same with a greater sequence number.
        int32_t newer = (int32_t)(options->ts_value - record->ts_recent);
        return newer > 0 || (newer == 0 && greater);
    }
    if (!record->timestamps && options->has_timestamps)
        return true; // RFC 6191-3
    return greater; // RFC 6191-2
}

bool time_wait_may_follow(const struct tcp *tcp, const struct tcp_time_wait *record)
{
    const struct settings *settings = &tcp->core->settings;
    bool reuse = settings->tcp_tw_reuse == 1 ||
                 (settings->tcp_tw_reuse == 2 && address_is_loopback(&record->record.remote));
    // Our clock of milliseconds has surely gone on after a second, so that PAWS knows old from new.
    uint32_t since_ms = now_ms(tcp) - (record->expiry_ms - 2 * (uint32_t)settings->tcp_msl_ms - 1);
    return reuse && record->timestamps && settings->tcp_timestamps && since_ms >= 1000;
}

void time_wait_input(struct tcp *tcp, struct tcp_time_wait *record, struct segment *segment)
{
    const struct net_packet *packet = segment->packet;
    // RFC 1337-1: an RST ends nothing here, unless the program of the host insists (fix F1 is a setting in Linux too).
    if (segment->flags & TCP_RST) {
        if (!tcp->core->settings.tcp_rfc1337 && segment->seq == record->rcv_nxt) {
            state_trace(tcp, &record->record, STRATA_TCP_TIME_WAIT, STRATA_TCP_CLOSED);
            time_wait_free(tcp, record);
            return;
        }
        core_drop(tcp->core, COUNTER_tcp_drop_reset, packet->port, packet->datagram, packet->datagram_length);
        return;
    }
    if ((segment->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN) {
        if (!is_new(record, segment)) {
            core_drop(tcp->core, COUNTER_tcp_drop_syn, packet->port, packet->datagram, packet->datagram_length);
            return; // RFC 6191-3: otherwise in silence
        }
        listen_input(tcp, segment, record);
        return;
    }
    const struct tcp_options *options = &segment->header.options;
    bool old = record->timestamps && options->has_timestamps && (int32_t)(options->ts_value - record->ts_recent) < 0;
    if (segment_space(segment) == 0) {
        // An ACK where we expect it, or one that asks for nothing: the peer's FIN or SYN would. To answer ACKs by ACKs
        // could go on for ever where the other side is of another opinion.
        if (old || segment->seq != record->rcv_nxt)
            core_count(tcp->core, old ? COUNTER_tcp_drop_paws : COUNTER_tcp_drop_unacceptable);
        return;
    }
    bool acceptable = segment->seq - record->rcv_nxt < (record->window > 0 ? record->window : 1u);
    if (!(segment->flags & TCP_ACK) && acceptable && !old) {
        core_count(tcp->core, COUNTER_tcp_drop_unacceptable); // RFC 9293 3.10.7.4, fifth: the segment is dropped
        return;
    }
    if (old) {
        core_count(tcp->core, COUNTER_tcp_drop_paws);
    } else if (segment->flags & TCP_FIN && segment->flags & TCP_ACK &&
               segment->seq + segment_space(segment) == record->rcv_nxt) {
        start(tcp, record); // RFC 9293-8
    }
    reply_time_wait(tcp, record);
}
