/**
 * Retransmission by timeout: the RTO, Karn's rule, backoff, R1 and R2, the user's timeout (RFC 6298;
 * RFC 9293 3.8.1, 3.8.3).
 */
#include "tests/transport/rig.h"

#include <errno.h>

/** A connection whose handshake took 100 ms there and back. */
static void connected(struct rig *rig, const char *syn_ack)
{
    rig_connect(rig);
    expect(rig, "S 0:0(0)");
    rig_wait(rig, 100 * MS);
    inject(rig, "%s", syn_ack);
    rig_drain(rig);
}
#define SYN_ACK "S. 0:0(0) ack 1 win 65535 <mss 1000>"

/** How long until we say something; at most `most`. */
static strata_time until_said(struct rig *rig, strata_time most)
{
    strata_time begin = rig->core.now;
    while (rig->core.now - begin < most && !*rig_next(rig))
        rig_wait(rig, MS);
    return rig->core.now - begin;
}

/* RFC 6298-1: one second before there is a sample. RFC 6298-10: doubled each time. */
TCP_TEST(the_first_timeout_is_a_second)
{
    rig_connect(rig);
    expect(rig, "S 0:0(0)");
    for (int seconds = 1; seconds <= 64; seconds *= 2) {
        rig_wait(rig, seconds * STRATA_SECOND - MS);
        silence(rig);
        rig_wait(rig, MS);
        expect(rig, "S 0:0(0)");
    }
}

/* RFC 9293 MUST-18, RFC 6298-2, RFC 6298-3, with the clock's granularity as the least deviation. */
TCP_TEST(rto_is_computed)
{
    SET(rig, tcp_rto_min_ms, 1);
    connected(rig, SYN_ACK);
    CHECK_EQ(rig_info(rig).srtt_ns, 100 * MS); // RFC 6298-2
    CHECK_EQ(rig_info(rig).rttvar_ns, 50 * MS);
    CHECK_EQ(rig_info(rig).rto_ns, 300 * MS);
    rig_write(rig, 10);
    rig_drain(rig);
    rig_wait(rig, 180 * MS);
    inject(rig, ". 1:1(0) ack 11 win 65535");
    CHECK_EQ(rig_info(rig).rttvar_ns, (50 * 3 + 80) * MS / 4); // RFC 6298-3: with the old average
    CHECK_EQ(rig_info(rig).srtt_ns, 110 * MS);
    CHECK_EQ(rig_info(rig).rto_ns, 110 * MS + (50 * 3 + 80) * MS);
    CHECK_EQ(rig_info(rig).min_rtt_ns, 100 * MS);
    rig_write(rig, 10);
    rig_drain(rig);
    CHECK_EQ(until_said(rig, STRATA_SECOND), 340 * MS);
}

/* RFC 6298-4: never below the least, which may be its one second. */
TCP_TEST(rto_has_a_least)
{
    SET(rig, tcp_rto_min_ms, 1000);
    connected(rig, SYN_ACK);
    CHECK(rig_info(rig).rto_ns >= STRATA_SECOND);
    rig_write(rig, 10);
    rig_drain(rig);
    CHECK(until_said(rig, 5 * STRATA_SECOND) >= STRATA_SECOND);
}

/* RFC 6298-5: the greatest is more than 60 s, and it is the greatest. */
TCP_TEST(rto_has_a_most)
{
    connected(rig, SYN_ACK);
    rig_write(rig, 10);
    rig_drain(rig);
    strata_time waited = 0;
    for (int i = 0; i < 12; i++)
        waited = until_said(rig, 1000 * STRATA_SECOND);
    CHECK_EQ(waited, rig->core.settings.tcp_rto_max_ms * MS);
    CHECK(waited >= 60 * STRATA_SECOND);
    CHECK_EQ(settings_set(&rig->core.settings, "strata.tcp_rto_max_ms", 59999), -ERANGE);
}

/* RFC 6298-6: no sample from what was sent twice (RFC 9293 MUST-18) ... */
TCP_TEST(karns_rule)
{
    connected(rig, SYN_ACK);
    rig_write(rig, 10);
    expect(rig, "P. 1:11(10) ack 1");
    CHECK_EQ(until_said(rig, STRATA_SECOND), 300 * MS);
    inject(rig, ". 1:1(0) ack 11 win 65535"); // at once: an answer to the first or to the second?
    CHECK_EQ(rig_info(rig).srtt_ns, 100 * MS);
    CHECK_EQ(rig_info(rig).rto_ns, 600 * MS); // backed off until there is a sample
    rig_write(rig, 10);
    rig_drain(rig);
    rig_wait(rig, 100 * MS);
    inject(rig, ". 1:1(0) ack 21 win 65535");
    CHECK_EQ(rig_info(rig).rto_ns, 300 * MS);
}

