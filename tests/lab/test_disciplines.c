/*
 * Disciplines before a cable, each against what is computed by hand or by another method: who goes when, who is lost,
 * and that nobody is forgotten.
 */
#include "tests/lab/line.h"

#include <stdlib.h>

#include "base/random.h"
#include "tests/test.h"

#define MBIT UINT64_C(1000000)
#define MS STRATA_MILLISECOND
#define FRAME 125 // bytes: a millisecond at 1 Mbit/s

static const struct strata_match on_port[] = {{.fields = STRATA_MATCH_PORT, .port = 1},
                                              {.fields = STRATA_MATCH_PORT, .port = 2},
                                              {.fields = STRATA_MATCH_PORT, .port = 3}};

/** Classes for ports 1, 2 and 3. */
#define CLASS(i, name_, weight_) {.name = name_, .matches = &on_port[i], .match_count = 1, .weight = weight_}

static struct line line_with(uint64_t rate_bps, const struct strata_queue *queue)
{
    return line_new(&(struct strata_impairment){.rate_bps = rate_bps, .queue = *queue});
}

/** Which ports arrived, as digits. */
static const char *ports(const struct line *line)
{
    static char text[2000];
    unsigned count = line->b->heard_count;
    REQUIRE(count < sizeof text);
    for (unsigned i = 0; i < count; i++)
        text[i] = (char)('0' + line_arrived(line, i).port);
    text[count] = '\0';
    return text;
}

/* ---- FIFO -------------------------------------------------------------------------------------------------- */

TEST(fifo_counts_bytes)
{
    struct line line = line_with(MBIT, &(struct strata_queue){.limit_bytes = 1000});
    // One goes at once; of 400 bytes two wait, and one of 200 besides, but no third.
    line_burst(&line, &(struct parcel){.length = 400, .port = 1}, 4);
    line_send(&line, &(struct parcel){.length = 200, .port = 2});
    line_send(&line, &(struct parcel){.length = 32, .port = 3});
    strata_world_run(line.world, STRATA_NEVER);
    CHECK_STR(ports(&line), "1112");
    CHECK_EQ(line_counts(&line).lost_queue, 2);
    CHECK_EQ(line_counts(&line).queue_most, 3);
    CHECK_EQ(line_class(&line, "").bytes_lost, 432);
    line_free(&line);
}

TEST(who_is_lost_is_said)
{
    struct strata_queue queue = {.limit_frames = 3, .drop = STRATA_DROP_HEAD};
    struct line line = line_with(MBIT, &queue);
    for (uint16_t port = 1; port <= 8; port++)
        line_send(&line, &(struct parcel){.length = FRAME, .port = port});
    strata_world_run(line.world, STRATA_NEVER);
    CHECK_STR(ports(&line), "1678");
    line_free(&line);
    // At random: of 1000 frames that find a full queue of 10, those in the middle are as likely as any.
    queue = (struct strata_queue){.limit_frames = 10, .drop = STRATA_DROP_RANDOM};
    line = line_with(MBIT, &queue);
    for (uint32_t i = 0; i < 1011; i++)
        line_send(&line, &(struct parcel){.length = FRAME, .port = 1, .number = i});
    strata_world_run(line.world, STRATA_NEVER);
    REQUIRE(line.b->heard_count == 11);
    CHECK_EQ(line_counts(&line).lost_queue, 1000);
    unsigned older = 0; // than the ten that came last; each stays with 10/11 whenever one comes
    for (unsigned i = 1; i < 11; i++) {
        CHECK(line_arrived(&line, i).number > 850);
        older += line_arrived(&line, i).number <= 1000;
    }
    CHECK(older >= 1 && older < 10);
    line_free(&line);
}

/* ---- Classes ------------------------------------------------------------------------------------------------ */

