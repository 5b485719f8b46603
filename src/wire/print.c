/*
 * One line per frame, in the order of the headers:
 *
 *     10.0.0.1:42000 > 10.0.0.2:80 TCP SYN seq=1 win=64240 <mss 1460,sackOK,ts 7 0,scale 7>
 *     02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff ARP who has 10.0.0.2? tell 10.0.0.1
 *
 * Printing parses with the same parsers as input does; what those refuse is printed with the counter that
 * names why.
 */
#include "wire/print.h"
#include "base/text.h"
#include "wire/arp.h"
#include "wire/checksum.h"
#include "wire/dhcp.h"
#include "wire/dns.h"
#include "wire/ethernet.h"
#include "wire/icmp.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"
#include "wire/tcp.h"
#include "wire/udp.h"

enum { PORT_HTTP = 80 };

/** The bytes from a header on, and the addresses of the header around it. */
struct view {
    const uint8_t *bytes;
    size_t size;
    struct strata_address source, destination;
};

static void print_bad(struct text *text, const char *protocol, int bad)
{
    text_string(text, protocol);
    text_string(text, " malformed (");
    text_string(text, counter_name((enum counter)(-bad)));
    text_char(text, ')');
}

static void print_address(struct text *text, const struct strata_address *address)
{
    char name[STRATA_ADDRESS_TEXT];
    strata_address_format(address, name, sizeof name);
    text_string(text, name);
}

static void print_endpoint(struct text *text, const struct strata_address *address, uint16_t port)
{
    char name[STRATA_ENDPOINT_TEXT];
    strata_endpoint_format(&(struct strata_endpoint){.address = *address, .port = port}, name, sizeof name);
    text_string(text, name);
}

static void print_pair(struct text *text, const struct view *view)
{
    print_address(text, &view->source);
    text_string(text, " > ");
    print_address(text, &view->destination);
    text_char(text, ' ');
}

static void print_ports(struct text *text, const struct view *view, uint16_t source, uint16_t destination)
{
    print_endpoint(text, &view->source, source);
    text_string(text, " > ");
    print_endpoint(text, &view->destination, destination);
    text_char(text, ' ');
}

/** " name=value" */
static void print_number(struct text *text, const char *name, uint64_t value)
{
    text_char(text, ' ');
    text_string(text, name);
    text_char(text, '=');
    text_unsigned(text, value);
}

static void print_protocol(struct text *text, uint8_t protocol)
{
    switch (protocol) {
    case PROTOCOL_ICMP:
        text_string(text, "ICMP");
        break;
    case PROTOCOL_TCP:
        text_string(text, "TCP");
        break;
    case PROTOCOL_UDP:
        text_string(text, "UDP");
        break;
    case PROTOCOL_ICMPV6:
        text_string(text, "ICMPv6");
        break;
    default:
        text_string(text, "protocol ");
        text_unsigned(text, protocol);
    }
}

static void print_tcp_options(struct text *text, const struct tcp_options *options)
{
    struct text inside;
    char room[160];
    inside = text_of(room, sizeof room);
    if (options->has_mss) {
        text_string(&inside, ",mss ");
        text_unsigned(&inside, options->mss);
    }
    if (options->sack_permitted)
        text_string(&inside, ",sackOK");
    if (options->has_timestamps) {
        text_string(&inside, ",ts ");
        text_unsigned(&inside, options->ts_value);
        text_char(&inside, ' ');
        text_unsigned(&inside, options->ts_echo);
    }
    if (options->has_scale) {
        text_string(&inside, ",scale ");
        text_unsigned(&inside, options->scale);
    }
    for (int i = 0; i < options->sack_count; i++) {
        text_string(&inside, ",sack ");
        text_unsigned(&inside, options->sack[i].start);
        text_char(&inside, '-');
        text_unsigned(&inside, options->sack[i].end);
    }
    if (options->has_user_timeout) {
        text_string(&inside, ",uto ");
        text_unsigned(&inside, options->user_timeout & ~TCP_USER_TIMEOUT_MINUTES);
        text_char(&inside, options->user_timeout & TCP_USER_TIMEOUT_MINUTES ? 'm' : 's');
    }
    if (options->has_fast_open) {
        text_string(&inside, options->fast_open_experimental ? ",fastopen-exp" : ",fastopen");
        for (int i = 0; i < options->fast_open_bytes; i++) {
            if (i == 0)
                text_char(&inside, ' ');
            text_hex(&inside, options->fast_open[i], 2);
        }
    }
    if (inside.length > 0) {
        text_string(text, " <");
        text_string(text, room + 1);
        text_char(text, '>');
    }
}

