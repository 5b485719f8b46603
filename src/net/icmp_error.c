/*
 * ICMP errors, both ways.
 *
 * Out: about a datagram that came in, unless a rule says silence (RFC 1122 3.2.2, RFC 1812 4.3.2.7, RFC
 * 4443 2.4 e) or the token bucket is empty (RFC 1812 4.3.2.8, RFC 4443 2.4 f). In: what an error quotes must
 * be a datagram of ours; the path MTU learns from it (RFC 1191, RFC 8201), and the transport that sent it is
 * told.
 */
#include <errno.h>

#include "net/internal.h"
#include "wire/checksum.h"
#include "wire/ethernet.h"

#define IPV4_ERROR_BYTES 576u         /* RFC 1812-11 */
#define IPV6_ERROR_BYTES 1280u        /* RFC 4443-2 */
#define TOS_INTERNETWORK_CONTROL 0xc0 /* RFC 1812 4.3.2.5 */
#define ICMPV6_REDIRECT 137

/* ---- Out ------------------------------------------------------------------------------------------------- */

bool icmp_error_allowed(struct net *net)
{
    const struct settings *settings = &net->core->settings;
    int64_t most = settings->icmp_errors_burst * STRATA_SECOND;
    strata_time elapsed = net->core->now - net->error_filled;
    net->error_filled = net->core->now;
    // A token is worth a second over the rate: credit grows by the rate per nanosecond, and cannot overflow.
    if (elapsed >= STRATA_SECOND * 1000)
        elapsed = STRATA_SECOND * 1000;
    net->error_credit += elapsed * settings->icmp_errors_per_second;
    if (net->error_credit > most)
        net->error_credit = most;
    if (settings->icmp_errors_per_second == 0 || net->error_credit < STRATA_SECOND) {
        core_count(net->core, COUNTER_icmp_errors_suppressed);
        return false;
    }
    net->error_credit -= STRATA_SECOND;
    return true;
}

/* RFC 792-4: ICMP errors themselves, all but queries. */
static bool is_icmp_error(uint8_t type)
{
    return type == ICMP_UNREACHABLE || type == ICMP_SOURCE_QUENCH || type == ICMP_REDIRECT ||
           type == ICMP_TIME_EXCEEDED || type == ICMP_PARAMETER_PROBLEM;
}

/* Whether a datagram may be answered with an error: RFC 792-4, RFC 1812-13. */
static bool ipv4_may_answer(const struct net *net, const struct net_packet *packet)
{
    struct ipv4_header header;
    int parsed = ipv4_parse_quoted(&header, packet->datagram, packet->datagram_length);
    if (parsed < 0 || header.fragment_offset_bytes != 0)
        return false;
    if (packet->flags & (NET_PACKET_LINK_BROADCAST | NET_PACKET_BROADCAST | NET_PACKET_MULTICAST))
        return false;
    if (header.protocol == PROTOCOL_ICMP &&
        (packet->datagram_length <= (size_t)parsed || is_icmp_error(packet->datagram[parsed])))
        return false;
    if (header.source.bytes[12] == 0 || header.source.bytes[12] >= 224 ||
        net_is_broadcast(net, &header.source))
        return false;
    return !address_is_loopback(&header.source) || packet->flags & NET_PACKET_LOOPBACK;
}

/* RFC 4443-4 and its exceptions RFC 4443-5. */
static bool ipv6_may_answer(const struct net_packet *packet, uint8_t type, uint8_t code)
{
    bool exception = type == ICMPV6_PACKET_TOO_BIG || (type == ICMPV6_PARAMETER_PROBLEM && code == 2);
    if (packet->flags & (NET_PACKET_LINK_BROADCAST | NET_PACKET_MULTICAST) && !exception)
        return false;
    if (address_is_unspecified(&packet->source) || address_is_multicast(&packet->source))
        return false;
    if (address_is_loopback(&packet->source) && !(packet->flags & NET_PACKET_LOOPBACK))
        return false;
    uint8_t protocol;
    size_t offset;
    if (ipv6_find_upper(packet->datagram, packet->datagram_length, &protocol, &offset) &&
        protocol == PROTOCOL_ICMPV6) {
        if (packet->datagram_length <= offset)
            return false;
        uint8_t inner = packet->datagram[offset];
        return inner >= 128 && inner != ICMPV6_REDIRECT;
    }
    return true;
}

static uint32_t rest_of(bool ipv4, uint8_t type, uint32_t info)
{
    return ipv4 && type == ICMP_PARAMETER_PROBLEM ? info << 24 : info;
}

