/*
 * The peer of the TCP tests: reads and writes segments as text.
 */
#include "tests/transport/rig.h"
#include "wire/checksum.h"
#include "wire/icmp.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"

#include <stdarg.h>

/* ---- Birth and death ----------------------------------------------------------------------------------- */

static void on_connection(void *context, void *owner, uint32_t ready)
{
    struct rig *rig = context;
    if (owner != rig)
        return;
    rig->ready |= ready;
    if (ready & STRATA_URGENT)
        rig->urgent_events++;
}

static void on_listener(void *context, void *owner, uint32_t ready)
{
    struct rig *rig = context;
    CHECK(owner == rig && ready == STRATA_READABLE);
    rig->listener_events++;
}

static struct strata_address address_of(bool ipv6, unsigned last)
{
    if (!ipv6)
        return strata_ipv4(10, 0, 0, (uint8_t)last);
    return (struct strata_address){{0x20, 0x01, 0x0d, 0xb8, [15] = (uint8_t)last}};
}

struct rig *rig_new(bool ipv6, uint32_t mtu, size_t memory_bytes)
{
    struct rig *rig = calloc(1, sizeof *rig);
    REQUIRE(rig);
    struct strata_config config = {.size = sizeof config, .seed = {4, 2, 1}, .memory_bytes = memory_bytes};
    REQUIRE(core_init(&rig->core, &config, 100 * STRATA_SECOND) == 0);
    REQUIRE(net_new(&rig->net, &rig->core) == 0);
    struct tcp_events events = {.context = rig, .connection = on_connection, .listener = on_listener};
    REQUIRE(tcp_new(&rig->tcp, rig->net, &events) == 0);
    struct strata_port_config port = {.size = sizeof port, .link = STRATA_LINK_IP, .mtu_bytes = mtu};
    rig->port = links_add_port(net_links(rig->net), &port);
    REQUIRE(rig->port > 0);
    rig->ipv6 = ipv6;
    rig->mtu = mtu;
    rig->us = (struct strata_endpoint){.address = address_of(ipv6, 1), .port = RIG_PORT};
    rig->peer = (struct strata_endpoint){.address = address_of(ipv6, 2), .port = RIG_PEER_PORT};
    REQUIRE(net_address_add(rig->net, rig->port, &rig->us.address, ipv6 ? 64 : 24) == 0);
    rig->peer_isn = 0xfffffe00; // so that numbers wrap early in every longer test (RFC 9293-10)
    tcp_default_options(rig->tcp, &rig->options);
    rig->options.send_bytes = 262144;
    rig->options.receive_bytes = 65535;
    SET(rig, tcp_quick_acks, 0);
    SET(rig, tcp_hole_acks, 0);
    SET(rig, tcp_mtu_probing, 0);
    SET(rig, tcp_minshall, 0);
    SET(rig, tcp_min_tso_segs, 255); // PSH only where half a window or what was written ends
    rig->options.send_fixed = rig->options.receive_fixed = true; // tests of tuning take this back
    return rig;
}

void rig_free(struct rig *rig)
{
    if (rig->c)
        tcp_abort(rig->c);
    if (rig->listener)
        tcp_listener_close(rig->listener);
    ports_release(tcp_ports(rig->tcp), &rig->binding);
    tcp_free(rig->tcp);
    net_free(rig->net);
    core_free(&rig->core); // asserts that nothing leaked
    free(rig);
}

void rig_run(void (*test)(struct rig *rig))
{
    for (int ipv6 = 0; ipv6 < 2; ipv6++) {
        unsigned before = *test_failures();
        struct rig *rig = rig_new(ipv6, 1500, 0);
        test(rig);
        rig_free(rig);
        if (*test_failures() != before)
            printf("    (over %s)\n", ipv6 ? "IPv6" : "IPv4");
    }
}

/* ---- Segments as text ---------------------------------------------------------------------------------- */

/** A segment in relative numbers. */
struct text_segment {
    uint16_t flags;
    uint32_t start, end, length;
    bool has_ack, has_window, has_urgent, has_options;
    uint32_t ack, window, urgent;
    char options[200];
};

static const char flag_letters[] = "FSRP.UEW"; // by bit

static uint8_t octet_at(uint32_t relative)
{
    return (uint8_t)(relative * 2654435761u >> 11);
}

static void bad_text(const char *text)
{
    printf("not a segment: %s\n", text);
    exit(1);
}

