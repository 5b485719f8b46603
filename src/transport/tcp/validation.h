/**
 * Congestion window validation (RFC 7661): a window that is not used says nothing about the path.
 */
#ifndef TRANSPORT_TCP_VALIDATION_H
#define TRANSPORT_TCP_VALIDATION_H

#include "base/seq.h"
#include <stdbool.h>
#include <stdint.h>
#include <strata/strata.h>

struct tcp_connection;

struct validation {
    /* Whether cwnd limits: for one round after it did. */
    seq_t usage_end;
    uint32_t most_out; /**< In this round. */

    /* pipeACK: the most that was acknowledged in one round trip, of late. */
    seq_t round_end;
    uint64_t round_acked; /**< bytes_acked when the round began. */
    uint32_t pipe_now, pipe_before; /**< Greatest sample in this half of the sampling period and in the last. */
    strata_time half_ends;
    bool fresh;          /**< No ACK of this round has come. */
    bool measured;       /**< Otherwise pipeACK is undefined, and the window valid. */
    bool stale;          /**< Non-validated phase. */
    bool paced;          /**< Paced for that reason alone. */
    bool reduced;        /**< A loss in that phase is being repaired. */
    strata_time valid_at; /**< When the window was known to be valid, or was adjusted. */
    uint32_t loss_flight; /**< FlightSize at that loss. */
    uint64_t loss_resent; /**< bytes_retransmitted then. */
};

void validation_begin(struct tcp_connection *c);
/** Notes what an ACK of so many octets says about the use of cwnd. */
void validation_acked(struct tcp_connection *c, uint32_t acked);
/** Output rests: notes whether cwnd limits. */
void validation_rest(struct tcp_connection *c, bool limited);
/** Sending begins again: the window that was not used for too long shrinks (RFC 7661-5). */
void validation_restart(struct tcp_connection *c);
/** The new ssthresh for a loss, with `flight` octets out; `standard` is what the algorithm wants. */
uint32_t validation_ssthresh(struct tcp_connection *c, uint32_t flight, uint32_t standard);
/** Recovery is over. */
void validation_recovered(struct tcp_connection *c);
/** Whether bursts need a bound (RFC 7661-4). */
bool validation_wants_pacing(const struct tcp_connection *c);
/** pipeACK, or UINT32_MAX while it is undefined. */
uint32_t validation_pipe(const struct tcp_connection *c);

#endif
