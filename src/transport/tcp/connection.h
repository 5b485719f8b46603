/**
 * A TCP connection: RFC 9293's transmission control block (3.3.1) in labelled boxes, hot ones first.
 *
 *     record  | who it is, found by the demultiplexer; state and flags
 *     numbers | what every segment touches: send and receive variables, congestion window, what is owed
 *     rings   | bytes written and not acknowledged; bytes received and not read
 *     clocks  | deadlines, of which one wheel timer serves the earliest
 *     sent    | the map of sent ranges, empty when idle
 *     speaker | its place at a port when it has something to say
 *     way     | to the peer, cached
 *     rest    | round-trip time, urgent data, options, statistics
 *
 * Half-open (SYN-RECEIVED from a listener) and TIME-WAIT connections are smaller records in the same
 * demultiplexer.
 *
 * Input marks, output speaks: nothing in here is sent while a segment is being processed. What is owed to the
 * peer is kept in `marks`, `acks_owed`, the map of sent ranges and the rings, and tcp_speak (output.c) turns
 * it into segments, one per call, when the port has room.
 */
#ifndef TRANSPORT_TCP_CONNECTION_H
#define TRANSPORT_TCP_CONNECTION_H

#include "base/assert.h"
#include "base/ranges.h"
#include "base/ring.h"
#include "base/table.h"
#include "transport/tcp/sent.h"
#include "transport/tcp/tcp.h"
#include "transport/tcp/way.h"
#include "wire/tcp.h"

/* ---- Records of the demultiplexer ---------------------------------------------------------------------- */

enum tcp_record_kind { TCP_RECORD_CONNECTION, TCP_RECORD_HALF_OPEN, TCP_RECORD_TIME_WAIT };

/** What all three have first: the key. */
struct tcp_record {
    struct table_entry entry;
    struct strata_address local, remote;
    uint16_t local_port, remote_port;
    int16_t scope; /**< The port of link-local addresses, otherwise 0. */
    uint8_t kind;
    uint8_t listed; /**< In the table. */
};

struct tcp_half_open; /**< half_open.h */

/** TIME-WAIT (RFC 9293 3.6.1): enough to acknowledge a FIN that comes again and to tell old from new. */
struct tcp_time_wait {
    struct tcp_record record;
    struct list node;     /**< In tcp->time_wait, by expiry. */
    uint32_t expiry_ms;   /**< Of the host's time, modulo 2^32. */
    seq_t snd_nxt, rcv_nxt;
    uint32_t ts_recent, ts_offset;
    uint16_t window;      /**< As the last ACK said it. */
    uint8_t ttl;
    bool timestamps : 1;
    bool transparent : 1; /**< Its local address need not be one of ours. */
};

/* ---- The connection ------------------------------------------------------------------------------------ */