/* ... except where a timestamp tells (RFC 6298-6, RFC 7323-9). */
TCP_TEST(karns_rule_with_timestamps)
{
    connected(rig, "S. 0:0(0) ack 1 win 65535 <mss 1000,nop,nop,ts 500 0>");
    rig_write(rig, 10);
    expect(rig, "P. 1:11(10) ack 1 <ts 100 500>");
    CHECK_EQ(until_said(rig, STRATA_SECOND), 300 * MS);
    rig_wait(rig, 20 * MS);
    inject(rig, ". 1:1(0) ack 11 win 65535 <nop,nop,ts 510 %u>", rig->our_ts + 400);
    CHECK_EQ(rig_info(rig).srtt_ns, 100 * MS - 80 * MS / 8); // a sample of 20 ms
    CHECK_EQ(rig_info(rig).backoff, 0);
}

/* RFC 6298-6: the echo of the first copy tells nothing once there was a second. Its ACK may have been lost,
 * and what came is the answer to the second copy, which was old news to the peer. */
TCP_TEST(an_echo_of_the_first_copy_is_no_sample)
{
    connected(rig, "S. 0:0(0) ack 1 win 65535 <mss 1000,nop,nop,ts 500 0>");
    rig_write(rig, 10);
    expect(rig, "P. 1:11(10) ack 1 <ts 100 500>");
    CHECK_EQ(until_said(rig, STRATA_SECOND), 300 * MS);
    rig_wait(rig, 100 * MS);
    inject(rig, ". 1:1(0) ack 11 win 65535 <nop,nop,ts 510 %u>", rig->our_ts + 100);
    CHECK_EQ(rig_info(rig).srtt_ns, 100 * MS);
    CHECK_EQ(rig_info(rig).rto_ns, 600 * MS);
}

/* RFC 6298-7: a sample per round trip at least. */
TCP_TEST(samples_come_with_each_round_trip)
{
    connected(rig, SYN_ACK);
    for (int i = 0; i < 20; i++) {
        rig_write(rig, 1000);
        rig_drain(rig);
        rig_wait(rig, 20 * MS);
        inject(rig, ". 1:1(0) ack %d win 65535", 1 + 1000 * (i + 1));
    }
    CHECK(rig_info(rig).srtt_ns < 30 * MS);
}

/* RFC 6298-9: on with the first, off with the last, anew with each ACK of something new; RFC 6298-8: so
 * nothing goes again before a whole RTO has passed since. */
TCP_TEST(when_the_timer_runs)
{
    connected(rig, SYN_ACK);
    rig->options.no_delay = true;
    tcp_set_options(rig->c, &rig->options);
    rig_write(rig, 10);
    expect(rig, "P. 1:11(10) ack 1");
    rig_wait(rig, 200 * MS);
    rig_write(rig, 10);
    expect(rig, "P. 11:21(10) ack 1"); // it runs already
    rig_wait(rig, 50 * MS);
    inject(rig, ". 1:1(0) ack 11 win 65535");
    strata_time rto = rig_info(rig).rto_ns;
    rig_wait(rig, rto - MS); // anew from here
    silence(rig);
    rig_wait(rig, 2 * MS);
    expect(rig, "P. 11:21(10) ack 1");
    inject(rig, ". 1:1(0) ack 21 win 65535");
    rig_wait(rig, 60 * STRATA_SECOND);
    silence(rig); // off
}

/* RFC 6298-10: the earliest segment, and the time doubles; RFC 9293 MUST-19. */
TCP_TEST(the_earliest_segment_goes_again)
{
    connected(rig, SYN_ACK);
    rig_write(rig, 3000);
    CHECK_EQ(rig_drain(rig), 3);
    CHECK_EQ(until_said(rig, STRATA_SECOND), 300 * MS);
    CHECK_EQ(strncmp(rig->line, ". 1:1001(1000)", 14), 0);
    silence(rig);
    CHECK_EQ(until_said(rig, 9 * STRATA_SECOND), 600 * MS);
    CHECK_EQ(strncmp(rig->line, ". 1:1001(1000)", 14), 0);
    CHECK_EQ(until_said(rig, 9 * STRATA_SECOND), 1200 * MS);
    CHECK_EQ(rig_info(rig).backoff, 3);
    CHECK_EQ(rig_info(rig).timeouts, 3);
    inject(rig, ". 1:1(0) ack 1001 win 65535");
    expect(rig, ". 1001:2001(1000) ack 1");
    expect(rig, "P. 2001:3001(1000) ack 1");
    CHECK_EQ(rig_info(rig).backoff, 3); // all of it was sent twice: there is no sample yet
    CHECK_EQ(rig_info(rig).bytes_retransmitted, 5000);
}

