/**
 * DNS as text: types, response codes, data as a zone file shows it (RFC 1035 5.1, RFC 3597 5), messages in a
 * line.
 */
#include "wire/dns.h"

static const struct {
    uint16_t type;
    char name[8];
} types[] = {
    {DNS_TYPE_A, "A"},       {DNS_TYPE_NS, "NS"},       {DNS_TYPE_CNAME, "CNAME"}, {DNS_TYPE_SOA, "SOA"},
    {DNS_TYPE_PTR, "PTR"},   {DNS_TYPE_MX, "MX"},       {DNS_TYPE_TXT, "TXT"},     {DNS_TYPE_AAAA, "AAAA"},
    {DNS_TYPE_SRV, "SRV"},   {DNS_TYPE_DNAME, "DNAME"}, {DNS_TYPE_OPT, "OPT"},     {DNS_TYPE_IXFR, "IXFR"},
    {DNS_TYPE_AXFR, "AXFR"}, {DNS_TYPE_ANY, "ANY"},
};

void dns_type_print(struct text *text, uint16_t type)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i].type == type) {
            text_string(text, types[i].name);
            return;
        }
    text_string(text, "TYPE");
    text_unsigned(text, type);
}

static bool same_letters(const char *a, size_t length, const char *b)
{
    for (size_t i = 0; i < length; i++) {
        char c = a[i] >= 'a' && a[i] <= 'z' ? (char)(a[i] - ('a' - 'A')) : a[i];
        if (b[i] == 0 || c != b[i])
            return false;
    }
    return b[length] == 0;
}

uint16_t dns_type_from_text(const char *name, size_t length)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (same_letters(name, length, types[i].name))
            return types[i].type;
    uint32_t number = 0;
    if (length < 5 || length > 9 || !same_letters(name, 4, "TYPE"))
        return 0;
    for (size_t i = 4; i < length; i++) {
        if (name[i] < '0' || name[i] > '9')
            return 0;
        number = number * 10 + (uint32_t)(name[i] - '0');
    }
    return number <= 65535 ? (uint16_t)number : 0;
}

void dns_rcode_print(struct text *text, unsigned rcode)
{
    static const char *const names[] = {"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"};
    if (rcode < sizeof names / sizeof *names) {
        text_string(text, names[rcode]);
    } else if (rcode == DNS_BADVERS) {
        text_string(text, "BADVERS");
    } else {
        text_string(text, "RCODE");
        text_unsigned(text, rcode);
    }
}

static void print_name(struct text *text, const uint8_t *data, size_t length, size_t *at)
{
    struct dns_name name;
    char room[DNS_NAME_TEXT];
    if (dns_name_parse(&name, data, length, at) < 0) {
        text_string(text, "malformed");
        *at = length;
        return;
    }
    dns_name_to_text(&name, room, sizeof room);
    text_string(text, room);
}

/** Character strings in quotes. */
static void print_strings(struct text *text, const uint8_t *data, size_t length)
{
    for (size_t at = 0; at < length;) {
        size_t end = at + 1 + data[at];
        if (end > length)
            end = length;
        if (at > 0)
            text_char(text, ' ');
        text_char(text, '"');
        for (at++; at < end; at++) {
            uint8_t c = data[at];
            if (c < 0x20 || c >= 0x7f) {
                text_char(text, '\\');
                text_char(text, (char)('0' + c / 100));
                text_char(text, (char)('0' + c / 10 % 10));
                text_char(text, (char)('0' + c % 10));
                continue;
            }
            if (c == '"' || c == '\\')
                text_char(text, '\\');
            text_char(text, (char)c);
        }
        text_char(text, '"');
    }
}

/** RFC 3597 5: "\# 3 abcdef". */
static void print_unknown(struct text *text, const uint8_t *data, size_t length)
{
    text_string(text, "\\# ");
    text_unsigned(text, length);
    if (length > 0)
        text_char(text, ' ');
    for (size_t i = 0; i < length; i++)
        text_hex(text, data[i], 2);
}

static void print_numbers(struct text *text, const uint8_t *data, size_t count, size_t bytes)
{
    for (size_t i = 0; i < count; i++) {
        text_unsigned(text, bytes == 2 ? bytes_get16(data + 2 * i) : bytes_get32(data + 4 * i));
        if (i + 1 < count)
            text_char(text, ' ');
    }
}

