/**
 * The iterative resolver against servers made of literals: root, top level and leaves, honest ones and liars.
 */
#include "app/dns/resolver.h"
#include "tests/test.h"

#include <errno.h>

/** One server's answers, tried in order: the first whose question fits is given. */
struct script {
    const char *address;
    const char *name;                            /**< Asked for; "*": any. */
    uint16_t type;                               /**< 0: any. */
    unsigned flags;                              /**< AA 0x400, rcode. */
    const char *answer, *authority, *additional; /**< "owner ttl TYPE data; ...", data as in zone files. */
};

static const struct script *script;
static size_t script_count;
static strata_time now;
static uint64_t random_state;
static char asked[4096]; /**< Who was asked for what. */
static uint16_t ids[64];
static unsigned id_count;
static void (*tamper)(uint8_t *reply, size_t *size);

/* ---- Records from text --------------------------------------------------------------------------- */

#include "app/dns/zone.h"

static void write_records(struct dns_writer *writer, enum dns_section section, const char *text)
{
    char line[512];
    while (text && *text) {
        size_t length = strcspn(text, ";");
        snprintf(line, sizeof line, "%.*s", (int)length, text);
        text += length + (text[length] == ';');
        char *rest = NULL, *owner = strtok_r(line, " ", &rest), *ttl = strtok_r(NULL, " ", &rest),
             *type = strtok_r(NULL, " ", &rest);
        const char *words[8];
        size_t lengths[8];
        bool quoted[8] = {false};
        unsigned count = 0;
        for (char *word = strtok_r(NULL, " ", &rest); word && count < 8; word = strtok_r(NULL, " ", &rest)) {
            words[count] = word;
            lengths[count++] = strlen(word);
        }
        struct dns_words data_words = {words, lengths, quoted, count};
        struct dns_name name, root = dns_name_root();
        uint8_t data[512];
        const char *why;
        uint16_t code = dns_type_from_text(type, strlen(type));
        REQUIRE(dns_name_from_text(&name, owner, strlen(owner), NULL) == 0);
        int size = dns_zone_data(code, &data_words, &root, data, sizeof data, &why);
        REQUIRE(size >= 0);
        REQUIRE(dns_write_record(writer, section, &name, code, DNS_CLASS_IN, (uint32_t)atoi(ttl), data,
                                 (size_t)size) == 0);
    }
}

static int exchange(void *context, const struct strata_address *server, const uint8_t *query,
                    size_t query_size, uint8_t *reply, size_t room)
{
    (void)context;
    char address[STRATA_ADDRESS_TEXT], name[DNS_NAME_TEXT];
    struct dns_question question;
    struct dns_header header;
    size_t position = DNS_HEADER_BYTES;
    REQUIRE(dns_header_parse(&header, query, query_size) > 0);
    REQUIRE(dns_question_parse(&question, query, query_size, &position) == 0);
    CHECK(!header.recursion_desired);
    strata_address_format(server, address, sizeof address);
    dns_name_to_text(&question.name, name, sizeof name);
    if (id_count < 64)
        ids[id_count++] = header.id;
    size_t used = strlen(asked);
    snprintf(asked + used, sizeof asked - used, "%s%s %s", used ? ", " : "", address, name);
    now += 10 * STRATA_MILLISECOND;
    for (size_t i = 0; i < script_count; i++) {
        if (strcmp(script[i].address, address) != 0 || (script[i].type && script[i].type != question.type) ||
            (strcmp(script[i].name, "*") != 0 && strcmp(script[i].name, name) != 0))
            continue;
        struct dns_writer writer;
        dns_writer_init(&writer, reply, room < 4096 ? room : 4096);
        dns_write_question(&writer, &question);
        write_records(&writer, DNS_ANSWER, script[i].answer);
        write_records(&writer, DNS_AUTHORITY, script[i].authority);
        write_records(&writer, DNS_ADDITIONAL, script[i].additional);
        struct dns_header back = {.id = header.id,
                                  .response = true,
                                  .authoritative = script[i].flags >> 10 & 1,
                                  .rcode = script[i].flags & 15};
        size_t size = dns_writer_finish(&writer, &back);
        if (tamper)
            tamper(reply, &size);
        return (int)size;
    }
    now += STRATA_SECOND;
    return -ETIMEDOUT;
}

