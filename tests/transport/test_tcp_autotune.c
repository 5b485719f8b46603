/**
 * Buffers that tune themselves: what grows them, what does not, and what a program's own choice means.
 */
#include "tests/transport/rig.h"
#include "transport/tcp/autotune.h"

/** A rig whose buffers are the host's business. */
static void free_buffers(struct rig *rig)
{
    struct tcp_socket_options defaults;
    tcp_default_options(rig->tcp, &defaults);
    rig->options.send_bytes = defaults.send_bytes;
    rig->options.receive_bytes = defaults.receive_bytes;
    rig->options.send_fixed = rig->options.receive_fixed = false;
}

/** A connection with a round trip of 100 ms, with timestamps or without. */
static void open_slowly(struct rig *rig, bool timestamps)
{
    rig_connect(rig);
    CHECK(*rig_next(rig));
    rig_wait(rig, 100 * MS);
    inject(rig, "S. 0:0(0) ack 1 win 65535 <mss 1000,ws 7%s>", timestamps ? ",ts 100 0" : "");
    expect(rig, ". 1:1(0) ack 1");
}

/** The peer sends `segments` of 1000 octets from `at` on, spread over 100 ms, and the program reads them at
 * once. */
static uint32_t round_trip(struct rig *rig, uint32_t at, unsigned segments, bool timestamps)
{
    // What comes now was sent when it had heard what we said one round trip ago.
    uint32_t echo = tcp_timestamp(&rig->core, rig->c->ts_offset) - 100;
    for (unsigned i = 0; i < segments; i++, at += 1000) {
        if (timestamps)
            inject(rig, ". %u:%u(1000) ack 1 win 65535 <nop,nop,ts 100 %u>", at, at + 1000,
                   echo + 100 * i / segments);
        else
            inject(rig, ". %u:%u(1000) ack 1 win 65535", at, at + 1000);
        CHECK_EQ(rig_read(rig, 1000), 1000);
        rig_drain(rig);
        rig_wait(rig, 100 * MS / segments);
    }
    return at;
}

static void grows(struct rig *rig, bool timestamps)
{
    free_buffers(rig);
    open_slowly(rig, timestamps);
    CHECK_EQ(tcp_buffer_bytes(rig->c, false), 131072);
    uint32_t at = 1;
    // Slow start: what comes in a round trip doubles. The window is ahead of it always.
    for (unsigned segments = 10; segments <= 1280; segments *= 2) {
        CHECK(rig->c->rcv_adv - rig->c->rcv_nxt >= segments * 1000);
        at = round_trip(rig, at, segments, timestamps);
    }
    at = round_trip(rig, at, 1280, timestamps);
    uint32_t grown = tcp_buffer_bytes(rig->c, false);
    CHECK(grown > 2 * 1200000);
    CHECK(grown < 8 * 1280000);
    // It has come to rest: what is read in a round trip rises no more, and so the buffer does not.
    for (int i = 0; i < 4; i++)
        at = round_trip(rig, at, 1280, timestamps);
    CHECK_EQ(tcp_buffer_bytes(rig->c, false), grown);
}

TCP_TEST(the_receive_buffer_grows_with_what_is_read)
{
    grows(rig, true);
}

TCP_TEST(without_timestamps_a_window_tells_the_round_trip)
{
    grows(rig, false);
}

/* Not even the handshake's is known, where its segments had to be sent again. */
TCP_TEST(without_any_round_trip)
{
    free_buffers(rig);
    open_slowly(rig, false);
    rig->c->tune_rtt_us = 0;
    uint32_t at = 1;
    for (unsigned segments = 10; segments <= 160; segments *= 2)
        at = round_trip(rig, at, segments, false);
    for (int i = 0; i < 20; i++)
        at = round_trip(rig, at, 160, false);
    CHECK(tcp_buffer_bytes(rig->c, false) > 2 * 160000);
}

