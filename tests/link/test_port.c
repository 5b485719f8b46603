/*
 * Ports: who speaks next, parking, going down, going away.
 */
#include "tests/net/rig.h"

#define ALL "02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff"

/* A program that says frames of one letter. */
struct talker {
    struct speaker speaker;
    struct rig *rig;
    char letter;
    size_t length; /* of each frame */
    int left;
    int error; /* what it was told */
    bool frees_itself;
    struct port *moves_to;
};

static long talk(struct speaker *speaker, struct room *room)
{
    struct talker *talker = CONTAINER_OF(speaker, struct talker, speaker);
    if (talker->moves_to) {
        port_mark(talker->moves_to, speaker);
        return 0;
    }
    if (talker->left == 0)
        return 0;
    if (room->size < talker->length)
        return -EMSGSIZE;
    talker->left--;
    size_t length = talker->length;
    memset(room->bytes, talker->letter, length);
    if (talker->frees_itself) {
        speaker_silence(speaker);
        free(talker);
    }
    return (long)length;
}

static void give_up(struct speaker *speaker, int error)
{
    CONTAINER_OF(speaker, struct talker, speaker)->error = error;
}

static const struct speaker_ops talker_ops = {talk, give_up};

static void talker_init(struct talker *talker, struct rig *rig, char letter, size_t length, int frames)
{
    *talker = (struct talker){.rig = rig, .letter = letter, .length = length, .left = frames};
    speaker_init(&talker->speaker, &talker_ops);
}

/* Says everything a port has to say, one letter per frame. */
static const char *hear(struct rig *rig, int port, char *letters, size_t size)
{
    size_t count = 0;
    struct strata_meta meta = {0};
    struct room room = {.bytes = rig->frame, .size = sizeof rig->frame, .meta = &meta, .now = rig->core.now};
    while (count + 1 < size && port_output(rig_port(rig, port), &room) > 0)
        letters[count++] = (char)rig->frame[0];
    letters[count] = 0;
    return letters;
}

TEST(speakers_share_by_bytes)
{
    struct rig *rig = rig_new();
    int port = rig_ethernet(rig, "10.0.0.1/24");
    struct talker big, small;
    char letters[400];
    talker_init(&big, rig, 'B', 1500, 100);
    talker_init(&small, rig, 's', 150, 1000);
    port_mark(rig_port(rig, port), &big.speaker);
    port_mark(rig_port(rig, port), &small.speaker);
    port_mark(rig_port(rig, port), &small.speaker); // listed once
    hear(rig, port, letters, 221);
    int bigs = 0, smalls = 0;
    for (char *c = letters; *c; c++)
        *c == 'B' ? bigs++ : smalls++;
    // Ten small frames weigh as much as a big one.
    CHECK(bigs >= 18 && bigs <= 22);
    CHECK(smalls >= 198 && smalls <= 202);
    speaker_silence(&big.speaker);
    speaker_silence(&small.speaker);
    CHECK_EQ(links_ready(net_links(rig->net)), -1);
    rig_free(rig);
}

TEST(a_super_frame_is_paid_for)
{
    struct rig *rig = rig_new();
    int port = rig_ethernet(rig, "10.0.0.1/24");
    struct talker super, plain;
    char letters[200];
    talker_init(&super, rig, 'S', 64000, 3);
    talker_init(&plain, rig, 'p', 1000, 190);
    port_mark(rig_port(rig, port), &super.speaker);
    port_mark(rig_port(rig, port), &plain.speaker);
    hear(rig, port, letters, sizeof letters);
    // The quantum is known after the first; between the second and the third go 64000 bytes of the other.
    char *second = strchr(strchr(letters, 'S') + 1, 'S');
    REQUIRE(second);
    char *third = strchr(second + 1, 'S');
    REQUIRE(third);
    CHECK(third - second >= 60 && third - second <= 68);
    rig_free(rig);
}

