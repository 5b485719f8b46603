/*
 * Ports and the network room under whatever frames, with a transport that answers everything: a router with
 * an Ethernet port and a port of link type IP, addresses of both families, groups, a default route.
 *
 * An input is a sequence of records: a byte of flags, a byte of time, two bytes of length, a frame.
 *
 *     flags & 1    the port: 0 Ethernet, 1 IP
 *     flags & 2    the harness makes the IPv4 header's checksum and that of ICMP right
 *     flags & 4    the transport answers with an error, chosen by flags >> 5
 *     flags & 8    the transport takes what is for others
 *     flags & 16   nothing is taken out of the ports this time, so that queues fill
 *     time         0: none passes, otherwise 2^(time % 40) nanoseconds
 *
 * What comes out is looked at: it can be parsed, is no longer than the port takes, and no loopback address is
 * in it.
 */
#include "base/assert.h"
#include "net/internal.h"
#include "wire/arp.h"
#include "wire/checksum.h"
#include "wire/ethernet.h"

#include <stdlib.h>

#define BUDGET_BYTES ((size_t)1 << 20)

struct rig {
    struct core core;
    struct net *net;
    int ports[2];
    uint8_t flags;
    unsigned answers;
};

static void answer(void *context, const struct net_packet *packet)
{
    static const uint8_t types[8][2] = {{3, 3}, {3, 2}, {3, 1}, {3, 13}, {11, 1}, {12, 0}, {3, 4}, {3, 0}};
    struct rig *rig = context;
    const uint8_t *kind = types[rig->flags >> 5];
    uint8_t sum = 0;
    for (size_t i = 0; i < packet->length; i++) // all of it may be read
        sum ^= packet->payload[i];
    ASSERT(packet->datagram <= packet->payload);
    ASSERT(packet->payload + packet->length <= packet->datagram + packet->datagram_length ||
           packet->length == 0);
    ASSERT(!(packet->flags & NET_PACKET_FOREIGN) || rig->flags & 8);
    if (rig->flags & 4)
        net_send_error(rig->net, packet, kind[0], kind[1], sum);
    if (rig->answers++ > 64 || packet->flags & NET_PACKET_LOOPBACK)
        return;
    struct net_out out = {.destination = packet->source, .protocol = packet->protocol, .loop = sum & 1};
    net_send(rig->net, &out, (uint32_t)packet->port, 0, packet->payload, packet->length);
}

static void hear_error(void *context, const struct net_error *error)
{
    struct rig *rig = context;
    uint8_t sum = 0;
    for (size_t i = 0; i < error->quoted_length; i++)
        sum ^= error->quoted[i];
    ASSERT(error->error > 0 && net_is_own(rig->net, &error->source));
    struct net_path path;
    if (sum & 1 && net_path_find(rig->net, &path, &error->destination, 0, 0) == 0)
        net_doubt(rig->net, &path);
}

static bool wants(void *context, const struct net_packet *packet)
{
    (void)packet;
    return ((struct rig *)context)->flags & 8;
}

static void *allocate(void *context, size_t bytes)
{
    (void)context;
    void *block = malloc(bytes);
    ASSERT(block);
    memset(block, 0xa5, bytes);
    return block;
}

static void release(void *context, void *block, size_t bytes)
{
    (void)context;
    (void)bytes;
    free(block);
}

static struct strata_address address_of(const char *text)
{
    struct strata_address address;
    ASSERT(strata_address_parse(text, &address) == 0);
    return address;
}

static void add(struct rig *rig, int port, const char *text, unsigned prefix_length)
{
    struct strata_address address = address_of(text);
    ASSERT(net_address_add(rig->net, port, &address, prefix_length) == 0);
}

static void rig_init(struct rig *rig)
{
    static const struct strata_allocator allocator = {.allocate = allocate, .release = release};
    struct strata_config config = {
        .size = sizeof config, .allocator = &allocator, .memory_bytes = BUDGET_BYTES};
    struct net_upper upper = {.context = rig, .input = answer, .error = hear_error, .wants = wants};
    *rig = (struct rig){0};
    ASSERT(core_init(&rig->core, &config, STRATA_SECOND) == 0);
    ASSERT(net_new(&rig->net, &rig->core) == 0);
    for (int i = 0; i < 2; i++) {
        struct strata_port_config port = {.size = sizeof port,
                                          .mac = {2, 0, 0, 0, 0, (uint8_t)(i + 1)},
                                          .link = i ? STRATA_LINK_IP : STRATA_LINK_ETHERNET,
                                          .mtu_bytes = 1400u - 100u * i};
        rig->ports[i] = links_add_port(net_links(rig->net), &port);
        ASSERT(rig->ports[i] == i + 1);
    }
    add(rig, 1, "10.0.0.1", 24);
    add(rig, 1, "fd00::1", 64);
    add(rig, 2, "10.0.1.1", 24);
    add(rig, 2, "fd01::1", 64);
    add(rig, 2, "fe80::1", 64);
    struct strata_route route = {
        .destination = address_of("0.0.0.0"), .gateway = address_of("10.0.0.254"), .port = -1};
    ASSERT(net_route_add(rig->net, &route) == 0);
    struct strata_route route6 = {.port = 2};
    ASSERT(net_route_add(rig->net, &route6) == 0);
    struct strata_address group = address_of("224.5.6.7");
    ASSERT(net_join(rig->net, &group, 1) == 0);
    net_set_upper(rig->net, PROTOCOL_UDP, &upper);
    net_set_upper(rig->net, PROTOCOL_TCP, &upper);
    net_set_upper(rig->net, PROTOCOL_ICMP, &upper);
    rig->core.settings.ip_forward = 1;
    rig->core.settings.ipv6_forwarding = 1;
    rig->core.settings.neighbour_entries = 8;
    rig->core.settings.reassembly_datagrams = 8;
    rig->core.settings.destination_entries = 8;
}

