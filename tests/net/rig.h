/**
 * A host from the ports up to the network room, with a fake transport on top, for the tests of link and net.
 *
 * Frames go in as literals built by rig_ip and rig_arp and come out as the line that print_frame makes of
 * them, so that a test reads like a trace. Stations are named by the last byte of their address:
 * 02:00:00:00:00:<station>.
 */
#ifndef TESTS_NET_RIG_H
#define TESTS_NET_RIG_H

#include <errno.h>

#include "net/internal.h"
#include "tests/allocator.h"
#include "tests/test.h"
#include "wire/arp.h"
#include "wire/checksum.h"
#include "wire/ethernet.h"
#include "wire/print.h"
#include "wire/udp.h"

#define RIG_FRAME 66000
/** The station that frames come from and go to where a test does not say. */
#define PEER 0x99

struct rig {
    struct core core;
    struct net *net;
    uint64_t seed;
    /* What the fake transport heard. */
    unsigned delivered, errors;
    struct net_packet packet; /**< The last one; payload and datagram are copies below. */
    struct net_error error;
    uint8_t payload[RIG_FRAME], datagram[RIG_FRAME], quoted[RIG_FRAME];
    bool wants;   /**< What it says of foreign datagrams. */
    bool disowns; /**< What it says of quoted ones. */
    /* The last frame that came out. */
    uint8_t frame[RIG_FRAME];
    size_t frame_length;
    char line[400];
    struct strata_meta meta;
};

/** The counter's value. */
#define COUNT(rig, name) ((int64_t)(rig)->core.counters.value[COUNTER_##name])

static inline struct strata_address rig_address_of(const char *text)
{
    struct strata_address address = {{0}};
    if (text && strata_address_parse(text, &address) < 0) {
        printf("not an address: %s\n", text);
        exit(1);
    }
    return address;
}
static inline void rig_mac(uint8_t mac[6], unsigned station)
{
    static const uint8_t base[6] = {2};
    memcpy(mac, base, 6);
    mac[5] = (uint8_t)station;
    if (station == 0xff)
        memset(mac, 0xff, 6);
}

static inline void rig_upper_input(void *context, const struct net_packet *packet)
{
    struct rig *rig = context;
    rig->delivered++;
    rig->packet = *packet;
    memcpy(rig->payload, packet->payload, packet->length);
    memcpy(rig->datagram, packet->datagram, packet->datagram_length);
    rig->packet.payload = rig->payload;
    rig->packet.datagram = rig->datagram;
}
static inline void rig_upper_error(void *context, const struct net_error *error)
{
    struct rig *rig = context;
    rig->errors++;
    rig->error = *error;
    memcpy(rig->quoted, error->quoted, error->quoted_length);
    rig->error.quoted = rig->quoted;
}
static inline bool rig_upper_wants(void *context, const struct net_packet *packet)
{
    (void)packet;
    return ((struct rig *)context)->wants;
}
static inline bool rig_upper_owns(void *context, const struct net_error *error)
{
    (void)error;
    return !((struct rig *)context)->disowns;
}

static inline struct rig *rig_new(void)
{
    struct rig *rig = calloc(1, sizeof *rig);
    REQUIRE(rig);
    struct strata_config config = {.size = sizeof config, .seed = {1, 2, 3}, .name = "rig"};
    REQUIRE(core_init(&rig->core, &config, STRATA_SECOND) == 0);
    REQUIRE(net_new(&rig->net, &rig->core) == 0);
    struct net_upper upper = {.context = rig,
                              .input = rig_upper_input,
                              .error = rig_upper_error,
                              .wants = rig_upper_wants,
                              .owns = rig_upper_owns};
    net_set_upper(rig->net, PROTOCOL_UDP, &upper);
    net_set_upper(rig->net, PROTOCOL_TCP, &upper);
    net_set_upper(rig->net, PROTOCOL_ICMP, &upper);
    return rig;
}
/** Also checks that nothing leaked: the pool asserts that all was released. */
static inline void rig_free(struct rig *rig)
{
    net_free(rig->net);
    core_free(&rig->core);
    free(rig);
}

