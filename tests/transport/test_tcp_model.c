/**
 * What congestion control knows of the path: delivery rate, the program's pauses, memory that is not there, and another
 * algorithm in the middle of a connection.
 */
#include "tests/transport/rig.h"
#include "transport/tcp/congestion.h"
#include "transport/tcp/model.h"

static void connected(struct rig *rig, unsigned congestion)
{
    SET(rig, tcp_early_retrans, 0);
    SET(rig, tcp_hystart, 0);
    rig->options.congestion = (uint8_t)congestion;
    rig->options.send_bytes = 1 << 20;
    rig->options.no_delay = true;
    rig_connect(rig);
    rig_next(rig);
    rig_wait(rig, 100 * MS);
    inject(rig, "S. 0:0(0) ack 1 win 65535 <mss 1000,nop,ws 14,sackok,nop,nop>");
    rig_drain(rig);
    inject(rig, ". 1:1(0) ack 1 win 65535"); // now scaled
}
static void ack(struct rig *rig, unsigned segments)
{
    inject(rig, ". 1:1(0) ack %u win 65535", rig->c->snd_una - rig->our_isn + segments * 1000);
}

/* Ten segments in a round trip of 100 ms; then two each 10 ms, as the bottleneck lets them pass. */
TCP_TEST(the_rate)
{
    connected(rig, 1);
    CHECK_EQ(model_delivery_rate(rig->c), 0);
    rig_write(rig, 1000000);
    CHECK_EQ(rig_drain(rig), 10);
    rig_wait(rig, 100 * MS);
    ack(rig, 10);
    CHECK_EQ(model_delivery_rate(rig->c), 100000);
    CHECK(!model_rate_is_app_limited(rig->c));
    CHECK_EQ(model_delivered(rig->c), 10000);
    rig_drain(rig);
    rig_wait(rig, 100 * MS);
    for (int i = 0; i < 20; i++) {
        ack(rig, 2);
        rig_drain(rig);
        rig_wait(rig, 10 * MS);
    }
    uint64_t rate = model_delivery_rate(rig->c);
    CHECK(rate >= 190000 && rate <= 210000);
}

/* Many sends at times of their own: the log stays short and the rate exact. */
TCP_TEST(a_log_that_is_full)
{
    connected(rig, 1);
    rig->c->cwnd = 10000000;
    for (int i = 0; i < 1000; i++) {
        rig_write(rig, 1000);
        CHECK_EQ(rig_drain(rig), 1);
        rig_wait(rig, MS / 10);
        if (i >= 300)
            ack(rig, 1);
    }
    CHECK(rig->c->model->room <= 64);
    CHECK(rig->c->model->count > 16);
    uint64_t rate = model_delivery_rate(rig->c);
    CHECK(rate >= 9800000 && rate <= 10200000);
}

/* What the program did not offer the path need not be what the path can do. */
TCP_TEST(a_program_that_pauses)
{
    connected(rig, 1);
    rig_write(rig, 20000);
    CHECK_EQ(rig_drain(rig), 10);
    rig_wait(rig, 100 * MS);
    ack(rig, 10);
    CHECK_EQ(rig_drain(rig), 10);
    rig_wait(rig, 100 * MS);
    ack(rig, 10);
    uint64_t best = model_delivery_rate(rig->c);
    CHECK_EQ(best, 100000);
    for (int i = 0; i < 5; i++) {
        rig_write(rig, 1000);
        CHECK_EQ(rig_drain(rig), 1);
        rig_wait(rig, 100 * MS);
        ack(rig, 1);
    }
    CHECK_EQ(model_delivery_rate(rig->c), best); // the slower samples are the program's doing
}

/* What arrives by SACK counts when it is told of, and once. */
TCP_TEST(selective_acknowledgements)
{
    connected(rig, 1);
    rig_write(rig, 1000000);
    CHECK_EQ(rig_drain(rig), 10);
    rig_wait(rig, 100 * MS);
    inject(rig, ". 1:1(0) ack 1 win 65535 <nop,nop,sack 1001:6001>");
    CHECK_EQ(model_delivered(rig->c), 5000);
    inject(rig, ". 1:1(0) ack 6001 win 65535");
    CHECK_EQ(model_delivered(rig->c), 6000);
}

/* Little data needs no model; more gets one with the data. */
TCP_TEST(little_needs_none)
{
    connected(rig, 0);
    rig_write(rig, 2000);
    rig_drain(rig);
    CHECK(rig->c->model == NULL);
    CHECK_STR(rig_info(rig).congestion, "cubic");
    ack(rig, 2);
    rig_write(rig, 3000);
    rig_drain(rig);
    CHECK(rig->c->model != NULL);
}

/* Without memory it is NewReno's; when there is some, it is CUBIC's again. */
TCP_TEST(without_memory)
{
    connected(rig, 0);
    rig_write(rig, 30000);
    size_t budget = rig->core.memory.budget_bytes;
    rig->core.memory.budget_bytes = rig->core.memory.used_bytes;
    CHECK_EQ(rig_drain(rig), 10);
    CHECK(rig->c->model == NULL);
    CHECK(congestion_of(rig->c) == &congestion_newreno);
    CHECK_EQ(model_delivery_rate(rig->c), 0);
    rig_wait(rig, 100 * MS);
    ack(rig, 10);
    CHECK_EQ(rig_info(rig).cwnd, 11000); // RFC 5681's slow start
    rig->core.memory.budget_bytes = budget;
    CHECK_EQ(rig_drain(rig), 11);
    CHECK(rig->c->model != NULL);
    CHECK(congestion_of(rig->c) == &congestion_cubic);
    rig_wait(rig, 100 * MS);
    ack(rig, 11);
    CHECK(rig_info(rig).cwnd > 11000);
}

/* Another algorithm, as often as one likes; with no memory for it the old one stays. */
TCP_TEST(another_algorithm)
{
    connected(rig, 0);
    rig_write(rig, 1000000);
    for (unsigned i = 1; i < 30; i++) {
        rig_drain(rig);
        rig->options.congestion = (uint8_t)(i % 6);
        tcp_set_options(rig->c, &rig->options);
        CHECK_EQ(rig->c->congestion, i % 6);
        CHECK_EQ((rig->c->flags & FLAG_PACED) != 0, i % 6 == 5);
        rig_wait(rig, 100 * MS);
        rig_drain(rig);
        ack(rig, rig_info(rig).flight / 1000);
        CHECK(rig_info(rig).cwnd >= 4000);
    }
    size_t budget = rig->core.memory.budget_bytes;
    rig->core.memory.budget_bytes = rig->core.memory.used_bytes;
    unsigned before = rig->c->congestion;
    rig->options.congestion = (uint8_t)((before + 1) % 6);
    tcp_set_options(rig->c, &rig->options);
    CHECK_EQ(rig->c->congestion, before);
    rig->core.memory.budget_bytes = budget;
}

TEST_MAIN(TEST_ENTRY(the_rate), TEST_ENTRY(a_log_that_is_full), TEST_ENTRY(a_program_that_pauses),
          TEST_ENTRY(selective_acknowledgements), TEST_ENTRY(little_needs_none), TEST_ENTRY(without_memory),
          TEST_ENTRY(another_algorithm))
