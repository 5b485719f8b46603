/**
 * HyStart++ (RFC 9406): a first slow start that ends when the round-trip time says that a queue grows, before it
 * overflows.
 */
#ifndef TRANSPORT_TCP_HYSTART_H
#define TRANSPORT_TCP_HYSTART_H

#include "base/seq.h"
#include <stdbool.h>
#include <stdint.h>
#include <strata/strata.h>

struct tcp_connection;
struct tcp_ack;

/** strata.tcp_hystart. */
enum { HYSTART_OFF, HYSTART_PLUS, HYSTART_CLASSIC };

struct hystart {
    bool active; /**< It is the connection's first slow start, and it has not ended. */
    bool fresh;  /**< No ACK of this round has come: its end is what will be SND.NXT then. */
    bool slow;   /**< Conservative slow start: the round-trip time has risen. */
    uint8_t rounds;       /**< Of conservative slow start. */
    uint8_t samples;      /**< In this round, as far as they matter. */
    seq_t round_end;      /**< RFC 9406's windowEnd. */
    strata_time last_ns, current_ns; /**< Least round-trip time of the last round and of this; STRATA_NEVER: none. */
    strata_time baseline_ns;         /**< Least round-trip time when conservative slow start began; classic: of all. */
    strata_time round_at, train_at;  /**< Classic: when the round began, when the last ACK of its train came. */
};

void hystart_begin(struct tcp_connection *c);
/** The classic form finds out whether slow start is over before the window grows. */
void hystart_look(struct tcp_connection *c, const struct tcp_ack *ack);
/** Slow start's growth for an ACK that lets it grow by `octets`. */
void hystart_acked(struct tcp_connection *c, const struct tcp_ack *ack, uint32_t octets);

#endif
