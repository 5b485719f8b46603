/*
 * Both hosts, the cable between them, and time.
 */
#include "tests/transport/soak.h"

#include "base/counters.h"

#include <errno.h>
#include <signal.h>

/** Whoever gets nothing across in so long is stuck. */
#define PATIENCE (6 * 3600 * STRATA_SECOND)
/** Whoever still gets something across after so long is merely slow, and not waited for. */
#define LIMIT (48 * 3600 * STRATA_SECOND)

/** Sees each frame as it leaves; the pair itself carries none. */
static bool carry(void *context, int from, const uint8_t *bytes, size_t length)
{
    struct soak *soak = context;
    if (getenv("SOAK_FRAMES")) {
        char text[300];
        strata_frame_print(soak->plan.ethernet ? STRATA_LINK_ETHERNET : STRATA_LINK_IP, bytes, length, text,
                           sizeof text);
        printf("%.6f %c %s\n", (double)soak->pair.now / 1e9, from ? 'b' : 'a', text);
    }
    cable_carry(&soak->cable, soak->pair.now, from, bytes, length);
    return true;
}

static void open_listener(struct soak *soak)
{
    struct strata_endpoint at = {.port = 80};
    soak->listener = strata_open(soak->pair.b, STRATA_STREAM);
    REQUIRE(soak->listener > 0);
    REQUIRE(strata_set_option(soak->pair.b, soak->listener, STRATA_OPTION_RECEIVE_BUFFER,
                              (int64_t)ONE_OF(&soak->random, 2048, 10000, 262144), soak->pair.now) == 0);
    if (soak->plan.fast)
        REQUIRE(strata_set_option(soak->pair.b, soak->listener, STRATA_OPTION_FAST_OPEN,
                                  (int64_t)ONE_OF(&soak->random, 0, 1, 16), soak->pair.now) == 0);
    REQUIRE(strata_set_option(soak->pair.b, soak->listener, STRATA_OPTION_DEFER_ACCEPT_NS,
                              (int64_t)ONE_OF(&soak->random, 0, 0, 0, 5) * STRATA_SECOND, soak->pair.now) == 0);
    REQUIRE(strata_bind(soak->pair.b, soak->listener, &at) == 0);
    REQUIRE(strata_listen(soak->pair.b, soak->listener, 0, soak->pair.now) == 0);
}

/** Gives accepted connections to the programs that wait for theirs, by the port of the client. */
static bool accept_all(struct soak *soak)
{
    bool moved = false;
    for (;;) {
        struct strata_endpoint peer;
        strata_socket socket = strata_accept(soak->pair.b, soak->listener, &peer, soak->pair.now);
        if (socket <= 0)
            return moved;
        moved = true;
        struct program *program = NULL;
        for (unsigned i = 0; i < soak->program_count; i += 2) {
            struct strata_endpoint local;
            struct program *client = &soak->programs[i];
            if (client->socket > 0 && strata_local(client->host, client->socket, &local) == 0 &&
                local.port == peer.port)
                program = client->peer;
        }
        if (!program || program->socket != 0) { // its client has given up meanwhile
            CHECK_EQ(strata_abort(soak->pair.b, socket, soak->pair.now), 0);
            continue;
        }
        program->socket = socket;
        program->connected = program->runnable = true;
        REQUIRE(strata_set_user(soak->pair.b, socket, program) == 0);
        if (!soak->plan.tunes && test_below(&soak->random, 2))
            soak_draw_buffers(program);
        soak_draw_congestion(program);
        soak_draw_mood(program);
    }
}

/* ---- Running ------------------------------------------------------------------------------------------- */

static void take_events(struct soak *soak)
{
    for (int i = 0; i < 2; i++) {
        struct strata_event event;
        while (strata_event_next(soak->pair.host[i], &event))
            if (event.user)
                ((struct program *)event.user)->runnable = true;
    }
}