TEST(a_datagram_finds_its_class)
{
    static const struct strata_match voice[] = {{.fields = STRATA_MATCH_DSCP, .dscp = 46},
                                                {.fields = STRATA_MATCH_PORT | STRATA_MATCH_PROTOCOL,
                                                 .port = 5060,
                                                 .protocol = 17}};
    struct strata_match near = {.fields = STRATA_MATCH_SOURCE, .source_prefix = 96 + 29};
    near.source = strata_ipv4(10, 0, 0, 8);
    const struct strata_queue_class classes[] = {{.name = "voice", .matches = voice, .match_count = 2},
                                                 {.name = "near", .matches = &near, .match_count = 1},
                                                 {.match_count = 1, .matches = &on_port[0]}};
    struct line line =
        line_with(MBIT, &(struct strata_queue){.kind = STRATA_QUEUE_PRIO, .classes = classes, .class_count = 3});
    line_send(&line, &(struct parcel){.length = 100, .dscp = 46, .port = 9});
    line_send(&line, &(struct parcel){.length = 101, .port = 5060});
    line_send(&line, &(struct parcel){.length = 102, .port = 9, .host = 15});
    line_send(&line, &(struct parcel){.length = 103, .port = 9, .host = 16}); // in none: the last
    line_send(&line, &(struct parcel){.length = 104, .port = 1});
    station_say(line.a, 1, 105, 0); // no datagram
    strata_world_run(line.world, STRATA_NEVER);
    CHECK_EQ(line_class(&line, "voice").bytes, 100 + 101 + 105);
    CHECK_EQ(line_class(&line, "near").bytes, 102);
    CHECK_EQ(line_class(&line, "3").bytes_sent, 103 + 104);
    CHECK_EQ(line_class(&line, NULL).sent, 6);
    CHECK_STR(strata_cable_class(line.cable, 0, 1), "near");
    CHECK(strata_cable_class(line.cable, 0, 3) == NULL);
    struct strata_queue_counts counts = {.size = sizeof counts};
    CHECK_EQ(strata_cable_queue(line.cable, 0, "nobody", &counts), -2);
    CHECK_EQ(strata_cable_queue(line.cable, 2, "", &counts), -22);
    line_free(&line);
}

TEST(priority_starves_those_behind)
{
    static const struct strata_queue_class classes[] = {CLASS(0, "high", 0), CLASS(1, "low", 0)};
    struct line line =
        line_with(MBIT, &(struct strata_queue){.kind = STRATA_QUEUE_PRIO, .classes = classes, .class_count = 2});
    line_burst(&line, &(struct parcel){.length = FRAME, .port = 2}, 5);
    line_burst(&line, &(struct parcel){.at = 1500000, .length = FRAME, .port = 1}, 3);
    line_burst(&line, &(struct parcel){.at = 4500000, .length = FRAME, .port = 1}, 1);
    strata_world_run(line.world, STRATA_NEVER);
    // What is being sent is not taken back.
    CHECK_STR(ports(&line), "221111222");
    CHECK_EQ(line_class(&line, "high").wait_most_ns, 2500000);
    CHECK_EQ(line_class(&line, "low").wait_sum_ns, (0 + 1 + 6 + 7 + 8) * MS);
    CHECK_EQ(line_class(&line, "low").waiting_most, 4);
    line_free(&line);
}

TEST(three_bands_by_dscp)
{
    struct line line = line_with(MBIT, &(struct strata_queue){.kind = STRATA_QUEUE_PRIO});
    static const uint8_t codes[] = {8, 0, 46, 1, 10, 48};
    for (uint16_t i = 0; i < 6; i++)
        line_send(&line, &(struct parcel){.length = FRAME, .port = (uint16_t)(i + 1), .dscp = codes[i]});
    strata_world_run(line.world, STRATA_NEVER);
    CHECK_STR(ports(&line), "136254"); // the first finds the line idle
    CHECK_EQ(line_class(&line, "band 1").sent, 2);
    line_free(&line);
}

/* ---- Round robin -------------------------------------------------------------------------------------------- */

TEST(round_robin_takes_frames_in_turn)
{
    static const struct strata_queue_class classes[] = {CLASS(0, "a", 1), CLASS(1, "b", 2), CLASS(2, "c", 1)};
    struct line line =
        line_with(MBIT, &(struct strata_queue){.kind = STRATA_QUEUE_RR, .classes = classes, .class_count = 3});
    line_burst(&line, &(struct parcel){.length = 1000, .port = 1}, 4);
    line_burst(&line, &(struct parcel){.length = 100, .port = 2}, 5);
    line_burst(&line, &(struct parcel){.length = 100, .port = 3}, 2);
    strata_world_run(line.world, STRATA_NEVER);
    // The first went before the others came, and its turn was over: 1, then 1 22 3 in turn.
    CHECK_STR(ports(&line), "11223122312");
    line_free(&line);
}

/** Bytes of a port that arrived before a time. */
static int64_t bytes_until(const struct line *line, uint16_t port, strata_time until)
{
    int64_t bytes = 0;
    for (unsigned i = 0; i < line->b->heard_count; i++) {
        struct arrived arrived = line_arrived(line, i);
        if (arrived.port == port && arrived.at <= until)
            bytes += arrived.length;
    }
    return bytes;
}

static int64_t distance(int64_t a, int64_t b)
{
    return a > b ? a - b : b - a;
}

/* Shreedhar and Varghese: what two flows got differs at any time by less than a quantum and a longest frame for each
 * weight. Frames of 1500 bytes against frames of 100. */
