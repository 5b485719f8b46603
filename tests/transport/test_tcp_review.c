/**
 * TCP's corners, found by reading it against the RFCs: options that change in the middle of a handshake, events that
 * must come though nobody was refused, timers where there is nothing to time, segments that fill the window to the
 * brim.
 */
#include "tests/transport/rig.h"

#include <errno.h>

/* ---- A handshake is one conversation ------------------------------------------------------------------------------- */

TCP_TEST(the_scale_a_syn_told_holds_though_the_buffer_grows_meanwhile)
{
    rig_connect(rig);
    expect(rig, "S 0:0(0) win 65535 <mss *,ts 0 0,ws 0>");
    rig->options.receive_bytes = 1 << 20;
    tcp_set_options(rig->c, &rig->options);
    rig_wait(rig, STRATA_SECOND);
    expect(rig, "S 0:0(0) win 65535 <mss *,ts 1000 0,ws 0>"); // again, and it says the same
    inject(rig, "S. 0:0(0) ack 1 win 65535 <mss 1000,ws 2>");
    expect(rig, ". 1:1(0) ack 1 win 65535");
    CHECK_EQ(rig_info(rig).receive_scale, 0);
    CHECK_EQ(rig_info(rig).receive_window, 65535);
}

TCP_TEST(what_a_syn_offered_is_agreed_on_though_the_setting_changes_meanwhile)
{
    rig_connect(rig);
    expect(rig, "S 0:0(0) win 65535 <mss *,ts 0 0,ws 0>");
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
    rig->c = tcp_accept(rig->listener, rig);
    REQUIRE(rig->c);
    CHECK_EQ(rig_info(rig).receive_scale, 0);
    CHECK_EQ(rig_info(rig).receive_window, 65535); // RFC 9293 SHLD-14
    inject(rig, ". 1:1001(1000) ack 1 win 65535");
    inject(rig, ". 1001:2001(1000) ack 1 win 65535");
    inject(rig, ". 2001:3001(1000) ack 1 win 65535");
    inject(rig, ". 3001:4001(1000) ack 1 win 65535");
    expect(rig, ". 1:1(0) ack 4001 win 61535");
    CHECK_EQ(rig_read(rig, 6000), 4000);
}

TEST_MAIN(TEST_ENTRY(the_scale_a_syn_told_holds_though_the_buffer_grows_meanwhile),
          TEST_ENTRY(what_a_syn_offered_is_agreed_on_though_the_setting_changes_meanwhile),
          TEST_ENTRY(the_scale_and_window_a_listener_told_hold_though_its_options_change_meanwhile))
