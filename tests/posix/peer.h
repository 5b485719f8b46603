/**
 * Plays packetdrill's part: loads libstrata_packetdrill.so, makes calls, injects segments and looks at what the host
 * sends, all through the table that packetdrill gets. Sequence numbers are relative, as in scripts: each side's SYN
 * has 0.
 */
#ifndef TESTS_POSIX_PEER_H
#define TESTS_POSIX_PEER_H

#include "posix/packetdrill.h"
#include "wire/tcp.h"

#include <netinet/in.h>

/** The library, loaded, and one connection as its peer sees it. */
struct peer {
    struct packetdrill_table call;
    void *library;
    bool ipv6;
    struct strata_address local, remote; /**< The host under test, and we. */
    uint16_t local_port, remote_port;
    uint32_t host_isn, peer_isn; /**< As they are on the wire. */
    uint16_t urgent; /**< Pointer of what is sent with URG. */
    /* What came last. */
    struct tcp_header header;
    uint8_t bytes[65536];
    size_t payload;
    const uint8_t *data;
    long long sent_us; /**< When, since peer_begin. */
    long long begun_us;
};

void peer_begin(struct peer *peer, const char *flags, bool ipv6);
void peer_end(struct peer *peer);
/** Microseconds since peer_begin. */
long long peer_clock(struct peer *peer);
/** Waits as packetdrill does: sleeps until shortly before, then looks at the clock. */
void peer_wait_until(struct peer *peer, long long us);

/** The host's address for bind, with its port; ours for connect. */
socklen_t peer_host_address(const struct peer *peer, struct sockaddr_storage *address);
socklen_t peer_own_address(const struct peer *peer, struct sockaddr_storage *address);

/** Injects a segment; options may be NULL. */
void peer_send(struct peer *peer, uint16_t flags, uint32_t seq, uint32_t ack, uint16_t window,
               const struct tcp_options *options, size_t payload);
/** The next segment from the host: its checksums are verified. @return false: there is none. */
bool peer_receive(struct peer *peer);
/** Receives a segment and checks flags, relative sequence and acknowledgement numbers, and length. */
#define EXPECT(peer, flags, seq, ack, payload) peer_expect(peer, flags, seq, ack, payload, __FILE__, __LINE__)
void peer_expect(struct peer *peer, uint16_t flags, uint32_t seq, uint32_t ack, size_t payload, const char *file,
                 int line);

/** socket, bind, listen and the handshake with SACK, scale 7 and MSS 1000. @return the listener. */
int peer_listen(struct peer *peer);
void peer_handshake(struct peer *peer);

#endif
