/**
 * Devices for tests of cables: a station says what it is told to and remembers what it hears, a relay passes
 * on.
 */
#ifndef TESTS_LAB_STATION_H
#define TESTS_LAB_STATION_H

#include <strata/lab.h>

struct heard {
    strata_time time;
    size_t length;
    uint32_t number; /**< The first four bytes of a frame that a station made. */
    uint64_t sum;    /**< Of the bits that are set. */
    uint8_t begin[60]; /**< How it begins. */
};
struct station {
    struct strata_node *node;
    struct said *first, **last; /**< What is still to be said. */
    struct heard *heard;
    unsigned heard_count, heard_room;
    bool relays;     /**< What comes in at port 1 goes out at port 2 and the other way round. */
    strata_time due; /**< Its deadline. */
    unsigned advanced;
    strata_time wants_after; /**< When called it wants to be called again so much later; -1: not at all. */
};

/** A station in a world, freed with it. */
struct station *station_new(struct strata_world *world, const char *name);
struct station *relay_new(struct strata_world *world, const char *name);
/** Has a frame of `length` bytes to say: its number, then bytes made from it. */
void station_say(struct station *station, int port, size_t length, uint32_t number);
/** Has a frame to say whose bytes are given. */
void station_say_bytes(struct station *station, int port, const void *bytes, size_t length);
/** As station_say, later. */
void station_say_at(struct strata_world *world, strata_time time, struct station *station, int port,
                    size_t length, uint32_t number);

#endif
