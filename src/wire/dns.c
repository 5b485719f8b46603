/**
 * DNS messages: parse and emit (RFC 1035 4, RFC 3597 on compression, RFC 6891 on OPT).
 *
 * What is known of a type's data is one line of a table: the layout, piece by piece. Reading expands the
 * names in it whatever the type (some senders compress where they may not); writing compresses only where RFC
 * 1035 does.
 */
#include "wire/dns.h"

#include <errno.h>

/* ---- Layouts ------------------------------------------------------------------------------------- */

struct layout {
    uint16_t type;
    bool compress;      /**< Defined in RFC 1035, so its names may be compressed. */
    const char *pieces; /**< n: a name, t: character strings to the end, a digit: that many octets, x: 16. */
};

static const struct layout layouts[] = {
    {DNS_TYPE_A, true, "4"},
    {DNS_TYPE_NS, true, "n"},
    {3, true, "n"},
    {4, true, "n"},
    {DNS_TYPE_CNAME, true, "n"},
    {DNS_TYPE_SOA, true, "nn44444"},
    {7, true, "n"},
    {8, true, "n"},
    {9, true, "n"},
    {DNS_TYPE_PTR, true, "n"},
    {14, true, "nn"},
    {DNS_TYPE_MX, true, "2n"},
    {DNS_TYPE_TXT, true, "t"},
    {17, false, "nn"},
    {18, false, "2n"},
    {21, false, "2n"},
    {DNS_TYPE_AAAA, false, "x"},
    {DNS_TYPE_SRV, false, "222n"},
    {36, false, "2n"},
    {DNS_TYPE_DNAME, false, "n"},
};

static const struct layout *layout_of(uint16_t type)
{
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++)
        if (layouts[i].type == type)
            return &layouts[i];
    return NULL;
}

/** Octets of a fixed piece. */
static size_t piece_bytes(char piece)
{
    return piece == 'x' ? 16 : (size_t)(piece - '0');
}

/** Whether bytes are a row of character strings, at least one (RFC 1035 3.3.14). */
static bool strings_fit(const uint8_t *bytes, size_t size)
{
    size_t at = 0;
    while (at < size)
        at += (size_t)bytes[at] + 1;
    return at == size && size > 0;
}

/* ---- Parsing ------------------------------------------------------------------------------------- */

int dns_header_parse(struct dns_header *header, const uint8_t *message, size_t size)
{
    if (size < DNS_HEADER_BYTES)
        return -EBADMSG;
    uint16_t flags = bytes_get16(message + 2);
    *header = (struct dns_header){.id = bytes_get16(message),
                                  .response = flags >> 15 & 1,
                                  .opcode = flags >> 11 & 15,
                                  .authoritative = flags >> 10 & 1,
                                  .truncated = flags >> 9 & 1,
                                  .recursion_desired = flags >> 8 & 1,
                                  .recursion_available = flags >> 7 & 1,
                                  .authentic = flags >> 5 & 1,
                                  .checking_disabled = flags >> 4 & 1,
                                  .rcode = flags & 15};
    for (int i = 0; i < DNS_SECTIONS; i++)
        header->counts[i] = bytes_get16(message + 4 + 2 * i);
    return (int)DNS_HEADER_BYTES;
}

size_t dns_header_emit(uint8_t *room, const struct dns_header *header)
{
    // Bit 6, Z, is always sent as zero (RFC 1035-10).
    unsigned flags = (unsigned)header->response << 15 | (header->opcode & 15u) << 11 |
                     (unsigned)header->authoritative << 10 | (unsigned)header->truncated << 9 |
                     (unsigned)header->recursion_desired << 8 | (unsigned)header->recursion_available << 7 |
                     (unsigned)header->authentic << 5 | (unsigned)header->checking_disabled << 4 |
                     (header->rcode & 15u);
    bytes_put16(room, header->id);
    bytes_put16(room + 2, (uint16_t)flags);
    for (int i = 0; i < DNS_SECTIONS; i++)
        bytes_put16(room + 4 + 2 * i, header->counts[i]);
    return DNS_HEADER_BYTES;
}

