/*
 * Hosts in the lab: programs, their output and status; routers and switches between them; carrier; crash and
 * restart with disk and programs; every host has randomness of its own.
 */
#include <strata/lab.h>

#include <errno.h>
#include <fcntl.h>

#include "tests/test.h"

#define LIMIT (60 * STRATA_SECOND)

static struct strata_world *world_new(void)
{
    struct strata_world *world;
    REQUIRE(strata_world_new(&world, NULL) == 0);
    return world;
}

static bool programs_done(void *world)
{
    return strata_world_programs_done(world);
}

static void run_programs(struct strata_world *world)
{
    CHECK_EQ(strata_world_run_until(world, programs_done, world, LIMIT), 1);
}

/* ---- Programs
 * ------------------------------------------------------------------------------------------------ */

/** Answers every datagram with the same, for ever. */
static int udp_echo(struct strata_rt *rt, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    struct strata_conn *conn;
    uint8_t data[2000];
    struct strata_endpoint peer;
    int error = strata_rt_datagram(rt, &(struct strata_endpoint){.port = 7}, &conn);
    int64_t length = error;
    while (length >= 0 &&
           (length = strata_rt_receive_from(conn, data, sizeof data, &peer, STRATA_NEVER)) >= 0)
        length = strata_rt_send_to(conn, data, (size_t)length, &peer, STRATA_NEVER);
    if (!error)
        strata_rt_close(conn);
    return 1;
}

/** udp_ask ADDRESS: sends one datagram and waits a second for the answer. */
static int udp_ask(struct strata_rt *rt, int argc, char **argv)
{
    struct strata_endpoint peer = {.port = 7};
    struct strata_conn *conn;
    char answer[100];
    if (argc != 2 || strata_address_parse(argv[1], &peer.address) != 0 ||
        strata_rt_datagram(rt, NULL, &conn) != 0)
        return 3;
    strata_rt_send_to(conn, "hello", 5, &peer, STRATA_NEVER);
    int64_t length =
        strata_rt_receive_from(conn, answer, sizeof answer, NULL, strata_rt_now(rt) + STRATA_SECOND);
    strata_rt_close(conn);
    if (length == 5)
        strata_rt_print(rt, "%.5s from %s\n", answer, argv[1]);
    return length == 5 ? 0 : length == -ETIMEDOUT ? 1 : 2;
}

static int ask(struct strata_node *node, const char *address, int *status)
{
    char *argv[] = {(char *)"ask", (char *)address};
    return strata_node_start(node, "ask", udp_ask, 2, argv, status);
}

static struct strata_node *server_new(struct strata_world *world, const char *name)
{
    struct strata_node *node = strata_world_host(world, name, NULL);
    REQUIRE(node != NULL);
    struct strata_program_config config = {
        .size = sizeof config, .name = "udp-echo", .program = udp_echo, .service = true, .restart = true};
    CHECK_EQ(strata_node_run(node, &config), 0);
    return node;
}

/* What listeners saw, as text. */
static char seen[2000];

static void see(void *context, const struct strata_lab_event *event)
{
    (void)context;
    size_t length = strlen(seen);
    char *to = seen + length;
    size_t size = sizeof seen - length;
    long ms = (long)(event->time / STRATA_MILLISECOND);
    if (event->kind == STRATA_LAB_PRINT)
        snprintf(to, size, "%ld %s %s: %s", ms, strata_node_name(event->node), event->program, event->text);
    else if (event->kind == STRATA_LAB_PROGRAM)
        snprintf(to, size, "%ld %s %s %d\n", ms, strata_node_name(event->node), event->text, event->value);
    else if (event->kind == STRATA_LAB_NOTE)
        snprintf(to, size, "%ld %s %s\n", ms,
                 event->node ? strata_node_name(event->node) : strata_cable_name(event->cable), event->text);
}

