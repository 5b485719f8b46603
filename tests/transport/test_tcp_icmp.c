/**
 * What ICMP says to a connection: soft and hard errors, source quench, smaller path MTUs (RFC 9293 3.9.2.2,
 * RFC 1191, RFC 5927).
 */
#include "tests/transport/rig.h"
#include "wire/icmp.h"

#include <errno.h>

static void accepted(struct rig *rig)
{
    rig_accept(rig, "S 0:0(0) win 65535 <mss 1400>");
    rig_write(rig, 10);
    expect(rig, "P. 1:11(10) ack 1");
}

/** Unreachable, by what it means. */
static void unreachable(struct rig *rig, uint8_t v4_code, uint8_t v6_code, uint32_t seq)
{
    if (rig->ipv6)
        rig_icmp(rig, ICMPV6_UNREACHABLE, v6_code, 0, seq);
    else
        rig_icmp(rig, ICMP_UNREACHABLE, v4_code, 0, seq);
}

/* RFC 9293 MUST-54: the connection that is quoted; RFC 9293 MUST-56: a soft error ends nothing;
 * RFC 9293 MUST-47, RFC 9293 SHLD-25: the program can learn of it. */
TCP_TEST(soft_errors)
{
    rig->options.receive_errors = true;
    accepted(rig);
    static const uint8_t codes[2][3] = {{0, 1, 5}, {0, 3, 0}};
    for (int i = 0; i < 3; i++) {
        rig->ready = 0;
        unreachable(rig, codes[0][i], codes[1][i], 1);
        CHECK_EQ(rig->ready, STRATA_ERROR);
        CHECK_EQ(tcp_readiness(rig->c) & STRATA_ERROR, STRATA_ERROR);
        int error = tcp_take_error(rig->c);
        CHECK(error == EHOSTUNREACH || error == ENETUNREACH || error == EOPNOTSUPP);
        CHECK_EQ(tcp_take_error(rig->c), 0);
    }
    // Time exceeded and parameter problem.
    rig_icmp(rig, rig->ipv6 ? ICMPV6_TIME_EXCEEDED : ICMP_TIME_EXCEEDED, 0, 0, 1);
    rig_icmp(rig, rig->ipv6 ? ICMPV6_PARAMETER_PROBLEM : ICMP_PARAMETER_PROBLEM, 0, 0, 1);
    CHECK_STATE(rig, "ESTABLISHED"); // RFC 9293 MUST-56
    CHECK_EQ(rig_write(rig, 10), 10);
    inject(rig, ". 1:1(0) ack 11 win 65535");
    expect(rig, "P. 11:21(10) ack 1");
}

/* RFC 9293 SHLD-20: unless the program does not want to hear of it, which is how it begins. */
TCP_TEST(soft_errors_unheard)
{
    accepted(rig);
    rig->ready = 0;
    unreachable(rig, 1, 3, 1);
    CHECK_EQ(rig->ready, 0);
    CHECK_EQ(tcp_take_error(rig->c), 0);
    CHECK_STATE(rig, "ESTABLISHED");
    // But when it ends by itself, that is the better reason.
    for (int i = 0; i < 200 && rig_state(rig) == STRATA_TCP_ESTABLISHED; i++) {
        rig_wait(rig, 10 * STRATA_SECOND);
        rig_drain(rig);
    }
    CHECK_EQ(tcp_take_error(rig->c), EHOSTUNREACH);
}

/* RFC 5927 5.2: once the handshake is done hard errors are soft, since who forges one needs to guess little.
 */
TCP_TEST(hard_errors)
{
    accepted(rig);
    unreachable(rig, ICMP_PORT_UNREACHABLE, 4, 1);
    CHECK_STATE(rig, "ESTABLISHED");
    CHECK_EQ(rig->ready & STRATA_ERROR, 0);
    inject(rig, ". 1:1(0) ack 11 win 65535");
    CHECK_EQ(rig_info(rig).flight, 0);
    CHECK_EQ(rig_write(rig, 10), 10);
    rig_drain(rig);
    unreachable(rig, ICMP_PORT_UNREACHABLE, 4, 11);
    for (int i = 0; i < 200 && rig_state(rig) == STRATA_TCP_ESTABLISHED; i++) {
        rig_wait(rig, 10 * STRATA_SECOND);
        rig_drain(rig);
    }
    CHECK_EQ(tcp_take_error(rig->c), ECONNREFUSED); // when it ends by itself, that is the better reason
}

