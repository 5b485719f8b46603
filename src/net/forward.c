/*
 * The router (RFC 1812 5.2 and 5.3, RFC 2644, RFC 6890; RFC 8200 and RFC 4443 for IPv6). The host is one when
 * the settings ip_forward and ipv6_forwarding say so; both are off at birth (RFC 1122-27).
 *
 * A forwarded datagram is copied into a packet that waits in the port's bounded forwarding queue. Nothing is
 * put together on the way (RFC 1812-10), and options that ask routers to write into the header are left as
 * they are.
 */
#include "net/internal.h"
#include "wire/checksum.h"
#include "wire/ethernet.h"
#include "wire/tcp.h"

struct range4 {
    uint32_t first, bits;
};

/* RFC 6890-1, RFC 1812-20: neither from nor to. */
static bool ipv4_forwardable(const struct strata_address *address)
{
    static const struct range4 never[] = {{0x00000000, 8},  {0x7f000000, 8},  {0xa9fe0000, 16},
                                          {0xc0000200, 24}, {0xc6336400, 24}, {0xcb007100, 24},
                                          {0xe0000000, 4},  {0xf0000000, 4}};
    // The first octets of these, so that most addresses need no second look.
    static const uint64_t first[4] = {1, UINT64_C(1) << 63, UINT64_C(1) << (0xa9 - 0x80),
                                      UINT64_C(0xffffffff00000841)};
    uint32_t ipv4 = address_v4(address);
    if (!(first[ipv4 >> 30] >> (ipv4 >> 24 & 63) & 1))
        return true;
    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++)
        if ((ipv4 ^ never[i].first) >> (32 - never[i].bits) == 0)
            return false;
    return true;
}

/* RFC 6890-3; multicast routing is nobody's business here. */
static bool ipv6_forwardable(const struct strata_address *address)
{
    static const uint8_t documentation[4] = {0x20, 0x01, 0x0d, 0xb8};
    return !address_is_unspecified(address) && !address_is_loopback(address) &&
           !address_is_link_local(address) && !address_is_multicast(address) &&
           memcmp(address->bytes, documentation, 4) != 0;
}

/* A copy that waits; a checksum that a driver left for us to finish is finished. */
static struct packet *copy(struct net *net, const struct net_packet *packet, uint16_t ethertype)
{
    struct packet *owned = NULL;
    if (!memory_is_short(&net->core->memory))
        owned = packet_copy(&net->core->memory, NET_HEADROOM, packet->datagram, packet->datagram_length);
    if (!owned)
        return NULL;
    owned->port = (int16_t)packet->port;
    owned->ethertype = ethertype;
    const struct strata_meta *meta = packet->meta;
    if (!(meta->flags & STRATA_META_PARTIAL))
        return owned;
    const struct port *port = links_port(&net->links, packet->port);
    size_t link = port_header_bytes(port), start = meta->checksum_start, at = start + meta->checksum_offset;
    if (start < link || at + 2 > link + owned->length)
        return owned; // whoever made it will find it bad
    uint8_t *bytes = packet_data(owned);
    bytes_put16(bytes + at - link,
                checksum_finish(checksum_add(0, bytes + start - link, owned->length - (start - link))));
    return owned;
}

/* MSS clamping: both ends are told what the narrower of the two links carries, so that they need not learn it from
 * messages that a network beyond may not let through. `offset`: of what IP carries. */
static void clamp_mss(struct net *net, struct packet *owned, size_t offset, uint8_t protocol, int in, int out)
{
    if (!net->core->settings.tcp_mss_clamp || protocol != PROTOCOL_TCP || offset >= owned->length)
        return;
    uint32_t a = links_port(&net->links, in)->mtu_bytes, b = links_port(&net->links, out)->mtu_bytes;
    uint32_t mtu = a < b ? a : b, fixed = (owned->ethertype == ETHERTYPE_IPV4 ? 20u : 40u) + TCP_HEADER_BYTES;
    uint32_t most = mtu > fixed ? mtu - fixed : 1;
    if (most < UINT16_MAX &&
        tcp_clamp_mss(packet_data(owned) + offset, owned->length - offset, (uint16_t)most))
        core_count(net->core, COUNTER_tcp_mss_clamped);
}