TEST(two_hosts_on_a_cable)
{
    struct strata_world *world = world_new();
    struct strata_node *a = strata_world_host(world, "a", NULL), *b = server_new(world, "b");
    struct strata_cable_config cable = {.size = sizeof cable,
                                        .forward = {.delay_ns = 10 * STRATA_MILLISECOND},
                                        .backward = {.delay_ns = 20 * STRATA_MILLISECOND}};
    int status;
    REQUIRE(a && strata_world_cable(world, a, b, &cable));
    CHECK_EQ(strata_node_address(a, 1, "10.0.0.1/24"), 0);
    CHECK_EQ(strata_node_address(b, 1, "10.0.0.2/24"), 0);
    CHECK_EQ(strata_node_address(a, 2, "10.0.1.1/24"), -ENODEV);
    CHECK_EQ(strata_node_address(a, 1, "10.0.1.1"), -EINVAL);
    seen[0] = '\0';
    CHECK_EQ(strata_world_listen(world, see, NULL), 0);
    CHECK_EQ(ask(a, "10.0.0.2", &status), 0);
    CHECK_EQ(status, -1);
    run_programs(world);
    CHECK_EQ(status, 0);
    // At 20 ms a hears b's announcement and needs no answer to its ARP request any more: 20 + 10 + 20.
    CHECK_STR(seen, "0 a ask -1\n50 a ask: hello from 10.0.0.2\n50 a ask 0\n");
    CHECK_EQ(strata_node_counter(b, "ipv4_delivered"), 1);
    CHECK_EQ(strata_node_counter(b, "no_such_thing"), -ENOENT);
    strata_world_free(world);
}

/** laptop - switch - r1 - r2 - server; routes by hand. */
TEST(across_a_switch_and_two_routers)
{
    struct strata_world *world = world_new();
    struct strata_node *laptop = strata_world_host(world, "laptop", NULL),
                       *server = server_new(world, "server"), *r1 = strata_world_router(world, "r1", NULL),
                       *r2 = strata_world_router(world, "r2", NULL),
                       *sw = strata_world_switch(world, "switch", 4);
    struct strata_cable_config wan = {.size = sizeof wan, .link = STRATA_LINK_IP, .mtu_bytes = 1400};
    int status;
    REQUIRE(laptop && r1 && r2 && sw);
    REQUIRE(strata_world_cable(world, laptop, sw, NULL) && strata_world_cable(world, sw, r1, NULL) &&
            strata_world_cable(world, r1, r2, &wan) && strata_world_cable(world, r2, server, NULL));
    CHECK(strata_world_cable(world, sw, r1, &wan) == NULL); // a switch has no port without link header
    CHECK_EQ(strata_node_address(laptop, 1, "192.168.1.10/24"), 0);
    CHECK_EQ(strata_node_address(r1, 1, "192.168.1.1/24"), 0);
    CHECK_EQ(strata_node_address(r1, 2, "10.0.0.1/30"), 0);
    CHECK_EQ(strata_node_address(r2, 1, "10.0.0.2/30"), 0);
    CHECK_EQ(strata_node_address(r2, 2, "172.16.0.1/16"), 0);
    CHECK_EQ(strata_node_address(server, 1, "172.16.5.5/16"), 0);
    CHECK_EQ(strata_node_route(laptop, "0.0.0.0/0", "192.168.1.1"), 0);
    CHECK_EQ(strata_node_route(r1, "172.16.0.0/16", "10.0.0.2"), 0);
    CHECK_EQ(strata_node_route(r2, "192.168.0.0/16", "10.0.0.1"), 0);
    CHECK_EQ(strata_node_route(server, "0.0.0.0/0", "172.16.0.1"), 0);
    CHECK_EQ(ask(laptop, "172.16.5.5", &status), 0);
    run_programs(world);
    CHECK_EQ(status, 0);
    CHECK_EQ(strata_node_counter(r1, "ipv4_forwarded"), 2);
    CHECK_EQ(strata_node_counter(r2, "ipv4_forwarded"), 2);
    struct strata_port_info info = {.size = sizeof info};
    CHECK_EQ(strata_port_info(strata_node_host(r1), 2, &info), 0);
    CHECK_EQ(info.link, STRATA_LINK_IP);
    CHECK_EQ(info.mtu_bytes, 1400);
    CHECK_STR(info.name, "eth2");
    strata_world_free(world);
}

TEST(a_hub_repeats_and_a_switch_learns)
{
    for (int hub = 0; hub < 2; hub++) {
        struct strata_world *world = world_new();
        struct strata_node *middle =
            hub ? strata_world_hub(world, "m", 3) : strata_world_switch(world, "m", 3);
        struct strata_node *a = strata_world_host(world, "a", NULL), *b = server_new(world, "b"),
                           *c = strata_world_host(world, "c", NULL);
        int status;
        REQUIRE(middle && a && c && strata_world_cable(world, a, middle, NULL) &&
                strata_world_cable(world, b, middle, NULL) && strata_world_cable(world, c, middle, NULL));
        CHECK(strata_world_cable(world, c, middle, NULL) == NULL); // no port left
        CHECK_EQ(strata_node_address(a, 1, "10.0.0.1/24"), 0);
        CHECK_EQ(strata_node_address(b, 1, "10.0.0.2/24"), 0);
        CHECK_EQ(ask(a, "10.0.0.2", &status), 0);
        run_programs(world);
        CHECK_EQ(status, 0);
        // ARP announcements and one request reach c from both; answer and datagrams only from the hub.
        CHECK_EQ(strata_node_counter(c, "ethernet_drop_destination"), hub ? 3 : 0);
        strata_world_free(world);
    }
}

