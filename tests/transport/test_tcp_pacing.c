/**
 * Pacing: segments leave at a rate, to the nanosecond.
 */
#include "tests/transport/rig.h"
#include "transport/tcp/congestion.h"
#include "transport/tcp/model.h"

/** Segments of 1000 octets, a round trip of 100 ms, 100 segments written. */
static void sending(struct rig *rig)
{
    SET(rig, tcp_early_retrans, 0);
    rig->options.congestion = 1;
    rig->options.send_bytes = 1 << 20;
    rig_connect(rig);
    rig_next(rig);
    rig_wait(rig, 100 * MS);
    inject(rig, "S. 0:0(0) ack 1 win 65535 <mss 1000,nop,ws 14>");
    rig_drain(rig);
    inject(rig, ". 1:1(0) ack 1 win 65535"); // now scaled
    rig_write(rig, 100000);
}

/** Nothing leaves for so long, to the nanosecond. */
static void held_for(struct rig *rig, strata_time wait)
{
    rig_wait(rig, wait - 1);
    silence(rig);
    rig_wait(rig, 1);
}

/* An initial window of 10 segments in half a round trip: two each 10 ms. */
TCP_TEST(twice_the_window_in_slow_start)
{
    SET(rig, tcp_pacing, 1);
    sending(rig);
    CHECK_EQ(rig_drain(rig), 2);
    for (int i = 0; i < 4; i++) {
        held_for(rig, 10 * MS);
        CHECK_EQ(rig_drain(rig), 2);
    }
    rig_wait(rig, 30 * MS);
    silence(rig); // now the window is full
    CHECK_EQ(rig_info(rig).flight, 10000);
    CHECK_EQ(model_pacing_rate(rig->c), 200000);
}

TCP_TEST(a_fifth_more_in_congestion_avoidance)
{
    SET(rig, tcp_pacing, 1);
    sending(rig);
    rig->c->ssthresh = 10000;
    rig_drain(rig);
    pacing_update(rig->c);
    CHECK_EQ(model_pacing_rate(rig->c), 120000);
    SET(rig, tcp_pacing_ca_ratio, 100);
    CHECK_EQ(model_pacing_rate(rig->c), 100000);
}

/* Unless somebody asks for it nothing is paced. */
TCP_TEST(not_by_default)
{
    sending(rig);
    CHECK_EQ(rig_drain(rig), 10);
    CHECK_EQ(model_pacing_rate(rig->c), 200000); // but this is what it would be
}

/* What the program allows: 1,000,000 octets a second, two segments each 2 ms. It may change at any time. */
TCP_TEST(a_bound_of_the_program)
{
    rig->options.pacing_bytes = 1000000;
    sending(rig);
    rig->c->cwnd = 1000000;
    unsigned sent = rig_drain(rig);
    CHECK_EQ(model_pacing_rate(rig->c), 1000000);
    CHECK_EQ(sent, 2);
    for (int i = 0; i < 1000; i++) {
        rig_wait(rig, 20 * STRATA_MICROSECOND);
        sent += rig_drain(rig);
    }
    CHECK_EQ(sent, 22);
    rig->options.pacing_bytes = 0;
    tcp_set_options(rig->c, &rig->options);
    CHECK_EQ(sent + rig_drain(rig), 100);
    CHECK(!(rig->c->flags & FLAG_PACED));
}

/* Far below a millisecond: 64 KiB of a gigabyte a second take 65 us. */
TCP_TEST(fast)
{
    rig->options.pacing_bytes = 1000000000;
    sending(rig);
    rig->c->cwnd = 1000000;
    rig->c->srtt_ns = MS;
    rig_write(rig, 900000);
    CHECK_EQ(rig_drain(rig), 66);
    CHECK_EQ(model_pacing_rate(rig->c), 1000000000);
    held_for(rig, 66 * STRATA_MICROSECOND);
    CHECK_EQ(rig_drain(rig), 66);
}

/* Slow: below 1.2 Mbit/s single segments. */
TCP_TEST(slow)
{
    rig->options.pacing_bytes = 10000;
    sending(rig);
    CHECK_EQ(rig_drain(rig), 1);
    held_for(rig, 100 * MS);
    CHECK_EQ(rig_drain(rig), 1);
}

/* However slow, nobody waits longer than a second. */
TCP_TEST(very_slow)
{
    rig->options.pacing_bytes = 10;
    sending(rig);
    for (unsigned i = 1; i < 5; i++) {
        CHECK_EQ(rig_drain(rig), 1);
        inject(rig, ". 1:1(0) ack %u win 65535", 1 + i * 1000);
        held_for(rig, STRATA_SECOND);
    }
}