static strata_time clock_now(void *context)
{
    (void)context;
    return now;
}

static void fill(void *context, void *data, size_t size)
{
    (void)context;
    test_fill(&random_state, data, size);
}

static struct dns_resolver resolver;
static struct dns_result result;

static void open_resolver(const struct script *answers, size_t count)
{
    struct dns_upstream upstream = {NULL, exchange, clock_now, fill};
    script = answers;
    script_count = count;
    now = 0;
    random_state = 1;
    tamper = NULL;
    asked[0] = 0;
    id_count = 0;
    REQUIRE(dns_resolver_init(&resolver, &upstream, 64) == 0);
    resolver.hints[0] = strata_ipv4(1, 0, 0, 1);
    resolver.hint_count = 1;
}
#define OPEN(answers) open_resolver(answers, sizeof answers / sizeof *answers)

/** Asks, and shows what came: "rcode: name ttl TYPE data, ...". */
static const char *ask_until(const char *text, uint16_t type, strata_time deadline)
{
    static char room[2048];
    struct dns_name name;
    asked[0] = 0;
    REQUIRE(dns_name_from_text(&name, text, strlen(text), NULL) == 0);
    REQUIRE(dns_resolver_ask(&resolver, &name, type, deadline, &result) == 0);
    struct text out = text_of(room, sizeof room);
    dns_rcode_print(&out, result.rcode);
    for (unsigned i = 0; i < result.count + result.has_soa; i++) {
        const struct dns_set *set = i < result.count ? &result.sets[i] : &result.soa;
        size_t position = 0, length;
        const uint8_t *data;
        while ((data = dns_set_next(set, &position, &length)) != NULL) {
            char owner[DNS_NAME_TEXT];
            dns_name_to_text(&set->name, owner, sizeof owner);
            text_string(&out, i == result.count ? "; " : ", ");
            text_string(&out, owner);
            text_char(&out, ' ');
            text_unsigned(&out, set->ttl);
            text_char(&out, ' ');
            dns_type_print(&out, set->type);
            text_char(&out, ' ');
            dns_rdata_print(&out, set->type, data, length);
        }
    }
    return room;
}

static const char *ask(const char *text, uint16_t type)
{
    return ask_until(text, type, STRATA_NEVER);
}

#define AA 0x400
#define ROOT "1.0.0.1"
#define ORG "1.0.0.2"
#define LEAF "1.0.0.3"
#define TO_ORG                                                                                               \
    {                                                                                                        \
        ROOT, "*", 0, 0, NULL, "org 86400 NS ns.org", "ns.org 86400 A " ORG                                  \
    }
#define TO_LEAF                                                                                              \
    {                                                                                                        \
        ORG, "*", 0, 0, NULL, "example.org 3600 NS ns.example.org", "ns.example.org 3600 A " LEAF            \
    }
#define SOA "example.org 600 SOA ns.example.org h.example.org 1 2 3 4 300"

