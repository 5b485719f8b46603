/**
 * Memory for data ahead of its turn: bounds for one connection and for all, what goes when, and that honest
 * connections do not notice a thousand others that hold an octet each at the far ends of their windows.
 */
#include "base/memory.h"
#include "tests/transport/rig.h"

enum { FAR_WINDOW = 60000 };

static void accepted(struct rig *rig)
{
    rig->options.receive_bytes = FAR_WINDOW;
    rig_accept(rig, "S 0:0(0) win 65535 <mss 1000,sackok>");
}

/* What was told of in SACK stays; what comes beyond the bound is dropped, and its ACK does not tell of it
 * (RFC 2018-8). */
TCP_TEST(a_connection_has_a_bound)
{
    SET(rig, tcp_out_of_order_bytes, 5 * PAGE_BYTES);
    accepted(rig);
    // Four pages, and what is needed to find them, by an octet each.
    for (unsigned i = 1; i <= 4; i++) {
        unsigned at = 1 + i * 2 * PAGE_BYTES;
        inject(rig, ". %u:%u(1) ack 1 win 65535", at, at + 1);
        rig_drain(rig);
    }
    size_t held = rig->tcp->out_of_order_bytes;
    CHECK(held > 4 * PAGE_BYTES && held <= 5 * PAGE_BYTES);
    inject(rig, ". 50001:50002(1) ack 1 win 65535");
    expect(rig, ". 1:1(0) ack 1 <sack 32769:32770 24577:24578 16385:16386 8193:8194>");
    CHECK_EQ(COUNT(rig, tcp_drop_out_of_order), 1);
    CHECK_EQ(rig->tcp->out_of_order_bytes, held);
    CHECK_EQ(rig_info(rig).out_of_order_bytes, 4);
    // A page that is there anyway takes as much as it holds.
    inject(rig, ". %u:%u(1000) ack 1 win 65535", 2 + 8 * PAGE_BYTES, 1002 + 8 * PAGE_BYTES);
    rig_drain(rig);
    CHECK_EQ(rig_info(rig).out_of_order_bytes, 1004);
    CHECK_EQ(COUNT(rig, tcp_drop_out_of_order), 1);
    CHECK_EQ(COUNT(rig, tcp_evicted), 0);
    // In order all goes on, to the octet that was dropped and comes again.
    for (unsigned at = 1; at < 50001; at += 1000)
        inject(rig, ". %u:%u(1000) ack 1 win 65535", at, at + 1000);
    CHECK_EQ(rig->tcp->out_of_order_bytes, 0);
    CHECK_EQ(rig_read(rig, FAR_WINDOW), 50000);
    rig_drain(rig);
}

/* Each hole that closes gives back what was charged for it, and nothing else. */
TCP_TEST(what_comes_into_order_is_not_charged)
{
    accepted(rig);
    for (unsigned at = 2001; at < 50001; at += 2000)
        inject(rig, ". %u:%u(1000) ack 1 win 65535", at, at + 1000);
    size_t held = rig->tcp->out_of_order_bytes;
    CHECK(held >= 12 * PAGE_BYTES);
    for (unsigned at = 1; at < 50001; at += 2000) {
        inject(rig, ". %u:%u(1000) ack 1 win 65535", at, at + 1000);
        inject(rig, ". %u:%u(1000) ack 1 win 65535", at + 1000, at + 2000);
        CHECK(rig->tcp->out_of_order_bytes <= held);
        held = rig->tcp->out_of_order_bytes;
        CHECK(held <= 2 * PAGE_BYTES + (50001 - at - 2000));
        if (at == 20001)
            CHECK_EQ(rig_read(rig, 10000), 10000); // the ring moves on meanwhile
    }
    CHECK_EQ(held, 0);
    CHECK_EQ(rig_read(rig, 50000), 40000);
    rig_drain(rig);
}

/* Alone, it leaves as much of what is set aside as it takes. */
TEST(one_connection_takes_half)
{
    for (int ipv6 = 0; ipv6 < 2; ipv6++) {
        struct rig *rig = rig_new(ipv6, 1500, 1 << 20);
        SET(rig, tcp_out_of_order_percent, 25);
        rig->options.receive_bytes = 1 << 18;
        rig_accept(rig, "S 0:0(0) win 65535 <mss 1000,sackok,nop,ws 7>");
        // Its far end: a page for an octet, and a table of pages that reaches so far.
        inject(rig, ". 60001:60002(1) ack 1 win 65535");
        rig_drain(rig); // the window is scaled from now on
        inject(rig, ". 250001:250002(1) ack 1 win 65535");
        CHECK(rig->tcp->out_of_order_bytes >= PAGE_BYTES + 250000 / PAGE_BYTES * sizeof(void *));
        for (unsigned at = 1001; at < 240001; at += 1000) {
            inject(rig, ". %u:%u(1000) ack 1 win 65535", at, at + 1000);
            rig_drain(rig);
        }
        CHECK(rig->tcp->out_of_order_bytes <= 1 << 17);
        CHECK(rig_info(rig).out_of_order_bytes > (1 << 17) - 3 * PAGE_BYTES);
        CHECK(COUNT(rig, tcp_drop_out_of_order) > 0);
        rig_free(rig);
    }
}

