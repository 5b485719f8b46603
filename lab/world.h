/**
 * What worlds, nodes and cables are inside, for the files of the lab. Users see include/strata/lab.h only.
 *
 * Everything that happens is an event in one queue, ordered by time and, within one instant, by the order in
 * which the events were made. That order is total, and nothing in it depends on addresses of memory, so a
 * world runs the same way everywhere. There are four kinds of events: a frame reaches the end of its cable, a
 * node wants to be called, somebody's action is due, a transmitter is free for what a queue holds. After each,
 * the node it concerned is settled (node.c): fibers run until all of them wait, and what the node has to say is
 * offered to its cables.
 */
#ifndef LAB_WORLD_H
#define LAB_WORLD_H

#include <strata/lab.h>

#include "base/random.h"
#include "lab/discipline.h"
#include "lab/follow.h"
#include "lab/names.h"
#include "lab/pool.h"
#include "lab/queue.h"
#include "lab/queues.h"
#include "lab/script.h"

/** What a device is offered for a frame at first. */
#define DESK_BYTES 1600u
/** No frame is longer: an IP datagram and an Ethernet header with a tag. */
#define FRAME_MAX_BYTES (65535u + 18u)
/** So many events in one instant are a world that will never go on. */
#define EVENTS_PER_INSTANT_MAX 1000000u

struct action {
    void (*run)(struct strata_world *world, void *context);
    void *context;
};

/** A frame on its way along a cable. */
struct flight {
    /* What is looked at when it arrives lies together. */
    struct flight *next; /**< In a queue. */
    struct strata_cable *cable;
    struct strata_node *to; /**< At the other end, or NULL; and its device, both to look ahead (world.c). */
    const uint8_t *self;
    int direction;
    uint32_t epoch; /**< Of the cable when it was sent: a cut loses it. */
    uint32_t room, length;
    enum { FLIGHT_NEW, FLIGHT_WAITING, FLIGHT_DIGESTED } state;
    bool left;                /**< Nobody needs it any more, but its digest is still to be made. */
    bool lost, lost_in_burst; /**< It will be, once it leaves. */
    uint64_t digest;          /**< Of its bytes, once it is FLIGHT_DIGESTED. */
    uint64_t number;          /**< Of the frame; copies keep it. */
    strata_time queued_at;
    struct scripted scripted; /**< What a script says of it. */
    uint8_t bytes[];
};

/** So many frames are digested at once. */
#define HASH_MANY 16u
/** So much may be waiting to be folded into the hash. */
#define FOLD_RING 256u

/** What goes into the hash of a world: see fold.c. */
struct fold {
    uint64_t where, digest;
    struct flight *flight; /**< Whose digest is still to come, or NULL. */
};
struct folds {
    uint64_t hash;             /**< Of all before `first`. */
    uint32_t first, ready, end; /**< Of the ring, modulo 2^32; those before `ready` have their digests. */
    uint32_t waiting_count;
    struct flight *waiting[HASH_MANY];
    struct fold ring[FOLD_RING];
};

struct listener {
    void (*call)(void *context, const struct strata_lab_event *event);
    void *context;
};

struct strata_world {
    uint64_t seed;
    bool trace_hosts;
    strata_time now;
    struct queue queue;
    uint32_t events_this_instant;
    uint64_t events, events_max; /**< So many have happened, and may; 0: any number. */
    unsigned sided;              /**< Nodes that are on a side of a partition. */
    struct strata_node **nodes;
    struct strata_cable **cables;
    unsigned node_count, cable_count, node_room, cable_room;
    struct names node_names, cable_names;
    struct listener *listeners;
    unsigned listener_count;
    bool trace_queues;
    uint64_t frames; /**< Sent. */
    struct folds folds;
    unsigned programs; /**< That run and are waited for. */
    struct flight *desk[2]; /**< Of DESK_BYTES and FRAME_MAX_BYTES, or NULL; see flight.c. */
    struct pool pool;       /**< Of flights, hosts and switches. */
    struct strata_pace pace;      /**< All NULL: time goes as fast as it can. */
    struct strata_node *settling; /**< Its fibers or its device may be on the stack below us. */
    int error;                    /**< The first that the run cannot go on after. */
};

/** A port of a node as the lab sees it. */
struct node_port {
    struct strata_cable *cable; /**< NULL: nothing is plugged in. */
    int end;
    bool made; /**< The host knows it. */
    enum strata_link link;
    uint32_t mtu_bytes;
};

enum node_kind { NODE_HOST, NODE_BRIDGE, NODE_DEVICE };

struct node_address {
    int port;
    struct strata_address address;
    unsigned prefix_length;
};
struct node_setting {
    char *name;
    int64_t value;
};

/** A program of a node, from its first start until the world ends. */
struct program {
    struct program *next;
    struct strata_node *node;
    char *name;
    strata_program main;
    int argc;
    char **argv;
    int *status;
    bool service, restart, running;
};

