/**
 * Whether two parsed headers say the same: field by field, since the bytes between the fields say nothing.
 */
#ifndef TESTS_WIRE_SAME_H
#define TESTS_WIRE_SAME_H

#include "wire/ipv6.h"
#include "wire/tcp.h"

static inline bool same_ipv6(const struct ipv6_header *a, const struct ipv6_header *b)
{
    return a->traffic_class == b->traffic_class && a->flow_label == b->flow_label &&
           a->payload_bytes == b->payload_bytes && a->next_header == b->next_header &&
           a->hop_limit == b->hop_limit && address_equal(&a->source, &b->source) &&
           address_equal(&a->destination, &b->destination);
}

static inline bool same_fragment(const struct ipv6_fragment *a, const struct ipv6_fragment *b)
{
    return a->next_header == b->next_header && a->offset_bytes == b->offset_bytes &&
           a->more_fragments == b->more_fragments && a->identification == b->identification;
}

static inline bool same_options(const struct tcp_options *a, const struct tcp_options *b)
{
    return a->has_mss == b->has_mss && a->mss == b->mss && a->has_scale == b->has_scale &&
           a->scale == b->scale && a->has_timestamps == b->has_timestamps && a->ts_value == b->ts_value &&
           a->ts_echo == b->ts_echo && a->sack_permitted == b->sack_permitted &&
           a->sack_count == b->sack_count && memcmp(a->sack, b->sack, sizeof a->sack) == 0 &&
           a->has_user_timeout == b->has_user_timeout && a->user_timeout == b->user_timeout &&
           a->has_fast_open == b->has_fast_open && a->fast_open_experimental == b->fast_open_experimental &&
           a->fast_open_bytes == b->fast_open_bytes &&
           (a->fast_open_bytes == 0 || memcmp(a->fast_open, b->fast_open, a->fast_open_bytes) == 0);
}

static inline bool same_tcp(const struct tcp_header *a, const struct tcp_header *b)
{
    return a->source_port == b->source_port && a->destination_port == b->destination_port &&
           a->seq == b->seq && a->ack == b->ack && a->flags == b->flags && a->window == b->window &&
           a->checksum == b->checksum && a->urgent == b->urgent && a->header_bytes == b->header_bytes &&
           same_options(&a->options, &b->options);
}

#endif
