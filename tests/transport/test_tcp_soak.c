/**
 * TCP under everything at once: two hosts back to back, a cable that loses, delays, reorders, doubles and
 * damages, programs that write and read in random pieces, pause, close one direction early, change their
 * minds about buffers; small windows, small MTUs, small budgets, allocators that fail now and then. Whatever
 * comes out of the seed, every byte arrives once and in order before a deadline of virtual time, and nothing
 * is left over afterwards.
 *
 * The programs are driven by events alone (besides pauses of their own), so that an event that is never
 * raised shows as a stall. In debug and sanitizer builds connection_check runs at every step.
 *
 * Another range of seeds: SOAK_SEED=1000 SOAK_COUNT=5000 test_tcp_soak; what was drawn: SOAK_TRACE=1; every
 * frame: SOAK_FRAMES=1.
 *
 * ctest: timeout 120
 */
#include "tests/host/pair.h"
#include "tests/transport/soak_cable.h"

#include <errno.h>
#include <signal.h>

#define CONNECTIONS_MAX 4
#define LIMIT (12 * 3600 * STRATA_SECOND)

/* ---- What a seed draws --------------------------------------------------------------------------------- */

struct plan {
    uint64_t seed;
    bool ipv6, ethernet, crossing; /**< crossing: both sides connect at once. */
    uint32_t mtu;
    unsigned loss, doubling, damage; /**< Per mille of frames. */
    strata_time delay, jitter;
    size_t memory;     /**< Budget of each host; 0: plenty. */
    unsigned failures; /**< Per mille of steps after which an allocation fails. */
    unsigned connections;
    bool changes;          /**< Buffers change their sizes under way. */
    bool cut;              /**< The cable breaks for good somewhere in the middle. */
    bool aborts;           /**< Programs may abort. */
    unsigned late, forged; /**< Per mille of frames, of steps. */
    bool narrows;          /**< The path is narrower than the ports, and changes. */
    bool flaps;            /**< Ports go down and up again. */
};

static uint64_t one_of(uint64_t *random, const uint64_t *values, size_t count)
{
    return values[test_below(random, count)];
}
#define ONE_OF(random, ...)                                                                                  \
    one_of(random, (const uint64_t[]){__VA_ARGS__}, sizeof(uint64_t[]){__VA_ARGS__} / sizeof(uint64_t))

static bool chance(uint64_t *random, unsigned per_mille)
{
    return test_below(random, 1000) < per_mille;
}

static void draw(struct plan *plan, uint64_t seed)
{
    uint64_t random = seed * 0x9e3779b97f4a7c15u + 1;
    *plan = (struct plan){.seed = seed};
    plan->ipv6 = test_below(&random, 2);
    plan->ethernet = !plan->ipv6 && test_below(&random, 4) == 0;
    plan->crossing = test_below(&random, 8) == 0;
    plan->mtu = plan->ipv6 ? (uint32_t)ONE_OF(&random, 1280, 1500, 9000, 65535)
                           : (uint32_t)ONE_OF(&random, 68, 100, 296, 576, 1500, 1500, 9000, 65535);
    plan->loss = (unsigned)ONE_OF(&random, 0, 0, 10, 50, 200);
    plan->doubling = (unsigned)ONE_OF(&random, 0, 0, 20, 200);
    plan->damage = (unsigned)ONE_OF(&random, 0, 0, 20, 100);
    plan->delay = (strata_time)ONE_OF(&random, 0, 1, 20, 300) * STRATA_MILLISECOND;
    plan->jitter = (strata_time)ONE_OF(&random, 0, 0, 1, 10, 100) * STRATA_MILLISECOND;
    plan->memory = (size_t)ONE_OF(&random, 0, 0, 1024, 256, 128, 96, 64) * 1024;
    plan->failures = (unsigned)ONE_OF(&random, 0, 0, 0, 5, 50);
    plan->connections = 1 + (unsigned)test_below(&random, CONNECTIONS_MAX);
    plan->changes = test_below(&random, 4) == 0;
    plan->cut = test_below(&random, 16) == 0;
    plan->aborts = test_below(&random, 16) == 0;
    plan->late = (unsigned)ONE_OF(&random, 0, 0, 0, 10);
    plan->forged = (unsigned)ONE_OF(&random, 0, 0, 0, 200);
    plan->narrows = test_below(&random, 4) == 0;
    plan->flaps = test_below(&random, 8) == 0;
}

