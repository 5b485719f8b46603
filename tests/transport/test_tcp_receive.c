/**
 * Receiving: in order and out of it, acknowledging, the window we offer (RFC 9293 3.8.6, RFC 5681 4.2).
 */
#include "tests/transport/rig.h"

#include <errno.h>

static void accepted(struct rig *rig)
{
    rig_accept(rig, "S 0:0(0) win 65535 <mss 1000>");
}

/* RFC 9293 SHLD-18, MUST-40: the ACK waits a little, and never half a second. */
TCP_TEST(acks_wait)
{
    accepted(rig);
    inject(rig, "P. 1:101(100) ack 1 win 65535");
    rig_wait(rig, 39 * MS);
    silence(rig);
    rig_wait(rig, MS);
    expect(rig, ". 1:1(0) ack 101");
    silence(rig);
    CHECK(rig->core.settings.tcp_delayed_ack_ms < 500);
    int64_t least, most, initial;
    const char *name = "strata.tcp_delayed_ack_ms", *meaning;
    for (unsigned i = 0; (meaning = settings_name(i, &least, &most, &initial, &meaning)); i++)
        if (strcmp(meaning, name) == 0)
            CHECK(most < 500); // RFC 9293 MUST-40: no setting makes it more
}

/* RFC 9293 SHLD-19: every second full segment is acknowledged at once. */
TCP_TEST(every_second_segment_is_acknowledged)
{
    accepted(rig);
    for (unsigned at = 1; at < 10001; at += 2000) {
        inject(rig, ". %u:%u(1000) ack 1 win 65535", at, at + 1000);
        silence(rig);
        inject(rig, ". %u:%u(1000) ack 1 win 65535", at + 1000, at + 2000);
        expect(rig, ". 1:1(0) ack %u", at + 2000);
        silence(rig); // RFC 5681-14
    }
}

/* RFC 5681-13: out of order, and when a gap is filled, at once, one for each. RFC 9293 SHLD-31: it was kept;
 * RFC 9293 MAY-13. */
TCP_TEST(out_of_order_data_is_kept)
{
    accepted(rig);
    inject(rig, ". 1001:2001(1000) ack 1 win 65535");
    inject(rig, ". 2001:3001(1000) ack 1 win 65535");
    inject(rig, ". 4001:5001(1000) ack 1 win 65535");
    expect(rig, ". 1:1(0) ack 1");
    expect(rig, ". 1:1(0) ack 1");
    expect(rig, ". 1:1(0) ack 1");
    silence(rig); // RFC 5681-14: not more than one each
    CHECK_EQ(rig_read(rig, 9999), -EAGAIN);
    CHECK_EQ(rig_info(rig).out_of_order_bytes, 3000);
    inject(rig, ". 1:1001(1000) ack 1 win 65535");
    expect(rig, ". 1:1(0) ack 3001"); // RFC 5681-13
    silence(rig);
    CHECK_EQ(rig_read(rig, 9999), 3000);
    inject(rig, ". 3001:4001(1000) ack 1 win 65535");
    expect(rig, ". 1:1(0) ack 5001");
    CHECK_EQ(rig_read(rig, 9999), 2000);
    CHECK_EQ(rig_info(rig).out_of_order_bytes, 0);
    CHECK(rig->c->out_of_order == NULL);
}

TCP_TEST(acks_owed_for_an_old_gap_are_forgotten_when_it_closes)
{
    accepted(rig);
    inject(rig, ". 1001:2001(1000) ack 1 win 65535");
    inject(rig, ". 2001:3001(1000) ack 1 win 65535");
    inject(rig, ". 1:1001(1000) ack 1 win 65535"); // before anything was said
    expect(rig, ". 1:1(0) ack 3001");
    silence(rig);
}

