/**
 * DNS messages (RFC 1035 4, RFC 2181, RFC 3596, RFC 2782, RFC 6891): names, header, questions, resource
 * records.
 *
 * A name is kept in its uncompressed wire form. Parsers follow compression pointers, which may only point to
 * earlier bytes than the name itself, so that every name ends. Letters compare without case and keep the case
 * they came in. A parser returns 0 or -EBADMSG and advances a position in the message.
 */
#ifndef WIRE_DNS_H
#define WIRE_DNS_H

#include "wire/wire.h"

#include "base/text.h"

#define DNS_PORT 53
#define DNS_HEADER_BYTES 12u
#define DNS_NAME_BYTES 255u
#define DNS_LABEL_BYTES 63u
/** Room that a name as text needs at most: every octet as \DDD, dots, and the NUL. */
#define DNS_NAME_TEXT 1024u
/** What a UDP message may hold without EDNS (RFC 1035 4.2.1). */
#define DNS_UDP_BYTES 512u
#define DNS_MESSAGE_MAX_BYTES 65535u

enum {
    DNS_TYPE_A = 1,
    DNS_TYPE_NS = 2,
    DNS_TYPE_CNAME = 5,
    DNS_TYPE_SOA = 6,
    DNS_TYPE_PTR = 12,
    DNS_TYPE_MX = 15,
    DNS_TYPE_TXT = 16,
    DNS_TYPE_AAAA = 28,
    DNS_TYPE_SRV = 33,
    DNS_TYPE_DNAME = 39,
    DNS_TYPE_OPT = 41,
    DNS_TYPE_IXFR = 251,
    DNS_TYPE_AXFR = 252,
    DNS_TYPE_ANY = 255,
};
enum {
    DNS_CLASS_IN = 1,
    DNS_CLASS_ANY = 255,
};
enum {
    DNS_OPCODE_QUERY = 0,
};
enum {
    DNS_NOERROR = 0,
    DNS_FORMERR = 1,
    DNS_SERVFAIL = 2,
    DNS_NXDOMAIN = 3,
    DNS_NOTIMP = 4,
    DNS_REFUSED = 5,
    DNS_BADVERS = 16,
};
/** Sections of a message; the index of struct dns_header's counts. */
enum dns_section {
    DNS_QUESTION,
    DNS_ANSWER,
    DNS_AUTHORITY,
    DNS_ADDITIONAL,
    DNS_SECTIONS,
};

/* ---- Names --------------------------------------------------------------------------------------- */

/** A name: labels with their length bytes, and the root's zero at the end. */
struct dns_name {
    uint8_t length; /**< At least 1. */
    uint8_t bytes[DNS_NAME_BYTES];
};

/** The root. */
struct dns_name dns_name_root(void);
/** Reads a name at *position and moves behind it. @return 0, -EBADMSG. */
int dns_name_parse(struct dns_name *name, const uint8_t *message, size_t size, size_t *position);
/** Whether two names are the same, letters without case. */
bool dns_name_equal(const struct dns_name *a, const struct dns_name *b);
/** Whether a name is `zone` or lies below it. */
bool dns_name_is_within(const struct dns_name *name, const struct dns_name *zone);
/** Labels, the root not counted. */
unsigned dns_name_labels(const struct dns_name *name);
/** The name without its first `count` labels; the root at the latest. */
struct dns_name dns_name_parent(const struct dns_name *name, unsigned count);
/** The canonical order (RFC 4034 6.1): a name stands directly before all that lies below it. @return <0, 0,
 * >0. */
int dns_name_compare(const struct dns_name *a, const struct dns_name *b);
/** "*.parent". @return 0, -EINVAL: too long. */
int dns_name_wildcard(struct dns_name *name, const struct dns_name *parent);
/** Reads "www.example.org." with \DDD and \X escapes; without the last dot it is relative to `origin` (NULL:
 * the root); "@" is the origin. @return 0, -EINVAL: an empty or long label, a name too long, a bad escape. */
int dns_name_from_text(struct dns_name *name, const char *text, size_t length, const struct dns_name *origin);
/** Writes a name as text, with its last dot. @return the length. */
size_t dns_name_to_text(const struct dns_name *name, char *text, size_t size);
/** The name under in-addr.arpa or ip6.arpa that stands for an address (RFC 1035 3.5, RFC 3596 2.5). */
void dns_name_reverse(struct dns_name *name, const struct strata_address *address);

/* ---- Header, questions, records ------------------------------------------------------------------ */

