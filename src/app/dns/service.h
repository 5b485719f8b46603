/**
 * What every name server does around its answers: UDP and TCP on a port (RFC 1035 4.2, RFC 7766).
 */
#ifndef APP_DNS_SERVICE_H
#define APP_DNS_SERVICE_H

#include "wire/dns.h"

#include <strata/rt.h>

/** Connections at once, and how long one may be idle (RFC 7766 6.2.3). */
#define DNS_SERVICE_CONNECTIONS_MAX 256
#define DNS_SERVICE_IDLE_NS (20 * STRATA_SECOND)
/** Queries that wait for an answer at once; beyond that they are dropped. */
#define DNS_SERVICE_QUERIES_MAX 256

struct dns_service {
    struct strata_rt *rt;
    const char *name; /**< For what it prints. */
    uint16_t port;
    struct strata_address address; /**< All zero: any. */
    void *context;
    /** Answers a message; may wait. @return the reply's length in `room` (DNS_MESSAGE_MAX_BYTES), 0: none. */
    size_t (*answer)(void *context, const uint8_t *message, size_t size, bool tcp, uint8_t *room,
                     size_t room_size);
    bool waits; /**< Answers may wait, so each UDP query gets a fiber of its own. */
    int connections, queries;
};

/** Serves until cancelled. @return 0, or a negative errno if it could not begin. */
int dns_service_run(struct dns_service *service);

#endif