/** What a connection is, for as long as it lives. */
enum tcp_flag {
    FLAG_TIMESTAMPS = 1 << 0,   /**< Agreed on (RFC 7323 3.2); until the peer's SYN has come: offered. */
    FLAG_SCALING = 1 << 1,      /**< Agreed on (RFC 7323 2.2), or offered, likewise. */
    FLAG_ACTIVE = 1 << 2,       /**< We opened it (RFC 9293 MUST-11). */
    FLAG_FIN_QUEUED = 1 << 3,   /**< No more data will be written; a FIN follows the ring. */
    FLAG_FIN_SENT = 1 << 4,     /**< SND.NXT lies behind our FIN. */
    FLAG_FIN_RECEIVED = 1 << 5, /**< RCV.NXT lies behind the peer's FIN. */
    FLAG_FIN_AHEAD = 1 << 6, /**< The peer's FIN is known (out_of_order->fin), but not all data before it. */
    FLAG_READ_SHUT = 1 << 7, /**< The program reads no more; what comes is thrown away. */
    FLAG_ORPHAN = 1 << 8,    /**< The program has closed: nobody to tell. */
    FLAG_QUEUED = 1 << 9,    /**< In its listener's queue; owner is the next one in it. */
    FLAG_NO_DELAY = 1 << 10, /**< Nagle's algorithm is off (RFC 9293 MUST-17). */
    FLAG_KEEP_ALIVE = 1 << 11,      /**< Keep-alive is on (RFC 9293 MUST-24). */
    FLAG_RECEIVE_ERRORS = 1 << 12,  /**< Soft errors are told to the program (RFC 9293 MUST-47, SHLD-20). */
    FLAG_URGENT_SENT = 1 << 13,     /**< snd_up holds. */
    FLAG_URGENT_RECEIVED = 1 << 14, /**< rcv_up holds. */
    FLAG_PERSIST = 1 << 15,         /**< retransmit_at is the persist timer's. */
    FLAG_SYN_RESENT = 1 << 16,      /**< Our SYN was sent again: no sample, initial window of one segment. */
    FLAG_CWND_LIMITED = 1 << 17,    /**< The last time output stopped, cwnd stopped it or it was well used. */
    FLAG_ONE_UNTIL_ACK = 1 << 18, /**< After a smaller path MTU: one segment again, then wait (RFC 1191-5). */
    FLAG_WANT_WRITE = 1 << 19,    /**< Not writable as tcp_readiness says it: say when that changes. */
    FLAG_ERROR_PENDING = 1 << 20, /**< tcp_take_error has not told of `error` yet. */
    FLAG_RTT_SAMPLED = 1 << 21,   /**< srtt_ns and rttvar_ns hold. */
    FLAG_FIRST_PARTIAL = 1 << 22, /**< In recovery, no partial ACK has come yet (RFC 6582-5). */
    FLAG_HUNGRY = 1 << 23,        /**< A write found no memory: tcp->hungry_timer says when to try again. */
    FLAG_TRANSPARENT = 1 << 24,   /**< Its local address need not be one of ours. */
    FLAG_SACK = 1 << 25,          /**< Both said SACK-permitted (RFC 2018); until the peer's SYN has come: offered. */
    FLAG_REORDERED = 1 << 26,     /**< The path has been seen to reorder (RFC 8985 6.2 step 3). */
    FLAG_PROBED = 1 << 27,        /**< A tail loss probe went and no round-trip time was measured since. */
    FLAG_DSACK_ROUND = 1 << 28,   /**< dsack_round holds (RFC 8985 6.2 step 4). */
    FLAG_PACED = 1 << 29,         /**< Segments leave at a rate; the model has it (pacing.h). */
    FLAG_URGENT_TAKEN = 1 << 30,  /**< The octet at the mark was read apart from the stream. */
};

/** Kinds of deadline in retransmit_at: only one of them is ever due, the others would follow from it. */
enum tcp_repair_timer {
    TIMER_KIND_RTO,     /**< Retransmission (RFC 6298). */
    TIMER_KIND_PROBE,   /**< Tail loss probe (RFC 8985 7). */
    TIMER_KIND_REORDER, /**< What is late now counts as lost (RFC 8985 6.2 step 5). */
};

/** What a program asked for, and extensions agreed on with the peer. */
enum tcp_mode {
    MODE_CORK = 1 << 0,         /**< Full segments only, until it is taken away or 200 ms have passed. */
    MODE_QUICK_ACK = 1 << 1,    /**< No delayed ACKs for now. */
    MODE_ECN = 1 << 2,          /**< Agreed on (RFC 3168); until the peer's SYN has come: offered. */
    MODE_ECN_ECHO = 1 << 3,     /**< ECE goes out until a CWR comes (RFC 3168-3). */
    MODE_ECN_REDUCED = 1 << 4,  /**< CWR goes out with the next new data (RFC 3168-5). */
    MODE_FAST_OPEN = 1 << 5,    /**< The program wants TCP Fast Open (RFC 7413-1). */
    MODE_SEND_FIXED = 1 << 6,   /**< The program chose the send buffer: it does not tune itself. */
    MODE_RECEIVE_FIXED = 1 << 7, /**< Likewise the receive buffer. */
    MODE_ECN_SEEN = 1 << 8,     /**< The peer has sent ECN-capable segments. */
    MODE_ECN_WAIT = 1 << 9,     /**< ECE came at a window of one segment: nothing new before the timer (RFC 3168-6). */
    MODE_MORE = 1 << 10,        /**< The last write said that more follows: as MODE_CORK, until the next ACK. */
    MODE_NO_PUSH = 1 << 11,     /**< It said so, and nobody has pushed what it wrote. */
    MODE_PUSH_ALL = 1 << 12,    /**< What is in the ring goes now, whatever Nagle and the cork say. */
    MODE_INTERACTIVE = 1 << 13, /**< What we send follows closely on what we receive: ACKs may wait for it. */
    MODE_SMALL_HEARD = 1 << 14, /**< Less than a full segment came since our last ACK: the end of a write, probably. */
    MODE_REFUSED = 1 << 15,     /**< The ACK that is owed answers what was not acceptable. */
};

