/**
 * Names to addresses: the stub that asks a recursive server (RFC 1034 5.3.1).
 *
 * An address in text is itself, localhost is this host (RFC 6761 6.3). Then, on the kernel, /etc/hosts; then
 * the name server of the runtime, or else the first of /etc/resolv.conf.
 */
#include "app/dns/resolve.h"
#include "app/dns/answer.h"
#include "app/dns/exchange.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#define TRIES 3
#define PATIENCE_NS (2 * STRATA_SECOND)
#define SYSTEM_FILE_BYTES 16384u
#define ALIASES_MAX 10

static bool same_name(const char *a, size_t length, const char *b)
{
    struct dns_name x, y;
    return length > 0 && dns_name_from_text(&x, a, length, NULL) == 0 &&
           dns_name_from_text(&y, b, strlen(b), NULL) == 0 && dns_name_equal(&x, &y);
}

static bool is_wanted(const struct strata_address *address, unsigned families)
{
    return families & (strata_address_is_ipv4(address) ? DNS_FAMILY_IPV4 : DNS_FAMILY_IPV6);
}

/* ---- The system's files -------------------------------------------------------------------------- */

/** The beginning of a file of the system, with a NUL; empty if there is none, or on a host of ours. */
static char *system_file(struct strata_rt *rt, const char *path)
{
    struct strata_file *file;
    char *text = calloc(1, SYSTEM_FILE_BYTES);
    if (!text || strata_rt_host(rt, 0) || strata_rt_file_open(rt, path, O_RDONLY, &file) < 0)
        return text;
    int64_t got = strata_rt_file_read(file, text, SYSTEM_FILE_BYTES - 1, 0);
    text[got > 0 ? got : 0] = 0;
    strata_rt_file_close(file);
    return text;
}

/** The next word of a line, and behind it. @return its length, 0 at the line's end. */
static size_t next_word(const char **at)
{
    *at += strspn(*at, " \t");
    if (**at == '#' || **at == ';')
        return 0;
    return strcspn(*at, " \t\r\n");
}

static bool word_address(const char *word, size_t length, struct strata_address *address)
{
    char room[STRATA_ADDRESS_TEXT];
    if (length == 0 || length >= sizeof room)
        return false;
    memcpy(room, word, length);
    room[length] = 0;
    return strata_address_parse(room, address) == 0;
}

static const char *next_line(const char *line)
{
    line += strcspn(line, "\n");
    return line + (*line == '\n');
}

/** What /etc/hosts says. @return how many addresses. */
static int ask_hosts(struct strata_rt *rt, const char *name, unsigned families,
                     struct strata_address *addresses, int room)
{
    char *text = system_file(rt, "/etc/hosts");
    int count = 0;
    for (const char *line = text; line && *line && count < room; line = next_line(line)) {
        const char *at = line;
        size_t length = next_word(&at);
        struct strata_address address;
        if (!word_address(at, length, &address) || !is_wanted(&address, families))
            continue;
        for (at += length; (length = next_word(&at)) > 0; at += length)
            if (same_name(at, length, name)) {
                addresses[count++] = address;
                break;
            }
    }
    free(text);
    return count;
}

int dns_find_server(struct strata_rt *rt, struct strata_endpoint *server)
{
    if (strata_rt_resolver(rt, server) == 0)
        return 0;
    char *text = system_file(rt, "/etc/resolv.conf");
    int result = -EHOSTUNREACH;
    for (const char *line = text; line && *line && result < 0; line = next_line(line)) {
        const char *at = line;
        size_t length = next_word(&at);
        if (length != strlen("nameserver") || memcmp(at, "nameserver", length) != 0)
            continue;
        at += length;
        length = next_word(&at);
        if (word_address(at, length, &server->address))
            result = 0;
    }
    free(text);
    server->port = DNS_PORT;
    server->scope = 0;
    return result;
}

/* ---- The stub ------------------------------------------------------------------------------------ */

struct stub {
    struct dns_exchange exchange;
    struct strata_endpoint server;
    struct strata_address *addresses;
    int count, room;
    uint8_t reply[DNS_MESSAGE_MAX_BYTES];
    uint8_t set[DNS_SET_BYTES];
};

