/**
 * The urgent mechanism (RFC 9293 3.8.5; RFC 6093's reading of the pointer is that of RFC 9293).
 */
#include "tests/transport/rig.h"

static void accepted(struct rig *rig)
{
    rig_accept(rig, "S 0:0(0) win 65535 <mss 1000>");
}

static int64_t write_urgent(struct rig *rig, size_t size)
{
    // The octets of the stream, so that the rig can check them.
    uint8_t room[4096];
    rig_segment(rig, room, "P. 1:2001(2000) ack 1 win 1");
    uint64_t at = rig->c->bytes_acked + rig->c->send.length;
    return tcp_write(rig->c, room + 20 + at, size, TCP_WRITE_URGENT);
}

/* RFC 9293 MUST-30, MUST-62: URG, and the pointer is the octet after the last urgent one. */
TCP_TEST(urgent_data_is_sent)
{
    accepted(rig);
    CHECK_EQ(write_urgent(rig, 10), 10);
    expect(rig, "PU. 1:11(10) ack 1 urg 10");
    silence(rig);
    rig_write(rig, 1000);
    expect(rig, "P. 11:1011(1000) ack 1"); // not urgent any more
}

TCP_TEST(urgent_data_does_not_wait_for_nagle)
{
    accepted(rig);
    rig_write(rig, 10);
    expect(rig, "P. 1:11(10) ack 1");
    CHECK_EQ(write_urgent(rig, 3), 3);
    expect(rig, "PU. 11:14(3) ack 1 urg 3");
}

/* RFC 9293 MUST-31: of any length, over many segments. */
TCP_TEST(much_urgent_data)
{
    accepted(rig);
    CHECK_EQ(write_urgent(rig, 1700), 1700);
    expect(rig, "U. 1:1001(1000) ack 1 urg 1700");
    expect(rig, "PU. 1001:1701(700) ack 1 urg 700");
    silence(rig);
    inject(rig, ". 1:1(0) ack 1001 win 65535");
    rig_wait(rig, STRATA_SECOND);
    expect(rig, "PU. 1001:1701(700) ack 1 urg 700"); // sent again it is urgent still
    inject(rig, ". 1:1(0) ack 1701 win 65535");
    rig_write(rig, 10);
    expect(rig, "P. 1701:1711(10) ack 1");
}

/* RFC 9293 MUST-31: and beyond what 16 bits can say. */
TCP_TEST(a_pointer_beyond_the_field)
{
    rig->options.send_bytes = 1 << 20;
    accepted(rig);
    rig_write(rig, 70000);
    rig->c->snd_up = rig->c->snd_una + 70000;
    rig->c->flags |= FLAG_URGENT_SENT;
    expect(rig, "U. 1:1001(1000) ack 1 urg 65535");
}

TCP_TEST(the_pointer_passes_a_closed_window)
{
    accepted(rig);
    inject(rig, ". 1:1(0) ack 1 win 0");
    CHECK_EQ(write_urgent(rig, 10), 10);
    expect(rig, "U. 1:1(0) ack 1 urg 10"); // the news, if not the data
    silence(rig);
}

/* RFC 9293 MUST-32: told when it first pends and when the pointer advances; RFC 9293 MUST-33: how much is
 * ahead. */
TCP_TEST(urgent_data_is_received)
{
    accepted(rig);
    CHECK_EQ(tcp_urgent_mark(rig->c), 0);
    inject(rig, "PU. 1:101(100) ack 1 win 65535 urg 150");
    CHECK_EQ(rig->urgent_events, 1);
    CHECK_EQ(rig->ready & STRATA_URGENT, STRATA_URGENT);
    CHECK_EQ(tcp_urgent_mark(rig->c), 150); // RFC 9293 MUST-62: the octet after it
    CHECK_EQ(tcp_readiness(rig->c) & STRATA_URGENT, STRATA_URGENT);
    inject(rig, "PU. 101:201(100) ack 1 win 65535 urg 50"); // no advance
    CHECK_EQ(rig->urgent_events, 1);
    inject(rig, "PU. 201:301(100) ack 1 win 65535 urg 500");
    CHECK_EQ(rig->urgent_events, 2); // RFC 9293 MUST-32
    CHECK_EQ(tcp_urgent_mark(rig->c), 700);
    CHECK_EQ(rig_read(rig, 300), 300);
    CHECK_EQ(tcp_urgent_mark(rig->c), 400); // RFC 9293 MUST-33
    for (unsigned at = 301; at < 801; at += 100)
        inject(rig, "P. %u:%u(100) ack 1 win 65535", at, at + 100);
    CHECK_EQ(rig_read(rig, 399), 399);
    CHECK_EQ(tcp_urgent_mark(rig->c), 1);
    CHECK_EQ(rig_read(rig, 1), 1);
    CHECK_EQ(tcp_urgent_mark(rig->c), 0);
    CHECK_EQ(tcp_readiness(rig->c) & STRATA_URGENT, 0);
    CHECK_EQ(rig_read(rig, 1000), 100);
}

TCP_TEST(a_pointer_comes_ahead_of_its_data)
{
    accepted(rig);
    inject(rig, "U. 1001:1101(100) ack 1 win 65535 urg 100"); // out of order
    CHECK_EQ(rig->urgent_events, 1);
    CHECK_EQ(tcp_urgent_mark(rig->c), 1100);
    inject(rig, "U. 1:1(0) ack 1 win 65535 urg 1100"); // the same
    CHECK_EQ(rig->urgent_events, 1);
}

TEST_MAIN(TEST_ENTRY(urgent_data_is_sent), TEST_ENTRY(urgent_data_does_not_wait_for_nagle),
          TEST_ENTRY(much_urgent_data), TEST_ENTRY(a_pointer_beyond_the_field),
          TEST_ENTRY(the_pointer_passes_a_closed_window), TEST_ENTRY(urgent_data_is_received),
          TEST_ENTRY(a_pointer_comes_ahead_of_its_data))