int dns_question_parse(struct dns_question *question, const uint8_t *message, size_t size, size_t *position)
{
    if (dns_name_parse(&question->name, message, size, position) < 0 || size - *position < 4)
        return -EBADMSG;
    question->type = bytes_get16(message + *position);
    question->class = bytes_get16(message + *position + 2);
    *position += 4;
    return 0;
}

int dns_record_parse(struct dns_record *record, const uint8_t *message, size_t size, size_t *position)
{
    if (dns_name_parse(&record->name, message, size, position) < 0 || size - *position < 10)
        return -EBADMSG;
    const uint8_t *fixed = message + *position;
    record->type = bytes_get16(fixed);
    record->class = bytes_get16(fixed + 2);
    record->ttl = bytes_get32(fixed + 4);
    record->length = bytes_get16(fixed + 8);
    record->data = *position + 10;
    if (size - record->data < record->length)
        return -EBADMSG;
    *position = record->data + record->length;
    return 0;
}

uint32_t dns_ttl(uint32_t ttl)
{
    return ttl & 0x80000000u ? 0 : ttl; // RFC 2181-7
}

struct dns_edns dns_edns_of(const struct dns_record *record)
{
    return (struct dns_edns){.udp_bytes = record->class,
                             .extended_rcode = (uint8_t)(record->ttl >> 24),
                             .version = (uint8_t)(record->ttl >> 16),
                             .dnssec_ok = record->ttl >> 15 & 1};
}

/** Copies one piece of a record's data, its names written out. @return 0, -EBADMSG. */
static int expand_piece(char piece, const uint8_t *message, size_t message_size, size_t *at, size_t end,
                        struct writer *out)
{
    if (piece == 'n') {
        struct dns_name name;
        // The name must end inside the data, wherever its pointers lead.
        if (dns_name_parse(&name, message, message_size, at) < 0 || *at > end)
            return -EBADMSG;
        writer_bytes(out, name.bytes, name.length);
    } else {
        size_t bytes = piece == 't' ? end - *at : piece_bytes(piece);
        if (bytes > end - *at || (piece == 't' && !strings_fit(message + *at, bytes)))
            return -EBADMSG;
        writer_bytes(out, message + *at, bytes);
        *at += bytes;
    }
    return out->failed ? -EBADMSG : 0;
}

int dns_rdata_expand(const struct dns_record *record, const uint8_t *message, size_t message_size,
                     uint8_t *room, size_t size)
{
    const struct layout *layout = layout_of(record->type);
    size_t at = record->data, end = at + record->length;
    struct writer out = writer_of(room, size);
    if (end > message_size)
        return -EBADMSG;
    if (!layout) {
        writer_bytes(&out, message + at, record->length);
        return out.failed ? -EBADMSG : (int)out.position;
    }
    for (const char *piece = layout->pieces; *piece; piece++)
        if (expand_piece(*piece, message, message_size, &at, end, &out) < 0)
            return -EBADMSG;
    return at == end ? (int)out.position : -EBADMSG;
}

int dns_rdata_check(uint16_t type, const uint8_t *data, size_t length)
{
    const struct layout *layout = layout_of(type);
    size_t at = 0;
    for (const char *piece = layout ? layout->pieces : ""; *piece; piece++) {
        struct dns_name name;
        if (*piece == 'n') {
            if (dns_name_parse(&name, data, length, &at) < 0)
                return -EBADMSG;
            continue;
        }
        size_t bytes = *piece == 't' ? length - at : piece_bytes(*piece);
        if (bytes > length - at || (*piece == 't' && !strings_fit(data + at, bytes)))
            return -EBADMSG;
        at += bytes;
    }
    return !layout || at == length ? 0 : -EBADMSG;
}

int dns_rdata_name(uint16_t type, const uint8_t *data, size_t length, struct dns_name *name)
{
    size_t at = type == DNS_TYPE_MX ? 2 : type == DNS_TYPE_SRV ? 6 : 0;
    return at < length ? dns_name_parse(name, data, length, &at) : -EBADMSG;
}

