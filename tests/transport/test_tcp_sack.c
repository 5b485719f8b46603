/**
 * Selective acknowledgements, told and heard: RFC 2018, duplicates in them: RFC 2883, losses found by counting: RFC
 * 6675.
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

/** Both permit SACK; a round trip of 100 ms; segments of 1000 octets; plenty of window. */
static void connected(struct rig *rig)
{
    rig->options.congestion = 1; // NewReno, which halves
    SET(rig, tcp_hystart, 0);
    rig->options.send_bytes = 1 << 20;
    rig_connect(rig);
    expect(rig, "S 0:0(0) <mss *,sackok,ts 0 0,ws *>");
    rig_wait(rig, 100 * MS);
    inject(rig, "S. 0:0(0) ack 1 win 65535 <mss 1000,sackok,nop,nop>");
    rig_drain(rig);
}
static void sending(struct rig *rig, size_t size, unsigned segments)
{
    connected(rig);
    rig_write(rig, size);
    CHECK_EQ(rig_drain(rig), segments);
    rig_wait(rig, 100 * MS);
}

/* ---- Told ---------------------------------------------------------------------------------------------- */

/* RFC 2018-1: SACK-permitted is on SYNs; on anything else it says nothing, and we never say it there. RFC 2018-2: who
 * did not permit SACK gets none. */
TCP_TEST(sack_is_agreed_on_in_syns)
{
    rig_connect(rig);
    expect(rig, "S 0:0(0) <mss *,sackok,ts 0 0,ws *>");
    inject(rig, "S. 0:0(0) ack 1 win 65535 <mss 1000>");
    expect(rig, ". 1:1(0) ack 1 <>"); // RFC 2018-1
    inject(rig, ". 1:1(0) ack 1 win 65535 <sackok,nop,nop>");
    inject(rig, ". 1001:1011(10) ack 1 win 65535 <sackok,nop,nop>");
    expect(rig, ". 1:1(0) ack 1 <>"); // RFC 2018-2
    silence(rig);
}

TCP_TEST(a_listener_permits_sack_to_those_who_do)
{
    rig_listen(rig);
    inject(rig, "S 0:0(0) win 65535 <mss 1000,sackok,nop,nop>");
    expect(rig, "S. 0:0(0) ack 1 <mss *,sackok>");
    inject(rig, ". 1:1(0) ack 1 win 65535");
    inject(rig, ". 11:21(10) ack 1 win 65535");
    expect(rig, ". 1:1(0) ack 1 <sack 11:21>");
    rig->peer.port++;
    inject(rig, "S 0:0(0) win 65535 <mss 1000>");
    expect(rig, "S. 0:0(0) ack 1 <mss *>"); // RFC 2018-2
    inject(rig, ". 1:1(0) ack 1 win 65535");
    inject(rig, ". 11:21(10) ack 1 win 65535");
    expect(rig, ". 1:1(0) ack 1 <>");
    rig->peer.port++;
    SET(rig, tcp_sack, 0);
    inject(rig, "S 0:0(0) win 65535 <mss 1000,sackok,nop,nop>");
    expect(rig, "S. 0:0(0) ack 1 <mss *>");
}

/* RFC 2018-3: the first block is the one that called for the ACK, the others follow, latest first (RFC 2018-4). */
TCP_TEST(the_latest_block_comes_first)
{
    connected(rig);
    inject(rig, ". 1001:1101(100) ack 1 win 65535");
    expect(rig, ". 1:1(0) ack 1 <sack 1001:1101>");
    inject(rig, ". 3001:3101(100) ack 1 win 65535");
    expect(rig, ". 1:1(0) ack 1 <sack 3001:3101 1001:1101>"); // RFC 2018-3
    inject(rig, ". 2001:2101(100) ack 1 win 65535");
    expect(rig, ". 1:1(0) ack 1 <sack 2001:2101 3001:3101 1001:1101>");
    inject(rig, ". 1101:1201(100) ack 1 win 65535");
    expect(rig, ". 1:1(0) ack 1 <sack 1001:1201 2001:2101 3001:3101>"); // RFC 2018-4
    inject(rig, ". 5001:5101(100) ack 1 win 65535");
    inject(rig, ". 4001:4101(100) ack 1 win 65535");
    expect(rig, ". 1:1(0) ack 1 <sack 5001:5101 4001:4101 1001:1201 2001:2101>"); // each its own (RFC 2018-3)
    expect(rig, ". 1:1(0) ack 1 <sack 4001:4101 5001:5101 1001:1201 2001:2101>"); // RFC 2018-4: four fit
    inject(rig, ". 1:1001(1000) ack 1 win 65535"); // fills the first hole: that range is no more
    expect(rig, ". 1:1(0) ack 1201 <sack 4001:4101 5001:5101 2001:2101 3001:3101>");
}

