/*
 * IPv6 in (RFC 8200): the header, and the extension headers strictly in the order in which they stand. There
 * is no neighbour discovery yet, so this serves ports of link type IP and the loopback.
 */
#include "net/internal.h"

#define NEXT_HEADER_AT 6
#define HOP_BY_HOP_BYTES_LEAST 8

enum { OPTION_SKIP = 0, OPTION_DROP = 1, OPTION_DROP_AND_SAY = 2, OPTION_DROP_AND_SAY_UNLESS_MULTICAST = 3 };
enum { PROBLEM_FIELD = 0, PROBLEM_NEXT_HEADER = 1, PROBLEM_OPTION = 2 };

static void problem(struct net *net, const struct net_packet *packet, enum counter counter, uint8_t code,
                    size_t pointer)
{
    net_drop(net, counter, packet);
    icmp_send_error(net, packet, ICMPV6_PARAMETER_PROBLEM, code, (uint32_t)pointer);
}

/* The length of an extension header at `offset`, 0: it does not fit. */
static size_t extension_bytes(const uint8_t *datagram, size_t length, size_t offset)
{
    if (length < offset + HOP_BY_HOP_BYTES_LEAST)
        return 0;
    size_t bytes = ((size_t)datagram[offset + 1] + 1) * 8;
    return bytes <= length - offset ? bytes : 0;
}

/* RFC 8200-4, RFC 8200-5: options of a Hop-by-Hop or Destination Options header; all are unknown to us but
 * padding. */
static bool options_pass(struct net *net, const struct net_packet *packet, size_t offset, size_t bytes)
{
    struct ipv6_option option;
    size_t position = 0;
    int found;
    while ((found = ipv6_option_next(packet->datagram + offset + 2, bytes - 2, &position, &option)) > 0) {
        int action = option.type >> 6;
        if (action == OPTION_SKIP)
            continue;
        net_drop(net, COUNTER_ipv6_drop_extension, packet);
        if (action == OPTION_DROP_AND_SAY ||
            (action == OPTION_DROP_AND_SAY_UNLESS_MULTICAST && !(packet->flags & NET_PACKET_MULTICAST)))
            icmp_send_error(net, packet, ICMPV6_PARAMETER_PROBLEM, PROBLEM_OPTION,
                            (uint32_t)(offset + 2 + option.offset));
        return false;
    }
    if (found < 0)
        net_drop(net, COUNTER_ipv6_drop_extension, packet);
    return found == 0;
}

/* RFC 8200-6, RFC 8200-7: no routing type is known, type 0 least of all. */
static bool routing_passes(struct net *net, const struct net_packet *packet, size_t offset)
{
    uint8_t segments_left = packet->datagram[offset + 3];
    if (segments_left == 0)
        return true;
    problem(net, packet, COUNTER_ipv6_drop_extension, PROBLEM_FIELD, offset + 2);
    return false;
}

static void deliver(struct net *net, struct net_packet *packet, uint8_t next, size_t next_at, size_t offset)
{
    packet->protocol = next;
    packet->payload = packet->datagram + offset;
    packet->length = packet->datagram_length - offset;
    const struct net_upper *upper = net_upper(net, next);
    if (next == PROTOCOL_ICMPV6) {
        core_count(net->core, COUNTER_ipv6_delivered);
        icmp_input(net, packet);
    } else if (next == PROTOCOL_NONE) {
        core_count(net->core, COUNTER_ipv6_delivered); // nothing follows, and that is right
    } else if (upper && next != PROTOCOL_ICMP) {
        core_count(net->core, COUNTER_ipv6_delivered);
        upper->input(upper->context, packet);
    } else {
        problem(net, packet, COUNTER_ipv6_drop_protocol, PROBLEM_NEXT_HEADER, next_at); // RFC 8200-3
    }
}

/* A fragment header. @return the next header of an atomic fragment, which goes on alone (RFC 8200-13), or -1.
 */
