/**
 * Distributing a file to many: by a server alone, or by a server and the peers themselves.
 *
 *     swarm server --peers 100 --chunks 1250 --server-rate 30000000 --peer-rate 300000
 *     swarm peer 10.0.0.1 --index 17 --next 10.0.1.18 ... the same numbers
 *
 * The peers stand in a ring. The server gives each chunk to some of them, evenly spaced, other ones for each chunk;
 * a peer passes what it gets on to the next one, unless that one has it from the server. With N us / (us + N u) copies
 * of each chunk from the server, server and peers have the same share of their rates to do, and nobody holds up the
 * others: the bound max{F/us, F/dmin, NF/(us + sum u)} is met, but for the time that the last chunk takes along the
 * ring. A peer rate of 0 makes it client-server: everybody has everything from the server.
 *
 * A chunk is as long as a segment: its number, then letters that follow from it, which every peer verifies.
 */
#include "app/options.h"
#include "app/programs.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

#define SWARM_PORT 6881
#define CHUNK_MOST 65536
#define PEERS_MAX 10000
/** What the server keeps in its buffers, all connections together: a queue of a good second at 30 Mbit/s. And for
 * each of them, in chunks: not so few that its acknowledgements are waited for, not so many that the peer before is
 * crowded out of the way to a peer. */
#define SERVER_BUFFERS 4500000
#define SERVER_LEAST 4
#define SERVER_MOST 24
/** A peer's buffer towards the next, in chunks: they keep its acknowledgements waiting. */
#define PEER_BUFFER 10
#define PATIENCE_NS (100000 * STRATA_SECOND)

/** What all of them know. */
struct plan {
    int64_t peers, chunks, chunk_bytes;
    uint64_t server_rate, peer_rate;
};

/** So many copies of all chunks before this one leave the server: N us / (us + N u) each, at least one. */
static uint64_t copies_before(const struct plan *plan, uint64_t chunk)
{
    uint64_t n = (uint64_t)plan->peers, whole = plan->server_rate + n * plan->peer_rate;
    uint64_t all = chunk * (n * plan->server_rate / 1000) / (whole / 1000);
    return all > chunk ? all : chunk;
}

static uint64_t copies_of(const struct plan *plan, uint64_t chunk)
{
    return copies_before(plan, chunk + 1) - copies_before(plan, chunk);
}

/** The index-th peer that has a chunk from the server. */
static uint64_t seed_of(const struct plan *plan, uint64_t chunk, uint64_t index)
{
    uint64_t n = (uint64_t)plan->peers;
    return (chunk + index * n / copies_of(plan, chunk)) % n;
}

static bool is_seed(const struct plan *plan, uint64_t chunk, uint64_t peer)
{
    uint64_t n = (uint64_t)plan->peers, copies = copies_of(plan, chunk), offset = (peer + n - chunk % n) % n;
    uint64_t index = (offset * copies + n - 1) / n;
    return index < copies && index * n / copies == offset;
}

static void fill(uint8_t *record, uint32_t chunk, size_t size)
{
    bytes_put32(record, chunk);
    for (size_t i = 4; i < size; i++)
        record[i] = (uint8_t)(chunk * 131 + i * 7 + (i >> 8));
}

/* ---- Server ------------------------------------------------------------------------------------------------ */

struct server {
    struct strata_rt *rt;
    struct plan plan;
    struct strata_conn **conns; /**< By the peers' numbers. */
    int64_t ready, complete;
    struct strata_fiber *self;
};
struct guest {
    struct server *server;
    struct strata_conn *conn;
};

/** A peer tells its number when it is ready, and a byte when it has everything. */
static void welcome(void *argument)
{
    struct guest guest = *(struct guest *)argument;
    struct server *server = guest.server;
    uint8_t hello[4], done;
    free(argument);
    strata_time deadline = strata_rt_now(server->rt) + PATIENCE_NS;
    uint32_t index = UINT32_MAX;
    if (strata_rt_read_full(guest.conn, hello, 4, deadline) == 4)
        index = bytes_get32(hello);
    if (index >= server->plan.peers || server->conns[index]) {
        strata_rt_complain(server->rt, "swarm: a peer calls itself %" PRIu32 "\n", index);
        strata_rt_abort(guest.conn);
        return;
    }
    server->conns[index] = guest.conn;
    server->ready++;
    strata_rt_wake_fiber(server->rt, server->self);
    if (strata_rt_read_full(guest.conn, &done, 1, deadline) == 1)
        server->complete++;
    strata_rt_wake_fiber(server->rt, server->self);
}

