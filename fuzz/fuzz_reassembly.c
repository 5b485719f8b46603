/*
 * Reassembly under fragments of few datagrams, in any order, of any size, lying about the end.
 *
 * An input is a sequence of six bytes: flags, identification, offset in blocks of 8 (two), length (two).
 *
 *     flags & 1    IPv6
 *     flags & 2    more fragments follow
 *     flags & 4    the content is another than that of other fragments at this place
 *     flags & 8    a second passes before it
 *
 * What is delivered has at each place the byte that belongs there, unless some fragment came with other
 * content.
 */
#include "base/assert.h"
#include "net/internal.h"

#include <stdlib.h>

#define LENGTH_MAX 2000u
#define BOUND_BYTES 60000u

struct rig {
    struct core core;
    struct net *net;
    bool other_content;
};

static uint8_t byte_at(size_t offset)
{
    return (uint8_t)(offset * 7 + offset / 251);
}

static void take(void *context, const struct net_packet *packet)
{
    const struct rig *rig = context;
    for (size_t i = 0; i < packet->length; i++)
        ASSERT(packet->payload[i] == byte_at(i) || rig->other_content);
    ASSERT(packet->length <= 65535);
    ASSERT(packet->payload + packet->length == packet->datagram + packet->datagram_length);
}

static size_t build(uint8_t *room, const uint8_t *record, size_t length)
{
    size_t offset = bytes_get16(record + 2) % 8192u * 8u, at;
    bool more = record[0] & 2;
    if (record[0] & 1) {
        struct ipv6_header header = {.payload_bytes = (uint16_t)(IPV6_FRAGMENT_BYTES + length),
                                     .hop_limit = 9,
                                     .next_header = PROTOCOL_FRAGMENT,
                                     .source = {{0xfd, [15] = 2}},
                                     .destination = {{0xfd, [15] = 1}}};
        struct ipv6_fragment fragment = {.next_header = PROTOCOL_UDP,
                                         .offset_bytes = (uint16_t)offset,
                                         .more_fragments = more,
                                         .identification = record[1] & 3};
        at = ipv6_emit(room, &header);
        at += ipv6_fragment_emit(room + at, &fragment);
    } else {
        struct ipv4_header header = {.header_bytes = 20,
                                     .total_bytes = (uint16_t)(20 + length),
                                     .ttl = 9,
                                     .identification = record[1] & 3,
                                     .protocol = PROTOCOL_UDP,
                                     .more_fragments = more,
                                     .fragment_offset_bytes = (uint16_t)offset,
                                     .source = strata_ipv4(10, 0, 0, 2),
                                     .destination = strata_ipv4(10, 0, 0, 1)};
        at = ipv4_emit(room, &header);
    }
    for (size_t i = 0; i < length; i++)
        room[at + i] = (uint8_t)(byte_at(offset + i) ^ (record[0] & 4 ? 0x55 : 0));
    return at + length;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct rig rig;
    struct strata_config config = {.size = sizeof config};
    struct net_upper upper = {.context = &rig, .input = take};
    struct strata_port_config tunnel = {.size = sizeof tunnel, .link = STRATA_LINK_IP, .mtu_bytes = 65535};
    struct strata_address own4 = strata_ipv4(10, 0, 0, 1), own6 = {{0xfd, [15] = 1}};
    rig = (struct rig){0};
    ASSERT(core_init(&rig.core, &config, STRATA_SECOND) == 0);
    ASSERT(net_new(&rig.net, &rig.core) == 0);
    ASSERT(links_add_port(net_links(rig.net), &tunnel) == 1);
    ASSERT(net_address_add(rig.net, 1, &own4, 24) == 0 && net_address_add(rig.net, 1, &own6, 64) == 0);
    net_set_upper(rig.net, PROTOCOL_UDP, &upper);
    rig.core.settings.reassembly_bytes = BOUND_BYTES;
    for (; size >= 6; data += 6, size -= 6) {
        size_t length = bytes_get16(data + 4) % LENGTH_MAX, bytes;
        uint8_t *datagram = malloc(IPV6_HEADER_BYTES + IPV6_FRAGMENT_BYTES + length);
        ASSERT(datagram);
        bytes = build(datagram, data, length);
        rig.other_content |= (data[0] & 4) != 0;
        if (data[0] & 8)
            core_at(&rig.core, rig.core.now + STRATA_SECOND);
        wheel_advance(&rig.core.wheel, rig.core.now);
        port_input(links_port(net_links(rig.net), 1), datagram, bytes, NULL);
        free(datagram);
        ASSERT(rig.net->reassembly.bytes <= BOUND_BYTES);
        struct strata_meta meta = {0};
        uint8_t frame[1400];
        struct room room = {.bytes = frame, .size = sizeof frame, .meta = &meta, .now = rig.core.now};
        while (links_ready(net_links(rig.net)) >= 0)
            port_output(links_port(net_links(rig.net), 1), &room);
    }
    net_free(rig.net);
    core_free(&rig.core);
    return 0;
}