TEST(deficit_round_robin_shares_bytes)
{
    static const struct strata_queue_class classes[] = {
        CLASS(0, "long", 1), CLASS(1, "short", 1), CLASS(2, "double", 2)};
    struct strata_queue queue = {
        .kind = STRATA_QUEUE_DRR, .classes = classes, .class_count = 3, .quantum_bytes = 500};
    struct line line = line_with(10 * MBIT, &queue);
    line_burst(&line, &(struct parcel){.length = 1500, .port = 1}, 60);
    line_burst(&line, &(struct parcel){.length = 100, .port = 2}, 900);
    line_burst(&line, &(struct parcel){.length = 700, .port = 3}, 250);
    strata_world_run(line.world, STRATA_NEVER);
    REQUIRE(line.b->heard_count == 60 + 900 + 250);
    for (strata_time t = 5 * MS; t < 250 * MS; t += MS) {
        int64_t one = bytes_until(&line, 1, t), two = bytes_until(&line, 2, t), three = bytes_until(&line, 3, t);
        CHECK(distance(one, two) <= 500 + 1500 + 500);
        CHECK(distance(2 * one, three) <= 2 * 2000 + 1000 + 700);
    }
    line_free(&line);
}

TEST(flows_are_classes_without_names)
{
    // Each pair of addresses and ports gets its share, however fast it sends.
    struct strata_queue queue = {.kind = STRATA_QUEUE_DRR, .limit_frames = 60};
    struct line line = line_with(MBIT, &queue);
    for (uint32_t i = 0; i < 1000; i++) {
        line_burst(&line, &(struct parcel){.at = i * MS, .length = FRAME, .port = 1}, 5);
        line_send(&line, &(struct parcel){.at = i * MS, .length = FRAME, .port = 2});
        if (i % 10 == 0)
            line_send(&line, &(struct parcel){.at = i * MS, .length = FRAME, .port = 3});
    }
    strata_world_run(line.world, 1000 * MS);
    CHECK(bytes_until(&line, 3, STRATA_NEVER) / FRAME >= 98); // less than its share: all that had come
    int64_t one = bytes_until(&line, 1, STRATA_NEVER) / FRAME, two = bytes_until(&line, 2, STRATA_NEVER) / FRAME;
    CHECK(one > 430 && one < 470 && two > 430 && two < 470);
    CHECK(line_class(&line, "").waiting <= 60);
    CHECK(line_counts(&line).lost_queue > 5000);
    CHECK(strata_cable_class(line.cable, 0, 0) == NULL);
    line_free(&line);
}

/* ---- Weighted fair queueing ---------------------------------------------------------------------------------- */

/* By hand, at 1 Mbit/s: everything comes at once and the weights are 1 and 2. Frames of 1 ms each end in the fluid
 * system, as virtual times, at 1 2 3 of the first and 0.5 1 1.5 2 2.5 of the second. */
TEST(wfq_goes_by_fluid_ends)
{
    static const struct strata_queue_class classes[] = {CLASS(0, "one", 1), CLASS(1, "two", 2)};
    struct strata_queue queue = {.kind = STRATA_QUEUE_WFQ, .classes = classes, .class_count = 2};
    struct line line = line_with(MBIT, &queue);
    line_burst(&line, &(struct parcel){.length = FRAME, .port = 2}, 5);
    line_burst(&line, &(struct parcel){.length = FRAME, .port = 1}, 3);
    strata_world_run(line.world, STRATA_NEVER);
    CHECK_STR(ports(&line), "21221221");
    line_free(&line);
}

struct fluid_frame {
    strata_time at;
    unsigned class, length;
    double ends;
};

/** When each frame would end, were all classes served at once: computed step by step, in another way than the lab's. */
static void serve_fluid(struct fluid_frame *frames, unsigned count, const unsigned *weights, unsigned classes,
                        double bits_per_ns)
{
    double now = 0, left[8] = {0};
    unsigned next = 0, head[8];
    for (unsigned c = 0; c < classes; c++)
        head[c] = count;
    for (;;) {
        for (; next < count && (double)frames[next].at <= now; next++)
            if (head[frames[next].class] == count) {
                head[frames[next].class] = next;
                left[frames[next].class] = frames[next].length * 8.0;
            }
        double weight = 0, step = next < count ? (double)frames[next].at - now : 1e300;
        for (unsigned c = 0; c < classes; c++)
            weight += head[c] < count ? weights[c] : 0;
        if (weight == 0 && next == count)
            return;
        for (unsigned c = 0; c < classes; c++) {
            double ends = left[c] * weight / weights[c] / bits_per_ns;
            if (head[c] < count && ends < step)
                step = ends;
        }
        now += step;
        for (unsigned c = 0; c < classes; c++) {
            if (head[c] == count)
                continue;
            left[c] -= step * bits_per_ns * weights[c] / weight;
            if (left[c] > 1e-6)
                continue;
            frames[head[c]].ends = now;
            unsigned behind = head[c] + 1;
            while (behind < next && frames[behind].class != c)
                behind++;
            head[c] = behind < next ? behind : count;
            left[c] = behind < next ? frames[behind].length * 8.0 : 0;
        }
    }
}

