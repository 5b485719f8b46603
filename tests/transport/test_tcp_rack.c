/**
 * RACK: losses by time (RFC 8985 6).
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

/** Both permit SACK; a round trip of 100 ms; segments of 1000 octets, sent one every millisecond. */
static void sending(struct rig *rig, unsigned segments)
{
    rig->options.congestion = 1; // NewReno, which halves
    SET(rig, tcp_hystart, 0);
    rig->options.send_bytes = 1 << 20;
    rig->options.no_delay = true;
    rig_connect(rig);
    rig_next(rig);
    rig_wait(rig, 100 * MS);
    inject(rig, "S. 0:0(0) ack 1 win 65535 <mss 1000,sackok,nop,nop>");
    rig_drain(rig);
    rig->c->cwnd = 100000;
    for (unsigned i = 0; i < segments; i++) {
        rig_write(rig, 1000);
        CHECK_EQ(rig_drain(rig), 1);
        rig_wait(rig, MS);
    }
    rig_wait(rig, (100 - segments) * MS); // the first one's answer is due now
}
static void sack(struct rig *rig, unsigned una, unsigned start, unsigned end)
{
    inject(rig, ". 1:1(0) ack %u win 65535 <nop,nop,sack %u:%u>", una, start, end);
}
/** The segment that begins at `start` is said again. */
#define AGAIN(rig, start) CHECK(strstr(rig_next(rig), " " #start ":") != NULL)

/* RFC 8985-1: SACK, the time of each segment, and a clock much finer than a quarter of the round trip. Without SACK
 * there is no RACK. */
TCP_TEST(rack_needs_sack)
{
    sending(rig, 10);
    CHECK_EQ(rig->c->sent.count, 10); // RFC 8985-1: each with its time
    rig->c->flags &= ~(uint32_t)FLAG_SACK;
    rig_wait(rig, 3 * MS);
    inject(rig, ". 1:1(0) ack 1 win 65535");
    inject(rig, ". 1:1(0) ack 1 win 65535");
    rig_wait(rig, 100 * MS);
    silence(rig); // RFC 8985-1
    CHECK_EQ(rig_info(rig).recovery, 1);
}

/* RFC 8985-4: the window is a quarter of the least round trip. RFC 8985-7: lost is what has had a round trip and that
 * much more. RFC 8985-8: a timer finds it out when no ACK does. */
TCP_TEST(what_is_overtaken_and_late_is_lost)
{
    sending(rig, 5);
    rig_wait(rig, 2 * MS);
    sack(rig, 1, 2001, 3001); // the third, after 100 ms: 1 and 2 were sent 2 and 1 ms before it
    silence(rig);
    CHECK_EQ(rig_info(rig).recovery, 1);
    CHECK_EQ(rig->c->timer_kind, TIMER_KIND_REORDER); // RFC 8985-8
    rig_wait(rig, 22 * MS);
    CHECK_EQ(rig->c->sent.lost_bytes, 0); // 124 ms since the first was sent
    rig_wait(rig, 4 * MS);                 // RFC 8985-4: 125 ms, and the timer takes a little longer
    CHECK_EQ(rig_info(rig).recovery, 2);   // RFC 8985-7
    CHECK_EQ(rig->c->sent.lost_bytes, 2000);
    AGAIN(rig, 1);
    CHECK_EQ(rig_info(rig).timeouts, 0);
}

TCP_TEST(what_was_sent_later_is_not_lost)
{
    sending(rig, 8);
    rig_wait(rig, 30 * MS);
    sack(rig, 1, 2001, 3001); // late itself: the round trip is 128 ms now
    rig_wait(rig, 40 * MS);
    CHECK_EQ(rig->c->sent.lost_bytes, 2000); // RFC 8985-7: what went behind it was not overtaken
}

/* RFC 8985-5: where nobody has seen reordering, three that have arrived are proof enough, and in recovery one is. */
TCP_TEST(no_patience_without_reordering)
{
    sending(rig, 10);
    rig_wait(rig, MS);
    sack(rig, 1, 1001, 2001);
    rig_wait(rig, MS);
    sack(rig, 1, 1001, 3001);
    CHECK_EQ(rig->c->sent.lost_bytes, 0);
    rig_wait(rig, MS);
    sack(rig, 1, 1001, 4001);
    CHECK_EQ(rig->c->sent.lost_bytes, 1000); // RFC 8985-5: DupThresh
    AGAIN(rig, 1);
    rig_wait(rig, 2 * MS);
    sack(rig, 1, 5001, 6001);
    CHECK_EQ(rig->c->sent.lost_bytes, 1000); // RFC 8985-5: 4001:5001, at once
}