/** Whether bytes begin like an HTTP request or response: a word of capitals, then a space or a slash. */
static bool looks_like_http(const uint8_t *bytes, size_t size)
{
    size_t word = 0;
    while (word < size && word < 9 && bytes[word] >= 'A' && bytes[word] <= 'Z')
        word++;
    return word >= 3 && word < size && (bytes[word] == ' ' || bytes[word] == '/');
}

static void print_http(struct text *text, const uint8_t *bytes, size_t size)
{
    if (!looks_like_http(bytes, size))
        return;
    size_t end = 0;
    while (end < size && end < 80 && bytes[end] != '\r' && bytes[end] != '\n')
        end++;
    text_string(text, " HTTP \"");
    text_escaped(text, bytes, end);
    text_char(text, '"');
}

static void print_tcp(struct text *text, const struct view *view)
{
    struct tcp_header header;
    int length = tcp_parse(&header, view->bytes, view->size);
    if (length < 0) {
        print_pair(text, view);
        print_bad(text, "TCP", length);
        return;
    }
    print_ports(text, view, header.source_port, header.destination_port);
    char flags[40];
    tcp_flags_print(header.flags, flags, sizeof flags);
    text_string(text, "TCP ");
    text_string(text, flags[0] ? flags : "-");
    print_number(text, "seq", header.seq);
    if (header.flags & TCP_ACK)
        print_number(text, "ack", header.ack);
    print_number(text, "win", header.window);
    if (header.flags & TCP_URG)
        print_number(text, "urg", header.urgent);
    print_tcp_options(text, &header.options);
    size_t payload = view->size - (size_t)length;
    if (payload > 0)
        print_number(text, "length", payload);
    if (header.source_port == PORT_HTTP || header.destination_port == PORT_HTTP)
        print_http(text, view->bytes + length, payload);
}

static void print_udp(struct text *text, const struct view *view)
{
    struct udp_header header;
    int length = udp_parse(&header, view->bytes, view->size);
    if (length < 0) {
        print_pair(text, view);
        print_bad(text, "UDP", length);
        return;
    }
    size_t payload = header.length - (size_t)UDP_HEADER_BYTES;
    print_ports(text, view, header.source_port, header.destination_port);
    text_string(text, "UDP");
    print_number(text, "length", payload);
    const uint8_t *data = view->bytes + length;
    if (header.destination_port == DNS_PORT || header.source_port == DNS_PORT) {
        text_char(text, ' ');
        dns_print(text, data, payload);
    } else if (header.destination_port == DHCP_SERVER_PORT || header.destination_port == DHCP_CLIENT_PORT) {
        text_char(text, ' ');
        dhcp_print(text, data, payload);
    }
}

/** What an ICMP error quotes: addresses, protocol and ports of the datagram it is about. */
static void print_quote(struct text *text, const uint8_t *bytes, size_t size, bool ipv6)
{
    struct view quoted = {.bytes = bytes, .size = size};
    uint8_t protocol = 0;
    size_t skip = 0;
    bool later_fragment = false;
    if (ipv6) {
        struct ipv6_header header;
        int length = ipv6_parse_quoted(&header, bytes, size);
        if (length < 0)
            return;
        quoted.source = header.source;
        quoted.destination = header.destination;
        protocol = header.next_header;
        skip = (size_t)length;
    } else {
        struct ipv4_header header;
        int length = ipv4_parse_quoted(&header, bytes, size);
        if (length < 0)
            return;
        quoted.source = header.source;
        quoted.destination = header.destination;
        protocol = header.protocol;
        later_fragment = header.fragment_offset_bytes > 0;
        skip = (size_t)length;
    }
    text_string(text, " about ");
    bytes += skip;
    if ((protocol == PROTOCOL_TCP || protocol == PROTOCOL_UDP) && size - skip >= 4 && !later_fragment)
        print_ports(text, &quoted, bytes_get16(bytes), bytes_get16(bytes + 2));
    else
        print_pair(text, &quoted);
    print_protocol(text, protocol);
}

static void print_echo(struct text *text, const char *what, const struct icmp_header *header, size_t payload)
{
    text_string(text, what);
    print_number(text, "id", header->rest >> 16);
    print_number(text, "seq", header->rest & 0xffff);
    print_number(text, "length", payload);
}

static void print_type(struct text *text, const struct icmp_header *header)
{
    text_string(text, " type ");
    text_unsigned(text, header->type);
    text_string(text, " code ");
    text_unsigned(text, header->code);
}