static void read_text(struct text_segment *segment, const char *text)
{
    const char *p = text;
    memset(segment, 0, sizeof *segment);
    for (; *p && *p != ' '; p++) {
        const char *letter = strchr(flag_letters, *p);
        if (!letter)
            bad_text(text);
        segment->flags |= (uint16_t)(1u << (letter - flag_letters));
    }
    int used = 0;
    if (sscanf(p, " %u:%u(%u)%n", &segment->start, &segment->end, &segment->length, &used) != 3)
        bad_text(text);
    p += used;
    while (*p) {
        uint32_t value;
        if (*p == ' ') {
            p++;
        } else if (sscanf(p, "ack %u%n", &value, &used) == 1) {
            segment->has_ack = true;
            segment->ack = value;
            p += used;
        } else if (sscanf(p, "win %u%n", &value, &used) == 1) {
            segment->has_window = true;
            segment->window = value;
            p += used;
        } else if (sscanf(p, "urg %u%n", &value, &used) == 1) {
            segment->has_urgent = true;
            segment->urgent = value;
            p += used;
        } else if (*p == '<') {
            segment->has_options = true;
            const char *end = strchr(p, '>');
            if (!end || (size_t)(end - p) > sizeof segment->options)
                bad_text(text);
            memcpy(segment->options, p + 1, (size_t)(end - p - 1));
            p = end + 1;
        } else {
            bad_text(text);
        }
    }
}

/** Writes the blocks " a:b c:d", in our relative numbers. @return how much of the text that was. */
static int emit_sack(const struct rig *rig, uint8_t *room, const char *text)
{
    int at = 0, used = 0;
    unsigned a, b;
    room[0] = 5;
    for (room[1] = 2; sscanf(text + at, " %u:%u%n", &a, &b, &used) == 2; room[1] += 8, at += used) {
        bytes_put32(room + room[1], rig->our_isn + a);
        bytes_put32(room + room[1] + 4, rig->our_isn + b);
    }
    return at;
}

/** Writes options from text. @return their length, padded to a multiple of four with EOL. */
static size_t emit_options(const struct rig *rig, uint8_t *room, const char *text)
{
    size_t at = 0;
    unsigned a, b;
    int used;
    while (*text) {
        if (*text == ',' || *text == ' ') {
            text++;
            continue;
        }
        used = 0;
        if (sscanf(text, "mss %u%n", &a, &used) == 1 && used) {
            const uint8_t bytes[] = {2, 4, (uint8_t)(a >> 8), (uint8_t)a};
            memcpy(room + at, bytes, sizeof bytes);
            at += sizeof bytes;
        } else if (sscanf(text, "ws %u%n", &a, &used) == 1 && used) {
            const uint8_t bytes[] = {3, 3, (uint8_t)a};
            memcpy(room + at, bytes, sizeof bytes);
            at += sizeof bytes;
        } else if (sscanf(text, "ts %u %u%n", &a, &b, &used) == 2 && used) {
            room[at] = 8;
            room[at + 1] = 10;
            bytes_put32(room + at + 2, a);
            bytes_put32(room + at + 6, b);
            at += 10;
        } else if (strncmp(text, "sackok", 6) == 0) {
            room[at] = 4;
            room[at + 1] = 2;
            at += 2;
            used = 6;
        } else if (strncmp(text, "sack ", 5) == 0) {
            used = 4 + emit_sack(rig, room + at, text + 4);
            at += room[at + 1];
        } else if (sscanf(text, "uto %u%n", &a, &used) == 1 && used) {
            room[at] = 28;
            room[at + 1] = 4;
            bytes_put16(room + at + 2, (uint16_t)a);
            at += 4;
        } else if (strncmp(text, "fo", 2) == 0) {
            bool experimental = strncmp(text, "foexp", 5) == 0;
            uint8_t *option = room + at;
            option[0] = experimental ? 254 : 34;
            bytes_put16(option + 2, 0xf989);
            at += experimental ? 4 : 2;
            used = experimental ? 5 : 2;
            if (text[used] == ' ')
                used++;
            for (; sscanf(text + used, "%2x", &a) == 1; used += 2)
                room[at++] = (uint8_t)a;
            option[1] = (uint8_t)(room + at - option);
        } else if (strncmp(text, "nop", 3) == 0) {
            room[at++] = 1;
            used = 3;
        } else if (strncmp(text, "eol", 3) == 0) {
            room[at++] = 0;
            used = 3;
        } else if (sscanf(text, "byte %u%n", &a, &used) == 1 && used) {
            room[at++] = (uint8_t)a;
        } else {
            bad_text(text);
        }
        text += used;
    }
    while (at % 4)
        room[at++] = 0;
    return at;
}

