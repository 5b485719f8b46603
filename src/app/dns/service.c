/**
 * The servers' common shell. By UDP the reply leaves from the address the query came to (RFC 2181 4.1); by
 * TCP queries are answered in turn on the connection they came by, each as soon as it is whole.
 */
#include "app/dns/service.h"
#include "app/dns/answer.h"
#include "app/dns/exchange.h"
#include "app/options.h"

#include <errno.h>
#include <stdlib.h>

/* ---- UDP ----------------------------------------------------------------------------------------- */

struct udp_query {
    struct dns_service *service;
    struct strata_conn *conn;
    struct strata_envelope envelope;
    size_t size;
    uint8_t reply[DNS_EDNS_BYTES > DNS_UDP_BYTES ? DNS_EDNS_BYTES : DNS_UDP_BYTES];
    uint8_t message[2048];
};

static void answer_udp(struct udp_query *query)
{
    struct dns_service *service = query->service;
    size_t length = service->answer(service->context, query->message, query->size, false, query->reply,
                                    sizeof query->reply);
    if (length == 0)
        return;
    // RFC 2181-1: from the address and port the query came to.
    struct strata_envelope back = {
        .size = sizeof back, .peer = query->envelope.peer, .local = query->envelope.local};
    strata_rt_send(query->conn, query->reply, length, &back, strata_rt_now(service->rt));
}

static void udp_query_main(void *argument)
{
    struct udp_query *query = argument;
    answer_udp(query);
    query->service->queries--;
    free(query);
}

/** Answers at once, or in a fiber if the answer may have to be waited for. @return the query for the next
 * one. */
static struct udp_query *handle_udp(struct dns_service *service, struct udp_query *query)
{
    if (!service->waits) {
        answer_udp(query);
        return query;
    }
    if (service->queries >= DNS_SERVICE_QUERIES_MAX)
        return query;
    struct udp_query *next = malloc(sizeof *next);
    if (!next || strata_rt_spawn(service->rt, "dns-query", udp_query_main, query, NULL) < 0) {
        free(next);
        return query;
    }
    service->queries++;
    *next = (struct udp_query){.service = service, .conn = query->conn};
    return next;
}

struct udp_server {
    struct dns_service *service;
    struct strata_conn *conn;
};

static void udp_main(void *argument)
{
    struct udp_server *self = argument;
    struct udp_query *query = malloc(sizeof *query);
    while (query) {
        query->service = self->service;
        query->conn = self->conn;
        query->envelope = (struct strata_envelope){.size = sizeof query->envelope};
        int64_t got = strata_rt_receive(self->conn, query->message, sizeof query->message, &query->envelope,
                                        STRATA_NEVER);
        if (got == -ECANCELED)
            break;
        if (got < 0 || query->envelope.truncated)
            continue;
        query->size = (size_t)got;
        query = handle_udp(self->service, query);
    }
    free(query);
    strata_rt_join(self->service->rt, STRATA_NEVER);
    strata_rt_close(self->conn);
    free(self);
}

/* ---- TCP ----------------------------------------------------------------------------------------- */

struct tcp_session {
    struct dns_service *service;
    struct strata_conn *conn;
    uint8_t message[DNS_MESSAGE_MAX_BYTES];
    uint8_t reply[2 + DNS_MESSAGE_MAX_BYTES];
};

static void tcp_main(void *argument)
{
    struct tcp_session *session = argument;
    struct dns_service *service = session->service;
    for (;;) {
        // RFC 7766-8: only a whole message makes the clock start anew; RFC 7766-5: half of one is waited for.
        strata_time deadline = strata_rt_now(service->rt) + DNS_SERVICE_IDLE_NS;
        int size = dns_stream_read(session->conn, session->message, sizeof session->message, deadline);
        if (size <= 0)
            break;
        size_t length = service->answer(service->context, session->message, (size_t)size, true,
                                        session->reply + 2, DNS_MESSAGE_MAX_BYTES);
        if (length == 0)
            break;
        bytes_put16(session->reply, (uint16_t)length); // RFC 1035-8, RFC 7766-6
        deadline = strata_rt_now(service->rt) + DNS_SERVICE_IDLE_NS;
        if (strata_rt_write(session->conn, session->reply, length + 2, deadline) < 0)
            break;
    }
    strata_rt_close(session->conn);
    service->connections--;
    free(session);
}

static void start_session(struct dns_service *service, struct strata_conn *conn)
{
    struct tcp_session *session = NULL;
    if (service->connections < DNS_SERVICE_CONNECTIONS_MAX)
        session = malloc(sizeof *session);
    if (session) {
        session->service = service;
        session->conn = conn;
        if (strata_rt_spawn(service->rt, "dns-session", tcp_main, session, NULL) == 0) {
            service->connections++;
            return;
        }
    }
    free(session);
    strata_rt_close(conn);
}

static int start_udp(struct dns_service *service, const struct strata_endpoint *local)
{
    struct udp_server *self = malloc(sizeof *self);
    if (!self)
        return -ENOMEM;
    self->service = service;
    int result = strata_rt_datagram(service->rt, local, &self->conn);
    if (result == 0) {
        result = strata_rt_spawn(service->rt, "dns-udp", udp_main, self, NULL);
        if (result < 0)
            strata_rt_close(self->conn);
    }
    if (result < 0)
        free(self);
    return result;
}

int dns_service_run(struct dns_service *service)
{
    struct strata_endpoint local = {.address = service->address, .port = service->port};
    struct strata_conn *listener = NULL, *conn;
    int result = strata_rt_listen(service->rt, &local, 64, &listener);
    if (result == 0)
        result = start_udp(service, &local);
    if (result < 0) {
        strata_rt_print(service->rt, "%s: port %u: %s\n", service->name, service->port, error_text(result));
        strata_rt_close(listener);
        return result;
    }
    for (;;) {
        result = strata_rt_accept(listener, STRATA_NEVER, &conn, NULL);
        if (result == 0)
            start_session(service, conn);
        else if (result == -ECANCELED ||
                 strata_rt_sleep(service->rt, strata_rt_now(service->rt) + 100 * STRATA_MILLISECOND) < 0)
            break;
    }
    strata_rt_close(listener);
    strata_rt_join(service->rt, STRATA_NEVER);
    return 0;
}