static bool deliver(struct soak *soak)
{
    bool moved = false;
    for (int i = 0; i < 2; i++)
        for (struct cable_frame *frame; (frame = cable_take(&soak->cable, soak->pair.now, i));) {
            strata_host_input(soak->pair.host[i], soak->pair.port, frame->bytes, frame->length, NULL,
                              soak->pair.now);
            free(frame);
            moved = true;
        }
    return moved;
}

static void fail_sometimes(struct soak *soak)
{
    struct pair_memory *memory = &soak->pair.memory[test_below(&soak->random, 2)];
    if (soak->plan.failures && soak_chance(&soak->random, soak->plan.failures))
        memory->fail_at = memory->allocations + 1 + test_below(&soak->random, 3);
}

static bool all_connected(const struct soak *soak)
{
    for (unsigned i = 0; i < soak->program_count; i++)
        if (!soak->programs[i].connected)
            return false;
    return true;
}

static void bring_up(struct soak *soak)
{
    if (soak->down >= 0)
        CHECK_EQ(strata_port_set_up(soak->pair.host[soak->down], soak->pair.port, true, soak->pair.now), 0);
    soak->down = -1;
}

/** The path gets another width, a port goes down or comes up again. */
static void disturb(struct soak *soak)
{
    const struct plan *plan = &soak->plan;
    if (soak->pair.now < soak->disturb_at)
        return;
    soak->disturb_at =
        soak->pair.now + (strata_time)test_below(&soak->random, 20000) * STRATA_MILLISECOND + 1;
    if (plan->narrows) {
        uint64_t widths[] = {0, plan->ipv6 ? 1280 : 68, plan->ipv6 ? 1300 : 300, plan->ipv6 ? 1400 : 1006};
        soak->cable.path_mtu = (uint32_t)widths[test_below(&soak->random, 4)];
    }
    if (soak->down >= 0) {
        bring_up(soak);
    } else if (plan->flaps && all_connected(soak)) {
        soak->down = (int)test_below(&soak->random, 2);
        CHECK_EQ(strata_port_set_up(soak->pair.host[soak->down], soak->pair.port, false, soak->pair.now), 0);
    }
}

/** Few frames suffice for so few octets; forged segments are answered a few times a second (RFC 5961 7). */
static uint64_t storm_bound(const struct soak *soak)
{
    // On the narrowest path a segment with all its options carries a few octets.
    uint64_t bound = (soak->plan.narrows ? 400000 : 100000) * (soak->boots + 1);
    return bound + (soak->plan.forged ? 50 * (uint64_t)(soak->pair.now / STRATA_SECOND) : 0);
}

/** All that can happen without time passing. */
static void settle(struct soak *soak)
{
    unsigned rounds = 0;
    for (bool moved = true; moved;) {
        fail_sometimes(soak);
        disturb(soak);
        if (soak_chance(&soak->random, soak->plan.forged) && all_connected(soak))
            cable_forge(&soak->cable, soak->pair.now);
        moved = deliver(soak);
        moved |= pair_step(&soak->pair);
        take_events(soak);
        if (!soak->plan.crossing)
            moved |= accept_all(soak);
        for (unsigned i = 0; i < soak->program_count; i++)
            moved |= soak_run_program(&soak->programs[i]);
        if (++rounds > 100000) {
            soak_report(soak);
            REQUIRE(!"an end of what happens at one time");
        }
        if (soak->pair.frames[0] + soak->pair.frames[1] > 20 * storm_bound(soak)) {
            soak_report(soak);
            REQUIRE(!"an end of what is said");
        }
    }
}

static strata_time next_time(struct soak *soak)
{
    strata_time next = pair_deadline(&soak->pair);
    if (cable_next(&soak->cable) < next)
        next = cable_next(&soak->cable);
    if (soak->disturb_at < next)
        next = soak->disturb_at;
    for (unsigned i = 0; i < soak->program_count; i++) {
        struct program *program = &soak->programs[i];
        if (program->socket > 0 && program->runnable && program->wake_at > soak->pair.now &&
            program->wake_at < next)
            next = program->wake_at;
    }
    return next;
}

