/**
 * Probes: of windows that are closed, and of peers that are silent (RFC 9293 3.8.4, 3.8.6.1).
 */
#include "tests/transport/rig.h"

#include <errno.h>

static void accepted(struct rig *rig)
{
    rig_accept(rig, "S 0:0(0) win 65535 <mss 1000>");
}

/* RFC 9293 MUST-36: a closed window is probed; RFC 9293 SHLD-29: first after one RTO; RFC 9293 SHLD-30: then
 * ever more slowly. */
TCP_TEST(a_closed_window_is_probed)
{
    accepted(rig);
    inject(rig, ". 1:1(0) ack 1 win 0");
    rig_write(rig, 3000);
    silence(rig);
    strata_time rto = rig_info(rig).rto_ns;
    rig_wait(rig, rto - MS);
    silence(rig);
    rig_wait(rig, 2 * MS);
    expect(rig, ". 1:2(1) ack 1"); // an octet of new data
    silence(rig);
    strata_time wait = rto;
    for (int i = 0; i < 6; i++) {
        inject(rig, ". 1:1(0) ack 1 win 0"); // it does not fit
        silence(rig);
        wait *= 2;
        rig_wait(rig, wait - 10 * MS);
        silence(rig);
        rig_wait(rig, 10 * MS);
        expect(rig, ". 1:2(1) ack 1");
    }
    inject(rig, ". 1:1(0) ack 1 win 65535");
    expect(rig, ". 1:1001(1000) ack 1"); // the octet is sent again, in a full segment
    expect(rig, ". 1001:2001(1000) ack 1");
    expect(rig, "P. 2001:3001(1000) ack 1");
    silence(rig);
    CHECK_EQ(rig_info(rig).recovery, 0);
    CHECK_EQ(rig_info(rig).cwnd, 10000);
}

TCP_TEST(a_probe_that_fits)
{
    accepted(rig);
    inject(rig, ". 1:1(0) ack 1 win 0");
    rig_write(rig, 30);
    silence(rig);
    rig_wait(rig, STRATA_SECOND / 4);
    expect(rig, ". 1:2(1) ack 1");
    inject(rig, ". 1:1(0) ack 2 win 0"); // taken, but no more
    silence(rig);
    rig_wait(rig, STRATA_SECOND / 4);
    expect(rig, ". 2:3(1) ack 1");
    inject(rig, ". 1:1(0) ack 3 win 1000");
    expect(rig, "P. 3:31(28) ack 1");
}

/* RFC 9293 MUST-37: as long as probes are answered there is no end to it; RFC 9293 MAY-8 on the other side.
 * */
TCP_TEST(an_answered_probe_keeps_it_open)
{
    accepted(rig);
    inject(rig, ". 1:1(0) ack 1 win 0");
    rig_write(rig, 3000);
    for (int i = 0; i < 100; i++) {
        rig_wait(rig, 130 * STRATA_SECOND);
        rig_drain(rig);
        inject(rig, ". 1:1(0) ack 1 win 0");
    }
    CHECK_STATE(rig, "ESTABLISHED");
    inject(rig, ". 1:1(0) ack 1 win 2000");
    expect(rig, ". 1:1001(1000) ack 1");
}

TCP_TEST(a_silly_window_and_more_data)
{
    // A small window waits for the override; then more is written, and goes as ordinary data does.
    accepted(rig);
    inject(rig, ". 1:1(0) ack 1 win 0");
    inject(rig, ". 1:1(0) ack 1 win 1500");
    rig_write(rig, 500);
    expect(rig, "P. 1:501(500) ack 1");
    inject(rig, ". 1:1(0) ack 501 win 1000");
    rig->c->snd_wnd_max = 65535;
    rig_write(rig, 999);
    expect(rig, "P. 501:1500(999) ack 1");
    inject(rig, ". 1:1(0) ack 1500 win 1");
    rig_write(rig, 1000);
    silence(rig); // persist begins
    inject(rig, ". 1:1(0) ack 1500 win 2000");
    expect(rig, "P. 1500:2500(1000) ack 1");
    rig_wait(rig, STRATA_SECOND / 4);
    expect(rig, "P. 1500:2500(1000) ack 1"); // a timeout, and no probe
    CHECK_EQ(rig_info(rig).timeouts, 1);
}

/* What waited for a larger window and now goes, but finds nobody to take it, has waited all the same: it is counted, or
 * a neighbour that is gone would be asked for ever (RFC 9293 MUST-20). */