TCP_TEST(patience_without_the_short_cut)
{
    SET(rig, tcp_recovery, 1 + 4);
    sending(rig, 10);
    rig_wait(rig, 4 * MS);
    sack(rig, 1, 1001, 6001);
    CHECK_EQ(rig->c->sent.lost_bytes, 0);
    rig_wait(rig, 25 * MS);
    CHECK_EQ(rig->c->sent.lost_bytes, 1000);
}

/* RFC 8985-5: one that has arrived behind a hole is enough in recovery, where as few would not be otherwise. */
TCP_TEST(no_patience_in_recovery)
{
    sending(rig, 10);
    rig_wait(rig, 100 * MS);
    sack(rig, 1, 1001, 4001);
    CHECK_EQ(rig_info(rig).recovery, 2);
    AGAIN(rig, 1);
    rig_wait(rig, MS); // so it was the first copy that had arrived, and says nothing of what is later
    sack(rig, 4001, 5001, 6001);
    CHECK_EQ(rig_info(rig).recovery, 2);
    CHECK_EQ(rig->c->sent.lost_bytes, 1000); // RFC 8985-5: 4001:5001

    struct rig *own = rig_new(rig->ipv6, 1500, 0);
    sending(own, 10);
    rig_wait(own, 100 * MS);
    sack(own, 4001, 5001, 6001);
    CHECK_EQ(own->c->sent.lost_bytes, 0);
    rig_free(own);
}

/* RFC 8985-3: what was sent once and arrives after what was sent later has been overtaken: the path reorders, and
 * three that have arrived are no proof any more. */
TCP_TEST(reordering_makes_patient)
{
    sending(rig, 10);
    sack(rig, 1, 1001, 2001);
    sack(rig, 2001, 0, 0);
    CHECK_EQ(rig->c->flags & FLAG_REORDERED, FLAG_REORDERED); // RFC 8985-3
    rig_wait(rig, 5 * MS);
    sack(rig, 2001, 3001, 7001);
    CHECK_EQ(rig->c->sent.lost_bytes, 0); // four have arrived
    CHECK_EQ(rig_info(rig).recovery, 1);
    rig_wait(rig, 30 * MS);
    CHECK_EQ(rig->c->sent.lost_bytes, 1000);
}

TCP_TEST(a_repaired_hole_is_no_reordering)
{
    sending(rig, 5);
    rig_wait(rig, 4 * MS);
    sack(rig, 1, 1001, 5001);
    AGAIN(rig, 1);
    rig_wait(rig, 100 * MS);
    inject(rig, ". 1:1(0) ack 5001 win 65535");
    CHECK_EQ(rig->c->flags & FLAG_REORDERED, 0); // RFC 8985-3: it was sent again
}

/** A loss that was none, told of by a duplicate, twice; `at` is the first octet. Leaves all acknowledged. */
static void spurious(struct rig *rig, unsigned at)
{
    rig_write(rig, 5000);
    rig_drain(rig);
    rig_wait(rig, 100 * MS);
    sack(rig, at, at + 1000, at + 5000);
    rig_wait(rig, 100 * MS);
    rig_drain(rig); // the first again
    inject(rig, ". 1:1(0) ack %u win 65535", at + 5000);
    rig_wait(rig, 100 * MS);
    rig_write(rig, 1000);
    rig_drain(rig);
    sack(rig, at + 5000, at, at + 1000);
    sack(rig, at + 5000, at, at + 1000); // the same round
    rig_wait(rig, 100 * MS);
    inject(rig, ". 1:1(0) ack %u win 65535", at + 6000);
}
static strata_time patience(struct rig *rig)
{
    // What was sent so long ago, and a round trip, is late.
    recovery_record(rig->c)->rack_valid = true;
    rig->c->repair->rack_rtt_ns = 0;
    strata_time window = rig->core.now - rack_sent_before(rig->c) + 1;
    recovery_forget(rig->c);
    return window;
}

/* RFC 8985-4: a quarter more for each round with duplicates, SRTT at most. RFC 8985-6: for sixteen recoveries. */
TCP_TEST(duplicates_widen_the_window)
{
    sending(rig, 1);
    inject(rig, ". 1:1(0) ack 1001 win 65535");
    rig->c->flags |= FLAG_REORDERED;
    CHECK_EQ(patience(rig), 25 * MS);
    spurious(rig, 1001);
    CHECK_EQ(patience(rig), 50 * MS); // RFC 8985-4
    spurious(rig, 7001);
    CHECK_EQ(patience(rig), 75 * MS);
    for (unsigned at = 13001; at < 61001; at += 6000)
        spurious(rig, at);
    CHECK_EQ(patience(rig), rig_info(rig).srtt_ns); // RFC 8985-4: SRTT at most
    for (int i = 0; i < 15; i++)
        rack_recovered(rig->c);
    CHECK(patience(rig) > 25 * MS);
    rack_recovered(rig->c);
    CHECK_EQ(patience(rig), 25 * MS); // RFC 8985-6
    SET(rig, tcp_recovery, 1 + 2);
    spurious(rig, 61001);
    CHECK_EQ(patience(rig), 25 * MS); // one that does not adapt
}

