/**
 * A whole host under whatever frames: listeners, connections with data queued, datagram and echo sockets,
 * forwarding between an Ethernet port and a port of link type IP.
 *
 * An input is a sequence of records: a byte of flags, a byte of time, two bytes of length, a frame.
 *
 *     flags & 1       the port: 0 Ethernet, 1 IP
 *     flags & 2       the harness makes the checksums right
 *     flags & 4       TCP's acknowledgement number counts from the host's initial sequence number
 *     flags >> 5      what the program does afterwards: see act()
 *     time            0: none passes, otherwise 2^(time % 40) nanoseconds
 *
 * After each record everything that wants to go goes, and is looked at: what a host sends is never malformed.
 */
#include "base/assert.h"
#include "wire/checksum.h"
#include "wire/ethernet.h"
#include "wire/icmp.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"
#include "wire/tcp.h"
#include "wire/udp.h"

#include <errno.h>
#include <stdlib.h>

#define BUDGET_BYTES ((size_t)2 << 20)
#define FLOWS 32

/** The host's initial sequence number of a connection, seen in its SYN. */
struct flow {
    uint16_t local, remote;
    seq_t iss;
};

struct rig {
    struct strata_host *host;
    strata_time now;
    size_t bytes;
    strata_socket listener, filter, connected, connecting, server, udp, udp_connected, echo;
    struct flow flows[FLOWS];
    unsigned flow_count, decisions;
    bool down;
};

static const uint8_t host_mac[6] = {2, 0, 0, 0, 0, 1};

static void *allocate(void *context, size_t bytes)
{
    struct rig *rig = context;
    void *block = malloc(bytes);
    ASSERT(block);
    rig->bytes += bytes;
    ASSERT(rig->bytes <= BUDGET_BYTES);
    memset(block, 0xa5, bytes);
    return block;
}

static void release(void *context, void *block, size_t bytes)
{
    struct rig *rig = context;
    rig->bytes -= bytes;
    free(block);
}

/* ---- frames -------------------------------------------------------------------------------------------- */

/** Where things are in a frame; NULL or 0 where they are not. */
struct parts {
    uint8_t *ip, *transport;
    size_t ip_bytes, transport_bytes;
    uint8_t protocol;
    bool ipv4, fragment;
    struct strata_address source, destination;
};

static struct parts take_apart(int port, uint8_t *frame, size_t length)
{
    struct parts parts = {0};
    size_t offset = port == 1 ? ETHERNET_HEADER_BYTES : 0;
    if (length < offset + 20)
        return parts;
    parts.ip = frame + offset;
    parts.ip_bytes = length - offset;
    size_t header = IPV6_HEADER_BYTES, total = parts.ip_bytes;
    if (parts.ip[0] >> 4 == 4) {
        parts.ipv4 = true;
        header = (parts.ip[0] & 15u) * 4u;
        total = bytes_get16(parts.ip + 2);
        parts.fragment = bytes_get16(parts.ip + 6) & 0x3fff;
        parts.protocol = parts.ip[9];
        parts.source = address_from_v4(bytes_get32(parts.ip + 12));
        parts.destination = address_from_v4(bytes_get32(parts.ip + 16));
    } else if (parts.ip[0] >> 4 == 6 && parts.ip_bytes >= IPV6_HEADER_BYTES) {
        total = IPV6_HEADER_BYTES + (size_t)bytes_get16(parts.ip + 4);
        parts.protocol = parts.ip[6];
        memcpy(parts.source.bytes, parts.ip + 8, 16);
        memcpy(parts.destination.bytes, parts.ip + 24, 16);
    } else {
        return parts;
    }
    if (total > parts.ip_bytes)
        total = parts.ip_bytes;
    if (header < 20 || header > total)
        return parts;
    parts.transport = parts.ip + header;
    parts.transport_bytes = total - header;
    return parts;
}

static uint64_t pseudo_of(const struct parts *parts)
{
    if (parts->protocol == PROTOCOL_ICMP)
        return 0;
    return checksum_pseudo(&parts->source, &parts->destination, parts->protocol,
                           (uint32_t)parts->transport_bytes);
}

/** Offset of the transport's checksum, or -1. */
static int checksum_offset(const struct parts *parts)
{
    static const struct {
        uint8_t protocol, offset, least;
    } known[] = {
        {PROTOCOL_TCP, 16, 20}, {PROTOCOL_UDP, 6, 8}, {PROTOCOL_ICMP, 2, 8}, {PROTOCOL_ICMPV6, 2, 8}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].protocol == parts->protocol && parts->transport_bytes >= known[i].least)
            return known[i].offset;
    return -1;
}

