/*
 * Sources and sinks in the lab: packets go at the times and in the sizes that were asked for, answers are measured, and
 * what is missing is told.
 */
#include "tests/app/stage.h"

static struct stage *stage;
static struct strata_node *a, *b;
static strata_time arrivals[64];
static size_t sizes[64];
static unsigned arrived;

static void watch(void *context, const struct strata_lab_event *event)
{
    (void)context;
    // Frames of 14 bytes of Ethernet; ARP is shorter than any packet here.
    if (event->kind != STRATA_LAB_DELIVERED || event->node != b || event->length < 58 || arrived == 64)
        return;
    arrivals[arrived] = event->time;
    sizes[arrived++] = event->length - 14;
}

static int run(const char *line)
{
    int status;
    stage_start(a, line, false, &status);
    CHECK(stage_finish(stage, 1000));
    return status;
}

/** Two hosts that know each other, so that no question of ARP holds up the first packet. */
static void open_stage(uint64_t seed)
{
    stage = stage_new(seed);
    a = stage_host(stage, "a", "10.0.0.1/24");
    b = stage_host(stage, "b", "10.0.0.2/24");
    CHECK_EQ(run("ping 10.0.0.2 --count 1"), 0);
    arrived = 0;
    strata_world_listen(stage->world, watch, NULL);
}

/** With a sink that stays until the last has arrived. */
static int run_to_sink(const char *line)
{
    stage_start(b, "traffic-sink --for 30s", false, NULL);
    return run(line);
}

/* The gap between arrivals, in milliseconds. */
static int64_t gap(unsigned i)
{
    return (arrivals[i + 1] - arrivals[i] + STRATA_MILLISECOND / 2) / STRATA_MILLISECOND;
}

TEST(packets_go_when_they_should)
{
    open_stage(1);
    stage_start(b, "traffic-sink --packets 5 --verbose", false, NULL);
    CHECK_EQ(run("traffic 10.0.0.2 --packets 5 --every 20ms --size 500"), 0);
    REQUIRE(arrived == 5);
    for (unsigned i = 0; i < 4; i++)
        CHECK_EQ(gap(i), 20);
    CHECK_EQ(sizes[0], 500);
    CHECK(stage_said(stage, "a: sent: 5 packets"));
    CHECK(stage_said(stage, "b: packet 5 of 500 bytes after "));
    CHECK(stage_said(stage, "b: packets: 5, bytes: 2500"));
    CHECK(stage_said(stage, "b: throughput: 200 kbit/s")); // four of them in 80 ms
    stage_free(stage);
}

TEST(bursts_and_silence)
{
    open_stage(1);
    CHECK_EQ(run_to_sink("traffic 10.0.0.2 --packets 6 --burst 3 --every 100ms"), 0);
    REQUIRE(arrived == 6);
    static const int64_t bursts[] = {0, 0, 100, 0, 0};
    for (unsigned i = 0; i < 5; i++)
        CHECK_EQ(gap(i), bursts[i]);
    stage_free(stage);
    // 50 ms on, 30 ms off: in silence the source's clock stands still.
    open_stage(1);
    CHECK_EQ(run_to_sink("traffic 10.0.0.2 --for 200ms --every 20ms --on 50ms --off 30ms"), 0);
    static const int64_t periods[] = {20, 20, 50, 20, 50, 20};
    REQUIRE(arrived == 7);
    for (unsigned i = 0; i < 6; i++)
        CHECK_EQ(gap(i), periods[i]);
    stage_free(stage);
}

/* Random gaps and sizes: the mean of sixty of them is within a third of what was asked for, and they differ. */
TEST(random_times_and_sizes)
{
    open_stage(3);
    CHECK_EQ(run_to_sink("traffic 10.0.0.2 --packets 60 --every 100ms --poisson --size 400 --exponential-sizes"), 0);
    REQUIRE(arrived >= 55); // large ones come in fragments, of which the watch sees the first sixty-four
    size_t sum = 0, small = 0;
    for (unsigned i = 0; i < arrived; i++) {
        sum += sizes[i];
        small += sizes[i] < 100;
    }
    CHECK(sum / arrived > 270 && sum / arrived < 530);
    CHECK(small > 5 && small < 25);
    strata_time mean = (arrivals[arrived - 1] - arrivals[0]) / (arrived - 1);
    CHECK(mean > 66 * STRATA_MILLISECOND && mean < 133 * STRATA_MILLISECOND);
    stage_free(stage);
}