/* A queue that is full takes nothing of what has no owner; what waits in it is lost. */
TEST(a_full_queue)
{
    struct rig *rig = rig_new();
    int port = rig_ethernet(rig, "10.0.0.1/24");
    char letters[100];
    struct packet *waiting = packet_copy(&rig->core.memory, 0, "c", 1);
    port_queue(rig_port(rig, port), waiting, PORT_CONTROL);
    int64_t before = (int64_t)rig->core.counters.value[COUNTER_port_drop_queue_full];
    port_set_full(rig_port(rig, port), true);
    port_queue(rig_port(rig, port), packet_copy(&rig->core.memory, 0, "c", 1), PORT_CONTROL);
    CHECK_EQ((int64_t)rig->core.counters.value[COUNTER_port_drop_queue_full], before + 2);
    hear(rig, port, letters, sizeof letters);
    CHECK_STR(letters, "");
    port_set_full(rig_port(rig, port), false);
    port_queue(rig_port(rig, port), packet_copy(&rig->core.memory, 0, "c", 1), PORT_CONTROL);
    hear(rig, port, letters, sizeof letters);
    CHECK_STR(letters, "c");
    rig_free(rig);
}

TEST(control_and_forwarding_do_not_starve_speakers)
{
    struct rig *rig = rig_new();
    int port = rig_ethernet(rig, "10.0.0.1/24");
    struct talker talker;
    char letters[100];
    talker_init(&talker, rig, 's', 100, 8);
    port_mark(rig_port(rig, port), &talker.speaker);
    for (int i = 0; i < 8; i++) {
        port_queue(rig_port(rig, port), packet_copy(&rig->core.memory, 0, "c", 1), PORT_CONTROL);
        port_queue(rig_port(rig, port), packet_copy(&rig->core.memory, 0, "f", 1), PORT_FORWARD);
    }
    rig_port(rig, port)->turn = 0;
    hear(rig, port, letters, sizeof letters);
    // In each of the first four turns everybody has spoken.
    CHECK(memchr(letters, 'c', 4) && memchr(letters, 'f', 4) && memchr(letters, 's', 4));
    CHECK_EQ(strlen(letters), 24);
    rig_free(rig);
}

TEST(a_speaker_may_end_or_move_while_it_speaks)
{
    struct rig *rig = rig_new();
    int port = rig_ethernet(rig, "10.0.0.1/24"), other = rig_ethernet(rig, "10.0.1.1/24");
    struct talker *ends = malloc(sizeof *ends), stays, moves;
    char letters[10];
    REQUIRE(ends);
    talker_init(ends, rig, 'e', 100, 1);
    ends->frees_itself = true;
    talker_init(&moves, rig, 'm', 100, 1);
    moves.moves_to = rig_port(rig, other);
    talker_init(&stays, rig, 's', 100, 2);
    port_mark(rig_port(rig, port), &moves.speaker);
    port_mark(rig_port(rig, port), &ends->speaker);
    port_mark(rig_port(rig, port), &stays.speaker);
    CHECK_STR(hear(rig, port, letters, sizeof letters), "ess");
    moves.moves_to = NULL;
    CHECK_EQ(links_ready(net_links(rig->net)), other);
    CHECK_STR(hear(rig, other, letters, sizeof letters), "m");
    rig_free(rig);
}

TEST(what_does_not_fit_is_asked_for_again)
{
    struct rig *rig = rig_new();
    int port = rig_ethernet(rig, "10.0.0.1/24");
    struct talker talker;
    char letters[10];
    talker_init(&talker, rig, 't', 100, 1);
    port_mark(rig_port(rig, port), &talker.speaker);
    port_queue(rig_port(rig, port), packet_copy(&rig->core.memory, 0, "control", 7), PORT_CONTROL);
    struct strata_meta meta = {0};
    struct room small = {.bytes = rig->frame, .size = 5, .meta = &meta, .now = rig->core.now};
    CHECK_EQ(port_output(rig_port(rig, port), &small), 0);
    CHECK_EQ(links_ready(net_links(rig->net)), port);
    CHECK_EQ(strlen(hear(rig, port, letters, sizeof letters)), 2);
    rig_free(rig);
}

