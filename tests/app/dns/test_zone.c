/**
 * Master files: what they say, and what is told about those that are wrong.
 */
#include "app/dns/zone.h"
#include "tests/test.h"

#include <errno.h>

static struct dns_zone zone;
static struct dns_zone_error error;

static int parse(const char *text)
{
    return dns_zone_parse(&zone, text, strlen(text), NULL, &error);
}

static struct dns_name name_of(const char *text)
{
    struct dns_name name;
    REQUIRE(dns_name_from_text(&name, text, strlen(text), NULL) == 0);
    return name;
}

/** The records of a name and type as text, separated by " | ", each with its TTL before it. */
static const char *show(const char *owner, uint16_t type)
{
    static char room[2048];
    struct dns_name name = name_of(owner);
    struct dns_rrset set;
    struct text text = text_of(room, sizeof room);
    dns_zone_find(&zone, &name, type, &set);
    for (size_t i = 0; i < set.count; i++) {
        if (i > 0)
            text_string(&text, " | ");
        text_unsigned(&text, set.records[i].ttl);
        text_char(&text, ' ');
        dns_rdata_print(&text, type, set.records[i].data, set.records[i].length);
    }
    return room;
}

#define SOA "@ SOA ns h 1 2 3 4 5\n@ NS ns\n"

TEST(a_file_with_everything)
{
    REQUIRE(parse("; a comment\n"
                  "$ORIGIN example.org.\n"
                  "$TTL 1h30m\n"
                  "@   IN SOA ns1 host\\.master ( ; begins\n"
                  "       2024010101 1h\n"
                  "       15m 1w 300 )\n"
                  "    NS ns1\n"
                  "    60 IN NS ns2.example.org.\n"
                  "    IN 70 MX 10 mail\n"
                  "ns1 A 10.0.0.1\r\n"
                  "ns2 10 A 10.0.0.2\n"
                  "mail\tAAAA 2001:db8::5\n"
                  "$ORIGIN sub.example.org.\n"
                  "www A 10.0.0.3\n"
                  "www A 10.0.0.4\n"
                  "www A 10.0.0.3\n"
                  "txt TXT \"a \\\"b\\\"\" c;comment\n"
                  "txt2 TXT \\100\\233 \"; ( not a comment )\"\n"
                  "s SRV 1 2 3 www\n"
                  "u TYPE65280 \\# 3 ab CDef\n"
                  "e TXT \"\"\n") == 0);
    struct dns_name origin = name_of("example.org");
    CHECK(dns_name_equal(&zone.origin, &origin));
    CHECK_STR(show("example.org", DNS_TYPE_SOA),
              "5400 ns1.example.org. host\\.master.example.org. 2024010101 3600 900 604800 300");
    // RFC 2181-2: one TTL for the whole set, the lowest.
    CHECK_STR(show("example.org", DNS_TYPE_NS), "60 ns1.example.org. | 60 ns2.example.org.");
    CHECK_STR(show("example.org", DNS_TYPE_MX), "70 10 mail.example.org.");
    CHECK_STR(show("NS1.Example.org", DNS_TYPE_A), "5400 10.0.0.1");
    CHECK_STR(show("mail.example.org", DNS_TYPE_AAAA), "5400 2001:db8::5");
    CHECK_STR(show("www.sub.example.org", DNS_TYPE_A),
              "5400 10.0.0.3 | 5400 10.0.0.4"); // RFC 2181-10: twice is once
    CHECK_STR(show("txt.sub.example.org", DNS_TYPE_TXT), "5400 \"a \\\"b\\\"\" \"c\"");
    CHECK_STR(show("txt2.sub.example.org", DNS_TYPE_TXT), "5400 \"d\\233\" \"; ( not a comment )\"");
    CHECK_STR(show("s.sub.example.org", DNS_TYPE_SRV), "5400 1 2 3 www.sub.example.org.");
    CHECK_STR(show("u.sub.example.org", 65280), "5400 \\# 3 abcdef");
    CHECK_STR(show("e.sub.example.org", DNS_TYPE_TXT), "5400 \"\"");
    // An empty non-terminal exists without records.
    struct dns_name sub = name_of("sub.example.org"), none = name_of("su.example.org");
    struct dns_rrset all;
    CHECK(dns_zone_exists(&zone, &sub) && !dns_zone_node(&zone, &sub, &all));
    CHECK(!dns_zone_exists(&zone, &none));
    dns_zone_free(&zone);
}

