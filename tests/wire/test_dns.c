/**
 * DNS messages as bytes: names and their compression, records, and what is refused.
 */
#include "wire/dns.h"
#include "tests/test.h"

#include <errno.h>

static struct dns_name name_of(const char *text)
{
    struct dns_name name;
    REQUIRE(dns_name_from_text(&name, text, strlen(text), NULL) == 0);
    return name;
}

static const char *text_of_name(const struct dns_name *name)
{
    static char text[DNS_NAME_TEXT];
    dns_name_to_text(name, text, sizeof text);
    return text;
}

/** A header that counts, and behind it the bytes of a literal. */
static size_t message_of(uint8_t *message, unsigned questions, unsigned answers, const char *bytes,
                         size_t size)
{
    struct dns_header header = {.id = 7, .counts = {(uint16_t)questions, (uint16_t)answers}};
    dns_header_emit(message, &header);
    memcpy(message + DNS_HEADER_BYTES, bytes, size);
    return DNS_HEADER_BYTES + size;
}

TEST(names_are_read_and_written)
{
    static const struct {
        const char *text, *back;
    } cases[] = {
        {"www.example.org.", "www.example.org."},
        {"www", "www."},
        {".", "."},
        {"a\\.b.c", "a\\.b.c."},
        {"\\000\\255.x", "\\000\\255.x."}, // RFC 2181-9: any octet may stand in a label
        {"\\097.x", "a.x."},
        {"WwW.ExAmPlE", "WwW.ExAmPlE."}, // RFC 1035-2: the case received is kept
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dns_name name = name_of(cases[i].text);
        CHECK_STR(text_of_name(&name), cases[i].back);
        struct dns_name again = name_of(text_of_name(&name));
        CHECK(again.length == name.length && memcmp(again.bytes, name.bytes, name.length) == 0);
        struct dns_name parsed;
        size_t position = 0;
        CHECK_EQ(dns_name_parse(&parsed, name.bytes, name.length, &position), 0);
        CHECK_EQ(position, name.length);
        CHECK(dns_name_equal(&parsed, &name));
    }
    static const char *const bad[] = {"", "..", "a..b", ".a", "a\\", "a\\25", "a\\256", "a\\2x5"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct dns_name name;
        CHECK_EQ(dns_name_from_text(&name, bad[i], strlen(bad[i]), NULL), -EINVAL);
    }
    struct dns_name origin = name_of("example.org"), name;
    CHECK_EQ(dns_name_from_text(&name, "www", 3, &origin), 0);
    CHECK_STR(text_of_name(&name), "www.example.org.");
    CHECK_EQ(dns_name_from_text(&name, "@", 1, &origin), 0);
    CHECK_STR(text_of_name(&name), "example.org.");
}

TEST(lengths_of_labels_and_names)
{
    // RFC 1035-1: 63 octets in a label, 255 in a name.
    char text[300];
    struct dns_name name;
    memset(text, 'a', sizeof text);
    CHECK_EQ(dns_name_from_text(&name, text, 63, NULL), 0);
    CHECK_EQ(dns_name_from_text(&name, text, 64, NULL), -EINVAL);
    for (size_t i = 1; i < sizeof text; i += 2)
        text[i] = '.';
    CHECK_EQ(dns_name_from_text(&name, text, 2 * 127, NULL), 0);
    CHECK_EQ(name.length, 255);
    CHECK_EQ(dns_name_from_text(&name, text, 2 * 128, NULL), -EINVAL);
    uint8_t wire[300] = {0};
    for (size_t i = 0; i < sizeof wire; i += 2)
        wire[i] = 1;
    size_t position = 0;
    wire[254] = 0;
    CHECK_EQ(dns_name_parse(&name, wire, sizeof wire, &position), 0);
    CHECK_EQ(position, 255);
    wire[254] = 1;
    wire[256] = 0;
    position = 0;
    CHECK_EQ(dns_name_parse(&name, wire, sizeof wire, &position), -EBADMSG); // RFC 1035-1
}

TEST(names_compare_without_case)
{
    // RFC 1035-2
    struct dns_name a = name_of("WWW.example.ORG"), b = name_of("www.EXAMPLE.org"),
                    c = name_of("www.example.com");
    CHECK(dns_name_equal(&a, &b));
    CHECK(!dns_name_equal(&a, &c));
    struct dns_name zone = name_of("Example.org"), other = name_of("xexample.org"), root = dns_name_root();
    CHECK(dns_name_is_within(&a, &zone));
    CHECK(dns_name_is_within(&zone, &zone));
    CHECK(!dns_name_is_within(&zone, &a));
    CHECK(!dns_name_is_within(&other, &zone));
    CHECK(dns_name_is_within(&a, &root));
    CHECK_EQ(dns_name_labels(&a), 3);
    CHECK_EQ(dns_name_labels(&root), 0);
}

