/*
 * IPv4 in: each rule of RFC 791 and RFC 1122 3.2.1 about what is taken, and each counter that says no.
 */
#include "tests/net/rig.h"

#define NOBODYS_PROTOCOL 99

static struct rig *host(void)
{
    struct rig *rig = rig_new();
    rig_ethernet(rig, "10.0.0.1/24");
    rig_neighbour(rig, 1, "10.0.0.2", PEER);
    return rig;
}

/* A byte of a good datagram is replaced, and the header checksum made good again if wanted. */
struct bad_header {
    const char *what;
    enum counter counter;
    int at;
    uint8_t value;
    bool fix_checksum;
    size_t length; /* of the datagram as received; 0: as built */
};

TEST(headers_that_cannot_be_are_dropped_in_silence)
{
    static const struct bad_header cases[] = {
        // RFC 1122-1
        {"version 5", COUNTER_ipv4_drop_version, 0, 0x55, true, 0},
        // RFC 791-1, RFC 1812-1
        {"header length 16", COUNTER_ipv4_drop_header_length, 0, 0x44, true, 0},
        {"header longer than the datagram", COUNTER_ipv4_drop_header_length, 0, 0x4f, true, 0},
        {"total length 19", COUNTER_ipv4_drop_total_length, 3, 19, true, 0},
        {"total length beyond the frame", COUNTER_ipv4_drop_total_length, 3, 200, true, 0},
        {"19 bytes", COUNTER_ipv4_drop_short, 0, 0x45, true, 19},
        {"nothing", COUNTER_ipv4_drop_short, 0, 0x45, true, SIZE_MAX},
        // RFC 1122-2
        {"checksum", COUNTER_ipv4_drop_checksum, 11, 0x5a, false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct bad_header *c = &cases[i];
        struct rig *rig = host();
        uint8_t frame[100];
        size_t length =
            rig_frame(rig, 1, frame, &(struct ip){.from = "10.0.0.2", .to = "10.0.0.1"}, "12345678", 8);
        frame[14 + c->at] = c->value;
        if (c->fix_checksum) {
            bytes_put16(frame + 14 + 10, 0);
            bytes_put16(frame + 14 + 10, checksum_finish(checksum_add(0, frame + 14, 20)));
        }
        rig_input(rig, 1, frame, c->length == SIZE_MAX ? 14 : c->length ? 14 + c->length : length);
        if (!CHECK_EQ(rig->core.counters.value[c->counter], 1))
            printf("    bad %s\n", c->what);
        CHECK_EQ(rig->delivered, 0);
        EXPECT_SILENCE(rig); // RFC 1812-2: silently
        rig_free(rig);
    }
}

TEST(padding_beyond_the_total_length_is_ignored)
{
    struct rig *rig = host();
    uint8_t frame[60] = {0};
    rig_frame(rig, 1, frame, &(struct ip){.from = "10.0.0.2", .to = "10.0.0.1"}, "abc", 3);
    memset(frame + 14 + 23, 0xee, sizeof frame - 37);
    rig_input(rig, 1, frame, sizeof frame); // RFC 791-2
    CHECK_EQ(rig->delivered, 1);
    CHECK_EQ(rig->packet.length, 3);
    CHECK_EQ(rig->packet.datagram_length, 23);
    rig_free(rig);
}

TEST(what_goes_up_with_a_datagram)
{
    struct rig *rig = host();
    static const uint8_t options[4] = {IPV4_OPTION_NOP, 0x9e, 2, IPV4_OPTION_END};
    // RFC 1122-11: an option nobody knows is passed over, and goes up with the header.
    rig_ip(rig, 1,
           (struct ip){.from = "10.0.0.2",
                       .to = "10.0.0.1",
                       .tos = 0xb8,
                       .ttl = 3,
                       .options = options,
                       .option_bytes = sizeof options},
           "payload", 7);
    CHECK_EQ(rig->delivered, 1);
    struct strata_address from = rig_address_of("10.0.0.2"), to = rig_address_of("10.0.0.1");
    CHECK(address_equal(&rig->packet.source, &from));
    CHECK(address_equal(&rig->packet.destination, &to));
    CHECK_EQ(rig->packet.tos, 0xb8); // RFC 1122-8
    CHECK_EQ(rig->packet.ttl, 3);
    CHECK_EQ(rig->packet.port, 1);
    CHECK_EQ(rig->packet.flags, 0);
    CHECK_EQ(rig->packet.length, 7);
    CHECK_MEM(rig->payload, "payload", 7);
    CHECK_MEM(rig->datagram + 20, options, 4);
    rig_free(rig);
}

struct address_case {
    const char *from, *to;
    enum counter counter; /* COUNTER_NONE: delivered */
    bool link_broadcast;
};

TEST(sources_and_destinations)
{
    static const struct address_case cases[] = {
        {"10.0.0.2", "10.0.0.1", COUNTER_NONE, false},
        {"10.0.0.2", "10.7.0.1", COUNTER_NONE, false}, // an address of our other port
        // RFC 1122-4
        {"10.0.0.2", "10.0.0.3", COUNTER_ipv4_drop_destination, false},
        {"10.0.0.2", "192.168.7.7", COUNTER_ipv4_drop_destination, false},
        {"10.0.0.2", "224.9.9.9", COUNTER_ipv4_drop_destination, false},
        // RFC 1122-5
        {"255.255.255.255", "10.0.0.1", COUNTER_ipv4_drop_source, false},
        {"224.0.0.5", "10.0.0.1", COUNTER_ipv4_drop_source, false},
        {"240.0.0.1", "10.0.0.1", COUNTER_ipv4_drop_source, false},
        {"10.0.0.255", "10.0.0.1", COUNTER_ipv4_drop_source, false},
        {"10.0.0.0", "10.0.0.1", COUNTER_ipv4_drop_source, false},
        {"127.0.0.1", "10.0.0.1", COUNTER_ipv4_drop_source, false},
        {"10.0.0.1", "10.0.0.1", COUNTER_ipv4_drop_source, false}, // ours, from outside
        {"10.7.0.1", "10.0.0.1", COUNTER_ipv4_drop_source, false}, // that of our other port
        {"10.7.0.255", "10.0.0.1", COUNTER_ipv4_drop_source, false},
        {"10.7.0.0", "10.0.0.1", COUNTER_ipv4_drop_source, false},
        {"10.7.0.65", "10.0.0.1", COUNTER_NONE, false}, // ends nearly as ours does
        {"0.1.2.3", "10.0.0.1", COUNTER_ipv4_drop_source, false},
        // RFC 1122-7: who does not know its address yet speaks to all.
        {"0.0.0.0", "10.0.0.1", COUNTER_ipv4_drop_source, false},
        {"0.0.0.0", "255.255.255.255", COUNTER_NONE, true},
        // RFC 1122-6
        {"10.0.0.2", "127.0.0.1", COUNTER_ipv4_drop_destination, false},
        {"10.0.0.2", "127.9.9.9", COUNTER_ipv4_drop_destination, false},
        // RFC 1122-24: all forms of broadcast
        {"10.0.0.2", "255.255.255.255", COUNTER_NONE, true},
        {"10.0.0.2", "0.0.0.0", COUNTER_NONE, true},
        {"10.0.0.2", "10.0.0.255", COUNTER_NONE, true},
        {"10.0.0.2", "10.0.0.0", COUNTER_NONE, true},
        // RFC 1122-25
        {"10.0.0.2", "10.0.0.1", COUNTER_ipv4_drop_link_broadcast, true},
        {"10.0.0.2", "10.0.0.3", COUNTER_ipv4_drop_link_broadcast, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct address_case *c = &cases[i];
        struct rig *rig = host();
        rig_ethernet(rig, "10.7.0.1/24");
        rig_udp(
            rig, 1,
            (struct ip){.from = c->from, .to = c->to, .destination_station = c->link_broadcast ? 0xff : 0});
        if (c->counter != COUNTER_NONE && !CHECK_EQ(rig->core.counters.value[c->counter], 1))
            printf("    %s > %s\n", c->from, c->to);
        if (!CHECK_EQ(rig->delivered, c->counter == COUNTER_NONE))
            printf("    %s > %s\n", c->from, c->to);
        if (rig->delivered && c->link_broadcast)
            CHECK(rig->packet.flags & NET_PACKET_BROADCAST);
        EXPECT_SILENCE(rig);
        rig_free(rig);
    }
}

TEST(an_address_that_we_gave_up_may_be_somebody_elses)
{
    struct rig *rig = host();
    struct strata_address old = rig_address_of("10.0.0.7");
    rig_add_address(rig, 1, "10.0.0.7/24");
    rig_drain(rig, 1);
    rig_udp(rig, 1, (struct ip){.from = "10.0.0.7", .to = "10.0.0.1"});
    CHECK_EQ(COUNT(rig, ipv4_drop_source), 1);
    CHECK_EQ(net_address_remove(rig->net, 1, &old), 0);
    rig_udp(rig, 1, (struct ip){.from = "10.0.0.7", .to = "10.0.0.1"});
    CHECK_EQ(rig->delivered, 1);
    // What both shared is still there.
    rig_udp(rig, 1, (struct ip){.from = "10.0.0.255", .to = "10.0.0.1"});
    CHECK_EQ(COUNT(rig, ipv4_drop_source), 2);
    rig_free(rig);
}

TEST(a_ttl_of_one_or_none_is_no_reason_to_drop)
{
    struct rig *rig = host();
    uint8_t frame[100];
    rig_udp(rig, 1, (struct ip){.from = "10.0.0.2", .to = "10.0.0.1", .ttl = 1});
    CHECK_EQ(rig->delivered, 1); // RFC 1122-9, RFC 1812-6
    CHECK_EQ(settings_set(&rig->core.settings, "net.ipv4.ip_forward", 1), 0);
    size_t length =
        rig_frame(rig, 1, frame, &(struct ip){.from = "10.0.0.2", .to = "10.0.0.1", .ttl = 1}, "x", 1);
    frame[14 + 8] = 0;
    bytes_put16(frame + 14 + 10, 0);
    bytes_put16(frame + 14 + 10, checksum_finish(checksum_add(0, frame + 14, 20)));
    rig_input(rig, 1, frame, length);
    CHECK_EQ(rig->delivered, 2);
    rig_free(rig);
}

struct option_case {
    const char *what;
    enum counter counter;
    uint8_t options[8];
    int pointer; /* of the Parameter Problem; -1: silence */
};

TEST(options_that_lie_and_source_routes)
{
    // RFC 791-8
    static const struct option_case cases[] = {
        {"END before garbage", COUNTER_NONE, {IPV4_OPTION_END, 7, 99, 99}, -1},
        {"NOPs", COUNTER_NONE, {1, 1, 1, 1, 1, 1, 1, 1}, -1},
        {"record route", COUNTER_NONE, {IPV4_OPTION_RECORD_ROUTE, 7, 4, 0, 0, 0, 0, 0}, -1},
        {"length 0", COUNTER_ipv4_drop_options, {0x9e, 0}, 20},
        {"length 1", COUNTER_ipv4_drop_options, {1, 0x9e, 1}, 21},
        {"length beyond the header", COUNTER_ipv4_drop_options, {1, 1, 0x9e, 7}, 22},
        {"no room for a length", COUNTER_ipv4_drop_options, {1, 1, 1, 1, 1, 1, 1, 0x9e}, 27},
        {"loose source route",
         COUNTER_ipv4_drop_source_route,
         {IPV4_OPTION_LOOSE_ROUTE, 7, 4, 10, 0, 0, 9},
         -1},
        {"strict source route",
         COUNTER_ipv4_drop_source_route,
         {1, IPV4_OPTION_STRICT_ROUTE, 7, 4, 10, 0, 0, 9},
         -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct option_case *c = &cases[i];
        struct rig *rig = host();
        rig_udp(rig, 1,
                (struct ip){.from = "10.0.0.2", .to = "10.0.0.1", .options = c->options, .option_bytes = 8});
        if (c->counter != COUNTER_NONE && !CHECK_EQ(rig->core.counters.value[c->counter], 1))
            printf("    %s\n", c->what);
        CHECK_EQ(rig->delivered, c->counter == COUNTER_NONE);
        if (c->pointer >= 0) { // RFC 792-15
            rig_next(rig, 1);
            CHECK_EQ(rig->frame[14 + 20], ICMP_PARAMETER_PROBLEM);
            CHECK_EQ(rig->frame[14 + 24], c->pointer);
        }
        EXPECT_SILENCE(rig);
        rig_free(rig);
    }
}

TEST(nothing_is_said_about_what_is_not_for_us)
{
    struct rig *rig = host();
    static const uint8_t lie[4] = {0x9e, 0};
    struct ip ip = {.from = "10.0.0.2", .to = "10.0.0.3", .options = lie, .option_bytes = sizeof lie};
    rig_udp(rig, 1, ip);
    CHECK_EQ(COUNT(rig, ipv4_drop_options), 1);
    EXPECT_SILENCE(rig); // RFC 1122-4: silently
    CHECK_EQ(settings_set(&rig->core.settings, "net.ipv4.ip_forward", 1), 0);
    rig_udp(rig, 1, ip);
    CHECK_EQ(rig_drain(rig, 1), 1); // a router says it
    rig_free(rig);
}

TEST(a_protocol_nobody_takes)
{
    struct rig *rig = host();
    rig_ip(rig, 1, (struct ip){.from = "10.0.0.2", .to = "10.0.0.1", .protocol = NOBODYS_PROTOCOL}, "x", 1);
    CHECK_EQ(COUNT(rig, ipv4_drop_protocol), 1);
    rig_next(rig, 1); // RFC 792-6
    CHECK_EQ(rig->frame[14 + 20], ICMP_UNREACHABLE);
    CHECK_EQ(rig->frame[14 + 21], ICMP_PROTOCOL_UNREACHABLE);
    EXPECT_SILENCE(rig);
    rig_free(rig);
}

TEST(the_identification_of_a_whole_datagram_is_not_looked_at)
{
    struct rig *rig = host();
    // RFC 6864-1: the same, twice, with and without DF.
    for (int i = 0; i < 2; i++) {
        rig_udp(rig, 1, (struct ip){.from = "10.0.0.2", .to = "10.0.0.1", .id = 7, .df = true});
        rig_udp(rig, 1, (struct ip){.from = "10.0.0.2", .to = "10.0.0.1", .id = 7});
    }
    CHECK_EQ(rig->delivered, 4);
    rig_free(rig);
}

TEST(reserved_bits_are_no_reason_to_drop)
{
    struct rig *rig = host();
    uint8_t frame[100];
    size_t length = rig_frame(rig, 1, frame, &(struct ip){.from = "10.0.0.2", .to = "10.0.0.1"}, "x", 1);
    frame[14 + 6] |= 0x80; // RFC 1812-23
    bytes_put16(frame + 14 + 10, 0);
    bytes_put16(frame + 14 + 10, checksum_finish(checksum_add(0, frame + 14, 20)));
    rig_input(rig, 1, frame, length);
    CHECK_EQ(rig->delivered, 1);
    rig_free(rig);
}

TEST(a_host_does_not_forward_by_itself)
{
    struct rig *rig = host();
    int64_t value;
    // RFC 1122-27
    CHECK_EQ(settings_get(&rig->core.settings, "net.ipv4.ip_forward", &value), 0);
    CHECK_EQ(value, 0);
    rig_ethernet(rig, "10.7.0.1/24");
    rig_udp(rig, 1, (struct ip){.from = "10.0.0.2", .to = "10.7.0.2"});
    CHECK_EQ(COUNT(rig, ipv4_drop_destination), 1);
    EXPECT_SILENCE(rig);
    rig_free(rig);
}

TEST(a_transparent_listener_takes_what_is_for_others)
{
    struct rig *rig = host();
    rig->wants = true;
    rig_udp(rig, 1, (struct ip){.from = "10.0.0.2", .to = "8.8.8.8"});
    CHECK_EQ(rig->delivered, 1);
    CHECK_EQ(rig->packet.flags, NET_PACKET_FOREIGN);
    // Not fragments, which do not say whose they are; not what is broadcast.
    rig_udp(rig, 1, (struct ip){.from = "10.0.0.2", .to = "8.8.8.8", .mf = true});
    rig_udp(rig, 1, (struct ip){.from = "10.0.0.2", .to = "8.8.8.8", .destination_station = 0xff});
    CHECK_EQ(rig->delivered, 1);
    rig->wants = false;
    rig_udp(rig, 1, (struct ip){.from = "10.0.0.2", .to = "8.8.8.8"});
    CHECK_EQ(rig->delivered, 1);
    CHECK_EQ(COUNT(rig, ipv4_drop_destination), 2);
    rig_free(rig);
}

TEST(a_datagram_of_576_octets_is_taken_whole_or_in_pieces)
{
    struct rig *rig = host();
    static uint8_t payload[556];
    // RFC 791-3
    rig_ip(rig, 1, (struct ip){.from = "10.0.0.2", .to = "10.0.0.1"}, payload, sizeof payload);
    CHECK_EQ(rig->delivered, 1);
    rig_ip(rig, 1, (struct ip){.from = "10.0.0.2", .to = "10.0.0.1", .id = 1, .mf = true}, payload, 280);
    rig_ip(rig, 1, (struct ip){.from = "10.0.0.2", .to = "10.0.0.1", .id = 1, .offset = 280}, payload + 280,
           276);
    CHECK_EQ(rig->delivered, 2);
    CHECK_EQ(rig->packet.length, 556);
    rig_free(rig);
}

TEST_MAIN(TEST_ENTRY(headers_that_cannot_be_are_dropped_in_silence),
          TEST_ENTRY(padding_beyond_the_total_length_is_ignored), TEST_ENTRY(what_goes_up_with_a_datagram),
          TEST_ENTRY(sources_and_destinations), TEST_ENTRY(an_address_that_we_gave_up_may_be_somebody_elses),
          TEST_ENTRY(a_ttl_of_one_or_none_is_no_reason_to_drop),
          TEST_ENTRY(options_that_lie_and_source_routes),
          TEST_ENTRY(nothing_is_said_about_what_is_not_for_us), TEST_ENTRY(a_protocol_nobody_takes),
          TEST_ENTRY(the_identification_of_a_whole_datagram_is_not_looked_at),
          TEST_ENTRY(reserved_bits_are_no_reason_to_drop), TEST_ENTRY(a_host_does_not_forward_by_itself),
          TEST_ENTRY(a_transparent_listener_takes_what_is_for_others),
          TEST_ENTRY(a_datagram_of_576_octets_is_taken_whole_or_in_pieces))
