/**
 * Tail loss probes (RFC 8985 7).
 */
#include "tests/transport/rig.h"
#include "transport/tcp/recovery.h"

/** We say this data; whether PSH is set is not what these tests are about. */
static void data(struct rig *rig, const char *segment)
{
    const char *said = rig_next(rig), *options = strchr(segment, '<');
    size_t length = strcspn(segment, "<") - (options ? 1 : 0);
    const char *at = strchr(said, ' ');
    if (!at || strncmp(at + 1, segment, length) != 0 || (options && !strstr(said, options)))
        CHECK_STR(said, segment);
}

/** Both permit SACK; a round trip of 100 ms; segments of 1000 octets. */
static void connected(struct rig *rig)
{
    rig->options.send_bytes = 1 << 20;
    rig_connect(rig);
    rig_next(rig);
    rig_wait(rig, 100 * MS);
    inject(rig, "S. 0:0(0) ack 1 win 65535 <mss 1000,sackok,nop,nop>");
    rig_drain(rig);
}
/** How long until we say something; at most a minute. */
static strata_time until_said(struct rig *rig)
{
    strata_time begin = rig->core.now;
    while (rig->core.now - begin < 60 * STRATA_SECOND && !*rig_next(rig))
        rig_wait(rig, MS);
    return rig->core.now - begin;
}
#define SAID(rig, text) CHECK(strncmp((rig)->line, text, sizeof text - 1) == 0)

/* RFC 8985-10: two round trips after the last transmission. RFC 8985-12: the last segment again, then the RTO. */
TCP_TEST(a_probe_after_two_round_trips)
{
    connected(rig);
    rig_write(rig, 2500);
    rig_drain(rig);
    CHECK_EQ(until_said(rig), 200 * MS); // RFC 8985-10
    SAID(rig, "P. 2001:2501(500)");       // RFC 8985-12
    CHECK_EQ(COUNT(rig, tcp_tail_probes), 1);
    CHECK_EQ(rig_info(rig).timeouts, 0);
    CHECK_EQ(rig_info(rig).cwnd, 10000);
    strata_time rto = rig_info(rig).rto_ns;
    CHECK_EQ(until_said(rig), rto); // RFC 8985-12: from the probe on. RFC 8985-11: no second probe
    CHECK_EQ(rig_info(rig).timeouts, 1);
    SAID(rig, ". 1:1001(1000)");
}

/* RFC 8985-10: a single segment's ACK may be delayed; and the RTO is the bound. */
TCP_TEST(a_probe_for_a_single_segment)
{
    connected(rig);
    SET(rig, tcp_rto_min_ms, 250);
    rig_write(rig, 1000);
    rig_drain(rig);
    strata_time rto = rig_info(rig).rto_ns;
    CHECK_EQ(rto, 350 * MS);
    CHECK_EQ(until_said(rig), rto); // RFC 8985-10: 2 * 100 + 250 is more than that
    CHECK_EQ(COUNT(rig, tcp_tail_probes), 1);
    CHECK_EQ(rig_info(rig).timeouts, 0);
}

TCP_TEST(a_probe_before_there_is_a_sample)
{
    rig_connect(rig);
    rig_next(rig);
    rig_wait(rig, STRATA_SECOND);
    rig_next(rig);
    inject(rig, "S. 0:0(0) ack 1 win 65535 <mss 1000,sackok,nop,nop>");
    rig_drain(rig);
    rig_write(rig, 1000);
    rig_drain(rig);
    CHECK_EQ(until_said(rig), STRATA_SECOND); // RFC 8985-10: no SRTT
    CHECK_EQ(COUNT(rig, tcp_tail_probes), 1);
}

/* RFC 8985-12: new data if there is any, though cwnd would not let it go. */
TCP_TEST(new_data_is_the_better_probe)
{
    connected(rig);
    rig_write(rig, 20000);
    CHECK_EQ(rig_drain(rig), 10);
    CHECK_EQ(until_said(rig), 200 * MS);
    SAID(rig, ". 10001:11001(1000)"); // RFC 8985-12
    CHECK_EQ(rig_info(rig).segments_retransmitted, 0);
}

