/*
 * The one-line printer: a line per kind of frame, and frames that are cut anywhere.
 */
#include "wire/arp.h"
#include "wire/checksum.h"
#include "wire/ethernet.h"
#include "wire/icmp.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"
#include "wire/print.h"
#include "wire/tcp.h"
#include "wire/udp.h"
#include "tests/test.h"

/** A datagram under construction: content is written first, then one header after the other in front. */
static uint8_t room[2000];
static size_t start, stop;

static uint8_t *content(const void *bytes, size_t size)
{
    start = 400;
    stop = start + size;
    memset(room, 0, sizeof room);
    if (size > 0)
        memcpy(room + start, bytes, size);
    return room + start;
}

static uint8_t *push(size_t size)
{
    start -= size;
    return room + start;
}

static void push_ipv4(uint8_t protocol, uint16_t offset_bytes, bool more)
{
    struct ipv4_header header = {.header_bytes = 20,
                                 .total_bytes = (uint16_t)(stop - start + 20),
                                 .identification = 7,
                                 .more_fragments = more,
                                 .fragment_offset_bytes = offset_bytes,
                                 .ttl = 64,
                                 .protocol = protocol,
                                 .source = strata_ipv4(10, 0, 0, 1),
                                 .destination = strata_ipv4(10, 0, 0, 2)};
    ipv4_emit(push(20), &header);
}

static const struct strata_address v6_source = {{0x20, 1, 0xd, 0xb8, [15] = 1}};
static const struct strata_address v6_destination = {{0x20, 1, 0xd, 0xb8, [15] = 2}};

static void push_ipv6(uint8_t next_header)
{
    struct ipv6_header header = {.payload_bytes = (uint16_t)(stop - start),
                                 .next_header = next_header,
                                 .hop_limit = 64,
                                 .source = v6_source,
                                 .destination = v6_destination};
    ipv6_emit(push(40), &header);
}

static void push_udp(uint16_t source, uint16_t destination)
{
    struct udp_header header = {source, destination, (uint16_t)(stop - start + 8), 0};
    udp_emit(push(8), &header);
}

static void push_tcp(uint16_t source, uint16_t destination, uint16_t flags, struct tcp_options options)
{
    struct tcp_header header = {.source_port = source,
                                .destination_port = destination,
                                .seq = 1000,
                                .ack = 2000,
                                .flags = flags,
                                .window = 64240,
                                .urgent = 5,
                                .options = options};
    tcp_emit(push(20 + tcp_options_bytes(&options)), &header);
}

static void push_icmp(uint8_t type, uint8_t code, uint32_t rest, bool ipv6)
{
    size_t body = stop - start;
    struct icmp_header header = {.type = type, .code = code, .rest = rest};
    icmp_emit(push(8), &header, body,
              ipv6 ? checksum_pseudo(&v6_source, &v6_destination, PROTOCOL_ICMPV6, (uint32_t)body + 8) : 0);
}

static const char *line(void)
{
    static char text[400];
    size_t length = print_frame(STRATA_LINK_IP, room + start, stop - start, text, sizeof text);
    CHECK_EQ(length, strlen(text));
    return text;
}

static const char *ethernet_line(uint16_t ethertype, bool tagged)
{
    static char text[400];
    struct ethernet_header header = {.destination = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
                                     .source = {2, 0, 0, 0, 0, 1},
                                     .ethertype = ethertype,
                                     .tagged = tagged,
                                     .vlan = 5};
    ethernet_emit(push(tagged ? 18 : 14), &header);
    strata_frame_print(STRATA_LINK_ETHERNET, room + start, stop - start, text, sizeof text);
    return text;
}

