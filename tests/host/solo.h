/**
 * One host whose only peer is the test: it writes the datagrams that come in and looks at those that go out,
 * at a port of link type IP. The host is 10.0.0.1/24 and 2001:db8::1/64; the test is everybody else.
 */
#ifndef TESTS_HOST_SOLO_H
#define TESTS_HOST_SOLO_H

#include "tests/host/pair.h"
#include "wire/checksum.h"
#include "wire/icmp.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"
#include "wire/tcp.h"
#include "wire/udp.h"

struct solo {
    struct strata_host *host;
    int port;
    strata_time now;
    struct pair_memory memory;
};

/** A datagram that went out, taken apart. */
struct solo_out {
    bool ipv6;
    struct strata_address source, destination;
    uint8_t protocol, ttl, tos;
    bool dont_fragment, more_fragments;
    uint16_t fragment_offset;
    uint32_t identification;
    const uint8_t *payload; /**< Of the IP datagram. */
    size_t length;
    uint8_t frame[65536];
    size_t frame_length; /**< 0: nothing went out. */
};

static inline void solo_start_with(struct solo *solo, const struct strata_config *config, uint32_t mtu_bytes)
{
    struct strata_config birth = config ? *config : (struct strata_config){.name = "solo"};
    memset(solo, 0, sizeof *solo);
    pair_memory_init(&solo->memory);
    birth.size = sizeof birth;
    birth.allocator = &solo->memory.allocator;
    solo->now = STRATA_SECOND;
    REQUIRE(strata_host_new(&solo->host, &birth) == 0);
    struct strata_port_config port = {.size = sizeof port, .link = STRATA_LINK_IP, .mtu_bytes = mtu_bytes};
    solo->port = strata_port_add(solo->host, &port);
    REQUIRE(solo->port == 1);
    struct strata_address address = strata_ipv4(10, 0, 0, 1);
    REQUIRE(strata_address_add(solo->host, solo->port, &address, 24, solo->now) == 0);
    address = pair_ipv6(0, 0).address;
    REQUIRE(strata_address_add(solo->host, solo->port, &address, 64, solo->now) == 0);
}

static inline void solo_start(struct solo *solo)
{
    solo_start_with(solo, NULL, 0);
}

static inline void solo_free(struct solo *solo)
{
    strata_host_free(solo->host);
    CHECK_EQ(solo->memory.bytes, 0);
    CHECK_EQ(solo->memory.blocks, 0);
}

/** Hands a whole IP datagram in. */
static inline void solo_input(struct solo *solo, const uint8_t *frame, size_t length)
{
    strata_host_input(solo->host, solo->port, frame, length, NULL, solo->now);
}

/** Writes an IP header of the addresses' family. @return its length. */
static inline size_t solo_ip(uint8_t *frame, const struct strata_endpoint *from,
                             const struct strata_endpoint *to, uint8_t protocol, uint8_t ttl, uint8_t tos,
                             size_t length)
{
    if (strata_address_is_ipv4(&from->address)) {
        struct ipv4_header ip = {.header_bytes = 20,
                                 .tos = tos,
                                 .total_bytes = (uint16_t)(20 + length),
                                 .ttl = ttl,
                                 .protocol = protocol,
                                 .source = from->address,
                                 .destination = to->address};
        return ipv4_emit(frame, &ip);
    }
    struct ipv6_header ip = {.traffic_class = tos,
                             .payload_bytes = (uint16_t)length,
                             .next_header = protocol,
                             .hop_limit = ttl,
                             .source = from->address,
                             .destination = to->address};
    return ipv6_emit(frame, &ip);
}

/** How a UDP datagram is to be wrong. */
enum { SOLO_NO_CHECKSUM = 1, SOLO_BAD_CHECKSUM = 2 };

/** Builds a UDP datagram. `claim` is the length field, 0: the true one. @return the length of the frame. */
static inline size_t solo_build_udp(uint8_t *frame, const struct strata_endpoint *from,
                                    const struct strata_endpoint *to, const void *data, size_t size,
                                    uint16_t claim, int flaws)
{
    size_t header = solo_ip(frame, from, to, PROTOCOL_UDP, 57, 0x28, UDP_HEADER_BYTES + size);
    uint8_t *udp = frame + header;
    uint16_t length = claim ? claim : (uint16_t)(UDP_HEADER_BYTES + size);
    size_t covered = length < UDP_HEADER_BYTES + size ? length : UDP_HEADER_BYTES + size;
    struct udp_header fields = {from->port, to->port, length, 0};
    udp_emit(udp, &fields);
    if (size)
        memcpy(udp + UDP_HEADER_BYTES, data, size);
    uint64_t sum = checksum_pseudo(&from->address, &to->address, PROTOCOL_UDP, length);
    fields.checksum = checksum_finish(checksum_add(sum, udp, covered));
    if (fields.checksum == 0)
        fields.checksum = 0xffff;
    if (flaws & SOLO_NO_CHECKSUM)
        fields.checksum = 0;
    if (flaws & SOLO_BAD_CHECKSUM)
        fields.checksum ^= 0x0100;
    udp_emit(udp, &fields);
    return header + UDP_HEADER_BYTES + size;
}

