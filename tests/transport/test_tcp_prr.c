/**
 * Proportional rate reduction (RFC 9937).
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

/** Both permit SACK; a round trip of 100 ms; `segments` of 1000 octets are out, more are written, ssthresh will be
 * half. */
static void sending(struct rig *rig, unsigned segments, unsigned more)
{
    rig->options.congestion = 1; // NewReno, which halves
    SET(rig, tcp_hystart, 0);
    rig->options.send_bytes = 1 << 20;
    rig_connect(rig);
    rig_next(rig);
    rig_wait(rig, 100 * MS);
    inject(rig, "S. 0:0(0) ack 1 win 65535 <mss 1000,sackok,nop,nop>");
    rig_drain(rig);
    rig->c->cwnd = segments * 1000;
    rig_write(rig, (segments + more) * 1000);
    CHECK_EQ(rig_drain(rig), segments);
    rig_wait(rig, 100 * MS);
}
static void sack(struct rig *rig, unsigned una, unsigned start, unsigned end)
{
    inject(rig, ". 1:1(0) ack %u win 65535 <nop,nop,sack %u:%u>", una, start, end);
}
static const struct tcp_repair *record(struct rig *rig)
{
    return rig->c->repair;
}

/* RFC 9937-1: at the beginning both counts are zero, less what the first ACK brings, and RecoverFS is what was out and
 * not known to have arrived before it. RFC 9937-2: half of what arrives goes. RFC 9937-7: what goes is counted.
 * RFC 9937-8: at the end cwnd is ssthresh. */
TCP_TEST(the_window_comes_down_in_step)
{
    sending(rig, 20, 40);
    sack(rig, 1, 1001, 4001);
    CHECK_EQ(rig_info(rig).recovery, 2);
    CHECK_EQ(rig_info(rig).ssthresh, 10000);
    CHECK_EQ(record(rig)->prr_delivered, 3000);     // RFC 9937-1
    CHECK_EQ(record(rig)->recover_flight, 20000);   // RFC 9937-1
    data(rig, "1:1001(1000) ack 1");            // RFC 9937-2: half of three, rounded up
    data(rig, "20001:21001(1000) ack 1");
    silence(rig);
    CHECK_EQ(record(rig)->prr_out, 2000); // RFC 9937-7
    unsigned segments = 0;
    for (unsigned end = 5001; end <= 17001; end += 1000) {
        sack(rig, 1, 1001, end);
        segments += rig_drain(rig);
        unsigned arrived = (end - 1001) / 1000;
        CHECK_EQ(segments + 2, (arrived + 1) / 2); // RFC 9937-2: never in a burst, never silent for long
        CHECK_EQ(record(rig)->prr_out, (segments + 2) * 1000);
    }
    CHECK_EQ(record(rig)->recover_flight, 20000); // fixed for the episode
    inject(rig, ". 1:1(0) ack 20001 win 65535");
    CHECK_EQ(rig_info(rig).recovery, 0);
    CHECK_EQ(rig_info(rig).cwnd, 10000); // RFC 9937-8
}

/* The ACK that ends a recovery counts as any other, for what it is the first to tell of: on paths with many losses the
 * window would not grow at all. */
TCP_TEST(the_last_ack_lets_the_window_grow)
{
    sending(rig, 20, 40);
    sack(rig, 1, 1001, 4001);
    rig_drain(rig);
    CHECK_EQ(rig_info(rig).ssthresh, 10000);
    inject(rig, ". 1:1(0) ack 20001 win 65535"); // 17 of these are news
    CHECK_EQ(rig_info(rig).recovery, 0);
    CHECK_EQ(rig_info(rig).cwnd, 11000);
}

/* RFC 9937-1: what was SACKed before is not counted, what the first ACK acknowledges is. */
TCP_TEST(what_had_arrived_before_is_not_counted)
{
    sending(rig, 20, 0);
    sack(rig, 1, 15001, 17001);
    sack(rig, 1, 15001, 19001);
    CHECK_EQ(rig_info(rig).recovery, 2);
    CHECK_EQ(record(rig)->recover_flight, 18000); // RFC 9937-1: 2 had been SACKed
    CHECK_EQ(record(rig)->prr_delivered, 2000);
}

