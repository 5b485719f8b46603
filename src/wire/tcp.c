/*
 * TCP headers (RFC 9293 3.1) and options (3.2; window scale and timestamps: RFC 7323; SACK: RFC 2018;
 * user timeout: RFC 5482; Fast Open: RFC 7413).
 *
 *     source port 16 | destination port 16
 *     sequence number 32
 *     acknowledgement number 32
 *     header words 4 | reserved 3 | AE CWR ECE URG ACK PSH RST SYN FIN | window 16
 *     checksum 16 | urgent pointer 16
 *     options ...
 */
#include "wire/tcp.h"
#include "base/assert.h"
#include "base/text.h"
#include "wire/checksum.h"

enum {
    OPTION_END = 0,
    OPTION_NOP = 1,
    OPTION_MSS = 2,
    OPTION_SCALE = 3,
    OPTION_SACK_PERMITTED = 4,
    OPTION_SACK = 5,
    OPTION_TIMESTAMPS = 8,
    OPTION_USER_TIMEOUT = 28,
    OPTION_FAST_OPEN = 34,
    OPTION_EXPERIMENT = 254
};

enum {
    MSS_BYTES = 4,
    SCALE_BYTES = 3,
    SACK_PERMITTED_BYTES = 2,
    TIMESTAMPS_BYTES = 10,
    SACK_BLOCK_BYTES = 8,
    USER_TIMEOUT_BYTES = 4,
    FAST_OPEN_BYTES = 2,           /**< Without the cookie. */
    FAST_OPEN_EXPERIMENT_BYTES = 4 /**< Likewise. */
};

/** Which experiment kind 254 is (RFC 6994): Fast Open before it had a kind of its own. */
#define FAST_OPEN_EXPERIMENT 0xf989

/** NOP, NOP, timestamps: how nearly every segment's options begin. */
#define ALIGNED_TIMESTAMPS (OPTION_NOP << 24 | OPTION_NOP << 16 | OPTION_TIMESTAMPS << 8 | TIMESTAMPS_BYTES)

static void parse_sack(struct tcp_options *options, const uint8_t *blocks, size_t size)
{
    if (size == 0 || size % SACK_BLOCK_BYTES != 0)
        return;
    // Should there be two such options, the last counts alone.
    memset(options->sack, 0, sizeof options->sack);
    options->sack_count = (uint8_t)(size / SACK_BLOCK_BYTES);
    for (int i = 0; i < options->sack_count; i++) {
        options->sack[i].start = bytes_get32(blocks + SACK_BLOCK_BYTES * i);
        options->sack[i].end = bytes_get32(blocks + SACK_BLOCK_BYTES * i + 4);
    }
}

/** RFC 7413-2: what is no cookie is as good as no option. */
static void parse_fast_open(struct tcp_options *options, const uint8_t *cookie, size_t size, bool experimental)
{
    if (size != 0 && (size < TCP_COOKIE_MIN || size > TCP_COOKIE_MAX || size % 2 != 0))
        return;
    options->has_fast_open = true;
    options->fast_open_experimental = experimental;
    options->fast_open_bytes = (uint8_t)size;
    options->fast_open = cookie;
}

/** The options that a SYN may have and hardly any other segment. */
static void parse_rare_option(struct tcp_options *options, const uint8_t *option)
{
    uint8_t kind = option[0], length = option[1];
    if (kind == OPTION_USER_TIMEOUT && length == USER_TIMEOUT_BYTES) { // RFC 5482-1
        options->has_user_timeout = true;
        options->user_timeout = bytes_get16(option + 2);
    } else if (kind == OPTION_FAST_OPEN) {
        parse_fast_open(options, option + FAST_OPEN_BYTES, length - FAST_OPEN_BYTES, false);
    } else if (kind == OPTION_EXPERIMENT && length >= FAST_OPEN_EXPERIMENT_BYTES &&
               bytes_get16(option + 2) == FAST_OPEN_EXPERIMENT) {
        parse_fast_open(options, option + FAST_OPEN_EXPERIMENT_BYTES, length - FAST_OPEN_EXPERIMENT_BYTES, true);
    }
}

