/**
 * Sending: how data becomes segments; Nagle, silly windows, windows that shrink, PSH (RFC 9293 3.7.4, 3.8.6,
 * 3.9.1.2).
 */
#include "tests/transport/rig.h"

#include <errno.h>

static void accepted(struct rig *rig)
{
    rig_accept(rig, "S 0:0(0) win 65535 <mss 1000>");
}

/* RFC 9293 MUST-60, MUST-61: what is written goes, and the last of it says PSH; RFC 9293 SHLD-28: in full
 * segments. */
TCP_TEST(data_goes_in_full_segments)
{
    accepted(rig);
    CHECK_EQ(rig_write(rig, 2500), 2500);
    expect(rig, ". 1:1001(1000) ack 1");
    expect(rig, ". 1001:2001(1000) ack 1");
    silence(rig); // Nagle: the rest waits ...
    inject(rig, ". 1:1(0) ack 2001 win 65535");
    expect(rig, "P. 2001:2501(500) ack 1"); // ... but not for ever
    silence(rig);
}

/* RFC 9293 SHLD-7: small data waits while anything is out. */
TCP_TEST(small_data_waits_for_the_acknowledgement)
{
    accepted(rig);
    rig_write(rig, 10);
    expect(rig, "P. 1:11(10) ack 1");
    rig_write(rig, 10);
    rig_write(rig, 10);
    silence(rig);
    inject(rig, ". 1:1(0) ack 11 win 65535");
    expect(rig, "P. 11:31(20) ack 1"); // RFC 9293 SHLD-27, RFC 9293 MAY-16: one segment for both
    rig_write(rig, 990);
    silence(rig);
    rig_write(rig, 10);
    expect(rig, "P. 31:1031(1000) ack 1"); // a full one waits for nothing
    silence(rig);
}

/* RFC 9293 MUST-17: the program may turn it off, at any time. */
TCP_TEST(without_nagle_small_data_goes)
{
    accepted(rig);
    rig_write(rig, 10);
    expect(rig, "P. 1:11(10) ack 1");
    rig_write(rig, 10);
    silence(rig);
    rig->options.no_delay = true;
    tcp_set_options(rig->c, &rig->options);
    expect(rig, "P. 11:21(10) ack 1");
    rig_write(rig, 10);
    expect(rig, "P. 21:31(10) ack 1");
}

/* RFC 9293 MUST-38: a window that opens a little is not used up at once ... */
TCP_TEST(silly_windows_are_not_filled)
{
    accepted(rig);
    inject(rig, ". 1:1(0) ack 1 win 0");
    rig_write(rig, 5000);
    silence(rig);
    inject(rig, ". 1:1(0) ack 1 win 500"); // less than a segment, less than half of the greatest window
    silence(rig);
    inject(rig, ". 1:1(0) ack 1 win 999");
    silence(rig);
    inject(rig, ". 1:1(0) ack 1 win 1000");
    expect(rig, ". 1:1001(1000) ack 1");
    silence(rig);
}

/* ... but half of a window that was never large is, and a small one is after a while (RFC 9293 MUST-38). */
TCP_TEST(small_windows_are_filled_after_all)
{
    rig_listen(rig);
    inject(rig, "S 0:0(0) win 800 <mss 1000>");
    expect(rig, "S. 0:0(0) ack 1");
    inject(rig, ". 1:1(0) ack 1 win 800");
    rig->c = tcp_accept(rig->listener, rig);
    rig_write(rig, 5000);
    expect(rig, ". 1:801(800) ack 1");
    inject(rig, ". 1:1(0) ack 801 win 400");
    expect(rig, ". 801:1201(400) ack 1"); // half of the greatest it ever was
    inject(rig, ". 1:1(0) ack 1201 win 300");
    silence(rig);
    rig_wait(rig, 300 * MS); // the override
    expect(rig, ". 1201:1501(300) ack 1");
    silence(rig);
}