int dns_rdata_soa(const uint8_t *data, size_t length, struct dns_soa *soa)
{
    if (length < 20)
        return -EBADMSG;
    const uint8_t *at = data + length - 20;
    *soa = (struct dns_soa){bytes_get32(at), bytes_get32(at + 4), bytes_get32(at + 8), bytes_get32(at + 12),
                            bytes_get32(at + 16)};
    return 0;
}

/** Walks over a record's data without keeping it. */
static int check_data(const struct dns_record *record, const uint8_t *message, size_t size)
{
    const struct layout *layout = layout_of(record->type);
    size_t at = record->data, end = at + record->length;
    for (const char *piece = layout ? layout->pieces : ""; *piece; piece++) {
        uint8_t room[DNS_NAME_BYTES];
        struct writer out = writer_of(room, sizeof room);
        if (*piece == 't') {
            if (!strings_fit(message + at, end - at))
                return -EBADMSG;
            at = end;
        } else if (expand_piece(*piece, message, size, &at, end, &out) < 0) {
            return -EBADMSG;
        }
    }
    return !layout || at == end ? 0 : -EBADMSG;
}

int dns_message_check(const uint8_t *message, size_t size)
{
    struct dns_header header;
    if (dns_header_parse(&header, message, size) < 0)
        return -EBADMSG;
    size_t position = DNS_HEADER_BYTES;
    for (unsigned i = 0; i < header.counts[DNS_QUESTION]; i++) {
        struct dns_question question;
        if (dns_question_parse(&question, message, size, &position) < 0)
            return -EBADMSG;
    }
    uint32_t records = (uint32_t)header.counts[1] + header.counts[2] + header.counts[3];
    for (uint32_t i = 0; i < records; i++) {
        struct dns_record record;
        if (dns_record_parse(&record, message, size, &position) < 0 || check_data(&record, message, size) < 0)
            return -EBADMSG;
    }
    return 0;
}

/* ---- Writing ------------------------------------------------------------------------------------- */

void dns_writer_init(struct dns_writer *writer, uint8_t *room, size_t size)
{
    *writer = (struct dns_writer){.message = room, .size = size, .length = DNS_HEADER_BYTES};
}

/** Whether the name that begins at `offset` of our own message is this one. */
static bool name_stands_at(const struct dns_writer *writer, size_t offset, const struct dns_name *name)
{
    struct dns_name other;
    return dns_name_parse(&other, writer->message, writer->length, &offset) == 0 &&
           dns_name_equal(&other, name);
}

/** Writes a name, pointing to an earlier one for as much of its end as possible. */
static int write_name(struct dns_writer *writer, const struct dns_name *name, bool compress)
{
    unsigned labels = dns_name_labels(name);
    size_t at = 0, known = writer->name_count;
    for (unsigned i = 0; i < labels; i++) {
        struct dns_name rest = dns_name_parent(name, i);
        for (size_t n = 0; compress && n < known; n++) {
            if (!name_stands_at(writer, writer->names[n], &rest))
                continue;
            if (writer->size - writer->length < 2)
                return -ENOSPC;
            bytes_put16(writer->message + writer->length, (uint16_t)(0xc000 | writer->names[n]));
            writer->length += 2;
            return 0;
        }
        size_t whole = (size_t)name->bytes[at] + 1;
        if (writer->size - writer->length < whole)
            return -ENOSPC;
        if (writer->length < 0x4000 && writer->name_count < DNS_WRITER_NAMES)
            writer->names[writer->name_count++] = (uint16_t)writer->length;
        memcpy(writer->message + writer->length, name->bytes + at, whole);
        writer->length += whole;
        at += whole;
    }
    if (writer->size - writer->length < 1)
        return -ENOSPC;
    writer->message[writer->length++] = 0;
    return 0;
}

