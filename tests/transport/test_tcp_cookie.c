/**
 * SYN cookies (RFC 4987 3.6): what they remember, how long they are good, and who gets in during a flood.
 */
#include "tests/transport/rig.h"

#include <errno.h>

/** Listens and answers every SYN by a cookie. */
static void listen_with_cookies(struct rig *rig)
{
    SET(rig, tcp_syncookies, 2);
    rig_listen(rig);
}

TCP_TEST(nothing_is_remembered)
{
    listen_with_cookies(rig);
    size_t used = rig->core.memory.used_bytes;
    for (int i = 0; i < 100; i++, rig_another(rig)) {
        inject(rig, "S 0:0(0) win 65535 <mss 1000>");
        expect(rig, "S. 0:0(0) ack 1 win 65535");
    }
    CHECK_EQ(rig->tcp->half_open_count, 0);
    CHECK_EQ(rig->core.memory.used_bytes, used);
    CHECK_EQ(COUNT(rig, tcp_cookies_sent), 100);
    rig_wait(rig, 300 * STRATA_SECOND);
    silence(rig); // nor sent again
}

/* RFC 4987-3: the final ACK alone makes the connection, and data that comes with it is taken. */
TCP_TEST(the_third_segment_opens_it)
{
    listen_with_cookies(rig);
    inject(rig, "S 0:0(0) win 65535 <mss 1000>");
    expect(rig, "S. 0:0(0) ack 1 <mss *>");
    inject(rig, "P. 1:101(100) ack 1 win 5000");
    REQUIRE(rig_take(rig));
    CHECK_STATE(rig, "ESTABLISHED");
    CHECK_EQ(rig_read(rig, 1000), 100);
    rig_wait(rig, 40 * MS);
    expect(rig, ". 1:1(0) ack 101");
    CHECK_EQ(rig_write(rig, 500), 500);
    expect(rig, "P. 1:501(500) ack 101");
    CHECK_EQ(rig_info(rig).send_window, 5000);
    CHECK_EQ(COUNT(rig, tcp_cookies_accepted), 1);
}

/* RFC 4987-3, RFC 9293 MUST-16: the MSS comes back, rounded down to what the table has. */
TCP_TEST(the_mss_comes_back)
{
    static const struct {
        unsigned said, kept;
    } rows[] = {{64, 64}, {500, 64}, {536, 536}, {1219, 536}, {1220, 1220}, {1300, 1220}, {1420, 1420}, {1440, 1440}};
    listen_with_cookies(rig);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++, rig_another(rig)) {
        inject(rig, "S 0:0(0) win 65535 <mss %u>", rows[i].said);
        expect(rig, "S. 0:0(0) ack 1");
        inject(rig, ". 1:1(0) ack 1 win 65535");
        REQUIRE(rig_take(rig));
        CHECK_EQ(rig_info(rig).mss_send, rows[i].kept);
    }
    // None said: the default holds (RFC 9293 MUST-15). One too small for any cookie is remembered instead.
    inject(rig, "S 0:0(0) win 65535");
    expect(rig, "S. 0:0(0) ack 1");
    inject(rig, ". 1:1(0) ack 1 win 65535");
    REQUIRE(rig_take(rig));
    CHECK_EQ(rig_info(rig).mss_send, rig->ipv6 ? 1220 : 536);
    rig_another(rig);
    syn(rig, "mss 63");
    CHECK_EQ(rig->tcp->half_open_count, 1);
}

/* RFC 4987-3: window scale and SACK come back in the timestamp's echo. */
TCP_TEST(options_come_back_in_the_timestamp)
{
    listen_with_cookies(rig);
    for (unsigned scale = 0; scale <= 14; scale += 7) {
        for (unsigned sack = 0; sack < 2; sack++, rig_another(rig)) {
            inject(rig, "S 0:0(0) win 65535 <mss 1000,%snop,ws %u,ts 500 0>", sack ? "sackok," : "", scale);
            expect(rig, "S. 0:0(0) ack 1 <mss *,%sts * 500,ws *>", sack ? "sackok," : "");
            inject(rig, ". 1:1(0) ack 1 win 100 <nop,nop,ts 510 %u>", rig->our_ts);
            REQUIRE(rig_take(rig));
            struct strata_tcp_info info = rig_info(rig);
            CHECK_EQ(info.send_scale, scale);
            CHECK_EQ(info.send_window, 100 << scale);
            CHECK(info.timestamps);
            CHECK_EQ((rig->c->flags & FLAG_SACK) != 0, sack);
            CHECK_EQ(rig->c->ts_recent, 510);
        }
    }
    // No window scale: neither side has one.
    inject(rig, "S 0:0(0) win 65535 <mss 1000,sackok,ts 500 0>");
    expect(rig, "S. 0:0(0) ack 1 <mss *,sackok,ts * 500>");
    inject(rig, ". 1:1(0) ack 1 win 100 <nop,nop,ts 510 %u>", rig->our_ts);
    REQUIRE(rig_take(rig));
    CHECK_EQ(rig_info(rig).send_scale, 0);
    CHECK(!(rig->c->flags & FLAG_SCALING));
}

