/**
 * Closing: in order, at once, half, crossing; TIME-WAIT and what follows it (RFC 9293 3.6, 3.10.4; RFC 1337,
 * RFC 6191).
 */
#include "tests/transport/rig.h"

#include <errno.h>

#define MSL_MS 30000

static void accepted(struct rig *rig)
{
    rig_accept(rig, "S 0:0(0) win 65535 <mss 1000>");
}
static void accepted_with_timestamps(struct rig *rig)
{
    rig_accept(rig, "S 0:0(0) win 65535 <mss 1000,nop,nop,ts 100 0>");
}

/** Gives the connection up; it goes on without us. */
static void let_go(struct rig *rig)
{
    tcp_close(rig->c);
    rig->c = NULL;
}

/** Closed by us first: the peer has all and has closed too. */
static void into_time_wait(struct rig *rig)
{
    let_go(rig);
    expect(rig, "F. 1:1(0) ack 1");
    inject(rig, ". 1:1(0) ack 2 win 65535");
    inject(rig, "F. 1:1(0) ack 2 win 65535");
    expect(rig, ". 2:2(0) ack 2");
    CHECK_EQ(rig->tcp->time_wait_count, 1);
    CHECK_EQ(rig->tcp->connection_count, 0);
}

TCP_TEST(we_close_first)
{
    accepted(rig);
    CHECK_EQ(tcp_shutdown(rig->c, STRATA_SHUTDOWN_WRITE), 0);
    CHECK_STATE(rig, "FIN-WAIT-1");
    expect(rig, "F. 1:1(0) ack 1");
    CHECK_EQ(rig_write(rig, 1), -EPIPE);
    inject(rig, ". 1:1(0) ack 2 win 65535");
    CHECK_STATE(rig, "FIN-WAIT-2");
    inject(rig, "P. 1:101(100) ack 2 win 65535"); // half closed: the other half goes on
    CHECK_EQ(rig_read(rig, 1000), 100);
    rig_wait(rig, 40 * MS);
    expect(rig, ". 2:2(0) ack 101");
    inject(rig, "F. 101:101(0) ack 2 win 65535");
    expect(rig, ". 2:2(0) ack 102");
    CHECK_STATE(rig, "TIME-WAIT");
    CHECK_EQ(rig->ready & STRATA_HANGUP, STRATA_HANGUP);
    CHECK_EQ(rig_read(rig, 10), 0); // RFC 9293 MUST-12: a normal end
    CHECK_EQ(tcp_take_error(rig->c), 0);
}

TCP_TEST(the_peer_closes_first)
{
    accepted(rig);
    inject(rig, "FP. 1:101(100) ack 1 win 65535");
    expect(rig, ". 1:1(0) ack 102");
    CHECK_STATE(rig, "CLOSE-WAIT");
    CHECK_EQ(rig->ready, STRATA_READABLE | STRATA_PEER_CLOSED);
    CHECK_EQ(rig_read(rig, 1000), 100);
    CHECK_EQ(rig_read(rig, 1000), 0); // RFC 9293 MUST-12
    CHECK_EQ(rig_write(rig, 50), 50); // half closed: we may go on
    expect(rig, "P. 1:51(50) ack 102");
    tcp_shutdown(rig->c, STRATA_SHUTDOWN_WRITE);
    CHECK_STATE(rig, "LAST-ACK");
    expect(rig, "F. 51:51(0) ack 102");
    inject(rig, ". 102:102(0) ack 52 win 65535");
    CHECK_STATE(rig, "CLOSED");
    CHECK_EQ(tcp_take_error(rig->c), 0);
    CHECK_EQ(rig->tcp->time_wait_count, 0);
}

/* RFC 9293-9: FINs that cross, over CLOSING. */
TCP_TEST(both_close_at_once)
{
    accepted(rig);
    tcp_shutdown(rig->c, STRATA_SHUTDOWN_WRITE);
    expect(rig, "F. 1:1(0) ack 1");
    inject(rig, "F. 1:1(0) ack 1 win 65535");
    CHECK_STATE(rig, "CLOSING");
    expect(rig, ". 2:2(0) ack 2");
    inject(rig, ". 2:2(0) ack 2 win 65535");
    CHECK_STATE(rig, "TIME-WAIT");
    CHECK_EQ(rig->tcp->time_wait_count, 1);
    silence(rig);
}

/* RFC 9293-9: where ACKs carry our FIN again, the answer to a FIN that has come before does not: two that did would
 * answer each other for ever, and neither would take the other's ACK. */
