/**
 * Vegas: how long the queue of the bottleneck is, by the round-trip time, and what that does to the window.
 */
#include "tests/transport/rig.h"
#include "transport/tcp/congestion.h"

#define VEGAS 4

static uint32_t cwnd(struct rig *rig)
{
    return rig_info(rig).cwnd;
}
static void ack(struct rig *rig, unsigned segments)
{
    inject(rig, ". 1:1(0) ack %u win 65535", rig->c->snd_una - rig->our_isn + segments * 1000);
}

/** Segments of 1000 octets, 10 of them out; the handshake took 100 ms. */
static void sending(struct rig *rig)
{
    SET(rig, tcp_early_retrans, 0);
    rig->options.congestion = VEGAS;
    rig->options.send_bytes = 1 << 22;
    rig_connect(rig);
    rig_next(rig);
    rig_wait(rig, 100 * MS);
    inject(rig, "S. 0:0(0) ack 1 win 65535 <mss 1000,nop,ws 14>");
    rig_drain(rig);
    inject(rig, ". 1:1(0) ack 1 win 65535"); // now scaled
    rig_write(rig, 1 << 22);
    CHECK_EQ(rig_drain(rig), 10);
}

/** A round trip of `rtt`: all that is out is acknowledged, `each` segments at a time, and what that lets go
 * leaves when the last ACK has come. @return how much the window grew, or shrank. */
static int64_t round_trip(struct rig *rig, strata_time rtt, unsigned each)
{
    uint32_t out = rig_info(rig).flight / 1000;
    int64_t before = cwnd(rig);
    rig_wait(rig, rtt);
    for (uint32_t done = 0; done < out; done += each) {
        ack(rig, out - done < each ? out - done : each);
        rig_drain(rig);
    }
    return cwnd(rig) - before;
}

/** Congestion avoidance with a window of so many segments, all of them out; the least round trip was 100 ms.
 * A round ends with the first ACK of the next: what it has measured shows then. */
static void avoiding(struct rig *rig, unsigned segments)
{
    sending(rig);
    for (int i = 0; i < 3; i++) {
        round_trip(rig, 100 * MS, 1);
        rig->c->cwnd = rig->c->ssthresh = segments * 1000;
        connection_mark(rig->c);
        rig_drain(rig);
    }
    CHECK_EQ(cwnd(rig), segments * 1000);
}

/* Every other round trip is for measuring; in the others each ACK brings a segment more. */
TCP_TEST(slow_start_doubles_every_other_round)
{
    sending(rig);
    round_trip(rig, 100 * MS, 1);
    uint32_t before = cwnd(rig);
    for (int i = 0; i < 4; i++) {
        int64_t grown = round_trip(rig, 100 * MS, 1) + round_trip(rig, 100 * MS, 1);
        CHECK(grown >= (int64_t)before * 3 / 4 && grown <= (int64_t)before * 5 / 4);
        before = cwnd(rig);
    }
    CHECK_EQ(rig_info(rig).ssthresh, UINT32_MAX);
}

/** The round-trip time at which so many thousandths of a segment wait, of `window` octets. */
static strata_time rtt_for(uint32_t window, uint32_t waiting)
{
    return 100 * MS * (strata_time)window / (window - waiting);
}

/* cwnd * (RTT - BaseRTT) / RTT is more than one segment: slow start ends with what the path holds and one
 * segment. */
