/*
 * Programs, driven by events alone besides pauses of their own, so that an event that is never raised shows as
 * a stall.
 */
#include "tests/transport/soak.h"

#include <errno.h>

static uint8_t octet(uint32_t salt, uint64_t position)
{
    return (uint8_t)((position + salt) * 2654435761u >> 13);
}

static void pause_sometimes(struct program *program)
{
    struct soak *soak = program->soak;
    if (!soak_chance(&soak->random, program->pauses))
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

void soak_draw_buffers(struct program *program)
{
    uint64_t *random = &program->soak->random;
    set(program, STRATA_OPTION_SEND_BUFFER, (int64_t)ONE_OF(random, 2048, 4000, 16384, 100000, 262144));
    set(program, STRATA_OPTION_RECEIVE_BUFFER, (int64_t)ONE_OF(random, 2048, 4000, 16384, 100000, 262144));
}

void soak_draw_congestion(struct program *program)
{
    unsigned algorithms = 0;
    while (strata_congestion_name(algorithms))
        algorithms++;
    int64_t algorithm = (int64_t)test_below(&program->soak->random, algorithms);
    set(program, STRATA_OPTION_CONGESTION, algorithm);
    if (getenv("SOAK_TRACE"))
        printf("      program %d: %s\n", (int)(program - program->soak->programs),
               strata_congestion_name((unsigned)algorithm));
}

void soak_draw_mood(struct program *program)
{
    uint64_t *random = &program->soak->random;
    if (!program->soak->plan.moods)
        return;
    set(program, STRATA_OPTION_CORK, test_below(random, 4) == 0);
    set(program, STRATA_OPTION_QUICK_ACK, (int64_t)test_below(random, 2));
    set(program, STRATA_OPTION_UNSENT_LOW, (int64_t)ONE_OF(random, 0, 0, 1, 2000));
    set(program, STRATA_OPTION_SEND_LOW, (int64_t)ONE_OF(random, 0, 0, 1, 1500));
    set(program, STRATA_OPTION_RECEIVE_LOW, (int64_t)ONE_OF(random, 1, 1, 2, 1000));
    set(program, STRATA_OPTION_WINDOW_CLAMP, (int64_t)ONE_OF(random, 0, 0, 0, 3000));
    set(program, STRATA_OPTION_PACING_RATE, (int64_t)ONE_OF(random, 0, 0, 0, 20000));
    // Where memory ends an option may be kept and not heeded; this one decides what the stream is.
    bool plenty = !program->soak->plan.failures && !program->soak->plan.memory;
    if (plenty && test_below(random, 2)) {
        set(program, STRATA_OPTION_URGENT_INLINE, 0);
        program->apart = true;
    }
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
    if (program->waits) {
        // Either it goes with the SYN, or it has to be written again once the connection is open.
        fill(program, buffer, size, 0);
        int64_t taken = strata_write(program->host, program->socket, buffer, size, now);
        program->waits = program->connected = taken == -EAGAIN;
        return taken == -EINPROGRESS ? -EAGAIN : taken;
    }
    switch (test_below(&soak->random, 8)) {
    case 0:
        fill(program, buffer, size, program->sent);
        program->urgent_writes++;
        return strata_write_urgent(program->host, program->socket, buffer, size, now);
    case 3:
        fill(program, buffer, size, program->sent);
        return soak_chance(&soak->random, 500)
                   ? strata_write_more(program->host, program->socket, buffer, size, now)
                   : strata_write_record(program->host, program->socket, buffer, size, now);
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
        if (done > 1 && soak_chance(&soak->random, 300))
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

/** The position of the octet that is read next, as TCP counts them. */
static uint64_t position_of(struct program *program)
{
    struct strata_tcp_info info = {.size = sizeof info};
    CHECK_EQ(strata_tcp_info(program->host, program->socket, &info), 0);
    return info.bytes_received - info.receive_queue;
}

/** Octets that were urgent and passed are left out of the stream; the others are what and where they should be. */
static int64_t read_apart(struct program *program, size_t size)
{
    static uint8_t buffer[70000];
    strata_time now = program->soak->pair.now;
    int64_t mark = strata_urgent_mark(program->host, program->socket);
    uint64_t position = position_of(program);
    if (mark > 0 && soak_chance(&program->soak->random, 300) &&
        strata_read_urgent(program->host, program->socket, buffer, soak_chance(&program->soak->random, 300), now) == 1)
        CHECK(same(program, buffer, 1, position + (uint64_t)mark - 1));
    int64_t taken = strata_read(program->host, program->socket, buffer, size, now);
    uint64_t first = mark == 1 ? position + 1 : position;
    if (taken > 0) {
        CHECK(mark <= 1 || taken < mark);
        CHECK(same(program, buffer, (size_t)taken, first));
        CHECK_EQ(position_of(program), first + (uint64_t)taken);
    }
    if (taken >= 0) {
        uint64_t left_out = position_of(program) - (uint64_t)taken - program->received;
        program->left_out += left_out;
        program->received += left_out;
    }
    return taken;
}

static int64_t read_piece(struct program *program, size_t size)
{
    static uint8_t buffer[70000];
    struct soak *soak = program->soak;
    strata_time now = soak->pair.now;
    if (program->apart)
        return read_apart(program, size);
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
    if (plan->restarts >= 0)
        return;
    CHECK(plan->memory > 0 || plan->cut || plan->aborts);
    bool vanished = error == ETIMEDOUT || (plan->cut && plan->ethernet && error == EHOSTUNREACH);
    // An RST may come at once behind what completes the handshake.
    CHECK(vanished || (plan->aborts && (error == ECONNREFUSED || error == ECONNRESET)));
}

static void refuse(struct program *program, int error)
{
    check_refusal(&program->soak->plan, error);
    close_refused(program);
    close_refused(program->peer);
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
        if (program->refused_room && size > 1000)
            size = 1000; // it asks often, where memory is short
        int64_t taken = write_piece(program, size);
        program->refused_room = taken == -EAGAIN;
        if (taken < 0 && taken != -EAGAIN && program->waits)
            refuse(program, (int)-taken);
        else if (taken < 0 && taken != -EAGAIN)
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

/** Whether the handshake is done. One that fails is a failure, unless there is no memory for somebody new, or
 * nobody there any more. */
static bool connected(struct program *program)
{
    int ready = strata_readiness(program->host, program->socket);
    program->runnable = false;
    if (ready & STRATA_ERROR) {
        refuse(program, strata_take_error(program->host, program->socket));
    } else if (ready & STRATA_WRITABLE) {
        program->connected = program->runnable = true;
    }
    return program->connected;
}

/** Whether it may close: one that does not read waits until its peer has had everything, or a RST would take it. */
static bool may_close(const struct program *program)
{
    const struct program *peer = program->peer;
    return program->finished && program->ended &&
           (!program->deaf || program->error || peer->socket < 0 || (peer->finished && peer->ended));
}

/** What a program may do besides. @return false: it has ended. */
static bool be_moody(struct program *program)
{
    struct soak *soak = program->soak;
    if (soak->plan.changes && soak_chance(&soak->random, 20))
        soak_draw_buffers(program);
    if (soak->plan.moods && soak_chance(&soak->random, 20))
        soak_draw_mood(program);
    if (soak->plan.deaf && !program->ended && soak_chance(&soak->random, 20) &&
        strata_shutdown(program->host, program->socket, STRATA_SHUTDOWN_READ, soak->pair.now) == 0)
        program->deaf = program->ended = true;
    if (!soak->plan.aborts || !soak_chance(&soak->random, 5))
        return true;
    CHECK_EQ(strata_abort(program->host, program->socket, soak->pair.now), 0);
    program->socket = -1;
    return false;
}

bool soak_run_program(struct program *program)
{
    struct soak *soak = program->soak;
    if (program->socket <= 0 || !program->runnable || soak->pair.now < program->wake_at)
        return false;
    if (!program->connected && !connected(program))
        return true;
    bool writes = try_write(program), reads = program->socket > 0 && try_read(program);
    if (program->socket <= 0)
        return true;
    if (!writes && !reads)
        program->runnable = false;
    if (!be_moody(program))
        return true;
    if (program->finished && program->ended && program->peer->deaf)
        program->peer->runnable = true; // it may wait for that
    if (may_close(program)) {
        CHECK_EQ(strata_close(program->host, program->socket, soak->pair.now), 0);
        program->socket = -1;
    }
    pause_sometimes(program);
    return true;
}

/* ---- Opening ------------------------------------------------------------------------------------------- */

void soak_begin_program(struct soak *soak, struct program *program, unsigned index)
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
    if (!program->soak->plan.tunes)
        soak_draw_buffers(program);
    soak_draw_congestion(program);
    soak_draw_mood(program);
    set(program, STRATA_OPTION_NO_DELAY, (int64_t)test_below(&program->soak->random, 2));
    set(program, STRATA_OPTION_KEEP_ALIVE, (int64_t)test_below(&program->soak->random, 2));
    set(program, STRATA_OPTION_KEEP_IDLE_NS,
        (int64_t)ONE_OF(&program->soak->random, 1, 10, 7200) * STRATA_SECOND);
    set(program, STRATA_OPTION_KEEP_COUNT, 60); // where most is lost, nine in a row mean nothing
    REQUIRE(strata_set_user(program->host, program->socket, program) == 0);
    return true;
}

/** Connects, or in a crossing both sides of it do. @return whether it is on its way. */
bool soak_connect_program(struct program *program, unsigned index)
{
    struct soak *soak = program->soak;
    if (!open_socket(program))
        return false;
    bool crossing = soak->plan.crossing;
    struct strata_endpoint peer =
        endpoint_of(soak, !program->at, (uint16_t)(crossing ? 1000 + 100 * soak->boots + index / 2 : 80));
    int error = 0;
    if (crossing) {
        struct strata_endpoint local = {.port = (uint16_t)(1000 + 100 * soak->boots + index / 2)};
        error = strata_bind(program->host, program->socket, &local);
    }
    if (soak->plan.fast && program->total > 0 && test_below(&soak->random, 2))
        set(program, STRATA_OPTION_FAST_OPEN_CONNECT, 1);
    if (error == 0)
        error = strata_connect(program->host, program->socket, &peer, soak->pair.now);
    if (error == 0)
        program->waits = program->connected = true;
    if (error == 0 || error == -EINPROGRESS)
        return true;
    REQUIRE(error == -ENOMEM);
    CHECK_EQ(strata_close(program->host, program->socket, soak->pair.now), 0);
    program->socket = 0;
    return false;
}

