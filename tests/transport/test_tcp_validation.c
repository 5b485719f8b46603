/**
 * Congestion window validation (RFC 7661), and what is left of a window after an idle time.
 */
#include "tests/transport/rig.h"
#include "transport/tcp/congestion.h"
#include "transport/tcp/model.h"

#define CUBIC 0
#define NEWRENO 1

static uint32_t cwnd(struct rig *rig)
{
    return rig_info(rig).cwnd;
}
static void ack_all(struct rig *rig)
{
    inject(rig, ". 1:1(0) ack %u win 65535", rig->c->snd_nxt - rig->our_isn);
}
static const struct validation *validation(struct rig *rig)
{
    REQUIRE(rig->c->model);
    return &rig->c->model->validation;
}

/** A round trip of 100 ms and a window of 100 segments of 1000 octets, in congestion avoidance. */
static void connected_with(struct rig *rig, unsigned congestion, const char *more_options)
{
    SET(rig, tcp_early_retrans, 0);
    SET(rig, tcp_slow_start_after_idle, 0);
    rig->options.congestion = congestion;
    rig->options.send_bytes = 1 << 20;
    rig->options.no_delay = true;
    rig_connect(rig);
    rig_next(rig);
    rig_wait(rig, 100 * MS);
    inject(rig, "S. 0:0(0) ack 1 win 65535 <mss 1000,nop,ws 14%s>", more_options);
    rig_drain(rig);
    inject(rig, ". 1:1(0) ack 1 win 65535"); // now scaled
    rig->c->cwnd = 100000;
    rig->c->ssthresh = 50000;
}
static void connected(struct rig *rig)
{
    connected_with(rig, NEWRENO, "");
}

/** The program sends so many segments each 100 ms, for some round trips. */
static void use(struct rig *rig, unsigned segments, unsigned rounds)
{
    for (unsigned i = 0; i < rounds; i++) {
        rig_write(rig, segments * 1000);
        for (int step = 0; step < 100; step++) { // bursts may be spread
            rig_drain(rig);
            rig_wait(rig, MS);
        }
        ack_all(rig);
    }
}

/* RFC 7661-1: less than half of the window acknowledged in a round trip, and it is not validated; RFC 7661-2: then it
 * does not grow. */
TCP_TEST(a_window_that_is_not_used)
{
    connected(rig);
    use(rig, 60, 20);
    CHECK(!validation(rig)->stale); // more than half is in use
    use(rig, 40, 20);
    CHECK(validation(rig)->stale); // RFC 7661-1
    CHECK_EQ(validation_pipe(rig->c), 40000);
    CHECK_EQ(cwnd(rig), 100000); // RFC 7661-2
    use(rig, 60, 5);
    CHECK(!validation(rig)->stale);
    SET(rig, tcp_window_validation, 0);
    use(rig, 40, 20);
    CHECK(!validation(rig)->stale);
}

/* RFC 7661-2: where the driver takes ten segments at a time, whatever the window, that is what is in use. */
TCP_TEST(a_driver_that_takes_little)
{
    connected(rig);
    rig->c->cwnd = 10000;
    rig->c->ssthresh = UINT32_MAX;
    rig_write(rig, 1 << 20);
    rig_drain(rig); // all of the window once: it is what limits
    rig_wait(rig, 100 * MS);
    ack_all(rig);
    for (int round = 0; round < 60; round++) {
        for (int i = 0; i < 10; i++)
            rig_next(rig);
        rig_wait(rig, 100 * MS);
        ack_all(rig);
    }
    CHECK(cwnd(rig) < 50000);
}

/* RFC 7661-3: a loss then says that what was used was too much, not what might have been. */
TCP_TEST(a_loss_while_not_validated)
{
    connected(rig);
    use(rig, 20, 20);
    CHECK(validation(rig)->stale);
    rig_write(rig, 30000);
    for (int i = 0; i < 100; i++) {
        rig_drain(rig);
        rig_wait(rig, MS / 2);
    }
    CHECK_EQ(rig_info(rig).flight, 30000);
    unsigned una = rig->c->snd_una - rig->our_isn;
    for (int i = 0; i < 3; i++)
        inject(rig, ". 1:1(0) ack %u win 65535", una);
    CHECK_EQ(rig_info(rig).recovery, 2);
    CHECK_EQ(rig_info(rig).ssthresh, 15000); // RFC 7661-3: max(pipeACK, LossFlightSize) / 2
    rig_wait(rig, 20 * MS);
    rig_drain(rig);
    ack_all(rig);
    CHECK_EQ(rig_info(rig).recovery, 0);
    CHECK(cwnd(rig) <= 14500); // less half of what was sent again
    CHECK(!validation(rig)->measured && !validation(rig)->stale); // undefined again
}