/* Parekh and Gallager: no frame ends later than in the fluid system by more than the time of a longest frame. */
TEST(wfq_keeps_its_distance_from_the_fluid_system)
{
    enum { COUNT = 3000, CLASSES = 3 };
    static struct fluid_frame frames[COUNT];
    static const unsigned weights[CLASSES] = {1, 3, 6};
    static const struct strata_queue_class classes[] = {CLASS(0, "a", 1), CLASS(1, "b", 3), CLASS(2, "c", 6)};
    struct strata_queue queue = {.kind = STRATA_QUEUE_WFQ, .classes = classes, .class_count = 3, .limit_frames = COUNT};
    struct line line = line_with(10 * MBIT, &queue);
    uint8_t seed[32] = {9};
    struct random random;
    random_init(&random, seed);
    strata_time at = 0;
    for (unsigned i = 0; i < COUNT; i++) {
        at += (strata_time)random_below(&random, i % 600 < 400 ? 800000 : 1600000);
        frames[i] = (struct fluid_frame){.at = at,
                                         .class = (unsigned)random_below(&random, CLASSES),
                                         .length = 40 + (unsigned)random_below(&random, 1460)};
        line_send(&line, &(struct parcel){.at = at,
                                          .length = (uint16_t)frames[i].length,
                                          .port = (uint16_t)(frames[i].class + 1),
                                          .number = i});
    }
    serve_fluid(frames, COUNT, weights, CLASSES, 0.01);
    strata_world_run(line.world, STRATA_NEVER);
    REQUIRE(line.b->heard_count == COUNT);
    unsigned waited = 0;
    for (unsigned i = 0; i < COUNT; i++) {
        struct arrived arrived = line_arrived(&line, i);
        const struct fluid_frame *frame = &frames[arrived.number];
        CHECK((double)arrived.at <= frame->ends + 1500 * 8 * 100 + 1000);
        waited += arrived.at > frame->at + 5 * MS;
    }
    CHECK(waited > 300); // it was worth something
    line_free(&line);
}

TEST(wfq_shares_a_line_by_weights)
{
    static const struct strata_queue_class classes[] = {CLASS(0, "a", 1), CLASS(1, "b", 2), CLASS(2, "c", 5)};
    struct strata_queue queue = {.kind = STRATA_QUEUE_WFQ, .classes = classes, .class_count = 3};
    struct line line = line_with(8 * MBIT, &queue);
    line_burst(&line, &(struct parcel){.length = 1500, .port = 1}, 300);
    line_burst(&line, &(struct parcel){.length = 250, .port = 2}, 1000);
    line_burst(&line, &(struct parcel){.length = 1000, .port = 3}, 800);
    for (strata_time t = 10 * MS; t <= 500 * MS; t += 10 * MS) {
        strata_world_run(line.world, t);
        int64_t ms = t / MS; // 1000 bytes each
        CHECK(distance(bytes_until(&line, 1, t), ms * 125) <= 1500);
        CHECK(distance(bytes_until(&line, 2, t), ms * 250) <= 1500);
        CHECK(distance(bytes_until(&line, 3, t), ms * 625) <= 1500);
    }
    line_free(&line);
}

/* ---- FQ-CoDel ------------------------------------------------------------------------------------------------ */

TEST(fq_codel_lets_sparse_flows_pass)
{
    struct line line = line_with(MBIT, &(struct strata_queue){.kind = STRATA_QUEUE_FQ_CODEL});
    line_burst(&line, &(struct parcel){.length = 1250, .port = 1}, 60); // 10 ms each
    for (uint32_t i = 0; i < 12; i++)
        line_send(&line, &(struct parcel){.at = (35 + 40 * i) * MS, .length = 125, .port = 2, .number = i});
    strata_world_run(line.world, STRATA_NEVER);
    unsigned heard = 0;
    for (unsigned i = 0; i < line.b->heard_count; i++) {
        struct arrived arrived = line_arrived(&line, i);
        if (arrived.port != 2)
            continue;
        // It waits for the one that is being sent, and for nobody else.
        strata_time took = arrived.at - (35 + 40 * arrived.number) * MS;
        CHECK(took >= MS && took <= 10 * MS + MS);
        heard++;
    }
    CHECK_EQ(heard, 12);
    CHECK(line_counts(&line).lost_queue > 3); // the long queue was CoDel's business
    line_free(&line);
}

