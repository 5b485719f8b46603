/**
 * The data of records as master files write it (RFC 1035 5.1 and 3.3, RFC 3596, RFC 2782, RFC 3597 5).
 */
#include "app/dns/zone.h"

#include <errno.h>

/** What is being read: words in, bytes out; the first mistake is kept. */
struct scan {
    const struct dns_words *words;
    unsigned next;
    const struct dns_name *origin;
    struct writer out;
    const char *why;
};

static const char *word(struct scan *scan, size_t *length)
{
    if (scan->next == scan->words->count) {
        scan->why = scan->why ? scan->why : "something is missing in the data";
        *length = 0;
        return NULL;
    }
    *length = scan->words->length[scan->next];
    return scan->words->text[scan->next++];
}

static void name(struct scan *scan)
{
    size_t length;
    const char *text = word(scan, &length);
    struct dns_name parsed;
    if (!text)
        return;
    if (dns_name_from_text(&parsed, text, length, scan->origin) < 0)
        scan->why = "not a name";
    else
        writer_bytes(&scan->out, parsed.bytes, parsed.length);
}

static void number(struct scan *scan, unsigned bytes)
{
    size_t length;
    const char *text = word(scan, &length);
    uint64_t value = 0;
    bool good = text && length > 0 && length <= 10;
    for (size_t i = 0; good && i < length; i++) {
        good = text[i] >= '0' && text[i] <= '9';
        value = value * 10 + (uint64_t)(text[i] - '0');
    }
    if (!good || value > (bytes == 2 ? UINT16_MAX : UINT32_MAX)) {
        scan->why = scan->why ? scan->why : "not a number, or too large";
        return;
    }
    if (bytes == 2)
        writer_u16(&scan->out, (uint16_t)value);
    else
        writer_u32(&scan->out, (uint32_t)value);
}

static void time(struct scan *scan)
{
    size_t length;
    const char *text = word(scan, &length);
    uint32_t seconds;
    if (!text)
        return;
    if (dns_zone_ttl(text, length, &seconds) < 0)
        scan->why = "not a time";
    else
        writer_u32(&scan->out, seconds);
}

static void address(struct scan *scan, bool v4)
{
    size_t length;
    const char *text = word(scan, &length);
    char room[STRATA_ADDRESS_TEXT];
    struct strata_address parsed;
    bool good = text && length < sizeof room;
    if (good) {
        memcpy(room, text, length);
        room[length] = 0;
        good = strata_address_parse(room, &parsed) == 0 && strata_address_is_ipv4(&parsed) == v4;
    }
    if (!good)
        scan->why = scan->why ? scan->why : v4 ? "not an IPv4 address" : "not an IPv6 address";
    else
        writer_bytes(&scan->out, parsed.bytes + (v4 ? 12 : 0), v4 ? 4 : 16);
}

/** One character string, escapes undone. */
static void string(struct scan *scan)
{
    size_t length, used = 0;
    const char *text = word(scan, &length);
    uint8_t bytes[256];
    for (size_t i = 0; text && i < length && used < sizeof bytes; i++) {
        unsigned c = (unsigned char)text[i];
        if (c == '\\' && i + 1 < length) {
            c = (unsigned char)text[++i];
            if (c >= '0' && c <= '9') {
                c = 0;
                size_t end = i + 3;
                for (; i < end && i < length && text[i] >= '0' && text[i] <= '9'; i++)
                    c = c * 10 + (unsigned)(text[i] - '0');
                if (i-- != end || c > 255)
                    scan->why = "a bad \\DDD in a string";
            }
        }
        bytes[used++] = (uint8_t)c;
    }
    if (used > 255) {
        scan->why = "a string of more than 255 bytes";
        return;
    }
    writer_u8(&scan->out, (uint8_t)used);
    writer_bytes(&scan->out, bytes, used);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/** "\# 3 abcdef" for any type (RFC 3597 5). */
static void generic(struct scan *scan)
{
    size_t length, announced = 0;
    scan->next = 1;
    const char *text = word(scan, &length);
    for (size_t i = 0; text && i < length; i++)
        announced = text[i] >= '0' && text[i] <= '9' && announced < 65536
                        ? announced * 10 + (size_t)(text[i] - '0')
                        : 65536;
    int high = -1;
    while (scan->next < scan->words->count) {
        text = word(scan, &length);
        for (size_t i = 0; i < length; i++) {
            int digit = hex_digit(text[i]);
            if (digit < 0)
                scan->why = "not hexadecimal";
            else if (high < 0)
                high = digit;
            else {
                writer_u8(&scan->out, (uint8_t)(high << 4 | digit));
                high = -1;
            }
        }
    }
    if (high >= 0 || scan->out.position != announced)
        scan->why = scan->why ? scan->why : "not as many bytes as announced";
}

static void known(struct scan *scan, uint16_t type)
{
    switch (type) {
    case DNS_TYPE_A:
        address(scan, true);
        break;
    case DNS_TYPE_AAAA:
        address(scan, false);
        break;
    case DNS_TYPE_NS:
    case DNS_TYPE_CNAME:
    case DNS_TYPE_PTR:
    case DNS_TYPE_DNAME:
        name(scan);
        break;
    case DNS_TYPE_MX:
        number(scan, 2);
        name(scan);
        break;
    case DNS_TYPE_SRV:
        number(scan, 2);
        number(scan, 2);
        number(scan, 2);
        name(scan);
        break;
    case DNS_TYPE_TXT:
        do
            string(scan);
        while (scan->next < scan->words->count);
        break;
    case DNS_TYPE_SOA:
        name(scan);
        name(scan);
        number(scan, 4);
        for (int i = 0; i < 4; i++)
            time(scan);
        break;
    default:
        scan->why = "data of this type can only be given as \\# LENGTH HEX";
    }
}

int dns_zone_data(uint16_t type, const struct dns_words *words, const struct dns_name *origin, uint8_t *room,
                  size_t size, const char **why)
{
    struct scan scan = {
        .words = words, .origin = origin, .out = writer_of(room, size < 65535 ? size : 65535)};
    if (words->count > 0 && words->length[0] == 2 && memcmp(words->text[0], "\\#", 2) == 0 &&
        !words->quoted[0])
        generic(&scan);
    else
        known(&scan, type);
    if (!scan.why && scan.next < words->count)
        scan.why = "too much data";
    if (!scan.why && (scan.out.failed || dns_rdata_check(type, room, scan.out.position) < 0))
        scan.why = "data that does not fit the type";
    *why = scan.why;
    return scan.why ? -EINVAL : (int)scan.out.position;
}
