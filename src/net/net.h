/**
 * The network room: datagrams between hosts, IPv4 and IPv6, as the transports see it.
 *
 * Down: a transport keeps a `net_path` to its peer, asks `net_begin` where to write its segment, writes it
 * there and finishes with `net_finish`, which writes the IP and link headers in front. Replies that no
 * connection owns go as owned packets by `net_send`. Up: a table per protocol, filled in at birth.
 */
#ifndef NET_NET_H
#define NET_NET_H

#include "link/neighbour.h"
#include "link/port.h"
#include "wire/wire.h"

/** A received datagram as a transport sees it. Valid during the call. */
struct net_packet {
    struct strata_address source, destination;
    int port; /**< Arrival; 0 for what we send to ourselves, except copies of multicast (net_out.loop). */
    uint8_t protocol; /**< Of the payload. */
    uint8_t ttl, tos;
    uint8_t flags; /**< NET_PACKET_* */
    const uint8_t *payload;
    size_t length;
    const uint8_t *datagram; /**< From the IP header on, for ICMP to quote. */
    size_t datagram_length;
    const struct strata_meta *meta;
};
enum {
    NET_PACKET_LINK_BROADCAST = 1, /**< The frame was broadcast or multicast. */
    NET_PACKET_BROADCAST = 2,      /**< The destination is a broadcast address. */
    NET_PACKET_MULTICAST = 4,
    NET_PACKET_REASSEMBLED = 8,
    NET_PACKET_LOOPBACK = 16, /**< From ourselves. */
    NET_PACKET_FOREIGN = 32,  /**< Not our address; a transparent listener asked for it. */
};

/** An ICMP error about a datagram that we sent. */
struct net_error {
    struct strata_address source, destination; /**< Of the quoted datagram: source is ours. */
    struct strata_address reporter;
    int port;
    uint8_t protocol;
    bool ipv6;
    uint8_t type, code;
    uint32_t info;         /**< Next-hop MTU of a "too big", pointer of a parameter problem. */
    int error;             /**< The errno it stands for, positive. */
    bool hard;             /**< Ends a connection (RFC 1122 4.2.3.9): protocol, port unreachable. */
    const uint8_t *quoted; /**< From the transport header on. */
    size_t quoted_length;
};

/** What a transport provides. */
struct net_upper {
    void *context;
    void (*input)(void *context, const struct net_packet *packet);
    void (*error)(void *context, const struct net_error *error);
    /** Whether a datagram of this protocol to a foreign address is for us after all (a transparent socket);
     * asked before it is forwarded or dropped. If so it comes in with NET_PACKET_FOREIGN. NULL: never. */
    bool (*wants)(void *context, const struct net_packet *packet);
    /** Whether a quoted datagram can be one that was sent: asked before a path MTU is believed (RFC 8201-4).
     * NULL: whatever names a source of ours is believed. */
    bool (*owns)(void *context, const struct net_error *error);
    /** What it owns could be guessed by a stranger: a path MTU never falls below a setting by it. */
    bool guessable;
};

/** The way to a destination, kept by whoever sends there often. */
struct net_path {
    struct strata_address destination;
    struct strata_address next_hop;
    uint32_t scope;
    uint32_t generation; /**< Of the routes when it was found. */
    uint32_t mtu_bytes;  /**< Of the path: the port's, or less where learned. */
    int16_t port;
    int16_t bound_port; /**< As asked for, 0: any. */
    bool broadcast;
};

/** How a datagram is to be sent. */
struct net_out {
    struct strata_address source, destination;
    uint8_t protocol, ttl, tos; /**< ttl 0: the host's default. */
    bool dont_fragment;
    uint8_t options_length; /**< net_send over IPv4 only: a multiple of 4, at most 40. */
    const uint8_t *options;
    /** Multicast: our own members hear it too. net_finish and net_send then put a copy of the frame into the
     * loopback, which comes in as if it had arrived at the port it left by, with NET_PACKET_LOOPBACK. */
    bool loop;
    uint32_t identification; /**< net_identification's for fragments; otherwise net_finish chooses. */
    /* A fragment that the transport cut itself (net_begin_fragment); all zero otherwise. */
    bool fragment, more_fragments;
    uint16_t fragment_offset_bytes;
};

struct net;
int net_new(struct net **net, struct core *core);
void net_free(struct net *net);
struct links *net_links(struct net *net);
struct core *net_core(struct net *net);
/** Says who takes a protocol (both families; ICMP echo replies go to PROTOCOL_ICMP's upper). */
void net_set_upper(struct net *net, uint8_t protocol, const struct net_upper *upper);

