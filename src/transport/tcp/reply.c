/*
 * Replies that no connection owns (RFC 9293 3.5.2, 3.5.3, 3.10.7).
 */
#include "transport/tcp/reply.h"
#include "transport/tcp/cookie.h"
#include "transport/tcp/demux.h"
#include "transport/tcp/fast_open.h"
#include "transport/tcp/half_open.h"
#include "transport/tcp/patience.h"
#include "wire/checksum.h"

void reply_send(struct tcp *tcp, const struct tcp_record *record, struct tcp_header *header, int bound_port,
                uint8_t ttl, uint8_t tos)
{
    uint8_t bytes[TCP_HEADER_MAX];
    header->source_port = record->local_port;
    header->destination_port = record->remote_port;
    size_t length = tcp_emit(bytes, header);
    uint64_t sum = checksum_pseudo(&record->local, &record->remote, PROTOCOL_TCP, (uint32_t)length);
    tcp_put_checksum(bytes, checksum_finish(checksum_add(sum, bytes, length)));
    struct net_out out = {.source = record->local,
                          .destination = record->remote,
                          .protocol = PROTOCOL_TCP,
                          .ttl = ttl,
                          .tos = tos & (uint8_t)~ECN_FIELD, // RFC 3168-2
                          .dont_fragment = true};
    // A neighbour that is known not to answer would tell whoever is about to end, or waits for this to return.
    tcp->replying = true;
    int error = net_send(tcp->net, &out, (uint32_t)record->scope, bound_port, bytes, length);
    tcp->replying = false;
    if (error < 0)
        return; // counted there; whoever needs the reply asks again
    core_count(tcp->core, COUNTER_tcp_segments_sent);
    if (header->flags & TCP_RST)
        core_count(tcp->core, COUNTER_tcp_resets_sent);
    if (!core_traces(tcp->core))
        return;
    struct strata_trace_record trace = {
        .kind = STRATA_TRACE_TCP_SEND,
        .port = -1,
        .local = {.address = record->local, .scope = (uint32_t)record->scope, .port = record->local_port},
        .remote = {.address = record->remote, .scope = (uint32_t)record->scope, .port = record->remote_port},
        .value = {header->seq, header->ack, header->flags, header->window},
    };
    core_trace(tcp->core, &trace);
}

void reply_reset(struct tcp *tcp, const struct segment *segment)
{
    struct core *core = tcp->core;
    if (segment->flags & TCP_RST || segment->packet->flags & NET_PACKET_FOREIGN)
        return;
    int64_t second = core->now / STRATA_SECOND;
    if (tcp->reset_second != second) {
        // All share the budget, so that nobody may know how large it is: who could count on it would learn from what
        // is left of it whether segments in another's name were answered (CVE-2016-5696).
        int64_t most = core->settings.tcp_resets_per_second;
        tcp->reset_second = second;
        tcp->resets_left = most - (int64_t)random_below(&core->random, (uint64_t)most / 2 + 1);
    }
    if (tcp->resets_left <= 0) {
        core_count(core, COUNTER_tcp_resets_suppressed);
        return;
    }
    tcp->resets_left--;
    // RFC 9293-1: the number the other side waits for, or zero with an acknowledgement of all it said.
    struct tcp_header header = {.flags = TCP_RST};
    if (segment->flags & TCP_ACK) {
        header.seq = segment->ack;
    } else {
        header.ack = segment->seq + segment_space(segment);
        header.flags |= TCP_ACK;
    }
    struct strata_endpoint local = {.address = segment->packet->destination,
                                    .port = segment->header.destination_port};
    struct strata_endpoint remote = {.address = segment->packet->source,
                                     .scope = (uint32_t)segment->packet->port,
                                     .port = segment->header.source_port};
    struct tcp_record record = demux_key_of(&local, &remote);
    reply_send(tcp, &record, &header, 0, 0, 0);
}

