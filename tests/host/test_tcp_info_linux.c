/**
 * tcp_info against an independent count: two hosts exchange data over a path that loses, reorders, goes dark and meets
 * closed windows, and every few milliseconds each field of strata_linux_tcp_info is compared with what the frames and
 * the trace of the same run say.
 */
#include "tests/host/pair.h"
#include "wire/ipv4.h"
#include "wire/tcp.h"

#include <errno.h>

#define SEGMENTS_MAX 4096
#define MS STRATA_MILLISECOND

/** One segment of data, as frames show it. */
struct sent_segment {
    uint32_t start, end;
    bool again, sacked;
};

/** What somebody who sees the frames of a host, and the records of its trace, knows of its connection. */
struct eye {
    struct pair *pair;
    /* Sending. Numbers relative to the SYN. */
    uint32_t iss, irs, sent_end, acked, syn_scale[2];
    bool knows_iss, knows_irs, fin_sent;
    struct sent_segment out[SEGMENTS_MAX];
    unsigned out_count;
    uint64_t segments, data_segments, bytes, resent_segments, resent_bytes;
    uint64_t duplicates, delivered;
    bool peer_probed; /**< A single octet was sent. */
    uint32_t peer_window, echoes;
    /* Receiving. */
    uint64_t segments_in, data_segments_in, ahead;
    uint32_t next, edge;
    struct sent_segment held[SEGMENTS_MAX];
    unsigned held_count;
    /* Times. */
    strata_time data_sent_at, data_received_at, received_at, established_at;
    /* The trace. */
    uint32_t cwnd, ssthresh, recovery;
    strata_time srtt, rttvar, rtt_least;
    uint64_t timeouts, timeout_runs;
    strata_time timeout_since, timeout_time;
};

/* ---- Frames -------------------------------------------------------------------------------------------- */

struct view {
    struct tcp_header tcp;
    uint32_t length;
};

/** The TCP segment in a frame. @return false: another one. */
static bool open_frame(struct view *view, const uint8_t *frame, size_t length)
{
    struct ipv4_header ip;
    if (length < 34 || frame[12] != 8 || frame[13] != 0 || ipv4_parse(&ip, frame + 14, length - 14) < 0 ||
        ip.protocol != PROTOCOL_TCP)
        return false;
    int header = tcp_parse(&view->tcp, frame + 14 + ip.header_bytes, (size_t)ip.total_bytes - ip.header_bytes);
    REQUIRE(header > 0);
    view->length = (uint32_t)ip.total_bytes - ip.header_bytes - (uint32_t)header;
    return true;
}

static void note_sent_data(struct eye *eye, uint32_t start, uint32_t length)
{
    uint32_t end = start + length;
    eye->data_segments++;
    eye->bytes += length;
    eye->peer_probed |= length == 1;
    eye->data_sent_at = eye->pair->now;
    if (start < eye->sent_end) {
        uint32_t again = (end < eye->sent_end ? end : eye->sent_end) - start;
        eye->resent_bytes += again;
        for (unsigned i = 0; i < eye->out_count; i++)
            if (eye->out[i].start >= start && eye->out[i].end <= end)
                eye->out[i].again = true;
    }
    if (end > eye->sent_end) {
        REQUIRE(eye->out_count < SEGMENTS_MAX);
        uint32_t fresh = eye->sent_end > start ? eye->sent_end : start;
        eye->out[eye->out_count++] = (struct sent_segment){.start = fresh, .end = end};
        eye->sent_end = end;
    }
}

static void frame_out(struct eye *eye, const struct view *view)
{
    const struct tcp_header *tcp = &view->tcp;
    if (tcp->flags & TCP_SYN) {
        eye->iss = tcp->seq;
        eye->syn_scale[0] = tcp->options.scale;
        if (eye->knows_iss)
            eye->resent_segments++;
        eye->knows_iss = true;
        eye->sent_end = 1;
        eye->acked = 1;
        eye->edge = tcp->flags & TCP_ACK ? 1u + tcp->window : tcp->window;
        if (!(tcp->flags & TCP_ACK))
            eye->segments++; // that of a listener is not the connection's
        return;
    }
    eye->segments++;
    uint32_t start = tcp->seq - eye->iss, before = eye->sent_end;
    if (view->length > 0)
        note_sent_data(eye, start, view->length);
    bool fin_again = tcp->flags & TCP_FIN && eye->fin_sent;
    eye->resent_segments += (view->length > 0 && start < before) || fin_again;
    eye->fin_sent |= (tcp->flags & TCP_FIN) != 0;
    uint32_t edge = tcp->ack - eye->irs + ((uint32_t)tcp->window << eye->syn_scale[0]);
    if (edge > eye->edge)
        eye->edge = edge;
}

