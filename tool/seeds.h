/**
 * Lists of seeds: "1-10000", "7", "1-10,20,30-40"; and the share of one machine of several.
 */
#ifndef TOOL_SEEDS_H
#define TOOL_SEEDS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { SEED_RANGES_MAX = 256 };
struct seeds {
    struct {
        uint64_t first, last;
    } ranges[SEED_RANGES_MAX];
    unsigned count;
    unsigned shard, shards; /**< 1 to `shards`; 0, 0: all of it. */
    /* Where one is who walks along. */
    unsigned at_range;
    uint64_t at;
};
/** @return whether it is such a list. */
bool seeds_parse(struct seeds *seeds, const char *text);
/** "2/8" @return whether it is one. */
bool seeds_parse_shard(struct seeds *seeds, const char *text);
/** How many seeds there are, those of other shards too. */
uint64_t seeds_total(const struct seeds *seeds);
/** The next seed, whatever its shard. @return false: there are no more. */
bool seeds_next(struct seeds *seeds, uint64_t *seed);
void seeds_rewind(struct seeds *seeds);
/** Whether a seed belongs here. `point` is 0, or which of several scenarios it is. */
bool seeds_is_ours(const struct seeds *seeds, uint64_t point, uint64_t seed);
/** Prints all seeds that come behind one, as --seeds takes them; that one itself where `with` says so. */
void seeds_print_behind(const struct seeds *seeds, uint64_t seed, bool with, FILE *to);
/** Prints it as it was given. */
void seeds_print(const struct seeds *seeds, FILE *to);

#endif
