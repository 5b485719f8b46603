/*
 * How TCP estimates the round-trip time, seen from C: a world of two hosts, a cable whose delay changes, and a
 * listener that hears every sample of the sender and computes the same by the textbook's formula.
 *
 *     deviation  = 3/4 deviation + 1/4 |sample - estimated|      with the estimate of before
 *     estimated  = 7/8 estimated + 1/8 sample
 *     timeout    = estimated + 4 deviation                       1 s before there is a sample
 */
#include <strata/lab.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define MS STRATA_MILLISECOND

/* The round trip is 100 ms, then 140, 60 and 100 again; each holds for six samples. */
static const strata_time round_trips[] = {100 * MS, 140 * MS, 60 * MS, 100 * MS};
static unsigned change;

struct watch {
    struct strata_node *sender;
    strata_time estimated, deviation, syn_sent;
    unsigned samples, wrong;
};

/** A formula in whole nanoseconds may differ by what is dropped on the way. */
static bool same(strata_time a, strata_time b)
{
    return llabs(a - b) <= STRATA_MICROSECOND;
}

static void print_ms(strata_time time)
{
    printf("%9" PRId64 ".%03" PRId64, time / MS, time % MS / STRATA_MICROSECOND);
}

static void hear(void *context, const struct strata_lab_event *event)
{
    struct watch *watch = context;
    if (event->kind != STRATA_LAB_TRACE || event->node != watch->sender)
        return;
    const int64_t *value = event->trace->value;
    if (event->trace->kind == STRATA_TRACE_TCP_TIMER && value[0] == 1 && watch->samples == 0) {
        printf("the SYN is lost; its timer fires after");
        print_ms(event->time);
        printf(" ms\n\n       sample     estimated     deviation       timeout   (ms)\n");
        watch->wrong += event->time != STRATA_SECOND;
    }
    if (event->trace->kind != STRATA_TRACE_TCP_RTT)
        return;
    strata_time sample = value[0], off = llabs(sample - watch->estimated);
    bool first = watch->samples++ == 0;
    watch->deviation = first ? sample / 2 : watch->deviation * 3 / 4 + off / 4;
    watch->estimated = first ? sample : watch->estimated * 7 / 8 + sample / 8;
    bool right = same(watch->estimated, value[1]) && same(watch->deviation, value[2]) &&
                 same(watch->estimated + 4 * watch->deviation, value[3]);
    for (int i = 0; i < 4; i++)
        print_ms(value[i]);
    printf("%s\n", right ? "" : "   not what the formula says");
    watch->wrong += !right;
    watch->estimated = value[1]; // what was dropped does not add up
    watch->deviation = value[2];
}

static void set_delay(struct strata_world *world, void *context)
{
    struct strata_impairment impairment = {.delay_ns = round_trips[change++] / 2};
    (void)world;
    strata_cable_impair(context, 0, &impairment);
    strata_cable_impair(context, 1, &impairment);
}

/** Reads until the end. */
static int reader(struct strata_rt *rt, int argc, char **argv)
{
    struct strata_endpoint local = {.port = 9};
    struct strata_conn *listener, *conn;
    char bytes[64];
    (void)argc, (void)argv;
    if (strata_rt_listen(rt, &local, 1, &listener) < 0 || strata_rt_accept(listener, STRATA_NEVER, &conn, NULL) < 0)
        return 1;
    strata_rt_set_option(conn, STRATA_OPTION_QUICK_ACK, 1);
    while (strata_rt_read(conn, bytes, sizeof bytes, STRATA_NEVER) > 0) {
    }
    strata_rt_close(conn);
    strata_rt_close(listener);
    return 0;
}

/** A byte each half second: each is a sample. */
static int writer(struct strata_rt *rt, int argc, char **argv)
{
    struct strata_endpoint peer;
    struct strata_conn *conn;
    (void)argc, (void)argv;
    if (strata_endpoint_parse("10.0.0.2:9", &peer) < 0 || strata_rt_dial(rt, &peer, STRATA_NEVER, &conn) < 0)
        return 1;
    for (int i = 0; i < 24; i++) {
        strata_rt_sleep(rt, 2 * STRATA_SECOND + i * 500 * MS);
        strata_rt_write(conn, "x", 1, STRATA_NEVER);
    }
    strata_rt_close(conn);
    return 0;
}

int main(void)
{
    struct strata_world_config config = {.size = sizeof config, .trace_hosts = true};
    struct strata_world *world;
    if (strata_world_new(&world, &config) != 0)
        return 1;
    struct watch watch = {.sender = strata_world_host(world, "a", NULL)};
    struct strata_node *a = watch.sender, *b = strata_world_host(world, "b", NULL);
    struct strata_cable_config ip = {.size = sizeof ip, .link = STRATA_LINK_IP};
    struct strata_cable *cable = strata_world_cable(world, a, b, &ip);
    strata_node_address(a, 1, "10.0.0.1/24");
    strata_node_address(b, 1, "10.0.0.2/24");
    strata_node_set(a, "net.ipv4.tcp_timestamps", 0);
    strata_node_set(a, "strata.tcp_rto_min_ms", 1); // nothing but the formula
    strata_world_listen(world, hear, &watch);
    strata_cable_lose(cable, 0, (uint32_t[]){1}, 1);
    for (unsigned i = 0; i < sizeof round_trips / sizeof *round_trips; i++)
        strata_world_at(world, i == 0 ? 0 : (strata_time)i * 3 * STRATA_SECOND + 1900 * MS, set_delay, cable);
    strata_node_start(b, "reader", reader, 0, NULL, NULL);
    strata_node_start(a, "writer", writer, 0, NULL, NULL);
    strata_world_run(world, 20 * STRATA_SECOND);
    strata_world_free(world);
    printf("\n%u samples, %u of them not as the formula says\n", watch.samples, watch.wrong);
    return watch.samples >= 20 && watch.wrong == 0 ? 0 : 1;
}