/* RFC 9937-3: less is in flight than ssthresh: what arrives may go, not a burst of all that is missing. RFC 9937-4: an
 * ACK that advances and tells of no further loss lets one more go. */
TCP_TEST(the_window_grows_back)
{
    sending(rig, 20, 40);
    sack(rig, 1, 17001, 20001); // 17 are lost, nothing is in flight; ssthresh is 10
    CHECK_EQ(connection_pipe(rig->c), 0);
    CHECK_EQ(rig_drain(rig), 3); // RFC 9937-3: as many as arrived
    rig_wait(rig, 100 * MS);
    for (unsigned at = 1001; at <= 3001; at += 1000) {
        CHECK(connection_pipe(rig->c) < rig_info(rig).ssthresh);
        sack(rig, at, 17001, 20001);
        CHECK_EQ(rig_drain(rig), 2); // RFC 9937-4
    }
    rig_wait(rig, 100 * MS);
    sack(rig, 5001, 17001, 20001);
    CHECK_EQ(rig_drain(rig), 3); // two, and one more
    CHECK(connection_pipe(rig->c) < rig_info(rig).ssthresh);
}

TCP_TEST(no_growth_beyond_ssthresh)
{
    sending(rig, 10, 40);
    sack(rig, 1, 5001, 9001); // five lost, one in flight: ssthresh is 5
    CHECK_EQ(rig_drain(rig), 4);
    rig_wait(rig, 100 * MS);
    sack(rig, 4001, 5001, 10001);
    CHECK_EQ(connection_pipe(rig->c), 0 + 0);
    CHECK_EQ(rig_drain(rig), 5); // RFC 9937-3: ssthresh - inflight, though five arrived and one more might go
    CHECK_EQ(connection_pipe(rig->c), 5000);

    struct rig *own = rig_new(rig->ipv6, 1500, 0);
    sending(own, 10, 40);
    sack(own, 1, 5001, 9001);
    CHECK_EQ(rig_drain(own), 4);
    rig_wait(own, 100 * MS);
    sack(own, 2001, 5001, 10001);
    CHECK_EQ(connection_pipe(own->c), 2000);
    CHECK_EQ(rig_drain(own), 3); // RFC 9937-3: here, too; four might go
    CHECK_EQ(connection_pipe(own->c), 5000);
    rig_free(own);
}

/* RFC 9937-4: where an ACK tells of further losses it lets none more go. */
TCP_TEST(an_ack_with_losses_is_not_safe)
{
    sending(rig, 20, 40);
    sack(rig, 1, 10001, 13001); // 10 are lost
    CHECK_EQ(rig_drain(rig), 3);
    rig_wait(rig, 100 * MS);
    uint32_t lost = rig->c->sent.lost_bytes;
    sack(rig, 1001, 16001, 17001); // what lies around that is lost too
    CHECK(rig->c->sent.lost_bytes > lost);
    CHECK_EQ(rig_drain(rig), 2); // RFC 9937-4: two arrived
}

/* RFC 9937-5: an ACK that delivered nothing changes nothing; the first retransmission goes at once. */
TCP_TEST(an_ack_that_delivered_nothing)
{
    sending(rig, 20, 40);
    SET(rig, tcp_reordering, 1);
    sack(rig, 1, 1001, 1301); // 300 octets
    data(rig, "1:1001(1000) ack 1"); // RFC 9937-5: though half of 300 is no segment
    uint32_t before = record(rig)->prr_delivered, cwnd = rig_info(rig).cwnd;
    for (int i = 0; i < 5; i++)
        sack(rig, 1, 1001, 1301);
    CHECK_EQ(record(rig)->prr_delivered, before); // RFC 9937-5
    CHECK_EQ(rig_info(rig).cwnd, cwnd);
    silence(rig);
}

/* RFC 9937-6: what duplicates stood for is not delivered once more by the ACK that covers it. */
TCP_TEST(duplicates_and_what_follows_them)
{
    SET(rig, tcp_sack, 0);
    sending(rig, 10, 40);
    SET(rig, tcp_reordering, 100);
    CHECK(recovery_ecn(rig->c));
    for (int i = 0; i < 3; i++)
        inject(rig, ". 1:1(0) ack 1 win 65535");
    CHECK_EQ(record(rig)->prr_delivered, 3000);
    inject(rig, ". 1:1(0) ack 2001 win 65535");
    CHECK_EQ(record(rig)->prr_delivered, 3000); // RFC 9937-6
    inject(rig, ". 1:1(0) ack 5001 win 65535");
    CHECK_EQ(record(rig)->prr_delivered, 5000);
}

