/*
 * A segment arrives (RFC 9293 3.10.7): the steps of 3.10.7.3 and 3.10.7.4, one function each.
 *
 *     timestamps (RFC 7323 5) -> first: sequence number -> second: RST -> (third: security, historic)
 *         -> fourth: SYN -> fifth: ACK -> sixth: URG -> seventh: text -> eighth: FIN
 *
 * A step says whether the next one follows. When it says no the connection may be gone. Nothing is sent from
 * here: what a segment calls for is marked, and said when output is asked. (Segments without a connection are
 * answered through the port's queue; see reply.c.)
 */
#include "transport/tcp/input.h"
#include "transport/tcp/ack_delay.h"
#include "transport/tcp/acknowledge.h"
#include "transport/tcp/autotune.h"
#include "transport/tcp/congestion.h"
#include "transport/tcp/demux.h"
#include "transport/tcp/ecn.h"
#include "transport/tcp/fast_open.h"
#include "transport/tcp/half_open.h"
#include "transport/tcp/listen.h"
#include "transport/tcp/mtu.h"
#include "transport/tcp/output.h"
#include "transport/tcp/patience.h"
#include "transport/tcp/receive.h"
#include "transport/tcp/recovery.h"
#include "transport/tcp/reply.h"
#include "transport/tcp/sack.h"
#include "transport/tcp/state.h"
#include "transport/tcp/time_wait.h"
#include "transport/tcp/urgent.h"
#include "transport/tcp/timers.h"
#include "wire/checksum.h"

#include <errno.h>

/** RFC 7323-12: a timestamp older than 24 days says nothing, the clock may have wrapped. */
#define TIMESTAMP_VALID_S (24u * 24 * 3600)
#define MSS_DEFAULT_IPV4 536u
#define MSS_DEFAULT_IPV6 1220u
/** No path has a smaller MTU than 68 octets (RFC 791); what claims to wants to make us work. */
#define MSS_LEAST 28u
#define SCALE_MOST 14u

void input_drop(struct tcp *tcp, const struct segment *segment, enum counter reason)
{
    const struct net_packet *packet = segment->packet;
    core_drop(tcp->core, reason, packet->port, packet->datagram, packet->datagram_length);
}

/* ---- Before a connection is known ---------------------------------------------------------------------- */

static void trace_received(struct tcp *tcp, const struct segment *segment)
{
    const struct tcp_header *header = &segment->header;
    struct tcp_record key = demux_key(segment->packet, header);
    struct strata_trace_record trace = {
        .kind = STRATA_TRACE_TCP_RECEIVE,
        .port = (int16_t)segment->packet->port,
        .local = {.address = key.local, .scope = (uint32_t)key.scope, .port = key.local_port},
        .remote = {.address = key.remote, .scope = (uint32_t)key.scope, .port = key.remote_port},
        .value = {header->seq, header->ack, header->flags, header->window, segment->length},
    };
    const struct tcp_record *record = demux_find(tcp, &key);
    if (record && record->kind == TCP_RECORD_CONNECTION)
        trace.value[6] = (int64_t)(uint32_t)(header->seq - ((const struct tcp_connection *)(const void *)record)->irs);
    core_trace(tcp->core, &trace);
}

/** Header, options, checksum, addresses. @return false: dropped. */
static bool read_segment(struct tcp *tcp, const struct net_packet *packet, struct segment *segment)
{
    segment->packet = packet;
    int header_bytes = tcp_parse(&segment->header, packet->payload, packet->length);
    if (header_bytes < 0) {
        input_drop(tcp, segment, (enum counter)-header_bytes);
        return false;
    }
    // RFC 9293 MUST-3, unless whoever received it has done so.
    if (!(packet->meta->flags & STRATA_META_VERIFIED)) {
        uint64_t sum = checksum_pseudo(&packet->source, &packet->destination, PROTOCOL_TCP, (uint32_t)packet->length);
        if (!checksum_valid(checksum_add(sum, packet->payload, packet->length))) {
            input_drop(tcp, segment, COUNTER_tcp_drop_checksum);
            return false;
        }
    }
    // RFC 9293 MUST-57 and its like: a connection is between two hosts.
    if (packet->flags & (NET_PACKET_LINK_BROADCAST | NET_PACKET_BROADCAST | NET_PACKET_MULTICAST) ||
        segment->header.source_port == 0 || segment->header.destination_port == 0) {
        input_drop(tcp, segment, COUNTER_tcp_drop_address);
        return false;
    }
    segment->data = packet->payload + header_bytes;
    segment->length = (uint32_t)packet->length - (uint32_t)header_bytes;
    segment->seq = segment->header.seq;
    segment->ack = segment->header.ack;
    segment->flags = segment->header.flags;
    segment->window = segment->header.window;
    return true;
}

