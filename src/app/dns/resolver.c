/**
 * Iterative resolution (RFC 1034 5.3.3) with the defences of RFC 5452: of a reply only that is believed for
 * which the server that sent it was asked, within the zone it speaks for; a referral must lead closer to the
 * name.
 */
#include "app/dns/resolver.h"
#include "app/dns/answer.h"

#include <errno.h>
#include <stdlib.h>

/** A zone, and who serves it. */
struct delegation {
    struct dns_name zone;
    struct dns_name names[DNS_RESOLVER_SERVERS_MAX];
    unsigned name_count;
    struct strata_address addresses[DNS_RESOLVER_SERVERS_MAX];
    unsigned address_count;
};

/** One question with all that it leads to. */
struct job {
    struct dns_resolver *resolver;
    unsigned queries_left;
    strata_time deadline;
};

/** Work on one name; on the heap, since names of servers are looked up inside. */
struct lookup {
    struct job *job;
    unsigned depth;
    struct dns_name name;
    uint16_t type;
    struct dns_result *result;
    struct delegation delegation;
    uint8_t query[512];
    uint8_t set_bytes[DNS_SET_BYTES];
    uint8_t reply[DNS_MESSAGE_MAX_BYTES];
    size_t reply_size;
    struct dns_part parts[DNS_SECTIONS];
};

/** What a reply was worth. */
enum verdict {
    VERDICT_DONE,     /**< The result is complete. */
    VERDICT_ALIAS,    /**< lookup->name is another now. */
    VERDICT_REFERRAL, /**< The delegation is closer now. */
    VERDICT_USELESS,  /**< Ask another server. */
};

static int look_up(struct job *job, const struct dns_name *name, uint16_t type, unsigned depth,
                   struct dns_result *result);

int dns_resolver_init(struct dns_resolver *resolver, const struct dns_upstream *upstream,
                      unsigned cache_entries)
{
    struct siphash_key key;
    *resolver = (struct dns_resolver){.upstream = *upstream};
    upstream->random(upstream->context, &key, sizeof key);
    return dns_cache_init(&resolver->cache, cache_entries, &key);
}

void dns_resolver_free(struct dns_resolver *resolver)
{
    dns_cache_free(&resolver->cache);
}

static strata_time now_of(const struct lookup *lookup)
{
    const struct dns_upstream *upstream = &lookup->job->resolver->upstream;
    return upstream->now(upstream->context);
}

static struct dns_cache *cache_of(const struct lookup *lookup)
{
    return &lookup->job->resolver->cache;
}

/* ---- Results ------------------------------------------------------------------------------------- */

static bool copy_set(struct dns_result *result, const struct dns_set *set, struct dns_set *to)
{
    if (DNS_RESULT_BYTES - result->used < set->bytes)
        return false;
    *to = *set;
    to->data = result->bytes + result->used;
    memcpy(result->bytes + result->used, set->data, set->bytes);
    result->used += set->bytes;
    return true;
}

static bool add_set(struct dns_result *result, const struct dns_set *set)
{
    if (result->count == DNS_RESULT_SETS || !copy_set(result, set, &result->sets[result->count]))
        return false;
    result->count++;
    return true;
}

/** Follows an alias. @return false: it cannot be followed, or leads round. */
static bool follow(struct lookup *lookup, const struct dns_set *alias)
{
    size_t position = 0, length;
    const uint8_t *data = dns_set_next(alias, &position, &length);
    struct dns_name target;
    if (alias->count != 1 || !data || dns_rdata_name(DNS_TYPE_CNAME, data, length, &target) < 0)
        return false;
    if (!add_set(lookup->result, alias) || lookup->result->count > DNS_RESOLVER_ALIASES_MAX)
        return false;
    for (unsigned i = 0; i < lookup->result->count; i++)
        if (dns_name_equal(&lookup->result->sets[i].name, &target))
            return false;
    lookup->name = target;
    return true;
}

/** An alias that leads nowhere ends the search. */
static enum verdict go_on(struct lookup *lookup, const struct dns_set *alias)
{
    if (follow(lookup, alias))
        return VERDICT_ALIAS;
    lookup->result->rcode = DNS_SERVFAIL;
    return VERDICT_DONE;
}

static enum verdict deny(struct lookup *lookup, enum dns_fact fact, const struct dns_set *soa)
{
    struct dns_result *result = lookup->result;
    result->rcode = fact == DNS_FACT_NXDOMAIN ? DNS_NXDOMAIN : DNS_NOERROR;
    if (soa)
        result->has_soa = copy_set(result, soa, &result->soa);
    return VERDICT_DONE;
}