TCP_TEST(a_program_that_reads_slowly_has_a_small_buffer)
{
    free_buffers(rig);
    open_slowly(rig, false);
    uint32_t at = 1;
    for (int i = 0; i < 60; i++) {
        // All that the window lets in comes at once, and 1000 octets of it are read in a round trip.
        while (rig->c->rcv_adv - rig->c->rcv_nxt >= 1000) {
            inject(rig, ". %u:%u(1000) ack 1 win 65535", at, at + 1000);
            at += 1000;
        }
        rig_wait(rig, 100 * MS);
        CHECK_EQ(rig_read(rig, 1000), 1000);
        rig_drain(rig);
    }
    CHECK_EQ(tcp_buffer_bytes(rig->c, false), 131072);
    // Nor is it fooled by gulps that are far between.
    for (int i = 0; i < 20; i++) {
        rig_wait(rig, 3 * STRATA_SECOND);
        while (rig_read(rig, 60000) > 0)
            rig_drain(rig);
        while (rig->c->rcv_adv - rig->c->rcv_nxt >= 1000) {
            inject(rig, ". %u:%u(1000) ack 1 win 65535", at, at + 1000);
            at += 1000;
        }
    }
    CHECK_EQ(tcp_buffer_bytes(rig->c, false), 131072);
}

TCP_TEST(what_the_program_chose_stays)
{
    free_buffers(rig);
    rig->options.receive_fixed = true;
    rig->options.receive_bytes = 100000;
    rig->options.send_fixed = true;
    rig->options.send_bytes = 20000;
    open_slowly(rig, true);
    uint32_t at = 1;
    for (unsigned segments = 10; segments <= 80; segments *= 2)
        at = round_trip(rig, at, segments, true);
    CHECK_EQ(tcp_buffer_bytes(rig->c, false), 100000);
    CHECK(rig->c->rcv_adv - rig->c->rcv_nxt <= 100000);
    CHECK_EQ(rig_write(rig, 100000), 20000);
    rig->c->cwnd = 1000000;
    inject(rig, ". %u:%u(0) ack 10001 win 65535 <nop,nop,ts 100 0>", at, at);
    CHECK_EQ(tcp_buffer_bytes(rig->c, true), 20000);
}

TCP_TEST(a_program_may_choose_later)
{
    free_buffers(rig);
    open_slowly(rig, false);
    CHECK_EQ(tcp_buffer_bytes(rig->c, true), 65536);
    rig->options.send_bytes = 5000;
    rig->options.send_fixed = true;
    tcp_set_options(rig->c, &rig->options);
    CHECK_EQ(tcp_buffer_bytes(rig->c, true), 5000);
    CHECK_EQ(tcp_buffer_bytes(rig->c, false), 131072);
    // Another option changes nothing about sizes that tune themselves.
    rig->c->receive_bytes = 500000;
    rig->options.no_delay = true;
    tcp_set_options(rig->c, &rig->options);
    CHECK_EQ(tcp_buffer_bytes(rig->c, false), 500000);
}

TCP_TEST(moderation_can_be_switched_off)
{
    free_buffers(rig);
    SET(rig, tcp_moderate_rcvbuf, 0);
    open_slowly(rig, true);
    CHECK_EQ(rig->c->receive_scale, 2); // 131072 is all there will be
    uint32_t at = 1;
    for (unsigned segments = 10; segments <= 80; segments *= 2)
        at = round_trip(rig, at, segments, true);
    CHECK_EQ(tcp_buffer_bytes(rig->c, false), 131072);
}

/* RFC 7323-1: the shift is told once, so it is that of the largest buffer there may ever be. */
TCP_TEST(the_window_scale_is_for_the_largest_buffer)
{
    static const struct {
        int64_t most;
        unsigned scale;
    } cases[] = {{65535, 2}, {6291456, 7}, {15728640, 8}, {33554432, 10}};
    free_buffers(rig);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        SET(rig, tcp_receive_most_bytes, cases[i].most); // what it begins with counts too: 131072
        rig_connect(rig);
        rig->know_ts = false;
        const char *said = rig_next(rig);
        char wanted[16];
        snprintf(wanted, sizeof wanted, "ws %u", cases[i].scale);
        CHECK(strstr(said, wanted));
        CHECK(strstr(said, "win 65535"));
        tcp_abort(rig->c);
        rig->c = NULL;
    }
}