TCP_TEST(three_blocks_beside_timestamps)
{
    rig_accept(rig, "S 0:0(0) win 65535 <mss 1000,sackok,ts 100 0>");
    for (int i = 5; i > 0; i--) {
        inject(rig, ". %d:%d(100) ack 1 win 65535 <nop,nop,ts 100 0>", i * 1000 + 1, i * 1000 + 101);
        rig_next(rig);
    }
    inject(rig, ". 6001:6101(100) ack 1 win 65535 <nop,nop,ts 100 0>");
    expect(rig, ". 1:1(0) ack 1 <ts * 100,sack 6001:6101 1001:1101 2001:2101>"); // RFC 2018-4
}

/* RFC 2018-5: on every ACK as long as there is something, on data too. */
TCP_TEST(every_ack_tells)
{
    connected(rig);
    inject(rig, ". 1001:1101(100) ack 1 win 65535");
    expect(rig, ". 1:1(0) ack 1 <sack 1001:1101>");
    rig_write(rig, 4940);
    data(rig, "1:989(988) ack 1 <sack 1001:1101>"); // RFC 2018-5: the option takes twelve octets
    data(rig, "989:1977(988) ack 1 <sack 1001:1101>");
    rig_drain(rig);
    inject(rig, "F. 1101:1101(0) ack 4941 win 65535");
    expect(rig, ". 4941:4941(0) ack 1 <sack 1001:1101>");
    inject(rig, ". 1:1001(1000) ack 4941 win 65535");
    expect(rig, ". 4941:4941(0) ack 1102 <>");
}

/* RFC 2018-8: what was thrown away is not told of, beside the newest. */
TCP_TEST(what_was_thrown_away_is_not_told_of)
{
    connected(rig);
    inject(rig, ". 1001:1101(100) ack 1 win 65535");
    inject(rig, ". 2001:2101(100) ack 1 win 65535");
    rig_drain(rig);
    struct memory *memory = &rig->core.memory;
    size_t budget = memory->budget_bytes;
    memory->budget_bytes = memory->used_bytes; // nothing is left: what is out of order makes room for what is next
    inject(rig, ". 1:1001(1000) ack 1 win 65535");
    CHECK_EQ(COUNT(rig, tcp_evicted), 200);
    memory->budget_bytes = budget;
    rig_drain(rig);
    inject(rig, ". 3001:3101(100) ack 1 win 65535");
    expect(rig, ". 1:1(0) ack 1001 <sack 3001:3101>"); // RFC 2018-8
}

/* RFC 2883-1: a duplicate is told of as it was, in one ACK only. */
TCP_TEST(a_duplicate_is_told_of_once)
{
    connected(rig);
    inject(rig, ". 1:501(500) ack 1 win 65535");
    rig_wait(rig, STRATA_SECOND);
    rig_drain(rig);
    inject(rig, ". 101:301(200) ack 1 win 65535");
    expect(rig, ". 1:1(0) ack 501 <sack 101:301>"); // RFC 2883-1
    silence(rig);
    inject(rig, ". 1001:1101(100) ack 1 win 65535");
    expect(rig, ". 1:1(0) ack 501 <sack 1001:1101>"); // not again
    inject(rig, ". 401:601(200) ack 1 win 65535");
    expect(rig, ". 1:1(0) ack 601 <sack 401:501 1001:1101>"); // the part that was old
    inject(rig, ". 1:501(500) ack 1 win 65535");
    inject(rig, ". 1:501(500) ack 1 win 65535");
    expect(rig, ". 1:1(0) ack 601 <sack 1:501 1001:1101>"); // two of them, two ACKs
    expect(rig, ". 1:1(0) ack 601 <sack 1:501 1001:1101>");
    silence(rig);
    CHECK_EQ(COUNT(rig, tcp_dsacks_sent), 4);
    SET(rig, tcp_dsack, 0);
    inject(rig, ". 1:501(500) ack 1 win 65535");
    expect(rig, ". 1:1(0) ack 601 <sack 1001:1101>");
}

