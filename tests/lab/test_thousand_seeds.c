/*
 * A thousand worlds, each a cable that loses every tenth frame and besides reorders, doubles and damages:
 * over one TCP connection 1 MiB goes each way at the same time, and what arrives is what was sent, in every
 * one of them. Worlds of even seed speak IPv4 over Ethernet, those of odd seed IPv6 over a cable without link
 * headers.
 *
 * With a seed as argument only that world runs, with its timeline: that is what a failure tells to do.
 */
// ctest: timeout 600
// ctest: label no_valgrind
#include <strata/lab.h>

#include <time.h>

#include "lab/timeline.h"
#include "tests/test.h"

#define BYTES ((size_t)1 << 20)
#define PORT 4000
#define LONGEST (3600 * STRATA_SECOND)

/* A sanitizer makes every world ten times as slow: there, every fifth will do. */
#if defined(__SANITIZE_ADDRESS__)
#define STEP 5
#else
#define STEP 1
#endif

/** One end of the conversation. */
struct end {
    struct strata_rt *rt;
    struct strata_conn *conn;
    uint8_t out, in;    /* Which of the two contents goes which way. */
    int sent, received; /* 0 when it went well. */
};

/** What stands at an offset of one of the two contents: no two blocks are alike. */
static uint8_t content(uint8_t which, size_t offset)
{
    uint32_t mixed = (uint32_t)(offset >> 8) * 2654435761u + which * 97u;
    return (uint8_t)(offset * 31 + (mixed >> 24) + (mixed >> 13));
}

static void send_all(void *argument)
{
    struct end *end = argument;
    uint8_t block[8192];
    end->sent = -1;
    for (size_t offset = 0; offset < BYTES; offset += sizeof block) {
        for (size_t i = 0; i < sizeof block; i++)
            block[i] = content(end->out, offset + i);
        int64_t written = strata_rt_write(end->conn, block, sizeof block, STRATA_NEVER);
        if (written != (int64_t)sizeof block) {
            end->sent = (int)written;
            return;
        }
    }
    end->sent = strata_rt_shutdown(end->conn, STRATA_SHUTDOWN_WRITE);
}

static void receive_all(struct end *end)
{
    uint8_t block[8192];
    size_t offset = 0;
    int64_t got;
    while ((got = strata_rt_read(end->conn, block, sizeof block, STRATA_NEVER)) > 0) {
        for (int64_t i = 0; i < got; i++)
            if (block[i] != content(end->in, offset + (size_t)i)) {
                strata_rt_print(end->rt, "byte %zu is wrong\n", offset + (size_t)i);
                end->received = 1;
                return;
            }
        offset += (size_t)got;
    }
    if (got < 0 || offset != BYTES)
        strata_rt_print(end->rt, "%zu bytes came, then %d\n", offset, (int)got);
    end->received = got < 0 ? (int)got : offset != BYTES;
}

static int converse(struct strata_rt *rt, struct strata_conn *conn, uint8_t out)
{
    struct end end = {.rt = rt, .conn = conn, .out = out, .in = (uint8_t)!out};
    int error = strata_rt_spawn(rt, "sender", send_all, &end, NULL);
    if (error)
        return 2;
    receive_all(&end);
    strata_rt_join(rt, STRATA_NEVER);
    strata_rt_close(conn);
    return end.sent != 0 || end.received != 0;
}

static int server(struct strata_rt *rt, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    struct strata_conn *listener, *conn;
    if (strata_rt_listen(rt, &(struct strata_endpoint){.port = PORT}, 1, &listener) != 0 ||
        strata_rt_accept(listener, STRATA_NEVER, &conn, NULL) != 0)
        return 3;
    int status = converse(rt, conn, 0);
    strata_rt_close(listener);
    return status;
}

static int client(struct strata_rt *rt, int argc, char **argv)
{
    struct strata_endpoint peer = {.port = PORT};
    struct strata_conn *conn;
    if (argc < 2 || strata_address_parse(argv[1], &peer.address) != 0 ||
        strata_rt_dial(rt, &peer, STRATA_NEVER, &conn) != 0)
        return 3;
    return converse(rt, conn, 1);
}