TEST(times_to_live_by_default)
{
    REQUIRE(parse("x. SOA a. b. 1 2 3 4 77\n NS a.\ny.x. 5 A 1.2.3.4\nz.x. A 1.2.3.4\n") == 0);
    CHECK_STR(show("x", DNS_TYPE_NS), "77 a."); // that of the last entry, which was the SOA's minimum
    CHECK_STR(show("z.x", DNS_TYPE_A), "5 1.2.3.4");
    dns_zone_free(&zone);
    static const struct {
        const char *text;
        int result;
        uint32_t seconds;
    } cases[] = {
        {"0", 0, 0},
        {"3600", 0, 3600},
        {"1w2d3h4m5s", 0, 788645},
        {"2H", 0, 7200},
        {"", -EINVAL, 0},
        {"h", -EINVAL, 0},
        {"1x", -EINVAL, 0},
        {"2147483647", 0, 2147483647},
        {"2147483648", -EINVAL, 0},
        {"99999999999", -EINVAL, 0},
        {"5000w", -EINVAL, 0},
        {"1hh", -EINVAL, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint32_t seconds = 0;
        CHECK_EQ(dns_zone_ttl(cases[i].text, strlen(cases[i].text), &seconds), cases[i].result);
        CHECK_EQ(seconds, cases[i].seconds);
    }
}

TEST(mistakes_are_told_with_their_line)
{
    static const struct {
        const char *text;
        unsigned line;
        const char *says;
    } cases[] = {
        {"", 0, "no SOA"},
        {"$TTL 5\n" SOA SOA, 4, "a second SOA"},
        {"$TTL 5\n@ SOA ns h 1 2 3 4 5\n", 0, "no NS"},
        {"$TTL 5\n" SOA "\n\na A 1.2.3\n", 6, "not an IPv4 address"},
        {"$TTL 5\n" SOA "a AAAA 1.2.3.4\n", 4, "not an IPv6 address"},
        {"$TTL 5\n" SOA "a A\n", 4, "something is missing"},
        {"$TTL 5\n" SOA "a A 1.2.3.4 5\n", 4, "too much data"},
        {"$TTL 5\n" SOA "a MX x y\n", 4, "not a number"},
        {"$TTL 5\n" SOA "a MX 65536 y\n", 4, "not a number"},
        {"$TTL 5\n" SOA "a FOO x\n", 4, "not a type of record"},
        {"$TTL 5\n" SOA "a AXFR x\n", 4, "not a type of record"},
        {"$TTL 5\n" SOA ". OPT \\# 0\n", 4, "not a type of record"}, // RFC 6891-3: not in zone files
        {"$TTL 5\n" SOA "a CH A 1.2.3.4\n", 4, "only class IN"},
        {"$TTL 5\n" SOA "a 5\n", 4, "the type of the record is missing"},
        {"$TTL 5\n" SOA "a..b A 1.2.3.4\n", 4, "not a name"},
        {"$TTL 5\n" SOA "a TXT \"x\n", 4, "a quoted string without its end"},
        {"$TTL 5\n" SOA "a TXT ( x\ny\n", 4, "a ( without its )"},
        {"$TTL 5\n" SOA "a TXT x )\n", 4, "a ) without its ("},
        {"$TTL 5\n" SOA "a TYPE65280 \\# 3 abcd\n", 4, "not as many bytes"},
        {"$TTL 5\n" SOA "a TYPE65280 \\# 1 xy\n", 4, "not hexadecimal"},
        {"$TTL 5\n" SOA "a A \\# 3 010203\n", 4, "data that does not fit"},
        {"$TTL 5\n" SOA "a TYPE65280 x\n", 4, "can only be given as"},
        {"$TTL 5\n" SOA "a TXT \\999\n", 4, "a bad \\DDD"},
        {"$INCLUDE x\n", 1, "not $ORIGIN"},
        {"$TTL never\n", 1, "not a time"},
        {"a A 1.2.3.4\n", 1, "no TTL"},
        {" A 1.2.3.4\n", 1, "the first entry has no name"},
        {"$TTL 5\n$ORIGIN x.\n" SOA "y. A 1.2.3.4\n", 5, "not inside the zone"},
        {"$TTL 5\n" SOA "a CNAME b\na A 1.2.3.4\n", 4, "a CNAME stands beside"}, // RFC 1034-1
        {"$TTL 5\n" SOA "a CNAME b\na CNAME c\n", 4, "a CNAME stands beside"},   // RFC 1034-1
        {"$TTL 5\n" SOA "m MX 1 a\na CNAME b\n", 4, "NS or MX names an alias"},  // RFC 2181-8
        {"$TTL 5\n" SOA "ns CNAME b\n", 3, "NS or MX names an alias"},           // RFC 2181-8
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool good = CHECK_EQ(parse(cases[i].text), -EINVAL) && CHECK_EQ(error.line, cases[i].line) &&
                    CHECK(strstr(error.text, cases[i].says) != NULL);
        if (!good)
            printf("        %s        says %u: %s\n", cases[i].text, error.line, error.text);
        dns_zone_free(&zone);
    }
}

TEST_MAIN(TEST_ENTRY(a_file_with_everything), TEST_ENTRY(times_to_live_by_default),
          TEST_ENTRY(mistakes_are_told_with_their_line))