/** What went with our SYN, or waits for it (RFC 7413). */
enum tcp_syn_mark {
    SYN_DEFERRED = 1 << 0,          /**< It waits for the data it will carry. */
    SYN_COOKIE = 1 << 1,            /**< The first SYN or SYN-ACK has the Fast Open option. */
    SYN_COOKIE_EXPERIMENT = 1 << 2, /**< In the form from before RFC 7413. */
    SYN_DATA = 1 << 3,              /**< Data went with it. */
    SYN_TELL_TIMEOUT = 1 << 5,      /**< The user timeout option goes with the next segment behind it. */
    SYN_DATA_TAKEN = 1 << 4,        /**< All of it was acknowledged; or we took what came with theirs. */
};

/** What a connection wants to say beside data. */
enum tcp_mark {
    MARK_ACK = 1 << 0,        /**< RCV.NXT or the window must be told now. */
    MARK_CHALLENGE = 1 << 1,  /**< A challenge ACK (RFC 5961). */
    MARK_RETRANSMIT = 1 << 2, /**< The first lost range goes out whatever cwnd says. */
    MARK_PROBE = 1 << 3,      /**< A window probe. */
    MARK_KEEP_ALIVE = 1 << 4, /**< A keep-alive probe. */
    MARK_SYN = 1 << 5,        /**< SYN, or SYN-ACK of a simultaneous open. */
    MARK_TAIL = 1 << 6,       /**< A tail loss probe (RFC 8985 7.3). */
};

/** enum recovery: also what strata_tcp_info says. */
enum tcp_recovery { RECOVERY_OPEN, RECOVERY_DISORDER, RECOVERY_FAST, RECOVERY_LOSS, RECOVERY_CWR };

/** Ranges of which is known which came last; duplicates that wait to be told of. More are told of in less detail. */
#define OUT_OF_ORDER_RECENT 8u
#define DUPLICATES_MOST 4u

/** Data beyond RCV.NXT: it lies in the receive ring, here is what of it is there. Exists only while there is
 * any. */
struct tcp_out_of_order {
    struct ranges ranges;
    struct list node; /**< In tcp->out_of_order, by since: the first to lose its pages. */
    strata_time since; /**< When the hole before it opened, or the last one before that was filled. */
    struct tcp_connection *connection;
    uint32_t pages;         /**< That hold any of it. */
    size_t charged;         /**< Memory it takes: part of tcp->out_of_order_bytes. */
    seq_t fin; /**< With FLAG_FIN_AHEAD. */
    seq_t recent[OUT_OF_ORDER_RECENT]; /**< What came last, latest first, one octet for each range (RFC 2018-4). */
    seq_t called[OUT_OF_ORDER_RECENT]; /**< What called for the first of the ACKs that are owed (RFC 2018-3). */
    uint8_t recent_count;
};

/** Data that came twice and is not told of yet (RFC 2883); exists only while there is any. */
struct tcp_duplicates {
    uint8_t count;
    struct tcp_sack_block block[DUPLICATES_MOST];
};

/** Counts and times of what happens to few connections; kept beside the options that few change. */
struct tcp_oddities {
    uint32_t window_limited_ms, buffer_limited_ms; /**< How long the peer's window, our send buffer was the bound. */
    uint32_t delivered_ce;                         /**< Segments delivered whose ACKs carried ECE. */
    uint32_t out_of_order;                         /**< Segments that arrived ahead of their turn. */
    uint32_t duplicates;                           /**< D-SACKs received. */
    uint32_t reorderings;                          /**< How often the path was seen to reorder. */
    uint32_t timeout_runs, timeout_ms;             /**< Timeouts in a row count as one; how long those lasted. */
    uint32_t timeout_since_ms;                     /**< While one lasts. */
};

