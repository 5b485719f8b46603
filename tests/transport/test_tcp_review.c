/**
 * TCP's corners, found by reading it against the RFCs: options that change in the middle of a handshake,
 * events that must come though nobody was refused, timers where there is nothing to time, segments that fill
 * the window to the brim.
 */
#include "net/internal.h"
#include "tests/transport/rig.h"

#include <errno.h>

/* ---- A handshake is one conversation ------------------------------------------------------------------- */

TCP_TEST(the_scale_a_syn_told_holds_though_the_buffer_grows_meanwhile)
{
    rig_connect(rig);
    expect(rig, "S 0:0(0) win 65535 <mss *,sackok,ts 0 0,ws 0>");
    rig->options.receive_bytes = 1 << 20;
    tcp_set_options(rig->c, &rig->options);
    rig_wait(rig, STRATA_SECOND);
    expect(rig, "S 0:0(0) win 65535 <mss *,sackok,ts 1000 0,ws 0>"); // again, and it says the same
    inject(rig, "S. 0:0(0) ack 1 win 65535 <mss 1000,ws 2>");
    expect(rig, ". 1:1(0) ack 1 win 65535");
    CHECK_EQ(rig_info(rig).receive_scale, 0);
    CHECK_EQ(rig_info(rig).receive_window, 65535);
}

TCP_TEST(what_a_syn_offered_is_agreed_on_though_the_setting_changes_meanwhile)
{
    rig_connect(rig);
    expect(rig, "S 0:0(0) win 65535 <mss *,sackok,ts 0 0,ws 0>");
    SET(rig, tcp_window_scaling, 0);
    SET(rig, tcp_timestamps, 0);
    inject(rig, "S. 0:0(0) ack 1 win 65535 <mss 1000,ts 5 0,ws 2>");
    expect(rig, ". 1:1(0) ack 1 <ts * 5>");
    inject(rig, ". 1:1(0) ack 1 win 100 <ts 6 0>");
    CHECK_EQ(rig_info(rig).send_window, 400);
}

TCP_TEST(the_scale_and_window_a_listener_told_hold_though_its_options_change_meanwhile)
{
    rig_listen(rig);
    inject(rig, "S 0:0(0) win 65535 <mss 1000,ws 0>");
    expect(rig, "S. 0:0(0) ack 1 win 65535 <mss *,ws 0>");
    rig->options.receive_bytes = 1 << 20;
    tcp_listener_set_options(rig->listener, &rig->options);
    inject(rig, "S 0:0(0) win 65535 <mss 1000,ws 0>");
    expect(rig, "S. 0:0(0) ack 1 win 65535 <mss *,ws 0>");
    rig->options.receive_bytes = 2048;
    tcp_listener_set_options(rig->listener, &rig->options);
    inject(rig, ". 1:1(0) ack 1 win 65535");
    REQUIRE(rig_take(rig));
    CHECK_EQ(rig_info(rig).receive_scale, 0);
    CHECK_EQ(rig_info(rig).receive_window, 65535); // RFC 9293 SHLD-14
    inject(rig, ". 1:1001(1000) ack 1 win 65535");
    inject(rig, ". 1001:2001(1000) ack 1 win 65535");
    inject(rig, ". 2001:3001(1000) ack 1 win 65535");
    inject(rig, ". 3001:4001(1000) ack 1 win 65535");
    expect(rig, ". 1:1(0) ack 4001 win 61535");
    CHECK_EQ(rig_read(rig, 6000), 4000);
}

/* ---- Events -------------------------------------------------------------------------------------------- */

TCP_TEST(a_program_whose_writes_just_fitted_hears_of_room_too)
{
    rig->options.send_bytes = 6000;
    rig_connected(rig, "S. 0:0(0) ack 1 win 65535 <mss 1000>");
    CHECK_EQ(rig_write(rig, 6000), 6000); // all of it; nobody was refused anything
    CHECK_EQ(tcp_readiness(rig->c) & STRATA_WRITABLE, 0);
    CHECK_EQ(rig_drain(rig), 6);
    rig->ready = 0;
    inject(rig, ". 1:1(0) ack 1001 win 65535");
    CHECK_EQ(rig->ready & STRATA_WRITABLE, 0); // not a third yet
    inject(rig, ". 1:1(0) ack 3001 win 65535");
    CHECK_EQ(rig->ready & STRATA_WRITABLE, STRATA_WRITABLE);
}