static int accept_all(struct server *server, struct strata_conn *listener)
{
    int64_t buffer = SERVER_BUFFERS / server->plan.peers / server->plan.chunk_bytes;
    buffer = buffer < SERVER_LEAST ? SERVER_LEAST : buffer > SERVER_MOST ? SERVER_MOST : buffer;
    int error = strata_rt_set_option(listener, STRATA_OPTION_SEND_BUFFER, buffer * server->plan.chunk_bytes);
    for (int64_t i = 0; !error && i < server->plan.peers; i++) {
        struct guest *guest = malloc(sizeof *guest);
        if (!guest)
            return -ENOMEM;
        guest->server = server;
        error = strata_rt_accept(listener, STRATA_NEVER, &guest->conn, NULL);
        if (!error)
            error = strata_rt_spawn(server->rt, "welcome", welcome, guest, NULL);
        if (error)
            free(guest);
    }
    while (!error && server->ready < server->plan.peers)
        error = strata_rt_park(server->rt, STRATA_NEVER);
    return error;
}

static int distribute(struct server *server, uint8_t *record)
{
    const struct plan *plan = &server->plan;
    strata_time deadline = strata_rt_now(server->rt) + PATIENCE_NS;
    for (uint64_t chunk = 0; chunk < (uint64_t)plan->chunks; chunk++) {
        fill(record, (uint32_t)chunk, (size_t)plan->chunk_bytes);
        for (uint64_t i = 0; i < copies_of(plan, chunk); i++) {
            struct strata_conn *conn = server->conns[seed_of(plan, chunk, i)];
            int64_t result = strata_rt_write(conn, record, (size_t)plan->chunk_bytes, deadline);
            if (result < 0)
                return (int)result;
        }
    }
    int error = 0;
    while (!error && server->complete < plan->peers)
        error = strata_rt_park(server->rt, deadline);
    return error;
}

static int serve(struct strata_rt *rt, const struct plan *plan, int64_t port)
{
    struct server server = {.rt = rt, .plan = *plan, .self = strata_rt_self(rt)};
    struct strata_endpoint local = {.port = (uint16_t)port};
    struct strata_conn *listener = NULL;
    uint8_t *record = malloc(CHUNK_MOST);
    server.conns = calloc((size_t)plan->peers, sizeof(void *));
    int error = record && server.conns ? strata_rt_listen(rt, &local, (int)plan->peers, &listener) : -ENOMEM;
    if (!error)
        error = accept_all(&server, listener);
    strata_time begin = strata_rt_now(rt);
    if (!error)
        error = distribute(&server, record);
    strata_time took = strata_rt_now(rt) - begin;
    if (error)
        strata_rt_complain(rt, "swarm: %s\n", error_text(error));
    else
        strata_rt_print(rt, "distributed to %" PRId64 " peers in %" PRId64 ".%03d s\n", plan->peers,
                        took / STRATA_SECOND, (int)(took % STRATA_SECOND / STRATA_MILLISECOND));
    for (int64_t i = 0; server.conns && i < plan->peers; i++)
        strata_rt_close(server.conns[i]);
    strata_rt_close(listener);
    strata_rt_join(rt, STRATA_NEVER);
    free(server.conns);
    free(record);
    return error != 0;
}

/* ---- Peer -------------------------------------------------------------------------------------------------- */

struct peer {
    struct strata_rt *rt;
    struct plan plan;
    uint64_t index;
    struct strata_conn *server, *next, *before, *listener;
    uint8_t *have;              /**< Per chunk. */
    uint32_t *passing;          /**< Chunks for the next one, in the order of their coming. */
    int64_t had, passed, to_pass; /**< Chunks here; passed on, and waiting for that. */
    struct strata_fiber *self;
    bool failed;
};