static void fix_checksums(const struct parts *parts)
{
    if (!parts->transport)
        return;
    if (parts->ipv4) {
        bytes_put16(parts->ip + 10, 0);
        uint16_t sum = checksum_finish(checksum_add(0, parts->ip, (size_t)(parts->transport - parts->ip)));
        bytes_put16(parts->ip + 10, sum);
    }
    int offset = checksum_offset(parts);
    if (parts->fragment || offset < 0)
        return;
    bytes_put16(parts->transport + offset, 0);
    uint16_t sum = checksum_finish(checksum_add(pseudo_of(parts), parts->transport, parts->transport_bytes));
    bytes_put16(parts->transport + offset, sum);
}

/** Makes an acknowledgement number that counts from 0 count from where the host began. */
static void move_acknowledgement(const struct rig *rig, const struct parts *parts)
{
    if (!parts->transport || parts->protocol != PROTOCOL_TCP || parts->transport_bytes < 20 ||
        parts->fragment)
        return;
    uint16_t remote = bytes_get16(parts->transport), local = bytes_get16(parts->transport + 2);
    for (unsigned i = 0; i < rig->flow_count; i++)
        if (rig->flows[i].local == local && rig->flows[i].remote == remote)
            bytes_put32(parts->transport + 8, bytes_get32(parts->transport + 8) + rig->flows[i].iss);
}

static void learn(struct rig *rig, const struct tcp_header *tcp)
{
    struct flow flow = {tcp->source_port, tcp->destination_port, tcp->seq};
    for (unsigned i = 0; i < rig->flow_count; i++)
        if (rig->flows[i].local == flow.local && rig->flows[i].remote == flow.remote) {
            rig->flows[i] = flow;
            return;
        }
    if (rig->flow_count < FLOWS)
        rig->flows[rig->flow_count++] = flow;
}

static bool is_ours(const struct strata_address *address)
{
    static const uint8_t ours6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};
    uint32_t ipv4 = address_v4(address);
    return ipv4 == 0x0a000001 || ipv4 == 0x0a000101 || memcmp(address->bytes, ours6, 16) == 0;
}

/** What a host sends is well formed, whatever it was told. */
static void look_at(struct rig *rig, int port, uint8_t *frame, size_t length)
{
    ASSERT(length <= (port == 1 ? 1514u : 1400u));
    if (port == 1) {
        struct ethernet_header ethernet;
        ASSERT(ethernet_parse(&ethernet, frame, length) == ETHERNET_HEADER_BYTES);
        ASSERT(memcmp(ethernet.source, host_mac, 6) == 0);
        if (ethernet.ethertype == ETHERTYPE_ARP)
            return;
    }
    struct parts parts = take_apart(port, frame, length);
    ASSERT(parts.transport);
    struct ipv4_header ipv4;
    struct ipv6_header ipv6;
    ASSERT(parts.ipv4 ? ipv4_parse(&ipv4, parts.ip, parts.ip_bytes) > 0 && ipv4.total_bytes == parts.ip_bytes
                      : ipv6_parse(&ipv6, parts.ip, parts.ip_bytes) > 0);
    // What is forwarded may carry any nonsense.
    if (parts.fragment || !is_ours(&parts.source) || checksum_offset(&parts) < 0)
        return;
    ASSERT(checksum_valid(checksum_add(pseudo_of(&parts), parts.transport, parts.transport_bytes)));
    struct tcp_header tcp;
    if (parts.protocol != PROTOCOL_TCP)
        return;
    ASSERT(tcp_parse(&tcp, parts.transport, parts.transport_bytes) > 0);
    if (tcp.flags & TCP_SYN)
        learn(rig, &tcp);
}

/** Lets everything go that wants to. */
static void settle(struct rig *rig)
{
    uint8_t room[1514];
    for (int i = 0; i < 2000; i++) {
        if (strata_host_deadline(rig->host) <= rig->now)
            strata_host_advance(rig->host, rig->now);
        int port = strata_host_ready(rig->host);
        if (port < 0)
            break;
        ASSERT(port == 1 || port == 2);
        size_t length = strata_host_output(rig->host, port, room, sizeof room, NULL, rig->now);
        if (length > 0)
            look_at(rig, port, room, length);
    }
    struct strata_event event;
    while (strata_event_next(rig->host, &event)) {
        ASSERT(event.ready != 0);
        ASSERT(strata_readiness(rig->host, event.socket) >= 0);
    }
}

static void input(struct rig *rig, int port, uint8_t *frame, size_t length)
{
    strata_host_input(rig->host, port, frame, length, NULL, rig->now);
    settle(rig);
}

/* ---- the world ------------------------------------------------------------------------------------------
 */

static struct strata_endpoint at(uint8_t net, uint8_t last, uint16_t port)
{
    return (struct strata_endpoint){.address = strata_ipv4(10, 0, net, last), .port = port};
}

