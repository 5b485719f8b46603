/**
 * Losses: how they are noticed, what is sent again and when, and what is taken back where nothing was lost.
 *
 *     acknowledge.c --tcp_news--> recovery.c: which state, whose window
 *                                   |-> rack.c: what is lost (RFC 8985), by time; or by counting (RFC 6675)
 *                                   |-> prr.c: how fast the window comes down (RFC 9937)
 *                                   |-> probe.c: is the tail lost (RFC 8985 7)
 *                                   '-> undo.c: was it no loss at all (RFC 5682, RFC 2883, timestamps)
 *
 * What loss detection must remember lies in struct tcp_repair, which exists while something is out of order, in repair
 * or perhaps to be undone. Where there is no memory for it, losses are found by counting and by timeouts, windows come
 * down at once, and nothing is undone.
 */
#ifndef TRANSPORT_TCP_RECOVERY_H
#define TRANSPORT_TCP_RECOVERY_H

#include "transport/tcp/congestion.h"
#include "transport/tcp/connection.h"

/** What an ACK tells of what was sent. */
struct tcp_news {
    struct tcp_ack ack;         /**< As congestion control hears it. */
    struct sent_acked arrived;  /**< By the map of sent ranges. */
    const struct tcp_options *options;
    bool advanced;   /**< SND.UNA moved. */
    bool duplicate;  /**< It did not, and says that something arrived out of order (RFC 5681-11). */
    bool sacked;     /**< It SACKed what was not known to have arrived (RFC 3042-3). */
    bool duplicated; /**< It told of a duplicate (RFC 2883). */
    seq_t duplicate_end;
};

/** A retransmission, remembered until it has arrived or counts as lost itself. */
struct tcp_resent {
    strata_time when;
    seq_t start, end;
};

struct tcp_repair {
    /* RACK: the latest of what was sent and has arrived (RFC 8985 5.2). */
    strata_time rack_sent, rack_rtt_ns;
    seq_t rack_end;
    seq_t frontier;          /**< Of what was sent once, nothing before this waits to be judged; or to be suspected. */
    seq_t fack;              /**< No octet known to have arrived lies beyond this. */
    strata_time reorder_at;  /**< When the next one counts as lost; STRATA_NEVER: none is suspected. */
    struct tcp_resent *resent; /**< Retransmissions in the order of time: a ring of `resent_room`. */
    uint32_t resent_head, resent_count, resent_room;
    /* PRR. */
    uint32_t prr_delivered, prr_out, recover_flight;
    uint32_t credited; /**< Without SACK: octets taken as delivered because of duplicate ACKs. */
    uint32_t twice;    /**< Octets sent again since the last ACK that do not count as lost. */
    /* Undo. */
    uint32_t undo_cwnd, undo_ssthresh;
    uint32_t undo_bytes;   /**< Sent again and not told of as duplicates. */
    seq_t undo_from, undo_until;
    uint32_t resent_stamp; /**< The timestamp at the first retransmission that tells of this. */
    seq_t resent_until;    /**< The end of the last octet that was sent again. */
    seq_t probe_end;       /**< SND.NXT when a tail loss probe went. */
    uint8_t frto;          /**< enum tcp_frto */
    bool rack_valid : 1;
    bool prr : 1;          /**< cwnd is PRR's. */
    bool undo : 1;         /**< It may turn out that nothing was lost. */
    bool undo_resent : 1;  /**< Something was sent again since. */
    bool probing : 1;      /**< A tail loss probe is out. */
    bool probe_resent : 1; /**< It was a retransmission. */
    bool rescued : 1;      /**< The rescue segment of this recovery has gone (RFC 6675-4). */
};

/** F-RTO (RFC 5682) after a timeout. */
enum tcp_frto {
    FRTO_OFF,
    FRTO_FIRST, /**< The first ACK decides whether new data may be tried. */
    FRTO_NEW,   /**< New data goes, what is lost waits: the next ACK decides. */
};

/** net.ipv4.tcp_recovery: the first three as Linux has them. */
enum {
    RECOVERY_BIT_RACK = 1,
    RECOVERY_BIT_STATIC = 2,   /**< The reordering window does not adapt. */
    RECOVERY_BIT_NO_COUNT = 4, /**< It is not shut where tcp_reordering segments have arrived. */
    RECOVERY_BIT_MEASURE = 8,  /**< It opens as far as segments were seen to be late. */
    RECOVERY_BIT_PROBE = 16,   /**< Tail loss probes in fast recovery. */
};

/* recovery.c: the states. */