/* RFC 2883-2: where it lies in a range that is held, the second block gives that. */
TCP_TEST(a_duplicate_of_what_is_held)
{
    connected(rig);
    inject(rig, ". 3001:3101(100) ack 1 win 65535");
    inject(rig, ". 1001:2001(1000) ack 1 win 65535");
    inject(rig, ". 5001:5101(100) ack 1 win 65535");
    rig_drain(rig);
    inject(rig, ". 1201:1401(200) ack 1 win 65535");
    expect(rig, ". 1:1(0) ack 1 <sack 1201:1401 1001:2001 5001:5101 3001:3101>"); // RFC 2883-2
    inject(rig, ". 1901:2101(200) ack 1 win 65535"); // half of it is new
    expect(rig, ". 1:1(0) ack 1 <sack 1901:2001 1001:2101 5001:5101 3001:3101>");
    silence(rig);
}

/* Without memory for the list of duplicates the ACK goes without. */
TCP_TEST(a_duplicate_without_memory)
{
    connected(rig);
    inject(rig, ". 1:501(500) ack 1 win 65535");
    rig_wait(rig, STRATA_SECOND);
    rig_drain(rig);
    size_t budget = rig->core.memory.budget_bytes;
    rig->core.memory.budget_bytes = rig->core.memory.used_bytes;
    inject(rig, ". 101:301(200) ack 1 win 65535");
    expect(rig, ". 1:1(0) ack 501 <>");
    rig->core.memory.budget_bytes = budget;
}

/* ---- Heard --------------------------------------------------------------------------------------------- */

/* RFC 2018-7: SACKed data stays until it is acknowledged: the peer may throw it away. RFC 2018-6: when it has, the
 * timeout forgets all of it and begins at the left edge. */
TCP_TEST(a_receiver_that_reneges)
{
    sending(rig, 10000, 10);
    inject(rig, ". 1:1(0) ack 1 win 65535 <nop,nop,sack 1001:10001>");
    data(rig, "1:1001(1000) ack 1");
    silence(rig);
    CHECK_EQ(rig->c->sent.sacked_bytes, 9000);
    CHECK_EQ(rig->c->send.length, 10000); // RFC 2018-7
    // It has the first one now, and nothing else any more.
    rig_wait(rig, 100 * MS);
    inject(rig, ". 1:1(0) ack 1001 win 65535");
    rig_drain(rig);
    rig_wait(rig, 60 * MS); // not a whole timeout: it is clear enough
    CHECK_EQ(COUNT(rig, tcp_sacks_reneged), 1);
    CHECK_EQ(rig->c->sent.sacked_bytes, 0);
    data(rig, "1001:2001(1000) ack 1"); // RFC 2018-6
    for (unsigned at = 2001; at <= 10001; at += 1000) {
        rig_wait(rig, 100 * MS);
        inject(rig, ". 1:1(0) ack %u win 65535", at);
        rig_drain(rig);
    }
    CHECK_EQ(rig_info(rig).flight, 0);
    CHECK_EQ(rig_info(rig).recovery, 0);
}

/* A SACK that comes with the missing acknowledgement a moment later is no reneging. */
TCP_TEST(a_receiver_that_is_slow_to_acknowledge)
{
    sending(rig, 10000, 10);
    inject(rig, ". 1:1(0) ack 1 win 65535 <nop,nop,sack 1001:10001>");
    rig_drain(rig);
    rig_wait(rig, 100 * MS);
    inject(rig, ". 1:1(0) ack 1001 win 65535 <nop,nop,sack 1001:10001>");
    rig_wait(rig, 5 * MS);
    inject(rig, ". 1:1(0) ack 10001 win 65535");
    rig_wait(rig, 10 * STRATA_SECOND);
    silence(rig);
    CHECK_EQ(COUNT(rig, tcp_sacks_reneged), 0);
}