/** A segment from 10.0.1.2 whose acknowledgement counts from the host's initial sequence number. */
static void segment(struct rig *rig, uint16_t from, uint16_t to, uint8_t flags, seq_t seq, seq_t ack)
{
    uint8_t frame[60];
    struct ipv4_header ip = {.header_bytes = 20,
                             .total_bytes = 40,
                             .ttl = 64,
                             .protocol = PROTOCOL_TCP,
                             .source = at(1, 2, 0).address,
                             .destination = at(1, 1, 0).address};
    size_t header = ipv4_emit(frame, &ip);
    memset(frame + header, 0, 20);
    bytes_put16(frame + header, from);
    bytes_put16(frame + header + 2, to);
    bytes_put32(frame + header + 4, seq);
    bytes_put32(frame + header + 8, ack);
    frame[header + 12] = 5 << 4;
    frame[header + 13] = flags;
    bytes_put16(frame + header + 14, 60000);
    struct parts parts = take_apart(2, frame, 40);
    move_acknowledgement(rig, &parts);
    fix_checksums(&parts);
    input(rig, 2, frame, 40);
}

static strata_socket open_at(struct rig *rig, enum strata_socket_type type, uint16_t port)
{
    strata_socket socket = strata_open(rig->host, type);
    struct strata_endpoint local = {.port = port};
    ASSERT(socket > 0 && strata_bind(rig->host, socket, &local) == 0);
    return socket;
}

static void make_host(struct rig *rig)
{
    struct strata_allocator allocator = {rig, allocate, release};
    struct strata_config config = {
        .size = sizeof config, .allocator = &allocator, .memory_bytes = BUDGET_BYTES, .seed = {42}};
    ASSERT(strata_host_new(&rig->host, &config) == 0);
    rig->now = STRATA_SECOND;
    struct strata_port_config port = {.size = sizeof port};
    memcpy(port.mac, host_mac, 6);
    ASSERT(strata_port_add(rig->host, &port) == 1);
    port.link = STRATA_LINK_IP;
    port.mtu_bytes = 1400;
    ASSERT(strata_port_add(rig->host, &port) == 2);
    struct strata_address address = at(0, 1, 0).address;
    ASSERT(strata_address_add(rig->host, 1, &address, 24, rig->now) == 0);
    address = at(1, 1, 0).address;
    ASSERT(strata_address_add(rig->host, 2, &address, 24, rig->now) == 0);
    address = (struct strata_address){{0x20, 0x01, 0x0d, 0xb8, [15] = 1}};
    ASSERT(strata_address_add(rig->host, 2, &address, 64, rig->now) == 0);
    struct strata_route route = {
        .destination = strata_ipv4(0, 0, 0, 0), .gateway = at(1, 2, 0).address, .port = -1};
    ASSERT(strata_route_add(rig->host, &route) == 0);
    route = (struct strata_route){.destination = strata_ipv4(192, 0, 2, 0),
                                  .prefix_length = 24,
                                  .gateway = at(0, 2, 0).address,
                                  .port = -1};
    ASSERT(strata_route_add(rig->host, &route) == 0);
    ASSERT(strata_set(rig->host, "net.ipv4.ip_forward", 1) == 0);
    ASSERT(strata_set(rig->host, "net.ipv6.conf.all.forwarding", 1) == 0);
}

static void open_sockets(struct rig *rig)
{
    struct strata_host *host = rig->host;
    rig->listener = open_at(rig, STRATA_STREAM, 80);
    ASSERT(strata_listen(host, rig->listener, 8, rig->now) == 0);
    rig->filter = open_at(rig, STRATA_STREAM, 81);
    ASSERT(strata_set_option(host, rig->filter, STRATA_OPTION_FILTER, 1, rig->now) == 0);
    ASSERT(strata_listen(host, rig->filter, 8, rig->now) == 0);
    rig->udp = open_at(rig, STRATA_DATAGRAM, 53);
    ASSERT(strata_set_option(host, rig->udp, STRATA_OPTION_RECEIVE_ERRORS, 1, rig->now) == 0);
    struct strata_address group = strata_ipv4(239, 1, 2, 3);
    ASSERT(strata_join(host, rig->udp, &group, 1, rig->now) == 0);
    rig->udp_connected = open_at(rig, STRATA_DATAGRAM, 40053);
    struct strata_endpoint peer = at(1, 2, 5353);
    ASSERT(strata_connect(host, rig->udp_connected, &peer, rig->now) == 0);
    rig->echo = open_at(rig, STRATA_ECHO, 77);

    static const uint8_t data[20000];
    rig->connected = open_at(rig, STRATA_STREAM, 40000);
    peer.port = 9000;
    ASSERT(strata_connect(host, rig->connected, &peer, rig->now) == -EINPROGRESS);
    settle(rig);
    segment(rig, 9000, 40000, TCP_SYN | TCP_ACK, 1000, 1);
    ASSERT(strata_write(host, rig->connected, data, sizeof data, rig->now) == sizeof data);
    settle(rig);
    rig->connecting = open_at(rig, STRATA_STREAM, 40001);
    peer.port = 9001;
    ASSERT(strata_connect(host, rig->connecting, &peer, rig->now) == -EINPROGRESS);
    settle(rig);
    segment(rig, 1234, 80, TCP_SYN, 1000, 0);
    segment(rig, 1234, 80, TCP_ACK, 1001, 1);
    rig->server = strata_accept(host, rig->listener, NULL, rig->now);
    ASSERT(rig->server > 0);
    struct strata_tcp_info info = {.size = sizeof info};
    ASSERT(strata_tcp_info(host, rig->connected, &info) == 0 && info.state == STRATA_TCP_ESTABLISHED);
    ASSERT(info.flight > 0 && info.send_queue == sizeof data);
    ASSERT(strata_tcp_info(host, rig->server, &info) == 0 && info.state == STRATA_TCP_ESTABLISHED);
}