TEST(carrier_follows_the_cable)
{
    struct strata_world *world = world_new();
    struct strata_node *a = strata_world_host(world, "a", NULL), *b = server_new(world, "b");
    struct strata_cable *cable = strata_world_cable(world, a, b, NULL);
    int status;
    REQUIRE(a && cable);
    CHECK_EQ(strata_node_address(a, 1, "10.0.0.1/24"), 0);
    CHECK_EQ(strata_node_address(b, 1, "10.0.0.2/24"), 0);
    struct strata_port_info info = {.size = sizeof info};
    CHECK_EQ(strata_cable_set_up(cable, false), 0);
    CHECK_EQ(strata_port_info(strata_node_host(a), 1, &info), 0);
    CHECK(!info.up);
    CHECK_EQ(strata_cable_set_up(cable, true), 0);
    CHECK_EQ(strata_port_info(strata_node_host(a), 1, &info), 0);
    CHECK(info.up);
    CHECK_EQ(ask(a, "10.0.0.2", &status), 0);
    run_programs(world);
    CHECK_EQ(status, 0);
    strata_world_free(world);
}

/* ---- Crash and restart
 * -------------------------------------------------------------------------------------- */

/** Writes "one" synced and "two" not, then waits; when it is ended it would like to sync and to print. */
static int writer(struct strata_rt *rt, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    struct strata_file *file;
    struct strata_stat stat;
    if (strata_rt_stat(rt, "/log", &stat) == 0) {
        strata_rt_print(rt, "%d bytes survived\n", (int)stat.size_bytes);
        return 0;
    }
    if (strata_rt_file_open(rt, "/log", O_CREAT | O_RDWR, &file) != 0)
        return 2;
    strata_rt_file_write(file, "one", 3, 0);
    strata_rt_file_sync(file);
    // Far behind what was synced, so that nothing of it can be half there.
    strata_rt_file_write(file, "two", 3, 100000);
    strata_rt_sleep(rt, STRATA_NEVER);
    strata_rt_file_sync(file);
    strata_rt_file_close(file);
    strata_rt_print(rt, "unwound\n");
    return 4;
}

static void crash(struct strata_world *world, void *node)
{
    (void)world;
    CHECK_EQ(strata_node_crash(node), 0);
    CHECK(strata_node_host(node) == NULL);
    CHECK(strata_node_rt(node) == NULL);
}

static void restart(struct strata_world *world, void *node)
{
    (void)world;
    CHECK_EQ(strata_node_restart(node), 0);
}

TEST(a_crash_forgets_what_was_not_synced)
{
    struct strata_world *world = world_new();
    struct strata_node *a = strata_world_host(world, "a", NULL);
    int status;
    REQUIRE(a != NULL);
    struct strata_program_config config = {
        .size = sizeof config, .name = "writer", .program = writer, .restart = true, .status = &status};
    seen[0] = '\0';
    CHECK_EQ(strata_world_listen(world, see, NULL), 0);
    CHECK_EQ(strata_node_run(a, &config), 0);
    strata_world_at(world, STRATA_SECOND, crash, a);
    strata_world_at(world, 2 * STRATA_SECOND, restart, a);
    run_programs(world);
    CHECK_EQ(status, 0);
    const void *data;
    int64_t size = strata_memory_disk_get(strata_node_disk(a), "/log", &data);
    REQUIRE(size >= 3);
    CHECK_MEM(data, "one", 3);
    char expected[200];
    snprintf(
        expected, sizeof expected,
        "0 a writer -1\n1000 a crashed\n2000 a up again\n2000 a writer -1\n2000 a writer: %d bytes survived\n"
        "2000 a writer 0\n",
        (int)size);
    CHECK_STR(seen, expected);
    strata_world_free(world);
}

static void begin_asking(struct strata_world *world, void *context)
{
    static int late;
    CHECK_EQ(ask(strata_world_find(world, "a"), "10.0.0.2", context ? context : &late), 0);
}

