/**
 * PSH (RFC 9293 3.9.1.2): where a write ends, where a burst ends, and that both stay where they are when it goes again.
 */
#include "tests/transport/rig.h"

/** A connection with SACK; what we write goes at once, a burst is five segments of 1000 octets. */
static void accepted(struct rig *rig)
{
    rig->options.congestion = 1; // NewReno
    rig->options.no_delay = true;
    rig_accept(rig, "S 0:0(0) win 65535 <mss 1000,sackok,nop,nop>");
}

static void write_and_drain(struct rig *rig, size_t size)
{
    CHECK_EQ(rig_write(rig, size), (int64_t)size);
    rig_drain(rig);
}

/* RFC 9293 MUST-61: the last octet of a write is pushed, whenever it goes, though more was written behind it. */
TCP_TEST(a_push_goes_again)
{
    accepted(rig);
    for (int i = 0; i < 3; i++)
        write_and_drain(rig, 1000);
    write_and_drain(rig, 5000);
    inject(rig, ". 1:1(0) ack 1 win 65535 <nop,nop,sack 3001:8001>");
    expect(rig, "P. 1:1001(1000) ack 1");
    expect(rig, "P. 1001:2001(1000) ack 1");
    expect(rig, "P. 2001:3001(1000) ack 1");
    silence(rig);
}

/* Of two halves of what was pushed as one segment the second has it. */
TCP_TEST(a_push_stays_behind_a_cut)
{
    accepted(rig);
    write_and_drain(rig, 1000);
    write_and_drain(rig, 5000);
    rig->options.max_segment = 600;
    tcp_set_options(rig->c, &rig->options);
    inject(rig, ". 1:1(0) ack 1 win 65535 <nop,nop,sack 1001:6001>");
    expect(rig, ". 1:601(600) ack 1");
    expect(rig, "P. 601:1001(400) ack 1");
    silence(rig);
}

/* Behind a timeout, when nothing else may go, small writes go together; one push is left. */
TCP_TEST(small_writes_go_again_together)
{
    accepted(rig);
    SET(rig, tcp_early_retrans, 0);
    write_and_drain(rig, 300);
    write_and_drain(rig, 300);
    rig_wait(rig, STRATA_SECOND);
    expect(rig, "P. 1:601(600) ack 1");
    inject(rig, ". 1:1(0) ack 601 win 65535");
    silence(rig);
}

/** A probe of the tail is what it was, too. */
TCP_TEST(a_tail_that_was_pushed)
{
    accepted(rig);
    inject(rig, ". 1:1(0) ack 1 win 1500");
    write_and_drain(rig, 1000);
    write_and_drain(rig, 500);
    write_and_drain(rig, 100); // no window for it
    rig_wait(rig, 100 * MS);
    expect(rig, "P. 1001:1501(500) ack 1");
}

/* What goes in several segments again, and was one burst, ends with PSH as bursts do; where another began, it ends. */
TCP_TEST(a_burst_goes_again)
{
    accepted(rig);
    CHECK_EQ(rig_write(rig, 10000), 10000);
    for (unsigned i = 0; i < 10; i++)
        expect(rig, "%s %u:%u(1000) ack 1", i % 5 == 4 ? "P." : ".", i * 1000 + 1, i * 1000 + 1001);
    inject(rig, ". 1:1(0) ack 1 win 65535 <nop,nop,sack 3001:4001 6001:10001>");
    expect(rig, ". 1:1001(1000) ack 1");
    expect(rig, ". 1001:2001(1000) ack 1");
    expect(rig, "P. 2001:3001(1000) ack 1"); // what is behind it has arrived
    rig_wait(rig, MS);
    inject(rig, ". 1:1(0) ack 4001 win 65535 <nop,nop,sack 6001:10001>");
    expect(rig, ". 4001:5001(1000) ack 1"); // the first of one burst and the last of the other
    expect(rig, ". 5001:6001(1000) ack 1");
    silence(rig);
}

/* Segments that go one by one are no burst. */
TCP_TEST(single_segments_are_no_burst)
{
    accepted(rig);
    write_and_drain(rig, 10000);
    rig_wait(rig, MS);
    inject(rig, ". 1:1(0) ack 1 win 65535 <nop,nop,sack 5001:8001>");
    expect(rig, ". 1:1001(1000) ack 1");
    expect(rig, ". 1001:2001(1000) ack 1");
    expect(rig, "P. 2001:3001(1000) ack 1"); // cwnd lets no more go now
    rig_wait(rig, MS);
    inject(rig, ". 1:1(0) ack 1 win 65535 <nop,nop,sack 5001:9001>");
    expect(rig, ". 3001:4001(1000) ack 1");
    rig_wait(rig, MS);
    inject(rig, ". 1:1(0) ack 1 win 65535 <nop,nop,sack 5001:10001>");
    expect(rig, ". 4001:5001(1000) ack 1");
    silence(rig);
}

TEST_MAIN(TEST_ENTRY(a_push_goes_again), TEST_ENTRY(a_push_stays_behind_a_cut),
          TEST_ENTRY(small_writes_go_again_together), TEST_ENTRY(a_tail_that_was_pushed),
          TEST_ENTRY(a_burst_goes_again), TEST_ENTRY(single_segments_are_no_burst))
