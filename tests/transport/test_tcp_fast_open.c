/**
 * TCP Fast Open (RFC 7413): cookies asked for, remembered and used by clients; given, checked and limited by servers.
 */
#include "tests/transport/rig.h"
#include "transport/tcp/fast_open.h"

#include <errno.h>

/* ---- The client ---------------------------------------------------------------------------------------- */

/** The connection ends, and the next one is from another port. */
static void end(struct rig *rig)
{
    if (rig->c)
        tcp_abort(rig->c);
    rig->c = NULL;
    rig_drain(rig);
    rig->know_isn = rig->know_ts = false;
}

/** Opens fast: what the first write of `size` octets returns, -EINPROGRESS where it has to wait. */
static int64_t open_with(struct rig *rig, size_t size)
{
    end(rig);
    rig->options.fast_open_connect = true;
    rig_connect(rig);
    return tcp_waits_for_data(rig->c) ? rig_write(rig, size) : -EINPROGRESS;
}

/** Asks for a cookie; `answer` is what the peer's SYN-ACK has. */
static void ask(struct rig *rig, const char *answer)
{
    SET(rig, tcp_timestamps, 0);
    CHECK_EQ(open_with(rig, 100), -EINPROGRESS);
    expect(rig, "S 0:0(0) <mss *,sackok,ws *,fo>");
    inject(rig, "S. 0:0(0) ack 1 win 65535 <%s>", answer);
    expect(rig, ". 1:1(0) ack 1");
    CHECK_STATE(rig, "ESTABLISHED");
}

/* RFC 7413-1: unless program and host ask for it, SYNs are what they always were. */
TCP_TEST(only_who_asks_for_it)
{
    rig_connect(rig);
    expect(rig, "S 0:0(0) <mss *,sackok,ts * *,ws *>");
    inject(rig, "S. 0:0(0) ack 1 win 65535 <mss 1000,fo abcd1234>"); // nobody asked: not remembered
    expect(rig, ". 1:1(0) ack 1");
    CHECK_EQ(rig->tcp->fast_open.count, 0);
    SET(rig, tcp_fastopen, 0);
    CHECK_EQ(open_with(rig, 100), -EINPROGRESS);
    expect(rig, "S 0:0(0) <mss *,sackok,ts * *,ws *>");
    SET(rig, tcp_fastopen, FAST_OPEN_CLIENT);
    CHECK_EQ(open_with(rig, 100), -EINPROGRESS);
    expect(rig, "S 0:0(0) <mss *,sackok,ts * *,ws *,fo>");
}

/* RFC 7413-4: the cookie and the MSS are remembered, and the next SYN has both and data. */
TCP_TEST(a_cookie_carries_data_the_next_time)
{
    ask(rig, "mss 940,sackok,ws 6,fo 0123456789abcdef");
    CHECK_EQ(open_with(rig, 500), 500);
    expect(rig, "S 0:500(500) <mss *,sackok,ws *,fo 0123456789abcdef>");
    CHECK_EQ(rig_info(rig).state, STRATA_TCP_SYN_SENT);
    inject(rig, "S. 0:0(0) ack 501 win 65535 <mss 940>");
    expect(rig, ". 501:501(0) ack 1");
    CHECK_STATE(rig, "ESTABLISHED");
    CHECK_EQ(rig_info(rig).bytes_acked, 500);
    CHECK(rig->c->syn_marks & SYN_DATA_TAKEN);
    CHECK_EQ(COUNT(rig, tcp_fast_open_active), 1);
    CHECK_EQ(rig_write(rig, 100), 100);
    expect(rig, "P. 501:601(100) ack 1");
    // No more than one segment of the MSS remembered, options aside; the rest is for the program to write later.
    CHECK_EQ(open_with(rig, 5000), 900);
    expect(rig, "S 0:900(900)");
    // A program's own bound and the path hold too.
    rig->options.max_segment = 540;
    CHECK_EQ(open_with(rig, 5000), 500);
    expect(rig, "S 0:500(500) <mss 540,sackok,ws *,fo 0123456789abcdef>");
}

/* RFC 7413-5: the SYN that is sent again has neither data nor option; the data follows when the peer is there. */
TCP_TEST(a_syn_that_is_lost)
{
    ask(rig, "mss 1460,fo abcd1234");
    CHECK_EQ(open_with(rig, 700), 700);
    expect(rig, "S 0:700(700)");
    rig_wait(rig, STRATA_SECOND);
    expect(rig, "S 0:0(0) <mss *,sackok,ws *>");
    inject(rig, "S. 0:0(0) ack 1 win 65535 <mss 1460>");
    expect(rig, "P. 1:701(700) ack 1"); // at once
    CHECK(!(rig->c->syn_marks & SYN_DATA_TAKEN));
    CHECK_EQ(COUNT(rig, tcp_fast_open_refused), 1);
    inject(rig, ". 1:1(0) ack 701 win 65535");
    silence(rig);
    CHECK_EQ(rig_info(rig).flight, 0);
    // The answer of the first SYN comes after all: it takes the data.
    CHECK_EQ(open_with(rig, 700), 700);
    expect(rig, "S 0:700(700)");
    rig_wait(rig, STRATA_SECOND);
    expect(rig, "S 0:0(0)");
    inject(rig, "S. 0:0(0) ack 701 win 65535 <mss 1460>");
    expect(rig, ". 701:701(0) ack 1");
    CHECK_EQ(rig_info(rig).flight, 0);
}