TEST(fq_codel_takes_turns_by_quanta)
{
    struct strata_queue queue = {.kind = STRATA_QUEUE_FQ_CODEL, .quantum_bytes = 300};
    struct line line = line_with(MBIT, &queue);
    line_burst(&line, &(struct parcel){.length = 200, .port = 1}, 6);
    line_burst(&line, &(struct parcel){.length = 100, .port = 2}, 8);
    strata_world_run(line.world, STRATA_NEVER);
    // 1 has 300: two frames make it -100, so that it waits, with 200. 2 is new: three make it 0. 1: one makes it 0; 2
    // has 300 again; 1 has 300: two.
    CHECK_STR(ports(&line), "11222122211221");
    line_free(&line);
}

TEST(fq_codel_takes_from_the_fattest)
{
    struct strata_queue queue = {.kind = STRATA_QUEUE_FQ_CODEL, .limit_frames = 20};
    struct line line = line_with(MBIT, &queue);
    line_burst(&line, &(struct parcel){.length = 100, .port = 1}, 100);
    line_burst(&line, &(struct parcel){.length = 100, .port = 2, .number = 100}, 5);
    strata_world_run(line.world, STRATA_NEVER);
    CHECK_EQ(bytes_until(&line, 2, STRATA_NEVER), 500);
    CHECK_EQ(line_counts(&line).lost_queue, 100 + 5 - 1 - 20);
    // It lost its first ones: after the one that went at once comes what was sent last.
    CHECK_EQ(line_arrived(&line, 0).number, 0);
    CHECK(line_arrived(&line, 1).number >= 85);
    line_free(&line);
}

TEST(fq_codel_marks_who_understands)
{
    struct line line = line_with(MBIT, &(struct strata_queue){.kind = STRATA_QUEUE_FQ_CODEL, .ecn = true});
    line_burst(&line, &(struct parcel){.length = 1250, .port = 1, .ecn = 2}, 60);
    strata_world_run(line.world, STRATA_NEVER);
    CHECK_EQ(line.b->heard_count, 60);
    CHECK(line_counts(&line).marked > 3);
    CHECK_EQ(line_class(&line, "").marked, line_counts(&line).marked);
    line_free(&line);
}

/* ---- Token bucket ------------------------------------------------------------------------------------------- */

/** In no time t does more go than burst + rate t: for each pair of frames, counted when they begin to be sent. */
static void check_conformance(const struct line *line, uint64_t rate_bps, int64_t burst_bytes, uint64_t line_bps)
{
    for (unsigned i = 0; i < line->b->heard_count; i++) {
        int64_t bytes = 0;
        strata_time begin = 0;
        for (unsigned j = i; j < line->b->heard_count; j++) {
            struct arrived arrived = line_arrived(line, j);
            strata_time sent = arrived.at - (strata_time)(arrived.length * UINT64_C(8000000000) / line_bps);
            if (j == i)
                begin = sent;
            bytes += arrived.length;
            int64_t allowed = burst_bytes + (int64_t)((uint64_t)(sent - begin) / 1000 * (rate_bps / 1000) / 8000) + 1;
            if (!CHECK(bytes <= allowed))
                return;
        }
    }
}

TEST(a_token_bucket_shapes)
{
    struct strata_queue queue = {.kind = STRATA_QUEUE_TBF, .rate_bps = MBIT, .burst_bytes = 5000};
    struct line line = line_with(100 * MBIT, &queue);
    line_burst(&line, &(struct parcel){.length = 1000, .port = 1}, 50);
    line_burst(&line, &(struct parcel){.at = 600 * MS, .length = 300, .port = 2}, 100);
    strata_world_run(line.world, STRATA_NEVER);
    REQUIRE(line.b->heard_count == 150);
    check_conformance(&line, MBIT, 5000, 100 * MBIT);
    // Five at once, one behind the other on the line, then one each 8 ms.
    for (int64_t i = 0; i < 50; i++)
        CHECK_EQ(line_arrived(&line, (unsigned)i).at, i < 5 ? (i + 1) * 80000 : (i - 4) * 8 * MS + 80000);
    line_free(&line);
}

