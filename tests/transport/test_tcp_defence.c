/**
 * What strangers and lying peers cannot do: blind attacks (RFC 5961, RFC 5927), counters that tell of others, old
 * incarnations (RFC 6191, RFC 1337), memory without bound, storms.
 */
#include "tests/transport/rig.h"
#include "wire/icmp.h"

#include <errno.h>

static void accepted(struct rig *rig)
{
    rig_accept(rig, "S 0:0(0) win 65535 <mss 1000>");
}

/* ---- Blind attacks ------------------------------------------------------------------------------------- */

/* RFC 5961-1, RFC 5961-2: of all numbers in the window one resets, and none synchronizes. */
TCP_TEST(numbers_that_are_guessed)
{
    SET(rig, tcp_challenge_acks_per_second, 1000000);
    accepted(rig);
    for (uint32_t seq = 2; seq < 65536; seq += 997) {
        inject(rig, "R %u:%u(0)", seq, seq);
        expect(rig, ". 1:1(0) ack 1");
        inject(rig, "R. %u:%u(0) ack 1", seq, seq);
        expect(rig, ". 1:1(0) ack 1");
        inject(rig, "S %u:%u(0) win 65535 <mss 1000>", seq, seq);
        expect(rig, ". 1:1(0) ack 1");
    }
    inject(rig, "R 65537:65537(0)"); // beyond the window
    inject(rig, "R 0:0(0)");         // before it
    silence(rig);
    CHECK_STATE(rig, "ESTABLISHED");
    inject(rig, "R 1:1(0)");
    CHECK_STATE(rig, "CLOSED");
}

/* RFC 5961-2: whatever its timestamp, or none: a peer that restarted without timestamps must learn that we remember,
 * and its RST then has the right number. */
TCP_TEST(a_syn_without_the_timestamps_that_were_agreed)
{
    rig_connected(rig, "S. 0:0(0) ack 1 win 65535 <mss 1000,ts 1000 0>");
    inject(rig, "S 70000:70000(0) win 65535 <mss 1000>");
    expect(rig, ". 1:1(0) ack 1");
    inject(rig, "S 70000:70000(0) win 65535 <mss 1000,ts 5 0>");
    expect(rig, ". 1:1(0) ack 1");
    inject(rig, "R 1:1(0)");
    CHECK_STATE(rig, "CLOSED");
}

/* RFC 5961-3: data with an ACK of what was never sent, or acknowledged long ago, is not taken. */
TCP_TEST(data_with_an_ack_that_is_guessed)
{
    SET(rig, tcp_challenge_acks_per_second, 1000000);
    accepted(rig);
    for (uint32_t ack = 2; ack < 0xffff0000; ack += 0x1234567) {
        inject(rig, "P. 1:11(10) ack %u win 65535", ack);
        rig_drain(rig);
    }
    CHECK_EQ(rig_read(rig, 100), -EAGAIN);
    inject(rig, "P. 1:11(10) ack 1 win 65535");
    CHECK_EQ(rig_read(rig, 100), 10);
}

/* RFC 5961-4: a bound for each connection, and what one has used is not missing from another. */
TCP_TEST(challenges_tell_nothing_of_other_connections)
{
    accepted(rig);
    seq_t isn = rig->our_isn;
    struct strata_endpoint victim = rig->peer;
    rig->peer.port++;
    inject(rig, "S 0:0(0) win 65535 <mss 1000>");
    rig_drain(rig);
    inject(rig, ". 1:1(0) ack 1 win 65535");
    struct tcp_connection *other = tcp_accept(rig->listener, NULL);
    REQUIRE(other);
    unsigned answers = 0;
    for (int i = 0; i < 200; i++) {
        inject(rig, "R 100:100(0)");
        answers += rig_drain(rig);
    }
    CHECK_EQ(answers, rig->core.settings.tcp_challenge_acks_per_second);
    tcp_abort(other);
    rig_drain(rig);
    rig->peer = victim;
    rig->our_isn = isn;
    unsigned mine = 0;
    for (int i = 0; i < 200; i++) {
        inject(rig, "R 100:100(0)");
        mine += rig_drain(rig);
    }
    CHECK_EQ(mine, answers);
}

