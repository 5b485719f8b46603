/**
 * What was no loss: spurious timeouts found out by F-RTO (RFC 5682), spurious retransmissions by duplicates and
 * timestamps; and that windows come back then.
 */
#include "tests/transport/rig.h"
#include "transport/tcp/recovery.h"

/** We say this data; whether PSH is set is not what these tests are about. */
static void data(struct rig *rig, const char *segment)
{
    const char *said = rig_next(rig), *options = strchr(segment, '<');
    size_t length = strcspn(segment, "<") - (options ? 1 : 0);
    const char *at = strchr(said, ' ');
    if (!at || strncmp(at + 1, segment, length) != 0 || (options && !strstr(said, options)))
        CHECK_STR(said, segment);
}

/** A round trip of 100 ms; `sack` and `ts` as the SYN-ACK's options; 10 segments of 1000 octets are out, 10 more
 * written; no probes. */
static void sending(struct rig *rig, const char *options)
{
    rig->options.congestion = 1; // NewReno, which halves
    SET(rig, tcp_hystart, 0);
    rig->options.send_bytes = 1 << 20;
    SET(rig, tcp_early_retrans, 0);
    rig_connect(rig);
    rig_next(rig);
    rig_wait(rig, 100 * MS);
    inject(rig, "S. 0:0(0) ack 1 win 65535 <mss 1000%s>", options);
    rig_drain(rig);
    rig->c->smss = 1000; // with timestamps too
    rig->c->cwnd = 10000;
    rig_write(rig, 20000);
    CHECK_EQ(rig_drain(rig), 10);
}
#define SACK ",sackok,nop,nop"
#define STAMPS ",nop,nop,ts 500 0"

static void timed_out(struct rig *rig, const char *options)
{
    sending(rig, options);
    rig_wait(rig, 300 * MS);
    data(rig, "1:1001(1000) ack 1");
    silence(rig);
    CHECK_EQ(rig_info(rig).timeouts, 1);
    CHECK_EQ(rig_info(rig).recovery, 3);
    CHECK_EQ(rig_info(rig).cwnd, 1000);
    CHECK_EQ(rig_info(rig).ssthresh, 5000);
    rig_wait(rig, 50 * MS);
}
static void check_undone(struct rig *rig)
{
    CHECK_EQ(COUNT(rig, tcp_spurious_timeouts), 1);
    CHECK_EQ(rig_info(rig).recovery, 0);
    CHECK(rig_info(rig).cwnd >= 10000);
    CHECK_EQ(rig_info(rig).ssthresh, UINT32_MAX);
    CHECK_EQ(rig->c->sent.lost_bytes, 0);
    CHECK_EQ(rig_info(rig).segments_retransmitted, 1);
}

/* RFC 5682-2: the first ACK advances: two new segments, no retransmission. RFC 5682-3: the second advances too: the
 * timeout was spurious, all is as it was. */
static void spurious(struct rig *rig, const char *options)
{
    timed_out(rig, options);
    inject(rig, ". 1:1(0) ack 1001 win 65535");
    data(rig, "10001:11001(1000) ack 1"); // RFC 5682-2
    data(rig, "11001:12001(1000) ack 1");
    silence(rig);
    inject(rig, ". 1:1(0) ack 2001 win 65535"); // RFC 5682-3
    check_undone(rig);
    CHECK(rig_drain(rig) > 0);
}
TCP_TEST(a_spurious_timeout)
{
    spurious(rig, "");
}
TCP_TEST(a_spurious_timeout_with_sack)
{
    spurious(rig, SACK);
}

/* RFC 5682-3 with SACK: what was out before and not sent again is SACKed. */
TCP_TEST(a_spurious_timeout_told_by_sack)
{
    timed_out(rig, SACK);
    inject(rig, ". 1:1(0) ack 1 win 65535 <nop,nop,sack 1001:2001>");
    CHECK_EQ(COUNT(rig, tcp_spurious_timeouts), 1); // RFC 5682-3
    CHECK_EQ(rig_info(rig).recovery, 1);
    CHECK_EQ(rig_info(rig).cwnd, 10000);
}

