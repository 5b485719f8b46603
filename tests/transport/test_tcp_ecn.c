/**
 * Explicit congestion notification (RFC 3168).
 */
#include "tests/transport/rig.h"

#include <errno.h>

/** RFC 9293 SHLD-8: a connection that the peer opened with ECN, segments of 1000 octets. */
static void accepted(struct rig *rig)
{
    rig_listen(rig);
    inject(rig, "SEW 0:0(0) win 65535 <mss 1000>");
    expect(rig, "SE. 0:0(0) ack 1");
    CHECK_EQ(rig->tos, 0);
    inject(rig, ". 1:1(0) ack 1 win 65535");
    REQUIRE(rig_take(rig));
    CHECK(rig_info(rig).ecn);
}

static void inject_marked(struct rig *rig, const char *text, uint8_t field)
{
    rig->say_tos = field;
    inject(rig, "%s", text);
    rig->say_tos = 0;
}

/** The next one is this, with that in the ECN field. */
static void expect_field(struct rig *rig, const char *text, uint8_t field)
{
    CHECK(expect(rig, "%s", text));
    CHECK_EQ(rig->tos & 3, field);
}

/* RFC 3168-1: the answer to ECE+CWR is ECE alone, and only that asks for it. */
TCP_TEST(we_answer_who_asks)
{
    static const char *const others[] = {"S", "SE", "SW"};
    rig_listen(rig);
    for (unsigned i = 0; i < 3; i++) {
        rig->peer.port++;
        inject(rig, "%s 0:0(0) win 65535 <mss 1000>", others[i]);
        expect(rig, "S. 0:0(0) ack 1");
        inject(rig, "R 1:1(0)");
    }
    // RFC 3168-2: who marks a SYN as ECN-capable does not know the rules.
    rig->peer.port++;
    inject_marked(rig, "SEW 0:0(0) win 65535 <mss 1000>", ECN_ECT_0);
    expect(rig, "S. 0:0(0) ack 1");
    inject(rig, "R 1:1(0)");
    rig->peer.port++;
    SET(rig, tcp_ecn, 0);
    inject(rig, "SEW 0:0(0) win 65535 <mss 1000>");
    expect(rig, "S. 0:0(0) ack 1");
    inject(rig, "R 1:1(0)");
    SET(rig, tcp_ecn, 1);
    rig->peer.port++;
    inject(rig, "SEW 0:0(0) win 65535 <mss 1000>");
    expect_field(rig, "SE. 0:0(0) ack 1", 0);
    rig_wait(rig, STRATA_SECOND);
    while (rig_next(rig)[0])
        CHECK_EQ(rig->tos & 3, 0); // RFC 3168-2: again, and still not marked
}

/* RFC 3168-1: we ask where the host wants it, and believe an answer of ECE alone. */
TCP_TEST(we_ask_where_the_setting_says)
{
    static const struct {
        const char *answer;
        bool agreed;
    } answers[] = {{"SE.", true}, {"S.", false}, {"SEW.", false}, {"SW.", false}};
    for (unsigned i = 0; i < 4; i++) {
        SET(rig, tcp_ecn, 1);
        rig->peer.port++;
        rig_connect(rig);
        expect_field(rig, "SEW 0:0(0)", 0); // RFC 3168-2
        inject(rig, "%s 0:0(0) ack 1 win 65535 <mss 1000>", answers[i].answer);
        expect_field(rig, ". 1:1(0) ack 1", 0);
        CHECK_EQ(rig_info(rig).ecn, answers[i].agreed);
        rig_write(rig, 1000);
        expect_field(rig, "P. 1:1001(1000) ack 1", answers[i].agreed ? ECN_ECT_0 : 0);
        inject(rig, "R. 1:1(0) ack 1001 win 0");
        tcp_close(rig->c);
        rig->c = NULL;
        rig->us.port = 0;
    }
    SET(rig, tcp_ecn, 2);
    rig->peer.port++;
    rig_connect(rig);
    expect(rig, "S 0:0(0)");
}

TCP_TEST(both_ask_at_once)
{
    SET(rig, tcp_ecn, 1);
    rig_connect(rig);
    expect(rig, "SEW 0:0(0)");
    inject(rig, "SEW 0:0(0) win 65535 <mss 1000>");
    expect_field(rig, "SE. 0:0(0) ack 1", 0);
    inject(rig, ". 1:1(0) ack 1 win 65535");
    CHECK(rig_info(rig).ecn);
}