struct soak {
    struct plan plan;
    struct pair pair;
    uint64_t random;
    struct cable cable;
    struct program *programs;
    unsigned program_count;
    strata_socket listener;
    strata_time disturb_at; /**< When the path or a port changes next. */
    int down;               /**< The host whose port is down, -1: none. */
};

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

/* ---- The programs -------------------------------------------------------------------------------------- */

struct program {
    struct soak *soak;
    struct program *peer;
    int at; /**< Host 0 or 1. */
    struct strata_host *host;
    strata_socket socket;                    /**< 0: not yet; -1: closed. */
    bool runnable, finished, ended, answers; /**< answers: finishes only after the peer has. */
    bool connected, refused;
    int error;
    uint32_t salt;
    uint64_t sent, total, received;
    strata_time wake_at;
    size_t piece; /**< Octets at a time, at most. */
    unsigned pauses;
};

static uint8_t octet(uint32_t salt, uint64_t position)
{
    return (uint8_t)((position + salt) * 2654435761u >> 13);
}

static void pause_sometimes(struct program *program)
{
    struct soak *soak = program->soak;
    if (!chance(&soak->random, program->pauses))
        return;
    program->wake_at =
        soak->pair.now +
        (strata_time)test_below(&soak->random,
                                1 + (uint64_t)ONE_OF(&soak->random, 1, 50, 3000) * STRATA_MILLISECOND);
}

static void set(struct program *program, enum strata_option option, int64_t value)
{
    int error = strata_set_option(program->host, program->socket, option, value, program->soak->pair.now);
    CHECK(error == 0 || error == -ENOMEM);
}

static void draw_buffers(struct program *program)
{
    uint64_t *random = &program->soak->random;
    set(program, STRATA_OPTION_SEND_BUFFER, (int64_t)ONE_OF(random, 2048, 4000, 16384, 100000, 262144));
    set(program, STRATA_OPTION_RECEIVE_BUFFER, (int64_t)ONE_OF(random, 2048, 4000, 16384, 100000, 262144));
}

static void fill(const struct program *program, uint8_t *to, size_t size, uint64_t position)
{
    for (size_t i = 0; i < size; i++)
        to[i] = octet(program->salt, position + i);
}

static int64_t write_piece(struct program *program, size_t size)
{
    static uint8_t buffer[70000];
    struct soak *soak = program->soak;
    strata_time now = soak->pair.now;
    switch (test_below(&soak->random, 8)) {
    case 0:
        fill(program, buffer, size, program->sent);
        return strata_write_urgent(program->host, program->socket, buffer, size, now);
    case 1:
    case 2: {
        struct strata_iovec pieces[3];
        int count = strata_space(program->host, program->socket, size, pieces, 3);
        if (count < 0)
            return count;
        CHECK(count > 0);
        size_t done = 0;
        for (int i = 0; i < count; i++) {
            fill(program, pieces[i].base, pieces[i].length, program->sent + done);
            done += pieces[i].length;
        }
        CHECK(done <= size);
        // Part of what was lent may be given back.
        if (done > 1 && chance(&soak->random, 300))
            done = 1 + (size_t)test_below(&soak->random, done);
        CHECK_EQ(strata_commit(program->host, program->socket, done, now), 0);
        return (int64_t)done;
    }
    default:
        fill(program, buffer, size, program->sent);
        return strata_write(program->host, program->socket, buffer, size, now);
    }
}

static bool same(const struct program *program, const uint8_t *bytes, size_t size, uint64_t position)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != octet(program->peer->salt, position + i))
            return false;
    return true;
}