TCP_TEST(not_beyond_the_peers_window)
{
    connected(rig);
    inject(rig, ". 1:1(0) ack 1 win 3000");
    rig_write(rig, 20000);
    CHECK_EQ(rig_drain(rig), 3);
    CHECK_EQ(until_said(rig), 200 * MS);
    SAID(rig, ". 2001:3001(1000)");
}

/* RFC 8985-11: not a second one before a round-trip time was measured. */
TCP_TEST(one_probe_at_a_time)
{
    connected(rig);
    rig_write(rig, 3000);
    rig_drain(rig);
    until_said(rig);
    CHECK_EQ(COUNT(rig, tcp_tail_probes), 1);
    rig_write(rig, 3000);
    rig_drain(rig);
    rig_wait(rig, 10 * STRATA_SECOND);
    CHECK_EQ(COUNT(rig, tcp_tail_probes), 1); // RFC 8985-11
    inject(rig, ". 1:1(0) ack 6001 win 65535");
    rig_write(rig, 3000);
    rig_drain(rig);
    rig_wait(rig, 100 * MS);
    inject(rig, ". 1:1(0) ack 9001 win 65535"); // a sample
    rig_write(rig, 3000);
    rig_drain(rig);
    until_said(rig);
    CHECK_EQ(COUNT(rig, tcp_tail_probes), 2);
}

TCP_TEST(no_probe_before_a_sample)
{
    connected(rig);
    rig_write(rig, 1000);
    rig_drain(rig);
    until_said(rig);
    CHECK_EQ(COUNT(rig, tcp_tail_probes), 1);
    inject(rig, ". 1:1(0) ack 1001 win 65535"); // of what was sent twice: no sample
    rig_write(rig, 3000);
    rig_drain(rig);
    until_said(rig);
    CHECK_EQ(COUNT(rig, tcp_tail_probes), 1); // RFC 8985-11
    CHECK_EQ(rig_info(rig).timeouts, 1);
}

/* The tail is lost: the probe's SACK tells RACK, no timeout is needed. */
TCP_TEST(a_lost_tail_is_repaired_without_a_timeout)
{
    connected(rig);
    rig_write(rig, 5000);
    rig_drain(rig);
    rig_wait(rig, 100 * MS);
    inject(rig, ". 1:1(0) ack 2001 win 65535");
    CHECK_EQ(until_said(rig), 200 * MS);
    SAID(rig, "P. 4001:5001(1000)");
    rig_wait(rig, 100 * MS);
    inject(rig, ". 1:1(0) ack 2001 win 65535 <nop,nop,sack 4001:5001>");
    rig_wait(rig, 30 * MS);
    data(rig, "2001:3001(1000) ack 1");
    CHECK_EQ(rig_info(rig).recovery, 2);
    CHECK_EQ(rig_info(rig).timeouts, 0);
}

/** The last of three segments goes again as a probe. */
static void probed(struct rig *rig)
{
    connected(rig);
    rig_write(rig, 3000);
    rig_drain(rig);
    until_said(rig);
    SAID(rig, "P. 2001:3001(1000)");
    rig_wait(rig, 100 * MS);
}

/* RFC 8985-13: the probe has filled the hole, nobody says that it came twice: there was a loss. */
TCP_TEST(a_probe_that_repaired_a_loss)
{
    SET(rig, tcp_window_validation, 0); // which would say what little of the window had been in use
    probed(rig);
    inject(rig, ". 1:1(0) ack 3001 win 65535");
    CHECK_EQ(rig_info(rig).cwnd, 10000);
    rig_write(rig, 1000);
    rig_drain(rig);
    rig_wait(rig, 100 * MS);
    inject(rig, ". 1:1(0) ack 4001 win 65535"); // beyond the probe, no duplicate told of
    CHECK(rig_info(rig).cwnd < 10000);           // RFC 8985-13
    CHECK_EQ(rig_info(rig).cwnd, rig_info(rig).ssthresh);
    CHECK_EQ(rig_info(rig).recovery, 0);
}