TCP_TEST(fins_do_not_answer_each_other)
{
    SET(rig, tcp_fin_with_acks, 1);
    accepted(rig);
    tcp_shutdown(rig->c, STRATA_SHUTDOWN_WRITE);
    expect(rig, "F. 1:1(0) ack 1");
    inject(rig, "F. 1:1(0) ack 1 win 65535");
    expect(rig, "F. 1:1(0) ack 2");
    inject(rig, "F. 1:1(0) ack 2 win 65535");
    expect(rig, ". 2:2(0) ack 2");
    silence(rig);
    inject(rig, ". 2:2(0) ack 2 win 65535");
    silence(rig);
    CHECK_STATE(rig, "TIME-WAIT");
}

/* Nor does the answer to a FIN that is ahead of its turn, for that is how the peer would answer it. */
TCP_TEST(fins_ahead_do_not_answer_each_other)
{
    SET(rig, tcp_fin_with_acks, 1);
    accepted(rig);
    tcp_shutdown(rig->c, STRATA_SHUTDOWN_WRITE);
    expect(rig, "F. 1:1(0) ack 1");
    for (int i = 0; i < 3; i++) {
        inject(rig, "F. 101:101(0) ack 1 win 65535");
        expect(rig, ". 2:2(0) ack 1");
        silence(rig);
    }
    inject(rig, ". 1:51(50) ack 1 win 65535");
    expect(rig, "F. 1:1(0) ack 51"); // this moves on
    inject(rig, ". 51:101(50) ack 2 win 65535");
    expect(rig, ". 2:2(0) ack 102");
    CHECK_STATE(rig, "TIME-WAIT");
}

TCP_TEST(a_fin_that_acknowledges_ours)
{
    accepted(rig);
    tcp_shutdown(rig->c, STRATA_SHUTDOWN_WRITE);
    expect(rig, "F. 1:1(0) ack 1");
    inject(rig, "F. 1:1(0) ack 2 win 65535");
    expect(rig, ". 2:2(0) ack 2");
    CHECK_STATE(rig, "TIME-WAIT");
}

TCP_TEST(what_was_written_goes_before_the_fin)
{
    accepted(rig);
    rig_write(rig, 2500);
    let_go(rig);
    expect(rig, ". 1:1001(1000) ack 1");
    expect(rig, ". 1001:2001(1000) ack 1");
    expect(rig, "FP. 2001:2501(500) ack 1");
    silence(rig);
    inject(rig, ". 1:1(0) ack 2502 win 65535");
    inject(rig, "F. 1:1(0) ack 2502 win 65535");
    expect(rig, ". 2502:2502(0) ack 2");
}

TCP_TEST(a_lost_fin_is_sent_again)
{
    accepted(rig);
    let_go(rig);
    expect(rig, "F. 1:1(0) ack 1");
    rig_wait(rig, STRATA_SECOND);
    expect(rig, "F. 1:1(0) ack 1");
    inject(rig, ". 1:1(0) ack 2 win 65535");
    silence(rig);
}

/* RFC 9293 MUST-12: an RST is an error to the program, and not the end of the stream. */
TCP_TEST(a_reset_is_told)
{
    accepted(rig);
    inject(rig, "P. 1:101(100) ack 1 win 65535");
    inject(rig, "R 101:101(0)");
    CHECK_STATE(rig, "CLOSED");
    CHECK_EQ(rig->ready & (STRATA_ERROR | STRATA_HANGUP), STRATA_ERROR | STRATA_HANGUP);
    CHECK_EQ(rig_read(rig, 1000), 100); // acknowledged data is not taken back
    CHECK_EQ(rig_read(rig, 1000), -ECONNRESET);
    CHECK_EQ(tcp_take_error(rig->c), ECONNRESET);
    CHECK_EQ(rig_write(rig, 1), -ECONNRESET);
    silence(rig);
}

/* The octet that probes a closed window lies outside of it: an RST behind that would not count (RFC 5961-1). */
TCP_TEST(an_abort_while_the_window_is_closed)
{
    accepted(rig);
    inject(rig, ". 1:1(0) ack 1 win 0");
    rig_write(rig, 20);
    silence(rig);
    rig_wait(rig, STRATA_SECOND);
    expect(rig, ". 1:2(1) ack 1");
    tcp_abort(rig->c);
    rig->c = NULL;
    expect(rig, "R. 1:1(0) ack 1");
}

TCP_TEST(an_abort_resets)
{
    accepted(rig);
    rig_write(rig, 10);
    expect(rig, "P. 1:11(10) ack 1");
    tcp_abort(rig->c);
    rig->c = NULL;
    expect(rig, "R. 11:11(0) ack 1");
    silence(rig);
    CHECK_EQ(rig->tcp->connection_count, 0);
}