/* Where a timestamp proves that what counted as lost was only late, the window becomes as long as would have been
 * enough: the segments behind it, which are as late, are not lost once more. */
TCP_TEST(what_was_late_is_not_lost_again)
{
    rig->options.send_bytes = 1 << 20;
    rig->options.no_delay = true;
    rig_connect(rig);
    rig_next(rig);
    rig_wait(rig, 100 * MS);
    inject(rig, "S. 0:0(0) ack 1 win 65535 <mss 1000,sackok,ts 500 %u,nop>", rig->our_ts);
    rig_drain(rig);
    rig->c->smss = 1000; // with timestamps too
    rig_write(rig, 8000);
    CHECK_EQ(rig_drain(rig), 8);
    unsigned first = rig->our_ts + 100;
    rig_wait(rig, 50 * MS); // the sixth takes another way, of half the length
    inject(rig, ". 1:1(0) ack 1 win 65535 <nop,nop,ts 550 %u,nop,nop,sack 5001:6001>", first);
    silence(rig);
    rig_wait(rig, 15 * MS); // a quarter of that later
    AGAIN(rig, 1);
    CHECK_EQ(rig_info(rig).recovery, 2);
    rig_wait(rig, 35 * MS);
    inject(rig, ". 1:1(0) ack 1001 win 65535 <nop,nop,ts 600 %u,nop,nop,sack 5001:6001>", first);
    CHECK_EQ(COUNT(rig, tcp_spurious_recoveries), 1);
    CHECK_EQ(rig_info(rig).recovery, 1);
    CHECK_EQ(rig->c->sent.lost_bytes, 0);
    silence(rig);
    rig_wait(rig, MS);
    inject(rig, ". 1:1(0) ack 5001 win 65535 <nop,nop,ts 601 %u,nop,nop,sack 5001:6001>", first);
    silence(rig);
    inject(rig, ". 1:1(0) ack 8001 win 65535 <nop,nop,ts 601 %u>", first);
    CHECK_EQ(rig_info(rig).recovery, 0);
    CHECK_EQ(rig_info(rig).segments_retransmitted, 1);
    CHECK(patience(rig) > 50 * MS && patience(rig) <= rig_info(rig).srtt_ns);
    for (int i = 0; i < 16; i++)
        rack_recovered(rig->c);
    CHECK(patience(rig) < 20 * MS); // forgotten as RFC 8985-6 forgets
}

/* RFC 8985-7 for retransmissions: they are lost by the same rule, and go again. */
TCP_TEST(a_lost_retransmission_is_found)
{
    sending(rig, 10);
    rig_wait(rig, 9 * MS);
    sack(rig, 1, 1001, 5001);
    AGAIN(rig, 1);
    rig_wait(rig, MS);
    rig_write(rig, 1000);
    sack(rig, 1, 1001, 10001);
    data(rig, "10001:11001(1000) ack 1"); // after the retransmission
    silence(rig);
    rig_wait(rig, 98 * MS);
    sack(rig, 1, 1001, 11001);
    AGAIN(rig, 1); // RFC 8985-7: overtaken, and 100 ms have passed
    silence(rig);
    CHECK_EQ(rig_info(rig).timeouts, 0);
    CHECK_EQ(rig_info(rig).segments_retransmitted, 2);
}

/* RFC 8985-7: of retransmissions that left at one time the one with the higher number was the later. */
TCP_TEST(of_two_at_one_time_the_first_is_lost)
{
    sending(rig, 10);
    inject(rig, ". 1:1(0) ack 1 win 65535 <nop,nop,sack 1001:2001 3001:9001>");
    AGAIN(rig, 1);
    AGAIN(rig, 2001);
    rig_drain(rig);
    rig_wait(rig, 100 * MS);
    sack(rig, 1, 1001, 9001);
    AGAIN(rig, 1); // RFC 8985-7
}

/* On a short path nobody waits two milliseconds longer. */
TCP_TEST(the_timer_is_as_late_as_the_path_is_long)
{
    sending(rig, 3);
    strata_time due = rig->core.now - 99 * MS; // when the second was sent
    bool again;
    sack(rig, 1, 2001, 3001);
    rig->c->srtt_ns = rig->c->min_rtt_ns = 8 * MS;
    due += rig->c->repair->rack_rtt_ns + 2 * MS; // a round trip and a quarter
    CHECK_EQ(rack_detect(rig->c, &again), 1000); // the first
    CHECK_EQ(rig->c->repair->reorder_at, due + MS);
}

