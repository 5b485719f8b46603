/**
 * address: what an IPv4 address says. Its class, as it was before CIDR; its prefix cut into smaller ones; and which of
 * several prefixes is the longest that fits, which is how routers choose.
 */
#include "app/options.h"
#include "app/programs.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/address.h"
#include "base/bytes.h"

#define WORDS_MAX 60

static const char usage[] = "address ADDRESS[/LENGTH] [--split LENGTH]\n"
                            "       address ADDRESS among PREFIX PREFIX ...    the longest that fits";

static int wrong(struct strata_rt *rt, const char *word, const char *what)
{
    strata_rt_complain(rt, "address: %s %s\nusage: %s\n", word, what, usage);
    return 2;
}

static uint32_t number_of(const struct strata_address *address)
{
    return bytes_get32(address->bytes + 12);
}

static const char *dotted(uint32_t number, char room[16])
{
    snprintf(room, 16, "%u.%u.%u.%u", number >> 24, number >> 16 & 255, number >> 8 & 255, number & 255);
    return room;
}

static uint32_t mask_of(unsigned length)
{
    return length == 0 ? 0 : UINT32_MAX << (32 - length);
}

/** "10.1.2.3" or "10.1.2.3/20", where bits behind the prefix may be set. @return false: neither. */
static bool read_prefix(const char *word, uint32_t *number, unsigned *length)
{
    char text[24];
    const char *slash = strchr(word, '/');
    struct strata_address address;
    size_t size = slash ? (size_t)(slash - word) : strlen(word);
    if (size >= sizeof text)
        return false;
    memcpy(text, word, size);
    text[size] = '\0';
    *length = 32;
    if (slash) {
        unsigned value;
        char behind;
        if (slash[1] < '0' || slash[1] > '9' || sscanf(slash + 1, "%2u%c", &value, &behind) != 1 || value > 32)
            return false;
        *length = value;
    }
    if (strata_address_parse(text, &address) != 0 || !strata_address_is_ipv4(&address))
        return false;
    *number = number_of(&address);
    return true;
}

/** RFC 791 3.2: by the leading bits. */
static const struct address_class {
    char name;
    uint8_t bits, network; /**< Leading bits that tell the class, and those of the network, 0: it has none. */
    uint32_t value;
    const char *leading;
} classes[] = {
    {'A', 1, 8, 0x00000000, "0"},     {'B', 2, 16, 0x80000000, "10"},  {'C', 3, 24, 0xc0000000, "110"},
    {'D', 4, 0, 0xe0000000, "1110"},  {'E', 4, 0, 0xf0000000, "1111"},
};

/** Ranges with a meaning of their own, RFC 6890. */
static const struct special {
    uint32_t prefix;
    uint8_t length;
    const char *what;
} specials[] = {
    {0x00000000, 8, "this network (RFC 791)"},    {0x0a000000, 8, "private (RFC 1918)"},
    {0x64400000, 10, "shared (RFC 6598)"},        {0x7f000000, 8, "loopback (RFC 1122)"},
    {0xa9fe0000, 16, "link-local (RFC 3927)"},    {0xac100000, 12, "private (RFC 1918)"},
    {0xc0a80000, 16, "private (RFC 1918)"},       {0xc0000200, 24, "for documentation (RFC 5737)"},
    {0xc6336400, 24, "for documentation (RFC 5737)"}, {0xcb007100, 24, "for documentation (RFC 5737)"},
    {0xe0000000, 4, "multicast (RFC 5771)"},      {0xffffffff, 32, "everybody on the link (RFC 919)"},
};

static void show_address(struct strata_rt *rt, uint32_t number, unsigned length)
{
    char text[16], binary[36];
    size_t used = 0;
    for (int bit = 31; bit >= 0; bit--) {
        binary[used++] = '0' + (char)(number >> bit & 1);
        if (bit > 0 && bit % 8 == 0)
            binary[used++] = ' ';
    }
    binary[used] = '\0';
    strata_rt_print(rt, "address: %s\nhexadecimal: %08" PRIX32 "\nbinary: %s\n", dotted(number, text), number, binary);
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if ((number & mask_of(classes[i].bits)) == classes[i].value) {
            char network[16];
            strata_rt_print(rt, "class: %c, leading bits %s%s%s\n", classes[i].name, classes[i].leading,
                            classes[i].network ? ", network " : "",
                            classes[i].network ? dotted(number & mask_of(classes[i].network), network) : "");
        }
    for (size_t i = 0; i < sizeof specials / sizeof *specials; i++)
        if ((number & mask_of(specials[i].length)) == specials[i].prefix)
            strata_rt_print(rt, "special: %s\n", specials[i].what);
    if (length == 32)
        return;
    uint32_t first = number & mask_of(length), last = first | ~mask_of(length);
    char mask[16], from[16], to[16];
    strata_rt_print(rt, "prefix: %s/%u, mask %s, %s to %s, %" PRIu64 " addresses\n", dotted(first, text), length,
                    dotted(mask_of(length), mask), dotted(first, from), dotted(last, to),
                    UINT64_C(1) << (32 - length));
}

static int split(struct strata_rt *rt, const char *word, uint32_t number, unsigned length, unsigned into)
{
    char text[16];
    if (into <= length || into - length > 12)
        return wrong(rt, word, "cannot be split so: up to 4096 pieces that are smaller");
    uint32_t pieces = UINT32_C(1) << (into - length), first = number & mask_of(length);
    strata_rt_print(rt, "%" PRIu32 " pieces:\n", pieces);
    for (uint32_t i = 0; i < pieces; i++)
        strata_rt_print(rt, "%s/%u\n", dotted(first + (i << (32 - into)), text), into);
    return 0;
}

static int choose(struct strata_rt *rt, uint32_t number, const char *const *words, int count)
{
    int best = -1;
    unsigned longest = 0;
    for (int i = 0; i < count; i++) {
        uint32_t prefix;
        unsigned length;
        if (!read_prefix(words[i], &prefix, &length))
            return wrong(rt, words[i], "is no prefix such as 200.23.16.0/21");
        bool fits = ((number ^ prefix) & mask_of(length)) == 0;
        strata_rt_print(rt, "%s %s\n", words[i], fits ? "fits" : "does not fit");
        if (fits && (best < 0 || length > longest)) {
            best = i;
            longest = length;
        }
    }
    if (best < 0)
        strata_rt_print(rt, "chosen: none of them\n");
    else
        strata_rt_print(rt, "chosen: number %d, %s\n", best, words[best]);
    return 0;
}

int program_address(struct strata_rt *rt, int argc, char **argv)
{
    const char *words[WORDS_MAX];
    int64_t into = 0;
    uint32_t number;
    unsigned length;
    const struct option_entry entries[] = {{"--split", OPTION_NUMBER, &into, 1, 32}};
    int count = options_parse(rt, argc, argv, usage, entries, 1, words, WORDS_MAX);
    if (count < 0)
        return 2;
    if (count == 0)
        return wrong(rt, "which", "address?");
    if (!read_prefix(words[0], &number, &length))
        return wrong(rt, words[0], "is no IPv4 address such as 169.229.60.83 or 200.23.16.0/20");
    if (count > 2 && strcmp(words[1], "among") == 0)
        return choose(rt, number, words + 2, count - 2);
    if (count > 1)
        return wrong(rt, words[1], "is not understood");
    if (into > 0)
        return split(rt, words[0], number, length, (unsigned)into);
    show_address(rt, number, length);
    return 0;
}
