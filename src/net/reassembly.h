/**
 * Putting fragments together, of both families, within a bound of memory, count and time.
 */
#ifndef NET_REASSEMBLY_H
#define NET_REASSEMBLY_H

#include "base/core.h"
#include "base/table.h"
#include "net/net.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"

struct reassembly {
    struct table table;
    struct list datagrams; /**< The oldest in front. */
    uint32_t count;
    size_t bytes; /**< What they hold, bookkeeping included. */
};

void reassembly_init(struct net *net);
void reassembly_free(struct net *net);
/** Forgets what is incomplete at a port that is gone. */
void reassembly_forget_port(struct net *net, int port);
/** A fragment of an IPv4 datagram for us has come; delivers the datagram if it was the last one missing. */
void reassembly_ipv4(struct net *net, const struct net_packet *packet, const struct ipv4_header *header);
/** The same for IPv6: the fragment header stands at `offset` of the datagram, and its number at `next_at`. */
void reassembly_ipv6(struct net *net, const struct net_packet *packet, const struct ipv6_fragment *fragment,
                     size_t next_at, size_t offset);

#endif