static bool all_over(const struct soak *soak)
{
    for (unsigned i = 0; i < soak->program_count; i++)
        if (soak->programs[i].socket != -1)
            return false;
    return true;
}

/** Lets time pass until `end`, or all programs have closed. */
static void run_until(struct soak *soak, strata_time end, bool wait_for_programs)
{
    for (;;) {
        settle(soak);
        if (wait_for_programs && all_over(soak))
            return;
        strata_time next = next_time(soak);
        if (next > end)
            break;
        soak->pair.now = next > soak->pair.now ? next : soak->pair.now;
    }
    soak->pair.now = end > soak->pair.now ? end : soak->pair.now;
}

static void check_streams(struct soak *soak)
{
    if (!CHECK(all_over(soak)))
        return;
    for (unsigned i = 0; i < soak->program_count; i++) {
        const struct program *program = &soak->programs[i];
        if (soak->plan.cut || soak->plan.aborts || program->refused)
            continue;
        CHECK_EQ(program->error, 0);
        if (!program->deaf)
            CHECK_EQ(program->received, program->peer->total);
        CHECK(program->left_out <= program->peer->urgent_writes);
    }
}

static void check_nothing_left(struct soak *soak)
{
    for (int i = 0; i < 2; i++) {
        struct strata_memory memory = {.size = sizeof memory};
        CHECK_EQ(strata_memory(soak->pair.host[i], &memory), 0);
        CHECK_EQ(memory.connections, 0);
        CHECK_EQ(memory.half_open, 0);
        CHECK_EQ(memory.time_wait, 0);
        CHECK_EQ(memory.sockets, 0);
        CHECK_EQ(memory.pages, 0);
    }
}

/** Programs whose peer has vanished and that only listen never learn of it: they lose patience. */
static void give_up(struct soak *soak)
{
    for (unsigned i = 0; i < soak->program_count; i++) {
        struct program *program = &soak->programs[i];
        if (program->socket > 0)
            CHECK_EQ(strata_close(program->host, program->socket, soak->pair.now), 0);
        program->socket = -1;
    }
}

static void begin(struct soak *soak)
{
    for (unsigned i = 0; i < soak->program_count; i++)
        soak_begin_program(soak, &soak->programs[i], i);
    for (unsigned i = 0; i < soak->program_count; i++) {
        // One octet at a time takes long enough for few of them.
        struct program *program = &soak->programs[i];
        if ((program->piece == 1 || program->peer->piece == 1) && program->total > 2000)
            program->total = 2000;
    }
    for (unsigned i = 0; i < soak->program_count; i++)
        while ((soak->plan.crossing || i % 2 == 0) && !soak_connect_program(&soak->programs[i], i))
            continue;
}

static void run_a_while(struct soak *soak)
{
    run_until(soak, soak->pair.now + (strata_time)test_below(&soak->random, 3000) * STRATA_MILLISECOND, true);
}

/** What programs have got across; of one whose peer does not read, what was acknowledged. It changes as long as
 * anything moves. */
static uint64_t progress_of(const struct soak *soak)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < soak->program_count; i++) {
        const struct program *program = &soak->programs[i];
        struct strata_tcp_info info = {.size = sizeof info};
        if (program->socket >= 0 && strata_tcp_info(program->host, program->socket, &info) == 0)
            sum += info.bytes_acked;
        sum += program->received + program->sent + program->finished + program->ended + (program->socket < 0);
    }
    return sum;
}