static int fragment(struct net *net, const struct net_packet *packet, size_t next_at, size_t offset)
{
    struct ipv6_fragment header;
    int parsed = ipv6_fragment_parse(&header, packet->datagram + offset, packet->datagram_length - offset);
    if (parsed < 0) {
        net_drop(net, (enum counter)(-parsed), packet);
        return -1;
    }
    if (header.offset_bytes == 0 && !header.more_fragments)
        return header.next_header;
    // A datagram made of fragments is one fragment of nothing: else each would be put together inside the
    // last.
    if (packet->flags & NET_PACKET_REASSEMBLED) {
        net_drop(net, COUNTER_ipv6_drop_extension, packet);
        return -1;
    }
    reassembly_ipv6(net, packet, &header, next_at, offset);
    return -1;
}

/* RFC 8200-1: strictly in the order in which the headers stand. */
void ipv6_continue(struct net *net, struct net_packet *packet, uint8_t next, size_t next_at, size_t offset)
{
    for (;;) {
        size_t bytes = IPV6_FRAGMENT_BYTES;
        switch (next) {
        case PROTOCOL_HOP_BY_HOP: // RFC 8200-2: it stands first or not at all
            problem(net, packet, COUNTER_ipv6_drop_extension, PROBLEM_NEXT_HEADER, next_at);
            return;
        case PROTOCOL_ROUTING:
        case PROTOCOL_DESTINATION_OPTIONS:
            bytes = extension_bytes(packet->datagram, packet->datagram_length, offset);
            if (bytes == 0) {
                net_drop(net, COUNTER_ipv6_drop_extension, packet);
                return;
            }
            if (next == PROTOCOL_ROUTING ? !routing_passes(net, packet, offset)
                                         : !options_pass(net, packet, offset, bytes))
                return;
            break;
        case PROTOCOL_FRAGMENT: {
            int inner = fragment(net, packet, next_at, offset);
            if (inner < 0)
                return;
            break;
        }
        default:
            deliver(net, packet, next, next_at, offset);
            return;
        }
        next_at = offset;
        next = packet->datagram[offset];
        offset += bytes;
    }
}

bool ipv6_find_upper(const uint8_t *datagram, size_t length, uint8_t *protocol, size_t *offset)
{
    if (length < IPV6_HEADER_BYTES)
        return false;
    *protocol = datagram[NEXT_HEADER_AT];
    *offset = IPV6_HEADER_BYTES;
    while (*protocol == PROTOCOL_HOP_BY_HOP || *protocol == PROTOCOL_ROUTING ||
           *protocol == PROTOCOL_FRAGMENT || *protocol == PROTOCOL_DESTINATION_OPTIONS) {
        size_t bytes = IPV6_FRAGMENT_BYTES;
        struct ipv6_fragment header;
        if (*protocol != PROTOCOL_FRAGMENT)
            bytes = extension_bytes(datagram, length, *offset);
        else if (ipv6_fragment_parse(&header, datagram + *offset, length - *offset) < 0 ||
                 header.offset_bytes != 0)
            return false;
        if (bytes == 0)
            return false;
        *protocol = datagram[*offset];
        *offset += bytes;
    }
    return true;
}

static enum counter check_addresses(struct net *net, const struct port *port, const struct net_packet *packet)
{
    bool loopback = packet->flags & NET_PACKET_LOOPBACK;
    if (address_is_multicast(&packet->source))
        return COUNTER_ipv6_drop_source;
    if (!loopback) {
        if (address_is_loopback(&packet->source) || net_claims(net, port, &packet->source))
            return COUNTER_ipv6_drop_source;
        if (net->core->settings.rp_filter && !address_is_unspecified(&packet->source) &&
            !net_reverse_path(net, packet))
            return COUNTER_ipv6_drop_source;
        if (address_is_loopback(&packet->destination))
            return COUNTER_ipv6_drop_destination;
    }
    return address_is_unspecified(&packet->destination) ? COUNTER_ipv6_drop_destination : COUNTER_NONE;
}