TEST(the_canonical_order)
{
    // The example of RFC 4034 6.1.
    static const char *const order[] = {"example",         "a.example",      "yljkjljk.a.example",
                                        "Z.a.example",     "zABC.a.EXAMPLE", "z.example",
                                        "\\001.z.example", "*.z.example",    "\\200.z.example"};
    for (size_t i = 0; i < 9; i++)
        for (size_t j = 0; j < 9; j++) {
            struct dns_name a = name_of(order[i]), b = name_of(order[j]);
            int result = dns_name_compare(&a, &b);
            CHECK(i < j ? result < 0 : i > j ? result > 0 : result == 0);
        }
}

TEST(pointers_go_back_only)
{
    static const struct {
        const char *bytes;
        size_t size, at;
        const char *text; /* NULL: refused */
        size_t behind;
    } cases[] = {
        {"\3www\0\1a\xc0\0", 9, 5, "a.www.", 9},  // RFC 1035-5: a pointer to an earlier name
        {"\3www\0\xc0\0\xc0\5", 9, 7, "www.", 9}, // a pointer to a pointer
        {"\xc0\0", 2, 0, NULL, 0},                // RFC 1035-4: to itself
        {"\1a\xc0\0", 4, 0, NULL, 0},             // RFC 1035-4: to its own beginning
        {"\1a\xc0\4\1b\xc0\0", 8, 4, NULL, 0},    // RFC 1035-4: round and round
        {"\xc0\2\3www\0", 7, 0, NULL, 0},         // RFC 1035-4: forward
        {"\1a\xc0", 3, 0, NULL, 0},               // half a pointer
        {"\1a\xc0\x7f", 4, 0, NULL, 0},           // beyond the message
        {"\x40"
         "a\0",
         3, 0, NULL, 0}, // RFC 1035-3: label type 01
        {"\x80"
         "a\0",
         3, 0, NULL, 0},          // RFC 1035-3: label type 10
        {"\5abc", 4, 0, NULL, 0}, // a label that is cut off
        {"\1a", 2, 0, NULL, 0},   // no end
        {"", 0, 0, NULL, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dns_name name;
        size_t position = cases[i].at;
        int result = dns_name_parse(&name, (const uint8_t *)cases[i].bytes, cases[i].size, &position);
        CHECK_EQ(result, cases[i].text ? 0 : -EBADMSG);
        if (result == 0 && cases[i].text) {
            CHECK_STR(text_of_name(&name), cases[i].text);
            CHECK_EQ(position, cases[i].behind);
        }
    }
}

TEST(headers_survive_the_wire)
{
    uint64_t random = 3;
    for (int i = 0; i < 500; i++) {
        uint8_t bytes[DNS_HEADER_BYTES], again[DNS_HEADER_BYTES];
        test_fill(&random, bytes, sizeof bytes);
        struct dns_header header;
        CHECK_EQ(dns_header_parse(&header, bytes, sizeof bytes), 12);
        dns_header_emit(again, &header);
        bytes[3] &= 0xbf; // RFC 1035-10: Z is sent as zero
        CHECK_MEM(again, bytes, sizeof bytes);
    }
    struct dns_header header;
    CHECK_EQ(dns_header_parse(&header, (const uint8_t *)"0123456789a", 11), -EBADMSG);
}

TEST(a_message_is_written_and_read_back)
{
    uint8_t message[512], data[300];
    struct dns_writer writer;
    dns_writer_init(&writer, message, sizeof message);
    struct dns_question question = {name_of("www.Example.org"), DNS_TYPE_A, DNS_CLASS_IN};
    struct dns_name alias = name_of("web.example.org"), mail = name_of("mail.example.ORG");
    CHECK_EQ(dns_write_question(&writer, &question), 0);
    CHECK_EQ(dns_write_record(&writer, DNS_ANSWER, &question.name, DNS_TYPE_CNAME, 1, 60, alias.bytes,
                              alias.length),
             0);
    CHECK_EQ(dns_write_record(&writer, DNS_ANSWER, &alias, DNS_TYPE_A, 1, 60, (const uint8_t *)"\1\2\3\4", 4),
             0);
    // RFC 1035-6: names in types that RFC 1035 does not define are written out; in those that it does, not.
    size_t before = writer.length;
    memcpy(data, "\0\1\0\2\0\3", 6);
    memcpy(data + 6, mail.bytes, mail.length);
    CHECK_EQ(dns_write_record(&writer, DNS_ADDITIONAL, &alias, DNS_TYPE_SRV, 1, 5, data, 6u + mail.length),
             0);
    CHECK_EQ(writer.length - before, 2 + 10 + 6 + mail.length);
    before = writer.length;
    CHECK_EQ(dns_write_record(&writer, DNS_ADDITIONAL, &alias, DNS_TYPE_MX, 1, 5, data, 0), -ENOSPC);
    memmove(data + 2, data + 6, mail.length);
    CHECK_EQ(dns_write_record(&writer, DNS_ADDITIONAL, &alias, DNS_TYPE_MX, 1, 5, data, 2u + mail.length), 0);
    CHECK_EQ(writer.length - before, 2 + 10 + 2 + 5 + 2);
    struct dns_edns edns = {.udp_bytes = 1232, .extended_rcode = 1, .version = 0, .dnssec_ok = true};
    CHECK_EQ(dns_write_edns(&writer, &edns), 0);
    struct dns_header header = {.id = 99, .response = true};
    size_t size = dns_writer_finish(&writer, &header);
    CHECK_EQ(dns_message_check(message, size), 0);
    for (size_t cut = 0; cut < size; cut++)
        CHECK_EQ(dns_message_check(message, cut), -EBADMSG); // RFC 1035-13

    struct dns_record record;
    size_t position = DNS_HEADER_BYTES;
    REQUIRE(dns_question_parse(&question, message, size, &position) == 0);
    CHECK_STR(text_of_name(&question.name), "www.Example.org.");
    REQUIRE(dns_record_parse(&record, message, size, &position) == 0);
    CHECK_EQ(dns_rdata_expand(&record, message, size, data, sizeof data), alias.length);
    struct dns_name target;
    REQUIRE(dns_rdata_name(DNS_TYPE_CNAME, data, alias.length, &target) == 0);
    CHECK(dns_name_equal(&target, &alias));
    for (int i = 0; i < 3; i++)
        REQUIRE(dns_record_parse(&record, message, size, &position) == 0);
    CHECK_EQ(record.type, DNS_TYPE_MX);
    CHECK_EQ(dns_rdata_expand(&record, message, size, data, sizeof data), 2 + mail.length);
    REQUIRE(dns_record_parse(&record, message, size, &position) == 0);
    struct dns_edns read = dns_edns_of(&record);
    CHECK(read.udp_bytes == 1232 && read.extended_rcode == 1 && read.version == 0 && read.dnssec_ok);
    CHECK_EQ(position, size);
}

TEST(what_does_not_fit_leaves_no_trace)
{
    uint8_t message[600];
    struct dns_name name = name_of("a.long.name.example.org");
    for (size_t size = DNS_HEADER_BYTES; size < 120; size++) {
        struct dns_writer writer;
        dns_writer_init(&writer, message, size);
        unsigned count = 0;
        while (dns_write_record(&writer, DNS_ANSWER, &name, DNS_TYPE_A, 1, 60, (const uint8_t *)"\1\2\3\4",
                                4) == 0)
            count++;
        struct dns_header header = {.id = 1};
        size_t length = dns_writer_finish(&writer, &header);
        CHECK(length <= size);
        CHECK_EQ(dns_message_check(message, length), 0);
        CHECK_EQ(bytes_get16(message + 6), count);
    }
}

TEST(records_that_lie)
{
    // RFC 1035-13: the counts, RDLENGTH, and names inside the message.
    static const struct {
        const char *bytes;
        size_t size;
        int result;
    } cases[] = {
        {"\1a\0\0\1\0\1\0\0\0\5\0\4\1\2\3\4", 17, 0},
        {"\1a\0\0\1\0\1\0\0\0\5\0\5\1\2\3\4", 17, -EBADMSG},   // RDLENGTH beyond the message
        {"\1a\0\0\1\0\1\0\0\0\5\0\3\1\2\3", 16, -EBADMSG},     // an A record of three octets
        {"\1a\0\0\1\0\1\0\0\0\5\0\5\1\2\3\4\5", 18, -EBADMSG}, // of five
        {"\1a\0\0\5\0\1\0\0\0\5\0\2\xc0\x0c", 15, 0},          // CNAME to itself: well formed
        {"\1a\0\0\5\0\1\0\0\0\5\0\1\xc0\x0c", 15, -EBADMSG},   // the name leaves the data
        {"\1a\0\0\5\0\1\0\0\0\5\0\3\xc0\x0c\0", 16, -EBADMSG}, // bytes behind the name
        {"\1a\0\0\x10\0\1\0\0\0\5\0\4\3abc", 17, 0},           // TXT
        {"\1a\0\0\x10\0\1\0\0\0\5\0\4\4abc", 17, -EBADMSG},    // a string that leaves the data
        {"\1a\0\0\x10\0\1\0\0\0\5\0\0", 13, -EBADMSG},         // no string at all
        {"\1a\0\x12\x34\0\1\0\0\0\5\0\3abc", 16, 0},           // an unknown type is opaque
        {"\1a\0\0\6\0\1\0\0\0\5\0\3\0\0\0", 16, -EBADMSG},     // SOA without numbers
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t message[128];
        size_t size = message_of(message, 0, 1, cases[i].bytes, cases[i].size);
        if (!CHECK_EQ(dns_message_check(message, size), cases[i].result))
            printf("        case %zu\n", i);
    }
    uint8_t message[64];
    size_t size = message_of(message, 0, 2, cases[0].bytes, cases[0].size);
    CHECK_EQ(dns_message_check(message, size), -EBADMSG); // one record fewer than counted
}

TEST(compressed_names_are_read_in_every_known_type)
{
    // RFC 1035-5: also in SRV, where they may not be written.
    uint8_t message[128], data[64];
    size_t size = message_of(message, 0, 1, "\1a\0\0\x21\0\1\0\0\0\5\0\x0a\0\1\0\2\0\3\1b\xc0\x0c", 23);
    struct dns_record record;
    size_t position = DNS_HEADER_BYTES;
    REQUIRE(dns_record_parse(&record, message, size, &position) == 0);
    REQUIRE(dns_rdata_expand(&record, message, size, data, sizeof data) == 11);
    CHECK_MEM(data, "\0\1\0\2\0\3\1b\1a", 11);
}

TEST(a_ttl_with_its_top_bit_set_is_zero)
{
    CHECK_EQ(dns_ttl(0x7fffffff), 0x7fffffff); // RFC 2181-7
    CHECK_EQ(dns_ttl(0x80000000), 0);
    CHECK_EQ(dns_ttl(0xffffffff), 0);
}

TEST(types_and_reverse_names)
{
    CHECK_EQ(dns_type_from_text("aaaa", 4), DNS_TYPE_AAAA);
    CHECK_EQ(dns_type_from_text("TYPE65280", 9), 65280);
    CHECK_EQ(dns_type_from_text("TYPE65536", 9), 0);
    CHECK_EQ(dns_type_from_text("AAAAA", 5), 0);
    CHECK_EQ(dns_type_from_text("", 0), 0);
    struct dns_name name;
    struct strata_address address = strata_ipv4(192, 0, 2, 1);
    dns_name_reverse(&name, &address);
    CHECK_STR(text_of_name(&name), "1.2.0.192.in-addr.arpa.");
    REQUIRE(strata_address_parse("2001:db8::1", &address) == 0);
    dns_name_reverse(&name, &address);
    CHECK_STR(text_of_name(&name),
              "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.");
}

TEST(messages_in_one_line)
{
    uint8_t message[512];
    char room[400];
    struct dns_question question = {name_of("www.example.org"), DNS_TYPE_A, DNS_CLASS_IN};
    size_t size = dns_query_emit(message, sizeof message, 4711, true, &question, 1232);
    struct text text = text_of(room, sizeof room);
    dns_print(&text, message, size);
    CHECK_STR(room, "DNS query 4711 A www.example.org.");
    struct dns_writer writer;
    dns_writer_init(&writer, message, sizeof message);
    dns_write_question(&writer, &question);
    struct dns_name target = name_of("w.example.org");
    dns_write_record(&writer, DNS_ANSWER, &question.name, DNS_TYPE_CNAME, 1, 5, target.bytes, target.length);
    dns_write_record(&writer, DNS_ANSWER, &target, DNS_TYPE_TXT, 1, 5, (const uint8_t *)"\3a\"b\1\7", 6);
    struct dns_header header = {.id = 4711, .response = true, .authoritative = true};
    size = dns_writer_finish(&writer, &header);
    text = text_of(room, sizeof room);
    dns_print(&text, message, size);
    CHECK_STR(
        room,
        "DNS reply 4711 NOERROR aa A www.example.org. 2/0/0: CNAME w.example.org., TXT \"a\\\"b\" \"\\007\"");
    text = text_of(room, sizeof room);
    dns_print(&text, message, size - 1);
    CHECK_STR(room, "DNS malformed");
}

TEST_MAIN(TEST_ENTRY(names_are_read_and_written), TEST_ENTRY(lengths_of_labels_and_names),
          TEST_ENTRY(names_compare_without_case), TEST_ENTRY(the_canonical_order),
          TEST_ENTRY(pointers_go_back_only), TEST_ENTRY(headers_survive_the_wire),
          TEST_ENTRY(a_message_is_written_and_read_back), TEST_ENTRY(what_does_not_fit_leaves_no_trace),
          TEST_ENTRY(records_that_lie), TEST_ENTRY(compressed_names_are_read_in_every_known_type),
          TEST_ENTRY(a_ttl_with_its_top_bit_set_is_zero), TEST_ENTRY(types_and_reverse_names),
          TEST_ENTRY(messages_in_one_line))