/** @return false: they are getting on, but it takes too long to wait for. */
static bool run_to_the_end(struct soak *soak)
{
    strata_time end = soak->pair.now + LIMIT;
    uint64_t before;
    do {
        before = progress_of(soak);
        run_until(soak, soak->pair.now + PATIENCE, true);
    } while (!all_over(soak) && progress_of(soak) != before && soak->pair.now < end);
    return all_over(soak) || progress_of(soak) == before;
}

static void converse(struct soak *soak)
{
    bool slow = false;
    begin(soak);
    if (soak->plan.cut) {
        run_a_while(soak);
        soak->cable.is_cut = true;
        run_until(soak, soak->pair.now + 2 * 3600 * STRATA_SECOND, true);
    } else {
        slow = !run_to_the_end(soak);
    }
    if (soak->plan.cut || soak->plan.aborts || slow) {
        // Who only listens to a peer that has vanished, or whose RST was lost, never learns of it.
        give_up(soak);
        run_until(soak, soak->pair.now + 2 * 3600 * STRATA_SECOND, false);
    }
    if (!slow)
        check_streams(soak);
}

/* ---- A host that loses its power ------------------------------------------------------------------------ */

static uint64_t counted[COUNTER_COUNT];

static void take_counters(const struct strata_host *host)
{
    for (unsigned i = 0; i < strata_counters(); i++)
        counted[i] += strata_counter(host, i);
}

uint64_t soak_counted(const char *name)
{
    for (unsigned i = 0; i < strata_counters(); i++)
        if (strcmp(strata_counter_name(i), name) == 0)
            return counted[i];
    REQUIRE(!"a counter of that name");
    return 0;
}

/** It comes up again without a memory of anything; what is under way to it arrives nevertheless. */
static void restart(struct soak *soak, int i)
{
    struct pair_memory *memory = &soak->pair.memory[i];
    memory->fail_at = 0;
    take_counters(soak->pair.host[i]);
    strata_host_free(soak->pair.host[i]);
    CHECK_EQ(memory->bytes, 0);
    CHECK_EQ(memory->blocks, 0);
    soak->boots++;
    soak->down = soak->down == i ? -1 : soak->down;
    REQUIRE(pair_birth(&soak->pair, i, &soak->config, soak->boots) == 0);
    soak->pair.a = soak->pair.host[0];
    soak->pair.b = soak->pair.host[1];
    soak_settings(soak, soak->pair.host[i]);
    if (i == 1 && !soak->plan.crossing)
        open_listener(soak);
    for (unsigned p = 0; p < soak->program_count; p++)
        if (soak->programs[p].at == i) {
            soak->programs[p].gone = true;
            soak->programs[p].socket = -1;
        }
}

/** Who had something to say to it has been told that nobody remembers (RFC 9293 3.5.2); others cannot know. */
static void check_survivors(struct soak *soak)
{
    for (unsigned i = 0; i < soak->program_count; i++) {
        const struct program *program = &soak->programs[i];
        struct strata_tcp_info info = {.size = sizeof info};
        if (program->gone)
            continue;
        // A shutdown may be the first to learn of it. A forged SYN that comes first makes a half-open connection of the
        // same name, and while the restarted host waits for its ACK it tells nobody anything.
        if (soak->plan.forged && program->error == -ETIMEDOUT)
            continue;
        if (soak->plan.ethernet && program->error == -EHOSTUNREACH)
            continue; // its neighbour did not answer for as long
        if (program->error != -EPIPE && program->error != -ENOTCONN && program->error != 0)
            CHECK_EQ(program->error, -ECONNRESET);
        if (program->socket <= 0)
            continue;
        CHECK_EQ(strata_tcp_info(program->host, program->socket, &info), 0);
        CHECK_EQ(info.send_queue, 0);
    }
}

/** One host restarts in the middle of everything. Afterwards both talk as if nothing had been. */
static void converse_twice(struct soak *soak)
{
    begin(soak);
    run_a_while(soak);
    restart(soak, soak->plan.restarts);
    run_until(soak, soak->pair.now + 2 * 3600 * STRATA_SECOND, true);
    check_survivors(soak);
    give_up(soak);
    run_until(soak, soak->pair.now + 2 * 3600 * STRATA_SECOND, false);
    bring_up(soak);
    soak->plan.restarts = -1;
    converse(soak);
}

