/*
 * The learning bridge and the hub, through the device boundary only.
 */
#include "base/counters.h"
#include "tests/allocator.h"
#include "tests/test.h"
#include "wire/ethernet.h"

#include <errno.h>

struct lan {
    struct strata_bridge *bridge;
    struct strata_device device;
    strata_time now;
};

static void lan_new(struct lan *lan, struct strata_bridge_config config)
{
    config.size = sizeof config;
    REQUIRE(strata_bridge_new(&lan->bridge, &config) == 0);
    lan->device = strata_bridge_device(lan->bridge);
    lan->now = STRATA_SECOND;
}

static void lan_free(struct lan *lan)
{
    lan->device.ops->free(lan->device.self);
}

#define BRIDGED(lan, name) ((int64_t)strata_bridge_counter((lan)->bridge, COUNTER_##name))

/* Station `from` says one letter to station `to` (0xff: all). */
static void say(struct lan *lan, int port, unsigned from, unsigned to, char letter)
{
    uint8_t frame[60] = {0};
    struct ethernet_header header = {.ethertype = 0x88b5,
                                     .source = {2, 0, 0, 0, 0, (uint8_t)from},
                                     .destination = {2, 0, 0, 0, 0, (uint8_t)to}};
    if (to == 0xff)
        memset(header.destination, 0xff, 6);
    frame[ethernet_emit(frame, &header)] = (uint8_t)letter;
    lan->device.ops->input(lan->device.self, port, frame, sizeof frame, NULL, lan->now);
}

/* Which ports say something, as "2a 3a ": port and letter, in the order in which they are ready. */
static const char *heard(struct lan *lan)
{
    static char text[4096];
    size_t at = 0;
    int port;
    uint8_t room[1600];
    text[0] = 0;
    while ((port = lan->device.ops->ready(lan->device.self)) >= 0 && at + 8 < sizeof text) {
        size_t length = lan->device.ops->output(lan->device.self, port, room, sizeof room, NULL, lan->now);
        REQUIRE(length == 60);
        at += (size_t)snprintf(text + at, sizeof text - at, "%d%c ", port, room[14]);
    }
    return text;
}

TEST(learns_forwards_filters_and_floods)
{
    struct lan lan;
    lan_new(&lan, (struct strata_bridge_config){.ports = 4});
    // RFC 8021D-2: unknown goes everywhere but back,
    say(&lan, 1, 0x11, 0x22, 'a');
    CHECK_STR(heard(&lan), "2a 3a 4a ");
    CHECK_EQ(BRIDGED(&lan, bridge_flooded), 1);
    // RFC 8021D-1: and has taught where its source is.
    say(&lan, 2, 0x22, 0x11, 'b');
    CHECK_STR(heard(&lan), "1b ");
    say(&lan, 1, 0x11, 0x22, 'c');
    CHECK_STR(heard(&lan), "2c ");
    CHECK_EQ(BRIDGED(&lan, bridge_forwarded), 2);
    // A neighbour on the same port needs no help.
    say(&lan, 2, 0x33, 0x22, 'd');
    CHECK_STR(heard(&lan), "");
    CHECK_EQ(BRIDGED(&lan, bridge_filtered), 1);
    say(&lan, 3, 0x44, 0xff, 'e');
    CHECK_STR(heard(&lan), "1e 2e 4e ");
    lan_free(&lan);
}

TEST(forgets_silent_stations)
{
    struct lan lan;
    lan_new(&lan, (struct strata_bridge_config){.ports = 3});
    say(&lan, 1, 0x11, 0xff, 'a');
    heard(&lan);
    // RFC 8021D-3: 300 s
    lan.now += 300 * STRATA_SECOND - 1;
    say(&lan, 2, 0x22, 0x11, 'b');
    CHECK_STR(heard(&lan), "1b ");
    lan.now += 1;
    say(&lan, 2, 0x22, 0x11, 'c');
    CHECK_STR(heard(&lan), "1c 3c ");
    CHECK_EQ(lan.device.ops->deadline(lan.device.self), STRATA_NEVER);
    lan_free(&lan);
}

TEST(follows_a_station_that_moves)
{
    struct lan lan;
    lan_new(&lan, (struct strata_bridge_config){.ports = 3});
    say(&lan, 1, 0x11, 0xff, 'a');
    say(&lan, 3, 0x11, 0xff, 'b'); // RFC 8021D-6
    heard(&lan);
    say(&lan, 2, 0x22, 0x11, 'c');
    CHECK_STR(heard(&lan), "3c ");
    lan_free(&lan);
}

