/*
 * Frames in words. The wire's own parsers and printer do the work; DHCP and DNS are said as sentences, so
 * that somebody who sees them for the first time can follow.
 */
#include "lab/describe.h"

#include <stdio.h>
#include <string.h>

#include "app/rdt/packet.h"
#include "base/address.h"
#include "wire/arp.h"
#include "wire/dhcp.h"
#include "wire/dns.h"
#include "wire/ethernet.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"
#include "wire/print.h"
#include "wire/udp.h"

/* ---- DHCP (RFC 2131) ---------------------------------------------------------------------------------- */

static void describe_dhcp(const uint8_t *bytes, size_t size, struct description *description)
{
    static const char *const words[] = {
        [DHCP_DISCOVER] = "discover: is there anybody who can give me an address?",
        [DHCP_OFFER] = "offer: you could have",
        [DHCP_REQUEST] = "request: I would like",
        [DHCP_DECLINE] = "decline: somebody has that address already",
        [DHCP_ACK] = "ack: you have",
        [DHCP_NAK] = "nak: no, begin again",
        [DHCP_RELEASE] = "release: I no longer need my address",
        [DHCP_INFORM] = "inform: what else should I know?",
    };
    struct dhcp_message message;
    if (dhcp_parse(&message, bytes, size) != 0 || message.type < DHCP_DISCOVER || message.type > DHCP_INFORM)
        return;
    description->subject = SUBJECT_DHCP;
    uint32_t ipv4 = 0;
    if (message.type == DHCP_OFFER || message.type == DHCP_ACK)
        ipv4 = message.yiaddr;
    else if (message.type == DHCP_REQUEST)
        ipv4 = dhcp_has(&message, DHCP_OPTION_REQUESTED) ? message.requested : message.ciaddr;
    char address[STRATA_ADDRESS_TEXT + 1] = "";
    if (ipv4 != 0) {
        struct strata_address a = address_from_v4(ipv4);
        address[0] = ' ';
        strata_address_format(&a, address + 1, sizeof address - 1);
    }
    snprintf(description->text, sizeof description->text, "DHCP %s%s", words[message.type], address);
}

/* ---- DNS (RFC 1035) ------------------------------------------------------------------------------------ */

/** A name without its last dot, cut to a length that fits a line. */
static void say_name(char text[80], const struct dns_name *name)
{
    char whole[DNS_NAME_TEXT];
    size_t length = dns_name_to_text(name, whole, sizeof whole);
    if (length > 1 && whole[length - 1] == '.')
        whole[length - 1] = '\0';
    snprintf(text, 80, "%.79s", whole);
}

/** The first record of an answer that tells something: an address, or the server to ask instead. */
static void say_answer(char text[100], const struct dns_header *header, const uint8_t *bytes, size_t size,
                       size_t position)
{
    if (header->rcode != DNS_NOERROR) {
        struct text to = text_of(text, 100);
        dns_rcode_print(&to, header->rcode);
        return;
    }
    struct dns_record record;
    uint8_t data[600]; // longer data is not shown
    unsigned answers = header->counts[DNS_ANSWER], all = answers + header->counts[DNS_AUTHORITY];
    snprintf(text, 100, "nothing of that type");
    for (unsigned i = 0; i < all && dns_record_parse(&record, bytes, size, &position) == 0; i++) {
        int length = dns_rdata_expand(&record, bytes, size, data, sizeof data);
        struct dns_name name;
        char target[80];
        if (length < 0)
            continue;
        if (i < answers) {
            char value[90] = "";
            struct text to = text_of(value, sizeof value);
            dns_rdata_print(&to, record.type, data, (size_t)length);
            snprintf(text, 100, "%s", value);
            if (record.type == DNS_TYPE_A || record.type == DNS_TYPE_AAAA)
                return;
        } else if (answers == 0 && record.type == DNS_TYPE_NS &&
                   dns_rdata_name(record.type, data, (size_t)length, &name) == 0) {
            say_name(target, &name);
            snprintf(text, 100, "ask %s", target);
            return;
        }
    }
}

static void describe_dns(const uint8_t *bytes, size_t size, struct description *description)
{
    struct dns_header header;
    struct dns_question question;
    size_t position = DNS_HEADER_BYTES;
    if (dns_header_parse(&header, bytes, size) < 0 || header.counts[DNS_QUESTION] == 0 ||
        dns_question_parse(&question, bytes, size, &position) != 0)
        return;
    description->subject = SUBJECT_DNS;
    char name[80], type[16], answer[100];
    say_name(name, &question.name);
    struct text to = text_of(type, sizeof type);
    dns_type_print(&to, question.type);
    if (!header.response) {
        snprintf(description->text, sizeof description->text, "DNS question: %s of %s?", type, name);
        return;
    }
    say_answer(answer, &header, bytes, size, position);
    snprintf(description->text, sizeof description->text, "DNS answer: %s of %s: %s", type, name, answer);
}