/* RFC 5682-1: the first retransmits the head; a duplicate as the first answer: it was no mistake. */
static void real(struct rig *rig, const char *options)
{
    timed_out(rig, options); // RFC 5682-1: the head
    inject(rig, ". 1:1(0) ack 1 win 65535");
    inject(rig, ". 1:1(0) ack 1001 win 65535");
    data(rig, "1001:2001(1000) ack 1"); // RFC 5682-1: conventional recovery
    data(rig, "2001:3001(1000) ack 1");
    silence(rig);
    CHECK_EQ(COUNT(rig, tcp_spurious_timeouts), 0);
}
TCP_TEST(a_duplicate_first)
{
    real(rig, "");
}
TCP_TEST(a_duplicate_first_with_sack)
{
    real(rig, SACK);
}

/* RFC 5682-3: the second answer is a duplicate: a small window, and recovery. */
TCP_TEST(a_duplicate_second)
{
    timed_out(rig, "");
    inject(rig, ". 1:1(0) ack 1001 win 65535");
    CHECK_EQ(rig_drain(rig), 2);
    inject(rig, ". 1:1(0) ack 1001 win 65535");
    CHECK(rig_info(rig).cwnd <= 3000); // RFC 5682-3
    CHECK_EQ(rig_info(rig).recovery, 3);
    data(rig, "1001:2001(1000) ack 1"); // and at once
    silence(rig);
    inject(rig, ". 1:1(0) ack 2001 win 65535");
    data(rig, "2001:3001(1000) ack 1");
    CHECK_EQ(COUNT(rig, tcp_spurious_timeouts), 0);
}
/* Likewise where the algorithm has a window of its own, and where the new segments fill the window: without SACK
 * nobody says that they have arrived, and the hole would wait for the next timeout. */
TCP_TEST(a_duplicate_second_for_bbr)
{
    timed_out(rig, "");
    congestion_choose(rig->c, 5);
    inject(rig, ". 1:1(0) ack 1001 win 65535");
    CHECK(rig_drain(rig) >= 1);
    rig_wait(rig, 50 * MS);
    inject(rig, ". 1:1(0) ack 1001 win 65535");
    data(rig, "1001:2001(1000) ack 1"); // RFC 5682-3
}
TCP_TEST(a_duplicate_second_though_the_window_is_full)
{
    timed_out(rig, "");
    inject(rig, ". 1:1(0) ack 1001 win 65535");
    rig->c->cwnd = 5000;
    rig_drain(rig);
    inject(rig, ". 1:1(0) ack 1001 win 65535");
    data(rig, "1001:2001(1000) ack 1"); // RFC 5682-3
    silence(rig);
}
/* BBR measures the round trip anew every five seconds, with a small window; when it has, in the middle of what a
 * timeout has to repair, the window from before the loss does not come back. */
TCP_TEST(a_measured_round_trip_ends_no_repair)
{
    rig->options.congestion = 5;
    SET(rig, tcp_early_retrans, 0);
    SET(rig, tcp_frto, 0);
    rig->options.send_bytes = 1 << 20;
    rig_connect(rig);
    rig_next(rig);
    rig_wait(rig, 100 * MS);
    inject(rig, "S. 0:0(0) ack 1 win 65535 <mss 1000,sackok,nop,nop>");
    rig_write(rig, 60000);
    rig_drain(rig);
    rig->c->cwnd = 60000;
    for (unsigned i = 0; i < 250; i++, rig_wait(rig, MS))
        rig_drain(rig);
    unsigned most = rig_info(rig).flight, una = 1;
    CHECK_EQ(most, 60000);
    rig_wait(rig, 3 * STRATA_SECOND);
    CHECK_EQ(rig_info(rig).recovery, 3);
    for (unsigned i = 0; i < 25; i++, una += 1000) {
        rig_drain(rig);
        rig_wait(rig, 300 * MS);
        inject(rig, ". 1:1(0) ack %u win 65535", una + 1000);
        CHECK(rig_info(rig).recovery != 3 || rig_info(rig).cwnd < most / 2);
    }
    CHECK_EQ(rig_info(rig).recovery, 3);
}

