/**
 * TCP headers and options (RFC 9293 3.1, 3.2; RFC 7323, RFC 2018, RFC 5482, RFC 7413).
 */
#ifndef WIRE_TCP_H
#define WIRE_TCP_H

#include "wire/wire.h"

#define TCP_HEADER_BYTES 20
#define TCP_HEADER_MAX 60
#define TCP_OPTIONS_MAX (TCP_HEADER_MAX - TCP_HEADER_BYTES)
/** Fast Open cookies have 4 to 16 octets, an even number (RFC 7413 4.1.1). */
#define TCP_COOKIE_MIN 4
#define TCP_COOKIE_MAX 16

enum { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_PSH = 8, TCP_ACK = 16, TCP_URG = 32, TCP_ECE = 64, TCP_CWR = 128 };

struct tcp_sack_block {
    seq_t start, end;
};
/** The options we know; others are skipped by their length (RFC 9293 MUST-6). */
struct tcp_options {
    bool has_mss, has_scale, has_timestamps, sack_permitted;
    bool scale_first; /**< To emit: window scale before SACK-permitted, as BSD has it. The length is the same. */
    uint8_t scale;
    uint16_t mss;
    uint32_t ts_value, ts_echo;
    uint8_t sack_count;
    bool has_user_timeout, has_fast_open;
    bool fast_open_experimental; /**< In the form before RFC 7413: kind 254, 0xf989. */
    uint8_t fast_open_bytes;     /**< 0: it asks for a cookie. */
    uint16_t user_timeout;       /**< As on the wire: see TCP_USER_TIMEOUT_MINUTES. */
    struct tcp_sack_block sack[4];
    const uint8_t *fast_open; /**< The cookie: parsed, it lies in the segment; to emit, wherever the caller has it. */
};
/** The granularity bit of the user timeout option (RFC 5482-1): the other 15 bits are minutes, else seconds. */
#define TCP_USER_TIMEOUT_MINUTES 0x8000u
struct tcp_header {
    uint16_t source_port, destination_port;
    seq_t seq, ack;
    uint16_t flags; /**< TCP_FIN ...; bit 8 is AE (RFC 9768). */
    uint16_t window; /**< As on the wire, not scaled. */
    uint16_t checksum;
    uint16_t urgent;
    uint8_t header_bytes;
    struct tcp_options options;
};
/** What an ICMP error quotes of a segment: at least its first eight bytes (RFC 792). */
struct tcp_quote {
    uint16_t source_port, destination_port;
    seq_t seq;
};
/** @return false: too short. */
static inline bool tcp_parse_quote(struct tcp_quote *quote, const uint8_t *bytes, size_t size)
{
    if (size < 8)
        return false;
    *quote = (struct tcp_quote){bytes_get16(bytes), bytes_get16(bytes + 2), bytes_get32(bytes + 4)};
    return true;
}
/** Parses header and options, checks lengths. The checksum over all is the caller's to verify. */
int tcp_parse(struct tcp_header *header, const uint8_t *bytes, size_t size);
/** Bytes the options of a header take, padded to a multiple of 4. */
size_t tcp_options_bytes(const struct tcp_options *options);
/** Writes header and options with checksum 0 (see tcp_put_checksum); header_bytes is computed. */
size_t tcp_emit(uint8_t *room, const struct tcp_header *header);
void tcp_put_checksum(uint8_t *bytes, uint16_t checksum);
/** Lowers the MSS that a SYN tells to `most`, and keeps its checksum right. @return whether it was more. */
bool tcp_clamp_mss(uint8_t *segment, size_t size, uint16_t most);
/** "SYN,ACK" */
size_t tcp_flags_print(uint16_t flags, char *text, size_t size);

#endif
