/**
 * The authoritative name server as an engine: a query in, a reply out (RFC 1034 4.3.2).
 */
#ifndef APP_DNS_ANSWER_H
#define APP_DNS_ANSWER_H

#include "app/dns/zone.h"

/** What we say by EDNS that we take, and send at most by UDP: it crosses every link unfragmented. */
#define DNS_EDNS_BYTES 1232u

/** What a query is, before anybody looks for an answer. */
struct dns_query {
    struct dns_header header;
    struct dns_question question;
    bool has_question;
    bool has_edns;
    struct dns_edns edns;
    unsigned rcode; /**< What is wrong with it, or DNS_NOERROR. */
};
/** Reads a query. @return false: it gets no reply at all. */
bool dns_query_parse(struct dns_query *query, const uint8_t *message, size_t size);
/** The longest reply this query may get: by UDP 512 or what EDNS says, by TCP all. */
size_t dns_query_limit(const struct dns_query *query, bool tcp);

/** A reply that is being written; room for OPT is kept until dns_reply_finish. */
struct dns_reply {
    struct dns_writer writer;
    struct dns_header header;
    unsigned rcode;
    const struct dns_query *query;
};
/** Begins a reply with the question; `size` is the room, cut to the query's limit. */
void dns_reply_begin(struct dns_reply *reply, const struct dns_query *query, uint8_t *room, size_t size,
                     bool tcp);
/** Adds OPT if the query had one, and the header. @return the length. */
size_t dns_reply_finish(struct dns_reply *reply);

/**
 * Answers a message from zones. `turn` rotates addresses (load sharing): use another for every query.
 * @return the length of the reply in `room` (size at least 512); 0: no reply.
 */
size_t dns_answer(const struct dns_zone *zones, size_t zone_count, const uint8_t *message, size_t size,
                  bool tcp, unsigned turn, uint8_t *room, size_t room_size);

#endif