TCP_TEST(a_probe_that_does_not_get_out)
{
    accepted(rig);
    inject(rig, ". 1:1(0) ack 1 win 0");
    inject(rig, ". 1:1(0) ack 1 win 300");
    rig->c->snd_wnd_max = 65535;
    rig_write(rig, 1000);
    silence(rig); // persist begins
    port_set_full(links_port(net_links(rig->net), rig->port), true);
    rig_wait(rig, STRATA_SECOND);
    silence(rig);
    CHECK(rig->c->probes > 0);
    port_set_full(links_port(net_links(rig->net), rig->port), false);
    rig_wait(rig, STRATA_SECOND);
    expect(rig, ". 1:301(300) ack 1");
    CHECK_EQ(rig->c->probes, 0);
}

TCP_TEST(the_programs_timeout_and_answered_probes)
{
    rig->options.user_timeout_ns = 10 * STRATA_SECOND;
    accepted(rig);
    inject(rig, ". 1:1(0) ack 1 win 0");
    rig_write(rig, 3000);
    silence(rig);
    for (int i = 0; i < 600; i++) {
        rig_wait(rig, STRATA_SECOND);
        if (rig_drain(rig) > 0)
            inject(rig, ". 1:1(0) ack 1 win 0");
    }
    CHECK_STATE(rig, "ESTABLISHED"); // RFC 9293 MUST-37
    while (rig_drain(rig) == 0)
        rig_wait(rig, STRATA_SECOND);
    rig_wait(rig, 11 * STRATA_SECOND);
    CHECK_STATE(rig, "CLOSED"); // nobody answered that one
}

TCP_TEST(an_unanswered_probe_ends_it)
{
    accepted(rig);
    inject(rig, ". 1:1(0) ack 1 win 0");
    rig_write(rig, 3000);
    for (int i = 0; i < 100 && rig_state(rig) == STRATA_TCP_ESTABLISHED; i++) {
        rig_wait(rig, 130 * STRATA_SECOND);
        rig_drain(rig);
    }
    CHECK_STATE(rig, "CLOSED");
    CHECK_EQ(tcp_take_error(rig->c), ETIMEDOUT);
}

/* RFC 9293 MUST-35: a window that shrinks to zero over data that is out is probed like any other;
 * RFC 9293 SHLD-17: it is no reason to end. */
TCP_TEST(a_window_that_shrinks_to_zero)
{
    accepted(rig);
    rig_write(rig, 4000);
    CHECK_EQ(rig_drain(rig), 4);
    inject(rig, ". 1:1(0) ack 1001 win 0");
    silence(rig);
    for (int i = 0; i < 60; i++) {
        rig_wait(rig, 130 * STRATA_SECOND);
        expect(rig, ". 1001:1002(1) ack 1"); // RFC 9293 MUST-35
        inject(rig, ". 1:1(0) ack 1001 win 0");
        rig_drain(rig);
    }
    CHECK_STATE(rig, "ESTABLISHED"); // RFC 9293 SHLD-17
    inject(rig, ". 1:1(0) ack 1001 win 65535");
    expect(rig, ". 1001:2001(1000) ack 1");
}

TCP_TEST(a_fin_waits_for_the_window_too)
{
    accepted(rig);
    inject(rig, ". 1:1(0) ack 1 win 0");
    tcp_shutdown(rig->c, STRATA_SHUTDOWN_WRITE);
    silence(rig);
    rig_wait(rig, STRATA_SECOND / 4);
    expect(rig, "F. 1:1(0) ack 1");
    inject(rig, ". 1:1(0) ack 1 win 0");
    rig_wait(rig, STRATA_SECOND / 2);
    expect(rig, "F. 1:1(0) ack 1");
    inject(rig, ". 1:1(0) ack 2 win 0");
    CHECK_STATE(rig, "FIN-WAIT-2");
}

TCP_TEST(the_last_octet_and_the_fin_behind_a_closed_window)
{
    accepted(rig);
    inject(rig, ". 1:1(0) ack 1 win 0");
    rig_write(rig, 2);
    tcp_shutdown(rig->c, STRATA_SHUTDOWN_WRITE);
    silence(rig);
    rig_wait(rig, STRATA_SECOND / 4);
    expect(rig, ". 1:2(1) ack 1");
    inject(rig, ". 1:1(0) ack 1 win 0");
    inject(rig, ". 1:1(0) ack 1 win 100");
    expect(rig, "FP. 1:3(2) ack 1");
    silence(rig);
    inject(rig, ". 1:1(0) ack 4 win 100");
    CHECK_STATE(rig, "FIN-WAIT-2");
}

/* ---- Keep-alive ---------------------------------------------------------------------------------------- */

/* RFC 9293 MUST-25: off, unless asked for. */
TCP_TEST(no_keep_alive_by_itself)
{
    struct tcp_socket_options options;
    tcp_default_options(rig->tcp, &options);
    CHECK(!options.keep_alive);
    accepted(rig);
    rig_wait(rig, 100 * 3600 * STRATA_SECOND);
    silence(rig);
    CHECK_STATE(rig, "ESTABLISHED");
}

