/**
 * How soon ACKs go (RFC 9293 3.8.6.3): at once, with the second segment, with data, or after a time that adapts itself.
 */
#include "tests/transport/rig.h"

static void accepted(struct rig *rig, int64_t quick_acks)
{
    SET(rig, tcp_quick_acks, quick_acks);
    rig_accept(rig, "S 0:0(0) win 65535 <mss 1000>");
}

static unsigned at;

/** The peer sends `size` octets more. */
static void receive(struct rig *rig, unsigned size)
{
    inject(rig, ". %u:%u(%u) ack 1 win 65535", at, at + size, size);
    at += size;
    rig_read(rig, 65536);
}

TCP_TEST(the_first_segments_are_acknowledged_one_by_one)
{
    accepted(rig, 4);
    at = 1;
    for (unsigned i = 0; i < 4; i++) {
        receive(rig, 1000);
        expect(rig, ". 1:1(0) ack %u", at);
    }
    receive(rig, 1000); // from now on every second (RFC 9293 SHLD-19)
    silence(rig);
    receive(rig, 1000);
    expect(rig, ". 1:1(0) ack %u", at);
    receive(rig, 1000);
    silence(rig);
    rig_wait(rig, 40 * MS); // RFC 9293 SHLD-18
    expect(rig, ". 1:1(0) ack %u", at);
}

/* After a loss the peer's window is small: what follows a hole that was filled is acknowledged one by one. */
TCP_TEST(after_a_hole_they_are_quick)
{
    accepted(rig, 0);
    SET(rig, tcp_hole_acks, 3);
    at = 1001;
    receive(rig, 1000);
    expect(rig, ". 1:1(0) ack 1");
    receive(rig, 1000);
    expect(rig, ". 1:1(0) ack 1");
    inject(rig, ". 1:501(500) ack 1 win 65535"); // a part of it
    expect(rig, ". 1:1(0) ack 501");
    CHECK_EQ(rig->c->quick_acks, 0);
    inject(rig, ". 501:1001(500) ack 1 win 65535");
    expect(rig, ". 1:1(0) ack 3001");
    for (unsigned i = 0; i < 2; i++) { // that was the first
        receive(rig, 1000);
        expect(rig, ". 1:1(0) ack %u", at);
    }
    receive(rig, 1000);
    silence(rig);
    rig_wait(rig, 40 * MS);
    expect(rig, ". 1:1(0) ack %u", at);
}

/* Not more than fit half of the window: a peer with a small one has no use for them. */
TCP_TEST(few_where_the_window_is_small)
{
    rig->options.receive_bytes = 6000;
    accepted(rig, 16);
    at = 1;
    unsigned quick = 0;
    for (unsigned i = 0; i < 16; i++) {
        receive(rig, 536);
        if (rig_drain(rig) == 0)
            break;
        quick++;
    }
    CHECK_EQ(quick, 5);
}

TCP_TEST(after_a_pause_they_are_quick_again)
{
    accepted(rig, 2);
    at = 1;
    for (unsigned i = 0; i < 2; i++) {
        receive(rig, 1000);
        expect(rig, ". 1:1(0) ack %u", at);
    }
    rig_wait(rig, 100 * MS); // less than a retransmission timeout: no pause
    receive(rig, 1000);
    silence(rig);
    rig_wait(rig, 40 * MS);
    expect(rig, ". 1:1(0) ack %u", at);
    rig_wait(rig, STRATA_SECOND);
    receive(rig, 1000);
    expect(rig, ". 1:1(0) ack %u", at);
}

/* Where we answer, the answer carries the ACK. */
TCP_TEST(questions_and_answers)
{
    accepted(rig, 16);
    at = 1;
    receive(rig, 100);
    expect(rig, ". 1:1(0) ack 101");
    rig_write(rig, 50);
    expect(rig, "P. 1:51(50) ack 101");
    inject(rig, ". 101:101(0) ack 51 win 65535");
    inject(rig, "P. 101:201(100) ack 51 win 65535");
    silence(rig);
    rig_write(rig, 50);
    expect(rig, "P. 51:101(50) ack 201");
    // One question that we do not answer in time, and it is over.
    inject(rig, "P. 201:301(100) ack 101 win 65535");
    silence(rig);
    rig_wait(rig, 40 * MS);
    expect(rig, ". 101:101(0) ack 301");
    inject(rig, "P. 301:401(100) ack 101 win 65535");
    expect(rig, ". 101:101(0) ack 401");
}