/* A transparent socket may take what is not for us. */
static bool foreign(struct net *net, struct net_packet *packet)
{
    size_t offset;
    if (!ipv6_find_upper(packet->datagram, packet->datagram_length, &packet->protocol, &offset) ||
        offset != IPV6_HEADER_BYTES)
        return false;
    const struct net_upper *upper = net_upper(net, packet->protocol);
    if (!upper || !upper->wants)
        return false;
    packet->payload = packet->datagram + offset;
    packet->length = packet->datagram_length - offset;
    packet->flags |= NET_PACKET_FOREIGN;
    if (upper->wants(upper->context, packet))
        return true;
    packet->flags &= (uint8_t)~NET_PACKET_FOREIGN;
    return false;
}

static void not_ours(struct net *net, struct net_packet *packet, const struct ipv6_header *header)
{
    if (packet->flags & NET_PACKET_LINK_BROADCAST && !(packet->flags & NET_PACKET_MULTICAST))
        net_drop(net, COUNTER_ipv6_drop_link_broadcast, packet);
    else if (foreign(net, packet))
        deliver(net, packet, header->next_header, NEXT_HEADER_AT, IPV6_HEADER_BYTES);
    else if (net->core->settings.ipv6_forwarding && !(packet->flags & NET_PACKET_LOOPBACK))
        ipv6_forward(net, packet, header);
    else
        net_drop(net, COUNTER_ipv6_drop_destination, packet);
}

void ipv6_input(struct net *net, const struct link_input *input)
{
    struct ipv6_header header;
    const struct port *port = links_port(&net->links, input->port);
    int parsed = ipv6_parse(&header, input->bytes, input->length);
    if (parsed < 0) {
        core_drop(net->core, (enum counter)(-parsed), input->port, input->bytes, input->length);
        return;
    }
    struct net_packet packet = {
        .source = header.source,
        .destination = header.destination,
        .port = input->port,
        .ttl = header.hop_limit,
        .tos = header.traffic_class,
        .flags = (uint8_t)((input->link_broadcast ? NET_PACKET_LINK_BROADCAST : 0) |
                           (input->loopback ? NET_PACKET_LOOPBACK : 0) |
                           (address_is_multicast(&header.destination) ? NET_PACKET_MULTICAST : 0)),
        .datagram = input->bytes,
        .datagram_length = (size_t)IPV6_HEADER_BYTES + header.payload_bytes,
        .meta = input->meta,
    };
    enum counter reason = check_addresses(net, port, &packet);
    enum net_kind kind = net_classify(net, port, &header.destination);
    if (reason == COUNTER_NONE && kind == NET_OWN && input->link_broadcast)
        reason = COUNTER_ipv6_drop_link_broadcast;
    if (reason != COUNTER_NONE) {
        net_drop(net, reason, &packet);
        return;
    }
    uint8_t next = header.next_header;
    size_t next_at = NEXT_HEADER_AT, offset = IPV6_HEADER_BYTES;
    // Everyone on the way reads this one, but a host is on no way.
    if (next == PROTOCOL_HOP_BY_HOP && (kind != NET_OTHER || net->core->settings.ipv6_forwarding)) {
        size_t bytes = extension_bytes(packet.datagram, packet.datagram_length, offset);
        if (bytes == 0) {
            net_drop(net, COUNTER_ipv6_drop_extension, &packet);
            return;
        }
        if (!options_pass(net, &packet, offset, bytes))
            return;
        next = packet.datagram[offset];
        next_at = offset;
        offset += bytes;
    }
    if (kind == NET_OWN || kind == NET_MULTICAST)
        ipv6_continue(net, &packet, next, next_at, offset);
    else
        not_ours(net, &packet, &header);
}