/* RFC 5681-1: neither beyond the window ... */
TCP_TEST(never_beyond_the_window)
{
    accepted(rig);
    inject(rig, ". 1:1(0) ack 1 win 2500");
    rig_write(rig, 20000);
    expect(rig, ". 1:1001(1000) ack 1");
    expect(rig, "P. 1001:2001(1000) ack 1");
    silence(rig); // 500 are left: no full segment
    inject(rig, ". 1:1(0) ack 1001 win 2500");
    expect(rig, ". 2001:3001(1000) ack 1");
    silence(rig);
}

/* ... nor beyond cwnd (RFC 5681-1). */
TCP_TEST(never_beyond_cwnd)
{
    accepted(rig);
    rig_write(rig, 50000);
    CHECK_EQ(rig_drain(rig), 10);
    inject(rig, ". 1:1(0) ack 1001 win 65535");
    CHECK_EQ(rig_drain(rig), 2);
}

/* The window is taken back over data that is out. RFC 9293 MUST-34: the usable window is negative;
 * RFC 9293 SHLD-15: no new data; RFC 9293 SHLD-16: what is inside is sent again. */
TCP_TEST(a_window_that_shrinks)
{
    accepted(rig);
    rig_write(rig, 8000);
    CHECK_EQ(rig_drain(rig), 8);
    inject(rig, ". 1:1(0) ack 1001 win 2000"); // up to 3001; up to 8001 is out
    rig_write(rig, 1000);
    silence(rig);
    rig_wait(rig, 250 * MS);
    expect(rig, ". 1001:2001(1000) ack 1");
    silence(rig);
    inject(rig, ". 1:1(0) ack 2001 win 1500"); // up to 3501
    expect(rig, ". 2001:3001(1000) ack 1");
    expect(rig, ". 3001:3501(500) ack 1");
    silence(rig);
    inject(rig, ". 1:1(0) ack 3501 win 20000");
    expect(rig, ". 3501:4501(1000) ack 1");
    rig_drain(rig);
    inject(rig, ". 1:1(0) ack 8001 win 20000");
    expect(rig, "P. 8001:9001(1000) ack 1");
    inject(rig, ". 1:1(0) ack 9001 win 20000");
    CHECK_EQ(rig_info(rig).flight, 0);
}

/* RFC 9293 MUST-48, SHLD-21, SHLD-22: the byte the program gives, unchanged, and it may change.
 * RFC 9293 MUST-49. */
TCP_TEST(diffserv_and_ttl)
{
    rig->options.tos = 0xb8;
    rig->options.ttl = 17;
    accepted(rig);
    rig_write(rig, 10);
    expect(rig, "P. 1:11(10) ack 1");
    CHECK_EQ(rig->tos, 0xb8);
    CHECK_EQ(rig->ttl, 17);
    rig->options.tos = 0x48; // RFC 9293 SHLD-21
    rig->options.ttl = 99;
    tcp_set_options(rig->c, &rig->options);
    inject(rig, ". 1:1(0) ack 11 win 65535");
    rig_write(rig, 10);
    expect(rig, "P. 11:21(10) ack 1");
    CHECK_EQ(rig->tos, 0x48);
    CHECK_EQ(rig->ttl, 99);
}

TCP_TEST(a_full_buffer_says_so_and_when_not)
{
    rig->options.send_bytes = 6000;
    accepted(rig);
    CHECK_EQ(rig_write(rig, 10000), 6000);
    CHECK_EQ(rig_write(rig, 1), -EAGAIN);
    CHECK_EQ(tcp_readiness(rig->c) & STRATA_WRITABLE, 0);
    CHECK_EQ(rig_drain(rig), 6);
    rig->ready = 0;
    inject(rig, ". 1:1(0) ack 1001 win 65535");
    CHECK_EQ(rig->ready, 0); // a sixth is free: in gulps, please
    inject(rig, ". 1:1(0) ack 2001 win 65535");
    CHECK_EQ(rig->ready, STRATA_WRITABLE);
    CHECK_EQ(tcp_readiness(rig->c) & STRATA_WRITABLE, STRATA_WRITABLE);
    CHECK_EQ(rig_write(rig, 10000), 2000);
}

