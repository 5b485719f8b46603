/**
 * Ten thousand sockets of each kind on one host: what a packet costs does not grow with their number. Neither
 * time nor a clock is asked: the entries that a lookup passes are counted in the tables, and the instructions
 * of strata_host_input by stepping through them one by one, where the machine lets a program do that.
 *
 * ctest: label os
 * ctest: label no_valgrind
 */
#include "socket/socket.h"
#include "tests/host/solo.h"
#include "transport/tcp/connection.h"
#include "transport/udp_internal.h"

#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#define FEW 10
#define MANY 10000
/** Frames that are counted, to sockets all over. */
#define FRAMES 6
#define FRAME_ROOM 128
#ifdef __SANITIZE_ADDRESS__
#define STEPS_COUNT 0 /* those of the sanitizer would be most of them, and take their time */
#else
#define STEPS_COUNT 1
#endif

struct frames {
    uint8_t bytes[FRAMES][FRAME_ROOM];
    size_t length[FRAMES];
    unsigned count;
};

/* ---- Tables -------------------------------------------------------------------------------------------- */

struct chains {
    uint64_t entries, steps; /**< Steps to find each entry once. */
    uint32_t longest;
};

static void add_chain(struct chains *chains, const struct table_entry *entry)
{
    uint32_t length = 0;
    for (; entry; entry = entry->next)
        chains->steps += ++length;
    chains->entries += length;
    if (length > chains->longest)
        chains->longest = length;
}

/** Looks at every chain of a table, also while it is being resized. */
static void check_chains(const struct table *table, uint64_t entries)
{
    struct chains chains = {0};
    uint32_t unit = table->mask < table->old_mask ? table->mask : table->old_mask;
    for (uint32_t i = 0; i <= table->mask; i++)
        if (!table->old_buckets || (i & unit) < table->moved)
            add_chain(&chains, table->buckets[i]);
    for (uint32_t i = 0; table->old_buckets && i <= table->old_mask; i++)
        if ((i & unit) >= table->moved)
            add_chain(&chains, table->old_buckets[i]);
    CHECK_EQ(chains.entries, entries);
    printf("    %u entries: a lookup passes %u.%02u of them, %u at most\n", (unsigned)entries,
           (unsigned)(chains.steps / entries), (unsigned)(chains.steps * 100 / entries % 100),
           chains.longest);
    CHECK(chains.steps < 2 * entries);
    CHECK(chains.longest < 12);
}

/* ---- Instructions -------------------------------------------------------------------------------------- */

/** Runs in a child that is stepped through from one stop to the next. */
static void child(struct strata_host *host, int port, const struct frames *frames, strata_time now)
{
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
        _exit(1);
    raise(SIGSTOP);
    for (unsigned i = 0; i < frames->count; i++)
        strata_host_input(host, port, frames->bytes[i], frames->length[i], NULL, now);
    raise(SIGSTOP);
    _exit(0);
}

/** How many instructions the host spends on a frame; 0: this machine does not let us look. */
static uint64_t instructions(struct strata_host *host, int port, const struct frames *frames, strata_time now)
{
    if (!STEPS_COUNT)
        return 0;
    fflush(stdout);
    pid_t pid = fork();
    REQUIRE(pid >= 0);
    if (pid == 0)
        child(host, port, frames, now);
    int status;
    uint64_t steps = 0;
    bool stopped = waitpid(pid, &status, 0) == pid && WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP;
    while (stopped) {
        if (ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) < 0 || waitpid(pid, &status, 0) != pid)
            break;
        steps++;
        stopped = WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP;
    }
    bool whole = WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP && steps > 1;
    kill(pid, SIGKILL);
    (void)waitpid(pid, &status, 0);
    return whole ? steps / frames->count : 0;
}

/** Many sockets may cost a packet little more than few do: a step or two in a chain. */
static void check_cost(const char *what, uint64_t few, uint64_t many)
{
    if (few == 0 || many == 0) {
        printf("    instructions were not counted: this machine or build does not let us\n");
        return;
    }
    printf("    %s: %" PRIu64 " instructions per packet with %d sockets, %" PRIu64 " with %d\n", what, few,
           FEW, many, MANY);
    CHECK(many < few + few / 4);
}

/* ---- UDP ----------------------------------------------------------------------------------------------- */