/* RFC 9293 MAY-5, RFC 9293 MUST-24: on, per connection; RFC 9293 MUST-28: after two hours; RFC 9293 SHLD-12:
 * no data; RFC 9293 MUST-29: nine probes, not one. */
TCP_TEST(keep_alive)
{
    accepted(rig);
    rig->options.keep_alive = true;
    tcp_set_options(rig->c, &rig->options);
    rig_wait(rig, 7199 * STRATA_SECOND);
    silence(rig);
    rig_wait(rig, STRATA_SECOND);
    expect(rig, ". 0:0(0) ack 1"); // RFC 9293 MUST-28, SHLD-12
    inject(rig, ". 1:1(0) ack 1 win 65535");
    rig_wait(rig, 7199 * STRATA_SECOND);
    silence(rig);
    rig_wait(rig, STRATA_SECOND);
    for (int i = 0; i < 9; i++) {
        CHECK_STATE(rig, "ESTABLISHED"); // RFC 9293 MUST-29
        expect(rig, ". 0:0(0) ack 1");
        rig_wait(rig, 75 * STRATA_SECOND);
    }
    CHECK_STATE(rig, "CLOSED");
    CHECK_EQ(tcp_take_error(rig->c), ETIMEDOUT);
    rig->options.keep_alive = false;
}

TCP_TEST(keep_alive_may_be_turned_off)
{
    rig->options.keep_alive = true;
    accepted(rig); // inherited from the listener
    rig_wait(rig, 7200 * STRATA_SECOND);
    expect(rig, ". 0:0(0) ack 1");
    rig->options.keep_alive = false;
    tcp_set_options(rig->c, &rig->options); // RFC 9293 MUST-24
    rig_wait(rig, 7200 * STRATA_SECOND);
    silence(rig);
}

/* RFC 9293 MUST-27: the times can be set. */
TCP_TEST(keep_alive_times)
{
    rig->options.keep_alive = true;
    rig->options.keep_idle_ns = 10 * STRATA_SECOND;
    rig->options.keep_interval_ns = 2 * STRATA_SECOND;
    rig->options.keep_count = 3;
    accepted(rig);
    rig_wait(rig, 10 * STRATA_SECOND - MS);
    silence(rig);
    rig_wait(rig, MS);
    for (int i = 0; i < 3; i++) {
        expect(rig, ". 0:0(0) ack 1");
        silence(rig);
        rig_wait(rig, 2 * STRATA_SECOND);
    }
    CHECK_STATE(rig, "CLOSED");
}

/* RFC 9293 MUST-26: only when nothing is outstanding and nothing came for the interval. */
TCP_TEST(keep_alive_only_in_silence)
{
    rig->options.keep_alive = true;
    rig->options.keep_idle_ns = 10 * STRATA_SECOND;
    accepted(rig);
    for (int i = 0; i < 5; i++) {
        rig_wait(rig, 9 * STRATA_SECOND);
        inject(rig, "P. %d:%d(1) ack 1 win 65535", 1 + i, 2 + i);
        rig_wait(rig, 40 * MS);
        expect(rig, ". 1:1(0) ack %d", 2 + i);
    }
    rig_write(rig, 5);
    expect(rig, "P. 1:6(5) ack 6");
    for (int i = 0; i < 40; i++) {
        rig_wait(rig, STRATA_SECOND);
        while (*rig_next(rig))
            CHECK(strncmp(rig->line, "P. 1:6(5)", 9) == 0); // that again, and no keep-alive
    }
    inject(rig, ". 6:6(0) ack 6 win 65535");
    rig_wait(rig, 60 * STRATA_SECOND);
    expect(rig, ". 5:5(0) ack 6");
}

TEST_MAIN(TEST_ENTRY(a_closed_window_is_probed), TEST_ENTRY(a_probe_that_fits),
          TEST_ENTRY(an_answered_probe_keeps_it_open), TEST_ENTRY(a_silly_window_and_more_data),
          TEST_ENTRY(a_probe_that_does_not_get_out),
          TEST_ENTRY(the_programs_timeout_and_answered_probes), TEST_ENTRY(an_unanswered_probe_ends_it),
          TEST_ENTRY(a_window_that_shrinks_to_zero), TEST_ENTRY(a_fin_waits_for_the_window_too),
          TEST_ENTRY(the_last_octet_and_the_fin_behind_a_closed_window), TEST_ENTRY(no_keep_alive_by_itself),
          TEST_ENTRY(keep_alive), TEST_ENTRY(keep_alive_may_be_turned_off), TEST_ENTRY(keep_alive_times),
          TEST_ENTRY(keep_alive_only_in_silence))