TEST(does_not_relay_what_is_for_neighbours_only)
{
    struct lan lan;
    lan_new(&lan, (struct strata_bridge_config){.ports = 2});
    uint8_t frame[60] = {0x01, 0x80, 0xc2, 0, 0, 0, 2, 0, 0, 0, 0, 1, 0x88, 0xb5, 'x'};
    for (unsigned last = 0; last <= 0x10; last++) {
        frame[5] = (uint8_t)last;
        lan.device.ops->input(lan.device.self, 1, frame, sizeof frame, NULL, lan.now);
    }
    // RFC 8021D-4: sixteen reserved addresses; the seventeenth is a group like any other.
    CHECK_EQ(BRIDGED(&lan, bridge_drop_reserved), 16);
    CHECK_STR(heard(&lan), "2x ");
    lan_free(&lan);
}

TEST(counts_what_it_cannot_read)
{
    struct lan lan;
    lan_new(&lan, (struct strata_bridge_config){.ports = 2});
    uint8_t frame[60] = {2, 0, 0, 0, 0, 2, 3, 0, 0, 0, 0, 1, 0x88, 0xb5, 'x'};
    lan.device.ops->input(lan.device.self, 1, frame, sizeof frame, NULL, lan.now); // from a group
    lan.device.ops->input(lan.device.self, 1, frame, 13, NULL, lan.now);
    CHECK_EQ(BRIDGED(&lan, bridge_drop_malformed), 2);
    lan.device.ops->input(lan.device.self, 0, frame, sizeof frame, NULL, lan.now);
    lan.device.ops->input(lan.device.self, 3, frame, sizeof frame, NULL, lan.now);
    CHECK_STR(heard(&lan), "");
    CHECK_EQ(lan.device.ops->output(lan.device.self, 3, frame, sizeof frame, NULL, lan.now), 0);
    lan_free(&lan);
}

TEST(queues_are_bounded_and_keep_their_order)
{
    struct lan lan;
    lan_new(&lan, (struct strata_bridge_config){.ports = 2, .queue_frames = 3});
    for (char letter = 'a'; letter < 'f'; letter++)
        say(&lan, 1, 0x11, 0x22, letter);
    CHECK_EQ(BRIDGED(&lan, bridge_drop_queue_full), 2);
    CHECK_STR(heard(&lan), "2a 2b 2c "); // RFC 8021D-5: order is kept
    uint8_t small[59];
    say(&lan, 1, 0x11, 0x22, 'g');
    CHECK_EQ(lan.device.ops->output(lan.device.self, 2, small, sizeof small, NULL, lan.now), 0);
    CHECK_STR(heard(&lan), "2g "); // nothing was lost where the room was too small
    lan_free(&lan);
}

TEST(table_is_bounded)
{
    struct lan lan;
    lan_new(&lan, (struct strata_bridge_config){.ports = 3, .table_entries = 4, .queue_frames = 64});
    for (unsigned station = 1; station <= 5; station++)
        say(&lan, 1, station, 0xff, 'a');
    heard(&lan);
    say(&lan, 2, 0x22, 3, 'b'); // takes the place of station 2
    CHECK_STR(heard(&lan), "1b ");
    say(&lan, 2, 0x22, 1, 'c'); // was forgotten first
    CHECK_STR(heard(&lan), "1c 3c ");
    lan_free(&lan);
}

TEST(a_hub_repeats_everything)
{
    struct lan lan;
    lan_new(&lan, (struct strata_bridge_config){.ports = 3, .hub = true});
    say(&lan, 2, 0x22, 0x11, 'a');
    say(&lan, 1, 0x11, 0x22, 'b');
    CHECK_STR(heard(&lan), "1a 3a 2b 3b ");
    lan_free(&lan);
}