TCP_TEST(a_program_that_found_no_memory_hears_when_it_may_try_again)
{
    rig_connected(rig, "S. 0:0(0) ack 1 win 65535 <mss 1000>");
    struct memory *memory = &rig->core.memory;
    size_t bytes = memory_available(memory) - 100;
    void *hog = memory_allocate_reserved(memory, bytes);
    REQUIRE(hog);
    CHECK_EQ(rig_write(rig, 500), -EAGAIN);
    CHECK_EQ(tcp_readiness(rig->c) & STRATA_WRITABLE, 0); // nobody shall spin
    // Nothing is out, so that no acknowledgement will ever come.
    rig->ready = 0;
    memory_release(memory, hog, bytes);
    rig_wait(rig, STRATA_SECOND);
    CHECK_EQ(rig->ready & STRATA_WRITABLE, STRATA_WRITABLE);
    CHECK_EQ(tcp_readiness(rig->c) & STRATA_WRITABLE, STRATA_WRITABLE);
    CHECK_EQ(rig_write(rig, 500), 500);
}

/* ---- Timers with nothing to time ----------------------------------------------------------------------- */

TCP_TEST(fin_wait_2_outlives_a_port_that_is_down)
{
    rig_connected(rig, "S. 0:0(0) ack 1 win 65535 <mss 1000>");
    CHECK_EQ(tcp_shutdown(rig->c, STRATA_SHUTDOWN_WRITE), 0);
    expect(rig, "F. 1:1(0) ack 1");
    inject(rig, ". 1:1(0) ack 2 win 65535");
    inject(rig, ". 100:200(100) ack 2 win 65535"); // an ACK is owed, and cannot go
    struct port *port = links_port(net_links(rig->net), rig->port);
    CHECK_EQ(port_set_up(port, false), 0);
    rig_wait(rig, 3600 * STRATA_SECOND);
    CHECK_STATE(rig, "FIN-WAIT-2"); // the peer may take its time
    CHECK_EQ(port_set_up(port, true), 0);
    inject(rig, ". 1:100(99) ack 2 win 65535");
    CHECK_EQ(rig_drain(rig) > 0, true);
    CHECK_EQ(rig_read(rig, 1000), 199);
}

TCP_TEST(an_orphan_does_not_probe_a_closed_window_for_ever)
{
    SET(rig, tcp_orphan_retries, 15);
    rig_connected(rig, "S. 0:0(0) ack 1 win 1000 <mss 1000>");
    CHECK_EQ(rig_write(rig, 3000), 3000);
    expect(rig, ". 1:1001(1000) ack 1");
    tcp_close(rig->c);
    inject(rig, ". 1:1(0) ack 1001 win 0");
    silence(rig);
    // RFC 9293 MUST-37 speaks of probes that are acknowledged. Of a connection that nobody holds any more,
    // the host has to say when it is enough: else every peer could fill its memory for good.
    unsigned probes = 0;
    for (; rig->tcp->connection_count > 0 && probes < 100; probes++) {
        rig_wait(rig, 121 * STRATA_SECOND);
        if (rig->tcp->connection_count > 0) {
            CHECK(rig_drain(rig) > 0);
            inject(rig, ". 1:1(0) ack 1001 win 0");
        }
    }
    CHECK(probes >= 8 && probes < 40);
    rig->c = NULL;
    CHECK_EQ(rig->core.memory.pages, 0);
}

/* ---- To the brim --------------------------------------------------------------------------------------- */

TCP_TEST(text_with_the_syn_ack_may_fill_the_window_and_its_fin_waits)
{
    rig->options.receive_bytes = 2048;
    rig->mtu = 4000;
    rig_connect(rig);
    expect(rig, "S 0:0(0) win 2048");
    inject(rig, "SF. 0:1400(1400) ack 1 win 65535 <mss 1000>");
    expect(rig, ". 1:1(0) ack 1402");
    CHECK_STATE(rig, "CLOSE-WAIT");
}