static void print_options(const struct rig *rig, const struct tcp_options *options, char *text, size_t size)
{
    char *p = text, *end = text + size;
    *p = 0;
    if (options->has_mss)
        p += snprintf(p, (size_t)(end - p), ",mss %u", options->mss);
    if (options->sack_permitted)
        p += snprintf(p, (size_t)(end - p), ",sackok");
    if (options->has_timestamps)
        p += snprintf(p, (size_t)(end - p), ",ts %u %u", options->ts_value - rig->our_ts, options->ts_echo);
    if (options->has_scale)
        p += snprintf(p, (size_t)(end - p), ",ws %u", options->scale);
    if (options->has_user_timeout)
        p += snprintf(p, (size_t)(end - p), ",uto %u", options->user_timeout);
    if (options->has_fast_open)
        p += snprintf(p, (size_t)(end - p), options->fast_open_experimental ? ",foexp" : ",fo");
    for (int i = 0; options->has_fast_open && i < options->fast_open_bytes; i++)
        p += snprintf(p, (size_t)(end - p), i ? "%02x" : " %02x", options->fast_open[i]);
    for (unsigned i = 0; i < options->sack_count; i++)
        p += snprintf(p, (size_t)(end - p), "%s%u:%u", i == 0 ? ",sack " : " ", options->sack[i].start - rig->peer_isn,
                      options->sack[i].end - rig->peer_isn);
    if (*text)
        memmove(text, text + 1, strlen(text));
}

