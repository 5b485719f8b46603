/**
 * Congestion control and fast recovery (RFC 5681, RFC 6582, RFC 3042, RFC 6928), as NewReno has them, without
 * HyStart++.
 */
#include "tests/transport/rig.h"

#define NEWRENO 1

/** Connected with segments of 1000 octets, plenty to send, a window of 1000000. */
static void connected(struct rig *rig)
{
    rig->options.congestion = NEWRENO;
    SET(rig, tcp_hystart, 0);
    rig->options.send_bytes = 1 << 20;
    rig_accept(rig, "S 0:0(0) win 65535 <mss 1000,nop,ws 4>");
    inject(rig, ". 1:1(0) ack 1 win 62500");
}
static void sending(struct rig *rig)
{
    connected(rig);
    rig_write(rig, 500000);
}

static uint32_t cwnd(struct rig *rig)
{
    return rig_info(rig).cwnd;
}

static void ack(struct rig *rig, unsigned number)
{
    inject(rig, ". 1:1(0) ack %u win 62500", number);
}

/* RFC 6928-1: ten segments at first. RFC 6928-2: and whoever runs it can see what becomes of them. */
TCP_TEST(the_initial_window)
{
    sending(rig);
    CHECK_EQ(rig_drain(rig), 10);
    CHECK_EQ(cwnd(rig), 10000);
    rig_wait(rig, STRATA_SECOND / 4);
    rig_drain(rig);
    CHECK_EQ(COUNT(rig, tcp_segments_sent), 12);
    CHECK_EQ(COUNT(rig, tcp_segments_retransmitted), 1);
    CHECK_EQ(rig_info(rig).segments_retransmitted, 1); // RFC 6928-2
}

/* RFC 6928-1 for large segments: min(10 * MSS, max(2 * MSS, 14600)). */
TEST(the_initial_window_of_large_segments)
{
    for (int ipv6 = 0; ipv6 < 2; ipv6++) {
        struct rig *rig = rig_new(ipv6, 9000, 0);
        rig_accept(rig, "S 0:0(0) win 65535 <mss 2000>");
        CHECK_EQ(cwnd(rig), 14600); // RFC 6928-1
        rig_free(rig);
        rig = rig_new(ipv6, 9000, 0);
        rig_accept(rig, "S 0:0(0) win 65535 <mss 8000>");
        CHECK_EQ(cwnd(rig), 16000);
        rig_free(rig);
    }
}

/* RFC 5681-2 where somebody wants it: the setting. */
TCP_TEST(a_smaller_initial_window)
{
    SET(rig, tcp_initial_window, 3);
    sending(rig);
    CHECK_EQ(rig_drain(rig), 3); // RFC 5681-2: 3 * SMSS for segments of less than 1095 octets
}

/* RFC 5681-3: the handshake's ACK lets nothing grow; after a lost SYN there is one segment. */
TCP_TEST(the_initial_window_after_a_lost_syn)
{
    rig_connect(rig);
    expect(rig, "S 0:0(0)");
    rig_wait(rig, STRATA_SECOND);
    expect(rig, "S 0:0(0)");
    inject(rig, "S. 0:0(0) ack 1 win 65535 <mss 1000>");
    CHECK_EQ(cwnd(rig), 1000); // RFC 5681-3
    rig_write(rig, 5000);
    expect(rig, ". 1:1001(1000) ack 1");
    silence(rig);
}

TCP_TEST(the_initial_window_after_a_lost_syn_ack)
{
    rig_listen(rig);
    inject(rig, "S 0:0(0) win 65535 <mss 1000>");
    rig_drain(rig);
    rig_wait(rig, STRATA_SECOND);
    rig_drain(rig);
    inject(rig, ". 1:1(0) ack 1 win 65535");
    rig->c = tcp_accept(rig->listener, rig);
    CHECK_EQ(cwnd(rig), 1000); // RFC 5681-3
}

/* RFC 5681-4: min(N, SMSS) per ACK; RFC 9293 MUST-19: slow start. */
TCP_TEST(slow_start)
{
    sending(rig);
    CHECK_EQ(rig_drain(rig), 10);
    ack(rig, 1001);
    CHECK_EQ(cwnd(rig), 11000);
    CHECK_EQ(rig_drain(rig), 2);
    ack(rig, 4001); // three segments, one ACK
    CHECK_EQ(cwnd(rig), 12000);
    CHECK_EQ(rig_drain(rig), 4);
    ack(rig, 4101); // a hundred octets
    CHECK_EQ(cwnd(rig), 12100);
}