TCP_TEST(a_cookie_request_is_not_sent_again)
{
    SET(rig, tcp_timestamps, 0);
    CHECK_EQ(open_with(rig, 0), -EINPROGRESS);
    expect(rig, "S 0:0(0) <mss *,sackok,ws *,fo>");
    rig_wait(rig, STRATA_SECOND);
    expect(rig, "S 0:0(0) <mss *,sackok,ws *>"); // RFC 7413-5
    inject(rig, "S. 0:0(0) ack 1 win 65535 <mss 1240,fo aaaabbbbcccc>"); // still good: the first was but late
    expect(rig, ". 1:1(0) ack 1");
    CHECK_EQ(open_with(rig, 10000), 1200);
    expect(rig, "S 0:1200(1200) <mss *,sackok,ws *,fo aaaabbbbcccc>");
}

/* RFC 7413-3 from the other side: an answer to the SYN alone, or to a part. */
TCP_TEST(data_that_the_peer_does_not_take)
{
    ask(rig, "mss 1460,fo abcd1234");
    CHECK_EQ(open_with(rig, 1000), 1000);
    expect(rig, "S 0:1000(1000)");
    inject(rig, "S. 0:0(0) ack 1 win 65535 <mss 600,fo 9999>"); // an odd cookie is none (RFC 7413-2)
    expect(rig, ". 1:601(600) ack 1");
    expect(rig, "P. 601:1001(400) ack 1");
    inject(rig, ". 1:1(0) ack 1001 win 65535");
    CHECK_EQ(rig_info(rig).flight, 0);
    CHECK_EQ(open_with(rig, 500), 500);
    expect(rig, "S 0:500(500) <mss *,sackok,ws *,fo abcd1234>");
    inject(rig, "S. 0:0(0) ack 101 win 65535 <mss 1460>");
    expect(rig, "P. 101:501(400) ack 1");
    CHECK(!(rig->c->syn_marks & SYN_DATA_TAKEN));
    // More than was sent: no SYN-ACK of this connection, and nothing of it is remembered.
    CHECK_EQ(open_with(rig, 100), 100);
    expect(rig, "S 0:100(100) <mss *,sackok,ws *,fo abcd1234>");
    inject(rig, "S. 0:0(0) ack 102 win 65535 <mss 1460,fo 12345678>");
    expect(rig, "R 102:102(0)");
    CHECK_EQ(open_with(rig, 100), 100);
    expect(rig, "S 0:100(100) <mss *,sackok,ws *,fo abcd1234>");
}

/* RFC 7413-2: cookies of a length that may not be are as good as none; in other segments than SYNs they are nothing. */
TCP_TEST(what_is_no_cookie_is_not_remembered)
{
    ask(rig, "mss 1460,fo 00000000");
    static const char *const bad[] = {"1122", "112233", "01234567aabbccdd0123456701234567afaf"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK_EQ(open_with(rig, 100), 100);
        expect(rig, "S 0:100(100) <mss *,sackok,ws *,fo 00000000>");
        inject(rig, "S. 0:0(0) ack 101 win 65535 <mss 1460,fo %s>", bad[i]);
        expect(rig, ". 101:101(0) ack 1");
    }
    inject(rig, "P. 1:11(10) ack 101 win 65535 <fo 01234567>");
    CHECK_EQ(open_with(rig, 100), 100);
    expect(rig, "S 0:100(100) <mss *,sackok,ws *,fo 00000000>");
    inject(rig, "S. 0:0(0) ack 101 win 65535 <mss 1460,fo 0123456789abcdef0123456789abcdef>"); // the longest
    expect(rig, ". 101:101(0) ack 1");
    CHECK_EQ(open_with(rig, 100), 100);
    expect(rig, "S 0:100(100) <mss *,sackok,ws *,fo 0123456789abcdef0123456789abcdef>");
}