/* RFC 9293 MAY-1: after a close nothing is read. RFC 9293 SHLD-3: data that nobody will read is answered with
 * RST, at the close ... */
TCP_TEST(a_close_with_unread_data_resets)
{
    accepted(rig);
    inject(rig, "P. 1:101(100) ack 1 win 65535");
    let_go(rig);
    expect(rig, "R. 1:1(0) ack 101");
    silence(rig);
}

/* ... and after it. */
TCP_TEST(data_after_a_close_resets)
{
    accepted(rig);
    let_go(rig);
    expect(rig, "F. 1:1(0) ack 1");
    inject(rig, ". 1:1(0) ack 2 win 65535");
    inject(rig, "P. 1:101(100) ack 2 win 65535"); // RFC 9293 SHLD-3
    expect(rig, "R. 2:2(0) ack 1");
    CHECK_EQ(COUNT(rig, tcp_drop_after_close), 1);
    CHECK_EQ(rig->tcp->connection_count, 0);
}

TCP_TEST(a_program_that_reads_no_more_is_not_in_the_way)
{
    accepted(rig);
    tcp_shutdown(rig->c, STRATA_SHUTDOWN_READ);
    inject(rig, "P. 1:1001(1000) ack 1 win 65535");
    inject(rig, "P. 1001:2001(1000) ack 1 win 65535");
    expect(rig, ". 1:1(0) ack 2001 win 65535");
    CHECK_EQ(rig_read(rig, 100), 0);
}

TCP_TEST(a_close_while_opening_forgets_it)
{
    rig_connect(rig);
    expect(rig, "S 0:0(0)");
    let_go(rig);
    CHECK_EQ(rig->tcp->connection_count, 0);
    inject(rig, "S. 0:0(0) ack 1 win 65535");
    expect(rig, "R 1:1(0)");
}

TCP_TEST(a_close_while_syns_cross_waits_for_the_opening)
{
    rig_connect(rig);
    expect(rig, "S 0:0(0)");
    inject(rig, "S 0:0(0) win 65535");
    expect(rig, "S. 0:0(0) ack 1");
    let_go(rig);
    silence(rig);
    inject(rig, ". 1:1(0) ack 1 win 65535");
    expect(rig, "F. 1:1(0) ack 1");
}

TCP_TEST(linger_of_zero_resets)
{
    rig->options.linger_ns = 0;
    accepted(rig);
    let_go(rig);
    expect(rig, "R. 1:1(0) ack 1");
}

TCP_TEST(linger_ends)
{
    rig->options.linger_ns = 5 * STRATA_SECOND;
    accepted(rig);
    rig_write(rig, 10);
    let_go(rig);
    expect(rig, "FP. 1:11(10) ack 1");
    rig_wait(rig, 5 * STRATA_SECOND);
    while (strncmp(rig_next(rig), "FP.", 3) == 0)
        continue; // sent again meanwhile
    CHECK_STR(rig->line, "R. 12:12(0) ack 1 win 0 <>");
    CHECK_EQ(rig->tcp->connection_count, 0);
}

TCP_TEST(fin_wait_2_without_a_program_ends)
{
    accepted(rig);
    let_go(rig);
    expect(rig, "F. 1:1(0) ack 1");
    inject(rig, ". 1:1(0) ack 2 win 65535");
    rig_wait(rig, 59 * STRATA_SECOND);
    CHECK_EQ(rig->tcp->connection_count, 1);
    rig_wait(rig, STRATA_SECOND);
    CHECK_EQ(rig->tcp->connection_count, 0);
    silence(rig);
}

/* ---- TIME-WAIT ----------------------------------------------------------------------------------------- */

/* RFC 9293 MUST-13: two maximum segment lifetimes. */
TCP_TEST(time_wait_lasts_two_lifetimes)
{
    accepted(rig);
    into_time_wait(rig);
    rig_wait(rig, (2 * MSL_MS - 1) * MS);
    CHECK_EQ(rig->tcp->time_wait_count, 1);
    CHECK(tcp_tuple_in_use(rig->tcp, &rig->us, &rig->peer));
    rig_wait(rig, 2 * MS);
    CHECK_EQ(rig->tcp->time_wait_count, 0);
    CHECK(!tcp_tuple_in_use(rig->tcp, &rig->us, &rig->peer));
}

