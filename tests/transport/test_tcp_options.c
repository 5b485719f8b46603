/**
 * Window scale, timestamps and PAWS (RFC 7323).
 */
#include "tests/transport/rig.h"

#include <errno.h>

#define WITH_TIMESTAMPS "S 0:0(0) win 65535 <mss 1000,nop,nop,ts 100 0>"

/* RFC 7323-1: only when both say it, in their SYNs. */
TCP_TEST(scale_is_agreed_on)
{
    rig->options.receive_bytes = 1 << 20;
    rig_listen(rig);
    inject(rig, "S 0:0(0) win 60000 <mss 1000,nop,ws 7>");
    expect(rig, "S. 0:0(0) ack 1 win 65535 <mss *,ws 5>"); // RFC 7323-2: not scaled here
    inject(rig, ". 1:1(0) ack 1 win 1000");
    rig->c = tcp_accept(rig->listener, rig);
    CHECK_EQ(rig_info(rig).send_scale, 7);
    CHECK_EQ(rig_info(rig).receive_scale, 5);
    CHECK_EQ(rig_info(rig).send_window, 1000 << 7);
    for (unsigned at = 1; at < 4001; at += 1000)
        inject(rig, ". %u:%u(1000) ack 1 win 1000 <nop,ws 3>", at, at + 1000); // RFC 7323-1: nothing to say here
    CHECK_EQ(rig_info(rig).send_window, 1000 << 7);
    expect(rig, ". 1:1(0) ack 4001 win %u", ((1u << 20) - 4000) >> 5);
}

TCP_TEST(no_scale_unless_both_say_it)
{
    rig->options.receive_bytes = 1 << 20;
    rig_listen(rig);
    inject(rig, "S 0:0(0) win 60000 <mss 1000>");
    expect(rig, "S. 0:0(0) ack 1 win 65535 <mss *>");
    inject(rig, ". 1:1(0) ack 1 win 1000");
    rig->c = tcp_accept(rig->listener, rig);
    CHECK_EQ(rig_info(rig).send_window, 1000); // RFC 7323-1
    inject(rig, ". 1:1001(1000) ack 1 win 1000");
    inject(rig, ". 1001:2001(1000) ack 1 win 1000");
    expect(rig, ". 1:1(0) ack 2001 win 65535");
}

TCP_TEST(no_scale_when_turned_off)
{
    SET(rig, tcp_window_scaling, 0);
    SET(rig, tcp_timestamps, 0);
    rig_connect(rig);
    expect(rig, "S 0:0(0) <mss *,sackok>");
    inject(rig, "S. 0:0(0) ack 1 win 1000 <mss 1000,nop,ws 7,nop,nop,ts 1 0>");
    CHECK_EQ(rig_info(rig).send_window, 1000);
    expect(rig, ". 1:1(0) ack 1 <>");
    inject(rig, ". 1:1(0) ack 1 win 900");
    CHECK_EQ(rig_info(rig).send_window, 900);
}

/* RFC 7323-2: the window of the SYN-ACK that we get is not scaled either. */
TCP_TEST(the_window_of_a_syn_is_not_scaled)
{
    rig_connect(rig);
    expect(rig, "S 0:0(0)");
    inject(rig, "S. 0:0(0) ack 1 win 1000 <mss 1000,nop,ws 7>");
    CHECK_EQ(rig_info(rig).send_window, 1000);
    inject(rig, ". 1:1(0) ack 1 win 1000");
    CHECK_EQ(rig_info(rig).send_window, 128000);
}

/* RFC 7323-3: more than 14 is 14. */
TCP_TEST(a_scale_that_is_too_large)
{
    rig_accept(rig, "S 0:0(0) win 65535 <mss 1000,nop,ws 200>");
    CHECK_EQ(rig_info(rig).send_scale, 14);
}

/* RFC 7323-4: what a scaled window cannot say exactly is acceptable up to the edge that was ever offered. */
TCP_TEST(the_edge_that_was_offered_counts)
{
    rig->options.receive_bytes = 1 << 20; // scale 5
    rig_listen(rig);
    inject(rig, "S 0:0(0) win 65535 <mss 1000,nop,ws 0>");
    rig_drain(rig);
    inject(rig, ". 1:1(0) ack 1 win 65535");
    rig->c = tcp_accept(rig->listener, rig);
    inject(rig, ". 1:1001(1000) ack 1 win 65535");
    inject(rig, ". 1001:2001(1000) ack 1 win 65535");
    expect(rig, ". 1:1(0) ack 2001");
    seq_t edge = rig->c->rcv_adv - rig->peer_isn;
    // Odd pieces, so that the edge cannot be said in units of 32; it is never taken back.
    for (unsigned at = 2001; at < 12001; at += 999) {
        inject(rig, ". %u:%u(999) ack 1 win 65535", at, at + 999);
        rig_drain(rig);
        CHECK(seq_ge(rig->c->rcv_adv - rig->peer_isn, edge));
    }
    inject(rig, ". %u:%u(100) ack 1 win 65535", edge - 100, edge);
    CHECK_EQ(rig_info(rig).out_of_order_bytes, 100); // RFC 7323-4
}