/* RFC 3168-8: routers and hosts that do not stand such a SYN. */
TCP_TEST(a_syn_without_an_answer_does_not_ask_again)
{
    SET(rig, tcp_ecn, 1);
    rig_connect(rig);
    expect(rig, "SEW 0:0(0)");
    rig_wait(rig, STRATA_SECOND);
    expect(rig, "S 0:0(0)");
    inject(rig, "S. 0:0(0) ack 1 win 65535 <mss 1000>");
    CHECK(!rig_info(rig).ecn);
    CHECK_EQ(COUNT(rig, tcp_ecn_fallbacks), 1);
}
TCP_TEST(a_reset_is_asked_once_more)
{
    SET(rig, tcp_ecn, 1);
    rig_connect(rig);
    expect(rig, "SEW 0:0(0)");
    inject(rig, "R. 0:0(0) ack 1 win 0");
    CHECK_STATE(rig, "SYN-SENT");
    expect(rig, "S 0:0(0)"); // RFC 3168-8
    silence(rig);
    inject(rig, "R. 0:0(0) ack 1 win 0"); // this one is meant
    CHECK_STATE(rig, "CLOSED");
    CHECK_EQ(tcp_take_error(rig->c), ECONNREFUSED);
}
TCP_TEST(no_fall_back_where_the_setting_says)
{
    SET(rig, tcp_ecn, 1);
    SET(rig, tcp_ecn_fallback, 0);
    rig_connect(rig);
    expect(rig, "SEW 0:0(0)");
    rig_wait(rig, STRATA_SECOND);
    expect(rig, "SEW 0:0(0)");
    inject(rig, "R. 0:0(0) ack 1 win 0");
    CHECK_STATE(rig, "CLOSED");
}

/* RFC 3168-2: new data is ECN-capable; pure ACKs, retransmissions, window probes and FINs alone are not. */
TCP_TEST(what_may_be_marked)
{
    accepted(rig);
    inject(rig, "P. 1:11(10) ack 1 win 65535");
    rig_wait(rig, 50 * MS);
    expect_field(rig, ". 1:1(0) ack 11", 0);
    rig_write(rig, 2000);
    expect_field(rig, ". 1:1001(1000) ack 11", ECN_ECT_0);
    expect_field(rig, "P. 1001:2001(1000) ack 11", ECN_ECT_0);
    rig_wait(rig, 2 * STRATA_SECOND);
    expect_field(rig, ". 1:1001(1000) ack 11", 0);
    inject(rig, ". 11:11(0) ack 2001 win 0");
    rig_drain(rig);
    rig_write(rig, 500);
    silence(rig);
    rig_wait(rig, 3 * STRATA_SECOND);
    expect_field(rig, ". 2001:2002(1) ack 11", 0);
    inject(rig, ". 11:11(0) ack 2002 win 1000");
    expect_field(rig, "PW. 2002:2501(499) ack 11", ECN_ECT_0);
    inject(rig, ". 11:11(0) ack 2501 win 1000");
    tcp_shutdown(rig->c, STRATA_SHUTDOWN_WRITE);
    expect_field(rig, "F. 2501:2501(0) ack 11", 0);
}

/* What the program says of the traffic class is Diffserv's; the ECN field is ours. */
TCP_TEST(the_programs_traffic_class_has_no_ecn_field)
{
    rig->options.tos = 0xbb;
    rig_accept(rig, "S 0:0(0) win 65535 <mss 1000>");
    CHECK_EQ(rig->tos, 0xb8);
    inject(rig, ". 1:1(0) ack 1 win 65535");
    rig_write(rig, 100);
    expect(rig, "P. 1:101(100) ack 1");
    CHECK_EQ(rig->tos, 0xb8);
}