TCP_TEST(pieces_in_any_order)
{
    // 40 pieces of 700 octets that overlap by 100, in a scrambled order, some twice.
    accepted(rig);
    uint64_t state = 7;
    bool came[40] = {false};
    for (unsigned left = 40; left > 0;) {
        unsigned piece = (unsigned)test_below(&state, 40), at = 1 + 600 * piece;
        inject(rig, ". %u:%u(700) ack 1 win 65535", at, at + 700);
        left -= !came[piece];
        came[piece] = true;
    }
    CHECK_EQ(rig_read(rig, 100000), 40 * 600 + 100);
    rig_drain(rig);
}

TCP_TEST(a_fin_ahead_of_its_turn)
{
    accepted(rig);
    inject(rig, "FP. 101:201(100) ack 1 win 65535");
    expect(rig, ". 1:1(0) ack 1");
    CHECK_STATE(rig, "ESTABLISHED");
    inject(rig, ". 1:101(100) ack 1 win 65535");
    expect(rig, ". 1:1(0) ack 202");
    CHECK_STATE(rig, "CLOSE-WAIT");
    CHECK_EQ(rig_read(rig, 1000), 200);
    CHECK_EQ(rig_read(rig, 1000), 0);
}

TCP_TEST(a_bare_fin_ahead_of_its_turn)
{
    accepted(rig);
    inject(rig, "F. 101:101(0) ack 1 win 65535");
    expect(rig, ". 1:1(0) ack 1");
    inject(rig, ". 1:51(50) ack 1 win 65535");
    inject(rig, ". 51:101(50) ack 1 win 65535");
    expect(rig, ". 1:1(0) ack 102");
    CHECK_STATE(rig, "CLOSE-WAIT");
}

TCP_TEST(nothing_comes_after_a_fin)
{
    accepted(rig);
    inject(rig, "F. 101:101(0) ack 1 win 65535");
    inject(rig, ". 101:301(200) ack 1 win 65535"); // a peer that contradicts itself
    inject(rig, ". 1:101(100) ack 1 win 65535");
    rig_drain(rig);
    CHECK_EQ(rig_read(rig, 1000) >= 100, true);
    inject(rig, ". 301:401(100) ack 1 win 65535");
    rig_drain(rig);
}

/* RFC 9293 MUST-39: the window does not open by crumbs, neither with other segments nor by itself. */
TCP_TEST(the_window_opens_in_one_go)
{
    rig->options.receive_bytes = 8000;
    accepted(rig);
    for (unsigned at = 1; at < 8001; at += 1000)
        inject(rig, ". %u:%u(1000) ack 1 win 65535", at, at + 1000);
    expect(rig, ". 1:1(0) ack 8001 win 0");
    CHECK_EQ(rig_read(rig, 1000), 1000);
    silence(rig);
    rig_write(rig, 10);
    expect(rig, "P. 1:11(10) ack 8001 win 0"); // 1000 is less than a segment
    CHECK_EQ(rig_read(rig, 1000), 1000);
    silence(rig); // 2000 are less than two
    rig_wait(rig, STRATA_SECOND / 10);
    inject(rig, ". 8001:8001(0) ack 11 win 65535");
    silence(rig);
    CHECK_EQ(rig_read(rig, 2000), 2000);
    expect(rig, ". 11:11(0) ack 8001 win 4000");
    silence(rig);
}

/* RFC 9293 SHLD-14: the right edge never moves left, not even when the program wants a smaller buffer. */
TCP_TEST(the_right_edge_never_moves_left)
{
    rig->options.receive_bytes = 20000;
    accepted(rig);
    inject(rig, ". 1:1001(1000) ack 1 win 65535");
    inject(rig, ". 1001:2001(1000) ack 1 win 65535");
    expect(rig, ". 1:1(0) ack 2001 win 18000");
    rig->options.receive_bytes = 4000;
    tcp_set_options(rig->c, &rig->options);
    CHECK_EQ(rig_read(rig, 100000), 2000);
    inject(rig, ". 2001:3001(1000) ack 1 win 65535");
    inject(rig, ". 3001:4001(1000) ack 1 win 65535");
    expect(rig, ". 1:1(0) ack 4001 win 16000");
    CHECK_EQ(rig_read(rig, 100000), 2000);
    for (unsigned at = 4001; at < 20001; at += 1000) {
        inject(rig, ". %u:%u(1000) ack 1 win 65535", at, at + 1000);
        rig_read(rig, 100000);
    }
    expect(rig, ". 1:1(0) ack 20001 win 4000");
    CHECK_EQ(rig->c->receive.capacity, 4000);
}

