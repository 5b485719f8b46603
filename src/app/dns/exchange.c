/**
 * Queries over UDP and TCP.
 *
 * Each UDP query goes out of a socket of its own: the port is one that the net draws so that it cannot be
 * guessed (RFC 5452 9.2), and a connected socket hears only the address and port that were asked (RFC
 * 5452 9.1). Whoever sends many wrong replies is guessing: then TCP is asked instead (RFC 5452 9.3).
 */
#include "app/dns/exchange.h"
#include "app/dns/set.h"

#include <errno.h>
#include <stdlib.h>

#define MISMATCHES_MAX 8

int dns_stream_read(struct strata_conn *conn, uint8_t *message, size_t room, strata_time deadline)
{
    uint8_t prefix[2];
    int64_t got = strata_rt_read_full(conn, prefix, sizeof prefix, deadline);
    if (got <= 0)
        return (int)got;
    size_t length = bytes_get16(prefix);
    if (got < 2 || length > room)
        return -EBADMSG;
    got = strata_rt_read_full(conn, message, length, deadline);
    if (got < 0)
        return (int)got;
    return (size_t)got == length ? (int)length : -EBADMSG;
}

static int ask_tcp(const struct dns_exchange *exchange, const struct strata_endpoint *server,
                   const uint8_t *query, size_t query_size, uint8_t *reply, size_t room)
{
    struct strata_conn *conn;
    strata_time limit = strata_rt_now(exchange->rt) + exchange->patience_ns * 4;
    limit = limit < exchange->deadline ? limit : exchange->deadline;
    int result = strata_rt_dial(exchange->rt, server, limit, &conn);
    if (result < 0)
        return result;
    uint8_t *framed = malloc(query_size + 2);
    int64_t sent = -ENOMEM;
    if (framed) { // RFC 7766-6: length and message in one write.
        bytes_put16(framed, (uint16_t)query_size);
        memcpy(framed + 2, query, query_size);
        sent = strata_rt_write(conn, framed, query_size + 2, limit);
    }
    free(framed);
    result = sent < 0 ? (int)sent : dns_stream_read(conn, reply, room, limit);
    strata_rt_close(conn);
    if (result == 0)
        return -ECONNRESET;
    if (result > 0 && !dns_reply_matches(query, query_size, reply, (size_t)result))
        return -EBADMSG;
    return result;
}

/** One try by UDP. @return the reply's length; -EAGAIN: somebody is guessing; a negative errno. */
static int ask_udp(const struct dns_exchange *exchange, const struct strata_endpoint *server,
                   const uint8_t *query, size_t query_size, uint8_t *reply, size_t room, strata_time limit)
{
    struct strata_conn *conn;
    int result = strata_rt_open(exchange->rt, 0, STRATA_DATAGRAM, &conn);
    if (result < 0)
        return result;
    struct strata_endpoint any = {.address = server->address};
    memset(any.address.bytes + (strata_address_is_ipv4(&any.address) ? 12 : 0), 0,
           strata_address_is_ipv4(&any.address) ? 4 : 16);
    struct strata_envelope envelope = {.size = sizeof envelope};
    int64_t got = strata_rt_bind(conn, &any);
    if (got == 0)
        got = strata_rt_connect(conn, server, limit);
    if (got == 0)
        got = strata_rt_send(conn, query, query_size, &envelope, limit);
    for (int wrong = 0; got >= 0;) {
        envelope = (struct strata_envelope){.size = sizeof envelope};
        got = strata_rt_receive(conn, reply, room, &envelope, limit);
        if (got < 0)
            break;
        if (!envelope.truncated && dns_reply_matches(query, query_size, reply, (size_t)got))
            break;
        if (++wrong == MISMATCHES_MAX) // RFC 5452-7
            got = -EAGAIN;
    }
    strata_rt_close(conn);
    return (int)got;
}

/** The query without EDNS, for a server that does not know it (RFC 6891-7). @return its length, or 0. */
static size_t plain_query(const uint8_t *query, size_t query_size, uint8_t *room, size_t size)
{
    struct dns_header header;
    struct dns_question question;
    size_t position = DNS_HEADER_BYTES;
    if (dns_header_parse(&header, query, query_size) < 0 || header.counts[DNS_ADDITIONAL] == 0 ||
        dns_question_parse(&question, query, query_size, &position) < 0)
        return 0;
    return dns_query_emit(room, size, header.id, header.recursion_desired, &question, 0);
}

static bool is_final(const uint8_t *reply, int length)
{
    struct dns_header header;
    return dns_header_parse(&header, reply, (size_t)length) > 0 && !header.truncated;
}

static bool refuses_edns(const uint8_t *reply, int length)
{
    struct dns_header header;
    return dns_header_parse(&header, reply, (size_t)length) > 0 &&
           (header.rcode == DNS_FORMERR || header.rcode == DNS_NOTIMP);
}

int dns_exchange(const struct dns_exchange *exchange, const struct strata_endpoint *server,
                 const uint8_t *query, size_t query_size, uint8_t *reply, size_t room)
{
    uint8_t plain[300];
    int result = -EAGAIN;
    strata_time patience = exchange->patience_ns;
    for (unsigned try = 0; try < exchange->tries && !exchange->tcp; try++) {
        strata_time limit = strata_rt_now(exchange->rt) + patience;
        limit = limit < exchange->deadline ? limit : exchange->deadline;
        result = ask_udp(exchange, server, query, query_size, reply, room, limit);
        size_t size = result > 0 && refuses_edns(reply, result)
                          ? plain_query(query, query_size, plain, sizeof plain)
                          : 0;
        if (size > 0) {
            query = plain;
            query_size = size;
            continue;
        }
        if (result != -ETIMEDOUT || strata_rt_now(exchange->rt) >= exchange->deadline)
            break;
        patience *= 2;
    }
    // RFC 2181-6: what was cut is thrown away.
    bool wants_tcp = result == -EAGAIN || (result > 0 && !is_final(reply, result));
    for (unsigned try = 0; wants_tcp && try < exchange->tries; try++) {
        result = ask_tcp(exchange, server, query, query_size, reply, room);
        // RFC 7766-7: a connection that was closed over an unanswered query is opened anew.
        wants_tcp = result == -ECONNRESET || result == -EPIPE;
    }
    return result;
}

/* ---- For resolvers ------------------------------------------------------------------------------- */

static int upstream_exchange(void *context, const struct strata_address *server, const uint8_t *query,
                             size_t query_size, uint8_t *reply, size_t room)
{
    const struct dns_exchange *exchange = context;
    struct strata_endpoint endpoint = {.address = *server, .port = DNS_PORT};
    return dns_exchange(exchange, &endpoint, query, query_size, reply, room);
}

static strata_time upstream_now(void *context)
{
    const struct dns_exchange *exchange = context;
    return strata_rt_now(exchange->rt);
}

static void upstream_random(void *context, void *data, size_t size)
{
    const struct dns_exchange *exchange = context;
    strata_rt_random(exchange->rt, data, size);
}

struct dns_upstream dns_upstream_of(struct dns_exchange *exchange)
{
    return (struct dns_upstream){exchange, upstream_exchange, upstream_now, upstream_random};
}
