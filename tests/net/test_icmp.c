/*
 * ICMP and ICMPv6: echo, errors out and when there is silence, errors in and what they mean, path MTU,
 * redirects.
 */
#include "tests/net/rig.h"

static struct rig *host(void)
{
    struct rig *rig = rig_new();
    rig_ethernet(rig, "10.0.0.1/24");
    rig_neighbour(rig, 1, "10.0.0.2", PEER);
    rig_neighbour(rig, 1, "10.0.0.254", 0x54);
    rig_add_route(rig, "0.0.0.0/0", "10.0.0.254", -1, 0);
    return rig;
}

static struct rig *host6(void)
{
    struct rig *rig = rig_new();
    rig_tunnel(rig, "fd00::1/64");
    rig_add_route(rig, "::/0", NULL, 1, 0);
    return rig;
}

/* ---- Echo ------------------------------------------------------------------------------------------------
 */

TEST(echo_comes_back_whole)
{
    struct rig *rig = host();
    rig_add_address(rig, 1, "10.0.0.7/24");
    rig_drain(rig, 1);
    // RFC 792-12, RFC 1122-22: from the address that was asked, with the same data and TOS.
    rig_icmp(rig, 1, (struct ip){.from = "10.0.0.2", .to = "10.0.0.7", .tos = 0x20}, ICMP_ECHO, 0, 0x00070003,
             "hello", 5);
    EXPECT(rig, 1, "10.0.0.7 > 10.0.0.2 ICMP echo reply id=7 seq=3 length=5");
    CHECK_MEM(rig->frame + rig->frame_length - 5, "hello", 5);
    CHECK_EQ(rig->frame[15], 0x20);
    CHECK_EQ(COUNT(rig, icmp_echo_replies_sent), 1);
    // Nothing at all is data, too.
    rig_icmp(rig, 1, (struct ip){.from = "10.0.0.2", .to = "10.0.0.1"}, ICMP_ECHO, 0, 1, NULL, 0);
    EXPECT(rig, 1, "10.0.0.1 > 10.0.0.2 ICMP echo reply id=0 seq=1 length=0");
    EXPECT_SILENCE(rig);
    rig_free(rig);
}

TEST(echo_of_60000_bytes_in_fragments_both_ways)
{
    struct rig *rig = host();
    static uint8_t data[60000], message[60008];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 3 + i / 256);
    struct ip ip = {.from = "10.0.0.2", .to = "10.0.0.1", .protocol = PROTOCOL_ICMP, .id = 9};
    size_t length = icmp_build(message, &ip, ICMP_ECHO, 0, 5, data, sizeof data);
    for (size_t at = 0; at < length; at += 1480) {
        ip.offset = (unsigned)at;
        ip.mf = at + 1480 < length;
        rig_ip(rig, 1, ip, message + at, ip.mf ? 1480 : length - at);
    }
    static uint8_t reply[60008];
    size_t got = 0;
    while (*rig_next(rig, 1)) {
        struct ipv4_header header;
        REQUIRE(ipv4_parse(&header, rig->frame + 14, rig->frame_length - 14) == 20);
        memcpy(reply + header.fragment_offset_bytes, rig->frame + 34, rig->frame_length - 34);
        got += rig->frame_length - 34;
    }
    CHECK_EQ(got, length);
    CHECK_MEM(reply + 8, data, sizeof data);
    struct icmp_header header;
    CHECK_EQ(icmp_parse(&header, reply, sizeof reply, 0), 8);
    CHECK_EQ(header.type, ICMP_ECHO_REPLY);
    rig_free(rig);
}

TEST(echo_over_ipv6)
{
    struct rig *rig = host6();
    // RFC 4443-11
    rig_icmp(rig, 1, (struct ip){.from = "fd00::2", .to = "fd00::1"}, ICMPV6_ECHO, 0, 0x00070003, "hello", 5);
    EXPECT(rig, 1, "fd00::1 > fd00::2 ICMPv6 echo reply id=7 seq=3 length=5");
    // RFC 8200-17: a Routing header is not turned round.
    static const uint8_t routing[8] = {PROTOCOL_ICMPV6, 0, 0, 0};
    rig_icmp(rig, 1,
             (struct ip){.from = "fd00::2",
                         .to = "fd00::1",
                         .next = PROTOCOL_ROUTING,
                         .extension = routing,
                         .extension_bytes = 8},
             ICMPV6_ECHO, 0, 0x00070004, "hello", 5);
    EXPECT(rig, 1, "fd00::1 > fd00::2 ICMPv6 echo reply id=7 seq=4 length=5");
    CHECK_EQ(rig->frame[6], PROTOCOL_ICMPV6);
    rig_free(rig);
}