/** One option of a kind that has a length. A known one with a length it cannot have is as good as unknown. */
static void parse_option(struct tcp_options *options, const uint8_t *option)
{
    uint8_t kind = option[0], length = option[1];
    if (kind == OPTION_MSS && length == MSS_BYTES) {
        options->has_mss = true;
        options->mss = bytes_get16(option + 2);
    } else if (kind == OPTION_SCALE && length == SCALE_BYTES) {
        options->has_scale = true;
        options->scale = option[2];
    } else if (kind == OPTION_SACK_PERMITTED && length == SACK_PERMITTED_BYTES) {
        options->sack_permitted = true;
    } else if (kind == OPTION_TIMESTAMPS && length == TIMESTAMPS_BYTES) {
        options->has_timestamps = true;
        options->ts_value = bytes_get32(option + 2);
        options->ts_echo = bytes_get32(option + 6);
    } else if (kind == OPTION_SACK) {
        parse_sack(options, option + 2, length - 2u);
    } else {
        parse_rare_option(options, option);
    }
}

/** RFC 9293 MUST-4, MUST-64: options at any alignment. @return 0, or what is wrong. */
static int parse_options(struct tcp_options *options, const uint8_t *bytes, size_t size)
{
    while (size > 0) {
        // RFC 9293 MUST-69: behind the end of the list there is only padding.
        if (bytes[0] == OPTION_END)
            return 0;
        if (bytes[0] == OPTION_NOP) {
            bytes++;
            size--;
            continue;
        }
        // RFC 9293 MUST-68: every other option has a length, and MUST-7: which may be a lie.
        if (size < 2 || bytes[1] < 2 || bytes[1] > size)
            return WIRE_BAD(tcp_drop_options);
        parse_option(options, bytes); // RFC 9293 MUST-6: unknown ones are skipped.
        size -= bytes[1];
        bytes += bytes[1];
    }
    return 0;
}

int tcp_parse(struct tcp_header *header, const uint8_t *bytes, size_t size)
{
    if (size < TCP_HEADER_BYTES)
        return WIRE_BAD(tcp_drop_short);
    size_t header_bytes = (bytes[12] >> 4) * 4u;
    if (header_bytes < TCP_HEADER_BYTES || header_bytes > size)
        return WIRE_BAD(tcp_drop_short);
    *header = (struct tcp_header){
        .source_port = bytes_get16(bytes),
        .destination_port = bytes_get16(bytes + 2),
        .seq = bytes_get32(bytes + 4),
        .ack = bytes_get32(bytes + 8),
        .flags = bytes_get16(bytes + 12) & 0x1ff,
        .window = bytes_get16(bytes + 14),
        .checksum = bytes_get16(bytes + 16),
        .urgent = bytes_get16(bytes + 18),
        .header_bytes = (uint8_t)header_bytes,
    };
    if (header_bytes == TCP_HEADER_BYTES)
        return TCP_HEADER_BYTES;
    const uint8_t *options = bytes + TCP_HEADER_BYTES;
    if (header_bytes == TCP_HEADER_BYTES + 12 && bytes_get32(options) == ALIGNED_TIMESTAMPS) {
        header->options.has_timestamps = true;
        header->options.ts_value = bytes_get32(options + 4);
        header->options.ts_echo = bytes_get32(options + 8);
        return (int)header_bytes;
    }
    int bad = parse_options(&header->options, options, header_bytes - TCP_HEADER_BYTES);
    return bad ? bad : (int)header_bytes;
}

static size_t fast_open_bytes(const struct tcp_options *options)
{
    size_t bytes = options->fast_open_experimental ? FAST_OPEN_EXPERIMENT_BYTES : FAST_OPEN_BYTES;
    return bytes + options->fast_open_bytes;
}