/** The peer opens one more, from another port. */
static struct tcp_connection *open_another(struct rig *rig, unsigned which)
{
    rig->peer.port = (uint16_t)(5000 + which);
    inject(rig, "S 0:0(0) win 65535 <mss 1000,sackok,nop,ws 7>");
    REQUIRE(strncmp(rig_next(rig), "S.", 2) == 0);
    inject(rig, ". 1:1(0) ack 1 win 65535");
    REQUIRE(rig_take(rig));
    return rig->c;
}

enum { ATTACKERS = 1000, HONEST = 8, BUDGET = 64 << 20, SENT = 60000 };

struct stage {
    struct rig *rig;
    struct {
        struct tcp_connection *c;
        seq_t isn;
    } honest[HONEST];
    size_t others; /**< What the attackers took. */
};

static void turn_to(struct stage *stage, unsigned which)
{
    stage->rig->peer.port = (uint16_t)(5000 + which);
    stage->rig->c = stage->honest[which].c;
    stage->rig->our_isn = stage->honest[which].isn;
}

/** The first of the honest ones has lost two segments. */
static void lose_two(struct stage *stage)
{
    turn_to(stage, 0);
    inject(stage->rig, ". 1001:2001(1000) ack 1 win 65535");
    inject(stage->rig, ". 3001:4001(1000) ack 1 win 65535");
    rig_drain(stage->rig);
}

/** A host with some honest connections; then a thousand come that send an octet each, as far ahead as they
 * may. */
static void stage_set(struct stage *stage, bool ipv6, size_t budget, bool attack)
{
    struct rig *rig = rig_new(ipv6, 1500, budget);
    stage->rig = rig;
    rig->options.receive_bytes = 1 << 17;
    rig_listen(rig);
    for (unsigned i = 0; i < HONEST; i++) {
        stage->honest[i].c = open_another(rig, i);
        stage->honest[i].isn = rig->our_isn;
    }
    lose_two(stage);
    size_t before = rig->tcp->out_of_order_bytes;
    for (unsigned i = 0; i < ATTACKERS; i++) {
        struct tcp_connection *c = open_another(rig, HONEST + i);
        unsigned end = c->rcv_adv - c->rcv_nxt;
        if (attack)
            inject(rig, ". %u:%u(1) ack 1 win 65535", end, end + 1);
        rig_drain(rig);
    }
    stage->others = rig->tcp->out_of_order_bytes - before;
}

/** The windows that honest connections offer once each was sent something and some have read it. */
static void fill_windows(struct stage *stage, uint32_t window[HONEST])
{
    struct rig *rig = stage->rig;
    for (unsigned at = 1; at < SENT; at += 1000)
        for (unsigned i = 0; i < HONEST; i++) {
            turn_to(stage, i);
            inject(rig, ". %u:%u(1000) ack 1 win 65535", at, at + 1000);
            rig_drain(rig);
        }
    for (unsigned i = 0; i < HONEST; i++) {
        turn_to(stage, i);
        if (i % 2 == 0)
            CHECK_EQ(rig_read(rig, SENT), SENT);
        rig_drain(rig);
        window[i] = rig->c->rcv_adv - rig->c->rcv_nxt;
    }
}

/* Neither the window nor a single octet of those who send in order depends on it; and who loses a segment
 * still finds room for what follows. */
TEST(a_thousand_far_octets_take_nothing_from_the_honest)
{
    for (int ipv6 = 0; ipv6 < 2; ipv6++) {
        uint32_t window[2][HONEST];
        for (int attack = 0; attack < 2; attack++) {
            struct stage stage;
            stage_set(&stage, ipv6, BUDGET, attack);
            struct rig *rig = stage.rig;
            CHECK(!attack || stage.others > (size_t)ATTACKERS * PAGE_BYTES);
            CHECK(stage.others < BUDGET / 4);
            fill_windows(&stage, window[attack]);
            CHECK_EQ(COUNT(rig, tcp_drop_memory), 0);
            CHECK_EQ(COUNT(rig, tcp_drop_out_of_order), 0);
            // One of them, which has not read yet, loses a segment: the rest of its window is kept.
            turn_to(&stage, 3);
            for (unsigned at = SENT + 2001; at < SENT + 40001; at += 1000)
                inject(rig, ". %u:%u(1000) ack 1 win 65535", at, at + 1000);
            CHECK_EQ(rig_info(rig).out_of_order_bytes, 38000);
            inject(rig, ". %u:%u(1000) ack 1 win 65535", SENT + 1, SENT + 1001);
            inject(rig, ". %u:%u(1000) ack 1 win 65535", SENT + 1001, SENT + 2001);
            rig_drain(rig);
            CHECK_EQ(rig_read(rig, 1 << 20), SENT + 40000);
            CHECK_EQ(COUNT(rig, tcp_evicted), 0);
            rig_free(rig);
        }
        CHECK_MEM(window[0], window[1], sizeof window[0]);
    }
}