TCP_TEST(a_fin_beyond_the_window_comes_with_the_syn_ack)
{
    rig->options.receive_bytes = 1400;
    rig_connect(rig);
    expect(rig, "S 0:0(0) win 1400");
    inject(rig, "SF. 0:1400(1400) ack 1 win 65535 <mss 1000>");
    expect(rig, ". 1:1(0) ack 1401 win 0");
    CHECK_STATE(rig, "ESTABLISHED");
    CHECK_EQ(rig_info(rig).receive_window, 0);
    CHECK_EQ(rig_read(rig, 2000), 1400);
    expect(rig, ". 1:1(0) ack 1401 win 1400");
    inject(rig, "F. 1401:1401(0) ack 1 win 65535");
    expect(rig, ". 1:1(0) ack 1402");
    CHECK_STATE(rig, "CLOSE-WAIT");
}

TCP_TEST(urgent_data_comes_with_the_syn_ack)
{
    rig_connect(rig);
    expect(rig, "S 0:0(0)");
    inject(rig, "S.U 0:100(100) ack 1 win 65535 urg 51 <mss 1000>");
    // RFC 9293 3.10.7.3, fifth step: continue at the sixth step, where the URG bit is checked.
    CHECK_EQ(rig->urgent_events, 1);
    CHECK_EQ(tcp_urgent_mark(rig->c), 50);
}

TCP_TEST(no_syn_is_urgent)
{
    rig_connect(rig);
    CHECK_EQ(tcp_write(rig->c, "", 1, TCP_WRITE_URGENT), 1);
    expect(rig, "S 0:0(0)");
}

/* ---- Storms -------------------------------------------------------------------------------------------- */

TCP_TEST(two_sides_that_both_think_the_other_old_do_not_answer_each_other_for_ever)
{
    rig_connected(rig, "S. 0:0(0) ack 1 win 65535 <mss 1000,ts 1000 0>");
    unsigned answers = 0;
    for (int i = 0; i < 100; i++) {
        inject(rig, ". 1:1(0) ack 1 win 65535 <ts 500 0>");
        answers += rig_drain(rig);
    }
    CHECK(answers >= 1 && answers <= rig->core.settings.tcp_challenge_acks_per_second);
    // With data it is a duplicate whose ACK was lost: RFC 7323-10.
    rig_wait(rig, STRATA_SECOND);
    for (int i = 0; i < 10; i++) {
        inject(rig, ". 1:11(10) ack 1 win 65535 <ts 500 0>");
        expect(rig, ". 1:1(0) ack 1");
    }
}

/* ---- Retransmission ------------------------------------------------------------------------------------ */

TCP_TEST(a_smaller_path_learned_while_the_syn_is_out_does_not_stop_the_data)
{
    if (rig->ipv6)
        return; // a SYN is never larger than 1280 octets; IPv4's least MTU is within its reach
    rig_connect(rig);
    expect(rig, "S 0:0(0)");
    rig_icmp(rig, 3, 4, 1000, 0);
    inject(rig, "S. 0:0(0) ack 1 win 65535 <mss 1460>");
    expect(rig, ". 1:1(0) ack 1");
    CHECK_EQ(rig_write(rig, 100), 100);
    expect(rig, "P. 1:101(100) ack 1");
}

/* ---- What it says of itself ---------------------------------------------------------------------------- */

TCP_TEST(syn_and_fin_are_no_octets_sent)
{
    rig_connect(rig);
    expect(rig, "S 0:0(0)");
    CHECK_EQ(rig_info(rig).bytes_sent, 0);
    inject(rig, "S. 0:0(0) ack 1 win 65535 <mss 1000>");
    expect(rig, ". 1:1(0) ack 1");
    CHECK_EQ(rig_write(rig, 100), 100);
    CHECK_EQ(tcp_shutdown(rig->c, STRATA_SHUTDOWN_WRITE), 0);
    expect(rig, "FP. 1:101(100) ack 1");
    CHECK_EQ(rig_info(rig).bytes_sent, 100);
    inject(rig, ". 1:1(0) ack 102 win 65535");
    CHECK_EQ(rig_info(rig).bytes_sent, 100);
}

TCP_TEST(small_segments_are_acknowledged_by_twos_as_well)
{
    // RFC 9293 SHLD-19: every second segment of full size, and 200 octets are a full one here.
    rig->options.max_segment = 200;
    rig_connected(rig, "S. 0:0(0) ack 1 win 65535 <mss 200>");
    inject(rig, ". 1:201(200) ack 1 win 65535");
    silence(rig);
    inject(rig, ". 201:401(200) ack 1 win 65535");
    expect(rig, ". 1:1(0) ack 401");
}