/** An ACK has been taken from the map. @return whether the retransmission timer begins anew. */
bool recovery_acked(struct tcp_connection *c, struct tcp_news *news);
/** The retransmission timer expired. */
void recovery_timeout(struct tcp_connection *c);
/** The reordering timer expired (RFC 8985 6.2). */
void recovery_reorder_timeout(struct tcp_connection *c);
/** The path MTU became smaller than what is out: send that again in smaller pieces (RFC 1191-5). */
void recovery_smaller_mtu(struct tcp_connection *c);
/**
 * The path has marked a segment of ours instead of dropping it (RFC 3168-4): the window comes down as after a loss,
 * once for each window of data (RFC 3168-6), and nothing is sent again. @return whether it did now.
 */
bool recovery_ecn(struct tcp_connection *c);
/** A loss that needs no repair any more: the window comes down at once, as at the end of a recovery. */
void recovery_reduce(struct tcp_connection *c);
/** What may be sent beyond cwnd because of the first two duplicate ACKs (RFC 3042). */
uint32_t recovery_limited_transmit(const struct tcp_connection *c);
/** [start, end) was sent, as far as it goes beyond SND.NXT for the first time. */
void recovery_sent(struct tcp_connection *c, seq_t start, seq_t end, bool again);
/** Whether what is lost waits, because F-RTO tries new data first. */
bool recovery_waits(const struct tcp_connection *c);
/** The record, made when there is none; NULL: no memory. */
struct tcp_repair *recovery_record(struct tcp_connection *c);
/** For tcp_info. */
void recovery_info(struct tcp_connection *c, struct strata_tcp_info *info);
/** Frees the record. */
void recovery_forget(struct tcp_connection *c);
/** What must always hold. */
void recovery_verify(const struct tcp_connection *c);

/* rack.c: what is lost. */

/** Takes in what has arrived. */
void rack_update(struct tcp_connection *c, const struct tcp_news *news);
/** Marks what counts as lost now and finds out when the next will. @return octets marked; *again: some of these had
 * been sent again before. */
uint32_t rack_detect(struct tcp_connection *c, bool *again);
/** News that prove that what counted as lost was only late say how late. */
void rack_late(struct tcp_connection *c, const struct tcp_news *news);
/** A recovery is over (RFC 8985-6). */
void rack_recovered(struct tcp_connection *c);
/** What was sent before this has had its time. */
strata_time rack_sent_before(const struct tcp_connection *c);
/** Notes a retransmission. */
void rack_resent(struct tcp_connection *c, seq_t start, seq_t end);
/** Where losses are counted: what may go in fast recovery when nothing is lost and nothing new may be sent. @return
 * false: nothing, or not now. */
bool rack_suspect(struct tcp_connection *c, uint32_t most, seq_t *start, seq_t *end);

/* prr.c: how the window comes down. */

void prr_begin(struct tcp_connection *c, uint32_t delivered);
/** An ACK delivered so much; `advanced` and `lost`: RFC 9937's SafeACK. */
void prr_acked(struct tcp_connection *c, uint32_t delivered, uint32_t lost, bool advanced);
/** What an ACK without SACK delivered, each octet once (RFC 9937-6). */
uint32_t prr_estimate(struct tcp_connection *c, const struct tcp_news *news);

/* probe.c: tail loss probes. */

/** Whether a probe comes before the retransmission timeout now, and how long until then. `more`: more may follow what
 * is in flight, so that it is not alone. */
bool probe_wanted(const struct tcp_connection *c, bool more, strata_time *wait);
/** Its time has come. @return false: it is the retransmission timer's turn, when it is due. */
bool probe_timeout(struct tcp_connection *c);
/** It was sent: a retransmission or new data. */
void probe_sent(struct tcp_connection *c, bool again);
/** Finds out whether a probe repaired a loss (RFC 8985 7.4.2). */
void probe_acked(struct tcp_connection *c, const struct tcp_news *news);

/* undo.c: what was no loss. */

/** cwnd and ssthresh are about to come down. */
void undo_begin(struct tcp_connection *c);
/** Whether something that was sent again may still be under way. */
bool undo_resent_out(const struct tcp_connection *c);
/** Whether the news prove that all that was sent again had arrived before. */
bool undo_proved(const struct tcp_connection *c, const struct tcp_news *news);
/** Takes the reduction back; `timeout`: what is marked as lost is not. */
void undo_reduction(struct tcp_connection *c);
/** An ACK after a timeout. @return true: it was spurious and is undone. */
bool undo_frto(struct tcp_connection *c, const struct tcp_news *news);

#endif