/** What bounds a connection that has something to send. */
enum tcp_bound { BOUND_IDLE, BOUND_BUSY, BOUND_WINDOW, BOUND_BUFFER };

/** What a program may want watched of a peer (patience.c). */
enum tcp_watched {
    WATCHED_RECEIVE_STALL,
    WATCHED_RECEIVE_RATE,
    WATCHED_SEND_STALL,
    WATCHED_SEND_RATE,
    WATCHED_COUNT
};
struct tcp_watch {
    strata_time since;
    uint64_t count, goal; /**< Octets at that time: received or acknowledged; or if all had been taken. */
    uint32_t stalled;     /**< Looks in a row without progress. */
};

/** What few connections need. */
/** More ends of records than that are not kept. */
#define TCP_ENDS_MOST 16

struct tcp_extra {
    struct tcp_connection *connection;
    struct timer timer;                         /**< Of: */
    struct tcp_watch watches[WATCHED_COUNT];
    strata_time told_timeout_ns;                /**< The peer's user timeout option (RFC 5482); 0: none. */
    struct tcp_listener *listener; /**< Whose limit of connections without a handshake it counts against, or NULL. */
    struct list node;              /**< In listener->fast_open. */
    uint8_t cookie[8];             /**< That the SYN-ACK tells, with SYN_COOKIE. */
    seq_t ends[TCP_ENDS_MOST];     /**< No segment has octets from both sides of one (TCP_WRITE_END), oldest first. */
    uint8_t end_count;
};

/** Options that few connections change; shared where they are the host's defaults. */
struct tcp_tuning {
    strata_time keep_idle_ns, keep_interval_ns, user_timeout_ns, linger_ns;
    uint32_t keep_count;
    int32_t bind_port;
    uint64_t pacing_bytes; /**< Most octets a second; 0: no bound. */
    uint32_t unsent_low;   /**< Writable only with fewer octets not sent than this; 0: the host's setting. */
    uint32_t send_low;     /**< Writable with room for so many octets; 0: a third of the buffer. */
    uint32_t receive_low;  /**< Readable from so many octets on; at least 1. */
    uint32_t window_most;  /**< Window we offer at most; 0: no bound. */
    uint8_t ttl_least;     /**< Segments of less are dropped (RFC 5082). */
    uint8_t syn_retries;   /**< 0: the host's setting. */
    bool no_cookie;        /**< Fast Open without cookies. */
    bool urgent_apart;     /**< The last urgent octet is taken out of the stream, to be read by a call of its own. */
    bool timeout_fixed;    /**< The program has chosen user_timeout_ns: the peer does not change it (RFC 5482-2). */
    strata_time advertised_timeout_ns; /**< That the user timeout option tells; 0: none is told, none heard. */
    strata_time receive_stall_ns, send_stall_ns;
    uint64_t receive_rate, send_rate;  /**< Octets a second. */
    struct tcp_oddities odd;
};

struct tcp_connection {
    /* Identity. */
    struct tcp_record record;
    uint8_t state;    /**< enum strata_tcp_state */
    uint8_t recovery; /**< enum tcp_recovery */
    uint8_t send_scale, receive_scale;
    uint32_t flags; /**< enum tcp_flag */

    /* Numbers: RFC 9293 3.3.1's names. Windows are 32 bits wide (RFC 9293 REC-1). */
    seq_t snd_una, snd_nxt;
    uint32_t snd_wnd;
    seq_t snd_wl1, snd_wl2;
    uint32_t snd_wnd_max; /**< Greatest window the peer ever offered. */
    seq_t rcv_nxt;
    seq_t rcv_adv;       /**< Right edge of the window we offered; never moves left (RFC 9293 SHLD-14). */
    seq_t last_ack_sent; /**< RFC 7323's Last.ACK.sent. */
    uint32_t ts_recent, ts_offset;
    uint32_t cwnd, ssthresh;
    uint16_t smss;  /**< Data bytes of a full segment, options deducted. */
    uint8_t marks;  /**< enum tcp_mark */
    uint8_t acks_owed; /**< One ACK each for segments out of order; they do not merge. */
    uint8_t dup_acks;
    uint8_t backoff; /**< How often the RTO is doubled: timeouts and probes since the last RTT sample. */
    uint8_t retries; /**< Timeouts since the peer last acknowledged something new: R1 and R2 count them. */
    uint8_t probes;  /**< Window probes in a row that nobody answered. */
    uint8_t keep_probes; /**< Keep-alive probes in a row that nobody answered. */
    uint8_t timer_kind;  /**< enum tcp_repair_timer: what retransmit_at is, unless FLAG_PERSIST says another. */
    uint16_t modes;      /**< enum tcp_mode */

