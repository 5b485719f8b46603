/**
 * A bad cable for the soak test: it loses, delays, reorders, doubles and damages frames, delivers some of
 * them much later, is narrower than the ports believe (and says so by ICMP), and lets a third party throw
 * forged segments in.
 */
#ifndef TESTS_TRANSPORT_SOAK_CABLE_H
#define TESTS_TRANSPORT_SOAK_CABLE_H

#include "lab/discipline.h"
#include "tests/test.h"
#include "wire/checksum.h"
#include "wire/icmp.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"
#include "wire/tcp.h"

struct cable_frame {
    struct cable_frame *next;
    strata_time when;
    size_t length;
    uint8_t bytes[];
};

struct cable {
    uint64_t random;
    bool ethernet, ipv6, is_cut;
    unsigned loss, doubling, damage, late; /**< Per mille of frames. */
    strata_time delay, jitter;
    uint32_t path_mtu;         /**< 0: as wide as the ports. */
    bool dark;                 /**< What is too large vanishes without a word (RFC 2923). */
    unsigned bursts, lost;     /**< Frames lost after one that is, at most; of them, those to come, both ways. */
    unsigned squeezes;         /**< Per mille of segments whose window is made smaller. */
    unsigned marks;            /**< Per mille of frames that say Congestion Experienced if they may. */
    struct cable_frame *to[2]; /**< Under way to host 0 and 1, by time. */
    uint8_t sample[2][100];    /**< How the last TCP segment from host 0 and 1 began. */
    size_t sample_length[2];
};

static inline bool cable_chance(struct cable *cable, unsigned per_mille)
{
    return test_below(&cable->random, 1000) < per_mille;
}

/** Puts a frame on the cable as it is. */
static inline void cable_put(struct cable *cable, strata_time now, int to, const uint8_t *bytes,
                             size_t length)
{
    struct cable_frame *frame = (struct cable_frame *)malloc(sizeof *frame + length);
    REQUIRE(frame);
    frame->when = now + cable->delay;
    if (cable->jitter)
        frame->when += (strata_time)test_below(&cable->random, (uint64_t)cable->jitter);
    if (cable_chance(cable, cable->late))
        frame->when += (strata_time)test_below(&cable->random, 100) * STRATA_SECOND;
    frame->length = length;
    memcpy(frame->bytes, bytes, length);
    if (cable_chance(cable, cable->marks))
        (void)frame_mark_ce(cable->ethernet ? STRATA_LINK_ETHERNET : STRATA_LINK_IP, frame->bytes, length);
    struct cable_frame **link = &cable->to[to];
    while (*link && (*link)->when <= frame->when)
        link = &(*link)->next;
    frame->next = *link;
    *link = frame;
}

/** Where the IP header ends; 0: no TCP in there. */
static inline size_t cable_segment_at(const struct cable *cable, const uint8_t *bytes, size_t length)
{
    size_t link = cable->ethernet ? 14 : 0, ip = cable->ipv6 ? IPV6_HEADER_BYTES : IPV4_HEADER_BYTES;
    if (length < link + ip + TCP_HEADER_BYTES)
        return 0;
    return bytes[link + (cable->ipv6 ? 6 : 9)] == PROTOCOL_TCP ? link + ip : 0;
}

