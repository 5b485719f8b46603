/*
 * Addresses: their kinds (RFC 6890, RFC 4291), their prefixes, and as text (RFC 4291 2.2, RFC 5952).
 */
#include "base/address.h"
#include "base/bytes.h"
#include "base/text.h"

#include <errno.h>

uint32_t address_v4(const struct strata_address *address)
{
    return strata_address_is_ipv4(address) ? bytes_get32(address->bytes + 12) : 0;
}

struct strata_address address_from_v4(uint32_t ipv4)
{
    return strata_ipv4((uint8_t)(ipv4 >> 24), (uint8_t)(ipv4 >> 16), (uint8_t)(ipv4 >> 8), (uint8_t)ipv4);
}

static bool zero_until(const struct strata_address *address, int end)
{
    for (int i = 0; i < end; i++)
        if (address->bytes[i] != 0)
            return false;
    return true;
}

bool address_is_zero(const struct strata_address *address)
{
    return zero_until(address, 16);
}

bool address_is_unspecified(const struct strata_address *address)
{
    if (strata_address_is_ipv4(address))
        return address_v4(address) == 0;
    return address_is_zero(address);
}

bool address_is_loopback(const struct strata_address *address)
{
    if (strata_address_is_ipv4(address))
        return address->bytes[12] == 127;
    return zero_until(address, 15) && address->bytes[15] == 1;
}

bool address_is_multicast(const struct strata_address *address)
{
    if (strata_address_is_ipv4(address))
        return address->bytes[12] >> 4 == 14;
    return address->bytes[0] == 0xff;
}

bool address_is_link_local(const struct strata_address *address)
{
    if (strata_address_is_ipv4(address))
        return address->bytes[12] == 169 && address->bytes[13] == 254;
    return address->bytes[0] == 0xfe && address->bytes[1] >> 6 == 2;
}

bool address_is_limited_broadcast(const struct strata_address *address)
{
    return address_v4(address) == 0xffffffff;
}

bool address_is_reserved(const struct strata_address *address)
{
    uint32_t ipv4 = address_v4(address);
    return ipv4 >> 28 == 15 && ipv4 != 0xffffffff;
}

bool address_matches(const struct strata_address *a, const struct strata_address *b, unsigned bits)
{
    unsigned whole = bits / 8;
    if (memcmp(a->bytes, b->bytes, whole) != 0)
        return false;
    return bits % 8 == 0 || (a->bytes[whole] ^ b->bytes[whole]) >> (8 - bits % 8) == 0;
}

struct strata_address address_mask(const struct strata_address *address, unsigned bits)
{
    struct strata_address masked = {{0}};
    memcpy(masked.bytes, address->bytes, bits / 8);
    if (bits % 8)
        masked.bytes[bits / 8] = (uint8_t)(address->bytes[bits / 8] & 0xff << (8 - bits % 8));
    return masked;
}

struct strata_address address_broadcast(const struct strata_address *address, unsigned bits)
{
    struct strata_address broadcast = *address;
    for (unsigned i = bits; i < 128; i++)
        broadcast.bytes[i / 8] |= (uint8_t)(0x80 >> i % 8);
    return broadcast;
}

/** Reads a decimal number of at most `most`, without sign or needless zeros. @return behind it, or NULL. */
static const char *parse_decimal(const char *p, uint32_t most, uint32_t *value)
{
    const char *start = p;
    uint32_t number = 0;
    for (; *p >= '0' && *p <= '9'; p++) {
        if (p > start && *start == '0')
            return NULL;
        number = 10 * number + (uint32_t)(*p - '0');
        if (number > most)
            return NULL;
    }
    *value = number;
    return p > start ? p : NULL;
}