    /* Rings. send begins at snd_una (or behind our SYN); receive ends at rcv_nxt. */
    struct ring send, receive;

    /* Clocks: STRATA_NEVER where nothing is due. */
    strata_time retransmit_at; /**< Retransmission, or persist with FLAG_PERSIST. */
    strata_time ack_at;        /**< Delayed ACK. */
    strata_time other_at;      /**< Keep-alive; without a program: FIN-WAIT-2's end or linger's. */
    strata_time last_received, last_sent;
    strata_time unacked_since; /**< When the peer last made progress while something was outstanding. */
    struct tcp *tcp;
    void *owner; /**< Of events; the next connection while FLAG_QUEUED. */

    struct sent sent;
    struct tcp_out_of_order *out_of_order;
    struct tcp_duplicates *duplicates; /**< To be told of, or NULL. */
    struct tcp_repair *repair; /**< What loss detection knows while anything is out of order, or NULL (recovery.h). */
    struct tcp_mtu *mtu;       /**< A search for the path MTU (mtu.h), or NULL. */
    struct tcp_model *model;   /**< What congestion control knows of the path, from the first data on, or NULL: no
                                    memory for it (model.h). */
    struct timer timer;
    struct speaker speaker;
    struct tcp_way way;
    uint32_t fast_retransmits : 24; /**< Statistics, here and below where they fill gaps. */
    uint32_t received_tos : 8;      /**< Traffic class of what came last. */

    /* Round-trip time (RFC 6298) and congestion control. */
    strata_time srtt_ns, rttvar_ns, min_rtt_ns;
    uint32_t cwnd_acked; /**< Bytes acknowledged since cwnd last grew (congestion avoidance). */
    seq_t dsack_round;   /**< SND.NXT when the reordering window last grew. */
    uint8_t reorder_steps;  /**< Quarters of the round-trip time that were added to it (RFC 8985-4). */
    uint8_t reorder_rounds; /**< Recoveries until it shrinks again (RFC 8985-6). */
    uint16_t reorder_share; /**< Of the smoothed round-trip time, in 1024ths: so late has been what was no loss. */
    uint16_t overtaken;     /**< By how many segments one was overtaken at most. */
    seq_t recover;       /**< SND.NXT when a loss was last noticed (RFC 6582's recover, plus one); ISS at first. */

    seq_t iss, irs;
    seq_t snd_up, rcv_up;   /**< The octet after urgent data (RFC 9293 MUST-62). */
    uint32_t ts_recent_at_s; /**< When ts_recent was updated, for RFC 7323-12. */
    uint16_t peer_mss, own_mss;
    uint16_t receive_mss;   /**< The largest segment the peer sends, as far as we saw. */
    uint16_t max_segment;   /**< The program's bound, 0: none. */
    uint8_t tos, ttl;
    uint8_t error;      /**< Why it ended. */
    uint8_t soft_error; /**< What ICMP or a neighbour said and did not end it. */
    uint32_t receive_bytes; /**< The receive buffer; the ring's capacity is what was promised. */
    uint32_t challenge_ms; /**< When the last challenge ACK was due, modulo 2^32. */
    uint16_t challenges;   /**< In a row, each less than a second after the one before. */
    uint8_t syn_marks;   /**< enum tcp_syn_mark */
    uint8_t congestion;   /**< Index of the algorithm. */
    uint8_t ack_delay_ms; /**< How long ACKs wait, where that adapts itself. */
    uint32_t timeouts : 24;
    uint32_t quick_acks : 8; /**< Segments that are still acknowledged at once. */
    uint32_t burst : 8; /**< Segments of new data that may follow in the same burst (burst_segments in output.c). */
    const struct tcp_tuning *tuning;
    struct tcp_extra *extra; /**< Or NULL. */

