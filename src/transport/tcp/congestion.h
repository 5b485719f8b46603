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
 *
 * What an algorithm remembers of the path lies in the model (model.h), which is there once there is more to send than a
 * little. As long as there is none, or no memory for it, NewReno, which needs none, takes the algorithm's place.
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
    bool ends_recovery;  /**< It was so until this ACK: what counts is `delivered`, the rest was told of before. */
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
    bool hystart;    /**< Its first slow start is HyStart++'s, where the host does not forbid it. */
    uint16_t state_bytes; /**< What it remembers, zeroed at first; see model_state. */
    /** The model is new (or there was no memory for it before). NULL: nothing to do. */
    void (*begin)(struct tcp_connection *c);
    /** Something was delivered, or ECE came. Everything the ACK tells is in place. */
    void (*acked)(struct tcp_connection *c, const struct tcp_ack *ack);
    /** The new ssthresh after a loss or ECE with `flight` bytes outstanding; cwnd is what it was before. It is asked
     * once for each reduction and may take notes. */
    uint32_t (*ssthresh)(struct tcp_connection *c, uint32_t flight);
    /** NULL: does not care. */
    void (*event)(struct tcp_connection *c, enum tcp_congestion_event event);
    /** Bytes a second at which segments may leave; NULL: what follows from cwnd and the round-trip time. */
    uint64_t (*pacing_rate)(const struct tcp_connection *c);
    /** What it knows, as Linux's TCP_CC_INFO has it. @return the words used. NULL: nothing. */
    unsigned (*tell)(const struct tcp_connection *c, uint32_t words[TCP_CC_WORDS]);
};

extern const struct tcp_congestion congestion_cubic, congestion_newreno, congestion_reno, congestion_tahoe,
    congestion_vegas, congestion_bbr;

/** By index (STRATA_OPTION_CONGESTION); NULL after the last. */
const struct tcp_congestion *congestion_get(unsigned index);
/** The connection's, or NewReno where that has no memory. */
const struct tcp_congestion *congestion_of(const struct tcp_connection *c);
/** Another algorithm from now on; it stays with the old one where memory is short or there is no such index. */
void congestion_choose(struct tcp_connection *c, unsigned index);
/** RFC 6928's initial window, or one segment after a lost SYN. */
uint32_t congestion_initial_window(const struct tcp_connection *c);
/** cwnd and ssthresh as they are when data transfer begins. */
void congestion_begin(struct tcp_connection *c);
/** Tells the algorithm of an ACK. */
void congestion_acked(struct tcp_connection *c, struct tcp_ack *ack);
/** The new ssthresh for a loss, timeout or ECE that was noticed now, with `flight` octets outstanding. To be asked
 * once for each reduction, before cwnd and `recovery` change. */
uint32_t congestion_ssthresh(struct tcp_connection *c, uint32_t flight);
/** Octets were found to be lost without an ACK, which the next ACK will tell of. */
void congestion_lost(struct tcp_connection *c, uint32_t octets);
/** Tells the algorithm of an event, where it cares. */
void congestion_event(struct tcp_connection *c, enum tcp_congestion_event event);
/** Data is about to be sent and nothing is in flight: perhaps the old window says nothing any more (RFC 5681-12). */
void congestion_restart(struct tcp_connection *c);
/** So much is about to be sent: from some size on, the path is worth a model. */
void congestion_watch(struct tcp_connection *c, uint32_t unsent);
/** Output has said all that it may: notes whether it was cwnd that stopped it. */
void congestion_rest(struct tcp_connection *c);
/** Traces cwnd. */
void congestion_trace(const struct tcp_connection *c);

/* ---- What algorithms share (reno.c) -------------------------------------------------------------------- */

/** Octets for which this ACK lets the window grow; 0 where it must not: in recovery, or where cwnd was not used. */
uint32_t congestion_growth(const struct tcp_connection *c, const struct tcp_ack *ack);
/** Slow start's growth for so many octets, at most `segments` full ones (RFC 5681 3.1, RFC 3465 2.2). */
void congestion_slow_start(struct tcp_connection *c, uint32_t octets, uint32_t segments);
/** Congestion avoidance as RFC 5681 3.1 has it. */
void congestion_avoid(struct tcp_connection *c, uint32_t octets);
/** Reno's growth, with HyStart++ while that is on. */
void congestion_reno_acked(struct tcp_connection *c, const struct tcp_ack *ack);
/** Half of what was out, two segments at least. */
uint32_t congestion_half(struct tcp_connection *c, uint32_t flight);

#endif
