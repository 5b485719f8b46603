/**
 * Zones of the DNS in memory, and the reader of their master files (RFC 1035 5).
 *
 * A zone is a sorted array of records: by name in canonical order (RFC 4034 6.1), then by type. In that order
 * a name stands directly before everything below it, so one binary search tells whether a name has records,
 * whether something lies below it (an empty non-terminal), or whether it does not exist.
 */
#ifndef APP_DNS_ZONE_H
#define APP_DNS_ZONE_H

#include "wire/dns.h"

struct dns_zone_record {
    struct dns_name name;
    uint16_t type;
    uint16_t length;
    uint32_t ttl;
    unsigned line;       /**< Of the file. */
    const uint8_t *data; /**< Expanded; in the zone's memory. */
};

struct dns_zone {
    struct dns_name origin; /**< Where the SOA stands. */
    struct dns_zone_record *records;
    size_t count;
    /* The reader's memory. */
    size_t room;
    struct dns_zone_chunk *chunks;
};

/** What is wrong with a file, and where. */
struct dns_zone_error {
    unsigned line; /**< 0: of the zone as a whole. */
    char text[160];
};

/**
 * Reads a master file. `origin` is what names are relative to until $ORIGIN says otherwise (NULL: the root).
 * @return 0; -EINVAL with `error`; -ENOMEM. The zone must be freed in any case.
 */
int dns_zone_parse(struct dns_zone *zone, const char *text, size_t size, const struct dns_name *origin,
                   struct dns_zone_error *error);
void dns_zone_free(struct dns_zone *zone);

/** What a zone has of one name and type. */
struct dns_rrset {
    const struct dns_zone_record *records;
    size_t count;
};
/** @return whether there are any. */
bool dns_zone_find(const struct dns_zone *zone, const struct dns_name *name, uint16_t type,
                   struct dns_rrset *set);
/** All records of a name. @return whether there are any. */
bool dns_zone_node(const struct dns_zone *zone, const struct dns_name *name, struct dns_rrset *all);
/** Whether the name exists: it has records, or something below it has. */
bool dns_zone_exists(const struct dns_zone *zone, const struct dns_name *name);

/* For the reader. */

/** Memory that lives as long as the zone; NULL: there is none. */
void *dns_zone_memory(struct dns_zone *zone, size_t bytes);
/** Appends a record. @return 0, -ENOMEM. */
int dns_zone_append(struct dns_zone *zone, const struct dns_zone_record *record);
/** Sorts, removes duplicates, and checks what only the whole can show. @return 0, -EINVAL with `error`. */
int dns_zone_finish(struct dns_zone *zone, struct dns_zone_error *error);
/** Reads the data of a record from the words of its line. @return its length, -EINVAL with `why`. */
struct dns_words {
    const char *const *text;
    const size_t *length;
    const bool *quoted;
    unsigned count;
};
int dns_zone_data(uint16_t type, const struct dns_words *words, const struct dns_name *origin, uint8_t *room,
                  size_t size, const char **why);
/** Reads "3600" or "1h30m". @return 0, -EINVAL. */
int dns_zone_ttl(const char *text, size_t length, uint32_t *ttl);

#endif
