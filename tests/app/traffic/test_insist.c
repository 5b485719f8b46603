/**
 * insist: nothing goes twice that is acknowledged in time, everything that is not, and losses are made good.
 */
#include "tests/app/stage.h"

/** a sends 100 packets a second for a second to b, over a cable of its own. */
static struct stage *run(struct strata_impairment forward, const char *line, int *status)
{
    struct stage *stage = stage_new(1);
    struct strata_cable_config config = {.size = sizeof config, .link = STRATA_LINK_IP, .forward = forward};
    struct strata_node *a = strata_world_host(stage->world, "a", NULL), *b = strata_world_host(stage->world, "b", NULL);
    config.backward.delay_ns = forward.delay_ns;
    REQUIRE(a && b && strata_world_cable(stage->world, a, b, &config));
    REQUIRE(strata_node_address(a, 1, "10.0.0.1/24") == 0 && strata_node_address(b, 1, "10.0.0.2/24") == 0);
    stage_start(b, "traffic-server", true, NULL);
    stage_start(a, line, false, status);
    CHECK(stage_finish(stage, 100));
    return stage;
}

TEST(what_is_acknowledged_in_time_goes_once)
{
    int status;
    struct stage *stage = run((struct strata_impairment){.delay_ns = 20 * STRATA_MILLISECOND},
                              "insist 10.0.0.2 --every 10ms --for 1s --timeout 50ms", &status);
    CHECK_EQ(status, 0);
    CHECK(stage_said(stage, "a: offered: 800 kbit/s"));
    CHECK(stage_said(stage, "a: goodput: 768 kbit/s")); // the last four are still under way
    CHECK(stage_said(stage, "a: sent again: 0 of 100"));
    stage_free(stage);
}

TEST(what_is_late_goes_twice)
{
    int status;
    struct stage *stage = run((struct strata_impairment){.delay_ns = 40 * STRATA_MILLISECOND},
                              "insist 10.0.0.2 --every 10ms --for 1s --timeout 50ms", &status);
    CHECK_EQ(status, 0);
    // Five new ones, then the same five again, which by then are acknowledged before they would go a third time.
    CHECK(stage_said(stage, "a: sent again: 50 of 100"));
    stage_free(stage);
}

TEST(what_is_lost_goes_again)
{
    int status;
    struct stage *stage = run((struct strata_impairment){.delay_ns = STRATA_MILLISECOND, .loss_ppm = 500000},
                              "insist 10.0.0.2 --every 1ms --for 10s --timeout 5ms", &status);
    CHECK_EQ(status, 0);
    unsigned again = 0, all = 0;
    const char *said = strstr(stage->said, "sent again: ");
    REQUIRE(said && sscanf(said, "sent again: %u of %u", &again, &all) == 2);
    CHECK_EQ(all, 10000);
    CHECK(again > 4700 && again < 5300); // half of all are lost
    stage_free(stage);
    stage = run((struct strata_impairment){0}, "insist 10.0.0.2 --every 0", &status);
    CHECK_EQ(status, 2);
    stage_free(stage);
    stage = run((struct strata_impairment){0}, "insist", &status);
    CHECK_EQ(status, 2);
    CHECK(stage_said(stage, "a: insist: which host?"));
    stage_free(stage);
}

TEST_MAIN(TEST_ENTRY(what_is_acknowledged_in_time_goes_once), TEST_ENTRY(what_is_late_goes_twice),
          TEST_ENTRY(what_is_lost_goes_again))
