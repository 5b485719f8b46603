/**
 * BBR over a path of the test's own: a line of 1,000,000 octets a second with a queue, and a round trip of 40
 * ms.
 *
 * Segments have 1000 octets, so that one leaves the queue each millisecond and the path holds 40.
 */
#include "tests/transport/rig.h"
#include "transport/tcp/congestion.h"
#include "transport/tcp/model.h"
#include "transport/tcp/pacing.h"

#define BBR 5
#define RATE 250000u
#define ROUND_TRIP (160 * MS)
#define PATH_SEGMENTS 40u
#define SEGMENT_TIME (4 * MS)
#define STEP_MOST (20 * MS)
#define QUEUE_MOST 4096u

/** What the sender did in a step. */
struct look {
    uint64_t pacing;
    uint32_t cwnd, flight, queue;
};

struct path {
    struct rig *rig;
    strata_time
        ack_at[QUEUE_MOST]; /**< A ring: when the acknowledgement of each segment that is out comes. */
    unsigned head, count;
    strata_time free_at; /**< When the line has sent all that waits. */
    uint32_t sent, acked;
    unsigned program_every; /**< The program writes a segment each so many milliseconds; 0: always more. */
    strata_time now, written_at, segment_time, round_trip;
    bool quiet; /**< The program writes nothing. */
};

static void path_open(struct path *path, struct rig *rig, strata_time round_trip)
{
    *path = (struct path){.rig = rig, .segment_time = SEGMENT_TIME, .round_trip = round_trip};
    SET(rig, tcp_early_retrans, 0);
    rig->options.congestion = BBR;
    rig->options.send_bytes = 1 << 20;
    rig->options.no_delay = true;
    rig_connect(rig);
    rig_next(rig);
    rig_wait(rig, round_trip);
    inject(rig, "S. 0:0(0) ack 1 win 65535 <mss 1000,nop,ws 14>");
    rig_drain(rig);
    inject(rig, ". 1:1(0) ack 1 win 65535"); // now scaled
}

/** The next moment at which something happens. */
static strata_time path_next(const struct path *path)
{
    const struct rig *rig = path->rig;
    strata_time next = path->now + STEP_MOST, began = rig->core.now - path->now;
    if (path->count > 0 && path->ack_at[path->head % QUEUE_MOST] < next)
        next = path->ack_at[path->head % QUEUE_MOST];
    if (path->program_every && path->written_at + path->program_every * MS < next)
        next = path->written_at + path->program_every * MS;
    strata_time paced = pacing_deadline(rig->c);
    if (paced != STRATA_NEVER && paced - began < next)
        next = paced - began;
    return next > path->now ? next : path->now;
}

/** Until the next moment: acknowledgements that are due come, the program writes, what may leave does. */
static struct look path_step(struct path *path)
{
    struct rig *rig = path->rig;
    strata_time next = path_next(path);
    rig_wait(rig, next - path->now);
    path->now = next;
    while (path->count > 0 && path->ack_at[path->head % QUEUE_MOST] <= path->now) {
        path->head++;
        path->count--;
        path->acked++;
        inject(rig, ". 1:1(0) ack %u win 65535", 1 + path->acked * 1000);
    }
    if (path->quiet) {
        path->written_at = path->now;
    } else if (path->program_every == 0) {
        if (rig_info(rig).unsent < 200000)
            CHECK_EQ(rig_write(rig, 100000), 100000); // whole segments: the test counts those
    } else if (path->now >= path->written_at + path->program_every * MS) {
        rig_write(rig, 1000);
        path->written_at = path->now;
    }
    for (unsigned sent = rig_drain(rig); sent > 0; sent--) {
        REQUIRE(path->count < QUEUE_MOST);
        path->free_at = (path->free_at > path->now ? path->free_at : path->now) + path->segment_time;
        path->ack_at[(path->head + path->count++) % QUEUE_MOST] =
            path->free_at + path->round_trip - path->segment_time;
        path->sent++;
    }
    uint32_t waits =
        path->free_at > path->now ? (uint32_t)((path->free_at - path->now) / path->segment_time) : 0;
    return (struct look){.pacing = model_pacing_rate(rig->c),
                         .cwnd = rig_info(rig).cwnd,
                         .flight = rig_info(rig).flight,
                         .queue = waits};
}

static void path_run(struct path *path, strata_time by)
{
    for (strata_time end = path->now + by; path->now < end;)
        path_step(path);
}

