/*
 * Datagrams out: headers, identification, fragments, room, neighbours, loops of multicast.
 */
#include "tests/net/rig.h"

/* A speaker that says one datagram of `length` bytes by net_begin and net_finish. */
struct sender {
    struct speaker speaker;
    struct rig *rig;
    struct net_path path;
    struct net_out out;
    size_t length, least;
    int result, given_up; /* of net_begin; of unreachable */
    size_t capacity;
    int left;
};

static long speak(struct speaker *speaker, struct room *room)
{
    struct sender *sender = CONTAINER_OF(speaker, struct sender, speaker);
    uint8_t *payload;
    if (sender->left == 0)
        return 0;
    sender->result =
        net_begin(sender->rig->net, &sender->path, room, speaker, sender->least, &payload, &sender->capacity);
    if (sender->result == -EMSGSIZE)
        return -EMSGSIZE;
    if (sender->result < 0)
        return 0;
    size_t length = sender->length < sender->capacity ? sender->length : sender->capacity;
    memset(payload, 'x', length);
    if (length >= UDP_HEADER_BYTES)
        udp_emit(payload,
                 &(struct udp_header){.source_port = 1, .destination_port = 2, .length = (uint16_t)length});
    sender->left--;
    return (long)net_finish(sender->rig->net, &sender->path, room, &sender->out, length);
}

static void unreachable(struct speaker *speaker, int error)
{
    CONTAINER_OF(speaker, struct sender, speaker)->given_up = error;
}

static const struct speaker_ops sender_ops = {speak, unreachable};

static void sender_init(struct sender *sender, struct rig *rig, const char *to, size_t length)
{
    *sender = (struct sender){.rig = rig, .length = length, .left = 1};
    speaker_init(&sender->speaker, &sender_ops);
    struct strata_address destination = rig_address_of(to);
    REQUIRE(net_path_find(rig->net, &sender->path, &destination, 0, 0) == 0);
    sender->out =
        (struct net_out){.destination = destination, .protocol = PROTOCOL_UDP, .dont_fragment = true};
    REQUIRE(net_source(rig->net, &sender->path, &sender->out.source) == 0);
    port_mark(rig_port(rig, sender->path.port), &sender->speaker);
}

/* The same one speaks again. */
static void sender_again(struct sender *sender, struct rig *rig, const char *to, size_t length)
{
    speaker_silence(&sender->speaker);
    sender_init(sender, rig, to, length);
}

TEST(a_segment_written_in_place)
{
    struct rig *rig = rig_new();
    rig_ethernet(rig, "10.0.0.1/24");
    rig_neighbour(rig, 1, "10.0.0.2", PEER);
    struct sender sender;
    sender_init(&sender, rig, "10.0.0.2", 100);
    sender.out.tos = 0xb8;
    sender.out.ttl = 7;
    EXPECT(rig, 1, "10.0.0.1:1 > 10.0.0.2:2 UDP length=92");
    CHECK_EQ(sender.capacity, 1480);
    struct ipv4_header header;
    CHECK_EQ(ipv4_parse(&header, rig->frame + 14, rig->frame_length - 14), 20);
    CHECK_EQ(header.tos, 0xb8); // RFC 1122-8
    CHECK_EQ(header.ttl, 7);    // RFC 1122-10
    CHECK(header.dont_fragment);
    CHECK_EQ(header.total_bytes, 120);
    CHECK_MEM(rig->frame, "\x02\0\0\0\0\x99\x02\0\0\0\0\x01\x08\x00", 14);
    EXPECT(rig, 1, "");
    EXPECT_SILENCE(rig);
    rig_free(rig);
}

TEST(a_segment_over_ipv6)
{
    struct rig *rig = rig_new();
    rig_tunnel(rig, "fd00::1/64");
    struct sender sender;
    sender_init(&sender, rig, "fd00::2", 100);
    EXPECT(rig, 1, "[fd00::1]:1 > [fd00::2]:2 UDP length=92");
    CHECK_EQ(sender.capacity, 1460);
    struct ipv6_header header;
    CHECK_EQ(ipv6_parse(&header, rig->frame, rig->frame_length), 40);
    CHECK_EQ(header.hop_limit, 64);
    CHECK_EQ(header.payload_bytes, 100);
    rig_free(rig);
}