/** Of a number or a cookie. */
static bool is_digit(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/** Whether text fits a pattern in which a star stands for digits. */
static bool fits(const char *text, const char *pattern)
{
    for (; *pattern; pattern++) {
        if (*pattern == '*') {
            if (!is_digit(*text))
                return false;
            while (is_digit(*text))
                text++;
        } else if (*text++ != *pattern) {
            return false;
        }
    }
    return *text == 0;
}

/* ---- The peer says ------------------------------------------------------------------------------------- */

size_t rig_segment(struct rig *rig, uint8_t *room, const char *text)
{
    struct text_segment segment;
    read_text(&segment, text);
    struct tcp_header header = {
        .source_port = rig->peer.port,
        .destination_port = rig->us.port,
        .seq = rig->peer_isn + segment.start,
        .ack = segment.has_ack ? rig->our_isn + segment.ack : 0,
        .flags = segment.flags,
        .window = (uint16_t)segment.window,
        .urgent = (uint16_t)segment.urgent,
    };
    tcp_emit(room, &header);
    size_t length = TCP_HEADER_BYTES + emit_options(rig, room + TCP_HEADER_BYTES, segment.options);
    room[12] = (uint8_t)(length / 4 << 4);
    for (uint32_t i = 0; i < segment.length; i++)
        room[length++] = octet_at(segment.start + (segment.flags & TCP_SYN ? 1 : 0) + i);
    uint64_t sum = checksum_pseudo(&rig->peer.address, &rig->us.address, PROTOCOL_TCP, (uint32_t)length);
    tcp_put_checksum(room, checksum_finish(checksum_add(sum, room, length)));
    return length;
}

/** Puts an IP header in front of a payload and hands it to the port. */
static void hand_in(struct rig *rig, uint8_t protocol, const uint8_t *payload, size_t length)
{
    size_t header_bytes = (rig->ipv6 ? IPV6_HEADER_BYTES : IPV4_HEADER_BYTES) + rig->ip_option_bytes;
    uint8_t *datagram = malloc(header_bytes + length); // exact, so that a sanitizer sees a step beyond
    REQUIRE(datagram);
    if (rig->ipv6) {
        struct ipv6_header header = {.payload_bytes = (uint16_t)(rig->ip_option_bytes + length),
                                     .traffic_class = rig->say_tos, .hop_limit = rig->say_ttl ? rig->say_ttl : 64,
                                     .next_header = rig->ip_options ? PROTOCOL_DESTINATION_OPTIONS : protocol,
                                     .source = rig->peer.address, .destination = rig->us.address};
        ipv6_emit(datagram, &header);
        if (rig->ip_options)
            memcpy(datagram + IPV6_HEADER_BYTES, rig->ip_options, rig->ip_option_bytes);
    } else {
        struct ipv4_header header = {.header_bytes = (uint8_t)header_bytes,
                                     .total_bytes = (uint16_t)(header_bytes + length),
                                     .tos = rig->say_tos, .dont_fragment = true,
                                     .ttl = rig->say_ttl ? rig->say_ttl : 64, .protocol = protocol,
                                     .source = rig->peer.address, .destination = rig->us.address};
        if (rig->ip_options)
            memcpy(header.options, rig->ip_options, rig->ip_option_bytes);
        ipv4_emit(datagram, &header);
    }
    memcpy(datagram + header_bytes, payload, length);
    port_input(links_port(net_links(rig->net), rig->port), datagram, header_bytes + length, NULL);
    free(datagram);
}

void rig_inject_bytes(struct rig *rig, const uint8_t *segment, size_t length)
{
    hand_in(rig, PROTOCOL_TCP, segment, length);
}

void rig_inject(struct rig *rig, const char *file, int line, const char *text, ...)
{
    static uint8_t room[70000];
    char said[300];
    va_list arguments;
    va_start(arguments, text);
    vsnprintf(said, sizeof said, text, arguments);
    va_end(arguments);
    (void)file;
    (void)line;
    hand_in(rig, PROTOCOL_TCP, room, rig_segment(rig, room, said));
}

/* ---- We say -------------------------------------------------------------------------------------------- */

static void complain(const char *file, int line, const char *what, const char *detail)
{
    if (test_fails(file, line))
        printf("%s: %s\n", what, detail);
}

/** Takes the IP header off the last frame. @return where the TCP segment begins; its length in *length. */
static const uint8_t *open_frame(struct rig *rig, size_t *length)
{
    struct strata_address source, destination;
    size_t header_bytes;
    if (rig->ipv6) {
        struct ipv6_header header;
        REQUIRE(ipv6_parse(&header, rig->frame, rig->frame_length) > 0 && header.next_header == PROTOCOL_TCP);
        source = header.source;
        destination = header.destination;
        header_bytes = IPV6_HEADER_BYTES;
        rig->tos = header.traffic_class;
        rig->ttl = header.hop_limit;
    } else {
        struct ipv4_header header;
        REQUIRE(ipv4_parse(&header, rig->frame, rig->frame_length) > 0 && header.protocol == PROTOCOL_TCP);
        source = header.source;
        destination = header.destination;
        header_bytes = header.header_bytes;
        rig->tos = header.tos;
        rig->ttl = header.ttl;
        CHECK(header.dont_fragment);
    }
    *length = rig->frame_length - header_bytes;
    const uint8_t *bytes = rig->frame + header_bytes;
    CHECK(address_equal(&source, &rig->us.address) && address_equal(&destination, &rig->peer.address));
    CHECK(rig->frame_length <= rig->mtu);
    uint64_t sum = checksum_pseudo(&source, &destination, PROTOCOL_TCP, (uint32_t)*length);
    CHECK(checksum_valid(checksum_add(sum, bytes, *length))); // RFC 9293 MUST-2
    return bytes;
}

/** Takes the next frame from the port. @return false: there is none. */
static bool take_segment(struct rig *rig, struct tcp_header *header, uint32_t *length)
{
    struct strata_meta meta = {0};
    struct room room = {.bytes = rig->frame, .size = sizeof rig->frame, .meta = &meta, .now = rig->core.now};
    rig->frame_length = port_output(links_port(net_links(rig->net), rig->port), &room);
    rig->line[0] = 0;
    if (rig->frame_length == 0)
        return false;
    size_t segment_bytes;
    const uint8_t *bytes = open_frame(rig, &segment_bytes);
    REQUIRE(tcp_parse(header, bytes, segment_bytes) > 0);
    CHECK_EQ(header->destination_port, rig->peer.port);
    if (header->flags & TCP_SYN) {
        rig->our_isn = header->seq;
        rig->know_isn = true;
        rig->us.port = header->source_port;
    }
    CHECK_EQ(header->source_port, rig->us.port);
    if (header->options.has_timestamps && !rig->know_ts) {
        rig->our_ts = header->options.ts_value;
        rig->know_ts = true;
    }
    *length = (uint32_t)(segment_bytes - header->header_bytes);
    uint32_t first = header->seq - rig->our_isn + (header->flags & TCP_SYN ? 1 : 0);
    for (uint32_t i = 0; i < *length; i++)
        if (bytes[header->header_bytes + i] != octet_at(first + i)) {
            complain(__FILE__, __LINE__, "wrong octets in what we say", "");
            break;
        }
    return true;
}

static void print_segment(struct rig *rig, const struct tcp_header *header, uint32_t length)
{
    char flags[16] = "", options[200];
    size_t at = 0;
    static const unsigned order[] = {1, 0, 2, 3, 5, 6, 7, 4};
    for (unsigned i = 0; i < 8; i++)
        if (header->flags >> order[i] & 1)
            flags[at++] = flag_letters[order[i]];
    flags[at] = 0;
    uint32_t seq = header->seq - rig->our_isn;
    at = (size_t)snprintf(rig->line, sizeof rig->line, "%s %u:%u(%u)", flags, seq, seq + length, length);
    if (header->flags & TCP_ACK)
        at += (size_t)snprintf(rig->line + at, sizeof rig->line - at, " ack %u", header->ack - rig->peer_isn);
    at += (size_t)snprintf(rig->line + at, sizeof rig->line - at, " win %u", header->window);
    if (header->flags & TCP_URG)
        at += (size_t)snprintf(rig->line + at, sizeof rig->line - at, " urg %u", header->urgent);
    print_options(rig, &header->options, options, sizeof options);
    snprintf(rig->line + at, sizeof rig->line - at, " <%s>", options);
}

const char *rig_next(struct rig *rig)
{
    struct tcp_header header;
    uint32_t length;
    if (take_segment(rig, &header, &length))
        print_segment(rig, &header, length);
    return rig->line;
}

bool rig_expect(struct rig *rig, const char *file, int line, const char *text, ...)
{
    char wanted_text[300];
    va_list arguments;
    va_start(arguments, text);
    vsnprintf(wanted_text, sizeof wanted_text, text, arguments);
    va_end(arguments);
    struct text_segment wanted;
    struct tcp_header header;
    uint32_t length;
    read_text(&wanted, wanted_text);
    if (!take_segment(rig, &header, &length)) {
        complain(file, line, "we say nothing, expected", wanted_text);
        return false;
    }
    print_segment(rig, &header, length);
    uint32_t seq = header.seq - rig->our_isn;
    char options[200];
    print_options(rig, &header.options, options, sizeof options);
    bool same = header.flags == wanted.flags && seq == wanted.start && length == wanted.length &&
                seq + length == wanted.end && (!wanted.has_ack || header.ack - rig->peer_isn == wanted.ack) &&
                (!(header.flags & TCP_ACK) || wanted.has_ack) &&
                (!wanted.has_window || header.window == wanted.window) &&
                (!wanted.has_urgent || header.urgent == wanted.urgent) &&
                (!wanted.has_options || fits(options, wanted.options));
    if (!same && test_fails(file, line))
        printf("we say\n        %s\n    expected\n        %s\n", rig->line, wanted_text);
    return same;
}

void rig_silence(struct rig *rig, const char *file, int line)
{
    const char *said = rig_next(rig);
    if (*said)
        complain(file, line, "expected silence, we say", said);
}

unsigned rig_drain(struct rig *rig)
{
    unsigned segments = 0;
    while (*rig_next(rig))
        segments++;
    return segments;
}

/* ---- Time and ICMP ------------------------------------------------------------------------------------- */

void rig_wait(struct rig *rig, strata_time by)
{
    strata_time end = rig->core.now + by, next;
    while ((next = wheel_next(&rig->core.wheel)) <= end) {
        core_at(&rig->core, next);
        wheel_advance(&rig->core.wheel, rig->core.now);
    }
    core_at(&rig->core, end);
    wheel_advance(&rig->core.wheel, end);
}

void rig_icmp(struct rig *rig, uint8_t type, uint8_t code, uint32_t info, uint32_t relative_seq)
{
    uint8_t message[128];
    uint8_t *quoted = message + ICMP_HEADER_BYTES;
    struct tcp_header tcp = {.source_port = rig->us.port, .destination_port = rig->peer.port,
                             .seq = rig->our_isn + relative_seq, .flags = TCP_ACK};
    size_t at;
    if (rig->ipv6) {
        struct ipv6_header header = {.payload_bytes = 1000, .next_header = PROTOCOL_TCP, .hop_limit = 60,
                                     .source = rig->us.address, .destination = rig->peer.address};
        at = ipv6_emit(quoted, &header);
    } else {
        struct ipv4_header header = {.header_bytes = 20, .total_bytes = 1000, .ttl = 60, .protocol = PROTOCOL_TCP,
                                     .dont_fragment = true, .source = rig->us.address,
                                     .destination = rig->peer.address};
        at = ipv4_emit(quoted, &header);
    }
    tcp_emit(quoted + at, &tcp);
    size_t body = at + TCP_HEADER_BYTES; // a router of today quotes more than eight octets
    struct icmp_header header = {.type = type, .code = code, .rest = info};
    uint64_t pseudo = rig->ipv6 ? checksum_pseudo(&rig->peer.address, &rig->us.address, PROTOCOL_ICMPV6,
                                                  (uint32_t)(ICMP_HEADER_BYTES + body))
                                : 0;
    icmp_emit(message, &header, body, pseudo);
    hand_in(rig, rig->ipv6 ? PROTOCOL_ICMPV6 : PROTOCOL_ICMP, message, ICMP_HEADER_BYTES + body);
}

/* ---- Connections --------------------------------------------------------------------------------------- */

void rig_listen(struct rig *rig)
{
    rig->binding.local.port = RIG_PORT;
    rig->binding.flags = BINDING_LISTENING;
    REQUIRE(ports_bind(tcp_ports(rig->tcp), &rig->binding) == 0);
    REQUIRE(tcp_listen(rig->tcp, &rig->binding, &rig->options, 0, rig, &rig->listener) == 0);
}

void rig_accept(struct rig *rig, const char *syn)
{
    rig_listen(rig);
    inject(rig, "%s", syn);
    REQUIRE(strncmp(rig_next(rig), "S.", 2) == 0);
    bool timestamps = strstr(syn, "ts ") != NULL;
    inject(rig, ". 1:1(0) ack 1 win %s %s", "65535", timestamps ? "<nop,nop,ts 100 0>" : "");
    REQUIRE(*rig_next(rig) == 0);
    rig->c = tcp_accept(rig->listener, rig);
    REQUIRE(rig->c);
}

void rig_syn(struct rig *rig, const char *file, int line, const char *options)
{
    rig_inject(rig, file, line, "S 0:0(0) win 65535 <%s>", options);
    rig_expect(rig, file, line, "S. 0:0(0) ack 1");
}

bool rig_take(struct rig *rig)
{
    rig->c = tcp_accept(rig->listener, rig);
    return rig->c != NULL;
}

void rig_another(struct rig *rig)
{
    if (rig->c)
        tcp_abort(rig->c);
    rig->c = NULL;
    rig_drain(rig);
    rig->peer.port++;
    rig->know_isn = rig->know_ts = false;
}

void rig_connect(struct rig *rig)
{
    REQUIRE(tcp_connect(rig->tcp, NULL, &rig->peer, &rig->options, rig, &rig->c) == 0);
}

void rig_connected(struct rig *rig, const char *syn_ack)
{
    rig_connect(rig);
    REQUIRE(strncmp(rig_next(rig), "S 0:0", 5) == 0);
    inject(rig, "%s", syn_ack);
    expect(rig, ". 1:1(0) ack 1");
    CHECK_EQ(rig->ready & STRATA_WRITABLE, STRATA_WRITABLE);
    rig->ready = 0;
}

int64_t rig_write(struct rig *rig, size_t size)
{
    return rig_write_flags(rig, size, 0);
}

int64_t rig_write_flags(struct rig *rig, size_t size, unsigned flags)
{
    uint8_t *octets = malloc(size + 1);
    REQUIRE(octets);
    uint32_t at = rig->c->bytes_acked + rig->c->send.length + 1;
    for (size_t i = 0; i < size; i++)
        octets[i] = octet_at(at + (uint32_t)i);
    int64_t taken = tcp_write(rig->c, octets, size, flags);
    free(octets);
    return taken;
}

int64_t rig_read(struct rig *rig, size_t size)
{
    uint8_t *octets = malloc(size + 1);
    REQUIRE(octets);
    uint32_t at = (uint32_t)(rig->c->bytes_received - rig->c->receive.length) + 1;
    int64_t taken = tcp_read(rig->c, octets, size);
    for (int64_t i = 0; i < taken; i++)
        if (!CHECK_EQ(octets[i], octet_at(at + (uint32_t)i)))
            break;
    free(octets);
    return taken;
}

struct strata_tcp_info rig_info(struct rig *rig)
{
    struct strata_tcp_info info = {.size = sizeof info};
    tcp_info(rig->c, &info);
    return info;
}

enum strata_tcp_state rig_state(struct rig *rig)
{
    return rig_info(rig).state;
}