/* On a path that always reorders the record lasts; the end of what was sent again long ago must not come to lie ahead
 * of SND.UNA, 2^31 octets later, as if it were under way. */
TCP_TEST(what_was_sent_again_long_ago_is_not_under_way)
{
    sending(rig, 10);
    rig_wait(rig, 9 * MS);
    sack(rig, 1, 1001, 6001);
    AGAIN(rig, 1);
    CHECK(undo_resent_out(rig->c));
    rig_wait(rig, 50 * MS);
    sack(rig, 6001, 7001, 9001); // that has come, and there is another hole
    REQUIRE(rig->c->repair);
    CHECK(!undo_resent_out(rig->c));
    CHECK_EQ(rig->c->repair->resent_until, rig->c->snd_una);
}

/* RFC 8985-2: an ACK of a retransmission that comes sooner than any could have is the first copy's: it does not make
 * what went out between look late. */
TCP_TEST(an_answer_that_comes_too_soon)
{
    sending(rig, 10);
    rig_wait(rig, 9 * MS);
    sack(rig, 1, 2001, 6001);
    AGAIN(rig, 1);
    rig_wait(rig, 5 * MS);
    strata_time before = rig->c->repair->rack_sent;
    sack(rig, 1001, 2001, 6001);
    CHECK_EQ(rig->c->repair->rack_sent, before); // RFC 8985-2: 5 ms, the least was 100
    CHECK(rig->c->min_rtt_ns > 90 * MS);
}

/* RFC 8985-9: a timeout marks the first, and of the others only what has had its time. */
TCP_TEST(a_timeout_marks_what_has_had_its_time)
{
    SET(rig, tcp_early_retrans, 0);
    sending(rig, 5);
    rig_wait(rig, 150 * MS);
    sack(rig, 1, 4001, 5001); // RACK knows of a round trip of 246 ms
    rig_drain(rig);
    rig_write(rig, 2000);
    rig_drain(rig);
    core_at(&rig->core, rig->core.now + 30 * MS); // no timer fires
    recovery_timeout(rig->c);
    CHECK_EQ(rig_info(rig).recovery, 3);
    CHECK_EQ(rig->c->sent.lost_bytes, 4000); // RFC 8985-9: 5001:7001 have just left
    CHECK_EQ(connection_pipe(rig->c), 2000);
}

/* RFC 8985-14: where RACK judges, nobody counts. */
TCP_TEST(rack_and_counting_are_not_mixed)
{
    sending(rig, 10);
    rig->c->flags |= FLAG_REORDERED;
    rig_wait(rig, 9 * MS);
    sack(rig, 1, 1001, 10001);
    CHECK_EQ(rig->c->sent.lost_bytes, 0); // RFC 8985-14: RFC 6675 would say otherwise
}

/* RFC 8985-15: what is lost goes again when the window lets it. */
TCP_TEST(lost_segments_wait_for_the_window)
{
    sending(rig, 20);
    rig_wait(rig, 19 * MS);
    rig->c->cwnd = 20000;
    sack(rig, 1, 10001, 13001);
    CHECK_EQ(rig->c->sent.lost_bytes, 10000);
    CHECK_EQ(rig_drain(rig), 3); // RFC 8985-15: three have arrived
    rig_wait(rig, MS);
    CHECK_EQ(rig->c->sent.lost_bytes, 7000);
    CHECK(connection_pipe(rig->c) <= rig->c->cwnd);
}

TEST_MAIN(TEST_ENTRY(rack_needs_sack), TEST_ENTRY(what_is_overtaken_and_late_is_lost),
          TEST_ENTRY(what_was_sent_later_is_not_lost), TEST_ENTRY(no_patience_without_reordering),
          TEST_ENTRY(no_patience_in_recovery),
          TEST_ENTRY(patience_without_the_short_cut), TEST_ENTRY(reordering_makes_patient),
          TEST_ENTRY(a_repaired_hole_is_no_reordering), TEST_ENTRY(duplicates_widen_the_window),
          TEST_ENTRY(what_was_late_is_not_lost_again),
          TEST_ENTRY(a_lost_retransmission_is_found), TEST_ENTRY(of_two_at_one_time_the_first_is_lost),
          TEST_ENTRY(the_timer_is_as_late_as_the_path_is_long), TEST_ENTRY(an_answer_that_comes_too_soon),
          TEST_ENTRY(what_was_sent_again_long_ago_is_not_under_way),
          TEST_ENTRY(a_timeout_marks_what_has_had_its_time), TEST_ENTRY(rack_and_counting_are_not_mixed),
          TEST_ENTRY(lost_segments_wait_for_the_window))
