/**
 * TCP under whatever segments: a listener, and one connection at a time, with a program that writes, reads
 * and closes.
 *
 * Segments aim at the connection's own variables, so that nearly all of them reach the steps behind the
 * checks. An input is a sequence of records of a kind and its arguments:
 *
 *     0 segment   flags, seq base and delta (16 bits, signed), ack base and delta, window (16), urgent (16),
 * data length
 *                 (16, to 2000), option bytes (1 and that many, to 40)
 *     1 time      2^(argument % 42) ns pass
 *     2 write     argument * 100 octets; 3 read likewise; 4 urgent write
 *     5 say       the host says `argument` segments; 6 close; 7 shutdown write; 8 shutdown read; 9 connect;
 * 10 accept
 *     11 options  a byte of switches; 12 icmp: kind, sequence delta; 13 memory: budget = used + argument *
 * 1000
 *     14 setting  which of the table below, and a value within its bounds; 15 congestion control argument % 6, and
 * segments from now on marked with argument / 64 in their ECN field; 16 opening: a byte of switches
 *
 * Invariants are checked by the code itself on every entry and exit; every segment that comes out is parsed,
 * its checksum verified, and must lie within what may be sent.
 */
#include "base/assert.h"
#include "transport/tcp/connection.h"
#include "transport/tcp/fast_open.h"
#include "transport/tcp/listen.h"
#include "wire/checksum.h"
#include "wire/icmp.h"
#include "wire/ipv4.h"

#include <stdlib.h>

#define BUDGET_BYTES ((size_t)1 << 20)
#define DATA_MOST 2000u

struct rig {
    struct core core;
    struct net *net;
    struct tcp *tcp;
    int port;
    struct strata_address us, peer;
    struct binding binding;
    struct tcp_listener *listener;
    struct tcp_socket_options options;
    struct tcp_connection *c;
    uint16_t our_port, peer_port;
    uint8_t ecn_field;
    seq_t iss; /**< Of the last SYN that came out. */
    struct reader input;
};

static void on_event(void *context, void *owner, uint32_t ready)
{
    (void)context;
    (void)owner;
    (void)ready;
}

static void begin(struct rig *rig)
{
    struct strata_config config = {.size = sizeof config, .memory_bytes = BUDGET_BYTES};
    ASSERT(core_init(&rig->core, &config, 100 * STRATA_SECOND) == 0);
    ASSERT(net_new(&rig->net, &rig->core) == 0);
    struct tcp_events events = {.context = rig, .connection = on_event, .listener = on_event};
    ASSERT(tcp_new(&rig->tcp, rig->net, &events) == 0);
    struct strata_port_config port = {.size = sizeof port, .link = STRATA_LINK_IP};
    rig->port = links_add_port(net_links(rig->net), &port);
    rig->us = strata_ipv4(10, 0, 0, 1);
    rig->peer = strata_ipv4(10, 0, 0, 2);
    ASSERT(net_address_add(rig->net, rig->port, &rig->us, 24) == 0);
    tcp_default_options(rig->tcp, &rig->options);
    rig->options.receive_bytes = 40000;
    rig->options.send_bytes = 40000;
    rig->binding.local.port = 80;
    rig->binding.flags = BINDING_LISTENING;
    ASSERT(ports_bind(tcp_ports(rig->tcp), &rig->binding) == 0);
    ASSERT(tcp_listen(rig->tcp, &rig->binding, &rig->options, 4, rig, &rig->listener) == 0);
    rig->our_port = 80;
    rig->peer_port = 4000;
}

static void end(struct rig *rig)
{
    if (rig->c)
        tcp_close(rig->c);
    tcp_listener_close(rig->listener);
    ports_release(tcp_ports(rig->tcp), &rig->binding);
    tcp_free(rig->tcp);
    net_free(rig->net);
    core_free(&rig->core); // asserts that nothing leaked
}

/* ---- What comes in ------------------------------------------------------------------------------------- */

static void hand_in(struct rig *rig, uint8_t protocol, const uint8_t *payload, size_t length)
{
    uint8_t *datagram = malloc(IPV4_HEADER_BYTES + length); // exact, so that a sanitizer sees a step beyond
    struct ipv4_header header = {.header_bytes = IPV4_HEADER_BYTES, .ttl = 64, .protocol = protocol,
                                 .total_bytes = (uint16_t)(IPV4_HEADER_BYTES + length), .tos = rig->ecn_field,
                                 .source = rig->peer, .destination = rig->us};
    ASSERT(datagram);
    ipv4_emit(datagram, &header);
    memcpy(datagram + IPV4_HEADER_BYTES, payload, length);
    port_input(links_port(net_links(rig->net), rig->port), datagram, IPV4_HEADER_BYTES + length, NULL);
    free(datagram);
}

