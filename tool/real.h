/**
 * A world of the lab in real time, some of whose nodes are interfaces or sockets of this machine: what `strata lab
 * --real` and `strata link`, which is a lab of one cable, have in common.
 */
#ifndef TOOL_REAL_H
#define TOOL_REAL_H

#include <poll.h>
#include <stdio.h>

#include <strata/driver.h>
#include <strata/lab.h>

/** No frame is longer: an IP datagram and an Ethernet header with a tag. */
#define REAL_FRAME_BYTES (65535u + 18u)

struct real;

/** A node whose one port is outside: a device of the lab on one side, a driver on the other. */
struct real_end {
    struct real *real;
    const char *text;             /**< As it was asked for. */
    const char *path;             /**< Of the socket; NULL: an interface. */
    int listener;                 /**< -1: none. */
    struct strata_driver *driver; /**< NULL: nobody is connected. */
    struct strata_node *node;
    bool waits;                      /**< The driver holds back what the other side does not take now. */
    bool more;                       /**< It may have frames though its descriptor is not readable. */
    uint64_t crowded;                /**< Frames that did not enter: too many were under way. */
    uint64_t unheard;                /**< Frames for which nobody was there, or who did not take them. */
    strata_time late_most, late_sum; /**< How long after their time frames were handed over. */
    uint64_t late_count;
};

struct real {
    struct strata_world *world;
    struct real_end *ends;
    unsigned count;
    /** Also waited for, -1: nothing; `look` is called when it is readable, and now and then besides. NULL: never. */
    int extra_fd;
    void (*look)(void *context);
    void *look_context;
    /* Of real.c */
    uint8_t *frame;        /**< What comes, one after the other: REAL_FRAME_BYTES. */
    struct pollfd *polls;  /**< Of extra_fd, then two per end. */
    bool polled;           /**< They were just filled in. */
    strata_time epoch;     /**< The lab's zero by the machine's clock. */
    strata_time next_poll; /**< By the lab's clock: however busy the world is, others are heard. */
    strata_time behind_most, slipped;
};

/* ---- real.c --------------------------------------------------------------------------------------------- */

/** Makes room for the ends, which are then opened one by one. @return 0, or the exit status after a complaint. */
int real_open(struct real *real, unsigned count);
/** From now on the world keeps pace with the machine's clock. */
void real_begin(struct real *real, struct strata_world *world);
/** What the lab's clock should say by now. */
strata_time real_now(const struct real *real);
/** Closes the ends; the world is gone or runs no more. */
void real_close(struct real *real);
/** Says how well the world kept pace. */
void real_tell(const struct real *real, FILE *to);

/* ---- real_end.c ----------------------------------------------------------------------------------------- */

/** Opens what `text` names: [tap:]NAME, if:NAME or unix:PATH. @return an exit status; complains itself. */
int real_end_open(struct real_end *end, const char *text);
void real_end_close(struct real_end *end);
/** The end as a device with one port. */
struct strata_device real_end_device(struct real_end *end);
/** The next frame from outside into real->frame. @return its length, 0: none now, -1: the end is gone for good, and
 * that was complained of. A socket whose peer has left only waits for the next one. */
long real_end_receive(struct real_end *end);
/** Takes a peer that wants to connect. */
void real_end_accept(struct real_end *end);
/** Hands over what the driver gathered. */
void real_end_flush(struct real_end *end);

#endif