void icmp_send_error(struct net *net, const struct net_packet *packet, uint8_t type, uint8_t code,
                     uint32_t info)
{
    bool ipv4 = address_is_ipv4(&packet->source);
    if (ipv4 ? !ipv4_may_answer(net, packet) : !ipv6_may_answer(packet, type, code))
        return;
    uint32_t scope = address_is_link_local(&packet->source) ? (uint32_t)packet->port : 0;
    struct net_path path;
    if (net_path_find(net, &path, &packet->source, scope, 0) < 0)
        return;
    struct net_out out = {.destination = packet->source,
                          .tos = ipv4 ? TOS_INTERNETWORK_CONTROL : 0,
                          .protocol = ipv4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6};
    // RFC 1812-12: the address that was meant, if it is ours; a router speaks with that of the port it
    // leaves by.
    if (!(packet->flags & (NET_PACKET_BROADCAST | NET_PACKET_MULTICAST | NET_PACKET_FOREIGN)) &&
        net_is_own(net, &packet->destination))
        out.source = packet->destination;
    else if (net_source(net, &path, &out.source) < 0)
        return;
    if (!icmp_error_allowed(net))
        return;
    size_t most = ipv4 ? IPV4_ERROR_BYTES - IPV4_HEADER_BYTES : IPV6_ERROR_BYTES - IPV6_HEADER_BYTES;
    size_t quoted = packet->datagram_length < most - ICMP_HEADER_BYTES ? packet->datagram_length
                                                                       : most - ICMP_HEADER_BYTES;
    struct packet *error = packet_new(&net->core->memory, NET_HEADROOM, ICMP_HEADER_BYTES + quoted);
    if (!error) {
        core_drop(net->core, COUNTER_net_drop_memory, packet->port, NULL, 0);
        return;
    }
    memcpy(packet_data(error) + ICMP_HEADER_BYTES, packet->datagram, quoted); // RFC 792-2: as it came
    struct icmp_header header = {.type = type, .code = code, .rest = rest_of(ipv4, type, info)};
    uint64_t pseudo =
        ipv4 ? 0 : checksum_pseudo(&out.source, &out.destination, PROTOCOL_ICMPV6, error->length);
    icmp_emit(packet_data(error), &header, quoted, pseudo);
    if (output_packet(net, &out, scope, 0, error) == 0)
        core_count(net->core,
                   type == ICMP_REDIRECT && ipv4 ? COUNTER_icmp_redirects_sent : COUNTER_icmp_errors_sent);
}

void net_send_error(struct net *net, const struct net_packet *packet, uint8_t type, uint8_t code,
                    uint32_t info)
{
    if (address_is_ipv4(&packet->source)) {
        icmp_send_error(net, packet, type, code, info);
        return;
    }
    static const uint8_t unreachable[] = {[ICMP_NET_UNREACHABLE] = 0,
                                          [ICMP_HOST_UNREACHABLE] = 3,
                                          [ICMP_PORT_UNREACHABLE] = 4,
                                          [ICMP_ADMINISTRATIVELY_PROHIBITED] = 1};
    if (type == ICMP_TIME_EXCEEDED)
        icmp_send_error(net, packet, ICMPV6_TIME_EXCEEDED, code, 0);
    else if (type == ICMP_UNREACHABLE && code == ICMP_FRAGMENTATION_NEEDED)
        icmp_send_error(net, packet, ICMPV6_PACKET_TOO_BIG, 0, info);
    else if (type == ICMP_PARAMETER_PROBLEM)
        icmp_send_error(net, packet, ICMPV6_PARAMETER_PROBLEM, code, info);
    else if (type == ICMP_UNREACHABLE && code < sizeof unreachable)
        icmp_send_error(net, packet, ICMPV6_UNREACHABLE, unreachable[code], 0);
}

/* ---- In -------------------------------------------------------------------------------------------------- */

/* RFC 1122 3.2.2.1 and 4.2.3.9: what the codes of Unreachable mean to a program. RFC 792-7: 0, 1 and 5 are
 * hints. */
static int unreachable_errno(uint8_t code)
{
    static const uint8_t errors[] = {ENETUNREACH,  EHOSTUNREACH, ENOPROTOOPT,  ECONNREFUSED,
                                     EMSGSIZE,     EOPNOTSUPP,   ENETUNREACH,  EHOSTDOWN,
                                     ENONET,       ENETUNREACH,  EHOSTUNREACH, ENETUNREACH,
                                     EHOSTUNREACH, EHOSTUNREACH, EHOSTUNREACH, EHOSTUNREACH};
    return code < sizeof errors ? errors[code] : EHOSTUNREACH;
}

