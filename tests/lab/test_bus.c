/*
 * A bus in a world: hosts on one wire, whose adapters take what is for them and leave the rest.
 */
#include "tests/lab/station.h"

#include "tests/test.h"

#define US STRATA_MICROSECOND

static struct strata_world *world_new(uint64_t seed)
{
    struct strata_world *world;
    REQUIRE(strata_world_new(&world, &(struct strata_world_config){.size = sizeof(struct strata_world_config),
                                                                   .seed = seed}) == 0);
    return world;
}

static struct strata_bus_counts counts_of(const struct strata_cable *bus)
{
    struct strata_bus_counts counts = {.size = sizeof counts};
    CHECK_EQ(strata_bus_counts(bus, &counts), 0);
    return counts;
}

/** Stations on a bus. */
static struct strata_cable *wire(struct strata_world *world, struct station **stations, unsigned count,
                                 struct strata_bus_config config)
{
    struct strata_bus_end ends[16] = {{0}};
    for (unsigned i = 0; i < count; i++) {
        char name[16];
        snprintf(name, sizeof name, "s%u", i);
        stations[i] = station_new(world, name);
        ends[i].node = stations[i]->node;
    }
    config.size = sizeof config;
    struct strata_cable *bus = strata_world_bus(world, ends, count, &config);
    REQUIRE(bus != NULL);
    return bus;
}

TEST(everybody_hears_a_frame_when_its_last_bit_comes)
{
    struct strata_world *world = world_new(1);
    struct station *s[3];
    struct strata_cable *bus = wire(world, s, 3, (struct strata_bus_config){.delay_ns = 20 * US});
    station_say(s[0], 1, 1000, 7);
    strata_world_run(world, STRATA_NEVER);
    // 8 bytes of preamble, 1000 of frame and 4 of checksum, at 100 ns per bit.
    strata_time air_ns = (8 + 1000 + 4) * 8 * 100;
    CHECK_EQ(s[0]->heard_count, 0);
    CHECK_EQ(s[1]->heard_count, 1);
    CHECK_EQ(s[1]->heard[0].time, air_ns + 10 * US);
    CHECK_EQ(s[2]->heard[0].time, air_ns + 20 * US);
    CHECK_EQ(s[2]->heard[0].number, 7);
    CHECK_EQ(strata_cable_ends(bus), 3);
    int port = 0;
    CHECK(strata_cable_end(bus, 2, &port) == s[2]->node);
    CHECK_EQ(port, 1);
    CHECK(strata_cable_end(bus, 3, NULL) == NULL);
    CHECK_EQ(counts_of(bus).carried_ns, air_ns);
    CHECK_EQ(strata_bus_efficiency_ppm(&(struct strata_bus_counts){.first_ns = 5, .last_ns = 15, .carried_ns = 4}),
             400000);
    strata_world_free(world);
}

TEST(short_frames_are_padded_unless_it_is_bare)
{
    for (int bare = 0; bare < 2; bare++) {
        struct strata_world *world = world_new(1);
        struct station *s[2];
        wire(world, s, 2, (struct strata_bus_config){.bare = bare});
        station_say(s[0], 1, 20, 1);
        strata_world_run(world, STRATA_NEVER);
        CHECK_EQ(s[1]->heard[0].time, bare ? 20 * 800 : (8 + 64) * 800);
        strata_world_free(world);
    }
}

/** Stations that begin together, each with `frames` to say. */
static void shout(struct strata_world *world, struct station **s, unsigned count, unsigned frames)
{
    for (unsigned i = 0; i < count; i++)
        for (unsigned j = 0; j < frames; j++)
            station_say(s[i], 1, 500 + i, i * 1000 + j);
    strata_world_run(world, STRATA_NEVER);
}