/* Blocks of what was never sent, or lies behind, or is no block, are lies or garbage: they count for nothing. */
TCP_TEST(a_peer_that_lies)
{
    sending(rig, 10000, 10);
    inject(rig, ". 1:1(0) ack 1 win 65535 <nop,nop,sack 5001:10002>");
    inject(rig, ". 1:1(0) ack 1 win 65535 <nop,nop,sack 3000001:3001001>");
    inject(rig, ". 1:1(0) ack 1 win 65535 <nop,nop,sack 5001:5001>");
    inject(rig, ". 1:1(0) ack 1 win 65535 <nop,nop,sack 6001:5001>");
    CHECK_EQ(COUNT(rig, tcp_sacks_discarded), 4);
    CHECK_EQ(rig->c->sent.sacked_bytes, 0);
    CHECK_EQ(rig->c->snd_una, rig->our_isn + 1);
    CHECK_EQ(rig_info(rig).recovery, 0);
    // An ACK of what was never sent does not count either, with whatever it says in its blocks.
    inject(rig, ". 1:1(0) ack 11001 win 65535 <nop,nop,sack 5001:6001>");
    CHECK_EQ(rig->c->sent.sacked_bytes, 0);
    expect(rig, ". 10001:10001(0) ack 1");
}

/* A peer that SACKs single octets cannot make us keep a record of each. */
TCP_TEST(a_peer_that_splits_hairs)
{
    sending(rig, 10000, 10);
    size_t before = rig->core.memory.used_bytes;
    for (unsigned at = 2; at < 10000; at += 8)
        inject(rig, ". 1:1(0) ack 1 win 65535 <nop,nop,sack %u:%u %u:%u %u:%u %u:%u>", at, at + 1, at + 2, at + 3,
               at + 4, at + 5, at + 6, at + 7);
    CHECK(rig->core.memory.used_bytes - before < 16384);
    rig_drain(rig);
    inject(rig, ". 1:1(0) ack 10001 win 65535");
    CHECK_EQ(rig_info(rig).flight, 0);
}

/* RFC 2883-3: a duplicate is one below the ACK it came with, or inside the second block. RFC 2883-4: SND.UNA, which may
 * be further, says nothing: an old ACK's first block is no duplicate for that. */
TCP_TEST(a_duplicate_is_heard)
{
    sending(rig, 10000, 10);
    inject(rig, ". 1:1(0) ack 5001 win 65535 <nop,nop,sack 1001:2001>"); // below the ACK
    CHECK_EQ(COUNT(rig, tcp_dsacks_received), 1);                          // RFC 2883-3
    inject(rig, ". 1:1(0) ack 5001 win 65535 <nop,nop,sack 7001:8001 6001:9001>");
    CHECK_EQ(COUNT(rig, tcp_dsacks_received), 2); // inside the second
    CHECK_EQ(rig->c->sent.sacked_bytes, 3000);
    inject(rig, ". 1:1(0) ack 5001 win 65535 <nop,nop,sack 6001:9001 7001:8001>");
    CHECK_EQ(COUNT(rig, tcp_dsacks_received), 2); // the other way round it is none
    inject(rig, ". 1:1(0) ack 1001 win 65535 <nop,nop,sack 3001:4001>"); // an old ACK, overtaken
    CHECK_EQ(COUNT(rig, tcp_dsacks_received), 2);                          // RFC 2883-4
}

/* ---- By counting (RFC 6675), where RACK is turned off ---------------------------------------------------- */

/* RFC 6675-1: three ranges above, or more than two segments' octets. RFC 6675-2: or three duplicates. RFC 6675-3. */
TCP_TEST(losses_are_counted)
{
    SET(rig, tcp_recovery, 0);
    sending(rig, 10000, 10);
    inject(rig, ". 1:1(0) ack 1 win 65535 <nop,nop,sack 4001:5001>");
    inject(rig, ". 1:1(0) ack 1 win 65535 <nop,nop,sack 4001:6001>");
    silence(rig);
    CHECK_EQ(rig_info(rig).recovery, 1);
    inject(rig, ". 1:1(0) ack 1 win 65535 <nop,nop,sack 4001:6002>");
    CHECK_EQ(rig->c->sent.lost_bytes, 4000); // RFC 6675-1: more than two segments
    CHECK_EQ(rig_info(rig).recovery, 2);
    CHECK_EQ(rig_info(rig).ssthresh, 5000); // RFC 6675-3
    CHECK_EQ(rig->c->recover, rig->our_isn + 10001);
    data(rig, "1:1001(1000) ack 1"); // RFC 6675-3
    silence(rig);
}

