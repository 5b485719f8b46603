/**
 * DNS messages: parsed and printed, answered by a server with zones, and believed or not by a resolver.
 */
#include "app/dns/answer.h"
#include "app/dns/resolver.h"
#include "base/assert.h"

#include <errno.h>
#include <stdlib.h>

static const char zone_text[] =
    "$ORIGIN example.\n$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 10.0.0.1\nwww A 10.0.0.2\n"
    "a CNAME www\n*.w MX 1 ns\nsub NS ns.sub\nns.sub A 10.0.0.3\n@ TXT \"text\"\n";
static struct dns_zone zone;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    struct dns_zone_error error;
    ASSERT(dns_zone_parse(&zone, zone_text, sizeof zone_text - 1, NULL, &error) == 0);
    return 0;
}

static void parse(const uint8_t *data, size_t size)
{
    char room[600];
    struct text text = text_of(room, sizeof room);
    dns_print(&text, data, size);
    static uint8_t rdata[DNS_RDATA_MAX_BYTES];
    struct dns_part parts[DNS_SECTIONS];
    dns_message_parts(data, size, parts);
    for (int section = DNS_ANSWER; section < DNS_SECTIONS; section++) {
        size_t position = parts[section].position;
        struct dns_record record;
        for (unsigned i = 0; i < parts[section].count; i++) {
            if (dns_record_parse(&record, data, size, &position) < 0)
                break;
            int length = dns_rdata_expand(&record, data, size, rdata, sizeof rdata);
            // What was read as a type's data is that type's data.
            ASSERT(length < 0 || dns_rdata_check(record.type, rdata, (size_t)length) == 0);
        }
    }
}

static void serve(const uint8_t *data, size_t size, bool tcp)
{
    static uint8_t reply[DNS_MESSAGE_MAX_BYTES];
    size_t length = dns_answer(&zone, 1, data, size, tcp, size ? data[size - 1] : 0, reply, sizeof reply);
    ASSERT(length == 0 || dns_message_check(reply, length) == 0);
    ASSERT(tcp || length <= DNS_EDNS_BYTES);
    struct dns_query query;
    if (length > 0 && dns_query_parse(&query, data, size))
        ASSERT(length <= dns_query_limit(&query, tcp));
}

/* Replies are cut from the input; id and question are made to fit, so that they are looked at. */
struct wire {
    const uint8_t *data;
    size_t size;
    strata_time now;
};

static int exchange(void *context, const struct strata_address *server, const uint8_t *query,
                    size_t query_size, uint8_t *reply, size_t room)
{
    struct wire *wire = context;
    (void)server;
    if (wire->size < 10)
        return -ETIMEDOUT;
    size_t part = wire->data[0] * 2u + 8, question = DNS_HEADER_BYTES;
    part = part < wire->size ? part : wire->size;
    struct dns_question asked;
    ASSERT(dns_question_parse(&asked, query, query_size, &question) == 0);
    ASSERT(question + part <= room);
    memcpy(reply, query, question);
    memcpy(reply + 2, wire->data + 1, 2);
    memcpy(reply + 6, wire->data + 3, 6);
    reply[2] = (uint8_t)((reply[2] & 0x87) | 0x80); // a reply to a query, whatever else
    bytes_put16(reply + 4, 1);
    memcpy(reply + question, wire->data + 8, part - 8);
    wire->data += part;
    wire->size -= part;
    wire->now += STRATA_SECOND;
    return (int)(question + part - 8);
}

static strata_time now(void *context)
{
    return ((struct wire *)context)->now;
}

static void fill(void *context, void *data, size_t size)
{
    (void)context;
    memset(data, 5, size);
}

static void resolve(const uint8_t *data, size_t size)
{
    struct wire wire = {data, size, 0};
    struct dns_upstream upstream = {&wire, exchange, now, fill};
    struct dns_resolver *resolver = calloc(1, sizeof *resolver);
    struct dns_result *result = malloc(sizeof *result);
    ASSERT(resolver && result && dns_resolver_init(resolver, &upstream, 32) == 0);
    resolver->hints[0] = strata_ipv4(10, 0, 0, 1);
    resolver->hint_count = 1;
    struct dns_name name;
    dns_name_from_text(&name, "www.example.", 12, NULL);
    for (int i = 0; i < 3; i++)
        ASSERT(dns_resolver_ask(resolver, &name, i == 1 ? DNS_TYPE_MX : DNS_TYPE_A, STRATA_NEVER, result) ==
               0);
    dns_resolver_free(resolver);
    free(resolver);
    free(result);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    switch (data[0] % 4) {
    case 0:
        parse(data + 1, size - 1);
        break;
    case 1:
    case 2:
        serve(data + 1, size - 1, data[0] % 4 == 2);
        break;
    default:
        resolve(data + 1, size - 1);
    }
    return 0;
}