/* A timer that comes late: up to a millisecond is made good, more is lost. Two segments each 2 ms. */
TCP_TEST(a_late_timer)
{
    rig->options.pacing_bytes = 1000000;
    sending(rig);
    rig->c->cwnd = 1000000;
    CHECK_EQ(rig_drain(rig), 2);
    core_at(&rig->core, rig->core.now + 2 * MS + MS / 2);
    connection_mark(rig->c);
    CHECK_EQ(rig_drain(rig), 3); // and two and a half milliseconds are left of their three
    held_for(rig, 2 * MS + MS / 2);
    CHECK_EQ(rig_drain(rig), 2);
    core_at(&rig->core, rig->core.now + 20 * MS);
    connection_mark(rig->c);
    CHECK_EQ(rig_drain(rig), 3);
    held_for(rig, 2 * MS);
    CHECK_EQ(rig_drain(rig), 2);
}

/* ACKs and what a timer forces out do not wait. */
TCP_TEST(what_does_not_wait)
{
    rig->options.pacing_bytes = 1000;
    sending(rig);
    expect(rig, ". 1:1001(1000) ack 1");
    silence(rig);
    inject(rig, ". 1:1001(1000) ack 1 win 65535");
    inject(rig, ". 1001:2001(1000) ack 1 win 65535");
    expect(rig, ". 1001:1001(0) ack 2001");
    silence(rig);
    rig_wait(rig, 500 * MS);
    expect(rig, ". 1:1001(1000) ack 2001"); // the retransmission timer
    silence(rig);
    CHECK_EQ(rig_info(rig).timeouts, 1);
}

/* Time in which there was nothing to send is not saved up. */
TCP_TEST(no_credit)
{
    rig->options.pacing_bytes = 1000000;
    sending(rig);
    rig->c->cwnd = 1000000;
    for (int i = 0; i < 50; i++) {
        CHECK_EQ(rig_drain(rig), 2);
        rig_wait(rig, 2 * MS);
    }
    inject(rig, ". 1:1(0) ack 100001 win 65535");
    rig_wait(rig, 50 * MS);
    rig_write(rig, 10000);
    CHECK_EQ(rig_drain(rig), 2);
}

/* Unless the host gives credit for it: then the first wait is half as long. */
TCP_TEST(some_credit)
{
    for (int credit = 0; credit < 2; credit++) {
        struct rig *own = rig_new(rig->ipv6, 1500, 0);
        SET(own, tcp_pacing_credit, credit);
        own->options.pacing_bytes = 1000000;
        sending(own);
        own->c->cwnd = 1000000;
        for (int i = 0; i < 50; i++) {
            rig_drain(own);
            rig_wait(own, 2 * MS);
        }
        inject(own, ". 1:1(0) ack 100001 win 65535");
        rig_wait(own, 50 * MS);
        rig_write(own, 10000);
        CHECK_EQ(rig_drain(own), 2);
        strata_time wait = credit ? MS : 2 * MS;
        rig_wait(own, wait - 1000);
        silence(own);
        rig_wait(own, 2000); // a few nanoseconds for what is rounded
        CHECK_EQ(rig_drain(own), 2);
        rig_wait(own, 2 * MS - 2000); // once
        silence(own);
        rig_wait(own, 2000);
        CHECK_EQ(rig_drain(own), 2);
        rig_free(own);
    }
}

/* What a connection begins with may go as it likes. */
TCP_TEST(free_segments)
{
    SET(rig, tcp_pacing, 1);
    SET(rig, tcp_pacing_free_segments, 6);
    sending(rig);
    CHECK_EQ(rig_drain(rig), 8); // and two that are paced
    rig_wait(rig, 10 * MS - 10);
    silence(rig);
    rig_wait(rig, 10);
    CHECK_EQ(rig_drain(rig), 2);
}

TEST_MAIN(TEST_ENTRY(twice_the_window_in_slow_start), TEST_ENTRY(a_fifth_more_in_congestion_avoidance),
          TEST_ENTRY(not_by_default), TEST_ENTRY(a_bound_of_the_program), TEST_ENTRY(fast), TEST_ENTRY(slow),
          TEST_ENTRY(very_slow), TEST_ENTRY(a_late_timer),
          TEST_ENTRY(what_does_not_wait), TEST_ENTRY(no_credit), TEST_ENTRY(some_credit),
          TEST_ENTRY(free_segments))