void reply_abort(struct tcp_connection *c)
{
    struct tcp_header header = {.seq = c->snd_nxt, .ack = c->rcv_nxt, .flags = TCP_RST | TCP_ACK};
    // Beyond its window the peer would not believe it, as where the octet that probes a closed window is out.
    if (connection_is_synchronized(c) && seq_gt(c->snd_nxt, c->snd_una + c->snd_wnd))
        header.seq = c->snd_una + c->snd_wnd;
    if (c->flags & FLAG_TIMESTAMPS && connection_core(c)->settings.tcp_reset_timestamps) {
        header.options.has_timestamps = true; // RFC 7323 3.2: they should be there
        header.options.ts_value = tcp_timestamp(connection_core(c), c->ts_offset);
        header.options.ts_echo = c->ts_recent;
    }
    reply_send(c->tcp, &c->record, &header, c->tuning->bind_port, c->ttl, c->tos);
}

/** The timestamps of a half-open connection, where they were agreed on. */
static void half_open_timestamps(const struct tcp_half_open *half_open, struct tcp_options *options)
{
    const struct tcp *tcp = half_open->listener->tcp;
    if (!half_open->timestamps)
        return;
    options->has_timestamps = true;
    options->ts_value = half_open->stamped
                            ? cookie_timestamp(half_open)
                            : tcp_timestamp(tcp->core, tcp_timestamp_offset(tcp, &half_open->record));
    options->ts_echo = half_open->ts_recent;
}

void reply_syn_ack(struct tcp_half_open *half_open)
{
    const struct tcp_listener *listener = half_open->listener;
    struct tcp *tcp = listener->tcp;
    struct tcp_header header = {
        .seq = half_open->iss,
        .ack = half_open->irs + 1,
        .flags = TCP_SYN | TCP_ACK,
        .window = half_open->offered,
        .options = {.has_mss = true,
                    .mss = half_open->own_mss,
                    .has_scale = half_open->scaling,
                    .scale = half_open->own_scale,
                    .scale_first = tcp->core->settings.tcp_syn_options,
                    .sack_permitted = half_open->sack},
    };
    if (half_open->ecn)
        header.flags |= TCP_ECE; // RFC 3168-1
    half_open_timestamps(half_open, &header.options);
    if (listener->options.advertised_timeout_ns > 0) {
        header.options.has_user_timeout = true;
        header.options.user_timeout = user_timeout_encode(listener->options.advertised_timeout_ns);
    }
    uint8_t cookie[FAST_OPEN_COOKIE_BYTES];
    if (half_open->cookie_owed && half_open->retransmits == 0) { // RFC 7413-5
        header.options.has_fast_open = true;
        header.options.fast_open_experimental = half_open->cookie_experiment;
        header.options.fast_open_bytes = sizeof cookie;
        header.options.fast_open = cookie;
        fast_open_cookie(listener, &half_open->record, cookie);
    }
    reply_send(tcp, &half_open->record, &header, listener->options.bind_port, listener->options.ttl,
               listener->options.tos);
}

void reply_challenge(struct tcp_half_open *half_open)
{
    const struct tcp_listener *listener = half_open->listener;
    struct core *core = listener->tcp->core;
    // RFC 5961-4. A half-open connection does not live long, so that there is no need to count by the second.
    if (half_open->challenges >= core->settings.tcp_challenge_acks_per_second || half_open->challenges == UINT8_MAX) {
        core_count(core, COUNTER_tcp_challenge_acks_suppressed);
        return;
    }
    half_open->challenges++;
    struct tcp_header header = {.seq = half_open->iss + 1,
                                .ack = half_open->irs + 1,
                                .flags = TCP_ACK,
                                .window = half_open->offered};
    if (half_open->scaling)
        header.window >>= half_open->own_scale;
    half_open_timestamps(half_open, &header.options);
    core_count(core, COUNTER_tcp_challenge_acks);
    reply_send(listener->tcp, &half_open->record, &header, listener->options.bind_port, listener->options.ttl,
               listener->options.tos);
}

void reply_time_wait(struct tcp *tcp, const struct tcp_time_wait *record)
{
    struct tcp_header header = {.seq = record->snd_nxt, .ack = record->rcv_nxt, .flags = TCP_ACK,
                                .window = record->window};
    if (record->timestamps) {
        header.options.has_timestamps = true;
        header.options.ts_value = tcp_timestamp(tcp->core, record->ts_offset);
        header.options.ts_echo = record->ts_recent;
    }
    reply_send(tcp, &record->record, &header, 0, record->ttl, 0);
}
