/**
 * HyStart++ (RFC 9406), in CUBIC's and NewReno's first slow start.
 */
#include "tests/transport/rig.h"
#include "transport/tcp/congestion.h"
#include "transport/tcp/model.h"

static uint32_t cwnd(struct rig *rig)
{
    return rig_info(rig).cwnd;
}
static void ack(struct rig *rig, unsigned segments)
{
    inject(rig, ". 1:1(0) ack %u win 65535", rig->c->snd_una - rig->our_isn + segments * 1000);
}
static const struct hystart *hystart(struct rig *rig)
{
    REQUIRE(rig->c->model);
    return &rig->c->model->hystart;
}

/** Segments of 1000 octets, 10 of them out; the handshake took `rtt`. */
static void sending(struct rig *rig, unsigned congestion, strata_time rtt)
{
    SET(rig, tcp_early_retrans, 0);
    rig->options.congestion = (uint8_t)congestion;
    rig->options.send_bytes = 1 << 24;
    rig_connect(rig);
    rig_next(rig);
    rig_wait(rig, rtt);
    inject(rig, "S. 0:0(0) ack 1 win 65535 <mss 1000,nop,ws 14>");
    rig_drain(rig);
    inject(rig, ". 1:1(0) ack 1 win 65535"); // now scaled
    rig_write(rig, 1 << 24);
    CHECK_EQ(rig_drain(rig), 10);
}

/** A round trip that takes `rtt`: all that is out is acknowledged, one by one. @return how much the window grew. */
static uint32_t round_trip(struct rig *rig, strata_time rtt)
{
    uint32_t out = rig_info(rig).flight / 1000, before = cwnd(rig);
    rig_wait(rig, rtt);
    for (uint32_t i = 0; i < out; i++)
        ack(rig, 1);
    rig_drain(rig);
    return cwnd(rig) - before;
}

/* RFC 9438-12: CUBIC's slow start is this one, and NewReno's; where nothing rises it is an ordinary slow start. */
TCP_TEST(a_steady_path)
{
    for (unsigned congestion = 0; congestion <= 1; congestion++) {
        struct rig *own = rig_new(rig->ipv6, 1500, 0);
        sending(own, congestion, 50 * MS);
        CHECK(hystart(own)->active); // RFC 9438-12
        for (uint32_t window = 10000; window < 600000; window *= 2)
            CHECK_EQ(round_trip(own, 50 * MS), window);
        CHECK(hystart(own)->active && !hystart(own)->slow);
        rig_free(own);
    }
    sending(rig, 2, 50 * MS);
    CHECK(!hystart(rig)->active); // not Reno's
}

/** The least rise that counts after rounds of `rtt`, and one that is a bit less. */
static void rise(struct rig *rig, strata_time rtt, strata_time enough)
{
    for (int sufficient = 0; sufficient < 2; sufficient++) {
        struct rig *own = rig_new(rig->ipv6, 1500, 0);
        sending(own, 0, rtt);
        round_trip(own, rtt);
        round_trip(own, rtt);
        CHECK(!hystart(own)->slow);
        strata_time last = hystart(own)->last_ns;
        CHECK_EQ(last, rtt); // RFC 9406-1
        round_trip(own, rtt + enough - (sufficient ? 0 : 1));
        CHECK_EQ(hystart(own)->slow, sufficient == 1); // RFC 9406-2
        rig_free(own);
    }
}

/* RFC 9406-1: the least of each round. RFC 9406-2: an eighth more, 4 ms at least and 16 ms at most. */
TCP_TEST(what_a_rise_is)
{
    rise(rig, 80 * MS, 10 * MS);
    rise(rig, 10 * MS, 4 * MS);  // RFC 9406-2
    rise(rig, 400 * MS, 16 * MS);
}