/** Tells the sender that what it sent is larger than the path (RFC 1191 4, RFC 8201 4). */
static inline void cable_too_big(struct cable *cable, strata_time now, int from, const uint8_t *bytes)
{
    uint8_t frame[200];
    size_t link = cable->ethernet ? 14 : 0, ip = cable->ipv6 ? IPV6_HEADER_BYTES : IPV4_HEADER_BYTES;
    uint8_t *datagram = frame + link, *body = datagram + ip + ICMP_HEADER_BYTES;
    size_t quoted = ip + 8;
    memcpy(body, bytes + link, quoted);
    if (cable->ethernet) { // back to where it came from
        memcpy(frame, bytes + 6, 6);
        memcpy(frame + 6, bytes, 6);
        memcpy(frame + 12, bytes + 12, 2);
    }
    struct icmp_header header = {.rest = cable->path_mtu};
    if (cable->ipv6) {
        struct ipv6_header quote;
        REQUIRE(ipv6_parse_quoted(&quote, bytes + link, quoted) > 0);
        struct ipv6_header outer = {.payload_bytes = (uint16_t)(ICMP_HEADER_BYTES + quoted),
                                    .hop_limit = 64,
                                    .next_header = PROTOCOL_ICMPV6,
                                    .source = quote.destination,
                                    .destination = quote.source};
        ipv6_emit(datagram, &outer);
        header.type = ICMPV6_PACKET_TOO_BIG;
        icmp_emit(datagram + ip, &header, quoted,
                  checksum_pseudo(&outer.source, &outer.destination, PROTOCOL_ICMPV6, outer.payload_bytes));
    } else {
        struct ipv4_header quote;
        REQUIRE(ipv4_parse_quoted(&quote, bytes + link, quoted) > 0);
        struct ipv4_header outer = {.header_bytes = IPV4_HEADER_BYTES,
                                    .ttl = 64,
                                    .protocol = PROTOCOL_ICMP,
                                    .total_bytes = (uint16_t)(ip + ICMP_HEADER_BYTES + quoted),
                                    .source = quote.destination,
                                    .destination = quote.source};
        ipv4_emit(datagram, &outer);
        header.type = ICMP_UNREACHABLE;
        header.code = ICMP_FRAGMENTATION_NEEDED;
        icmp_emit(datagram + ip, &header, quoted, 0);
    }
    cable_put(cable, now, from, frame, link + ip + ICMP_HEADER_BYTES + quoted);
}

/** Flips one bit, where a checksum sees it: ARP has none, nor have headers of Ethernet and IPv6. */
static inline void cable_damage(struct cable *cable, uint8_t *bytes, size_t length)
{
    size_t from = cable->ethernet ? 14 : cable->ipv6 ? IPV6_HEADER_BYTES : 0;
    bool arp = cable->ethernet && bytes[12] == 8 && bytes[13] == 6;
    if (arp || length <= from)
        return;
    size_t bit = (size_t)test_below(&cable->random, (length - from) * 8);
    bytes[from + bit / 8] ^= (uint8_t)(1u << bit % 8);
}

/** Whether a frame is lost: alone, or with some of those behind it. */
static inline bool cable_loses(struct cable *cable)
{
    if (cable->lost > 0) {
        cable->lost--;
        return true;
    }
    // As many are lost in all, but in a row.
    if (!cable_chance(cable, cable->bursts ? cable->loss / (cable->bursts / 2) : cable->loss))
        return false;
    cable->lost = cable->bursts ? (unsigned)test_below(&cable->random, cable->bursts) : 0;
    return true;
}

/** A receiver takes back some of the window that it offered, or all of it: a sender has to live with that (RFC 9293
 * MUST-34). Never in the handshake, and the next ACK may say something else again. */
static inline void cable_squeeze(struct cable *cable, uint8_t *segment)
{
    uint16_t window = (uint16_t)(segment[14] << 8 | segment[15]), checksum = (uint16_t)(segment[16] << 8 | segment[17]);
    if (segment[13] & (TCP_SYN | TCP_RST))
        return;
    uint16_t less = cable_chance(cable, 500) ? 0 : (uint16_t)test_below(&cable->random, window + 1u);
    checksum = checksum_adjust(checksum, window, less);
    segment[14] = (uint8_t)(less >> 8);
    segment[15] = (uint8_t)less;
    segment[16] = (uint8_t)(checksum >> 8);
    segment[17] = (uint8_t)checksum;
}

/** A frame leaves host `from`. */
static inline void cable_carry(struct cable *cable, strata_time now, int from, const uint8_t *bytes,
                               size_t length)
{
    if (cable->is_cut || cable_loses(cable))
        return;
    size_t segment_at = cable_segment_at(cable, bytes, length);
    if (segment_at) {
        size_t most = sizeof cable->sample[from];
        cable->sample_length[from] = length < most ? length : most;
        memcpy(cable->sample[from], bytes, cable->sample_length[from]);
        if (cable->path_mtu && length - (cable->ethernet ? 14 : 0) > cable->path_mtu) {
            if (!cable->dark)
                cable_too_big(cable, now, from, bytes);
            return;
        }
    }
    if (cable_chance(cable, cable->doubling))
        cable_put(cable, now, !from, bytes, length);
    bool squeezed = segment_at && cable_chance(cable, cable->squeezes), damaged = cable_chance(cable, cable->damage);
    if (!squeezed && !damaged) {
        cable_put(cable, now, !from, bytes, length);
        return;
    }
    uint8_t *copy = (uint8_t *)malloc(length);
    REQUIRE(copy);
    memcpy(copy, bytes, length);
    if (squeezed)
        cable_squeeze(cable, copy + segment_at);
    if (damaged)
        cable_damage(cable, copy, length);
    cable_put(cable, now, !from, copy, length);
    free(copy);
}