TEST(ttl_is_never_zero_and_its_default_is_a_setting)
{
    struct rig *rig = rig_new();
    rig_ethernet(rig, "10.0.0.1/24");
    rig_neighbour(rig, 1, "10.0.0.2", PEER);
    CHECK_EQ(settings_set(&rig->core.settings, "net.ipv4.ip_default_ttl", 0), -ERANGE);
    for (int ttl = 64; ttl < 256; ttl += 191) {
        CHECK_EQ(settings_set(&rig->core.settings, "net.ipv4.ip_default_ttl", ttl), 0);
        CHECK_EQ(rig_send(rig, (struct net_out){.ttl = 0}, NULL, "10.0.0.2", 20), 0);
        rig_next(rig, 1);
        CHECK_EQ(rig->frame[14 + 8], ttl); // RFC 1122-9, RFC 1122-10
    }
    rig_free(rig);
}

TEST(source_is_an_address_of_ours)
{
    struct rig *rig = rig_new();
    rig_ethernet(rig, "10.0.0.1/24");
    rig_add_address(rig, 1, "10.5.0.1/24");
    rig_drain(rig, 1);
    rig_ethernet(rig, "172.16.0.1/24");
    rig_neighbour(rig, 1, "10.0.0.2", PEER);
    rig_neighbour(rig, 1, "10.5.0.2", PEER);
    rig_neighbour(rig, 1, "10.5.0.254", PEER);
    rig_neighbour(rig, 2, "172.16.0.2", PEER);
    rig_add_route(rig, "0.0.0.0/0", "10.5.0.254", -1, 0);
    // RFC 1122-3: of the port it leaves by, and of the next hop's subnet.
    CHECK_EQ(rig_send(rig, (struct net_out){.tos = 0}, NULL, "10.0.0.2", 20), 0);
    EXPECT(rig, 1, "10.0.0.1:1234 > 10.0.0.2:5678 UDP length=12");
    CHECK_EQ(rig_send(rig, (struct net_out){.tos = 0}, NULL, "10.5.0.2", 20), 0);
    EXPECT(rig, 1, "10.5.0.1:1234 > 10.5.0.2:5678 UDP length=12");
    CHECK_EQ(rig_send(rig, (struct net_out){.tos = 0}, NULL, "8.8.8.8", 20), 0);
    EXPECT(rig, 1, "10.5.0.1:1234 > 8.8.8.8:5678 UDP length=12");
    CHECK_EQ(rig_send(rig, (struct net_out){.tos = 0}, NULL, "172.16.0.2", 20), 0);
    EXPECT(rig, 2, "172.16.0.1:1234 > 172.16.0.2:5678 UDP length=12");
    // RFC 1122-23: or the one that was asked for.
    CHECK_EQ(rig_send(rig, (struct net_out){.tos = 0}, "10.0.0.1", "172.16.0.2", 20), 0);
    EXPECT(rig, 2, "10.0.0.1:1234 > 172.16.0.2:5678 UDP length=12");
    rig_free(rig);
}

TEST(ipv6_sources_by_scope_and_prefix)
{
    struct rig *rig = rig_new();
    rig_tunnel(rig, "fd00:1::1/64");
    rig_add_address(rig, 1, "fd00:2::1/64");
    rig_add_address(rig, 1, "fe80::1/64");
    rig_add_route(rig, "::/0", NULL, 1, 0);
    CHECK_EQ(rig_send(rig, (struct net_out){.tos = 0}, NULL, "fd00:2::9", 20), 0);
    EXPECT(rig, 1, "[fd00:2::1]:1234 > [fd00:2::9]:5678 UDP length=12");
    CHECK_EQ(rig_send(rig, (struct net_out){.tos = 0}, NULL, "fd00:1::9", 20), 0);
    EXPECT(rig, 1, "[fd00:1::1]:1234 > [fd00:1::9]:5678 UDP length=12");
    CHECK_EQ(rig_send(rig, (struct net_out){.tos = 0}, NULL, "ff02::9", 20), 0);
    EXPECT(rig, 1, "[fe80::1]:1234 > [ff02::9]:5678 UDP length=12");
    rig_free(rig);
    // An address of one link means nothing on another.
    rig = rig_new();
    rig_tunnel(rig, "fe80::1/64");
    rig_tunnel(rig, NULL);
    rig_add_route(rig, "::/0", NULL, 2, 0);
    CHECK_EQ(rig_send(rig, (struct net_out){.tos = 0}, NULL, "fd00:2::9", 20), -EADDRNOTAVAIL);
    EXPECT_SILENCE(rig);
    rig_free(rig);
}