TEST(from_the_root_to_the_leaf)
{
    static const struct script answers[] = {
        TO_ORG,
        TO_LEAF,
        {LEAF, "www.example.org.", DNS_TYPE_A, AA,
         "www.example.org 100 A 10.0.0.1;www.example.org 90 A 10.0.0.2", NULL, NULL},
        {LEAF, "mail.example.org.", DNS_TYPE_A, AA, "mail.example.org 100 A 10.0.0.3", NULL, NULL},
    };
    OPEN(answers);
    // RFC 2181-2: the lower TTL counts for both.
    CHECK_STR(ask("www.example.org", DNS_TYPE_A),
              "NOERROR, www.example.org. 90 A 10.0.0.1, www.example.org. 90 A 10.0.0.2");
    CHECK_STR(asked, ROOT " www.example.org., " ORG " www.example.org., " LEAF " www.example.org.");
    // Again: from memory, with less time left.
    now += 30 * STRATA_SECOND;
    CHECK_STR(ask("WWW.example.org", DNS_TYPE_A),
              "NOERROR, www.example.org. 60 A 10.0.0.1, www.example.org. 60 A 10.0.0.2");
    CHECK_STR(asked, "");
    // RFC 1034-6: another name of that zone begins at the closest servers known.
    CHECK_STR(ask("mail.example.org", DNS_TYPE_A), "NOERROR, mail.example.org. 100 A 10.0.0.3");
    CHECK_STR(asked, LEAF " mail.example.org.");
    now += 61 * STRATA_SECOND;
    ask("www.example.org", DNS_TYPE_A);
    CHECK_STR(asked, LEAF " www.example.org.");
    // RFC 2181-5: glue is no answer.
    CHECK_STR(ask_until("ns.example.org", DNS_TYPE_A, 0), "SERVFAIL");
    dns_resolver_free(&resolver);
}

TEST(aliases_across_zones)
{
    static const struct script answers[] = {
        TO_ORG,
        TO_LEAF,
        {LEAF, "a.example.org.", 0, AA,
         "a.example.org 50 CNAME b.example.org;b.example.org 40 CNAME c.other.org", NULL, NULL},
        {LEAF, "loop.example.org.", 0, AA, "loop.example.org 50 CNAME pool.example.org", NULL, NULL},
        {LEAF, "pool.example.org.", 0, AA, "pool.example.org 50 CNAME loop.example.org", NULL, NULL},
        {LEAF, "c.other.org.", 0, AA, "c.other.org 30 A 10.0.0.9", NULL, NULL},
    };
    OPEN(answers);
    CHECK_STR(
        ask("a.example.org", DNS_TYPE_A),
        "SERVFAIL, a.example.org. 50 CNAME b.example.org., b.example.org. 40 CNAME c.other.org."); // nobody
                                                                                                   // serves
                                                                                                   // other.org
    dns_resolver_free(&resolver);
    static const struct script better[] = {
        TO_ORG,
        {ORG, "c.other.org.", 0, 0, NULL, "other.org 3600 NS ns.example.org", NULL},
        TO_LEAF,
        {LEAF, "a.example.org.", 0, AA,
         "a.example.org 50 CNAME b.example.org;b.example.org 40 CNAME c.other.org", NULL, NULL},
        {LEAF, "ns.example.org.", DNS_TYPE_A, AA, "ns.example.org 50 A " LEAF, NULL, NULL},
        {LEAF, "c.other.org.", 0, AA, "c.other.org 30 A 10.0.0.9", NULL, NULL},
        {LEAF, "loop.example.org.", 0, AA, "loop.example.org 50 CNAME pool.example.org", NULL, NULL},
        {LEAF, "pool.example.org.", 0, AA, "pool.example.org 50 CNAME loop.example.org", NULL, NULL},
    };
    OPEN(better);
    CHECK_STR(ask("a.example.org", DNS_TYPE_A),
              "NOERROR, a.example.org. 50 CNAME b.example.org., b.example.org. 40 CNAME c.other.org., "
              "c.other.org. 30 A 10.0.0.9");
    CHECK_STR(ask("loop.example.org", DNS_TYPE_A), "SERVFAIL, loop.example.org. 50 CNAME pool.example.org., "
                                                   "pool.example.org. 50 CNAME loop.example.org.");
    dns_resolver_free(&resolver);
}