static void note_received_data(struct eye *eye, uint32_t start, uint32_t length)
{
    uint32_t end = start + length;
    eye->data_segments_in++;
    if (end <= eye->next || end > eye->edge)
        return; // old, or beyond the window
    eye->data_received_at = eye->pair->now;
    if (start > eye->next) {
        eye->ahead++;
        REQUIRE(eye->held_count < SEGMENTS_MAX);
        eye->held[eye->held_count++] = (struct sent_segment){.start = start, .end = end};
        return;
    }
    eye->next = end;
    for (unsigned i = 0; i < eye->held_count; i++) // what was held joins, in whatever order it came
        if (eye->held[i].start <= eye->next && eye->held[i].end > eye->next) {
            eye->next = eye->held[i].end;
            i = UINT32_MAX;
        }
}

static void note_sack(struct eye *eye, const struct tcp_options *options, uint32_t ack)
{
    for (unsigned i = 0; i < options->sack_count; i++) {
        uint32_t start = options->sack[i].start - eye->iss, end = options->sack[i].end - eye->iss;
        uint32_t other_start = options->sack[1].start - eye->iss, other_end = options->sack[1].end - eye->iss;
        bool inside = options->sack_count > 1 && start >= other_start && end <= other_end;
        if (i == 0 && (end <= ack || inside)) {
            eye->duplicates++; // RFC 2883
            continue;
        }
        for (unsigned j = 0; j < eye->out_count; j++)
            if (eye->out[j].start >= start && eye->out[j].end <= end)
                eye->out[j].sacked = true;
    }
}

static void note_ack(struct eye *eye, const struct view *view)
{
    uint32_t ack = view->tcp.ack - eye->iss;
    note_sack(eye, &view->tcp.options, ack);
    if (ack > eye->acked && eye->timeout_since > 0) {
        eye->timeout_time += eye->pair->now - eye->timeout_since;
        eye->timeout_since = 0;
    }
    if (ack < eye->acked)
        return;
    eye->acked = ack;
    eye->peer_window = (uint32_t)view->tcp.window << eye->syn_scale[1];
    unsigned kept = 0;
    for (unsigned i = 0; i < eye->out_count; i++)
        if (eye->out[i].end > ack)
            eye->out[kept++] = eye->out[i];
    eye->delivered += eye->out_count - kept;
    eye->out_count = kept;
}

static void frame_in(struct eye *eye, const struct view *view)
{
    const struct tcp_header *tcp = &view->tcp;
    if (tcp->flags & TCP_SYN) {
        eye->irs = tcp->seq;
        eye->syn_scale[1] = tcp->options.scale;
        eye->knows_irs = true;
        eye->next = 1;
        eye->peer_window = tcp->window;
        if (!(tcp->flags & TCP_ACK))
            return; // for the listener
        eye->edge++; // our SYN offered from the peer's on, which it counts
    }
    eye->segments_in++;
    eye->received_at = eye->pair->now;
    if (eye->established_at == 0)
        eye->established_at = eye->data_sent_at = eye->data_received_at = eye->pair->now;
    if (!(tcp->flags & TCP_SYN))
        note_ack(eye, view);
    if (view->length > 0)
        note_received_data(eye, tcp->seq - eye->irs, view->length);
}