static void take_addresses(struct stub *stub, const struct dns_set *set)
{
    size_t position = 0, length;
    const uint8_t *data;
    while ((data = dns_set_next(set, &position, &length)) != NULL && stub->count < stub->room) {
        struct strata_address *address = &stub->addresses[stub->count++];
        if (length == 4)
            *address = strata_ipv4(data[0], data[1], data[2], data[3]);
        else
            memcpy(address->bytes, data, 16);
    }
}

/** Follows the aliases of a reply. @return how many addresses were taken. */
static int take_reply(struct stub *stub, size_t size, struct dns_name name, uint16_t type)
{
    struct dns_part parts[DNS_SECTIONS];
    struct dns_set set;
    if (dns_message_check(stub->reply, size) < 0)
        return -EBADMSG;
    dns_message_parts(stub->reply, size, parts);
    for (int i = 0; i < ALIASES_MAX; i++) {
        size_t position = 0, length;
        if (dns_message_set(stub->reply, size, &parts[DNS_ANSWER], &name, type, &set, stub->set)) {
            take_addresses(stub, &set);
            return set.count;
        }
        if (!dns_message_set(stub->reply, size, &parts[DNS_ANSWER], &name, DNS_TYPE_CNAME, &set, stub->set))
            break;
        const uint8_t *data = dns_set_next(&set, &position, &length);
        if (!data || dns_rdata_name(DNS_TYPE_CNAME, data, length, &name) < 0)
            break;
    }
    return 0;
}

/** Asks for one type. @return 0: answered, with or without addresses; a negative errno. */
static int ask(struct stub *stub, const struct dns_name *name, uint16_t type)
{
    uint8_t query[512];
    uint16_t id;
    struct dns_header header;
    struct dns_question question = {*name, type, DNS_CLASS_IN};
    strata_rt_random(stub->exchange.rt, &id, sizeof id);
    size_t size = dns_query_emit(query, sizeof query, id, true, &question, DNS_EDNS_BYTES);
    int length = dns_exchange(&stub->exchange, &stub->server, query, size, stub->reply, sizeof stub->reply);
    if (length < 0)
        return length;
    if (dns_header_parse(&header, stub->reply, (size_t)length) < 0)
        return -EBADMSG;
    if (header.rcode == DNS_NXDOMAIN)
        return -ENOENT;
    if (header.rcode != DNS_NOERROR)
        return -EHOSTUNREACH;
    int result = take_reply(stub, (size_t)length, *name, type);
    return result < 0 ? result : 0;
}

static int ask_server(struct strata_rt *rt, const struct dns_name *name, unsigned families,
                      strata_time deadline, struct strata_address *addresses, int room)
{
    struct stub *stub = malloc(sizeof *stub);
    if (!stub)
        return -ENOMEM;
    stub->exchange =
        (struct dns_exchange){.rt = rt, .patience_ns = PATIENCE_NS, .tries = TRIES, .deadline = deadline};
    stub->addresses = addresses;
    stub->count = 0;
    stub->room = room;
    int result = dns_find_server(rt, &stub->server);
    if (result == 0 && (families & DNS_FAMILY_IPV4))
        result = ask(stub, name, DNS_TYPE_A);
    // One family that answers is enough: an IPv6 address is asked for when there is none of IPv4.
    if (result == 0 && stub->count == 0 && (families & DNS_FAMILY_IPV6))
        result = ask(stub, name, DNS_TYPE_AAAA);
    int count = stub->count;
    free(stub);
    if (count > 0)
        return count;
    return result < 0 ? result : -ENOENT;
}

int dns_resolve(struct strata_rt *rt, const char *name, unsigned families, strata_time deadline,
                struct strata_address *addresses, int room)
{
    struct dns_name parsed;
    if (room < 1)
        return -EINVAL;
    if (strata_address_parse(name, &addresses[0]) == 0)
        return is_wanted(&addresses[0], families) ? 1 : -ENOENT;
    if (dns_name_from_text(&parsed, name, strlen(name), NULL) < 0)
        return -EINVAL;
    if (same_name(name, strlen(name), "localhost")) {
        addresses[0] = strata_ipv4(127, 0, 0, 1);
        if (!(families & DNS_FAMILY_IPV4))
            addresses[0] = (struct strata_address){{[15] = 1}};
        return 1;
    }
    int count = ask_hosts(rt, name, families, addresses, room);
    return count > 0 ? count : ask_server(rt, &parsed, families, deadline, addresses, room);
}