/* The form from before the RFC is tried once where the RFC's is not answered, and used where it is. */
TCP_TEST(the_old_form_of_the_option)
{
    ask(rig, "mss 1460");
    CHECK_EQ(open_with(rig, 10), -EINPROGRESS);
    expect(rig, "S 0:0(0) <mss *,sackok,ws *,foexp>");
    inject(rig, "S. 0:0(0) ack 1 win 65535 <mss 1460,foexp 1234abcd>");
    CHECK_EQ(open_with(rig, 10), 10);
    rig_drain(rig);
    end(rig);
    CHECK_EQ(open_with(rig, 10), 10);
    expect(rig, "S 0:10(10) <mss *,sackok,ws *,foexp 1234abcd>");
    inject(rig, "S. 0:0(0) ack 11 win 65535 <mss 1460,fo abcd5678>");
    expect(rig, ". 11:11(0) ack 1");
    CHECK_EQ(open_with(rig, 10), 10);
    expect(rig, "S 0:10(10) <mss *,sackok,ws *,fo abcd5678>");
    // A server that knows neither: once each, then the RFC's for ever.
    fast_open_free(rig->tcp);
    ask(rig, "mss 1460");
    static const char *const forms[] = {"foexp", "fo", "fo"};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        CHECK_EQ(open_with(rig, 10), -EINPROGRESS);
        expect(rig, "S 0:0(0) <mss *,sackok,ws *,%s>", forms[i]);
        inject(rig, "S. 0:0(0) ack 1 win 65535 <mss 1460>");
        expect(rig, ". 1:1(0) ack 1");
    }
}

/* RFC 7413-4: that a server or the way to it swallows such SYNs is remembered too, for a while. */
TCP_TEST(a_server_whose_syns_with_data_get_lost_is_spared)
{
    ask(rig, "mss 1460,fo abcd1234");
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(open_with(rig, 100), 100);
        expect(rig, "S 0:100(100)");
        rig_wait(rig, STRATA_SECOND);
        expect(rig, "S 0:0(0)");
        inject(rig, "S. 0:0(0) ack 1 win 65535 <mss 1460>");
        expect(rig, "P. 1:101(100) ack 1");
    }
    CHECK_EQ(open_with(rig, 100), -EINPROGRESS);
    expect(rig, "S 0:0(0) <mss *,sackok,ws *>"); // not even the option
    rig_wait(rig, 239 * STRATA_SECOND);
    CHECK_EQ(open_with(rig, 100), -EINPROGRESS);
    rig_wait(rig, 2 * STRATA_SECOND);
    CHECK_EQ(open_with(rig, 100), 100);
    expect(rig, "S 0:100(100) <mss *,sackok,ws *,fo abcd1234>");
}

/* RFC 7413 7.1: where all of it is swallowed, it is switched off for a while, longer each time. */
TCP_TEST(a_black_hole)
{
    SET(rig, tcp_fastopen_blackhole_timeout_s, 100);
    ask(rig, "mss 1460,fo abcd1234");
    for (unsigned times = 0; times < 3; times++) {
        CHECK_EQ(open_with(rig, 100), 100);
        expect(rig, "S 0:100(100)");
        rig_wait(rig, 4 * STRATA_SECOND); // the SYN alone is lost twice as well
        CHECK_EQ(COUNT(rig, tcp_fast_open_black_holes), times + 1);
        CHECK_EQ(open_with(rig, 100), -EINPROGRESS);
        expect(rig, "S 0:0(0) <mss *,sackok,ws *>");
        end(rig);
        rig_wait(rig, (100 << times) * STRATA_SECOND);
    }
    SET(rig, tcp_fastopen_blackhole_timeout_s, 0);
    CHECK_EQ(open_with(rig, 100), 100);
    rig_drain(rig);
    rig_wait(rig, 4 * STRATA_SECOND);
    CHECK_EQ(open_with(rig, 100), 100); // never off
    rig_drain(rig);
}

/* RFC 7413-4: the memory is bounded; who was not used longest goes. */
TCP_TEST(few_servers_are_remembered)
{
    SET(rig, tcp_fast_open_destinations, 3);
    struct strata_address first = rig->peer.address;
    for (uint8_t i = 0; i < 5; i++) {
        rig->peer.address.bytes[15] = (uint8_t)(10 + i);
        ask(rig, "mss 1460,fo abcd1234");
        end(rig);
        CHECK(rig->tcp->fast_open.count <= 3);
    }
    for (uint8_t i = 0; i < 5; i++) {
        rig->peer.address.bytes[15] = (uint8_t)(10 + i);
        CHECK_EQ(open_with(rig, 10), i < 2 ? -EINPROGRESS : 10);
        rig_drain(rig);
        end(rig);
    }
    rig->peer.address = first;
}