/* RFC 5682-2: two new segments, and no more, however much the first ACK brings. */
TCP_TEST(no_more_than_two_to_try)
{
    timed_out(rig, "");
    rig->c->cwnd = 4000;
    inject(rig, ". 1:1(0) ack 6001 win 65535");
    data(rig, "10001:11001(1000) ack 1");
    data(rig, "11001:12001(1000) ack 1");
    silence(rig); // RFC 5682-2
}
TCP_TEST(new_data_sacked_second)
{
    timed_out(rig, SACK);
    inject(rig, ". 1:1(0) ack 1001 win 65535");
    CHECK_EQ(rig_drain(rig), 2);
    inject(rig, ". 1:1(0) ack 1001 win 65535 <nop,nop,sack 10001:11001>");
    CHECK(rig_info(rig).cwnd <= 3000); // RFC 5682-3
    data(rig, "1001:2001(1000) ack 1");
    CHECK_EQ(COUNT(rig, tcp_spurious_timeouts), 0);
}

/* RFC 5682-2: an ACK of all that was out proves nothing: the rest may have waited for the head. */
TCP_TEST(all_at_once_without_sack)
{
    timed_out(rig, "");
    inject(rig, ". 1:1(0) ack 10001 win 65535");
    CHECK_EQ(COUNT(rig, tcp_spurious_timeouts), 0);
    CHECK_EQ(rig_info(rig).recovery, 0);
    CHECK_EQ(rig_info(rig).ssthresh, 5000);
}

/* RFC 5682-4: when the timer fires again it all begins anew. */
TCP_TEST(a_second_timeout)
{
    timed_out(rig, SACK);
    rig_wait(rig, 600 * MS);
    data(rig, "1:1001(1000) ack 1");
    CHECK_EQ(rig_info(rig).timeouts, 2);
    inject(rig, ". 1:1(0) ack 1001 win 65535");
    data(rig, "10001:11001(1000) ack 1"); // RFC 5682-4
    data(rig, "11001:12001(1000) ack 1");
    rig_wait(rig, 3 * STRATA_SECOND); // and in the middle of it
    CHECK_EQ(rig_info(rig).timeouts, 3);
    data(rig, "1001:2001(1000) ack 1");
    inject(rig, ". 1:1(0) ack 3001 win 65535"); // 2001:3001 was sent but once
    CHECK_EQ(COUNT(rig, tcp_spurious_timeouts), 1);
    CHECK_EQ(rig_info(rig).cwnd, 3000); // 2000 as before that one, and this ACK; the first had been real
}

TCP_TEST(no_new_data_no_proof)
{
    rig->options.congestion = 1; // NewReno, which halves
    SET(rig, tcp_hystart, 0);
    rig->options.send_bytes = 1 << 20;
    sending(rig, SACK);
    inject(rig, ". 1:1(0) ack 10001 win 65535");
    rig_drain(rig);
    rig_wait(rig, 100 * MS);
    inject(rig, ". 1:1(0) ack 15001 win 65535"); // five more are out, nothing is left to write
    rig_drain(rig);
    rig_wait(rig, 400 * MS);
    CHECK_EQ(rig_info(rig).timeouts, 1);
    data(rig, "15001:16001(1000) ack 1");
    inject(rig, ". 1:1(0) ack 16001 win 65535");
    data(rig, "16001:17001(1000) ack 1"); // RFC 5682-2: there is no new data: as usual
}

TCP_TEST(without_f_rto)
{
    SET(rig, tcp_frto, 0);
    timed_out(rig, SACK);
    inject(rig, ". 1:1(0) ack 1001 win 65535");
    data(rig, "1001:2001(1000) ack 1");
}

/* An echo of a timestamp from before the retransmission: the first copy had arrived. */
TCP_TEST(a_timestamp_tells_of_a_spurious_timeout)
{
    timed_out(rig, SACK STAMPS);
    inject(rig, ". 1:1(0) ack 1001 win 65535 <nop,nop,ts 600 %u>", rig->our_ts + 100);
    check_undone(rig);
}
TCP_TEST(a_timestamp_of_the_retransmission_tells_nothing)
{
    timed_out(rig, SACK STAMPS);
    inject(rig, ". 1:1(0) ack 1001 win 65535 <nop,nop,ts 600 %u>", rig->our_ts + 400);
    CHECK_EQ(COUNT(rig, tcp_spurious_timeouts), 0);
    CHECK_EQ(rig_info(rig).recovery, 3);
}