TEST(a_token_bucket_has_a_peak)
{
    struct strata_queue queue = {.kind = STRATA_QUEUE_TBF,
                                 .rate_bps = MBIT,
                                 .burst_bytes = 20000,
                                 .peak_bps = 4 * MBIT,
                                 .peak_burst_bytes = 1500};
    struct line line = line_with(0, &queue); // no other rate is needed
    line_burst(&line, &(struct parcel){.length = 500, .port = 1}, 100);
    strata_world_run(line.world, STRATA_NEVER);
    REQUIRE(line.b->heard_count == 100);
    check_conformance(&line, MBIT, 20000, 1000000 * MBIT);
    check_conformance(&line, 4 * MBIT, 1500, 1000000 * MBIT);
    CHECK_EQ(line_arrived(&line, 3).at, MS);                        // the fourth waits for the peak's tokens
    CHECK_EQ(line_arrived(&line, 99).at, (50000 - 20000) * 8 * 1000); // the last for those of the rate
    line_free(&line);
}

TEST(a_token_bucket_polices)
{
    struct strata_queue queue = {.kind = STRATA_QUEUE_TBF, .rate_bps = MBIT, .burst_bytes = 2000, .police = true};
    struct line line = line_with(100 * MBIT, &queue);
    for (uint32_t i = 0; i < 1000; i++) // 2 Mbit/s
        line_send(&line, &(struct parcel){.at = i * 2 * MS, .length = 500, .port = 1, .number = i});
    strata_world_run(line.world, STRATA_NEVER);
    check_conformance(&line, MBIT, 2000, 100 * MBIT);
    CHECK(line.b->heard_count >= 500 && line.b->heard_count <= 505);
    CHECK_EQ(line_counts(&line).lost_queue, 1000 - line.b->heard_count);
    CHECK_EQ(line_class(&line, "").wait_most_ns, 0); // nobody waits
    // What is longer than the bucket can never go.
    line_free(&line);
    queue = (struct strata_queue){.kind = STRATA_QUEUE_TBF, .rate_bps = MBIT, .burst_bytes = 999};
    line = line_with(MBIT, &queue);
    line_send(&line, &(struct parcel){.length = 1000, .port = 1});
    line_send(&line, &(struct parcel){.length = 999, .port = 2});
    strata_world_run(line.world, STRATA_NEVER);
    CHECK_STR(ports(&line), "2");
    line_free(&line);
}

/* ---- Nesting and changing ------------------------------------------------------------------------------------ */

TEST(a_bucket_keeps_the_first_from_starving_others)
{
    static const struct strata_queue inner = {.kind = STRATA_QUEUE_FIFO, .limit_frames = 10};
    static const struct strata_queue_class classes[] = {
        {.name = "voice",
         .matches = &on_port[0],
         .match_count = 1,
         .queue = {.kind = STRATA_QUEUE_TBF, .rate_bps = 250000, .burst_bytes = 250, .inner = &inner}},
        {.name = "rest", .queue = {.kind = STRATA_QUEUE_DRR}}};
    struct strata_queue queue = {.kind = STRATA_QUEUE_PRIO, .classes = classes, .class_count = 2};
    struct line line = line_with(MBIT, &queue);
    for (uint32_t i = 0; i < 2000; i++) { // each as much as the whole line carries
        line_send(&line, &(struct parcel){.at = i * MS, .length = FRAME, .port = 1});
        line_send(&line, &(struct parcel){.at = i * MS, .length = FRAME, .port = 2});
    }
    strata_world_run(line.world, 2000 * MS);
    CHECK(distance(bytes_until(&line, 1, STRATA_NEVER), 2000 * FRAME / 4) < 1000);
    CHECK(distance(bytes_until(&line, 2, STRATA_NEVER), 2000 * FRAME * 3 / 4) < 1000);
    CHECK_EQ(line_class(&line, "voice/inside").waiting_most, 10);
    CHECK_STR(strata_cable_class(line.cable, 0, 2), "rest");
    line_free(&line);
}

TEST(another_discipline_takes_over_what_waits)
{
    static const struct strata_queue_class classes[] = {CLASS(0, "a", 1), CLASS(1, "b", 1)};
    struct strata_impairment is = {
        .rate_bps = MBIT, .queue = {.kind = STRATA_QUEUE_PRIO, .classes = classes, .class_count = 2}};
    struct line line = line_new(&is);
    line_burst(&line, &(struct parcel){.length = FRAME, .port = 2}, 4);
    line_burst(&line, &(struct parcel){.length = FRAME, .port = 1}, 4);
    strata_world_run(line.world, 1500000);
    is.queue.kind = STRATA_QUEUE_RR;
    CHECK_EQ(strata_cable_impair(line.cable, 0, &is), 0);
    strata_world_run(line.world, 3500000);
    // What a cable says it is may be given back, and changes nothing.
    strata_cable_impairment(line.cable, 0, &is);
    CHECK_EQ(strata_cable_impair(line.cable, 0, &is), 0);
    is.queue = (struct strata_queue){0};
    CHECK_EQ(strata_cable_impair(line.cable, 0, &is), 0);
    CHECK_EQ(strata_cable_waiting(line.cable, 0), 4);
    strata_world_run(line.world, STRATA_NEVER);
    CHECK_STR(ports(&line), "21212211");
    CHECK_EQ(line.b->heard[7].time, 8 * MS);
    line_free(&line);
}

