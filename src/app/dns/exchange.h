/**
 * One query and its reply over the network: UDP with retries, then TCP if the reply was cut (RFC 1035 4.2,
 * RFC 5452, RFC 6891, RFC 7766).
 */
#ifndef APP_DNS_EXCHANGE_H
#define APP_DNS_EXCHANGE_H

#include "app/dns/resolver.h"

#include <strata/rt.h>

struct dns_exchange {
    struct strata_rt *rt;
    strata_time patience_ns; /**< For one try; doubled for the next. */
    unsigned tries;
    strata_time deadline; /**< For all of it. */
    bool tcp;             /**< Do not begin with UDP. */
};

/**
 * Sends a query (its id is the caller's, drawn) and waits for the reply that matches it.
 * @return its length in `reply`; -ETIMEDOUT, -ECONNREFUSED ..., -ECANCELED.
 */
int dns_exchange(const struct dns_exchange *exchange, const struct strata_endpoint *server,
                 const uint8_t *query, size_t query_size, uint8_t *reply, size_t room);

/** The exchange, clock and randomness of a runtime as a resolver wants them; `exchange` must outlive it. */
struct dns_upstream dns_upstream_of(struct dns_exchange *exchange);

/** Reads one message with its two octets of length from a stream. @return its length, 0: the end, a negative
 * errno. */
int dns_stream_read(struct strata_conn *conn, uint8_t *message, size_t room, strata_time deadline);

#endif