TEST(a_server_comes_up_again)
{
    struct strata_world *world = world_new();
    struct strata_node *a = strata_world_host(world, "a", NULL), *b = server_new(world, "b");
    int status[3];
    REQUIRE(a && strata_world_cable(world, a, b, NULL));
    CHECK_EQ(strata_node_address(a, 1, "10.0.0.1/24"), 0);
    CHECK_EQ(strata_node_address(b, 1, "10.0.0.2/24"), 0);
    CHECK_EQ(strata_node_set(b, "net.ipv4.ip_default_ttl", 33), 0);
    CHECK_EQ(strata_node_set(b, "net.ipv4.ip_default_ttl", 1000), -ERANGE);
    strata_world_at(world, STRATA_SECOND, begin_asking, &status[0]);
    strata_world_at(world, 5 * STRATA_SECOND, crash, b);
    strata_world_at(world, 6 * STRATA_SECOND, begin_asking, &status[1]);
    strata_world_at(world, 20 * STRATA_SECOND, restart, b);
    strata_world_at(world, 21 * STRATA_SECOND, begin_asking, &status[2]);
    strata_world_run(world, 30 * STRATA_SECOND);
    CHECK_EQ(status[0], 0);
    CHECK_EQ(status[1], 1); // nobody answers
    CHECK_EQ(status[2], 0);
    int64_t ttl;
    CHECK_EQ(strata_get(strata_node_host(b), "net.ipv4.ip_default_ttl", &ttl), 0);
    CHECK_EQ(ttl, 33);
    strata_world_free(world);
}

static struct strata_node *doomed;

/** Crashes the host it runs on: that happens once it waits. */
static int crash_myself(struct strata_rt *rt, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    CHECK_EQ(strata_node_crash(doomed), 0);
    strata_rt_print(rt, "last words\n");
    strata_rt_sleep(rt, STRATA_NEVER);
    strata_rt_print(rt, "not heard any more\n");
    return 0;
}

TEST(a_program_may_crash_its_own_host)
{
    struct strata_world *world = world_new();
    int status;
    doomed = strata_world_host(world, "a", NULL);
    REQUIRE(doomed != NULL);
    seen[0] = '\0';
    CHECK_EQ(strata_world_listen(world, see, NULL), 0);
    CHECK_EQ(strata_node_start(doomed, "crash-myself", crash_myself, 0, NULL, &status), 0);
    run_programs(world);
    CHECK_STR(seen, "0 a crash-myself -1\n0 a crash-myself: last words\n0 a crashed\n");
    CHECK_EQ(status, -1);
    CHECK(strata_node_host(doomed) == NULL);
    strata_world_free(world);
}

/* ---- Randomness
 * ------------------------------------------------------------------------------------------------ */

static int draw(struct strata_rt *rt, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    uint8_t bytes[4];
    strata_rt_random(rt, bytes, sizeof bytes);
    strata_rt_print(rt, "%02x%02x%02x%02x at %lld\n", bytes[0], bytes[1], bytes[2], bytes[3],
                    (long long)(strata_rt_wall(rt) / STRATA_SECOND));
    return 0;
}

TEST(hosts_differ_and_their_date_is_fixed)
{
    struct strata_world *world = world_new();
    struct strata_node *a = strata_world_host(world, "a", NULL), *b = strata_world_host(world, "b", NULL);
    REQUIRE(a && b);
    seen[0] = '\0';
    CHECK_EQ(strata_world_listen(world, see, NULL), 0);
    CHECK_EQ(strata_node_start(a, "draw", draw, 0, NULL, NULL), 0);
    CHECK_EQ(strata_node_start(b, "draw", draw, 0, NULL, NULL), 0);
    run_programs(world);
    char *first = strstr(seen, "draw: "), *second = first ? strstr(first + 1, "draw: ") : NULL;
    REQUIRE(first && second);
    CHECK(strncmp(first + 6, second + 6, 8) != 0);
    CHECK(strstr(seen, " at 1767225600\n") != NULL);
    strata_world_free(world);
}

TEST_MAIN(TEST_ENTRY(two_hosts_on_a_cable), TEST_ENTRY(across_a_switch_and_two_routers),
          TEST_ENTRY(a_hub_repeats_and_a_switch_learns), TEST_ENTRY(carrier_follows_the_cable),
          TEST_ENTRY(a_crash_forgets_what_was_not_synced), TEST_ENTRY(a_server_comes_up_again),
          TEST_ENTRY(a_program_may_crash_its_own_host), TEST_ENTRY(hosts_differ_and_their_date_is_fixed))