/** What the cache knows. @return VERDICT_USELESS: nothing. */
static enum verdict ask_cache(struct lookup *lookup)
{
    enum dns_fact fact;
    struct dns_set set;
    strata_time now = now_of(lookup);
    if (dns_cache_get(cache_of(lookup), &lookup->name, lookup->type, DNS_RANK_ANSWER, now, &fact, &set)) {
        if (fact != DNS_FACT_SET)
            return deny(lookup, fact, &set); // RFC 2308-5
        return add_set(lookup->result, &set) ? VERDICT_DONE : VERDICT_USELESS;
    }
    if (lookup->type != DNS_TYPE_CNAME &&
        dns_cache_get(cache_of(lookup), &lookup->name, DNS_TYPE_CNAME, DNS_RANK_ANSWER, now, &fact, &set) &&
        fact == DNS_FACT_SET)
        return go_on(lookup, &set);
    return VERDICT_USELESS;
}

/* ---- Servers ------------------------------------------------------------------------------------- */

static void add_addresses(struct delegation *d, const struct dns_set *set)
{
    size_t position = 0, length;
    const uint8_t *data;
    while ((data = dns_set_next(set, &position, &length)) != NULL &&
           d->address_count < DNS_RESOLVER_SERVERS_MAX) {
        struct strata_address *address = &d->addresses[d->address_count++];
        if (length == 4)
            *address = strata_ipv4(data[0], data[1], data[2], data[3]);
        else
            memcpy(address->bytes, data, 16);
    }
}

/** Begins with a zone whose servers are not known yet. */
static struct delegation *begin_delegation(struct lookup *lookup, const struct dns_name *zone)
{
    struct delegation *d = &lookup->delegation;
    struct dns_name name = *zone; // It may lie in what is cleared.
    memset(d, 0, sizeof *d);
    d->zone = name;
    return d;
}

static void set_names(struct lookup *lookup, const struct dns_set *ns)
{
    struct delegation *d = begin_delegation(lookup, &ns->name);
    size_t position = 0, length;
    const uint8_t *data;
    while ((data = dns_set_next(ns, &position, &length)) != NULL && d->name_count < DNS_RESOLVER_SERVERS_MAX)
        if (dns_rdata_name(DNS_TYPE_NS, data, length, &d->names[d->name_count]) == 0)
            d->name_count++;
}

static const uint16_t families[] = {DNS_TYPE_A, DNS_TYPE_AAAA};

/** What addresses the cache has of the servers. */
static void collect_addresses(struct lookup *lookup)
{
    struct delegation *d = &lookup->delegation;
    enum dns_fact fact;
    struct dns_set set;
    for (unsigned f = 0; f < 2; f++)
        for (unsigned i = 0; i < d->name_count; i++)
            if (dns_cache_get(cache_of(lookup), &d->names[i], families[f], DNS_RANK_GLUE, now_of(lookup),
                              &fact, &set) &&
                fact == DNS_FACT_SET)
                add_addresses(d, &set);
}

/** The closest zone above `name` whose servers are known (RFC 1034-6); the root at last. */
static void closest_delegation(struct lookup *lookup, const struct dns_name *name)
{
    unsigned labels = dns_name_labels(name);
    for (unsigned skip = 0; skip < labels; skip++) {
        struct dns_name zone = dns_name_parent(name, skip);
        enum dns_fact fact;
        struct dns_set ns;
        if (!dns_cache_get(cache_of(lookup), &zone, DNS_TYPE_NS, DNS_RANK_REFERRAL, now_of(lookup), &fact,
                           &ns) ||
            fact != DNS_FACT_SET)
            continue;
        set_names(lookup, &ns);
        collect_addresses(lookup);
        // Servers that live in their own zone and whose addresses are forgotten cannot be found from here.
        for (unsigned i = 0; i < lookup->delegation.name_count; i++)
            if (!dns_name_is_within(&lookup->delegation.names[i], &zone))
                return;
        if (lookup->delegation.address_count > 0)
            return;
    }
    const struct dns_resolver *resolver = lookup->job->resolver;
    struct dns_name root = dns_name_root();
    struct delegation *d = begin_delegation(lookup, &root);
    d->address_count = resolver->hint_count;
    memcpy(d->addresses, resolver->hints, sizeof resolver->hints);
}

/** Looks up addresses of servers that came without. @return 0, -ECANCELED, -ENOMEM. */
static int find_addresses(struct lookup *lookup)
{
    struct delegation *d = &lookup->delegation;
    if (d->address_count > 0 || lookup->depth >= DNS_RESOLVER_DEPTH_MAX)
        return 0;
    struct dns_result *result = malloc(sizeof *result);
    int status = result ? 0 : -ENOMEM;
    for (unsigned i = 0; i < d->name_count && d->address_count == 0 && status == 0; i++) {
        if (dns_name_is_within(&d->names[i], &d->zone))
            continue;
        status = look_up(lookup->job, &d->names[i], DNS_TYPE_A, lookup->depth + 1, result);
        if (status == 0 && result->rcode == DNS_NOERROR && result->count > 0 &&
            result->sets[result->count - 1].type == DNS_TYPE_A)
            add_addresses(d, &result->sets[result->count - 1]);
    }
    free(result);
    return status;
}