TCP_TEST(three_ranges_are_enough)
{
    SET(rig, tcp_recovery, 0);
    sending(rig, 10000, 10);
    inject(rig, ". 1:1(0) ack 1 win 65535 <nop,nop,sack 9001:9301>");
    inject(rig, ". 1:1(0) ack 1 win 65535 <nop,nop,sack 7001:7301 9001:9301>");
    CHECK_EQ(rig->c->sent.lost_bytes, 0);
    inject(rig, ". 1:1(0) ack 1 win 65535 <nop,nop,sack 5001:5301 7001:7301 9001:9301>");
    CHECK_EQ(rig->c->sent.lost_bytes, 5000); // RFC 6675-1: three ranges; 5301:7001 has only two above
    CHECK_EQ(rig_info(rig).recovery, 2);      // RFC 6675-2
}

/* RFC 6675-2: the third duplicate is enough for the first segment, however little has arrived. */
TCP_TEST(three_duplicates_are_enough)
{
    SET(rig, tcp_recovery, 0);
    sending(rig, 10000, 10);
    inject(rig, ". 1:1(0) ack 1 win 65535 <nop,nop,sack 4001:4101>");
    inject(rig, ". 1:1(0) ack 1 win 65535 <nop,nop,sack 4001:4201>");
    CHECK_EQ(rig->c->sent.lost_bytes, 0);
    inject(rig, ". 1:1(0) ack 1 win 65535 <nop,nop,sack 4001:4301>");
    CHECK_EQ(rig->c->sent.lost_bytes, 1000); // RFC 6675-2
    CHECK_EQ(rig_info(rig).recovery, 2);
}

/* RFC 6675 4, NextSeg (1) and (2): what is lost goes before new data. RFC 6675-5: one for each that makes room. RFC
 * 6675-6: it ends when all that was out is acknowledged, not before. RFC 9937-8. */
TCP_TEST(lost_data_first_then_new_data)
{
    connected(rig);
    rig_write(rig, 20000);
    CHECK_EQ(rig_drain(rig), 10);
    rig_wait(rig, 100 * MS);
    inject(rig, ". 1:1(0) ack 1 win 65535 <nop,nop,sack 2001:5001>");
    data(rig, "1:1001(1000) ack 1");
    silence(rig);
    inject(rig, ". 1:1(0) ack 1 win 65535 <nop,nop,sack 2001:9001>");
    data(rig, "1001:2001(1000) ack 1");   // NextSeg (1)
    data(rig, "10001:11001(1000) ack 1"); // RFC 6675-5
    rig_next(rig);
    silence(rig);
    CHECK_EQ(connection_pipe(rig->c), rig->c->ssthresh);
    inject(rig, ". 1:1(0) ack 9001 win 65535");
    CHECK_EQ(rig_info(rig).recovery, 2); // RFC 6675-6
    inject(rig, ". 1:1(0) ack 10001 win 65535");
    CHECK_EQ(rig_info(rig).recovery, 0); // RFC 6675-6
}

/* RFC 6675-4, NextSeg (3): when nothing is lost and there is nothing new, what lies below something SACKED goes too. */
TCP_TEST(what_is_suspected_when_there_is_nothing_new)
{
    SET(rig, tcp_recovery, 0);
    sending(rig, 10000, 10);
    inject(rig, ". 1:1(0) ack 1 win 65535 <nop,nop,sack 1001:7001 8001:9001>");
    CHECK_EQ(rig->c->sent.lost_bytes, 1000);
    data(rig, "1:1001(1000) ack 1");      // NextSeg (1)
    data(rig, "7001:8001(1000) ack 1");   // RFC 6675-4, (3)
    data(rig, "9001:10001(1000) ack 1");  // RFC 6675-4, (4)
    CHECK_EQ(connection_pipe(rig->c), 3000);
    CHECK_EQ(rig->c->cwnd, 5000);
    silence(rig); // RFC 6675-5: octets that are out twice count twice
    inject(rig, ". 1:1(0) ack 1 win 65535 <nop,nop,sack 1001:9001>");
    silence(rig); // RFC 6675-4: all of it has gone
    inject(rig, ". 1:1(0) ack 10001 win 65535");
    CHECK_EQ(rig_info(rig).recovery, 0);
}