    /* Sizes that tune themselves (autotune.c). Microseconds modulo 2^32. */
    seq_t tune_seq;           /**< What the program had read when the round trip that is measured began, */
    uint32_t tune_at_us;      /**< and when that was. */
    uint32_t tune_bytes;      /**< The most it has read in one. */
    uint32_t tune_rtt_us;     /**< The round trip as the receiver sees it; 0: unknown. */
    uint32_t tune_mark;       /**< The last echo; without timestamps the sequence number that ends a window, */
    uint32_t tune_mark_at_us; /**< which began at this time. */

    /* Statistics. */
    uint64_t bytes_acked, bytes_received, bytes_retransmitted;
    uint32_t segments_sent, segments_received, data_segments_sent, data_segments_received; /**< Modulo 2^32. */
    uint32_t delivered, segments_retransmitted;
    uint32_t data_received_ms; /**< When data came last, or the connection was established, modulo 2^32. */
    seq_t snd_small;           /**< The end of the last segment sent that was less than full. */
    uint32_t busy_ms;          /**< How long there was something to send, not counting what `bound` measures now. */
    uint32_t bound_since_ms : 30;
    uint32_t bound : 2;        /**< enum tcp_bound */
};

/** What a host knows of TCP Fast Open (RFC 7413). */
struct tcp_fast_open {
    struct table table;    /**< struct fast_open_peer, by keyed hash of the address. */
    struct list used;      /**< All of them, the one used last in front. */
    int64_t count;
    uint8_t key[16];       /**< Of our cookies, where no setting or option gives one. */
    strata_time off_until; /**< For all, since it seems to be swallowed. */
    uint8_t times_off;     /**< In a row, so far. */
};

/* ---- TCP of one host ----------------------------------------------------------------------------------- */

struct tcp {
    struct core *core;
    struct net *net;
    struct tcp_events events;
    struct table records;     /**< struct tcp_record, by keyed hash of the four-tuple. */
    struct tcp_record *last;  /**< The record found last; most segments come in a row. */
    struct table listeners;   /**< By keyed hash of the port number; not the transparent ones. */
    struct list all_listeners; /**< Those too. */
    struct list transparent;  /**< Listeners for any address, and perhaps any port. */
    struct list closed;       /**< Connections that are over but still have an owner. */
    struct list out_of_order; /**< Who holds pages beyond RCV.NXT, whoever has waited longest first. */
    size_t out_of_order_bytes; /**< What all of that takes. */
    struct list time_wait;    /**< By expiry. */
    struct timer time_wait_timer;
    struct timer hungry_timer; /**< While somebody waits for memory to write. */
    uint32_t holders, writers; /**< Connections with data that was not read, and with data that was not acknowledged. */
    uint32_t time_wait_count, half_open_count, connection_count;
    uint32_t orphan_count; /**< Connections that no program holds. */
    bool replying; /**< A reply is on its way down: its sender is not to be ended by what becomes of it. */
    struct siphash_key demux_key, isn_key, timestamp_key, cookie_key;
    struct ports ports;
    struct tcp_fast_open fast_open;
    struct tcp_tuning tuning; /**< The host's defaults. */
    int64_t reset_second;
    int64_t resets_left; /**< Of that second's budget. */
    uint64_t next_id;
};

/** A segment being processed. */
struct segment {
    const struct net_packet *packet;
    struct tcp_header header;
    const uint8_t *data;
    uint32_t length; /**< Of data. */
    seq_t seq, ack;
    uint16_t flags;
    uint32_t window; /**< Scaled. */
};
/** Octets of data it came with, before those outside the window were cut off. */
static inline uint32_t segment_carried(const struct segment *segment)
{
    return (uint32_t)segment->packet->length - segment->header.header_bytes;
}
/** SEG.LEN: octets of sequence space, SYN and FIN included. */
static inline uint32_t segment_space(const struct segment *segment)
{
    return segment->length + (segment->flags & TCP_SYN ? 1 : 0) + (segment->flags & TCP_FIN ? 1 : 0);
}