/* ---- Timestamps ---------------------------------------------------------------------------------------- */

/* RFC 7323-5: on everything once agreed on; RFC 7323-13: in milliseconds. */
TCP_TEST(timestamps_are_everywhere)
{
    rig_accept(rig, WITH_TIMESTAMPS);
    uint32_t base = rig->our_ts;
    rig_write(rig, 10);
    expect(rig, "P. 1:11(10) ack 1 <ts 0 100>");
    rig_wait(rig, 7 * MS);
    inject(rig, "P. 1:11(10) ack 11 win 65535 <nop,nop,ts 107 %u>", base);
    rig_wait(rig, 40 * MS);
    expect(rig, ". 11:11(0) ack 11 <ts 47 107>"); // RFC 7323-13
    inject(rig, "F. 11:11(0) ack 11 win 65535 <nop,nop,ts 110 %u>", base);
    expect(rig, ". 11:11(0) ack 12 <ts 47 110>");
    tcp_shutdown(rig->c, STRATA_SHUTDOWN_WRITE);
    expect(rig, "F. 11:11(0) ack 12 <ts 47 110>"); // RFC 7323-5
}

/* RFC 7323-6: one without is dropped in silence, and it ends nothing. */
TCP_TEST(a_segment_without_its_timestamp)
{
    rig_accept(rig, WITH_TIMESTAMPS);
    inject(rig, "P. 1:11(10) ack 1 win 65535");
    silence(rig);
    rig_wait(rig, STRATA_SECOND);
    silence(rig);
    CHECK_EQ(rig_read(rig, 10), -EAGAIN);
    CHECK_EQ(COUNT(rig, tcp_drop_no_timestamp), 1);
    CHECK_STATE(rig, "ESTABLISHED");
    inject(rig, "R 1:1(0)"); // an RST needs none
    CHECK_STATE(rig, "CLOSED");
}

/* RFC 7323-7: one where none were agreed on is just a segment. */
TCP_TEST(a_timestamp_that_nobody_agreed_on)
{
    rig_accept(rig, "S 0:0(0) win 65535 <mss 1000>");
    inject(rig, "P. 1:11(10) ack 1 win 65535 <nop,nop,ts 5 6>");
    CHECK_EQ(rig_read(rig, 10), 10);
    inject(rig, "P. 11:21(10) ack 1 win 65535 <nop,nop,ts 4 6>");
    CHECK_EQ(rig_read(rig, 10), 10);
    rig_wait(rig, 40 * MS);
    expect(rig, ". 1:1(0) ack 21 <>");
}

/* RFC 7323-8: what is echoed is the latest of what we have acknowledged, not of what came ahead of its turn.
 * */
TCP_TEST(which_timestamp_is_echoed)
{
    rig_accept(rig, WITH_TIMESTAMPS);
    inject(rig, ". 1:1001(1000) ack 1 win 65535 <nop,nop,ts 200 0>");
    inject(rig, ". 1001:2001(1000) ack 1 win 65535 <nop,nop,ts 201 0>");
    expect(rig, ". 1:1(0) ack 2001 <ts * 200>"); // the first that was not acknowledged: the delay is part of it
    inject(rig, ". 3001:4001(1000) ack 1 win 65535 <nop,nop,ts 300 0>"); // out of order
    expect(rig, ". 1:1(0) ack 2001 <ts * 200>");
    inject(rig, ". 2001:3001(1000) ack 1 win 65535 <nop,nop,ts 250 0>"); // fills the gap
    expect(rig, ". 1:1(0) ack 4001 <ts * 250>");
}

/* RFC 7323-10: an old timestamp: an ACK, and dropped; before the sequence number is looked at. */
TCP_TEST(paws)
{
    rig_accept(rig, WITH_TIMESTAMPS);
    inject(rig, "P. 1:11(10) ack 1 win 65535 <nop,nop,ts 99 0>");
    expect(rig, ". 1:1(0) ack 1 <ts * 100>");
    CHECK_EQ(rig_read(rig, 10), -EAGAIN);
    CHECK_EQ(COUNT(rig, tcp_drop_paws), 1);
    inject(rig, "P. 1:11(10) ack 1 win 65535 <nop,nop,ts 100 0>"); // equal is not older
    CHECK_EQ(rig_read(rig, 10), 10);
    // The timestamps wrap as the sequence numbers do.
    inject(rig, "P. 11:21(10) ack 1 win 65535 <nop,nop,ts %u 0>", 100u + 0x7fffffffu);
    CHECK_EQ(rig_read(rig, 10), 10);
    rig_drain(rig);
}