static int64_t read_piece(struct program *program, size_t size)
{
    static uint8_t buffer[70000];
    struct soak *soak = program->soak;
    strata_time now = soak->pair.now;
    if (test_below(&soak->random, 4) > 0) {
        int64_t taken = strata_read(program->host, program->socket, buffer, size, now);
        if (taken > 0)
            CHECK(same(program, buffer, (size_t)taken, program->received));
        return taken;
    }
    struct strata_iovec pieces[3];
    int count = strata_data(program->host, program->socket, pieces, 3);
    if (count <= 0)
        return count;
    size_t done = 0;
    for (int i = 0; i < count && done < size; i++) {
        size_t part = pieces[i].length < size - done ? pieces[i].length : size - done;
        CHECK(same(program, pieces[i].base, part, program->received + done));
        done += part;
    }
    CHECK_EQ(strata_consume(program->host, program->socket, done, now), 0);
    return (int64_t)done;
}

static size_t draw_size(struct program *program)
{
    return 1 + (size_t)test_below(&program->soak->random, program->piece);
}

static void fail(struct program *program, int64_t error)
{
    program->error = (int)error;
    program->ended = program->finished = true;
}

/** @return whether it may go on at once. */
static bool try_write(struct program *program)
{
    if (program->finished || !program->connected)
        return false;
    if (program->sent < program->total) {
        size_t size = draw_size(program);
        if (size > program->total - program->sent)
            size = (size_t)(program->total - program->sent);
        int64_t taken = write_piece(program, size);
        if (taken < 0 && taken != -EAGAIN)
            fail(program, taken);
        if (taken <= 0)
            return false;
        program->sent += (uint64_t)taken;
        return true;
    }
    if (program->answers && !program->ended)
        return false;
    int error =
        strata_shutdown(program->host, program->socket, STRATA_SHUTDOWN_WRITE, program->soak->pair.now);
    program->finished = true;
    if (error)
        fail(program, error);
    return false;
}

static bool try_read(struct program *program)
{
    if (program->ended)
        return false;
    int64_t taken = read_piece(program, draw_size(program));
    if (taken == 0)
        program->ended = true;
    else if (taken < 0 && taken != -EAGAIN)
        fail(program, taken);
    if (taken <= 0)
        return taken == 0;
    program->received += (uint64_t)taken;
    return true;
}

static void close_refused(struct program *program)
{
    if (program->socket > 0)
        CHECK_EQ(strata_close(program->host, program->socket, program->soak->pair.now), 0);
    program->socket = -1;
    program->refused = true;
}

/** What a handshake may end with, given what is done to it. */
static void check_refusal(const struct plan *plan, int error)
{
    CHECK(plan->memory > 0 || plan->cut || plan->aborts);
    bool vanished = error == ETIMEDOUT || (plan->cut && plan->ethernet && error == EHOSTUNREACH);
    CHECK(vanished || (plan->aborts && error == ECONNREFUSED));
}

/** Whether the handshake is done. One that fails is a failure, unless there is no memory for somebody new, or
 * nobody there any more. */
static bool connected(struct program *program)
{
    int ready = strata_readiness(program->host, program->socket);
    program->runnable = false;
    if (ready & STRATA_ERROR) {
        check_refusal(&program->soak->plan, strata_take_error(program->host, program->socket));
        close_refused(program);
        close_refused(program->peer);
    } else if (ready & STRATA_WRITABLE) {
        program->connected = program->runnable = true;
    }
    return program->connected;
}

static bool run_program(struct program *program)
{
    struct soak *soak = program->soak;
    if (program->socket <= 0 || !program->runnable || soak->pair.now < program->wake_at)
        return false;
    if (!program->connected && !connected(program))
        return true;
    bool writes = try_write(program), reads = try_read(program);
    if (!writes && !reads)
        program->runnable = false;
    if (soak->plan.changes && chance(&soak->random, 20))
        draw_buffers(program);
    if (soak->plan.aborts && chance(&soak->random, 5)) {
        CHECK_EQ(strata_abort(program->host, program->socket, soak->pair.now), 0);
        program->socket = -1;
        return true;
    }
    if (program->finished && program->ended) {
        CHECK_EQ(strata_close(program->host, program->socket, soak->pair.now), 0);
        program->socket = -1;
    }
    pause_sometimes(program);
    return true;
}

/* ---- Opening ------------------------------------------------------------------------------------------- */