TEST(denials_are_remembered)
{
    static const struct script answers[] = {
        TO_ORG,
        TO_LEAF,
        {LEAF, "no.example.org.", 0, AA | 3, NULL, SOA, NULL},
        {LEAF, "half.example.org.", 0, AA, NULL, SOA, NULL},
        {LEAF, "mute.example.org.", 0, AA | 3, NULL, NULL, NULL},
        {LEAF, "ahalf.example.org.", 0, AA | 3, "ahalf.example.org 9 CNAME gone.example.org", SOA, NULL},
    };
    OPEN(answers);
    ask("no.example.org", DNS_TYPE_A);
    // RFC 2308-2, RFC 2308-5: 300 seconds, counted down, and the SOA is shown.
    now += 100 * STRATA_SECOND;
    CHECK_STR(ask("no.example.org", DNS_TYPE_A),
              "NXDOMAIN; example.org. 200 SOA ns.example.org. h.example.org. 1 2 3 4 300");
    CHECK_STR(asked, "");
    ask("no.example.org", DNS_TYPE_MX); // RFC 2308-3: of every type
    CHECK_STR(asked, "");
    now += 201 * STRATA_SECOND;
    ask("no.example.org", DNS_TYPE_A);
    CHECK_STR(asked, LEAF " no.example.org.");
    CHECK_STR(ask("half.example.org", DNS_TYPE_A),
              "NOERROR; example.org. 600 SOA ns.example.org. h.example.org. 1 2 3 4 300");
    ask("half.example.org", DNS_TYPE_A);
    CHECK_STR(asked, "");
    ask("half.example.org", DNS_TYPE_MX); // RFC 2308-3: of this type only
    CHECK_STR(asked, LEAF " half.example.org.");
    CHECK_STR(ask("mute.example.org", DNS_TYPE_A), "NXDOMAIN");
    ask("mute.example.org", DNS_TYPE_A); // RFC 2308-4: without SOA it is forgotten
    CHECK_STR(asked, LEAF " mute.example.org.");
    // RFC 2308-8: of the alias's target.
    CHECK_STR(ask("ahalf.example.org", DNS_TYPE_A),
              "NXDOMAIN, ahalf.example.org. 9 CNAME gone.example.org.; example.org. 600 SOA ns.example.org. "
              "h.example.org. 1 2 3 4 300");
    ask("gone.example.org", DNS_TYPE_MX);
    CHECK_STR(asked, "");
    dns_resolver_free(&resolver);
}

TEST(a_ttl_of_zero_is_for_this_once)
{
    static const struct script answers[] = {
        TO_ORG,
        TO_LEAF,
        {LEAF, "*", 0, AA, "www.example.org 0 A 10.0.0.1", NULL, NULL},
    };
    OPEN(answers);
    CHECK_STR(ask("www.example.org", DNS_TYPE_A), "NOERROR, www.example.org. 0 A 10.0.0.1"); // RFC 1035-14
    CHECK_STR(ask("www.example.org", DNS_TYPE_A), "NOERROR, www.example.org. 0 A 10.0.0.1");
    CHECK_STR(asked, LEAF " www.example.org.");
    dns_resolver_free(&resolver);
}

TEST(what_a_server_has_no_say_in_is_not_believed)
{
    // RFC 5452-5: www.example.org's server speaks of a bank, in every section.
    static const struct script answers[] = {
        {ROOT, "www.bank.com.", 0, AA, "www.bank.com 50 A 10.0.0.7", NULL, NULL},
        {ROOT, "ns.bank.com.", 0, AA | 3, NULL, ". 50 SOA a b 1 2 3 4 5", NULL},
        TO_ORG,
        TO_LEAF,
        {LEAF, "www.example.org.", 0, AA, "www.example.org 50 CNAME www.bank.com;www.bank.com 50 A 6.6.6.6",
         "bank.com 50 NS ns.bank.com", "ns.bank.com 50 A 6.6.6.6;www.bank.com 50 A 6.6.6.6"},
        {LEAF, "x.example.org.", 0, 0, NULL, "bank.com 50 NS ns.bank.com", "ns.bank.com 50 A 6.6.6.6"},
    };
    OPEN(answers);
    CHECK_STR(ask("www.example.org", DNS_TYPE_A),
              "NOERROR, www.example.org. 50 CNAME www.bank.com., www.bank.com. 50 A 10.0.0.7");
    CHECK_STR(ask("x.example.org", DNS_TYPE_A), "SERVFAIL"); // RFC 1034-6: a referral that is not closer
    CHECK_STR(ask("ns.bank.com", DNS_TYPE_A), "NXDOMAIN; . 50 SOA a. b. 1 2 3 4 5");
    dns_resolver_free(&resolver);
}

