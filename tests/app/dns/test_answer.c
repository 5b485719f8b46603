/**
 * The authoritative server: question by question.
 */
#include "app/dns/answer.h"
#include "tests/test.h"

static const char *const zone_texts[] = {
    "$ORIGIN example.org.\n"
    "$TTL 3600\n"
    "@ SOA ns host 1 2 3 4 300\n"
    "@ NS ns\n"
    "@ MX 5 mail\n"
    "ns A 10.0.0.1\n"
    "mail A 10.0.0.2\n"
    "www 60 A 10.0.1.1\n"
    "www 60 A 10.0.1.2\n"
    "www 60 A 10.0.1.3\n"
    "alias CNAME www\n"
    "far CNAME www.example.com.\n"
    "away CNAME www.elsewhere.net.\n"
    "gone CNAME nothing\n"
    "one CNAME two\n"
    "two CNAME one\n"
    "a.b.c TXT x\n"
    "*.wild A 10.0.2.1\n"
    "*.wild MX 1 mail\n"
    "there.wild TXT y\n"
    "below.node.wild TXT z\n"
    "*.walias CNAME www\n"
    "sub NS ns.sub\n"
    "sub NS ns.other.net.\n"
    "ns.sub A 10.0.3.1\n"
    "*.sub TXT hidden\n"
    "toone CNAME x.sub\n",
    "$ORIGIN example.com.\n"
    "$TTL 100\n"
    "@ SOA ns host 1 2 3 4 50\n"
    "@ NS ns.example.org.\n"
    "www A 10.9.9.9\n",
};
static struct dns_zone zones[3];
static size_t zone_count;

static uint8_t query[1024], reply[DNS_MESSAGE_MAX_BYTES];
static size_t query_size, reply_size;
static struct dns_header header;

static void open_zones(void)
{
    struct dns_zone_error error;
    for (zone_count = 0; zone_count < 2; zone_count++)
        if (dns_zone_parse(&zones[zone_count], zone_texts[zone_count], strlen(zone_texts[zone_count]), NULL,
                           &error) < 0) {
            printf("%u: %s\n", error.line, error.text);
            exit(1);
        }
}

static void close_zones(void)
{
    while (zone_count > 0)
        dns_zone_free(&zones[--zone_count]);
}

static struct dns_question question_of(const char *name, uint16_t type)
{
    struct dns_question question = {.type = type, .class = DNS_CLASS_IN};
    REQUIRE(dns_name_from_text(&question.name, name, strlen(name), NULL) == 0);
    return question;
}

static void send_query(bool tcp, unsigned turn, size_t room)
{
    reply_size = dns_answer(zones, zone_count, query, query_size, tcp, turn, reply, room);
    if (reply_size > 0) {
        REQUIRE(dns_message_check(reply, reply_size) == 0);
        REQUIRE(dns_header_parse(&header, reply, reply_size) > 0);
    }
}

static void ask(const char *name, uint16_t type)
{
    struct dns_question question = question_of(name, type);
    query_size = dns_query_emit(query, sizeof query, 4711, true, &question, 0);
    send_query(false, 0, sizeof reply);
}

/** A section in one line: "www.example.org. 60 A 10.0.1.1, ...". */
static const char *show(enum dns_section section)
{
    static char room[4096];
    struct text text = text_of(room, sizeof room);
    size_t position = DNS_HEADER_BYTES;
    struct dns_question question;
    for (unsigned i = 0; i < header.counts[0]; i++)
        dns_question_parse(&question, reply, reply_size, &position);
    for (int s = DNS_ANSWER; s < DNS_SECTIONS; s++)
        for (unsigned i = 0; i < header.counts[s]; i++) {
            struct dns_record record;
            uint8_t data[1024];
            char owner[DNS_NAME_TEXT];
            REQUIRE(dns_record_parse(&record, reply, reply_size, &position) == 0);
            int length = dns_rdata_expand(&record, reply, reply_size, data, sizeof data);
            if (s != (int)section || record.type == DNS_TYPE_OPT)
                continue;
            if (text.length > 0)
                text_string(&text, ", ");
            dns_name_to_text(&record.name, owner, sizeof owner);
            text_string(&text, owner);
            text_char(&text, ' ');
            text_unsigned(&text, record.ttl);
            text_char(&text, ' ');
            dns_type_print(&text, record.type);
            text_char(&text, ' ');
            dns_rdata_print(&text, record.type, data, (size_t)length);
        }
    return room;
}

#define SOA_ORG "example.org. 300 SOA ns.example.org. host.example.org. 1 2 3 4 300"
#define SOA_COM "example.com. 50 SOA ns.example.com. host.example.com. 1 2 3 4 50"