static inline void solo_udp(struct solo *solo, struct strata_endpoint from, struct strata_endpoint to,
                            const void *data, size_t size)
{
    static uint8_t frame[65536];
    solo_input(solo, frame, solo_build_udp(frame, &from, &to, data, size, 0, 0));
}

/** Hands in an ICMP error about a datagram that the host sent, quoting `quoted` bytes of it. */
static inline void solo_icmp_error(struct solo *solo, struct strata_address reporter, uint8_t type,
                                   uint8_t code, uint32_t rest, const uint8_t *quote, size_t quoted)
{
    static uint8_t frame[2048];
    bool ipv4 = strata_address_is_ipv4(&reporter);
    struct strata_endpoint from = {.address = reporter}, to = ipv4 ? pair_ipv4(0, 0) : pair_ipv6(0, 0);
    uint8_t protocol = ipv4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6;
    size_t header = solo_ip(frame, &from, &to, protocol, 60, 0, ICMP_HEADER_BYTES + quoted);
    memcpy(frame + header + ICMP_HEADER_BYTES, quote, quoted);
    struct icmp_header icmp = {.type = type, .code = code, .rest = rest};
    uint64_t pseudo =
        ipv4 ? 0
             : checksum_pseudo(&from.address, &to.address, protocol, (uint32_t)(ICMP_HEADER_BYTES + quoted));
    icmp_emit(frame + header, &icmp, quoted, pseudo);
    solo_input(solo, frame, header + ICMP_HEADER_BYTES + quoted);
}

/** Takes the next datagram that goes out. @return whether there was one. */
static inline bool solo_output(struct solo *solo, struct solo_out *out)
{
    if (strata_host_deadline(solo->host) <= solo->now)
        strata_host_advance(solo->host, solo->now);
    memset(out, 0, offsetof(struct solo_out, frame));
    out->frame_length = 0;
    while (out->frame_length == 0 && strata_host_ready(solo->host) == solo->port)
        out->frame_length =
            strata_host_output(solo->host, solo->port, out->frame, sizeof out->frame, NULL, solo->now);
    if (out->frame_length == 0)
        return false;
    out->ipv6 = out->frame[0] >> 4 == 6;
    if (!out->ipv6) {
        struct ipv4_header ip;
        REQUIRE(ipv4_parse(&ip, out->frame, out->frame_length) > 0);
        CHECK_EQ(ip.total_bytes, out->frame_length);
        out->source = ip.source;
        out->destination = ip.destination;
        out->protocol = ip.protocol;
        out->ttl = ip.ttl;
        out->tos = ip.tos;
        out->dont_fragment = ip.dont_fragment;
        out->more_fragments = ip.more_fragments;
        out->fragment_offset = ip.fragment_offset_bytes;
        out->identification = ip.identification;
        out->payload = out->frame + ip.header_bytes;
        out->length = (size_t)ip.total_bytes - ip.header_bytes;
        return true;
    }
    struct ipv6_header ip;
    REQUIRE(ipv6_parse(&ip, out->frame, out->frame_length) > 0);
    CHECK_EQ(ip.payload_bytes + 40, out->frame_length);
    out->source = ip.source;
    out->destination = ip.destination;
    out->protocol = ip.next_header;
    out->ttl = ip.hop_limit;
    out->tos = ip.traffic_class;
    out->payload = out->frame + 40;
    out->length = ip.payload_bytes;
    if (ip.next_header == PROTOCOL_FRAGMENT) {
        struct ipv6_fragment fragment;
        int size = ipv6_fragment_parse(&fragment, out->payload, out->length);
        REQUIRE(size > 0);
        out->protocol = fragment.next_header;
        out->more_fragments = fragment.more_fragments;
        out->fragment_offset = fragment.offset_bytes;
        out->identification = fragment.identification;
        out->payload += size;
        out->length -= (size_t)size;
    }
    return true;
}

/** Takes the next datagram, which must be UDP with a good checksum. */
static inline struct udp_header solo_output_udp(struct solo *solo, struct solo_out *out)
{
    struct udp_header udp = {0};
    REQUIRE(solo_output(solo, out));
    CHECK_EQ(out->protocol, PROTOCOL_UDP);
    REQUIRE(udp_parse(&udp, out->payload, out->length) > 0);
    uint64_t sum = checksum_pseudo(&out->source, &out->destination, PROTOCOL_UDP, (uint32_t)out->length);
    CHECK(checksum_valid(checksum_add(sum, out->payload, out->length)));
    return udp;
}

/** Lets time pass with the host alone; what goes out is thrown away. */
static inline void solo_run(struct solo *solo, strata_time duration)
{
    static struct solo_out out;
    strata_time end = solo->now + duration;
    for (;;) {
        while (solo_output(solo, &out))
            continue;
        strata_time next = strata_host_deadline(solo->host);
        if (next > end)
            break;
        if (next > solo->now)
            solo->now = next;
        strata_host_advance(solo->host, solo->now);
    }
    solo->now = end;
    strata_host_advance(solo->host, solo->now);
}

#endif