static void begin_program(struct soak *soak, struct program *program, unsigned index)
{
    uint64_t *random = &soak->random;
    uint64_t segments = ONE_OF(random, 0, 1, 20, 100, 300), most = segments * soak->plan.mtu;
    if (most > 120000)
        most = 120000;
    *program =
        (struct program){.soak = soak, .at = (int)(index & 1), .runnable = true, .salt = 77 + index * 1001};
    program->host = soak->pair.host[program->at];
    program->peer = &soak->programs[index ^ 1];
    program->total = test_below(random, most + 1);
    program->piece = (size_t)ONE_OF(random, 1, 100, 1000, 5000, 70000);
    program->pauses = (unsigned)ONE_OF(random, 0, 0, 20, 200);
    program->answers = (index & 1) && test_below(random, 4) == 0;
}

static struct strata_endpoint endpoint_of(const struct soak *soak, int host, uint16_t port)
{
    return soak->plan.ipv6 ? pair_ipv6(host, port) : pair_ipv4(host, port);
}

static bool open_socket(struct program *program)
{
    program->socket = strata_open(program->host, STRATA_STREAM);
    if (program->socket == -ENOMEM) {
        program->socket = 0;
        return false;
    }
    REQUIRE(program->socket > 0);
    draw_buffers(program);
    set(program, STRATA_OPTION_NO_DELAY, (int64_t)test_below(&program->soak->random, 2));
    set(program, STRATA_OPTION_KEEP_ALIVE, (int64_t)test_below(&program->soak->random, 2));
    set(program, STRATA_OPTION_KEEP_IDLE_NS,
        (int64_t)ONE_OF(&program->soak->random, 1, 10, 7200) * STRATA_SECOND);
    REQUIRE(strata_set_user(program->host, program->socket, program) == 0);
    return true;
}

/** Connects, or in a crossing both sides of it do. @return whether it is on its way. */
static bool connect_program(struct program *program, unsigned index)
{
    struct soak *soak = program->soak;
    if (!open_socket(program))
        return false;
    bool crossing = soak->plan.crossing;
    struct strata_endpoint peer =
        endpoint_of(soak, !program->at, (uint16_t)(crossing ? 1000 + index / 2 : 80));
    int error = 0;
    if (crossing) {
        struct strata_endpoint local = {.port = (uint16_t)(1000 + index / 2)};
        error = strata_bind(program->host, program->socket, &local);
    }
    if (error == 0)
        error = strata_connect(program->host, program->socket, &peer, soak->pair.now);
    if (error == -EINPROGRESS)
        return true;
    CHECK_EQ(error, -ENOMEM);
    CHECK_EQ(strata_close(program->host, program->socket, soak->pair.now), 0);
    program->socket = 0;
    return false;
}

static void settings(struct soak *soak)
{
    for (int i = 0; i < 2; i++) {
        struct strata_host *host = soak->pair.host[i];
        uint64_t *random = &soak->random;
        CHECK_EQ(strata_set(host, "net.ipv4.tcp_timestamps", (int64_t)test_below(random, 2)), 0);
        CHECK_EQ(strata_set(host, "net.ipv4.tcp_window_scaling", (int64_t)test_below(random, 2)), 0);
        CHECK_EQ(strata_set(host, "strata.tcp_delayed_ack_ms", (int64_t)ONE_OF(random, 0, 40, 200)), 0);
        CHECK_EQ(strata_set(host, "strata.tcp_rto_min_ms", (int64_t)ONE_OF(random, 200, 1000)), 0);
        CHECK_EQ(strata_set(host, "strata.tcp_initial_window", (int64_t)ONE_OF(random, 1, 2, 10)), 0);
        CHECK_EQ(strata_set(host, "net.ipv4.tcp_syn_retries", 30), 0);
        CHECK_EQ(strata_set(host, "net.ipv4.tcp_synack_retries", 30), 0);
        CHECK_EQ(strata_set(host, "net.ipv4.tcp_retries2", soak->plan.cut ? 8 : 40), 0);
        CHECK_EQ(strata_set(host, "net.ipv4.neigh.default.mcast_solicit", 20), 0);
    }
}