static void judge_ipv4(struct net_error *error)
{
    switch (error->type) {
    case ICMP_UNREACHABLE:
        error->error = unreachable_errno(error->code);
        error->hard = error->code == ICMP_PROTOCOL_UNREACHABLE || error->code == ICMP_PORT_UNREACHABLE;
        break;
    case ICMP_TIME_EXCEEDED:
        error->error = EHOSTUNREACH;
        break;
    default:
        error->error = EPROTO;
    }
}

static void judge_ipv6(struct net_error *error)
{
    static const uint8_t errors[] = {ENETUNREACH,  EACCES, EHOSTUNREACH, EHOSTUNREACH,
                                     ECONNREFUSED, EACCES, EACCES};
    switch (error->type) {
    case ICMPV6_UNREACHABLE:
        error->error = error->code < sizeof errors ? errors[error->code] : EHOSTUNREACH;
        error->hard = error->code == 4;
        break;
    case ICMPV6_PACKET_TOO_BIG:
        error->error = EMSGSIZE;
        break;
    case ICMPV6_TIME_EXCEEDED:
        error->error = EHOSTUNREACH;
        break;
    default:
        error->error = EPROTO;
        error->hard = error->type == ICMPV6_PARAMETER_PROBLEM && error->code == 1;
    }
}

/* RFC 1191 7.1: routers of old do not say how much fits. */
static uint32_t plateau_below(uint32_t total)
{
    static const uint16_t plateaus[] = {32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68};
    for (size_t i = 0; i < sizeof plateaus / sizeof plateaus[0]; i++)
        if (plateaus[i] < total)
            return plateaus[i];
    return 68;
}

/* Echo over IPv6 is the business of whoever takes ICMP. */
static const struct net_upper *upper_of_quoted(const struct net *net, const struct net_error *error)
{
    return net_upper(net, error->protocol == PROTOCOL_ICMPV6 ? PROTOCOL_ICMP : error->protocol);
}

static void learn_mtu(struct net *net, struct net_error *error, uint32_t quoted_total)
{
    if (error->ipv6 ? error->type != ICMPV6_PACKET_TOO_BIG
                    : error->type != ICMP_UNREACHABLE || error->code != ICMP_FRAGMENTATION_NEEDED)
        return;
    if (error->info == 0 && !error->ipv6)
        error->info = plateau_below(quoted_total);
    uint32_t scope = address_is_link_local(&error->destination) ? (uint32_t)error->port : 0;
    // RFC 8201-4: the datagram was one of ours, as far as its transport can tell. What nobody sends we did
    // not.
    const struct net_upper *upper = upper_of_quoted(net, error);
    if (!upper || (upper->owns && !upper->owns(upper->context, error)))
        return;
    // A port is soon guessed, and tiny fragments are a burden for everybody: not so small on such a word. Where the
    // path is narrower than that, routers cut (what is not TCP goes without DF, or is refused by the program's wish).
    uint32_t mtu = error->info, least = (uint32_t)net->core->settings.path_mtu_least;
    if (!error->ipv6 && upper->guessable && mtu >= IPV4_LEAST_MTU && mtu < least)
        mtu = least;
    destination_lower_mtu(net, &error->destination, scope, mtu);
}

static bool quoted_ipv4(const uint8_t *bytes, size_t length, struct net_error *error, uint32_t *total)
{
    struct ipv4_header header;
    int parsed = ipv4_parse_quoted(&header, bytes, length);
    if (parsed < 0 || header.fragment_offset_bytes != 0)
        return false;
    error->source = header.source;
    error->destination = header.destination;
    error->protocol = header.protocol;
    error->quoted = bytes + parsed;
    error->quoted_length = length - (size_t)parsed;
    *total = header.total_bytes;
    return true;
}

static bool quoted_ipv6(const uint8_t *bytes, size_t length, struct net_error *error, uint32_t *total)
{
    struct ipv6_header header;
    size_t offset;
    if (ipv6_parse_quoted(&header, bytes, length) < 0 ||
        !ipv6_find_upper(bytes, length, &error->protocol, &offset) || offset > length)
        return false;
    error->source = header.source;
    error->destination = header.destination;
    error->quoted = bytes + offset;
    error->quoted_length = length - offset;
    *total = IPV6_HEADER_BYTES + (uint32_t)header.payload_bytes;
    return true;
}

/* RFC 792-5: to the transport that the quoted header names. */
static void tell(struct net *net, const struct net_error *error)
{
    const struct net_upper *upper = upper_of_quoted(net, error);
    if (!upper || !upper->error) {
        core_count(net->core, COUNTER_icmp_drop_quote);
        return;
    }
    core_count(net->core, COUNTER_icmp_errors_received);
    upper->error(upper->context, error);
}