/* A small segment probably is the end of a write; who has read it all has nothing to wait for. */
TCP_TEST(what_was_read_is_acknowledged)
{
    accepted(rig, 1);
    at = 1;
    receive(rig, 1000);
    expect(rig, ". 1:1(0) ack 1001");
    inject(rig, "P. 1001:1101(100) ack 1 win 65535");
    silence(rig);
    CHECK_EQ(rig_read(rig, 50), 50);
    silence(rig);
    CHECK_EQ(rig_read(rig, 50), 50);
    expect(rig, ". 1:1(0) ack 1101");
}

TCP_TEST(the_program_chooses)
{
    accepted(rig, 0);
    at = 1;
    receive(rig, 1000);
    silence(rig);
    tcp_quick_ack(rig->c, true); // what waits goes
    expect(rig, ". 1:1(0) ack 1001");
    for (unsigned i = 0; i < 3; i++) {
        receive(rig, 1000);
        expect(rig, ". 1:1(0) ack %u", at);
    }
    CHECK(tcp_is_quick_ack(rig->c));
    tcp_quick_ack(rig->c, false);
    CHECK(!tcp_is_quick_ack(rig->c));
    receive(rig, 1000);
    silence(rig);
}

/* The wait doubles where it was in vain, up to the setting and a round trip; it comes back with segments in a row. */
TCP_TEST(the_wait_adapts)
{
    SET(rig, tcp_delayed_ack_most_ms, 200);
    SET(rig, tcp_quick_acks, 0);
    rig_listen(rig);
    syn(rig, "mss 1000");
    rig_wait(rig, 300 * MS); // a round trip, for the bound
    inject(rig, ". 1:1(0) ack 1 win 65535");
    REQUIRE(rig_take(rig));
    static const unsigned waits_ms[] = {40, 80, 160, 200, 200};
    at = 1;
    for (unsigned i = 0; i < sizeof waits_ms / sizeof *waits_ms; i++) {
        receive(rig, 100);
        rig_wait(rig, (waits_ms[i] - 1) * MS);
        silence(rig);
        rig_wait(rig, 2 * MS);
        expect(rig, ". 1:1(0) ack %u", at);
        rig_wait(rig, 300 * MS);
    }
    for (unsigned i = 0; i < 20; i++) {
        receive(rig, 1000);
        rig_wait(rig, 5 * MS);
        rig_drain(rig);
    }
    receive(rig, 100);
    rig_drain(rig);
    receive(rig, 100);
    silence(rig);
    rig_wait(rig, 45 * MS);
    expect(rig, ". 1:1(0) ack %u", at);
}

/* What came before the SYN-ACK, and was dropped, is no beginning: the first that counts is acknowledged at once. */
TCP_TEST(what_comes_too_early_does_not_count)
{
    SET(rig, tcp_quick_acks, 4);
    rig_connect(rig);
    expect(rig, "S 0:0(0)");
    inject(rig, ". 1001:2001(1000) ack 1 win 65535");
    inject(rig, "P. 2001:3001(1000) ack 1 win 65535");
    rig_wait(rig, STRATA_SECOND);
    expect(rig, "S 0:0(0)");
    inject(rig, "S. 0:0(0) ack 1 win 65535 <mss 1000>");
    expect(rig, ". 1:1(0) ack 1");
    CHECK_EQ(rig_info(rig).data_segments_received, 0);
    rig_wait(rig, 10 * MS);
    at = 1;
    receive(rig, 1000);
    expect(rig, ". 1:1(0) ack 1001");
    receive(rig, 1000);
    expect(rig, ". 1:1(0) ack 2001");
}

TEST_MAIN(TEST_ENTRY(the_first_segments_are_acknowledged_one_by_one), TEST_ENTRY(after_a_hole_they_are_quick),
          TEST_ENTRY(few_where_the_window_is_small), TEST_ENTRY(after_a_pause_they_are_quick_again),
          TEST_ENTRY(questions_and_answers), TEST_ENTRY(what_was_read_is_acknowledged),
          TEST_ENTRY(the_program_chooses), TEST_ENTRY(the_wait_adapts),
          TEST_ENTRY(what_comes_too_early_does_not_count))
