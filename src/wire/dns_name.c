/**
 * Names of the DNS (RFC 1035 2.3, 3.1, 4.1.4; RFC 4343 on case).
 */
#include "wire/dns.h"

#include <errno.h>

static uint8_t fold(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

struct dns_name dns_name_root(void)
{
    return (struct dns_name){.length = 1, .bytes = {0}};
}

int dns_name_parse(struct dns_name *name, const uint8_t *message, size_t size, size_t *position)
{
    size_t at = *position, length = 0, behind = 0;
    // Every pointer must lead to before the place where this part of the name began, so they cannot go round.
    size_t begin = at;
    for (;;) {
        if (at >= size)
            return -EBADMSG;
        uint8_t octet = message[at];
        if ((octet & 0xc0) == 0xc0) { // RFC 1035-4
            if (size - at < 2)
                return -EBADMSG;
            size_t target = (size_t)(octet & 0x3f) << 8 | message[at + 1];
            if (behind == 0)
                behind = at + 2;
            if (target >= begin)
                return -EBADMSG;
            at = begin = target;
            continue;
        }
        if (octet > DNS_LABEL_BYTES) // RFC 1035-3: 01 and 10 are no label
            return -EBADMSG;
        size_t whole = (size_t)octet + 1;
        if (size - at < whole || length + whole > DNS_NAME_BYTES) // RFC 1035-1
            return -EBADMSG;
        memcpy(name->bytes + length, message + at, whole);
        length += whole;
        at += whole;
        if (octet == 0)
            break;
    }
    name->length = (uint8_t)length;
    *position = behind ? behind : at;
    return 0;
}

bool dns_name_equal(const struct dns_name *a, const struct dns_name *b)
{
    if (a->length != b->length)
        return false;
    // Length octets are below 'A', so folding leaves them alone.
    for (size_t i = 0; i < a->length; i++)
        if (fold(a->bytes[i]) != fold(b->bytes[i]))
            return false;
    return true;
}

unsigned dns_name_labels(const struct dns_name *name)
{
    unsigned count = 0;
    for (size_t i = 0; name->bytes[i] != 0; i += (size_t)name->bytes[i] + 1)
        count++;
    return count;
}

struct dns_name dns_name_parent(const struct dns_name *name, unsigned count)
{
    size_t skip = 0;
    while (count-- > 0 && name->bytes[skip] != 0)
        skip += (size_t)name->bytes[skip] + 1;
    struct dns_name parent = {.length = (uint8_t)(name->length - skip)};
    memcpy(parent.bytes, name->bytes + skip, parent.length);
    return parent;
}

bool dns_name_is_within(const struct dns_name *name, const struct dns_name *zone)
{
    unsigned labels = dns_name_labels(name), own = dns_name_labels(zone);
    if (labels < own)
        return false;
    struct dns_name parent = dns_name_parent(name, labels - own);
    return dns_name_equal(&parent, zone);
}

static int compare_labels(const uint8_t *a, const uint8_t *b)
{
    for (unsigned i = 1; i <= a[0] && i <= b[0]; i++)
        if (fold(a[i]) != fold(b[i]))
            return fold(a[i]) < fold(b[i]) ? -1 : 1;
    return (int)a[0] - (int)b[0];
}

/** Where the labels begin; @return how many. */
static unsigned label_starts(const struct dns_name *name, uint8_t starts[128])
{
    unsigned count = 0;
    for (unsigned i = 0; name->bytes[i] != 0; i += name->bytes[i] + 1u)
        starts[count++] = (uint8_t)i;
    return count;
}

int dns_name_compare(const struct dns_name *a, const struct dns_name *b)
{
    uint8_t in_a[128], in_b[128];
    unsigned left_a = label_starts(a, in_a), left_b = label_starts(b, in_b);
    while (left_a > 0 && left_b > 0) {
        int order = compare_labels(a->bytes + in_a[--left_a], b->bytes + in_b[--left_b]);
        if (order != 0)
            return order;
    }
    return (int)left_a - (int)left_b;
}

int dns_name_wildcard(struct dns_name *name, const struct dns_name *parent)
{
    if (parent->length + 2u > DNS_NAME_BYTES)
        return -EINVAL;
    name->bytes[0] = 1;
    name->bytes[1] = '*';
    memcpy(name->bytes + 2, parent->bytes, parent->length);
    name->length = (uint8_t)(parent->length + 2);
    return 0;
}

/** One octet of a label, escapes undone. @return it, or -EINVAL. */
static int text_octet(const char *text, size_t length, size_t *i)
{
    if (text[*i] != '\\')
        return (uint8_t)text[(*i)++];
    (*i)++;
    if (*i == length)
        return -EINVAL;
    if (text[*i] < '0' || text[*i] > '9')
        return (uint8_t)text[(*i)++];
    int value = 0;
    for (int digit = 0; digit < 3; digit++, (*i)++) {
        if (*i == length || text[*i] < '0' || text[*i] > '9')
            return -EINVAL;
        value = value * 10 + (text[*i] - '0');
    }
    return value <= 255 ? value : -EINVAL;
}

int dns_name_from_text(struct dns_name *name, const char *text, size_t length, const struct dns_name *origin)
{
    struct dns_name root = dns_name_root();
    size_t used = 0, i = 0;
    if (!origin)
        origin = &root;
    if (length == 0)
        return -EINVAL;
    if (length == 1 && (text[0] == '@' || text[0] == '.')) {
        *name = text[0] == '@' ? *origin : root;
        return 0;
    }
    while (i < length) {
        size_t label = used++;
        while (i < length && text[i] != '.') {
            int octet = text_octet(text, length, &i);
            if (octet < 0 || used - label > DNS_LABEL_BYTES || used >= DNS_NAME_BYTES)
                return -EINVAL;
            name->bytes[used++] = (uint8_t)octet;
        }
        if (used - label == 1)
            return -EINVAL; // An empty label.
        name->bytes[label] = (uint8_t)(used - label - 1);
        bool dot = i < length;
        i += dot;
        if (used >= DNS_NAME_BYTES)
            return -EINVAL;
        if (i == length) {
            const struct dns_name *tail = dot ? &root : origin;
            if (used + tail->length > DNS_NAME_BYTES)
                return -EINVAL;
            memcpy(name->bytes + used, tail->bytes, tail->length);
            name->length = (uint8_t)(used + tail->length);
        }
    }
    return 0;
}

size_t dns_name_to_text(const struct dns_name *name, char *room, size_t size)
{
    struct text text = text_of(room, size);
    if (name->length == 1)
        text_char(&text, '.');
    for (size_t i = 0; name->bytes[i] != 0; i += (size_t)name->bytes[i] + 1) {
        for (unsigned j = 1; j <= name->bytes[i]; j++) {
            uint8_t c = name->bytes[i + j];
            bool special =
                c == '.' || c == '\\' || c == '"' || c == ';' || c == '@' || c == '(' || c == ')' || c == '$';
            if (c <= 0x20 || c >= 0x7f) {
                text_char(&text, '\\');
                text_char(&text, (char)('0' + c / 100));
                text_char(&text, (char)('0' + c / 10 % 10));
                text_char(&text, (char)('0' + c % 10));
                continue;
            }
            if (special)
                text_char(&text, '\\');
            text_char(&text, (char)c);
        }
        text_char(&text, '.');
    }
    return text.length;
}

void dns_name_reverse(struct dns_name *name, const struct strata_address *address)
{
    bool v4 = strata_address_is_ipv4(address);
    char room[80];
    struct text text = text_of(room, sizeof room);
    for (int i = 15; i >= (v4 ? 12 : 0); i--) {
        if (v4) {
            text_unsigned(&text, address->bytes[i]);
            text_char(&text, '.');
            continue;
        }
        text_hex(&text, address->bytes[i] & 15, 1);
        text_char(&text, '.');
        text_hex(&text, address->bytes[i] >> 4, 1);
        text_char(&text, '.');
    }
    text_string(&text, v4 ? "in-addr.arpa." : "ip6.arpa.");
    dns_name_from_text(name, room, text.length, NULL);
}