TEST(loopback_addresses_do_not_leave_the_host)
{
    struct rig *rig = rig_new();
    rig_ethernet(rig, "10.0.0.1/24");
    rig_neighbour(rig, 1, "10.0.0.2", PEER);
    // RFC 1122-6
    CHECK_EQ(rig_send(rig, (struct net_out){.tos = 0}, "127.0.0.1", "10.0.0.2", 20), -EADDRNOTAVAIL);
    struct sender sender;
    sender_init(&sender, rig, "10.0.0.2", 100);
    sender.out.source = rig_address_of("127.0.0.1");
    EXPECT(rig, 1, "");
    CHECK_EQ(COUNT(rig, ipv4_drop_source), 2);
    struct strata_address loopback = rig_address_of("127.0.0.5");
    CHECK_EQ(net_address_add(rig->net, 1, &loopback, 8), -EINVAL);
    CHECK_EQ(rig_send(rig, (struct net_out){.tos = 0}, NULL, "127.4.5.6", 20), 0);
    EXPECT_SILENCE(rig);
    CHECK(net_loopback_waiting(rig->net));
    rig_free(rig);
}

TEST(options_that_a_transport_sets)
{
    struct rig *rig = rig_new();
    rig_ethernet(rig, "10.0.0.1/24");
    rig_neighbour(rig, 1, "10.0.0.2", PEER);
    static const uint8_t alert[4] = {IPV4_OPTION_ROUTER_ALERT, 4, 0, 0};
    // RFC 1122-11
    struct net_out out = {.options = alert, .options_length = sizeof alert, .dont_fragment = true};
    CHECK_EQ(rig_send(rig, out, NULL, "10.0.0.2", 20), 0);
    rig_next(rig, 1);
    struct ipv4_header header;
    CHECK_EQ(ipv4_parse(&header, rig->frame + 14, rig->frame_length - 14), 24);
    CHECK_MEM(header.options, alert, 4);
    out.options_length = 3;
    CHECK_EQ(rig_send(rig, out, NULL, "10.0.0.2", 20), -EINVAL);
    rig_free(rig);
}

static uint16_t next_identification(struct rig *rig)
{
    struct ipv4_header header;
    rig_next(rig, 1);
    REQUIRE(ipv4_parse(&header, rig->frame + 14, rig->frame_length - 14) == 20);
    return header.identification;
}

TEST(identifications_do_not_repeat)
{
    struct rig *rig = rig_new();
    rig_ethernet(rig, "10.0.0.1/24");
    rig_neighbour(rig, 1, "10.0.0.2", PEER);
    static bool seen[65536];
    memset(seen, 0, sizeof seen);
    unsigned repeated = 0;
    // RFC 6864-2: as many as there are, each once; RFC 6864-3: also where the same bytes are sent again.
    for (unsigned i = 0; i < 65536; i++) {
        struct net_out out = {.source = rig_address_of("10.0.0.1"),
                              .destination = rig_address_of("10.0.0.2"),
                              .protocol = PROTOCOL_UDP};
        uint16_t id = (uint16_t)net_identification(rig->net, &out);
        repeated += seen[id];
        seen[id] = true;
    }
    CHECK_EQ(repeated, 0);
    CHECK_EQ(rig_send(rig, (struct net_out){.tos = 0}, NULL, "10.0.0.2", 20), 0);
    CHECK_EQ(rig_send(rig, (struct net_out){.tos = 0}, NULL, "10.0.0.2", 20), 0);
    uint16_t first = next_identification(rig), second = next_identification(rig);
    CHECK(first != second);
    // Another tuple begins elsewhere, so that nobody can tell how many we have sent to others.
    struct net_out other = {.source = rig_address_of("10.0.0.1"),
                            .destination = rig_address_of("10.0.0.3"),
                            .protocol = PROTOCOL_UDP};
    uint16_t elsewhere = (uint16_t)net_identification(rig->net, &other);
    CHECK((uint16_t)(elsewhere - second) > 16 && (uint16_t)(second - elsewhere) > 16);
    rig_free(rig);
}