/* Nothing that goes out is malformed or betrays the loopback. Whether a forwarded payload is right is not our
 * affair. */
static void look(const struct port *port, const uint8_t *frame, size_t length)
{
    size_t link = port_header_bytes(port);
    ASSERT(length > link && length <= link + port->mtu_bytes);
    struct ethernet_header header = {.ethertype = frame[0] >> 4 == 4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6};
    if (link > 0)
        ASSERT(ethernet_parse(&header, frame, length) == ETHERNET_HEADER_BYTES);
    struct arp_packet arp;
    struct ipv4_header ipv4;
    struct ipv6_header ipv6;
    if (header.ethertype == ETHERTYPE_ARP) {
        ASSERT(arp_parse(&arp, frame + link, length - link) == ARP_BYTES);
    } else if (header.ethertype == ETHERTYPE_IPV4) {
        ASSERT(ipv4_parse(&ipv4, frame + link, length - link) > 0);
        ASSERT(ipv4.total_bytes == length - link && ipv4.ttl > 0);
        ASSERT(!address_is_loopback(&ipv4.source) && !address_is_loopback(&ipv4.destination));
    } else {
        ASSERT(ipv6_parse(&ipv6, frame + link, length - link) > 0);
        ASSERT(ipv6.payload_bytes == length - link - IPV6_HEADER_BYTES && ipv6.hop_limit > 0);
        ASSERT(!address_is_loopback(&ipv6.source) && !address_is_loopback(&ipv6.destination));
    }
}

static void drain(struct rig *rig)
{
    uint8_t frame[1600];
    struct strata_meta meta = {0};
    struct room room = {.bytes = frame, .size = sizeof frame, .meta = &meta, .now = rig->core.now};
    int index;
    while ((index = links_ready(net_links(rig->net))) >= 0) {
        const struct port *port = links_port(net_links(rig->net), index);
        size_t length = port_output(links_port(net_links(rig->net), index), &room);
        if (length > 0)
            look(port, frame, length);
    }
    for (int i = 0; i < 4; i++)
        net_pump_loopback(rig->net);
}

static void mend(uint8_t *ip, size_t size)
{
    if (size < IPV4_HEADER_BYTES || ip[0] >> 4 != 4)
        return;
    size_t header = (ip[0] & 15u) * 4u, total = bytes_get16(ip + 2);
    if (header < IPV4_HEADER_BYTES || header > size)
        return;
    bytes_put16(ip + 10, 0);
    bytes_put16(ip + 10, checksum_finish(checksum_add(0, ip, header)));
    if (ip[9] != PROTOCOL_ICMP || total > size || total < header + ICMP_HEADER_BYTES)
        return;
    bytes_put16(ip + header + 2, 0);
    bytes_put16(ip + header + 2, checksum_finish(checksum_add(0, ip + header, total - header)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct rig rig;
    rig_init(&rig);
    while (size >= 4) {
        size_t length = bytes_get16(data + 2) % 1700;
        uint8_t time = data[1];
        rig.flags = data[0];
        data += 4;
        size -= 4;
        if (length > size)
            length = size;
        uint8_t *frame = malloc(length ? length : 1); // exactly as long, for the sanitizer
        ASSERT(frame);
        memcpy(frame, data, length);
        int port = rig.ports[rig.flags & 1];
        size_t link = rig.flags & 1 ? 0 : ETHERNET_HEADER_BYTES;
        if (rig.flags & 2 && length > link)
            mend(frame + link, length - link);
        if (time)
            core_at(&rig.core, rig.core.now + ((strata_time)1 << time % 40));
        wheel_advance(&rig.core.wheel, rig.core.now);
        port_input(links_port(net_links(rig.net), port), frame, length, NULL);
        free(frame);
        if (!(rig.flags & 16))
            drain(&rig);
        data += length;
        size -= length;
    }
    drain(&rig);
    net_free(rig.net);
    core_free(&rig.core); // asserts that nothing is left
    return 0;
}