/* RFC 3168-3: from a mark on every ACK says so, until the peer says that it has heard. */
TCP_TEST(a_mark_is_echoed_until_the_peer_has_heard)
{
    accepted(rig);
    inject_marked(rig, ". 1:1001(1000) ack 1 win 65535", ECN_ECT_0);
    inject_marked(rig, ". 1001:2001(1000) ack 1 win 65535", ECN_ECT_0);
    expect(rig, ". 1:1(0) ack 2001");
    inject_marked(rig, ". 2001:3001(1000) ack 1 win 65535", ECN_CE);
    expect_field(rig, "E. 1:1(0) ack 3001", 0); // at once
    CHECK_EQ(COUNT(rig, tcp_ecn_marks), 1);
    inject_marked(rig, ". 3001:4001(1000) ack 1 win 65535", ECN_ECT_0);
    inject_marked(rig, ". 4001:5001(1000) ack 1 win 65535", ECN_ECT_0);
    rig_wait(rig, 50 * MS);
    while (rig_next(rig)[0])
        CHECK_EQ(strncmp(rig->line, "E. ", 3), 0);
    rig_write(rig, 100);
    expect(rig, "PE. 1:101(100) ack 5001"); // on data too
    // The peer has slowed down; but what says so was marked again.
    inject_marked(rig, "W. 5001:6001(1000) ack 101 win 65535", ECN_CE);
    rig_wait(rig, 50 * MS);
    expect(rig, "E. 101:101(0) ack 6001");
    inject_marked(rig, "W. 6001:7001(1000) ack 101 win 65535", ECN_ECT_0);
    rig_wait(rig, 50 * MS);
    expect(rig, ". 101:101(0) ack 7001");
    silence(rig);
}

/* A mark that came out of order counts as well. */
TCP_TEST(a_mark_ahead_of_its_turn)
{
    accepted(rig);
    inject_marked(rig, ". 1001:2001(1000) ack 1 win 65535", ECN_CE);
    expect(rig, "E. 1:1(0) ack 1");
    inject_marked(rig, ". 1:1001(1000) ack 1 win 65535", ECN_ECT_0);
    expect(rig, "E. 1:1(0) ack 2001");
}

/* RFC 3168-7: what is outside the window may be anybody's. */
TCP_TEST(marks_outside_of_the_window_say_nothing)
{
    accepted(rig);
    inject_marked(rig, ". 100001:101001(1000) ack 1 win 65535", ECN_CE);
    expect(rig, ". 1:1(0) ack 1");
    inject_marked(rig, ". 1:1001(1000) ack 1 win 65535", ECN_ECT_0);
    inject_marked(rig, ". 1001:2001(1000) ack 1 win 65535", ECN_ECT_0);
    rig_drain(rig);
    inject_marked(rig, ". 1:1001(1000) ack 1 win 65535", ECN_CE); // old
    expect(rig, ". 1:1(0) ack 2001");
    inject_marked(rig, ". 2001:2001(0) ack 1 win 65535", ECN_CE); // no data
    inject_marked(rig, ". 2001:3001(1000) ack 1 win 65535", ECN_ECT_0);
    inject_marked(rig, ". 3001:4001(1000) ack 1 win 65535", ECN_ECT_0);
    expect(rig, ". 1:1(0) ack 4001");
    CHECK_EQ(COUNT(rig, tcp_ecn_marks), 0);
}

/* A connection without ECN does not care for marks. */
TCP_TEST(nobody_agreed)
{
    rig_accept(rig, "S 0:0(0) win 65535 <mss 1000>");
    inject(rig, ". 1:1(0) ack 1 win 65535");
    inject_marked(rig, ". 1:1001(1000) ack 1 win 65535", ECN_CE);
    inject_marked(rig, ". 1001:2001(1000) ack 1 win 65535", ECN_CE);
    expect(rig, ". 1:1(0) ack 2001");
    rig_write(rig, 3000);
    CHECK_EQ(rig_drain(rig), 3);
    uint32_t cwnd = rig_info(rig).cwnd;
    inject(rig, "E. 2001:2001(0) ack 1001 win 65535");
    CHECK(rig_info(rig).cwnd >= cwnd);
}

