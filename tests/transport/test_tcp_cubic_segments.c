/**
 * CUBIC in whole segments (strata.tcp_cubic_segments): which ACK makes the window one segment larger.
 */
#include "tests/transport/rig.h"
#include "transport/tcp/congestion.h"
#include "transport/tcp/cubic_segments.h"
#include "transport/tcp/model.h"

/** Segments of 1000 octets, so much written that cwnd is what limits, and one round trip of 100 ms measured.
 */
static void sending(struct rig *rig)
{
    SET(rig, tcp_cubic_segments, 1);
    SET(rig, tcp_window_validation, 0);
    SET(rig, tcp_growth_delivered, 1);
    SET(rig, tcp_hystart, HYSTART_CLASSIC);
    SET(rig, tcp_early_retrans, 0);
    rig->options.send_bytes = 1 << 24;
    rig_connect(rig);
    rig_next(rig);
    rig_wait(rig, 100 * MS);
    inject(rig, "S. 0:0(0) ack 1 win 65535 <mss 1000,sackok,nop,ws 14>");
    rig_drain(rig);
    inject(rig, ". 1:1(0) ack 1 win 65535"); // now scaled
}

static uint32_t cwnd(struct rig *rig)
{
    return rig_info(rig).cwnd / 1000;
}

/** After `wait`, two segments more are acknowledged. @return the window in segments. */
static uint32_t ack(struct rig *rig, strata_time wait)
{
    rig_wait(rig, wait);
    inject(rig, ". 1:1(0) ack %u win 65535", rig->c->snd_una - rig->our_isn + 2000);
    rig_drain(rig);
    return cwnd(rig);
}

/* A link of two segments each 100 ms: slow start ends at 48, where nine samples of a round are too long, with
 * the ACK that would have made it 50; then the window grows by one for twenty segments, until the curve asks
 * for more, and for two at the end. */
TCP_TEST(a_slow_link)
{
    sending(rig);
    rig_write(rig, 1 << 20);
    rig_drain(rig);
    for (uint32_t i = 1; i < 20; i++)
        CHECK_EQ(ack(rig, 100 * MS), 10 + 2 * i);
    for (unsigned i = 0; i < 9; i++)
        CHECK_EQ(ack(rig, 100 * MS), 48);
    CHECK_EQ(rig_info(rig).ssthresh, 48000);
    CHECK_EQ(ack(rig, 100 * MS), 49); // the tenth: twenty segments
    for (unsigned i = 0; i < 9; i++)
        CHECK_EQ(ack(rig, 100 * MS), 49);
    CHECK_EQ(ack(rig, 100 * MS), 50);
    for (unsigned i = 0; i < 21; i++)
        ack(rig, 100 * MS);
    CHECK_EQ(cwnd(rig), 58);
    for (uint32_t i = 1; i <= 40; i++)
        CHECK_EQ(ack(rig, 100 * MS), 58 + i);
}

/* Time in which nothing is in flight is no time of the curve. */
TCP_TEST(an_idle_time)
{
    sending(rig);
    rig->c->ssthresh = 10000;
    rig_write(rig, 10000);
    rig_drain(rig);
    for (int i = 0; i < 5; i++)
        ack(rig, 20 * MS);
    CHECK_EQ(cwnd(rig), 10);
    CHECK_EQ(rig_info(rig).flight, 0);
    rig_wait(rig, 20 * STRATA_SECOND); // after which the curve would be 3200 segments higher
    rig_write(rig, 1 << 20);
    rig_drain(rig);
    uint32_t before = cwnd(rig);
    for (int i = 0; i < 5; i++)
        ack(rig, 20 * MS);
    CHECK(cwnd(rig) <= before + 1);
}

/* However little was in flight, a timeout reduces cwnd; behind ssthresh the window is one larger for twenty
 * segments, since the timeout has made the path unknown, or where a Reno would be faster. */