void input_packet(void *context, const struct net_packet *packet)
{
    struct tcp *tcp = context;
    struct segment segment;
    core_count(tcp->core, COUNTER_tcp_segments_received);
    if (!read_segment(tcp, packet, &segment))
        return;
    if (core_traces(tcp->core))
        trace_received(tcp, &segment);
    struct tcp_record key = demux_key(packet, &segment.header), *record = demux_find(tcp, &key);
    if (!record) {
        listen_input(tcp, &segment, NULL);
    } else if (record->kind == TCP_RECORD_CONNECTION) {
        input_segment(CONTAINER_OF(record, struct tcp_connection, record), &segment);
    } else if (record->kind == TCP_RECORD_HALF_OPEN) {
        half_open_input(tcp, CONTAINER_OF(record, struct tcp_half_open, record), &segment);
    } else {
        time_wait_input(tcp, CONTAINER_OF(record, struct tcp_time_wait, record), &segment);
    }
}

/** Whether what is for a record's local address is for it though the address is not ours. */
static bool is_transparent(const struct tcp_record *record)
{
    const void *whole = record; // which begins with its key
    if (record->kind == TCP_RECORD_CONNECTION)
        return ((const struct tcp_connection *)whole)->flags & FLAG_TRANSPARENT;
    if (record->kind == TCP_RECORD_HALF_OPEN)
        return ((const struct tcp_half_open *)whole)->listener->options.transparent;
    return ((const struct tcp_time_wait *)whole)->transparent;
}

bool input_wants(void *context, const struct net_packet *packet)
{
    struct tcp *tcp = context;
    struct tcp_header header;
    if (tcp->records.count == 0 && list_is_empty(&tcp->transparent))
        return false; // a router without TCP of its own
    if (tcp_parse(&header, packet->payload, packet->length) < 0)
        return false;
    struct tcp_record key = demux_key(packet, &header);
    const struct tcp_record *record = demux_find(tcp, &key);
    return record ? is_transparent(record) : listen_wants(tcp, &key, packet->port);
}

/* ---- The handshake is done ----------------------------------------------------------------------------- */

void input_take_options(struct tcp_connection *c, const struct tcp_options *options)
{
    bool ipv4 = strata_address_is_ipv4(&c->record.remote);
    uint32_t mss = options->has_mss ? options->mss : ipv4 ? MSS_DEFAULT_IPV4 : MSS_DEFAULT_IPV6; // RFC 9293 MUST-15
    c->peer_mss = (uint16_t)(mss > MSS_LEAST ? mss : MSS_LEAST);
    if (c->flags & FLAG_SCALING && options->has_scale) { // RFC 7323-1
        c->send_scale = options->scale < SCALE_MOST ? options->scale : SCALE_MOST; // RFC 7323-3
    } else {
        c->flags &= ~(uint32_t)FLAG_SCALING;
        c->receive_scale = 0;
    }
    if (c->flags & FLAG_TIMESTAMPS && options->has_timestamps) {
        c->ts_recent = options->ts_value;
        c->ts_recent_at_s = (uint32_t)(connection_now(c) / STRATA_SECOND);
    } else {
        c->flags &= ~(uint32_t)FLAG_TIMESTAMPS;
    }
    if (!options->sack_permitted)
        c->flags &= ~(uint32_t)FLAG_SACK; // RFC 2018-2
    if (options->has_user_timeout)
        user_timeout_heard(c, options->user_timeout);
    connection_update_mss(c);
    // What a full segment of the peer's will be, until one has come: its two in a row want an ACK (RFC 9293
    // SHLD-19).
    uint32_t full = c->own_mss < c->peer_mss ? c->own_mss : c->peer_mss, stamps = c->flags & FLAG_TIMESTAMPS ? 12 : 0;
    uint32_t data = full > stamps ? full - stamps : 1; // never none, whatever the peer says
    c->receive_mss = (uint16_t)(data < MSS_DEFAULT_IPV4 ? data : MSS_DEFAULT_IPV4);
    if (connection_core(c)->settings.tcp_buffer_segments && c->receive_bytes > full)
        receive_set_buffer(c, (c->receive_bytes + full - 1) / full * full);
}

