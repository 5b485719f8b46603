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

/* ---- Events ------------------------------------------------------------------------------------------------------------ */

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
    void *hog = memory_allocate_raw(memory, bytes);
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

TEST_MAIN(TEST_ENTRY(the_scale_a_syn_told_holds_though_the_buffer_grows_meanwhile),
          TEST_ENTRY(what_a_syn_offered_is_agreed_on_though_the_setting_changes_meanwhile),
          TEST_ENTRY(the_scale_and_window_a_listener_told_hold_though_its_options_change_meanwhile),
          TEST_ENTRY(a_program_whose_writes_just_fitted_hears_of_room_too),
          TEST_ENTRY(a_program_that_found_no_memory_hears_when_it_may_try_again))