static void send_ipv4(struct net *net, const struct net_packet *packet, const struct ipv4_header *header,
                      const struct net_path *path)
{
    struct port *port = links_port(&net->links, path->port);
    struct packet *owned = copy(net, packet, ETHERTYPE_IPV4);
    if (!owned) {
        net_drop(net, COUNTER_net_drop_memory, packet);
        return;
    }
    if (header->fragment_offset_bytes == 0)
        clamp_mss(net, owned, header->header_bytes, header->protocol, packet->port, path->port);
    if (header->total_bytes <= path->mtu_bytes) {
        core_count(net->core, COUNTER_ipv4_forwarded);
        ipv4_decrement_ttl(packet_data(owned)); // RFC 1812-3
        port_send(port, owned, &path->next_hop, path->broadcast, PORT_FORWARD);
        return;
    }
    if (header->fragment_offset_bytes + packet->length >
        UINT16_MAX) { // what cannot be numbered cannot be cut
        net_drop(net, COUNTER_reassembly_drop_too_long, packet);
        packet_free(&net->core->memory, owned);
        return;
    }
    core_count(net->core, COUNTER_ipv4_forwarded);
    struct ipv4_header smaller = *header;
    smaller.ttl--;
    if (fragment_ipv4(net, path, &smaller, packet_data(owned) + header->header_bytes, packet->length,
                      packet->port, PORT_FORWARD) < 0)
        net_drop(net, COUNTER_net_drop_memory, packet);
    packet_free(&net->core->memory, owned);
}

/* RFC 1812-19: a directed broadcast for a subnet of ours is let in only when a setting says so. */
static bool broadcast_passes(const struct net *net, const struct net_packet *packet,
                             const struct net_path *path)
{
    return !path->broadcast || (net->core->settings.ip_forward_directed && path->port != packet->port);
}

void ipv4_forward(struct net *net, const struct net_packet *packet, const struct ipv4_header *header)
{
    struct net_path path;
    // RFC 1812-18: 255.255.255.255 is in 240/4, and never comes here besides.
    if (!ipv4_forwardable(&packet->source) || !ipv4_forwardable(&packet->destination)) {
        net_drop(net, COUNTER_ipv4_drop_not_forwardable, packet);
        return;
    }
    if (net_path_find(net, &path, &packet->destination, 0, 0) < 0) {
        net_drop(net, COUNTER_ipv4_drop_no_route, packet);
        icmp_send_error(net, packet, ICMP_UNREACHABLE, ICMP_NET_UNREACHABLE, 0); // RFC 1812-7
        return;
    }
    if (!broadcast_passes(net, packet, &path)) {
        net_drop(net, COUNTER_ipv4_drop_not_forwardable, packet);
        return;
    }
    if (header->ttl <= 1) {
        net_drop(net, COUNTER_ipv4_drop_ttl, packet);
        icmp_send_error(net, packet, ICMP_TIME_EXCEEDED, 0, 0); // RFC 1812-4
        return;
    }
    // A router's own path MTU is no business of those who pass: the link's counts.
    path.mtu_bytes = links_port(&net->links, path.port)->mtu_bytes;
    if (header->total_bytes > path.mtu_bytes && header->dont_fragment) {
        net_drop(net, COUNTER_ipv4_drop_too_big, packet); // RFC 791-7, RFC 6864-4
        icmp_send_error(net, packet, ICMP_UNREACHABLE, ICMP_FRAGMENTATION_NEEDED,
                        path.mtu_bytes); // RFC 1812-8
        return;
    }
    if (!path.broadcast)
        icmp_redirect_output(net, packet, &path);
    send_ipv4(net, packet, header, &path);
}

void ipv6_forward(struct net *net, const struct net_packet *packet, const struct ipv6_header *header)
{
    struct net_path path;
    if (!ipv6_forwardable(&packet->source) || !ipv6_forwardable(&packet->destination)) {
        net_drop(net, COUNTER_ipv6_drop_not_forwardable, packet);
        return;
    }
    if (net_path_find(net, &path, &packet->destination, 0, 0) < 0) {
        net_drop(net, COUNTER_ipv6_drop_no_route, packet);
        icmp_send_error(net, packet, ICMPV6_UNREACHABLE, 0, 0);
        return;
    }
    if (header->hop_limit <= 1) { // RFC 8200-18, RFC 4443-8
        net_drop(net, COUNTER_ipv6_drop_hop_limit, packet);
        icmp_send_error(net, packet, ICMPV6_TIME_EXCEEDED, 0, 0);
        return;
    }
    struct port *port = links_port(&net->links, path.port);
    if (packet->datagram_length > port->mtu_bytes) { // RFC 8200-15: only the source fragments
        net_drop(net, COUNTER_ipv6_drop_too_big, packet);
        icmp_send_error(net, packet, ICMPV6_PACKET_TOO_BIG, 0, port->mtu_bytes); // RFC 4443-7
        return;
    }
    struct packet *owned = copy(net, packet, ETHERTYPE_IPV6);
    if (!owned) {
        net_drop(net, COUNTER_net_drop_memory, packet);
        return;
    }
    struct ipv6_header lower = *header;
    lower.hop_limit--;
    ipv6_emit(packet_data(owned), &lower);
    uint8_t protocol;
    size_t offset;
    if (net->core->settings.tcp_mss_clamp && ipv6_find_upper(packet_data(owned), owned->length, &protocol, &offset))
        clamp_mss(net, owned, offset, protocol, packet->port, path.port);
    core_count(net->core, COUNTER_ipv6_forwarded);
    port_send(port, owned, &path.next_hop, path.broadcast, PORT_FORWARD);
}
