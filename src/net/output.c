/*
 * Datagrams out: headers in front of what a transport writes into the driver's memory, or of an owned packet.
 *
 * RFC 791 3.1 and RFC 8200 3 (headers), RFC 1122 3.2.1 (source, TTL), RFC 6864 (identification).
 */
#include <errno.h>

#include "base/assert.h"
#include "net/internal.h"
#include "wire/ethernet.h"

/* RFC 6864-2: a keyed hash makes a sequence per source, destination and protocol that cannot be guessed; the
 * counter under it repeats after 2^16 (2^32) datagrams. Few tuples share a counter, which only spends
 * numbers. */
uint32_t net_identification(struct net *net, const struct net_out *out)
{
    uint8_t key[33];
    memcpy(key, out->source.bytes, 16);
    memcpy(key + 16, out->destination.bytes, 16);
    key[32] = out->protocol;
    uint64_t hash = siphash(&net->identification_key, key, sizeof key);
    return (uint32_t)hash + net->identifications[hash >> 32 & (NET_IDENTIFICATIONS - 1)]++;
}

/* RFC 1122-6: nothing with a loopback address leaves the host. */
static bool leaks_loopback(const struct net_path *path, const struct strata_address *source)
{
    return path->port != STRATA_PORT_LOOPBACK && address_is_loopback(source);
}

/* The next hop's station, written into the link header at once. */
static int begin_link(struct net *net, struct net_path *path, struct port *port, uint8_t *bytes,
                      struct speaker *speaker)
{
    uint8_t mac[6];
    for (int attempt = 0;; attempt++) {
        switch (neighbour_resolve(port, &path->next_hop, path->broadcast, mac)) {
        case NEIGHBOUR_RESOLVED:
            port_emit_header(port, bytes, mac,
                             address_is_ipv4(&path->destination) ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6);
            return 0;
        case NEIGHBOUR_PENDING:
            if (speaker)
                neighbour_park(port, &path->next_hop, speaker);
            return -EINPROGRESS;
        default:
            break;
        }
        // A gateway that does not answer ARP is dead (RFC 1122-16): perhaps there is another on this port.
        struct strata_address hop = path->next_hop;
        if (attempt > 0 || address_equal(&hop, &path->destination))
            return -EHOSTUNREACH;
        net_doubt(net, path);
        if (net_path_find(net, path, &path->destination, path->scope, path->bound_port) < 0 ||
            path->port != port->index || address_equal(&hop, &path->next_hop))
            return -EHOSTUNREACH;
    }
}

static int begin(struct net *net, struct net_path *path, struct room *room, struct speaker *speaker,
                 size_t least, bool fragment, uint8_t **payload, size_t *capacity)
{
    if (path->generation != net->generation) {
        int error = net_path_find(net, path, &path->destination, path->scope, path->bound_port);
        if (error < 0)
            return error;
    }
    struct port *port = links_port(&net->links, path->port);
    if (!port || !port->sends)
        return port && port->up ? -ENOBUFS : -ENETDOWN;
    if (path->port != room->port) {
        if (speaker)
            port_mark(port, speaker);
        return speaker ? -EINPROGRESS : -EXDEV;
    }
    size_t link = port_header_bytes(port), header = IPV4_HEADER_BYTES;
    if (!address_is_ipv4(&path->destination))
        header = IPV6_HEADER_BYTES + (fragment ? IPV6_FRAGMENT_BYTES : 0);
    if (room->size < link + header + least)
        return -EMSGSIZE;
    if (path->mtu_bytes < header + least)
        return -E2BIG;
    int error = begin_link(net, path, port, room->bytes, speaker);
    if (error < 0)
        return error;
    size_t most = room->size - link < path->mtu_bytes ? room->size - link : path->mtu_bytes;
    if (most < header + least)
        return -E2BIG; // another gateway was found, behind a narrower path
    *payload = room->bytes + link + header;
    *capacity = most - header;
    return 0;
}

int net_begin(struct net *net, struct net_path *path, struct room *room, struct speaker *speaker,
              size_t least, uint8_t **payload, size_t *capacity)
{
    return begin(net, path, room, speaker, least, false, payload, capacity);
}

