/**
 * Queues that hold frames: a tree of disciplines before a direction of a cable. Each discipline is a table of functions
 * in a file of its own:
 *
 *     queue_fifo.c      FIFO, by frames or bytes, losing at the tail, the head or anywhere
 *     queue_red.c       random early detection
 *     queue_codel.c     controlled delay
 *     queue_prio.c      strict priority
 *     queue_round.c     round robin and deficit round robin
 *     queue_wfq.c       weighted fair queueing
 *     queue_fq_codel.c  FQ-CoDel
 *     queue_tbf.c       token bucket
 *
 * A plain FIFO and RED on a cable need none of this: they decide when a frame comes (cable.c). What several share is in
 * queue_tree.c, what a datagram says about itself in queue_flow.c.
 */
#ifndef LAB_QUEUES_H
#define LAB_QUEUES_H

#include <strata/lab.h>

#include "base/random.h"
#include "lab/discipline.h"

struct direction;
struct flight;
struct discipline;

#define QUEUE_FRAMES_DEFAULT 1000u
#define QUEUE_CLASSES_MAX 64u
#define QUEUE_FLOWS_DEFAULT 1024u
#define QUEUE_DEPTH_MAX 4u

struct discipline_ops {
    const char *name; /**< What a frame that it drops is lost to. */
    int (*begin)(struct discipline *discipline);
    /** Takes a frame, or loses it. */
    void (*put)(struct discipline *discipline, struct flight *flight);
    /** The frame that goes next, or NULL; `when` is lowered to the time at which to ask again, if there is one. */
    struct flight *(*take)(struct discipline *discipline, strata_time now, strata_time *when);
    /** All its frames are gone. */
    void (*reset)(struct discipline *discipline);
    void (*end)(struct discipline *discipline);
};
extern const struct discipline_ops queue_fifo_ops, queue_red_ops, queue_codel_ops, queue_prio_ops, queue_rr_ops,
    queue_drr_ops, queue_wfq_ops, queue_fq_codel_ops, queue_tbf_ops;

/** Frames one behind the other. */
struct flights {
    struct flight *first, *last;
};
void flights_append(struct flights *frames, struct flight *flight);
struct flight *flights_take(struct flights *frames);

/** A class of a discipline: a queue, and the frame that is next to leave it, where that had to be looked at. */
struct queue_class {
    struct discipline *queue;
    struct flight *ahead;
    uint32_t weight;
    /* Round robin */
    struct queue_class *next; /**< In the round, while `active`. */
    bool active, fresh;       /**< fresh: its turn has not begun. */
    int64_t deficit;
    /* Weighted fair queueing: the times at which fluid service would end, one for each frame. */
    uint64_t *tags;
    uint32_t tag_room, tag_first, tag_count;
    uint64_t last_tag;
    bool fluid; /**< It has something in the fluid system. */
};
struct round {
    struct queue_class *first, *last;
};
struct fluid {
    uint64_t time;     /**< Virtual. */
    strata_time at;    /**< Real. */
    uint32_t weights;  /**< Of those that have something. */
};
struct bucket {
    strata_time tokens_ns, peak_ns; /**< As the time that sending them takes; tokens may go at once. */
    strata_time at;
};
struct fq_flow {
    struct flights list;
    uint32_t frames, bytes;
    struct fq_flow *next;
    enum { FQ_IDLE, FQ_NEW, FQ_OLD } where;
    int64_t deficit;
    struct codel codel;
};
struct fq_list {
    struct fq_flow *first, *last;
};

struct discipline {
    const struct discipline_ops *ops;
    const struct strata_queue *config;
    struct direction *direction;
    struct discipline *parent;
    const struct queue_class *as; /**< What it is in its parent, where weights count. */
    char *name;                   /**< With those of its parents: "office/voice"; "" of the root. */
    struct strata_queue_counts counts;
    struct flights list;     /**< Of those without classes. */
    strata_time idle_since; /**< When it became empty. */
    /* With classes, or one for each flow; those are made when they are needed. */
    struct queue_class *classes;
    unsigned class_count;
    struct queue_class **used; /**< Those that are made, in that order. */
    unsigned used_count;
    uint32_t weights; /**< Their sum. */
    bool by_flow;
    struct siphash_key key;
    /* What each kind has besides. */
    struct red red;
    struct codel codel;
    struct round round;
    struct fluid fluid;
    struct bucket bucket;
    struct fq_flow *flows;
    struct fq_list new_flows, old_flows;
};