/* RFC 3168-4: once in a window of data, without a retransmission. RFC 3168-5: CWR on the next new data, once. */
TCP_TEST(an_echo_brings_the_window_down)
{
    accepted(rig);
    rig_write(rig, 100000);
    CHECK_EQ(rig_drain(rig), 10);
    uint32_t before = rig_info(rig).cwnd;
    inject(rig, "E. 1:1(0) ack 1001 win 65535");
    CHECK_EQ(COUNT(rig, tcp_ecn_echoes), 1);
    CHECK(rig_info(rig).ssthresh < before);
    CHECK_EQ(rig_info(rig).recovery, 4);
    uint32_t ssthresh = rig_info(rig).ssthresh;
    bool told = false;
    unsigned acked = 1001;
    // The rest of that window, echoes all of it: the window comes down to ssthresh and no farther.
    for (unsigned at = 2001; at <= 10001; at += 1000) {
        inject(rig, "E. 1:1(0) ack %u win 65535", at);
        CHECK(rig_info(rig).cwnd <= before);
        acked = at;
        while (rig_next(rig)[0]) {
            bool cwr = strchr(rig->line, 'W') && strchr(rig->line, 'W') < strchr(rig->line, ' ');
            CHECK_EQ(rig->tos & 3, ECN_ECT_0);
            CHECK(cwr == !told); // RFC 3168-5
            told = true;
        }
    }
    CHECK(told);
    CHECK_EQ(rig_info(rig).delivered_ce, 10);
    CHECK_EQ(rig_info(rig).ssthresh, ssthresh);
    CHECK_EQ(rig_info(rig).segments_retransmitted, 0);
    CHECK(rig_info(rig).cwnd <= ssthresh + 1000);
    // The next window was sent after the reduction: an echo in it is another one.
    while (rig_info(rig).recovery == 4) {
        acked += 1000;
        inject(rig, ". 1:1(0) ack %u win 65535", acked);
        rig_drain(rig);
    }
    inject(rig, "E. 1:1(0) ack %u win 65535", acked + 1000);
    CHECK(rig_info(rig).ssthresh < ssthresh);
}

/* RFC 3168-5: not on what is sent again. */
TCP_TEST(a_retransmission_does_not_tell)
{
    accepted(rig);
    rig_write(rig, 100000);
    CHECK_EQ(rig_drain(rig), 10);
    rig_wait(rig, 3 * STRATA_SECOND); // a timeout brings the window down as well
    expect_field(rig, ". 1:1001(1000) ack 1", 0);
    inject(rig, ". 1:1(0) ack 10001 win 65535");
    expect_field(rig, "W. 10001:11001(1000) ack 1", ECN_ECT_0);
}

/* RFC 3168-6: with a window of one segment there is nothing to lower; the next one waits for the timer. */
TCP_TEST(an_echo_at_a_window_of_one_segment)
{
    SET(rig, tcp_initial_window, 1);
    accepted(rig);
    rig_write(rig, 10000);
    while (rig_info(rig).cwnd > 1000 || rig_drain(rig) > 1)
        REQUIRE(false);
    inject(rig, "E. 1:1(0) ack 1001 win 65535");
    silence(rig);
    CHECK(rig_info(rig).cwnd <= 2000); // RFC 3168-4: that ACK did not raise it
    rig_wait(rig, rig_info(rig).rto_ns - MS);
    silence(rig);
    rig_wait(rig, 2 * MS);
    CHECK(rig_next(rig)[0]);
    CHECK_EQ(rig->tos & 3, ECN_ECT_0);
    CHECK(strstr(rig->line, "1001:2001(1000)") != NULL);
    inject(rig, ". 1:1(0) ack 2001 win 65535"); // not marked any more
    CHECK(rig_drain(rig) > 0);
}

TEST_MAIN(TEST_ENTRY(we_answer_who_asks), TEST_ENTRY(we_ask_where_the_setting_says), TEST_ENTRY(both_ask_at_once),
          TEST_ENTRY(a_syn_without_an_answer_does_not_ask_again), TEST_ENTRY(a_reset_is_asked_once_more),
          TEST_ENTRY(no_fall_back_where_the_setting_says), TEST_ENTRY(what_may_be_marked),
          TEST_ENTRY(the_programs_traffic_class_has_no_ecn_field),
          TEST_ENTRY(a_mark_is_echoed_until_the_peer_has_heard), TEST_ENTRY(a_mark_ahead_of_its_turn),
          TEST_ENTRY(marks_outside_of_the_window_say_nothing), TEST_ENTRY(nobody_agreed),
          TEST_ENTRY(an_echo_brings_the_window_down), TEST_ENTRY(a_retransmission_does_not_tell),
          TEST_ENTRY(an_echo_at_a_window_of_one_segment))