TEST(answers)
{
    static const struct {
        const char *name;
        uint16_t type;
        unsigned rcode;
        bool authoritative;
        const char *answer, *authority, *additional;
    } cases[] = {
        {"mail.example.org", DNS_TYPE_A, 0, true, "mail.example.org. 3600 A 10.0.0.2", "", ""},
        // The owner is written as it was asked for: compression points to the question (RFC 1035-2).
        {"MAIL.example.ORG", DNS_TYPE_A, 0, true, "MAIL.example.ORG. 3600 A 10.0.0.2", "", ""},
        {"example.org", DNS_TYPE_MX, 0, true, "example.org. 3600 MX 5 mail.example.org.", "",
         "mail.example.org. 3600 A 10.0.0.2"},
        {"example.org", DNS_TYPE_NS, 0, true, "example.org. 3600 NS ns.example.org.", "",
         "ns.example.org. 3600 A 10.0.0.1"},
        // RFC 2308-1, RFC 2308-2: NODATA with the SOA; its TTL is the lower of TTL and minimum.
        {"mail.example.org", DNS_TYPE_AAAA, 0, true, "", SOA_ORG, ""},
        {"b.c.example.org", DNS_TYPE_A, 0, true, "", SOA_ORG, ""},  // an empty non-terminal
        {"none.example.org", DNS_TYPE_A, 3, true, "", SOA_ORG, ""}, // RFC 2308-1: NXDOMAIN
        // RFC 1034-2: chains, in one zone and into another of ours.
        {"alias.example.org", DNS_TYPE_AAAA, 0, true, "alias.example.org. 3600 CNAME www.example.org.",
         SOA_ORG, ""},
        {"far.example.org", DNS_TYPE_A, 0, true,
         "far.example.org. 3600 CNAME www.example.com., www.example.com. 100 A 10.9.9.9", "", ""},
        {"far.example.org", DNS_TYPE_MX, 0, true, "far.example.org. 3600 CNAME www.example.com.", SOA_COM,
         ""},
        {"away.example.org", DNS_TYPE_A, 0, true, "away.example.org. 3600 CNAME www.elsewhere.net.", "", ""},
        {"gone.example.org", DNS_TYPE_A, 3, true, "gone.example.org. 3600 CNAME nothing.example.org.",
         SOA_ORG, ""},
        {"alias.example.org", DNS_TYPE_CNAME, 0, true, "alias.example.org. 3600 CNAME www.example.org.", "",
         ""},
        {"one.example.org", DNS_TYPE_A, 0, true,
         "one.example.org. 3600 CNAME two.example.org., two.example.org. 3600 CNAME one.example.org.", "",
         ""},
        // RFC 1034-3: wildcards, and where they do not reach.
        {"x.wild.example.org", DNS_TYPE_A, 0, true, "x.wild.example.org. 3600 A 10.0.2.1", "", ""},
        {"x.y.wild.example.org", DNS_TYPE_A, 0, true, "x.y.wild.example.org. 3600 A 10.0.2.1", "", ""},
        {"x.wild.example.org", DNS_TYPE_TXT, 0, true, "", SOA_ORG, ""},
        {"there.wild.example.org", DNS_TYPE_A, 0, true, "", SOA_ORG, ""},   // the name exists
        {"x.there.wild.example.org", DNS_TYPE_A, 3, true, "", SOA_ORG, ""}, // and hides what is below it
        {"node.wild.example.org", DNS_TYPE_A, 0, true, "", SOA_ORG, ""},    // an empty non-terminal too
        {"x.node.wild.example.org", DNS_TYPE_A, 3, true, "", SOA_ORG, ""},
        {"x.walias.example.org", DNS_TYPE_MX, 0, true, "x.walias.example.org. 3600 CNAME www.example.org.",
         SOA_ORG, ""},
        {"x.sub.example.org", DNS_TYPE_TXT, 0, false, "",
         "sub.example.org. 3600 NS ns.sub.example.org., sub.example.org. 3600 NS ns.other.net.",
         "ns.sub.example.org. 3600 A 10.0.3.1"}, // RFC 1034-3: not across a cut
        // RFC 1034-4: referrals, with glue; RFC 1035-11: without AA.
        {"sub.example.org", DNS_TYPE_NS, 0, false, "",
         "sub.example.org. 3600 NS ns.sub.example.org., sub.example.org. 3600 NS ns.other.net.",
         "ns.sub.example.org. 3600 A 10.0.3.1"},
        {"ns.sub.example.org", DNS_TYPE_A, 0, false, "",
         "sub.example.org. 3600 NS ns.sub.example.org., sub.example.org. 3600 NS ns.other.net.",
         "ns.sub.example.org. 3600 A 10.0.3.1"},
        // RFC 1035-11: behind an alias AA speaks of the first name.
        {"toone.example.org", DNS_TYPE_A, 0, true, "toone.example.org. 3600 CNAME x.sub.example.org.",
         "sub.example.org. 3600 NS ns.sub.example.org., sub.example.org. 3600 NS ns.other.net.",
         "ns.sub.example.org. 3600 A 10.0.3.1"},
        {"www.other.net", DNS_TYPE_A, 5, false, "", "", ""}, // RFC 1035-11: not our zone
        {"example.org", DNS_TYPE_AXFR, 5, false, "", "", ""},
    };
    open_zones();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ask(cases[i].name, cases[i].type);
        bool good = CHECK(reply_size > 0) && CHECK_EQ(header.rcode, cases[i].rcode) &&
                    CHECK_EQ(header.authoritative, cases[i].authoritative) &&
                    CHECK_STR(show(DNS_ANSWER), cases[i].answer) &&
                    CHECK_STR(show(DNS_AUTHORITY), cases[i].authority) &&
                    CHECK_STR(show(DNS_ADDITIONAL), cases[i].additional);
        if (!good)
            printf("        %s type %u\n", cases[i].name, cases[i].type);
    }
    close_zones();
}