/* RFC 9406-2: seven samples are too few. */
TCP_TEST(few_samples)
{
    sending(rig, 0, 50 * MS);
    round_trip(rig, 50 * MS);
    round_trip(rig, 50 * MS);
    uint32_t out = rig_info(rig).flight / 1000;
    rig_wait(rig, 80 * MS);
    CHECK_EQ(hystart(rig)->samples, 0); // a round has just begun
    for (int i = 0; i < 7; i++)
        ack(rig, 1);
    CHECK(!hystart(rig)->slow);
    ack(rig, 1);
    CHECK(hystart(rig)->slow); // RFC 9406-2
    CHECK(out > 8);
}

/** In conservative slow start, with a baseline of 70 ms. */
static void slow(struct rig *rig)
{
    sending(rig, 0, 50 * MS);
    round_trip(rig, 50 * MS);
    round_trip(rig, 50 * MS);
    round_trip(rig, 70 * MS);
    CHECK(hystart(rig)->slow);
    CHECK_EQ(hystart(rig)->baseline_ns, 70 * MS);
}

/* RFC 9406-3: a quarter of the growth. RFC 9406-5: after five rounds congestion avoidance begins where we are. */
TCP_TEST(five_conservative_rounds)
{
    slow(rig);
    unsigned rounds = hystart(rig)->rounds;
    CHECK_EQ(rounds, 1); // the one in which it began counts, though it is over
    while (hystart(rig)->active) {
        uint32_t before = cwnd(rig), grown = round_trip(rig, 75 * MS);
        if (hystart(rig)->active)
            CHECK(grown >= before / 4 - 1000 && grown <= before / 4 + 1000); // RFC 9406-3
        rounds++;
        REQUIRE(rounds < 10);
    }
    CHECK_EQ(rounds, 5); // RFC 9406-5
    CHECK(rig->c->ssthresh <= cwnd(rig) && rig->c->ssthresh > cwnd(rig) - 2000);
}

/* RFC 9406-4: the rise was jitter. */
TCP_TEST(a_fall_below_the_baseline)
{
    slow(rig);
    round_trip(rig, 69 * MS);
    CHECK(!hystart(rig)->slow && hystart(rig)->active); // RFC 9406-4
    uint32_t before = cwnd(rig);
    CHECK_EQ(round_trip(rig, 69 * MS), before);
}

/* RFC 9406-5: a loss ends it; RFC 9406-7: for good. */
TCP_TEST(a_loss)
{
    slow(rig);
    rig_wait(rig, 70 * MS);
    for (int i = 0; i < 3; i++)
        inject(rig, ". 1:1(0) ack %u win 65535", rig->c->snd_una - rig->our_isn);
    CHECK_EQ(rig_info(rig).recovery, 2);
    CHECK(!hystart(rig)->active); // RFC 9406-5
    rig_drain(rig);
    rig_wait(rig, 400 * MS);
    CHECK_EQ(rig_info(rig).recovery, 3); // a slow start follows, but not the first
    rig_drain(rig);
    ack(rig, 1);
    CHECK(!hystart(rig)->active); // RFC 9406-7
    rig->options.congestion = 1;
    tcp_set_options(rig->c, &rig->options); // nor with another algorithm
    CHECK(!hystart(rig)->active);
}

/* RFC 9406-6: at most eight segments for an ACK, or as many as it covers where they are paced, or where the path
 * reorders and ACKs jump. */
TCP_TEST(stretched_acks)
{
    enum { PLAIN, PACED, REORDERED };
    for (int how = PLAIN; how <= REORDERED; how++) {
        struct rig *own = rig_new(rig->ipv6, 1500, 0);
        own->core.settings.tcp_pacing = how == PACED;
        sending(own, 0, 0);
        CHECK_EQ((own->c->flags & FLAG_PACED) != 0, how == PACED);
        if (how == REORDERED)
            own->c->flags |= FLAG_REORDERED;
        ack(own, 10);
        CHECK_EQ(cwnd(own), how == PLAIN ? 18000 : 20000); // RFC 9406-6
        rig_free(own);
    }
}