TCP_TEST(a_promise_is_kept_though_the_buffer_shrinks)
{
    rig->options.receive_bytes = 20000;
    accepted(rig);
    rig->options.receive_bytes = 4000;
    tcp_set_options(rig->c, &rig->options);
    for (unsigned at = 1; at < 20001; at += 1000)
        inject(rig, ". %u:%u(1000) ack 1 win 65535", at, at + 1000);
    expect(rig, ". 1:1(0) ack 20001 win 0");
    CHECK_EQ(COUNT(rig, tcp_drop_memory), 0);
    CHECK_EQ(rig_read(rig, 100000), 20000);
    expect(rig, ". 1:1(0) ack 20001 win 4000");
}

/* RFC 9293 MAY-8: it may stay closed, and the sender's probes are answered. */
TCP_TEST(a_closed_window_answers_probes)
{
    rig->options.receive_bytes = 4000;
    accepted(rig);
    for (unsigned at = 1; at < 4001; at += 1000)
        inject(rig, ". %u:%u(1000) ack 1 win 65535", at, at + 1000);
    expect(rig, ". 1:1(0) ack 4001 win 0");
    for (int i = 0; i < 20; i++) {
        rig_wait(rig, 60 * STRATA_SECOND);
        inject(rig, ". 4001:4002(1) ack 1 win 65535");
        expect(rig, ". 1:1(0) ack 4001 win 0");
    }
    CHECK_STATE(rig, "ESTABLISHED");
    CHECK_EQ(rig_info(rig).receive_queue, 4000);
}

/* ---- Memory that ends ---------------------------------------------------------------------------------- */

TEST(memory_ends)
{
    for (int ipv6 = 0; ipv6 < 2; ipv6++) {
        struct rig *rig = rig_new(ipv6, 1500, 256 << 10);
        rig->options.receive_bytes = 1 << 20;
        rig_accept(rig, "S 0:0(0) win 65535 <mss 1000,nop,ws 0>");
        unsigned at = 1;
        // The program does not read. The window closes before memory ends, and what is acknowledged is there.
        for (int round = 0; round < 400; round++) {
            uint32_t window = rig->c->rcv_adv - rig->c->rcv_nxt;
            if (window < 1000)
                break;
            inject(rig, ". %u:%u(1000) ack 1 win 65535", at, at + 1000);
            at = rig->c->rcv_nxt - rig->peer_isn;
            rig_drain(rig);
        }
        CHECK(at > 100000);
        CHECK(rig->core.memory.used_bytes <= 256 << 10);
        unsigned received = at - 1;
        CHECK_EQ(rig_read(rig, 1 << 20), received);
        // And it opens again.
        expect(rig, ". 1:1(0) ack %u", at);
        CHECK(rig->c->rcv_adv - rig->c->rcv_nxt > 50000);
        rig_free(rig);
    }
}

TEST(out_of_order_data_goes_first)
{
    for (int ipv6 = 0; ipv6 < 2; ipv6++) {
        struct rig *rig = rig_new(ipv6, 1500, 0);
        rig->options.receive_bytes = 60000;
        rig_accept(rig, "S 0:0(0) win 65535 <mss 1000>");
        for (unsigned at = 10001; at < 50001; at += 1000)
            inject(rig, ". %u:%u(1000) ack 1 win 65535", at, at + 1000);
        rig_drain(rig);
        CHECK_EQ(rig_info(rig).out_of_order_bytes, 40000);
        // From now on there is nothing more to be had.
        rig->core.memory.budget_bytes = rig->core.memory.used_bytes;
        for (unsigned at = 1; at < 10001; at += 1000)
            inject(rig, ". %u:%u(1000) ack 1 win 65535", at, at + 1000);
        CHECK_EQ(rig_read(rig, 100000), 10000); // in order data went on
        CHECK_EQ(rig_info(rig).out_of_order_bytes, 0);
        CHECK_EQ(COUNT(rig, tcp_evicted), 40000);
        rig->core.memory.budget_bytes = rig->core.memory.used_bytes;
        inject(rig, ". 20001:21001(1000) ack 1 win 65535"); // no page for it, but an answer
        CHECK_EQ(rig_info(rig).out_of_order_bytes, 0);
        CHECK_EQ(COUNT(rig, tcp_drop_memory), 1);
        rig->core.memory.budget_bytes = 1 << 24;
        rig_free(rig);
    }
}