/* ---- Paths --------------------------------------------------------------------------------------------- */

TEST(a_path_that_another_connection_found_narrow_is_narrow_behind_any_gateway)
{
    struct rig *rig = rig_new(true, 1500, 0);
    struct strata_route route = {
        .destination = {{0x20, 0x01, 0x0d, 0xb9}}, .prefix_length = 64, .port = rig->port};
    route.gateway = rig->peer.address; // neither link-local nor IPv4
    REQUIRE(net_route_add(rig->net, &route) == 0);
    rig->peer.address = (struct strata_address){{0x20, 0x01, 0x0d, 0xb9, [15] = 7}};
    rig_connected(rig, "S. 0:0(0) ack 1 win 65535 <mss 1440>");
    CHECK_EQ(rig_info(rig).mss_send, 1440);
    CHECK(destination_lower_mtu(rig->net, &rig->peer.address, 0, 1300));
    CHECK_EQ(rig_write(rig, 1440), 1440);
    expect(rig, ". 1:1241(1240) ack 1");
    rig_free(rig);
}

TCP_TEST(no_number_of_duplicate_acks_makes_cwnd_overflow)
{
    rig_connected(rig, "S. 0:0(0) ack 1 win 65535 <mss 1000>");
    CHECK_EQ(rig_write(rig, 5000), 5000);
    CHECK_EQ(rig_drain(rig), 5);
    for (int i = 0; i < 3; i++)
        inject(rig, ". 1:1(0) ack 1 win 65535");
    CHECK_EQ(rig_info(rig).recovery, 2);
    rig->c->cwnd = UINT32_MAX - 500; // as after four million of them
    inject(rig, ". 1:1(0) ack 1 win 65535");
    CHECK(rig_info(rig).cwnd > 1 << 30);
}

/* ---- Short of memory ----------------------------------------------------------------------------------- */

/** Fills the budget with what one direction of one connection can take. */
static struct rig *small_rig(void)
{
    struct rig *rig = rig_new(false, 1500, 160 * 1024);
    rig->options.send_bytes = rig->options.receive_bytes = 1 << 20;
    rig_connected(rig, "S. 0:0(0) ack 1 win 65535 <mss 1000,ws 7>");
    return rig;
}

TEST(a_writer_leaves_memory_to_receive_with)
{
    struct rig *rig = small_rig();
    CHECK(rig_write(rig, 1 << 20) > 60000);
    CHECK_EQ(rig_write(rig, 1 << 20), -EAGAIN);
    // Two hosts that both wrote all their memory full would drop each other's data for ever.
    // A writer holds as much as is left for all others.
    size_t left = tcp_memory_left(&rig->core), held = rig->c->send.length;
    CHECK(left + 2 * PAGE_BYTES > held && held + 2 * PAGE_BYTES > left);
    rig_drain(rig);
    inject(rig, ". 1:1001(1000) ack 1 win 65535");
    inject(rig, ". 1001:2001(1000) ack 1 win 65535");
    CHECK_EQ(rig_drain(rig), 1);
    CHECK_EQ(rig->c->last_ack_sent, rig->peer_isn + 2001);
    CHECK_EQ(rig_read(rig, 5000), 2000);
    rig_free(rig);
}

TEST(a_reader_that_does_not_read_leaves_memory_to_write_with)
{
    struct rig *rig = small_rig();
    unsigned at = 1;
    while (COUNT(rig, tcp_drop_memory) == 0 && rig->c->rcv_adv - rig->c->rcv_nxt >= 1000) {
        inject(rig, ". %u:%u(1000) ack 1 win 65535", at, at + 1000);
        at += 1000;
        rig_drain(rig);
    }
    CHECK(at > 40000 && at < 160000);
    // An echo server reads on when it has written: it must be able to.
    CHECK_EQ(rig_write(rig, 1000), 1000);
    CHECK_EQ(rig_drain(rig), 1);
    rig_free(rig);
}