/* RFC 6298-11: after a SYN that timed out, data begins with 3 s. */
TCP_TEST(data_after_a_lost_syn)
{
    rig_connect(rig);
    expect(rig, "S 0:0(0)");
    rig_wait(rig, STRATA_SECOND);
    expect(rig, "S 0:0(0)");
    inject(rig, SYN_ACK);
    expect(rig, ". 1:1(0) ack 1");
    rig_write(rig, 10);
    expect(rig, "P. 1:11(10) ack 1");
    CHECK_EQ(until_said(rig, 9 * STRATA_SECOND), 3 * STRATA_SECOND);
}

/* RFC 9293 MUST-20: R1 tells the network room, which finds another first hop; R2 ends it. RFC 9293 SHLD-9,
 * RFC 9293 SHLD-10, RFC 9293 SHLD-11. */
TCP_TEST(r1_and_r2)
{
    rig->options.receive_errors = true;
    connected(rig, SYN_ACK);
    CHECK(rig->core.settings.tcp_retries1 >= 3); // RFC 9293 SHLD-10
    rig_write(rig, 10);
    rig_drain(rig);
    strata_time begin = rig->core.now;
    rig->ready = 0;
    for (int i = 0; i < 2; i++)
        until_said(rig, 1000 * STRATA_SECOND);
    CHECK_EQ(rig->ready, 0);
    until_said(rig, 1000 * STRATA_SECOND);
    CHECK_EQ(rig->ready, STRATA_ERROR); // RFC 9293 SHLD-9: between R1 and R2 the program hears of it
    CHECK_EQ(tcp_take_error(rig->c), ETIMEDOUT);
    CHECK_STATE(rig, "ESTABLISHED");
    int segments = 4;
    while (rig_state(rig) == STRATA_TCP_ESTABLISHED && segments < 100) {
        rig_wait(rig, 10 * MS);
        segments += rig_drain(rig) > 0;
    }
    CHECK_STATE(rig, "CLOSED"); // RFC 9293 MUST-20
    CHECK_EQ(segments, 1 + 15);
    CHECK(rig->core.now - begin >= 100 * STRATA_SECOND); // RFC 9293 SHLD-11
    CHECK_EQ(tcp_take_error(rig->c), ETIMEDOUT);
    CHECK_EQ(rig_read(rig, 10), -ETIMEDOUT);
}

/* RFC 9293 MUST-20: the other gateway is used after R1. */
TCP_TEST(r1_finds_another_gateway)
{
    struct strata_port_config config = {.size = sizeof config, .link = STRATA_LINK_IP};
    int other = links_add_port(net_links(rig->net), &config);
    struct strata_address far, gateways[2], mine;
    strata_address_parse(rig->ipv6 ? "2001:db8:9::9" : "192.0.2.9", &far);
    strata_address_parse(rig->ipv6 ? "2001:db8::f" : "10.0.0.15", &gateways[0]);
    strata_address_parse(rig->ipv6 ? "2001:db8:1::f" : "10.0.1.15", &gateways[1]);
    strata_address_parse(rig->ipv6 ? "2001:db8:1::1" : "10.0.1.1", &mine);
    REQUIRE(net_address_add(rig->net, other, &mine, rig->ipv6 ? 64 : 24) == 0);
    for (uint32_t i = 0; i < 2; i++) {
        struct strata_route route = {.destination = far, .prefix_length = rig->ipv6 ? 128 : 32,
                                     .gateway = gateways[i], .port = -1, .metric = i};
        REQUIRE(net_route_add(rig->net, &route) == 0);
    }
    rig->peer.address = far;
    connected(rig, SYN_ACK);
    rig_write(rig, 10);
    expect(rig, "P. 1:11(10) ack 1");
    for (int i = 0; i < 2; i++)
        until_said(rig, 1000 * STRATA_SECOND);
    rig_wait(rig, 10 * STRATA_SECOND);
    silence(rig); // not here any more
    rig->port = other;
    expect(rig, "P. 1:11(10) ack 1"); // RFC 9293 MUST-20
}