int net_begin_fragment(struct net *net, struct net_path *path, struct room *room, struct speaker *speaker,
                       size_t least, uint8_t **payload, size_t *capacity)
{
    int error = begin(net, path, room, speaker, least, true, payload, capacity);
    *capacity = error == 0 ? *capacity & ~(size_t)7 : 0; // RFC 791-4
    return error;
}

static void fill_ipv4(struct net *net, const struct net_out *out, size_t length, struct ipv4_header *header)
{
    header->header_bytes = (uint8_t)(IPV4_HEADER_BYTES + out->options_length);
    header->tos = out->tos; // RFC 1122-8
    header->total_bytes = (uint16_t)(header->header_bytes + length);
    header->dont_fragment = out->dont_fragment && !out->fragment;
    header->more_fragments = out->fragment && out->more_fragments;
    header->fragment_offset_bytes = out->fragment ? out->fragment_offset_bytes : 0;
    // RFC 6864-1: an atomic datagram's identification means nothing. RFC 6864-3: others get one each time.
    header->identification = (uint16_t)(header->dont_fragment ? 0
                                        : out->fragment       ? out->identification
                                                              : net_identification(net, out));
    header->ttl =
        out->ttl ? out->ttl : (uint8_t)net->core->settings.ip_default_ttl; // RFC 1122-9, RFC 1122-10
    header->protocol = out->protocol;
    header->source = out->source;
    header->destination = out->destination;
}

static void fill_ipv6(const struct net *net, const struct net_out *out, size_t length,
                      struct ipv6_header *header)
{
    *header = (struct ipv6_header){.traffic_class = out->tos,
                                   .payload_bytes = (uint16_t)length,
                                   .next_header = out->protocol,
                                   .source = out->source,
                                   .destination = out->destination};
    header->hop_limit = out->ttl ? out->ttl : (uint8_t)net->core->settings.ip_default_ttl;
}

/* A copy of multicast or broadcast that we send, for our own members. */
static void loop_copy(struct net *net, int port, uint16_t ethertype, const uint8_t *datagram, size_t length)
{
    struct packet *packet = packet_copy(&net->core->memory, 0, datagram, length);
    if (!packet) {
        core_drop(net->core, COUNTER_net_drop_memory, port, datagram, length);
        return;
    }
    packet->ethertype = ethertype;
    packet->port = (int16_t)port;
    port_queue(links_port(&net->links, STRATA_PORT_LOOPBACK), packet, PORT_CONTROL);
}

static bool loops(const struct net_out *out, const struct net_path *path)
{
    return out->loop && path->port != STRATA_PORT_LOOPBACK &&
           (path->broadcast || address_is_multicast(&out->destination));
}

size_t net_finish(struct net *net, const struct net_path *path, struct room *room, const struct net_out *out,
                  size_t length)
{
    size_t link = port_header_bytes(links_port(&net->links, path->port));
    uint8_t *bytes = room->bytes + link;
    bool ipv4 = address_is_ipv4(&path->destination);
    if (leaks_loopback(path, &out->source)) {
        core_drop(net->core, ipv4 ? COUNTER_ipv4_drop_source : COUNTER_ipv6_drop_source, path->port, NULL, 0);
        return 0;
    }
    size_t head;
    if (ipv4) {
        struct ipv4_header header;
        ASSERT(out->options_length == 0);
        fill_ipv4(net, out, length, &header);
        head = ipv4_emit(bytes, &header);
        if (out->fragment)
            core_count(net->core, COUNTER_ipv4_fragments_sent);
    } else {
        struct ipv6_header header;
        fill_ipv6(net, out, length, &header);
        if (out->fragment) {
            struct ipv6_fragment fragment = {.next_header = out->protocol,
                                             .identification = out->identification,
                                             .offset_bytes = out->fragment_offset_bytes,
                                             .more_fragments = out->more_fragments};
            header.next_header = PROTOCOL_FRAGMENT;
            header.payload_bytes = (uint16_t)(length + IPV6_FRAGMENT_BYTES);
            ipv6_fragment_emit(bytes + IPV6_HEADER_BYTES, &fragment);
        }
        head = ipv6_emit(bytes, &header) + (out->fragment ? IPV6_FRAGMENT_BYTES : 0);
    }
    if (__builtin_expect(loops(out, path), 0))
        loop_copy(net, path->port, ipv4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6, bytes, head + length);
    return link + head + length;
}

/* ---- Owned packets --------------------------------------------------------------------------------------- */