TCP_TEST(a_window_that_cannot_be_told_is_not_told_of_again_and_again)
{
    rig->options.receive_bytes = 1 << 20;
    rig_connected(rig, "S. 0:0(0) ack 1 win 65535 <mss 1000>"); // the peer does not scale: 65535 is all
    for (unsigned at = 1; at < 4001; at += 1000)
        inject(rig, ". %u:%u(1000) ack 1 win 65535", at, at + 1000);
    expect(rig, ". 1:1(0) ack 4001 win 65535");
    for (int i = 0; i < 10; i++) {
        CHECK_EQ(rig_read(rig, 100), 100);
        silence(rig);
    }
}

/* ---- Who answers whom ---------------------------------------------------------------------------------- */

TCP_TEST(time_wait_answers_no_acks_by_acks)
{
    rig_connected(rig, "S. 0:0(0) ack 1 win 65535 <mss 1000>");
    CHECK_EQ(tcp_shutdown(rig->c, STRATA_SHUTDOWN_WRITE), 0);
    expect(rig, "F. 1:1(0) ack 1");
    inject(rig, "F. 1:1(0) ack 2 win 65535");
    expect(rig, ". 2:2(0) ack 2");
    // What a peer may still need is an answer to its FIN, or its SYN; an ACK can only be answered by an ACK
    // that answers it. Two that disagree would go on for ever.
    for (int i = 0; i < 20; i++) {
        inject(rig, ". 5000:5000(0) ack 900 win 65535");
        inject(rig, ". 1:1(0) ack 900 win 65535");
        silence(rig);
    }
    inject(rig, "F. 1:1(0) ack 2 win 65535");
    expect(rig, ". 2:2(0) ack 2");
}

TCP_TEST(a_half_open_connection_answers_few_strange_acks)
{
    rig_listen(rig);
    syn(rig, "mss 1000");
    unsigned answers = 0;
    for (int i = 0; i < 50; i++) {
        inject(rig, ". 900000:900000(0) ack 7 win 65535");
        answers += rig_drain(rig);
    }
    CHECK(answers >= 1 && answers <= rig->core.settings.tcp_challenge_acks_per_second);
    inject(rig, ". 1:1(0) ack 1 win 65535");
    CHECK_EQ(rig->listener_events, 1);
}

/* The right edge does not move by what an overtaken segment acknowledges. */
TCP_TEST(an_overtaken_acknowledgement_brings_its_window)
{
    rig_accept(rig, "S 0:0(0) win 3000 <mss 1000>");
    inject(rig, ". 1:1(0) ack 1 win 3000");
    rig_write(rig, 10000);
    CHECK_EQ(rig_drain(rig), 3);
    inject(rig, ". 11:21(10) ack 1 win 3000");
    inject(rig, ". 1:11(10) ack 1001 win 2000"); // said before, arrives behind it
    while (*rig_next(rig))
        CHECK(seq_le(rig->c->snd_nxt, rig->our_isn + 3001));
    CHECK_EQ(rig_info(rig).send_window, 2000);
}

/* ---- What the soak found, once programs used all options and windows shrank ------------------------------- */

TCP_TEST(records_go_with_their_connection)
{
    rig_accept(rig, "S 0:0(0) win 65535 <mss 1000>");
    CHECK_EQ(rig_write_flags(rig, 100, TCP_WRITE_END), 100);
    rig_drain(rig); // not acknowledged when the rig looks for what was not given back
}

/* RFC 9293 MUST-39: a window that may not reach a segment opens by half of what it may. */
TCP_TEST(a_window_clamped_below_a_segment_opens)
{
    rig->options.window_most = 500;
    rig_accept(rig, "S 0:0(0) win 65535 <mss 1000>");
    unsigned at = 1, end = 1 + (rig->c->rcv_adv - rig->c->rcv_nxt);
    while (at < end) {
        unsigned size = end - at < 1000 ? end - at : 1000;
        inject(rig, ". %u:%u(%u) ack 1 win 65535", at, at + size, size);
        at += size;
    }
    rig_drain(rig);
    CHECK_EQ(rig->c->rcv_adv, rig->c->rcv_nxt);
    CHECK_EQ(rig_read(rig, 100000), at - 1);
    expect(rig, ". 1:1(0) ack %u win 500", at);
}

/* The map of what was sent leaves memory to receive with: two hosts that sent octet by octet until nothing was left
 * could not take what would have let them forget it. */