/* RFC 4987-3: without timestamps there is no room for them, and they are not offered. */
TCP_TEST(options_that_cannot_come_back_are_not_offered)
{
    listen_with_cookies(rig);
    inject(rig, "S 0:0(0) win 65535 <mss 1000,sackok,nop,ws 7>");
    expect(rig, "S. 0:0(0) ack 1 <mss *>");
    inject(rig, ". 1:1(0) ack 1 win 100");
    REQUIRE(rig_take(rig));
    CHECK_EQ(rig_info(rig).send_scale, 0);
    CHECK_EQ(rig_info(rig).send_window, 100);
    CHECK_EQ(rig->c->flags & (FLAG_SACK | FLAG_SCALING | FLAG_TIMESTAMPS), 0);
}

/* The timestamps that carry options never run ahead of those that follow. */
TCP_TEST(timestamps_go_on_from_the_cookies)
{
    listen_with_cookies(rig);
    for (int i = 0; i < 130; i++, rig_another(rig)) {
        rig_wait(rig, MS);
        syn(rig, "mss 1000,sackok,ts 500 0,ws 13");
        uint32_t stamp = rig->our_ts, clock = (uint32_t)(rig->core.now / MS);
        inject(rig, "P. 1:2(1) ack 1 win 100 <nop,nop,ts 510 %u>", stamp);
        REQUIRE(rig_take(rig));
        int32_t behind = (int32_t)(clock + rig->c->ts_offset - stamp);
        CHECK(behind >= 0 && behind < 128);
    }
}

/* RFC 4987-3: a cookie is good for one to two periods of 64 s. */
TCP_TEST(cookies_expire)
{
    listen_with_cookies(rig);
    rig_wait(rig, 64 * STRATA_SECOND - rig->core.now % (64 * STRATA_SECOND)); // a period begins
    syn(rig, "mss 1000");
    seq_t isn = rig->our_isn;
    rig_wait(rig, 127 * STRATA_SECOND);
    inject(rig, ". 1:1(0) ack 1 win 65535");
    REQUIRE(rig_take(rig));
    rig_another(rig);
    syn(rig, "mss 1000"); // in the last second of the second period
    isn = rig->our_isn;
    rig_wait(rig, 63 * STRATA_SECOND);
    uint16_t port = rig->peer.port;
    rig_another(rig);
    syn(rig, "mss 1000"); // so that some are sent all the time
    rig_wait(rig, 2 * STRATA_SECOND);
    rig->peer.port = port;
    rig->our_isn = isn;
    inject(rig, ". 1:1(0) ack 1 win 65535");
    CHECK(!rig_take(rig));
    CHECK_EQ(COUNT(rig, tcp_cookies_refused), 1);
}

/* RFC 4987-3: nor is an old one good whose date was changed. */
TCP_TEST(cookies_cannot_be_dated_anew)
{
    listen_with_cookies(rig);
    syn(rig, "mss 1000");
    for (uint32_t period = 1; period < 5; period++) {
        rig_wait(rig, 64 * STRATA_SECOND);
        rig->peer.port++; // another's cookie keeps the listener willing
        seq_t isn = rig->our_isn;
        inject(rig, "S 0:0(0) win 65535 <mss 1000>");
        rig_drain(rig);
        rig->peer.port--;
        rig->our_isn = isn;
        inject(rig, ". 1:1(0) ack %u win 65535", 1 + (period << 24));
        CHECK(strncmp(rig_next(rig), "R ", 2) == 0);
    }
    CHECK(!tcp_listener_readable(rig->listener));
}