TCP_TEST(holes_are_bounded)
{
    SET(rig, tcp_out_of_order_ranges, 4);
    accepted(rig);
    for (unsigned at = 1001; at < 20001; at += 2000)
        inject(rig, ". %u:%u(1000) ack 1 win 65535", at, at + 1000);
    CHECK_EQ(rig_drain(rig), 10);
    CHECK_EQ(rig_info(rig).out_of_order_bytes, 4000);
    CHECK_EQ(COUNT(rig, tcp_drop_memory), 6);
    for (unsigned at = 1; at < 20001; at += 1000)
        inject(rig, ". %u:%u(1000) ack 1 win 65535", at, at + 1000);
    CHECK_EQ(rig_read(rig, 100000), 20000);
}

/* Slow start that goes too far loses every other segment: thousands of holes, and no reason to lose the rest too. */
TCP_TEST(thousands_of_holes)
{
    accepted(rig);
    for (unsigned at = 2; at < 4002; at += 2) {
        inject(rig, ". %u:%u(1) ack 1 win 65535", at, at + 1);
        rig_drain(rig);
    }
    CHECK_EQ(rig_info(rig).out_of_order_bytes, 2000);
    CHECK_EQ(COUNT(rig, tcp_drop_memory), 0);
    for (unsigned at = 1; at < 4001; at += 2)
        inject(rig, ". %u:%u(1) ack 1 win 65535", at, at + 1);
    CHECK_EQ(rig_read(rig, 100000), 4000);
}

TCP_TEST(views_of_what_was_received)
{
    accepted(rig);
    struct strata_iovec pieces[4];
    CHECK_EQ(tcp_data(rig->c, pieces, 4), -EAGAIN);
    for (unsigned at = 1; at < 6001; at += 1000)
        inject(rig, ". %u:%u(1000) ack 1 win 65535", at, at + 1000);
    REQUIRE(tcp_data(rig->c, pieces, 4) == 2);
    CHECK_EQ(pieces[0].length + pieces[1].length, 6000);
    CHECK_EQ(tcp_consume(rig->c, 6001), -EINVAL);
    CHECK_EQ(tcp_consume(rig->c, 5000), 0);
    CHECK_EQ(rig_read(rig, 5000), 1000);
}

TEST_MAIN(TEST_ENTRY(acks_wait), TEST_ENTRY(every_second_segment_is_acknowledged),
          TEST_ENTRY(out_of_order_data_is_kept), TEST_ENTRY(acks_owed_for_an_old_gap_are_forgotten_when_it_closes),
          TEST_ENTRY(pieces_in_any_order), TEST_ENTRY(a_fin_ahead_of_its_turn),
          TEST_ENTRY(a_bare_fin_ahead_of_its_turn), TEST_ENTRY(nothing_comes_after_a_fin),
          TEST_ENTRY(the_window_opens_in_one_go), TEST_ENTRY(the_right_edge_never_moves_left),
          TEST_ENTRY(a_promise_is_kept_though_the_buffer_shrinks),
          TEST_ENTRY(a_closed_window_answers_probes), TEST_ENTRY(memory_ends),
          TEST_ENTRY(out_of_order_data_goes_first), TEST_ENTRY(holes_are_bounded), TEST_ENTRY(thousands_of_holes),
          TEST_ENTRY(views_of_what_was_received))