/** A sequence number near one of the connection's. */
static seq_t near(const struct rig *rig, bool ack, uint8_t base, int16_t delta)
{
    const struct tcp_connection *c = rig->c;
    seq_t from = ack ? rig->iss + 1 : 5000;
    if (c) {
        const seq_t ours[] = {c->snd_una, c->snd_nxt, c->snd_una - c->snd_wnd_max, c->recover};
        const seq_t theirs[] = {c->rcv_nxt, c->rcv_adv, c->last_ack_sent, c->irs};
        from = ack ? ours[base % 4] : theirs[base % 4];
    }
    return from + (seq_t)delta;
}

static void segment(struct rig *rig)
{
    static const uint8_t octets[DATA_MOST];
    struct reader *in = &rig->input;
    struct tcp_header header = {.source_port = rig->peer_port, .destination_port = rig->our_port};
    header.flags = reader_u8(in);
    uint8_t base = reader_u8(in);
    header.seq = near(rig, false, base, (int16_t)reader_u16(in));
    header.ack = near(rig, true, (uint8_t)(base >> 4), (int16_t)reader_u16(in));
    header.window = reader_u16(in);
    header.urgent = reader_u16(in);
    size_t length = reader_u16(in) % (DATA_MOST + 1), options = reader_u8(in) % 41;
    uint8_t bytes[TCP_HEADER_MAX + DATA_MOST];
    size_t at = tcp_emit(bytes, &header);
    memset(bytes + at, 0, 40);
    reader_copy(in, bytes + at, options);
    at += (options + 3) / 4 * 4;
    bytes[12] = (uint8_t)(at / 4 << 4);
    memcpy(bytes + at, octets, length);
    at += length;
    uint64_t sum = checksum_pseudo(&rig->peer, &rig->us, PROTOCOL_TCP, (uint32_t)at);
    tcp_put_checksum(bytes, checksum_finish(checksum_add(sum, bytes, at)));
    hand_in(rig, PROTOCOL_TCP, bytes, at);
}

static void icmp(struct rig *rig)
{
    static const uint8_t kinds[][2] = {{3, 0}, {3, 1}, {3, 2}, {3, 3}, {3, 4}, {11, 0}, {12, 0}, {4, 0}};
    uint8_t kind = reader_u8(&rig->input), message[100];
    seq_t seq = near(rig, true, 0, (int16_t)reader_u16(&rig->input));
    struct ipv4_header quoted = {.header_bytes = 20, .total_bytes = 1000, .ttl = 60, .protocol = PROTOCOL_TCP,
                                 .source = rig->us, .destination = rig->peer};
    struct tcp_header tcp = {.source_port = rig->our_port, .destination_port = rig->peer_port, .seq = seq};
    size_t at = ipv4_emit(message + ICMP_HEADER_BYTES, &quoted);
    at += tcp_emit(message + ICMP_HEADER_BYTES + at, &tcp);
    struct icmp_header header = {.type = kinds[kind % 8][0], .code = kinds[kind % 8][1],
                                 .rest = kind % 8 == 4 ? 68u + kind * 5u : 0};
    icmp_emit(message, &header, at, 0);
    hand_in(rig, PROTOCOL_ICMP, message, ICMP_HEADER_BYTES + at);
}

/* ---- What comes out ------------------------------------------------------------------------------------ */

static void check_segment(struct rig *rig, const uint8_t *frame, size_t length)
{
    struct ipv4_header ip;
    struct tcp_header tcp;
    ASSERT(ipv4_parse(&ip, frame, length) > 0 && ip.total_bytes == length);
    if (ip.protocol != PROTOCOL_TCP)
        return;
    const uint8_t *bytes = frame + ip.header_bytes;
    length -= ip.header_bytes;
    ASSERT(tcp_parse(&tcp, bytes, length) > 0);
    uint64_t sum = checksum_pseudo(&ip.source, &ip.destination, PROTOCOL_TCP, (uint32_t)length);
    ASSERT(checksum_valid(checksum_add(sum, bytes, length)));
    if (tcp.flags & TCP_SYN) {
        rig->iss = tcp.seq;
        ASSERT(tcp.options.has_mss);
    } else {
        ASSERT(!tcp.options.has_mss && !tcp.options.has_scale);
    }
    const struct tcp_connection *c = rig->c;
    if (!c || tcp.flags & (TCP_RST | TCP_SYN) || tcp.destination_port != c->record.remote_port ||
        tcp.source_port != c->record.local_port || !c->record.listed)
        return;
    if (c->snd_nxt == c->iss)
        return; // it has said nothing yet: a reply of a half-open one before it has waited in the queue of the port
    seq_t end = tcp.seq + (seq_t)(length - tcp.header_bytes) + (tcp.flags & TCP_FIN ? 1 : 0);
    ASSERT(seq_le(end, c->snd_nxt));
    ASSERT(seq_le(tcp.ack, c->rcv_nxt)); // replies may have waited in the queue of the port
}