/* RFC 9293 SHLD-26: hard errors end what is being opened: protocol and port unreachable. */
TCP_TEST(a_hard_error_refuses_an_opening)
{
    rig_connect(rig);
    expect(rig, "S 0:0(0)");
    unreachable(rig, ICMP_PORT_UNREACHABLE, 4, 0);
    CHECK_STATE(rig, "CLOSED");
    CHECK_EQ(tcp_take_error(rig->c), ECONNREFUSED);
}

TCP_TEST(a_soft_error_does_not_stop_an_opening)
{
    rig_connect(rig);
    expect(rig, "S 0:0(0)");
    unreachable(rig, 1, 3, 0);
    CHECK_STATE(rig, "SYN-SENT"); // RFC 9293 MUST-56
    rig_wait(rig, STRATA_SECOND);
    expect(rig, "S 0:0(0)");
}

/* RFC 9293 MUST-54: only what is under way can be meant; anything else was made up (RFC 5927). */
TCP_TEST(errors_that_quote_nothing_of_ours)
{
    accepted(rig);
    unreachable(rig, ICMP_PORT_UNREACHABLE, 4, 0);  // before
    unreachable(rig, ICMP_PORT_UNREACHABLE, 4, 11); // behind
    unreachable(rig, ICMP_PORT_UNREACHABLE, 4, 99999);
    rig->us.port++;
    unreachable(rig, ICMP_PORT_UNREACHABLE, 4, 1); // another connection
    rig->us.port--;
    CHECK_STATE(rig, "ESTABLISHED");
    CHECK_EQ(COUNT(rig, icmp_drop_quote), 4);
}

/* RFC 9293 MUST-55: source quench is nothing. */
TCP_TEST(source_quench)
{
    accepted(rig);
    if (rig->ipv6)
        return; // there is none
    uint32_t cwnd = rig_info(rig).cwnd;
    rig_icmp(rig, ICMP_SOURCE_QUENCH, 0, 0, 1);
    CHECK_EQ(rig_info(rig).cwnd, cwnd);
    CHECK_EQ(COUNT(rig, icmp_drop_source_quench), 1);
    CHECK_EQ(tcp_take_error(rig->c), 0);
    silence(rig);
}

static void too_big(struct rig *rig, uint32_t mtu, uint32_t seq)
{
    if (rig->ipv6)
        rig_icmp(rig, ICMPV6_PACKET_TOO_BIG, 0, mtu, seq);
    else
        rig_icmp(rig, ICMP_UNREACHABLE, ICMP_FRAGMENTATION_NEEDED, mtu, seq);
}

/* RFC 1191-5: sent again in smaller pieces; cwnd stays; one segment until an ACK comes. */
TCP_TEST(a_smaller_path)
{
    rig_accept(rig, "S 0:0(0) win 65535 <mss 1400>");
    rig_write(rig, 5600);
    CHECK_EQ(rig_drain(rig), 4);
    uint32_t cwnd = rig_info(rig).cwnd;
    too_big(rig, 1300, 1);
    unsigned smss = rig->ipv6 ? 1240 : 1260;
    CHECK_EQ(rig_info(rig).mss_send, smss);
    expect(rig, ". 1:%u(%u) ack 1", 1 + smss, smss);
    silence(rig);
    CHECK_EQ(rig_info(rig).cwnd, cwnd);
    inject(rig, ". 1:1(0) ack %u win 65535", 1 + smss);
    expect(rig, ". %u:%u(%u) ack 1", 1 + smss, 1 + 2 * smss, smss);
    rig_drain(rig);
    inject(rig, ". 1:1(0) ack 5601 win 65535");
    rig_write(rig, 3000);
    expect(rig, ". 5601:%u(%u) ack 1", 5601 + smss, smss); // and so it stays
    CHECK_EQ(rig_info(rig).timeouts, 0);
}

/** The size of a full segment now. */
static unsigned full_segment(struct rig *rig)
{
    return rig_info(rig).mss_send + (rig->ipv6 ? 60 : 40);
}