TEST(what_collides_is_sent_again_and_everything_is_accounted_for)
{
    static const enum strata_access all[] = {
        STRATA_ACCESS_CSMA_CD, STRATA_ACCESS_ALOHA,          STRATA_ACCESS_SLOTTED_ALOHA,
        STRATA_ACCESS_CSMA,    STRATA_ACCESS_CSMA_NON_PERSISTENT, STRATA_ACCESS_CSMA_P_PERSISTENT,
        STRATA_ACCESS_TOKEN};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct strata_world *world = world_new(3);
        struct station *s[5];
        struct strata_cable *bus =
            wire(world, s, 5, (struct strata_bus_config){.access = all[i], .delay_ns = 10 * US});
        shout(world, s, 5, 20);
        struct strata_bus_counts c = counts_of(bus);
        CHECK_EQ(c.frames, 100);
        CHECK_EQ(c.sent + c.excessive + c.late + c.unnoticed, 100);
        CHECK_EQ(c.lost_queue + c.lost_down, 0);
        CHECK(c.sent >= 95);
        if (all[i] == STRATA_ACCESS_TOKEN) {
            CHECK_EQ(c.collided, 0);
            CHECK_EQ(c.sent, 100);
        } else {
            CHECK(c.collided > 0);
            CHECK(c.collisions > 0);
        }
        // Each station hears all others, some twice where only the acknowledgement failed.
        for (unsigned j = 0; j < 5; j++)
            CHECK(s[j]->heard_count >= c.sent - 20);
        strata_world_free(world);
    }
}

struct ears {
    unsigned sent, delivered, lost, collisions;
    unsigned by_end[8];
};

static void listen(void *context, const struct strata_lab_event *event)
{
    struct ears *ears = context;
    if (event->kind == STRATA_LAB_SENT)
        ears->sent++;
    else if (event->kind == STRATA_LAB_DELIVERED)
        ears->delivered++;
    else if (event->kind == STRATA_LAB_LOST)
        ears->lost++;
    else if (event->kind == STRATA_LAB_FAULT && strcmp(event->text, "collision") == 0)
        ears->collisions++;
    if (event->kind == STRATA_LAB_SENT) {
        CHECK(strata_cable_end(event->cable, (int)event->end, NULL) == event->node);
        ears->by_end[event->end]++;
    }
}

TEST(listeners_hear_of_collisions)
{
    struct strata_world *world = world_new(1);
    struct station *s[4];
    struct strata_cable *bus = wire(world, s, 4, (struct strata_bus_config){.delay_ns = 10 * US});
    struct ears ears = {0};
    REQUIRE(strata_world_listen(world, listen, &ears) == 0);
    shout(world, s, 4, 10);
    struct strata_bus_counts c = counts_of(bus);
    CHECK_EQ(ears.sent, 40);
    CHECK_EQ(ears.delivered, 120);
    CHECK_EQ(ears.collisions, c.collided);
    for (int i = 0; i < 4; i++)
        CHECK_EQ(ears.by_end[i], 10);
    strata_world_free(world);
}

TEST(the_same_seed_gives_the_same_hash)
{
    uint64_t hash[3];
    for (int i = 0; i < 3; i++) {
        struct strata_world *world = world_new(i < 2 ? 5 : 6);
        struct station *s[6];
        wire(world, s, 6, (struct strata_bus_config){.delay_ns = 10 * US});
        shout(world, s, 6, 30);
        hash[i] = strata_world_hash(world);
        strata_world_free(world);
    }
    CHECK_EQ(hash[0], hash[1]);
    CHECK(hash[0] != hash[2]);
}

TEST(a_cut_bus_carries_nothing_until_it_is_mended)
{
    struct strata_world *world = world_new(1);
    struct station *s[3];
    struct strata_cable *bus = wire(world, s, 3, (struct strata_bus_config){.delay_ns = 10 * US});
    struct ears ears = {0};
    REQUIRE(strata_world_listen(world, listen, &ears) == 0);
    for (int i = 0; i < 5; i++)
        station_say(s[0], 1, 1000, 1);
    strata_world_run(world, 900 * US); // the second is under way
    CHECK_EQ(strata_cable_waiting(bus, 0), 4);
    CHECK_EQ(strata_cable_set_up(bus, false), 0);
    strata_world_run(world, STRATA_SECOND);
    CHECK_EQ(s[1]->heard_count, 1);
    CHECK_EQ(ears.lost, 4);
    station_say(s[0], 1, 1000, 2);
    strata_node_touch(s[0]->node);
    strata_world_run(world, 2 * STRATA_SECOND);
    CHECK_EQ(ears.lost, 5);
    CHECK_EQ(strata_cable_set_up(bus, true), 0);
    station_say(s[0], 1, 1000, 3);
    strata_node_touch(s[0]->node);
    strata_world_run(world, 3 * STRATA_SECOND);
    CHECK_EQ(s[1]->heard_count, 2);
    CHECK_EQ(s[1]->heard[1].number, 3);
    strata_world_free(world);
}