/** A queue of a kind, with what it needs, two deep where it has classes. */
static struct strata_queue any_queue(struct random *random, struct strata_queue_class *classes, unsigned depth)
{
    struct strata_queue queue = {.kind = (enum strata_queue_kind)random_below(random, STRATA_QUEUE_TBF + 1),
                                 .drop = (enum strata_drop)random_below(random, 3),
                                 .ecn = random_below(random, 2),
                                 .limit_frames = 1 + (uint32_t)random_below(random, 30),
                                 .limit_bytes = (uint32_t)random_below(random, 2) * 9000,
                                 .rate_bps = 3 * MBIT,
                                 .burst_bytes = 3000,
                                 .police = random_below(random, 2),
                                 .flows = 1 + (uint32_t)random_below(random, 8)};
    bool may = queue.kind >= STRATA_QUEUE_PRIO && queue.kind <= STRATA_QUEUE_WFQ;
    if (may && depth < 3 && random_below(random, 4) > 0) {
        queue.classes = classes;
        queue.class_count = 3;
        for (unsigned i = 0; i < 3; i++)
            classes[i] = (struct strata_queue_class){
                .matches = &on_port[i],
                .match_count = i < 2,
                .weight = 1 + (uint32_t)random_below(random, 5),
                .queue = any_queue(random, classes + 3 + 9 * depth * (i + 1), depth + 1)};
    }
    return queue;
}

TEST(no_frame_is_forgotten)
{
    uint8_t seed[32] = {3};
    struct random random;
    random_init(&random, seed);
    static struct strata_queue_class classes[200];
    for (int round = 0; round < 150; round++) {
        struct strata_impairment is = {.rate_bps = MBIT * random_below(&random, 4),
                                       .queue = any_queue(&random, classes, 1)};
        struct line line = line_new(&is);
        for (uint32_t i = 0; i < 300; i++)
            line_send(&line, &(struct parcel){.at = (strata_time)random_below(&random, 400) * MS,
                                              .length = (uint16_t)(40 + random_below(&random, 1400)),
                                              .port = (uint16_t)(1 + random_below(&random, 4)),
                                              .ecn = (uint8_t)random_below(&random, 4),
                                              .number = i});
        strata_world_run(line.world, 100 * MS);
        is.queue = any_queue(&random, classes, 1);
        CHECK_EQ(strata_cable_impair(line.cable, 0, &is), 0);
        strata_world_run(line.world, 200 * MS);
        if (round % 3 == 0) {
            CHECK_EQ(strata_cable_set_up(line.cable, false), 0);
            CHECK_EQ(strata_cable_waiting(line.cable, 0), 0);
            CHECK_EQ(strata_cable_set_up(line.cable, true), 0);
        }
        struct strata_cable_counts counts = line_counts(&line);
        CHECK(counts.delivered + counts.lost_queue + counts.lost_down + strata_cable_waiting(line.cable, 0) <=
              counts.sent);
        strata_world_run(line.world, STRATA_NEVER);
        counts = line_counts(&line);
        CHECK_EQ(counts.sent, 300);
        CHECK_EQ(counts.delivered + counts.lost_queue + counts.lost_down, 300);
        CHECK_EQ(strata_cable_waiting(line.cable, 0), 0);
        line_free(&line);
    }
}

