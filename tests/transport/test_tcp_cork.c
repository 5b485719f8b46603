/**
 * When small segments go: corks, "more follows", Nagle's algorithm in Minshall's form, and PSH.
 */
#include "tests/transport/rig.h"

static void accepted(struct rig *rig)
{
    rig_accept(rig, "S 0:0(0) win 65535 <mss 1000>");
}

static void cork(struct rig *rig, bool on)
{
    rig->options.cork = on;
    tcp_set_options(rig->c, &rig->options);
}

/** Writes, and more will follow. */
static void write_more(struct rig *rig, size_t size)
{
    CHECK_EQ(rig_write_flags(rig, size, TCP_WRITE_MORE), size);
}

TCP_TEST(a_cork_lets_full_segments_pass)
{
    accepted(rig);
    cork(rig, true);
    rig_write(rig, 40);
    silence(rig);
    rig_write(rig, 2500);
    expect(rig, ". 1:1001(1000) ack 1");
    expect(rig, ". 1001:2001(1000) ack 1");
    silence(rig);
    inject(rig, ". 1:1(0) ack 2001 win 65535");
    silence(rig); // 540 are left, and nothing is out: still corked
    cork(rig, false);
    expect(rig, "P. 2001:2541(540) ack 1");
}

TCP_TEST(a_cork_gives_way_to_time)
{
    accepted(rig);
    cork(rig, true);
    rig_write(rig, 40);
    silence(rig);
    rig_wait(rig, 199 * MS);
    silence(rig);
    rig_wait(rig, 2 * MS); // the retransmission timeout is 200 ms on this path
    expect(rig, "P. 1:41(40) ack 1");
    // What follows waits again.
    rig_write(rig, 40);
    inject(rig, ". 1:1(0) ack 41 win 65535");
    silence(rig);
    rig_wait(rig, 250 * MS);
    expect(rig, "P. 41:81(40) ack 1");
}

TCP_TEST(a_cork_does_not_hold_the_end)
{
    accepted(rig);
    cork(rig, true);
    rig_write(rig, 40);
    silence(rig);
    tcp_shutdown(rig->c, STRATA_SHUTDOWN_WRITE);
    expect(rig, "PF. 1:41(40) ack 1");
}

TCP_TEST(no_delay_pushes_what_a_cork_holds_once)
{
    accepted(rig);
    cork(rig, true);
    rig_write(rig, 40);
    silence(rig);
    tcp_push(rig->c); // as setting STRATA_OPTION_NO_DELAY does
    expect(rig, "P. 1:41(40) ack 1");
    inject(rig, ". 1:1(0) ack 41 win 65535");
    rig_write(rig, 40);
    silence(rig);
}

/* RFC 9293 MAY-16: data that is not pushed may be collected. */
TCP_TEST(more_follows)
{
    rig->options.no_delay = true;
    accepted(rig);
    write_more(rig, 100);
    silence(rig);
    write_more(rig, 160);
    silence(rig);
    rig_write(rig, 5);
    expect(rig, "P. 1:266(265) ack 1");
    inject(rig, ". 1:1(0) ack 266 win 65535");
    write_more(rig, 3100);
    expect(rig, ". 266:1266(1000) ack 1");
    expect(rig, ". 1266:2266(1000) ack 1");
    expect(rig, ". 2266:3266(1000) ack 1");
    silence(rig);
    write_more(rig, 50);
    silence(rig);
    // An ACK ends the wait; and nobody has pushed this, so that there is no PSH.
    inject(rig, ". 1:1(0) ack 2266 win 65535");
    expect(rig, ". 3266:3416(150) ack 1");
    inject(rig, ". 1:1(0) ack 3416 win 65535");
    // The program's patience is not without end.
    write_more(rig, 40);
    silence(rig);
    rig_wait(rig, 250 * MS);
    expect(rig, "P. 3416:3456(40) ack 1");
}

TCP_TEST(more_that_never_came_is_pushed)
{
    accepted(rig);
    write_more(rig, 40);
    silence(rig);
    tcp_push(rig->c);
    expect(rig, ". 1:41(40) ack 1");
}

/* RFC 9293 SHLD-7, as everybody runs it: a small segment waits for a small one, not for full ones. */
TCP_TEST(small_segments_wait_for_small_ones)
{
    SET(rig, tcp_minshall, 1);
    accepted(rig);
    rig_write(rig, 1500);
    expect(rig, ". 1:1001(1000) ack 1");
    expect(rig, "P. 1001:1501(500) ack 1");
    rig_write(rig, 100);
    silence(rig);
    inject(rig, ". 1:1(0) ack 1001 win 65535");
    silence(rig);
    inject(rig, ". 1:1(0) ack 1501 win 65535");
    expect(rig, "P. 1501:1601(100) ack 1");
    rig_write(rig, 1000); // a full one follows at once,
    expect(rig, "P. 1601:2601(1000) ack 1");
    rig_write(rig, 10); // a small one does not
    silence(rig);
}

TCP_TEST(without_minshall_small_segments_wait_for_all)
{
    accepted(rig);
    rig_write(rig, 1500);
    expect(rig, ". 1:1001(1000) ack 1");
    silence(rig);
    inject(rig, ". 1:1(0) ack 1001 win 65535");
    expect(rig, "P. 1001:1501(500) ack 1");
}

/* PSH stands at the end of what was written (RFC 9293 MUST-61), and at the end of each burst that windows cut off,
 * of half a congestion window at most; one segment alone, which an ACK let go, is no burst. */
TCP_TEST(push_ends_a_burst)
{
    accepted(rig);
    rig_write(rig, 20000);
    for (unsigned i = 0; i < 10; i++) {
        REQUIRE(rig_next(rig)[0]);
        CHECK_EQ(rig->line[0] == 'P', i == 4 || i == 9);
    }
    silence(rig);
    inject(rig, ". 1:1(0) ack 2001 win 10000");
    for (unsigned i = 0; i < 2; i++) {
        REQUIRE(rig_next(rig)[0]);
        CHECK_EQ(rig->line[0] == 'P', i == 1);
    }
    silence(rig);
    inject(rig, ". 1:1(0) ack 2001 win 11000");
    expect(rig, ". 12001:13001(1000) ack 1");
    silence(rig);
}

TEST_MAIN(TEST_ENTRY(a_cork_lets_full_segments_pass), TEST_ENTRY(a_cork_gives_way_to_time),
          TEST_ENTRY(a_cork_does_not_hold_the_end), TEST_ENTRY(no_delay_pushes_what_a_cork_holds_once),
          TEST_ENTRY(more_follows), TEST_ENTRY(more_that_never_came_is_pushed),
          TEST_ENTRY(small_segments_wait_for_small_ones), TEST_ENTRY(without_minshall_small_segments_wait_for_all),
          TEST_ENTRY(push_ends_a_burst))