/* RFC 5681-5: one segment per round trip, RFC 9293 MUST-19: congestion avoidance. */
TCP_TEST(congestion_avoidance)
{
    sending(rig);
    rig->c->ssthresh = 10000;
    unsigned at = 1;
    CHECK_EQ(rig_drain(rig), 10);
    for (uint32_t window = 10; window < 20; window++) {
        for (uint32_t i = 0; i < window; i++) {
            CHECK(cwnd(rig) <= window * 1000);
            ack(rig, at += 1000);
            rig_drain(rig);
        }
        CHECK_EQ(cwnd(rig), window * 1000 + 1000);
    }
}

TCP_TEST(a_window_that_is_not_used_does_not_grow)
{
    connected(rig);
    for (unsigned at = 1; at < 20001; at += 1000) {
        rig_write(rig, 1000);
        CHECK_EQ(rig_drain(rig), 1);
        ack(rig, at + 1000);
    }
    CHECK_EQ(cwnd(rig), 10000);
}

/* RFC 5681-6, RFC 5681-7: half of what was out, and one segment. Repeated timeouts leave ssthresh alone. */
TCP_TEST(a_timeout)
{
    SET(rig, tcp_frto, 0); // what follows without it
    sending(rig);
    CHECK_EQ(rig_drain(rig), 10);
    rig_wait(rig, 250 * MS);
    expect(rig, ". 1:1001(1000) ack 1");
    silence(rig);
    CHECK_EQ(cwnd(rig), 1000);
    CHECK_EQ(rig_info(rig).ssthresh, 5000);
    CHECK_EQ(rig_info(rig).recovery, 3);
    rig_wait(rig, 600 * MS);
    expect(rig, ". 1:1001(1000) ack 1");
    CHECK_EQ(cwnd(rig), 1000);
    CHECK_EQ(rig_info(rig).ssthresh, 5000);
    // Slow start again, over what was lost, until ssthresh.
    ack(rig, 1001);
    CHECK_EQ(cwnd(rig), 2000);
    expect(rig, ". 1001:2001(1000) ack 1");
    expect(rig, "P. 2001:3001(1000) ack 1");
    silence(rig);
    ack(rig, 3001);
    CHECK_EQ(cwnd(rig), 3000);
    CHECK_EQ(rig_drain(rig), 3);
    ack(rig, 10001); // all the rest had been there
    CHECK_EQ(rig_info(rig).recovery, 0);
    CHECK_EQ(cwnd(rig), 4000);
    expect(rig, ". 10001:11001(1000) ack 1");
    CHECK_EQ(rig_drain(rig), 3);
}

TCP_TEST(a_timeout_with_little_out)
{
    connected(rig);
    rig_write(rig, 1000);
    rig_drain(rig);
    rig_wait(rig, 250 * MS);
    CHECK_EQ(rig_info(rig).ssthresh, 2000); // RFC 5681-6: at least two
}

/* RFC 3042-1: the first two duplicates each let one new segment go. RFC 3042-2: cwnd stays. */
TCP_TEST(limited_transmit)
{
    sending(rig);
    CHECK_EQ(rig_drain(rig), 10);
    ack(rig, 1);
    expect(rig, ". 10001:11001(1000) ack 1");
    silence(rig);
    CHECK_EQ(cwnd(rig), 10000);
    ack(rig, 1);
    expect(rig, ". 11001:12001(1000) ack 1");
    silence(rig);
    CHECK_EQ(cwnd(rig), 10000);
}

/* RFC 5681-8: the third duplicate; RFC 5681-10: what limited transmit sent does not count. RFC 5681-9: each
 * further one adds a segment. RFC 6582-4: the full ACK ends it. */