/** A host with so many datagram sockets of all three classes, each at a port of its own. */
static uint64_t udp_cost(unsigned count)
{
    struct solo solo;
    static struct frames frames;
    struct strata_endpoint local = {.port = 0}, peer = {.address = strata_ipv4(10, 0, 0, 9), .port = 5000};
    solo_start(&solo);
    for (unsigned i = 0; i < count; i++) {
        strata_socket socket = strata_open(solo.host, STRATA_DATAGRAM);
        local.address = i % 3 == 0 ? (struct strata_address){{0}} : pair_ipv4(0, 0).address;
        local.port = (uint16_t)(1024 + i);
        REQUIRE(strata_bind(solo.host, socket, &local) == 0);
        if (i % 3 == 2)
            REQUIRE(strata_connect(solo.host, socket, &peer, solo.now) == 0);
    }
    frames.count = FRAMES;
    for (unsigned i = 0; i < FRAMES; i++) {
        struct strata_endpoint to = pair_ipv4(0, (uint16_t)(1024 + i * (count - 1) / (FRAMES - 1)));
        frames.length[i] = solo_build_udp(frames.bytes[i], &peer, &to, "12345678", 8, 0, 0);
    }
    uint64_t cost = instructions(solo.host, solo.port, &frames, solo.now);
    // In this process, too: every one of them has its datagram.
    for (unsigned i = 0; i < FRAMES; i++)
        solo_input(&solo, frames.bytes[i], frames.length[i]);
    CHECK_EQ(pair_counter(solo.host, "udp_delivered"), FRAMES);
    check_chains(&sockets_of(solo.host)->udp->table, count);
    solo_free(&solo);
    return cost;
}

TEST(a_datagram_costs_no_more_among_ten_thousand_sockets)
{
    uint64_t few = udp_cost(FEW);
    check_cost("UDP", few, udp_cost(MANY));
}

/* ---- TCP ----------------------------------------------------------------------------------------------- */

/** Keeps the frames that host a sends; they are lost. */
static bool keep(void *context, int from, const uint8_t *frame, size_t length)
{
    struct frames *frames = context;
    if (from != 0 || frames->count == FRAMES || length > FRAME_ROOM)
        return from == 0;
    memcpy(frames->bytes[frames->count], frame, length);
    frames->length[frames->count++] = length;
    return true;
}

/** A host with so many connections. */
static uint64_t tcp_cost(unsigned count)
{
    struct pair pair;
    static struct frames frames;
    static strata_socket clients[MANY];
    struct strata_endpoint at = {.port = 80}, peer = pair_ipv4(1, 80);
    pair_start(&pair, STRATA_LINK_IP);
    strata_socket listener = strata_open(pair.b, STRATA_STREAM);
    REQUIRE(strata_bind(pair.b, listener, &at) == 0 && strata_listen(pair.b, listener, 0, pair.now) == 0);
    for (unsigned i = 0; i < count; i++) {
        clients[i] = strata_open(pair.a, STRATA_STREAM);
        REQUIRE(strata_connect(pair.a, clients[i], &peer, pair.now) == -EINPROGRESS);
        pair_settle(&pair);
        REQUIRE(strata_accept(pair.b, listener, NULL, pair.now) > 0);
    }
    pair_run(&pair, STRATA_SECOND);
    frames.count = 0;
    pair.filter = keep;
    pair.context = &frames;
    for (unsigned i = 0; i < FRAMES; i++) {
        unsigned chosen = i * (count - 1) / (FRAMES - 1);
        CHECK_EQ(strata_write(pair.a, clients[chosen], "12345678", 8, pair.now), 8);
        pair_settle(&pair);
    }
    CHECK(frames.count > FRAMES / 2); // with few connections some are chosen twice, and wait for their ACK
    uint64_t cost = instructions(pair.b, pair.port, &frames, pair.now);
    check_chains(&sockets_of(pair.b)->tcp->records, count);
    pair_free(&pair);
    return cost;
}

TEST(a_segment_costs_no_more_among_ten_thousand_connections)
{
    uint64_t few = tcp_cost(FEW);
    check_cost("TCP", few, tcp_cost(MANY));
}

TEST_MAIN(TEST_ENTRY(a_datagram_costs_no_more_among_ten_thousand_sockets),
          TEST_ENTRY(a_segment_costs_no_more_among_ten_thousand_connections))
