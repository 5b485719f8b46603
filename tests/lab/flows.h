/**
 * Streams that share a bottleneck, for tests of how TCP behaves:
 *
 *     sender 0 ---+
 *     sender 1 ---+--- router --- receiver
 *     ...      ---+    (bottleneck)
 *
 * Every sender writes as long as it may; the receiver compares every octet and counts. A single flow goes
 * without the router. The receiver's side of the bottleneck and the cables of the senders are unlimited, ACKs
 * return without loss unless `backward` says otherwise.
 */
#ifndef TESTS_LAB_FLOWS_H
#define TESTS_LAB_FLOWS_H

#include <strata/lab.h>

#define FLOWS_MAX 32

/** A record of the trace: what congestion control did. */
struct flow_sample {
    strata_time time;
    uint32_t cwnd, ssthresh, flight, recovery;
    strata_time srtt_ns;
};
struct flow {
    struct strata_node *node;
    const char *algorithm; /**< NULL: the host's own choice. */
    strata_time start;
    uint64_t limit;        /**< It writes so much and closes; 0: no end. */
    uint64_t received;     /**< Octets the receiver has got, all as they should be. */
    uint64_t marked_at;    /**< What `received` was at flows_mark. */
    strata_time done;      /**< When the last of `limit` arrived. */
    bool wrong;            /**< An octet was not what was written. */
    struct flow_sample *samples;
    unsigned sample_count, sample_room;
    strata_time srtt_ns;
};
struct flows_config {
    uint64_t seed;
    unsigned count;
    struct strata_impairment forward, backward; /**< Of the bottleneck. */
    strata_time access_ns;                      /**< Flow i is i times that further away, one way. */
    strata_time jitter_ns; /**< Of the senders' cables: without it flows fall into step (Floyd, Jacobson 1992). */
    bool samples;                               /**< Keep the trace of windows. */
    size_t memory_bytes;                        /**< Budget of a host; 0: what hosts have. */
};
struct flows {
    struct flows_config config;
    struct strata_world *world;
    struct strata_node *receiver;
    struct strata_cable *bottleneck;
    struct flow flow[FLOWS_MAX];
};

/** Builds the world; algorithms, starts and limits of flows may then be set, and settings of nodes. */
void flows_new(struct flows *flows, const struct flows_config *config);
/** Lets it run until `time`; the first call starts the programs. */
void flows_run(struct flows *flows, strata_time time);
/** The same, but ends when all that have a limit are done. @return whether they are. */
bool flows_finish(struct flows *flows, strata_time time);
/** From now on `flow_since_mark` counts. */
void flows_mark(struct flows *flows);
uint64_t flow_since_mark(const struct flow *flow);
/** The sum of a counter over all senders; the counter must exist. */
int64_t flows_counter(struct flows *flows, const char *name);
/** A setting of all hosts. */
void flows_set(struct flows *flows, const char *name, int64_t value);
/** Whether an algorithm of that name is there. */
bool flows_knows(const char *algorithm);
/** Jain's index of what has arrived since the mark, in ten-thousandths: 10000 is perfectly fair. */
unsigned flows_fairness(const struct flows *flows);
void flows_free(struct flows *flows);

#endif
