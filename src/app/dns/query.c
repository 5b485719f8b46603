/**
 * What every server does with a query before it looks for an answer, and with a reply after it found one
 * (RFC 1035 4.1, RFC 6891 6.1 and 7).
 */
#include "app/dns/answer.h"

#define OPT_BYTES 11u

/** Looks through the records behind the question for OPT. @return 0, or the code that refuses the message. */
static unsigned find_edns(struct dns_query *query, const uint8_t *message, size_t size, size_t position)
{
    const uint16_t *counts = query->header.counts;
    uint32_t before = (uint32_t)counts[DNS_ANSWER] + counts[DNS_AUTHORITY];
    uint32_t all = before + counts[DNS_ADDITIONAL];
    for (uint32_t i = 0; i < all; i++) {
        struct dns_record record;
        if (dns_record_parse(&record, message, size, &position) < 0)
            return DNS_FORMERR;
        if (record.type != DNS_TYPE_OPT)
            continue;
        // RFC 6891-1: one at most; RFC 6891-3: at the root, in the additional section.
        if (query->has_edns || record.name.length != 1 || i < before)
            return DNS_FORMERR;
        query->has_edns = true;
        query->edns = dns_edns_of(&record);
    }
    return query->has_edns && query->edns.version > 0 ? DNS_BADVERS : DNS_NOERROR; // RFC 6891-4
}

bool dns_query_parse(struct dns_query *query, const uint8_t *message, size_t size)
{
    *query = (struct dns_query){.rcode = DNS_NOERROR};
    // RFC 1035-12: a reply is never answered, or two servers would talk for ever.
    if (dns_header_parse(&query->header, message, size) < 0 || query->header.response)
        return false;
    size_t position = DNS_HEADER_BYTES;
    if (query->header.opcode != DNS_OPCODE_QUERY) {
        query->rcode = DNS_NOTIMP; // RFC 1035-10
        return true;
    }
    if (query->header.counts[DNS_QUESTION] != 1 ||
        dns_question_parse(&query->question, message, size, &position) < 0) {
        query->rcode = DNS_FORMERR;
        return true;
    }
    query->has_question = true;
    query->rcode = find_edns(query, message, size, position);
    return true;
}

size_t dns_query_limit(const struct dns_query *query, bool tcp)
{
    if (tcp)
        return DNS_MESSAGE_MAX_BYTES;
    if (!query->has_edns || query->edns.udp_bytes < DNS_UDP_BYTES) // RFC 6891-6
        return DNS_UDP_BYTES;
    return query->edns.udp_bytes < DNS_EDNS_BYTES ? query->edns.udp_bytes : DNS_EDNS_BYTES;
}

void dns_reply_begin(struct dns_reply *reply, const struct dns_query *query, uint8_t *room, size_t size,
                     bool tcp)
{
    size_t limit = dns_query_limit(query, tcp);
    // RFC 1035-9: id, opcode, RD and question come back as they were.
    reply->query = query;
    reply->rcode = query->rcode;
    reply->header = (struct dns_header){.id = query->header.id,
                                        .response = true,
                                        .opcode = query->header.opcode,
                                        .recursion_desired = query->header.recursion_desired,
                                        .checking_disabled = query->header.checking_disabled};
    // RFC 6891-8: whatever is cut, OPT stays.
    size = size < limit ? size : limit;
    dns_writer_init(&reply->writer, room, query->has_edns ? size - OPT_BYTES : size);
    if (query->has_question)
        dns_write_question(&reply->writer, &query->question);
}

size_t dns_reply_finish(struct dns_reply *reply)
{
    reply->header.rcode = reply->rcode & 15;
    if (reply->query->has_edns) { // RFC 6891-2
        struct dns_edns edns = {.udp_bytes = DNS_EDNS_BYTES,
                                .extended_rcode = (uint8_t)(reply->rcode >> 4),
                                .dnssec_ok = reply->query->edns.dnssec_ok};
        reply->writer.size += OPT_BYTES;
        dns_write_edns(&reply->writer, &edns);
    }
    return dns_writer_finish(&reply->writer, &reply->header);
}