TEST(tcp_segments)
{
    content("", 0);
    push_tcp(42000, 80, TCP_SYN,
             (struct tcp_options){.has_mss = true,
                                  .mss = 1460,
                                  .sack_permitted = true,
                                  .has_timestamps = true,
                                  .ts_value = 7,
                                  .has_scale = true,
                                  .scale = 8});
    push_ipv4(PROTOCOL_TCP, 0, false);
    CHECK_STR(line(),
              "10.0.0.1:42000 > 10.0.0.2:80 TCP SYN seq=1000 win=64240 <mss 1460,sackOK,ts 7 0,scale 8>");
    static const uint8_t cookie[4] = {0xab, 0xcd, 0x12, 0x34};
    content("", 0);
    push_tcp(42000, 80, TCP_SYN,
             (struct tcp_options){.has_user_timeout = true, .user_timeout = TCP_USER_TIMEOUT_MINUTES | 7,
                                  .has_fast_open = true, .fast_open_bytes = 4, .fast_open = cookie});
    push_ipv4(PROTOCOL_TCP, 0, false);
    CHECK_STR(line(), "10.0.0.1:42000 > 10.0.0.2:80 TCP SYN seq=1000 win=64240 <uto 7m,fastopen abcd1234>");
    content("", 0);
    push_tcp(42000, 80, TCP_SYN, (struct tcp_options){.has_user_timeout = true, .user_timeout = 30,
                                                      .has_fast_open = true, .fast_open_experimental = true});
    push_ipv4(PROTOCOL_TCP, 0, false);
    CHECK_STR(line(), "10.0.0.1:42000 > 10.0.0.2:80 TCP SYN seq=1000 win=64240 <uto 30s,fastopen-exp>");
    content("GET /index.html HTTP/1.1\r\nHost: a\r\n", 35);
    push_tcp(42000, 80, TCP_ACK | TCP_PSH, (struct tcp_options){0});
    push_ipv4(PROTOCOL_TCP, 0, false);
    CHECK_STR(line(), "10.0.0.1:42000 > 10.0.0.2:80 TCP PSH,ACK seq=1000 ack=2000 win=64240 length=35 "
                      "HTTP \"GET /index.html HTTP/1.1\"");
    content("HTTP/1.1 200 \x1b[2J", 17);
    push_tcp(80, 42000, TCP_ACK, (struct tcp_options){0});
    push_ipv6(PROTOCOL_TCP);
    CHECK_STR(line(), "[2001:db8::1]:80 > [2001:db8::2]:42000 TCP ACK seq=1000 ack=2000 win=64240 length=17 "
                      "HTTP \"HTTP/1.1 200 \\x1b[2J\"");
    content("\x01\x02 the middle of a file", 10);
    push_tcp(80, 42000, TCP_ACK | TCP_URG, (struct tcp_options){.sack_count = 2, .sack = {{1, 2}, {30, 40}}});
    push_ipv4(PROTOCOL_TCP, 0, false);
    CHECK_STR(line(), "10.0.0.1:80 > 10.0.0.2:42000 TCP ACK,URG seq=1000 ack=2000 win=64240 urg=5 "
                      "<sack 1-2,sack 30-40> length=10");
    content("", 0);
    push_tcp(1, 2, 0, (struct tcp_options){0});
    push_ipv4(PROTOCOL_TCP, 0, false);
    CHECK_STR(line(), "10.0.0.1:1 > 10.0.0.2:2 TCP - seq=1000 win=64240");
}

TEST(udp_datagrams_and_others)
{
    content("hello", 5);
    push_udp(5000, 7);
    push_ipv4(PROTOCOL_UDP, 0, false);
    CHECK_STR(line(), "10.0.0.1:5000 > 10.0.0.2:7 UDP length=5");
    content("hello", 5);
    push_udp(5000, 7);
    push_ipv6(PROTOCOL_UDP);
    CHECK_STR(line(), "[2001:db8::1]:5000 > [2001:db8::2]:7 UDP length=5");
    content("12345678", 8);
    push_ipv4(89, 0, false);
    CHECK_STR(line(), "10.0.0.1 > 10.0.0.2 protocol 89 length=8");
}