/** A window for 10 Gbit/s over 100 ms, where the budget allows it. */
TEST(a_large_host_offers_125_megabytes)
{
    struct rig *rig = rig_new(false, 1500, (size_t)1 << 30);
    free_buffers(rig);
    open_slowly(rig, false);
    CHECK_EQ(rig->c->receive_scale, 13);
    // As if the program had read 62 MB in a round trip.
    rig->c->tune_seq -= 62500000;
    rig->c->tune_bytes = 50000000;
    rig_wait(rig, 150 * MS);
    inject(rig, ". 1:1001(1000) ack 1 win 65535");
    CHECK_EQ(rig_read(rig, 1000), 1000);
    rig_drain(rig);
    CHECK(tcp_buffer_bytes(rig->c, false) >= 125000000);
    CHECK(rig->c->rcv_adv - rig->c->rcv_nxt >= 125000000 - 8192);
    // And the sender keeps two windows of it.
    rig->c->cwnd = 125000000;
    rig->c->ssthresh = rig->c->cwnd;
    CHECK_EQ(rig_write(rig, 1000), 1000);
    CHECK_EQ(tcp_buffer_bytes(rig->c, true), 250000000);
    rig_free(rig);
    // A small host does not: a quarter of its memory is the most.
    rig = rig_new(false, 1500, 4 << 20);
    free_buffers(rig);
    open_slowly(rig, false);
    CHECK_EQ(rig->c->receive_scale, 5);
    rig->c->tune_seq -= 62500000;
    rig_wait(rig, 150 * MS);
    inject(rig, ". 1:1001(1000) ack 1 win 65535");
    CHECK_EQ(rig_read(rig, 1000), 1000);
    CHECK_EQ(tcp_buffer_bytes(rig->c, false), 1 << 20);
    rig_free(rig);
}

/* RFC 9293 SHLD-14: however sizes change, the right edge never moves left. */
TCP_TEST(the_right_edge_never_moves_left)
{
    free_buffers(rig);
    open_slowly(rig, false);
    uint32_t at = 1;
    seq_t edge = rig->c->rcv_adv;
    for (unsigned segments = 10; segments <= 80; segments *= 2) {
        at = round_trip(rig, at, segments, false);
        CHECK(seq_ge(rig->c->rcv_adv, edge));
        edge = rig->c->rcv_adv;
    }
    rig->options.receive_bytes = 4096;
    rig->options.receive_fixed = true;
    tcp_set_options(rig->c, &rig->options);
    CHECK_EQ(rig->c->rcv_adv, edge);
    // All that was promised is taken.
    while (seq_lt(rig->c->rcv_nxt, edge)) {
        uint32_t size = edge - rig->c->rcv_nxt < 1000 ? edge - rig->c->rcv_nxt : 1000;
        inject(rig, ". %u:%u(%u) ack 1 win 65535", at, at + size, size);
        at += size;
        rig_drain(rig);
        CHECK(seq_ge(rig->c->rcv_adv, edge));
    }
    CHECK_EQ(COUNT(rig, tcp_drop_memory), 0);
    CHECK_EQ(rig->c->rcv_nxt, rig->c->rcv_adv);
}

TCP_TEST(the_send_buffer_is_two_congestion_windows)
{
    free_buffers(rig);
    rig_connected(rig, "S. 0:0(0) ack 1 win 65535 <mss 1000,ws 10>");
    inject(rig, ". 1:1(0) ack 1 win 65535");
    CHECK_EQ(rig_write(rig, 1 << 20), 65536);
    CHECK_EQ(tcp_readiness(rig->c) & STRATA_WRITABLE, 0);
    uint64_t acked = 0;
    for (int i = 0; i < 8; i++) {
        // Whenever there is room the program is told, and fills it.
        rig_drain(rig);
        rig_wait(rig, 50 * MS);
        rig->ready = 0;
        while (seq_lt(rig->c->snd_una, rig->c->snd_nxt)) {
            uint32_t left = rig->c->snd_nxt - rig->c->snd_una, step = left < 2000 ? left : 2000;
            inject(rig, ". 1:1(0) ack %u win 65535", rig->c->snd_una + step - rig->our_isn);
            acked += step;
            uint32_t now = tcp_buffer_bytes(rig->c, true);
            CHECK(now == 65536 || now <= 2 * rig_info(rig).cwnd);
            if (rig->ready & STRATA_WRITABLE) {
                CHECK_EQ(tcp_readiness(rig->c) & STRATA_WRITABLE, STRATA_WRITABLE);
                CHECK(rig_write(rig, 1 << 20) > 0);
                rig->ready = 0;
            }
        }
    }
    uint32_t grown = tcp_buffer_bytes(rig->c, true);
    CHECK(grown > 500000);
    CHECK(acked > 500000);
    // All is acknowledged: it holds nothing, and where cwnd has fallen it does not ask for much any more.
    while (rig->c->send.length > 0) {
        rig_drain(rig);
        rig_wait(rig, 50 * MS); // a window that is hardly used is paced
        inject(rig, ". 1:1(0) ack %u win 65535", rig->c->snd_nxt - rig->our_isn);
    }
    CHECK_EQ(rig->core.memory.pages, 0);
    rig->c->cwnd = 10000;
    CHECK_EQ(rig_write(rig, 10), 10);
    CHECK_EQ(tcp_buffer_bytes(rig->c, true), 65536);
}