TCP_TEST(fast_retransmit_and_recovery)
{
    sending(rig);
    CHECK_EQ(rig_drain(rig), 10);
    ack(rig, 1);
    ack(rig, 1);
    CHECK_EQ(rig_drain(rig), 2);
    ack(rig, 1);
    CHECK_EQ(rig_info(rig).ssthresh, 5000); // RFC 5681-10
    CHECK_EQ(cwnd(rig), 8000);
    CHECK_EQ(rig_info(rig).recovery, 2);
    expect(rig, ". 1:1001(1000) ack 1"); // RFC 5681-8
    silence(rig);
    for (int i = 0; i < 4; i++)
        ack(rig, 1);
    CHECK_EQ(cwnd(rig), 12000); // RFC 5681-9
    silence(rig);
    ack(rig, 1);
    expect(rig, ". 12001:13001(1000) ack 1");
    silence(rig);
    ack(rig, 12001);
    CHECK_EQ(cwnd(rig), 2000); // RFC 6582-4: min(ssthresh, max(FlightSize, SMSS) + SMSS)
    CHECK_EQ(rig_info(rig).recovery, 0);
    CHECK_EQ(rig_info(rig).fast_retransmits, 1);
    expect(rig, ". 13001:14001(1000) ack 1");
    silence(rig);
}

/* RFC 5681-11: what is no duplicate. */
TCP_TEST(what_is_no_duplicate)
{
    sending(rig);
    CHECK_EQ(rig_drain(rig), 10);
    for (int i = 0; i < 4; i++)
        inject(rig, ". 1:1(0) ack 1 win %d", 62400 - i); // another window
    inject(rig, "P. 1:11(10) ack 1 win 62397");          // data
    inject(rig, "P. 11:21(10) ack 1 win 62397");
    inject(rig, "P. 21:31(10) ack 1 win 62397");
    inject(rig, "P. 1:31(30) ack 1 win 62397"); // old data, cut off entirely, is data
    inject(rig, "P. 1:31(30) ack 1 win 62397");
    inject(rig, "P. 1:31(30) ack 1 win 62397");
    rig_drain(rig);
    CHECK_EQ(rig_info(rig).fast_retransmits, 0);
    CHECK_EQ(rig_info(rig).recovery, 0);
}

TCP_TEST(nothing_out_no_duplicates)
{
    connected(rig);
    for (int i = 0; i < 5; i++)
        ack(rig, 1); // RFC 5681-11
    rig_write(rig, 1000);
    expect(rig, "P. 1:1001(1000) ack 1");
    silence(rig);
    CHECK_EQ(rig_info(rig).recovery, 0);
}

/* RFC 6582-3: a partial ACK lets the next hole be filled at once and deflates; RFC 6582-5: the first one
 * resets the timer, later ones do not. */
TCP_TEST(partial_acks)
{
    sending(rig);
    CHECK_EQ(rig_drain(rig), 10);
    for (int i = 0; i < 3; i++) {
        ack(rig, 1);
        CHECK_EQ(rig_drain(rig), 1); // two new ones, and the first again
    }
    for (int i = 0; i < 4; i++)
        ack(rig, 1);
    CHECK_EQ(cwnd(rig), 12000);
    rig_wait(rig, 150 * MS);
    ack(rig, 3001); // 1 to 3000 are there, 3001 is not
    expect(rig, ". 3001:4001(1000) ack 1");
    CHECK_EQ(cwnd(rig), 10000); // less 3000, plus 1000
    CHECK_EQ(rig_info(rig).recovery, 2);
    strata_time at = rig->core.now, rto = rig_info(rig).rto_ns;
    rig_drain(rig);
    rig_wait(rig, rto / 2); // beyond the first time of the timer, which was set anew (RFC 6582-5)
    CHECK_EQ(rig_info(rig).timeouts, 0);
    ack(rig, 5001);
    expect(rig, ". 5001:6001(1000) ack 1");
    CHECK_EQ(cwnd(rig), 9000);
    CHECK_EQ(rig->c->retransmit_at, at + rto); // not anew this time
    rig_drain(rig);
    ack(rig, 12001);
    CHECK_EQ(rig_info(rig).recovery, 0);
}

/* RFC 6582-1, RFC 6582-2: the very first segment may be sent again fast; then only beyond `recover`.
 * RFC 6582-6: a timeout sets it too. */
TCP_TEST(no_second_recovery_for_one_window)
{
    sending(rig);
    CHECK_EQ(rig_drain(rig), 10);
    rig_wait(rig, 250 * MS);
    expect(rig, ". 1:1001(1000) ack 1");
    ack(rig, 1001);
    CHECK_EQ(rig_drain(rig), 2);
    for (int i = 0; i < 5; i++)
        ack(rig, 1001); // the peer had those already
    CHECK_EQ(rig_info(rig).fast_retransmits, 0); // RFC 6582-6
    ack(rig, 10001);
    rig_drain(rig);
    // At `recover` exactly: these are still the echo of what was sent twice (RFC 6582-2).
    for (int i = 0; i < 5; i++)
        ack(rig, 10001);
    CHECK_EQ(rig_info(rig).fast_retransmits, 0);
    rig_drain(rig);
    ack(rig, 11001);
    rig_drain(rig);
    for (int i = 0; i < 3; i++)
        ack(rig, 11001);
    CHECK_EQ(rig_info(rig).fast_retransmits, 1);
}

