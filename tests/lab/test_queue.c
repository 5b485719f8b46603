/*
 * Disciplines of queues: what is marked and dropped, and when, equals what was computed by hand from their
 * papers; marks go to those who understand them alone and keep checksums right, in IPv4 and IPv6.
 */
#include "tests/lab/station.h"

#include "lab/discipline.h"
#include "tests/test.h"
#include "wire/ethernet.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"

#define MBIT UINT64_C(1000000)
#define MS STRATA_MILLISECOND
#define FRAME_BYTES 125 // a millisecond at 1 Mbit/s
enum { NOT_ECT = 0, ECT_1 = 1, ECT_0 = 2, CE = 3 };

/* ---- RED ------------------------------------------------------------------------------------------- */

static struct random random_of(uint8_t seed)
{
    struct random random;
    uint8_t seeds[32] = {seed};
    random_init(&random, seeds);
    return random;
}

TEST(the_average_of_red_is_the_weighted_one)
{
    struct red red = {0};
    struct strata_queue queue = {
        .kind = STRATA_QUEUE_RED, .min_frames = 100, .max_frames = 200, .weight_ppm = 500000};
    struct random random = random_of(1);
    // Half of what is there, half of what was: 4, 6, 7, 7.5 of 8.
    static const uint64_t expected[] = {8, 12, 14, 15};
    for (int i = 0; i < 4; i++) {
        CHECK(!red_chooses(&red, &queue, 8, 0, MS, &random));
        CHECK_EQ(red.average, expected[i] << 23);
    }
    // Three frames could have been sent meanwhile: 7.5 / 8, and half of that for the frame that finds nothing.
    CHECK(!red_chooses(&red, &queue, 0, 3 * MS + 7, MS, &random));
    CHECK_EQ(red.average, (UINT64_C(15) << 23) / 16);
    // After a long time nothing is left of it.
    CHECK(!red_chooses(&red, &queue, 0, 3600 * STRATA_SECOND, MS, &random));
    CHECK_EQ(red.average, 0);
}

TEST(red_chooses_as_the_line_between_its_thresholds_says)
{
    // The average is the length itself; the line goes from 0 at 2 frames to 100 % at 4.
    struct strata_queue queue = {.kind = STRATA_QUEUE_RED,
                                 .min_frames = 2,
                                 .max_frames = 4,
                                 .weight_ppm = 1000000,
                                 .probability_ppm = 1000000};
    struct red red = {0};
    struct random random = random_of(1);
    CHECK(!red_chooses(&red, &queue, 1, 0, MS, &random));
    CHECK_EQ(red.since, 0);
    CHECK(!red_chooses(&red, &queue, 2, 0, MS, &random)); // 0 %
    CHECK_EQ(red.since, 1);
    CHECK(red_chooses(&red, &queue, 3, 0, MS, &random)); // 50 % / (1 - 1 * 50 %) = 100 %
    CHECK_EQ(red.since, 0);
    CHECK(red_chooses(&red, &queue, 4, 0, MS, &random));
    CHECK(red_chooses(&red, &queue, 400, 0, MS, &random));
}

TEST(red_spreads_evenly)
{
    // Halfway between 10 and 30 with at most 10 %: p is 5 %, and distances lie evenly between 1 and 20 frames.
    struct strata_queue queue = {
        .kind = STRATA_QUEUE_RED, .min_frames = 10, .max_frames = 30, .weight_ppm = 1000000};
    struct red red = {0};
    struct random random = random_of(1);
    unsigned distances[21] = {0}, distance = 0, chosen = 0;
    for (int i = 0; i < 21000; i++) {
        distance++;
        if (!red_chooses(&red, &queue, 20, 0, MS, &random))
            continue;
        REQUIRE(distance <= 20);
        distances[distance]++;
        distance = 0;
        chosen++;
    }
    CHECK(chosen > 1900 && chosen < 2100);
    for (int i = 1; i <= 20; i++)
        CHECK(distances[i] > 60 && distances[i] < 140);
}