/** The same for CUBIC with SACK: `used` segments a round trip, then 30 at once, of which the first is lost. */
static void lose_with_cubic(struct rig *rig, unsigned used)
{
    connected_with(rig, CUBIC, ",sackok");
    use(rig, used, 20);
    CHECK(validation(rig)->stale);
    CHECK_EQ(validation_pipe(rig->c), used * 1000);
    rig_write(rig, 30000);
    for (int i = 0; i < 100; i++) {
        rig_drain(rig);
        rig_wait(rig, MS / 2);
    }
    CHECK_EQ(rig_info(rig).flight, 30000);
    unsigned una = rig->c->snd_una - rig->our_isn;
    inject(rig, ". 1:1(0) ack %u win 65535 <nop,nop,sack %u:%u>", una, una + 1000, una + 4000);
    CHECK_EQ(rig_info(rig).recovery, 2);
}

/* RFC 7661-3: half of the more of pipeACK and what was out, where CUBIC by itself would have seven tenths of what was
 * out; and in the end half of that less what had to be sent again. */
TCP_TEST(a_loss_with_cubic)
{
    lose_with_cubic(rig, 20);
    CHECK_EQ(rig_info(rig).ssthresh, 15000); // RFC 7661-3
    CHECK_EQ(rig_drain(rig), 1);
    rig_wait(rig, 50 * MS);
    ack_all(rig);
    CHECK_EQ(rig_info(rig).recovery, 0);
    CHECK_EQ(cwnd(rig), 14500); // RFC 7661-3

    struct rig *own = rig_new(rig->ipv6, 1500, 0);
    lose_with_cubic(own, 40);
    CHECK_EQ(rig_info(own).ssthresh, 20000); // RFC 7661-3
    rig_free(own);
}

/* RFC 7661-1: the most of late, which is within a second here. */
TCP_TEST(what_was_used_of_late)
{
    connected(rig);
    use(rig, 40, 20);
    CHECK_EQ(validation_pipe(rig->c), 40000);
    for (int i = 0; i < 5; i++) {
        use(rig, 10, 1);
        CHECK_EQ(validation_pipe(rig->c), 40000); // RFC 7661-1
    }
    use(rig, 10, 7);
    CHECK_EQ(validation_pipe(rig->c), 10000); // RFC 7661-1
}

/* RFC 7661-4: beyond an initial window, bursts are spread. */
TCP_TEST(bursts_are_bounded)
{
    connected(rig);
    use(rig, 60, 10);
    rig_write(rig, 80000);
    CHECK_EQ(rig_drain(rig), 80); // in use, so it may
    ack_all(rig);
    use(rig, 5, 20);
    CHECK(validation(rig)->stale);
    rig_write(rig, 80000);
    unsigned at_once = rig_drain(rig);
    CHECK(at_once >= 10 && at_once <= 20); // RFC 7661-4
    rig_wait(rig, 100 * MS);
    for (int i = 0; i < 100; i++) {
        rig_drain(rig);
        rig_wait(rig, MS);
    }
    CHECK_EQ(rig_info(rig).flight, 80000); // a round trip later it is out
}

/* RFC 7661-5: after five minutes the window is halved, and ssthresh remembers three quarters. */
TCP_TEST(five_minutes)
{
    connected(rig);
    use(rig, 20, 20);
    CHECK(validation(rig)->stale);
    use(rig, 20, 2950);
    CHECK_EQ(cwnd(rig), 100000);
    use(rig, 20, 60);
    CHECK_EQ(cwnd(rig), 50000); // RFC 7661-5
    CHECK_EQ(rig_info(rig).ssthresh, 75000);
    rig_wait(rig, 3600 * STRATA_SECOND);
    rig_write(rig, 1000);
    rig_drain(rig);
    CHECK_EQ(cwnd(rig), 10000); // never below the initial window
}

/* RFC 5681-12 as it was, and switched off. */
TCP_TEST(after_an_idle_time)
{
    connected(rig);
    use(rig, 90, 5);
    rig_wait(rig, 10 * STRATA_SECOND);
    rig_write(rig, 100000);
    rig_drain(rig);
    CHECK(cwnd(rig) >= 100000);
    rig_wait(rig, 100 * MS);
    ack_all(rig);
    uint32_t before = cwnd(rig);
    SET(rig, tcp_slow_start_after_idle, 1);
    rig_wait(rig, 10 * STRATA_SECOND);
    rig_write(rig, 100000);
    CHECK_EQ(rig_drain(rig), 10); // RFC 5681-12
    CHECK_EQ(rig_info(rig).ssthresh, before - before / 4);
}

TEST_MAIN(TEST_ENTRY(a_window_that_is_not_used), TEST_ENTRY(a_driver_that_takes_little),
          TEST_ENTRY(a_loss_while_not_validated),
          TEST_ENTRY(a_loss_with_cubic),
          TEST_ENTRY(what_was_used_of_late), TEST_ENTRY(bursts_are_bounded), TEST_ENTRY(five_minutes),
          TEST_ENTRY(after_an_idle_time))