/** Until all that was written has been acknowledged. */
static void path_quiet(struct path *path)
{
    path->quiet = true;
    while (rig_info(path->rig).unsent > 0 || path->count > 0)
        path_step(path);
    path->quiet = false;
}

/** A pacing gain of so many per cent of the line's rate, less the margin of 1 %. */
static bool paces_at(const struct look *look, unsigned percent)
{
    uint64_t rate = (uint64_t)RATE * percent / 100 * 99 / 100;
    return look->pacing >= rate - rate / 100 && look->pacing <= rate + rate / 100;
}

static bool probes_rtt(const struct look *look)
{
    return look->cwnd < PATH_SEGMENTS * 1000 * 3 / 4;
}

/* STARTUP more than doubles the rate each round trip until the line is full, which three rounds without
 * growth tell; DRAIN halves it until the queue is empty; then it goes on at the line's rate. */
TCP_TEST(startup_and_drain)
{
    struct path path;
    path_open(&path, rig, ROUND_TRIP);
    struct look look = path_step(&path);
    uint32_t queue = 0;
    while (!paces_at(&look, 277)) {
        REQUIRE(path.now < 7 * ROUND_TRIP); // ten segments to forty
        look = path_step(&path);
    }
    strata_time full_at = path.now;
    while (paces_at(&look, 277)) {
        queue = look.queue > queue ? look.queue : queue;
        look = path_step(&path);
    }
    // Three rounds of up to two round trips, since the queue holds as much as the path.
    CHECK(path.now - full_at >= 3 * ROUND_TRIP && path.now - full_at <= 9 * ROUND_TRIP);
    CHECK(queue >= PATH_SEGMENTS / 2 && queue <= PATH_SEGMENTS * 3 / 2);
    while (paces_at(&look, 50)) {
        CHECK(look.flight > PATH_SEGMENTS * 1000);
        look = path_step(&path);
    }
    CHECK(look.flight <= PATH_SEGMENTS * 1000 && look.queue <= 2);
    path_run(&path, ROUND_TRIP);
    look = path_step(&path);
    CHECK(paces_at(&look, 100));
}

/* Every two to three seconds, or as often as Reno would lose something, a quarter more than the line's rate,
 * for as long as it takes to see that nothing more arrives; what has queued then drains at nine tenths. */
TCP_TEST(probing_for_bandwidth)
{
    struct path path;
    path_open(&path, rig, ROUND_TRIP);
    path_run(&path, 3 * STRATA_SECOND);
    unsigned probes = 0, before = path.acked, queue = 0;
    strata_time began = path.now, up_at = 0;
    bool up = false, down = false;
    while (path.now < began + 20 * STRATA_SECOND) {
        struct look look = path_step(&path);
        queue = look.queue > queue ? look.queue : queue;
        if (probes_rtt(&look)) {
            up = down = false; // it comes first
        } else if (!up && paces_at(&look, 125)) {
            CHECK(up_at == 0 || path.now - up_at >= 2400 * MS);
            CHECK(path.now - up_at <=
                  6500 * MS); // a probe of the round trip may come between, and begins a cycle
            CHECK(!down);
            up_at = path.now;
            up = true;
            probes++;
        } else if (up && !paces_at(&look, 125)) {
            CHECK(paces_at(&look, 90));
            CHECK(path.now - up_at >= 3 * ROUND_TRIP && path.now - up_at <= 5 * ROUND_TRIP);
            down = true;
            up = false;
        } else if (down && !paces_at(&look, 90)) {
            CHECK(paces_at(&look, 100));
            CHECK(look.queue <= 3);
            down = false;
        }
    }
    CHECK(probes >= 3);
    CHECK(queue <= PATH_SEGMENTS);
    CHECK(path.acked - before >= 4600); // 92 % of 20 s, PROBE_RTT included
}