TCP_TEST(a_writer_without_memory_is_told_to_try_again)
{
    accepted(rig);
    size_t budget = rig->core.memory.budget_bytes;
    rig->core.memory.budget_bytes = rig->core.memory.used_bytes;
    CHECK_EQ(rig_write(rig, 10), -EAGAIN); // nothing is out, so no ACK will make room
    rig->ready = 0;
    rig_wait(rig, 60 * MS);
    CHECK_EQ(rig->ready, STRATA_WRITABLE);
    CHECK_EQ(rig_write(rig, 10), -EAGAIN);
    rig->core.memory.budget_bytes = budget;
    rig->ready = 0;
    rig_wait(rig, 60 * MS);
    CHECK_EQ(rig->ready, STRATA_WRITABLE);
    CHECK_EQ(rig_write(rig, 10), 10);
    expect(rig, "P. 1:11(10) ack 1");
    rig->ready = 0;
    rig_wait(rig, 60 * MS);
    CHECK_EQ(rig->ready, 0);
}

TCP_TEST(room_lent_and_committed)
{
    accepted(rig);
    struct strata_iovec pieces[2];
    REQUIRE(tcp_space(rig->c, 100, pieces, 2) == 1);
    CHECK_EQ(pieces[0].length, 100);
    CHECK_EQ(tcp_commit(rig->c, 101), -EINVAL);
    uint8_t octets[40];
    rig_segment(rig, rig->frame, "P. 1:41(40) ack 1 win 1"); // the octets of the stream, from 1 on
    memcpy(octets, rig->frame + 20, 40);
    memcpy(pieces[0].base, octets, 40);
    CHECK_EQ(tcp_commit(rig->c, 40), 0);
    expect(rig, "P. 1:41(40) ack 1");
    silence(rig);
}

TCP_TEST(data_carries_the_acknowledgement)
{
    accepted(rig);
    inject(rig, "P. 1:11(10) ack 1 win 65535");
    rig_write(rig, 10);
    expect(rig, "P. 1:11(10) ack 11");
    rig_wait(rig, STRATA_SECOND / 10);
    silence(rig);
}

/* Nobody was refused, but a buffer that has become smaller leaves no room: when there is some again, it is told. */
TCP_TEST(room_in_a_buffer_that_was_made_smaller)
{
    rig->options.send_bytes = 16384;
    rig->options.send_fixed = true;
    rig_accept(rig, "S 0:0(0) win 65535 <mss 1000>");
    CHECK_EQ(rig_write(rig, 4000), 4000);
    rig_drain(rig);
    CHECK(tcp_readiness(rig->c) & STRATA_WRITABLE);
    rig->options.send_bytes = 3000;
    tcp_set_options(rig->c, &rig->options);
    CHECK_EQ(tcp_readiness(rig->c) & STRATA_WRITABLE, 0);
    rig->ready = 0;
    inject(rig, ". 1:1(0) ack 4001 win 65535");
    CHECK_EQ(rig->ready, STRATA_WRITABLE);
}

TEST_MAIN(TEST_ENTRY(room_in_a_buffer_that_was_made_smaller),
          TEST_ENTRY(data_goes_in_full_segments), TEST_ENTRY(small_data_waits_for_the_acknowledgement),
          TEST_ENTRY(without_nagle_small_data_goes), TEST_ENTRY(silly_windows_are_not_filled),
          TEST_ENTRY(small_windows_are_filled_after_all), TEST_ENTRY(never_beyond_the_window),
          TEST_ENTRY(never_beyond_cwnd), TEST_ENTRY(a_window_that_shrinks), TEST_ENTRY(diffserv_and_ttl),
          TEST_ENTRY(a_full_buffer_says_so_and_when_not), TEST_ENTRY(a_writer_without_memory_is_told_to_try_again),
          TEST_ENTRY(room_lent_and_committed),
          TEST_ENTRY(data_carries_the_acknowledgement))
