/**
 * Neighbours: which station address belongs to a next hop on a port. ARP (RFC 826) fills the table for IPv4.
 *
 * States: incomplete (asked, packets and speakers wait), reachable, stale (used, and asked again by unicast when
 * used), failed (not asked again for a while). The table is bounded; what was not used longest goes first.
 */
#ifndef LINK_NEIGHBOUR_H
#define LINK_NEIGHBOUR_H

#include "link/port.h"

enum neighbour_result { NEIGHBOUR_RESOLVED, NEIGHBOUR_PENDING, NEIGHBOUR_UNREACHABLE };

/** The station address of a next hop; asks the network when it is not known. Multicast and broadcast next hops,
 * and ports without neighbours, resolve at once. */
enum neighbour_result neighbour_resolve(struct port *port, const struct strata_address *next_hop, bool broadcast,
                                        uint8_t mac[6]);
/** Keeps a packet until the next hop answers; the oldest makes room. Only after NEIGHBOUR_PENDING. */
void neighbour_wait(struct port *port, const struct strata_address *next_hop, struct packet *packet);
/** Parks a speaker until the next hop answers (then it is marked at the port again) or is given up. */
void neighbour_park(struct port *port, const struct strata_address *next_hop, struct speaker *speaker);
/** Upper layers heard from the next hop in answer to what they said: it is alive. */
void neighbour_confirm(struct port *port, const struct strata_address *next_hop);
/** Sets an entry by hand, never aged; mac NULL deletes. */
int neighbour_set(struct port *port, const struct strata_address *next_hop, const uint8_t mac[6]);
/** Entries in the table, for strata_memory. */
unsigned neighbour_count(const struct links *links);
/** An ARP packet has come. */
void arp_input(struct port *port, const uint8_t *bytes, size_t length);
/** Gratuitous ARP for an address of ours. */
void arp_announce(struct port *port, const struct strata_address *address);
/** Asks who has an address, with sender 0 (RFC 5227 probe); for DHCP's check. */
void arp_probe(struct port *port, const struct strata_address *address);
/** Whether somebody answered for `address` since it was probed. */
bool arp_probe_answered(const struct port *port, const struct strata_address *address);

#endif
