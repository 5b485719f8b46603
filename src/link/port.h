/**
 * Ports: where frames come in and go out. A port asks its speakers in turn for the next frame.
 *
 * Three kinds of things have something to say at a port, in this order of precedence:
 *   1. control packets: replies without an owner (ARP, ICMP, RST, SYN-ACK), bounded per port;
 *   2. the forwarding queue: packets of others, bounded per port; and packets a neighbour released;
 *   3. speakers: connections and datagram sockets, which write their next frame straight into the driver's
 *      memory when asked. Turns are fair by bytes (deficit round robin); control and forwarding take turns
 *      with the speakers so that nobody starves.
 */
#ifndef LINK_PORT_H
#define LINK_PORT_H

#include "base/core.h"
#include "base/packet.h"

/** The memory a driver lends for one frame. */
struct room {
    uint8_t *bytes;
    size_t size;
    struct strata_meta *meta; /**< Never NULL. */
    strata_time now;
    int port; /**< Whose frame it is to be; port_output fills it in. */
};

struct speaker;
/** What a port asks of those who speak at it. */
struct speaker_ops {
    /**
     * Writes the next frame, link header included, into room.
     * @return its length; 0: nothing to say here any more (the port delists it, unless it has parked itself
     * at a neighbour, listed itself at another port, or freed itself: after 0 the port looks only at its own
     * list); -EMSGSIZE: the room is too small, ask again.
     */
    long (*speak)(struct speaker *speaker, struct room *room);
    /** The neighbour it was parked at did not answer (-EHOSTUNREACH), or the port it was listed or parked at
     * went down (-ENETDOWN). No longer listed anywhere; may mark itself again, at another port too. */
    void (*unreachable)(struct speaker *speaker, int error);
};
/** Embedded in a connection or datagram socket. In at most one list: of a port, or of a neighbour. */
struct speaker {
    struct list node;
    const struct speaker_ops *ops;
    int32_t credit_bytes; /**< Deficit of the round robin. */
    int16_t port;         /**< Where it is listed, -1: nowhere. */
};

static inline void speaker_init(struct speaker *speaker, const struct speaker_ops *ops)
{
    list_init(&speaker->node);
    speaker->ops = ops;
    speaker->credit_bytes = 0;
    speaker->port = -1;
}

/** An address of a port. */
struct port_address {
    struct strata_address address;
    uint8_t prefix_bits; /**< Of 128: an IPv4 /24 is 120. */
};

/** A multicast group that somebody here listens to. */
struct port_group {
    struct strata_address group;
    uint32_t members;
};

struct neighbour;
struct port {
    struct links *links;
    int index;
    char name[16];
    enum strata_link link;
    uint8_t mac[6];
    uint32_t mtu_bytes;
    bool up;
    bool full;  /**< Up, but nothing more can be sent (port_set_full). */
    bool sends; /**< Up and not full. */
    struct port_address *addresses;
    uint32_t address_count, address_room;
    uint32_t
        broadcast_bits; /**< Those that are all equal in every broadcast address of its subnets, see net. */
    struct packet_queue control; /**< Complete frames, link header included. */
    struct packet_queue forward; /**< Likewise. */
    struct list speakers;
    struct list ready_node; /**< In links->ready while it has something to say. */
    uint32_t turn;          /**< Of control, forwarding and speakers. */
    int32_t quantum_bytes;  /**< What a speaker may say in one round: a full frame. */
    struct port_group *groups;
    uint32_t group_count, group_room;
    struct neighbour *last_neighbour; /**< The one asked for last; most frames go where the last one went. */
    struct strata_address probed;     /**< See arp_probe. */
    bool probe_answered;
    strata_time defended; /**< When a claim to one of our addresses was last answered (RFC 5227 2.4). */
    uint64_t frames_in, frames_out, bytes_in, bytes_out;
};

/** What came in at a port, for the room above. */
struct link_input {
    int port;
    uint16_t ethertype;
    bool link_broadcast;  /**< The frame was to a broadcast or multicast station address. */
    bool loopback;        /**< We sent it ourselves. */
    const uint8_t *bytes; /**< The datagram. */
    size_t length;
    const struct strata_meta *meta; /**< Never NULL. */
};