/* ECN comes back with the other options; and what the host does not do any more is not believed. */
TCP_TEST(what_was_agreed_on)
{
    SET(rig, tcp_ecn, 1);
    listen_with_cookies(rig);
    for (int ecn = 0; ecn < 2; ecn++, rig_another(rig)) {
        inject(rig, "%s 0:0(0) win 65535 <mss 1000,sackok,ts 500 0,ws 7>", ecn ? "SEW" : "S");
        expect(rig, ecn ? "SE. 0:0(0) ack 1" : "S. 0:0(0) ack 1");
        inject(rig, ". 1:1(0) ack 1 win 100 <nop,nop,ts 510 %u>", rig->our_ts);
        REQUIRE(rig_take(rig));
        CHECK_EQ((rig->c->modes & MODE_ECN) != 0, ecn);
    }
    for (int which = 0; which < 2; which++, rig_another(rig)) {
        syn(rig, "mss 1000,sackok,ts 500 0,ws 7");
        SET(rig, tcp_sack, which);
        SET(rig, tcp_window_scaling, !which);
        inject(rig, ". 1:1(0) ack 1 win 100 <nop,nop,ts 510 %u>", rig->our_ts);
        CHECK(!rig_take(rig));
        CHECK(strncmp(rig_next(rig), "R ", 2) == 0);
        SET(rig, tcp_sack, 1);
        SET(rig, tcp_window_scaling, 1);
    }
}

/* RFC 4987-3: the number is secret. No other ACK opens anything, and where no cookie was sent lately none is taken. */
TCP_TEST(what_is_no_cookie_opens_nothing)
{
    rig_listen(rig);
    inject(rig, ". 1:1(0) ack 1 win 65535");
    expect(rig, "R 1:1(0)");
    SET(rig, tcp_syncookies, 2);
    syn(rig, "mss 1000");
    static const char *const wrong[] = {"P. 1:11(10) ack 9 win 65535", "P. 2:12(10) ack 1 win 65535",
                                        "P. 0:10(10) ack 1 win 65535", ". 1:1(0) ack 16777217 win 65535"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        inject(rig, "%s", wrong[i]);
        CHECK(strncmp(rig_next(rig), "R ", 2) == 0);
    }
    // Nor numbers that are off together by what lies between the cookies of two MSSs.
    for (uint32_t step = 0x1f35d7, i = 1; i < 8; i++) {
        inject(rig, "P. %u:%u(10) ack 1 win 65535", 1 + i * step, 11 + i * step);
        CHECK(strncmp(rig_next(rig), "R ", 2) == 0);
        inject(rig, "P. %u:%u(10) ack 1 win 65535", 1 - i * step, 11 - i * step);
        CHECK(strncmp(rig_next(rig), "R ", 2) == 0);
    }
    // The same numbers from another port, or to another of ours: another four-tuple, another cookie.
    rig->peer.port++;
    inject(rig, ". 1:1(0) ack 1 win 65535");
    expect(rig, "R 1:1(0)");
    rig->peer.port--;
    CHECK(!tcp_listener_readable(rig->listener));
    uint32_t seed = 1;
    for (int i = 0; i < 1000; i++) { // and guesses do not help
        seed = seed * 1664525 + 1013904223;
        inject(rig, ". 1:1(0) ack %u win 65535", seed);
        rig_drain(rig);
    }
    CHECK(!tcp_listener_readable(rig->listener));
    rig_wait(rig, STRATA_SECOND);
    inject(rig, "R. 1:1(0) ack 1");
    inject(rig, "SF. 1:1(0) ack 1 win 65535");
    expect(rig, "R 1:1(0)");
    // The right one, but two periods after the last cookie.
    SET(rig, tcp_syncookies, 0);
    rig_wait(rig, 128 * STRATA_SECOND);
    inject(rig, ". 1:1(0) ack 1 win 65535");
    expect(rig, "R 1:1(0)");
    CHECK(!tcp_listener_readable(rig->listener));
}

/* RFC 4987-1, RFC 4987-3: with the setting's default cookies begin when there are too many half-open connections, and
 * those who were there first are not pushed out. */
TCP_TEST(cookies_begin_when_the_backlog_is_full)
{
    SET(rig, tcp_syn_backlog, 8);
    rig_listen(rig);
    syn(rig, "mss 1000");
    seq_t first = rig->our_isn;
    for (int i = 0; i < 100; i++) {
        rig_another(rig);
        syn(rig, "mss 1000");
        CHECK(rig->tcp->half_open_count <= 8);
    }
    CHECK_EQ(COUNT(rig, tcp_cookies_sent), 93);
    CHECK_EQ(COUNT(rig, tcp_drop_backlog), 0);
    inject(rig, ". 1:1(0) ack 1 win 65535"); // the last
    CHECK(tcp_listener_readable(rig->listener));
    CHECK_EQ(COUNT(rig, tcp_cookies_accepted), 1);
    rig->peer.port = RIG_PEER_PORT;
    rig->our_isn = first;
    inject(rig, ". 1:1(0) ack 1 win 65535"); // and the first
    CHECK_EQ(rig->tcp->half_open_count, 7);
    CHECK_EQ(rig->tcp->connection_count, 2);
}

