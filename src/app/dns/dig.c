/**
 * dig: asks a name server and shows its reply, or goes from the root down itself and shows each step.
 */
#include "app/dns/answer.h"
#include "app/dns/exchange.h"
#include "app/dns/hints.h"
#include "app/dns/resolve.h"
#include "app/options.h"
#include "app/programs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct dig {
    struct strata_rt *rt;
    struct dns_exchange exchange;
    struct dns_question question;
    struct strata_endpoint server;
    const char *server_text, *roots, *reverse;
    bool tcp, no_recursion, brief, plain;
    int64_t port;
    strata_time timeout_ns;
    uint8_t query[512];
    uint8_t reply[DNS_MESSAGE_MAX_BYTES];
    uint8_t data[DNS_RDATA_MAX_BYTES];
    char line[8192]; /**< What is longer is cut. */
};

/** One record in one line, as a zone file has it; the data alone if that is all that is wanted. */
static void print_record(struct dig *dig, const struct dns_name *name, uint32_t ttl, uint16_t type,
                         const uint8_t *data, size_t length)
{
    struct text text = text_of(dig->line, sizeof dig->line);
    char owner[DNS_NAME_TEXT];
    if (!dig->brief) {
        dns_name_to_text(name, owner, sizeof owner);
        text_string(&text, owner);
        text_char(&text, ' ');
        text_unsigned(&text, ttl);
        text_string(&text, " IN ");
        dns_type_print(&text, type);
        text_char(&text, ' ');
    }
    dns_rdata_print(&text, type, data, length);
    strata_rt_print(dig->rt, "%s\n", dig->line);
}

/** The records of one section; OPT says something of the message, not of a name. */
static void print_section(struct dig *dig, size_t size, const struct dns_part *part, const char *title)
{
    size_t position = part->position;
    bool titled = dig->brief;
    for (unsigned i = 0; i < part->count; i++) {
        struct dns_record record;
        if (dns_record_parse(&record, dig->reply, size, &position) < 0)
            return;
        int length = dns_rdata_expand(&record, dig->reply, size, dig->data, sizeof dig->data);
        if (record.type == DNS_TYPE_OPT || length < 0)
            continue;
        if (!titled)
            strata_rt_print(dig->rt, ";; %s\n", title);
        titled = true;
        print_record(dig, &record.name, record.ttl, record.type, dig->data, (size_t)length);
    }
}

static void print_header(struct dig *dig, const struct dns_header *header)
{
    char rcode[24];
    struct text text = text_of(rcode, sizeof rcode);
    dns_rcode_print(&text, header->rcode);
    strata_rt_print(dig->rt, ";; %s, id %u, flags:%s%s%s%s%s%s, answer %u, authority %u, additional %u\n",
                    rcode, header->id, header->response ? " qr" : "", header->authoritative ? " aa" : "",
                    header->truncated ? " tc" : "", header->recursion_desired ? " rd" : "",
                    header->recursion_available ? " ra" : "", header->authentic ? " ad" : "",
                    header->counts[1], header->counts[2], header->counts[3]);
}

/** @return exit status. */
static int print_reply(struct dig *dig, size_t size, strata_time took)
{
    struct dns_header header;
    struct dns_part parts[DNS_SECTIONS];
    if (dns_message_check(dig->reply, size) < 0 || dns_header_parse(&header, dig->reply, size) < 0) {
        strata_rt_complain(dig->rt, "dig: the reply is malformed\n");
        return 1;
    }
    dns_message_parts(dig->reply, size, parts);
    if (!dig->brief)
        print_header(dig, &header);
    print_section(dig, size, &parts[DNS_ANSWER], "ANSWER");
    if (!dig->brief) {
        char server[STRATA_ENDPOINT_TEXT];
        print_section(dig, size, &parts[DNS_AUTHORITY], "AUTHORITY");
        print_section(dig, size, &parts[DNS_ADDITIONAL], "ADDITIONAL");
        strata_endpoint_format(&dig->server, server, sizeof server);
        strata_rt_print(dig->rt, ";; %zu bytes from %s in %lld.%03d ms\n", size, server,
                        (long long)(took / STRATA_MILLISECOND),
                        (int)(took % STRATA_MILLISECOND / STRATA_MICROSECOND));
    }
    return header.rcode != DNS_NOERROR;
}