size_t tcp_options_bytes(const struct tcp_options *options)
{
    size_t bytes = 0;
    if (options->has_mss)
        bytes += MSS_BYTES;
    if (options->has_timestamps)
        bytes += 2 + TIMESTAMPS_BYTES; // Behind SACK-permitted or two NOPs.
    else if (options->sack_permitted)
        bytes += 2 + SACK_PERMITTED_BYTES;
    if (options->has_scale)
        bytes += 1 + SCALE_BYTES;
    if (options->sack_count > 0)
        bytes += 4 + (size_t)SACK_BLOCK_BYTES * options->sack_count;
    if (options->has_user_timeout)
        bytes += USER_TIMEOUT_BYTES;
    if (options->has_fast_open)
        bytes += (fast_open_bytes(options) + 3) / 4 * 4;
    return bytes;
}

static uint8_t *emit_rare_options(uint8_t *p, const struct tcp_options *options)
{
    if (options->has_user_timeout) {
        *p++ = OPTION_USER_TIMEOUT;
        *p++ = USER_TIMEOUT_BYTES;
        bytes_put16(p, options->user_timeout);
        p += 2;
    }
    if (options->has_fast_open) {
        size_t bytes = fast_open_bytes(options);
        *p++ = options->fast_open_experimental ? OPTION_EXPERIMENT : OPTION_FAST_OPEN;
        *p++ = (uint8_t)bytes;
        if (options->fast_open_experimental) {
            bytes_put16(p, FAST_OPEN_EXPERIMENT);
            p += 2;
        }
        if (options->fast_open_bytes > 0)
            memcpy(p, options->fast_open, options->fast_open_bytes);
        p += options->fast_open_bytes;
        for (; bytes % 4 != 0; bytes++)
            *p++ = options->scale_first ? OPTION_END : OPTION_NOP;
    }
    return p;
}

static uint8_t *emit_scale(uint8_t *p, const struct tcp_options *options)
{
    *p++ = OPTION_NOP;
    *p++ = OPTION_SCALE;
    *p++ = SCALE_BYTES;
    *p++ = options->scale;
    return p;
}

static uint8_t *emit_timestamps(uint8_t *p, const struct tcp_options *options)
{
    *p++ = OPTION_TIMESTAMPS;
    *p++ = TIMESTAMPS_BYTES;
    bytes_put32(p, options->ts_value);
    bytes_put32(p + 4, options->ts_echo);
    return p + 8;
}

/** The options of a SYN behind its MSS in BSD's order, filled up with end-of-list. */
static size_t emit_scale_first(uint8_t *room, uint8_t *p, const struct tcp_options *options)
{
    if (options->has_scale)
        p = emit_scale(p, options);
    if (options->sack_permitted) {
        *p++ = OPTION_SACK_PERMITTED;
        *p++ = SACK_PERMITTED_BYTES;
    } else if (options->has_timestamps) {
        *p++ = OPTION_NOP;
        *p++ = OPTION_NOP;
    }
    if (options->has_timestamps)
        p = emit_timestamps(p, options);
    bool more = options->has_user_timeout || options->has_fast_open;
    while ((p - room) % 4 != 0)
        *p++ = more ? OPTION_NOP : OPTION_END;
    return (size_t)(emit_rare_options(p, options) - room);
}

