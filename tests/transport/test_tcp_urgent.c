/**
 * The urgent mechanism (RFC 9293 3.8.5; RFC 6093's reading of the pointer is that of RFC 9293).
 */
#include "tests/transport/rig.h"

#include <errno.h>

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

/* ---- Apart from the stream -------------------------------------------------------------------------------
 */

static uint8_t octet_of(struct rig *rig, unsigned at)
{
    uint8_t room[2048];
    rig_segment(rig, room, "P. 1:1001(1000) ack 1 win 1");
    return room[20 + at - 1];
}

static void accepted_apart(struct rig *rig)
{
    rig->options.urgent_inline = false;
    accepted(rig);
}

/** Reads all that a plain read gives, up to 100 octets, and checks that they are start, start + 1, ... */
static void check_read(struct rig *rig, unsigned start, unsigned count)
{
    uint8_t got[100];
    CHECK_EQ(tcp_read(rig->c, got, sizeof got), count);
    for (unsigned i = 0; i < count; i++)
        CHECK_EQ(got[i], octet_of(rig, start + i));
}

/* A plain read ends before the mark, the next one goes on behind it; the octet is read by a call of its own,
 * once. */
TCP_TEST(the_octet_is_apart_from_the_stream)
{
    uint8_t octet = 0, again = 0;
    struct strata_iovec piece;
    accepted_apart(rig);
    CHECK_EQ(tcp_read_urgent(rig->c, &octet, false), -EINVAL);
    inject(rig, "PU. 1:21(20) ack 1 win 65535 urg 10"); // octet 10 is urgent
    CHECK_EQ(rig->urgent_events, 1);
    CHECK_EQ(tcp_readiness(rig->c) & (STRATA_URGENT | STRATA_READABLE), STRATA_URGENT | STRATA_READABLE);
    CHECK_EQ(tcp_read_urgent(rig->c, &octet, true), 1);
    CHECK_EQ(tcp_read_urgent(rig->c, &again, false), 1);
    CHECK_EQ(octet, octet_of(rig, 10));
    CHECK_EQ(again, octet);
    CHECK_EQ(tcp_read_urgent(rig->c, &octet, false), -EINVAL);
    CHECK_EQ(tcp_readiness(rig->c) & (STRATA_URGENT | STRATA_READABLE), STRATA_READABLE);
    CHECK_EQ(tcp_urgent_mark(rig->c), 10);
    REQUIRE(tcp_data(rig->c, &piece, 1) == 1);
    CHECK_EQ(piece.length, 9);
    check_read(rig, 1, 9);
    CHECK_EQ(tcp_urgent_mark(rig->c), 1); // at the mark
    REQUIRE(tcp_data(rig->c, &piece, 1) == 1);
    CHECK_EQ(piece.length, 10);
    CHECK_EQ(*(const uint8_t *)piece.base, octet_of(rig, 11));
    CHECK_EQ(tcp_consume(rig->c, 11), -EINVAL);
    CHECK_EQ(tcp_consume(rig->c, 4), 0);
    CHECK_EQ(tcp_urgent_mark(rig->c), 0);
    check_read(rig, 15, 6);
    CHECK_EQ(rig_info(rig).receive_queue, 0);
}

/* Passed without having been read, it is gone. */
TCP_TEST(an_octet_that_was_passed_is_gone)
{
    uint8_t octet;
    accepted_apart(rig);
    inject(rig, "PU. 1:21(20) ack 1 win 65535 urg 10");
    check_read(rig, 1, 9);
    check_read(rig, 11, 10);
    CHECK_EQ(tcp_read_urgent(rig->c, &octet, false), -EINVAL);
    CHECK_EQ(tcp_readiness(rig->c) & STRATA_URGENT, 0);
}

/* The pointer comes before the octet: announced, then told again when it has come, be it ahead of its turn.
 */
TCP_TEST(the_octet_comes_behind_its_pointer)
{
    uint8_t octet = 0;
    accepted_apart(rig);
    inject(rig, "PU. 1:11(10) ack 1 win 65535 urg 29"); // octet 29
    CHECK_EQ(rig->urgent_events, 1);
    CHECK_EQ(tcp_readiness(rig->c) & STRATA_URGENT, 0);
    CHECK_EQ(tcp_read_urgent(rig->c, &octet, false), -EAGAIN);
    inject(rig, "PU. 21:31(10) ack 1 win 65535 urg 9");
    CHECK_EQ(rig->urgent_events, 2);
    CHECK_EQ(tcp_readiness(rig->c) & STRATA_URGENT, STRATA_URGENT);
    CHECK_EQ(tcp_read_urgent(rig->c, &octet, false), 1);
    CHECK_EQ(octet, octet_of(rig, 29));
    check_read(rig, 1, 10);
    inject(rig, "PU. 11:21(10) ack 1 win 65535 urg 19");
    check_read(rig, 11, 18);
    CHECK_EQ(tcp_urgent_mark(rig->c), 1);
    check_read(rig, 30, 1);
}