/** Reads "192.0.2.1" into four bytes. @return behind it, or NULL. */
static const char *parse_ipv4(const char *p, uint8_t bytes[4])
{
    for (int i = 0; i < 4; i++) {
        uint32_t octet;
        if (i > 0 && *p++ != '.')
            return NULL;
        p = parse_decimal(p, 255, &octet);
        if (!p)
            return NULL;
        bytes[i] = (uint8_t)octet;
    }
    return p;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/** Reads up to four hexadecimal digits. @return behind them, or NULL. */
static const char *parse_group(const char *p, uint8_t bytes[2])
{
    unsigned value = 0, digits = 0;
    for (; hex_digit(*p) >= 0; p++, digits++) {
        if (digits == 4)
            return NULL;
        value = value << 4 | (unsigned)hex_digit(*p);
    }
    bytes_put16(bytes, (uint16_t)value);
    return digits > 0 ? p : NULL;
}

/** Whether an IPv4 address begins here: digits and then a dot. */
static bool looks_dotted(const char *p)
{
    while (*p >= '0' && *p <= '9')
        p++;
    return *p == '.';
}

/** Reads the three forms of RFC 4291 2.2. @return behind the address, or NULL. */
static const char *parse_ipv6(const char *p, uint8_t bytes[16])
{
    uint8_t groups[16];
    unsigned filled = 0;
    int gap = -1;
    if (p[0] == ':') {
        if (p[1] != ':')
            return NULL;
        p += 2;
        gap = 0;
    }
    // Before each group but the first comes a colon, which has been read when we are here.
    while (filled < 16 && (hex_digit(*p) >= 0 || gap < 0 || (unsigned)gap != filled)) {
        if (looks_dotted(p)) {
            if (filled > 12)
                return NULL;
            p = parse_ipv4(p, groups + filled);
            if (!p)
                return NULL;
            filled += 4;
            break;
        }
        p = parse_group(p, groups + filled);
        if (!p)
            return NULL;
        filled += 2;
        if (*p != ':' || filled == 16)
            break;
        p++;
        if (*p == ':') {
            if (gap >= 0)
                return NULL;
            gap = (int)filled;
            p++;
        }
    }
    if (gap < 0 ? filled != 16 : filled == 16)
        return NULL;
    size_t head = gap < 0 ? 16 : (size_t)gap, tail = filled - (gap < 0 ? 16 : (size_t)gap);
    memset(bytes, 0, 16);
    memcpy(bytes, groups, head);
    memcpy(bytes + 16 - tail, groups + head, tail);
    return p;
}

static const char *parse_address(const char *text, struct strata_address *address)
{
    if (!looks_dotted(text))
        return parse_ipv6(text, address->bytes);
    uint8_t bytes[4];
    const char *end = parse_ipv4(text, bytes);
    if (end)
        *address = strata_ipv4(bytes[0], bytes[1], bytes[2], bytes[3]);
    return end;
}

int strata_address_parse(const char *text, struct strata_address *address)
{
    struct strata_address parsed;
    const char *end = text ? parse_address(text, &parsed) : NULL;
    if (!end || *end)
        return -EINVAL;
    *address = parsed;
    return 0;
}

static void add_address(struct text *text, const struct strata_address *address)
{
    if (strata_address_is_ipv4(address)) {
        for (int i = 12; i < 16; i++) {
            if (i > 12)
                text_char(text, '.');
            text_unsigned(text, address->bytes[i]);
        }
        return;
    }
    // RFC 5952 4.2: the longest run of at least two zero groups is shortened, the first of equals.
    int start = -1, longest = 1;
    for (int i = 0; i < 8; i++) {
        int run = 0;
        while (i + run < 8 && bytes_get16(address->bytes + 2 * (i + run)) == 0)
            run++;
        if (run > longest) {
            longest = run;
            start = i;
        }
    }
    for (int i = 0; i < 8; i++) {
        if (i == start) {
            text_string(text, "::");
            i += longest - 1;
            continue;
        }
        if (i > 0 && (start < 0 || i != start + longest))
            text_char(text, ':');
        text_hex(text, bytes_get16(address->bytes + 2 * i), 1);
    }
}

size_t strata_address_format(const struct strata_address *address, char *text, size_t size)
{
    struct text to = text_of(text, size);
    add_address(&to, address);
    return to.length;
}

int strata_endpoint_parse(const char *text, struct strata_endpoint *endpoint)
{
    struct strata_endpoint parsed = {0};
    if (!text)
        return -EINVAL;
    const char *p = text;
    bool bracket = *p == '[';
    // Without brackets the colon before the port could not be told from the address's own.
    if (!bracket && !looks_dotted(p))
        return -EINVAL;
    p = parse_address(p + bracket, &parsed.address);
    if (!p)
        return -EINVAL;
    if (bracket) {
        if (*p == '%' && !(p = parse_decimal(p + 1, 65535, &parsed.scope)))
            return -EINVAL;
        if (*p++ != ']')
            return -EINVAL;
    }
    uint32_t port;
    if (*p++ != ':' || !(p = parse_decimal(p, 65535, &port)) || *p)
        return -EINVAL;
    parsed.port = (uint16_t)port;
    *endpoint = parsed;
    return 0;
}

size_t strata_endpoint_format(const struct strata_endpoint *endpoint, char *text, size_t size)
{
    struct text to = text_of(text, size);
    // A scope, wherever it is, needs the brackets to stand in.
    bool bracket = endpoint->scope != 0 || !strata_address_is_ipv4(&endpoint->address);
    if (bracket)
        text_char(&to, '[');
    add_address(&to, &endpoint->address);
    if (endpoint->scope != 0) {
        text_char(&to, '%');
        text_unsigned(&to, endpoint->scope);
    }
    if (bracket)
        text_char(&to, ']');
    text_char(&to, ':');
    text_unsigned(&to, endpoint->port);
    return to.length;
}

int strata_prefix_parse(const char *text, struct strata_address *address, unsigned *prefix_length)
{
    struct strata_address parsed;
    const char *p = text ? parse_address(text, &parsed) : NULL;
    if (!p || *p != '/')
        return -EINVAL;
    // A mapped address that was written with colons counts its prefix in 128 bits.
    bool ipv4 = strata_address_is_ipv4(&parsed), mapped = ipv4 && !looks_dotted(text);
    uint32_t length;
    p = parse_decimal(p + 1, ipv4 && !mapped ? 32 : 128, &length);
    if (!p || *p || (mapped && length < ADDRESS_V4_BITS))
        return -EINVAL;
    *address = parsed;
    *prefix_length = mapped ? length - ADDRESS_V4_BITS : length;
    return 0;
}