static int write_bytes(struct dns_writer *writer, const uint8_t *bytes, size_t size)
{
    if (writer->size - writer->length < size)
        return -ENOSPC;
    if (size > 0)
        memcpy(writer->message + writer->length, bytes, size);
    writer->length += size;
    return 0;
}

/** Expanded data, its names compressed where they may be. */
static int write_data(struct dns_writer *writer, uint16_t type, const uint8_t *data, size_t length)
{
    const struct layout *layout = layout_of(type);
    size_t at = 0;
    if (!layout || !layout->compress)
        return write_bytes(writer, data, length); // RFC 1035-6
    for (const char *piece = layout->pieces; *piece; piece++) {
        int result;
        if (*piece == 'n') {
            struct dns_name name;
            if (dns_name_parse(&name, data, length, &at) < 0)
                return -ENOSPC;
            result = write_name(writer, &name, true);
        } else {
            size_t bytes = *piece == 't' ? length - at : piece_bytes(*piece);
            if (bytes > length - at)
                return -ENOSPC;
            result = write_bytes(writer, data + at, bytes);
            at += bytes;
        }
        if (result < 0)
            return result;
    }
    return 0;
}

void dns_writer_rewind(struct dns_writer *writer, const struct dns_writer *mark)
{
    *writer = *mark;
}

int dns_write_question(struct dns_writer *writer, const struct dns_question *question)
{
    struct dns_writer mark = *writer;
    uint8_t fixed[4];
    bytes_put16(fixed, question->type);
    bytes_put16(fixed + 2, question->class);
    if (write_name(writer, &question->name, true) < 0 || write_bytes(writer, fixed, sizeof fixed) < 0) {
        *writer = mark;
        return -ENOSPC;
    }
    writer->counts[DNS_QUESTION]++;
    return 0;
}

int dns_write_record(struct dns_writer *writer, enum dns_section section, const struct dns_name *name,
                     uint16_t type, uint16_t class, uint32_t ttl, const uint8_t *data, size_t length)
{
    struct dns_writer mark = *writer;
    uint8_t fixed[10];
    bytes_put16(fixed, type);
    bytes_put16(fixed + 2, class);
    bytes_put32(fixed + 4, ttl);
    bytes_put16(fixed + 8, 0);
    if (write_name(writer, name, true) == 0 && write_bytes(writer, fixed, sizeof fixed) == 0) {
        size_t begin = writer->length;
        if (write_data(writer, type, data, length) == 0 && writer->length - begin <= 65535) {
            bytes_put16(writer->message + begin - 2, (uint16_t)(writer->length - begin));
            writer->counts[section]++;
            return 0;
        }
    }
    *writer = mark;
    return -ENOSPC;
}

int dns_write_edns(struct dns_writer *writer, const struct dns_edns *edns)
{
    struct dns_name root = dns_name_root();
    uint32_t ttl = (uint32_t)edns->extended_rcode << 24 | (uint32_t)edns->version << 16 |
                   (uint32_t)edns->dnssec_ok << 15;
    return dns_write_record(writer, DNS_ADDITIONAL, &root, DNS_TYPE_OPT, edns->udp_bytes, ttl, NULL, 0);
}

size_t dns_writer_finish(struct dns_writer *writer, const struct dns_header *header)
{
    struct dns_header counted = *header;
    memcpy(counted.counts, writer->counts, sizeof counted.counts);
    dns_header_emit(writer->message, &counted);
    return writer->length;
}

size_t dns_query_emit(uint8_t *room, size_t size, uint16_t id, bool recursion_desired,
                      const struct dns_question *question, uint16_t udp_bytes)
{
    struct dns_writer writer;
    if (size < DNS_HEADER_BYTES)
        return 0;
    dns_writer_init(&writer, room, size);
    struct dns_edns edns = {.udp_bytes = udp_bytes};
    if (dns_write_question(&writer, question) < 0 || (udp_bytes > 0 && dns_write_edns(&writer, &edns) < 0))
        return 0;
    struct dns_header header = {.id = id, .recursion_desired = recursion_desired};
    return dns_writer_finish(&writer, &header);
}