/* RFC 7323-11: not for RST. */
TCP_TEST(no_paws_for_resets)
{
    rig_accept(rig, WITH_TIMESTAMPS);
    inject(rig, "R 1:1(0) <nop,nop,ts 50 0>");
    CHECK_STATE(rig, "CLOSED");
}

/* RFC 7323-12: after 24 days of silence it says nothing. */
TCP_TEST(an_old_timestamp_is_forgotten)
{
    rig_accept(rig, WITH_TIMESTAMPS);
    rig_wait(rig, (strata_time)23 * 24 * 3600 * STRATA_SECOND);
    inject(rig, "P. 1:11(10) ack 1 win 65535 <nop,nop,ts 50 0>");
    expect(rig, ". 1:1(0) ack 1");
    CHECK_EQ(rig_read(rig, 10), -EAGAIN);
    rig_wait(rig, (strata_time)2 * 24 * 3600 * STRATA_SECOND);
    inject(rig, "P. 1:11(10) ack 1 win 65535 <nop,nop,ts 50 0>");
    CHECK_EQ(rig_read(rig, 10), 10);
}

/* RFC 7323-9: an echo counts only where something new is acknowledged. */
TCP_TEST(an_echo_without_news)
{
    rig_accept(rig, WITH_TIMESTAMPS);
    rig_write(rig, 10);
    expect(rig, "P. 1:11(10) ack 1");
    strata_time before = rig_info(rig).srtt_ns;
    rig_wait(rig, 50 * MS);
    inject(rig, "P. 1:11(10) ack 1 win 65535 <nop,nop,ts 150 %u>", rig->our_ts);
    CHECK_EQ(rig_info(rig).srtt_ns, before);
}

/* RFC 7323-14: every connection counts from somewhere else, and nobody can tell from where. */
TCP_TEST(timestamps_begin_anywhere)
{
    rig_listen(rig);
    uint32_t first[3];
    for (unsigned i = 0; i < 3; i++) {
        rig->know_ts = false;
        rig->peer.port = (uint16_t)(5000 + i % 2);
        inject(rig, WITH_TIMESTAMPS);
        expect(rig, "S. 0:0(0) ack 1 <mss *,ts 0 100>");
        first[i] = rig->our_ts;
        if (i < 2)
            inject(rig, "R 1:1(0)");
        rig_wait(rig, 10 * MS);
    }
    uint32_t apart = first[1] - first[0];
    CHECK(apart > 1000 && apart < UINT32_MAX - 1000);
    CHECK_EQ(first[2] - first[0], 20); // the same four-tuple goes on, for RFC 6191
}

/* However small the MSS that the peer says, timestamps and all, its data is taken and ours goes: found by fuzzing, as a
 * division by nothing. */
TCP_TEST(a_tiny_mss)
{
    static const unsigned said[] = {0, 1, 11, 12, 13, 24, 28, 40};
    for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
        for (int stamps = 0; stamps < 2; stamps++) {
            for (int whole = 0; whole < 2; whole++) {
                struct rig *own = rig_new(rig->ipv6, 1500, 0);
                SET(own, tcp_buffer_segments, whole);
                own->options.no_delay = true;
                rig_connect(own);
                rig_next(own);
                char text[100];
                snprintf(text, sizeof text, "S. 0:0(0) ack 1 win 65535 <mss %u%s>", said[i], stamps ? ",ts 9 0" : "");
                inject(own, "%s", text);
                rig_drain(own);
                CHECK_STATE(own, "ESTABLISHED");
                inject(own, "P. 1:101(100) ack 1 win 65535%s", stamps ? " <nop,nop,ts 9 0>" : "");
                CHECK_EQ(rig_read(own, 1000), 100);
                CHECK_EQ(rig_write(own, 100), 100);
                CHECK(rig_drain(own) >= 1);
                CHECK(rig_info(own).mss_receive >= 1 && rig_info(own).mss_receive <= 536);
                rig_free(own);
            }
        }
    }
}

TEST_MAIN(TEST_ENTRY(scale_is_agreed_on), TEST_ENTRY(no_scale_unless_both_say_it),
          TEST_ENTRY(no_scale_when_turned_off), TEST_ENTRY(the_window_of_a_syn_is_not_scaled),
          TEST_ENTRY(a_scale_that_is_too_large), TEST_ENTRY(the_edge_that_was_offered_counts),
          TEST_ENTRY(timestamps_are_everywhere), TEST_ENTRY(a_segment_without_its_timestamp),
          TEST_ENTRY(a_timestamp_that_nobody_agreed_on), TEST_ENTRY(which_timestamp_is_echoed), TEST_ENTRY(paws),
          TEST_ENTRY(no_paws_for_resets), TEST_ENTRY(an_old_timestamp_is_forgotten),
          TEST_ENTRY(an_echo_without_news), TEST_ENTRY(timestamps_begin_anywhere),
          TEST_ENTRY(a_tiny_mss))