/* RFC 5961-4: Linux's setting for the time between two of them. */
TCP_TEST(challenges_are_apart)
{
    SET(rig, tcp_invalid_ratelimit_ms, 400);
    accepted(rig);
    unsigned answers = 0;
    for (int i = 0; i < 100; i++) {
        inject(rig, "R 100:100(0)");
        answers += rig_drain(rig);
        rig_wait(rig, 10 * MS);
    }
    CHECK_EQ(answers, 3); // at 0, 400 and 800 ms
    // Data is answered in any case: the peer may have lost our ACK.
    for (int i = 0; i < 5; i++) {
        inject(rig, "P. 70000:70010(10) ack 1 win 65535");
        CHECK_EQ(rig_drain(rig), 1);
    }
}

/* RFC 5961-4 of RSTs: everybody shares that budget, so nobody can count on it. */
TCP_TEST(the_budget_of_resets_cannot_be_counted)
{
    bool differs = false;
    unsigned before = 0;
    SET(rig, tcp_resets_per_second, 200);
    for (int second = 0; second < 6; second++) {
        unsigned answers = 0;
        for (int i = 0; i < 300; i++) {
            rig->us.port = (uint16_t)(1000 + i);
            inject(rig, "S 0:0(0) win 65535");
            answers += rig_drain(rig);
        }
        CHECK(answers >= 100 && answers <= 200);
        differs |= before != 0 && answers != before;
        before = answers;
        rig_wait(rig, STRATA_SECOND);
    }
    CHECK(differs);
    CHECK(COUNT(rig, tcp_resets_suppressed) >= 600);
    SET(rig, tcp_resets_per_second, 0);
    rig_wait(rig, STRATA_SECOND);
    inject(rig, "S 0:0(0) win 65535");
    silence(rig);
}

/* A SYN-ACK echoes a timestamp of ours, or belongs to another time (RFC 7323 5). */
TCP_TEST(a_syn_ack_that_echoes_nothing_of_ours)
{
    rig_connect(rig);
    expect(rig, "S 0:0(0)");
    rig_wait(rig, 500 * MS);
    inject(rig, "S. 0:0(0) ack 1 win 65535 <mss 1000,ts 9 %u>", rig->our_ts + 501);
    expect(rig, "R 1:1(0)");
    inject(rig, "S. 0:0(0) ack 1 win 65535 <mss 1000,ts 9 %u>", rig->our_ts - 1);
    expect(rig, "R 1:1(0)");
    CHECK_STATE(rig, "SYN-SENT");
    CHECK_EQ(COUNT(rig, tcp_drop_paws), 2);
    inject(rig, "S. 0:0(0) ack 1 win 65535 <mss 1000,ts 9 %u>", rig->our_ts);
    CHECK_STATE(rig, "ESTABLISHED");
    rig_drain(rig);
}

/* ---- ICMP (RFC 5927) ----------------------------------------------------------------------------------- */

static void unreachable(struct rig *rig, uint32_t seq)
{
    rig_icmp(rig, rig->ipv6 ? 1 : 3, rig->ipv6 ? 4 : 3, 0, seq); // port unreachable: a hard error
}

/* RFC 5927 4.1, 5.2: only what is in flight can be meant, and even that ends nothing any more. */
TCP_TEST(forged_icmp)
{
    accepted(rig);
    CHECK_EQ(rig_write(rig, 1000), 1000);
    expect(rig, "P. 1:1001(1000) ack 1");
    unreachable(rig, 0);
    unreachable(rig, 1001);
    CHECK_EQ(COUNT(rig, icmp_drop_quote), 2);
    unreachable(rig, 1000);
    CHECK_EQ(COUNT(rig, icmp_drop_quote), 2);
    CHECK_STATE(rig, "ESTABLISHED");
}