TEST(fragments_on_eight_octet_boundaries)
{
    struct rig *rig = rig_new();
    rig_add_port(rig, STRATA_LINK_IP, 577, "10.0.0.1/24");
    // RFC 791-4: 577 - 20 is no multiple of 8.
    CHECK_EQ(rig_send(rig, (struct net_out){.tos = 0}, NULL, "10.0.0.2", 1400), 0);
    unsigned offset = 0;
    uint16_t id = 0;
    for (int i = 0; i < 3; i++) {
        struct ipv4_header header;
        rig_next(rig, 1);
        REQUIRE(ipv4_parse(&header, rig->frame, rig->frame_length) == 20);
        CHECK_EQ(header.fragment_offset_bytes, offset);
        CHECK_EQ(header.more_fragments, i < 2);
        CHECK_EQ(header.total_bytes, i < 2 ? 572 : 20 + 1400 - 2 * 552);
        if (i > 0)
            CHECK_EQ(header.identification, id);
        id = header.identification;
        for (size_t byte = 20; byte < rig->frame_length && (i > 0 || byte >= 28); byte++) {
            size_t at = offset + byte - 20;
            if (rig->frame[byte] != (uint8_t)(at * 7 + at / 256))
                CHECK_EQ(rig->frame[byte], (uint8_t)(at * 7 + at / 256));
        }
        offset += header.total_bytes - 20u;
    }
    CHECK_EQ(COUNT(rig, ipv4_fragments_sent), 3);
    EXPECT_SILENCE(rig);
    // RFC 791-7, RFC 6864-4: not what must not be fragmented.
    CHECK_EQ(rig_send(rig, (struct net_out){.dont_fragment = true}, NULL, "10.0.0.2", 1400), -EMSGSIZE);
    EXPECT_SILENCE(rig);
    CHECK_EQ(rig_send(rig, (struct net_out){.tos = 0}, NULL, "10.0.0.2", 65516), -EMSGSIZE);
    rig_free(rig);
}

TEST(only_copied_options_are_in_later_fragments)
{
    struct rig *rig = rig_new();
    rig_add_port(rig, STRATA_LINK_IP, 576, "10.0.0.1/24");
    static const uint8_t options[12] = {IPV4_OPTION_RECORD_ROUTE, 7, 4, 0, 0, 0, 0, // stays behind
                                        IPV4_OPTION_ROUTER_ALERT, 4, 0, 0, 0};
    struct net_out out = {.options = options, .options_length = sizeof options};
    CHECK_EQ(rig_send(rig, out, NULL, "10.0.0.2", 1400), 0);
    struct ipv4_header header;
    rig_next(rig, 1);
    CHECK_EQ(ipv4_parse(&header, rig->frame, rig->frame_length), 32);
    CHECK_MEM(header.options, options, 12);
    unsigned offset = header.total_bytes - 32u;
    CHECK_EQ(offset % 8, 0);
    for (int i = 0; i < 2; i++) {
        rig_next(rig, 1); // RFC 791-5
        CHECK_EQ(ipv4_parse(&header, rig->frame, rig->frame_length), 24);
        CHECK_MEM(header.options, options + 7, 4);
        CHECK_EQ(header.fragment_offset_bytes, offset);
        offset += header.total_bytes - 24u;
    }
    CHECK_EQ(offset, 1400);
    rig_free(rig);
}

TEST(ipv6_fragments_do_not_overlap_and_fill_the_datagram)
{
    struct rig *rig = rig_new();
    rig_add_port(rig, STRATA_LINK_IP, 1280, "fd00::1/64");
    CHECK_EQ(rig_send(rig, (struct net_out){.tos = 0}, NULL, "fd00::2", 3000), 0);
    unsigned offset = 0;
    for (int i = 0; i < 3; i++) {
        struct ipv6_fragment fragment;
        rig_next(rig, 1);
        REQUIRE(rig->frame_length <= 1280);
        CHECK_EQ(rig->frame[6], PROTOCOL_FRAGMENT);
        CHECK_EQ(ipv6_fragment_parse(&fragment, rig->frame + 40, rig->frame_length - 40), 8);
        CHECK_EQ(fragment.offset_bytes, offset); // RFC 5722-1
        CHECK_EQ(fragment.more_fragments, i < 2);
        CHECK_EQ(fragment.next_header, PROTOCOL_UDP);
        offset += (unsigned)rig->frame_length - 48;
    }
    CHECK_EQ(offset, 3000);
    CHECK_EQ(rig_send(rig, (struct net_out){.dont_fragment = true}, NULL, "fd00::2", 3000), -EMSGSIZE);
    EXPECT_SILENCE(rig);
    rig_free(rig);
}