static int ask_server(struct dig *dig)
{
    uint16_t id;
    strata_rt_random(dig->rt, &id, sizeof id);
    size_t size = dns_query_emit(dig->query, sizeof dig->query, id, !dig->no_recursion, &dig->question,
                                 dig->plain ? 0 : DNS_EDNS_BYTES);
    strata_time begin = strata_rt_now(dig->rt);
    dig->exchange.deadline = begin + dig->timeout_ns;
    int length = dns_exchange(&dig->exchange, &dig->server, dig->query, size, dig->reply, sizeof dig->reply);
    if (length < 0) {
        char server[STRATA_ENDPOINT_TEXT];
        strata_endpoint_format(&dig->server, server, sizeof server);
        strata_rt_complain(dig->rt, "dig: %s: %s\n", server, error_text(length));
        return 1;
    }
    return print_reply(dig, (size_t)length, strata_rt_now(dig->rt) - begin);
}

/* ---- From the root down -------------------------------------------------------------------------- */

/** Shows each exchange in a line. */
static int traced_exchange(void *context, const struct strata_address *server, const uint8_t *query,
                           size_t query_size, uint8_t *reply, size_t room)
{
    struct dig *dig = context;
    struct strata_endpoint endpoint = {.address = *server, .port = (uint16_t)dig->port};
    char address[STRATA_ADDRESS_TEXT];
    int length = dns_exchange(&dig->exchange, &endpoint, query, query_size, reply, room);
    strata_address_format(server, address, sizeof address);
    struct text text = text_of(dig->line, 400);
    if (length >= 0)
        dns_print(&text, reply, (size_t)length);
    else
        text_string(&text, error_text(length));
    if (!dig->brief)
        strata_rt_print(dig->rt, ";; %s: %s\n", address, dig->line);
    return length;
}

static strata_time traced_now(void *context)
{
    const struct dig *dig = context;
    return strata_rt_now(dig->rt);
}

static void traced_random(void *context, void *data, size_t size)
{
    const struct dig *dig = context;
    strata_rt_random(dig->rt, data, size);
}

static void print_set(struct dig *dig, const struct dns_set *set)
{
    size_t position = 0, length;
    const uint8_t *data;
    while ((data = dns_set_next(set, &position, &length)) != NULL)
        print_record(dig, &set->name, set->ttl, set->type, data, length);
}

static int iterate(struct dig *dig)
{
    struct dns_upstream upstream = {dig, traced_exchange, traced_now, traced_random};
    struct dns_resolver *resolver = calloc(1, sizeof *resolver);
    struct dns_result *result = malloc(sizeof *result);
    int status = 1;
    dig->exchange.deadline = strata_rt_now(dig->rt) + dig->timeout_ns;
    if (resolver && result && dns_resolver_init(resolver, &upstream, 512) == 0) {
        if (dns_hints_read(dig->roots, resolver) < 1) {
            strata_rt_complain(dig->rt, "dig: not addresses: %s\n", dig->roots);
        } else if (dns_resolver_ask(resolver, &dig->question.name, dig->question.type, dig->exchange.deadline,
                                    result) == 0) {
            char rcode[24];
            struct text text = text_of(rcode, sizeof rcode);
            dns_rcode_print(&text, result->rcode);
            if (!dig->brief)
                strata_rt_print(dig->rt, ";; %s\n", rcode);
            for (unsigned i = 0; i < result->count; i++)
                print_set(dig, &result->sets[i]);
            status = result->rcode != DNS_NOERROR;
        }
        dns_resolver_free(resolver);
    }
    free(result);
    free(resolver);
    return status;
}

/* ---- The program --------------------------------------------------------------------------------- */