/** A half-open connection is forgotten when the error quotes our SYN-ACK, and not when it guesses. */
TCP_TEST(icmp_about_a_syn_ack)
{
    rig_listen(rig);
    syn(rig, "mss 1000");
    unreachable(rig, 1);
    unreachable(rig, 12345);
    CHECK_EQ(rig->tcp->half_open_count, 1);
    rig_icmp(rig, rig->ipv6 ? 1 : 3, rig->ipv6 ? 3 : 1, 0, 0); // a soft one: it may get better
    CHECK_EQ(rig->tcp->half_open_count, 1);
    unreachable(rig, 0);
    CHECK_EQ(rig->tcp->half_open_count, 0);
}

/** As Linux does it, by a setting: any error ends what is not open yet. */
TCP_TEST(icmp_ends_what_is_being_opened_where_a_setting_asks_for_it)
{
    SET(rig, tcp_icmp_ends_opening, 1);
    rig_connect(rig);
    expect(rig, "S 0:0(0)");
    rig_icmp(rig, rig->ipv6 ? 1 : 3, rig->ipv6 ? 3 : 1, 0, 0);
    CHECK_STATE(rig, "CLOSED");
    CHECK_EQ(tcp_take_error(rig->c), EHOSTUNREACH);
}

/* ---- TIME-WAIT ----------------------------------------------------------------------------------------- */

/** A connection that we opened from a port of its own and closed first. */
static void closed_first(struct rig *rig, struct binding *binding, const char *stamp)
{
    *binding = (struct binding){.local = {.address = rig->us.address, .port = 4444}};
    REQUIRE(tcp_connect(rig->tcp, binding, &rig->peer, &rig->options, rig, &rig->c) == 0);
    REQUIRE(strncmp(rig_next(rig), "S 0:0", 5) == 0);
    inject(rig, "S. 0:0(0) ack 1 win 65535 <mss 1000%s>", stamp);
    rig_drain(rig);
    tcp_close(rig->c);
    rig->c = NULL;
    rig_drain(rig);
    inject(rig, "F. 1:1(0) ack 2 win 65535 <nop,nop%s>", stamp);
    rig_drain(rig);
    CHECK_EQ(rig->tcp->time_wait_count, 1);
}

/* RFC 6191-1 from the other side: an active open may follow a TIME-WAIT of its own where timestamps tell them apart. */
TCP_TEST(an_active_open_follows_a_time_wait)
{
    struct binding binding;
    SET(rig, tcp_tw_reuse, 1);
    closed_first(rig, &binding, ",ts 1000 0");
    seq_t last = rig->our_isn + 2;
    CHECK_EQ(tcp_connect(rig->tcp, &binding, &rig->peer, &rig->options, rig, &rig->c), -EADDRINUSE); // too soon
    rig_wait(rig, STRATA_SECOND);
    SET(rig, tcp_tw_reuse, 0);
    CHECK_EQ(tcp_connect(rig->tcp, &binding, &rig->peer, &rig->options, rig, &rig->c), -EADDRINUSE);
    SET(rig, tcp_tw_reuse, 2); // over the loopback only
    CHECK_EQ(tcp_connect(rig->tcp, &binding, &rig->peer, &rig->options, rig, &rig->c), -EADDRINUSE);
    SET(rig, tcp_tw_reuse, 1);
    REQUIRE(tcp_connect(rig->tcp, &binding, &rig->peer, &rig->options, rig, &rig->c) == 0);
    CHECK_EQ(rig->tcp->time_wait_count, 0);
    expect(rig, "S 0:0(0)");
    CHECK(seq_gt(rig->our_isn, last + UINT16_MAX)); // RFC 9293 3.6.1
    inject(rig, "S. 0:0(0) ack 1 win 65535 <mss 1000,ts 2000 0>");
    CHECK_STATE(rig, "ESTABLISHED");
    rig_drain(rig);
}

TCP_TEST(without_timestamps_a_time_wait_is_not_followed)
{
    struct binding binding;
    SET(rig, tcp_tw_reuse, 1);
    SET(rig, tcp_timestamps, 0);
    closed_first(rig, &binding, "");
    rig_wait(rig, 10 * STRATA_SECOND);
    CHECK_EQ(tcp_connect(rig->tcp, &binding, &rig->peer, &rig->options, rig, &rig->c), -EADDRINUSE);
    rig->c = NULL;
}