void input_established(struct tcp_connection *c)
{
    state_change(c, STRATA_TCP_ESTABLISHED);
    core_count(connection_core(c), COUNTER_tcp_opened);
    ack_begin(c);
    mtu_begin(c);
    if (c->modes & MODE_FAST_OPEN && !(c->flags & FLAG_ACTIVE))
        fast_open_end(c); // data may be under way already, and its window has begun
    else
        congestion_begin(c);
    autotune_begin(c);
    timers_keep_alive(c);
    patience_begin(c);
    if (c->tuning->advertised_timeout_ns > 0)
        c->syn_marks |= SYN_TELL_TIMEOUT; // once more: what a SYN said may have gone with a cookie (RFC 5482 3.2)
    connection_event(c, STRATA_WRITABLE);
    if (c->flags & FLAG_FIN_QUEUED)
        state_change(c, STRATA_TCP_FIN_WAIT_1); // it was closed meanwhile (RFC 9293 3.10.4)
    connection_mark(c);
}

/* ---- The steps of RFC 9293 3.10.7.4 -------------------------------------------------------------------- */

/** An ACK in reply to what is not acceptable. For one that is itself but an ACK they are bounded, so that two
 * sides that disagree do not answer each other for ever. */
static void refuse(struct tcp_connection *c, const struct segment *segment)
{
    if (segment_space(segment) == 0) {
        output_challenge(c);
    } else {
        if (segment->length > 0 && seq_lt(segment->seq, c->rcv_nxt))
            sack_duplicate(c, segment->seq, seq_min(segment->seq + segment->length, c->rcv_nxt)); // RFC 2883-1
        // Nor may the answer be one that calls for an answer: it is an ACK and nothing else.
        c->modes |= MODE_REFUSED;
        c->marks |= MARK_ACK;
        connection_mark(c);
    }
}

/** RFC 7323 5.3: protection against wrapped sequence numbers, before the first step. */
static bool check_timestamps(struct tcp_connection *c, const struct segment *segment)
{
    const struct tcp_options *options = &segment->header.options;
    if (!(c->flags & FLAG_TIMESTAMPS) || segment->flags & TCP_RST)
        return true; // RFC 7323-7; RFC 7323-11
    if (!options->has_timestamps) {
        if (connection_core(c)->settings.tcp_missing_timestamps)
            return true;
        input_drop(c->tcp, segment, COUNTER_tcp_drop_no_timestamp); // RFC 7323-6
        return false;
    }
    uint32_t now_s = (uint32_t)(connection_now(c) / STRATA_SECOND);
    if ((int32_t)(options->ts_value - c->ts_recent) < 0 && now_s - c->ts_recent_at_s <= TIMESTAMP_VALID_S) {
        input_drop(c->tcp, segment, COUNTER_tcp_drop_paws);
        refuse(c, segment); // RFC 7323-10
        return false;
    }
    return true;
}

/** RFC 7323-8, once the segment has proved acceptable. */
static void take_timestamp(struct tcp_connection *c, const struct segment *segment)
{
    const struct tcp_options *options = &segment->header.options;
    if (!(c->flags & FLAG_TIMESTAMPS) || !options->has_timestamps || seq_gt(segment->header.seq, c->last_ack_sent))
        return;
    if (segment->flags & TCP_ACK && seq_gt(segment->ack, c->snd_nxt))
        return; // the fifth step will refuse it
    c->ts_recent = options->ts_value;
    c->ts_recent_at_s = (uint32_t)(connection_now(c) / STRATA_SECOND);
    if (segment->length > 0 && options->ts_echo != c->tune_mark)
        autotune_echo(c, options->ts_echo);
}

/** Cuts off what lies outside the window, SYN and FIN included. The window is never more than 2^30 octets. */
static void trim(struct tcp_connection *c, struct segment *segment)
{
    int32_t old = seq_diff(c->rcv_nxt, segment->seq);
    if (old > 0) {
        uint32_t cut = (uint32_t)old < segment->length ? (uint32_t)old : segment->length;
        if ((uint32_t)old > segment->length)
            segment->flags &= (uint16_t)~TCP_FIN; // behind all of the data, and before RCV.NXT
        if (cut > 0)
            sack_duplicate(c, segment->seq, segment->seq + cut); // RFC 2883-1
        segment->data += cut;
        segment->length -= cut;
        segment->seq = c->rcv_nxt;
    }
    uint32_t room = c->rcv_adv - segment->seq;
    if (segment->length + (segment->flags & TCP_FIN ? 1u : 0u) > room) {
        if (segment->length > room)
            segment->length = room;
        segment->flags &= (uint16_t)~TCP_FIN;
        c->marks |= MARK_ACK;
        connection_mark(c);
    }
}