/* RFC 9293-8: the peer's FIN again: our ACK was lost. It is acknowledged, and the wait begins anew. */
TCP_TEST(a_fin_in_time_wait_is_acknowledged)
{
    accepted(rig);
    into_time_wait(rig);
    rig_wait(rig, 50 * STRATA_SECOND);
    inject(rig, "F. 1:1(0) ack 2 win 65535");
    expect(rig, ". 2:2(0) ack 2");
    rig_wait(rig, 50 * STRATA_SECOND);
    CHECK_EQ(rig->tcp->time_wait_count, 1);
    rig_wait(rig, 11 * STRATA_SECOND);
    CHECK_EQ(rig->tcp->time_wait_count, 0);
}

/* RFC 1337-1: no RST ends TIME-WAIT. */
TCP_TEST(a_reset_in_time_wait_is_ignored)
{
    accepted(rig);
    into_time_wait(rig);
    inject(rig, "R 2:2(0)");
    silence(rig);
    CHECK_EQ(rig->tcp->time_wait_count, 1);
}

TCP_TEST(old_segments_in_time_wait_are_answered)
{
    accepted(rig);
    into_time_wait(rig);
    inject(rig, "P. 1:101(100) ack 2 win 65535");
    expect(rig, ". 2:2(0) ack 2");
    inject(rig, ". 2:2(0) ack 2 win 65535"); // where it should be
    silence(rig);
}

/** A SYN for a four-tuple in TIME-WAIT; whether it is taken. */
static bool syn_is_taken(struct rig *rig, const char *syn)
{
    seq_t old_end = rig->our_isn + 2;
    inject(rig, "%s", syn);
    if (strncmp(rig_next(rig), "S.", 2) != 0)
        return false;
    CHECK(seq_gt(rig->our_isn, old_end)); // RFC 9293 MAY-2: our numbers go on behind the old ones
    return true;
}

/* RFC 6191-1, RFC 9293 SHLD-4: a greater timestamp, or the same with a greater sequence number. */
TCP_TEST(a_greater_timestamp_opens_again)
{
    accepted_with_timestamps(rig);
    let_go(rig);
    expect(rig, "F. 1:1(0) ack 1");
    inject(rig, "F. 1:1(0) ack 2 win 65535 <nop,nop,ts 200 0>");
    expect(rig, ". 2:2(0) ack 2 <ts * 200>");
    CHECK(!syn_is_taken(rig, "S 90:90(0) win 65535 <nop,nop,ts 199 0>"));
    CHECK(!syn_is_taken(rig, "S 1:1(0) win 65535 <nop,nop,ts 200 0>"));
    CHECK_EQ(rig->tcp->time_wait_count, 1);
    // RFC 9293 SHLD-4: a smaller sequence number does not matter then.
    rig->peer_isn -= 50000;
    CHECK(syn_is_taken(rig, "S 0:0(0) win 65535 <nop,nop,ts 201 0>"));
    CHECK_EQ(rig->tcp->half_open_count, 1);
}

TCP_TEST(the_same_timestamp_with_a_greater_number_opens_again)
{
    accepted_with_timestamps(rig);
    let_go(rig);
    expect(rig, "F. 1:1(0) ack 1");
    inject(rig, "F. 1:1(0) ack 2 win 65535 <nop,nop,ts 200 0>");
    expect(rig, ". 2:2(0) ack 2 <ts * 200>");
    CHECK(syn_is_taken(rig, "S 90:90(0) win 65535 <nop,nop,ts 200 0>")); // RFC 6191-1
}

/* RFC 6191-2: timestamps before and not now: by sequence number. */
TCP_TEST(no_timestamps_any_more)
{
    accepted_with_timestamps(rig);
    let_go(rig);
    expect(rig, "F. 1:1(0) ack 1");
    inject(rig, "F. 1:1(0) ack 2 win 65535 <nop,nop,ts 200 0>");
    expect(rig, ". 2:2(0) ack 2 <ts * 200>");
    rig->peer_isn -= 5000;
    CHECK(!syn_is_taken(rig, "S 0:0(0) win 65535"));
    silence(rig); // RFC 6191-3: dropped in silence
    rig->peer_isn += 9000;
    CHECK(syn_is_taken(rig, "S 0:0(0) win 65535"));
}

/* RFC 6191-3: only the new one has timestamps: taken. Neither has: by sequence number. */
TCP_TEST(timestamps_only_now)
{
    accepted(rig);
    into_time_wait(rig);
    rig->peer_isn -= 5000;
    CHECK(!syn_is_taken(rig, "S 0:0(0) win 65535"));
    CHECK(syn_is_taken(rig, "S 0:0(0) win 65535 <nop,nop,ts 1 0>"));
}