static void read_all(struct rig *rig)
{
    uint8_t data[4096];
    struct strata_envelope envelope = {.size = sizeof envelope};
    strata_socket streams[] = {rig->connected, rig->connecting, rig->server};
    for (size_t i = 0; i < sizeof streams / sizeof *streams; i++)
        while (strata_read(rig->host, streams[i], data, sizeof data, rig->now) > 0)
            continue;
    strata_socket datagrams[] = {rig->udp, rig->udp_connected, rig->echo};
    for (size_t i = 0; i < sizeof datagrams / sizeof *datagrams; i++) {
        while (strata_receive(rig->host, datagrams[i], data, sizeof data, &envelope, rig->now) >= 0)
            ASSERT(envelope.truncated || envelope.port >= 0);
        while (strata_receive_error(rig->host, datagrams[i], data, sizeof data, &envelope) >= 0)
            ASSERT(envelope.error > 0);
        (void)strata_take_error(rig->host, datagrams[i]);
    }
    strata_socket fresh;
    while ((fresh = strata_accept(rig->host, rig->listener, NULL, rig->now)) > 0) {
        strata_close(rig->host, rig->server, rig->now);
        rig->server = fresh;
    }
}

/** What the program does. */
static void act(struct rig *rig, unsigned what)
{
    static const uint8_t data[3000];
    struct strata_host *host = rig->host;
    struct strata_envelope envelope = {.size = sizeof envelope, .peer = at(0, 77, 99)};
    struct strata_syn syn = {.size = sizeof syn};
    switch (what) {
    case 1:
        read_all(rig);
        break;
    case 2:
        (void)strata_write(host, rig->connected, data, sizeof data, rig->now);
        (void)strata_write_urgent(host, rig->server, data, 1000, rig->now);
        break;
    case 3:
        (void)strata_close(host, rig->server, rig->now);
        break;
    case 4: // to a neighbour that sleeps, and to one that does not
        (void)strata_send(host, rig->udp, data, sizeof data, &envelope, rig->now);
        (void)strata_send(host, rig->udp_connected, data, sizeof data, NULL, rig->now);
        envelope.peer = at(1, 2, 0);
        (void)strata_send(host, rig->echo, data, 100, &envelope, rig->now);
        break;
    case 5:
        (void)strata_shutdown(host, rig->connected, STRATA_SHUTDOWN_WRITE, rig->now);
        break;
    case 6:
        rig->down = !rig->down;
        (void)strata_port_set_up(host, 1, !rig->down, rig->now);
        break;
    case 7:
        if (strata_pending(host, rig->filter, &syn) == 0)
            (void)strata_decide(host, rig->filter, syn.id, (enum strata_decision)(rig->decisions++ % 3),
                                rig->now);
        break;
    default:
        break;
    }
    settle(rig);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t frame[65536];
    struct rig rig = {0};
    make_host(&rig);
    open_sockets(&rig);
    while (size >= 4) {
        uint8_t flags = data[0], time = data[1];
        size_t length = bytes_get16(data + 2);
        data += 4;
        size -= 4;
        if (length > size)
            length = size;
        memcpy(frame, data, length);
        data += length;
        size -= length;
        int port = flags & 1 ? 2 : 1;
        struct parts parts = take_apart(port, frame, length);
        if (flags & 6) {
            if (flags & 4)
                move_acknowledgement(&rig, &parts);
            if (flags & 2)
                fix_checksums(&parts);
        }
        if (time > 0)
            rig.now += (strata_time)1 << time % 40;
        input(&rig, port, frame, length);
        act(&rig, flags >> 5);
    }
    strata_host_free(rig.host);
    ASSERT(rig.bytes == 0);
    return 0;
}
