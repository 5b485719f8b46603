/**
 * What the files of the network room share: the struct behind `struct net`, and the steps that hand a
 * datagram on.
 */
#ifndef NET_INTERNAL_H
#define NET_INTERNAL_H

#include "net/destination.h"
#include "net/net.h"
#include "net/reassembly.h"
#include "net/route.h"
#include "wire/icmp.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"

#define NET_UPPERS 8
#define NET_IDENTIFICATIONS 64
#define NET_MARK_BITS 9
/** Headroom of an owned packet whose content is a transport's payload: link, and the largest IPv4 header. */
#define NET_HEADROOM (PACKET_HEADROOM + 64u)

struct net {
    struct core *core;
    struct links links;
    struct routes routes;
    struct destinations destinations;
    struct reassembly reassembly;
    uint32_t generation; /**< Counts whatever makes a net_path stale. */
    uint32_t broadcast_bits; /**< Those that are all equal in every broadcast address of ours. */
    uint64_t own_marks[(1 << NET_MARK_BITS) / 64]; /**< A bit for each address of ours, see is_marked. */
    uint8_t upper_count;
    uint8_t upper_of[256]; /**< Protocol to 1 + index in uppers, 0: nobody. */
    struct net_upper uppers[NET_UPPERS];
    struct siphash_key identification_key;
    uint32_t identifications[NET_IDENTIFICATIONS];
    struct packet *pump_room; /**< Where speakers to ourselves write, once there was one. */
    int64_t error_credit;     /**< Token bucket of ICMP errors, in billionths of an error. */
    strata_time error_filled; /**< When it was last filled. */
};

static inline const struct net_upper *net_upper(const struct net *net, uint8_t protocol)
{
    unsigned index = net->upper_of[protocol];
    return index ? &net->uppers[index - 1] : NULL;
}
static inline void net_drop(struct net *net, enum counter reason, const struct net_packet *packet)
{
    core_drop(net->core, reason, packet->port, packet->datagram, packet->datagram_length);
}

/* Input, in the order in which a datagram passes. */
void ipv4_input(struct net *net, const struct link_input *input);
void ipv6_input(struct net *net, const struct link_input *input);
/** A whole datagram for us, after reassembly or without. */
void ipv4_deliver(struct net *net, const struct net_packet *packet);
/** Goes on behind the fragment header of a datagram that was put together. `next_at` is where the number of
 * the header at `offset` stands. */
void ipv6_continue(struct net *net, struct net_packet *packet, uint8_t next, size_t next_at, size_t offset);
void icmp_input(struct net *net, const struct net_packet *packet);
void ipv4_forward(struct net *net, const struct net_packet *packet, const struct ipv4_header *header);
void ipv6_forward(struct net *net, const struct net_packet *packet, const struct ipv6_header *header);
/** Finds the transport in a datagram that may be cut: its protocol and offset, behind all extension headers.
 * @return false: cut before it, or a later fragment. */
bool ipv6_find_upper(const uint8_t *datagram, size_t length, uint8_t *protocol, size_t *offset);

/* Output. */
/** Sends an owned payload that has NET_HEADROOM in front. Takes the packet in any case. */
int output_packet(struct net *net, const struct net_out *out, uint32_t scope, int bound_port,
                  struct packet *packet);
/** Cuts an IPv4 datagram into fragments and sends them. `header` is the whole datagram's. */
int fragment_ipv4(struct net *net, const struct net_path *path, const struct ipv4_header *header,
                  const uint8_t *payload, size_t length, int arrival, enum port_class class);
/** The same for IPv6, own datagrams only (RFC 8200-15). */
int fragment_ipv6(struct net *net, const struct net_path *path, const struct net_out *out,
                  uint32_t identification, const uint8_t *payload, size_t length);

/* ICMP errors. */
/** As net_send_error, with the type and code of the datagram's own family. */
void icmp_send_error(struct net *net, const struct net_packet *packet, uint8_t type, uint8_t code,
                     uint32_t info);
/** Takes a token if there is one. */
bool icmp_error_allowed(struct net *net);
void icmp_error_input(struct net *net, const struct net_packet *packet, const struct icmp_header *header);
/** Tells a transport that a datagram of our own cannot go out. */
void icmp_error_local(struct net *net, const struct packet *packet);
void icmp_redirect_input(struct net *net, const struct net_packet *packet, const struct icmp_header *header);
/** Tells the source of a better first hop if that is what this is (RFC 1812-15). */
void icmp_redirect_output(struct net *net, const struct net_packet *packet, const struct net_path *path);

/* Who an address is. */
enum net_kind { NET_OTHER, NET_OWN, NET_BROADCAST, NET_MULTICAST };
enum net_kind net_classify(const struct net *net, const struct port *port,
                           const struct strata_address *address);
/** Whether an address is one of ours or a broadcast address of our subnets, at whichever port: no source of
 * what comes in at `port`. Only a link-local address may be somebody else's at another port. */
bool net_claims(const struct net *net, const struct port *port, const struct strata_address *address);
/** Whether an address is on the link of a port. */
bool net_on_link(const struct net *net, const struct port *port, const struct strata_address *address);
/** A port came, went or changed. */
void net_port_changed(void *context, int port);
/** Whether routes lead back to `source` over the port it came from (RFC 1812-21). */
bool net_reverse_path(const struct net *net, const struct net_packet *packet);

#endif
