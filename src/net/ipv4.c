/*
 * IPv4 in (RFC 791, RFC 1122 3.2.1): the checks, options, whose it is, and on to reassembly, a transport, or
 * the router.
 *
 * Options are walked so that one that lies is found; none changes what we do, except that a datagram with a
 * source route is dropped (RFC 7126 4.3 and 4.4), and Record Route and Timestamp are left as they are (RFC
 * 7126 4.5, 4.7).
 */
#include "net/internal.h"

#define OPTIONS_AT IPV4_HEADER_BYTES

/* RFC 791-8, RFC 1122-11: unknown options are passed over. */
static bool options_pass(struct net *net, struct ipv4_header *header, const struct net_packet *packet,
                         enum net_kind kind)
{
    size_t position = 0;
    struct ipv4_option option;
    int found;
    while ((found = ipv4_option_next(header->options, header->header_bytes - (size_t)IPV4_HEADER_BYTES,
                                     &position, &option)) > 0) {
        if (option.type == IPV4_OPTION_LOOSE_ROUTE || option.type == IPV4_OPTION_STRICT_ROUTE) {
            net_drop(net, COUNTER_ipv4_drop_source_route, packet);
            return false;
        }
    }
    if (found == 0)
        return true;
    net_drop(net, COUNTER_ipv4_drop_options, packet);
    // RFC 792-15: says where the trouble is; but nothing about what is not for us (RFC 1122-4).
    if (kind != NET_OTHER || net->core->settings.ip_forward)
        icmp_send_error(net, packet, ICMP_PARAMETER_PROBLEM, 0, (uint32_t)(OPTIONS_AT + position));
    return false;
}

/* RFC 1122-5, RFC 1122-7: a source is one host; 0.0.0.0 only while it learns its own address. */
static bool source_is_possible(const struct net *net, const struct port *port,
                               const struct net_packet *packet, enum net_kind kind)
{
    const uint8_t first = packet->source.bytes[12];
    bool loopback = packet->flags & NET_PACKET_LOOPBACK;
    if (first >= 224)
        return false;
    if (first == 127)
        return loopback;
    if (first == 0)
        return address_is_unspecified(&packet->source) && (kind == NET_BROADCAST || kind == NET_MULTICAST);
    if (loopback)
        return true;
    // Nobody else has an address of ours, and a subnet's broadcast address is nobody's.
    return !net_claims(net, port, &packet->source) &&
           (!net->core->settings.rp_filter || net_reverse_path(net, packet));
}

static void deliver_or_reassemble(struct net *net, const struct net_packet *packet,
                                  const struct ipv4_header *header)
{
    if (header->more_fragments || header->fragment_offset_bytes != 0)
        reassembly_ipv4(net, packet, header);
    else
        ipv4_deliver(net, packet); // RFC 6864-1: the identification of a whole datagram is not looked at
}

/* A transparent socket may take what is not for us. Fragments do not say which socket: they go their way. */
static bool foreign(struct net *net, struct net_packet *packet, const struct ipv4_header *header)
{
    const struct net_upper *upper = net_upper(net, packet->protocol);
    if (!upper || !upper->wants || header->more_fragments || header->fragment_offset_bytes != 0)
        return false;
    packet->flags |= NET_PACKET_FOREIGN;
    if (upper->wants(upper->context, packet))
        return true;
    packet->flags &= (uint8_t)~NET_PACKET_FOREIGN;
    return false;
}

static void not_ours(struct net *net, struct net_packet *packet, const struct ipv4_header *header)
{
    bool forward = net->core->settings.ip_forward && !(packet->flags & NET_PACKET_LOOPBACK);
    if (packet->flags & NET_PACKET_LINK_BROADCAST && !address_is_multicast(&packet->destination)) {
        net_drop(net, COUNTER_ipv4_drop_link_broadcast, packet); // RFC 1812-17
    } else if (foreign(net, packet, header)) {
        ipv4_deliver(net, packet);
    } else if (forward) {
        ipv4_forward(net, packet, header);
    } else {
        net_drop(net, COUNTER_ipv4_drop_destination, packet); // RFC 1122-4, RFC 1122-27
    }
}

void ipv4_input(struct net *net, const struct link_input *input)
{
    struct ipv4_header header;
    const struct port *port = links_port(&net->links, input->port);
    // RFC 1122-1, RFC 1122-2, RFC 791-1, RFC 1812-1, all in silence.
    int parsed = ipv4_parse(&header, input->bytes, input->length);
    if (parsed < 0) {
        core_drop(net->core, (enum counter)(-parsed), input->port, input->bytes, input->length);
        return;
    }
    struct net_packet packet = {
        .source = header.source,
        .destination = header.destination,
        .port = input->port,
        .protocol = header.protocol,
        .ttl = header.ttl,
        .tos = header.tos,
        .flags = (uint8_t)((input->link_broadcast ? NET_PACKET_LINK_BROADCAST : 0) |
                           (input->loopback ? NET_PACKET_LOOPBACK : 0)),
        .payload = input->bytes + parsed,
        .length = header.total_bytes - (size_t)parsed, // RFC 791-2: padding ends here
        .datagram = input->bytes,
        .datagram_length = header.total_bytes,
        .meta = input->meta,
    };
    enum net_kind kind = net_classify(net, port, &header.destination);
    packet.flags |= kind == NET_BROADCAST ? NET_PACKET_BROADCAST : 0;
    const uint8_t first = header.destination.bytes[12];
    packet.flags |= first >> 4 == 14 ? NET_PACKET_MULTICAST : 0;
    if (!source_is_possible(net, port, &packet, kind)) {
        net_drop(net, COUNTER_ipv4_drop_source, &packet);
        return;
    }
    if (parsed > IPV4_HEADER_BYTES && !options_pass(net, &header, &packet, kind))
        return;
    if (first == 127 && !input->loopback) {
        net_drop(net, COUNTER_ipv4_drop_destination, &packet); // RFC 1122-6
        return;
    }
    switch (kind) {
    case NET_OWN:
        if (input->link_broadcast)
            net_drop(net, COUNTER_ipv4_drop_link_broadcast, &packet); // RFC 1122-25
        else
            deliver_or_reassemble(net, &packet, &header); // RFC 1122-9, RFC 1812-6: whatever the TTL
        break;
    case NET_BROADCAST:
    case NET_MULTICAST:
        deliver_or_reassemble(net, &packet, &header);
        break;
    default:
        not_ours(net, &packet, &header);
    }
}

void ipv4_deliver(struct net *net, const struct net_packet *packet)
{
    const struct net_upper *upper = net_upper(net, packet->protocol);
    if (packet->protocol == PROTOCOL_ICMP) {
        core_count(net->core, COUNTER_ipv4_delivered);
        icmp_input(net, packet);
    } else if (upper) {
        core_count(net->core, COUNTER_ipv4_delivered);
        upper->input(upper->context, packet);
    } else {
        net_drop(net, COUNTER_ipv4_drop_protocol, packet);
        icmp_send_error(net, packet, ICMP_UNREACHABLE, ICMP_PROTOCOL_UNREACHABLE, 0); // RFC 792-6
    }
}