TEST(finishes_checksums_for_who_cannot)
{
    struct lan lan;
    lan_new(&lan, (struct strata_bridge_config){.ports = 2});
    uint8_t frame[60] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x88, 0xb5, 0, 0, 0x12, 0x34}, room[60];
    struct strata_meta meta = {.flags = STRATA_META_PARTIAL, .checksum_start = 14, .checksum_offset = 0};
    lan.device.ops->input(lan.device.self, 1, frame, sizeof frame, &meta, lan.now);
    lan.device.ops->input(lan.device.self, 1, frame, sizeof frame, &meta, lan.now);
    struct strata_meta able = {.flags = STRATA_META_PARTIAL}, unable = {0};
    CHECK_EQ(lan.device.ops->output(lan.device.self, 2, room, sizeof room, &able, lan.now), 60);
    CHECK_EQ(able.flags, STRATA_META_PARTIAL);
    CHECK_MEM(room, frame, 60);
    CHECK_EQ(lan.device.ops->output(lan.device.self, 2, room, sizeof room, &unable, lan.now), 60);
    CHECK_EQ(unable.flags, 0);
    CHECK_EQ(bytes_get16(room + 14), 0xffff - 0x1234);
    lan_free(&lan);
}

TEST(configurations_and_memory)
{
    struct strata_bridge *bridge;
    CHECK_EQ(strata_bridge_new(&bridge, NULL), -EINVAL);
    CHECK_EQ(strata_bridge_new(&bridge,
                               &(struct strata_bridge_config){.size = sizeof(struct strata_bridge_config)}),
             -EINVAL);
    // Wherever memory ends, it is an error or a flood, and nothing leaks.
    struct lan lan = {.now = STRATA_SECOND};
    for (uint64_t allowed = 0; allowed < 12; allowed++) {
        struct test_allocator heap;
        test_allocator_init(&heap);
        heap.allowed = allowed;
        struct strata_bridge_config config = {
            .size = sizeof config, .ports = 2, .allocator = &heap.allocator};
        if (strata_bridge_new(&lan.bridge, &config) == 0) {
            lan.device = strata_bridge_device(lan.bridge);
            say(&lan, 1, 0x11, 0x22, 'a');
            say(&lan, 2, 0x22, 0x11, 'b');
            heard(&lan);
            lan_free(&lan);
        }
        CHECK_EQ(heap.blocks, 0);
    }
}

TEST(tells_which_stations_it_knows)
{
    struct lan lan;
    lan_new(&lan, (struct strata_bridge_config){.ports = 3});
    struct strata_bridge_station station = {.size = sizeof station};
    CHECK_EQ(strata_bridge_station(lan.bridge, 0, lan.now, &station), -ENOENT);
    say(&lan, 1, 0x11, 0xff, 'a');
    lan.now += STRATA_SECOND;
    say(&lan, 2, 0x22, 0xff, 'b');
    lan.now += STRATA_SECOND;
    say(&lan, 3, 0x11, 0xff, 'c'); // it has moved
    // The one heard last is the first.
    CHECK_EQ(strata_bridge_station(lan.bridge, 0, lan.now, &station), 0);
    CHECK_EQ(station.mac[5], 0x11);
    CHECK_EQ(station.port, 3);
    CHECK_EQ(station.heard, lan.now);
    CHECK_EQ(strata_bridge_station(lan.bridge, 1, lan.now, &station), 0);
    CHECK_EQ(station.mac[5], 0x22);
    CHECK_EQ(station.port, 2);
    CHECK_EQ(strata_bridge_station(lan.bridge, 2, lan.now, &station), -ENOENT);
    // Who has been silent for too long is not told of, though nobody has looked for him.
    CHECK_EQ(strata_bridge_station(lan.bridge, 1, lan.now + 299 * STRATA_SECOND, &station), -ENOENT);
    CHECK_EQ(strata_bridge_station(lan.bridge, 0, lan.now + 299 * STRATA_SECOND, &station), 0);
    CHECK_EQ(strata_bridge_station(lan.bridge, 0, lan.now + 300 * STRATA_SECOND, &station), -ENOENT);
    station.size = 1;
    CHECK_EQ(strata_bridge_station(lan.bridge, 0, lan.now, &station), -EINVAL);
    lan_free(&lan);
}

TEST_MAIN(TEST_ENTRY(tells_which_stations_it_knows),
          TEST_ENTRY(learns_forwards_filters_and_floods), TEST_ENTRY(forgets_silent_stations),
          TEST_ENTRY(follows_a_station_that_moves), TEST_ENTRY(does_not_relay_what_is_for_neighbours_only),
          TEST_ENTRY(counts_what_it_cannot_read), TEST_ENTRY(queues_are_bounded_and_keep_their_order),
          TEST_ENTRY(table_is_bounded), TEST_ENTRY(a_hub_repeats_everything),
          TEST_ENTRY(finishes_checksums_for_who_cannot), TEST_ENTRY(configurations_and_memory))