/* ---- CoDel ------------------------------------------------------------------------------------------ */

/** Offers a frame each millisecond from `from` on that waited so long. @return when one is chosen, in ms. */
static int next_chosen(struct codel *codel, const struct strata_queue *queue, int from, strata_time waited_ns)
{
    for (int t = from; t < from + 1000; t++)
        if (codel_chooses(codel, queue, waited_ns, 100000, 1500, t * MS))
            return t;
    return -1;
}

TEST(codel_follows_its_control_law)
{
    struct strata_queue queue = {.kind = STRATA_QUEUE_CODEL};
    struct codel codel = {0};
    // First after an interval, then after 100 ms divided by the roots of 1, 2, 3, 4, 5.
    static const int expected[] = {107, 207, 278, 336, 386, 431};
    int t = 6;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        t = next_chosen(&codel, &queue, t + 1, 10 * MS);
        CHECK_EQ(t, expected[i]);
    }
    CHECK_EQ(codel.count, 6);
    // One frame that waited less than 5 ms ends it. Soon after, it goes on at the pace it had: 100 / sqrt(6 - 1).
    CHECK(!codel_chooses(&codel, &queue, 5 * MS - 1, 100000, 1500, 432 * MS));
    CHECK_EQ(next_chosen(&codel, &queue, 433, 5 * MS), 533);
    CHECK_EQ(next_chosen(&codel, &queue, 534, 5 * MS), 578);
    // Long after, it begins anew.
    codel_rest(&codel);
    CHECK_EQ(next_chosen(&codel, &queue, 3000, 5 * MS), 3100);
    CHECK_EQ(next_chosen(&codel, &queue, 3101, 5 * MS), 3200);
}

TEST(codel_leaves_short_queues_alone)
{
    struct strata_queue queue = {.kind = STRATA_QUEUE_CODEL};
    struct codel codel = {0};
    CHECK_EQ(next_chosen(&codel, &queue, 1, 5 * MS - 1), -1);
    // However long it waited, where no more than one frame is left it is not the queue's fault.
    for (int t = 2000; t < 3000; t++)
        CHECK(!codel_chooses(&codel, &queue, 900 * MS, 1500, 1500, t * MS));
    // Other numbers: 20 ms for 200 ms.
    queue.target_ns = 20 * MS;
    queue.interval_ns = 200 * MS;
    CHECK_EQ(next_chosen(&codel, &queue, 4000, 20 * MS - 1), -1);
    CHECK_EQ(next_chosen(&codel, &queue, 6000, 20 * MS), 6200);
}

/* ---- On a cable --------------------------------------------------------------------------------------- */

struct stage {
    struct strata_world *world;
    struct station *a, *b;
    struct strata_cable *cable;
};

static struct stage stage_new(enum strata_link link, struct strata_queue queue, uint32_t limit)
{
    struct stage stage;
    REQUIRE(strata_world_new(&stage.world, NULL) == 0);
    stage.a = station_new(stage.world, "a");
    stage.b = station_new(stage.world, "b");
    struct strata_cable_config config = {
        .size = sizeof config,
        .link = link,
        .forward = {.rate_bps = MBIT, .queue_frames = limit, .queue = queue}};
    stage.cable = strata_world_cable(stage.world, stage.a->node, stage.b->node, &config);
    REQUIRE(stage.cable != NULL);
    return stage;
}

/** Says datagrams of IPv4 with ascending identifications. */
static void say_ipv4(struct stage *stage, unsigned count, uint8_t ecn)
{
    for (unsigned i = 0; i < count; i++) {
        uint8_t bytes[FRAME_BYTES] = {0};
        struct ipv4_header header = {.header_bytes = IPV4_HEADER_BYTES,
                                     .tos = (uint8_t)(0xb8 | ecn),
                                     .total_bytes = FRAME_BYTES,
                                     .identification = (uint16_t)i,
                                     .ttl = 64,
                                     .protocol = PROTOCOL_UDP,
                                     .source = strata_ipv4(10, 0, 0, 1),
                                     .destination = strata_ipv4(10, 0, 0, 2)};
        ipv4_emit(bytes, &header);
        station_say_bytes(stage->a, 1, bytes, sizeof bytes);
    }
}