TEST(what_comes_back_of_the_query)
{
    open_zones();
    ask("mail.example.org", DNS_TYPE_A);
    // RFC 1035-9: id, opcode, RD and question.
    CHECK(header.response && header.id == 4711 && header.opcode == 0 && header.recursion_desired);
    CHECK(!header.recursion_available); // RFC 1034-7: not offered
    CHECK_EQ(header.counts[DNS_QUESTION], 1);
    CHECK_MEM(reply + DNS_HEADER_BYTES, query + DNS_HEADER_BYTES, query_size - DNS_HEADER_BYTES);
    query[2] &= (uint8_t)~1; // without RD
    send_query(false, 0, sizeof reply);
    CHECK(!header.recursion_desired);
    query[2] |= 0x80; // RFC 1035-12: a reply is not answered
    send_query(false, 0, sizeof reply);
    CHECK_EQ(reply_size, 0);
    query[2] = 5 << 3; // RFC 1035-10: UPDATE
    send_query(false, 0, sizeof reply);
    CHECK_EQ(header.rcode, DNS_NOTIMP);
    CHECK_EQ(header.opcode, 5);
    query[2] = 0;
    query[3] = 0x40; // RFC 1035-10: Z is not sent back
    send_query(false, 0, sizeof reply);
    CHECK_EQ(reply[3] & 0x40, 0);
    for (size_t size = 0; size < query_size; size++) { // RFC 1035-12: what cannot be parsed
        size_t whole = query_size;
        query_size = size;
        send_query(false, 0, sizeof reply);
        if (size < DNS_HEADER_BYTES)
            CHECK_EQ(reply_size, 0);
        else
            CHECK_EQ(header.rcode, DNS_FORMERR);
        query_size = whole;
    }
    struct dns_question question = question_of("mail.example.org", DNS_TYPE_A);
    question.class = 3;
    query_size = dns_query_emit(query, sizeof query, 1, false, &question, 0);
    send_query(false, 0, sizeof reply);
    CHECK_EQ(header.rcode, DNS_REFUSED);
    close_zones();
}

TEST(addresses_take_turns)
{
    open_zones();
    ask("www.example.org", DNS_TYPE_A);
    CHECK_STR(
        show(DNS_ANSWER),
        "www.example.org. 60 A 10.0.1.1, www.example.org. 60 A 10.0.1.2, www.example.org. 60 A 10.0.1.3");
    send_query(false, 1, sizeof reply);
    CHECK_STR(
        show(DNS_ANSWER),
        "www.example.org. 60 A 10.0.1.2, www.example.org. 60 A 10.0.1.3, www.example.org. 60 A 10.0.1.1");
    close_zones();
}

/** Appends an OPT record to the query by hand. */
static void add_opt(const char *bytes, size_t size)
{
    memcpy(query + query_size, bytes, size);
    query_size += size;
    bytes_put16(query + 10, (uint16_t)(bytes_get16(query + 10) + 1));
}

/** The OPT record of the reply. @return whether there is one. */
static bool find_opt(struct dns_edns *edns)
{
    size_t position = DNS_HEADER_BYTES;
    struct dns_question question;
    struct dns_record record;
    dns_question_parse(&question, reply, reply_size, &position);
    unsigned count = header.counts[1] + header.counts[2] + header.counts[3], found = 0;
    for (unsigned i = 0; i < count; i++)
        if (dns_record_parse(&record, reply, reply_size, &position) == 0 && record.type == DNS_TYPE_OPT) {
            *edns = dns_edns_of(&record);
            found++;
        }
    CHECK(found <= 1);
    return found == 1;
}