/** First step: the four cases (RFC 9293-4). */
static bool check_sequence(struct tcp_connection *c, struct segment *segment)
{
    uint32_t window = c->rcv_adv - c->rcv_nxt, space = segment_space(segment);
    int32_t from = seq_diff(segment->seq, c->rcv_nxt);
    bool acceptable;
    if (space == 0)
        // ACKs at the right edge too, beyond what the RFC's table says: a peer that has filled our window has
        // its SND.NXT there, and what it acknowledges from there must count.
        acceptable = from >= 0 && ((uint32_t)from < window || (from == 0 && window == 0) ||
                                   ((uint32_t)from == window && !(segment->flags & TCP_RST)));
    else
        // With a window of zero only what is next, and of it only ACK, URG and RST (RFC 9293 MUST-66).
        acceptable = (from < 0 ? (int64_t)from + space > 0 : (uint32_t)from < window) || (window == 0 && from == 0);
    if (acceptable) {
        trim(c, segment);
        return true;
    }
    // BSD counts what fits in the buffer as its window, offered or not.
    if (segment->flags & TCP_RST && connection_core(c)->settings.tcp_window_is_buffer && from >= 0 &&
        (uint32_t)from < c->receive_bytes - c->receive.length)
        return true;
    if (segment->flags & TCP_RST) {
        input_drop(c->tcp, segment, COUNTER_tcp_drop_reset); // RFC 5961-1: outside of the window, in silence
        return false;
    }
    input_drop(c->tcp, segment, COUNTER_tcp_drop_unacceptable);
    refuse(c, segment);
    return false;
}

/** Second step (RFC 5961-1). */
static bool check_reset(struct tcp_connection *c, const struct segment *segment)
{
    if (!(segment->flags & TCP_RST))
        return true;
    const struct settings *settings = &connection_core(c)->settings;
    if (segment->header.seq != c->rcv_nxt && !settings->tcp_insecure_rst) {
        input_drop(c->tcp, segment, COUNTER_tcp_drop_reset);
        output_challenge(c);
        return false;
    }
    int error = ECONNRESET; // RFC 9293 MUST-12: the program learns that it was no orderly close
    if (connection_is_fast(c))
        fast_open_reset(c);
    else if (c->state == STRATA_TCP_SYN_RECEIVED)
        error = ECONNREFUSED;
    else if ((c->state == STRATA_TCP_CLOSING || c->state == STRATA_TCP_LAST_ACK) && !settings->tcp_reset_is_error)
        error = 0; // both sides had finished
    connection_end(c, error);
    return false;
}

/** Fourth step (RFC 5961-2). In SYN-RECEIVED of a simultaneous open their SYN may come again, with our ACK.
 * */
static bool check_syn(struct tcp_connection *c, struct segment *segment)
{
    if (!(segment->flags & TCP_SYN) || segment->flags & TCP_RST)
        return true;
    if (c->state == STRATA_TCP_SYN_RECEIVED && segment->seq == c->irs) {
        if (segment->flags & TCP_ACK)
            sack_duplicate(c, c->irs, c->irs + 1); // RFC 2883-1: it came before, without our ACK
        segment->seq++;
        segment->flags &= (uint16_t)~TCP_SYN;
        c->marks |= segment->flags & TCP_ACK ? MARK_ACK : MARK_SYN;
        connection_mark(c);
        return segment->flags & TCP_ACK;
    }
    input_drop(c->tcp, segment, COUNTER_tcp_drop_syn);
    const struct settings *settings = &connection_core(c)->settings;
    uint32_t ahead = segment->seq - c->rcv_nxt, window = c->rcv_adv - c->rcv_nxt;
    if (settings->tcp_window_is_buffer && window < c->receive_bytes - c->receive.length)
        window = c->receive_bytes - c->receive.length;
    if (settings->tcp_insecure_syn && ahead < window)
        connection_reset(c, ECONNRESET);
    else
        output_challenge(c);
    return false;
}

