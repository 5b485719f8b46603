/**
 * CUBIC (RFC 9438): its window, ACK by ACK, beside the formulas of the RFC in floating point.
 */
#include "tests/transport/rig.h"
#include "transport/tcp/congestion.h"
#include "transport/tcp/recovery.h"

#define CUBIC 0

/* ---- The RFC in segments and seconds ------------------------------------------------------------------- */

struct curve {
    double cwnd, w_max, prior, k, began, estimate, pause;
    bool begun;
    unsigned clamped, friendly; /**< ACKs at which the bound of 1.5 held, and at which Reno was faster. */
};

static double cube(double x)
{
    return x * x * x;
}

static double cube_root(double x)
{
    double low = 0, high = x + 1;
    for (int i = 0; i < 100; i++) {
        double middle = (low + high) / 2;
        if (cube(middle) < x)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static void curve_ack(struct curve *curve, double now, double srtt)
{
    if (!curve->begun) {
        curve->begun = true;
        curve->began = now;
        curve->estimate = curve->cwnd;
        if (curve->w_max <= curve->cwnd)
            curve->w_max = curve->cwnd;
        curve->k = cube_root((curve->w_max - curve->cwnd) / 0.4);
    }
    double t = now - curve->began - curve->pause;
    curve->estimate += (curve->estimate < curve->prior ? 9.0 / 17 : 1) / curve->cwnd;
    if (0.4 * cube(t - curve->k) + curve->w_max < curve->estimate) {
        curve->friendly++;
        if (curve->estimate > curve->cwnd)
            curve->cwnd = curve->estimate;
        return;
    }
    double target = 0.4 * cube(t + srtt - curve->k) + curve->w_max;
    if (target > 1.5 * curve->cwnd) {
        target = 1.5 * curve->cwnd;
        curve->clamped++;
    }
    if (target > curve->cwnd)
        curve->cwnd += (target - curve->cwnd) / curve->cwnd;
}

/* ---- The rig ------------------------------------------------------------------------------------------- */

static uint32_t cwnd(struct rig *rig)
{
    return rig_info(rig).cwnd;
}
static unsigned una(struct rig *rig)
{
    return rig->c->snd_una - rig->our_isn;
}
static void ack(struct rig *rig, unsigned number)
{
    inject(rig, ". 1:1(0) ack %u win 65535", number);
}

/** Segments of 1000 octets, a round trip of `rtt`, a window of `segments` that is in use, congestion avoidance. */
static void sending(struct rig *rig, strata_time rtt, unsigned segments)
{
    SET(rig, tcp_hystart, 0);
    SET(rig, tcp_early_retrans, 0);
    rig->options.congestion = CUBIC;
    rig->options.send_bytes = 1000000;
    rig_connect(rig);
    rig_next(rig);
    rig_wait(rig, rtt);
    inject(rig, "S. 0:0(0) ack 1 win 65535 <mss 1000,nop,ws 14>");
    rig_drain(rig);
    inject(rig, ". 1:1(0) ack 1 win 65535"); // now scaled
    rig_write(rig, 1000000);
    rig->c->cwnd = segments * 1000;
    CHECK_EQ(rig_drain(rig), segments);
}

/** A round trip: every segment that is out is acknowledged, one by one, and others follow. */
static void round_trip(struct rig *rig, strata_time rtt, struct curve *curve)
{
    unsigned out = rig_info(rig).flight / 1000;
    rig_wait(rig, rtt);
    for (unsigned i = 0; i < out; i++) {
        ack(rig, una(rig) + 1000);
        if (curve) {
            curve_ack(curve, (double)rig->core.now / 1e9, (double)rig->c->srtt_ns / 1e9);
            double difference = cwnd(rig) / 1000.0 - curve->cwnd;
            CHECK(difference < 0.5 && difference > -0.5);
        }
        rig_write(rig, 1000);
        rig_drain(rig);
    }
}

/** Three duplicate ACKs, and all is repaired; then what `segments` make is in use again. */
static void lose(struct rig *rig, strata_time rtt, unsigned segments)
{
    rig_wait(rig, rtt);
    for (int i = 0; i < 3; i++)
        ack(rig, una(rig));
    CHECK_EQ(rig_info(rig).recovery, 2);
    rig_drain(rig);
    rig_wait(rig, rtt);
    ack(rig, rig->c->snd_nxt - rig->our_isn);
    CHECK_EQ(rig_info(rig).recovery, 0);
    rig->c->cwnd = rig->c->ssthresh = segments * 1000;
    rig_write(rig, 1000000);
    rig_drain(rig);
}

/* RFC 9293 MAY-18. RFC 9438-1: beta. RFC 9438-8: 0.7 of what was in flight. RFC 9438-2, RFC 9438-3, RFC 9438-7: the
 * curve up to W_max, around it and beyond. */
TCP_TEST(the_curve)
{
    sending(rig, 100 * MS, 100);
    CHECK_STR(rig_info(rig).congestion, "cubic"); // RFC 9293 MAY-18
    rig_wait(rig, 100 * MS);
    for (int i = 0; i < 3; i++)
        ack(rig, 1);
    CHECK_EQ(rig_info(rig).ssthresh, 70000); // RFC 9438-1, RFC 9438-8
    rig_drain(rig);
    rig_wait(rig, 100 * MS);
    ack(rig, rig->c->snd_nxt - rig->our_isn);
    rig->c->cwnd = 70000;
    rig_drain(rig);
    struct curve curve = {.cwnd = 70, .w_max = 100, .prior = 100};
    for (int i = 0; i < 70; i++)
        round_trip(rig, 100 * MS, &curve); // RFC 9438-2, RFC 9438-7
    CHECK(curve.k > 4.1 && curve.k < 4.3);
    CHECK(cwnd(rig) > 105000); // 2.8 s beyond K: 0.4 * 2.8^3 = 8.8 segments
    CHECK(curve.friendly < 2000); // in the middle of the plateau Reno would be ahead for a while
}

/* RFC 9438-3: never more than half as much again in a round trip. */
TCP_TEST(a_bound_for_each_round_trip)
{
    sending(rig, 300 * MS, 200);
    lose(rig, 300 * MS, 10);
    struct curve curve = {.cwnd = 10, .w_max = 200, .prior = 200};
    for (int i = 0; i < 15; i++) {
        uint32_t before = cwnd(rig);
        round_trip(rig, 300 * MS, &curve);
        CHECK(cwnd(rig) <= before + before / 2); // RFC 9438-3
    }
    CHECK(curve.clamped > 20);
}

/* RFC 9438-5, RFC 9438-6: on a short path it grows as Reno would, after a smaller step down. */
TCP_TEST(as_friendly_as_reno)
{
    sending(rig, 10 * MS, 20);
    lose(rig, 10 * MS, 14);
    struct curve curve = {.cwnd = 14, .w_max = 20, .prior = 20};
    for (int i = 0; i < 60; i++) {
        uint32_t before = cwnd(rig);
        round_trip(rig, 10 * MS, &curve); // RFC 9438-6
        if (i == 5)
            CHECK(cwnd(rig) - before >= 500 && cwnd(rig) - before <= 560); // RFC 9438-5: 9/17 of a segment
        if (i == 50)
            CHECK(cwnd(rig) - before >= 950 && cwnd(rig) - before <= 1050); // a whole one from the old cwnd on
    }
    CHECK(curve.friendly > 600);
}

/* RFC 9438-4: what the program does not use does not count. RFC 9438-9: nor does it let the window grow. */
TCP_TEST(a_pause_stops_the_clock)
{
    SET(rig, tcp_slow_start_after_idle, 0);
    SET(rig, tcp_window_validation, 0);
    sending(rig, 100 * MS, 100);
    lose(rig, 100 * MS, 70);
    struct curve curve = {.cwnd = 70, .w_max = 100, .prior = 100};
    for (int i = 0; i < 20; i++)
        round_trip(rig, 100 * MS, &curve);
    while (rig->c->send.length > 0) {
        rig_drain(rig);
        rig_wait(rig, 100 * MS);
        while (rig_info(rig).flight > 0) {
            ack(rig, una(rig) + 1000);
            curve_ack(&curve, (double)rig->core.now / 1e9, (double)rig->c->srtt_ns / 1e9);
            rig_drain(rig);
        }
    }
    double stopped = (double)rig->core.now / 1e9;
    uint32_t before = cwnd(rig);
    for (int i = 0; i < 50; i++) { // a segment each 100 ms is no use of the window
        rig_write(rig, 1000);
        rig_drain(rig);
        rig_wait(rig, 100 * MS);
        ack(rig, una(rig) + 1000);
    }
    CHECK_EQ(cwnd(rig), before); // RFC 9438-9
    rig_wait(rig, 3 * STRATA_SECOND);
    rig_write(rig, 1000000);
    rig_drain(rig);
    curve.cwnd = before / 1000.0;
    curve.pause = (double)rig->core.now / 1e9 - stopped + 0.1;
    for (int i = 0; i < 10; i++)
        round_trip(rig, 100 * MS, &curve); // RFC 9438-4
}

/* RFC 9438-10: a window that was smaller than last time is followed by a lower W_max. */
TCP_TEST(fast_convergence)
{
    sending(rig, 100 * MS, 100);
    lose(rig, 100 * MS, 80);
    round_trip(rig, 100 * MS, NULL);
    double prior = cwnd(rig) / 1000.0;
    CHECK(prior > 80 && prior < 90);
    lose(rig, 100 * MS, 50);
    struct curve curve = {.cwnd = 50, .w_max = prior * 0.85, .prior = prior};
    for (int i = 0; i < 50; i++)
        round_trip(rig, 100 * MS, &curve); // RFC 9438-10
}

/* RFC 9438-11: after a timeout slow start up to 0.7 of what was out, then a curve that begins in its middle. */
TCP_TEST(after_a_timeout)
{
    sending(rig, 100 * MS, 100);
    rig_wait(rig, 400 * MS);
    CHECK_EQ(rig_info(rig).recovery, 3);
    CHECK_EQ(cwnd(rig), 1000);
    CHECK_EQ(rig_info(rig).ssthresh, 70000); // RFC 9438-11
    rig_drain(rig);
    ack(rig, 100001);
    rig_drain(rig);
    CHECK_EQ(rig_info(rig).recovery, 0);
    for (int i = 0; i < 10 && cwnd(rig) < 70000; i++)
        round_trip(rig, 100 * MS, NULL);
    // It has begun with one of the last ACKs.
    CHECK(cwnd(rig) >= 70000 && cwnd(rig) < 71000);
    struct curve curve = {.cwnd = cwnd(rig) / 1000.0, .w_max = 70, .prior = 100, .begun = true};
    curve.began = (double)rig->core.now / 1e9;
    curve.estimate = curve.cwnd;
    for (int i = 0; i < 70; i++)
        round_trip(rig, 100 * MS, &curve); // RFC 9438-11
    CHECK(cwnd(rig) > 150000); // 0.4 * 7^3 more
}

/* RFC 9438-8: a loss leaves two segments at least, a mark one. */
TCP_TEST(marks_and_losses_of_a_small_window)
{
    sending(rig, 100 * MS, 2);
    recovery_ecn(rig->c);
    CHECK_EQ(rig_info(rig).ssthresh, 2000);
    rig_wait(rig, 100 * MS);
    ack(rig, 2001);
    CHECK_EQ(rig_info(rig).recovery, 0);
    CHECK_EQ(cwnd(rig), 1400); // RFC 9438-8
    rig_drain(rig);
    rig_wait(rig, 500 * MS);
    CHECK_EQ(rig_info(rig).ssthresh, 2000);
}

/* RFC 9438 4.9: what was no loss changes nothing. */
TCP_TEST(an_undone_loss)
{
    sending(rig, 100 * MS, 100);
    lose(rig, 100 * MS, 70);
    struct curve curve = {.cwnd = 70, .w_max = 100, .prior = 100};
    for (int i = 0; i < 10; i++)
        round_trip(rig, 100 * MS, &curve);
    uint32_t before = cwnd(rig), threshold = rig->c->ssthresh;
    rig->c->ssthresh = congestion_ssthresh(rig->c, before);
    rig->c->cwnd = rig->c->ssthresh;
    congestion_event(rig->c, CONGESTION_LOSS);
    rig->c->cwnd = before;
    rig->c->ssthresh = threshold;
    congestion_event(rig->c, CONGESTION_UNDO);
    for (int i = 0; i < 30; i++)
        round_trip(rig, 100 * MS, &curve);
}

TEST_MAIN(TEST_ENTRY(the_curve), TEST_ENTRY(a_bound_for_each_round_trip), TEST_ENTRY(as_friendly_as_reno),
          TEST_ENTRY(a_pause_stops_the_clock), TEST_ENTRY(fast_convergence), TEST_ENTRY(after_a_timeout),
          TEST_ENTRY(marks_and_losses_of_a_small_window), TEST_ENTRY(an_undone_loss))