/**
 * Throws in a forged segment of somebody who knows addresses and ports and has heard the last segment from
 * one side, but has not hit its window: all such segments must leave the connection as it is (RFC 5961).
 */
static inline void cable_forge(struct cable *cable, strata_time now)
{
    int from = (int)test_below(&cable->random, 2);
    size_t segment_at = cable_segment_at(cable, cable->sample[from], cable->sample_length[from]);
    if (!segment_at)
        return;
    uint8_t frame[200];
    struct tcp_header header;
    memcpy(frame, cable->sample[from], segment_at);
    // The options are left out, unless they are timestamps: those are on every segment or it is dropped for
    // that alone.
    const uint8_t *sample = cable->sample[from] + segment_at;
    size_t there = cable->sample_length[from] - segment_at, data = (size_t)test_below(&cable->random, 30);
    if (tcp_parse(&header, sample, there) < 0 || header.flags & (TCP_SYN | TCP_RST))
        return;
    static const uint16_t flags[] = {TCP_RST,           TCP_RST | TCP_ACK, TCP_ACK,
                                     TCP_ACK | TCP_FIN, TCP_ACK | TCP_PSH, 0,
                                     TCP_ACK | TCP_URG, TCP_SYN,           TCP_SYN | TCP_ACK};
    header.flags = flags[test_below(&cable->random, sizeof flags / sizeof *flags)];
    header.seq += (1u << 30) + (uint32_t)test_below(&cable->random, 1u << 31); // no window reaches there
    if (cable_chance(cable, 500))
        header.ack += (uint32_t)test_random(&cable->random);
    header.window = (uint16_t)test_random(&cable->random);
    size_t length = tcp_emit(frame + segment_at, &header);
    memset(frame + segment_at + length, 'x', data);
    length += data;
    struct strata_address source, destination;
    uint8_t *datagram = frame + (cable->ethernet ? 14 : 0);
    if (cable->ipv6) {
        struct ipv6_header outer;
        REQUIRE(ipv6_parse_quoted(&outer, datagram, segment_at) > 0);
        outer.payload_bytes = (uint16_t)length;
        ipv6_emit(datagram, &outer);
        source = outer.source;
        destination = outer.destination;
    } else {
        struct ipv4_header outer;
        REQUIRE(ipv4_parse_quoted(&outer, datagram, IPV4_HEADER_BYTES) > 0);
        outer.total_bytes = (uint16_t)(IPV4_HEADER_BYTES + length);
        ipv4_emit(datagram, &outer);
        source = outer.source;
        destination = outer.destination;
    }
    uint64_t sum = checksum_pseudo(&source, &destination, PROTOCOL_TCP, (uint32_t)length);
    tcp_put_checksum(frame + segment_at, checksum_finish(checksum_add(sum, frame + segment_at, length)));
    cable_put(cable, now, !from, frame, segment_at + length);
}

/** The next frame for a host that has arrived, which the caller frees; or NULL. */
static inline struct cable_frame *cable_take(struct cable *cable, strata_time now, int host)
{
    struct cable_frame *frame = cable->to[host];
    if (!frame || frame->when > now)
        return NULL;
    cable->to[host] = frame->next;
    return frame;
}

/** When the next one arrives. */
static inline strata_time cable_next(const struct cable *cable)
{
    strata_time next = STRATA_NEVER;
    for (int i = 0; i < 2; i++)
        if (cable->to[i] && cable->to[i]->when < next)
            next = cable->to[i]->when;
    return next;
}

static inline void cable_free(struct cable *cable)
{
    for (int i = 0; i < 2; i++)
        while (cable->to[i]) {
            struct cable_frame *frame = cable->to[i];
            cable->to[i] = frame->next;
            free(frame);
        }
}

#endif