static inline struct port *rig_port(struct rig *rig, int port)
{
    struct port *found = links_port(net_links(rig->net), port);
    REQUIRE(found);
    return found;
}
/** "10.0.0.1/24" */
static inline void rig_add_address(struct rig *rig, int port, const char *prefix)
{
    struct strata_address address;
    unsigned length;
    REQUIRE(strata_prefix_parse(prefix, &address, &length) == 0);
    REQUIRE(net_address_add(rig->net, port, &address, length) == 0);
}
static inline void rig_add_route(struct rig *rig, const char *prefix, const char *gateway, int port,
                                 unsigned metric)
{
    struct strata_route route = {.port = port, .metric = metric};
    REQUIRE(strata_prefix_parse(prefix, &route.destination, &route.prefix_length) == 0);
    route.gateway = rig_address_of(gateway);
    REQUIRE(net_route_add(rig->net, &route) == 0);
}

/** The next frame of a port as a line; "" when it has nothing to say. */
static inline const char *rig_next(struct rig *rig, int port)
{
    rig->meta = (struct strata_meta){0};
    struct room room = {
        .bytes = rig->frame, .size = sizeof rig->frame, .meta = &rig->meta, .now = rig->core.now};
    rig->frame_length = port_output(rig_port(rig, port), &room);
    rig->line[0] = 0;
    if (rig->frame_length > 0)
        print_frame(rig_port(rig, port)->link, rig->frame, rig->frame_length, rig->line, sizeof rig->line);
    return rig->line;
}
/** The next frame of a port is this one. */
#define EXPECT(rig, port, text) CHECK_STR(rig_next(rig, port), text)
/** No port has anything to say. */
#define EXPECT_SILENCE(rig) CHECK_EQ(links_ready(net_links((rig)->net)), -1)
/** Forgets what a port has to say. */
static inline unsigned rig_drain(struct rig *rig, int port)
{
    unsigned frames = 0;
    while (*rig_next(rig, port))
        frames++;
    return frames;
}

/** A port with an address, whose announcement has been said. */
static inline int rig_add_port(struct rig *rig, enum strata_link link, uint32_t mtu, const char *prefix)
{
    struct strata_port_config config = {.size = sizeof config, .link = link, .mtu_bytes = mtu};
    rig_mac(config.mac, net_links(rig->net)->port_count);
    int port = links_add_port(net_links(rig->net), &config);
    REQUIRE(port > 0);
    if (prefix)
        rig_add_address(rig, port, prefix);
    rig_drain(rig, port);
    return port;
}
static inline int rig_ethernet(struct rig *rig, const char *prefix)
{
    return rig_add_port(rig, STRATA_LINK_ETHERNET, 1500, prefix);
}
static inline int rig_tunnel(struct rig *rig, const char *prefix)
{
    return rig_add_port(rig, STRATA_LINK_IP, 1500, prefix);
}
/** Lets a neighbour be known without a word. */
static inline void rig_neighbour(struct rig *rig, int port, const char *address, unsigned station)
{
    uint8_t mac[6];
    struct strata_address next_hop = rig_address_of(address);
    rig_mac(mac, station);
    REQUIRE(neighbour_set(rig_port(rig, port), &next_hop, mac) == 0);
}

static inline void rig_input(struct rig *rig, int port, const void *frame, size_t length)
{
    // An exact block, so that a sanitizer sees the smallest step beyond.
    uint8_t *copy = malloc(length ? length : 1);
    REQUIRE(copy);
    memcpy(copy, frame, length);
    port_input(rig_port(rig, port), copy, length, NULL);
    free(copy);
}

/** What an IP datagram is; what is 0 has the usual value. */
struct ip {
    const char *from, *to;
    unsigned protocol; /**< 0: UDP. */
    unsigned ttl;      /**< 0: 64. */
    unsigned tos;
    uint32_t id;
    bool df, mf;
    unsigned offset;        /**< Of a fragment, in bytes. */
    bool fragment;          /**< IPv6: has a fragment header. */
    const uint8_t *options; /**< IPv4. */
    size_t option_bytes;
    const uint8_t *extension; /**< IPv6: headers in front of the payload; `next` is the first one's number. */
    size_t extension_bytes;
    unsigned next;
    /* The link header. */
    unsigned source_station, destination_station; /**< 0: PEER, and the port's own. */
};

