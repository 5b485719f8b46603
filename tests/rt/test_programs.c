/*
 * The same program as object code in three worlds: the echo programs of examples/, found by name, on the
 * kernel, on two hosts back to back, and in the lab.
 */
#include "app/programs.h"
#include "tests/rt/hosts.h"
#include "tests/test.h"

#include <strata/lab.h>

#include <errno.h>

static const char *const servers[] = {"echo-fiber-server", "echo-event-server"};
static const char *const clients[] = {"echo-fiber-client", "echo-event-client"};

static strata_program program(const char *name)
{
    const struct strata_program_entry *entry = program_find(name);
    REQUIRE(entry != NULL);
    return entry->main;
}

/** How a program ended, and who waits for it. */
struct outcome {
    struct strata_rt *rt;
    struct strata_fiber *waiter;
    int status; /**< -1: it runs. */
};

static void keep_status(void *context, int status)
{
    struct outcome *outcome = context;
    outcome->status = status;
    if (outcome->waiter)
        strata_rt_wake_fiber(outcome->rt, outcome->waiter);
}

static void start(struct strata_rt *rt, const char *name, const char *argument, struct outcome *outcome,
                  struct strata_fiber **fiber)
{
    char words[4][64] = {"", "", "8000", "900"}; /* two words, or a number of bytes */
    char *argv[] = {words[0], words[1], words[2], words[3]};
    snprintf(words[0], sizeof words[0], "%s", name);
    snprintf(words[1], sizeof words[1], "%s", argument);
    *outcome = (struct outcome){.rt = rt, .waiter = strata_rt_self(rt), .status = -1};
    REQUIRE(strata_rt_start(rt, name, program(name), 4, argv, keep_status, outcome, fiber) == 0);
}

/** A port number that is free now, on the kernel. */
static int free_port(struct strata_rt *rt)
{
    struct strata_endpoint any = {.port = 0}, local;
    struct strata_conn *conn;
    REQUIRE(strata_rt_listen(rt, &any, 1, &conn) == 0);
    REQUIRE(strata_rt_local(conn, &local) == 0);
    strata_rt_close(conn);
    return local.port;
}

/** Runs a server and a client on the kernel until the client has ended. @return its status, -1: no port. */
static int echo_on_kernel(struct strata_rt *rt, const char *server, const char *client)
{
    struct strata_fiber *fiber;
    char port[32], address[64];
    struct outcome served, asked;
    int number = free_port(rt);
    snprintf(port, sizeof port, "%d", number);
    snprintf(address, sizeof address, "127.0.0.1:%d", number);
    start(rt, server, port, &served, &fiber);
    strata_rt_yield(rt);
    if (served.status != -1)
        return -1; /* somebody else was faster */
    start(rt, client, address, &asked, NULL);
    while (asked.status == -1 && served.status == -1)
        CHECK_EQ(strata_rt_park(rt, STRATA_NEVER), 0);
    strata_rt_cancel(rt, fiber);
    CHECK_EQ(strata_rt_join(rt, STRATA_NEVER), 0);
    CHECK_EQ(served.status, 0);
    return asked.status;
}

static int all_on_kernel(struct strata_rt *rt, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    for (int i = 0; i < 4; i++) {
        int status, tries = 0;
        do
            status = echo_on_kernel(rt, servers[i / 2], clients[i % 2]);
        while (status == -1 && ++tries < 10);
        CHECK_EQ(status, 0);
    }
    return 7;
}

TEST(echo_runs_on_the_kernel)
{
    char name[] = "all";
    char *argv[] = {name, NULL};
    CHECK_EQ(strata_rt_main(all_on_kernel, 1, argv), 7);
}

TEST(echo_runs_on_hosts)
{
    for (int i = 0; i < 4; i++) {
        struct hosts hosts;
        struct strata_fiber *fiber;
        struct outcome served, asked;
        hosts_start(&hosts);
        start(hosts.rt[1], servers[i / 2], "7", &served, &fiber);
        start(hosts.rt[0], clients[i % 2], i % 2 ? "[2001:db8::2]:7" : "10.0.0.2:7", &asked, NULL);
        hosts_run(&hosts, 50 * STRATA_SECOND);
        CHECK_EQ(asked.status, 0);
        CHECK_EQ(served.status, -1);
        strata_rt_cancel(hosts.rt[1], fiber);
        hosts_run(&hosts, STRATA_SECOND);
        CHECK_EQ(served.status, 0);
        hosts_free(&hosts);
    }
}

/** One server and one client in the lab over a lossy cable. @return the hash over all frames. */
static uint64_t echo_in_lab(const char *server, const char *client)
{
    struct strata_world *world;
    char name[64], address[] = "10.0.0.2:7", count[] = "50000", port[] = "7";
    char *client_argv[] = {name, address, count, NULL}, *server_argv[] = {name, port, NULL};
    int status;
    REQUIRE(strata_world_new(&world,
                             &(struct strata_world_config){.size = sizeof(struct strata_world_config)}) == 0);
    struct strata_node *a = strata_world_host(world, "a", NULL), *b = strata_world_host(world, "b", NULL);
    struct strata_impairment fault = {.delay_ns = 5 * STRATA_MILLISECOND, .loss_ppm = 50000};
    REQUIRE(strata_world_cable(world, a, b,
                               &(struct strata_cable_config){.size = sizeof(struct strata_cable_config),
                                                             .forward = fault,
                                                             .backward = fault}) != NULL);
    REQUIRE(strata_node_address(a, 1, "10.0.0.1/24") == 0);
    REQUIRE(strata_node_address(b, 1, "10.0.0.2/24") == 0);
    snprintf(name, sizeof name, "%s", server);
    REQUIRE(strata_node_start(b, server, program(server), 2, server_argv, NULL) == 0);
    REQUIRE(strata_node_start(a, client, program(client), 3, client_argv, &status) == 0);
    strata_world_run(world, 60 * STRATA_SECOND);
    CHECK_EQ(status, 0);
    uint64_t hash = strata_world_hash(world);
    strata_world_free(world);
    return hash;
}

TEST(echo_runs_in_the_lab_and_always_the_same)
{
    for (int i = 0; i < 4; i++) {
        uint64_t first = echo_in_lab(servers[i / 2], clients[i % 2]);
        CHECK_EQ(first, echo_in_lab(servers[i / 2], clients[i % 2]));
    }
}

TEST(programs_are_found_by_name)
{
    CHECK(program_find("echo-server") != NULL);
    CHECK(program_find("nonsense") == NULL);
    unsigned count = 0;
    while (program_get(count))
        count++;
    CHECK(count > 4);
    CHECK(program_get(count + 1) == NULL);
}

TEST_MAIN(TEST_ENTRY(echo_runs_on_the_kernel), TEST_ENTRY(echo_runs_on_hosts),
          TEST_ENTRY(echo_runs_in_the_lab_and_always_the_same), TEST_ENTRY(programs_are_found_by_name))