static void watch(void *context, const struct strata_trace_record *record)
{
    struct eye *eye = context;
    struct view view;
    switch (record->kind) {
    case STRATA_TRACE_FRAME_IN:
        if (open_frame(&view, record->frame, record->length))
            frame_in(eye, &view);
        break;
    case STRATA_TRACE_FRAME_OUT:
        if (open_frame(&view, record->frame, record->length))
            frame_out(eye, &view);
        break;
    case STRATA_TRACE_TCP_CWND:
        eye->cwnd = (uint32_t)record->value[0];
        eye->ssthresh = (uint32_t)record->value[1];
        eye->recovery = (uint32_t)record->value[3];
        break;
    case STRATA_TRACE_TCP_RTT:
        eye->srtt = record->value[1];
        eye->rttvar = record->value[2];
        if (eye->rtt_least == 0 || record->value[0] < eye->rtt_least)
            eye->rtt_least = record->value[0];
        break;
    case STRATA_TRACE_TCP_TIMER:
        if (record->value[0] != 1)
            break;
        eye->timeouts++;
        if (eye->timeout_since == 0) {
            eye->timeout_runs++;
            eye->timeout_since = record->time;
        }
        break;
    default:
        break;
    }
}

/* ---- Comparison ---------------------------------------------------------------------------------------- */

struct run {
    struct pair pair;
    struct eye eyes[2];
    strata_socket listener, client, server;
    uint64_t written, read;
    strata_time busy, window_limited; /**< By what the test did. */
    unsigned frames, lose_each, swap_each;
    bool dark;
    uint8_t kept[2000]; /**< A frame that is overtaken. */
    size_t kept_length;
    strata_time kept_until;
    unsigned samples;
};

static struct strata_linux_tcp_info ask(struct run *run, int side)
{
    struct strata_linux_tcp_info info;
    memset(&info, 0xee, sizeof info);
    strata_host_advance(run->pair.host[side], run->pair.now); // ages are counted from the last call
    CHECK_EQ(strata_linux_tcp_info(run->pair.host[side], side ? run->server : run->client, &info, sizeof info),
             sizeof info);
    return info;
}

static unsigned count_out(const struct eye *eye, bool sacked, bool again)
{
    unsigned count = 0;
    for (unsigned i = 0; i < eye->out_count; i++)
        count += (!sacked || eye->out[i].sacked) && (!again || (eye->out[i].again && !eye->out[i].sacked));
    return count;
}

static uint32_t passed_ms(const struct run *run, strata_time since)
{
    return (uint32_t)((run->pair.now - since) / MS);
}

static bool near(uint64_t a, uint64_t b, uint64_t by)
{
    return a > b ? a - b <= by : b - a <= by;
}

/** What both ends know. */
static void compare_both(struct run *run, const struct eye *eye, const struct strata_linux_tcp_info *info)
{
    CHECK_EQ(info->segs_out, eye->segments);
    CHECK_EQ(info->segs_in, eye->segments_in);
    CHECK_EQ(info->data_segs_out, eye->data_segments);
    CHECK_EQ(info->data_segs_in, eye->data_segments_in);
    CHECK_EQ(info->bytes_sent, eye->bytes);
    CHECK_EQ(info->bytes_retrans, eye->resent_bytes);
    CHECK_EQ(info->total_retrans, eye->resent_segments);
    CHECK_EQ(info->bytes_acked, eye->acked - 1);
    CHECK_EQ(info->bytes_received, eye->next - 1);
    CHECK_EQ(info->rcv_ooopack, eye->ahead);
    CHECK_EQ(info->snd_wnd, eye->peer_window);
    CHECK_EQ(info->rcv_wnd, eye->edge - eye->next);
    CHECK_EQ(info->dsack_dups, eye->duplicates);
    CHECK_EQ(info->unacked, eye->out_count);
    CHECK_EQ(info->sacked, count_out(eye, true, false));
    CHECK(info->retrans <= count_out(eye, false, true));
    CHECK((info->lost >= info->retrans || info->ca_state < 3) && info->lost + info->sacked <= info->unacked);
    CHECK_EQ(info->total_rto, eye->timeouts);
    CHECK_EQ(info->total_rto_recoveries, eye->timeout_runs);
    strata_time lasting = eye->timeout_since > 0 ? run->pair.now - eye->timeout_since : 0;
    CHECK(near(info->total_rto_time_ms, (uint64_t)(eye->timeout_time + lasting) / MS, eye->timeout_runs + 1));
    CHECK(near(info->last_data_sent_ms, passed_ms(run, eye->data_sent_at), 1));
    CHECK(near(info->last_data_recv_ms, passed_ms(run, eye->data_received_at), 1));
    CHECK(near(info->last_ack_recv_ms, passed_ms(run, eye->received_at), 1));
    CHECK_EQ(info->scales, eye->syn_scale[1] | eye->syn_scale[0] << 4);
    CHECK_EQ(info->rtt, eye->srtt / STRATA_MICROSECOND);
    CHECK_EQ(info->rttvar, eye->rttvar / STRATA_MICROSECOND);
    CHECK_EQ(info->min_rtt, eye->rtt_least / STRATA_MICROSECOND);
    // RFC 6298 2.3, 5.5.
    strata_time rto = eye->srtt + (4 * eye->rttvar > 200 * MS ? 4 * eye->rttvar : 200 * MS);
    CHECK_EQ(info->rto, (rto << info->backoff) / STRATA_MICROSECOND);
    CHECK_EQ(info->pmtu, 1500);
    CHECK_EQ(info->advmss, 1448);
    CHECK_EQ(info->snd_mss, 1448);
    CHECK_EQ(info->options, 7); // timestamps, SACK, scale
    CHECK_EQ(info->state, 1);
    CHECK(info->reordering == 3 || (info->reordering > 3 && info->reord_seen > 0));
    CHECK_EQ(info->fackets + info->last_ack_sent_ms + info->rehash + info->delivered_ce, 0);
    CHECK_EQ(info->max_pacing_rate, UINT64_MAX);
}