/* RFC 1337-1: an RST does not end TIME-WAIT; by a setting one with exactly the right number does. */
TCP_TEST(resets_in_time_wait)
{
    struct binding binding;
    closed_first(rig, &binding, "");
    inject(rig, "R 2:2(0)");
    inject(rig, "R. 2:2(0) ack 2");
    CHECK_EQ(rig->tcp->time_wait_count, 1);
    SET(rig, tcp_rfc1337, 0);
    inject(rig, "R 1:1(0)");
    inject(rig, "R 3:3(0)");
    CHECK_EQ(rig->tcp->time_wait_count, 1);
    inject(rig, "R 2:2(0)");
    CHECK_EQ(rig->tcp->time_wait_count, 0);
    silence(rig);
}

/* ---- Listeners ----------------------------------------------------------------------------------------- */

TCP_TEST(a_connection_counts_when_data_comes)
{
    rig->options.defer_accept_ns = 10 * STRATA_SECOND;
    rig_listen(rig);
    syn(rig, "mss 1000");
    inject(rig, ". 1:1(0) ack 1 win 65535");
    CHECK(!tcp_listener_readable(rig->listener));
    CHECK_EQ(COUNT(rig, tcp_drop_deferred), 1);
    rig_wait(rig, 9 * STRATA_SECOND);
    silence(rig); // the peer is known to be there
    inject(rig, "P. 1:11(10) ack 1 win 65535");
    REQUIRE(rig_take(rig));
    CHECK_EQ(rig_read(rig, 100), 10);
    rig_drain(rig);
    tcp_abort(rig->c);
    rig->c = NULL;
    rig_drain(rig);
    // Data that never comes: the SYN-ACK asks once more, and its ACK is enough then.
    rig->peer.port++;
    syn(rig, "mss 1000");
    inject(rig, ". 1:1(0) ack 1 win 65535");
    rig_wait(rig, 10 * STRATA_SECOND);
    expect(rig, "S. 0:0(0) ack 1");
    inject(rig, ". 1:1(0) ack 1 win 65535");
    REQUIRE(rig_take(rig));
    CHECK(rig->c->cwnd > 2000); // nothing was lost
}

TCP_TEST(a_full_queue_resets_where_a_setting_asks_for_it)
{
    SET(rig, tcp_abort_on_overflow, 1);
    rig_listen(rig);
    tcp_listener_set_backlog(rig->listener, 1);
    syn(rig, "mss 1000");
    seq_t first = rig->our_isn;
    rig->peer.port++;
    syn(rig, "mss 1000");
    inject(rig, ". 1:1(0) ack 1 win 65535");
    rig->peer.port--;
    rig->our_isn = first;
    inject(rig, ". 1:1(0) ack 1 win 65535");
    expect(rig, "R 1:1(0)");
    CHECK_EQ(rig->tcp->half_open_count, 0);
}

/** A half-open connection does not live for ever, whatever comes: RFC 9293 MUST-23's time and not much more. */
TCP_TEST(half_open_connections_end)
{
    rig_listen(rig);
    inject(rig, "S 0:0(0) win 65535 <mss 1000>");
    for (int i = 0; i < 400 && rig->tcp->half_open_count > 0; i++) {
        rig_wait(rig, STRATA_SECOND);
        rig_drain(rig);
        inject(rig, ". 900000:900000(0) ack 7 win 65535");
        inject(rig, "S 0:0(0) win 65535 <mss 1000>");
        rig_drain(rig);
        if (i == 0)
            CHECK_EQ(rig->tcp->half_open_count, 1);
        if (i > 300)
            CHECK_EQ(rig->tcp->half_open_count, 1); // the SYN begins another one
    }
    rig_wait(rig, 400 * STRATA_SECOND);
    CHECK_EQ(rig->tcp->half_open_count, 0);
    rig_drain(rig);
}

/* ---- Without a program --------------------------------------------------------------------------------- */