/* ---- Replies ------------------------------------------------------------------------------------- */

static bool find_set(struct lookup *lookup, enum dns_section section, const struct dns_name *name,
                     uint16_t type, struct dns_set *set)
{
    return dns_message_set(lookup->reply, lookup->reply_size, &lookup->parts[section], name, type, set,
                           lookup->set_bytes);
}

/** The SOA in the authority section, of a zone that the name lies in and the server may speak for. */
static bool find_soa(struct lookup *lookup, struct dns_set *soa)
{
    size_t position = lookup->parts[DNS_AUTHORITY].position;
    for (unsigned i = 0; i < lookup->parts[DNS_AUTHORITY].count; i++) {
        struct dns_record record;
        if (dns_record_parse(&record, lookup->reply, lookup->reply_size, &position) < 0)
            return false;
        if (record.type == DNS_TYPE_SOA && dns_name_is_within(&lookup->name, &record.name) &&
            dns_name_is_within(&record.name, &lookup->delegation.zone))
            return find_set(lookup, DNS_AUTHORITY, &record.name, DNS_TYPE_SOA, soa);
    }
    return false;
}

/** Glue: addresses of the servers a referral names, if their names lie within the zone that refers (RFC
 * 5452-5). */
static void keep_glue(struct lookup *lookup, const struct dns_name *zone)
{
    struct delegation *d = &lookup->delegation;
    for (unsigned i = 0; i < d->name_count; i++)
        for (unsigned f = 0; f < 2; f++) {
            struct dns_set set;
            if (!dns_name_is_within(&d->names[i], zone) ||
                !find_set(lookup, DNS_ADDITIONAL, &d->names[i], families[f], &set))
                continue;
            dns_cache_put(cache_of(lookup), &set, DNS_RANK_GLUE, now_of(lookup));
            if (set.ttl == 0) // Good for this once.
                add_addresses(d, &set);
        }
}

/** RFC 1034-6: a zone below the one that was asked, and above or at the name. */
static bool take_referral(struct lookup *lookup)
{
    struct dns_name zone = lookup->delegation.zone;
    size_t position = lookup->parts[DNS_AUTHORITY].position;
    for (unsigned i = 0; i < lookup->parts[DNS_AUTHORITY].count; i++) {
        struct dns_record record;
        struct dns_set ns;
        if (dns_record_parse(&record, lookup->reply, lookup->reply_size, &position) < 0)
            return false;
        if (record.type != DNS_TYPE_NS || !dns_name_is_within(&lookup->name, &record.name) ||
            !dns_name_is_within(&record.name, &zone) || dns_name_equal(&record.name, &zone))
            continue;
        if (!find_set(lookup, DNS_AUTHORITY, &record.name, DNS_TYPE_NS, &ns))
            return false;
        dns_cache_put(cache_of(lookup), &ns, DNS_RANK_REFERRAL, now_of(lookup));
        set_names(lookup, &ns);
        keep_glue(lookup, &zone);
        collect_addresses(lookup);
        return true;
    }
    return false;
}

/** Judges a reply that matches the query. */
static enum verdict judge(struct lookup *lookup)
{
    struct dns_header header;
    struct dns_set set;
    bool aliased = false;
    if (dns_message_check(lookup->reply, lookup->reply_size) < 0 ||
        dns_header_parse(&header, lookup->reply, lookup->reply_size) < 0)
        return VERDICT_USELESS;
    if ((header.rcode != DNS_NOERROR && header.rcode != DNS_NXDOMAIN) || header.truncated)
        return VERDICT_USELESS;
    dns_message_parts(lookup->reply, lookup->reply_size, lookup->parts);
    // Only the servers of a zone answer for it; others repeat hearsay.
    while (header.authoritative && dns_name_is_within(&lookup->name, &lookup->delegation.zone)) {
        if (find_set(lookup, DNS_ANSWER, &lookup->name, lookup->type, &set)) {
            dns_cache_put(cache_of(lookup), &set, DNS_RANK_ANSWER, now_of(lookup));
            return add_set(lookup->result, &set) ? VERDICT_DONE : VERDICT_USELESS;
        }
        if (lookup->type == DNS_TYPE_CNAME ||
            !find_set(lookup, DNS_ANSWER, &lookup->name, DNS_TYPE_CNAME, &set))
            break;
        dns_cache_put(cache_of(lookup), &set, DNS_RANK_ANSWER, now_of(lookup));
        if (go_on(lookup, &set) == VERDICT_DONE)
            return VERDICT_DONE;
        aliased = true;
    }
    bool inside = dns_name_is_within(&lookup->name, &lookup->delegation.zone);
    bool soa = header.authoritative && inside && find_soa(lookup, &set);
    if (header.rcode == DNS_NXDOMAIN && header.authoritative && inside) { // RFC 2308-8: of the last alias
        if (soa)
            dns_cache_deny(cache_of(lookup), DNS_FACT_NXDOMAIN, &lookup->name, 0, &set, now_of(lookup));
        return deny(lookup, DNS_FACT_NXDOMAIN, soa ? &set : NULL);
    }
    if (soa) {
        dns_cache_deny(cache_of(lookup), DNS_FACT_NODATA, &lookup->name, lookup->type, &set, now_of(lookup));
        return deny(lookup, DNS_FACT_NODATA, &set);
    }
    if (aliased)
        return VERDICT_ALIAS;
    if (inside && take_referral(lookup))
        return VERDICT_REFERRAL;
    // RFC 2308-4: a denial without SOA is believed, and forgotten.
    return header.authoritative ? deny(lookup, DNS_FACT_NODATA, NULL) : VERDICT_USELESS;
}