static void compare(struct run *run)
{
    static const uint8_t states[] = {0, 1, 3, 4, 2};
    struct strata_linux_tcp_info info = ask(run, 0);
    const struct eye *eye = &run->eyes[0];
    compare_both(run, eye, &info);
    CHECK_EQ(info.notsent_bytes, run->written - (eye->sent_end - 1));
    CHECK_EQ(info.snd_cwnd, eye->cwnd / 1448);
    CHECK_EQ(info.snd_ssthresh, eye->ssthresh >= INT32_MAX ? INT32_MAX : eye->ssthresh / 1448);
    CHECK_EQ(info.ca_state, states[eye->recovery]);
    CHECK_EQ(info.ato, 0);
    struct strata_linux_tcp_info other = ask(run, 1);
    compare_both(run, &run->eyes[1], &other);
    CHECK_EQ(other.notsent_bytes, 0);
    CHECK_EQ(other.busy_time, 0);
    if (other.data_segs_in > 0) {
        CHECK_EQ(other.rcv_mss, 1448);
        CHECK(other.ato >= 40000);
    }
    run->samples++;
}

/* ---- The path ------------------------------------------------------------------------------------------ */

static bool path(void *context, int from, const uint8_t *frame, size_t length)
{
    struct run *run = context;
    struct view view;
    if (run->dark)
        return true;
    if (from != 0 || !open_frame(&view, frame, length) || view.length == 0)
        return false;
    run->frames++;
    if (run->lose_each && run->frames % run->lose_each == 0)
        return true;
    if (run->swap_each && run->kept_length == 0 && run->frames % run->swap_each == 0) {
        memcpy(run->kept, frame, length);
        run->kept_length = length;
        run->kept_until = run->pair.now + 13 * MS; // behind those of the next 3 ms
        return true;
    }
    return false;
}

/** Time passes, and after each two milliseconds all is compared. */
static void go(struct run *run, strata_time duration)
{
    for (strata_time end = run->pair.now + duration; run->pair.now < end;) {
        pair_run(&run->pair, 2 * MS);
        if (run->kept_length > 0 && run->pair.now >= run->kept_until) {
            strata_host_input(run->pair.b, run->pair.port, run->kept, run->kept_length, NULL, run->pair.now);
            run->kept_length = 0;
            pair_settle(&run->pair);
        }
        compare(run);
    }
}

static void write_segments(struct run *run, unsigned segments)
{
    static uint8_t data[1448];
    for (unsigned i = 0; i < segments; i++) {
        if (strata_readiness(run->pair.a, run->client) < 0)
            break;
        int64_t taken = strata_write(run->pair.a, run->client, data, sizeof data, run->pair.now);
        CHECK_EQ(taken, sizeof data);
        run->written += taken > 0 ? (uint64_t)taken : 0;
    }
    pair_settle(&run->pair);
}