static int take(struct peer *peer, const uint8_t *record)
{
    uint8_t expected[CHUNK_MOST];
    uint32_t chunk = bytes_get32(record);
    size_t size = (size_t)peer->plan.chunk_bytes;
    if (chunk >= peer->plan.chunks || peer->have[chunk])
        return -EBADMSG;
    fill(expected, chunk, size);
    if (memcmp(expected, record, size) != 0)
        return -EBADMSG;
    peer->have[chunk] = 1;
    peer->had++;
    uint64_t next = (peer->index + 1) % (uint64_t)peer->plan.peers;
    if (!is_seed(&peer->plan, chunk, next))
        peer->passing[peer->to_pass++] = chunk;
    strata_rt_wake_fiber(peer->rt, peer->self);
    return 0;
}

struct source {
    struct peer *peer;
    struct strata_conn *conn;
};

/** Chunks come until everything is there. */
static void take_from(void *argument)
{
    struct source source = *(struct source *)argument;
    struct peer *peer = source.peer;
    uint8_t *record = malloc(CHUNK_MOST);
    int64_t got = record ? 1 : 0;
    free(argument);
    while (got > 0 && peer->had < peer->plan.chunks) {
        size_t size = (size_t)peer->plan.chunk_bytes;
        got = strata_rt_read_full(source.conn, record, size, strata_rt_now(peer->rt) + PATIENCE_NS);
        if (got == (int64_t)size && take(peer, record) == 0)
            continue;
        // The end, or the other source was the last.
        peer->failed = peer->failed || (got > 0 && peer->had < peer->plan.chunks);
        break;
    }
    free(record);
    strata_rt_wake_fiber(peer->rt, peer->self);
}

static int begin_source(struct peer *peer, struct strata_conn *conn)
{
    struct source *source = malloc(sizeof *source);
    if (!source)
        return -ENOMEM;
    *source = (struct source){peer, conn};
    int error = strata_rt_spawn_sized(peer->rt, "source", 256 << 10, take_from, source, NULL);
    if (error)
        free(source);
    return error;
}

/** Passes on what comes, until this peer has everything and so will the next one. */
static int pass_on(struct peer *peer)
{
    uint8_t *record = malloc(CHUNK_MOST);
    size_t size = (size_t)peer->plan.chunk_bytes;
    strata_time deadline = strata_rt_now(peer->rt) + PATIENCE_NS;
    bool told = false;
    int64_t result = record ? 0 : -ENOMEM;
    while (result >= 0 && !peer->failed) {
        if (!told && peer->had == peer->plan.chunks) {
            told = true;
            result = strata_rt_write(peer->server, "!", 1, deadline);
        } else if (peer->passed < peer->to_pass) {
            fill(record, peer->passing[peer->passed++], size);
            result = strata_rt_write(peer->next, record, size, deadline);
        } else if (told) {
            break;
        } else {
            result = strata_rt_park(peer->rt, deadline);
        }
    }
    free(record);
    return result < 0 ? (int)result : peer->failed ? -EBADMSG : 0;
}

/** The ring first: the server begins when all have told it that they are ready. */
static int join_ring(struct peer *peer, const struct strata_endpoint *server, const struct strata_endpoint *next)
{
    struct strata_rt *rt = peer->rt;
    struct strata_endpoint local = {.port = SWARM_PORT};
    strata_time deadline = strata_rt_now(rt) + 60 * STRATA_SECOND;
    uint8_t hello[4];
    bytes_put32(hello, (uint32_t)peer->index);
    int error = strata_rt_listen(rt, &local, 4, &peer->listener);
    if (!error)
        error = strata_rt_sleep(rt, strata_rt_now(rt) + 100 * STRATA_MILLISECOND); // all others listen as well
    if (!error)
        error = strata_rt_dial(rt, next, deadline, &peer->next);
    if (!error)
        error = strata_rt_set_option(peer->next, STRATA_OPTION_SEND_BUFFER, PEER_BUFFER * peer->plan.chunk_bytes);
    if (!error)
        error = strata_rt_accept(peer->listener, deadline, &peer->before, NULL);
    if (!error)
        error = strata_rt_dial(rt, server, deadline, &peer->server);
    if (!error && strata_rt_write(peer->server, hello, 4, deadline) != 4)
        error = -EPIPE;
    return error;
}