/* RFC 9293 MAY-2: when the SYN turns out to be an old duplicate, TIME-WAIT is back. */
TCP_TEST(time_wait_comes_back)
{
    accepted(rig);
    into_time_wait(rig);
    CHECK(syn_is_taken(rig, "S 5000:5000(0) win 65535"));
    CHECK_EQ(rig->tcp->half_open_count, 1);
    rig_wait(rig, 10 * STRATA_SECOND);
    rig_drain(rig);
    inject(rig, "R 5001:5001(0)"); // "I did not say that"
    CHECK_EQ(rig->tcp->half_open_count, 0);
    CHECK_EQ(rig->tcp->time_wait_count, 1);
    inject(rig, "R 2:2(0)");
    CHECK_EQ(rig->tcp->time_wait_count, 1);
    rig_wait(rig, 51 * STRATA_SECOND);
    CHECK_EQ(rig->tcp->time_wait_count, 0);
}

TCP_TEST(the_successor_of_a_time_wait_lives)
{
    accepted(rig);
    into_time_wait(rig);
    CHECK(syn_is_taken(rig, "S 5000:5000(0) win 65535"));
    inject(rig, ". 5001:5001(0) ack 1 win 65535");
    CHECK(tcp_listener_readable(rig->listener));
    CHECK_EQ(rig->tcp->time_wait_count, 0);
    rig_wait(rig, 100 * STRATA_SECOND);
    CHECK_EQ(rig->tcp->connection_count, 1);
}

TCP_TEST(time_wait_is_bounded)
{
    SET(rig, tcp_time_wait, 2);
    rig_listen(rig);
    for (int i = 0; i < 5; i++) {
        rig->peer.port = (uint16_t)(5000 + i);
        inject(rig, "S 0:0(0) win 65535");
        expect(rig, "S. 0:0(0) ack 1");
        inject(rig, ". 1:1(0) ack 1 win 65535");
        rig->c = tcp_accept(rig->listener, rig);
        let_go(rig);
        expect(rig, "F. 1:1(0) ack 1");
        inject(rig, "F. 1:1(0) ack 2 win 65535");
        expect(rig, ". 2:2(0) ack 2");
    }
    CHECK_EQ(rig->tcp->time_wait_count, 2);
}

/* The eleven states and the ways between them (RFC 9293 3.3.2). */
TEST(states_have_names)
{
    CHECK_STR(strata_tcp_state_name(STRATA_TCP_FIN_WAIT_1), "FIN-WAIT-1");
    CHECK_STR(strata_tcp_state_name((enum strata_tcp_state)99), "?");
}

TEST_MAIN(TEST_ENTRY(we_close_first), TEST_ENTRY(the_peer_closes_first), TEST_ENTRY(both_close_at_once),
          TEST_ENTRY(fins_do_not_answer_each_other),
          TEST_ENTRY(fins_ahead_do_not_answer_each_other), TEST_ENTRY(a_fin_that_acknowledges_ours),
          TEST_ENTRY(what_was_written_goes_before_the_fin),
          TEST_ENTRY(a_lost_fin_is_sent_again), TEST_ENTRY(a_reset_is_told), TEST_ENTRY(an_abort_resets),
          TEST_ENTRY(an_abort_while_the_window_is_closed),
          TEST_ENTRY(a_close_with_unread_data_resets), TEST_ENTRY(data_after_a_close_resets),
          TEST_ENTRY(a_program_that_reads_no_more_is_not_in_the_way), TEST_ENTRY(a_close_while_opening_forgets_it),
          TEST_ENTRY(a_close_while_syns_cross_waits_for_the_opening), TEST_ENTRY(linger_of_zero_resets),
          TEST_ENTRY(linger_ends), TEST_ENTRY(fin_wait_2_without_a_program_ends),
          TEST_ENTRY(time_wait_lasts_two_lifetimes), TEST_ENTRY(a_fin_in_time_wait_is_acknowledged),
          TEST_ENTRY(a_reset_in_time_wait_is_ignored), TEST_ENTRY(old_segments_in_time_wait_are_answered),
          TEST_ENTRY(a_greater_timestamp_opens_again),
          TEST_ENTRY(the_same_timestamp_with_a_greater_number_opens_again), TEST_ENTRY(no_timestamps_any_more),
          TEST_ENTRY(timestamps_only_now), TEST_ENTRY(time_wait_comes_back),
          TEST_ENTRY(the_successor_of_a_time_wait_lives), TEST_ENTRY(time_wait_is_bounded),
          TEST_ENTRY(states_have_names))
