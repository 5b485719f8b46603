/**
 * What the files of `strata link` share: what was asked for.
 */
#ifndef TOOL_LINK_H
#define TOOL_LINK_H

#include <strata/lab.h>

/* ---- link_options.c -------------------------------------------------------------------------------------
 */

struct link_options {
    const char *between[2];
    unsigned between_count;
    struct strata_impairment direction[2]; /**< From the first end to the second, and back. */
    uint64_t seed;
    strata_time duration, stats_every; /**< 0: none. */
    const char *pcap;
    bool json, no_realtime;
};

/** Reads the words of `strata link`. @return an exit status, -1: go on. */
int link_options_read(struct link_options *options, int argc, char **argv);
/** One direction in the words it was asked for with: "100mbit, delay 20ms, loss 1%". */
void link_describe(const struct strata_impairment *impairment, char *text, size_t size);

#endif