static int complain(struct dig *dig, const char *what, const char *text)
{
    strata_rt_complain(dig->rt, "dig: %s: %s\n", what, text);
    return -EINVAL;
}

/** "@SERVER", NAME and TYPE, in any order as long as the name comes before the type. */
static int read_words(struct dig *dig, const char **words, int count)
{
    bool named = false;
    dig->question = (struct dns_question){dns_name_root(), DNS_TYPE_A, DNS_CLASS_IN};
    if (dig->reverse) {
        struct strata_address address;
        if (strata_address_parse(dig->reverse, &address) < 0)
            return complain(dig, "not an address", dig->reverse);
        dns_name_reverse(&dig->question.name, &address);
        dig->question.type = DNS_TYPE_PTR;
        named = true;
    }
    for (int i = 0; i < count; i++) {
        size_t length = strlen(words[i]);
        if (words[i][0] == '@' && length > 1) {
            dig->server_text = words[i] + 1;
        } else if (!named) {
            if (dns_name_from_text(&dig->question.name, words[i], length, NULL) < 0)
                return complain(dig, "not a name", words[i]);
            named = true;
        } else {
            dig->question.type = dns_type_from_text(words[i], length);
            if (dig->question.type == 0)
                return complain(dig, "not a type", words[i]);
        }
    }
    return named ? 0 : complain(dig, "which name", "none was given");
}

static int find_server(struct dig *dig)
{
    int result;
    if (!dig->server_text) {
        result = dns_find_server(dig->rt, &dig->server);
        if (result < 0)
            strata_rt_complain(dig->rt, "dig: no name server is known; say @SERVER\n");
        return result;
    }
    dig->server.port = (uint16_t)dig->port;
    result = dns_resolve(dig->rt, dig->server_text, DNS_FAMILY_IPV4 | DNS_FAMILY_IPV6,
                         strata_rt_now(dig->rt) + dig->timeout_ns, &dig->server.address, 1);
    return result < 0 ? complain(dig, dig->server_text, error_text(result)) : 0;
}

int program_dig(struct strata_rt *rt, int argc, char **argv)
{
    const char *words[3];
    struct dig *dig = calloc(1, sizeof *dig);
    if (!dig)
        return 1;
    dig->rt = rt;
    dig->port = DNS_PORT;
    dig->timeout_ns = 15 * STRATA_SECOND;
    const struct option_entry entries[] = {
        {"--tcp", OPTION_FLAG, &dig->tcp, 0, 0},
        {"--no-recursion", OPTION_FLAG, &dig->no_recursion, 0, 0},
        {"--no-edns", OPTION_FLAG, &dig->plain, 0, 0},
        {"--short", OPTION_FLAG, &dig->brief, 0, 0},
        {"-x", OPTION_TEXT, &dig->reverse, 0, 0},
        {"--root", OPTION_TEXT, &dig->roots, 0, 0},
        {"--port", OPTION_NUMBER, &dig->port, 1, 65535},
        {"-p", OPTION_NUMBER, &dig->port, 1, 65535},
        {"--timeout", OPTION_SECONDS, &dig->timeout_ns, STRATA_MILLISECOND, 86400 * STRATA_SECOND},
    };
    const char *usage =
        "dig [@SERVER] NAME [TYPE] [-x ADDRESS] [--tcp] [--short] [--no-recursion] [--no-edns]"
        " [--port N] [--timeout SECONDS] [--root ADDRESS,...]";
    int count = options_parse(rt, argc, argv, usage, entries, sizeof entries / sizeof *entries, words, 3);
    int status = 2;
    if (count >= 0 && read_words(dig, words, count) == 0) {
        dig->exchange = (struct dns_exchange){.rt = rt,
                                              .patience_ns = 2 * STRATA_SECOND,
                                              .tries = 3,
                                              .deadline = STRATA_NEVER,
                                              .tcp = dig->tcp};
        if (dig->roots)
            status = iterate(dig);
        else
            status = find_server(dig) < 0 ? 1 : ask_server(dig);
    }
    free(dig);
    return status;
}