/* ---- What many files ask ------------------------------------------------------------------------------- */

static inline struct core *connection_core(const struct tcp_connection *c)
{
    return c->tcp->core;
}
static inline struct memory *connection_memory(const struct tcp_connection *c)
{
    return &c->tcp->core->memory;
}
static inline strata_time connection_now(const struct tcp_connection *c)
{
    return c->tcp->core->now;
}
/** Octets sent and not acknowledged: RFC 5681's FlightSize. */
static inline uint32_t connection_flight(const struct tcp_connection *c)
{
    return c->snd_nxt - c->snd_una;
}
/** Of these, what is believed to be still under way. */
static inline uint32_t connection_pipe(const struct tcp_connection *c)
{
    return connection_flight(c) - c->sent.lost_bytes - c->sent.sacked_bytes;
}
/** The sequence number of the first byte of the send ring. */
static inline seq_t connection_data_start(const struct tcp_connection *c)
{
    return c->state < STRATA_TCP_ESTABLISHED ? c->iss + 1 : c->snd_una;
}
/** The sequence number our FIN has, or will have. */
static inline seq_t connection_fin_seq(const struct tcp_connection *c)
{
    return connection_data_start(c) + c->send.length;
}
/** Bytes written and not sent even once. */
static inline uint32_t connection_unsent(const struct tcp_connection *c)
{
    return c->flags & FLAG_FIN_SENT ? 0 : connection_fin_seq(c) - seq_max(c->snd_nxt, connection_data_start(c));
}
static inline bool connection_is_synchronized(const struct tcp_connection *c)
{
    return c->state >= STRATA_TCP_ESTABLISHED;
}
/** It came with a SYN that a Fast Open cookie vouched for; the handshake is not done (RFC 7413 4.2.2). */
static inline bool connection_is_fast(const struct tcp_connection *c)
{
    return c->state == STRATA_TCP_SYN_RECEIVED && !(c->flags & FLAG_ACTIVE);
}
/** The program may write. */
static inline bool connection_is_open(const struct tcp_connection *c)
{
    return connection_is_synchronized(c) || connection_is_fast(c);
}
/** Whether data or a FIN may still be sent in this state. */
static inline bool connection_may_send(const struct tcp_connection *c)
{
    return c->state == STRATA_TCP_ESTABLISHED || c->state == STRATA_TCP_CLOSE_WAIT ||
           c->state == STRATA_TCP_FIN_WAIT_1 || c->state == STRATA_TCP_CLOSING || c->state == STRATA_TCP_LAST_ACK ||
           (connection_is_fast(c) && c->snd_nxt != c->iss);
}
/** Whether the peer may still send data in this state. */
static inline bool connection_may_receive(const struct tcp_connection *c)
{
    return c->state == STRATA_TCP_ESTABLISHED || c->state == STRATA_TCP_FIN_WAIT_1 ||
           c->state == STRATA_TCP_FIN_WAIT_2;
}
/** What rings leave of the budget: the reserve, and a little for records that nothing goes on without. */
static inline size_t tcp_memory_floor(const struct core *core)
{
    return memory_reserve(&core->memory) + core->memory.budget_bytes / 32;
}
/** Octets of the budget that are left above that: what all others may still take. */
static inline size_t tcp_memory_left(const struct core *core)
{
    size_t available = memory_available(&core->memory), floor = tcp_memory_floor(core);
    return available > floor ? available - floor : 0;
}
/** Not a page is left above that: windows do not open any more, nobody new is let in. */
static inline bool tcp_memory_is_short(const struct core *core)
{
    return tcp_memory_left(core) < PAGE_BYTES;
}
/**
 * Octets that may be put into a ring now. What was promised to a peer is taken as long as there is memory; a writer
 * stops when its ring holds as much as is left for all others (autotune.c). The last of the budget is for rings that
 * are empty, each of which may take one page: for reading as long as there is one, for writing down to a sixteenth. So
 * neither a writer nor a program that does not read can take all there is, and no two hosts, nor a program that writes
 * what it has read, wait for each other's memory for ever.
 */
