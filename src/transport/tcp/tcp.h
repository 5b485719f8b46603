/**
 * TCP as the socket room sees it: RFC 9293's user interface (3.9.1), non-blocking, with events.
 *
 * A connection outlives its program: after tcp_close the connection frees itself when it is done. The owner
 * gets events through the table given at birth and never after tcp_close or tcp_abort. Events are raised
 * while input, timers or output run; the owner only notes them (it must not call back into TCP from an
 * event).
 */
#ifndef TRANSPORT_TCP_TCP_H
#define TRANSPORT_TCP_TCP_H

#include "net/net.h"
#include "transport/ports.h"

struct tcp;            /**< TCP of one host. */
struct tcp_connection; /**< From SYN-SENT or ESTABLISHED on; half-open and TIME-WAIT are smaller records within. */
struct tcp_listener;

/** Events, filled in by the socket room. `ready` is a set of STRATA_READABLE ... */
struct tcp_events {
    void *context;
    void (*connection)(void *context, void *owner, uint32_t ready);
    void (*listener)(void *context, void *owner, uint32_t ready);
};

int tcp_new(struct tcp **tcp, struct net *net, const struct tcp_events *events);
/** Frees all connections and records in silence. */
void tcp_free(struct tcp *tcp);

/** Options of a socket before and after it has a connection or listener; inherited by what a listener
 * accepts. */
struct tcp_socket_options {
    uint32_t send_bytes, receive_bytes;
    strata_time keep_idle_ns, keep_interval_ns, user_timeout_ns, linger_ns;
    uint32_t keep_count;
    uint16_t max_segment;
    uint64_t pacing_bytes;
    uint32_t unsent_low, send_low, receive_low, window_most;
    uint16_t fast_open;          /**< Listener: connections without a handshake at most (RFC 7413); 0: none. */
    uint8_t fast_open_keys;      /**< Of its own, 16 octets each; the first makes cookies, both are good. */
    uint8_t fast_open_key[32];
    strata_time advertised_timeout_ns;           /**< The user timeout option tells it (RFC 5482); 0: there is none. */
    strata_time receive_stall_ns, send_stall_ns; /**< Without progress so long the connection ends; 0: not. */
    uint64_t receive_rate, send_rate;            /**< With less than so many octets a second it ends; 0: not. */
    strata_time defer_accept_ns; /**< Listener: how long a connection waits for data before it counts; 0: off. */
    bool fast_open_no_cookie;    /**< Neither asks for cookies nor makes any. */
    uint8_t syn_retries;         /**< 0: the host's setting. */
    bool fast_open_connect;      /**< The SYN waits for data to carry, where a cookie is known (RFC 7413). */
    uint8_t ttl, tos, congestion, ttl_least;
    bool cork, quick_ack;
    bool send_fixed, receive_fixed; /**< The program chose the size: the buffer does not tune itself. */
    bool keep_alive, no_delay, urgent_inline, v6only, reuse_address, reuse_port, filter, transparent, receive_errors;
    int bind_port;
};
void tcp_default_options(const struct tcp *tcp, struct tcp_socket_options *options);

/** Passive OPEN (RFC 9293 3.9.1.1). `binding` is the socket's, already held with BINDING_LISTENING, and
 * outlives the listener. @return 0, -EADDRINUSE, -ENOMEM. */
int tcp_listen(struct tcp *tcp, const struct binding *binding, const struct tcp_socket_options *options, int backlog,
               void *owner, struct tcp_listener **listener);
void tcp_listener_set_backlog(struct tcp_listener *listener, int backlog);
void tcp_listener_set_options(struct tcp_listener *listener, const struct tcp_socket_options *options);
/** Half-open ones are forgotten, connections not accepted yet are reset. */
void tcp_listener_close(struct tcp_listener *listener);
/** The next established connection, which now gets `owner`'s events; NULL: none. */
struct tcp_connection *tcp_accept(struct tcp_listener *listener, void *owner);
bool tcp_listener_readable(const struct tcp_listener *listener);
/** Filtered SYNs, oldest first, each told of once (STRATA_OPTION_FILTER). @return 0, -EAGAIN: none. */
int tcp_pending(struct tcp_listener *listener, struct strata_syn *syn);
/** @return 0, -ENOENT: not waiting any more. */
int tcp_decide(struct tcp_listener *listener, uint64_t id, enum strata_decision decision);