TCP_TEST(without_cookies_where_both_sides_know_each_other)
{
    SET(rig, tcp_fastopen, FAST_OPEN_CLIENT | FAST_OPEN_CLIENT_NO_COOKIE);
    SET(rig, tcp_timestamps, 0);
    CHECK_EQ(open_with(rig, 1000), 1000);
    expect(rig, "S 0:1000(1000) <mss *,sackok,ws *>");
    inject(rig, "S. 0:0(0) ack 1001 win 65535 <mss 940,fo abcd1234>");
    expect(rig, ". 1001:1001(0) ack 1");
    SET(rig, tcp_fastopen, FAST_OPEN_CLIENT);
    CHECK_EQ(open_with(rig, 1000), -EINPROGRESS); // that cookie was not asked for
    expect(rig, "S 0:0(0) <mss *,sackok,ws *,fo>");
}

/** A SYN that waits for data is ready for it, and none the wiser than a socket that was never connected. */
TCP_TEST(a_connection_that_waits_for_its_first_write)
{
    ask(rig, "mss 1460,fo abcd1234");
    end(rig);
    rig_connect(rig);
    CHECK(tcp_waits_for_data(rig->c));
    silence(rig);
    rig_wait(rig, 10 * STRATA_SECOND);
    silence(rig);
    CHECK_EQ(tcp_readiness(rig->c), STRATA_WRITABLE);
    CHECK_EQ(rig_read(rig, 10), -EAGAIN);
    tcp_close(rig->c);
    rig->c = NULL;
    silence(rig);
    rig_connect(rig);
    CHECK_EQ(rig_write(rig, 0), -EINPROGRESS); // nothing to carry
    expect(rig, "S 0:0(0) <mss *,sackok,ws *,fo abcd1234>");
    CHECK_EQ(tcp_readiness(rig->c), 0);
    end(rig);
    rig_connect(rig); // a program that writes into the ring itself
    struct strata_iovec piece;
    REQUIRE(tcp_space(rig->c, 1, &piece, 1) == 1);
    *(uint8_t *)piece.base = (uint8_t)(2654435761u >> 11); // as the rig wants the first octet
    CHECK_EQ(tcp_commit(rig->c, 1), 0);
    CHECK(strncmp(rig_next(rig), "S 0:1(1)", 8) == 0);
}

/* RFC 7413 4.2: a SYN of theirs crosses ours; its data waits, ours counts. */
TCP_TEST(two_fast_opens_cross)
{
    ask(rig, "mss 1460,fo abcd1234");
    CHECK_EQ(open_with(rig, 1000), 1000);
    expect(rig, "S 0:1000(1000)");
    inject(rig, "S 0:500(500) win 65535 <mss 1040,fo 87654321>");
    expect(rig, "S. 0:0(0) ack 1");
    CHECK_STATE(rig, "SYN-RECEIVED");
    inject(rig, "S. 0:0(0) ack 1001 win 65535 <mss 940>");
    CHECK_STATE(rig, "ESTABLISHED");
    CHECK_EQ(rig_info(rig).bytes_acked, 1000);
    rig_drain(rig);
    inject(rig, "P. 1:501(500) ack 1001 win 65535");
    CHECK_EQ(rig_read(rig, 1000), 500);
}

/* ---- The server ---------------------------------------------------------------------------------------- */

#define LIMIT 2

/** Listens with Fast Open, and learns the peer's cookie as text. */
static void listen_fast(struct rig *rig, char cookie[17])
{
    SET(rig, tcp_fastopen, FAST_OPEN_SERVER);
    rig->options.fast_open = LIMIT;
    rig_listen(rig);
    inject(rig, "S 0:0(0) win 65535 <mss 1000,fo>");
    expect(rig, "S. 0:0(0) ack 1 <mss *,fo *>");
    const char *text = strstr(rig->line, "fo ");
    REQUIRE(text);
    REQUIRE(sscanf(text, "fo %16[0-9a-f]", cookie) == 1);
    inject(rig, "R 1:1(0)");
    rig->know_isn = false;
}

/* RFC 7413 4.2.2: the data is there before the handshake is, and may be answered. */
TCP_TEST(data_in_the_syn)
{
    char cookie[17];
    listen_fast(rig, cookie);
    inject(rig, "S 0:10(10) win 65535 <mss 1000,fo %s>", cookie);
    rig->c = tcp_accept(rig->listener, rig);
    REQUIRE(rig->c);
    expect(rig, "S. 0:0(0) ack 11 <mss *>"); // of both
    CHECK_STATE(rig, "SYN-RECEIVED");
    CHECK_EQ(tcp_readiness(rig->c), STRATA_READABLE | STRATA_WRITABLE);
    CHECK_EQ(rig_read(rig, 100), 10);
    CHECK(rig->c->syn_marks & SYN_DATA_TAKEN);
    CHECK_EQ(COUNT(rig, tcp_fast_open_passive), 1);
    CHECK_EQ(rig_write(rig, 2500), 2500);
    CHECK_EQ(rig_drain(rig), 2); // full segments; the rest waits behind them (RFC 9293 SHLD-7)
    CHECK_EQ(rig_info(rig).flight, 2001); // the SYN too
    inject(rig, ". 11:11(0) ack 1001 win 65535"); // ends the handshake too
    CHECK_STATE(rig, "ESTABLISHED");
    CHECK_EQ(rig_info(rig).bytes_acked, 1000);
    inject(rig, ". 11:11(0) ack 2001 win 65535");
    expect(rig, "P. 2001:2501(500) ack 11");
    inject(rig, "P. 11:21(10) ack 2501 win 65535");
    CHECK_EQ(rig_info(rig).flight, 0);
    CHECK_EQ(rig_read(rig, 100), 10);
    CHECK_EQ(rig->listener->fast_open_count, 0);
    CHECK(rig->c->extra == NULL);
}

