/**
 * Half-open connections: SYN-RECEIVED of a passive open, in records smaller than connections.
 */
#ifndef TRANSPORT_TCP_HALF_OPEN_H
#define TRANSPORT_TCP_HALF_OPEN_H

#include "transport/tcp/listen.h"

/** SYN-RECEIVED of a passive open: what a SYN told us, and no more (RFC 4987 3.3). */
struct tcp_half_open {
    struct tcp_record record;
    struct tcp_listener *listener;
    struct timer timer;    /**< SYN-ACK again; or, while a filter has not decided, the end. */
    struct list node;      /**< In listener->half_open, oldest first. */
    strata_time sent_at;   /**< The first SYN-ACK. */
    uint64_t id;           /**< For tcp_decide. */
    struct tcp_time_wait *previous; /**< Before this, should the SYN turn out to be old (RFC 9293 MAY-2). */
    seq_t iss, irs;
    uint32_t ts_recent;
    uint16_t window;       /**< The SYN's, never scaled. */
    uint16_t peer_mss;
    uint16_t offered;      /**< The SYN-ACK's window: of all that may change meanwhile, what was said holds. */
    int16_t port;          /**< Where the SYN arrived. */
    uint16_t own_mss;      /**< What our SYN-ACK says. */
    uint8_t scale;         /**< The peer's shift. */
    uint8_t own_scale;     /**< Ours, as the SYN-ACK tells it. */
    uint8_t retransmits;
    bool timestamps : 1, scaling : 1, sack : 1, ecn : 1;
    bool cookie_owed : 1, cookie_experiment : 1; /**< The SYN-ACK tells a Fast Open cookie; in the old form. */
    bool stamped : 1;      /**< It is no record but a SYN cookie: the SYN-ACK's timestamp has the options. */
    bool acknowledged : 1; /**< The third segment has come, but without data (tcp_socket_options.defer_accept_ns). */
    bool undecided : 1;    /**< Waits for tcp_decide. */
    bool shown : 1;        /**< tcp_pending has told of it. */
    uint8_t challenges;    /**< ACKs that answered what was not acceptable; few, see reply_challenge. */
};

/** Remembers what a SYN told until the handshake is done, and answers it, at once or when a filter has let it pass.
 * @return false: no memory. */
bool half_open_begin(struct tcp *tcp, const struct tcp_half_open *syn);
/** A connection with all that a half-open record knows. NULL: no memory, no route. */
struct tcp_connection *half_open_connection(struct tcp *tcp, const struct tcp_half_open *half_open);
/** A segment for a half-open connection (RFC 9293 3.10.7.4 in SYN-RECEIVED of a passive open). */
void half_open_input(struct tcp *tcp, struct tcp_half_open *half_open, struct segment *segment);
/** Forgets a half-open connection: back to LISTEN. */
void half_open_free(struct tcp *tcp, struct tcp_half_open *half_open);

#endif