static void print_unreachable(struct text *text, const struct icmp_header *header)
{
    static const char *const codes[] = {
        "net", "host", "protocol", "port", "fragmentation needed", "source route failed"};
    text_string(text, " unreachable: ");
    if (header->code < sizeof codes / sizeof *codes) {
        text_string(text, codes[header->code]);
    } else {
        text_string(text, "code ");
        text_unsigned(text, header->code);
    }
    if (header->code == ICMP_FRAGMENTATION_NEEDED)
        print_number(text, "mtu", header->rest & 0xffff);
}

static void print_icmp(struct text *text, const struct view *view)
{
    struct icmp_header header;
    print_pair(text, view);
    int length = icmp_parse(&header, view->bytes, view->size, 0);
    if (length < 0) {
        print_bad(text, "ICMP", length);
        return;
    }
    text_string(text, "ICMP");
    size_t payload = view->size - ICMP_HEADER_BYTES;
    switch (header.type) {
    case ICMP_ECHO:
        print_echo(text, " echo request", &header, payload);
        return;
    case ICMP_ECHO_REPLY:
        print_echo(text, " echo reply", &header, payload);
        return;
    case ICMP_UNREACHABLE:
        print_unreachable(text, &header);
        break;
    case ICMP_REDIRECT: {
        struct strata_address gateway = address_from_v4(header.rest);
        text_string(text, " redirect to ");
        print_address(text, &gateway);
        break;
    }
    case ICMP_TIME_EXCEEDED:
        text_string(text, header.code == 0 ? " time exceeded in transit" : " reassembly time exceeded");
        break;
    case ICMP_PARAMETER_PROBLEM:
        text_string(text, " parameter problem");
        print_number(text, "pointer", header.rest >> 24);
        break;
    default:
        print_type(text, &header);
        print_number(text, "length", payload);
        return;
    }
    print_quote(text, view->bytes + ICMP_HEADER_BYTES, payload, false);
}

static void print_icmpv6(struct text *text, const struct view *view)
{
    struct icmp_header header;
    print_pair(text, view);
    uint64_t pseudo =
        checksum_pseudo(&view->source, &view->destination, PROTOCOL_ICMPV6, (uint32_t)view->size);
    int length = icmp_parse(&header, view->bytes, view->size, pseudo);
    if (length < 0) {
        print_bad(text, "ICMPv6", length);
        return;
    }
    text_string(text, "ICMPv6");
    size_t payload = view->size - ICMP_HEADER_BYTES;
    switch (header.type) {
    case ICMPV6_ECHO:
        print_echo(text, " echo request", &header, payload);
        return;
    case ICMPV6_ECHO_REPLY:
        print_echo(text, " echo reply", &header, payload);
        return;
    case ICMPV6_UNREACHABLE:
        text_string(text, header.code == 4 ? " unreachable: port" : " unreachable: code ");
        if (header.code != 4)
            text_unsigned(text, header.code);
        break;
    case ICMPV6_PACKET_TOO_BIG:
        text_string(text, " packet too big");
        print_number(text, "mtu", header.rest);
        break;
    case ICMPV6_TIME_EXCEEDED:
        text_string(text, header.code == 0 ? " time exceeded in transit" : " reassembly time exceeded");
        break;
    case ICMPV6_PARAMETER_PROBLEM:
        text_string(text, " parameter problem");
        print_number(text, "pointer", header.rest);
        break;
    default:
        print_type(text, &header);
        print_number(text, "length", payload);
        return;
    }
    print_quote(text, view->bytes + ICMP_HEADER_BYTES, payload, true);
}

static void print_transport(struct text *text, const struct view *view, uint8_t protocol)
{
    switch (protocol) {
    case PROTOCOL_TCP:
        print_tcp(text, view);
        break;
    case PROTOCOL_UDP:
        print_udp(text, view);
        break;
    case PROTOCOL_ICMP:
        print_icmp(text, view);
        break;
    case PROTOCOL_ICMPV6:
        print_icmpv6(text, view);
        break;
    default:
        print_pair(text, view);
        print_protocol(text, protocol);
        print_number(text, "length", view->size);
    }
}

static void print_fragment(struct text *text, const struct view *view, uint8_t protocol, uint32_t offset,
                           bool more, uint32_t identification)
{
    print_pair(text, view);
    print_protocol(text, protocol);
    text_string(text, " fragment");
    print_number(text, "id", identification);
    print_number(text, "offset", offset);
    print_number(text, "length", view->size);
    text_string(text, more ? " more" : " last");
}

