/**
 * What the files of `strata link` share: the ends of the cable, and what was asked for.
 */
#ifndef TOOL_LINK_H
#define TOOL_LINK_H

#include <strata/driver.h>
#include <strata/lab.h>

/** No frame is longer: an IP datagram and an Ethernet header with a tag. */
#define LINK_FRAME_BYTES (65535u + 18u)

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

/* ---- link_end.c -----------------------------------------------------------------------------------------
 */

/** One end of the cable: a device of the lab on one side, a driver on the other. */
struct link_end {
    const char *text;             /**< As it was asked for. */
    const char *path;             /**< Of the socket; NULL: an interface. */
    int listener;                 /**< -1: none. */
    struct strata_driver *driver; /**< NULL: nobody is connected. */
    struct strata_node *node;
    bool waits;                      /**< The driver holds back what the other side does not take now. */
    bool more;                       /**< It may have frames though its descriptor is not readable. */
    size_t held;                     /**< Length of the frame that goes onto the cable next; 0: none. */
    uint8_t *frame;                  /**< That frame: LINK_FRAME_BYTES. */
    uint64_t crowded;                /**< Frames that did not enter: too many were under way. */
    uint64_t unheard;                /**< Frames for which nobody was there, or who did not take them. */
    strata_time epoch;               /**< What the lab's clock says is this much later. */
    strata_time late_most, late_sum; /**< How long after their time frames were handed over. */
    uint64_t late_count;
};

/** Opens what `text` names: [tap:]NAME, if:NAME or unix:PATH. @return an exit status; complains itself. */
int link_end_open(struct link_end *end, const char *text);
void link_end_close(struct link_end *end);
/** The end as a device with one port. */
struct strata_device link_end_device(struct link_end *end);
/** The next frame from outside into `frame`. @return 1: there is one, 0: none now, -1: the end is gone for
 * good, and that was complained of. A socket whose peer has left only waits for the next one. */
int link_end_receive(struct link_end *end);
/** Takes a peer that wants to connect. */
void link_end_accept(struct link_end *end);
/** Hands over what the driver gathered. */
void link_end_flush(struct link_end *end);

#endif