/** Active OPEN. `binding` may be NULL or hold a local address and port. @return 0 (SYN is on its way), or
 * errno: -EADDRNOTAVAIL (no port or address left), -EADDRINUSE (four-tuple), -ENETUNREACH, -EINVAL (RFC 9293
 * MUST-46). */
int tcp_connect(struct tcp *tcp, const struct binding *binding, const struct strata_endpoint *peer,
                const struct tcp_socket_options *options, void *owner, struct tcp_connection **connection);
/** Whether net.ipv4.tcp_fastopen allows clients to open fast. */
bool tcp_may_open_fast(const struct tcp *tcp);
/** Its SYN is out, the handshake not done. */
bool tcp_is_opening(const struct tcp_connection *connection);
/** Its SYN waits for the first write, which it will carry (tcp_socket_options.fast_open_connect). */
bool tcp_waits_for_data(const struct tcp_connection *connection);

/** How what is written goes out. */
enum tcp_write_flag {
    TCP_WRITE_URGENT = 1, /**< The urgent pointer marks its end. */
    TCP_WRITE_MORE = 2,   /**< More follows soon: no small segment because of this. */
    TCP_WRITE_END = 4,    /**< It ends a record: what follows goes in segments of its own. */
};
int64_t tcp_write(struct tcp_connection *connection, const void *data, size_t size, unsigned flags);
/** What was written goes now, as far as windows let it, whatever Nagle's algorithm and a cork say. */
void tcp_push(struct tcp_connection *connection);
/** Acknowledge at once from now on, or let ACKs wait (STRATA_OPTION_QUICK_ACK). */
void tcp_quick_ack(struct tcp_connection *connection, bool on);
bool tcp_is_quick_ack(const struct tcp_connection *connection);
uint8_t tcp_received_tos(const struct tcp_connection *connection);
int64_t tcp_read(struct tcp_connection *connection, void *data, size_t size);
int64_t tcp_peek(struct tcp_connection *connection, void *data, size_t size);
int tcp_data(struct tcp_connection *connection, struct strata_iovec *pieces, int count);
int tcp_consume(struct tcp_connection *connection, size_t bytes);
int tcp_space(struct tcp_connection *connection, size_t size, struct strata_iovec *pieces, int count);
int tcp_commit(struct tcp_connection *connection, size_t bytes);
int64_t tcp_urgent_mark(const struct tcp_connection *connection);
int64_t tcp_read_urgent(struct tcp_connection *connection, uint8_t *octet, bool peek);
int tcp_shutdown(struct tcp_connection *connection, enum strata_shutdown how);
/** CLOSE: the owner lets go. Unread data means RST (RFC 9293 SHLD-3). */
void tcp_close(struct tcp_connection *connection);
/** ABORT: RST, gone. */
void tcp_abort(struct tcp_connection *connection);

/** Level readiness. */
uint32_t tcp_readiness(const struct tcp_connection *connection);
/** The error that ended it or a soft one that was kept, positive errno, and clears it. */
int tcp_take_error(struct tcp_connection *connection);
void tcp_endpoints(const struct tcp_connection *connection, struct strata_endpoint *local,
                   struct strata_endpoint *peer);
void tcp_info(const struct tcp_connection *connection, struct strata_tcp_info *info);
/** What its congestion control knows, in the words of Linux's TCP_CC_INFO. @return how many; 0: nothing to tell. */
#define TCP_CC_WORDS 5
unsigned tcp_congestion_info(const struct tcp_connection *connection, uint32_t words[TCP_CC_WORDS]);
/** The size of a buffer now, which may have tuned itself. */
uint32_t tcp_buffer_bytes(const struct tcp_connection *connection, bool sending);
/** Options may change at any time; takes effect as far as it can. */
void tcp_set_options(struct tcp_connection *connection, const struct tcp_socket_options *options);

/** Whether a four-tuple is in use (for choosing ports). */
bool tcp_tuple_in_use(struct tcp *tcp, const struct strata_endpoint *local, const struct strata_endpoint *peer);
/** Whether a connection or TIME-WAIT record has a local address and port that a binding would cover. */
bool tcp_name_in_use(struct tcp *tcp, const struct binding *binding);
struct ports *tcp_ports(struct tcp *tcp);
void tcp_memory(const struct tcp *tcp, struct strata_memory *memory);
const char *tcp_congestion_name(unsigned index);

#endif
