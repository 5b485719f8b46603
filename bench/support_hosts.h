/**
 * Two hosts in one process, tied back to back by an Ethernet cable that a loop of ours is.
 *
 * As a driver does, it takes a batch of frames from one host into its own memory (the one copy on the way),
 * then hands them all to the other. Checksums are made and verified; time is the clock's, read once per
 * batch.
 */
#ifndef BENCH_SUPPORT_HOSTS_H
#define BENCH_SUPPORT_HOSTS_H

#include "support.h"

#include <strata/strata.h>

/** Frames taken before they are handed over, as a driver with a ring of this size would. */
#define HOSTS_BATCH 32u
#define HOSTS_FRAME_BYTES 1536u

struct hosts {
    struct strata_host *client, *server;
    int client_port, server_port;
    strata_time now;
    uint64_t frames;
    uint16_t lengths[HOSTS_BATCH];
    _Alignas(64) uint8_t room[HOSTS_BATCH][HOSTS_FRAME_BYTES];
};

/** A host with one Ethernet port of MTU 1500 and an address /24. */
struct strata_host *hosts_make(const char *name, const struct strata_address *address, size_t memory_bytes,
                               int *port);
/** The two hosts, client 10.0.0.1 and server 10.0.0.2. */
struct hosts *hosts_new(size_t memory_bytes);
void hosts_free(struct hosts *hosts);

/** The two halves of a batch. @return frames taken. */
unsigned hosts_take(struct hosts *hosts, struct strata_host *from);
void hosts_give(struct hosts *hosts, struct strata_host *to, int port, unsigned count);
/** A batch each way, and what is due. @return whether anything moved. */
bool hosts_turn(struct hosts *hosts);
/** Turns until nothing moves. */
void hosts_settle(struct hosts *hosts);

/** A listening socket of the server. */
strata_socket hosts_listen(struct hosts *hosts, uint16_t port, int backlog);
/** Begins to connect the client to that port. */
strata_socket hosts_dial(struct hosts *hosts, uint16_t port);
/** A connection with both ends, buffers of `buffer_bytes` (0: defaults). */
void hosts_connect(struct hosts *hosts, uint16_t port, int64_t buffer_bytes, strata_socket *client,
                   strata_socket *server);

/** Ends the program when a call has failed. */
int64_t must(int64_t result, const char *what);

#endif