TCP_TEST(the_first_retransmission_waits_for_nothing)
{
    sending(rig, 10, 40);
    SET(rig, tcp_reordering, 1);
    sack(rig, 1, 5001, 5301); // five are lost; 4700 are in flight, 300 more would be ssthresh
    data(rig, "1:1001(1000) ack 1"); // RFC 9937-5
    silence(rig);
}

/* RFC 9937-6: without SACK a duplicate stands for a segment, and a flood of them for no more than was out. So it is in
 * CWR; a loss is repaired as RFC 6582 says. */
TCP_TEST(without_sack_no_more_than_was_out)
{
    SET(rig, tcp_sack, 0);
    sending(rig, 10, 40);
    SET(rig, tcp_reordering, 100); // none of them shall begin fast retransmit
    CHECK(recovery_ecn(rig->c));
    CHECK_EQ(rig_info(rig).recovery, 4);
    CHECK_EQ(rig_info(rig).ssthresh, 5000);
    CHECK_EQ(record(rig)->recover_flight, 10000);
    for (int i = 1; i < 50; i++) {
        inject(rig, ". 1:1(0) ack 1 win 65535");
        CHECK_EQ(record(rig)->prr_delivered, i < 10 ? i * 1000u : 10000u); // RFC 9937-6
        rig_drain(rig);
    }
    CHECK_EQ(record(rig)->prr_out, 5000);
    inject(rig, ". 1:1(0) ack 5001 win 65535");
    CHECK_EQ(record(rig)->prr_delivered, 10000); // RFC 9937-6: the duplicates had stood for these
    inject(rig, ". 1:1(0) ack 10001 win 65535");
    CHECK_EQ(rig_info(rig).recovery, 0);
    CHECK_EQ(rig_info(rig).cwnd, 5000);
}

/* A mark brings the window down in the same way, once for what was out. */
TCP_TEST(a_mark_brings_the_window_down)
{
    sending(rig, 10, 40);
    CHECK(recovery_ecn(rig->c));
    CHECK(!recovery_ecn(rig->c));
    unsigned segments = 0;
    for (unsigned at = 1001; at <= 9001; at += 1000) {
        inject(rig, ". 1:1(0) ack %u win 65535", at);
        segments += rig_drain(rig);
        CHECK_EQ(rig_info(rig).recovery, 4);
    }
    CHECK_EQ(rig_info(rig).segments_retransmitted, 0);
    CHECK(segments >= 4 && segments <= 6);
    inject(rig, ". 1:1(0) ack 10001 win 65535");
    CHECK_EQ(rig_info(rig).recovery, 0);
    CHECK_EQ(rig_info(rig).cwnd, 5000);
    CHECK(recovery_ecn(rig->c)); // the next window
}

/* ... and where less is out than it comes down to, no faster than what arrives: there is nothing to repair. */
TCP_TEST(a_mark_while_little_is_out)
{
    sending(rig, 10, 40);
    inject(rig, ". 1:1(0) ack 8001 win 65535");
    CHECK(recovery_ecn(rig->c));
    rig->c->ssthresh = 7000;
    inject(rig, ". 1:1(0) ack 9001 win 65535");
    CHECK_EQ(rig_info(rig).cwnd, connection_pipe(rig->c) + 1000);
}

TEST_MAIN(TEST_ENTRY(the_window_comes_down_in_step), TEST_ENTRY(the_last_ack_lets_the_window_grow),
          TEST_ENTRY(what_had_arrived_before_is_not_counted),
          TEST_ENTRY(the_window_grows_back), TEST_ENTRY(no_growth_beyond_ssthresh),
          TEST_ENTRY(an_ack_with_losses_is_not_safe), TEST_ENTRY(an_ack_that_delivered_nothing),
          TEST_ENTRY(duplicates_and_what_follows_them),
          TEST_ENTRY(the_first_retransmission_waits_for_nothing),
          TEST_ENTRY(without_sack_no_more_than_was_out), TEST_ENTRY(a_mark_brings_the_window_down),
          TEST_ENTRY(a_mark_while_little_is_out))
