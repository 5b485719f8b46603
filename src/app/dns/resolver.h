/**
 * The iterative resolver (RFC 1034 5.3.3): from the root to the servers that know, with a cache.
 *
 * It talks to servers through a table, so it runs on fibers and sockets as well as on a test's literals.
 */
#ifndef APP_DNS_RESOLVER_H
#define APP_DNS_RESOLVER_H

#include "app/dns/cache.h"

/** Queries per question, whatever it leads to (RFC 1034 5.3.3). */
#define DNS_RESOLVER_QUERIES_MAX 40u
/** Aliases followed, zones gone down, names of servers looked up inside one another. */
#define DNS_RESOLVER_ALIASES_MAX 10u
#define DNS_RESOLVER_ZONES_MAX 16u
#define DNS_RESOLVER_DEPTH_MAX 4u
#define DNS_RESOLVER_SERVERS_MAX 16u
#define DNS_RESOLVER_HINTS_MAX 16u

/** How servers are asked. */
struct dns_upstream {
    void *context;
    /** Sends a query and waits for the reply that matches it. @return its length, or a negative errno. */
    int (*exchange)(void *context, const struct strata_address *server, const uint8_t *query,
                    size_t query_size, uint8_t *reply, size_t room);
    strata_time (*now)(void *context);
    void (*random)(void *context, void *data, size_t size);
};

struct dns_resolver {
    struct dns_upstream upstream;
    struct dns_cache cache;
    struct strata_address hints[DNS_RESOLVER_HINTS_MAX]; /**< Servers of the root. */
    unsigned hint_count;
};

#define DNS_RESULT_SETS 12u
#define DNS_RESULT_BYTES 16384u
/** What was found: the aliases and then the set, or a denial. */
struct dns_result {
    unsigned rcode; /**< DNS_NOERROR, DNS_NXDOMAIN, DNS_SERVFAIL. */
    unsigned count;
    struct dns_set sets[DNS_RESULT_SETS];
    bool has_soa;
    struct dns_set soa;
    size_t used;
    uint8_t bytes[DNS_RESULT_BYTES];
};

/** @return 0, -ENOMEM. */
int dns_resolver_init(struct dns_resolver *resolver, const struct dns_upstream *upstream,
                      unsigned cache_entries);
void dns_resolver_free(struct dns_resolver *resolver);
/**
 * Looks a question up, until `deadline` at most; one that has passed asks the cache alone.
 * @return 0 with the result, or -ECANCELED, -ENOMEM.
 */
int dns_resolver_ask(struct dns_resolver *resolver, const struct dns_name *name, uint16_t type,
                     strata_time deadline, struct dns_result *result);

#endif