TEST(echo_to_all_and_echo_that_is_forbidden)
{
    struct rig *rig = host();
    struct ip to_all = {.from = "10.0.0.2", .to = "10.0.0.255", .destination_station = 0xff};
    rig_icmp(rig, 1, to_all, ICMP_ECHO, 0, 1, "x", 1);
    CHECK_EQ(COUNT(rig, icmp_drop_broadcast), 1); // RFC 792-13
    EXPECT_SILENCE(rig);
    CHECK_EQ(settings_set(&rig->core.settings, "net.ipv4.icmp_echo_ignore_broadcasts", 0), 0);
    rig_icmp(rig, 1, to_all, ICMP_ECHO, 0, 1, "x", 1);
    EXPECT(rig, 1, "10.0.0.1 > 10.0.0.2 ICMP echo reply id=0 seq=1 length=1");
    CHECK_EQ(settings_set(&rig->core.settings, "net.ipv4.icmp_echo_ignore_all", 1), 0);
    rig_icmp(rig, 1, (struct ip){.from = "10.0.0.2", .to = "10.0.0.1"}, ICMP_ECHO, 0, 1, "x", 1);
    CHECK_EQ(COUNT(rig, icmp_drop_ignored), 1);
    EXPECT_SILENCE(rig);
    rig_free(rig);
}

TEST(echo_replies_go_to_who_takes_icmp)
{
    struct rig *rig = host();
    rig_icmp(rig, 1, (struct ip){.from = "10.0.0.2", .to = "10.0.0.1"}, ICMP_ECHO_REPLY, 0, 0x00070001, "x",
             1);
    CHECK_EQ(rig->delivered, 1);
    CHECK_EQ(rig->packet.protocol, PROTOCOL_ICMP);
    CHECK_EQ(rig->packet.length, 9);
    rig_add_address(rig, 1, "fd00::1/64");
    rig_icmp(rig, 1, (struct ip){.from = "fd00::2", .to = "fd00::1"}, ICMPV6_ECHO_REPLY, 0, 0x00070001, "x",
             1);
    CHECK_EQ(rig->delivered, 2);
    CHECK_EQ(rig->packet.protocol, PROTOCOL_ICMPV6);
    rig_free(rig);
}

TEST(messages_that_cannot_be)
{
    struct rig *rig = host();
    uint8_t message[16];
    struct ip ip = {.from = "10.0.0.2", .to = "10.0.0.1", .protocol = PROTOCOL_ICMP};
    size_t length = icmp_build(message, &ip, ICMP_ECHO, 0, 1, "12345678", 8);
    rig_ip(rig, 1, ip, message, 7);
    CHECK_EQ(COUNT(rig, icmp_drop_short), 1);
    message[15] ^= 1; // RFC 792-1: over the whole message
    rig_ip(rig, 1, ip, message, length);
    CHECK_EQ(COUNT(rig, icmp_drop_checksum), 1);
    // RFC 792-3
    static const uint8_t unknown[] = {1, 2, 7, 9, 10, 13, 15, 17, 42, 255};
    for (size_t i = 0; i < sizeof unknown; i++)
        rig_icmp(rig, 1, ip, unknown[i], 0, 0, "12345678", 8);
    CHECK_EQ(COUNT(rig, icmp_drop_type), sizeof unknown);
    // RFC 792-11: not even where it quotes a datagram of ours.
    uint8_t ours[28];
    ip_build(ours, &(struct ip){.from = "10.0.0.1", .to = "10.0.0.2"}, "12345678", 8);
    rig_icmp(rig, 1, ip, ICMP_SOURCE_QUENCH, 0, 0, ours, sizeof ours);
    CHECK_EQ(COUNT(rig, icmp_drop_source_quench), 1);
    CHECK_EQ(rig->errors + rig->delivered, 0);
    EXPECT_SILENCE(rig);
    rig_free(rig);

    rig = host6();
    ip = (struct ip){.from = "fd00::2", .to = "fd00::1", .protocol = PROTOCOL_ICMPV6};
    length = icmp_build(message, &ip, ICMPV6_ECHO, 0, 1, "12345678", 8);
    ip.from = "fd00::3"; // RFC 4443-1: the pseudo-header counts
    rig_ip(rig, 1, ip, message, length);
    CHECK_EQ(COUNT(rig, icmp_drop_checksum), 1);
    rig_icmp(rig, 1, ip, 200, 0, 0, "12345678", 8); // RFC 4443-3
    CHECK_EQ(COUNT(rig, icmp_drop_type), 1);
    EXPECT_SILENCE(rig);
    rig_free(rig);
}

