/**
 * ping and traceroute in the lab, across routers; and echo over TCP and UDP.
 */
#include "tests/app/stage.h"

/** a - r1 - r2 - b, a millisecond per cable. */
struct path {
    struct stage *stage;
    struct strata_node *a, *b, *r1, *r2;
};

static void tie(struct strata_world *world, struct strata_node *a, struct strata_node *b)
{
    struct strata_cable_config config = {.size = sizeof config};
    config.forward.delay_ns = config.backward.delay_ns = STRATA_MILLISECOND;
    REQUIRE(strata_world_cable(world, a, b, &config));
}

static struct path open_path(void)
{
    struct path p = {.stage = stage_new(1)};
    struct strata_world *world = p.stage->world;
    p.a = strata_world_host(world, "a", NULL);
    p.b = strata_world_host(world, "b", NULL);
    p.r1 = strata_world_router(world, "r1", NULL);
    p.r2 = strata_world_router(world, "r2", NULL);
    REQUIRE(p.a && p.b && p.r1 && p.r2);
    tie(world, p.a, p.r1);
    tie(world, p.r1, p.r2);
    tie(world, p.r2, p.b);
    REQUIRE(strata_node_address(p.a, 1, "10.0.1.2/24") == 0 &&
            strata_node_address(p.r1, 1, "10.0.1.1/24") == 0);
    REQUIRE(strata_node_address(p.r1, 2, "10.0.2.1/24") == 0 &&
            strata_node_address(p.r2, 1, "10.0.2.2/24") == 0);
    REQUIRE(strata_node_address(p.r2, 2, "10.0.3.1/24") == 0 &&
            strata_node_address(p.b, 1, "10.0.3.2/24") == 0);
    REQUIRE(strata_node_route(p.a, "0.0.0.0/0", "10.0.1.1") == 0 &&
            strata_node_route(p.b, "0.0.0.0/0", "10.0.3.1") == 0);
    REQUIRE(strata_node_route(p.r1, "10.0.3.0/24", "10.0.2.2") == 0 &&
            strata_node_route(p.r2, "10.0.1.0/24", "10.0.2.1") == 0);
    return p;
}

static int run(struct path *p, const char *line)
{
    int status;
    p->stage->length = 0;
    p->stage->said[0] = 0;
    stage_start(p->a, line, false, &status);
    CHECK(stage_finish(p->stage, 300));
    return status;
}

TEST(echo_requests_come_back)
{
    struct path p = open_path();
    run(&p, "ping 10.0.3.2 -c 1"); // resolves the neighbours
    CHECK_EQ(run(&p, "ping 10.0.3.2 -c 3 -i 0.1"), 0);
    CHECK(stage_said(p.stage, "a: PING 10.0.3.2: 56 data bytes"));
    CHECK(stage_said(p.stage, "a: 64 bytes from 10.0.3.2: seq=3 ttl=62 time=6.000 ms"));
    CHECK(stage_said(p.stage, "a: 3 packets transmitted, 3 received, 0% packet loss"));
    CHECK(stage_said(p.stage, "a: rtt min/avg/max/mdev = 6.000/6.000/6.000/0.000 ms"));
    CHECK_EQ(run(&p, "ping 10.0.3.2 -c 2 -s 20000"), 0); // in fragments
    CHECK(stage_said(p.stage, "20008 bytes from 10.0.3.2: seq=2"));
    CHECK_EQ(run(&p, "ping 10.0.3.2 -c 1 -s 0"), 0);
    CHECK_EQ(run(&p, "ping 127.0.0.1 -c 1"), 0);
    stage_free(p.stage);
}