TEST(dns_and_dhcp)
{
    static const uint8_t query[] = {0x12, 0x67, 1,   0, 0,   1,   0, 0, 0,  0, 0,
                                    0,    1,    'a', 2, 't', 'o', 0, 0, 28, 0, 1};
    content(query, sizeof query);
    push_udp(5000, 53);
    push_ipv4(PROTOCOL_UDP, 0, false);
    CHECK_STR(line(), "10.0.0.1:5000 > 10.0.0.2:53 UDP length=22 DNS query 4711 AAAA a.to.");
    uint8_t discover[244] = {1, 1, 6, 0, 0x39, 0x03, 0xf3, 0x26};
    memcpy(discover + 236, "\x63\x82\x53\x63\x35\x01\x01\xff", 8);
    content(discover, sizeof discover);
    push_udp(68, 67);
    push_ipv4(PROTOCOL_UDP, 0, false);
    CHECK_STR(line(), "10.0.0.1:68 > 10.0.0.2:67 UDP length=244 DHCP DISCOVER xid=3903f326");
}

TEST(fragments)
{
    content("12345678", 8);
    push_ipv4(PROTOCOL_UDP, 1480, true);
    CHECK_STR(line(), "10.0.0.1 > 10.0.0.2 UDP fragment id=7 offset=1480 length=8 more");
    content("12345678", 8);
    ipv6_fragment_emit(push(8), &(struct ipv6_fragment){PROTOCOL_TCP, 16, false, 99});
    // A hop-by-hop header with nothing but padding in front of it.
    memcpy(push(8), "\x2c\x00\x01\x04\x00\x00\x00\x00", 8);
    push_ipv6(PROTOCOL_HOP_BY_HOP);
    CHECK_STR(line(), "2001:db8::1 > 2001:db8::2 TCP fragment id=99 offset=16 length=8 last");
}

