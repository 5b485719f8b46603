/**
 * The demultiplexer: from the four-tuple of a segment to its half-open, connection or TIME-WAIT record.
 */
#ifndef TRANSPORT_TCP_DEMUX_H
#define TRANSPORT_TCP_DEMUX_H

#include "transport/tcp/connection.h"

/** The key of a segment that came in. */
struct tcp_record demux_key(const struct net_packet *packet, const struct tcp_header *header);
/** The key of a connection between two ends. */
struct tcp_record demux_key_of(const struct strata_endpoint *local, const struct strata_endpoint *remote);
/** The record of a key, or NULL. */
struct tcp_record *demux_find(struct tcp *tcp, const struct tcp_record *key);
/** @return 0, -ENOMEM. There must be none of this key. */
int demux_add(struct tcp *tcp, struct tcp_record *record);
/** Harmless when it is not listed. */
void demux_remove(struct tcp *tcp, struct tcp_record *record);
/** Puts another record in the place of one with the same key. Never fails. */
void demux_replace(struct tcp *tcp, struct tcp_record *old, struct tcp_record *record);
/** The keyed hash of a four-tuple. */
uint64_t demux_hash(const struct siphash_key *key, const struct tcp_record *record);
/** The same with two numbers more in what is hashed. */
uint64_t demux_hash_with(const struct siphash_key *key, const struct tcp_record *record, uint32_t a, uint32_t b);

#endif