static inline size_t tcp_memory_for(const struct core *core, const struct ring *ring, bool reading)
{
    size_t available = memory_available(&core->memory), left = tcp_memory_left(core);
    if (left >= PAGE_BYTES) {
        if (!reading)
            left = left > ring->length ? (left - ring->length) / 2 : 0;
        if (left >= PAGE_BYTES || ring->length > 0)
            return ring_spare(ring) + left / PAGE_BYTES * PAGE_BYTES;
    }
    bool first = ring->length == 0 && available >= PAGE_BYTES + (reading ? 0 : core->memory.budget_bytes / 16);
    return first ? PAGE_BYTES : ring_spare(ring);
}
/** RFC 7323's clock: milliseconds, with an offset of the connection's own (RFC 7323-13, RFC 7323-14). */
static inline uint32_t tcp_timestamp_at(strata_time time, uint32_t offset)
{
    return (uint32_t)(time / STRATA_MILLISECOND) + offset;
}
static inline uint32_t tcp_timestamp(const struct core *core, uint32_t offset)
{
    return core->now_ms + offset;
}

/* connection.c: birth, death and what happens in between. */

/** A connection with its variables at rest, in no table. NULL: no memory. */
struct tcp_connection *connection_new(struct tcp *tcp, const struct tcp_record *key,
                                      const struct tcp_socket_options *options);
/** Takes it out of the demultiplexer and off the port, and disarms its timer: no segment finds it any more.
 * */
void connection_unlist(struct tcp_connection *c);
/** It is over: tells the owner (`error` 0: in order), frees it when there is none. The caller touches it no
 * more. */
void connection_end(struct tcp_connection *c, int error);
/** Ends it with an RST to the peer. */
void connection_reset(struct tcp_connection *c, int error);
/** The program lets go of it. */
void connection_orphan(struct tcp_connection *c);
/** Frees it in silence, wherever it stands. */
void connection_free(struct tcp_connection *c);
/** Recomputes smss after a change of path MTU, peer's MSS, options or the program's bound (RFC 9293 MUST-16).
 * */
void connection_update_mss(struct tcp_connection *c);
/** Largest segment we tell the peer to send: from the MTU of `port` (RFC 9293 MUST-67, RFC 6691-1). */
uint16_t connection_mss_of_port(const struct tcp *tcp, int port, bool ipv4, uint16_t bound);
/** The same of a path: of its port, or where a setting says so of what the path carries. */
uint16_t connection_mss_of_path(const struct tcp *tcp, const struct net_path *path, uint16_t bound);
/** What our SYN tells the peer. */
void connection_choose_own_mss(struct tcp_connection *c);
/** Our window scale: for the largest receive buffer that a connection with these options may come to have. */
uint8_t connection_scale_of(const struct tcp *tcp, const struct tcp_socket_options *options);
/** It has something to say: lists it at its port. */
void connection_mark(struct tcp_connection *c);
/** Its extra, made when it has none. NULL: no memory. */
struct tcp_extra *connection_want_extra(struct tcp_connection *c);
/** Frees the extra if nothing is in it any more. */
void connection_drop_extra(struct tcp_connection *c);
/** How long data may stay unacknowledged, from now on. */
void connection_set_user_timeout(struct tcp_connection *c, strata_time timeout_ns);
/** Tells the owner what became ready. */
void connection_event(struct tcp_connection *c, uint32_t ready);
/** Applies options that are not tied to opening. */
void connection_apply(struct tcp_connection *c, const struct tcp_socket_options *options);
/** Where what happens rarely is counted. NULL: no memory for it. */
struct tcp_oddities *connection_odd(struct tcp_connection *c);
/** Notes what bounds it from now on. */
void connection_bound(struct tcp_connection *c, enum tcp_bound bound);
/** What must always hold. */
void connection_verify(const struct tcp_connection *c);
static inline void connection_check(const struct tcp_connection *c)
{
    if (CHECKED)
        connection_verify(c);
}

/** RFC 6528: 4-microsecond clock plus a keyed hash of the four-tuple. */
seq_t tcp_initial_sequence(const struct tcp *tcp, const struct tcp_record *key);
/** RFC 7323-14: the offset of the timestamps of a four-tuple; the same for its next incarnation. */
uint32_t tcp_timestamp_offset(const struct tcp *tcp, const struct tcp_record *key);

#endif
