/**
 * The check `segments`: the TCP segments that were handed to a cable, one line each, as a textbook writes them.
 *
 *     - segments: a-b
 *       after: 1s
 *       numbers: {a: 92}
 *       shows:
 *         - a 92/8 lost
 *         - a 92/8 after 750ms
 *         - b ack 100
 */
#ifndef LAB_SCENARIO_SEGMENTS_H
#define LAB_SCENARIO_SEGMENTS_H

#include "lab/scenario.h"
#include "lab/scenario_yaml.h"

/** A line: what is not said does not matter, but for data, SYN, FIN, RST and loss, of which there is none then. */
struct segment_line {
    struct place place;
    bool any; /**< "...": any number of segments. */
    const char *node_name;
    int side; /**< The end of the cable that sent it. */
    bool has_data, has_ack, has_window, has_at, has_gap, lost;
    int64_t first, bytes, ack, window;
    int64_t times; /**< So many in a row, each behind the one before. */
    unsigned flags, flags_told; /**< Of enum in wire/tcp.h. */
    strata_time at, gap;        /**< Since the line before. */
};
struct scenario_segments {
    strata_time after;
    const char *from;
    struct place from_place;
    int from_side; /**< -1: both. */
    unsigned connection; /**< From 1. */
    struct {
        struct place place;
        const char *node_name;
        int64_t number;
    } numbers[2];
    unsigned number_count;
    int64_t first[2]; /**< What the first byte after `after` is called, per side; -1: counted from the beginning. */
    LIST_OF(struct segment_line) lines;
};

/** The keys that go with `segments`. */
void read_segments_shows(struct reader_state *reader, const yaml_node_t *value, struct scenario_segments *to);
void read_segments_numbers(struct reader_state *reader, const yaml_node_t *value, struct scenario_segments *to);
/** Ties names to the ends of the link. */
void segments_verify(const struct scenario_check *check, struct complaints *complaints);
/** Listens to the cables that some check looks at. @return 0, or a negative errno. */
int segments_listen(struct scenario_run *run);
bool segments_judge(const struct scenario_run *run, const struct scenario_check *check, char **detail);
void segments_free(struct scenario_run *run);

#endif
