/**
 * A shared medium: stations along one wire, of which at most one can be understood at a time.
 *
 * This is the physics and the access methods, apart from worlds, hosts and frames: signals that begin, travel at
 * a finite speed, overlap and are ruined, and stations that decide when to speak by what they can hear where they
 * are. It is driven as everything in Strata is: frames are offered, `medium_advance` does what is due,
 * `medium_deadline` says when to call again. bus.c puts it into a world, medium_load.c measures it.
 *
 *     ALOHA            a station speaks when it has something to say (Abramson 1970)
 *     slotted ALOHA    ... at the next beat of a common clock (Roberts 1972)
 *     CSMA             it listens before (Kleinrock, Tobagi 1975): 1-persistent, non-persistent, p-persistent
 *     CSMA/CD          it listens while it speaks too, jams and backs off (IEEE 802.3 4.2.3)
 *     token            whoever holds the token speaks, one frame, and passes it on in the order of stations
 *
 * Who speaks without listening meanwhile learns by an acknowledgement that its frame arrived. That comes, as in
 * ALOHANET, over a channel of its own: without loss, one propagation later.
 *
 * Times are whole nanoseconds. A signal that arrives at the very moment of a decision is not heard yet, so that
 * stations which begin together collide whatever the order in which their events are dealt with.
 */
#ifndef LAB_MEDIUM_H
#define LAB_MEDIUM_H

#include <strata/lab.h>

/** To all stations. */
#define MEDIUM_ALL (-1)

struct medium;

/** What is to be sent. */
struct medium_frame {
    void *what;
    strata_time air_ns; /**< So long it is on the air; more than 0. */
    int to;             /**< The station that it is for, or MEDIUM_ALL. */
};

enum medium_end {
    MEDIUM_SENT,      /**< As far as the sender can tell. */
    MEDIUM_EXCESSIVE, /**< Given up after so many attempts. */
    MEDIUM_LATE,      /**< It collided later than a slot time after its beginning: the medium is too long. */
    MEDIUM_DOWN,      /**< The station was found to be down, or the medium was cut. */
};

struct medium_calls {
    /** Whether a station is there; NULL: all are. */
    bool (*is_up)(void *self, unsigned station);
    /** A frame arrived whole; NULL: nobody listens. */
    void (*arrived)(void *self, unsigned station, const struct medium_frame *frame);
    /** The sender knows that an attempt, counted from 1, failed. */
    void (*collided)(void *self, unsigned station, const struct medium_frame *frame, unsigned attempt);
    /** The sender is done with it and goes on to its next. */
    void (*ended)(void *self, unsigned station, const struct medium_frame *frame, enum medium_end end);
    /** Nothing of it is on the medium any more: it may be freed. `arrived`: all that it was for have it. */
    void (*release)(void *self, const struct medium_frame *frame, enum medium_end end, bool arrived);
};

struct medium_config {
    enum strata_access access;
    unsigned stations;
    strata_time span_ns;          /**< From one end to the other. */
    const strata_time *positions; /**< Of the stations, 0 to span_ns, copied; NULL: at equal distances. */
    bool star;                    /**< Any two stations are span_ns apart, and there are no positions. */
    strata_time slot_ns;          /**< Of slotted ALOHA, p-persistence and the back-off of CSMA/CD. */
    strata_time unit_ns;          /**< Of the back-off of all others: usually a long frame. */
    strata_time gap_ns;           /**< Between frames. */
    strata_time preamble_ns;      /**< Of a frame; is finished before a jam. */
    strata_time jam_ns;
    strata_time token_ns;         /**< So long it takes to send the token. */
    uint32_t persistence_ppm;     /**< p */
    unsigned attempts;            /**< At most, for each frame. */
    uint32_t queue_frames;        /**< That wait at a station, at most. */
    uint8_t seed[32];
};

/** @return 0; -EINVAL; -ENOMEM. */
int medium_new(struct medium **medium, const struct medium_config *config, const struct medium_calls *calls,
               void *self);
/** Releases all frames, as MEDIUM_DOWN. */
void medium_free(struct medium *medium);
/** A station has a frame to send. @return 0; -ENOBUFS: its queue is full; -ENOMEM. */
int medium_offer(struct medium *medium, unsigned station, const struct medium_frame *frame, strata_time now);
/** Does what is due. */
int medium_advance(struct medium *medium, strata_time now);
/** STRATA_NEVER: nothing happens until a frame is offered. */
strata_time medium_deadline(const struct medium *medium);
/** All that is under way or waits is lost; released as MEDIUM_DOWN. */
void medium_silence(struct medium *medium, strata_time now);
/** Frames that wait at all stations, without those that are being sent. */
uint32_t medium_waiting(const struct medium *medium);
/** How long a signal needs between two stations. */
strata_time medium_distance(const struct medium *medium, unsigned a, unsigned b);
void medium_counts(const struct medium *medium, struct strata_bus_counts *counts);

#endif
