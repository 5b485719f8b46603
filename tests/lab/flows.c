/*
 * Streams that share a bottleneck.
 */
#include "tests/lab/flows.h"

#include <stdlib.h>
#include <string.h>

#include "tests/test.h"

#define PATTERN_BYTES 65536u
#define CHUNK_BYTES 16384u
#define PORT 5001

/** What is written, again and again; a prime stride keeps neighbours from looking alike. */
static uint8_t pattern[PATTERN_BYTES + CHUNK_BYTES];
/** Programs find their flows by a number on their command lines; one world runs at a time. */
static struct flows *running;

static struct flow *flow_of(int argc, char **argv)
{
    REQUIRE(argc == 2 && running);
    return &running->flow[atoi(argv[1])];
}

static int64_t algorithm_index(const char *name)
{
    const char *known;
    for (unsigned i = 0; (known = strata_congestion_name(i)); i++)
        if (strcmp(known, name) == 0)
            return i;
    return -1;
}

bool flows_knows(const char *algorithm)
{
    return algorithm_index(algorithm) >= 0;
}

static struct strata_endpoint receiver_endpoint(const struct flow *flow)
{
    uint16_t port = (uint16_t)(PORT + (flow - running->flow));
    return (struct strata_endpoint){.address = strata_ipv4(10, 0, 0, 2), .port = port};
}

static int send_stream(struct strata_rt *rt, int argc, char **argv)
{
    struct flow *flow = flow_of(argc, argv);
    struct strata_conn *conn;
    struct strata_endpoint peer = receiver_endpoint(flow);
    strata_rt_sleep(rt, flow->start);
    REQUIRE(strata_rt_open(rt, 0, STRATA_STREAM, &conn) == 0);
    if (flow->algorithm)
        REQUIRE(strata_rt_set_option(conn, STRATA_OPTION_CONGESTION, algorithm_index(flow->algorithm)) == 0);
    int error = strata_rt_connect(conn, &peer, STRATA_NEVER);
    int64_t written = 0;
    for (uint64_t sent = 0; !error && written >= 0 && (flow->limit == 0 || sent < flow->limit);
         sent += (uint64_t)written) {
        uint64_t size = flow->limit && flow->limit - sent < CHUNK_BYTES ? flow->limit - sent : CHUNK_BYTES;
        written = strata_rt_write_some(conn, pattern + sent % PATTERN_BYTES, (size_t)size, STRATA_NEVER);
    }
    strata_rt_close(conn);
    return error || written < 0;
}

static int receive_stream(struct strata_rt *rt, int argc, char **argv)
{
    static uint8_t data[CHUNK_BYTES];
    struct flow *flow = flow_of(argc, argv);
    struct strata_conn *listener, *conn;
    struct strata_endpoint local = {.port = receiver_endpoint(flow).port};
    REQUIRE(strata_rt_listen(rt, &local, 1, &listener) == 0);
    if (strata_rt_accept(listener, STRATA_NEVER, &conn, NULL) != 0)
        return 1;
    int64_t taken;
    while ((taken = strata_rt_read(conn, data, sizeof data, STRATA_NEVER)) > 0) {
        if (memcmp(data, pattern + flow->received % PATTERN_BYTES, (size_t)taken) != 0)
            flow->wrong = true;
        flow->received += (uint64_t)taken;
        if (flow->limit && flow->received == flow->limit)
            flow->done = strata_rt_now(rt);
    }
    strata_rt_close(conn);
    strata_rt_close(listener);
    return taken < 0;
}

static void remember(struct flow *flow, strata_time time, const int64_t *value)
{
    if (flow->sample_count == flow->sample_room) {
        flow->sample_room = flow->sample_room ? 2 * flow->sample_room : 1024;
        flow->samples = realloc(flow->samples, flow->sample_room * sizeof *flow->samples);
        REQUIRE(flow->samples);
    }
    flow->samples[flow->sample_count++] = (struct flow_sample){.time = time,
                                                               .cwnd = (uint32_t)value[0],
                                                               .ssthresh = (uint32_t)value[1],
                                                               .flight = (uint32_t)value[2],
                                                               .recovery = (uint32_t)value[3],
                                                               .srtt_ns = flow->srtt_ns};
}

static void listen(void *context, const struct strata_lab_event *event)
{
    struct flows *flows = context;
    if (event->kind != STRATA_LAB_TRACE || event->node == flows->receiver)
        return;
    for (unsigned i = 0; i < flows->config.count; i++) {
        struct flow *flow = &flows->flow[i];
        if (flow->node != event->node)
            continue;
        if (event->trace->kind == STRATA_TRACE_TCP_CWND)
            remember(flow, event->time, event->trace->value);
        else if (event->trace->kind == STRATA_TRACE_TCP_RTT)
            flow->srtt_ns = event->trace->value[1];
    }
}

/** A host with one cable to `to`. */
static struct strata_node *sender_new(struct flows *flows, unsigned i, struct strata_node *to,
                                      const struct strata_cable_config *cable)
{
    char name[16], address[32], gateway[32];
    snprintf(name, sizeof name, "sender%u", i);
    struct strata_config host = {.size = sizeof host, .memory_bytes = flows->config.memory_bytes};
    struct strata_node *node = strata_world_host(flows->world, name, &host);
    REQUIRE(node);
    struct strata_cable *made = strata_world_cable(flows->world, node, to, cable);
    REQUIRE(made);
    if (to == flows->receiver) {
        flows->bottleneck = made;
        REQUIRE(strata_node_address(node, 1, "10.0.0.1/24") == 0);
        return node;
    }
    snprintf(address, sizeof address, "10.1.%u.2/24", i);
    snprintf(gateway, sizeof gateway, "10.1.%u.1/24", i);
    REQUIRE(strata_node_address(node, 1, address) == 0);
    REQUIRE(strata_node_address(to, (int)i + 2, gateway) == 0);
    *strrchr(gateway, '/') = '\0';
    REQUIRE(strata_node_route(node, "0.0.0.0/0", gateway) == 0);
    return node;
}