/** Fifth step: ACK. */
static bool check_ack(struct tcp_connection *c, struct segment *segment)
{
    if (!(segment->flags & TCP_ACK))
        return false;
    if (c->state != STRATA_TCP_SYN_RECEIVED)
        return acknowledge_segment(c, segment);
    if (seq_le(segment->ack, c->snd_una) || seq_gt(segment->ack, c->snd_nxt)) {
        input_drop(c->tcp, segment, COUNTER_tcp_drop_ack);
        reply_reset(c->tcp, segment);
        return false;
    }
    acknowledge_syn(c, segment);
    acknowledge_window(c, segment);
    input_established(c);
    // Of data that went right behind our SYN-ACK the first ACK may tell that some is missing (RFC 7413 4.2.2).
    return segment->header.options.sack_count == 0 || acknowledge_segment(c, segment);
}

/** Seventh and eighth step. */
static void check_text(struct tcp_connection *c, struct segment *segment)
{
    if (segment->length == 0 && !(segment->flags & TCP_FIN))
        return;
    if (!connection_may_receive(c))
        return;
    // RFC 9293 SHLD-3: the program has closed and will never read this; the peer must know.
    if (c->flags & FLAG_ORPHAN && segment->length > 0) {
        input_drop(c->tcp, segment, COUNTER_tcp_drop_after_close);
        if (segment->flags & TCP_ACK && connection_core(c)->settings.tcp_reset_by_ack) {
            reply_reset(c->tcp, segment);
            connection_end(c, 0);
        } else {
            connection_reset(c, 0);
        }
        return;
    }
    if (c->modes & MODE_ECN && segment->length > 0)
        ecn_received(c, segment); // RFC 3168-7: what lies outside the window has been dropped before
    receive_segment(c, segment);
}

/* ---- SYN-SENT (RFC 9293 3.10.7.3) ---------------------------------------------------------------------- */

/** The SYN of the peer, with or without an ACK of ours. @return whether the sixth step follows. */
static bool syn_sent_syn(struct tcp_connection *c, struct segment *segment)
{
    uint32_t offered = c->rcv_adv - c->rcv_nxt;
    c->irs = segment->seq;
    c->rcv_nxt = segment->seq + 1;
    c->rcv_adv = c->rcv_nxt + offered;
    c->last_ack_sent = c->rcv_nxt;
    c->rcv_up = c->rcv_nxt;
    input_take_options(c, &segment->header.options);
    ecn_answered(c, segment);
    segment->seq++;
    acknowledge_window(c, segment);
    if (!(segment->flags & TCP_ACK)) {
        // Simultaneous open (RFC 9293 MUST-10): their SYN crossed ours.
        state_change(c, STRATA_TCP_SYN_RECEIVED);
        c->syn_marks &= (uint8_t)~SYN_DEFERRED; // the data goes when the handshake is done
        c->marks |= MARK_SYN;
        timers_sent(c);
        connection_mark(c);
        return false;
    }
    fast_open_answered(c, segment);
    acknowledge_syn(c, segment);
    input_established(c);
    c->marks |= MARK_ACK;
    return true;
}

/** Whether a SYN-ACK echoes a timestamp that a SYN of ours can have had; one of another incarnation does not. */
static bool echoes_ours(const struct tcp_connection *c, const struct segment *segment)
{
    const struct tcp_options *options = &segment->header.options;
    if ((segment->flags & (TCP_SYN | TCP_ACK)) != (TCP_SYN | TCP_ACK) || !(c->flags & FLAG_TIMESTAMPS) ||
        !options->has_timestamps || options->ts_echo == 0)
        return true;
    uint32_t first = tcp_timestamp_at(c->unacked_since, c->ts_offset);
    return options->ts_echo - first <= tcp_timestamp(connection_core(c), c->ts_offset) - first;
}