/** Three hosts on a bus with IP. */
TEST(hosts_take_only_frames_for_them)
{
    struct strata_world *world = world_new(1);
    struct strata_node *host[3];
    struct strata_bus_end ends[3] = {{0}};
    for (int i = 0; i < 3; i++) {
        char name[2] = {(char)('a' + i), '\0'}, address[32];
        host[i] = strata_world_host(world, name, NULL);
        ends[i].node = host[i];
        snprintf(address, sizeof address, "10.0.0.%d/24", i + 1);
        REQUIRE(host[i] != NULL);
    }
    struct strata_bus_config config = {.size = sizeof config, .name = "ether", .delay_ns = 10 * US};
    struct strata_cable *bus = strata_world_bus(world, ends, 3, &config);
    REQUIRE(bus != NULL);
    CHECK(strata_world_find_cable(world, "ether") == bus);
    CHECK(strata_world_bus(world, ends, 3, &config) == NULL); // the name is taken
    for (int i = 0; i < 3; i++) {
        char address[32];
        snprintf(address, sizeof address, "10.0.0.%d/24", i + 1);
        CHECK_EQ(strata_node_address(host[i], 1, address), 0);
    }
    strata_world_run(world, STRATA_SECOND);
    int64_t before = strata_node_counter(host[2], "ethernet_drop_destination");
    struct strata_envelope there = {.size = sizeof there, .peer = {.port = 9}};
    REQUIRE(strata_address_parse("10.0.0.2", &there.peer.address) == 0);
    struct strata_host *a = strata_node_host(host[0]);
    strata_socket socket = strata_open(a, STRATA_DATAGRAM);
    REQUIRE(socket >= 0);
    CHECK_EQ(strata_send(a, socket, "hello", 5, &there, strata_world_now(world)), 5);
    strata_world_run(world, 2 * STRATA_SECOND);
    // c sees b's answer to the question who it is, the datagram, and the answer that nobody listens: all for others.
    CHECK_EQ(strata_node_counter(host[2], "ethernet_drop_destination") - before, 3);
    // A host that is down hears and says nothing; what waited at it is lost.
    CHECK_EQ(strata_node_crash(host[1]), 0);
    uint64_t sent = counts_of(bus).sent;
    strata_world_run(world, 3 * STRATA_SECOND);
    CHECK_EQ(counts_of(bus).sent, sent);
    strata_world_free(world);
}

TEST(a_world_that_ends_early_frees_what_is_under_way)
{
    struct strata_world *world = world_new(1);
    struct station *s[4];
    struct strata_cable *bus = wire(world, s, 4, (struct strata_bus_config){.delay_ns = 10 * US});
    for (unsigned i = 0; i < 4; i++)
        for (unsigned j = 0; j < 10; j++)
            station_say(s[i], 1, 500, j);
    strata_world_run(world, 3 * STRATA_MILLISECOND);
    CHECK(strata_cable_waiting(bus, 0) > 10);
    struct strata_impairment impairment = {.loss_ppm = 1};
    CHECK(strata_cable_impair(bus, 0, &impairment) < 0);
    strata_world_free(world);
}

TEST_MAIN(TEST_ENTRY(everybody_hears_a_frame_when_its_last_bit_comes),
          TEST_ENTRY(short_frames_are_padded_unless_it_is_bare),
          TEST_ENTRY(what_collides_is_sent_again_and_everything_is_accounted_for),
          TEST_ENTRY(listeners_hear_of_collisions), TEST_ENTRY(the_same_seed_gives_the_same_hash),
          TEST_ENTRY(a_cut_bus_carries_nothing_until_it_is_mended), TEST_ENTRY(hosts_take_only_frames_for_them),
          TEST_ENTRY(a_world_that_ends_early_frees_what_is_under_way))
