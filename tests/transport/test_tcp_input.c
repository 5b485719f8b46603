/**
 * A segment arrives in a synchronized state: sequence, RST, SYN, ACK (RFC 9293 3.10.7.4, RFC 5961).
 */
#include "tests/transport/rig.h"

#include <errno.h>

static void accepted(struct rig *rig)
{
    rig_accept(rig, "S 0:0(0) win 65535 <mss 1000>");
}

/* RFC 9293 MUST-3: a wrong checksum is no segment. */
TCP_TEST(a_wrong_checksum_is_dropped)
{
    accepted(rig);
    uint8_t bytes[200];
    size_t length = rig_segment(rig, bytes, "P. 1:51(50) ack 1 win 65535");
    for (size_t at = 0; at < length; at++) {
        if (at == 12)
            continue; // the header's length: dropped as such
        bytes[at] ^= 0x10;
        rig_inject_bytes(rig, bytes, length);
        bytes[at] ^= 0x10;
    }
    CHECK_EQ(rig_read(rig, 100), -EAGAIN);
    silence(rig);
    CHECK(COUNT(rig, tcp_drop_checksum) >= (int64_t)length - 8);
    rig_inject_bytes(rig, bytes, length);
    CHECK_EQ(rig_read(rig, 100), 50);
}

TCP_TEST(what_is_cut_short_is_dropped)
{
    accepted(rig);
    uint8_t bytes[200];
    size_t length = rig_segment(rig, bytes, "P. 1:51(50) ack 1 win 65535 <nop,nop,ts 1 2>");
    for (size_t cut = 0; cut < length; cut++)
        rig_inject_bytes(rig, bytes, cut);
    silence(rig);
    CHECK_EQ(rig_read(rig, 100), -EAGAIN);
    CHECK(COUNT(rig, tcp_drop_short) >= 20);
}

/* RFC 9293-4: the four cases. Window 65535 octets from 1. */
TCP_TEST(acceptable_or_not)
{
    accepted(rig);
    // No octets, window open: in the window.
    inject(rig, ". 0:0(0) ack 1 win 65535"); // before it
    expect(rig, ". 1:1(0) ack 1");
    inject(rig, ". 65537:65537(0) ack 1 win 65535"); // behind it
    expect(rig, ". 1:1(0) ack 1");
    inject(rig, ". 1:1(0) ack 1 win 65535");
    silence(rig);
    // Octets, window open: the first or the last in the window.
    inject(rig, "P. 65536:65546(10) ack 1 win 65535"); // behind
    expect(rig, ". 1:1(0) ack 1");
    CHECK_EQ(rig_info(rig).out_of_order_bytes, 0);
    inject(rig, "P. 65530:65540(10) ack 1 win 65535"); // the first part is inside
    expect(rig, ". 1:1(0) ack 1");
    CHECK_EQ(rig_info(rig).out_of_order_bytes, 6);
    inject(rig, "P. 1:101(100) ack 1 win 65535");
    rig_wait(rig, 40 * MS);
    expect(rig, ". 1:1(0) ack 101");
    inject(rig, "P. 51:101(50) ack 1 win 65535"); // all old: an ACK and nothing else
    expect(rig, ". 1:1(0) ack 101");
    inject(rig, "P. 51:151(100) ack 1 win 65535"); // half old
    CHECK_EQ(rig_read(rig, 1000), 150);
    CHECK_EQ(COUNT(rig, tcp_drop_unacceptable), 4);
}

/* RFC 9293-4 with a window of zero; RFC 9293 MUST-66: RST and URG are heard, and ACKs too. */
TCP_TEST(a_closed_window_still_hears)
{
    rig->options.receive_bytes = 4000;
    accepted(rig);
    for (unsigned at = 1; at < 4001; at += 1000)
        inject(rig, "P. %u:%u(1000) ack 1 win 65535", at, at + 1000);
    expect(rig, ". 1:1(0) ack 4001 win 0");
    rig_write(rig, 10);
    expect(rig, "P. 1:11(10) ack 4001 win 0");
    inject(rig, "PU. 4001:4002(1) ack 11 win 65535 urg 1"); // a probe, with an ACK and an urgent pointer
    expect(rig, ". 11:11(0) ack 4001 win 0");
    CHECK_EQ(rig_info(rig).flight, 0); // the ACK was taken
    CHECK_EQ(rig->urgent_events, 1);   // RFC 9293 MUST-66
    CHECK_EQ(rig_info(rig).receive_queue, 4000);
    inject(rig, ". 4001:4001(0) ack 11 win 65535"); // acceptable
    silence(rig);
    inject(rig, ". 4002:4002(0) ack 11 win 65535"); // not
    expect(rig, ". 11:11(0) ack 4001 win 0");
    inject(rig, "R 4001:4001(0)"); // RFC 9293 MUST-66
    CHECK_STATE(rig, "CLOSED");
}

/* RFC 5961-1: exactly at RCV.NXT it resets, elsewhere in the window it is asked about, outside it is nothing.
 * */
