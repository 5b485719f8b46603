/**
 * Zones: storage, lookup, and the rules that a whole zone must keep (RFC 1034 3.6.2, 4.2.1; RFC 2181 5, 10).
 */
#include "app/dns/zone.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define CHUNK_BYTES 65536u

struct dns_zone_chunk {
    struct dns_zone_chunk *next;
    size_t used, size;
    uint8_t bytes[];
};

void *dns_zone_memory(struct dns_zone *zone, size_t bytes)
{
    struct dns_zone_chunk *chunk = zone->chunks;
    if (!chunk || chunk->size - chunk->used < bytes) {
        size_t size = bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES;
        chunk = malloc(sizeof *chunk + size);
        if (!chunk)
            return NULL;
        *chunk = (struct dns_zone_chunk){.next = zone->chunks, .size = size};
        zone->chunks = chunk;
    }
    void *memory = chunk->bytes + chunk->used;
    chunk->used += bytes;
    return memory;
}

int dns_zone_append(struct dns_zone *zone, const struct dns_zone_record *record)
{
    if (zone->count == zone->room) {
        size_t room = zone->room ? zone->room * 2 : 16;
        struct dns_zone_record *records = realloc(zone->records, room * sizeof *records);
        if (!records)
            return -ENOMEM;
        zone->records = records;
        zone->room = room;
    }
    zone->records[zone->count++] = *record;
    return 0;
}

void dns_zone_free(struct dns_zone *zone)
{
    while (zone->chunks) {
        struct dns_zone_chunk *chunk = zone->chunks;
        zone->chunks = chunk->next;
        free(chunk);
    }
    free(zone->records);
    *zone = (struct dns_zone){0};
}

/* ---- Lookup -------------------------------------------------------------------------------------- */

/** The first record whose name is not before `name`. */
static size_t lower_bound(const struct dns_zone *zone, const struct dns_name *name)
{
    size_t low = 0, high = zone->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (dns_name_compare(&zone->records[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool dns_zone_node(const struct dns_zone *zone, const struct dns_name *name, struct dns_rrset *all)
{
    size_t first = lower_bound(zone, name), last = first;
    while (last < zone->count && dns_name_equal(&zone->records[last].name, name))
        last++;
    *all = (struct dns_rrset){zone->records + first, last - first};
    return all->count > 0;
}

bool dns_zone_find(const struct dns_zone *zone, const struct dns_name *name, uint16_t type,
                   struct dns_rrset *set)
{
    struct dns_rrset all;
    dns_zone_node(zone, name, &all);
    size_t first = 0;
    while (first < all.count && all.records[first].type != type)
        first++;
    size_t last = first;
    while (last < all.count && all.records[last].type == type)
        last++;
    *set = (struct dns_rrset){all.records + first, last - first};
    return set->count > 0;
}

bool dns_zone_exists(const struct dns_zone *zone, const struct dns_name *name)
{
    size_t first = lower_bound(zone, name);
    return first < zone->count && dns_name_is_within(&zone->records[first].name, name);
}

/* ---- The whole ----------------------------------------------------------------------------------- */

static int compare_data(const struct dns_zone_record *a, const struct dns_zone_record *b)
{
    size_t common = a->length < b->length ? a->length : b->length;
    int order = common ? memcmp(a->data, b->data, common) : 0;
    return order ? order : (int)a->length - (int)b->length;
}

/** A total order: name, type, place in the file. */
static int compare_records(const void *left, const void *right)
{
    const struct dns_zone_record *a = left, *b = right;
    int order = dns_name_compare(&a->name, &b->name);
    if (order)
        return order;
    if (a->type != b->type)
        return a->type < b->type ? -1 : 1;
    if (a->line != b->line)
        return a->line < b->line ? -1 : 1;
    return compare_data(a, b);
}

static bool same_set(const struct dns_zone_record *a, const struct dns_zone_record *b)
{
    return a->type == b->type && dns_name_equal(&a->name, &b->name);
}

/** Records that are said twice count once (RFC 2181-10), and a set has one TTL, the lowest (RFC 2181-2). */
static void tidy(struct dns_zone *zone)
{
    size_t kept = 0;
    for (size_t i = 0; i < zone->count;) {
        size_t first = kept, end = i;
        uint32_t ttl = zone->records[i].ttl;
        for (; end < zone->count && same_set(&zone->records[end], &zone->records[i]); end++)
            if (zone->records[end].ttl < ttl)
                ttl = zone->records[end].ttl;
        for (; i < end; i++) {
            bool known = false;
            for (size_t j = first; j < kept && !known; j++)
                known = compare_data(&zone->records[j], &zone->records[i]) == 0;
            if (!known)
                zone->records[kept++] = zone->records[i];
        }
        for (size_t j = first; j < kept; j++)
            zone->records[j].ttl = ttl;
    }
    zone->count = kept;
}

static int complain(struct dns_zone_error *error, unsigned line, const char *what,
                    const struct dns_name *name)
{
    char text[DNS_NAME_TEXT] = "";
    if (name)
        dns_name_to_text(name, text, sizeof text);
    error->line = line;
    snprintf(error->text, sizeof error->text, "%s%s%.100s", what, name ? " " : "", text);
    return -EINVAL;
}

/** CNAME stands alone; what NS and MX name in this zone is no alias (RFC 1034-1, RFC 2181-8). */
static int check_aliases(const struct dns_zone *zone, struct dns_zone_error *error)
{
    for (size_t i = 0; i < zone->count; i++) {
        const struct dns_zone_record *record = &zone->records[i];
        struct dns_rrset set;
        if (record->type == DNS_TYPE_CNAME) {
            dns_zone_node(zone, &record->name, &set);
            if (set.count > 1)
                return complain(error, record->line, "a CNAME stands beside other records of", &record->name);
        }
        if (record->type == DNS_TYPE_NS || record->type == DNS_TYPE_MX) {
            struct dns_name target;
            if (dns_rdata_name(record->type, record->data, record->length, &target) == 0 &&
                dns_zone_find(zone, &target, DNS_TYPE_CNAME, &set))
                return complain(error, record->line, "NS or MX names an alias:", &target);
        }
    }
    return 0;
}

int dns_zone_finish(struct dns_zone *zone, struct dns_zone_error *error)
{
    const struct dns_zone_record *soa = NULL;
    for (size_t i = 0; i < zone->count; i++) {
        if (zone->records[i].type != DNS_TYPE_SOA)
            continue;
        if (soa)
            return complain(error, zone->records[i].line, "a second SOA", NULL);
        soa = &zone->records[i];
    }
    if (!soa)
        return complain(error, 0, "no SOA", NULL);
    zone->origin = soa->name;
    for (size_t i = 0; i < zone->count; i++)
        if (!dns_name_is_within(&zone->records[i].name, &zone->origin))
            return complain(error, zone->records[i].line, "not inside the zone:", &zone->records[i].name);
    qsort(zone->records, zone->count, sizeof *zone->records, compare_records);
    tidy(zone);
    struct dns_rrset set;
    if (!dns_zone_find(zone, &zone->origin, DNS_TYPE_NS, &set))
        return complain(error, 0, "no NS for", &zone->origin);
    return check_aliases(zone, error);
}