/* RFC 6675-4, NextSeg (4): one rescue segment for each recovery, which holds the last octet that has not arrived. New
 * data goes before it. */
TCP_TEST(one_segment_to_the_rescue)
{
    SET(rig, tcp_recovery, 0);
    sending(rig, 10000, 10);
    inject(rig, ". 1:1(0) ack 1 win 65535 <nop,nop,sack 1001:7001>");
    data(rig, "1:1001(1000) ack 1");
    data(rig, "9001:10001(1000) ack 1"); // RFC 6675-4
    silence(rig);
    rig_wait(rig, 100 * MS);
    inject(rig, ". 1:1(0) ack 7001 win 65535");
    CHECK_EQ(rig_info(rig).recovery, 2);
    silence(rig); // RFC 6675-4: not twice, though there is room
    CHECK(connection_pipe(rig->c) + rig->c->smss <= rig->c->cwnd);
    rig_write(rig, 1000);
    data(rig, "10001:11001(1000) ack 1"); // NextSeg (2)
    silence(rig);
}

/* With new data in hand nothing is sent on suspicion. */
TCP_TEST(new_data_goes_before_suspects)
{
    SET(rig, tcp_recovery, 0);
    sending(rig, 12000, 10);
    inject(rig, ". 1:1(0) ack 1 win 65535 <nop,nop,sack 1001:7001 8001:9001>");
    data(rig, "1:1001(1000) ack 1");
    data(rig, "10001:11001(1000) ack 1"); // RFC 6675-4, (2)
    rig_drain(rig);
    CHECK_EQ(rig->c->snd_nxt, rig->our_isn + 12001);
}

/* RFC 6675-7: a timeout in a recovery: nothing new begins until all that was out is acknowledged. */
TCP_TEST(a_timeout_in_a_recovery)
{
    SET(rig, tcp_recovery, 1); // no probe
    sending(rig, 10000, 10);
    inject(rig, ". 1:1(0) ack 1 win 65535 <nop,nop,sack 2001:5001>");
    data(rig, "1:1001(1000) ack 1");
    silence(rig);
    rig_wait(rig, 400 * MS);
    CHECK_EQ(rig_info(rig).timeouts, 1);
    CHECK_EQ(rig_info(rig).recovery, 3);
    data(rig, "1:1001(1000) ack 1");
    unsigned before = rig_info(rig).fast_retransmits;
    rig_wait(rig, 100 * MS);
    inject(rig, ". 1:1(0) ack 1001 win 65535 <nop,nop,sack 2001:9001>");
    CHECK_EQ(rig_info(rig).recovery, 3); // RFC 6675-7
    CHECK_EQ(rig_info(rig).fast_retransmits, before);
    data(rig, "1001:2001(1000) ack 1");
    data(rig, "9001:10001(1000) ack 1"); // what is SACKed stays SACKed
    rig_wait(rig, 100 * MS);
    inject(rig, ". 1:1(0) ack 10001 win 65535");
    CHECK_EQ(rig_info(rig).recovery, 0);
}

/* Without memory for the record losses are counted, the window comes down at once, and all goes on. */
TCP_TEST(recovery_without_memory)
{
    sending(rig, 20000, 10);
    size_t budget = rig->core.memory.budget_bytes;
    inject(rig, ". 1:1(0) ack 2001 win 65535"); // cwnd grows, more goes out
    rig_drain(rig);
    rig->core.memory.budget_bytes = rig->core.memory.used_bytes;
    for (int i = 0; i < 3; i++)
        inject(rig, ". 1:1(0) ack 2001 win 65535 <nop,nop,sack 3001:%d>", 4001 + i * 1000);
    CHECK(rig->c->repair == NULL);
    CHECK_EQ(rig_info(rig).recovery, 2);
    data(rig, "2001:3001(1000) ack 1");
    rig->core.memory.budget_bytes = budget;
    inject(rig, ". 1:1(0) ack 13001 win 65535");
    CHECK_EQ(rig_info(rig).recovery, 0);
    CHECK_EQ(rig_info(rig).flight, 0);
    CHECK_EQ(rig_drain(rig), 6); // half, and a segment for what the last ACK brought
}