TEST(glue_from_elsewhere_is_not_believed)
{
    // RFC 5452-5: org names a server in com and an address for it, of which com must be asked.
    static const struct script answers[] = {
        {ROOT, "ns.good.com.", DNS_TYPE_A, AA, "ns.good.com 50 A " LEAF, NULL, NULL},
        TO_ORG,
        {ORG, "*", 0, 0, NULL, "example.org 3600 NS ns.good.com", "ns.good.com 3600 A 6.6.6.6"},
        {LEAF, "*", 0, AA, "www.example.org 100 A 10.0.0.1", NULL, NULL},
    };
    OPEN(answers);
    CHECK_STR(ask("www.example.org", DNS_TYPE_A), "NOERROR, www.example.org. 100 A 10.0.0.1");
    CHECK_STR(asked, ROOT " www.example.org., " ORG " www.example.org., " ROOT " ns.good.com., " LEAF
                          " www.example.org.");
    dns_resolver_free(&resolver);
}

TEST(referrals_that_lead_nowhere)
{
    // RFC 1034-6: up, sideways, to itself.
    static const char *const zones[] = {". 5 NS x.", "com 5 NS x.com", "org 5 NS ns.org",
                                        "example.com 5 NS x."};
    for (size_t i = 0; i < sizeof zones / sizeof *zones; i++) {
        struct script answers[] = {TO_ORG, {ORG, "*", 0, 0, NULL, zones[i], "ns.org 5 A " ORG}};
        OPEN(answers);
        CHECK_STR(ask("www.example.org", DNS_TYPE_A), "SERVFAIL");
        CHECK_STR(asked, ROOT " www.example.org., " ORG " www.example.org.");
        dns_resolver_free(&resolver);
    }
}

TEST(useless_servers_are_passed_over)
{
    static const struct script answers[] = {
        {ROOT, "*", 0, 0, NULL, "org 50 NS a.org;org 50 NS b.org;org 50 NS c.org;org 50 NS d.org",
         "a.org 50 A 2.0.0.1;b.org 50 A 2.0.0.2;c.org 50 A 2.0.0.3;d.org 50 A 2.0.0.4"},
        {"2.0.0.1", "*", 0, 2, NULL, NULL, NULL},                     // SERVFAIL
        {"2.0.0.2", "*", 0, 0, "www.org 50 A 6.6.6.6", NULL, NULL},   // hearsay: no AA
        {"2.0.0.4", "*", 0, AA, "www.org 50 A 10.0.0.1", NULL, NULL}, // 2.0.0.3 is silent
    };
    for (uint64_t seed = 1; seed < 12; seed++) {
        OPEN(answers);
        random_state = seed;
        CHECK_STR(ask("www.org", DNS_TYPE_A), "NOERROR, www.org. 50 A 10.0.0.1");
        dns_resolver_free(&resolver);
    }
}

TEST(work_is_bounded)
{
    // RFC 1034-5: each zone's servers live in the next zone, without end.
    static struct script answers[200];
    static char text[200][3][64];
    for (size_t i = 0; i < 200; i++) {
        snprintf(text[i][0], 64, "www.z%zu.", i);
        snprintf(text[i][1], 64, "z%zu 50 NS www.z%zu", i, (i + 1) % 200);
        answers[i] = (struct script){ROOT, text[i][0], 0, 0, NULL, text[i][1], NULL};
    }
    open_resolver(answers, 200);
    CHECK_STR(ask("www.z0", DNS_TYPE_A), "SERVFAIL");
    CHECK(id_count <= DNS_RESOLVER_QUERIES_MAX);
    dns_resolver_free(&resolver);
    // A tree: every zone has many servers, all without addresses.
    static const struct script tree[] = {
        {ROOT, "*", 0, 0, NULL,
         "a 50 NS a.b;a 50 NS b.b;a 50 NS c.b;a 50 NS d.b;b 50 NS a.c;b 50 NS b.c;b 50 NS c.c;b 50 NS d.c;"
         "c 50 NS a.a;c 50 NS b.a;c 50 NS c.a;c 50 NS d.a",
         NULL},
    };
    OPEN(tree);
    CHECK_STR(ask("www.a", DNS_TYPE_A), "SERVFAIL");
    CHECK(id_count <= DNS_RESOLVER_QUERIES_MAX);
    dns_resolver_free(&resolver);
}