/** Finds the way; bound_port 0: any. `scope` names the port of link-local destinations. @return 0,
 * -ENETUNREACH. */
int net_path_find(struct net *net, struct net_path *path, const struct strata_address *destination,
                  uint32_t scope, int bound_port);
/** Whether routes or path MTU have changed since: find again before use. */
bool net_path_is_stale(const struct net *net, const struct net_path *path);
/** The source address for a path (RFC 1122 3.3.4.3, RFC 6724 where it applies). @return 0, -EADDRNOTAVAIL. */
int net_source(struct net *net, const struct net_path *path, struct strata_address *source);
/** Whether an address is one of ours (any port, loopback included). */
bool net_is_own(const struct net *net, const struct strata_address *address);
/** Whether an address is a broadcast address on some port of ours. */
bool net_is_broadcast(const struct net *net, const struct strata_address *address);
/** Told by a transport whose data does not arrive: the first hop may be dead (RFC 9293 MUST-20, RFC 1122-16).
 */
void net_doubt(struct net *net, const struct net_path *path);

/**
 * Begins a datagram on a path, in the room a driver lent. The transport writes at *payload, at most *capacity
 * bytes (bounded by the path's MTU and by the room).
 * @return 0; -EINPROGRESS: the neighbour is being asked and `speaker` was parked there (NULL: nobody is
 * parked, whoever wants to wait calls neighbour_park); -EHOSTUNREACH, -ENETUNREACH, -ENETDOWN; -EMSGSIZE:
 * less than `least` bytes fit the room; -E2BIG: less than `least` bytes fit the path's MTU; -EXDEV: the path
 * leads to another port than the room's and there is no speaker (one that there is was listed at that port,
 * which is -EINPROGRESS). A path that is stale is found again by itself, so its MTU and port may change here.
 */
int net_begin(struct net *net, struct net_path *path, struct room *room, struct speaker *speaker,
              size_t least, uint8_t **payload, size_t *capacity);
/** As net_begin for a datagram that is cut into fragments: leaves room for the fragment header where there is
 * one, *capacity is a multiple of 8. `net_out` says fragment, more_fragments and fragment_offset_bytes to
 * net_finish. */
int net_begin_fragment(struct net *net, struct net_path *path, struct room *room, struct speaker *speaker,
                       size_t least, uint8_t **payload, size_t *capacity);
/** A fresh identification for the fragments of one datagram (RFC 6864, RFC 7739). */
uint32_t net_identification(struct net *net, const struct net_out *out);
/** Writes the headers in front of `length` payload bytes. @return the whole frame's length. */
size_t net_finish(struct net *net, const struct net_path *path, struct room *room, const struct net_out *out,
                  size_t length);
/** Sends a datagram as an owned packet (control class). Fragments it when it must. @return 0 or a negative
 * errno. */
int net_send(struct net *net, const struct net_out *out, uint32_t scope, int bound_port, const void *payload,
             size_t length);
/** Upper layers made progress with a peer behind this path: the first hop is alive. */
void net_confirm(struct net *net, const struct net_path *path);
/** The greatest payload that reassembly gives to a transport (MMS_R, RFC 1122-20). */
#define NET_RECEIVE_MAX (65535u - 20u)
/** Largest transport payload without fragments on a path (MMS_S, RFC 1122-20). */
size_t net_path_payload(const struct net_path *path);

/** Sends an ICMP error about a received datagram, unless a rule says silence (RFC 792-4, RFC 4443-4).
 * type and code are those of IPv4's ICMP; net translates for IPv6. */
void net_send_error(struct net *net, const struct net_packet *packet, uint8_t type, uint8_t code,
                    uint32_t info);

/** Multicast: membership per port, counted. port 0: by route. */
int net_join(struct net *net, const struct strata_address *group, int port);
/** @return 0, -EADDRNOTAVAIL: not a member there. */
int net_leave(struct net *net, const struct strata_address *group, int port);

int net_address_add(struct net *net, int port, const struct strata_address *address, unsigned prefix_length);
int net_address_remove(struct net *net, int port, const struct strata_address *address);
int net_route_add(struct net *net, const struct strata_route *route);
int net_route_remove(struct net *net, const struct strata_route *route);
int net_route_get(const struct net *net, unsigned index, struct strata_route *route);

/** What it and the rooms below hold: fills in `reassemblies` and `neighbours`. */
void net_memory(const struct net *net, struct strata_memory *memory);
/** The internal loopback: carries at most a bounded number of frames. @return whether more wait. */
bool net_pump_loopback(struct net *net);
/** Whether the loopback holds frames: then the host's deadline is now. */
bool net_loopback_waiting(const struct net *net);

#endif