static void print_address(struct text *text, const uint8_t *data, size_t length)
{
    struct strata_address address;
    char room[STRATA_ADDRESS_TEXT];
    if (length == 4)
        address = strata_ipv4(data[0], data[1], data[2], data[3]);
    else
        memcpy(address.bytes, data, 16);
    strata_address_format(&address, room, sizeof room);
    text_string(text, room);
}

void dns_rdata_print(struct text *text, uint16_t type, const uint8_t *data, size_t length)
{
    size_t at = 0;
    if (dns_rdata_check(type, data, length) < 0)
        type = 0;
    switch (type) {
    case DNS_TYPE_A:
    case DNS_TYPE_AAAA:
        print_address(text, data, length);
        break;
    case DNS_TYPE_NS:
    case DNS_TYPE_CNAME:
    case DNS_TYPE_PTR:
    case DNS_TYPE_DNAME:
        print_name(text, data, length, &at);
        break;
    case DNS_TYPE_MX:
        print_numbers(text, data, 1, 2);
        text_char(text, ' ');
        at = 2;
        print_name(text, data, length, &at);
        break;
    case DNS_TYPE_SRV:
        print_numbers(text, data, 3, 2);
        text_char(text, ' ');
        at = 6;
        print_name(text, data, length, &at);
        break;
    case DNS_TYPE_SOA:
        print_name(text, data, length, &at);
        text_char(text, ' ');
        print_name(text, data, length, &at);
        text_char(text, ' ');
        print_numbers(text, data + at, 5, 4);
        break;
    case DNS_TYPE_TXT:
        print_strings(text, data, length);
        break;
    default:
        print_unknown(text, data, length);
    }
}

/** " A www.example.org." */
static void print_question(struct text *text, const struct dns_question *question)
{
    char room[DNS_NAME_TEXT];
    text_char(text, ' ');
    dns_type_print(text, question->type);
    text_char(text, ' ');
    dns_name_to_text(&question->name, room, sizeof room);
    text_string(text, room);
}

/** The first records of a message, as many as make sense in a line. */
static void print_records(struct text *text, const uint8_t *message, size_t size, size_t position,
                          unsigned count)
{
    for (unsigned i = 0; i < count && i < 6; i++) {
        struct dns_record record;
        uint8_t data[512];
        if (dns_record_parse(&record, message, size, &position) < 0)
            return;
        text_string(text, i == 0 ? ": " : ", ");
        dns_type_print(text, record.type);
        text_char(text, ' ');
        int length = dns_rdata_expand(&record, message, size, data, sizeof data);
        if (length < 0)
            text_string(text, "...");
        else
            dns_rdata_print(text, record.type, data, (size_t)length);
    }
}

void dns_print(struct text *text, const uint8_t *message, size_t size)
{
    struct dns_header header;
    struct dns_question question;
    if (dns_message_check(message, size) < 0 || dns_header_parse(&header, message, size) < 0) {
        text_string(text, "DNS malformed");
        return;
    }
    text_string(text, header.response ? "DNS reply " : "DNS query ");
    text_unsigned(text, header.id);
    if (header.response) {
        text_char(text, ' ');
        dns_rcode_print(text, header.rcode);
    }
    if (header.authoritative)
        text_string(text, " aa");
    if (header.truncated)
        text_string(text, " tc");
    size_t position = DNS_HEADER_BYTES;
    for (unsigned i = 0; i < header.counts[DNS_QUESTION]; i++) {
        if (dns_question_parse(&question, message, size, &position) < 0)
            return;
        if (i == 0)
            print_question(text, &question);
    }
    if (!header.response)
        return;
    for (int section = DNS_ANSWER; section < DNS_SECTIONS; section++) {
        text_char(text, section == DNS_ANSWER ? ' ' : '/');
        text_unsigned(text, header.counts[section]);
    }
    unsigned shown = header.counts[DNS_ANSWER] ? header.counts[DNS_ANSWER] : header.counts[DNS_AUTHORITY];
    print_records(text, message, size, position, shown);
}
