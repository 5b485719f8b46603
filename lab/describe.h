/**
 * What a frame is about, in words for people who are learning.
 */
#ifndef LAB_DESCRIBE_H
#define LAB_DESCRIBE_H

#include <strata/strata.h>

#include "wire/tcp.h"

enum subject {
    SUBJECT_OTHER,
    SUBJECT_ARP,
    SUBJECT_DHCP,
    SUBJECT_DNS,
    SUBJECT_ICMP,
    SUBJECT_UDP,
    SUBJECT_TCP
};

struct description {
    enum subject subject;
    bool has_addresses; /**< source and destination are valid. */
    struct strata_endpoint source, destination;
    bool to_everyone;
    size_t payload_bytes; /**< SUBJECT_UDP, SUBJECT_TCP. */
    /* SUBJECT_TCP */
    struct tcp_header tcp;
    const uint8_t *payload;
    char text[240]; /**< For TCP empty: the conversation is needed to say it well. */
};

void describe(enum strata_link link, const uint8_t *frame, size_t length, struct description *description);

#endif