/* A filter has to remember what it decides about: there the oldest makes room, as without cookies. */
TCP_TEST(a_filter_does_without_cookies)
{
    SET(rig, tcp_syn_backlog, 4);
    SET(rig, tcp_syncookies, 2);
    rig->options.filter = true;
    rig_listen(rig);
    for (int i = 0; i < 20; i++, rig_another(rig))
        inject(rig, "S 0:0(0) win 65535 <mss 1000>");
    silence(rig);
    CHECK_EQ(rig->tcp->half_open_count, 4);
    CHECK_EQ(COUNT(rig, tcp_cookies_sent), 0);
    CHECK_EQ(COUNT(rig, tcp_drop_backlog), 16);
}

TCP_TEST(a_transparent_listener_sends_cookies_too)
{
    rig->options.transparent = true;
    SET(rig, tcp_syncookies, 2);
    REQUIRE(tcp_listen(rig->tcp, &rig->binding, &rig->options, 0, rig, &rig->listener) == 0);
    strata_address_parse(rig->ipv6 ? "2001:db8:77::5" : "198.51.100.5", &rig->us.address);
    rig->us.port = 443;
    syn(rig, "mss 1000");
    CHECK_EQ(rig->tcp->half_open_count, 0);
    inject(rig, "P. 1:11(10) ack 1 win 65535");
    REQUIRE(rig_take(rig));
    CHECK_EQ(rig_read(rig, 100), 10);
}

TCP_TEST(a_cookie_finds_the_queue_full)
{
    listen_with_cookies(rig);
    tcp_listener_set_backlog(rig->listener, 1);
    syn(rig, "mss 1000");
    seq_t first = rig->our_isn;
    rig->peer.port++;
    syn(rig, "mss 1000");
    inject(rig, ". 1:1(0) ack 1 win 65535");
    rig->peer.port--;
    rig->our_isn = first;
    inject(rig, "P. 1:11(10) ack 1 win 65535"); // not now, and no RST either
    silence(rig);
    CHECK_EQ(COUNT(rig, tcp_drop_backlog), 1);
    rig->peer.port++;
    REQUIRE(rig_take(rig));
    tcp_abort(rig->c);
    rig->c = NULL;
    rig_drain(rig);
    rig->peer.port--;
    inject(rig, "P. 1:11(10) ack 1 win 65535"); // the data comes again, and brings the cookie
    REQUIRE(rig_take(rig));
    CHECK_EQ(rig_read(rig, 100), 10);
}

/* RFC 9293 3.6.1: the successor of a TIME-WAIT needs a number beyond the old ones, which a cookie does not promise. */
TCP_TEST(the_successor_of_a_time_wait_gets_none)
{
    SET(rig, tcp_syncookies, 2);
    rig_accept(rig, "S 0:0(0) win 65535 <mss 1000>");
    CHECK_EQ(COUNT(rig, tcp_cookies_sent), 1);
    tcp_close(rig->c);
    rig->c = NULL;
    expect(rig, "F. 1:1(0) ack 1");
    inject(rig, "F. 1:1(0) ack 2 win 65535");
    expect(rig, ". 2:2(0) ack 2");
    seq_t last = rig->our_isn + 2;
    rig->peer_isn += 100000;
    syn(rig, "mss 1000");
    CHECK_EQ(rig->tcp->half_open_count, 1);
    CHECK_EQ(COUNT(rig, tcp_cookies_sent), 1);
    CHECK(seq_gt(rig->our_isn, last));
}

TEST_MAIN(TEST_ENTRY(nothing_is_remembered), TEST_ENTRY(the_third_segment_opens_it), TEST_ENTRY(the_mss_comes_back),
          TEST_ENTRY(options_come_back_in_the_timestamp),
          TEST_ENTRY(options_that_cannot_come_back_are_not_offered), TEST_ENTRY(timestamps_go_on_from_the_cookies),
          TEST_ENTRY(cookies_expire),
          TEST_ENTRY(cookies_cannot_be_dated_anew), TEST_ENTRY(what_was_agreed_on),
          TEST_ENTRY(what_is_no_cookie_opens_nothing),
          TEST_ENTRY(cookies_begin_when_the_backlog_is_full), TEST_ENTRY(a_filter_does_without_cookies),
          TEST_ENTRY(a_transparent_listener_sends_cookies_too), TEST_ENTRY(a_cookie_finds_the_queue_full),
          TEST_ENTRY(the_successor_of_a_time_wait_gets_none))
