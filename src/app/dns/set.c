/**
 * Sets of records from messages (RFC 2181 5), and which message answers which (RFC 5452 9.1).
 */
#include "app/dns/set.h"

#include <errno.h>

void dns_message_parts(const uint8_t *message, size_t size, struct dns_part parts[DNS_SECTIONS])
{
    struct dns_header header;
    size_t position = DNS_HEADER_BYTES;
    memset(parts, 0, DNS_SECTIONS * sizeof *parts);
    if (dns_header_parse(&header, message, size) < 0)
        return;
    for (int section = 0; section < DNS_SECTIONS; section++) {
        parts[section] = (struct dns_part){position, header.counts[section]};
        for (unsigned i = 0; i < header.counts[section]; i++) {
            struct dns_question question;
            struct dns_record record;
            int result = section == DNS_QUESTION ? dns_question_parse(&question, message, size, &position)
                                                 : dns_record_parse(&record, message, size, &position);
            if (result < 0) {
                parts[section].count = i;
                return;
            }
        }
    }
}

static bool is_known(const struct dns_set *set, const uint8_t *data, size_t length)
{
    size_t position = 0, other;
    const uint8_t *known;
    while ((known = dns_set_next(set, &position, &other)) != NULL)
        if (other == length && memcmp(known, data, length) == 0)
            return true;
    return false;
}

bool dns_message_set(const uint8_t *message, size_t size, const struct dns_part *part,
                     const struct dns_name *name, uint16_t type, struct dns_set *set, uint8_t *room)
{
    size_t position = part->position, used = 0;
    *set = (struct dns_set){.type = type, .ttl = UINT32_MAX, .data = room};
    for (unsigned i = 0; i < part->count; i++) {
        struct dns_record record;
        if (dns_record_parse(&record, message, size, &position) < 0)
            return false;
        if (record.type != type || record.class != DNS_CLASS_IN || !dns_name_equal(&record.name, name))
            continue;
        if (DNS_SET_BYTES - used < 2)
            return false;
        int length = dns_rdata_expand(&record, message, size, room + used + 2, DNS_SET_BYTES - used - 2);
        if (length < 0)
            return false;
        if (set->count == 0)
            set->name = record.name;
        if (dns_ttl(record.ttl) < set->ttl)
            set->ttl = dns_ttl(record.ttl); // RFC 2181-2
        if (is_known(set, room + used + 2, (size_t)length))
            continue;
        bytes_put16(room + used, (uint16_t)length);
        used += 2 + (size_t)length;
        set->bytes = (uint16_t)used;
        set->count++;
    }
    return set->count > 0;
}

const uint8_t *dns_set_next(const struct dns_set *set, size_t *position, size_t *length)
{
    if (*position >= set->bytes)
        return NULL;
    const uint8_t *at = set->data + *position;
    *length = bytes_get16(at);
    *position += 2 + *length;
    return at + 2;
}

int dns_set_write(struct dns_writer *writer, enum dns_section section, const struct dns_set *set,
                  unsigned turn)
{
    struct dns_writer mark = *writer;
    unsigned skip = set->count ? turn % set->count : 0;
    // From the turn-th record to the end, then from the beginning up to it.
    for (int round = 0; round < 2; round++) {
        size_t position = 0, length;
        const uint8_t *data;
        for (unsigned i = 0; (data = dns_set_next(set, &position, &length)) != NULL; i++)
            if ((i >= skip) == (round == 0) && dns_write_record(writer, section, &set->name, set->type,
                                                                DNS_CLASS_IN, set->ttl, data, length) < 0) {
                dns_writer_rewind(writer, &mark);
                return -ENOSPC;
            }
    }
    return 0;
}

bool dns_reply_matches(const uint8_t *query, size_t query_size, const uint8_t *reply, size_t size)
{
    struct dns_header asked, answered;
    struct dns_question question, echoed;
    size_t at = DNS_HEADER_BYTES, back = DNS_HEADER_BYTES;
    if (dns_header_parse(&asked, query, query_size) < 0 || dns_header_parse(&answered, reply, size) < 0)
        return false;
    if (!answered.response || answered.id != asked.id || answered.opcode != asked.opcode)
        return false;
    if (dns_question_parse(&question, query, query_size, &at) < 0)
        return false;
    // Some servers send errors without the question.
    if (answered.counts[DNS_QUESTION] == 0 && answered.rcode != DNS_NOERROR && answered.rcode != DNS_NXDOMAIN)
        return true;
    return answered.counts[DNS_QUESTION] == 1 && dns_question_parse(&echoed, reply, size, &back) == 0 &&
           echoed.type == question.type && echoed.class == question.class &&
           dns_name_equal(&echoed.name, &question.name);
}