static struct strata_cable_counts counts_of(const struct stage *stage)
{
    struct strata_cable_counts c = {.size = sizeof c};
    CHECK_EQ(strata_cable_counts(stage->cable, 0, &c), 0);
    return c;
}

/** The n-th that was heard, parsed, which verifies its checksum. */
static struct ipv4_header heard_ipv4(const struct stage *stage, unsigned n)
{
    struct ipv4_header header = {0};
    REQUIRE(n < stage->b->heard_count);
    CHECK_EQ(ipv4_parse(&header, stage->b->heard[n].begin, stage->b->heard[n].length), IPV4_HEADER_BYTES);
    CHECK_EQ(header.tos & ~CE, 0xb8);
    return header;
}

TEST(fifo_marks_from_a_length_on)
{
    struct stage stage =
        stage_new(STRATA_LINK_IP, (struct strata_queue){.kind = STRATA_QUEUE_FIFO, .mark_frames = 3}, 5);
    // The first is sent at once, and the second finds nobody waiting. The fifth finds three; the limit is five.
    say_ipv4(&stage, 8, ECT_0);
    strata_world_run(stage.world, 0);
    CHECK_EQ(strata_cable_waiting(stage.cable, 0), 5);
    CHECK_EQ(strata_cable_waiting(stage.cable, 1), 0);
    strata_world_run(stage.world, STRATA_NEVER);
    REQUIRE(stage.b->heard_count == 6);
    for (unsigned i = 0; i < 6; i++)
        CHECK_EQ(heard_ipv4(&stage, i).tos & CE, i < 4 ? ECT_0 : CE);
    CHECK_EQ(counts_of(&stage).marked, 2);
    CHECK_EQ(counts_of(&stage).lost_queue, 2);
    // Who does not understand is let through.
    say_ipv4(&stage, 6, NOT_ECT);
    strata_world_run(stage.world, STRATA_NEVER);
    REQUIRE(stage.b->heard_count == 12);
    for (unsigned i = 6; i < 12; i++)
        CHECK_EQ(heard_ipv4(&stage, i).tos & CE, NOT_ECT);
    CHECK_EQ(counts_of(&stage).marked, 2);
    strata_world_free(stage.world);
}

/** As in red_chooses_as_the_line_between_its_thresholds_says, with real frames: those that find 3 and more. */
TEST(red_marks_or_drops)
{
    struct strata_queue queue = {.kind = STRATA_QUEUE_RED,
                                 .ecn = true,
                                 .min_frames = 2,
                                 .max_frames = 4,
                                 .weight_ppm = 1000000,
                                 .probability_ppm = 1000000};
    struct stage stage = stage_new(STRATA_LINK_IP, queue, 100);
    say_ipv4(&stage, 8, ECT_1);
    strata_world_run(stage.world, STRATA_NEVER);
    REQUIRE(stage.b->heard_count == 8);
    for (unsigned i = 0; i < 8; i++)
        CHECK_EQ(heard_ipv4(&stage, i).tos & CE, i < 4 ? ECT_1 : CE);
    // Without the capability the fifth, the first that finds three, is dropped.
    say_ipv4(&stage, 5, NOT_ECT);
    strata_world_run(stage.world, STRATA_NEVER);
    CHECK_EQ(stage.b->heard_count, 12);
    CHECK_EQ(counts_of(&stage).lost_queue, 1);
    CHECK_EQ(counts_of(&stage).marked, 4);
    strata_world_free(stage.world);
}

/** 500 frames at once: frame n has waited for n ms when its turn comes. By hand, from 5 ms + 100 ms on. */
static const int codel_ms[] = {105, 205, 276, 334, 384, 429, 469};
#define CODEL_CHOSEN (sizeof codel_ms / sizeof *codel_ms)