/* RFC 7413-3: whatever speaks against it, the SYN alone is acknowledged and its data comes again. */
TCP_TEST(when_the_data_is_not_taken)
{
    char cookie[17];
    listen_fast(rig, cookie);
    // A wrong cookie: the right one comes with the SYN-ACK.
    inject(rig, "S 0:10(10) win 65535 <mss 1000,fo 0123456789abcdef>");
    expect(rig, "S. 0:0(0) ack 1 <mss *,fo %s>", cookie);
    CHECK_EQ(COUNT(rig, tcp_fast_open_bad_cookies), 1);
    rig_wait(rig, STRATA_SECOND);
    expect(rig, "S. 0:0(0) ack 1 <mss *>"); // RFC 7413-5: sent again without it
    inject(rig, "P. 1:11(10) ack 1 win 65535");
    rig->c = tcp_accept(rig->listener, rig);
    REQUIRE(rig->c);
    CHECK_EQ(rig_read(rig, 100), 10);
    end(rig);
    // Half of it, and the same from another address.
    rig->peer.port++;
    inject(rig, "S 0:10(10) win 65535 <mss 1000,fo %.8s>", cookie);
    expect(rig, "S. 0:0(0) ack 1 <mss *,fo %s>", cookie);
    rig->peer.address.bytes[15] = 7;
    inject(rig, "S 0:10(10) win 65535 <mss 1000,fo %s>", cookie);
    CHECK(strncmp(rig_next(rig), "S. 0:0(0) ack 1 ", 16) == 0 && !strstr(rig->line, cookie));
    rig->peer.address.bytes[15] = 2;
    // No cookie, with data and without.
    rig->peer.port++;
    inject(rig, "S 0:10(10) win 65535 <mss 1000>");
    expect(rig, "S. 0:0(0) ack 1 <mss *>");
    // Off at the host, or not asked for by the listener (RFC 7413-1).
    SET(rig, tcp_fastopen, FAST_OPEN_CLIENT);
    rig->peer.port++;
    inject(rig, "S 0:10(10) win 65535 <mss 1000,fo %s>", cookie);
    expect(rig, "S. 0:0(0) ack 1 <mss *>");
    SET(rig, tcp_fastopen, FAST_OPEN_SERVER);
    rig->options.fast_open = 0;
    tcp_listener_set_options(rig->listener, &rig->options);
    rig->peer.port++;
    inject(rig, "S 0:10(10) win 65535 <mss 1000,fo %s>", cookie);
    expect(rig, "S. 0:0(0) ack 1 <mss *>");
    SET(rig, tcp_fastopen, FAST_OPEN_SERVER | FAST_OPEN_ALL_LISTENERS); // unless the host asks for all
    rig->peer.port++;
    inject(rig, "S 0:10(10) win 65535 <mss 1000,fo %s>", cookie);
    expect(rig, "S. 0:0(0) ack 11 <mss *>");
}

/* RFC 7413-3: the limit of connections without a handshake; RFC 7413 5.1: a reset does not make room at once. */
TCP_TEST(the_limit_of_a_listener)
{
    char cookie[17];
    listen_fast(rig, cookie);
    for (uint16_t i = 0; i < LIMIT; i++) {
        rig->peer.port = (uint16_t)(5000 + i);
        inject(rig, "S 0:10(10) win 65535 <mss 1000,fo %s>", cookie);
        expect(rig, "S. 0:0(0) ack 11");
    }
    seq_t isn = rig->our_isn;
    rig->peer.port = 5002;
    inject(rig, "S 0:10(10) win 65535 <mss 1000,fo %s>", cookie);
    expect(rig, "S. 0:0(0) ack 1 <mss *>");
    CHECK_EQ(COUNT(rig, tcp_fast_open_overflows), 1);
    inject(rig, "R 1:1(0)");
    rig->peer.port = 5001;
    rig->our_isn = isn;
    inject(rig, ". 11:11(0) ack 1 win 65535"); // one handshake is done: room for one
    rig->peer.port = 5003;
    inject(rig, "S 0:10(10) win 65535 <mss 1000,fo %s>", cookie);
    expect(rig, "S. 0:0(0) ack 11");
    inject(rig, "R 11:11(0)"); // forged, or not
    rig->peer.port = 5004;
    inject(rig, "S 0:10(10) win 65535 <mss 1000,fo %s>", cookie);
    expect(rig, "S. 0:0(0) ack 1 <mss *>");
    inject(rig, "R 1:1(0)");
    rig->peer.port = 5000; // which has said nothing yet, and is asked again
    rig_wait(rig, 61 * STRATA_SECOND);
    rig_drain(rig);
    rig->peer.port = 5005;
    inject(rig, "S 0:10(10) win 65535 <mss 1000,fo %s>", cookie);
    expect(rig, "S. 0:0(0) ack 11");
}

