/*
 * Ethernet headers and tags, ARP packets.
 */
#include "wire/arp.h"
#include "wire/ethernet.h"
#include "tests/test.h"

static const uint8_t plain[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0, 0, 0, 0, 1, 0x08, 0x06};
static const uint8_t tagged[] = {0x02, 0, 0,    0,    0,    2,    0x02, 0,    0,
                                 0,    0, 0x01, 0x81, 0x00, 0xb0, 0x05, 0x86, 0xdd};

TEST(a_frame_without_a_tag)
{
    struct ethernet_header header;
    CHECK_EQ(ethernet_parse(&header, plain, sizeof plain), 14);
    CHECK(ethernet_is_broadcast(header.destination) && ethernet_is_group(header.destination));
    CHECK(!ethernet_is_broadcast(header.source) && !ethernet_is_group(header.source));
    CHECK_EQ(header.ethertype, ETHERTYPE_ARP);
    CHECK(!header.tagged);
    uint8_t room[18];
    CHECK_EQ(ethernet_emit(room, &header), 14);
    CHECK_MEM(room, plain, 14);
}

TEST(a_frame_with_a_tag)
{
    struct ethernet_header header;
    CHECK_EQ(ethernet_parse(&header, tagged, sizeof tagged), 18);
    CHECK_EQ(header.ethertype, ETHERTYPE_IPV6);
    CHECK(header.tagged && header.drop_eligible);
    CHECK_EQ(header.vlan, 5);
    CHECK_EQ(header.priority, 5);
    uint8_t room[18];
    CHECK_EQ(ethernet_emit(room, &header), 18);
    CHECK_MEM(room, tagged, 18);
}

TEST(short_frames_are_refused)
{
    struct ethernet_header header;
    for (size_t size = 0; size < sizeof plain; size++)
        CHECK_EQ(ethernet_parse(&header, plain, size), WIRE_BAD(ethernet_drop_short));
    for (size_t size = 14; size < sizeof tagged; size++)
        CHECK_EQ(ethernet_parse(&header, tagged, size), WIRE_BAD(ethernet_drop_short));
}

TEST(what_is_emitted_is_parsed)
{
    uint64_t seed = 1;
    for (int i = 0; i < 5000; i++) {
        struct ethernet_header header = {.ethertype = (uint16_t)test_random(&seed), .tagged = i % 2}, parsed;
        if (header.ethertype == ETHERTYPE_VLAN)
            continue; // A tag inside a tag is content.
        test_fill(&seed, header.destination, 6);
        test_fill(&seed, header.source, 6);
        if (header.tagged) {
            header.vlan = (uint16_t)test_below(&seed, 4096);
            header.priority = (uint8_t)test_below(&seed, 8);
            header.drop_eligible = test_below(&seed, 2);
        }
        uint8_t room[18];
        size_t size = ethernet_emit(room, &header);
        CHECK_EQ(ethernet_parse(&parsed, room, size), (int)size);
        CHECK_MEM(parsed.destination, header.destination, 6);
        CHECK_MEM(parsed.source, header.source, 6);
        CHECK_EQ(parsed.ethertype, header.ethertype);
        CHECK_EQ(parsed.tagged, header.tagged);
        CHECK_EQ(parsed.vlan, header.vlan);
        CHECK_EQ(parsed.priority, header.priority);
        CHECK_EQ(parsed.drop_eligible, header.drop_eligible);
    }
}

TEST(groups_have_group_addresses)
{
    struct strata_address group;
    uint8_t mac[6];
    // RFC 1112 6.4: the upper bit of the second octet is lost.
    group = strata_ipv4(239, 129, 2, 3);
    ethernet_multicast(mac, &group);
    CHECK_MEM(mac, "\x01\x00\x5e\x01\x02\x03", 6);
    REQUIRE(strata_address_parse("ff02::1:ff12:3456", &group) == 0);
    ethernet_multicast(mac, &group);
    CHECK_MEM(mac, "\x33\x33\xff\x12\x34\x56", 6);
}

static const uint8_t request[] = {0,  1, 8, 0, 6, 4, 0, 1, 0x02, 0, 0,  0, 0, 1,
                                  10, 0, 0, 1, 0, 0, 0, 0, 0,    0, 10, 0, 0, 2};

TEST(an_arp_request)
{
    struct arp_packet packet;
    CHECK_EQ(arp_parse(&packet, request, sizeof request), 28);
    CHECK_EQ(packet.operation, ARP_REQUEST);
    CHECK_MEM(packet.sender_mac, "\x02\0\0\0\0\x01", 6);
    CHECK_EQ(address_v4(&packet.sender), 0x0a000001);
    CHECK_EQ(address_v4(&packet.target), 0x0a000002);
    uint8_t room[28], padded[46] = {0};
    CHECK_EQ(arp_emit(room, &packet), 28);
    CHECK_MEM(room, request, 28);
    memcpy(padded, request, 28);
    CHECK_EQ(arp_parse(&packet, padded, sizeof padded), 28);
}

TEST(arp_of_other_kinds_is_refused)
{
    // RFC 826-1: hardware type, protocol type, both lengths.
    static const struct {
        int at;
        uint8_t value;
    } changes[] = {{1, 6},  {0, 1}, {2, 0x86}, {3, 6}, {4, 8}, {4, 0},
                   {5, 16}, {5, 0}, {7, 0},    {7, 3}, {6, 1}};
    struct arp_packet packet;
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        uint8_t bytes[28];
        memcpy(bytes, request, 28);
        bytes[changes[i].at] = changes[i].value;
        CHECK_EQ(arp_parse(&packet, bytes, 28), WIRE_BAD(arp_drop_malformed));
    }
    for (size_t size = 0; size < 28; size++)
        CHECK_EQ(arp_parse(&packet, request, size), WIRE_BAD(arp_drop_malformed));
}

TEST(what_arp_emits_it_parses)
{
    uint64_t seed = 2;
    for (int i = 0; i < 2000; i++) {
        struct arp_packet packet = {.operation = (uint16_t)(1 + i % 2),
                                    .sender = address_from_v4((uint32_t)test_random(&seed)),
                                    .target = address_from_v4((uint32_t)test_random(&seed))};
        test_fill(&seed, packet.sender_mac, 6);
        test_fill(&seed, packet.target_mac, 6);
        struct arp_packet parsed;
        uint8_t room[28];
        CHECK_EQ(arp_emit(room, &packet), 28);
        CHECK_EQ(arp_parse(&parsed, room, 28), 28);
        CHECK_MEM(&parsed, &packet, sizeof packet);
    }
}

TEST_MAIN(TEST_ENTRY(a_frame_without_a_tag), TEST_ENTRY(a_frame_with_a_tag),
          TEST_ENTRY(short_frames_are_refused), TEST_ENTRY(what_is_emitted_is_parsed),
          TEST_ENTRY(groups_have_group_addresses), TEST_ENTRY(an_arp_request),
          TEST_ENTRY(arp_of_other_kinds_is_refused), TEST_ENTRY(what_arp_emits_it_parses))