TEST(impossible_queues_are_refused)
{
    static const struct strata_queue_class heavy = {.weight = 10001}, sound = {.weight = 1};
    static const struct strata_queue deep[5] = {
        {.kind = STRATA_QUEUE_TBF, .rate_bps = MBIT, .burst_bytes = 2000, .inner = &deep[1]},
        {.kind = STRATA_QUEUE_TBF, .rate_bps = MBIT, .burst_bytes = 2000, .inner = &deep[2]},
        {.kind = STRATA_QUEUE_TBF, .rate_bps = MBIT, .burst_bytes = 2000, .inner = &deep[3]},
        {.kind = STRATA_QUEUE_TBF, .rate_bps = MBIT, .burst_bytes = 2000, .inner = &deep[4]},
        {.kind = STRATA_QUEUE_FIFO}};
    const struct strata_queue wrong[] = {
        {.kind = STRATA_QUEUE_TBF, .rate_bps = MBIT},
        {.kind = STRATA_QUEUE_TBF, .burst_bytes = 2000},
        {.kind = STRATA_QUEUE_TBF, .rate_bps = MBIT, .burst_bytes = 2000, .peak_bps = 1000},
        {.kind = STRATA_QUEUE_TBF, .rate_bps = MBIT, .burst_bytes = UINT32_MAX},
        {.kind = STRATA_QUEUE_FIFO, .classes = &sound, .class_count = 1},
        {.kind = STRATA_QUEUE_WFQ, .classes = &heavy, .class_count = 1},
        {.kind = STRATA_QUEUE_DRR, .flows = 65537},
        {.kind = STRATA_QUEUE_FIFO, .drop = (enum strata_drop)3},
        {.kind = STRATA_QUEUE_CODEL, .inner = &deep[4]},
        deep[0]};
    struct line line = line_with(MBIT, &deep[1]);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHECK_EQ(strata_cable_impair(line.cable, 0, &(struct strata_impairment){.queue = wrong[i]}), -22);
    line_free(&line);
}

struct told {
    unsigned count;
    strata_time at[32];
    int waiting[32];
};

static void hear_queue(void *context, const struct strata_lab_event *event)
{
    struct told *told = context;
    if (event->kind != STRATA_LAB_QUEUE || told->count == 32)
        return;
    told->at[told->count] = event->time;
    told->waiting[told->count++] = event->value;
}

TEST(a_queue_tells_how_long_it_is)
{
    // A plain one and one that holds its frames tell the same; and telling changes nothing.
    static const struct strata_queue queues[] = {{.kind = STRATA_QUEUE_FIFO}, {.drop = STRATA_DROP_HEAD}};
    uint64_t hash[2];
    for (int i = 0; i < 2; i++) {
        for (int listening = 0; listening < 2; listening++) {
            struct line line = line_with(MBIT, &queues[i]);
            struct told told = {0};
            if (listening) {
                REQUIRE(strata_world_listen(line.world, hear_queue, &told) == 0);
                strata_world_trace_queues(line.world);
            }
            line_burst(&line, &(struct parcel){.length = FRAME, .port = 1}, 3);
            strata_world_run(line.world, STRATA_NEVER);
            if (!listening) {
                hash[i] = strata_world_hash(line.world);
            } else {
                CHECK_EQ(strata_world_hash(line.world), hash[i]);
                unsigned last = told.count - 1;
                REQUIRE(told.count >= 4);
                CHECK_EQ(told.at[last], 2 * MS);
                CHECK_EQ(told.waiting[last], 0);
                unsigned at = 0;
                while (told.waiting[at] != 2)
                    at++;
                CHECK_EQ(told.at[at], 0);
                CHECK_EQ(told.at[at + 1], MS);
                CHECK_EQ(told.waiting[at + 1], 1);
            }
            line_free(&line);
        }
    }
    CHECK_EQ(hash[0], hash[1]);
}

TEST_MAIN(TEST_ENTRY(fifo_counts_bytes), TEST_ENTRY(who_is_lost_is_said), TEST_ENTRY(a_datagram_finds_its_class),
          TEST_ENTRY(priority_starves_those_behind), TEST_ENTRY(three_bands_by_dscp),
          TEST_ENTRY(round_robin_takes_frames_in_turn), TEST_ENTRY(deficit_round_robin_shares_bytes),
          TEST_ENTRY(flows_are_classes_without_names), TEST_ENTRY(wfq_goes_by_fluid_ends),
          TEST_ENTRY(wfq_keeps_its_distance_from_the_fluid_system), TEST_ENTRY(wfq_shares_a_line_by_weights),
          TEST_ENTRY(fq_codel_lets_sparse_flows_pass), TEST_ENTRY(fq_codel_takes_turns_by_quanta),
          TEST_ENTRY(fq_codel_takes_from_the_fattest), TEST_ENTRY(fq_codel_marks_who_understands),
          TEST_ENTRY(a_token_bucket_shapes), TEST_ENTRY(a_token_bucket_has_a_peak),
          TEST_ENTRY(a_token_bucket_polices), TEST_ENTRY(a_bucket_keeps_the_first_from_starving_others),
          TEST_ENTRY(another_discipline_takes_over_what_waits), TEST_ENTRY(no_frame_is_forgotten),
          TEST_ENTRY(impossible_queues_are_refused), TEST_ENTRY(a_queue_tells_how_long_it_is))