TEST(what_was_sent_leaves_memory_to_receive)
{
    for (int ipv6 = 0; ipv6 < 2; ipv6++) {
        struct rig *rig = rig_new(ipv6, 9000, 64 << 10);
        rig->options.no_delay = true;
        rig_accept(rig, "S 0:0(0) win 65535 <mss 8000>");
        for (int i = 0; i < 3000; i++) {
            if (rig_write(rig, 1) != 1)
                break;
            rig_drain(rig);
        }
        CHECK(memory_available(&rig->core.memory) >= (64 << 10) / 8 - PAGE_BYTES);
        inject(rig, "P. 1:101(100) ack 1 win 65535");
        CHECK_EQ(rig_read(rig, 1000), 100);
        rig_free(rig);
    }
}

/* A window that was taken back is probed as often as any, however many timeouts there were before without a sample. */
TCP_TEST(old_timeouts_do_not_count_for_a_shrunken_window)
{
    SET(rig, tcp_orphan_retries, 3);
    SET(rig, tcp_early_retrans, 0);
    SET(rig, tcp_frto, 0);
    rig_accept(rig, "S 0:0(0) win 65535 <mss 1000>");
    rig_write(rig, 1000);
    rig_drain(rig);
    tcp_close(rig->c);
    rig->c = NULL;
    for (unsigned ack = 1; ack < 1001; ack += 250) {
        for (int timeouts = 0, seconds = 0; timeouts < 2 && CHECK(seconds < 200); seconds++) {
            rig_wait(rig, STRATA_SECOND);
            timeouts += rig_drain(rig) > 0;
        }
        inject(rig, ". 1:1(0) ack %u win 65535", ack + 100); // it moves on, but nothing measures how long that took
        rig_drain(rig);
    }
    inject(rig, ". 1:1(0) ack 851 win 0");
    rig_wait(rig, 130 * STRATA_SECOND);
    CHECK(strncmp(rig_next(rig), "R", 1) != 0);
    inject(rig, ". 1:1(0) ack 1002 win 65535");
    rig_drain(rig);
}

TEST_MAIN(TEST_ENTRY(records_go_with_their_connection), TEST_ENTRY(a_window_clamped_below_a_segment_opens),
          TEST_ENTRY(what_was_sent_leaves_memory_to_receive),
          TEST_ENTRY(old_timeouts_do_not_count_for_a_shrunken_window),
          TEST_ENTRY(an_overtaken_acknowledgement_brings_its_window),
          TEST_ENTRY(the_scale_a_syn_told_holds_though_the_buffer_grows_meanwhile),
          TEST_ENTRY(what_a_syn_offered_is_agreed_on_though_the_setting_changes_meanwhile),
          TEST_ENTRY(the_scale_and_window_a_listener_told_hold_though_its_options_change_meanwhile),
          TEST_ENTRY(a_program_whose_writes_just_fitted_hears_of_room_too),
          TEST_ENTRY(a_program_that_found_no_memory_hears_when_it_may_try_again),
          TEST_ENTRY(fin_wait_2_outlives_a_port_that_is_down),
          TEST_ENTRY(an_orphan_does_not_probe_a_closed_window_for_ever),
          TEST_ENTRY(text_with_the_syn_ack_may_fill_the_window_and_its_fin_waits),
          TEST_ENTRY(a_fin_beyond_the_window_comes_with_the_syn_ack),
          TEST_ENTRY(urgent_data_comes_with_the_syn_ack), TEST_ENTRY(no_syn_is_urgent),
          TEST_ENTRY(two_sides_that_both_think_the_other_old_do_not_answer_each_other_for_ever),
          TEST_ENTRY(a_smaller_path_learned_while_the_syn_is_out_does_not_stop_the_data),
          TEST_ENTRY(syn_and_fin_are_no_octets_sent),
          TEST_ENTRY(small_segments_are_acknowledged_by_twos_as_well),
          TEST_ENTRY(a_path_that_another_connection_found_narrow_is_narrow_behind_any_gateway),
          TEST_ENTRY(no_number_of_duplicate_acks_makes_cwnd_overflow),
          TEST_ENTRY(a_writer_leaves_memory_to_receive_with),
          TEST_ENTRY(a_reader_that_does_not_read_leaves_memory_to_write_with),
          TEST_ENTRY(a_window_that_cannot_be_told_is_not_told_of_again_and_again),
          TEST_ENTRY(time_wait_answers_no_acks_by_acks),
          TEST_ENTRY(a_half_open_connection_answers_few_strange_acks))