/* Nor where memory is short and windows are what is left divided by those who hold something. */
TEST(a_thousand_far_octets_make_no_window_smaller)
{
    uint32_t window[2][HONEST];
    for (int attack = 0; attack < 2; attack++) {
        struct stage stage;
        stage_set(&stage, false, 5 << 19, attack);
        fill_windows(&stage, window[attack]);
        CHECK_EQ(COUNT(stage.rig, tcp_drop_memory), 0);
        CHECK_EQ(COUNT(stage.rig, tcp_drop_out_of_order) > 0, attack);
        rig_free(stage.rig);
    }
    CHECK_MEM(window[0], window[1], sizeof window[0]);
}

/* Where the budget is too small for all of that, they share what is set aside for it and no more. */
TEST(all_connections_together_have_a_bound)
{
    for (int ipv6 = 0; ipv6 < 2; ipv6++) {
        struct stage stage;
        enum { SMALL = 17 << 18 };
        stage_set(&stage, ipv6, SMALL, true);
        struct rig *rig = stage.rig;
        CHECK(stage.others <= SMALL / 2);
        CHECK(stage.others > SMALL / 3);
        int64_t dropped = COUNT(rig, tcp_drop_out_of_order);
        CHECK(dropped > ATTACKERS / 3);
        CHECK_EQ(COUNT(rig, tcp_evicted), 0); // those who came first keep theirs
        // Somebody loses a segment: what follows finds no room,
        turn_to(&stage, 1);
        inject(rig, ". 5001:6001(1000) ack 1 win 65535");
        CHECK_EQ(rig_info(rig).out_of_order_bytes, 0);
        CHECK_EQ(COUNT(rig, tcp_drop_out_of_order), dropped + 1);
        expect(rig, ". 1:1(0) ack 1");
        // but those who wait for long and get nowhere make room in the end; whoever gets on does not.
        rig_wait(rig, 9 * STRATA_SECOND);
        turn_to(&stage, 0);
        inject(rig, ". 1:1001(1000) ack 1 win 65535");
        rig_drain(rig);
        turn_to(&stage, 1);
        inject(rig, ". 5001:6001(1000) ack 1 win 65535");
        CHECK_EQ(rig_info(rig).out_of_order_bytes, 0);
        rig_wait(rig, 2 * STRATA_SECOND);
        rig_drain(rig);
        inject(rig, ". 5001:6001(1000) ack 1 win 65535");
        expect(rig, ". 1:1(0) ack 1 <sack 5001:6001>");
        CHECK(COUNT(rig, tcp_evicted) >= 1 && COUNT(rig, tcp_evicted) < 10);
        turn_to(&stage, 0);
        CHECK_EQ(rig_info(rig).out_of_order_bytes, 1000);
        rig_free(rig);
    }
}

/* In order there is memory to the last page of the budget: what the thousand hold goes for it, whoever has
 * waited longest first, and what belongs to the one that makes progress goes last. */
TEST(far_octets_go_when_data_in_order_wants_their_pages)
{
    for (int ipv6 = 0; ipv6 < 2; ipv6++) {
        struct stage stage;
        stage_set(&stage, ipv6, BUDGET, true);
        struct rig *rig = stage.rig;
        turn_to(&stage, 0);
        inject(rig, ". 1:1001(1000) ack 1 win 65535");
        // From now on nothing more is to be had above what rings leave.
        rig->core.memory.budget_bytes = rig->core.memory.used_bytes * 64 / 53;
        for (unsigned i = 1; i < HONEST; i++) {
            turn_to(&stage, i);
            for (unsigned at = 1; at < 30001; at += 1000)
                inject(rig, ". %u:%u(1000) ack 1 win 65535", at, at + 1000);
            CHECK_EQ(rig->c->receive.length, 30000);
        }
        CHECK_EQ(COUNT(rig, tcp_drop_memory), 0);
        CHECK(COUNT(rig, tcp_evicted) > 50 && COUNT(rig, tcp_evicted) < 100);
        turn_to(&stage, 0);
        CHECK_EQ(rig_info(rig).out_of_order_bytes, 1000);
        rig->core.memory.budget_bytes = BUDGET;
        rig_free(rig);
    }
}

TEST_MAIN(TEST_ENTRY(a_connection_has_a_bound), TEST_ENTRY(one_connection_takes_half),
          TEST_ENTRY(what_comes_into_order_is_not_charged),
          TEST_ENTRY(a_thousand_far_octets_take_nothing_from_the_honest),
          TEST_ENTRY(a_thousand_far_octets_make_no_window_smaller),
          TEST_ENTRY(all_connections_together_have_a_bound),
          TEST_ENTRY(far_octets_go_when_data_in_order_wants_their_pages))
