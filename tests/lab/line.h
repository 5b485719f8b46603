/**
 * A line for tests of queues: two stations and a cable of type IP, and UDP datagrams of chosen classes, ports and
 * lengths, each with a number.
 */
#ifndef TESTS_LAB_LINE_H
#define TESTS_LAB_LINE_H

#include "tests/lab/station.h"

struct line {
    struct strata_world *world;
    struct station *a, *b;
    struct strata_cable *cable;
};
/** What is sent; 10.0.0.`host` to 10.0.0.2. */
struct parcel {
    strata_time at;
    uint16_t port;   /**< Destination; the source port is 1000. */
    uint16_t length; /**< Of the datagram. */
    uint8_t dscp, host, ecn;
    uint32_t number;
};
/** What arrived. */
struct arrived {
    strata_time at;
    uint16_t port, length;
    uint32_t number;
    uint8_t tos;
};
/** From a to b with an impairment; back there is nothing. */
struct line line_new(const struct strata_impairment *forward);
void line_free(struct line *line);
/** Sends a parcel at its time. */
void line_send(struct line *line, const struct parcel *parcel);
/** `count` parcels at one time, numbered from `number` on. */
void line_burst(struct line *line, const struct parcel *parcel, unsigned count);
struct arrived line_arrived(const struct line *line, unsigned index);
struct strata_cable_counts line_counts(const struct line *line);
struct strata_queue_counts line_class(const struct line *line, const char *name);

#endif