/* A datagram socket makes its fragments itself, from its ring. */
static long speak_fragments(struct speaker *speaker, struct room *room)
{
    struct sender *sender = CONTAINER_OF(speaker, struct sender, speaker);
    uint8_t *payload;
    size_t capacity;
    if (sender->left == 0)
        return 0;
    sender->result =
        net_begin_fragment(sender->rig->net, &sender->path, room, speaker, 8, &payload, &capacity);
    if (sender->result < 0)
        return 0;
    size_t length = sender->length < capacity ? sender->length : capacity;
    memset(payload, 'f', length);
    sender->length -= length;
    sender->out.more_fragments = sender->length > 0;
    long frame = (long)net_finish(sender->rig->net, &sender->path, room, &sender->out, length);
    sender->out.fragment_offset_bytes = (uint16_t)(sender->out.fragment_offset_bytes + length);
    sender->left = sender->length > 0;
    return frame;
}

static const struct speaker_ops fragment_ops = {speak_fragments, unreachable};

TEST(a_speaker_makes_fragments_that_fit_together_again)
{
    struct rig *rig = rig_new();
    rig_tunnel(rig, "10.0.0.1/24");
    rig_add_address(rig, 1, "fd00::1/64");
    struct rig *peer = rig_new();
    rig_tunnel(peer, "10.0.0.2/24");
    rig_add_address(peer, 1, "fd00::2/64");
    const char *peers[2] = {"10.0.0.2", "fd00::2"};
    for (unsigned family = 0; family < 2; family++) {
        struct sender sender;
        sender_init(&sender, rig, peers[family], 5000);
        sender.speaker.ops = &fragment_ops;
        sender.out.dont_fragment = false;
        sender.out.fragment = true;
        sender.out.identification = net_identification(rig->net, &sender.out);
        unsigned frames = 0;
        while (*rig_next(rig, 1)) {
            CHECK(rig->frame_length <= 1500);
            rig_input(peer, 1, rig->frame, rig->frame_length);
            frames++;
        }
        CHECK_EQ(frames, 4);
        CHECK_EQ(peer->delivered, family + 1);
        CHECK_EQ(peer->packet.length, 5000);
    }
    CHECK_EQ(COUNT(rig, ipv4_fragments_sent), 4);
    rig_free(peer);
    rig_free(rig);
}

TEST(room_and_path_may_be_too_small)
{
    struct rig *rig = rig_new();
    rig_ethernet(rig, "10.0.0.1/24");
    rig_neighbour(rig, 1, "10.0.0.2", PEER);
    struct sender sender;
    sender_init(&sender, rig, "10.0.0.2", 100);
    sender.least = 50;
    struct strata_meta meta = {0};
    struct room room = {.bytes = rig->frame, .size = 14 + 20 + 49, .meta = &meta, .now = rig->core.now};
    CHECK_EQ(port_output(rig_port(rig, 1), &room), 0);
    CHECK_EQ(sender.result, -EMSGSIZE);
    room.size = 14 + 20 + 50;
    CHECK_EQ(port_output(rig_port(rig, 1), &room), 14 + 20 + 50);
    CHECK_EQ(sender.capacity, 50);
    // What no room can help: the path itself is too narrow.
    sender.left = 1;
    sender.least = 1481;
    port_mark(rig_port(rig, 1), &sender.speaker);
    EXPECT(rig, 1, "");
    CHECK_EQ(sender.result, -E2BIG);
    rig_free(rig);
}