TCP_TEST(where_a_reset_counts)
{
    accepted(rig);
    inject(rig, "R 2:2(0)");
    expect(rig, ". 1:1(0) ack 1"); // a challenge
    CHECK_STATE(rig, "ESTABLISHED");
    inject(rig, "R 65535:65535(0)");
    expect(rig, ". 1:1(0) ack 1");
    inject(rig, "R 65536:65536(0)");
    silence(rig);
    inject(rig, "R 0:0(0)");
    silence(rig);
    CHECK_STATE(rig, "ESTABLISHED");
    CHECK_EQ(COUNT(rig, tcp_drop_reset), 4);
    inject(rig, "R 1:1(0)");
    CHECK_STATE(rig, "CLOSED");
}

/* RFC 9293 SHLD-2: an RST may carry words. */
TCP_TEST(a_reset_with_data)
{
    accepted(rig);
    inject(rig, "RP. 1:21(20) ack 1 win 0");
    CHECK_STATE(rig, "CLOSED");
    CHECK_EQ(tcp_take_error(rig->c), ECONNRESET);
}

/* RFC 5961-2: a SYN inside a connection is asked about, wherever it is. */
TCP_TEST(a_syn_inside_a_connection)
{
    accepted(rig);
    inject(rig, "S 1:1(0) win 65535");
    expect(rig, ". 1:1(0) ack 1");
    inject(rig, "S 500:500(0) win 65535");
    expect(rig, ". 1:1(0) ack 1");
    inject(rig, "S 1000000:1000000(0) win 65535");
    expect(rig, ". 1:1(0) ack 1");
    inject(rig, "S. 0:0(0) ack 1 win 65535");
    expect(rig, ". 1:1(0) ack 1");
    silence(rig);
    CHECK_STATE(rig, "ESTABLISHED");
    CHECK_EQ(COUNT(rig, tcp_drop_syn), 4);
}

/* RFC 5961-4: challenges are bounded per connection and second, and the bound is a setting. */
TCP_TEST(challenges_are_bounded)
{
    SET(rig, tcp_challenge_acks_per_second, 3);
    accepted(rig);
    unsigned answers = 0;
    for (int i = 0; i < 10; i++) {
        inject(rig, "S 1:1(0) win 65535");
        answers += rig_drain(rig);
    }
    CHECK_EQ(answers, 3);
    CHECK_EQ(COUNT(rig, tcp_challenge_acks), 3);
    CHECK_EQ(COUNT(rig, tcp_challenge_acks_suppressed), 7);
    rig_wait(rig, STRATA_SECOND);
    inject(rig, "S 1:1(0) win 65535");
    CHECK_EQ(rig_drain(rig), 1);
}

/* RFC 9293-6: an ACK of what was not sent is answered and dropped with its data. */
TCP_TEST(an_ack_beyond_what_was_sent)
{
    accepted(rig);
    rig_write(rig, 100);
    expect(rig, "P. 1:101(100) ack 1");
    inject(rig, "P. 1:11(10) ack 102 win 65535");
    expect(rig, ". 101:101(0) ack 1");
    CHECK_EQ(rig_read(rig, 100), -EAGAIN);
    CHECK_EQ(rig_info(rig).flight, 100);
    CHECK_EQ(COUNT(rig, tcp_drop_ack), 1);
}

/* RFC 5961-3, RFC 9293 MAY-12: nor one far behind, from a guesser; one a little behind is an old duplicate,
 * whose data counts (RFC 9293-6). */
TCP_TEST(an_ack_far_behind)
{
    accepted(rig);
    for (int i = 0; i < 100; i++) {
        rig_write(rig, 1000);
        rig_drain(rig);
        inject(rig, ". 1:1(0) ack %d win 65535", 1 + 1000 * (i + 1));
    }
    inject(rig, "P. 1:11(10) ack 100 win 65535");
    expect(rig, ". 100001:100001(0) ack 1");
    CHECK_EQ(rig_read(rig, 100), -EAGAIN);
    inject(rig, "P. 1:11(10) ack 90001 win 65535");
    CHECK_EQ(rig_read(rig, 100), 10);
    CHECK_EQ(COUNT(rig, tcp_drop_ack), 1);
}

TCP_TEST(a_segment_without_ack_is_nothing)
{
    accepted(rig);
    inject(rig, "P 1:11(10) win 65535");
    inject(rig, "F 1:1(0) win 65535");
    silence(rig);
    CHECK_EQ(rig_read(rig, 100), -EAGAIN);
    CHECK_STATE(rig, "ESTABLISHED");
}