struct dns_header {
    uint16_t id;
    bool response;
    uint8_t opcode;
    bool authoritative, truncated, recursion_desired, recursion_available;
    bool authentic, checking_disabled; /**< AD and CD (RFC 4035). */
    uint8_t rcode;                     /**< Its lower four bits; see struct dns_edns. */
    uint16_t counts[DNS_SECTIONS];
};
struct dns_question {
    struct dns_name name;
    uint16_t type, class;
};
/** A resource record; data lies in the message, names in it may be compressed. */
struct dns_record {
    struct dns_name name;
    uint16_t type, class;
    uint32_t ttl; /**< As received; see dns_ttl. */
    uint16_t length;
    size_t data; /**< Offset in the message. */
};
/** The OPT pseudo-record (RFC 6891). */
struct dns_edns {
    uint16_t udp_bytes;
    uint8_t extended_rcode; /**< The upper eight bits of the response code. */
    uint8_t version;
    bool dnssec_ok;
};

/** @return DNS_HEADER_BYTES, or -EBADMSG. */
int dns_header_parse(struct dns_header *header, const uint8_t *message, size_t size);
/** Writes the header into DNS_HEADER_BYTES. @return that. */
size_t dns_header_emit(uint8_t *room, const struct dns_header *header);
int dns_question_parse(struct dns_question *question, const uint8_t *message, size_t size, size_t *position);
int dns_record_parse(struct dns_record *record, const uint8_t *message, size_t size, size_t *position);
/** What an OPT record says. */
struct dns_edns dns_edns_of(const struct dns_record *record);
/** A TTL with its top bit set counts as 0 (RFC 2181 8). */
uint32_t dns_ttl(uint32_t ttl);
/**
 * A record's data with its names written out, checked against the layout of its type. @return its length (at
 * most `size`), or -EBADMSG. Room of DNS_RDATA_MAX_BYTES always suffices.
 */
int dns_rdata_expand(const struct dns_record *record, const uint8_t *message, size_t message_size,
                     uint8_t *room, size_t size);
#define DNS_RDATA_MAX_BYTES (65535u + 2 * DNS_NAME_BYTES)
/** The name in expanded data of NS, CNAME, PTR, DNAME, MX or SRV. @return 0, -EBADMSG. */
int dns_rdata_name(uint16_t type, const uint8_t *data, size_t length, struct dns_name *name);
/** Checks expanded data against the layout of its type. @return 0, -EBADMSG. */
int dns_rdata_check(uint16_t type, const uint8_t *data, size_t length);
/** The numbers at the end of expanded SOA data. */
struct dns_soa {
    uint32_t serial, refresh, retry, expire, minimum;
};
int dns_rdata_soa(const uint8_t *data, size_t length, struct dns_soa *soa);
/** Checks that all that the header counts is there and well formed (RFC 1035 7.3). @return 0, -EBADMSG. */
int dns_message_check(const uint8_t *message, size_t size);

/* ---- Writing ------------------------------------------------------------------------------------- */

#define DNS_WRITER_NAMES 48
/** Writes a message section by section, in order, with compression. */
struct dns_writer {
    uint8_t *message;
    size_t size, length;
    uint16_t counts[DNS_SECTIONS];
    uint16_t names[DNS_WRITER_NAMES]; /**< Where labels begin that may be pointed to. */
    unsigned name_count;
};
/** Begins behind the header. `size` is the longest message, at least DNS_HEADER_BYTES. */
void dns_writer_init(struct dns_writer *writer, uint8_t *room, size_t size);
/** @return 0, or -ENOSPC with nothing written. */
int dns_write_question(struct dns_writer *writer, const struct dns_question *question);
/** A record whose data is expanded. Names in it are compressed only in types of RFC 1035 (RFC 3597 4). */
int dns_write_record(struct dns_writer *writer, enum dns_section section, const struct dns_name *name,
                     uint16_t type, uint16_t class, uint32_t ttl, const uint8_t *data, size_t length);
int dns_write_edns(struct dns_writer *writer, const struct dns_edns *edns);
/** Takes back what was written behind `length` with the counts of that time: a mark of the writer's past. */
void dns_writer_rewind(struct dns_writer *writer, const struct dns_writer *mark);
/** Writes the header with the counts of what was written. @return the length of the message. */
size_t dns_writer_finish(struct dns_writer *writer, const struct dns_header *header);
/** A query with one question; `udp_bytes` 0: without EDNS. @return its length, 0: it does not fit. */
size_t dns_query_emit(uint8_t *room, size_t size, uint16_t id, bool recursion_desired,
                      const struct dns_question *question, uint16_t udp_bytes);

/* ---- Text ---------------------------------------------------------------------------------------- */

/** "AAAA", or "TYPE123". */
void dns_type_print(struct text *text, uint16_t type);
/** The type of "AAAA" or "TYPE123", letters without case; 0: unknown. */
uint16_t dns_type_from_text(const char *name, size_t length);
/** "NXDOMAIN", or "RCODE23". */
void dns_rcode_print(struct text *text, unsigned rcode);
/** Expanded data as a zone file shows it. */
void dns_rdata_print(struct text *text, uint16_t type, const uint8_t *data, size_t length);
/** One line: "query 4711 A www.example.org." or "reply 4711 NOERROR A www.example.org. 1/0/0: A 192.0.2.1".
 */
void dns_print(struct text *text, const uint8_t *message, size_t size);

#endif
