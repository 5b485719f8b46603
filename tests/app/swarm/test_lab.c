/**
 * swarm: everybody gets everything, once; the server gives as many copies as the rates say, the peers the rest.
 */
#include "tests/app/stage.h"

/** A server and three peers with 40 chunks. @return how many chunks the peers passed on, all together. */
static unsigned run(const char *rates)
{
    struct stage *stage = stage_new(1);
    struct strata_node *server = stage_host(stage, "server", "10.0.0.1/24");
    int status[4];
    char line[200], address[40];
    snprintf(line, sizeof line, "swarm server --peers 3 --chunks 40 %s", rates);
    stage_start(server, line, false, &status[3]);
    for (int i = 0; i < 3; i++) {
        char name[16];
        snprintf(name, sizeof name, "p%d", i);
        snprintf(address, sizeof address, "10.0.0.%d/24", 10 + i);
        struct strata_node *peer = stage_host(stage, name, address);
        snprintf(line, sizeof line, "swarm peer 10.0.0.1 --index %d --next 10.0.0.%d --peers 3 --chunks 40 %s", i,
                 10 + (i + 1) % 3, rates);
        stage_start(peer, line, false, &status[i]);
    }
    CHECK(stage_finish(stage, 100));
    unsigned passed = 0, peers = 0;
    for (int i = 0; i < 4; i++)
        CHECK_EQ(status[i], 0);
    for (const char *at = stage->said; (at = strstr(at, "has 40 chunks, passed ")); at++) {
        passed += (unsigned)atoi(at + strlen("has 40 chunks, passed "));
        peers++;
    }
    CHECK_EQ(peers, 3);
    CHECK(stage_said(stage, "server: distributed to 3 peers in "));
    stage_free(stage);
    return passed;
}

TEST(the_server_alone)
{
    CHECK_EQ(run("--server-rate 1000000 --peer-rate 0"), 0);
}

TEST(server_and_peers_have_the_same_share_of_their_rates)
{
    // us = u: of the three copies of each chunk the server would send 3/4, but sends at least one; the peers the rest.
    CHECK_EQ(run("--server-rate 1000000 --peer-rate 1000000"), 80);
    // us = 3u: 3/2 from the server.
    CHECK_EQ(run("--server-rate 3000000 --peer-rate 1000000"), 60);
}

TEST(what_is_wrongly_asked_is_told)
{
    static const char *const lines[] = {"swarm", "swarm server", "swarm server --peers 3 --chunks 5",
                                        "swarm peer 10.0.0.1 --index 3 --next 10.0.0.2 --peers 3 --chunks 5 "
                                        "--server-rate 1000",
                                        "swarm peer nobody --index 1 --next 10.0.0.2 --peers 3 --chunks 5 "
                                        "--server-rate 1000"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct stage *stage = stage_new(1);
        int status;
        stage_start(stage_host(stage, "a", "10.0.0.1/24"), lines[i], false, &status);
        CHECK(stage_finish(stage, 10));
        CHECK_EQ(status, 2);
        CHECK(stage_said(stage, "a: swarm: who, and how much?"));
        stage_free(stage);
    }
}

TEST_MAIN(TEST_ENTRY(the_server_alone), TEST_ENTRY(server_and_peers_have_the_same_share_of_their_rates),
          TEST_ENTRY(what_is_wrongly_asked_is_told))