/* ---- Reliable data transfer ---------------------------------------------------------------------------- */

static void describe_rdt(const uint8_t *bytes, size_t size, struct description *description)
{
    static const char *const kinds[] = {[RDT_DATA] = "packet", [RDT_ACK] = "ACK", [RDT_NAK] = "NAK"};
    struct rdt_packet packet;
    rdt_parse(&packet, bytes, size);
    if (!packet.corrupt)
        snprintf(description->text, sizeof description->text, "rdt %s %u", kinds[packet.kind],
                 (unsigned)packet.number);
}

/* ---- IP --------------------------------------------------------------------------------------------------
 */

static void describe_transport(uint8_t protocol, const uint8_t *bytes, size_t size,
                               struct description *description)
{
    struct udp_header udp;
    if (protocol == PROTOCOL_TCP) {
        int length = tcp_parse(&description->tcp, bytes, size);
        if (length < 0)
            return;
        description->subject = SUBJECT_TCP;
        description->source.port = description->tcp.source_port;
        description->destination.port = description->tcp.destination_port;
        description->payload = bytes + length;
        description->payload_bytes = size - (size_t)length;
    } else if (protocol == PROTOCOL_UDP && udp_parse(&udp, bytes, size) > 0) {
        description->subject = SUBJECT_UDP;
        description->source.port = udp.source_port;
        description->destination.port = udp.destination_port;
        bytes += UDP_HEADER_BYTES;
        size = udp.length - (size_t)UDP_HEADER_BYTES;
        if (udp.destination_port == DHCP_SERVER_PORT || udp.destination_port == DHCP_CLIENT_PORT)
            describe_dhcp(bytes, size, description);
        else if (udp.destination_port == DNS_PORT || udp.source_port == DNS_PORT)
            describe_dns(bytes, size, description);
        else if (udp.destination_port == RDT_PORT || udp.source_port == RDT_PORT)
            describe_rdt(bytes, size, description);
        description->payload_bytes = size;
        if (description->subject == SUBJECT_UDP && !description->text[0])
            snprintf(description->text, sizeof description->text, "UDP %zu bytes, port %u > %u", size,
                     udp.source_port, udp.destination_port);
    } else if (protocol == PROTOCOL_ICMP || protocol == PROTOCOL_ICMPV6) {
        description->subject = SUBJECT_ICMP;
    }
}

static void describe_ip(const uint8_t *bytes, size_t size, struct description *description)
{
    struct ipv4_header ipv4;
    struct ipv6_header ipv6;
    int length;
    if (size > 0 && bytes[0] >> 4 == 6) {
        length = ipv6_parse(&ipv6, bytes, size);
        if (length < 0)
            return;
        description->source.address = ipv6.source;
        description->destination.address = ipv6.destination;
        describe_transport(ipv6.next_header, bytes + length, ipv6.payload_bytes, description);
    } else {
        length = ipv4_parse(&ipv4, bytes, size);
        if (length < 0)
            return;
        description->source.address = ipv4.source;
        description->destination.address = ipv4.destination;
        if (!ipv4.more_fragments && ipv4.fragment_offset_bytes == 0)
            describe_transport(ipv4.protocol, bytes + length, ipv4.total_bytes - (size_t)length, description);
    }
    description->has_addresses = true;
    description->to_everyone = address_is_limited_broadcast(&description->destination.address) ||
                               address_is_multicast(&description->destination.address);
}

/** The printer's line without the addresses in front, which the timeline shows in its own way. */
static void describe_by_printer(enum strata_link link, const uint8_t *frame, size_t length,
                                struct description *description)
{
    char line[sizeof description->text];
    print_frame(link, frame, length, line, sizeof line);
    const char *rest = strstr(line, " > ");
    rest = rest ? strchr(rest + 3, ' ') : NULL;
    snprintf(description->text, sizeof description->text, "%s", rest ? rest + 1 : line);
}

void describe(enum strata_link link, const uint8_t *frame, size_t length, struct description *description)
{
    *description = (struct description){.subject = SUBJECT_OTHER};
    struct ethernet_header ethernet;
    struct arp_packet arp;
    if (link == STRATA_LINK_IP) {
        describe_ip(frame, length, description);
    } else {
        int header = ethernet_parse(&ethernet, frame, length);
        if (header > 0 && (ethernet.ethertype == ETHERTYPE_IPV4 || ethernet.ethertype == ETHERTYPE_IPV6)) {
            describe_ip(frame + header, length - (size_t)header, description);
        } else if (header > 0 && ethernet.ethertype == ETHERTYPE_ARP &&
                   arp_parse(&arp, frame + header, length - (size_t)header) > 0) {
            description->subject = SUBJECT_ARP;
            description->has_addresses = true;
            description->source.address = arp.sender;
            description->destination.address = arp.target;
            description->to_everyone = ethernet_is_group(ethernet.destination);
        }
    }
    if (description->subject != SUBJECT_TCP && !description->text[0])
        describe_by_printer(link, frame, length, description);
}