TEST(what_becomes_of_others)
{
    struct path p = open_path();
    CHECK_EQ(run(&p, "ping 10.0.3.2 -c 1 -t 1"), 1);
    CHECK(stage_said(p.stage, "a: from 10.0.1.1: seq=1 time to live exceeded"));
    CHECK_EQ(run(&p, "ping 10.0.9.9 -c 2 -i 0.5"), 1);
    CHECK(stage_said(p.stage, "a: from 10.0.1.1: seq=1 no route to that network"));
    CHECK(stage_said(p.stage, "2 packets transmitted, 0 received, 100% packet loss, 2 errors"));
    struct strata_impairment lossy = {.delay_ns = STRATA_MILLISECOND, .loss_ppm = 1000000};
    REQUIRE(strata_cable_impair(strata_world_cable_at(p.stage->world, 2), 0, &lossy) == 0);
    CHECK_EQ(run(&p, "ping 10.0.3.1 -c 2 -i 0.2 -W 1"), 0);
    CHECK_EQ(run(&p, "ping -c 2 -i 0.2 10.0.3.2"), 1);
    CHECK(stage_said(p.stage, "2 packets transmitted, 0 received, 100% packet loss"));
    CHECK_EQ(run(&p, "ping"), 2);
    stage_free(p.stage);
}

TEST(the_routers_on_the_way)
{
    struct path p = open_path();
    run(&p, "ping 10.0.3.2 -c 1");
    CHECK_EQ(run(&p, "traceroute 10.0.3.2"), 0);
    CHECK(stage_said(p.stage, "a: traceroute to 10.0.3.2 (10.0.3.2), 30 hops at most"));
    CHECK(stage_said(p.stage, "a:  1  10.0.1.1  2.000 ms  2.000 ms  2.000 ms"));
    CHECK(stage_said(p.stage, "a:  2  10.0.2.2  4.000 ms  4.000 ms  4.000 ms"));
    CHECK(stage_said(p.stage, "a:  3  10.0.3.2  6.000 ms  6.000 ms  6.000 ms"));
    CHECK(!strstr(p.stage->said, "a:  4"));
    CHECK_EQ(run(&p, "traceroute 10.0.9.9"), 0); // the first router has no route: the way ends there
    CHECK(stage_said(p.stage, "a:  1  10.0.1.1  2.000 ms !N"));
    struct strata_impairment lossy = {.delay_ns = STRATA_MILLISECOND, .loss_ppm = 1000000};
    REQUIRE(strata_cable_impair(strata_world_cable_at(p.stage->world, 2), 1, &lossy) == 0);
    CHECK_EQ(run(&p, "traceroute 10.0.3.2 --hops 4 --wait 0.1"), 1);
    CHECK(stage_said(p.stage, "a:  4  *  *  *"));
    stage_free(p.stage);
}

TEST(messages_come_back)
{
    struct path p = open_path();
    stage_start(p.b, "echo-server", true, NULL);
    CHECK_EQ(run(&p, "echo-client 10.0.3.2 --message hello --count 3"), 0);
    CHECK(stage_said(p.stage, "3 of 3 messages of 5 bytes came back"));
    CHECK_EQ(run(&p, "echo-client 10.0.3.2 --size 200000"), 0);
    CHECK_EQ(run(&p, "echo-client 10.0.3.2 --udp --count 3 --size 3000"), 0);
    CHECK(stage_said(p.stage, "3 of 3 messages of 3000 bytes came back"));
    struct strata_impairment lossy = {.delay_ns = STRATA_MILLISECOND, .loss_ppm = 1000000};
    REQUIRE(strata_cable_impair(strata_world_cable_at(p.stage->world, 2), 0, &lossy) == 0);
    CHECK_EQ(run(&p, "echo-client 10.0.3.2 --udp --count 2 --timeout 1"), 1);
    CHECK(stage_said(p.stage, "0 of 2 messages"));
    stage_free(p.stage);
}

TEST_MAIN(TEST_ENTRY(echo_requests_come_back), TEST_ENTRY(what_becomes_of_others),
          TEST_ENTRY(the_routers_on_the_way), TEST_ENTRY(messages_come_back))