void icmp_error_input(struct net *net, const struct net_packet *packet, const struct icmp_header *header)
{
    bool ipv4 = address_is_ipv4(&packet->destination);
    struct net_error error = {.reporter = packet->source,
                              .port = packet->port,
                              .ipv6 = !ipv4,
                              .type = header->type,
                              .code = header->code,
                              .info = header->rest};
    if (ipv4 && header->type == ICMP_PARAMETER_PROBLEM)
        error.info = header->rest >> 24;
    else if (ipv4)
        error.info = header->rest & 0xffff;
    const uint8_t *bytes = packet->payload + ICMP_HEADER_BYTES;
    size_t length = packet->length - ICMP_HEADER_BYTES;
    uint32_t total = 0;
    bool readable =
        ipv4 ? quoted_ipv4(bytes, length, &error, &total) : quoted_ipv6(bytes, length, &error, &total);
    if (!readable || !net_is_own(net, &error.source)) {
        net_drop(net, COUNTER_icmp_drop_quote, packet);
        return;
    }
    if (ipv4)
        judge_ipv4(&error);
    else
        judge_ipv6(&error);
    learn_mtu(net, &error, total);
    tell(net, &error);
}

void icmp_error_local(struct net *net, const struct packet *packet)
{
    const uint8_t *bytes = packet->bytes + packet->offset;
    bool ipv4 = packet->ethertype == ETHERTYPE_IPV4;
    struct net_error error = {.ipv6 = !ipv4,
                              .port = packet->port,
                              .error = EHOSTUNREACH,
                              .type = ipv4 ? ICMP_UNREACHABLE : ICMPV6_UNREACHABLE,
                              .code = ipv4 ? ICMP_HOST_UNREACHABLE : 3};
    uint32_t total = 0;
    bool readable = ipv4 ? quoted_ipv4(bytes, packet->length, &error, &total)
                         : quoted_ipv6(bytes, packet->length, &error, &total);
    if (!readable)
        return;
    if (packet->port < 0) {
        // Replies have nobody who would want to know.
        const struct net_upper *upper = upper_of_quoted(net, &error);
        error.reporter = error.source;
        if (upper && upper->error && (!upper->owns || upper->owns(upper->context, &error)))
            upper->error(upper->context, &error);
        return;
    }
    // RFC 1812-7: a forwarded datagram; its source is told that the last hop found nobody.
    struct net_packet forwarded = {.source = error.source,
                                   .destination = error.destination,
                                   .port = packet->port,
                                   .datagram = bytes,
                                   .datagram_length = packet->length};
    icmp_send_error(net, &forwarded, error.type, error.code, 0);
}

/* ---- Redirects ------------------------------------------------------------------------------------------- */

void icmp_redirect_input(struct net *net, const struct net_packet *packet, const struct icmp_header *header)
{
    struct net_error quoted;
    uint32_t total;
    struct net_path path;
    struct strata_address gateway = address_from_v4(header->rest);
    const struct port *port = links_port(&net->links, packet->port);
    // RFC 1812-16: who forwards knows its routes itself.
    bool believed = net->core->settings.accept_redirects && !net->core->settings.ip_forward &&
                    quoted_ipv4(packet->payload + ICMP_HEADER_BYTES, packet->length - ICMP_HEADER_BYTES,
                                &quoted, &total) &&
                    net_is_own(net, &quoted.source);
    // RFC 792-10: only the present first hop may say so, and only of a gateway on the same link.
    if (!believed || net_path_find(net, &path, &quoted.destination, 0, 0) < 0 || path.port != packet->port ||
        !address_equal(&path.next_hop, &packet->source) || address_equal(&path.next_hop, &path.destination) ||
        !net_on_link(net, port, &gateway) || net_is_own(net, &gateway) || net_is_broadcast(net, &gateway) ||
        address_equal(&gateway, &packet->source)) {
        net_drop(net, COUNTER_icmp_drop_redirect, packet);
        return;
    }
    destination_redirect(net, &quoted.destination, &gateway, packet->port); // RFC 792-9: for this host only
    core_count(net->core, COUNTER_icmp_redirects_applied);
}

void icmp_redirect_output(struct net *net, const struct net_packet *packet, const struct net_path *path)
{
    const struct port *port = links_port(&net->links, path->port);
    // RFC 1812-15: back out of the port it came by, to a next hop that its source could have reached itself.
    if (!net->core->settings.send_redirects || path->port != packet->port ||
        port->link != STRATA_LINK_ETHERNET || !net_on_link(net, port, &packet->source) ||
        !net_on_link(net, port, &path->next_hop))
        return;
    icmp_send_error(net, packet, ICMP_REDIRECT, 1, address_v4(&path->next_hop));
}