TCP_TEST(a_timestamp_tells_of_a_spurious_fast_retransmit)
{
    sending(rig, STAMPS);
    rig_wait(rig, 100 * MS);
    for (int i = 0; i < 3; i++)
        inject(rig, ". 1:1(0) ack 1 win 65535 <nop,nop,ts 600 %u>", rig->our_ts + 100);
    CHECK_EQ(rig_info(rig).recovery, 2);
    rig_drain(rig);
    rig_wait(rig, 5 * MS);
    inject(rig, ". 1:1(0) ack 4001 win 65535 <nop,nop,ts 605 %u>", rig->our_ts + 100);
    CHECK_EQ(COUNT(rig, tcp_spurious_recoveries), 1);
    CHECK_EQ(rig_info(rig).recovery, 0);
    CHECK(rig_info(rig).cwnd >= 10000);
    CHECK_EQ(rig_info(rig).ssthresh, UINT32_MAX);
}

/** Fast recovery for a segment that was only late. */
static void late(struct rig *rig)
{
    sending(rig, SACK);
    rig_wait(rig, 100 * MS);
    inject(rig, ". 1:1(0) ack 1 win 65535 <nop,nop,sack 1001:5001>");
    CHECK_EQ(rig_info(rig).recovery, 2);
    data(rig, "1:1001(1000) ack 1");
    rig_drain(rig);
    CHECK_EQ(rig_info(rig).ssthresh, 5000);
}

/* All that was sent again is told of as duplicates: during the recovery, or after its end. */
TCP_TEST(duplicates_undo_a_recovery)
{
    late(rig);
    inject(rig, ". 1:1(0) ack 5001 win 65535");
    CHECK_EQ(rig_info(rig).recovery, 2);
    inject(rig, ". 1:1(0) ack 5001 win 65535 <nop,nop,sack 1:1001>");
    CHECK_EQ(COUNT(rig, tcp_spurious_recoveries), 1);
    CHECK_EQ(rig_info(rig).recovery, 0);
    CHECK_EQ(rig_info(rig).cwnd, 10000);
    CHECK_EQ(rig_info(rig).ssthresh, UINT32_MAX);
}
TCP_TEST(duplicates_undo_a_recovery_that_is_over)
{
    late(rig);
    inject(rig, ". 1:1(0) ack %u win 65535", rig->c->snd_nxt - rig->our_isn);
    CHECK_EQ(rig_info(rig).recovery, 0);
    CHECK_EQ(rig_info(rig).cwnd, 6000); // half, and a segment for what the last ACK brought
    inject(rig, ". 1:1(0) ack %u win 65535 <nop,nop,sack 1:1001>", rig->c->snd_nxt - rig->our_isn);
    CHECK_EQ(COUNT(rig, tcp_spurious_recoveries), 1);
    CHECK_EQ(rig_info(rig).cwnd, 10000);
    CHECK_EQ(rig_info(rig).ssthresh, UINT32_MAX);
}
TCP_TEST(too_late_to_undo)
{
    late(rig);
    inject(rig, ". 1:1(0) ack %u win 65535", rig->c->snd_nxt - rig->our_isn);
    rig_drain(rig);
    rig_wait(rig, 100 * MS);
    inject(rig, ". 1:1(0) ack %u win 65535", rig->c->snd_nxt - rig->our_isn);
    CHECK(rig->c->repair == NULL); // a round trip after the end nothing is remembered
    inject(rig, ". 1:1(0) ack %u win 65535 <nop,nop,sack 1:1001>", rig->c->snd_nxt - rig->our_isn);
    CHECK_EQ(COUNT(rig, tcp_spurious_recoveries), 0);
    CHECK_EQ(rig_info(rig).ssthresh, 5000);
}
TCP_TEST(a_duplicate_of_something_else_undoes_nothing)
{
    late(rig);
    inject(rig, ". 1:1(0) ack 1001 win 65535 <nop,nop,sack 1:501 1001:5001>"); // half of it
    CHECK_EQ(COUNT(rig, tcp_spurious_recoveries), 0);
    CHECK_EQ(rig_info(rig).recovery, 2);
}