/** What PROBE_RTT does on a path that holds `segments` in its round trip. */
static void probes_round_trip(struct rig *rig, strata_time round_trip, uint32_t segments)
{
    struct path path;
    path_open(&path, rig, round_trip);
    path_run(&path, 7 * STRATA_SECOND); // one probe is over
    unsigned probes = 0;
    strata_time began = 0, ended = 0;
    uint32_t least_flight = 0, half = segments * 500 > 4000 ? segments * 500 : 4000;
    bool probing = false;
    while (path.now < 24 * STRATA_SECOND) {
        struct look look = path_step(&path);
        bool small = look.cwnd <= half + 1000;
        if (!probing && small) {
            CHECK(look.cwnd + 1000 >= half);
            if (ended) {
                CHECK(path.now - ended >= 5 * STRATA_SECOND);
                CHECK(path.now - ended <= 5 * STRATA_SECOND + 2 * round_trip);
            }
            began = path.now;
            least_flight = look.flight;
        } else if (probing && !small) {
            strata_time least = round_trip > 200 * MS ? round_trip : 200 * MS;
            CHECK(path.now - began >= least && path.now - began <= least + 4 * round_trip);
            CHECK(least_flight <= half + 1000);
            CHECK(look.cwnd >= 2 * segments * 1000 - 2000); // at once
            ended = path.now;
            probes++;
        }
        probing = small;
        least_flight = look.flight < least_flight ? look.flight : least_flight;
    }
    CHECK(probes >= 2 && probes <= 4);
}

/* Five seconds after the round trip was last the shortest: half of what the path holds for 200 ms, and for a round trip
 * at least, then the window that was. */
TCP_TEST(probing_for_the_round_trip)
{
    probes_round_trip(rig, ROUND_TRIP, PATH_SEGMENTS);
}

TCP_TEST(probing_for_a_short_round_trip)
{
    probes_round_trip(rig, ROUND_TRIP / 4, PATH_SEGMENTS / 4);
}

TCP_TEST(probing_for_a_long_round_trip)
{
    probes_round_trip(rig, 3 * ROUND_TRIP, 3 * PATH_SEGMENTS);
}

/* Where the queue runs empty by itself and the round trip becomes shorter, there is nothing to probe for. */
TCP_TEST(no_probe_where_the_round_trip_falls)
{
    struct path path;
    path_open(&path, rig, ROUND_TRIP);
    path_run(&path, 3 * STRATA_SECOND);
    for (int i = 0; i < 12; i++) {
        path.round_trip -= 2 * MS;
        for (strata_time end = path.now + STRATA_SECOND; path.now < end;) {
            struct look look = path_step(&path);
            CHECK(!probes_rtt(&look));
        }
    }
}

/* A line that becomes slower is known as such when two cycles have passed; one that becomes faster when it is
 * probed. */
TCP_TEST(a_line_that_changes)
{
    struct path path;
    path_open(&path, rig, ROUND_TRIP);
    path_run(&path, 4 * STRATA_SECOND);
    path.segment_time = 2 * SEGMENT_TIME;
    path_run(&path, 14 * STRATA_SECOND);
    unsigned before = path.acked, queue = 0;
    for (strata_time end = path.now + 4 * STRATA_SECOND; path.now < end;) {
        struct look look = path_step(&path);
        CHECK(look.pacing <= RATE / 2 * 126 / 100);
        queue = look.queue > queue ? look.queue : queue;
    }
    CHECK(path.acked - before >= 475);
    CHECK(queue <= PATH_SEGMENTS);
    path.segment_time = SEGMENT_TIME / 2;
    path_run(&path, 6 * STRATA_SECOND);
    before = path.acked;
    path_run(&path, 2 * STRATA_SECOND);
    CHECK(path.acked - before >= 925);
}

/* A program that offers a fifth of what the line can do does not make the line slow. */
TCP_TEST(a_program_that_says_little)
{
    struct path path;
    path_open(&path, rig, ROUND_TRIP);
    path_run(&path, 2 * STRATA_SECOND);
    path_quiet(&path);
    path.program_every = 20;
    for (strata_time end = path.now + 12 * STRATA_SECOND; path.now < end;)
        CHECK(path_step(&path).pacing >= RATE * 85 / 100);
    path.program_every = 0;
    unsigned before = path.acked;
    path_run(&path, 3 * STRATA_SECOND);
    CHECK(path.acked - before >= 200);
}

TEST_MAIN(TEST_ENTRY(startup_and_drain), TEST_ENTRY(probing_for_bandwidth),
          TEST_ENTRY(probing_for_the_round_trip),
          TEST_ENTRY(probing_for_a_short_round_trip), TEST_ENTRY(probing_for_a_long_round_trip),
          TEST_ENTRY(no_probe_where_the_round_trip_falls),
          TEST_ENTRY(a_line_that_changes), TEST_ENTRY(a_program_that_says_little))