TEST(codel_drops_at_the_head)
{
    struct stage stage = stage_new(STRATA_LINK_IP, (struct strata_queue){.kind = STRATA_QUEUE_CODEL}, 1000);
    say_ipv4(&stage, 500, NOT_ECT);
    strata_world_run(stage.world, 0);
    CHECK_EQ(strata_cable_waiting(stage.cable, 0), 499);
    strata_world_run(stage.world, STRATA_NEVER);
    REQUIRE(stage.b->heard_count == 500 - CODEL_CHOSEN);
    CHECK_EQ(counts_of(&stage).lost_queue, CODEL_CHOSEN);
    unsigned dropped = 0;
    for (unsigned i = 0; i < stage.b->heard_count; i++) {
        if (dropped < CODEL_CHOSEN && (int)i == codel_ms[dropped])
            dropped++; // the one whose turn it was; the next goes in its place
        CHECK_EQ(heard_ipv4(&stage, i).identification, i + dropped);
        CHECK_EQ(stage.b->heard[i].time, (strata_time)(i + 1) * MS); // the wire is never idle
    }
    CHECK_EQ(dropped, CODEL_CHOSEN);
    strata_world_free(stage.world);
}

TEST(codel_marks_instead)
{
    struct strata_queue queue = {.kind = STRATA_QUEUE_CODEL, .ecn = true};
    struct stage stage = stage_new(STRATA_LINK_IP, queue, 1000);
    say_ipv4(&stage, 500, ECT_0);
    strata_world_run(stage.world, STRATA_NEVER);
    REQUIRE(stage.b->heard_count == 500);
    unsigned marked = 0;
    for (unsigned i = 0; i < 500; i++) {
        bool chosen = marked < CODEL_CHOSEN && (int)i == codel_ms[marked];
        marked += chosen;
        CHECK_EQ(heard_ipv4(&stage, i).tos & CE, chosen ? CE : ECT_0);
        CHECK_EQ(heard_ipv4(&stage, i).identification, i);
    }
    CHECK_EQ(counts_of(&stage).marked, CODEL_CHOSEN);
    CHECK_EQ(counts_of(&stage).lost_queue, 0);
    strata_world_free(stage.world);
}

TEST(a_held_queue_keeps_its_limit_and_ends_with_the_cable)
{
    struct stage stage = stage_new(STRATA_LINK_IP, (struct strata_queue){.kind = STRATA_QUEUE_CODEL}, 10);
    say_ipv4(&stage, 20, NOT_ECT);
    strata_world_run(stage.world, 3 * MS + 1);
    CHECK_EQ(counts_of(&stage).lost_queue, 9);
    CHECK_EQ(strata_cable_waiting(stage.cable, 0), 7);
    CHECK_EQ(strata_cable_set_up(stage.cable, false), 0);
    CHECK_EQ(strata_cable_waiting(stage.cable, 0), 0);
    CHECK_EQ(strata_cable_set_up(stage.cable, true), 0);
    say_ipv4(&stage, 5, NOT_ECT);
    strata_world_run(stage.world, 5 * MS);
    // From now on a plain queue: those that wait keep their places.
    struct strata_impairment plain = {.rate_bps = MBIT};
    CHECK_EQ(strata_cable_impair(stage.cable, 0, &plain), 0);
    say_ipv4(&stage, 5, NOT_ECT);
    strata_world_run(stage.world, STRATA_NEVER);
    CHECK_EQ(stage.b->heard_count, 3 + 10);
    for (unsigned i = 3; i < 13; i++) {
        CHECK_EQ(heard_ipv4(&stage, i).identification, (i - 3) % 5);
        CHECK_EQ(stage.b->heard[i].time, (strata_time)(i + 1) * MS + 1);
    }
    CHECK_EQ(counts_of(&stage).lost_down, 8);
    // A world may end while frames are held.
    plain.queue.kind = STRATA_QUEUE_CODEL;
    CHECK_EQ(strata_cable_impair(stage.cable, 0, &plain), 0);
    say_ipv4(&stage, 5, NOT_ECT);
    strata_world_run(stage.world, strata_world_now(stage.world));
    CHECK_EQ(strata_cable_waiting(stage.cable, 0), 4);
    strata_world_free(stage.world);
}

