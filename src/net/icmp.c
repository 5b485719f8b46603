/*
 * ICMP and ICMPv6 in (RFC 792, RFC 1122 3.2.2, RFC 4443): echo is answered here, echo replies go to whoever
 * takes PROTOCOL_ICMP, errors go to the transport they are about.
 */
#include "net/internal.h"
#include "wire/checksum.h"

static uint64_t pseudo_of(const struct net_packet *packet)
{
    if (address_is_ipv4(&packet->destination))
        return 0;
    return checksum_pseudo(&packet->source, &packet->destination, PROTOCOL_ICMPV6, (uint32_t)packet->length);
}

/* RFC 792-12, RFC 4443-11: the same data back, from the address that was asked. */
static void echo(struct net *net, const struct net_packet *packet, const struct icmp_header *request)
{
    bool ipv4 = address_is_ipv4(&packet->destination);
    bool to_many = packet->flags & (NET_PACKET_BROADCAST | NET_PACKET_MULTICAST | NET_PACKET_LINK_BROADCAST);
    if (to_many && net->core->settings.icmp_echo_ignore_broadcasts) {
        net_drop(net, COUNTER_icmp_drop_broadcast, packet); // RFC 792-13
        return;
    }
    if (net->core->settings.icmp_echo_ignore_all || address_is_unspecified(&packet->source)) {
        net_drop(net, COUNTER_icmp_drop_ignored, packet);
        return;
    }
    uint32_t scope = address_is_link_local(&packet->source) ? (uint32_t)packet->port : 0;
    struct net_out out = {.destination = packet->source,
                          .tos = packet->tos,
                          .protocol = ipv4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6};
    struct net_path path;
    // RFC 1122-22
    if (!to_many)
        out.source = packet->destination;
    else if (net_path_find(net, &path, &packet->source, scope, 0) < 0 ||
             net_source(net, &path, &out.source) < 0) {
        net_drop(net, ipv4 ? COUNTER_ipv4_drop_no_route : COUNTER_ipv6_drop_no_route, packet);
        return;
    }
    struct packet *reply = packet_copy(&net->core->memory, NET_HEADROOM, packet->payload, packet->length);
    if (!reply) {
        net_drop(net, COUNTER_net_drop_memory, packet);
        return;
    }
    struct icmp_header header = {.type = ipv4 ? ICMP_ECHO_REPLY : ICMPV6_ECHO_REPLY, .rest = request->rest};
    uint64_t pseudo =
        ipv4 ? 0 : checksum_pseudo(&out.source, &out.destination, PROTOCOL_ICMPV6, (uint32_t)packet->length);
    icmp_emit(packet_data(reply), &header, packet->length - ICMP_HEADER_BYTES, pseudo);
    if (output_packet(net, &out, scope, 0, reply) == 0)
        core_count(net->core, COUNTER_icmp_echo_replies_sent);
}

static void up(struct net *net, const struct net_packet *packet)
{
    const struct net_upper *upper = net_upper(net, PROTOCOL_ICMP);
    if (upper)
        upper->input(upper->context, packet);
    else
        net_drop(net, COUNTER_icmp_drop_type, packet);
}

static void input_ipv4(struct net *net, const struct net_packet *packet, const struct icmp_header *header)
{
    switch (header->type) {
    case ICMP_ECHO:
        echo(net, packet, header);
        break;
    case ICMP_ECHO_REPLY:
        up(net, packet);
        break;
    case ICMP_UNREACHABLE:
    case ICMP_TIME_EXCEEDED:
    case ICMP_PARAMETER_PROBLEM:
        icmp_error_input(net, packet, header);
        break;
    case ICMP_REDIRECT:
        icmp_redirect_input(net, packet, header);
        break;
    case ICMP_SOURCE_QUENCH:
        net_drop(net, COUNTER_icmp_drop_source_quench, packet); // RFC 792-11
        break;
    default:
        net_drop(net, COUNTER_icmp_drop_type, packet); // RFC 792-3
    }
}

static void input_ipv6(struct net *net, const struct net_packet *packet, const struct icmp_header *header)
{
    if (header->type == ICMPV6_ECHO)
        echo(net, packet, header);
    else if (header->type == ICMPV6_ECHO_REPLY)
        up(net, packet);
    else if (header->type < 128)
        icmp_error_input(net, packet, header); // RFC 4443-3: unknown errors too
    else
        net_drop(net, COUNTER_icmp_drop_type, packet); // RFC 4443-3
}

void icmp_input(struct net *net, const struct net_packet *packet)
{
    struct icmp_header header;
    // RFC 792-1, RFC 4443-1
    int parsed = icmp_parse(&header, packet->payload, packet->length, pseudo_of(packet));
    if (parsed < 0)
        net_drop(net, (enum counter)(-parsed), packet);
    else if (address_is_ipv4(&packet->destination))
        input_ipv4(net, packet, &header);
    else
        input_ipv6(net, packet, &header);
}