TCP_TEST(orphans_are_bounded)
{
    SET(rig, tcp_max_orphans, 1);
    rig_listen(rig);
    for (uint16_t i = 0; i < 2; i++) {
        rig->peer.port = (uint16_t)(5000 + i);
        syn(rig, "mss 1000");
        inject(rig, ". 1:1(0) ack 1 win 65535");
        struct tcp_connection *c = tcp_accept(rig->listener, NULL);
        REQUIRE(c);
        tcp_close(c);
        expect(rig, i == 0 ? "F. 1:1(0) ack 1" : "R. 1:1(0) ack 1");
    }
    CHECK_EQ(COUNT(rig, tcp_orphans_reset), 1);
    CHECK_EQ(rig->tcp->orphan_count, 1);
}

TCP_TEST(orphans_are_given_up_sooner)
{
    SET(rig, tcp_orphan_retries, 3);
    accepted(rig);
    CHECK_EQ(rig_write(rig, 100), 100);
    rig_drain(rig);
    tcp_close(rig->c);
    rig->c = NULL;
    unsigned sent = 0;
    for (int i = 0; i < 60; i++) {
        rig_wait(rig, STRATA_SECOND);
        sent += rig_drain(rig);
    }
    CHECK_EQ(rig->tcp->connection_count, 0);
    CHECK(sent >= 2 && sent <= 6); // those within a second are one here
}

/* ---- Storms and lies ----------------------------------------------------------------------------------- */

/** Ghost ACKs: two of our connections' records answer each other's segments a bounded number of times. */
TCP_TEST(acks_that_answer_acks_end)
{
    accepted(rig);
    unsigned answers = 0;
    for (int i = 0; i < 1000; i++) {
        inject(rig, ". 70000:70000(0) ack 1 win 65535"); // as of one who disagrees about all numbers
        answers += rig_drain(rig);
        inject(rig, ". 1:1(0) ack 70000 win 65535");
        answers += rig_drain(rig);
    }
    CHECK(answers >= 1 && answers <= rig->core.settings.tcp_challenge_acks_per_second);
}

/** A peer that acknowledges what was not received, or in pieces, gets no more than cwnd grows by octets. */
TCP_TEST(optimistic_and_divided_acks)
{
    accepted(rig);
    CHECK_EQ(rig_write(rig, 60000), 60000);
    unsigned first = rig_drain(rig);
    uint32_t cwnd = rig_info(rig).cwnd;
    for (uint32_t ack = 2; ack <= 1001; ack++) // one segment in a thousand ACKs (RFC 5681-3)
        inject(rig, ". 1:1(0) ack %u win 65535", ack);
    CHECK(rig_info(rig).cwnd <= cwnd + 1000);
    inject(rig, ". 1:1(0) ack %u win 65535", 1 + first * 1000 + 1); // what was never sent
    CHECK(rig_info(rig).cwnd <= cwnd + 1000);
    rig_drain(rig);
}

TEST_MAIN(TEST_ENTRY(numbers_that_are_guessed), TEST_ENTRY(a_syn_without_the_timestamps_that_were_agreed),
          TEST_ENTRY(data_with_an_ack_that_is_guessed), TEST_ENTRY(challenges_tell_nothing_of_other_connections),
          TEST_ENTRY(challenges_are_apart), TEST_ENTRY(the_budget_of_resets_cannot_be_counted),
          TEST_ENTRY(a_syn_ack_that_echoes_nothing_of_ours), TEST_ENTRY(forged_icmp), TEST_ENTRY(icmp_about_a_syn_ack),
          TEST_ENTRY(icmp_ends_what_is_being_opened_where_a_setting_asks_for_it),
          TEST_ENTRY(an_active_open_follows_a_time_wait),
          TEST_ENTRY(without_timestamps_a_time_wait_is_not_followed), TEST_ENTRY(resets_in_time_wait),
          TEST_ENTRY(a_connection_counts_when_data_comes), TEST_ENTRY(a_full_queue_resets_where_a_setting_asks_for_it),
          TEST_ENTRY(half_open_connections_end), TEST_ENTRY(orphans_are_bounded),
          TEST_ENTRY(orphans_are_given_up_sooner), TEST_ENTRY(acks_that_answer_acks_end),
          TEST_ENTRY(optimistic_and_divided_acks))