TEST(extended_dns)
{
    struct dns_edns edns;
    open_zones();
    ask("mail.example.org", DNS_TYPE_A);
    CHECK(!find_opt(&edns)); // RFC 6891-2: none asked, none answered
    add_opt("\0\0\x29\x10\0\0\0\x80\0\0\0", 11);
    send_query(false, 0, sizeof reply);
    CHECK(find_opt(&edns)); // RFC 6891-2
    CHECK(edns.udp_bytes == DNS_EDNS_BYTES && edns.version == 0 && edns.dnssec_ok &&
          edns.extended_rcode == 0);
    CHECK_EQ(header.rcode, 0);
    add_opt("\0\0\x29\x10\0\0\0\0\0\0\0", 11); // RFC 6891-1: a second one
    send_query(false, 0, sizeof reply);
    CHECK_EQ(header.rcode, DNS_FORMERR);
    ask("mail.example.org", DNS_TYPE_A);
    add_opt("\0\0\x29\x10\0\0\1\0\0\0\0", 11); // RFC 6891-4: version 1
    send_query(false, 0, sizeof reply);
    CHECK(find_opt(&edns));
    CHECK_EQ(edns.extended_rcode << 4 | header.rcode, DNS_BADVERS);
    CHECK_EQ(edns.version, 0);
    CHECK_EQ(header.counts[DNS_ANSWER], 0);
    ask("mail.example.org", DNS_TYPE_A);
    add_opt("\0\0\x29\x10\0\0\0\0\0\0\6\xfd\xe9\0\2zz", 17); // RFC 6891-5: an option nobody knows
    send_query(false, 0, sizeof reply);
    CHECK_EQ(header.rcode, 0);
    CHECK_STR(show(DNS_ANSWER), "mail.example.org. 3600 A 10.0.0.2");
    ask("mail.example.org", DNS_TYPE_A);
    add_opt("\1x\0\0\x29\x10\0\0\0\0\0\0\0", 13); // RFC 6891-3: its owner is the root
    send_query(false, 0, sizeof reply);
    CHECK_EQ(header.rcode, DNS_FORMERR);
    close_zones();
}

TEST(replies_that_do_not_fit)
{
    // Fifty addresses of one name make 838 octets.
    char text[4096];
    int length = snprintf(text, sizeof text,
                          "$ORIGIN big.\n$TTL 5\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 10.0.0.1\n@ MX 1 a\n");
    for (int i = 0; i < 50; i++)
        length += snprintf(text + length, sizeof text - (size_t)length, "a A 10.1.0.%d\n", i);
    struct dns_zone_error error;
    REQUIRE(dns_zone_parse(&zones[0], text, (size_t)length, NULL, &error) == 0);
    zone_count = 1;
    ask("a.big", DNS_TYPE_A);
    CHECK(header.truncated); // RFC 1035-7
    CHECK(reply_size <= 512);
    CHECK_EQ(header.counts[DNS_ANSWER], 0); // a set is given whole or not at all
    send_query(true, 0, sizeof reply);      // RFC 7766-1: all of it by TCP
    CHECK(!header.truncated);
    CHECK_EQ(header.counts[DNS_ANSWER], 50);
    ask("big", DNS_TYPE_MX);
    CHECK(!header.truncated); // RFC 2181-6: the addresses were a courtesy
    CHECK_EQ(header.counts[DNS_ANSWER], 1);
    CHECK_EQ(header.counts[DNS_ADDITIONAL], 0);
    ask("a.big", DNS_TYPE_A);
    add_opt("\0\0\x29\x10\0\0\0\0\0\0\0", 11); // EDNS with 4096: enough
    send_query(false, 0, sizeof reply);
    CHECK(!header.truncated);
    CHECK_EQ(header.counts[DNS_ANSWER], 50);
    ask("a.big", DNS_TYPE_A);
    add_opt("\0\0\x29\0\x64\0\0\0\0\0\0", 11); // RFC 6891-6: 100 means 512
    send_query(false, 0, sizeof reply);
    struct dns_edns edns;
    CHECK(header.truncated && find_opt(&edns)); // RFC 6891-8: OPT stays
    CHECK(reply_size <= 512);
    ask("ns.big", DNS_TYPE_A);
    add_opt("\0\0\x29\0\x64\0\0\0\0\0\0", 11);
    send_query(false, 0, sizeof reply);
    CHECK(!header.truncated);
    CHECK_EQ(header.counts[DNS_ANSWER], 1);
    close_zones();
}

TEST_MAIN(TEST_ENTRY(answers), TEST_ENTRY(what_comes_back_of_the_query), TEST_ENTRY(addresses_take_turns),
          TEST_ENTRY(extended_dns), TEST_ENTRY(replies_that_do_not_fit))
