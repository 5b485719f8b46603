/**
 * Answers from zones, in the steps of RFC 1034 4.3.2: find the zone, go down label by label, and meet a zone
 * cut, the name, a wildcard, or nothing. RFC 2308 3 on negative answers, RFC 2181 9 on truncation, RFC 4592
 * on wildcards.
 */
#include "app/dns/answer.h"

#define ALIASES_MAX 16u
/** Sets of records in one reply, for not saying one twice. */
#define SETS_MAX 64u

struct search {
    const struct dns_zone *zones;
    size_t zone_count;
    struct dns_reply *reply;
    uint16_t type;
    unsigned turn;
    struct dns_name name; /**< The name that is looked for: the question's, then that of each alias. */
    const struct dns_zone_record *sets[SETS_MAX]; /**< The first records of sets that are in the reply. */
    unsigned set_count;
    bool full; /**< Something required did not fit: TC is set, nothing more is added. */
};

/** The zone nearest above a name. */
static const struct dns_zone *find_zone(const struct search *search, const struct dns_name *name)
{
    const struct dns_zone *best = NULL;
    for (size_t i = 0; i < search->zone_count; i++) {
        const struct dns_zone *zone = &search->zones[i];
        if (dns_name_is_within(name, &zone->origin) && (!best || zone->origin.length > best->origin.length))
            best = zone;
    }
    return best;
}

/* ---- Sections ------------------------------------------------------------------------------------ */

static bool is_in_reply(const struct search *search, const struct dns_rrset *set)
{
    for (unsigned i = 0; i < search->set_count; i++)
        if (search->sets[i] == set->records)
            return true;
    return false;
}

/**
 * Adds a whole set, or nothing of it. `owner` is its name in the reply (a wildcard's is the name asked for);
 * `ttl` caps the TTL. What is required and does not fit sets TC (RFC 2181-6).
 */
static void add_set(struct search *search, enum dns_section section, const struct dns_name *owner,
                    const struct dns_rrset *set, uint32_t ttl, bool required)
{
    struct dns_writer *writer = &search->reply->writer, mark = *writer;
    if (search->full || (is_in_reply(search, set) && section == DNS_ADDITIONAL)) // RFC 2181-10
        return;
    bool rotates = set->records[0].type == DNS_TYPE_A || set->records[0].type == DNS_TYPE_AAAA;
    for (size_t i = 0; i < set->count; i++) {
        const struct dns_zone_record *record = &set->records[(i + (rotates ? search->turn : 0)) % set->count];
        if (dns_write_record(writer, section, owner, record->type, DNS_CLASS_IN,
                             record->ttl < ttl ? record->ttl : ttl, record->data, record->length) == 0)
            continue;
        dns_writer_rewind(writer, &mark);
        if (required)
            search->full = search->reply->header.truncated = true;
        return;
    }
    if (search->set_count < SETS_MAX)
        search->sets[search->set_count++] = set->records;
}

/** The addresses of what a set of NS, MX or SRV names, from zones of ours. */
static void add_addresses(struct search *search, const struct dns_rrset *set, bool required)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct dns_zone_record *record = &set->records[i];
        struct dns_name target;
        struct dns_rrset addresses;
        if (dns_rdata_name(record->type, record->data, record->length, &target) < 0)
            continue;
        const struct dns_zone *zone = find_zone(search, &target);
        // Glue below a cut stands in the zone above it; without it the servers below could not be found.
        bool glue = required && dns_name_is_within(&target, &record->name);
        for (int family = 0; zone && family < 2; family++)
            if (dns_zone_find(zone, &target, family ? DNS_TYPE_AAAA : DNS_TYPE_A, &addresses))
                add_set(search, DNS_ADDITIONAL, &target, &addresses, UINT32_MAX, glue);
    }
}

/** RFC 2308-1: a negative answer shows the zone's SOA, with the time for which it may be remembered (RFC
 * 2308-2). */
static void add_soa(struct search *search, const struct dns_zone *zone)
{
    struct dns_rrset set;
    struct dns_soa soa;
    if (dns_zone_find(zone, &zone->origin, DNS_TYPE_SOA, &set) &&
        dns_rdata_soa(set.records->data, set.records->length, &soa) == 0)
        add_set(search, DNS_AUTHORITY, &zone->origin, &set, dns_ttl(soa.minimum), true);
}

/* ---- The search ---------------------------------------------------------------------------------- */

/** The highest cut between the zone's top and the name, the name included. */
static bool find_cut(const struct dns_zone *zone, const struct dns_name *name, struct dns_rrset *set)
{
    unsigned labels = dns_name_labels(name), top = dns_name_labels(&zone->origin);
    for (unsigned skip = labels - top; skip-- > 0;) {
        struct dns_name node = dns_name_parent(name, skip);
        if (dns_zone_find(zone, &node, DNS_TYPE_NS, set))
            return true;
    }
    return false;
}