TEST(a_speaker_waits_for_its_neighbour)
{
    struct rig *rig = rig_new();
    rig_ethernet(rig, "10.0.0.1/24");
    struct sender sender;
    sender_init(&sender, rig, "10.0.0.2", 100);
    EXPECT(rig, 1, "02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff ARP who has 10.0.0.2? tell 10.0.0.1");
    CHECK_EQ(sender.result, -EINPROGRESS);
    EXPECT_SILENCE(rig);
    rig_arp(rig, 1, ARP_REPLY, 2, "10.0.0.2", 1, "10.0.0.1");
    EXPECT(rig, 1, "10.0.0.1:1 > 10.0.0.2:2 UDP length=92");
    // Nobody there: it is told, and net_begin says so while the address is held down.
    sender_again(&sender, rig, "10.0.0.3", 100);
    rig_drain(rig, 1);
    rig_advance(rig, 3 * STRATA_SECOND);
    CHECK_EQ(sender.given_up, -EHOSTUNREACH);
    rig_drain(rig, 1);
    port_mark(rig_port(rig, 1), &sender.speaker);
    EXPECT(rig, 1, "");
    CHECK_EQ(sender.result, -EHOSTUNREACH);
    rig_free(rig);
}

TEST(a_speaker_follows_its_route_to_another_port)
{
    struct rig *rig = rig_new();
    rig_ethernet(rig, "10.0.0.1/24");
    rig_ethernet(rig, "10.1.0.1/24");
    rig_neighbour(rig, 1, "10.0.0.254", PEER);
    rig_neighbour(rig, 2, "10.1.0.254", PEER);
    rig_add_route(rig, "0.0.0.0/0", "10.0.0.254", -1, 1);
    struct sender sender;
    sender_init(&sender, rig, "8.8.8.8", 100);
    rig_add_route(rig, "8.8.8.0/24", "10.1.0.254", -1, 1);
    CHECK(net_path_is_stale(rig->net, &sender.path));
    EXPECT(rig, 1, "");
    CHECK_EQ(sender.result, -EINPROGRESS);
    CHECK_EQ(links_ready(net_links(rig->net)), 2);
    EXPECT(rig, 2, "10.0.0.1:1 > 8.8.8.8:2 UDP length=92");
    CHECK_EQ(sender.path.port, 2);
    // And to none.
    sender_again(&sender, rig, "8.8.8.8", 100);
    CHECK_EQ(port_set_up(rig_port(rig, 1), false), 0);
    CHECK_EQ(port_set_up(rig_port(rig, 2), false), 0);
    CHECK_EQ(sender.given_up, -ENETDOWN);
    struct net_path path;
    CHECK_EQ(net_path_find(rig->net, &path, &sender.out.destination, 0, 0), -ENETUNREACH);
    rig_free(rig);
}

TEST(broadcast_and_multicast_next_hops)
{
    struct rig *rig = rig_new();
    rig_ethernet(rig, "10.0.0.1/24");
    rig_ethernet(rig, "10.1.0.1/24");
    // RFC 1122-26: to all stations only what is to all hosts; RFC 1122-14: both are on the link.
    CHECK_EQ(rig_send(rig, (struct net_out){.tos = 0}, NULL, "10.1.0.255", 20), 0);
    EXPECT(rig, 2, "10.1.0.1:1234 > 10.1.0.255:5678 UDP length=12");
    CHECK_MEM(rig->frame, "\xff\xff\xff\xff\xff\xff", 6);
    CHECK_EQ(rig_send(rig, (struct net_out){.tos = 0}, NULL, "255.255.255.255", 20), 0);
    EXPECT(rig, 1, "10.0.0.1:1234 > 255.255.255.255:5678 UDP length=12");
    CHECK_MEM(rig->frame, "\xff\xff\xff\xff\xff\xff", 6);
    CHECK_EQ(rig_send(rig, (struct net_out){.tos = 0}, NULL, "224.1.2.3", 20), 0);
    EXPECT(rig, 1, "10.0.0.1:1234 > 224.1.2.3:5678 UDP length=12");
    CHECK_MEM(rig->frame, "\x01\x00\x5e\x01\x02\x03", 6);
    // The port asked for, or the one routes name.
    struct net_out out = {.destination = rig_address_of("255.255.255.255"),
                          .protocol = PROTOCOL_UDP,
                          .source = rig_address_of("0.0.0.0")};
    CHECK_EQ(net_send(rig->net, &out, 0, 2, "x", 1), 0);
    rig_next(rig, 2);
    CHECK_EQ(rig->frame_length, 14 + 21);
    rig_add_route(rig, "224.0.0.0/4", NULL, 2, 0);
    CHECK_EQ(rig_send(rig, (struct net_out){.tos = 0}, NULL, "224.1.2.3", 20), 0);
    EXPECT(rig, 2, "10.1.0.1:1234 > 224.1.2.3:5678 UDP length=12");
    rig_free(rig);
}

