/**
 * TCP on a network room and one port, with a test as the peer that says and hears literal segments.
 *
 *     TCP_TEST(a_listener_answers)
 *     {
 *         rig_listen(rig);
 *         inject(rig, "S 0:0(0) win 65535 <mss 1000>");
 *         expect(rig, "S. 0:0(0) ack 1 <mss *>");
 *         inject(rig, ". 1:1(0) ack 1 win 65535");
 *         silence(rig);
 *     }
 *
 * A segment is: flags (S F R P U E W and . for ACK), first:end(octets of data), ack, win (as on the wire),
 * urg, and options (mss N, ws N, ts VALUE ECHO, sackok, uto N, fo COOKIE, foexp COOKIE, nop, eol, byte N).
 * Numbers are relative to the initial numbers of each side, so that the SYN is 0 and data begins at 1. Octets
 * of data are a function of their relative number, both ways; the rig fills them in and checks them. What
 * `expect` leaves out (win, urg, options) may be anything; `*` stands for any number or cookie. Every segment
 * that comes out is checked for addresses and checksum too. SACK blocks are in the numbers of who hears them.
 *
 * Each test runs twice, over IPv4 and over IPv6. We are 10.0.0.1 or 2001:db8::1, the peer is .2, its port
 * 4000.
 */
#ifndef TESTS_TRANSPORT_RIG_H
#define TESTS_TRANSPORT_RIG_H

#include "tests/test.h"
#include "transport/tcp/connection.h"
#include "transport/tcp/listen.h"

#define RIG_PEER_PORT 4000
#define RIG_PORT 80
#define MS STRATA_MILLISECOND

struct rig {
    struct core core;
    struct net *net;
    struct tcp *tcp;
    bool ipv6;
    int port;
    uint32_t mtu;
    struct strata_endpoint us, peer; /**< The connection that segments are about; may be changed. */
    seq_t our_isn, peer_isn;         /**< Ours is learned from each SYN that comes out. */
    bool know_isn;
    uint32_t our_ts; /**< The first timestamp we sent, from which ours are counted. */
    bool know_ts;
    const uint8_t *ip_options; /**< Of what is injected: IPv4 options, or an IPv6 destination options header. */
    size_t ip_option_bytes;
    uint8_t tos, ttl;  /**< Of the last segment that came out. */
    uint8_t say_tos, say_ttl; /**< Of what is injected; ttl 0: 64. */
    struct tcp_socket_options options;
    struct binding binding;
    struct tcp_listener *listener;
    struct tcp_connection *c;
    uint32_t ready; /**< Events of the connection since it was last looked at. */
    unsigned urgent_events, listener_events;
    uint8_t frame[70000];
    size_t frame_length;
    char line[512];
};

/** Runs a test for both families. */
void rig_run(void (*test)(struct rig *rig));
#define TCP_TEST(name)                                                                                      \
    static void name##_in(struct rig *rig);                                                                 \
    TEST(name)                                                                                              \
    {                                                                                                       \
        rig_run(name##_in);                                                                                 \
    }                                                                                                       \
    static void name##_in(struct rig *rig)

/** Rigs for tests that need another MTU or budget. */
struct rig *rig_new(bool ipv6, uint32_t mtu, size_t memory_bytes);
void rig_free(struct rig *rig);

/** A setting by its field. */
#define SET(rig, setting, value) ((rig)->core.settings.setting = (value))
#define COUNT(rig, name) ((int64_t)(rig)->core.counters.value[COUNTER_##name])

/** The peer says a segment. */
void rig_inject(struct rig *rig, const char *file, int line, const char *text, ...);
#define inject(rig, ...) rig_inject(rig, __FILE__, __LINE__, __VA_ARGS__)
/** The peer says the same, with a byte of the datagram changed afterwards (checksum left as it was). */
void rig_inject_bytes(struct rig *rig, const uint8_t *segment, size_t length);
/** Writes the segment that inject would say, with its checksum. @return its length. */
size_t rig_segment(struct rig *rig, uint8_t *room, const char *text);
/** The next segment we say is this one. */
bool rig_expect(struct rig *rig, const char *file, int line, const char *text, ...);
#define expect(rig, ...) rig_expect(rig, __FILE__, __LINE__, __VA_ARGS__)
/** We say nothing now. */
void rig_silence(struct rig *rig, const char *file, int line);
#define silence(rig) rig_silence(rig, __FILE__, __LINE__)
/** What we say next, as text; "" for nothing. */
const char *rig_next(struct rig *rig);
/** Lets us say all that we want to, unheard. @return how many segments. */
unsigned rig_drain(struct rig *rig);

/** Time passes; timers fire at their times. */
void rig_wait(struct rig *rig, strata_time by);
/** An ICMP error about the segment that came out last, or about any one from `seq` on. */
void rig_icmp(struct rig *rig, uint8_t type, uint8_t code, uint32_t info, uint32_t relative_seq);

/** Listens at RIG_PORT with rig->options. */
void rig_listen(struct rig *rig);
/** A connection that the peer opened, with these options in its SYN; rig->c. */
void rig_accept(struct rig *rig, const char *syn);
/** The peer's SYN with these options, and our SYN-ACK. */
void rig_syn(struct rig *rig, const char *file, int line, const char *options);
#define syn(rig, options) rig_syn(rig, __FILE__, __LINE__, options)
/** The connection that waits to be accepted becomes rig->c. @return false: there is none. */
bool rig_take(struct rig *rig);
/** Ends rig->c; what the peer says next is from another port. */
void rig_another(struct rig *rig);
/** A connection that we opened; `syn_ack` is what the peer answers. */
void rig_connect(struct rig *rig);
void rig_connected(struct rig *rig, const char *syn_ack);

/** Writes `size` octets of the stream, as they must be. */
int64_t rig_write(struct rig *rig, size_t size);
/** Likewise with flags: enum tcp_write_flag. */
int64_t rig_write_flags(struct rig *rig, size_t size, unsigned flags);
/** Reads and checks `size` octets at most. @return what tcp_read says. */
int64_t rig_read(struct rig *rig, size_t size);
struct strata_tcp_info rig_info(struct rig *rig);
/** The state of rig->c. */
enum strata_tcp_state rig_state(struct rig *rig);
#define CHECK_STATE(rig, expected) CHECK_STR(strata_tcp_state_name(rig_state(rig)), expected)

#endif