/** What a connection is offered at first is a share of what there is, so that not much more is promised than
 * there is memory for. */
TEST(a_crowd_begins_small)
{
    struct rig *rig = rig_new(false, 1500, 1 << 20);
    free_buffers(rig);
    rig_listen(rig);
    uint64_t promised = 0;
    uint32_t last = 0;
    for (int i = 0; i < 60; i++) {
        rig->peer.port = (uint16_t)(5000 + i);
        rig->know_isn = false;
        inject(rig, "S 0:0(0) win 65535 <mss 1000,ws 4>");
        const char *said = rig_next(rig), *window = strstr(said, "win ");
        REQUIRE(window);
        last = (uint32_t)atoi(window + 4);
        promised += last;
        inject(rig, ". 1:1(0) ack 1 win 65535");
        rig_drain(rig);
        tcp_abort(tcp_accept(rig->listener, rig));
        rig_drain(rig);
        // One that stays.
        rig->peer.port = (uint16_t)(7000 + i);
        rig->know_isn = false;
        inject(rig, "S 0:0(0) win 65535 <mss 1000,ws 4>");
        rig_drain(rig);
        inject(rig, ". 1:1(0) ack 1 win 65535");
        struct tcp_connection *c = tcp_accept(rig->listener, NULL);
        REQUIRE(c);
        promised += c->rcv_adv - c->rcv_nxt;
    }
    CHECK(last >= 4096 && last < 6000);
    CHECK(promised / 2 < (1 << 20));
    rig_free(rig);
}

/** However small the share, it is a window that the field can tell: with a scale of 13 that takes 8192
 * octets. */
TEST(a_small_share_is_a_window_all_the_same)
{
    struct rig *rig = rig_new(false, 1500, (size_t)1 << 30);
    free_buffers(rig);
    rig->tcp->connection_count += 200000;
    rig_connect(rig);
    rig_drain(rig);
    inject(rig, "S. 0:0(0) ack 1 win 65535 <mss 1000,ws 7>");
    const char *window = strstr(rig_next(rig), "win ");
    REQUIRE(window);
    CHECK_EQ(rig->c->receive_scale, 13);
    CHECK(atoi(window + 4) > 0);
    CHECK(rig->c->receive_bytes < 65536);
    rig->tcp->connection_count -= 200000;
    rig_free(rig);
}

TEST_MAIN(TEST_ENTRY(a_small_share_is_a_window_all_the_same),
          TEST_ENTRY(the_receive_buffer_grows_with_what_is_read),
          TEST_ENTRY(without_timestamps_a_window_tells_the_round_trip),
          TEST_ENTRY(without_any_round_trip),
          TEST_ENTRY(a_program_that_reads_slowly_has_a_small_buffer),
          TEST_ENTRY(what_the_program_chose_stays), TEST_ENTRY(a_program_may_choose_later),
          TEST_ENTRY(moderation_can_be_switched_off), TEST_ENTRY(the_window_scale_is_for_the_largest_buffer),
          TEST_ENTRY(a_large_host_offers_125_megabytes), TEST_ENTRY(the_right_edge_never_moves_left),
          TEST_ENTRY(the_send_buffer_is_two_congestion_windows), TEST_ENTRY(a_crowd_begins_small))