TEST(impossible_disciplines_are_refused)
{
    static const struct strata_queue wrong[] = {
        {.kind = (enum strata_queue_kind)9},
        {.kind = STRATA_QUEUE_RED, .min_frames = 7, .max_frames = 7},
        {.kind = STRATA_QUEUE_RED, .max_frames = 5},
        {.kind = STRATA_QUEUE_RED, .probability_ppm = 1000001},
        {.kind = STRATA_QUEUE_RED, .weight_ppm = 1000001},
        {.kind = STRATA_QUEUE_CODEL, .target_ns = -1},
        {.kind = STRATA_QUEUE_CODEL, .interval_ns = 3601 * STRATA_SECOND},
    };
    struct stage stage = stage_new(STRATA_LINK_IP, (struct strata_queue){0}, 0);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHECK_EQ(strata_cable_impair(stage.cable, 0, &(struct strata_impairment){.queue = wrong[i]}), -22);
    strata_world_free(stage.world);
}

/* ---- The mark ------------------------------------------------------------------------------------------ */

TEST(only_ip_is_marked)
{
    uint8_t frame[64] = {0};
    struct ethernet_header ethernet = {.ethertype = ETHERTYPE_IPV6, .tagged = true, .vlan = 7};
    size_t at = ethernet_emit(frame, &ethernet);
    CHECK_EQ(at, 18);
    struct ipv6_header header = {.traffic_class = 0xb8 | ECT_1, .flow_label = 0xabcde, .hop_limit = 64};
    ipv6_emit(frame + at, &header);
    CHECK(frame_mark_ce(STRATA_LINK_ETHERNET, frame, sizeof frame));
    CHECK(ipv6_parse(&header, frame + at, sizeof frame - at) > 0);
    CHECK_EQ(header.traffic_class, 0xb8 | CE);
    CHECK_EQ(header.flow_label, 0xabcde);
    // Cut short, or something else with bits in that place.
    CHECK(!frame_mark_ce(STRATA_LINK_ETHERNET, frame, at + IPV6_HEADER_BYTES - 1));
    CHECK(!frame_mark_ce(STRATA_LINK_ETHERNET, frame, 13));
    CHECK(!frame_mark_ce(STRATA_LINK_IP, frame, sizeof frame));
    uint8_t arp[64] = {0};
    ethernet = (struct ethernet_header){.ethertype = ETHERTYPE_ARP};
    at = ethernet_emit(arp, &ethernet);
    memset(arp + at, 0x47, sizeof arp - at);
    CHECK(!frame_mark_ce(STRATA_LINK_ETHERNET, arp, sizeof arp));
    CHECK(!frame_mark_ce(STRATA_LINK_IP, arp, 0));
}

TEST_MAIN(TEST_ENTRY(the_average_of_red_is_the_weighted_one),
          TEST_ENTRY(red_chooses_as_the_line_between_its_thresholds_says), TEST_ENTRY(red_spreads_evenly),
          TEST_ENTRY(codel_follows_its_control_law), TEST_ENTRY(codel_leaves_short_queues_alone),
          TEST_ENTRY(fifo_marks_from_a_length_on), TEST_ENTRY(red_marks_or_drops),
          TEST_ENTRY(codel_drops_at_the_head), TEST_ENTRY(codel_marks_instead),
          TEST_ENTRY(a_held_queue_keeps_its_limit_and_ends_with_the_cable),
          TEST_ENTRY(impossible_disciplines_are_refused), TEST_ENTRY(only_ip_is_marked))
