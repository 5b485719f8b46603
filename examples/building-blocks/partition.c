/*
 * Part of partition.yaml in C: five hosts on a switch, two sides that hear nothing of each other for three seconds, a
 * cable that flaps, a disk that is lost, and a limit for a world that would not end.
 */
#include <stdio.h>
#include <string.h>

#include <strata/lab.h>

#define LEFT 1u
#define RIGHT 2u

static void part(struct strata_world *world, void *context)
{
    struct strata_node **hosts = context;
    (void)world;
    for (int i = 0; i < 5; i++)
        strata_node_set_side(hosts[i], i == 2 || i == 3 ? RIGHT : LEFT);
}

static void heal(struct strata_world *world, void *context)
{
    (void)context;
    strata_world_heal(world);
}

static void flap(struct strata_world *world, void *context)
{
    struct strata_flap three_times = {.size = sizeof three_times,
                                      .down_ns = 100 * STRATA_MILLISECOND,
                                      .every_ns = 500 * STRATA_MILLISECOND,
                                      .times = 3};
    (void)world;
    strata_cable_flap(context, &three_times);
}

static void crash(struct strata_world *world, void *context)
{
    (void)world;
    strata_node_crash(context);
    strata_node_lose_disk(context);
}

static void restart(struct strata_world *world, void *context)
{
    (void)world;
    strata_node_restart(context);
}

/** Sends a datagram to an endpoint each second, ten times. */
static int say(struct strata_rt *rt, int argc, char **argv)
{
    struct strata_endpoint to;
    struct strata_conn *socket;
    if (argc < 2 || strata_endpoint_parse(argv[1], &to) != 0 || strata_rt_datagram(rt, NULL, &socket) != 0)
        return 2;
    for (int i = 0; i < 10; i++) {
        strata_rt_send_to(socket, argv[1], strlen(argv[1]), &to, STRATA_NEVER);
        strata_rt_sleep(rt, strata_rt_now(rt) + STRATA_SECOND);
    }
    strata_rt_close(socket);
    return 0;
}

/** What the cable behind the switch lost. */
static unsigned lost(struct strata_cable *cable)
{
    struct strata_cable_counts counts = {.size = sizeof counts};
    strata_cable_counts(cable, 1, &counts);
    return (unsigned)counts.lost_down;
}

int main(void)
{
    static const char *const names[] = {"h1", "h2", "h3", "h4", "web"};
    static char *near[] = {"near", "10.0.0.2:9", NULL}, *far[] = {"far", "10.0.0.3:9", NULL};
    struct strata_world *world;
    struct strata_world_config config = {.size = sizeof config, .seed = 1};
    if (strata_world_new(&world, &config) != 0)
        return 1;
    strata_world_set_limit(world, 100000);
    struct strata_node *hosts[5];
    struct strata_cable *cables[5];
    for (int i = 0; i < 5; i++)
        hosts[i] = strata_world_host(world, names[i], NULL);
    struct strata_node *lan = strata_world_switch(world, "s", 5);
    for (int i = 0; i < 5; i++) {
        char address[24];
        snprintf(address, sizeof address, "10.0.0.%d/24", i < 4 ? i + 1 : 9);
        cables[i] = strata_world_cable(world, hosts[i], lan, NULL);
        strata_node_address(hosts[i], 1, address);
    }
    strata_memory_disk_put(strata_node_disk(hosts[4]), "/www/page", "hello", 5, 0);
    strata_node_start(hosts[0], "near", say, 2, near, NULL);
    strata_node_start(hosts[0], "far", say, 2, far, NULL);
    strata_world_at(world, 2500 * STRATA_MILLISECOND, part, hosts);
    strata_world_at(world, 5500 * STRATA_MILLISECOND, heal, NULL);
    strata_world_at(world, 11 * STRATA_SECOND, flap, cables[3]);
    strata_world_at(world, 14 * STRATA_SECOND, crash, hosts[4]);
    strata_world_at(world, 15 * STRATA_SECOND, restart, hosts[4]);
    int error = strata_world_run(world, 16 * STRATA_SECOND);
    const void *page;
    unsigned far_lost = lost(cables[2]), near_lost = lost(cables[1]);
    bool gone = strata_memory_disk_get(strata_node_disk(hosts[4]), "/www/page", &page) < 0;
    printf("lost to h2: %u, to h3: %u; the page is %s; %u events\n", near_lost, far_lost, gone ? "gone" : "still there",
           (unsigned)strata_world_events(world));
    strata_world_free(world);
    return error == 0 && near_lost == 0 && far_lost == 3 && gone ? 0 : 1;
}