static void read_all(struct run *run)
{
    static uint8_t data[65536];
    int64_t got;
    while ((got = strata_read(run->pair.b, run->server, data, sizeof data, run->pair.now)) > 0)
        run->read += (uint64_t)got;
    pair_settle(&run->pair);
}

/** Until all of it has arrived and is acknowledged. */
static void finish(struct run *run)
{
    for (unsigned i = 0; i < 20000 && run->eyes[0].acked - 1 < run->written; i++) {
        read_all(run);
        go(run, 4 * MS);
    }
    CHECK_EQ(run->eyes[0].acked - 1, run->written);
    read_all(run);
    go(run, 100 * MS);
    CHECK_EQ(run->read, run->written);
    struct strata_linux_tcp_info info = ask(run, 0);
    CHECK_EQ(info.unacked + info.sacked + info.lost + info.retrans + info.notsent_bytes, 0);
    // And the SYN. An octet that probed a window, and what made a full segment of it, may count as one.
    CHECK(near(info.delivered, run->eyes[0].delivered + 1, run->eyes[0].peer_probed));
    CHECK_EQ(info.ca_state, 0);
}

static void start(struct run *run)
{
    memset(run, 0, sizeof *run);
    run->eyes[0].pair = run->eyes[1].pair = &run->pair;
    struct pair_config config = {.link = STRATA_LINK_ETHERNET, .delay_ns = 10 * MS, .trace = watch,
                                 .trace_context = {&run->eyes[0], &run->eyes[1]}};
    REQUIRE(pair_make(&run->pair, &config) == 0);
    run->pair.filter = path;
    run->pair.context = run;
    // A path that goes dark is not to be taken for one of a smaller MTU.
    CHECK_EQ(strata_set(run->pair.a, "net.ipv4.tcp_mtu_probing", 0), 0);
    pair_connect(&run->pair, false, 80, &run->listener, &run->client, &run->server);
    pair_settle(&run->pair);
    CHECK_EQ(strata_set_option(run->pair.a, run->client, STRATA_OPTION_SEND_BUFFER, 1 << 20, run->pair.now), 0);
    pair_settle(&run->pair);
    compare(run);
}

TEST(losses_and_timeouts)
{
    static struct run run;
    start(&run);
    write_segments(&run, 60);
    finish(&run);
    CHECK_EQ(ask(&run, 0).total_retrans + ask(&run, 1).rcv_ooopack, 0);
    run.lose_each = 11;
    write_segments(&run, 300);
    finish(&run);
    struct strata_linux_tcp_info info = ask(&run, 0);
    CHECK(info.total_retrans >= 10 && info.snd_ssthresh < 1000);
    CHECK(ask(&run, 1).rcv_ooopack > 10);
    // All goes dark for a while.
    write_segments(&run, 40);
    go(&run, 20 * MS);
    run.dark = true;
    go(&run, 3 * STRATA_SECOND);
    info = ask(&run, 0);
    CHECK_EQ(info.ca_state, 4);
    CHECK(info.retransmits >= 2 && info.backoff >= 2);
    run.dark = false;
    run.lose_each = 0;
    finish(&run);
    info = ask(&run, 0);
    CHECK(info.total_rto >= 2 && info.total_rto_recoveries >= 1 && info.total_rto_time_ms > 1000);
    CHECK_EQ(info.retransmits + info.probes, 0);
    CHECK(run.samples > 500);
    pair_free(&run.pair);
}

TEST(reordering)
{
    static struct run run;
    start(&run);
    run.swap_each = 23;
    for (unsigned i = 0; i < 10; i++) {
        write_segments(&run, 50);
        go(&run, 50 * MS);
        read_all(&run);
    }
    finish(&run);
    struct strata_linux_tcp_info info = ask(&run, 0);
    CHECK(info.reord_seen > 0);
    CHECK(ask(&run, 1).rcv_ooopack > 5);
    pair_free(&run.pair);
}