static void open_listener(struct soak *soak)
{
    struct strata_endpoint at = {.port = 80};
    soak->listener = strata_open(soak->pair.b, STRATA_STREAM);
    REQUIRE(soak->listener > 0);
    REQUIRE(strata_set_option(soak->pair.b, soak->listener, STRATA_OPTION_RECEIVE_BUFFER,
                              (int64_t)ONE_OF(&soak->random, 2048, 10000, 262144), soak->pair.now) == 0);
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
        if (test_below(&soak->random, 2))
            draw_buffers(program);
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
    if (soak->plan.failures && chance(&soak->random, soak->plan.failures))
        memory->fail_at = memory->allocations + 1 + test_below(&soak->random, 3);
}

static void report(const struct soak *soak)
{
    const struct plan *plan = &soak->plan;
    printf("    seed %" PRIu64
           ": ipv%d%s%s mtu %u, loss %u double %u damage %u, delay %d+%d ms, memory %zu KiB, "
           "failures %u, changes %d, cut %d, aborts %d, late %u, forged %u, narrows %d, flaps %d, %" PRIu64
           " and %" PRIu64 " frames in %.3f s\n",
           plan->seed, plan->ipv6 ? 6 : 4, plan->ethernet ? " ethernet" : "",
           plan->crossing ? " crossing" : "", plan->mtu, plan->loss, plan->doubling, plan->damage,
           (int)(plan->delay / STRATA_MILLISECOND), (int)(plan->jitter / STRATA_MILLISECOND),
           plan->memory / 1024, plan->failures, plan->changes, plan->cut, plan->aborts, plan->late,
           plan->forged, plan->narrows, plan->flaps, soak->pair.frames[0], soak->pair.frames[1],
           (double)soak->pair.now / 1e9);
    for (unsigned i = 0; i < soak->program_count; i++) {
        const struct program *program = &soak->programs[i];
        struct strata_tcp_info info = {.size = sizeof info};
        if (program->socket > 0)
            (void)strata_tcp_info(program->host, program->socket, &info);
        printf("      %u: sent %" PRIu64 " of %" PRIu64 ", received %" PRIu64
               "%s%s%s, piece %zu, error %d, %s una+%u of %u, "
               "window %u, unread %u, readiness %x\n",
               i, program->sent, program->total, program->received, program->finished ? " finished" : "",
               program->ended ? " ended" : "", program->runnable ? " runnable" : "", program->piece,
               program->error,
               program->socket > 0 ? strata_tcp_state_name(info.state)
               : program->socket   ? "closed"
                                   : "none",
               info.flight, info.send_queue, info.send_window, info.receive_queue,
               program->socket > 0 ? (unsigned)strata_readiness(program->host, program->socket) : 0);
    }
}

static bool all_connected(const struct soak *soak)
{
    for (unsigned i = 0; i < soak->program_count; i++)
        if (!soak->programs[i].connected)
            return false;
    return true;
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
        CHECK_EQ(strata_port_set_up(soak->pair.host[soak->down], soak->pair.port, true, soak->pair.now), 0);
        soak->down = -1;
    } else if (plan->flaps && all_connected(soak)) {
        soak->down = (int)test_below(&soak->random, 2);
        CHECK_EQ(strata_port_set_up(soak->pair.host[soak->down], soak->pair.port, false, soak->pair.now), 0);
    }
}