/** What the room above provides. */
struct link_upper {
    void *context;
    void (*input)(void *context, const struct link_input *input);
    /** A packet whose neighbour did not answer; content is a network datagram (ethertype says which). The
     * callee does not own it. */
    void (*unresolved)(void *context, struct packet *packet);
    /** A port came up, went down or is gone (links_port says NULL): routes must be looked up again. */
    void (*changed)(void *context, int port);
};

/** All ports and neighbours of one host. */
struct links {
    struct core *core;
    struct link_upper upper;
    struct port **ports; /**< By index; NULL where there is none. */
    uint32_t port_count; /**< Indices given so far, with holes where ports went. */
    struct list ready;   /**< Ports with something to say. */
    struct neighbours *neighbours;
};

int links_init(struct links *links, struct core *core, const struct link_upper *upper);
void links_free(struct links *links);
/** @return the port's index, or a negative errno. Port 0 (loopback) is made by links_init. */
int links_add_port(struct links *links, const struct strata_port_config *config);
int links_remove_port(struct links *links, int port);
/** NULL: none. */
static inline struct port *links_port(const struct links *links, int port)
{
    return port >= 0 && (uint32_t)port < links->port_count ? links->ports[port] : NULL;
}
int port_set_up(struct port *port, bool up);
/** As if the device's queue were full: what would be said is refused or dropped until that changes. */
void port_set_full(struct port *port, bool full);
int port_add_address(struct port *port, const struct strata_address *address, unsigned prefix_bits);
int port_remove_address(struct port *port, const struct strata_address *address);
/** The port's own address entry equal to `address`, or NULL. */
const struct port_address *port_find_address(const struct port *port, const struct strata_address *address);
/** Joins and leaves a group at a port; memberships are counted. @return 0, -ENOMEM, -EADDRNOTAVAIL. */
int port_join(struct port *port, const struct strata_address *group);
int port_leave(struct port *port, const struct strata_address *group);
bool port_is_member(const struct port *port, const struct strata_address *group);
/** First address of the family of `like`, or NULL. */
const struct port_address *port_first_address(const struct port *port, const struct strata_address *like);

/** A frame has come (strata_host_input): Ethernet parsing, ARP, and up. */
void port_input(struct port *port, const void *frame, size_t length, const struct strata_meta *meta);
/** The next frame of a port, or 0 (strata_host_output). Never runs inside input. */
size_t port_output(struct port *port, struct room *room);
/** Whether a port has something to say: what links_ready asks, for the loopback too. */
bool port_is_ready(const struct port *port);
/** A port with something to say, or -1. Never the loopback, which does not speak to the outside. */
int links_ready(struct links *links);

/** Lists a speaker at a port: it has something to say there. Harmless when listed; moves it from elsewhere.
 */
void port_mark(struct port *port, struct speaker *speaker);
/** Takes a speaker off whatever list it is in. */
void speaker_silence(struct speaker *speaker);

/** Bytes the link header takes: 14 on Ethernet, else 0. */
static inline size_t port_header_bytes(const struct port *port)
{
    return port->link == STRATA_LINK_ETHERNET ? 14 : 0;
}
/** Writes the link header of a frame to `mac` (ignored without Ethernet). */
void port_emit_header(const struct port *port, uint8_t *room, const uint8_t mac[6], uint16_t ethertype);

/** Which queue a packet takes, see above. */
enum port_class { PORT_CONTROL, PORT_FORWARD };
/** Queues an owned, complete frame. Takes the packet in any case. */
void port_queue(struct port *port, struct packet *packet, enum port_class class);
/**
 * Sends an owned network datagram (packet->ethertype says which) to a next hop on this port: resolves, queues
 * at the neighbour while it must, then in the port's control or forwarding queue. Takes the packet in any
 * case; counts a drop where there is no room. `next_hop` multicast or broadcast goes to the group's station
 * address.
 */
void port_send(struct port *port, struct packet *packet, const struct strata_address *next_hop,
               bool broadcast, enum port_class class);

#endif
