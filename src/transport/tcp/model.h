/**
 * The model: what congestion control knows of the path, once a connection has something to send.
 *
 *     delivery    | how much has arrived, how fast, and what was out when what arrived was sent
 *     pacing      | when the next segment may leave (pacing.h)
 *     validation  | how much of cwnd was in use (validation.h)
 *     hystart     | the first slow start (hystart.h)
 *     state       | the algorithm's own
 *
 * It is allocated when there is more to send than two segments, and freed with the connection. A connection that never
 * has that has none, and one for which there is no memory is NewReno's without pacing.
 *
 * The delivery rate (draft-ietf-ccwg-bbr 4.1, draft-cheng-iccrg-delivery-rate-estimation) wants to know for each
 * segment that arrives what had been delivered when it was sent. The map of sent ranges knows when that was; here is a
 * log with an entry for each time at which something was sent. Where sends follow each other closely one entry stands
 * for a thirty-second part of a round trip, so that the log is short on any path.
 */
#ifndef TRANSPORT_TCP_MODEL_H
#define TRANSPORT_TCP_MODEL_H

#include "transport/tcp/connection.h"
#include "transport/tcp/hystart.h"
#include "transport/tcp/pacing.h"
#include "transport/tcp/validation.h"

struct tcp_ack;

/** What was so when something was sent. */
struct model_entry {
    strata_time sent_at;
    strata_time first_sent_at; /**< When the segment that was delivered last by then had been sent. */
    strata_time delivered_at;  /**< When that was delivered. */
    uint32_t delivered, lost; /**< Lower 32 bits. */
    uint32_t flight; /**< The last of these sends included. */
    bool app_limited;
};

struct tcp_model {
    /* Delivery: C.delivered and so on of the draft, in octets. */
    uint64_t delivered, lost;
    strata_time delivered_at, first_sent_at;
    uint64_t app_limited_until; /**< Samples are limited by the program until so much is delivered; 0: they are not. */
    struct model_entry single;  /**< The log while it has at most one entry. */
    struct model_entry *log;    /**< With more, or NULL: oldest first, from `head`. */
    uint16_t head, count, room;
    bool rate_app_limited; /**< Of the sample below. */
    uint32_t lost_untold;  /**< Found to be lost since the last ACK. */
    uint64_t rate_delivered;
    strata_time rate_interval_ns; /**< Of the last good sample; 0: none yet. */

    struct pacing pacing;
    struct validation validation;
    struct hystart hystart;

    uint32_t state_bytes;
    uint64_t state[]; /**< The algorithm's. */
};

/** The algorithm's own state. */
static inline void *model_state(const struct tcp_connection *c)
{
    return c->model->state;
}

/** Data is about to be sent: allocates the model where there is none yet. */
void model_begin(struct tcp_connection *c);
void model_free(struct tcp_connection *c);
/** The model for another algorithm. @return false: no memory, all is as it was. */
bool model_replace(struct tcp_connection *c, unsigned congestion);
/** Something was sent; the numbers count it already. `first`: nothing had been in flight. */
void model_sent(struct tcp_connection *c, bool first);
/** Counts what an ACK delivered and fills in its rate sample. */
void model_acked(struct tcp_connection *c, struct tcp_ack *ack);
/** The program has nothing more to send though it might. */
void model_app_limited(struct tcp_connection *c);

/* ---- For strata_tcp_info; all of them answer without a model too --------------------------------------- */

/** Octets a second of the last good sample; 0: none yet. */
uint64_t model_delivery_rate(const struct tcp_connection *c);
/** Whether the program limited that sample. */
bool model_rate_is_app_limited(const struct tcp_connection *c);
/** Octets a second at which segments leave, or would, were they paced; UINT64_MAX: no bound is known. */
uint64_t model_pacing_rate(const struct tcp_connection *c);
/** Octets known to have arrived, by SACK too; without a model: those acknowledged. */
uint64_t model_delivered(const struct tcp_connection *c);

#endif
