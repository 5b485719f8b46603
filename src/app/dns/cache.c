/**
 * A hash table of facts with a list by last use; the longest unused goes when the table is full.
 */
#include "app/dns/cache.h"

#include <errno.h>
#include <stdlib.h>

struct dns_cache_entry {
    struct dns_cache_entry *next; /**< In its bucket. */
    struct dns_cache_entry *newer, *older;
    struct dns_name name; /**< What the fact is about; a set's own name may differ in case. */
    uint16_t type;        /**< 0: of the name as a whole (NXDOMAIN). */
    uint8_t rank, fact;
    strata_time expires;
    struct dns_set set; /**< Its data is `data`. */
    uint8_t data[];
};

int dns_cache_init(struct dns_cache *cache, unsigned entries_max, const struct siphash_key *key)
{
    *cache = (struct dns_cache){.count_max = entries_max, .key = *key, .bucket_count = 64};
    while (cache->bucket_count < entries_max)
        cache->bucket_count *= 2;
    cache->buckets = calloc(cache->bucket_count, sizeof(struct dns_cache_entry *));
    return cache->buckets ? 0 : -ENOMEM;
}

static struct dns_cache_entry **bucket_of(struct dns_cache *cache, const struct dns_name *name, uint16_t type)
{
    uint8_t folded[DNS_NAME_BYTES + 2];
    for (size_t i = 0; i < name->length; i++) {
        uint8_t c = name->bytes[i];
        folded[i] = c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
    }
    bytes_put16(folded + name->length, type);
    uint64_t hash = siphash(&cache->key, folded, name->length + 2u);
    return &cache->buckets[hash & (cache->bucket_count - 1)];
}

static void list_remove_entry(struct dns_cache *cache, struct dns_cache_entry *entry)
{
    *(entry->newer ? &entry->newer->older : &cache->newest) = entry->older;
    *(entry->older ? &entry->older->newer : &cache->oldest) = entry->newer;
}

static void list_add_newest(struct dns_cache *cache, struct dns_cache_entry *entry)
{
    entry->newer = NULL;
    entry->older = cache->newest;
    *(cache->newest ? &cache->newest->newer : &cache->oldest) = entry;
    cache->newest = entry;
}

static void drop(struct dns_cache *cache, struct dns_cache_entry *entry)
{
    struct dns_cache_entry **link = bucket_of(cache, &entry->name, entry->type);
    while (*link != entry)
        link = &(*link)->next;
    *link = entry->next;
    list_remove_entry(cache, entry);
    cache->count--;
    free(entry);
}

void dns_cache_free(struct dns_cache *cache)
{
    while (cache->oldest)
        drop(cache, cache->oldest);
    free(cache->buckets);
    cache->buckets = NULL;
}

/** The entry of a name and type; one that has run out is dropped. */
static struct dns_cache_entry *find(struct dns_cache *cache, const struct dns_name *name, uint16_t type,
                                    strata_time now)
{
    struct dns_cache_entry *entry = *bucket_of(cache, name, type);
    while (entry && (entry->type != type || !dns_name_equal(&entry->name, name)))
        entry = entry->next;
    if (entry && now >= entry->expires) {
        drop(cache, entry);
        return NULL;
    }
    return entry;
}

static void keep(struct dns_cache *cache, enum dns_fact fact, const struct dns_name *name, uint16_t type,
                 const struct dns_set *set, enum dns_rank rank, uint32_t ttl, strata_time now)
{
    struct dns_cache_entry *old = find(cache, name, type, now);
    if (ttl == 0) // RFC 1035-14
        return;
    if (old && old->rank > rank)
        return;
    struct dns_cache_entry *entry = malloc(sizeof *entry + set->bytes);
    if (!entry)
        return;
    // The old set goes as a whole (RFC 2181-3).
    if (old)
        drop(cache, old);
    while (cache->count >= cache->count_max)
        drop(cache, cache->oldest);
    *entry = (struct dns_cache_entry){.name = *name,
                                      .type = type,
                                      .rank = (uint8_t)rank,
                                      .fact = (uint8_t)fact,
                                      .expires = now + (strata_time)ttl * STRATA_SECOND,
                                      .set = *set};
    memcpy(entry->data, set->data, set->bytes);
    entry->set.data = entry->data;
    struct dns_cache_entry **bucket = bucket_of(cache, name, type);
    entry->next = *bucket;
    *bucket = entry;
    list_add_newest(cache, entry);
    cache->count++;
}

void dns_cache_put(struct dns_cache *cache, const struct dns_set *set, enum dns_rank rank, strata_time now)
{
    uint32_t ttl = set->ttl < DNS_CACHE_TTL_MAX_S ? set->ttl : DNS_CACHE_TTL_MAX_S;
    keep(cache, DNS_FACT_SET, &set->name, set->type, set, rank, ttl, now);
}

void dns_cache_deny(struct dns_cache *cache, enum dns_fact fact, const struct dns_name *name, uint16_t type,
                    const struct dns_set *set, strata_time now)
{
    size_t position = 0, length;
    const uint8_t *data = dns_set_next(set, &position, &length);
    struct dns_soa soa;
    if (!data || dns_rdata_soa(data, length, &soa) < 0)
        return;
    // RFC 2308-2: the lower of the SOA's TTL and its minimum.
    uint32_t ttl = dns_ttl(soa.minimum) < set->ttl ? dns_ttl(soa.minimum) : set->ttl;
    if (ttl > DNS_CACHE_NEGATIVE_MAX_S) // RFC 2308-6
        ttl = DNS_CACHE_NEGATIVE_MAX_S;
    // RFC 2308-3: a name that does not exist has no type.
    keep(cache, fact, name, fact == DNS_FACT_NXDOMAIN ? 0 : type, set, DNS_RANK_ANSWER, ttl, now);
}

bool dns_cache_get(struct dns_cache *cache, const struct dns_name *name, uint16_t type, enum dns_rank least,
                   strata_time now, enum dns_fact *fact, struct dns_set *set)
{
    struct dns_cache_entry *entry = find(cache, name, type, now);
    if (!entry)
        entry = find(cache, name, 0, now);
    if (!entry || entry->rank < least) // RFC 2181-5
        return false;
    list_remove_entry(cache, entry);
    list_add_newest(cache, entry);
    *fact = (enum dns_fact)entry->fact;
    *set = entry->set;
    set->ttl = (uint32_t)((entry->expires - now + STRATA_SECOND - 1) / STRATA_SECOND);
    return true;
}
