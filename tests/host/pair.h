/**
 * Two hosts tied back to back in virtual time, through nothing but the public boundary.
 *
 *     struct pair pair;
 *     pair_start(&pair, STRATA_LINK_ETHERNET);
 *     ...sockets on pair.a (10.0.0.1, 2001:db8::1) and pair.b (10.0.0.2, 2001:db8::2), both at pair.port...
 *     pair_settle(&pair);                     all frames that want to go now have gone
 *     pair_run(&pair, 3 * STRATA_SECOND);     time passes
 *     pair_free(&pair);                       checks that neither host leaks
 *
 * `filter` sees every frame and may say that it is lost. With `delay_ns` frames take that long, in order.
 * Every allocation is counted; `fail_at` lets the n-th one from now fail.
 */
#ifndef TESTS_HOST_PAIR_H
#define TESTS_HOST_PAIR_H

#include "tests/test.h"
#include <strata/strata.h>

#define CHECK_ADDRESS(actual, expected) CHECK_MEM((actual).bytes, (expected).bytes, 16)

/** An allocator that counts, and fails on demand. */
struct pair_memory {
    size_t bytes, peak_bytes, blocks;
    uint64_t allocations;
    uint64_t fail_at; /**< The number of the allocation that fails, 0: none. */
    bool fail_after;  /**< All later ones fail too. */
    struct strata_allocator allocator;
};

static inline void *pair_allocate(void *context, size_t bytes)
{
    struct pair_memory *memory = (struct pair_memory *)context;
    memory->allocations++;
    bool fails = memory->fail_at && (memory->allocations == memory->fail_at ||
                                     (memory->fail_after && memory->allocations > memory->fail_at));
    void *block = fails ? NULL : malloc(bytes);
    if (!block)
        return NULL;
    // Whoever reads what was never written shall see it.
    memset(block, 0xa5, bytes);
    memory->bytes += bytes;
    memory->blocks++;
    if (memory->bytes > memory->peak_bytes)
        memory->peak_bytes = memory->bytes;
    return block;
}

static inline void pair_release(void *context, void *block, size_t bytes)
{
    struct pair_memory *memory = (struct pair_memory *)context;
    memory->bytes -= bytes;
    memory->blocks--;
    free(block);
}

static inline void pair_memory_init(struct pair_memory *memory)
{
    memset(memory, 0, sizeof *memory);
    memory->allocator.context = memory;
    memory->allocator.allocate = pair_allocate;
    memory->allocator.release = pair_release;
}

struct pair_frame {
    struct pair_frame *next;
    strata_time when;
    size_t length;
    uint8_t bytes[];
};

struct pair {
    struct strata_host *host[2], *a, *b; /**< a is host[0], b is host[1]. */
    int port;                            /**< The number of the port in both. */
    strata_time now, delay_ns;
    /** Sees each frame as it leaves host `from` (0 or 1); true: it is lost. */
    bool (*filter)(void *context, int from, const uint8_t *frame, size_t length);
    void *context;
    struct pair_frame *first[2], **last[2]; /**< Under way to host 0 and 1. */
    uint64_t frames[2];                     /**< That left host 0 and 1. */
    struct pair_memory memory[2];
};

/** What a pair is made of, where it is not the usual. Zero fields are the usual. */
struct pair_config {
    enum strata_link link;
    uint32_t mtu_bytes;
    size_t memory_bytes;
    strata_time delay_ns;
    void (*trace)(void *context, const struct strata_trace_record *record);
    void *trace_context[2];
    uint64_t fail_at; /**< Allocation of host 0 that fails. */
};

/** Makes one host with its port and addresses; `boots` lets it draw other randomness. @return 0, or what failed. */
static inline int pair_birth(struct pair *pair, int i, const struct pair_config *config, unsigned boots)
{
    struct strata_config birth = {.size = sizeof birth,
                                  .name = i ? "b" : "a",
                                  .allocator = &pair->memory[i].allocator,
                                  .memory_bytes = config->memory_bytes,
                                  .trace = config->trace,
                                  .trace_context = config->trace_context[i]};
    memset(birth.seed, 17 + i + 2 * (int)boots, sizeof birth.seed);
    int error = strata_host_new(&pair->host[i], &birth);
    if (error)
        return error;
    struct strata_port_config port = {
        .size = sizeof port, .link = config->link, .mtu_bytes = config->mtu_bytes};
    pair->port = strata_port_add(pair->host[i], &port);
    if (pair->port < 0)
        return pair->port;
    struct strata_address address = strata_ipv4(10, 0, 0, (uint8_t)(1 + i));
    error = strata_address_add(pair->host[i], pair->port, &address, 24, pair->now);
    if (error == 0 && config->link == STRATA_LINK_IP && (config->mtu_bytes == 0 || config->mtu_bytes >= 1280)) {
        address = (struct strata_address){{0x20, 0x01, 0x0d, 0xb8, [15] = (uint8_t)(1 + i)}};
        error = strata_address_add(pair->host[i], pair->port, &address, 64, pair->now);
    }
    return error;
}

/** Makes both hosts. @return 0, or what could not be made (only if fail_at was set). */
static inline int pair_make(struct pair *pair, const struct pair_config *config)
{
    memset(pair, 0, sizeof *pair);
    pair->now = STRATA_SECOND;
    pair->delay_ns = config->delay_ns;
    for (int i = 0; i < 2; i++) {
        pair->last[i] = &pair->first[i];
        pair_memory_init(&pair->memory[i]);
    }
    pair->memory[0].fail_at = config->fail_at;
    for (int i = 0; i < 2; i++) {
        int error = pair_birth(pair, i, config, 0);
        if (error)
            return error;
    }
    pair->a = pair->host[0];
    pair->b = pair->host[1];
    return 0;
}