static int be_peer(struct strata_rt *rt, const struct plan *plan, int64_t index, const struct strata_endpoint *server,
                   const struct strata_endpoint *next)
{
    struct peer peer = {.rt = rt, .plan = *plan, .index = (uint64_t)index, .self = strata_rt_self(rt)};
    strata_time begin = strata_rt_now(rt);
    peer.have = calloc(1, (size_t)plan->chunks);
    peer.passing = calloc((size_t)plan->chunks, sizeof *peer.passing);
    int error = peer.have && peer.passing ? join_ring(&peer, server, next) : -ENOMEM;
    if (!error)
        error = begin_source(&peer, peer.server);
    if (!error)
        error = begin_source(&peer, peer.before);
    if (!error)
        error = pass_on(&peer);
    strata_time took = strata_rt_now(rt) - begin;
    if (error)
        strata_rt_complain(rt, "swarm: %s\n", error_text(error));
    else
        strata_rt_print(rt, "has %" PRId64 " chunks, passed %" PRId64 " on, after %" PRId64 ".%03d s\n", peer.had,
                        peer.passed, took / STRATA_SECOND, (int)(took % STRATA_SECOND / STRATA_MILLISECOND));
    strata_rt_close(peer.next);
    strata_rt_join(rt, strata_rt_now(rt) + 60 * STRATA_SECOND);
    strata_rt_close(peer.server);
    strata_rt_close(peer.before);
    strata_rt_close(peer.listener);
    free(peer.have);
    free(peer.passing);
    return error != 0;
}

int program_swarm(struct strata_rt *rt, int argc, char **argv)
{
    static const char usage[] =
        "swarm server | swarm peer SERVER --index N --next ADDRESS\n"
        "    --peers N --chunks N --server-rate BITS --peer-rate BITS [--chunk-bytes N] [--port N]";
    struct plan plan = {.chunk_bytes = 1446};
    int64_t port = SWARM_PORT, server_rate = 0, peer_rate = 0, index = -1;
    const char *words[2], *next_text = NULL;
    const struct option_entry entries[] = {
        {"--peers", OPTION_NUMBER, &plan.peers, 1, PEERS_MAX},
        {"--chunks", OPTION_NUMBER, &plan.chunks, 1, 1000000},
        {"--chunk-bytes", OPTION_NUMBER, &plan.chunk_bytes, 8, CHUNK_MOST},
        {"--server-rate", OPTION_NUMBER, &server_rate, 1000, INT64_C(1) << 40},
        {"--peer-rate", OPTION_NUMBER, &peer_rate, 0, INT64_C(1) << 40},
        {"--port", OPTION_NUMBER, &port, 1, 65535},
        {"--index", OPTION_NUMBER, &index, 0, PEERS_MAX - 1},
        {"--next", OPTION_TEXT, &next_text, 0, 0},
    };
    int count = options_parse(rt, argc, argv, usage, entries, sizeof entries / sizeof *entries, words, 2);
    struct strata_endpoint server = {.port = (uint16_t)port}, next = {.port = SWARM_PORT};
    if (count < 0)
        return 2;
    plan.server_rate = (uint64_t)server_rate;
    plan.peer_rate = (uint64_t)peer_rate;
    bool whole = plan.peers > 0 && plan.chunks > 0 && server_rate > 0;
    if (whole && count == 1 && strcmp(words[0], "server") == 0)
        return serve(rt, &plan, port);
    if (whole && count == 2 && strcmp(words[0], "peer") == 0 && index >= 0 && index < plan.peers && next_text &&
        strata_address_parse(words[1], &server.address) == 0 && strata_address_parse(next_text, &next.address) == 0)
        return be_peer(rt, &plan, index, &server, &next);
    strata_rt_complain(rt, "swarm: who, and how much?\nusage: %s\n", usage);
    return 2;
}
