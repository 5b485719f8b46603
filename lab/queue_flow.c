/*
 * What a datagram says about itself: to which class it belongs, and to which flow. What is no IP, or damaged, says
 * nothing.
 */
#include "lab/queues.h"

#include <string.h>

#include "base/address.h"
#include "wire/ethernet.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"

/* Class selectors and codes of RFC 2474, RFC 3246, RFC 5865, RFC 8622. */
enum { DSCP_LE = 1, DSCP_CS1 = 8, DSCP_CS5 = 40, DSCP_VOICE_ADMIT = 44, DSCP_EF = 46, DSCP_CS6 = 48, DSCP_CS7 = 56 };

static void parse_ports(struct flow *flow, const uint8_t *bytes, size_t length)
{
    if ((flow->protocol != PROTOCOL_TCP && flow->protocol != PROTOCOL_UDP) || length < 4)
        return;
    flow->has_ports = true;
    flow->source_port = (uint16_t)(bytes[0] << 8 | bytes[1]);
    flow->destination_port = (uint16_t)(bytes[2] << 8 | bytes[3]);
}

static void parse_ipv4(struct flow *flow, const uint8_t *bytes, size_t length)
{
    struct ipv4_header header;
    int header_bytes = ipv4_parse(&header, bytes, length);
    if (header_bytes < 0)
        return;
    flow->is_ip = true;
    flow->dscp = header.tos >> 2;
    flow->protocol = header.protocol;
    flow->source = header.source;
    flow->destination = header.destination;
    if (!header.more_fragments && header.fragment_offset_bytes == 0)
        parse_ports(flow, bytes + header_bytes, header.total_bytes - (size_t)header_bytes);
}

static void parse_ipv6(struct flow *flow, const uint8_t *bytes, size_t length)
{
    struct ipv6_header header;
    int header_bytes = ipv6_parse(&header, bytes, length);
    if (header_bytes < 0)
        return;
    flow->is_ip = true;
    flow->dscp = header.traffic_class >> 2;
    flow->protocol = header.next_header;
    flow->source = header.source;
    flow->destination = header.destination;
    parse_ports(flow, bytes + header_bytes, header.payload_bytes);
}

void flow_parse(struct flow *flow, enum strata_link link, const uint8_t *frame, size_t length)
{
    *flow = (struct flow){0};
    size_t at = 0;
    if (link == STRATA_LINK_ETHERNET) {
        struct ethernet_header header;
        int header_bytes = ethernet_parse(&header, frame, length);
        if (header_bytes < 0 || (header.ethertype != ETHERTYPE_IPV4 && header.ethertype != ETHERTYPE_IPV6))
            return;
        at = (size_t)header_bytes;
    }
    if (length > at && frame[at] >> 4 == 4)
        parse_ipv4(flow, frame + at, length - at);
    else if (length > at && frame[at] >> 4 == 6)
        parse_ipv6(flow, frame + at, length - at);
}

bool flow_matches(const struct flow *flow, const struct strata_match *match)
{
    uint32_t fields = match->fields;
    if (!flow->is_ip)
        return fields == 0;
    if ((fields & STRATA_MATCH_DSCP) && flow->dscp != match->dscp)
        return false;
    if ((fields & STRATA_MATCH_PROTOCOL) && flow->protocol != match->protocol)
        return false;
    if ((fields & STRATA_MATCH_PORT) &&
        !(flow->has_ports && (flow->source_port == match->port || flow->destination_port == match->port)))
        return false;
    if ((fields & STRATA_MATCH_SOURCE) && !address_matches(&flow->source, &match->source, match->source_prefix))
        return false;
    return !(fields & STRATA_MATCH_DESTINATION) ||
           address_matches(&flow->destination, &match->destination, match->destination_prefix);
}

uint32_t flow_number(const struct flow *flow, const struct siphash_key *key, uint32_t flows)
{
    uint8_t bytes[37];
    memcpy(bytes, flow->source.bytes, 16);
    memcpy(bytes + 16, flow->destination.bytes, 16);
    bytes[32] = flow->protocol;
    bytes[33] = (uint8_t)(flow->source_port >> 8);
    bytes[34] = (uint8_t)flow->source_port;
    bytes[35] = (uint8_t)(flow->destination_port >> 8);
    bytes[36] = (uint8_t)flow->destination_port;
    return (uint32_t)(siphash(key, bytes, sizeof bytes) % flows);
}

unsigned flow_band(const struct flow *flow)
{
    if (!flow->is_ip)
        return 0;
    switch (flow->dscp) {
    case DSCP_CS5:
    case DSCP_VOICE_ADMIT:
    case DSCP_EF:
    case DSCP_CS6:
    case DSCP_CS7:
        return 0;
    case DSCP_CS1:
    case DSCP_LE:
        return 2;
    default:
        return 1;
    }
}