struct strata_node {
    struct strata_world *world;
    char *name;
    unsigned index;
    enum node_kind kind;
    bool down;             /**< Crashed. */
    bool cut_off;          /**< Its programs unwind: nothing they do is seen. */
    bool touched;          /**< Somebody may have done something to it: settle it. */
    bool crash_wanted;     /**< Asked for by its own program: done once the fibers wait. */
    bool lose_disk_wanted; /**< Likewise, with the crash. */
    unsigned side;         /**< Of a partition; 0: none. */
    unsigned disks;        /**< How many it has lost. */
    uint32_t boots;        /**< How often it has come up again. */
    strata_time scheduled; /**< The time of its event in the queue that counts; STRATA_NEVER: none. */
    struct strata_device device;
    struct node_port *ports; /**< Index 0 is not used. */
    int port_count;          /**< Ports are 1 to port_count. */
    /* Hosts */
    struct strata_config config;
    struct strata_host *host;
    struct strata_host_net *net;
    struct strata_rt *rt; /**< Made when first needed. */
    struct strata_memory_disk *disk;
    struct random random; /**< Of the programs. */
    bool forwards;
    struct node_address *addresses;
    struct strata_route *routes;
    struct node_setting *settings;
    unsigned address_count, route_count, setting_count;
    struct program *programs;
    bool has_resolver;
    struct strata_endpoint resolver;
    /* Switches and hubs */
    struct strata_bridge_config bridge_config;
    struct strata_bridge *bridge;
};

/** A draw that the next one may repeat. */
struct repeated {
    uint32_t value;
    bool any;
};

struct direction {
    struct strata_cable *cable;
    struct strata_impairment impairment;
    struct random loss;       /**< Decides who is lost, and nothing else. */
    struct random random;     /**< Everything else. */
    bool bad;                 /**< State of Gilbert-Elliott. */
    enum { LOSS_GAP, LOSS_BURST_RECEIVED, LOSS_BURST, LOSS_ALONE } loss_state; /**< Of netem's four. */
    struct repeated last_loss, last_duplicate, last_corrupt, last_reorder, last_jitter;
    bool quiet;    /**< Nothing is lost by chance. */
    bool straight; /**< All that happens by chance on the way is nothing. */
    uint32_t since_reordered; /**< Frames. */
    strata_time slot_end;
    uint32_t slot_used;
    strata_time free_at;      /**< When the transmitter has sent all it was given. */
    strata_time last_arrival; /**< Of frames that keep their order. */
    strata_time *starts;      /**< Ring: when waiting frames begin to be sent. */
    uint32_t start_room, start_first, start_count;
    struct red red;
    struct discipline *queue;    /**< NULL: a plain one, which holds nothing. */
    struct discipline *put_into; /**< The innermost one that the last frame came to. */
    strata_time queue_due;       /**< When it is asked again: the event that counts; STRATA_NEVER: none. */
    struct follower *follower;   /**< Of a trace, or NULL. */
    struct script script;
    struct strata_cable_counts counts;
};

/** Where a cable is plugged in. */
struct cable_end {
    struct strata_node *node;
    int port;
};

struct strata_cable {
    struct strata_world *world;
    char *name;
    uint64_t id; /**< A hash of the name: what the cable is in the world's hash. */
    bool up;
    uint32_t epoch;
    enum strata_link link;
    uint32_t mtu_bytes;
    struct strata_node *node[2]; /**< Of a bus, the first two. */
    int port[2];
    const uint8_t *self[2]; /**< Of the devices there were at first: where to look ahead, and nothing else. */
    struct direction direction[2];
    struct bus *bus; /**< NULL: it has two ends. */
    bool flap_down;
    struct strata_flap flap; /**< times: those that are left. */
    strata_time flap_due;    /**< When it does something next; STRATA_NEVER: it does not flap. */
};

/* world.c */
/** Tells every listener. Ask world_listens first where making the event costs something. */
void world_emit(struct strata_world *world, const struct strata_lab_event *event);
static inline bool world_listens(const struct strata_world *world)
{
    return world->listener_count > 0;
}
/** 32 bytes that depend on the world's seed, what they are for, a name and a number, and on nothing else. */
void world_derive(const struct strata_world *world, const char *purpose, const char *name, uint32_t number,
                  uint8_t seed[32]);
/** Makes room for one more element of an array. @return 0, -ENOMEM. */
int array_grow(void *array, size_t element_bytes, unsigned count, unsigned *room);

/* outside.c */
/** Lets the other clock go on, to the next event or `until` at most. @return 0, or why the run ends. */
int world_keep_pace(struct strata_world *world, strata_time until);

/* node.c */
/** Sees to it that the node is settled before time goes on. */
void node_touch(struct strata_node *node);
/** Runs its fibers and carries its frames until it is silent, then schedules its next call. */
void node_settle(struct strata_node *node);
/** Its event is due. */
void node_fire(struct strata_node *node);
/** Makes sure that ports up to `port` exist with these properties (0: the next without a cable).
 * @return the port, or a negative errno. */