static void print_ipv4(struct text *text, const uint8_t *bytes, size_t size)
{
    struct ipv4_header header;
    int length = ipv4_parse(&header, bytes, size);
    if (length < 0) {
        print_bad(text, "IPv4", length);
        return;
    }
    struct view view = {.bytes = bytes + length,
                        .size = header.total_bytes - (size_t)length,
                        .source = header.source,
                        .destination = header.destination};
    if (header.more_fragments || header.fragment_offset_bytes > 0)
        print_fragment(text, &view, header.protocol, header.fragment_offset_bytes, header.more_fragments,
                       header.identification);
    else
        print_transport(text, &view, header.protocol);
}

static void print_ipv6(struct text *text, const uint8_t *bytes, size_t size)
{
    struct ipv6_header header;
    int length = ipv6_parse(&header, bytes, size);
    if (length < 0) {
        print_bad(text, "IPv6", length);
        return;
    }
    struct view view = {.bytes = bytes + length,
                        .size = header.payload_bytes,
                        .source = header.source,
                        .destination = header.destination};
    uint8_t next = header.next_header;
    // Extension headers: next header, then the length in units of 8 bytes beyond the first 8.
    while (next == PROTOCOL_HOP_BY_HOP || next == PROTOCOL_ROUTING || next == PROTOCOL_DESTINATION_OPTIONS) {
        size_t extension = view.size < 8 ? SIZE_MAX : (view.bytes[1] + (size_t)1) * 8;
        if (extension > view.size) {
            print_pair(text, &view);
            print_bad(text, "IPv6", WIRE_BAD(ipv6_drop_extension));
            return;
        }
        next = view.bytes[0];
        view.bytes += extension;
        view.size -= extension;
    }
    struct ipv6_fragment fragment;
    if (next == PROTOCOL_FRAGMENT && ipv6_fragment_parse(&fragment, view.bytes, view.size) > 0) {
        view.bytes += IPV6_FRAGMENT_BYTES;
        view.size -= IPV6_FRAGMENT_BYTES;
        print_fragment(text, &view, fragment.next_header, fragment.offset_bytes, fragment.more_fragments,
                       fragment.identification);
        return;
    }
    print_transport(text, &view, next);
}

static void print_arp(struct text *text, const uint8_t *bytes, size_t size)
{
    struct arp_packet packet;
    int length = arp_parse(&packet, bytes, size);
    if (length < 0) {
        print_bad(text, "ARP", length);
        return;
    }
    text_string(text, "ARP ");
    if (address_equal(&packet.sender, &packet.target)) {
        print_address(text, &packet.sender);
        text_string(text, " announced at ");
        text_mac(text, packet.sender_mac);
    } else if (packet.operation == ARP_REQUEST) {
        text_string(text, "who has ");
        print_address(text, &packet.target);
        text_string(text, "? tell ");
        print_address(text, &packet.sender);
    } else {
        print_address(text, &packet.sender);
        text_string(text, " is at ");
        text_mac(text, packet.sender_mac);
    }
}

static void print_ethernet(struct text *text, const uint8_t *frame, size_t size)
{
    struct ethernet_header header;
    int length = ethernet_parse(&header, frame, size);
    if (length < 0) {
        print_bad(text, "Ethernet", length);
        return;
    }
    const uint8_t *content = frame + length;
    size -= (size_t)length;
    if (header.tagged) {
        text_string(text, "vlan ");
        text_unsigned(text, header.vlan);
        text_char(text, ' ');
    }
    if (header.ethertype == ETHERTYPE_IPV4) {
        print_ipv4(text, content, size);
        return;
    }
    if (header.ethertype == ETHERTYPE_IPV6) {
        print_ipv6(text, content, size);
        return;
    }
    text_mac(text, header.source);
    text_string(text, " > ");
    text_mac(text, header.destination);
    text_char(text, ' ');
    if (header.ethertype == ETHERTYPE_ARP) {
        print_arp(text, content, size);
        return;
    }
    text_string(text, "type 0x");
    text_hex(text, header.ethertype, 4);
    print_number(text, "length", size);
}

size_t print_frame(enum strata_link link, const uint8_t *frame, size_t length, char *text, size_t size)
{
    struct text to = text_of(text, size);
    if (link == STRATA_LINK_ETHERNET)
        print_ethernet(&to, frame, length);
    else if (length > 0 && frame[0] >> 4 == 6)
        print_ipv6(&to, frame, length);
    else
        print_ipv4(&to, frame, length);
    return to.length;
}

size_t strata_frame_print(enum strata_link link, const void *frame, size_t length, char *text, size_t size)
{
    return print_frame(link, frame, length, text, size);
}