static int send_ipv4(struct net *net, const struct net_path *path, const struct net_out *out,
                     struct packet *packet)
{
    struct ipv4_header header;
    size_t length = packet->length;
    if (IPV4_HEADER_BYTES + out->options_length + length > UINT16_MAX)
        return -EMSGSIZE;
    bool fits = IPV4_HEADER_BYTES + out->options_length + length <= path->mtu_bytes;
    if (!fits && out->dont_fragment)
        return -EMSGSIZE;
    fill_ipv4(net, out, length, &header);
    if (out->options_length > 0)
        memcpy(header.options, out->options, out->options_length);
    if (!fits) {
        int error = fragment_ipv4(net, path, &header, packet_data(packet), length, -1, PORT_CONTROL);
        if (error < 0)
            return error;
    }
    ipv4_emit(packet_push(packet, header.header_bytes), &header);
    packet->ethertype = ETHERTYPE_IPV4;
    return fits;
}

static int send_ipv6(struct net *net, const struct net_path *path, const struct net_out *out,
                     struct packet *packet)
{
    struct ipv6_header header;
    size_t length = packet->length;
    if (length > UINT16_MAX)
        return -EMSGSIZE;
    bool fits = IPV6_HEADER_BYTES + length <= path->mtu_bytes;
    if (!fits && out->dont_fragment)
        return -EMSGSIZE;
    if (!fits) {
        int error = fragment_ipv6(net, path, out, net_identification(net, out), packet_data(packet), length);
        if (error < 0)
            return error;
    }
    fill_ipv6(net, out, length, &header);
    ipv6_emit(packet_push(packet, IPV6_HEADER_BYTES), &header);
    packet->ethertype = ETHERTYPE_IPV6;
    return fits;
}

/* Why a datagram of our own does not go out, whoever made it. */
static void count_unsent(struct net *net, int error, bool ipv4)
{
    if (error == -ENOMEM)
        core_drop(net->core, COUNTER_net_drop_memory, -1, NULL, 0);
    else if (error == -EMSGSIZE)
        core_drop(net->core, ipv4 ? COUNTER_ipv4_drop_too_big : COUNTER_ipv6_drop_too_big, -1, NULL, 0);
    else if (error == -EADDRNOTAVAIL)
        core_drop(net->core, ipv4 ? COUNTER_ipv4_drop_source : COUNTER_ipv6_drop_source, -1, NULL, 0);
    else if (error < 0)
        core_drop(net->core, ipv4 ? COUNTER_ipv4_drop_no_route : COUNTER_ipv6_drop_no_route, -1, NULL, 0);
}

int output_packet(struct net *net, const struct net_out *out, uint32_t scope, int bound_port,
                  struct packet *packet)
{
    struct net_path path;
    struct net_out complete = *out;
    int result = net_path_find(net, &path, &out->destination, scope, bound_port);
    if (result == 0 && address_is_zero(&out->source))
        result = net_source(net, &path, &complete.source);
    if (result == 0 && leaks_loopback(&path, &complete.source))
        result = -EADDRNOTAVAIL;
    if (result == 0 && (out->options_length > 40 || out->options_length % 4 != 0))
        result = -EINVAL;
    if (result == 0)
        result = address_is_ipv4(&out->destination) ? send_ipv4(net, &path, &complete, packet)
                                                    : send_ipv6(net, &path, &complete, packet);
    if (result >= 0 && loops(out, &path))
        loop_copy(net, path.port, packet->ethertype, packet_data(packet), packet->length);
    if (result > 0) {
        packet->port = -1;
        port_send(links_port(&net->links, path.port), packet, &path.next_hop, path.broadcast, PORT_CONTROL);
    } else {
        packet_free(&net->core->memory, packet); // it went in fragments, or not at all
    }
    count_unsent(net, result, address_is_ipv4(&out->destination));
    return result < 0 ? result : 0;
}

int net_send(struct net *net, const struct net_out *out, uint32_t scope, int bound_port, const void *payload,
             size_t length)
{
    if (length > UINT16_MAX)
        return -EMSGSIZE;
    struct packet *packet = packet_copy(&net->core->memory, NET_HEADROOM, payload, length);
    if (packet)
        return output_packet(net, out, scope, bound_port, packet);
    count_unsent(net, -ENOMEM, false);
    return -ENOMEM;
}