static void other_id(uint8_t *reply, size_t *size)
{
    (void)size;
    reply[0] ^= 1;
}
static void other_name(uint8_t *reply, size_t *size)
{
    (void)size;
    reply[DNS_HEADER_BYTES + 1] ^= 1;
}
static void other_type(uint8_t *reply, size_t *size)
{
    (void)size;
    reply[DNS_HEADER_BYTES + 1 + 3 + 1 + 7 + 1 + 3 + 1 + 1] ^= 2;
}
static void other_class(uint8_t *reply, size_t *size)
{
    (void)size;
    reply[DNS_HEADER_BYTES + 1 + 3 + 1 + 7 + 1 + 3 + 1 + 3] ^= 2;
}
static void no_reply(uint8_t *reply, size_t *size)
{
    (void)size;
    reply[2] &= 0x7f;
}
static void other_opcode(uint8_t *reply, size_t *size)
{
    (void)size;
    reply[2] |= 0x10;
}
static void cut_off(uint8_t *reply, size_t *size)
{
    (void)reply;
    *size -= 3;
}

TEST(replies_must_match)
{
    // RFC 5452-1, RFC 5452-2: id, name, type and class of the question; and it must be a whole reply.
    static void (*const changes[])(uint8_t *, size_t *) = {other_id, other_name,   other_type, other_class,
                                                           no_reply, other_opcode, cut_off};
    static const struct script answers[] = {{ROOT, "*", 0, AA, "www.example.org 50 A 6.6.6.6", NULL, NULL}};
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        OPEN(answers);
        tamper = changes[i];
        if (!CHECK_STR(ask("www.example.org", DNS_TYPE_A), "SERVFAIL"))
            printf("        change %zu\n", i);
        tamper = NULL;
        CHECK_STR(ask("www.example.org", DNS_TYPE_A), "NOERROR, www.example.org. 50 A 6.6.6.6");
        dns_resolver_free(&resolver);
    }
}

TEST(ids_are_drawn_from_all)
{
    // RFC 5452-4: all 16 bits, no pattern.
    static const struct script answers[] = {{ROOT, "*", 0, AA, "www 0 A 10.0.0.1", NULL, NULL}};
    OPEN(answers);
    uint16_t any = 0, all = 0xffff;
    for (int i = 0; i < 64; i++)
        ask("www", DNS_TYPE_A);
    REQUIRE(id_count == 64);
    for (unsigned i = 0; i < id_count; i++) {
        any |= ids[i];
        all &= ids[i];
        for (unsigned j = 0; j < i; j++)
            CHECK(ids[i] != ids[j] || i - j > 1);
    }
    CHECK_EQ(any, 0xffff);
    CHECK_EQ(all, 0);
    dns_resolver_free(&resolver);
}