TEST(times_of_a_window_and_a_buffer_that_are_too_small)
{
    static struct run run;
    start(&run);
    struct strata_linux_tcp_info info = ask(&run, 0);
    CHECK_EQ(info.busy_time + info.rwnd_limited + info.sndbuf_limited, 0);
    strata_time began = run.pair.now;
    write_segments(&run, 10);
    go(&run, 10 * MS);
    info = ask(&run, 0);
    CHECK(near(info.busy_time, (uint64_t)(run.pair.now - began) / STRATA_MICROSECOND, 1000));
    finish(&run);
    strata_time busy = (strata_time)ask(&run, 0).busy_time * STRATA_MICROSECOND;
    CHECK(busy >= 20 * MS && busy <= 62 * MS); // a round trip, and a delayed ACK perhaps
    // The program at the other end reads nothing: the window closes.
    CHECK_EQ(strata_set_option(run.pair.b, run.server, STRATA_OPTION_RECEIVE_BUFFER, 16384, run.pair.now), 0);
    write_segments(&run, 200);
    go(&run, STRATA_SECOND);
    CHECK(ask(&run, 0).snd_wnd < 1448);
    uint64_t limited = ask(&run, 0).rwnd_limited;
    go(&run, 2 * STRATA_SECOND);
    info = ask(&run, 0);
    CHECK(near(info.rwnd_limited - limited, 2000000, 1000));
    CHECK(info.busy_time >= info.rwnd_limited);
    // Nobody answers the probes.
    run.dark = true;
    go(&run, 5 * STRATA_SECOND);
    CHECK(ask(&run, 0).probes >= 2);
    run.dark = false;
    CHECK_EQ(strata_set_option(run.pair.b, run.server, STRATA_OPTION_RECEIVE_BUFFER, 1 << 20, run.pair.now), 0);
    finish(&run);
    info = ask(&run, 0);
    CHECK(near(info.rwnd_limited - limited, 7000000, 2000000));
    CHECK_EQ(info.sndbuf_limited, 0);
    // A writer that finds the buffer full while the path could take more.
    CHECK_EQ(strata_set_option(run.pair.a, run.client, STRATA_OPTION_SEND_BUFFER, 2 * 1448, run.pair.now), 0);
    for (unsigned i = 0; i < 50; i++) {
        static uint8_t data[2 * 1448];
        int64_t taken = strata_write(run.pair.a, run.client, data, sizeof data, run.pair.now);
        run.written += taken > 0 ? (uint64_t)taken : 0;
        taken = strata_write(run.pair.a, run.client, data, 1448, run.pair.now);
        CHECK_EQ(taken, -EAGAIN);
        pair_settle(&run.pair);
        go(&run, 24 * MS);
        read_all(&run);
    }
    finish(&run);
    info = ask(&run, 0);
    CHECK(near(info.sndbuf_limited, 50 * 20000, 50 * 3000));
    pair_free(&run.pair);
}

/* Whoever knows an older, shorter struct gets its beginning; nothing is written beyond. */
TEST(a_shorter_struct)
{
    static struct run run;
    start(&run);
    uint8_t room[sizeof(struct strata_linux_tcp_info)], whole[sizeof(struct strata_linux_tcp_info)];
    CHECK_EQ(strata_linux_tcp_info(run.pair.a, run.client, whole, sizeof whole), sizeof whole);
    for (size_t size = 0; size <= sizeof whole; size += 8) {
        memset(room, 0x5a, sizeof room);
        CHECK_EQ(strata_linux_tcp_info(run.pair.a, run.client, room, size), size);
        CHECK_MEM(room, whole, size);
        for (size_t i = size; i < sizeof room; i++)
            CHECK_EQ(room[i], 0x5a);
    }
    CHECK_EQ(strata_linux_tcp_info(run.pair.a, 4711, room, sizeof room), -EBADF);
    CHECK_EQ(strata_linux_tcp_info(run.pair.a, run.client, NULL, 8), -EINVAL);
    strata_socket datagram = strata_open(run.pair.a, STRATA_DATAGRAM);
    CHECK_EQ(strata_linux_tcp_info(run.pair.a, datagram, room, sizeof room), -EOPNOTSUPP);
    struct strata_linux_tcp_info info;
    CHECK_EQ(strata_linux_tcp_info(run.pair.b, run.listener, &info, sizeof info), sizeof info);
    CHECK_EQ(info.state, 10);
    pair_free(&run.pair);
}

TEST_MAIN(TEST_ENTRY(losses_and_timeouts), TEST_ENTRY(reordering),
          TEST_ENTRY(times_of_a_window_and_a_buffer_that_are_too_small), TEST_ENTRY(a_shorter_struct))