TEST(multicast_reaches_our_own_members)
{
    struct rig *rig = rig_new();
    rig_ethernet(rig, "10.0.0.1/24");
    struct strata_address group = rig_address_of("224.1.2.3");
    CHECK_EQ(net_join(rig->net, &group, 1), 0);
    CHECK_EQ(rig_send(rig, (struct net_out){.loop = true}, NULL, "224.1.2.3", 5000), 0);
    CHECK(net_loopback_waiting(rig->net));
    CHECK(!net_pump_loopback(rig->net));
    CHECK_EQ(rig->delivered, 1);
    CHECK_EQ(rig->packet.port, 1);
    CHECK_EQ(rig->packet.length, 5000);
    CHECK_EQ(rig->packet.flags, NET_PACKET_LOOPBACK | NET_PACKET_MULTICAST);
    CHECK_EQ(rig_drain(rig, 1), 4);
    struct sender sender;
    sender_init(&sender, rig, "224.1.2.3", 100);
    sender.out.loop = true;
    EXPECT(rig, 1, "10.0.0.1:1 > 224.1.2.3:2 UDP length=92");
    net_pump_loopback(rig->net);
    CHECK_EQ(rig->delivered, 2);
    sender_again(&sender, rig, "224.1.2.3", 100);
    EXPECT(rig, 1, "10.0.0.1:1 > 224.1.2.3:2 UDP length=92");
    CHECK(!net_loopback_waiting(rig->net)); // only when asked for
    rig_free(rig);
}

TEST(sizes_that_a_transport_can_learn)
{
    struct rig *rig = rig_new();
    rig_tunnel(rig, "10.0.0.1/24");
    rig_add_address(rig, 1, "fd00::1/64");
    struct net_path path;
    struct strata_address to = rig_address_of("10.0.0.2");
    CHECK_EQ(net_path_find(rig->net, &path, &to, 0, 0), 0);
    CHECK_EQ(net_path_payload(&path), 1480); // RFC 1122-20: MMS_S
    CHECK_EQ(NET_RECEIVE_MAX, 65515);        // and MMS_R
    to = rig_address_of("fd00::2");
    CHECK_EQ(net_path_find(rig->net, &path, &to, 0, 0), 0);
    // RFC 8200-16: what TCP takes its own 20 from.
    CHECK_EQ(net_path_payload(&path), 1460);
    // RFC 1122-21: the MTU of a port is its owner's to set.
    int narrow = rig_add_port(rig, STRATA_LINK_IP, 576, "10.8.0.1/24");
    to = rig_address_of("10.8.0.2");
    CHECK_EQ(net_path_find(rig->net, &path, &to, 0, 0), 0);
    CHECK_EQ(net_path_payload(&path), 556);
    // RFC 8200-14: too narrow for IPv6.
    to = rig_address_of("fd08::1");
    CHECK_EQ(net_address_add(rig->net, narrow, &to, 64), -EINVAL);
    rig_free(rig);
}

TEST_MAIN(TEST_ENTRY(a_segment_written_in_place), TEST_ENTRY(a_segment_over_ipv6),
          TEST_ENTRY(ttl_is_never_zero_and_its_default_is_a_setting),
          TEST_ENTRY(source_is_an_address_of_ours), TEST_ENTRY(ipv6_sources_by_scope_and_prefix),
          TEST_ENTRY(loopback_addresses_do_not_leave_the_host), TEST_ENTRY(options_that_a_transport_sets),
          TEST_ENTRY(identifications_do_not_repeat), TEST_ENTRY(fragments_on_eight_octet_boundaries),
          TEST_ENTRY(only_copied_options_are_in_later_fragments),
          TEST_ENTRY(ipv6_fragments_do_not_overlap_and_fill_the_datagram),
          TEST_ENTRY(a_speaker_makes_fragments_that_fit_together_again),
          TEST_ENTRY(room_and_path_may_be_too_small), TEST_ENTRY(a_speaker_waits_for_its_neighbour),
          TEST_ENTRY(a_speaker_follows_its_route_to_another_port),
          TEST_ENTRY(broadcast_and_multicast_next_hops), TEST_ENTRY(multicast_reaches_our_own_members),
          TEST_ENTRY(sizes_that_a_transport_can_learn))
