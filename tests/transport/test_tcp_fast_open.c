/**
 * TCP Fast Open of clients (RFC 7413): cookies asked for, remembered and used.
 */
#include "tests/transport/rig.h"
#include "transport/tcp/fast_open.h"
#include "wire/icmp.h"

#include <errno.h>

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

/* A SYN of theirs meets ours while that waits for data: the data goes when the handshake is done. */
TCP_TEST(a_syn_that_waits_is_crossed)
{
    ask(rig, "mss 1460,fo abcd1234");
    end(rig);
    rig_connect(rig);
    CHECK(tcp_waits_for_data(rig->c));
    rig->us.port = rig->c->record.local_port; // which no SYN has told
    inject(rig, "S 0:0(0) win 65535 <mss 1000>");
    CHECK(!tcp_waits_for_data(rig->c));
    expect(rig, "S. 0:0(0) ack 1");
    CHECK_EQ(rig_write(rig, 10), 10);
    silence(rig);
    rig_wait(rig, STRATA_SECOND);
    expect(rig, "S. 0:0(0) ack 1");
    inject(rig, ". 1:1(0) ack 1 win 65535");
    CHECK_STATE(rig, "ESTABLISHED");
    expect(rig, "P. 1:11(10) ack 1");
    inject(rig, ". 1:1(0) ack 11 win 65535");
    rig_wait(rig, 10 * STRATA_SECOND);
    silence(rig);
}

/* What was in the SYN and not taken goes again as it was, new data beside it; lost once more it is known by what was
 * sent behind it, though at the same moment (RFC 8985-2). */
TCP_TEST(data_that_is_lost_twice)
{
    ask(rig, "mss 1460,sackok,fo abcd1234");
    CHECK_EQ(open_with(rig, 500), 500);
    expect(rig, "S 0:500(500)");
    CHECK_EQ(rig_write(rig, 4000), 4000);
    rig_wait(rig, 20 * MS);
    inject(rig, "S. 0:0(0) ack 1 win 65535 <mss 1000,sackok,nop,nop>");
    expect(rig, "P. 1:501(500) ack 1");
    CHECK_EQ(rig_drain(rig), 4);
    rig_wait(rig, 20 * MS);
    inject(rig, ". 1:1(0) ack 1 win 65535 <nop,nop,sack 501:4501>");
    expect(rig, "P. 1:501(500) ack 1");
}

/** The narrower path that ICMP tells of. */
static void too_big(struct rig *rig, uint32_t mtu)
{
    rig_icmp(rig, rig->ipv6 ? ICMPV6_PACKET_TOO_BIG : ICMP_UNREACHABLE, rig->ipv6 ? 0 : 4, mtu, 0);
}

/* A SYN with data that is too large for the path goes again at once, alone, and is no sign of congestion. */
TCP_TEST(a_syn_that_is_too_large)
{
    ask(rig, "mss 1460,fo abcd1234");
    CHECK_EQ(open_with(rig, 1400), 1400);
    expect(rig, "S 0:1400(1400) <mss %u,sackok,ws *,fo abcd1234>", rig->ipv6 ? 1440 : 1460);
    too_big(rig, 1300);
    expect(rig, "S 0:0(0) <mss %u,sackok,ws *>", rig->ipv6 ? 1440 : 1460); // RFC 6691-1: what the port can
    too_big(rig, 1300); // the same once more says nothing new
    silence(rig);
    inject(rig, "S. 0:0(0) ack 1 win 65535 <mss 1460>");
    uint32_t full = rig->ipv6 ? 1240 : 1260;
    expect(rig, ". 1:%u(%u) ack 1", full + 1, full);
    expect(rig, "P. %u:1401(%u) ack 1", full + 1, 1400 - full);
    CHECK_EQ(rig_info(rig).cwnd, 10 * full);
    // The server is not spared for it, and the next SYN has data that fits.
    CHECK_EQ(open_with(rig, 1400), full - 40);
    expect(rig, "S 0:%u(%u) <mss *,sackok,ws *,fo abcd1234>", full - 40, full - 40);
}

/* As Linux has it: the MSS option tells what the path can. */
TCP_TEST(a_syn_tells_what_the_path_can)
{
    SET(rig, tcp_mss_of_path, 1);
    ask(rig, "mss 1460,fo abcd1234");
    CHECK_EQ(open_with(rig, 1400), 1400);
    expect(rig, "S 0:1400(1400) <mss %u,sackok,ws *,fo abcd1234>", rig->ipv6 ? 1440 : 1460);
    too_big(rig, 1300);
    uint32_t full = rig->ipv6 ? 1240 : 1260;
    expect(rig, "S 0:0(0) <mss %u,sackok,ws *>", full);
    end(rig);
    rig->options.fast_open_connect = false;
    rig_connect(rig);
    expect(rig, "S 0:0(0) <mss %u,sackok,ws *>", full);
    end(rig);
    rig->us.port = RIG_PORT;
    rig_listen(rig);
    inject(rig, "S 0:0(0) win 65535 <mss 1000>");
    expect(rig, "S. 0:0(0) ack 1 <mss %u>", full);
    SET(rig, tcp_mss_of_path, 0);
    rig->peer.port++;
    rig->know_isn = false;
    inject(rig, "S 0:0(0) win 65535 <mss 1000>");
    expect(rig, "S. 0:0(0) ack 1 <mss %u>", full + 200);
}

TEST_MAIN(TEST_ENTRY(only_who_asks_for_it), TEST_ENTRY(a_cookie_carries_data_the_next_time),
          TEST_ENTRY(a_syn_that_is_lost), TEST_ENTRY(a_cookie_request_is_not_sent_again),
          TEST_ENTRY(data_that_the_peer_does_not_take), TEST_ENTRY(what_is_no_cookie_is_not_remembered),
          TEST_ENTRY(the_old_form_of_the_option), TEST_ENTRY(a_server_whose_syns_with_data_get_lost_is_spared),
          TEST_ENTRY(a_black_hole), TEST_ENTRY(few_servers_are_remembered),
          TEST_ENTRY(without_cookies_where_both_sides_know_each_other),
          TEST_ENTRY(a_connection_that_waits_for_its_first_write), TEST_ENTRY(two_fast_opens_cross),
          TEST_ENTRY(data_that_is_lost_twice), TEST_ENTRY(a_syn_that_is_too_large),
          TEST_ENTRY(a_syn_tells_what_the_path_can), TEST_ENTRY(a_syn_that_waits_is_crossed))