static void syn_sent_arrives(struct tcp_connection *c, struct segment *segment)
{
    struct tcp *tcp = c->tcp;
    // First: an ACK of what we did not send (RFC 9293-3).
    if (segment->flags & TCP_ACK && (seq_le(segment->ack, c->iss) || seq_gt(segment->ack, c->snd_nxt))) {
        input_drop(tcp, segment, COUNTER_tcp_drop_ack);
        reply_reset(tcp, segment);
        return;
    }
    // Second: RST counts only with an acceptable ACK.
    if (segment->flags & TCP_RST) {
        if (segment->flags & TCP_ACK && ecn_fall_back(c))
            timers_ask_again(c); // some answer so whoever asks for ECN (RFC 3168-8)
        else if (segment->flags & TCP_ACK)
            connection_end(c, ECONNREFUSED);
        else
            input_drop(tcp, segment, COUNTER_tcp_drop_reset);
        return;
    }
    if (!echoes_ours(c, segment)) {
        input_drop(tcp, segment, COUNTER_tcp_drop_paws);
        reply_reset(tcp, segment);
        return;
    }
    // Fourth; fifth: neither SYN nor RST is nothing.
    if (!(segment->flags & TCP_SYN)) {
        input_drop(tcp, segment, COUNTER_tcp_drop_syn);
        return;
    }
    if (!syn_sent_syn(c, segment))
        return;
    // Text and FIN that came with the SYN-ACK, as far as they lie in the window our SYN offered.
    c->data_segments_received += segment->length > 0;
    trim(c, segment);
    urgent_arrives(c, segment);
    check_text(c, segment);
}

/* ---- The common case ----------------------------------------------------------------------------------- */

/** Header prediction: in ESTABLISHED, the next data in order, an ACK of what is out, or both; nothing else to
 * think about. @return whether that was it. */
static bool predicted(struct tcp_connection *c, struct segment *segment)
{
    const struct tcp_options *options = &segment->header.options;
    if (c->state != STRATA_TCP_ESTABLISHED || (segment->flags & ~TCP_PSH) != TCP_ACK || segment->seq != c->rcv_nxt ||
        segment->window != c->snd_wnd || c->out_of_order || options->sack_count | options->has_user_timeout ||
        c->flags & (FLAG_PERSIST | FLAG_READ_SHUT))
        return false;
    if (c->flags & FLAG_TIMESTAMPS &&
        (!options->has_timestamps || (int32_t)(options->ts_value - c->ts_recent) < 0))
        return false;
    if (segment->length == 0) {
        if (seq_le(segment->ack, c->snd_una) || seq_gt(segment->ack, c->snd_nxt))
            return false;
        take_timestamp(c, segment);
        c->snd_wl1 = segment->seq;
        c->snd_wl2 = segment->ack;
        acknowledge_predicted(c, segment); // in ESTABLISHED no FIN of ours is out, so the connection lives on
        return true;
    }
    bool advances = segment->ack != c->snd_una;
    if (segment->length > c->rcv_adv - c->rcv_nxt || (c->modes & MODE_ECN && ecn_is_news(c, segment)) ||
        (advances && (seq_lt(segment->ack, c->snd_una) || seq_gt(segment->ack, c->snd_nxt))))
        return false;
    take_timestamp(c, segment);
    c->snd_wl1 = segment->seq; // follows, so that the window's number never seems to lie ahead after 2^31 octets
    c->snd_wl2 = segment->ack;
    if (advances)
        acknowledge_predicted(c, segment); // a request's answer
    receive_in_order(c, segment, segment->length);
    return true;
}

void input_segment(struct tcp_connection *c, struct segment *segment)
{
    connection_check(c);
    c->segments_received++;
    c->received_tos = segment->packet->tos; // RFC 9293 MAY-9
    if (segment->packet->ttl < c->tuning->ttl_least) {
        input_drop(c->tcp, segment, COUNTER_tcp_drop_ttl); // RFC 5082 3
        return;
    }
    c->last_received = connection_now(c);
    if (c->state == STRATA_TCP_SYN_SENT) {
        syn_sent_arrives(c, segment);
        return;
    }
    c->data_segments_received += segment->length > 0;
    if (!(segment->flags & TCP_SYN))
        segment->window <<= c->send_scale; // RFC 7323-2
    c->keep_probes = 0;
    if (predicted(c, segment)) {
        connection_check(c);
        return;
    }
    // RFC 5961-2: a SYN is challenged whatever its timestamp, or a peer that has lost its memory never learns of it.
    if (!check_syn(c, segment) || !check_timestamps(c, segment) || !check_sequence(c, segment) ||
        !check_reset(c, segment))
        return;
    take_timestamp(c, segment);
    if (segment->header.options.has_user_timeout)
        user_timeout_heard(c, segment->header.options.user_timeout);
    if (!check_ack(c, segment))
        return;
    urgent_arrives(c, segment);
    check_text(c, segment);
}

/* ---- What ICMP says ------------------------------------------------------------------------------------ */

