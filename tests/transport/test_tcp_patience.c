/**
 * The user timeout option (RFC 5482), and what a server may do about peers that are slow on purpose.
 */
#include "tests/transport/rig.h"
#include "transport/tcp/patience.h"

#include <errno.h>

#define MINUTES 0x8000u

/* ---- The user timeout option --------------------------------------------------------------------------- */

/* RFC 5482-1: 15 bits of seconds, or of minutes with the first bit. */
TEST(how_the_option_tells_a_time)
{
    static const struct {
        strata_time seconds;
        unsigned option;
    } rows[] = {{1, 1}, {100, 100}, {32767, 32767}, {32768, MINUTES | 547}, {86400, MINUTES | 1440},
                {32767 * 60, MINUTES | 32767}, {32768 * 60, MINUTES | 32767}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_EQ(user_timeout_encode(rows[i].seconds * STRATA_SECOND), rows[i].option);
    CHECK_EQ(user_timeout_encode(STRATA_SECOND / 2), 1);
    CHECK_EQ(user_timeout_decode(1), STRATA_SECOND);
    CHECK_EQ(user_timeout_decode(32767), 32767 * STRATA_SECOND);
    CHECK_EQ(user_timeout_decode(MINUTES | 2), 120 * STRATA_SECOND);
    CHECK_EQ(user_timeout_decode(MINUTES), 0);
}

/** What the connection goes by. */
static strata_time timeout_of(struct rig *rig)
{
    return rig->c->tuning->user_timeout_ns / STRATA_SECOND;
}

/* RFC 5482-1: kind 28 in the SYN and once more behind it; and nobody who did not ask for it tells or hears anything. */
TCP_TEST(both_sides_tell_theirs)
{
    rig->options.advertised_timeout_ns = 200 * STRATA_SECOND;
    SET(rig, tcp_timestamps, 0);
    rig_connect(rig);
    expect(rig, "S 0:0(0) <mss *,sackok,ws *,uto 200>");
    inject(rig, "S. 0:0(0) ack 1 win 65535 <mss 1000,uto 300>");
    expect(rig, ". 1:1(0) ack 1 <uto 200>");
    CHECK_EQ(timeout_of(rig), 300);
    CHECK_EQ(rig_write(rig, 10), 10);
    expect(rig, "P. 1:11(10) ack 1 <>"); // told
    inject(rig, "P. 1:11(10) ack 11 win 65535 <uto 500>"); // with data, in order
    CHECK_EQ(timeout_of(rig), 500);
    inject(rig, "P. 11:21(10) ack 11 win 65535 <uto 0>"); // RFC 5482-1: nothing
    inject(rig, "P. 21:31(10) ack 11 win 65535 <uto 32768>");
    CHECK_EQ(timeout_of(rig), 500);
    rig_drain(rig);
    rig->options.advertised_timeout_ns = 900 * STRATA_SECOND; // changed: told again
    tcp_set_options(rig->c, &rig->options);
    expect(rig, ". 11:11(0) ack 31 <uto 900>");
    CHECK_EQ(timeout_of(rig), 900);
}

TCP_TEST(nothing_is_told_or_heard_unasked)
{
    rig_connected(rig, "S. 0:0(0) ack 1 win 65535 <mss 1000,uto 300>");
    CHECK_EQ(timeout_of(rig), 0);
    inject(rig, "P. 1:11(10) ack 1 win 65535 <uto 500>");
    CHECK_EQ(timeout_of(rig), 0);
    CHECK(rig->c->extra == NULL);
}

TCP_TEST(a_listener_tells_it_too)
{
    rig->options.advertised_timeout_ns = 7200 * STRATA_SECOND;
    rig_listen(rig);
    inject(rig, "S 0:0(0) win 65535 <mss 1000,uto 300>");
    expect(rig, "S. 0:0(0) ack 1 <mss *,uto 7200>");
    inject(rig, ". 1:1(0) ack 1 win 65535 <uto %u>", MINUTES | 180);
    REQUIRE(rig_take(rig));
    CHECK_EQ(timeout_of(rig), 180 * 60);
    CHECK_EQ(rig_write(rig, 3000), 3000);
    expect(rig, ". 1:1001(1000) ack 1 <>"); // full: no room for it
    expect(rig, ". 1001:2001(1000) ack 1 <>");
    expect(rig, "P. 2001:3001(1000) ack 1 <>");
    inject(rig, ". 1:1(0) ack 3001 win 65535");
    CHECK_EQ(rig_write(rig, 10), 10);
    expect(rig, "P. 3001:3011(10) ack 1 <uto 7200>");
}

/* RFC 5482-2: min(U_LIMIT, max(ADV_UTO, REMOTE_UTO, L_LIMIT)); RFC 5482-3: with both limits. */
TCP_TEST(the_larger_wish_within_the_limits)
{
    CHECK_EQ(user_timeout_agreed(rig->tcp, 10 * STRATA_SECOND, 20 * STRATA_SECOND), 100 * STRATA_SECOND);
    CHECK_EQ(user_timeout_agreed(rig->tcp, 150 * STRATA_SECOND, 0), 150 * STRATA_SECOND);
    CHECK_EQ(user_timeout_agreed(rig->tcp, 150 * STRATA_SECOND, 400 * STRATA_SECOND), 400 * STRATA_SECOND);
    CHECK_EQ(user_timeout_agreed(rig->tcp, 150 * STRATA_SECOND, 86401 * STRATA_SECOND), 86400 * STRATA_SECOND);
    SET(rig, tcp_user_timeout_most_s, 300);
    SET(rig, tcp_user_timeout_least_s, 200);
    CHECK_EQ(user_timeout_agreed(rig->tcp, 150 * STRATA_SECOND, 400 * STRATA_SECOND), 300 * STRATA_SECOND);
    CHECK_EQ(user_timeout_agreed(rig->tcp, 150 * STRATA_SECOND, 0), 200 * STRATA_SECOND);
}

/* RFC 5482-2: what the program has fixed the peer does not change. */
TCP_TEST(a_program_that_has_chosen)
{
    rig->options.advertised_timeout_ns = 200 * STRATA_SECOND;
    rig->options.user_timeout_ns = 50 * STRATA_SECOND;
    rig_connect(rig);
    rig_drain(rig);
    inject(rig, "S. 0:0(0) ack 1 win 65535 <mss 1000,uto 300>");
    rig_drain(rig);
    CHECK_EQ(timeout_of(rig), 50);
    rig->options.user_timeout_ns = 0; // and leaves it to the peer again
    tcp_set_options(rig->c, &rig->options);
    CHECK_EQ(timeout_of(rig), 300);
}

/** It is what it says: longer than the retransmissions would last by themselves, and then over. */
TCP_TEST(the_agreed_time_is_waited)
{
    rig->options.advertised_timeout_ns = 200 * STRATA_SECOND;
    rig_connect(rig);
    rig_drain(rig);
    inject(rig, "S. 0:0(0) ack 1 win 65535 <mss 1000,uto 5000>");
    rig_drain(rig);
    CHECK_EQ(rig_write(rig, 10), 10);
    rig_drain(rig);
    for (int i = 0; i < 499; i++) {
        rig_wait(rig, 10 * STRATA_SECOND);
        rig_drain(rig);
    }
    CHECK_STATE(rig, "ESTABLISHED");
    rig_wait(rig, 10 * STRATA_SECOND);
    CHECK_STATE(rig, "CLOSED");
    CHECK_EQ(tcp_take_error(rig->c), ETIMEDOUT);
}

/* ---- Slow peers ---------------------------------------------------------------------------------------- */

static void opened(struct rig *rig)
{
    rig->options.keep_alive = true;
    rig_accept(rig, "S 0:0(0) win 65535 <mss 1000>");
}

/** The peer sends an octet now and then: often enough for one limit, not for the other. */
TCP_TEST(a_peer_that_sends_an_octet_at_a_time)
{
    rig->options.receive_stall_ns = 20 * STRATA_SECOND;
    opened(rig);
    for (unsigned i = 0; i < 20; i++) {
        rig_wait(rig, 15 * STRATA_SECOND);
        inject(rig, "P. %u:%u(1) ack 1 win 65535", 1 + i, 2 + i);
        rig_drain(rig);
        CHECK_EQ(rig_read(rig, 10), 1);
        CHECK_STATE(rig, "ESTABLISHED");
    }
    rig->options.receive_rate = 100; // an octet in 15 s is less than 100 a second
    tcp_set_options(rig->c, &rig->options);
    rig_wait(rig, 9 * STRATA_SECOND);
    CHECK_STATE(rig, "ESTABLISHED");
    inject(rig, "P. 21:22(1) ack 1 win 65535");
    rig_drain(rig);
    rig_wait(rig, STRATA_SECOND);
    expect(rig, "R. 1:1(0) ack 22");
    CHECK_STATE(rig, "CLOSED");
    CHECK_EQ(rig_read(rig, 10), 1);
    CHECK_EQ(rig_read(rig, 10), -ETIMEDOUT);
    CHECK_EQ(COUNT(rig, tcp_slow_senders), 1);
}

TCP_TEST(a_peer_that_sends_nothing)
{
    rig->options.receive_stall_ns = 20 * STRATA_SECOND;
    opened(rig);
    for (int i = 0; i < 19; i++) {
        rig_wait(rig, STRATA_SECOND);
        inject(rig, ". 1:1(0) ack 1 win 65535"); // to be there is not enough
    }
    CHECK_STATE(rig, "ESTABLISHED");
    rig_wait(rig, 6 * STRATA_SECOND);
    CHECK_STATE(rig, "CLOSED");
    CHECK_EQ(COUNT(rig, tcp_slow_senders), 1);
    rig_drain(rig);
}

TCP_TEST(a_program_that_does_not_read_is_no_slow_peer)
{
    rig->options.receive_stall_ns = 20 * STRATA_SECOND;
    rig->options.receive_rate = 1000;
    rig->options.receive_bytes = 4000;
    rig->options.receive_fixed = true;
    opened(rig);
    for (unsigned i = 0; i < 4; i++)
        inject(rig, "P. %u:%u(1000) ack 1 win 65535", 1 + 1000 * i, 1001 + 1000 * i);
    rig_drain(rig);
    rig_wait(rig, 100 * STRATA_SECOND);
    CHECK_STATE(rig, "ESTABLISHED");
    CHECK_EQ(rig_read(rig, 10000), 4000); // from now on it is
    rig_drain(rig);
    rig_wait(rig, 21 * STRATA_SECOND);
    CHECK_STATE(rig, "CLOSED");
    rig_drain(rig);
}

/** RFC 6429: probes that are answered say that the peer is there, not that it means well. */
TCP_TEST(a_peer_that_does_not_read)
{
    rig->options.send_stall_ns = 60 * STRATA_SECOND;
    opened(rig);
    rig_wait(rig, 1000 * STRATA_SECOND); // nothing to take: nothing to blame
    CHECK_STATE(rig, "ESTABLISHED");
    CHECK_EQ(rig_write(rig, 5000), 5000);
    rig_drain(rig);
    inject(rig, ". 1:1(0) ack 2001 win 0");
    strata_time began = rig->core.now;
    while (rig_state(rig) == STRATA_TCP_ESTABLISHED && rig->core.now - began < 200 * STRATA_SECOND) {
        rig_wait(rig, STRATA_SECOND);
        if (rig_state(rig) == STRATA_TCP_ESTABLISHED && rig_drain(rig) > 0)
            inject(rig, ". 1:1(0) ack 2001 win 0");
    }
    CHECK(rig->core.now - began >= 60 * STRATA_SECOND && rig->core.now - began <= 76 * STRATA_SECOND);
    CHECK_EQ(tcp_take_error(rig->c), ETIMEDOUT);
    CHECK_EQ(COUNT(rig, tcp_slow_readers), 1);
    rig_drain(rig);
}

TCP_TEST(a_peer_that_reads_an_octet_at_a_time)
{
    rig->options.send_stall_ns = 60 * STRATA_SECOND;
    opened(rig);
    CHECK_EQ(rig_write(rig, 5000), 5000);
    rig_drain(rig);
    for (unsigned i = 0; i < 30; i++) {
        inject(rig, ". 1:1(0) ack %u win 0", 101 + i);
        rig_wait(rig, 10 * STRATA_SECOND);
        rig_drain(rig);
    }
    CHECK_STATE(rig, "ESTABLISHED");
    rig->options.send_rate = 10;
    tcp_set_options(rig->c, &rig->options);
    rig_wait(rig, 5 * STRATA_SECOND);
    rig_drain(rig);
    inject(rig, ". 1:1(0) ack 140 win 0");
    rig_wait(rig, 5 * STRATA_SECOND);
    CHECK_STATE(rig, "CLOSED");
    CHECK_EQ(COUNT(rig, tcp_slow_readers), 1);
    rig_drain(rig);
}

/** Who takes all there is at the end of a period is not slow, however little that was. */
TCP_TEST(little_to_take_is_no_fault)
{
    rig->options.send_rate = 1000;
    rig->options.send_stall_ns = 8 * STRATA_SECOND;
    opened(rig);
    for (unsigned i = 0; i < 30; i++) {
        CHECK_EQ(rig_write(rig, 1), 1);
        rig_drain(rig);
        rig_wait(rig, STRATA_SECOND);
        inject(rig, ". 1:1(0) ack %u win 65535", 2 + i);
    }
    CHECK_STATE(rig, "ESTABLISHED");
}

/** The limits go on when the program has closed and the rest of what it wrote is on its way. */
TCP_TEST(an_orphan_has_limits_too)
{
    rig->options.send_stall_ns = 30 * STRATA_SECOND;
    opened(rig);
    CHECK_EQ(rig_write(rig, 5000), 5000);
    rig_drain(rig);
    tcp_close(rig->c);
    rig->c = NULL;
    for (int i = 0; i < 40 && rig->tcp->connection_count > 0; i++) {
        inject(rig, ". 1:1(0) ack 1001 win 0");
        rig_wait(rig, STRATA_SECOND);
        rig_drain(rig);
    }
    CHECK_EQ(rig->tcp->connection_count, 0);
}

static void pass(struct rig *rig, unsigned tenths)
{
    for (unsigned i = 0; i < tenths; i++) {
        rig_drain(rig);
        rig_wait(rig, 100 * MS);
    }
}

/* A queue of our own that takes nothing says nothing of the peer: what waits is tried again each half second, without
 * back-off or end, unless the program has set one. */
TCP_TEST(a_full_queue_of_our_own)
{
    for (int bounded = 0; bounded < 2; bounded++) {
        struct rig *own = rig_new(rig->ipv6, 1500, 0);
        own->options.user_timeout_ns = bounded ? 3 * STRATA_SECOND : 0;
        rig_connected(own, "S. 0:0(0) ack 1 win 65535 <mss 1000>");
        port_set_full(links_port(net_links(own->net), own->port), true);
        rig_write(own, 24);
        pass(own, 30);
        CHECK_EQ(rig_info(own).probes, 6); // one each half second
        CHECK_EQ(rig_info(own).backoff, 0);
        CHECK_EQ(rig_info(own).segments_retransmitted, 0);
        pass(own, 600);
        CHECK_EQ(rig_state(own), bounded ? STRATA_TCP_CLOSED : STRATA_TCP_ESTABLISHED);
        if (bounded) {
            CHECK_EQ(tcp_take_error(own->c), ETIMEDOUT);
        } else {
            port_set_full(links_port(net_links(own->net), own->port), false);
            rig_wait(own, 500 * MS);
            expect(own, "P. 1:25(24) ack 1");
        }
        rig_free(own);
    }
}

TCP_TEST(a_host_may_have_limits_for_all)
{
    struct tcp_socket_options options;
    SET(rig, tcp_send_stall_ms, 4000);
    SET(rig, tcp_receive_stall_ms, 5000);
    SET(rig, tcp_send_rate, 6000);
    SET(rig, tcp_receive_rate, 7000);
    tcp_default_options(rig->tcp, &options);
    CHECK_EQ(options.send_stall_ns, 4 * STRATA_SECOND);
    CHECK_EQ(options.receive_stall_ns, 5 * STRATA_SECOND);
    CHECK_EQ(options.send_rate, 6000);
    CHECK_EQ(options.receive_rate, 7000);
}

TEST_MAIN(TEST_ENTRY(a_host_may_have_limits_for_all),
          TEST_ENTRY(how_the_option_tells_a_time), TEST_ENTRY(both_sides_tell_theirs),
          TEST_ENTRY(nothing_is_told_or_heard_unasked), TEST_ENTRY(a_listener_tells_it_too),
          TEST_ENTRY(the_larger_wish_within_the_limits), TEST_ENTRY(a_program_that_has_chosen),
          TEST_ENTRY(the_agreed_time_is_waited), TEST_ENTRY(a_peer_that_sends_an_octet_at_a_time),
          TEST_ENTRY(a_peer_that_sends_nothing), TEST_ENTRY(a_program_that_does_not_read_is_no_slow_peer),
          TEST_ENTRY(a_peer_that_does_not_read), TEST_ENTRY(a_peer_that_reads_an_octet_at_a_time),
          TEST_ENTRY(little_to_take_is_no_fault), TEST_ENTRY(an_orphan_has_limits_too),
          TEST_ENTRY(a_full_queue_of_our_own))