TCP_TEST(the_first_segment_of_all_is_sent_again_fast)
{
    sending(rig);
    CHECK_EQ(rig_drain(rig), 10);
    for (int i = 0; i < 3; i++)
        ack(rig, 1);
    CHECK_EQ(rig_info(rig).fast_retransmits, 1); // RFC 6582-1
}

/* RFC 5681-15: when the retransmission is lost too, the window is lowered again. */
TCP_TEST(a_lost_retransmission_counts_again)
{
    sending(rig);
    CHECK_EQ(rig_drain(rig), 10);
    for (int i = 0; i < 3; i++) {
        ack(rig, 1);
        rig_drain(rig);
    }
    CHECK_EQ(rig_info(rig).ssthresh, 5000);
    rig->c->cwnd = 1000;
    rig_wait(rig, 250 * MS);
    CHECK_EQ(rig_info(rig).timeouts, 1);
    CHECK_EQ(rig_info(rig).ssthresh, 6000); // half of the 12000 that are out by now
    CHECK_EQ(cwnd(rig), 1000);              // RFC 5681-15
    CHECK_EQ(rig_info(rig).recovery, 3);
}

/* RFC 5681-12: after an idle time the window is that of a beginning. */
TCP_TEST(after_an_idle_time)
{
    connected(rig);
    rig_write(rig, 40000);
    unsigned at = 1, segments = 0;
    while (at < 40001) {
        segments += rig_drain(rig);
        ack(rig, at += 1000);
    }
    CHECK_EQ(segments, 40);
    CHECK(cwnd(rig) > 20000);
    uint32_t before = cwnd(rig);
    rig_wait(rig, 100 * MS);
    rig_write(rig, 100000);
    CHECK_EQ(rig_drain(rig), before / 1000); // not idle for long
    ack(rig, at += before / 1000 * 1000);
    rig_drain(rig);
    ack(rig, 140001);
    while (rig_info(rig).flight > 0) {
        rig_drain(rig);
        ack(rig, rig->c->snd_nxt - rig->our_isn);
    }
    rig_wait(rig, 10 * STRATA_SECOND);
    rig_write(rig, 100000);
    CHECK_EQ(rig_drain(rig), 10); // RFC 5681-12
}

TCP_TEST(algorithms_have_names)
{
    static const char *const names[] = {"cubic", "newreno", "reno", "tahoe", "vegas", "bbr"};
    for (unsigned i = 0; i < 6; i++)
        CHECK_STR(tcp_congestion_name(i), names[i]);
    CHECK(tcp_congestion_name(6) == NULL && tcp_congestion_name(1000) == NULL);
    CHECK_EQ(rig->options.congestion, 0); // CUBIC unless told otherwise
    connected(rig);
    CHECK_STR(rig_info(rig).congestion, "newreno");
}

TEST_MAIN(TEST_ENTRY(the_initial_window), TEST_ENTRY(the_initial_window_of_large_segments),
          TEST_ENTRY(a_smaller_initial_window), TEST_ENTRY(the_initial_window_after_a_lost_syn),
          TEST_ENTRY(the_initial_window_after_a_lost_syn_ack), TEST_ENTRY(slow_start),
          TEST_ENTRY(congestion_avoidance), TEST_ENTRY(a_window_that_is_not_used_does_not_grow),
          TEST_ENTRY(a_timeout), TEST_ENTRY(a_timeout_with_little_out), TEST_ENTRY(limited_transmit),
          TEST_ENTRY(fast_retransmit_and_recovery), TEST_ENTRY(what_is_no_duplicate),
          TEST_ENTRY(nothing_out_no_duplicates), TEST_ENTRY(partial_acks),
          TEST_ENTRY(no_second_recovery_for_one_window), TEST_ENTRY(the_first_segment_of_all_is_sent_again_fast),
          TEST_ENTRY(a_lost_retransmission_counts_again), TEST_ENTRY(after_an_idle_time),
          TEST_ENTRY(algorithms_have_names))