/* RFC 8985-13: a duplicate told of, or a duplicate ACK, says that both have arrived. */
TCP_TEST(a_probe_for_nothing)
{
    probed(rig);
    inject(rig, ". 1:1(0) ack 3001 win 65535");
    inject(rig, ". 1:1(0) ack 3001 win 65535 <nop,nop,sack 2001:3001>"); // RFC 8985-13
    rig_write(rig, 1000);
    rig_drain(rig);
    rig_wait(rig, 100 * MS);
    inject(rig, ". 1:1(0) ack 4001 win 65535");
    CHECK_EQ(rig_info(rig).cwnd, 10000);
}

TCP_TEST(a_probe_for_nothing_told_by_a_duplicate_ack)
{
    connected(rig);
    rig_write(rig, 3000);
    rig_drain(rig);
    until_said(rig);
    inject(rig, ". 1:1(0) ack 3001 win 65535");
    rig_write(rig, 1000);
    rig_drain(rig);
    rig_wait(rig, 50 * MS);
    inject(rig, ". 1:1(0) ack 3001 win 65535"); // RFC 8985-13
    rig_wait(rig, 50 * MS);
    inject(rig, ". 1:1(0) ack 4001 win 65535");
    CHECK_EQ(rig_info(rig).cwnd, 10000);
}

TCP_TEST(no_probes_where_nobody_wants_them)
{
    SET(rig, tcp_early_retrans, 0);
    connected(rig);
    rig_write(rig, 3000);
    rig_drain(rig);
    strata_time rto = rig_info(rig).rto_ns;
    CHECK_EQ(until_said(rig), rto);
    CHECK_EQ(rig_info(rig).timeouts, 1);
}

/* Without memory for its record there is no probe: then the RTO. */
TCP_TEST(no_probe_without_memory)
{
    connected(rig);
    rig_write(rig, 3000);
    rig_drain(rig);
    size_t budget = rig->core.memory.budget_bytes;
    rig->core.memory.budget_bytes = rig->core.memory.used_bytes;
    until_said(rig);
    CHECK_EQ(rig_info(rig).timeouts, 1);
    SAID(rig, ". 1:1001(1000)");
    rig->core.memory.budget_bytes = budget;
}

/* A FIN is the last segment too. */
TCP_TEST(a_fin_is_probed_for)
{
    connected(rig);
    rig_write(rig, 500);
    tcp_shutdown(rig->c, STRATA_SHUTDOWN_WRITE);
    expect(rig, "FP. 1:501(500) ack 1");
    until_said(rig);
    SAID(rig, "FP. 1:501(500)");
    CHECK_EQ(COUNT(rig, tcp_tail_probes), 1);
    inject(rig, ". 1:1(0) ack 502 win 65535");
    CHECK_STATE(rig, "FIN-WAIT-2");
}

TEST_MAIN(TEST_ENTRY(a_probe_after_two_round_trips), TEST_ENTRY(a_probe_for_a_single_segment),
          TEST_ENTRY(a_probe_before_there_is_a_sample), TEST_ENTRY(new_data_is_the_better_probe),
          TEST_ENTRY(not_beyond_the_peers_window), TEST_ENTRY(one_probe_at_a_time),
          TEST_ENTRY(no_probe_before_a_sample),
          TEST_ENTRY(a_lost_tail_is_repaired_without_a_timeout), TEST_ENTRY(a_probe_that_repaired_a_loss),
          TEST_ENTRY(a_probe_for_nothing), TEST_ENTRY(a_probe_for_nothing_told_by_a_duplicate_ack),
          TEST_ENTRY(no_probes_where_nobody_wants_them), TEST_ENTRY(no_probe_without_memory),
          TEST_ENTRY(a_fin_is_probed_for))