TEST(answers_are_measured)
{
    open_stage(1);
    stage_start(b, "traffic-server", true, NULL);
    CHECK_EQ(run("traffic 10.0.0.2 --packets 10 --every 10ms --ask 1000"), 0);
    CHECK(stage_said(stage, "a: answers: 10 of 10"));
    CHECK(stage_said(stage, "a: mean response time: "));
    stage_free(stage);
    // Nobody answers.
    open_stage(1);
    stage_start(b, "traffic-sink --for 5s", false, NULL);
    CHECK_EQ(run("traffic 10.0.0.2 --packets 3 --every 10ms --ask 1000 --timeout 2s"), 1);
    CHECK(stage_said(stage, "a: answers: 0 of 3"));
    CHECK(stage_said(stage, "b: packets: 3, bytes: 132"));
    stage_free(stage);
}

/* A cache that has everything never asks; one that has nothing always does; in between, about as often as it says. */
TEST(caches_answer_their_share)
{
    static const struct {
        const char *line;
        int64_t least, most; /**< Datagrams that the server sent. */
    } rows[] = {{"traffic-cache 10.0.0.3 --hits 100", 0, 0},
                {"traffic-cache 10.0.0.3 --hits 0", 200, 200},
                {"traffic-cache 10.0.0.3 --hits 60", 60, 100}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        open_stage(1);
        struct strata_node *server = stage_host(stage, "server", "10.0.0.3/24");
        stage_start(server, "traffic-server", true, NULL);
        stage_start(b, rows[i].line, true, NULL);
        CHECK_EQ(run("traffic 10.0.0.2 --packets 200 --every 1ms --ask 500"), 0);
        CHECK(stage_said(stage, "a: answers: 200 of 200"));
        int64_t sent = strata_node_counter(server, "udp_sent");
        CHECK(sent >= rows[i].least && sent <= rows[i].most);
        stage_free(stage);
    }
}

TEST(nothing_arrived)
{
    open_stage(1);
    CHECK_EQ(run("traffic-sink --for 1s"), 0);
    CHECK(stage_said(stage, "a: packets: 0, bytes: 0"));
    CHECK(!strstr(stage->said, "mean delay"));
    stage_free(stage);
}

TEST(users_are_counted)
{
    open_stage(1);
    CHECK_EQ(run("users --users 10 --active 100 --at-least 10 --slots 50"), 0);
    CHECK(stage_said(stage, "a: mean active: 10\n") && stage_said(stage, "a: 10 or more active: 1 of the time"));
    CHECK_EQ(run("users --users 10 --active 0 --at-least 1 --slots 50"), 0);
    CHECK(stage_said(stage, "a: 1 or more active: 0 of the time"));
    CHECK_EQ(run_to_sink("users 10.0.0.2 --users 3 --active 100 --slots 4 --slot 50ms --size 200"), 0);
    REQUIRE(arrived == 12);
    CHECK_EQ(gap(2), 50);
    CHECK_EQ(sizes[11], 200);
    stage_free(stage);
}

TEST(wrong_calls_are_told)
{
    static const struct {
        const char *line, *says;
    } rows[] = {{"traffic", "which host"},
                {"traffic 10.0.0.2", "how much"},
                {"traffic 10.0.0.2 --packets 5 --on 1s", "go together"},
                {"traffic 10.0.0.2 --every 0 --for 1s", "--every 0 needs"},
                {"traffic 10.0.0.2 --packets 5 --every 1.5x", "cannot take this number: 1.5x"},
                {"traffic 10.0.0.2 --packets 5 --every 0.1ns", "cannot take this number: 0.1ns"},
                {"traffic-sink --packets none", "cannot take this number: none"},
                {"traffic-cache", "of which server"},
                {"users --active 101", "cannot take this number: 101"},
                {"rdt-sender", "to which host"},
                {"rdt-sender 10.0.0.2 --protocol 9", "there is no protocol 9"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        open_stage(1);
        CHECK_EQ(run(rows[i].line), 2);
        CHECK(stage_said(stage, rows[i].says));
        stage_free(stage);
    }
}

TEST_MAIN(TEST_ENTRY(packets_go_when_they_should), TEST_ENTRY(bursts_and_silence), TEST_ENTRY(random_times_and_sizes),
          TEST_ENTRY(answers_are_measured), TEST_ENTRY(caches_answer_their_share), TEST_ENTRY(nothing_arrived),
          TEST_ENTRY(users_are_counted), TEST_ENTRY(wrong_calls_are_told))