static bool all_done(void *context)
{
    return strata_world_programs_done(context);
}

struct totals {
    uint64_t worlds, frames, hash;
    strata_time virtual_ns, longest_ns;
};

/** One world. @return whether all went well. */
static bool run_world(uint64_t seed, bool shown, struct totals *totals)
{
    static const char *const v4[] = {"10.0.0.1", "10.0.0.2", "/24"}, *const v6[] = {"2001:db8::1",
                                                                                    "2001:db8::2", "/64"};
    const char *const *address = seed % 2 ? v6 : v4;
    const struct strata_impairment bad = {
        .rate_bps = 20000000,
        .delay_ns = 5 * STRATA_MILLISECOND,
        .jitter_ns = STRATA_MILLISECOND,
        .loss_ppm = 100000,
        .reorder_ppm = 50000,
        .duplicate_ppm = 20000,
        .corrupt_ppm = 20000,
    };
    struct strata_cable_config cable = {.size = sizeof cable,
                                        .forward = bad,
                                        .backward = bad,
                                        .link = seed % 2 ? STRATA_LINK_IP : STRATA_LINK_ETHERNET};
    struct strata_world *world;
    struct timeline *timeline = NULL;
    char text[80];
    int status[2];
    REQUIRE(strata_world_new(&world, &(struct strata_world_config){.size = sizeof(struct strata_world_config),
                                                                   .seed = seed}) == 0);
    struct strata_node *a = strata_world_host(world, "a", NULL), *b = strata_world_host(world, "b", NULL);
    REQUIRE(a && b && strata_world_cable(world, a, b, &cable));
    snprintf(text, sizeof text, "%s%s", address[0], address[2]);
    REQUIRE(strata_node_address(a, 1, text) == 0);
    snprintf(text, sizeof text, "%s%s", address[1], address[2]);
    REQUIRE(strata_node_address(b, 1, text) == 0);
    if (shown)
        REQUIRE(timeline_new(&timeline, world, &(struct timeline_config){.to = stdout, .level = 1}) == 0);
    char *const arguments[] = {(char *)"client", (char *)address[0]};
    REQUIRE(strata_node_start(a, "server", server, 0, NULL, &status[0]) == 0);
    REQUIRE(strata_node_start(b, "client", client, 2, arguments, &status[1]) == 0);
    int done = strata_world_run_until(world, all_done, world, LONGEST);
    totals->worlds++;
    totals->frames += strata_world_frames(world);
    totals->virtual_ns += strata_world_now(world);
    totals->hash = totals->hash * 31 + strata_world_hash(world);
    if (strata_world_now(world) > totals->longest_ns)
        totals->longest_ns = strata_world_now(world);
    bool ok = done == 1 && status[0] == 0 && status[1] == 0;
    if (!ok)
        printf("    seed %" PRIu64 ": %s after %" PRId64 " s, server %d, client %d\n", seed,
               done == 1 ? "ended" : "not ended", strata_world_now(world) / STRATA_SECOND, status[0],
               status[1]);
    if (timeline)
        timeline_finish(timeline);
    strata_world_free(world);
    timeline_free(timeline);
    return ok;
}

int main(int argc, char **argv)
{
    struct totals totals = {0};
    if (argc > 1)
        return !run_world(strtoull(argv[1], NULL, 10), true, &totals);
    unsigned failed = 0;
    clock_t begin = clock();
    for (uint64_t seed = 1; seed <= 1000; seed += STEP)
        if (!run_world(seed, false, &totals)) {
            printf("    to see it again: %s %" PRIu64 "\n", argv[0], seed);
            failed++;
        }
    printf("%s %" PRIu64 " worlds, %" PRIu64 " frames, %" PRId64 " s of virtual time (the longest %" PRId64
           " s) in %ld s of processor time, hash %016" PRIx64 "\n",
           failed ? "FAIL" : "ok  ", totals.worlds, totals.frames, totals.virtual_ns / STRATA_SECOND,
           totals.longest_ns / STRATA_SECOND, (long)((clock() - begin) / CLOCKS_PER_SEC), totals.hash);
    return failed > 0;
}
