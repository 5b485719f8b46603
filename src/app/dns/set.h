/**
 * Sets of records (all of one name and type) as resolvers pass them on: taken from messages whole, never
 * merged.
 */
#ifndef APP_DNS_SET_H
#define APP_DNS_SET_H

#include "wire/dns.h"

#define DNS_SET_BYTES 4096u

/** Data is packed: two octets of length, then expanded data, record after record. */
struct dns_set {
    struct dns_name name;
    uint16_t type;
    uint16_t count;
    uint32_t ttl;   /**< The lowest of its records' (RFC 2181 5.2). */
    uint16_t bytes; /**< Of data. */
    const uint8_t *data;
};

/** Where the records of a section begin and how many there are. */
struct dns_part {
    size_t position;
    unsigned count;
};
/** Finds the sections of a message that dns_message_check found well formed. */
void dns_message_parts(const uint8_t *message, size_t size, struct dns_part parts[DNS_SECTIONS]);
/**
 * All records of a name and type (class IN) in a section, in `room` of DNS_SET_BYTES. Records said twice
 * count once.
 * @return whether there are any; false as well if they do not fit.
 */
bool dns_message_set(const uint8_t *message, size_t size, const struct dns_part *part,
                     const struct dns_name *name, uint16_t type, struct dns_set *set, uint8_t *room);
/** The next record's data. *position is 0 at first. @return NULL: no more. */
const uint8_t *dns_set_next(const struct dns_set *set, size_t *position, size_t *length);
/** Writes a set into a section, beginning with its `turn`-th record. @return 0, -ENOSPC with nothing written.
 */
int dns_set_write(struct dns_writer *writer, enum dns_section section, const struct dns_set *set,
                  unsigned turn);

/** Whether a message is the reply to this query: id, opcode, question (RFC 5452 9.1). Addresses are the
 * caller's. */
bool dns_reply_matches(const uint8_t *query, size_t query_size, const uint8_t *reply, size_t size);

#endif