static inline void pair_start(struct pair *pair, enum strata_link link)
{
    struct pair_config config = {.link = link};
    REQUIRE(pair_make(pair, &config) == 0);
}

/** Frees hosts and frames and checks that the hosts gave back all that they took. */
static inline void pair_free(struct pair *pair)
{
    for (int i = 0; i < 2; i++) {
        strata_host_free(pair->host[i]);
        while (pair->first[i]) {
            struct pair_frame *frame = pair->first[i];
            pair->first[i] = frame->next;
            free(frame);
        }
        CHECK_EQ(pair->memory[i].bytes, 0);
        CHECK_EQ(pair->memory[i].blocks, 0);
    }
}

/** The address of host 0 or 1 with a port number. */
static inline struct strata_endpoint pair_ipv4(int host, uint16_t port)
{
    struct strata_endpoint endpoint = {.port = port};
    endpoint.address = strata_ipv4(10, 0, 0, (uint8_t)(1 + host));
    return endpoint;
}
static inline struct strata_endpoint pair_ipv6(int host, uint16_t port)
{
    struct strata_endpoint endpoint = {.port = port};
    endpoint.address = (struct strata_address){{0x20, 0x01, 0x0d, 0xb8, [15] = (uint8_t)(1 + host)}};
    return endpoint;
}

/** A frame has left host `from`. */
static inline void pair_carry(struct pair *pair, int from, const uint8_t *bytes, size_t length)
{
    int to = !from;
    pair->frames[from]++;
    if (pair->filter && pair->filter(pair->context, from, bytes, length))
        return;
    struct pair_frame *frame = (struct pair_frame *)malloc(sizeof *frame + length);
    REQUIRE(frame);
    frame->next = NULL;
    frame->when = pair->now + pair->delay_ns;
    frame->length = length;
    memcpy(frame->bytes, bytes, length);
    *pair->last[to] = frame;
    pair->last[to] = &frame->next;
}

/** Delivers what has arrived, fires what is due, carries what wants to go. @return whether anything moved. */
static inline bool pair_step(struct pair *pair)
{
    static uint8_t room[65536 + 18];
    bool moved = false;
    for (int i = 0; i < 2; i++) {
        struct strata_host *host = pair->host[i];
        while (pair->first[i] && pair->first[i]->when <= pair->now) {
            struct pair_frame *frame = pair->first[i];
            pair->first[i] = frame->next;
            if (!pair->first[i])
                pair->last[i] = &pair->first[i];
            strata_host_input(host, pair->port, frame->bytes, frame->length, NULL, pair->now);
            free(frame);
            moved = true;
        }
        if (strata_host_deadline(host) <= pair->now) {
            strata_host_advance(host, pair->now);
            moved = true;
        }
        for (int port; (port = strata_host_ready(host)) >= 0;) {
            size_t length = strata_host_output(host, port, room, sizeof room, NULL, pair->now);
            if (length == 0)
                break; // what was listed fell silent
            pair_carry(pair, i, room, length);
            moved = true;
        }
    }
    return moved;
}

/** Lets everything happen that can happen without time passing. */
static inline void pair_settle(struct pair *pair)
{
    int rounds = 0;
    while (pair_step(pair))
        REQUIRE(++rounds < 10000000);
}

/** When something happens next. */
static inline strata_time pair_deadline(struct pair *pair)
{
    strata_time next = STRATA_NEVER;
    for (int i = 0; i < 2; i++) {
        strata_time deadline = strata_host_deadline(pair->host[i]);
        if (deadline < next)
            next = deadline;
        if (pair->first[i] && pair->first[i]->when < next)
            next = pair->first[i]->when;
    }
    return next;
}

/** Lets time pass. */
static inline void pair_run(struct pair *pair, strata_time duration)
{
    strata_time end = pair->now + duration;
    for (;;) {
        pair_settle(pair);
        strata_time next = pair_deadline(pair);
        if (next > end)
            break;
        pair->now = next > pair->now ? next : pair->now;
    }
    pair->now = end;
}

/** A counter by its name. */
static inline uint64_t pair_counter(const struct strata_host *host, const char *name)
{
    for (unsigned i = 0; i < strata_counters(); i++)
        if (strcmp(strata_counter_name(i), name) == 0)
            return strata_counter(host, i);
    REQUIRE(!"a counter of that name");
    return 0;
}

/** A connected pair of streams: client on host 0, server on host 1, at `port`. */
static inline void pair_connect(struct pair *pair, bool ipv6, uint16_t port, strata_socket *listener,
                                strata_socket *client, strata_socket *server)
{
    struct strata_endpoint at = {.port = port};
    *listener = strata_open(pair->b, STRATA_STREAM);
    REQUIRE(*listener > 0);
    REQUIRE(strata_bind(pair->b, *listener, &at) == 0);
    REQUIRE(strata_listen(pair->b, *listener, 0, pair->now) == 0);
    *client = strata_open(pair->a, STRATA_STREAM);
    struct strata_endpoint peer = ipv6 ? pair_ipv6(1, port) : pair_ipv4(1, port);
    CHECK_EQ(strata_connect(pair->a, *client, &peer, pair->now), -115); // -EINPROGRESS
    pair_run(pair, STRATA_SECOND / 2);
    *server = strata_accept(pair->b, *listener, NULL, pair->now);
    REQUIRE(*server > 0);
}

#endif
