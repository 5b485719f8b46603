/**
 * Segments that no connection speaks: RST to what belongs to nobody, SYN-ACK of half-open records, ACK of
 * TIME-WAIT, RST of a connection that ends. They go as owned packets through the port's bounded control
 * queue.
 */
#ifndef TRANSPORT_TCP_REPLY_H
#define TRANSPORT_TCP_REPLY_H

#include "transport/tcp/connection.h"

/** Sends a header without data between the ends of a record. */
void reply_send(struct tcp *tcp, const struct tcp_record *record, struct tcp_header *header, int bound_port,
                uint8_t ttl, uint8_t tos);
/** RST for a segment that belongs to nobody (RFC 9293 3.10.7.1), at a bounded rate. Never answers an RST. */
void reply_reset(struct tcp *tcp, const struct segment *segment);
/** RST of a connection: SEQ=SND.NXT. */
void reply_abort(struct tcp_connection *c);
void reply_syn_ack(struct tcp_half_open *half_open);
void reply_challenge(struct tcp_half_open *half_open);
void reply_time_wait(struct tcp *tcp, const struct tcp_time_wait *record);

#endif