/** Writes a datagram. @return its length. */
static inline size_t ip_build(uint8_t *room, const struct ip *ip, const void *payload, size_t length)
{
    struct strata_address from = rig_address_of(ip->from), to = rig_address_of(ip->to);
    unsigned protocol = ip->protocol ? ip->protocol : PROTOCOL_UDP, ttl = ip->ttl ? ip->ttl : 64;
    size_t at;
    if (strata_address_is_ipv4(&to)) {
        struct ipv4_header header = {.header_bytes = (uint8_t)(IPV4_HEADER_BYTES + ip->option_bytes),
                                     .tos = (uint8_t)ip->tos,
                                     .total_bytes = (uint16_t)(IPV4_HEADER_BYTES + ip->option_bytes + length),
                                     .identification = (uint16_t)ip->id,
                                     .dont_fragment = ip->df,
                                     .more_fragments = ip->mf,
                                     .fragment_offset_bytes = (uint16_t)ip->offset,
                                     .ttl = (uint8_t)ttl,
                                     .protocol = (uint8_t)protocol,
                                     .source = from,
                                     .destination = to};
        if (ip->option_bytes)
            memcpy(header.options, ip->options, ip->option_bytes);
        at = ipv4_emit(room, &header);
    } else {
        size_t extra = ip->extension_bytes + (ip->fragment ? IPV6_FRAGMENT_BYTES : 0);
        struct ipv6_header header = {.traffic_class = (uint8_t)ip->tos,
                                     .payload_bytes = (uint16_t)(extra + length),
                                     .next_header = (uint8_t)(ip->extension_bytes ? ip->next
                                                              : ip->fragment      ? PROTOCOL_FRAGMENT
                                                                                  : protocol),
                                     .hop_limit = (uint8_t)ttl,
                                     .source = from,
                                     .destination = to};
        at = ipv6_emit(room, &header);
        if (ip->extension_bytes)
            memcpy(room + at, ip->extension, ip->extension_bytes);
        at += ip->extension_bytes;
        struct ipv6_fragment fragment = {.next_header = (uint8_t)protocol,
                                         .offset_bytes = (uint16_t)ip->offset,
                                         .more_fragments = ip->mf,
                                         .identification = ip->id};
        if (ip->fragment)
            at += ipv6_fragment_emit(room + at, &fragment);
    }
    if (length)
        memcpy(room + at, payload, length);
    return at + length;
}
/** Writes the frame that carries a datagram to a port. @return its length. */
static inline size_t rig_frame(struct rig *rig, int port, uint8_t *room, const struct ip *ip,
                               const void *payload, size_t length)
{
    const struct port *to = rig_port(rig, port);
    size_t at = port_header_bytes(to);
    if (at > 0) {
        struct strata_address destination = rig_address_of(ip->to);
        struct ethernet_header header = {.ethertype = strata_address_is_ipv4(&destination) ? ETHERTYPE_IPV4
                                                                                           : ETHERTYPE_IPV6};
        rig_mac(header.source, ip->source_station ? ip->source_station : PEER);
        rig_mac(header.destination, ip->destination_station);
        if (ip->destination_station == 0)
            memcpy(header.destination, to->mac, 6);
        ethernet_emit(room, &header);
    }
    return at + ip_build(room + at, ip, payload, length);
}
/** A datagram comes in. */
static inline void rig_ip(struct rig *rig, int port, struct ip ip, const void *payload, size_t length)
{
    static uint8_t room[RIG_FRAME];
    rig_input(rig, port, room, rig_frame(rig, port, room, &ip, payload, length));
}
/** A datagram whose payload does not matter. */
static inline void rig_udp(struct rig *rig, int port, struct ip ip)
{
    static const uint8_t udp[] = {0x04, 0xd2, 0x16, 0x2e, 0x00, 0x0c, 0x00, 0x00, 'd', 'a', 't', 'a'};
    rig_ip(rig, port, ip, udp, sizeof udp);
}
/** Writes an ICMP message with its checksum. @return its length. */
static inline size_t icmp_build(uint8_t *room, const struct ip *ip, unsigned type, unsigned code,
                                uint32_t rest, const void *body, size_t length)
{
    struct strata_address from = rig_address_of(ip->from), to = rig_address_of(ip->to);
    struct icmp_header header = {.type = (uint8_t)type, .code = (uint8_t)code, .rest = rest};
    if (length)
        memcpy(room + ICMP_HEADER_BYTES, body, length);
    bool ipv4 = strata_address_is_ipv4(&to);
    icmp_emit(room, &header, length,
              ipv4 ? 0
                   : checksum_pseudo(&from, &to, PROTOCOL_ICMPV6, (uint32_t)(ICMP_HEADER_BYTES + length)));
    return ICMP_HEADER_BYTES + length;
}
static inline void rig_icmp(struct rig *rig, int port, struct ip ip, unsigned type, unsigned code,
                            uint32_t rest, const void *body, size_t length)
{
    static uint8_t message[RIG_FRAME];
    struct strata_address to = rig_address_of(ip.to);
    ip.protocol = strata_address_is_ipv4(&to) ? PROTOCOL_ICMP : PROTOCOL_ICMPV6;
    size_t bytes = icmp_build(message, &ip, type, code, rest, body, length);
    rig_ip(rig, port, ip, message, bytes);
}