/** In the order that everybody uses; each group is a multiple of four bytes, so that no padding is needed. */
static size_t emit_options(uint8_t *room, const struct tcp_options *options)
{
    uint8_t *p = room;
    if (options->has_mss) {
        *p++ = OPTION_MSS;
        *p++ = MSS_BYTES;
        bytes_put16(p, options->mss);
        p += 2;
    }
    if (options->scale_first)
        return emit_scale_first(room, p, options);
    if (options->has_timestamps || options->sack_permitted) {
        if (!options->has_timestamps || !options->sack_permitted) {
            *p++ = OPTION_NOP;
            *p++ = OPTION_NOP;
        }
        if (options->sack_permitted) {
            *p++ = OPTION_SACK_PERMITTED;
            *p++ = SACK_PERMITTED_BYTES;
        }
        if (options->has_timestamps)
            p = emit_timestamps(p, options);
    }
    if (options->has_scale)
        p = emit_scale(p, options);
    if (options->sack_count > 0) {
        *p++ = OPTION_NOP;
        *p++ = OPTION_NOP;
        *p++ = OPTION_SACK;
        *p++ = (uint8_t)(2 + SACK_BLOCK_BYTES * options->sack_count);
        for (int i = 0; i < options->sack_count; i++, p += SACK_BLOCK_BYTES) {
            bytes_put32(p, options->sack[i].start);
            bytes_put32(p + 4, options->sack[i].end);
        }
    }
    return (size_t)(emit_rare_options(p, options) - room);
}

size_t tcp_emit(uint8_t *room, const struct tcp_header *header)
{
    size_t header_bytes = TCP_HEADER_BYTES + tcp_options_bytes(&header->options);
    ASSERT(header_bytes <= TCP_HEADER_MAX);
    bytes_put16(room, header->source_port);
    bytes_put16(room + 2, header->destination_port);
    bytes_put32(room + 4, header->seq);
    bytes_put32(room + 8, header->ack);
    bytes_put16(room + 12, (uint16_t)(header_bytes / 4 << 12 | (header->flags & 0x1ff)));
    bytes_put16(room + 14, header->window);
    bytes_put16(room + 16, 0);
    bytes_put16(room + 18, header->urgent);
    return TCP_HEADER_BYTES + emit_options(room + TCP_HEADER_BYTES, &header->options);
}

void tcp_put_checksum(uint8_t *bytes, uint16_t checksum)
{
    bytes_put16(bytes + 16, checksum);
}

size_t tcp_flags_print(uint16_t flags, char *text, size_t size)
{
    static const struct {
        uint16_t flag;
        char name[4];
    } names[] = {{TCP_SYN, "SYN"}, {TCP_FIN, "FIN"}, {TCP_RST, "RST"}, {TCP_PSH, "PSH"}, {TCP_ACK, "ACK"},
                 {TCP_URG, "URG"}, {TCP_ECE, "ECE"}, {TCP_CWR, "CWR"}, {0x100, "AE"}};
    struct text to = text_of(text, size);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!(flags & names[i].flag))
            continue;
        if (to.length > 0)
            text_char(&to, ',');
        text_string(&to, names[i].name);
    }
    return to.length;
}

/** Puts a word in the place of another, which may stand astride two of those that the checksum adds (RFC 1624 3). */
static void replace_word(uint8_t *segment, size_t at, uint16_t value)
{
    size_t first = at & ~(size_t)1, after = at + 2;
    uint16_t checksum = bytes_get16(segment + 16);
    for (size_t word = first; word < after; word += 2)
        checksum = checksum_adjust(checksum, bytes_get16(segment + word), 0);
    bytes_put16(segment + at, value);
    for (size_t word = first; word < after; word += 2)
        checksum = checksum_adjust(checksum, 0, bytes_get16(segment + word));
    bytes_put16(segment + 16, checksum);
}

bool tcp_clamp_mss(uint8_t *segment, size_t size, uint16_t most)
{
    struct tcp_header header;
    bool lowered = false;
    if (tcp_parse(&header, segment, size) < 0 || !(header.flags & TCP_SYN) || !header.options.has_mss)
        return false;
    // tcp_parse has seen that the lengths are true.
    for (size_t at = TCP_HEADER_BYTES; at < header.header_bytes && segment[at] != OPTION_END;
         at += segment[at] == OPTION_NOP ? 1 : segment[at + 1]) {
        if (segment[at] != OPTION_MSS || segment[at + 1] != MSS_BYTES || bytes_get16(segment + at + 2) <= most)
            continue;
        replace_word(segment, at + 2, most);
        lowered = true;
    }
    return lowered;
}