TEST(ports_take_turns_and_silent_ones_cost_nothing)
{
    struct rig *rig = rig_new();
    int ports[200];
    struct talker first, second;
    struct links *links = net_links(rig->net);
    for (int i = 0; i < 200; i++)
        ports[i] = rig_ethernet(rig, NULL);
    talker_init(&first, rig, '1', 100, 2);
    talker_init(&second, rig, '2', 100, 2);
    port_mark(rig_port(rig, ports[50]), &first.speaker);
    port_mark(rig_port(rig, ports[150]), &second.speaker);
    struct strata_meta meta = {0};
    struct room room = {.bytes = rig->frame, .size = sizeof rig->frame, .meta = &meta, .now = rig->core.now};
    for (int i = 0; i < 4; i++) {
        int ready = links_ready(links);
        CHECK_EQ(ready, i & 1 ? ports[150] : ports[50]);
        CHECK_EQ(port_output(rig_port(rig, ready), &room), 100);
    }
    for (int i = 0; i < 2; i++) // their last word is that they have none
        if (links_ready(links) >= 0)
            CHECK_EQ(port_output(rig_port(rig, links_ready(links)), &room), 0);
    CHECK_EQ(links_ready(links), -1);
    CHECK(list_is_empty(&links->ready)); // nobody but those who speak is ever in the list
    rig_free(rig);
}

TEST(parked_until_the_neighbour_answers)
{
    struct rig *rig = rig_new();
    int port = rig_ethernet(rig, "10.0.0.1/24");
    struct talker talker;
    char letters[10];
    uint8_t mac[6];
    struct strata_address hop = rig_address_of("10.0.0.2");
    talker_init(&talker, rig, 't', 100, 1);
    CHECK_EQ(neighbour_resolve(rig_port(rig, port), &hop, false, mac), NEIGHBOUR_PENDING);
    neighbour_park(rig_port(rig, port), &hop, &talker.speaker);
    EXPECT(rig, port, ALL " ARP who has 10.0.0.2? tell 10.0.0.1");
    EXPECT_SILENCE(rig);
    rig_arp(rig, port, ARP_REPLY, 2, "10.0.0.2", 1, "10.0.0.1");
    CHECK_EQ(links_ready(net_links(rig->net)), port);
    CHECK_STR(hear(rig, port, letters, sizeof letters), "t");
    CHECK_EQ(talker.error, 0);
    rig_free(rig);
}

TEST(parked_and_told_that_nobody_answers)
{
    struct rig *rig = rig_new();
    int port = rig_ethernet(rig, "10.0.0.1/24");
    struct talker talker, silenced;
    uint8_t mac[6];
    struct strata_address hop = rig_address_of("10.0.0.2");
    talker_init(&talker, rig, 't', 100, 1);
    talker_init(&silenced, rig, 's', 100, 1);
    neighbour_resolve(rig_port(rig, port), &hop, false, mac);
    neighbour_park(rig_port(rig, port), &hop, &talker.speaker);
    neighbour_park(rig_port(rig, port), &hop, &silenced.speaker);
    speaker_silence(&silenced.speaker);
    rig_advance(rig, 3 * STRATA_SECOND);
    CHECK_EQ(talker.error, -EHOSTUNREACH);
    CHECK_EQ(silenced.error, 0);
    CHECK(!list_is_linked(&talker.speaker.node));
    CHECK_EQ(neighbour_resolve(rig_port(rig, port), &hop, false, mac), NEIGHBOUR_UNREACHABLE);
    rig_free(rig);
}

TEST(going_down_tells_all_and_coming_up_announces)
{
    struct rig *rig = rig_new();
    int port = rig_ethernet(rig, "10.0.0.1/24");
    struct talker listed, parked;
    uint8_t mac[6];
    struct strata_address hop = rig_address_of("10.0.0.2");
    talker_init(&listed, rig, 'l', 100, 1);
    talker_init(&parked, rig, 'p', 100, 1);
    port_mark(rig_port(rig, port), &listed.speaker);
    neighbour_resolve(rig_port(rig, port), &hop, false, mac);
    neighbour_park(rig_port(rig, port), &hop, &parked.speaker);
    CHECK_EQ(port_set_up(rig_port(rig, port), false), 0);
    CHECK_EQ(listed.error, -ENETDOWN);
    CHECK_EQ(parked.error, -ENETDOWN);
    CHECK_EQ(COUNT(rig, port_drop_down), 1); // the ARP request
    EXPECT_SILENCE(rig);
    CHECK_EQ(neighbour_count(net_links(rig->net)), 0);
    CHECK_EQ(port_set_up(rig_port(rig, port), true), 0);
    EXPECT(rig, port, ALL " ARP 10.0.0.1 announced at 02:00:00:00:00:01");
    EXPECT_SILENCE(rig);
    CHECK_EQ(port_set_up(rig_port(rig, STRATA_PORT_LOOPBACK), false), -EINVAL);
    rig_free(rig);
}

