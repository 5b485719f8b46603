/**
 * The lab: a whole internet in one process, in virtual time.
 *
 * A world holds nodes (hosts, routers, switches, hubs), cables between their ports, programs in fibers on
 * the hosts, and a queue of events. The same seed gives the same bytes on every run, machine and compiler;
 * strata_world_hash proves it.
 *
 *     struct strata_world *world;
 *     strata_world_new(&world, &(struct strata_world_config){.size = sizeof(struct strata_world_config)});
 *     struct strata_node *a = strata_world_host(world, "a", NULL), *b = strata_world_host(world, "b", NULL);
 *     strata_world_cable(world, a, b, NULL);
 *     strata_node_address(a, 1, "10.0.0.1/24");  strata_node_address(b, 1, "10.0.0.2/24");
 *     strata_node_start(b, "echo-server", echo_server, 0, NULL);
 *     strata_world_run(world, 10 * STRATA_SECOND);
 *
 * Errors are negative errno values. Everything that a world gave out dies with it.
 */
#ifndef STRATA_LAB_H
#define STRATA_LAB_H

#include <strata/rt.h>
#include <strata/strata.h>

#ifdef __cplusplus
extern "C" {
#endif

struct strata_world;
struct strata_node;
struct strata_cable;

/** What happened, for whoever listens: timeline, hash, pcapng and checks are such listeners. */
enum strata_lab_event_kind {
    STRATA_LAB_TRACE = 1,   /**< A host's trace record. */
    STRATA_LAB_SENT,        /**< A frame was handed to a cable. */
    STRATA_LAB_DELIVERED,   /**< A frame left a cable at the other end. */
    STRATA_LAB_LOST,        /**< A fault of the cable took it; `text` says which. */
    STRATA_LAB_FAULT,       /**< A fault changed it (duplicate, corrupt, reorder, mark); `text` says which. */
    STRATA_LAB_PRINT,       /**< A program printed a line. */
    STRATA_LAB_PROGRAM,     /**< A program started (value -1) or ended (value = status). */
    STRATA_LAB_NOTE,        /**< Something was done to the world: cut, crash, ... */
    STRATA_LAB_QUEUE,       /**< A queue became longer or shorter; `value` frames wait. Ask for it first. */
};
struct strata_lab_event {
    strata_time time;
    enum strata_lab_event_kind kind;
    struct strata_node *node;   /**< Or NULL. */
    struct strata_cable *cable; /**< Or NULL. */
    int direction;              /**< Of the cable: 0 from end 0, 1 from end 1; of a bus 0. */
    unsigned end;               /**< Of the cable: where it happened. Of a bus, the station. */
    uint64_t frame_number;      /**< Counts frames sent in this world. */
    const uint8_t *frame;
    size_t length;
    const char *text; /**< Of a fault: which; of a program: its name; what was printed or noted. */
    int value;
    const char *program; /**< Of a printed text: the program's name, or NULL. */
    const struct strata_trace_record *trace;
};

struct strata_world_config {
    size_t size;
    uint64_t seed;  /**< The default seed is 1. 0 means 1. */
    bool trace_hosts; /**< Deliver hosts' trace records to listeners (costs time). */
};
/** The date at which every world begins, nanoseconds since 1970: 2026-01-01T00:00:00Z. */
#define STRATA_LAB_EPOCH_NS (INT64_C(1767225600) * STRATA_SECOND)
STRATA_API int strata_world_new(struct strata_world **world, const struct strata_world_config *config);
STRATA_API void strata_world_free(struct strata_world *world);
/** Listens to everything; listeners are called in the order they were added. */
STRATA_API int strata_world_listen(struct strata_world *world,
                                   void (*listener)(void *context, const struct strata_lab_event *event),
                               void *context);

/** Has listeners hear STRATA_LAB_QUEUE of every cable, from now on. It changes nothing else. */
STRATA_API void strata_world_trace_queues(struct strata_world *world);

/** Nodes. A host gets port 1 ("eth1") for its first cable, 2 for the next. `config` may be NULL; its seed, name
 * and trace are filled in by the world. A router is a host that forwards. NULL: out of memory or the name is
 * taken. */
STRATA_API struct strata_node *strata_world_host(struct strata_world *world, const char *name,
                                                 const struct strata_config *config);
STRATA_API struct strata_node *strata_world_router(struct strata_world *world, const char *name,
                                                   const struct strata_config *config);
STRATA_API struct strata_node *strata_world_switch(struct strata_world *world, const char *name, unsigned ports);
STRATA_API struct strata_node *strata_world_hub(struct strata_world *world, const char *name, unsigned ports);
/** A device of your own making; the world frees it through its table (where `free` is not NULL). */
STRATA_API struct strata_node *strata_world_device(struct strata_world *world, const char *name,
                                                   struct strata_device device);
STRATA_API struct strata_node *strata_world_find(struct strata_world *world, const char *name);
STRATA_API const char *strata_node_name(const struct strata_node *node);
/** The index-th node in the order they were made, or NULL. */
STRATA_API struct strata_node *strata_world_node(struct strata_world *world, unsigned index);
/** The host of a node, NULL: not a host, or crashed. Ask again before each use: asking tells the world that
 * something may be done to the host, so that it looks for frames to carry. */
STRATA_API struct strata_host *strata_node_host(struct strata_node *node);
STRATA_API struct strata_rt *strata_node_rt(struct strata_node *node);           /**< NULL likewise. */
STRATA_API struct strata_memory_disk *strata_node_disk(struct strata_node *node);
/** Tells the world that something was done to a device of your own making: it may have frames to give. */
STRATA_API void strata_node_touch(struct strata_node *node);
/** A counter of a host or bridge, by its name, or -ENOENT. Counts of before a crash are gone with it. */
STRATA_API int64_t strata_node_counter(struct strata_node *node, const char *name);
/** The index-th station that a switch knows, see strata_bridge_station. @return -ENOENT for what is no switch, too. */
STRATA_API int strata_node_station(struct strata_node *node, unsigned index, struct strata_bridge_station *station);
/** A setting, as strata_set, that holds after a restart as well. */
STRATA_API int strata_node_set(struct strata_node *node, const char *name, int64_t value);
/** "10.0.0.1/24" on a port. */
STRATA_API int strata_node_address(struct strata_node *node, int port, const char *prefix);
/** "0.0.0.0/0" via "10.0.0.254". */
STRATA_API int strata_node_route(struct strata_node *node, const char *prefix, const char *gateway);
/** Starts a program in a fiber on a host. `status`, when not NULL, gets its exit status; it is -1 until then. */
STRATA_API int strata_node_start(struct strata_node *node, const char *name, strata_program program, int argc,
                                 char *const *argv, int *status);
/** A program with everything that can be said about it. */
struct strata_program_config {
    size_t size;
    const char *name;
    strata_program program;
    int argc;
    char *const *argv; /**< Copied. */
    bool service;      /**< It is not waited for: it serves as long as its host is up. */
    bool restart;      /**< It runs again when its host comes up after a crash. */
    int *status;       /**< When not NULL, gets its exit status; it is -1 until then. */
};
STRATA_API int strata_node_run(struct strata_node *node, const struct strata_program_config *config);
/** Cuts power: cables go silent, programs unwind unseen, unsynced bytes are gone. */
STRATA_API int strata_node_crash(struct strata_node *node);
/** Forgets everything on its disk, synced or not; what strata_node_disk gave out is gone. @return -EBUSY unless it has
 * crashed. */
STRATA_API int strata_node_lose_disk(struct strata_node *node);
/** Hosts and routers on different sides hear nothing of each other, whatever is between them, and do not notice but by
 * that: cables keep their carrier. 0: it is on no side and hears everybody. A router that is on no side carries from
 * one to the other. */
STRATA_API int strata_node_set_side(struct strata_node *node, unsigned side);
/** Comes up again with its addresses, routes and disk as configured; programs that were started with
 * `restart` run again. */
STRATA_API int strata_node_restart(struct strata_node *node);

/** A queue's discipline: who goes next, and who is lost. */
enum strata_queue_kind {
    STRATA_QUEUE_FIFO,     /**< First come, first served; marks where `mark_frames` says so. */
    STRATA_QUEUE_RED,      /**< FIFO with random early detection (Floyd, Jacobson 1993). */
    STRATA_QUEUE_CODEL,    /**< FIFO with controlled delay (RFC 8289). */
    STRATA_QUEUE_PRIO,     /**< Strict priority: the first class that has a frame. */
    STRATA_QUEUE_RR,       /**< Round robin: as many frames of each in turn as its weight says. */
    STRATA_QUEUE_DRR,      /**< Deficit round robin: as many bytes (Shreedhar, Varghese 1995). */
    STRATA_QUEUE_WFQ,      /**< Weighted fair queueing: whose last bit would go first, were bits sent in turn
                            * (Demers, Keshav, Shenker 1989; Parekh, Gallager 1993). */
    STRATA_QUEUE_FQ_CODEL, /**< Deficit round robin over flows, new ones first, each with CoDel (RFC 8290). */
    STRATA_QUEUE_TBF,      /**< Token bucket: so many bits per second, and a burst. */
};
/** Who is lost when there is no room: who comes, who has waited longest, or any. */
enum strata_drop { STRATA_DROP_TAIL, STRATA_DROP_HEAD, STRATA_DROP_RANDOM };

/** Which datagrams a class takes: those for which all holds that `fields` names. */
enum strata_match_field {
    STRATA_MATCH_DSCP = 1,
    STRATA_MATCH_PROTOCOL = 2,
    STRATA_MATCH_PORT = 4, /**< Of UDP or TCP, source or destination. */
    STRATA_MATCH_SOURCE = 8,
    STRATA_MATCH_DESTINATION = 16,
};
struct strata_match {
    uint32_t fields; /**< enum strata_match_field; 0: everything. */
    uint8_t dscp, protocol;
    uint16_t port;
    struct strata_address source, destination;
    unsigned source_prefix, destination_prefix; /**< Of the 128 bits: an IPv4 /24 is 120. */
};

struct strata_queue_class;
/** A queue. Fields that are 0 mean what their comments say; a queue of zeros is a plain FIFO. Queues nest: each class
 * has one, and so has a token bucket. Whatever a pointer points to is copied when a cable is given the queue. */
struct strata_queue {
    enum strata_queue_kind kind;
    bool ecn; /**< RED, CoDel, FQ-CoDel: mark (RFC 3168 5) where the sender understands it, instead of dropping. */
    enum strata_drop drop;
    uint32_t limit_frames;    /**< 0: what is around it says, the impairment's queue_frames at last. */
    uint32_t limit_bytes;     /**< That wait, at most; 0: no limit by bytes. */
    uint32_t mark_frames;     /**< FIFO: mark what finds at least so many waiting; 0: never. */
    uint32_t min_frames;      /**< RED: nothing happens while the average is below; 0: 5. */
    uint32_t max_frames;      /**< RED: everything is dropped or marked from there on; 0: three times min_frames. */
    uint32_t probability_ppm; /**< RED: of a drop or mark just below max_frames; 0: 100,000 (10 %). */
    uint32_t weight_ppm;      /**< RED: of the present length in the average; 0: 2,000 (0.2 %). */
    strata_time target_ns;    /**< CoDel, FQ-CoDel: waiting that is always acceptable; 0: 5 ms. */
    strata_time interval_ns;  /**< CoDel, FQ-CoDel: waiting may be longer for so long; 0: 100 ms. */
    uint32_t flows;           /**< RR, DRR, WFQ without classes, FQ-CoDel: flows are spread over so many; 0: 1024. */
    uint32_t quantum_bytes;   /**< DRR, FQ-CoDel: per turn; 0: a longest frame. */
    uint64_t rate_bps;        /**< TBF: needed. */
    uint32_t burst_bytes;     /**< TBF: that may go at once; needed, at least a longest frame. */
    uint64_t peak_bps;        /**< TBF: nor faster than this; 0: as fast as the line is. */
    uint32_t peak_burst_bytes; /**< TBF: that may go at once at the peak rate (tc's mtu); 0: a longest frame. */
    bool police;              /**< TBF: what has no token is lost, instead of waiting. */
    const struct strata_queue *inner; /**< TBF: where frames wait for tokens; NULL: a FIFO. */
    /** PRIO, RR, DRR, WFQ. A datagram goes to the first class that takes it, or else to the last; what is no IP
     * datagram (ARP) goes to the first. Without classes, PRIO has three bands by DSCP: CS5, EF, VOICE-ADMIT, CS6, CS7
     * first, CS1 and LE last; the others have one class for each flow. */
    const struct strata_queue_class *classes;
    unsigned class_count; /**< At most 64. */
};
struct strata_queue_class {
    const char *name; /**< NULL: its number, from 1 on. */
    const struct strata_match *matches; /**< Any of these. */
    unsigned match_count; /**< 0: it takes everything. */
    uint32_t weight; /**< RR, DRR, WFQ; 0: 1. At most 10,000. */
    struct strata_queue queue;
};
/** What went through a queue of a cable, or a class of one. Every frame is sent, lost or waits. */
struct strata_queue_counts {
    size_t size;
    uint64_t frames, bytes;           /**< That came. */
    uint64_t sent, bytes_sent;
    uint64_t lost, bytes_lost;
    uint64_t marked;
    uint32_t waiting, waiting_bytes;  /**< Now. */
    uint32_t waiting_most;
    strata_time wait_sum_ns, wait_most_ns; /**< How long those that were sent had waited. */
};

/** How jitter is distributed. All but the first are netem's: delay plus or minus so much, never below 0. */
enum strata_distribution {
    STRATA_JITTER_ABOVE,         /**< Evenly from the delay to delay + jitter. */
    STRATA_JITTER_UNIFORM,       /**< Evenly from delay - jitter to delay + jitter. */
    STRATA_JITTER_NORMAL,        /**< The normal distribution; jitter is its standard deviation. */
    STRATA_JITTER_PARETO,        /**< (x^(-1/3) - 3/2) 4/3 times jitter. */
    STRATA_JITTER_PARETO_NORMAL, /**< A quarter of the normal one and three quarters of Pareto's. */
};
/** netem's four states: 1 received, 2 received within a burst, 3 lost within a burst, 4 lost alone. From one to the
 * other per frame, in parts per million; p13 and p14 0: none of it. */
struct strata_loss_states {
    uint32_t p13, p31, p32, p23, p14;
};
/** What a cable does at a time, counted from when it began to follow the trace. */
struct strata_trace_point {
    strata_time at;
    bool has_rate, has_delay, has_loss; /**< What it says; the rest stays. */
    uint64_t rate_bps;                  /**< 0: nothing can be sent. */
    strata_time delay_ns;
    uint32_t loss_ppm;
};
/** A line that changes as it was measured once. Frames wait while it cannot send. */
struct strata_link_trace {
    const struct strata_trace_point *points; /**< Times ascend. */
    unsigned point_count;
    strata_time period_ns; /**< Begins again after so long; 0: the last point holds for ever. */
    /** Instead of a rate: opportunities to send 1500 bytes, at these milliseconds, as Mahimahi records them; begins
     * again after the last. */
    const uint32_t *deliveries_ms;
    unsigned delivery_count;
};

/** A cable's properties, the same vocabulary as netem. Probabilities are parts per million. A correlation is the
 * probability that a draw repeats the one before: rates stay what they are, but come in clusters. */
struct strata_impairment {
    uint64_t rate_bps;          /**< 0: unlimited. */
    strata_time delay_ns;       /**< Propagation. */
    strata_time jitter_ns;      /**< Each frame is delayed by up to this much more; keeps order. */
    enum strata_distribution distribution;
    uint32_t jitter_correlation_ppm;
    uint32_t loss_ppm;          /**< Independent loss. */
    uint32_t loss_correlation_ppm;
    uint32_t burst_enter_ppm;   /**< Gilbert-Elliott: good to bad, per frame; 0: none. */
    uint32_t burst_leave_ppm;   /**< Bad to good. */
    uint32_t burst_loss_ppm;    /**< Loss in the bad state; 0: everything is lost. */
    struct strata_loss_states states;
    uint32_t duplicate_ppm;
    uint32_t duplicate_correlation_ppm;
    uint32_t reorder_ppm;       /**< This share of frames ... */
    uint32_t reorder_correlation_ppm;
    uint32_t reorder_gap;       /**< ... but of each so many only the last; 0: of all ... */
    strata_time reorder_ns;     /**< ... is late by this much; 0: half of delay + 1 ms. */
    bool reorder_early;         /**< ... arrives without delay and jitter instead, as with netem. */
    uint32_t corrupt_ppm;       /**< One random bit flipped. */
    uint32_t corrupt_correlation_ppm;
    strata_time slot_min_ns, slot_max_ns; /**< Frames arrive in slots, at random distances of min to max; 0: at once. */
    uint32_t slot_frames;       /**< At most so many in a slot; 0: all that are there. */
    uint32_t queue_frames;      /**< Waiting for the rate, at most; 0: 1000 (FQ-CoDel: 10240). */
    struct strata_queue queue;  /**< What stands before the rate. */
    const struct strata_link_trace *trace; /**< NULL: none. Copied; it begins when a cable is given it. */
};
/** A fault that is not left to chance: what happens to the n-th frame that is handed to a direction. A frame may have
 * several; one that is lost is lost. */
enum strata_fault_kind {
    STRATA_FAULT_LOSE,   /**< It is lost. */
    STRATA_FAULT_DAMAGE, /**< Its last bit is flipped. */
    STRATA_FAULT_DOUBLE, /**< A second copy of it travels, on which no other scripted fault has a hold. */
    STRATA_FAULT_LATE,   /**< It arrives `late_ns` later than it would, and does not hold up those behind it. */
};
struct strata_fault {
    uint64_t frame; /**< Counted from 1. */
    enum strata_fault_kind kind;
    strata_time late_ns;
};
/** What went through one direction of a cable. Every frame sent is delivered, lost or still in flight; every
 * duplicate adds one more that is. */
struct strata_cable_counts {
    size_t size;
    uint64_t sent, delivered, bytes_sent, bytes_delivered;
    uint64_t lost;       /**< By independent loss. */
    uint64_t lost_burst; /**< In the bad state of Gilbert-Elliott, or by the four states. */
    uint64_t lost_queue; /**< Found the queue full, or were dropped by its discipline. */
    uint64_t lost_down;  /**< Cut cable, crashed node, too long for the cable. */
    uint64_t duplicated, reordered, corrupted;
    uint64_t queue_most; /**< So many frames waited for the rate at the worst moment. */
    uint64_t marked; /**< By the queue: they say Congestion Experienced. */
};
struct strata_cable_config {
    size_t size;
    const char *name;                      /**< NULL: "a-b". */
    struct strata_impairment forward;      /**< From the first node to the second. */
    struct strata_impairment backward;
    enum strata_link link;                 /**< Ethernet, or IP between two hosts. */
    uint32_t mtu_bytes;                    /**< Of the ports made; 0: 1500. */
    int port_a, port_b;                    /**< 0: the next free one. */
};
/** Ties a port of `a` to a port of `b`. NULL: out of memory, or no such port. */
STRATA_API struct strata_cable *strata_world_cable(struct strata_world *world, struct strata_node *a,
                                                   struct strata_node *b, const struct strata_cable_config *config);
STRATA_API const char *strata_cable_name(const struct strata_cable *cable);
STRATA_API struct strata_node *strata_cable_end(const struct strata_cable *cable, int end, int *port);
/** Cut or mend; the ports lose or find their carrier. Frames in flight are lost. */
STRATA_API int strata_cable_set_up(struct strata_cable *cable, bool up);
/** Cuts a cable again and again, beginning now: each time for `down_ns`, every `every_ns`. A cable has one flap at a
 * time; NULL ends it, and mends what it has cut. */
struct strata_flap {
    size_t size;
    strata_time down_ns;
    strata_time every_ns; /**< More than down_ns; 0: once. */
    uint32_t times;       /**< 0: until it is ended. */
};
STRATA_API int strata_cable_flap(struct strata_cable *cable, const struct strata_flap *flap);
/** Changes a direction (0 from end 0, 1 from end 1) from now on; frames under way keep their fate. */
STRATA_API int strata_cable_impair(struct strata_cable *cable, int direction,
                                   const struct strata_impairment *impairment);
STRATA_API void strata_cable_impairment(const struct strata_cable *cable, int direction,
                                        struct strata_impairment *impairment);
/** Scripts faults of a direction, beside what chance does: numbers count the frames that are handed to it from now on,
 * 1 is the next. What was said before still holds. Copied; in any order. @return 0, -EINVAL (a number 0, no such
 * direction, a time beyond a year, a bus), -ENOMEM. */
STRATA_API int strata_cable_script(struct strata_cable *cable, int direction, const struct strata_fault *faults,
                                   unsigned count);
/** Loses certain frames: a script of nothing but STRATA_FAULT_LOSE. */
STRATA_API int strata_cable_lose(struct strata_cable *cable, int direction, const uint32_t *numbers, unsigned count);
STRATA_API int strata_cable_counts(const struct strata_cable *cable, int direction,
                                   struct strata_cable_counts *counts);
/** Frames that wait in a direction for those before them to be sent. */
STRATA_API uint32_t strata_cable_waiting(const struct strata_cable *cable, int direction);
/** What the queue of a direction counted: the whole with "" or NULL, a class by its name, one inside with a slash:
 * "office/voice". @return 0; -EINVAL; -ENOENT: it has no such class (a plain FIFO or RED queue has none and is
 * counted by strata_cable_counts alone). */
STRATA_API int strata_cable_queue(const struct strata_cable *cable, int direction, const char *name,
                                  struct strata_queue_counts *counts);
/** The name of the index-th class of a direction's queue, those inside others right behind them, or NULL. Lives until
 * the queue is changed. */
STRATA_API const char *strata_cable_class(const struct strata_cable *cable, int direction, unsigned index);
/** The index-th cable in the order they were made, or NULL. */
STRATA_API struct strata_cable *strata_world_cable_at(struct strata_world *world, unsigned index);
STRATA_API enum strata_link strata_cable_link(const struct strata_cable *cable);
STRATA_API struct strata_cable *strata_world_find_cable(struct strata_world *world, const char *name);

/** How the stations of a bus take turns. */
enum strata_access {
    STRATA_ACCESS_CSMA_CD,       /**< Listen, speak, listen meanwhile; jam and back off after a collision. */
    STRATA_ACCESS_ALOHA,         /**< Speak. */
    STRATA_ACCESS_SLOTTED_ALOHA, /**< Speak at the next slot's beginning. */
    STRATA_ACCESS_CSMA,          /**< 1-persistent: speak as soon as it is silent. */
    STRATA_ACCESS_CSMA_NON_PERSISTENT, /**< Come back at a random time where it is not silent. */
    STRATA_ACCESS_CSMA_P_PERSISTENT, /**< While it is silent, speak in each slot with a probability. */
    STRATA_ACCESS_TOKEN, /**< Speak one frame while holding the token, which goes round in the order of ends. */
};
/** A bus: a cable of many ends, on which everybody hears everybody. Fields that are 0 mean what is said. */
struct strata_bus_config {
    size_t size;
    const char *name; /**< NULL: "bus". */
    enum strata_access access;
    uint64_t rate_bps;            /**< 0: 10 Mbit/s. */
    strata_time delay_ns;         /**< Propagation from the first end to the last. */
    const strata_time *positions; /**< Of each end, from 0 to delay_ns; NULL: at equal distances, in their order. */
    bool star;                    /**< Any two ends are delay_ns apart. */
    bool bare; /**< What textbooks leave out: preamble, checksum, padding, gap and jam take no time. */
    uint32_t mtu_bytes;       /**< Of the ports; 0: 1500. */
    uint32_t queue_frames;    /**< That wait at a station; 0: 1000. */
    uint32_t slot_bits;       /**< 0: 512 with CSMA/CD, otherwise a longest frame and its propagation. */
    uint32_t attempts;        /**< For each frame; 0: 16. */
    uint32_t persistence_ppm; /**< Of p-persistent CSMA; 0: 100,000 (10 %). */
    uint32_t token_bits;      /**< 0: 24, as in IEEE 802.5. */
};
/** Who is at an end of a bus. */
struct strata_bus_end {
    struct strata_node *node;
    int port; /**< 0: the next free one. */
};
/** What went over a bus. Every frame handed over waits, is under way, or is one of sent, excessive, late and lost. */
struct strata_bus_counts {
    size_t size;
    uint64_t frames;        /**< Handed over by stations. */
    uint64_t sent;          /**< Got through to those that they were for. */
    uint64_t attempts;      /**< Times that a station began to speak. */
    uint64_t collided;      /**< Attempts that came to nothing because another station spoke. */
    uint64_t collisions;    /**< Times that the medium was ruined by two or more. */
    uint64_t excessive;     /**< Frames given up after the last attempt. */
    uint64_t late;          /**< Frames given up because they collided after a slot's time: the bus is too long. */
    uint64_t unnoticed;     /**< Frames that were ruined while their sender took them for sent. */
    uint64_t lost_queue;    /**< Frames that found the queue of their station full. */
    uint64_t lost_down;     /**< Cut bus, crashed station, too long. */
    uint64_t deferred;      /**< Times that a station found the medium taken and waited. */
    uint64_t tokens;        /**< Times that the token went on. */
    strata_time first_ns;   /**< When the first station began to speak; -1: none yet. */
    strata_time last_ns;    /**< When the last one ended. */
    strata_time carried_ns; /**< Time on the air of frames that got through. */
};
/** Ties ports of many nodes to one bus. It is a cable in all that follows, with these differences: it has one
 * direction, 0; its ends are counted from 0 to strata_cable_ends - 1; events tell in `node` who sent or received, and
 * in `end` where; it cannot be impaired. NULL: out of memory, no such port, or a configuration that cannot be. */
STRATA_API struct strata_cable *strata_world_bus(struct strata_world *world, const struct strata_bus_end *ends,
                                                 unsigned count, const struct strata_bus_config *config);
/** 2, or the number of stations of a bus. */
STRATA_API unsigned strata_cable_ends(const struct strata_cable *cable);
/** @return 0; -EINVAL: it is no bus. */
STRATA_API int strata_bus_counts(const struct strata_cable *cable, struct strata_bus_counts *counts);
/** The share of the time from the first frame's beginning to the last one's end in which frames got through, in parts
 * per million. */
STRATA_API uint32_t strata_bus_efficiency_ppm(const struct strata_bus_counts *counts);

/** Calls `action` at a virtual time. */
STRATA_API int strata_world_at(struct strata_world *world, strata_time time,
                               void (*action)(struct strata_world *world, void *context), void *context);
/** Takes all nodes off their sides: see strata_node_set_side. */
STRATA_API void strata_world_heal(struct strata_world *world);
/** So many events happen at most, counted from the beginning of the world; 0: any number. A world that reaches its
 * limit stops: -EDQUOT. With a higher limit it goes on. */
STRATA_API void strata_world_set_limit(struct strata_world *world, uint64_t events);
/** How many events have happened: frames that arrived, calls of nodes, actions. */
STRATA_API uint64_t strata_world_events(const struct strata_world *world);
/** Puts a note where the listeners see it. */
STRATA_API void strata_world_note(struct strata_world *world, const char *text);
/** Runs until `until`, or with STRATA_NEVER until nothing is left to happen. @return 0; -ELOOP when a million
 * things happened without time going on; -EDQUOT at the limit of events; -ENOMEM. */
STRATA_API int strata_world_run(struct strata_world *world, strata_time until);
/** Runs until `done` says true (asked after every event time), at most until `until`. @return 1: done. */
STRATA_API int strata_world_run_until(struct strata_world *world, bool (*done)(void *context), void *context,
                                      strata_time until);
/** Whether every program that is no service has ended. */
STRATA_API bool strata_world_programs_done(struct strata_world *world);
/** Another clock that a world keeps pace with: the machine's, so that it meets real machines. */
struct strata_pace {
    /** Waits until `next` by that clock, or until something has come from outside. It may also come back early for
     * no reason. @return what the world's clock is to say, at most `next`; negative: the run ends with that. */
    strata_time (*wait)(void *context, strata_time next);
    /** Called after each wait, when the world's clock has been set: brings what has come (strata_node_say). NULL:
     * nothing comes. @return 0; negative: the run ends with that. */
    int (*take)(void *context);
    void *context;
};
/** From now on the world keeps pace; NULL: no more, it is as fast as it can. While it does, a run with STRATA_NEVER
 * does not end because nothing is left to happen: something may come. */
STRATA_API void strata_world_pace(struct strata_world *world, const struct strata_pace *pace);
/** Says a frame at a port of a device of your own making, now, as if it had been asked. Only between two moments
 * of a run: from strata_pace.take. @return 0; -ENOTCONN: no cable is there, or it has crashed; -ENOBUFS: half a
 * million frames are under way on it; -EMSGSIZE: no frame is that long; -ENOMEM. */
STRATA_API int strata_node_say(struct strata_node *node, int port, const void *frame, size_t length);
/** When the next thing happens; STRATA_NEVER: nothing will by itself. For those who let a world keep pace with
 * another clock. */
STRATA_API strata_time strata_world_deadline(const struct strata_world *world);
STRATA_API strata_time strata_world_now(const struct strata_world *world);
STRATA_API uint64_t strata_world_frames(const struct strata_world *world);
/** A hash over every frame with its time, cable and direction, sent and delivered. */
STRATA_API uint64_t strata_world_hash(const struct strata_world *world);
STRATA_API uint64_t strata_world_seed(const struct strata_world *world);

#ifdef __cplusplus
}
#endif
#endif
