/**
 * The cache of a resolver (RFC 1034 3.6, RFC 2181 5.4, RFC 2308): sets of records and denials, for as long as
 * they were said to hold, each with the rank of where it was heard.
 */
#ifndef APP_DNS_CACHE_H
#define APP_DNS_CACHE_H

#include "app/dns/set.h"
#include "base/random.h"

/** How far what was heard is believed (RFC 2181 5.4.1), in rising order. */
enum dns_rank {
    DNS_RANK_GLUE,     /**< The additional section: only to find servers by. */
    DNS_RANK_REFERRAL, /**< NS of a zone from the zone above it. */
    DNS_RANK_ANSWER,   /**< An authoritative answer. */
};
enum dns_fact {
    DNS_FACT_SET,
    DNS_FACT_NODATA,   /**< The name has no records of the type. */
    DNS_FACT_NXDOMAIN, /**< The name does not exist. */
};

/** Caps on what is believed about time, in seconds (RFC 8767 4, RFC 2308 5). */
#define DNS_CACHE_TTL_MAX_S 604800u
#define DNS_CACHE_NEGATIVE_MAX_S 10800u

struct dns_cache_entry;
struct dns_cache {
    struct dns_cache_entry **buckets;
    unsigned bucket_count, count, count_max;
    struct dns_cache_entry *newest, *oldest; /**< By last use. */
    struct siphash_key key;
};

/** @return 0, -ENOMEM. */
int dns_cache_init(struct dns_cache *cache, unsigned entries_max, const struct siphash_key *key);
void dns_cache_free(struct dns_cache *cache);
/** Keeps a set; one of lower rank does not replace one of higher that still holds (RFC 2181 5.4.1). */
void dns_cache_put(struct dns_cache *cache, const struct dns_set *set, enum dns_rank rank, strata_time now);
/** Keeps a denial for the time its SOA allows (RFC 2308 5). */
void dns_cache_deny(struct dns_cache *cache, enum dns_fact fact, const struct dns_name *name, uint16_t type,
                    const struct dns_set *soa, strata_time now);
/**
 * What is known of a name and type, of at least this rank. For a denial `set` is the SOA.
 * @return whether anything is; `set` (TTL counted down) is valid until the cache changes.
 */
bool dns_cache_get(struct dns_cache *cache, const struct dns_name *name, uint16_t type, enum dns_rank least,
                   strata_time now, enum dns_fact *fact, struct dns_set *set);

#endif