/* ---- Errors out ------------------------------------------------------------------------------------------
 */

/* The transport finds nobody at a port and asks for an error about the last datagram. */
static void refuse(struct rig *rig)
{
    net_send_error(rig->net, &rig->packet, ICMP_UNREACHABLE, ICMP_PORT_UNREACHABLE, 0);
}

TEST(an_error_quotes_what_it_is_about)
{
    struct rig *rig = host();
    static uint8_t payload[1400];
    for (size_t i = 0; i < sizeof payload; i++)
        payload[i] = (uint8_t)i;
    rig_ip(rig, 1, (struct ip){.from = "10.0.0.2", .to = "10.0.0.1", .ttl = 33}, payload, sizeof payload);
    refuse(rig);
    rig_next(rig, 1);
    // RFC 1812-11: 576 in all. RFC 792-2: header and data as they came.
    CHECK_EQ(rig->frame_length, 14 + 576);
    CHECK_MEM(rig->frame + 14 + 28, rig->datagram, 548);
    CHECK_EQ(rig->frame[15], 0xc0);
    struct icmp_header header;
    CHECK_EQ(icmp_parse(&header, rig->frame + 34, rig->frame_length - 34, 0), 8);
    CHECK_EQ(header.rest, 0);
    rig_udp(rig, 1, (struct ip){.from = "10.0.0.2", .to = "10.0.0.1"});
    refuse(rig);
    EXPECT(rig, 1, "10.0.0.1 > 10.0.0.2 ICMP unreachable: port about 10.0.0.2:1234 > 10.0.0.1:5678 UDP");
    CHECK_EQ(rig->frame_length, 14 + 28 + 32);
    rig_free(rig);

    rig = host6();
    rig_ip(rig, 1, (struct ip){.from = "fd00::2", .to = "fd00::1"}, payload, sizeof payload);
    net_send_error(rig->net, &rig->packet, ICMP_UNREACHABLE, ICMP_PORT_UNREACHABLE, 0);
    rig_next(rig, 1);
    CHECK_EQ(rig->frame_length, 1280); // RFC 4443-2
    CHECK_EQ(rig->frame[40], ICMPV6_UNREACHABLE);
    CHECK_EQ(rig->frame[41], 4); // RFC 4443-9
    CHECK_MEM(rig->frame + 48, rig->datagram, 1232);
    rig_free(rig);
}

TEST(errors_have_their_names_in_both_families)
{
    static const struct translation {
        uint8_t type, code, type6, code6;
        uint32_t info, rest6;
    } cases[] = {
        {ICMP_UNREACHABLE, ICMP_NET_UNREACHABLE, ICMPV6_UNREACHABLE, 0, 0, 0},
        {ICMP_UNREACHABLE, ICMP_HOST_UNREACHABLE, ICMPV6_UNREACHABLE, 3, 0, 0},
        {ICMP_UNREACHABLE, ICMP_PORT_UNREACHABLE, ICMPV6_UNREACHABLE, 4, 0, 0},
        {ICMP_UNREACHABLE, ICMP_ADMINISTRATIVELY_PROHIBITED, ICMPV6_UNREACHABLE, 1, 0, 0},
        {ICMP_UNREACHABLE, ICMP_FRAGMENTATION_NEEDED, ICMPV6_PACKET_TOO_BIG, 0, 1300, 1300},
        {ICMP_TIME_EXCEEDED, 1, ICMPV6_TIME_EXCEEDED, 1, 0, 0},
        {ICMP_PARAMETER_PROBLEM, 0, ICMPV6_PARAMETER_PROBLEM, 0, 6, 6},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig *rig = host6();
        rig_udp(rig, 1, (struct ip){.from = "fd00::2", .to = "fd00::1"});
        net_send_error(rig->net, &rig->packet, cases[i].type, cases[i].code, cases[i].info);
        rig_next(rig, 1);
        CHECK_EQ(rig->frame[40], cases[i].type6);
        CHECK_EQ(rig->frame[41], cases[i].code6);
        CHECK_EQ(bytes_get32(rig->frame + 44), cases[i].rest6);
        rig_free(rig);
    }
}