/** Slow start as Linux has it, in a path of 100 ms, with a window of so many segments. */
static void classic(struct rig *rig, unsigned segments)
{
    SET(rig, tcp_hystart, HYSTART_CLASSIC);
    sending(rig, 0, 100 * MS);
    while (cwnd(rig) < segments * 1000)
        round_trip(rig, 100 * MS);
    CHECK(hystart(rig)->active);
}

/* The classic form: ACKs that follow each other within 2 ms for half a round trip tell that the path is full; such as
 * come in a burst, or with gaps, do not. */
TCP_TEST(the_length_of_a_train)
{
    for (int gap_ms = 1; gap_ms <= 3; gap_ms += 2) {
        struct rig *own = rig_new(rig->ipv6, 1500, 0);
        classic(own, 160);
        CHECK(rig_info(own).flight >= 60000);
        rig_wait(own, 100 * MS);
        for (int i = 0; i <= 50; i++) {
            ack(own, 1);
            CHECK(hystart(own)->active);
            rig_wait(own, gap_ms * MS);
        }
        ack(own, 1);
        CHECK_EQ(hystart(own)->active, gap_ms == 3);
        CHECK_EQ(rig_info(own).ssthresh, gap_ms == 3 ? UINT32_MAX : cwnd(own) / 1000 * 1000); // and a bit, by CUBIC
        rig_free(own);
    }
}

/* Or when nine samples of a round all exceed the least round-trip time by an eighth; with less than sixteen segments
 * nobody looks. */
TCP_TEST(the_delay_of_nine)
{
    for (int large = 0; large < 2; large++) {
        for (int late = 0; late < 2; late++) {
            struct rig *own = rig_new(rig->ipv6, 1500, 0);
            classic(own, large ? 160 : 10);
            // Two round trips, of which the first is not late.
            for (unsigned round = 0; round < 2; round++) {
                unsigned out = rig_info(own).flight / 1000;
                CHECK(out >= 10);
                rig_wait(own, round == 0 ? 100 * MS : late ? 114 * MS : 111 * MS);
                for (unsigned i = 0; i < out; i++) {
                    ack(own, 1);
                    own->c->cwnd = large ? own->c->cwnd : 15000;
                }
                rig_drain(own);
            }
            CHECK_EQ(hystart(own)->active, !(large && late));
            rig_free(own);
        }
    }
}

/* Where the host does not want it. */
TCP_TEST(switched_off)
{
    SET(rig, tcp_hystart, 0);
    sending(rig, 0, 50 * MS);
    CHECK(!hystart(rig)->active);
}

/* Without the pluses: from 16 segments on, and the ACK that ends slow start belongs to congestion avoidance. */
TCP_TEST(the_classic_form)
{
    SET(rig, tcp_hystart, HYSTART_CLASSIC);
    sending(rig, 1, 200 * MS);
    CHECK_EQ(round_trip(rig, 200 * MS), 10000);
    rig_wait(rig, 240 * MS); // 20 ms more would not have been enough
    for (uint32_t i = 1; i <= 8; i++) {
        ack(rig, 1);
        CHECK_EQ(cwnd(rig), 20000 + i * 1000);
        rig_wait(rig, 1 * MS);
    }
    CHECK_EQ(rig->c->ssthresh, UINT32_MAX);
    ack(rig, 1); // the ninth sample of the round
    CHECK_EQ(rig->c->ssthresh, 28000);
    CHECK_EQ(cwnd(rig), 28000);
    CHECK(!hystart(rig)->active);
}

TEST_MAIN(TEST_ENTRY(a_steady_path), TEST_ENTRY(what_a_rise_is), TEST_ENTRY(few_samples),
          TEST_ENTRY(five_conservative_rounds), TEST_ENTRY(a_fall_below_the_baseline), TEST_ENTRY(a_loss),
          TEST_ENTRY(stretched_acks), TEST_ENTRY(the_length_of_a_train), TEST_ENTRY(the_delay_of_nine),
          TEST_ENTRY(switched_off), TEST_ENTRY(the_classic_form))