/** An ICMP error comes in at port 1 about a datagram that we are said to have sent. */
static inline void rig_error_about(struct rig *rig, struct ip outer, const struct ip *quoted, unsigned type,
                                   unsigned code, uint32_t rest)
{
    uint8_t datagram[200];
    static const uint8_t udp[8] = {0x04, 0xd2, 0x16, 0x2e, 0x00, 0x08};
    size_t length = ip_build(datagram, quoted, udp, sizeof udp);
    rig_icmp(rig, 1, outer, type, code, rest, datagram, length);
}

/** An ARP packet comes in; stations as above, target_station 0: none. */
static inline void rig_arp(struct rig *rig, int port, unsigned operation, unsigned station,
                           const char *sender, unsigned target_station, const char *target)
{
    uint8_t frame[ETHERNET_HEADER_BYTES + ARP_BYTES];
    struct ethernet_header header = {.ethertype = ETHERTYPE_ARP};
    struct arp_packet arp = {
        .operation = (uint16_t)operation, .sender = rig_address_of(sender), .target = rig_address_of(target)};
    rig_mac(header.source, station);
    rig_mac(arp.sender_mac, station);
    if (target_station) {
        rig_mac(arp.target_mac, target_station);
        rig_mac(header.destination, target_station);
    } else {
        memset(header.destination, 0xff, 6);
    }
    size_t at = ethernet_emit(frame, &header);
    rig_input(rig, port, frame, at + arp_emit(frame + at, &arp));
}

/** Time passes; timers fire when they are due. */
static inline void rig_advance(struct rig *rig, strata_time by)
{
    strata_time end = rig->core.now + by, next;
    while ((next = wheel_next(&rig->core.wheel)) <= end) {
        core_at(&rig->core, next);
        wheel_advance(&rig->core.wheel, rig->core.now);
    }
    core_at(&rig->core, end);
    wheel_advance(&rig->core.wheel, end);
}

/** Sends a UDP-like datagram as an owned packet. @return net_send's result. */
static inline int rig_send(struct rig *rig, struct net_out out, const char *from, const char *to,
                           size_t length)
{
    static uint8_t payload[RIG_FRAME];
    for (size_t i = 0; i < length; i++)
        payload[i] = (uint8_t)(i * 7 + i / 256);
    if (length >= UDP_HEADER_BYTES) { // so that the printer finds a header
        struct udp_header header = {
            .source_port = 1234, .destination_port = 5678, .length = (uint16_t)length};
        udp_emit(payload, &header);
    }
    out.source = rig_address_of(from);
    out.destination = rig_address_of(to);
    out.protocol = out.protocol ? out.protocol : PROTOCOL_UDP;
    return net_send(rig->net, &out, 0, 0, payload, length);
}

#endif