/* RFC 9293-7: the window is taken from a later segment, or from the same with no older ACK. */
TCP_TEST(which_window_counts)
{
    accepted(rig);
    inject(rig, "P. 1:11(10) ack 1 win 5000");
    CHECK_EQ(rig_info(rig).send_window, 5000);
    inject(rig, "P. 1:11(10) ack 1 win 9000"); // an older segment: it was acknowledged long ago
    CHECK_EQ(rig_info(rig).send_window, 5000);
    inject(rig, ". 11:11(0) ack 1 win 7000");
    CHECK_EQ(rig_info(rig).send_window, 7000);
    rig_write(rig, 100);
    rig_drain(rig);
    inject(rig, ". 11:11(0) ack 101 win 8000");
    CHECK_EQ(rig_info(rig).send_window, 8000);
    inject(rig, ". 11:11(0) ack 51 win 3000"); // overtaken: the same number with an older ACK
    CHECK_EQ(rig_info(rig).send_window, 8000);
}

/* RFC 9293-7, still so when 2^31 octets have come with one window in all of their segments: the last of them counts as
 * the one that told it. */
TCP_TEST(a_window_that_was_long_the_same_can_change)
{
    accepted(rig);
    inject(rig, "P. 1:11(10) ack 1 win 5000");
    rig->c->snd_wl1 -= INT32_MAX; // as if that had been told so long ago
    inject(rig, "P. 11:21(10) ack 1 win 5000");
    inject(rig, "P. 21:31(10) ack 1 win 7000");
    CHECK_EQ(rig_info(rig).send_window, 7000);
    rig_write(rig, 100);
    rig_drain(rig);
    rig->c->snd_wl1 -= INT32_MAX;
    inject(rig, "P. 31:41(10) ack 101 win 7000"); // likewise with an ACK
    inject(rig, "P. 41:51(10) ack 101 win 9000");
    CHECK_EQ(rig_info(rig).send_window, 9000);
}

/* RFC 9293 MUST-1: the window field has no sign; RFC 9293 REC-1: and is more than 16 bits once scaled. */
TCP_TEST(windows_are_unsigned_and_wide)
{
    rig_accept(rig, "S 0:0(0) win 65535 <mss 1000,nop,ws 14>");
    CHECK_EQ(rig_info(rig).send_window, 65535u << 14);
    inject(rig, ". 1:1(0) ack 1 win 40000");
    CHECK_EQ(rig_info(rig).send_window, 40000u << 14);
    rig->c->cwnd = 60000;
    rig->c->last_sent = rig->core.now; // not idle: cwnd stays
    CHECK_EQ(rig_write(rig, 50000), 50000);
    CHECK_EQ(rig_drain(rig), 50);
}

/* RFC 9293-10: all numbers wrap, ours and theirs, in the middle of data. */
TCP_TEST(numbers_wrap)
{
    accepted(rig); // the peer's begin 512 before the end
    for (unsigned at = 1; at < 2001; at += 100)
        inject(rig, "P. %u:%u(100) ack 1 win 65535", at, at + 100);
    CHECK_EQ(rig_read(rig, 5000), 2000);
    rig_drain(rig);
    // Ours: as if 2^32 - 1500 octets had been sent before.
    seq_t move = (seq_t)-1500 - rig->c->snd_nxt;
    rig->c->iss += move;
    rig->c->snd_una += move;
    rig->c->snd_nxt += move;
    rig->c->snd_wl2 += move;
    rig->c->recover += move;
    rig->our_isn += move;
    rig_write(rig, 5000);
    CHECK_EQ(rig_drain(rig), 5);
    inject(rig, ". 2001:2001(0) ack 2001 win 65535");
    CHECK_EQ(rig_info(rig).flight, 3000);
    inject(rig, ". 2001:2001(0) ack 5001 win 65535");
    CHECK_EQ(rig_info(rig).flight, 0);
    silence(rig);
}

/* Of a burst only what carries news is answered (RFC 9293 MUST-58, MUST-59; RFC 5681-14). */
TCP_TEST(one_ack_for_a_burst)
{
    accepted(rig);
    for (unsigned at = 1; at < 20001; at += 1000)
        inject(rig, ". %u:%u(1000) ack 1 win 65535", at, at + 1000);
    expect(rig, ". 1:1(0) ack 20001"); // RFC 9293 MUST-58, MUST-59: all were processed before this
    silence(rig);
    rig_wait(rig, STRATA_SECOND);
    silence(rig);
}

TEST_MAIN(TEST_ENTRY(a_wrong_checksum_is_dropped), TEST_ENTRY(what_is_cut_short_is_dropped),
          TEST_ENTRY(acceptable_or_not), TEST_ENTRY(a_closed_window_still_hears), TEST_ENTRY(where_a_reset_counts),
          TEST_ENTRY(a_reset_with_data), TEST_ENTRY(a_syn_inside_a_connection), TEST_ENTRY(challenges_are_bounded),
          TEST_ENTRY(an_ack_beyond_what_was_sent), TEST_ENTRY(an_ack_far_behind),
          TEST_ENTRY(a_segment_without_ack_is_nothing), TEST_ENTRY(which_window_counts),
          TEST_ENTRY(a_window_that_was_long_the_same_can_change),
          TEST_ENTRY(windows_are_unsigned_and_wide), TEST_ENTRY(numbers_wrap), TEST_ENTRY(one_ack_for_a_burst))