/* RFC 7413-5, RFC 9293 MUST-22: the SYN-ACK comes again, alone; so does the client's SYN. */
TCP_TEST(a_syn_ack_that_is_lost)
{
    char cookie[17];
    listen_fast(rig, cookie);
    inject(rig, "S 0:10(10) win 65535 <mss 1000,fo %s>", cookie);
    expect(rig, "S. 0:0(0) ack 11");
    rig->c = tcp_accept(rig->listener, rig);
    REQUIRE(rig->c);
    CHECK_EQ(rig_write(rig, 100), 100);
    expect(rig, "P. 1:101(100) ack 11");
    inject(rig, "S 0:0(0) win 65535 <mss 1000>");
    expect(rig, "S. 0:0(0) ack 11 <mss *>");
    silence(rig);
    rig_wait(rig, STRATA_SECOND);
    expect(rig, "S. 0:0(0) ack 11 <mss *>");
    inject(rig, ". 11:11(0) ack 1 win 65535");
    CHECK_STATE(rig, "ESTABLISHED");
    rig_wait(rig, 10 * STRATA_SECOND);
    expect(rig, "P. 1:101(100) ack 11"); // and what went with it is sent again in its turn
    inject(rig, ". 11:11(0) ack 101 win 65535");
    CHECK_EQ(rig_info(rig).flight, 0);
}

TCP_TEST(a_client_that_never_answers)
{
    char cookie[17];
    listen_fast(rig, cookie);
    SET(rig, tcp_synack_retries, 2);
    inject(rig, "S 0:10(10) win 65535 <mss 1000,fo %s>", cookie);
    rig->c = tcp_accept(rig->listener, rig);
    REQUIRE(rig->c);
    for (int i = 0; i < 3; i++) {
        expect(rig, "S. 0:0(0) ack 11");
        rig_wait(rig, STRATA_SECOND << i);
    }
    CHECK_STATE(rig, "CLOSED");
    CHECK_EQ(rig_read(rig, 100), 10);
    CHECK_EQ(rig_read(rig, 100), -ETIMEDOUT);
    CHECK_EQ(rig->listener->fast_open_count, 0);
}

TCP_TEST(resets_and_closes_before_the_handshake_is_done)
{
    char cookie[17];
    listen_fast(rig, cookie);
    inject(rig, "S 0:10(10) win 65535 <mss 1000,fo %s>", cookie);
    expect(rig, "S. 0:0(0) ack 11");
    inject(rig, "R 11:11(0)"); // before it is accepted
    rig->c = tcp_accept(rig->listener, rig);
    REQUIRE(rig->c);
    CHECK_EQ(rig_read(rig, 100), 10);
    CHECK_EQ(rig_read(rig, 100), -ECONNRESET);
    end(rig);
    rig_wait(rig, 61 * STRATA_SECOND);
    rig->peer.port++;
    inject(rig, "S 0:10(10) win 65535 <mss 1000,fo %s>", cookie);
    expect(rig, "S. 0:0(0) ack 11");
    rig->c = tcp_accept(rig->listener, rig);
    REQUIRE(rig->c);
    tcp_close(rig->c); // with data nobody has read
    rig->c = NULL;
    expect(rig, "R. 1:1(0) ack 11");
    rig->know_isn = false;
    rig->peer.port++;
    inject(rig, "S 0:10(10) win 65535 <mss 1000,fo %s>", cookie);
    expect(rig, "S. 0:0(0) ack 11");
    rig->c = tcp_accept(rig->listener, rig);
    REQUIRE(rig->c);
    CHECK_EQ(rig_read(rig, 100), 10);
    CHECK_EQ(rig_write(rig, 5), 5);
    tcp_close(rig->c); // in order: the answer goes out, the FIN when the handshake is done
    rig->c = NULL;
    expect(rig, "P. 1:6(5) ack 11");
    silence(rig);
    inject(rig, ". 11:11(0) ack 6 win 65535");
    expect(rig, "F. 6:6(0) ack 11");
    inject(rig, "F. 11:11(0) ack 7 win 65535");
    expect(rig, ". 7:7(0) ack 12");
    // The listener goes with one that nobody has accepted.
    rig->know_isn = false;
    rig->peer.port++;
    inject(rig, "S 0:10(10) win 65535 <mss 1000,fo %s>", cookie);
    expect(rig, "S. 0:0(0) ack 11");
    tcp_listener_close(rig->listener);
    rig->listener = NULL;
    expect(rig, "R. 1:1(0) ack 11");
}