TEST(icmp_messages)
{
    content("12345678", 8);
    push_icmp(ICMP_ECHO, 0, 0x00010002, false);
    push_ipv4(PROTOCOL_ICMP, 0, false);
    CHECK_STR(line(), "10.0.0.1 > 10.0.0.2 ICMP echo request id=1 seq=2 length=8");
    content("12345678", 8);
    push_udp(5000, 33434);
    push_ipv4(PROTOCOL_UDP, 0, false);
    push_icmp(ICMP_UNREACHABLE, ICMP_PORT_UNREACHABLE, 0, false);
    push_ipv4(PROTOCOL_ICMP, 0, false);
    CHECK_STR(line(), "10.0.0.1 > 10.0.0.2 ICMP unreachable: port about 10.0.0.1:5000 > 10.0.0.2:33434 UDP");
    content("12345678", 8);
    push_ipv4(PROTOCOL_UDP, 8, false); // A later fragment has no ports.
    push_icmp(ICMP_UNREACHABLE, ICMP_FRAGMENTATION_NEEDED, 1400, false);
    push_ipv4(PROTOCOL_ICMP, 0, false);
    CHECK_STR(line(), "10.0.0.1 > 10.0.0.2 ICMP unreachable: fragmentation needed mtu=1400 about "
                      "10.0.0.1 > 10.0.0.2 UDP");
    static const struct {
        uint8_t type, code;
        uint32_t rest;
        const char *text;
    } rows[] = {
        {ICMP_ECHO_REPLY, 0, 0xffff0000, "ICMP echo reply id=65535 seq=0 length=0"},
        {ICMP_UNREACHABLE, 13, 0, "ICMP unreachable: code 13"},
        {ICMP_TIME_EXCEEDED, 0, 0, "ICMP time exceeded in transit"},
        {ICMP_TIME_EXCEEDED, 1, 0, "ICMP reassembly time exceeded"},
        {ICMP_PARAMETER_PROBLEM, 0, 9u << 24, "ICMP parameter problem pointer=9"},
        {ICMP_REDIRECT, 1, 0x0a0000fe, "ICMP redirect to 10.0.0.254"},
        {13, 1, 0, "ICMP type 13 code 1 length=0"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        content("", 0);
        push_icmp(rows[i].type, rows[i].code, rows[i].rest, false);
        push_ipv4(PROTOCOL_ICMP, 0, false);
        CHECK_STR(line() + strlen("10.0.0.1 > 10.0.0.2 "), rows[i].text);
    }
    content("", 0);
    push_icmp(ICMP_ECHO, 0, 1, false);
    room[start + 7] ^= 1;
    push_ipv4(PROTOCOL_ICMP, 0, false);
    CHECK_STR(line(), "10.0.0.1 > 10.0.0.2 ICMP malformed (icmp_drop_checksum)");
}

TEST(icmpv6_messages)
{
    static const struct {
        uint8_t type, code;
        uint32_t rest;
        const char *text;
    } rows[] = {
        {ICMPV6_ECHO, 0, 0x00010002, "ICMPv6 echo request id=1 seq=2 length=53"},
        {ICMPV6_ECHO_REPLY, 0, 0x00010002, "ICMPv6 echo reply id=1 seq=2 length=53"},
        {ICMPV6_UNREACHABLE, 4, 0, "ICMPv6 unreachable: port about [2001:db8::1]:5000 > [2001:db8::2]:7 UDP"},
        {ICMPV6_UNREACHABLE, 0, 0,
         "ICMPv6 unreachable: code 0 about [2001:db8::1]:5000 > [2001:db8::2]:7 UDP"},
        {ICMPV6_PACKET_TOO_BIG, 0, 1280,
         "ICMPv6 packet too big mtu=1280 about [2001:db8::1]:5000 > [2001:db8::2]:7 UDP"},
        {ICMPV6_TIME_EXCEEDED, 0, 0,
         "ICMPv6 time exceeded in transit about [2001:db8::1]:5000 > [2001:db8::2]:7 UDP"},
        {ICMPV6_PARAMETER_PROBLEM, 1, 40,
         "ICMPv6 parameter problem pointer=40 about [2001:db8::1]:5000 > [2001:db8::2]:7 UDP"},
        {135, 0, 0, "ICMPv6 type 135 code 0 length=53"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        content("hello", 5);
        push_udp(5000, 7);
        push_ipv6(PROTOCOL_UDP);
        push_icmp(rows[i].type, rows[i].code, rows[i].rest, true);
        push_ipv6(PROTOCOL_ICMPV6);
        CHECK_STR(line() + strlen("2001:db8::1 > 2001:db8::2 "), rows[i].text);
    }
}

TEST(arp_and_other_frames)
{
    struct arp_packet packet = {.operation = ARP_REQUEST,
                                .sender_mac = {2, 0, 0, 0, 0, 1},
                                .sender = strata_ipv4(10, 0, 0, 1),
                                .target = strata_ipv4(10, 0, 0, 2)};
    arp_emit(content("", 0), &packet);
    stop += ARP_BYTES;
    CHECK_STR(ethernet_line(ETHERTYPE_ARP, false),
              "02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff ARP who has 10.0.0.2? tell 10.0.0.1");
    packet.operation = ARP_REPLY;
    arp_emit(content("", 0), &packet);
    stop += ARP_BYTES;
    CHECK_STR(ethernet_line(ETHERTYPE_ARP, true),
              "vlan 5 02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff ARP 10.0.0.1 is at 02:00:00:00:00:01");
    packet.target = packet.sender;
    arp_emit(content("", 0), &packet);
    stop += ARP_BYTES;
    CHECK_STR(ethernet_line(ETHERTYPE_ARP, false),
              "02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff ARP 10.0.0.1 announced at 02:00:00:00:00:01");
    content("1234", 4);
    CHECK_STR(ethernet_line(0x88cc, false), "02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff type 0x88cc length=4");
    content("1234", 4);
    push_udp(1, 2);
    push_ipv4(PROTOCOL_UDP, 0, false);
    CHECK_STR(ethernet_line(ETHERTYPE_IPV4, true), "vlan 5 10.0.0.1:1 > 10.0.0.2:2 UDP length=4");
    content("1234", 4);
    push_udp(1, 2);
    push_ipv6(PROTOCOL_UDP);
    CHECK_STR(ethernet_line(ETHERTYPE_IPV6, false), "[2001:db8::1]:1 > [2001:db8::2]:2 UDP length=4");
}

TEST(what_is_malformed_says_why)
{
    char text[200];
    print_frame(STRATA_LINK_ETHERNET, (const uint8_t *)"short", 5, text, sizeof text);
    CHECK_STR(text, "Ethernet malformed (ethernet_drop_short)");
    print_frame(STRATA_LINK_IP, (const uint8_t *)"", 0, text, sizeof text);
    CHECK_STR(text, "IPv4 malformed (ipv4_drop_short)");
    content("", 0);
    CHECK_STR(ethernet_line(ETHERTYPE_ARP, false),
              "02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff ARP malformed (arp_drop_malformed)");
    content("1234", 4);
    push_ipv4(PROTOCOL_TCP, 0, false);
    CHECK_STR(line(), "10.0.0.1 > 10.0.0.2 TCP malformed (tcp_drop_short)");
    content("1234", 4);
    push_ipv4(PROTOCOL_UDP, 0, false);
    CHECK_STR(line(), "10.0.0.1 > 10.0.0.2 UDP malformed (udp_drop_short)");
    content("\x3a\xff\0\0\0\0\0\0", 8);
    push_ipv6(PROTOCOL_DESTINATION_OPTIONS);
    CHECK_STR(line(), "2001:db8::1 > 2001:db8::2 IPv6 malformed (ipv6_drop_extension)");
    content("1234", 4);
    push_ipv4(PROTOCOL_UDP, 0, false);
    room[start + 10] ^= 1;
    CHECK_STR(line(), "IPv4 malformed (ipv4_drop_checksum)");
}

TEST(any_buffer_and_any_cut_will_do)
{
    content("GET / HTTP/1.1\r\n", 16);
    push_tcp(42000, 80, TCP_ACK, (struct tcp_options){.has_timestamps = true});
    push_ipv4(PROTOCOL_TCP, 0, false);
    char whole[400], text[400];
    size_t length = print_frame(STRATA_LINK_IP, room + start, stop - start, whole, sizeof whole);
    for (size_t size = 0; size <= length + 1; size++) {
        memset(text, '?', sizeof text);
        size_t expected = size == 0 ? 0 : size - 1 < length ? size - 1 : length;
        CHECK_EQ(print_frame(STRATA_LINK_IP, room + start, stop - start, text, size), expected);
        CHECK(size == 0 || (memcmp(text, whole, expected) == 0 && text[expected] == '\0'));
        CHECK_EQ(text[size], '?');
    }
    for (size_t size = 0; size < stop - start; size++) {
        uint8_t *exact =
            malloc(size ? size : 1); // As large as the frame, so that a sanitizer sees one byte more.
        REQUIRE(exact);
        memcpy(exact, room + start, size);
        CHECK(print_frame(STRATA_LINK_IP, exact, size, text, sizeof text) > 0);
        CHECK(print_frame(STRATA_LINK_ETHERNET, exact, size, text, sizeof text) > 0);
        free(exact);
    }
}

TEST_MAIN(TEST_ENTRY(tcp_segments), TEST_ENTRY(udp_datagrams_and_others), TEST_ENTRY(dns_and_dhcp),
          TEST_ENTRY(fragments), TEST_ENTRY(icmp_messages), TEST_ENTRY(icmpv6_messages),
          TEST_ENTRY(arp_and_other_frames), TEST_ENTRY(what_is_malformed_says_why),
          TEST_ENTRY(any_buffer_and_any_cut_will_do))