int node_make_port(struct strata_node *node, int port, enum strata_link link, uint32_t mtu_bytes);
/** Tells the host that a port has found or lost its carrier. */
void node_carrier(struct strata_node *node, int port, bool up);
void node_free(struct strata_node *node);
/** A counter by its number: whoever looks at all of them should not look for each by its name. */
int64_t node_counter(const struct strata_node *node, unsigned counter);
/** The name server that its programs ask. */
void node_set_resolver(struct strata_node *node, const struct strata_endpoint *server);

/* partition.c */
/** Whether a partition keeps a frame that comes from a neighbour's port from a node. */
bool partition_stops(const struct strata_node *from, const struct strata_node *to, enum strata_link link,
                     const uint8_t *frame, size_t length);

/* host.c: what only hosts have */
int host_create(struct strata_node *node, const struct strata_config *config);
int host_boot(struct strata_node *node);
/** Makes the runtime if there is none yet. @return 0, -ENOMEM. */
int host_runtime(struct strata_node *node);
/** Ends programs, runtime and host. */
void host_power_off(struct strata_node *node);
int host_start_programs(struct strata_node *node);
void host_free(struct strata_node *node);

/* disk.c */
/** The calls of a host's disk; they stop working when the node is cut off. `self` is the node. */
const struct strata_disk_ops *node_disk_ops(void);

/* flight.c */
/** A frame of up to `room` bytes, or NULL: world->error ends the run. */
struct flight *flight_new(struct strata_world *world, uint32_t room);
/** Room for a frame whose length nobody knows yet, at least DESK_BYTES, at most FRAME_MAX_BYTES. */
struct flight *flight_desk(struct strata_world *world, uint32_t room);
/** So many bytes were said at a desk. @return the frame; NULL: there is none, the desk is left again. */
struct flight *flight_said(struct strata_world *world, struct flight *flight, uint32_t length);
void flight_free(struct strata_world *world, struct flight *flight);

/* cable.c */
/** A node hands a frame to its cable; takes the flight over. */
void cable_send(struct strata_cable *cable, int direction, struct flight *flight);
/** Tells listeners of a frame. */
void cable_emit(const struct flight *flight, enum strata_lab_event_kind kind, const char *text);
/** Loses it. */
void cable_lose(struct flight *flight, uint64_t *counter, const char *why);
/** Tells how long the queue is, where somebody wants to know. */
void cable_tell_queue(struct direction *direction);
void cable_count_waiting(struct direction *direction, uint32_t count);
/* cable_queue.c */
/** The transmitter is free for the next frame that was held. */
void cable_transmit(struct direction *direction);
/** A frame waits in a queue until its turn comes. */
void cable_hold(struct flight *flight, struct direction *direction);
/** The cable is cut. */
void cable_lose_held(struct direction *direction);
/** Behaves differently from now on. @return 0, -ENOMEM. */
int direction_change(struct direction *direction, const struct strata_impairment *wanted);
void direction_end(struct direction *direction);
/* cable_travel.c */
/** Says whether it will be lost, by its number. */
void cable_decide_loss(struct flight *flight, struct direction *direction);
/** Looks at what may happen by chance, whenever that was changed. */
void cable_note_chances(struct direction *direction);
/** It leaves the sender for good: what may happen on the way. */
void cable_depart(struct flight *flight, struct direction *direction, strata_time leaves);
/** Nanoseconds that sending so many bytes takes, rounded up: no link is faster than its rate. At most 10^9 bytes. */
static inline strata_time sending_time(uint32_t bytes, uint64_t rate_bps)
{
    uint64_t bits_ns = (uint64_t)bytes * 8 * UINT64_C(1000000000); // below 2^63
    return (strata_time)(bits_ns / rate_bps + (bits_ns % rate_bps != 0));
}
/** A frame has reached the other end. */
void cable_deliver(struct flight *flight);
void cable_free(struct strata_cable *cable);

/* bus.c: cables of many ends */
int bus_new(struct bus **bus, struct strata_cable *cable, const struct strata_bus_end *ends, unsigned count,
            const struct strata_bus_config *config);
void bus_free(struct bus *bus);
/** A node hands a frame to its end; takes the flight over. */
void bus_send(struct bus *bus, unsigned end, struct flight *flight);
/** Its event is due. */
void bus_fire(struct bus *bus);
void bus_set_up(struct bus *bus, bool up);
uint32_t bus_waiting(const struct bus *bus);
/** NULL: there is no such end. */
const struct cable_end *bus_end(const struct bus *bus, unsigned end);

/* hash.c */
/** A digest of bytes, the same on every machine. */
uint64_t hash_bytes(const void *data, size_t size);
/** The digests of several frames, at most HASH_MANY. */
void hash_many(const uint8_t *const frame[], const size_t size[], unsigned count, uint64_t digest[]);
/** Folds one more number into a running hash. */
uint64_t hash_mix(uint64_t hash, uint64_t value);

/* fold.c */
/** Folds a frame that was sent or delivered now into the world's hash, sooner or later. */
void fold_frame(struct flight *flight, enum strata_lab_event_kind kind);
/** Its bytes are about to change. */
void fold_changing(struct strata_world *world, struct flight *flight);
/** Brings the world's hash up to date; no frame waits for its digest then. */
void fold_all(struct strata_world *world);

#endif
