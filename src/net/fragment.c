/*
 * Fragments out (RFC 791 3.2, RFC 8200 4.5): cut on 8-octet boundaries, with only those options in the later
 * ones that ask to be copied. A fragment may be cut again on its way; IPv6 datagrams are cut by their source
 * alone.
 */
#include <errno.h>

#include "net/internal.h"
#include "wire/ethernet.h"

#define OPTION_COPIED 0x80

/* The header of the second and later fragments: options without the copied bit stay behind (RFC 791-5). */
static void keep_copied_options(struct ipv4_header *header)
{
    uint8_t kept[40] = {0};
    size_t size = 0, position = 0;
    struct ipv4_option option;
    size_t options = header->header_bytes - (size_t)IPV4_HEADER_BYTES;
    while (ipv4_option_next(header->options, options, &position, &option) > 0) {
        if (!(option.type & OPTION_COPIED))
            continue;
        memcpy(kept + size, option.bytes, option.length);
        size += option.length;
    }
    memcpy(header->options, kept, sizeof kept); // what is left is END
    header->header_bytes = (uint8_t)(IPV4_HEADER_BYTES + ((size + 3) & ~(size_t)3));
}

int fragment_ipv4(struct net *net, const struct net_path *path, const struct ipv4_header *whole,
                  const uint8_t *payload, size_t length, int arrival, enum port_class class)
{
    struct port *port = links_port(&net->links, path->port);
    struct ipv4_header header = *whole;
    for (size_t offset = 0; offset < length;) {
        size_t room = (path->mtu_bytes - header.header_bytes) & ~(size_t)7;
        bool last = length - offset <= path->mtu_bytes - header.header_bytes;
        size_t size = last ? length - offset : room;
        struct packet *packet = packet_copy(&net->core->memory, NET_HEADROOM, payload + offset, size);
        if (!packet)
            return -ENOMEM;
        header.total_bytes = (uint16_t)(header.header_bytes + size);
        header.fragment_offset_bytes = (uint16_t)(whole->fragment_offset_bytes + offset);
        header.more_fragments = !last || whole->more_fragments;
        ipv4_emit(packet_push(packet, header.header_bytes), &header);
        packet->ethertype = ETHERTYPE_IPV4;
        packet->port = (int16_t)arrival;
        core_count(net->core, COUNTER_ipv4_fragments_sent);
        port_send(port, packet, &path->next_hop, path->broadcast, class);
        offset += size;
        if (header.header_bytes > IPV4_HEADER_BYTES && offset == size)
            keep_copied_options(&header);
    }
    return 0;
}

int fragment_ipv6(struct net *net, const struct net_path *path, const struct net_out *out,
                  uint32_t identification, const uint8_t *payload, size_t length)
{
    struct port *port = links_port(&net->links, path->port);
    size_t head = IPV6_HEADER_BYTES + IPV6_FRAGMENT_BYTES, room = (path->mtu_bytes - head) & ~(size_t)7;
    struct ipv6_fragment fragment = {.next_header = out->protocol, .identification = identification};
    struct ipv6_header header = {.traffic_class = out->tos,
                                 .next_header = PROTOCOL_FRAGMENT,
                                 .source = out->source,
                                 .destination = out->destination};
    header.hop_limit = out->ttl ? out->ttl : (uint8_t)net->core->settings.ip_default_ttl;
    for (size_t offset = 0; offset < length;) {
        size_t size = length - offset <= path->mtu_bytes - head ? length - offset : room;
        struct packet *packet = packet_copy(&net->core->memory, NET_HEADROOM, payload + offset, size);
        if (!packet)
            return -ENOMEM;
        fragment.offset_bytes = (uint16_t)offset;
        fragment.more_fragments = offset + size < length;
        ipv6_fragment_emit(packet_push(packet, IPV6_FRAGMENT_BYTES), &fragment);
        header.payload_bytes = (uint16_t)(size + IPV6_FRAGMENT_BYTES);
        ipv6_emit(packet_push(packet, IPV6_HEADER_BYTES), &header);
        packet->ethertype = ETHERTYPE_IPV6;
        port_send(port, packet, &path->next_hop, path->broadcast, PORT_CONTROL);
        offset += size;
    }
    return 0;
}