TEST(when_there_is_silence)
{
    static const uint8_t quoted[28] = {0x45};
    // RFC 792-4, RFC 1812-13: about broadcasts and multicasts,
    struct rig *rig = host();
    static const char *const to_many[] = {"10.0.0.255", "255.255.255.255", "224.0.0.1"};
    for (size_t i = 0; i < 3; i++) {
        rig_udp(rig, 1, (struct ip){.from = "10.0.0.2", .to = to_many[i], .destination_station = 0xff});
        CHECK_EQ(rig->delivered, i + 1);
        refuse(rig);
    }
    // what came in a broadcast frame,
    rig_udp(rig, 1, (struct ip){.from = "10.0.0.2", .to = "10.0.0.1"});
    rig->packet.flags |= NET_PACKET_LINK_BROADCAST;
    refuse(rig);
    EXPECT_SILENCE(rig);
    // sources that are no single host,
    rig_udp(rig, 1, (struct ip){.from = "0.0.0.0", .to = "255.255.255.255", .destination_station = 0xff});
    rig->packet.flags = 0;
    refuse(rig);
    EXPECT_SILENCE(rig);
    // ICMP errors,
    static const uint8_t errors[] = {ICMP_UNREACHABLE, ICMP_SOURCE_QUENCH, ICMP_REDIRECT, ICMP_TIME_EXCEEDED,
                                     ICMP_PARAMETER_PROBLEM};
    CHECK_EQ(settings_set(&rig->core.settings, "net.ipv4.ip_forward", 1), 0);
    for (size_t i = 0; i < sizeof errors; i++)
        rig_icmp(rig, 1, (struct ip){.from = "10.0.0.2", .to = "8.8.8.8", .ttl = 1}, errors[i], 0, 0, quoted,
                 28);
    CHECK_EQ(COUNT(rig, ipv4_drop_ttl), 5);
    EXPECT_SILENCE(rig);
    // but about an echo there may be one,
    rig_icmp(rig, 1, (struct ip){.from = "10.0.0.2", .to = "8.8.8.8", .ttl = 1}, ICMP_ECHO, 0, 0, quoted, 28);
    rig_next(rig, 1);
    CHECK_EQ(rig->frame[34], ICMP_TIME_EXCEEDED);
    // and later fragments.
    rig_udp(rig, 1, (struct ip){.from = "10.0.0.2", .to = "8.8.8.8", .ttl = 1, .offset = 800});
    CHECK_EQ(COUNT(rig, ipv4_drop_ttl), 7);
    EXPECT_SILENCE(rig);
    rig_free(rig);
}

TEST(when_there_is_silence_over_ipv6)
{
    struct rig *rig = host6();
    static const uint8_t quoted[48] = {0x60};
    CHECK_EQ(settings_set(&rig->core.settings, "net.ipv6.conf.all.forwarding", 1), 0);
    // RFC 4443-4: errors and redirects,
    static const uint8_t errors[] = {ICMPV6_UNREACHABLE,
                                     ICMPV6_PACKET_TOO_BIG,
                                     ICMPV6_TIME_EXCEEDED,
                                     ICMPV6_PARAMETER_PROBLEM,
                                     100,
                                     127,
                                     137};
    for (size_t i = 0; i < sizeof errors; i++)
        rig_icmp(rig, 1, (struct ip){.from = "fd00::2", .to = "fd99::1", .ttl = 1}, errors[i], 0, 0, quoted,
                 48);
    CHECK_EQ(COUNT(rig, ipv6_drop_hop_limit), sizeof errors);
    EXPECT_SILENCE(rig);
    // groups, with two exceptions,
    rig_udp(rig, 1, (struct ip){.from = "fd00::2", .to = "ff02::1"});
    icmp_send_error(rig->net, &rig->packet, ICMPV6_UNREACHABLE, 4, 0);
    icmp_send_error(rig->net, &rig->packet, ICMPV6_PARAMETER_PROBLEM, 0, 6);
    EXPECT_SILENCE(rig);
    icmp_send_error(rig->net, &rig->packet, ICMPV6_PACKET_TOO_BIG, 0, 1280); // RFC 4443-5
    CHECK(*rig_next(rig, 1));
    icmp_send_error(rig->net, &rig->packet, ICMPV6_PARAMETER_PROBLEM, 2, 40);
    CHECK(*rig_next(rig, 1));
    // and sources that are nobody.
    rig_udp(rig, 1, (struct ip){.from = "::", .to = "fd00::1"});
    icmp_send_error(rig->net, &rig->packet, ICMPV6_UNREACHABLE, 4, 0);
    EXPECT_SILENCE(rig);
    rig_free(rig);
}

