/**
 * Congestion control as a table of functions, one table per algorithm, in integer arithmetic.
 *
 * An algorithm says how cwnd grows, what a loss does to it, and how fast segments may follow each other. When
 * something was lost, and what is sent again, is the business of recovery.c, the same for all of them. Windows
 * are in bytes.
 *
 *     acknowledge.c --struct tcp_ack--> recovery.c --loss, timeout, undo--> congestion_*() --> the algorithm
 *                                                                               |
 *     output.c <-- cwnd, pacing <-----------------------------------------------+
 */
#ifndef TRANSPORT_TCP_CONGESTION_H
#define TRANSPORT_TCP_CONGESTION_H

#include "transport/tcp/connection.h"

/** Windows beyond this make no difference and must not overflow. */
#define CWND_MAX (1u << 30)

/** What one ACK tells. acknowledge.c and recovery.c fill in the first part, model.c the second. */
struct tcp_ack {
    uint32_t acked;      /**< Octets of data it acknowledged cumulatively. */
    uint32_t delivered;  /**< Octets now known to have arrived, by SACK too, each counted once. */
    uint32_t lost;       /**< Octets that were marked as lost because of it. */
    uint32_t flight;     /**< connection_pipe before it came. */
    strata_time rtt_ns;  /**< The round-trip time it measured; 0: none. */
    strata_time newest;  /**< When the most recently sent of what it delivered had been sent; STRATA_NEVER: unknown. */
    bool newest_resent;  /**< That was a retransmission. */
    bool echo;           /**< It carried ECE (RFC 3168-4). */
    bool in_recovery;    /**< cwnd is not the algorithm's to grow: fast recovery (PRR) or CWR goes on. */

    /* Delivery rate sample (draft-ietf-ccwg-bbr 4.1); interval_ns 0: none. */
    uint64_t rate_delivered;   /**< Octets delivered in the interval. */
    strata_time interval_ns;
    uint64_t prior_delivered;  /**< Octets delivered when the sampled segment was sent. */
    uint64_t rate_lost;        /**< Octets lost since then. */
    uint32_t flight_when_sent; /**< Octets in flight when it was sent, itself included. */
    bool app_limited;          /**< The program had nothing more to send at the time. */
};

/** What happens to a connection beside ACKs. cwnd and ssthresh are set before the algorithm hears of it. */
enum tcp_congestion_event {
    CONGESTION_LOSS,      /**< Fast recovery begins; ssthresh is new, cwnd is PRR's until CONGESTION_RECOVERED. */
    CONGESTION_ECN,       /**< The same for an ECE (RFC 3168 6.1.2). */
    CONGESTION_TIMEOUT,   /**< The retransmission timer fired; cwnd is one segment. */
    CONGESTION_RECOVERED, /**< What was out at the loss has been acknowledged. */
    CONGESTION_UNDO,      /**< The loss or timeout was none: cwnd and ssthresh are what they had been. */
    CONGESTION_IDLE,      /**< Sending begins again after nothing was in flight. */
};

/** How an algorithm wants losses repaired where the peer has no SACK; with SACK all of them use PRR. */
enum tcp_repair_style {
    REPAIR_NEWRENO, /**< RFC 6582: stays in recovery until all is repaired. */
    REPAIR_RENO,    /**< RFC 5681: a partial ACK ends recovery. */
    REPAIR_TAHOE,   /**< Three duplicates count as a timeout, without its back-off. */
};

struct tcp_congestion {
    const char *name;
    enum tcp_repair_style style;
    bool own_window; /**< It sets cwnd itself in every state: PRR and the collapse after a timeout are not for it. */
    bool paced;      /**< Its segments are spread over time even where the host does not ask for it. */
    /** The model is new (or there was no memory for it before). */
    void (*begin)(struct tcp_connection *c);
    /** Something was delivered, or ECE came. Everything the ACK tells is in place. */
    void (*acked)(struct tcp_connection *c, const struct tcp_ack *ack);
    /** The new ssthresh after a loss or ECE with `flight` bytes outstanding. */
    uint32_t (*ssthresh)(const struct tcp_connection *c, uint32_t flight);
    /** NULL: does not care. */
    void (*event)(struct tcp_connection *c, enum tcp_congestion_event event);
    /** Bytes a second at which segments may leave; NULL: what follows from cwnd and the round-trip time. */
    uint64_t (*pacing_rate)(const struct tcp_connection *c);
};

/** By index (STRATA_OPTION_CONGESTION); NULL after the last. */
const struct tcp_congestion *congestion_get(unsigned index);
/** The connection's. */
static inline const struct tcp_congestion *congestion_of(const struct tcp_connection *c)
{
    return congestion_get(c->congestion);
}
/** RFC 6928's initial window, or one segment after a lost SYN. */
uint32_t congestion_initial_window(const struct tcp_connection *c);
/** cwnd and ssthresh as they are when data transfer begins. */
void congestion_begin(struct tcp_connection *c);
/** Tells the algorithm of an ACK. */
void congestion_acked(struct tcp_connection *c, struct tcp_ack *ack);
/** Tells the algorithm of an event, where it cares. */
void congestion_event(struct tcp_connection *c, enum tcp_congestion_event event);
/** Traces cwnd. */
void congestion_trace(const struct tcp_connection *c);

extern const struct tcp_congestion congestion_reno;

#endif