TEST(a_port_goes_with_all_that_hangs_on_it)
{
    struct rig *rig = rig_new();
    int port = rig_ethernet(rig, "10.0.0.1/24");
    rig_add_route(rig, "0.0.0.0/0", "10.0.0.254", -1, 0);
    rig_neighbour(rig, port, "10.0.0.2", 2);
    struct talker talker;
    talker_init(&talker, rig, 't', 100, 1);
    port_mark(rig_port(rig, port), &talker.speaker);
    CHECK_EQ(links_remove_port(net_links(rig->net), port), 0);
    CHECK_EQ(talker.error, -ENETDOWN);
    CHECK_EQ(links_remove_port(net_links(rig->net), port), -ENODEV);
    CHECK_EQ(links_remove_port(net_links(rig->net), STRATA_PORT_LOOPBACK), -ENODEV);
    struct strata_route route;
    CHECK_EQ(net_route_get(rig->net, 0, &route), -ENOENT);
    struct strata_address own = rig_address_of("10.0.0.1");
    CHECK(!net_is_own(rig->net, &own));
    // Its number stays its own: who still names it does not mean another port.
    CHECK_EQ(rig_ethernet(rig, "10.0.0.1/24"), port + 1);
    rig_free(rig);
}

TEST(configurations_that_cannot_be)
{
    struct rig *rig = rig_new();
    struct links *links = net_links(rig->net);
    struct strata_port_config config = {.size = sizeof config, .mtu_bytes = 67};
    CHECK_EQ(links_add_port(links, &config), -EINVAL);
    config.mtu_bytes = 65536;
    CHECK_EQ(links_add_port(links, &config), -EINVAL);
    config = (struct strata_port_config){.size = sizeof config, .mac = {1}};
    CHECK_EQ(links_add_port(links, &config), -EINVAL);
    config = (struct strata_port_config){.size = sizeof config, .link = (enum strata_link)7};
    CHECK_EQ(links_add_port(links, &config), -EINVAL);
    config = (struct strata_port_config){.size = sizeof config};
    int port = links_add_port(links, &config);
    CHECK_EQ(port, 1);
    CHECK_STR(rig_port(rig, port)->name, "port1");
    CHECK_EQ(rig_port(rig, port)->mtu_bytes, 1500);
    CHECK_EQ(rig_port(rig, port)->mac[0] & 3, 2); // one station's, locally administered
    config.name = "a-name-that-is-too-long";
    port = links_add_port(links, &config);
    CHECK_STR(rig_port(rig, port)->name, "a-name-that-is-");
    CHECK(memcmp(rig_port(rig, 1)->mac, rig_port(rig, 2)->mac, 6) != 0);
    rig_free(rig);
}

TEST(control_queue_is_bounded)
{
    struct rig *rig = rig_new();
    CHECK_EQ(settings_set(&rig->core.settings, "strata.control_packets", 4), 0);
    int port = rig_ethernet(rig, "10.0.0.1/24");
    for (int i = 0; i < 6; i++)
        rig_arp(rig, port, ARP_REQUEST, 2, "10.0.0.2", 0, "10.0.0.1");
    CHECK_EQ(COUNT(rig, port_drop_queue_full), 2);
    CHECK_EQ(rig_drain(rig, port), 4);
    rig_free(rig);
}

TEST_MAIN(TEST_ENTRY(speakers_share_by_bytes), TEST_ENTRY(a_super_frame_is_paid_for),
          TEST_ENTRY(a_full_queue),
          TEST_ENTRY(control_and_forwarding_do_not_starve_speakers),
          TEST_ENTRY(a_speaker_may_end_or_move_while_it_speaks),
          TEST_ENTRY(what_does_not_fit_is_asked_for_again),
          TEST_ENTRY(ports_take_turns_and_silent_ones_cost_nothing),
          TEST_ENTRY(parked_until_the_neighbour_answers), TEST_ENTRY(parked_and_told_that_nobody_answers),
          TEST_ENTRY(going_down_tells_all_and_coming_up_announces),
          TEST_ENTRY(a_port_goes_with_all_that_hangs_on_it), TEST_ENTRY(configurations_that_cannot_be),
          TEST_ENTRY(control_queue_is_bounded))