/* What was sent again in one recovery and is acknowledged in the next echoes a time from before that: no proof. */
TCP_TEST(an_earlier_recovery_proves_nothing)
{
    SET(rig, tcp_rto_min_ms, 1000);
    sending(rig, SACK STAMPS);
    rig_wait(rig, 100 * MS);
    inject(rig, ". 1:1(0) ack 1 win 65535 <nop,nop,ts 600 %u,nop,nop,sack 1001:10001>", rig->our_ts + 100);
    data(rig, "1:1001(1000) ack 1"); // which is lost again
    CHECK_EQ(rig_drain(rig), 4);
    rig_wait(rig, 100 * MS);
    inject(rig, ". 1:1(0) ack 1 win 65535 <nop,nop,ts 600 %u,nop,nop,sack 1001:11001>", rig->our_ts + 100);
    data(rig, "1:1001(1000) ack 1");
    rig->c->cwnd = connection_pipe(rig->c) + 2000;
    data(rig, "14001:15001(1000) ack 1"); // will be lost
    data(rig, "15001:16001(1000) ack 1");
    rig_wait(rig, MS);
    inject(rig, ". 1:1(0) ack 1 win 65535 <nop,nop,ts 600 %u,nop,nop,sack 1001:11001 12001:14001>", rig->our_ts + 100);
    data(rig, "11001:12001(1000) ack 1");
    rig_drain(rig);
    rig_wait(rig, 99 * MS);
    inject(rig, ". 1:1(0) ack 11001 win 65535 <nop,nop,ts 800 %u,nop,nop,sack 12001:14001 15001:16001>",
           rig->our_ts + 300);
    CHECK_EQ(rig_info(rig).recovery, 2);
    CHECK_EQ(rig_info(rig).fast_retransmits, 2); // the first recovery is over, another has begun
    uint32_t ssthresh = rig_info(rig).ssthresh;
    data(rig, "14001:15001(1000) ack 1");
    rig_drain(rig);
    rig_wait(rig, MS);
    inject(rig, ". 1:1(0) ack 14001 win 65535 <nop,nop,ts 801 %u,nop,nop,sack 15001:16001>", rig->our_ts + 301);
    CHECK_EQ(COUNT(rig, tcp_spurious_recoveries), 0);
    CHECK_EQ(rig_info(rig).recovery, 2);
    CHECK_EQ(rig_info(rig).ssthresh, ssthresh);
}

TEST_MAIN(TEST_ENTRY(a_spurious_timeout), TEST_ENTRY(a_spurious_timeout_with_sack),
          TEST_ENTRY(a_spurious_timeout_told_by_sack), TEST_ENTRY(a_duplicate_first),
          TEST_ENTRY(a_duplicate_first_with_sack), TEST_ENTRY(a_duplicate_second),
          TEST_ENTRY(a_measured_round_trip_ends_no_repair), TEST_ENTRY(no_more_than_two_to_try),
          TEST_ENTRY(a_duplicate_second_for_bbr),
          TEST_ENTRY(a_duplicate_second_though_the_window_is_full), TEST_ENTRY(new_data_sacked_second),
          TEST_ENTRY(all_at_once_without_sack), TEST_ENTRY(a_second_timeout), TEST_ENTRY(no_new_data_no_proof),
          TEST_ENTRY(without_f_rto), TEST_ENTRY(a_timestamp_tells_of_a_spurious_timeout),
          TEST_ENTRY(a_timestamp_of_the_retransmission_tells_nothing),
          TEST_ENTRY(a_timestamp_tells_of_a_spurious_fast_retransmit), TEST_ENTRY(duplicates_undo_a_recovery),
          TEST_ENTRY(duplicates_undo_a_recovery_that_is_over), TEST_ENTRY(too_late_to_undo),
          TEST_ENTRY(a_duplicate_of_something_else_undoes_nothing), TEST_ENTRY(an_earlier_recovery_proves_nothing))