/** All that can happen without time passing. */
static void settle(struct soak *soak)
{
    unsigned rounds = 0;
    for (bool moved = true; moved;) {
        fail_sometimes(soak);
        disturb(soak);
        if (chance(&soak->random, soak->plan.forged) && all_connected(soak))
            cable_forge(&soak->cable, soak->pair.now);
        moved = deliver(soak);
        moved |= pair_step(&soak->pair);
        take_events(soak);
        if (!soak->plan.crossing)
            moved |= accept_all(soak);
        for (unsigned i = 0; i < soak->program_count; i++)
            moved |= run_program(&soak->programs[i]);
        if (++rounds > 100000) {
            report(soak);
            REQUIRE(!"an end of what happens at one time");
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
        CHECK_EQ(program->received, program->peer->total);
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

static void converse(struct soak *soak)
{
    for (unsigned i = 0; i < soak->program_count; i++)
        begin_program(soak, &soak->programs[i], i);
    for (unsigned i = 0; i < soak->program_count; i++) {
        // One octet at a time takes long enough for few of them.
        struct program *program = &soak->programs[i];
        if ((program->piece == 1 || program->peer->piece == 1) && program->total > 2000)
            program->total = 2000;
    }
    for (unsigned i = 0; i < soak->program_count; i++)
        while ((soak->plan.crossing || i % 2 == 0) && !connect_program(&soak->programs[i], i))
            continue;
    if (soak->plan.cut) {
        run_until(soak, soak->pair.now + (strata_time)test_below(&soak->random, 3000) * STRATA_MILLISECOND,
                  true);
        soak->cable.is_cut = true;
        run_until(soak, soak->pair.now + 2 * 3600 * STRATA_SECOND, true);
    } else {
        run_until(soak, soak->pair.now + LIMIT, true);
    }
    if (soak->plan.cut || soak->plan.aborts) {
        // Who only listens to a peer that has vanished, or whose RST was lost, never learns of it.
        give_up(soak);
        run_until(soak, soak->pair.now + 2 * 3600 * STRATA_SECOND, false);
    }
    check_streams(soak);
}

static const struct soak *running;

/** An assertion of the stack does not hold: which seed it was must not be lost. */
static void on_abort(int signal_number)
{
    (void)signal_number;
    report(running);
    fflush(stdout);
}

static void soak_seed(uint64_t seed)
{
    struct program programs[2 * CONNECTIONS_MAX] = {0};
    struct soak soak = {.random = seed, .programs = programs, .down = -1};
    unsigned failures = *test_failures();
    draw(&soak.plan, seed);
    running = &soak;
    soak.program_count = 2 * soak.plan.connections;
    struct pair_config config = {.link = soak.plan.ethernet ? STRATA_LINK_ETHERNET : STRATA_LINK_IP,
                                 .mtu_bytes = soak.plan.mtu,
                                 .memory_bytes = soak.plan.memory};
    REQUIRE(pair_make(&soak.pair, &config) == 0);
    soak.cable = (struct cable){.random = seed + 1,
                                .ethernet = soak.plan.ethernet,
                                .ipv6 = soak.plan.ipv6,
                                .loss = soak.plan.loss,
                                .doubling = soak.plan.doubling,
                                .damage = soak.plan.damage,
                                .late = soak.plan.late,
                                .delay = soak.plan.delay,
                                .jitter = soak.plan.jitter};
    soak.disturb_at = soak.plan.narrows || soak.plan.flaps ? 0 : STRATA_NEVER;
    soak.pair.filter = carry;
    soak.pair.context = &soak;
    settings(&soak);
    if (!soak.plan.crossing)
        open_listener(&soak);
    converse(&soak);
    CHECK(soak.pair.frames[0] + soak.pair.frames[1] < 100000); // no storm
    if (*test_failures() != failures || getenv("SOAK_TRACE"))
        report(&soak);
    give_up(&soak);
    if (soak.down >= 0)
        CHECK_EQ(strata_port_set_up(soak.pair.host[soak.down], soak.pair.port, true, soak.pair.now), 0);
    soak.disturb_at = STRATA_NEVER;
    soak.plan.failures = soak.plan.forged = 0;
    if (!soak.plan.crossing)
        CHECK_EQ(strata_close(soak.pair.b, soak.listener, soak.pair.now), 0);
    run_until(&soak, soak.pair.now + 2 * 3600 * STRATA_SECOND, false);
    check_nothing_left(&soak);
    cable_free(&soak.cable);
    pair_free(&soak.pair);
    if (*test_failures() != failures)
        printf("    replay: SOAK_SEED=%" PRIu64 " SOAK_COUNT=1\n", seed);
}

static uint64_t number_from(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

TEST(every_byte_arrives_whatever_the_seed)
{
    signal(SIGABRT, on_abort);
    uint64_t first = number_from("SOAK_SEED", 1), count = number_from("SOAK_COUNT", 300);
    for (uint64_t seed = first; seed < first + count; seed++)
        soak_seed(seed);
}

TEST_MAIN(TEST_ENTRY(every_byte_arrives_whatever_the_seed))