/** The host says at most `count` segments. @return whether it had more. */
static bool say(struct rig *rig, unsigned count)
{
    uint8_t room[1600];
    for (; count > 0; count--) {
        struct strata_meta meta = {0};
        struct room lent = {.bytes = room, .size = sizeof room, .meta = &meta, .now = rig->core.now};
        size_t length = port_output(links_port(net_links(rig->net), rig->port), &lent);
        if (length == 0)
            return false;
        check_segment(rig, room, length);
    }
    return true;
}

static void pass(struct rig *rig, strata_time by)
{
    strata_time end_time = rig->core.now + by, next;
    for (int i = 0; i < 1000 && (next = wheel_next(&rig->core.wheel)) <= end_time; i++) {
        core_at(&rig->core, next);
        wheel_advance(&rig->core.wheel, rig->core.now);
        say(rig, 5);
    }
    core_at(&rig->core, end_time);
    wheel_advance(&rig->core.wheel, end_time);
}

/* ---- The program --------------------------------------------------------------------------------------- */

static void change_options(struct rig *rig, uint8_t switches)
{
    rig->options.no_delay = switches & 1;
    rig->options.keep_alive = switches & 2;
    rig->options.receive_errors = switches & 4;
    rig->options.user_timeout_ns = switches & 8 ? 5 * STRATA_SECOND : 0;
    rig->options.linger_ns = switches & 16 ? STRATA_SECOND : -1;
    rig->options.receive_bytes = switches & 32 ? 3000 : 40000;
    rig->options.send_bytes = switches & 64 ? 3000 : 40000;
    rig->options.max_segment = switches & 128 ? 100 : 0;
    if (rig->c)
        tcp_set_options(rig->c, &rig->options);
}

static void change_path(struct rig *rig, uint8_t argument)
{
    rig->ecn_field = argument / 64;
    rig->options.congestion = argument % 64 % 6;
    if (rig->c)
        tcp_set_options(rig->c, &rig->options);
}

/** Those that open other ways through the code. */
static void change_setting(struct rig *rig)
{
    static const char *const names[] = {"net.ipv4.tcp_syncookies",
                                        "net.ipv4.tcp_fastopen",
                                        "net.ipv4.tcp_ecn",
                                        "net.ipv4.tcp_mtu_probing",
                                        "net.ipv4.tcp_recovery",
                                        "net.ipv4.tcp_frto",
                                        "net.ipv4.tcp_sack",
                                        "net.ipv4.tcp_timestamps",
                                        "net.ipv4.tcp_window_scaling",
                                        "net.ipv4.tcp_early_retrans",
                                        "net.ipv4.tcp_reordering",
                                        "net.ipv4.tcp_rfc1337",
                                        "net.ipv4.tcp_retries1",
                                        "net.ipv4.tcp_slow_start_after_idle",
                                        "net.ipv4.tcp_moderate_rcvbuf",
                                        "strata.tcp_hystart",
                                        "strata.tcp_pacing",
                                        "strata.tcp_buffer_segments",
                                        "strata.tcp_window_validation",
                                        "strata.tcp_delayed_ack_ms",
                                        "strata.tcp_fin_with_acks",
                                        "strata.tcp_window_is_buffer",
                                        "strata.tcp_ignore_unsent_acks",
                                        "strata.tcp_reset_by_ack",
                                        "strata.tcp_growth_delivered",
                                        "strata.tcp_probe_old",
                                        "strata.tcp_missing_timestamps",
                                        "strata.tcp_syn_options",
                                        "strata.tcp_insecure_syn",
                                        "strata.tcp_window_small_steps",
                                        "strata.tcp_minshall",
                                        "net.ipv4.tcp_tw_reuse",
                                        "net.ipv4.tcp_base_mss",
                                        "strata.tcp_initial_window",
                                        "strata.tcp_sack_segments",
                                        "strata.tcp_window_opens_slowly"};
    const char *wanted = names[reader_u8(&rig->input) % (sizeof names / sizeof *names)], *name, *meaning;
    int64_t value = reader_u8(&rig->input), minimum, maximum, initial;
    for (unsigned i = 0; (name = settings_name(i, &minimum, &maximum, &initial, &meaning)) != NULL; i++)
        if (!strcmp(name, wanted)) {
            value = value == 255 ? maximum : minimum + value % (maximum - minimum + 1);
            ASSERT(settings_set(&rig->core.settings, name, value) == 0);
            return;
        }
    ASSERT(!"a setting of this name");
}