TCP_TEST(after_a_timeout)
{
    sending(rig);
    rig_write(rig, 1000);
    rig_drain(rig);
    CHECK(!rig->c->model); // so little needs none
    rig_wait(rig, 100 * MS);
    inject(rig, ". 1:1(0) ack 1001 win 65535");
    CHECK_EQ(cwnd(rig), 10);
    rig_write(rig, 1000);
    rig_drain(rig);
    rig_wait(rig, 300 * MS + 1);
    rig_drain(rig);
    CHECK_EQ(rig_info(rig).ssthresh, 7000); // 717/1024 of ten
    rig_wait(rig, 100 * MS);
    inject(rig, ". 1:1(0) ack 2001 win 65535");
    rig_write(rig, 1 << 20);
    rig_drain(rig);
    for (uint32_t i = 1; cwnd(rig) < 7; i++) {
        rig_wait(rig, 10 * MS);
        inject(rig, ". 1:1(0) ack %u win 65535", 2001 + 1000 * i);
        rig_drain(rig);
        REQUIRE(i < 10);
    }
    unsigned acks = 0;
    while (cwnd(rig) < 8) {
        rig_wait(rig, 10 * MS);
        inject(rig, ". 1:1(0) ack %u win 65535", rig->c->snd_una - rig->our_isn + 1000);
        rig_drain(rig);
        acks++;
        REQUIRE(acks < 30);
    }
    CHECK(acks >= 14 && acks <= 20);
}

/* W_max is where the last loss was, a bit less where the window had not come so far; the curve is flat there.
 */
TCP_TEST(the_middle_of_the_curve)
{
    struct cubic_segments cubic = {.w_max = 0};
    struct tcp_ack news = {.acked = 1000, .delivered = 1000, .rtt_ns = 1};
    sending(rig);
    rig_write(rig, 1 << 20);
    rig_drain(rig);
    rig->c->cwnd = 100000;
    CHECK_EQ(cubic_segments_ssthresh(rig->c, &cubic), 70000);
    CHECK_EQ(cubic.w_max, 100);
    rig->c->cwnd = 80000;
    CHECK_EQ(cubic_segments_ssthresh(rig->c, &cubic), 56000);
    CHECK_EQ(cubic.w_max, 68); // 80 * (1024 + 717) / 2048
    cubic.w_max = 100;
    rig->c->cwnd = rig->c->ssthresh = 70000;
    rig->c->model->hystart.active = false;
    rig->c->flags |= FLAG_CWND_LIMITED;
    cubic_segments_acked(rig->c, &cubic, &news);
    // K = cbrt(30 / 0.4) = 4.2 s
    CHECK(cubic.k > 4210 * 1024 / 1000 && cubic.k < 4225 * 1024 / 1000);
    CHECK_EQ(cubic.origin, 100);
    rig_wait(rig, 4217 * MS);
    rig->c->cwnd = 90000;
    cubic_segments_acked(rig->c, &cubic, &news);
    CHECK_EQ(cubic.per_growth, 9); // ten segments more are wanted
    cubic_segments_event(rig->c, &cubic, CONGESTION_TIMEOUT);
    CHECK_EQ(cubic.w_max, 0);
}

/* Where the path is known to reorder, what is SACKed lets the window grow like what is acknowledged. */
TCP_TEST(growth_where_the_path_reorders)
{
    for (int reorders = 0; reorders < 2; reorders++) {
        struct rig *own = rig_new(rig->ipv6, 1500, 0);
        sending(own);
        rig_write(own, 1 << 20);
        rig_drain(own);
        own->c->overtaken = reorders ? 4 : 0;
        rig_wait(own, 100 * MS);
        inject(own, ". 1:1(0) ack 1 win 65535 <nop,nop,sack 8001:10001>");
        CHECK_EQ(cwnd(own), reorders ? 12 : 10);
        rig_free(own);
    }
}

TEST_MAIN(TEST_ENTRY(a_slow_link), TEST_ENTRY(an_idle_time), TEST_ENTRY(after_a_timeout),
          TEST_ENTRY(the_middle_of_the_curve), TEST_ENTRY(growth_where_the_path_reorders))