TEST(errors_are_rationed)
{
    // RFC 1812-14, RFC 4443-6: 50 at once, then 1000 per second.
    struct rig *rig = host();
    for (int i = 0; i < 60; i++) {
        rig_udp(rig, 1, (struct ip){.from = "10.0.0.2", .to = "10.0.0.1"});
        refuse(rig);
    }
    CHECK_EQ(rig_drain(rig, 1), 50);
    CHECK_EQ(COUNT(rig, icmp_errors_sent), 50);
    CHECK_EQ(COUNT(rig, icmp_errors_suppressed), 10);
    rig_advance(rig, 3 * STRATA_MILLISECOND);
    for (int i = 0; i < 5; i++)
        refuse(rig);
    CHECK_EQ(rig_drain(rig, 1), 3);
    CHECK_EQ(settings_set(&rig->core.settings, "net.ipv4.icmp_msgs_per_sec", 0), 0);
    rig_advance(rig, 100 * STRATA_SECOND);
    refuse(rig);
    CHECK_EQ(rig_drain(rig, 1), 0);
    rig_free(rig);
}

/* ---- Errors in -------------------------------------------------------------------------------------------
 */

TEST(errors_go_to_the_transport_they_are_about)
{
    static const struct meaning {
        uint8_t type, code;
        int error;
        bool hard;
    } cases[] = {
        // RFC 792-7: 0, 1 and 5 are hints
        {ICMP_UNREACHABLE, 0, ENETUNREACH, false},   {ICMP_UNREACHABLE, 1, EHOSTUNREACH, false},
        {ICMP_UNREACHABLE, 2, ENOPROTOOPT, true},    {ICMP_UNREACHABLE, 3, ECONNREFUSED, true},
        {ICMP_UNREACHABLE, 5, EOPNOTSUPP, false},    {ICMP_UNREACHABLE, 13, EHOSTUNREACH, false},
        {ICMP_UNREACHABLE, 99, EHOSTUNREACH, false}, {ICMP_TIME_EXCEEDED, 0, EHOSTUNREACH, false},
        {ICMP_PARAMETER_PROBLEM, 0, EPROTO, false}, // RFC 792-15
    };
    struct rig *rig = host();
    struct strata_address us = rig_address_of("10.0.0.1"), them = rig_address_of("8.8.8.8"),
                          router = rig_address_of("10.0.0.254");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rig_error_about(rig, (struct ip){.from = "10.0.0.254", .to = "10.0.0.1"},
                        &(struct ip){.from = "10.0.0.1", .to = "8.8.8.8"}, cases[i].type, cases[i].code,
                        0x14000000);
        // RFC 792-5
        CHECK_EQ(rig->errors, i + 1);
        CHECK_EQ(rig->error.error, cases[i].error);
        CHECK_EQ(rig->error.hard, cases[i].hard);
        CHECK_EQ(rig->error.type, cases[i].type);
        CHECK_EQ(rig->error.code, cases[i].code);
        CHECK(address_equal(&rig->error.source, &us));
        CHECK(address_equal(&rig->error.destination, &them));
        CHECK(address_equal(&rig->error.reporter, &router));
        CHECK_EQ(rig->error.protocol, PROTOCOL_UDP);
        CHECK_EQ(rig->error.quoted_length, 8);
        CHECK_EQ(bytes_get16(rig->quoted), 1234);
    }
    CHECK_EQ(rig->error.info, 20); // the pointer of the last one
    CHECK_EQ(COUNT(rig, icmp_errors_received), rig->errors);
    EXPECT_SILENCE(rig);
    rig_free(rig);
}