/** The connection or half-open connection that an ICMP error quotes, if it quotes something that is under way
 * (RFC 9293 MUST-54, RFC 5927 4.1). */
static struct tcp_record *quoted_record(struct tcp *tcp, const struct net_error *error)
{
    struct tcp_quote quote;
    if (!tcp_parse_quote(&quote, error->quoted, error->quoted_length))
        return NULL;
    struct strata_endpoint local = {.address = error->source, .port = quote.source_port};
    struct strata_endpoint remote = {.address = error->destination, .scope = (uint32_t)error->port,
                                     .port = quote.destination_port};
    struct tcp_record key = demux_key_of(&local, &remote), *record = demux_find(tcp, &key);
    if (!record || record->kind == TCP_RECORD_TIME_WAIT)
        return NULL;
    const void *whole = record; // which begins with its key
    const struct tcp_half_open *half_open = whole;
    if (record->kind == TCP_RECORD_HALF_OPEN)
        return quote.seq == half_open->iss && !half_open->undecided ? record : NULL;
    const struct tcp_connection *c = whole;
    // An ACK stands at SND.NXT, and with its options one may be too large for a path.
    bool bare = error->error == EMSGSIZE && quote.seq == c->snd_nxt;
    return seq_le(c->snd_una, quote.seq) && (seq_lt(quote.seq, c->snd_nxt) || bare) ? record : NULL;
}

bool input_owns(void *context, const struct net_error *error)
{
    return quoted_record(context, error) != NULL;
}

/** What of ICMP ends an opening: strata.tcp_icmp_ends_opening. */
enum icmp_ends {
    ICMP_ENDS_HARD,       /**< Protocol and port unreachable (RFC 9293 SHLD-26). */
    ICMP_ENDS_ALL,        /**< Every error. */
    ICMP_ENDS_PROHIBITED, /**< The hard ones and what is prohibited; always as ECONNREFUSED. */
    ICMP_ENDS_NOTHING,
};

/** @return the error that an opening ends with, or 0: it goes on. */
static int ends_opening(const struct tcp *tcp, const struct net_error *error)
{
    if (error->error == EMSGSIZE)
        return 0;
    bool unreachable = error->type == (error->ipv6 ? 1 : 3);
    bool prohibited = error->ipv6 ? error->code == 1 : error->code == 9 || error->code == 10 || error->code == 13;
    switch ((enum icmp_ends)tcp->core->settings.tcp_icmp_ends_opening) {
    case ICMP_ENDS_ALL:
        return error->error;
    case ICMP_ENDS_PROHIBITED:
        return error->hard || (unreachable && prohibited) ? ECONNREFUSED : 0;
    case ICMP_ENDS_NOTHING:
        return 0;
    default:
        return error->hard ? error->error : 0;
    }
}

void input_error(void *context, const struct net_error *error)
{
    struct tcp *tcp = context;
    if (tcp->replying)
        return;
    struct tcp_record *record = quoted_record(tcp, error);
    if (!record) {
        core_count(tcp->core, COUNTER_icmp_drop_quote);
        return;
    }
    // What no program knows as a connection yet may be forgotten sooner.
    int ends = ends_opening(tcp, error);
    if (record->kind == TCP_RECORD_HALF_OPEN) {
        if (ends)
            half_open_free(tcp, CONTAINER_OF(record, struct tcp_half_open, record));
        return;
    }
    struct tcp_connection *c = CONTAINER_OF(record, struct tcp_connection, record);
    connection_check(c);
    if (error->error == EMSGSIZE) {
        // Path MTU discovery: the network room has learned it, we follow (RFC 1191-5).
        uint16_t before = c->smss;
        if (connection_find_path(c) == 0 && c->smss < before) {
            fast_open_smaller_mtu(c);
            recovery_smaller_mtu(c);
        }
        return;
    }
    // RFC 9293 SHLD-26, but only until the handshake is done: later a real peer answers for itself, and whoever can
    // guess what is in flight must not end connections (RFC 5927 5.2).
    if (ends && !connection_is_synchronized(c)) {
        connection_end(c, ends);
        return;
    }
    // RFC 9293 MUST-56: a soft error ends nothing; it is kept (RFC 9293 MUST-47, SHLD-25).
    c->soft_error = (uint8_t)error->error;
    if (c->flags & FLAG_RECEIVE_ERRORS)
        connection_event(c, STRATA_ERROR);
}
