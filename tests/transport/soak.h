/**
 * What the files of the soak test share; test_tcp_soak.c tells what it is about.
 *
 *     soak_plan.c      what a seed draws
 *     soak_program.c   programs that write and read
 *     soak_cable.h     what happens to frames under way
 *     soak.c           both hosts and time
 */
#ifndef TESTS_TRANSPORT_SOAK_H
#define TESTS_TRANSPORT_SOAK_H

#include "tests/host/pair.h"
#include "tests/transport/soak_cable.h"

#define CONNECTIONS_MAX 4

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
    bool deaf;             /**< Programs may stop reading before the end. */
    int restarts;          /**< The host that loses its power and comes up again; -1: none. */
    bool dark;             /**< The path is narrower and nobody says so (RFC 2923). */
    bool fast;             /**< Data goes with the SYN (RFC 7413). */
    bool tunes;            /**< Most buffers are left to tune themselves. */
    unsigned marks;        /**< Per mille of frames that meet with congestion (RFC 3168). */
    unsigned bursts;       /**< Frames that are lost after one that is, at most. */
    unsigned squeezes;     /**< Per mille of segments whose window is made smaller on the way (RFC 9293 3.8.6). */
    bool cookies;          /**< The listener sends SYN cookies, over a path that suits them. */
    bool moods;            /**< Programs use whatever options there are. */
};

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
    struct pair_config config;
    unsigned boots;
};

struct program {
    struct soak *soak;
    struct program *peer;
    int at; /**< Host 0 or 1. */
    struct strata_host *host;
    strata_socket socket;                    /**< 0: not yet; -1: closed. */
    bool runnable, finished, ended, answers; /**< answers: finishes only after the peer has. */
    bool connected, refused;
    bool refused_room; /**< Its last write found no room. */
    bool waits;      /**< Its first write opens the connection. */
    bool deaf, gone; /**< It reads no more; its host has lost its power. */
    int error;
    uint32_t salt;
    uint64_t sent, total, received;
    strata_time wake_at;
    size_t piece; /**< Octets at a time, at most. */
    bool apart;             /**< It reads urgent data apart from the stream. */
    uint64_t urgent_writes, left_out; /**< Times it wrote urgent data; octets that were not in the stream it read. */
    unsigned pauses;
};

uint64_t soak_one_of(uint64_t *random, const uint64_t *values, size_t count);
#define ONE_OF(random, ...)                                                                                  \
    soak_one_of(random, (const uint64_t[]){__VA_ARGS__}, sizeof(uint64_t[]){__VA_ARGS__} / sizeof(uint64_t))
bool soak_chance(uint64_t *random, unsigned per_mille);

/* soak_plan.c */
void soak_draw(struct plan *plan, uint64_t seed);
/** Draws the settings of a host. */
void soak_settings(struct soak *soak, struct strata_host *host);
/** Says what was drawn, and where all programs stand. */
void soak_report(const struct soak *soak);

/* soak_program.c */
void soak_begin_program(struct soak *soak, struct program *program, unsigned index);
/** Connects, or in a crossing both sides of it do. @return whether it is on its way. */
bool soak_connect_program(struct program *program, unsigned index);
/** Lets it do one thing. @return whether it did. */
bool soak_run_program(struct program *program);
void soak_draw_buffers(struct program *program);
/** Draws options, some of them for good. */
void soak_draw_mood(struct program *program);
/** Draws its congestion control. */
void soak_draw_congestion(struct program *program);

/* soak.c */
/** Lives through what a seed draws. Failures are counted as CHECK does. */
void soak_seed(uint64_t seed);
/** What the hosts of all seeds so far have counted under that name. */
uint64_t soak_counted(const char *name);

#endif