/* RFC 1191-1: every segment says DF (the rig checks it), and the path is what the message says, but never
 * below 68. RFC 1191-3: no message raises it. */
TCP_TEST(what_a_message_may_do_to_the_path)
{
    rig_accept(rig, "S 0:0(0) win 65535 <mss 1460>");
    rig_write(rig, 60000);
    rig_drain(rig);
    too_big(rig, 1400, 1);
    CHECK_EQ(full_segment(rig), 1400); // RFC 1191-1
    too_big(rig, 1450, 1);
    CHECK_EQ(full_segment(rig), 1400); // RFC 1191-3
    too_big(rig, 67, 1);
    CHECK_EQ(full_segment(rig), 1400);
    too_big(rig, rig->ipv6 ? 1279 : 68, 1);
    CHECK_EQ(full_segment(rig), rig->ipv6 ? 1400 : 68);
}

/** An ACK with many options may be too large for a path, too, though nothing is in flight. */
TCP_TEST(a_path_too_small_for_acks)
{
    rig_accept(rig, "S 0:0(0) win 65535 <mss 1460>");
    inject(rig, ". 1:101(100) ack 1 win 65535");
    rig_drain(rig);
    too_big(rig, 1300, 1);
    CHECK_EQ(full_segment(rig), 1300);
    too_big(rig, 1290, 2); // what was never sent
    CHECK_EQ(full_segment(rig), 1300);
}

/* RFC 1191-2: a router that does not say how much: the next plateau below what was quoted, 1000 octets. */
TCP_TEST(a_message_without_a_size)
{
    if (rig->ipv6)
        return; // RFC 4443 always says
    rig_accept(rig, "S 0:0(0) win 65535 <mss 1460>");
    rig_write(rig, 5000);
    rig_drain(rig);
    too_big(rig, 0, 1);
    CHECK_EQ(full_segment(rig), 508);
}

/* RFC 1191-4: a larger size is tried again after ten minutes, and not before five. */
TCP_TEST(a_path_that_grows_again)
{
    rig_accept(rig, "S 0:0(0) win 65535 <mss 1460>");
    rig_write(rig, 3000);
    rig_drain(rig);
    too_big(rig, 1300, 1);
    rig_drain(rig);
    while (rig_info(rig).flight > 0) {
        inject(rig, ". 1:1(0) ack %u win 65535", rig->c->snd_nxt - rig->our_isn);
        rig_drain(rig);
    }
    rig_wait(rig, 300 * STRATA_SECOND);
    rig_write(rig, 3000);
    CHECK(*rig_next(rig));
    CHECK_EQ(rig->frame_length, 1300);
    rig_drain(rig);
    inject(rig, ". 1:1(0) ack %u win 65535", rig->c->snd_nxt - rig->our_isn);
    rig_drain(rig);
    rig_wait(rig, 301 * STRATA_SECOND);
    inject(rig, ". 1:1(0) ack %u win 65535", rig->c->snd_nxt - rig->our_isn);
    rig_drain(rig);
    rig_write(rig, 3000);
    CHECK(*rig_next(rig));
    CHECK_EQ(rig->frame_length, 1500);
}

TCP_TEST(a_path_that_is_large_enough)
{
    rig_accept(rig, "S 0:0(0) win 65535 <mss 1200>");
    rig_write(rig, 2400);
    rig_drain(rig);
    too_big(rig, 1400, 1); // our segments are smaller anyway
    silence(rig);
    CHECK_EQ(rig_info(rig).mss_send, 1200);
}

TEST_MAIN(TEST_ENTRY(soft_errors), TEST_ENTRY(soft_errors_unheard), TEST_ENTRY(hard_errors),
          TEST_ENTRY(a_hard_error_refuses_an_opening), TEST_ENTRY(a_soft_error_does_not_stop_an_opening),
          TEST_ENTRY(errors_that_quote_nothing_of_ours), TEST_ENTRY(source_quench),
          TEST_ENTRY(a_smaller_path), TEST_ENTRY(a_path_too_small_for_acks),
          TEST_ENTRY(what_a_message_may_do_to_the_path), TEST_ENTRY(a_message_without_a_size),
          TEST_ENTRY(a_path_that_grows_again), TEST_ENTRY(a_path_that_is_large_enough))