/* Alone at the mark it is nothing to be read in the stream; and at the end of one it is no data that was left
 * unread. */
TCP_TEST(nothing_behind_the_mark)
{
    uint8_t octet, rest[8];
    accepted_apart(rig);
    inject(rig, "PU. 1:2(1) ack 1 win 65535 urg 1");
    CHECK_EQ(tcp_readiness(rig->c) & (STRATA_URGENT | STRATA_READABLE), STRATA_URGENT);
    CHECK_EQ(tcp_read(rig->c, rest, sizeof rest), -EAGAIN);
    CHECK_EQ(tcp_data(rig->c, NULL, 0), -EAGAIN);
    CHECK_EQ(tcp_read_urgent(rig->c, &octet, false), 1);
    CHECK_EQ(octet, octet_of(rig, 1));
    CHECK_EQ(tcp_urgent_mark(rig->c), 1);
    CHECK_EQ(tcp_read(rig->c, rest, sizeof rest), -EAGAIN); // it has been taken: nobody waits for it
    CHECK_EQ(tcp_urgent_mark(rig->c), 0);
    CHECK_EQ(rig_info(rig).receive_queue, 0);
    inject(rig, "PU. 2:4(2) ack 1 win 65535 urg 2");
    check_read(rig, 2, 1);
    inject(rig, "F. 4:4(0) ack 1 win 65535");
    CHECK_EQ(tcp_readiness(rig->c) & STRATA_READABLE, STRATA_READABLE);
    CHECK_EQ(tcp_read(rig->c, rest, sizeof rest), 0);
    CHECK_EQ(rig_info(rig).receive_queue, 0); // so that closing is no abort
    rig_drain(rig);
    tcp_close(rig->c);
    rig->c = NULL;
    expect(rig, "F. 1:1(0) ack 5");
}

/* There is one mark. What was urgent before and lies ahead is data again; where reading stands at it, it is
 * passed. */
TCP_TEST(the_latest_mark_counts)
{
    uint8_t octet;
    accepted_apart(rig);
    inject(rig, "PU. 1:11(10) ack 1 win 65535 urg 4");  // octet 4
    inject(rig, "PU. 11:21(10) ack 1 win 65535 urg 4"); // octet 14
    check_read(rig, 1, 13);
    CHECK_EQ(tcp_urgent_mark(rig->c), 1);
    CHECK_EQ(tcp_read_urgent(rig->c, &octet, false), 1);
    CHECK_EQ(octet, octet_of(rig, 14));
    inject(rig, "PU. 21:31(10) ack 1 win 65535 urg 4"); // octet 24
    CHECK_EQ(tcp_urgent_mark(rig->c), 10);
    CHECK_EQ(tcp_read_urgent(rig->c, &octet, false), 1);
    CHECK_EQ(octet, octet_of(rig, 24));
    check_read(rig, 15, 9);
    check_read(rig, 25, 6);
}

/* The option may change while data waits. */
TCP_TEST(inline_again)
{
    uint8_t octet;
    accepted_apart(rig);
    inject(rig, "PU. 1:21(20) ack 1 win 65535 urg 10");
    rig->options.urgent_inline = true;
    tcp_set_options(rig->c, &rig->options);
    CHECK_EQ(tcp_read_urgent(rig->c, &octet, false), -EINVAL);
    check_read(rig, 1, 20);
}

TEST_MAIN(TEST_ENTRY(the_octet_is_apart_from_the_stream), TEST_ENTRY(an_octet_that_was_passed_is_gone),
          TEST_ENTRY(the_octet_comes_behind_its_pointer), TEST_ENTRY(nothing_behind_the_mark),
          TEST_ENTRY(the_latest_mark_counts), TEST_ENTRY(inline_again), TEST_ENTRY(urgent_data_is_sent),
          TEST_ENTRY(urgent_data_does_not_wait_for_nagle), TEST_ENTRY(much_urgent_data),
          TEST_ENTRY(a_pointer_beyond_the_field), TEST_ENTRY(the_pointer_passes_a_closed_window),
          TEST_ENTRY(urgent_data_is_received), TEST_ENTRY(a_pointer_comes_ahead_of_its_data))