/* RFC 9293 MUST-21: the program sets how long. */
TCP_TEST(the_programs_timeout)
{
    rig->options.user_timeout_ns = 5 * STRATA_SECOND;
    connected(rig, SYN_ACK);
    rig_wait(rig, 60 * STRATA_SECOND);
    CHECK_STATE(rig, "ESTABLISHED"); // nothing is out
    rig_write(rig, 10);
    rig_drain(rig);
    rig_wait(rig, 4 * STRATA_SECOND);
    CHECK_STATE(rig, "ESTABLISHED");
    inject(rig, ". 1:1(0) ack 6 win 65535"); // progress
    rig_wait(rig, 4 * STRATA_SECOND);
    CHECK_STATE(rig, "ESTABLISHED");
    rig_wait(rig, STRATA_SECOND);
    CHECK_STATE(rig, "CLOSED");
    CHECK_EQ(tcp_take_error(rig->c), ETIMEDOUT);
}

TCP_TEST(the_programs_timeout_may_change)
{
    connected(rig, SYN_ACK);
    rig_write(rig, 10);
    rig_drain(rig);
    rig_wait(rig, 60 * STRATA_SECOND);
    CHECK_STATE(rig, "ESTABLISHED");
    rig->options.user_timeout_ns = 61 * STRATA_SECOND; // RFC 9293 MUST-21
    tcp_set_options(rig->c, &rig->options);
    rig_wait(rig, 2 * STRATA_SECOND);
    CHECK_STATE(rig, "CLOSED");
}

/* RFC 9293 MUST-22, MUST-23: SYNs are counted too, for three minutes at least, and the program is told. */
TCP_TEST(a_syn_without_an_answer)
{
    rig_connect(rig);
    strata_time begin = rig->core.now;
    unsigned syns = 0;
    while (rig_state(rig) == STRATA_TCP_SYN_SENT && syns < 100) {
        syns += rig_drain(rig);
        rig_wait(rig, STRATA_SECOND / 2);
    }
    CHECK_EQ(syns, 8);
    CHECK(rig->core.now - begin >= 180 * STRATA_SECOND); // RFC 9293 MUST-23
    CHECK_EQ(rig->ready & STRATA_ERROR, STRATA_ERROR);    // RFC 9293 MUST-22
    CHECK_EQ(tcp_take_error(rig->c), ETIMEDOUT);
}

/* RFC 9293 MUST-22, MUST-23 for the SYN-ACK. */
TCP_TEST(a_syn_ack_without_an_answer)
{
    rig_listen(rig);
    inject(rig, "S 0:0(0) win 65535");
    strata_time begin = rig->core.now;
    unsigned answers = 0;
    while (rig->tcp->half_open_count > 0 && answers < 100) {
        answers += rig_drain(rig);
        rig_wait(rig, STRATA_SECOND / 2);
    }
    CHECK_EQ(answers, 8);
    CHECK(rig->core.now - begin >= 180 * STRATA_SECOND);
}

TCP_TEST(small_pieces_go_again_as_one)
{
    connected(rig, SYN_ACK);
    rig->options.no_delay = true;
    tcp_set_options(rig->c, &rig->options);
    for (int i = 0; i < 8; i++) {
        rig_write(rig, 100);
        rig_drain(rig);
    }
    rig_write(rig, 100);
    rig_drain(rig);
    rig_wait(rig, 300 * MS);
    expect(rig, "P. 1:901(900) ack 1");
    inject(rig, ". 1:1(0) ack 901 win 65535");
    CHECK_EQ(rig_info(rig).flight, 0);
}

TEST_MAIN(TEST_ENTRY(the_first_timeout_is_a_second), TEST_ENTRY(rto_is_computed), TEST_ENTRY(rto_has_a_least),
          TEST_ENTRY(rto_has_a_most), TEST_ENTRY(karns_rule), TEST_ENTRY(karns_rule_with_timestamps),
          TEST_ENTRY(an_echo_of_the_first_copy_is_no_sample),
          TEST_ENTRY(samples_come_with_each_round_trip), TEST_ENTRY(when_the_timer_runs),
          TEST_ENTRY(the_earliest_segment_goes_again), TEST_ENTRY(data_after_a_lost_syn), TEST_ENTRY(r1_and_r2),
          TEST_ENTRY(r1_finds_another_gateway), TEST_ENTRY(the_programs_timeout),
          TEST_ENTRY(the_programs_timeout_may_change), TEST_ENTRY(a_syn_without_an_answer),
          TEST_ENTRY(a_syn_ack_without_an_answer), TEST_ENTRY(small_pieces_go_again_as_one))