TCP_TEST(slow_start_ends_where_a_queue_begins)
{
    sending(rig);
    while (cwnd(rig) < 60000)
        round_trip(rig, 100 * MS, 1);
    strata_time rtt = rtt_for(cwnd(rig), 400);
    for (int i = 0; i < 2; i++) { // twice the window at the end
        round_trip(rig, rtt, 1);
        CHECK_EQ(rig_info(rig).ssthresh, UINT32_MAX);
    }
    rtt = rtt_for(cwnd(rig), 3000);
    uint32_t before = 0;
    for (unsigned i = 0; i < 4 && rig_info(rig).ssthresh == UINT32_MAX; i++) {
        uint32_t out = rig_info(rig).flight / 1000;
        rig_wait(rig, rtt);
        for (uint32_t k = 0; k < out && rig_info(rig).ssthresh == UINT32_MAX; k++) {
            before = cwnd(rig);
            ack(rig, 1);
            rig_drain(rig);
        }
    }
    uint32_t waiting = (uint32_t)(before * (rtt - 100 * MS) / rtt), left = before - waiting + 1000;
    CHECK(cwnd(rig) >= left - 100 && cwnd(rig) <= left + 100);
    CHECK_EQ(rig_info(rig).ssthresh, cwnd(rig));
}

/* With 51 segments: below two in the queue the window grows by one a round trip, above four it shrinks by
 * one, in between it stays. */
TCP_TEST(two_to_four_segments_wait)
{
    static const struct {
        unsigned rtt_us;
        int64_t change;
    } table[] = {{100000, 1000}, {103900, 1000}, {104500, 0}, {108400, 0}, {109000, -1000}, {150000, -1000}};
    for (unsigned i = 0; i < sizeof table / sizeof *table; i++) {
        struct rig *own = rig_new(rig->ipv6, 1500, 0);
        avoiding(own, 50);
        CHECK_EQ(round_trip(own, table[i].rtt_us * STRATA_MICROSECOND, 1),
                 1000); // the round before had no queue
        CHECK_EQ(round_trip(own, table[i].rtt_us * STRATA_MICROSECOND, 1), table[i].change);
        rig_free(own);
    }
}

/* What counts is the least of a round, since an ACK may be late for other reasons, and the least of all
 * rounds. */
TCP_TEST(the_least_of_a_round)
{
    avoiding(rig, 50);
    for (int i = 0; i < 5; i++) {
        uint32_t before = cwnd(rig), out = rig_info(rig).flight / 1000;
        for (uint32_t k = 0; k < out; k++) {
            rig_wait(rig, k == 0 ? (i == 0 ? 100 : 50) * MS : k == out / 2 ? 50 * MS : 0);
            ack(rig, 1);
            rig_drain(rig);
        }
        CHECK(cwnd(rig) >= before + 1000);
    }
    round_trip(rig, 150 * MS, 1);
    CHECK_EQ(round_trip(rig, 150 * MS, 1), -1000);
    // A longer path: by what was once the shortest a fifth of it looks like a queue.
    for (int i = 0; i < 100; i++)
        round_trip(rig, 125 * MS, 1);
    CHECK(cwnd(rig) >= 10000 && cwnd(rig) <= 20000);
}

/* Two samples are too few to compare: a segment a round trip, whatever they say. */
TCP_TEST(few_samples)
{
    avoiding(rig, 50);
    for (int i = 0; i < 3; i++)
        CHECK(round_trip(rig, 200 * MS, 26) >= 1000);
    round_trip(rig, 200 * MS, 10);
    CHECK_EQ(round_trip(rig, 200 * MS, 10), -1000);
}

/* Two segments are the least, and a loss halves as it does for Reno. */
TCP_TEST(bounds)
{
    avoiding(rig, 5);
    for (int i = 0; i < 8; i++)
        round_trip(rig, 900 * MS, 1);
    CHECK(cwnd(rig) >= 2000 && cwnd(rig) <= 5000);

    struct rig *own = rig_new(rig->ipv6, 1500, 0);
    avoiding(own, 50);
    for (int i = 0; i < 3; i++)
        ack(own, 0);
    CHECK_EQ(rig_info(own).ssthresh, 25000);
    rig_free(own);
}

TEST_MAIN(TEST_ENTRY(slow_start_doubles_every_other_round), TEST_ENTRY(slow_start_ends_where_a_queue_begins),
          TEST_ENTRY(two_to_four_segments_wait), TEST_ENTRY(the_least_of_a_round), TEST_ENTRY(few_samples),
          TEST_ENTRY(bounds))