/* queue_tree.c */
/** @return 0 and a tree for a queue, which must live as long, or -ENOMEM. */
int discipline_new(struct discipline **made, struct direction *direction, const struct strata_queue *config,
                   struct discipline *parent, const char *name);
void discipline_free(struct discipline *discipline);
/** Gives it a frame, which it may lose. */
void discipline_put(struct discipline *discipline, struct flight *flight);
/** The frame that goes next, or NULL; `when` as above. */
struct flight *discipline_take(struct discipline *discipline, strata_time now, strata_time *when);
/** Hands each frame in it to a function, and forgets them. */
void discipline_empty(struct discipline *discipline, void (*each)(struct flight *flight, void *context), void *context);
/** Loses a frame that waited in a queue and was taken out of its list. */
void discipline_lose(struct discipline *discipline, struct flight *flight, const char *why);
/** Says Congestion Experienced. @return false: its sender would not understand. */
bool discipline_mark(struct discipline *discipline, struct flight *flight);
/** Takes one frame out of its list, as `drop` says. */
struct flight *discipline_victim(struct discipline *discipline, enum strata_drop drop);
/** Puts a frame at the end of the only list; whoever the drop policy chooses leaves until all fit. */
void discipline_hold(struct discipline *discipline, struct flight *flight);
/** `take` of those who serve that list in its order. */
struct flight *discipline_take_first(struct discipline *discipline, strata_time now, strata_time *when);
/** What spreads flows; no sender can guess it. */
struct siphash_key discipline_key(const struct discipline *discipline);
uint32_t discipline_limit(const struct discipline *discipline);
/** Whether a frame of so many bytes is too much for the limits, beside what is in it. */
bool discipline_is_full(const struct discipline *discipline, uint32_t bytes);
/** Bits per second at which it is emptied; 0: at once. */
uint64_t discipline_rate(const struct discipline *discipline);
/** The longest frame. */
uint32_t discipline_frame_bytes(const struct discipline *discipline);
strata_time discipline_now(const struct discipline *discipline);
struct random *discipline_random(const struct discipline *discipline);
/** Makes the classes of `config`, or those for flows. @return 0, -ENOMEM. */
int classes_begin(struct discipline *discipline);
void classes_end(struct discipline *discipline);
/** The class that a frame belongs to, or NULL: no memory. */
struct queue_class *classes_of(struct discipline *discipline, struct flight *flight);
/** Puts it there; one too many among flows is taken from the longest. @return whether something was added. */
bool classes_put(struct discipline *discipline, struct queue_class *class, struct flight *flight);
/** Looks at the frame that is next in a class. */
struct flight *class_ahead(struct queue_class *class, strata_time now, strata_time *when);
uint32_t class_frames(const struct queue_class *class);

/* Copies of what a user describes. */
/** @return 0; -ENOMEM, with nothing to release. */
int queue_copy(struct strata_queue *to, const struct strata_queue *from);
void queue_release(struct strata_queue *queue);
bool queue_equal(const struct strata_queue *a, const struct strata_queue *b);
/** Whether it decides when a frame comes, so that nothing needs to be held. */
bool queue_is_plain(const struct strata_queue *queue);

/* queue_flow.c */
/** What a datagram says about itself. */
struct flow {
    bool is_ip, has_ports;
    uint8_t dscp, protocol;
    uint16_t source_port, destination_port;
    struct strata_address source, destination;
};
void flow_parse(struct flow *flow, enum strata_link link, const uint8_t *frame, size_t length);
bool flow_matches(const struct flow *flow, const struct strata_match *match);
/** A number below `flows`. Fragments of a datagram have no ports, so that all of them get the same. */
uint32_t flow_number(const struct flow *flow, const struct siphash_key *key, uint32_t flows);
/** 0, 1 or 2: the band of a priority queue without classes. */
unsigned flow_band(const struct flow *flow);

/* What cable.c does for them. */
void cable_lose_queued(struct direction *direction, struct flight *flight, const char *why);
bool cable_mark_queued(struct direction *direction, struct flight *flight);

#endif