TCP_TEST(a_listener_goes_before_the_handshake_is_done)
{
    char cookie[17];
    listen_fast(rig, cookie);
    inject(rig, "S 0:10(10) win 65535 <mss 1000,fo %s>", cookie);
    expect(rig, "S. 0:0(0) ack 11");
    rig->c = tcp_accept(rig->listener, rig);
    REQUIRE(rig->c);
    tcp_listener_close(rig->listener);
    rig->listener = NULL;
    inject(rig, "P. 11:21(10) ack 1 win 65535");
    CHECK_STATE(rig, "ESTABLISHED");
    CHECK_EQ(rig_read(rig, 100), 20);
}

/** The cookie depends on both addresses and the key, as Linux computes it: servers may share keys with it. */
TCP_TEST(cookies_of_a_given_key)
{
    if (rig->ipv6)
        return;
    SET(rig, tcp_fastopen_key_0, 0xa0bf63f7);
    SET(rig, tcp_fastopen_key_1, 0xed803d81);
    SET(rig, tcp_fastopen_key_2, 0xcd641d30);
    SET(rig, tcp_fastopen_key_3, 0xcebc4a90);
    rig_listen(rig);
    struct tcp_record key = {.local = strata_ipv4(192, 168, 0, 2), .remote = strata_ipv4(10, 248, 0, 2)};
    uint8_t cookie[FAST_OPEN_COOKIE_BYTES];
    fast_open_cookie(rig->listener, &key, cookie);
    CHECK_MEM(cookie, "\x00\xab\xaa\xab\xe8\xe9\x54\xc2", 8);
    key.remote = strata_ipv4(10, 248, 0, 3);
    fast_open_cookie(rig->listener, &key, cookie);
    CHECK_MEM(cookie, "\x13\x13\xa2\xda\x99\x4a\x09\x51", 8);
    // The listener's own goes before the host's.
    rig->options.fast_open_keys = 1;
    tcp_listener_set_options(rig->listener, &rig->options);
    key.remote = strata_ipv4(10, 248, 0, 2);
    fast_open_cookie(rig->listener, &key, cookie);
    CHECK_MEM(cookie, "\x93\xb7\xaa\x4f\x55\x0f\x8a\x1a", 8);
}

/** While a server changes its key the old cookies are good, and new ones are told. */
TCP_TEST(a_key_that_changes)
{
    char old[17], new[17];
    rig->options.fast_open_keys = 1;
    memset(rig->options.fast_open_key, 1, 16);
    listen_fast(rig, old);
    rig->options.fast_open_keys = 2;
    memset(rig->options.fast_open_key, 2, 16);
    memset(rig->options.fast_open_key + 16, 1, 16);
    tcp_listener_set_options(rig->listener, &rig->options);
    rig->peer.port++;
    inject(rig, "S 0:10(10) win 65535 <mss 1000,foexp %s>", old);
    expect(rig, "S. 0:0(0) ack 11 <mss *,foexp *>");
    REQUIRE(sscanf(strstr(rig->line, "foexp "), "foexp %16[0-9a-f]", new) == 1);
    CHECK(strcmp(old, new) != 0);
    inject(rig, ". 11:11(0) ack 1 win 65535");
    rig->know_isn = false;
    rig->peer.port++;
    inject(rig, "S 0:10(10) win 65535 <mss 1000,fo %s>", new);
    expect(rig, "S. 0:0(0) ack 11 <mss *>");
    inject(rig, ". 11:11(0) ack 1 win 65535");
    rig->options.fast_open_keys = 1;
    tcp_listener_set_options(rig->listener, &rig->options);
    rig->know_isn = false;
    rig->peer.port++;
    inject(rig, "S 0:10(10) win 65535 <mss 1000,fo %s>", old);
    expect(rig, "S. 0:0(0) ack 1 <mss *,fo %s>", new);
}

TCP_TEST(a_server_without_cookies)
{
    SET(rig, tcp_fastopen, FAST_OPEN_SERVER | FAST_OPEN_SERVER_NO_COOKIE);
    rig->options.fast_open = 4;
    rig_listen(rig);
    inject(rig, "S 0:900(900) win 65535 <mss 1000>");
    expect(rig, "S. 0:0(0) ack 901 <mss *>");
    inject(rig, ". 901:1801(900) ack 1 win 65535");
    rig->c = tcp_accept(rig->listener, rig);
    REQUIRE(rig->c);
    CHECK_EQ(rig_read(rig, 10000), 1800);
    rig->know_isn = false;
    rig->peer.port++;
    inject(rig, "S 0:0(0) win 65535 <mss 1000>"); // without data an ordinary one
    CHECK(strncmp(rig_next(rig), "S. 0:0(0) ack 1 ", 16) == 0);
    CHECK_EQ(rig->tcp->half_open_count, 1);
}