/** RFC 1034-4: where another zone begins, its servers are named, with their addresses. */
static void refer(struct search *search, const struct dns_rrset *cut)
{
    if (search->reply->writer.counts[DNS_ANSWER] == 0)
        search->reply->header.authoritative = false; // RFC 1035-11
    add_set(search, DNS_AUTHORITY, &cut->records->name, cut, UINT32_MAX, true);
    add_addresses(search, cut, true);
}

/** Answers from the records of a node that exists. @return true: an alias leads on to search->name. */
static bool take_node(struct search *search, const struct dns_zone *zone, const struct dns_rrset *node)
{
    struct dns_name owner = search->name;
    bool found = false;
    for (size_t i = 0; i < node->count;) {
        struct dns_rrset set = {node->records + i, 1};
        uint16_t type = set.records->type;
        while (i + set.count < node->count && node->records[i + set.count].type == type)
            set.count++;
        i += set.count;
        bool alias = type == DNS_TYPE_CNAME && search->type != DNS_TYPE_CNAME && search->type != DNS_TYPE_ANY;
        if (!alias && type != search->type && search->type != DNS_TYPE_ANY)
            continue;
        found = true;
        if (alias && is_in_reply(search, &set)) // Round and round: what is said already is all there is.
            return false;
        add_set(search, DNS_ANSWER, &owner, &set, UINT32_MAX, true);
        if (type == DNS_TYPE_NS || type == DNS_TYPE_MX || type == DNS_TYPE_SRV)
            add_addresses(search, &set, false);
        if (alias) // RFC 1034-2
            return dns_rdata_name(type, set.records->data, set.records->length, &search->name) == 0;
    }
    if (!found)
        add_soa(search, zone);
    return false;
}

/** Nothing has this name: a wildcard beside the closest name that exists, or a denial (RFC 1034-3). */
static bool take_wildcard(struct search *search, const struct dns_zone *zone)
{
    struct dns_name encloser = dns_name_parent(&search->name, 1), wildcard;
    while (!dns_zone_exists(zone, &encloser))
        encloser = dns_name_parent(&encloser, 1);
    struct dns_rrset node;
    if (dns_name_wildcard(&wildcard, &encloser) == 0 && dns_zone_node(zone, &wildcard, &node))
        return take_node(search, zone, &node);
    search->reply->rcode = DNS_NXDOMAIN; // RFC 2308-8: of the last alias, if there were any
    add_soa(search, zone);
    return false;
}

/** One round for search->name. @return true: an alias leads on. */
static bool search_name(struct search *search, bool first)
{
    const struct dns_zone *zone = find_zone(search, &search->name);
    struct dns_rrset set;
    if (!zone) {
        if (first)
            search->reply->rcode = DNS_REFUSED;
        return false; // An alias that leads out of our zones: the resolver goes on from there.
    }
    if (first)
        search->reply->header.authoritative = true; // RFC 1035-11: AA speaks of the first name.
    if (find_cut(zone, &search->name, &set)) {
        refer(search, &set);
        return false;
    }
    if (dns_zone_node(zone, &search->name, &set))
        return take_node(search, zone, &set);
    if (!dns_zone_exists(zone, &search->name))
        return take_wildcard(search, zone);
    add_soa(search, zone); // An empty non-terminal exists, and has no data.
    return false;
}

static void run(struct search *search)
{
    const struct dns_question *question = &search->reply->query->question;
    bool zone_transfer = question->type == DNS_TYPE_AXFR || question->type == DNS_TYPE_IXFR;
    bool other_class = question->class != DNS_CLASS_IN && question->class != DNS_CLASS_ANY;
    if (zone_transfer || other_class) {
        search->reply->rcode = DNS_REFUSED;
        return;
    }
    search->name = question->name;
    search->type = question->type;
    for (unsigned i = 0; i < ALIASES_MAX && search_name(search, i == 0) && !search->full; i++)
        ;
}

size_t dns_answer(const struct dns_zone *zones, size_t zone_count, const uint8_t *message, size_t size,
                  bool tcp, unsigned turn, uint8_t *room, size_t room_size)
{
    struct dns_query query;
    struct dns_reply reply;
    if (!dns_query_parse(&query, message, size))
        return 0;
    dns_reply_begin(&reply, &query, room, room_size, tcp);
    if (query.rcode == DNS_NOERROR) {
        struct search search = {.zones = zones, .zone_count = zone_count, .reply = &reply, .turn = turn};
        run(&search);
    }
    return dns_reply_finish(&reply);
}