TEST(memory_of_what_was_heard)
{
    struct dns_cache cache;
    struct siphash_key key = {1, 2};
    REQUIRE(dns_cache_init(&cache, 4, &key) == 0);
    struct dns_set set = {
        .type = DNS_TYPE_A, .count = 1, .ttl = 100, .bytes = 6, .data = (const uint8_t *)"\0\4\1\1\1\1"};
    struct dns_set other = set, got;
    enum dns_fact fact;
    REQUIRE(dns_name_from_text(&set.name, "a", 1, NULL) == 0);
    other.name = set.name;
    other.data = (const uint8_t *)"\0\4\2\2\2\2";
    dns_cache_put(&cache, &set, DNS_RANK_GLUE, 0);
    CHECK(!dns_cache_get(&cache, &set.name, DNS_TYPE_A, DNS_RANK_ANSWER, 0, &fact, &got)); // RFC 2181-5
    CHECK(dns_cache_get(&cache, &set.name, DNS_TYPE_A, DNS_RANK_GLUE, 0, &fact, &got));
    dns_cache_put(&cache, &other, DNS_RANK_ANSWER, 0);
    REQUIRE(dns_cache_get(&cache, &set.name, DNS_TYPE_A, DNS_RANK_ANSWER, 0, &fact, &got));
    CHECK_EQ(got.count, 1); // RFC 2181-3: replaced, not merged
    CHECK_MEM(got.data, other.data, 6);
    dns_cache_put(&cache, &set, DNS_RANK_GLUE, 0); // RFC 2181-4: glue does not replace an answer
    REQUIRE(dns_cache_get(&cache, &set.name, DNS_TYPE_A, DNS_RANK_GLUE, 0, &fact, &got));
    CHECK_MEM(got.data, other.data, 6);
    CHECK(!dns_cache_get(&cache, &set.name, DNS_TYPE_A, DNS_RANK_GLUE, 100 * STRATA_SECOND, &fact, &got));
    dns_cache_put(&cache, &set, DNS_RANK_GLUE, 100 * STRATA_SECOND); // but when that has run out, it may
    CHECK(dns_cache_get(&cache, &set.name, DNS_TYPE_A, DNS_RANK_GLUE, 101 * STRATA_SECOND, &fact, &got));
    CHECK_EQ(got.ttl, 99);
    set.ttl = 0x7fffffff; // RFC 8767-3: no longer than seven days
    dns_cache_put(&cache, &set, DNS_RANK_ANSWER, 0);
    REQUIRE(dns_cache_get(&cache, &set.name, DNS_TYPE_A, DNS_RANK_GLUE, 0, &fact, &got));
    CHECK_EQ(got.ttl, 604800);
    for (char c = 'b'; c < 'h'; c++) { // The longest unused goes.
        dns_name_from_text(&set.name, &c, 1, NULL);
        dns_cache_put(&cache, &set, DNS_RANK_ANSWER, 0);
        dns_cache_get(&cache, &other.name, DNS_TYPE_A, DNS_RANK_GLUE, 0, &fact, &got);
    }
    CHECK_EQ(cache.count, 4);
    CHECK(dns_cache_get(&cache, &other.name, DNS_TYPE_A, DNS_RANK_GLUE, 0, &fact, &got));
    dns_name_from_text(&set.name, "b", 1, NULL);
    CHECK(!dns_cache_get(&cache, &set.name, DNS_TYPE_A, DNS_RANK_GLUE, 0, &fact, &got));
    dns_cache_free(&cache);
}

TEST(denials_last_three_hours_at_most)
{
    // RFC 2308-6
    static const struct script answers[] = {
        {ROOT, "*", 0, AA | 3, NULL, ". 86400 SOA a b 1 2 3 4 86400", NULL},
    };
    OPEN(answers);
    ask("no", DNS_TYPE_A);
    now = 10799 * STRATA_SECOND;
    ask("no", DNS_TYPE_A);
    CHECK_STR(asked, "");
    now = 10801 * STRATA_SECOND;
    ask("no", DNS_TYPE_A);
    CHECK_STR(asked, ROOT " no.");
    dns_resolver_free(&resolver);
}

TEST_MAIN(TEST_ENTRY(from_the_root_to_the_leaf), TEST_ENTRY(aliases_across_zones),
          TEST_ENTRY(denials_are_remembered), TEST_ENTRY(a_ttl_of_zero_is_for_this_once),
          TEST_ENTRY(what_a_server_has_no_say_in_is_not_believed),
          TEST_ENTRY(glue_from_elsewhere_is_not_believed), TEST_ENTRY(referrals_that_lead_nowhere),
          TEST_ENTRY(useless_servers_are_passed_over), TEST_ENTRY(work_is_bounded),
          TEST_ENTRY(replies_must_match), TEST_ENTRY(ids_are_drawn_from_all),
          TEST_ENTRY(memory_of_what_was_heard), TEST_ENTRY(denials_last_three_hours_at_most))