/* RFC 3042-1 with SACK: each that has arrived makes room. RFC 3042-3: an ACK that tells nothing does not. */
TCP_TEST(limited_transmit_with_sack)
{
    sending(rig, 20000, 10);
    inject(rig, ". 1:1(0) ack 1 win 65535 <nop,nop,sack 9001:10001>");
    data(rig, "10001:11001(1000) ack 1"); // RFC 3042-1
    silence(rig);
    CHECK_EQ(rig_info(rig).cwnd, 10000); // RFC 3042-2
    inject(rig, ". 1:1(0) ack 1 win 65535 <nop,nop,sack 9001:10001>");
    silence(rig); // RFC 3042-3
    inject(rig, ". 1:1(0) ack 1 win 65535 <nop,nop,sack 8001:10001>");
    data(rig, "11001:12001(1000) ack 1");
    silence(rig);
}

/* What a block covers of a segment in part may count as not there: whoever SACKs single octets makes nothing of it. */
TCP_TEST(whole_segments_only)
{
    SET(rig, tcp_sack_segments, 1);
    rig->options.no_delay = true;
    connected(rig);
    CHECK_EQ(rig_write(rig, 4500), 4500);
    rig_drain(rig);
    inject(rig, ". 1:1(0) ack 1 win 65535 <nop,nop,sack 4500:4501>");
    inject(rig, ". 1:1(0) ack 1 win 65535 <nop,nop,sack 1002:2001>");
    inject(rig, ". 1:1(0) ack 1 win 65535 <nop,nop,sack 1001:2000>");
    CHECK_EQ(rig_info(rig).sacked_bytes, 0);
    CHECK_EQ(rig->c->sent.count, 1);
    inject(rig, ". 1:1(0) ack 1 win 65535 <nop,nop,sack 1500:3999>");
    CHECK_EQ(rig_info(rig).sacked_bytes, 1000);
    inject(rig, ". 1:1(0) ack 1 win 65535 <nop,nop,sack 2001:4501>"); // to the end, which is no full segment
    CHECK_EQ(rig_info(rig).sacked_bytes, 2500);
    SET(rig, tcp_sack_segments, 0);
    inject(rig, ". 1:1(0) ack 1 win 65535 <nop,nop,sack 1500:4501>");
    CHECK_EQ(rig_info(rig).sacked_bytes, 3001);
}

TEST_MAIN(TEST_ENTRY(sack_is_agreed_on_in_syns), TEST_ENTRY(a_listener_permits_sack_to_those_who_do),
          TEST_ENTRY(the_latest_block_comes_first), TEST_ENTRY(three_blocks_beside_timestamps),
          TEST_ENTRY(every_ack_tells), TEST_ENTRY(what_was_thrown_away_is_not_told_of),
          TEST_ENTRY(a_duplicate_is_told_of_once), TEST_ENTRY(a_duplicate_of_what_is_held),
          TEST_ENTRY(a_duplicate_without_memory), TEST_ENTRY(a_receiver_that_reneges),
          TEST_ENTRY(a_receiver_that_is_slow_to_acknowledge), TEST_ENTRY(a_peer_that_lies),
          TEST_ENTRY(a_peer_that_splits_hairs), TEST_ENTRY(a_duplicate_is_heard), TEST_ENTRY(losses_are_counted),
          TEST_ENTRY(three_ranges_are_enough), TEST_ENTRY(three_duplicates_are_enough),
          TEST_ENTRY(lost_data_first_then_new_data),
          TEST_ENTRY(what_is_suspected_when_there_is_nothing_new), TEST_ENTRY(one_segment_to_the_rescue),
          TEST_ENTRY(new_data_goes_before_suspects), TEST_ENTRY(a_timeout_in_a_recovery),
          TEST_ENTRY(recovery_without_memory), TEST_ENTRY(limited_transmit_with_sack),
          TEST_ENTRY(whole_segments_only))