/** How connections are opened: Fast Open of both sides, and what else a SYN may bring about. */
static void change_opening(struct rig *rig, uint8_t switches)
{
    struct settings *settings = &rig->core.settings;
    rig->options.fast_open = switches & 1 ? 2 : 0;
    rig->options.fast_open_connect = switches & 2;
    rig->options.fast_open_no_cookie = switches & 4;
    rig->options.defer_accept_ns = switches & 8 ? STRATA_SECOND : 0;
    settings->tcp_fastopen = (switches & 1 ? FAST_OPEN_SERVER : 0) | (switches & 2 ? FAST_OPEN_CLIENT : 0);
    settings->tcp_mss_of_path = switches & 16 ? 1 : 0;
    settings->tcp_sack_segments = switches & 32 ? 1 : 0;
    tcp_listener_set_options(rig->listener, &rig->options);
}

static void take(struct rig *rig, struct tcp_connection *c)
{
    struct strata_endpoint local, peer;
    if (!c)
        return;
    if (rig->c)
        tcp_close(rig->c);
    rig->c = c;
    tcp_endpoints(c, &local, &peer);
    rig->our_port = local.port;
    rig->peer_port = peer.port;
}

static void connect_out(struct rig *rig)
{
    struct strata_endpoint peer = {.address = rig->peer, .port = 5000};
    struct tcp_connection *c;
    if (tcp_connect(rig->tcp, NULL, &peer, &rig->options, rig, &c) == 0)
        take(rig, c);
}

static void act(struct rig *rig, uint8_t kind, uint8_t argument)
{
    static uint8_t buffer[25500];
    struct tcp_connection *c = rig->c;
    size_t size = argument * 100u;
    if (kind == 2 && c)
        tcp_write(c, buffer, size, false);
    else if (kind == 3 && c)
        tcp_read(c, buffer, size);
    else if (kind == 4 && c)
        tcp_write(c, buffer, size, true);
    else if (kind == 7 && c)
        tcp_shutdown(c, STRATA_SHUTDOWN_WRITE);
    else if (kind == 8 && c)
        tcp_shutdown(c, STRATA_SHUTDOWN_READ);
    if (kind == 6 && c) {
        rig->c = NULL;
        if (argument % 4 == 0)
            tcp_abort(c);
        else
            tcp_close(c);
    }
    if (rig->c) {
        struct strata_tcp_info info = {.size = sizeof info};
        tcp_info(rig->c, &info);
        tcp_readiness(rig->c);
        tcp_take_error(rig->c);
        tcp_urgent_mark(rig->c);
    }
}

static void step(struct rig *rig)
{
    uint8_t kind = reader_u8(&rig->input) % 17;
    if (kind == 0) {
        segment(rig);
        return;
    }
    if (kind == 12) {
        icmp(rig);
        return;
    }
    if (kind == 14) {
        change_setting(rig);
        return;
    }
    uint8_t argument = reader_u8(&rig->input);
    if (kind == 1)
        pass(rig, (strata_time)1 << argument % 42);
    else if (kind == 5)
        say(rig, argument);
    else if (kind == 9)
        connect_out(rig);
    else if (kind == 10)
        take(rig, tcp_accept(rig->listener, rig));
    else if (kind == 11)
        change_options(rig, argument);
    else if (kind == 16)
        change_opening(rig, argument);
    else if (kind == 13)
        rig->core.memory.budget_bytes =
            argument == 255 ? BUDGET_BYTES : rig->core.memory.used_bytes + argument * 1000u;
    else if (kind == 15)
        change_path(rig, argument);
    else
        act(rig, kind, argument);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rig *rig = calloc(1, sizeof *rig);
    ASSERT(rig);
    rig->input = reader_of(data, size);
    begin(rig);
    while (reader_left(&rig->input) > 0)
        step(rig);
    rig->core.memory.budget_bytes = BUDGET_BYTES;
    ASSERT(!say(rig, 2000)); // it does not talk for ever
    pass(rig, 10 * STRATA_SECOND);
    ASSERT(!say(rig, 2000));
    end(rig);
    free(rig);
    return 0;
}