static const struct soak *running;

/** An assertion of the stack does not hold: which seed it was must not be lost. */
static void on_abort(int signal_number)
{
    (void)signal_number;
    soak_report(running);
    fflush(stdout);
}

static void check_storm(const struct soak *soak)
{
    CHECK(soak->pair.frames[0] + soak->pair.frames[1] < storm_bound(soak));
}

/** A path that swallows what is too large, for hosts that know how to find that out. */
static void darken(struct soak *soak)
{
    int64_t probing;
    struct plan *plan = &soak->plan;
    plan->dark = plan->dark && strata_get(soak->pair.a, "net.ipv4.tcp_mtu_probing", &probing) == 0;
    if (!plan->dark)
        return;
    plan->narrows = false;
    soak->cable.dark = true;
    soak->cable.path_mtu =
        plan->ipv6 ? (uint32_t)ONE_OF(&soak->random, 1280, 1400) : (uint32_t)ONE_OF(&soak->random, 576, 1006);
}

void soak_seed(uint64_t seed)
{
    struct program programs[2 * CONNECTIONS_MAX] = {0};
    struct soak soak = {.random = seed, .programs = programs, .down = -1};
    unsigned failures = *test_failures();
    signal(SIGABRT, on_abort);
    soak_draw(&soak.plan, seed);
    running = &soak;
    soak.program_count = 2 * soak.plan.connections;
    soak.config = (struct pair_config){.link = soak.plan.ethernet ? STRATA_LINK_ETHERNET : STRATA_LINK_IP,
                                       .mtu_bytes = soak.plan.mtu,
                                       .memory_bytes = soak.plan.memory};
    REQUIRE(pair_make(&soak.pair, &soak.config) == 0);
    soak.cable = (struct cable){.random = seed + 1,
                                .ethernet = soak.plan.ethernet,
                                .ipv6 = soak.plan.ipv6,
                                .loss = soak.plan.loss,
                                .doubling = soak.plan.doubling,
                                .damage = soak.plan.damage,
                                .late = soak.plan.late,
                                .marks = soak.plan.marks,
                                .bursts = soak.plan.bursts,
                                .squeezes = soak.plan.squeezes,
                                .delay = soak.plan.delay,
                                .jitter = soak.plan.jitter};
    soak.disturb_at = soak.plan.narrows || soak.plan.flaps ? 0 : STRATA_NEVER;
    soak.pair.filter = carry;
    soak.pair.context = &soak;
    for (int i = 0; i < 2; i++)
        soak_settings(&soak, soak.pair.host[i]);
    darken(&soak);
    if (!soak.plan.crossing)
        open_listener(&soak);
    if (soak.plan.restarts >= 0)
        converse_twice(&soak);
    else
        converse(&soak);
    check_storm(&soak);
    if (*test_failures() != failures || getenv("SOAK_TRACE"))
        soak_report(&soak);
    give_up(&soak);
    bring_up(&soak);
    soak.disturb_at = STRATA_NEVER;
    soak.plan.failures = soak.plan.forged = 0;
    if (!soak.plan.crossing)
        CHECK_EQ(strata_close(soak.pair.b, soak.listener, soak.pair.now), 0);
    run_until(&soak, soak.pair.now + 2 * 3600 * STRATA_SECOND, false);
    check_nothing_left(&soak);
    for (int i = 0; i < 2; i++)
        take_counters(soak.pair.host[i]);
    cable_free(&soak.cable);
    pair_free(&soak.pair);
    if (*test_failures() != failures)
        printf("    replay: SOAK_SEED=%" PRIu64 " SOAK_COUNT=1\n", seed);
}