void flows_new(struct flows *flows, const struct flows_config *config)
{
    *flows = (struct flows){.config = *config};
    REQUIRE(config->count >= 1 && config->count <= FLOWS_MAX);
    for (size_t i = 0; i < sizeof pattern; i++)
        pattern[i] = (uint8_t)(i % PATTERN_BYTES * 2654435761u >> 11);
    REQUIRE(strata_world_new(&flows->world, &(struct strata_world_config){.size = sizeof(struct strata_world_config),
                                                                         .seed = config->seed,
                                                                         .trace_hosts = config->samples}) == 0);
    struct strata_cable_config cable = {.size = sizeof cable,
                                        .link = STRATA_LINK_IP,
                                        .forward = config->forward,
                                        .backward = config->backward};
    struct strata_config host = {.size = sizeof host, .memory_bytes = config->memory_bytes};
    flows->receiver = strata_world_host(flows->world, "receiver", &host);
    REQUIRE(flows->receiver);
    if (config->count == 1) {
        flows->flow[0].node = sender_new(flows, 0, flows->receiver, &cable);
        REQUIRE(strata_node_address(flows->receiver, 1, "10.0.0.2/24") == 0);
    } else {
        struct strata_node *router = strata_world_router(flows->world, "router", NULL);
        REQUIRE(router);
        flows->bottleneck = strata_world_cable(flows->world, router, flows->receiver, &cable);
        REQUIRE(flows->bottleneck);
        REQUIRE(strata_node_address(router, 1, "10.0.0.1/24") == 0);
        REQUIRE(strata_node_address(flows->receiver, 1, "10.0.0.2/24") == 0);
        REQUIRE(strata_node_route(flows->receiver, "0.0.0.0/0", "10.0.0.1") == 0);
        for (unsigned i = 0; i < config->count; i++) {
            strata_time delay_ns = config->access_ns * i;
            struct strata_cable_config access = {.size = sizeof access,
                                                 .link = STRATA_LINK_IP,
                                                 .forward = {.delay_ns = delay_ns, .jitter_ns = config->jitter_ns},
                                                 .backward = {.delay_ns = delay_ns}};
            flows->flow[i].node = sender_new(flows, i, router, &access);
        }
    }
    if (config->samples)
        REQUIRE(strata_world_listen(flows->world, listen, flows) == 0);
}

static void start(struct flows *flows)
{
    running = flows;
    if (strata_world_now(flows->world) > 0)
        return;
    for (unsigned i = 0; i < flows->config.count; i++) {
        char number[16];
        snprintf(number, sizeof number, "%u", i);
        char *argv[] = {(char *)"flow", number};
        struct strata_program_config receive = {
            .size = sizeof receive, .name = "receive", .program = receive_stream, .argc = 2, .argv = argv};
        struct strata_program_config send = {
            .size = sizeof send, .name = "send", .program = send_stream, .argc = 2, .argv = argv};
        REQUIRE(strata_node_run(flows->receiver, &receive) == 0);
        REQUIRE(strata_node_run(flows->flow[i].node, &send) == 0);
    }
}

static void check_octets(const struct flows *flows)
{
    for (unsigned i = 0; i < flows->config.count; i++)
        CHECK(!flows->flow[i].wrong);
}

void flows_run(struct flows *flows, strata_time time)
{
    start(flows);
    CHECK_EQ(strata_world_run(flows->world, time), 0);
    check_octets(flows);
}

static bool all_done(void *context)
{
    const struct flows *flows = context;
    for (unsigned i = 0; i < flows->config.count; i++)
        if (flows->flow[i].limit && !flows->flow[i].done)
            return false;
    return true;
}

bool flows_finish(struct flows *flows, strata_time time)
{
    start(flows);
    int done = strata_world_run_until(flows->world, all_done, flows, time);
    check_octets(flows);
    return done == 1;
}

void flows_mark(struct flows *flows)
{
    for (unsigned i = 0; i < flows->config.count; i++)
        flows->flow[i].marked_at = flows->flow[i].received;
}

uint64_t flow_since_mark(const struct flow *flow)
{
    return flow->received - flow->marked_at;
}

int64_t flows_counter(struct flows *flows, const char *name)
{
    int64_t sum = 0;
    for (unsigned i = 0; i < flows->config.count; i++) {
        int64_t value = strata_node_counter(flows->flow[i].node, name);
        REQUIRE(value >= 0);
        sum += value;
    }
    return sum;
}

void flows_set(struct flows *flows, const char *name, int64_t value)
{
    REQUIRE(strata_node_set(flows->receiver, name, value) == 0);
    for (unsigned i = 0; i < flows->config.count; i++)
        REQUIRE(strata_node_set(flows->flow[i].node, name, value) == 0);
}

unsigned flows_fairness(const struct flows *flows)
{
    // (sum x)^2 / (n sum x^2), in units of 4 KiB so that nothing overflows.
    uint64_t sum = 0, squares = 0;
    for (unsigned i = 0; i < flows->config.count; i++) {
        uint64_t x = flow_since_mark(&flows->flow[i]) >> 12;
        sum += x;
        squares += x * x;
    }
    return squares ? (unsigned)(sum * sum / (squares * flows->config.count / 10000)) : 0;
}

void flows_free(struct flows *flows)
{
    strata_world_free(flows->world);
    for (unsigned i = 0; i < flows->config.count; i++)
        free(flows->flow[i].samples);
    running = NULL;
}