/** A good cookie without data may still be answered early. */
TCP_TEST(a_cookie_without_data)
{
    char cookie[17];
    listen_fast(rig, cookie);
    inject(rig, "S 0:0(0) win 65535 <mss 1000,fo %s>", cookie);
    expect(rig, "S. 0:0(0) ack 1 <mss *>");
    rig->c = tcp_accept(rig->listener, rig);
    REQUIRE(rig->c);
    CHECK(!(rig->c->syn_marks & SYN_DATA_TAKEN));
    CHECK_EQ(rig_write(rig, 100), 100);
    expect(rig, "P. 1:101(100) ack 1");
}

/** From the same port again, out of TIME-WAIT (RFC 6191). */
TCP_TEST(a_fast_open_follows_a_time_wait)
{
    char cookie[17];
    listen_fast(rig, cookie);
    inject(rig, "S 0:10(10) win 65535 <mss 1000,fo %s>", cookie);
    expect(rig, "S. 0:0(0) ack 11");
    rig->c = tcp_accept(rig->listener, rig);
    REQUIRE(rig->c);
    inject(rig, ". 11:11(0) ack 1 win 65535");
    CHECK_EQ(rig_read(rig, 100), 10);
    tcp_close(rig->c);
    rig->c = NULL;
    expect(rig, "F. 1:1(0) ack 11");
    inject(rig, "F. 11:11(0) ack 2 win 65535");
    expect(rig, ". 2:2(0) ack 12");
    CHECK_EQ(rig->tcp->time_wait_count, 1);
    seq_t last = rig->our_isn + 2;
    rig->peer_isn += 100000;
    rig->know_isn = false;
    inject(rig, "S 0:10(10) win 65535 <mss 1000,fo %s>", cookie);
    expect(rig, "S. 0:0(0) ack 11");
    CHECK(seq_gt(rig->our_isn, last));
    CHECK_EQ(rig->tcp->time_wait_count, 0);
}

static unsigned allowed;
static void *allocate_some(void *context, size_t bytes)
{
    const struct strata_allocator *real = allocator_default();
    (void)context;
    return allowed > 0 ? (allowed--, real->allocate(real->context, bytes)) : NULL;
}

/** Short of memory it is the ordinary handshake, or none; nothing breaks. */
TEST(fast_opens_without_memory)
{
    for (unsigned fail = 0; fail < 12; fail++) {
        struct rig *rig = rig_new(false, 1500, 0);
        char cookie[17];
        listen_fast(rig, cookie);
        allowed = fail;
        rig->core.memory.allocator.allocate = allocate_some;
        inject(rig, "S 0:10(10) win 65535 <mss 1000,fo %s>", cookie);
        rig_drain(rig);
        rig->core.memory.allocator.allocate = allocator_default()->allocate;
        rig_wait(rig, 2 * STRATA_SECOND);
        rig_drain(rig);
        rig_free(rig);
    }
}

TEST_MAIN(TEST_ENTRY(only_who_asks_for_it), TEST_ENTRY(a_cookie_carries_data_the_next_time),
          TEST_ENTRY(a_syn_that_is_lost), TEST_ENTRY(a_cookie_request_is_not_sent_again),
          TEST_ENTRY(data_that_the_peer_does_not_take), TEST_ENTRY(what_is_no_cookie_is_not_remembered),
          TEST_ENTRY(the_old_form_of_the_option), TEST_ENTRY(a_server_whose_syns_with_data_get_lost_is_spared),
          TEST_ENTRY(a_black_hole), TEST_ENTRY(few_servers_are_remembered),
          TEST_ENTRY(without_cookies_where_both_sides_know_each_other),
          TEST_ENTRY(a_connection_that_waits_for_its_first_write), TEST_ENTRY(two_fast_opens_cross),
          TEST_ENTRY(data_in_the_syn), TEST_ENTRY(when_the_data_is_not_taken), TEST_ENTRY(the_limit_of_a_listener),
          TEST_ENTRY(a_syn_ack_that_is_lost), TEST_ENTRY(a_client_that_never_answers),
          TEST_ENTRY(resets_and_closes_before_the_handshake_is_done),
          TEST_ENTRY(a_listener_goes_before_the_handshake_is_done), TEST_ENTRY(cookies_of_a_given_key),
          TEST_ENTRY(a_key_that_changes), TEST_ENTRY(a_server_without_cookies), TEST_ENTRY(a_cookie_without_data),
          TEST_ENTRY(a_fast_open_follows_a_time_wait), TEST_ENTRY(fast_opens_without_memory))