/** Asks one server. @return a verdict, or a negative errno. */
static int ask_server(struct lookup *lookup, const struct strata_address *server)
{
    const struct dns_upstream *upstream = &lookup->job->resolver->upstream;
    struct dns_question question = {lookup->name, lookup->type, DNS_CLASS_IN};
    uint16_t id;
    upstream->random(upstream->context, &id, sizeof id); // RFC 5452-4
    size_t size = dns_query_emit(lookup->query, sizeof lookup->query, id, false, &question, DNS_EDNS_BYTES);
    lookup->job->queries_left--;
    int length = upstream->exchange(upstream->context, server, lookup->query, size, lookup->reply,
                                    sizeof lookup->reply);
    if (length < 0)
        return length == -ECANCELED ? length : VERDICT_USELESS;
    lookup->reply_size = (size_t)length;
    if (!dns_reply_matches(lookup->query, size, lookup->reply, lookup->reply_size)) // RFC 5452-2
        return VERDICT_USELESS;
    return judge(lookup);
}

/** Asks the servers of the delegation until one is of use. */
static int ask_servers(struct lookup *lookup)
{
    int result = find_addresses(lookup);
    if (result < 0)
        return result;
    struct delegation *d = &lookup->delegation;
    unsigned start = 0, count = d->address_count;
    struct strata_address servers[DNS_RESOLVER_SERVERS_MAX];
    memcpy(servers, d->addresses, sizeof servers);
    lookup->job->resolver->upstream.random(lookup->job->resolver->upstream.context, &start, sizeof start);
    for (unsigned i = 0; i < count && lookup->job->queries_left > 0 && now_of(lookup) < lookup->job->deadline;
         i++) {
        result = ask_server(lookup, &servers[(start + i) % count]);
        if (result != VERDICT_USELESS)
            return result;
    }
    return VERDICT_USELESS;
}

/** Goes down from the closest known zone until the name is answered, denied, or another. */
static int descend(struct lookup *lookup)
{
    if (now_of(lookup) >= lookup->job->deadline)
        return VERDICT_USELESS;
    closest_delegation(lookup, &lookup->name);
    for (unsigned zones = 0; zones < DNS_RESOLVER_ZONES_MAX; zones++) {
        int verdict = ask_servers(lookup);
        if (verdict != VERDICT_REFERRAL)
            return verdict;
    }
    return VERDICT_USELESS;
}

static int look_up(struct job *job, const struct dns_name *name, uint16_t type, unsigned depth,
                   struct dns_result *result)
{
    struct lookup *lookup = malloc(sizeof *lookup);
    if (!lookup)
        return -ENOMEM;
    lookup->job = job;
    lookup->depth = depth;
    lookup->name = *name;
    lookup->type = type;
    lookup->result = result;
    memset(result, 0, offsetof(struct dns_result, bytes));
    int verdict = VERDICT_ALIAS;
    while (verdict == VERDICT_ALIAS) {
        verdict = ask_cache(lookup);
        if (verdict == VERDICT_USELESS)
            verdict = descend(lookup);
    }
    free(lookup);
    if (verdict == VERDICT_USELESS)
        result->rcode = DNS_SERVFAIL;
    return verdict < 0 ? verdict : 0;
}

int dns_resolver_ask(struct dns_resolver *resolver, const struct dns_name *name, uint16_t type,
                     strata_time deadline, struct dns_result *result)
{
    struct job job = {resolver, DNS_RESOLVER_QUERIES_MAX, deadline};
    return look_up(&job, name, type, 0, result);
}