TEST(errors_over_ipv6)
{
    static const struct meaning {
        uint8_t type, code;
        int error;
        bool hard;
    } cases[] = {
        {ICMPV6_UNREACHABLE, 0, ENETUNREACH, false},
        {ICMPV6_UNREACHABLE, 1, EACCES, false},
        {ICMPV6_UNREACHABLE, 3, EHOSTUNREACH, false},
        {ICMPV6_UNREACHABLE, 4, ECONNREFUSED, true},
        {ICMPV6_TIME_EXCEEDED, 0, EHOSTUNREACH, false},
        {ICMPV6_PARAMETER_PROBLEM, 1, EPROTO, true},
        {ICMPV6_PARAMETER_PROBLEM, 2, EPROTO, false},
        {100, 0, EPROTO, false}, // RFC 4443-3: unknown, goes up
    };
    struct rig *rig = host6();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rig_error_about(rig, (struct ip){.from = "fd00::2", .to = "fd00::1"},
                        &(struct ip){.from = "fd00::1", .to = "fd99::8"}, cases[i].type, cases[i].code, 0);
        CHECK_EQ(rig->errors, i + 1);
        CHECK_EQ(rig->error.error, cases[i].error);
        CHECK_EQ(rig->error.hard, cases[i].hard);
        CHECK(rig->error.ipv6);
    }
    rig_free(rig);
}

TEST(an_error_about_an_echo_goes_to_who_takes_icmp)
{
    struct rig *rig = host();
    rig_error_about(rig, (struct ip){.from = "10.0.0.254", .to = "10.0.0.1"},
                    &(struct ip){.from = "10.0.0.1", .to = "8.8.8.8", .protocol = PROTOCOL_ICMP},
                    ICMP_TIME_EXCEEDED, 0, 0);
    CHECK_EQ(rig->errors, 1);
    rig_free(rig);
    rig = host6();
    rig_error_about(rig, (struct ip){.from = "fd00::2", .to = "fd00::1"},
                    &(struct ip){.from = "fd00::1", .to = "fd99::8", .protocol = PROTOCOL_ICMPV6},
                    ICMPV6_TIME_EXCEEDED, 0, 0);
    CHECK_EQ(rig->errors, 1);
    CHECK_EQ(rig->error.protocol, PROTOCOL_ICMPV6);
    rig_free(rig);
}

TEST(quotes_that_are_not_ours)
{
    struct rig *rig = host();
    struct ip outer = {.from = "10.0.0.254", .to = "10.0.0.1"};
    rig_error_about(rig, outer, &(struct ip){.from = "10.0.0.9", .to = "8.8.8.8"}, ICMP_UNREACHABLE, 3, 0);
    rig_error_about(rig, outer, &(struct ip){.from = "10.0.0.1", .to = "8.8.8.8", .offset = 800},
                    ICMP_UNREACHABLE, 3, 0);
    rig_icmp(rig, 1, outer, ICMP_UNREACHABLE, 3, 0, "short", 5);
    rig_icmp(rig, 1, outer, ICMP_UNREACHABLE, 3, 0, NULL, 0);
    CHECK_EQ(COUNT(rig, icmp_drop_quote), 4);
    CHECK_EQ(rig->errors, 0);
    // Of a protocol that nobody takes there is nobody to tell.
    rig_error_about(rig, outer, &(struct ip){.from = "10.0.0.1", .to = "8.8.8.8", .protocol = 99},
                    ICMP_UNREACHABLE, 3, 0);
    CHECK_EQ(rig->errors, 0);
    rig_free(rig);
}

TEST_MAIN(TEST_ENTRY(echo_comes_back_whole), TEST_ENTRY(echo_of_60000_bytes_in_fragments_both_ways),
          TEST_ENTRY(echo_over_ipv6), TEST_ENTRY(echo_to_all_and_echo_that_is_forbidden),
          TEST_ENTRY(echo_replies_go_to_who_takes_icmp), TEST_ENTRY(messages_that_cannot_be),
          TEST_ENTRY(an_error_quotes_what_it_is_about), TEST_ENTRY(errors_have_their_names_in_both_families),
          TEST_ENTRY(when_there_is_silence), TEST_ENTRY(when_there_is_silence_over_ipv6),
          TEST_ENTRY(errors_are_rationed), TEST_ENTRY(errors_go_to_the_transport_they_are_about),
          TEST_ENTRY(errors_over_ipv6), TEST_ENTRY(an_error_about_an_echo_goes_to_who_takes_icmp),
          TEST_ENTRY(quotes_that_are_not_ours))
